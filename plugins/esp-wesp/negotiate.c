// SPDX-License-Identifier: LGPL-2.1-or-later
/* negotiate: USE_WESP_MODE (RFC 5840, 2.3): asked for and answered by children with wesp = yes. */
#include "esp-wesp.h"

#include <errno.h>
#include <ravelin/connection.h>
#include <ravelin/ikev2-child.h>

enum { USE_WESP_MODE = 16415 };

/* Attached to the exchange of a responder: what it is going to answer for. */
struct agreed {
	uint32_t child;
};

/* One extension an SA; that of its mode goes first. "requesting a CHILD_SA using ESP". */
static bool wanted(const struct rv_child *child)
{
	return child && rv_conf_bool(child->conf->conf, "wesp") && !child->conf->ext &&
	       child->conf->protocol == RV_PROTO_ESP && rv_child_extends(child);
}

static int say(struct rv_ike_exchange *x)
{
	return rv_ike_add_notify(x, USE_WESP_MODE, rv_bytes(NULL, 0));
}

static int offer(struct rv_ike_exchange *x, void *self)
{
	return rv_ike_role(x) == RV_IKE_INITIATOR && wanted(rv_ike_child(x)) ? say(x) : 0;
}

static int agree(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *child = rv_ike_child(x);
	struct agreed *agreed;
	struct rv_bytes data;

	if (!wanted(child) || !rv_ike_notify(x, USE_WESP_MODE, 0, &data))
		return 0;
	if (rv_ike_role(x) == RV_IKE_RESPONDER) {
		agreed = rv_attach(self, x, struct agreed);
		if (!agreed)
			return -ENOMEM;
		agreed->child = child->id;
	}
	return rv_child_extend(child, WESP_NAME, rv_bytes(NULL, 0), rv_bytes(NULL, 0));
}

static int answer(struct rv_ike_exchange *x, void *self)
{
	const struct rv_host *host = self;
	const struct agreed *agreed = rv_attached(self, x, struct agreed);

	if (!agreed || rv_ike_role(x) != RV_IKE_RESPONDER || !rv_child_by_id(host->core, agreed->child))
		return 0;
	return say(x);
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_CHILD_OFFER, 0, offer },
	{ RV_IKE_AT_CHILD_KEYED, 0, agree },
	{ RV_IKE_AT_BUILD, 0, answer },
};

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

int negotiate_offer(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = WESP_NAME }, &ops, host);
}

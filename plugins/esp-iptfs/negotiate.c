// SPDX-License-Identifier: LGPL-2.1-or-later
/* negotiate: USE_AGGFRAG (RFC 9347, 5.1 and 6.1.4).
 *
 * A child with mode = iptfs asks for it, answers, and does not come up without it. (Where this plugin is not there, the
 * core refuses: struct rv_child_conf, ext.)
 */
#include "esp-iptfs.h"

#include <errno.h>
#include <ravelin/connection.h>
#include <ravelin/ikev2-child.h>
#include <string.h>

/* C: "requiring that congestion control information MUST be returned to it"; D: "does not support receiving packet
 * fragments". */
enum { NO_PROPOSAL_CHOSEN = 14, USE_AGGFRAG = 16442, FLAG_D = 1, FLAG_C = 2, FLAGS = FLAG_C | FLAG_D };

/* Attached to the exchange of a responder: what it is going to answer for. */
struct agreed {
	uint32_t child;
};

static bool wanted(const struct rv_child *child)
{
	return child && child->conf->ext && !strcmp(child->conf->ext, IPTFS_NAME) && rv_child_extends(child);
}

/* Whether we need the peer's reports: to control the rate, or to know that too much is lost. */
static bool needs_reports(const struct rv_conf *conf)
{
	return rv_conf_bool(conf, "iptfs_congestion_control") || rv_conf_int(conf, "iptfs_breaker_loss");
}

static uint8_t our_flags(const struct rv_conf *conf)
{
	return (uint8_t)((needs_reports(conf) ? FLAG_C : 0) |
			 (rv_conf_bool(conf, "iptfs_accept_fragments") ? 0 : FLAG_D));
}

static int say(struct rv_ike_exchange *x, const struct rv_child *child)
{
	uint8_t flags = our_flags(child->conf->conf);

	return rv_ike_add_notify(x, USE_AGGFRAG, rv_bytes(&flags, 1));
}

/* RFC 9347, 5.1: flags that are not understood keep it from being used. */
static bool heard(const struct rv_ike_exchange *x, uint8_t *flags)
{
	struct rv_bytes data;

	if (!rv_ike_notify(x, USE_AGGFRAG, 0, &data) || data.len != 1)
		return false;
	*flags = data.p[0];
	return !(*flags & ~FLAGS);
}

static int offer(struct rv_ike_exchange *x, void *self)
{
	const struct rv_child *child = rv_ike_child(x);

	return rv_ike_role(x) == RV_IKE_INITIATOR && wanted(child) ? say(x, child) : 0;
}

static int extend(struct rv_child *child, uint8_t flags)
{
	const struct rv_conf *conf = child->conf->conf;
	struct send_terms out = { .fragments = !(flags & FLAG_D),
				  .reports = flags & FLAG_C || needs_reports(conf),
				  .controlled = rv_conf_bool(conf, "iptfs_congestion_control"),
				  .dscp = (uint8_t)rv_conf_int(conf, "iptfs_dscp"),
				  .packet_size = (uint16_t)rv_conf_int(conf, "iptfs_packet_size"),
				  .bits = (uint64_t)rv_conf_int(conf, "iptfs_bandwidth") * 1000,
				  .queue = (uint32_t)rv_conf_int(conf, "iptfs_max_queue_size"),
				  .init_delay_us = (uint32_t)rv_conf_int(conf, "iptfs_init_delay"),
				  .breaker_loss = (uint32_t)rv_conf_int(conf, "iptfs_breaker_loss"),
				  .breaker_us = (uint32_t)rv_conf_int(conf, "iptfs_breaker_time") * 1000000 };
	struct receive_terms in = { .fragments = rv_conf_bool(conf, "iptfs_accept_fragments"),
				    .ecn = rv_conf_bool(conf, "iptfs_ecn"),
				    .window = (uint8_t)rv_conf_int(conf, "iptfs_reorder_window"),
				    .drop_us = (uint32_t)rv_conf_int(conf, "iptfs_drop_time") };
	uint8_t in_octets[TERMS_MOST], out_octets[TERMS_MOST];

	return rv_child_extend(child, IPTFS_NAME, receive_terms_write(&in, in_octets),
			       send_terms_write(&out, out_octets));
}

/* RFC 9347, 5.1: "If this is unacceptable to the initiator, the initiator MUST delete the child SA": it is, to both
 * sides, since their traffic would show. "MUST NOT be combined with USE_TRANSPORT notification". */
static int agree(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *child = rv_ike_child(x);
	struct agreed *agreed;
	uint8_t flags;

	if (!wanted(child))
		return 0;
	if (child->mode != RV_TUNNEL || !heard(x, &flags))
		return rv_ike_veto(
			x, NO_PROPOSAL_CHOSEN, rv_bytes(NULL, 0),
			"mode = iptfs needs a peer that agrees to USE_AGGFRAG (RFC 9347), which this one does not");
	if (rv_ike_role(x) == RV_IKE_RESPONDER) {
		agreed = rv_attach(self, x, struct agreed);
		if (!agreed)
			return -ENOMEM;
		agreed->child = child->id;
	}
	return extend(child, flags);
}

static int answer(struct rv_ike_exchange *x, void *self)
{
	const struct rv_host *host = self;
	const struct agreed *agreed = rv_attached(self, x, struct agreed);
	const struct rv_child *child = agreed ? rv_child_by_id(host->core, agreed->child) : NULL;

	return child && rv_ike_role(x) == RV_IKE_RESPONDER ? say(x, child) : 0;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_CHILD_OFFER, 0, offer },
	{ RV_IKE_AT_CHILD_KEYED, 0, agree },
	{ RV_IKE_AT_BUILD, 0, answer },
};

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks) };

int negotiate_offer(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = IPTFS_NAME }, &ops, host);
}

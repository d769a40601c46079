// SPDX-License-Identifier: LGPL-2.1-or-later
/* info: INFORMATIONAL exchanges: liveness, deletion of child SAs and of the IKE SA (RFC 7296, 1.4, 2.4, 2.25).
 */
#include "child.h"

#include "config.h"
#include "octets/notify.h"
#include "reauth.h"
#include "requests.h"
#include "transitions.h"

#include <errno.h>

enum { DELETES_MAX = 16 };

/* Our requests */

static int nothing(struct rv_ike_exchange *x, void *self)
{
	return 0;
}

static int complain(struct rv_ike_exchange *x, void *self)
{
	ike_notify_put(&x->out, x->veto ? x->veto : IKE_N_AUTHENTICATION_FAILED, rv_bytes(x->veto_data, x->veto_len));
	return 0;
}

static int delete_self(struct rv_ike_exchange *x, void *self)
{
	if (x->sa->state != RV_IKE_REPLACED)
		x->sa->state = RV_IKE_DELETING;
	ike_delete_put(&x->out, RV_PROTO_KEYING, NULL, 0);
	return 0;
}

/* RFC 7296, 1.4.1: "listing the SPIs (as they would be expected in the headers of inbound packets)" */
static int delete_child(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *child = x->old ? rv_child_by_id(x->sa->engine->host->core, x->old) : NULL;

	if (x->old && !child)
		return -RV_ECANCELLED;
	ike_delete_put(&x->out, child ? child->protocol : RV_PROTO_ESP, child ? &child->spi_in : &x->spi_out, 1);
	return 0;
}

/* RFC 7296, 3.10.1: "The Notification Data contains the SPI of the invalid packet." */
static int put_spi(struct rv_ike_exchange *x, void *self)
{
	uint8_t spi[4];
	struct rv_wr w = rv_wr(spi, sizeof(spi));

	rv_wr_u32(&w, x->spi_out);
	ike_notify_put(&x->out, IKE_N_INVALID_SPI, rv_wr_bytes(&w));
	return 0;
}

static rv_ike_step_fn *const build_nothing[] = { nothing, NULL }, *const build_spi[] = { put_spi, NULL },
			     *const build_complaint[] = { complain, NULL },
			     *const build_delete[] = { delete_self, NULL },
			     *const build_child_delete[] = { delete_child, NULL };

static void end_sa(struct rv_ike_exchange *x, int result, void *self)
{
	x->fate = IKE_FATE_END;
}

static void end_child(struct rv_ike_exchange *x, int result, void *self)
{
	struct rv_child *child = x->old ? rv_child_by_id(x->sa->engine->host->core, x->old) : NULL;

	if (child)
		rv_child_down(child, 0);
}

static void end_liveness(struct rv_ike_exchange *x, int result, void *self)
{
	struct rv_subject subject = ike_subject(x->sa);

	if (result == -RV_ETIMEOUT)
		rv_log(&subject, RV_WARN, "peer-dead", KV_STR("why", x->why.text));
}

const struct rv_ike_plan ike_plan_liveness = { .story = "ask whether the peer lives",
					       .exchange = IKE_EXCHANGE_INFORMATIONAL,
					       .build = build_nothing,
					       .end = end_liveness };
const struct rv_ike_plan ike_plan_delete = { .story = "delete the IKE SA",
					     .exchange = IKE_EXCHANGE_INFORMATIONAL,
					     .alone = true,
					     .build = build_delete,
					     .end = end_sa };
const struct rv_ike_plan ike_plan_child_delete = { .story = "delete a child SA",
						   .exchange = IKE_EXCHANGE_INFORMATIONAL,
						   .build = build_child_delete,
						   .end = end_child };
const struct rv_ike_plan ike_plan_auth_failed = { .story = "tell the responder that we do not accept its proof",
						  .exchange = IKE_EXCHANGE_INFORMATIONAL,
						  .alone = true,
						  .build = build_complaint,
						  .end = end_sa };

const struct rv_ike_plan ike_plan_unknown_spi = { .story = "say that nobody has an SPI",
						  .exchange = IKE_EXCHANGE_INFORMATIONAL,
						  .build = build_spi };

static int ask(struct rv_ike_sa *sa, const struct rv_ike_plan *plan, uint32_t old, uint32_t spi_in)
{
	struct rv_ike_exchange *x = ike_exchange_ask(sa, plan);

	if (!x)
		return -ENOMEM;
	x->old = old;
	x->spi_out = spi_in;
	ike_exchange_kick(sa);
	return 0;
}

int ike_liveness(struct rv_ike_sa *sa)
{
	return ask(sa, &ike_plan_liveness, 0, 0);
}

int ike_tell_unknown(struct rv_ike_sa *sa, uint32_t spi)
{
	return ike_exchange_busy(sa, &ike_plan_unknown_spi) ? 0 : ask(sa, &ike_plan_unknown_spi, 0, spi);
}

/* What waits in the queue is of no use any more; "the Delete payload to delete itself MUST be the last request sent
 * over the old IKE SA" (RFC 7296, 2.8). */
int ike_delete(struct rv_ike_sa *sa)
{
	if (sa->state == RV_IKE_DELETING || ike_exchange_busy(sa, &ike_plan_delete))
		return 0;
	rv_list_each (&sa->requests, x, struct rv_ike_exchange, entry)
		if (x->phase == IKE_QUEUED)
			talloc_free(x);
	if (sa->state != RV_IKE_REPLACED)
		sa->state = RV_IKE_DELETING;
	sa->rekey_us = sa->dpd_us = sa->reauth_us = 0;
	return ask(sa, &ike_plan_delete, 0, 0);
}

/* The responder may have it already, with child SAs that carry traffic: it is deleted as soon as we know of it. */
int ike_delete_when_up(struct rv_ike_sa *sa)
{
	return ike_exchange_busy(sa, &ike_plan_delete) ? 0 : ask(sa, &ike_plan_delete, 0, 0);
}

int ike_child_delete(struct rv_child *child)
{
	struct rv_ike_sa *sa = child->peer->sa;

	if (child->state == RV_CHILD_DELETING)
		return 0;
	if (!sa || sa->state < RV_IKE_ESTABLISHED || sa->state == RV_IKE_DELETING) {
		rv_child_down(child, 0);
		return 0;
	}
	child->state = RV_CHILD_DELETING;
	return ask(sa, &ike_plan_child_delete, child->id, 0);
}

void ike_child_disown(struct rv_ike_sa *sa, uint32_t spi_in)
{
	(void)ask(sa, &ike_plan_child_delete, 0, spi_in);
}

/* The peer's requests */

/* One SPI of a Delete payload; our inbound SPI for the answer, or 0 (RFC 7296, 1.4.1, 2.25.1). */
static uint32_t delete_one(struct rv_ike_exchange *x, uint8_t protocol, uint32_t spi)
{
	struct rv_child *child = ike_child_by_spi_out(x->sa->peer, spi);
	struct ike_child *ic = child ? child->keying : NULL;
	struct rv_child *successor;
	uint32_t spi_in;

	if (!child || child->protocol != protocol)
		return 0;
	successor = ic && ic->successor ? rv_child_by_id(x->sa->engine->host->core, ic->successor) : NULL;
	if (successor)
		ike_child_complete(successor);
	if (child->state == RV_CHILD_DELETING) {
		/* RFC 7296, 1.4.1: both ask: "it MUST delete the outgoing SAs while processing the request and the
		 * incoming SAs while processing the response" */
		rv_child_out_down(child);
		return 0;
	}
	spi_in = child->spi_in;
	/* one that lost a rekey collision goes without a word */
	rv_child_down(child, ic && ic->keys.block ? 0 : -RV_EPEER_GONE);
	return spi_in;
}

static int delete_payload(struct rv_ike_exchange *x, const struct ike_delete *d)
{
	struct rv_subject subject = ike_subject(x->sa);
	uint32_t ours[DELETES_MAX];
	size_t n = 0;

	if (d->protocol == RV_PROTO_KEYING) {
		rv_log(&subject, RV_INFO, "ike-sa-deleted-by-peer");
		ike_rekey_forget(x->sa);
		ike_reauth_complete(x->sa->peer);
		x->fate = IKE_FATE_END;
		x->reason = -RV_EPEER_GONE;
		rv_why_set(&x->why, -RV_EPEER_GONE, "the peer deleted the IKE SA");
		return 0;
	}
	for (uint16_t i = 0; i < d->n; i++) {
		uint32_t spi_in = delete_one(x, d->protocol, ike_delete_spi(d, i));

		if (spi_in)
			ours[n++] = spi_in;
		if (n == DELETES_MAX || (i + 1 == d->n && n)) {
			ike_delete_put(&x->out, d->protocol, ours, n);
			n = 0;
		}
	}
	return 0;
}

static int read_deletes(struct rv_ike_exchange *x, void *self)
{
	struct ike_delete d;

	ike_chain_each(&x->chain, p, IKE_PAYLOAD_DELETE)
	{
		if (!ike_delete_read(&d, p->body))
			return -RV_ESYNTAX;
		int r = delete_payload(x, &d);
		if (r)
			return r;
	}
	return 0;
}

/* RFC 7296, 2.21.2: after IKE_AUTH these three end the IKE SA without a Delete payload. */
static int read_errors(struct rv_ike_exchange *x, void *self)
{
	struct rv_subject subject = ike_subject(x->sa);
	uint16_t type = ike_error_in(x);
	const char *name = ike_notify_name(type);

	if (!type)
		return 0;
	rv_log(&subject, RV_NOTICE, "peer-complains", KV_STR("of", name), KV_UINT("type", type));
	if (!ike_notify_is_fatal(type, true))
		return 0;
	x->fate = IKE_FATE_END;
	x->reason = ike_error_of(type);
	rv_why_set(&x->why, x->reason, "the peer ended the IKE SA with %s", name ? name : "an error");
	return 0;
}

rv_ike_step_fn *const ike_info_answer[] = { read_deletes, read_errors, ike_config_lend, ike_config_write, NULL };

static int read_answer(struct rv_ike_exchange *x, void *self)
{
	uint16_t type = ike_error_in(x);

	/* whatever the peer thinks of it: the request was answered, so it lives */
	if (type && ike_notify_is_fatal(type, false)) {
		x->fate = IKE_FATE_END;
		x->reason = ike_error_of(type);
	}
	return 0;
}

rv_ike_step_fn *const ike_info_read[] = { read_answer, NULL };

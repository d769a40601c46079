// SPDX-License-Identifier: LGPL-2.1-or-later
/* rekey: the IKE SA is replaced (RFC 7296, 1.3.2, 2.8, 2.8.2, 2.18, 2.25.2).
 *
 * The successor is made inside the exchange and takes over when it is complete; who asked for it deletes the old one.
 * When both asked, the IKE SA made with the lowest of the four nonces goes, deleted by who asked for it.
 */
#include "kex.h"

#include "requests.h"
#include "transitions.h"

#include <errno.h>
#include <string.h>

enum { RETRY_US = 5 * 1000000, RETRY_SPREAD_US = 10 * 1000000 };

static struct rv_bytes spi_octets(uint64_t spi, uint8_t room[static IKE_SPI_LEN])
{
	struct rv_wr w = rv_wr(room, IKE_SPI_LEN);

	rv_wr_u64(&w, spi);
	return rv_wr_bytes(&w);
}

static uint64_t spi_of(struct rv_bytes octets)
{
	struct rv_rd r = rv_rd(octets);
	uint64_t spi = rv_rd_u64(&r);

	return rv_rd_done(&r) ? spi : 0;
}

bool ike_is_rekey(const struct rv_ike_exchange *x)
{
	struct ike_proposals offer;

	return ike_offer_read(&offer, ike_body(x, IKE_PAYLOAD_SA)) && offer.n &&
	       offer.proposal[0].protocol == RV_PROTO_KEYING;
}

/* The successor, a child of x until it takes over. */
static int make(struct rv_ike_exchange *x, void *self)
{
	uint64_t ours = x->spi, theirs = x->spi_theirs;
	struct rv_ike_sa *sa = x->sa, *fresh = ike_sa_new(sa->engine, x, sa->peer, sa->port, x->plan != NULL);
	struct rv_bytes mine = rv_bytes(x->nonce, sizeof(x->nonce));
	struct ike_keys old;
	int r;

	if (!fresh)
		return -ENOMEM;
	fresh->spi_i = x->plan ? ours : theirs;
	fresh->spi_r = x->plan ? theirs : ours;
	fresh->encap = sa->encap;
	fresh->state = RV_IKE_ESTABLISHED;
	r = ike_sa_suite(fresh, &x->chosen, &x->why);
	if (r)
		return r;
	ike_sa_keys(sa, &old);
	const struct ike_key_input in = { .ni = x->plan ? mine : x->ni,
					  .nr = x->plan ? x->nr : mine,
					  .shared = rv_secret_bytes(x->kex->shared),
					  .more = x->secrets ? rv_secret_bytes(x->secrets) : rv_bytes(NULL, 0),
					  .spi_i = fresh->spi_i,
					  .spi_r = fresh->spi_r,
					  .old_prf = sa->prf.service,
					  .old_d = old.d };

	r = ike_sa_make_keys(fresh, x, &in, &x->why);
	if (r)
		return r;
	r = ike_sa_trim_keys(fresh);
	if (!r)
		r = ike_sas_add(fresh);
	x->fresh = fresh;
	return r;
}

/* Our request */

static int begin(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *c = x->sa->peer->connection;
	const struct rv_transform *t = c->n_proposals ? rv_proposal_get(&c->proposals[0], RV_CLASS_KE) : NULL;

	if (x->sa->state != RV_IKE_ESTABLISHED)
		return -RV_ECANCELLED;
	if (!t)
		return rv_why_set(&x->why, -RV_ECONFIG, "the proposals of %s name no key exchange", c->name);
	x->sa->state = RV_IKE_REKEYING;
	x->spi = ike_spi_new(x->sa->engine);
	rv_list_del(&x->pending);
	rv_list_add(&x->sa->engine->pending, &x->pending);
	ike_nonce(x);
	return ike_kex_new(x, x->group ? x->group : t->id) ? ike_kex_generate(x) : -ENOMEM;
}

static int at_propose(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_PROPOSE);
}

static int offer(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *c = x->sa->peer->connection;
	uint8_t spi[IKE_SPI_LEN];

	ike_offer_put(&x->out, c->proposals, c->n_proposals, spi_octets(x->spi, spi));
	ike_nonce_put(&x->out, rv_bytes(x->nonce, sizeof(x->nonce)));
	ike_ke_put(&x->out, x->kex->group, x->kex->ours);
	return 0;
}

static rv_ike_step_fn *const build[] = { begin, at_propose, offer, NULL };

static bool other_group(struct rv_ike_exchange *x)
{
	const struct rv_connection *c = x->sa->peer->connection;
	struct ike_notify notify;
	struct rv_ike_exchange *again;
	uint16_t group;

	if (x->group || !ike_notify_find(&x->chain, IKE_N_INVALID_KE_PAYLOAD, &notify))
		return false;
	struct rv_rd r = rv_rd(notify.data);

	group = rv_rd_u16(&r);
	if (!rv_rd_done(&r) || !ike_offers_group(c->proposals, c->n_proposals, group))
		return false;
	again = ike_exchange_ask(x->sa, &ike_plan_rekey);
	if (again)
		again->group = group;
	return again != NULL;
}

/* The successor that the peer made while ours was under way. */
static struct rv_ike_sa *rival_of(const struct rv_ike_exchange *x)
{
	return x->rival ? ike_sas_find(x->sa->engine, x->rival) : NULL;
}

/* RFC 7296, 2.25: what was refused for a while is asked for again; the hard limit bounds how often. */
static void rekey_end(struct rv_ike_exchange *x, int result, void *self)
{
	struct rv_ike_sa *sa = x->sa;
	struct rv_subject subject = ike_subject(sa);
	uint64_t spread;

	if (!result || result == -RV_ETIMEOUT)
		return;
	if (sa->state == RV_IKE_REKEYING)
		sa->state = RV_IKE_ESTABLISHED;
	if (rival_of(x)) {
		ike_sa_replace(sa, rival_of(x));
		return;
	}
	if (other_group(x) || result == -RV_ECANCELLED)
		return;
	rv_log(&subject, RV_NOTICE, "ike-rekey-failed", KV_STR("why", x->why.text));
	rv_host_random(sa->engine->host, &spread, sizeof(spread));
	sa->rekey_us = rv_loop_now_us(sa->engine->host->loop) + RETRY_US + spread % RETRY_SPREAD_US;
}

const struct rv_ike_plan ike_plan_rekey = {
	.story = "replace the IKE SA",
	.exchange = IKE_EXCHANGE_CREATE_CHILD_SA,
	.alone = true,
	.build = build,
	.end = rekey_end,
};

int ike_rekey(struct rv_ike_sa *sa)
{
	if (sa->state == RV_IKE_REKEYING || ike_exchange_busy(sa, &ike_plan_rekey))
		return 0;
	if (sa->state != RV_IKE_ESTABLISHED)
		return -RV_ESTATE;
	if (!ike_exchange_ask(sa, &ike_plan_rekey))
		return -ENOMEM;
	ike_exchange_kick(sa);
	return 0;
}

/* The response to ours */

static int accept(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *c = x->sa->peer->connection;
	struct ike_proposals choice;
	struct ike_ke ke;

	if (!ike_choice_read(&choice, ike_body(x, IKE_PAYLOAD_SA)) || !ike_ke_read(&ke, ike_body(x, IKE_PAYLOAD_KE)) ||
	    !ike_nonce_read(&x->nr, ike_body(x, IKE_PAYLOAD_NONCE)) || !spi_of(choice.spi[0]))
		return -RV_ESYNTAX;
	x->chosen = choice.proposal[0];
	x->spi_theirs = spi_of(choice.spi[0]);
	if (!ike_choice_fits(c->proposals, c->n_proposals, &x->chosen, false))
		return rv_why_set(&x->why, -RV_ENO_PROPOSAL, "the peer chose what we did not offer");
	const struct rv_transform *t = rv_proposal_get(&x->chosen, RV_CLASS_KE);

	if (!t || t->id != ke.group || ke.group != x->kex->group)
		return rv_why_set(&x->why, -RV_EKEY_VALUE, "the peer's key exchange does not fit its choice");
	return ike_kex_complete(x, ke.value);
}

static int at_chosen(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_CHOSEN);
}

static int at_keyed(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_KEYED);
}

/* RFC 7296, 2.8.2: "The new IKE SA containing the lowest nonce SHOULD be deleted by the node that created it, and the
 * other surviving new IKE SA MUST inherit all the Child SAs." */
static int take_over(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = x->sa, *fresh = x->fresh, *rival = rival_of(x);
	struct rv_bytes ours = ike_nonce_lower(rv_bytes(x->nonce, sizeof(x->nonce)), x->nr);
	struct rv_subject subject = ike_subject(sa);
	bool leaving = sa->state == RV_IKE_DELETING;

	talloc_steal(sa->peer, fresh);
	x->fresh = NULL;
	if (rival && ike_nonce_compare(ours, rv_bytes(x->rival_nonce, x->rival_nonce_len)) < 0) {
		rv_log(&subject, RV_INFO, "ike-rekey-collision", KV_STR("kept", "the peer's"));
		ike_sa_replace(sa, rival);
		return ike_delete(fresh);
	}
	/* its maker deletes it, unless that one forgot it when the old IKE SA was deleted before it had our answer */
	if (rival) {
		rv_log(&subject, RV_INFO, "ike-rekey-collision", KV_STR("kept", "ours"));
		ike_sa_retire(rival);
	}
	ike_sa_replace(sa, fresh);
	if (leaving)
		(void)ike_delete(fresh);
	return ike_delete(sa);
}

rv_ike_step_fn *const ike_rekeyed[] = { accept, at_chosen, ike_at_keying, make, at_keyed, take_over, NULL };

/* The peer's request */

/* RFC 7296, 2.25.1: "currently creating, rekeying, or closing a Child SA ... TEMPORARY_FAILURE" */
static bool busy_with_children(const struct rv_ike_sa *sa)
{
	rv_list_each (&sa->requests, x, struct rv_ike_exchange, entry)
		if (x->phase != IKE_QUEUED && (x->plan == &ike_plan_child || x->plan == &ike_plan_child_rekey ||
					       x->plan == &ike_plan_child_delete))
			return true;
	return false;
}

static struct rv_ike_exchange *our_rekey(const struct rv_ike_sa *sa)
{
	rv_list_each (&sa->requests, x, struct rv_ike_exchange, entry)
		if (x->plan == &ike_plan_rekey && x->phase != IKE_QUEUED)
			return x;
	return NULL;
}

static int choose(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *c = x->sa->peer->connection;
	const struct rv_ike_exchange *mine = our_rekey(x->sa);
	struct ike_proposals offered;
	struct ike_ke ke;
	uint8_t data[2];
	struct rv_wr w = rv_wr(data, sizeof(data));

	if (busy_with_children(x->sa) || (mine && mine->parted))
		return ike_refuse(x, IKE_N_TEMPORARY_FAILURE, rv_bytes(NULL, 0), -RV_ESTATE,
				  "the peer wants to replace the IKE SA while it or a child SA is being changed");
	if (!ike_offer_read(&offered, ike_body(x, IKE_PAYLOAD_SA)) || !ike_ke_read(&ke, ike_body(x, IKE_PAYLOAD_KE)) ||
	    !ike_nonce_read(&x->ni, ike_body(x, IKE_PAYLOAD_NONCE)) || !spi_of(offered.spi[0]))
		return -RV_ESYNTAX;
	if (!rv_proposal_choose(c->proposals, c->n_proposals, offered.proposal, offered.n, false, &x->chosen))
		return ike_refuse(x, IKE_N_NO_PROPOSAL_CHOSEN, rv_bytes(NULL, 0), -RV_ENO_PROPOSAL,
				  "the peer wants to replace the IKE SA with proposals that %s does not have", c->name);
	x->spi_theirs = spi_of(offered.spi[0]);
	const struct rv_transform *t = rv_proposal_get(&x->chosen, RV_CLASS_KE);

	if (!t || t->id != ke.group) {
		rv_wr_u16(&w, t ? t->id : 0);
		return ike_refuse(x, IKE_N_INVALID_KE_PAYLOAD, rv_wr_bytes(&w), -RV_ENO_PROPOSAL,
				  "the peer's key exchange is in group %u", ke.group);
	}
	ike_nonce(x);
	return ike_kex_new(x, ke.group) ? ike_kex_respond(x, ke.value) : -ENOMEM;
}

static int answer(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_exchange *mine = our_rekey(x->sa);
	struct rv_bytes lower = ike_nonce_lower(x->ni, rv_bytes(x->nonce, sizeof(x->nonce)));
	uint8_t spi[IKE_SPI_LEN];

	x->spi = ike_spi_new(x->sa->engine);
	ike_choice_put(&x->out, &x->chosen, spi_octets(x->spi, spi));
	ike_nonce_put(&x->out, rv_bytes(x->nonce, sizeof(x->nonce)));
	ike_ke_put(&x->out, x->kex->group, x->kex->ours);
	if (mine) {
		mine->rival_nonce_len = (uint16_t)lower.len;
		memcpy(mine->rival_nonce, lower.p, lower.len);
	}
	return 0;
}

/* RFC 7296, 2.8.2: "the first peer can forget its own rekey attempt" when the old IKE SA is deleted by the other */
void ike_rekey_forget(struct rv_ike_sa *sa)
{
	struct rv_ike_exchange *mine = our_rekey(sa);
	struct rv_ike_sa *rival = mine ? rival_of(mine) : NULL;

	if (rival)
		ike_sa_replace(sa, rival);
}

/* With a rekey of ours under way the peer's successor waits for its outcome. */
static int hand_over(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = x->sa, *fresh = x->fresh;
	struct rv_ike_exchange *mine = our_rekey(sa);

	if (sa->state == RV_IKE_DELETING || sa->state == RV_IKE_REPLACED)
		return ike_refuse(x, IKE_N_TEMPORARY_FAILURE, rv_bytes(NULL, 0), -RV_ESTATE,
				  "the peer wants to replace an IKE SA that is being closed");
	talloc_steal(sa->peer, fresh);
	x->fresh = NULL;
	if (!mine) {
		ike_sa_replace(sa, fresh);
		return 0;
	}
	mine->rival = ike_sa_ours(fresh);
	return 0;
}

rv_ike_step_fn *const ike_rekey_answer[] = {
	choose, at_chosen, answer, ike_at_keying, make, at_keyed, hand_over, NULL
};

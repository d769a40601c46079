// SPDX-License-Identifier: LGPL-2.1-or-later
/* init: IKE_SA_INIT as initiator (RFC 7296, 1.2, 2.6, 2.7, 2.14, 2.23).
 *
 * Nothing that comes here is protected: an answer is used only when all of it is right, and otherwise waited for again.
 */
#include "init.h"

#include "explain.h"
#include "kex.h"
#include "octets/cookie.h"
#include "octets/nat.h"
#include "protect.h"
#include "transitions.h"

#include <errno.h>

static const struct rv_connection *connection_of(const struct rv_ike_exchange *x)
{
	return x->sa->peer->connection;
}

static uint16_t first_group(const struct rv_connection *c)
{
	const struct rv_transform *t = c->n_proposals ? rv_proposal_get(&c->proposals[0], RV_CLASS_KE) : NULL;

	return t ? t->id : 0;
}

static int init_begin(struct rv_ike_exchange *x, void *self)
{
	struct ike_handshake *hs = x->sa->hs;

	if (!hs->restarts)
		ike_nonce(x);
	if (!hs->group)
		hs->group = first_group(connection_of(x));
	if (!hs->group)
		return rv_why_set(&x->why, -RV_ECONFIG, "the proposals of %s name no key exchange",
				  connection_of(x)->name);
	return ike_kex_new(x, hs->group) ? ike_kex_generate(x) : -ENOMEM;
}

static int at_propose(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_PROPOSE);
}

/* RFC 7296, 2.6: "include the COOKIE notification containing the received data as the first payload"; what tasks at
 * PROPOSE add comes behind it */
static int put_cookie(struct rv_ike_exchange *x, void *self)
{
	struct ike_handshake *hs = x->sa->hs;

	if (hs->cookie.len)
		ike_notify_put(&x->out, IKE_N_COOKIE, hs->cookie);
	return 0;
}

static int init_write(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *c = connection_of(x);

	ike_offer_put(&x->out, c->proposals, c->n_proposals, rv_bytes(NULL, 0));
	ike_ke_put(&x->out, x->kex->group, x->kex->ours);
	ike_nonce_put(&x->out, rv_bytes(x->nonce, sizeof(x->nonce)));
	return ike_nat_write(x, &x->sa->peer->path, c->encap, x->sa->spi_i, 0);
}

static rv_ike_step_fn *const build[] = { init_begin, put_cookie, at_propose, init_write, NULL };

/* Why no IKE SA came of it, in words, when the peer said so without protection. */
static void explain_noted(struct rv_ike_exchange *x, uint16_t noted)
{
	const struct rv_connection *c = connection_of(x);
	const char *name = ike_notify_name(noted);
	char ours[512];

	x->why = (struct rv_why){ 0 };
	if (noted == IKE_N_NO_PROPOSAL_CHOSEN) {
		ike_explain_proposals(x->sa->engine, c->proposals, c->n_proposals, ours, sizeof(ours));
		rv_why_set(&x->why, -RV_ENO_PROPOSAL,
			   "the peer accepts none of our IKE proposals (NO_PROPOSAL_CHOSEN); we offered: %s", ours);
		x->advice = "set proposals to what the peer accepts; its log or `ravelin diagnose` there says which";
		return;
	}
	rv_why_set(&x->why, -RV_EREFUSED, "the peer refused IKE_SA_INIT with %s", name ? name : "an unknown error");
	x->advice = "look at the log of the peer";
}

static void init_end(struct rv_ike_exchange *x, int result, void *self)
{
	struct ike_handshake *hs = x->sa->hs;

	if (!result)
		return;
	if (hs && hs->noted)
		explain_noted(x, hs->noted);
	x->fate = IKE_FATE_END;
	x->reason = x->why.code ? x->why.code : result;
	if (!ike_dial_lost(x, x->reason))
		ike_attempt_fail(x, x->reason);
}

const struct rv_ike_plan ike_plan_init = {
	.story = "propose an IKE SA",
	.exchange = IKE_EXCHANGE_IKE_SA_INIT,
	.alone = true,
	.build = build,
	.end = init_end,
};

struct ike_handshake *ike_init_new(struct ike_engine *engine, struct rv_peer *peer, struct ike_port *port,
				   const struct rv_child_conf *child, struct rv_attempt *attempt, bool anew)
{
	struct rv_ike_sa *sa = ike_sa_new(engine, peer, peer, port, true);
	struct ike_handshake *hs = sa ? ike_handshake_new(sa) : NULL;

	if (!hs)
		return NULL;
	sa->spi_i = ike_spi_new(engine);
	sa->state = RV_IKE_INIT;
	peer->sa = sa;
	hs->child = child;
	hs->attempt = rv_attempt_hold(attempt);
	if (ike_sas_add(sa))
		return NULL;
	int known = anew ? 0 : ike_known_ask(hs);

	return known < 0 || (!known && !ike_exchange_ask(sa, &ike_plan_init)) ? NULL : hs;
}

static int restart(struct rv_ike_exchange *x)
{
	struct ike_handshake *hs = x->sa->hs;

	if (++hs->restarts > IKE_RESTARTS_MAX)
		return rv_why_set(&x->why, -RV_ELIMIT, "the peer asked %u times for another first message",
				  hs->restarts);
	x->restart = true;
	return 0;
}

static int take_cookie(struct rv_ike_exchange *x, void *self)
{
	struct ike_handshake *hs = x->sa->hs;
	struct ike_notify notify;

	if (!ike_notify_find(&x->chain, IKE_N_COOKIE, &notify) || !notify.data.len || notify.data.len > IKE_COOKIE_MAX)
		return rv_why_set(&x->why, -RV_ESYNTAX, "a cookie must have 1 to 64 octets (RFC 7296, 2.6)");
	rv_attempt_step(hs->attempt, "the peer asks for a cookie: it has many half-open IKE SAs");
	talloc_free((void *)(uintptr_t)hs->cookie.p);
	hs->cookie = ike_keep(hs, notify.data);
	return hs->cookie.len ? restart(x) : -ENOMEM;
}

rv_ike_step_fn *const ike_init_cookie[] = { take_cookie, NULL };

/* RFC 7296, 1.2: "the initiator MUST retry the IKE_SA_INIT with the corrected Diffie-Hellman group" */
static int take_group(struct rv_ike_exchange *x, void *self)
{
	struct ike_handshake *hs = x->sa->hs;
	struct ike_notify notify;
	uint16_t group;

	if (!ike_notify_find(&x->chain, IKE_N_INVALID_KE_PAYLOAD, &notify))
		return -RV_ESYNTAX;
	struct rv_rd r = rv_rd(notify.data);

	group = rv_rd_u16(&r);
	if (!rv_rd_done(&r) || group == hs->group ||
	    !ike_offers_group(connection_of(x)->proposals, connection_of(x)->n_proposals, group))
		return rv_why_set(&x->why, -RV_ENO_PROPOSAL,
				  "the peer wants key exchange group %u, which we did not offer", group);
	rv_attempt_step(hs->attempt, "the peer wants key exchange group %u instead of %u", group, hs->group);
	hs->group = group;
	return restart(x);
}

rv_ike_step_fn *const ike_init_group[] = { take_group, NULL };

/* RFC 7296, 2.21.1: "the recipient should continue trying for some time before giving up" */
static int note_error(struct rv_ike_exchange *x, void *self)
{
	struct ike_handshake *hs = x->sa->hs;
	uint16_t type = ike_error_in(x);
	const char *name = ike_notify_name(type);

	if (hs->noted && x->tries) {
		explain_noted(x, hs->noted);
		x->believe = true;
		return x->why.code;
	}
	if (!hs->noted)
		rv_attempt_step(hs->attempt, "the peer says %s; that is not protected, so it is asked once more",
				name ? name : "an unknown error");
	hs->noted = type;
	x->silent = true;
	return 0;
}

rv_ike_step_fn *const ike_init_error[] = { note_error, NULL };

static int read_choice(struct rv_ike_exchange *x, void *self)
{
	const struct rv_connection *c = connection_of(x);
	struct ike_proposals choice;
	struct ike_ke ke;

	if (!ike_choice_read(&choice, ike_body(x, IKE_PAYLOAD_SA)) || !ike_ke_read(&ke, ike_body(x, IKE_PAYLOAD_KE)) ||
	    !ike_nonce_read(&x->nr, ike_body(x, IKE_PAYLOAD_NONCE)) || !x->header.spi_r)
		return rv_why_set(&x->why, -RV_ESYNTAX, "the answer to IKE_SA_INIT is malformed");
	x->chosen = choice.proposal[0];
	if (!ike_choice_fits(c->proposals, c->n_proposals, &x->chosen, false))
		return rv_why_set(&x->why, -RV_ENO_PROPOSAL, "the peer chose what we did not offer");
	const struct rv_transform *t = rv_proposal_get(&x->chosen, RV_CLASS_KE);

	if (!t || t->id != ke.group || ke.group != x->kex->group)
		return rv_why_set(&x->why, -RV_EKEY_VALUE, "the peer's key exchange is in group %u, not %u", ke.group,
				  x->kex->group);
	return ike_kex_complete(x, ke.value);
}

static int at_chosen(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_CHOSEN);
}

static int make_keys(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = x->sa;
	struct ike_handshake *hs = sa->hs;

	sa->spi_r = x->header.spi_r;
	hs->ni = ike_keep(hs, rv_bytes(x->nonce, sizeof(x->nonce)));
	hs->nr = ike_keep(hs, x->nr);
	hs->init_response = ike_keep(hs, x->message);
	if (!hs->ni.len || !hs->nr.len || !hs->init_response.len)
		return -ENOMEM;
	return ike_handshake_keys(x, hs->ni, hs->nr);
}

static int at_keyed(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_KEYED);
}

int ike_init_find_nat(struct rv_ike_exchange *x, void *self)
{
	int r = ike_nat_read(x, connection_of(x)->encap);

	if (r)
		return r;
	if (x->sa->encap && x->sa->port)
		x->sa->port->ops->encapsulate(x->sa->port->self, &x->sa->peer->path);
	return 0;
}

static int at_path(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_PATH);
}

int ike_init_go_on(struct rv_ike_exchange *x, void *self)
{
	struct ike_handshake *hs = x->sa->hs;
	struct rv_proposal chosen;
	char text[256];

	ike_sa_proposal(x->sa, &chosen);
	rv_attempt_step(hs->attempt, "agreed on %s",
			rv_proposal_text(x->sa->engine->host->registry, &chosen, text, sizeof(text)));
	hs->noted = 0;
	ike_dial_won(hs);
	hs->init_request = ike_keep(hs, ike_list_first(ike_sent(x)));
	return hs->init_request.len && ike_exchange_ask(x->sa, &ike_plan_auth) ? 0 : -ENOMEM;
}

rv_ike_step_fn *const ike_init_chosen[] = { read_choice,       at_chosen, make_keys,	  at_keyed,
					    ike_init_find_nat, at_path,	  ike_init_go_on, NULL };

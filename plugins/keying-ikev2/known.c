// SPDX-License-Identifier: LGPL-2.1-or-later
/* known: an IKE SA that is made of keys which both sides have already, in a first exchange of an extension's
 * (ikev2-known.h), which is like IKE_SA_INIT (RFC 7296, 1.2) without proposals and key exchange.
 *
 * What the peer refuses without protection costs no more than that: IKE_SA_INIT follows in the same IKE SA.
 */
#include "init.h"

#include "explain.h"
#include "halfopen.h"
#include "kex.h"
#include "transitions.h"

#include <errno.h>

bool ike_opens(const struct rv_ike_exchange *x)
{
	const struct ike_handshake *hs = x->sa->hs;

	return hs && hs->known && hs->known->exchange == x->type;
}

bool ike_is_first(const struct rv_ike_exchange *x)
{
	return x->type == IKE_EXCHANGE_IKE_SA_INIT || ike_opens(x);
}

/* A copy of what an extension said. */
static int adopt(struct ike_handshake *hs, uint8_t exchange, const struct rv_ike_known *from)
{
	struct ike_known *known = talloc_zero(hs, struct ike_known);

	if (!known)
		return -ENOMEM;
	known->exchange = exchange;
	known->proposal = from->proposal;
	known->key = rv_secret_dup(hs->sa->engine->host->vault, known, from->key);
	known->label = ike_keep(known, from->label);
	known->auth = talloc_strdup(known, from->auth);
	known->initiator =
		rv_id_from_wire(known, from->initiator->type, rv_bytes(from->initiator->b, from->initiator->len));
	known->responder =
		rv_id_from_wire(known, from->responder->type, rv_bytes(from->responder->b, from->responder->len));
	hs->known = known;
	return known->key && known->auth && known->initiator && known->responder ? 0 : -ENOMEM;
}

int ike_known_ask(struct ike_handshake *hs)
{
	struct rv_ike_known from = { 0 };
	uint8_t exchange = ike_ext_open(hs->sa, &from);
	struct rv_ike_exchange *x;

	if (!exchange)
		return 0;
	if (adopt(hs, exchange, &from)) {
		TALLOC_FREE(hs->known);
		return -ENOMEM;
	}
	x = ike_exchange_ask(hs->sa, &ike_plan_known);
	if (!x)
		return -ENOMEM;
	x->type = exchange;
	return 1;
}

static int make_keys(struct rv_ike_exchange *x)
{
	struct rv_ike_sa *sa = x->sa;
	const struct ike_known *known = sa->hs->known;
	int r = ike_sa_suite(sa, &known->proposal, &x->why);

	if (r)
		return r;
	const struct ike_key_input in = { .ni = sa->hs->ni,
					  .nr = sa->hs->nr,
					  .shared = known->label,
					  .spi_i = sa->spi_i,
					  .spi_r = sa->spi_r,
					  .old_prf = sa->prf.service,
					  .old_d = rv_secret_bytes(known->key) };

	r = ike_sa_make_keys(sa, x, &in, &x->why);
	if (!r)
		ike_sa_tell_keys(sa);
	return r;
}

static int at_keyed(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_KEYED);
}

static int at_path(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_PATH);
}

/* As initiator */

static int begin(struct rv_ike_exchange *x, void *self)
{
	const struct ike_handshake *hs = x->sa->hs;

	if (!hs->restarts)
		ike_nonce(x);
	if (hs->cookie.len)
		ike_notify_put(&x->out, IKE_N_COOKIE, hs->cookie);
	return 0;
}

static int at_propose(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_PROPOSE);
}

static int write_request(struct rv_ike_exchange *x, void *self)
{
	const struct rv_peer *peer = x->sa->peer;

	ike_nonce_put(&x->out, rv_bytes(x->nonce, sizeof(x->nonce)));
	return ike_nat_write(x, &peer->path, peer->connection->encap, x->sa->spi_i, 0);
}

static rv_ike_step_fn *const build[] = { begin, at_propose, write_request, NULL };

/* A full handshake in its place. */
static bool begin_anew(struct rv_ike_exchange *x)
{
	struct ike_handshake *hs = x->sa->hs;

	rv_attempt_step(hs->attempt, "%s; a full handshake follows",
			x->why.text[0] ? x->why.text : "the shorter way did not work");
	TALLOC_FREE(hs->known);
	hs->cookie = rv_bytes(NULL, 0);
	hs->restarts = 0;
	hs->noted = 0;
	return ike_exchange_ask(x->sa, &ike_plan_init) != NULL;
}

static void known_end(struct rv_ike_exchange *x, int result, void *self)
{
	if (!result || (result != -ENOMEM && begin_anew(x)))
		return;
	ike_plan_init.end(x, result, self);
}

const struct rv_ike_plan ike_plan_known = {
	.story = "propose an IKE SA with the keys of an earlier one",
	.exchange = IKE_EXCHANGE_OPENING,
	.alone = true,
	.build = build,
	.end = known_end,
};

static int take_answer(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = x->sa;
	struct ike_handshake *hs = sa->hs;

	if (!ike_nonce_read(&x->nr, ike_body(x, IKE_PAYLOAD_NONCE)) || !x->header.spi_r)
		return rv_why_set(&x->why, -RV_ESYNTAX, "the answer to the first message is malformed");
	sa->spi_r = x->header.spi_r;
	hs->ni = ike_keep(hs, rv_bytes(x->nonce, sizeof(x->nonce)));
	hs->nr = ike_keep(hs, x->nr);
	hs->init_response = ike_keep(hs, x->message);
	return hs->ni.len && hs->nr.len && hs->init_response.len ? make_keys(x) : -ENOMEM;
}

rv_ike_step_fn *const ike_known_chosen[] = { take_answer, at_keyed, ike_init_find_nat, at_path, ike_init_go_on, NULL };

/* RFC 7296, 2.21.1 has nothing against believing it: a full handshake is the answer to what anybody may have said. */
static int refused(struct rv_ike_exchange *x, void *self)
{
	x->believe = true;
	return rv_why_set(&x->why, -RV_EREFUSED, "the peer does not take up the keys of the earlier IKE SA");
}

rv_ike_step_fn *const ike_known_refused[] = { refused, NULL };

/* As responder */

static int take_request(struct rv_ike_exchange *x, void *self)
{
	struct ike_handshake *hs = x->sa->hs;

	if (!ike_nonce_read(&x->ni, ike_body(x, IKE_PAYLOAD_NONCE)))
		return -RV_ESYNTAX;
	ike_nonce(x);
	hs->ni = ike_keep(hs, x->ni);
	hs->nr = ike_keep(hs, rv_bytes(x->nonce, sizeof(x->nonce)));
	return hs->ni.len && hs->nr.len ? make_keys(x) : -ENOMEM;
}

static int find_nat(struct rv_ike_exchange *x, void *self)
{
	return ike_nat_read(x, x->sa->hs->encap);
}

static int write_answer(struct rv_ike_exchange *x, void *self)
{
	ike_nonce_put(&x->out, x->sa->hs->nr);
	return ike_nat_write(x, &x->path, x->sa->hs->encap, x->sa->spi_i, x->sa->spi_r);
}

rv_ike_step_fn *const ike_known_answer[] = { take_request, at_keyed, find_nat, at_path, write_answer, NULL };

void ike_known_request(struct ike_port *port, const struct rv_path *path, const struct ike_message *message)
{
	const struct ike_payload *nonce = ike_chain_first(&message->chain, IKE_PAYLOAD_NONCE);
	const struct ike_proposals nothing = { 0 };
	struct rv_ike_known known = { 0 };
	struct rv_ike_stranger stranger;
	struct rv_ike_exchange *x;
	struct rv_bytes ni;

	if (!nonce || !ike_nonce_read(&ni, nonce->body) || ike_init_repeated(port, path, message) ||
	    ike_halfopen_admit(port, path, message, ni, &nothing, &stranger))
		return;
	if (!ike_ext_opened(port->engine, message->header.exchange, &stranger, &known)) {
		if (known.refuse)
			ike_reply_notify(port, path, &message->header, known.refuse, rv_bytes(NULL, 0));
		return;
	}
	x = ike_init_welcome(port, path, message, known.connection->encap);
	if (!x)
		return;
	if (adopt(x->sa->hs, message->header.exchange, &known))
		talloc_free(x->sa->peer);
	else
		ike_init_serve(x);
}

/* What extensions ask */

bool ike_verb_remember(const struct rv_ike_sa *sa, struct rv_ike_known *known)
{
	const struct rv_peer *peer = sa->peer;
	struct ike_keys keys;

	*known = (struct rv_ike_known){ .initiator = peer->initiator ? peer->local_id : peer->remote_id,
					.responder = peer->initiator ? peer->remote_id : peer->local_id,
					.connection = peer->connection };
	ike_sa_proposal(sa, &known->proposal);
	ike_sa_keys(sa, &keys);
	known->key = keys.d;
	return known->key.len && known->initiator && known->responder && known->connection;
}

bool ike_verb_is_known(const struct rv_ike_sa *sa)
{
	return sa->hs && sa->hs->known;
}

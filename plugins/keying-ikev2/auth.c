// SPDX-License-Identifier: LGPL-2.1-or-later
/* auth: IKE_AUTH as initiator (RFC 7296, 1.2, 2.15, 2.21.2), and what both roles share of proving and checking.
 *
 * The proofs are made and checked by services of kind "auth", which may take their time. A child SA rides on the
 * exchange; when it fails the IKE SA stays.
 */
#include "auth.h"

#include "child.h"
#include "config.h"
#include "explain.h"
#include "octets/notify.h"
#include "requests.h"
#include "transitions.h"

#include <errno.h>
#include <string.h>

/* Whom an earlier IKE SA says that one side is, as a child of the session; NULL when it says nothing. */
static struct rv_id *known_id(const struct rv_ike_sa *sa, bool ours)
{
	const struct ike_known *known = sa->hs ? sa->hs->known : NULL;
	const struct rv_id *id;

	if (!known)
		return NULL;
	id = ours == sa->initiator ? known->initiator : known->responder;
	return rv_id_from_wire(sa->peer, id->type, rv_bytes(id->b, id->len));
}

const struct rv_id *ike_id_own(struct rv_peer *peer, const struct rv_round *round)
{
	struct rv_service *service = rv_auth_find(peer->core, round);
	uint8_t type = service ? (uint8_t)rv_service_attr(service, "id-type", 0) : 0;
	const struct rv_addr *addr = &peer->path.local;

	if (round->id && round->id->type != RV_ID_ANY)
		return round->id;
	if (type)
		return rv_id_from_wire(peer, type, rv_bytes(NULL, 0));
	return rv_id_from_wire(peer, addr->family == RV_IPV6 ? RV_ID_IPV6 : RV_ID_IPV4,
			       rv_bytes(addr->ip, rv_family_len(addr->family)));
}

static int proof_free(struct ike_proof *proof)
{
	rv_ref_drop(&proof->ref);
	return 0;
}

static struct ike_proof *proof_of(struct rv_ike_exchange *x)
{
	if (x->proof)
		return x->proof;
	x->proof = talloc_zero(x, struct ike_proof);
	if (x->proof)
		talloc_set_destructor(x->proof, proof_free);
	return x->proof;
}

/* The identity payload of whoever signs as its MAC is made of it (RFC 7296, 2.15: "RestOfInitIDPayload = IDType |
 * RESERVED | InitIDData"): the peer's as it came, whatever it has reserved (3.5). */
static struct rv_bytes id_octets(struct rv_ike_exchange *x, const struct rv_id *signer, bool ours, bool initiator)
{
	struct rv_bytes body = ours ? rv_bytes(NULL, 0) : ike_body(x, initiator ? IKE_PAYLOAD_IDI : IKE_PAYLOAD_IDR);
	size_t len = (size_t)signer->len + 4;
	uint8_t *room = talloc_size(x, body.len ? body.len : len);

	if (!room)
		return rv_bytes(NULL, 0);
	struct rv_wr w = rv_wr(room, body.len ? body.len : len);

	if (body.len) {
		rv_wr_put(&w, body);
		return rv_wr_bytes(&w);
	}
	rv_wr_u8(&w, signer->type);
	rv_wr_zero(&w, 3);
	rv_wr_put(&w, rv_bytes(signer->b, signer->len));
	return rv_wr_bytes(&w);
}

/* What one side signs (RFC 7296, 2.15): its first message, the other's nonce, and the MAC of its identity payload. */
static int octets(struct rv_ike_exchange *x, const struct rv_round *round, const struct rv_id *signer, bool ours,
		  struct rv_bytes other_key)
{
	struct rv_ike_sa *sa = x->sa;
	const struct ike_rounds *rounds = &sa->hs->rounds;
	const struct rv_id *wanted = sa->peer->connection->remote[0].id; /* until the responder has said who it is */
	const bool initiator = ours == (x->plan != NULL);
	struct ike_proof *proof = proof_of(x);
	struct rv_bytes body = proof ? id_octets(x, signer, ours, initiator) : rv_bytes(NULL, 0);
	struct ike_keys keys;
	int r;

	if (!body.len)
		return -ENOMEM;
	ike_sa_keys(sa, &keys);
	const struct rv_bytes key = other_key.len ? other_key : initiator ? keys.pi : keys.pr;

	r = ike_maced_id(sa->prf.service, key, body, proof->maced, &proof->maced_len);
	talloc_free((void *)(uintptr_t)body.p);
	if (r)
		return r;
	proof->request = (struct rv_auth_request){ .connection = sa->peer->connection,
						   .round = round,
						   .local_id = rounds->own ? rounds->own : sa->peer->local_id,
						   .remote_id = rounds->their	      ? rounds->their
								: sa->peer->remote_id ? sa->peer->remote_id
										      : wanted,
						   .prf = sa->prf.service,
						   .initiator = initiator,
						   .why = &x->why,
						   .key = key,
						   .method = &proof->method,
						   .advice = &x->advice,
						   .exchange = x };
	proof->request.octets[0] = initiator ? sa->hs->init_request : sa->hs->init_response;
	proof->request.octets[1] = initiator ? sa->hs->nr : sa->hs->ni;
	proof->request.octets[2] = rv_bytes(proof->maced, proof->maced_len);
	r = ike_point(x, RV_IKE_AT_OCTETS);
	if (r || !x->signed_also.len)
		return r;
	const struct rv_bytes parts[] = { proof->request.octets[2], x->signed_also };
	uint8_t *all = talloc_size(proof, parts[0].len + parts[1].len);

	if (!all)
		return -ENOMEM;
	struct rv_wr w = rv_wr(all, parts[0].len + parts[1].len);

	rv_wr_put(&w, parts[0]);
	rv_wr_put(&w, parts[1]);
	proof->request.octets[2] = rv_wr_bytes(&w);
	x->signed_also = rv_bytes(NULL, 0);
	return 0;
}

static struct rv_service *auth_service(struct rv_ike_exchange *x, const struct rv_round *round)
{
	const struct ike_known *known = x->sa->hs->known;
	struct rv_service *service = known ? rv_registry_find(x->sa->engine->host->registry, "auth", known->auth)
					   : rv_auth_find(x->sa->engine->host->core, round);

	if (!service)
		rv_why_set(&x->why, -RV_ENO_PROVIDER, "no loaded plugin provides auth = %s",
			   known ? known->auth : round->auth);
	return service;
}

/* The service that proves or checks is held until the next one is, or the exchange ends: its answer may take time. */
static int hold(struct rv_ike_exchange *x, struct rv_service *service)
{
	rv_ref_drop(&x->proof->ref);
	return rv_ref_take(&x->proof->ref, service, &x->sa->user) ? -RV_EIN_USE : 0;
}

static int sign_with(struct rv_ike_exchange *x, struct rv_bytes key)
{
	const struct ike_rounds *rounds = &x->sa->hs->rounds;
	const struct rv_round *round = &x->sa->peer->connection->local[rounds->ours];
	struct rv_service *service = auth_service(x, round);
	const struct rv_auth_ops *ops = service ? rv_service_ops(service) : NULL;
	int r;

	if (!ops)
		return -RV_ENO_PROVIDER;
	r = octets(x, round, rounds->own ? rounds->own : x->sa->peer->local_id, true, key);
	if (r)
		return r;
	r = hold(x, service);
	if (r)
		return r;
	x->proof->method = (uint8_t)rv_service_attr(service, "auth-method", 0);
	return ops->sign(rv_service_self(service), &x->proof->request, x->proof->octets, sizeof(x->proof->octets),
			 &x->proof->len, &x->call);
}

int ike_auth_sign(struct rv_ike_exchange *x)
{
	return sign_with(x, rv_bytes(NULL, 0));
}

int ike_auth_verify(struct rv_ike_exchange *x)
{
	const struct ike_rounds *rounds = &x->sa->hs->rounds;
	const struct rv_round *round = &x->sa->peer->connection->remote[rounds->theirs];
	struct rv_service *service = auth_service(x, round);
	const struct rv_auth_ops *ops = service ? rv_service_ops(service) : NULL;
	struct ike_auth auth;
	int r;

	if (!ops)
		return -RV_ENO_PROVIDER;
	if (!ike_auth_read(&auth, ike_body(x, IKE_PAYLOAD_AUTH)))
		return -RV_ESYNTAX;
	r = octets(x, round, rounds->their ? rounds->their : x->sa->peer->remote_id, false, rv_bytes(NULL, 0));
	if (r)
		return r;
	r = hold(x, service);
	if (r)
		return r;
	x->advice = NULL;
	return ops->verify(rv_service_self(service), &x->proof->request, auth.method,
			   x->proof_instead.len ? x->proof_instead : auth.octets, &x->call);
}

void ike_auth_put_proof(struct rv_ike_exchange *x)
{
	ike_auth_put(&x->out, x->proof->method, rv_bytes(x->proof->octets, x->proof->len));
}

/* Rounds */

int ike_at_prove(struct rv_ike_exchange *x, void *self)
{
	return x->sa->hs->rounds.again ? 0 : ike_point(x, RV_IKE_AT_PROVE);
}

bool ike_auth_proves(const struct rv_ike_exchange *x, uint8_t id)
{
	return ike_has_payload(x, id) && ike_has_payload(x, IKE_PAYLOAD_AUTH);
}

int ike_auth_count(struct rv_ike_exchange *x, void *self)
{
	struct ike_rounds *rounds = &x->sa->hs->rounds;

	if (ike_auth_proves(x, x->plan ? IKE_PAYLOAD_IDR : IKE_PAYLOAD_IDI))
		rounds->theirs++;
	rounds->peer_has_more = x->another;
	x->another = false;
	return 0;
}

bool ike_auth_our_turn(const struct rv_ike_exchange *x)
{
	return x->sa->hs->rounds.ours < ike_rounds_local(x->sa);
}

bool ike_auth_more(const struct rv_ike_exchange *x)
{
	return ike_auth_our_turn(x) || x->sa->hs->rounds.peer_has_more;
}

int ike_auth_enough(struct rv_ike_exchange *x)
{
	const struct rv_connection *c = x->sa->peer->connection;
	const struct ike_rounds *rounds = &x->sa->hs->rounds;

	if (rounds->peer_has_more || rounds->theirs >= ike_rounds_remote(x->sa))
		return 0;
	x->advice = "let the peer have as many local sections as there are remote ones here";
	return rv_why_set(&x->why, -RV_EAUTH_FAILED, "the peer proved itself in %u rounds, connection %s asks for %zu",
			  rounds->theirs, c->name, ike_rounds_remote(x->sa));
}

int ike_auth_mismatch(struct rv_ike_exchange *x, bool proves)
{
	const struct rv_connection *c = x->sa->peer->connection;
	const struct ike_rounds *rounds = &x->sa->hs->rounds;

	if (rounds->again && proves != rounds->peer_has_more)
		return rv_why_set(&x->why, -RV_ESYNTAX, "the peer %s, against what it said before",
				  proves ? "proves itself once more" : "does not prove itself once more");
	if (!proves || rounds->theirs < ike_rounds_remote(x->sa))
		return 0;
	x->advice = "give the connection a remote section for each round of the peer's";
	return rv_why_set(&x->why, -RV_EAUTH_FAILED, "the peer begins round %u, connection %s has %zu",
			  rounds->theirs + 1u, c->name, ike_rounds_remote(x->sa));
}

int ike_auth_check_rounds(struct rv_ike_exchange *x)
{
	const struct rv_connection *c = x->sa->peer->connection;

	if ((ike_rounds_local(x->sa) == 1 && ike_rounds_remote(x->sa) == 1) || x->sa->hs->rounds.several)
		return 0;
	x->advice = "give both sides one local and one remote section, or let the peer support several rounds";
	return rv_why_set(&x->why, -RV_EAUTH_FAILED,
			  "connection %s has several rounds of authentication, which the peer does not support",
			  c->name);
}

int ike_auth_own(struct rv_ike_exchange *x)
{
	const struct rv_connection *c = x->sa->peer->connection;
	struct ike_rounds *rounds = &x->sa->hs->rounds;

	rounds->own = ike_id_own(x->sa->peer, &c->local[rounds->ours]);
	return rounds->own ? 0 : -ENOMEM;
}

int ike_auth_name(struct rv_ike_sa *sa)
{
	struct rv_peer *peer = sa->peer;

	peer->local_id = sa->hs->known ? known_id(sa, true) : ike_id_own(peer, &peer->connection->local[0]);
	return peer->local_id ? 0 : -ENOMEM;
}

bool ike_auth_is_known(const struct rv_ike_sa *sa, const struct rv_id *id, bool ours)
{
	const struct ike_known *known = sa->hs->known;
	const struct rv_id *was = !known ? NULL : ours == sa->initiator ? known->initiator : known->responder;

	return !was || (was->type == id->type && rv_bytes_equal(rv_bytes(was->b, was->len), rv_bytes(id->b, id->len)));
}

/* Steps of the initiator's request */

static int begin(struct rv_ike_exchange *x, void *self)
{
	struct rv_peer *peer = x->sa->peer;
	const struct rv_connection *c = peer->connection;

	if (!c->n_local || !c->n_remote)
		return rv_why_set(&x->why, -RV_ECONFIG, "connection %s has no local or no remote section", c->name);
	if (x->sa->hs->rounds.again)
		return ike_auth_our_turn(x) ? ike_auth_own(x) : 0;
	int r = ike_auth_check_rounds(x);

	if (r)
		return r;
	if (!x->sa->hs->child && !x->sa->hs->childless) {
		x->advice = "give the connection a child, or let both sides allow IKE SAs without one";
		return rv_why_set(
			&x->why, -RV_EREFUSED,
			"no child SA is wanted, and the peer does not say that it accepts an IKE SA without one");
	}
	return ike_auth_name(x->sa);
}

/* A second proof of the first round, by another key. */
static int sign_also(struct rv_ike_exchange *x, void *self)
{
	return x->prove_also.len && !x->sa->hs->rounds.again ? sign_with(x, rv_secret_bytes(&x->prove_also)) : 0;
}

static int keep_also(struct rv_ike_exchange *x, void *self)
{
	if (!x->prove_also.len || x->sa->hs->rounds.again)
		return 0;
	rv_secret_fini(&x->prove_also);
	x->proof_also = ike_keep(x, rv_bytes(x->proof->octets, x->proof->len));
	return x->proof_also.len ? 0 : -ENOMEM;
}

static int sign(struct rv_ike_exchange *x, void *self)
{
	return ike_auth_our_turn(x) ? ike_auth_sign(x) : 0;
}

static int at_round(struct rv_ike_exchange *x, void *self)
{
	return ike_auth_our_turn(x) ? ike_point(x, RV_IKE_AT_ROUND) : 0;
}

bool ike_id_names_one(const struct rv_id *pattern)
{
	return pattern && pattern->type != RV_ID_ANY && rv_id_match(pattern, pattern) == 3;
}

static int write(struct rv_ike_exchange *x, void *self)
{
	struct rv_peer *peer = x->sa->peer;
	const struct ike_known *known = x->sa->hs->known;
	const struct rv_id *theirs = known ? known->responder : peer->connection->remote[0].id;
	struct ike_rounds *rounds = &x->sa->hs->rounds;

	if (!ike_auth_our_turn(x))
		return 0;
	ike_id_put(&x->out, IKE_PAYLOAD_IDI, rounds->own ? rounds->own : peer->local_id);
	if (ike_id_names_one(theirs) && !rounds->again)
		ike_id_put(&x->out, IKE_PAYLOAD_IDR, theirs);
	ike_auth_put_proof(x);
	rounds->ours++;
	if (rounds->again)
		return 0;
	if (ike_is_first_contact(peer))
		ike_notify_put(&x->out, IKE_N_INITIAL_CONTACT, rv_bytes(NULL, 0));
	return 0;
}

/* A child SA that cannot be offered does not stop the IKE SA. */
static int begin_child(struct rv_ike_exchange *x, void *self)
{
	x->soft = true;
	return x->sa->hs->childless ? 0 : ike_child_begin(x, x->sa->hs->child, 0);
}

static int offer_child(struct rv_ike_exchange *x, void *self)
{
	return x->child && !x->childless ? ike_child_offer(x, true) : 0;
}

/* What follows was asked for in the first round. */
static int only_first(struct rv_ike_exchange *x, void *self)
{
	if (x->sa->hs->rounds.again)
		ike_exchange_skip(x);
	return 0;
}

static rv_ike_step_fn *const build[] = {
	begin,	    ike_at_prove,   sign_also,	 keep_also,	     sign,	  at_round, write,
	only_first, ike_config_ask, begin_child, ike_at_child_offer, offer_child, NULL
};

/* The peer's own words for what went wrong with us. */
static void explain(struct rv_ike_exchange *x, int result)
{
	char ours[RV_ID_TEXT], theirs[RV_ID_TEXT];
	struct rv_peer *peer = x->sa->peer;

	if (result != -RV_EAUTH_FAILED || ike_error_in(x) != IKE_N_AUTHENTICATION_FAILED)
		return;
	x->why = (struct rv_why){ 0 };
	rv_why_set(&x->why, result,
		   "the peer answered AUTHENTICATION_FAILED: it does not know our identity %s, or our proof does not "
		   "hold there; we asked for %s with auth = %s",
		   rv_id_text(peer->local_id, ours), rv_id_text(peer->connection->remote[0].id, theirs),
		   peer->connection->local[0].auth);
	x->advice = "compare the secret or key that proves us, and both identities, with the peer's configuration; its "
		    "log or "
		    "`ravelin diagnose` there says which one differs";
}

/* The responder thinks that all is well when it was we who did not accept its proof (RFC 7296, 2.21.2). */
static void complain(struct rv_ike_exchange *x)
{
	struct rv_ike_exchange *y;

	if (x->phase != IKE_READING || (ike_error_in(x) && !ike_has_payload(x, IKE_PAYLOAD_AUTH)))
		return; /* nothing was asked for, or it was refused: the responder has nothing */
	y = ike_exchange_ask(x->sa, &ike_plan_auth_failed);
	if (!y)
		return;
	y->reason = x->reason;
	y->why = x->why;
	y->veto = x->veto;
	y->veto_len = x->veto_len;
	memcpy(y->veto_data, x->veto_data, sizeof(y->veto_data));
	x->fate = IKE_FATE_NONE;
}

static void auth_end(struct rv_ike_exchange *x, int result, void *self)
{
	if (!result)
		return;
	explain(x, result);
	x->fate = IKE_FATE_END;
	x->reason = result;
	ike_tell_auth_failed(x, result);
	ike_attempt_fail(x, result);
	if (result != -RV_ETIMEOUT)
		complain(x);
}

const struct rv_ike_plan ike_plan_auth = {
	.story = "prove who we are",
	.exchange = IKE_EXCHANGE_IKE_AUTH,
	.alone = true,
	.build = build,
	.end = auth_end,
};

/* Steps with the response */

/* Of a later round it is kept with the handshake only: the session's is that of the first. */
static int read_identity(struct rv_ike_exchange *x, void *self)
{
	struct rv_peer *peer = x->sa->peer;
	struct ike_rounds *rounds = &x->sa->hs->rounds;
	bool proves = ike_auth_proves(x, IKE_PAYLOAD_IDR);
	int r = ike_auth_mismatch(x, proves);
	char got[RV_ID_TEXT], want[RV_ID_TEXT];

	if (r || !proves)
		return r;
	const struct rv_id *wanted = peer->connection->remote[rounds->theirs].id;
	struct rv_id *id = ike_id_make(x->sa->hs, ike_body(x, IKE_PAYLOAD_IDR));

	if (!id)
		return rv_why_set(&x->why, -RV_ESYNTAX, "the peer's identity is malformed");
	if (rounds->again)
		rounds->their = id;
	else if (rv_peer_identify(peer, id))
		return -ENOMEM;
	if (!ike_auth_is_known(x->sa, id, false))
		return rv_why_set(&x->why, -RV_EAUTH_FAILED, "the peer says that it is %s, which it was not before",
				  rv_id_text(id, got));
	if (!wanted || rv_id_match(wanted, id))
		return 0;
	x->advice = "set remote { id = ... } to the identity that the peer uses, or the peer's local { id } to ours";
	return rv_why_set(&x->why, -RV_EAUTH_FAILED, "the peer says that it is %s; connection %s wants %s",
			  rv_id_text(id, got), peer->connection->name, rv_id_text(wanted, want));
}

static int verify(struct rv_ike_exchange *x, void *self)
{
	return ike_auth_proves(x, IKE_PAYLOAD_IDR) ? ike_auth_verify(x) : 0;
}

static int at_proved(struct rv_ike_exchange *x, void *self)
{
	return ike_auth_proves(x, IKE_PAYLOAD_IDR) ? ike_point(x, RV_IKE_AT_ROUND) : 0;
}

/* The same exchange goes on with another request, until nobody has anything more to prove. */
static int next_round(struct rv_ike_exchange *x, void *self)
{
	int r = ike_auth_enough(x);

	if (r || !ike_auth_more(x))
		return r;
	x->sa->hs->rounds.again = true;
	x->restart = true;
	ike_exchange_skip(x);
	return 0;
}

static int established(struct rv_ike_exchange *x, void *self)
{
	struct rv_peer *peer = x->sa->peer;
	char id[RV_ID_TEXT];

	x->advice = NULL;
	rv_attempt_step(x->sa->hs->attempt, "the peer is %s: its proof holds", rv_id_text(peer->remote_id, id));
	if (ike_sa_trim_keys(x->sa))
		return -ENOMEM;
	ike_first_contact(x);
	ike_sa_established(x->sa);
	return 0;
}

static int take_child(struct rv_ike_exchange *x, void *self)
{
	x->soft = true;
	return x->child && !x->childless ? ike_child_accept(x, true) : 0;
}

static int make_child(struct rv_ike_exchange *x, void *self)
{
	return x->child && !x->childless ? ike_child_make(x, true) : 0;
}

static int install_child(struct rv_ike_exchange *x, void *self)
{
	if (!x->child || x->childless)
		return 0;
	return ike_child_install(x, NULL, false);
}

static int done(struct rv_ike_exchange *x, void *self)
{
	struct ike_handshake *hs = x->sa->hs;

	if (x->child && !x->childless)
		ike_child_done(x, false);
	if (hs->childless && hs->child && ike_child_create(x->sa, hs->child, hs->attempt))
		ike_attempt_fail(x, -ENOMEM);
	else if (!x->childless && !(hs->childless && hs->child))
		ike_attempt_ok(x);
	x->sa->peer->attempt = NULL;
	for (const struct rv_child_conf **conf = x->sa->hs->more; conf && *conf; conf++)
		(void)ike_child_create(x->sa, *conf, NULL);
	TALLOC_FREE(x->sa->hs);
	return 0;
}

rv_ike_step_fn *const ike_auth_accepted[] = { read_identity,   ike_at_prove, verify,
					      ike_auth_count,  at_proved,    next_round,
					      established,     take_child,   ike_at_child_chosen,
					      ike_config_take, make_child,   ike_at_child_keyed,
					      install_child,   done,	     NULL };

static int learn_refusal(struct rv_ike_exchange *x, void *self)
{
	uint16_t type = ike_error_in(x);
	const char *name = ike_notify_name(type);
	int error = ike_error_of(type);

	if (!x->why.text[0])
		rv_why_set(&x->why, error, "the peer answered %s with %s", ike_exchange_name(x->type),
			   name ? name : "an unknown error");
	/* RFC 7296, 2.21.3: INVALID_SYNTAX "is considered fatal in both peers" */
	if (ike_notify_is_fatal(type, x->type == IKE_EXCHANGE_IKE_AUTH)) {
		x->fate = IKE_FATE_END;
		x->reason = error;
	}
	return error ? error : -RV_EREFUSED;
}

rv_ike_step_fn *const ike_refused[] = { learn_refusal, NULL };

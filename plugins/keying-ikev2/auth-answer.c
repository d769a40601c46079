// SPDX-License-Identifier: LGPL-2.1-or-later
/* auth-answer: IKE_AUTH as responder (RFC 7296, 1.2, 2.15, 2.21.2), and INITIAL_CONTACT (2.4).
 *
 * The PAD decides by addresses, IDr and IDi which connection a peer gets. Whatever is wrong with its proof it hears
 * AUTHENTICATION_FAILED and nothing more; the words are for our side.
 */
#include "auth.h"

#include "child.h"
#include "config.h"
#include "explain.h"
#include "reauth.h"
#include "transitions.h"

#include <errno.h>
#include <string.h>

enum { EVENTS_PER_S = 10 };

/* INITIAL_CONTACT */

static int find_twin(struct rv_peer *peer, void *arg)
{
	return peer != arg;
}

static int is_other(struct rv_peer *peer, void *arg)
{
	return peer != arg && peer->established;
}

/* Whether the peer's identity will be, or was, proved; one that is not says nothing of other sessions. */
static bool is_known(struct rv_peer *peer)
{
	struct rv_service *service = rv_auth_find(peer->core, &peer->connection->remote[0]);

	return service && !rv_service_attr(service, "anonymous", 0);
}

/* RFC 7296, 2.4: "this IKE SA is the only IKE SA currently active between the authenticated identities" */
bool ike_is_first_contact(struct rv_peer *peer)
{
	const char *unique = rv_conf_str(peer->connection->conf, "unique");
	const struct rv_id *theirs = peer->remote_id ? peer->remote_id : peer->connection->remote[0].id;

	if ((unique && strcmp(unique, "never") == 0) || !is_known(peer))
		return false;
	if (!ike_id_names_one(theirs)) /* nobody knows yet who answers */
		return !rv_peer_each(peer->core, peer->connection->name, is_other, peer);
	return !rv_peer_each_between(peer->core, peer->local_id, theirs, find_twin, peer);
}

/* When both sides begin at once each says INITIAL_CONTACT in good faith, since neither session is up yet. Only what was
 * up before this handshake began is older than the peer's claim; else each side would end the other's session. */
struct claim {
	const struct rv_ike_sa *sa;
	bool first; /* the peer says that it has no other session */
};

static int end_twin(struct rv_peer *peer, void *arg)
{
	const struct claim *claim = arg;
	const struct rv_ike_sa *sa = claim->sa;

	if (peer == sa->peer || !peer->established || peer->since_us > sa->hs->began_us || peer->id == sa->reauths)
		return 0;
	if (claim->first)
		rv_peer_down(peer, -RV_EPEER_GONE, "the peer began anew (INITIAL_CONTACT)");
	else if (peer->sa)
		ike_reauth_supersede(peer->sa);
	return 0;
}

void ike_first_contact(struct rv_ike_exchange *x)
{
	const char *unique = rv_conf_str(x->sa->peer->connection->conf, "unique");
	bool replace = unique && strcmp(unique, "replace") == 0;
	struct rv_peer *peer = x->sa->peer;

	if ((unique && strcmp(unique, "never") == 0) || !is_known(peer))
		return;
	struct claim claim = { x->sa, ike_has_notify(x, IKE_N_INITIAL_CONTACT) };

	if (replace || claim.first)
		rv_peer_each_between(peer->core, peer->local_id, peer->remote_id, end_twin, &claim);
}

void ike_tell_auth_failed(struct rv_ike_exchange *x, int error)
{
	struct ike_engine *engine = x->sa->engine;
	struct rv_peer *peer = x->sa->peer;

	if ((error != -RV_EAUTH_FAILED && error != -RV_ENO_SECRET && error != -RV_EUNKNOWN_PEER) ||
	    !ike_rate_ok(engine, &engine->logs, EVENTS_PER_S))
		return;
	rv_event_emit(engine->host->core, &(struct rv_event){ .name = "auth-failed",
							      .peer = peer,
							      .connection = peer->connection,
							      .code = error,
							      .text = x->why.text });
}

/* Steps */

/* The keys were agreed on before the peer had a name: they must be what its connection allows as well. */
static bool allows(const struct rv_connection *c, const struct rv_ike_sa *sa)
{
	struct rv_proposal chosen, again;

	ike_sa_proposal(sa, &chosen);
	return rv_proposal_choose(c->proposals, c->n_proposals, &chosen, 1, false, &again);
}

static bool without_child(const struct rv_ike_exchange *x)
{
	return !ike_has_payload(x, IKE_PAYLOAD_SA) || !ike_has_payload(x, IKE_PAYLOAD_TSI) ||
	       !ike_has_payload(x, IKE_PAYLOAD_TSR);
}

/* RFC 7296, 1.2: the request has SAi2, TSi and TSr, unless both sides said that they can do without. */
static int wants_child(struct rv_ike_exchange *x, void *self)
{
	if (!without_child(x) || x->sa->hs->childless || x->sa->hs->rounds.again)
		return 0;
	return ike_refuse(x, IKE_N_INVALID_SYNTAX, rv_bytes(NULL, 0), -RV_ESYNTAX,
			  "the peer asks for an IKE SA without a child SA, which is not allowed here");
}

/* Who else the peer is, in a later round. */
static int who_else(struct rv_ike_exchange *x)
{
	struct ike_rounds *rounds = &x->sa->hs->rounds;
	const struct rv_connection *c = x->sa->peer->connection;
	bool proves = ike_auth_proves(x, IKE_PAYLOAD_IDI);
	char got[RV_ID_TEXT], want[RV_ID_TEXT];
	int r = ike_auth_mismatch(x, proves);

	x->veto = IKE_N_AUTHENTICATION_FAILED;
	if (r || !proves)
		return r;
	const struct rv_id *wanted = c->remote[rounds->theirs].id;

	rounds->their = ike_id_make(x->sa->hs, ike_body(x, IKE_PAYLOAD_IDI));
	if (!rounds->their)
		return rv_why_set(&x->why, -RV_ESYNTAX, "the peer's identity is malformed");
	if (!wanted || rv_id_match(wanted, rounds->their))
		return 0;
	return rv_why_set(&x->why, -RV_EAUTH_FAILED, "the peer says in round %u that it is %s; connection %s wants %s",
			  rounds->theirs + 1u, rv_id_text(rounds->their, got), c->name, rv_id_text(wanted, want));
}

static int who(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = x->sa;
	struct rv_peer *peer = sa->peer;
	const struct rv_connection *c;
	struct rv_id *ours = NULL, *theirs;

	if (sa->hs->rounds.again)
		return who_else(x);
	theirs = ike_id_make(x, ike_body(x, IKE_PAYLOAD_IDI));
	if (!theirs)
		return rv_why_set(&x->why, -RV_ESYNTAX, "the peer's identity is malformed");
	if (rv_peer_identify(peer, theirs))
		return -ENOMEM;
	if (ike_has_payload(x, IKE_PAYLOAD_IDR))
		ours = ike_id_make(x, ike_body(x, IKE_PAYLOAD_IDR));
	x->veto = IKE_N_AUTHENTICATION_FAILED;
	if (!ike_auth_is_known(sa, peer->remote_id, false) || (ours && !ike_auth_is_known(sa, ours, true)))
		return rv_why_set(&x->why, -RV_EAUTH_FAILED, "the peer uses other identities than before");
	c = rv_pad_find(sa->engine->host->core, 2, &peer->path.local, &peer->path.remote,
			sa->hs->known ? sa->hs->known->responder : ours, peer->remote_id, &x->why);
	x->advice = "add a connection whose remote { id } and local { id } fit this peer, or correct the peer's";
	if (!c)
		return -RV_EUNKNOWN_PEER;
	if (rv_peer_bind(peer, c))
		return -ENOMEM;
	if (!c->n_local || !c->n_remote)
		return rv_why_set(&x->why, -RV_ECONFIG, "connection %s has no local or no remote section", c->name);
	int r = ike_auth_check_rounds(x);

	if (r)
		return r;
	x->advice = "let connections with the same addresses have the same proposals";
	if (!allows(c, sa))
		return rv_why_set(&x->why, -RV_ENO_PROPOSAL,
				  "the IKE SA was made with a proposal that connection %s does not have", c->name);
	/* RFC 7296, 1.2: "the responder might use some other IDr": the connection's own */
	return ike_auth_name(sa);
}

static int no_proof(struct rv_ike_exchange *x, void *self)
{
	x->advice = "let the peer prove itself in the way that remote { auth } of the connection says";
	return ike_refuse(x, IKE_N_AUTHENTICATION_FAILED, rv_bytes(NULL, 0), -RV_EAUTH_FAILED,
			  "the peer sent no AUTH payload: it wants to be authenticated by EAP, which is not offered");
}

rv_ike_step_fn *const ike_auth_no_proof[] = { no_proof, NULL };

static int verify(struct rv_ike_exchange *x, void *self)
{
	return ike_auth_proves(x, IKE_PAYLOAD_IDI) ? ike_auth_verify(x) : 0;
}

static int at_round(struct rv_ike_exchange *x, void *self)
{
	int r = ike_auth_enough(x);

	if (r || !ike_auth_proves(x, IKE_PAYLOAD_IDI))
		return r;
	return ike_point(x, RV_IKE_AT_ROUND);
}

static int sign(struct rv_ike_exchange *x, void *self)
{
	int r = 0;

	x->advice = NULL;
	if (!ike_auth_our_turn(x))
		return 0;
	if (x->sa->hs->rounds.again)
		r = ike_auth_own(x);
	return r ? r : ike_auth_sign(x);
}

static int write(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = x->sa;

	struct ike_rounds *rounds = &sa->hs->rounds;

	if (!ike_auth_our_turn(x))
		return 0;
	ike_id_put(&x->out, IKE_PAYLOAD_IDR, rounds->own ? rounds->own : sa->peer->local_id);
	ike_auth_put_proof(x);
	rounds->ours++;
	if (rounds->again)
		return 0;
	if (ike_is_first_contact(sa->peer))
		ike_notify_put(&x->out, IKE_N_INITIAL_CONTACT, rv_bytes(NULL, 0));
	return 0;
}

/* Until nobody has anything more to prove the first request is kept: it says what else is wanted. */
static int next_round(struct rv_ike_exchange *x, void *self)
{
	struct ike_rounds *rounds = &x->sa->hs->rounds;
	bool more = ike_auth_more(x);

	if (more && !rounds->again) {
		rounds->first = talloc_memdup(x->sa->hs, &x->chain, sizeof(x->chain));
		if (!rounds->first)
			return -ENOMEM;
		(void)talloc_steal(rounds->first, x->body);
		x->body = NULL;
	}
	rounds->again = more || rounds->again;
	if (more) {
		x->veto = 0;
		ike_exchange_skip(x);
	} else if (rounds->first) {
		x->chain = *rounds->first;
		(void)talloc_steal(x, rounds->first);
	}
	return 0;
}

static int established(struct rv_ike_exchange *x, void *self)
{
	x->veto = 0;
	if (ike_sa_trim_keys(x->sa))
		return -ENOMEM;
	ike_first_contact(x);
	ike_sa_established(x->sa);
	return 0;
}

static int choose_child(struct rv_ike_exchange *x, void *self)
{
	x->soft = true;
	if (x->childless)
		return 0;
	if (without_child(x)) {
		x->childless = true;
		return 0;
	}
	return ike_child_choose(x, true);
}

static int begin_child(struct rv_ike_exchange *x, void *self)
{
	return x->childless ? 0 : ike_child_begin(x, x->conf, 0);
}

static int make_child(struct rv_ike_exchange *x, void *self)
{
	return x->childless ? 0 : ike_child_make(x, true);
}

static int install_child(struct rv_ike_exchange *x, void *self)
{
	return x->childless ? 0 : ike_child_install(x, NULL, ike_reauth_overlaps(x));
}

static int done(struct rv_ike_exchange *x, void *self)
{
	if (!x->childless) {
		ike_child_write(x, true);
		ike_child_done(x, x->child && x->child->child->state == RV_CHILD_NEW);
	}
	TALLOC_FREE(x->sa->hs);
	return 0;
}

rv_ike_step_fn *const ike_auth_answer[] = { wants_child,
					    who,
					    ike_at_prove,
					    verify,
					    ike_auth_count,
					    at_round,
					    sign,
					    write,
					    next_round,
					    established,
					    ike_config_lend,
					    ike_config_write,
					    choose_child,
					    ike_at_child_chosen,
					    begin_child,
					    make_child,
					    ike_at_child_keyed,
					    install_child,
					    done,
					    NULL };

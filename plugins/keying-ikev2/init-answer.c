// SPDX-License-Identifier: LGPL-2.1-or-later
/* init-answer: IKE_SA_INIT as responder (RFC 7296, 1.2, 2.6, 2.7, 2.14), and NAT detection of both roles (2.23).
 *
 * Until a request has passed the cookie, the proposals and the group, nothing is allocated for it.
 */
#include "init.h"

#include "explain.h"
#include "halfopen.h"
#include "kex.h"
#include "octets/nat.h"
#include "transitions.h"

#include <errno.h>

enum { ERRORS_PER_S = 20 };

/* NAT detection, both roles */

/* Does the connection want UDP encapsulation where no NAT is seen? */
static bool forced(const struct ike_engine *engine, uint8_t encap)
{
	struct rv_service *kernel;
	const struct rv_kernel_ops *ops;

	if (encap != RV_ENCAP_DEFAULT)
		return encap == RV_ENCAP_YES;
	kernel = rv_registry_find(engine->host->registry, "kernel", NULL);
	ops = kernel ? rv_service_ops(kernel) : NULL;
	return ops && ops->needs_encap && ops->needs_encap(rv_service_self(kernel));
}

int ike_nat_write(struct rv_ike_exchange *x, const struct rv_path *path, uint8_t encap, uint64_t spi_i, uint64_t spi_r)
{
	struct ike_engine *engine = x->sa->engine;
	struct rv_service *sha1 = rv_registry_find(engine->host->registry, "hash", "sha1");
	uint8_t source[IKE_NAT_HASH_LEN], destination[IKE_NAT_HASH_LEN];
	int r;

	if (encap == RV_ENCAP_NEVER || !sha1)
		return 0;
	r = ike_nat_hash(sha1, spi_i, spi_r, &path->local, source);
	if (!r)
		r = ike_nat_hash(sha1, spi_i, spi_r, &path->remote, destination);
	if (r)
		return rv_why_set(&x->why, r, "NAT detection: %s", rv_error_text(r));
	if (forced(engine, encap)) {
		/* a hash of no address makes the peer see a NAT in front of us, and encapsulate */
		rv_host_random(engine->host, source, sizeof(source));
	}
	ike_notify_put(&x->out, IKE_N_NAT_DETECTION_SOURCE_IP, rv_bytes(source, sizeof(source)));
	ike_notify_put(&x->out, IKE_N_NAT_DETECTION_DESTINATION_IP, rv_bytes(destination, sizeof(destination)));
	return 0;
}

int ike_nat_judge(struct rv_ike_exchange *x, uint8_t encap, struct rv_path *path)
{
	struct ike_engine *engine = x->sa->engine;
	struct rv_service *sha1 = rv_registry_find(engine->host->registry, "hash", "sha1");
	int source, destination;

	if (!sha1)
		return 0;
	source = ike_nat_look(sha1, &x->header, &x->chain, IKE_N_NAT_DETECTION_SOURCE_IP, &x->path.remote);
	destination = ike_nat_look(sha1, &x->header, &x->chain, IKE_N_NAT_DETECTION_DESTINATION_IP, &x->path.local);
	if (source < 0 || destination < 0)
		return source < 0 ? source : destination;
	if (source == IKE_NAT_UNKNOWN && destination == IKE_NAT_UNKNOWN)
		return 0;
	path->remote_nat = source == IKE_NAT_FOUND;
	path->behind_nat = destination == IKE_NAT_FOUND;
	path->plain_esp =
		!path->remote_nat && !path->behind_nat && !(forced(engine, encap) && source != IKE_NAT_UNKNOWN);
	return 1;
}

int ike_nat_read(struct rv_ike_exchange *x, uint8_t encap)
{
	struct rv_ike_sa *sa = x->sa;
	struct rv_path *path = &sa->peer->path;
	int r;

	path->plain_esp = true;
	r = ike_nat_judge(x, encap, path);
	if (r < 0)
		return r;
	if (encap == RV_ENCAP_NEVER) {
		if (path->remote_nat || path->behind_nat)
			x->advice = "there is a NAT on the way (or the peer forces encapsulation): ESP without UDP "
				    "will not pass it; remove encap = never";
		path->remote_nat = path->behind_nat = false;
		path->plain_esp = true;
		return 0;
	}
	sa->encap = !path->plain_esp;
	/* RFC 7296, 2.23: who forces encapsulation lies about its own address; that looks as a NAT does */
	rv_attempt_step(sa->hs->attempt, "NAT: %s, %s; ESP goes %s",
			path->behind_nat ? "we are behind one" : "none in front of us",
			path->remote_nat ? "the peer is behind one or forces UDP encapsulation"
					 : "none in front of the peer",
			!sa->encap			       ? "without UDP"
			: path->behind_nat || path->remote_nat ? "in UDP"
							       : "in UDP, which encap = yes forces");
	return 0;
}

int ike_handshake_keys(struct rv_ike_exchange *x, struct rv_bytes ni, struct rv_bytes nr)
{
	struct rv_ike_sa *sa = x->sa;
	int r = ike_sa_suite(sa, &x->chosen, &x->why);

	if (r)
		return r;
	const struct ike_key_input in = {
		.ni = ni, .nr = nr, .shared = rv_secret_bytes(x->kex->shared), .spi_i = sa->spi_i, .spi_r = sa->spi_r
	};

	r = ike_sa_make_keys(sa, x, &in, &x->why);
	if (!r)
		ike_sa_tell_keys(sa);
	return r;
}

/* Steps */

static int at_chosen(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_CHOSEN);
}

static int respond(struct rv_ike_exchange *x, void *self)
{
	struct ike_ke ke;

	if (!ike_ke_read(&ke, ike_body(x, IKE_PAYLOAD_KE)) || !ike_nonce_read(&x->ni, ike_body(x, IKE_PAYLOAD_NONCE)))
		return -RV_ESYNTAX;
	ike_nonce(x);
	return ike_kex_new(x, ke.group) ? ike_kex_respond(x, ke.value) : -ENOMEM;
}

static int make_keys(struct rv_ike_exchange *x, void *self)
{
	struct ike_handshake *hs = x->sa->hs;

	hs->ni = ike_keep(hs, x->ni);
	hs->nr = ike_keep(hs, rv_bytes(x->nonce, sizeof(x->nonce)));
	return hs->ni.len && hs->nr.len ? ike_handshake_keys(x, hs->ni, hs->nr) : -ENOMEM;
}

static int at_keyed(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_KEYED);
}

static int find_nat(struct rv_ike_exchange *x, void *self)
{
	return ike_nat_read(x, x->sa->hs->encap);
}

static int at_path(struct rv_ike_exchange *x, void *self)
{
	return ike_point(x, RV_IKE_AT_PATH);
}

static int write(struct rv_ike_exchange *x, void *self)
{
	struct ike_handshake *hs = x->sa->hs;

	ike_choice_put(&x->out, &x->chosen, rv_bytes(NULL, 0));
	ike_ke_put(&x->out, x->kex->group, x->kex->ours);
	ike_nonce_put(&x->out, hs->nr);
	return ike_nat_write(x, &x->path, hs->encap, x->sa->spi_i, x->sa->spi_r);
}

rv_ike_step_fn *const ike_init_answer[] = { respond, at_chosen, make_keys, at_keyed, find_nat, at_path, write, NULL };

/* Before there is an IKE SA */

/* What a request came to: the first connection by addresses that has a proposal in common. */
struct match {
	const struct rv_connection *connection, *nearest;
	struct rv_proposal chosen;
};

static bool match(struct ike_engine *engine, const struct rv_path *path, const struct ike_proposals *offer,
		  struct match *out)
{
	const struct rv_connection *c;

	*out = (struct match){ 0 };
	for (size_t n = 0; (c = rv_connection_match(engine->host->core, 2, &path->local, &path->remote, n)); n++) {
		if (!out->nearest)
			out->nearest = c;
		if (!rv_proposal_choose(c->proposals, c->n_proposals, offer->proposal, offer->n, false, &out->chosen))
			continue;
		out->connection = c;
		return true;
	}
	return false;
}

static void say_no(struct ike_port *port, const struct rv_path *path, const struct ike_message *message,
		   const struct ike_proposals *offer, const struct match *m)
{
	struct ike_engine *engine = port->engine;

	if (!ike_rate_ok(engine, &engine->errors, ERRORS_PER_S))
		return;
	ike_explain_stranger(engine, path, m->nearest, offer);
	ike_reply_notify(port, path, &message->header, IKE_N_NO_PROPOSAL_CHOSEN, rv_bytes(NULL, 0));
}

/* RFC 7296, 1.2: "INVALID_KE_PAYLOAD indicating the selected group" */
static bool right_group(struct ike_port *port, const struct rv_path *path, const struct ike_message *message,
			const struct rv_proposal *chosen)
{
	const struct rv_transform *t = rv_proposal_get(chosen, RV_CLASS_KE);
	uint8_t data[2];
	struct rv_wr w = rv_wr(data, sizeof(data));
	struct ike_ke ke;

	if (!t || !ike_ke_read(&ke, ike_chain_first(&message->chain, IKE_PAYLOAD_KE)->body))
		return false;
	if (ke.group == t->id)
		return true;
	rv_wr_u16(&w, t->id);
	ike_reply_notify(port, path, &message->header, IKE_N_INVALID_KE_PAYLOAD, rv_wr_bytes(&w));
	return false;
}

struct rv_ike_exchange *ike_init_welcome(struct ike_port *port, const struct rv_path *path,
					 const struct ike_message *message, uint8_t encap)
{
	struct ike_engine *engine = port->engine;
	struct rv_peer *peer = rv_peer_new(engine->host, NULL, path, false);
	struct rv_ike_sa *sa = peer ? ike_sa_new(engine, peer, peer, port, false) : NULL;
	struct ike_handshake *hs = sa ? ike_handshake_new(sa) : NULL;
	struct rv_ike_exchange *x = hs ? ike_exchange_new(sa, IKE_ANSWERING) : NULL;
	uint64_t timeout = rv_conf_us(rv_host_conf(engine->host), "half_open_timeout");

	if (!x) {
		talloc_free(peer);
		return NULL;
	}
	sa->spi_i = message->header.spi_i;
	sa->spi_r = ike_spi_new(engine);
	peer->sa = sa;
	hs->from = path->remote;
	hs->digest = ike_digest(message->octets);
	hs->encap = encap;
	hs->expire_us = hs->began_us + timeout;
	hs->init_request = ike_keep(hs, message->octets);
	x->header = message->header;
	x->type = message->header.exchange;
	x->path = *path;
	x->digest = hs->digest;
	x->message = hs->init_request;
	return x;
}

/* A repeated first message gets the same answer; true when it was one (RFC 7296, 2.1). */
bool ike_init_repeated(struct ike_port *port, const struct rv_path *path, const struct ike_message *message)
{
	uint64_t digest = ike_digest(message->octets);
	struct rv_ike_sa *sa = ike_halfopen_find(port->engine, message->header.spi_i, &path->remote, digest);

	if (!sa)
		return ike_halfopen_stale(port->engine, digest);
	if (sa->response && !sa->response->id && !sa->serving)
		ike_send_list(sa, path, rv_bytes(sa->response->octets, sa->response->len));
	return true;
}

void ike_init_serve(struct rv_ike_exchange *x)
{
	struct ike_message kept;

	if (!x->message.len || ike_message_read(&kept, x->message, &x->sa->engine->types) || ike_sas_add(x->sa)) {
		talloc_free(x->sa->peer);
		return;
	}
	x->chain = kept.chain;
	ike_halfopen_add(x->sa->hs);
	ike_sa_schedule(x->sa);
	ike_exchange_answer(x);
}

void ike_init_request(struct ike_port *port, const struct rv_path *path, const struct ike_message *message)
{
	struct ike_engine *engine = port->engine;
	const struct ike_payload *sa = ike_chain_first(&message->chain, IKE_PAYLOAD_SA);
	const struct ike_payload *nonce = ike_chain_first(&message->chain, IKE_PAYLOAD_NONCE);
	struct rv_ike_stranger stranger;
	struct ike_proposals offer;
	struct rv_bytes ni;
	struct match m;

	if (!sa || !nonce || !ike_chain_first(&message->chain, IKE_PAYLOAD_KE) || !ike_nonce_read(&ni, nonce->body) ||
	    !ike_offer_read(&offer, sa->body)) {
		if (ike_rate_ok(engine, &engine->errors, ERRORS_PER_S))
			ike_reply_notify(port, path, &message->header, IKE_N_INVALID_SYNTAX, rv_bytes(NULL, 0));
		return;
	}
	if (ike_init_repeated(port, path, message))
		return;
	if (ike_halfopen_admit(port, path, message, ni, &offer, &stranger))
		return;
	if (!match(engine, path, &offer, &m)) {
		say_no(port, path, message, &offer, &m);
		return;
	}
	if (!right_group(port, path, message, &m.chosen))
		return;
	struct rv_ike_exchange *x = ike_init_welcome(port, path, message, m.connection->encap);

	if (!x)
		return;
	x->chosen = m.chosen;
	ike_init_serve(x);
}

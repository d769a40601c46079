// SPDX-License-Identifier: LGPL-2.1-or-later
/* gateway: tickets are given (RFC 5723, 4.1, 4.2, 6.2) and taken (4.3).
 *
 * Whoever presents a ticket is looked up in the PAD as in a full handshake, before it is accepted: what the
 * configuration does not allow any more it does not get by a ticket.
 */
#include "resumption.h"

#include <errno.h>
#include <ravelin/config.h>
#include <ravelin/error.h>
#include <ravelin/ikev2-wire.h>
#include <ravelin/loop.h>
#include <ravelin/pack.h>
#include <ravelin/wire.h>
#include <string.h>

enum { LOGS_PER_S = 10 };

/* Hangs on an IKE SA: its ticket (RFC 5723, 6.2: "Each ticket is associated with a single IKE SA"). */
struct given {
	uint64_t serial, expires_s;
};

/* Hangs on an IKE SA that is being set up with a ticket. */
struct resumed {
	uint64_t serial, expires_s, since_s;
	uint32_t session;
};

/* Hangs on a session that was resumed: when the peers had authenticated each other. */
struct origin {
	uint64_t since_s;
};

static uint64_t now_s(const struct resumption *r)
{
	return rv_loop_wall_s(r->host->loop);
}

/* Giving */

static uint64_t since_s(struct resumption *r, const struct rv_peer *peer)
{
	const struct origin *origin = rv_attached(r->host, peer, struct origin);

	return origin ? origin->since_s : now_s(r) - (rv_loop_now_us(r->host->loop) - peer->since_us) / 1000000;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How long the authentication still counts; 0: no longer. */
static uint64_t counts_s(const struct resumption *r, const struct rv_connection *c, uint64_t since)
{
	uint64_t age = now_s(r) > since ? now_s(r) - since : 0, most = c->reauth_us / 1000000;

	if (!c->reauth_us)
		return UINT32_MAX;
	return age < most ? most - age : 0;
}

/* RFC 5723, 6.2: "The lifetime of the ticket sent by the gateway SHOULD be the minimum of the IKE SA lifetime ... and
 * its re-authentication time" */
static uint64_t lifetime_s(struct resumption *r, const struct rv_peer *peer)
{
	const struct rv_connection *c = peer->connection;
	uint64_t s = rv_conf_us(rv_host_conf(r->host), "lifetime") / 1000000;

	if (c->rekey_us)
		s = least(s, (c->rekey_us + c->over_us) / 1000000);
	return least(s, counts_s(r, c, since_s(r, peer)));
}

static struct given *given_of(struct resumption *r, struct rv_ike_sa *sa)
{
	struct given *given = rv_attached(r->host, sa, struct given);

	return given ? given : rv_attach(r->host, sa, struct given);
}

void resume_gateway_revoke(struct resumption *r, struct rv_ike_sa *sa)
{
	struct given *given = sa ? rv_attached(r->host, sa, struct given) : NULL;

	if (!given)
		return;
	ticket_spent_add(r->spent, given->serial, given->expires_s, now_s(r));
	talloc_free(given);
}

/* A ticket for sa, which is remembered; its data of TICKET_LT_OPAQUE is a child of x. Empty: none is given. */
static struct rv_bytes make(struct resumption *r, struct rv_ike_exchange *x, struct rv_ike_sa *sa)
{
	struct rv_peer *peer = rv_ike_peer(sa);
	uint64_t lifetime = peer->initiator || !resumption_is_on(r, "grant") ? 0 : lifetime_s(r, peer);
	struct ticket_content content = { .session = peer->id };
	char how[TICKET_HOW_MAX];
	struct given *given;
	uint8_t *ticket, *data;
	size_t len = 0;

	if (!lifetime || !rv_ike_remember(sa, &content.known))
		return rv_bytes(NULL, 0);
	resumption_how(peer->connection, how);
	content.how = rv_bytes(how, strlen(how));
	content.since_s = since_s(r, peer);
	content.expires_s = now_s(r) + lifetime;
	rv_host_random(r->host, &content.serial, sizeof(content.serial));
	ticket = ticket_seal(r->keys, x, &content, &len);
	data = ticket ? talloc_size(x, len + 4) : NULL;
	resume_gateway_revoke(r, sa);
	given = data ? given_of(r, sa) : NULL;
	if (!given)
		return rv_bytes(NULL, 0);
	*given = (struct given){ content.serial, content.expires_s };
	struct rv_wr w = rv_wr(data, len + 4);

	rv_wr_u32(&w, (uint32_t)lifetime);
	rv_wr_put(&w, rv_bytes(ticket, len));
	rv_log(&r->host->subject, RV_INFO, "ticket-given", KV_STR("connection", peer->connection->name),
	       KV_UINT("session", peer->id), KV_UINT("seconds", lifetime));
	return rv_wr_bytes(&w);
}

static int give(struct resumption *r, struct rv_ike_exchange *x, struct rv_ike_sa *sa)
{
	struct rv_bytes data = make(r, x, sa);

	return rv_ike_add_notify(x, data.len ? TICKET_LT_OPAQUE : TICKET_NACK, data);
}

/* Hangs on an exchange in which the peer's request for a ticket was answered. */
struct answered {
	bool yes;
};

/* RFC 5723, 4.1: in "a CREATE_CHILD_SA exchange, when an IKE SA is rekeyed": the ticket is the successor's. */
int resume_gateway_keyed(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *fresh = rv_ike_fresh(x);
	struct resumption *r = self;
	struct rv_bytes none;
	int e;

	if (!fresh || rv_ike_role(x) != RV_IKE_RESPONDER || !rv_ike_notify(x, TICKET_REQUEST, 0, &none) ||
	    rv_attached(r->host, x, struct answered))
		return 0;
	e = give(r, x, fresh);
	if (e)
		return e;
	return rv_attach(r->host, x, struct answered) ? 0 : -ENOMEM;
}

/* RFC 5723, 4.1: one of TICKET_LT_OPAQUE, TICKET_NACK and TICKET_ACK is the answer, "only ... in the final IKE_AUTH
 * response". Where the keys of a successor take further exchanges the client has to ask again. */
int resume_gateway_build(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct resumption *r = self;
	struct rv_bytes none;

	if (rv_ike_role(x) != RV_IKE_RESPONDER || rv_ike_state(sa) < RV_IKE_ESTABLISHED ||
	    !rv_ike_notify(x, TICKET_REQUEST, 0, &none) || rv_attached(r->host, x, struct answered))
		return 0;
	if (rv_ike_type(x) != CREATE_CHILD_SA && rv_ike_state(sa) == RV_IKE_ESTABLISHED)
		return give(r, x, sa);
	return rv_attach(r->host, x, struct answered) ? rv_ike_add_notify(x, TICKET_ACK, none) : -ENOMEM;
}

/* Taking */

/* Why the ticket is not accepted, or NULL; then *c is the connection that its owner gets. */
static const char *judge(struct resumption *r, const struct rv_path *path, const struct ticket_content *t,
			 const struct rv_connection **c)
{
	char how[TICKET_HOW_MAX];

	if (t->expires_s <= now_s(r))
		return "it has expired";
	if (ticket_spent_has(r->spent, t->serial, now_s(r)))
		return "it was used, or its IKE SA was deleted";
	*c = rv_pad_find(r->host->core, 2, &path->local, &path->remote, t->known.responder, t->known.initiator, NULL);
	if (!*c)
		return "no connection is for its owner";
	if (!resumption_allows(*c, &t->known.proposal))
		return "the connection does not allow its algorithms";
	resumption_how(*c, how);
	if (!rv_bytes_equal(t->how, rv_bytes(how, strlen(how))))
		return "the connection asks for another authentication";
	return counts_s(r, *c, t->since_s) ? NULL : "the authentication is too old";
}

static void tell_refused(struct resumption *r, const struct rv_path *path, const char *why)
{
	uint64_t now = rv_loop_now_us(r->host->loop);

	if (!r->log_at_us || now - r->log_at_us >= RV_S(1)) {
		r->log_at_us = now;
		r->logs = 0;
	}
	if (r->logs++ < LOGS_PER_S)
		rv_log(&r->host->subject, RV_NOTICE, "ticket-refused", KV_ADDR("peer", &path->remote),
		       KV_STR("why", why));
}

/* RFC 5723, 4.3.2: "It responds with an unprotected N(TICKET_NACK) notification, if it rejects the ticket" */
int resume_gateway_opened(void *self, const struct rv_ike_stranger *stranger, struct rv_ike_known *known)
{
	struct resumption *r = self;
	const struct rv_connection *c = NULL;
	struct ticket_content content;
	struct rv_bytes ticket;
	const char *why;

	TALLOC_FREE(r->room);
	known->refuse = INVALID_SYNTAX;
	if (!stranger->notify(stranger, TICKET_OPAQUE, &ticket))
		return 0;
	why = resumption_is_on(r, "grant") ? ticket_open(r->keys, r, ticket, &content, &r->room)
					   : "none are given here";
	if (!why)
		why = judge(r, stranger->path, &content, &c);
	if (why) {
		tell_refused(r, stranger->path, why);
		known->refuse = TICKET_NACK;
		return 0;
	}
	*known = content.known;
	known->label = RV_STR(RESUMPTION_LABEL);
	known->auth = RESUMPTION_AUTH;
	known->connection = c;
	return 1;
}

/* The IKE SA that was made of it. */
int resume_gateway_read(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct resumption *r = self;
	struct ticket_content content;
	struct rv_bytes ticket;
	struct resumed *resumed;

	if (rv_ike_role(x) != RV_IKE_RESPONDER)
		return 0;
	TALLOC_FREE(r->room);
	if (!rv_ike_notify(x, TICKET_OPAQUE, 0, &ticket) || ticket_open(r->keys, r, ticket, &content, &r->room))
		return -RV_ESYNTAX;
	resumed = rv_attach(r->host, sa, struct resumed);
	if (resumed)
		*resumed = (struct resumed){ content.serial, content.expires_s, content.since_s, content.session };
	TALLOC_FREE(r->room);
	return resumed ? 0 : -ENOMEM;
}

/* RFC 5723, 4.3.4: "the old SA SHOULD be silently deleted without sending a DELETE informational exchange" */
static void end_old(struct resumption *r, const struct rv_peer *peer, const struct resumed *resumed)
{
	struct rv_peer *old = rv_peer_by_id(r->host->core, resumed->session);
	const struct given *given = old && old != peer && old->sa ? rv_attached(r->host, old->sa, struct given) : NULL;

	if (given && given->serial == resumed->serial)
		rv_peer_down(old, -RV_EPEER_GONE, "the peer resumed the session");
}

/* The client has proved that the ticket is its own: now it is used (RFC 5723, 4.3.1). */
int resume_gateway_round(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct rv_peer *peer = rv_ike_peer(sa);
	struct resumption *r = self;
	struct resumed *resumed = rv_attached(r->host, sa, struct resumed);
	struct origin *origin;

	if (!resumed || rv_ike_role(x) != RV_IKE_RESPONDER)
		return 0;
	if (ticket_spent_has(r->spent, resumed->serial, now_s(r)))
		return rv_ike_veto(x, AUTHENTICATION_FAILED, rv_bytes(NULL, 0),
				   "the ticket was used meanwhile, or its IKE SA was deleted");
	origin = rv_attach(r->host, peer, struct origin);
	if (!origin)
		return -ENOMEM;
	origin->since_s = resumed->since_s;
	end_old(r, peer, resumed);
	ticket_spent_add(r->spent, resumed->serial, resumed->expires_s, now_s(r));
	rv_log(&r->host->subject, RV_INFO, "session-resumed", KV_STR("connection", peer->connection->name),
	       KV_UINT("session", peer->id), KV_ID("remote-id", peer->remote_id));
	talloc_free(resumed);
	return 0;
}

/* Packs */

int resume_gateway_pack(struct resumption *r, struct rv_ike_sa *sa, struct rv_pack *out)
{
	const struct given *given = rv_attached(r->host, sa, struct given);
	const struct origin *origin = rv_attached(r->host, rv_ike_peer(sa), struct origin);

	if (given) {
		rv_pack_u64(out, PACK_SERIAL, given->serial);
		rv_pack_u64(out, PACK_EXPIRES, given->expires_s);
	}
	if (origin)
		rv_pack_u64(out, PACK_SINCE, origin->since_s);
	return 0;
}

int resume_gateway_unpack(struct resumption *r, struct rv_ike_sa *sa, uint16_t tag, struct rv_bytes value,
			  struct rv_unpack *in)
{
	struct given *given = tag == PACK_SERIAL || tag == PACK_EXPIRES ? given_of(r, sa) : NULL;
	struct origin *origin = tag == PACK_SINCE ? rv_attach(r->host, rv_ike_peer(sa), struct origin) : NULL;

	if (tag == PACK_SINCE ? !origin : (tag == PACK_SERIAL || tag == PACK_EXPIRES) && !given)
		return -ENOMEM;
	if (tag == PACK_SERIAL)
		given->serial = rv_unpack_u64(in, value);
	else if (tag == PACK_EXPIRES)
		given->expires_s = rv_unpack_u64(in, value);
	else if (tag == PACK_SINCE)
		origin->since_s = rv_unpack_u64(in, value);
	return 0;
}

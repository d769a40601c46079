// SPDX-License-Identifier: LGPL-2.1-or-later
/* ike-sa.h: an IKE SA (RFC 7296, 1 and 2.6), and what only the way to an established one needs.
 *
 * A session (struct rv_peer) has one current IKE SA and, around a rekey, others. Once established an IKE SA holds keys
 * and counters, no cipher context and no message but its last response.
 */
#pragma once

#include "engine.h"
#include "handshake.h"
#include "octets/keys.h"

enum { IKE_AGREED_MAX = 10 };

/* A payload in front of the sealed one; no body: there is none. */
struct ike_outside {
	uint8_t type;
	struct rv_bytes body;
};

/* Datagrams, each behind its length in two octets (protect.c). */
struct ike_list {
	uint8_t *b;
	size_t len;
};

/* A response, a list of datagrams, for a retransmitted request (RFC 7296, 2.1). digest: of that request. older: the one
 * before it, while it is in the window that we promised. */
struct ike_response {
	struct ike_response *older;
	uint32_t id, len;
	uint64_t digest, at_us;
	uint8_t octets[];
};

/* An IKE SA: a talloc child of its session, or of the exchange that is making it. keys: SK_d, SK_ai, SK_ar, SK_ei,
 * SK_er as keys.h lays them out (and SK_pi, SK_pr until it is established). Times are of the loop's clock, 0: never. */
struct rv_ike_sa {
	const struct rv_ike_verbs *verbs;
	struct rv_ike_sa *chain; /* sas.c */
	struct ike_engine *engine;
	struct rv_peer *peer;
	struct ike_port *port; /* NULL when its transport is gone */
	uint64_t spi_i, spi_r, iv;
	uint32_t next_out, next_in;	   /* message IDs */
	uint8_t state;			   /* enum rv_ike_state */
	bool initiator;			   /* the original initiator (RFC 7296, 2.2) */
	bool in_table, doomed, superseded; /* superseded: deleted at reauth_us */
	bool encap;			   /* ESP goes in UDP */
	bool pinned;			   /* whoever moves says so (ikev2-path.h) */
	uint8_t n_chosen, n_agreed;
	uint8_t moves; /* how often it went to other addresses */
	/* requests at once (RFC 7296, 2.3): that we promised to take, that the peer did */
	uint8_t window_in, window_out;
	uint16_t agreed[IKE_AGREED_MAX];      /* what extensions of both sides agreed on */
	struct rv_transform chosen[4], *more; /* more: those behind the fourth */
	struct rv_suite suite;
	struct rv_ref prf;
	struct rv_user user;
	struct rv_secret keys;
	struct rv_list requests;	 /* ours: struct rv_ike_exchange, in order of asking */
	struct rv_ike_exchange *serving; /* the peer's */
	struct rv_ike_exchange *ahead;	 /* the peer's that wait for earlier ones, by message ID */
	struct ike_response *response;	 /* the newest */
	struct ike_handshake *hs;
	struct ike_dial *next; /* init.h: what is called when this one has ended */
	struct rv_timer timer;
	uint64_t last_in_us, rekey_us, over_us, dpd_us, reauth_us;
	uint64_t busy_us;     /* since when the peer has answered CREATE_CHILD_SA with TEMPORARY_FAILURE only */
	uint64_t predecessor; /* our SPI of the IKE SA that this one replaced; 0: none */
	uint32_t reauths;     /* id of the session that ends when this one has its children; 0: none */
};

static inline uint64_t ike_sa_ours(const struct rv_ike_sa *sa)
{
	return sa->initiator ? sa->spi_i : sa->spi_r;
}

static inline uint64_t ike_sa_theirs(const struct rv_ike_sa *sa)
{
	return sa->initiator ? sa->spi_r : sa->spi_i;
}

/* How many proofs of each side there are to be. */
static inline size_t ike_rounds_local(const struct rv_ike_sa *sa)
{
	return sa->hs && sa->hs->known ? 1 : sa->peer->connection->n_local;
}
static inline size_t ike_rounds_remote(const struct rv_ike_sa *sa)
{
	return sa->hs && sa->hs->known ? 1 : sa->peer->connection->n_remote;
}

/* A new SA in state NEW, not in the table; its handshake. NULL: out of memory. */
struct rv_ike_sa *ike_sa_new(struct ike_engine *engine, const void *parent, struct rv_peer *peer, struct ike_port *port,
			     bool initiator);
struct ike_handshake *ike_handshake_new(struct rv_ike_sa *sa);

/* Takes references to what computes the chosen proposal. 0 or negative with why. proposal: what was chosen. */
int ike_sa_suite(struct rv_ike_sa *sa, const struct rv_proposal *chosen, struct rv_why *why);
void ike_sa_proposal(const struct rv_ike_sa *sa, struct rv_proposal *out);

/* Keys: making them (room: a parent for the meantime; 0 or negative with why), taking them over from keys.h, the slices
 * of them, letting SK_pi and SK_pr go, and the event for a key log. */
int ike_sa_make_keys(struct rv_ike_sa *sa, const void *room, const struct ike_key_input *in, struct rv_why *why);
void ike_sa_adopt_keys(struct rv_ike_sa *sa, struct ike_keys *keys);
void ike_sa_keys(const struct rv_ike_sa *sa, struct ike_keys *out);
void ike_keys_in(const struct rv_ike_sa *sa, struct rv_bytes block, struct ike_keys *out);
int ike_sa_trim_keys(struct rv_ike_sa *sa);
void ike_sa_tell_keys(const struct rv_ike_sa *sa);

/* The peers are authenticated: lifetimes begin, listeners hear of it. */
void ike_sa_established(struct rv_ike_sa *sa);

/* Keepalives through a NAT in front of us begin or end. */
void ike_sa_keep_alive(struct rv_ike_sa *sa, bool on);

/* Sets rekey, expiry and liveness times; arms the timer for what is due first. */
void ike_sa_lifetimes(struct rv_ike_sa *sa);
void ike_sa_schedule(struct rv_ike_sa *sa);

/* Ends the session when sa is its current IKE SA, else sa alone. reason and text as rv_peer_down(). sa is gone. */
void ike_sa_end(struct rv_ike_sa *sa, int reason, const char *text);

/* fresh takes the session over; what waits in old moves to it. */
void ike_sa_replace(struct rv_ike_sa *old, struct rv_ike_sa *fresh);

/* Another IKE SA has the session, or won a rekey collision: sa only waits to be deleted, and not for ever. */
void ike_sa_retire(struct rv_ike_sa *sa);

/* Who speaks in the log; the name of a state. */
struct rv_subject ike_subject(const struct rv_ike_sa *sa);
const char *ike_state_text(enum rv_ike_state state);

/* A list of datagrams: the next one (false: no more), the first one, sending all. */
bool ike_list_next(struct rv_rd *list, struct rv_bytes *datagram);
struct rv_bytes ike_list_first(struct rv_bytes list);
void ike_send_list(struct rv_ike_sa *sa, const struct rv_path *path, struct rv_bytes list);

/* Sends octets on path (NULL: the session's). digest: tells one datagram from another; never 0. */
int ike_send(struct rv_ike_sa *sa, const struct rv_path *path, struct rv_bytes message);
uint64_t ike_digest(struct rv_bytes octets);

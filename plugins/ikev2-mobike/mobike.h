// SPDX-License-Identifier: LGPL-2.1-or-later
/* mobike.h: what the parts of ikev2-mobike share (RFC 4555).
 *
 * "The initiator" is whoever began the session; that does not change when the IKE SA is rekeyed by the other side.
 */
#pragma once

#include <ravelin/config.h>
#include <ravelin/error.h>
#include <ravelin/ikev2-path.h>
#include <ravelin/loop.h>
#include <ravelin/net.h>
#include <ravelin/plugin.h>
#include <ravelin/wire.h>

enum {
	IKE_AUTH = 35,
	IKE_SA_INIT = 34,
	INFORMATIONAL = 37,
	P_SA = 33,
	N_UNACCEPTABLE_ADDRESSES = 40,
	N_UNEXPECTED_NAT_DETECTED = 41,
	N_NAT_DETECTION_SOURCE_IP = 16388,
	N_NAT_DETECTION_DESTINATION_IP = 16389,
	N_MOBIKE_SUPPORTED = 16396,
	N_ADDITIONAL_IP4_ADDRESS = 16397,
	N_ADDITIONAL_IP6_ADDRESS = 16398,
	N_NO_ADDITIONAL_ADDRESSES = 16399,
	N_UPDATE_SA_ADDRESSES = 16400,
	N_COOKIE2 = 16401,
	N_NO_NATS_ALLOWED = 16402,
	OTHERS_MAX = 8,	 /* further addresses of a host that are told or remembered */
	COOKIE_LEN = 16, /* "between 8 and 64 octets" */
	SEEN_LEN = 20,	 /* a hash of NAT detection */
};

struct mobike {
	struct rv_host *host;
	struct rv_timer timer; /* addresses of this host changed: what becomes of the sessions */
	bool stuck;	       /* some session has no path */
};

/* Addresses, as values. */
struct addresses {
	unsigned n;
	struct rv_addr addr[OTHERS_MAX];
};

/* Attached to a session whose peer supports this as well (until that is known: on is false). */
struct mobility {
	struct rv_peer *peer;
	struct addresses *others; /* the peer's further addresses; NULL: none */
	uint32_t told;		  /* a digest of ours that the peer knows */
	uint8_t seen[SEEN_LEN];	  /* the last NAT_DETECTION_DESTINATION_IP */
	uint8_t cookie[COOKIE_LEN];
	struct rv_path to;	/* the path of an update that is under way, or that is being checked */
	uint8_t tried, no_nats; /* updates that the peer refused in a row */
	bool on, has_seen;
	bool asking, again, staged; /* an update is under way; another one must follow; SAs move when it is answered */
	bool with_nat;		    /* the request that is being built has NAT detection */
};

/* notify.c: contents of notifications. */
struct rv_bytes no_nats_write(const struct rv_path *path, uint8_t room[static 36]);
bool no_nats_fits(struct rv_bytes data, const struct rv_path *came_by);
bool address_read(uint16_t type, struct rv_bytes data, struct rv_addr *out);
int address_add(struct rv_ike_exchange *x, const struct rv_addr *addr);
bool cookie_fits(struct rv_bytes data);

/* mobike.c */
struct mobility *mobility_of(struct mobike *mobike, struct rv_ike_sa *sa);
bool has_notify(const struct rv_ike_exchange *x, uint16_t type);
/* A request with our COOKIE2 is over: the session's, when all is well; a peer that returns another one ends it. */
struct mobility *mobility_asked(struct mobike *mobike, struct rv_ike_exchange *x, int result);
bool nats_forbidden(const struct rv_peer *peer);
int add_no_nats(struct rv_ike_exchange *x, const struct rv_path *path);
/* Our addresses besides the one in use, into the message; the peer's, out of it. */
int addresses_add(struct mobike *mobike, struct rv_ike_exchange *x, struct mobility *m, bool none_too);
int addresses_read(struct rv_ike_exchange *x, struct mobility *m);
/* Whether the connection lets us use it. */
bool address_allowed(const struct rv_connection *c, const struct rv_addr *addr);
uint32_t addresses_digest(struct mobike *mobike, const struct rv_peer *peer);

/* path.c: the initiator decides on the path; both tell their addresses. */
int path_retransmit(struct rv_ike_exchange *x, void *self);
void path_answered(struct mobike *mobike, struct rv_ike_exchange *x, struct mobility *m);
void path_addresses_changed(struct mobike *mobike);
void path_peer_told(struct mobike *mobike, struct rv_ike_exchange *x, struct mobility *m);
void path_update(struct mobike *mobike, struct mobility *m);

/* answer.c: what the peer asks. */
int answer_request(struct mobike *mobike, struct rv_ike_exchange *x, struct mobility *m);

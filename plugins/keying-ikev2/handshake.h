// SPDX-License-Identifier: LGPL-2.1-or-later
/* handshake.h: what hangs on an IKE SA only until it is established (RFC 7296, 1.2).
 */
#pragma once

#include "engine.h"

/* Where the rounds of authentication are: how many proofs of each side there were, who it said that it is in the last
 * one, whether the peer has more; what the initiator asked for in the first one. several: both sides can do several. */
struct ike_rounds {
	uint8_t ours, theirs;
	bool several, peer_has_more, again;
	const struct rv_id *own, *their;
	struct ike_chain *first;
};

/* What both sides had already when the IKE SA was begun (struct rv_ike_known), and in which exchange. */
struct ike_known {
	uint8_t exchange;
	struct rv_proposal proposal;
	struct rv_secret *key;
	struct rv_bytes label;
	const char *auth;
	struct rv_id *initiator, *responder;
};

/* What only the way to an established IKE SA needs. */
struct ike_handshake {
	struct ike_handshake *chain; /* halfopen.c */
	struct rv_ike_sa *sa;
	struct rv_addr from; /* of the first message */
	bool counted;	     /* among the half-open ones */
	uint64_t digest, began_us, expire_us;
	struct rv_bytes init_request, init_response; /* RealMessage1, RealMessage2 (RFC 7296, 2.15) */
	struct rv_bytes ni, nr, cookie;
	struct rv_secret before; /* the keys before the present ones */
	const struct rv_child_conf *child;
	struct rv_attempt *attempt; /* held */
	uint16_t group, noted;	    /* noted: an error that came without protection */
	uint8_t restarts, encap;
	bool childless;	       /* both sides can do IKE_AUTH without a child SA */
	struct ike_dial *dial; /* while others may answer sooner */
	struct rv_list race;
	struct rv_addr origin;		   /* of the session that this one replaces */
	const struct rv_child_conf **more; /* children that it had besides; NULL-terminated */
	struct ike_rounds rounds;
	struct ike_known *known; /* NULL: it began with IKE_SA_INIT */
};

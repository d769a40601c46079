// SPDX-License-Identifier: LGPL-2.1-or-later
/* auth.h: kind "auth": proves us to the peer and the peer to us.
 *
 * The keying protocol hands over what is to be proved as plain data; the answer is octets of its AUTH payload
 * (RFC 7296, 2.15). Attributes: "auth-method" is the number of RFC 7296, 3.8; "anonymous" (1) says that a proof tells
 * nothing of who the peer is, so that its identity decides about no other session; "id-type" is the type of the empty
 * identity that we have where none is configured (our address without it).
 */
#pragma once

#include <ravelin/connection.h>

/* What both verbs get. octets: the signed octets (RFC 7296, 2.15), parts in order. All borrowed until the call ends.
 * prf: the negotiated one. initiator: whether the proof is the initiator's. key: SK_pi or SK_pr of who proves. method:
 * sign sets it where it is not "auth-method". advice: may be set to a static text, what would mend a failure. exchange:
 * the struct rv_ike_exchange (ikev2.h) that the proof is part of, for services that extend the protocol as well; NULL
 * for other protocols. */
struct rv_auth_request {
	const struct rv_connection *connection;
	const struct rv_round *round;
	const struct rv_id *local_id, *remote_id;
	struct rv_service *prf;
	struct rv_bytes octets[3];
	bool initiator;
	struct rv_why *why; /* filled on failure; for the log and the diagnosis, never sent */
	struct rv_bytes key;
	uint8_t *method;
	const char **advice;
	void *exchange;
};

/* sign: our proof into out (cap octets), *len set. verify: 0 when proof holds, -RV_EAUTH_FAILED, -RV_ENO_SECRET. Both
 * may pend. method: what the peer's payload says. check: whether a local or remote round of a connection that is being
 * loaded makes sense; 0, or negative with why, which begins with the place (rv_conf_where()). */
struct rv_auth_ops {
	size_t size;
	int (*sign)(void *self, const struct rv_auth_request *request, uint8_t *out, size_t cap, size_t *len,
		    struct rv_call *call);
	int (*verify)(void *self, const struct rv_auth_request *request, uint8_t method, struct rv_bytes proof,
		      struct rv_call *call);
	int (*check)(void *self, const struct rv_connection *connection, const struct rv_round *round, bool local,
		     struct rv_why *why);
};
RV_KIND(auth, "auth", 1, struct rv_auth_ops, verify)

/* The auth service of a round: the one with the name that its `auth` is, or that stands there in front of the first
 * '-',
 * ':' or '/' (what follows, such as the hash in "rsa-sha256", is for the service to read). NULL when none is loaded. */
struct rv_service *rv_auth_find(struct rv_core *core, const struct rv_round *round);

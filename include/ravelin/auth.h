// SPDX-License-Identifier: LGPL-2.1-or-later
/* auth.h: kind "auth": proves us to the peer and the peer to us.
 *
 * The keying protocol hands over what is to be proved as plain data; the answer is octets of its AUTH payload
 * (RFC 7296, 2.15). Attribute "auth-method" is the number of RFC 7296, 3.8.
 */
#pragma once

#include <ravelin/connection.h>

/* What both verbs get. octets: the signed octets (RFC 7296, 2.15), parts in order. All borrowed until the call ends.
 * prf: the negotiated one. initiator: whether the proof is the initiator's. */
struct rv_auth_request {
	const struct rv_connection *connection;
	const struct rv_round *round;
	const struct rv_id *local_id, *remote_id;
	struct rv_service *prf;
	struct rv_bytes octets[3];
	bool initiator;
	struct rv_why *why; /* filled on failure; for the log and the diagnosis, never sent */
};

/* sign: our proof into out (cap octets), *len set. verify: 0 when proof holds, -RV_EAUTH_FAILED, -RV_ENO_SECRET. Both
 * may pend. method: what the peer's payload says. */
struct rv_auth_ops {
	size_t size;
	int (*sign)(void *self, const struct rv_auth_request *request, uint8_t *out, size_t cap, size_t *len,
		    struct rv_call *call);
	int (*verify)(void *self, const struct rv_auth_request *request, uint8_t method, struct rv_bytes proof,
		      struct rv_call *call);
};
RV_KIND(auth, "auth", 1, struct rv_auth_ops, verify)

// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-kex.h: verbs for key exchanges in exchanges of an extension, and for keying that takes more than one exchange.
 *
 * A CREATE_CHILD_SA exchange whose keys need more than its own key exchange parts at RV_IKE_AT_KEYING: its answer goes
 * out or was read, what it made so far stays, and it waits beside other exchanges. These bring shared secrets to it,
 * and the last of them goes on with it and fails when it fails. One that is never gone on with is forgotten. Loop
 * thread.
 */
#pragma once

#include <ravelin/ikev2-wire.h>

/* A key exchange in x, by a method's transform ID: our half; the responder's half from the initiator's public value;
 * the rest from the responder's. RV_PENDING: return it from the step, the next step has the result; 0 when it is there
 * already; negative with the reason told. One at a time in an exchange. */
RV_MUST_USE static inline int rv_ike_kex_start(struct rv_ike_exchange *x, uint16_t method)
{
	return rv_ike_verbs(x)->kex_start(x, method);
}
RV_MUST_USE static inline int rv_ike_kex_answer(struct rv_ike_exchange *x, uint16_t method, struct rv_bytes theirs)
{
	return rv_ike_verbs(x)->kex_answer(x, method, theirs);
}
RV_MUST_USE static inline int rv_ike_kex_finish(struct rv_ike_exchange *x, struct rv_bytes theirs)
{
	return rv_ike_verbs(x)->kex_finish(x, theirs);
}

/* Our public value, and the shared secret once there is one (else empty), of x's key exchange; borrowed. */
static inline struct rv_bytes rv_ike_kex_public(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->kex_public(x);
}
static inline struct rv_bytes rv_ike_kex_shared(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->kex_shared(x);
}

/* `return rv_ike_part(x)` in a task at RV_IKE_AT_KEYING: RV_PENDING; negative when x lost a collision and shall not go
 * on (RFC 7296, 2.8.1). */
RV_MUST_USE static inline int rv_ike_part(struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->part(x);
}

/* One more shared secret (copied) for the keys of x, which parted: behind SK(0) | Ni | Nr. 0 or -ENOMEM. */
RV_MUST_USE static inline int rv_ike_add_secret(struct rv_ike_exchange *x, struct rv_bytes shared)
{
	return rv_ike_verbs(x)->add_secret(x, shared);
}

/* `return rv_ike_go_on(y, x)` in y's last step: x, which parted, makes its keys and ends; y is answered, or ends, when
 * it has, or is refused as x would be. */
RV_MUST_USE static inline int rv_ike_go_on(struct rv_ike_exchange *y, struct rv_ike_exchange *x)
{
	return rv_ike_verbs(y)->go_on(y, x);
}

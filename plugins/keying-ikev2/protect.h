// SPDX-License-Identifier: LGPL-2.1-or-later
/* protect.h: between the payloads of a message and the datagrams that carry it (RFC 7296, 3.14).
 *
 * A list of datagrams is one chunk: each behind its length in two octets. A message is one datagram unless an extension
 * splits it.
 */
#pragma once

#include "exchange.h"

#include <ravelin/ikev2-wire.h>

/* The header of the message that x sends. */
struct ike_header ike_header_of(const struct rv_ike_exchange *x);

/* x->out as datagrams into x->sent. 0, -ENOSPC, -ENOMEM or the provider's. */
RV_MUST_USE int ike_protect(struct rv_ike_exchange *x);

/* The datagrams of x's message. */
static inline struct rv_bytes ike_sent(const struct rv_ike_exchange *x)
{
	return rv_bytes(x->sent.b, x->sent.len);
}

/* Keeps the payloads of x's request when an extension may make other datagrams of them. */
void ike_protect_keep(struct rv_ike_exchange *x);

/* Before the n-th retransmission of x's request: true when an extension made other datagrams of it. */
bool ike_protect_again(struct rv_ike_exchange *x, unsigned n);

/* One sealed datagram at the end of x->sent, as ike_sealed_write_as(). */
RV_MUST_USE int ike_seal_more(struct rv_ike_exchange *x, uint8_t type, struct rv_bytes prefix, uint8_t first,
			      struct rv_bytes chain);

/* One sealed datagram, *out a child of sa. 0, -ENOSPC, -ENOMEM or the provider's. */
RV_MUST_USE int ike_seal(struct rv_ike_sa *sa, const struct ike_header *header, uint8_t first, struct rv_bytes chain,
			 uint8_t **out, size_t *len);

/* Opens a datagram of the peer's, as ike_sealed_open(). answered: it may be sealed with the keys before the present. */
RV_MUST_USE int ike_open(struct rv_ike_sa *sa, const struct ike_message *message, size_t skip, bool answered,
			 uint8_t *room, size_t cap, struct rv_bytes *chain);

/* A message of the peer's from a datagram; plain->owner (a child of sa, for the caller) holds its payloads. 0;
 * RV_PENDING: an extension waits for more of them; negative: not authentic. answered: it is only to be known again. */
RV_MUST_USE int ike_unprotect(struct rv_ike_sa *sa, const struct ike_message *message, bool answered,
			      struct rv_ike_plain *plain);

/* New keys of the IKE SA of x from SK_d and one more shared secret, with its nonces and SPIs; they are used once the
 * exchange is committed. 0, -RV_ESTATE when the handshake is over, -ENOMEM or the provider's. */
RV_MUST_USE int ike_mix(struct rv_ike_exchange *x, struct rv_bytes shared);
void ike_mix_commit(struct rv_ike_exchange *x);

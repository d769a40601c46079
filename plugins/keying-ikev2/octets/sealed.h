// SPDX-License-Identifier: LGPL-2.1-or-later
/* sealed.h: the Encrypted payload (RFC 7296, 3.14; RFC 5282 for combined algorithms).
 *
 * A cipher context is made for each message and wiped behind it: an established SA holds keys only. The authenticated
 * octets begin with the header and end with the ICV (mac) or with the SK payload's generic header (aead).
 */
#pragma once

#include "message.h"

#include <ravelin/cryptor.h>
#include <ravelin/secret.h>

/* One direction of an IKE SA: SK_ei and SK_ai, or SK_er and SK_ar. Borrowed for the call. outside: the body of a
 * payload of this type that stands in front of the sealed one; empty: none does. */
struct ike_sealing {
	const struct rv_suite *suite;
	struct rv_vault *vault;
	struct rv_bytes encr, integ, outside;
	uint8_t outside_type;
};

/* The IV of a message into out: where the suite says unique, the counter (RFC 5282, 3.1; RFC 5930, 2.1), which the
 * caller raises for each datagram that it seals with that key; else random (16 octets, fresh: unpredictable). */
void ike_sealed_iv(const struct rv_suite *suite, uint64_t counter, const uint8_t random[static 16],
		   uint8_t out[static 16]);

/* The most octets that sealing len octets of payloads makes of them, with header and all. */
size_t ike_sealed_len(const struct rv_suite *suite, size_t len);

/* A message whose only payload is SK with chain inside: into cap octets at out (not overlapping chain), *len set. The
 * header's next and length are set here. 0, -ENOSPC, -ENOMEM or the provider's. */
RV_MUST_USE int ike_sealed_write(const struct ike_sealing *how, const struct ike_header *header, uint8_t first,
				 struct rv_bytes chain, const uint8_t iv[static 16], uint8_t *out, size_t cap,
				 size_t *len);

/* The general form, for an extension with a sealed payload of its own: type, and octets (prefix) that stand between its
 * generic header and the IV and are authenticated only. */
RV_MUST_USE int ike_sealed_write_as(const struct ike_sealing *how, const struct ike_header *header, uint8_t type,
				    struct rv_bytes prefix, uint8_t first, struct rv_bytes chain,
				    const uint8_t iv[static 16], uint8_t *out, size_t cap, size_t *len);

/* Opens message->sealed_body behind skip octets (0 for SK) into cap octets at out (at least the body's length); *chain
 * is what was inside, without padding, borrowed from out. 0; -RV_EINTEGRITY; -RV_ESYNTAX when the body cannot be one
 * (too short, no whole blocks) or its padding is longer than what was sealed; -ENOSPC; -ENOMEM; the provider's. */
RV_MUST_USE int ike_sealed_open(const struct ike_sealing *how, const struct ike_message *message, size_t skip,
				uint8_t *out, size_t cap, struct rv_bytes *chain);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* der.h: just as much of DER (ITU-T X.690, 8 and 10) as AlgorithmIdentifiers, public keys and ECDSA signatures need.
 *
 * Definite lengths of up to two octets in their shortest form; whatever else makes the reader bad.
 */
#pragma once

#include <ravelin/wire.h>

enum { DER_INTEGER = 0x02, DER_BITS = 0x03, DER_NULL = 0x05, DER_OID = 0x06, DER_SEQUENCE = 0x30, DER_CONTEXT = 0xa0 };

/* The content of the next element, which must have this tag; else empty, and the reader is bad. */
struct rv_bytes der_take(struct rv_rd *r, uint8_t tag);

/* Whether the next element has this tag; nothing is read. */
bool der_is(const struct rv_rd *r, uint8_t tag);

/* The magnitude of a positive INTEGER without leading zeros; empty with a bad reader for others. */
struct rv_bytes der_take_positive(struct rv_rd *r);

/* Appends tag and the length of what follows (below 256). */
void der_head(struct rv_wr *w, uint8_t tag, size_t len);

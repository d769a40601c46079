// SPDX-License-Identifier: LGPL-2.1-or-later
/* message.h: a message as a flat view, and the builder of one (RFC 7296, 3.1 and 3.2).
 *
 * Reading is pure: octets in, view out; nothing is allocated, logged or decided. Views borrow the octets that they were
 * read from. Payload types are numbers from 0 to 255. A payload that ends the chain because its Next Payload field
 * names what is inside it (SK, RFC 7296, 3.14) is `last`; an extension may add such a type. Any thread.
 */
#pragma once

#include "numbers.h"

#include <ravelin/wire.h>

enum { IKE_HEADER_LEN = 28, IKE_PAYLOAD_HEADER_LEN = 4, IKE_PAYLOADS_MAX = 64, IKE_MAJOR = 2 };

/* A set of payload types: which are known here, and which of those are last in a message. */
struct ike_types {
	uint64_t known[4], last[4];
};

/* The types of RFC 7296 (SK is last). */
struct ike_types ike_types_own(void);

/* Adds a type that an extension understands. */
void ike_types_add(struct ike_types *types, uint8_t type, bool last);

/* True when type is known; when it is last. */
bool ike_types_known(const struct ike_types *types, uint8_t type);
bool ike_types_last(const struct ike_types *types, uint8_t type);

/* The header. SPIs in host order; version and flags as the wire has them, for the caller to judge. */
struct ike_header {
	uint64_t spi_i, spi_r;
	uint8_t next; /* type of the first payload */
	uint8_t major, minor;
	uint8_t exchange;
	uint8_t flags;
	uint32_t id;
	uint32_t length;
};

/* Reads the 28 octets in front of message. False when they are not there, or when the Length field is not the length of
 * message. The version is not looked at. */
void ike_header_get(struct rv_rd *r, struct ike_header *header);
RV_MUST_USE bool ike_header_read(struct ike_header *header, struct rv_bytes message);

struct ike_payload {
	uint8_t type;
	bool critical;
	struct rv_bytes body; /* without the generic header */
};

/* Payloads in their order. */
struct ike_chain {
	uint8_t n;
	uint8_t refused; /* the first type that is critical and not known; 0: none */
	struct ike_payload p[IKE_PAYLOADS_MAX];
};

/* Reads a chain that begins with a payload of type first. 0; -RV_ESYNTAX for a payload that is too short or overruns,
 * octets behind the end, over IKE_PAYLOADS_MAX payloads, or a `last` payload (nothing may hide in an inner chain);
 * -RV_ECRITICAL when the chain is well formed but chain->refused says what was not understood (RFC 7296, 2.5). chain
 * is filled as far as the read came. first 0 with no octets is the empty chain. */
RV_MUST_USE int ike_chain_read(struct ike_chain *chain, uint8_t first, struct rv_bytes octets,
			       const struct ike_types *types);

/* The first payload of type, the next one of that type behind `after`, and how many there are. */
const struct ike_payload *ike_chain_first(const struct ike_chain *chain, uint8_t type);
const struct ike_payload *ike_chain_next(const struct ike_chain *chain, const struct ike_payload *after);
unsigned ike_chain_count(const struct ike_chain *chain, uint8_t type);

/* Walks the payloads of one type. */
#define ike_chain_each(chain, it, wanted)                                                                              \
	for (const struct ike_payload *it = ike_chain_first((chain), (wanted)); it; it = ike_chain_next((chain), it))

/* A datagram. When its last payload is sealed, that one is not in chain: sealed is its type, sealed_next the type of
 * the first payload inside, sealed_body its octets, and sealed_aad all octets in front of the body. */
struct ike_message {
	struct rv_bytes octets;
	struct ike_header header;
	struct ike_chain chain;
	uint8_t sealed; /* 0: none */
	uint8_t sealed_next;
	struct rv_bytes sealed_aad, sealed_body;
};

/* Reads a datagram whose header is of major version 2 (the caller has looked). Answers as ike_chain_read(). */
RV_MUST_USE int ike_message_read(struct ike_message *message, struct rv_bytes octets, const struct ike_types *types);

/* Builds a chain of payloads in a buffer of the caller. Not to be copied while it is used. */
struct ike_builder {
	struct rv_wr w;
	uint8_t first; /* type of the first payload, for the header or the SK payload */
	uint8_t *next; /* where the type of the next payload goes */
	struct rv_wr_mark mark;
	bool open;
	uint8_t n;
};

/* Begins an empty chain in cap octets at buf, borrowed. */
void ike_builder_init(struct ike_builder *b, void *buf, size_t cap);

/* Opens a payload and returns the writer for its body; ike_builder_close() ends it and sets its length. One at a time.
 */
struct rv_wr *ike_builder_open(struct ike_builder *b, uint8_t type, bool critical);
void ike_builder_close(struct ike_builder *b);

/* A whole payload with this body. */
void ike_builder_put(struct ike_builder *b, uint8_t type, struct rv_bytes body);

/* The chain's octets into out, borrowed from the buffer. False when something did not fit or a payload is open. */
RV_MUST_USE bool ike_builder_done(const struct ike_builder *b, struct rv_bytes *out);

/* A message without a sealed payload: header (its next and length are set here) and chain into cap octets at out; *len
 * set. 0 or -ENOSPC. */
RV_MUST_USE int ike_message_write(const struct ike_header *header, const struct ike_builder *chain, uint8_t *out,
				  size_t cap, size_t *len);

/* Only the header, with its next and length as they are; sealed.c and extensions use it. */
void ike_header_write(struct rv_wr *w, const struct ike_header *header);

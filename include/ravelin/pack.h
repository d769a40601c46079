// SPDX-License-Identifier: LGPL-2.1-or-later
/* pack.h: state that outlives a call, as octets.
 *
 * A pack is a sequence of fields (tag, length, octets); a field may hold fields. Unknown tags are skipped, so a newer
 * daemon's state can be read by an older one as far as it goes. Packs hold keys: they live in wiped memory and leave
 * the daemon only sealed under a key.
 */
#pragma once

#include <ravelin/base.h>

struct rv_pack;

/* An empty pack, child of parent; wiped when freed. NULL: out of memory. */
struct rv_pack *rv_pack_new(const void *parent);

/* Adds a field. A failure (memory) makes the pack bad for good; asked for once with rv_pack_done(). */
void rv_pack_u64(struct rv_pack *pack, uint16_t tag, uint64_t value);
void rv_pack_put(struct rv_pack *pack, uint16_t tag, struct rv_bytes octets);
void rv_pack_open(struct rv_pack *pack, uint16_t tag); /* fields until rv_pack_close() are inside; 8 deep */
void rv_pack_close(struct rv_pack *pack);

/* The octets so far into out, borrowed until the next call. False when the pack is bad or a field is open. */
RV_MUST_USE bool rv_pack_done(struct rv_pack *pack, struct rv_bytes *out);

/* A reader over a pack's octets or over one field that has fields. */
struct rv_unpack {
	struct rv_bytes rest;
	bool bad;
};
struct rv_unpack rv_unpack(struct rv_bytes octets);

/* The next field; false at the end or when the rest is malformed (then rv_unpack_done() is false). */
bool rv_unpack_next(struct rv_unpack *in, uint16_t *tag, struct rv_bytes *value);
uint64_t rv_unpack_u64(struct rv_unpack *in, struct rv_bytes value); /* bad unless 8 octets */
RV_MUST_USE bool rv_unpack_done(const struct rv_unpack *in);

/* Seals octets under a 32-octet key with an aead service (nonce in front), or opens them. A new talloc buffer under
 * parent, *len set; NULL when it cannot. info names the purpose and is authenticated. */
struct rv_core;
uint8_t *rv_pack_seal(struct rv_core *core, const void *parent, struct rv_bytes key, struct rv_bytes info,
		      struct rv_bytes plain, size_t *len);
uint8_t *rv_pack_unseal(struct rv_core *core, const void *parent, struct rv_bytes key, struct rv_bytes info,
			struct rv_bytes sealed, size_t *len);

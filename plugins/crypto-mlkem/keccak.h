// SPDX-License-Identifier: LGPL-2.1-or-later
/* keccak.h: the hash functions of FIPS 203, 4.1: H, G, J, PRF and XOF, which are FIPS 202's SHA3-256, SHA3-512,
 * SHAKE256 and SHAKE128. Nothing else in this folder calls the library that hashes.
 */
#pragma once

#include <nettle/sha3.h>
#include <ravelin/base.h>

enum { HASH_LEN = 32, XOF_BLOCK = 168 };

/* out = H(in), 32 octets. */
void hash_h(struct rv_bytes in, uint8_t *out);

/* out = G(a | b), 64 octets. */
void hash_g(struct rv_bytes a, struct rv_bytes b, uint8_t *out);

/* out = J(z | c), 32 octets; z has 32. */
void hash_j(const uint8_t *z, struct rv_bytes c, uint8_t *out);

/* out = PRF(seed, index), len octets (64 times eta, where FIPS 203 uses it); seed has 32. */
void hash_prf(const uint8_t *seed, uint8_t index, uint8_t *out, size_t len);

/* The XOF over seed | j | i; seed has 32 octets and is public. Each call of next gives the next XOF_BLOCK octets. */
struct hash_xof {
	struct sha3_state state;
};

void hash_xof_start(struct hash_xof *xof, const uint8_t *seed, uint8_t j, uint8_t i);
void hash_xof_next(struct hash_xof *xof, uint8_t *out);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* encode.h: polynomials as octets, and coefficients with fewer bits (FIPS 203, 4.2.1).
 *
 * The time of each function depends on d only.
 */
#pragma once

#include "poly.h"

#include <stdbool.h>

/* Octets of a polynomial of d bits a coefficient. */
static inline size_t encoded_len(unsigned d)
{
	return 32 * (size_t)d;
}

/* FIPS 203, Algorithm 5. The coefficients are in 0 .. 2^d - 1, d in 1 .. 12. out has encoded_len(d) octets. */
void encode(const struct poly *p, unsigned d, uint8_t *out);

/* FIPS 203, Algorithm 6, without its last step: for d = 12 coefficients of up to 4095 are left as they are. */
void decode(struct poly *p, unsigned d, const uint8_t *in);

/* Compress_d of each coefficient, d in 1 .. 11. In: 0 .. q - 1. Out: 0 .. 2^d - 1. */
void compress(struct poly *p, unsigned d);

/* Decompress_d of each coefficient, d in 1 .. 11. In: 0 .. 2^d - 1. Out: 0 .. q - 1. */
void decompress(struct poly *p, unsigned d);

/* True when each coefficient is below q: the modulus check of FIPS 203, 7.2. For public values. */
bool all_below_q(const struct poly *p);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* sample.c: SampleNTT and SamplePolyCBD (FIPS 203, 4.2.2).
 */
#include "sample.h"

#include "encode.h"
#include "keccak.h"

#include <ravelin/secret.h>

enum { ETA_MAX = 3 };

/* Numbers of 12 bits from a block of the XOF, those below q, until there are enough: how many there are now. */
static size_t take(struct poly *p, size_t n, const uint8_t *block)
{
	for (size_t at = 0; at < XOF_BLOCK; at += 3) {
		const uint8_t *b = block + at;
		const int16_t d[2] = { (int16_t)(b[0] | (b[1] & 0x0f) << 8), (int16_t)(b[1] >> 4 | b[2] << 4) };
		for (size_t i = 0; i < 2 && n < POLY_N; i++)
			if (d[i] < POLY_Q)
				p->c[n++] = d[i];
	}
	return n;
}

void sample_uniform(struct poly *p, const uint8_t *seed, uint8_t j, uint8_t i)
{
	struct hash_xof xof;
	uint8_t block[XOF_BLOCK];

	hash_xof_start(&xof, seed, j, i);
	for (size_t n = 0; n < POLY_N; n = take(p, n, block))
		hash_xof_next(&xof, block);
}

/* A coefficient is the difference of two sums of eta bits, so 2 eta bits in a row are decoded as one number. */
void sample_noise(struct poly *p, const uint8_t *seed, uint8_t index, unsigned eta)
{
	RV_WIPED(uint8_t, octets, [64 * ETA_MAX]);

	hash_prf(seed, index, octets, 64 * (size_t)eta);
	decode(p, 2 * eta, octets);
	for (size_t i = 0; i < POLY_N; i++) {
		int bits = p->c[i], c = 0;
		for (unsigned b = 0; b < eta; b++)
			c += (bits >> b & 1) - (bits >> (eta + b) & 1);
		p->c[i] = (int16_t)c;
	}
}

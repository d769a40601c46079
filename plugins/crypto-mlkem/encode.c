// SPDX-License-Identifier: LGPL-2.1-or-later
/* encode.c: ByteEncode, ByteDecode, Compress and Decompress (FIPS 203, 4.2.1).
 *
 * Compress divides by q. A processor's division may take longer for some numbers than for others, and what is
 * compressed is secret in a decapsulation, so it multiplies by 2^36 / q instead, which is exact for these numbers.
 */
#include "encode.h"

enum { RECIPROCAL_SHIFT = 36 };
static const uint64_t reciprocal = ((UINT64_C(1) << RECIPROCAL_SHIFT) + POLY_Q - 1) / POLY_Q;

void encode(const struct poly *p, unsigned d, uint8_t *out)
{
	uint32_t bits = 0;
	unsigned n = 0;

	for (size_t i = 0; i < POLY_N; i++) {
		bits |= (uint32_t)(uint16_t)p->c[i] << n;
		for (n += d; n >= 8; n -= 8) {
			*out++ = (uint8_t)bits;
			bits >>= 8;
		}
	}
}

void decode(struct poly *p, unsigned d, const uint8_t *in)
{
	uint32_t bits = 0, mask = (1u << d) - 1;
	unsigned n = 0;

	for (size_t i = 0; i < POLY_N; i++) {
		for (; n < d; n += 8)
			bits |= (uint32_t)*in++ << n;
		p->c[i] = (int16_t)(bits & mask);
		bits >>= d;
		n -= d;
	}
}

void compress(struct poly *p, unsigned d)
{
	uint32_t mask = (1u << d) - 1;

	for (size_t i = 0; i < POLY_N; i++) {
		uint32_t scaled = ((uint32_t)(uint16_t)p->c[i] << d) + POLY_Q / 2;
		p->c[i] = (int16_t)((scaled * reciprocal >> RECIPROCAL_SHIFT) & mask);
	}
}

void decompress(struct poly *p, unsigned d)
{
	for (size_t i = 0; i < POLY_N; i++)
		p->c[i] = (int16_t)(((uint32_t)(uint16_t)p->c[i] * POLY_Q + (1u << (d - 1))) >> d);
}

bool all_below_q(const struct poly *p)
{
	int16_t below = -1;

	for (size_t i = 0; i < POLY_N; i++)
		below &= (int16_t)(p->c[i] - POLY_Q);
	return below < 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* poly.h: polynomials of 256 coefficients modulo q = 3329, and their number-theoretic transform (FIPS 203, 4.3).
 *
 * Coefficients are signed and stand for their class modulo q; each function says how large they may be and how large
 * they come out. Time never depends on a coefficient: no branch, no address and no division does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { POLY_N = 256, POLY_Q = 3329 };

struct poly {
	int16_t c[POLY_N];
};

/* A sum of products in the transform's domain that is not reduced yet. */
struct poly_sum {
	int32_t c[POLY_N];
};

/* An int32_t divided by 2^16 modulo q (Montgomery): |a| < q * 2^15 in, |result| < q out. */
int16_t poly_montgomery(int32_t a);

/* The representative of least absolute value: |result| <= (q - 1) / 2. */
int16_t poly_barrett(int16_t a);

/* The representative in 0 .. q - 1 of each coefficient. */
void poly_freeze(struct poly *p);

/* out += a. The sums must fit into 16 bits. */
void poly_add(struct poly *out, const struct poly *a);

/* out = a - out. The differences must fit into 16 bits. */
void poly_sub_from(struct poly *out, const struct poly *a);

/* NTT of FIPS 203, Algorithm 9, in place. In: |c| < q. Out: |c| <= (q - 1) / 2. */
void poly_ntt(struct poly *p);

/* Adds a times b, both in the transform's domain (FIPS 203, Algorithm 11). |a| < 4096, |b| <= (q - 1) / 2, and no more
 * than four products in one sum: then it stays below q * 2^15. */
void poly_mul_add(struct poly_sum *sum, const struct poly *a, const struct poly *b);

/* The sum modulo q, still in the transform's domain. |c| < q. */
void poly_from_sum(struct poly *out, const struct poly_sum *sum);

/* The inverse transform of a sum (FIPS 203, Algorithm 10). |c| < q. */
void poly_inverse_ntt(struct poly *out, const struct poly_sum *sum);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* kpke.c: K-PKE (FIPS 203, 5).
 *
 * The matrix A is never held: each entry is sampled when the sum that it belongs to is made. Vectors have MLKEM_K_MAX
 * places, of which the first k are used.
 */
#include "kpke.h"

#include "sample.h"

#include <ravelin/secret.h>
#include <string.h>

/* Samples the k polynomials of a vector, whose first one has this index, and transforms them. */
static void noise_vector(const struct mlkem_set *set, struct poly *v, const uint8_t *seed, uint8_t index)
{
	for (uint8_t i = 0; i < set->k; i++) {
		sample_noise(&v[i], seed, (uint8_t)(index + i), set->eta1);
		poly_ntt(&v[i]);
	}
}

/* Row i of A, or of its transpose, times v. A[i, j] is sampled from rho | j | i. */
static void matrix_row(const struct mlkem_set *set, struct poly_sum *sum, const uint8_t *rho, uint8_t i,
		       bool transposed, const struct poly *v)
{
	struct poly a;

	memset(sum, 0, sizeof(*sum));
	for (uint8_t j = 0; j < set->k; j++) {
		sample_uniform(&a, rho, transposed ? i : j, transposed ? j : i);
		poly_mul_add(sum, &a, &v[j]);
	}
}

/* The vector that is encoded at in, times v. */
static void encoded_row(const struct mlkem_set *set, struct poly_sum *sum, const uint8_t *in, const struct poly *v)
{
	RV_WIPED(struct poly, a, );

	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < set->k; i++) {
		decode(&a, 12, in + i * encoded_len(12));
		poly_mul_add(sum, &a, &v[i]);
	}
}

static void compress_to(struct poly *p, unsigned d, uint8_t *out)
{
	poly_freeze(p);
	compress(p, d);
	encode(p, d, out);
}

static void decompress_from(struct poly *p, unsigned d, const uint8_t *in)
{
	decode(p, d, in);
	decompress(p, d);
}

void kpke_keygen(const struct mlkem_set *set, const uint8_t *rho, const uint8_t *sigma, uint8_t *ek, uint8_t *dk)
{
	RV_WIPED(struct poly, s, [MLKEM_K_MAX]);
	RV_WIPED(struct poly, e, );
	RV_WIPED(struct poly_sum, sum, );
	struct poly t;

	noise_vector(set, s, sigma, 0);
	for (uint8_t i = 0; i < set->k; i++) {
		matrix_row(set, &sum, rho, i, false, s);
		poly_from_sum(&t, &sum);
		sample_noise(&e, sigma, (uint8_t)(set->k + i), set->eta1);
		poly_ntt(&e);
		poly_add(&t, &e);
		poly_freeze(&t);
		encode(&t, 12, ek + i * encoded_len(12));
	}
	memcpy(ek + set->k * encoded_len(12), rho, MLKEM_SEED);
	for (size_t i = 0; i < set->k; i++) {
		poly_freeze(&s[i]);
		encode(&s[i], 12, dk + i * encoded_len(12));
	}
}

void kpke_encrypt(const struct mlkem_set *set, const uint8_t *ek, const uint8_t *m, const uint8_t *r, uint8_t *c)
{
	RV_WIPED(struct poly, y, [MLKEM_K_MAX]);
	RV_WIPED(struct poly, e, );
	RV_WIPED(struct poly, u, ); /* and v, when all u are done */
	RV_WIPED(struct poly_sum, sum, );
	const uint8_t *rho = ek + set->k * encoded_len(12);

	noise_vector(set, y, r, 0);
	for (uint8_t i = 0; i < set->k; i++) {
		matrix_row(set, &sum, rho, i, true, y);
		poly_inverse_ntt(&u, &sum);
		sample_noise(&e, r, (uint8_t)(set->k + i), MLKEM_ETA2);
		poly_add(&u, &e);
		compress_to(&u, set->du, c + i * encoded_len(set->du));
	}
	encoded_row(set, &sum, ek, y);
	poly_inverse_ntt(&u, &sum);
	sample_noise(&e, r, (uint8_t)(2 * set->k), MLKEM_ETA2);
	poly_add(&u, &e);
	decompress_from(&e, 1, m);
	poly_add(&u, &e);
	compress_to(&u, set->dv, c + set->k * encoded_len(set->du));
}

void kpke_decrypt(const struct mlkem_set *set, const uint8_t *dk, const uint8_t *c, uint8_t *m)
{
	RV_WIPED(struct poly, w, );
	RV_WIPED(struct poly_sum, sum, );
	struct poly u[MLKEM_K_MAX], v;

	for (size_t i = 0; i < set->k; i++) {
		decompress_from(&u[i], set->du, c + i * encoded_len(set->du));
		poly_ntt(&u[i]);
	}
	decompress_from(&v, set->dv, c + set->k * encoded_len(set->du));
	encoded_row(set, &sum, dk, u);
	poly_inverse_ntt(&w, &sum);
	poly_sub_from(&w, &v);
	compress_to(&w, 1, m);
}

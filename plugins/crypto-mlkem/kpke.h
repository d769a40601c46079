// SPDX-License-Identifier: LGPL-2.1-or-later
/* kpke.h: K-PKE, the public-key encryption that ML-KEM is made of (FIPS 203, 5), and the parameter sets (8).
 *
 * "The scheme K-PKE is not IND-CCA2-secure and shall not be used as a stand-alone scheme" (FIPS 203, 3.2): only
 * mlkem.c calls it.
 */
#pragma once

#include "encode.h"

#include <ravelin/base.h>

enum { MLKEM_SEED = 32, MLKEM_K_MAX = 4, MLKEM_C_MAX = 1568, MLKEM_ETA2 = 2 };

/* A row of FIPS 203, Table 2; eta2 is 2 in each. */
struct mlkem_set {
	uint8_t k, eta1, du, dv;
};

/* Octets of the encryption key, the decryption key and a ciphertext. */
static inline size_t kpke_ek_len(const struct mlkem_set *set)
{
	return set->k * encoded_len(12) + MLKEM_SEED;
}

static inline size_t kpke_dk_len(const struct mlkem_set *set)
{
	return set->k * encoded_len(12);
}

static inline size_t kpke_c_len(const struct mlkem_set *set)
{
	return set->k * encoded_len(set->du) + encoded_len(set->dv);
}

/* FIPS 203, Algorithm 13 from its second step on: the keys from rho, which is public, and sigma, which is secret. */
void kpke_keygen(const struct mlkem_set *set, const uint8_t *rho, const uint8_t *sigma, uint8_t *ek, uint8_t *dk);

/* FIPS 203, Algorithm 14: the ciphertext c of m (32 octets) with the randomness r (32 octets). ek is public. */
void kpke_encrypt(const struct mlkem_set *set, const uint8_t *ek, const uint8_t *m, const uint8_t *r, uint8_t *c);

/* FIPS 203, Algorithm 15: m (32 octets) of c. */
void kpke_decrypt(const struct mlkem_set *set, const uint8_t *dk, const uint8_t *c, uint8_t *m);

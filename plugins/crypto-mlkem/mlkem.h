// SPDX-License-Identifier: LGPL-2.1-or-later
/* mlkem.h: ML-KEM (FIPS 203, 6 and 7): key generation, encapsulation and decapsulation.
 *
 * Pure functions of their arguments; the random octets come from the caller. Any thread.
 */
#pragma once

#include "kpke.h"

enum { MLKEM_SHARED = 32, MLKEM_EK_MAX = 1568, MLKEM_DK_MAX = 3168 };

/* The parameter sets of FIPS 203, 8. */
extern const struct mlkem_set mlkem_512, mlkem_768, mlkem_1024;

/* Octets of the encapsulation key, the decapsulation key and a ciphertext (FIPS 203, Table 3). */
static inline size_t mlkem_ek_len(const struct mlkem_set *set)
{
	return kpke_ek_len(set);
}

static inline size_t mlkem_dk_len(const struct mlkem_set *set)
{
	return kpke_dk_len(set) + kpke_ek_len(set) + 2 * MLKEM_SEED;
}

static inline size_t mlkem_c_len(const struct mlkem_set *set)
{
	return kpke_c_len(set);
}

/* The first step of FIPS 203, Algorithm 13: seeds = rho (32 octets, public) | sigma (32 octets, secret) of d. */
void mlkem_expand(const struct mlkem_set *set, const uint8_t *d, uint8_t *seeds);

/* FIPS 203, Algorithm 16 behind that step: the keys from the seeds and z. */
void mlkem_keygen_of(const struct mlkem_set *set, const uint8_t *seeds, const uint8_t *z, uint8_t *ek, uint8_t *dk);

/* FIPS 203, Algorithm 16: the keys from d and z, 32 random octets each. */
void mlkem_keygen(const struct mlkem_set *set, const uint8_t *d, const uint8_t *z, uint8_t *ek, uint8_t *dk);

/* FIPS 203, Algorithm 20 with its checks (7.2): the shared secret (32 octets) and its ciphertext, from m, 32 random
 * octets. 0, or -RV_EKEY_VALUE for an ek of another length or with a number that is not below q; then nothing is
 * written. */
int mlkem_encaps(const struct mlkem_set *set, struct rv_bytes ek, const uint8_t *m, uint8_t *c, uint8_t *shared);

/* FIPS 203, Algorithm 21 with its checks (7.3). A ciphertext that was not made by an encapsulation gives a secret that
 * nobody else has (implicit rejection); neither the result nor the time tells. 0, or -RV_EKEY_VALUE for a c of another
 * length, -RV_EFAILED for a dk of another length or with a wrong hash; then nothing is written. */
int mlkem_decaps(const struct mlkem_set *set, struct rv_bytes dk, struct rv_bytes c, uint8_t *shared);

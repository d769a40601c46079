// SPDX-License-Identifier: LGPL-2.1-or-later
/* mlkem.c: ML-KEM (FIPS 203, 6 to 8).
 *
 * Whether a ciphertext was accepted is a secret (FIPS 203, 6.3): it is kept as a mask, and nothing branches on it.
 */
#include "mlkem.h"

#include "keccak.h"

#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>

const struct mlkem_set mlkem_512 = { .k = 2, .eta1 = 3, .du = 10, .dv = 4 };
const struct mlkem_set mlkem_768 = { .k = 3, .eta1 = 2, .du = 10, .dv = 4 };
const struct mlkem_set mlkem_1024 = { .k = 4, .eta1 = 2, .du = 11, .dv = 5 };

void mlkem_expand(const struct mlkem_set *set, const uint8_t *d, uint8_t *seeds)
{
	hash_g(rv_bytes(d, MLKEM_SEED), rv_bytes(&set->k, 1), seeds);
}

/* dk is the decryption key | ek | H(ek) | z. */
void mlkem_keygen_of(const struct mlkem_set *set, const uint8_t *seeds, const uint8_t *z, uint8_t *ek, uint8_t *dk)
{
	kpke_keygen(set, seeds, seeds + MLKEM_SEED, ek, dk);
	dk += kpke_dk_len(set);
	memcpy(dk, ek, mlkem_ek_len(set));
	dk += mlkem_ek_len(set);
	hash_h(rv_bytes(ek, mlkem_ek_len(set)), dk);
	memcpy(dk + HASH_LEN, z, MLKEM_SEED);
}

void mlkem_keygen(const struct mlkem_set *set, const uint8_t *d, const uint8_t *z, uint8_t *ek, uint8_t *dk)
{
	RV_WIPED(uint8_t, seeds, [2 * MLKEM_SEED]);

	mlkem_expand(set, d, seeds);
	mlkem_keygen_of(set, seeds, z, ek, dk);
}

/* FIPS 203, 7.2: "the integers encoded in the public key are in the valid range" */
static bool check_modulus(const struct mlkem_set *set, const uint8_t *ek)
{
	struct poly t;
	bool good = true;

	for (size_t i = 0; i < set->k; i++) {
		decode(&t, 12, ek + i * encoded_len(12));
		good &= all_below_q(&t);
	}
	return good;
}

int mlkem_encaps(const struct mlkem_set *set, struct rv_bytes ek, const uint8_t *m, uint8_t *c, uint8_t *shared)
{
	RV_WIPED(uint8_t, shared_r, [MLKEM_SHARED + MLKEM_SEED]);
	uint8_t h[HASH_LEN];

	if (ek.len != mlkem_ek_len(set) || !check_modulus(set, ek.p))
		return -RV_EKEY_VALUE;
	hash_h(ek, h);
	hash_g(rv_bytes(m, MLKEM_SEED), rv_bytes(h, sizeof(h)), shared_r);
	kpke_encrypt(set, ek.p, m, shared_r + MLKEM_SHARED, c);
	memcpy(shared, shared_r, MLKEM_SHARED);
	return 0;
}

/* 0 when both are equal, else 255. The compiler is kept from knowing that there are two cases only. */
static uint8_t differ(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < len; i++)
		bits |= a[i] ^ b[i];
	__asm__("" : "+r"(bits));
	return (uint8_t)((0 - bits) >> 8);
}

int mlkem_decaps(const struct mlkem_set *set, struct rv_bytes dk, struct rv_bytes c, uint8_t *shared)
{
	RV_WIPED(uint8_t, m, [MLKEM_SEED]);
	RV_WIPED(uint8_t, shared_r, [MLKEM_SHARED + MLKEM_SEED]);
	RV_WIPED(uint8_t, rejected, [MLKEM_SHARED]);
	RV_WIPED(uint8_t, again, [MLKEM_C_MAX]);
	RV_WIPED(uint8_t, reject, );
	uint8_t test[HASH_LEN];

	if (c.len != mlkem_c_len(set))
		return -RV_EKEY_VALUE;
	if (dk.len != mlkem_dk_len(set))
		return -RV_EFAILED;
	struct rv_bytes ek = rv_bytes(dk.p + kpke_dk_len(set), mlkem_ek_len(set));
	struct rv_bytes h = rv_bytes(ek.p + ek.len, HASH_LEN);

	hash_h(ek, test);
	if (!rv_bytes_equal(h, rv_bytes(test, sizeof(test))))
		return -RV_EFAILED;
	kpke_decrypt(set, dk.p, c.p, m);
	hash_g(rv_bytes(m, sizeof(m)), h, shared_r);
	hash_j(h.p + h.len, c, rejected);
	kpke_encrypt(set, ek.p, m, shared_r + MLKEM_SHARED, again);
	reject = differ(c.p, again, c.len);
	for (size_t i = 0; i < MLKEM_SHARED; i++)
		shared[i] = (uint8_t)(shared_r[i] ^ (reject & (shared_r[i] ^ rejected[i])));
	return 0;
}

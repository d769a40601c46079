// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-mlkem: whatever a peer may send as an encapsulation key or as a ciphertext.
 *
 * The first octet chooses the parameter set and which of the two the rest is. What is accepted must be what FIPS 203,
 * 7.2 and 7.3 accept, and a decapsulation must give what FIPS 203, Algorithm 18 says, written down here a second time
 * with K-PKE.
 */
#include "keccak.h"
#include "mlkem.h"

#include <ravelin/error.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IS_CIPHERTEXT = 0x80 };

/* d | z: the key of the first row of vectors/openssl.inc, which the corpus was made with */
static const uint8_t seed[2 * MLKEM_SEED] = {
	0x7c, 0x99, 0x35, 0xa0, 0xb0, 0x76, 0x94, 0xaa, 0x0c, 0x6d, 0x10, 0xe4, 0xdb, 0x6b, 0x1a, 0xdd,
	0x2f, 0xd8, 0x1a, 0x25, 0xcc, 0xb1, 0x48, 0x03, 0x2d, 0xcd, 0x73, 0x99, 0x36, 0x73, 0x7f, 0x2d,
	0x86, 0x26, 0xed, 0x79, 0xd4, 0x51, 0x14, 0x08, 0x00, 0xe0, 0x3b, 0x59, 0xb9, 0x56, 0xf8, 0x21,
	0x0e, 0x55, 0x60, 0x67, 0x40, 0x7d, 0x13, 0xdc, 0x90, 0xfa, 0x9e, 0x8b, 0x87, 0x2b, 0xfb, 0x8f,
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool below_q(const struct mlkem_set *set, const uint8_t *ek)
{
	for (size_t i = 0; i < (size_t)set->k * encoded_len(12); i += 3) {
		unsigned v = ek[i] | (unsigned)ek[i + 1] << 8 | (unsigned)ek[i + 2] << 16;
		if ((v & 0xfff) >= POLY_Q || v >> 12 >= POLY_Q)
			return false;
	}
	return true;
}

static void key(const struct mlkem_set *set, struct rv_bytes ek)
{
	uint8_t c[MLKEM_C_MAX], shared[MLKEM_SHARED];
	bool good = ek.len == mlkem_ek_len(set) && below_q(set, ek.p);

	check(mlkem_encaps(set, ek, seed, c, shared) == (good ? 0 : -RV_EKEY_VALUE));
}

static void ciphertext(const struct mlkem_set *set, struct rv_bytes c)
{
	uint8_t ek[MLKEM_EK_MAX], dk[MLKEM_DK_MAX], again[MLKEM_C_MAX];
	uint8_t m[MLKEM_SEED], shared[MLKEM_SHARED], wanted[MLKEM_SHARED];
	bool good = c.len == mlkem_c_len(set);

	mlkem_keygen(set, seed, seed + MLKEM_SEED, ek, dk);
	int r = mlkem_decaps(set, rv_bytes(dk, mlkem_dk_len(set)), c, shared);

	check(r == (good ? 0 : -RV_EKEY_VALUE));
	if (r)
		return;
	kpke_decrypt(set, dk, c.p, m);
	check(!mlkem_encaps(set, rv_bytes(ek, mlkem_ek_len(set)), m, again, wanted));
	if (memcmp(again, c.p, c.len))
		hash_j(seed + MLKEM_SEED, c, wanted);
	check(!memcmp(shared, wanted, sizeof(shared)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mlkem_set *const sets[] = { &mlkem_512, &mlkem_768, &mlkem_1024 };

	if (!size)
		return 0;
	const struct mlkem_set *set = sets[(data[0] & 0x7f) % RV_COUNT(sets)];
	uint8_t *p = malloc(size > 1 ? size - 1 : 1); /* of exactly its size: a read past the end is seen */

	check(p);
	memcpy(p, data + 1, size - 1);
	(data[0] & IS_CIPHERTEXT ? ciphertext : key)(set, rv_bytes(p, size - 1));
	free(p);
	return 0;
}

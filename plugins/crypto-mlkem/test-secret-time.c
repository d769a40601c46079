// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-secret-time: no branch and no address depends on a secret.
 *
 * The program runs itself under valgrind, with everything that is secret marked as undefined memory: memcheck then
 * complains where a jump or an address depends on it, and the test fails. It cannot see a division that takes longer
 * for some numbers: that there is none is shown by tests/system/test_mlkem.py.
 * Left out (status 77) without valgrind and its header, with clang, and in a build with a sanitizer.
 */
#include "mlkem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SKIPPED = 77 };

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAS_MEMCHECK 1
#else
#define HAS_MEMCHECK 0
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_COUNT_ERRORS 0u
#define VALGRIND_MAKE_MEM_UNDEFINED(p, len) 0
#define VALGRIND_MAKE_MEM_DEFINED(p, len) 0
#endif

#if !HAS_MEMCHECK
#define LEFT_OUT "valgrind's header was not there at the build (tools/deps)"
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LEFT_OUT "valgrind runs no program with a sanitizer"
#elif defined(__clang__)
#define LEFT_OUT "valgrind 3.19 does not read clang's debug information"
#else
#define LEFT_OUT NULL
#endif

static void secret(void *p, size_t len)
{
	(void)VALGRIND_MAKE_MEM_UNDEFINED(p, len);
}

static void public(void *p, size_t len)
{
	(void)VALGRIND_MAKE_MEM_DEFINED(p, len);
}

static void fill(uint8_t *out, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(seed + 31 * i);
}

/* d, sigma and z are secret, and so is what comes of them, but rho and ek. */
static void generate(const struct mlkem_set *set, uint8_t *ek, uint8_t *dk)
{
	uint8_t d[MLKEM_SEED], z[MLKEM_SEED], seeds[2 * MLKEM_SEED];

	fill(d, sizeof(d), 1);
	fill(z, sizeof(z), 2);
	secret(d, sizeof(d));
	secret(z, sizeof(z));
	mlkem_expand(set, d, seeds);
	public(seeds, MLKEM_SEED);
	mlkem_keygen_of(set, seeds, z, ek, dk);
	public(ek, mlkem_ek_len(set));
}

/* m is secret, and the shared secret; the ciphertext is sent. */
static int encapsulate(const struct mlkem_set *set, struct rv_bytes ek, uint8_t *c, uint8_t *shared)
{
	uint8_t m[MLKEM_SEED];

	fill(m, sizeof(m), 3);
	secret(m, sizeof(m));
	int r = mlkem_encaps(set, ek, m, c, shared);

	public(c, mlkem_c_len(set));
	return r;
}

/* All of dk is secret but ek and its hash. The ciphertext is what anybody may send; whether it is accepted is secret.
 */
static int decapsulate(const struct mlkem_set *set, uint8_t *dk, struct rv_bytes c, uint8_t *shared)
{
	size_t len = mlkem_dk_len(set);

	secret(dk, len);
	public(dk + kpke_dk_len(set), mlkem_ek_len(set) + MLKEM_SEED);
	return mlkem_decaps(set, rv_bytes(dk, len), c, shared);
}

/* True when memcheck has found nothing since `before`. */
static bool silent(const char *name, const char *what, unsigned before)
{
	if (VALGRIND_COUNT_ERRORS == before)
		return true;
	fprintf(stderr, "%s: the time of %s depends on a secret (see above)\n", name, what);
	return false;
}

static bool run(const char *name, const struct mlkem_set *set)
{
	uint8_t ek[MLKEM_EK_MAX], dk[MLKEM_DK_MAX], c[MLKEM_C_MAX], shared[3][MLKEM_SHARED];
	struct rv_bytes ct = { c, mlkem_c_len(set) };
	unsigned before = VALGRIND_COUNT_ERRORS;

	generate(set, ek, dk);
	bool good = silent(name, "a key generation", before);

	before = VALGRIND_COUNT_ERRORS;
	int r = encapsulate(set, rv_bytes(ek, mlkem_ek_len(set)), c, shared[0]);

	good &= silent(name, "an encapsulation", before);
	before = VALGRIND_COUNT_ERRORS;
	r = r ? r : decapsulate(set, dk, ct, shared[1]);
	good &= silent(name, "an accepting decapsulation", before);
	before = VALGRIND_COUNT_ERRORS;
	c[5] ^= 1;
	r = r ? r : decapsulate(set, dk, ct, shared[2]);
	good &= silent(name, "a rejecting decapsulation", before);
	public(shared, sizeof(shared));
	if (r || memcmp(shared[0], shared[1], MLKEM_SHARED) || !memcmp(shared[0], shared[2], MLKEM_SHARED)) {
		fprintf(stderr, "%s: wrong secrets (%d)\n", name, r);
		return false;
	}
	return good;
}

/* A jump that depends on a secret, made on purpose: memcheck must see it, or nothing of the rest is shown. */
static bool sees(void)
{
	uint8_t octet = 1;
	unsigned before = VALGRIND_COUNT_ERRORS;

	fprintf(stderr, "The next complaint is made on purpose.\n");
	secret(&octet, 1);
	__asm__ volatile("" : "+m"(octet));
	if (octet)
		fprintf(stderr, "All others count.\n");
	return VALGRIND_COUNT_ERRORS == before + 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		const struct mlkem_set *set;
	} sets[] = { { "ML-KEM-512", &mlkem_512 }, { "ML-KEM-768", &mlkem_768 }, { "ML-KEM-1024", &mlkem_1024 } };
	const char *left_out = LEFT_OUT;
	bool good;

	(void)argc;
	if (left_out) {
		fprintf(stderr, "skipped: %s\n", left_out);
		return SKIPPED;
	}
	if (!RUNNING_ON_VALGRIND) {
		execlp("valgrind", "valgrind", "--quiet", argv[0], (char *)NULL);
		perror("skipped: valgrind (tools/deps)");
		return SKIPPED;
	}
	good = sees();
	for (size_t i = 0; i < RV_COUNT(sets); i++)
		good &= run(sets[i].name, sets[i].set);
	return good ? 0 : 1;
}

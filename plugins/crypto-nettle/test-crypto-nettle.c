// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-crypto-nettle: its key exchanges as those of every provider (ke-tests.h: with the public values of RFC 6989, 2),
 * and against plain arithmetic of GMP.
 *
 * Its AEADs are tested beside those of crypto-gnutls.
 */
#include "ke-tests.h"

#include "ops.h"
#include "parts.h"

extern const struct rv_plugin rv_plugin_crypto_nettle;

enum { MAX = 1024 };

static const char *const groups[N_MODP] = { "modp2048", "modp3072", "modp4096", "modp6144", "modp8192" };

static int setup(void **state)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	assert_non_null(core);
	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->registry = rv_registry_new(core, core);
	struct rv_host *host = rv_host_new(core, "crypto-nettle");
	assert_non_null(host);
	assert_int_equal(rv_plugin_crypto_nettle.init(host), 0);
	*state = core;
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

static void export(uint8_t *out, size_t len, const mpz_t number)
{
	size_t n = (mpz_sizeinbase(number, 2) + 7) / 8;

	memset(out, 0, len);
	if (mpz_sgn(number))
		mpz_export(out + len - n, NULL, 1, 1, 1, 0, number);
}

static void modp_agrees_with_the_plain_power(void **state)
{
	uint8_t random[64], secret[64], public[MAX], wanted[MAX];
	mpz_t prime, exponent, result;

	mpz_inits(prime, exponent, result, NULL);
	for (size_t i = 0; i < N_MODP; i++) {
		struct ke ke = ke_find(*state, groups[i]);
		mpz_set_str(prime, modp_primes[i], 16);
		assert_int_equal(mpz_sizeinbase(prime, 2), 8 * ke.ops->public_i_len);
		for (unsigned seed = 0; seed < 3; seed++) {
			memset(random, seed == 1 ? 0 : 0xff, sizeof(random));
			if (seed == 2)
				ke_fill(random, sizeof(random), 5);
			assert_int_equal(ke.ops->generate(ke.self, random, secret, public), 0);
			assert_int_equal(secret[0], random[0] | 0x80);
			assert_memory_equal(secret + 1, random + 1, ke.ops->secret_len - 1u);
			mpz_import(exponent, ke.ops->secret_len, 1, 1, 1, 0, secret);
			mpz_set_ui(result, 2);
			mpz_powm(result, result, exponent, prime);
			export(wanted, ke.ops->public_i_len, result);
			assert_memory_equal(public, wanted, ke.ops->public_i_len);
		}
	}
	mpz_clears(prime, exponent, result, NULL);
}

/* RFC 3526: p and (p - 1) / 2 are prime, 2 generates the subgroup of that order (p = 7 mod 8). */
static void modp_primes_are_safe_primes(void **state)
{
	static const unsigned max_tested = 3; /* the larger ones take seconds; their digits were read from the RFC */
	mpz_t p;

	mpz_init(p);
	for (size_t i = 0; i < N_MODP; i++) {
		mpz_set_str(p, modp_primes[i], 16);
		assert_int_equal(mpz_fdiv_ui(p, 8), 7);
		if (i >= max_tested)
			continue;
		assert_true(mpz_probab_prime_p(p, 2));
		mpz_fdiv_q_2exp(p, p, 1);
		assert_true(mpz_probab_prime_p(p, 2));
	}
	mpz_clear(p);
}

static void limbs_keep_every_octet(void **state)
{
	uint8_t in[33], out[40];
	mp_limb_t limbs[8];

	ke_fill(in, sizeof(in), 9);
	for (size_t len = 0; len <= sizeof(in); len++) {
		memset(limbs, 0xee, sizeof(limbs));
		limbs_from_octets(limbs, RV_COUNT(limbs), in, len);
		limbs_to_octets(out, sizeof(out), limbs, RV_COUNT(limbs));
		for (size_t i = 0; i < sizeof(out) - len; i++)
			assert_int_equal(out[i], 0);
		assert_memory_equal(out + sizeof(out) - len, in, len);
		limbs_to_octets(out, len, limbs, limbs_of(len));
		assert_memory_equal(out, in, len);
	}
	limbs_from_hex(limbs, RV_COUNT(limbs), "0123456789abcdefABCDEF");
	limbs_to_octets(out, 11, limbs, RV_COUNT(limbs));
	assert_memory_equal(out, "\x01\x23\x45\x67\x89\xab\xcd\xef\xab\xcd\xef", 11);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(modp_agrees_with_the_plain_power),
		cmocka_unit_test(modp_primes_are_safe_primes),
		cmocka_unit_test(limbs_keep_every_octet),
	};

	return _cmocka_run_group_tests("ke_tests", ke_tests, N_KE_TESTS, setup, teardown) +
	       cmocka_run_group_tests(tests, setup, teardown);
}

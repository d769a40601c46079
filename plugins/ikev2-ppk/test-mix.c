// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-mix: keys with a PPK in them, against values that vectors/ppk.py computes from the RFC's formula. */
#include "test.h"

#include "core.h"
#include "parts.h"

#include "mix.h"

extern const struct rv_plugin rv_plugin_crypto_gnutls;

static const struct {
	const char *prf, *ppk, *mixed;
} rows[] = {
	{ "hmac-sha256", "ppk", "14e4034ba76391f49f216cd1958453f2c259f86d3a18051dbe3cd646dedbbf93" },
	{ "hmac-sha512", "a longer one, of 40 octets: 0123456789abcd",
	  "81e932a260be505c5ac603063078df8e1402d42b1dca0f9941cf1d41ea9b1513"
	  "f2f67f4f0153900745addbc2270b469b47d4536474b02e8194d899cbf67fe58e" },
	{ "hmac-sha1", "ppk", "98191c4c47af1a1f0609e5563d5be73776d22ec1" },
	/* a key that is longer than one output of the PRF */
	{ "hmac-sha256", "ppk",
	  "4406dc10b704f15c55fa8d09f2522eab35aa37b0fd3c9f72ecbd208f6b2f5834"
	  "2a420ab8e91c0b3ddeac46d6cea0cca9" },
};

static void keys_are_those_of_the_formula(void **state)
{
	const struct rv_core_params params = { .no_measure = true, .log_level = RV_ERROR };
	struct rv_why why = { 0 };
	struct rv_core *core = rv_core_new(NULL, &params, &why);

	assert_non_null(core);
	assert_int_equal(rv_plugins_load_static(core->plugins, "crypto-gnutls", &rv_plugin_crypto_gnutls, &why), 0);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_service *prf = rv_registry_find(core->registry, "prf", rows[i].prf);
		uint8_t want[64], key[65];
		size_t len = test_hex(rows[i].mixed, want, sizeof(want));

		assert_non_null(prf);
		for (size_t k = 0; k < sizeof(key); k++)
			key[k] = (uint8_t)k;
		assert_int_equal(ppk_mix(prf, rv_bytes(rows[i].ppk, strlen(rows[i].ppk)), key, len), 0);
		assert_memory_equal(key, want, len);
		assert_int_equal(key[len], len);
	}
	talloc_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_those_of_the_formula),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-policy: the words of `auth`, and which keys and schemes they and RFC 8247 allow.
 */
#include "test.h"

#include "policy.h"

#include <ravelin/error.h>
#include <string.h>

#define K(kind, n)                                                                                                     \
	{                                                                                                              \
		.type = KEY_##kind, .bits = (n)                                                                        \
	}

static const struct {
	const char *auth;
	bool ok;
} words[] = {
	{ "pubkey", true },
	{ "any", true },
	{ "rsa", true },
	{ "rsa-2048", true },
	{ "rsa-3072-sha256-sha384", true },
	{ "rsa/pss-sha256", true },
	{ "ike:rsa/pss-sha384", true },
	{ "ike:pubkey-sha384-sha256", true },
	{ "rsa-2048-sha256-ecdsa-256-sha256-sha384", true },
	{ "ed25519", true },
	{ "ed448", true },
	{ "", false },
	{ "ike:", false },
	{ "pubkey-", false },
	{ "-rsa", false },
	{ "sha256", false },
	{ "2048", false },
	{ "rsa-md5", false },
	{ "rsa-999999999", false },
	{ "rsa/psssha256", false },
	{ "RSA", false },
};

static void words_are_those_of_swanctl(void **state)
{
	for (size_t i = 0; i < RV_COUNT(words); i++) {
		struct rv_why why = { 0 };
		struct policy policy;
		int r = policy_read(&policy, words[i].auth, false, &why);

		if (r != (words[i].ok ? 0 : -RV_ECONFIG))
			fail_msg("%s: %d", words[i].auth, r);
		assert_true(words[i].ok || strstr(why.text, "not understood"));
	}
}

static const struct {
	const char *auth;
	struct key_info key;
	const char *scheme, *refused; /* a word of the reason; NULL: allowed */
	bool sha1;
} rows[] = {
	{ "pubkey", K(RSA, 2048), "rsa-sha256", NULL, false },
	{ "pubkey", K(RSA, 2048), "rsa/pss-sha256", NULL, false },
	{ "pubkey", K(RSA, 2047), "rsa-sha256", "RSA-2047 key is too weak", false },
	{ "pubkey", K(RSA, 2048), "rsa-sha1", "SHA-1", false },
	{ "pubkey", K(RSA, 2048), "rsa-sha1", NULL, true },
	{ "pubkey", K(ECDSA, 256), "ecdsa-sha1", "SHA-1", true },
	{ "pubkey", K(RSA, 2048), "rsa/pss-sha1", "SHA-1", true },
	{ "rsa-3072", K(RSA, 3071), "rsa-sha256", "at least 3072", false },
	{ "rsa-3072", K(RSA, 3072), "rsa-sha256", NULL, false },
	{ "ecdsa", K(RSA, 4096), "rsa-sha256", "does not allow RSA-4096", false },
	{ "rsa-sha384", K(RSA, 2048), "rsa-sha256", "does not allow the hash of rsa-sha256", false },
	{ "rsa-sha384-sha256", K(RSA, 2048), "rsa-sha256", NULL, false },
	{ "rsa/pss", K(RSA, 2048), "rsa-sha256", "RSASSA-PSS", false },
	{ "rsa/pss", K(RSA, 2048), "rsa/pss-sha512", NULL, false },
	{ "pubkey", { .type = KEY_RSA, .bits = 2048, .pss = true }, "rsa-sha256", "RSASSA-PSS", false },
	{ "ecdsa-384-sha384", K(ECDSA, 256), "ecdsa-sha384", "at least 384", false },
	{ "rsa-2048-sha256-ecdsa-256-sha384", K(ECDSA, 256), "ecdsa-sha256", "hash", false },
	{ "rsa-2048-sha256-ecdsa-256-sha384", K(RSA, 2048), "rsa-sha256", NULL, false },
	{ "pubkey-sha256", K(ED25519, 256), "ed25519", NULL, false },
	{ "rsa", K(ED448, 456), "ed448", "does not allow Ed448", false },
};

static const struct scheme *by_name(const char *name)
{
	for (size_t i = 0; i < N_SCHEMES; i++)
		if (!strcmp(schemes[i].name, name))
			return &schemes[i];
	fail_msg("no scheme %s", name);
	return NULL;
}

static void what_is_refused_is_refused_with_a_reason(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_why why = { 0 };
		struct policy policy;

		assert_int_equal(policy_read(&policy, rows[i].auth, rows[i].sha1, NULL), 0);
		bool ok = policy_allows(&policy, &rows[i].key, by_name(rows[i].scheme), &why);
		if (ok != !rows[i].refused || (!ok && !strstr(why.text, rows[i].refused)))
			fail_msg("%s with %s: %s", rows[i].auth, rows[i].scheme, ok ? "allowed" : why.text);
	}
}

static const struct {
	const char *auth;
	struct key_info key;
	uint8_t hashes[N_HASHES + 1];
} orders[] = {
	{ "pubkey", K(RSA, 3072), { 2, 3, 4 } },	 { "pubkey", K(RSA, 3073), { 3, 4, 2 } },
	{ "pubkey", K(RSA, 7680), { 3, 4, 2 } },	 { "pubkey", K(RSA, 7681), { 4, 3, 2 } },
	{ "pubkey", K(ECDSA, 256), { 2, 3, 4 } },	 { "pubkey", K(ECDSA, 384), { 3, 4, 2 } },
	{ "pubkey", K(ECDSA, 521), { 4, 3, 2 } },	 { "pubkey", K(ED25519, 256), { 5 } },
	{ "rsa-sha512-sha256", K(RSA, 2048), { 4, 2 } }, { "ike:pubkey-sha384", K(ECDSA, 256), { 3 } },
	{ "rsa-sha512", K(ED448, 456), { 5 } },
};

static void the_best_hash_comes_first(void **state)
{
	for (size_t i = 0; i < RV_COUNT(orders); i++) {
		struct policy policy;
		uint8_t out[N_HASHES];
		size_t n, wanted = 0;

		assert_int_equal(policy_read(&policy, orders[i].auth, false, NULL), 0);
		n = policy_hashes(&policy, &orders[i].key, out);
		while (orders[i].hashes[wanted])
			wanted++;
		if (n != wanted || memcmp(out, orders[i].hashes, n) != 0)
			fail_msg("%s, row %zu: %zu hashes, the first %u", orders[i].auth, i, n, out[0]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_those_of_swanctl),
		cmocka_unit_test(what_is_refused_is_refused_with_a_reason),
		cmocka_unit_test(the_best_hash_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

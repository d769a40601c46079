// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-proposal-words: the table against the numbers of the standards, written down a second time. */
#include "test.h"

#include "words.h"

static const struct rv_algorithm *word(const char *text)
{
	for (size_t i = 0; i < N_PROPOSAL_WORDS; i++) {
		if (!strcmp(proposal_words[i].word, text))
			return &proposal_words[i];
	}
	fail_msg("no word %s", text);
	return NULL;
}

static const struct {
	const char *word;
	uint8_t class;
	uint16_t id, key_bits;
	const char *kind, *name;
} rows[] = {
	{ "aes128", 1, 12, 128, "cipher", "aes-cbc-128" },
	{ "aes192", 1, 12, 192, "cipher", "aes-cbc-192" },
	{ "aes256", 1, 12, 256, "cipher", "aes-cbc-256" },
	{ "aes128gcm16", 1, 20, 128, "aead", "aes-gcm-16-128" },
	{ "aes192gcm16", 1, 20, 192, "aead", "aes-gcm-16-192" },
	{ "aes256gcm16", 1, 20, 256, "aead", "aes-gcm-16-256" },
	{ "aes256gcm128", 1, 20, 256, "aead", "aes-gcm-16-256" },
	{ "chacha20poly1305", 1, 28, 0, "aead", "chacha20-poly1305" },
	{ "null", 1, 11, 0, NULL, NULL },
	{ "prfsha1", 2, 2, 0, "prf", "hmac-sha1" },
	{ "prfsha256", 2, 5, 0, "prf", "hmac-sha256" },
	{ "prfsha384", 2, 6, 0, "prf", "hmac-sha384" },
	{ "prfsha512", 2, 7, 0, "prf", "hmac-sha512" },
	{ "sha1", 3, 2, 0, "mac", "hmac-sha1-96" },
	{ "sha256", 3, 12, 0, "mac", "hmac-sha256-128" },
	{ "sha384", 3, 13, 0, "mac", "hmac-sha384-192" },
	{ "sha512", 3, 14, 0, "mac", "hmac-sha512-256" },
	{ "modp2048", 4, 14, 0, "ke", "modp2048" },
	{ "modp3072", 4, 15, 0, "ke", "modp3072" },
	{ "modp4096", 4, 16, 0, "ke", "modp4096" },
	{ "modp6144", 4, 17, 0, "ke", "modp6144" },
	{ "modp8192", 4, 18, 0, "ke", "modp8192" },
	{ "ecp256", 4, 19, 0, "ke", "ecp256" },
	{ "ecp384", 4, 20, 0, "ke", "ecp384" },
	{ "ecp521", 4, 21, 0, "ke", "ecp521" },
	{ "x25519", 4, 31, 0, "ke", "x25519" },
	{ "curve25519", 4, 31, 0, "ke", "x25519" },
	{ "x448", 4, 32, 0, "ke", "x448" },
	{ "curve448", 4, 32, 0, "ke", "x448" },
	{ "none", 4, 0, 0, NULL, NULL },
	{ "noesn", 5, 0, 0, NULL, NULL },
	{ "esn", 5, 1, 0, NULL, NULL },
};

static void words_have_the_numbers_of_the_registry(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct rv_algorithm *a = word(rows[i].word);
		print_message("%s\n", rows[i].word);
		assert_int_equal(a->class, rows[i].class);
		assert_int_equal(a->id, rows[i].id);
		assert_int_equal(a->key_bits, rows[i].key_bits);
		assert_int_equal(!a->kind, !rows[i].kind);
		if (a->kind) {
			assert_string_equal(a->kind, rows[i].kind);
			assert_string_equal(a->name, rows[i].name);
		}
	}
}

static void what_the_standards_forbid_is_forbidden_with_a_reason(void **state)
{
	static const struct {
		const char *word, *keying, *child;
	} forbidden[] = {
		{ "des", "RFC 8247", "RFC 8221" },     { "null", "RFC 8247", NULL },
		{ "blowfish", NULL, "RFC 8221" },      { "blowfish128", NULL, "RFC 8221" },
		{ "blowfish192", NULL, "RFC 8221" },   { "blowfish256", NULL, "RFC 8221" },
		{ "md5", "RFC 8247", "RFC 8221" },     { "prfmd5", "RFC 8247", NULL },
		{ "modp768", "RFC 8247", "RFC 8247" }, { "modp1024s160", "RFC 8247", "RFC 8247" },
		{ "md5_128", "RFC 8221", "RFC 8221" }, { "sha1_160", "RFC 8221", "RFC 8221" },
		{ "none", "RFC 7296", NULL },	       { "modpnone", "RFC 7296", NULL },
	};
	size_t n = 0;

	for (size_t i = 0; i < RV_COUNT(forbidden); i++) {
		const struct rv_algorithm *a = word(forbidden[i].word);
		assert_int_equal(!a->forbid_keying, !forbidden[i].keying);
		assert_int_equal(!a->forbid_child, !forbidden[i].child);
		if (a->forbid_keying)
			assert_ptr_equal(strstr(a->forbid_keying, forbidden[i].keying), a->forbid_keying);
		if (a->forbid_child)
			assert_ptr_equal(strstr(a->forbid_child, forbidden[i].child), a->forbid_child);
	}
	for (size_t i = 0; i < N_PROPOSAL_WORDS; i++)
		n += proposal_words[i].forbid_keying || proposal_words[i].forbid_child;
	assert_int_equal(n, RV_COUNT(forbidden));
}

static void words_are_unique_and_synonyms_agree(void **state)
{
	for (size_t i = 0; i < N_PROPOSAL_WORDS; i++) {
		const struct rv_algorithm *a = &proposal_words[i];
		assert_non_null(a->word);
		for (size_t j = i + 1; j < N_PROPOSAL_WORDS; j++) {
			const struct rv_algorithm *b = &proposal_words[j];
			assert_string_not_equal(a->word, b->word);
			if (a->class != b->class || a->id != b->id || a->key_bits != b->key_bits)
				continue;
			/* a synonym stands behind its canonical word, computes the same and is not ranked again */
			assert_int_equal(b->rank, 0);
			assert_true(a->kernel == b->kernel || !strcmp(a->kernel, b->kernel));
			assert_true(a->name == b->name || !strcmp(a->name, b->name));
			assert_int_equal(a->v1_phase1, b->v1_phase1);
			assert_int_equal(a->v1_phase2, b->v1_phase2);
			assert_int_equal(a->combined, b->combined);
		}
	}
}

static void ranks_of_a_class_are_1_to_n_and_never_weak(void **state)
{
	static const int n_ranked[] = { 0, 5, 3, 3, 7, 2 };

	for (int class = RV_CLASS_ENCR; class <= RV_CLASS_SN; class ++) {
		unsigned seen = 0;
		for (size_t i = 0; i < N_PROPOSAL_WORDS; i++) {
			const struct rv_algorithm *a = &proposal_words[i];
			if (a->class != class || !a->rank)
				continue;
			assert_false(seen & 1u << a->rank);
			seen |= 1u << a->rank;
			assert_null(a->forbid_keying);
			assert_null(a->forbid_child);
		}
		assert_int_equal(seen, (1u << (n_ranked[class] + 1)) - 2);
	}
	assert_int_equal(word("sha1")->rank, 0);
	assert_int_equal(word("prfsha1")->rank, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_have_the_numbers_of_the_registry),
		cmocka_unit_test(what_the_standards_forbid_is_forbidden_with_a_reason),
		cmocka_unit_test(words_are_unique_and_synonyms_agree),
		cmocka_unit_test(ranks_of_a_class_are_1_to_n_and_never_weak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-proposal-words: the table against the numbers of the standards, written down a second time. */
#include "test.h"

#include "parts.h"
#include "words.h"

#include <ravelin/error.h>

extern const struct rv_plugin rv_plugin_proposal_words, rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle;

static const struct rv_algorithm *word(uint8_t class, const char *text)
{
	for (size_t i = 0; i < N_PROPOSAL_WORDS; i++) {
		if (proposal_words[i].class == class && !strcmp(proposal_words[i].word, text))
			return &proposal_words[i];
	}
	fail_msg("no word %s of class %u", text, class);
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
	{ "aes128gcm8", 1, 18, 128, "aead", "aes-gcm-8-128" },
	{ "aes192gcm8", 1, 18, 192, "aead", "aes-gcm-8-192" },
	{ "aes256gcm8", 1, 18, 256, "aead", "aes-gcm-8-256" },
	{ "aes128gcm12", 1, 19, 128, "aead", "aes-gcm-12-128" },
	{ "aes192gcm12", 1, 19, 192, "aead", "aes-gcm-12-192" },
	{ "aes256gcm12", 1, 19, 256, "aead", "aes-gcm-12-256" },
	{ "aes128ccm8", 1, 14, 128, "aead", "aes-ccm-8-128" },
	{ "aes192ccm8", 1, 14, 192, "aead", "aes-ccm-8-192" },
	{ "aes256ccm8", 1, 14, 256, "aead", "aes-ccm-8-256" },
	{ "aes128ccm12", 1, 15, 128, "aead", "aes-ccm-12-128" },
	{ "aes192ccm12", 1, 15, 192, "aead", "aes-ccm-12-192" },
	{ "aes256ccm12", 1, 15, 256, "aead", "aes-ccm-12-256" },
	{ "aes128ccm16", 1, 16, 128, "aead", "aes-ccm-16-128" },
	{ "aes192ccm16", 1, 16, 192, "aead", "aes-ccm-16-192" },
	{ "aes256ccm16", 1, 16, 256, "aead", "aes-ccm-16-256" },
	{ "aes128gmac", 1, 21, 128, "aead", "aes-gmac-128" },
	{ "aes192gmac", 1, 21, 192, "aead", "aes-gmac-192" },
	{ "aes256gmac", 1, 21, 256, "aead", "aes-gmac-256" },
	{ "aes128ctr", 1, 13, 128, "cipher", "aes-ctr-128" },
	{ "aes192ctr", 1, 13, 192, "cipher", "aes-ctr-192" },
	{ "aes256ctr", 1, 13, 256, "cipher", "aes-ctr-256" },
	{ "aes128ccm8iiv", 1, 29, 128, "aead", "aes-ccm-8-128" },
	{ "aes192ccm8iiv", 1, 29, 192, "aead", "aes-ccm-8-192" },
	{ "aes256ccm8iiv", 1, 29, 256, "aead", "aes-ccm-8-256" },
	{ "aes128gcm16iiv", 1, 30, 128, "aead", "aes-gcm-16-128" },
	{ "aes192gcm16iiv", 1, 30, 192, "aead", "aes-gcm-16-192" },
	{ "aes256gcm16iiv", 1, 30, 256, "aead", "aes-gcm-16-256" },
	{ "chacha20poly1305iiv", 1, 31, 0, "aead", "chacha20-poly1305" },
	{ "null", 1, 11, 0, NULL, NULL },
	{ "prfsha1", 2, 2, 0, "prf", "hmac-sha1" },
	{ "prfsha256", 2, 5, 0, "prf", "hmac-sha256" },
	{ "prfsha384", 2, 6, 0, "prf", "hmac-sha384" },
	{ "prfsha512", 2, 7, 0, "prf", "hmac-sha512" },
	{ "sha1", 3, 2, 0, "mac", "hmac-sha1-96" },
	{ "sha256", 3, 12, 0, "mac", "hmac-sha256-128" },
	{ "sha384", 3, 13, 0, "mac", "hmac-sha384-192" },
	{ "sha512", 3, 14, 0, "mac", "hmac-sha512-256" },
	{ "aesxcbc", 3, 5, 0, "mac", "aes-xcbc-96" },
	{ "aescmac", 3, 8, 0, "mac", "aes-cmac-96" },
	{ "aes128gmac", 3, 9, 0, "aead", "aes-gmac-128" },
	{ "aes192gmac", 3, 10, 0, "aead", "aes-gmac-192" },
	{ "aes256gmac", 3, 11, 0, "aead", "aes-gmac-256" },
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
		const struct rv_algorithm *a = word(rows[i].class, rows[i].word);
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
		{ "des", "RFC 8247", "RFC 8221" },	{ "null", "RFC 8247", NULL },
		{ "blowfish", NULL, "RFC 8221" },	{ "blowfish128", NULL, "RFC 8221" },
		{ "blowfish192", NULL, "RFC 8221" },	{ "blowfish256", NULL, "RFC 8221" },
		{ "md5", "RFC 8247", "RFC 8221" },	{ "prfmd5", "RFC 8247", NULL },
		{ "modp768", "RFC 8247", "RFC 8247" },	{ "modp1024s160", "RFC 8247", "RFC 8247" },
		{ "md5_128", "RFC 8221", "RFC 8221" },	{ "sha1_160", "RFC 8221", "RFC 8221" },
		{ "none", "RFC 7296", NULL },		{ "modpnone", "RFC 7296", NULL },
		{ "aes128gmac", "RFC 4543", NULL },	{ "aes192gmac", "RFC 4543", NULL },
		{ "aes256gmac", "RFC 4543", NULL },	{ "aes128gcm16iiv", "RFC 8750", NULL },
		{ "aes192gcm16iiv", "RFC 8750", NULL }, { "aes256gcm16iiv", "RFC 8750", NULL },
		{ "aes128ccm8iiv", "RFC 8750", NULL },	{ "aes192ccm8iiv", "RFC 8750", NULL },
		{ "aes256ccm8iiv", "RFC 8750", NULL },	{ "chacha20poly1305iiv", "RFC 8750", NULL },
	};
	for (size_t i = 0; i < N_PROPOSAL_WORDS; i++) {
		const struct rv_algorithm *a = &proposal_words[i];
		size_t f = 0;
		while (f < RV_COUNT(forbidden) && strcmp(forbidden[f].word, a->word))
			f++;
		bool listed = f < RV_COUNT(forbidden);
		assert_int_equal(!a->forbid_keying, !listed || !forbidden[f].keying);
		assert_int_equal(!a->forbid_child, !listed || !forbidden[f].child);
		if (a->forbid_keying)
			assert_ptr_equal(strstr(a->forbid_keying, forbidden[f].keying), a->forbid_keying);
		if (a->forbid_child)
			assert_ptr_equal(strstr(a->forbid_child, forbidden[f].child), a->forbid_child);
	}
	for (size_t f = 0; f < RV_COUNT(forbidden); f++) {
		size_t i = 0;
		while (i < N_PROPOSAL_WORDS && strcmp(forbidden[f].word, proposal_words[i].word))
			i++;
		assert_true(i < N_PROPOSAL_WORDS);
	}
}

/* RFC 4543, 9: one word is an encryption of ESP and an integrity of AH. */
static bool is_said_twice(const struct rv_algorithm *a, const struct rv_algorithm *b)
{
	return a->class == RV_CLASS_ENCR && b->class == RV_CLASS_INTEG && !strcmp(a->name, b->name) &&
	       strstr(a->word, "gmac");
}

static void words_are_unique_and_synonyms_agree(void **state)
{
	for (size_t i = 0; i < N_PROPOSAL_WORDS; i++) {
		const struct rv_algorithm *a = &proposal_words[i];
		assert_non_null(a->word);
		for (size_t j = i + 1; j < N_PROPOSAL_WORDS; j++) {
			const struct rv_algorithm *b = &proposal_words[j];
			if (!strcmp(a->word, b->word))
				assert_true(is_said_twice(a, b));
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
	assert_int_equal(word(RV_CLASS_INTEG, "sha1")->rank, 0);
	assert_int_equal(word(RV_CLASS_PRF, "prfsha1")->rank, 0);
}

/* The words as a daemon with the crypto plugins reads them. */
static int setup(void **state)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	assert_non_null(core);
	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->registry = rv_registry_new(core, core);
	assert_int_equal(rv_plugin_crypto_gnutls.init(rv_host_new(core, "crypto-gnutls")), 0);
	assert_int_equal(rv_plugin_crypto_nettle.init(rv_host_new(core, "crypto-nettle")), 0);
	assert_int_equal(rv_plugin_proposal_words.init(rv_host_new(core, "proposal-words")), 0);
	*state = core;
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

/* Which transforms have a service: everything that the issue at hand asks for, and nothing else. */
static void every_algorithm_that_is_ranked_or_listed_above_is_computed(void **state)
{
	struct rv_core *core = *state;

	for (size_t i = 0; i < N_PROPOSAL_WORDS; i++) {
		const struct rv_algorithm *a = &proposal_words[i];
		struct rv_transform t = { a->class, a->id, a->fixed_key ? 0 : a->key_bits };
		bool listed = a->rank;
		for (size_t j = 0; j < RV_COUNT(rows); j++)
			listed |= a->class == rows[j].class && a->id == rows[j].id && a->key_bits == rows[j].key_bits;
		struct rv_service *service = rv_algorithm_service(core->registry, &t);
		assert_int_equal(service != NULL, listed && a->kind);
		/* a service has one number; RFC 8750 gives the same algorithms another, AH those of RFC 4543 */
		bool of_ah = a->class == RV_CLASS_INTEG && a->kind && !strcmp(a->kind, "aead");
		if (service && !of_ah && !rv_algorithm_implicit_iv(core->registry, &t))
			assert_int_equal(rv_service_attr(service, "ikev2", -1), a->id);
	}
}

static void proposals_are_read_or_refused_with_the_reason(void **state)
{
	static const struct {
		uint8_t protocol;
		const char *in, *out, *why;
		int code;
	} proposals[] = {
		{ RV_PROTO_KEYING, "aes128gcm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519", NULL, 0 },
		{ RV_PROTO_KEYING, "aes256-sha256-modp2048", "aes256-sha256-modp2048-prfsha256", NULL, 0 },
		{ RV_PROTO_KEYING, "aes128-sha1-prfsha1-modp2048", "aes128-sha1-prfsha1-modp2048", NULL, 0 },
		{ RV_PROTO_ESP, "aes128gcm16-x25519", "aes128gcm16-x25519-noesn", NULL, 0 },
		{ RV_PROTO_ESP, "aes128-sha256", "aes128-sha256-noesn", NULL, 0 },
		{ RV_PROTO_ESP, "aes192gcm128-curve448-esn-noesn", "aes192gcm16-x448-esn-noesn", NULL, 0 },
		{ RV_PROTO_ESP, "null-sha512", "null-sha512-noesn", NULL, 0 },
		{ RV_PROTO_ESP, "chacha20poly1305-modp2048-none", "chacha20poly1305-modp2048-none-noesn", NULL, 0 },
		{ RV_PROTO_ESP, "aes128gcm16iiv-aes128gcm16", "aes128gcm16iiv-aes128gcm16-noesn", NULL, 0 },
		{ RV_PROTO_ESP, "aes256gmac", "aes256gmac-noesn", NULL, 0 },
		{ RV_PROTO_AH, "aes256gmac-esn", "aes256gmac-esn", NULL, 0 },
		{ RV_PROTO_AH, "aes128gmac-sha256-x25519", "aes128gmac-sha256-x25519-noesn", NULL, 0 },
		{ RV_PROTO_AH, "aes128gcm16", NULL, "no place in a proposal for AH", -RV_ECONFIG },
		{ RV_PROTO_ESP, "null-aes128gmac", NULL, "cannot stand in one proposal", -RV_ECONFIG },
		{ RV_PROTO_ESP, "null-aesxcbc-aescmac", "null-aesxcbc-aescmac-noesn", NULL, 0 },
		{ RV_PROTO_KEYING, "aes128ctr-sha256-modp2048", "aes128ctr-sha256-modp2048-prfsha256", NULL, 0 },
		{ RV_PROTO_KEYING, "aes256ccm12-prfsha256-modp2048", "aes256ccm12-prfsha256-modp2048", NULL, 0 },
		{ RV_PROTO_KEYING, "aes128gcm16iiv-prfsha256-modp2048", NULL, "RFC 8750, 7", -RV_EFORBIDDEN },
		{ RV_PROTO_KEYING, "aes128gmac-prfsha256-modp2048", NULL, "RFC 4543", -RV_EFORBIDDEN },
		{ RV_PROTO_ESP, "aes128gmac-sha256", NULL, "integrity of its own", -RV_ECONFIG },
		{ RV_PROTO_KEYING, "default",
		  "aes128gcm16-aes256gcm16-chacha20poly1305-prfsha256-prfsha384-prfsha512-x25519-ecp256-ecp384-"
		  "modp3072-modp2048-x448-ecp521",
		  NULL, 0 },
		{ RV_PROTO_ESP, "default", "aes128gcm16-aes256gcm16-chacha20poly1305-noesn-esn", NULL, 0 },
		{ RV_PROTO_KEYING, "null-sha256-modp2048", NULL, "RFC 8247", -RV_EFORBIDDEN },
		{ RV_PROTO_KEYING, "des-sha256-modp2048", NULL, "RFC 8247, 2.1", -RV_EFORBIDDEN },
		{ RV_PROTO_ESP, "des-sha256", NULL, "RFC 8221, 5", -RV_EFORBIDDEN },
		{ RV_PROTO_ESP, "blowfish-sha256", NULL, "RFC 8221, 5", -RV_EFORBIDDEN },
		{ RV_PROTO_ESP, "aes128-md5", NULL, "RFC 8221, 6", -RV_EFORBIDDEN },
		{ RV_PROTO_KEYING, "aes128-md5-modp2048", NULL, "RFC 8247, 2.3", -RV_EFORBIDDEN },
		{ RV_PROTO_KEYING, "aes128-sha256-prfmd5-modp2048", NULL, "RFC 8247, 2.2", -RV_EFORBIDDEN },
		{ RV_PROTO_KEYING, "aes128-sha256-modp768", NULL, "RFC 8247, 2.4", -RV_EFORBIDDEN },
		{ RV_PROTO_KEYING, "aes128-sha256-modp1024s160", NULL, "RFC 8247, 2.4", -RV_EFORBIDDEN },
		{ RV_PROTO_ESP, "aes128-sha256-modp768", NULL, "RFC 8247, 2.4", -RV_EFORBIDDEN },
		{ RV_PROTO_KEYING, "aes128-sha256-modp2048-none", NULL, "RFC 7296, 3.3.3", -RV_EFORBIDDEN },
		{ RV_PROTO_KEYING, "3des-sha256-modp2048", NULL, "no loaded plugin", -RV_ENO_PROVIDER },
		{ RV_PROTO_KEYING, "aes128-sha256-modp1024", NULL, "no loaded plugin", -RV_ENO_PROVIDER },
		{ RV_PROTO_KEYING, "aes128-sha256-modp1536", NULL, "no loaded plugin", -RV_ENO_PROVIDER },
		{ RV_PROTO_ESP, "aes128gcm17", NULL, "aes128gcm16", -RV_ECONFIG },
	};
	struct rv_core *core = *state;

	for (size_t i = 0; i < RV_COUNT(proposals); i++) {
		struct rv_proposal p;
		struct rv_why why = { 0 };
		char text[512];
		int r = rv_proposal_parse(core->registry, proposals[i].protocol, proposals[i].in, &p, &why);
		if (r != proposals[i].code)
			fail_msg("%s: %d, %s", proposals[i].in, r, why.text);
		if (r && !strstr(why.text, proposals[i].why))
			fail_msg("%s: \"%s\" does not say \"%s\"", proposals[i].in, why.text, proposals[i].why);
		if (!r)
			assert_string_equal(rv_proposal_text(core->registry, &p, text, sizeof(text)), proposals[i].out);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_have_the_numbers_of_the_registry),
		cmocka_unit_test(what_the_standards_forbid_is_forbidden_with_a_reason),
		cmocka_unit_test(words_are_unique_and_synonyms_agree),
		cmocka_unit_test(ranks_of_a_class_are_1_to_n_and_never_weak),
		cmocka_unit_test(every_algorithm_that_is_ranked_or_listed_above_is_computed),
		cmocka_unit_test(proposals_are_read_or_refused_with_the_reason),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

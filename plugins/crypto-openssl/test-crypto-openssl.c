// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-crypto-openssl: key exchanges as those of every provider (ke-tests.h: with the public values of RFC 6989, 2) and
 * as those of crypto-nettle, signatures against crypto-gnutls, keys that are none, and private keys that are kept.
 */
#include "ke-tests.h"

#include "ops.h"
#include "registry-parts.h"

#include <malloc.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <ravelin/error.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle, rv_plugin_crypto_openssl;

enum { MAX = 2048, SIGNATURE_MAX = 1024, ED25519_PRIVATE = 48, ED25519_PUBLIC = 44 };

static struct rv_core *core_with(const char *name, const struct rv_plugin *plugin)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	assert_non_null(core);
	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->registry = rv_registry_new(core, core);
	struct rv_host *host = rv_host_new(core, name);
	assert_non_null(host);
	assert_int_equal(plugin->init(host), 0);
	return core;
}

static int setup(void **state)
{
	*state = core_with("crypto-openssl", &rv_plugin_crypto_openssl);
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

/* The same random octets give the same keys: both make them as the same documents say. */
static void key_exchanges_are_those_of_another_provider(void **state)
{
	static const char *const names[] = { "x25519",	 "x448",     "ecp256",	 "ecp384",   "ecp521",
					     "modp2048", "modp3072", "modp4096", "modp6144", "modp8192" };
	struct rv_core *nettle = core_with("crypto-nettle", &rv_plugin_crypto_nettle);
	uint8_t random[2][128], ours[128], theirs[128], i[MAX], other_i[MAX], r[MAX], shared_i[MAX], shared_r[MAX];

	for (size_t n = 0; n < RV_COUNT(names); n++) {
		struct ke a = ke_find(*state, names[n]), b = ke_find(nettle, names[n]);
		assert_int_equal(a.ops->n_random, b.ops->n_random);
		for (unsigned seed = 0; seed < 3; seed++) {
			ke_fill(random[0], sizeof(random[0]), 2 * seed + 1);
			ke_fill(random[1], sizeof(random[1]), 2 * seed + 2);
			assert_int_equal(a.ops->generate(a.self, random[0], ours, i), 0);
			assert_int_equal(b.ops->generate(b.self, random[0], theirs, other_i), 0);
			assert_memory_equal(i, other_i, a.ops->public_i_len);
			assert_int_equal(
				b.ops->respond(b.self, random[1], rv_bytes(i, a.ops->public_i_len), r, shared_r), 0);
			assert_int_equal(a.ops->complete(a.self, ours, rv_bytes(r, a.ops->public_r_len), shared_i), 0);
			assert_memory_equal(shared_i, shared_r, a.ops->shared_len);
		}
	}
	talloc_free(nettle);
}

/* A scheme of one provider, with the keys of its known answer. */
struct signer {
	const struct rv_sign_ops *ops;
	void *self;
	uint8_t private_octets[MAX], public_octets[MAX], message_octets[MAX], answer_octets[MAX];
	struct rv_bytes private_key, public_key, message, answer;
};

static struct rv_bytes octets(const char *hex, uint8_t *out)
{
	return rv_bytes(out, hex ? test_hex(hex, out, MAX) : 0);
}

static void signer_find(struct rv_core *core, const char *name, struct signer *s)
{
	struct rv_service *service = rv_registry_find(core->registry, "sign", name);
	struct rv_offer offer = { .name = name };

	if (!service)
		fail_msg("no signature %s", name);
	s->ops = rv_service_ops(service);
	s->self = rv_service_self(service);
	assert_string_equal(rv_service_self_test(service), "passed: 1 vector");
	known_sign(&offer);
	s->private_key = octets(offer.vectors->key, s->private_octets);
	s->public_key = octets(offer.vectors->aad, s->public_octets);
	s->message = octets(offer.vectors->in, s->message_octets);
	s->answer = octets(offer.vectors->out, s->answer_octets);
}

static const char *const schemes[] = { "rsa-pkcs1-sha1", "rsa-pkcs1-sha256", "rsa-pkcs1-sha384", "rsa-pkcs1-sha512",
				       "rsa-pss-sha256", "rsa-pss-sha384",   "rsa-pss-sha512",	 "ecdsa-sha256",
				       "ecdsa-sha384",	 "ecdsa-sha512",     "ed25519",		 "ed448" };

/* Keys for a scheme: with SHA-1 the known answer has no private one. */
static void pair_find(struct rv_core *core, const char *name, struct signer *s)
{
	signer_find(core, !strcmp(name, "rsa-pkcs1-sha1") ? "rsa-pkcs1-sha256" : name, s);
}

static int verified(const struct signer *by, struct rv_bytes key, struct rv_bytes message, struct rv_bytes signature)
{
	return by->ops->verify(by->self, key, &message, 1, signature);
}

static void signatures_hold_with_another_provider(void **state)
{
	struct rv_core *gnutls = core_with("crypto-gnutls", &rv_plugin_crypto_gnutls);

	for (size_t n = 0; n < RV_COUNT(schemes); n++) {
		static const struct rv_bytes nothing = { 0 };
		struct signer ours, theirs, keys;
		uint8_t signature[SIGNATURE_MAX];
		size_t len = 0;
		signer_find(*state, schemes[n], &ours);
		signer_find(gnutls, schemes[n], &theirs);
		pair_find(*state, schemes[n], &keys);
		assert_int_equal(ours.ops->signature_max, theirs.ops->signature_max);
		if (strcmp(schemes[n], "rsa-pkcs1-sha1") != 0) { /* GnuTLS signs no more with SHA-1 */
			assert_int_equal(
				theirs.ops->sign(theirs.self, keys.private_key, &ours.message, 1, signature, &len), 0);
			assert_int_equal(verified(&ours, keys.public_key, ours.message, rv_bytes(signature, len)), 0);
		}
		const struct rv_bytes parts[] = { rv_bytes(ours.message.p, 1), nothing,
						  rv_bytes(ours.message.p + 1, ours.message.len - 1) };
		assert_int_equal(ours.ops->sign(ours.self, keys.private_key, parts, RV_COUNT(parts), signature, &len),
				 0);
		assert_int_equal(verified(&theirs, keys.public_key, ours.message, rv_bytes(signature, len)), 0);
		signature[len - 1] ^= 1;
		assert_int_equal(verified(&ours, keys.public_key, ours.message, rv_bytes(signature, len)),
				 -RV_EAUTH_FAILED);
		assert_int_equal(verified(&ours, keys.public_key, ours.message, nothing), -RV_EAUTH_FAILED);
	}
	talloc_free(gnutls);
}

static void a_key_of_another_scheme_is_refused(void **state)
{
	static const char *const families[] = { "rsa-pkcs1-sha256", "ecdsa-sha256", "ed25519", "ed448" };

	for (size_t n = 0; n < RV_COUNT(families); n++)
		for (size_t m = 0; m < RV_COUNT(families); m++) {
			struct signer with, key;
			uint8_t signature[SIGNATURE_MAX];
			size_t len = 0;
			signer_find(*state, families[n], &with);
			int r = n == m ? 0 : -RV_EKEY_VALUE;
			signer_find(*state, families[m], &key);
			assert_int_equal(verified(&with, key.public_key, with.message, with.answer), r);
			assert_int_equal(with.ops->sign(with.self, key.private_key, &with.message, 1, signature, &len),
					 r);
			assert_int_equal(with.ops->sign(with.self, rv_bytes(key.private_key.p, key.private_key.len - 1),
							&with.message, 1, signature, &len),
					 -RV_EKEY_VALUE);
		}
}

/* Every octet of what is around a key counts: shorter, longer, and with each octet of the head changed. */
static void a_public_key_that_is_malformed_is_refused(void **state)
{
	static const char *const families[] = { "rsa-pkcs1-sha256", "ecdsa-sha256", "ecdsa-sha384",
						"ecdsa-sha512",	    "ed25519",	    "ed448" };

	for (size_t n = 0; n < RV_COUNT(families); n++) {
		struct signer s;
		uint8_t key[MAX + 1] = { 0 };
		signer_find(*state, families[n], &s);
		memcpy(key, s.public_key.p, s.public_key.len);
		assert_int_equal(verified(&s, rv_bytes(key, s.public_key.len), s.message, s.answer), 0);
		for (size_t len = 0; len <= s.public_key.len + 1; len++)
			if (len != s.public_key.len)
				assert_int_equal(verified(&s, rv_bytes(key, len), s.message, s.answer), -RV_EKEY_VALUE);
		for (size_t at = 0; at < 12; at++) {
			key[at] ^= 0x01;
			assert_int_equal(verified(&s, rv_bytes(key, s.public_key.len), s.message, s.answer),
					 -RV_EKEY_VALUE);
			key[at] ^= 0x01;
		}
	}
}

/* RFC 4055, 1.2: without parameters a key for RSASSA-PSS may be used with any hash, but for nothing else. */
static void a_key_for_pss_verifies_nothing_but_pss(void **state)
{
	/* the identifier ends in 10, not in 1, and has no NULL behind it */
	static const uint8_t head[] = { 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a };
	enum { AT = 4, PLAIN_HEAD = 15 };
	struct signer pss, pkcs1;
	uint8_t key[MAX] = { 0x30, 0x82 };

	signer_find(*state, "rsa-pss-sha256", &pss);
	signer_find(*state, "rsa-pkcs1-sha256", &pkcs1);
	size_t tail = pss.public_key.len - AT - PLAIN_HEAD, len = AT + sizeof(head) + tail;
	key[2] = (uint8_t)((len - AT) >> 8);
	key[3] = (uint8_t)(len - AT);
	memcpy(key + AT, head, sizeof(head));
	memcpy(key + AT + sizeof(head), pss.public_key.p + AT + PLAIN_HEAD, tail);
	assert_int_equal(verified(&pss, rv_bytes(key, len), pss.message, pss.answer), 0);
	assert_int_equal(verified(&pkcs1, rv_bytes(key, len), pkcs1.message, pkcs1.answer), -RV_EKEY_VALUE);
}

/* The n-th private key for Ed25519 (RFC 8410, 7), and its public key. */
static struct rv_bytes ed25519_private(unsigned n, uint8_t *out)
{
	static const uint8_t head[] = { 0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20 };

	memcpy(out, head, sizeof(head));
	ke_fill(out + sizeof(head), 32, n + 1);
	return rv_bytes(out, ED25519_PRIVATE);
}

static struct rv_bytes ed25519_public(struct rv_bytes private_key, uint8_t *out)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key.p + 16, 32);
	int len = i2d_PUBKEY(key, &out);

	assert_int_equal(len, ED25519_PUBLIC);
	EVP_PKEY_free(key);
	return rv_bytes(out - len, (size_t)len);
}

/* Signs and verifies with the n-th key. */
static void use_key(const struct signer *s, unsigned n)
{
	uint8_t private_octets[ED25519_PRIVATE], public_octets[ED25519_PUBLIC], signature[64];
	struct rv_bytes key = ed25519_private(n, private_octets);
	size_t len = 0;

	assert_int_equal(s->ops->sign(s->self, key, &s->message, 1, signature, &len), 0);
	assert_int_equal(verified(s, ed25519_public(key, public_octets), s->message, rv_bytes(signature, len)), 0);
}

static void few_private_keys_are_kept_and_all_are_forgotten(void **state)
{
	enum { FEW = 40, MANY = 400, KEY_AT_LEAST = 200 };
	const struct rv_core *core = *state;
	struct signer s;

	signer_find(*state, "ed25519", &s);
	for (unsigned n = 0; n < FEW; n++)
		use_key(&s, n);
	size_t before = mallinfo2().uordblks;
	for (unsigned n = FEW; n < MANY; n++)
		use_key(&s, n);
	size_t after = mallinfo2().uordblks;
	assert_true(after < before + (MANY - FEW) * KEY_AT_LEAST / 2);
	for (unsigned n = MANY; n-- > 0;) /* those that are there, and those that are not */
		use_key(&s, n);
	before = mallinfo2().uordblks;
	struct openssl *openssl = rv_registry_find(core->registry, "sign", "ed25519")->owner->self;
	openssl_keys_forget(openssl->keys);
	after = mallinfo2().uordblks;
	assert_true(!before || after + 10 * KEY_AT_LEAST < before);
	use_key(&s, 3);
}

static void *use_many(void *arg)
{
	const struct signer *s = arg;

	for (unsigned n = 0; n < 300; n++)
		use_key(s, n % 24);
	return NULL;
}

static void threads_sign_with_kept_keys(void **state)
{
	pthread_t threads[4];
	struct signer s;

	signer_find(*state, "ed25519", &s);
	for (size_t i = 0; i < RV_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_many, &s), 0);
	for (size_t i = 0; i < RV_COUNT(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_exchanges_are_those_of_another_provider),
		cmocka_unit_test(signatures_hold_with_another_provider),
		cmocka_unit_test(a_key_of_another_scheme_is_refused),
		cmocka_unit_test(a_public_key_that_is_malformed_is_refused),
		cmocka_unit_test(a_key_for_pss_verifies_nothing_but_pss),
		cmocka_unit_test(few_private_keys_are_kept_and_all_are_forgotten),
		cmocka_unit_test(threads_sign_with_kept_keys),
	};

	return _cmocka_run_group_tests("ke_tests", ke_tests, N_KE_TESTS, setup, teardown) +
	       cmocka_run_group_tests(tests, setup, teardown);
}

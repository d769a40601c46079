// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-crypto-gnutls: every service through the registry, against its known answers and against another provider. */
#include "test.h"

#include "parts.h"

#include <errno.h>
#include <malloc.h>
#include <ravelin/cryptor.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle, rv_plugin_proposal_words;

enum { MAX = 4096, BURST = 64, CTX = 8192 };

/* A core with a registry only, and the plugin in it. other: nettle in a registry of its own. */
struct fixture {
	struct rv_core *core, *other;
	struct rv_host *host;
	uint64_t seed;
};

static struct rv_core *core_new(void)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	assert_non_null(core);
	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->registry = rv_registry_new(core, core);
	assert_non_null(core->registry);
	return core;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->core = core_new();
	f->host = rv_host_new(f->core, "crypto-gnutls");
	assert_non_null(f->host);
	assert_int_equal(rv_plugin_crypto_gnutls.init(f->host), 0);
	assert_int_equal(rv_plugin_proposal_words.init(rv_host_new(f->core, "proposal-words")), 0);
	f->other = core_new();
	struct rv_host *other = rv_host_new(f->other, "crypto-nettle");
	assert_non_null(other);
	assert_int_equal(rv_plugin_crypto_nettle.init(other), 0);
	f->seed = 1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	talloc_free(f->core);
	talloc_free(f->other);
	free(f);
	return 0;
}

static uint64_t next(struct fixture *f)
{
	f->seed ^= f->seed << 13;
	f->seed ^= f->seed >> 7;
	f->seed ^= f->seed << 17;
	return f->seed;
}

static void fill(struct fixture *f, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(next(f) >> 32);
}

static const char *const aeads[] = { "aes-gcm-16-128", "aes-gcm-16-192", "aes-gcm-16-256", "chacha20-poly1305" };
static const char *const ciphers[] = { "aes-cbc-128", "aes-cbc-192", "aes-cbc-256" };
static const char *const macs[][2] = { { "hmac-sha1-96", "hmac-sha1" },
				       { "hmac-sha256-128", "hmac-sha256" },
				       { "hmac-sha384-192", "hmac-sha384" },
				       { "hmac-sha512-256", "hmac-sha512" } };

static struct rv_service *find(struct rv_core *core, const char *kind, const char *name)
{
	struct rv_service *service = rv_registry_find(core->registry, kind, name);

	if (!service)
		fail_msg("no service %s %s", kind, name);
	return service;
}

static void every_service_has_passed_its_known_answers(void **state)
{
	static const struct {
		const char *kind, *name, *result;
		int64_t ikev2;
	} rows[] = {
		{ "hash", "sha1", "passed: 2 vectors", -1 },
		{ "hash", "sha256", "passed: 2 vectors", -1 },
		{ "hash", "sha384", "passed: 2 vectors", -1 },
		{ "hash", "sha512", "passed: 2 vectors", -1 },
		{ "prf", "hmac-sha1", "passed: 3 vectors", 2 },
		{ "prf", "hmac-sha256", "passed: 3 vectors", 5 },
		{ "prf", "hmac-sha384", "passed: 3 vectors", 6 },
		{ "prf", "hmac-sha512", "passed: 3 vectors", 7 },
		{ "mac", "hmac-sha1-96", "passed: 2 vectors", 2 },
		{ "mac", "hmac-sha256-128", "passed: 2 vectors", 12 },
		{ "mac", "hmac-sha384-192", "passed: 2 vectors", 13 },
		{ "mac", "hmac-sha512-256", "passed: 2 vectors", 14 },
		{ "cipher", "aes-cbc-128", "passed: 2 vectors", 12 },
		{ "cipher", "aes-cbc-192", "passed: 2 vectors", 12 },
		{ "cipher", "aes-cbc-256", "passed: 2 vectors", 12 },
		{ "aead", "aes-gcm-16-128", "passed: 2 vectors", 20 },
		{ "aead", "aes-gcm-16-192", "passed: 2 vectors", 20 },
		{ "aead", "aes-gcm-16-256", "passed: 2 vectors", 20 },
		{ "aead", "chacha20-poly1305", "passed: 2 vectors", 28 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_service *service = find(f->core, rows[i].kind, rows[i].name);
		assert_string_equal(rv_service_self_test(service), rows[i].result);
		assert_int_equal(rv_service_attr(service, "ikev2", -1), rows[i].ikev2);
	}
	find(f->core, "rng", "gnutls");
}

static void a_key_has_exactly_its_length(void **state)
{
	struct fixture *f = *state;
	uint8_t key[72] = { 1 };
	_Alignas(64) uint8_t ctx[CTX];

	for (size_t i = 0; i < RV_COUNT(aeads); i++) {
		struct rv_service *service = find(f->core, "aead", aeads[i]);
		const struct rv_aead_ops *ops = rv_service_ops(service);
		for (int d = -1; d <= 1; d++) {
			int r = ops->init(rv_service_self(service), ctx, rv_bytes(key, (size_t)(ops->key_len + d)));
			assert_int_equal(r, d ? -EINVAL : 0);
			ops->fini(rv_service_self(service), ctx);
		}
	}
	for (size_t i = 0; i < RV_COUNT(ciphers); i++) {
		struct rv_service *service = find(f->core, "cipher", ciphers[i]);
		const struct rv_cipher_ops *ops = rv_service_ops(service);
		for (int d = -1; d <= 1; d++) {
			int r = ops->init(rv_service_self(service), ctx, rv_bytes(key, (size_t)(ops->key_len + d)),
					  true);
			assert_int_equal(r, d ? -EINVAL : 0);
			ops->fini(rv_service_self(service), ctx);
		}
	}
	for (size_t i = 0; i < RV_COUNT(macs); i++) {
		struct rv_service *service = find(f->core, "mac", macs[i][0]);
		const struct rv_mac_ops *ops = rv_service_ops(service);
		for (int d = -1; d <= 1; d++) {
			int r = ops->init(rv_service_self(service), ctx, rv_bytes(key, (size_t)(ops->key_len + d)));
			assert_int_equal(r, d ? -EINVAL : 0);
			ops->fini(rv_service_self(service), ctx);
		}
	}
}

static void check_aead_across(struct fixture *f, struct rv_service *from, struct rv_service *to)
{
	const struct rv_aead_ops *a = rv_service_ops(from), *b = rv_service_ops(to);
	_Alignas(64) uint8_t ctx_a[CTX], ctx_b[CTX];
	uint8_t key[32], aad[24], text[MAX], sealed[MAX + 16], opened[MAX];

	assert_true(a->ctx_size <= CTX && b->ctx_size <= CTX && a->key_len == b->key_len);
	fill(f, key, sizeof(key));
	fill(f, aad, sizeof(aad));
	fill(f, text, sizeof(text));
	assert_int_equal(a->init(rv_service_self(from), ctx_a, rv_bytes(key, a->key_len)), 0);
	assert_int_equal(b->init(rv_service_self(to), ctx_b, rv_bytes(key, b->key_len)), 0);
	for (uint32_t len = 0; len < 2100; len += len < 130 ? 1 : 97) {
		struct rv_aead_op op = { .src = text, .dst = sealed, .len = len, .aad = aad, .aad_len = len % 25 };
		fill(f, op.nonce, sizeof(op.nonce));
		assert_int_equal(a->seal(rv_service_self(from), ctx_a, &op, 1), 0);
		op.src = sealed;
		op.dst = opened;
		op.ok = false;
		assert_int_equal(b->open(rv_service_self(to), ctx_b, &op, 1), 0);
		assert_true(op.ok);
		assert_memory_equal(opened, text, len);
	}
	a->fini(rv_service_self(from), ctx_a);
	b->fini(rv_service_self(to), ctx_b);
}

static void aeads_of_two_providers_open_each_other(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(aeads); i++) {
		check_aead_across(f, find(f->core, "aead", aeads[i]), find(f->other, "aead", aeads[i]));
		check_aead_across(f, find(f->other, "aead", aeads[i]), find(f->core, "aead", aeads[i]));
	}
}

static void check_burst(struct fixture *f, struct rv_service *service)
{
	enum { LEN = 61, SLOT = LEN + 16 };
	const struct rv_aead_ops *aead = rv_service_ops(service);
	void *self = rv_service_self(service);
	_Alignas(64) uint8_t ctx[CTX];
	static const uint8_t zero[SLOT];
	uint8_t key[32], aad[8], text[BURST][SLOT], buf[BURST][SLOT];
	struct rv_aead_op ops[BURST];

	fill(f, key, sizeof(key));
	fill(f, aad, sizeof(aad));
	fill(f, &text[0][0], sizeof(text));
	memcpy(buf, text, sizeof(buf));
	assert_int_equal(aead->init(self, ctx, rv_bytes(key, aead->key_len)), 0);
	for (size_t i = 0; i < BURST; i++) {
		ops[i] = (struct rv_aead_op){ .src = buf[i], .dst = buf[i], .len = LEN, .aad = aad, .aad_len = 8 };
		ops[i].nonce[11] = (uint8_t)i;
	}
	assert_int_equal(aead->seal(self, ctx, ops, BURST), 0);
	for (size_t i = 0; i < BURST; i++) {
		struct rv_aead_op one = ops[i];
		uint8_t alone[SLOT];
		one.src = text[i];
		one.dst = alone;
		assert_int_equal(aead->seal(self, ctx, &one, 1), 0);
		assert_memory_equal(alone, buf[i], SLOT);
	}
	/* every third packet is damaged: text, ICV, nonce or authenticated octets, in turn */
	uint8_t other_aad[8];
	memcpy(other_aad, aad, 8);
	other_aad[7] ^= 0x80;
	for (size_t i = 0; i < BURST; i += 3) {
		switch (i / 3 % 4) {
		case 0:
			buf[i][i % LEN] ^= 1;
			break;
		case 1:
			buf[i][LEN + i % 16] ^= 0x80;
			break;
		case 2:
			ops[i].nonce[0] ^= 1;
			break;
		default:
			ops[i].aad = other_aad;
		}
	}
	assert_int_equal(aead->open(self, ctx, ops, BURST), 0);
	for (size_t i = 0; i < BURST; i++) {
		assert_int_equal(ops[i].ok, i % 3 != 0);
		assert_memory_equal(buf[i], ops[i].ok ? text[i] : zero, LEN);
	}
	assert_int_equal(aead->open(self, ctx, ops, 0), 0);
	aead->fini(self, ctx);
	assert_memory_equal(ctx, zero, aead->ctx_size < sizeof(zero) ? aead->ctx_size : sizeof(zero));
}

static void a_burst_is_sealed_as_single_packets_and_damage_is_seen_in_each(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(aeads); i++) {
		check_burst(f, find(f->core, "aead", aeads[i]));
		check_burst(f, find(f->other, "aead", aeads[i]));
	}
}

static void a_cipher_works_in_place_and_refuses_part_of_a_block(void **state)
{
	struct fixture *f = *state;
	uint8_t key[32], iv[16], text[160], a[160], b[160];
	_Alignas(64) uint8_t seal[CTX], open[CTX];

	fill(f, key, sizeof(key));
	fill(f, iv, sizeof(iv));
	fill(f, text, sizeof(text));
	for (size_t i = 0; i < RV_COUNT(ciphers); i++) {
		struct rv_service *service = find(f->core, "cipher", ciphers[i]);
		const struct rv_cipher_ops *ops = rv_service_ops(service);
		void *self = rv_service_self(service);
		assert_int_equal(ops->init(self, seal, rv_bytes(key, ops->key_len), true), 0);
		assert_int_equal(ops->init(self, open, rv_bytes(key, ops->key_len), false), 0);
		for (size_t len = 0; len <= sizeof(text); len++) {
			memcpy(b, text, sizeof(b));
			int r = ops->crypt(self, seal, iv, text, a, len);
			assert_int_equal(r, len % 16 ? -EINVAL : 0);
			if (r)
				continue;
			assert_int_equal(ops->crypt(self, seal, iv, b, b, len), 0);
			assert_memory_equal(a, b, len);
			assert_int_equal(ops->crypt(self, open, iv, b, b, len), 0);
			assert_memory_equal(b, text, len);
		}
		ops->fini(self, seal);
		ops->fini(self, open);
	}
}

/* RFC 2404, 2: "This 160-bit value can be truncated as described in RFC2104." */
static void a_mac_is_the_beginning_of_its_prf(void **state)
{
	struct fixture *f = *state;
	uint8_t key[64], text[300], full[64], icv[65];
	_Alignas(64) uint8_t ctx[CTX];

	fill(f, key, sizeof(key));
	fill(f, text, sizeof(text));
	for (size_t i = 0; i < RV_COUNT(macs); i++) {
		struct rv_service *mac = find(f->core, "mac", macs[i][0]), *prf = find(f->core, "prf", macs[i][1]);
		const struct rv_mac_ops *ops = rv_service_ops(mac);
		const struct rv_prf_ops *prf_ops = rv_service_ops(prf);
		struct rv_bytes parts[3] = { rv_bytes(text, 7), rv_bytes(NULL, 0), rv_bytes(text + 7, 293) };
		struct rv_bytes k = rv_bytes(key, ops->key_len);
		assert_int_equal(prf_ops->out_len, prf_ops->key_len);
		assert_int_equal(prf_ops->prf(rv_service_self(prf), k, parts, 3, full), 0);
		assert_int_equal(ops->init(rv_service_self(mac), ctx, k), 0);
		for (int again = 0; again < 2; again++) {
			memset(icv, 0xee, sizeof(icv));
			assert_int_equal(ops->mac(rv_service_self(mac), ctx, parts, 3, icv), 0);
			assert_memory_equal(icv, full, ops->icv_len);
			assert_int_equal(icv[ops->icv_len], 0xee);
		}
		ops->fini(rv_service_self(mac), ctx);
	}
}

static void a_prf_takes_keys_of_any_length(void **state)
{
	/* HMAC pads a short key with zeros and hashes a long one (RFC 2104, 2) */
	struct fixture *f = *state;
	struct rv_service *prf = find(f->core, "prf", "hmac-sha256"), *hash = find(f->core, "hash", "sha256");
	const struct rv_prf_ops *ops = rv_service_ops(prf);
	const struct rv_hash_ops *hash_ops = rv_service_ops(hash);
	uint8_t key[200] = { 0 }, digest[32], a[32], b[32];
	struct rv_bytes text = RV_STR("text"), all = rv_bytes(key, sizeof(key));

	assert_int_equal(ops->prf(rv_service_self(prf), rv_bytes(NULL, 0), &text, 1, a), 0);
	assert_int_equal(ops->prf(rv_service_self(prf), rv_bytes(key, 64), &text, 1, b), 0);
	assert_memory_equal(a, b, 32);
	key[199] = 1;
	assert_int_equal(hash_ops->digest(rv_service_self(hash), &all, 1, digest), 0);
	assert_int_equal(ops->prf(rv_service_self(prf), all, &text, 1, a), 0);
	assert_int_equal(ops->prf(rv_service_self(prf), rv_bytes(digest, 32), &text, 1, b), 0);
	assert_memory_equal(a, b, 32);
}

static void random_numbers_do_not_repeat(void **state)
{
	struct fixture *f = *state;
	struct rv_service *service = find(f->core, "rng", "gnutls");
	const struct rv_rng_ops *ops = rv_service_ops(service);
	uint8_t a[64] = { 0 }, b[64] = { 0 };

	assert_int_equal(ops->fill(rv_service_self(service), a, sizeof(a)), 0);
	assert_int_equal(ops->fill(rv_service_self(service), b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(ops->fill(rv_service_self(service), a, 0), 0);
}

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "the test");
}

/* One ESP packet as a cryptor makes it: aad is SPI | sequence number, sealed is IV | ciphertext | ICV. */
static const struct packet {
	const char *what;
	struct rv_transform encr, integ;
	const char *key, *integ_key, *aad, *iv, *text, *sealed;
	bool use_esn;
} packets[] = {
	{ "RFC 7634, appendix A",
	  { RV_CLASS_ENCR, 28, 0 },
	  { 0 },
	  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3",
	  "",
	  "0102030400000005",
	  "1011121314151617",
	  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f"
	  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204",
	  "101112131415161724039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099"
	  "d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da"
	  "9165b82829f641e076aaa8266b7fb0f7b11b369907e1ad43",
	  false },
	{ "the same with an extended sequence number (computed with Python)",
	  { RV_CLASS_ENCR, 28, 0 },
	  { 0 },
	  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3",
	  "",
	  "0102030400000005",
	  "1011121314151617",
	  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f"
	  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204",
	  "101112131415161724039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c614ee8099"
	  "d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da"
	  "9165b82829f641e0bc2f8f1754bc75824713ccd3a776497b",
	  true },
	{ "RFC 4106, 5, with an extended sequence number (computed with Python)",
	  { RV_CLASS_ENCR, 20, 256 },
	  { 0 },
	  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3",
	  "",
	  "0102030400000005",
	  "1011121314151617",
	  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f"
	  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204",
	  "1011121314151617d140c4841e61600dbb54118f0a2df633f7901589f5a5daf4bc84405e5bd1ef038124cad0"
	  "0a18e5a594d6d6f48032cfa6cce7e4b3a5314d5df5b4474dab4314febdec5568fa3308a255f334578e3a8c69"
	  "4d99504cb823775d2a91ccc590f8731aeab939be14ca4a75",
	  true },
	{ "RFC 3602 with HMAC-SHA256 (computed with Python)",
	  { RV_CLASS_ENCR, 12, 128 },
	  { RV_CLASS_INTEG, 12, 0 },
	  "808182838485868788898a8b8c8d8e8f",
	  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	  "0102030400000005",
	  "404142434445464748494a4b4c4d4e4f",
	  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f"
	  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233",
	  "404142434445464748494a4b4c4d4e4f4d119d24ab93444b371bbdb2c45f9907196eef2f5b8cb7a1ee33b30d"
	  "0f18a26c9cd63fbeeb61bea01adf306e319c76b04948492de3ec957f94a25cc4002d6578aa88aa6585f037a2"
	  "10aa145d39b430e20f661efe288272894696f61a199cda00",
	  false },
	{ "RFC 3602 with HMAC-SHA384, extended sequence number (computed with Python)",
	  { RV_CLASS_ENCR, 12, 192 },
	  { RV_CLASS_INTEG, 13, 0 },
	  "808182838485868788898a8b8c8d8e8f9091929394959697",
	  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
	  "2c2d2e2f",
	  "0102030400000005",
	  "404142434445464748494a4b4c4d4e4f",
	  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f"
	  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233",
	  "404142434445464748494a4b4c4d4e4f4585b2987c20fa6ce605ce57e774525bdba9dbc66572df397efdfac0"
	  "e53252f8e511f5240eaa72844bbbd714e4f17e9fcfb6ea0a14fc22f3567cf9c0ccd9f18b8267f531b5c1d274"
	  "869d008ce85b57315f1d0f04c51700ba44e81c0daa61c0b4c7cadabbbb118536",
	  true },
	{ "RFC 3602 with HMAC-SHA512, extended sequence number (computed with Python)",
	  { RV_CLASS_ENCR, 12, 256 },
	  { RV_CLASS_INTEG, 14, 0 },
	  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
	  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
	  "2c2d2e2f303132333435363738393a3b3c3d3e3f",
	  "0102030400000005",
	  "404142434445464748494a4b4c4d4e4f",
	  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f"
	  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233",
	  "404142434445464748494a4b4c4d4e4f59313ab05ed8ff6889ce34b65313071c02c1e7e3def824a9eb6eeb24"
	  "85ab5e0035299f5e8994f8d2cff3b5d94ef0edd653d355cf6d0270919b1d912808a59c6afb7c2fa50ddcca2a"
	  "965a46d2c238baa8c0b452f852cf3187f43fbf7c675f0a0f583b68ae299994742501cc0f2a2a5115",
	  true },
	{ "RFC 3602 with HMAC-SHA1, extended sequence number (computed with Python)",
	  { RV_CLASS_ENCR, 12, 128 },
	  { RV_CLASS_INTEG, 2, 0 },
	  "808182838485868788898a8b8c8d8e8f",
	  "000102030405060708090a0b0c0d0e0f10111213",
	  "0102030400000005",
	  "404142434445464748494a4b4c4d4e4f",
	  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f"
	  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233",
	  "404142434445464748494a4b4c4d4e4f4d119d24ab93444b371bbdb2c45f9907196eef2f5b8cb7a1ee33b30d"
	  "0f18a26c9cd63fbeeb61bea01adf306e319c76b04948492de3ec957f94a25cc4002d6578aa88aa6585f037a2"
	  "10aa145d39b430e23417da43993873300d014645",
	  true },
	{ "RFC 2410 with HMAC-SHA256 (computed with Python)",
	  { RV_CLASS_ENCR, 11, 0 },
	  { RV_CLASS_INTEG, 12, 0 },
	  "",
	  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	  "0102030400000005",
	  "",
	  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f"
	  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204",
	  "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f"
	  "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363701020204"
	  "28f8f3d9976a7870720239b4c1e76d13",
	  false },
};

static void check_packet(struct fixture *f, const struct packet *p)
{
	static const struct rv_user user = { .text = user_text };
	struct rv_proposal chosen = { .protocol = RV_PROTO_ESP,
				      .n = p->integ.class ? 2 : 1,
				      .t = { p->encr, p->integ } };
	struct rv_suite suite;
	struct rv_why why = { 0 };
	_Alignas(64) uint8_t ctx[CTX];
	uint8_t key[64], integ_key[64], aad[8], text[256], wanted[300], got[300];

	print_message("%s\n", p->what);
	if (rv_suite_init(&suite, f->core->registry, &chosen, &user, &why))
		fail_msg("%s", why.text);
	assert_true(suite.ctx_size <= CTX);
	struct rv_bytes k = rv_bytes(key, test_hex(p->key, key, sizeof(key)));
	struct rv_bytes a = rv_bytes(integ_key, test_hex(p->integ_key, integ_key, sizeof(integ_key)));
	size_t whole = test_hex(p->sealed, wanted, sizeof(wanted));
	struct rv_cryptor_op op = { .aad = aad,
				    .aad_len = (uint16_t)test_hex(p->aad, aad, sizeof(aad)),
				    .use_esn = p->use_esn,
				    .esn = 0x01020304,
				    .src = text,
				    .dst = got,
				    .len = (uint32_t)test_hex(p->text, text, sizeof(text)) };
	assert_int_equal(test_hex(p->iv, op.iv, sizeof(op.iv)), suite.iv_len);
	assert_int_equal(whole, suite.iv_len + op.len + suite.icv_len);
	assert_int_equal(rv_cryptor_init(&suite, ctx, k, a, true), 0);
	assert_int_equal(rv_cryptor_seal(&suite, ctx, &op, 1), 0);
	assert_memory_equal(got, wanted, whole);
	rv_cryptor_fini(&suite, ctx);

	assert_int_equal(rv_cryptor_init(&suite, ctx, k, a, false), 0);
	op.src = got;
	op.dst = got + suite.iv_len;
	assert_int_equal(rv_cryptor_open(&suite, ctx, &op, 1), 0);
	assert_true(op.ok);
	assert_memory_equal(op.dst, text, op.len);
	rv_cryptor_fini(&suite, ctx);
	rv_suite_fini(&suite);
}

static void a_cryptor_makes_the_packets_of_the_standards(void **state)
{
	for (size_t i = 0; i < RV_COUNT(packets); i++)
		check_packet(*state, &packets[i]);
}

/* The budget of an SA (architecture: 4096 octets with both directions of a child SA) counts on this. */
static void a_context_costs_little_heap(void **state)
{
	enum { N = 64 };
	struct fixture *f = *state;
	uint8_t key[32] = { 1 };

	for (size_t i = 0; i < RV_COUNT(aeads); i++) {
		struct rv_service *service = find(f->core, "aead", aeads[i]);
		const struct rv_aead_ops *ops = rv_service_ops(service);
		_Alignas(64) uint8_t ctx[N][64];
		assert_true(ops->ctx_size <= sizeof(ctx[0]));
		size_t before = mallinfo2().uordblks;
		for (size_t n = 0; n < N; n++)
			assert_int_equal(ops->init(rv_service_self(service), ctx[n], rv_bytes(key, ops->key_len)), 0);
		size_t heap = (mallinfo2().uordblks - before) / N;
		print_message("%s: %u octets and %zu of heap\n", aeads[i], ops->ctx_size, heap);
		assert_true(heap <= 1024);
		for (size_t n = 0; n < N; n++)
			ops->fini(rv_service_self(service), ctx[n]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_service_has_passed_its_known_answers),
		cmocka_unit_test(a_key_has_exactly_its_length),
		cmocka_unit_test(aeads_of_two_providers_open_each_other),
		cmocka_unit_test(a_burst_is_sealed_as_single_packets_and_damage_is_seen_in_each),
		cmocka_unit_test(a_cipher_works_in_place_and_refuses_part_of_a_block),
		cmocka_unit_test(a_mac_is_the_beginning_of_its_prf),
		cmocka_unit_test(a_prf_takes_keys_of_any_length),
		cmocka_unit_test(random_numbers_do_not_repeat),
		cmocka_unit_test(a_cryptor_makes_the_packets_of_the_standards),
		cmocka_unit_test(a_context_costs_little_heap),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

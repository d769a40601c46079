// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-toys: services that write down what they were given, and suites made of them. Included by test-cryptor only. */
#pragma once

#include "test.h"

#include "parts.h"

#include <errno.h>
#include <ravelin/cryptor.h>

enum { CTX = 512, MAX = 256, KEY = 4, ICV = 6, COMBINED_ICV = 8, BLOCK = 4 };

/* What the toys saw last, and how often; fail: what they shall return. */
struct toy {
	uint8_t covered[MAX], aad[MAX], nonce[12];
	size_t covered_len, aad_len;
	unsigned n_crypt, n_init, n_fini, n_bursts;
	int fail, fail_init;
};

struct fixture {
	struct rv_core *core;
	struct rv_host *host;
	struct rv_user user;
	struct toy toy;
};

static uint64_t mix(uint64_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * 0x100000001b3u;
	return sum;
}

static void put(uint8_t *out, uint64_t sum, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(sum >> 8 * i);
}

static int toy_init(void *self, void *ctx, struct rv_bytes key)
{
	struct toy *toy = self;

	assert_int_equal(key.len, KEY);
	assert_int_equal((uintptr_t)ctx % 64, 0);
	memcpy(ctx, key.p, KEY);
	toy->n_init++;
	return 0;
}

static void toy_fini(void *self, void *ctx)
{
	((struct toy *)self)->n_fini++;
}

static uint64_t toy_sum(const uint8_t *key, const struct rv_aead_op *op, const uint8_t *text)
{
	return mix(mix(mix(mix(14695981039346656037u, key, KEY), op->nonce, 12), op->aad, op->aad_len), text, op->len);
}

static void toy_xor(const uint8_t *key, const uint8_t *iv, const uint8_t *src, uint8_t *dst, size_t len)
{
	for (size_t i = 0; i < len; i++)
		dst[i] = (uint8_t)(src[i] ^ key[i % KEY] ^ iv[i % 4] ^ i);
}

static int toy_seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	struct toy *toy = self;

	for (size_t i = 0; i < n_ops && !toy->fail; i++) {
		toy_xor(ctx, ops[i].nonce + 8, ops[i].src, ops[i].dst, ops[i].len);
		put(ops[i].dst + ops[i].len, toy_sum(ctx, &ops[i], ops[i].dst), COMBINED_ICV);
		if (ops[i].aad_len)
			memcpy(toy->aad, ops[i].aad, ops[i].aad_len);
		toy->aad_len = ops[i].aad_len;
		memcpy(toy->nonce, ops[i].nonce, 12);
	}
	return toy->fail;
}

static int toy_open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	struct toy *toy = self;

	for (size_t i = 0; i < n_ops && !toy->fail; i++) {
		uint8_t icv[COMBINED_ICV];
		put(icv, toy_sum(ctx, &ops[i], ops[i].src), COMBINED_ICV);
		ops[i].ok = !memcmp(icv, ops[i].src + ops[i].len, COMBINED_ICV);
		toy_xor(ctx, ops[i].nonce + 8, ops[i].src, ops[i].dst, ops[i].len);
	}
	return toy->fail;
}

static const struct rv_aead_ops combined_ops = {
	.size = sizeof(combined_ops),
	.key_len = KEY,
	.salt_len = 4,
	.iv_len = 8,
	.icv_len = COMBINED_ICV,
	.ctx_size = KEY,
	.init = toy_init,
	.seal = toy_seal,
	.open = toy_open,
	.fini = toy_fini,
};

/* What only authenticates, as RFC 4543 has it. */
static int toy_clear_seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	struct toy *toy = self;

	for (size_t i = 0; i < n_ops && !toy->fail; i++) {
		uint64_t sum = toy_sum(ctx, &ops[i], ops[i].src);
		memmove(ops[i].dst, ops[i].src, ops[i].len);
		put(ops[i].dst + ops[i].len, sum, COMBINED_ICV);
		toy->covered_len = ops[i].len;
		memcpy(toy->covered, ops[i].dst, ops[i].len);
		memcpy(toy->aad, ops[i].aad, ops[i].aad_len);
		toy->aad_len = ops[i].aad_len;
		memcpy(toy->nonce, ops[i].nonce, 12);
	}
	return toy->fail;
}

static int toy_clear_open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		uint8_t icv[COMBINED_ICV];
		put(icv, toy_sum(ctx, &ops[i], ops[i].src), COMBINED_ICV);
		ops[i].ok = !memcmp(icv, ops[i].src + ops[i].len, COMBINED_ICV);
		if (ops[i].ok)
			memmove(ops[i].dst, ops[i].src, ops[i].len);
		else
			memset(ops[i].dst, 0, ops[i].len);
	}
	return ((struct toy *)self)->fail;
}

static const struct rv_aead_ops clear_ops = {
	.size = sizeof(clear_ops),
	.key_len = KEY,
	.salt_len = 4,
	.iv_len = 8,
	.icv_len = COMBINED_ICV,
	.ctx_size = KEY,
	.init = toy_init,
	.seal = toy_clear_seal,
	.open = toy_clear_open,
	.fini = toy_fini,
};

static int toy_cipher_init(void *self, void *ctx, struct rv_bytes key, bool encrypt)
{
	struct toy *toy = self;

	if (toy->fail_init)
		return toy->fail_init;
	((uint8_t *)ctx)[KEY] = encrypt;
	return toy_init(self, ctx, key);
}

static int toy_crypt(void *self, void *ctx, const uint8_t *iv, const uint8_t *src, uint8_t *dst, size_t len)
{
	struct toy *toy = self;

	toy->n_crypt++;
	toy_xor(ctx, iv, src, dst, len);
	return toy->fail;
}

static const struct rv_cipher_ops cipher_ops = {
	.size = sizeof(cipher_ops),
	.key_len = KEY,
	.iv_len = 4,
	.block_len = BLOCK,
	.ctx_size = KEY + 1,
	.init = toy_cipher_init,
	.crypt = toy_crypt,
	.fini = toy_fini,
};

static int toy_mac(void *self, void *ctx, const struct rv_bytes *parts, size_t n_parts, uint8_t *icv)
{
	struct toy *toy = self;
	uint64_t sum = mix(14695981039346656037u, ctx, KEY);

	toy->covered_len = 0;
	for (size_t i = 0; i < n_parts; i++) {
		sum = mix(sum, parts[i].p, parts[i].len);
		if (parts[i].len)
			memcpy(toy->covered + toy->covered_len, parts[i].p, parts[i].len);
		toy->covered_len += parts[i].len;
	}
	put(icv, sum, ICV);
	return toy->fail;
}

static const struct rv_mac_ops mac_ops = {
	.size = sizeof(mac_ops),
	.key_len = KEY,
	.icv_len = ICV,
	.ctx_size = KEY,
	.init = toy_init,
	.mac = toy_mac,
	.fini = toy_fini,
};

static int toy_crypt_burst(void *self, void *ctx, const struct rv_cipher_op *ops, size_t n_ops)
{
	struct toy *toy = self;
	int r = 0;

	toy->n_bursts++;
	for (size_t i = 0; !r && i < n_ops; i++)
		r = toy_crypt(self, ctx, ops[i].iv, ops[i].src, ops[i].dst, ops[i].len);
	return r;
}

static const struct rv_cipher_ops burst_cipher_ops = {
	.size = sizeof(burst_cipher_ops),
	.key_len = KEY,
	.iv_len = 4,
	.block_len = BLOCK,
	.ctx_size = KEY + 1,
	.init = toy_cipher_init,
	.crypt = toy_crypt,
	.fini = toy_fini,
	.crypt_burst = toy_crypt_burst,
	.unique_iv = true,
};

static int toy_mac_burst(void *self, void *ctx, const struct rv_mac_op *ops, size_t n_ops)
{
	struct toy *toy = self;
	int r = 0;

	toy->n_bursts++;
	for (size_t i = 0; !r && i < n_ops; i++) {
		struct rv_bytes part = rv_bytes(ops[i].src, ops[i].len);
		r = toy_mac(self, ctx, &part, 1, ops[i].icv);
	}
	return r;
}

static const struct rv_mac_ops burst_mac_ops = {
	.size = sizeof(burst_mac_ops),
	.key_len = KEY,
	.icv_len = ICV,
	.ctx_size = KEY,
	.init = toy_init,
	.mac = toy_mac,
	.fini = toy_fini,
	.mac_burst = toy_mac_burst,
};

/* What the toys answer; computed with Python. */
static const struct rv_vector vectors[] = {
	{ .source = "toy",
	  .key = "01020304",
	  .iv = "000102030405060708090a0b",
	  .aad = "090807",
	  .in = "202122232425262728292a2b",
	  .out = "292b292f292b292f292b292f695e9dc40e02d027" },
	{ .source = "toy",
	  .key = "01020304",
	  .iv = "05060708",
	  .in = "202122232425262728292a2b",
	  .out = "2424242c2424242c2424242c" },
	{ .source = "toy", .key = "01020304", .in = "202122232425262728292a2b", .out = "d121fa748822" },
	{ .source = "toy",
	  .key = "01020304",
	  .iv = "000102030405060708090a0b",
	  .aad = "090807",
	  .in = "202122232425262728292a2b",
	  .out = "202122232425262728292a2b3906981c96a5a521" },
};

/* Transform IDs of the toys. */
enum {
	ID_COMBINED = 1001,
	ID_CIPHER,
	ID_NULL,
	ID_MAC,
	ID_LOST,
	ID_UNKNOWN,
	ID_NONE,
	ID_CIPHERS,
	ID_MACS,
	ID_IMPLICIT,
	ID_CLEAR,
	ID_SECRET
};

static const struct rv_algorithm words[] = {
	{ .word = "combined",
	  .class = RV_CLASS_ENCR,
	  .id = ID_COMBINED,
	  .combined = true,
	  .kind = "aead",
	  .name = "toy" },
	{ .word = "cipher", .class = RV_CLASS_ENCR, .id = ID_CIPHER, .kind = "cipher", .name = "toy" },
	{ .word = "nothing", .class = RV_CLASS_ENCR, .id = ID_NULL },
	{ .word = "mac", .class = RV_CLASS_INTEG, .id = ID_MAC, .kind = "mac", .name = "toy" },
	{ .word = "ciphers", .class = RV_CLASS_ENCR, .id = ID_CIPHERS, .kind = "cipher", .name = "bursts" },
	{ .word = "macs", .class = RV_CLASS_INTEG, .id = ID_MACS, .kind = "mac", .name = "bursts" },
	{ .word = "implicit",
	  .class = RV_CLASS_ENCR,
	  .id = ID_IMPLICIT,
	  .combined = true,
	  .kind = "aead",
	  .name = "toy" },
	{ .word = "clear", .class = RV_CLASS_INTEG, .id = ID_CLEAR, .kind = "aead", .name = "clear" },
	{ .word = "secret", .class = RV_CLASS_INTEG, .id = ID_SECRET, .kind = "aead", .name = "toy" },
	{ .word = "lost", .class = RV_CLASS_ENCR, .id = ID_LOST, .kind = "cipher", .name = "nobody" },
};

static const uint16_t implicit_iv[] = { ID_IMPLICIT };

static const struct rv_algorithm_ops words_ops = {
	.size = sizeof(words_ops),
	.algorithms = words,
	.n_algorithms = RV_COUNT(words),
	.implicit_iv = implicit_iv,
	.n_implicit_iv = RV_COUNT(implicit_iv),
};

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "the test");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct rv_offer offer = { .name = "toy", .n_vectors = 1 };

	assert_non_null(f);
	f->user.text = user_text;
	f->core = talloc_zero(NULL, struct rv_core);
	assert_non_null(f->core);
	f->core->params.no_measure = true;
	f->core->log = rv_log_new(f->core, RV_ERROR, NULL, NULL);
	f->core->registry = rv_registry_new(f->core, f->core);
	f->host = rv_host_new(f->core, "toy");
	assert_non_null(f->host);
	assert_int_equal(rv_algorithm_offer(f->host, (struct rv_offer){ .name = "toy" }, &words_ops, NULL), 0);
	offer.vectors = &vectors[0];
	assert_int_equal(rv_aead_offer(f->host, offer, &combined_ops, &f->toy), 0);
	offer.vectors = &vectors[1];
	assert_int_equal(rv_cipher_offer(f->host, offer, &cipher_ops, &f->toy), 0);
	offer.vectors = &vectors[2];
	assert_int_equal(rv_mac_offer(f->host, offer, &mac_ops, &f->toy), 0);
	offer.name = "bursts";
	assert_int_equal(rv_mac_offer(f->host, offer, &burst_mac_ops, &f->toy), 0);
	offer.vectors = &vectors[1];
	assert_int_equal(rv_cipher_offer(f->host, offer, &burst_cipher_ops, &f->toy), 0);
	static const struct rv_attr clear[] = { { "clear", 1 } };
	offer = (struct rv_offer){
		.name = "clear", .n_vectors = 1, .vectors = &vectors[3], .attrs = clear, .n_attrs = 1
	};
	assert_int_equal(rv_aead_offer(f->host, offer, &clear_ops, &f->toy), 0);
	f->toy = (struct toy){ 0 };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	talloc_free(f->core);
	free(f);
	return 0;
}

/* The proposal of these transforms; 0: no transform. ID_NONE: transform 0, "none" (RFC 7296, 3.3.2). */
static struct rv_proposal proposal(uint16_t encr, uint16_t integ)
{
	struct rv_proposal p = { .protocol = RV_PROTO_ESP };

	if (encr)
		p.t[p.n++] = (struct rv_transform){ .class = RV_CLASS_ENCR, .id = encr };
	if (integ)
		p.t[p.n++] = (struct rv_transform){ .class = RV_CLASS_INTEG, .id = integ == ID_NONE ? 0 : integ };
	return p;
}

static unsigned users(struct fixture *f)
{
	return rv_registry_users(f->core->registry, f->host, NULL, 0);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* crypto-test: computes known answers through the ops of a crypto service before it is offered.
 *
 * Every vector is tried in the ways in which callers use the ops: in one part and in several, in place and from one
 * buffer to another (at odd addresses), one packet and a burst, and with a damaged input that must be refused. Buffers
 * have guard octets behind them, so that ops that write too much are found out here.
 */
#include "registry-parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FIELD = RV_CRYPTO_FIELD, ROOM = MAX_FIELD + 1024, GUARD = 16, GUARD_OCTET = 0xa5, MAX_CTX = 256 * 1024 };
enum { BURST = 3, RNG_BLOCK = 32, RNG_BLOCKS = 64 };

/* One vector, in octets. */
struct answer {
	const char *source;
	struct rv_bytes key, iv, aad, in, out;
};

/* What a test works with: buffers, and the context at an address that is a multiple of 64. */
struct bench {
	const struct rv_offer *offer;
	uint8_t *key, *iv, *aad, *in, *out; /* of the vector */
	uint8_t *a, *b, *c;		    /* ROOM octets each */
	uint8_t *ctx;
	struct rv_why *why;
};

static int fail(struct bench *bench, const char *source, const char *what)
{
	return rv_why_set(bench->why, -RV_ESELF_TEST, "%s: %s", source ? source : "self-test", what);
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)((p - digits) % 16) : -1;
}

bool rv_crypto_hex(const char *text, uint8_t *out, struct rv_bytes *octets)
{
	size_t n = 0;

	while (text && *text) {
		if (*text == ' ' || *text == '\n' || *text == '\t') {
			text++;
			continue;
		}
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

		if (n == MAX_FIELD || low < 0)
			return false;
		out[n++] = (uint8_t)(high * 16 + low);
		text += 2;
	}
	*octets = rv_bytes(out, n);
	return true;
}

static int read_answer(struct bench *bench, const struct rv_vector *vector, struct answer *answer)
{
	answer->source = vector->source;
	if (rv_crypto_hex(vector->key, bench->key, &answer->key) && rv_crypto_hex(vector->iv, bench->iv, &answer->iv) &&
	    rv_crypto_hex(vector->aad, bench->aad, &answer->aad) && rv_crypto_hex(vector->in, bench->in, &answer->in) &&
	    rv_crypto_hex(vector->out, bench->out, &answer->out))
		return 0;
	return fail(bench, vector->source, "the vector is no hex text, or longer than 8192 octets");
}

static void guard(uint8_t *buf, size_t len)
{
	memset(buf + len, GUARD_OCTET, GUARD);
}

static bool guarded(const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < GUARD; i++)
		if (buf[len + i] != GUARD_OCTET)
			return false;
	return true;
}

static bool is(const uint8_t *got, struct rv_bytes wanted)
{
	return rv_bytes_equal(rv_bytes(got, wanted.len), wanted) && guarded(got, wanted.len);
}

/* How a message is cut into parts: parts[] of n_parts for way 0 (whole), 1 (with empty parts around), 2 (in three). */
static size_t cut(struct rv_bytes in, int way, struct rv_bytes parts[3])
{
	size_t third = in.len / 3;

	parts[0] = way == 2 ? rv_bytes(in.p, third) : way == 1 ? rv_bytes(NULL, 0) : in;
	parts[1] = way == 2 ? rv_bytes(in.p + third, third) : in;
	parts[2] = way == 2 ? rv_bytes(in.p + 2 * third, in.len - 2 * third) : rv_bytes(NULL, 0);
	return way ? 3 : 1;
}

/* hash, prf and mac: the same message in three ways, each twice from one context. */
typedef int digest_fn(struct bench *bench, const struct answer *answer, const struct rv_bytes *parts, size_t n_parts,
		      uint8_t *out);

static int test_digest(struct bench *bench, const struct answer *answer, digest_fn *fn)
{
	for (int way = 0; way < 6; way++) {
		struct rv_bytes parts[3];
		size_t n_parts = cut(answer->in, way % 3, parts);
		memset(bench->a, 0, answer->out.len);
		guard(bench->a, answer->out.len);
		if (fn(bench, answer, parts, n_parts, bench->a))
			return fail(bench, answer->source, "the operation failed");
		if (!is(bench->a, answer->out))
			return fail(bench, answer->source,
				    way % 3 ? "a wrong answer for a message in parts" : "a wrong answer");
	}
	return 0;
}

static int run_hash(struct bench *bench, const struct answer *answer, const struct rv_bytes *parts, size_t n_parts,
		    uint8_t *out)
{
	const struct rv_hash_ops *ops = bench->offer->ops;

	return ops->digest(bench->offer->self, parts, n_parts, out);
}

static int test_hash(struct bench *bench, const struct answer *answer)
{
	const struct rv_hash_ops *ops = bench->offer->ops;

	if (answer->out.len != ops->out_len)
		return fail(bench, answer->source, "the answer has not out_len octets");
	return test_digest(bench, answer, run_hash);
}

static int run_prf(struct bench *bench, const struct answer *answer, const struct rv_bytes *parts, size_t n_parts,
		   uint8_t *out)
{
	const struct rv_prf_ops *ops = bench->offer->ops;

	return ops->prf(bench->offer->self, answer->key, parts, n_parts, out);
}

static int test_prf(struct bench *bench, const struct answer *answer)
{
	const struct rv_prf_ops *ops = bench->offer->ops;

	if (answer->out.len != ops->out_len)
		return fail(bench, answer->source, "the answer has not out_len octets");
	return test_digest(bench, answer, run_prf);
}

static int run_mac(struct bench *bench, const struct answer *answer, const struct rv_bytes *parts, size_t n_parts,
		   uint8_t *out)
{
	const struct rv_mac_ops *ops = bench->offer->ops;

	return ops->mac(bench->offer->self, bench->ctx, parts, n_parts, out);
}

/* A burst of two: an ICV elsewhere at an odd address, and one that takes the place of the message's last octets. */
static int mac_burst(struct bench *bench, const struct answer *answer)
{
	const struct rv_mac_ops *ops = bench->offer->ops;
	size_t len = answer->in.len, over = len < 4 ? 0 : 4;
	const struct rv_mac_op burst[] = {
		{ .src = answer->in.p, .len = len, .icv = bench->a + 1 },
		{ .src = bench->b, .len = len, .icv = bench->b + len - over },
	};

	if (!RV_HAS(ops, mac_burst))
		return 0;
	memcpy(bench->b, answer->in.p, len);
	guard(bench->a + 1, answer->out.len);
	guard(bench->b + len - over, answer->out.len);
	if (ops->mac_burst(bench->offer->self, bench->ctx, burst, RV_COUNT(burst)))
		return fail(bench, answer->source, "a burst failed");
	if (!is(bench->a + 1, answer->out))
		return fail(bench, answer->source, "a wrong answer in a burst");
	if (!is(bench->b + len - over, answer->out))
		return fail(bench, answer->source, "a wrong answer over the end of a message");
	return 0;
}

static int test_mac(struct bench *bench, const struct answer *answer)
{
	const struct rv_mac_ops *ops = bench->offer->ops;
	int r;

	if (answer->key.len != ops->key_len || answer->out.len != ops->icv_len)
		return fail(bench, answer->source, "key or answer have not key_len and icv_len octets");
	if (ops->init(bench->offer->self, bench->ctx, answer->key))
		return fail(bench, answer->source, "init failed");
	r = test_digest(bench, answer, run_mac);
	r = r ? r : mac_burst(bench, answer);
	ops->fini(bench->offer->self, bench->ctx);
	return r;
}

/* Runs two texts, one from another buffer and one in place, as a burst or one after the other. */
static int crypt_two(struct bench *bench, const struct rv_cipher_op *burst, bool whole)
{
	const struct rv_cipher_ops *ops = bench->offer->ops;
	void *self = bench->offer->self;
	int r = 0;

	if (whole)
		return ops->crypt_burst(self, bench->ctx, burst, 2);
	for (int i = 0; !r && i < 2; i++)
		r = ops->crypt(self, bench->ctx, burst[i].iv, burst[i].src, burst[i].dst, burst[i].len);
	return r;
}

/* One direction, from one buffer to another at an odd address, and in place; also as a burst. */
static int crypt_way(struct bench *bench, const struct answer *answer, bool encrypt)
{
	const struct rv_cipher_ops *ops = bench->offer->ops;
	struct rv_bytes from = encrypt ? answer->in : answer->out;
	struct rv_bytes to = encrypt ? answer->out : answer->in;
	const struct rv_cipher_op burst[] = { { answer->iv.p, from.p, bench->a + 1, from.len },
					      { answer->iv.p, bench->b, bench->b, from.len } };

	for (int whole = 0; whole <= (RV_HAS(ops, crypt_burst) ? 1 : 0); whole++) {
		memset(bench->a, 0, to.len + 1);
		guard(bench->a + 1, to.len);
		memcpy(bench->b, from.p, from.len);
		guard(bench->b, to.len);
		if (ops->init(bench->offer->self, bench->ctx, answer->key, encrypt))
			return fail(bench, answer->source, "init failed");
		int r = crypt_two(bench, burst, whole);
		ops->fini(bench->offer->self, bench->ctx);
		if (r)
			return fail(bench, answer->source, "the operation failed");
		if (!is(bench->a + 1, to))
			return fail(bench, answer->source, encrypt ? "wrong ciphertext" : "wrong plaintext");
		if (!is(bench->b, to))
			return fail(bench, answer->source,
				    encrypt ? "wrong ciphertext in place" : "wrong plaintext in place");
	}
	return 0;
}

static int test_cipher(struct bench *bench, const struct answer *answer)
{
	const struct rv_cipher_ops *ops = bench->offer->ops;
	int r;

	if (answer->key.len != ops->key_len || answer->iv.len != ops->iv_len || answer->in.len != answer->out.len ||
	    !ops->block_len || answer->in.len % ops->block_len)
		return fail(bench, answer->source, "key, IV or text have not the lengths of the ops");
	r = crypt_way(bench, answer, true);
	return r ? r : crypt_way(bench, answer, false);
}

static struct rv_aead_op aead_op(const struct answer *answer, const uint8_t *src, uint8_t *dst)
{
	struct rv_aead_op op = {
		.src = src,
		.dst = dst,
		.len = (uint32_t)answer->in.len,
		.aad = answer->aad.p,
		.aad_len = (uint16_t)answer->aad.len,
	};

	memcpy(op.nonce, answer->iv.p, answer->iv.len);
	return op;
}

static int aead_seal(struct bench *bench, const struct answer *answer)
{
	const struct rv_aead_ops *ops = bench->offer->ops;
	struct rv_aead_op burst[2];

	burst[0] = aead_op(answer, answer->in.p, bench->a + 1);
	memcpy(bench->b, answer->in.p, answer->in.len);
	burst[1] = aead_op(answer, bench->b, bench->b);
	guard(bench->a + 1, answer->out.len);
	guard(bench->b, answer->out.len);
	if (ops->seal(bench->offer->self, bench->ctx, burst, 2))
		return fail(bench, answer->source, "sealing failed");
	if (!is(bench->a + 1, answer->out))
		return fail(bench, answer->source, "wrong ciphertext or ICV");
	if (!is(bench->b, answer->out))
		return fail(bench, answer->source, "wrong ciphertext or ICV in place");
	return 0;
}

/* A burst of three. One octet of the middle one's ciphertext or ICV is damaged: it alone must be refused; or one of the
 * associated data that they share: all must. */
static int aead_open(struct bench *bench, const struct answer *answer, size_t at, bool in_aad)
{
	const struct rv_aead_ops *ops = bench->offer->ops;
	struct rv_aead_op burst[BURST];

	memcpy(bench->a, answer->out.p, answer->out.len);
	memcpy(bench->b, answer->out.p, answer->out.len);
	burst[0] = aead_op(answer, bench->a, bench->a);
	burst[1] = aead_op(answer, bench->b, bench->b);
	burst[2] = aead_op(answer, answer->out.p, bench->c + 1);
	guard(bench->c + 1, answer->in.len);
	burst[1].ok = true; /* what stood there before must not count */
	*(in_aad ? &bench->aad[at] : &bench->b[at]) ^= 0x01;
	if (in_aad) {
		int r = ops->open(bench->offer->self, bench->ctx, burst, BURST);
		bench->aad[at] ^= 0x01;
		return !r && !burst[0].ok && !burst[1].ok && !burst[2].ok
			       ? 0
			       : fail(bench, answer->source, "damaged associated data were accepted");
	}
	if (ops->open(bench->offer->self, bench->ctx, burst, BURST))
		return fail(bench, answer->source, "opening failed");
	if (burst[1].ok)
		return fail(bench, answer->source, "a damaged packet was accepted");
	if (!burst[0].ok || !burst[2].ok)
		return fail(bench, answer->source, "a good packet was refused");
	if (!rv_bytes_equal(rv_bytes(bench->a, answer->in.len), answer->in))
		return fail(bench, answer->source, "wrong plaintext in place");
	return is(bench->c + 1, answer->in) ? 0 : fail(bench, answer->source, "wrong plaintext");
}

static int aead_with_key(struct bench *bench, const struct answer *answer)
{
	size_t icv = answer->in.len;
	int r = aead_seal(bench, answer);

	r = r ? r : aead_open(bench, answer, icv, false);
	r = r ? r : aead_open(bench, answer, answer->out.len - 1, false);
	if (!r && answer->in.len)
		r = aead_open(bench, answer, 0, false);
	if (!r && answer->aad.len)
		r = aead_open(bench, answer, answer->aad.len - 1, true);
	return r;
}

static int test_aead(struct bench *bench, const struct answer *answer)
{
	const struct rv_aead_ops *ops = bench->offer->ops;
	int r;

	if (answer->key.len != ops->key_len || answer->iv.len != ops->salt_len + ops->iv_len ||
	    answer->iv.len > sizeof(((struct rv_aead_op *)0)->nonce) ||
	    answer->out.len != answer->in.len + ops->icv_len || answer->aad.len > UINT16_MAX || !ops->icv_len)
		return fail(bench, answer->source, "key, nonce or answer have not the lengths of the ops");
	if (ops->init(bench->offer->self, bench->ctx, answer->key))
		return fail(bench, answer->source, "init failed");
	r = aead_with_key(bench, answer);
	ops->fini(bench->offer->self, bench->ctx);
	return r;
}

/* xorshift64*: a test must not depend on the rng. */
void rv_crypto_pattern(uint8_t *out, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed ^= seed >> 12;
		seed ^= seed << 25;
		seed ^= seed >> 27;
		out[i] = (uint8_t)((seed * 0x2545f4914f6cdd1du) >> 56);
	}
}

/* Both sides with random numbers of the test's own reach the same secret; a public value of a wrong length is refused.
 */
static int ke_pairwise(struct bench *bench, const struct answer *answer)
{
	const struct rv_ke_ops *ops = bench->offer->ops;
	uint8_t *secret = bench->in, *public_i = bench->a, *public_r = bench->b;
	uint8_t *shared_i = bench->c, *shared_r = bench->out;
	void *self = bench->offer->self;

	if (answer->key.len != ops->n_random)
		rv_crypto_pattern(bench->key, ops->n_random, 0x9e3779b97f4a7c15u);
	rv_crypto_pattern(bench->aad, ops->n_random, 0xd1b54a32d192ed03u);
	guard(secret, ops->secret_len);
	guard(public_i, ops->public_i_len);
	guard(public_r, ops->public_r_len);
	guard(shared_i, ops->shared_len);
	guard(shared_r, ops->shared_len);
	if (ops->generate(self, bench->key, secret, public_i) ||
	    ops->respond(self, bench->aad, rv_bytes(public_i, ops->public_i_len), public_r, shared_r) ||
	    ops->complete(self, secret, rv_bytes(public_r, ops->public_r_len), shared_i))
		return fail(bench, answer->source, "the exchange failed");
	if (!guarded(secret, ops->secret_len) || !guarded(public_i, ops->public_i_len) ||
	    !guarded(public_r, ops->public_r_len) || !guarded(shared_r, ops->shared_len))
		return fail(bench, answer->source, "it writes more octets than it says");
	if (!is(shared_i, rv_bytes(shared_r, ops->shared_len)))
		return fail(bench, answer->source, "the two sides do not reach the same secret");
	if (!ops->respond(self, bench->aad, rv_bytes(public_i, ops->public_i_len - 1u), public_r, shared_r) ||
	    !ops->complete(self, secret, rv_bytes(public_r, ops->public_r_len - 1u), shared_i))
		return fail(bench, answer->source, "a public value that is too short was accepted");
	return 0;
}

static int test_ke(struct bench *bench, const struct answer *answer)
{
	const struct rv_ke_ops *ops = bench->offer->ops;
	uint8_t *secret = bench->c;

	if (ops->n_random > MAX_FIELD || ops->secret_len > MAX_FIELD || ops->public_i_len > MAX_FIELD ||
	    ops->public_r_len > MAX_FIELD || ops->shared_len > MAX_FIELD || !ops->public_i_len || !ops->public_r_len)
		return fail(bench, answer->source, "its lengths are not between 1 and 8192");
	if (!answer->in.len)
		return ke_pairwise(bench, answer);
	if (answer->key.len != ops->n_random || answer->in.len != ops->public_r_len ||
	    answer->out.len != ops->shared_len)
		return fail(bench, answer->source, "key, public value or answer have not the lengths of the ops");
	guard(bench->b, ops->shared_len);
	if (ops->generate(bench->offer->self, answer->key.p, secret, bench->a) ||
	    ops->complete(bench->offer->self, secret, answer->in, bench->b))
		return fail(bench, answer->source, "the exchange failed");
	return is(bench->b, answer->out) ? 0 : fail(bench, answer->source, "a wrong shared secret");
}

/* A source that is stuck repeats a block of 32 octets, which a good one never does; nor does it write past the end. */
static int test_rng(struct bench *bench)
{
	const struct rv_rng_ops *ops = bench->offer->ops;
	const uint8_t *block = bench->a;

	guard(bench->a, (size_t)RNG_BLOCK * RNG_BLOCKS);
	for (int i = 0; i < RNG_BLOCKS; i++)
		if (ops->fill(bench->offer->self, bench->a + i * RNG_BLOCK, RNG_BLOCK))
			return fail(bench, NULL, "filling failed");
	if (!guarded(bench->a, (size_t)RNG_BLOCK * RNG_BLOCKS))
		return fail(bench, NULL, "it writes more octets than it was asked for");
	for (int i = 0; i < RNG_BLOCKS; i++)
		for (int j = i + 1; j < RNG_BLOCKS; j++)
			if (!memcmp(block + i * RNG_BLOCK, block + j * RNG_BLOCK, RNG_BLOCK))
				return fail(bench, NULL, "its output repeats");
	for (int i = 1; i < RNG_BLOCK && block[i] == block[0]; i++)
		if (i == RNG_BLOCK - 1)
			return fail(bench, NULL, "its output is stuck");
	return 0;
}

/* Whether the signature at sig holds over the message in three parts. */
static int check_signature(struct bench *bench, const struct answer *answer, struct rv_bytes sig)
{
	const struct rv_sign_ops *ops = bench->offer->ops;
	struct rv_bytes parts[3];
	size_t n_parts = cut(answer->in, 2, parts);

	return ops->verify(bench->offer->self, answer->aad, parts, n_parts, sig);
}

/* A scheme that gives the same signature twice must give that of the vector. */
static int test_signing(struct bench *bench, const struct answer *answer)
{
	const struct rv_sign_ops *ops = bench->offer->ops;
	size_t len[2] = { 0 };

	if (ops->signature_max > ROOM - GUARD)
		return fail(bench, answer->source, "signature_max is too large");
	for (int i = 0; i < 2; i++) {
		uint8_t *out = i ? bench->b : bench->a;
		guard(out, ops->signature_max);
		if (ops->sign(bench->offer->self, answer->key, &answer->in, 1, out, &len[i]))
			return fail(bench, answer->source, "signing failed");
		if (len[i] > ops->signature_max || !guarded(out, ops->signature_max))
			return fail(bench, answer->source, "a signature is longer than signature_max");
		if (check_signature(bench, answer, rv_bytes(out, len[i])))
			return fail(bench, answer->source, "its own signature does not hold");
	}
	if (rv_bytes_equal(rv_bytes(bench->a, len[0]), rv_bytes(bench->b, len[1])) &&
	    !rv_bytes_equal(rv_bytes(bench->a, len[0]), answer->out))
		return fail(bench, answer->source, "a wrong signature");
	return 0;
}

static int test_sign(struct bench *bench, const struct answer *answer)
{
	size_t len = answer->out.len;

	if (!answer->in.len || !len)
		return fail(bench, answer->source, "the vector has no message or no signature");
	if (check_signature(bench, answer, answer->out))
		return fail(bench, answer->source, "a good signature was refused");
	bench->in[answer->in.len - 1] ^= 0x01;
	int forged = check_signature(bench, answer, answer->out);
	bench->in[answer->in.len - 1] ^= 0x01;
	bench->out[len - 1] ^= 0x01;
	int damaged = check_signature(bench, answer, answer->out);
	bench->out[len - 1] ^= 0x01;
	if (forged != -RV_EAUTH_FAILED || damaged != -RV_EAUTH_FAILED ||
	    check_signature(bench, answer, rv_bytes(bench->out, len - 1)) != -RV_EAUTH_FAILED)
		return fail(bench, answer->source, "a wrong signature was accepted");
	return answer->key.len ? test_signing(bench, answer) : 0;
}

/* The kinds, and where their context's size stands. */
struct crypto_kind {
	const char *name;
	int (*test)(struct bench *bench, const struct answer *answer);
	size_t ctx_size_at; /* 0: without context */
};

static const struct crypto_kind kinds[] = {
	{ "hash", test_hash, 0 },
	{ "prf", test_prf, 0 },
	{ "mac", test_mac, offsetof(struct rv_mac_ops, ctx_size) },
	{ "cipher", test_cipher, offsetof(struct rv_cipher_ops, ctx_size) },
	{ "aead", test_aead, offsetof(struct rv_aead_ops, ctx_size) },
	{ "ke", test_ke, 0 },
	{ "sign", test_sign, 0 },
	{ "rng", NULL, 0 },
};

static const struct crypto_kind *find_kind(const char *name)
{
	for (size_t i = 0; i < RV_COUNT(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* Lays out the buffers and the context. NULL: out of memory. */
static struct bench *bench_new(const struct rv_offer *offer, uint32_t ctx_size, struct rv_why *why)
{
	struct bench *bench = talloc_zero(NULL, struct bench);
	uint8_t **buffers[8];
	uint8_t *octets = bench ? talloc_zero_size(bench, 8 * (size_t)ROOM + ctx_size + GUARD + 64) : NULL;

	if (!octets) {
		talloc_free(bench);
		return NULL;
	}
	buffers[0] = &bench->key;
	buffers[1] = &bench->iv;
	buffers[2] = &bench->aad;
	buffers[3] = &bench->in;
	buffers[4] = &bench->out;
	buffers[5] = &bench->a;
	buffers[6] = &bench->b;
	buffers[7] = &bench->c;
	for (size_t i = 0; i < RV_COUNT(buffers); i++, octets += ROOM)
		*buffers[i] = octets;
	bench->ctx = octets + (64 - (uintptr_t)octets % 64) % 64;
	bench->offer = offer;
	bench->why = why;
	guard(bench->ctx, ctx_size);
	return bench;
}

static int test_vectors(struct bench *bench, const struct crypto_kind *kind, uint32_t ctx_size)
{
	const struct rv_offer *offer = bench->offer;
	int r = 0;

	if (!offer->n_vectors)
		return fail(bench, NULL, "it has no known answers");
	for (size_t i = 0; !r && i < offer->n_vectors; i++) {
		struct answer answer;
		r = read_answer(bench, &offer->vectors[i], &answer);
		r = r ? r : kind->test(bench, &answer);
		if (!r && !guarded(bench->ctx, ctx_size))
			r = fail(bench, answer.source, "its context is larger than ctx_size");
	}
	return r;
}

int rv_crypto_test(const struct rv_offer *offer, char *text, size_t size, struct rv_why *why)
{
	const struct crypto_kind *kind = find_kind(offer->kind);
	uint32_t ctx_size = 0;
	struct bench *bench;
	int r;

	snprintf(text, size, "none");
	if (!kind)
		return 0;
	if (offer->kind_version != 1)
		return rv_why_set(why, -RV_EVERSION, "its version of the kind is %u, this daemon's is 1",
				  offer->kind_version);
	if (kind->ctx_size_at)
		memcpy(&ctx_size, (const uint8_t *)offer->ops + kind->ctx_size_at, sizeof(ctx_size));
	if (ctx_size > MAX_CTX)
		return rv_why_set(why, -RV_ESELF_TEST, "ctx_size: %u octets, at most %u are lent", ctx_size, MAX_CTX);
	bench = bench_new(offer, ctx_size, why);
	if (!bench)
		return -ENOMEM;
	r = kind->test ? test_vectors(bench, kind, ctx_size) : test_rng(bench);
	if (kind->test)
		snprintf(text, size, "passed: %zu vector%s", offer->n_vectors, offer->n_vectors == 1 ? "" : "s");
	else
		snprintf(text, size, "passed: output neither stuck nor repeated");
	talloc_free(bench);
	return r;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-self-test: toy algorithms of every crypto kind, right ones and ones with one fault each: the right ones are
 * offered, every fault is found and named.
 */
#include "test.h"

#include "parts.h"

#include <errno.h>

/* What is wrong with a provider; its self points to one of these. */
enum fault {
	RIGHT,
	WRONG_ANSWER,
	FORGETS_SECOND_PART,
	FAILS,
	WRITES_TOO_MUCH,
	WRONG_SECOND_TIME,
	INIT_FAILS,
	CONTEXT_TOO_LARGE,
	WRONG_IN_PLACE,
	CANNOT_DECRYPT,
	ACCEPTS_ANY_ICV,
	CHECKS_HALF_OF_ICV,
	IGNORES_AAD,
	LEAVES_OK_ALONE,
	REFUSES_ALL_OF_A_BURST,
	OTHER_SECRET,
	ACCEPTS_SHORT_VALUE,
	STUCK,
	REPEATS,
};

struct toy {
	enum fault fault;
	unsigned n_calls;
};

enum { ICV = 4, KEY = 4, NONCE = 12 };

/* FNV-1a, the toy of all toys. */
static uint32_t mix(uint32_t hash, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 16777619u;
	return hash;
}

static int finish(struct toy *toy, uint32_t hash, uint8_t *out)
{
	toy->n_calls++;
	if (toy->fault == FAILS)
		return -EIO;
	if (toy->fault == WRONG_ANSWER || (toy->fault == WRONG_SECOND_TIME && toy->n_calls > 1))
		hash ^= 1;
	memcpy(out, &hash, sizeof(hash));
	if (toy->fault == WRITES_TOO_MUCH)
		out[sizeof(hash)] = 0;
	return 0;
}

static uint32_t mix_parts(const struct toy *toy, uint32_t hash, const struct rv_bytes *parts, size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		if (!(toy->fault == FORGETS_SECOND_PART && i))
			hash = mix(hash, parts[i].p, parts[i].len);
	return hash;
}

static int digest(void *self, const struct rv_bytes *parts, size_t n_parts, uint8_t *out)
{
	return finish(self, mix_parts(self, 1, parts, n_parts), out);
}

static int prf(void *self, struct rv_bytes key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out)
{
	return finish(self, mix_parts(self, mix(2, key.p, key.len), parts, n_parts), out);
}

static int init(void *self, void *ctx, struct rv_bytes key)
{
	struct toy *toy = self;

	if (toy->fault == INIT_FAILS || key.len != KEY)
		return -EINVAL;
	assert_int_equal((uintptr_t)ctx % 64, 0);
	memcpy(ctx, key.p, KEY);
	if (toy->fault == CONTEXT_TOO_LARGE)
		((uint8_t *)ctx)[KEY] = 0;
	return 0;
}

static int init_cipher(void *self, void *ctx, struct rv_bytes key, bool encrypt)
{
	struct toy *toy = self;

	toy->n_calls = encrypt ? 0 : 100;
	return init(self, ctx, key);
}

static void fini(void *self, void *ctx)
{
	memset(ctx, 0, KEY);
}

static int mac(void *self, void *ctx, const struct rv_bytes *parts, size_t n_parts, uint8_t *icv)
{
	return finish(self, mix_parts(self, mix(3, ctx, KEY), parts, n_parts), icv);
}

static void xor
	(struct toy * toy, const uint8_t *key, const uint8_t *iv, const uint8_t *src, uint8_t *dst, size_t len) {
		for (size_t i = 0; i < len; i++)
			dst[i] = src[i] ^ key[i % KEY] ^ iv[i % KEY];
		if (len && (toy->fault == WRONG_ANSWER || (toy->fault == WRONG_IN_PLACE && src == dst)))
			dst[0] ^= 1;
		if (toy->fault == WRITES_TOO_MUCH)
			dst[len] = 0;
	}

	static int crypt_toy(void *self, void *ctx, const uint8_t *iv, const uint8_t *src, uint8_t *dst, size_t len)
{
	struct toy *toy = self;

	if (toy->fault == FAILS)
		return -EIO;
	xor(toy, ctx, iv, src, dst, len);
	if (toy->fault == CANNOT_DECRYPT && toy->n_calls == 100)
		dst[len - 1] ^= 1;
	return 0;
}

static uint32_t icv_of(const struct toy *toy, const uint8_t *key, const struct rv_aead_op *op, const uint8_t *text)
{
	uint32_t hash = mix(mix(4, key, KEY), op->nonce, NONCE);

	if (toy->fault != IGNORES_AAD)
		hash = mix(hash, op->aad, op->aad_len);
	return mix(hash, text, op->len);
}

static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	struct toy *toy = self;

	if (toy->fault == FAILS)
		return -EIO;
	for (size_t i = 0; i < n_ops; i++) {
		xor(toy, ctx, ops[i].nonce, ops[i].src, ops[i].dst, ops[i].len);
		uint32_t icv = icv_of(toy, ctx, &ops[i], ops[i].dst);
		memcpy(ops[i].dst + ops[i].len, &icv, ICV);
		if (toy->fault == WRITES_TOO_MUCH)
			ops[i].dst[ops[i].len + ICV] = 0;
	}
	return 0;
}

static bool icv_is(const struct toy *toy, uint32_t wanted, const uint8_t *icv)
{
	if (toy->fault == ACCEPTS_ANY_ICV)
		return true;
	return !memcmp(&wanted, icv, toy->fault == CHECKS_HALF_OF_ICV ? ICV / 2 : ICV);
}

static int open_toy(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	struct toy *toy = self;
	bool all = true;

	for (size_t i = 0; i < n_ops; i++) {
		bool ok = icv_is(toy, icv_of(toy, ctx, &ops[i], ops[i].src), ops[i].src + ops[i].len);
		all &= ok;
		if (!(toy->fault == LEAVES_OK_ALONE && !ok))
			ops[i].ok = ok;
		xor(toy, ctx, ops[i].nonce, ops[i].src, ops[i].dst, ops[i].len);
		if (toy->fault == CANNOT_DECRYPT && ops[i].len)
			ops[i].dst[0] ^= 1;
	}
	for (size_t i = 0; toy->fault == REFUSES_ALL_OF_A_BURST && !all && i < n_ops; i++)
		ops[i].ok = false;
	return 0;
}

/* Both sides raise 7 to their secrets, modulo 2^31 - 1. */
static uint64_t power(uint64_t base, uint64_t exponent)
{
	uint64_t out = 1;

	for (; exponent; exponent >>= 1, base = base * base % 2147483647u)
		if (exponent & 1)
			out = out * base % 2147483647u;
	return out;
}

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i)
{
	struct toy *toy = self;
	uint32_t x, y;

	memcpy(&x, random, sizeof(x));
	memcpy(secret, &x, sizeof(x));
	y = (uint32_t)power(7, x);
	memcpy(public_i, &y, sizeof(y));
	if (toy->fault == WRITES_TOO_MUCH)
		secret[sizeof(x)] = 0;
	return toy->fault == FAILS ? -EIO : 0;
}

static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared)
{
	struct toy *toy = self;
	uint32_t x, y = 1;

	if (public_r.len != sizeof(y) && toy->fault != ACCEPTS_SHORT_VALUE)
		return -RV_EKEY_VALUE;
	memcpy(&x, secret, sizeof(x));
	memcpy(&y, public_r.p, public_r.len);
	y = (uint32_t)power(y, x) ^ (toy->fault == WRONG_ANSWER);
	memcpy(shared, &y, sizeof(y));
	return 0;
}

static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared)
{
	struct toy *toy = self;
	uint8_t secret[8];
	int r = generate(self, random, secret, public_r);

	r = r ? r : complete(self, secret, public_i, shared);
	if (!r && toy->fault == OTHER_SECRET)
		shared[0] ^= 1;
	return r;
}

static int sign(void *self, struct rv_bytes key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out,
		size_t *len)
{
	*len = 4;
	return finish(self, mix_parts(self, mix(3, key.p, key.len), parts, n_parts), out);
}

static int verify(void *self, struct rv_bytes key, const struct rv_bytes *parts, size_t n_parts,
		  struct rv_bytes signature)
{
	struct toy *toy = self;
	uint32_t hash = mix_parts(toy, mix(3, key.p, key.len), parts, n_parts);
	size_t len = toy->fault == CHECKS_HALF_OF_ICV ? 2 : 4;

	if (toy->fault == ACCEPTS_ANY_ICV)
		return 0;
	if (toy->fault == REFUSES_ALL_OF_A_BURST || signature.len < len)
		return -RV_EAUTH_FAILED;
	return memcmp(&hash, signature.p, len) ? -RV_EAUTH_FAILED : 0;
}

static int fill(void *self, uint8_t *buf, size_t len)
{
	struct toy *toy = self;

	if (toy->fault == FAILS)
		return -EIO;
	toy->n_calls++;
	memset(buf, 0, len);
	for (size_t i = 0; toy->fault != STUCK && i < len; i++)
		buf[i] = (uint8_t)(mix((uint32_t)i + 1000 * (toy->fault == REPEATS ? toy->n_calls % 40 : toy->n_calls),
				       (const uint8_t *)"random", 6) >>
				   16);
	if (toy->fault == WRITES_TOO_MUCH)
		buf[len] = 0;
	return 0;
}

static const struct rv_hash_ops hash_ops = { sizeof(hash_ops), 4, 64, digest };
static const struct rv_prf_ops prf_ops = { sizeof(prf_ops), 4, 4, prf };
static const struct rv_mac_ops mac_ops = { sizeof(mac_ops), KEY, ICV, KEY, init, mac, fini };
static const struct rv_cipher_ops cipher_ops = { sizeof(cipher_ops), KEY, 4, 4, KEY, init_cipher, crypt_toy, fini };
static const struct rv_aead_ops aead_ops = { sizeof(aead_ops), KEY, 4, 8, ICV, KEY, init, seal, open_toy, fini };
static const struct rv_ke_ops ke_ops = { sizeof(ke_ops), 4, 4, 4, 4, 4, generate, respond, complete };
static const struct rv_sign_ops sign_ops = { sizeof(sign_ops), 4, sign, verify };
static const struct rv_rng_ops rng_ops = { sizeof(rng_ops), fill };

/* A kind with its vector. The answers were computed by a second implementation of the toys, in Python. */
struct kind {
	const char *name;
	const void *ops;
	struct rv_vector vectors[2];
	size_t n_vectors;
};

enum { HASH, PRF, MAC, CIPHER, AEAD, KE, SIGN, RNG };

static const struct kind kinds[] = {
	[HASH] = { "hash", &hash_ops, { { .source = "toy", .in = "61 62 63 64 65 66 67", .out = "FBE8AF8C" } }, 1 },
	[PRF] = { "prf",
		  &prf_ops,
		  { { .source = "toy", .key = "11223344", .in = "61626364656667", .out = "9a4ecce4" } },
		  1 },
	[MAC] = { "mac",
		  &mac_ops,
		  { { .source = "toy", .key = "11223344", .in = "61626364656667", .out = "7157771f" } },
		  1 },
	[CIPHER] = { "cipher",
		     &cipher_ops,
		     { { .source = "toy",
			 .key = "11223344",
			 .iv = "01020304",
			 .in = "3132333435363738",
			 .out = "2112037425160778" } },
		     1 },
	[AEAD] = { "aead",
		   &aead_ops,
		   { { .source = "toy",
		       .key = "11223344",
		       .iv = "0102030405060708090a0b0c",
		       .aad = "aabb",
		       .in = "3132333435363738",
		       .out = "2112037425160778bb990a08" },
		     { .source = "empty",
		       .key = "11223344",
		       .iv = "0102030405060708090a0b0c",
		       .aad = "aabb",
		       .out = "bb85428a" } },
		   2 },
	[KE] = { "ke",
		 &ke_ops,
		 { { .source = "toy", .key = "11223344", .in = "317d087a", .out = "524b7506" }, { .source = "pair" } },
		 2 },
	[SIGN] = { "sign",
		   &sign_ops,
		   { { .source = "toy",
		       .key = "11223344",
		       .aad = "11223344",
		       .in = "61626364656667",
		       .out = "7157771f" },
		     { .source = "public", .aad = "11223344", .in = "61626364656667", .out = "7157771f" } },
		   2 },
	[RNG] = { "rng", &rng_ops, { { NULL } }, 0 },
};

static struct rv_core *core_new(void)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	core->params.no_measure = true;
	core->registry = rv_registry_new(core, core);
	assert_non_null(core->registry);
	return core;
}

/* Offers a kind with a fault; the sentence of the refusal comes by the log. */
static void catch_line(void *self, enum rv_level level, const char *line)
{
	snprintf(self, 512, "%s", line);
}

static int offer(const struct kind *kind, enum fault fault, const struct rv_vector *vectors, size_t n_vectors,
		 char says[static 512])
{
	struct toy toy = { .fault = fault };
	struct rv_core *core = core_new();
	struct rv_offer offer = { .kind = kind->name,
				  .kind_version = 1,
				  .name = "toy",
				  .ops = kind->ops,
				  .self = &toy,
				  .vectors = vectors,
				  .n_vectors = n_vectors };
	int r;

	says[0] = 0;
	core->log = rv_log_new(core, RV_DEBUG, catch_line, says);
	r = rv_registry_add(rv_host_new(core, "toy"), &offer, sizeof(size_t));
	assert_true(!r == !!rv_registry_find(core->registry, kind->name, "toy"));
	if (!r)
		snprintf(says, 512, "%s", rv_service_self_test(rv_registry_find(core->registry, kind->name, "toy")));
	talloc_free(core);
	return r;
}

static void right_ones_are_offered(void **state)
{
	static const char *const wanted[] = {
		"passed: 1 vector",  "passed: 1 vector",
		"passed: 1 vector",  "passed: 1 vector",
		"passed: 2 vectors", "passed: 2 vectors",
		"passed: 2 vectors", "passed: output neither stuck nor repeated",
	};

	for (size_t i = 0; i < RV_COUNT(kinds); i++) {
		char says[512];
		if (offer(&kinds[i], RIGHT, kinds[i].vectors, kinds[i].n_vectors, says))
			fail_msg("%s: %s", kinds[i].name, says);
		assert_string_equal(says, wanted[i]);
	}
}

static const struct {
	int kind;
	enum fault fault;
	const char *says;
} faults[] = {
	{ HASH, WRONG_ANSWER, "toy: a wrong answer" },
	{ HASH, FORGETS_SECOND_PART, "a wrong answer for a message in parts" },
	{ HASH, FAILS, "the operation failed" },
	{ HASH, WRITES_TOO_MUCH, "a wrong answer" },
	{ HASH, WRONG_SECOND_TIME, "a wrong answer" },
	{ PRF, WRONG_ANSWER, "a wrong answer" },
	{ PRF, FORGETS_SECOND_PART, "a wrong answer for a message in parts" },
	{ PRF, FAILS, "the operation failed" },
	{ MAC, WRONG_ANSWER, "a wrong answer" },
	{ MAC, FORGETS_SECOND_PART, "a wrong answer for a message in parts" },
	{ MAC, INIT_FAILS, "init failed" },
	{ MAC, WRONG_SECOND_TIME, "a wrong answer" },
	{ MAC, CONTEXT_TOO_LARGE, "its context is larger than ctx_size" },
	{ CIPHER, WRONG_ANSWER, "wrong ciphertext" },
	{ CIPHER, WRONG_IN_PLACE, "wrong ciphertext in place" },
	{ CIPHER, CANNOT_DECRYPT, "wrong plaintext" },
	{ CIPHER, FAILS, "the operation failed" },
	{ CIPHER, INIT_FAILS, "init failed" },
	{ CIPHER, WRITES_TOO_MUCH, "wrong ciphertext" },
	{ CIPHER, CONTEXT_TOO_LARGE, "its context is larger" },
	{ AEAD, WRONG_ANSWER, "wrong ciphertext or ICV" },
	{ AEAD, WRONG_IN_PLACE, "wrong ciphertext or ICV in place" },
	{ AEAD, CANNOT_DECRYPT, "wrong plaintext" },
	{ AEAD, FAILS, "sealing failed" },
	{ AEAD, INIT_FAILS, "init failed" },
	{ AEAD, WRITES_TOO_MUCH, "wrong ciphertext or ICV" },
	{ AEAD, CONTEXT_TOO_LARGE, "its context is larger" },
	{ AEAD, ACCEPTS_ANY_ICV, "a damaged packet was accepted" },
	{ AEAD, CHECKS_HALF_OF_ICV, "a damaged packet was accepted" },
	{ AEAD, IGNORES_AAD, "wrong ciphertext or ICV" },
	{ AEAD, LEAVES_OK_ALONE, "a damaged packet was accepted" },
	{ AEAD, REFUSES_ALL_OF_A_BURST, "a good packet was refused" },
	{ KE, WRONG_ANSWER, "a wrong shared secret" },
	{ KE, FAILS, "the exchange failed" },
	{ KE, OTHER_SECRET, "pair: the two sides do not reach the same secret" },
	{ KE, ACCEPTS_SHORT_VALUE, "a public value that is too short was accepted" },
	{ KE, WRITES_TOO_MUCH, "it writes more octets than it says" },
	{ SIGN, WRONG_ANSWER, "its own signature does not hold" },
	{ SIGN, FORGETS_SECOND_PART, "a good signature was refused" },
	{ SIGN, FAILS, "signing failed" },
	{ SIGN, WRITES_TOO_MUCH, "longer than signature_max" },
	{ SIGN, WRONG_SECOND_TIME, "its own signature does not hold" },
	{ SIGN, ACCEPTS_ANY_ICV, "a wrong signature was accepted" },
	{ SIGN, CHECKS_HALF_OF_ICV, "a wrong signature was accepted" },
	{ SIGN, REFUSES_ALL_OF_A_BURST, "a good signature was refused" },
	{ RNG, STUCK, "its output" },
	{ RNG, REPEATS, "its output repeats" },
	{ RNG, FAILS, "filling failed" },
	{ RNG, WRITES_TOO_MUCH, "it writes more octets than it was asked for" },
};

static void every_fault_is_found_and_named(void **state)
{
	for (size_t i = 0; i < RV_COUNT(faults); i++) {
		const struct kind *kind = &kinds[faults[i].kind];
		char says[512];
		int r = offer(kind, faults[i].fault, kind->vectors, kind->n_vectors, says);
		if (r != -RV_ESELF_TEST || !strstr(says, faults[i].says))
			fail_msg("%s with fault %d: %d \"%s\", expected \"%s\"", kind->name, faults[i].fault, r, says,
				 faults[i].says);
	}
}

static void without_vectors_only_an_rng_is_offered(void **state)
{
	for (size_t i = 0; i < RV_COUNT(kinds); i++) {
		char says[512];
		int r = offer(&kinds[i], RIGHT, NULL, 0, says);
		assert_int_equal(r, i == RNG ? 0 : -RV_ESELF_TEST);
		assert_non_null(strstr(says, i == RNG ? "passed" : "it has no known answers"));
	}
}

/* Vectors that do not fit their ops, or are no vectors. */
static const struct {
	const char *what;
	int kind;
	struct rv_vector vector;
	const char *says;
} misfits[] = {
	{ "odd hex", HASH, { .in = "616", .out = "FBE8AF8C" }, "no hex text" },
	{ "no hex", HASH, { .in = "xy", .out = "FBE8AF8C" }, "no hex text" },
	{ "a short answer", HASH, { .in = "61", .out = "FBE8AF" }, "out_len" },
	{ "a long answer", PRF, { .in = "61", .out = "FBE8AF8C00" }, "out_len" },
	{ "no answer", HASH, { .in = "61" }, "out_len" },
	{ "a short key", MAC, { .key = "112233", .out = "00000000" }, "key_len" },
	{ "no block", CIPHER, { .key = "11223344", .iv = "01020304", .in = "313233", .out = "313233" }, "lengths" },
	{ "a short IV", CIPHER, { .key = "11223344", .iv = "010203", .in = "31323334", .out = "31323334" }, "lengths" },
	{ "a nonce of 8", AEAD, { .key = "11223344", .iv = "0102030405060708", .out = "00000000" }, "lengths" },
	{ "an answer without ICV",
	  AEAD,
	  { .key = "11223344", .iv = "0102030405060708090a0b0c", .in = "31", .out = "31" },
	  "lengths" },
	{ "no message", SIGN, { .aad = "11223344", .out = "00000000" }, "no message" },
	{ "another signature",
	  SIGN,
	  { .aad = "11223344", .in = "61", .out = "00000000" },
	  "a good signature was refused" },
	{ "a short public value", KE, { .key = "11223344", .in = "317d08", .out = "524b7506" }, "lengths" },
};

static void a_vector_that_does_not_fit_is_refused(void **state)
{
	for (size_t i = 0; i < RV_COUNT(misfits); i++) {
		char says[512];
		int r = offer(&kinds[misfits[i].kind], RIGHT, &misfits[i].vector, 1, says);
		if (r != -RV_ESELF_TEST || !strstr(says, misfits[i].says))
			fail_msg("%s: %d \"%s\"", misfits[i].what, r, says);
	}
}

static void a_vector_has_at_most_8192_octets(void **state)
{
	char *text = malloc(2 * 8193 + 1);

	for (size_t len = 8192; len <= 8193; len++) {
		struct rv_vector vector = { .in = text, .out = "00000000" };
		char says[512];
		memset(text, '6', 2 * len);
		text[2 * len] = 0;
		assert_int_equal(offer(&kinds[HASH], RIGHT, &vector, 1, says), -RV_ESELF_TEST);
		assert_non_null(strstr(says, len > 8192 ? "longer than 8192" : "a wrong answer"));
	}
	free(text);
}

static void a_context_has_a_limit(void **state)
{
	struct rv_mac_ops large = mac_ops;
	struct kind kind = kinds[MAC];
	char says[512];

	kind.ops = &large;
	large.ctx_size = 256 * 1024;
	assert_int_equal(offer(&kind, RIGHT, kind.vectors, 1, says), 0);
	large.ctx_size++;
	assert_int_equal(offer(&kind, RIGHT, kind.vectors, 1, says), -RV_ESELF_TEST);
	assert_non_null(strstr(says, "ctx_size: 262145 octets"));
}

static void another_version_of_a_kind_is_refused(void **state)
{
	struct toy toy = { .fault = RIGHT };
	struct rv_core *core = core_new();
	struct rv_offer offer = { .kind = "hash", .kind_version = 2, .name = "x", .ops = &hash_ops, .self = &toy };

	assert_int_equal(rv_registry_add(rv_host_new(core, "toy"), &offer, sizeof(size_t)), -RV_EVERSION);
	talloc_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_ones_are_offered),
		cmocka_unit_test(every_fault_is_found_and_named),
		cmocka_unit_test(without_vectors_only_an_rng_is_offered),
		cmocka_unit_test(a_vector_that_does_not_fit_is_refused),
		cmocka_unit_test(a_vector_has_at_most_8192_octets),
		cmocka_unit_test(a_context_has_a_limit),
		cmocka_unit_test(another_version_of_a_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

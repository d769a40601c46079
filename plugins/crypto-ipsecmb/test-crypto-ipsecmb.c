// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-crypto-ipsecmb: every service against another provider, in bursts of mixed lengths and from several threads. */
#include "test.h"

#include "ops.h"
#include "parts.h"

#include <errno.h>

extern const struct rv_plugin rv_plugin_crypto_ipsecmb, rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle;

enum { MAX = 2100, ROOM = MAX + 64, N_THREADS = 4 };

/* What libipsec-mb offers, and the others in a registry of their own. */
struct fixture {
	struct rv_core *core, *other;
	uint64_t seed;
	uint8_t text[MB_BURST][ROOM], one[MB_BURST][ROOM], two[MB_BURST][ROOM];
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
	f->other = core_new();
	assert_int_equal(rv_plugin_crypto_ipsecmb.init(rv_host_new(f->core, "crypto-ipsecmb")), 0);
	assert_int_equal(rv_plugin_crypto_gnutls.init(rv_host_new(f->other, "crypto-gnutls")), 0);
	assert_int_equal(rv_plugin_crypto_nettle.init(rv_host_new(f->other, "crypto-nettle")), 0);
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

static const char *const aeads[] = {
	"aes-gcm-16-128", "aes-gcm-16-192", "aes-gcm-16-256", "aes-gcm-12-128",	   "aes-gcm-12-192",
	"aes-gcm-12-256", "aes-gcm-8-128",  "aes-gcm-8-192",  "aes-gcm-8-256",	   "aes-gmac-128",
	"aes-gmac-192",	  "aes-gmac-256",   "aes-ccm-16-128", "aes-ccm-16-256",	   "aes-ccm-12-128",
	"aes-ccm-12-256", "aes-ccm-8-128",  "aes-ccm-8-256",  "chacha20-poly1305",
};
static const char *const ciphers[] = { "aes-cbc-128", "aes-cbc-192", "aes-cbc-256",
				       "aes-ctr-128", "aes-ctr-192", "aes-ctr-256" };
static const char *const macs[] = { "hmac-sha1-96",    "hmac-sha256-128", "hmac-sha384-192",
				    "hmac-sha512-256", "aes-xcbc-96",	  "aes-cmac-96" };

static struct rv_service *find(struct rv_core *core, const char *kind, const char *name)
{
	struct rv_service *service = rv_registry_find(core->registry, kind, name);

	if (!service)
		fail_msg("no service %s %s", kind, name);
	return service;
}

/* A context of a service with a key, from the heap. */
static void *context(struct rv_service *service, uint32_t size)
{
	void *ctx = aligned_alloc(64, (size + 63u) / 64 * 64);

	assert_non_null(ctx);
	return ctx;
}

/* Sizes in octets: empty where that may be, odd ones, whole blocks. */
static uint32_t length(size_t i, uint32_t block, uint32_t least)
{
	uint32_t len = (uint32_t)((i * 37 + i * i) % MAX) / block * block;

	return len < least ? least : len;
}

/* One octet of every fifth packet is changed in between; those do not open, all others do. */
static void check_aead(struct fixture *f, struct rv_service *from, struct rv_service *to, size_t n)
{
	const struct rv_aead_ops *a = rv_service_ops(from), *b = rv_service_ops(to);
	void *seal = context(from, a->ctx_size), *open = context(to, b->ctx_size);
	struct rv_aead_op ops[MB_BURST];
	uint8_t key[32], aad[200];
	/* CCM takes 46 octets; of AH there are more */
	size_t n_aad = strstr(rv_service_name(from), "ccm") ? 41 : sizeof(aad) + 1;

	fill(f, key, sizeof(key));
	fill(f, aad, sizeof(aad));
	assert_int_equal(a->key_len, b->key_len);
	assert_int_equal(a->salt_len, b->salt_len);
	assert_int_equal(a->icv_len, b->icv_len);
	assert_int_equal(a->init(rv_service_self(from), seal, rv_bytes(key, a->key_len)), 0);
	assert_int_equal(b->init(rv_service_self(to), open, rv_bytes(key, b->key_len)), 0);
	for (size_t i = 0; i < n; i++) {
		ops[i] = (struct rv_aead_op){
			.len = length(i, 1, 0), .aad = aad, .aad_len = i * 37 % n_aad, .dst = f->one[i]
		};
		fill(f, f->text[i], ops[i].len);
		fill(f, ops[i].nonce, sizeof(ops[i].nonce));
		memcpy(f->one[i], f->text[i], ops[i].len);
		ops[i].src = i % 3 ? f->one[i] : f->text[i]; /* in place, or not */
	}
	assert_int_equal(a->seal(rv_service_self(from), seal, ops, n), 0);
	for (size_t i = 0; i < n; i++) {
		ops[i].src = f->one[i];
		ops[i].dst = i % 3 ? f->one[i] : f->two[i];
		f->one[i][i % 5 ? 0 : ops[i].len + a->icv_len - 1] ^= i % 5 ? 0 : 0x20;
	}
	assert_int_equal(b->open(rv_service_self(to), open, ops, n), 0);
	for (size_t i = 0; i < n; i++) {
		static const uint8_t zeros[MAX];
		assert_int_equal(ops[i].ok, i % 5 != 0);
		assert_memory_equal(ops[i].dst, i % 5 ? f->text[i] : zeros, ops[i].len);
	}
	a->fini(rv_service_self(from), seal);
	b->fini(rv_service_self(to), open);
	free(seal);
	free(open);
}

static void aeads_and_those_of_others_open_each_other(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(aeads); i++)
		for (size_t n = 1; n <= MB_BURST; n += n < 9 ? 1 : 11) {
			struct rv_service *ours = find(f->core, "aead", aeads[i]);
			struct rv_service *theirs = find(f->other, "aead", aeads[i]);
			check_aead(f, ours, theirs, n);
			check_aead(f, theirs, ours, n);
			check_aead(f, ours, ours, n);
		}
}

static void check_cipher(struct fixture *f, struct rv_service *ours, struct rv_service *theirs, size_t n, bool encrypt)
{
	const struct rv_cipher_ops *a = rv_service_ops(ours), *b = rv_service_ops(theirs);
	void *one = context(ours, a->ctx_size), *two = context(theirs, b->ctx_size);
	struct rv_cipher_op ops[MB_BURST];
	uint8_t key[36], iv[MB_BURST][16];

	assert_int_equal(a->key_len, b->key_len);
	assert_int_equal(a->unique_iv, RV_HAS(b, unique_iv));
	fill(f, key, sizeof(key));
	assert_int_equal(a->init(rv_service_self(ours), one, rv_bytes(key, a->key_len), encrypt), 0);
	assert_int_equal(b->init(rv_service_self(theirs), two, rv_bytes(key, b->key_len), encrypt), 0);
	for (size_t i = 0; i < n; i++) {
		uint32_t len = length(i, a->block_len, 0);
		fill(f, iv[i], 16);
		fill(f, f->text[i], len);
		memcpy(f->one[i], f->text[i], len);
		ops[i] = (struct rv_cipher_op){ iv[i], i % 2 ? f->one[i] : f->text[i], f->one[i], len };
	}
	assert_int_equal(a->crypt_burst(rv_service_self(ours), one, ops, n), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(b->crypt(rv_service_self(theirs), two, iv[i], f->text[i], f->two[i], ops[i].len), 0);
		assert_memory_equal(f->one[i], f->two[i], ops[i].len);
	}
	a->fini(rv_service_self(ours), one);
	b->fini(rv_service_self(theirs), two);
	free(one);
	free(two);
}

static void ciphers_agree_with_those_of_others(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(ciphers); i++)
		for (size_t n = 1; n <= MB_BURST; n += n < 9 ? 1 : 11)
			for (int encrypt = 0; encrypt < 2; encrypt++)
				check_cipher(f, find(f->core, "cipher", ciphers[i]),
					     find(f->other, "cipher", ciphers[i]), n, encrypt);
}

static void check_mac(struct fixture *f, struct rv_service *ours, struct rv_service *theirs, size_t n)
{
	const struct rv_mac_ops *a = rv_service_ops(ours), *b = rv_service_ops(theirs);
	void *one = context(ours, a->ctx_size), *two = context(theirs, b->ctx_size);
	struct rv_mac_op ops[MB_BURST];
	uint8_t key[64], icv[64];

	assert_int_equal(a->key_len, b->key_len);
	assert_int_equal(a->icv_len, b->icv_len);
	fill(f, key, sizeof(key));
	assert_int_equal(a->init(rv_service_self(ours), one, rv_bytes(key, a->key_len)), 0);
	assert_int_equal(b->init(rv_service_self(theirs), two, rv_bytes(key, b->key_len)), 0);
	for (size_t i = 0; i < n; i++) {
		ops[i] = (struct rv_mac_op){ f->text[i], length(i, 1, 1), f->one[i] };
		fill(f, f->text[i], ops[i].len);
		f->one[i][a->icv_len] = 0x5a;
	}
	assert_int_equal(a->mac_burst(rv_service_self(ours), one, ops, n), 0);
	for (size_t i = 0; i < n; i++) {
		struct rv_bytes part = rv_bytes(f->text[i], ops[i].len);
		assert_int_equal(b->mac(rv_service_self(theirs), two, &part, 1, icv), 0);
		assert_memory_equal(f->one[i], icv, a->icv_len);
		assert_int_equal(f->one[i][a->icv_len], 0x5a);
	}
	a->fini(rv_service_self(ours), one);
	b->fini(rv_service_self(theirs), two);
	free(one);
	free(two);
}

/* RFC 2404 and RFC 4868 by GnuTLS, RFC 3566 and RFC 4494 by nettle. */
static void macs_agree_with_those_of_others(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(macs); i++)
		for (size_t n = 1; n <= MB_BURST; n += n < 9 ? 1 : 11)
			check_mac(f, find(f->core, "mac", macs[i]), find(f->other, "mac", macs[i]), n);
}

/* A message in two parts, and among others of a burst. */
static void check_long_mac(struct fixture *f, const char *name, size_t len, const uint8_t *big)
{
	struct rv_service *ours = find(f->core, "mac", name), *theirs = find(f->other, "mac", name);
	const struct rv_mac_ops *a = rv_service_ops(ours), *b = rv_service_ops(theirs);
	void *one = context(ours, a->ctx_size), *two = context(theirs, b->ctx_size);
	const struct rv_bytes parts[] = { rv_bytes(big, 300), rv_bytes(big + 300, len - 300) };
	uint8_t icv[3][64], burst[3][64];
	const struct rv_mac_op ops[] = { { big, 100, burst[0] }, { big, len, burst[1] }, { big + 5, 200, burst[2] } };

	assert_int_equal(a->init(rv_service_self(ours), one, rv_bytes(big, a->key_len)), 0);
	assert_int_equal(b->init(rv_service_self(theirs), two, rv_bytes(big, b->key_len)), 0);
	if (a->mac(rv_service_self(ours), one, parts, 2, icv[0]))
		fail_msg("%s refuses %zu octets", name, len);
	assert_int_equal(b->mac(rv_service_self(theirs), two, parts, 2, icv[1]), 0);
	assert_memory_equal(icv[0], icv[1], a->icv_len);
	assert_int_equal(a->mac_burst(rv_service_self(ours), one, ops, 3), 0);
	for (size_t i = 0; i < 3; i++) {
		struct rv_bytes part = rv_bytes(ops[i].src, ops[i].len);
		assert_int_equal(b->mac(rv_service_self(theirs), two, &part, 1, icv[i]), 0);
		assert_memory_equal(burst[i], icv[i], a->icv_len);
	}
	a->fini(rv_service_self(ours), one);
	b->fini(rv_service_self(theirs), two);
	free(one);
	free(two);
}

/* AH covers whole packets (RFC 4302, 3.3.3): 65535 octets, in IPv6 40 more, and 4 of an extended number. */
static void macs_take_the_longest_packets(void **state)
{
	static const size_t lens[] = { 65534, 65535, 65536, 65537, 65539, 65540, 65575, 65579, 65600 };
	struct fixture *f = *state;
	uint8_t *big = malloc(65600);

	assert_non_null(big);
	fill(f, big, 65600);
	for (size_t i = 0; i < RV_COUNT(macs); i++)
		for (size_t k = 0; k < RV_COUNT(lens); k++)
			check_long_mac(f, macs[i], lens[k], big);
	free(big);
}

/* The lanes count in 16 bits, CCM's associated data in one block less its length: what does not fit is refused. */
static void what_the_library_cannot_take_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rv_service *mac = find(f->core, "mac", "hmac-sha256-128");
	struct rv_service *cipher = find(f->core, "cipher", "aes-ctr-128"),
			  *ccm = find(f->core, "aead", "aes-ccm-16-128");
	const struct rv_mac_ops *m = rv_service_ops(mac);
	const struct rv_cipher_ops *c = rv_service_ops(cipher);
	const struct rv_aead_ops *a = rv_service_ops(ccm);
	_Alignas(64) uint8_t ctx[1024];
	uint8_t *big = calloc(1, 2 * 65536), icv[16];
	struct rv_bytes parts[] = { rv_bytes(big, 65000), rv_bytes(big, 601) };

	assert_non_null(big);
	assert_int_equal(m->init(rv_service_self(mac), ctx, rv_bytes(big, m->key_len)), 0);
	assert_int_equal(m->mac(rv_service_self(mac), ctx, parts, 2, icv), -EMSGSIZE);
	parts[1].len--;
	assert_int_equal(m->mac(rv_service_self(mac), ctx, parts, 2, icv), 0);
	assert_int_equal(c->init(rv_service_self(cipher), ctx, rv_bytes(big, c->key_len), true), 0);
	assert_int_equal(c->crypt(rv_service_self(cipher), ctx, icv, big, big, 65534), 0);
	assert_int_equal(c->crypt(rv_service_self(cipher), ctx, icv, big, big, 65535), -EINVAL);
	assert_int_equal(a->init(rv_service_self(ccm), ctx, rv_bytes(big, a->key_len)), 0);
	for (uint16_t len = 45; len <= 47; len++) {
		struct rv_aead_op op = { .src = big, .dst = big, .len = 64, .aad = big + 1024, .aad_len = len };
		assert_int_equal(a->seal(rv_service_self(ccm), ctx, &op, 1), len == 47 ? -EMSGSIZE : 0);
	}
	free(big);
}

/* A thread that computes, waits until it may end, and ends. */
struct worker {
	pthread_t thread;
	struct rv_service *service;
	pthread_barrier_t *computed, *go;
	bool same;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	const struct rv_cipher_ops *ops = rv_service_ops(w->service);
	_Alignas(64) uint8_t ctx[1024];
	uint8_t iv[16] = { 1 }, text[MB_BURST][256], out[MB_BURST][256], first[256];
	struct rv_cipher_op burst[MB_BURST];

	(void)ops->init(rv_service_self(w->service), ctx, rv_bytes(iv, ops->key_len), true);
	memset(text, 7, sizeof(text));
	for (size_t i = 0; i < MB_BURST; i++)
		burst[i] = (struct rv_cipher_op){ iv, text[i], out[i], 256 };
	(void)ops->crypt(rv_service_self(w->service), ctx, iv, text[0], first, 256);
	w->same = true;
	for (int round = 0; round < 200; round++) {
		if (ops->crypt_burst(rv_service_self(w->service), ctx, burst, MB_BURST))
			w->same = false;
		for (size_t i = 0; i < MB_BURST; i++)
			if (memcmp(out[i], first, 256) != 0)
				w->same = false;
	}
	pthread_barrier_wait(w->computed);
	pthread_barrier_wait(w->go);
	return NULL;
}

/* plugin_first: the plugin goes while threads that used it live on. */
static void threads(void **state, bool plugin_first)
{
	struct fixture *f = *state;
	struct worker workers[N_THREADS];
	pthread_barrier_t computed, go;

	pthread_barrier_init(&computed, NULL, N_THREADS + 1);
	pthread_barrier_init(&go, NULL, N_THREADS + 1);
	for (int i = 0; i < N_THREADS; i++) {
		workers[i] = (struct worker){ .service = find(f->core, "cipher", "aes-cbc-128"),
					      .computed = &computed,
					      .go = &go };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	pthread_barrier_wait(&computed);
	if (plugin_first) {
		talloc_free(f->core);
		f->core = NULL;
	}
	pthread_barrier_wait(&go);
	for (int i = 0; i < N_THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_true(workers[i].same);
	}
	pthread_barrier_destroy(&computed);
	pthread_barrier_destroy(&go);
}

static void threads_compute_side_by_side_and_end(void **state)
{
	threads(state, false);
}

static void threads_outlive_the_plugin(void **state)
{
	threads(state, true);
}

/* cmocka has no group that skips itself. */
static bool is_offered(void)
{
	struct rv_core *core = core_new();
	bool offered = !rv_plugin_crypto_ipsecmb.init(rv_host_new(core, "crypto-ipsecmb")) &&
		       rv_registry_find(core->registry, "aead", "aes-gcm-16-128");

	talloc_free(core);
	return offered;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(aeads_and_those_of_others_open_each_other),
		TEST(ciphers_agree_with_those_of_others),
		TEST(macs_agree_with_those_of_others),
		TEST(macs_take_the_longest_packets),
		TEST(what_the_library_cannot_take_is_refused),
		TEST(threads_compute_side_by_side_and_end),
		TEST(threads_outlive_the_plugin),
	};

	if (!is_offered()) {
		fprintf(stderr, "this processor has no instructions for AES\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

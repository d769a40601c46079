// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-crypto-mlkem: ML-KEM against OpenSSL's answers, its checks, and its parts against FIPS 203 in plain
 * arithmetic.
 *
 * With arguments it computes what tests/system/test_mlkem.py asks for: SET keygen SEED, SET encaps EK M, SET decaps DK
 * C, all in hex; the answer is ek and dk, c and the secret, or the secret, a line each.
 */
#include "test.h"

#include "answers.h"
#include "keccak.h"
#include "mlkem.h"
#include "parts.h"
#include "sample.h"

#include <ravelin/algorithm.h>
#include <ravelin/error.h>

extern const struct rv_plugin rv_plugin_crypto_mlkem;

static const struct set {
	const char *name;
	const struct mlkem_set *set;
	size_t ek, dk, c; /* FIPS 203, Table 3 */
	uint16_t id;
} sets[N_SETS] = {
	{ "mlkem512", &mlkem_512, 800, 1632, 768, 35 },
	{ "mlkem768", &mlkem_768, 1184, 2400, 1088, 36 },
	{ "mlkem1024", &mlkem_1024, 1568, 3168, 1568, 37 },
};

/* A pair of keys and a ciphertext. */
struct keys {
	uint8_t d[MLKEM_SEED], z[MLKEM_SEED], m[MLKEM_SEED];
	uint8_t ek[MLKEM_EK_MAX + 1], dk[MLKEM_DK_MAX + 1], c[MLKEM_C_MAX + 1], shared[MLKEM_SHARED];
};

static const struct set *set_of(const char *name)
{
	for (size_t i = 0; i < N_SETS; i++)
		if (!strcmp(sets[i].name, name))
			return &sets[i];
	fail_msg("no parameter set %s", name);
	return NULL;
}

static void fill(uint8_t *out, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245u + 12345u;
		out[i] = (uint8_t)(seed >> 16);
	}
}

static void make(const struct set *s, struct keys *k, unsigned seed)
{
	fill(k->d, sizeof(k->d), 3 * seed);
	fill(k->z, sizeof(k->z), 3 * seed + 1);
	fill(k->m, sizeof(k->m), 3 * seed + 2);
	mlkem_keygen(s->set, k->d, k->z, k->ek, k->dk);
	assert_int_equal(mlkem_encaps(s->set, rv_bytes(k->ek, s->ek), k->m, k->c, k->shared), 0);
}

static int decaps(const struct set *s, const struct keys *k, uint8_t *shared)
{
	return mlkem_decaps(s->set, rv_bytes(k->dk, s->dk), rv_bytes(k->c, s->c), shared);
}

static void is(const char *what, const uint8_t *got, const char *want, size_t len)
{
	uint8_t octets[MLKEM_DK_MAX];

	assert_int_equal(test_hex(want, octets, sizeof(octets)), len);
	if (memcmp(got, octets, len))
		fail_msg("%s differs", what);
}

/* The first row of each set is one that others have published, too (vectors/make-vectors.py). */
static void everything_gives_openssl_s_answers(void **state)
{
	static const struct {
		const char *set, *seed, *ek, *dk, *m, *c, *shared, *bad, *rejected;
	} rows[] = {
#include "vectors/openssl.inc"
	};
	struct keys k;
	uint8_t seed[2 * MLKEM_SEED], shared[MLKEM_SHARED];

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct set *s = set_of(rows[i].set);
		assert_int_equal(test_hex(rows[i].seed, seed, sizeof(seed)), sizeof(seed));
		mlkem_keygen(s->set, seed, seed + MLKEM_SEED, k.ek, k.dk);
		is("ek", k.ek, rows[i].ek, s->ek);
		is("dk", k.dk, rows[i].dk, s->dk);
		assert_int_equal(test_hex(rows[i].m, k.m, sizeof(k.m)), sizeof(k.m));
		assert_int_equal(mlkem_encaps(s->set, rv_bytes(k.ek, s->ek), k.m, k.c, k.shared), 0);
		is("c", k.c, rows[i].c, s->c);
		is("the shared secret", k.shared, rows[i].shared, sizeof(k.shared));
		assert_int_equal(decaps(s, &k, shared), 0);
		is("the shared secret of a decapsulation", shared, rows[i].shared, sizeof(shared));
		assert_int_equal(test_hex(rows[i].bad, k.c, sizeof(k.c)), s->c);
		assert_int_equal(decaps(s, &k, shared), 0);
		is("the secret of a rejected ciphertext", shared, rows[i].rejected, sizeof(shared));
	}
}

/* FIPS 203, Algorithm 18: each changed bit gives J(z | c), and what is right again gives the right secret. */
static void a_changed_ciphertext_is_rejected_without_a_word(void **state)
{
	struct keys k;
	uint8_t shared[MLKEM_SHARED], wanted[MLKEM_SHARED];

	for (size_t i = 0; i < N_SETS; i++) {
		const struct set *s = &sets[i];
		make(s, &k, 1);
		for (size_t at = 0; at < s->c; at += 13) {
			uint8_t bit = (uint8_t)(1u << at % 8);
			k.c[at] ^= bit;
			assert_int_equal(decaps(s, &k, shared), 0);
			hash_j(k.z, rv_bytes(k.c, s->c), wanted);
			assert_memory_equal(shared, wanted, sizeof(shared));
			assert_memory_not_equal(shared, k.shared, sizeof(shared));
			k.c[at] ^= bit;
		}
		assert_int_equal(decaps(s, &k, shared), 0);
		assert_memory_equal(shared, k.shared, sizeof(shared));
	}
}

static void an_encapsulation_key_of_another_length_is_refused(void **state)
{
	struct keys k;
	uint8_t c[MLKEM_C_MAX], shared[MLKEM_SHARED];

	for (size_t i = 0; i < N_SETS; i++) {
		make(&sets[i], &k, 2);
		for (int d = -1; d <= 1; d++)
			assert_int_equal(
				mlkem_encaps(sets[i].set, rv_bytes(k.ek, sets[i].ek + (size_t)d), k.m, c, shared),
				d ? -RV_EKEY_VALUE : 0);
		assert_int_equal(mlkem_encaps(sets[i].set, rv_bytes(NULL, 0), k.m, c, shared), -RV_EKEY_VALUE);
	}
}

/* Writes a number of 12 bits at place n of an encoded vector. */
static void put(uint8_t *ek, size_t n, unsigned v)
{
	uint8_t *p = ek + n / 2 * 3;

	if (n % 2) {
		p[1] = (uint8_t)((p[1] & 0x0f) | v << 4);
		p[2] = (uint8_t)(v >> 4);
	} else {
		p[0] = (uint8_t)v;
		p[1] = (uint8_t)((p[1] & 0xf0) | v >> 8);
	}
}

/* FIPS 203, 7.2, the modulus check: each place, and the numbers from q on. */
static void an_encapsulation_key_with_a_number_that_is_not_below_q_is_refused(void **state)
{
	static const unsigned bad[] = { 3329, 3330, 3583, 3584, 4094, 4095 };
	struct keys k;
	uint8_t ek[MLKEM_EK_MAX], c[MLKEM_C_MAX], shared[MLKEM_SHARED];

	for (size_t i = 0; i < N_SETS; i++) {
		const struct set *s = &sets[i];
		make(s, &k, 3);
		for (size_t n = 0; n < (size_t)s->set->k * POLY_N; n++) {
			memcpy(ek, k.ek, s->ek);
			put(ek, n, bad[n % RV_COUNT(bad)]);
			memset(c, 0xee, sizeof(c));
			assert_int_equal(mlkem_encaps(s->set, rv_bytes(ek, s->ek), k.m, c, shared), -RV_EKEY_VALUE);
			assert_true(c[0] == 0xee && c[s->c - 1] == 0xee);
		}
		for (size_t n = 0; n < (size_t)s->set->k * POLY_N; n += 37) {
			memcpy(ek, k.ek, s->ek);
			put(ek, n, 3328);
			assert_int_equal(mlkem_encaps(s->set, rv_bytes(ek, s->ek), k.m, c, shared), 0);
		}
	}
}

/* FIPS 203, 7.3: the lengths and the hash. */
static void a_decapsulation_checks_its_input(void **state)
{
	struct keys k;
	uint8_t shared[MLKEM_SHARED];

	for (size_t i = 0; i < N_SETS; i++) {
		const struct set *s = &sets[i];
		struct rv_bytes c = { k.c, s->c };
		make(s, &k, 4);
		for (int d = -1; d <= 1; d++) {
			assert_int_equal(
				mlkem_decaps(s->set, rv_bytes(k.dk, s->dk), rv_bytes(k.c, s->c + (size_t)d), shared),
				d ? -RV_EKEY_VALUE : 0);
			assert_int_equal(mlkem_decaps(s->set, rv_bytes(k.dk, s->dk + (size_t)d), c, shared),
					 d ? -RV_EFAILED : 0);
		}
		for (size_t at = s->dk - 64 - s->ek; at < s->dk; at += 19) {
			bool in_z = at >= s->dk - 32;
			k.dk[at] ^= 0x10;
			assert_int_equal(mlkem_decaps(s->set, rv_bytes(k.dk, s->dk), c, shared),
					 in_z ? 0 : -RV_EFAILED);
			k.dk[at] ^= 0x10;
		}
	}
}

static void both_sides_agree_whatever_the_random_octets_are(void **state)
{
	struct keys k;
	uint8_t shared[MLKEM_SHARED];

	for (size_t i = 0; i < N_SETS; i++) {
		for (unsigned seed = 10; seed < 60; seed++) {
			make(&sets[i], &k, seed);
			assert_int_equal(decaps(&sets[i], &k, shared), 0);
			assert_memory_equal(shared, k.shared, sizeof(shared));
		}
	}
}

/* The parts, against FIPS 203 in plain arithmetic */

static unsigned bit_rev_7(unsigned i)
{
	unsigned r = 0;

	for (int b = 0; b < 7; b++)
		r |= (i >> b & 1) << (6 - b);
	return r;
}

static int64_t power_17(unsigned n)
{
	int64_t v = 1;

	while (n--)
		v = v * 17 % POLY_Q;
	return v;
}

static int64_t mod_q(int64_t v)
{
	return (v % POLY_Q + POLY_Q) % POLY_Q;
}

static void random_poly(struct poly *p, unsigned seed, int below)
{
	uint8_t octets[2 * POLY_N];

	fill(octets, sizeof(octets), seed);
	for (size_t i = 0; i < POLY_N; i++)
		p->c[i] = (int16_t)((octets[2 * i] | octets[2 * i + 1] << 8) % below);
}

static void reductions_are_exact_in_their_whole_range(void **state)
{
	for (int32_t a = INT16_MIN; a <= INT16_MAX; a++) {
		int16_t r = poly_barrett((int16_t)a);
		assert_int_equal(mod_q(r), mod_q(a));
		assert_true(r >= -(POLY_Q - 1) / 2 && r <= (POLY_Q - 1) / 2);
	}
	for (int64_t a = -POLY_Q * INT64_C(32768) + 1; a < POLY_Q * INT64_C(32768); a += 997) {
		int16_t r = poly_montgomery((int32_t)a);
		assert_int_equal(mod_q(r * INT64_C(65536)), mod_q(a));
		assert_true(r > -POLY_Q && r < POLY_Q);
	}
}

/* FIPS 203, 4.3: the transform's pair i is f modulo X^2 - 17^(2 BitRev7(i) + 1). */
static void the_transform_is_what_the_standard_defines(void **state)
{
	struct poly f, t;

	random_poly(&f, 5, POLY_Q);
	t = f;
	poly_ntt(&t);
	for (unsigned i = 0; i < 128; i++) {
		int64_t gamma = power_17(2 * bit_rev_7(i) + 1), even = 0, odd = 0;
		for (int j = 254; j >= 0; j -= 2) {
			even = (even * gamma + f.c[j]) % POLY_Q;
			odd = (odd * gamma + f.c[j + 1]) % POLY_Q;
		}
		assert_int_equal(mod_q(t.c[2 * i]), even);
		assert_int_equal(mod_q(t.c[2 * i + 1]), odd);
	}
}

/* Products in the transform's domain are products modulo X^256 + 1: the largest numbers and four at a time. */
static void products_are_those_of_the_ring(void **state)
{
	struct poly_sum sum = { 0 };
	struct poly a[4], b[4], got;
	int64_t want[POLY_N] = { 0 };

	for (unsigned n = 0; n < 4; n++) {
		random_poly(&a[n], 7 + n, n ? POLY_Q : 1);
		random_poly(&b[n], 70 + n, POLY_Q);
		for (size_t i = 0; !n && i < POLY_N; i++)
			a[n].c[i] = POLY_Q - 1;
		for (size_t i = 0; i < POLY_N; i++)
			for (size_t j = 0; j < POLY_N; j++)
				want[(i + j) % POLY_N] += (i + j < POLY_N ? 1 : -1) * a[n].c[i] * b[n].c[j];
		poly_ntt(&a[n]);
		poly_ntt(&b[n]);
		poly_freeze(&a[n]);
		poly_mul_add(&sum, &a[n], &b[n]);
	}
	poly_inverse_ntt(&got, &sum);
	poly_freeze(&got);
	for (size_t i = 0; i < POLY_N; i++)
		assert_int_equal(got.c[i], mod_q(want[i]));
}

/* FIPS 203, 4.2.1, (4.7) and (4.8), for every number and every d. */
static void compression_rounds_as_the_standard_says(void **state)
{
	struct poly p, q;

	for (unsigned d = 1; d <= 11; d++) {
		for (int from = 0; from < POLY_Q; from += POLY_N) {
			for (int i = 0; i < POLY_N; i++)
				p.c[i] = (int16_t)((from + i) % POLY_Q);
			q = p;
			compress(&q, d);
			for (int i = 0; i < POLY_N; i++)
				assert_int_equal(q.c[i], (2 * (p.c[i] << d) + POLY_Q) / (2 * POLY_Q) % (1 << d));
		}
		for (int from = 0; from < 1 << d; from += POLY_N) {
			for (int i = 0; i < POLY_N; i++)
				p.c[i] = (int16_t)((from + i) % (1 << d));
			q = p;
			decompress(&q, d);
			for (int i = 0; i < POLY_N; i++)
				assert_int_equal(q.c[i], (2 * POLY_Q * p.c[i] + (1 << d)) / (2 << d));
			compress(&q, d);
			assert_memory_equal(&q, &p, sizeof(p));
		}
	}
}

/* FIPS 203, Algorithms 3 to 6, bit by bit. */
static void encoding_puts_every_bit_in_its_place(void **state)
{
	uint8_t octets[384], guard[385];
	struct poly p, again;

	for (unsigned d = 1; d <= 12; d++) {
		random_poly(&p, d, 1 << d);
		memset(guard, 0xee, sizeof(guard));
		encode(&p, d, guard);
		assert_int_equal(guard[encoded_len(d)], 0xee);
		memcpy(octets, guard, sizeof(octets));
		for (size_t bit = 0; bit < POLY_N * d; bit++)
			assert_int_equal(octets[bit / 8] >> bit % 8 & 1, p.c[bit / d] >> bit % d & 1);
		decode(&again, d, octets);
		assert_memory_equal(&again, &p, sizeof(p));
	}
}

/* FIPS 203, Algorithm 8. */
static void noise_is_the_difference_of_two_sums_of_bits(void **state)
{
	uint8_t seed[MLKEM_SEED], octets[192];
	struct poly p;

	fill(seed, sizeof(seed), 77);
	for (unsigned eta = 2; eta <= 3; eta++) {
		sample_noise(&p, seed, 9, eta);
		hash_prf(seed, 9, octets, (size_t)64 * eta);
		for (size_t i = 0; i < POLY_N; i++) {
			int c = 0;
			for (size_t j = 0; j < 2 * eta; j++) {
				size_t bit = 2 * i * eta + j;
				c += (octets[bit / 8] >> bit % 8 & 1) * (j < eta ? 1 : -1);
			}
			assert_int_equal(p.c[i], c);
		}
	}
}

/* FIPS 202: NIST's examples of nothing and of 200 octets; SHAKE128 by Python's hashlib. */
static void the_hash_functions_are_fips_202_s(void **state)
{
	static const uint8_t a3[200] = { [0 ... 199] = 0xa3 };
	uint8_t out[XOF_BLOCK];
	struct hash_xof xof;

	hash_h(rv_bytes(NULL, 0), out);
	is("SHA3-256 of nothing", out, "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a", 32);
	hash_h(rv_bytes(a3, sizeof(a3)), out);
	is("SHA3-256 of 200 octets", out, "79f38adec5c20307a98ef76e8324afbfd46cfd81b22e3973c65fa1bd9de31787", 32);
	hash_g(rv_bytes(a3, 77), rv_bytes(a3, 123), out);
	is("SHA3-512 of 200 octets", out,
	   "e76dfad22084a8b1467fcf2ffa58361bec7628edf5f3fdc0e4805dc48caeeca8"
	   "1b7c13c30adf52a3659584739a2df46be589c51ca1a4a8416df6545a1ce8ba00",
	   64);
	hash_j(a3, rv_bytes(a3, 168), out);
	is("SHAKE256 of 200 octets", out, "cd8a920ed141aa0407a22d59288652e9d9f1a7ee0c1e7c1ca699424da84a904d", 32);
	hash_xof_start(&xof, a3, 0xa3, 0xa3);
	hash_xof_next(&xof, out);
	is("SHAKE128 of 34 octets", out, "552d5ca8a72559a81149b1aaa4a6208c22d88c6ce30564f02c93b0d099e6b631", 32);
	hash_xof_next(&xof, out);
	is("SHAKE128 of 34 octets, second block", out,
	   "2231fcea1ef700a09572fa8e2fa6c631fe7a1bdde0531ba4a50b4a660cf06911", 32);
}

/* The services */

static int setup(void **state)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	assert_non_null(core);
	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->registry = rv_registry_new(core, core);
	assert_int_equal(rv_plugin_crypto_mlkem.init(rv_host_new(core, "crypto-mlkem")), 0);
	*state = core;
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

static void each_service_has_passed_its_self_test_and_has_its_sizes_and_word(void **state)
{
	struct rv_core *core = *state;

	for (size_t i = 0; i < N_SETS; i++) {
		struct rv_transform t = { .class = RV_CLASS_KE, .id = sets[i].id };
		struct rv_service *service = rv_algorithm_service(core->registry, &t);
		assert_non_null(service);
		assert_string_equal(rv_service_name(service), sets[i].name);
		assert_string_equal(rv_service_self_test(service), "passed: 3 vectors");
		assert_int_equal(rv_service_attr(service, "ikev2", -1), sets[i].id);
		assert_string_equal(rv_algorithm_find(core->registry, &t)->word, sets[i].name);
		assert_int_equal(rv_algorithm_find(core->registry, &t)->rank, 0);
		const struct rv_ke_ops *ops = rv_service_ops(service);
		assert_int_equal(ops->public_i_len, sets[i].ek);
		assert_int_equal(ops->secret_len, sets[i].dk);
		assert_int_equal(ops->public_r_len, sets[i].c);
		assert_int_equal(ops->shared_len, 32);
	}
}

/* Services that take every ciphertext, or reject every one. self is the real service. */
static int generate_of(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i)
{
	const struct rv_ke_ops *ops = rv_service_ops(self);

	return ops->generate(rv_service_self(self), random, secret, public_i);
}

static int respond_of(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared)
{
	const struct rv_ke_ops *ops = rv_service_ops(self);

	return ops->respond(rv_service_self(self), random, public_i, public_r, shared);
}

static int take_all(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared)
{
	const struct rv_ke_ops *ops = rv_service_ops(self);
	int r = ops->complete(rv_service_self(self), secret, public_r, shared);
	uint8_t rejected[MLKEM_SHARED];

	if (r)
		return r;
	hash_j(secret + ops->secret_len - MLKEM_SEED, public_r, rejected);
	if (!memcmp(rejected, shared, sizeof(rejected)))
		shared[0] ^= 1;
	return 0;
}

static int reject_all(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared)
{
	const struct rv_ke_ops *ops = rv_service_ops(self);
	int r = ops->complete(rv_service_self(self), secret, public_r, shared);

	if (!r)
		hash_j(secret + ops->secret_len - MLKEM_SEED, public_r, shared);
	return r;
}

static void the_self_test_finds_a_service_that_does_not_tell_ciphertexts_apart(void **state)
{
	int (*const mutants[])(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared) = {
		take_all,
		reject_all,
	};
	struct rv_core *core = *state;

	for (size_t i = 0; i < N_SETS; i++) {
		struct rv_service *service = rv_registry_find(core->registry, "ke", sets[i].name);
		for (size_t m = 0; m < RV_COUNT(mutants); m++) {
			assert_non_null(service);
			struct rv_ke_ops ops = *(const struct rv_ke_ops *)rv_service_ops(service);
			struct rv_host *host = rv_host_new(core, "mutant");
			struct rv_offer offer = { .name = "mutant",
						  .vectors = mlkem_answers[i],
						  .n_vectors = N_ANSWERS };
			ops.complete = mutants[m];
			ops.generate = generate_of;
			ops.respond = respond_of;
			assert_int_equal(rv_ke_offer(host, offer, &ops, service), -RV_ESELF_TEST);
			assert_null(rv_registry_find(core->registry, "ke", "mutant"));
			talloc_free(host);
		}
	}
}

/* For another program */

static void print(const uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", octets[i]);
	putchar('\n');
}

static int compute(const struct set *s, const char *what, const char *first, const char *second)
{
	struct keys k = { 0 };
	uint8_t in[2][MLKEM_DK_MAX + 1];
	struct rv_bytes a = { in[0], test_hex(first, in[0], sizeof(in[0])) };
	struct rv_bytes b = { in[1], test_hex(second, in[1], sizeof(in[1])) };
	int r = 0;

	if (!strcmp(what, "keygen") && a.len == 2 * MLKEM_SEED) {
		mlkem_keygen(s->set, a.p, a.p + MLKEM_SEED, k.ek, k.dk);
		print(k.ek, s->ek);
		print(k.dk, s->dk);
		return 0;
	}
	if (!strcmp(what, "encaps") && b.len == MLKEM_SEED) {
		r = mlkem_encaps(s->set, a, b.p, k.c, k.shared);
		print(k.c, s->c);
	} else {
		r = mlkem_decaps(s->set, a, b, k.shared);
	}
	print(k.shared, sizeof(k.shared));
	return r ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_functions_are_fips_202_s),
		cmocka_unit_test(reductions_are_exact_in_their_whole_range),
		cmocka_unit_test(the_transform_is_what_the_standard_defines),
		cmocka_unit_test(products_are_those_of_the_ring),
		cmocka_unit_test(compression_rounds_as_the_standard_says),
		cmocka_unit_test(encoding_puts_every_bit_in_its_place),
		cmocka_unit_test(noise_is_the_difference_of_two_sums_of_bits),
		cmocka_unit_test(everything_gives_openssl_s_answers),
		cmocka_unit_test(a_changed_ciphertext_is_rejected_without_a_word),
		cmocka_unit_test(an_encapsulation_key_of_another_length_is_refused),
		cmocka_unit_test(an_encapsulation_key_with_a_number_that_is_not_below_q_is_refused),
		cmocka_unit_test(a_decapsulation_checks_its_input),
		cmocka_unit_test(both_sides_agree_whatever_the_random_octets_are),
		cmocka_unit_test(each_service_has_passed_its_self_test_and_has_its_sizes_and_word),
		cmocka_unit_test(the_self_test_finds_a_service_that_does_not_tell_ciphertexts_apart),
	};

	if (argc > 3)
		return compute(set_of(argv[1]), argv[2], argv[3], argc > 4 ? argv[4] : "");
	return cmocka_run_group_tests(tests, setup, teardown);
}

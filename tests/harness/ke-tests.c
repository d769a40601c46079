// SPDX-License-Identifier: LGPL-2.1-or-later
/* ke-tests: what every provider of MODP (RFC 3526), ECP (RFC 5903), X25519 and X448 (RFC 7748) must do. */
#include "ke-tests.h"

#include "parts.h"

#include <known-answers.h>

enum { MAX = 1024, MAX_RANDOM = 80, PRIME = -1000 };

struct ke ke_find(struct rv_core *core, const char *name)
{
	struct rv_service *service = rv_registry_find(core->registry, "ke", name);

	if (!service)
		fail_msg("no key exchange %s", name);
	return (struct ke){ .ops = rv_service_ops(service), .self = rv_service_self(service) };
}

static const struct {
	const char *name;
	int64_t ikev2;
	uint16_t public_len, shared_len;
} rows[] = {
	{ "x25519", 31, 32, 32 },	{ "x448", 32, 56, 56 },	      { "ecp256", 19, 64, 32 },
	{ "ecp384", 20, 96, 48 },	{ "ecp521", 21, 132, 66 },    { "modp2048", 14, 256, 256 },
	{ "modp3072", 15, 384, 384 },	{ "modp4096", 16, 512, 512 }, { "modp6144", 17, 768, 768 },
	{ "modp8192", 18, 1024, 1024 },
};

void ke_fill(uint8_t *out, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245u + 12345u;
		out[i] = (uint8_t)(seed >> 16);
	}
}

static void every_group_has_passed_its_known_answers_and_has_its_sizes(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_service *service = rv_registry_find(((struct rv_core *)*state)->registry, "ke", rows[i].name);
		assert_non_null(service);
		const struct rv_ke_ops *ops = rv_service_ops(service);
		bool modp = !strncmp(rows[i].name, "modp", 4);
		assert_string_equal(rv_service_self_test(service), modp ? "passed: 1 vector" : "passed: 2 vectors");
		assert_int_equal(rv_service_attr(service, "ikev2", -1), rows[i].ikev2);
		assert_int_equal(ops->public_i_len, rows[i].public_len);
		assert_int_equal(ops->public_r_len, rows[i].public_len);
		assert_int_equal(ops->shared_len, rows[i].shared_len);
	}
}

static void both_sides_get_one_secret_and_random_octets_decide_all(void **state)
{
	uint8_t random[2][128], secret[128], i[MAX], r[MAX], shared_i[MAX], shared_r[MAX], again[MAX];

	for (size_t n = 0; n < RV_COUNT(rows); n++) {
		struct ke ke = ke_find(*state, rows[n].name);
		for (unsigned seed = 0; seed < (rows[n].public_len > 256 ? 1 : 4); seed++) {
			ke_fill(random[0], sizeof(random[0]), 2 * seed + 1);
			ke_fill(random[1], sizeof(random[1]), 2 * seed + 2);
			assert_int_equal(ke.ops->generate(ke.self, random[0], secret, i), 0);
			assert_int_equal(
				ke.ops->respond(ke.self, random[1], rv_bytes(i, rows[n].public_len), r, shared_r), 0);
			assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(r, rows[n].public_len), shared_i),
					 0);
			assert_memory_equal(shared_i, shared_r, rows[n].shared_len);
			assert_int_equal(ke.ops->generate(ke.self, random[0], secret, again), 0);
			assert_memory_equal(i, again, rows[n].public_len);
			assert_int_equal(ke.ops->generate(ke.self, random[1], secret, again), 0);
			assert_memory_equal(r, again, rows[n].public_len);
		}
	}
}

static void a_public_value_of_another_length_is_refused(void **state)
{
	uint8_t random[128] = { 1 }, secret[128], public[MAX + 1] = { 0 }, shared[MAX], out[MAX];

	for (size_t n = 0; n < RV_COUNT(rows); n++) {
		struct ke ke = ke_find(*state, rows[n].name);
		assert_int_equal(ke.ops->generate(ke.self, random, secret, public), 0);
		for (int d = -1; d <= 1; d++) {
			struct rv_bytes value = rv_bytes(public, (size_t)(rows[n].public_len + d));
			int wanted = d ? -RV_EKEY_VALUE : 0;
			assert_int_equal(ke.ops->complete(ke.self, secret, value, shared), wanted);
			assert_int_equal(ke.ops->respond(ke.self, random, value, out, shared), wanted);
		}
		assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(NULL, 0), shared), -RV_EKEY_VALUE);
	}
}

/* RFC 7748, 6: points of small order (those of Curve25519's table of 7 low-order u and their non-canonical forms). */
static void x25519_and_x448_refuse_points_of_small_order(void **state)
{
	static const struct {
		const char *name, *value;
	} small[] = {
		{ "x25519", "0000000000000000000000000000000000000000000000000000000000000000" },
		{ "x25519", "0100000000000000000000000000000000000000000000000000000000000000" },
		{ "x25519", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800" },
		{ "x25519", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157" },
		{ "x25519", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
		{ "x25519", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
		{ "x25519", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
		{ "x25519", "0000000000000000000000000000000000000000000000000000000000000080" },
		{ "x448", "0000000000000000000000000000000000000000000000000000000000000000"
			  "000000000000000000000000000000000000000000000000" },
		{ "x448", "0100000000000000000000000000000000000000000000000000000000000000"
			  "000000000000000000000000000000000000000000000000" },
		{ "x448", "fefffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffff"
			  "ffffffffffffffffffffffffffffffffffffffffffffffff" },
		{ "x448", "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffff"
			  "ffffffffffffffffffffffffffffffffffffffffffffffff" },
		{ "x448", "00000000000000000000000000000000000000000000000000000000ffffffff"
			  "ffffffffffffffffffffffffffffffffffffffffffffffff" },
	};
	uint8_t random[MAX_RANDOM], secret[2 * MAX_RANDOM], value[56], public[56], shared[56];

	ke_fill(random, sizeof(random), 7);
	for (size_t i = 0; i < RV_COUNT(small); i++) {
		struct ke ke = ke_find(*state, small[i].name);
		size_t len = test_hex(small[i].value, value, sizeof(value));
		assert_int_equal(len, ke.ops->public_i_len);
		assert_int_equal(ke.ops->generate(ke.self, random, secret, public), 0);
		assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(value, len), shared), -RV_EKEY_VALUE);
		assert_int_equal(ke.ops->respond(ke.self, random, rv_bytes(value, len), public, shared),
				 -RV_EKEY_VALUE);
	}
}

/* RFC 8031, 3.2: the highest bit of X25519 is masked; values that are not canonical are accepted. */
static void x25519_masks_the_highest_bit_and_takes_non_canonical_values(void **state)
{
	struct ke ke = ke_find(*state, "x25519");
	uint8_t random[32], secret[2 * MAX_RANDOM], nine[32] = { 9 }, other[32], a[32], b[32];

	ke_fill(random, sizeof(random), 3);
	assert_int_equal(ke.ops->generate(ke.self, random, secret, a), 0);
	assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(nine, 32), a), 0);
	nine[31] |= 0x80;
	assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(nine, 32), b), 0);
	assert_memory_equal(a, b, 32);
	/* 9 + p, p = 2^255 - 19 */
	memset(other, 0xff, sizeof(other));
	other[0] = 0xf6;
	other[31] = 0x7f;
	assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(other, 32), b), 0);
	assert_memory_equal(a, b, 32);
}

static const struct {
	const char *name, *prime, *order, *gx, *gy;
} curves[] = {
	{ "ecp256", "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
	  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
	  "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
	  "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5" },
	{ "ecp384", "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
	  "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
	  "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
	  "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f" },
	{ "ecp521",
	  "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	  "ffffffffffffffffffffffffffffffff",
	  "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d0"
	  "3bb5c9b8899c47aebb6fb71e91386409",
	  "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de"
	  "3348b3c1856a429bf97e7e31c2e5bd66",
	  "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761"
	  "353c7086a272c24088be94769fd16650" },
};

/* x | y of len octets each. */
static void point(uint8_t *out, size_t len, const char *x, const char *y)
{
	assert_int_equal(test_hex(x, out, len), len);
	assert_int_equal(test_hex(y, out + len, len), len);
}

/* RFC 6989, 2.3 */
static void an_ecp_public_value_must_be_a_point_of_the_curve(void **state)
{
	uint8_t secret[66], value[132], shared[66];

	for (size_t i = 0; i < RV_COUNT(curves); i++) {
		struct ke ke = ke_find(*state, curves[i].name);
		size_t len = ke.ops->shared_len;
		memset(secret, 0, sizeof(secret));
		secret[len - 1] = 3;
		point(value, len, curves[i].gx, curves[i].gy);
		assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(value, 2 * len), shared), 0);
		for (size_t at = 0; at < 2 * len; at += 7) {
			value[at] ^= 1; /* off the curve, or a coordinate out of range */
			assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(value, 2 * len), shared),
					 -RV_EKEY_VALUE);
			value[at] ^= 1;
		}
		point(value, len, curves[i].gx, curves[i].prime); /* y = p */
		assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(value, 2 * len), shared), -RV_EKEY_VALUE);
		point(value, len, curves[i].prime, curves[i].gy); /* x = p */
		assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(value, 2 * len), shared), -RV_EKEY_VALUE);
		memset(value, 0, sizeof(value)); /* nettle's form of infinity */
		assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(value, 2 * len), shared), -RV_EKEY_VALUE);
		memset(value, 0xff, sizeof(value));
		assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(value, 2 * len), shared), -RV_EKEY_VALUE);
	}
}

/* Private keys are 1 + random mod (order - 1): the edges give 1 and order - 1, never 0 or order. */
static void an_ecp_private_key_is_between_zero_and_the_order(void **state)
{
	static const struct {
		int plus; /* to the order, as random octets */
		int key;  /* the private key; negative: from the order */
	} edges[] = { { -2, -1 }, { -1, 1 }, { 0, 2 }, { 1, 3 } };
	uint8_t random[74], order[66], secret[66], public[132], g[132], wanted[66];

	for (size_t i = 0; i < RV_COUNT(curves); i++) {
		struct ke ke = ke_find(*state, curves[i].name);
		size_t len = ke.ops->secret_len;
		assert_int_equal(test_hex(curves[i].order, order, sizeof(order)), len);
		point(g, len, curves[i].gx, curves[i].gy);
		memset(random, 0, sizeof(random));
		assert_int_equal(ke.ops->generate(ke.self, random, secret, public), 0);
		assert_memory_equal(public, g, 2 * len);
		for (size_t e = 0; e < RV_COUNT(edges); e++) {
			memset(random, 0, sizeof(random));
			memcpy(random + ke.ops->n_random - len, order, len);
			random[ke.ops->n_random - 1] = (uint8_t)(order[len - 1] + edges[e].plus);
			memset(wanted, 0, sizeof(wanted));
			if (edges[e].key < 0)
				memcpy(wanted, order, len);
			wanted[len - 1] = (uint8_t)(wanted[len - 1] + edges[e].key);
			assert_int_equal(ke.ops->generate(ke.self, random, secret, public), 0);
			assert_memory_equal(secret, wanted, len);
			if (edges[e].key == 1 || edges[e].key == -1) /* G and -G have one x */
				assert_memory_equal(public, g, len);
		}
		memset(random, 0xff, sizeof(random));
		assert_int_equal(ke.ops->generate(ke.self, random, secret, public), 0);
		assert_true(memcmp(secret, order, len) < 0);
	}
}

/* RFC 6989, 2.1 */
static void a_modp_public_value_must_be_in_range(void **state)
{
	static const struct {
		int value; /* from 0, or from the prime when negative (PRIME: the prime itself) */
		bool ok;
	} values[] = { { 0, false }, { 1, false }, { 2, true }, { -2, true }, { -1, false }, { PRIME, false } };
	uint8_t random[MAX_RANDOM] = { 0x80 }, secret[MAX_RANDOM], value[MAX], shared[MAX], public[MAX];

	for (size_t i = 0; i < N_MODP; i++) {
		struct ke ke = ke_find(*state, rows[5 + i].name);
		size_t len = ke.ops->public_i_len;
		assert_int_equal(ke.ops->generate(ke.self, random, secret, public), 0);
		for (size_t v = 0; v < RV_COUNT(values); v++) {
			memset(value, 0, len);
			if (values[v].value < 0) /* it ends in 0xff */
				assert_int_equal(test_hex(modp_primes[i], value, len), len);
			value[len - 1] = (uint8_t)(value[len - 1] + (values[v].value == PRIME ? 0 : values[v].value));
			int wanted = values[v].ok ? 0 : -RV_EKEY_VALUE;
			assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(value, len), shared), wanted);
			assert_int_equal(ke.ops->respond(ke.self, random, rv_bytes(value, len), public, shared),
					 wanted);
		}
		memset(value, 0xff, len); /* more than the prime */
		assert_int_equal(ke.ops->complete(ke.self, secret, rv_bytes(value, len), shared), -RV_EKEY_VALUE);
	}
}

const struct CMUnitTest ke_tests[N_KE_TESTS] = {
	cmocka_unit_test(every_group_has_passed_its_known_answers_and_has_its_sizes),
	cmocka_unit_test(both_sides_get_one_secret_and_random_octets_decide_all),
	cmocka_unit_test(a_public_value_of_another_length_is_refused),
	cmocka_unit_test(x25519_and_x448_refuse_points_of_small_order),
	cmocka_unit_test(x25519_masks_the_highest_bit_and_takes_non_canonical_values),
	cmocka_unit_test(an_ecp_public_value_must_be_a_point_of_the_curve),
	cmocka_unit_test(an_ecp_private_key_is_between_zero_and_the_order),
	cmocka_unit_test(a_modp_public_value_must_be_in_range),
};

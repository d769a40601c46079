// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-keys: keys against an independent computation (vectors/make-vectors.py), and the limits of prf+. */
#include "test.h"

#include "octets/keys.h"
#include "octets/payload.h"
#include "test-services.h"

struct key_row {
	const char *what, *prf, *ni, *nr, *shared, *spi_i, *spi_r, *old_prf, *old_d;
	uint16_t integ_len, encr_len;
	const char *keys;
};

static const struct key_row key_rows[] = {
#include "vectors/keys.inc"
};

static struct rv_bytes hex(const char *text, uint8_t *buf, size_t cap)
{
	return rv_bytes(buf, test_hex(text, buf, cap));
}

static uint64_t number(const char *text)
{
	uint8_t buf[8];
	struct rv_rd r = rv_rd(hex(text, buf, sizeof(buf)));

	return rv_rd_u64(&r);
}

static void check_keys(struct rv_core *core, const struct key_row *row)
{
	uint8_t ni[256], nr[256], shared[1024], old_d[64];
	struct rv_service *prf = test_service(core, "prf", row->prf);
	const struct rv_prf_ops *ops = rv_service_ops(prf);
	const struct rv_suite suite = { .aead = row->integ_len == 0,
					.key_len = row->encr_len,
					.integ_len = row->integ_len };
	const struct ike_key_input in = {
		.ni = hex(row->ni, ni, sizeof(ni)),
		.nr = hex(row->nr, nr, sizeof(nr)),
		.shared = hex(row->shared, shared, sizeof(shared)),
		.spi_i = number(row->spi_i),
		.spi_r = number(row->spi_r),
		.old_prf = row->old_prf ? test_service(core, "prf", row->old_prf) : NULL,
		.old_d = hex(row->old_d, old_d, sizeof(old_d)),
	};
	struct ike_keys keys;
	uint8_t all[1024];
	struct rv_wr w = rv_wr(all, sizeof(all));

	assert_int_equal(ike_keys_make(&keys, core, core->vault, prf, &suite, &in), 0);
	test_assert_hex(row->what, rv_secret_bytes(keys.block), row->keys);
	assert_int_equal(keys.d.len, ops->key_len);
	assert_int_equal(keys.ai.len, row->integ_len);
	assert_int_equal(keys.er.len, row->encr_len);
	assert_int_equal(keys.pr.len, ops->key_len);
	for (size_t i = 0; i < 7; i++)
		rv_wr_put(&w,
			  (const struct rv_bytes[]){ keys.d, keys.ai, keys.ar, keys.ei, keys.er, keys.pi, keys.pr }[i]);
	test_assert_hex(row->what, rv_wr_bytes(&w), row->keys);
	talloc_free(keys.block);
}

static void keys_of_an_ike_sa_are_those_of_another_implementation(void **state)
{
	struct rv_core *core = test_core();

	for (size_t i = 0; i < RV_COUNT(key_rows); i++)
		check_keys(core, &key_rows[i]);
	test_core_end(core);
}

static const struct {
	const char *what, *prf, *d, *shared, *ni, *nr;
	uint16_t encr_len, integ_len;
	const char *keys;
} keymat_rows[] = {
#include "vectors/keymat.inc"
};

static void keys_of_a_child_sa_are_those_of_another_implementation(void **state)
{
	struct rv_core *core = test_core();

	for (size_t i = 0; i < RV_COUNT(keymat_rows); i++) {
		uint8_t d[64], shared[256], ni[32], nr[32], all[512];
		struct rv_wr w = rv_wr(all, sizeof(all));
		struct ike_child_keys keys;
		struct rv_child_keys ours, theirs;

		assert_int_equal(ike_child_keys_make(
					 &keys, core, core->vault, test_service(core, "prf", keymat_rows[i].prf),
					 hex(keymat_rows[i].d, d, sizeof(d)),
					 hex(keymat_rows[i].shared, shared, sizeof(shared)),
					 hex(keymat_rows[i].ni, ni, sizeof(ni)), hex(keymat_rows[i].nr, nr, sizeof(nr)),
					 keymat_rows[i].encr_len, keymat_rows[i].integ_len),
				 0);
		ours = ike_child_keys_view(&keys, true);
		theirs = ike_child_keys_view(&keys, false);
		rv_wr_put(&w, ours.encr_out);
		rv_wr_put(&w, ours.integ_out);
		rv_wr_put(&w, theirs.encr_out);
		rv_wr_put(&w, theirs.integ_out);
		test_assert_hex(keymat_rows[i].what, rv_wr_bytes(&w), keymat_rows[i].keys);
		assert_int_equal(ours.encr_out.len, keymat_rows[i].encr_len);
		assert_true(ours.encr_in.p == theirs.encr_out.p && ours.integ_in.p == theirs.integ_out.p);
		assert_true(ours.encr_out.p == theirs.encr_in.p && ours.integ_out.p == theirs.integ_in.p);
		talloc_free(keys.block);
	}
	test_core_end(core);
}

static void prf_plus_ends_at_255_rounds(void **state)
{
	struct rv_core *core = test_core();
	struct rv_service *prf = test_service(core, "prf", "hmac-sha256");
	const size_t limit = 255 * 32;
	const struct rv_bytes seed[7] = { RV_STR("seed") };
	uint8_t *out = talloc_zero_size(core, limit + 1), *shorter = talloc_zero_size(core, limit);

	assert_int_equal(ike_prf_plus(prf, RV_STR("key"), seed, 1, out, limit), 0);
	assert_int_equal(ike_prf_plus(prf, RV_STR("key"), seed, 1, shorter, limit - 1), 0);
	assert_memory_equal(out, shorter, limit - 1);
	assert_int_equal(shorter[limit - 1], 0);
	assert_int_equal(ike_prf_plus(prf, RV_STR("key"), seed, 1, out, limit + 1), -RV_ELIMIT);
	assert_int_equal(out[0], 0);
	assert_int_equal(ike_prf_plus(prf, RV_STR("key"), seed, 6, out, 32), 0);
	assert_int_equal(ike_prf_plus(prf, RV_STR("key"), seed, 7, out, 32), -RV_ELIMIT);
	test_core_end(core);
}

/* A PRF that shows its key and fails when asked to: the first octets of the key come out. */
static int show_key(void *self, struct rv_bytes key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out)
{
	struct rv_wr w = rv_wr(out, 64);

	if (key.len == 0)
		return -RV_EFAILED;
	rv_wr_put(&w, rv_bytes(key.p, key.len < 64 ? key.len : 64));
	rv_wr_zero(&w, 64 - rv_wr_len(&w));
	return 0;
}

static const struct rv_prf_ops show_ops = { .size = sizeof(show_ops), .out_len = 64, .key_len = 16, .prf = show_key };
static const struct rv_attr show_attrs[] = { { "ikev2-nonce-octets", 8 } };

#define ZEROES16 "00000000000000000000000000000000"
static const struct rv_vector show_vectors[] = {
	{ .source = "by definition", .key = ZEROES16, .in = "00", .out = ZEROES16 ZEROES16 ZEROES16 ZEROES16 },
};

/* Offers it under this name, with the first n_attrs attributes. */
static struct rv_service *show_prf(struct rv_core *core, const char *name, size_t n_attrs)
{
	struct rv_host *host = rv_host_new(core, name);
	const struct rv_offer offer = {
		.name = name,
		.attrs = show_attrs,
		.n_attrs = n_attrs,
		.vectors = show_vectors,
		.n_vectors = RV_COUNT(show_vectors),
	};

	assert_non_null(host);
	assert_int_equal(rv_prf_offer(host, offer, &show_ops, NULL), 0);
	return test_service(core, "prf", name);
}

static void a_prf_may_take_only_the_first_octets_of_the_nonces(void **state)
{
	struct rv_core *core = test_core();
	const struct rv_suite suite = { .aead = true, .key_len = 20 };
	const struct ike_key_input in = { .ni = RV_STR("initiator's nonce"), .nr = RV_STR("responder's nonce") };
	struct ike_keys keys = { 0 };

	assert_int_equal(ike_keys_make(&keys, core, core->vault, show_prf(core, "short", 1), &suite, &in), 0);
	assert_true(rv_bytes_equal(keys.d, RV_STR("initiatoresponde")));
	assert_int_equal(ike_keys_make(&keys, core, core->vault, show_prf(core, "long", 0), &suite, &in), 0);
	assert_true(rv_bytes_equal(keys.d, RV_STR("initiator's nonc")));
	test_core_end(core);
}

static void a_failure_of_the_prf_leaves_keys_untouched(void **state)
{
	struct rv_core *core = test_core();
	const struct rv_bytes none = rv_bytes(NULL, 0), i = RV_STR("i"), r = RV_STR("r");
	const struct rv_suite suite = { .aead = true, .key_len = 20 };
	const struct ike_key_input in = { 0 };
	struct rv_service *prf = show_prf(core, "shows", 0);
	struct ike_keys keys = { 0 };
	struct ike_child_keys child = { 0 };
	size_t blocks = talloc_total_blocks(core);

	assert_int_equal(ike_keys_make(&keys, core, core->vault, prf, &suite, &in), -RV_EFAILED);
	assert_null(keys.block);
	assert_int_equal(ike_child_keys_make(&child, core, core->vault, prf, none, none, i, r, 16, 0), -RV_EFAILED);
	assert_null(child.block);
	assert_int_equal(ike_child_keys_make(&child, core, core->vault, prf, RV_STR("d"), none, i, r, 0, 0),
			 -RV_ELIMIT);
	assert_int_equal(talloc_total_blocks(core), blocks);
	test_core_end(core);
}

static int fill(void *self, struct rv_bytes key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out)
{
	*out = (uint8_t)key.len;
	return 0;
}

static void a_prf_has_at_least_128_bits(void **state)
{
	static const struct rv_prf_ops ops[] = {
		{ .size = sizeof(ops[0]), .out_len = 15, .key_len = 16, .prf = fill },
		{ .size = sizeof(ops[0]), .out_len = 16, .key_len = 16, .prf = fill },
	};
	static const struct rv_vector vectors[][1] = {
		{ { .source = "by definition",
		    .key = ZEROES16,
		    .in = "00",
		    .out = "10"
			   "0000000000000000000000000000" } },
		{ { .source = "by definition",
		    .key = ZEROES16,
		    .in = "00",
		    .out = "10"
			   "000000000000000000000000000000" } },
	};
	struct rv_core *core = test_core();

	for (size_t i = 0; i < RV_COUNT(ops); i++) {
		const char *name = i ? "enough" : "less";
		const struct rv_offer offer = { .name = name, .vectors = vectors[i], .n_vectors = 1 };
		uint8_t out[IKE_PRF_MAX];
		size_t len = 0;

		assert_int_equal(rv_prf_offer(rv_host_new(core, name), offer, &ops[i], NULL), 0);
		assert_int_equal(ike_prf(test_service(core, "prf", name), RV_STR("key"), NULL, 0, out, &len),
				 i ? 0 : -RV_ELIMIT);
		assert_int_equal(len, i ? 16 : 0);
	}
	test_core_end(core);
}

static void a_maced_id_is_the_prf_of_the_body(void **state)
{
	struct rv_core *core = test_core();
	uint8_t out[IKE_PRF_MAX];
	size_t len = 0;

	/* RFC 4231, 4.3 (test case 2) */
	assert_int_equal(ike_maced_id(test_service(core, "prf", "hmac-sha256"), RV_STR("Jefe"),
				      RV_STR("what do ya want for nothing?"), out, &len),
			 0);
	test_assert_hex("RFC 4231", rv_bytes(out, len),
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	test_core_end(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_an_ike_sa_are_those_of_another_implementation),
		cmocka_unit_test(keys_of_a_child_sa_are_those_of_another_implementation),
		cmocka_unit_test(prf_plus_ends_at_255_rounds),
		cmocka_unit_test(a_prf_may_take_only_the_first_octets_of_the_nonces),
		cmocka_unit_test(a_failure_of_the_prf_leaves_keys_untouched),
		cmocka_unit_test(a_prf_has_at_least_128_bits),
		cmocka_unit_test(a_maced_id_is_the_prf_of_the_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

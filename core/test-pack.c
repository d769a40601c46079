// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-pack: fields come back as they were put, damage is seen, and sealed octets open only with key and purpose. */
#include "test.h"

#include "world.h"

#include <ravelin/pack.h>
#include <talloc.h>

static void fields_come_back_in_order(void **state)
{
	struct rv_pack *pack = rv_pack_new(NULL);
	struct rv_bytes octets, value;
	uint16_t tag;

	rv_pack_u64(pack, 1, 0x0123456789abcdefu);
	rv_pack_put(pack, 2, RV_STR("hello"));
	rv_pack_put(pack, 0xffff, rv_bytes(NULL, 0));
	assert_true(rv_pack_done(pack, &octets));
	assert_int_equal(octets.len, 6 + 8 + 6 + 5 + 6);

	struct rv_unpack in = rv_unpack(octets);
	assert_true(rv_unpack_next(&in, &tag, &value));
	assert_int_equal(tag, 1);
	assert_true(rv_unpack_u64(&in, value) == 0x0123456789abcdefu);
	assert_true(rv_unpack_next(&in, &tag, &value));
	assert_int_equal(tag, 2);
	assert_true(rv_bytes_equal(value, RV_STR("hello")));
	assert_true(rv_unpack_next(&in, &tag, &value));
	assert_int_equal(tag, 0xffff);
	assert_int_equal(value.len, 0);
	assert_false(rv_unpack_next(&in, &tag, &value));
	assert_true(rv_unpack_done(&in));
	talloc_free(pack);
}

static void a_field_may_hold_fields_eight_deep(void **state)
{
	for (int depth = 7; depth <= 9; depth++) {
		struct rv_pack *pack = rv_pack_new(NULL);
		struct rv_bytes octets;
		uint16_t tag;

		for (int i = 0; i < depth; i++)
			rv_pack_open(pack, (uint16_t)i);
		rv_pack_u64(pack, 100, 5);
		for (int i = 0; i < depth; i++)
			rv_pack_close(pack);
		assert_int_equal(rv_pack_done(pack, &octets), depth <= 8);
		for (int i = 0; i < depth && depth <= 8; i++) {
			struct rv_unpack in = rv_unpack(octets);
			assert_true(rv_unpack_next(&in, &tag, &octets));
			assert_int_equal(tag, i);
			assert_true(rv_unpack_done(&in));
		}
		talloc_free(pack);
	}
}

static void a_pack_that_is_not_closed_is_not_done(void **state)
{
	struct rv_pack *pack = rv_pack_new(NULL);
	struct rv_bytes octets;

	rv_pack_open(pack, 1);
	assert_false(rv_pack_done(pack, &octets));
	rv_pack_close(pack);
	assert_true(rv_pack_done(pack, &octets));
	rv_pack_close(pack); /* one too many is bad for good */
	assert_false(rv_pack_done(pack, &octets));
	talloc_free(pack);
}

static void a_big_pack_grows(void **state)
{
	struct rv_pack *pack = rv_pack_new(NULL);
	struct rv_bytes octets, value;
	uint16_t tag;
	unsigned n = 0;

	for (unsigned i = 0; i < 100000; i++)
		rv_pack_u64(pack, (uint16_t)i, i);
	assert_true(rv_pack_done(pack, &octets));
	struct rv_unpack in = rv_unpack(octets);
	for (; rv_unpack_next(&in, &tag, &value); n++)
		assert_int_equal(rv_unpack_u64(&in, value), n);
	assert_int_equal(n, 100000);
	talloc_free(pack);
}

static const struct {
	const char *what, *hex;
	unsigned fields;
	bool ok;
} rows[] = {
	{ "nothing", "", 0, true },
	{ "one octet", "00", 0, false },
	{ "a head without its end", "0001 000000", 0, false },
	{ "an empty field", "0001 00000000", 1, true },
	{ "a field of one", "0001 00000001 aa", 1, true },
	{ "one octet short", "0001 00000002 aa", 0, false },
	{ "a length over everything", "0001 ffffffff aa", 0, false },
	{ "one more octet behind a field", "0001 00000001 aa 00", 1, false },
};

static void damage_is_seen(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t buf[32], *exact;
		size_t len = test_hex(rows[i].hex, buf, sizeof(buf));
		struct rv_bytes value;
		unsigned n = 0;
		uint16_t tag;

		exact = malloc(len ? len : 1);
		assert_non_null(exact);
		memcpy(exact, buf, len);
		struct rv_unpack in = rv_unpack(rv_bytes(exact, len));
		while (rv_unpack_next(&in, &tag, &value))
			n++;
		if (n != rows[i].fields || rv_unpack_done(&in) != rows[i].ok)
			fail_msg("%s", rows[i].what);
		free(exact);
	}
}

static void a_number_has_eight_octets(void **state)
{
	static const uint8_t octets[9];

	for (size_t len = 7; len <= 9; len++) {
		struct rv_unpack in = rv_unpack(rv_bytes(NULL, 0));
		assert_int_equal(rv_unpack_u64(&in, rv_bytes(octets, len)), 0);
		assert_int_equal(rv_unpack_done(&in), len == 8);
	}
}

/* Sealing */

static int begin(void **state)
{
	*state = world_new(NULL);
	return 0;
}

static int end(void **state)
{
	world_end(*state);
	return 0;
}

static const uint8_t key[33] = { 1, 2, 3 };

static void sealed_octets_open_again(void **state)
{
	struct world *w = *state;
	static const size_t lens[] = { 0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20 };

	for (size_t i = 0; i < RV_COUNT(lens); i++) {
		uint8_t *plain = talloc_zero_size(w, lens[i] + 1), *sealed, *back;
		size_t len, back_len;

		for (size_t k = 0; k < lens[i]; k++)
			plain[k] = (uint8_t)(k * 7);
		sealed = rv_pack_seal(w->core, w, rv_bytes(key, 32), RV_STR("test"), rv_bytes(plain, lens[i]), &len);
		assert_non_null(sealed);
		assert_int_equal(talloc_get_size(sealed), len);
		back = rv_pack_unseal(w->core, w, rv_bytes(key, 32), RV_STR("test"), rv_bytes(sealed, len), &back_len);
		assert_non_null(back);
		assert_int_equal(back_len, lens[i]);
		assert_memory_equal(back, plain, lens[i]);
		talloc_free(plain);
		talloc_free(sealed);
		talloc_free(back);
	}
}

static void every_change_is_seen(void **state)
{
	struct world *w = *state;
	size_t len, n;
	uint8_t *sealed = rv_pack_seal(w->core, w, rv_bytes(key, 32), RV_STR("test"), RV_STR("a secret"), &len);
	uint8_t other[32] = { 9 };

	for (size_t i = 0; i < len; i++) {
		sealed[i] ^= 1;
		assert_null(rv_pack_unseal(w->core, w, rv_bytes(key, 32), RV_STR("test"), rv_bytes(sealed, len), &n));
		sealed[i] ^= 1;
	}
	for (size_t i = 0; i < len; i++)
		assert_null(rv_pack_unseal(w->core, w, rv_bytes(key, 32), RV_STR("test"), rv_bytes(sealed, i), &n));
	assert_null(rv_pack_unseal(w->core, w, rv_bytes(key, 32), RV_STR("text"), rv_bytes(sealed, len), &n));
	assert_null(rv_pack_unseal(w->core, w, rv_bytes(key, 32), RV_STR(""), rv_bytes(sealed, len), &n));
	assert_null(rv_pack_unseal(w->core, w, rv_bytes(other, 32), RV_STR("test"), rv_bytes(sealed, len), &n));
	assert_null(rv_pack_unseal(w->core, w, rv_bytes(key, 31), RV_STR("test"), rv_bytes(sealed, len), &n));
	assert_null(rv_pack_seal(w->core, w, rv_bytes(key, 33), RV_STR("test"), RV_STR("x"), &n));
}

static void a_part_that_is_missing_is_seen(void **state)
{
	struct world *w = *state;
	size_t plain_len = 2 << 20, len, n;
	uint8_t *plain = talloc_zero_size(w, plain_len);
	uint8_t *sealed = rv_pack_seal(w->core, w, rv_bytes(key, 32), RV_STR("t"), rv_bytes(plain, plain_len), &len);
	size_t part = (1 << 20) + 16, front = len - 2 * part;

	/* without the last, without the first, and in the other order */
	assert_null(rv_pack_unseal(w->core, w, rv_bytes(key, 32), RV_STR("t"), rv_bytes(sealed, len - part), &n));
	uint8_t *moved = talloc_memdup(w, sealed, len);
	memcpy(moved + front, sealed + front + part, part);
	assert_null(rv_pack_unseal(w->core, w, rv_bytes(key, 32), RV_STR("t"), rv_bytes(moved, len - part), &n));
	memcpy(moved + front + part, sealed + front, part);
	assert_null(rv_pack_unseal(w->core, w, rv_bytes(key, 32), RV_STR("t"), rv_bytes(moved, len), &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_come_back_in_order),
		cmocka_unit_test(a_field_may_hold_fields_eight_deep),
		cmocka_unit_test(a_pack_that_is_not_closed_is_not_done),
		cmocka_unit_test(a_big_pack_grows),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(a_number_has_eight_octets),
		cmocka_unit_test_setup_teardown(sealed_octets_open_again, begin, end),
		cmocka_unit_test_setup_teardown(every_change_is_seen, begin, end),
		cmocka_unit_test_setup_teardown(a_part_that_is_missing_is_seen, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

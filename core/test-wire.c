// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-wire: the reader cannot run past its end, the writer cannot run past its buffer.
 */
#include "test.h"

#include <ravelin/wire.h>

static const uint8_t octets[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static uint64_t read_number(struct rv_rd *r, size_t len)
{
	switch (len) {
	case 1:
		return rv_rd_u8(r);
	case 2:
		return rv_rd_u16(r);
	case 3:
		return rv_rd_u24(r);
	case 4:
		return rv_rd_u32(r);
	default:
		return rv_rd_u64(r);
	}
}

static void write_number(struct rv_wr *w, size_t len, uint64_t v)
{
	switch (len) {
	case 1:
		rv_wr_u8(w, (uint8_t)v);
		return;
	case 2:
		rv_wr_u16(w, (uint16_t)v);
		return;
	case 3:
		rv_wr_u24(w, (uint32_t)v);
		return;
	case 4:
		rv_wr_u32(w, (uint32_t)v);
		return;
	default:
		rv_wr_u64(w, v);
	}
}

static const struct {
	size_t len;
	uint64_t number;
} sizes[] = { { 1, 0x01 }, { 2, 0x0102 }, { 3, 0x010203 }, { 4, 0x01020304 }, { 8, 0x0102030405060708 } };

/* The input stands in a block of exactly its size, so that the sanitizer sees a read past it. */
static void numbers_are_read_in_network_order_or_not_at_all(void **state)
{
	for (size_t i = 0; i < RV_COUNT(sizes); i++) {
		for (size_t len = sizes[i].len - 1; len <= sizes[i].len + 1 && len <= 8; len++) {
			uint8_t *exact = malloc(len ? len : 1);
			assert_non_null(exact);
			memcpy(exact, octets, len);
			struct rv_rd r = rv_rd(rv_bytes(exact, len));
			uint64_t number = read_number(&r, sizes[i].len);
			assert_int_equal(number, len < sizes[i].len ? 0 : sizes[i].number);
			assert_int_equal(rv_rd_done(&r), len == sizes[i].len);
			assert_int_equal(rv_rd_left(&r), len < sizes[i].len ? 0 : len - sizes[i].len);
			free(exact);
		}
	}
}

static void numbers_are_written_in_network_order_or_not_at_all(void **state)
{
	for (size_t i = 0; i < RV_COUNT(sizes); i++) {
		for (size_t cap = sizes[i].len - 1; cap <= sizes[i].len + 1; cap++) {
			uint8_t *exact = malloc(cap ? cap : 1);
			assert_non_null(exact);
			struct rv_wr w = rv_wr(exact, cap);
			write_number(&w, sizes[i].len, sizes[i].number);
			assert_int_equal(rv_wr_done(&w), cap >= sizes[i].len);
			assert_int_equal(rv_wr_len(&w), cap >= sizes[i].len ? sizes[i].len : 0);
			assert_memory_equal(exact, octets, rv_wr_len(&w));
			free(exact);
		}
	}
}

static void a_bad_reader_stays_bad_and_gives_nothing(void **state)
{
	struct rv_rd r = rv_rd(rv_bytes(octets, 3));

	assert_int_equal(rv_rd_u32(&r), 0);
	assert_int_equal(rv_rd_u8(&r), 0);
	assert_int_equal(rv_rd_take(&r, 1).len, 0);
	assert_int_equal(rv_rd_take(&r, 0).len, 0);
	assert_int_equal(rv_rd_rest(&r).len, 0);
	assert_false(rv_rd_more(&r));
	assert_false(rv_rd_done(&r));
}

static void done_wants_everything_read(void **state)
{
	struct rv_rd r = rv_rd(rv_bytes(octets, 2));

	assert_false(rv_rd_done(&r));
	assert_true(rv_rd_more(&r));
	struct rv_bytes rest = rv_rd_rest(&r);
	assert_ptr_equal(rest.p, octets);
	assert_int_equal(rest.len, 2);
	assert_true(rv_rd_done(&r));
	assert_int_equal(rv_rd_rest(&r).len, 0);
	assert_true(rv_rd_done(&r));
	rv_rd_fail(&r);
	assert_false(rv_rd_done(&r));
}

static void an_empty_input_needs_no_memory(void **state)
{
	struct rv_rd r = rv_rd(rv_bytes(NULL, 0));

	assert_int_equal(rv_rd_left(&r), 0);
	assert_int_equal(rv_rd_take(&r, 0).len, 0);
	assert_true(rv_rd_done(&r));
	r = rv_rd(rv_bytes(NULL, 5));
	assert_false(rv_rd_done(&r));
}

static void take_minds_huge_lengths(void **state)
{
	static const size_t lengths[] = { 9, SIZE_MAX, SIZE_MAX - 7, (size_t)1 << 63 };

	for (size_t i = 0; i < RV_COUNT(lengths); i++) {
		struct rv_rd r = rv_rd(rv_bytes(octets, sizeof(octets)));
		assert_int_equal(rv_rd_take(&r, lengths[i]).len, 0);
		assert_false(rv_rd_done(&r));

		uint8_t buf[8];
		struct rv_wr w = rv_wr(buf, sizeof(buf));
		assert_null(rv_wr_room(&w, lengths[i]));
		assert_false(rv_wr_done(&w));
	}
}

static void a_full_writer_stays_bad_and_keeps_what_it_has(void **state)
{
	uint8_t buf[3] = { 0 };
	struct rv_wr w = rv_wr(buf, sizeof(buf));

	rv_wr_u16(&w, 0x0102);
	rv_wr_u16(&w, 0x0304);
	rv_wr_u8(&w, 5);
	assert_false(rv_wr_done(&w));
	assert_int_equal(rv_wr_len(&w), 2);
	assert_memory_equal(buf, "\1\2\0", 3);
}

static void slices_and_zeroes_are_appended(void **state)
{
	uint8_t buf[8];
	struct rv_wr w = rv_wr(buf, sizeof(buf));

	memset(buf, 0xaa, sizeof(buf));
	rv_wr_put(&w, RV_STR("ab"));
	rv_wr_put(&w, rv_bytes(NULL, 0));
	rv_wr_zero(&w, 2);
	uint8_t *room = rv_wr_room(&w, 4);
	assert_ptr_equal(room, buf + 4);
	memcpy(room, "wxyz", 4);
	assert_true(rv_wr_done(&w));
	assert_true(rv_bytes_equal(rv_wr_bytes(&w), rv_bytes("ab\0\0wxyz", 8)));
}

static void a_writer_without_memory_writes_nothing(void **state)
{
	struct rv_wr w = rv_wr(NULL, 0);

	rv_wr_put(&w, rv_bytes(NULL, 0));
	assert_true(rv_wr_done(&w));
	assert_int_equal(rv_wr_bytes(&w).len, 0);
	rv_wr_u8(&w, 1);
	assert_false(rv_wr_done(&w));
}

static void a_length_field_counts_from_where_it_is_told(void **state)
{
	static const struct {
		const char *what;
		size_t from;
		uint16_t want;
	} rows[] = { { "what follows", 0, 3 }, { "and the field", 2, 5 }, { "and two octets before it", 4, 7 } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t buf[16];
		struct rv_wr w = rv_wr(buf, sizeof(buf));
		rv_wr_u16(&w, 0x2100);
		struct rv_wr_mark mark = rv_wr_open16(&w);
		rv_wr_put(&w, RV_STR("abc"));
		rv_wr_close16(&w, mark, rows[i].from);
		assert_true(rv_wr_done(&w));
		struct rv_rd r = rv_rd(rv_wr_bytes(&w));
		rv_rd_take(&r, 2);
		if (rv_rd_u16(&r) != rows[i].want)
			fail_msg("%s", rows[i].what);
	}
}

static void a_length_field_that_cannot_be_right_is_bad(void **state)
{
	static const struct {
		const char *what;
		size_t body, from;
		bool good;
	} rows[] = {
		{ "65534 and the field fit not", 65534, 2, false },
		{ "65533 and the field", 65533, 2, true },
		{ "65535 alone", 65535, 0, true },
		{ "65536 alone", 65536, 0, false },
		{ "begins before the buffer", 0, 5, false },
		{ "begins at the buffer", 0, 4, true },
	};
	uint8_t *buf = malloc(70000);

	assert_non_null(buf);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_wr w = rv_wr(buf, 70000);
		rv_wr_u16(&w, 0);
		struct rv_wr_mark mark = rv_wr_open16(&w);
		rv_wr_zero(&w, rows[i].body);
		rv_wr_close16(&w, mark, rows[i].from);
		if (rv_wr_done(&w) != rows[i].good)
			fail_msg("%s", rows[i].what);
	}
	free(buf);
}

static void closing_after_a_failure_touches_nothing(void **state)
{
	uint8_t buf[3] = { 9, 9, 9 };
	struct rv_wr w = rv_wr(buf, 1);
	struct rv_wr_mark mark = rv_wr_open16(&w);

	rv_wr_close16(&w, mark, 2);
	assert_false(rv_wr_done(&w));
	assert_memory_equal(buf, "\x9\x9\x9", 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_in_network_order_or_not_at_all),
		cmocka_unit_test(numbers_are_written_in_network_order_or_not_at_all),
		cmocka_unit_test(a_bad_reader_stays_bad_and_gives_nothing),
		cmocka_unit_test(done_wants_everything_read),
		cmocka_unit_test(an_empty_input_needs_no_memory),
		cmocka_unit_test(take_minds_huge_lengths),
		cmocka_unit_test(a_full_writer_stays_bad_and_keeps_what_it_has),
		cmocka_unit_test(slices_and_zeroes_are_appended),
		cmocka_unit_test(a_writer_without_memory_writes_nothing),
		cmocka_unit_test(a_length_field_counts_from_where_it_is_told),
		cmocka_unit_test(a_length_field_that_cannot_be_right_is_bad),
		cmocka_unit_test(closing_after_a_failure_touches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-window: message IDs, waiting times, nonces' order. */
#include "test.h"

#include "kex.h"
#include "window.h"

static void a_message_id_is_new_again_old_or_ahead(void **state)
{
	static const struct {
		const char *what;
		uint32_t next, id;
		unsigned window;
		enum ike_arrival arrival;
	} rows[] = {
		{ "the very first", 0, 0, 1, IKE_ARRIVAL_NEW },
		{ "one ahead of the first", 0, 1, 1, IKE_ARRIVAL_AHEAD },
		{ "far ahead", 0, UINT32_MAX, 1, IKE_ARRIVAL_AHEAD },
		{ "two back", 7, 5, 1, IKE_ARRIVAL_OLD },
		{ "one back", 7, 6, 1, IKE_ARRIVAL_AGAIN },
		{ "the next", 7, 7, 1, IKE_ARRIVAL_NEW },
		{ "one ahead", 7, 8, 1, IKE_ARRIVAL_AHEAD },
		{ "the first again", 1, 0, 1, IKE_ARRIVAL_AGAIN },
		{ "the last one there is", UINT32_MAX, UINT32_MAX, 1, IKE_ARRIVAL_NEW },
		{ "one before the last", UINT32_MAX, UINT32_MAX - 1, 1, IKE_ARRIVAL_AGAIN },
		{ "the next of three", 7, 7, 3, IKE_ARRIVAL_NEW },
		{ "the second of three", 7, 8, 3, IKE_ARRIVAL_EARLY },
		{ "the third of three", 7, 9, 3, IKE_ARRIVAL_EARLY },
		{ "a fourth of three", 7, 10, 3, IKE_ARRIVAL_AHEAD },
		{ "three back of three", 7, 4, 3, IKE_ARRIVAL_AGAIN },
		{ "four back of three", 7, 3, 3, IKE_ARRIVAL_OLD },
		{ "nothing is before the first", 0, UINT32_MAX, 16, IKE_ARRIVAL_AHEAD },
		{ "nothing is behind the last", UINT32_MAX, 0, 16, IKE_ARRIVAL_OLD },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (ike_window_judge(rows[i].next, rows[i].id, rows[i].window) != rows[i].arrival)
			fail_msg("%s", rows[i].what);
}

static void waits_grow_by_the_base_and_are_bounded(void **state)
{
	static const uint64_t wanted_ms[] = { 4000, 7200, 12960, 23328, 41990, 75582 };

	for (unsigned i = 0; i < RV_COUNT(wanted_ms); i++)
		assert_int_equal(ike_window_wait_us(RV_S(4), 1800, i) / 1000, wanted_ms[i]);
	assert_int_equal(ike_window_wait_us(RV_S(4), 1000, 100), RV_S(4));
	assert_int_equal(ike_window_wait_us(RV_S(4), 99000, 100), RV_S(3600));
}

static void numbers_with_fractions_are_read(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		unsigned thousandths;
	} rows[] = { { "1.8", true, 1800 },	{ "4s", false, 0 },    { "4.0", true, 4000 },	   { "0.4", true, 400 },
		     { "1.23456", true, 1234 }, { "", false, 0 },      { ".", false, 0 },	   { "-1", false, 0 },
		     { "4m", false, 0 },	{ "1.2.3", false, 0 }, { "99999999999", false, 0 } };
	unsigned n;

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (ike_thousandths(rows[i].text, &n) != rows[i].ok || (rows[i].ok && n != rows[i].thousandths))
			fail_msg("%s", rows[i].text);
	assert_false(ike_thousandths(NULL, &n));
}

/* RFC 7296, 2.8.1: "If you reach the end of one nonce, that nonce is the lower one." */
static void nonces_compare_octet_by_octet(void **state)
{
	static const struct {
		const char *a, *b;
		int sign;
	} rows[] = {
		{ "abc", "abd", -1 }, { "abc", "abc", 0 }, { "abc", "abcd", -1 }, { "b", "abc", 1 }, { "\xff", "a", 1 }
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_bytes a = rv_bytes(rows[i].a, strlen(rows[i].a)), b = rv_bytes(rows[i].b, strlen(rows[i].b));
		int r = ike_nonce_compare(a, b);

		assert_int_equal((r > 0) - (r < 0), rows[i].sign);
		assert_ptr_equal(ike_nonce_lower(a, b).p, rows[i].sign <= 0 ? a.p : b.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_id_is_new_again_old_or_ahead),
		cmocka_unit_test(waits_grow_by_the_base_and_are_bounded),
		cmocka_unit_test(numbers_with_fractions_are_read),
		cmocka_unit_test(nonces_compare_octet_by_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

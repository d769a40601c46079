// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-window: message IDs, waiting times, nonces' order; the table: every cell is a row or a refusal. */
#include "test.h"

#include "kex.h"
#include "transitions.h"

static void a_message_id_is_new_again_old_or_ahead(void **state)
{
	static const struct {
		const char *what;
		uint32_t next, id;
		enum ike_arrival arrival;
	} rows[] = {
		{ "the very first", 0, 0, IKE_ARRIVAL_NEW },
		{ "one ahead of the first", 0, 1, IKE_ARRIVAL_AHEAD },
		{ "far ahead", 0, UINT32_MAX, IKE_ARRIVAL_AHEAD },
		{ "two back", 7, 5, IKE_ARRIVAL_OLD },
		{ "one back", 7, 6, IKE_ARRIVAL_AGAIN },
		{ "the next", 7, 7, IKE_ARRIVAL_NEW },
		{ "one ahead", 7, 8, IKE_ARRIVAL_AHEAD },
		{ "the first again", 1, 0, IKE_ARRIVAL_AGAIN },
		{ "the last one there is", UINT32_MAX, UINT32_MAX, IKE_ARRIVAL_NEW },
		{ "one before the last", UINT32_MAX, UINT32_MAX - 1, IKE_ARRIVAL_AGAIN },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (ike_window_judge(rows[i].next, rows[i].id) != rows[i].arrival)
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

static bool has_row(unsigned from, uint8_t exchange, unsigned role)
{
	size_t n;
	const struct rv_ike_row *rows = ike_table(&n);

	for (size_t i = 0; i < n; i++)
		if (rows[i].from == from && rows[i].exchange == exchange && rows[i].role == role)
			return true;
	return false;
}

static void every_cell_of_the_table_is_a_row_or_a_refusal(void **state)
{
	static const uint8_t exchanges[] = { IKE_EXCHANGE_IKE_SA_INIT, IKE_EXCHANGE_IKE_AUTH,
					     IKE_EXCHANGE_CREATE_CHILD_SA, IKE_EXCHANGE_INFORMATIONAL };

	for (unsigned cell = 0; cell < RV_IKE_N_STATES * RV_COUNT(exchanges) * RV_IKE_N_ROLES; cell++) {
		unsigned role = cell % RV_IKE_N_ROLES, from = cell / RV_IKE_N_ROLES / RV_COUNT(exchanges);
		uint8_t exchange = exchanges[cell / RV_IKE_N_ROLES % RV_COUNT(exchanges)];

		if (!has_row(from, exchange, role))
			fail_msg("state %u, %s, role %u has no row", from, ike_exchange_name(exchange), role);
	}
}

/* A row behind one that takes everything would never be reached; one with steps must not refuse. */
static void every_row_can_be_reached_and_makes_sense(void **state)
{
	size_t n;
	const struct rv_ike_row *rows = ike_table(&n);

	for (size_t i = 0; i < n; i++) {
		const struct rv_ike_row *row = &rows[i];

		assert_true(row->from < RV_IKE_N_STATES && row->to <= RV_IKE_N_STATES && row->role < RV_IKE_N_ROLES);
		assert_non_null(row->story);
		assert_true(!row->steps == (row->refuse != 0));
		assert_true(!row->plan || row->role == RV_IKE_INITIATOR);
		if (row->plan)
			assert_int_equal(row->plan->exchange, row->exchange);
		for (size_t k = 0; k < i; k++) {
			bool same = rows[k].from == row->from && rows[k].exchange == row->exchange &&
				    rows[k].role == row->role;
			bool takes_all =
				!rows[k].when && !rows[k].plan &&
				!(rows[k].needs.w[0] | rows[k].needs.w[1] | rows[k].needs.w[2] | rows[k].needs.w[3]);

			if (same && takes_all)
				fail_msg("row %zu (%s) is hidden by row %zu", i, row->story, k);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_id_is_new_again_old_or_ahead),
		cmocka_unit_test(waits_grow_by_the_base_and_are_bounded),
		cmocka_unit_test(numbers_with_fractions_are_read),
		cmocka_unit_test(nonces_compare_octet_by_octet),
		cmocka_unit_test(every_cell_of_the_table_is_a_row_or_a_refusal),
		cmocka_unit_test(every_row_can_be_reached_and_makes_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

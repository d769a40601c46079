// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-congestion: loss intervals and the rate that follows (RFC 9347, Appendix B; RFC 5348). */
#include "congestion.h"
#include "test.h"

static bool near(double a, double b)
{
	return a > b * 0.99 && a < b * 1.01;
}

/* Values of Appendix B's formula, by hand. */
static void the_equation_says_what_it_says(void **state)
{
	assert_true(near(tfrc_rate(0.1, 100), 112.0));
	assert_true(near(tfrc_rate(0.1, 10000), 1223.0));
	assert_true(near(tfrc_rate(0.05, 100) / tfrc_rate(0.1, 100), 2));
	assert_true(tfrc_rate(0.1, 1) < 0.1);
}

static void losses_within_a_round_trip_are_one_event(void **state)
{
	struct losses losses = { .begun = 1 };

	assert_int_equal(losses_inverse(&losses, 1000), 0);
	losses_event(&losses, 101, 1000000, 50000, 0);
	assert_int_equal(losses_inverse(&losses, 101), 100);
	losses_event(&losses, 105, 1040000, 50000, 0);
	assert_int_equal(losses.n, 1);
	losses_event(&losses, 301, 1060000, 50000, 0);
	assert_int_equal(losses.n, 2);
	assert_int_equal(losses_inverse(&losses, 301), 150); /* (200 + 100) / 2 */
}

/* The open interval counts when it makes the average longer (RFC 5348, 5.4). */
static void a_long_time_without_loss_is_remembered(void **state)
{
	struct losses losses = { .begun = 1 };
	uint32_t before;

	for (uint64_t i = 1; i <= 20; i++)
		losses_event(&losses, 100 * i + 1, i * 1000000, 50000, 0);
	assert_int_equal(losses.n, INTERVALS);
	assert_int_equal(losses_inverse(&losses, 2001), 100);
	before = losses_inverse(&losses, 2050);
	assert_int_equal(before, 100);
	assert_true(losses_inverse(&losses, 4000) > 2 * before);
}

/* RFC 5348, 6.3.1 */
static void the_first_interval_is_that_of_the_rate(void **state)
{
	struct losses losses = { .begun = 1 };

	losses_event(&losses, 5, 1000000, 100000, 1223);
	assert_in_range(losses_inverse(&losses, 5), 9500, 10500);
}

static void the_rate_doubles_until_there_is_loss(void **state)
{
	struct rate rate = { .pps = 10, .most = 1000 };
	struct heard heard = { .rtt_us = 100000 };
	uint64_t now = 1000000;

	rate_change(&rate, &(struct heard){ 0 }, now);
	assert_true(near(rate.pps, 10)); /* nothing is known */
	for (int i = 0; i < 12; i++, now += 100000) {
		heard.heard_us = now;
		rate_change(&rate, &heard, now);
		rate_change(&rate, &heard, now + 1000); /* once a round-trip time */
	}
	assert_true(near(rate.pps, 1000));
	heard.inverse = 100;
	heard.heard_us = now;
	rate_change(&rate, &heard, now);
	assert_true(near(rate.pps, tfrc_rate(0.1, 100)));
	heard.inverse = 10000;
	heard.heard_us = now += 100000;
	rate_change(&rate, &heard, now);
	assert_true(near(rate.pps, 2 * tfrc_rate(0.1, 100))); /* no more than twice as fast */
}

/* RFC 9347, 2.4.2 */
static void silence_halves_the_rate(void **state)
{
	struct rate rate = { .pps = 800, .most = 1000, .changed_us = 1000000, .heard_us = 1000000 };
	struct heard heard = { .rtt_us = 100000, .heard_us = 1000000 };
	uint64_t now = 1000000;

	for (; now <= 1400000; now += 50000)
		rate_change(&rate, &heard, now);
	assert_true(near(rate.pps, 800));
	for (; now <= 1750000; now += 50000)
		rate_change(&rate, &heard, now);
	assert_true(near(rate.pps, 400));
	for (; now <= 20000000; now += 50000)
		rate_change(&rate, &heard, now);
	assert_true(near(rate.pps, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_equation_says_what_it_says),
		cmocka_unit_test(losses_within_a_round_trip_are_one_event),
		cmocka_unit_test(a_long_time_without_loss_is_remembered),
		cmocka_unit_test(the_first_interval_is_that_of_the_rate),
		cmocka_unit_test(the_rate_doubles_until_there_is_loss),
		cmocka_unit_test(silence_halves_the_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

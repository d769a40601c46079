// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-dummy: dummy packets (RFC 4303, 2.6) where an SA is silent, and nowhere else. */
#include "test-rig.h"

#include "extend.h"

enum { ABOUT = 1000000 };

/* Time goes on to at_us, in steps as the worker would make them. */
static void go_on(struct rig *rig, uint64_t by_us)
{
	struct lane *lane = rig_lane(rig);
	uint64_t end_us = lane->now_us + by_us;

	lane->due_us = 0; /* the worker was told to look */
	while (lane->due_us <= end_us) {
		if (lane->now_us < lane->due_us)
			lane->now_us = lane->due_us;
		extend_tick(lane);
	}
	lane->now_us = end_us;
}

static struct rig_sa silent_of(bool transport, uint16_t tfc)
{
	struct rig_sa sa = plain;

	sa.dummy_us = ABOUT;
	sa.terms.tfc = tfc;
	sa.transport = transport;
	if (transport) {
		sa.local = "192.0.2.1";
		sa.remote = "192.0.2.2";
	}
	return sa;
}

static void silence_is_filled_and_nothing_comes_of_it(void **state)
{
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[WIRE_UDP];
	struct rv_sa_stats stats;

	for (uint32_t i = 0; i < 2; i++) {
		struct rig_sa sa = silent_of(i, 0);
		uint32_t shortest = UINT32_MAX, longest = 0;
		sa.spi += i;
		sa.reqid += i;
		tunnel(pair, &sa);
		go_on(pair->west, 100 * ABOUT);
		unsigned n = wire->n;
		assert_true(n > 60 && n < 150);
		for (unsigned k = 0; k < n; k++) {
			uint32_t len = wire->caught[k].len;
			shortest = len < shortest ? len : shortest;
			longest = len > longest ? len : longest;
			assert_true(len + 28 <= 1500);
		}
		assert_true(longest > shortest + 100);
		rig_carry(pair->west, pair->east);
		assert_int_equal(pair->east->clear[0].n, 0);
		assert_int_equal(pair->east->ops->stats(pair->east->self, sa.spi, RV_IN, NULL, &stats), 0);
		assert_int_equal(stats.packets, n);
		assert_int_equal(stats.bytes, 0);
		for (int cause = 0; cause < RV_N_DROPS; cause++)
			assert_int_equal(stats.dropped[cause], 0);
		/* they are sent, and are no use of the SA */
		assert_int_equal(pair->west->ops->stats(pair->west->self, sa.spi, RV_OUT, NULL, &stats), 0);
		assert_int_equal(stats.packets, n);
		assert_int_equal(stats.last_used_us, 0);
		assert_int_equal(pair->west->ops->sa_del(pair->west->self, sa.spi, RV_OUT, NULL), 0);
	}
	go_on(pair->west, 10 * ABOUT);
	assert_int_equal(wire->n, 0);
}

static void they_are_as_long_as_padded_packets(void **state)
{
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[WIRE_UDP];
	struct rig_sa sa = silent_of(false, 700);
	uint8_t p[100];

	tunnel(pair, &sa);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	go_on(pair->west, 10 * ABOUT);
	assert_true(wire->n > 5);
	for (unsigned k = 1; k < wire->n; k++)
		assert_int_equal(wire->caught[k].len, wire->caught[0].len);
}

static void there_are_none_beside_traffic(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = silent_of(false, 0);
	uint8_t p[100];

	tunnel(pair, &sa);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, sizeof(p));
	for (unsigned i = 0; i < 50; i++) {
		rig_clear(pair->west, 0, p, sizeof(p));
		go_on(pair->west, ABOUT / 2 - 1);
	}
	assert_int_equal(pair->west->wire[WIRE_UDP].n, 50);
}

/* After a rekey the new SA sends them; the old one is on its way out. */
static void one_sa_of_a_child_sends_them(void **state)
{
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[WIRE_UDP];
	struct rig_sa sa = silent_of(false, 0), next = sa;

	tunnel(pair, &sa);
	next.spi++;
	assert_int_equal(rig_add(pair->west, &next), 0);
	go_on(pair->west, 10 * ABOUT);
	assert_true(wire->n > 3);
	for (unsigned i = 0; i < wire->n; i++)
		assert_int_equal(ip_u32(wire->caught[i].data), next.spi);
}

static void an_sa_at_its_end_is_silent(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = silent_of(false, 0);

	sa.packets_hard = 3;
	tunnel(pair, &sa);
	go_on(pair->west, 20 * ABOUT);
	assert_int_equal(pair->west->wire[WIRE_UDP].n, 3);
	assert_int_equal(rig_dropped(pair->west, sa.spi, false, RV_DROP_SEQUENCE_END), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(silence_is_filled_and_nothing_comes_of_it),
		TEST(they_are_as_long_as_padded_packets),
		TEST(there_are_none_beside_traffic),
		TEST(one_sa_of_a_child_sends_them),
		TEST(an_sa_at_its_end_is_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

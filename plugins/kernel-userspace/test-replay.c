// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-replay: the window (RFC 6479) against a slow model, its edges, and the high half of extended numbers. */
#include "test.h"

#include "replay.h"

enum { RING = 128 };

static void windows_have_room_for_a_word_more(void **state)
{
	static const struct {
		uint32_t window;
		size_t words;
	} rows[] = { { 0, 0 },	 { 1, 2 },   { 63, 2 },	   { 64, 2 },	  { 65, 4 },
		     { 192, 4 }, { 193, 8 }, { 1024, 32 }, { 4095, 128 }, { 4096, 128 } };

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		assert_int_equal(replay_words(rows[i].window), rows[i].words);
}

static void the_window_has_exact_edges(void **state)
{
	static const uint32_t windows[] = { 1, 32, 63, 64, 65, 128, 1024, 4095, 4096 };

	for (size_t i = 0; i < RV_COUNT(windows); i++) {
		uint64_t ring[RING], top = 100000;
		uint32_t w = windows[i];
		struct replay r;
		replay_init(&r, w, 0, ring);
		assert_true(replay_mark(&r, top));
		assert_true(replay_seen(&r, top));
		assert_false(replay_seen(&r, top + 1));
		assert_true(replay_seen(&r, top - w));
		assert_true(replay_seen(&r, 0));
		if (w == 1)
			continue;
		assert_false(replay_seen(&r, top - w + 1));
		assert_false(replay_mark(&r, top - w + 1));
		assert_true(replay_seen(&r, top - w + 1));
		assert_false(replay_seen(&r, top - w + 2));
	}
}

static void no_window_sees_no_replay(void **state)
{
	struct replay r;

	replay_init(&r, 0, 0, NULL);
	assert_true(replay_mark(&r, 5));
	assert_false(replay_seen(&r, 5));
	assert_false(replay_mark(&r, 5));
	assert_int_equal(r.top, 5);
}

static void an_unpacked_window_counts_all_as_received(void **state)
{
	static const uint64_t tops[] = { 1, 63, 64, 65, 127, 128, 1000000 };

	for (size_t i = 0; i < RV_COUNT(tops); i++) {
		uint64_t ring[RING];
		struct replay r;
		replay_init(&r, 128, tops[i], ring);
		for (uint64_t seq = tops[i] > 200 ? tops[i] - 200 : 0; seq <= tops[i]; seq++)
			assert_true(replay_seen(&r, seq));
		for (uint64_t seq = tops[i] + 1; seq < tops[i] + 200; seq++)
			assert_false(replay_seen(&r, seq));
		assert_true(replay_mark(&r, tops[i] + 2));
		assert_false(replay_seen(&r, tops[i] + 1));
		assert_true(replay_seen(&r, tops[i]));
	}
}

/* A list of all that was received, as slow as it is right. */
static bool model_seen(const uint64_t *got, size_t n, uint64_t top, uint32_t window, uint64_t seq)
{
	if (!seq || (seq <= top && top - seq >= window))
		return true;
	for (size_t i = 0; i < n; i++)
		if (got[i] == seq)
			return true;
	return false;
}

static void it_agrees_with_a_slow_model(void **state)
{
	static const uint32_t windows[] = { 1, 64, 100, 1024, 4096 };
	static uint64_t got[4000];

	for (size_t i = 0; i < RV_COUNT(windows); i++) {
		uint64_t ring[RING], top = 0, random = 88172645463325252u;
		struct replay r;
		size_t n = 0;
		replay_init(&r, windows[i], 0, ring);
		for (int step = 0; step < 4000; step++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			uint64_t jump = step % 500 == 0 ? 6000 : 40;
			uint64_t seq = top + random % jump;
			seq = random & 1 << 20 && seq > windows[i] + 20 ? seq - random % (windows[i] + 20) : seq;
			bool seen = model_seen(got, n, top, windows[i], seq);
			assert_int_equal(replay_seen(&r, seq), seen);
			if (seen)
				continue;
			assert_int_equal(replay_mark(&r, seq), seq > top);
			got[n++] = seq;
			top = seq > top ? seq : top;
		}
	}
}

static void the_high_half_is_guessed(void **state)
{
	static const struct {
		const char *what;
		uint32_t window;
		uint64_t top;
		uint32_t low;
		uint64_t seq;
	} rows[] = {
		{ "the first", 64, 0, 1, 1 },
		{ "in the window", 64, 0x100000100, 0x000000f0, 0x1000000f0 },
		{ "the lowest of the window", 64, 0x100000100, 0x000000c1, 0x1000000c1 },
		{ "below the window is the next half", 64, 0x100000100, 0x000000c0, 0x2000000c0 },
		{ "just behind top", 64, 0x100000100, 0x00000101, 0x100000101 },
		{ "far ahead", 64, 0x100000100, 0xfffffff0, 0x1fffffff0 },
		{ "the last of a half", 64, 0xffffffff, 0, 0x100000000 },
		{ "over the edge", 64, 0xffffffff, 5, 0x100000005 },
		{ "back over the edge", 64, 0x100000005, 0xfffffffe, 0xfffffffe },
		{ "the lowest back over the edge", 64, 0x100000005, 0xffffffc6, 0xffffffc6 },
		{ "further back is ahead", 64, 0x100000005, 0xffffffc5, 0x1ffffffc5 },
		{ "before the beginning", 64, 5, 0xffffffff, 0 },
		{ "the top of case A", 64, 0x10000003f, 0, 0x100000000 },
		{ "case B", 64, 0x10000003e, 0xffffffff, 0xffffffff },
		{ "the end of all numbers", 64, 0xffffffffffffffff, 5, 0 },
		{ "the largest window", 4096, 0x100000000, 0xfffff001, 0xfffff001 },
		{ "and one below it", 4096, 0x100000000, 0xfffff000, 0x1fffff000 },
		{ "no window: near", 0, 0x100000005, 0xfffffffe, 0xfffffffe },
		{ "no window: ahead", 0, 0xfffffffe, 5, 0x100000005 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint64_t ring[RING];
		struct replay r;
		replay_init(&r, rows[i].window, rows[i].top, ring);
		uint64_t seq = replay_guess(&r, rows[i].low, true);
		if (seq != rows[i].seq)
			fail_msg("%s: %llx", rows[i].what, (unsigned long long)seq);
		assert_int_equal(replay_guess(&r, rows[i].low, false), rows[i].low);
	}
}

static void numbers_cross_the_edge_of_32_bits(void **state)
{
	uint64_t ring[RING];
	struct replay r;

	replay_init(&r, 64, 0xfffffff0, ring);
	for (uint64_t seq = 0xfffffff1; seq < 0x100000100; seq++) {
		assert_int_equal(replay_guess(&r, (uint32_t)seq, true), seq);
		assert_false(replay_seen(&r, seq));
		assert_true(replay_mark(&r, seq));
		assert_true(replay_seen(&r, seq));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_have_room_for_a_word_more),
		cmocka_unit_test(the_window_has_exact_edges),
		cmocka_unit_test(no_window_sees_no_replay),
		cmocka_unit_test(an_unpacked_window_counts_all_as_received),
		cmocka_unit_test(it_agrees_with_a_slow_model),
		cmocka_unit_test(the_high_half_is_guessed),
		cmocka_unit_test(numbers_cross_the_edge_of_32_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

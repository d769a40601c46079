// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-replay: the window (RFC 6479) against a slow model, its edges, several threads on it, and the high half of
 * extended numbers. */
#include "test.h"

#include "replay.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { RING = 256 };

static void windows_have_room_for_a_word_more(void **state)
{
	static const struct {
		uint32_t window;
		size_t words;
	} rows[] = { { 0, 0 },	 { 1, 2 },    { 32, 2 },    { 33, 4 },	   { 64, 4 },	  { 96, 4 },	{ 97, 8 },
		     { 224, 8 }, { 225, 16 }, { 1024, 64 }, { 4064, 128 }, { 4065, 256 }, { 4096, 256 } };

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		assert_int_equal(replay_words(rows[i].window), rows[i].words);
}

static void the_window_has_exact_edges(void **state)
{
	static const uint32_t windows[] = { 1, 32, 63, 64, 65, 128, 1024, 4095, 4096 };

	for (size_t i = 0; i < RV_COUNT(windows); i++) {
		_Atomic uint64_t ring[RING];
		uint64_t top = 100000;
		uint32_t w = windows[i];
		struct replay r;
		replay_init(&r, w, 0, ring);
		assert_int_equal(replay_accept(&r, top), REPLAY_NEWEST);
		assert_int_equal(replay_accept(&r, top), REPLAY_OLD);
		assert_int_equal(replay_accept(&r, top - w), REPLAY_OLD);
		assert_true(replay_seen(&r, top));
		assert_false(replay_seen(&r, top + 1));
		assert_true(replay_seen(&r, top - w));
		assert_true(replay_seen(&r, 0));
		if (w == 1)
			continue;
		assert_false(replay_seen(&r, top - w + 1));
		assert_int_equal(replay_accept(&r, top - w + 1), REPLAY_FRESH);
		assert_true(replay_seen(&r, top - w + 1));
		assert_false(replay_seen(&r, top - w + 2));
	}
}

static void no_window_sees_no_replay(void **state)
{
	struct replay r;

	replay_init(&r, 0, 0, NULL);
	assert_int_equal(replay_accept(&r, 5), REPLAY_NEWEST);
	assert_false(replay_seen(&r, 5));
	assert_int_equal(replay_accept(&r, 5), REPLAY_FRESH);
	assert_int_equal(replay_top(&r), 5);
}

static void an_unpacked_window_counts_all_as_received(void **state)
{
	static const uint64_t tops[] = { 1, 63, 64, 65, 127, 128, 1000000 };

	for (size_t i = 0; i < RV_COUNT(tops); i++) {
		_Atomic uint64_t ring[RING];
		struct replay r;
		replay_init(&r, 128, tops[i], ring);
		for (uint64_t seq = tops[i] > 200 ? tops[i] - 200 : 0; seq <= tops[i]; seq++)
			assert_true(replay_seen(&r, seq));
		for (uint64_t seq = tops[i] + 1; seq < tops[i] + 200; seq++)
			assert_false(replay_seen(&r, seq));
		assert_int_equal(replay_accept(&r, tops[i] + 2), REPLAY_NEWEST);
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
		_Atomic uint64_t ring[RING];
		uint64_t top = 0, random = 88172645463325252u;
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
			assert_int_equal(replay_accept(&r, seq), seen	     ? REPLAY_OLD
								 : seq > top ? REPLAY_NEWEST
									     : REPLAY_FRESH);
			if (seen)
				continue;
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
		_Atomic uint64_t ring[RING];
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
	_Atomic uint64_t ring[RING];
	struct replay r;

	replay_init(&r, 64, 0xfffffff0, ring);
	for (uint64_t seq = 0xfffffff1; seq < 0x100000100; seq++) {
		assert_int_equal(replay_guess(&r, (uint32_t)seq, true), seq);
		assert_false(replay_seen(&r, seq));
		assert_int_equal(replay_accept(&r, seq), REPLAY_NEWEST);
		assert_true(replay_seen(&r, seq));
	}
}

enum { THREADS = 4, ROUNDS = 600, CHUNK = 128, NUMBERS = ROUNDS * CHUNK };

struct crowd {
	struct replay replay;
	_Atomic uint64_t ring[RING];
	uint64_t first; /* what numbers start behind */
	bool together;	/* nobody begins a chunk before all have ended the one before */
	_Atomic uint32_t arrived;
	_Atomic uint8_t taken[NUMBERS]; /* how often each was accepted */
};

struct member {
	struct crowd *crowd;
	uint64_t random;
};

/* Waits awake, so that all begin at the same moment. */
static void meet(struct crowd *c, uint32_t round)
{
	if (!c->together)
		return;
	atomic_fetch_add(&c->arrived, 1);
	for (uint32_t turn = 0; atomic_load(&c->arrived) < (round + 1) * THREADS; turn++)
		if (turn % 1000 == 999)
			sched_yield();
}

/* Offers every number, each chunk in an order of its own, some of them twice. */
static void *offer(void *arg)
{
	struct member *m = arg;
	struct crowd *c = m->crowd;
	uint32_t order[CHUNK];

	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < CHUNK; i++) {
			m->random = m->random * 6364136223846793005u + 1442695040888963407u;
			uint32_t j = (uint32_t)(m->random >> 33) % (i + 1);
			order[i] = order[j];
			order[j] = i;
		}
		meet(c, round);
		for (uint32_t i = 0; i < CHUNK + CHUNK / 8; i++) {
			uint32_t n = round * CHUNK + order[i % CHUNK];
			if (replay_accept(&c->replay, c->first + 1 + n) != REPLAY_OLD)
				atomic_fetch_add(&c->taken[n], 1);
		}
	}
	return NULL;
}

static struct crowd *run_crowd(uint32_t window, uint64_t first, bool together)
{
	struct crowd *c = calloc(1, sizeof(*c));
	struct member members[THREADS];
	pthread_t threads[THREADS];

	assert_non_null(c);
	c->first = first;
	c->together = together;
	replay_init(&c->replay, window, first, c->ring);
	for (int i = 0; i < THREADS; i++) {
		members[i] = (struct member){ .crowd = c, .random = (uint64_t)i + 1 };
		assert_int_equal(pthread_create(&threads[i], NULL, offer, &members[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return c;
}

/* Nobody is ever further apart than a chunk, which the window holds: every number is accepted, and once. */
static void of_several_threads_one_gets_each_number(void **state)
{
	static const uint64_t firsts[] = { 0, 0xffffffff - NUMBERS / 2 };

	for (size_t i = 0; i < RV_COUNT(firsts); i++) {
		struct crowd *c = run_crowd(REPLAY_MAX, firsts[i], true);
		for (uint32_t n = 0; n < NUMBERS; n++)
			if (c->taken[n] != 1)
				fail_msg("%u was accepted %u times", n, c->taken[n]);
		assert_int_equal(replay_top(&c->replay), firsts[i] + NUMBERS);
		free(c);
	}
}

/* With windows that are smaller than the disorder numbers are lost, but none comes twice. */
static void no_thread_gets_what_another_has(void **state)
{
	static const uint32_t windows[] = { 1, 32, 64, 1024, 4096 };

	for (size_t i = 0; i < RV_COUNT(windows); i++) {
		struct crowd *c = run_crowd(windows[i], 0, false);
		uint32_t got = 0;
		for (uint32_t n = 0; n < NUMBERS; n++) {
			if (c->taken[n] > 1)
				fail_msg("window %u: %u was accepted %u times", windows[i], n, c->taken[n]);
			got += c->taken[n];
		}
		assert_true(got > 0);
		free(c);
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
		cmocka_unit_test(of_several_threads_one_gets_each_number),
		cmocka_unit_test(no_thread_gets_what_another_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

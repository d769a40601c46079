// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-timed: turns at their own times, of several workers, as a plain list would give them. */
#include "test-rig.h"

#include "extend.h"

enum { N = 300, STEPS = 4000, WORKERS = 2, SPAN = 5000 };

/* One that is timed, and what a plain list knows of it. */
struct item {
	struct timed timed;
	bool there, put_off;
	unsigned worker, turns;
	uint64_t due_us;
};

static void turn(struct lane *lane, struct timed *timed)
{
	struct item *item = rv_container_of(timed, struct item, timed);

	assert_true(item->there && item->due_us <= lane->now_us);
	assert_int_equal(item->worker, lane->index);
	item->turns++;
	item->due_us = UINT64_MAX;
	if (!item->put_off)
		return;
	item->due_us = lane->now_us + SPAN;
	timed_set(lane, timed, item->due_us);
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

struct world {
	struct rig *rig;
	struct lane *lanes[WORKERS];
	struct timed_groups *groups;
	struct item items[N];
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->rig = rig_new();
	w->groups = &w->rig->u->db.extended.timed;
	for (unsigned i = 0; i < WORKERS; i++) {
		w->lanes[i] = calloc(1, sizeof(*w->lanes[i]));
		assert_non_null(w->lanes[i]);
		*w->lanes[i] = (struct lane){ .index = i, .db = &w->rig->u->db, .now_us = 1000 };
	}
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < WORKERS; i++)
		free(w->lanes[i]);
	rig_free(w->rig);
	free(w);
	return 0;
}

static void come(struct world *w, struct item *item, unsigned worker)
{
	*item = (struct item){ .timed.fn = turn, .there = true, .worker = worker };
	assert_int_equal(timed_add(w->groups, &item->timed, WORKERS), 0);
	timed_begin(&item->timed, worker);
	w->lanes[worker]->due_us = 0; /* the loop tells it to look */
}

static void go(struct item *item)
{
	timed_end(&item->timed);
	item->there = false;
}

/* A worker looks when it is time, and then all of its own have had their turn, and it knows the next time. */
static void look(struct world *w, unsigned worker)
{
	struct lane *lane = w->lanes[worker];
	uint64_t first = UINT64_MAX;

	if (lane->due_us <= lane->now_us)
		(void)timed_tick(lane);
	for (unsigned i = 0; i < N; i++) {
		const struct item *item = &w->items[i];
		if (!item->there || item->worker != worker)
			continue;
		assert_true(item->due_us > lane->now_us);
		first = item->due_us < first ? item->due_us : first;
	}
	/* it may look sooner than it has to */
	assert_true(lane->due_us <= first);
}

static void turns_come_in_time_and_to_the_worker_that_keeps_it(void **state)
{
	struct world *w = *state;
	uint32_t seed = 1;
	unsigned turns = 0;

	for (unsigned step = 0; step < STEPS; step++) {
		struct item *item = &w->items[next(&seed) % N];
		unsigned worker = next(&seed) % WORKERS;
		switch (next(&seed) % 8) {
		case 0:
			if (item->there)
				go(item);
			else
				come(w, item, worker);
			break;
		case 1:
		case 2:
		case 3:
			if (!item->there)
				break;
			item->put_off = next(&seed) % 4 == 0;
			item->worker = worker;
			item->due_us = next(&seed) % 16 ? w->lanes[0]->now_us + 1 + next(&seed) % SPAN : UINT64_MAX;
			timed_set(w->lanes[worker], &item->timed, item->due_us);
			break;
		default:
			for (unsigned i = 0; i < WORKERS; i++)
				w->lanes[i]->now_us += next(&seed) % 2 ? 0 : SPAN / 50;
			w->lanes[1]->now_us = w->lanes[0]->now_us;
		}
		for (unsigned i = 0; i < WORKERS; i++)
			look(w, i);
	}
	for (unsigned i = 0; i < N; i++)
		turns += w->items[i].turns;
	assert_true(turns > 200);
}

/* Places are used again; without anybody due nobody looks. */
static void who_has_no_time_is_not_looked_for(void **state)
{
	struct world *w = *state;

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < N; i++)
			come(w, &w->items[i], 0);
		assert_true(timed_tick(w->lanes[0]));
		assert_true(w->lanes[0]->due_us == UINT64_MAX);
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(w->items[i].turns, 1);
		assert_false(timed_tick(w->lanes[0]));
		assert_false(timed_tick(w->lanes[1]));
		for (unsigned i = 0; i < N; i++)
			go(&w->items[i]);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(turns_come_in_time_and_to_the_worker_that_keeps_it),
		TEST(who_has_no_time_is_not_looked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

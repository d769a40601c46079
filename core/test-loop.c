// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-loop: timers, descriptors, deferred and posted calls, on a clock that the test moves.
 */
#include "test.h"

#include "parts.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

struct fake {
	uint64_t now_us;
	struct rv_clock clock;
	struct rv_loop *loop;
};

static uint64_t fake_now_us(void *self)
{
	return ((struct fake *)self)->now_us;
}

static uint64_t fake_wall_s(void *self)
{
	return 1000000000 + ((struct fake *)self)->now_us / 1000000;
}

static int set_up(void **state)
{
	struct fake *f = talloc_zero(NULL, struct fake);

	f->now_us = 5000;
	f->clock = (struct rv_clock){ .now_us = fake_now_us, .wall_s = fake_wall_s, .self = f, .injected = true };
	f->loop = rv_loop_new(f, &f->clock);
	*state = f;
	return f->loop ? 0 : -1;
}

/* Every test leaves the loop without timers. */
static int tear_down(void **state)
{
	struct fake *f = *state;
	unsigned left = rv_loop_n_timers(f->loop);

	talloc_free(f);
	return left == 0 ? 0 : -1;
}

/* What happened, in order. */
struct story {
	char text[128];
};

struct actor {
	struct rv_timer timer;
	struct fake *f;
	struct story *story;
	char name;
	struct actor *victim;
	unsigned n_fired;
	uint64_t again_us;
};

static void tell(struct story *story, char name)
{
	size_t len = strlen(story->text);

	if (len + 1 < sizeof(story->text))
		story->text[len] = name;
}

static void fired(struct rv_timer *timer)
{
	struct actor *actor = rv_container_of(timer, struct actor, timer);

	assert_false(rv_timer_armed(timer));
	actor->n_fired++;
	if (actor->story)
		tell(actor->story, actor->name);
	if (actor->victim)
		rv_timer_cancel(&actor->victim->timer);
	if (actor->again_us)
		assert_int_equal(rv_timer_arm(timer, actor->again_us), 0);
}

static void actor_init(struct actor *actor, struct fake *f, struct story *story, char name)
{
	*actor = (struct actor){ .f = f, .story = story, .name = name };
	rv_timer_init(&actor->timer, f->loop, fired);
}

static void arm(struct actor *actor, uint64_t delay_us)
{
	assert_int_equal(rv_timer_arm(&actor->timer, delay_us), 0);
}

/* Moves the clock to each deadline in turn until `until_us`. */
static void advance(struct fake *f, uint64_t until_us)
{
	for (uint64_t next = rv_loop_next_us(f->loop); next <= until_us; next = rv_loop_next_us(f->loop)) {
		f->now_us = next > f->now_us ? next : f->now_us;
		rv_loop_turn(f->loop, 0);
	}
	f->now_us = until_us;
	rv_loop_turn(f->loop, 0);
}

static void a_timer_fires_at_its_time_and_once(void **state)
{
	struct fake *f = *state;
	struct actor a;

	actor_init(&a, f, NULL, 'a');
	arm(&a, 100);
	assert_true(rv_timer_armed(&a.timer));
	assert_int_equal(rv_loop_next_us(f->loop), 5100);
	f->now_us = 5099;
	assert_int_equal(rv_loop_turn(f->loop, UINT64_MAX), 0);
	f->now_us = 5100;
	assert_int_equal(rv_loop_turn(f->loop, UINT64_MAX), 1);
	f->now_us = 9999;
	assert_int_equal(rv_loop_turn(f->loop, UINT64_MAX), 0);
	assert_int_equal(a.n_fired, 1);
	assert_int_equal(rv_loop_next_us(f->loop), UINT64_MAX);
}

static void timers_fire_in_the_order_of_their_deadlines(void **state)
{
	struct fake *f = *state;
	struct story story = { "" };
	struct actor actors[8];
	static const uint64_t delays[] = { 50, 10, 80, 30, 70, 20, 60, 40 };

	for (size_t i = 0; i < RV_COUNT(actors); i++) {
		actor_init(&actors[i], f, &story, (char)('0' + delays[i] / 10));
		arm(&actors[i], delays[i]);
	}
	advance(f, 6000);
	assert_string_equal(story.text, "12345678");
}

static void a_timer_moves_later_and_earlier(void **state)
{
	struct fake *f = *state;
	struct story story = { "" };
	struct actor a, b;

	actor_init(&a, f, &story, 'a');
	actor_init(&b, f, &story, 'b');
	arm(&a, 100);
	arm(&b, 200);
	arm(&a, 300); /* only postponed: its key in the heap is still early */
	assert_int_equal(rv_loop_next_us(f->loop), 5200);
	arm(&a, 250);
	arm(&a, 10);
	assert_int_equal(rv_loop_next_us(f->loop), 5010);
	arm(&a, 300);
	advance(f, 5299);
	assert_string_equal(story.text, "b");
	advance(f, 5300);
	assert_string_equal(story.text, "ba");
	assert_int_equal(rv_loop_n_timers(f->loop), 0);
}

static void a_cancelled_timer_does_not_fire(void **state)
{
	struct fake *f = *state;
	struct actor a;
	struct rv_timer zeroed = { 0 };

	actor_init(&a, f, NULL, 'a');
	arm(&a, 100);
	rv_timer_cancel(&a.timer);
	rv_timer_cancel(&a.timer);
	rv_timer_cancel(&zeroed);
	assert_false(rv_timer_armed(&zeroed));
	advance(f, 9000);
	assert_int_equal(a.n_fired, 0);
}

static void a_timer_may_cancel_another_that_is_due_as_well(void **state)
{
	struct fake *f = *state;
	struct actor a, b;

	actor_init(&a, f, NULL, 'a');
	actor_init(&b, f, NULL, 'b');
	a.victim = &b;
	b.victim = &a;
	arm(&a, 100);
	arm(&b, 100);
	advance(f, 9000);
	assert_int_equal(a.n_fired + b.n_fired, 1);
}

static void a_timer_may_arm_itself_again(void **state)
{
	struct fake *f = *state;
	struct actor a;

	actor_init(&a, f, NULL, 'a');
	a.again_us = 1000;
	arm(&a, 1000);
	advance(f, 5000 + 1000 * 1000);
	assert_int_equal(a.n_fired, 1000);
	rv_timer_cancel(&a.timer);
}

static void free_owner(struct rv_timer *timer)
{
	talloc_free(rv_container_of(timer, struct actor, timer));
}

static void a_timer_may_free_its_owner(void **state)
{
	struct fake *f = *state;
	struct actor *a = talloc(f, struct actor);

	actor_init(a, f, NULL, 'a');
	a->timer.fn = free_owner;
	arm(a, 1);
	advance(f, 6000);
	assert_int_equal(rv_loop_n_timers(f->loop), 0);
}

static void rearm_at_once(struct rv_timer *timer)
{
	rv_container_of(timer, struct actor, timer)->n_fired++;
	assert_int_equal(rv_timer_arm(timer, 0), 0);
}

static void count(void *arg)
{
	++*(unsigned *)arg;
}

/* A timer that is always due may not keep everybody else waiting. */
static void a_turn_ends_although_a_timer_is_always_due(void **state)
{
	struct fake *f = *state;
	struct actor a;
	unsigned n = 0;

	actor_init(&a, f, NULL, 'a');
	a.timer.fn = rearm_at_once;
	arm(&a, 0);
	assert_int_equal(rv_defer(f->loop, count, &n), 0);
	rv_loop_turn(f->loop, 0);
	assert_int_equal(n, 1);
	assert_in_range(a.n_fired, 1, 10000);
	rv_timer_cancel(&a.timer);
}

static void far_deadlines_do_not_wrap(void **state)
{
	struct fake *f = *state;
	struct actor a, b;

	actor_init(&a, f, NULL, 'a');
	actor_init(&b, f, NULL, 'b');
	arm(&a, UINT64_MAX);
	arm(&b, UINT64_MAX - 5000);
	advance(f, (uint64_t)1 << 62);
	assert_int_equal(a.n_fired + b.n_fired, 0);
	assert_true(rv_loop_next_us(f->loop) > (uint64_t)1 << 62);
	assert_true(rv_loop_next_us(f->loop) < UINT64_MAX);
	rv_timer_cancel(&a.timer);
	rv_timer_cancel(&b.timer);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

struct crowd {
	struct fake *f;
	uint64_t last_us;
	unsigned n_fired;
	uint64_t span_us; /* deadlines lie within this time from now */
};

struct member {
	struct rv_timer timer;
	struct crowd *crowd;
	uint64_t due_us; /* as the test reckons */
};

static void member_fired(struct rv_timer *timer)
{
	struct member *m = rv_container_of(timer, struct member, timer);

	assert_int_equal(m->due_us, m->crowd->f->now_us);
	assert_true(m->due_us >= m->crowd->last_us);
	m->crowd->last_us = m->due_us;
	m->crowd->n_fired++;
}

static void member_arm(struct member *m, uint64_t *seed)
{
	uint64_t delay_us = next_random(seed) % m->crowd->span_us;

	m->due_us = m->crowd->f->now_us + delay_us;
	assert_int_equal(rv_timer_arm(&m->timer, delay_us), 0);
}

/* Random arming, moving to both sides and cancelling; each fires at exactly the time that was asked for last. */
static void fire_a_crowd(struct fake *f, size_t n, uint64_t span_us)
{
	struct crowd crowd = { .f = f, .span_us = span_us };
	struct member *members = talloc_zero_array(f, struct member, n);
	uint64_t seed = 88172645463325252;
	unsigned n_cancelled = 0;

	for (size_t i = 0; i < n; i++) {
		members[i].crowd = &crowd;
		rv_timer_init(&members[i].timer, f->loop, member_fired);
		member_arm(&members[i], &seed);
	}
	for (size_t i = 0; i < n; i++) {
		struct member *m = &members[next_random(&seed) % n];
		if (next_random(&seed) % 8 == 0 && rv_timer_armed(&m->timer)) {
			rv_timer_cancel(&m->timer);
			n_cancelled++;
		} else if (rv_timer_armed(&m->timer)) {
			member_arm(m, &seed);
		}
	}
	assert_int_equal(rv_loop_n_timers(f->loop), n - n_cancelled);
	advance(f, f->now_us + span_us);
	assert_int_equal(crowd.n_fired, n - n_cancelled);
	talloc_free(members);
}

static void a_third_of_a_million_timers_fire_on_time(void **state)
{
	fire_a_crowd(*state, 300000, RV_S(3600));
}

static void timers_with_neighbouring_deadlines_fire_on_time(void **state)
{
	fire_a_crowd(*state, 500, 400);
	fire_a_crowd(*state, 500, 7);
}

static void time_stands_still_within_a_turn(void **state)
{
	struct fake *f = *state;

	assert_int_equal(rv_loop_now_us(f->loop), 5000);
	f->now_us = 7000;
	assert_int_equal(rv_loop_now_us(f->loop), 7000);
	assert_int_equal(rv_loop_wall_s(f->loop), 1000000000);
}

static void move_clock_and_compare(void *arg)
{
	struct fake *f = arg;
	uint64_t before = rv_loop_now_us(f->loop);

	f->now_us += 500;
	assert_int_equal(rv_loop_now_us(f->loop), before);
}

static void a_callback_sees_one_time_only(void **state)
{
	struct fake *f = *state;

	assert_int_equal(rv_defer(f->loop, move_clock_and_compare, f), 0);
	assert_int_equal(rv_loop_turn(f->loop, 0), 1);
	assert_int_equal(rv_loop_now_us(f->loop), 5500);
}

/* Deferred calls. */

struct deferred {
	struct fake *f;
	struct story *story;
	char name;
	struct deferred *cancels;
	bool again;
};

static void deferred_ran(void *arg)
{
	struct deferred *d = arg;

	tell(d->story, d->name);
	if (d->cancels)
		rv_defer_cancel(d->f->loop, d->cancels);
	if (d->again)
		assert_int_equal(rv_defer(d->f->loop, deferred_ran, d), 0);
}

static void deferred_calls_run_in_order_and_the_new_ones_later(void **state)
{
	struct fake *f = *state;
	struct story story = { "" };
	struct deferred a = { f, &story, 'a', NULL, true }, b = { f, &story, 'b', NULL, false };

	assert_int_equal(rv_defer(f->loop, deferred_ran, &a), 0);
	assert_int_equal(rv_defer(f->loop, deferred_ran, &b), 0);
	assert_int_equal(rv_loop_turn(f->loop, 0), 2);
	assert_string_equal(story.text, "ab");
	assert_int_equal(rv_loop_turn(f->loop, 0), 1);
	a.again = false;
	assert_int_equal(rv_loop_turn(f->loop, 0), 1);
	assert_int_equal(rv_loop_turn(f->loop, 0), 0);
	assert_string_equal(story.text, "abaa");
}

static void deferred_calls_are_taken_back_by_their_argument(void **state)
{
	struct fake *f = *state;
	struct story story = { "" };
	struct deferred c = { f, &story, 'c', NULL, false };
	struct deferred a = { f, &story, 'a', &c, false }, b = { f, &story, 'b', NULL, false };

	assert_int_equal(rv_defer(f->loop, deferred_ran, &a), 0);
	assert_int_equal(rv_defer(f->loop, deferred_ran, &b), 0);
	assert_int_equal(rv_defer(f->loop, deferred_ran, &c), 0); /* taken back by a, in the same turn */
	assert_int_equal(rv_defer(f->loop, deferred_ran, &b), 0);
	assert_int_equal(rv_loop_turn(f->loop, 0), 3);
	assert_string_equal(story.text, "abb");
	assert_int_equal(rv_defer(f->loop, deferred_ran, &b), 0);
	rv_defer_cancel(f->loop, &b);
	assert_int_equal(rv_loop_turn(f->loop, 0), 0);
}

static void many_deferred_calls_survive_growth_while_they_run(void **state)
{
	struct fake *f = *state;
	unsigned n = 0;

	for (int turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < 1000; i++)
			assert_int_equal(rv_defer(f->loop, count, &n), 0);
		assert_int_equal(rv_loop_turn(f->loop, 0), 1000);
	}
	assert_int_equal(n, 3000);
}

/* Descriptors. */

struct pipe_end {
	struct rv_io io;
	int fds[2];
	unsigned n_called;
	uint32_t events;
	struct pipe_end *victim;
	bool frees_victim;
};

static void readable(struct rv_io *io, uint32_t events)
{
	struct pipe_end *end = rv_container_of(io, struct pipe_end, io);

	end->n_called++;
	end->events = events;
	if (!end->victim)
		return;
	rv_io_del(&end->victim->io);
	if (end->frees_victim)
		talloc_free(end->victim);
	end->victim = NULL;
}

static struct pipe_end *open_pipe(struct fake *f)
{
	struct pipe_end *end = talloc_zero(f, struct pipe_end);

	assert_non_null(end);
	assert_int_equal(pipe(end->fds), 0);
	assert_int_equal(rv_io_add(&end->io, f->loop, end->fds[0], EPOLLIN, readable), 0);
	return end;
}

static void close_pipe(struct pipe_end *end)
{
	rv_io_del(&end->io);
	rv_io_del(&end->io);
	close(end->fds[0]);
	close(end->fds[1]);
}

static void a_readable_descriptor_is_told(void **state)
{
	struct fake *f = *state;
	struct pipe_end *end = open_pipe(f);

	assert_int_equal(rv_loop_turn(f->loop, UINT64_MAX), 0);
	assert_int_equal(write(end->fds[1], "x", 1), 1);
	assert_int_equal(rv_loop_turn(f->loop, UINT64_MAX), 1);
	assert_int_equal(end->events, EPOLLIN);
	assert_int_equal(rv_io_mod(&end->io, 0), 0);
	assert_int_equal(rv_loop_turn(f->loop, UINT64_MAX), 0);
	assert_int_equal(rv_io_mod(&end->io, EPOLLIN), 0);
	assert_int_equal(rv_loop_turn(f->loop, UINT64_MAX), 1);
	assert_int_equal(end->n_called, 2);
	close_pipe(end);
	assert_int_equal(rv_io_mod(&end->io, EPOLLIN), -EBADF);
}

/* Both are ready; whichever comes first removes and frees the other, whose event has been fetched already. */
static void a_callback_may_remove_and_free_another_watch(void **state)
{
	struct fake *f = *state;
	struct pipe_end *a = open_pipe(f), *b = open_pipe(f);
	int fds[] = { a->fds[0], a->fds[1], b->fds[0], b->fds[1] };

	a->victim = b;
	b->victim = a;
	a->frees_victim = b->frees_victim = true;
	assert_int_equal(write(a->fds[1], "x", 1), 1);
	assert_int_equal(write(b->fds[1], "x", 1), 1);
	assert_int_equal(rv_loop_turn(f->loop, 0), 1);
	for (size_t i = 0; i < RV_COUNT(fds); i++)
		close(fds[i]);
}

static void a_watch_may_remove_itself(void **state)
{
	struct fake *f = *state;
	struct pipe_end *a = open_pipe(f);

	a->victim = a;
	assert_int_equal(write(a->fds[1], "x", 1), 1);
	assert_int_equal(rv_loop_turn(f->loop, 0), 1);
	assert_int_equal(rv_loop_turn(f->loop, 0), 0);
	assert_int_equal(a->n_called, 1);
	close_pipe(a);
}

static void watching_nothing_is_refused(void **state)
{
	struct fake *f = *state;
	struct rv_io io = { 0 };

	assert_int_equal(rv_io_add(&io, f->loop, -1, EPOLLIN, readable), -EBADF);
	rv_io_del(&io);
}

static void closing_before_removing_is_survived(void **state)
{
	struct fake *f = *state;
	struct pipe_end *a = open_pipe(f);

	close(a->fds[0]);
	rv_io_del(&a->io);
	close(a->fds[1]);
	assert_int_equal(rv_loop_turn(f->loop, 0), 0);
}

/* Threads. */

struct poster {
	struct rv_loop *loop;
	unsigned *n;
};

enum { POSTS = 5000 };

static void *post_many(void *arg)
{
	struct poster *poster = arg;

	for (int i = 0; i < POSTS; i++) {
		if (rv_loop_post(poster->loop, count, poster->n) < 0)
			return poster;
	}
	return NULL;
}

static void calls_posted_by_four_threads_all_arrive(void **state)
{
	struct fake *f = *state;
	unsigned n = 0;
	struct poster poster = { f->loop, &n };
	pthread_t threads[4];

	for (size_t i = 0; i < RV_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, &poster), 0);
	while (n < 4 * POSTS)
		rv_loop_turn(f->loop, 0);
	for (size_t i = 0; i < RV_COUNT(threads); i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	rv_loop_turn(f->loop, 0);
	assert_int_equal(n, 4 * POSTS);
}

static void calls_posted_in_a_row_keep_their_order(void **state)
{
	struct fake *f = *state;
	struct story story = { "" };
	struct deferred a = { f, &story, 'a', NULL, false }, b = { f, &story, 'b', NULL, false };

	assert_int_equal(rv_loop_post(f->loop, deferred_ran, &a), 0);
	assert_int_equal(rv_loop_post(f->loop, deferred_ran, &b), 0);
	assert_int_equal(rv_loop_post(f->loop, deferred_ran, &a), 0);
	assert_int_equal(rv_loop_turn(f->loop, 0), 3);
	assert_string_equal(story.text, "aba");
}

static void what_is_posted_too_late_is_freed_unmade(void **state)
{
	struct fake *f = *state;
	struct rv_loop *loop = rv_loop_new(f, &f->clock);
	unsigned n = 0;

	assert_int_equal(rv_loop_post(loop, count, &n), 0);
	talloc_free(loop);
	assert_int_equal(n, 0);
}

static void a_loop_lets_go_of_the_timers_it_leaves_behind(void **state)
{
	struct fake *f = *state;
	struct rv_loop *loop = rv_loop_new(f, &f->clock);
	struct rv_timer timer;

	rv_timer_init(&timer, loop, fired);
	assert_int_equal(rv_timer_arm(&timer, 5), 0);
	talloc_free(loop);
	assert_false(rv_timer_armed(&timer));
	rv_timer_cancel(&timer);
}

/* The machine's clock. */

static void quit_with_7(struct rv_timer *timer)
{
	rv_loop_quit(timer->loop, 7);
}

static void a_loop_sleeps_until_its_timer_and_ends_with_its_status(void **state)
{
	struct rv_loop *loop = rv_loop_new(NULL, NULL);
	struct rv_timer timer;
	uint64_t before = rv_loop_now_us(loop);

	rv_timer_init(&timer, loop, quit_with_7);
	assert_int_equal(rv_timer_arm(&timer, RV_MS(20)), 0);
	assert_int_equal(rv_loop_run(loop), 7);
	assert_in_range(rv_loop_now_us(loop) - before, RV_MS(20), RV_S(60));
	assert_true(rv_loop_wall_s(loop) > 1600000000);
	talloc_free(loop);
}

static void *post_quit(void *arg)
{
	usleep(10000);
	return rv_loop_post(((struct poster *)arg)->loop, count, ((struct poster *)arg)->n) < 0 ? arg : NULL;
}

static void a_post_wakes_a_sleeping_loop(void **state)
{
	struct rv_loop *loop = rv_loop_new(NULL, NULL);
	unsigned n = 0;
	struct poster poster = { loop, &n };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, post_quit, &poster), 0);
	while (n == 0)
		rv_loop_turn(loop, RV_S(60));
	pthread_join(thread, NULL);
	assert_int_equal(n, 1);
	talloc_free(loop);
}

static void a_turn_waits_no_longer_than_it_may(void **state)
{
	struct rv_loop *loop = rv_loop_new(NULL, NULL);
	uint64_t before = rv_loop_now_us(loop);

	assert_int_equal(rv_loop_turn(loop, 0), 0);
	assert_int_equal(rv_loop_turn(loop, RV_MS(10)), 0);
	assert_in_range(rv_loop_now_us(loop) - before, RV_MS(10), RV_S(60));
	talloc_free(loop);
}

static void note_signal(void *arg, int signo)
{
	*(int *)arg = *(int *)arg * 100 + signo;
}

static void signals_come_to_their_handlers(void **state)
{
	struct rv_loop *loop = rv_loop_new(NULL, NULL);
	sigset_t set, before;
	int seen = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	assert_int_equal(rv_loop_signal(loop, SIGUSR1, note_signal, &seen), 0);
	assert_int_equal(rv_loop_signal(loop, SIGUSR2, note_signal, &seen), 0);
	assert_int_equal(rv_loop_signal(loop, 0, note_signal, &seen), -EINVAL);
	assert_int_equal(rv_loop_signal(loop, 65, note_signal, &seen), -EINVAL);
	raise(SIGUSR1);
	assert_int_equal(rv_loop_turn(loop, RV_S(10)), 1);
	assert_int_equal(seen, SIGUSR1);
	raise(SIGUSR2);
	assert_int_equal(rv_loop_turn(loop, RV_S(10)), 1);
	assert_int_equal(seen, SIGUSR1 * 100 + SIGUSR2);
	talloc_free(loop);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void two_runs_of_one_seed_tell_the_same_story(void **state)
{
	char stories[2][128];

	for (int run = 0; run < 2; run++) {
		void *inner;
		struct story story = { "" };
		struct actor actors[26];
		uint64_t seed = 42;

		assert_int_equal(set_up(&inner), 0);
		for (size_t i = 0; i < RV_COUNT(actors); i++) {
			actor_init(&actors[i], inner, &story, (char)('a' + i));
			arm(&actors[i], next_random(&seed) % 8); /* many at one time */
		}
		advance(inner, 6000);
		memcpy(stories[run], story.text, sizeof(story.text));
		assert_int_equal(tear_down(&inner), 0);
	}
	assert_int_equal(strlen(stories[0]), 26);
	assert_string_equal(stories[0], stories[1]);
}

#define ON_A_FAKE_CLOCK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ON_A_FAKE_CLOCK(a_timer_fires_at_its_time_and_once),
		ON_A_FAKE_CLOCK(timers_fire_in_the_order_of_their_deadlines),
		ON_A_FAKE_CLOCK(a_timer_moves_later_and_earlier),
		ON_A_FAKE_CLOCK(a_cancelled_timer_does_not_fire),
		ON_A_FAKE_CLOCK(a_timer_may_cancel_another_that_is_due_as_well),
		ON_A_FAKE_CLOCK(a_timer_may_arm_itself_again),
		ON_A_FAKE_CLOCK(a_timer_may_free_its_owner),
		ON_A_FAKE_CLOCK(a_turn_ends_although_a_timer_is_always_due),
		ON_A_FAKE_CLOCK(far_deadlines_do_not_wrap),
		ON_A_FAKE_CLOCK(a_third_of_a_million_timers_fire_on_time),
		ON_A_FAKE_CLOCK(timers_with_neighbouring_deadlines_fire_on_time),
		ON_A_FAKE_CLOCK(time_stands_still_within_a_turn),
		ON_A_FAKE_CLOCK(a_callback_sees_one_time_only),
		ON_A_FAKE_CLOCK(deferred_calls_run_in_order_and_the_new_ones_later),
		ON_A_FAKE_CLOCK(deferred_calls_are_taken_back_by_their_argument),
		ON_A_FAKE_CLOCK(many_deferred_calls_survive_growth_while_they_run),
		ON_A_FAKE_CLOCK(a_readable_descriptor_is_told),
		ON_A_FAKE_CLOCK(a_callback_may_remove_and_free_another_watch),
		ON_A_FAKE_CLOCK(a_watch_may_remove_itself),
		ON_A_FAKE_CLOCK(watching_nothing_is_refused),
		ON_A_FAKE_CLOCK(closing_before_removing_is_survived),
		ON_A_FAKE_CLOCK(calls_posted_by_four_threads_all_arrive),
		ON_A_FAKE_CLOCK(calls_posted_in_a_row_keep_their_order),
		ON_A_FAKE_CLOCK(what_is_posted_too_late_is_freed_unmade),
		ON_A_FAKE_CLOCK(a_loop_lets_go_of_the_timers_it_leaves_behind),
		cmocka_unit_test(a_loop_sleeps_until_its_timer_and_ends_with_its_status),
		cmocka_unit_test(a_post_wakes_a_sleeping_loop),
		cmocka_unit_test(a_turn_waits_no_longer_than_it_may),
		cmocka_unit_test(signals_come_to_their_handlers),
		cmocka_unit_test(two_runs_of_one_seed_tell_the_same_story),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-job: who runs a job, who hears of it, and that its data is always dropped.
 */
#include "test.h"

#include "parts.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

struct fixture {
	struct rv_core core;
	struct rv_host host, other;
	unsigned n_dropped;
};

/* A job's own data, a talloc root. */
struct work {
	struct fixture *f;
	pthread_t ran_on;
	sem_t *gate; /* run() waits here */
	bool ran;
	bool signals_blocked;
	int result;
};

struct owner {
	unsigned n_done;
	int result;
	bool ran;
	struct rv_job *cancels;
};

static int set_up_with(void **state, unsigned n_threads)
{
	struct fixture *f = talloc_zero(NULL, struct fixture);

	f->core.loop = rv_loop_new(f, NULL);
	f->core.jobs = rv_jobs_new(f, f->core.loop, n_threads);
	f->host.core = f->other.core = &f->core;
	*state = f;
	return f->core.jobs ? 0 : -1;
}

static int set_up_on_the_loop(void **state)
{
	return set_up_with(state, 0);
}

static int set_up_one_thread(void **state)
{
	return set_up_with(state, 1);
}

static int set_up_threads(void **state)
{
	return set_up_with(state, 3);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	return talloc_free(f);
}

static struct work *new_work(struct fixture *f, int result)
{
	struct work *work = talloc_zero(NULL, struct work);

	assert_non_null(work);
	work->f = f;
	work->result = result;
	return work;
}

static int run(void *data)
{
	struct work *work = data;
	sigset_t mask;

	if (work->gate)
		sem_wait(work->gate);
	work->ran = true;
	work->ran_on = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	work->signals_blocked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGUSR1);
	return work->result;
}

static void done(void *owner, int result, void *data)
{
	struct owner *o = owner;

	o->n_done++;
	o->result = result;
	o->ran = ((struct work *)data)->ran;
	rv_job_cancel(o->cancels);
}

static void drop(void *data)
{
	((struct work *)data)->f->n_dropped++;
	talloc_free(data);
}

static void until_dropped(struct fixture *f, unsigned n)
{
	while (f->n_dropped < n)
		rv_loop_turn(f->core.loop, RV_S(10));
}

static void a_job_runs_and_answers_once(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { 0 };

	assert_non_null(rv_job_start(&f->host, new_work(f, 42), run, &owner, done, drop));
	assert_int_equal(owner.n_done, 0);
	assert_int_equal(rv_jobs_of(f->core.jobs, &f->host), 1);
	assert_int_equal(rv_jobs_of(f->core.jobs, &f->other), 0);
	until_dropped(f, 1);
	assert_int_equal(owner.n_done, 1);
	assert_int_equal(owner.result, 42);
	assert_true(owner.ran);
	assert_int_equal(rv_jobs_of(f->core.jobs, &f->host), 0);
}

static void done_off_the_loop(void *owner, int result, void *data)
{
	struct work *work = data;

	assert_false(pthread_equal(work->ran_on, pthread_self()));
	assert_true(work->signals_blocked);
	done(owner, result, data);
}

static void a_pool_thread_runs_it_with_signals_blocked(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { 0 };
	sigset_t before, after;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_non_null(rv_job_start(&f->host, new_work(f, 0), run, &owner, done_off_the_loop, drop));
	until_dropped(f, 1);
	assert_int_equal(owner.n_done, 1);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

static unsigned count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned n = 0;

	assert_non_null(tasks);
	while ((entry = readdir(tasks)))
		n++;
	closedir(tasks);
	return n;
}

/* A thread has the rights of its maker at that moment. */
static void no_thread_is_made_while_they_are_held_back(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { 0 };
	unsigned before = count_threads();

	rv_jobs_hold(f->core.jobs, true);
	assert_non_null(rv_job_start(&f->host, new_work(f, 7), run, &owner, done, drop));
	assert_int_equal(count_threads(), before);
	rv_jobs_hold(f->core.jobs, false);
	assert_int_equal(count_threads(), before + 3);
	until_dropped(f, 1);
	assert_int_equal(owner.result, 7);
}

static void a_cancelled_job_is_dropped_unanswered(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { 0 };
	struct rv_job *job = rv_job_start(&f->host, new_work(f, 1), run, &owner, done, drop);

	rv_job_cancel(job);
	rv_job_cancel(job);
	rv_job_cancel(NULL);
	assert_int_equal(f->n_dropped, 0); /* not before cancel returns */
	assert_int_equal(rv_jobs_of(f->core.jobs, &f->host), 1);
	until_dropped(f, 1);
	assert_int_equal(owner.n_done, 0);
	assert_int_equal(rv_jobs_of(f->core.jobs, &f->host), 0);
}

/* The first job holds the only thread; cancelled while it runs, it is still dropped, and only after it ended. */
static void a_running_job_is_cancelled_without_waiting(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { 0 };
	struct work *work = new_work(f, 0);
	sem_t gate;

	sem_init(&gate, 0, 0);
	work->gate = &gate;
	struct rv_job *job = rv_job_start(&f->host, work, run, &owner, done, drop);
	struct rv_job *queued = rv_job_start(&f->host, new_work(f, 0), run, &owner, done, drop);
	rv_job_cancel(job);
	rv_job_cancel(queued);
	rv_loop_turn(f->core.loop, RV_MS(5));
	sem_post(&gate);
	until_dropped(f, 2);
	assert_int_equal(owner.n_done, 0);
	sem_destroy(&gate);
}

static void an_answer_may_cancel_a_job_that_has_finished_too(void **state)
{
	struct fixture *f = *state;
	struct owner a = { 0 }, b = { 0 };
	struct rv_job *first = rv_job_start(&f->host, new_work(f, 0), run, &a, done, drop);
	struct rv_job *second = rv_job_start(&f->host, new_work(f, 0), run, &b, done, drop);

	a.cancels = second;
	b.cancels = first;
	/* Whichever is answered first. Let both finish before the loop looks. */
	struct timespec pause = { .tv_nsec = 20000000 };
	nanosleep(&pause, NULL);
	until_dropped(f, 2);
	assert_int_equal(a.n_done + b.n_done, 1);
}

static void jobs_on_the_loop_keep_their_order(void **state)
{
	struct fixture *f = *state;
	struct owner owners[4] = { 0 };

	for (int i = 0; i < 4; i++)
		assert_non_null(rv_job_start(&f->host, new_work(f, i), run, &owners[i], done, drop));
	assert_int_equal(rv_loop_turn(f->core.loop, 0), 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(owners[i].result, i);
	assert_int_equal(f->n_dropped, 4);
}

static void data_without_drop_is_freed_by_talloc(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { 0 };

	assert_non_null(rv_job_start(&f->host, new_work(f, 3), run, &owner, done, NULL));
	while (rv_jobs_of(f->core.jobs, &f->host) > 0)
		rv_loop_turn(f->core.loop, RV_S(10));
	assert_int_equal(owner.result, 3); /* the leak checker sees the rest */
}

static void the_queue_has_a_limit(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { 0 };

	for (int i = 0; i < 4096; i++)
		assert_non_null(rv_job_start(&f->host, new_work(f, 0), run, &owner, done, drop));
	struct work *refused = new_work(f, 0);
	assert_null(rv_job_start(&f->host, refused, run, &owner, done, drop));
	talloc_free(refused);
	assert_int_equal(rv_jobs_of(f->core.jobs, &f->host), 4096);
	until_dropped(f, 4096);
	assert_int_equal(owner.n_done, 4096);
	assert_non_null(rv_job_start(&f->host, new_work(f, 0), run, &owner, done, drop));
	until_dropped(f, 4097);
}

static void hosts_are_counted_apart(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { 0 };

	for (int i = 0; i < 5; i++)
		assert_non_null(rv_job_start(i < 3 ? &f->host : &f->other, new_work(f, 0), run, &owner, done, drop));
	assert_int_equal(rv_jobs_of(f->core.jobs, &f->host), 3);
	assert_int_equal(rv_jobs_of(f->core.jobs, &f->other), 2);
	until_dropped(f, 5);
}

/* Every way a job can be when the pool ends: queued, running, finished; data is dropped in each. */
static void the_end_of_the_pool_drops_all_jobs_unanswered(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { 0 };

	for (int i = 0; i < 100; i++)
		assert_non_null(rv_job_start(&f->host, new_work(f, 0), run, &owner, done, drop));
	talloc_free(f->core.jobs);
	assert_int_equal(f->n_dropped, 100);
	assert_int_equal(owner.n_done, 0);
	rv_loop_turn(f->core.loop, 0);
}

static void done_and_start_again(void *owner, int result, void *data)
{
	struct owner *o = owner;
	struct fixture *f = ((struct work *)data)->f;

	if (++o->n_done < 50)
		assert_non_null(rv_job_start(&f->host, new_work(f, 0), run, o, done_and_start_again, drop));
}

static void an_answer_may_start_the_next_job(void **state)
{
	struct fixture *f = *state;
	struct owner owner = { 0 };

	assert_non_null(rv_job_start(&f->host, new_work(f, 0), run, &owner, done_and_start_again, drop));
	until_dropped(f, 50);
	assert_int_equal(owner.n_done, 50);
}

/* Calls. */

struct caller {
	struct rv_call call;
	unsigned n_done, n_cancelled;
	int result;
};

static void call_done(struct rv_call *call, int result)
{
	struct caller *caller = rv_container_of(call, struct caller, call);

	assert_false(call->pending);
	caller->n_done++;
	caller->result = result;
}

static void call_cancelled(struct rv_call *call)
{
	((struct caller *)call->provider)->n_cancelled++;
}

static void a_pending_call_is_finished_once(void **state)
{
	struct caller caller = { 0 };

	rv_call_init(&caller.call, call_done);
	assert_int_equal(rv_call_pend(&caller.call, call_cancelled, &caller), RV_PENDING);
	assert_true(caller.call.pending);
	rv_call_finish(&caller.call, -RV_ETIMEOUT);
	rv_call_finish(&caller.call, 0);
	rv_call_cancel(&caller.call);
	assert_int_equal(caller.n_done, 1);
	assert_int_equal(caller.result, -RV_ETIMEOUT);
	assert_int_equal(caller.n_cancelled, 0);
}

static void a_cancelled_call_is_never_finished(void **state)
{
	struct caller caller = { 0 };

	rv_call_init(&caller.call, call_done);
	rv_call_cancel(&caller.call);
	assert_int_equal(caller.n_cancelled, 0);
	rv_call_pend(&caller.call, call_cancelled, &caller);
	rv_call_cancel(&caller.call);
	rv_call_cancel(&caller.call);
	rv_call_finish(&caller.call, 0);
	assert_int_equal(caller.n_cancelled, 1);
	assert_int_equal(caller.n_done, 0);
	/* And it may be used again. */
	rv_call_pend(&caller.call, NULL, NULL);
	rv_call_finish(&caller.call, 0);
	assert_int_equal(caller.n_done, 1);
}

static void call_again(struct rv_call *call, int result)
{
	struct caller *caller = rv_container_of(call, struct caller, call);

	if (++caller->n_done < 3)
		assert_int_equal(rv_call_pend(call, call_cancelled, caller), RV_PENDING);
}

static void a_call_is_the_callers_again_when_done_runs(void **state)
{
	struct caller caller = { 0 };

	rv_call_init(&caller.call, call_again);
	rv_call_pend(&caller.call, call_cancelled, &caller);
	for (int i = 0; i < 3; i++) {
		assert_true(caller.call.pending);
		rv_call_finish(&caller.call, 0);
	}
	assert_false(caller.call.pending);
}

#define ON_THE_LOOP(test)                                                                                              \
	{                                                                                                              \
		"on the loop: " #test, test, set_up_on_the_loop, tear_down, NULL                                       \
	}
#define ON_ONE_THREAD(test)                                                                                            \
	{                                                                                                              \
		"on a thread: " #test, test, set_up_one_thread, tear_down, NULL                                        \
	}
#define ON_THREADS(test)                                                                                               \
	{                                                                                                              \
		"on threads: " #test, test, set_up_threads, tear_down, NULL                                            \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		ON_THE_LOOP(a_job_runs_and_answers_once),
		ON_THREADS(a_job_runs_and_answers_once),
		ON_THREADS(a_pool_thread_runs_it_with_signals_blocked),
		ON_THREADS(no_thread_is_made_while_they_are_held_back),
		ON_THE_LOOP(a_cancelled_job_is_dropped_unanswered),
		ON_THREADS(a_cancelled_job_is_dropped_unanswered),
		ON_ONE_THREAD(a_running_job_is_cancelled_without_waiting),
		ON_THE_LOOP(an_answer_may_cancel_a_job_that_has_finished_too),
		ON_ONE_THREAD(an_answer_may_cancel_a_job_that_has_finished_too),
		ON_THE_LOOP(jobs_on_the_loop_keep_their_order),
		ON_THE_LOOP(data_without_drop_is_freed_by_talloc),
		ON_THREADS(data_without_drop_is_freed_by_talloc),
		ON_THE_LOOP(the_queue_has_a_limit),
		ON_THREADS(the_queue_has_a_limit),
		ON_THE_LOOP(hosts_are_counted_apart),
		ON_THREADS(hosts_are_counted_apart),
		ON_THE_LOOP(the_end_of_the_pool_drops_all_jobs_unanswered),
		ON_THREADS(the_end_of_the_pool_drops_all_jobs_unanswered),
		ON_THE_LOOP(an_answer_may_start_the_next_job),
		ON_THREADS(an_answer_may_start_the_next_job),
		cmocka_unit_test(a_pending_call_is_finished_once),
		cmocka_unit_test(a_cancelled_call_is_never_finished),
		cmocka_unit_test(a_call_is_the_callers_again_when_done_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

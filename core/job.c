// SPDX-License-Identifier: LGPL-2.1-or-later
/* job: the pool of threads for work that would block the loop, and the one way of answering later.
 *
 * A job is made, answered and freed on the loop's thread; a pool thread touches only the queue (under the lock) and, in
 * run(), the job's data. A finished job travels back in a list with an eventfd of its own, which cannot fail, so drop()
 * is certain.
 */
#include "parts.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { JOBS_MAX = 4096, THREADS_MAX = 64 };

struct rv_job {
	struct rv_list entry;  /* in all: loop thread */
	struct rv_list queued; /* in queue or finished: under the lock */
	struct rv_jobs *jobs;
	struct rv_host *host;
	void *data;
	rv_job_run_fn *run;
	void *owner;
	rv_job_done_fn *done;
	rv_job_drop_fn *drop;
	int result;
	bool begun;	/* under the lock */
	bool cancelled; /* loop thread */
};

struct rv_jobs {
	struct rv_loop *loop;
	struct rv_list all;
	unsigned n_all;

	pthread_mutex_t lock; /* queue, finished, stopping */
	pthread_cond_t work;
	struct rv_list queue, finished;
	bool stopping;

	int event_fd;
	struct rv_io io;
	unsigned n_wanted, n_threads; /* wanted 0: jobs run on the loop */
	bool held;		      /* no threads are made */
	pthread_t threads[THREADS_MAX];
};

/* The last act of a job, on the loop's thread. */
static int job_end(struct rv_job *job)
{
	if (job->drop)
		job->drop(job->data);
	else
		talloc_free(job->data);
	rv_list_del(&job->entry);
	job->jobs->n_all--;
	return 0;
}

static void answer(struct rv_job *job)
{
	if (!job->cancelled)
		job->done(job->owner, job->result, job->data);
	talloc_free(job);
}

static void wake_loop(struct rv_jobs *jobs)
{
	(void)eventfd_write(jobs->event_fd, 1);
}

/* Under the lock. Whether the loop must be woken: else whoever came first does. */
static bool is_first_finished(struct rv_jobs *jobs, struct rv_job *job)
{
	bool first = rv_list_empty(&jobs->finished);

	rv_list_add(&jobs->finished, &job->queued);
	return first;
}

static void *work(void *arg)
{
	struct rv_jobs *jobs = arg;

	pthread_mutex_lock(&jobs->lock);
	while (!jobs->stopping) {
		if (rv_list_empty(&jobs->queue)) {
			pthread_cond_wait(&jobs->work, &jobs->lock);
			continue;
		}
		struct rv_job *job = rv_container_of(jobs->queue.next, struct rv_job, queued);
		rv_list_del(&job->queued);
		job->begun = true;
		pthread_mutex_unlock(&jobs->lock);
		int result = job->run(job->data);
		pthread_mutex_lock(&jobs->lock);
		job->result = result;
		if (!is_first_finished(jobs, job))
			continue;
		pthread_mutex_unlock(&jobs->lock); /* the loop wants it at once */
		wake_loop(jobs);
		pthread_mutex_lock(&jobs->lock);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

/* Answers what had finished at this moment, one by one: an answer may start, cancel or (through a parent) free others.
 */
static void finished(struct rv_io *io, uint32_t events)
{
	struct rv_jobs *jobs = rv_container_of(io, struct rv_jobs, io);
	eventfd_t count;
	struct rv_list batch;

	(void)eventfd_read(io->fd, &count);
	rv_list_init(&batch);
	pthread_mutex_lock(&jobs->lock);
	while (!rv_list_empty(&jobs->finished)) {
		struct rv_list *first = jobs->finished.next;
		rv_list_del(first);
		rv_list_add(&batch, first);
	}
	pthread_mutex_unlock(&jobs->lock);

	while (!rv_list_empty(&batch)) {
		struct rv_job *job = rv_container_of(batch.next, struct rv_job, queued);
		rv_list_del(&job->queued);
		answer(job);
	}
}

/* A pool without threads: the job's turn on the loop. */
static void run_here(void *arg)
{
	struct rv_job *job = arg;

	if (!job->cancelled)
		job->result = job->run(job->data);
	answer(job);
}

static void enqueue(struct rv_jobs *jobs, struct rv_job *job)
{
	pthread_mutex_lock(&jobs->lock);
	rv_list_add(&jobs->queue, &job->queued);
	pthread_mutex_unlock(&jobs->lock);
	pthread_cond_signal(&jobs->work);
}

/* The threads are made for the first job, or when they are no longer held back, so that a program can give up rights
 * before there is any; fewer than wanted will do. Signals are for the loop's thread only. */
static bool start_threads(struct rv_jobs *jobs)
{
	sigset_t all, before;
	int r = 0;

	if (jobs->n_threads > 0 || jobs->stopping || jobs->held)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (r == 0 && jobs->n_threads < jobs->n_wanted) {
		r = pthread_create(&jobs->threads[jobs->n_threads], NULL, work, jobs);
		jobs->n_threads += r == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return jobs->n_threads > 0;
}

void rv_jobs_hold(struct rv_jobs *jobs, bool held)
{
	jobs->held = held;
	if (!held && jobs->n_wanted > 0 && jobs->n_all > 0)
		(void)start_threads(jobs); /* without memory for one the next job tries again */
}

struct rv_job *rv_job_start(struct rv_host *host, void *data, rv_job_run_fn *run, void *owner, rv_job_done_fn *done,
			    rv_job_drop_fn *drop)
{
	struct rv_jobs *jobs = host->core->jobs;
	struct rv_job *job = jobs->n_all < JOBS_MAX ? talloc(jobs, struct rv_job) : NULL;

	if (!job)
		return NULL;
	if (jobs->n_wanted > 0 && !start_threads(jobs)) {
		talloc_free(job);
		return NULL;
	}
	*job = (struct rv_job){
		.jobs = jobs, .host = host, .data = data, .run = run, .owner = owner, .done = done, .drop = drop
	};
	rv_list_init(&job->queued);
	if (jobs->n_wanted == 0 && rv_defer(jobs->loop, run_here, job) < 0) {
		talloc_free(job);
		return NULL;
	}
	rv_list_add(&jobs->all, &job->entry);
	jobs->n_all++;
	talloc_set_destructor(job, job_end);
	if (jobs->n_wanted > 0)
		enqueue(jobs, job);
	return job;
}

void rv_job_cancel(struct rv_job *job)
{
	if (!job || job->cancelled)
		return;

	struct rv_jobs *jobs = job->jobs;
	job->cancelled = true;
	if (jobs->n_wanted == 0)
		return;
	/* A job that nobody waits for and nobody began need not run. */
	pthread_mutex_lock(&jobs->lock);
	if (!job->begun) {
		job->begun = true;
		rv_list_del(&job->queued);
		if (is_first_finished(jobs, job))
			wake_loop(jobs);
	}
	pthread_mutex_unlock(&jobs->lock);
}

unsigned rv_jobs_of(const struct rv_jobs *jobs, const struct rv_host *host)
{
	unsigned n = 0;

	rv_list_each (&jobs->all, job, const struct rv_job, entry) {
		n += job->host == host;
	}
	return n;
}

void rv_jobs_stop(struct rv_jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_broadcast(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
	for (; jobs->n_threads > 0; jobs->n_threads--)
		pthread_join(jobs->threads[jobs->n_threads - 1], NULL);
}

static int jobs_end(struct rv_jobs *jobs)
{
	rv_jobs_stop(jobs);
	rv_list_each (&jobs->all, job, struct rv_job, entry) {
		if (jobs->n_wanted == 0)
			rv_defer_cancel(jobs->loop, job);
		talloc_free(job);
	}
	rv_io_del(&jobs->io);
	if (jobs->event_fd >= 0)
		close(jobs->event_fd);
	pthread_cond_destroy(&jobs->work);
	pthread_mutex_destroy(&jobs->lock);
	return 0;
}

struct rv_jobs *rv_jobs_new(const void *parent, struct rv_loop *loop, unsigned n_threads)
{
	struct rv_jobs *jobs = talloc_zero(parent, struct rv_jobs);

	if (!jobs)
		return NULL;
	jobs->loop = loop;
	rv_list_init(&jobs->all);
	rv_list_init(&jobs->queue);
	rv_list_init(&jobs->finished);
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->work, NULL);
	jobs->event_fd = -1;
	talloc_set_destructor(jobs, jobs_end);
	jobs->n_wanted = n_threads < THREADS_MAX ? n_threads : THREADS_MAX;
	if (n_threads == 0)
		return jobs;

	jobs->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (jobs->event_fd < 0 || rv_io_add(&jobs->io, loop, jobs->event_fd, EPOLLIN, finished) < 0) {
		talloc_free(jobs);
		return NULL;
	}
	return jobs;
}

int rv_call_pend(struct rv_call *call, rv_call_cancel_fn *cancel, void *provider)
{
	call->cancel = cancel;
	call->provider = provider;
	call->pending = true;
	return RV_PENDING;
}

void rv_call_finish(struct rv_call *call, int result)
{
	if (!call->pending)
		return;

	call->pending = false;
	call->cancel = NULL;
	call->provider = NULL;
	call->done(call, result);
}

void rv_call_cancel(struct rv_call *call)
{
	if (!call->pending)
		return;

	call->pending = false;
	if (call->cancel)
		call->cancel(call);
	call->cancel = NULL;
	call->provider = NULL;
}

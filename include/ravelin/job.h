// SPDX-License-Identifier: LGPL-2.1-or-later
/* job.h: work that would block a loop, and answers that come later.
 *
 * A job runs on a small pool of threads with plain data of its own (a talloc root that moves with it) and its result
 * comes back on the loop that asked. With an injected clock the pool has no thread: jobs run in order on the loop, so
 * that a scenario replays. A struct rv_call is the one way in which every asynchronous verb of a service answers.
 */
#pragma once

#include <ravelin/base.h>

struct rv_host;
struct rv_jobs;
struct rv_job;
struct rv_call;

/* run: on a pool thread, touches only data; its return value goes to done. done: on the loop, once, unless the job was
 * cancelled before. drop: on the loop, always, last; frees data. */
typedef int rv_job_run_fn(void *data);
typedef void rv_job_done_fn(void *owner, int result, void *data);
typedef void rv_job_drop_fn(void *data);

/* Starts a job in the name of host (the plugin whose code runs; its unload waits for the job). data moves to the job.
 * owner is passed to done and borrowed until then. drop may be NULL: talloc_free(data). Returns the job for
 * rv_job_cancel(), or NULL when memory is out or the queue is full (data is then still the caller's). Loop thread. */
struct rv_job *rv_job_start(struct rv_host *host, void *data, rv_job_run_fn *run, void *owner, rv_job_done_fn *done,
			    rv_job_drop_fn *drop);

/* Forgets the answer: done will not be called; drop still is, once run has ended. Loop thread. NULL is harmless. */
void rv_job_cancel(struct rv_job *job);

typedef void rv_call_done_fn(struct rv_call *call, int result);
typedef void rv_call_cancel_fn(struct rv_call *call);

/* An asynchronous call of a service's verb, embedded in whoever waits for the answer. The verb returns RV_PENDING and
 * finishes later with rv_call_finish(), or returns its result at once and never touches the call again. */
struct rv_call {
	rv_call_done_fn *done;	   /* set by the caller; on the loop thread */
	rv_call_cancel_fn *cancel; /* set by the provider while it works */
	void *provider;		   /* the provider's own */
	bool pending;
};

/* Prepares call; done will be called at most once. */
static inline void rv_call_init(struct rv_call *call, rv_call_done_fn *done)
{
	*call = (struct rv_call){ .done = done };
}

/* Provider: takes the call on and returns RV_PENDING. cancel is called when the caller loses interest, and must drop
 * every pointer to call. */
int rv_call_pend(struct rv_call *call, rv_call_cancel_fn *cancel, void *provider);

/* Provider: ends a pending call with result (0 or negative). The call is the caller's again before done runs. */
void rv_call_finish(struct rv_call *call, int result);

/* Caller: loses interest; harmless when nothing is pending. done is not called. */
void rv_call_cancel(struct rv_call *call);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* retire: what was taken out of the databases is freed when no worker can see it any more.
 *
 * The loop hands over; a thread of its own waits for a grace period of read-copy-update, so that the loop never does;
 * the free functions run on the loop again. Before the thread is started nobody else reads, and they run at once.
 */
#pragma once

#include <pthread.h>
#include <ravelin/loop.h>

struct retired;
typedef void retired_fn(struct retired *retired);

/* Embedded in every object that workers read. */
struct retired {
	struct retired *next;
	retired_fn *fn;
};

struct retirer {
	pthread_mutex_t lock; /* waiting, ready, stop */
	pthread_cond_t wake;
	pthread_t thread;
	struct retired *waiting, *ready;
	void (*settled)(void *arg); /* after each grace period, on the thread; may be NULL */
	void *arg;
	struct rv_io io;
	int fd;
	bool started, stop;
};

/* The thread and its answer to the loop. settled is called on the thread after each grace period; NULL: nothing is. 0
 * or -errno. */
int retirer_start(struct retirer *retirer, struct rv_loop *loop, void (*settled)(void *arg), void *arg);

/* Frees all that still waits and ends the thread. No worker may run any more. */
void retirer_stop(struct retirer *retirer);

/* Calls fn(retired) on the loop once no reader can hold it. retirer NULL or not started: now. Loop thread. */
void retire(struct retirer *retirer, struct retired *retired, retired_fn *fn);

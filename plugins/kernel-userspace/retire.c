// SPDX-License-Identifier: LGPL-2.1-or-later
/* retire: the thread that waits for grace periods. */
#include "retire.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <urcu/urcu-memb.h>

static struct retired *join(struct retired *list, struct retired *rest)
{
	struct retired *last = list;

	if (!list)
		return rest;
	while (last->next)
		last = last->next;
	last->next = rest;
	return list;
}

static void run_all(struct retired *list)
{
	for (struct retired *next; list; list = next) {
		next = list->next;
		list->fn(list);
	}
}

static void *wait_for_grace(void *arg)
{
	static const uint64_t one = 1;
	struct retirer *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		struct retired *batch = r->waiting;
		if (!batch) {
			pthread_cond_wait(&r->wake, &r->lock);
			continue;
		}
		r->waiting = NULL;
		pthread_mutex_unlock(&r->lock);
		urcu_memb_synchronize_rcu();
		if (r->settled)
			r->settled(r->arg);
		pthread_mutex_lock(&r->lock);
		bool first = !r->ready; /* else the loop knows */
		r->ready = join(batch, r->ready);
		if (!first)
			continue;
		pthread_mutex_unlock(&r->lock); /* the loop wants it at once */
		(void)!write(r->fd, &one, sizeof(one));
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void ready(struct rv_io *io, uint32_t events)
{
	struct retirer *r = rv_container_of(io, struct retirer, io);
	uint64_t count;

	(void)!read(r->fd, &count, sizeof(count));
	pthread_mutex_lock(&r->lock);
	struct retired *list = r->ready;
	r->ready = NULL;
	pthread_mutex_unlock(&r->lock);
	run_all(list);
}

static int start_thread(struct retirer *r)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int error = pthread_create(&r->thread, NULL, wait_for_grace, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!error)
		pthread_setname_np(r->thread, "rv-retire");
	return -error;
}

int retirer_start(struct retirer *r, struct rv_loop *loop, void (*settled)(void *arg), void *arg)
{
	*r = (struct retirer){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .settled = settled, .arg = arg };
	if (r->fd < 0)
		return -errno;
	int error = rv_io_add(&r->io, loop, r->fd, EPOLLIN, ready);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	if (!error)
		error = start_thread(r);
	r->started = !error;
	if (!error)
		return 0;
	rv_io_del(&r->io);
	close(r->fd);
	return error;
}

void retirer_stop(struct retirer *r)
{
	if (!r->started)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	r->started = false;
	rv_io_del(&r->io);
	close(r->fd);
	run_all(join(r->ready, r->waiting));
	r->ready = r->waiting = NULL;
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
}

void retire(struct retirer *r, struct retired *retired, retired_fn *fn)
{
	retired->fn = fn;
	retired->next = NULL;
	if (!r || !r->started) {
		fn(retired);
		return;
	}
	pthread_mutex_lock(&r->lock);
	bool first = !r->waiting; /* else the thread knows */
	retired->next = r->waiting;
	r->waiting = retired;
	pthread_mutex_unlock(&r->lock);
	if (first)
		pthread_cond_signal(&r->wake);
}

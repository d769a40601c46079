// SPDX-License-Identifier: LGPL-2.1-or-later
/* worker: the thread around a lane. */
#include "worker.h"
#include "extend.h"
#include "trap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <urcu/urcu-memb.h>

/* A burst has at most half a megabyte and one packet or train more: with less, threads wake each other more often; with
 * more, it leaves the cache. */
enum { EVENTS = 16, BUFFER = (512 << 10) + RV_PACKET_ROOM, PATIENCE_MAX = 63 };

/* What woke us, in the upper half of the event's data; the lower half is the device's number or the wire's. */
enum source { FROM_LOOP, FROM_IFACE, FROM_WIRE };

static uint64_t source(enum source from, uint32_t id)
{
	return (uint64_t)from << 32 | id;
}

static uint64_t now_us(const struct worker *w)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 + w->clock_offset);
}

static void release_held(struct worker *w)
{
	uint64_t count;

	(void)!read(w->wake, &count, sizeof(count));
	pthread_mutex_lock(&w->in_lock);
	struct held *held = w->held;
	w->held = NULL;
	w->held_end = &w->held;
	pthread_mutex_unlock(&w->in_lock);
	trap_release(&w->lane, held);
	w->lane.due_us = 0; /* an SA with an extension may be new */
}

/* A device that was taken away from under us would wake us for ever. */
static void give_up(struct worker *w, const struct epoll_event *event, const struct rv_port *port)
{
	if (event->events & (EPOLLERR | EPOLLHUP))
		(void)epoll_ctl(w->poll, EPOLL_CTL_DEL, port->fd, NULL);
}

static int receive(struct worker *w, struct rv_port *port)
{
	w->packets[0].buf = w->buffer;
	w->packets[0].cap = BUFFER;
	return port->ops->recv(port, w->list, RV_BURST);
}

static void from_iface(struct worker *w, const struct epoll_event *event)
{
	struct iface *iface = table_get(&w->lane.db->ifaces, (uint32_t)event->data.u64);
	struct rv_port *port = iface ? iface->ports[w->lane.index] : NULL;

	if (!port)
		return;
	int n = receive(w, port);
	if (n > 0)
		lane_clear(&w->lane, iface, w->list, (size_t)n);
	else
		give_up(w, event, port);
}

/* This host answers much of what it is given before send() returns: echoes, say. The answer to a single packet is taken
 * at once, without another wait; where none came, it is looked for less and less often. (Answers to bursts do better to
 * wait, and to become bursts.) */
static void take_answers(struct worker *w, struct iface *iface)
{
	struct rv_port *port = iface ? iface->ports[w->lane.index] : NULL;

	if (!port || (w->silent && w->silent--))
		return;
	int n = receive(w, port);
	w->patience = n > 0 ? 0 : w->patience < PATIENCE_MAX ? 2 * w->patience + 1 : PATIENCE_MAX;
	w->silent = w->patience;
	if (n > 0)
		lane_clear(&w->lane, iface, w->list, (size_t)n);
}

static void from_wire(struct worker *w, const struct epoll_event *event)
{
	struct rv_port *port = w->lane.wire[(uint32_t)event->data.u64];
	int n = receive(w, port);
	bool alone = n == 1 && !w->packets[0].seg_len;

	w->lane.in.fed = NULL;
	if (n > 0 && port == w->lane.wire[WIRE_AH])
		lane_ah(&w->lane, w->list, (size_t)n);
	else if (n > 0)
		lane_wire(&w->lane, w->list, (size_t)n);
	if (alone)
		take_answers(w, w->lane.in.fed);
}

static void handle(struct worker *w, const struct epoll_event *event)
{
	switch ((enum source)(event->data.u64 >> 32)) {
	case FROM_LOOP:
		release_held(w);
		return;
	case FROM_IFACE:
		from_iface(w, event);
		return;
	case FROM_WIRE:
		from_wire(w, event);
		return;
	}
}

/* Until something comes, or an extension's time. */
static int wait_for(struct worker *w, struct epoll_event *events)
{
	uint64_t due_us = w->lane.due_us, now = due_us == UINT64_MAX ? 0 : now_us(w);
	uint64_t left_us = due_us > now ? due_us - now : 0;
	struct timespec left = { .tv_sec = (time_t)(left_us / 1000000), .tv_nsec = (long)(left_us % 1000000) * 1000 };

	return epoll_pwait2(w->poll, events, EVENTS, due_us == UINT64_MAX ? NULL : &left, NULL);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	struct epoll_event events[EVENTS];

	worker_drop_rights();
	urcu_memb_register_thread();
	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		int n = wait_for(w, events);
		urcu_memb_read_lock();
		w->lane.now_us = now_us(w);
		for (int i = 0; i < n; i++)
			handle(w, &events[i]);
		if (w->lane.due_us <= w->lane.now_us)
			extend_tick(&w->lane);
		atomic_fetch_add_explicit(&w->turns, 1, memory_order_release);
		urcu_memb_read_unlock();
	}
	urcu_memb_unregister_thread();
	return NULL;
}

static int watch(struct worker *w, int fd, uint64_t data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = data };

	return epoll_ctl(w->poll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int worker_init(struct worker *w, struct databases *db, unsigned index, uint32_t max_contexts)
{
	*w = (struct worker){ .poll = -1, .wake = -1, .held_end = &w->held };
	int r = lane_init(&w->lane, db, index, max_contexts);
	if (r)
		return r;
	pthread_mutex_init(&w->in_lock, NULL);
	w->buffer = rv_pages_new(db->vault, BUFFER);
	w->poll = epoll_create1(EPOLL_CLOEXEC);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (size_t i = 0; i < RV_BURST; i++)
		w->list[i] = &w->packets[i];
	if (!w->buffer)
		return -ENOMEM;
	if (w->poll < 0 || w->wake < 0)
		return -errno;
	return watch(w, w->wake, source(FROM_LOOP, 0));
}

int worker_start(struct worker *w, uint64_t loop_now_us)
{
	sigset_t all, old;
	char name[16];

	w->clock_offset = (int64_t)(loop_now_us - now_us(w));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int r = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return -r;
	w->running = true;
	snprintf(name, sizeof(name), "rv-esp/%u", w->lane.index);
	pthread_setname_np(w->thread, name);
	return 0;
}

static void wake(struct worker *w)
{
	static const uint64_t one = 1;

	(void)!write(w->wake, &one, sizeof(one));
}

void worker_stop(struct worker *w)
{
	if (!w->running)
		return;
	atomic_store(&w->stop, true);
	wake(w);
	pthread_join(w->thread, NULL);
	w->running = false;
}

void worker_fini(struct worker *w)
{
	if (!w->lane.db)
		return;
	trap_free(w->lane.db, w->held);
	if (w->poll >= 0)
		close(w->poll);
	if (w->wake >= 0)
		close(w->wake);
	rv_pages_free(w->lane.db->vault, w->buffer, BUFFER);
	lane_fini(&w->lane);
	pthread_mutex_destroy(&w->in_lock);
	w->lane.db = NULL;
}

int worker_watch_iface(struct worker *w, const struct iface *iface)
{
	return watch(w, iface->ports[w->lane.index]->fd, source(FROM_IFACE, iface->key));
}

void worker_unwatch_iface(struct worker *w, const struct iface *iface)
{
	(void)epoll_ctl(w->poll, EPOLL_CTL_DEL, iface->ports[w->lane.index]->fd, NULL);
}

int worker_watch_wire(struct worker *w, enum wire wire, struct rv_port *port)
{
	w->lane.wire[wire] = port;
	if (port->fd < 0)
		return 0;
	if (RV_HAS(port->ops, watch))
		return port->ops->watch(port, w->poll, source(FROM_WIRE, wire));
	return watch(w, port->fd, source(FROM_WIRE, wire));
}

void worker_look(struct worker *w)
{
	if (w->running)
		wake(w);
}

void worker_release(struct worker *w, struct held *held)
{
	if (!held)
		return;
	pthread_mutex_lock(&w->in_lock);
	*w->held_end = held;
	while (*w->held_end)
		w->held_end = &(*w->held_end)->next;
	pthread_mutex_unlock(&w->in_lock);
	wake(w);
}

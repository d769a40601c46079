// SPDX-License-Identifier: LGPL-2.1-or-later
/* loop.h: sockets, timers, signals and deferred calls of one thread of control.
 *
 * The clock is a parameter: with an injected clock a day of rekeying runs in a second of test, and a run replays from
 * its seed. Timers are embedded in their owner and cost no allocation (intrusive 4-ary heap, lazy postponing).
 * Everything here is called on the loop's own thread, except rv_loop_post().
 */
#pragma once

#include <ravelin/base.h>

struct rv_loop;
struct rv_timer;
struct rv_io;

/* Where time comes from. self is passed to both. now_us: monotonic microseconds; wall_s: seconds since 1970. */
struct rv_clock {
	uint64_t (*now_us)(void *self);
	uint64_t (*wall_s)(void *self);
	void *self;
	bool injected; /* the loop then never sleeps: its driver moves the clock */
};

typedef void rv_timer_fn(struct rv_timer *timer);
typedef void rv_io_fn(struct rv_io *io, uint32_t events); /* events: EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP */
typedef void rv_defer_fn(void *arg);

/* A timer; zeroed or rv_timer_init()ed before use. Its fields belong to the loop. */
struct rv_timer {
	struct rv_loop *loop;
	rv_timer_fn *fn;
	uint64_t due_us;  /* when it shall fire */
	uint64_t heap_us; /* its key in the heap; <= due_us while postponed */
	uint32_t slot;	  /* 1 + index in the heap; 0 while not armed */
};

/* A watched file descriptor; its fields belong to the loop. The descriptor stays the caller's. */
struct rv_io {
	struct rv_loop *loop;
	rv_io_fn *fn;
	int fd;
	uint32_t events;
};

/* Microseconds of the loop's monotonic clock, sampled once a turn (a call inside a turn always sees one value). */
uint64_t rv_loop_now_us(const struct rv_loop *loop);

/* Seconds since 1970 by the loop's clock. */
uint64_t rv_loop_wall_s(const struct rv_loop *loop);

/* Binds timer to loop and fn. Nothing is allocated. */
void rv_timer_init(struct rv_timer *timer, struct rv_loop *loop, rv_timer_fn *fn);

/* Arms or moves the timer to fire once, delay_us from now. O(log n), O(1) when it is only postponed. 0, or -ENOMEM
 * when the heap could not grow (the timer is then not armed). */
RV_MUST_USE int rv_timer_arm(struct rv_timer *timer, uint64_t delay_us);

/* Takes the timer out; harmless when it is not armed or is zeroed. The owner calls it before it frees the memory. */
void rv_timer_cancel(struct rv_timer *timer);

/* True while the timer waits to fire. */
bool rv_timer_armed(const struct rv_timer *timer);

/* Watches fd for events (EPOLLIN, EPOLLOUT). One struct rv_io a descriptor. 0 or -errno of epoll_ctl. */
RV_MUST_USE int rv_io_add(struct rv_io *io, struct rv_loop *loop, int fd, uint32_t events, rv_io_fn *fn);

/* Changes the events that are watched. 0 or -errno. */
RV_MUST_USE int rv_io_mod(struct rv_io *io, uint32_t events);

/* Ends the watch; safe inside any callback (an event already fetched for it is dropped). Harmless when not watched. */
void rv_io_del(struct rv_io *io);

/* Calls fn(arg) later in this turn or in the next, never before the present callback returns. Runs in the order
 * asked for. 0 or -ENOMEM. */
RV_MUST_USE int rv_defer(struct rv_loop *loop, rv_defer_fn *fn, void *arg);

/* Takes back every deferred call with this arg. */
void rv_defer_cancel(struct rv_loop *loop, void *arg);

/* Calls fn(arg) on the loop's thread. The only entry that any thread may call. 0, or -ENOMEM (fn is not called). */
RV_MUST_USE int rv_loop_post(struct rv_loop *loop, rv_defer_fn *fn, void *arg);

#define RV_MS(n) ((uint64_t)(n)*1000)
#define RV_S(n) ((uint64_t)(n)*1000000)

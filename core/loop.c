// SPDX-License-Identifier: LGPL-2.1-or-later
/* loop: epoll, timers in an intrusive 4-ary heap, deferred calls and a queue that other threads post to.
 *
 * One turn waits once, then serves what is ready: descriptors, timers (at most TIMERS_A_TURN), posted and deferred
 * calls. Calls that these ask for are made in the next turn, so nobody can keep the others waiting. Invariant of the
 * heap: a timer's key heap_us is never later than its due_us, and never earlier than its parent's key; moving a
 * timer to a later time only writes due_us, and the heap is put right when the timer comes to the top.
 */
#include "parts.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_A_TURN = 256, TIMERS_A_TURN = 1024, N_SIGNALS = 65, HEAP_FIRST = 64, DEFERS_FIRST = 16 };

/* A call to make. fn NULL: taken back. */
struct call {
	rv_defer_fn *fn;
	void *arg;
};

/* A queue of calls in an array that only grows. */
struct calls {
	struct call *at;
	size_t n, cap;
};

/* A call from another thread; plain malloc, because talloc trees belong to one thread. */
struct post {
	struct post *next;
	struct call call;
};

struct handler {
	void (*fn)(void *arg, int signo);
	void *arg;
};

struct rv_loop {
	struct rv_clock clock;
	uint64_t now_us; /* of this turn */
	bool in_turn;
	bool quit;
	int status;

	struct rv_timer **heap;
	size_t n_timers, heap_cap;

	int epoll_fd;
	unsigned n_ios;
	struct epoll_event events[EVENTS_A_TURN]; /* fetched in this turn */
	int n_events, next_event;

	struct calls defers, running;
	size_t next_running;

	pthread_mutex_t lock; /* posted and its end */
	struct post *posted, **posted_end;
	atomic_bool has_posted;
	int event_fd;
	struct rv_io event_io;

	sigset_t signals;
	int signal_fd;
	struct rv_io signal_io;
	struct handler handlers[N_SIGNALS];
};

static uint64_t machine_now_us(void *self)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t machine_wall_s(void *self)
{
	return (uint64_t)time(NULL);
}

static const struct rv_clock machine_clock = { .now_us = machine_now_us, .wall_s = machine_wall_s };

uint64_t rv_loop_now_us(const struct rv_loop *loop)
{
	return loop->in_turn ? loop->now_us : loop->clock.now_us(loop->clock.self);
}

uint64_t rv_loop_wall_s(const struct rv_loop *loop)
{
	return loop->clock.wall_s(loop->clock.self);
}

/* Timers. The heap is 4-ary: children of i are 4i+1 .. 4i+4, which lie in one or two cache lines. */

static void place(struct rv_timer **heap, struct rv_timer *timer, size_t i)
{
	heap[i] = timer;
	timer->slot = (uint32_t)(i + 1);
}

static void sift_up(struct rv_timer **heap, struct rv_timer *timer, size_t i)
{
	while (i > 0) {
		size_t parent = (i - 1) / 4;
		if (heap[parent]->heap_us <= timer->heap_us)
			break;
		place(heap, heap[parent], i);
		i = parent;
	}
	place(heap, timer, i);
}

static void sift_down(struct rv_timer **heap, size_t n, struct rv_timer *timer, size_t i)
{
	for (;;) {
		size_t first = 4 * i + 1, least = first;
		if (first >= n)
			break;
		for (size_t child = first + 1; child < n && child < first + 4; child++) {
			if (heap[child]->heap_us < heap[least]->heap_us)
				least = child;
		}
		if (heap[least]->heap_us >= timer->heap_us)
			break;
		place(heap, heap[least], i);
		i = least;
	}
	place(heap, timer, i);
}

static void take_out(struct rv_loop *loop, struct rv_timer *timer)
{
	size_t i = timer->slot - 1;
	struct rv_timer *last = loop->heap[--loop->n_timers];

	timer->slot = 0;
	if (last == timer)
		return;
	if (i > 0 && loop->heap[(i - 1) / 4]->heap_us > last->heap_us)
		sift_up(loop->heap, last, i);
	else
		sift_down(loop->heap, loop->n_timers, last, i);
}

/* Moves postponed timers that came to the top to their place. The first timer that is really due, or NULL. */
static struct rv_timer *first_timer(const struct rv_loop *loop)
{
	while (loop->n_timers > 0) {
		struct rv_timer *top = loop->heap[0];
		if (top->heap_us == top->due_us)
			return top;
		top->heap_us = top->due_us;
		sift_down(loop->heap, loop->n_timers, top, 0);
	}
	return NULL;
}

void rv_timer_init(struct rv_timer *timer, struct rv_loop *loop, rv_timer_fn *fn)
{
	*timer = (struct rv_timer){ .loop = loop, .fn = fn };
}

static int grow_heap(struct rv_loop *loop)
{
	size_t cap = loop->heap_cap ? loop->heap_cap * 2 : HEAP_FIRST;

	if (loop->n_timers < loop->heap_cap)
		return 0;
	if (cap > UINT32_MAX)
		return -ENOMEM;
	struct rv_timer **heap = talloc_realloc(loop, loop->heap, struct rv_timer *, cap);
	if (!heap)
		return -ENOMEM;
	loop->heap = heap;
	loop->heap_cap = cap;
	return 0;
}

int rv_timer_arm(struct rv_timer *timer, uint64_t delay_us)
{
	struct rv_loop *loop = timer->loop;
	uint64_t now_us = rv_loop_now_us(loop);
	uint64_t due_us = delay_us < UINT64_MAX - now_us ? now_us + delay_us : UINT64_MAX - 1;

	if (timer->slot == 0) {
		int r = grow_heap(loop);
		if (r < 0)
			return r;
		timer->due_us = timer->heap_us = due_us;
		sift_up(loop->heap, timer, loop->n_timers++);
		return 0;
	}
	timer->due_us = due_us;
	if (due_us < timer->heap_us) {
		timer->heap_us = due_us;
		sift_up(loop->heap, timer, timer->slot - 1);
	}
	return 0;
}

void rv_timer_cancel(struct rv_timer *timer)
{
	if (timer->slot > 0)
		take_out(timer->loop, timer);
}

bool rv_timer_armed(const struct rv_timer *timer)
{
	return timer->slot > 0;
}

uint64_t rv_loop_next_us(const struct rv_loop *loop)
{
	const struct rv_timer *timer = first_timer(loop);

	return timer ? timer->due_us : UINT64_MAX;
}

unsigned rv_loop_n_timers(const struct rv_loop *loop)
{
	return (unsigned)loop->n_timers;
}

static int fire_timers(struct rv_loop *loop)
{
	int n = 0;

	for (; n < TIMERS_A_TURN; n++) {
		struct rv_timer *timer = first_timer(loop);
		if (!timer || timer->due_us > loop->now_us)
			break;
		take_out(loop, timer);
		timer->fn(timer);
	}
	return n;
}

/* Descriptors. */

static int watch(struct rv_io *io, int op, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = io };

	return epoll_ctl(io->loop->epoll_fd, op, io->fd, &event) < 0 ? -errno : 0;
}

int rv_io_add(struct rv_io *io, struct rv_loop *loop, int fd, uint32_t events, rv_io_fn *fn)
{
	*io = (struct rv_io){ .loop = loop, .fn = fn, .fd = fd, .events = events };
	int r = watch(io, EPOLL_CTL_ADD, events);
	if (r < 0) {
		io->loop = NULL;
		return r;
	}
	loop->n_ios++;
	return 0;
}

int rv_io_mod(struct rv_io *io, uint32_t events)
{
	if (!io->loop)
		return -EBADF;
	if (events == io->events)
		return 0;

	int r = watch(io, EPOLL_CTL_MOD, events);
	if (r == 0)
		io->events = events;
	return r;
}

void rv_io_del(struct rv_io *io)
{
	struct rv_loop *loop = io->loop;

	if (!loop)
		return;
	/* Fails only when the caller closed the descriptor first, and then it is out already. */
	(void)watch(io, EPOLL_CTL_DEL, 0);
	for (int i = loop->next_event; i < loop->n_events; i++) {
		if (loop->events[i].data.ptr == io)
			loop->events[i].data.ptr = NULL;
	}
	io->loop = NULL;
	loop->n_ios--;
}

static int wait_ms(const struct rv_loop *loop, uint64_t wait_us)
{
	if (loop->clock.injected || loop->defers.n > 0 || loop->quit)
		return 0;

	uint64_t now_us = rv_loop_now_us(loop), next_us = rv_loop_next_us(loop);
	uint64_t left_us = next_us > now_us ? next_us - now_us : 0;
	if (next_us == UINT64_MAX && wait_us == UINT64_MAX)
		return -1;
	if (left_us > wait_us)
		left_us = wait_us;
	/* Rounded up, or the last fraction of a millisecond would be spent spinning. */
	uint64_t ms = left_us / 1000 + (left_us % 1000 > 0);
	return ms < INT32_MAX ? (int)ms : INT32_MAX;
}

static int serve_events(struct rv_loop *loop)
{
	int n = 0;

	for (loop->next_event = 0; loop->next_event < loop->n_events;) {
		const struct epoll_event *event = &loop->events[loop->next_event++];
		struct rv_io *io = event->data.ptr;
		if (!io)
			continue;
		io->fn(io, event->events);
		n += io != &loop->event_io;
	}
	loop->n_events = loop->next_event = 0;
	return n;
}

/* Calls. */

static int add_call(struct rv_loop *loop, struct calls *calls, struct call call)
{
	if (calls->n == calls->cap) {
		size_t cap = calls->cap ? calls->cap * 2 : DEFERS_FIRST;
		struct call *at = talloc_realloc(loop, calls->at, struct call, cap);
		if (!at)
			return -ENOMEM;
		calls->at = at;
		calls->cap = cap;
	}
	calls->at[calls->n++] = call;
	return 0;
}

int rv_defer(struct rv_loop *loop, rv_defer_fn *fn, void *arg)
{
	return add_call(loop, &loop->defers, (struct call){ .fn = fn, .arg = arg });
}

static void take_back(struct calls *calls, size_t from, const void *arg)
{
	for (size_t i = from; i < calls->n; i++) {
		if (calls->at[i].arg == arg)
			calls->at[i].fn = NULL;
	}
}

void rv_defer_cancel(struct rv_loop *loop, void *arg)
{
	take_back(&loop->running, loop->next_running, arg);
	take_back(&loop->defers, 0, arg);
}

static int run_deferred(struct rv_loop *loop)
{
	struct calls *running = &loop->running;
	struct calls swap = *running;
	int n = 0;

	*running = loop->defers;
	loop->defers = swap;
	for (loop->next_running = 0; loop->next_running < running->n;) {
		struct call call = running->at[loop->next_running++];
		if (!call.fn)
			continue;
		call.fn(call.arg);
		n++;
	}
	running->n = loop->next_running = 0;
	return n;
}

int rv_loop_post(struct rv_loop *loop, rv_defer_fn *fn, void *arg)
{
	struct post *post = malloc(sizeof(*post));

	if (!post)
		return -ENOMEM;
	*post = (struct post){ .call = { .fn = fn, .arg = arg } };
	pthread_mutex_lock(&loop->lock);
	bool first = !loop->posted;
	*loop->posted_end = post;
	loop->posted_end = &post->next;
	atomic_store(&loop->has_posted, true);
	/* Inside the lock, so that the loop cannot end between the queue and the call that wakes it. */
	if (first)
		(void)eventfd_write(loop->event_fd, 1);
	pthread_mutex_unlock(&loop->lock);
	return 0;
}

static struct post *take_posted(struct rv_loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	struct post *posted = loop->posted;
	loop->posted = NULL;
	loop->posted_end = &loop->posted;
	atomic_store(&loop->has_posted, false);
	pthread_mutex_unlock(&loop->lock);
	return posted;
}

static int run_posted(struct rv_loop *loop)
{
	int n = 0;

	if (!atomic_load(&loop->has_posted))
		return 0;
	for (struct post *post = take_posted(loop), *next; post; post = next, n++) {
		struct call call = post->call;
		next = post->next;
		free(post);
		call.fn(call.arg);
	}
	return n;
}

/* The queue itself is served after the timers; this only makes the descriptor quiet again. */
static void woken(struct rv_io *io, uint32_t events)
{
	eventfd_t count;

	(void)eventfd_read(io->fd, &count);
}

/* Signals. */

static void signalled(struct rv_io *io, uint32_t events)
{
	struct rv_loop *loop = rv_container_of(io, struct rv_loop, signal_io);
	struct signalfd_siginfo info;

	while (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo >= N_SIGNALS || !loop->handlers[info.ssi_signo].fn)
			continue;
		struct handler handler = loop->handlers[info.ssi_signo];
		handler.fn(handler.arg, (int)info.ssi_signo);
	}
}

int rv_loop_signal(struct rv_loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg)
{
	if (signo <= 0 || signo >= N_SIGNALS || sigaddset(&loop->signals, signo) < 0)
		return -EINVAL;

	int fd = signalfd(loop->signal_fd, &loop->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	loop->handlers[signo] = (struct handler){ .fn = fn, .arg = arg };
	if (loop->signal_fd >= 0)
		return 0;
	int r = rv_io_add(&loop->signal_io, loop, fd, EPOLLIN, signalled);
	if (r < 0) {
		close(fd);
		return r;
	}
	loop->signal_fd = fd;
	return 0;
}

/* The loop itself. */

/* Waits for descriptors. Nothing can be ready when nobody watches and nobody posted; an injected clock then saves the
 * system call, which is most of a turn's cost there. */
static void fetch_events(struct rv_loop *loop, uint64_t wait_us)
{
	bool only_ours = loop->n_ios == 1 && !atomic_load(&loop->has_posted);

	if (loop->clock.injected && only_ours)
		return;
	int n = epoll_wait(loop->epoll_fd, loop->events, EVENTS_A_TURN, wait_ms(loop, wait_us));
	loop->n_events = n > 0 ? n : 0;
}

int rv_loop_turn(struct rv_loop *loop, uint64_t wait_us)
{
	if (loop->in_turn)
		return 0;

	fetch_events(loop, wait_us);
	loop->now_us = loop->clock.now_us(loop->clock.self);
	loop->in_turn = true;
	int n = serve_events(loop);
	n += fire_timers(loop);
	n += run_posted(loop);
	n += run_deferred(loop);
	loop->in_turn = false;
	return n;
}

int rv_loop_run(struct rv_loop *loop)
{
	while (!loop->quit)
		rv_loop_turn(loop, UINT64_MAX);
	loop->quit = false;
	return loop->status;
}

void rv_loop_quit(struct rv_loop *loop, int status)
{
	loop->quit = true;
	loop->status = status;
}

/* Timers that are still armed are let go, so that their owners, freed later, find nothing to cancel. */
static int loop_end(struct rv_loop *loop)
{
	for (size_t i = 0; i < loop->n_timers; i++)
		loop->heap[i]->slot = 0;
	for (struct post *post = take_posted(loop), *next; post; post = next) {
		next = post->next;
		free(post);
	}
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	if (loop->event_fd >= 0)
		close(loop->event_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	pthread_mutex_destroy(&loop->lock);
	return 0;
}

struct rv_loop *rv_loop_new(const void *parent, const struct rv_clock *clock)
{
	struct rv_loop *loop = talloc_zero(parent, struct rv_loop);

	if (!loop)
		return NULL;
	loop->clock = clock ? *clock : machine_clock;
	pthread_mutex_init(&loop->lock, NULL);
	loop->posted_end = &loop->posted;
	atomic_init(&loop->has_posted, false);
	sigemptyset(&loop->signals);
	loop->signal_fd = -1;
	loop->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	talloc_set_destructor(loop, loop_end);
	if (loop->epoll_fd < 0 || loop->event_fd < 0 ||
	    rv_io_add(&loop->event_io, loop, loop->event_fd, EPOLLIN, woken) < 0) {
		talloc_free(loop);
		return NULL;
	}
	return loop;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* worker: one thread with one lane: its queue of every clear-side device, its wire ports, and an eventfd.
 *
 * Made, told and joined by the loop. It sleeps in epoll_wait() outside of any read-copy-update section and works inside
 * of one, a burst at a time.
 */
#pragma once

#include "lane.h"

struct worker {
	struct lane lane;
	pthread_t thread;
	int poll, wake;
	bool running;
	atomic_bool stop;
	int64_t clock_offset;	 /* loop clock less CLOCK_MONOTONIC, microseconds */
	pthread_mutex_t in_lock; /* held, held_end */
	struct held *held, **held_end;
	_Atomic uint64_t turns;
	unsigned silent, patience; /* turns until answers are looked for again, and the like the next time */
	struct rv_packet packets[RV_BURST], *list[RV_BURST];
	uint8_t *buffer;
};

/* Makes the lane, buffers and descriptors; starts the thread. 0 or -errno. stop ends and joins it; fini then frees. */
int worker_init(struct worker *worker, struct databases *db, unsigned index, uint32_t max_contexts);
int worker_start(struct worker *worker, uint64_t loop_now_us);
void worker_stop(struct worker *worker);
void worker_fini(struct worker *worker);

/* Watches a clear-side device's port, a wire port; ends the watch of a device. 0 or -errno. Loop thread. */
int worker_watch_iface(struct worker *worker, const struct iface *iface);
void worker_unwatch_iface(struct worker *worker, const struct iface *iface);
int worker_watch_wire(struct worker *worker, enum wire wire, struct rv_port *port);

/* Makes it look for extensions that want their turn. Loop thread. */
void worker_look(struct worker *worker);

/* Hands over packets that were held. Loop thread. */
void worker_release(struct worker *worker, struct held *held);

/* worker-rights.c */

/* From now on the calling thread can open no file, start no program and trace nobody. False where the machine knows no
 * such filter; the worker then works without. */
bool worker_drop_rights(void);

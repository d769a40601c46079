// SPDX-License-Identifier: LGPL-2.1-or-later
/* extended.h: what the databases and a lane hold for SAs with an extension (extend.h), and what wants a turn of a
 * worker in its own time: extensions, dummy packets.
 *
 * One worker keeps the time of each. They stand in groups, and of a group each worker knows when the first of its own
 * is due at the soonest: so thousands that wait cost a look at their groups, not at each of them. The loop puts them in
 * and takes them out; workers read inside of a read-copy-update section.
 */
#pragma once

#include "sa.h"

#include <ravelin/esp-ext.h>
#include <ravelin/packet.h>

struct lane;
struct timed;
struct timed_group;

/* Its time has come. Says by timed_set() when the next one does; otherwise none does. */
typedef void timed_fn(struct lane *lane, struct timed *timed);

struct timed {
	timed_fn *fn;
	struct timed_group *group; /* NULL: in none */
	unsigned place;		   /* in it; loop */
	_Atomic uint64_t due_us;   /* UINT64_MAX: at no time */
	_Atomic unsigned worker;   /* that keeps it */
};

struct timed_groups {
	_Atomic(struct timed_group *) first;
};

/* Takes a place in a group; no worker sees it before timed_begin(), whose first turn comes at once. 0 or -ENOMEM. end
 * takes it out of its group, if it is in one; who sees it still is in a grace period. Loop thread. */
int timed_add(struct timed_groups *groups, struct timed *timed, unsigned n_workers);
void timed_begin(struct timed *timed, unsigned worker);
void timed_end(struct timed *timed);

/* When all workers are gone. */
void timed_fini(struct timed_groups *groups);

/* The next time, which this worker keeps from now on. Worker thread, as: */
void timed_set(struct lane *lane, struct timed *timed, uint64_t due_us);

/* Gives those their turn whose time has come, and says in lane->due_us when the next one is. True: there were some. */
bool timed_tick(struct lane *lane);

/* A wrapper of ESP and how many SAs have it. */
struct wrapping {
	_Atomic(const struct rv_esp_wrapper *) wrapper;
	unsigned users; /* loop */
};

/* Of all SAs with an extension: those that keep a time, and the wrappers in use. */
struct extended {
	struct timed_groups timed; /* and SAs that hide silence (dummy.c) */
	struct wrapping wrappers[4];
};

/* Texts of one SA for its extension. */
struct burst {
	struct sa *sa;
	struct rv_esp_text texts[RV_BURST];
	size_t n;
};

// SPDX-License-Identifier: LGPL-2.1-or-later
/* context: the cipher contexts of one worker, made at the first packet of an SA and bounded in number.
 *
 * When the cache is full, one that was not used lately goes (second chance, an approximation of least recently used).
 * A hit takes no lock; the lock is for misses, and for the loop when it frees an SA.
 */
#pragma once

#include "sa.h"

struct contexts {
	pthread_mutex_t lock; /* slots, n, hand */
	struct context **slots;
	uint32_t n, max, hand;
	unsigned worker;
};

/* 0 or -ENOMEM. fini frees all contexts (their SAs must live). */
int contexts_init(struct contexts *contexts, unsigned worker, uint32_t max);
void contexts_fini(struct contexts *contexts);

/* The context of sa for this worker; NULL when memory or the provider fails. Worker thread. Valid until the next call
 * for another SA. */
void *context_get(struct contexts *contexts, struct sa *sa);

/* Drops the context of an SA that no worker can see any more. Loop thread. */
void context_forget(struct contexts *contexts, struct sa *sa);

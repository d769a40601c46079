// SPDX-License-Identifier: LGPL-2.1-or-later
/* context: a clock of slots. */
#include "context.h"

#include <errno.h>
#include <stdlib.h>

struct context {
	struct sa *sa;
	uint32_t slot;
	atomic_bool used;
	_Alignas(ALIGN) uint8_t memory[];
};

int contexts_init(struct contexts *contexts, unsigned worker, uint32_t max)
{
	*contexts = (struct contexts){ .max = max, .worker = worker };
	contexts->slots = calloc(max, sizeof(*contexts->slots));
	if (!contexts->slots)
		return -ENOMEM;
	pthread_mutex_init(&contexts->lock, NULL);
	return 0;
}

/* A provider that went in spite of our reference (the whole daemon is being freed) can only be wiped after. */
static void context_free(struct contexts *contexts, struct context *c)
{
	const struct rv_suite *suite = &c->sa->suite;

	atomic_store_explicit(&c->sa->contexts[contexts->worker], NULL, memory_order_relaxed);
	if (suite->integ_len ? suite->integ->service : suite->encr.service)
		rv_cryptor_fini(suite, c->memory);
	else
		rv_wipe(c->memory, suite->ctx_size);
	free(c);
}

void contexts_fini(struct contexts *contexts)
{
	if (!contexts->slots)
		return;
	for (uint32_t i = 0; i < contexts->n; i++)
		context_free(contexts, contexts->slots[i]);
	free(contexts->slots);
	contexts->slots = NULL;
	pthread_mutex_destroy(&contexts->lock);
}

static struct context *context_new(struct sa *sa)
{
	size_t size = sizeof(struct context) + sa->suite.ctx_size;
	struct context *c = aligned_alloc(ALIGN, (size + ALIGN - 1) / ALIGN * ALIGN);

	if (!c)
		return NULL;
	c->sa = sa;
	atomic_init(&c->used, true);
	if (!rv_cryptor_init(&sa->suite, c->memory, sa_encr_key(sa), sa_integ_key(sa), sa->dir == RV_OUT))
		return c;
	free(c);
	return NULL;
}

/* The slot for a new context: a free one, or that of one not used since the hand passed last. */
static uint32_t find_slot(struct contexts *contexts)
{
	if (contexts->n < contexts->max)
		return contexts->n++;
	for (;; contexts->hand = (contexts->hand + 1) % contexts->max) {
		struct context *c = contexts->slots[contexts->hand];
		if (!atomic_exchange_explicit(&c->used, false, memory_order_relaxed))
			break;
	}
	uint32_t slot = contexts->hand;
	contexts->hand = (slot + 1) % contexts->max;
	context_free(contexts, contexts->slots[slot]);
	return slot;
}

void *context_get(struct contexts *contexts, struct sa *sa)
{
	struct context *c = atomic_load_explicit(&sa->contexts[contexts->worker], memory_order_relaxed);

	if (c) {
		if (!atomic_load_explicit(&c->used, memory_order_relaxed))
			atomic_store_explicit(&c->used, true, memory_order_relaxed);
		return c->memory;
	}
	c = context_new(sa);
	if (!c)
		return NULL;
	pthread_mutex_lock(&contexts->lock);
	c->slot = find_slot(contexts);
	contexts->slots[c->slot] = c;
	atomic_store_explicit(&sa->contexts[contexts->worker], c, memory_order_relaxed);
	pthread_mutex_unlock(&contexts->lock);
	return c->memory;
}

void context_forget(struct contexts *contexts, struct sa *sa)
{
	pthread_mutex_lock(&contexts->lock);
	struct context *c = atomic_load_explicit(&sa->contexts[contexts->worker], memory_order_relaxed);
	if (c) {
		struct context *last = contexts->slots[--contexts->n];
		last->slot = c->slot;
		contexts->slots[c->slot] = last;
		context_free(contexts, c);
	}
	if (contexts->hand >= contexts->n)
		contexts->hand = 0;
	pthread_mutex_unlock(&contexts->lock);
}

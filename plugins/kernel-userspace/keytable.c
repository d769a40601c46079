// SPDX-License-Identifier: LGPL-2.1-or-later
/* keytable: open addressing with linear probing; a removed object leaves a mark, so that probes go on behind it. */
#include "keytable.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

/* No object has this address. */
static uint32_t *gone(void)
{
	return (uint32_t *)(uintptr_t)1;
}

static uint32_t hash(uint32_t key)
{
	key *= 0x9e3779b1u;
	return key ^ key >> 15;
}

static struct table_slots *slots_new(uint32_t n)
{
	struct table_slots *slots = calloc(1, sizeof(*slots) + n * sizeof(slots->slot[0]));

	if (slots)
		slots->mask = n - 1;
	return slots;
}

static void slots_free(struct retired *retired)
{
	free(rv_container_of(retired, struct table_slots, retired));
}

int table_init(struct table *table, struct retirer *retirer)
{
	*table = (struct table){ .retirer = retirer };
	struct table_slots *slots = slots_new(FIRST_SLOTS);
	atomic_store(&table->slots, slots);
	return slots ? 0 : -ENOMEM;
}

void table_fini(struct table *table)
{
	free(atomic_load(&table->slots));
	atomic_store(&table->slots, NULL);
}

static void place(struct table_slots *slots, uint32_t *object)
{
	uint32_t i = hash(*object) & slots->mask;

	while (atomic_load_explicit(&slots->slot[i], memory_order_relaxed))
		i = (i + 1) & slots->mask;
	atomic_store_explicit(&slots->slot[i], object, memory_order_release);
}

/* A new array with room for a quarter more objects, at least; marks are gone in it. */
static int rebuild(struct table *table)
{
	struct table_slots *old = atomic_load(&table->slots), *slots;
	uint32_t n = FIRST_SLOTS, at = 0;

	while (2 * n < 3 * (table->n + 1 + table->n / 4))
		n *= 2;
	slots = slots_new(n);
	if (!slots)
		return -ENOMEM;
	for (uint32_t *object; (object = table_each(table, &at));)
		place(slots, object);
	atomic_store_explicit(&table->slots, slots, memory_order_release);
	table->used = table->n;
	retire(table->retirer, &old->retired, slots_free);
	return 0;
}

int table_add(struct table *table, void *object)
{
	const struct table_slots *slots = atomic_load(&table->slots);

	if (3 * (table->used + 1) > 2 * slots->mask) {
		int r = rebuild(table);
		if (r)
			return r;
	}
	place(atomic_load(&table->slots), object);
	table->n++;
	table->used++;
	return 0;
}

void table_del(struct table *table, const void *object)
{
	struct table_slots *slots = atomic_load(&table->slots);
	uint32_t i = hash(*(const uint32_t *)object) & slots->mask;

	for (const uint32_t *p; (p = atomic_load_explicit(&slots->slot[i], memory_order_relaxed));
	     i = (i + 1) & slots->mask) {
		if (p != object)
			continue;
		atomic_store_explicit(&slots->slot[i], gone(), memory_order_release);
		table->n--;
		return;
	}
}

/* at: 0 before the first, else 1 + the probes done. */
void *table_next(const struct table *table, uint32_t key, uint32_t *at)
{
	const struct table_slots *slots = atomic_load_explicit(&table->slots, memory_order_acquire);
	uint32_t *p;

	for (; (p = atomic_load_explicit(&slots->slot[(hash(key) + *at) & slots->mask], memory_order_acquire)); ++*at) {
		if (p == gone() || *p != key)
			continue;
		++*at;
		return p;
	}
	return NULL;
}

void *table_each(const struct table *table, uint32_t *at)
{
	const struct table_slots *slots = atomic_load_explicit(&table->slots, memory_order_acquire);

	while (*at <= slots->mask) {
		uint32_t *p = atomic_load_explicit(&slots->slot[(*at)++], memory_order_acquire);
		if (p && p != gone())
			return p;
	}
	return NULL;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* table: open addressing with linear probing; a removal closes its gap, so there are no tombstones. */
#include "table.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

enum { SMALLEST = 16 };

static uint32_t key_of(const struct rv_table *table, const void *object)
{
	uint32_t key;

	memcpy(&key, (const char *)object + table->key_at, sizeof(key));
	return key;
}

static uint32_t home(const struct rv_table *table, uint32_t key)
{
	uint32_t h = key * 0x9e3779b1u; /* keys may be consecutive numbers */

	return (h ^ (h >> 15)) & (table->size - 1);
}

static void put(struct rv_table *table, void *object)
{
	uint32_t i = home(table, key_of(table, object));

	while (table->slots[i])
		i = (i + 1) & (table->size - 1);
	table->slots[i] = object;
}

static int grow(struct rv_table *table)
{
	struct rv_table old = *table;
	uint32_t size = old.size ? old.size * 2 : SMALLEST;
	void **slots = talloc_zero_array(old.parent, void *, size);

	if (!slots)
		return -ENOMEM;
	table->slots = slots;
	table->size = size;
	for (uint32_t i = 0; i < old.size; i++)
		if (old.slots[i])
			put(table, old.slots[i]);
	talloc_free(old.slots);
	return 0;
}

int rv_table_add(struct rv_table *table, void *object)
{
	if ((uint64_t)(table->n + 1) * 4 > (uint64_t)table->size * 3) {
		int r = grow(table);
		if (r)
			return r;
	}
	put(table, object);
	table->n++;
	return 0;
}

/* Moves later objects of the run into the gap at i when their home lies at or before it. */
static void close_gap(struct rv_table *table, uint32_t i)
{
	uint32_t mask = table->size - 1;

	for (uint32_t j = (i + 1) & mask; table->slots[j]; j = (j + 1) & mask) {
		uint32_t at = home(table, key_of(table, table->slots[j]));

		if (((j - at) & mask) < ((j - i) & mask))
			continue;
		table->slots[i] = table->slots[j];
		i = j;
	}
	table->slots[i] = NULL;
}

void rv_table_del(struct rv_table *table, const void *object)
{
	if (!table->n)
		return;
	for (uint32_t i = home(table, key_of(table, object)); table->slots[i]; i = (i + 1) & (table->size - 1)) {
		if (table->slots[i] != object)
			continue;
		table->n--;
		close_gap(table, i);
		return;
	}
}

void *rv_table_find(const struct rv_table *table, uint32_t key, const void *after)
{
	if (!table->n)
		return NULL;
	for (uint32_t i = home(table, key); table->slots[i]; i = (i + 1) & (table->size - 1)) {
		void *object = table->slots[i];

		if (key_of(table, object) != key)
			continue;
		if (!after)
			return object;
		if (object == after)
			after = NULL;
	}
	return NULL;
}

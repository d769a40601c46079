// SPDX-License-Identifier: LGPL-2.1-or-later
/* table: open addressing with linear probing; a removal closes its gap, so there are no tombstones.
 *
 * Probing walks through tags, which stand close together: an object, which is likely in no cache, is touched when its
 * tag fits.
 */
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

/* What stands for a key beside its object: 31 bits of hash and a one, so that an empty slot has 0. */
static uint32_t tag_of(uint32_t key)
{
	uint32_t h = key * 0x9e3779b1u; /* keys may be consecutive numbers */

	return (h ^ (h >> 15)) | 1;
}

static uint32_t home(const struct rv_table *table, uint32_t tag)
{
	return (tag >> 1) & (table->size - 1);
}

static void put(struct rv_table *table, uint32_t tag, void *object)
{
	uint32_t i = home(table, tag);

	while (table->tags[i])
		i = (i + 1) & (table->size - 1);
	table->tags[i] = tag;
	table->slots[i] = object;
}

static int grow(struct rv_table *table)
{
	struct rv_table old = *table;
	uint32_t size = old.size ? old.size * 2 : SMALLEST;
	void **slots = talloc_array(old.parent, void *, size);
	uint32_t *tags = slots ? talloc_zero_array(slots, uint32_t, size) : NULL;

	if (!tags) {
		talloc_free(slots);
		return -ENOMEM;
	}
	table->slots = slots;
	table->tags = tags;
	table->size = size;
	for (uint32_t i = 0; i < old.size; i++)
		if (old.tags[i])
			put(table, old.tags[i], old.slots[i]);
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
	put(table, tag_of(key_of(table, object)), object);
	table->n++;
	return 0;
}

/* Moves later objects of the run into the gap at i when their home lies at or before it. */
static void close_gap(struct rv_table *table, uint32_t i)
{
	uint32_t mask = table->size - 1;

	for (uint32_t j = (i + 1) & mask; table->tags[j]; j = (j + 1) & mask) {
		uint32_t at = home(table, table->tags[j]);

		if (((j - at) & mask) < ((j - i) & mask))
			continue;
		table->tags[i] = table->tags[j];
		table->slots[i] = table->slots[j];
		i = j;
	}
	table->tags[i] = 0;
}

void rv_table_del(struct rv_table *table, const void *object)
{
	uint32_t mask = table->size - 1, tag = tag_of(key_of(table, object));

	if (!table->n)
		return;
	for (uint32_t i = home(table, tag); table->tags[i]; i = (i + 1) & mask) {
		if (table->tags[i] != tag || table->slots[i] != object)
			continue;
		table->n--;
		close_gap(table, i);
		return;
	}
}

void *rv_table_find(const struct rv_table *table, uint32_t key, const void *after)
{
	uint32_t mask = table->size - 1, tag = tag_of(key);

	if (!table->n)
		return NULL;
	for (uint32_t i = home(table, tag); table->tags[i]; i = (i + 1) & mask) {
		void *object = table->slots[i];

		if (table->tags[i] != tag || key_of(table, object) != key)
			continue;
		if (!after)
			return object;
		if (object == after)
			after = NULL;
	}
	return NULL;
}

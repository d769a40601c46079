// SPDX-License-Identifier: LGPL-2.1-or-later
/* table.h: a hash table of borrowed objects that have a 32-bit key at a fixed place.
 *
 * Open addressing, at most three quarters full; objects are found by key, keys need not be unique. Finding allocates
 * nothing, so looking up is safe anywhere.
 */
#pragma once

#include <ravelin/base.h>

struct rv_table {
	void **slots;
	uint32_t *tags;	  /* of the slots: hashes of keys, 0 in an empty one */
	uint32_t size, n; /* size: a power of two, or 0 */
	size_t key_at;	  /* offset of the uint32_t key in an object */
	const void *parent;
};

/* An empty table; its slots will be a talloc child of parent. */
static inline struct rv_table rv_table(const void *parent, size_t key_at)
{
	return (struct rv_table){ .key_at = key_at, .parent = parent };
}

/* Adds object under the key it has now. 0 or -ENOMEM. */
RV_MUST_USE int rv_table_add(struct rv_table *table, void *object);

/* Takes object out; harmless when it is not in. The key must not have changed. */
void rv_table_del(struct rv_table *table, const void *object);

/* The first object with this key, or the next one after `after`; NULL at the end. */
void *rv_table_find(const struct rv_table *table, uint32_t key, const void *after);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* keytable: a hash table of objects by a 32-bit key (an SPI, a reqid), read without locks.
 *
 * One thread writes; others read inside a read-copy-update section. Objects start with their key; several may share
 * one. Open addressing, at most two thirds full; growing publishes a new array and retires the old one.
 */
#pragma once

#include "retire.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slots {
	struct retired retired;
	uint32_t mask;
	_Atomic(uint32_t *) slot[]; /* objects by their first member; NULL free, TABLE_GONE was used */
};

struct table {
	_Atomic(struct table_slots *) slots;
	uint32_t n, used; /* used counts the gone, too */
	struct retirer *retirer;
};

/* 0 or -ENOMEM. retirer may be NULL when nobody else reads. */
int table_init(struct table *table, struct retirer *retirer);
void table_fini(struct table *table);

/* Adds an object whose first member is its uint32_t key. 0 or -ENOMEM. */
int table_add(struct table *table, void *object);

/* Takes the object out; readers may still see it until a grace period has passed. Harmless when it is not in. */
void table_del(struct table *table, const void *object);

/* Walks the objects of a key, or (table_each) all: *at starts as 0; NULL at the end. */
void *table_next(const struct table *table, uint32_t key, uint32_t *at);
void *table_each(const struct table *table, uint32_t *at);

/* The first object of a key, or NULL. */
static inline void *table_get(const struct table *table, uint32_t key)
{
	uint32_t at = 0;

	return table_next(table, key, &at);
}

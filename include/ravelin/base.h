// SPDX-License-Identifier: LGPL-2.1-or-later
/* base.h: the few words that every other header speaks.
 *
 * A slice (struct rv_bytes) is a borrowed view of read-only octets; who lends it says how long it lives.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RV_MUST_USE __attribute__((warn_unused_result))
#define RV_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define RV_API __attribute__((visibility("default")))
#define RV_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define RV_HAS(ops, member)                                                                                            \
	((ops)->size >= offsetof(__typeof__(*(ops)), member) + sizeof((ops)->member) && (ops)->member)

#define rv_container_of(pointer, type, member) ((type *)((uintptr_t)(pointer)-offsetof(type, member)))

/* A borrowed slice of octets. p may be NULL only when len is 0. */
struct rv_bytes {
	const uint8_t *p;
	size_t len;
};

/* The slice of len octets at p, borrowed. */
static inline struct rv_bytes rv_bytes(const void *p, size_t len)
{
	return (struct rv_bytes){ .p = p, .len = len };
}

/* The slice of a string literal or character array without its NUL. */
#define RV_STR(literal) rv_bytes("" literal, sizeof(literal) - 1)

/* True when both slices hold the same octets. For public values only: secrets go through rv_equal_secret(). */
bool rv_bytes_equal(struct rv_bytes a, struct rv_bytes b);

/* An intrusive doubly linked list. A zeroed or self-linked head is empty; rv_list_init() before first use. */
struct rv_list {
	struct rv_list *next, *prev;
};

/* Makes head an empty list, or entry a lone entry. */
static inline void rv_list_init(struct rv_list *head)
{
	head->next = head->prev = head;
}

/* True when the list has no entry. */
static inline bool rv_list_empty(const struct rv_list *head)
{
	return head->next == head || !head->next;
}

/* Puts entry at the end of the list. */
static inline void rv_list_add(struct rv_list *head, struct rv_list *entry)
{
	entry->prev = head->prev;
	entry->next = head;
	head->prev->next = entry;
	head->prev = entry;
}

/* Takes entry out of its list and makes it lone; harmless on a lone entry. */
static inline void rv_list_del(struct rv_list *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	rv_list_init(entry);
}

/* Walks a list; the entry at hand may be taken out and freed meanwhile. */
#define rv_list_each(head, it, type, member)                                                                           \
	for (type *it = rv_container_of((head)->next, type, member),                                                   \
		  *it##_next = rv_container_of(it->member.next, type, member);                                         \
	     &it->member != (head); it = it##_next, it##_next = rv_container_of(it->member.next, type, member))

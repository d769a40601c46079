// SPDX-License-Identifier: LGPL-2.1-or-later
/* attach: state that a plugin hangs on an object of somebody else, dead when either dies.
 *
 * The plugin's part is a talloc child of the object, and may get a destructor of its own; below it hangs a small record
 * whose destructor takes it out of the plugin's table. Whoever frees the part (the object, the plugin, or the plugin's
 * code itself) frees the record with it, so that the table never points to what is gone.
 */
#include "plugin-parts.h"

#include <string.h>

enum { FIRST_BUCKETS = 16 };

struct rv_attachment {
	struct rv_attachment *next, **at; /* in the bucket; at: what points here */
	struct rv_host_whole *whole;
	const void *object;
	void *part;
	const char *type;
};

static uint32_t bucket_of(const struct rv_host_whole *whole, const void *object)
{
	return (uint32_t)(((uint64_t)(uintptr_t)object * 0x9e3779b97f4a7c15u) >> 32) & (whole->n_buckets - 1);
}

static void link_in(struct rv_attachment **head, struct rv_attachment *record)
{
	record->next = *head;
	record->at = head;
	if (record->next)
		record->next->at = &record->next;
	*head = record;
}

static int record_gone(struct rv_attachment *record)
{
	*record->at = record->next;
	if (record->next)
		record->next->at = record->at;
	record->whole->n_attached--;
	return 0;
}

/* Makes or doubles the table when records outnumber buckets; what stays crowded for want of memory still works. */
static bool make_room(struct rv_host_whole *whole)
{
	uint32_t n_old = whole->n_buckets;
	struct rv_attachment **old = whole->buckets;
	struct rv_attachment **buckets;

	if (whole->n_attached < n_old)
		return true;
	buckets = talloc_zero_array(whole, struct rv_attachment *, n_old ? n_old * 2 : FIRST_BUCKETS);
	if (!buckets)
		return n_old > 0;
	whole->buckets = buckets;
	whole->n_buckets = n_old ? n_old * 2 : FIRST_BUCKETS;
	for (uint32_t i = 0; i < n_old; i++) {
		for (struct rv_attachment *record = old[i], *next; record; record = next) {
			next = record->next;
			link_in(&buckets[bucket_of(whole, record->object)], record);
		}
	}
	talloc_free(old);
	return true;
}

void *rv_attach_size(struct rv_host *host, const void *object, size_t size, const char *type)
{
	struct rv_host_whole *whole = rv_host_whole(host);
	void *part = talloc_zero_size(object, size);
	struct rv_attachment *record = part ? talloc_zero(part, struct rv_attachment) : NULL;

	if (!record || !make_room(whole)) {
		talloc_free(part);
		return NULL;
	}
	talloc_set_name_const(part, type);
	*record = (struct rv_attachment){ .whole = whole, .object = object, .part = part, .type = type };
	link_in(&whole->buckets[bucket_of(whole, object)], record);
	whole->n_attached++;
	talloc_set_destructor(record, record_gone);
	return part;
}

void *rv_attached_type(struct rv_host *host, const void *object, const char *type)
{
	struct rv_host_whole *whole = rv_host_whole(host);

	if (!whole->buckets)
		return NULL;
	for (struct rv_attachment *record = whole->buckets[bucket_of(whole, object)]; record; record = record->next)
		if (record->object == object && (record->type == type || !strcmp(record->type, type)))
			return record->part;
	return NULL;
}

/* Frees one part of the plugin's. Its destructor may not refuse: the code behind it goes away. */
static void end_part(void *part)
{
	if (!talloc_free(part))
		return;
	talloc_set_destructor((char *)part, NULL);
	talloc_free(part);
}

void rv_attach_end(struct rv_host *host)
{
	struct rv_host_whole *whole = rv_host_whole(host);

	while (whole->n_attached) {
		for (uint32_t i = 0; i < whole->n_buckets; i++)
			while (whole->buckets[i])
				end_part(whole->buckets[i]->part);
	}
}

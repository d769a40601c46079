// SPDX-License-Identifier: LGPL-2.1-or-later
/* pad-index: which connections are worth looking at, of thousands.
 *
 * Connections with the same version and addresses are one group, since all of them fit a pair of addresses as well as
 * the first. A group whose peers have single addresses is found by these, any other is looked at each time: there are
 * few, since connections for peers with any address have the same addresses. Where the peer's identity is exact, a
 * connection is found by that, too; else it is one of its group's patterns. The keys are sorted digests; what a digest
 * leads to is compared in full by the caller.
 */
#include "pad.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

/* A digest, and where it leads: to a group or an entry. */
struct key {
	uint32_t digest, at;
};

struct keys {
	struct key *keys;
	size_t n;
};

struct pad_index {
	struct pad_entry **entries; /* by group, in file order in each */
	struct pad_group *groups;
	size_t n_groups;
	struct keys addrs, ids;
	uint32_t *wide; /* groups that are not found by address */
	size_t n_wide;
};

static uint32_t addr_digest(uint8_t family, const uint8_t *ip)
{
	uint32_t h = 2166136261u ^ family; /* FNV-1a */

	for (size_t i = 0; i < rv_family_len(family); i++)
		h = (h ^ ip[i]) * 16777619u;
	return h;
}

static int key_order(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->digest != y->digest)
		return x->digest < y->digest ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Sorts the keys, each of them once. */
static void keys_sort(struct keys *keys)
{
	size_t n = 0;

	qsort(keys->keys, keys->n, sizeof(*keys->keys), key_order);
	for (size_t i = 0; i < keys->n; i++)
		if (!n || key_order(&keys->keys[n - 1], &keys->keys[i]))
			keys->keys[n++] = keys->keys[i];
	keys->n = n;
}

/* The first key with this digest or a greater one. */
static size_t keys_find(const struct keys *keys, uint32_t digest)
{
	size_t lo = 0, hi = keys->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (keys->keys[mid].digest < digest)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int list_order(const struct pad_addr *a, size_t n_a, const struct pad_addr *b, size_t n_b)
{
	int order = (n_a > n_b) - (n_a < n_b);

	for (size_t i = 0; !order && i < n_a; i++) {
		order = (int)a[i].kind - (int)b[i].kind;
		order = order ? order : a[i].range.family - b[i].range.family;
		order = order ? order : memcmp(a[i].range.lo, b[i].range.lo, sizeof(a[i].range.lo));
		order = order ? order : memcmp(a[i].range.hi, b[i].range.hi, sizeof(a[i].range.hi));
	}
	return order;
}

/* 0: one group. */
static int group_order(const struct pad_entry *a, const struct pad_entry *b)
{
	int order = (int)a->connection.version - (int)b->connection.version;

	order = order ? order : list_order(a->remote, a->n_remote, b->remote, b->n_remote);
	return order ? order : list_order(a->local, a->n_local, b->local, b->n_local);
}

static int entry_order(const void *a, const void *b)
{
	const struct pad_entry *const *x = a, *const *y = b;
	int order = group_order(*x, *y);

	return order ? order : (*x)->index < (*y)->index ? -1 : 1;
}

static bool is_wide(const struct pad_entry *entry)
{
	for (size_t i = 0; i < entry->n_remote; i++)
		if (entry->remote[i].kind != PAD_ADDR_ONE)
			return true;
	return !entry->n_remote;
}

static bool is_pattern(const struct pad_entry *entry)
{
	const struct rv_id *id = entry->connection.remote[0].id;

	return !id || pad_id_is_pattern(id);
}

/* Parts the sorted entries into groups, and puts the patterns of each behind each other at `patterns`. */
static void part(struct pad_index *index, size_t n, struct pad_entry **patterns)
{
	struct pad_group *group = NULL;

	for (size_t i = 0; i < n; i++) {
		struct pad_entry *entry = index->entries[i];
		if (!group || group_order(group->entries[0], entry)) {
			group = &index->groups[index->n_groups++];
			*group = (struct pad_group){ .entries = &index->entries[i], .patterns = patterns };
			if (is_wide(entry))
				index->wide[index->n_wide++] = (uint32_t)(index->n_groups - 1);
		}
		group->n++;
		if (is_pattern(entry)) {
			group->n_patterns++;
			*patterns++ = entry;
		}
	}
}

static void find_keys(struct pad_index *index, size_t n)
{
	for (size_t i = 0; i < index->n_groups; i++) {
		const struct pad_entry *entry = index->groups[i].entries[0];
		for (size_t k = 0; !is_wide(entry) && k < entry->n_remote; k++) {
			const struct rv_ts *one = &entry->remote[k].range;
			index->addrs.keys[index->addrs.n++] =
				(struct key){ addr_digest(one->family, one->lo), (uint32_t)i };
		}
	}
	for (size_t i = 0; i < n; i++)
		if (!is_pattern(index->entries[i]))
			index->ids.keys[index->ids.n++] =
				(struct key){ pad_id_digest(index->entries[i]->connection.remote[0].id), (uint32_t)i };
	keys_sort(&index->addrs);
	keys_sort(&index->ids);
}

struct pad_index *pad_index_new(const struct rv_pad *pad)
{
	struct pad_index *index = talloc_zero(pad, struct pad_index);
	unsigned room = (unsigned)pad->n + 1, n_addrs = 1;
	struct pad_entry **patterns;
	size_t n = 0;

	for (size_t i = 0; i < pad->n; i++)
		n_addrs += (unsigned)pad->entries[i]->n_remote;
	if (!index)
		return NULL;
	index->entries = talloc_array(index, struct pad_entry *, room);
	patterns = talloc_array(index, struct pad_entry *, room);
	index->groups = talloc_array(index, struct pad_group, room);
	index->wide = talloc_array(index, uint32_t, room);
	index->ids.keys = talloc_array(index, struct key, room);
	index->addrs.keys = talloc_array(index, struct key, n_addrs);
	if (!index->entries || !patterns || !index->groups || !index->wide || !index->ids.keys || !index->addrs.keys) {
		talloc_free(index);
		return NULL;
	}
	for (size_t i = 0; i < pad->n; i++)
		if (!pad->entries[i]->connection.keying && pad->entries[i]->connection.n_remote)
			index->entries[n++] = pad->entries[i];
	qsort(index->entries, n, sizeof(struct pad_entry *), entry_order);
	part(index, n, patterns);
	find_keys(index, n);
	return index;
}

struct pad_walk pad_groups_at(const struct pad_index *index, const struct rv_addr *remote)
{
	struct pad_walk walk = { .all = !remote || rv_addr_is_any(remote) };

	if (!walk.all) {
		walk.digest = addr_digest(remote->family, remote->ip);
		walk.i = keys_find(&index->addrs, walk.digest);
	}
	return walk;
}

const struct pad_group *pad_group_next(const struct pad_index *index, struct pad_walk *walk)
{
	const struct keys *addrs = &index->addrs;

	if (walk->all)
		return walk->i < index->n_groups ? &index->groups[walk->i++] : NULL;
	if (walk->i < addrs->n && addrs->keys[walk->i].digest == walk->digest)
		return &index->groups[addrs->keys[walk->i++].at];
	return walk->wide < index->n_wide ? &index->groups[index->wide[walk->wide++]] : NULL;
}

struct pad_walk pad_entries_of(const struct pad_index *index, const struct rv_id *their)
{
	struct pad_walk walk = { .digest = their ? pad_id_digest(their) : 0 };

	walk.i = their ? keys_find(&index->ids, walk.digest) : index->ids.n;
	return walk;
}

const struct pad_entry *pad_entry_next(const struct pad_index *index, struct pad_walk *walk)
{
	const struct keys *ids = &index->ids;

	return walk->i < ids->n && ids->keys[walk->i].digest == walk->digest ? index->entries[ids->keys[walk->i++].at]
									     : NULL;
}

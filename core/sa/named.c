// SPDX-License-Identifier: LGPL-2.1-or-later
/* named: all that there is under the name of one connection, so that nothing is ever searched among all others. */
#include "inner.h"

#include <string.h>
#include <talloc.h>

struct rv_names {
	struct rv_table table;
	struct rv_list all;
};

struct rv_names *rv_names_new(const void *parent)
{
	struct rv_names *names = talloc_zero(parent, struct rv_names);

	if (!names)
		return NULL;
	names->table = rv_table(names, offsetof(struct rv_named, hash));
	rv_list_init(&names->all);
	return names;
}

static uint32_t hash_of(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

struct rv_named *rv_named_find(const struct rv_core *core, const char *name)
{
	struct rv_named *it = NULL;
	uint32_t hash = hash_of(name);

	while ((it = rv_table_find(&core->names->table, hash, it)))
		if (strcmp(it->name, name) == 0)
			return it;
	return NULL;
}

struct rv_named *rv_named_hold(struct rv_core *core, const char *name)
{
	struct rv_names *names = core->names;
	struct rv_named *named = rv_named_find(core, name);

	if (!named) {
		named = talloc_zero(names, struct rv_named);
		if (!named)
			return NULL;
		named->name = talloc_strdup(named, name);
		named->hash = hash_of(name);
		rv_list_init(&named->peers);
		rv_list_init(&named->ups);
		rv_list_init(&named->goals);
		rv_list_init(&named->traps);
		rv_list_init(&named->snapshots);
		if (!named->name || rv_table_add(&names->table, named)) {
			talloc_free(named);
			return NULL;
		}
		named->names = names;
		rv_list_add(&names->all, &named->entry);
	}
	named->holds++;
	return named;
}

void rv_named_drop(struct rv_named *named)
{
	if (!named || --named->holds)
		return;
	rv_table_del(&named->names->table, named);
	rv_list_del(&named->entry);
	talloc_free(named);
}

void rv_names_each(struct rv_core *core, void (*fn)(struct rv_named *named, void *arg), void *arg)
{
	struct rv_list *at = core->names->all.next, *next;

	if (at != &core->names->all)
		rv_container_of(at, struct rv_named, entry)->holds++;
	for (; at != &core->names->all; at = next) {
		struct rv_named *named = rv_container_of(at, struct rv_named, entry);

		fn(named, arg);
		next = named->entry.next;
		if (next != &core->names->all)
			rv_container_of(next, struct rv_named, entry)->holds++;
		rv_named_drop(named);
	}
}

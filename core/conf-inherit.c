// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-inherit: `west : defaults { ... }`: a section takes over what it does not say itself.
 *
 * What is inherited is copied into the tree, with the place where it was written, and then checked like all the rest.
 * Circles, long chains and sizes out of proportion to what was written are refused.
 */
#include "conf-tree.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	const struct conf_section *const *x = a, *const *y = b;
	int order = conf_bytes_cmp((*x)->name, (*y)->name);

	return order ? order : (*x)->order < (*y)->order ? -1 : 1;
}

static void index_sections(struct conf_tree *tree, struct conf_section *section)
{
	section->n_written = section->n_sections;
	if (!section->n_sections)
		return;
	section->by_name = talloc_memdup(section, section->sections, section->n_sections * sizeof(*section->sections));
	if (!section->by_name) {
		tree->no_memory = true;
		return;
	}
	qsort(section->by_name, section->n_sections, sizeof(*section->by_name), by_name);
	for (unsigned i = 0; i < section->n_sections; i++) {
		const struct conf_section *one = section->by_name[i], *first = i ? section->by_name[i - 1] : NULL;

		if (first && !conf_bytes_cmp(first->name, one->name))
			conf_error(tree->errors, &one->place, "the section '%.*s' stands already at %s:%u",
				   (int)one->name.len, (const char *)one->name.p, first->place.source->name,
				   first->place.line);
		index_sections(tree, section->by_name[i]);
	}
}

struct conf_section *conf_section_find(const struct conf_section *section, struct rv_bytes name)
{
	size_t lo = 0, hi = section->n_written;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int order = conf_bytes_cmp(section->by_name[mid]->name, name);
		if (!order)
			return section->by_name[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (unsigned i = section->n_written; i < section->n_sections; i++)
		if (rv_bytes_equal(section->sections[i]->name, name))
			return section->sections[i];
	return NULL;
}

/* Counts one more copy; false, with an error the first time, when there are too many. */
static bool may_copy(struct conf_tree *tree, const struct conf_section *into)
{
	if (tree->n_inherited > CONF_INHERIT_FACTOR * tree->n_nodes)
		return false;
	if (into->depth <= CONF_DEPTH_MAX && ++tree->n_inherited <= CONF_INHERIT_FACTOR * tree->n_nodes)
		return true;
	tree->n_inherited = CONF_INHERIT_FACTOR * tree->n_nodes + 1;
	conf_error(tree->errors, &into->place, "too much is inherited here, or too deep");
	return false;
}

/* Puts what from has and into lacks into into. */
static void merge(struct conf_tree *tree, struct conf_section *into, const struct conf_section *from)
{
	for (unsigned i = 0; i < from->n_entries && !tree->no_memory; i++) {
		const struct conf_entry entry = from->entries[i];

		if (conf_entry_find(into, entry.key))
			continue;
		if (!may_copy(tree, into))
			return;
		struct conf_entry *copy = conf_entry_new(tree, into);
		if (copy)
			*copy = entry;
		tree->n_nodes--; /* only what is written counts */
	}
	for (unsigned i = 0; i < from->n_sections && !tree->no_memory; i++) {
		const struct conf_section *sub = from->sections[i];
		struct conf_section *copy = conf_section_find(into, sub->name);

		if (!copy) {
			if (!may_copy(tree, into))
				return;
			copy = conf_section_new(tree, into, sub->name, sub->place);
			tree->n_nodes--;
			if (!copy)
				return;
			copy->state = CONF_WHOLE;
		}
		if (copy != sub && copy->depth <= CONF_DEPTH_MAX)
			merge(tree, copy, sub);
	}
}

static void complete(struct conf_tree *tree, struct conf_section *section, unsigned chain);

/* The section that a path names; what stands on the way is completed when the name is not there yet. */
static struct conf_section *resolve(struct conf_tree *tree, struct rv_bytes path, unsigned chain)
{
	struct conf_section *at = tree->root;

	while (at && path.len) {
		const uint8_t *dot = memchr(path.p, '.', path.len);
		struct rv_bytes name = rv_bytes(path.p, dot ? (size_t)(dot - path.p) : path.len);
		struct conf_section *next = conf_section_find(at, name);

		if (!next && at != tree->root && at->state == CONF_RAW) {
			complete(tree, at, chain + 1);
			next = conf_section_find(at, name);
		}
		if (next)
			next->referenced = true;
		at = next;
		path = dot ? rv_bytes(dot + 1, path.len - name.len - 1) : rv_bytes(NULL, 0);
	}
	return at;
}

static void inherit(struct conf_tree *tree, struct conf_section *section, const struct conf_ref *ref, unsigned chain)
{
	struct conf_place place = { .source = section->place.source, .line = ref->line };
	struct conf_section *from = chain < CONF_INHERIT_DEPTH_MAX ? resolve(tree, ref->path, chain) : NULL;
	const char *wrong = NULL;

	if (chain >= CONF_INHERIT_DEPTH_MAX)
		wrong = "too many sections inherit from each other";
	else if (!from)
		wrong = "there is no such section";
	else if (from->state == CONF_RAW)
		complete(tree, from, chain + 1);
	if (!wrong && from->state == CONF_BUSY)
		wrong = "the inheritance goes in a circle";
	if (wrong)
		conf_error(tree->errors, &place, "cannot inherit from '%.*s': %s", (int)ref->path.len,
			   (const char *)ref->path.p, wrong);
	else
		merge(tree, section, from);
}

static void complete(struct conf_tree *tree, struct conf_section *section, unsigned chain)
{
	if (section->state != CONF_RAW || tree->no_memory)
		return;
	section->state = CONF_BUSY;
	for (unsigned i = 0; i < section->n_written; i++)
		complete(tree, section->sections[i], chain);
	for (unsigned i = 0; i < section->n_refs; i++)
		inherit(tree, section, &section->refs[i], chain);
	section->state = CONF_WHOLE;
}

void conf_inherit(struct conf_tree *tree)
{
	index_sections(tree, tree->root);
	if (!tree->no_memory)
		complete(tree, tree->root, 0);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf: from the parsed tree to a checked, immutable snapshot, and the getters on it.
 *
 * The handle that the reader returns is a copy of the root section; the snapshot behind it lives as long as the handle
 * or anyone who holds it (rv_conf_hold). Only the texts of places are made when they are asked for.
 */
#include "conf.h"
#include "conf-tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conf_snapshot {
	struct conf_arena *arena;
	struct rv_conf *root;
	const char *warning;
};

/* The handle: the root section first, so that it is one. */
struct handle {
	struct rv_conf root;
};

struct builder {
	struct conf_snapshot *snapshot;
	struct rv_vault *vault;
	struct conf_errors *errors;
	bool no_memory;
	const struct conf_source *open_secrets; /* a file that holds secrets and that everybody may read */
};

static const char *copy_text(struct builder *b, const char *text)
{
	size_t len = strlen(text);
	char *copy = conf_alloc(b->snapshot->arena, len + 1);

	if (copy)
		memcpy(copy, text, len);
	else
		b->no_memory = true;
	return copy;
}

static void *alloc(struct builder *b, size_t size)
{
	void *p = conf_alloc(b->snapshot->arena, size);

	b->no_memory |= !p;
	return p;
}

static const char *place_text(struct conf_arena *arena, const char *file, unsigned line)
{
	size_t size = file ? strlen(file) + 16 : 0;
	char *text = size ? conf_alloc(arena, size) : NULL;

	if (!text)
		return file;
	snprintf(text, size, "%s:%u", file, line);
	return text;
}

/* The name of a source, kept once in the snapshot: equal names of neighbours share one copy. */
static const char *file_name(struct builder *b, const struct conf_source *source, const char *last)
{
	return last && !strcmp(last, source->name) ? last : copy_text(b, source->name);
}

static void unknown(struct builder *b, const struct conf_node *node, const struct conf_place *place, bool section,
		    const char *name)
{
	const char *nearest = conf_nearest(node, section, name), *what = section ? "section" : "key";
	char shown[CONF_NAME_MAX * 4 + 1];

	rv_escape(shown, sizeof(shown), rv_bytes(name, strlen(name)));
	if (nearest)
		conf_error(b->errors, place, "unknown %s '%s'; did you mean '%s'?", what, shown, nearest);
	else if (!section && conf_node_find(node, name))
		conf_error(b->errors, place, "'%s' is a section, not a key", shown);
	else if (section && conf_key_find(node, name))
		conf_error(b->errors, place, "'%s' is a key, not a section", shown);
	else
		conf_error(b->errors, place, "unknown %s '%s'", what, shown);
}

/* Notes that entry is not valid. Its value is shown, except where it may be secret. */
static void invalid(struct builder *b, const struct conf_entry *entry, const char *name, const char *text,
		    const struct rv_why *why)
{
	char shown[128];

	rv_escape(shown, sizeof(shown), rv_bytes(text, strlen(text)));
	conf_error(b->errors, &entry->place, "%s = %s: %s", name, shown, why->text);
}

static void read_secret(struct builder *b, const struct conf_entry *entry, struct conf_value *value)
{
	struct rv_why why = { 0 };

	value->secret = conf_secret_read(b->vault, b->snapshot, &entry->raw, &why);
	if (!value->secret && why.code)
		conf_error(b->errors, &entry->place, "%s: %s", value->name, why.text);
	else if (!value->secret)
		b->no_memory = true;
	if (entry->place.source->others_read)
		b->open_secrets = entry->place.source;
}

static void read_value(struct builder *b, const struct conf_key *key, const struct conf_entry *entry,
		       struct conf_value *value)
{
	char *text = talloc_zero_size(b->snapshot, entry->raw.text.len + 1);
	struct rv_why why = { 0 };
	int code;

	if (!text) {
		b->no_memory = true;
		return;
	}
	conf_unescape(&entry->raw, (uint8_t *)text);
	code = conf_type_read(key, b->snapshot->arena, text, value, &why);
	if (code == -ENOMEM)
		b->no_memory = true;
	else if (code && key->type == CONF_ELSEWHERE)
		conf_error(b->errors, &entry->place, "'%s' is a key of swanctl.conf that no loaded plugin supports%s%s",
			   value->name, *key->range ? "; only accepted as " : "", key->range);
	else if (code)
		invalid(b, entry, value->name, text, &why);
	talloc_free(text);
}

/* Reads entry into value. False when it is not one (unknown, cleared). */
static bool build_value(struct builder *b, const struct conf_node *node, const struct conf_entry *entry,
			struct conf_value *value)
{
	char name[CONF_NAME_MAX + 1];

	snprintf(name, sizeof(name), "%.*s", (int)entry->key.len, (const char *)entry->key.p);

	const struct conf_key *key = conf_key_find(node, name);

	if (!key) {
		unknown(b, node, &entry->place, false, name);
		return false;
	}
	if (!entry->raw.text.len && !entry->raw.quoted)
		return false; /* `key =` gives the default, also where another value would be inherited */
	value->name = strcmp(key->name, name) ? copy_text(b, name) : key->name;
	value->line = entry->place.line;
	if (b->no_memory)
		return false;
	if (key->type == CONF_SECRET)
		read_secret(b, entry, value);
	else
		read_value(b, key, entry, value);
	return true;
}

static int value_order(const void *a, const void *b)
{
	return strcmp(((const struct conf_value *)a)->name, ((const struct conf_value *)b)->name);
}

static int section_order(const void *a, const void *b)
{
	const struct rv_conf *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void build(struct builder *b, const struct conf_node *node, const struct conf_section *from,
		  struct rv_conf *conf);

/* Builds the subsection `from` of conf, or NULL when it is not valid or a mere pattern for others. */
static struct rv_conf *build_section(struct builder *b, const struct conf_node *node, const struct conf_section *from,
				     const struct rv_conf *parent)
{
	char name[CONF_NAME_MAX + 1];

	snprintf(name, sizeof(name), "%.*s", (int)from->name.len, (const char *)from->name.p);

	const struct conf_node *sub = conf_node_find(node, name);

	if (!sub) {
		if (parent->name[0] || !from->referenced)
			unknown(b, node, &from->place, true, name);
		return NULL;
	}

	struct rv_conf *conf = alloc(b, sizeof(*conf));

	if (!conf)
		return NULL;
	conf->name = strcmp(sub->name, name) ? copy_text(b, name) : sub->name;
	conf->file = file_name(b, from->place.source, parent->file);
	conf->where = place_text(b->snapshot->arena, conf->file, from->place.line);
	build(b, sub, from, conf);
	return conf;
}

static void build(struct builder *b, const struct conf_node *node, const struct conf_section *from,
		  struct rv_conf *conf)
{
	conf->node = node;
	conf->snapshot = b->snapshot;
	conf->values = alloc(b, from->n_entries * sizeof(*conf->values) + 1);
	conf->sections = alloc(b, from->n_sections * sizeof(struct rv_conf *) + 1);
	conf->by_name = alloc(b, from->n_sections * sizeof(struct rv_conf *) + 1);
	if (b->no_memory)
		return;
	const char *file = conf->file;
	for (unsigned i = 0; i < from->n_entries && !b->no_memory; i++) {
		struct conf_value *value = &conf->values[conf->n_values];
		if (!build_value(b, node, &from->entries[i], value))
			continue;
		file = value->file = file_name(b, from->entries[i].place.source, file);
		conf->n_values++;
	}
	for (unsigned i = 0; i < from->n_sections && !b->no_memory; i++) {
		struct rv_conf *sub = build_section(b, node, from->sections[i], conf);
		if (sub)
			conf->sections[conf->n_sections++] = sub;
	}
	qsort(conf->values, conf->n_values, sizeof(*conf->values), value_order);
	memcpy(conf->by_name, conf->sections, conf->n_sections * sizeof(struct rv_conf *));
	qsort(conf->by_name, conf->n_sections, sizeof(struct rv_conf *), section_order);
}

static void warn_of_rights(struct builder *b)
{
	if (b->open_secrets)
		b->snapshot->warning = talloc_asprintf(
			b->snapshot, "%s holds secrets and everybody may read it; take that right away with chmod o-r",
			b->open_secrets->name);
}

static struct rv_conf *read_all(const void *parent, struct rv_vault *vault, const struct rv_schema *schema,
				const char *path, const char *name, struct rv_bytes text, struct rv_why *why)
{
	struct conf_errors *errors = talloc_zero(parent, struct conf_errors);
	struct handle *handle = talloc_zero(parent, struct handle);
	struct conf_tree *tree = errors ? conf_parse(errors, schema, path, name, text, errors) : NULL;
	struct builder b = { .vault = vault, .errors = errors, .no_memory = !tree || !handle };

	if (!b.no_memory)
		b.snapshot = talloc_zero(handle, struct conf_snapshot);
	if (b.snapshot)
		b.snapshot->arena = talloc_zero(b.snapshot, struct conf_arena);
	if (!b.snapshot || !b.snapshot->arena || !talloc_reference(b.snapshot, schema->store))
		b.no_memory = true;
	if (!b.no_memory)
		b.snapshot->root = alloc(&b, sizeof(struct rv_conf));
	if (!b.no_memory) {
		b.snapshot->root->name = "";
		b.snapshot->root->file = copy_text(&b, tree->n_sources ? tree->sources[0]->name : "-");
		b.snapshot->root->where = b.snapshot->root->file;
		build(&b, &schema->store->root, tree->root, b.snapshot->root);
	}
	if (b.no_memory)
		rv_why_set(why, -ENOMEM, "no memory for the configuration");
	if (b.no_memory || conf_errors_why(errors, why)) {
		talloc_free(errors);
		talloc_free(handle);
		return NULL;
	}
	warn_of_rights(&b);
	handle->root = *b.snapshot->root;
	talloc_free(errors);
	return &handle->root;
}

struct rv_conf *rv_conf_read_file(const void *parent, struct rv_vault *vault, const struct rv_schema *schema,
				  const char *path, struct rv_why *why)
{
	return read_all(parent, vault, schema, path, NULL, rv_bytes(NULL, 0), why);
}

struct rv_conf *rv_conf_read_text(const void *parent, struct rv_vault *vault, const struct rv_schema *schema,
				  const char *name, const char *text, struct rv_why *why)
{
	return conf_read_bytes(parent, vault, schema, name, rv_bytes(text, strlen(text)), why);
}

struct rv_conf *conf_read_bytes(const void *parent, struct rv_vault *vault, const struct rv_schema *schema,
				const char *name, struct rv_bytes text, struct rv_why *why)
{
	return read_all(parent, vault, schema, NULL, name, text, why);
}

const char *rv_conf_warning(const struct rv_conf *conf)
{
	return conf->snapshot ? conf->snapshot->warning : NULL;
}

const struct rv_conf *rv_conf_section(const struct rv_conf *conf, const char *name)
{
	static const struct rv_conf nothing = { .name = "" };
	size_t lo = 0, hi = conf->n_sections;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int order = strcmp(conf->by_name[mid]->name, name);
		if (!order)
			return conf->by_name[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}

	const struct conf_node *node = conf->node ? conf_node_find(conf->node, name) : NULL;

	return node ? &node->empty : &nothing;
}

int rv_conf_each(const struct rv_conf *conf, rv_conf_fn *fn, void *arg)
{
	for (unsigned i = 0; i < conf->n_sections; i++) {
		int code = fn(conf->sections[i]->name, conf->sections[i], arg);
		if (code)
			return code;
	}
	return 0;
}

static struct conf_value *written(const struct rv_conf *conf, const char *key)
{
	size_t lo = 0, hi = conf->n_values;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int order = strcmp(conf->values[mid].name, key);
		if (!order)
			return &conf->values[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* The value in force: written, else the schema's default. Never NULL. */
static const struct conf_value *value_of(const struct rv_conf *conf, const char *name)
{
	static const struct conf_value nothing = { 0 };
	const struct conf_value *value = written(conf, name);

	if (value || !conf->node)
		return value ? value : &nothing;

	const struct conf_key *key = conf_key_find(conf->node, name);

	return key ? &key->value : &nothing;
}

bool rv_conf_has(const struct rv_conf *conf, const char *key)
{
	return written(conf, key);
}

const char *rv_conf_str(const struct rv_conf *conf, const char *key)
{
	return value_of(conf, key)->text;
}

bool rv_conf_bool(const struct rv_conf *conf, const char *key)
{
	return value_of(conf, key)->number;
}

int64_t rv_conf_int(const struct rv_conf *conf, const char *key)
{
	return value_of(conf, key)->number;
}

uint64_t rv_conf_us(const struct rv_conf *conf, const char *key)
{
	int64_t number = value_of(conf, key)->number;

	return number < 0 ? 0 : (uint64_t)number;
}

const char *const *rv_conf_list(const struct rv_conf *conf, const char *key)
{
	static const char *const nothing[] = { NULL };
	const struct conf_value *value = value_of(conf, key);

	return value->list ? value->list : nothing;
}

const struct rv_secret *rv_conf_secret(const struct rv_conf *conf, const char *key)
{
	return value_of(conf, key)->secret;
}

const char *rv_conf_where(const struct rv_conf *conf, const char *key)
{
	struct conf_value *value = key ? written(conf, key) : NULL;

	if (value && !value->where)
		value->where = place_text(conf->snapshot->arena, value->file, value->line);
	if (value)
		return value->where;
	return conf->where ? conf->where : "the configuration";
}

const struct rv_conf *rv_conf_root(const struct rv_conf *conf)
{
	return conf->snapshot ? conf->snapshot->root : conf;
}

int rv_conf_hold(const struct rv_conf *conf, const void *owner)
{
	const void *held = conf->snapshot ? (const void *)conf->snapshot : conf->node ? conf->node->store : NULL;

	return !held || talloc_reference(owner, held) ? 0 : -ENOMEM;
}

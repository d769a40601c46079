// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-schema: the union of the core's and the plugins' schemas, as a tree of sections with their keys.
 *
 * The tree only grows, and snapshots hold it, so that defaults stay valid for whoever holds a snapshot.
 */
#include "conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FIELDS = 5, LINE_MAX_OCTETS = 1024, PATH_DEPTH_MAX = 12 };

#define FIT_EXACT (SIZE_MAX - 1)
#define FIT_ANY SIZE_MAX

struct rv_schema *rv_schema_new(const void *parent)
{
	struct rv_schema *schema = talloc_zero(parent, struct rv_schema);

	if (!schema)
		return NULL;
	schema->store = talloc_zero(schema, struct conf_store);
	if (schema->store)
		schema->store->arena = talloc_zero(schema->store, struct conf_arena);
	if (!schema->store || !schema->store->arena) {
		talloc_free(schema);
		return NULL;
	}
	schema->store->root.name = "";
	schema->store->root.store = schema->store;
	schema->store->root.empty = (struct rv_conf){ .name = "", .node = &schema->store->root };
	return schema;
}

static char *copy_text(struct conf_store *store, const char *text, size_t len)
{
	char *copy = conf_alloc(store->arena, len + 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

/* How well a pattern fits a name: 0 not; 1 by *; 2 and more by a prefix, the longer the better; exactly best. */
static size_t fit(const char *pattern, const char *name)
{
	if (*pattern != *name && *pattern != '*') /* nearly always */
		return 0;

	size_t len = strlen(pattern);

	if (!strcmp(pattern, name))
		return FIT_EXACT;
	if (!len || pattern[len - 1] != '*')
		return 0;
	return strncmp(pattern, name, len - 1) ? 0 : len;
}

/* The section below node that fits name best, but less well than `below`. */
static const struct conf_node *best_node(const struct conf_node *node, const char *name, size_t below)
{
	const struct conf_node *best = NULL;
	size_t most = 0;

	for (const struct conf_node *sub = node->sections; sub; sub = sub->next) {
		size_t n = fit(sub->name, name);
		if (n > most && n < below) {
			most = n;
			best = sub;
		}
	}
	return best;
}

const struct conf_node *conf_node_wider(const struct conf_node *node)
{
	size_t len = strlen(node->name);
	char name[CONF_NAME_MAX + 1];

	if (!node->parent || !strcmp(node->name, "*") || len > CONF_NAME_MAX)
		return NULL;
	memcpy(name, node->name, len + 1);
	if (len && name[len - 1] != '*')
		return best_node(node->parent, name, FIT_EXACT);
	name[len - 1] = 0;
	return best_node(node->parent, name, len);
}

const struct conf_node *conf_node_find(const struct conf_node *node, const char *name)
{
	const struct conf_node *found = NULL;

	for (; node && !found; node = conf_node_wider(node))
		found = best_node(node, name, FIT_ANY);
	return found;
}

const struct conf_key *conf_key_find(const struct conf_node *node, const char *name)
{
	const struct conf_key *best = NULL;

	for (; node && !best; node = conf_node_wider(node)) {
		size_t most = 0;
		for (const struct conf_key *key = node->keys; key && most < FIT_EXACT; key = key->next) {
			size_t n = fit(key->name, name);
			if (n > most) {
				most = n;
				best = key;
			}
		}
	}
	return best;
}

/* Whether pattern is a name with at most one *, at its end. */
static bool is_pattern(const char *pattern)
{
	size_t len = strlen(pattern);
	const char *star = strchr(pattern, '*');

	return len && len <= CONF_NAME_MAX && (!star || star == pattern + len - 1);
}

static struct conf_node *add_node(struct conf_store *store, struct conf_node *parent, const char *name)
{
	struct conf_node **end = &parent->sections;

	for (; *end; end = &(*end)->next)
		if (!strcmp((*end)->name, name))
			return *end;

	struct conf_node *node = conf_alloc(store->arena, sizeof(*node));
	char *copy = copy_text(store, name, strlen(name));

	if (!node || !copy)
		return NULL;
	*node = (struct conf_node){ .name = copy, .parent = parent, .store = store };
	node->empty = (struct rv_conf){ .name = copy, .node = node };
	*end = node;
	return node;
}

static bool same_key(const struct conf_key *a, const struct conf_key *b)
{
	return a->type == b->type && !strcmp(a->fallback, b->fallback) && !strcmp(a->range, b->range);
}

/* Puts key into node: a real key takes the place of one that was only known elsewhere. */
static int put_key(struct conf_node *node, const struct conf_key *key, struct rv_why *why)
{
	struct conf_key **at = &node->keys;

	for (; *at; at = &(*at)->next) {
		if (strcmp((*at)->name, key->name) != 0)
			continue;
		if (key->type == CONF_ELSEWHERE || same_key(*at, key))
			return 0;
		if ((*at)->type != CONF_ELSEWHERE)
			return rv_why_set(why, -RV_ECONFIG, "the schema of %s has it otherwise", (*at)->owner);
		break;
	}

	struct conf_key *copy = conf_alloc(node->store->arena, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *key;
	copy->next = *at ? (*at)->next : NULL;
	*at = copy;
	return 0;
}

static int read_key(struct conf_store *store, char *const *field, struct conf_key *key, struct rv_why *why)
{
	unsigned type = 0;
	int code;

	while (type < CONF_TYPES && strcmp(conf_type_names[type], field[1]) != 0)
		type++;
	if (type == CONF_TYPES)
		return rv_why_set(why, -RV_ECONFIG, "there is no type '%s'", field[1]);
	key->type = type;
	key->fallback = copy_text(store, field[2], strlen(field[2]));
	key->range = copy_text(store, field[3], strlen(field[3]));
	key->help = copy_text(store, field[4], strlen(field[4]));
	if (!key->fallback || !key->range || !key->help)
		return -ENOMEM;
	code = conf_range_read(key, store->arena);
	if (code)
		return rv_why_set(why, code, "the range '%s' is not valid", key->range);
	key->value.name = key->name;
	if (!strcmp(key->fallback, "-"))
		return 0;
	if (key->type == CONF_SECRET || key->type == CONF_ELSEWHERE)
		return rv_why_set(why, -RV_ECONFIG, "this type has no default");
	return conf_type_read(key, store->arena, key->fallback, &key->value, why);
}

/* Adds the line whose fields, NUL-terminated, are field. */
static int add_line(struct rv_schema *schema, const char *owner, char *const *field, struct rv_why *why)
{
	struct conf_store *store = schema->store;
	struct conf_node *node = &store->root;
	char *path = field[0], *dot = strchr(path, '.');
	int code;

	if (!dot) {
		const char *own[] = { "ravelin", "plugins", owner };
		for (size_t i = 0; node && i < RV_COUNT(own); i++)
			node = is_pattern(own[i]) ? add_node(store, node, own[i]) : NULL;
		if (!node)
			return rv_why_set(why, -RV_ECONFIG, "no section for '%s'", owner);
	}
	for (int depth = 0; dot; path = dot + 1, dot = strchr(path, '.')) {
		*dot = 0;
		if (!is_pattern(path) || ++depth > PATH_DEPTH_MAX)
			return rv_why_set(why, -RV_ECONFIG, "the path is not valid");
		node = add_node(store, node, path);
		if (!node)
			return -ENOMEM;
	}
	if (!is_pattern(path))
		return rv_why_set(why, -RV_ECONFIG, "the path is not valid");

	struct conf_key key = { .owner = copy_text(store, owner, strlen(owner)),
				.name = copy_text(store, path, strlen(path)) };

	if (!key.owner || !key.name)
		return -ENOMEM;
	code = read_key(store, field, &key, why);
	return code ? code : put_key(node, &key, why);
}

int rv_schema_add(struct rv_schema *schema, const char *owner, const char *text, struct rv_why *why)
{
	for (unsigned line = 1; *text; line++) {
		size_t len = strcspn(text, "\n");
		char copy[LINE_MAX_OCTETS], *field[FIELDS] = { copy };
		unsigned n = 1;
		int code = -RV_ECONFIG;

		if (len >= sizeof(copy))
			return rv_why_set(why, code, "schema of %s, line %u: the line is too long", owner, line);
		memcpy(copy, text, len);
		copy[len] = 0;
		text += len + (text[len] == '\n');
		if (!len)
			continue;
		for (char *p = copy; *p && n < FIELDS; p++)
			if (*p == '|') {
				*p = 0;
				field[n++] = p + 1;
			}
		if (n == FIELDS)
			code = add_line(schema, owner, field, why);
		else
			rv_why_set(why, code, "it has %u fields, not %d", n, FIELDS);
		if (code)
			return rv_why_set(why, code, "schema of %s, line %u", owner, line);
	}
	return 0;
}

unsigned conf_distance(const char *a, const char *b, unsigned most)
{
	enum { SHORT = 40 };
	unsigned row[3][SHORT + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > SHORT || lb > SHORT)
		return most;
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned d = last[j - 1] + (a[i - 1] != b[j - 1]);
			d = last[j] + 1 < d ? last[j] + 1 : d;
			d = now[j - 1] + 1 < d ? now[j - 1] + 1 : d;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < d)
				d = before[j - 2] + 1;
			now[j] = d;
		}
	}
	return row[la % 3][lb] < most ? row[la % 3][lb] : most;
}

const char *conf_nearest(const struct conf_node *node, bool section, const char *name)
{
	unsigned best = 1 + (strlen(name) < 4 ? 1 : strlen(name) < 10 ? 2 : 3);
	const char *nearest = NULL;

	for (; node; node = conf_node_wider(node)) {
		const struct conf_node *sub = section ? node->sections : NULL;
		const struct conf_key *key = section ? NULL : node->keys;
		for (; sub || key; sub = sub ? sub->next : NULL, key = key ? key->next : NULL) {
			const char *known = sub ? sub->name : key->name;
			unsigned d = strchr(known, '*') ? best : conf_distance(name, known, best);
			if (key && key->type == CONF_ELSEWHERE)
				continue;
			if (d < best) {
				best = d;
				nearest = known;
			}
		}
	}
	return nearest;
}

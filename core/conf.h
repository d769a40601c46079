// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf.h: the second half of the configuration reader: the schema (conf-schema.c) and the snapshot (conf.c).
 */
#pragma once

#include "conf-type.h"

#include <ravelin/config.h>

/* A section of a snapshot. */
struct rv_conf {
	const char *name;
	const struct conf_node *node;	/* its schema; NULL: none */
	struct conf_snapshot *snapshot; /* NULL: a section that no file has */
	struct conf_value *values;	/* sorted by name */
	struct rv_conf **sections;	/* in file order */
	struct rv_conf **by_name;
	unsigned n_values, n_sections;
	const char *file, *where;
};

/* rv_conf_read_text() on octets that no NUL ends. */
struct rv_conf *conf_read_bytes(const void *parent, struct rv_vault *vault, const struct rv_schema *schema,
				const char *name, struct rv_bytes text, struct rv_why *why);

/* A section of the schema: a pattern for sections and the keys that they may have. */
struct conf_node {
	const char *name; /* a pattern: "x", "x*" or "*" */
	struct conf_node *parent, *sections, *next;
	struct conf_key *keys;
	struct rv_conf empty; /* what an absent section of this kind is */
	struct conf_store *store;
};

struct conf_store {
	struct conf_arena *arena;
	struct conf_node root;
};

struct rv_schema {
	struct conf_store *store;	     /* referenced by the snapshots */
	const struct rv_core_params *params; /* with who opens files; NULL: open() */
};

/* The section or key of this name below node: exact names before prefixes before *. NULL when there is none. */
const struct conf_node *conf_node_find(const struct conf_node *node, const char *name);
const struct conf_key *conf_key_find(const struct conf_node *node, const char *name);

/* The name nearest to name among the sections or keys of node, or NULL when none is near. */
const char *conf_nearest(const struct conf_node *node, bool section, const char *name);

/* The edit distance of two names (insert, delete, replace, swap of neighbours), at most `most`. */
unsigned conf_distance(const char *a, const char *b, unsigned most);

/* The sibling of node with the next wider pattern that matches its name too, or NULL. */
const struct conf_node *conf_node_wider(const struct conf_node *node);

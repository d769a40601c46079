// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-tree.h: the first half of the configuration reader: text becomes tokens (conf-lex.c), tokens a tree of slices of
 * the text (conf-parse.c, conf-inherit.c).
 *
 * Values stay slices of the file's buffer until their type is known, so that a secret is copied once, into a struct
 * rv_secret, and wiped with the buffer.
 */
#pragma once

#include "conf-lex.h"
#include "parts.h"

enum {
	CONF_DEPTH_MAX = 16,	     /* sections in sections */
	CONF_KEYS_MAX = 1024,	     /* keys of one section */
	CONF_INCLUDE_DEPTH_MAX = 10, /* files in files */
	CONF_FILES_MAX = 16384,	     /* files in all */
	CONF_FILE_MAX = 16 << 20,    /* octets of one file */
	CONF_INHERIT_DEPTH_MAX = 64, /* sections that inherit from sections that inherit */
	CONF_INHERIT_FACTOR = 64,    /* inherited keys and sections for each written one */
	CONF_ERRORS_MAX = 20,	     /* errors that are reported; the rest is counted */
	CONF_ERRORS_TEXT = 4000,
	CONF_PATH_TEXT = 1024,
};

#define CONF_ERRORS_GAP "; "

/* One file (or text) while it is read. */
struct conf_source {
	const char *name; /* escaped */
	struct rv_bytes text;
	uint8_t *mine;	  /* the text when it was read from a file */
	bool others_read; /* everybody may read the file */
};

struct conf_place {
	const struct conf_source *source;
	unsigned line;
};

/* The errors of one reading, a line each. */
struct conf_errors {
	unsigned n, shown;
	size_t len;
	char text[CONF_ERRORS_TEXT];
};

/* Notes an error at place ("FILE:LINE: ..."). */
void conf_error(struct conf_errors *errors, const struct conf_place *place, const char *fmt, ...) RV_PRINTF(3, 4);

/* 0, or -RV_ECONFIG with all of them in why. */
int conf_errors_why(const struct conf_errors *errors, struct rv_why *why);

struct conf_entry {
	struct rv_bytes key;
	struct conf_raw raw;
	struct conf_place place;
};

struct conf_ref {
	struct rv_bytes path; /* as written, dots between the names, no blanks around it */
	unsigned line;
};

struct conf_section {
	struct rv_bytes name;
	struct conf_place place;
	struct conf_section *parent;
	struct conf_entry *entries;
	struct conf_section **sections; /* in file order, inherited ones last */
	struct conf_section **by_name;	/* the written ones, sorted */
	struct conf_ref *refs;
	unsigned n_entries, cap_entries, n_sections, cap_sections, n_written, n_refs;
	unsigned depth, order;
	const struct conf_source *last; /* the file that opened it last */
	const struct conf_node *node;	/* its schema when the schema names it */
	enum { CONF_RAW, CONF_BUSY, CONF_WHOLE } state;
	bool referenced; /* other sections inherit from it or from a section in it */
};

struct conf_tree {
	const struct rv_core_params *params; /* with who opens files; NULL: open() */
	struct conf_section *root;
	struct conf_errors *errors;
	const struct rv_schema *schema;
	struct conf_source **sources;
	unsigned n_sources, cap_sources;
	size_t n_nodes, n_inherited;
	bool no_memory;
};

/* Parses path, or the text `text` called name when path is NULL, with all that it includes, into a new tree; files'
 * buffers are wiped when it is freed. Errors are noted; NULL only when memory is out. */
struct conf_tree *conf_parse(const void *parent, const struct rv_schema *schema, const char *path, const char *name,
			     struct rv_bytes text, struct conf_errors *errors);

/* conf-include.c: the files that pattern names as glob(3) has it, sorted, in *paths, a child of parent. params: who
 * opens folders. 0, -ENOMEM, or the error of a folder that is there and cannot be read. */
int conf_find(const struct rv_core_params *params, const void *parent, const char *pattern, char ***paths, size_t *n);

/* conf-inherit.c: copies into every section what it inherits. */
void conf_inherit(struct conf_tree *tree);

/* New objects of a tree; NULL when memory is out (tree->no_memory is set then). */
struct conf_section *conf_section_new(struct conf_tree *tree, struct conf_section *parent, struct rv_bytes name,
				      struct conf_place place);
struct conf_entry *conf_entry_new(struct conf_tree *tree, struct conf_section *section);

/* The subsection of this name, or NULL. */
struct conf_section *conf_section_find(const struct conf_section *section, struct rv_bytes name);
struct conf_entry *conf_entry_find(const struct conf_section *section, struct rv_bytes key);

int conf_bytes_cmp(struct rv_bytes a, struct rv_bytes b);

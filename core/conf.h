// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf.h: what the files of the configuration reader share.
 *
 * Text becomes tokens (conf-lex.c), tokens a tree of slices of the text (conf-parse.c), and the tree, checked against
 * the schema (conf-schema.c, conf-type.c), a snapshot (conf.c). Values stay slices of the file's buffer until their
 * type is known, so that a secret is copied once, into a struct rv_secret, and wiped with the buffer.
 */
#pragma once

#include "parts.h"

#include <ravelin/config.h>

enum {
	CONF_NAME_MAX = 128,	     /* octets of a section's name or a key */
	CONF_DEPTH_MAX = 16,	     /* sections in sections */
	CONF_KEYS_MAX = 1024,	     /* keys of one section */
	CONF_INCLUDE_DEPTH_MAX = 10, /* files in files */
	CONF_FILES_MAX = 16384,	     /* files in all */
	CONF_FILE_MAX = 16 << 20,    /* octets of one file */
	CONF_INHERIT_DEPTH_MAX = 64, /* sections that inherit from sections that inherit */
	CONF_INHERIT_FACTOR = 64,    /* inherited keys and sections for each written one */
	CONF_LIST_MAX = 1024,	     /* items of one list */
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

/* conf-lex.c */
enum conf_token_kind {
	CONF_END,
	CONF_NAME,
	CONF_OPEN,
	CONF_CLOSE,
	CONF_EQUALS,
	CONF_COLON,
	CONF_COMMA,
	CONF_DOT,
	CONF_BAD, /* an octet that can begin nothing */
};

struct conf_token {
	enum conf_token_kind kind;
	struct rv_bytes text;
	unsigned line;
};

struct conf_lex {
	const uint8_t *p, *end;
	unsigned line;
};

/* The raw value: without the quotes, escapes still in it. */
struct conf_raw {
	struct rv_bytes text;
	bool quoted;
	unsigned line;
};

void conf_lex_init(struct conf_lex *lex, struct rv_bytes text);

/* The next token; blanks, line ends and comments are skipped. At the end CONF_END for ever. */
struct conf_token conf_lex_next(struct conf_lex *lex);

/* The rest of the line as a value. NULL, or what is wrong with it; the reader then stands behind the line. */
const char *conf_lex_value(struct conf_lex *lex, struct conf_raw *raw);

/* Goes to the end of the present line. */
void conf_lex_skip_line(struct conf_lex *lex);

/* Octets of raw without escapes, into out (raw.text.len octets are always enough). */
size_t conf_unescape(const struct conf_raw *raw, uint8_t *out);

/* conf-parse.c */
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

/* conf-type.c */
enum conf_type {
	CONF_STRING,
	CONF_BOOL,
	CONF_INT,
	CONF_SIZE,
	CONF_DURATION,
	CONF_PERCENT,
	CONF_LIST,
	CONF_CHOICE,
	CONF_ADDR,
	CONF_ADDRS,
	CONF_IDENTITY,
	CONF_TS,
	CONF_PROPOSALS,
	CONF_SECRET,
	CONF_ELSEWHERE, /* others' programs know the key; the range lists the values that ask for nothing we lack */
	CONF_TYPES
};

extern const char *const conf_type_names[CONF_TYPES];

/* Memory that is only freed as a whole. */
struct conf_arena {
	uint8_t *chunk;
	size_t left;
};

/* size zeroed octets from arena, itself a talloc object. NULL when memory is out. */
void *conf_alloc(struct conf_arena *arena, size_t size);

/* A value whose text was read as its type. */
struct conf_value {
	const char *name;
	const char *text; /* NULL for secrets */
	const char *where;
	const char *const *list;
	const struct rv_secret *secret;
	int64_t number; /* bool, int, size, percent; index of a choice; duration in microseconds */
	const char *file;
	unsigned line;
};

struct conf_key {
	const char *name; /* a pattern: "x", "x*" or "*" */
	const char *owner, *fallback, *range, *help;
	const char *const *choices;
	enum conf_type type;
	bool ranged;
	int64_t lo, hi;
	struct conf_value value; /* of fallback */
	struct conf_key *next;
};

/* Reads text (NUL-terminated, no secret) as key's type into value. 0; -ENOMEM; -RV_ECONFIG with the reason in why. */
int conf_type_read(const struct conf_key *key, struct conf_arena *arena, const char *text, struct conf_value *value,
		   struct rv_why *why);

/* Splits text at commas, blanks around the items dropped. NULL when memory is out or there are too many. */
const char *const *conf_split(struct conf_arena *arena, const char *text);

/* A secret of a raw value: 0x hex, 0s base64, or the octets. NULL with why. */
struct rv_secret *conf_secret_read(struct rv_vault *vault, const void *parent, const struct conf_raw *raw,
				   struct rv_why *why);

/* Reads the range of key (and its choices) for its type. 0, -ENOMEM or -RV_ECONFIG. */
int conf_range_read(struct conf_key *key, struct conf_arena *arena);

/* conf.c */
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

/* conf-schema.c */
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
	struct conf_store *store; /* referenced by the snapshots */
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

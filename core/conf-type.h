// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-type.h: the types of keys, and values that were read as one.
 */
#pragma once

#include "conf-lex.h"
#include "parts.h"

enum { CONF_LIST_MAX = 1024 /* items of one list */ };

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

/* A secret of a raw value: 0x hex, 0s base64, or the octets. NULL with why. */
struct rv_secret *conf_secret_read(struct rv_vault *vault, const void *parent, const struct conf_raw *raw,
				   struct rv_why *why);

/* Reads the range of key (and its choices) for its type. 0, -ENOMEM or -RV_ECONFIG. */
int conf_range_read(struct conf_key *key, struct conf_arena *arena);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* pad.h: what the files of the peer authorization database (RFC 4301, 4.4.3) share. */
#pragma once

#include "conf-tree.h"
#include "conf.h"

#include <ravelin/addr.h>
#include <ravelin/identity.h>

/* One configured address. */
struct pad_addr {
	enum pad_addr_kind { PAD_ADDR_ANY, PAD_ADDR_NAME, PAD_ADDR_RANGE, PAD_ADDR_ONE } kind;
	struct rv_ts range; /* family 0 with PAD_ADDR_ANY: either */
};

/* A connection with what its look-up needs. */
struct pad_entry {
	struct rv_connection connection; /* first, so that a reference to one holds all */
	struct pad_addr *local, *remote; /* the PAD's, not the connection's */
	size_t n_local, n_remote;
	size_t index; /* in file order */
};

/* Connections whose version and addresses are the same, in file order; patterns: those that more than one identity may
 * belong to. */
struct pad_group {
	struct pad_entry **entries, **patterns;
	size_t n, n_patterns;
};

/* An identity of a secret. The digest spares most comparisons where there are thousands; a pattern has none. */
struct pad_id {
	const struct rv_id *id;
	uint32_t digest;
	bool pattern;
};

/* A section of secrets. */
struct pad_secret {
	const char *name;
	struct pad_id *ids;
	size_t n_ids;
	const struct rv_secret *secret;
};

struct rv_pad {
	struct rv_core *core;
	struct conf_arena *arena;   /* what look-ups walk through stands close together */
	struct pad_entry **entries; /* in file order */
	struct pad_entry **by_name;
	size_t n;
	struct pad_index *index;
	struct pad_secret *secrets;
	size_t n_secrets;
};

/* connection.c: the connection of a section, a child of pad. NULL with errors noted or when memory is out. */
struct pad_entry *pad_entry_new(struct rv_pad *pad, const char *name, const struct rv_conf *conf,
				struct conf_errors *errors);

/* pad-index.c: made once all entries are there; NULL: out of memory. The groups that may fit a peer at remote (NULL or
 * any: all), and the entries that may expect exactly this identity, one after the other; NULL at the end. Groups of
 * connections of other keying protocols are not there. */
struct pad_walk {
	uint32_t digest;
	size_t i, wide;
	bool all;
};
struct pad_index *pad_index_new(const struct rv_pad *pad);
struct pad_walk pad_groups_at(const struct pad_index *index, const struct rv_addr *remote);
const struct pad_group *pad_group_next(const struct pad_index *index, struct pad_walk *walk);
struct pad_walk pad_entries_of(const struct pad_index *index, const struct rv_id *their);
const struct pad_entry *pad_entry_next(const struct pad_index *index, struct pad_walk *walk);

/* secrets.c: a number that is the same for identities that are the same, whatever their case; whether an identity may
 * match others: %any, a wildcard or a range (two addresses). */
uint32_t pad_id_digest(const struct rv_id *id);
bool pad_id_is_pattern(const struct rv_id *id);

/* secrets.c: fills pad->secrets from the section "secrets". 0 or -ENOMEM; errors are noted. */
int pad_secrets_read(struct rv_pad *pad, const struct rv_conf *secrets, struct conf_errors *errors);

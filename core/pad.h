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
	struct pad_secret *secrets;
	size_t n_secrets;
};

/* connection.c: the connection of a section, a child of pad. NULL with errors noted or when memory is out. */
struct pad_entry *pad_entry_new(struct rv_pad *pad, const char *name, const struct rv_conf *conf,
				struct conf_errors *errors);

/* secrets.c: fills pad->secrets from the section "secrets". 0 or -ENOMEM; errors are noted. */
int pad_secrets_read(struct rv_pad *pad, const struct rv_conf *secrets, struct conf_errors *errors);

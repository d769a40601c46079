// SPDX-License-Identifier: LGPL-2.1-or-later
/* connection.h: what the configuration says of a peer: its PAD entry and SPD templates (RFC 4301, 4.4.1 and 4.4.3).
 *
 * A connection is an immutable view of a configuration snapshot: a reload makes new ones, and whoever still uses an old
 * one holds it by a talloc reference. Loop thread only. Keys that only a plugin knows are read from conf.
 */
#pragma once

#include <ravelin/addr.h>
#include <ravelin/algorithm.h>
#include <ravelin/config.h>
#include <ravelin/identity.h>
#include <ravelin/kernel.h>

struct rv_core;

enum rv_encap { RV_ENCAP_DEFAULT, RV_ENCAP_YES, RV_ENCAP_NO, RV_ENCAP_NEVER };
enum rv_action { RV_ACTION_NONE, RV_ACTION_START, RV_ACTION_TRAP };

/* One authentication round of one side: a local* or remote* section. */
struct rv_round {
	const struct rv_conf *conf;
	const char *auth;	/* name of the auth service, "psk" */
	const struct rv_id *id; /* local: NULL means our address; remote: a pattern */
};

/* A child section: the template of child SAs. Selectors with family 0 are "dynamic". */
struct rv_child_conf {
	const char *name;
	const struct rv_conf *conf;
	const struct rv_connection *connection;
	struct rv_ts *local_ts, *remote_ts;
	size_t n_local_ts, n_remote_ts;
	struct rv_proposal *proposals;
	size_t n_proposals;
	uint8_t mode, protocol; /* enum rv_mode, rv_protocol */
	uint8_t start_action, close_action, dpd_action;
	uint32_t replay_window, priority;
	uint64_t rekey_us, life_us, rand_us, inactivity_us;
	uint64_t rekey_bytes, life_bytes, rekey_packets, life_packets;
	const char *interface; /* NULL: shared */
	uint64_t rand_bytes, rand_packets;
	uint16_t tfc;	     /* octets to pad packets to; 0: none; RV_TFC_MTU */
	bool fragments_also; /* fragments without ports may go with the first one */
	const char *ext;     /* of the mode: an extension of ESP without which its SAs do not come up; NULL: none */
	uint8_t copy_dscp;   /* enum rv_copy_dscp */
	bool plain_ecn, keep_mss, fragment_first; /* as kernel.h says */
	uint8_t copy_df;			  /* enum rv_copy_df */
	uint64_t dummy_us;
};

struct rv_connection {
	const char *name;
	const struct rv_conf *conf;
	unsigned version;   /* which keying protocol; 0: any; matches attribute "version" of a keying service */
	const char *keying; /* name of the keying service when not chosen by version ("manual"), or NULL */
	const char *const *local_addrs, *const *remote_addrs; /* addresses, prefixes, ranges, names, %any */
	uint16_t local_port, remote_port;
	struct rv_proposal *proposals;
	size_t n_proposals;
	uint8_t encap;
	uint64_t dpd_delay_us, dpd_timeout_us, rekey_us, over_us, rand_us, reauth_us;
	struct rv_round *local, *remote;
	size_t n_local, n_remote;
	struct rv_child_conf *children;
	size_t n_children;
};

/* The root of the present configuration, for sections that only a plugin reads; the empty section before the first.
 * Borrowed until the next turn of the loop. */
const struct rv_conf *rv_core_conf(struct rv_core *core);

/* The connection of this name, or NULL. Borrowed until the next turn of the loop; talloc_reference() it to keep it. */
const struct rv_connection *rv_connection_find(struct rv_core *core, const char *name);

/* The child of this name; name NULL: the first. NULL when there is none. */
const struct rv_child_conf *rv_connection_child(const struct rv_connection *connection, const char *name);

/* The n-th (from 0) connection that fits a request which came from remote to local, best match of addresses first
 * (exact, range, %any), file order among equals; NULL past the last. version 0 matches any. */
const struct rv_connection *rv_connection_match(struct rv_core *core, unsigned version, const struct rv_addr *local,
						const struct rv_addr *remote, size_t n);

/* The PAD's decision (architecture: addresses, then IDr, then IDi): the best connection for a peer at remote that says
 * it is `their` and (may be NULL) asked for `ours`. NULL: none; why then says what came closest and what differed. */
const struct rv_connection *rv_pad_find(struct rv_core *core, unsigned version, const struct rv_addr *local,
					const struct rv_addr *remote, const struct rv_id *ours,
					const struct rv_id *their, struct rv_why *why);

/* The secret of this kind ("ike", "eap", ...; a section secrets.KIND*) for a pair of identities: one that names both
 * before one that names either before one that names none. NULL when there is none. Borrowed until the next turn. */
const struct rv_secret *rv_secret_find(struct rv_core *core, const char *kind, const struct rv_id *ours,
				       const struct rv_id *their);

/* Looks a configured address ("west.example", "10.0.0.1") up, in a job when it is a name. On success *out is set before
 * the call finishes. 0, RV_PENDING or negative. */
int rv_resolve(struct rv_core *core, const char *name, struct rv_addr *out, struct rv_call *call);

/* As rv_resolve(), with all addresses that a name has (as many as fit), in the order of the resolver's preference (RFC
 * 6724). */
enum { RV_ADDRS_MAX = 8 };
struct rv_addrs {
	unsigned n;
	struct rv_addr addr[RV_ADDRS_MAX];
};
int rv_resolve_all(struct rv_core *core, const char *name, struct rv_addrs *out, struct rv_call *call);

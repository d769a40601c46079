// SPDX-License-Identifier: LGPL-2.1-or-later
/* inner.h: what the files of this folder and core.c say to each other and nobody else.
 *
 * Children and sessions are talloc objects whose first member is what everybody else sees of them.
 */
#pragma once

#include "../parts.h"
#include "spd.h"
#include "table.h"

#include <ravelin/net.h>
#include <ravelin/sa.h>

/* named.c: what there is under one connection's name, across reloads; kept while somebody holds it. Sessions, ups,
 * goals and traps each hold theirs. */
struct rv_named {
	uint32_t hash;
	unsigned holds;
	struct rv_names *names;
	struct rv_list entry;
	const char *name;
	struct rv_list peers, ups, goals, traps;
	struct rv_list snapshots; /* struct rv_snapshot: the versions of the connection that sessions have */
	bool off;		  /* the operator took it down */
};
struct rv_names *rv_names_new(const void *parent);
struct rv_named *rv_named_find(const struct rv_core *core, const char *name);
/* Finds or makes it and holds it; NULL: out of memory. */
struct rv_named *rv_named_hold(struct rv_core *core, const char *name);
void rv_named_drop(struct rv_named *named);
/* Walks all; fn may free whatever it likes. */
void rv_names_each(struct rv_core *core, void (*fn)(struct rv_named *named, void *arg), void *arg);

/* trap.c: the standing policies of the configuration */

struct rv_traps *rv_traps_new(const void *parent, struct rv_core *core);

/* Makes the standing policies those of the present configuration; the ones that stay keep their reqid. */
void rv_traps_sync(struct rv_core *core);
void rv_traps_clear(struct rv_core *core);

/* A trap besides the configuration's (close_action, dpd_action). */
void rv_traps_add(struct rv_core *core, const struct rv_child_conf *conf);

/* The reqid of the trap of conf, or 0. And whose trap has this reqid: false when there is none. */
uint32_t rv_traps_reqid(struct rv_core *core, const struct rv_child_conf *conf);
bool rv_traps_whose(struct rv_core *core, uint32_t reqid, const char **connection, const char **child);

/* sad.c, install.c, peer.c */

struct rv_attributes;
struct rv_install;
struct rv_lent;

/* A child SA with what only the core knows of it. */
struct rv_child_whole {
	struct rv_child child; /* first: it is what everybody else sees */
	struct rv_spd_set policies;
	struct rv_ts two[2];	    /* the usual selectors: child.ts */
	struct rv_install *install; /* under way */
	uint64_t soft_us;
	uint64_t sequence[2], age_us; /* of an unpacked one; by enum rv_dir */
	bool in_kernel[2];
	bool spi_reserved; /* the kernel keeps spi_in for us, or has its SA */
	bool announced;	   /* child-up or child-rekeyed was told */
	bool replaced;
};

static inline struct rv_child_whole *rv_child_whole(struct rv_child *child)
{
	return rv_container_of(child, struct rv_child_whole, child);
}

/* A connection as one snapshot of the configuration has it, held once for all sessions that were made from it: a talloc
 * reference each would cost more than the session's path, and one of many is found by walking all. */
struct rv_snapshot {
	struct rv_list entry;
	struct rv_named *named;
	const struct rv_connection *connection; /* a talloc reference of this */
	unsigned uses;
};

/* A session with what only the core knows of it. */
struct rv_peer_whole {
	struct rv_peer peer; /* first */
	struct rv_snapshot *snapshot;
	struct rv_list same;  /* in snapshot->named->peers, while it has a connection */
	struct rv_list twins; /* all that are up between the same two identities */
	uint32_t ends;	      /* a hash of these */
	bool known;	      /* is in the table of identities, as the first of its twins */
	struct rv_lent *lent; /* NULL: nothing */
};

struct rv_peer *rv_peer_make(struct rv_core *core, struct rv_service *keying, const struct rv_connection *connection,
			     const struct rv_path *path, bool initiator);
int rv_sad_add_peer(struct rv_sad *sad, struct rv_peer *peer);
void rv_sad_del_peer(struct rv_sad *sad, struct rv_peer *peer);
struct rv_list *rv_sad_peers(struct rv_core *core);
struct rv_table *rv_sad_identities(struct rv_core *core); /* of sessions that are up, by ends */

/* install.c: the SA of one direction out of the kernel; and an install that is under way forgotten: who waits for it,
 * or NULL. */
void rv_child_sa_del(struct rv_child_whole *c, uint8_t dir);
struct rv_call *rv_install_end(struct rv_child_whole *c);

/* linger.c: leaves the inbound SA in the kernel for a few seconds, or until the session ends. */
void rv_child_linger(struct rv_child_whole *c);

/* sad.c: starts the lifetimes. 0 or -ENOMEM. */
int rv_child_live(struct rv_child_whole *c);

/* lent.c: the session's addresses go on the device of child; what it lent and was lent goes back; what an unpacked one
 * had lent is lent again; the n-th domain, or NULL. */
int rv_lent_place(struct rv_child *child);
void rv_lent_end(struct rv_peer *peer);
int rv_lent_keep(struct rv_peer *peer, const struct rv_attributes *lent);
const char *rv_lent_domain(const struct rv_peer *peer, size_t n);

/* tunnel.c */

struct rv_tunnels *rv_tunnels_new(const void *parent, struct rv_core *core);
/* True when the attempt has further children to bring up. ended: it is over. */
bool rv_tunnel_goes_on(struct rv_attempt *attempt);
void rv_tunnel_ended(struct rv_attempt *attempt);
/* A session is up; a child went away against our will and the configuration says what then (enum rv_action). */
void rv_tunnel_peer_up(struct rv_peer *peer);
void rv_tunnel_lost(struct rv_core *core, const struct rv_child_conf *conf, uint8_t action, uint64_t age_us);
void rv_tunnel_acquire(struct rv_core *core, uint32_t reqid, const struct rv_ts *local, const struct rv_ts *remote);
/* What start_action asks for; what `down` took down is wanted again; and nothing any more. */
void rv_tunnels_sync(struct rv_core *core);
void rv_tunnels_forget_off(struct rv_core *core);
void rv_tunnels_clear(struct rv_core *core);
/* False after `down` until the next `up` or reload: a connection with start_action start is then to stay down. */
bool rv_tunnels_wanted(const struct rv_core *core, const char *connection);

/* The keying service of a connection: by name, by version, or the highest version. NULL with why. */
struct rv_service *rv_keying_of(struct rv_core *core, const struct rv_connection *connection, struct rv_why *why);

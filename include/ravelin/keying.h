// SPDX-License-Identifier: LGPL-2.1-or-later
/* keying.h: kind "keying", a protocol that makes SAs for a connection; and attempts, the story of each try.
 *
 * A keying service has the attribute "version" when connections choose it by that. Every verb that goes to the peer
 * returns at once; what becomes of it is told through the attempt, the events and the session.
 */
#pragma once

#include <ravelin/sa.h>

struct rv_pack;
struct rv_unpack;

/* check: can this protocol serve the connection (proposals, auth)? up: a session for connection, with child (NULL:
 * none). child_up: one more child SA. down, child_down: delete at the peer, then end. rekey, child_rekey: now; the core
 * calls child_rekey at the soft limit and child_down at the hard one (no child_rekey: lifetimes end nothing by
 * default). pack/unpack: the protocol's own state of an established session; the core packs the rest. stop: delete
 * every session at its peer; the call finishes when all have been answered or given up (2 s at most). reauth: both
 * sides prove themselves anew, in a session that takes over from peer, which is deleted when that one is complete.
 * unknown_spi: packets come by path for an SA that is not here: 0 when whoever sends them is or will be told. */
struct rv_keying_ops {
	size_t size;
	int (*check)(void *self, const struct rv_connection *connection, struct rv_why *why);
	int (*up)(void *self, const struct rv_connection *connection, const struct rv_child_conf *child,
		  struct rv_attempt *attempt);
	int (*child_up)(void *self, struct rv_peer *peer, const struct rv_child_conf *child,
			struct rv_attempt *attempt);
	int (*down)(void *self, struct rv_peer *peer);
	int (*child_down)(void *self, struct rv_child *child);
	int (*rekey)(void *self, struct rv_peer *peer);
	int (*child_rekey)(void *self, struct rv_child *child);
	int (*moved)(void *self, struct rv_peer *peer, const struct rv_addr *remote); /* kernel saw a new mapping */
	int (*pack)(void *self, struct rv_peer *peer, struct rv_pack *out);
	int (*unpack)(void *self, struct rv_peer *peer, struct rv_unpack *in);
	int (*stop)(void *self, struct rv_call *call);
	int (*reauth)(void *self, struct rv_peer *peer);
	int (*unknown_spi)(void *self, uint32_t spi, const struct rv_path *path);
};
RV_KIND(keying, "keying", 1, struct rv_keying_ops, stop)

/* A new attempt for connection (child may be NULL), kept for `ravelin diagnose` (the last 32 of a connection). who:
 * what asked for it ("user", "trap", "start"). Owned by the core; counted, use rv_attempt_hold/drop when it is kept. */
struct rv_attempt *rv_attempt_new(struct rv_core *core, const char *connection, const char *child, const char *who);
struct rv_attempt *rv_attempt_hold(struct rv_attempt *attempt);
void rv_attempt_drop(struct rv_attempt *attempt);

/* The packet that asked for it as two selectors of one address each; false: no packet did. */
bool rv_attempt_packet(const struct rv_attempt *attempt, struct rv_ts *local, struct rv_ts *remote);

/* One line of the story: what was sent, what came back. Never a secret. NULL attempt: nothing happens. */
void rv_attempt_step(struct rv_attempt *attempt, const char *fmt, ...) RV_PRINTF(2, 3);

/* The end. ok, or failed with code; found: what was wrong, in full (theirs and ours); advice: what to change, or NULL.
 * The first verdict counts. */
void rv_attempt_ok(struct rv_attempt *attempt);
void rv_attempt_fail(struct rv_attempt *attempt, int code, const char *advice, const char *fmt, ...) RV_PRINTF(4, 5);

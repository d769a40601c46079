// SPDX-License-Identifier: LGPL-2.1-or-later
/* event.h: kind "watch": what happened, for those that only listen.
 *
 * D-Bus, the log, key logs, metrics and hooks get every event on the loop, in order. Names are stable: peer-up,
 * peer-rekeyed, peer-down, peer-moved, child-up, child-rekeyed, child-down, acquire, expire, auth-failed,
 * attempt-failed, keys (only for listeners that say they want keys), plugin-loaded, plugin-unloaded, reloaded,
 * address-up, address-down (one of this host's).
 */
#pragma once

#include <ravelin/registry.h>

struct rv_addr;
struct rv_attempt;
struct rv_child;
struct rv_connection;
struct rv_core;
struct rv_peer;

/* Only name is always set. keys: label and octets, for the event "keys" alone. */
struct rv_event {
	const char *name;
	struct rv_peer *peer;
	struct rv_child *child;
	const struct rv_connection *connection;
	struct rv_attempt *attempt;
	int code;
	const char *text;
	const struct rv_key_line *keys;
	size_t n_keys;
	const struct rv_addr *address; /* of address-up and address-down */
};

/* One labelled key or public value, for a key log only. The event "keys" of a keying protocol's own SA has peer set and
 * child NULL, and the labels "ike-spi-i", "ike-spi-r" (8 octets each), "encr-i", "encr-r", "integ-i", "integ-r"
 * (initiator's and responder's of that SA; integ empty for an aead). That of a child SA has peer and child set, and the
 * labels "encr-in", "integ-in", "encr-out", "integ-out" as struct rv_child_keys. encr: key | salt. In both, text is the
 * chosen proposal as rv_proposal_text() writes it ("aes128gcm16-prfsha256-x25519"). */
struct rv_key_line {
	const char *label;
	struct rv_bytes octets;
};

struct rv_watch_ops {
	size_t size;
	bool wants_keys;
	void (*event)(void *self, const struct rv_event *event);
};
RV_KIND(watch, "watch", 1, struct rv_watch_ops, event)

/* Tells every listener. Listeners must not free what the event points to. Loop thread. */
void rv_event_emit(struct rv_core *core, const struct rv_event *event);

/* True when some listener wants keys: whoever derives keys asks before it lays them out. */
bool rv_event_wants_keys(struct rv_core *core);

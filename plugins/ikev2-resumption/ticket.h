// SPDX-License-Identifier: LGPL-2.1-or-later
/* ticket.h: tickets by value (RFC 5723, 6.1 and A.1), and the notifications that carry them (7).
 *
 *	version (1) | reserved (3) | key identity (8) | sealed content
 *
 * The front is authenticated with what is sealed. The content is a pack (pack.h), so that fields may be added.
 */
#pragma once

#include <ravelin/ikev2-known.h>
#include <ravelin/plugin.h>

enum {
	TICKET_FRONT_LEN = 12,
	TICKET_KEY_ID_LEN = 8,
	TICKET_KEY_LEN = 32,
	TICKET_MAX = 8192, /* octets of a peer's ticket that are worth keeping */
	TICKET_HOW_MAX = 256,
};

/* What a ticket holds. known: proposal, key and identities. how: how both sides proved themselves (RFC 5723, 5:
 * "Authentication method ... From the ticket"). expires_s, since_s: wall-clock seconds, the end and the time of the
 * authentication. session: its id at the gateway that made the ticket. */
struct ticket_content {
	struct rv_ike_known known;
	struct rv_bytes how;
	uint64_t serial, expires_s, since_s;
	uint32_t session;
};

/* Writes the content into pack. read: of octets of a pack; what *out has borrows them, identities are children of
 * parent. False: it is none, or memory is out. */
void ticket_content_write(struct rv_pack *pack, const struct ticket_content *content);
RV_MUST_USE bool ticket_content_read(const void *parent, struct rv_bytes octets, struct ticket_content *out);

/* The key identity and the sealed content of a ticket, borrowed. False: it is not one of ours. */
RV_MUST_USE bool ticket_front_read(struct rv_bytes ticket, struct rv_bytes *key_id, struct rv_bytes *sealed);

/* The data of TICKET_LT_OPAQUE (RFC 7.1): seconds until the ticket expires, and the ticket, borrowed. False: it is
 * malformed, or no ticket that could be used. */
RV_MUST_USE bool ticket_grant_read(struct rv_bytes data, uint32_t *lifetime_s, struct rv_bytes *ticket);

/* The keys of tickets. A secret of this gateway's, or of several ones, gives a new key every `rotate`. */
struct ticket_keys {
	struct rv_host *host;
	struct rv_secret *file, *own; /* of key_file, once it was read; made here when nothing is configured */
	bool looked;
};

/* Forgets what was read of key_file: the configuration is another one. */
void ticket_keys_reload(struct ticket_keys *keys);

/* The ticket with this content, a child of parent; *len set. NULL: there is no key or no memory. */
uint8_t *ticket_seal(struct ticket_keys *keys, const void *parent, const struct ticket_content *content, size_t *len);

/* The content of a ticket; what it has hangs on *room, a child of parent. NULL, or what is wrong with it: static text.
 */
const char *ticket_open(struct ticket_keys *keys, const void *parent, struct rv_bytes ticket,
			struct ticket_content *content, void **room);

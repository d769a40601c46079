// SPDX-License-Identifier: LGPL-2.1-or-later
/* identity.h: the names of peers in the PAD (RFC 4301, 4.4.3.1; RFC 7296, 3.5).
 *
 * An identity in a configuration may be a pattern: %any, *.example.com, *@example.com, or an address range.
 */
#pragma once

#include <ravelin/base.h>

struct rv_why;

/* The numbers are those of RFC 7296, 3.5. */
enum rv_id_type {
	RV_ID_ANY = 0,
	RV_ID_IPV4 = 1,
	RV_ID_FQDN = 2,
	RV_ID_EMAIL = 3,
	RV_ID_IPV6 = 5,
	RV_ID_DN = 9,
	RV_ID_GN = 10,
	RV_ID_KEYID = 11,
	RV_ID_NULL = 13,
};

enum { RV_ID_MAX = 2048, RV_ID_TEXT = 512 };

/* An immutable identity; a talloc object with its octets behind it. */
struct rv_id {
	uint8_t type;
	uint16_t len;
	uint8_t b[];
};

/* Reads an identity as swanctl.conf does: an address, a name, an e-mail address, %any, "keyid:...", "fqdn:...",
 * "email:...", "ipv4:...", "ipv6:...", "@name" (FQDN), "@#hex" (KEY_ID), "@@user@host". A distinguished name ("CN=...",
 * "asn1dn:#hex") is taken in its hexadecimal DER form only. NULL with why (-RV_ECONFIG, -ENOMEM). */
struct rv_id *rv_id_parse(const void *parent, const char *text, struct rv_why *why);

/* An identity from octets of the wire. NULL when they cannot be one (wrong length for an address, over RV_ID_MAX, an
 * empty FQDN or with a NUL) or memory is out. */
struct rv_id *rv_id_from_wire(const void *parent, uint8_t type, struct rv_bytes octets);

/* Text of id into out, escaped and always NUL-terminated, as rv_id_parse() reads it where that is possible. NULL id:
 * "%any". Returns out. */
const char *rv_id_text(const struct rv_id *id, char out[static RV_ID_TEXT]);

/* True when both name the same (names compare without case). */
bool rv_id_same(const struct rv_id *a, const struct rv_id *b);

/* How well id matches pattern: 0 not, 1 by %any or NULL, 2 by a wildcard, 3 exactly. */
int rv_id_match(const struct rv_id *pattern, const struct rv_id *id);

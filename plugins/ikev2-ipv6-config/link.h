// SPDX-License-Identifier: LGPL-2.1-or-later
/* link.h: the two attributes of a virtual link (RFC 5739, 5.1 and 5.2), and the addresses that come of them. Pure.
 */
#pragma once

#include <ravelin/addr.h>

enum {
	IP6_LINK = 17, /* RFC 5739, 6 */
	IP6_PREFIX = 18,
	IID_LEN = 8,
	LINK_LEN = 16,	/* of the Link IDs that we choose */
	PREFIX_LEN = 17 /* octets of INTERNAL_IP6_PREFIX */
};

/* INTERNAL_IP6_LINK: an interface identifier and the Link ID, which may be empty. Borrows the octets. */
struct link {
	struct rv_bytes iid, id;
};

/* False when it is shorter than an interface identifier. */
bool link_read(struct link *out, struct rv_bytes value);

/* Into out, which has room for IID_LEN + id.len octets. */
struct rv_bytes link_write(const struct link *link, uint8_t *out, size_t cap);

/* INTERNAL_IP6_PREFIX; the bits behind the prefix become zero. False for another length, and for what no host can have:
 * a prefix of nothing, of multicast, loopback, mapped or link-local addresses. */
bool prefix_read(struct rv_addr *prefix, unsigned *len, struct rv_bytes value);
struct rv_bytes prefix_write(const struct rv_addr *prefix, unsigned len, uint8_t out[static PREFIX_LEN]);

/* An identifier that an interface can have: not zero, which is every router's (RFC 4291, 2.6.1). */
bool iid_fits(struct rv_bytes iid);

/* FE80:: with this interface identifier. */
struct rv_addr link_local(struct rv_bytes iid);

/* An address of a prefix: with the identifier's lower bits behind it, and the lowest one set when they are zero. */
struct rv_addr address_in(const struct rv_addr *prefix, unsigned len, struct rv_bytes iid);

/* The n-th prefix of len bits below base, whose bits behind its own prefix are zero. */
struct rv_addr nth_prefix(const struct rv_addr *base, unsigned len, uint32_t n);

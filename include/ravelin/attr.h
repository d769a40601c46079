// SPDX-License-Identifier: LGPL-2.1-or-later
/* attr.h: kind "attr": what one side of a session lends the other: addresses, name servers, networks (RFC 7296, 2.19).
 *
 * An attribute is a number of the registry of configuration attributes (RFC 7296, 3.15.1) and its octets, so that a
 * list of them is plain data and carries what nobody here knows. A provider hands out (server) and says what to ask for
 * (client). What was lent belongs to the session: the core returns it when that ends and packs it with it. Loop thread.
 */
#pragma once

#include <ravelin/addr.h>
#include <ravelin/job.h>
#include <ravelin/registry.h>

struct rv_connection;
struct rv_id;
struct rv_peer;
struct rv_why;

enum rv_attribute_type {
	RV_ATTRIBUTE_IP4_ADDRESS = 1,
	RV_ATTRIBUTE_IP4_NETMASK = 2,
	RV_ATTRIBUTE_IP4_DNS = 3,
	RV_ATTRIBUTE_IP4_NBNS = 4,
	RV_ATTRIBUTE_IP4_DHCP = 6,
	RV_ATTRIBUTE_VERSION = 7,
	RV_ATTRIBUTE_IP6_ADDRESS = 8,
	RV_ATTRIBUTE_IP6_DNS = 10,
	RV_ATTRIBUTE_IP6_DHCP = 12,
	RV_ATTRIBUTE_IP4_SUBNET = 13,
	RV_ATTRIBUTE_SUPPORTED = 14,
	RV_ATTRIBUTE_IP6_SUBNET = 15,

	/* Types with this bit are of one side: kept and packed with the session, never in a message. */
	RV_ATTRIBUTE_HERE = 0x8000,
	RV_ATTRIBUTE_IP6_RANGE = 0x8008, /* an IPv6 address and how many bits of it are a prefix that is lent whole */
};

struct rv_attribute {
	uint16_t type;
	struct rv_bytes value;
};

/* A list is a talloc object; the values are its children. */
enum { RV_ATTRIBUTES_MAX = 64 };
struct rv_attributes {
	size_t n;
	struct rv_attribute *list;
};

/* Adds a copy. 0, -ENOMEM, or -RV_ELIMIT when RV_ATTRIBUTES_MAX are there. addr: an address of either family; type: for
 * IPv4, type6: for IPv6; prefix: written behind an IPv6 address, negative: none is. */
int rv_attributes_add(struct rv_attributes *list, uint16_t type, struct rv_bytes value);
int rv_attributes_add_addr(struct rv_attributes *list, uint16_t type, uint16_t type6, const struct rv_addr *addr,
			   int prefix);

/* The address that an attribute's value begins with: 4 octets, or 16 with or without a prefix length (RFC
 * 7296, 3.15.1). False for any other length, and for an empty value. prefix (may be NULL): 32 or 128 where none is
 * given. */
bool rv_attribute_addr(const struct rv_attribute *attribute, struct rv_addr *addr, unsigned *prefix);

/* How many of a type the list has; list may be NULL. */
size_t rv_attributes_count(const struct rv_attributes *list, uint16_t type);

/* Whom something is lent to. */
struct rv_attr_request {
	const struct rv_connection *connection;
	const struct rv_id *remote_id;
	uint32_t session;
	const struct rv_attributes *asked;
};

/* ask: client; adds what connection wants to asked. expects: server; a peer of connection must ask for an address.
 * lend: server; adds to lent, where earlier providers' attributes are already. At most as many addresses of a family as
 * were asked for; the same identity gets the same ones again where it can. A family it has nothing for is left out.
 * -RV_ELIMIT with why: it has, but none is free. keep: an unpacked session has lent; it is to be as if lend had given
 * it. give_back: the session ended; other providers' attributes are passed over. All but lend answer at once. */
struct rv_attr_ops {
	size_t size;
	int (*ask)(void *self, const struct rv_connection *connection, struct rv_attributes *asked);
	bool (*expects)(void *self, const struct rv_connection *connection);
	int (*lend)(void *self, const struct rv_attr_request *request, struct rv_attributes *lent, struct rv_why *why,
		    struct rv_call *call);
	int (*keep)(void *self, const struct rv_attr_request *request, const struct rv_attributes *lent);
	void (*give_back)(void *self, const struct rv_attr_request *request, const struct rv_attributes *lent);
};
RV_KIND(attr, "attr", 1, struct rv_attr_ops, give_back)

/* Of all providers: what to ask the peer for, added to asked; whether the peer had to ask. 0 or negative. */
int rv_peer_ask(struct rv_peer *peer, struct rv_attributes *asked);
bool rv_peer_must_ask(struct rv_peer *peer);

/* Server: lends the peer what it asked for; what it got is rv_peer_lent() then. A session that has addresses keeps
 * them. 0 (also when there is nothing to lend), RV_PENDING, or negative with why; asked and why are borrowed meanwhile.
 */
int rv_peer_lend(struct rv_peer *peer, const struct rv_attributes *asked, struct rv_why *why, struct rv_call *call);

/* Client: the session has got this (copied). Its addresses are put on the interface of each child SA that is installed,
 * its name servers are handed to a service of kind "dns", and both are taken back when the session ends. 0 or -ENOMEM.
 */
int rv_peer_take(struct rv_peer *peer, const struct rv_attributes *taken);

/* What we lent the peer and what it lent us; NULL: nothing. Borrowed. */
const struct rv_attributes *rv_peer_lent(const struct rv_peer *peer);
const struct rv_attributes *rv_peer_taken(const struct rv_peer *peer);

/* The n-th (from 0) address that the peer has lent us (ours) or has from us. False past the last. prefix (may be NULL):
 * how many bits of it all addresses have that are lent with it; 32 or 128 for one alone. */
bool rv_peer_virtual(const struct rv_peer *peer, bool ours, size_t n, struct rv_addr *addr, unsigned *prefix);

/* Client: names below this domain are asked of the session's name servers, and, once there is one, no others are. 0 or
 * negative. */
int rv_peer_domain(struct rv_peer *peer, const char *domain);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* addr.h: addresses with ports, and the traffic selectors of RFC 4301, 4.4.1.1.
 *
 * Both are plain values. A selector is one range of addresses, one protocol or any, and one range of ports; the
 * special range 65535..0 is OPAQUE (RFC 4301, 4.4.1.1). For ICMP the ports hold type << 8 | code, for
 * mobility headers (RFC 6275) type << 8.
 */
#pragma once

#include <ravelin/base.h>

struct rv_why;

enum rv_family { RV_IPV4 = 4, RV_IPV6 = 6 };

/* An address with a port in host order (0: any). family 0: none given. scope: interface index for fe80::/10. */
struct rv_addr {
	uint8_t family;
	uint16_t port;
	uint32_t scope;
	uint8_t ip[16]; /* 4 or 16 octets in network order, the rest zero */
};

struct rv_ts {
	uint8_t family;
	uint8_t proto; /* 0: any */
	uint16_t port_lo, port_hi;
	uint8_t lo[16], hi[16];
};

enum { RV_ADDR_TEXT = 64, RV_TS_TEXT = 128 };

/* Octets of an address of this family: 4, 16, or 0. */
static inline size_t rv_family_len(uint8_t family)
{
	return family == RV_IPV4 ? 4 : family == RV_IPV6 ? 16 : 0;
}

/* Reads "10.0.0.1", "2001:db8::1", "fe80::1%eth0", with "[...]:port" or "a.b.c.d:port" for a port. No names are looked
 * up. 0 or -EINVAL. */
int rv_addr_parse(struct rv_addr *addr, const char *text);

/* Text of addr into out; with ":port" when the port is not 0. Returns out. */
const char *rv_addr_text(const struct rv_addr *addr, char out[static RV_ADDR_TEXT]);

/* True when family, octets and scope are equal; the port counts in the second form. */
bool rv_addr_same_ip(const struct rv_addr *a, const struct rv_addr *b);
bool rv_addr_same(const struct rv_addr *a, const struct rv_addr *b);

/* True for 0.0.0.0, :: and family 0. */
bool rv_addr_is_any(const struct rv_addr *addr);

/* To and from struct sockaddr_in or sockaddr_in6 (ss: 128 octets of struct sockaddr_storage). Length, or 0 for none. */
size_t rv_addr_to_sockaddr(const struct rv_addr *addr, void *ss);
int rv_addr_from_sockaddr(struct rv_addr *addr, const void *ss, size_t len);

/* A selector for addr/prefix (prefix up to 32 or 128), any protocol and port. */
struct rv_ts rv_ts_prefix(const struct rv_addr *addr, unsigned prefix);

/* Reads one selector of swanctl.conf: "10.1.0.0/16", "10.1.0.1", "10.1.0.1-10.1.0.9", each with an optional
 * "[proto/port]", "[tcp/80-90]", "[icmp/8]", "[udp/opaque]", "[/443]". "dynamic" gives family 0 (the SA's own address,
 * replaced by the keying protocol). 0 or -RV_ECONFIG with why. */
int rv_ts_parse(struct rv_ts *ts, const char *text, struct rv_why *why);

/* Text of ts into out, as rv_ts_parse() reads it. Returns out. */
const char *rv_ts_text(const struct rv_ts *ts, char out[static RV_TS_TEXT]);

/* True when every packet of inner is one of outer. */
bool rv_ts_contains(const struct rv_ts *outer, const struct rv_ts *inner);

/* The packets that both have, into out. False when there are none. */
bool rv_ts_intersect(const struct rv_ts *a, const struct rv_ts *b, struct rv_ts *out);

/* True when the selectors are equal. */
bool rv_ts_same(const struct rv_ts *a, const struct rv_ts *b);

/* True when a packet's address (ip: 4 or 16 octets), protocol and port are in ts. port_known false (a fragment, a
 * protocol without ports): only an any or OPAQUE port range matches. */
bool rv_ts_match(const struct rv_ts *ts, uint8_t family, const uint8_t *ip, uint8_t proto, uint16_t port,
		 bool port_known);

/* The length of the shortest prefix that covers the range lo..hi of ts. */
unsigned rv_ts_cover(const struct rv_ts *ts);

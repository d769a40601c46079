// SPDX-License-Identifier: LGPL-2.1-or-later
/* ip: what the data plane must know of an IP packet: addresses, the selector fields of RFC 4301, 4.4.1.1, fragments,
 * traffic class; and the changes it makes to headers.
 *
 * Parsing is pure: a view into the packet, no copy.
 */
#pragma once

#include <ravelin/addr.h>

enum { IP4_HEADER = 20, IP6_HEADER = 40, TCP_HEADER = 20, UDP_HEADER = 8 };
enum { IP4_MF = 0x2000, IP4_DF = 0x4000, IP4_OFFSET = 0x1fff, IP4_COPIED = 0x80 };

enum ip_proto {
	IP_HOPOPTS = 0,
	IP_ICMP = 1,
	IP_IPV4 = 4,
	IP_TCP = 6,
	IP_UDP = 17,
	IP_DCCP = 33,
	IP_IPV6 = 41,
	IP_ROUTING = 43,
	IP_FRAGMENT = 44,
	IP_ESP = 50,
	IP_AH = 51,
	IP_ICMPV6 = 58,
	IP_NONE = 59,
	IP_DSTOPTS = 60,
	IP_SCTP = 132,
	IP_MOBILITY = 135,
	IP_UDPLITE = 136,
};

enum ip_fragment { IP_WHOLE, IP_FIRST, IP_LATER };

struct ip_info {
	uint8_t family, proto; /* proto: of the upper layer */
	uint8_t fragment, tos;
	bool ports_known, df;
	uint16_t src_port, dst_port; /* ICMP: both type << 8 | code (RFC 7296, 3.13.1) */
	uint16_t base_len;	     /* IPv4 header with options, or 40 */
	uint16_t upper;		     /* where the upper layer starts */
	uint8_t base_next;	     /* protocol behind the base header */
	uint32_t len;		     /* of the packet by its own header */
	uint16_t fragment_at;	     /* of a fragment of IPv6: where its fragment header is, and where that is named */
	uint16_t fragment_named;
	const uint8_t *src, *dst;
};

/* Reads the headers of the packet of at most len octets at p. False when it is malformed or cut short. The view borrows
 * p. Octets behind info->len are padding. */
bool ip_parse(struct ip_info *info, const uint8_t *p, size_t len);

/* The same for a packet that may be cut short behind its headers, as ICMP quotes it; info->len is what is there. */
bool ip_parse_quote(struct ip_info *info, const uint8_t *p, size_t len);

/* Numbers of a header in network order. */
static inline uint16_t ip_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t ip_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void ip_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void ip_put32(uint8_t *p, uint32_t v)
{
	ip_put16(p, v >> 16);
	ip_put16(p + 2, v & 0xffff);
}

/* Of a fragment at p: its identification, which octet of the whole its first one is, and where its own octets begin. */
struct ip_piece {
	uint32_t id, offset, at;
	bool more; /* it is not the last */
};
struct ip_piece ip_piece(const struct ip_info *info, const uint8_t *p);

/* The Internet checksum (RFC 1071): sums octets onto sum; fold gives the field's value. */
uint64_t ip_sum(uint64_t sum, const uint8_t *p, size_t len);
uint64_t ip_copy_sum(uint64_t sum, uint8_t *to, const uint8_t *p, size_t len); /* and copies them */
uint16_t ip_fold(uint64_t sum);

/* What they are made of: octets of the widest vector that this processor has (16, 32 or 64); and the sum of n vectors
 * of so many octets or fewer, with a copy of them at to where that is not NULL. */
unsigned ip_vector(void);
uint64_t ip_sum_vectors(unsigned octets, uint8_t *to, const uint8_t *p, size_t n);

/* Adds the pseudo header of an upper layer to a sum. */
uint64_t ip_pseudo(const struct ip_info *info, uint8_t proto, uint32_t len);

/* Computes the checksum of a TCP, UDP, UDP-Lite or ICMPv6 segment of len octets at p anew; other protocols have none
 * that depends on the addresses. */
void ip_fix_upper(const struct ip_info *info, uint8_t *p, uint32_t len);

/* The same where the sum of what is behind the first head octets, an even number, is known. */
void ip_fix_upper_by(const struct ip_info *info, uint8_t *p, uint32_t len, uint32_t head, uint64_t rest);

/* Changes 16 bits at p, which are covered by the checksum at sum (RFC 1624). */
void ip_change16(uint8_t *p, uint8_t *sum, uint16_t value);

/* Sets the traffic class of the packet at p; the IPv4 checksum follows (RFC 1624). */
void ip_set_tos(uint8_t *p, uint8_t family, uint8_t tos);

/* Writes a base header in front of an upper layer of len octets; the header's length. */
size_t ip_put_header(uint8_t *p, const struct rv_addr *src, const struct rv_addr *dst, uint8_t proto, uint8_t tos,
		     uint8_t ttl, uint32_t len);

/* RFC 6040, 4.2: the ECN field behind a tunnel from that of the inner and outer header (both 0..3); negative: the
 * packet must be dropped. */
int ip_ecn_out_of_tunnel(uint8_t inner, uint8_t outer);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* inner: TCP, UDP, ICMP, SCTP, and IPv4 and IPv6 of tunnels (RFC 5879, 8.3). What cannot be is a failure; what need not
 * be so, but is, counts.
 */
#include "inner.h"

enum {
	HOPOPTS = 0,
	ICMP = 1,
	IPV4 = 4,
	TCP = 6,
	UDP = 17,
	IPV6 = 41,
	ROUTING = 43,
	FRAGMENT = 44,
	ICMPV6 = 58,
	DSTOPTS = 60,
	SCTP = 132
};

enum { TCP_HEADER = 20, UDP_HEADER = 8, SCTP_HEADER = 12, IPV4_HEADER = 20, IPV6_HEADER = 40, DEPTH = 4 };
enum { FLAG_ACK = 0x10, FLAG_URG = 0x20, ECHO_REPLY = 0, ECHO_REQUEST = 8, ECHO6_REQUEST = 128, ECHO6_REPLY = 129 };

static bool verify(struct inner *inner, uint8_t protocol, struct rv_bytes p, unsigned depth);

static uint64_t sum(uint64_t start, struct rv_bytes p)
{
	struct rv_rd r = rv_rd(p);

	while (rv_rd_left(&r) > 1)
		start += rv_rd_u16(&r);
	return start + (rv_rd_more(&r) ? (uint64_t)rv_rd_u8(&r) << 8 : 0);
}

/* RFC 1071, over a pseudo header where there is one. */
static bool sums_up(const struct esp_between *between, uint8_t protocol, struct rv_bytes p)
{
	uint64_t s = sum(0, p);

	if (between)
		s = sum(sum(s, between->src), between->dst) + protocol + p.len;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s == 0xffff;
}

static bool all_zeros(struct rv_bytes p)
{
	for (size_t i = 0; i < p.len; i++)
		if (p.p[i])
			return false;
	return true;
}

/* Each option has a length that stays inside, and behind the end there are zeros (RFC 9293, 3.1). */
static bool tcp_options(struct rv_bytes options)
{
	struct rv_rd r = rv_rd(options);

	while (rv_rd_more(&r)) {
		uint8_t kind = rv_rd_u8(&r), len;
		if (!kind)
			return all_zeros(rv_rd_rest(&r));
		if (kind == 1)
			continue;
		len = rv_rd_u8(&r);
		(void)rv_rd_take(&r, len < 2 ? SIZE_MAX : len - 2u);
		if (r.bad)
			return false;
	}
	return true;
}

static bool verify_tcp(struct inner *inner, struct rv_bytes p)
{
	struct rv_rd r = rv_rd(p);
	uint32_t ports = rv_rd_u32(&r), sequence = rv_rd_u32(&r), acknowledgment = rv_rd_u32(&r);
	uint8_t offset = rv_rd_u8(&r) >> 4, flags = rv_rd_u8(&r);
	uint16_t urgent = (uint16_t)((void)rv_rd_u32(&r), rv_rd_u16(&r));
	struct rv_bytes options = rv_rd_take(&r, offset > 5 ? (offset - 5u) * 4 : 0);

	if (r.bad || offset < 5 || !tcp_options(options))
		return false;
	inner->bits += !(flags & FLAG_ACK) && !acknowledgment ? 32 : 0;
	inner->bits += !(flags & FLAG_URG) && !urgent ? 16 : 0;
	inner->bits += offset == 5 ? 4 : 8;
	inner->bits += sums_up(&inner->between, TCP, p) ? 16 : 0;
	if (inner->last.protocol == TCP) {
		inner->bits += inner->last.ports == ports ? 32 : 0;
		inner->bits += acknowledgment && inner->last.acknowledgment == acknowledgment ? 32 : 0;
		inner->bits += inner->last.sequence == sequence ? 32 : 0;
	}
	inner->pieces = (struct esp_pieces){ TCP, ports, sequence, acknowledgment };
	return true;
}

static bool verify_udp(struct inner *inner, struct rv_bytes p)
{
	struct rv_rd r = rv_rd(p);
	uint32_t ports = rv_rd_u32(&r);
	uint16_t len = rv_rd_u16(&r), checksum = rv_rd_u16(&r);

	if (r.bad || len > p.len || len < UDP_HEADER)
		return false;
	inner->bits += checksum && sums_up(&inner->between, UDP, rv_bytes(p.p, len)) ? 16 : 0;
	inner->bits += len == p.len ? 16 : 0; /* no TFC padding */
	inner->bits += inner->last.protocol == UDP && inner->last.ports == ports ? 32 : 0;
	inner->bits += ports >> 16 == (ports & 0xffff) ? 16 : 0; /* RFC 5879, 8.3.2 */
	inner->pieces = (struct esp_pieces){ .protocol = UDP, .ports = ports };
	return true;
}

/* Types up to 43 are assigned in ICMP, and few codes; an echo has code 0. */
static bool verify_icmp(struct inner *inner, uint8_t protocol, struct rv_bytes p)
{
	struct rv_rd r = rv_rd(p);
	uint8_t type = rv_rd_u8(&r), code = rv_rd_u8(&r);
	uint32_t rest = ((void)rv_rd_u16(&r), rv_rd_u32(&r));
	bool v6 = protocol == ICMPV6;
	bool echo = v6 ? type == ECHO6_REQUEST || type == ECHO6_REPLY : type == ECHO_REQUEST || type == ECHO_REPLY;

	if (r.bad || code > 15 || (echo && code) || (v6 ? !type || (type > 7 && type < 128) || type > 161 : type > 43))
		return false;
	inner->bits += echo ? 16 : 8;
	inner->bits += sums_up(v6 ? &inner->between : NULL, protocol, p) ? 16 : 0;
	if (inner->last.protocol == protocol && echo) {
		inner->bits += inner->last.ports == rest >> 16 ? 16 : 0;
		inner->bits += inner->last.sequence + 1 == (rest & 0xffff) ? 16 : 0;
	}
	inner->pieces = (struct esp_pieces){ .protocol = protocol, .ports = rest >> 16, .sequence = rest & 0xffff };
	return true;
}

/* RFC 9260, Appendix A: CRC32c, least significant bit first. */
static uint32_t crc32c(struct rv_bytes p)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < p.len; i++) {
		crc ^= i >= 8 && i < 12 ? 0 : p.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static bool verify_sctp(struct inner *inner, struct rv_bytes p)
{
	struct rv_rd r = rv_rd(p);
	uint32_t ports = rv_rd_u32(&r), tag = rv_rd_u32(&r), checksum = rv_rd_u32(&r);

	if (r.bad || !rv_rd_more(&r))
		return false;
	while (rv_rd_more(&r)) {
		uint16_t len = (uint16_t)((void)rv_rd_u16(&r), rv_rd_u16(&r));
		size_t whole = (len + 3u) / 4 * 4;
		if (r.bad || len < 4 || (whole - 4 > rv_rd_left(&r) && len - 4u != rv_rd_left(&r)))
			return false;
		(void)rv_rd_take(&r, whole - 4 < rv_rd_left(&r) ? whole - 4 : rv_rd_left(&r));
	}
	inner->bits += 16;
	inner->bits += __builtin_bswap32(crc32c(p)) == checksum ? 32 : 0;
	inner->bits +=
		inner->last.protocol == SCTP && inner->last.ports == ports && inner->last.sequence == tag ? 32 : 0;
	inner->pieces = (struct esp_pieces){ .protocol = SCTP, .ports = ports, .sequence = tag };
	return true;
}

static bool verify_ipv4(struct inner *inner, struct rv_bytes p, unsigned depth)
{
	struct rv_rd r = rv_rd(p);
	uint8_t first = rv_rd_u8(&r);
	uint16_t total = (uint16_t)((void)rv_rd_u8(&r), rv_rd_u16(&r));
	uint16_t fragment = (uint16_t)((void)rv_rd_u16(&r), rv_rd_u16(&r));
	uint8_t protocol = (uint8_t)((void)rv_rd_u8(&r), rv_rd_u8(&r));
	size_t header = (first & 15u) * 4;

	(void)rv_rd_u16(&r);
	inner->between.src = rv_rd_take(&r, 4);
	inner->between.dst = rv_rd_take(&r, 4);
	if (r.bad || first >> 4 != 4 || header < IPV4_HEADER || total < header || total > p.len)
		return false;
	if (!sums_up(NULL, 0, rv_bytes(p.p, header))) /* no NAT reaches it */
		return false;
	inner->bits += 4u + (header == IPV4_HEADER ? 4 : 0) + (total == p.len ? 16 : 0) + 16;
	inner->pieces = (struct esp_pieces){ .protocol = IPV4 };
	if (fragment & 0x3fff) /* a part of a packet */
		return true;
	return verify(inner, protocol, rv_bytes(p.p + header, total - header), depth + 1);
}

static bool verify_ipv6(struct inner *inner, struct rv_bytes p, unsigned depth)
{
	struct rv_rd r = rv_rd(p);
	uint8_t version = (uint8_t)(rv_rd_u32(&r) >> 28);
	uint16_t len = rv_rd_u16(&r);
	uint8_t next = rv_rd_u8(&r);

	(void)rv_rd_u8(&r);
	inner->between.src = rv_rd_take(&r, 16);
	inner->between.dst = rv_rd_take(&r, 16);
	if (r.bad || version != 6 || (size_t)len + IPV6_HEADER > p.len)
		return false;
	inner->bits += 4 + ((size_t)len + IPV6_HEADER == p.len ? 16 : 0);
	inner->pieces = (struct esp_pieces){ .protocol = IPV6 };
	return verify(inner, next, rv_bytes(p.p + IPV6_HEADER, len), depth + 1);
}

/* RFC 8200, 4: an extension header with its length, or a fragment's. */
static bool verify_extension(struct inner *inner, uint8_t protocol, struct rv_bytes p, unsigned depth)
{
	struct rv_rd r = rv_rd(p);
	uint8_t next = rv_rd_u8(&r), second = rv_rd_u8(&r);
	size_t len = protocol == FRAGMENT ? 8 : (second + 1u) * 8;

	if (r.bad || len > p.len || (protocol == FRAGMENT && second))
		return false;
	inner->bits += 8;
	if (protocol == FRAGMENT)
		return true;
	return verify(inner, next, rv_bytes(p.p + len, p.len - len), depth + 1);
}

static bool verify(struct inner *inner, uint8_t protocol, struct rv_bytes p, unsigned depth)
{
	bool more = depth < DEPTH;

	switch (protocol) {
	case TCP:
		return verify_tcp(inner, p);
	case UDP:
		return verify_udp(inner, p);
	case ICMP:
	case ICMPV6:
		return verify_icmp(inner, protocol, p);
	case SCTP:
		return verify_sctp(inner, p);
	case IPV4:
		return more && verify_ipv4(inner, p, depth);
	case IPV6:
		return more && verify_ipv6(inner, p, depth);
	case HOPOPTS:
	case ROUTING:
	case FRAGMENT:
	case DSTOPTS:
		return more && verify_extension(inner, protocol, p, depth);
	default: /* RFC 5879, 8.2: it cannot be marked as a failure */
		inner->strange = !depth;
		return true;
	}
}

bool inner_verify(struct inner *inner, uint8_t protocol, struct rv_bytes payload)
{
	return verify(inner, protocol, payload, 0);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* coalesce: large receive offload in software, with every part's checksum verified. */
#include "coalesce.h"

#include <linux/virtio_net.h>
#include <string.h>

/* <linux/virtio_net.h> since Linux 6.2; the most parts that every kernel cuts a UDP train into (UDP_MAX_SEGMENTS) */
enum { VNET_GSO_UDP_L4 = 5, UDP_PARTS = 64 };

enum { TCP_SEQ = 4, TCP_ACK = 8, TCP_DOFF = 12, TCP_FLAGS = 13, TCP_CSUM = 16, TCP_URG = 18 };
enum { UDP_LEN = 4, UDP_CSUM = 6 };
enum {
	FLAG_ACK = 0x10,
	FLAG_PSH = 8,
	V4_LEN = 2,
	V4_ID = 4,
	V4_FRAG = 6,
	V4_DF = 0x40,
	V4_CSUM = 10,
	V4_ADDRESSES = 12,
	MAX = 65535
};

/* A datagram with a checksum. */
static uint32_t udp_headers(const struct ip_info *info, const uint8_t *p, uint32_t base)
{
	const uint8_t *udp = p + base;

	if (info->len <= base + UDP_HEADER || ip_u16(udp + UDP_LEN) != info->len - base || !ip_u16(udp + UDP_CSUM))
		return 0;
	return base + UDP_HEADER;
}

/* Plain data: no flag but ACK and PSH. */
static uint32_t tcp_headers(const struct ip_info *info, const uint8_t *p, uint32_t base)
{
	const uint8_t *tcp = p + base;

	if (info->len < base + TCP_HEADER)
		return 0;
	uint32_t headers = base + (tcp[TCP_DOFF] >> 4) * 4u;
	if ((tcp[TCP_FLAGS] & ~FLAG_PSH) != FLAG_ACK || headers < base + TCP_HEADER || headers >= info->len)
		return 0;
	return headers;
}

/* The length of all headers of a whole packet without options of IP that can be a part of a train, or 0. */
static uint32_t data_headers(const struct ip_info *info, const uint8_t *p)
{
	uint32_t base = info->family == RV_IPV4 ? IP4_HEADER : IP6_HEADER;

	if (info->upper != base || info->fragment != IP_WHOLE)
		return 0;
	if (info->proto == IP_TCP)
		return tcp_headers(info, p, base);
	return info->proto == IP_UDP ? udp_headers(info, p, base) : 0;
}

static bool checksum_right(const struct ip_info *info, const uint8_t *p)
{
	uint32_t len = info->len - info->upper;

	return !ip_fold(ip_sum(ip_pseudo(info, info->proto, len), p + info->upper, len));
}

void coalesce_begin(struct coalesced *c, uint8_t *p, const struct ip_info *info, const uint8_t *limit)
{
	*c = (struct coalesced){ .p = p, .len = info->len, .limit = limit, .n = 1 };
	c->headers = data_headers(info, p);
	if (!c->headers)
		return;
	const uint8_t *upper = p + info->upper;
	c->family = info->family;
	c->proto = info->proto;
	c->upper = info->upper;
	c->mss = info->len - c->headers;
	c->next_seq = info->proto == IP_TCP ? ip_u32(upper + TCP_SEQ) + c->mss : 0;
	c->next_id = info->family == RV_IPV4 ? (uint16_t)(ip_u16(p + V4_ID) + 1) : 0;
	c->open = true;
}

/* As segmenting will make it, or without a meaning. */
static bool id_fits(const struct coalesced *c, const uint8_t *p)
{
	return ip_u16(p + V4_ID) == c->next_id || (c->proto == IP_UDP && p[V4_FRAG] & V4_DF);
}

/* True when the base headers differ in length, identification and checksum only. */
static bool same_base(const struct coalesced *c, const uint8_t *p)
{
	if (c->family == RV_IPV6)
		return !memcmp(c->p, p, 4) && !memcmp(c->p + 6, p + 6, IP6_HEADER - 6);
	return !memcmp(c->p, p, V4_LEN) && !memcmp(c->p + V4_FRAG, p + V4_FRAG, V4_CSUM - V4_FRAG) &&
	       !memcmp(c->p + V4_ADDRESSES, p + V4_ADDRESSES, IP4_HEADER - V4_ADDRESSES) && id_fits(c, p);
}

/* The upper header is that of the next part. */
static bool same_upper(const struct coalesced *c, const uint8_t *p)
{
	const uint8_t *a = c->p + c->upper, *b = p + c->upper;

	if (c->proto == IP_UDP)
		return !memcmp(a, b, UDP_LEN) && c->n < UDP_PARTS;
	return !memcmp(a, b, TCP_SEQ) && ip_u32(b + TCP_SEQ) == c->next_seq &&
	       !memcmp(a + TCP_ACK, b + TCP_ACK, TCP_FLAGS - TCP_ACK) &&
	       !memcmp(a + TCP_FLAGS + 1, b + TCP_FLAGS + 1, TCP_CSUM - TCP_FLAGS - 1) &&
	       !memcmp(a + TCP_URG, b + TCP_URG, c->headers - c->upper - TCP_URG);
}

bool coalesce_add(struct coalesced *c, const uint8_t *p, const struct ip_info *info)
{
	uint32_t len = info->len, payload = len - c->headers;

	if (!c->open || len <= c->headers || payload > c->mss || c->len + payload > MAX ||
	    (size_t)(c->limit - c->p) < c->len + payload)
		return false;
	if (info->family != c->family || info->proto != c->proto || data_headers(info, p) != c->headers ||
	    !same_base(c, p) || !same_upper(c, p))
		return false;
	if (!c->checked) {
		struct ip_info first;
		c->checked = c->open = ip_parse(&first, c->p, c->len) && checksum_right(&first, c->p);
	}
	if (!c->checked || !checksum_right(info, p))
		return false;
	uint8_t push = c->proto == IP_TCP ? p[c->upper + TCP_FLAGS] & FLAG_PSH : 0;
	memmove(c->p + c->len, p + c->headers, payload);
	if (push)
		c->p[c->upper + TCP_FLAGS] |= push;
	c->open = payload == c->mss;
	c->len += payload;
	c->next_seq += payload;
	c->next_id++;
	c->n++;
	return true;
}

static uint8_t gso_type(const struct coalesced *c)
{
	if (c->proto == IP_UDP)
		return VNET_GSO_UDP_L4;
	return c->family == RV_IPV4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
}

void coalesce_end(struct coalesced *c, uint8_t vnet[static 12])
{
	bool udp = c->proto == IP_UDP;

	c->open = false;
	if (c->n < 2)
		return;
	struct virtio_net_hdr hdr = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				      .gso_type = gso_type(c),
				      .hdr_len = (uint16_t)c->headers,
				      .gso_size = (uint16_t)c->mss,
				      .csum_start = (uint16_t)c->upper,
				      .csum_offset = udp ? UDP_CSUM : TCP_CSUM };
	struct ip_info info = { .family = c->family };

	c->n = 0;
	if (c->family == RV_IPV4) {
		ip_put16(c->p + V4_LEN, c->len);
		ip_put16(c->p + V4_CSUM, 0);
		ip_put16(c->p + V4_CSUM, ip_fold(ip_sum(0, c->p, IP4_HEADER)));
	} else {
		ip_put16(c->p + 4, c->len - IP6_HEADER);
	}
	uint8_t *upper = c->p + c->upper;
	uint32_t len = c->len - c->upper;
	info.src = c->p + (c->family == RV_IPV4 ? 12 : 8);
	info.dst = c->p + (c->family == RV_IPV4 ? 16 : 24);
	if (udp)
		ip_put16(upper + UDP_LEN, len);
	/* whoever finishes it adds the rest to the sum of the pseudo header */
	ip_put16(upper + hdr.csum_offset, (uint16_t)~ip_fold(ip_pseudo(&info, c->proto, len)));
	memcpy(vnet, &hdr, sizeof(hdr));
}

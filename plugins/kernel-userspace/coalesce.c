// SPDX-License-Identifier: LGPL-2.1-or-later
/* coalesce: what a receiver's network card would do, with every part's checksum verified. */
#include "coalesce.h"

#include <linux/virtio_net.h>
#include <string.h>

enum { TCP_SEQ = 4, TCP_ACK = 8, TCP_DOFF = 12, TCP_FLAGS = 13, TCP_CSUM = 16, TCP_URG = 18 };
enum {
	FLAG_ACK = 0x10,
	FLAG_PSH = 8,
	V4_LEN = 2,
	V4_ID = 4,
	V4_FRAG = 6,
	V4_CSUM = 10,
	V4_ADDRESSES = 12,
	MAX = 65535
};

/* Plain data: no options of IP, no flag but ACK and PSH. The length of all headers, or 0. */
static uint32_t data_headers(const struct ip_info *info, const uint8_t *p)
{
	uint32_t base = info->family == RV_IPV4 ? IP4_HEADER : IP6_HEADER;

	if (info->proto != IP_TCP || info->upper != base || info->fragment != IP_WHOLE || info->len < base + TCP_HEADER)
		return 0;
	const uint8_t *tcp = p + base;
	uint32_t headers = base + (tcp[TCP_DOFF] >> 4) * 4u;
	if ((tcp[TCP_FLAGS] & ~FLAG_PSH) != FLAG_ACK || headers < base + TCP_HEADER || headers >= info->len)
		return 0;
	return headers;
}

static bool checksum_right(const struct ip_info *info, const uint8_t *p)
{
	uint32_t len = info->len - info->upper;

	return !ip_fold(ip_sum(ip_pseudo(info, IP_TCP, len), p + info->upper, len));
}

void coalesce_begin(struct coalesced *c, uint8_t *p, uint32_t len, const uint8_t *limit)
{
	struct ip_info info;

	*c = (struct coalesced){ .p = p, .len = len, .limit = limit, .n = 1 };
	if (!ip_parse(&info, p, len) || info.len != len)
		return;
	c->headers = data_headers(&info, p);
	if (!c->headers)
		return;
	const uint8_t *tcp = p + info.upper;
	c->family = info.family;
	c->upper = info.upper;
	c->mss = len - c->headers;
	c->next_seq = ip_u32(tcp + TCP_SEQ) + c->mss;
	c->next_id = info.family == RV_IPV4 ? (uint16_t)(ip_u16(p + V4_ID) + 1) : 0;
	c->open = !(tcp[TCP_FLAGS] & FLAG_PSH);
}

/* True when the base headers differ in length, identification and checksum only. Without DF the identification must
 * count up, as segmenting will make it. */
static bool same_base(const struct coalesced *c, const uint8_t *p)
{
	if (c->family == RV_IPV6)
		return !memcmp(c->p, p, 4) && !memcmp(c->p + 6, p + 6, IP6_HEADER - 6);
	return !memcmp(c->p, p, V4_LEN) && !memcmp(c->p + V4_FRAG, p + V4_FRAG, V4_CSUM - V4_FRAG) &&
	       !memcmp(c->p + V4_ADDRESSES, p + V4_ADDRESSES, IP4_HEADER - V4_ADDRESSES) &&
	       ip_u16(p + V4_ID) == c->next_id;
}

static bool same_tcp(const struct coalesced *c, const uint8_t *p)
{
	const uint8_t *a = c->p + c->upper, *b = p + c->upper;

	return !memcmp(a, b, TCP_SEQ) && ip_u32(b + TCP_SEQ) == c->next_seq &&
	       !memcmp(a + TCP_ACK, b + TCP_ACK, TCP_FLAGS - TCP_ACK) &&
	       !memcmp(a + TCP_FLAGS + 1, b + TCP_FLAGS + 1, TCP_CSUM - TCP_FLAGS - 1) &&
	       !memcmp(a + TCP_URG, b + TCP_URG, c->headers - c->upper - TCP_URG);
}

bool coalesce_add(struct coalesced *c, const uint8_t *p, uint32_t len)
{
	struct ip_info info;
	uint32_t payload = len - c->headers;

	if (!c->open || len <= c->headers || payload > c->mss || c->len + payload > MAX ||
	    (size_t)(c->limit - c->p) < c->len + payload)
		return false;
	if (p[0] >> 4 != c->family || !same_base(c, p) || !ip_parse(&info, p, len) || info.len != len ||
	    data_headers(&info, p) != c->headers || !same_tcp(c, p))
		return false;
	if (!c->checked) {
		struct ip_info first;
		c->checked = c->open = ip_parse(&first, c->p, c->len) && checksum_right(&first, c->p);
	}
	if (!c->checked || !checksum_right(&info, p))
		return false;
	uint8_t flags = p[c->upper + TCP_FLAGS];
	memmove(c->p + c->len, p + c->headers, payload);
	c->p[c->upper + TCP_FLAGS] |= flags & FLAG_PSH;
	c->open = payload == c->mss && !(flags & FLAG_PSH);
	c->len += payload;
	c->next_seq += payload;
	c->next_id++;
	c->n++;
	return true;
}

void coalesce_end(struct coalesced *c, uint8_t vnet[static 12])
{
	struct virtio_net_hdr hdr = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				      .gso_type = c->family == RV_IPV4 ? VIRTIO_NET_HDR_GSO_TCPV4
								       : VIRTIO_NET_HDR_GSO_TCPV6,
				      .hdr_len = (uint16_t)c->headers,
				      .gso_size = (uint16_t)c->mss,
				      .csum_start = (uint16_t)c->upper,
				      .csum_offset = TCP_CSUM };
	struct ip_info info = { .family = c->family };

	c->open = false;
	if (c->n < 2)
		return;
	c->n = 0;
	if (c->family == RV_IPV4) {
		ip_put16(c->p + V4_LEN, c->len);
		ip_put16(c->p + V4_CSUM, 0);
		ip_put16(c->p + V4_CSUM, ip_fold(ip_sum(0, c->p, IP4_HEADER)));
	} else {
		ip_put16(c->p + 4, c->len - IP6_HEADER);
	}
	info.src = c->p + (c->family == RV_IPV4 ? 12 : 8);
	info.dst = c->p + (c->family == RV_IPV4 ? 16 : 24);
	/* whoever finishes it adds the rest to the sum of the pseudo header */
	ip_put16(c->p + c->upper + TCP_CSUM, (uint16_t)~ip_fold(ip_pseudo(&info, IP_TCP, c->len - c->upper)));
	memcpy(vnet, &hdr, sizeof(hdr));
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* offload: software segmentation as the kernel's own would do it (struct virtio_net_hdr of <linux/virtio_net.h>). */
#include "offload.h"

#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <string.h>

/* <linux/virtio_net.h> since Linux 6.2 */
enum { VNET_GSO_UDP_L4 = 5 };

enum { V4_LEN = 2, V4_ID = 4, V4_CSUM = 10, UDP_LEN = 4 };
enum { TCP_SEQ = 4, TCP_DOFF = 12, TCP_FLAGS = 13, TCP_CSUM = 16, TCP_FIN = 1, TCP_PSH = 8, TCP_CWR = 0x80 };

static bool plan_tcp(struct offload *o)
{
	if (o->ip.proto != IP_TCP || o->len < o->ip.upper + (uint32_t)TCP_HEADER)
		return false;
	uint32_t size = (o->p[o->ip.upper + TCP_DOFF] >> 4) * 4u;
	o->headers = o->ip.upper + size;
	o->kind = OFFLOAD_TCP;
	return size >= TCP_HEADER && o->headers < o->len;
}

static bool plan_udp(struct offload *o)
{
	o->headers = o->ip.upper + (uint32_t)UDP_HEADER;
	return o->ip.proto == IP_UDP && o->headers < o->len;
}

/* The field holds the sum of the pseudo header; the rest is added. */
static bool finish_checksum(const struct offload *o, uint8_t *p, const struct virtio_net_hdr *vnet)
{
	uint32_t start = vnet->csum_start, at = start + vnet->csum_offset;

	if (start < o->ip.base_len || start > o->len || at + 2 > o->len)
		return false;
	uint16_t sum = ip_fold(ip_sum(0, p + start, o->len - start));
	ip_put16(p + at, !sum && o->ip.proto == IP_UDP ? 0xffff : sum);
	return true;
}

/* Octets as ip_sum() adds them. */
static uint32_t half(const uint8_t *p)
{
	uint16_t octets;

	memcpy(&octets, p, sizeof(octets));
	return octets;
}

static uint32_t word(const uint8_t *p)
{
	uint32_t octets;

	memcpy(&octets, p, sizeof(octets));
	return octets;
}

static uint16_t folded(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

/* RFC 1624: what differs from segment to segment is taken out of the sums, and put in again by fix_ip() and fix_tcp().
 * Both numbers here are multiples of 65535, which is zero. */
static void plan_sums(struct offload *o)
{
	const uint8_t *p = o->p, *tcp = o->p + o->ip.upper;

	if (o->ip.family == RV_IPV4)
		o->base_sum = folded(ip_sum(3 * UINT16_MAX, p, o->ip.base_len) - half(p + V4_LEN) - half(p + V4_ID) -
				     half(p + V4_CSUM));
	o->upper_sum = folded(
		ip_sum(ip_pseudo(&o->ip, IP_TCP, 0) + 2 * UINT16_MAX + UINT32_MAX, tcp, o->headers - o->ip.upper) -
		half(tcp + TCP_DOFF) - half(tcp + TCP_CSUM) - word(tcp + TCP_SEQ));
}

static bool plan_train(struct offload *o, const struct virtio_net_hdr *vnet)
{
	uint8_t type = vnet->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	uint8_t wanted = o->ip.family == RV_IPV4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	bool udp = type == VNET_GSO_UDP_L4;

	if (!vnet->gso_size || o->ip.fragment != IP_WHOLE || !(udp || type == wanted))
		return false;
	if (udp ? !plan_udp(o) : !plan_tcp(o))
		return false;
	o->mss = vnet->gso_size;
	o->n = (o->len - o->headers + o->mss - 1) / o->mss;
	if (o->n > 1 && !udp)
		plan_sums(o);
	return true;
}

bool offload_plan(struct offload *o, const struct ip_info *ip, uint8_t *p, const uint8_t vnet[static 12])
{
	struct virtio_net_hdr hdr;

	memcpy(&hdr, vnet, sizeof(hdr));
	*o = (struct offload){ .ip = *ip, .p = p, .len = ip->len, .n = 1 };
	if (hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE && !plan_train(o, &hdr))
		return false;
	if (o->n == 1 && hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return finish_checksum(o, p, &hdr);
	return true;
}

bool offload_fragments(struct offload *o, uint32_t mtu)
{
	uint32_t header = o->ip.base_len;

	if (o->n != 1 || o->ip.family != RV_IPV4 || o->ip.df || mtu < header + 8u || o->len <= mtu)
		return false;
	o->kind = OFFLOAD_FRAGMENTS;
	o->headers = header;
	o->mss = (mtu - header) / 8 * 8;
	o->n = (o->len - header + o->mss - 1) / o->mss;
	return true;
}

uint32_t offload_len(const struct offload *o, uint32_t i)
{
	if (o->n == 1)
		return o->len;
	uint32_t payload = o->len - o->headers;
	return o->headers + (i + 1 < o->n ? o->mss : payload - i * o->mss);
}

/* Later fragments keep only the options that have the copied flag (RFC 791, 3.1); the others become no operation. */
static void fix_fragment(const struct offload *o, uint32_t i, uint8_t *dst)
{
	uint16_t flags = ip_u16(dst + 6);
	bool more = i + 1 < o->n || flags & IP4_MF;

	ip_put16(dst + 6, (uint32_t)((flags & IP4_OFFSET) + i * (o->mss / 8)) | (more ? IP4_MF : 0));
	for (uint32_t at = IP4_HEADER; i && at < o->ip.base_len && dst[at];) {
		uint32_t size = dst[at] == 1 ? 1 : at + 1 < o->ip.base_len ? dst[at + 1] : 0;
		if (!size || at + size > o->ip.base_len)
			return;
		if (!(dst[at] & IP4_COPIED))
			memset(dst + at, 1, size);
		at += size;
	}
}

static void fix_ip(const struct offload *o, uint32_t i, uint8_t *dst, uint32_t len)
{
	if (o->ip.family == RV_IPV6) {
		ip_put16(dst + 4, len - IP6_HEADER);
		return;
	}
	ip_put16(dst + V4_LEN, len);
	if (o->kind == OFFLOAD_FRAGMENTS)
		fix_fragment(o, i, dst);
	else
		ip_put16(dst + V4_ID, ip_u16(dst + V4_ID) + i);
	uint64_t sum = (uint64_t)o->base_sum + half(dst + V4_LEN) + half(dst + V4_ID);
	if (o->kind != OFFLOAD_TCP) {
		ip_put16(dst + V4_CSUM, 0);
		sum = ip_sum(0, dst, o->ip.base_len);
	}
	ip_put16(dst + V4_CSUM, ip_fold(sum));
}

/* rest: the sum of the payload; len: of header and payload. */
static void fix_tcp(const struct offload *o, uint32_t i, uint8_t *tcp, uint32_t len, uint64_t rest)
{
	ip_put32(tcp + TCP_SEQ, ip_u32(tcp + TCP_SEQ) + i * o->mss);
	if (i + 1 < o->n)
		tcp[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (i)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
	ip_put16(tcp + TCP_CSUM,
		 ip_fold(o->upper_sum + rest + htonl(len) + word(tcp + TCP_SEQ) + half(tcp + TCP_DOFF)));
}

void offload_segment(const struct offload *o, uint32_t i, uint8_t *dst)
{
	uint32_t len = offload_len(o, i), upper = o->ip.upper, payload = len - o->headers;
	const uint8_t *from = o->p + o->headers + (size_t)i * o->mss;

	memcpy(dst, o->p, o->headers);
	fix_ip(o, i, dst, len);
	if (o->kind == OFFLOAD_FRAGMENTS) {
		memcpy(dst + o->headers, from, payload);
		return;
	}
	uint64_t sum = ip_copy_sum(0, dst + o->headers, from, payload);
	if (o->kind == OFFLOAD_TCP) {
		fix_tcp(o, i, dst + upper, len - upper, sum);
		return;
	}
	ip_put16(dst + upper + UDP_LEN, len - upper);
	ip_fix_upper_by(&o->ip, dst + upper, len - upper, o->headers - upper, sum);
}

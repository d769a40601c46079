// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ip: headers of both families, checksums, ECN, "too big" and segmentation, at their edges. */
#include "test.h"

#include "coalesce.h"
#include "icmp.h"
#include "offload.h"

#include <linux/virtio_net.h>

static void headers_are_read(void **state)
{
	static const struct {
		const char *what, *hex;
		bool ok;
		uint8_t proto, fragment;
		uint16_t upper, src_port, dst_port;
		bool ports;
	} rows[] = {
		{ "UDP", "4500001c00004000 40110000 0a000001 0a000002 0035 1234 00080000", true, 17, IP_WHOLE, 20, 0x35,
		  0x1234, true },
		{ "options", "4600002000004000 40060000 0a000001 0a000002 01010101 0035 1234 00080000", true, 6,
		  IP_WHOLE, 24, 0x35, 0x1234, true },
		{ "ICMP", "4500001c00004000 40010000 0a000001 0a000002 0800 1234 00080000", true, 1, IP_WHOLE, 20,
		  0x800, 0x800, true },
		{ "first fragment", "4500001c00002000 40110000 0a000001 0a000002 0035 1234 00080000", true, 17,
		  IP_FIRST, 20, 0x35, 0x1234, true },
		{ "later fragment", "4500001c00002001 40110000 0a000001 0a000002 0035 1234 00080000", true, 17,
		  IP_LATER, 20, 0, 0, false },
		{ "last fragment", "4500001c00000001 40110000 0a000001 0a000002 0035 1234 00080000", true, 17, IP_LATER,
		  20, 0, 0, false },
		{ "no ports", "4500001c00004000 402f0000 0a000001 0a000002 0035 1234 00080000", true, 47, IP_WHOLE, 20,
		  0, 0, false },
		{ "three octets of UDP", "4500001700004000 40110000 0a000001 0a000002 003512", true, 17, IP_WHOLE, 20,
		  0, 0, false },
		{ "header only", "4500001400004000 40110000 0a000001 0a000002", true, 17, IP_WHOLE, 20, 0, 0, false },
		{ "19 octets", "4500001300004000 40110000 0a000001 0a0000", false },
		{ "length shorter than the header", "4500001300004000 40110000 0a000001 0a000002", false },
		{ "length longer than the packet", "4500001500004000 40110000 0a000001 0a000002", false },
		{ "header of 16", "4400001400004000 40110000 0a000001 0a000002", false },
		{ "header longer than the packet", "4600001400004000 40110000 0a000001 0a000002", false },
		{ "version 5", "5500001400004000 40110000 0a000001 0a000002", false },
		{ "IPv6 UDP",
		  "600000000008 11 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
		  "003512340008 0000",
		  true, 17, IP_WHOLE, 40, 0x35, 0x1234, true },
		{ "hop-by-hop, destination",
		  "600000000018 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
		  "3c00000000000000 1100000000000000 003512340008 0000",
		  true, 17, IP_WHOLE, 56, 0x35, 0x1234, true },
		{ "IPv6 first fragment",
		  "600000000010 2c 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
		  "1100000100000000 003512340008 0000",
		  true, 17, IP_FIRST, 48, 0x35, 0x1234, true },
		{ "IPv6 later fragment",
		  "600000000010 2c 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
		  "1100000800000000 003512340008 0000",
		  true, 17, IP_LATER, 48, 0, 0, false },
		{ "IPv6 atomic fragment",
		  "600000000010 2c 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
		  "1100000000000000 003512340008 0000",
		  true, 17, IP_WHOLE, 48, 0x35, 0x1234, true },
		{ "ICMPv6",
		  "600000000008 3a 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
		  "810012340008 0000",
		  true, 58, IP_WHOLE, 40, 0x8100, 0x8100, true },
		{ "extension cut short",
		  "600000000007 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002 3c000000000000",
		  false },
		{ "extension longer than the packet",
		  "600000000008 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
		  "1101000000000000",
		  false },
		{ "no next header",
		  "600000000000 3b 40 20010db8000000000000000000000001 20010db8000000000000000000000002", true, 59,
		  IP_WHOLE, 40, 0, 0, false },
		{ "39 octets", "600000000000 3b 40 20010db8000000000000000000000001 20010db80000000000000000000000",
		  false },
		{ "nine extensions",
		  "600000000048 3c 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
		  "3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 "
		  "3c00000000000000 3c00000000000000 3c00000000000000 1100000000000000",
		  false },
		{ "eight extensions",
		  "600000000040 3c 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
		  "3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000 "
		  "3c00000000000000 3c00000000000000 1100000000000000",
		  true, 17, IP_WHOLE, 104, 0, 0, false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t p[256];
		struct ip_info info;
		size_t len = test_hex(rows[i].hex, p, sizeof(p));
		bool ok = ip_parse(&info, p, len);
		if (ok != rows[i].ok)
			fail_msg("%s", rows[i].what);
		if (!ok)
			continue;
		if (info.proto != rows[i].proto || info.fragment != rows[i].fragment || info.upper != rows[i].upper ||
		    info.src_port != rows[i].src_port || info.dst_port != rows[i].dst_port ||
		    info.ports_known != rows[i].ports)
			fail_msg("%s: proto %u fragment %u upper %u", rows[i].what, info.proto, info.fragment,
				 info.upper);
		for (size_t shorter = 0; shorter < len; shorter++)
			assert_false(ip_parse(&info, p, shorter));
	}
	assert_false(ip_parse(&(struct ip_info){ 0 }, NULL, 0));
}

/* RFC 1071, 1, word by word. */
static uint16_t slow_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void fill(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(255 - i * 7 % 32);
}

/* RFC 1071, 3: the example; every length; and every split of a sum. */
static void checksums_are_those_of_the_rfc(void **state)
{
	static const uint8_t example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint8_t p[1501], copy[sizeof(p) + 1];

	assert_int_equal(ip_fold(ip_sum(0, example, sizeof(example))), (uint16_t)~0xddf2);
	fill(p, sizeof(p));
	for (size_t len = 0; len <= sizeof(p); len++) {
		assert_int_equal(ip_fold(ip_sum(0, p, len)), slow_sum(p, len));
		memset(copy, 0x5a, sizeof(copy));
		assert_int_equal(ip_fold(ip_copy_sum(0, copy, p, len)), slow_sum(p, len));
		assert_memory_equal(copy, p, len);
		assert_int_equal(copy[len], 0x5a);
	}
	for (size_t cut = 0; cut < sizeof(p); cut += 2)
		assert_int_equal(ip_fold(ip_sum(ip_sum(0, p, cut), p + cut, sizeof(p) - cut)), slow_sum(p, sizeof(p)));
}

static void vectors_of_every_width_give_the_same_sum(void **state)
{
	uint8_t p[1472], copy[sizeof(p)];

	fill(p, sizeof(p));
	for (unsigned octets = 16; octets <= ip_vector(); octets *= 2) {
		memset(copy, 0, sizeof(copy));
		assert_int_equal(ip_fold(ip_sum_vectors(octets, copy, p, sizeof(p) / octets)), slow_sum(p, sizeof(p)));
		assert_memory_equal(copy, p, sizeof(p));
		assert_int_equal(ip_fold(ip_sum_vectors(octets, NULL, p, sizeof(p) / octets)), slow_sum(p, sizeof(p)));
	}
}

static void traffic_class_changes_keep_the_checksum(void **state)
{
	struct rv_addr a = { .family = RV_IPV4, .ip = { 10, 0, 0, 1 } },
		       b = { .family = RV_IPV4, .ip = { 10, 0, 0, 2 } };
	uint8_t p[IP6_HEADER];

	for (unsigned from = 0; from < 256; from += 5)
		for (unsigned to = 0; to < 256; to++) {
			ip_put_header(p, &a, &b, IP_UDP, (uint8_t)from, 64, 100);
			ip_set_tos(p, RV_IPV4, (uint8_t)to);
			assert_int_equal(p[1], to);
			assert_int_equal(ip_fold(ip_sum(0, p, 20)), 0);
		}
	a.family = b.family = RV_IPV6;
	ip_put_header(p, &a, &b, IP_UDP, 0xab, 64, 0);
	p[1] |= 0x05;
	p[2] = 0x67;
	struct ip_info info;
	ip_set_tos(p, RV_IPV6, 0xcd);
	assert_true(ip_parse(&info, p, 40));
	assert_int_equal(info.tos, 0xcd);
	assert_int_equal(p[1] & 15, 5); /* the flow label stays */
	assert_int_equal(p[2], 0x67);
}

/* RFC 6040, 4.2, figure 4; rows inner, columns outer: Not-ECT, ECT(0), ECT(1), CE */
static void congestion_comes_out_as_the_rfc_says(void **state)
{
	enum { N = 0, E1 = 1, E0 = 2, CE = 3, DROP = -1 };
	static const uint8_t order[] = { N, E0, E1, CE };
	static const int figure[4][4] = {
		{ N, N, N, DROP }, { E0, E0, E1, CE }, { E1, E1, E1, CE }, { CE, CE, CE, CE }
	};

	for (int inner = 0; inner < 4; inner++)
		for (int outer = 0; outer < 4; outer++)
			assert_int_equal(ip_ecn_out_of_tunnel(order[inner], order[outer]), figure[inner][outer]);
}

static void too_big_is_answered_only_where_it_may_be(void **state)
{
	static const struct {
		const char *what, *hex;
		size_t len;
	} rows[] = {
		{ "UDP with DF", "4500001c00004000 40110000 0a000001 0a000002 0035 1234 00080000", 56 },
		{ "UDP without DF", "4500001c00000000 40110000 0a000001 0a000002 0035 1234 00080000", 0 },
		{ "echo request", "4500001c00004000 40010000 0a000001 0a000002 0800 1234 00080000", 56 },
		{ "unreachable", "4500001c00004000 40010000 0a000001 0a000002 0304 1234 00080000", 0 },
		{ "time exceeded", "4500001c00004000 40010000 0a000001 0a000002 0b00 1234 00080000", 0 },
		{ "ICMP of unknown type", "4500001500004000 40010000 0a000001 0a000002 08", 0 },
		{ "later fragment", "4500001c00004001 40110000 0a000001 0a000002 0035 1234 00080000", 0 },
		{ "to a group", "4500001c00004000 40110000 0a000001 e0000002 0035 1234 00080000", 0 },
		{ "from nowhere", "4500001c00004000 40110000 00000000 0a000002 0035 1234 00080000", 0 },
		{ "IPv6 UDP",
		  "600000000008 11 40 20010db8000000000000000000000001 20010db8000000000000000000000002 003512340008 "
		  "0000",
		  96 },
		{ "ICMPv6 error",
		  "600000000008 3a 40 20010db8000000000000000000000001 20010db8000000000000000000000002 7f0012340008 "
		  "0000",
		  0 },
		{ "ICMPv6 echo",
		  "600000000008 3a 40 20010db8000000000000000000000001 20010db8000000000000000000000002 800012340008 "
		  "0000",
		  96 },
		{ "IPv6 to a group",
		  "600000000008 11 40 20010db8000000000000000000000001 ff020000000000000000000000000002 003512340008 "
		  "0000",
		  0 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t p[256], out[ICMP_ROOM];
		struct ip_info info;
		size_t len = test_hex(rows[i].hex, p, sizeof(p));
		assert_true(ip_parse(&info, p, len));
		size_t n = icmp_too_big(&info, p, 1300, out);
		if (n != rows[i].len)
			fail_msg("%s: %zu", rows[i].what, n);
		if (n)
			assert_memory_equal(out + n - len, p, len);
	}
}

static struct virtio_net_hdr vnet(uint8_t flags, uint8_t type, uint16_t size, uint16_t start, uint16_t offset)
{
	return (struct virtio_net_hdr){
		.flags = flags, .gso_type = type, .gso_size = size, .csum_start = start, .csum_offset = offset
	};
}

static void plans_fit_the_packet(void **state)
{
	enum {
		CSUM = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		T4 = VIRTIO_NET_HDR_GSO_TCPV4,
		T6 = VIRTIO_NET_HDR_GSO_TCPV6,
		U4 = VIRTIO_NET_HDR_GSO_UDP,
		UL = 5,
		ECN = VIRTIO_NET_HDR_GSO_ECN
	};
	static const struct {
		const char *what;
		uint8_t proto, flags, type;
		uint16_t size, start, offset, len;
		uint32_t n; /* 0: refused */
	} rows[] = {
		{ "nothing to do", IP_UDP, 0, 0, 0, 0, 0, 1000, 1 },
		{ "a checksum", IP_UDP, CSUM, 0, 0, 20, 6, 1000, 1 },
		{ "a checksum in the last octets", IP_UDP, CSUM, 0, 0, 20, 978, 1000, 1 },
		{ "a checksum behind the end", IP_UDP, CSUM, 0, 0, 20, 979, 1000, 0 },
		{ "a checksum that starts in the header", IP_UDP, CSUM, 0, 0, 19, 6, 1000, 0 },
		{ "a checksum that starts behind the end", IP_UDP, CSUM, 0, 0, 1001, 0, 1000, 0 },
		{ "TCP", IP_TCP, CSUM, T4, 100, 20, 16, 1040, 10 },
		{ "TCP and one octet more", IP_TCP, CSUM, T4, 100, 20, 16, 1041, 11 },
		{ "TCP and one octet less", IP_TCP, CSUM, T4, 100, 20, 16, 1039, 10 },
		{ "TCP of one segment", IP_TCP, CSUM, T4, 1000, 20, 16, 1040, 1 },
		{ "TCP with ECN", IP_TCP, CSUM, T4 | ECN, 100, 20, 16, 1040, 10 },
		{ "TCP without payload", IP_TCP, CSUM, T4, 100, 20, 16, 40, 0 },
		{ "TCP with segments of nothing", IP_TCP, CSUM, T4, 0, 20, 16, 1040, 0 },
		{ "TCP of the other family", IP_TCP, CSUM, T6, 100, 20, 16, 1040, 0 },
		{ "TCP that is UDP", IP_UDP, CSUM, T4, 100, 20, 16, 1040, 0 },
		{ "UDP segments", IP_UDP, CSUM, UL, 100, 20, 6, 1028, 10 },
		{ "UDP segments that are TCP", IP_TCP, CSUM, UL, 100, 20, 6, 1028, 0 },
		{ "UDP segments without payload", IP_UDP, CSUM, UL, 100, 20, 6, 28, 0 },
		{ "fragmentation offload", IP_UDP, CSUM, U4, 100, 20, 6, 1028, 0 },
		{ "an unknown kind", IP_UDP, 0, 99, 100, 0, 0, 1028, 0 },
	};
	struct rv_addr a = { .family = RV_IPV4, .ip = { 10, 0, 0, 1 } },
		       b = { .family = RV_IPV4, .ip = { 10, 0, 0, 2 } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t p[1100] = { 0 };
		struct ip_info info;
		struct offload plan;
		struct virtio_net_hdr h =
			vnet(rows[i].flags, rows[i].type, rows[i].size, rows[i].start, rows[i].offset);
		uint8_t octets[12] = { 0 };
		memcpy(octets, &h, sizeof(h));
		ip_put_header(p, &a, &b, rows[i].proto, 0, 64, rows[i].len - 20u);
		if (rows[i].proto == IP_TCP)
			p[32] = 5 << 4;
		assert_true(ip_parse(&info, p, rows[i].len));
		bool ok = offload_plan(&plan, &info, p, octets);
		if (ok != (rows[i].n > 0) || (ok && plan.n != rows[i].n))
			fail_msg("%s: %u", rows[i].what, ok ? plan.n : 0);
	}
}

static void tcp_headers_must_be_whole(void **state)
{
	static const struct {
		uint8_t words;
		bool ok;
	} rows[] = { { 4, false }, { 5, true }, { 15, true }, { 0, false } };
	struct rv_addr a = { .family = RV_IPV4 }, b = { .family = RV_IPV4 };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t p[200] = { 0 }, octets[12] = { 0 };
		struct virtio_net_hdr h = vnet(0, VIRTIO_NET_HDR_GSO_TCPV4, 50, 0, 0);
		struct ip_info info;
		struct offload plan;
		memcpy(octets, &h, sizeof(h));
		ip_put_header(p, &a, &b, IP_TCP, 0, 64, 180);
		p[32] = (uint8_t)(rows[i].words << 4);
		assert_true(ip_parse(&info, p, 200));
		assert_int_equal(offload_plan(&plan, &info, p, octets), rows[i].ok);
	}
}

static void an_open_checksum_is_completed(void **state)
{
	struct rv_addr a = { .family = RV_IPV4, .ip = { 10, 0, 0, 1 } },
		       b = { .family = RV_IPV4, .ip = { 10, 0, 0, 2 } };
	uint8_t p[129], octets[12] = { 0 };
	struct virtio_net_hdr h = vnet(VIRTIO_NET_HDR_F_NEEDS_CSUM, 0, 0, 20, 6);
	struct ip_info info;
	struct offload plan;

	memset(p, 0x77, sizeof(p));
	memcpy(octets, &h, sizeof(h));
	ip_put_header(p, &a, &b, IP_UDP, 0, 64, 109);
	assert_true(ip_parse(&info, p, sizeof(p)));
	/* as the kernel leaves it: the folded sum of the pseudo header, not inverted */
	ip_put16(p + 26, (uint16_t)~ip_fold(ip_pseudo(&info, IP_UDP, 109)));
	assert_true(offload_plan(&plan, &info, p, octets));
	assert_int_equal(plan.n, 1);
	assert_int_equal(ip_fold(ip_sum(ip_pseudo(&info, IP_UDP, 109), p + 20, 109)), 0);
}

static void udp_trains_become_datagrams(void **state)
{
	struct rv_addr a = { .family = RV_IPV6, .ip = { 1 } }, b = { .family = RV_IPV6, .ip = { 2 } };
	uint8_t p[400], octets[12] = { 0 }, segment[400];
	struct virtio_net_hdr h = vnet(VIRTIO_NET_HDR_F_NEEDS_CSUM, 5, 100, 40, 6);
	struct ip_info info;
	struct offload plan;

	memset(p, 0x77, sizeof(p));
	memcpy(octets, &h, sizeof(h));
	ip_put_header(p, &a, &b, IP_UDP, 0, 64, 360);
	assert_true(ip_parse(&info, p, sizeof(p)));
	assert_true(offload_plan(&plan, &info, p, octets));
	assert_int_equal(plan.n, 4);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t len = offload_len(&plan, i);
		struct ip_info got;
		assert_int_equal(len, i < 3 ? 148 : 48 + 52);
		offload_segment(&plan, i, segment);
		assert_true(ip_parse(&got, segment, len));
		assert_int_equal(got.len, len);
		assert_int_equal(ip_u16(segment + 44), len - 40);
		assert_int_equal(ip_fold(ip_sum(ip_pseudo(&got, IP_UDP, len - 40), segment + 40, len - 40)), 0);
	}
}

enum { SEGMENTS = 5, MSS = 100, LAST = 40 };

/* A TCP train of four segments of 100 and one of 40 octets; options: of TCP, in words. Its length. */
static uint32_t tcp_train(uint8_t *p, bool v6, uint8_t options, uint8_t flags, struct offload *plan)
{
	struct rv_addr a = { .family = v6 ? RV_IPV6 : RV_IPV4, .ip = { 10, 0, 0, 1 } }, b = a;
	uint32_t base = v6 ? 40 : 20, headers = base + 20 + options * 4u, len = headers + 4 * MSS + LAST;
	struct virtio_net_hdr h =
		vnet(1, v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4, MSS, (uint16_t)base, 16);
	uint8_t octets[12] = { 0 };
	struct ip_info info;

	memcpy(octets, &h, sizeof(h));
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7);
	b.ip[3] = 2;
	ip_put_header(p, &a, &b, IP_TCP, 0x20, 64, len - base);
	p[base + 12] = (uint8_t)((5 + options) << 4);
	p[base + 13] = flags;
	if (!v6)
		ip_put16(p + 4, 0xfffe); /* identifications that wrap */
	assert_true(ip_parse(&info, p, len));
	assert_true(offload_plan(plan, &info, p, octets));
	assert_int_equal(plan->n, SEGMENTS);
	return len;
}

/* Sums are made from what segments have in common: with every value of a field, those that make them zero included. */
static void sums_of_segments_are_right(void **state)
{
	for (uint32_t i = 0; i < 2 << 16; i++) {
		uint8_t p[1000], part[400], octets[12];
		struct virtio_net_hdr h =
			vnet(1, i & 1 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4, MSS, 0, 0);
		struct offload plan;
		struct ip_info info;
		uint32_t len = tcp_train(p, i & 1, 3, 0x98, &plan);

		memcpy(octets, &h, sizeof(h));
		assert_true(ip_parse(&info, p, len));
		ip_put32(p + info.upper + 4, 0xffff0000 + (i >> 1));
		if (info.family == RV_IPV4)
			ip_put16(p + 4, (uint16_t)(i >> 1));
		assert_true(offload_plan(&plan, &info, p, octets));
		for (uint32_t k = 0; k < SEGMENTS; k += SEGMENTS - 1) {
			uint32_t size = offload_len(&plan, k);
			offload_segment(&plan, k, part);
			assert_true(ip_parse(&info, part, size));
			assert_false(ip_fold(ip_sum(ip_pseudo(&info, IP_TCP, size - info.upper), part + info.upper,
						    size - info.upper)));
			assert_true(info.family == RV_IPV6 || !ip_fold(ip_sum(0, part, 20)));
		}
	}
}

static void begin(struct coalesced *c, uint8_t *p, uint32_t len, const uint8_t *limit)
{
	struct ip_info info;

	assert_true(ip_parse(&info, p, len) && info.len == len);
	coalesce_begin(c, p, &info, limit);
}

static bool add(struct coalesced *c, const uint8_t *p, uint32_t len)
{
	struct ip_info info;

	return ip_parse(&info, p, len) && info.len == len && coalesce_add(c, p, &info);
}

static void a_cut_train_is_joined_to_what_it_was(void **state)
{
	for (int i = 0; i < 8; i++) {
		uint8_t p[1000], joined[1000], part[400], octets[12] = { 0 };
		bool v6 = i & 1;
		struct offload plan, again;
		struct coalesced c = { 0 };
		uint32_t len = tcp_train(p, v6, i & 2 ? 3 : 0, i & 4 ? 0x18 : 0x10, &plan);
		struct ip_info info;

		offload_segment(&plan, 0, joined);
		begin(&c, joined, offload_len(&plan, 0), joined + sizeof(joined));
		for (uint32_t k = 1; k < SEGMENTS; k++) {
			offload_segment(&plan, k, part);
			assert_true(c.open);
			assert_true(add(&c, part, offload_len(&plan, k)));
		}
		assert_false(c.open); /* the last one was short */
		assert_int_equal(c.len, len);
		coalesce_end(&c, octets);
		coalesce_end(&c, octets);
		/* cut once more, it gives the same packets */
		assert_true(ip_parse(&info, joined, len));
		assert_true(offload_plan(&again, &info, joined, octets));
		assert_int_equal(again.n, SEGMENTS);
		for (uint32_t k = 0; k < SEGMENTS; k++) {
			uint8_t one[400];
			offload_segment(&plan, k, one);
			offload_segment(&again, k, part);
			assert_memory_equal(one, part, offload_len(&plan, k));
		}
	}
}

static void what_differs_is_not_joined(void **state)
{
	static const struct {
		const char *what;
		int at4, at6; /* octet of the second part that is changed; negative: it makes no sense there */
		uint8_t by;
		bool joined;
	} rows[] = {
		{ "nothing", 9, 7, 0, true },
		{ "class", 1, 1, 0x10, false },
		{ "identification", 5, -1, 1, false },
		{ "DF", 6, -1, 0x40, false },
		{ "hop limit", 8, 7, 1, false },
		{ "flow label", -1, 3, 1, false },
		{ "source", 15, 23, 1, false },
		{ "destination", 19, 39, 1, false },
		{ "source port", 20, 40, 1, false },
		{ "destination port", 23, 43, 1, false },
		{ "sequence", 27, 47, 1, false },
		{ "acknowledgement", 31, 51, 1, false },
		{ "PSH", 33, 53, 8, true },
		{ "SYN", 33, 53, 2, false },
		{ "FIN", 33, 53, 1, false },
		{ "RST", 33, 53, 4, false },
		{ "URG", 33, 53, 0x20, false },
		{ "ECE", 33, 53, 0x40, false },
		{ "CWR", 33, 53, 0x80, false },
		{ "no ACK", 33, 53, 0x10, false },
		{ "window", 35, 55, 1, false },
		{ "urgent pointer", 39, 59, 1, false },
		{ "an option", 42, 62, 1, false },
	};

	for (size_t i = 0; i < RV_COUNT(rows) * 2; i++) {
		uint8_t p[1000], joined[1000], part[400];
		bool v6 = i & 1;
		int at = v6 ? rows[i / 2].at6 : rows[i / 2].at4;
		struct offload plan;
		struct coalesced c;
		struct ip_info info;
		if (at < 0)
			continue;
		tcp_train(p, v6, 3, 0x10, &plan);
		offload_segment(&plan, 0, joined);
		offload_segment(&plan, 1, part);
		part[at] ^= rows[i / 2].by;
		if (ip_parse(&info, part, offload_len(&plan, 1)))
			ip_fix_upper(&info, part + info.upper, info.len - info.upper);
		begin(&c, joined, offload_len(&plan, 0), joined + sizeof(joined));
		if (add(&c, part, offload_len(&plan, 1)) != rows[i / 2].joined)
			fail_msg("%s, IPv%d", rows[i / 2].what, v6 ? 6 : 4);
	}
}

/* What several writes left behind, each with PSH at its end, is one train. */
static void successive_pushes_are_one(void **state)
{
	enum { FULL = SEGMENTS - 1 };

	for (unsigned pushed = 1; pushed < 1 << FULL; pushed++) { /* a bit for each part */
		uint8_t p[1000], joined[1000], part[400], octets[12] = { 0 };
		struct offload plan, again;
		struct coalesced c = { 0 };
		struct ip_info info;

		tcp_train(p, false, 3, 0x10, &plan);
		for (uint32_t k = 0; k < FULL; k++) {
			uint8_t *to = k ? part : joined;
			uint32_t len = offload_len(&plan, k);
			offload_segment(&plan, k, to);
			assert_true(ip_parse(&info, to, len));
			to[33] = pushed >> k & 1 ? 0x18 : 0x10;
			ip_fix_upper(&info, to + info.upper, info.len - info.upper);
			if (!k)
				begin(&c, joined, len, joined + sizeof(joined));
			else
				assert_true(add(&c, part, len));
			assert_true(c.open);
		}
		coalesce_end(&c, octets);
		assert_true(ip_parse(&info, joined, c.len));
		assert_true(offload_plan(&again, &info, joined, octets));
		assert_int_equal(again.n, FULL);
		for (uint32_t k = 0; k < FULL; k++) {
			offload_segment(&again, k, part);
			assert_int_equal(part[33], k + 1 == FULL ? 0x18 : 0x10);
			assert_true(ip_parse(&info, part, offload_len(&again, k)));
			assert_false(ip_fold(ip_sum(ip_pseudo(&info, IP_TCP, info.len - info.upper), part + info.upper,
						    info.len - info.upper)));
		}
	}
}

/* A train of four datagrams of 100 and one of 40 octets. Its length. */
static uint32_t udp_train(uint8_t *p, bool v6, uint8_t octets[static 12], struct offload *plan)
{
	struct rv_addr a = { .family = v6 ? RV_IPV6 : RV_IPV4, .ip = { 10, 0, 0, 1 } }, b = a;
	uint32_t base = v6 ? 40 : 20, len = base + 8 + 4 * MSS + LAST;
	struct virtio_net_hdr h = vnet(1, 5, MSS, (uint16_t)base, 6);
	struct ip_info info;

	memset(octets, 0, 12);
	memcpy(octets, &h, sizeof(h));
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 5);
	b.ip[3] = 2;
	ip_put_header(p, &a, &b, IP_UDP, 0, 64, len - base);
	assert_true(ip_parse(&info, p, len));
	assert_true(offload_plan(plan, &info, p, octets));
	assert_int_equal(plan->n, SEGMENTS);
	return len;
}

static void datagrams_are_joined_to_what_they_were(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t p[1000], joined[1000], part[400], octets[12], made[12] = { 0 };
		struct offload plan, again;
		struct coalesced c = { 0 };
		uint32_t len = udp_train(p, v6, octets, &plan);
		struct ip_info info;

		offload_segment(&plan, 0, joined);
		begin(&c, joined, offload_len(&plan, 0), joined + sizeof(joined));
		for (uint32_t k = 1; k < SEGMENTS; k++) {
			offload_segment(&plan, k, part);
			assert_true(c.open);
			assert_true(add(&c, part, offload_len(&plan, k)));
		}
		assert_false(c.open);
		assert_int_equal(c.len, len);
		coalesce_end(&c, made);
		assert_memory_equal(made, octets, 2); /* flags, kind */
		assert_true(ip_parse(&info, joined, len));
		assert_true(offload_plan(&again, &info, joined, made));
		assert_int_equal(again.n, SEGMENTS);
		for (uint32_t k = 0; k < SEGMENTS; k++) {
			uint8_t one[400];
			offload_segment(&plan, k, one);
			offload_segment(&again, k, part);
			assert_memory_equal(one, part, offload_len(&plan, k));
		}
	}
}

static void datagrams_that_differ_are_not_joined(void **state)
{
	static const struct {
		const char *what;
		int at; /* octet of the second part that is changed, IPv4 */
		uint8_t by;
		bool df, joined;
	} rows[] = {
		{ "nothing", 9, 0, false, true },
		{ "identification", 5, 1, false, false },
		{ "identification of an atomic datagram", 5, 1, true, true },
		{ "DF", 6, 0x40, false, false },
		{ "hop limit", 8, 1, false, false },
		{ "source", 15, 1, false, false },
		{ "protocol", 9, 0x99, false, false },
		{ "source port", 20, 1, false, false },
		{ "destination port", 23, 1, false, false },
		{ "UDP length", 25, 1, false, false },
		{ "checksum", 27, 1, false, false },
		{ "payload", 40, 1, false, false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t p[1000], joined[1000], part[400], octets[12];
		struct offload plan;
		struct coalesced c;
		udp_train(p, false, octets, &plan);
		p[6] = rows[i].df ? 0x40 : 0;
		offload_segment(&plan, 0, joined);
		offload_segment(&plan, 1, part);
		part[rows[i].at] ^= rows[i].by;
		begin(&c, joined, offload_len(&plan, 0), joined + sizeof(joined));
		if (add(&c, part, offload_len(&plan, 1)) != rows[i].joined)
			fail_msg("%s", rows[i].what);
	}
}

/* RFC 768: zero says that there is none; a train would get some */
static void datagrams_without_a_checksum_stay_alone(void **state)
{
	uint8_t p[1000], joined[1000], octets[12];
	struct offload plan;
	struct coalesced c;

	udp_train(p, false, octets, &plan);
	offload_segment(&plan, 0, joined);
	ip_put16(joined + 26, 0);
	begin(&c, joined, offload_len(&plan, 0), joined + sizeof(joined));
	assert_false(c.open);
}

static void wrong_checksums_and_full_buffers_end_a_train(void **state)
{
	uint8_t p[1000], joined[1000], part[400];
	struct offload plan;
	struct coalesced c;

	tcp_train(p, false, 0, 0x10, &plan);
	for (int wrong = 0; wrong < 2; wrong++) {
		offload_segment(&plan, 0, joined);
		offload_segment(&plan, 1, part);
		(wrong ? part : joined)[60] ^= 1;
		begin(&c, joined, 140, joined + sizeof(joined));
		assert_false(add(&c, part, 140));
		assert_int_equal(c.n, 1);
	}
	for (int room = 239; room <= 240; room++) {
		offload_segment(&plan, 0, joined);
		offload_segment(&plan, 1, part);
		begin(&c, joined, 140, joined + room);
		assert_int_equal(add(&c, part, 140), room == 240);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(checksums_are_those_of_the_rfc),
		cmocka_unit_test(vectors_of_every_width_give_the_same_sum),
		cmocka_unit_test(traffic_class_changes_keep_the_checksum),
		cmocka_unit_test(congestion_comes_out_as_the_rfc_says),
		cmocka_unit_test(too_big_is_answered_only_where_it_may_be),
		cmocka_unit_test(plans_fit_the_packet),
		cmocka_unit_test(tcp_headers_must_be_whole),
		cmocka_unit_test(an_open_checksum_is_completed),
		cmocka_unit_test(udp_trains_become_datagrams),
		cmocka_unit_test(sums_of_segments_are_right),
		cmocka_unit_test(a_cut_train_is_joined_to_what_it_was),
		cmocka_unit_test(what_differs_is_not_joined),
		cmocka_unit_test(successive_pushes_are_one),
		cmocka_unit_test(datagrams_are_joined_to_what_they_were),
		cmocka_unit_test(datagrams_that_differ_are_not_joined),
		cmocka_unit_test(datagrams_without_a_checksum_stay_alone),
		cmocka_unit_test(wrong_checksums_and_full_buffers_end_a_train),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

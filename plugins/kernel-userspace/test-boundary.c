// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-boundary: what passes between the headers of a tunnel, and what lengths, fragments and ICMP errors come to. */
#include "test-rig.h"

#include "boundary.h"
#include "icmp.h"

enum { TCP_MSS_AT = IP4_HEADER + TCP_HEADER, LONGEST = 1500 };

static const char *const here = "10.1.0.1", *const there = "10.2.0.1";

static struct rv_packet *only(struct rig_port *port)
{
	assert_int_equal(port->n, 1);
	return &port->caught[0];
}

/* RFC 4301, 5.1.2: the DSCP goes the way that the configuration says. */
static void the_dscp_goes_the_way_that_was_asked_for(void **state)
{
	static const struct {
		uint8_t copy, outside, inside;
	} rows[] = { { RV_DSCP_OUT, 0xb8, 0xb8 },
		     { RV_DSCP_IN, 0x00, 0x48 },
		     { RV_DSCP_BOTH, 0xb8, 0x48 },
		     { RV_DSCP_NONE, 0x00, 0xb8 } };
	struct pair *pair = *state;
	uint8_t p[100];

	for (uint32_t i = 0; i < RV_COUNT(rows); i++) {
		struct rig_sa sa = plain;
		sa.spi += i;
		sa.terms.copy_dscp = rows[i].copy;
		tunnel(pair, &sa);
		rig_packet(p, here, there, 1, 2, sizeof(p));
		ip_set_tos(p, RV_IPV4, 0xb8);
		rig_clear(pair->west, 0, p, sizeof(p));
		assert_int_equal(only(&pair->west->wire[1])->tos, rows[i].outside);
		pair->west->wire[1].caught[0].tos = 0x48;
		rig_carry(pair->west, pair->east);
		const uint8_t *got = only(&pair->east->clear[0])->data;
		assert_int_equal(got[1], rows[i].inside);
		assert_int_equal(ip_fold(ip_sum(0, got, IP4_HEADER)), 0);
		rig_forget(&pair->east->clear[0]);
		flush_policies(pair->west->u);
		flush_sas(pair->west->u);
		pair->west->n_clear = 0;
	}
}

/* RFC 6040, 4.1, figure 3: the outer field, in normal and compatibility mode; 4.2, figure 4: every pair of fields. */
static void congestion_is_marked_as_the_rfc_says(void **state)
{
	enum { NOT, ECT1, ECT0, CE, DROPPED };
	static const uint8_t inside[4][4] = { [NOT] = { NOT, NOT, NOT, DROPPED },
					      [ECT1] = { ECT1, ECT1, ECT1, CE },
					      [ECT0] = { ECT0, ECT1, ECT0, CE },
					      [CE] = { CE, CE, CE, CE } };
	struct pair *pair = *state;
	struct rig_sa sa = plain;
	uint8_t p[100];

	tunnel(pair, &sa);
	for (uint8_t i = 0; i < 16; i++) {
		uint8_t inner = i / 4, outer = i % 4;
		rig_packet(p, here, there, 1, 2, sizeof(p));
		ip_set_tos(p, RV_IPV4, inner);
		rig_clear(pair->west, 0, p, sizeof(p));
		assert_int_equal(only(&pair->west->wire[1])->tos, inner);
		pair->west->wire[1].caught[0].tos = outer;
		rig_carry(pair->west, pair->east);
		if (inside[inner][outer] == DROPPED)
			assert_int_equal(pair->east->clear[0].n, 0);
		else
			assert_int_equal(only(&pair->east->clear[0])->data[1], inside[inner][outer]);
		rig_forget(&pair->east->clear[0]);
	}
	assert_int_equal(rig_dropped(pair->east, sa.spi, true, RV_DROP_ECN), 1);

	flush_sas(pair->west->u);
	sa.spi++;
	sa.terms.plain_ecn = true;
	assert_int_equal(rig_add(pair->west, &sa), 0);
	for (uint8_t inner = 0; inner < 4; inner++) {
		rig_packet(p, here, there, 1, 2, sizeof(p));
		ip_set_tos(p, RV_IPV4, 0xb8 | inner);
		rig_clear(pair->west, 0, p, sizeof(p));
		assert_int_equal(only(&pair->west->wire[1])->tos, 0xb8);
		rig_forget(&pair->west->wire[1]);
	}
}

/* A SYN with these options behind its header, whole and with its checksum. */
static uint32_t put_syn(uint8_t *p, const char *src, const char *dst, const uint8_t *options, uint32_t n)
{
	struct rv_addr from = rig_addr(src), to = rig_addr(dst);
	size_t base = from.family == RV_IPV6 ? IP6_HEADER : IP4_HEADER;
	struct ip_info info;

	ip_put_header(p, &from, &to, IP_TCP, 0, 64, TCP_HEADER + n);
	memset(p + base, 0, TCP_HEADER);
	ip_put16(p + base, 1000);
	ip_put16(p + base + 2, 80);
	p[base + 12] = (uint8_t)((TCP_HEADER + n) / 4 << 4);
	p[base + 13] = 2;
	memcpy(p + base + TCP_HEADER, options, n);
	assert_true(ip_parse(&info, p, base + TCP_HEADER + n));
	ip_fix_upper(&info, p + base, TCP_HEADER + n);
	return (uint32_t)base + TCP_HEADER + n;
}

static const struct {
	const char *what;
	uint8_t options[24];
	uint32_t n, mss_at;
	bool changed;
} syns[] = {
	{ "alone", { 2, 4, 0x05, 0xb4 }, 4, 2, true },
	{ "at an odd place", { 1, 2, 4, 0x05, 0xb4, 1, 1, 0 }, 8, 3, true },
	{ "small enough", { 2, 4, 0x02, 0x00 }, 4, 2, false },
	{ "signed with MD5", { 2, 4, 0x05, 0xb4, 19, 18 }, 24, 2, false },
	{ "signed with AO", { 2, 4, 0x05, 0xb4, 29, 4, 1, 1 }, 8, 2, false },
	{ "behind a broken option", { 8, 0, 2, 4, 0x05, 0xb4, 0, 0 }, 8, 4, false },
	{ "cut short", { 1, 1, 2, 4 }, 4, 2, false },
	{ "behind the end", { 0, 2, 4, 0x05, 0xb4, 0, 0, 0 }, 8, 3, false },
};

static void a_syn_asks_for_what_the_path_takes(void **state)
{
	struct pair *pair = *state;
	struct rig_port *out = &pair->east->clear[0];
	uint8_t p[100];
	struct rig_sa sa = plain;

	/* the one that sends leaves it, the one that receives does not, and the other way round */
	for (uint32_t by = 0; by < 2; by++) {
		struct rig_sa in = sa;
		sa.terms.keep_mss = by == 1;
		in.terms.keep_mss = by == 0;
		in.in = true;
		in.local = sa.remote;
		in.remote = sa.local;
		(void)rig_policy(pair->west, sa.local, sa.remote, RV_TUNNEL, sa.reqid, false);
		assert_int_equal(rig_add(pair->west, &sa), 0);
		assert_int_equal(rig_add(pair->east, &in), 0);
		for (size_t i = 0; i < RV_COUNT(syns); i++) {
			uint32_t len = put_syn(p, here, there, syns[i].options, syns[i].n);
			struct ip_info info;
			rig_clear(pair->west, 0, p, len);
			rig_carry(pair->west, pair->east);
			const uint8_t *got = only(out)->data;
			uint16_t mss = syns[i].changed ? 1438 - 40 : ip_u16(syns[i].options + syns[i].mss_at);
			if (ip_u16(got + TCP_MSS_AT + syns[i].mss_at) != mss)
				fail_msg("%s: %u", syns[i].what, ip_u16(got + TCP_MSS_AT + syns[i].mss_at));
			assert_true(ip_parse(&info, got, len));
			uint32_t tcp = len - IP4_HEADER;
			assert_int_equal(ip_fold(ip_sum(ip_pseudo(&info, IP_TCP, tcp), got + IP4_HEADER, tcp)), 0);
			rig_forget(out);
		}
		sa.spi++;
	}
}

static void ipv6_has_less_room_for_it(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = plain;
	uint8_t p[100];

	sa.local = "2001:db8:1::/48";
	sa.remote = "2001:db8:2::/48";
	tunnel(pair, &sa);
	rig_clear(pair->west, 0, p, put_syn(p, "2001:db8:1::1", "2001:db8:2::1", syns[0].options, syns[0].n));
	rig_carry(pair->west, pair->east);
	assert_int_equal(ip_u16(only(&pair->east->clear[0])->data + IP6_HEADER + TCP_HEADER + 2), 1438 - 60);
}

/* RFC 4303, 2.7: all packets are as long as one of so many octets, and what was added is gone inside. */
static void lengths_are_hidden(void **state)
{
	static const struct {
		const char *proposal;
		uint16_t tfc;
		uint32_t as;
	} rows[] = { { "aes128gcm16", 1000, 1000 },
		     { "aes128-sha256", 777, 777 },
		     { "null-sha256", RV_TFC_MTU, 0 },
		     { "aes128gcm16", 9000, 0 },
		     { "chacha20poly1305", 40, 40 } };
	static const uint32_t lens[] = { 28, 39, 40, 41, 300, 776, 777, 778, 999, 1000, 1001, 1400 };
	struct pair *pair = *state;
	uint8_t p[LONGEST];

	for (uint32_t i = 0; i < RV_COUNT(rows); i++) {
		struct rig_sa sa = plain;
		sa.proposal = rows[i].proposal;
		sa.spi += i;
		sa.terms.tfc = rows[i].tfc;
		tunnel(pair, &sa);
		const struct sa *out = table_get(&pair->west->u->db.out, sa.spi);
		uint32_t as = rows[i].as ? rows[i].as : lane_mtu(rig_lane(pair->west), out);
		for (size_t k = 0; k < RV_COUNT(lens); k++) {
			uint32_t longer = lens[k] > as ? lens[k] : as;
			rig_packet(p, here, there, 1, 2, lens[k]);
			rig_clear(pair->west, 0, p, lens[k]);
			assert_int_equal(only(&pair->west->wire[1])->len, esp_sealed_len(out, longer));
			rig_carry(pair->west, pair->east);
			assert_int_equal(only(&pair->east->clear[0])->len, lens[k]);
			assert_memory_equal(pair->east->clear[0].caught[0].data, p, lens[k]);
			rig_forget(&pair->east->clear[0]);
		}
		flush_policies(pair->west->u);
		flush_sas(pair->west->u);
		pair->west->n_clear = 0;
	}
}

/* Writes what the fragments caught by port make together into whole; its length. */
static uint32_t reassembled(const struct rig_port *port, uint8_t *whole, uint32_t mtu)
{
	uint32_t len = 0;

	for (unsigned i = 0; i < port->n; i++) {
		const uint8_t *p = port->caught[i].data;
		uint16_t flags = ip_u16(p + 6);
		uint32_t at = (flags & IP4_OFFSET) * 8u, head = (p[0] & 15) * 4u;
		assert_true(port->caught[i].len <= mtu);
		assert_int_equal(ip_fold(ip_sum(0, p, head)), 0);
		assert_int_equal(at, len);
		assert_int_equal(!(flags & IP4_MF), i + 1 == port->n);
		memcpy(whole + at, p + head, port->caught[i].len - head);
		len = at + port->caught[i].len - head;
	}
	return len;
}

/* RFC 4301, 8.2.1, case 2 */
static void long_packets_are_cut_before_where_that_was_asked_for(void **state)
{
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[1], *out = &pair->east->clear[0];
	struct rig_sa sa = plain;
	uint8_t p[3000], whole[3000];

	rig_packet(p, here, there, 1, 2, sizeof(p));
	tunnel(pair, &sa);
	rig_clear(pair->west, 0, p, sizeof(p));
	assert_int_equal(wire->n, 1);
	assert_true(wire->caught[0].len > LONGEST); /* who sends it cuts it */
	rig_forget(wire);

	sa.terms.fragment_first = true;
	sa.spi++;
	struct rig_sa in = sa;
	in.in = true;
	in.local = sa.remote;
	in.remote = sa.local;
	assert_int_equal(rig_add(pair->west, &sa), 0);
	assert_int_equal(rig_add(pair->east, &in), 0);
	rig_clear(pair->west, 0, p, sizeof(p));
	rig_carry(pair->west, pair->east);
	assert_int_equal(out->n, 3);
	assert_int_equal(reassembled(out, whole, 1438), sizeof(p) - IP4_HEADER);
	assert_memory_equal(whole, p + IP4_HEADER, sizeof(p) - IP4_HEADER);
	rig_forget(out);

	/* what fits is not touched */
	rig_packet(p, here, there, 1, 2, 1438);
	rig_clear(pair->west, 0, p, 1438);
	rig_carry(pair->west, pair->east);
	assert_int_equal(only(out)->len, 1438);
	rig_forget(out);
}

/* Fragments would not pass an SA for one port, so the packet is left whole. */
static void a_packet_is_not_cut_for_an_sa_that_takes_no_fragments(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = plain;
	uint8_t p[3000];

	sa.local = "10.1.0.0/16[udp]";
	sa.remote = "10.2.0.0/16[udp/2]";
	sa.terms.fragment_first = true;
	tunnel(pair, &sa);
	rig_packet(p, here, there, 1, 2, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	assert_int_equal(pair->west->wire[1].n, 1);
	rig_carry(pair->west, pair->east);
	assert_int_equal(only(&pair->east->clear[0])->len, sizeof(p));
}

/* An ICMP error of from about a packet from src to dst. */
static uint32_t put_error(uint8_t *p, const char *from, const char *src, const char *dst, uint16_t dst_port)
{
	struct rv_addr a = rig_addr(from), b = rig_addr(src);
	uint8_t *icmp = p + IP4_HEADER;

	ip_put_header(p, &a, &b, IP_ICMP, 0, 64, 8 + 28);
	memset(icmp, 0, 8);
	icmp[0] = 3;
	icmp[1] = 1;
	rig_packet(icmp + 8, src, dst, 9, dst_port, 200);
	ip_put16(icmp + 2, ip_fold(ip_sum(0, icmp, 36)));
	return IP4_HEADER + 36;
}

/* RFC 4301, 6.2: an SA for UDP port 2 carries errors about its traffic, from whatever router, and about no other. */
static void errors_go_with_the_traffic_that_they_are_about(void **state)
{
	static const struct {
		const char *what, *from, *src, *dst;
		uint16_t port;
		bool passes;
	} rows[] = {
		{ "about its traffic", "10.1.0.9", "10.2.0.1", "10.1.0.1", 2, true },
		{ "from a router elsewhere", "172.16.0.1", "10.2.0.1", "10.1.0.1", 2, true },
		{ "about another port", "10.1.0.9", "10.2.0.1", "10.1.0.1", 3, false },
		{ "about another net", "10.1.0.9", "10.2.0.1", "10.3.0.1", 2, false },
		{ "about what it never carries", "10.1.0.9", "10.1.0.1", "10.2.0.1", 2, false },
	};
	struct pair *pair = *state;
	struct rig_sa sa = plain, other = plain;
	uint8_t p[300];

	sa.local = "10.1.0.0/16[udp/2]";
	sa.remote = "10.2.0.0/16[udp]";
	tunnel(pair, &sa);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint32_t len = put_error(p, rows[i].from, rows[i].src, rows[i].dst, rows[i].port);
		rig_clear(pair->west, 0, p, len);
		if (pair->west->wire[1].n != rows[i].passes)
			fail_msg("%s: %u", rows[i].what, pair->west->wire[1].n);
		rig_carry(pair->west, pair->east);
		assert_int_equal(pair->east->clear[0].n, rows[i].passes);
		rig_forget(&pair->east->clear[0]);
	}
	/* a peer that sends what it should not is not believed */
	other.spi++;
	other.reqid++;
	other.local = "0.0.0.0/0";
	other.remote = "0.0.0.0/0";
	assert_int_equal(rig_policy(pair->west, other.local, other.remote, RV_TUNNEL, other.reqid, false), 0);
	assert_int_equal(rig_add(pair->west, &other), 0);
	sa.spi = other.spi;
	sa.in = true;
	sa.local = "10.2.0.0/16[udp]";
	sa.remote = "10.1.0.0/16[udp/2]";
	assert_int_equal(rig_add(pair->east, &sa), 0);
	for (size_t i = 2; i < RV_COUNT(rows); i++) {
		rig_clear(pair->west, 0, p, put_error(p, rows[i].from, rows[i].src, rows[i].dst, rows[i].port));
		rig_carry(pair->west, pair->east);
	}
	assert_int_equal(pair->east->clear[0].n, 0);
	assert_int_equal(rig_dropped(pair->east, sa.spi, true, RV_DROP_SELECTOR), RV_COUNT(rows) - 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_dscp_goes_the_way_that_was_asked_for),
		TEST(congestion_is_marked_as_the_rfc_says),
		TEST(a_syn_asks_for_what_the_path_takes),
		TEST(ipv6_has_less_room_for_it),
		TEST(lengths_are_hidden),
		TEST(long_packets_are_cut_before_where_that_was_asked_for),
		TEST(a_packet_is_not_cut_for_an_sa_that_takes_no_fragments),
		TEST(errors_go_with_the_traffic_that_they_are_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-pmtu: the DF bit outside (RFC 4301, 8.1), and what routers say of an SA's path (8.2), true and forged. */
#include "test-rig.h"

#include "icmp.h"

#include <ravelin/loop.h>

enum { LARGE = 1400, QUOTE = 28 };

static const char *const here = "10.1.0.1", *const there = "10.2.0.1";

static struct rv_packet *only(struct rig_port *port)
{
	assert_int_equal(port->n, 1);
	return &port->caught[0];
}

static uint32_t packet_of(uint8_t *p, uint32_t len, bool df)
{
	rig_packet(p, here, there, 1, 2, len);
	if (df) {
		ip_put16(p + 6, IP4_DF);
		ip_put16(p + 10, 0);
		ip_put16(p + 10, ip_fold(ip_sum(0, p, IP4_HEADER)));
	}
	return len;
}

static void the_df_bit_is_cleared_copied_or_set(void **state)
{
	static const struct {
		uint8_t copy;
		bool ah, without, with;
	} rows[] = {
		{ RV_DF_CLEAR, false, false, false }, { RV_DF_COPY, false, false, true },
		{ RV_DF_SET, false, true, true },     { RV_DF_CLEAR, true, false, false },
		{ RV_DF_COPY, true, false, true },    { RV_DF_SET, true, true, true },
	};
	struct pair *pair = *state;
	uint8_t p[100];

	for (uint32_t i = 0; i < RV_COUNT(rows); i++) {
		struct rig_sa sa = plain;
		sa.spi += i;
		sa.terms.copy_df = rows[i].copy;
		sa.ah = rows[i].ah;
		if (sa.ah) {
			sa.proposal = "sha256";
			sa.src = "192.0.2.1";
			sa.dst = "192.0.2.2";
		}
		struct rig_port *wire = &pair->west->wire[sa.ah ? WIRE_AH : WIRE_UDP];
		tunnel(pair, &sa);
		for (int df = 0; df < 2; df++) {
			rig_clear(pair->west, 0, p, packet_of(p, sizeof(p), df));
			bool wanted = df ? rows[i].with : rows[i].without;
			const struct rv_packet *got = only(wire);
			assert_int_equal(sa.ah ? (got->data[6] & 0x40) != 0 : got->df, wanted);
			rig_carry(pair->west, pair->east);
			assert_int_equal(only(&pair->east->clear[0])->len, sizeof(p));
			rig_forget(&pair->east->clear[0]);
		}
		flush_policies(pair->west->u);
		flush_sas(pair->west->u);
		pair->west->n_clear = 0;
	}
}

/* What a router says of the packet that lies in the wire's port 0. */
struct said {
	uint8_t p[8 + QUOTE + 8 + 12];
	size_t len;
};

static void put_quote(struct said *said, const struct rv_packet *packet, uint32_t total, uint16_t mtu)
{
	struct rv_addr src = packet->local, dst = packet->remote;
	uint8_t *ip = said->p + 8;

	memset(said, 0, sizeof(*said));
	said->p[0] = 3;
	said->p[1] = 4;
	ip_put16(said->p + 6, mtu);
	ip_put_header(ip, &src, &dst, IP_UDP, 0, 63, total - IP4_HEADER);
	ip_put16(ip + 20, src.port);
	ip_put16(ip + 22, dst.port);
	ip_put16(ip + 24, total - IP4_HEADER);
	memcpy(ip + QUOTE, packet->data, 8);
	said->len = 8 + QUOTE + 8;
}

static void hear(struct rig *rig, const struct said *said)
{
	struct rv_addr router = rig_addr("198.51.100.1");

	pmtu_heard(rig->u, &router, rv_bytes(said->p, said->len));
}

static uint32_t mtu_of(struct rig *rig, uint32_t spi)
{
	const struct sa *sa = table_get(&rig->u->db.out, spi);

	return lane_path_mtu(rig_lane(rig), atomic_load(&sa->path));
}

/* A tunnel of west's in both directions, and one packet of 1400 octets that went out. */
static void prepare(struct pair *pair, struct said *said, uint16_t mtu)
{
	struct rig_sa in = plain;
	uint8_t p[LARGE];

	tunnel(pair, &plain);
	in.in = true;
	in.src = plain.dst;
	in.dst = plain.src;
	assert_int_equal(rig_add(pair->west, &in), 0);
	rig_clear(pair->west, 0, p, packet_of(p, LARGE, true));
	const struct rv_packet *packet = only(&pair->west->wire[WIRE_UDP]);
	put_quote(said, packet, packet->len + QUOTE, mtu);
	rig_forget(&pair->west->wire[WIRE_UDP]);
}

static void a_router_that_takes_less_is_heard(void **state)
{
	struct pair *pair = *state;
	struct rig *west = pair->west;
	struct rig_port *back = &west->clear[0];
	struct said said;
	uint8_t p[LARGE];

	prepare(pair, &said, 1300);
	hear(west, &said);
	assert_int_equal(mtu_of(west, plain.spi), 1300);
	/* the inbound one, which clamps what comes back, too */
	const struct sa *in = table_get(&west->u->db.in, plain.spi), *out = table_get(&west->u->db.out, plain.spi);
	assert_int_equal(lane_mtu(rig_lane(west), in), lane_mtu(rig_lane(west), out));
	/* case 1: its sender is told (RFC 4301, 8.2.1) */
	rig_clear(west, 0, p, packet_of(p, LARGE, true));
	assert_int_equal(west->wire[WIRE_UDP].n, 0);
	const uint8_t *icmp = only(back)->data + IP4_HEADER;
	assert_int_equal(icmp[0], 3);
	assert_int_equal(icmp[1], 4);
	assert_int_equal(ip_u16(icmp + 6), lane_mtu(rig_lane(west), out));
	assert_true(ip_u16(icmp + 6) < 1300 && ip_u16(icmp + 6) > 1200);
	/* case 2: without DF it goes */
	rig_clear(west, 0, p, packet_of(p, LARGE, false));
	assert_int_equal(west->wire[WIRE_UDP].n, 1);
	rig_forget(&west->wire[WIRE_UDP]);
	/* one that takes even less, and one that takes more again, which nobody may say */
	put_quote(&said,
		  &(struct rv_packet){ .local = rig_addr(plain.src),
				       .remote = rig_addr(plain.dst),
				       .data = (uint8_t[]){ 1, 0x23, 0x45, 0x67, 0, 0, 0, 2 } },
		  1280, 1200);
	hear(west, &said);
	assert_int_equal(mtu_of(west, plain.spi), 1200);
	ip_put16(said.p + 6, 1250);
	hear(west, &said);
	assert_int_equal(mtu_of(west, plain.spi), 1200);
}

static void no_message_lowers_it_below_what_every_path_takes(void **state)
{
	static const struct {
		uint16_t says, becomes;
	} rows[] = { { 1006, 1006 }, { 577, 577 }, { 68, 576 }, { 1, 576 } };
	struct pair *pair = *state;
	struct said said;

	prepare(pair, &said, 0);
	hear(pair->west, &said); /* RFC 1191, 7.1 */
	assert_int_equal(mtu_of(pair->west, plain.spi), 1006);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		ip_put16(said.p + 6, rows[i].says);
		hear(pair->west, &said);
		assert_int_equal(mtu_of(pair->west, plain.spi), rows[i].becomes);
	}
}

/* at: an octet of the message; xor: what is done to it; len: how much comes. */
static const struct {
	const char *what;
	uint8_t at, xor;
	uint8_t len;
} forged[] = {
	{ "another type", 0, 1, 44 },
	{ "another code", 1, 1, 44 },
	{ "from another host", 8 + 15, 1, 44 },
	{ "to another host", 8 + 19, 1, 44 },
	{ "of another protocol", 8 + 9, IP_UDP ^ IP_TCP, 44 },
	{ "raw", 8 + 9, IP_UDP ^ IP_ESP, 44 },
	{ "to another port", 8 + 23, 1, 44 },
	{ "with another SPI", 8 + 31, 1, 44 },
	{ "of a packet that was never sent", 8 + 35, 64, 44 },
	{ "of one long ago", 8 + 33, 0xfe, 44 },
	{ "of a later fragment", 8 + 7, 1, 44 },
	{ "of a packet that is small enough", 8 + 2, 5, 44 },
	{ "of IPv6", 8, 0x20, 44 },
	{ "without the number", 0, 0, 43 },
	{ "without ESP", 0, 0, 36 },
	{ "without a packet", 0, 0, 8 },
	{ "cut short", 0, 0, 7 },
	{ "empty", 0, 0, 0 },
};

static void forgeries_say_nothing(void **state)
{
	struct pair *pair = *state;
	struct said said, bad;

	prepare(pair, &said, 1300);
	for (size_t i = 0; i < RV_COUNT(forged); i++) {
		bad = said;
		bad.p[forged[i].at] ^= forged[i].xor ;
		bad.len = forged[i].len;
		hear(pair->west, &bad);
		if (mtu_of(pair->west, plain.spi) != 1500)
			fail_msg("%s", forged[i].what);
	}
	/* the very message */
	hear(pair->west, &said);
	assert_int_equal(mtu_of(pair->west, plain.spi), 1300);
}

static void a_move_forgets_it(void **state)
{
	struct pair *pair = *state;
	struct rv_addr src = rig_addr(plain.src), dst = rig_addr("192.0.2.9:4500");
	struct rv_call call = { 0 };
	struct said said;

	prepare(pair, &said, 1300);
	hear(pair->west, &said);
	assert_int_equal(pair->west->ops->sa_update(pair->west->self, plain.spi, RV_OUT, NULL, &src, &dst, true, &call),
			 0);
	assert_int_equal(mtu_of(pair->west, plain.spi), 1500);
	hear(pair->west, &said);
	assert_int_equal(mtu_of(pair->west, plain.spi), 1500);
}

/* RFC 4301, 8.2.2 */
static void it_is_forgotten_after_its_time(void **state)
{
	struct pair pair = {
		.west = rig_new_with("ravelin { plugins { kernel-userspace { path_mtu_age = 0.05s } } }"),
		.east = rig_new(),
	};
	struct said said;

	prepare(&pair, &said, 1300);
	hear(pair.west, &said);
	assert_int_equal(mtu_of(pair.west, plain.spi), 1300);
	for (int i = 0; i < 200 && mtu_of(pair.west, plain.spi) != 1500; i++) {
		usleep(5000);
		(void)rv_loop_turn(pair.west->core->loop, 0);
	}
	assert_int_equal(mtu_of(pair.west, plain.spi), 1500);
	const struct sa *in = table_get(&pair.west->u->db.in, plain.spi);
	assert_int_equal(sa_mtu_until(in), 0);
	assert_false(rv_timer_armed(&pair.west->u->mtu_timer));
	rig_free(pair.west);
	rig_free(pair.east);
}

static void messages_are_ignored_where_that_was_asked_for(void **state)
{
	struct pair pair = {
		.west = rig_new_with("ravelin { plugins { kernel-userspace { path_mtu_age = 0 } } }"),
		.east = rig_new(),
	};
	struct said said;

	prepare(&pair, &said, 1300);
	hear(pair.west, &said);
	assert_int_equal(mtu_of(pair.west, plain.spi), 1500);
	rig_free(pair.west);
	rig_free(pair.east);
}

/* IPv6 routers say it with 32 bits, and quote AH as well as ESP. */
static void packets_of_ipv6_and_ah_are_known_again(void **state)
{
	static const uint8_t numbers[] = { 0, 0, 0x10, 1, 0, 0, 0, 9 };
	struct rv_addr src = rig_addr("2001:db8::1"), dst = rig_addr("2001:db8::2");
	struct icmp_report report;
	uint8_t p[8 + IP6_HEADER + 12] = { 2, 0 };

	ip_put32(p + 4, 1300);
	ip_put_header(p + 8, &src, &dst, IP_ESP, 0, 63, 1400);
	memcpy(p + 8 + IP6_HEADER, numbers, sizeof(numbers));
	assert_true(icmp_read_report(&report, RV_IPV6, p, sizeof(p)));
	assert_true(rv_addr_same_ip(&report.src, &src) && rv_addr_same_ip(&report.dst, &dst));
	assert_int_equal(report.spi, 0x1001);
	assert_int_equal(report.sequence, 9);
	assert_int_equal(report.mtu, 1300);
	assert_true(report.protocol == IP_ESP && !report.encap);
	ip_put32(p + 4, 600); /* RFC 8200, 5 */
	assert_true(icmp_read_report(&report, RV_IPV6, p, sizeof(p)));
	assert_int_equal(report.mtu, 1280);
	ip_put32(p + 4, 0xffffffff);
	assert_false(icmp_read_report(&report, RV_IPV6, p, sizeof(p)));

	src = rig_addr("192.0.2.1");
	dst = rig_addr("192.0.2.2");
	memset(p, 0, sizeof(p));
	p[0] = 3;
	p[1] = 4;
	ip_put16(p + 6, 1300);
	ip_put_header(p + 8, &src, &dst, IP_AH, 0, 63, 1400);
	memcpy(p + 8 + IP4_HEADER + 4, numbers, sizeof(numbers));
	assert_true(icmp_read_report(&report, RV_IPV4, p, 8 + IP4_HEADER + 12));
	assert_true(report.spi == 0x1001 && report.sequence == 9 && report.protocol == IP_AH);
	assert_false(icmp_read_report(&report, RV_IPV4, p, 8 + IP4_HEADER + 11));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_df_bit_is_cleared_copied_or_set),
		TEST(a_router_that_takes_less_is_heard),
		TEST(no_message_lowers_it_below_what_every_path_takes),
		TEST(forgeries_say_nothing),
		TEST(a_move_forgets_it),
		cmocka_unit_test(it_is_forgotten_after_its_time),
		cmocka_unit_test(messages_are_ignored_where_that_was_asked_for),
		cmocka_unit_test(packets_of_ipv6_and_ah_are_known_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

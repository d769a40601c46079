// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-fragment: fragments of the clear side: those whose first one says where they go (RFC 4301, 7), and those that
 * are put together for transport mode (RFC 4303, 3.3.4).
 */
#include "test-rig.h"

enum { ROOM = 4096, V6_EXTRA = 8 };

/* Cuts octets from..to behind the base header out of the packet of len octets at p; the fragment's length. */
static uint32_t piece(uint8_t *out, const uint8_t *p, uint32_t len, uint32_t from, uint32_t to, uint32_t id)
{
	bool v6 = p[0] >> 4 == 6;
	uint32_t head = v6 ? IP6_HEADER : (p[0] & 15) * 4u, extra = v6 ? V6_EXTRA : 0;
	bool more = to < len - head;

	memcpy(out, p, head);
	memcpy(out + head + extra, p + head + from, to - from);
	if (v6) {
		memset(out + head, 0, extra);
		out[head] = p[6];
		out[6] = IP_FRAGMENT;
		ip_put16(out + head + 2, from | more);
		ip_put32(out + head + 4, id);
		ip_put16(out + 4, extra + to - from);
	} else {
		ip_put16(out + 2, head + to - from);
		ip_put16(out + 4, id);
		ip_put16(out + 6, from / 8 | (more ? IP4_MF : 0));
		ip_put16(out + 10, 0);
		ip_put16(out + 10, ip_fold(ip_sum(0, out, head)));
	}
	return head + extra + to - from;
}

static const struct family {
	const char *here, *there, *local, *remote;
} families[] = {
	{ "10.1.0.1", "10.2.0.1", "10.1.0.0/16[udp]", "10.2.0.0/16[udp/80]" },
	{ "2001:db8:1::1", "2001:db8:2::1", "2001:db8:1::/48[udp]", "2001:db8:2::/48[udp/80]" },
};

static struct rig_sa narrow_of(const struct family *family, bool agreed)
{
	struct rig_sa sa = plain;

	sa.local = family->local;
	sa.remote = family->remote;
	sa.terms.fragments_also = agreed;
	return sa;
}

static void send_piece(struct rig *rig, const uint8_t *p, uint32_t len, uint32_t from, uint32_t to, uint32_t id)
{
	uint8_t out[ROOM];

	rig_clear(rig, 0, out, piece(out, p, len, from, to, id));
}

static void later_fragments_go_the_way_of_their_first_one(void **state)
{
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[1], *out = &pair->east->clear[0];
	uint8_t p[500], wanted[ROOM];

	for (uint32_t i = 0; i < RV_COUNT(families); i++) {
		struct rig_sa sa = narrow_of(&families[i], true);
		sa.spi += i;
		sa.reqid += i;
		tunnel(pair, &sa);
		uint32_t head = i ? IP6_HEADER : IP4_HEADER, len = sizeof(p);
		rig_packet(p, families[i].here, families[i].there, 9, 80, len);
		send_piece(pair->west, p, len, 0, 160, 77);
		send_piece(pair->west, p, len, 320, len - head, 77);
		send_piece(pair->west, p, len, 160, 320, 77);
		assert_int_equal(wire->n, 3);
		rig_carry(pair->west, pair->east);
		assert_int_equal(out->n, 3);
		for (uint32_t k = 0; k < 3; k++) {
			static const uint32_t from[] = { 0, 320, 160 };
			uint32_t n = piece(wanted, p, len, from[k], k == 1 ? len - head : from[k] + 160, 77);
			assert_int_equal(out->caught[k].len, n);
			assert_memory_equal(out->caught[k].data, wanted, n);
		}
		rig_forget(out);
		/* one of another port never gets in, and neither do those behind it */
		rig_packet(p, families[i].here, families[i].there, 9, 81, len);
		send_piece(pair->west, p, len, 0, 160, 78);
		send_piece(pair->west, p, len, 160, len - head, 78);
		assert_int_equal(wire->n, 0);
		assert_int_equal(pair->west->u->db.dropped[RV_DROP_NO_POLICY], 2 * (i + 1));
	}
}

/* RFC 4301, 7.3: "it MUST NOT send such fragments over the SA", "a receiver MUST discard non-initial fragments" */
static void what_was_not_agreed_on_is_not_done(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = narrow_of(&families[0], false), in = sa;
	uint8_t p[500];

	tunnel(pair, &sa);
	rig_packet(p, families[0].here, families[0].there, 9, 80, sizeof(p));
	send_piece(pair->west, p, sizeof(p), 0, 160, 1);
	send_piece(pair->west, p, sizeof(p), 160, 480, 1);
	assert_int_equal(pair->west->wire[1].n, 1);
	assert_int_equal(rig_dropped(pair->west, sa.spi, false, RV_DROP_FRAGMENT), 1);
	rig_forget(&pair->west->wire[1]);

	/* a peer that does it all the same */
	sa = narrow_of(&families[0], true);
	sa.spi++;
	assert_int_equal(rig_add(pair->west, &sa), 0);
	in.spi = sa.spi;
	in.in = true;
	in.local = sa.remote;
	in.remote = sa.local;
	assert_int_equal(rig_add(pair->east, &in), 0);
	send_piece(pair->west, p, sizeof(p), 0, 160, 2);
	send_piece(pair->west, p, sizeof(p), 160, 480, 2);
	assert_int_equal(pair->west->wire[1].n, 2);
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 1);
	assert_int_equal(rig_dropped(pair->east, in.spi, true, RV_DROP_FRAGMENT), 1);
}

/* The west sends anything; the east has an SA for UDP port 80 and took a first fragment that ends at 160, id 5. */
static uint32_t deceive(struct pair *pair, uint8_t *p, uint32_t len)
{
	struct rig_sa any = plain, in = narrow_of(&families[0], true);

	tunnel(pair, &any);
	in.spi = any.spi + 1;
	in.in = true;
	in.local = families[0].remote;
	in.remote = families[0].local;
	assert_int_equal(rig_add(pair->east, &in), 0);
	any.spi++;
	assert_int_equal(rig_add(pair->west, &any), 0);
	rig_packet(p, families[0].here, families[0].there, 9, 80, len);
	send_piece(pair->west, p, len, 0, 160, 5);
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 1);
	rig_forget(&pair->east->clear[0]);
	return in.spi;
}

static void a_later_fragment_must_be_of_a_first_one_and_behind_it(void **state)
{
	static const struct {
		const char *what, *src;
		uint32_t from, id;
		uint8_t proto;
		bool passes;
	} rows[] = {
		{ "the one that follows", "10.1.0.1", 160, 5, IP_UDP, true },
		{ "one far behind", "10.1.0.1", 400, 5, IP_UDP, true },
		{ "over the end of the first", "10.1.0.1", 152, 5, IP_UDP, false },
		{ "over its header", "10.1.0.1", 8, 5, IP_UDP, false },
		{ "of no first one", "10.1.0.1", 160, 6, IP_UDP, false },
		{ "of another host", "10.1.0.2", 160, 5, IP_UDP, false },
		{ "of another protocol", "10.1.0.1", 160, 5, IP_TCP, false },
	};
	struct pair *pair = *state;
	struct rig_port *out = &pair->east->clear[0];
	uint8_t p[500];
	uint32_t spi = deceive(pair, p, sizeof(p)), refused = 0;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		rig_packet(p, rows[i].src, families[0].there, 9, 80, sizeof(p));
		p[9] = rows[i].proto;
		/* the sender's table must not know better */
		fragments_fini(&rig_lane(pair->west)->out_fragments);
		fragments_init(&rig_lane(pair->west)->out_fragments);
		send_piece(pair->west, p, sizeof(p), rows[i].from, 480, rows[i].id);
		rig_carry(pair->west, pair->east);
		if (out->n != rows[i].passes)
			fail_msg("%s: %u", rows[i].what, out->n);
		refused += !rows[i].passes;
		assert_int_equal(rig_dropped(pair->east, spi, true, RV_DROP_FRAGMENT), refused);
		rig_forget(out);
	}
	/* after a minute it is another packet that has the same identification */
	rig_packet(p, families[0].here, families[0].there, 9, 80, sizeof(p));
	rig_lane(pair->east)->now_us += 60000001;
	send_piece(pair->west, p, sizeof(p), 160, 480, 5);
	rig_carry(pair->west, pair->east);
	assert_int_equal(out->n, 0);
}

/* A first fragment that is too short for ports says nothing about those that follow. */
static void a_tiny_first_fragment_opens_nothing(void **state)
{
	struct pair *pair = *state;
	uint8_t p[500];
	uint32_t spi = deceive(pair, p, sizeof(p));

	p[9] = IP_TCP;
	rig_forget(&pair->east->clear[0]);
	uint8_t first[IP4_HEADER + 3];
	piece(first, p, sizeof(p), 0, 3, 9);
	ip_put16(first + 6, IP4_MF);
	ip_put16(first + 10, 0);
	ip_put16(first + 10, ip_fold(ip_sum(0, first, IP4_HEADER)));
	rig_clear(pair->west, 0, first, sizeof(first));
	send_piece(pair->west, p, sizeof(p), 8, 480, 9);
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 0);
	assert_int_equal(rig_dropped(pair->east, spi, true, RV_DROP_SELECTOR), 1);
	assert_int_equal(rig_dropped(pair->east, spi, true, RV_DROP_FRAGMENT), 1);
}

/* What one peer's SA let in does not open that of another. */
static void a_first_fragment_counts_for_its_own_policy_only(void **state)
{
	struct pair *pair = *state;
	struct rig_sa any = plain, in = narrow_of(&families[0], true);
	uint8_t p[500];

	(void)deceive(pair, p, sizeof(p));
	any.spi += 2;
	in.spi = any.spi;
	in.reqid++;
	in.in = true;
	in.local = families[0].remote;
	in.remote = families[0].local;
	assert_int_equal(rig_add(pair->east, &in), 0);
	assert_int_equal(rig_add(pair->west, &any), 0);
	send_piece(pair->west, p, sizeof(p), 160, 480, 5);
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 0);
	assert_int_equal(rig_dropped(pair->east, in.spi, true, RV_DROP_FRAGMENT), 1);
}

static void a_flood_of_first_fragments_costs_no_memory(void **state)
{
	enum { FLOOD = 20000, STEP = 100 };
	struct pair *pair = *state;
	struct rig_port *out = &pair->east->clear[0];
	uint8_t p[200];
	uint32_t spi = deceive(pair, p, sizeof(p));

	for (uint32_t i = 0; i < FLOOD; i++) {
		ip_put32(p + 12, 0x0a010000 | i / 250 << 8 | (i % 250 + 1));
		send_piece(pair->west, p, sizeof(p), 0, 160, i);
		rig_lane(pair->east)->now_us++;
		rig_lane(pair->west)->now_us++;
		if (i % STEP == STEP - 1) {
			rig_carry(pair->west, pair->east);
			rig_forget(out);
		}
	}
	/* the newest is known, and the oldest is not */
	send_piece(pair->west, p, sizeof(p), 160, 180, FLOOD - 1);
	rig_carry(pair->west, pair->east);
	assert_int_equal(out->n, 1);
	ip_put32(p + 12, 0x0a010001);
	send_piece(pair->west, p, sizeof(p), 160, 180, 0);
	rig_carry(pair->west, pair->east);
	assert_int_equal(out->n, 1);
	assert_int_equal(rig_dropped(pair->east, spi, true, RV_DROP_FRAGMENT), 1);
}

static void fragments_pass_selectors_without_ports_only(void **state)
{
	struct pair *pair = *state;
	struct rig_sa narrow = plain;
	uint8_t p[60];

	tunnel(pair, &plain);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 80, 60);
	ip_put16(p + 6, 100); /* offset */
	rig_clear(pair->west, 0, p, 60);
	assert_int_equal(pair->west->wire[1].n, 1);
	narrow.local = "10.3.0.0/16";
	narrow.remote = "10.4.0.0/16[udp/80]";
	narrow.reqid = 11;
	narrow.spi = 0x4444;
	tunnel(pair, &narrow);
	rig_packet(p, "10.3.0.1", "10.4.0.1", 1, 80, 60);
	rig_clear(pair->west, 0, p, 60);
	assert_int_equal(pair->west->wire[1].n, 2);
	ip_put16(p + 6, 100);
	rig_clear(pair->west, 0, p, 60);
	assert_int_equal(pair->west->wire[1].n, 2);
	assert_int_equal(pair->west->u->db.dropped[RV_DROP_NO_POLICY], 1);
	ip_put16(p + 6, 0x2000); /* the first fragment has ports */
	rig_clear(pair->west, 0, p, 60);
	assert_int_equal(pair->west->wire[1].n, 3);
}

/* RFC 8200, 4.1: one fragment header at most, so that a packet cannot be in two states at once. */
static void a_fragment_of_a_fragment_is_malformed(void **state)
{
	struct pair *pair = *state;
	uint8_t p[200], once[ROOM], twice[ROOM];
	struct ip_info info;

	rig_packet(p, families[1].here, families[1].there, 9, 80, sizeof(p));
	uint32_t len = piece(once, p, sizeof(p), 0, 80, 1);
	assert_true(ip_parse(&info, once, len) && info.fragment == IP_FIRST);
	len = piece(twice, once, len, 0, 40, 2);
	assert_false(ip_parse(&info, twice, len));
	rig_forget(&pair->west->wire[1]);
}

/* Transport mode */

static const struct family hosts[] = {
	{ "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2" },
	{ "2001:db8::1", "2001:db8::2", "2001:db8::1", "2001:db8::2" },
};

static struct rig_sa transport_of(const struct family *family, uint32_t i)
{
	struct rig_sa sa = plain;

	sa.transport = true;
	sa.local = family->local;
	sa.remote = family->remote;
	sa.spi += i;
	sa.reqid += i;
	if (family->local[0] == '2') {
		sa.src = "[2001:db8::1]:4500";
		sa.dst = "[2001:db8::2]:4500";
	}
	return sa;
}

/* The datagram of len octets arrives whole at the east. */
static void arrives(struct pair *pair, const uint8_t *p, uint32_t len)
{
	struct rig_port *wire = &pair->west->wire[1], *out = &pair->east->clear[0];
	uint32_t head = p[0] >> 4 == 6 ? IP6_HEADER : (p[0] & 15) * 4u;
	struct ip_info info;

	assert_int_equal(wire->n, 1);
	rig_carry(pair->west, pair->east);
	assert_int_equal(out->n, 1);
	const uint8_t *got = out->caught[0].data;
	assert_true(ip_parse(&info, got, out->caught[0].len));
	assert_int_equal(info.fragment, IP_WHOLE);
	assert_int_equal(info.len - info.base_len, len - head);
	assert_memory_equal(got + info.base_len, p + head, len - head);
	rig_forget(out);
}

/* Its four parts in this order, the second one twice, which does no harm. */
static void send_parts(struct pair *pair, const uint8_t *p, uint32_t len, const uint8_t order[4], uint32_t id)
{
	uint32_t head = p[0] >> 4 == 6 ? IP6_HEADER : IP4_HEADER;

	for (uint32_t k = 0; k < 4; k++) {
		uint32_t from = order[k] * 800u, to = from + 800 < len - head ? from + 800 : len - head;
		assert_int_equal(pair->west->wire[1].n, 0);
		send_piece(pair->west, p, len, from, to, id);
		if (k == 1)
			send_piece(pair->west, p, len, from, to, id);
	}
}

static void transport_mode_puts_together_what_was_cut(void **state)
{
	static const uint8_t orders[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 }, { 0, 3, 2, 1 } };
	struct pair *pair = *state;
	uint8_t p[3000];

	for (uint32_t i = 0; i < RV_COUNT(hosts); i++) {
		struct rig_sa sa = transport_of(&hosts[i], i);
		tunnel(pair, &sa);
		rig_packet(p, hosts[i].here, hosts[i].there, 9, 80, sizeof(p));
		for (uint32_t o = 0; o < RV_COUNT(orders); o++) {
			send_parts(pair, p, sizeof(p), orders[o], o);
			arrives(pair, p, sizeof(p));
		}
	}
	for (int cause = 0; cause < RV_N_DROPS; cause++)
		assert_int_equal(pair->west->u->db.dropped[cause], 0);
}

/* With ports in the selectors, they are known by the first fragment. */
static void transport_mode_judges_the_whole(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = transport_of(&hosts[0], 0);
	uint8_t p[1000];

	sa.remote = "192.0.2.2[udp/80]";
	tunnel(pair, &sa);
	rig_packet(p, hosts[0].here, hosts[0].there, 9, 80, sizeof(p));
	send_piece(pair->west, p, sizeof(p), 0, 400, 1);
	send_piece(pair->west, p, sizeof(p), 400, sizeof(p) - IP4_HEADER, 1);
	arrives(pair, p, sizeof(p));
	rig_packet(p, hosts[0].here, hosts[0].there, 9, 81, sizeof(p));
	send_piece(pair->west, p, sizeof(p), 0, 400, 2);
	send_piece(pair->west, p, sizeof(p), 400, sizeof(p) - IP4_HEADER, 2);
	assert_int_equal(pair->west->wire[1].n, 0);
}

static void the_largest_datagram_is_put_together(void **state)
{
	enum { LEN = 65000, STEP = 1480 };
	struct pair *pair = *state;
	struct rig_sa sa = transport_of(&hosts[0], 0);
	uint8_t *p = calloc(1, LEN);

	tunnel(pair, &sa);
	assert_non_null(p);
	rig_packet(p, hosts[0].here, hosts[0].there, 9, 80, LEN);
	for (uint32_t at = 0; at < LEN - IP4_HEADER; at += STEP)
		send_piece(pair->west, p, LEN, at, at + STEP < LEN - IP4_HEADER ? at + STEP : LEN - IP4_HEADER, 1);
	arrives(pair, p, LEN);
	free(p);
}

static void ah_is_of_whole_packets_too(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = transport_of(&hosts[0], 0);
	uint8_t p[1000];

	sa.ah = true;
	sa.proposal = "sha256";
	sa.src = "192.0.2.1";
	sa.dst = "192.0.2.2";
	tunnel(pair, &sa);
	rig_packet(p, hosts[0].here, hosts[0].there, 9, 80, sizeof(p));
	send_piece(pair->west, p, sizeof(p), 0, 400, 1);
	send_piece(pair->west, p, sizeof(p), 400, sizeof(p) - IP4_HEADER, 1);
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 1);
	assert_int_equal(pair->east->clear[0].caught[0].len, sizeof(p));
}

static const struct {
	const char *what;
	struct {
		uint32_t from, to;
	} pieces[4];
	bool v6;
} bad[] = {
	{ "over the one before", { { 0, 400 }, { 392, 980 } }, false },
	{ "over the header", { { 0, 400 }, { 400, 800 }, { 8, 16 } }, true },
	{ "one inside of another", { { 400, 800 }, { 480, 488 } }, false },
	{ "two ends", { { 800, 980 }, { 400, 980 } }, false },
	{ "no multiple of eight", { { 0, 401 } }, false },
	{ "nothing in it", { { 400, 400 } }, false },
};

static void what_does_not_go_together_is_dropped(void **state)
{
	struct pair *pair = *state;
	uint8_t p[1000 + IP6_HEADER];

	for (uint32_t i = 0; i < RV_COUNT(hosts); i++) {
		struct rig_sa sa = transport_of(&hosts[i], i);
		tunnel(pair, &sa);
	}
	for (uint32_t i = 0; i < RV_COUNT(bad); i++) {
		const struct family *f = &hosts[bad[i].v6];
		uint32_t len = 980 + (bad[i].v6 ? IP6_HEADER : IP4_HEADER);
		rig_packet(p, f->here, f->there, 9, 80, len);
		for (size_t k = 0; k < 4 && bad[i].pieces[k].to; k++) {
			if (k) /* what overlaps says something else */
				memset(p + len - 980 + 8, (int)k, 900);
			send_piece(pair->west, p, len, bad[i].pieces[k].from, bad[i].pieces[k].to, i);
		}
		if (pair->west->u->db.dropped[RV_DROP_FRAGMENT] != i + 1)
			fail_msg("%s: %u", bad[i].what, (unsigned)pair->west->u->db.dropped[RV_DROP_FRAGMENT]);
	}
	assert_int_equal(pair->west->wire[1].n, 0);
}

/* More octets than a packet has: the ping of death. */
static void a_datagram_ends_where_packets_end(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = transport_of(&hosts[0], 0);
	uint8_t p[100];

	tunnel(pair, &sa);
	rig_packet(p, hosts[0].here, hosts[0].there, 9, 80, sizeof(p));
	ip_put16(p + 6, 0x1fff);
	rig_clear(pair->west, 0, p, sizeof(p));
	assert_int_equal(pair->west->u->db.dropped[RV_DROP_FRAGMENT], 1);
}

static void halves_give_way_and_grow_old(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = transport_of(&hosts[0], 0);
	struct lane *lane = rig_lane(pair->west);
	_Atomic uint64_t *dropped = &pair->west->u->db.dropped[RV_DROP_FRAGMENT];
	uint8_t p[1000];
	uint32_t end = sizeof(p) - IP4_HEADER;

	tunnel(pair, &sa);
	rig_packet(p, hosts[0].here, hosts[0].there, 9, 80, sizeof(p));
	for (uint32_t id = 1; id <= DATAGRAMS + 1; id++) {
		lane->now_us++;
		send_piece(pair->west, p, sizeof(p), 0, 400, id);
	}
	assert_int_equal(*dropped, 1); /* the first had to go */
	send_piece(pair->west, p, sizeof(p), 400, end, DATAGRAMS + 1);
	arrives(pair, p, sizeof(p));
	send_piece(pair->west, p, sizeof(p), 400, end, 2);
	arrives(pair, p, sizeof(p));
	lane->now_us += 60000001;
	send_piece(pair->west, p, sizeof(p), 400, end, 3);
	assert_int_equal(pair->west->wire[1].n, 0);
	assert_int_equal(*dropped, 1 + DATAGRAMS - 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(later_fragments_go_the_way_of_their_first_one),
		TEST(what_was_not_agreed_on_is_not_done),
		TEST(a_later_fragment_must_be_of_a_first_one_and_behind_it),
		TEST(a_tiny_first_fragment_opens_nothing),
		TEST(a_first_fragment_counts_for_its_own_policy_only),
		TEST(a_flood_of_first_fragments_costs_no_memory),
		TEST(fragments_pass_selectors_without_ports_only),
		TEST(a_fragment_of_a_fragment_is_malformed),
		TEST(transport_mode_puts_together_what_was_cut),
		TEST(transport_mode_judges_the_whole),
		TEST(the_largest_datagram_is_put_together),
		TEST(ah_is_of_whole_packets_too),
		TEST(what_does_not_go_together_is_dropped),
		TEST(a_datagram_ends_where_packets_end),
		TEST(halves_give_way_and_grow_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ah: the Authentication Header (RFC 4302) through two kernels without threads, and what its ICV covers. */
#include "test-rig.h"

#include "ah.h"
#include "resync.h"

static const struct rig_sa authentic = { .proposal = "sha256",
					 .src = "192.0.2.1",
					 .dst = "192.0.2.2",
					 .local = "10.1.0.0/16",
					 .remote = "10.2.0.0/16",
					 .spi = 0x1234567,
					 .reqid = 7,
					 .window = 64,
					 .ah = true };

enum { LONGEST = 1500 };

static void every_combination_carries_a_packet(void **state)
{
	static const char *const proposals[] = { "sha1",    "sha256",	  "sha384",	"sha512",
						 "aesxcbc", "aes128gmac", "aes192gmac", "aes256gmac" };
	static const uint32_t icvs[] = { 12, 16, 24, 32, 12, 24, 24, 24 }; /* with IV */
	static const struct {
		const char *what, *src, *dst, *local, *remote;
		bool transport;
	} rows[] = {
		{ "4 in 4", "192.0.2.1", "192.0.2.2", "10.1.0.1", "10.2.0.1", false },
		{ "6 in 4", "192.0.2.1", "192.0.2.2", "2001:db8:1::1", "2001:db8:2::1", false },
		{ "4 in 6", "2001:db8::1", "2001:db8::2", "10.1.0.1", "10.2.0.1", false },
		{ "6 in 6", "2001:db8::1", "2001:db8::2", "2001:db8:1::1", "2001:db8:2::1", false },
		{ "4 transport", "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2", true },
		{ "6 transport", "2001:db8::1", "2001:db8::2", "2001:db8::1", "2001:db8::2", true },
	};
	struct pair *pair = *state;
	struct rig_port *out = &pair->east->clear[0], *wire = &pair->west->wire[WIRE_AH];
	uint8_t p[100];

	for (size_t i = 0; i < RV_COUNT(rows) * RV_COUNT(proposals) * 2; i++) {
		size_t row = i / 2 / RV_COUNT(proposals), which = i / 2 % RV_COUNT(proposals);
		bool v6 = rows[row].src[4] == ':';
		struct rig_sa sa = authentic;
		sa.proposal = proposals[which];
		sa.src = rows[row].src;
		sa.dst = rows[row].dst;
		sa.local = rows[row].local;
		sa.remote = rows[row].remote;
		sa.transport = rows[row].transport;
		sa.spi += (uint32_t)i;
		sa.esn = i & 1;
		tunnel(pair, &sa);
		for (uint32_t len = 48; len < 56; len++) {
			uint32_t header = (AH_HEADER + icvs[which] + (v6 ? 7 : 3)) / (v6 ? 8 : 4) * (v6 ? 8 : 4);
			uint32_t outer = rows[row].transport ? 0 : v6 ? IP6_HEADER : IP4_HEADER;
			rig_packet(p, rows[row].local, rows[row].remote, 1000, 2000, len);
			rig_clear(pair->west, 0, p, len);
			assert_int_equal(wire->n, 1);
			assert_int_equal(wire->caught[0].len, len + header + outer);
			rig_carry(pair->west, pair->east);
			if (out->n != 1 || out->caught[0].len != len)
				fail_msg("%s, %s, ESN %d, %u octets", rows[row].what, sa.proposal, sa.esn, len);
			if (!v6 && sa.transport) /* it had no identification, and has one now */
				memcpy(out->caught[0].data + 4, p + 4, 8);
			assert_memory_equal(out->caught[0].data, p, len);
			rig_forget(out);
		}
		flush_policies(pair->west->u);
		flush_sas(pair->west->u);
		flush_sas(pair->east->u);
		pair->west->n_clear = pair->east->n_clear = 0;
	}
}

/* RFC 4302, 2: next header, length in words less 2, reserved, SPI, number, ICV; the outer protocol is 51. */
static void the_header_is_as_the_rfc_draws_it(void **state)
{
	static const uint8_t zero[2] = { 0 };
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[WIRE_AH];
	struct ip_info info;
	uint8_t p[60];

	tunnel(pair, &authentic);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, sizeof(p));
	ip_set_tos(p, RV_IPV4, 0xb8);
	for (uint32_t i = 0; i < 2; i++)
		rig_clear(pair->west, 0, p, sizeof(p));
	const uint8_t *q = wire->caught[1].data, *ah = q + IP4_HEADER;
	assert_true(ip_parse(&info, q, wire->caught[1].len));
	assert_int_equal(q[9], IP_AH);
	assert_int_equal(q[1], 0xb8);
	assert_int_not_equal(ip_u16(q + 4), 0);
	assert_int_not_equal(ip_u16(q + 4), ip_u16(wire->caught[0].data + 4));
	assert_int_equal(ip_fold(ip_sum(0, q, IP4_HEADER)), 0);
	assert_int_equal(info.len, wire->caught[1].len);
	assert_int_equal(ah[0], IP_IPV4);
	assert_int_equal(ah[1], 28 / 4 - 2);
	assert_memory_equal(ah + 2, zero, sizeof(zero));
	assert_int_equal(ip_u32(ah + 4), authentic.spi);
	assert_int_equal(ip_u32(ah + 8), 2);
	assert_memory_equal(ah + 28, p, sizeof(p));
}

/* Whole packets, computed from RFC 4543, 4 with another implementation (Python's cryptography): the IV opens the ICV's
 * field and is covered, the ICV counts as zero, the high half of the number stands behind the packet. RFC 4302, 2.6:
 * padding in IPv6, which makes 40 octets of the 36. */
static const struct {
	const char *proposal, *src, *dst, *local, *remote;
	uint64_t sequence;
	uint32_t len;
	bool esn;
	const char *wire;
} known[] = {
	{ "aes128gmac", "192.0.2.1", "192.0.2.2", "10.1.0.1", "10.2.0.1", 6, 40, false,
	  "45000060000800004033f65fc0000201c00002020407000001234567000000070000000000000007"
	  "7386adc11de978d858a94065f608090e4500002800000000401166c10a0100010a02000103e807d0"
	  "001497c1616161616161616161616161" },
	{ "aes256gmac", "2001:db8::1", "2001:db8::2", "2001:db8:1::1", "2001:db8:2::1", UINT64_C(0x500000006), 60, true,
	  "600000000064334020010db800000000000000000000000120010db8000000000000000000000002"
	  "29080000012345670000000700000005000000071c22fcdfc014aec2e096059f1a65264500000000"
	  "600000000014114020010db800010000000000000000000120010db8000200000000000000000001"
	  "03e807d00014504f616161616161616161616161" },
};

static void packets_with_gmac_are_those_of_another_implementation(void **state)
{
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[WIRE_AH], *out = &pair->east->clear[0];
	uint8_t p[64], want[160];

	for (size_t i = 0; i < RV_COUNT(known); i++) {
		struct rig_sa sa = authentic;
		sa.proposal = known[i].proposal;
		sa.src = known[i].src;
		sa.dst = known[i].dst;
		sa.local = known[i].local;
		sa.remote = known[i].remote;
		sa.sequence = known[i].sequence;
		sa.esn = known[i].esn;
		tunnel(pair, &sa);
		rig_packet(p, known[i].local, known[i].remote, 1000, 2000, known[i].len);
		rig_clear(pair->west, 0, p, known[i].len);
		assert_int_equal(wire->caught[0].len, test_hex(known[i].wire, want, sizeof(want)));
		assert_memory_equal(wire->caught[0].data, want, wire->caught[0].len);
		rig_carry(pair->west, pair->east);
		assert_int_equal(out->n, 1);
		assert_memory_equal(out->caught[0].data, p, known[i].len);
		rig_forget(out);
		flush_policies(pair->west->u);
		flush_sas(pair->west->u);
		flush_sas(pair->east->u);
		pair->west->n_clear = pair->east->n_clear = 0;
	}
}

struct muted {
	const char *what;
	bool ok;
	uint32_t len;
	uint8_t in[96], out[96];
};

#define V4(ihl) 0x40 | (ihl), 0xff, 1, 2, 3, 4, 0x40, 0, 63, 51, 9, 9, 192, 0, 2, 1, 192, 0, 2, 2
#define V4_MUTED(ihl) 0x40 | (ihl), 0, 1, 2, 3, 4, 0, 0, 0, 51, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2

/* RFC 4302, A1 */
static const struct muted rows4[] = {
	{ "no options", true, 20, { V4(5) }, { V4_MUTED(5) } },
	{ "security is kept", true, 24, { V4(6), 130, 4, 1, 2 }, { V4_MUTED(6), 130, 4, 1, 2 } },
	{ "extended security", true, 24, { V4(6), 133, 4, 1, 2 }, { V4_MUTED(6), 133, 4, 1, 2 } },
	{ "commercial security", true, 24, { V4(6), 134, 4, 1, 2 }, { V4_MUTED(6), 134, 4, 1, 2 } },
	{ "router alert", true, 24, { V4(6), 148, 4, 0, 0 }, { V4_MUTED(6), 148, 4, 0, 0 } },
	{ "several destinations", true, 24, { V4(6), 149, 4, 5, 6 }, { V4_MUTED(6), 149, 4, 5, 6 } },
	{ "no operation and end", true, 24, { V4(6), 1, 1, 0, 9 }, { V4_MUTED(6), 1, 1, 0, 9 } },
	{ "record route", true, 28, { V4(7), 7, 7, 4, 1, 2, 3, 4, 0 }, { V4_MUTED(7), 0, 0, 0, 0, 0, 0, 0, 0 } },
	{ "time stamp", true, 24, { V4(6), 68, 4, 5, 0 }, { V4_MUTED(6), 0, 0, 0, 0 } },
	{ "stream", true, 24, { V4(6), 136, 4, 5, 6 }, { V4_MUTED(6), 0, 0, 0, 0 } },
	{ "one that nobody knows", true, 24, { V4(6), 0x5e, 4, 5, 6 }, { V4_MUTED(6), 0, 0, 0, 0 } },
	{ "loose source route with a hop left",
	  true,
	  32,
	  { V4(8), 131, 11, 4, 10, 0, 0, 1, 10, 0, 0, 2, 1 },
	  { 0x48, 0, 1, 2, 3, 4, 0, 0, 0, 51, 0, 0, 192, 0, 2, 1, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } },
	{ "strict source route, used up",
	  true,
	  28,
	  { V4(7), 137, 7, 8, 10, 0, 0, 1, 0 },
	  { V4_MUTED(7), 0, 0, 0, 0, 0, 0, 0, 0 } },
	{ "an option cut short", false, 24, { V4(6), 130, 5, 1, 2 }, { 0 } },
	{ "an option of no length", false, 24, { V4(6), 130, 0, 1, 2 }, { 0 } },
	{ "an option of length 1", false, 24, { V4(6), 7, 1, 1, 2 }, { 0 } },
	{ "a type and no length", false, 24, { V4(6), 1, 1, 1, 130 }, { 0 } },
	{ "half an address", false, 28, { V4(7), 131, 8, 4, 10, 0, 0, 1, 1 }, { 0 } },
};

#define A16(x) 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, x
#define V6(next, to) 0x6f, 0xab, 0xcd, 0xef, 0, 99, next, 63, A16(1), A16(to)
#define V6_MUTED(next, to) 0x60, 0, 0, 0, 0, 99, next, 0, A16(1), A16(to)

/* RFC 4302, A2 */
static const struct muted rows6[] = {
	{ "alone", true, 40, { V6(51, 2) }, { V6_MUTED(51, 2) } },
	{ "an option that stays",
	  true,
	  48,
	  { V6(0, 2), 51, 0, 5, 2, 7, 8, 0, 0 },
	  { V6_MUTED(0, 2), 51, 0, 5, 2, 7, 8 } },
	{ "an option that may change",
	  true,
	  48,
	  { V6(0, 2), 51, 0, 0x3e, 3, 7, 8, 9, 0 },
	  { V6_MUTED(0, 2), 51, 0, 0x3e, 3, 0, 0, 0, 0 } },
	{ "destination options, padding, both kinds",
	  true,
	  56,
	  { V6(60, 2), 51, 1, 1, 2, 5, 6, 0x25, 1, 7, 5, 1, 7, 0, 0, 1, 0 },
	  { V6_MUTED(60, 2), 51, 1, 1, 2, 5, 6, 0x25, 1, 0, 5, 1, 7, 0, 0, 1, 0 } },
	{ "a route with two hops left",
	  true,
	  80,
	  { V6(43, 2), 51, 4, 0, 2, 0, 0, 0, 0, A16(3), A16(4) },
	  { V6_MUTED(43, 4), 51, 4, 0, 0, 0, 0, 0, 0, A16(2), A16(3) } },
	{ "a route with one of two hops left",
	  true,
	  80,
	  { V6(43, 3), 51, 4, 0, 1, 0, 0, 0, 0, A16(2), A16(4) },
	  { V6_MUTED(43, 4), 51, 4, 0, 0, 0, 0, 0, 0, A16(2), A16(3) } },
	{ "a route that was walked",
	  true,
	  64,
	  { V6(43, 2), 51, 2, 0, 0, 0, 0, 0, 0, A16(3) },
	  { V6_MUTED(43, 2), 51, 2, 0, 0, 0, 0, 0, 0, A16(3) } },
	{ "the way home",
	  true,
	  64,
	  { V6(43, 2), 51, 2, 2, 1, 0, 0, 0, 0, A16(3) },
	  { V6_MUTED(43, 3), 51, 2, 2, 0, 0, 0, 0, 0, A16(2) } },
	{ "more hops than addresses", false, 64, { V6(43, 2), 51, 2, 0, 2, 0, 0, 0, 0, A16(3) }, { 0 } },
	{ "a kind of route that nobody knows", false, 64, { V6(43, 2), 51, 2, 9, 1, 0, 0, 0, 0, A16(3) }, { 0 } },
	{ "half an address", false, 56, { V6(43, 2), 51, 1, 0, 1 }, { 0 } },
	{ "a header cut short", false, 48, { V6(0, 2), 51, 1, 5, 2, 7, 8 }, { 0 } },
	{ "an option cut short", false, 48, { V6(0, 2), 51, 0, 5, 5, 7, 8 }, { 0 } },
	{ "a type and no length", false, 48, { V6(0, 2), 51, 0, 1, 3, 0, 0, 0, 5 }, { 0 } },
};

static void check_muted(const struct muted *row)
{
	uint8_t *headers = malloc(row->len);

	assert_non_null(headers);
	memcpy(headers, row->in, row->len);
	if (ah_mute(headers, row->len) != row->ok || (row->ok && memcmp(headers, row->out, row->len)))
		fail_msg("%s", row->what);
	free(headers);
}

static void the_icv_covers_what_does_not_change(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows4); i++)
		check_muted(&rows4[i]);
	for (size_t i = 0; i < RV_COUNT(rows6); i++)
		check_muted(&rows6[i]);
}

/* Transport mode: headers of a packet from one of the rows, in front of UDP. */
static uint32_t put_packet(uint8_t *p, const struct muted *row)
{
	bool v6 = row->in[0] >> 4 == RV_IPV6;
	uint32_t len = row->len + 40;
	struct ip_info info;

	memcpy(p, row->in, row->len);
	memset(p + row->len, 0x61, 40);
	if (v6) {
		p[row->len > IP6_HEADER ? IP6_HEADER : 6] = IP_UDP;
		ip_put16(p + 4, len - IP6_HEADER);
	} else {
		p[9] = IP_UDP;
		ip_put16(p + 2, len);
		ip_put16(p + 10, 0);
		ip_put16(p + 10, ip_fold(ip_sum(0, p, row->len)));
	}
	assert_true(ip_parse(&info, p, len));
	return len;
}

static void headers_come_out_as_they_went_in(void **state)
{
	static const char *const pairs[2][2] = { { "192.0.2.1", "192.0.2.2" }, { "2001:db8::1", "2001:db8::2" } };
	struct pair *pair = *state;
	struct rig_port *out = &pair->east->clear[0];
	uint8_t p[200];

	for (int v6 = 0; v6 < 2; v6++) {
		struct rig_sa sa = authentic;
		sa.spi += (uint32_t)v6;
		sa.reqid += (uint32_t)v6;
		sa.transport = true;
		sa.src = sa.local = pairs[v6][0];
		sa.dst = sa.remote = pairs[v6][1];
		tunnel(pair, &sa);
		for (size_t i = 0; i < (v6 ? RV_COUNT(rows6) : RV_COUNT(rows4)); i++) {
			const struct muted *row = v6 ? &rows6[i] : &rows4[i];
			uint8_t last = row->in[v6 ? 39 : 19];
			/* routes with hops left go elsewhere first */
			if (!row->ok || last != 2 || row->in[6] == IP_ROUTING)
				continue;
			uint32_t len = put_packet(p, row);
			rig_clear(pair->west, 0, p, len);
			rig_carry(pair->west, pair->east);
			if (out->n != 1 || out->caught[0].len != len || memcmp(out->caught[0].data, p, len))
				fail_msg("%s: %u", row->what, out->n);
			rig_forget(out);
		}
	}
}

/* What stands behind AH in IPv6: destination options, and no fragment header that says nothing (RFC 4302, A2). */
static void extension_headers_stand_on_their_side(void **state)
{
	static const uint8_t in[] = { V6(0, 2), 60, 0, 5, 2, 7, 8, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0 };
	static const uint8_t fragment[] = { 17, 0, 0, 0, 1, 2, 3, 4 };
	struct pair *pair = *state;
	struct rig_sa sa = authentic;
	struct rig_port *wire = &pair->west->wire[WIRE_AH], *out = &pair->east->clear[0];
	uint8_t p[200];
	struct ip_info info;

	sa.transport = true;
	sa.src = sa.local = "2001:db8::1";
	sa.dst = sa.remote = "2001:db8::2";
	tunnel(pair, &sa);
	memcpy(p, in, sizeof(in));
	memcpy(p + sizeof(in), fragment, 8);
	memset(p + sizeof(in) + 8, 0x61, 40);
	uint32_t len = sizeof(in) + 48;
	ip_put16(p + 4, len - IP6_HEADER);
	assert_true(ip_parse(&info, p, len) && info.fragment == IP_WHOLE);
	rig_clear(pair->west, 0, p, len);
	const uint8_t *q = wire->caught[0].data;
	assert_int_equal(wire->n, 1);
	assert_int_equal(q[6], IP_HOPOPTS);
	assert_int_equal(q[40], IP_AH);
	assert_int_equal(q[48], IP_DSTOPTS);
	rig_carry(pair->west, pair->east);
	assert_int_equal(out->n, 1);
	assert_memory_equal(out->caught[0].data, p, len);

	/* a fragment header with nothing to say right behind what stays in front */
	rig_forget(out);
	memcpy(p, in, 48);
	p[40] = IP_FRAGMENT;
	memcpy(p + 48, fragment, 8);
	memset(p + 56, 0x61, 40);
	ip_put16(p + 4, 96 - IP6_HEADER);
	rig_clear(pair->west, 0, p, 96);
	assert_int_equal(wire->n, 1);
	assert_int_equal(wire->caught[0].data[48], IP_UDP);
	rig_carry(pair->west, pair->east);
	assert_int_equal(out->n, 1);
	assert_int_equal(out->caught[0].len, 88);
	assert_int_equal(out->caught[0].data[40], IP_UDP);
}

/* Every octet of a packet in turn is changed on the way; what routers may change passes. */
static void forge(struct pair *pair, const char *proposal)
{
	struct rig_sa sa = authentic;
	struct rig_port *wire = &pair->west->wire[WIRE_AH], *out = &pair->east->clear[0];
	uint8_t p[200];
	unsigned passed = 0;
	uint32_t len = 0;

	sa.proposal = proposal;
	sa.transport = true;
	sa.src = sa.local = "192.0.2.1";
	sa.dst = sa.remote = "192.0.2.2";
	tunnel(pair, &sa);
	for (uint32_t i = 0; i == 0 || i < len; i++) {
		rig_clear(pair->west, 0, p, put_packet(p, &rows4[7])); /* record route */
		len = wire->caught[0].len;
		wire->caught[0].data[i] ^= i == 6 ? 0x40 : 1;
		rig_carry(pair->west, pair->east);
		bool mutable = i == 1 || i == 6 || i == 8 || i == 10 || i == 11 || (i >= 20 && i < 28);
		/* the length of an option must stay, and what may change in it has no meaning here */
		if (i != 20 && i != 21 && i != 27 && out->n != mutable)
			fail_msg("octet %u: %u came through", i, out->n);
		passed += out->n;
		rig_forget(out);
	}
	assert_true(passed >= 10);
	assert_true(rig_dropped(pair->east, sa.spi, true, RV_DROP_INTEGRITY) > 40);
	assert_int_equal(pair->east->u->db.dropped[RV_DROP_FRAGMENT], 1); /* octet 7: an offset */
}

static void forgeries_are_dropped_and_changes_on_the_way_are_not(void **state)
{
	forge(*state, "sha256");
}

static void the_same_with_gmac(void **state)
{
	forge(*state, "aes192gmac");
}

static void replays_are_dropped_and_counted(void **state)
{
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[WIRE_AH], *out = &pair->east->clear[0];
	struct rig_port kept;
	uint8_t p[60];

	tunnel(pair, &authentic);
	for (int i = 0; i < 70; i++) {
		rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, sizeof(p));
		rig_clear(pair->west, 0, p, sizeof(p));
	}
	kept = *wire;
	rig_carry(pair->west, pair->east);
	assert_int_equal(out->n, 70);
	for (unsigned i = 0; i < kept.n; i++) {
		struct rv_packet *packet = &kept.caught[i];
		lane_ah(rig_lane(pair->east), &packet, 1);
	}
	assert_int_equal(out->n, 70);
	assert_int_equal(rig_dropped(pair->east, authentic.spi, true, RV_DROP_REPLAY), 70);
}

/* RFC 4302, 2.5.1: the high half counts for the ICV and is not sent. */
static void cross(struct pair *pair, const char *proposal)
{
	struct rig_sa sa = authentic;
	uint8_t p[60];

	sa.proposal = proposal;
	sa.esn = true;
	sa.sequence = UINT32_MAX - 2;
	tunnel(pair, &sa);
	for (int i = 0; i < 6; i++) {
		rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, sizeof(p));
		rig_clear(pair->west, 0, p, sizeof(p));
		rig_carry(pair->west, pair->east);
	}
	assert_int_equal(pair->east->clear[0].n, 6);
	const struct sa *in = table_get(&pair->east->u->db.in, sa.spi);
	assert_int_equal(in->in.replay.top, (uint64_t)UINT32_MAX + 4);
}

static void extended_numbers_cross_32_bits(void **state)
{
	cross(*state, "sha256");
}

static void extended_numbers_cross_32_bits_with_gmac(void **state)
{
	cross(*state, "aes128gmac");
}

/* How many packets the east delivers when n follow the number seq of the west. */
static unsigned send_behind(struct pair *pair, uint64_t seq, unsigned n)
{
	struct sa *sa = table_get(&pair->west->u->db.out, authentic.spi);
	struct rig_port *out = &pair->east->clear[0];
	uint8_t p[60];

	rig_forget(out);
	atomic_store(&sa->out.sequence, seq);
	for (unsigned i = 0; i < n; i++) {
		rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, sizeof(p));
		rig_clear(pair->west, 0, p, sizeof(p));
		rig_carry(pair->west, pair->east);
	}
	for (unsigned i = 0; i < out->n; i++)
		assert_memory_equal(out->caught[i].data, p, sizeof(p));
	return out->n;
}

/* RFC 4303, A3, which RFC 4302, 2.5.1 has too: more than 2^32 numbers were lost. */
static void lose_many(struct pair *pair, const char *proposal)
{
	struct rig_sa sa = authentic;

	sa.proposal = proposal;
	sa.esn = true;
	tunnel(pair, &sa);
	assert_int_equal(send_behind(pair, 1000, 1), 1);
	assert_int_equal(send_behind(pair, UINT64_C(5) << 32 | 2000, RESYNC_AFTER), 0);
	assert_int_equal(send_behind(pair, UINT64_C(5) << 32 | 3000, 2), 2);
	const struct sa *in = table_get(&pair->east->u->db.in, sa.spi);
	assert_int_equal(in->in.replay.top, UINT64_C(5) << 32 | 3002);
	assert_int_equal(rig_dropped(pair->east, sa.spi, true, RV_DROP_INTEGRITY), RESYNC_AFTER);
}

static void a_long_loss_is_recovered_from(void **state)
{
	lose_many(*state, "sha256");
}

static void a_long_loss_is_recovered_from_with_gmac(void **state)
{
	lose_many(*state, "aes128gmac");
}

/* What no longer fits with the header is told to its sender, and hidden lengths are not AH's. */
static void the_path_takes_less(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = authentic;
	struct rig_port *wire = &pair->west->wire[WIRE_AH];
	uint8_t p[LONGEST];

	sa.terms.tfc = 1000;
	tunnel(pair, &sa);
	for (uint32_t len = LONGEST - 48; len <= LONGEST - 47; len++) {
		rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, len);
		p[6] |= 0x40;
		rig_clear(pair->west, 0, p, len);
	}
	assert_int_equal(wire->n, 1);
	assert_int_equal(wire->caught[0].len, LONGEST);
	assert_int_equal(rig_dropped(pair->west, sa.spi, false, RV_DROP_TOO_BIG), 1);
	assert_int_equal(pair->west->clear[0].n, 1);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60);
	rig_clear(pair->west, 0, p, 60);
	assert_int_equal(wire->caught[1].len, 108);
}

static void the_longest_packet_passes_and_no_longer_one(void **state)
{
	static const char *const proposals[] = { "sha256", "aes128gmac" };
	static const uint32_t headers[] = { 28, 36 };
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[WIRE_AH], *out = &pair->east->clear[0];
	uint8_t *p = malloc(UINT16_MAX);

	assert_non_null(p);
	for (uint32_t i = 0; i < 4; i++) {
		struct rig_sa sa = authentic;
		uint32_t longest = UINT16_MAX - IP4_HEADER - headers[i / 2];
		sa.proposal = proposals[i / 2];
		sa.esn = i & 1;
		tunnel(pair, &sa);
		for (uint32_t len = longest - 1; len <= longest + 1; len++)
			rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, len));
		assert_int_equal(wire->n, 2);
		assert_int_equal(wire->caught[1].len, UINT16_MAX);
		rig_carry(pair->west, pair->east);
		assert_int_equal(out->n, 2);
		rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, longest);
		assert_int_equal(out->caught[1].len, longest);
		assert_memory_equal(out->caught[1].data, p, longest);
		assert_int_equal(rig_dropped(pair->west, sa.spi, false, RV_DROP_MALFORMED), 1);
		rig_forget(out);
		flush_policies(pair->west->u);
		flush_sas(pair->west->u);
		flush_sas(pair->east->u);
		pair->west->n_clear = pair->east->n_clear = 0;
	}
	free(p);
}

/* ESP and AH share the numbers of SAs, but not the SAs. */
static void an_sa_is_of_one_protocol(void **state)
{
	struct pair *pair = *state;
	struct rig_sa esp = { .src = "192.0.2.1",
			      .dst = "192.0.2.2",
			      .local = "10.3.0.0/16",
			      .remote = "10.4.0.0/16",
			      .spi = 0x777,
			      .reqid = 9,
			      .raw = true };
	uint8_t p[60];

	tunnel(pair, &authentic);
	tunnel(pair, &esp);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	ip_put32(pair->west->wire[WIRE_AH].caught[0].data + IP4_HEADER + 4, esp.spi);
	rig_packet(p, "10.3.0.1", "10.4.0.1", 1, 2, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	ip_put32(pair->west->wire[WIRE_ESP].caught[0].data, authentic.spi);
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 0);
	assert_int_equal(pair->east->u->db.dropped[RV_DROP_NO_SA], 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_combination_carries_a_packet),
		TEST(the_header_is_as_the_rfc_draws_it),
		cmocka_unit_test(the_icv_covers_what_does_not_change),
		TEST(headers_come_out_as_they_went_in),
		TEST(extension_headers_stand_on_their_side),
		TEST(packets_with_gmac_are_those_of_another_implementation),
		TEST(forgeries_are_dropped_and_changes_on_the_way_are_not),
		TEST(the_same_with_gmac),
		TEST(replays_are_dropped_and_counted),
		TEST(extended_numbers_cross_32_bits),
		TEST(extended_numbers_cross_32_bits_with_gmac),
		TEST(a_long_loss_is_recovered_from),
		TEST(a_long_loss_is_recovered_from_with_gmac),
		TEST(the_path_takes_less),
		TEST(the_longest_packet_passes_and_no_longer_one),
		TEST(an_sa_is_of_one_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-esp: packets through two kernels without threads: modes, families, algorithms, numbers, trains, and what is
 * dropped on the way.
 */
#include "resync.h"
#include "test-rig.h"

#include <linux/virtio_net.h>

/* RFC 4106 (GCM), RFC 7634 (ChaCha20-Poly1305), RFC 3602 (CBC) and RFC 2410 (NULL) */
static void every_combination_carries_a_packet(void **state)
{
	static const char *const proposals[] = { "aes128gcm16",	  "aes256gcm16", "chacha20poly1305", "aes128-sha256",
						 "aes256-sha512", "aes192-sha1", "null-sha256" };
	static const struct {
		const char *what, *src, *dst, *local, *remote;
		bool transport;
	} rows[] = {
		{ "4 in 4", "192.0.2.1:4500", "192.0.2.2:4500", "10.1.0.1", "10.2.0.1", false },
		{ "6 in 4", "192.0.2.1:4500", "192.0.2.2:4500", "2001:db8:1::1", "2001:db8:2::1", false },
		{ "4 in 6", "[2001:db8::1]:4500", "[2001:db8::2]:4500", "10.1.0.1", "10.2.0.1", false },
		{ "6 in 6", "[2001:db8::1]:4500", "[2001:db8::2]:4500", "2001:db8:1::1", "2001:db8:2::1", false },
		{ "4 transport", "192.0.2.1:4500", "192.0.2.2:4500", "192.0.2.1", "192.0.2.2", true },
		{ "6 transport", "[2001:db8::1]:4500", "[2001:db8::2]:4500", "2001:db8::1", "2001:db8::2", true },
	};
	struct pair *pair = *state;
	struct rig_port *out = &pair->east->clear[0];
	uint8_t p[100];

	for (size_t i = 0; i < RV_COUNT(rows) * RV_COUNT(proposals) * 4; i++) {
		size_t row = i / 4 / RV_COUNT(proposals);
		struct rig_sa sa = { .proposal = proposals[i / 4 % RV_COUNT(proposals)],
				     .src = rows[row].src,
				     .dst = rows[row].dst,
				     .local = rows[row].local,
				     .remote = rows[row].remote,
				     .transport = rows[row].transport,
				     .spi = 0x1000 + (uint32_t)i,
				     .reqid = 7,
				     .window = 64,
				     .raw = i & 1,
				     .esn = i & 2 };
		tunnel(pair, &sa);
		for (uint32_t len = 48; len < 80; len++) {
			rig_packet(p, rows[row].local, rows[row].remote, 1000, 2000, len);
			rig_clear(pair->west, 0, p, len);
			assert_int_equal(pair->west->wire[!sa.raw].n, 1);
			rig_carry(pair->west, pair->east);
			if (out->n != 1 || out->caught[0].len != len || memcmp(out->caught[0].data, p, len))
				fail_msg("%s, %s, raw %d, ESN %d, %u octets", rows[row].what, sa.proposal, sa.raw,
					 sa.esn, len);
			rig_forget(out);
		}
		flush_policies(pair->west->u);
		flush_sas(pair->west->u);
		flush_sas(pair->east->u);
		pair->west->n_clear = pair->east->n_clear = 0;
	}
}

/* RFC 7634, appendix A: a packet of another implementation. */
static void the_example_of_rfc_7634_is_opened(void **state)
{
	static const char keymat[] = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3";
	static const char clear[] = "45000054a6f200004001e778c6336405c00002050800"
				    "5b7a3a080000553bec100007362708090a0b0c0d0e0f10111213141516171819"
				    "1a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637";
	static const char sealed[] = "0102030400000005101112131415161724039428b97f417e3c13753a4f05087b"
				     "67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f7"
				     "2aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da"
				     "9165b82829f641e076aaa8266b7fb0f7b11b369907e1ad43";
	struct pair *pair = *state;
	struct rv_ts local = rig_ts("192.0.2.5"), remote = rig_ts("198.51.100.0/24");
	struct rv_sa_spec spec = { .dir = RV_IN,
				   .mode = RV_TUNNEL,
				   .protocol = RV_PROTO_ESP,
				   .spi = 0x01020304,
				   .src = rig_addr("203.0.113.153"),
				   .dst = rig_addr("203.0.113.5"),
				   .replay_window = 32,
				   .local_ts = &local,
				   .remote_ts = &remote,
				   .n_local_ts = 1,
				   .n_remote_ts = 1 };
	uint8_t key[36], want[84], *buf = calloc(1, 512);
	struct rv_why why = { 0 };
	struct rv_call call = { 0 };
	struct rv_packet packet = {
		.buf = buf, .data = buf + RV_HEADROOM, .cap = 512, .local = spec.dst, .remote = spec.src
	};
	struct rv_packet *list[] = { &packet };

	assert_int_equal(
		rv_proposal_parse(pair->east->core->registry, RV_PROTO_ESP, "chacha20poly1305", &spec.chosen, &why), 0);
	assert_int_equal(test_hex(keymat, key, sizeof(key)), 36);
	spec.encr_key = rv_bytes(key, sizeof(key));
	assert_int_equal(pair->east->ops->sa_add(pair->east->self, &spec, &call), 0);
	packet.len = (uint32_t)test_hex(sealed, packet.data, 300);
	assert_int_equal(test_hex(clear, want, sizeof(want)), 84);
	lane_wire(rig_lane(pair->east), list, 1);
	assert_int_equal(pair->east->clear[0].n, 1);
	assert_int_equal(pair->east->clear[0].caught[0].len, 84);
	assert_memory_equal(pair->east->clear[0].caught[0].data, want, 84);
	free(buf);
}

static void a_sealed_packet_looks_as_the_rfc_draws(void **state)
{
	struct pair *pair = *state;
	uint8_t p[61];

	tunnel(pair, &plain);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	const struct rv_packet *sealed = &pair->west->wire[1].caught[0];
	assert_int_equal(ip_u32(sealed->data), 0x1234567);
	assert_int_equal(ip_u32(sealed->data + 4), 1);
	assert_int_equal(ip_u32(sealed->data + 12), 1); /* the IV counts */
	/* 61 + 2 is padded to 64; header, IV, text, ICV */
	assert_int_equal(sealed->len, 8 + 8 + 64 + 16);
	assert_int_equal(sealed->remote.port, 4500);
	assert_int_equal(sealed->encap, true);
}

static void counters_count(void **state)
{
	struct pair *pair = *state;
	struct rv_sa_stats stats;
	uint8_t p[100];

	tunnel(pair, &plain);
	for (int i = 0; i < 3; i++)
		rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 100));
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->west->ops->stats(pair->west->self, plain.spi, RV_OUT, NULL, &stats), 0);
	assert_int_equal(stats.packets, 3);
	assert_int_equal(stats.bytes, 300);
	assert_int_equal(stats.last_used_us, 1000000000);
	assert_int_equal(pair->east->ops->stats(pair->east->self, plain.spi, RV_IN, NULL, &stats), 0);
	assert_int_equal(stats.packets, 3);
	assert_int_equal(stats.bytes, 300);
	assert_int_equal(pair->east->ops->stats(pair->east->self, 999, RV_IN, NULL, &stats), -ENOENT);
}

static void replays_and_forgeries_are_dropped_and_counted(void **state)
{
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[1], *clear = &pair->east->clear[0];
	struct lane *lane = rig_lane(pair->east);
	uint8_t p[100], copy[256];
	struct rv_packet *packet;

	tunnel(pair, &plain);
	rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 100));
	packet = &wire->caught[0];
	memcpy(copy, packet->data, packet->len);
	for (uint32_t i = 0; i < packet->len; i += 5) {
		if (i < 4)
			continue; /* another SPI */
		memcpy(packet->data, copy, packet->len);
		packet->data[i] ^= 0x10;
		lane_wire(lane, &packet, 1);
		assert_int_equal(clear->n, 0);
	}
	assert_true(rig_dropped(pair->east, plain.spi, true, RV_DROP_INTEGRITY) > 10);
	memcpy(packet->data, copy, packet->len);
	lane_wire(lane, &packet, 1);
	assert_int_equal(clear->n, 1);
	memcpy(packet->data, copy, packet->len);
	lane_wire(lane, &packet, 1);
	assert_int_equal(clear->n, 1);
	assert_int_equal(rig_dropped(pair->east, plain.spi, true, RV_DROP_REPLAY), 1);

	/* the same number twice in one burst */
	rig_forget(wire);
	rig_clear(pair->west, 0, p, 100);
	struct rv_packet *twice[] = { &wire->caught[0], &wire->caught[1] };
	wire->caught[1] = wire->caught[0];
	wire->caught[1].data = copy;
	memcpy(copy, wire->caught[0].data, wire->caught[0].len);
	lane_wire(lane, twice, 2);
	assert_int_equal(clear->n, 2);
	assert_int_equal(rig_dropped(pair->east, plain.spi, true, RV_DROP_REPLAY), 2);

	/* nobody's SPI, and too short for any */
	copy[0] ^= 1;
	lane_wire(lane, twice + 1, 1);
	assert_int_equal(lane->db->dropped[RV_DROP_NO_SA], 1);
	mini_settle(pair->east->core);
	assert_int_equal(pair->east->n_unknown, 1);
	assert_int_equal(pair->east->event_id, plain.spi ^ 1u << 24);
	assert_true(rv_addr_same(&pair->east->event_addr, &twice[1]->remote));
	lane_wire(lane, twice + 1, 1); /* once a tenth of a second, and not of reserved SPIs */
	lane->now_us += 200000;
	uint8_t spi[4];
	memcpy(spi, copy, 4);
	memcpy(copy, "\0\0\0\7", 4);
	lane_wire(lane, twice + 1, 1);
	memcpy(copy, spi, 4);
	mini_settle(pair->east->core);
	assert_int_equal(pair->east->n_unknown, 1);
	assert_int_equal(lane->db->dropped[RV_DROP_NO_SA], 3);
	twice[1]->len = 7;
	lane_wire(lane, twice + 1, 1);
	assert_int_equal(lane->db->dropped[RV_DROP_MALFORMED], 1);
	copy[0] ^= 1;
	twice[1]->len = 8 + 8 + 16 + 1;
	lane_wire(lane, twice + 1, 1);
	assert_int_equal(rig_dropped(pair->east, plain.spi, true, RV_DROP_MALFORMED), 1);
}

static void the_window_is_as_large_as_configured(void **state)
{
	static const uint32_t windows[] = { 32, 64, 1024, 4096 };
	uint8_t p[60];

	for (size_t i = 0; i < RV_COUNT(windows); i++) {
		struct pair pair = { rig_new(), rig_new() };
		struct rig_sa sa = plain;
		uint32_t n = windows[i];
		sa.window = n;
		tunnel(&pair, &sa);
		struct rv_packet *kept = calloc(2, sizeof(*kept));
		uint8_t octets[2][256];
		for (uint32_t k = 0; k < n + 1; k++) {
			rig_forget(&pair.west->wire[1]);
			rig_clear(pair.west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60));
			if (k > 1) {
				rig_carry(pair.west, pair.east);
				rig_forget(&pair.east->clear[0]);
				continue;
			}
			kept[k] = pair.west->wire[1].caught[0];
			memcpy(octets[k], kept[k].data, kept[k].len);
			kept[k].data = octets[k];
		}
		/* n + 1 is the highest; 1 fell out of the window, 2 is its last */
		for (int k = 0; k < 2; k++) {
			struct rv_packet *list[] = { &kept[k] };
			lane_wire(rig_lane(pair.east), list, 1);
			assert_int_equal(pair.east->clear[0].n, k);
		}
		free(kept);
		rig_free(pair.west);
		rig_free(pair.east);
	}
}

static void extended_numbers_cross_32_bits_on_the_wire(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = plain;
	uint8_t p[60];

	for (int cbc = 0; cbc < 2; cbc++) {
		sa.proposal = cbc ? "aes128-sha256" : "aes128gcm16";
		sa.spi = 0x2000 + (uint32_t)cbc;
		sa.local = cbc ? "10.3.0.0/16" : "10.1.0.0/16";
		sa.reqid = 20 + (uint32_t)cbc;
		sa.esn = true;
		sa.sequence = UINT32_MAX - 3;
		tunnel(pair, &sa);
		for (int i = 0; i < 10; i++) {
			rig_clear(pair->west, 0, p, rig_packet(p, cbc ? "10.3.0.1" : "10.1.0.1", "10.2.0.1", 1, 2, 60));
			rig_carry(pair->west, pair->east);
			assert_int_equal(pair->east->clear[0].n, 1);
			rig_forget(&pair->east->clear[0]);
		}
	}
}

/* Sends one packet from the west, whose last number is made to be seq before; what the east delivered in all. */
static unsigned send_behind(struct pair *pair, uint64_t seq)
{
	struct sa *sa = table_get(&pair->west->u->db.out, plain.spi);
	uint8_t p[100];

	atomic_store(&sa->out.sequence, seq);
	rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 100));
	rig_carry(pair->west, pair->east);
	return pair->east->clear[0].n;
}

/* RFC 4303, A3: more than 2^32 numbers were lost */
static void a_long_loss_is_recovered_from(void **state)
{
	static const uint64_t jumps[] = { 2, RESYNC_TRIES };
	struct pair *pair = *state;
	struct rig_sa sa = plain;
	uint64_t high = 0;

	sa.esn = true;
	tunnel(pair, &sa);
	assert_int_equal(send_behind(pair, 1000), 1);
	for (size_t i = 0; i < RV_COUNT(jumps); i++) {
		unsigned got = pair->east->clear[0].n;
		uint64_t low = 2000 + 3000 * i;
		high += jumps[i];
		for (unsigned n = 0; n < RESYNC_AFTER; n++)
			assert_int_equal(send_behind(pair, high << 32 | (low + n)), got);
		assert_int_equal(send_behind(pair, high << 32 | (low + 1000)), got + 1);
		assert_int_equal(send_behind(pair, high << 32 | (low + 1001)), got + 2);
		assert_int_equal(replay_top(&((struct sa *)table_get(&pair->east->u->db.in, sa.spi))->in.replay),
				 high << 32 | (low + 1002));
	}

	/* it is where it came, as those behind it: a train that it begins grows in that buffer */
	const struct in_state *in = &rig_lane(pair->east)->in;
	struct sa *out = table_get(&pair->west->u->db.out, sa.spi);
	for (unsigned n = 0; n < RESYNC_AFTER; n++)
		(void)send_behind(pair, (high + 2) << 32 | (12000 + n));
	atomic_store(&out->out.sequence, (high += 2) << 32 | 12900);
	uint8_t p[100];
	rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 100));
	const uint8_t *came = pair->west->wire[1].caught[0].data;
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 6);
	assert_ptr_equal(in->ops[0].aad, came);
	assert_ptr_equal(in->ops[0].dst, came + ESP_HEADER + 8);

	/* what is further away is not found, and nobody tries for ever */
	unsigned got = pair->east->clear[0].n;
	high += 1 + RESYNC_TRIES;
	for (unsigned n = 0; n < 3 * RESYNC_AFTER; n++)
		assert_int_equal(send_behind(pair, high << 32 | (19000 + n)), got);
	assert_int_equal(rig_dropped(pair->east, sa.spi, true, RV_DROP_INTEGRITY), 6 * RESYNC_AFTER);
}

static void sequence_numbers_never_cycle(void **state)
{
	static const struct {
		const char *what;
		bool esn;
		uint64_t start;
	} rows[] = { { "32 bits", false, UINT32_MAX - 2 }, { "64 bits", true, UINT64_MAX - 2 } };
	uint8_t p[60];

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rig *west = rig_new();
		struct rig_sa sa = plain;
		sa.esn = rows[i].esn;
		sa.sequence = rows[i].start;
		assert_int_equal(rig_policy(west, sa.local, sa.remote, RV_TUNNEL, sa.reqid, false), 0);
		assert_int_equal(rig_add(west, &sa), 0);
		for (int k = 0; k < 5; k++)
			rig_clear(west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60));
		if (west->wire[1].n != 2)
			fail_msg("%s: %u packets left", rows[i].what, west->wire[1].n);
		rig_free(west);
	}
}

static void selectors_are_checked_on_the_way_in(void **state)
{
	static const struct {
		const char *what, *src, *dst;
		uint16_t port;
		bool passes;
	} rows[] = {
		{ "inside", "10.1.0.1", "10.2.0.1", 80, true },
		{ "the last port", "10.1.0.1", "10.2.0.1", 90, true },
		{ "one port further", "10.1.0.1", "10.2.0.1", 91, false },
		{ "one port before", "10.1.0.1", "10.2.0.1", 79, false },
		{ "another source", "10.3.0.1", "10.2.0.1", 80, false },
		{ "another destination", "10.1.0.1", "10.3.0.1", 80, false },
	};
	struct pair *pair = *state;
	struct rig_sa sa = plain, in = plain;
	uint8_t p[60];
	uint64_t dropped = 0;

	/* the west sends what it likes */
	sa.local = sa.remote = "0.0.0.0/0";
	assert_int_equal(rig_policy(pair->west, sa.local, sa.remote, RV_TUNNEL, sa.reqid, false), 0);
	assert_int_equal(rig_add(pair->west, &sa), 0);
	in.in = true;
	in.local = "10.2.0.0/16[udp/80-90]";
	in.remote = "10.1.0.0/16";
	assert_int_equal(rig_add(pair->east, &in), 0);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		rig_clear(pair->west, 0, p, rig_packet(p, rows[i].src, rows[i].dst, 1, rows[i].port, 60));
		rig_carry(pair->west, pair->east);
		dropped += !rows[i].passes;
		if (pair->east->clear[0].n != rows[i].passes ||
		    rig_dropped(pair->east, in.spi, true, RV_DROP_SELECTOR) != dropped)
			fail_msg("%s", rows[i].what);
		rig_forget(&pair->east->clear[0]);
	}
}

/* Seals text as it stands, with the west's SA: what a broken or hostile peer with the right keys could send. */
static void seal_text(struct rig *west, struct rv_packet *packet, uint32_t spi, const uint8_t *text, uint32_t len,
		      uint64_t seq)
{
	struct sa *sa = table_get(&west->u->db.out, spi);
	struct rv_cryptor_op op = {
		.aad = packet->data, .aad_len = 8, .src = text, .dst = packet->data + 8, .len = len
	};

	assert_non_null(sa);
	ip_put32(packet->data, spi);
	ip_put32(packet->data + 4, (uint32_t)seq);
	ip_put32(op.iv + 4, (uint32_t)seq);
	assert_int_equal(rv_cryptor_seal(&sa->suite, context_get(&rig_lane(west)->contexts, sa), &op, 1), 0);
	packet->len = 8 + 8 + len + 16;
}

/* RFC 7296, 2.23: "both UDP-encapsulated ESP and non-UDP-encapsulated ESP packets at any time" */
static void esp_is_taken_in_udp_and_without_at_any_time(void **state)
{
	struct pair *pair = *state;
	struct rig_port *out = &pair->east->clear[0];
	uint8_t p[60];

	for (int raw = 0; raw < 2; raw++) {
		struct rig_sa sa = plain;

		sa.raw = raw;
		sa.spi = 0x1000 + (uint32_t)raw;
		sa.reqid = 7 + (uint32_t)raw;
		sa.local = raw ? "10.3.0.0/16" : "10.1.0.0/16";
		sa.remote = raw ? "10.4.0.0/16" : "10.2.0.0/16";
		tunnel(pair, &sa);
		for (int other = 0; other < 2; other++) {
			struct rig_port *wire = &pair->west->wire[!raw];

			rig_packet(p, raw ? "10.3.0.1" : "10.1.0.1", raw ? "10.4.0.1" : "10.2.0.1", 1, 2, sizeof(p));
			rig_clear(pair->west, 0, p, sizeof(p));
			assert_int_equal(wire->n, 1);
			assert_int_equal(wire->caught[0].encap, !raw);
			if (other)
				wire->caught[0].encap = raw;
			rig_carry(pair->west, pair->east);
			if (out->n != 1 || memcmp(out->caught[0].data, p, sizeof(p)))
				fail_msg("an SA %s UDP, a packet %s", raw ? "without" : "in",
					 raw == other ? "in it" : "without");
			rig_forget(out);
		}
	}
}

static void what_is_behind_the_icv_is_not_trusted(void **state)
{
	static const struct {
		const char *what, *tail; /* behind a packet of 40 octets */
		size_t tail_len;
		int dropped; /* enum rv_drop, -1: passes, -2: nothing happens */
	} rows[] = {
		{ "no padding", "\0\4", 2, -1 },
		{ "two of padding", "\1\2\2\4", 4, -1 },
		{ "padding of zeroes", "\0\0\2\4", 4, RV_DROP_MALFORMED },
		{ "padding that starts with 2", "\2\3\2\4", 4, RV_DROP_MALFORMED },
		{ "traffic flow padding behind the packet", "xxxxxx\0\4", 8, -1 },
		{ "padding of all there is", "\1\51\4", 3, RV_DROP_MALFORMED },
		{ "padding longer than the packet", "\1\1\377\4", 4, RV_DROP_MALFORMED },
		{ "a dummy", "\0\73", 2, -2 },
		{ "IPv6 said, IPv4 found", "\0\51", 2, RV_DROP_MALFORMED },
		{ "no tunnel's protocol", "\0\21", 2, RV_DROP_MALFORMED },
	};
	struct pair *pair = *state;
	uint8_t text[128], *buf = calloc(1, 512);
	struct rv_packet packet = { .buf = buf, .data = buf + RV_HEADROOM, .cap = 512, .encap = true };
	struct rv_packet *list[] = { &packet };

	tunnel(pair, &plain);
	packet.local = rig_addr(plain.dst);
	packet.remote = rig_addr(plain.src);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_sa_stats before, after;
		rig_packet(text, "10.1.0.1", "10.2.0.1", 1, 2, 40);
		memcpy(text + 40, rows[i].tail, rows[i].tail_len);
		seal_text(pair->west, &packet, plain.spi, text, 40 + (uint32_t)rows[i].tail_len, i + 1);
		rig_forget(&pair->east->clear[0]);
		assert_int_equal(pair->east->ops->stats(pair->east->self, plain.spi, RV_IN, NULL, &before), 0);
		lane_wire(rig_lane(pair->east), list, 1);
		assert_int_equal(pair->east->ops->stats(pair->east->self, plain.spi, RV_IN, NULL, &after), 0);
		if (pair->east->clear[0].n != (rows[i].dropped == -1))
			fail_msg("%s", rows[i].what);
		for (int k = 0; k < RV_N_DROPS; k++)
			if (after.dropped[k] - before.dropped[k] != (k == rows[i].dropped))
				fail_msg("%s: cause %d", rows[i].what, k);
		assert_int_equal(after.packets, before.packets + 1);
	}
	free(buf);
}

static void congestion_marks_cross_the_tunnel(void **state)
{
	struct pair *pair = *state;
	uint8_t p[60];

	tunnel(pair, &plain);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60);
	ip_set_tos(p, RV_IPV4, 0xb8 | 2); /* EF, ECT(0) */
	rig_clear(pair->west, 0, p, 60);
	assert_int_equal(pair->west->wire[1].caught[0].tos, 0xba);
	pair->west->wire[1].caught[0].tos = 3; /* a router on the way was congested */
	rig_carry(pair->west, pair->east);
	const uint8_t *out = pair->east->clear[0].caught[0].data;
	assert_int_equal(out[1], 0xbb);
	assert_int_equal(ip_fold(ip_sum(0, out, 20)), 0);

	ip_set_tos(p, RV_IPV4, 0); /* this one could not be marked: RFC 6040 drops it */
	rig_clear(pair->west, 0, p, 60);
	pair->west->wire[1].caught[0].tos = 3;
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 1);
}

static void too_big_is_told_to_the_sender(void **state)
{
	struct pair *pair = *state;
	struct rig_sa six = plain;
	const struct rv_addr from = rig_addr("10.2.0.1");
	uint8_t p[1500];

	tunnel(pair, &plain);
	struct sa *sa = table_get(&pair->west->u->db.out, plain.spi);
	uint32_t mtu = esp_clear_mtu(sa, atomic_load(&sa->path), 1500);
	/* 1500 - 20 - 8 - 8 - 8 - 16 = 1440, less the trailer */
	assert_int_equal(mtu, 1438);
	assert_int_equal(20 + 8 + esp_sealed_len(sa, mtu), 1500);
	assert_true(28 + esp_sealed_len(sa, mtu + 1) > 1500);
	for (uint32_t len = mtu; len <= mtu + 1; len++) {
		rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, len);
		p[6] |= 0x40; /* DF */
		rig_clear(pair->west, 0, p, len);
		assert_int_equal(pair->west->wire[1].n, 1);
	}
	assert_int_equal(pair->west->clear[0].n, 1);
	const uint8_t *icmp = pair->west->clear[0].caught[0].data;
	struct ip_info info;
	assert_true(ip_parse(&info, icmp, pair->west->clear[0].caught[0].len));
	assert_int_equal(info.proto, IP_ICMP);
	assert_int_equal(info.src_port, 3 << 8 | 4);
	assert_memory_equal(info.src, from.ip, 4);
	assert_int_equal(ip_u16(icmp + 26), mtu);
	assert_int_equal(ip_fold(ip_sum(0, icmp + 20, info.len - 20)), 0);
	p[6] = 0; /* without DF it goes, and the host fragments outside */
	rig_clear(pair->west, 0, p, mtu + 1);
	assert_int_equal(pair->west->wire[1].n, 2);

	six.local = "2001:db8:1::/48";
	six.remote = "2001:db8:2::/48";
	six.spi = 0x99999;
	six.reqid = 9;
	tunnel(pair, &six);
	rig_packet(p, "2001:db8:1::1", "2001:db8:2::1", 1, 2, 1500);
	rig_clear(pair->west, 0, p, 1500);
	assert_int_equal(pair->west->clear[0].n, 2);
	icmp = pair->west->clear[0].caught[1].data;
	assert_true(ip_parse(&info, icmp, pair->west->clear[0].caught[1].len));
	assert_int_equal(info.src_port, 2 << 8);
	assert_int_equal(info.len, 1280);
	assert_int_equal(ip_fold(ip_sum(ip_pseudo(&info, IP_ICMPV6, 1240), icmp + 40, 1240)), 0);

	for (int i = 0; i < 100; i++) /* a flood is not answered one by one */
		rig_clear(pair->west, 0, p, 1500);
	assert_true(pair->west->clear[0].n < 60);
	rig_lane(pair->west)->now_us += 1000000;
	unsigned n = pair->west->clear[0].n;
	rig_clear(pair->west, 0, p, 1500);
	assert_int_equal(pair->west->clear[0].n, n + 1);
}

/* RFC 3948, 3.1.2 */
static void a_nat_does_not_break_checksums_in_transport_mode(void **state)
{
	struct pair *pair = *state;
	struct rig_sa out = plain, in = plain;
	struct ip_info info;
	uint8_t p[60];

	out.transport = in.transport = in.in = true;
	out.local = "10.0.0.1";
	out.remote = "192.0.2.2";
	in.local = "192.0.2.2";
	in.remote = "203.0.113.1";
	assert_int_equal(rig_policy(pair->west, out.local, out.remote, RV_TRANSPORT, out.reqid, false), 0);
	assert_int_equal(rig_add(pair->west, &out), 0);
	assert_int_equal(rig_add(pair->east, &in), 0);
	rig_clear(pair->west, 0, p, rig_packet(p, "10.0.0.1", "192.0.2.2", 1, 80, 60));
	pair->west->wire[1].caught[0].local = rig_addr("203.0.113.1:1234");
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 1);
	const uint8_t *got = pair->east->clear[0].caught[0].data;
	assert_true(ip_parse(&info, got, 60));
	assert_int_equal(got[12], 203);
	assert_int_equal(ip_fold(ip_sum(ip_pseudo(&info, IP_UDP, 40), got + 20, 40)), 0);
}

static void trains_are_cut_sealed_and_sent_as_trains(void **state)
{
	for (int i = 0; i < 8; i++) {
		struct pair pair = { rig_new(), rig_new() };
		struct rig_sa sa = plain;
		bool v6 = i & 1, raw = i & 4;
		uint32_t headers = (v6 ? 40 : 20) + 20, mss = 1000, payload = 20 * mss + 123;
		uint8_t *p = calloc(1, 256 + headers + payload);
		sa.raw = raw;
		sa.transport = i & 2;
		sa.src = v6 ? "[2001:db8::1]:4500" : "192.0.2.1:4500";
		sa.dst = v6 ? "[2001:db8::2]:4500" : "192.0.2.2:4500";
		sa.local = v6 ? "2001:db8::1" : "192.0.2.1";
		sa.remote = v6 ? "2001:db8::2" : "192.0.2.2";
		tunnel(&pair, &sa);
		rig_packet(p + 128, sa.local, sa.remote, 1000, 80, headers + payload);
		uint8_t *tcp = p + 128 + headers - 20;
		p[128 + (v6 ? 6 : 9)] = IP_TCP;
		ip_put32(tcp + 4, 0xfffff000);
		tcp[12] = 5 << 4;
		tcp[13] = 0x19; /* FIN, PSH, ACK */
		for (uint32_t k = 0; k < payload; k++)
			tcp[20 + k] = (uint8_t)(k / mss);
		struct virtio_net_hdr vnet = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					       .gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
					       .gso_size = (uint16_t)mss,
					       .csum_start = (uint16_t)(headers - 20),
					       .csum_offset = 16 };
		struct rv_packet packet = {
			.buf = p, .data = p + 128, .cap = 256 + headers + payload, .len = headers + payload
		};
		struct rv_packet *list[] = { &packet };
		memcpy(packet.vnet, &vnet, sizeof(vnet));
		lane_clear(rig_lane(pair.west), table_get(&pair.west->u->db.ifaces, 0), list, 1);
		assert_int_equal(pair.west->wire[!raw].n, raw ? 21 : 1);
		rig_carry(pair.west, pair.east);
		assert_int_equal(pair.east->clear[0].n, 21);
		for (uint32_t k = 0; k < 21; k++) {
			const struct rv_packet *got = &pair.east->clear[0].caught[k];
			struct ip_info info;
			assert_true(ip_parse(&info, got->data, got->len));
			assert_int_equal(got->len, headers + (k < 20 ? mss : 123));
			const uint8_t *t = got->data + info.upper;
			assert_int_equal(ip_u32(t + 4), (uint32_t)(0xfffff000 + k * mss));
			assert_int_equal(t[13], k < 20 ? 0x10 : 0x19);
			assert_int_equal(t[20], k);
			assert_int_equal(t[got->len - headers + 19], k);
			assert_int_equal(ip_fold(ip_sum(ip_pseudo(&info, IP_TCP, got->len - info.upper), t,
							got->len - info.upper)),
					 0);
			if (!v6)
				assert_int_equal(ip_fold(ip_sum(0, got->data, 20)), 0);
		}
		free(p);
		rig_free(pair.west);
		rig_free(pair.east);
	}
}

/* The east's device takes trains, too: what was cut is joined, in one buffer of the wire. */
static void trains_come_out_as_trains(void **state)
{
	enum { PARTS = 30, PART = 1000 };
	struct pair *pair = *state;
	uint32_t len = 40 + PARTS * PART;
	uint8_t *p = calloc(1, 256 + len);
	struct virtio_net_hdr vnet = { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = PART }, got = { 0 };
	struct rv_packet packet = { .buf = p, .data = p + 128, .cap = 256 + len, .len = len };
	struct rv_packet *list[] = { &packet };

	tunnel(pair, &plain);
	pair->east->clear[0].port.takes_trains = true;
	rig_packet(packet.data, "10.1.0.1", "10.2.0.1", 1000, 80, len);
	packet.data[9] = IP_TCP;
	packet.data[32] = 5 << 4;
	packet.data[33] = 0x10;
	for (uint32_t i = 40; i < len; i++)
		packet.data[i] = (uint8_t)(i / 7);
	memcpy(packet.vnet, &vnet, sizeof(vnet));
	lane_clear(rig_lane(pair->west), table_get(&pair->west->u->db.ifaces, 0), list, 1);
	rig_carry(pair->west, pair->east);
	const struct rv_packet *out = &pair->east->clear[0].caught[0];
	assert_int_equal(pair->east->clear[0].n, 1);
	assert_int_equal(out->len, len);
	assert_int_equal(out->seg_len, PART);
	assert_memory_equal(out->data + 40, packet.data + 40, len - 40);
	memcpy(&got, out->vnet, sizeof(got));
	assert_int_equal(got.gso_size, PART);
	assert_int_equal(got.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(got.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(ip_fold(ip_sum(0, out->data, 20)), 0);
	free(p);
}

static void datagrams_come_out_as_trains_where_the_device_takes_them(void **state)
{
	enum { PARTS = 5, OCTETS = 128, SLOT = 512 };
	struct pair *pair = *state;
	struct rig_port *clear = &pair->east->clear[0];
	uint8_t buf[PARTS][SLOT];
	struct rv_packet packets[PARTS], *list[PARTS];
	struct virtio_net_hdr got;

	tunnel(pair, &plain);
	for (int udp = 0; udp < 2; udp++) {
		clear->port.takes_trains = true;
		clear->port.takes_udp_trains = udp;
		rig_forget(clear);
		for (uint32_t i = 0; i < PARTS; i++) {
			packets[i] =
				(struct rv_packet){ .buf = buf[i], .data = buf[i] + 128, .cap = SLOT, .len = OCTETS };
			list[i] = &packets[i];
			rig_packet(packets[i].data, "10.1.0.1", "10.2.0.1", 1000, 80, OCTETS);
			packets[i].data[6] = 0x40; /* DF */
			ip_put16(packets[i].data + 10, 0);
			ip_put16(packets[i].data + 10, ip_fold(ip_sum(0, packets[i].data, IP4_HEADER)));
		}
		lane_clear(rig_lane(pair->west), table_get(&pair->west->u->db.ifaces, 0), list, PARTS);
		rig_carry(pair->west, pair->east);
		assert_int_equal(clear->n, udp ? 1 : PARTS);
		assert_int_equal(clear->caught[0].len, udp ? 28 + PARTS * (OCTETS - 28) : OCTETS);
		memcpy(&got, clear->caught[0].vnet, sizeof(got));
		assert_int_equal(got.gso_type, udp ? 5 : 0);
		assert_int_equal(got.gso_size, udp ? OCTETS - 28 : 0);
	}
}

static void a_long_train_becomes_several(void **state)
{
	struct pair *pair = *state;
	uint32_t payload = 65535 - 40, mss = 536;
	uint8_t *p = calloc(1, 65535 + 256);
	struct virtio_net_hdr vnet = { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = (uint16_t)mss };
	struct rv_packet packet = { .buf = p, .data = p + 128, .cap = 65535 + 256, .len = 65535 };
	struct rv_packet *list[] = { &packet };
	uint32_t n = (payload + mss - 1) / mss, segments = 0;

	tunnel(pair, &plain);
	rig_packet(packet.data, "10.1.0.1", "10.2.0.1", 1000, 80, 65535);
	packet.data[9] = IP_TCP;
	packet.data[32] = 5 << 4;
	memcpy(packet.vnet, &vnet, sizeof(vnet));
	lane_clear(rig_lane(pair->west), table_get(&pair->west->u->db.ifaces, 0), list, 1);
	for (unsigned i = 0; i < pair->west->wire[1].n; i++) {
		const struct rv_packet *train = &pair->west->wire[1].caught[i];
		assert_true(train->len <= TRAIN_OCTETS);
		segments += (train->len + train->seg_len - 1) / train->seg_len;
		assert_true((train->len + train->seg_len - 1) / train->seg_len <= TRAIN_MAX);
	}
	assert_int_equal(segments, n);
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, n);
	free(p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_combination_carries_a_packet),
		TEST(the_example_of_rfc_7634_is_opened),
		TEST(a_sealed_packet_looks_as_the_rfc_draws),
		TEST(counters_count),
		TEST(replays_and_forgeries_are_dropped_and_counted),
		cmocka_unit_test(the_window_is_as_large_as_configured),
		TEST(extended_numbers_cross_32_bits_on_the_wire),
		TEST(a_long_loss_is_recovered_from),
		cmocka_unit_test(sequence_numbers_never_cycle),
		TEST(selectors_are_checked_on_the_way_in),
		TEST(esp_is_taken_in_udp_and_without_at_any_time),
		TEST(what_is_behind_the_icv_is_not_trusted),
		TEST(congestion_marks_cross_the_tunnel),
		TEST(too_big_is_told_to_the_sender),
		TEST(a_nat_does_not_break_checksums_in_transport_mode),
		cmocka_unit_test(trains_are_cut_sealed_and_sent_as_trains),
		TEST(trains_come_out_as_trains),
		TEST(datagrams_come_out_as_trains_where_the_device_takes_them),
		TEST(a_long_train_becomes_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

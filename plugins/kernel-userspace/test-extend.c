// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-extend: SAs whose texts pass an extension (esp-ext.h): what it makes of them is sealed, and what it says of what
 * was opened is done.
 */
#include "test-rig.h"

#include "extend.h"

#include <linux/virtio_net.h>

enum { NEXT = 200, FILL = 0x61, ROOM = 65536 };

/* Leaves the last octets out when they are all FILL; a header of four says what there was. */
static struct {
	unsigned opened, closed, changed;
	bool spoil, grow;
	const unsigned *sent;
	unsigned sent_inside;
	uint8_t octets[4];
	uint8_t room[2][ROOM];
} trim;

static int trim_open(void *self, const struct rv_sa_spec *spec, unsigned n_workers, void **state)
{
	assert_true(spec->ext_octets.len <= sizeof(trim.octets));
	memcpy(trim.octets, spec->ext_octets.p, spec->ext_octets.len);
	trim.opened++;
	*state = trim.room[spec->dir == RV_OUT];
	return spec->ext_octets.len == 1 ? -EINVAL : 0;
}

static void trim_close(void *self, void *state)
{
	trim.closed++;
}

static void trim_one(uint8_t *room, struct rv_esp_turn *turn, const struct rv_esp_text *text)
{
	struct rv_esp_text made = { .p = room, .next = NEXT, .tos = text->tos, .origin = text->origin };
	uint32_t len = text->len;

	while (len && text->p[len - 1] == FILL)
		len--;
	if (len + 4 >= text->len && !trim.grow) {
		(void)turn->emit(turn, text);
		return;
	}
	room[0] = text->next;
	ip_put16(room + 2, text->len);
	memcpy(room + 4, text->p, len);
	made.len = trim.grow ? text->len + 1 : len + 4;
	trim.changed++;
	assert_true(turn->emit(turn, &made));
}

static void trim_out(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		trim_one(state, turn, &texts[i]);
}

static void trim_back(uint8_t *room, struct rv_esp_turn *turn, const struct rv_esp_text *text)
{
	struct rv_esp_text made = *text;

	if (trim.spoil) {
		turn->drop(turn, RV_DROP_MALFORMED);
		return;
	}
	if (text->next != NEXT) {
		(void)turn->emit(turn, text);
		return;
	}
	made.p = room;
	made.len = (uint32_t)text->p[2] << 8 | text->p[3];
	made.next = text->p[0];
	made.stays = false;
	memset(room, FILL, made.len);
	memcpy(room, text->p + 4, text->len - 4);
	trim.changed++;
	(void)turn->emit(turn, &made);
}

static void trim_in(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	unsigned before = trim.sent ? *trim.sent : 0;

	for (size_t i = 0; i < n; i++)
		trim_back(state, turn, &texts[i]);
	trim.sent_inside += trim.sent ? *trim.sent - before : 0;
}

static const struct rv_esp_ext_ops trim_ops = {
	.size = sizeof(trim_ops), .open = trim_open, .close = trim_close, .out = trim_out, .in = trim_in
};

/* Keeps texts, each behind two octets of length, until its time comes; then they leave as one. */
enum { HOLD_US = 2500, HEAD = 4, MARK = 7, PROTOCOL = 201 };

static struct {
	uint8_t room[ROOM];
	uint32_t len;
	unsigned outs, ins, ticks;
	uint64_t seq;
	uint32_t fits;
	uint8_t head;
} bag;

static int bag_open(void *self, const struct rv_sa_spec *spec, unsigned n_workers, void **state)
{
	assert_int_equal(n_workers, 1);
	*state = &bag;
	return 0;
}

static void bag_close(void *self, void *state)
{
}

static void bag_out(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(texts[i].stays && !texts[i].origin);
		ip_put16(bag.room + bag.len, texts[i].len);
		memcpy(bag.room + bag.len + 2, texts[i].p, texts[i].len);
		bag.len += 2 + texts[i].len;
	}
	if (turn->due_us == UINT64_MAX)
		turn->due_us = turn->now_us + HOLD_US;
	bag.fits = turn->fits(turn, 1000);
	assert_int_equal(turn->mtu, 1500);
	bag.outs++;
}

static void bag_in(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	bag.ins++;
	for (size_t i = 0; i < n; i++) {
		bag.seq = texts[i].seq;
		if (texts[i].front.len != HEAD || texts[i].front.p[3] != bag.head || texts[i].next != NEXT) {
			turn->drop(turn, RV_DROP_MALFORMED);
			continue;
		}
		for (uint32_t at = 0, len; at + 2 < texts[i].len; at += len) {
			len = (uint32_t)texts[i].p[at] << 8 | texts[i].p[at + 1];
			at += 2;
			(void)turn->emit(turn,
					 &(struct rv_esp_text){ .p = texts[i].p + at, .len = len, .next = IP_IPV4 });
		}
	}
}

static void bag_tick(void *state, struct rv_esp_turn *turn)
{
	assert_true(turn->due_us == UINT64_MAX);
	if (bag.len)
		assert_true(turn->emit(turn,
				       &(struct rv_esp_text){ .p = bag.room, .len = bag.len, .next = NEXT, .tos = 8 }));
	bag.len = 0;
	bag.ticks++;
}

static uint32_t bag_mtu(void *state, uint32_t mtu)
{
	return UINT32_MAX;
}

static uint32_t bag_put(void *state, uint8_t *p, const struct rv_esp_text *text, uint8_t family, bool encap)
{
	assert_int_equal(family, RV_IPV4);
	ip_put32(p, 0x40400000u | bag.head);
	return HEAD;
}

static uint32_t bag_skip(struct rv_bytes packet)
{
	return packet.len >= HEAD && packet.p[0] == 0x40 ? HEAD : 0;
}

static const struct rv_esp_wrapper bag_wrapper = {
	.protocol = PROTOCOL, .marker = MARK, .put = bag_put, .skip = bag_skip
};

static const struct rv_esp_ext_ops bag_ops = { .size = sizeof(bag_ops),
					       .open = bag_open,
					       .close = bag_close,
					       .out = bag_out,
					       .in = bag_in,
					       .tick = bag_tick,
					       .mtu = bag_mtu,
					       .wrapper = &bag_wrapper };

static int set_up(void **state)
{
	struct pair *pair;

	memset(&trim, 0, sizeof(trim));
	memset(&bag, 0, sizeof(bag));
	assert_int_equal(setup(state), 0);
	pair = *state;
	for (int i = 0; i < 2; i++) {
		struct rig *rig = i ? pair->east : pair->west;
		assert_int_equal(rv_esp_ext_offer(rig->fakes, (struct rv_offer){ .name = "trim" }, &trim_ops, NULL), 0);
		assert_int_equal(rv_esp_ext_offer(rig->fakes, (struct rv_offer){ .name = "bag" }, &bag_ops, NULL), 0);
	}
	return 0;
}

static struct rig_sa with(bool transport)
{
	struct rig_sa sa = plain;

	sa.ext = "trim";
	sa.ext_octets = "agreed";
	sa.transport = transport;
	if (transport) {
		sa.local = "192.0.2.1";
		sa.remote = "192.0.2.2";
	}
	return sa;
}

/* A packet of len octets passes, and is as it was. How long it was under way (with what ESP adds). */
static uint32_t passes(struct pair *pair, const char *src, const char *dst, uint32_t len)
{
	uint8_t p[2000];
	uint32_t wire;

	rig_packet(p, src, dst, 1000, 80, len);
	rig_forget(&pair->east->clear[0]);
	rig_clear(pair->west, 0, p, len);
	assert_int_equal(pair->west->wire[1].n, 1);
	wire = pair->west->wire[1].caught[0].len;
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 1);
	assert_int_equal(pair->east->clear[0].caught[0].len, len);
	assert_memory_equal(pair->east->clear[0].caught[0].data, p, len);
	return wire;
}

static void texts_pass_the_extension(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = with(false);

	tunnel(pair, &sa);
	assert_int_equal(trim.opened, 2);
	assert_memory_equal(trim.octets, "agre", 4);
	assert_true(passes(pair, "10.1.0.1", "10.2.0.1", 1200) < 100);
	assert_int_equal(trim.changed, 2);
	assert_true(passes(pair, "10.1.0.1", "10.2.0.1", 30) > 50); /* as it is */
	assert_int_equal(trim.changed, 2);
}

static void transport_mode_passes_what_is_behind_the_header(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = with(true);
	uint8_t p[1000];

	tunnel(pair, &sa);
	rig_packet(p, "192.0.2.1", "192.0.2.2", 1000, 80, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	assert_true(pair->west->wire[1].n == 1 && pair->west->wire[1].caught[0].len < 100);
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 1);
	assert_memory_equal(pair->east->clear[0].caught[0].data + 20, p + 20, sizeof(p) - 20);
}

/* An extension may keep other workers waiting: what its texts become is not written to a device meanwhile. */
static void there_is_room_for_what_comes_out_of_a_burst(void **state)
{
	enum { N = 100, LEN = 1300 };
	struct pair *pair = *state;
	struct rig_port *wire = &pair->west->wire[1], *out = &pair->east->clear[0];
	struct rig_sa sa = with(false);
	struct rv_packet *list[N];
	uint8_t p[LEN];

	tunnel(pair, &sa);
	for (uint16_t i = 0; i < N; i++)
		rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", i, 80, LEN));
	assert_int_equal(wire->n, N);
	for (unsigned i = 0; i < N; i++) {
		struct rv_addr local = wire->caught[i].local;
		list[i] = &wire->caught[i];
		list[i]->local = list[i]->remote;
		list[i]->remote = local;
	}
	trim.sent = &out->n;
	lane_wire(rig_lane(pair->east), list, N);
	assert_int_equal(out->n, N);
	assert_int_equal(trim.changed, 2 * N);
	assert_int_equal(trim.sent_inside, 0);
}

/* Segments of one train: some shrink, others do not. */
static void every_segment_passes_by_itself(void **state)
{
	enum { MSS = 500, N = 5 };
	struct pair *pair = *state;
	struct rig_sa sa = with(false);
	struct virtio_net_hdr vnet = { .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = MSS };
	uint32_t len = 40 + N * MSS;
	uint8_t *p = calloc(1, len + 256);
	struct rv_packet packet = { .buf = p, .data = p + 128, .cap = len + 256, .len = len };
	struct rv_packet *list[] = { &packet };
	uint8_t *data = packet.data;

	assert_non_null(p);
	tunnel(pair, &sa);
	rig_packet(data, "10.1.0.1", "10.2.0.1", 1000, 80, len);
	data[9] = IP_TCP;
	data[32] = 5 << 4;
	for (uint32_t i = 40 + 2 * MSS; i < 40 + 3 * MSS; i++)
		data[i] = (uint8_t)i;
	data[40 + 3 * MSS - 1] = 0;
	memcpy(packet.vnet, &vnet, sizeof(vnet));
	lane_clear(rig_lane(pair->west), table_get(&pair->west->u->db.ifaces, 0), list, 1);
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, N);
	for (uint32_t i = 0; i < N; i++) {
		const struct rv_packet *out = &pair->east->clear[0].caught[i];
		assert_int_equal(out->len, 40 + MSS);
		assert_memory_equal(out->data + 40, data + 40 + i * MSS, MSS);
	}
	assert_int_equal(trim.changed, 2 * (N - 1));
	free(p);
}

/* Three datagrams of one flow in one buffer, of which the second shrank on the way: what it was cannot join the first,
 * where the third still is. */
static void what_grows_again_overwrites_nothing(void **state)
{
	enum { LEN = 600, N = 3 };
	struct pair *pair = *state;
	struct rig_sa sa = with(false);
	uint8_t clear[N][LEN], *buf = calloc(1, N * (RV_HEADROOM + 2 * LEN));
	struct rv_packet packets[N], *list[N];
	uint32_t at = 0, got = 0;

	assert_non_null(buf);
	sa.local = "2001:db8:1::/64";
	sa.remote = "2001:db8:2::/64";
	tunnel(pair, &sa);
	pair->east->clear[0].port.takes_udp_trains = true;
	for (int i = 0; i < N; i++) {
		struct ip_info info;
		rig_packet(clear[i], "2001:db8:1::1", "2001:db8:2::1", 1000, 80, LEN);
		clear[i][LEN - 1] = i == 1 ? FILL : (uint8_t)i;
		assert_true(ip_parse(&info, clear[i], LEN));
		ip_fix_upper(&info, clear[i] + info.upper, LEN - info.upper);
		rig_clear(pair->west, 0, clear[i], LEN);
		packets[i] = pair->west->wire[1].caught[i];
		packets[i].buf = buf + at;
		packets[i].cap = N * (RV_HEADROOM + 2 * LEN) - at;
		packets[i].data = memcpy(packets[i].buf + RV_HEADROOM, packets[i].data, packets[i].len);
		at += RV_HEADROOM + packets[i].len + RV_TAILROOM;
		list[i] = &packets[i];
	}
	assert_int_equal(pair->west->wire[1].n, N);
	assert_true(packets[1].len < 200 && packets[2].len > LEN);
	lane_wire(rig_lane(pair->east), list, N);
	for (unsigned i = 0; i < pair->east->clear[0].n; i++) {
		const struct rv_packet *out = &pair->east->clear[0].caught[i];
		for (uint32_t from = 48; from < out->len; from += LEN - 48)
			assert_memory_equal(out->data + from, clear[got++] + 48, LEN - 48);
	}
	assert_int_equal(got, N);
	free(buf);
}

static void what_the_extension_refuses_is_counted(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = with(false);
	uint8_t p[300];

	tunnel(pair, &sa);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1000, 80, sizeof(p));
	trim.spoil = true;
	rig_clear(pair->west, 0, p, sizeof(p));
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 0);
	assert_int_equal(rig_dropped(pair->east, plain.spi, true, RV_DROP_MALFORMED), 1);
	trim.spoil = false;
	trim.grow = true;
	rig_clear(pair->west, 0, p, sizeof(p)); /* a text may grow */
	assert_int_equal(pair->west->wire[1].n, 1);
	rig_forget(&pair->west->wire[1]);
	trim.grow = false;
	passes(pair, "10.1.0.1", "10.2.0.1", 300);
}

/* Selectors are of the packet inside (RFC 4301, 5.2). */
static void selectors_see_the_original(void **state)
{
	struct pair *pair = *state;
	struct rig_sa out = with(false), in = out;
	uint8_t p[300];

	in.in = true;
	in.local = "10.2.0.0/16";
	in.remote = "10.9.0.0/16";
	assert_int_equal(rig_policy(pair->west, out.local, out.remote, RV_TUNNEL, out.reqid, false), 0);
	assert_int_equal(rig_add(pair->west, &out), 0);
	assert_int_equal(rig_add(pair->east, &in), 0);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1000, 80, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	rig_carry(pair->west, pair->east);
	assert_int_equal(rig_dropped(pair->east, plain.spi, true, RV_DROP_SELECTOR), 1);
}

static void an_sa_opens_and_closes_it(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = with(false);

	sa.ext = "nobody's";
	assert_int_equal(rig_add(pair->west, &sa), -RV_ENO_PROVIDER);
	sa.ext = "trim";
	sa.ext_octets = "x";
	assert_int_equal(rig_add(pair->west, &sa), -EINVAL);
	assert_true(trim.opened == 1 && !trim.closed);
	assert_int_equal(rig_add(pair->west, &plain), 0);
	assert_int_equal(trim.opened, 1);
	assert_true(pair->west->ops->extends(pair->west->self));
}

/* A turn at the time that was asked for, and not before. */
static void time_passes(struct rig *rig, uint64_t us)
{
	struct lane *lane = rig_lane(rig);

	lane->now_us += us;
	if (lane->due_us <= lane->now_us)
		extend_tick(lane);
}

static struct rig_sa bagged(void)
{
	struct rig_sa sa = plain;

	sa.ext = "bag";
	sa.ext_octets = "";
	return sa;
}

/* With the first turn of each SA, as worker_look() brings it about. */
static void begin(struct pair *pair, const struct rig_sa *sa)
{
	tunnel(pair, sa);
	bag.head = 0x11;
	bag.ticks = 0;
	for (int i = 0; i < 2; i++) {
		struct rig *rig = i ? pair->east : pair->west;
		rig_lane(rig)->due_us = 0;
		time_passes(rig, 0);
		assert_int_equal(bag.ticks, i + 1);
		assert_true(rig_lane(rig)->due_us == UINT64_MAX);
	}
}

static void several_texts_leave_as_one_in_their_time(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = bagged();
	const struct rv_packet *wire = &pair->west->wire[1].caught[0];
	uint8_t p[3][400];

	begin(pair, &sa);
	for (uint32_t i = 0; i < 3; i++) {
		rig_packet(p[i], "10.1.0.1", "10.2.0.1", 1000, (uint16_t)i, 100 * (i + 1));
		rig_clear(pair->west, 0, p[i], 100 * (i + 1));
	}
	assert_true(bag.outs == 3 && pair->west->wire[1].n == 0);
	time_passes(pair->west, HOLD_US - 1);
	assert_int_equal(bag.ticks, 2);
	time_passes(pair->west, 1);
	assert_true(bag.ticks == 3 && pair->west->wire[1].n == 1);
	assert_true(wire->len == 4 + HEAD + 8 + 8 + 608 + 16 && wire->tos == 8 && wire->protocol == 0);
	assert_memory_equal(wire->data, "\0\0\0\7\x40\x40\0\x11\1\x23\x45\x67", 12);
	assert_int_equal(bag.fits, 1000 - 20 - 8 - 4 - HEAD - 8 - 8 - 16 - 2);
	rig_carry(pair->west, pair->east);
	assert_true(pair->east->clear[0].n == 3 && bag.ins == 1 && bag.seq == 1);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(pair->east->clear[0].caught[i].len, 100 * (i + 1));
		assert_memory_equal(pair->east->clear[0].caught[i].data, p[i], 100 * (i + 1));
	}
	time_passes(pair->west, 10 * HOLD_US);
	assert_int_equal(bag.ticks, 3);
}

/* What does not fit the path is the extension's business when it says so (RFC 4301, 8.2.1 otherwise). */
static void an_extension_takes_larger_packets(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = bagged();
	uint8_t p[3000];

	begin(pair, &sa);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1000, 80, sizeof(p));
	p[6] = 0x40; /* DF */
	p[10] = p[11] = 0;
	ip_put16(p + 10, ip_fold(ip_sum(0, p, 20)));
	rig_clear(pair->west, 0, p, sizeof(p));
	assert_true(bag.outs == 1 && pair->west->clear[0].n == 0);
}

/* Without UDP the protocol of IP tells the wrapper. */
static void a_wrapper_has_a_protocol_of_its_own(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = bagged();
	struct rv_packet *wire = &pair->west->wire[0].caught[0];
	uint8_t p[100];

	sa.raw = true;
	begin(pair, &sa);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1000, 80, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	time_passes(pair->west, HOLD_US);
	assert_true(pair->west->wire[0].n == 1 && wire->protocol == PROTOCOL);
	assert_memory_equal(wire->data, "\x40\x40\0\x11\1\x23\x45\x67", 8);
	rig_carry(pair->west, pair->east);
	assert_int_equal(pair->east->clear[0].n, 1);
}

static void wrappers_must_be_the_right_ones(void **state)
{
	static const struct {
		const char *what;
		uint32_t at, cut; /* where an octet is changed, what is left out in front */
		uint8_t value;
		uint64_t no_sa, malformed;
	} rows[] = {
		{ "another marker", 3, 0, 8, 1, 0 },	{ "no such header", 4, 0, 0x41, 1, 0 },
		{ "without", 0, 8, 1, 0, 1 },		{ "the extension's own check", 7, 0, 5, 0, 1 },
		{ "of another SA", 11, 0, 0x66, 1, 0 },
	};
	struct pair *pair = *state;
	struct rig_sa sa = bagged();
	struct lane *east = rig_lane(pair->east);

	begin(pair, &sa);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_packet *wire = &pair->west->wire[1].caught[0];
		uint64_t no_sa = atomic_load(&east->db->dropped[RV_DROP_NO_SA]);
		uint64_t malformed = rig_dropped(pair->east, plain.spi, true, RV_DROP_MALFORMED);
		uint8_t p[100];

		rig_packet(p, "10.1.0.1", "10.2.0.1", 1000, 80, sizeof(p));
		rig_clear(pair->west, 0, p, sizeof(p));
		time_passes(pair->west, HOLD_US);
		assert_int_equal(pair->west->wire[1].n, 1);
		wire->data += rows[i].cut;
		wire->len -= rows[i].cut;
		wire->data[rows[i].at] = rows[i].value;
		rig_carry(pair->west, pair->east);
		no_sa = atomic_load(&east->db->dropped[RV_DROP_NO_SA]) - no_sa;
		malformed = rig_dropped(pair->east, plain.spi, true, RV_DROP_MALFORMED) - malformed;
		if (no_sa != rows[i].no_sa || malformed != rows[i].malformed || pair->east->clear[0].n)
			fail_msg("%s: %u without SA, %u malformed", rows[i].what, (unsigned)no_sa, (unsigned)malformed);
	}
}

static void an_sa_that_left_is_given_no_turn(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = bagged();
	uint8_t p[100];

	begin(pair, &sa);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1000, 80, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	assert_int_equal(pair->west->ops->sa_del(pair->west->self, plain.spi, RV_OUT, NULL), 0);
	time_passes(pair->west, HOLD_US);
	assert_true(bag.ticks == 2 && pair->west->wire[1].n == 0);
}

static int tear_down(void **state)
{
	unsigned open = trim.opened;
	bool refused = trim.octets[0] == 'x';

	assert_int_equal(teardown(state), 0);
	assert_int_equal(trim.closed, open - refused);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(texts_pass_the_extension),
		TEST(transport_mode_passes_what_is_behind_the_header),
		TEST(there_is_room_for_what_comes_out_of_a_burst),
		TEST(every_segment_passes_by_itself),
		TEST(what_grows_again_overwrites_nothing),
		TEST(what_the_extension_refuses_is_counted),
		TEST(selectors_see_the_original),
		TEST(an_sa_opens_and_closes_it),
		TEST(several_texts_leave_as_one_in_their_time),
		TEST(an_extension_takes_larger_packets),
		TEST(a_wrapper_has_a_protocol_of_its_own),
		TEST(wrappers_must_be_the_right_ones),
		TEST(an_sa_that_left_is_given_no_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

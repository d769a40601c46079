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

static enum rv_esp_ext_result trim_out(void *state, unsigned worker, struct rv_esp_text *text)
{
	uint8_t *room = state;
	uint32_t len = text->len;

	while (len && text->p[len - 1] == FILL)
		len--;
	if (len + 4 >= text->len && !trim.grow)
		return RV_ESP_AS_IT_IS;
	room[0] = text->next;
	ip_put16(room + 2, text->len);
	memcpy(room + 4, text->p, len);
	*text = (struct rv_esp_text){ room, trim.grow ? text->len + 1 : len + 4, NEXT };
	trim.changed++;
	return RV_ESP_CHANGED;
}

static enum rv_esp_ext_result trim_in(void *state, unsigned worker, struct rv_esp_text *text)
{
	uint8_t *room = state;
	uint32_t len;

	if (trim.spoil)
		return RV_ESP_BAD;
	if (text->next != NEXT)
		return RV_ESP_AS_IT_IS;
	len = (uint32_t)text->p[2] << 8 | text->p[3];
	memset(room, FILL, len);
	memcpy(room, text->p + 4, text->len - 4);
	*text = (struct rv_esp_text){ room, len, text->p[0] };
	trim.changed++;
	return RV_ESP_CHANGED;
}

static const struct rv_esp_ext_ops trim_ops = {
	.size = sizeof(trim_ops), .open = trim_open, .close = trim_close, .out = trim_out, .in = trim_in
};

static int set_up(void **state)
{
	struct pair *pair;

	memset(&trim, 0, sizeof(trim));
	assert_int_equal(setup(state), 0);
	pair = *state;
	for (int i = 0; i < 2; i++) {
		struct rig *rig = i ? pair->east : pair->west;
		assert_int_equal(rv_esp_ext_offer(rig->fakes, (struct rv_offer){ .name = "trim" }, &trim_ops, NULL), 0);
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
	rig_clear(pair->west, 0, p, sizeof(p));
	assert_int_equal(pair->west->wire[1].n, 0);
	assert_int_equal(rig_dropped(pair->west, plain.spi, false, RV_DROP_MALFORMED), 1);
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
		TEST(texts_pass_the_extension),	      TEST(transport_mode_passes_what_is_behind_the_header),
		TEST(every_segment_passes_by_itself), TEST(what_the_extension_refuses_is_counted),
		TEST(selectors_see_the_original),     TEST(an_sa_opens_and_closes_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-capture: what a capture of an SA holds, block by block, and how it ends. */
#include "test-rig.h"

#include "capture.h"
#include "pcapng.h"

#include <fcntl.h>
#include <signal.h>

enum { MAX_BLOCKS = 64, PIPE = 1 << 20 };

struct block {
	uint32_t type, len, side, packet_len;
	const uint8_t *p, *packet;
};

static uint32_t host32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Reads what is in the pipe; the number of blocks. */
static unsigned read_blocks(int fd, uint8_t *buf, struct block blocks[static MAX_BLOCKS])
{
	ssize_t n = read(fd, buf, PIPE);
	unsigned count = 0;

	for (size_t at = 0; n > 0 && at < (size_t)n; at += blocks[count++].len) {
		struct block *b = &blocks[count];
		assert_true(count < MAX_BLOCKS && (size_t)n - at >= 12);
		*b = (struct block){ .type = host32(buf + at), .len = host32(buf + at + 4), .p = buf + at };
		assert_true(b->len >= 12 && b->len % 4 == 0 && b->len <= (size_t)n - at);
		assert_int_equal(host32(buf + at + b->len - 4), b->len);
		if (b->type != 6)
			continue;
		b->side = host32(b->p + 8);
		b->packet_len = host32(b->p + 20);
		assert_int_equal(host32(b->p + 24), b->packet_len);
		assert_true(28 + b->packet_len <= b->len);
		b->packet = b->p + 28;
	}
	return count;
}

struct world {
	int ends[2];
	uint8_t *buf;
	struct block blocks[MAX_BLOCKS];
};

static void open_pipe(struct world *w)
{
	*w = (struct world){ .buf = malloc(PIPE) };
	assert_non_null(w->buf);
	assert_int_equal(pipe2(w->ends, O_CLOEXEC | O_NONBLOCK), 0);
}

static const struct {
	const char *what;
	bool transport, ah, raw;
	const char *proposal;
	uint16_t tfc;
	uint32_t wire_header;
	uint8_t proto;
} rows[] = {
	{ "tunnel in UDP", false, false, false, NULL, 0, IP4_HEADER + UDP_HEADER, IP_UDP },
	{ "tunnel, raw", false, false, true, NULL, 0, IP4_HEADER, IP_ESP },
	{ "transport", true, false, true, NULL, 0, IP4_HEADER, IP_ESP },
	{ "with hidden lengths", false, false, true, NULL, 500, IP4_HEADER, IP_ESP },
	{ "AH, tunnel", false, true, true, "sha256", 0, IP4_HEADER, IP_AH },
	{ "AH, transport", true, true, true, "sha256", 0, IP4_HEADER, IP_AH },
	{ "AH with an IV, tunnel", false, true, true, "aes128gmac", 0, IP4_HEADER, IP_AH },
	{ "AH with an IV, transport", true, true, true, "aes128gmac", 0, IP4_HEADER, IP_AH },
};

/* One packet by each row: in clear and on the wire, out of the west and into the east. */
static void both_sides_are_there(void **state)
{
	struct pair *pair = *state;
	uint8_t p[90];

	for (uint32_t i = 0; i < RV_COUNT(rows); i++) {
		struct rig_sa sa = plain;
		struct rig *side[] = { pair->west, pair->east };
		struct world w[2];
		sa.transport = rows[i].transport;
		sa.ah = rows[i].ah;
		sa.raw = rows[i].raw;
		sa.terms.tfc = rows[i].tfc;
		sa.proposal = rows[i].proposal;
		sa.spi += i;
		if (sa.transport) {
			sa.local = "192.0.2.1";
			sa.remote = "192.0.2.2";
		}
		tunnel(pair, &sa);
		for (int k = 0; k < 2; k++) {
			struct rv_why why = { 0 };
			open_pipe(&w[k]);
			assert_int_equal(side[k]->ops->capture(side[k]->self, sa.reqid, w[k].ends[1], &why), 0);
		}
		rig_packet(p, sa.transport ? "192.0.2.1" : "10.1.0.1", sa.transport ? "192.0.2.2" : "10.2.0.1", 5, 6,
			   sizeof(p));
		rig_clear(pair->west, 0, p, sizeof(p));
		rig_carry(pair->west, pair->east);
		for (int k = 0; k < 2; k++) {
			capture_stop(side[k]->u);
			unsigned n = read_blocks(w[k].ends[0], w[k].buf, w[k].blocks);
			if (n != 6)
				fail_msg("%s: %u blocks", rows[i].what, n);
			const struct block *clear = &w[k].blocks[k ? 4 : 3], *wire = &w[k].blocks[k ? 3 : 4];
			struct ip_info info;
			assert_int_equal(w[k].blocks[0].type, 0x0a0d0d0a);
			assert_int_equal(w[k].blocks[1].type, 1);
			assert_int_equal(w[k].blocks[2].type, 1);
			assert_int_equal(w[k].blocks[5].type, 5);
			assert_int_equal(clear->side, PCAPNG_CLEAR);
			assert_int_equal(wire->side, PCAPNG_WIRE);
			assert_int_equal(clear->packet_len, sizeof(p));
			assert_memory_equal(clear->packet + IP4_HEADER, p + IP4_HEADER, sizeof(p) - IP4_HEADER);
			assert_true(ip_parse(&info, wire->packet, wire->packet_len));
			assert_int_equal(info.len, wire->packet_len);
			assert_int_equal(info.proto == IP_UDP ? IP_UDP : wire->packet[9], rows[i].proto);
			assert_int_equal(ip_u32(wire->packet + rows[i].wire_header + (sa.ah ? 4 : 0)), sa.spi);
			assert_non_null(memmem(wire->p, wire->len, "of child SA #", 13));
			close(w[k].ends[0]);
		}
		const struct block *sent = &w[0].blocks[4], *came = &w[1].blocks[3];
		assert_int_equal(sent->packet_len, came->packet_len);
		assert_memory_equal(sent->packet, came->packet, sent->packet_len);
		free(w[0].buf);
		free(w[1].buf);
		flush_policies(pair->west->u);
		flush_sas(pair->west->u);
		flush_sas(pair->east->u);
		rig_forget(&pair->east->clear[0]);
		pair->west->n_clear = pair->east->n_clear = 0;
	}
}

/* Another SA is none of its business, and forgeries show on the wire only. */
static void only_what_was_asked_for(void **state)
{
	struct pair *pair = *state;
	struct rig_sa other = plain;
	struct world w;
	struct rv_why why = { 0 };
	uint8_t p[60];

	tunnel(pair, &plain);
	other.spi++;
	other.reqid++;
	other.local = "10.3.0.0/16";
	tunnel(pair, &other);
	open_pipe(&w);
	assert_int_equal(pair->east->ops->capture(pair->east->self, plain.reqid, w.ends[1], &why), 0);
	rig_packet(p, "10.3.0.1", "10.2.0.1", 5, 6, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	rig_packet(p, "10.1.0.1", "10.2.0.1", 5, 6, sizeof(p));
	rig_clear(pair->west, 0, p, sizeof(p));
	pair->west->wire[1].caught[1].data[20] ^= 1;
	rig_carry(pair->west, pair->east);
	capture_stop(pair->east->u);
	assert_int_equal(read_blocks(w.ends[0], w.buf, w.blocks), 5);
	assert_int_equal(w.blocks[3].side, PCAPNG_WIRE);
	assert_int_equal(w.blocks[4].type, 5);
	close(w.ends[0]);
	free(w.buf);
}

static bool has_ended(void *arg)
{
	const struct rig *rig = arg;

	return !atomic_load(&rig->u->db.capture);
}

static void one_at_a_time_and_no_longer_than_it_is_read(void **state)
{
	struct pair *pair = *state;
	struct rig *west = pair->west;
	struct world a, b;
	struct rv_why why = { 0 };

	tunnel(pair, &plain);
	open_pipe(&a);
	open_pipe(&b);
	assert_int_equal(west->ops->capture(west->self, plain.reqid, a.ends[1], &why), 0);
	assert_int_equal(west->ops->capture(west->self, plain.reqid, b.ends[1], &why), -RV_EIN_USE);
	assert_int_equal(fcntl(b.ends[1], F_GETFD), -1); /* it was closed */
	close(a.ends[0]);
	assert_true(mini_until(west->core, has_ended, west));
	assert_int_equal(fcntl(a.ends[1], F_GETFD), -1);
	assert_int_equal(west->ops->capture(west->self, plain.reqid, -1, &why), -EBADF);
	close(b.ends[0]);
	free(a.buf);
	free(b.buf);
}

/* A reader that does not read costs packets of the capture and nothing else. */
static void what_does_not_fit_is_counted(void **state)
{
	struct pair *pair = *state;
	struct rv_why why = { 0 };
	struct world w;
	uint8_t p[1400];

	tunnel(pair, &plain);
	open_pipe(&w);
	assert_int_equal(pair->west->ops->capture(pair->west->self, plain.reqid, w.ends[1], &why), 0);
	for (int i = 0; i < 500; i++) {
		rig_packet(p, "10.1.0.1", "10.2.0.1", 5, 6, sizeof(p));
		rig_clear(pair->west, 0, p, sizeof(p));
		assert_int_equal(pair->west->wire[1].n, 1);
		rig_forget(&pair->west->wire[1]);
	}
	capture_stop(pair->west->u);
	close(w.ends[0]);
	free(w.buf);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_sides_are_there),
		TEST(only_what_was_asked_for),
		TEST(one_at_a_time_and_no_longer_than_it_is_read),
		TEST(what_does_not_fit_is_counted),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

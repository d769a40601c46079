// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-aggfrag: the octets of AGGFRAG payloads (RFC 9347, 2.2, 6.1 and Appendix A). */
#include "payload.h"
#include "test.h"

#include <stdlib.h>

enum { RING = 200000, GIVEN = 64 };

static struct {
	struct rv_bytes given[GIVEN];
	unsigned n;
	uint8_t octets[GIVEN][70000];
} got;

struct rig {
	struct queue queue;
	struct assembly assembly;
	uint8_t ring[RING], whole[PACKET_MOST];
};

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->queue = (struct queue){ .octets = rig->ring, .size = RING };
	rig->assembly = (struct assembly){ .packet = rig->whole, .fragments = true };
	got.n = 0;
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void give(void *arg, struct rv_bytes packet)
{
	assert_true(got.n < GIVEN);
	memcpy(got.octets[got.n], packet.p, packet.len);
	got.given[got.n] = rv_bytes(got.octets[got.n], packet.len);
	got.n++;
}

/* A packet of len octets that says so, and what else it is made of. */
static struct rv_bytes packet_of(uint8_t version, uint32_t len, uint8_t fill, uint8_t out[static 70000])
{
	memset(out, fill, len);
	out[0] = (uint8_t)(version << 4);
	out[version == 4 ? 2 : 4] = (uint8_t)((version == 4 ? len : len - 40) >> 8);
	out[version == 4 ? 3 : 5] = (uint8_t)(version == 4 ? len : len - 40);
	return rv_bytes(out, len);
}

static void put(struct rig *rig, uint8_t version, uint32_t len, uint8_t fill)
{
	static uint8_t p[70000];

	assert_true(queue_put(&rig->queue, packet_of(version, len, fill, p)));
}

static void is(unsigned i, uint8_t version, uint32_t len, uint8_t fill)
{
	static uint8_t p[70000];

	assert_true(i < got.n);
	assert_true(rv_bytes_equal(got.given[i], packet_of(version, len, fill, p)));
}

/* RFC 9347, Appendix A, Figure 11: offsets 0, 100, 2000, 600. */
static void the_flow_of_the_appendix_has_its_offsets(void **state)
{
	static const struct {
		uint16_t offset;
		uint32_t len;
		unsigned given;
	} rows[] = { { 0, 1400, 1 }, { 100, 1400, 4 }, { 2000, 1400, 4 }, { 600, 600, 5 } };
	static const uint32_t packets[] = { 750, 750, 60, 240, 3000 };
	struct rig *rig = *state;
	uint8_t p[1400];
	uint32_t refused = 0;

	for (size_t i = 0; i < RV_COUNT(packets); i++)
		put(rig, i % 2 ? 6 : 4, packets[i], (uint8_t)i);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint16_t offset = 1;
		uint32_t len = payload_fill(&rig->queue, p, sizeof(p), true, &offset, &refused);
		assert_int_equal(len, rows[i].len);
		assert_int_equal(offset, rows[i].offset);
		memset(p + len, 0, sizeof(p) - len);
		assert_int_equal(payload_open(&rig->assembly, offset, rv_bytes(p, sizeof(p)), give, NULL), FAULT_NONE);
		assert_int_equal(got.n, rows[i].given);
	}
	for (unsigned i = 0; i < RV_COUNT(packets); i++)
		is(i, i % 2 ? 6 : 4, packets[i], (uint8_t)i);
	assert_true(!refused && !rig->queue.n && !rig->queue.used);
}

/* Pieces of every size, so that a length is cut everywhere. */
static void packets_survive_any_cut(void **state)
{
	static const uint32_t sizes[] = { 20, 41, 1500, 65535, 40, 576, 9000, 1280 };
	struct rig *rig = *state;
	static uint8_t p[4000];
	uint32_t refused = 0, len;
	uint16_t offset;

	for (uint32_t room = 64; room < 4000; room = room * 3 / 2 + 1) {
		got.n = 0;
		for (size_t i = 0; i < RV_COUNT(sizes); i++)
			put(rig, sizes[i] >= 40 && i % 2 ? 6 : 4, sizes[i], (uint8_t)(i + room));
		while ((len = payload_fill(&rig->queue, p, room, true, &offset, &refused))) {
			assert_int_equal(payload_open(&rig->assembly, offset, rv_bytes(p, len), give, NULL),
					 FAULT_NONE);
			/* "all-pad" payloads in between (RFC 9347, 2.2.3) */
			assert_int_equal(payload_open(&rig->assembly, 0, RV_STR("\0\0\0"), give, NULL), FAULT_NONE);
		}
		assert_int_equal(got.n, RV_COUNT(sizes));
		for (unsigned i = 0; i < RV_COUNT(sizes); i++)
			is(i, sizes[i] >= 40 && i % 2 ? 6 : 4, sizes[i], (uint8_t)(i + room));
	}
}

/* One octet of a packet a payload: the length comes in pieces, too. */
static void a_length_may_come_in_pieces(void **state)
{
	struct rig *rig = *state;
	static uint8_t p[70000];

	for (uint8_t version = 4; version <= 6; version += 2) {
		struct rv_bytes whole = packet_of(version, 60, 9, p);
		got.n = 0;
		for (uint32_t at = 0; at < 60; at++)
			assert_int_equal(payload_open(&rig->assembly, (uint16_t)(at ? 60 - at : 0),
						      rv_bytes(whole.p + at, 1), give, NULL),
					 FAULT_NONE);
		assert_int_equal(got.n, 1);
		is(0, version, 60, 9);
	}
}

static void what_is_lost_takes_one_packet_with_it(void **state)
{
	struct rig *rig = *state;
	static uint8_t p[4][400];
	uint32_t refused = 0;
	uint16_t offset[4];

	for (unsigned i = 0; i < 4; i++)
		put(rig, 4, 350, (uint8_t)i);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(payload_fill(&rig->queue, p[i], 400, true, &offset[i], &refused), i < 3 ? 400 : 200);
	for (unsigned i = 0; i < 4; i++) {
		if (i == 1)
			assert_true(assembly_lost(&rig->assembly));
		else
			assert_int_equal(
				payload_open(&rig->assembly, offset[i], rv_bytes(p[i], i < 3 ? 400 : 200), give, NULL),
				FAULT_NONE);
	}
	assert_int_equal(got.n, 2);
	is(0, 4, 350, 0);
	is(1, 4, 350, 3);
	assert_false(assembly_lost(&rig->assembly));
}

static void without_fragments_packets_stay_whole(void **state)
{
	struct rig *rig = *state;
	uint8_t p[1000];
	uint32_t refused = 0;
	uint16_t offset;

	rig->assembly.fragments = false;
	put(rig, 4, 600, 1);
	put(rig, 4, 600, 2);
	put(rig, 4, 1001, 3); /* fits nowhere */
	put(rig, 4, 1000, 4);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t len = payload_fill(&rig->queue, p, sizeof(p), false, &offset, &refused);
		assert_int_equal(len, i < 2 ? 600 : 1000);
		assert_int_equal(offset, 0);
		assert_int_equal(payload_open(&rig->assembly, 0, rv_bytes(p, len), give, NULL), FAULT_NONE);
	}
	assert_true(got.n == 3 && refused == 1);
	assert_int_equal(payload_open(&rig->assembly, 0, rv_bytes(p, 999), give, NULL), FAULT_FRAGMENT);
	assert_int_equal(got.n, 3);
}

static void senders_that_do_not_agree_with_themselves_are_told_apart(void **state)
{
	static const struct {
		const char *what;
		uint16_t offset;
		const char *octets;
		size_t len;
		enum fault fault;
		unsigned given;
	} rows[] = {
		{ "no version", 0, "\x50\0\0\0", 4, FAULT_BLOCK, 0 },
		{ "shorter than a header", 0, "\x45\0\0\x13", 4, FAULT_BLOCK, 0 },
		{ "of no length", 0, "\x45\0\0\0", 4, FAULT_BLOCK, 0 },
		{ "its end is not where it said", 7, "\0\0\0\0\0\0\0\0", 8, FAULT_OFFSET, 0 },
		{ "it goes on where it should end", 9, "\0\0\0\0\0\0\0\0", 8, FAULT_OFFSET, 0 },
		{ "another one begins", 0, "\x45\0\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, FAULT_OFFSET, 1 },
		{ "as it said", 8, "\0\0\0\0\0\0\0\0\0", 9, FAULT_NONE, 1 },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		bool begun = i > 2;
		enum fault fault;
		got.n = 0;
		(void)assembly_lost(&rig->assembly);
		if (begun)
			assert_int_equal(payload_open(&rig->assembly, 0, RV_STR("\x45\0\0\x14________"), give, NULL),
					 FAULT_NONE);
		assert_int_equal(rig->assembly.have, begun ? 12 : 0);
		fault = payload_open(&rig->assembly, rows[i].offset, rv_bytes(rows[i].octets, rows[i].len), give, NULL);
		if (fault != rows[i].fault || got.n != rows[i].given)
			fail_msg("%s: %d, %u given", rows[i].what, fault, got.n);
	}
}

static void headers_are_as_drawn(void **state)
{
	static const uint8_t octets[] = { 1,	0x03, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0x80, 0, 0x07, 0xff,
					  0xff, 0xe0, 0,    1,	  1,	2,    3,    4,	  5,	6, 7,	 8 };
	struct header header = { .reports = true,
				 .offset = 0x1234,
				 .report = { .probing = true,
					     .ecn = true,
					     .loss = 0xdeadbeef,
					     .rtt_us = 0x200001,
					     .echo_us = 0xffffffff,
					     .transmit_us = 1,
					     .tval = 0x01020304,
					     .techo = 0x05060708 } };
	struct header back;
	uint8_t p[HEADER_REPORT];
	struct rv_wr w = rv_wr(p, sizeof(p));
	struct rv_rd r;

	header_write(&w, &header);
	assert_int_equal(rv_wr_len(&w), HEADER_REPORT);
	assert_memory_equal(p, octets, 8);
	assert_memory_equal(p + 16, octets + 16, 8);
	r = rv_rd(rv_bytes(p, sizeof(p)));
	assert_true(header_read(&r, &back) && rv_rd_done(&r));
	assert_int_equal(back.report.rtt_us, 0x200001);
	assert_int_equal(back.report.echo_us, 0x1fffff); /* "the value MUST be set to 0x1FFFFF" */
	assert_int_equal(back.report.transmit_us, 1);
	header.report.rtt_us = 0xffffffff;
	w = rv_wr(p, sizeof(p));
	header_write(&w, &header);
	r = rv_rd(rv_bytes(p, sizeof(p)));
	assert_true(header_read(&r, &back));
	assert_int_equal(back.report.rtt_us, 0x3fffff);
	for (size_t len = 0; len < HEADER_REPORT; len++) {
		r = rv_rd(rv_bytes(p, len));
		assert_false(header_read(&r, &back));
	}
	r = rv_rd(RV_STR("\0\xff\0\7rest")); /* "ignored on receipt" */
	assert_true(header_read(&r, &back) && back.offset == 7 && !back.reports);
	r = rv_rd(RV_STR("\2\0\0\0"));
	assert_false(header_read(&r, &back));
}

static void a_queue_is_full_when_it_is(void **state)
{
	struct rig *rig = *state;
	static uint8_t p[70000];
	uint8_t out[2000];
	uint32_t refused = 0, n = 0;
	uint16_t offset;

	rig->queue.size = 5000;
	while (queue_put(&rig->queue, packet_of(4, 1000, (uint8_t)n, p)))
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(payload_fill(&rig->queue, out, 1500, true, &offset, &refused), 1500);
	assert_int_equal(queue_left(&rig->queue), 500);
	assert_true(queue_put(&rig->queue, packet_of(4, 1000, 9, p)));
	queue_restart(&rig->queue); /* another SA */
	assert_int_equal(queue_left(&rig->queue), 1000);
	assert_int_equal(payload_fill(&rig->queue, out, 1000, true, &offset, &refused), 1000);
	assert_true(offset == 0 && out[500] == 1);
	assert_false(queue_put(&rig->queue, rv_bytes(p, 0)));
	assert_false(queue_put(&rig->queue, rv_bytes(p, 65536)));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_flow_of_the_appendix_has_its_offsets),
		TEST(packets_survive_any_cut),
		TEST(a_length_may_come_in_pieces),
		TEST(what_is_lost_takes_one_packet_with_it),
		TEST(without_fragments_packets_stay_whole),
		TEST(senders_that_do_not_agree_with_themselves_are_told_apart),
		TEST(headers_are_as_drawn),
		TEST(a_queue_is_full_when_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-frame: frames as they are written are read again; what is cut, bent or not ours is refused. */
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PORT = 4500, ROOM = 2048, SPI = 0x100 };

/* As Scapy 2.5 writes it: Ether()/IP()/UDP(4500, 4500)/ESP(spi=0x100, seq=1) with eight octets behind. */
static const uint8_t udp4[] = {
	0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x45,
	0xb9, 0x00, 0x2c, 0x00, 0x07, 0x00, 0x00, 0x40, 0x11, 0x65, 0xff, 0x0a, 0x00, 0x00, 0x02,
	0x0a, 0x00, 0x00, 0x01, 0x11, 0x94, 0x11, 0x94, 0x00, 0x18, 0xb7, 0x7e, 0x00, 0x00, 0x01,
	0x00, 0x00, 0x00, 0x00, 0x01, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
};

static struct frame_path path_new(bool v6, bool encap)
{
	struct frame_path path = { .to = { 2, 0, 0, 0, 0, 1 }, .from = { 2, 0, 0, 0, 0, 2 }, .encap = encap };

	assert_int_equal(rv_addr_parse(&path.local, v6 ? "fd00::2" : "10.0.0.2"), 0);
	assert_int_equal(rv_addr_parse(&path.remote, v6 ? "fd00::1" : "10.0.0.1"), 0);
	path.local.port = path.remote.port = encap ? PORT : 0;
	return path;
}

static struct rv_bytes esp_new(uint8_t out[static ROOM], size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i * 7 + len);
	memcpy(out, "\0\0\1\0", 4);
	return rv_bytes(out, len);
}

/* Octets that end where their memory does. */
static bool read_exactly(const uint8_t *p, size_t len, struct frame *frame)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, p, len);
	bool read = frame_read(copy, len, PORT, frame);
	free(copy);
	return read;
}

static void another_programs_frame_is_read_and_written_alike(void **state)
{
	struct frame_path path = path_new(false, true);
	uint8_t out[ROOM];
	struct frame frame;

	assert_true(frame_read(udp4, sizeof(udp4), PORT, &frame));
	assert_true(rv_addr_same(&frame.remote, &path.local));
	assert_true(rv_addr_same(&frame.local, &path.remote));
	assert_true(frame.encap);
	assert_int_equal(frame.tos, 0xb9);
	assert_int_equal(frame.esp.len, 16);
	assert_int_equal(frame_write(out, &path, 0xb9, 7, frame.esp), sizeof(udp4));
	assert_memory_equal(out, udp4, sizeof(udp4));
}

static void what_is_written_is_read_again(void **state)
{
	uint8_t octets[ROOM], out[ROOM];

	for (int kind = 0; kind < 4; kind++) {
		struct frame_path path = path_new(kind & 1, kind & 2);
		for (size_t len = 8; len < 1500; len += 1 + len / 9) {
			struct frame frame;
			struct rv_bytes esp = esp_new(octets, len);
			size_t n = frame_write(out, &path, 0x2e, (uint16_t)len, esp);
			assert_int_equal(n, frame_headers(&path) + len);
			assert_true(frame_read(out, n, PORT, &frame));
			assert_true(rv_bytes_equal(frame.esp, esp));
			assert_true(rv_addr_same(&frame.remote, &path.local));
			assert_true(rv_addr_same(&frame.local, &path.remote));
			assert_int_equal(frame.encap, path.encap);
			assert_int_equal(frame.tos, 0x2e);
		}
	}
}

static void every_cut_is_refused(void **state)
{
	uint8_t octets[ROOM], out[ROOM];

	for (int kind = 0; kind < 4; kind++) {
		struct frame_path path = path_new(kind & 1, kind & 2);
		size_t n = frame_write(out, &path, 0, 1, esp_new(octets, 40));
		struct frame frame;
		for (size_t len = 0; len < n; len++)
			assert_false(read_exactly(out, len, &frame));
		assert_true(read_exactly(out, n, &frame));
		memset(out + n, 0, 18); /* a frame is padded to 60 octets */
		assert_true(read_exactly(out, n + 18, &frame));
		assert_int_equal(frame.esp.len, 40);
	}
}

/* Every bit of a datagram with a checksum is covered, and every bit of the IPv4 header. */
static void every_flipped_bit_is_seen(void **state)
{
	uint8_t octets[ROOM], out[ROOM];

	for (int v6 = 0; v6 < 2; v6++) {
		struct frame_path path = path_new(v6, true);
		size_t n = frame_write(out, &path, 0, 1, esp_new(octets, 24));
		struct frame frame;
		for (size_t bit = 14 * 8; bit < n * 8; bit++) {
			bool uncovered = v6 && (bit < (14 + 4) * 8 || bit / 8 == 14 + 7); /* class, flow, hops */
			out[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (!uncovered && frame_read(out, n, PORT, &frame))
				fail_msg("bit %zu of an IPv%d frame is not missed", bit, v6 ? 6 : 4);
			out[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_true(frame_read(out, n, PORT, &frame));
	}
}

/* len octets at `at` become those of `octets`; where a header is bent, its checksum is right but in the last row. */
static const struct {
	const char *what;
	size_t at, len;
	const char *octets;
	bool reads;
} bends[] = {
	{ "as it was", 0, 0, "", true },
	{ "another MAC is not looked at", 0, 6, "\xff\xff\xff\xff\xff\xff", true },
	{ "a tag of a VLAN", 12, 2, "\x81\x00", false },
	{ "no UDP checksum", 40, 2, "\0\0", true },
	{ "the sum of the pseudo-header, for a card to complete", 40, 2, "\x14\x2c", true },
	{ "another UDP checksum", 40, 2, "\x14\x2d", false },
	{ "options", 14, 12, "\x46\xb9\x00\x2c\x00\x07\x00\x00\x40\x11\x64\xff", false },
	{ "more fragments", 14, 12, "\x45\xb9\x00\x2c\x00\x07\x20\x00\x40\x11\x45\xff", false },
	{ "a later fragment", 14, 12, "\x45\xb9\x00\x2c\x00\x07\x00\x01\x40\x11\x65\xfe", false },
	{ "do not fragment", 14, 12, "\x45\xb9\x00\x2c\x00\x07\x40\x00\x40\x11\x25\xff", true },
	{ "another protocol", 14, 12, "\x45\xb9\x00\x2c\x00\x07\x00\x00\x40\x06\x66\x0a", false },
	{ "another checksum of the header", 24, 2, "\x65\xfe", false },
};

static void bent_frames_are_what_the_row_says(void **state)
{
	for (size_t i = 0; i < RV_COUNT(bends); i++) {
		uint8_t octets[sizeof(udp4)];
		struct frame frame;
		memcpy(octets, udp4, sizeof(octets));
		memcpy(octets + bends[i].at, bends[i].octets, bends[i].len);
		if (frame_read(octets, sizeof(octets), PORT, &frame) != bends[i].reads)
			fail_msg("%s", bends[i].what);
	}
}

/* The same over the writer, which computes the checksums. */
static void keying_messages_and_strange_senders_are_refused(void **state)
{
	static const char *const senders[] = { "0.0.0.1", "127.0.0.1", "224.0.0.1", "255.255.255.255",
					       "ff02::1", "::1",       "::" };
	uint8_t octets[ROOM], out[ROOM];
	struct frame frame;

	for (int kind = 0; kind < 4; kind++) {
		struct frame_path path = path_new(kind & 1, kind & 2);
		struct rv_bytes esp = esp_new(octets, 40);
		memset(octets, 0, 4); /* RFC 3948, 2.2: the marker */
		assert_false(frame_read(out, frame_write(out, &path, 0, 1, esp), PORT, &frame));
	}
	for (size_t i = 0; i < RV_COUNT(senders); i++) {
		struct frame_path path = path_new(i >= 4, false);
		assert_int_equal(rv_addr_parse(&path.local, senders[i]), 0);
		assert_false(frame_read(out, frame_write(out, &path, 0, 1, esp_new(octets, 40)), PORT, &frame));
	}
	struct frame_path path = path_new(true, true);
	size_t n = frame_write(out, &path, 0, 1, esp_new(octets, 40));
	assert_true(frame_read(out, n, PORT, &frame));
	memset(out + 14 + 40 + 6, 0, 2); /* RFC 8200, 8.1: IPv6 wants a checksum */
	assert_false(frame_read(out, n, PORT, &frame));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_programs_frame_is_read_and_written_alike),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(every_flipped_bit_is_seen),
		cmocka_unit_test(bent_frames_are_what_the_row_says),
		cmocka_unit_test(keying_messages_and_strange_senders_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

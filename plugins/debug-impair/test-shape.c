// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-shape: what a fault makes of the octets of a message. */
#include "test.h"

#include "impair.h"

#include <errno.h>

/* KE (reserved octets 2 and 3), Nonce, and two notifications. */
#define KE(flags, len, reserved) "\x28" flags "\x00" len "\x00\x1f" reserved "key!"
#define NONCE(flags) "\x29" flags "\x00\x06no"
#define NOTIFY_A(flags) "\x29" flags "\x00\x08\x00\x00\x40\x04"
#define NOTIFY_B(flags) "\x00" flags "\x00\x08\x00\x00\x40\x05"
#define OCTETS(l)                                                                                                      \
	{                                                                                                              \
		(const uint8_t *)(l), sizeof(l) - 1                                                                    \
	}
#define PLAIN KE("\x00", "\x0c", "\x00\x00") NONCE("\x00") NOTIFY_A("\x00") NOTIFY_B("\x00")

struct row {
	const char *what;
	struct impair_fault fault;
	int result;
	uint8_t first;
	struct rv_bytes out;
};

static const struct row rows[] = {
	{ "critical", { 0 }, 0, 200, OCTETS("\x22\x80\x00\x08????" PLAIN) },
	{ "critical", { .value = 77 }, 0, 77, OCTETS("\x22\x80\x00\x08????" PLAIN) },
	{ "unknown", { 0 }, 0, 200, OCTETS("\x22\x00\x00\x08????" PLAIN) },
	{ "length",
	  { .value = 3 },
	  0,
	  34,
	  OCTETS(KE("\x00", "\x0f", "\x00\x00") NONCE("\x00") NOTIFY_A("\x00") NOTIFY_B("\x00")) },
	{ "length",
	  { .payload = 40, .value = -1 },
	  0,
	  34,
	  OCTETS(KE("\x00", "\x0c", "\x00\x00") "\x29\x00\x00\x05no" NOTIFY_A("\x00") NOTIFY_B("\x00")) },
	{ "length", { .payload = 33 }, IMPAIR_NOTHING, 34, OCTETS(PLAIN) },
	{ "omit", { .payload = 34 }, 0, 40, OCTETS(NONCE("\x00") NOTIFY_A("\x00") NOTIFY_B("\x00")) },
	{ "omit", { .notify = 16388 }, 0, 34, OCTETS(KE("\x00", "\x0c", "\x00\x00") NONCE("\x00") NOTIFY_B("\x00")) },
	{ "omit", { .payload = 41 }, 0, 34, OCTETS(KE("\x00", "\x0c", "\x00\x00") "\x00\x00\x00\x06no") },
	{ "omit", { .notify = 16390 }, IMPAIR_NOTHING, 34, OCTETS(PLAIN) },
	{ "omit", { 0 }, IMPAIR_NOTHING, 34, OCTETS(PLAIN) },
	{ "reserved",
	  { 0 },
	  0,
	  34,
	  OCTETS(KE("\x7f", "\x0c", "\xff\xff") NONCE("\x7f") NOTIFY_A("\x7f") NOTIFY_B("\x7f")) },
};

static void payloads_are_changed_and_nothing_else(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t header[IMPAIR_HEADER] = { 0 }, room[256];
		struct rv_bytes plain = RV_STR(PLAIN);
		struct rv_ike_shape message = {
			.header = header, .payloads = room, .len = plain.len, .cap = sizeof(room), .first = 34
		};

		memcpy(room, plain.p, plain.len);
		int r = impair_shape_named(rows[i].what)->run(&rows[i].fault, &message);

		if (r != rows[i].result || message.first != rows[i].first ||
		    !rv_bytes_equal(rv_bytes(room, message.len), rows[i].out))
			fail_msg("row %zu (%s): %d, first %u, %zu octets", i, rows[i].what, r, message.first,
				 message.len);
	}
}

static void what_does_not_fit_or_parse_stays(void **state)
{
	uint8_t header[IMPAIR_HEADER] = { 0 }, room[256];
	struct rv_bytes plain = RV_STR(PLAIN);
	struct rv_ike_shape message = {
		.header = header, .payloads = room, .len = plain.len, .cap = plain.len, .first = 34
	};
	const struct impair_fault fault = { 0 };

	memcpy(room, plain.p, plain.len);
	assert_int_equal(impair_shape_named("critical")->run(&fault, &message), -ENOSPC);
	assert_true(rv_bytes_equal(rv_bytes(room, message.len), plain));
	message.cap = sizeof(room);
	for (size_t len = 0; len < plain.len; len++) {
		memcpy(room, plain.p, plain.len);
		message.len = len;
		assert_int_equal(impair_shape_named("unknown")->run(&fault, &message), IMPAIR_NOTHING);
		assert_true(rv_bytes_equal(rv_bytes(room, len), rv_bytes(plain.p, len)));
		assert_int_equal(message.first, 34);
	}
}

static void the_header_is_changed(void **state)
{
	static const struct {
		const char *what;
		int64_t value;
		size_t at;
		uint8_t is;
	} all[] = { { "minor", 0, 17, 0x21 },	{ "minor", 7, 17, 0x27 }, { "exchange", 0, 18, 250 },
		    { "exchange", 99, 18, 99 }, { "id", 0, 23, 0 },	  { "id", -1, 23, 254 },
		    { "reserved", 0, 19, 0xff } };

	for (size_t i = 0; i < RV_COUNT(all); i++) {
		uint8_t header[IMPAIR_HEADER] = { [17] = 0x20, [18] = 37, [19] = 0x28, [22] = 1, [23] = 255 }, room[4];
		struct rv_ike_shape message = { .header = header, .payloads = room, .cap = sizeof(room) };
		const struct impair_fault fault = { .value = all[i].value };

		assert_int_equal(impair_shape_named(all[i].what)->run(&fault, &message), 0);
		if (header[all[i].at] != all[i].is)
			fail_msg("%s: %u", all[i].what, header[all[i].at]);
	}
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(payloads_are_changed_and_nothing_else),
		cmocka_unit_test(what_does_not_fit_or_parse_stays),
		cmocka_unit_test(the_header_is_changed),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

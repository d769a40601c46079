// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-mobike-notify: the contents of notifications as RFC 4555, 4.2 draws them. */
#include "test.h"

#include "mobike.h"

static struct rv_path path_of(const char *local, const char *remote)
{
	struct rv_path path = { 0 };

	assert_int_equal(rv_addr_parse(&path.local, local), 0);
	assert_int_equal(rv_addr_parse(&path.remote, remote), 0);
	return path;
}

static void no_nats_allowed_has_addresses_and_ports(void **state)
{
	static const struct {
		const char *local, *remote, *hex;
	} rows[] = {
		{ "192.0.2.1:4500", "198.51.100.2:500", "c0000201c6336402119401f4" },
		{ "[2001:db8::1]:500", "[2001:db8::2]:4500",
		  "20010db800000000000000000000000120010db800000000000000000000000201f41194" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct rv_path ours = path_of(rows[i].local, rows[i].remote);
		const struct rv_path theirs = { .local = ours.remote, .remote = ours.local };
		uint8_t room[36], hex[36];
		struct rv_bytes data = no_nats_write(&ours, room);

		assert_true(rv_bytes_equal(data, rv_bytes(hex, test_hex(rows[i].hex, hex, sizeof(hex)))));
		assert_true(no_nats_fits(data, &theirs));
		assert_false(no_nats_fits(data, &ours));
		assert_false(no_nats_fits(rv_bytes(data.p, data.len - 1), &theirs));
	}
}

static void addresses_have_their_length(void **state)
{
	static const struct {
		const char *what;
		uint16_t type;
		const char *hex, *text;
	} rows[] = {
		{ "IPv4", N_ADDITIONAL_IP4_ADDRESS, "c0000201", "192.0.2.1" },
		{ "IPv4, too short", N_ADDITIONAL_IP4_ADDRESS, "c00002", NULL },
		{ "IPv4, too long", N_ADDITIONAL_IP4_ADDRESS, "c000020100", NULL },
		{ "IPv4, none", N_ADDITIONAL_IP4_ADDRESS, "00000000", NULL },
		{ "nothing", N_ADDITIONAL_IP4_ADDRESS, "", NULL },
		{ "IPv6", N_ADDITIONAL_IP6_ADDRESS, "20010db8000000000000000000000001", "2001:db8::1" },
		{ "IPv6, too short", N_ADDITIONAL_IP6_ADDRESS, "20010db80000000000000000000000", NULL },
		{ "IPv6, too long", N_ADDITIONAL_IP6_ADDRESS, "20010db800000000000000000000000101", NULL },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		uint8_t buf[32];
		char text[RV_ADDR_TEXT];
		struct rv_addr addr;
		bool ok = address_read(rows[i].type, rv_bytes(buf, test_hex(rows[i].hex, buf, sizeof(buf))), &addr);

		if (ok != (rows[i].text != NULL))
			fail_msg("%s", rows[i].what);
		if (ok)
			assert_string_equal(rv_addr_text(&addr, text), rows[i].text);
	}
}

static void cookies_have_8_to_64_octets(void **state)
{
	static const uint8_t octets[65];

	assert_false(cookie_fits(rv_bytes(octets, 7)));
	assert_true(cookie_fits(rv_bytes(octets, 8)));
	assert_true(cookie_fits(rv_bytes(octets, 64)));
	assert_false(cookie_fits(rv_bytes(octets, 65)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_nats_allowed_has_addresses_and_ports),
		cmocka_unit_test(addresses_have_their_length),
		cmocka_unit_test(cookies_have_8_to_64_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-addr: addresses and traffic selectors, read, written, compared and cut.
 */
#include "test.h"

#include <ravelin/addr.h>
#include <ravelin/error.h>

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>

static struct rv_addr addr_of(const char *text)
{
	struct rv_addr addr;

	if (rv_addr_parse(&addr, text) < 0)
		fail_msg("no address: %s", text);
	return addr;
}

static struct rv_ts ts_of(const char *text)
{
	struct rv_ts ts;
	struct rv_why why = { 0 };

	if (rv_ts_parse(&ts, text, &why) < 0)
		fail_msg("%s", why.text);
	return ts;
}

static void addresses_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *written; /* written NULL: as text */
		uint8_t family;
		uint16_t port;
	} rows[] = {
		{ "10.0.0.1", NULL, RV_IPV4, 0 },
		{ "255.255.255.255", NULL, RV_IPV4, 0 },
		{ "0.0.0.0", NULL, RV_IPV4, 0 },
		{ "10.0.0.1:500", NULL, RV_IPV4, 500 },
		{ "10.0.0.1:65535", NULL, RV_IPV4, 65535 },
		{ "10.0.0.1:0", "10.0.0.1", RV_IPV4, 0 },
		{ "2001:db8::1", NULL, RV_IPV6, 0 },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1", RV_IPV6, 0 },
		{ "::", NULL, RV_IPV6, 0 },
		{ "[2001:db8::1]", "2001:db8::1", RV_IPV6, 0 },
		{ "[2001:db8::1]:4500", NULL, RV_IPV6, 4500 },
		{ "::ffff:10.0.0.1", NULL, RV_IPV6, 0 },
		{ "fe80::1%lo", NULL, RV_IPV6, 0 },
		{ "[fe80::1%lo]:500", NULL, RV_IPV6, 500 },
		{ "fe80::1%2147483646", NULL, RV_IPV6, 0 },
		{ "[febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff%2147483646]:65535", NULL, RV_IPV6, 65535 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char out[RV_ADDR_TEXT];
		struct rv_addr addr = addr_of(rows[i].text);
		assert_int_equal(addr.family, rows[i].family);
		assert_int_equal(addr.port, rows[i].port);
		assert_string_equal(rv_addr_text(&addr, out), rows[i].written ? rows[i].written : rows[i].text);
	}
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"10.0.0",
		"10.0.0.256",
		"10.0.0.1 ",
		" 10.0.0.1",
		"10.0.0.1:",
		"10.0.0.1:65536",
		"10.0.0.1:-1",
		"10.0.0.1:+1",
		"10.0.0.1:5x",
		"10.0.0.1:99999999999",
		"10.0.0.01",
		"10.0.0.1%lo",
		"[10.0.0.1]",
		"[10.0.0.1]:500",
		"1:2",
		":",
		":::",
		"2001:db8::1::",
		"2001:db8::1%lo",
		"fe80::1%",
		"fe80::1%nosuchif",
		"fe80::1%0",
		"[2001:db8::1",
		"[2001:db8::1]x",
		"[2001:db8::1]:",
		"[]:500",
		"[",
		"gateway.example.com",
		"0x0a000001",
		"10.0.0.1/32",
		"fe80::1%2147483648",
		"1:2:3:4:5:6:7:8:9",
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_addr addr = { .port = 77 };
		if (rv_addr_parse(&addr, rows[i]) != -EINVAL)
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(addr.port, 77); /* untouched */
	}
}

static void an_address_that_is_not_given_has_a_text(void **state)
{
	struct rv_addr addr = { 0 };
	char out[RV_ADDR_TEXT];

	assert_string_equal(rv_addr_text(&addr, out), "%any");
	addr.port = 500;
	assert_string_equal(rv_addr_text(&addr, out), "%any:500");
}

static void addresses_are_compared_with_and_without_port(void **state)
{
	static const struct {
		const char *a, *b;
		bool same_ip, same;
	} rows[] = {
		{ "10.0.0.1:500", "10.0.0.1:500", true, true }, { "10.0.0.1:500", "10.0.0.1:4500", true, false },
		{ "10.0.0.1", "10.0.0.2", false, false },	{ "10.0.0.1", "::ffff:10.0.0.1", false, false },
		{ "fe80::1%1", "fe80::1%2", false, false },	{ "0.0.0.0", "::", false, false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_addr a = addr_of(rows[i].a), b = addr_of(rows[i].b);
		assert_int_equal(rv_addr_same_ip(&a, &b), rows[i].same_ip);
		assert_int_equal(rv_addr_same(&a, &b), rows[i].same);
	}
}

static void any_addresses_are_known(void **state)
{
	struct rv_addr none = { 0 }, v4 = addr_of("0.0.0.0:5"), v6 = addr_of("::"), some = addr_of("0.0.0.1");
	struct rv_addr last = addr_of("::1");

	assert_true(rv_addr_is_any(&none));
	assert_true(rv_addr_is_any(&v4));
	assert_true(rv_addr_is_any(&v6));
	assert_false(rv_addr_is_any(&some));
	assert_false(rv_addr_is_any(&last));
}

static void socket_addresses_carry_everything(void **state)
{
	static const char *const rows[] = { "10.1.2.3:500", "[2001:db8::9]:4500", "fe80::1%1" };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct sockaddr_storage ss;
		struct rv_addr before = addr_of(rows[i]), after;
		size_t len = rv_addr_to_sockaddr(&before, &ss);
		assert_int_equal(len,
				 before.family == RV_IPV4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		assert_int_equal(rv_addr_from_sockaddr(&after, &ss, len), 0);
		assert_true(rv_addr_same(&before, &after));
		assert_int_equal(rv_addr_from_sockaddr(&after, &ss, len - 1), -EINVAL);
	}
}

static void other_socket_addresses_are_refused(void **state)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNIX };
	struct rv_addr addr = { 0 };

	assert_int_equal(rv_addr_to_sockaddr(&addr, &ss), 0);
	assert_int_equal(rv_addr_from_sockaddr(&addr, &ss, sizeof(ss)), -EINVAL);
	assert_int_equal(rv_addr_from_sockaddr(&addr, &ss, 1), -EINVAL);
	assert_int_equal(rv_addr_from_sockaddr(&addr, &ss, 0), -EINVAL);
}

static void the_scope_of_a_global_address_is_dropped(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_scope_id = 3 };
	struct rv_addr addr, want = addr_of("2001:db8::1");

	memcpy(&in6.sin6_addr, want.ip, 16);
	assert_int_equal(rv_addr_from_sockaddr(&addr, &in6, sizeof(in6)), 0);
	assert_true(rv_addr_same(&addr, &want));
}

static void selectors_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *written; /* written NULL: as text */
		uint8_t proto;
		uint16_t port_lo, port_hi;
	} rows[] = {
		{ "10.1.0.0/16", NULL, 0, 0, 65535 },
		{ "10.1.2.3/16", "10.1.0.0/16", 0, 0, 65535 },
		{ "0.0.0.0/0", NULL, 0, 0, 65535 },
		{ "10.1.0.1", "10.1.0.1/32", 0, 0, 65535 },
		{ "10.1.0.1-10.1.0.9", NULL, 0, 0, 65535 },
		{ "10.1.0.0-10.1.0.255", "10.1.0.0/24", 0, 0, 65535 },
		{ "10.1.0.1-10.1.0.2", NULL, 0, 0, 65535 },
		{ "10.1.0.5-10.1.0.5", "10.1.0.5/32", 0, 0, 65535 },
		{ "::/0", NULL, 0, 0, 65535 },
		{ "2001:db8::/33", NULL, 0, 0, 65535 },
		{ "2001:db8:ffff::1/33", "2001:db8:8000::/33", 0, 0, 65535 },
		{ "2001:db8::1", "2001:db8::1/128", 0, 0, 65535 },
		{ "2001:db8::1-2001:db8::ff", NULL, 0, 0, 65535 },
		{ "10.1.0.0/16[tcp]", NULL, 6, 0, 65535 },
		{ "10.1.0.0/16[TCP/80]", "10.1.0.0/16[tcp/80]", 6, 80, 80 },
		{ "10.1.0.0/16[tcp/80-90]", NULL, 6, 80, 90 },
		{ "10.1.0.0/16[6/0-65535]", "10.1.0.0/16[tcp]", 6, 0, 65535 },
		{ "10.1.0.0/16[udp/opaque]", NULL, 17, 65535, 0 },
		{ "10.1.0.0/16[udp/any]", "10.1.0.0/16[udp]", 17, 0, 65535 },
		{ "10.1.0.0/16[any/any]", "10.1.0.0/16", 0, 0, 65535 },
		{ "10.1.0.0/16[]", "10.1.0.0/16", 0, 0, 65535 },
		{ "10.1.0.0/16[/443]", NULL, 0, 443, 443 },
		{ "10.1.0.0/16[/65535]", NULL, 0, 65535, 65535 },
		{ "10.1.0.0/16[icmp]", NULL, 1, 0, 65535 },
		{ "10.1.0.0/16[icmp/8]", NULL, 1, 0x800, 0x8ff },
		{ "10.1.0.0/16[icmp/0]", NULL, 1, 0, 0xff },
		{ "10.1.0.0/16[icmp/3-5]", NULL, 1, 0x300, 0x5ff },
		{ "10.1.0.0/16[icmp/3(1)]", NULL, 1, 0x301, 0x301 },
		{ "10.1.0.0/16[icmp/3(1)-3(9)]", NULL, 1, 0x301, 0x309 },
		{ "10.1.0.0/16[icmp/2048]", "10.1.0.0/16[icmp/8(0)]", 1, 0x800, 0x800 },
		{ "10.1.0.0/16[icmp/0-255]", "10.1.0.0/16[icmp]", 1, 0, 65535 },
		{ "::/0[icmpv6/128]", "::/0[ipv6-icmp/128]", 58, 0x8000, 0x80ff },
		{ "::/0[mh/5]", NULL, 135, 0x500, 0x500 },
		{ "::/0[135/1-6]", "::/0[mh/1-6]", 135, 0x100, 0x600 },
		{ "::/0[mh]", NULL, 135, 0, 65535 },
		{ "::/0[ipv6-icmp/255(255)]", NULL, 58, 65535, 65535 },
		{ "10.0.0.0/8[sctp/5060]", NULL, 132, 5060, 5060 },
		{ "10.0.0.0/8[gre]", NULL, 47, 0, 65535 },
		{ "10.0.0.0/8[255]", NULL, 255, 0, 65535 },
		{ "dynamic", NULL, 0, 0, 65535 },
		{ "dynamic[udp/1701]", NULL, 17, 1701, 1701 },
		{ "1111:2222:3333:4444:5555:6666:7777:8887-1111:2222:3333:4444:5555:6666:7777:8888"
		  "[ipv6-icmp/100(100)-200(200)]",
		  NULL, 58, 0x6464, 0xc8c8 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char out[RV_TS_TEXT];
		struct rv_ts ts = ts_of(rows[i].text);
		assert_string_equal(rv_ts_text(&ts, out), rows[i].written ? rows[i].written : rows[i].text);
		assert_int_equal(ts.proto, rows[i].proto);
		assert_int_equal(ts.port_lo, rows[i].port_lo);
		assert_int_equal(ts.port_hi, rows[i].port_hi);
		struct rv_ts again = ts_of(out);
		assert_true(rv_ts_same(&ts, &again));
	}
}

static void what_is_no_selector_is_refused_in_words(void **state)
{
	static const char *const rows[] = {
		"",
		"10.1.0.0/33",
		"10.1.0.0/",
		"10.1.0.0/-1",
		"10.1.0.0/8/8",
		"::/129",
		"10.1.0.9-10.1.0.1",
		"10.1.0.1-2001:db8::1",
		"10.1.0.1-",
		"-10.1.0.1",
		"10.1.0.1-10.1.0.2-10.1.0.3",
		"10.1.0.1:80",
		"fe80::1%1",
		"fe80::/10%1",
		"example.com",
		"dynamic/8",
		"10.1.0.0/16[",
		"10.1.0.0/16[tcp",
		"10.1.0.0/16]",
		"10.1.0.0/16[tcp]x",
		"10.1.0.0/16[tcp][udp]",
		"10.1.0.0/16[256]",
		"10.1.0.0/16[nosuchproto]",
		"10.1.0.0/16[tcp/65536]",
		"10.1.0.0/16[tcp/90-80]",
		"10.1.0.0/16[tcp/80-]",
		"10.1.0.0/16[tcp/-80]",
		"10.1.0.0/16[tcp/http]",
		"10.1.0.0/16[tcp/80/90]",
		"10.1.0.0/16[tcp/8(0)]",
		"10.1.0.0/16[icmp/8(256)]",
		"::/0[mh/256]",
		"::/0[mh/5(1)]",
		"10.1.0.0/16[icmp/8(0]",
		"10.1.0.0/16[icmp/8()]",
		"10.1.0.0/16[ tcp]",
		"10.1.0.0/16[tcp/000000000000000000000000000000000000000000000000000000000000000000000080]",
		"11111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111",
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_ts ts = { .proto = 77 };
		struct rv_why why = { 0 };
		if (rv_ts_parse(&ts, rows[i], &why) != -RV_ECONFIG)
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(ts.proto, 77); /* untouched */
		assert_non_null(strstr(why.text, "is no traffic selector"));
	}
}

/* Both directions of every row: contains(a, b), contains(b, a), and what they have in common. */
static void selectors_contain_and_meet(void **state)
{
	static const struct {
		const char *what, *a, *b;
		bool a_has_b, b_has_a;
		const char *both; /* NULL: nothing */
	} rows[] = {
		{ "the same", "10.0.0.0/8", "10.0.0.0/8", true, true, "10.0.0.0/8" },
		{ "a subnet", "10.0.0.0/8", "10.1.0.0/16", true, false, "10.1.0.0/16" },
		{ "last address inside", "10.0.0.0/24", "10.0.0.255", true, false, "10.0.0.255/32" },
		{ "first address outside", "10.0.0.0/24", "10.0.1.0", false, false, NULL },
		{ "overlap", "10.0.0.1-10.0.0.9", "10.0.0.9-10.0.0.20", false, false, "10.0.0.9/32" },
		{ "side by side", "10.0.0.1-10.0.0.9", "10.0.0.10-10.0.0.20", false, false, NULL },
		{ "families", "0.0.0.0/0", "::/0", false, false, NULL },
		{ "any protocol has one", "10.0.0.0/8", "10.0.0.0/8[tcp]", true, false, "10.0.0.0/8[tcp]" },
		{ "two protocols", "10.0.0.0/8[udp]", "10.0.0.0/8[tcp]", false, false, NULL },
		{ "a port", "10.0.0.0/8[tcp/80-90]", "10.0.0.0/8[tcp/90]", true, false, "10.0.0.0/8[tcp/90]" },
		{ "a port outside", "10.0.0.0/8[tcp/80-90]", "10.0.0.0/8[tcp/91]", false, false, NULL },
		{ "ports overlap", "10.0.0.0/8[tcp/80-90]", "10.0.0.0/8[tcp/85-99]", false, false,
		  "10.0.0.0/8[tcp/85-90]" },
		{ "port of one, protocol of the other", "10.0.0.0/8[/80]", "10.0.0.0/8[tcp]", false, false,
		  "10.0.0.0/8[tcp/80]" },
		{ "ANY has OPAQUE", "10.0.0.0/8[tcp]", "10.0.0.0/8[tcp/opaque]", true, false,
		  "10.0.0.0/8[tcp/opaque]" },
		{ "OPAQUE is OPAQUE", "10.0.0.0/8[tcp/opaque]", "10.0.0.0/8[tcp/opaque]", true, true,
		  "10.0.0.0/8[tcp/opaque]" },
		{ "a range has no OPAQUE", "10.0.0.0/8[tcp/1-65535]", "10.0.0.0/8[tcp/opaque]", false, false, NULL },
		{ "a port is not OPAQUE", "10.0.0.0/8[tcp/65535]", "10.0.0.0/8[tcp/opaque]", false, false, NULL },
		{ "a type has its codes", "10.0.0.0/8[icmp/8]", "10.0.0.0/8[icmp/8(0)]", true, false,
		  "10.0.0.0/8[icmp/8(0)]" },
		{ "dynamic has no packets yet", "dynamic", "dynamic", false, false, NULL },
		{ "dynamic and an address", "dynamic", "10.0.0.0/8", false, false, NULL },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char text[RV_TS_TEXT];
		struct rv_ts a = ts_of(rows[i].a), b = ts_of(rows[i].b), ab, ba;
		bool meet = rv_ts_intersect(&a, &b, &ab);
		if (rv_ts_contains(&a, &b) != rows[i].a_has_b || rv_ts_contains(&b, &a) != rows[i].b_has_a ||
		    meet != (rows[i].both != NULL) || rv_ts_intersect(&b, &a, &ba) != meet)
			fail_msg("%s", rows[i].what);
		if (!meet)
			continue;
		assert_true(rv_ts_same(&ab, &ba));
		assert_string_equal(rv_ts_text(&ab, text), rows[i].both);
	}
}

static void a_range_of_ports_that_is_upside_down_has_no_packets(void **state)
{
	struct rv_ts whole = ts_of("10.0.0.0/8[tcp]"), wrong = whole, some = ts_of("10.0.0.0/8[tcp/80-90]"), out;

	wrong.port_lo = 90;
	wrong.port_hi = 80;
	assert_false(rv_ts_contains(&whole, &wrong));
	assert_false(rv_ts_contains(&some, &wrong));
	assert_false(rv_ts_contains(&wrong, &some));
	assert_false(rv_ts_intersect(&whole, &wrong, &out));
	assert_false(rv_ts_intersect(&wrong, &some, &out));
	assert_false(rv_ts_match(&wrong, RV_IPV4, (const uint8_t *)"\12\0\0\1", 6, 85, true));
}

static void the_result_may_be_written_over_an_input(void **state)
{
	struct rv_ts a = ts_of("10.0.0.0/8"), b = ts_of("10.1.0.0/16[udp/53]");

	assert_true(rv_ts_intersect(&a, &b, &a));
	assert_true(rv_ts_same(&a, &b));
}

static void packets_are_matched(void **state)
{
	static const struct {
		const char *what, *ts, *ip;
		uint8_t proto;
		uint16_t port;
		bool known, match;
	} rows[] = {
		{ "first address", "10.0.0.0/24", "10.0.0.0", 6, 80, true, true },
		{ "last address", "10.0.0.0/24", "10.0.0.255", 6, 80, true, true },
		{ "one before", "10.0.0.0/24", "9.255.255.255", 6, 80, true, false },
		{ "one after", "10.0.0.0/24", "10.0.1.0", 6, 80, true, false },
		{ "other family", "10.0.0.0/24", "::", 6, 80, true, false },
		{ "long addresses", "2001:db8::/32", "2001:db8:ffff::1", 6, 80, true, true },
		{ "protocol", "10.0.0.0/24[udp]", "10.0.0.1", 6, 80, true, false },
		{ "port below", "10.0.0.0/24[tcp/80-90]", "10.0.0.1", 6, 79, true, false },
		{ "first port", "10.0.0.0/24[tcp/80-90]", "10.0.0.1", 6, 80, true, true },
		{ "last port", "10.0.0.0/24[tcp/80-90]", "10.0.0.1", 6, 90, true, true },
		{ "port above", "10.0.0.0/24[tcp/80-90]", "10.0.0.1", 6, 91, true, false },
		{ "a fragment and ANY", "10.0.0.0/24[tcp]", "10.0.0.1", 6, 0, false, true },
		{ "a fragment and OPAQUE", "10.0.0.0/24[tcp/opaque]", "10.0.0.1", 6, 0, false, true },
		{ "a fragment and a port", "10.0.0.0/24[tcp/0]", "10.0.0.1", 6, 0, false, false },
		{ "a fragment and most ports", "10.0.0.0/24[tcp/0-65534]", "10.0.0.1", 6, 0, false, false },
		{ "a port and OPAQUE", "10.0.0.0/24[tcp/opaque]", "10.0.0.1", 6, 80, true, false },
		{ "dynamic", "dynamic", "10.0.0.1", 6, 80, true, false },
		{ "the first of a range", "10.0.255.255-10.1.0.1", "10.0.255.255", 6, 80, true, true },
		{ "the last of a range", "10.0.255.255-10.1.0.1", "10.1.0.1", 6, 80, true, true },
		{ "one below a range", "10.0.255.255-10.1.0.1", "10.0.255.254", 6, 80, true, false },
		{ "one above a range", "10.0.255.255-10.1.0.1", "10.1.0.2", 6, 80, true, false },
		{ "first, of IPv6", "2001:db8::8000:0:0:1-2001:db8:0:1::1", "2001:db8::8000:0:0:1", 6, 80, true, true },
		{ "last, of IPv6", "2001:db8::8000:0:0:1-2001:db8:0:1::1", "2001:db8:0:1::1", 6, 80, true, true },
		{ "below, of IPv6", "2001:db8::8000:0:0:1-2001:db8:0:1::1", "2001:db8::8000:0:0:0", 6, 80, true,
		  false },
		{ "above, of IPv6", "2001:db8::8000:0:0:1-2001:db8:0:1::1", "2001:db8:0:1::2", 6, 80, true, false },
		{ "between, of IPv6", "2001:db8::8000:0:0:1-2001:db8:0:3::1", "2001:db8:0:1:ffff::", 6, 80, true,
		  true },
		{ "far below, of IPv6", "2001:db8:0:2::-2001:db8:0:3::", "2001:db8:0:1:ffff::", 6, 80, true, false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_ts ts = ts_of(rows[i].ts);
		struct rv_addr ip = addr_of(rows[i].ip);
		if (rv_ts_match(&ts, ip.family, ip.ip, rows[i].proto, rows[i].port, rows[i].known) != rows[i].match)
			fail_msg("%s", rows[i].what);
	}
	struct rv_ts dynamic = ts_of("dynamic");
	assert_false(rv_ts_match(&dynamic, 0, NULL, 6, 80, true));
}

static void a_cover_is_the_smallest_network_around(void **state)
{
	static const struct {
		const char *ts;
		unsigned prefix;
	} rows[] = {
		{ "10.0.0.0/8", 8 },
		{ "10.0.0.1", 32 },
		{ "0.0.0.0/0", 0 },
		{ "10.0.0.1-10.0.0.2", 30 },
		{ "10.0.0.127-10.0.0.128", 24 },
		{ "127.255.255.255-128.0.0.0", 0 },
		{ "::/0", 0 },
		{ "2001:db8::1", 128 },
		{ "2001:db8::-2001:db9::", 31 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_ts ts = ts_of(rows[i].ts);
		assert_int_equal(rv_ts_cover(&ts), rows[i].prefix);
	}
}

/* Each of the lengths, against arithmetic on one number. */
static void every_prefix_length_is_right(void **state)
{
	struct rv_addr addr = addr_of("170.170.170.170");

	for (unsigned prefix = 0; prefix <= 32; prefix++) {
		uint32_t mask = prefix ? ~(uint32_t)0 << (32 - prefix) : 0, lo = 0, hi = 0;
		struct rv_ts ts = rv_ts_prefix(&addr, prefix);
		for (size_t i = 0; i < 4; i++) {
			lo = lo << 8 | ts.lo[i];
			hi = hi << 8 | ts.hi[i];
		}
		assert_int_equal(lo, 0xaaaaaaaa & mask);
		assert_int_equal(hi, (0xaaaaaaaa & mask) | ~mask);
		assert_int_equal(rv_ts_cover(&ts), prefix);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(an_address_that_is_not_given_has_a_text),
		cmocka_unit_test(addresses_are_compared_with_and_without_port),
		cmocka_unit_test(any_addresses_are_known),
		cmocka_unit_test(socket_addresses_carry_everything),
		cmocka_unit_test(other_socket_addresses_are_refused),
		cmocka_unit_test(the_scope_of_a_global_address_is_dropped),
		cmocka_unit_test(selectors_are_read_and_written),
		cmocka_unit_test(what_is_no_selector_is_refused_in_words),
		cmocka_unit_test(selectors_contain_and_meet),
		cmocka_unit_test(a_range_of_ports_that_is_upside_down_has_no_packets),
		cmocka_unit_test(the_result_may_be_written_over_an_input),
		cmocka_unit_test(packets_are_matched),
		cmocka_unit_test(a_cover_is_the_smallest_network_around),
		cmocka_unit_test(every_prefix_length_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

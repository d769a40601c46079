// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ranges: ranges as prefixes. */
#include "test.h"

#include "net.h"

#include <errno.h>

static const struct {
	const char *what, *ts;
	int n;
	const char *prefixes[8];
} rows[] = {
	{ "a prefix is itself", "10.1.0.0/16", 1, { "10.1.0.0/16" } },
	{ "everything is one prefix", "0.0.0.0/0", 1, { "0.0.0.0/0" } },
	{ "one address", "10.0.0.1", 1, { "10.0.0.1/32" } },
	{ "two that do not pair", "10.0.0.1-10.0.0.2", 2, { "10.0.0.1/32", "10.0.0.2/32" } },
	{ "three", "10.0.0.1-10.0.0.3", 2, { "10.0.0.1/32", "10.0.0.2/31" } },
	{ "up to the last address", "255.255.255.254-255.255.255.255", 1, { "255.255.255.254/31" } },
	{ "IPv6", "2001:db8::/32", 1, { "2001:db8::/32" } },
	{ "all of IPv6", "::/0", 1, { "::/0" } },
	{ "IPv6 range", "fd00::-fd00::4", 2, { "fd00::/126", "fd00::4/128" } },
};

static void ranges_become_the_fewest_prefixes(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct prefix out[RANGE_PREFIXES];
		struct rv_ts ts;

		assert_int_equal(rv_ts_parse(&ts, rows[i].ts, NULL), 0);
		assert_int_equal(ts_prefixes(&ts, out), rows[i].n);
		for (int k = 0; k < rows[i].n; k++) {
			struct rv_addr addr = { .family = out[k].family };
			char text[RV_ADDR_TEXT + 8], ip[RV_ADDR_TEXT];

			memcpy(addr.ip, out[k].ip, 16);
			snprintf(text, sizeof(text), "%s/%u", rv_addr_text(&addr, ip), out[k].len);
			assert_string_equal(text, rows[i].prefixes[k]);
		}
	}
}

static void a_range_that_needs_too_many_is_refused(void **state)
{
	struct prefix out[RANGE_PREFIXES];
	struct rv_ts ts;

	assert_int_equal(rv_ts_parse(&ts, "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", NULL), 0);
	assert_int_equal(ts_prefixes(&ts, out), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_become_the_fewest_prefixes),
		cmocka_unit_test(a_range_that_needs_too_many_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

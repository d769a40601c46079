// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-addr: what is read as an address or a selector is written as a text that reads as the same.
 */
#include <ravelin/addr.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void try_address(const char *text)
{
	struct rv_addr addr, again;
	char out[RV_ADDR_TEXT];

	if (rv_addr_parse(&addr, text) < 0)
		return;
	must(rv_addr_parse(&again, rv_addr_text(&addr, out)) == 0);
	must(rv_addr_same(&addr, &again));
}

static void try_selector(const char *text, const struct rv_ts *other)
{
	struct rv_ts ts, again, both;
	char out[RV_TS_TEXT];

	if (rv_ts_parse(&ts, text, NULL) < 0)
		return;
	must(rv_ts_parse(&again, rv_ts_text(&ts, out), NULL) == 0);
	must(rv_ts_same(&ts, &again));
	if (ts.family == 0)
		return;
	must(rv_ts_contains(&ts, &ts));
	must(rv_ts_intersect(&ts, &ts, &both) && rv_ts_same(&ts, &both));
	if (rv_ts_intersect(&ts, other, &both))
		must(rv_ts_contains(&ts, &both) && rv_ts_contains(other, &both));
	struct rv_addr lo = { .family = ts.family };
	memcpy(lo.ip, ts.lo, sizeof(lo.ip));
	struct rv_ts cover = rv_ts_prefix(&lo, rv_ts_cover(&ts));
	must(rv_ts_contains(&cover, &ts));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rv_ts some = { .family = RV_IPV4,
					   .proto = 6,
					   .port_lo = 80,
					   .port_hi = 90,
					   .lo = { 10, 0, 0, 1 },
					   .hi = { 10, 1, 0, 9 } };
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	try_address(text);
	try_selector(text, &some);
	free(text);
	return 0;
}

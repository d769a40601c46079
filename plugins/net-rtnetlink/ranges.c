// SPDX-License-Identifier: LGPL-2.1-or-later
/* ranges: a range of addresses as the fewest prefixes. Pure. */
#include "net.h"

#include <errno.h>
#include <string.h>

static bool bit(const uint8_t *ip, unsigned n)
{
	return ip[n / 8] & (0x80 >> (n % 8));
}

/* Sets the bits from `from` on to ones or zeroes. */
static void fill(uint8_t *ip, unsigned from, unsigned n_bits, bool ones)
{
	for (unsigned i = from; i < n_bits; i++) {
		uint8_t mask = (uint8_t)(0x80 >> (i % 8));
		ip[i / 8] = (uint8_t)(ones ? ip[i / 8] | mask : ip[i / 8] & ~mask);
	}
}

/* Adds one; false when it wraps. */
static bool next(uint8_t *ip, size_t len)
{
	while (len--)
		if (++ip[len])
			return true;
	return false;
}

int ts_prefixes(const struct rv_ts *ts, struct prefix out[static RANGE_PREFIXES])
{
	size_t octets = rv_family_len(ts->family);
	unsigned n_bits = (unsigned)octets * 8;
	uint8_t at[16], last[16];
	int n = 0;

	memcpy(at, ts->lo, 16);
	for (;;) {
		unsigned len = n_bits;

		/* the widest block that starts here and does not pass the end */
		while (len > 0 && !bit(at, len - 1)) {
			memcpy(last, at, 16);
			fill(last, len - 1, n_bits, true);
			if (memcmp(last, ts->hi, octets) > 0)
				break;
			len--;
		}
		if (n == RANGE_PREFIXES)
			return -E2BIG;
		out[n] = (struct prefix){ .family = ts->family, .len = (uint8_t)len };
		memcpy(out[n++].ip, at, octets);
		memcpy(last, at, 16);
		fill(last, len, n_bits, true);
		if (memcmp(last, ts->hi, octets) >= 0)
			return n;
		memcpy(at, last, 16);
		if (!next(at, octets))
			return n;
	}
}

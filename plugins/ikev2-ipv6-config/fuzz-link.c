// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-link: whatever octets come, what is read as a link or a prefix is written again as it came, and an address of a
 * prefix is in it.
 */
#include "link.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_link(struct rv_bytes octets)
{
	struct link link;
	uint8_t *out = malloc(octets.len ? octets.len : 1);

	if (out && link_read(&link, octets) && !rv_bytes_equal(link_write(&link, out, octets.len), octets))
		abort();
	free(out);
}

static void try_prefix(struct rv_bytes octets)
{
	static const uint8_t zero[IID_LEN];
	struct rv_addr prefix, addr;
	uint8_t out[PREFIX_LEN];
	unsigned len;

	if (!prefix_read(&prefix, &len, octets))
		return;
	addr = address_in(&prefix, len, rv_bytes(octets.p, IID_LEN));
	const struct rv_ts all = rv_ts_prefix(&prefix, len), one = rv_ts_prefix(&addr, 128);

	if (!rv_ts_contains(&all, &one) || !rv_bytes_equal(rv_bytes(all.lo, 16), rv_bytes(prefix.ip, 16)))
		abort();
	addr = address_in(&prefix, len, rv_bytes(zero, IID_LEN));
	if (len < 128 && rv_addr_same_ip(&addr, &prefix))
		abort();
	if (!prefix_read(&addr, &len, prefix_write(&prefix, len, out)) || !rv_addr_same_ip(&addr, &prefix))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		return 0;
	if (size)
		memcpy(exact, data, size);
	try_link(rv_bytes(exact, size));
	try_prefix(rv_bytes(exact, size));
	free(exact);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* der: reading and writing of DER; see der.h.
 */
#include "der.h"

static size_t take_len(struct rv_rd *r)
{
	uint8_t first = rv_rd_u8(r);
	size_t len = first;

	if (first == 0x81)
		len = rv_rd_u8(r);
	else if (first == 0x82)
		len = rv_rd_u16(r);
	else if (first > 0x7f)
		rv_rd_fail(r);
	if ((first == 0x81 && len < 0x80) || (first == 0x82 && len < 0x100)) /* X.690, 10.1: the shortest form */
		rv_rd_fail(r);
	return len;
}

struct rv_bytes der_take(struct rv_rd *r, uint8_t tag)
{
	if (rv_rd_u8(r) != tag)
		rv_rd_fail(r);
	size_t len = take_len(r);

	return rv_rd_take(r, len);
}

bool der_is(const struct rv_rd *r, uint8_t tag)
{
	struct rv_rd copy = *r;

	return rv_rd_more(r) && rv_rd_u8(&copy) == tag;
}

struct rv_bytes der_take_positive(struct rv_rd *r)
{
	struct rv_bytes octets = der_take(r, DER_INTEGER);
	struct rv_rd inner = rv_rd(octets);
	uint8_t first = rv_rd_u8(&inner);

	if (!octets.len || first > 0x7f || (!first && octets.len == 1)) {
		rv_rd_fail(r);
		return rv_bytes(NULL, 0);
	}
	if (first)
		return octets;
	octets = rv_rd_rest(&inner);
	if (octets.p[0] < 0x80) /* X.690, 8.3.2: nine zero bits in front */
		rv_rd_fail(r);
	return octets;
}

void der_head(struct rv_wr *w, uint8_t tag, size_t len)
{
	rv_wr_u8(w, tag);
	if (len > 0x7f)
		rv_wr_u8(w, 0x81);
	rv_wr_u8(w, (uint8_t)len);
}

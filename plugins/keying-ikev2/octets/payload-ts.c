// SPDX-License-Identifier: LGPL-2.1-or-later
/* payload-ts: the TSi and TSr payloads (RFC 7296, 3.13).
 */
#include "payload.h"

#include <string.h>

enum { TS_IPV4_ADDR_RANGE = 7, TS_IPV6_ADDR_RANGE = 8, TS_HEADER_LEN = 4 };

static uint8_t family_of(uint8_t type)
{
	switch (type) {
	case TS_IPV4_ADDR_RANGE:
		return RV_IPV4;
	case TS_IPV6_ADDR_RANGE:
		return RV_IPV6;
	default:
		return 0;
	}
}

static void address_read(struct rv_rd *r, uint8_t *out, size_t len)
{
	struct rv_bytes b = rv_rd_take(r, len);

	if (b.len)
		memcpy(out, b.p, b.len);
}

/* OPAQUE is the one range that may run backwards (RFC 7296, 3.13.1). */
static bool in_order(const struct rv_ts *ts)
{
	if (ts->port_lo > ts->port_hi && !(ts->port_lo == UINT16_MAX && ts->port_hi == 0))
		return false;
	for (size_t i = 0; i < sizeof(ts->lo); i++)
		if (ts->lo[i] != ts->hi[i])
			return ts->lo[i] < ts->hi[i];
	return true;
}

/* RFC 7296, 3.13.1:
 *
 *	                     1                   2                   3
 *	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|   TS Type     |IP Protocol ID |       Selector Length         |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|           Start Port          |           End Port            |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                         Starting Address                      ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                         Ending Address                        ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * ts->family is 0 for a type that is not known.
 */
static bool selector_read(struct rv_rd *r, struct rv_ts *ts)
{
	uint8_t type = rv_rd_u8(r), proto = rv_rd_u8(r);
	uint16_t length = rv_rd_u16(r);
	struct rv_rd inner;
	size_t len;

	*ts = (struct rv_ts){ .family = family_of(type), .proto = proto };
	if (length < TS_HEADER_LEN)
		return false;
	inner = rv_rd(rv_rd_take(r, length - (size_t)TS_HEADER_LEN));
	if (!ts->family)
		return !r->bad;
	len = rv_family_len(ts->family);
	ts->port_lo = rv_rd_u16(&inner);
	ts->port_hi = rv_rd_u16(&inner);
	address_read(&inner, ts->lo, len);
	address_read(&inner, ts->hi, len);
	return rv_rd_done(&inner) && in_order(ts);
}

static void selector_write(struct rv_wr *w, const struct rv_ts *ts)
{
	size_t len = rv_family_len(ts->family);
	struct rv_wr_mark mark;

	rv_wr_u8(w, ts->family == RV_IPV4 ? TS_IPV4_ADDR_RANGE : TS_IPV6_ADDR_RANGE);
	rv_wr_u8(w, ts->proto);
	mark = rv_wr_open16(w);
	rv_wr_u16(w, ts->port_lo);
	rv_wr_u16(w, ts->port_hi);
	rv_wr_put(w, rv_bytes(ts->lo, len));
	rv_wr_put(w, rv_bytes(ts->hi, len));
	rv_wr_close16(w, mark, TS_HEADER_LEN);
}

/* RFC 7296, 3.13, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	| Number of TSs |                 RESERVED                      |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                       <Traffic Selectors>                     ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool ike_ts_read(struct ike_ts_list *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);
	uint8_t n = rv_rd_u8(&r);

	(void)rv_rd_u24(&r);
	out->n = 0;
	for (unsigned i = 0; i < n; i++) {
		struct rv_ts ts;

		if (!selector_read(&r, &ts))
			return false;
		if (ts.family && out->n < IKE_TS_MAX)
			out->ts[out->n++] = ts;
	}
	return rv_rd_done(&r) && n > 0;
}

void ike_ts_put(struct ike_builder *b, uint8_t payload, const struct rv_ts *ts, size_t n)
{
	struct rv_wr *w = ike_builder_open(b, payload, false);

	if (n == 0 || n > UINT8_MAX)
		w->bad = true;
	rv_wr_u8(w, (uint8_t)n);
	rv_wr_u24(w, 0);
	for (size_t i = 0; i < n && !w->bad; i++) {
		if (!rv_family_len(ts[i].family))
			w->bad = true;
		selector_write(w, &ts[i]);
	}
	ike_builder_close(b);
}

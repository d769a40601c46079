// SPDX-License-Identifier: LGPL-2.1-or-later
/* link: the attributes of a virtual link (RFC 5739, 5), and its addresses. */
#include "link.h"

#include <ravelin/wire.h>
#include <string.h>

/* RFC 5739, 5.1, behind type and length:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                          Link-Local                           |
 *	|                         Interface ID                          |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                          IKEv2 Link ID                        ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool link_read(struct link *out, struct rv_bytes value)
{
	struct rv_rd r = rv_rd(value);

	out->iid = rv_rd_take(&r, IID_LEN);
	out->id = rv_rd_rest(&r);
	return rv_rd_done(&r);
}

struct rv_bytes link_write(const struct link *link, uint8_t *out, size_t cap)
{
	struct rv_wr w = rv_wr(out, cap);

	rv_wr_put(&w, link->iid);
	rv_wr_put(&w, link->id);
	return rv_wr_bytes(&w);
}

static bool for_hosts(const struct rv_addr *prefix, unsigned len)
{
	struct rv_addr top = { .family = RV_IPV6 };

	memcpy(top.ip, prefix->ip, 12); /* ::/96: unspecified, loopback, and IPv4 in it; ::ffff:0:0/96 */
	top.ip[10] = top.ip[11] = 0;
	if (!len || rv_addr_is_any(&top))
		return false;
	return prefix->ip[0] != 0xff && !(prefix->ip[0] == 0xfe && (prefix->ip[1] & 0xc0) == 0x80);
}

/* RFC 5739, 5.2: 16 octets and the length. "The low-order bits of the prefix field that are not part of the prefix
 * MUST be set to zero by the sender and MUST be ignored by the receiver." */
bool prefix_read(struct rv_addr *prefix, unsigned *len, struct rv_bytes value)
{
	struct rv_rd r = rv_rd(value);
	struct rv_bytes ip = rv_rd_take(&r, 16);

	*len = rv_rd_u8(&r);
	if (!rv_rd_done(&r) || *len > 128)
		return false;
	*prefix = (struct rv_addr){ .family = RV_IPV6 };
	memcpy(prefix->ip, ip.p, 16);
	const struct rv_ts all = rv_ts_prefix(prefix, *len);

	memcpy(prefix->ip, all.lo, 16);
	return for_hosts(prefix, *len);
}

struct rv_bytes prefix_write(const struct rv_addr *prefix, unsigned len, uint8_t out[static PREFIX_LEN])
{
	struct rv_wr w = rv_wr(out, PREFIX_LEN);

	rv_wr_put(&w, rv_bytes(prefix->ip, 16));
	rv_wr_u8(&w, (uint8_t)len);
	return rv_wr_bytes(&w);
}

bool iid_fits(struct rv_bytes iid)
{
	static const uint8_t zero[IID_LEN];

	return iid.len == IID_LEN && !rv_bytes_equal(iid, rv_bytes(zero, IID_LEN));
}

struct rv_addr link_local(struct rv_bytes iid)
{
	struct rv_addr addr = { .family = RV_IPV6, .ip = { 0xfe, 0x80 } };

	memcpy(addr.ip + 8, iid.p, IID_LEN);
	return addr;
}

struct rv_addr address_in(const struct rv_addr *prefix, unsigned len, struct rv_bytes iid)
{
	const struct rv_ts all = rv_ts_prefix(prefix, len);
	struct rv_addr addr = *prefix;
	uint8_t any = 0;

	for (unsigned i = 8; i < 16; i++) {
		uint8_t host = all.lo[i] ^ all.hi[i];

		addr.ip[i] = (uint8_t)((all.lo[i] & ~host) | (iid.p[i - 8] & host));
		any |= addr.ip[i] & host;
	}
	if (!any && len < 128)
		addr.ip[15] |= 1;
	return addr;
}

struct rv_addr nth_prefix(const struct rv_addr *base, unsigned len, uint32_t n)
{
	struct rv_addr addr = *base;

	for (unsigned bit = 128 - len; n && bit < 128; bit++, n >>= 1)
		if (n & 1)
			addr.ip[15 - bit / 8] |= (uint8_t)(1u << bit % 8);
	return addr;
}

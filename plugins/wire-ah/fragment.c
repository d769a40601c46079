// SPDX-License-Identifier: LGPL-2.1-or-later
/* fragment: cuts packets that have AH (RFC 4302, 3.3.4: behind its processing). The system does not do it for packets
 * that bring their own header. */
#include "wire-ah.h"

#include <string.h>

enum { V4_FLAGS = 6, V4_MF = 0x2000, V4_OFFSET = 0x1fff, V4_COPIED = 0x80, V6_NEXT = 6, V6_FRAGMENT = 44, UNIT = 8 };
enum { HOP_BY_HOP = 0, ROUTING = 43, DESTINATION = 60 };

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Octets in front of AH, and where its protocol is named there; 0: the packet is malformed. */
static uint32_t headers6(const uint8_t *p, uint32_t len, uint32_t *last)
{
	uint32_t at = IP6_HEADER;

	*last = V6_NEXT;
	for (uint8_t proto = p[V6_NEXT]; proto == HOP_BY_HOP || proto == ROUTING || proto == DESTINATION;) {
		if (at + 8 > len)
			return 0;
		proto = p[at];
		*last = at;
		at += (p[at + 1] + 1u) * 8;
	}
	return at < len ? at : 0;
}

/* RFC 791, 3.1: options without the copied flag stand in the first fragment only; here they become no operation. */
static void drop_options(uint8_t *h, uint32_t len)
{
	for (uint32_t at = IP4_HEADER; at < len && h[at];) {
		uint32_t size = h[at] == 1 ? 1 : at + 1 < len ? h[at + 1] : 0;
		if (!size || at + size > len)
			return;
		if (!(h[at] & V4_COPIED))
			memset(h + at, 1, size);
		at += size;
	}
}

static void make4(struct fragment *f, const uint8_t *p, uint32_t at, bool more)
{
	memcpy(f->header, p, f->header_len);
	put16(f->header + V4_FLAGS,
	      (get16(p + V4_FLAGS) & ~(uint32_t)(V4_OFFSET | V4_MF)) | at / UNIT | (more ? V4_MF : 0));
	if (at)
		drop_options(f->header, f->header_len);
	put16(f->header + 2, f->header_len + f->len);
}

static void make6(struct fragment *f, const uint8_t *p, uint32_t last, uint32_t at, bool more, uint32_t id)
{
	uint8_t *h = f->header + f->header_len;

	memcpy(f->header, p, f->header_len);
	memset(h, 0, UNIT);
	h[0] = f->header[last];
	f->header[last] = V6_FRAGMENT;
	put16(h + 2, at | more);
	put16(h + 4, id >> 16);
	put16(h + 6, id & 0xffff);
	f->header_len += UNIT;
	put16(f->header + 4, f->header_len - IP6_HEADER + f->len);
}

uint32_t fragment_make(struct fragment *fragment, const uint8_t *p, uint32_t len, uint32_t at, uint32_t mtu,
		       uint32_t id)
{
	bool v6 = len >= IP6_HEADER && p[0] >> 4 == RV_IPV6;
	uint32_t last = 0, head = v6 ? headers6(p, len, &last) : len >= IP4_HEADER ? (p[0] & 15u) * 4 : 0;
	uint32_t extra = v6 ? UNIT : 0;

	if (head < IP4_HEADER || head + extra > sizeof(fragment->header) || head + extra + UNIT > mtu ||
	    head + at >= len)
		return 0;
	uint32_t room = (mtu - head - extra) / UNIT * UNIT, left = len - head - at;
	bool more = left > room;
	fragment->header_len = head;
	fragment->piece = p + head + at;
	fragment->len = more ? room : left;
	if (v6)
		make6(fragment, p, last, at, more, id);
	else
		make4(fragment, p, at, more);
	return fragment->len;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* reassemble: RFC 791, 3.2; RFC 815 with a bit for each unit of 8 octets; RFC 8200, 4.5. */
#include "reassemble.h"

#include <stdlib.h>
#include <string.h>

enum { UNIT = 8, V4_FLAGS = 6, V4_SUM = 10, V6_LEN = 4 };

static const uint64_t wait_us = 60000000; /* RFC 1122, 3.3.2; RFC 8200, 4.5 */

void reassembly_init(struct reassembly *reassembly, struct rv_vault *vault)
{
	*reassembly = (struct reassembly){ .vault = vault };
}

static bool has_pages(struct reassembly *reassembly)
{
	if (reassembly->pages)
		return true;
	reassembly->pages = rv_pages_new(reassembly->vault, (size_t)DATAGRAMS * DATAGRAM_ROOM);
	for (size_t i = 0; reassembly->pages && i < DATAGRAMS; i++)
		reassembly->datagrams[i].octets = reassembly->pages + i * DATAGRAM_ROOM;
	return reassembly->pages;
}

void reassembly_fini(struct reassembly *reassembly)
{
	rv_pages_free(reassembly->vault, reassembly->pages, (size_t)DATAGRAMS * DATAGRAM_ROOM);
	reassembly->pages = NULL;
}

static bool is_of(const struct datagram *d, const struct ip_info *info, uint32_t id, uint32_t iface)
{
	size_t len = rv_family_len(info->family);

	return d->at_us && d->id == id && d->iface == iface && d->family == info->family &&
	       (info->family == RV_IPV6 || d->proto == info->proto) &&
	       rv_bytes_equal(rv_bytes(d->src, len), rv_bytes(info->src, len)) &&
	       rv_bytes_equal(rv_bytes(d->dst, len), rv_bytes(info->dst, len));
}

static void begin(struct datagram *d, const struct ip_info *info, uint32_t id, uint32_t iface, uint64_t now_us)
{
	size_t len = rv_family_len(info->family);

	*d = (struct datagram){ .at_us = now_us ? now_us : 1,
				.family = info->family,
				.proto = info->proto,
				.id = id,
				.iface = iface,
				.octets = d->octets };
	memcpy(d->src, info->src, len);
	memcpy(d->dst, info->dst, len);
}

/* The packet that a fragment is of; a new one takes the place of one whose time is over, or else of the oldest. */
static struct datagram *find(struct reassembly *reassembly, const struct ip_info *info, uint32_t id, uint32_t iface,
			     uint64_t now_us, unsigned *lost)
{
	struct datagram *oldest = reassembly->datagrams, *end = oldest + DATAGRAMS;

	for (struct datagram *d = reassembly->datagrams; d < end; d++) {
		if (d->at_us && now_us - d->at_us > wait_us) {
			d->at_us = 0;
			++*lost;
		}
		if (is_of(d, info, id, iface))
			return d;
		if (d->at_us < oldest->at_us)
			oldest = d;
	}
	*lost += oldest->at_us != 0;
	begin(oldest, info, id, iface, now_us);
	return oldest;
}

/* How many of n units from first are there. */
static uint32_t count(const struct datagram *d, uint32_t first, uint32_t n)
{
	uint32_t found = 0;

	for (uint32_t i = first; i < first + n; i++)
		found += d->have[i / 64] >> i % 64 & 1;
	return found;
}

static bool any_from(const struct datagram *d, uint32_t first)
{
	return first < DATAGRAM_UNITS && count(d, first, DATAGRAM_UNITS - first);
}

/* The octets of one fragment. False: they do not go with what is there. */
static bool put(struct datagram *d, const struct ip_piece *piece, const uint8_t *octets, uint32_t len)
{
	uint32_t end = piece->offset + len, first = piece->offset / UNIT, n = (len + UNIT - 1) / UNIT;
	uint8_t *to = d->octets + DATAGRAM_HEADERS + piece->offset;

	if (!len || (piece->more && len % UNIT) || end > UINT16_MAX || (d->total && end > d->total))
		return false;
	if (!piece->more && ((d->total && d->total != end) || any_from(d, first + n)))
		return false;
	uint32_t there = count(d, first, n);
	if (there) /* RFC 8200, 4.5: the same again does no harm */
		return there == n && rv_bytes_equal(rv_bytes(to, len), rv_bytes(octets, len));
	memcpy(to, octets, len);
	for (uint32_t i = first; i < first + n; i++)
		d->have[i / 64] |= UINT64_C(1) << i % 64;
	d->got += len;
	if (!piece->more)
		d->total = end;
	return true;
}

/* The headers of the whole are those of the first fragment. */
static bool put_headers(struct datagram *d, const struct ip_info *info, const uint8_t *p)
{
	uint32_t len = info->family == RV_IPV4 ? info->base_len : info->fragment_at;
	uint8_t *h = d->octets + DATAGRAM_HEADERS - len;

	if (len > DATAGRAM_HEADERS)
		return false;
	memcpy(h, p, len);
	d->headers = len;
	if (info->family == RV_IPV6)
		h[info->fragment_named] = p[info->fragment_at];
	else
		ip_put16(h + V4_FLAGS, 0);
	return true;
}

static bool finish(struct datagram *d, struct rv_packet *whole)
{
	uint8_t *p = d->octets + DATAGRAM_HEADERS - d->headers;
	uint32_t len = d->headers + d->total, own = d->family == RV_IPV6 ? len - IP6_HEADER : len;

	d->at_us = 0;
	if (own > UINT16_MAX)
		return false;
	if (d->family == RV_IPV6) {
		ip_put16(p + V6_LEN, own);
	} else {
		ip_put16(p + 2, own);
		ip_put16(p + V4_SUM, 0);
		ip_put16(p + V4_SUM, ip_fold(ip_sum(0, p, d->headers)));
	}
	*whole = (struct rv_packet){ .buf = d->octets, .data = p, .cap = DATAGRAM_ROOM, .len = len };
	return true;
}

enum reassembled reassembly_add(struct reassembly *reassembly, const struct ip_info *info, const uint8_t *p,
				uint32_t iface, uint64_t now_us, struct rv_packet *whole, unsigned *lost)
{
	const struct ip_piece piece = ip_piece(info, p);

	*lost = 0;
	if (!has_pages(reassembly))
		return REASSEMBLY_BAD;
	struct datagram *d = find(reassembly, info, piece.id, iface, now_us, lost);
	bool good = put(d, &piece, p + piece.at, info->len - piece.at);
	if (good && !piece.offset && !d->headers)
		good = put_headers(d, info, p);
	if (!good) {
		d->at_us = 0;
		return REASSEMBLY_BAD;
	}
	if (!d->headers || !d->total || d->got != d->total)
		return REASSEMBLY_WAITS;
	return finish(d, whole) ? REASSEMBLY_DONE : REASSEMBLY_BAD;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* ah: places and mutable fields. */
#include "ah.h"

#include <string.h>

enum { V4_TOS = 1, V4_FLAGS = 6, V4_TTL = 8, V4_PROTO = 9, V4_SUM = 10, V4_DST = 16 };
enum { V6_NEXT = 6, V6_HOPS = 7, V6_DST = 24, V6_ADDR = 16 };
enum { OPT_END = 0, OPT_NOP = 1, OPT_LSRR = 131, OPT_SSRR = 137, OPT_CHANGES = 0x20 };
enum { ROUTE_TYPE = 2, ROUTE_LEFT = 3, ROUTE_HEADER = 8, ROUTE_SOURCE = 0, ROUTE_HOME = 2 };

uint32_t ah_len(const struct rv_suite *suite, uint8_t family)
{
	uint32_t unit = family == RV_IPV6 ? 8 : 4, len = (uint32_t)AH_HEADER + suite->iv_len + suite->icv_len;

	return (len + unit - 1) / unit * unit;
}

/* Octets of the extension header at h, of which left are there; 0 when it is cut short. */
static uint32_t extension(const uint8_t *h, uint32_t left)
{
	uint32_t size = left >= 8 ? (h[1] + 1u) * 8 : 0;

	return size <= left ? size : 0;
}

/* Passes over destination options only where a routing header follows. */
static bool in_front(uint8_t proto, const uint8_t *h)
{
	return proto == IP_HOPOPTS || proto == IP_ROUTING || (proto == IP_DSTOPTS && h[0] == IP_ROUTING);
}

static bool place_out6(struct ah_place *place, const struct ip_info *info, const uint8_t *p)
{
	uint8_t proto = p[V6_NEXT];

	while (place->at + 8 <= info->len && in_front(proto, p + place->at)) {
		uint32_t size = extension(p + place->at, info->len - place->at);
		if (!size)
			return false;
		proto = p[place->at];
		place->last = place->at;
		place->at += size;
	}
	place->rest = place->at + (proto == IP_FRAGMENT ? 8u : 0);
	return place->rest <= info->len;
}

bool ah_place_out(struct ah_place *place, const struct ip_info *info, const uint8_t *p)
{
	bool v6 = info->family == RV_IPV6;

	*place = (struct ah_place){
		.family = info->family, .at = info->base_len, .rest = info->base_len, .last = v6 ? V6_NEXT : V4_PROTO
	};
	return !v6 || place_out6(place, info, p);
}

static int place_in4(struct ah_place *place, const uint8_t *p, uint32_t *len)
{
	uint32_t total = *len >= IP4_HEADER ? ip_u16(p + 2) : 0;

	place->at = total ? (p[0] & 15u) * 4 : 0;
	place->last = V4_PROTO;
	if (place->at < IP4_HEADER || total > *len || total < place->at || p[V4_PROTO] != IP_AH)
		return RV_DROP_MALFORMED;
	*len = total;
	/* RFC 4302, 3.4.1 */
	return ip_u16(p + V4_FLAGS) & (IP4_MF | IP4_OFFSET) ? RV_DROP_FRAGMENT : 0;
}

static int place_in6(struct ah_place *place, const uint8_t *p, uint32_t *len)
{
	uint32_t total = *len >= IP6_HEADER ? ip_u16(p + 4) + (uint32_t)IP6_HEADER : 0;
	uint8_t proto = total ? p[V6_NEXT] : 0;

	place->at = IP6_HEADER;
	place->last = V6_NEXT;
	if (!total || total > *len)
		return RV_DROP_MALFORMED;
	*len = total;
	while (proto == IP_HOPOPTS || proto == IP_ROUTING || proto == IP_DSTOPTS) {
		uint32_t size = extension(p + place->at, total - place->at);
		if (!size)
			return RV_DROP_MALFORMED;
		proto = p[place->at];
		place->last = place->at;
		place->at += size;
	}
	if (proto == IP_FRAGMENT)
		return RV_DROP_FRAGMENT;
	return proto == IP_AH ? 0 : RV_DROP_MALFORMED;
}

int ah_place_in(struct ah_place *place, const uint8_t *p, uint32_t *len)
{
	uint8_t family = *len ? p[0] >> 4 : 0;
	int r = RV_DROP_MALFORMED;

	*place = (struct ah_place){ .family = family };
	if (family == RV_IPV4)
		r = place_in4(place, p, len);
	else if (family == RV_IPV6)
		r = place_in6(place, p, len);
	place->rest = place->at;
	return r;
}

/* RFC 4302, A1: what is not in this list becomes zero, also what nobody knows (3.3.3.1). */
static bool is_immutable(uint8_t option)
{
	static const uint8_t kept[] = { 130, 133, 134, 148, 149 };

	for (size_t i = 0; i < sizeof(kept); i++)
		if (kept[i] == option)
			return true;
	return false;
}

/* RFC 791, 3.1: with a source route that has hops left, the packet arrives at the last of them. */
static bool predict4(uint8_t *h, const uint8_t *option, uint32_t size)
{
	if ((option[0] & 0x7f) != (OPT_LSRR & 0x7f) && option[0] != OPT_SSRR)
		return true;
	if (size < 7 || (size - 3) % 4 || option[2] < 4)
		return false;
	if (option[2] <= size - 3)
		memcpy(h + V4_DST, option + size - 4, 4);
	return true;
}

static bool mute4(uint8_t *h, uint32_t len)
{
	h[V4_TOS] = 0;
	h[V4_TTL] = 0;
	memset(h + V4_FLAGS, 0, 2);
	memset(h + V4_SUM, 0, 2);
	for (uint32_t at = IP4_HEADER; at < len && h[at] != OPT_END;) {
		uint32_t size = h[at] == OPT_NOP ? 1 : at + 1 < len ? h[at + 1] : 0;
		if (!size || (size < 2 && h[at] != OPT_NOP) || size > len - at)
			return false;
		if (size > 2 && !predict4(h, h + at, size))
			return false;
		if (h[at] != OPT_NOP && !is_immutable(h[at]))
			memset(h + at, 0, size);
		at += size;
	}
	return true;
}

/* RFC 8200, 4.2: the third highest bit of an option's type says that its data may change on the way. */
static bool mute_options(uint8_t *p, uint32_t len)
{
	for (uint32_t at = 0; at < len;) {
		uint32_t size = !p[at] ? 1 : at + 1 < len ? p[at + 1] + 2u : 0;
		if (!size || size > len - at)
			return false;
		if (size > 2 && p[at] & OPT_CHANGES)
			memset(p + at + 2, 0, size - 2);
		at += size;
	}
	return true;
}

/* RFC 4302, A2: the order of addresses that the receiver sees. Of type 2 (RFC 6275, 6.4) there is one. */
static bool predict6(uint8_t *h, uint8_t *route, uint32_t size)
{
	uint32_t n = (size - ROUTE_HEADER) / V6_ADDR;
	bool known = route[ROUTE_TYPE] == ROUTE_SOURCE || (route[ROUTE_TYPE] == ROUTE_HOME && n == 1);
	uint8_t was[V6_ADDR];

	if (!route[ROUTE_LEFT])
		return true;
	if (!known || (size - ROUTE_HEADER) % V6_ADDR || route[ROUTE_LEFT] > n)
		return false;
	while (route[ROUTE_LEFT]) {
		uint8_t *next = route + ROUTE_HEADER + (size_t)(n - route[ROUTE_LEFT]--) * V6_ADDR;
		memcpy(was, h + V6_DST, sizeof(was));
		memcpy(h + V6_DST, next, sizeof(was));
		memcpy(next, was, sizeof(was));
	}
	return true;
}

static bool mute6(uint8_t *h, uint32_t len)
{
	uint8_t proto = h[V6_NEXT];
	uint32_t at = IP6_HEADER;

	h[0] = 0x60;
	memset(h + 1, 0, 3);
	h[V6_HOPS] = 0;
	while (at < len) {
		uint32_t size = extension(h + at, len - at);
		uint8_t next = h[at];
		if (!size)
			return false;
		if (proto == IP_ROUTING ? !predict6(h, h + at, size) : !mute_options(h + at + 2, size - 2))
			return false;
		proto = next;
		at += size;
	}
	return true;
}

bool ah_mute(uint8_t *headers, uint32_t len)
{
	return headers[0] >> 4 == RV_IPV6 ? mute6(headers, len) : mute4(headers, len);
}

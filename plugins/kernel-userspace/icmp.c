// SPDX-License-Identifier: LGPL-2.1-or-later
/* icmp: one message in two families. It comes from the address that the packet was sent to, since a tunnel device need
 * not have one of its own and the answer must come from inside the protected network.
 */
#include "icmp.h"

#include <string.h>

/* RFC 791, 3.1 and RFC 8200, 5: every path takes so much. */
enum { LEAST4 = 576, LEAST6 = 1280 };
enum { V4_UNREACHABLE = 3, V4_TOO_BIG = 4, V6_TOO_BIG = 2, V6_INFORMATIONAL = 128, HEADER = 8, QUOTE4 = 548, TTL = 64 };

static bool is_error(const struct ip_info *info)
{
	uint8_t type = (uint8_t)(info->src_port >> 8);

	if (!info->ports_known)
		return info->proto == IP_ICMP || info->proto == IP_ICMPV6;
	if (info->proto == IP_ICMPV6)
		return type < V6_INFORMATIONAL;
	/* RFC 1122, 3.2.2: unreachable, quench, redirect, time exceeded, parameter problem */
	return info->proto == IP_ICMP && (type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
}

bool icmp_cause(const struct ip_info *info, const uint8_t *packet, struct ip_info *cause)
{
	const uint8_t *quote = packet + info->upper + HEADER;
	const uint8_t *src;
	uint16_t port;

	if (!info->ports_known || info->fragment == IP_LATER || info->len < info->upper + (uint32_t)HEADER ||
	    !is_error(info) || !ip_parse_quote(cause, quote, info->len - info->upper - HEADER) ||
	    cause->family != info->family)
		return false;
	src = cause->src;
	cause->src = cause->dst;
	cause->dst = src;
	port = cause->src_port;
	cause->src_port = cause->dst_port;
	cause->dst_port = port;
	return true;
}

static bool answerable(const struct ip_info *info)
{
	static const uint8_t zero[16];
	bool v4 = info->family == RV_IPV4;

	if (!info->df || info->fragment == IP_LATER || is_error(info))
		return false;
	if (!memcmp(info->src, zero, rv_family_len(info->family)))
		return false;
	return v4 ? info->src[0] < 224 && info->dst[0] < 224 : info->src[0] != 0xff && info->dst[0] != 0xff;
}

size_t icmp_too_big(const struct ip_info *info, const uint8_t *packet, uint32_t mtu, uint8_t *out)
{
	bool v4 = info->family == RV_IPV4;
	size_t base = v4 ? IP4_HEADER : IP6_HEADER;
	size_t room = v4 ? QUOTE4 : ICMP_ROOM - IP6_HEADER - HEADER;
	size_t quote = info->len < room ? info->len : room;
	struct rv_addr src = { .family = info->family }, dst = { .family = info->family };
	uint8_t *icmp = out + base;

	if (!answerable(info))
		return 0;
	memcpy(src.ip, info->dst, rv_family_len(info->family));
	memcpy(dst.ip, info->src, rv_family_len(info->family));
	ip_put_header(out, &src, &dst, v4 ? IP_ICMP : IP_ICMPV6, 0, TTL, (uint32_t)(HEADER + quote));
	memset(icmp, 0, HEADER);
	icmp[0] = v4 ? V4_UNREACHABLE : V6_TOO_BIG;
	icmp[1] = v4 ? V4_TOO_BIG : 0;
	ip_put32(icmp + 4, v4 && mtu > 0xffff ? 0xffff : mtu);
	memcpy(icmp + HEADER, packet, quote);

	struct ip_info answer = { .family = info->family, .src = src.ip, .dst = dst.ip };
	uint64_t sum = v4 ? 0 : ip_pseudo(&answer, IP_ICMPV6, (uint32_t)(HEADER + quote));
	ip_put16(icmp + 2, ip_fold(ip_sum(sum, icmp, HEADER + quote)));
	return base + HEADER + quote;
}

/* RFC 1191, 7.1: the largest likely MTU below the length of a packet, for routers that say none. */
static uint32_t plateau(uint32_t len)
{
	static const uint16_t mtus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006 };

	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++)
		if (mtus[i] < len)
			return mtus[i];
	return LEAST4;
}

/* SPI and sequence number at p, or behind a header of UDP or the front of AH. */
static bool read_numbers(struct icmp_report *report, const struct ip_info *quote, const uint8_t *p)
{
	uint32_t at = quote->base_next == IP_AH ? quote->base_len : quote->upper;
	uint32_t front = quote->base_next == IP_AH ? 4 : quote->proto == IP_UDP ? UDP_HEADER : 0;

	if (quote->fragment == IP_LATER || quote->len < at + front + 8)
		return false;
	if (quote->base_next != IP_AH && quote->proto != IP_ESP && quote->proto != IP_UDP)
		return false;
	report->protocol = quote->base_next == IP_AH ? IP_AH : IP_ESP;
	report->encap = report->protocol == IP_ESP && quote->proto == IP_UDP;
	if (report->encap) {
		report->src.port = quote->src_port;
		report->dst.port = quote->dst_port;
	}
	report->spi = ip_u32(p + at + front);
	report->sequence = ip_u32(p + at + front + 4);
	return true;
}

bool icmp_read_report(struct icmp_report *report, uint8_t family, const uint8_t *p, size_t len)
{
	bool v4 = family == RV_IPV4;
	const uint8_t *quoted = p + HEADER;
	struct ip_info quote;

	if (len < HEADER || p[0] != (v4 ? V4_UNREACHABLE : V6_TOO_BIG) || p[1] != (v4 ? V4_TOO_BIG : 0) ||
	    !ip_parse_quote(&quote, quoted, len - HEADER) || quote.family != family)
		return false;
	*report = (struct icmp_report){ .src.family = family, .dst.family = family };
	memcpy(report->src.ip, quote.src, rv_family_len(family));
	memcpy(report->dst.ip, quote.dst, rv_family_len(family));
	uint32_t total = v4 ? ip_u16(quoted + 2) : ip_u16(quoted + 4) + (uint32_t)IP6_HEADER;
	uint32_t mtu = v4 ? ip_u16(p + 6) : ip_u32(p + 4), least = v4 ? LEAST4 : LEAST6;
	if (!mtu && v4)
		mtu = plateau(total);
	report->mtu = mtu < least ? least : mtu;
	return report->mtu < total && read_numbers(report, &quote, quoted);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* boundary: changes to headers on their way in and out. */
#include "boundary.h"

#include "icmp.h"

enum { ECN = 3, TCP_DOFF = 12, TCP_SUM = 16 };
enum { OPT_END = 0, OPT_NOP = 1, OPT_MSS = 2, OPT_MD5 = 19, OPT_AO = 29, MSS_LEN = 4, MSS_LEAST = 88 };

uint8_t boundary_tos_out(const struct sa *sa, uint8_t tos)
{
	bool dscp = sa->terms.copy_dscp == RV_DSCP_OUT || sa->terms.copy_dscp == RV_DSCP_BOTH;
	uint8_t out = tos;

	if (sa->mode != RV_TUNNEL) /* there is one header only */
		return tos;
	if (!dscp)
		out &= ECN;
	if (sa->terms.plain_ecn) /* RFC 6040, 4.1: compatibility mode */
		out = (uint8_t)(out & ~ECN);
	return out;
}

bool boundary_tos_in(const struct sa *sa, struct ip_info *info, uint8_t *p, uint8_t outer)
{
	bool dscp = sa->terms.copy_dscp == RV_DSCP_IN || sa->terms.copy_dscp == RV_DSCP_BOTH;
	int ecn = ip_ecn_out_of_tunnel(info->tos & ECN, outer & ECN);

	if (ecn < 0)
		return false;
	uint8_t tos = (uint8_t)(((dscp ? outer : info->tos) & ~ECN) | ecn);
	if (tos != info->tos)
		ip_set_tos(p, info->family, tos);
	info->tos = tos;
	return true;
}

bool boundary_match(const struct sa *sa, const struct ip_info *info, const uint8_t *p)
{
	struct ip_info cause;

	return sa_match(sa, info) || (icmp_cause(info, p, &cause) && sa_match(sa, &cause));
}

/* The MSS option of a TCP header of len octets, or NULL. */
static uint8_t *find_mss(uint8_t *tcp, uint32_t len)
{
	uint8_t *mss = NULL;

	for (uint32_t at = TCP_HEADER; at < len && tcp[at] != OPT_END;) {
		uint32_t size = tcp[at] == OPT_NOP ? 1 : at + 1 < len ? tcp[at + 1] : 0;
		if (!size || (size == 1 && tcp[at] != OPT_NOP) || at + size > len)
			return NULL;
		if (tcp[at] == OPT_MD5 || tcp[at] == OPT_AO)
			return NULL;
		if (tcp[at] == OPT_MSS && size == MSS_LEN)
			mss = tcp + at;
		at += size;
	}
	return mss;
}

void boundary_clamp(const struct ip_info *info, uint8_t *p, uint32_t mtu)
{
	uint8_t *tcp = p + info->upper;
	uint32_t base = (info->family == RV_IPV6 ? IP6_HEADER : IP4_HEADER) + (uint32_t)TCP_HEADER;
	uint32_t left = info->len - info->upper;

	uint32_t len = (tcp[TCP_DOFF] >> 4) * 4u;
	uint8_t *mss = len <= left && mtu >= base + MSS_LEAST ? find_mss(tcp, len) : NULL;
	if (!mss || ip_u16(mss + 2) <= mtu - base)
		return;
	/* an option may stand at an odd place: the checksum sums words from where the header begins */
	uint16_t value = (uint16_t)(mtu - base);
	if ((uint32_t)(mss - tcp) % 2 == 0) {
		ip_change16(mss + 2, tcp + TCP_SUM, value);
		return;
	}
	ip_change16(mss + 1, tcp + TCP_SUM, (uint16_t)(mss[1] << 8 | value >> 8));
	ip_change16(mss + 3, tcp + TCP_SUM, (uint16_t)(value << 8 | mss[4]));
}

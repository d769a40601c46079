// SPDX-License-Identifier: LGPL-2.1-or-later
/* boundary: what crosses the IPsec boundary besides the payload: traffic class and ECN (RFC 4301, 5.1.2; RFC 6040), the
 * MSS of TCP, and ICMP errors about traffic of an SA (RFC 4301, 6.2). Any worker; nothing is kept.
 */
#pragma once

#include "sa.h"

/* The traffic class in front of a packet of sa whose own is tos. */
uint8_t boundary_tos_out(const struct sa *sa, uint8_t tos);

/* Whether the IPv4 header in front of a packet of sa forbids to cut it (RFC 4301, 8.1). */
static inline bool boundary_df_out(const struct sa *sa, const struct ip_info *info)
{
	if (!sa->terms.copy_df)
		return false;
	return sa->terms.copy_df == RV_DF_SET || (info->family == RV_IPV4 && info->df);
}

/* What the traffic class of the outer header means for the packet at p that came out of a tunnel; info->tos follows.
 * False when it must be dropped (RFC 6040, 4.2). */
bool boundary_tos_in(const struct sa *sa, struct ip_info *info, uint8_t *p, uint8_t outer);

/* True when the packet at p is of the selectors of sa, or is an ICMP error about such a packet. */
bool boundary_match(const struct sa *sa, const struct ip_info *info, const uint8_t *p);

/* True for a TCP segment that asks for a connection, whose MSS counts. */
static inline bool boundary_is_syn(const struct ip_info *info, const uint8_t *p)
{
	enum { FLAGS = 13, SYN = 2, RST = 4 };

	return info->proto == IP_TCP && info->fragment == IP_WHOLE && info->len - info->upper >= (uint32_t)TCP_HEADER &&
	       (p[info->upper + FLAGS] & (SYN | RST)) == SYN;
}

/* Lowers the MSS that the SYN at p asks for to what packets of at most mtu octets carry (RFC 9293, 3.7.1). Leaves it
 * where the sender signs its options (RFC 2385, RFC 5925). */
void boundary_clamp(const struct ip_info *info, uint8_t *p, uint32_t mtu);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* icmp: tells a host on the clear side that its packet is too big for the tunnel (RFC 4301, 8; RFC 1191, RFC 8201). */
#pragma once

#include "ip.h"

enum { ICMP_ROOM = 1280 };

/* Writes into out (ICMP_ROOM octets) the answer to a packet that is larger than mtu. The answer's length, or 0 when
 * none may be sent: to an ICMP error, a later fragment, a multicast or unspecified address (RFC 1122, 3.2.2; RFC 4443,
 * 2.4), or to an IPv4 packet that may be fragmented. */
size_t icmp_too_big(const struct ip_info *info, const uint8_t *packet, uint32_t mtu, uint8_t *out);

/* What a router says of a packet of ours that it did not take. Of protocol: ESP, or AH; encap: ESP in UDP. */
struct icmp_report {
	struct rv_addr src, dst; /* of the packet, with ports where encap */
	uint32_t spi, sequence;
	uint32_t mtu; /* less than the packet's length; at least what every path takes */
	uint8_t protocol;
	bool encap;
};

/* Reads the message at p, from its type on. False when it is another one, or does not quote enough of the packet. */
bool icmp_read_report(struct icmp_report *report, uint8_t family, const uint8_t *p, size_t len);

/* The packet that the ICMP error at packet is about, with its directions reversed: as one of the traffic that the error
 * belongs to (RFC 4301, 6.2). A view into packet. False when packet is no error or quotes nothing that can be read. */
bool icmp_cause(const struct ip_info *info, const uint8_t *packet, struct ip_info *cause);

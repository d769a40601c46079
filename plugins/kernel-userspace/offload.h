// SPDX-License-Identifier: LGPL-2.1-or-later
/* offload: what the clear side's segmentation offload left to us: checksums and segments of TCP and UDP trains; and
 * fragments of IPv4 packets that are too long.
 *
 * The train comes with the fields of struct virtio_net_hdr. Every segment is written whole, with its own headers and
 * checksums, since the peer need not be of our kind.
 */
#pragma once

#include "ip.h"

enum offload_kind { OFFLOAD_UDP, OFFLOAD_TCP, OFFLOAD_FRAGMENTS };

struct offload {
	struct ip_info ip;
	const uint8_t *p;
	uint32_t len;	  /* of the train */
	uint32_t headers; /* in front of the payload of each segment */
	uint32_t mss;
	uint32_t n;		      /* segments; 1: p itself is the packet */
	uint8_t kind;		      /* enum offload_kind */
	uint16_t base_sum, upper_sum; /* of a TCP train: of what its headers have in common (plan_sums) */
};

/* Plans the segmentation of the packet at p, whose headers are in ip. A checksum that was left open in a single packet
 * is computed in place. False when vnet does not go with the packet. */
bool offload_plan(struct offload *o, const struct ip_info *ip, uint8_t *p, const uint8_t vnet[static 12]);

/* Plans to cut the single packet of a plan, IPv4 without DF, into fragments of at most mtu octets (RFC 791, 3.2). False
 * when mtu has no room for them. */
bool offload_fragments(struct offload *o, uint32_t mtu);

/* Octets of segment i (0..n-1). */
uint32_t offload_len(const struct offload *o, uint32_t i);

/* Writes segment i of a train (n > 1) to dst: offload_len() octets. */
void offload_segment(const struct offload *o, uint32_t i, uint8_t *dst);

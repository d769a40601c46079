// SPDX-License-Identifier: LGPL-2.1-or-later
/* coalesce: joins TCP segments or UDP datagrams of one flow that come out of a tunnel one behind the other, so that the
 * host's stack takes them as one (the counterpart of offload.h).
 *
 * Nothing is lost in it: the parts must differ in nothing but sequence number, identification, checksum, PSH and
 * payload, and each part's checksum must be right, so that segmenting the train again gives the same packets, but for
 * two fields: PSH bits are one in the last segment (RFC 9293, 3.9.1.2: PSH marks no record and is independent of
 * segments, successive ones are collapsed), and the identification of a datagram with DF, where it does not count up,
 * comes out counted (RFC 6864, 4.1: nobody may look at it). Payloads are moved together in the buffer of the first.
 */
#pragma once

#include "ip.h"

struct coalesced {
	uint8_t *p;
	const uint8_t *limit; /* end of the buffer that p is in */
	uint32_t len, headers, upper, mss, next_seq, n;
	uint16_t next_id;
	uint8_t family, proto;
	bool open;    /* may take another part */
	bool checked; /* its own checksum was right */
};

/* Looks whether the packet at p, which info tells of, could begin a train (open). */
void coalesce_begin(struct coalesced *c, uint8_t *p, const struct ip_info *info, const uint8_t *limit);

/* Takes such a packet in, or leaves all as it is (false). */
bool coalesce_add(struct coalesced *c, const uint8_t *p, const struct ip_info *info);

/* Makes headers and vnet (struct virtio_net_hdr) those of a train, when there is more than one part. Once. */
void coalesce_end(struct coalesced *c, uint8_t vnet[static 12]);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* reassemble: packets of the clear side are put together where transport mode takes whole ones only (RFC 4303, 3.3.4).
 *
 * A lane has so many places, each for the largest packet; half a megabyte, there from the first fragment on. The oldest
 * gives way to a new one, and so does, with whatever it has, a packet whose fragments overlap (RFC 5722; RFC 1858).
 */
#pragma once

#include "ip.h"

#include <ravelin/packet.h>
#include <ravelin/secret.h>

enum { DATAGRAMS = 8, DATAGRAM_UNITS = 8192, DATAGRAM_HEADERS = 512 };
enum { DATAGRAM_ROOM = DATAGRAM_HEADERS + 8 * DATAGRAM_UNITS + RV_TAILROOM };

/* One packet that is being put together. */
struct datagram {
	uint64_t at_us; /* of its first fragment to come; 0: free */
	uint8_t family, proto;
	uint8_t src[16], dst[16];
	uint32_t id, iface;
	uint32_t got, total; /* octets behind the headers; total 0: not known yet */
	uint32_t headers;    /* 0: not here yet */
	uint64_t have[DATAGRAM_UNITS / 64];
	uint8_t *octets; /* headers end at DATAGRAM_HEADERS */
};

struct reassembly {
	struct rv_vault *vault;
	uint8_t *pages; /* NULL: no fragment has come yet */
	struct datagram datagrams[DATAGRAMS];
};

/* fini is harmless without init. */
void reassembly_init(struct reassembly *reassembly, struct rv_vault *vault);
void reassembly_fini(struct reassembly *reassembly);

/* Takes the fragment at p, which came by this device. DONE: *whole is the packet, in a buffer that the next call may
 * write over. BAD: it was of no use, or there is no memory, and what it belongs to is gone. *lost: how many packets
 * made room. */
enum reassembled { REASSEMBLY_WAITS, REASSEMBLY_DONE, REASSEMBLY_BAD };
enum reassembled reassembly_add(struct reassembly *reassembly, const struct ip_info *info, const uint8_t *p,
				uint32_t iface, uint64_t now_us, struct rv_packet *whole, unsigned *lost);

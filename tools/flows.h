// SPDX-License-Identifier: LGPL-2.1-or-later
/* flows: the SAs that a capture has packets of, by what an observer sees: addresses, ports of UDP, SPI (RFC 5879, 4 and
 * 7), with what is known of each.
 */
#pragma once

#include "esp-null.h"

enum { FLOWS_MAX = 65536, PARTS_MAX = 64, PACKET_MAX = 65535 };

struct flow {
	uint8_t family; /* 4 or 6 */
	uint8_t src[16], dst[16];
	uint16_t src_port, dst_port; /* 0: not in UDP */
	uint32_t spi;
	uint64_t packets, octets;
	struct esp_guess guess;
	bool wesp, wesp_encrypted; /* its wrapper says it (RFC 5840) */
};

/* A packet of IP that is being put together. */
struct part {
	uint8_t family, protocol, src[16], dst[16];
	uint32_t id, total; /* total 0: the last fragment is not there */
	uint32_t have;
	uint64_t age;
	uint8_t seen[PACKET_MAX / 64 + 1]; /* which groups of eight octets are there */
	uint8_t octets[PACKET_MAX];
};

struct flows {
	struct flow *flows;
	uint32_t n, room;
	uint32_t *index;    /* 2 * room, by hash; 0: none, else place plus one */
	struct part *parts; /* NULL until a fragment comes */
	uint64_t now;
	uint64_t others, cut, too_many;
};

/* talloc. NULL: no memory. */
struct flows *flows_new(void *parent);

/* Looks at one IP packet; whole: it is not cut off. False: no memory. */
bool flows_packet(struct flows *flows, struct rv_bytes packet, bool whole);

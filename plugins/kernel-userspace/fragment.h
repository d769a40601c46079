// SPDX-License-Identifier: LGPL-2.1-or-later
/* fragment: stateful fragment checking (RFC 4301, 7.3): the ports of a packet's first fragment, for those that follow.
 *
 * A lane has one table for each direction, of a fixed size. What is not asked for within a minute counts as not there,
 * and where a place is wanted the oldest of four gives way: a flood costs others their later fragments, never memory.
 */
#pragma once

#include "sa.h"

enum { FRAGMENTS = 512, FRAGMENT_WAYS = 4 };

struct fragment {
	uint8_t src[16], dst[16];
	uint64_t at_us; /* 0: free */
	uint32_t id, owner;
	uint32_t end; /* of the first fragment, in octets of the whole */
	uint16_t src_port, dst_port;
	uint8_t family, named; /* named: the protocol that all fragments name */
	uint8_t proto;
};

struct fragments {
	struct fragment *slots; /* NULL until a first fragment comes */
	uint32_t seed;
};

/* fini is harmless on a zeroed one. */
void fragments_init(struct fragments *fragments);
void fragments_fini(struct fragments *fragments);

/* Keeps the ports of the first fragment at p. owner: who may ask for them. */
void fragments_first(struct fragments *fragments, const struct ip_info *info, const uint8_t *p, uint32_t owner,
		     uint64_t now_us);

/* Completes the selector fields of the later fragment at p by those of its first one, where it is known. False when it
 * lies over that, and so could change what was judged (RFC 4301, 7.2; RFC 1858). */
bool fragments_later(const struct fragments *fragments, struct ip_info *info, const uint8_t *p, uint32_t owner,
		     uint64_t now_us);

/* True when fragment info, in tunnel mode, may travel in sa: whose ports nobody asks for, or those were agreed on. */
bool fragment_allowed(const struct sa *sa, const struct ip_info *info);

/* The same for a fragment at p that came out of the tunnel of sa, whose first one came out of one of the same reqid. */
bool fragment_match_in(struct fragments *fragments, const struct sa *sa, struct ip_info *info, const uint8_t *p,
		       uint64_t now_us);

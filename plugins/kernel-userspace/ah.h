// SPDX-License-Identifier: LGPL-2.1-or-later
/* ah: the Authentication Header (RFC 4302): where it stands, how long it is, and what of the headers in front of it the
 * ICV covers. Pure functions; the lanes' parts are in ah-out.c and ah-in.c.
 */
#pragma once

#include "out.h"

enum { AH_HEADER = 12 }; /* without IV and ICV */

/* Where AH stands, or goes, in a packet. */
struct ah_place {
	uint8_t family;
	uint32_t at;   /* octets in front of it */
	uint32_t last; /* where the protocol of what follows these is named */
	uint32_t rest; /* where that begins: at, or behind a fragment header that is none (RFC 4302, A2) */
};

/* Octets of the header with its IV (RFC 4543, 4) and ICV: a multiple of 4, in IPv6 of 8 (RFC 4302, 3.3.3.2.1). */
uint32_t ah_len(const struct rv_suite *suite, uint8_t family);

/* How much of that the text of an operation begins with: ICV and padding. */
static inline uint32_t ah_rest(const struct rv_suite *suite, uint8_t family)
{
	return ah_len(suite, family) - AH_HEADER - suite->iv_len;
}

/* Where AH goes into a packet in transport mode (RFC 4302, 3.1.1): behind the options of IPv4; in IPv6 behind
 * hop-by-hop and routing headers and the destination options in front of these. info: of the packet. False when a
 * header is malformed. */
bool ah_place_out(struct ah_place *place, const struct ip_info *info, const uint8_t *p);

/* Finds AH in the packet of *len octets, which becomes its own length. 0, or the cause to drop it for. */
int ah_place_in(struct ah_place *place, const uint8_t *p, uint32_t *len);

/* Makes a copy of the len octets in front of AH what the ICV covers: mutable fields become zero, predictable ones what
 * the receiver sees (RFC 4302, 3.3.3.1 and A). False when they are malformed or cannot be predicted. */
bool ah_mute(uint8_t *headers, uint32_t len);

/* ah-out.c: puts the header into segment i of a plan; sent at the next out_flush() at the latest. */
void ah_seal(struct lane *lane, struct sa *sa, const struct sa_path *path, const struct offload *plan, uint32_t i,
	     uint8_t tos, bool df);

/* Puts the headers and ICVs of a sealed run where they belong. */
void ah_finish(const struct out_state *out);

/* ah-in.c: takes the ICVs of a run out of its texts and puts them behind these, and what they cover of the headers in
 * front of AH in the place of these, which stand in meta then. */
void ah_begin(struct in_state *in);

/* Gives an authentic packet of the run to the clear side; how many octets of payload it had. */
uint32_t ah_deliver(struct lane *lane, struct sa *sa, const struct rv_cryptor_op *op, const struct in_meta *meta);

/* in.c, for ah-in.c */

/* Opens what the run has and delivers it. */
void in_open_run(struct lane *lane);

/* What came out of a tunnel, at p, of protocol next: selectors, traffic class (tos: that of the outer header), clear
 * side. limit: until there what is behind p may be overwritten. False when it was dropped. */
bool in_out_of_tunnel(struct lane *lane, struct sa *sa, uint8_t *p, uint32_t len, uint8_t next, uint8_t tos,
		      const uint8_t *limit);

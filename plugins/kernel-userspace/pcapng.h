// SPDX-License-Identifier: LGPL-2.1-or-later
/* pcapng: packets of two interfaces, "clear" and "wire", as blocks of draft-ietf-opsawg-pcapng. Pure functions that
 * write into memory of the caller's; all packets are raw IP.
 */
#pragma once

#include <ravelin/base.h>

enum pcapng_side { PCAPNG_CLEAR, PCAPNG_WIRE };
enum { PCAPNG_START = 256, PCAPNG_PACKET = 256, PCAPNG_END = 128 }; /* room for what stands besides octets of packets */

/* One packet in two parts: headers that were made for it, and the rest. */
struct pcapng_packet {
	enum pcapng_side side;
	bool inbound;
	uint64_t at_us; /* since 1970 */
	struct rv_bytes header, rest;
	const char *comment; /* at most 100 octets */
};

/* Each returns how many octets it wrote. start: the section and its interfaces. packet: room for PCAPNG_PACKET octets
 * besides the packet's is needed. end: how many packets were left out. */
size_t pcapng_start(uint8_t *out);
size_t pcapng_packet(uint8_t *out, const struct pcapng_packet *packet);
size_t pcapng_end(uint8_t *out, uint64_t at_us, uint64_t dropped);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* frame: Ethernet frames that carry ESP, in UDP or alone, read and written (RFC 791, RFC 8200, RFC 768, RFC 3948).
 *
 * Pure: octets in, view out. What the program in the kernel lets through is not trusted: every length is checked.
 */
#pragma once

#include <ravelin/addr.h>

enum { FRAME_MAC = 6, FRAME_ETHERNET = 14, FRAME_HEADERS = FRAME_ETHERNET + 40 + 8 };

/* A frame that holds ESP. esp borrows the frame. */
struct frame {
	struct rv_addr local, remote; /* with ports when in UDP */
	struct rv_bytes esp;
	uint8_t tos;
	bool encap;
};

/* Reads len octets at p. port: the one of encapsulated ESP. False when it is not a whole, undamaged packet with ESP
 * (header checksum, UDP checksum, lengths, fragments, addresses that nobody sends from). */
bool frame_read(const uint8_t *p, size_t len, uint16_t port, struct frame *frame);

/* Where frames of one path go. */
struct frame_path {
	uint8_t to[FRAME_MAC], from[FRAME_MAC];
	struct rv_addr local, remote; /* with ports when in UDP */
	bool encap;
};

/* How many octets stand in front of ESP. */
size_t frame_headers(const struct frame_path *path);

/* Writes a frame with esp into out, which has room for frame_headers() and esp. id: of IPv4, for routers that fragment
 * (the DF bit is not set). Its length. */
size_t frame_write(uint8_t *out, const struct frame_path *path, uint8_t tos, uint16_t id, struct rv_bytes esp);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* capture-file: frames from a capture in one of the two formats of libpcap, pcap and pcapng, of either byte order.
 * Pure: octets in, views out.
 */
#pragma once

#include <ravelin/wire.h>

enum { CAPTURE_INTERFACES = 64 };

struct capture {
	struct rv_rd rest;
	bool swapped; /* least significant octet first */
	bool ng;
	uint16_t links[CAPTURE_INTERFACES]; /* link type of each interface */
	uint32_t n_links;
};

/* One frame; octets are borrowed from the file. whole: nothing was cut off. */
struct frame {
	uint16_t link;
	struct rv_bytes octets;
	bool whole;
};

/* False: it is no capture. */
bool capture_open(struct capture *capture, struct rv_bytes file);

/* The next frame. False: there is none; *broken: the file ends in the middle of one. */
bool capture_next(struct capture *capture, struct frame *frame, bool *broken);

/* The IP packet in a frame; empty: it has none, or the link type is not known. */
struct rv_bytes frame_packet(const struct frame *frame);

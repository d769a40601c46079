// SPDX-License-Identifier: LGPL-2.1-or-later
/* payload: the octets of an AGGFRAG payload (RFC 9347, 6.1), both ways, without clock, keys or threads.
 */
#pragma once

#include <ravelin/wire.h>

enum {
	AGGFRAG = 144,	     /* RFC 9347, 6.1: "ESP Next Header value" */
	HEADER_PLAIN = 4,    /* 6.1.1 */
	HEADER_REPORT = 24,  /* 6.1.2 */
	PACKET_MOST = 65575, /* IPv6 with the largest payload length */
	FRAGMENT_LEAST = 8   /* what is left in a payload is padded when it is less */
};

/* What congestion control says (RFC 9347, 6.1.2). Delays in microseconds; what does not fit is written as the most that
 * does. */
struct report {
	bool probing, ecn;
	uint32_t loss; /* the inverse of the loss event rate; 0: no loss */
	uint32_t rtt_us, echo_us, transmit_us;
	uint32_t tval, techo;
};

struct header {
	bool reports; /* sub-type 1 */
	uint16_t offset;
	struct report report;
};

/* Writes or reads a header; false: it is none that we know. */
void header_write(struct rv_wr *w, const struct header *header);
bool header_read(struct rv_rd *r, struct header *header);

/* Packets in the order in which they are sent, in a ring of octets. One at a time uses it. */
struct queue {
	uint8_t *octets;
	uint32_t size, at, used; /* at: of the first packet's length */
	uint32_t n, sent;	 /* sent: octets of the first packet that are under way */
};

/* Puts a packet at the end; false: there is no room. */
bool queue_put(struct queue *queue, struct rv_bytes packet);

/* What is to be sent of the first packet; 0: there is none. */
uint32_t queue_left(const struct queue *queue);

/* The first packet begins anew: another SA goes on, which must not send the rest (RFC 9347, 2.2.3). */
void queue_restart(struct queue *queue);

/* Fills room octets at p with data blocks from the queue. offset: the block offset. fragments: whether the peer takes
 * them; where it does not, *refused counts packets that fit into no payload. The octets filled. */
uint32_t payload_fill(struct queue *queue, uint8_t *p, uint32_t room, bool fragments, uint16_t *offset,
		      uint32_t *refused);

/* A packet that comes in pieces. packet: PACKET_MOST octets. */
struct assembly {
	uint8_t *packet;
	uint32_t have, total; /* total 0: the header is not there yet */
	bool fragments;	      /* whether we take them */
};

/* A whole packet, borrowed for the call. */
typedef void packet_fn(void *arg, struct rv_bytes packet);

enum fault { FAULT_NONE, FAULT_BLOCK, FAULT_OFFSET, FAULT_FRAGMENT, N_FAULTS };

/* Takes the data blocks of the next payload in order, and gives what is whole to fn. What it answers is about the
 * sender: blocks that are no packets, an offset that is not what was left, fragments that were not agreed on. */
enum fault payload_open(struct assembly *assembly, uint16_t offset, struct rv_bytes data, packet_fn *fn, void *arg);

/* A payload is missing: what was begun will not be whole. True when there was something. */
bool assembly_lost(struct assembly *assembly);

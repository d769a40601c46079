// SPDX-License-Identifier: LGPL-2.1-or-later
/* queue: one AF_XDP socket on one queue of an interface, with memory of its own: half of the frames to receive into,
 * half to send from. Opened and closed on the loop, used by one worker.
 */
#pragma once

#include <ravelin/error.h>
#include <stdatomic.h>
#include <xdp/xsk.h>

struct device;

enum { RING = 2048, RX_FRAMES = RING, TX_FRAMES = RING, FRAMES = RX_FRAMES + TX_FRAMES };

enum mode { MODE_AUTO, MODE_COPY, MODE_ZEROCOPY };

/* Written by the queue's worker, read by the loop. */
struct counters {
	_Atomic uint64_t in, out; /* frames */
	_Atomic uint64_t bad;	  /* frames that came and are damaged */
	_Atomic uint64_t full;	  /* frames that found no room, and went the ordinary way */
};

struct queue {
	struct device *device;
	uint32_t id;
	bool zerocopy, sends;
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons rx, done;
	uint8_t *area;
	size_t area_len;
	uint32_t frame_len;
	uint64_t free[TX_FRAMES]; /* frames to send from */
	uint32_t n_free, n_new;	  /* n_new: written and not yet told of */
	struct counters counters;
};

/* 0 or negative with why. */
int queue_open(struct queue *queue, enum mode mode, struct rv_why *why);
void queue_close(struct queue *queue);

/* The next frame that came, valid until queue_done(); false: none. Worker thread, as are those below. */
bool queue_next(struct queue *queue, struct rv_bytes *frame);
void queue_done(struct queue *queue);

/* Room for n frames to be sent is there. */
bool queue_has_room(struct queue *queue, uint32_t n);

/* A frame to write to; queue_put() sends len octets of it, with what comes until queue_kick(). */
uint8_t *queue_room(const struct queue *queue);
void queue_put(struct queue *queue, size_t len);
void queue_kick(struct queue *queue);

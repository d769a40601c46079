// SPDX-License-Identifier: LGPL-2.1-or-later
/* payload: headers, data blocks and the pieces of packets (RFC 9347, 2.2 and 6.1).
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|  Sub-type (1) |  Reserved |P|E|          BlockOffset          |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                          LossEventRate                        |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                      RTT                  |   Echo Delay ...
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	     ... Echo Delay   |           Transmit Delay                |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                              TVal                             |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                             TEcho                             |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
#include "payload.h"

#include <string.h>

enum { SUB_PLAIN, SUB_REPORT, FLAG_E = 1, FLAG_P = 2, RTT_BITS = 22, DELAY_BITS = 21 };
enum { PAD = 0, IPV4 = 4, IPV6 = 6, IPV4_LEAST = 20, IPV6_HEADER = 40, LENGTH = 4 };

static uint64_t at_most(uint32_t us, unsigned bits)
{
	uint64_t most = (UINT64_C(1) << bits) - 1;

	return us < most ? us : most;
}

void header_write(struct rv_wr *w, const struct header *header)
{
	const struct report *r = &header->report;

	rv_wr_u8(w, header->reports ? SUB_REPORT : SUB_PLAIN);
	rv_wr_u8(w, (uint8_t)(header->reports ? (r->probing ? FLAG_P : 0) | (r->ecn ? FLAG_E : 0) : 0));
	rv_wr_u16(w, header->offset);
	if (!header->reports)
		return;
	rv_wr_u32(w, r->loss);
	rv_wr_u64(w, at_most(r->rtt_us, RTT_BITS) << 2 * DELAY_BITS | at_most(r->echo_us, DELAY_BITS) << DELAY_BITS |
			     at_most(r->transmit_us, DELAY_BITS));
	rv_wr_u32(w, r->tval);
	rv_wr_u32(w, r->techo);
}

bool header_read(struct rv_rd *r, struct header *header)
{
	const uint64_t delay = (1u << DELAY_BITS) - 1;
	uint8_t sub_type = rv_rd_u8(r), flags = rv_rd_u8(r);
	uint64_t times;

	*header = (struct header){ .reports = sub_type == SUB_REPORT, .offset = rv_rd_u16(r) };
	if (sub_type == SUB_REPORT) {
		header->report.probing = flags & FLAG_P;
		header->report.ecn = flags & FLAG_E;
		header->report.loss = rv_rd_u32(r);
		times = rv_rd_u64(r);
		header->report.rtt_us = (uint32_t)(times >> 2 * DELAY_BITS);
		header->report.echo_us = (uint32_t)(times >> DELAY_BITS & delay);
		header->report.transmit_us = (uint32_t)(times & delay);
		header->report.tval = rv_rd_u32(r);
		header->report.techo = rv_rd_u32(r);
	}
	return sub_type <= SUB_REPORT && !r->bad;
}

/* The ring */

static void ring_in(struct queue *queue, uint32_t at, const void *p, uint32_t len)
{
	uint32_t first = queue->size - at < len ? queue->size - at : len;

	memcpy(queue->octets + at, p, first);
	if (len > first)
		memcpy(queue->octets, (const uint8_t *)p + first, len - first);
}

static void ring_out(const struct queue *queue, uint32_t at, void *p, uint32_t len)
{
	uint32_t first = queue->size - at < len ? queue->size - at : len;

	memcpy(p, queue->octets + at, first);
	if (len > first)
		memcpy((uint8_t *)p + first, queue->octets, len - first);
}

static uint32_t first_len(const struct queue *queue)
{
	uint32_t len = 0;

	if (queue->n)
		ring_out(queue, queue->at, &len, LENGTH);
	return len;
}

bool queue_put(struct queue *queue, struct rv_bytes packet)
{
	uint32_t len = (uint32_t)packet.len, end = (queue->at + queue->used) % queue->size;

	if (!len || len > UINT16_MAX || LENGTH + len > queue->size - queue->used)
		return false;
	ring_in(queue, end, &len, LENGTH);
	ring_in(queue, (end + LENGTH) % queue->size, packet.p, len);
	queue->used += LENGTH + len;
	queue->n++;
	return true;
}

uint32_t queue_left(const struct queue *queue)
{
	return first_len(queue) - queue->sent;
}

void queue_restart(struct queue *queue)
{
	queue->sent = 0;
}

static void queue_drop(struct queue *queue)
{
	uint32_t all = LENGTH + first_len(queue);

	queue->at = (queue->at + all) % queue->size;
	queue->used -= all;
	queue->n--;
	queue->sent = 0;
}

/* len octets of the first packet; it goes with its last one. */
static void queue_take(struct queue *queue, uint8_t *p, uint32_t len)
{
	ring_out(queue, (queue->at + LENGTH + queue->sent) % queue->size, p, len);
	queue->sent += len;
	if (!queue_left(queue))
		queue_drop(queue);
}

uint32_t payload_fill(struct queue *queue, uint8_t *p, uint32_t room, bool fragments, uint16_t *offset,
		      uint32_t *refused)
{
	uint32_t at = 0, left;

	/* RFC 9347, 2.2.3: "consistent with the remaining size implied by the native length" */
	*offset = (uint16_t)(queue->sent ? queue_left(queue) : 0);
	while ((left = queue_left(queue)) && at < room) {
		uint32_t len = left < room - at ? left : room - at;
		if (!fragments && left > room) {
			queue_drop(queue);
			++*refused;
			continue;
		}
		if (len < left && (!fragments || (!queue->sent && len < FRAGMENT_LEAST)))
			break;
		queue_take(queue, p + at, len);
		at += len;
	}
	return at;
}

/* The other way */

/* The length of the packet that begins here; 0: that is not told yet. False: it is no packet. */
static bool block_len(struct rv_bytes block, uint32_t *total)
{
	struct rv_rd r = rv_rd(block);
	uint32_t word = rv_rd_u32(&r);

	*total = 0;
	if ((block.p[0] >> 4 != IPV4 && block.p[0] >> 4 != IPV6))
		return false;
	if (block.p[0] >> 4 == IPV6) {
		word = rv_rd_u16(&r);
		*total = r.bad ? 0 : word + IPV6_HEADER;
		return true;
	}
	*total = r.bad ? 0 : word & 0xffff;
	return r.bad || *total >= IPV4_LEAST;
}

bool assembly_lost(struct assembly *assembly)
{
	bool had = assembly->have != 0;

	assembly->have = assembly->total = 0;
	return had;
}

static void keep(struct assembly *assembly, struct rv_bytes piece)
{
	memcpy(assembly->packet + assembly->have, piece.p, piece.len);
	assembly->have += (uint32_t)piece.len;
}

/* The rest, or a further part, of the packet that was begun. */
static enum fault go_on(struct assembly *assembly, uint16_t offset, struct rv_bytes data, packet_fn *fn, void *arg)
{
	struct rv_bytes piece = rv_bytes(data.p, offset < data.len ? offset : data.len);
	uint32_t whole = assembly->have + offset;

	if (!assembly->have) /* its beginning is lost */
		return FAULT_NONE;
	if (!offset || whole > PACKET_MOST || (assembly->total && whole != assembly->total)) {
		assembly_lost(assembly);
		return FAULT_OFFSET;
	}
	keep(assembly, piece);
	if (!assembly->total &&
	    (!block_len(rv_bytes(assembly->packet, assembly->have), &assembly->total) ||
	     (assembly->total && assembly->total != whole) || (!assembly->total && piece.len == offset))) {
		assembly_lost(assembly);
		return FAULT_OFFSET;
	}
	if (piece.len < offset)
		return FAULT_NONE;
	fn(arg, rv_bytes(assembly->packet, assembly->have));
	assembly_lost(assembly);
	return FAULT_NONE;
}

static enum fault new_blocks(struct assembly *assembly, struct rv_bytes data, packet_fn *fn, void *arg)
{
	uint32_t total;

	for (size_t at = 0; at < data.len && data.p[at] >> 4 != PAD; at += total) {
		struct rv_bytes block = rv_bytes(data.p + at, data.len - at);
		if (!block_len(block, &total))
			return FAULT_BLOCK;
		if (total && total <= block.len) {
			fn(arg, rv_bytes(block.p, total));
			continue;
		}
		if (!assembly->fragments)
			return FAULT_FRAGMENT;
		keep(assembly, block);
		assembly->total = total;
		break;
	}
	return FAULT_NONE;
}

/* RFC 9347, 2.2.3: an all-pad payload may stand between the pieces of a packet. */
static bool all_pad(uint16_t offset, struct rv_bytes data)
{
	return !offset && (!data.len || data.p[0] >> 4 == PAD);
}

enum fault payload_open(struct assembly *assembly, uint16_t offset, struct rv_bytes data, packet_fn *fn, void *arg)
{
	enum fault fault, next = FAULT_NONE;

	if (all_pad(offset, data))
		return FAULT_NONE;
	fault = go_on(assembly, offset, data, fn, arg);
	if (offset < data.len)
		next = new_blocks(assembly, rv_bytes(data.p + offset, data.len - offset), fn, arg);
	return fault ? fault : next;
}

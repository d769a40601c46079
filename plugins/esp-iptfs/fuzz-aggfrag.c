// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-aggfrag: whatever payloads come, one behind the other, nothing is read or written beyond its end, and what is
 * given is a packet of the length that it says; a queue's packets come out of payloads of any sizes as they were.
 *
 * The input is cut into payloads of AGGFRAG: two octets of length (bit 15: one before it is lost), then as many octets.
 */
#include "payload.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool what)
{
	if (!what)
		abort();
}

static void given(void *arg, struct rv_bytes packet)
{
	struct queue *queue = arg;
	uint32_t v6 = (uint32_t)packet.p[4] << 8 | packet.p[5], v4 = (uint32_t)packet.p[2] << 8 | packet.p[3];

	check(packet.len <= PACKET_MOST);
	check(packet.len == (packet.p[0] >> 4 == 4 ? v4 : v6 + 40));
	(void)queue_put(queue, packet);
}

static void open_all(struct rv_bytes in, struct assembly *assembly, struct queue *queue)
{
	struct rv_rd r = rv_rd(in);

	while (rv_rd_more(&r)) {
		uint16_t word = rv_rd_u16(&r);
		size_t len = word & 0x7fff;
		struct rv_bytes part = rv_rd_take(&r, len < rv_rd_left(&r) ? len : rv_rd_left(&r));
		uint8_t *exact = malloc(part.len ? part.len : 1);
		struct header header;
		struct rv_rd text;

		check(exact);
		if (part.len)
			memcpy(exact, part.p, part.len);
		text = rv_rd(rv_bytes(exact, part.len));
		if (word & 0x8000)
			(void)assembly_lost(assembly);
		if (header_read(&text, &header)) {
			uint8_t again[HEADER_REPORT];
			struct rv_wr w = rv_wr(again, sizeof(again));
			struct header same;
			header_write(&w, &header);
			struct rv_rd back = rv_rd(rv_wr_bytes(&w));
			check(header_read(&back, &same) && rv_rd_done(&back));
			check(same.offset == header.offset && same.report.echo_us == header.report.echo_us &&
			      same.report.rtt_us == header.report.rtt_us && same.report.techo == header.report.techo);
			(void)payload_open(assembly, header.offset, rv_rd_rest(&text), given, queue);
		}
		check(assembly->have <= PACKET_MOST);
		free(exact);
	}
}

static void counted(void *arg, struct rv_bytes packet)
{
	++*(uint32_t *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t ring[1 << 18], whole[PACKET_MOST], payload[3000];
	struct queue queue = { .octets = ring, .size = sizeof(ring) };
	struct assembly assembly = { .packet = whole, .fragments = !(size & 1) };
	uint32_t n, out = 0, refused = 0, room = 64 + (size ? data[0] : 0) * 11u, len;
	uint16_t offset;

	open_all(rv_bytes(data, size), &assembly, &queue);
	n = queue.n;
	(void)assembly_lost(&assembly);
	assembly.fragments = true;
	while ((len = payload_fill(&queue, payload, room, true, &offset, &refused)))
		check(payload_open(&assembly, offset, rv_bytes(payload, len), counted, &out) == FAULT_NONE);
	check(out == n && !queue.used && !refused);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* flows: the fast path of RFC 5879, Appendix A.1: which packets are ESP, ESP in UDP or WESP, reassembly, the flow. */
#include "flows.h"

#include <string.h>
#include <talloc.h>

enum { HOPOPTS = 0, UDP = 17, ROUTING = 43, FRAGMENT = 44, ESP = 50, DSTOPTS = 60, WESP = 141 };
enum { IPV4_HEADER = 20, IPV6_HEADER = 40, UDP_HEADER = 8, ESP_PORT = 4500, WESP_MARKER = 2 };
enum { WESP_VERSION = 0xc0, WESP_ENCRYPTED = 0x20, WESP_PADDED = 0x10, ESP_HEADER = 8, MORE = 0x2000 };

/* What is behind the headers of IP. */
struct datagram {
	struct flow flow; /* addresses and ports */
	uint8_t protocol;
	struct rv_bytes payload;
	uint32_t id, offset; /* of a fragment */
	bool fragment, more;
};

struct flows *flows_new(void *parent)
{
	return talloc_zero(parent, struct flows);
}

static bool read_ipv4(struct datagram *d, struct rv_bytes p)
{
	struct rv_rd r = rv_rd(p);
	size_t header = (rv_rd_u8(&r) & 15u) * 4, total;
	uint16_t flags;

	(void)rv_rd_u8(&r);
	total = rv_rd_u16(&r);
	d->id = rv_rd_u16(&r);
	flags = rv_rd_u16(&r);
	(void)rv_rd_u8(&r);
	d->protocol = rv_rd_u8(&r);
	(void)rv_rd_u16(&r);
	struct rv_bytes src = rv_rd_take(&r, 4), dst = rv_rd_take(&r, 4);
	if (r.bad || header < IPV4_HEADER || total < header || total > p.len)
		return false;
	d->flow.family = 4;
	memcpy(d->flow.src, src.p, 4);
	memcpy(d->flow.dst, dst.p, 4);
	d->more = flags & MORE;
	d->offset = (flags & 0x1fffu) * 8;
	d->fragment = d->more || d->offset;
	d->payload = rv_bytes(p.p + header, total - header);
	return true;
}

/* Extension headers up to one that is none, or up to a fragment's. */
static bool skip_extensions(struct datagram *d)
{
	struct rv_rd r = rv_rd(d->payload);

	while (d->protocol == HOPOPTS || d->protocol == ROUTING || d->protocol == DSTOPTS || d->protocol == FRAGMENT) {
		bool fragment = d->protocol == FRAGMENT;
		d->protocol = rv_rd_u8(&r);
		uint8_t second = rv_rd_u8(&r);
		uint16_t word = rv_rd_u16(&r);
		uint32_t id = rv_rd_u32(&r);
		(void)rv_rd_take(&r, fragment ? 0 : second * 8u);
		if (r.bad)
			return false;
		if (!fragment)
			continue;
		d->id = id;
		d->offset = word & 0xfff8u;
		d->more = word & 1;
		d->fragment = d->more || d->offset;
		break;
	}
	d->payload = rv_rd_rest(&r);
	return true;
}

static bool read_ipv6(struct datagram *d, struct rv_bytes p)
{
	struct rv_rd r = rv_rd(p);
	uint16_t len = (uint16_t)((void)rv_rd_u32(&r), rv_rd_u16(&r));

	d->protocol = rv_rd_u8(&r);
	(void)rv_rd_u8(&r);
	struct rv_bytes src = rv_rd_take(&r, 16), dst = rv_rd_take(&r, 16);
	d->payload = rv_rd_take(&r, len);
	if (r.bad)
		return false;
	d->flow.family = 6;
	memcpy(d->flow.src, src.p, 16);
	memcpy(d->flow.dst, dst.p, 16);
	return skip_extensions(d);
}

/* The packet that a fragment belongs to, or the place of the oldest one. */
static struct part *part_of(struct flows *flows, const struct datagram *d)
{
	struct part *oldest = &flows->parts[0];

	for (unsigned i = 0; i < PARTS_MAX; i++) {
		struct part *part = &flows->parts[i];
		if (part->age && part->id == d->id && part->protocol == d->protocol && part->family == d->flow.family &&
		    !memcmp(part->src, d->flow.src, 16) && !memcmp(part->dst, d->flow.dst, 16))
			return part;
		if (part->age < oldest->age)
			oldest = part;
	}
	oldest->family = d->flow.family;
	oldest->protocol = d->protocol;
	oldest->id = d->id;
	memcpy(oldest->src, d->flow.src, 16);
	memcpy(oldest->dst, d->flow.dst, 16);
	memset(oldest->seen, 0, sizeof(oldest->seen));
	oldest->have = oldest->total = 0;
	oldest->age = flows->now;
	return oldest;
}

/* RFC 5879, A.1: "Do full reassembly before processing". True when d is whole now. */
static bool reassemble(struct flows *flows, struct datagram *d)
{
	struct part *part = part_of(flows, d);
	uint32_t end = d->offset + (uint32_t)d->payload.len;

	if (end > PACKET_MAX || (d->more && d->payload.len % 8) || !d->payload.len)
		return false;
	memcpy(part->octets + d->offset, d->payload.p, d->payload.len);
	for (uint32_t group = d->offset / 8; group < (end + 7) / 8; group++) {
		part->have += !(part->seen[group / 8] & 1u << group % 8);
		part->seen[group / 8] |= (uint8_t)(1u << group % 8);
	}
	if (!d->more)
		part->total = end;
	if (!part->total || part->have < (part->total + 7) / 8)
		return false;
	part->age = 0;
	d->payload = rv_bytes(part->octets, part->total);
	return true;
}

static uint32_t hash(const struct flow *flow)
{
	uint32_t h = 2166136261u ^ flow->spi ^ flow->src_port ^ (uint32_t)flow->dst_port << 16;

	for (unsigned i = 0; i < 16; i++)
		h = ((h ^ flow->src[i]) * 16777619u ^ flow->dst[i]) * 16777619u;
	return h;
}

static bool same(const struct flow *a, const struct flow *b)
{
	return a->family == b->family && a->spi == b->spi && a->src_port == b->src_port && a->dst_port == b->dst_port &&
	       !memcmp(a->src, b->src, 16) && !memcmp(a->dst, b->dst, 16);
}

/* The place of a flow's number in the index, or where it would be. */
static uint32_t *place_of(const struct flows *flows, const struct flow *want)
{
	uint32_t size = 2 * flows->room, at = hash(want) % size;

	while (flows->index[at] && !same(&flows->flows[flows->index[at] - 1], want))
		at = (at + 1) % size;
	return &flows->index[at];
}

static bool grow(struct flows *flows)
{
	uint32_t room = flows->room ? 2 * flows->room : 64;
	struct flow *more = talloc_realloc(flows, flows->flows, struct flow, room);
	uint32_t *index = talloc_zero_array(flows, uint32_t, 2 * room);

	flows->flows = more ? more : flows->flows;
	if (!more || !index) {
		talloc_free(index);
		return false;
	}
	talloc_free(flows->index);
	flows->index = index;
	flows->room = room;
	for (uint32_t i = 0; i < flows->n; i++)
		*place_of(flows, &flows->flows[i]) = i + 1;
	return true;
}

/* NULL: there are too many, or no memory. */
static struct flow *flow_of(struct flows *flows, const struct flow *want)
{
	uint32_t *place = flows->room ? place_of(flows, want) : NULL;

	if (place && *place)
		return &flows->flows[*place - 1];
	if (flows->n == FLOWS_MAX || (flows->n == flows->room && !grow(flows)))
		return NULL;
	flows->flows[flows->n] = *want;
	*place_of(flows, want) = flows->n + 1;
	return &flows->flows[flows->n++];
}

/* RFC 5840, 2: what the wrapper says is not a guess. */
static void told(struct flow *flow, struct rv_bytes header)
{
	uint8_t padding = header.p[3] & WESP_PADDED ? 4 : 0;

	flow->wesp = true;
	flow->wesp_encrypted = header.p[3] & WESP_ENCRYPTED;
	flow->guess.verdict = flow->wesp_encrypted ? ESP_ENCRYPTED : ESP_NULL;
	flow->guess.icv_len = header.p[2];
	flow->guess.iv_len = header.p[1] >= 12 + padding ? (uint8_t)(header.p[1] - 12 - padding) : IV_UNKNOWN;
}

static bool take_esp(struct flows *flows, struct datagram *d, struct rv_bytes esp, struct rv_bytes wrapper)
{
	struct rv_rd r = rv_rd(esp);
	size_t len = d->flow.family == 4 ? 4 : 16;
	struct flow *flow;

	d->flow.spi = rv_rd_u32(&r);
	if (r.bad || esp.len < ESP_HEADER) {
		flows->others++;
		return true;
	}
	flow = flow_of(flows, &d->flow);
	if (!flow) {
		flows->too_many++;
		return flows->n == FLOWS_MAX;
	}
	flow->packets++;
	flow->octets += esp.len;
	if (wrapper.len)
		told(flow, wrapper);
	else
		esp_guess(&flow->guess, &(struct esp_between){ rv_bytes(flow->src, len), rv_bytes(flow->dst, len) },
			  esp);
	return true;
}

/* RFC 5840, 2. */
static bool take_wesp(struct flows *flows, struct datagram *d, struct rv_bytes p)
{
	struct rv_rd r = rv_rd(p);
	struct rv_bytes header = rv_rd_take(&r, 4);

	if (!r.bad && header.p[3] & WESP_PADDED)
		(void)rv_rd_take(&r, 4);
	if (r.bad || header.p[3] & WESP_VERSION) {
		flows->others++;
		return true;
	}
	return take_esp(flows, d, rv_rd_rest(&r), header);
}

/* "Process UDP": the marker of keying messages (RFC 3948, 2.2), of WESP (RFC 5840, 2.1), keepalives. */
static bool take_udp(struct flows *flows, struct datagram *d)
{
	struct rv_rd r = rv_rd(d->payload);
	uint16_t len;
	uint32_t first;

	d->flow.src_port = rv_rd_u16(&r);
	d->flow.dst_port = rv_rd_u16(&r);
	len = rv_rd_u16(&r);
	(void)rv_rd_u16(&r);
	if (len < UDP_HEADER)
		rv_rd_fail(&r);
	struct rv_bytes body = rv_rd_take(&r, len - (size_t)UDP_HEADER);
	r = rv_rd(body);
	first = rv_rd_u32(&r);
	if ((d->flow.src_port != ESP_PORT && d->flow.dst_port != ESP_PORT) || r.bad || !first) {
		flows->others++;
		return true;
	}
	return first == WESP_MARKER ? take_wesp(flows, d, rv_rd_rest(&r)) : take_esp(flows, d, body, rv_bytes(NULL, 0));
}

bool flows_packet(struct flows *flows, struct rv_bytes packet, bool whole)
{
	struct datagram d = { .protocol = 0 };
	uint8_t version = packet.len ? packet.p[0] >> 4 : 0;

	flows->now++;
	if (!whole) {
		flows->cut++;
		return true;
	}
	if (version == 4 ? !read_ipv4(&d, packet) : version != 6 || !read_ipv6(&d, packet)) {
		flows->others++;
		return true;
	}
	if (d.fragment && !flows->parts)
		flows->parts = talloc_zero_array(flows, struct part, PARTS_MAX);
	if (d.fragment && !flows->parts)
		return false;
	if (d.fragment && !reassemble(flows, &d))
		return true;
	if (d.protocol == ESP)
		return take_esp(flows, &d, d.payload, rv_bytes(NULL, 0));
	if (d.protocol == WESP)
		return take_wesp(flows, &d, d.payload);
	if (d.protocol == UDP)
		return take_udp(flows, &d);
	flows->others++;
	return true;
}

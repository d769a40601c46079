// SPDX-License-Identifier: LGPL-2.1-or-later
/* capture-file: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng). */
#include "capture-file.h"

enum {
	PCAP = 0xa1b2c3d4,
	PCAP_NANOSECONDS = 0xa1b23c4d,
	BLOCK_SECTION = 0x0a0d0d0a,
	BYTE_ORDER = 0x1a2b3c4d,
	BLOCK_INTERFACE = 1,
	BLOCK_OLD_PACKET = 2,
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_PACKET = 6,
	BLOCK_LEAST = 12
};

enum {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW_BSD = 12,
	LINK_RAW_OPENBSD = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_SLL2 = 276
};

enum { ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd, ETHER_VLAN = 0x8100, ETHER_QINQ = 0x88a8 };

static uint32_t word(const struct capture *capture, struct rv_rd *r)
{
	uint32_t v = rv_rd_u32(r);

	return capture->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t half(const struct capture *capture, struct rv_rd *r)
{
	uint16_t v = rv_rd_u16(r);

	return capture->swapped ? __builtin_bswap16(v) : v;
}

/* 0: neither this nor, swapped, that. */
static uint32_t magic(struct capture *capture, struct rv_rd *r)
{
	uint32_t v = rv_rd_u32(r), other = __builtin_bswap32(v);

	capture->swapped = other == PCAP || other == PCAP_NANOSECONDS || other == BYTE_ORDER;
	return capture->swapped ? other : v;
}

bool capture_open(struct capture *capture, struct rv_bytes file)
{
	struct rv_rd r = rv_rd(file);
	uint32_t first = magic(capture, &r);

	*capture = (struct capture){ .rest = rv_rd(file), .swapped = capture->swapped };
	if (first == BLOCK_SECTION) {
		capture->ng = true;
		return true;
	}
	if (first != PCAP && first != PCAP_NANOSECONDS)
		return false;
	(void)rv_rd_take(&r, 16); /* version, time zone, accuracy, snapshot length */
	capture->links[0] = (uint16_t)word(capture, &r);
	capture->n_links = 1;
	capture->rest = r;
	return !r.bad;
}

static bool next_record(struct capture *capture, struct frame *frame, bool *broken)
{
	struct rv_rd *r = &capture->rest;
	uint32_t len, original;

	if (!rv_rd_more(r))
		return false;
	(void)rv_rd_u64(r); /* time */
	len = word(capture, r);
	original = word(capture, r);
	*frame = (struct frame){ .link = capture->links[0], .octets = rv_rd_take(r, len), .whole = len >= original };
	*broken = r->bad;
	return !r->bad;
}

static void add_interface(struct capture *capture, struct rv_rd *body)
{
	uint16_t link = half(capture, body);

	if (capture->n_links < CAPTURE_INTERFACES)
		capture->links[capture->n_links] = link;
	capture->n_links++;
}

/* A frame in a block of this type; false: it has none. */
static bool packet_block(struct capture *capture, uint32_t type, struct rv_rd *body, struct frame *frame)
{
	uint32_t interface = 0, len, original;

	if (type == BLOCK_SIMPLE_PACKET) {
		original = word(capture, body);
		len = (uint32_t)(rv_rd_left(body) < original ? rv_rd_left(body) : original);
	} else {
		interface = type == BLOCK_PACKET ? word(capture, body) : half(capture, body);
		(void)rv_rd_take(body, type == BLOCK_PACKET ? 8 : 10); /* drops, time */
		len = word(capture, body);
		original = word(capture, body);
	}
	if (interface >= capture->n_links || interface >= CAPTURE_INTERFACES)
		return false;
	*frame = (struct frame){ .link = capture->links[interface],
				 .octets = rv_rd_take(body, len),
				 .whole = len >= original };
	return !body->bad;
}

/* The body of the next block and its type. False: there is none. */
static bool next_block(struct capture *capture, uint32_t *type, struct rv_rd *body, bool *broken)
{
	struct rv_rd *r = &capture->rest;
	uint32_t len;

	if (!rv_rd_more(r))
		return false;
	*type = word(capture, r);
	if (*type == BLOCK_SECTION || *type == __builtin_bswap32(BLOCK_SECTION)) {
		struct rv_rd ahead = *r;
		(void)rv_rd_u32(&ahead);
		if (magic(capture, &ahead) != BYTE_ORDER)
			rv_rd_fail(r);
		*type = BLOCK_SECTION;
		capture->n_links = 0;
	}
	len = word(capture, r);
	if (len < BLOCK_LEAST || len % 4)
		rv_rd_fail(r);
	*body = rv_rd(rv_rd_take(r, len - BLOCK_LEAST));
	(void)rv_rd_u32(r); /* the length again */
	*broken = r->bad;
	return !r->bad;
}

bool capture_next(struct capture *capture, struct frame *frame, bool *broken)
{
	struct rv_rd body;
	uint32_t type;

	*broken = false;
	if (!capture->ng)
		return next_record(capture, frame, broken);
	while (next_block(capture, &type, &body, broken)) {
		if (type == BLOCK_INTERFACE)
			add_interface(capture, &body);
		if ((type == BLOCK_PACKET || type == BLOCK_OLD_PACKET || type == BLOCK_SIMPLE_PACKET) &&
		    packet_block(capture, type, &body, frame))
			return true;
	}
	return false;
}

static struct rv_bytes behind(struct rv_bytes octets, size_t len)
{
	return octets.len > len ? rv_bytes(octets.p + len, octets.len - len) : rv_bytes(NULL, 0);
}

static bool is_ip(uint16_t type)
{
	return type == ETHER_IPV4 || type == ETHER_IPV6;
}

/* With any number of VLAN tags (IEEE 802.1Q). */
static struct rv_bytes from_ethernet(struct rv_bytes octets)
{
	struct rv_rd r = rv_rd(octets);
	uint16_t type;

	(void)rv_rd_take(&r, 12);
	for (type = rv_rd_u16(&r); type == ETHER_VLAN || type == ETHER_QINQ; type = rv_rd_u16(&r))
		(void)rv_rd_u16(&r);
	return is_ip(type) && !r.bad ? rv_rd_rest(&r) : rv_bytes(NULL, 0);
}

/* A header of len octets with the EtherType at type_at. */
static struct rv_bytes from_cooked(struct rv_bytes octets, size_t type_at, size_t len)
{
	struct rv_rd r = rv_rd(octets);

	(void)rv_rd_take(&r, type_at);
	return is_ip(rv_rd_u16(&r)) ? behind(octets, len) : rv_bytes(NULL, 0);
}

struct rv_bytes frame_packet(const struct frame *frame)
{
	switch (frame->link) {
	case LINK_ETHERNET:
		return from_ethernet(frame->octets);
	case LINK_SLL:
		return from_cooked(frame->octets, 14, 16);
	case LINK_SLL2:
		return from_cooked(frame->octets, 0, 20);
	case LINK_NULL:
	case LINK_LOOP:
		return behind(frame->octets, 4);
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_RAW:
	case LINK_IPV4:
	case LINK_IPV6:
		return frame->octets;
	default:
		return rv_bytes(NULL, 0);
	}
}

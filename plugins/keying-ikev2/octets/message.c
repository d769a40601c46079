// SPDX-License-Identifier: LGPL-2.1-or-later
/* message: the header and the chain of payloads, read and built (RFC 7296, 3.1 and 3.2).
 *
 * A reader never looks behind its octets, a chain never holds more than IKE_PAYLOADS_MAX payloads.
 */
#include "message.h"

#include <errno.h>
#include <ravelin/error.h>

enum { CRITICAL = 0x80, LENGTH_MAX = 65535 };

static void set(uint64_t *bits, uint8_t type)
{
	bits[type / 64] |= UINT64_C(1) << (type % 64);
}

static bool has(const uint64_t *bits, uint8_t type)
{
	return bits[type / 64] >> (type % 64) & 1;
}

void ike_types_add(struct ike_types *types, uint8_t type, bool last)
{
	set(types->known, type);
	if (last)
		set(types->last, type);
}

bool ike_types_known(const struct ike_types *types, uint8_t type)
{
	return has(types->known, type);
}

bool ike_types_last(const struct ike_types *types, uint8_t type)
{
	return has(types->last, type);
}

struct ike_types ike_types_own(void)
{
	struct ike_types types = { 0 };

#define X(name, number, notation) ike_types_add(&types, number, number == IKE_PAYLOAD_SK);
	IKE_PAYLOADS(X)
#undef X
	return types;
}

/* RFC 7296, 3.1:
 *
 *	                     1                   2                   3
 *	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                       IKE SA Initiator's SPI                  |
 *	|                                                               |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                       IKE SA Responder's SPI                  |
 *	|                                                               |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|  Next Payload | MjVer | MnVer | Exchange Type |     Flags     |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                          Message ID                           |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                            Length                             |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
void ike_header_get(struct rv_rd *r, struct ike_header *header)
{
	uint8_t version;

	header->spi_i = rv_rd_u64(r);
	header->spi_r = rv_rd_u64(r);
	header->next = rv_rd_u8(r);
	version = rv_rd_u8(r);
	header->major = version >> 4;
	header->minor = version & 0x0f;
	header->exchange = rv_rd_u8(r);
	header->flags = rv_rd_u8(r);
	header->id = rv_rd_u32(r);
	header->length = rv_rd_u32(r);
}

bool ike_header_read(struct ike_header *header, struct rv_bytes message)
{
	struct rv_rd r = rv_rd(message);

	ike_header_get(&r, header);
	(void)rv_rd_rest(&r);
	return rv_rd_done(&r) && header->length == message.len;
}

void ike_header_write(struct rv_wr *w, const struct ike_header *header)
{
	rv_wr_u64(w, header->spi_i);
	rv_wr_u64(w, header->spi_r);
	rv_wr_u8(w, header->next);
	rv_wr_u8(w, (uint8_t)(header->major << 4 | (header->minor & 0x0f)));
	rv_wr_u8(w, header->exchange);
	rv_wr_u8(w, header->flags);
	rv_wr_u32(w, header->id);
	rv_wr_u32(w, header->length);
}

/* RFC 7296, 3.2:
 *
 *	                     1                   2                   3
 *	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	| Next Payload  |C|  RESERVED   |         Payload Length        |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
static bool payload_read(struct rv_rd *r, struct ike_payload *payload, uint8_t *next)
{
	uint16_t length;

	*next = rv_rd_u8(r);
	payload->critical = rv_rd_u8(r) & CRITICAL;
	length = rv_rd_u16(r);
	if (length < IKE_PAYLOAD_HEADER_LEN)
		rv_rd_fail(r);
	else
		payload->body = rv_rd_take(r, length - (size_t)IKE_PAYLOAD_HEADER_LEN);
	return !r->bad;
}

/* Reads until the chain ends or a payload of a `last` type is at hand; that one is left in sealed (type 0: none) with
 * the type of what is inside in *inner. */
static bool walk(struct ike_chain *chain, struct rv_rd *r, uint8_t type, const struct ike_types *types,
		 struct ike_payload *sealed, uint8_t *inner)
{
	*sealed = (struct ike_payload){ 0 };
	while (type != IKE_PAYLOAD_NONE) {
		struct ike_payload payload = { .type = type };
		bool last = ike_types_last(types, type);

		if (!payload_read(r, &payload, &type))
			return false;
		if (last) {
			*sealed = payload;
			*inner = type;
			break;
		}
		if (chain->n == IKE_PAYLOADS_MAX)
			return false;
		chain->p[chain->n++] = payload;
		if (payload.critical && !chain->refused && !ike_types_known(types, payload.type))
			chain->refused = payload.type;
	}
	return rv_rd_done(r);
}

int ike_chain_read(struct ike_chain *chain, uint8_t first, struct rv_bytes octets, const struct ike_types *types)
{
	struct rv_rd r = rv_rd(octets);
	struct ike_payload sealed;
	uint8_t inner;

	chain->n = 0;
	chain->refused = 0;
	if (!walk(chain, &r, first, types, &sealed, &inner) || sealed.type)
		return -RV_ESYNTAX;
	return chain->refused ? -RV_ECRITICAL : 0;
}

int ike_message_read(struct ike_message *message, struct rv_bytes octets, const struct ike_types *types)
{
	struct ike_chain *chain = &message->chain;
	struct rv_rd r = rv_rd(octets);
	struct ike_payload sealed;

	chain->n = 0;
	chain->refused = 0;
	message->octets = octets;
	message->sealed = message->sealed_next = 0;
	message->sealed_aad = message->sealed_body = rv_bytes(NULL, 0);
	if (!ike_header_read(&message->header, octets))
		return -RV_ESYNTAX;
	(void)rv_rd_take(&r, IKE_HEADER_LEN);
	if (!walk(chain, &r, message->header.next, types, &sealed, &message->sealed_next))
		return -RV_ESYNTAX;
	if (sealed.type) {
		message->sealed = sealed.type;
		message->sealed_body = sealed.body;
		message->sealed_aad = rv_bytes(octets.p, octets.len - sealed.body.len);
	}
	return chain->refused ? -RV_ECRITICAL : 0;
}

static const struct ike_payload *search(const struct ike_chain *chain, size_t from, uint8_t type)
{
	for (size_t i = from; i < chain->n; i++)
		if (chain->p[i].type == type)
			return &chain->p[i];
	return NULL;
}

const struct ike_payload *ike_chain_first(const struct ike_chain *chain, uint8_t type)
{
	return search(chain, 0, type);
}

const struct ike_payload *ike_chain_next(const struct ike_chain *chain, const struct ike_payload *after)
{
	return search(chain, (size_t)(after - chain->p) + 1, after->type);
}

unsigned ike_chain_count(const struct ike_chain *chain, uint8_t type)
{
	unsigned n = 0;

	ike_chain_each(chain, payload, type) n++;
	return n;
}

void ike_builder_init(struct ike_builder *b, void *buf, size_t cap)
{
	*b = (struct ike_builder){ .w = rv_wr(buf, cap) };
	b->next = &b->first;
}

struct rv_wr *ike_builder_open(struct ike_builder *b, uint8_t type, bool critical)
{
	uint8_t *next;

	if (b->open || b->n == IKE_PAYLOADS_MAX || type == IKE_PAYLOAD_NONE)
		b->w.bad = true;
	next = rv_wr_room(&b->w, 1);
	if (next) {
		*b->next = type;
		*next = IKE_PAYLOAD_NONE;
		b->next = next;
		b->n++;
	}
	rv_wr_u8(&b->w, critical ? CRITICAL : 0);
	b->mark = rv_wr_open16(&b->w);
	b->open = true;
	return &b->w;
}

void ike_builder_close(struct ike_builder *b)
{
	if (!b->open)
		b->w.bad = true;
	if (!b->w.bad)
		rv_wr_close16(&b->w, b->mark, IKE_PAYLOAD_HEADER_LEN);
	b->open = false;
}

void ike_builder_put(struct ike_builder *b, uint8_t type, struct rv_bytes body)
{
	rv_wr_put(ike_builder_open(b, type, false), body);
	ike_builder_close(b);
}

bool ike_builder_done(const struct ike_builder *b, struct rv_bytes *out)
{
	if (b->open || !rv_wr_done(&b->w))
		return false;
	*out = rv_wr_bytes(&b->w);
	return true;
}

int ike_message_write(const struct ike_header *header, const struct ike_builder *chain, uint8_t *out, size_t cap,
		      size_t *len)
{
	struct rv_wr w = rv_wr(out, cap);
	struct ike_header h = *header;
	struct rv_bytes payloads;

	if (!ike_builder_done(chain, &payloads) || payloads.len > LENGTH_MAX - IKE_HEADER_LEN)
		return -ENOSPC;
	h.next = chain->first;
	h.length = (uint32_t)(IKE_HEADER_LEN + payloads.len);
	ike_header_write(&w, &h);
	rv_wr_put(&w, payloads);
	if (!rv_wr_done(&w))
		return -ENOSPC;
	*len = rv_wr_len(&w);
	return 0;
}

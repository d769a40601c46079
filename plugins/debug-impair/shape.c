// SPDX-License-Identifier: LGPL-2.1-or-later
/* shape: faults of a message before it is protected, so that the peer finds them behind an ICV that holds.
 *
 * Payloads are read one after the other and written anew; a chain that does not parse stays as it is.
 */
#include "impair.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

enum {
	CRITICAL = 0x80,
	RESERVED = 0x7f,       /* of the generic header (RFC 7296, 3.2) */
	RESERVED_FLAGS = 0xd7, /* of the header, with the Version flag (RFC 7296, 3.1) */
	UNKNOWN_TYPE = 200,
	UNKNOWN_EXCHANGE = 250,
	TOO_LONG = 0x4000,
	GENERIC = 4,
	SA = 33,
	NOTIFY = 41,
};

/* A payload as it was read, and what is to be different when it is written. longer: what its length says besides;
 * reserve: its reserved fields are set. */
struct part {
	uint8_t type, flags;
	struct rv_bytes body;
	int64_t longer;
	bool reserve;
};

/* A chain that is being written. next: where the type of the next payload goes. */
struct chain {
	struct rv_wr w;
	uint8_t first, *next;
};

/* Fields RESERVED at the beginning of a payload's body: from and up to which octet. That of an Identification payload
 * is signed as it was built, so it stays (RFC 7296, 2.15). */
static const struct {
	uint8_t type, from, to;
} reserved_fields[] = {
	{ 34, 2, 4 }, /* KE (3.4) */
	{ 39, 1, 4 }, /* AUTH (3.8) */
	{ 44, 1, 4 }, /* TSi (3.13) */
	{ 45, 1, 4 }, /* TSr */
	{ 47, 1, 4 }, /* CP (3.15) */
};

/* RFC 7296, 3.3.1 and 3.3.2: second octet of a proposal, second and sixth of a transform. */
static void fill_proposals(uint8_t *body, size_t len)
{
	for (size_t at = 0, size; at + 8 <= len; at += size) {
		size = (size_t)body[at + 2] << 8 | body[at + 3];
		body[at + 1] = 0xff;
		for (size_t t = at + 8 + body[at + 6], step; t + 8 <= at + size && t + 8 <= len; t += step) {
			step = (size_t)body[t + 2] << 8 | body[t + 3];
			body[t + 1] = body[t + 5] = 0xff;
			if (step < 8)
				return;
		}
		if (size < 8)
			return;
	}
}

static void fill_reserved(uint8_t type, uint8_t *body, size_t len)
{
	if (type == SA)
		fill_proposals(body, len);
	for (size_t i = 0; i < RV_COUNT(reserved_fields); i++)
		for (size_t at = reserved_fields[i].from;
		     reserved_fields[i].type == type && at < reserved_fields[i].to && at < len; at++)
			body[at] = 0xff;
}

static void put(struct chain *c, const struct part *part)
{
	uint8_t *next = rv_wr_room(&c->w, 1);

	if (!next)
		return;
	*c->next = part->type;
	*next = 0;
	c->next = next;
	rv_wr_u8(&c->w, part->flags);
	rv_wr_u16(&c->w, (uint16_t)((int64_t)(GENERIC + part->body.len) + part->longer));
	uint8_t *body = rv_wr_room(&c->w, part->body.len);

	if (body && part->body.len)
		memcpy(body, part->body.p, part->body.len);
	if (body && part->reserve)
		fill_reserved(part->type, body, part->body.len);
}

static bool take(struct rv_rd *r, uint8_t *type, struct part *part)
{
	*part = (struct part){ .type = *type };
	*type = rv_rd_u8(r);
	part->flags = rv_rd_u8(r);
	uint16_t len = rv_rd_u16(r);

	part->body = rv_rd_take(r, len < GENERIC ? 0 : len - (size_t)GENERIC);
	return len >= GENERIC && !r->bad;
}

/* What happens to one payload: true when it goes along. done: counts those that were changed. */
typedef bool part_fn(const struct impair_fault *fault, struct part *part, unsigned *done);

static int each(const struct impair_fault *fault, struct rv_ike_shape *message, part_fn *fn, const struct part *front)
{
	uint8_t *copy = talloc_memdup(NULL, message->payloads, message->len ? message->len : 1), type = message->first;
	struct rv_rd r = rv_rd(rv_bytes(copy, message->len));
	struct chain c = { .w = rv_wr(message->payloads, message->cap) };
	unsigned done = front != NULL;
	struct part part;
	bool good = true;

	if (!copy)
		return -ENOMEM;
	c.next = &c.first;
	if (front)
		put(&c, front);
	while (type && good) {
		good = take(&r, &type, &part);
		if (good && (!fn || fn(fault, &part, &done)))
			put(&c, &part);
	}
	good = rv_rd_done(&r) && good;
	if (!good || !done || !rv_wr_done(&c.w)) {
		memcpy(message->payloads, copy, message->len);
		talloc_free(copy);
		return good && done ? -ENOSPC : IMPAIR_NOTHING;
	}
	talloc_free(copy);
	message->first = c.first;
	message->len = rv_wr_len(&c.w);
	return 0;
}

/* The notification's number, or 0 (RFC 7296, 3.10). */
static uint16_t notify_of(const struct part *part)
{
	struct rv_rd r = rv_rd(part->body);

	(void)rv_rd_u16(&r); /* Protocol ID, SPI Size */
	return part->type == NOTIFY ? rv_rd_u16(&r) : 0;
}

static bool is_meant(const struct impair_fault *fault, const struct part *part)
{
	if (fault->notify)
		return notify_of(part) == fault->notify;
	return !fault->payload || fault->payload == part->type;
}

/* omit: all payloads of a type, or notifications of a number */
static bool leave_out(const struct impair_fault *fault, struct part *part, unsigned *done)
{
	bool meant = (fault->payload || fault->notify) && is_meant(fault, part);

	*done += meant;
	return !meant;
}

static int omit(const struct impair_fault *fault, struct rv_ike_shape *message)
{
	return each(fault, message, leave_out, NULL);
}

/* length: the first such payload says that it is longer (or shorter) than it is */
static bool lengthen(const struct impair_fault *fault, struct part *part, unsigned *done)
{
	if (!*done && is_meant(fault, part)) {
		part->longer = fault->value ? fault->value : TOO_LONG;
		++*done;
	}
	return true;
}

static int length(const struct impair_fault *fault, struct rv_ike_shape *message)
{
	return each(fault, message, lengthen, NULL);
}

static int unknown(const struct impair_fault *fault, struct rv_ike_shape *message, uint8_t flags)
{
	const struct part front = { .type = (uint8_t)(fault->value ? fault->value : UNKNOWN_TYPE),
				    .flags = flags,
				    .body = RV_STR("????") };

	return each(fault, message, NULL, &front);
}

static int critical(const struct impair_fault *fault, struct rv_ike_shape *message)
{
	return unknown(fault, message, CRITICAL);
}

static int harmless(const struct impair_fault *fault, struct rv_ike_shape *message)
{
	return unknown(fault, message, 0);
}

static bool set_reserved(const struct impair_fault *fault, struct part *part, unsigned *done)
{
	part->flags |= RESERVED;
	part->reserve = true;
	++*done;
	return true;
}

static int reserved(const struct impair_fault *fault, struct rv_ike_shape *message)
{
	int r = each(fault, message, set_reserved, NULL);

	message->header[IMPAIR_AT_FLAGS] |= RESERVED_FLAGS;
	return r < 0 ? r : 0; /* nothing inside: the flags alone */
}

static int minor(const struct impair_fault *fault, struct rv_ike_shape *message)
{
	uint8_t *version = &message->header[IMPAIR_AT_VERSION];

	*version = (uint8_t)((*version & 0xf0) | (fault->value ? fault->value & 0x0f : 1));
	return 0;
}

static int exchange(const struct impair_fault *fault, struct rv_ike_shape *message)
{
	message->header[IMPAIR_AT_EXCHANGE] = (uint8_t)(fault->value ? fault->value : UNKNOWN_EXCHANGE);
	return 0;
}

static int id(const struct impair_fault *fault, struct rv_ike_shape *message)
{
	struct rv_rd r = rv_rd(rv_bytes(&message->header[IMPAIR_AT_ID], 4));
	uint32_t id = rv_rd_u32(&r);
	struct rv_wr w = rv_wr(&message->header[IMPAIR_AT_ID], 4);

	rv_wr_u32(&w, (uint32_t)(id + (fault->value ? fault->value : 1)));
	return 0;
}

static const struct impair_shape faults[] = {
	{ "critical", critical }, { "unknown", harmless }, { "length", length },     { "omit", omit },
	{ "reserved", reserved }, { "minor", minor },	   { "exchange", exchange }, { "id", id },
};

const struct impair_shape *impair_shape_named(const char *name)
{
	for (size_t i = 0; i < RV_COUNT(faults); i++)
		if (strcmp(faults[i].name, name) == 0)
			return &faults[i];
	return NULL;
}

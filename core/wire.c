// SPDX-License-Identifier: LGPL-2.1-or-later
/* wire: the bounded reader and writer that every message goes through.
 *
 * Invariant: start <= p <= end at all times; a bad reader or writer never moves again.
 */
#include <ravelin/wire.h>

#include <string.h>

struct rv_rd rv_rd(struct rv_bytes in)
{
	/* An empty slice may have no memory; pointer arithmetic on NULL is undefined, so it gets some. */
	static const uint8_t nothing;
	const uint8_t *p = in.p ? in.p : &nothing;

	return (struct rv_rd){ .p = p, .end = p + (in.p ? in.len : 0), .bad = !in.p && in.len > 0 };
}

static uint64_t take_number(struct rv_rd *r, size_t len)
{
	struct rv_bytes b = rv_rd_take(r, len);
	uint64_t v = 0;

	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | b.p[i];
	return v;
}

uint8_t rv_rd_u8(struct rv_rd *r)
{
	return (uint8_t)take_number(r, 1);
}

uint16_t rv_rd_u16(struct rv_rd *r)
{
	return (uint16_t)take_number(r, 2);
}

uint32_t rv_rd_u24(struct rv_rd *r)
{
	return (uint32_t)take_number(r, 3);
}

uint32_t rv_rd_u32(struct rv_rd *r)
{
	return (uint32_t)take_number(r, 4);
}

uint64_t rv_rd_u64(struct rv_rd *r)
{
	return take_number(r, 8);
}

struct rv_bytes rv_rd_take(struct rv_rd *r, size_t len)
{
	if (r->bad || len > (size_t)(r->end - r->p)) {
		r->bad = true;
		return rv_bytes(NULL, 0);
	}
	struct rv_bytes taken = rv_bytes(r->p, len);
	r->p += len;
	return taken;
}

struct rv_bytes rv_rd_rest(struct rv_rd *r)
{
	return rv_rd_take(r, rv_rd_left(r));
}

size_t rv_rd_left(const struct rv_rd *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}

bool rv_rd_more(const struct rv_rd *r)
{
	return rv_rd_left(r) > 0;
}

void rv_rd_fail(struct rv_rd *r)
{
	r->bad = true;
}

bool rv_rd_done(const struct rv_rd *r)
{
	return !r->bad && r->p == r->end;
}

struct rv_wr rv_wr(void *buf, size_t cap)
{
	uint8_t *p = buf;

	if (!p)
		return (struct rv_wr){ .bad = cap > 0 };
	return (struct rv_wr){ .start = p, .p = p, .end = p + cap };
}

static void put_number(struct rv_wr *w, uint64_t v, size_t len)
{
	uint8_t *p = rv_wr_room(w, len);

	if (!p)
		return;
	for (size_t i = len; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

void rv_wr_u8(struct rv_wr *w, uint8_t v)
{
	put_number(w, v, 1);
}

void rv_wr_u16(struct rv_wr *w, uint16_t v)
{
	put_number(w, v, 2);
}

void rv_wr_u24(struct rv_wr *w, uint32_t v)
{
	put_number(w, v, 3);
}

void rv_wr_u32(struct rv_wr *w, uint32_t v)
{
	put_number(w, v, 4);
}

void rv_wr_u64(struct rv_wr *w, uint64_t v)
{
	put_number(w, v, 8);
}

void rv_wr_put(struct rv_wr *w, struct rv_bytes b)
{
	uint8_t *p = rv_wr_room(w, b.len);

	if (p && b.len > 0)
		memcpy(p, b.p, b.len);
}

void rv_wr_zero(struct rv_wr *w, size_t len)
{
	uint8_t *p = rv_wr_room(w, len);

	if (p && len > 0)
		memset(p, 0, len);
}

uint8_t *rv_wr_room(struct rv_wr *w, size_t len)
{
	if (w->bad || len > (size_t)(w->end - w->p)) {
		w->bad = true;
		return NULL;
	}
	uint8_t *room = w->p;
	if (len > 0)
		w->p += len;
	return room;
}

struct rv_wr_mark rv_wr_open16(struct rv_wr *w)
{
	struct rv_wr_mark mark = { .at = rv_wr_len(w) };

	rv_wr_zero(w, 2);
	return mark;
}

void rv_wr_close16(struct rv_wr *w, struct rv_wr_mark mark, size_t from)
{
	if (w->bad)
		return;

	size_t written = rv_wr_len(w);
	if (mark.at > written || written - mark.at < 2 || from > mark.at + 2) {
		w->bad = true;
		return;
	}
	size_t len = written - (mark.at + 2) + from;
	if (len > UINT16_MAX) {
		w->bad = true;
		return;
	}
	w->start[mark.at] = (uint8_t)(len >> 8);
	w->start[mark.at + 1] = (uint8_t)len;
}

size_t rv_wr_len(const struct rv_wr *w)
{
	return w->start ? (size_t)(w->p - w->start) : 0;
}

bool rv_wr_done(const struct rv_wr *w)
{
	return !w->bad;
}

struct rv_bytes rv_wr_bytes(const struct rv_wr *w)
{
	return rv_bytes(w->start, rv_wr_len(w));
}

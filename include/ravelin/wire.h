// SPDX-License-Identifier: LGPL-2.1-or-later
/* wire.h: the only place where octets of a message are read and written.
 *
 * A reader cannot run past its end: the first short read makes it bad for good, later reads yield 0 or empty slices,
 * and the verdict is asked for once, at the end, with rv_rd_done(). A writer behaves the same on a buffer that is full.
 * Both are values on the caller's stack; they own nothing and allocate nothing. All numbers are in network order.
 */
#pragma once

#include <ravelin/base.h>

struct rv_rd {
	const uint8_t *p, *end;
	bool bad;
};

/* A reader over in; in must outlive it and every slice read from it. */
struct rv_rd rv_rd(struct rv_bytes in);

/* The next 1, 2, 3, 4 or 8 octets as a number; 0 and a bad reader when fewer are left. */
uint8_t rv_rd_u8(struct rv_rd *r);
uint16_t rv_rd_u16(struct rv_rd *r);
uint32_t rv_rd_u24(struct rv_rd *r);
uint32_t rv_rd_u32(struct rv_rd *r);
uint64_t rv_rd_u64(struct rv_rd *r);

/* The next len octets as a slice of the input; empty and a bad reader when fewer are left. */
struct rv_bytes rv_rd_take(struct rv_rd *r, size_t len);

/* All that is left (may be empty); the reader is then at its end. */
struct rv_bytes rv_rd_rest(struct rv_rd *r);

/* How many octets are left; 0 for a bad reader. */
size_t rv_rd_left(const struct rv_rd *r);

/* True while the reader is good and octets are left: the condition of a parsing loop. */
bool rv_rd_more(const struct rv_rd *r);

/* Makes the reader bad: for a value that was read but is not allowed. */
void rv_rd_fail(struct rv_rd *r);

/* True when every read succeeded and nothing is left. The verdict; not to be ignored. */
RV_MUST_USE bool rv_rd_done(const struct rv_rd *r);

struct rv_wr {
	uint8_t *start, *p, *end;
	bool bad;
};

/* A writer into cap octets at buf, borrowed. */
struct rv_wr rv_wr(void *buf, size_t cap);

/* Appends a number of 1, 2, 3, 4 or 8 octets. */
void rv_wr_u8(struct rv_wr *w, uint8_t v);
void rv_wr_u16(struct rv_wr *w, uint16_t v);
void rv_wr_u24(struct rv_wr *w, uint32_t v);
void rv_wr_u32(struct rv_wr *w, uint32_t v);
void rv_wr_u64(struct rv_wr *w, uint64_t v);

/* Appends a slice. */
void rv_wr_put(struct rv_wr *w, struct rv_bytes b);

/* Appends len zero octets. */
void rv_wr_zero(struct rv_wr *w, size_t len);

/* Reserves len octets and returns them for the caller to fill, or NULL when they do not fit (the writer is then bad).
 */
uint8_t *rv_wr_room(struct rv_wr *w, size_t len);

/* Opens a 16-bit length field at this place; rv_wr_close16() back-patches the octets from `from` octets before the
 * field up to now into it (0: what follows the field excluding it; 2 with the field itself, and so on). */
struct rv_wr_mark {
	size_t at;
};
struct rv_wr_mark rv_wr_open16(struct rv_wr *w);
void rv_wr_close16(struct rv_wr *w, struct rv_wr_mark mark, size_t from);

/* Octets written so far. */
size_t rv_wr_len(const struct rv_wr *w);

/* True when everything fitted. The verdict; not to be ignored. */
RV_MUST_USE bool rv_wr_done(const struct rv_wr *w);

/* The slice written so far. */
struct rv_bytes rv_wr_bytes(const struct rv_wr *w);

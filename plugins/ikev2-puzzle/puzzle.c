// SPDX-License-Identifier: LGPL-2.1-or-later
/* puzzle: solving puzzles and checking solutions (RFC 8019, 4.4, 7.1.3, 8.2). Pure.
 */
#include "puzzle.h"

#include <ravelin/error.h>
#include <ravelin/wire.h>
#include <string.h>

/* Four keys are expected among 4 * 2^bits; with 2^5 solutions expected there are not four once in 10^9 times. */
enum { ROOM_BITS = 5 };

unsigned puzzle_zero_bits(struct rv_bytes octets)
{
	unsigned n = 0;

	while (n / 8 < octets.len && !(octets.p[octets.len - 1 - n / 8] >> n % 8 & 1))
		n++;
	return n;
}

int puzzle_prf(const struct rv_prf_ops *ops)
{
	return ops->out_len <= PUZZLE_OUT_MAX && ops->key_len ? 0 : -RV_ELIMIT;
}

static int zero_bits(const struct rv_prf_ops *ops, void *self, struct rv_bytes key, struct rv_bytes input, unsigned *n)
{
	uint8_t out[PUZZLE_OUT_MAX];
	int r = ops->prf(self, key, &input, 1, out);

	if (!r)
		*n = puzzle_zero_bits(rv_bytes(out, ops->out_len));
	return r;
}

int puzzle_begin(struct puzzle_solver *s, struct rv_service *prf, struct rv_bytes input, unsigned bits)
{
	const struct rv_prf_ops *ops = rv_service_ops(prf);

	*s = (struct puzzle_solver){ .ops = ops, .self = rv_service_self(prf), .bits = (uint8_t)bits };
	s->key_len = (uint8_t)((bits + ROOM_BITS + 7) / 8);
	if (bits > PUZZLE_BITS_MAX || puzzle_prf(ops) || s->key_len > ops->key_len || input.len > sizeof(s->input))
		return -RV_ELIMIT;
	memcpy(s->input, input.p, input.len);
	s->input_len = input.len;
	s->last = (UINT64_C(1) << 8 * s->key_len) - 1;
	return 0;
}

/* A key as a number, the last key_len octets of it. */
static struct rv_bytes key_of(const struct puzzle_solver *s, uint64_t number, uint8_t room[static PUZZLE_KEY_MAX])
{
	struct rv_wr w = rv_wr(room, PUZZLE_KEY_MAX);
	struct rv_rd r = rv_rd(rv_bytes(room, PUZZLE_KEY_MAX));

	rv_wr_u64(&w, number);
	(void)rv_rd_take(&r, PUZZLE_KEY_MAX - s->key_len);
	return rv_rd_rest(&r);
}

int puzzle_try(struct puzzle_solver *s, uint64_t n)
{
	struct rv_wr w = rv_wr(s->solution, sizeof(s->solution));
	uint8_t room[PUZZLE_KEY_MAX];

	(void)rv_wr_room(&w, (size_t)s->n_found * s->key_len);
	for (; n && s->next <= s->last && s->n_found < PUZZLE_KEYS; n--) {
		struct rv_bytes key = key_of(s, s->next++, room);
		unsigned bits = 0;
		int r = zero_bits(s->ops, s->self, key, rv_bytes(s->input, s->input_len), &bits);

		if (r)
			return r;
		if (bits < s->bits)
			continue;
		rv_wr_put(&w, key);
		s->n_found++;
	}
	if (s->n_found == PUZZLE_KEYS)
		return 0;
	return s->next > s->last ? -RV_ELIMIT : RV_PENDING;
}

struct rv_bytes puzzle_solution(const struct puzzle_solver *s)
{
	return rv_bytes(s->solution, (size_t)s->n_found * s->key_len);
}

bool puzzle_check(struct rv_service *prf, struct rv_bytes input, struct rv_bytes solution, unsigned bits)
{
	const struct rv_prf_ops *ops = rv_service_ops(prf);
	size_t len = solution.len / PUZZLE_KEYS;
	struct rv_bytes keys[PUZZLE_KEYS];
	struct rv_rd r = rv_rd(solution);

	/* RFC 8019, 8.2: "between 1 octet and the preferred key length of the PRF (inclusive)" */
	if (!len || len > ops->key_len || solution.len % PUZZLE_KEYS || puzzle_prf(ops))
		return false;
	for (unsigned i = 0; i < PUZZLE_KEYS; i++) {
		unsigned got = 0;

		keys[i] = rv_rd_take(&r, len);
		for (unsigned k = 0; k < i; k++)
			if (rv_bytes_equal(keys[i], keys[k]))
				return false;
		if (zero_bits(ops, rv_service_self(prf), keys[i], input, &got) || got < bits)
			return false;
	}
	return rv_rd_done(&r);
}

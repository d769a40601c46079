// SPDX-License-Identifier: LGPL-2.1-or-later
/* puzzle.h: four keys with which a PRF's output ends in enough zero bits (RFC 8019, 4.4, 7.1.3, 8.2).
 *
 * Nothing here has state: a solver is a value that is worked on for a while and goes on where it was. Any thread.
 */
#pragma once

#include <ravelin/crypto.h>

enum {
	PUZZLE_KEYS = 4,
	PUZZLE_KEY_MAX = 8,  /* octets of a key that we look for */
	PUZZLE_OUT_MAX = 64, /* octets of a PRF's output */
	PUZZLE_BITS_MAX = 40,
	PUZZLE_INPUT_MAX = 64, /* a cookie */
};

/* How many zero bits octets end in. */
unsigned puzzle_zero_bits(struct rv_bytes octets);

/* A PRF that puzzles can be made of: 0, or -RV_ELIMIT. */
int puzzle_prf(const struct rv_prf_ops *ops);

struct puzzle_solver {
	const struct rv_prf_ops *ops;
	void *self;
	uint8_t input[PUZZLE_INPUT_MAX], key_len, bits, n_found;
	size_t input_len;
	uint64_t next, last; /* keys as numbers */
	uint8_t solution[PUZZLE_KEYS * PUZZLE_KEY_MAX];
};

/* Begins to look for keys, from 0 on. 0; -RV_ELIMIT: too hard to be tried at all, or no PRF for it. */
int puzzle_begin(struct puzzle_solver *s, struct rv_service *prf, struct rv_bytes input, unsigned bits);

/* Tries n keys at most. 0: solved; RV_PENDING: not yet; -RV_ELIMIT: there is none; or the provider's. */
int puzzle_try(struct puzzle_solver *s, uint64_t n);

/* The body of a PS payload. */
struct rv_bytes puzzle_solution(const struct puzzle_solver *s);

/* True when solution is four different keys of one length, and each of them gives bits zero bits (RFC 8019, 7.1.4:
 * "MUST check all of the four returned keys"). */
bool puzzle_check(struct rv_service *prf, struct rv_bytes input, struct rv_bytes solution, unsigned bits);

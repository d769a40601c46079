// SPDX-License-Identifier: LGPL-2.1-or-later
/* keccak.c: the sponge of FIPS 202, 4 and 6, over nettle's permutation.
 *
 * One sponge serves all four functions: they differ in the rate and in the bits that end a message. nettle 3.8 has no
 * SHAKE128, and the form of its digest functions changes between its versions; that of the permutation does not.
 */
#include "keccak.h"

#include <ravelin/secret.h>
#include <string.h>

/* Octets of the state that a block goes into (FIPS 202, 6.1 and 6.2). */
enum { RATE_SHAKE128 = 168, RATE_256 = 136, RATE_512 = 72, LANE = 8 };

/* The bits that end a message, with the first one of the padding (FIPS 202, 6.1, 6.2 and 5.1). */
enum { END_SHA3 = 0x06, END_SHAKE = 0x1f, END_BLOCK = 0x80 };

_Static_assert((int)RATE_SHAKE128 == (int)XOF_BLOCK, "a block of the XOF is what one permutation gives");

/* A lane of the state is a number whose lowest octet comes first. */
static void mix(struct sha3_state *state, size_t at, uint8_t octet)
{
	state->a[at / LANE] ^= (uint64_t)octet << (8 * (at % LANE));
}

static uint64_t lane(const uint8_t *p)
{
	uint64_t v = 0;

	for (size_t i = 0; i < LANE; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

/* Takes in; *at is how far the block at hand is filled. */
static void absorb(struct sha3_state *state, size_t rate, size_t *at, struct rv_bytes in)
{
	for (size_t i = 0; i < in.len;) {
		if (*at % LANE || in.len - i < LANE) {
			mix(state, (*at)++, in.p[i++]);
		} else {
			state->a[*at / LANE] ^= lane(in.p + i);
			*at += LANE;
			i += LANE;
		}
		if (*at == rate) {
			sha3_permute(state);
			*at = 0;
		}
	}
}

static void end(struct sha3_state *state, size_t rate, size_t at, uint8_t ending)
{
	mix(state, at, ending);
	mix(state, rate - 1, END_BLOCK);
}

static void squeeze(struct sha3_state *state, size_t rate, uint8_t *out, size_t len)
{
	for (size_t i = 0, at = rate; i < len; i++, at++) {
		if (at == rate) {
			sha3_permute(state);
			at = 0;
		}
		out[i] = (uint8_t)(state->a[at / LANE] >> (8 * (at % LANE)));
	}
}

/* out = the function of this rate and ending over a | b. */
static void hash(size_t rate, uint8_t ending, struct rv_bytes a, struct rv_bytes b, uint8_t *out, size_t len)
{
	RV_WIPED(struct sha3_state, state, );
	size_t at = 0;

	absorb(&state, rate, &at, a);
	absorb(&state, rate, &at, b);
	end(&state, rate, at, ending);
	squeeze(&state, rate, out, len);
}

void hash_h(struct rv_bytes in, uint8_t *out)
{
	hash(RATE_256, END_SHA3, in, rv_bytes(NULL, 0), out, HASH_LEN);
}

void hash_g(struct rv_bytes a, struct rv_bytes b, uint8_t *out)
{
	hash(RATE_512, END_SHA3, a, b, out, 2 * HASH_LEN);
}

void hash_j(const uint8_t *z, struct rv_bytes c, uint8_t *out)
{
	hash(RATE_256, END_SHAKE, rv_bytes(z, HASH_LEN), c, out, HASH_LEN);
}

void hash_prf(const uint8_t *seed, uint8_t index, uint8_t *out, size_t len)
{
	hash(RATE_256, END_SHAKE, rv_bytes(seed, HASH_LEN), rv_bytes(&index, 1), out, len);
}

void hash_xof_start(struct hash_xof *xof, const uint8_t *seed, uint8_t j, uint8_t i)
{
	uint8_t index[2] = { j, i };
	size_t at = 0;

	memset(xof, 0, sizeof(*xof));
	absorb(&xof->state, RATE_SHAKE128, &at, rv_bytes(seed, HASH_LEN));
	absorb(&xof->state, RATE_SHAKE128, &at, rv_bytes(index, sizeof(index)));
	end(&xof->state, RATE_SHAKE128, at, END_SHAKE);
}

void hash_xof_next(struct hash_xof *xof, uint8_t *out)
{
	squeeze(&xof->state, RATE_SHAKE128, out, XOF_BLOCK);
}

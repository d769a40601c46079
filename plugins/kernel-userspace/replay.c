// SPDX-License-Identifier: LGPL-2.1-or-later
/* replay: a bit a sequence number, in words addressed by the number itself modulo the ring (RFC 6479, 2). */
#include "replay.h"

#include <string.h>

enum { WORD_BITS = 64, WORD_SHIFT = 6 };

/* Without a window the half of the number space around top decides which high half is meant. */
static const uint32_t no_window = UINT32_C(1) << 31;

size_t replay_words(uint32_t window)
{
	size_t words = 2;

	if (!window)
		return 0;
	while (words * WORD_BITS < (size_t)window + WORD_BITS)
		words *= 2;
	return words;
}

void replay_init(struct replay *replay, uint32_t window, uint64_t top, uint64_t *ring)
{
	size_t words = replay_words(window);

	*replay = (struct replay){ .top = top, .window = window, .ring = ring };
	if (!words)
		return;
	replay->mask = (uint32_t)words - 1;
	memset(ring, top ? 0xff : 0, words * sizeof(*ring));
	/* numbers above top in top's own word are not received yet */
	if (top)
		ring[(top >> WORD_SHIFT) & replay->mask] = UINT64_MAX >> (WORD_BITS - 1 - (top & (WORD_BITS - 1)));
}

/* RFC 4303, A2.1: case A when the window lies in one subspace, case B when it spans two. */
uint64_t replay_guess(const struct replay *replay, uint32_t low, bool esn)
{
	uint32_t window = replay->window ? replay->window : no_window;
	uint32_t top_low = (uint32_t)replay->top, high = (uint32_t)(replay->top >> 32);
	uint32_t bottom = top_low - window + 1;

	if (!esn)
		return low;
	if (top_low >= window - 1) {
		if (low >= bottom)
			return (uint64_t)high << 32 | low;
		return high == UINT32_MAX ? 0 : (uint64_t)(high + 1) << 32 | low;
	}
	if (low < bottom)
		return (uint64_t)high << 32 | low;
	return high ? (uint64_t)(high - 1) << 32 | low : 0;
}

bool replay_seen(const struct replay *replay, uint64_t seq)
{
	if (!replay->window)
		return false;
	if (!seq)
		return true;
	if (seq > replay->top)
		return false;
	if (replay->top - seq >= replay->window)
		return true;
	return replay->ring[(seq >> WORD_SHIFT) & replay->mask] >> (seq & (WORD_BITS - 1)) & 1;
}

bool replay_mark(struct replay *replay, uint64_t seq)
{
	bool newest = seq > replay->top;

	if (replay->window && newest) {
		uint64_t word = replay->top >> WORD_SHIFT, last = seq >> WORD_SHIFT;
		if (last - word > replay->mask)
			word = last - replay->mask - 1;
		while (word++ < last)
			replay->ring[word & replay->mask] = 0;
	}
	if (newest)
		replay->top = seq;
	if (replay->window)
		replay->ring[(seq >> WORD_SHIFT) & replay->mask] |= UINT64_C(1) << (seq & (WORD_BITS - 1));
	return newest;
}

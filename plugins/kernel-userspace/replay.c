// SPDX-License-Identifier: LGPL-2.1-or-later
/* replay: a bit a sequence number, in words addressed by the number itself modulo the ring (RFC 6479, 2).
 *
 * A word is a tag (the low 32 bits of the number of its block) above 32 bits. top is raised before a word is marked,
 * and read behind the word: whoever sees a tag of newer numbers sees a top that puts his own behind the window, since
 * the ring is a word longer than the window. So a tag that is not one's own, of a number inside the window, is an older
 * one.
 */
#include "replay.h"

enum { BLOCK_BITS = 32, BLOCK_SHIFT = 5, TAG_SHIFT = 32 };

/* Without a window the half of the number space around top decides which high half is meant. */
static const uint32_t no_window = UINT32_C(1) << 31;

static uint64_t tag_of(uint64_t seq)
{
	return seq >> BLOCK_SHIFT << TAG_SHIFT;
}

static uint64_t bit_of(uint64_t seq)
{
	return UINT64_C(1) << (seq & (BLOCK_BITS - 1));
}

static _Atomic uint64_t *word_of(const struct replay *replay, uint64_t seq)
{
	return &replay->ring[(seq >> BLOCK_SHIFT) & replay->mask];
}

static bool same_block(uint64_t word, uint64_t seq)
{
	return word >> TAG_SHIFT == tag_of(seq) >> TAG_SHIFT;
}

size_t replay_words(uint32_t window)
{
	size_t words = 2;

	if (!window)
		return 0;
	while (words * BLOCK_BITS < (size_t)window + BLOCK_BITS)
		words *= 2;
	return words;
}

void replay_init(struct replay *replay, uint32_t window, uint64_t top, _Atomic uint64_t *ring)
{
	size_t words = replay_words(window);
	uint64_t block = top >> BLOCK_SHIFT;

	*replay = (struct replay){ .window = window, .mask = words ? (uint32_t)words - 1 : 0, .ring = ring };
	atomic_init(&replay->top, top);
	for (size_t i = 0; i < words; i++)
		atomic_init(&ring[i], 0);
	if (!words || !top)
		return;
	/* of top's own block what is above it is not received yet; the blocks before it are full */
	atomic_init(word_of(replay, top), tag_of(top) | ((bit_of(top) << 1) - 1));
	for (size_t i = 1; i < words && i <= block; i++) {
		uint64_t seq = (block - i) << BLOCK_SHIFT;
		atomic_init(word_of(replay, seq), tag_of(seq) | UINT32_MAX);
	}
}

uint64_t replay_top(const struct replay *replay)
{
	return atomic_load_explicit(&replay->top, memory_order_acquire);
}

/* RFC 4303, A2.1: case A when the window lies in one subspace, case B when it spans two. */
uint64_t replay_guess(const struct replay *replay, uint32_t low, bool esn)
{
	uint32_t window = replay->window ? replay->window : no_window;
	uint64_t top = replay_top(replay);
	uint32_t top_low = (uint32_t)top, high = (uint32_t)(top >> 32);
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

/* word: loaded with acquire order before. */
static bool is_old(const struct replay *replay, uint64_t word, uint64_t seq)
{
	uint64_t top = replay_top(replay);

	if (!seq || (seq <= top && top - seq >= replay->window))
		return true;
	return same_block(word, seq) && word & bit_of(seq);
}

bool replay_seen(const struct replay *replay, uint64_t seq)
{
	if (!replay->window)
		return false;
	return is_old(replay, atomic_load_explicit(word_of(replay, seq), memory_order_acquire), seq);
}

/* True when seq is the highest now. */
static bool raise_top(struct replay *replay, uint64_t seq)
{
	uint64_t top = atomic_load_explicit(&replay->top, memory_order_relaxed);

	if (replay->alone && seq > top) {
		atomic_store_explicit(&replay->top, seq, memory_order_release);
		return true;
	}
	while (seq > top)
		if (atomic_compare_exchange_weak_explicit(&replay->top, &top, seq, memory_order_acq_rel,
							  memory_order_relaxed))
			return true;
	return false;
}

enum replay_verdict replay_accept(struct replay *replay, uint64_t seq)
{
	enum replay_verdict fresh = raise_top(replay, seq) ? REPLAY_NEWEST : REPLAY_FRESH;

	if (!replay->window)
		return fresh;
	_Atomic uint64_t *at = word_of(replay, seq);
	uint64_t word = atomic_load_explicit(at, memory_order_acquire), marked;
	do {
		if (is_old(replay, word, seq))
			return REPLAY_OLD;
		marked = (same_block(word, seq) ? word : tag_of(seq)) | bit_of(seq);
		if (replay->alone) {
			atomic_store_explicit(at, marked, memory_order_release);
			break;
		}
	} while (!atomic_compare_exchange_weak_explicit(at, &word, marked, memory_order_acq_rel, memory_order_acquire));
	return fresh;
}

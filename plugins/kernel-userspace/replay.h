// SPDX-License-Identifier: LGPL-2.1-or-later
/* replay: the receive window of an SA (RFC 4303, 3.4.3), as a ring of words that never has to be shifted (RFC 6479),
 * and the high half of extended sequence numbers (RFC 4303, appendix A2).
 *
 * Any number of workers may ask and mark at once, without a lock: a word of the ring names the block of numbers that
 * its bits stand for, so one compare-and-swap both takes a word over for newer numbers and marks one, and of all who
 * mark a number one succeeds.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLAY_MAX = 4096 };

struct replay {
	_Atomic uint64_t top;	/* the highest number received */
	uint32_t window : 31;	/* 0: replays are not looked for */
	uint32_t alone : 1;	/* one worker: nobody else writes, so nothing need be exchanged */
	uint32_t mask;		/* of word indexes */
	_Atomic uint64_t *ring; /* replay_words() words of the owner */
};

/* How many words the ring of a window has: a power of two, one word more than the window; 0 for window 0. */
size_t replay_words(uint32_t window);

/* ring: replay_words(window) words. All numbers up to top count as received. */
void replay_init(struct replay *replay, uint32_t window, uint64_t top, _Atomic uint64_t *ring);

/* The highest number received. */
uint64_t replay_top(const struct replay *replay);

/* The whole sequence number that a packet with these low 32 bits has (esn), or low itself. 0: it cannot be one. */
uint64_t replay_guess(const struct replay *replay, uint32_t low, bool esn);

/* True when seq must not be accepted: it is 0, behind the window, or was received. */
bool replay_seen(const struct replay *replay, uint64_t seq);

/* Accepts an authentic seq, unless it must not be (as above, and now): then REPLAY_OLD. REPLAY_NEWEST: it is the
 * highest so far. */
enum replay_verdict { REPLAY_OLD, REPLAY_FRESH, REPLAY_NEWEST };
enum replay_verdict replay_accept(struct replay *replay, uint64_t seq);

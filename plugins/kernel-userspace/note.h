// SPDX-License-Identifier: LGPL-2.1-or-later
/* note: what workers tell the loop: traffic for a trap, a limit that was reached, a peer that moved, an SPI that
 * nobody has. A bounded ring. */
#pragma once

#include <pthread.h>
#include <ravelin/addr.h>
#include <ravelin/loop.h>

enum { NOTES_MAX = 256 };

enum note_type { NOTE_ACQUIRE, NOTE_EXPIRE, NOTE_MAPPING, NOTE_UNKNOWN };

struct note {
	uint8_t type;
	bool hard;		   /* NOTE_EXPIRE */
	uint32_t id;		   /* reqid, child SA, SPI */
	struct rv_addr addr, here; /* NOTE_MAPPING, NOTE_UNKNOWN: the peer's; NOTE_UNKNOWN: ours */
	bool encap;
	struct rv_ts local, remote; /* NOTE_ACQUIRE */
};

typedef void note_fn(void *arg, const struct note *note);

struct notes {
	pthread_mutex_t lock; /* ring, first, n, dropped */
	struct note ring[NOTES_MAX];
	unsigned first, n;
	uint64_t dropped;
	struct rv_io io;
	int fd;
	bool open;
	note_fn *fn;
	void *arg;
};

/* fn is called on the loop. 0 or -errno. */
int notes_init(struct notes *notes, struct rv_loop *loop, note_fn *fn, void *arg);
void notes_fini(struct notes *notes);

/* Any thread. False when the ring is full. */
bool note_put(struct notes *notes, const struct note *note);

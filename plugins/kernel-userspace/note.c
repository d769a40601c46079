// SPDX-License-Identifier: LGPL-2.1-or-later
/* note: a ring under a lock, used for events only, never per packet. */
#include "note.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool take(struct notes *notes, struct note *note)
{
	pthread_mutex_lock(&notes->lock);
	bool some = notes->n > 0;
	if (some) {
		*note = notes->ring[notes->first];
		notes->first = (notes->first + 1) % NOTES_MAX;
		notes->n--;
	}
	pthread_mutex_unlock(&notes->lock);
	return some;
}

static void deliver(struct rv_io *io, uint32_t events)
{
	struct notes *notes = rv_container_of(io, struct notes, io);
	struct note note;
	uint64_t count;

	(void)!read(notes->fd, &count, sizeof(count));
	for (int i = 0; i < NOTES_MAX && take(notes, &note); i++)
		notes->fn(notes->arg, &note);
}

int notes_init(struct notes *notes, struct rv_loop *loop, note_fn *fn, void *arg)
{
	*notes = (struct notes){ .fn = fn, .arg = arg, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (notes->fd < 0)
		return -errno;
	int r = rv_io_add(&notes->io, loop, notes->fd, EPOLLIN, deliver);
	if (r) {
		close(notes->fd);
		return r;
	}
	pthread_mutex_init(&notes->lock, NULL);
	notes->open = true;
	return 0;
}

void notes_fini(struct notes *notes)
{
	if (!notes->open)
		return;
	notes->open = false;
	rv_io_del(&notes->io);
	close(notes->fd);
	pthread_mutex_destroy(&notes->lock);
}

bool note_put(struct notes *notes, const struct note *note)
{
	static const uint64_t one = 1;

	pthread_mutex_lock(&notes->lock);
	bool fits = notes->n < NOTES_MAX;
	if (fits)
		notes->ring[(notes->first + notes->n++) % NOTES_MAX] = *note;
	else
		notes->dropped++;
	pthread_mutex_unlock(&notes->lock);
	if (fits)
		(void)!write(notes->fd, &one, sizeof(one));
	return fits;
}

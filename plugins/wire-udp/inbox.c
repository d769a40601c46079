// SPDX-License-Identifier: LGPL-2.1-or-later
/* inbox: keying messages that a worker found between ESP packets, on their way to the loop, and its questions.
 *
 * The lock protects the queue only and is taken for these alone, never for ESP.
 */
#include "wire-udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct letter *take_all(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	struct letter *first = inbox->first;
	inbox->first = NULL;
	inbox->last = &inbox->first;
	inbox->n = inbox->octets = 0;
	pthread_mutex_unlock(&inbox->lock);
	return first;
}

static void deliver(struct rv_io *io, uint32_t events)
{
	struct inbox *inbox = rv_container_of(io, struct inbox, io);
	uint64_t count;

	(void)!read(inbox->fd, &count, sizeof(count));
	for (struct letter *letter = take_all(inbox), *next; letter; letter = next) {
		next = letter->next;
		inbox->fn(inbox->arg, letter);
		free(letter);
	}
}

int inbox_init(struct inbox *inbox, struct rv_loop *loop, letter_fn *fn, void *arg)
{
	*inbox = (struct inbox){ .fn = fn, .arg = arg, .last = &inbox->first };
	inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (inbox->fd < 0)
		return -errno;
	int r = rv_io_add(&inbox->io, loop, inbox->fd, EPOLLIN, deliver);
	if (r) {
		close(inbox->fd);
		inbox->fd = -1;
		return r;
	}
	pthread_mutex_init(&inbox->lock, NULL);
	return 0;
}

void inbox_fini(struct inbox *inbox)
{
	if (inbox->fd < 0)
		return;
	rv_io_del(&inbox->io);
	close(inbox->fd);
	inbox->fd = -1;
	for (struct letter *letter = inbox->first, *next; letter; letter = next) {
		next = letter->next;
		free(letter);
	}
	inbox->first = NULL;
	pthread_mutex_destroy(&inbox->lock);
}

static bool append(struct inbox *inbox, struct letter *letter)
{
	bool fits;

	pthread_mutex_lock(&inbox->lock);
	fits = inbox->n < INBOX_MESSAGES && letter->len <= INBOX_OCTETS - inbox->octets;
	if (fits) {
		*inbox->last = letter;
		inbox->last = &letter->next;
		inbox->n++;
		inbox->octets += letter->len;
	} else {
		inbox->dropped++;
	}
	pthread_mutex_unlock(&inbox->lock);
	return fits;
}

bool inbox_put(struct inbox *inbox, const struct rv_addr *local, const struct rv_addr *remote, struct rv_bytes message)
{
	static const uint64_t one = 1;
	struct letter *letter = malloc(sizeof(*letter) + message.len);

	if (!letter)
		return false;
	*letter = (struct letter){ .local = *local, .remote = *remote, .len = message.len };
	if (message.len)
		memcpy(letter->octets, message.p, message.len);
	if (!append(inbox, letter)) {
		free(letter);
		return false;
	}
	(void)!write(inbox->fd, &one, sizeof(one));
	return true;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* path: what a worker knows of the ways to peers, and its questions to the loop.
 *
 * A way is known for two seconds, and no longer than the routes stay as they are. The packets after that go the
 * ordinary way until the answer is there: so the system goes on seeing traffic to the neighbour and asks whether it is
 * still there, as it does for its own. The lock is taken for questions and answers alone.
 */
#include "xdp.h"

#include <unistd.h>

static const uint64_t known_us = 2000000, asked_us = 200000;

static struct path *slot(struct post *post, const struct rv_addr *local, const struct rv_addr *remote)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < rv_family_len(remote->family); i++)
		hash = (hash ^ remote->ip[i] ^ (uint64_t)local->ip[i] << 8) * 0x100000001b3u;
	return &post->paths[(hash ^ hash >> 32) % PATHS];
}

static bool is_of(const struct path *path, const struct rv_addr *local, const struct rv_addr *remote)
{
	return path->since_us && rv_addr_same_ip(&path->remote, remote) && rv_addr_same_ip(&path->local, local);
}

static void take_answers(struct post *post, uint64_t now_us)
{
	pthread_mutex_lock(&post->xdp->lock);
	for (unsigned i = 0; i < post->n_answers; i++) {
		const struct path *answer = &post->answers[i];
		struct path *path = slot(post, &answer->local, &answer->remote);
		*path = *answer;
		path->since_us = now_us;
	}
	post->n_answers = 0;
	atomic_store_explicit(&post->answered, false, memory_order_relaxed);
	pthread_mutex_unlock(&post->xdp->lock);
}

void path_ask(struct post *post, const struct rv_addr *local, const struct rv_addr *remote)
{
	static const uint64_t one = 1;
	struct xdp *xdp = post->xdp;
	bool first = false;

	pthread_mutex_lock(&xdp->lock);
	if (xdp->n_questions < ASKED_MOST) {
		first = !xdp->n_questions;
		xdp->questions[xdp->n_questions++] =
			(struct question){ .post = post->index, .local = *local, .remote = *remote };
	}
	pthread_mutex_unlock(&xdp->lock);
	if (first)
		(void)!write(xdp->asked, &one, sizeof(one));
}

const struct path *path_find(struct post *post, const struct rv_addr *local, const struct rv_addr *remote,
			     uint64_t now_us)
{
	struct path *path = slot(post, local, remote);
	unsigned generation = atomic_load_explicit(&post->xdp->generation, memory_order_relaxed);

	if (atomic_load_explicit(&post->answered, memory_order_relaxed))
		take_answers(post, now_us);
	if (is_of(path, local, remote) && (!path->known || path->generation == generation) &&
	    now_us - path->since_us < (path->known ? known_us : asked_us))
		return path->known && path->device ? path : NULL;
	*path = (struct path){ .local = *local, .remote = *remote, .since_us = now_us };
	path->local.port = path->remote.port = 0;
	path_ask(post, &path->local, &path->remote);
	return NULL;
}

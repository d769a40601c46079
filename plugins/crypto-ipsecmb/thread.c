// SPDX-License-Identifier: LGPL-2.1-or-later
/* thread.c: a manager for each thread, and running its queue to the end. */
#include "ops.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/plugin.h>
#include <ravelin/secret.h>
#include <stdlib.h>
#include <string.h>

static void thread_free(struct mb_thread *thread)
{
	if (thread->manager && thread->manager != thread->mb->shared)
		free_mb_mgr(thread->manager);
	rv_wipe(thread, sizeof(*thread));
	free(thread);
}

/* Its thread ends. */
static void thread_gone(void *arg)
{
	struct mb_thread *thread = arg;
	struct mb *mb = thread->mb;

	pthread_mutex_lock(&mb->lock);
	*thread->link = thread->next;
	if (thread->next)
		thread->next->link = thread->link;
	pthread_mutex_unlock(&mb->lock);
	thread_free(thread);
}

static IMB_MGR *manager_new(void)
{
	IMB_MGR *manager = alloc_mb_mgr(0);

	if (!manager)
		return NULL;
	init_mb_mgr_auto(manager, NULL);
	if (!imb_get_errno(manager))
		return manager;
	free_mb_mgr(manager);
	return NULL;
}

static IMB_MGR *manager_for(struct mb *mb)
{
	pthread_mutex_lock(&mb->lock);
	bool first = !mb->queued;
	mb->queued = true;
	pthread_mutex_unlock(&mb->lock);
	return first ? mb->shared : manager_new();
}

static struct mb_thread *thread_new(struct mb *mb)
{
	void *memory = NULL;

	if (posix_memalign(&memory, 64, sizeof(struct mb_thread)))
		return NULL;
	struct mb_thread *thread = memory;
	memset(thread, 0, sizeof(*thread));
	thread->mb = mb;
	thread->manager = manager_for(mb);
	if (!thread->manager || pthread_setspecific(mb->key, thread)) {
		thread_free(thread);
		return NULL;
	}
	pthread_mutex_lock(&mb->lock);
	thread->next = mb->threads;
	thread->link = &mb->threads;
	if (mb->threads)
		mb->threads->link = &thread->next;
	mb->threads = thread;
	pthread_mutex_unlock(&mb->lock);
	return thread;
}

struct mb_thread *mb_thread(struct mb *mb)
{
	struct mb_thread *thread = pthread_getspecific(mb->key);

	return thread ? thread : thread_new(mb);
}

/* The plugin goes: nothing computes any more, and threads that live on forget it. */
static int mb_gone(struct mb *mb)
{
	pthread_key_delete(mb->key);
	while (mb->threads) {
		struct mb_thread *thread = mb->threads;
		mb->threads = thread->next;
		thread_free(thread);
	}
	pthread_mutex_destroy(&mb->lock);
	free_mb_mgr(mb->shared);
	return 0;
}

int mb_new(struct rv_host *host, struct mb **out)
{
	struct mb *mb = talloc_zero(host, struct mb);

	if (!mb)
		return -ENOMEM;
	mb->shared = manager_new();
	if (!mb->shared || pthread_key_create(&mb->key, thread_gone)) {
		if (mb->shared)
			free_mb_mgr(mb->shared);
		talloc_free(mb);
		return -RV_EFAILED;
	}
	pthread_mutex_init(&mb->lock, NULL);
	talloc_set_destructor(mb, mb_gone);
	*out = mb;
	return 0;
}

bool mb_queue(struct mb_thread *thread, IMB_JOB **jobs, size_t n)
{
	return IMB_GET_NEXT_BURST(thread->manager, (uint32_t)n, jobs) == n;
}

bool mb_drain(struct mb_thread *thread, IMB_JOB **jobs, size_t n)
{
	IMB_JOB *ended[MB_BURST];
	uint32_t left = (uint32_t)n - IMB_SUBMIT_BURST_NOCHECK(thread->manager, (uint32_t)n, jobs);

	while (left) {
		uint32_t done = IMB_FLUSH_BURST(thread->manager, left, ended);
		if (!done)
			break;
		left -= done;
	}
	return !left;
}

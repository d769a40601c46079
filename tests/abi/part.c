// SPDX-License-Identifier: LGPL-2.1-or-later
/* part: the source of all plugins of test-load. meson.build says for each what its note says and what is wrong with it.
 */
#include <ravelin/job.h>
#include <ravelin/plugin.h>
#include <ravelin/registry.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#ifdef PART_ABI_MAJOR
#undef RV_ABI_MAJOR
#define RV_ABI_MAJOR PART_ABI_MAJOR
#endif

#ifdef PART_ABI_MINOR
#undef RV_ABI_MINOR
#define RV_ABI_MINOR PART_ABI_MINOR
#endif

#ifdef PART_UNDEFINED
void rv_no_such_function(void);
#define UNDEFINED() rv_no_such_function()
#else
#define UNDEFINED() (void)0
#endif

#ifndef PART_RESULT
#define PART_RESULT 0
#endif

#ifdef PART_HIDDEN
#undef RV_API
#define RV_API __attribute__((visibility("hidden"), used))
#endif

struct part_ops {
	size_t size;
	int (*verb)(void *self);
};

/* A thread of the plugin's own, as a data path has them: it ends with the host, before the code goes. */
struct worker {
	pthread_t thread;
	atomic_bool stop;
};

static void *work(void *arg)
{
	const struct timespec pause = { .tv_nsec = 1000 * 1000 };
	struct worker *worker = arg;

	while (!atomic_load(&worker->stop))
		nanosleep(&pause, NULL);
	return NULL;
}

static int worker_gone(struct worker *worker)
{
	atomic_store(&worker->stop, true);
	pthread_join(worker->thread, NULL);
	return 0;
}

static int sleep_long(void *data)
{
	nanosleep(&(struct timespec){ .tv_nsec = 100 * 1000 * 1000 }, NULL);
	return 0;
}

static void slept(void *owner, int result, void *data)
{
}

/* The verb starts a job that runs code of this plugin for a tenth of a second. */
static int verb(void *self)
{
	return rv_job_start(self, talloc_new(NULL), sleep_long, NULL, slept, NULL) ? 0 : -ENOMEM;
}

RV_KIND(part, "part", 1, struct part_ops, verb)

static const struct part_ops ops = { .size = sizeof(ops), .verb = verb };

static int init(struct rv_host *host)
{
	struct worker *worker = talloc_zero(host, struct worker);
	int r;

	if (!worker || pthread_create(&worker->thread, NULL, work, worker))
		return -ENOMEM;
	talloc_set_destructor(worker, worker_gone);
	UNDEFINED();
	r = rv_part_offer(host, (struct rv_offer){ .name = PART_NAME }, &ops, host);
	return r ? r : PART_RESULT;
}

#ifdef PART_NO_NOTE
RV_API const struct rv_plugin rv_plugin = { .magic = RV_PLUGIN_MAGIC, .size = sizeof(rv_plugin), .init = init };
#else
RV_PLUGIN(part, PART_NAME, "version=1\0provides=part:" PART_NAME "\0" PART_NOTE, .init = init);
#endif

// SPDX-License-Identifier: LGPL-2.1-or-later
/* state-file: ExportState and ImportState, the state of all sessions sealed in a file.
 *
 * The key and the file are open descriptors, so that the key is in no message and the daemon needs no right to a path.
 * Reading and writing are jobs; packing and unpacking are done on the loop, between them.
 */
#include "objects.h"

#include <errno.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

enum { KEY_OCTETS = 32, FILE_MOST = 1 << 30 };

/* What a job works on: a talloc root. */
struct work {
	int key_fd, fd;
	struct rv_secret *key;
	uint8_t *octets; /* the sealed state, or NULL */
	size_t len;
	const char *problem; /* in words, when a job failed */
};

/* A call of ExportState or ImportState. */
struct task {
	struct rv_bus *bus;
	struct rv_bus_call *call;
	struct rv_job *job;
	unsigned n; /* sessions */
	void (*done)(struct task *task, struct work *work, struct rv_why *why);
};

static void drop(void *data)
{
	struct work *work = data;

	close(work->key_fd);
	close(work->fd);
	talloc_free(work);
}

/* Jobs: nothing but work is touched. */

static int problem(struct work *work, int r, const char *text)
{
	work->problem = text;
	return r;
}

/* A pipe could be waited for without end. */
static bool is_file(int fd, off_t *size)
{
	struct stat st;
	bool ok = !fstat(fd, &st) && S_ISREG(st.st_mode);

	*size = ok ? st.st_size : 0;
	return ok;
}

static bool read_exactly(int fd, uint8_t *to, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = pread(fd, to + at, len - at, (off_t)at);
		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static int read_key(void *data)
{
	struct work *work = data;
	off_t size;

	if (!is_file(work->key_fd, &size) || size != KEY_OCTETS ||
	    !read_exactly(work->key_fd, work->key->b, KEY_OCTETS))
		return problem(work, -RV_ECONFIG, "the key that seals the state must be a file of 32 octets");
	return 0;
}

static int read_state(void *data)
{
	struct work *work = data;
	off_t size;
	int r = read_key(work);

	if (r)
		return r;
	if (!is_file(work->fd, &size) || size <= 0 || size > FILE_MOST)
		return problem(work, -RV_ECONFIG, "the state must be a file of 1 octet to 1 GiB");
	work->len = (size_t)size;
	work->octets = talloc_array(work, uint8_t, work->len);
	if (!work->octets)
		return problem(work, -ENOMEM, "there is no memory for the state");
	return read_exactly(work->fd, work->octets, work->len) ? 0 : problem(work, -EIO, "the state cannot be read");
}

static int write_state(void *data)
{
	struct work *work = data;
	off_t size;

	if (!is_file(work->fd, &size))
		return problem(work, -RV_ECONFIG, "the state goes to a file, nothing else");
	for (size_t at = 0; at < work->len;) {
		ssize_t n = pwrite(work->fd, work->octets + at, work->len - at, (off_t)at);
		if (n == 0 || (n < 0 && errno != EINTR))
			return problem(work, n ? -errno : -EIO, "the state cannot be written");
		at += n > 0 ? (size_t)n : 0;
	}
	return fsync(work->fd) ? problem(work, -errno, "the state cannot be written") : 0;
}

/* The loop's side */

static int task_gone(struct task *task)
{
	rv_job_cancel(task->job);
	return 0;
}

static void answer(struct task *task, int r, const struct rv_why *why)
{
	struct rv_bus_out *out = r < 0 ? NULL : rv_bus_results(task->call);

	if (out)
		rv_bus_out_u32(out, task->n);
	rv_bus_answer(task->call, r, why);
	talloc_free(task);
}

static void answered(void *owner, int result, void *data)
{
	struct task *task = owner;
	struct work *work = data;
	struct rv_why why = { 0 };

	task->job = NULL;
	if (result < 0)
		(void)rv_why_set(&why, result, "%s: %s", work->problem, rv_error_text(result));
	else if (task->done)
		task->done(task, work, &why);
	if (!task->job)
		answer(task, why.code, &why);
}

/* The next job takes the descriptors over; the one at hand drops what is left of its data. */
static struct work *handed_on(struct work *work)
{
	struct work *next = talloc_zero(NULL, struct work);

	if (!next)
		return NULL;
	next->key_fd = -1;
	next->fd = work->fd;
	next->octets = talloc_steal(next, work->octets);
	next->len = work->len;
	work->fd = -1;
	work->octets = NULL;
	return next;
}

static void pack(struct task *task, struct work *work, struct rv_why *why)
{
	struct rv_core *core = task->bus->core;
	struct work *next = NULL;

	task->done = NULL;
	work->octets = rv_core_pack(core, work, rv_secret_bytes(work->key), &work->len, &task->n);
	if (work->octets)
		next = handed_on(work);
	if (next)
		task->job = rv_job_start(core->host, next, write_state, task, answered, drop);
	if (task->job)
		return;
	if (next)
		drop(next);
	(void)rv_why_set(why, -RV_EFAILED,
			 "the state could not be packed: no memory, or no service that seals is loaded");
}

static void unpack(struct task *task, struct work *work, struct rv_why *why)
{
	int r = rv_core_unpack(task->bus->core, rv_secret_bytes(work->key), rv_bytes(work->octets, work->len), &task->n,
			       why);

	if (r >= 0 && *why->text)
		rv_log(&task->bus->core->subject, RV_WARN, "import-left-out", KV_STR("found", why->text));
	why->code = r < 0 ? r : 0;
}

static int begin(struct rv_bus *bus, struct rv_bus_in *in, rv_job_run_fn *run,
		 void (*done)(struct task *task, struct work *work, struct rv_why *why), struct rv_why *why)
{
	struct work *work = talloc_zero(NULL, struct work);
	struct task *task = talloc_zero(bus, struct task);
	int key_fd = rv_bus_in_fd(in), fd = rv_bus_in_fd(in);

	if (work) {
		work->key_fd = key_fd;
		work->fd = fd;
		work->key = rv_secret_new(bus->core->vault, work, KEY_OCTETS);
	}
	if (task) {
		*task = (struct task){ .bus = bus, .done = done };
		talloc_set_destructor(task, task_gone);
	}
	if (work && work->key && task && (task->call = rv_bus_pend(in))) {
		task->job = rv_job_start(bus->core->host, work, run, task, answered, drop);
		if (task->job)
			return RV_PENDING;
		TALLOC_FREE(task->call);
		in->pended = NULL;
	}
	if (work) {
		drop(work);
	} else {
		close(key_fd);
		close(fd);
	}
	talloc_free(task);
	return rv_why_set(why, -RV_ELIMIT, "there is no memory for this now, or too much else is being done");
}

int export_state(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	return begin(self, in, read_key, pack, why);
}

int import_state(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	return begin(self, in, read_state, unpack, why);
}

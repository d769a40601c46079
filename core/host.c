// SPDX-License-Identifier: LGPL-2.1-or-later
/* host: what the core lends a plugin, from birth to death.
 *
 * Death in order: the offers are withdrawn while all behind them is still there, then what the plugin attached to
 * objects of others goes, then (by talloc) what it owns itself.
 */
#include "plugin-parts.h"
#include "registry-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOT_OURS                                                                                                       \
	" (the daemon has become a user that may not; put it below the folder of the configuration, or let that user " \
	"read it: chgrp ravelin FILE; chmod 640 FILE)"

static int host_gone(struct rv_host_whole *whole)
{
	if (whole->host.registry)
		rv_registry_withdraw(whole->host.registry, &whole->host);
	rv_attach_end(&whole->host);
	return 0;
}

struct rv_host *rv_host_new(struct rv_core *core, const char *name)
{
	struct rv_host_whole *whole = talloc_zero(core, struct rv_host_whole);

	if (!whole)
		return NULL;
	whole->host = (struct rv_host){
		.size = sizeof(whole->host),
		.loop = core->loop,
		.registry = core->registry,
		.vault = core->vault,
		.core = core,
		.name = talloc_strdup(whole, name),
		.state_dir = core->params.state_dir,
	};
	if (!whole->host.name) {
		talloc_free(whole);
		return NULL;
	}
	whole->host.subject = (struct rv_subject){ .log = core->log, .kind = "plugin", .name = whole->host.name };
	talloc_set_destructor(whole, host_gone);
	return &whole->host;
}

/* The kernel's source; it can only be interrupted. A machine without one must not make keys. */
static void random_of_kernel(uint8_t *buf, size_t len)
{
	while (len) {
		ssize_t n = getrandom(buf, len, 0);
		if (n < 0 && errno != EINTR)
			abort();
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
}

void rv_host_random(struct rv_host *host, void *buf, size_t len)
{
	const struct rv_core_params *params = &host->core->params;
	struct rv_service *service;

	if (params->random) {
		params->random(params->random_self, buf, len);
		return;
	}
	service = rv_registry_find(host->registry, "rng", NULL);
	if (service) {
		const struct rv_rng_ops *ops = rv_service_ops(service);
		if (!ops->fill(rv_service_self(service), buf, len))
			return;
		rv_log(&host->subject, RV_WARN, "random-failed", KV_STR("provider", rv_service_owner(service)),
		       KV_STR("instead", "getrandom"));
	}
	random_of_kernel(buf, len);
}

int rv_core_open(const struct rv_core_params *params, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error = errno;

	if (fd >= 0)
		return fd;
	return error == EACCES && params && params->open ? params->open(params->open_self, path) : -error;
}

int rv_host_open(struct rv_host *host, const char *path)
{
	return rv_core_open(&host->core->params, path);
}

/* 0 with *octets, or negative. */
static int read_whole(struct rv_host *host, const void *parent, int fd, size_t max, struct stat *st,
		      struct rv_secret **octets)
{
	if (fstat(fd, st))
		return -errno;
	if (!S_ISREG(st->st_mode))
		return S_ISDIR(st->st_mode) ? -EISDIR : -EINVAL;
	if (st->st_size < 1 || (size_t)st->st_size > max)
		return st->st_size < 1 ? -ENODATA : -EFBIG;
	*octets = rv_secret_new(host->vault, parent, (size_t)st->st_size);
	if (!*octets)
		return -ENOMEM;
	if (read(fd, (*octets)->b, (*octets)->len) == (ssize_t)(*octets)->len)
		return 0;
	TALLOC_FREE(*octets);
	return -EIO;
}

struct rv_secret *rv_host_read(struct rv_host *host, const void *parent, const char *path, size_t max, struct stat *st,
			       struct rv_why *why)
{
	struct rv_secret *octets = NULL;
	int fd = rv_host_open(host, path), r = fd < 0 ? fd : read_whole(host, parent, fd, max, st, &octets);

	if (fd >= 0)
		close(fd);
	if (r)
		rv_why_set(why, r, "the file %s cannot be read: %s%s", path, rv_error_text(r),
			   r == -EACCES ? NOT_OURS : "");
	return octets;
}

void rv_host_needs_syscalls(struct rv_host *host, const char *const *names)
{
	struct rv_host_whole *whole = rv_host_whole(host);

	for (; *names; names++) {
		char **grown = talloc_realloc(whole, whole->syscalls, char *, whole->n_syscalls + 1);
		if (!grown)
			return;
		whole->syscalls = grown;
		grown[whole->n_syscalls] = talloc_strdup(grown, *names);
		if (!grown[whole->n_syscalls])
			return;
		whole->n_syscalls++;
	}
}

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
#include <string.h>
#include <sys/random.h>

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

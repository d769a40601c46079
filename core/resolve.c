// SPDX-License-Identifier: LGPL-2.1-or-later
/* resolve: addresses that a configuration gives as text; names are looked up in a job, since that blocks.
 */
#include "core.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

/* What the job works on; it moves there. */
struct lookup {
	struct rv_addr addr;
	char name[256];
};

/* The side that stays on the loop, until the answer or the cancel. */
struct waiting {
	struct rv_call *call;
	struct rv_addr *out;
	struct rv_job *job;
};

static int run(void *data)
{
	static const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG };
	struct lookup *lookup = data;
	struct addrinfo *found = NULL;
	int code = getaddrinfo(lookup->name, NULL, &hints, &found);

	if (code)
		return code == EAI_MEMORY ? -ENOMEM : -RV_ENO_ADDRESS;
	code = -RV_ENO_ADDRESS;
	for (const struct addrinfo *one = found; one && code; one = one->ai_next)
		code = rv_addr_from_sockaddr(&lookup->addr, one->ai_addr, one->ai_addrlen) ? code : 0;
	freeaddrinfo(found);
	return code;
}

static void done(void *owner, int result, void *data)
{
	const struct lookup *lookup = data;
	struct waiting *waiting = owner;
	struct rv_call *call = waiting->call;

	if (!result)
		*waiting->out = lookup->addr;
	talloc_free(waiting);
	rv_call_finish(call, result);
}

static void cancel(struct rv_call *call)
{
	struct waiting *waiting = call->provider;

	rv_job_cancel(waiting->job);
	talloc_free(waiting);
}

int rv_resolve(struct rv_core *core, const char *name, struct rv_addr *out, struct rv_call *call)
{
	if (!rv_addr_parse(out, name))
		return rv_addr_is_any(out) ? -RV_ENO_ADDRESS : 0;
	if (strlen(name) >= sizeof(((struct lookup *)NULL)->name) || strpbrk(name, "%/"))
		return -RV_ENO_ADDRESS;

	struct lookup *lookup = talloc_zero(NULL, struct lookup);
	struct waiting *waiting = talloc_zero(core->host, struct waiting);

	if (!lookup || !waiting)
		goto failed;
	memcpy(lookup->name, name, strlen(name) + 1);
	waiting->call = call;
	waiting->out = out;
	waiting->job = rv_job_start(core->host, lookup, run, waiting, done, NULL);
	if (!waiting->job)
		goto failed;
	return rv_call_pend(call, cancel, waiting);
failed:
	talloc_free(lookup);
	talloc_free(waiting);
	return -ENOMEM;
}

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
	struct rv_addrs found;
	char name[256];
};

/* The side that stays on the loop, until the answer or the cancel. */
struct waiting {
	struct rv_call *call;
	struct rv_addr *first; /* or */
	struct rv_addrs *all;
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
	for (const struct addrinfo *one = found; one && lookup->found.n < RV_ADDRS_MAX; one = one->ai_next)
		if (!rv_addr_from_sockaddr(&lookup->found.addr[lookup->found.n], one->ai_addr, one->ai_addrlen))
			lookup->found.n++;
	freeaddrinfo(found);
	return lookup->found.n ? 0 : -RV_ENO_ADDRESS;
}

static void done(void *owner, int result, void *data)
{
	const struct lookup *lookup = data;
	struct waiting *waiting = owner;
	struct rv_call *call = waiting->call;

	if (!result && waiting->first)
		*waiting->first = lookup->found.addr[0];
	if (!result && waiting->all)
		*waiting->all = lookup->found;
	talloc_free(waiting);
	rv_call_finish(call, result);
}

static void cancel(struct rv_call *call)
{
	struct waiting *waiting = call->provider;

	rv_job_cancel(waiting->job);
	talloc_free(waiting);
}

static int start(struct rv_core *core, const char *name, const struct waiting *answer)
{
	if (strlen(name) >= sizeof(((struct lookup *)NULL)->name) || strpbrk(name, "%/"))
		return -RV_ENO_ADDRESS;

	struct lookup *lookup = talloc_zero(NULL, struct lookup);
	struct waiting *waiting = talloc_memdup(core->host, answer, sizeof(*answer));

	if (!lookup || !waiting)
		goto failed;
	memcpy(lookup->name, name, strlen(name) + 1);
	waiting->job = rv_job_start(core->host, lookup, run, waiting, done, NULL);
	if (!waiting->job)
		goto failed;
	return rv_call_pend(answer->call, cancel, waiting);
failed:
	talloc_free(lookup);
	talloc_free(waiting);
	return -ENOMEM;
}

int rv_resolve(struct rv_core *core, const char *name, struct rv_addr *out, struct rv_call *call)
{
	if (!rv_addr_parse(out, name))
		return rv_addr_is_any(out) ? -RV_ENO_ADDRESS : 0;
	return start(core, name, &(struct waiting){ .call = call, .first = out });
}

int rv_resolve_all(struct rv_core *core, const char *name, struct rv_addrs *out, struct rv_call *call)
{
	out->n = 0;
	if (rv_addr_parse(&out->addr[0], name))
		return start(core, name, &(struct waiting){ .call = call, .all = out });
	out->n = !rv_addr_is_any(&out->addr[0]);
	return out->n ? 0 : -RV_ENO_ADDRESS;
}

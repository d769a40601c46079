// SPDX-License-Identifier: LGPL-2.1-or-later
/* load-one: loads one plugin of a folder into a bare core, prints what is offered then, and unloads it again.
 *
 *	load-one FOLDER NAME
 */
#include "parts.h"

#include <stdio.h>

static int print(struct rv_service *service, void *arg)
{
	printf("%s %s of %s, self-test %s\n", rv_service_kind(service), rv_service_name(service),
	       rv_service_owner(service), rv_service_self_test(service));
	return 0;
}

struct waiter {
	struct rv_call call;
	int result;
	bool done;
};

static void unloaded(struct rv_call *call, int result)
{
	struct waiter *waiter = rv_container_of(call, struct waiter, call);

	waiter->result = result;
	waiter->done = true;
}

static bool core_init(struct rv_core *core, const char *const *folders)
{
	core->params.plugin_dirs = folders;
	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_INFO, NULL, NULL);
	core->subject = (struct rv_subject){ .log = core->log, .kind = "core" };
	core->loop = rv_loop_new(core, NULL);
	core->vault = rv_vault_new(core);
	core->jobs = core->loop ? rv_jobs_new(core, core->loop, 0) : NULL;
	core->registry = rv_registry_new(core, core);
	core->plugins = core->registry ? rv_plugins_new(core, core) : NULL;
	return core->plugins && core->jobs && core->vault;
}

static int load(struct rv_core *core, const char *name)
{
	const char *names[] = { name, NULL };
	struct waiter waiter = { .result = 0 };
	struct rv_why why = { 0 };

	if (rv_plugins_load(core->plugins, names, &why)) {
		fprintf(stderr, "load-one: %s\n", why.text);
		return 1;
	}
	rv_registry_all(core->registry, print, NULL);
	rv_call_init(&waiter.call, unloaded);
	if (rv_plugins_unload(core->plugins, name, false, &waiter.call, &why) != RV_PENDING) {
		fprintf(stderr, "load-one: %s\n", why.text);
		return 1;
	}
	while (!waiter.done)
		rv_loop_turn(core->loop, RV_MS(10));
	return waiter.result ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *folders[] = { argc == 3 ? argv[1] : NULL, NULL };
	struct rv_core *core = talloc_zero(NULL, struct rv_core);
	int status = 2;

	if (argc == 3 && core && core_init(core, folders))
		status = load(core, argv[2]);
	talloc_free(core);
	return status;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* mini: the small core of tests of single plugins. */
#include "test.h"

#include "mini.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

enum { TURN_US = 5000, TURNS = 400 };

static struct rv_conf *read_conf(struct rv_core *core, const struct mini_plugin *plugins, const char *conf)
{
	struct rv_schema *schema = rv_schema_new(core);
	struct rv_why why = { 0 };

	for (; plugins->name; plugins++)
		if (plugins->schema && rv_schema_add(schema, plugins->name, plugins->schema, &why))
			fail_msg("schema of %s: %s", plugins->name, why.text);
	struct rv_conf *read = rv_conf_read_text(core, core->vault, schema, "test", conf ? conf : "", &why);
	if (!read)
		fail_msg("configuration: %s", why.text);
	return read;
}

/* Plugins go first, while all that they stand on is there. */
static int gone(struct rv_core *core)
{
	TALLOC_FREE(core->plugins);
	return 0;
}

int mini_try(const struct mini_plugin *plugins, const char *conf, const struct rv_clock *clock, struct rv_core **out)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);
	struct rv_why why = { 0 };
	int r = 0;

	assert_non_null(core);
	talloc_set_destructor(core, gone);
	*out = core;
	core->params.no_measure = true;
	core->params.no_self_test = true;
	core->log = rv_log_new(core, getenv("RAVELIN_TEST_DEBUG") ? RV_DEBUG : RV_ERROR, NULL, NULL);
	core->subject = (struct rv_subject){ .log = core->log, .kind = "core", .name = "mini" };
	core->loop = rv_loop_new(core, clock);
	core->vault = rv_vault_new(core);
	core->jobs = rv_jobs_new(core, core->loop, 0);
	core->registry = rv_registry_new(core, core);
	assert_true(core->log && core->loop && core->vault && core->jobs && core->registry);
	core->conf = read_conf(core, plugins, conf);
	core->plugins = rv_plugins_new(core, core);
	assert_non_null(core->plugins);
	for (; !r && plugins->name; plugins++)
		r = rv_plugins_load_static(core->plugins, plugins->name, plugins->plugin, &why);
	return r;
}

struct rv_core *mini_new(const struct mini_plugin *plugins, const char *conf, const struct rv_clock *clock)
{
	struct rv_core *core;

	if (mini_try(plugins, conf, clock, &core))
		fail_msg("a plugin was refused");
	return core;
}

const void *mini_ops(struct rv_core *core, const char *kind, const char *name, void **self)
{
	struct rv_service *service = rv_registry_find(core->registry, kind, name);

	if (!service)
		fail_msg("no service %s:%s", kind, name ? name : "*");
	*self = rv_service_self(service);
	return rv_service_ops(service);
}

bool mini_until(struct rv_core *core, bool (*done)(void *arg), void *arg)
{
	for (int i = 0; i < TURNS && !done(arg); i++)
		(void)!rv_loop_turn(core->loop, TURN_US);
	return done(arg);
}

void mini_settle(struct rv_core *core)
{
	for (int i = 0; i < TURNS && rv_loop_turn(core->loop, 0) > 0; i++)
		;
}

bool mini_own_net(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	bool there = !unshare(CLONE_NEWNET) || !unshare(CLONE_NEWUSER | CLONE_NEWNET);
	int fd = there ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	bool up = fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &lo);

	if (fd >= 0)
		close(fd);
	if (!up)
		puts("1..0 # SKIP no network namespace can be made here");
	return up;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* core: makes the parts of a daemon in their order, swaps configurations in whole, and ends it all in good order. */
#include "sa/inner.h"

#include "conf.h"

#include <errno.h>
#include <ravelin/dns.h>
#include <string.h>
#include <talloc.h>

/* Birth and death */

static int core_gone(struct rv_core *core)
{
	TALLOC_FREE(core->stop);
	TALLOC_FREE(core->tunnels);
	rv_list_each (rv_sad_peers(core), peer, struct rv_peer, entry)
		talloc_free(peer);
	TALLOC_FREE(core->traps);
	TALLOC_FREE(core->sad);
	TALLOC_FREE(core->spd);
	TALLOC_FREE(core->names);
	rv_jobs_stop(core->jobs); /* what runs in a job uses what its plugin has */
	TALLOC_FREE(core->plugins);
	TALLOC_FREE(core->bus); /* behind the plugins, whose objects are on it */
	TALLOC_FREE(core->host);
	TALLOC_FREE(core->pad);
	TALLOC_FREE(core->registry);
	TALLOC_FREE(core->jobs);
	return 0;
}

/* The configuration before there is one. */
static struct rv_conf *empty_conf(struct rv_core *core, struct rv_why *why)
{
	struct rv_schema *schema = rv_schema_new(core);
	struct rv_conf *conf = NULL;

	if (schema && !rv_schema_add(schema, "core", rv_schema_core, why))
		conf = rv_conf_read_text(core, core->vault, schema, "empty", "", why);
	talloc_free(schema);
	return conf;
}

static bool make_parts(struct rv_core *core, struct rv_why *why)
{
	const struct rv_core_params *params = &core->params;

	core->log = rv_log_new(core, params->log_level, params->log, params->log_self);
	core->subject = (struct rv_subject){ .log = core->log, .kind = "core", .name = "ravelin" };
	core->loop = rv_loop_new(core, params->clock);
	core->vault = rv_vault_new(core);
	if (!core->log || !core->loop || !core->vault)
		return false;
	core->jobs = rv_jobs_new(core, core->loop, params->n_job_threads);
	core->registry = core->jobs ? rv_registry_new(core, core) : NULL;
	core->host = core->registry ? rv_host_new(core, "core") : NULL;
	core->conf = core->host ? empty_conf(core, why) : NULL;
	core->plugins = core->conf ? rv_plugins_new(core, core) : NULL;
	core->pad = core->plugins ? rv_pad_new(core, core, core->conf, why) : NULL;
	core->names = core->pad ? rv_names_new(core) : NULL;
	core->spd = core->names ? rv_spd_new(core, core) : NULL;
	core->sad = core->spd ? rv_sad_new(core, core) : NULL;
	core->attempt_index = core->sad ? rv_attempts_new(core, core) : NULL;
	core->traps = core->attempt_index ? rv_traps_new(core, core) : NULL;
	core->tunnels = core->traps ? rv_tunnels_new(core, core) : NULL;
	return core->tunnels;
}

struct rv_core *rv_core_new(const void *parent, const struct rv_core_params *params, struct rv_why *why)
{
	struct rv_core *core = talloc_zero(parent, struct rv_core);

	if (core) {
		core->params = *params;
		rv_list_init(&core->attempts);
	}
	if (core && make_parts(core, why)) {
		talloc_set_destructor(core, core_gone);
		return core;
	}
	talloc_free(core);
	if (why && !why->code)
		rv_why_set(why, -ENOMEM, "the daemon's parts could not be made");
	return NULL;
}

/* Configuration */

struct load {
	struct rv_core *core;
	struct rv_why *why;
	struct rv_schema *schema;
	const char **names; /* plugins: loaded before, then those that came since */
	size_t n_names, n_before;
};

static int add_schema(const struct rv_plugin_info *info, void *arg)
{
	struct load *load = arg;

	return info->schema ? rv_schema_add(load->schema, info->name, info->schema, load->why) : 0;
}

/* Every known plugin's keys are valid, loaded or not: a file need not change when a plugin comes or goes. */
static struct rv_conf *read_conf(struct load *load, const char *path, const char *name, const char *text)
{
	struct rv_core *core = load->core;
	struct rv_conf *conf = NULL;

	load->schema = rv_schema_new(core);
	if (!load->schema) {
		rv_why_set(load->why, -ENOMEM, "memory is out");
		return NULL;
	}
	load->schema->params = &core->params;
	if (!rv_schema_add(load->schema, "core", rv_schema_core, load->why) &&
	    !rv_plugins_each(core->plugins, add_schema, load))
		conf = path ? rv_conf_read_file(core, core->vault, load->schema, path, load->why)
			    : rv_conf_read_text(core, core->vault, load->schema, name, text, load->why);
	TALLOC_FREE(load->schema);
	return conf;
}

static bool known(const struct load *load, const char *name)
{
	for (size_t i = 0; i < load->n_names; i++)
		if (strcmp(load->names[i], name) == 0)
			return true;
	return false;
}

static int note_plugin(const struct rv_plugin_info *info, void *arg)
{
	struct load *load = arg;
	const char **grown;

	if (!info->loaded || known(load, info->name))
		return 0;
	grown = talloc_realloc(load, load->names, const char *, load->n_names + 1);
	if (!grown)
		return -ENOMEM;
	load->names = grown;
	grown[load->n_names] = talloc_strdup(grown, info->name);
	return grown[load->n_names++] ? 0 : -ENOMEM;
}

/* Plugins that came for a configuration that is refused go again: those that another one needs after that one. */
static void unload_new(struct load *load)
{
	size_t gone = 1;

	if (rv_plugins_each(load->core->plugins, note_plugin, load))
		return;
	while (gone) {
		gone = 0;
		for (size_t i = load->n_before; i < load->n_names; i++) {
			if (load->names[i] &&
			    rv_plugins_unload(load->core->plugins, load->names[i], false, NULL, NULL) >= 0) {
				load->names[i] = NULL;
				gone++;
			}
		}
	}
}

/* Says ravelin.order.KIND to the registry for every kind that is offered. */
static int order_kind(struct rv_service *service, void *arg)
{
	struct rv_core *core = arg;
	const char *kind = rv_service_kind(service);
	const struct rv_conf *order = rv_conf_section(rv_conf_section(core->conf, "ravelin"), "order");

	/* once a kind: the first service that the walk meets stands for all */
	if (service == rv_registry_find(core->registry, kind, NULL))
		rv_registry_order(core->registry, kind, rv_conf_list(order, kind));
	return 0;
}

static int check_connection(const struct rv_connection *connection, void *arg)
{
	struct load *load = arg;
	struct rv_why why = { 0 };
	struct rv_service *service = rv_keying_of(load->core, connection, &why);
	int r;

	if (!service) {
		rv_log(&load->core->subject, RV_WARN, "no-keying", KV_STR("connection", connection->name),
		       KV_STR("why", why.text));
		return 0;
	}
	const struct rv_keying_ops *ops = rv_service_ops(service);
	if (!RV_HAS(ops, check))
		return 0;
	r = ops->check(rv_service_self(service), connection, load->why);
	return r < 0 ? rv_why_set(load->why, r, "connection %s", connection->name) : 0;
}

static int stage(struct load *load, enum rv_core_stage which)
{
	const struct rv_core_params *params = &load->core->params;

	return params->stage ? params->stage(params->stage_self, load->core, which, load->why) : 0;
}

/* The databases of the new snapshot, which is core->conf already: plugins read it in init. A plugin that cannot be
 * loaded has said so in the log, and the others go on. */
static struct rv_pad *prepare(struct load *load)
{
	struct rv_core *core = load->core;
	struct rv_why why = { 0 };
	struct rv_pad *pad;

	if (stage(load, RV_CORE_READ))
		return NULL;
	if (rv_plugins_load_configured(core->plugins, core->conf, &why))
		rv_log(&core->subject, RV_WARN, "plugins-missing", KV_STR("why", why.text));
	rv_registry_all(core->registry, order_kind, core);
	pad = rv_pad_new(core, core, core->conf, load->why);
	if (pad && !rv_pad_each(pad, check_connection, load) && !stage(load, RV_CORE_LOADED))
		return pad;
	talloc_free(pad);
	return NULL;
}

static int swap(struct load *load, const char *path, const char *name, const char *text)
{
	struct rv_core *core = load->core;
	struct rv_conf *old = core->conf, *conf = read_conf(load, path, name, text);
	struct rv_pad *old_pad = core->pad, *pad;

	if (!conf)
		return load->why->code ? load->why->code : -RV_ECONFIG;
	core->conf = conf;
	rv_jobs_hold(core->jobs, true); /* threads have the rights of their maker, who is to lose some */
	pad = prepare(load);
	rv_jobs_hold(core->jobs, false);
	if (!pad) {
		core->conf = old;
		unload_new(load);
		talloc_free(conf);
		return load->why->code ? load->why->code : -RV_ECONFIG;
	}
	core->pad = pad;
	talloc_free(old_pad);
	talloc_free(old);
	rv_tunnels_forget_off(core);
	rv_traps_sync(core);
	rv_tunnels_sync(core);
	rv_event_emit(core, &(struct rv_event){ .name = "reloaded", .text = path ? path : name });
	return 0;
}

static int load_from(struct rv_core *core, const char *path, const char *name, const char *text, struct rv_why *why)
{
	struct load *load = talloc_zero(core, struct load);
	struct rv_why local = { 0 };
	int r;

	if (!load)
		return rv_why_set(why, -ENOMEM, "memory is out");
	*load = (struct load){ .core = core, .why = why ? why : &local };
	r = core->stopping ? rv_why_set(load->why, -RV_ESTATE, "the daemon is stopping")
			   : rv_plugins_each(core->plugins, note_plugin, load);
	load->n_before = load->n_names;
	if (!r)
		r = swap(load, path, name, text);
	talloc_free(load);
	return r;
}

int rv_core_load(struct rv_core *core, const char *path, struct rv_why *why)
{
	return load_from(core, path, NULL, NULL, why);
}

int rv_core_load_text(struct rv_core *core, const char *name, const char *text, struct rv_why *why)
{
	return load_from(core, NULL, name, text, why);
}

/* Plugins at run time */

int rv_core_plugin_load(struct rv_core *core, const char *name, struct rv_why *why)
{
	const char *const names[] = { name, NULL };
	int r = rv_plugins_load(core->plugins, names, why);

	rv_registry_all(core->registry, order_kind, core);
	return r;
}

int rv_core_plugin_unload(struct rv_core *core, const char *name, bool drain, struct rv_call *call, struct rv_why *why)
{
	return rv_plugins_unload(core->plugins, name, drain, call, why);
}

/* The end */

enum { STOP_MS = 3000 };

struct rv_stop {
	struct rv_core *core;
	struct rv_timer timer;
	rv_defer_fn *done;
	void *arg;
	unsigned n_waiting;
};

/* One keying protocol's good-byes. */
struct goodbye {
	struct rv_call call;
	struct rv_stop *stop;
};

static int flush_kernel(struct rv_service *service, void *arg)
{
	const struct rv_kernel_ops *ops = rv_service_ops(service);

	ops->flush(rv_service_self(service));
	return 0;
}

static int flush_net(struct rv_service *service, void *arg)
{
	const struct rv_net_ops *ops = rv_service_ops(service);

	ops->flush(rv_service_self(service));
	return 0;
}

static int flush_dns(struct rv_service *service, void *arg)
{
	const struct rv_dns_ops *ops = rv_service_ops(service);

	ops->flush(rv_service_self(service));
	return 0;
}

static int stop_gone(struct rv_stop *stop)
{
	rv_timer_cancel(&stop->timer);
	return 0;
}

static void stopped(struct rv_timer *timer)
{
	struct rv_stop *stop = rv_container_of(timer, struct rv_stop, timer);
	struct rv_core *core = stop->core;
	rv_defer_fn *done = stop->done;
	void *arg = stop->arg;

	TALLOC_FREE(core->stop);
	rv_list_each (rv_sad_peers(core), peer, struct rv_peer, entry)
		rv_peer_down(peer, 0, "the daemon stops");
	rv_registry_each(core->registry, "kernel", flush_kernel, NULL);
	rv_registry_each(core->registry, "net", flush_net, NULL);
	rv_registry_each(core->registry, "dns", flush_dns, NULL);
	done(arg);
}

static int goodbye_gone(struct goodbye *goodbye)
{
	rv_call_cancel(&goodbye->call);
	return 0;
}

/* Every answer may be the last; what follows it runs from the timer, outside the protocol that answered. */
static void answered(struct rv_call *call, int result)
{
	struct goodbye *goodbye = rv_container_of(call, struct goodbye, call);
	struct rv_stop *stop = goodbye->stop;

	if (!--stop->n_waiting && rv_timer_arm(&stop->timer, 0))
		stopped(&stop->timer);
}

static int stop_keying(struct rv_service *service, void *arg)
{
	struct rv_stop *stop = arg;
	const struct rv_keying_ops *ops = rv_service_ops(service);
	struct goodbye *goodbye = talloc_zero(stop, struct goodbye);

	if (!goodbye)
		return 0;
	goodbye->stop = stop;
	rv_call_init(&goodbye->call, answered);
	talloc_set_destructor(goodbye, goodbye_gone);
	stop->n_waiting++;
	int r = ops->stop(rv_service_self(service), &goodbye->call);
	if (r != RV_PENDING)
		answered(&goodbye->call, r);
	return 0;
}

void rv_core_stop(struct rv_core *core, rv_defer_fn *done, void *arg)
{
	struct rv_stop *stop;

	if (core->stop)
		return;
	stop = talloc_zero(core, struct rv_stop);
	if (!stop) {
		done(arg);
		return;
	}
	*stop = (struct rv_stop){ .core = core, .done = done, .arg = arg, .n_waiting = 1 };
	talloc_set_destructor(stop, stop_gone);
	core->stop = stop;
	core->stopping = true;
	rv_timer_init(&stop->timer, core->loop, stopped);
	rv_tunnels_clear(core);
	rv_traps_clear(core);
	if (rv_timer_arm(&stop->timer, RV_MS(STOP_MS))) {
		stopped(&stop->timer);
		return;
	}
	rv_registry_each(core->registry, "keying", stop_keying, stop);
	if (!--stop->n_waiting && rv_timer_arm(&stop->timer, 0))
		stopped(&stop->timer);
}

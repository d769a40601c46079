// SPDX-License-Identifier: LGPL-2.1-or-later
/* trap: the policies that stand without an SA: traps, and children with mode = pass or drop (RFC 4301, 4.4.1).
 *
 * A child with start_action trap or start has one from the time when the configuration is loaded, so that its traffic
 * never leaves unprotected; that of start goes while the operator has taken the connection down.
 */
#include "inner.h"

#include <string.h>
#include <talloc.h>

struct trap {
	struct rv_list entry; /* in named->traps */
	struct rv_core *core;
	struct rv_named *named;
	const char *child, *interface;
	struct rv_service *kernel;
	struct rv_spd_set set;
	struct rv_ts *ts; /* local ones, then remote ones */
	size_t n_local, n_remote;
	uint32_t reqid, priority;
	uint8_t action;
	bool protects, extra, stays;
	struct rv_user user;
	struct rv_call call;
};

struct rv_traps {
	struct rv_core *core;
	struct rv_table reqids;
	bool deferred;
};

static void trap_text(const struct rv_user *user, char *out, size_t size)
{
	const struct trap *trap = rv_container_of(user, const struct trap, user);

	snprintf(out, size, "trap %s of %s", trap->child, trap->named->name);
}

static int trap_gone(struct trap *trap)
{
	rv_call_cancel(&trap->call);
	rv_spd_set_fini(&trap->set);
	if (trap->reqid)
		rv_table_del(&trap->core->traps->reqids, trap);
	rv_reqid_drop(trap->core->spd, trap->reqid);
	rv_list_del(&trap->entry);
	rv_named_drop(trap->named);
	return 0;
}

static struct trap *find(const struct rv_core *core, const char *connection, const char *child)
{
	struct rv_named *named = rv_named_find(core, connection);

	if (!named)
		return NULL;
	rv_list_each (&named->traps, it, struct trap, entry)
		if (strcmp(it->child, child) == 0)
			return it;
	return NULL;
}

/* The one address of a list of a connection, with *names telling whether there are names or patterns. */
static bool single(const char *const *list, struct rv_addr *out)
{
	return list && list[0] && !list[1] && !rv_addr_parse(out, list[0]) && !rv_addr_is_any(out);
}

static bool local_single(struct rv_core *core, const struct rv_connection *connection, struct rv_addr *out)
{
	struct rv_service *net = rv_registry_find(core->registry, "net", NULL);
	struct rv_addr remote;

	if (single(connection->local_addrs, out))
		return true;
	if (!net || !single(connection->remote_addrs, &remote))
		return false;
	const struct rv_net_ops *ops = rv_service_ops(net);
	return !ops->source(rv_service_self(net), &remote, out) && !rv_addr_is_any(out);
}

/* Selectors as they stand without an SA: a dynamic one is the address that the SA would have. */
static bool fill(struct rv_ts *out, const struct rv_ts *in, size_t n, bool known, const struct rv_addr *addr)
{
	for (size_t i = 0; i < n; i++) {
		out[i] = in[i];
		if (in[i].family)
			continue;
		if (!known)
			return false;
		out[i] = rv_ts_prefix(addr, addr->family == RV_IPV4 ? 32 : 128);
		out[i].proto = in[i].proto;
		out[i].port_lo = in[i].port_lo;
		out[i].port_hi = in[i].port_hi;
	}
	return true;
}

static struct trap *trap_new(struct rv_traps *traps, const struct rv_child_conf *conf)
{
	const struct rv_connection *connection = conf->connection;
	struct trap *trap = talloc_zero(traps, struct trap);
	struct rv_addr local, remote;

	if (!trap)
		return NULL;
	*trap = (struct trap){ .core = traps->core,
			       .named = rv_named_hold(traps->core, connection->name),
			       .child = talloc_strdup(trap, conf->name),
			       .interface = conf->interface ? talloc_strdup(trap, conf->interface) : NULL,
			       .ts = talloc_array(trap, struct rv_ts, conf->n_local_ts + conf->n_remote_ts),
			       .n_local = conf->n_local_ts,
			       .n_remote = conf->n_remote_ts,
			       .priority = conf->priority,
			       .action = conf->mode,
			       .protects = conf->mode == RV_TUNNEL || conf->mode == RV_TRANSPORT,
			       .user.text = trap_text };
	rv_list_init(&trap->entry);
	talloc_set_destructor(trap, trap_gone);
	if (!trap->named || !trap->child || (conf->interface && !trap->interface) || !trap->ts) {
		talloc_free(trap);
		return NULL;
	}
	bool known = local_single(traps->core, connection, &local);
	bool known_remote = single(connection->remote_addrs, &remote);
	if (fill(trap->ts, conf->local_ts, conf->n_local_ts, known, &local) &&
	    fill(trap->ts + trap->n_local, conf->remote_ts, conf->n_remote_ts, known_remote, &remote))
		return trap;
	rv_log(&traps->core->subject, RV_WARN, "trap-refused", KV_STR("connection", connection->name),
	       KV_STR("child", conf->name),
	       KV_STR("why", "a dynamic selector stands for an address that is not known before the tunnel is up"),
	       KV_STR("advice", "give local_ts and remote_ts, or one address each in local_addrs and remote_addrs"));
	talloc_free(trap);
	return NULL;
}

static bool same(const struct trap *a, const struct trap *b)
{
	if (a->n_local != b->n_local || a->n_remote != b->n_remote || a->priority != b->priority ||
	    a->action != b->action || !a->interface != !b->interface ||
	    (a->interface && strcmp(a->interface, b->interface) != 0))
		return false;
	for (size_t i = 0; i < a->n_local + a->n_remote; i++)
		if (!rv_ts_same(&a->ts[i], &b->ts[i]))
			return false;
	return true;
}

static void failed(struct trap *trap, const char *text)
{
	rv_log(&trap->core->subject, RV_ERROR, "trap-failed", KV_STR("connection", trap->named->name),
	       KV_STR("child", trap->child), KV_STR("why", text));
}

static void installed(struct rv_call *call, int result)
{
	struct trap *trap = rv_container_of(call, struct trap, call);

	if (!result)
		return;
	failed(trap, rv_error_text(result));
	talloc_free(trap);
}

static int reqid_for(struct trap *trap)
{
	struct rv_spd *spd = trap->core->spd;
	uint32_t there = rv_spd_reqid_of(spd, trap->ts, trap->n_local, trap->ts + trap->n_local, trap->n_remote,
					 trap->interface);
	uint32_t reqid = there;
	int r;

	if (!trap->protects)
		return 0;
	r = there ? rv_reqid_hold(spd, there) : rv_reqid_new(spd, &reqid);
	if (r)
		return r;
	trap->reqid = reqid;
	r = rv_table_add(&trap->core->traps->reqids, trap);
	if (r) {
		rv_reqid_drop(spd, reqid);
		trap->reqid = 0;
	}
	return r;
}

/* The trap into its list and the kernel; frees it when that fails. */
static void install(struct trap *trap)
{
	struct rv_core *core = trap->core;
	struct rv_why why = { 0 };
	int r = reqid_for(trap);

	rv_list_add(&trap->named->traps, &trap->entry);
	trap->kernel = rv_registry_find(core->registry, "kernel", NULL);
	if (!r && trap->kernel) {
		const struct rv_spd_want want = { .kernel = trap->kernel,
						  .user = &trap->user,
						  .local = trap->ts,
						  .n_local = trap->n_local,
						  .remote = trap->ts + trap->n_local,
						  .n_remote = trap->n_remote,
						  .action = trap->action,
						  .trap = trap->protects,
						  .reqid = trap->reqid,
						  .priority = trap->priority,
						  .interface = trap->interface };

		r = rv_spd_set_init(&trap->set, core->spd, &want, &why);
		if (!r) {
			rv_call_init(&trap->call, installed);
			r = rv_spd_set_install(&trap->set, RV_SPD_NET, &trap->call);
			if (r >= 0)
				return;
		}
	}
	if (trap->kernel) /* without one, the trap is set when a kernel plugin comes */
		failed(trap, why.text[0] ? why.text : rv_error_text(r));
	talloc_free(trap);
}

static bool all_addresses(const char *const *list)
{
	struct rv_addr addr;

	for (; list && *list; list++)
		if (rv_addr_parse(&addr, *list))
			return false;
	return true;
}

/* What the configuration alone asks for. A peer that is known by name only must be looked up in the clear, so start
 * does not hold traffic back then. */
static bool configured(struct rv_core *core, const struct rv_child_conf *conf)
{
	bool protects = conf->mode == RV_TUNNEL || conf->mode == RV_TRANSPORT;

	if (conf->start_action == RV_ACTION_TRAP)
		return true;
	if (conf->start_action != RV_ACTION_START)
		return false;
	return !protects ||
	       (rv_tunnels_wanted(core, conf->connection->name) && all_addresses(conf->connection->remote_addrs));
}

/* One child: keeps the trap that is there when it is to stay as it is. */
static void want(struct rv_traps *traps, const struct rv_child_conf *conf)
{
	struct trap *old = find(traps->core, conf->connection->name, conf->name);
	bool extra = old && old->extra && (conf->close_action == RV_ACTION_TRAP || conf->dpd_action == RV_ACTION_TRAP);

	if (!extra && !configured(traps->core, conf))
		return;
	struct trap *trap = trap_new(traps, conf);
	if (!trap)
		return;
	trap->stays = true;
	trap->extra = extra;
	if (old && same(old, trap)) {
		old->stays = true;
		talloc_free(trap);
		return;
	}
	talloc_free(old);
	install(trap);
}

static int each_connection(const struct rv_connection *connection, void *arg)
{
	for (size_t i = 0; i < connection->n_children; i++)
		want(arg, &connection->children[i]);
	return 0;
}

static void unmark(struct rv_named *named, void *arg)
{
	rv_list_each (&named->traps, it, struct trap, entry)
		it->stays = false;
}

static void sweep(struct rv_named *named, void *arg)
{
	rv_list_each (&named->traps, it, struct trap, entry)
		if (!it->stays)
			talloc_free(it);
}

void rv_traps_sync(struct rv_core *core)
{
	rv_names_each(core, unmark, NULL);
	if (core->pad && !core->stopping)
		rv_pad_each(core->pad, each_connection, core->traps);
	rv_names_each(core, sweep, NULL);
}

void rv_traps_clear(struct rv_core *core)
{
	rv_names_each(core, unmark, NULL);
	rv_names_each(core, sweep, NULL);
}

void rv_traps_add(struct rv_core *core, const struct rv_child_conf *conf)
{
	struct trap *trap;

	if (core->stopping || find(core, conf->connection->name, conf->name))
		return;
	trap = trap_new(core->traps, conf);
	if (!trap)
		return;
	trap->extra = true;
	install(trap);
}

uint32_t rv_traps_reqid(struct rv_core *core, const struct rv_child_conf *conf)
{
	const struct trap *trap = find(core, conf->connection->name, conf->name);

	return trap ? trap->reqid : 0;
}

bool rv_traps_whose(struct rv_core *core, uint32_t reqid, const char **connection, const char **child)
{
	const struct trap *trap = reqid ? rv_table_find(&core->traps->reqids, reqid, NULL) : NULL;

	if (!trap)
		return false;
	*connection = trap->named->name;
	*child = trap->child;
	return true;
}

static void sync_later(void *arg)
{
	struct rv_traps *traps = arg;

	traps->deferred = false;
	rv_traps_sync(traps->core);
}

static void leave(struct rv_named *named, void *arg)
{
	rv_list_each (&named->traps, it, struct trap, entry)
		if (it->kernel == arg)
			talloc_free(it);
}

/* Traps wait for a kernel, and do not keep one from being unloaded. */
static void kernel_change(void *arg, struct rv_service *service, bool added)
{
	struct rv_traps *traps = arg;

	if (!added)
		rv_names_each(traps->core, leave, service);
	if (!traps->deferred)
		traps->deferred = !rv_defer(traps->core->loop, sync_later, traps);
}

static int traps_gone(struct rv_traps *traps)
{
	rv_defer_cancel(traps->core->loop, traps);
	rv_traps_clear(traps->core);
	return 0;
}

struct rv_traps *rv_traps_new(const void *parent, struct rv_core *core)
{
	struct rv_traps *traps = talloc_zero(parent, struct rv_traps);

	if (!traps)
		return NULL;
	traps->core = core;
	traps->reqids = rv_table(traps, offsetof(struct trap, reqid));
	talloc_set_destructor(traps, traps_gone);
	if (!rv_registry_watch(core->registry, traps, "kernel", kernel_change, traps)) {
		talloc_free(traps);
		return NULL;
	}
	return traps;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* manager: org.ravelin.IPsec1.Manager, the verbs of the root object.
 *
 * Handlers decode, call a verb of the core, encode. List() is the one way to page through any folder: its rows are the
 * properties of the objects.
 */
#include "face.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <ravelin/kernel.h>
#include <ravelin/net.h>
#include <ravelin/sa.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

enum { MAX_ROWS = 1000 };

static int up(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	const char *connection = rv_bus_in_str(in), *child = rv_bus_in_str(in);
	struct rv_attempt *attempt = NULL;
	char name[16];
	int r = rv_core_up(bus->core, connection, *child ? child : NULL, "user", &attempt, why);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%" PRIu32, attempt->id);
	rv_bus_out_path(out, "attempt", name);
	rv_attempt_drop(attempt);
	return 0;
}

static int down(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;

	return rv_core_down(bus->core, rv_bus_in_str(in), why);
}

struct rekey {
	const char *child; /* "": the session itself */
	unsigned n;
	int r; /* the first failure */
};

static void rekeyed(struct rekey *rekey, int r)
{
	rekey->n++;
	rekey->r = rekey->r < 0 ? rekey->r : r;
}

static int rekey_peer(struct rv_peer *peer, void *arg)
{
	struct rekey *rekey = arg;
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);
	void *keying = rv_service_self(peer->keying.service);

	if (!peer->established)
		return 0;
	if (!*rekey->child) {
		rekeyed(rekey, RV_HAS(ops, rekey) ? ops->rekey(keying, peer) : -EOPNOTSUPP);
		return 0;
	}
	rv_list_each (&peer->children, child, struct rv_child, entry)
		if (!strcmp(child->conf->name, rekey->child) && child->state == RV_CHILD_INSTALLED)
			rekeyed(rekey, RV_HAS(ops, child_rekey) ? ops->child_rekey(keying, child) : -EOPNOTSUPP);
	return 0;
}

static int rekey(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	const char *connection = rv_bus_in_str(in);
	struct rekey rekey = { .child = rv_bus_in_str(in) };
	const char *slash = *rekey.child ? "/" : "";

	(void)rv_peer_each(bus->core, connection, rekey_peer, &rekey);
	if (!rekey.n && !rv_connection_find(bus->core, connection))
		return rv_why_set(why, -RV_EUNKNOWN_CONNECTION, "no connection is called %s", connection);
	if (!rekey.n)
		return rv_why_set(why, -RV_ESTATE, "%s%s%s has no SA to rekey; `ravelin up %s` makes one", connection,
				  slash, rekey.child, connection);
	if (rekey.r < 0)
		return rv_why_set(why, rekey.r, "cannot rekey %s%s%s: %s", connection, slash, rekey.child,
				  rv_error_text(rekey.r));
	return 0;
}

struct reauth {
	unsigned n;
	int r; /* the last failure */
};

static int reauth_peer(struct rv_peer *peer, void *arg)
{
	struct reauth *reauth = arg;
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);
	int r = -EOPNOTSUPP;

	if (!peer->established)
		return 0;
	if (RV_HAS(ops, reauth))
		r = ops->reauth(rv_service_self(peer->keying.service), peer);
	reauth->n++;
	reauth->r = r < 0 ? r : reauth->r;
	return 0;
}

static int reauth(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	const char *connection = rv_bus_in_str(in);
	struct reauth reauth = { 0 };

	(void)rv_peer_each(bus->core, connection, reauth_peer, &reauth);
	if (!reauth.n && !rv_connection_find(bus->core, connection))
		return rv_why_set(why, -RV_EUNKNOWN_CONNECTION, "no connection is called %s", connection);
	if (!reauth.n)
		return rv_why_set(why, -RV_ESTATE, "%s has no session; `ravelin up %s` makes one", connection,
				  connection);
	if (reauth.r == -RV_ESTATE)
		return rv_why_set(why, reauth.r,
				  "a session of %s was set up by the peer, which cannot be asked, or is being closed: "
				  "reauthenticate on the peer's side",
				  connection);
	if (reauth.r < 0)
		return rv_why_set(why, reauth.r, "cannot authenticate %s anew: %s", connection,
				  rv_error_text(reauth.r));
	return 0;
}

static int reload(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;

	if (!bus->core->params.config_path)
		return rv_why_set(why, -RV_ESTATE, "this daemon was started without a configuration file");
	return rv_core_load(bus->core, bus->core->params.config_path, why);
}

static int load_plugin(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;

	plugins_changed(bus);
	return rv_core_plugin_load(bus->core, rv_bus_in_str(in), why);
}

struct unload {
	struct rv_call call;
	struct rv_bus_call *answer;
};

static void unloaded(struct rv_call *call, int result)
{
	struct unload *unload = rv_container_of(call, struct unload, call);

	rv_bus_answer(unload->answer, result, NULL);
	talloc_free(unload);
}

static int unload_gone(struct unload *unload)
{
	rv_call_cancel(&unload->call);
	return 0;
}

/* The plugin is let go from now on, whether or not somebody waits for the end of it. */
static int unload_plugin(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	const char *name = rv_bus_in_str(in);
	bool drain = rv_bus_in_bool(in);
	struct unload *unload = talloc_zero(bus, struct unload);

	if (!unload)
		return -ENOMEM;
	rv_call_init(&unload->call, unloaded);
	talloc_set_destructor(unload, unload_gone);
	int r = rv_core_plugin_unload(bus->core, name, drain, &unload->call, why);

	if (r == RV_PENDING) {
		plugins_changed(bus);
		rv_bus_changed(bus->plugins, name, "State");
		unload->answer = rv_bus_pend(in);
		if (unload->answer)
			return RV_PENDING;
		r = rv_why_set(why, -RV_ELIMIT, "plugin %s is being unloaded, but too many calls wait to tell you when",
			       name);
	}
	talloc_free(unload);
	return r;
}

static int stop(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;

	if (!bus->core->params.stop)
		return rv_why_set(why, -RV_ESTATE, "this daemon cannot be stopped over D-Bus");
	bus->core->params.stop(bus->core->params.stop_self);
	return 0;
}

static int log_level(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	static const char *const words[] = { "error", "warn", "notice", "info", "debug" };
	struct rv_bus *bus = self;
	const char *word = rv_bus_in_str(in);

	for (size_t i = 0; i < RV_COUNT(words); i++) {
		if (!strcmp(word, words[i])) {
			rv_log_level(bus->core->log, (enum rv_level)i);
			return 0;
		}
	}
	return rv_why_set(why, -RV_ECONFIG, "no log level is called %s: error, warn, notice, info or debug", word);
}

struct rows {
	struct rv_bus_out *out;
	struct rv_bus_folder *folder;
	uint32_t skip, at, left;
	bool more;
};

static int row(void *arg, const char *name, void *object)
{
	struct rows *rows = arg;

	if (rows->at++ < rows->skip)
		return 0;
	if (!rows->left) {
		rows->more = true;
		return 1;
	}
	rows->left--;
	rv_bus_out_open_array(rows->out, "{sv}");
	properties_out(rows->out, rows->folder->interface, object);
	rv_bus_out_close(rows->out);
	if (rows->out->octets > MAX_ANSWER)
		rows->left = 0;
	return 0;
}

static int list(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	const char *what = rv_bus_in_str(in);
	struct rows rows = { .out = out, .folder = folder_find(bus->core, what), .skip = rv_bus_in_u32(in) };

	rows.left = rv_bus_in_u32(in);
	if (!rows.folder || rows.folder == bus->root)
		return rv_why_set(why, -RV_ENOT_LOADED, "there is no folder %s; is the plugin that has it loaded?",
				  what);
	adapter_yield(in->link->adapter);
	if (!rows.left || rows.left > MAX_ROWS)
		rows.left = MAX_ROWS;
	rv_bus_out_open_array(out, "a{sv}");
	(void)rows.folder->ops->each(rows.folder->self, row, &rows);
	rv_bus_out_close(out);
	rv_bus_out_u32(out, rows.more ? rows.at - 1 : 0);
	return 0;
}

static const struct rv_bus_method methods[] = {
	{ "Up", "ss", "o", "connection,child", "attempt", RV_BUS_CONTROL, up },
	{ "Down", "s", "", "connection", "", RV_BUS_CONTROL, down },
	{ "Rekey", "ss", "", "connection,child", "", RV_BUS_CONTROL, rekey },
	{ "Reauth", "s", "", "connection", "", RV_BUS_CONTROL, reauth },
	{ "List", "suu", "aa{sv}u", "folder,cursor,max", "rows,next", RV_BUS_VIEW, list },
	{ "Reload", "", "", "", "", RV_BUS_ADMIN, reload },
	{ "LoadPlugin", "s", "", "name", "", RV_BUS_ADMIN, load_plugin },
	{ "UnloadPlugin", "sb", "", "name,drain", "", RV_BUS_ADMIN, unload_plugin },
	{ "SetLogLevel", "s", "", "level", "", RV_BUS_ADMIN, log_level },
	{ "ExportState", "hh", "u", "key,file", "sessions", RV_BUS_ADMIN, export_state },
	{ "ImportState", "hh", "u", "key,file", "sessions", RV_BUS_ADMIN, import_state },
	{ "Stop", "", "", "", "", RV_BUS_ADMIN, stop },
};

static void version(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, RV_VERSION);
}

static void uptime(void *self, struct rv_bus_out *out)
{
	struct rv_bus *bus = self;

	rv_bus_out_u64(out, (rv_loop_now_us(bus->core->loop) - bus->since_us) / 1000000);
}

static int count_peer(struct rv_peer *peer, void *arg)
{
	*(uint32_t *)arg += peer->established;
	return 0;
}

static void n_sessions(void *self, struct rv_bus_out *out)
{
	struct rv_bus *bus = self;
	uint32_t n = 0;

	(void)rv_peer_each(bus->core, NULL, count_peer, &n);
	rv_bus_out_u32(out, n);
}

static int count_child(struct rv_child *child, void *arg)
{
	++*(uint32_t *)arg;
	return 0;
}

static void n_children(void *self, struct rv_bus_out *out)
{
	struct rv_bus *bus = self;
	uint32_t n = 0;

	(void)rv_sad_each_child(bus->core, count_child, &n);
	rv_bus_out_u32(out, n);
}

static void locked(void *self, struct rv_bus_out *out)
{
	struct rv_bus *bus = self;
	size_t octets, total;

	rv_vault_locked(bus->core->vault, &octets, &total);
	rv_bus_out_bool(out, octets == total);
}

/* All that was allocated and not freed: the heap of every thread, mappings of its large blocks, and the vault's:
 * secrets' slabs and packet buffers. */
static void heap(void *self, struct rv_bus_out *out)
{
	struct rv_bus *bus = self;
	struct mallinfo2 info = mallinfo2();

	rv_bus_out_u64(out, info.uordblks + info.hblkhd + rv_vault_mapped(bus->core->vault));
}

/* What was dropped and belongs to no SA: by kernels, and by what guards the clear side. */
struct drops {
	uint64_t causes[RV_N_DROPS], in, out;
};

static int add_kernel(struct rv_service *service, void *arg)
{
	const struct rv_kernel_ops *ops = rv_service_ops(service);
	uint64_t causes[RV_N_DROPS];
	struct drops *drops = arg;

	if (!RV_HAS(ops, dropped) || ops->dropped(rv_service_self(service), causes))
		return 0;
	for (size_t i = 0; i < RV_N_DROPS; i++)
		drops->causes[i] += causes[i];
	return 0;
}

static int add_net(struct rv_service *service, void *arg)
{
	const struct rv_net_ops *ops = rv_service_ops(service);
	struct drops *drops = arg;
	uint64_t in, out;

	if (!RV_HAS(ops, dropped) || ops->dropped(rv_service_self(service), &in, &out))
		return 0;
	drops->in += in;
	drops->out += out;
	return 0;
}

static void dropped(void *self, struct rv_bus_out *out)
{
	struct rv_registry *registry = ((struct rv_bus *)self)->core->registry;
	struct drops drops = { 0 };

	(void)rv_registry_each(registry, "kernel", add_kernel, &drops);
	(void)rv_registry_each(registry, "net", add_net, &drops);
	rv_bus_out_open_array(out, "{st}");
	for (size_t i = 0; i < RV_N_DROPS; i++)
		drops_out(out, rv_drop_text((uint8_t)i), drops.causes[i]);
	drops_out(out, "clear-in", drops.in);
	drops_out(out, "clear-out", drops.out);
	rv_bus_out_close(out);
}

static const struct rv_bus_property properties[] = {
	{ "Version", "s", version, RV_BUS_CONST }, { "Uptime", "t", uptime },	     { "Sessions", "u", n_sessions },
	{ "ChildSas", "u", n_children },	   { "SecretsLocked", "b", locked }, { "HeapOctets", "t", heap },
	{ "Dropped", "a{st}", dropped },
};

static const struct rv_bus_signal signals[] = { { "Event", "sa{sv}", "name,details" } };

const struct rv_bus_interface manager_interface = {
	.name = BUS_NAME ".Manager",
	.methods = methods,
	.properties = properties,
	.signals = signals,
	.n_methods = RV_COUNT(methods),
	.n_properties = RV_COUNT(properties),
	.n_signals = RV_COUNT(signals),
};

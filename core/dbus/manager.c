// SPDX-License-Identifier: LGPL-2.1-or-later
/* manager: org.ravelin.IPsec1.Manager, the verbs of the root object.
 *
 * Handlers decode, call a verb of the core, encode. List() is the one way to page through any folder: its rows are the
 * properties of the objects.
 */
#include "private.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

enum { MAX_ROWS = 1000, MAX_IMPORT = 1 << 30, STATE_KEY = 32 };

static int up(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	const char *connection = rv_bus_in_str(in), *child = rv_bus_in_str(in);
	struct rv_attempt *attempt = NULL;
	char name[16];
	int r = rv_core_up(bus->core, connection, *child ? child : NULL, "user", &attempt, why);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%u", attempt->id);
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
	const char *child;
	unsigned n;
	int r;
};

static int rekey_peer(struct rv_peer *peer, void *arg)
{
	struct rekey *rekey = arg;
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);
	void *keying = rv_service_self(peer->keying.service);
	int r = 0;

	if (!peer->established)
		return 0;
	if (!*rekey->child) {
		rekey->n++;
		r = ops->rekey(keying, peer);
	}
	rv_list_each (&peer->children, child, struct rv_child, entry) {
		if (!*rekey->child || !child->conf || strcmp(child->conf->name, rekey->child) ||
		    child->state != RV_CHILD_INSTALLED)
			continue;
		rekey->n++;
		r = r < 0 ? r : ops->child_rekey(keying, child);
	}
	rekey->r = r < 0 ? r : rekey->r;
	return 0;
}

static int rekey(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	const char *connection = rv_bus_in_str(in);
	struct rekey rekey = { .child = rv_bus_in_str(in) };

	(void)rv_peer_each(bus->core, connection, rekey_peer, &rekey);
	if (!rekey.n)
		return rv_why_set(why, -RV_ESTATE, "%s%s%s has no SA to rekey; `ravelin up %s` makes one", connection,
				  *rekey.child ? "/" : "", rekey.child, connection);
	if (rekey.r < 0)
		return rv_why_set(why, rekey.r, "cannot rekey %s: %s", connection, rv_error_text(rekey.r));
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
	const char *name = rv_bus_in_str(in);
	int r = rv_core_plugin_load(bus->core, name, why);

	if (!r)
		rv_bus_changed(bus->plugins, name, "State");
	return r;
}

struct unload {
	struct rv_call call;
	struct rv_bus_call *answer;
	struct rv_why why;
};

static void unloaded(struct rv_call *call, int result)
{
	struct unload *unload = rv_container_of(call, struct unload, call);

	rv_bus_answer(unload->answer, result, &unload->why);
	talloc_free(unload);
}

static int unload_plugin(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	const char *name = rv_bus_in_str(in);
	bool drain = rv_bus_in_bool(in);
	struct unload *unload = talloc_zero(bus, struct unload);

	if (!unload)
		return -ENOMEM;
	rv_call_init(&unload->call, unloaded);
	int r = rv_core_plugin_unload(bus->core, name, drain, &unload->call, why);

	if (r == RV_PENDING) {
		unload->answer = rv_bus_pend(in);
		if (unload->answer)
			return RV_PENDING;
		rv_call_cancel(&unload->call);
		r = -ENOMEM;
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
	return 0;
}

static int list(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	const char *what = rv_bus_in_str(in);
	struct rows rows = { .out = out, .folder = folder_find(bus, what), .skip = rv_bus_in_u32(in) };

	rows.left = rv_bus_in_u32(in);
	if (!rows.folder || rows.folder == bus->root)
		return rv_why_set(why, -RV_ESTATE, "there is no folder %s; is the plugin that has it loaded?", what);
	if (!rows.left || rows.left > MAX_ROWS)
		rows.left = MAX_ROWS;
	rv_bus_out_open_array(out, "a{sv}");
	(void)rows.folder->ops->each(rows.folder->self, row, &rows);
	rv_bus_out_close(out);
	rv_bus_out_u32(out, rows.more ? rows.at - 1 : 0);
	return 0;
}

static int state_key(struct rv_bytes key, struct rv_why *why)
{
	if (key.len == STATE_KEY)
		return 0;
	return rv_why_set(why, -RV_ECONFIG, "the key that seals the state has %zu octets; it needs %d", key.len,
			  STATE_KEY);
}

static int export_state(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	struct rv_bytes key = rv_bus_in_octets(in);
	int fd = rv_bus_in_fd(in), r = state_key(key, why);
	unsigned n = 0;
	size_t len = 0;
	uint8_t *sealed = r ? NULL : rv_core_pack(bus->core, bus, key, &len, &n);

	if (!r && !sealed)
		r = rv_why_set(why, -RV_EFAILED,
			       "the state could not be packed: no memory, or no aead service is loaded");
	for (size_t at = 0; !r && at < len;) {
		ssize_t done = write(fd, sealed + at, len - at);
		if (done <= 0 && errno != EINTR)
			r = rv_why_set(why, -errno, "cannot write the state: %s", rv_error_text(-errno));
		at += done > 0 ? (size_t)done : 0;
	}
	close(fd);
	talloc_free(sealed);
	rv_bus_out_u32(out, n);
	return r;
}

static uint8_t *read_all(const void *parent, int fd, size_t *len, struct rv_why *why)
{
	struct stat st;
	uint8_t *all;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > MAX_IMPORT) {
		(void)rv_why_set(why, -RV_ECONFIG, "the state must be a file of 1 octet to 1 GiB");
		return NULL;
	}
	*len = (size_t)st.st_size;
	all = talloc_size(parent, *len);
	for (size_t at = 0; all && at < *len;) {
		ssize_t done = pread(fd, all + at, *len - at, (off_t)at);
		if (done <= 0) {
			(void)rv_why_set(why, -EIO, "cannot read the state");
			TALLOC_FREE(all);
		}
		at += (size_t)done;
	}
	return all;
}

static int import_state(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_bus *bus = self;
	struct rv_bytes key = rv_bus_in_octets(in);
	int fd = rv_bus_in_fd(in), r = state_key(key, why);
	unsigned n = 0;
	size_t len = 0;
	uint8_t *sealed = r ? NULL : read_all(bus, fd, &len, why);

	if (sealed)
		r = rv_core_unpack(bus->core, key, rv_bytes(sealed, len), &n, why);
	else if (!r)
		r = -RV_ECONFIG;
	close(fd);
	talloc_free(sealed);
	rv_bus_out_u32(out, n);
	return r;
}

static const struct rv_bus_method methods[] = {
	{ "Up", "ss", "o", "connection,child", "attempt", RV_BUS_CONTROL, up },
	{ "Down", "s", "", "connection", "", RV_BUS_CONTROL, down },
	{ "Rekey", "ss", "", "connection,child", "", RV_BUS_CONTROL, rekey },
	{ "List", "suu", "aa{sv}u", "folder,cursor,max", "rows,next", RV_BUS_VIEW, list },
	{ "Reload", "", "", "", "", RV_BUS_ADMIN, reload },
	{ "LoadPlugin", "s", "", "name", "", RV_BUS_ADMIN, load_plugin },
	{ "UnloadPlugin", "sb", "", "name,drain", "", RV_BUS_ADMIN, unload_plugin },
	{ "SetLogLevel", "s", "", "level", "", RV_BUS_ADMIN, log_level },
	{ "ExportState", "ayh", "u", "key,file", "sessions", RV_BUS_ADMIN, export_state },
	{ "ImportState", "ayh", "u", "key,file", "sessions", RV_BUS_ADMIN, import_state },
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

/* All that was allocated and not freed: the heap of every thread, mappings of its large blocks, and secrets' slabs. */
static void heap(void *self, struct rv_bus_out *out)
{
	struct rv_bus *bus = self;
	struct mallinfo2 info = mallinfo2();
	size_t octets, total;

	rv_vault_locked(bus->core->vault, &octets, &total);
	rv_bus_out_u64(out, info.uordblks + info.hblkhd + total);
}

static const struct rv_bus_property properties[] = {
	{ "Version", "s", version },	 { "Uptime", "t", uptime },	   { "Sessions", "u", n_sessions },
	{ "ChildSas", "u", n_children }, { "SecretsLocked", "b", locked }, { "HeapOctets", "t", heap },
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

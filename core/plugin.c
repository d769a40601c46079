// SPDX-License-Identifier: LGPL-2.1-or-later
/* plugin: finds, loads and unloads plugins.
 *
 * A broken plugin stops neither the daemon nor the other plugins: what is said against it goes to the log and to who
 * asked. Unloading ends on a stack of the loop's own, so that no frame of the plugin's is below it: first the host is
 * freed, a turn later the object is unmapped.
 */
#include "plugin-parts.h"
#include "registry-parts.h"

#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

enum { DRAIN_MS = 20 };

struct plugin {
	struct rv_list entry;
	struct rv_plugins *plugins;
	const char *name;
	struct rv_plugin_file *file; /* NULL: a static twin */
	struct rv_note note;
	const struct rv_plugin *body;
	struct rv_host *host;
	struct rv_timer timer;
	struct rv_call *call; /* who waits for the end of the unloading, or NULL */
	bool draining;
};

struct rv_plugins {
	struct rv_core *core;
	struct rv_list loaded; /* in the order of loading */
};

static struct plugin *find(struct rv_plugins *plugins, const char *name)
{
	rv_list_each (&plugins->loaded, plugin, struct plugin, entry)
		if (!strcmp(plugin->name, name))
			return plugin;
	return NULL;
}

/* Frees what the plugin has, then its code; jobs that were dropped (the whole daemon ends) keep that mapped: they have
 * ways to free their data. */
static void end(struct plugin *plugin)
{
	struct rv_jobs *jobs = plugin->plugins->core->jobs;
	bool busy = plugin->host && jobs && rv_jobs_of(jobs, plugin->host) > 0;

	TALLOC_FREE(plugin->host);
	if (plugin->body && RV_HAS(plugin->body, fini))
		plugin->body->fini();
	plugin->body = NULL;
	if (plugin->file)
		rv_plugin_file_unmap(plugin->file, busy);
}

static int plugin_gone(struct plugin *plugin)
{
	rv_timer_cancel(&plugin->timer);
	if (plugin->call) {
		struct rv_call *call = plugin->call;
		plugin->call = NULL;
		rv_call_finish(call, -RV_ECANCELLED);
	}
	end(plugin);
	rv_list_del(&plugin->entry);
	return 0;
}

/* In the reverse order of loading, since later ones may use what earlier ones provide. */
static int plugins_gone(struct rv_plugins *plugins)
{
	while (!rv_list_empty(&plugins->loaded))
		talloc_free(rv_container_of(plugins->loaded.prev, struct plugin, entry));
	return 0;
}

struct rv_plugins *rv_plugins_new(const void *parent, struct rv_core *core)
{
	struct rv_plugins *plugins = talloc_zero(parent, struct rv_plugins);

	if (!plugins)
		return NULL;
	plugins->core = core;
	rv_list_init(&plugins->loaded);
	talloc_set_destructor(plugins, plugins_gone);
	return plugins;
}

static struct plugin *plugin_new(struct rv_plugins *plugins, const char *name)
{
	struct plugin *plugin = talloc_zero(plugins, struct plugin);

	if (!plugin)
		return NULL;
	plugin->plugins = plugins;
	rv_list_init(&plugin->entry);
	talloc_set_destructor(plugin, plugin_gone);
	plugin->name = talloc_strdup(plugin, name);
	if (!plugin->name) {
		talloc_free(plugin);
		return NULL;
	}
	return plugin;
}

static int check_body(const struct rv_plugin *body, struct rv_why *why)
{
	size_t least = offsetof(struct rv_plugin, init) + sizeof(body->init);

	if (body->magic != RV_PLUGIN_MAGIC)
		return rv_why_set(why, -RV_EPLUGIN, "magic: rv_plugin has %08x, expected %08x", body->magic,
				  RV_PLUGIN_MAGIC);
	if (body->size < least)
		return rv_why_set(why, -RV_EVERSION, "size: rv_plugin has %u octets, at least %zu are needed",
				  body->size, least);
	if (!body->init)
		return rv_why_set(why, -RV_EPLUGIN, "init: missing");
	return 0;
}

/* Runs init. When that fails the host goes with all that init had made. */
static int start(struct plugin *plugin, const struct rv_plugin *body, struct rv_why *why)
{
	struct rv_core *core = plugin->plugins->core;
	int r = check_body(body, why);

	if (r)
		return r;
	plugin->host = rv_host_new(core, plugin->name);
	if (!plugin->host)
		return rv_why_set(why, -ENOMEM, "no memory");
	talloc_steal(plugin, plugin->host); /* so that the core's end goes through end() */
	rv_host_whole(plugin->host)->version = plugin->note.version;
	rv_host_whole(plugin->host)->libraries = plugin->file ? plugin->file->libraries : 0;
	r = body->init(plugin->host);
	if (r) {
		r = r < 0 ? r : -RV_EFAILED;
		return rv_why_set(why, r, "init: %s", rv_error_text(r));
	}
	plugin->body = body;
	rv_list_add(&plugin->plugins->loaded, &plugin->entry);
	rv_log(&plugin->host->subject, RV_DEBUG, "started", KV_STR("version", plugin->note.version),
	       KV_STR("path", plugin->file ? plugin->file->path : NULL));
	rv_event_emit(core, &(struct rv_event){ .name = "plugin-loaded", .text = plugin->name });
	return 0;
}

/* Looks for the note of a static twin in the program's own segments. */
struct own_note {
	const char *name;
	const void *parent;
	struct rv_bytes text;
};

/* A copy octet by octet: between the notes may lie gaps that belong to a sanitizer. */
__attribute__((no_sanitize("address"))) static void *copy_segment(const void *parent, const void *segment, size_t len)
{
	const volatile uint8_t *from = segment;
	uint8_t *to = talloc_array(parent, uint8_t, len);

	for (size_t i = 0; to && i < len; i++)
		to[i] = from[i];
	return to;
}

static int look_in_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct own_note *own = arg;

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		if (segment->p_type != PT_NOTE)
			continue;
		void *notes =
			copy_segment(own->parent, (const void *)(info->dlpi_addr + segment->p_vaddr), segment->p_memsz);
		if (notes && !rv_note_find_in(rv_bytes(notes, segment->p_memsz), own->name, &own->text))
			return 1;
		talloc_free(notes);
	}
	return 1; /* the first object is the program; no other is looked at */
}

int rv_plugins_load_static(struct rv_plugins *plugins, const char *name, const struct rv_plugin *body,
			   struct rv_why *why)
{
	struct own_note own = { .name = name };
	struct plugin *plugin;
	char need[128];
	int r = 0;

	if (find(plugins, name))
		return rv_why_set(why, -RV_EEXISTS, "plugin %s is loaded already", name);
	plugin = plugin_new(plugins, name);
	if (!plugin)
		return rv_why_set(why, -ENOMEM, "no memory");
	own.parent = plugin;
	dl_iterate_phdr(look_in_object, &own);
	if (own.text.p)
		r = rv_note_read(own.text, &plugin->note, why);
	if (!r && rv_order_unmet(plugins->core->registry, plugin->note.needs, NULL, need, sizeof(need)))
		r = rv_why_set(why, -RV_ENO_PROVIDER, "needs: %s, which no loaded plugin provides", need);
	if (!r)
		r = start(plugin, body, why);
	if (r) {
		rv_why_set(why, r, "plugin %s", name);
		talloc_free(plugin);
	}
	return r;
}

static int load_file(struct rv_plugins *plugins, struct rv_candidate *candidate)
{
	struct plugin *plugin = plugin_new(plugins, candidate->name);
	const struct rv_plugin *body;
	int r;

	if (!plugin)
		return rv_why_set(&candidate->why, -ENOMEM, "no memory");
	body = rv_plugin_file_map(candidate->file, &candidate->why);
	plugin->file = candidate->file;
	plugin->note = candidate->file->note;
	r = body ? start(plugin, body, &candidate->why) : candidate->why.code;
	if (r)
		talloc_free(plugin); /* the file stays the candidate's, whose note is still read */
	else
		talloc_steal(plugin, candidate->file);
	return r;
}

/* The loaded plugins whose needs nobody but this plugin meets, into out; false when there is none. */
static bool dependents(struct rv_plugins *plugins, const struct plugin *plugin, char *out, size_t size)
{
	size_t at = 0;
	char need[128];

	rv_list_each (&plugins->loaded, other, struct plugin, entry) {
		if (other == plugin || other->draining || at >= size ||
		    !rv_order_unmet(plugins->core->registry, other->note.needs, plugin->host, need, sizeof(need)))
			continue;
		at += (size_t)snprintf(out + at, size - at, "%s%s needs %s", at ? ", " : "", other->name, need);
	}
	return at > 0;
}

static void unload_cancelled(struct rv_call *call)
{
	struct plugin *plugin = call->provider;

	plugin->call = NULL;
}

/* The host is gone and a turn has passed: nothing of the plugin's is on a stack or in a queue. */
static void unload_end(struct rv_timer *timer)
{
	struct plugin *plugin = rv_container_of(timer, struct plugin, timer);
	struct rv_core *core = plugin->plugins->core;
	struct rv_call *call = plugin->call;

	struct rv_event event = { .name = "plugin-unloaded", .text = plugin->name };

	plugin->call = NULL;
	end(plugin);
	rv_list_del(&plugin->entry);
	rv_event_emit(core, &event);
	talloc_free(plugin);
	if (call)
		rv_call_finish(call, 0);
}

static void unload_turn(struct rv_timer *timer)
{
	struct plugin *plugin = rv_container_of(timer, struct plugin, timer);
	struct rv_core *core = plugin->plugins->core;
	bool busy = rv_registry_users(core->registry, plugin->host, NULL, 0) > 0 ||
		    (core->jobs && rv_jobs_of(core->jobs, plugin->host) > 0);

	if (!busy) {
		TALLOC_FREE(plugin->host);
		rv_timer_init(timer, core->loop, unload_end);
	}
	/* No memory for a timer that has just fired: the heap has room for it. */
	if (rv_timer_arm(timer, RV_MS(busy ? DRAIN_MS : 1)))
		unload_end(timer);
}

int rv_plugins_unload(struct rv_plugins *plugins, const char *name, bool drain, struct rv_call *call,
		      struct rv_why *why)
{
	struct plugin *plugin = find(plugins, name);
	struct rv_registry *registry = plugins->core->registry;
	char text[512];
	unsigned n_users;

	if (!plugin)
		return rv_why_set(why, -RV_ENOT_LOADED, "plugin %s is not loaded", name);
	if (plugin->draining)
		return rv_why_set(why, -RV_ESTATE, "plugin %s is being unloaded already", name);
	if (dependents(plugins, plugin, text, sizeof(text)))
		return rv_why_set(why, -RV_EIN_USE, "plugin %s is in use: %s of it", name, text);
	n_users = rv_registry_users(registry, plugin->host, text, sizeof(text));
	if (n_users && !drain)
		return rv_why_set(why, -RV_EIN_USE, "plugin %s is in use by %s (%u in all)", name, text, n_users);
	rv_timer_init(&plugin->timer, plugins->core->loop, unload_turn);
	if (rv_timer_arm(&plugin->timer, 0))
		return rv_why_set(why, -ENOMEM, "no memory");
	plugin->draining = true;
	rv_registry_drain(registry, plugin->host);
	plugin->call = call;
	return call ? rv_call_pend(call, unload_cancelled, plugin) : RV_PENDING;
}

static bool in_list(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (!strcmp(*list, name))
			return true;
	return false;
}

struct scan {
	struct rv_candidate *set;
	size_t n;
};

static bool in_scan(const struct scan *scan, const char *name)
{
	for (size_t i = 0; i < scan->n; i++)
		if (!strcmp(scan->set[i].name, name))
			return true;
	return false;
}

/* Adds what a folder has; a name that an earlier folder had, or that is loaded, is passed over. */
static int scan_dir(struct rv_plugins *plugins, const void *parent, const char *dir, struct scan *scan)
{
	char **names = rv_plugin_names(parent, dir);

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; names[i]; i++) {
		struct rv_candidate *grown, *it;
		if (in_scan(scan, names[i]) || find(plugins, names[i]))
			continue;
		grown = talloc_realloc(parent, scan->set, struct rv_candidate, scan->n + 1);
		if (!grown)
			return -ENOMEM;
		scan->set = grown;
		it = &grown[scan->n++];
		*it = (struct rv_candidate){ .name = names[i] };
		it->file = rv_plugin_file_open(parent, dir, names[i], &it->why);
		it->note = it->file ? &it->file->note : NULL;
	}
	return 0;
}

static int scan_all(struct rv_plugins *plugins, const void *parent, struct scan *scan)
{
	const char *const *dirs = plugins->core->params.plugin_dirs;
	int r = 0;

	*scan = (struct scan){ .set = NULL };
	for (; !r && dirs && *dirs; dirs++)
		r = scan_dir(plugins, parent, *dirs, scan);
	return r;
}

/* Says in the log and (at the end of what stands there already) in why that a plugin was refused. */
static int refuse(struct rv_core *core, const char *name, const struct rv_why *reason, struct rv_why *why)
{
	struct rv_subject subject = { .log = core->log, .kind = "plugin", .name = name };
	size_t len = why ? strlen(why->text) : 0;

	rv_log(&subject, RV_ERROR, "plugin-refused", KV_STR("reason", reason->text));
	if (why)
		snprintf(why->text + len, sizeof(why->text) - len, "%splugin %s: %s", len ? "; " : "", name,
			 reason->text);
	if (why && !why->code)
		why->code = reason->code;
	return reason->code;
}

/* Nobody asked for it by name, but it might have been one that is on by default. */
static void pass_over(struct rv_core *core, const struct rv_candidate *candidate)
{
	struct rv_subject subject = { .log = core->log, .kind = "plugin", .name = candidate->name };

	rv_log(&subject, RV_WARN, "plugin-passed-over", KV_STR("reason", candidate->why.text));
}

static void load_wanted(struct rv_plugins *plugins, const struct scan *scan)
{
	struct rv_registry *registry = plugins->core->registry;
	struct rv_candidate *next;

	rv_order_want_needs(registry, scan->set, scan->n);
	while ((next = rv_order_next(registry, scan->set, scan->n)))
		next->state = load_file(plugins, next) ? RV_CANDIDATE_REFUSED : RV_CANDIDATE_LOADED;
	for (size_t i = 0; i < scan->n; i++)
		if (scan->set[i].state == RV_CANDIDATE_WANTED)
			rv_order_blame(registry, scan->set, scan->n, &scan->set[i]);
}

/* Marks the named ones as wanted. 0, or the code of the last that is not there or was refused at sight. */
static int want(struct rv_plugins *plugins, const struct scan *scan, const char *const *names, struct rv_why *why)
{
	int r = 0;

	for (; *names; names++) {
		struct rv_candidate *found = NULL;
		for (size_t i = 0; i < scan->n; i++)
			if (!strcmp(scan->set[i].name, *names))
				found = &scan->set[i];
		if (found && found->note)
			found->state = RV_CANDIDATE_WANTED;
		else if (found)
			found->state = RV_CANDIDATE_REFUSED;
		else if (!find(plugins, *names)) {
			struct rv_why absent = { 0 };
			rv_why_set(&absent, -RV_EPLUGIN, "no %s.so in the plugin folders", *names);
			r = refuse(plugins->core, *names, &absent, why);
		}
	}
	return r;
}

int rv_plugins_load_but(struct rv_plugins *plugins, const char *const *names, const char *const *but,
			struct rv_why *why)
{
	void *scratch = talloc_new(plugins);
	struct scan scan;
	int r = scratch ? scan_all(plugins, scratch, &scan) : -ENOMEM;

	if (r) {
		talloc_free(scratch);
		return rv_why_set(why, r, "no memory");
	}
	for (size_t i = 0; i < scan.n; i++)
		scan.set[i].excluded = in_list(but, scan.set[i].name);
	r = want(plugins, &scan, names, why);
	load_wanted(plugins, &scan);
	for (size_t i = 0; i < scan.n; i++) {
		if (scan.set[i].why.code && scan.set[i].state != RV_CANDIDATE_IDLE)
			r = refuse(plugins->core, scan.set[i].name, &scan.set[i].why, why);
		else if (scan.set[i].why.code)
			pass_over(plugins->core, &scan.set[i]);
	}
	talloc_free(scratch);
	return r;
}

int rv_plugins_load(struct rv_plugins *plugins, const char *const *names, struct rv_why *why)
{
	return rv_plugins_load_but(plugins, names, NULL, why);
}

static struct rv_plugin_info info_of(const char *name, const char *path, const struct rv_note *note)
{
	return (struct rv_plugin_info){
		.name = name,
		.path = path,
		.version = note->version,
		.summary = note->summary,
		.licence = note->licence,
		.vendor = note->vendor,
		.provides = note->provides,
		.needs = note->needs,
		.rfc = note->rfc,
		.schema = note->schema,
		.rights = note->rights,
		.abi_major = note->abi_major,
		.abi_minor = note->abi_minor,
		.by_default = note->by_default,
	};
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct rv_plugin_info *)a)->name, ((const struct rv_plugin_info *)b)->name);
}

int rv_plugins_each(struct rv_plugins *plugins, int (*fn)(const struct rv_plugin_info *info, void *arg), void *arg)
{
	void *scratch = talloc_new(plugins);
	struct rv_plugin_info *infos;
	struct scan scan;
	size_t n = 0;
	int r = scratch ? scan_all(plugins, scratch, &scan) : -ENOMEM;

	rv_list_each (&plugins->loaded, plugin, struct plugin, entry)
		n++;
	infos = r ? NULL : talloc_zero_array(scratch, struct rv_plugin_info, n + scan.n + 1);
	if (!infos) {
		talloc_free(scratch);
		return -ENOMEM;
	}
	n = 0;
	rv_list_each (&plugins->loaded, plugin, struct plugin, entry) {
		infos[n] = info_of(plugin->name, plugin->file ? plugin->file->path : NULL, &plugin->note);
		infos[n].loaded = true;
		infos[n++].draining = plugin->draining;
	}
	for (size_t i = 0; i < scan.n; i++)
		if (scan.set[i].note)
			infos[n++] = info_of(scan.set[i].name, scan.set[i].file->path, scan.set[i].note);
	qsort(infos, n, sizeof(infos[0]), by_name);
	for (size_t i = 0; !r && i < n; i++)
		r = fn(&infos[i], arg);
	talloc_free(scratch);
	return r;
}

int rv_plugins_each_syscall(struct rv_plugins *plugins, int (*fn)(const char *name, void *arg), void *arg)
{
	int r = 0;

	rv_list_each (&plugins->loaded, plugin, struct plugin, entry) {
		const struct rv_host_whole *whole = plugin->host ? rv_host_whole(plugin->host) : NULL;
		for (size_t i = 0; !r && whole && i < whole->n_syscalls; i++)
			r = fn(whole->syscalls[i], arg);
	}
	return r;
}

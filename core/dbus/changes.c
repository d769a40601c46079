// SPDX-License-Identifier: LGPL-2.1-or-later
/* changes: signals. What came, went and changed is told once a turn; what happened, at once. */
#include "objects.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

enum kind { CAME, WENT, CHANGED };

/* A change that waits for the end of the turn. */
struct change {
	struct rv_list entry;
	struct rv_bus_folder *folder;
	char *name;
	enum kind kind;
	uint64_t which; /* CHANGED: bits of properties */
};

enum { LOOK_BACK = 64 }; /* so many waiting changes are compared with a new one */

/* Events */

static struct rv_bus_out *signal_new(struct rv_core *core, const char *path, const char *interface, const char *name)
{
	DBusMessage *message = dbus_message_new_signal(path, interface, name);
	struct rv_bus_out *out = message ? talloc_zero(core, struct rv_bus_out) : NULL;

	if (out)
		out_init(out, core, message);
	else if (message)
		dbus_message_unref(message);
	return out;
}

static const struct rv_bus_signal *find_signal(const struct rv_bus_interface *interface, const char *name)
{
	for (size_t i = 0; i < interface->n_signals; i++)
		if (!strcmp(interface->signals[i].name, name))
			return &interface->signals[i];
	return NULL;
}

static bool heard(const struct rv_bus_folder *folder)
{
	return folder && folder->core->bus && bus_heard(folder->core->bus);
}

struct rv_bus_out *rv_bus_signal(struct rv_bus_folder *folder, const char *name, const char *signal)
{
	char path[MAX_PATH];

	if (!heard(folder) || !path_escape(path, folder->path, name))
		return NULL;
	const struct rv_bus_signal *found = find_signal(folder->interface, signal);

	assert(found);
	struct rv_bus_out *out = signal_new(folder->core, path, folder->interface->name, signal);
	if (out)
		out->signature = found->signature;
	return out;
}

void rv_bus_send(struct rv_bus_out *out)
{
	if (!out)
		return;
	assert(out->bad || dbus_message_has_signature(out->message, out->signature));
	if (!out->bad && out->core->bus)
		bus_broadcast(out->core->bus, out->message);
	dbus_message_unref(out->message);
	talloc_free(out);
}

/* What the end of the turn tells */

static void tell_changed(const struct change *c, const char *path, void *object)
{
	const struct rv_bus_interface *interface = c->folder->interface;
	struct rv_bus_out *out = signal_new(c->folder->core, path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged");

	if (!out)
		return;
	out->signature = "sa{sv}as";
	rv_bus_out_str(out, interface->name);
	rv_bus_out_open_array(out, "{sv}");
	for (size_t i = 0; i < interface->n_properties; i++) {
		if (!(c->which & 1ull << i))
			continue;
		rv_bus_out_open_entry(out);
		rv_bus_out_str(out, interface->properties[i].name);
		value_out(out, &interface->properties[i], object);
		rv_bus_out_close(out);
	}
	rv_bus_out_close(out);
	rv_bus_out_open_array(out, "s");
	rv_bus_out_close(out);
	rv_bus_send(out);
}

static void tell_came(const struct change *c, void *object)
{
	struct rv_bus_out *out = signal_new(c->folder->core, BUS_ROOT, OBJECT_MANAGER, "InterfacesAdded");

	if (!out)
		return;
	out->signature = "oa{sa{sv}}";
	rv_bus_out_path(out, c->folder->path, c->name);
	interfaces_out(out, c->folder, object);
	rv_bus_send(out);
}

static void tell_went(const struct change *c)
{
	struct rv_bus_out *out = signal_new(c->folder->core, BUS_ROOT, OBJECT_MANAGER, "InterfacesRemoved");

	if (!out)
		return;
	out->signature = "oas";
	rv_bus_out_path(out, c->folder->path, c->name);
	rv_bus_out_open_array(out, "s");
	rv_bus_out_str(out, c->folder->interface->name);
	rv_bus_out_close(out);
	rv_bus_send(out);
}

static void tell(const struct change *c)
{
	void *object = c->kind == WENT ? NULL : c->folder->ops->find(c->folder->self, c->name);
	char path[MAX_PATH];

	if (!path_escape(path, c->folder->path, c->name))
		return;
	if (c->kind == WENT)
		tell_went(c);
	else if (object && c->kind == CAME)
		tell_came(c, object);
	else if (object)
		tell_changed(c, path, object);
}

/* Folders that are compared */

struct names {
	char **at; /* a talloc array; n of them */
	size_t n;
};

static int add_name(void *arg, const char *name, void *object)
{
	struct names *names = arg;
	size_t cap = talloc_array_length(names->at);

	if (names->n == cap) {
		char **more = talloc_realloc(NULL, names->at, char *, 2 * cap);
		if (!more)
			return -1;
		names->at = more;
	}
	names->at[names->n] = talloc_strdup(names->at, name);
	return names->at[names->n++] ? 0 : -1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint64_t told_properties(const struct rv_bus_interface *interface)
{
	uint64_t which = 0;

	for (size_t i = 0; i < interface->n_properties; i++)
		which |= interface->properties[i].tells == RV_BUS_TOLD ? 1ull << i : 0;
	return which;
}

static void note(struct rv_bus_folder *folder, const char *name, enum kind kind, uint64_t which);

static void compare_names(struct rv_bus_folder *folder, const struct names *before, const struct names *now)
{
	uint64_t which = folder->all_changed ? told_properties(folder->interface) : 0;

	for (size_t i = 0, k = 0; i < before->n || k < now->n;) {
		int order = i == before->n ? 1 : k == now->n ? -1 : strcmp(before->at[i], now->at[k]);
		if (order < 0)
			note(folder, before->at[i], WENT, 0);
		else if (order > 0)
			note(folder, now->at[k], CAME, 0);
		else if (which)
			note(folder, now->at[k], CHANGED, which);
		i += order <= 0;
		k += order >= 0;
	}
}

/* Without memory for the names, the folder is compared another time. */
static void compare(struct rv_bus_folder *folder)
{
	struct names before = { folder->known, folder->n_known }, now = { talloc_array(NULL, char *, 16), 0 };

	if (!now.at || folder->ops->each(folder->self, add_name, &now)) {
		talloc_free(now.at);
		return;
	}
	if (now.n)
		qsort(now.at, now.n, sizeof(now.at[0]), by_name);
	if (before.at)
		compare_names(folder, &before, &now);
	talloc_free(before.at);
	folder->known = talloc_steal(folder, now.at);
	folder->n_known = now.n;
	folder->compare_due = folder->all_changed = false;
}

/* The queue */

static void flush(void *arg)
{
	struct rv_bus *bus = arg;

	rv_list_each (folders_of(bus->core), folder, struct rv_bus_folder, entry)
		if (folder->compare_due)
			compare(folder);
	bus->flush_due = false;
	rv_list_each (&bus->changes, c, struct change, entry) {
		tell(c);
		rv_list_del(&c->entry);
		talloc_free(c);
	}
}

static void flush_soon(struct rv_bus *bus)
{
	if (!bus->flush_due)
		bus->flush_due = rv_defer(bus->core->loop, flush, bus) == 0;
}

/* The change of this object that was noted last, as far as one looks back. */
static struct change *latest(const struct rv_bus *bus, const struct rv_bus_folder *folder, const char *name)
{
	int look = LOOK_BACK;

	for (struct rv_list *e = bus->changes.prev; e != &bus->changes && look--; e = e->prev) {
		struct change *c = rv_container_of(e, struct change, entry);
		if (c->folder == folder && !strcmp(c->name, name))
			return c;
	}
	return NULL;
}

/* Two changes of one object made into one. False: both are to be told. */
static bool merge(struct change *last, enum kind kind, uint64_t which)
{
	if (kind == WENT && last->kind == CAME) {
		rv_list_del(&last->entry); /* nobody has heard of it */
		talloc_free(last);
		return true;
	}
	if (kind == CHANGED && last->kind == CHANGED)
		last->which |= which;
	return kind == CHANGED || kind == last->kind;
}

static void note(struct rv_bus_folder *folder, const char *name, enum kind kind, uint64_t which)
{
	struct rv_bus *bus = folder->core->bus;
	struct change *last = heard(folder) ? latest(bus, folder, name) : NULL, *c;

	if (!heard(folder) || (last && merge(last, kind, which)))
		return;
	c = talloc_zero(bus, struct change);
	if (!c)
		return;
	*c = (struct change){ .folder = folder, .kind = kind, .which = which, .name = talloc_strdup(c, name) };
	if (!c->name) {
		talloc_free(c);
		return;
	}
	rv_list_add(&bus->changes, &c->entry);
	flush_soon(bus);
}

void changes_compare(struct rv_bus_folder *folder, bool all_changed)
{
	folder->compare_due = true;
	folder->all_changed |= all_changed;
	flush_soon(folder->core->bus);
}

void changes_forget(struct rv_bus_folder *folder)
{
	if (!folder->core->bus)
		return;
	rv_list_each (&folder->core->bus->changes, c, struct change, entry) {
		if (c->folder != folder)
			continue;
		rv_list_del(&c->entry);
		talloc_free(c);
	}
}

void changes_end(struct rv_bus *bus)
{
	rv_list_each (&bus->changes, c, struct change, entry) {
		rv_list_del(&c->entry);
		talloc_free(c);
	}
}

void rv_bus_came(struct rv_bus_folder *folder, const char *name)
{
	if (folder && folder->listed)
		note(folder, name, CAME, 0);
}

void rv_bus_went(struct rv_bus_folder *folder, const char *name)
{
	if (folder && folder->listed)
		note(folder, name, WENT, 0);
}

void rv_bus_changed(struct rv_bus_folder *folder, const char *name, const char *property)
{
	for (size_t i = 0; folder && i < folder->interface->n_properties; i++)
		if (!strcmp(folder->interface->properties[i].name, property))
			note(folder, name, CHANGED, 1ull << i);
}

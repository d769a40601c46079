// SPDX-License-Identifier: LGPL-2.1-or-later
/* objects: folders and their objects: paths, method calls, properties, the ObjectManager, and signals.
 *
 * A path is /org/ravelin/IPsec1[/FOLDER[/NAME]]. What a name has beyond letters and digits is written _XX; a slash in a
 * name stays one.
 */
#include "private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

/* A change that waits for the end of the turn. */
struct change {
	struct rv_list entry;
	struct rv_bus_folder *folder;
	char *name;
	enum { CAME, WENT, CHANGED } kind;
	const char *property;
};

enum { LOOK_BACK = 64 }; /* so many waiting changes are compared with a new one */

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/';
}

void path_escape(char out[static MAX_PATH], const char *folder, const char *name)
{
	size_t at = (size_t)snprintf(out, MAX_PATH, "%s%s%s%s", BUS_ROOT, *folder ? "/" : "", folder, *name ? "/" : "");

	for (; *name && at + 4 < MAX_PATH; name++) {
		if (plain(*name))
			out[at++] = *name;
		else
			at += (size_t)snprintf(out + at, 4, "_%02x", (unsigned char)*name);
	}
	out[at] = 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool path_unescape(char out[static MAX_PATH], const char *element)
{
	size_t at = 0;

	for (; *element; element++) {
		if (at + 1 >= MAX_PATH)
			return false;
		if (*element != '_') {
			out[at++] = *element;
			continue;
		}
		int hi = digit(element[1]), lo = hi < 0 ? -1 : digit(element[2]);
		if (lo < 0)
			return false;
		out[at++] = (char)(hi << 4 | lo);
		element += 2;
	}
	out[at] = 0;
	return at == strlen(out);
}

struct rv_bus_folder *folder_find(const struct rv_bus *bus, const char *path)
{
	rv_list_each (&bus->folders, f, struct rv_bus_folder, entry)
		if (!strcmp(f->path, path))
			return f;
	return NULL;
}

static void flush_soon(struct rv_bus *bus);

static int folder_end(struct rv_bus_folder *folder)
{
	rv_list_del(&folder->entry);
	rv_list_each (&folder->bus->changes, c, struct change, entry) {
		if (c->folder == folder) {
			rv_list_del(&c->entry);
			talloc_free(c);
		}
	}
	return 0;
}

struct rv_bus_folder *folder_new(struct rv_bus *bus, const void *owner, const char *path,
				 const struct rv_bus_interface *interface, const struct rv_bus_folder_ops *ops,
				 void *self, bool listed)
{
	struct rv_bus_folder *folder = folder_find(bus, path) ? NULL : talloc_zero(owner, struct rv_bus_folder);

	if (!folder)
		return NULL;
	*folder = (struct rv_bus_folder){
		.bus = bus, .interface = interface, .ops = ops, .self = self, .listed = listed
	};
	folder->path = talloc_strdup(folder, path);
	if (!folder->path) {
		talloc_free(folder);
		return NULL;
	}
	rv_list_add(&bus->folders, &folder->entry);
	talloc_set_destructor(folder, folder_end);
	return folder;
}

struct rv_bus_folder *rv_bus_folder(struct rv_host *host, const char *path, const struct rv_bus_interface *interface,
				    const struct rv_bus_folder_ops *ops, void *self, bool listed)
{
	return host->core->bus ? folder_new(host->core->bus, host, path, interface, ops, self, listed) : NULL;
}

/* The folder and object of a path; false when there is none. name: "" for a folder itself. */
static bool resolve(const struct rv_bus *bus, const char *path, struct rv_bus_folder **folder, void **object)
{
	char first[MAX_PATH], name[MAX_PATH];
	const char *rest, *slash;
	size_t root = strlen(BUS_ROOT);

	if (!path || strlen(path) >= MAX_PATH || strncmp(path, BUS_ROOT, root) || (path[root] && path[root] != '/'))
		return false;
	if (!path[root]) {
		*folder = bus->root;
		*object = bus->root->self;
		return true;
	}
	rest = path + root + 1;
	slash = strchr(rest, '/');
	if (!slash)
		return false;
	snprintf(first, sizeof(first), "%.*s", (int)(slash - rest), rest);
	*folder = folder_find(bus, first);
	if (!*folder || !path_unescape(name, slash + 1))
		return false;
	*object = (*folder)->ops->find((*folder)->self, name);
	return *object != NULL;
}

static void value_out(struct rv_bus_out *out, const struct rv_bus_property *property, void *object)
{
	rv_bus_out_open_variant(out, property->signature);
	property->get(object, out);
	rv_bus_out_close(out);
}

void properties_out(struct rv_bus_out *out, const struct rv_bus_interface *interface, void *object)
{
	for (size_t i = 0; i < interface->n_properties; i++) {
		rv_bus_out_open_entry(out);
		rv_bus_out_str(out, interface->properties[i].name);
		value_out(out, &interface->properties[i], object);
		rv_bus_out_close(out);
	}
}

static const struct rv_bus_property *find_property(const struct rv_bus_interface *interface, const char *name)
{
	for (size_t i = 0; i < interface->n_properties; i++)
		if (!strcmp(interface->properties[i].name, name))
			return &interface->properties[i];
	return NULL;
}

/* a{sa{sv}} of one object */
static void interfaces_out(struct rv_bus_out *out, const struct rv_bus_folder *folder, void *object)
{
	rv_bus_out_open_array(out, "{sa{sv}}");
	rv_bus_out_open_entry(out);
	rv_bus_out_str(out, folder->interface->name);
	rv_bus_out_open_array(out, "{sv}");
	properties_out(out, folder->interface, object);
	rv_bus_out_close(out);
	rv_bus_out_close(out);
	rv_bus_out_close(out);
}

struct listing {
	struct rv_bus_out *out;
	const struct rv_bus_folder *folder;
};

static int list_object(void *arg, const char *name, void *object)
{
	struct listing *listing = arg;

	rv_bus_out_open_entry(listing->out);
	rv_bus_out_path(listing->out, listing->folder->path, name);
	interfaces_out(listing->out, listing->folder, object);
	rv_bus_out_close(listing->out);
	return 0;
}

static void managed_objects(struct link *link, DBusMessage *message)
{
	DBusMessage *reply = dbus_message_new_method_return(message);
	struct rv_bus_out out;

	if (!reply)
		return;
	out_init(&out, link->bus, reply);
	rv_bus_out_open_array(&out, "{oa{sa{sv}}}");
	rv_list_each (&link->bus->folders, f, struct rv_bus_folder, entry) {
		struct listing listing = { &out, f };
		if (f->listed)
			(void)f->ops->each(f->self, list_object, &listing);
	}
	rv_bus_out_close(&out);
	if (out.bad)
		link_error(link, message, DBUS_ERROR_NO_MEMORY, "the answer needs more memory than there is");
	else
		link_send(link, reply);
	dbus_message_unref(reply);
}

static void get_property(struct link *link, DBusMessage *message, struct rv_bus_folder *folder, void *object, bool all)
{
	const char *interface = "", *name = "";
	const struct rv_bus_property *property = NULL;
	struct rv_bus_out out;
	DBusMessage *reply;

	if (!dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &interface,
				   all ? DBUS_TYPE_INVALID : DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID)) {
		link_error(link, message, DBUS_ERROR_INVALID_ARGS, "Get takes (ss), GetAll takes (s)");
		return;
	}
	bool ours = !*interface || !strcmp(interface, folder->interface->name);
	if (!all && ours)
		property = find_property(folder->interface, name);
	if (!all && !property) {
		link_error(link, message, DBUS_ERROR_UNKNOWN_PROPERTY, "this object has no such property");
		return;
	}
	reply = dbus_message_new_method_return(message);
	if (!reply)
		return;
	out_init(&out, link->bus, reply);
	if (property)
		value_out(&out, property, object);
	if (all) {
		rv_bus_out_open_array(&out, "{sv}");
		if (ours)
			properties_out(&out, folder->interface, object);
		rv_bus_out_close(&out);
	}
	if (!out.bad)
		link_send(link, reply);
	dbus_message_unref(reply);
}

static void introspection(struct link *link, DBusMessage *message, const char *path)
{
	char *xml = introspect(link->bus, link->bus, path);
	DBusMessage *reply = xml ? dbus_message_new_method_return(message) : NULL;

	if (!xml)
		link_error(link, message, DBUS_ERROR_UNKNOWN_OBJECT, "nothing is at this path");
	else if (reply && dbus_message_append_args(reply, DBUS_TYPE_STRING, &xml, DBUS_TYPE_INVALID))
		link_send(link, reply);
	if (reply)
		dbus_message_unref(reply);
	talloc_free(xml);
}

static int call_end(struct rv_bus_call *call)
{
	rv_list_del(&call->entry);
	dbus_message_unref(call->message);
	if (call->results.message)
		dbus_message_unref(call->results.message);
	return 0;
}

struct rv_bus_call *rv_bus_pend(struct rv_bus_in *in)
{
	struct rv_bus_call *call = talloc_zero(in->link->bus, struct rv_bus_call);

	if (!call)
		return NULL;
	call->link = in->link;
	call->message = dbus_message_ref(in->message);
	rv_list_add(&in->link->bus->calls, &call->entry);
	talloc_set_destructor(call, call_end);
	in->pended = call;
	return call;
}

struct rv_bus_out *rv_bus_results(struct rv_bus_call *call)
{
	if (!call->results.message) {
		DBusMessage *reply = dbus_message_new_method_return(call->message);
		if (!reply)
			return NULL;
		out_init(&call->results, call->link ? call->link->bus : NULL, reply);
	}
	return &call->results;
}

static void answer(struct link *link, DBusMessage *message, DBusMessage *reply, int r, const struct rv_why *why)
{
	char name[128];

	if (dbus_message_get_no_reply(message))
		return;
	if (r >= 0) {
		link_send(link, reply);
		return;
	}
	snprintf(name, sizeof(name), "%s.Error.%s", BUS_NAME, rv_error_name(r));
	link_error(link, message, name, why && *why->text ? why->text : rv_error_text(r));
}

void rv_bus_answer(struct rv_bus_call *call, int r, const struct rv_why *why)
{
	struct rv_bus_out *out = rv_bus_results(call);

	if (call->link && out)
		answer(call->link, call->message, out->message, out->bad ? -ENOMEM : r, why);
	talloc_free(call);
}

static const struct rv_bus_method *find_method(const struct rv_bus_interface *interface, DBusMessage *message)
{
	const char *asked = dbus_message_get_interface(message), *member = dbus_message_get_member(message);

	if (asked && strcmp(asked, interface->name))
		return NULL;
	for (size_t i = 0; i < interface->n_methods; i++)
		if (!strcmp(interface->methods[i].name, member))
			return &interface->methods[i];
	return NULL;
}

static void call_method(struct link *link, DBusMessage *message, const struct rv_bus_method *method, void *object)
{
	DBusMessage *reply = dbus_message_new_method_return(message);
	struct rv_why why = { 0 };
	struct rv_bus_out out;
	struct rv_bus_in in;

	if (!reply)
		return;
	in_init(&in, link, message);
	out_init(&out, link->bus, reply);
	int r = method->call(object, &in, &out, &why);

	if (r != RV_PENDING)
		answer(link, message, reply, out.bad ? -ENOMEM : r, &why);
	dbus_message_unref(reply);
}

static void own_interface(struct link *link, DBusMessage *message, struct rv_bus_folder *folder, void *object)
{
	const struct rv_bus_method *method = find_method(folder->interface, message);
	char text[256];

	if (!method) {
		snprintf(text, sizeof(text), "%s has no method of this name", folder->interface->name);
		link_error(link, message, DBUS_ERROR_UNKNOWN_METHOD, text);
	} else if (!dbus_message_has_signature(message, method->in)) {
		snprintf(text, sizeof(text), "%s takes (%s), not (%s)", method->name, method->in,
			 dbus_message_get_signature(message));
		link_error(link, message, DBUS_ERROR_INVALID_ARGS, text);
	} else if (!link_may(link, method->right)) {
		snprintf(text, sizeof(text), "%s is for the administrator: call it as root or as the daemon's user",
			 method->name);
		link_error(link, message, BUS_NAME ".Error.AccessDenied", text);
	} else {
		call_method(link, message, method, object);
	}
}

void objects_call(struct link *link, DBusMessage *message)
{
	const char *path = dbus_message_get_path(message);
	struct rv_bus_folder *folder;
	void *object;

	if (dbus_message_is_method_call(message, DBUS_INTERFACE_INTROSPECTABLE, "Introspect"))
		introspection(link, message, path);
	else if (!resolve(link->bus, path, &folder, &object))
		link_error(link, message, DBUS_ERROR_UNKNOWN_OBJECT, "nothing is at this path");
	else if (folder == link->bus->root &&
		 dbus_message_is_method_call(message, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"))
		managed_objects(link, message);
	else if (dbus_message_is_method_call(message, DBUS_INTERFACE_PROPERTIES, "Get"))
		get_property(link, message, folder, object, false);
	else if (dbus_message_is_method_call(message, DBUS_INTERFACE_PROPERTIES, "GetAll"))
		get_property(link, message, folder, object, true);
	else if (dbus_message_is_method_call(message, DBUS_INTERFACE_PROPERTIES, "Set"))
		link_error(link, message, DBUS_ERROR_PROPERTY_READ_ONLY,
			   "properties are read-only; there are verbs instead");
	else
		own_interface(link, message, folder, object);
}

/* Signals */

struct rv_bus_out *rv_bus_signal(struct rv_bus_folder *folder, const char *name, const char *signal)
{
	char path[MAX_PATH];

	if (!folder || !bus_heard(folder->bus))
		return NULL;
	path_escape(path, folder->path, name);
	DBusMessage *message = dbus_message_new_signal(path, folder->interface->name, signal);
	struct rv_bus_out *out = message ? talloc_zero(folder->bus, struct rv_bus_out) : NULL;

	if (out)
		out_init(out, folder->bus, message);
	else if (message)
		dbus_message_unref(message);
	return out;
}

void rv_bus_send(struct rv_bus_out *out)
{
	if (!out)
		return;
	if (!out->bad)
		bus_broadcast(out->bus, out->message);
	dbus_message_unref(out->message);
	talloc_free(out);
}

static struct rv_bus_out *standard_signal(struct rv_bus *bus, const char *path, const char *interface, const char *name)
{
	DBusMessage *message = dbus_message_new_signal(path, interface, name);
	struct rv_bus_out *out = message ? talloc_zero(bus, struct rv_bus_out) : NULL;

	if (out)
		out_init(out, bus, message);
	else if (message)
		dbus_message_unref(message);
	return out;
}

static void tell_changed(const struct change *c, void *object)
{
	const struct rv_bus_property *property = find_property(c->folder->interface, c->property);
	struct rv_bus_out *out;
	char path[MAX_PATH];

	path_escape(path, c->folder->path, c->name);
	out = property ? standard_signal(c->folder->bus, path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged") : NULL;
	if (!out)
		return;
	rv_bus_out_str(out, c->folder->interface->name);
	rv_bus_out_open_array(out, "{sv}");
	rv_bus_out_open_entry(out);
	rv_bus_out_str(out, property->name);
	value_out(out, property, object);
	rv_bus_out_close(out);
	rv_bus_out_close(out);
	rv_bus_out_open_array(out, "s");
	rv_bus_out_close(out);
	rv_bus_send(out);
}

static void tell(const struct change *c)
{
	struct rv_bus *bus = c->folder->bus;
	void *object = c->kind == WENT ? NULL : c->folder->ops->find(c->folder->self, c->name);
	struct rv_bus_out *out;

	if (c->kind != WENT && !object)
		return;
	if (c->kind == CHANGED) {
		tell_changed(c, object);
		return;
	}
	out = standard_signal(bus, BUS_ROOT, "org.freedesktop.DBus.ObjectManager",
			      c->kind == CAME ? "InterfacesAdded" : "InterfacesRemoved");
	if (!out)
		return;
	rv_bus_out_path(out, c->folder->path, c->name);
	if (c->kind == CAME) {
		interfaces_out(out, c->folder, object);
	} else {
		rv_bus_out_open_array(out, "s");
		rv_bus_out_str(out, c->folder->interface->name);
		rv_bus_out_close(out);
	}
	rv_bus_send(out);
}

static void flush(void *arg)
{
	struct rv_bus *bus = arg;

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

static bool waits(const struct rv_bus *bus, const struct rv_bus_folder *folder, const char *name, int kind,
		  const char *property)
{
	int look = LOOK_BACK;

	for (const struct rv_list *e = bus->changes.prev; e != &bus->changes && look--; e = e->prev) {
		const struct change *c = rv_container_of(e, const struct change, entry);
		if (c->folder == folder && (int)c->kind == kind && c->property == property && !strcmp(c->name, name))
			return true;
	}
	return false;
}

static void note(struct rv_bus_folder *folder, const char *name, int kind, const char *property)
{
	if (!folder || !bus_heard(folder->bus) || waits(folder->bus, folder, name, kind, property))
		return;
	struct change *c = talloc_zero(folder->bus, struct change);

	if (!c)
		return;
	c->folder = folder;
	c->kind = kind;
	c->property = property;
	c->name = talloc_strdup(c, name);
	if (!c->name) {
		talloc_free(c);
		return;
	}
	rv_list_add(&folder->bus->changes, &c->entry);
	flush_soon(folder->bus);
}

void rv_bus_came(struct rv_bus_folder *folder, const char *name)
{
	if (folder && folder->listed)
		note(folder, name, CAME, NULL);
}

void rv_bus_went(struct rv_bus_folder *folder, const char *name)
{
	if (folder && folder->listed)
		note(folder, name, WENT, NULL);
}

void rv_bus_changed(struct rv_bus_folder *folder, const char *name, const char *property)
{
	note(folder, name, CHANGED, property);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* objects: folders and their objects: method calls, properties and the ObjectManager. */
#include "objects.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

/* Folders */

struct rv_list *folders_of(struct rv_core *core)
{
	if (!core->folders.next)
		rv_list_init(&core->folders);
	return &core->folders;
}

struct rv_bus_folder *folder_find(struct rv_core *core, const char *path)
{
	rv_list_each (folders_of(core), f, struct rv_bus_folder, entry)
		if (!strcmp(f->path, path))
			return f;
	return NULL;
}

static int folder_gone(struct rv_bus_folder *folder)
{
	changes_forget(folder);
	rv_list_del(&folder->entry);
	return 0;
}

/* One element of an object path. */
static bool is_element(const char *path)
{
	return strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(path) &&
	       strlen(path) < 64;
}

static bool is_method(const struct rv_bus_method *m)
{
	return dbus_validate_member(m->name, NULL) && dbus_signature_validate(m->in, NULL) &&
	       dbus_signature_validate(m->out, NULL) && m->call;
}

static bool is_property(const struct rv_bus_property *p)
{
	return dbus_validate_member(p->name, NULL) && dbus_signature_validate_single(p->signature, NULL) && p->get;
}

static bool is_signal(const struct rv_bus_signal *s)
{
	return dbus_validate_member(s->name, NULL) && dbus_signature_validate(s->signature, NULL);
}

/* libdbus ends the program when it is given what is no name or signature, and tables come from plugins. */
static bool is_interface(const struct rv_bus_interface *interface)
{
	bool ok = dbus_validate_interface(interface->name, NULL) && interface->n_properties <= 64;

	for (size_t i = 0; ok && i < interface->n_methods; i++)
		ok = is_method(&interface->methods[i]);
	for (size_t i = 0; ok && i < interface->n_properties; i++)
		ok = is_property(&interface->properties[i]);
	for (size_t i = 0; ok && i < interface->n_signals; i++)
		ok = is_signal(&interface->signals[i]);
	return ok;
}

struct rv_bus_folder *folder_new(struct rv_core *core, const void *owner, const char *path,
				 const struct rv_bus_interface *interface, const struct rv_bus_folder_ops *ops,
				 void *self, bool listed)
{
	struct rv_bus_folder *folder = NULL;

	if (is_element(path) && is_interface(interface) && !folder_find(core, path))
		folder = talloc_zero(owner, struct rv_bus_folder);
	if (!folder)
		return NULL;
	*folder = (struct rv_bus_folder){
		.core = core, .interface = interface, .ops = ops, .self = self, .listed = listed
	};
	folder->path = talloc_strdup(folder, path);
	if (!folder->path) {
		talloc_free(folder);
		return NULL;
	}
	rv_list_add(folders_of(core), &folder->entry);
	talloc_set_destructor(folder, folder_gone);
	return folder;
}

struct rv_bus_folder *rv_bus_folder(struct rv_host *host, const char *path, const struct rv_bus_interface *interface,
				    const struct rv_bus_folder_ops *ops, void *self, bool listed)
{
	return *path ? folder_new(host->core, host, path, interface, ops, self, listed) : NULL;
}

/* The folder and the object of a path; false when nothing is there. */
static bool resolve(struct rv_core *core, const char *path, struct rv_bus_folder **folder, void **object)
{
	size_t root = sizeof(BUS_ROOT) - 1;
	char element[MAX_PATH] = "", name[MAX_PATH] = "";

	if (strlen(path) >= MAX_PATH || strncmp(path, BUS_ROOT, root) != 0)
		return false;
	if (path[root]) {
		const char *rest = path + root, *slash = *rest == '/' ? strchr(rest + 1, '/') : NULL;
		if (!slash || slash == rest + 1 || !path_unescape(name, slash + 1))
			return false;
		snprintf(element, sizeof(element), "%.*s", (int)(slash - rest - 1), rest + 1);
	}
	*folder = folder_find(core, element);
	*object = *folder ? (*folder)->ops->find((*folder)->self, name) : NULL;
	return *object;
}

/* Properties */

void value_out(struct rv_bus_out *out, const struct rv_bus_property *property, void *object)
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

/* Those that every object has, and that have no properties. */
static bool is_standard(const char *interface)
{
	return !strncmp(interface, "org.freedesktop.DBus.", sizeof("org.freedesktop.DBus.") - 1);
}

static void get(struct link *link, DBusMessage *message, struct rv_bus_folder *folder, void *object)
{
	const char *interface = "", *name = "";
	const struct rv_bus_property *property = NULL;
	struct rv_bus_out out;

	(void)dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &name,
				    DBUS_TYPE_INVALID);
	if (!*interface || !strcmp(interface, folder->interface->name))
		property = find_property(folder->interface, name);
	if (!property) {
		link_error(link, message, DBUS_ERROR_UNKNOWN_PROPERTY, "this object has no such property");
		return;
	}
	if (!reply_begin(link, message, &out))
		return;
	value_out(&out, property, object);
	reply_end(link, message, &out);
}

static void get_all(struct link *link, DBusMessage *message, struct rv_bus_folder *folder, void *object)
{
	const char *interface = "";
	struct rv_bus_out out;

	(void)dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID);
	bool ours = !*interface || !strcmp(interface, folder->interface->name);

	if (!ours && !is_standard(interface)) {
		link_error(link, message, DBUS_ERROR_UNKNOWN_INTERFACE, "this object has no such interface");
		return;
	}
	if (!reply_begin(link, message, &out))
		return;
	rv_bus_out_open_array(&out, "{sv}");
	if (ours)
		properties_out(&out, folder->interface, object);
	rv_bus_out_close(&out);
	reply_end(link, message, &out);
}

static void set(struct link *link, DBusMessage *message, struct rv_bus_folder *folder, void *object)
{
	link_error(link, message, DBUS_ERROR_PROPERTY_READ_ONLY, "properties are read-only; there are verbs instead");
}

/* The ObjectManager */

void interfaces_out(struct rv_bus_out *out, const struct rv_bus_folder *folder, void *object)
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
	char path[MAX_PATH];

	if (!path_escape(path, listing->folder->path, name))
		return 0;
	rv_bus_out_open_entry(listing->out);
	rv_bus_out_path(listing->out, listing->folder->path, name);
	interfaces_out(listing->out, listing->folder, object);
	rv_bus_out_close(listing->out);
	return listing->out->octets > MAX_ANSWER;
}

static void managed_objects(struct link *link, DBusMessage *message, struct rv_bus_folder *folder, void *object)
{
	struct rv_bus_out out;

	adapter_yield(link->adapter);
	if (!reply_begin(link, message, &out))
		return;
	rv_bus_out_open_array(&out, "{oa{sa{sv}}}");
	rv_list_each (folders_of(link->bus->core), f, struct rv_bus_folder, entry) {
		struct listing listing = { &out, f };
		if (f->listed && out.octets <= MAX_ANSWER)
			(void)f->ops->each(f->self, list_object, &listing);
	}
	rv_bus_out_close(&out);
	if (out.octets <= MAX_ANSWER) {
		reply_end(link, message, &out);
		return;
	}
	link_error(link, message, DBUS_ERROR_LIMITS_EXCEEDED,
		   "there are too many objects for one answer: page through them with " BUS_NAME ".Manager.List");
	dbus_message_unref(out.message);
}

static void introspection(struct link *link, DBusMessage *message, const char *path)
{
	char *xml = introspect(link->bus->core, link->bus, path);
	struct rv_bus_out out;

	if (!xml) {
		link_error(link, message, DBUS_ERROR_UNKNOWN_OBJECT, "nothing is at this path");
	} else if (reply_begin(link, message, &out)) {
		rv_bus_out_str(&out, xml);
		reply_end(link, message, &out);
	}
	talloc_free(xml);
}

/* Calls that are answered later; they outlive the bus, for who answers may be a plugin, which ends after it. */

static int call_gone(struct rv_bus_call *call)
{
	rv_list_del(&call->entry);
	if (call->link)
		call->link->n_pended--;
	dbus_message_unref(call->message);
	if (call->results.message)
		dbus_message_unref(call->results.message);
	return 0;
}

struct rv_bus_call *rv_bus_pend(struct rv_bus_in *in)
{
	struct link *link = in->link;
	struct rv_core *core = link->bus->core;
	struct rv_bus_call *call = link->n_pended < MAX_PENDED ? talloc_zero(core, struct rv_bus_call) : NULL;

	if (!call)
		return NULL;
	call->core = core;
	call->link = link;
	call->message = dbus_message_ref(in->message);
	link->n_pended++;
	rv_list_add(&link->bus->calls, &call->entry);
	talloc_set_destructor(call, call_gone);
	in->pended = call;
	return call;
}

struct rv_bus_out *rv_bus_results(struct rv_bus_call *call)
{
	if (!call->results.message) {
		DBusMessage *reply = dbus_message_new_method_return(call->message);
		if (!reply)
			return NULL;
		out_init(&call->results, call->core, reply);
	}
	return &call->results;
}

static void answer(struct link *link, DBusMessage *message, struct rv_bus_out *out, int r, const struct rv_why *why)
{
	if (r >= 0 && (!out || out->bad))
		link_error(link, message, DBUS_ERROR_NO_MEMORY, "the answer needs more memory than there is");
	else if (r < 0)
		link_fail(link, message, r, why ? why->text : NULL);
	else if (!dbus_message_get_no_reply(message))
		link_send(link, out->message);
}

void rv_bus_answer(struct rv_bus_call *call, int r, const struct rv_why *why)
{
	struct rv_bus_out *out = r < 0 ? NULL : rv_bus_results(call);

	if (call->link)
		answer(call->link, call->message, out, r, why);
	talloc_free(call);
}

/* Methods */

static const struct rv_bus_method *find_method(const struct rv_bus_interface *interface, const char *member)
{
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
	out_init(&out, link->bus->core, reply);
	int r = method->call(object, &in, &out, &why);

	assert(r != RV_PENDING || in.pended);
	assert(r || out.bad || dbus_message_has_signature(reply, method->out));
	if (r != RV_PENDING)
		answer(link, message, &out, r, &why);
	dbus_message_unref(reply);
}

static void own_interface(struct link *link, DBusMessage *message, struct rv_bus_folder *folder, void *object,
			  bool allowed)
{
	const struct rv_bus_method *method = find_method(folder->interface, dbus_message_get_member(message));
	struct rv_why why = { 0 };
	char text[512];
	int r;

	if (!method) {
		snprintf(text, sizeof(text), "%s has no method of this name", folder->interface->name);
		link_error(link, message, DBUS_ERROR_UNKNOWN_METHOD, text);
		return;
	}
	if (!dbus_message_has_signature(message, method->in)) {
		snprintf(text, sizeof(text), "%s takes (%s), not (%s)", method->name, method->in,
			 dbus_message_get_signature(message));
		link_error(link, message, DBUS_ERROR_INVALID_ARGS, text);
		return;
	}
	r = allowed ? 0 : rights_check(link, message, method->right, &why);
	if (!r)
		call_method(link, message, method, object);
	else if (r < 0)
		link_fail(link, message, r, why.text);
}

/* Methods of the standard interfaces, which every object has; GetManagedObjects only the root. */
static const struct {
	const char *interface, *name, *in;
	void (*call)(struct link *link, DBusMessage *message, struct rv_bus_folder *folder, void *object);
	bool root_only;
} standard[] = {
	{ DBUS_INTERFACE_PROPERTIES, "Get", "ss", get },
	{ DBUS_INTERFACE_PROPERTIES, "GetAll", "s", get_all },
	{ DBUS_INTERFACE_PROPERTIES, "Set", "ssv", set },
	{ OBJECT_MANAGER, "GetManagedObjects", "", managed_objects, .root_only = true },
};

/* False: not one of these. */
static bool standard_method(struct link *link, DBusMessage *message, struct rv_bus_folder *folder, void *object)
{
	for (size_t i = 0; i < RV_COUNT(standard); i++) {
		if (!dbus_message_is_method_call(message, standard[i].interface, standard[i].name) ||
		    (standard[i].root_only && *folder->path))
			continue;
		if (dbus_message_has_signature(message, standard[i].in))
			standard[i].call(link, message, folder, object);
		else
			link_error(link, message, DBUS_ERROR_INVALID_ARGS, "the arguments are of other types");
		return true;
	}
	return false;
}

static void call(struct link *link, DBusMessage *message, bool allowed)
{
	const char *path = dbus_message_get_path(message), *interface = dbus_message_get_interface(message);
	struct rv_bus_folder *folder;
	void *object;

	if (dbus_message_is_method_call(message, DBUS_INTERFACE_INTROSPECTABLE, "Introspect")) {
		introspection(link, message, path);
		return;
	}
	if (!resolve(link->bus->core, path, &folder, &object)) {
		link_error(link, message, DBUS_ERROR_UNKNOWN_OBJECT, "nothing is at this path");
		return;
	}
	if (standard_method(link, message, folder, object))
		return;
	if (!interface || !strcmp(interface, folder->interface->name))
		own_interface(link, message, folder, object, allowed);
	else if (is_standard(interface))
		link_error(link, message, DBUS_ERROR_UNKNOWN_METHOD, "this object has no such method");
	else
		link_error(link, message, DBUS_ERROR_UNKNOWN_INTERFACE, "this object has no such interface");
}

void objects_call(struct link *link, DBusMessage *message)
{
	call(link, message, false);
}

void objects_allowed(struct link *link, DBusMessage *message)
{
	call(link, message, true);
}

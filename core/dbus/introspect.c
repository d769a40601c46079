// SPDX-License-Identifier: LGPL-2.1-or-later
/* introspect: the XML of a path, made from the tables that answer the calls. */
#include "objects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

enum { MAX_NODES = 1000 }; /* objects of one folder that are named; Manager.List pages through all */

/* Tables in the form of the others, so that there is one way to write them. */
static const struct rv_bus_method introspectable_methods[] = { { "Introspect", "", "s", "", "xml" } };
static const struct rv_bus_interface introspectable = { .name = DBUS_INTERFACE_INTROSPECTABLE,
							.methods = introspectable_methods,
							.n_methods = RV_COUNT(introspectable_methods) };

static const struct rv_bus_method peer_methods[] = { { "Ping", "", "", "", "" },
						     { "GetMachineId", "", "s", "", "id" } };
static const struct rv_bus_interface peer = { .name = DBUS_INTERFACE_PEER,
					      .methods = peer_methods,
					      .n_methods = RV_COUNT(peer_methods) };

static const struct rv_bus_method properties_methods[] = {
	{ "Get", "ss", "v", "interface,name", "value" },
	{ "GetAll", "s", "a{sv}", "interface", "values" },
	{ "Set", "ssv", "", "interface,name,value", "" },
};
static const struct rv_bus_signal properties_signals[] = { { "PropertiesChanged", "sa{sv}as",
							     "interface,changed,invalidated" } };
static const struct rv_bus_interface properties = { .name = DBUS_INTERFACE_PROPERTIES,
						    .methods = properties_methods,
						    .signals = properties_signals,
						    .n_methods = RV_COUNT(properties_methods),
						    .n_signals = RV_COUNT(properties_signals) };

static const struct rv_bus_method manager_methods[] = { { "GetManagedObjects", "", "a{oa{sa{sv}}}", "", "objects" } };
static const struct rv_bus_signal manager_signals[] = {
	{ "InterfacesAdded", "oa{sa{sv}}", "object,interfaces" },
	{ "InterfacesRemoved", "oas", "object,interfaces" },
};
static const struct rv_bus_interface object_manager = { .name = OBJECT_MANAGER,
							.methods = manager_methods,
							.signals = manager_signals,
							.n_methods = RV_COUNT(manager_methods),
							.n_signals = RV_COUNT(manager_signals) };

static void RV_PRINTF(2, 3) say(char **xml, const char *fmt, ...)
{
	va_list args;

	if (!*xml)
		return;
	va_start(args, fmt);
	*xml = talloc_vasprintf_append_buffer(*xml, fmt, args);
	va_end(args);
}

/* The arguments of one direction (NULL: a signal's), their names from a comma-separated list. */
static void say_args(char **xml, const char *signature, const char *names, const char *direction)
{
	DBusSignatureIter iter;

	if (!signature || !*signature)
		return;
	names = names ? names : "";
	dbus_signature_iter_init(&iter, signature);
	do {
		char *type = dbus_signature_iter_get_signature(&iter);
		size_t len = strcspn(names, ",");

		say(xml, "   <arg name=\"%.*s\" type=\"%s\"", (int)len, names, type ? type : "");
		if (direction)
			say(xml, " direction=\"%s\"", direction);
		say(xml, "/>\n");
		dbus_free(type);
		names += names[len] ? len + 1 : len;
	} while (dbus_signature_iter_next(&iter));
}

static void say_property(char **xml, const struct rv_bus_property *p)
{
	static const char *const tells[] = {
		[RV_BUS_UNTOLD] = "false", [RV_BUS_CONST] = "const", [RV_BUS_TOLD] = "true"
	};

	say(xml, "  <property name=\"%s\" type=\"%s\" access=\"read\">\n", p->name, p->signature);
	say(xml, "   <annotation name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\" value=\"%s\"/>\n",
	    tells[p->tells < RV_COUNT(tells) ? p->tells : RV_BUS_UNTOLD]);
	say(xml, "  </property>\n");
}

static void say_interface(char **xml, const struct rv_bus_interface *interface)
{
	say(xml, " <interface name=\"%s\">\n", interface->name);
	for (size_t i = 0; i < interface->n_methods; i++) {
		const struct rv_bus_method *m = &interface->methods[i];
		say(xml, "  <method name=\"%s\">\n", m->name);
		say_args(xml, m->in, m->in_names, "in");
		say_args(xml, m->out, m->out_names, "out");
		say(xml, "  </method>\n");
	}
	for (size_t i = 0; i < interface->n_properties; i++)
		say_property(xml, &interface->properties[i]);
	for (size_t i = 0; i < interface->n_signals; i++) {
		const struct rv_bus_signal *s = &interface->signals[i];
		say(xml, "  <signal name=\"%s\">\n", s->name);
		say_args(xml, s->signature, s->arg_names, NULL);
		say(xml, "  </signal>\n");
	}
	say(xml, " </interface>\n");
}

static void say_object(char **xml, const struct rv_bus_interface *interface)
{
	say_interface(xml, interface);
	say_interface(xml, &properties);
	say_interface(xml, &introspectable);
	say_interface(xml, &peer);
}

static void say_node(char **xml, const char *name)
{
	say(xml, " <node name=\"%s\"/>\n", name);
}

struct nodes {
	char **xml;
	const struct rv_bus_folder *folder;
	int left;
};

static int say_child(void *arg, const char *name, void *object)
{
	struct nodes *nodes = arg;
	char path[MAX_PATH];

	if (path_escape(path, nodes->folder->path, name))
		say_node(nodes->xml, path + sizeof(BUS_ROOT "/") + strlen(nodes->folder->path));
	return --nodes->left <= 0;
}

/* A path above the root has one child: the next step towards it. */
static bool say_above(char **xml, const char *path)
{
	size_t len = strcmp(path, "/") ? strlen(path) : 0;

	if (len >= strlen(BUS_ROOT) || strncmp(path, BUS_ROOT, len) != 0 || BUS_ROOT[len] != '/')
		return false;
	const char *rest = &BUS_ROOT[len];
	say(xml, " <node name=\"%.*s\"/>\n", (int)strcspn(rest + 1, "/"), rest + 1);
	return true;
}

/* rest: FOLDER or FOLDER/NAME */
static bool say_below(char **xml, struct rv_core *core, const char *rest)
{
	char element[MAX_PATH], name[MAX_PATH];
	size_t len = strcspn(rest, "/");

	snprintf(element, sizeof(element), "%.*s", (int)len, rest);
	struct rv_bus_folder *folder = len ? folder_find(core, element) : NULL;

	if (!folder)
		return false;
	if (!rest[len]) {
		struct nodes nodes = { .xml = xml, .folder = folder, .left = MAX_NODES };
		(void)folder->ops->each(folder->self, say_child, &nodes);
		return true;
	}
	if (!path_unescape(name, rest + len + 1) || !folder->ops->find(folder->self, name))
		return false;
	say_object(xml, folder->interface);
	return true;
}

static void say_root(char **xml, struct rv_core *core)
{
	rv_list_each (folders_of(core), f, struct rv_bus_folder, entry) {
		if (*f->path) {
			say_node(xml, f->path);
			continue;
		}
		say_object(xml, f->interface);
		say_interface(xml, &object_manager);
	}
}

char *introspect(struct rv_core *core, const void *parent, const char *path)
{
	char *xml = talloc_strdup(parent, DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE "<node>\n");
	size_t root = sizeof(BUS_ROOT) - 1;
	bool there = true;

	if (strlen(path) >= MAX_PATH)
		there = false;
	else if (!strcmp(path, BUS_ROOT))
		say_root(&xml, core);
	else if (!strncmp(path, BUS_ROOT "/", root + 1))
		there = say_below(&xml, core, path + root + 1);
	else
		there = say_above(&xml, path);
	say(&xml, "</node>\n");
	if (there)
		return xml;
	talloc_free(xml);
	return NULL;
}

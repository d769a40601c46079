// SPDX-License-Identifier: LGPL-2.1-or-later
/* introspect: the XML of a path, made from the tables that answer the calls. */
#include "private.h"

#include <stdio.h>
#include <string.h>
#include <talloc.h>

enum { MAX_NODES = 1000 }; /* objects of one folder that are named; ListSas pages through all */

static const char standard[] =
	" <interface name=\"org.freedesktop.DBus.Introspectable\">\n"
	"  <method name=\"Introspect\"><arg name=\"xml\" type=\"s\" direction=\"out\"/></method>\n"
	" </interface>\n"
	" <interface name=\"org.freedesktop.DBus.Properties\">\n"
	"  <method name=\"Get\"><arg name=\"interface\" type=\"s\" direction=\"in\"/><arg name=\"name\" type=\"s\" "
	"direction=\"in\"/><arg name=\"value\" type=\"v\" direction=\"out\"/></method>\n"
	"  <method name=\"GetAll\"><arg name=\"interface\" type=\"s\" direction=\"in\"/><arg name=\"values\" "
	"type=\"a{sv}\" direction=\"out\"/></method>\n"
	"  <signal name=\"PropertiesChanged\"><arg name=\"interface\" type=\"s\"/><arg name=\"changed\" "
	"type=\"a{sv}\"/>"
	"<arg name=\"invalidated\" type=\"as\"/></signal>\n"
	" </interface>\n";

static const char manager[] =
	" <interface name=\"org.freedesktop.DBus.ObjectManager\">\n"
	"  <method name=\"GetManagedObjects\"><arg name=\"objects\" type=\"a{oa{sa{sv}}}\" "
	"direction=\"out\"/></method>\n"
	"  <signal name=\"InterfacesAdded\"><arg name=\"object\" type=\"o\"/><arg name=\"interfaces\" "
	"type=\"a{sa{sv}}\"/></signal>\n"
	"  <signal name=\"InterfacesRemoved\"><arg name=\"object\" type=\"o\"/><arg name=\"interfaces\" type=\"as\"/>"
	"</signal>\n"
	" </interface>\n";

static void say(char **xml, const char *text)
{
	if (*xml)
		*xml = talloc_strdup_append_buffer(*xml, text);
}

/* The arguments of one direction (NULL: a signal's), their names from a comma-separated list. */
static void say_args(char **xml, const char *signature, const char *names, const char *direction)
{
	DBusSignatureIter iter;

	if (!signature || !*signature)
		return;
	dbus_signature_iter_init(&iter, signature);
	do {
		char *type = dbus_signature_iter_get_signature(&iter);
		size_t len = names ? strcspn(names, ",") : 0;
		char text[256];

		snprintf(text, sizeof(text), "<arg name=\"%.*s\" type=\"%s\"%s%s%s/>", (int)len, names ? names : "",
			 type, direction ? " direction=\"" : "", direction ? direction : "", direction ? "\"" : "");
		dbus_free(type);
		say(xml, text);
		if (names)
			names += names[len] ? len + 1 : len;
	} while (dbus_signature_iter_next(&iter));
}

static void say_interface(char **xml, const struct rv_bus_interface *interface)
{
	char text[256];

	snprintf(text, sizeof(text), " <interface name=\"%s\">\n", interface->name);
	say(xml, text);
	for (size_t i = 0; i < interface->n_methods; i++) {
		const struct rv_bus_method *m = &interface->methods[i];
		snprintf(text, sizeof(text), "  <method name=\"%s\">", m->name);
		say(xml, text);
		say_args(xml, m->in, m->in_names, "in");
		say_args(xml, m->out, m->out_names, "out");
		say(xml, "</method>\n");
	}
	for (size_t i = 0; i < interface->n_properties; i++) {
		const struct rv_bus_property *p = &interface->properties[i];
		snprintf(text, sizeof(text), "  <property name=\"%s\" type=\"%s\" access=\"read\"/>\n", p->name,
			 p->signature);
		say(xml, text);
	}
	for (size_t i = 0; i < interface->n_signals; i++) {
		const struct rv_bus_signal *s = &interface->signals[i];
		snprintf(text, sizeof(text), "  <signal name=\"%s\">", s->name);
		say(xml, text);
		say_args(xml, s->signature, s->arg_names, NULL);
		say(xml, "</signal>\n");
	}
	say(xml, " </interface>\n");
}

static void say_node(char **xml, const char *name, size_t len)
{
	char text[MAX_PATH + 32];

	snprintf(text, sizeof(text), " <node name=\"%.*s\"/>\n", (int)len, name);
	say(xml, text);
}

struct nodes {
	char **xml;
	int left;
};

static int say_object(void *arg, const char *name, void *object)
{
	struct nodes *nodes = arg;
	char path[MAX_PATH];

	path_escape(path, "", name);
	say_node(nodes->xml, path + strlen(BUS_ROOT) + 1, MAX_PATH);
	return --nodes->left <= 0;
}

/* A path above the root has one child: the next step towards it. */
static bool say_above(char **xml, const char *path)
{
	size_t len = strcmp(path, "/") ? strlen(path) : 0;
	const char *rest = &BUS_ROOT[len];

	if (len >= strlen(BUS_ROOT) || strncmp(path, BUS_ROOT, len) || *rest != '/')
		return false;
	say_node(xml, rest + 1, strcspn(rest + 1, "/"));
	return true;
}

static bool say_below(char **xml, const struct rv_bus *bus, const char *rest)
{
	char name[MAX_PATH];
	const char *slash = strchr(rest, '/');
	size_t len = slash ? (size_t)(slash - rest) : strlen(rest);

	snprintf(name, sizeof(name), "%.*s", (int)len, rest);
	struct rv_bus_folder *folder = folder_find(bus, name);

	if (!folder || folder == bus->root)
		return false;
	if (!slash) {
		struct nodes nodes = { .xml = xml, .left = MAX_NODES };
		(void)folder->ops->each(folder->self, say_object, &nodes);
		return true;
	}
	if (!path_unescape(name, slash + 1) || !folder->ops->find(folder->self, name))
		return false;
	say_interface(xml, folder->interface);
	say(xml, standard);
	return true;
}

char *introspect(const struct rv_bus *bus, const void *parent, const char *path)
{
	char *xml = talloc_strdup(parent, DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE "<node>\n");
	size_t root = strlen(BUS_ROOT);
	bool there = true;

	if (!path || strlen(path) >= MAX_PATH) {
		there = false;
	} else if (!strcmp(path, BUS_ROOT)) {
		say_interface(&xml, bus->root->interface);
		say(&xml, manager);
		say(&xml, standard);
		rv_list_each (&bus->folders, f, struct rv_bus_folder, entry)
			if (*f->path)
				say_node(&xml, f->path, MAX_PATH);
	} else if (!strncmp(path, BUS_ROOT "/", root + 1)) {
		there = say_below(&xml, bus, path + root + 1);
	} else {
		there = say_above(&xml, path);
	}
	say(&xml, "</node>\n");
	if (there)
		return xml;
	talloc_free(xml);
	return NULL;
}

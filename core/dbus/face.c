// SPDX-License-Identifier: LGPL-2.1-or-later
/* face: the core's own objects as folders, and its events as signals. */
#include "face.h"

#include <errno.h>
#include <ravelin/event.h>
#include <ravelin/sa.h>
#include <stdlib.h>
#include <string.h>

void strings_out(struct rv_bus_out *out, const char *const *strings)
{
	rv_bus_out_open_array(out, "s");
	for (; strings && *strings; strings++)
		rv_bus_out_str(out, *strings);
	rv_bus_out_close(out);
}

void drops_out(struct rv_bus_out *out, const char *cause, uint64_t packets)
{
	if (!packets)
		return;
	rv_bus_out_open_entry(out);
	rv_bus_out_str(out, cause);
	rv_bus_out_u64(out, packets);
	rv_bus_out_close(out);
}

bool read_number(const char *name, uint32_t *n)
{
	uint64_t v = 0;

	if (*name < '1' || *name > '9')
		return false;
	for (; *name >= '0' && *name <= '9' && v <= UINT32_MAX; name++)
		v = 10 * v + (uint64_t)(*name - '0');
	*n = (uint32_t)v;
	return !*name && v <= UINT32_MAX;
}

/* Events */

static void event_text(struct rv_bus_out *out, const struct rv_event *event)
{
	rv_bus_out_open_array(out, "{sv}");
	if (event->connection || (event->peer && event->peer->connection))
		rv_bus_out_dict_str(out, "Connection",
				    event->connection ? event->connection->name : event->peer->connection->name);
	if (event->peer)
		rv_bus_out_dict_u64(out, "Peer", event->peer->id);
	if (event->child) {
		rv_bus_out_dict_u64(out, "Child", event->child->id);
		rv_bus_out_dict_str(out, "Name", event->child->conf ? event->child->conf->name : "");
	}
	if (event->code)
		rv_bus_out_dict_str(out, "Error", rv_error_name(event->code));
	if (event->text)
		rv_bus_out_dict_str(out, "Text", event->text);
	rv_bus_out_close(out);
}

/* Events after which there may be other objects than before. */
static void look_again(struct rv_bus *bus, const char *event)
{
	if (!strcmp(event, "reloaded"))
		changes_compare(bus->connections, true);
	if (strcmp(event, "plugin-loaded") != 0 && strcmp(event, "plugin-unloaded") != 0)
		return;
	plugins_changed(bus);
	changes_compare(bus->plugins, false);
	changes_compare(bus->services, false);
}

static void on_event(void *self, const struct rv_event *event)
{
	struct rv_bus *bus = ((struct rv_core *)self)->bus;
	const struct rv_connection *connection = event->connection ? event->connection
						 : event->peer	   ? event->peer->connection
								   : NULL;

	if (!bus)
		return;
	if (connection)
		rv_bus_changed(bus->connections, connection->name, "State");
	if (!strncmp(event->name, "plugin-", 7) && event->text)
		rv_bus_changed(bus->plugins, event->text, "State");
	look_again(bus, event->name);
	struct rv_bus_out *out = rv_bus_signal(bus->root, "", "Event");

	if (!out)
		return;
	rv_bus_out_str(out, event->name);
	event_text(out, event);
	rv_bus_send(out);
}

static const struct rv_watch_ops watch_ops = { .size = sizeof(watch_ops), .event = on_event };

static void *root_find(void *self, const char *name)
{
	return self;
}

static int root_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	return fn(fn_arg, "", self);
}

static const struct rv_bus_folder_ops root_folder = { sizeof(root_folder), root_find, root_each };

int faces_new(struct rv_bus *bus)
{
	const struct {
		struct rv_bus_folder **folder;
		const char *path;
		const struct rv_bus_interface *interface;
		const struct rv_bus_folder_ops *ops;
		bool listed;
	} rows[] = {
		{ &bus->root, "", &manager_interface, &root_folder, false },
		{ &bus->connections, "connection", &connection_interface, &connection_folder, true },
		{ &bus->children, "child_sa", &child_interface, &child_folder, false },
		{ &bus->plugins, "plugin", &plugin_interface, &plugin_folder, true },
		{ &bus->services, "service", &service_interface, &service_folder, true },
		{ &bus->attempts, "attempt", &attempt_interface, &attempt_folder, true },
		{ &bus->policies, "policy", &policy_interface, &policy_folder, false },
	};
	struct rv_core *core = bus->core;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		*rows[i].folder =
			folder_new(core, bus, rows[i].path, rows[i].interface, rows[i].ops, bus, rows[i].listed);
		if (!*rows[i].folder)
			return -ENOMEM;
	}
	core->attempt_changed = attempt_changed;
	core->attempt_changed_arg = core;
	rv_list_each (&core->attempts, attempt, struct rv_attempt, entry) {
		attempt->changed = attempt_changed;
		attempt->changed_arg = core;
	}
	changes_compare(bus->connections, false);
	changes_compare(bus->plugins, false);
	changes_compare(bus->services, false);
	/* the listener stays with the core, as attempts do: both look whether there is a bus */
	int r = rv_watch_offer(core->host, (struct rv_offer){ .name = "bus" }, &watch_ops, core);

	return r == -RV_EEXISTS ? 0 : r;
}

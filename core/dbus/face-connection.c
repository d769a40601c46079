// SPDX-License-Identifier: LGPL-2.1-or-later
/* face-connection: connection/NAME, the connections of the configuration. */
#include "face.h"

#include <ravelin/sa.h>

enum { DOWN, CONNECTING, UP };

static int best_state(struct rv_peer *peer, void *arg)
{
	int *best = arg, state = peer->established ? UP : CONNECTING;

	*best = state > *best ? state : *best;
	return *best == UP;
}

static void connection_state(void *self, struct rv_bus_out *out)
{
	static const char *const words[] = { [DOWN] = "down", [CONNECTING] = "connecting", [UP] = "up" };
	int best = DOWN;

	(void)rv_peer_each(out->core, ((const struct rv_connection *)self)->name, best_state, &best);
	rv_bus_out_str(out, words[best]);
}

static void connection_name(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ((const struct rv_connection *)self)->name);
}

static void connection_version(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((const struct rv_connection *)self)->version);
}

static void connection_local(void *self, struct rv_bus_out *out)
{
	strings_out(out, ((const struct rv_connection *)self)->local_addrs);
}

static void connection_remote(void *self, struct rv_bus_out *out)
{
	strings_out(out, ((const struct rv_connection *)self)->remote_addrs);
}

static void connection_children(void *self, struct rv_bus_out *out)
{
	const struct rv_connection *connection = self;

	rv_bus_out_open_array(out, "s");
	for (size_t i = 0; i < connection->n_children; i++)
		rv_bus_out_str(out, connection->children[i].name);
	rv_bus_out_close(out);
}

static const struct rv_bus_property connection_properties[] = {
	{ "Name", "s", connection_name, RV_BUS_CONST },
	{ "State", "s", connection_state, RV_BUS_TOLD },
	{ "Version", "u", connection_version, RV_BUS_TOLD },
	{ "LocalAddresses", "as", connection_local, RV_BUS_TOLD },
	{ "RemoteAddresses", "as", connection_remote, RV_BUS_TOLD },
	{ "Children", "as", connection_children, RV_BUS_TOLD },
};
const struct rv_bus_interface connection_interface = { .name = BUS_NAME ".Connection",
						       PROPERTIES(connection_properties) };

static int each_connection(const struct rv_connection *connection, void *arg)
{
	struct each *each = arg;

	return each->fn(each->arg, connection->name, (void *)(uintptr_t)connection);
}

static int connection_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct rv_bus *bus = self;
	struct each each = { .fn = fn, .arg = fn_arg };

	return bus->core->pad ? rv_pad_each(bus->core->pad, each_connection, &each) : 0;
}

static void *connection_find(void *self, const char *name)
{
	struct rv_bus *bus = self;

	return (void *)(uintptr_t)rv_connection_find(bus->core, name);
}

const struct rv_bus_folder_ops connection_folder = { sizeof(connection_folder), connection_find, connection_each };

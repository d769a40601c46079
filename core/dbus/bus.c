// SPDX-License-Identifier: LGPL-2.1-or-later
/* bus: the D-Bus face as one object: objects, the daemon's own socket and, when it is wanted, a message bus. */
#include "objects.h"

#include <errno.h>
#include <talloc.h>

static int bus_gone(struct rv_bus *bus)
{
	message_bus_close(bus);
	rv_list_each (&bus->links, link, struct link, entry)
		talloc_free(link);
	server_close(bus);
	rv_defer_cancel(bus->core->loop, bus);
	rv_list_each (&bus->calls, call, struct rv_bus_call, entry)
		rv_list_del(&call->entry);
	changes_end(bus);
	talloc_free_children(bus); /* while the core still says that there is a bus */
	if (bus->core->bus == bus)
		bus->core->bus = NULL;
	return 0;
}

static int open_all(struct rv_bus *bus, struct rv_why *why)
{
	const char *run_dir = bus->core->params.run_dir;
	int r = faces_new(bus);

	if (!r && run_dir)
		r = server_open(bus, run_dir, why);
	if (!r && bus->message_bus)
		r = message_bus_open(bus, why);
	return r;
}

struct rv_bus *rv_bus_new(const void *parent, struct rv_core *core, const char *message_bus, struct rv_why *why)
{
	struct rv_bus *bus = talloc_zero(parent, struct rv_bus);
	int r;

	if (!bus || (message_bus && !(bus->message_bus = talloc_strdup(bus, message_bus)))) {
		(void)rv_why_set(why, -ENOMEM, "no memory for the D-Bus face");
		talloc_free(bus);
		return NULL;
	}
	bus->core = core;
	bus->since_us = rv_loop_now_us(core->loop);
	rv_list_init(&bus->links);
	rv_list_init(&bus->changes);
	rv_list_init(&bus->calls);
	talloc_set_destructor(bus, bus_gone);
	core->bus = bus;
	r = open_all(bus, why);
	if (!r)
		return bus;
	if (why && !*why->text)
		(void)rv_why_set(why, r, "the D-Bus face could not be made: %s", rv_error_text(r));
	talloc_free(bus);
	return NULL;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* show: xdp/INTERFACE-QUEUE on D-Bus: what goes past the system's stack. */
#include "xdp.h"

#include <errno.h>
#include <ravelin/bus.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 32 };

static void name_of(const struct queue *queue, char out[static NAME])
{
	snprintf(out, NAME, "%s-%u", queue->device->name, queue->id);
}

static void interface_name(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ((struct queue *)self)->device->name);
}

static void number(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct queue *)self)->id);
}

static void mode(void *self, struct rv_bus_out *out)
{
	const struct queue *queue = self;
	char text[32];

	snprintf(text, sizeof(text), "%s, %s", queue->device->program.native ? "native" : "generic",
		 queue->zerocopy ? "zerocopy" : "copy");
	rv_bus_out_str(out, text);
}

#define COUNTER(NAME, member)                                                                                          \
	static void NAME(void *self, struct rv_bus_out *out)                                                           \
	{                                                                                                              \
		rv_bus_out_u64(out,                                                                                    \
			       atomic_load_explicit(&((struct queue *)self)->counters.member, memory_order_relaxed));  \
	}
COUNTER(frames_in, in)
COUNTER(frames_out, out)
COUNTER(damaged, bad)
COUNTER(no_room, full)

static const struct rv_bus_property properties[] = {
	{ "Interface", "s", interface_name, RV_BUS_CONST },
	{ "Queue", "u", number, RV_BUS_CONST },
	{ "Mode", "s", mode, RV_BUS_CONST },
	{ "FramesIn", "t", frames_in },
	{ "FramesOut", "t", frames_out },
	{ "Damaged", "t", damaged },
	{ "NoRoom", "t", no_room },
};

static const struct rv_bus_interface interface = { .name = "org.ravelin.IPsec1.XdpQueue",
						   .properties = properties,
						   .n_properties = RV_COUNT(properties) };

static int each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	const struct xdp *xdp = self;

	for (unsigned i = 0; i < xdp->n_devices; i++) {
		const struct device *device = &xdp->devices[i];
		for (unsigned q = 0; q < device->n_queues; q++) {
			char name[NAME];
			name_of(&device->queues[q], name);
			int r = fn(fn_arg, name, &device->queues[q]);
			if (r)
				return r;
		}
	}
	return 0;
}

struct search {
	const char *name;
	void *found;
};

static int look(void *arg, const char *name, void *object)
{
	struct search *search = arg;

	if (strcmp(name, search->name) == 0)
		search->found = object;
	return search->found != NULL;
}

static void *find(void *self, const char *name)
{
	struct search search = { .name = name };

	(void)each(self, look, &search);
	return search.found;
}

static const struct rv_bus_folder_ops folder = { sizeof(folder), find, each };

int show(struct xdp *xdp)
{
	xdp->folder = rv_bus_folder(xdp->host, "xdp", &interface, &folder, xdp, true);
	return xdp->folder ? 0 : -ENOMEM;
}

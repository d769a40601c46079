// SPDX-License-Identifier: LGPL-2.1-or-later
/* show: pool/NAME on D-Bus: how many addresses are lent, and to whom. */
#include "attr-pool.h"

#include <errno.h>
#include <stdio.h>

enum { SHOWN = 1000 }; /* leases of one answer */

static void name(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ((struct pool *)self)->name);
}

static void addresses(void *self, struct rv_bus_out *out)
{
	char text[RV_TS_TEXT];

	rv_bus_out_str(out, rv_ts_text(&((struct pool *)self)->range, text));
}

static void size(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u64(out, ((struct pool *)self)->size);
}

static void online(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct pool *)self)->n_online);
}

static void offline(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct pool *)self)->n_offline);
}

static void put_lease(const struct lease *lease, struct rv_bus_out *out)
{
	char addr[RV_ADDR_TEXT], id[RV_ID_TEXT], line[RV_ADDR_TEXT + RV_ID_TEXT + 16];

	snprintf(line, sizeof(line), "%s %s %s", rv_addr_text(&lease->addr, addr), rv_id_text(lease->id, id),
		 lease->uses ? "online" : "offline");
	rv_bus_out_str(out, line);
}

static void leases(void *self, struct rv_bus_out *out)
{
	struct pool *pool = self;
	unsigned n = 0;

	rv_bus_out_open_array(out, "s");
	rv_list_each (&pool->online, lease, struct lease, entry)
		if (n++ < SHOWN)
			put_lease(lease, out);
	rv_list_each (&pool->offline, lease, struct lease, entry)
		if (n++ < SHOWN)
			put_lease(lease, out);
	rv_bus_out_close(out);
}

static const struct rv_bus_property properties[] = {
	{ "Name", "s", name, RV_BUS_CONST }, { "Addresses", "s", addresses }, { "Size", "t", size },
	{ "Online", "u", online },	     { "Offline", "u", offline },     { "Leases", "as", leases },
};

static const struct rv_bus_interface interface = { .name = "org.ravelin.IPsec1.Pool",
						   .properties = properties,
						   .n_properties = RV_COUNT(properties) };

static void *find(void *self, const char *wanted)
{
	return pools_find(self, wanted);
}

static int each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct pools *pools = self;

	rv_list_each (&pools->all, pool, struct pool, entry) {
		int r = fn(fn_arg, pool->name, pool);

		if (r)
			return r;
	}
	return 0;
}

static const struct rv_bus_folder_ops folder = { sizeof(folder), find, each };

int show(struct pools *pools)
{
	pools->folder = rv_bus_folder(pools->host, "pool", &interface, &folder, pools, true);
	return pools->folder ? 0 : -ENOMEM;
}

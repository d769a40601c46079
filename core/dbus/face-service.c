// SPDX-License-Identifier: LGPL-2.1-or-later
/* face-service: service/KIND/NAME/PROVIDER, every offer in the registry, chosen or not. */
#include "face.h"

#include <stdio.h>
#include <string.h>

static void service_kind(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, rv_service_kind(self));
}

static void service_name(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, rv_service_name(self));
}

static void service_provider(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, rv_service_owner(self));
}

static void service_is_chosen(void *self, struct rv_bus_out *out)
{
	rv_bus_out_bool(out, rv_service_chosen(self));
}

static void service_self_test(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, rv_service_self_test(self));
}

static void service_speed(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u64(out, rv_service_speed_ns(self));
}

static void service_users(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, rv_service_users(self));
}

static void service_attributes(void *self, struct rv_bus_out *out)
{
	size_t n;
	const struct rv_attr *attrs = rv_service_attrs(self, &n);

	rv_bus_out_open_array(out, "{sx}");
	for (size_t i = 0; i < n; i++) {
		rv_bus_out_open_entry(out);
		rv_bus_out_str(out, attrs[i].name);
		rv_bus_out_i64(out, attrs[i].value);
		rv_bus_out_close(out);
	}
	rv_bus_out_close(out);
}

static const struct rv_bus_property service_properties[] = {
	{ "Kind", "s", service_kind, RV_BUS_CONST },
	{ "Name", "s", service_name, RV_BUS_CONST },
	{ "Provider", "s", service_provider, RV_BUS_CONST },
	{ "Chosen", "b", service_is_chosen },
	{ "Attributes", "a{sx}", service_attributes, RV_BUS_CONST },
	{ "SelfTest", "s", service_self_test, RV_BUS_CONST },
	{ "SpeedNs", "t", service_speed },
	{ "Users", "u", service_users },
};
const struct rv_bus_interface service_interface = { .name = BUS_NAME ".Service", PROPERTIES(service_properties) };

static int each_service(struct rv_service *service, void *arg)
{
	struct each *each = arg;
	char name[MAX_PATH];

	snprintf(name, sizeof(name), "%s/%s/%s", rv_service_kind(service), rv_service_name(service),
		 rv_service_owner(service));
	return each->fn(each->arg, name, service);
}

static int service_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct rv_bus *bus = self;
	struct each each = { .fn = fn, .arg = fn_arg };

	return rv_registry_all(bus->core->registry, each_service, &each);
}

/* A walk that looks for one name. */
struct search {
	const char *name;
	void *object;
};

static int match_name(void *arg, const char *name, void *object)
{
	struct search *search = arg;

	if (strcmp(name, search->name) != 0)
		return 0;
	search->object = object;
	return 1;
}

static void *service_find(void *self, const char *name)
{
	struct search search = { name, NULL };

	(void)service_each(self, match_name, &search);
	return search.object;
}

const struct rv_bus_folder_ops service_folder = { sizeof(service_folder), service_find, service_each };

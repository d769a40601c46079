// SPDX-License-Identifier: LGPL-2.1-or-later
/* face-plugin: plugin/NAME, every plugin in the plugin folders, loaded or not. */
#include "face.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

enum { KEEP_MS = 2000 };

#define PLUGIN_TEXT(field)                                                                                             \
	static void plugin_##field(void *self, struct rv_bus_out *out)                                                 \
	{                                                                                                              \
		rv_bus_out_str(out, ((const struct rv_plugin_info *)self)->field);                                     \
	}
PLUGIN_TEXT(name)
PLUGIN_TEXT(version)
PLUGIN_TEXT(summary)
PLUGIN_TEXT(licence)
PLUGIN_TEXT(vendor)
PLUGIN_TEXT(provides)
PLUGIN_TEXT(needs)
PLUGIN_TEXT(rfc)
PLUGIN_TEXT(path)

static void plugin_state(void *self, struct rv_bus_out *out)
{
	const struct rv_plugin_info *info = self;

	rv_bus_out_str(out, info->draining ? "draining" : info->loaded ? "loaded" : "available");
}

static void plugin_abi(void *self, struct rv_bus_out *out)
{
	const struct rv_plugin_info *info = self;
	char text[32];

	snprintf(text, sizeof(text), "%u.%u", info->abi_major, info->abi_minor);
	rv_bus_out_str(out, text);
}

static void plugin_default(void *self, struct rv_bus_out *out)
{
	rv_bus_out_bool(out, ((const struct rv_plugin_info *)self)->by_default);
}

static const struct rv_bus_property plugin_properties[] = {
	{ "Name", "s", plugin_name, RV_BUS_CONST },
	{ "State", "s", plugin_state, RV_BUS_TOLD },
	{ "Version", "s", plugin_version },
	{ "Summary", "s", plugin_summary },
	{ "Licence", "s", plugin_licence },
	{ "Vendor", "s", plugin_vendor },
	{ "Abi", "s", plugin_abi },
	{ "Provides", "s", plugin_provides },
	{ "Needs", "s", plugin_needs },
	{ "Rfc", "s", plugin_rfc },
	{ "Default", "b", plugin_default },
	{ "Path", "s", plugin_path },
};
const struct rv_bus_interface plugin_interface = { .name = BUS_NAME ".Plugin", PROPERTIES(plugin_properties) };

/* Reading what the plugin folders have opens every file, and anybody may ask for it: it is kept for a while. Names and
 * texts of rv_plugins_each() live only during the walk. */

struct plugin_cache {
	uint64_t until_us;
	struct rv_plugin_info *infos;
	size_t n;
};

static bool copy_text(const void *parent, const char **text)
{
	const char *copy = *text ? talloc_strdup(parent, *text) : NULL;
	bool ok = copy || !*text;

	*text = copy;
	return ok;
}

static int copy_info(const struct rv_plugin_info *info, void *arg)
{
	struct plugin_cache *cache = arg;
	struct rv_plugin_info *more = talloc_realloc(cache, cache->infos, struct rv_plugin_info, cache->n + 1), *copy;

	if (!more)
		return -ENOMEM;
	cache->infos = more;
	copy = &more[cache->n++];
	*copy = *info;
	copy->schema = NULL;
	const char **const texts[] = { &copy->name,   &copy->path,     &copy->version, &copy->summary, &copy->licence,
				       &copy->vendor, &copy->provides, &copy->needs,   &copy->rfc };
	bool ok = true;

	for (size_t i = 0; i < RV_COUNT(texts); i++)
		ok = copy_text(cache, texts[i]) && ok;
	return ok ? 0 : -ENOMEM;
}

/* NULL: no memory. */
static const struct plugin_cache *read_plugins(struct rv_bus *bus)
{
	uint64_t now_us = rv_loop_now_us(bus->core->loop);
	struct plugin_cache *cache = bus->plugin_cache;

	if (cache && now_us < cache->until_us)
		return cache;
	cache = talloc_zero(bus, struct plugin_cache);
	if (!cache || rv_plugins_each(bus->core->plugins, copy_info, cache) < 0) {
		talloc_free(cache);
		return NULL;
	}
	cache->until_us = now_us + RV_MS(KEEP_MS);
	talloc_free(bus->plugin_cache);
	bus->plugin_cache = cache;
	return cache;
}

void plugins_changed(struct rv_bus *bus)
{
	if (bus->plugin_cache)
		bus->plugin_cache->until_us = 0;
}

static int plugin_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	const struct plugin_cache *cache = read_plugins(self);
	int r = cache ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < cache->n; i++)
		r = fn(fn_arg, cache->infos[i].name, &cache->infos[i]);
	return r;
}

static void *plugin_find(void *self, const char *name)
{
	const struct plugin_cache *cache = read_plugins(self);

	for (size_t i = 0; cache && i < cache->n; i++)
		if (!strcmp(cache->infos[i].name, name))
			return &cache->infos[i];
	return NULL;
}

const struct rv_bus_folder_ops plugin_folder = { sizeof(plugin_folder), plugin_find, plugin_each };

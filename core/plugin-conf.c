// SPDX-License-Identifier: LGPL-2.1-or-later
/* plugin-conf: what the configuration says of plugins: which are loaded, and a plugin's own section.
 *
 * `ravelin.load = a, b` is the whole list. Without it a plugin is loaded when its note says default=on;
 * `ravelin.plugins.NAME.load` overrules that for one plugin. What is needed by another comes along, unless load = no.
 */
#include "plugin-parts.h"

#include <errno.h>
#include <string.h>

const struct rv_conf *rv_host_conf(const struct rv_host *host)
{
	const struct rv_conf *plugins = rv_conf_section(rv_conf_section(host->core->conf, "ravelin"), "plugins");

	return rv_conf_section(plugins, host->name);
}

/* The names to load and those that may not be loaded, while they are gathered. */
struct decision {
	const struct rv_conf *plugins; /* ravelin.plugins */
	const char **load, **but;
	size_t n_load, n_but;
	bool listed; /* ravelin.load stands there */
};

/* Appends a copy of name to a NULL-terminated list. */
static int append(void *parent, const char ***list, size_t *n, const char *name)
{
	const char **grown = talloc_realloc(parent, *list, const char *, *n + 2);

	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[*n] = talloc_strdup(grown, name);
	if (!grown[*n])
		return -ENOMEM;
	grown[++*n] = NULL;
	return 0;
}

static int decide(const struct rv_plugin_info *info, void *arg)
{
	struct decision *decision = arg;
	const struct rv_conf *section = rv_conf_section(decision->plugins, info->name);
	bool says = rv_conf_has(section, "load");
	bool load = says ? rv_conf_bool(section, "load") : info->by_default;

	if (says && !load)
		return append(decision, &decision->but, &decision->n_but, info->name);
	if (info->loaded || !load || decision->listed)
		return 0;
	return append(decision, &decision->load, &decision->n_load, info->name);
}

/* A section that says load = yes of a plugin that is not there must fail, so those come by their sections too. */
static int add_named(const char *name, const struct rv_conf *section, void *arg)
{
	struct decision *decision = arg;

	for (size_t i = 0; i < decision->n_load; i++)
		if (!strcmp(decision->load[i], name))
			return 0;
	if (decision->listed || !rv_conf_has(section, "load") || !rv_conf_bool(section, "load"))
		return 0;
	return append(decision, &decision->load, &decision->n_load, name);
}

/* What root says, into a new object. NULL: out of memory. */
static struct decision *decision_new(struct rv_plugins *plugins, const struct rv_conf *root)
{
	const struct rv_conf *ravelin = rv_conf_section(root, "ravelin");
	struct decision *decision = talloc_zero(plugins, struct decision);
	const char *const *list;
	int r = decision ? 0 : -ENOMEM;

	if (!r) {
		decision->plugins = rv_conf_section(ravelin, "plugins");
		decision->listed = rv_conf_has(ravelin, "load");
		r = rv_plugins_each(plugins, decide, decision);
	}
	if (!r)
		r = rv_conf_each(decision->plugins, add_named, decision);
	list = !r && decision->listed ? rv_conf_list(ravelin, "load") : NULL;
	for (; !r && list && *list; list++)
		r = append(decision, &decision->load, &decision->n_load, *list);
	if (r)
		TALLOC_FREE(decision);
	return decision;
}

struct rights_walk {
	const struct decision *decision;
	int (*fn)(const char *plugin, const char *right, void *arg);
	void *arg;
};

static int each_right(const struct rv_plugin_info *info, void *arg)
{
	const struct rights_walk *walk = arg;
	const char *list = info->rights;
	bool wanted = false;
	char right[32];
	int r = 0;

	for (size_t i = 0; list && i < walk->decision->n_load; i++)
		wanted = wanted || !strcmp(walk->decision->load[i], info->name);
	while (wanted && !r && (list = rv_note_word(list, right, sizeof(right))))
		r = walk->fn(info->name, right, walk->arg);
	return r;
}

int rv_plugins_each_right(struct rv_plugins *plugins, const struct rv_conf *root,
			  int (*fn)(const char *plugin, const char *right, void *arg), void *arg)
{
	struct decision *decision = decision_new(plugins, root);
	struct rights_walk walk = { decision, fn, arg };
	int r = decision ? rv_plugins_each(plugins, each_right, &walk) : -ENOMEM;

	talloc_free(decision);
	return r;
}

int rv_plugins_load_configured(struct rv_plugins *plugins, const struct rv_conf *root, struct rv_why *why)
{
	struct decision *decision = decision_new(plugins, root);
	int r = decision ? 0 : -ENOMEM;

	if (r)
		rv_why_set(why, r, "no memory");
	else if (decision->n_load)
		r = rv_plugins_load_but(plugins, decision->load, decision->but, why);
	talloc_free(decision);
	return r;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* face-policy: policy/N, the N-th policy that stands. A policy has no name that lasts. */
#include "face.h"

#include <stdio.h>
#include <talloc.h>

/* A policy as it was when it was walked: what the walk lends does not outlive its step. */
struct policy_row {
	struct rv_policy_spec spec;
	char whose[128];
};

static void copy_row(struct policy_row *row, const struct rv_policy_spec *spec, const char *whose)
{
	row->spec = *spec;
	row->spec.interface = NULL; /* is not shown, and may go */
	snprintf(row->whose, sizeof(row->whose), "%s", whose);
}

static void policy_local(void *self, struct rv_bus_out *out)
{
	char text[RV_TS_TEXT];

	rv_bus_out_str(out, rv_ts_text(&((struct policy_row *)self)->spec.local_ts, text));
}

static void policy_remote(void *self, struct rv_bus_out *out)
{
	char text[RV_TS_TEXT];

	rv_bus_out_str(out, rv_ts_text(&((struct policy_row *)self)->spec.remote_ts, text));
}

static void policy_action(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, mode_words[((struct policy_row *)self)->spec.action]);
}

static void policy_trap(void *self, struct rv_bus_out *out)
{
	rv_bus_out_bool(out, ((struct policy_row *)self)->spec.trap);
}

static void policy_reqid(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct policy_row *)self)->spec.reqid);
}

static void policy_priority(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct policy_row *)self)->spec.priority);
}

static void policy_whose(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ((struct policy_row *)self)->whose);
}

static const struct rv_bus_property policy_properties[] = {
	{ "LocalTs", "s", policy_local }, { "RemoteTs", "s", policy_remote }, { "Action", "s", policy_action },
	{ "Trap", "b", policy_trap },	  { "Reqid", "u", policy_reqid },     { "Priority", "u", policy_priority },
	{ "Whose", "s", policy_whose },
};
const struct rv_bus_interface policy_interface = { .name = BUS_NAME ".Policy", PROPERTIES(policy_properties) };

static int each_policy(const struct rv_policy_spec *spec, const char *whose, void *arg)
{
	struct each *each = arg;
	struct policy_row row;
	char name[16];

	copy_row(&row, spec, whose);
	snprintf(name, sizeof(name), "%u", ++each->n);
	return each->fn(each->arg, name, &row);
}

static int policy_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct rv_bus *bus = self;
	struct each each = { .fn = fn, .arg = fn_arg };

	return rv_spd_each(bus->core, each_policy, &each);
}

/* A walk that looks for a number. */
struct search {
	uint32_t left;
	struct policy_row *row;
};

static int match_policy(const struct rv_policy_spec *spec, const char *whose, void *arg)
{
	struct search *search = arg;

	copy_row(search->row, spec, whose);
	return !--search->left;
}

static void *policy_find(void *self, const char *name)
{
	struct rv_bus *bus = self;
	struct search search;

	if (!bus->found_policy)
		bus->found_policy = talloc_zero(bus, struct policy_row);
	search.row = bus->found_policy;
	if (!search.row || !read_number(name, &search.left) || !search.left)
		return NULL;
	return rv_spd_each(bus->core, match_policy, &search) ? search.row : NULL;
}

const struct rv_bus_folder_ops policy_folder = { sizeof(policy_folder), policy_find, policy_each };

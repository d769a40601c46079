// SPDX-License-Identifier: LGPL-2.1-or-later
/* face: the core's own objects as folders: connections, child SAs, plugins, services, attempts and policies; and its
 * events as signals.
 */
#include "private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#define PROPERTIES(list) .properties = list, .n_properties = RV_COUNT(list)

static void strings_out(struct rv_bus_out *out, const char *const *strings)
{
	rv_bus_out_open_array(out, "s");
	for (; strings && *strings; strings++)
		rv_bus_out_str(out, *strings);
	rv_bus_out_close(out);
}

/* A walk that looks for one name: what every find() below is. */
struct search {
	const char *name;
	void *object;
};

static int match_name(void *arg, const char *name, void *object)
{
	struct search *search = arg;

	if (strcmp(name, search->name))
		return 0;
	search->object = object;
	return 1;
}

static bool number(const char *name, uint32_t *n)
{
	char *end;
	unsigned long v = strtoul(name, &end, 10);

	*n = (uint32_t)v;
	return *name >= '0' && *name <= '9' && !*end && v <= UINT32_MAX;
}

/* connection/NAME */

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

	(void)rv_peer_each(out->bus->core, ((const struct rv_connection *)self)->name, best_state, &best);
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
	{ "Name", "s", connection_name },
	{ "State", "s", connection_state },
	{ "Version", "u", connection_version },
	{ "LocalAddresses", "as", connection_local },
	{ "RemoteAddresses", "as", connection_remote },
	{ "Children", "as", connection_children },
};
static const struct rv_bus_interface connection_interface = { .name = BUS_NAME ".Connection",
							      PROPERTIES(connection_properties) };

struct each {
	rv_bus_each_fn *fn;
	void *arg;
	struct rv_bus *bus;
	unsigned n;
};

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

static const struct rv_bus_folder_ops connection_folder = { sizeof(connection_folder), connection_find,
							    connection_each };

/* child_sa/N */

static const char *const child_states[] = { [RV_CHILD_NEW] = "new",
					    [RV_CHILD_INSTALLED] = "installed",
					    [RV_CHILD_REKEYING] = "rekeying",
					    [RV_CHILD_REKEYED] = "rekeyed",
					    [RV_CHILD_DELETING] = "deleting" };
static const char *const modes[] = {
	[RV_TUNNEL] = "tunnel", [RV_TRANSPORT] = "transport", [RV_PASS] = "pass", [RV_DROP] = "drop"
};
static const char *const drops[RV_N_DROPS] = {
	[RV_DROP_NO_SA] = "no-sa",	   [RV_DROP_REPLAY] = "replay",	      [RV_DROP_INTEGRITY] = "integrity",
	[RV_DROP_SELECTOR] = "selector",   [RV_DROP_MALFORMED] = "malformed", [RV_DROP_SEQUENCE_END] = "sequence-end",
	[RV_DROP_NO_POLICY] = "no-policy", [RV_DROP_POLICY] = "policy",	      [RV_DROP_IO] = "io",
};

static void child_id(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct rv_child *)self)->id);
}

static void child_name(void *self, struct rv_bus_out *out)
{
	const struct rv_child *child = self;

	rv_bus_out_str(out, child->conf ? child->conf->name : "");
}

static void child_connection(void *self, struct rv_bus_out *out)
{
	const struct rv_child *child = self;

	rv_bus_out_str(out, child->peer->connection ? child->peer->connection->name : "");
}

static void child_peer(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct rv_child *)self)->peer->id);
}

static void child_state(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, child_states[((struct rv_child *)self)->state]);
}

static void child_mode(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, modes[((struct rv_child *)self)->mode]);
}

static void child_protocol(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ((struct rv_child *)self)->protocol == RV_PROTO_AH ? "ah" : "esp");
}

static void child_encap(void *self, struct rv_bus_out *out)
{
	rv_bus_out_bool(out, ((struct rv_child *)self)->encap);
}

static void child_esn(void *self, struct rv_bus_out *out)
{
	rv_bus_out_bool(out, ((struct rv_child *)self)->esn);
}

static void spi_out(struct rv_bus_out *out, uint32_t spi)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%08" PRIx32, spi);
	rv_bus_out_str(out, text);
}

static void child_spi_in(void *self, struct rv_bus_out *out)
{
	spi_out(out, ((struct rv_child *)self)->spi_in);
}

static void child_spi_out(void *self, struct rv_bus_out *out)
{
	spi_out(out, ((struct rv_child *)self)->spi_out);
}

static void child_reqid(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct rv_child *)self)->reqid);
}

static void ts_out(struct rv_bus_out *out, const struct rv_ts *ts, size_t n)
{
	char text[RV_TS_TEXT];

	rv_bus_out_open_array(out, "s");
	for (size_t i = 0; i < n; i++)
		rv_bus_out_str(out, rv_ts_text(&ts[i], text));
	rv_bus_out_close(out);
}

static void child_local_ts(void *self, struct rv_bus_out *out)
{
	const struct rv_child *child = self;

	ts_out(out, child->ts, child->n_local_ts);
}

static void child_remote_ts(void *self, struct rv_bus_out *out)
{
	const struct rv_child *child = self;

	ts_out(out, child->ts ? child->ts + child->n_local_ts : NULL, child->n_remote_ts);
}

static void child_proposal(void *self, struct rv_bus_out *out)
{
	const struct rv_child *child = self;
	struct rv_proposal proposal = { .protocol = child->protocol, .n = child->n_chosen };
	char text[512];

	memcpy(proposal.t, child->chosen, child->n_chosen * sizeof(child->chosen[0]));
	rv_bus_out_str(out, rv_proposal_text(out->bus->core->registry, &proposal, text, sizeof(text)));
}

static void child_age(void *self, struct rv_bus_out *out)
{
	const struct rv_child *child = self;

	rv_bus_out_u64(out, (rv_loop_now_us(out->bus->core->loop) - child->since_us) / 1000000);
}

static struct rv_sa_stats stats(struct rv_child *child, uint8_t dir)
{
	struct rv_sa_stats found = { 0 };

	(void)rv_child_stats(child, dir, &found);
	return found;
}

static void child_packets_in(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u64(out, stats(self, RV_IN).packets);
}

static void child_bytes_in(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u64(out, stats(self, RV_IN).bytes);
}

static void child_packets_out(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u64(out, stats(self, RV_OUT).packets);
}

static void child_bytes_out(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u64(out, stats(self, RV_OUT).bytes);
}

static void child_dropped(void *self, struct rv_bus_out *out)
{
	struct rv_sa_stats in = stats(self, RV_IN), sent = stats(self, RV_OUT);

	rv_bus_out_open_array(out, "{st}");
	for (size_t i = 0; i < RV_N_DROPS; i++) {
		if (!(in.dropped[i] + sent.dropped[i]))
			continue;
		rv_bus_out_open_entry(out);
		rv_bus_out_str(out, drops[i]);
		rv_bus_out_u64(out, in.dropped[i] + sent.dropped[i]);
		rv_bus_out_close(out);
	}
	rv_bus_out_close(out);
}

static const struct rv_bus_property child_properties[] = {
	{ "Id", "u", child_id },
	{ "Name", "s", child_name },
	{ "Connection", "s", child_connection },
	{ "Peer", "u", child_peer },
	{ "State", "s", child_state },
	{ "Mode", "s", child_mode },
	{ "Protocol", "s", child_protocol },
	{ "Encapsulated", "b", child_encap },
	{ "ExtendedSequenceNumbers", "b", child_esn },
	{ "SpiIn", "s", child_spi_in },
	{ "SpiOut", "s", child_spi_out },
	{ "Reqid", "u", child_reqid },
	{ "LocalTs", "as", child_local_ts },
	{ "RemoteTs", "as", child_remote_ts },
	{ "Proposal", "s", child_proposal },
	{ "Age", "t", child_age },
	{ "PacketsIn", "t", child_packets_in },
	{ "BytesIn", "t", child_bytes_in },
	{ "PacketsOut", "t", child_packets_out },
	{ "BytesOut", "t", child_bytes_out },
	{ "Dropped", "a{st}", child_dropped },
};
static const struct rv_bus_interface child_interface = { .name = BUS_NAME ".ChildSa", PROPERTIES(child_properties) };

static int each_child(struct rv_child *child, void *arg)
{
	struct each *each = arg;
	char name[16];

	snprintf(name, sizeof(name), "%" PRIu32, child->id);
	return each->fn(each->arg, name, child);
}

static int child_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct rv_bus *bus = self;
	struct each each = { .fn = fn, .arg = fn_arg };

	return rv_sad_each_child(bus->core, each_child, &each);
}

static void *child_find(void *self, const char *name)
{
	struct rv_bus *bus = self;
	uint32_t id;

	return number(name, &id) ? rv_child_by_id(bus->core, id) : NULL;
}

static const struct rv_bus_folder_ops child_folder = { sizeof(child_folder), child_find, child_each };

/* plugin/NAME: a struct rv_plugin_info lives only while it is walked, so find() keeps a copy until the next look-up. */

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
	{ "Name", "s", plugin_name },	    { "State", "s", plugin_state },	  { "Version", "s", plugin_version },
	{ "Summary", "s", plugin_summary }, { "Licence", "s", plugin_licence },	  { "Vendor", "s", plugin_vendor },
	{ "Abi", "s", plugin_abi },	    { "Provides", "s", plugin_provides }, { "Needs", "s", plugin_needs },
	{ "Rfc", "s", plugin_rfc },	    { "Default", "b", plugin_default },	  { "Path", "s", plugin_path },
};
static const struct rv_bus_interface plugin_interface = { .name = BUS_NAME ".Plugin", PROPERTIES(plugin_properties) };

static int each_plugin(const struct rv_plugin_info *info, void *arg)
{
	struct each *each = arg;
	struct rv_plugin_info copy = *info;

	return each->fn(each->arg, info->name, &copy);
}

static int plugin_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct rv_bus *bus = self;
	struct each each = { .fn = fn, .arg = fn_arg };

	return rv_plugins_each(bus->core->plugins, each_plugin, &each);
}

static int copy_plugin(const struct rv_plugin_info *info, void *arg)
{
	struct search *search = arg;

	if (strcmp(info->name, search->name))
		return 0;
	*(struct rv_plugin_info *)search->object = *info;
	return 1;
}

static void *plugin_find(void *self, const char *name)
{
	struct rv_bus *bus = self;
	struct search search = { name, bus->found_plugin };

	return rv_plugins_each(bus->core->plugins, copy_plugin, &search) ? search.object : NULL;
}

static const struct rv_bus_folder_ops plugin_folder = { sizeof(plugin_folder), plugin_find, plugin_each };

/* service/KIND/NAME/PROVIDER */

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
	{ "Kind", "s", service_kind },
	{ "Name", "s", service_name },
	{ "Provider", "s", service_provider },
	{ "Chosen", "b", service_is_chosen },
	{ "Attributes", "a{sx}", service_attributes },
	{ "SelfTest", "s", service_self_test },
	{ "SpeedNs", "t", service_speed },
	{ "Users", "u", service_users },
};
static const struct rv_bus_interface service_interface = { .name = BUS_NAME ".Service",
							   PROPERTIES(service_properties) };

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

static void *service_find(void *self, const char *name)
{
	struct search search = { name, NULL };

	(void)service_each(self, match_name, &search);
	return search.object;
}

static const struct rv_bus_folder_ops service_folder = { sizeof(service_folder), service_find, service_each };

/* attempt/N */

static void attempt_id(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct rv_attempt *)self)->id);
}

static void attempt_connection(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ((struct rv_attempt *)self)->connection);
}

static void attempt_child(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ((struct rv_attempt *)self)->child);
}

static void attempt_who(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ((struct rv_attempt *)self)->who);
}

static void attempt_state(void *self, struct rv_bus_out *out)
{
	const struct rv_attempt *attempt = self;

	rv_bus_out_str(out, !attempt->ended ? "running" : attempt->code ? "failed" : "ok");
}

static const char *attempt_error_name(const struct rv_attempt *attempt)
{
	return attempt->ended && attempt->code ? rv_error_name(attempt->code) : "";
}

static void attempt_error(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, attempt_error_name(self));
}

static void attempt_found(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ((struct rv_attempt *)self)->found);
}

static void attempt_advice(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ((struct rv_attempt *)self)->advice);
}

static void attempt_began(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u64(out, ((struct rv_attempt *)self)->wall_s);
}

static void attempt_duration(void *self, struct rv_bus_out *out)
{
	const struct rv_attempt *attempt = self;
	uint64_t end = attempt->ended ? attempt->ended_us : rv_loop_now_us(attempt->core->loop);

	rv_bus_out_u64(out, (end - attempt->began_us) / 1000);
}

static void attempt_steps(void *self, struct rv_bus_out *out)
{
	const struct rv_attempt *attempt = self;

	rv_bus_out_open_array(out, "(ts)");
	for (unsigned i = 0; i < attempt->n_steps; i++) {
		rv_bus_out_open_struct(out);
		rv_bus_out_u64(out, (attempt->steps[i].at_us - attempt->began_us) / 1000);
		rv_bus_out_str(out, attempt->steps[i].text);
		rv_bus_out_close(out);
	}
	rv_bus_out_close(out);
}

static const struct rv_bus_property attempt_properties[] = {
	{ "Id", "u", attempt_id },	     { "Connection", "s", attempt_connection },
	{ "Child", "s", attempt_child },     { "Who", "s", attempt_who },
	{ "State", "s", attempt_state },     { "Error", "s", attempt_error },
	{ "Found", "s", attempt_found },     { "Advice", "s", attempt_advice },
	{ "Began", "t", attempt_began },     { "DurationMs", "t", attempt_duration },
	{ "Steps", "a(ts)", attempt_steps },
};
static const struct rv_bus_signal attempt_signals[] = {
	{ "Step", "ts", "at_ms,text" },
	{ "Finished", "sss", "error,found,advice" },
};
static const struct rv_bus_interface attempt_interface = { .name = BUS_NAME ".Attempt",
							   PROPERTIES(attempt_properties),
							   .signals = attempt_signals,
							   .n_signals = RV_COUNT(attempt_signals) };

static int attempt_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct rv_bus *bus = self;
	char name[16];
	int r = 0;

	rv_list_each (&bus->core->attempts, attempt, struct rv_attempt, entry) {
		snprintf(name, sizeof(name), "%" PRIu32, attempt->id);
		r = r ? r : fn(fn_arg, name, attempt);
	}
	return r;
}

static void *attempt_find(void *self, const char *name)
{
	struct rv_bus *bus = self;
	uint32_t id;

	return number(name, &id) ? rv_attempt_find(bus->core, id) : NULL;
}

static const struct rv_bus_folder_ops attempt_folder = { sizeof(attempt_folder), attempt_find, attempt_each };

static void tell_step(struct rv_bus *bus, const struct rv_attempt *attempt, const char *name)
{
	const struct rv_attempt_step *step = &attempt->steps[attempt->n_steps - 1];
	struct rv_bus_out *out = rv_bus_signal(bus->attempts, name, "Step");

	if (!out)
		return;
	rv_bus_out_u64(out, (step->at_us - attempt->began_us) / 1000);
	rv_bus_out_str(out, step->text);
	rv_bus_send(out);
}

static void tell_end(struct rv_bus *bus, const struct rv_attempt *attempt, const char *name)
{
	struct rv_bus_out *out = rv_bus_signal(bus->attempts, name, "Finished");

	if (!out)
		return;
	rv_bus_out_str(out, attempt_error_name(attempt));
	rv_bus_out_str(out, attempt->found);
	rv_bus_out_str(out, attempt->advice);
	rv_bus_send(out);
}

static void attempt_changed(struct rv_attempt *attempt, void *arg)
{
	struct rv_bus *bus = arg;
	char name[16];

	snprintf(name, sizeof(name), "%" PRIu32, attempt->id);
	if (!attempt->holds && attempt->ended && !attempt->listed)
		rv_bus_went(bus->attempts, name);
	else if (attempt->ended)
		tell_end(bus, attempt, name);
	else if (attempt->n_steps)
		tell_step(bus, attempt, name);
	else
		rv_bus_came(bus->attempts, name);
}

/* policy/N: the N-th that stands */

struct policy_row {
	const struct rv_policy_spec *spec;
	const char *whose;
};

static void policy_local(void *self, struct rv_bus_out *out)
{
	char text[RV_TS_TEXT];

	rv_bus_out_str(out, rv_ts_text(&((struct policy_row *)self)->spec->local_ts, text));
}

static void policy_remote(void *self, struct rv_bus_out *out)
{
	char text[RV_TS_TEXT];

	rv_bus_out_str(out, rv_ts_text(&((struct policy_row *)self)->spec->remote_ts, text));
}

static void policy_action(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, modes[((struct policy_row *)self)->spec->action]);
}

static void policy_trap(void *self, struct rv_bus_out *out)
{
	rv_bus_out_bool(out, ((struct policy_row *)self)->spec->trap);
}

static void policy_reqid(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct policy_row *)self)->spec->reqid);
}

static void policy_priority(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct policy_row *)self)->spec->priority);
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
static const struct rv_bus_interface policy_interface = { .name = BUS_NAME ".Policy", PROPERTIES(policy_properties) };

static int each_policy(const struct rv_policy_spec *spec, const char *whose, void *arg)
{
	struct each *each = arg;
	struct policy_row row = { spec, whose };
	char name[16];

	snprintf(name, sizeof(name), "%u", ++each->n);
	return each->fn(each->arg, name, &row);
}

static int policy_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct rv_bus *bus = self;
	struct each each = { .fn = fn, .arg = fn_arg };

	return rv_spd_each(bus->core, each_policy, &each);
}

static void *policy_find(void *self, const char *name)
{
	return NULL; /* a policy has no name that lasts; they are listed */
}

static const struct rv_bus_folder_ops policy_folder = { sizeof(policy_folder), policy_find, policy_each };

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

static void on_event(void *self, const struct rv_event *event)
{
	struct rv_bus *bus = self;
	struct rv_bus_out *out = rv_bus_signal(bus->root, "", "Event");

	if (event->connection || (event->peer && event->peer->connection))
		rv_bus_changed(bus->connections,
			       event->connection ? event->connection->name : event->peer->connection->name, "State");
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
		{ &bus->root, "", &manager_interface, &root_folder, true },
		{ &bus->connections, "connection", &connection_interface, &connection_folder, true },
		{ &bus->children, "child_sa", &child_interface, &child_folder, false },
		{ &bus->plugins, "plugin", &plugin_interface, &plugin_folder, true },
		{ &bus->services, "service", &service_interface, &service_folder, true },
		{ &bus->attempts, "attempt", &attempt_interface, &attempt_folder, true },
		{ &bus->policies, "policy", &policy_interface, &policy_folder, false },
	};

	bus->found_plugin = talloc_zero(bus, struct rv_plugin_info);
	if (!bus->found_plugin)
		return -ENOMEM;
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		*rows[i].folder =
			folder_new(bus, bus, rows[i].path, rows[i].interface, rows[i].ops, bus, rows[i].listed);
		if (!*rows[i].folder)
			return -ENOMEM;
	}
	bus->core->attempt_changed = attempt_changed;
	bus->core->attempt_changed_arg = bus;
	return rv_watch_offer(bus->host, (struct rv_offer){ .name = "bus" }, &watch_ops, bus);
}

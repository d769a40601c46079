// SPDX-License-Identifier: LGPL-2.1-or-later
/* face-attempt: attempt/N, the stories of the tries to reach a peer. */
#include "face.h"

#include <inttypes.h>
#include <stdio.h>

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
	{ "Id", "u", attempt_id, RV_BUS_CONST },       { "Connection", "s", attempt_connection, RV_BUS_CONST },
	{ "Child", "s", attempt_child, RV_BUS_CONST }, { "Who", "s", attempt_who, RV_BUS_CONST },
	{ "State", "s", attempt_state, RV_BUS_TOLD },  { "Error", "s", attempt_error, RV_BUS_TOLD },
	{ "Found", "s", attempt_found, RV_BUS_TOLD },  { "Advice", "s", attempt_advice, RV_BUS_TOLD },
	{ "Began", "t", attempt_began, RV_BUS_CONST }, { "DurationMs", "t", attempt_duration },
	{ "Steps", "a(ts)", attempt_steps },
};
static const struct rv_bus_signal attempt_signals[] = {
	{ "Step", "ts", "at_ms,text" },
	{ "Finished", "sss", "error,found,advice" },
};
const struct rv_bus_interface attempt_interface = { .name = BUS_NAME ".Attempt",
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

	return read_number(name, &id) ? rv_attempt_find(bus->core, id) : NULL;
}

const struct rv_bus_folder_ops attempt_folder = { sizeof(attempt_folder), attempt_find, attempt_each };

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

void attempt_changed(struct rv_attempt *attempt, void *arg)
{
	static const char *const told[] = { "State", "Error", "Found", "Advice" };
	struct rv_bus *bus = ((struct rv_core *)arg)->bus;
	char name[16];

	if (!bus)
		return;
	snprintf(name, sizeof(name), "%" PRIu32, attempt->id);
	if (!attempt->holds && !attempt->listed) {
		rv_bus_went(bus->attempts, name);
	} else if (attempt->ended) {
		tell_end(bus, attempt, name);
		for (size_t i = 0; i < RV_COUNT(told); i++)
			rv_bus_changed(bus->attempts, name, told[i]);
	} else if (attempt->n_steps) {
		tell_step(bus, attempt, name);
	} else {
		rv_bus_came(bus->attempts, name);
	}
	/* a session that is being made, and one that was not, have no events of their own */
	if (attempt->n_steps < 2 || attempt->ended)
		rv_bus_changed(bus->connections, attempt->connection, "State");
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* face-child: child_sa/N. There may be very many: nothing is kept for them here. */
#include "face.h"

#include <errno.h>
#include <inttypes.h>
#include <ravelin/sa.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const child_states[] = { [RV_CHILD_NEW] = "new",
					    [RV_CHILD_INSTALLED] = "installed",
					    [RV_CHILD_REKEYING] = "rekeying",
					    [RV_CHILD_REKEYED] = "rekeyed",
					    [RV_CHILD_DELETING] = "deleting" };
const char *const mode_words[] = {
	[RV_TUNNEL] = "tunnel", [RV_TRANSPORT] = "transport", [RV_PASS] = "pass", [RV_DROP] = "drop"
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
	rv_bus_out_str(out, mode_words[((struct rv_child *)self)->mode]);
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
	rv_bus_out_str(out, rv_proposal_text(out->core->registry, &proposal, text, sizeof(text)));
}

static void child_age(void *self, struct rv_bus_out *out)
{
	const struct rv_child *child = self;

	rv_bus_out_u64(out, (rv_loop_now_us(out->core->loop) - child->since_us) / 1000000);
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
	for (size_t i = 0; i < RV_N_DROPS; i++)
		drops_out(out, rv_drop_text((uint8_t)i), in.dropped[i] + sent.dropped[i]);
	rv_bus_out_close(out);
}

static const struct rv_bus_property child_properties[] = {
	{ "Id", "u", child_id, RV_BUS_CONST },
	{ "Name", "s", child_name, RV_BUS_CONST },
	{ "Connection", "s", child_connection, RV_BUS_CONST },
	{ "Peer", "u", child_peer, RV_BUS_CONST },
	{ "State", "s", child_state },
	{ "Mode", "s", child_mode },
	{ "Protocol", "s", child_protocol, RV_BUS_CONST },
	{ "Encapsulated", "b", child_encap },
	{ "ExtendedSequenceNumbers", "b", child_esn, RV_BUS_CONST },
	{ "SpiIn", "s", child_spi_in, RV_BUS_CONST },
	{ "SpiOut", "s", child_spi_out },
	{ "Reqid", "u", child_reqid, RV_BUS_CONST },
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

static int child_capture(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct rv_child *child = self;
	const struct rv_kernel_ops *ops = rv_service_ops(child->kernel.service);
	int fd = rv_bus_in_fd(in);

	if (fd < 0)
		return rv_why_set(why, -EINVAL, "a descriptor to write the capture to is needed");
	if (RV_HAS(ops, capture))
		return ops->capture(rv_service_self(child->kernel.service), child->reqid, fd, why);
	close(fd);
	return rv_why_set(why, -EOPNOTSUPP, "the kernel plugin %s captures nothing",
			  rv_service_owner(child->kernel.service));
}

static const struct rv_bus_method child_methods[] = {
	{ "Capture", "h", "", "descriptor", "", RV_BUS_CONTROL, child_capture },
};
const struct rv_bus_interface child_interface = { .name = BUS_NAME ".ChildSa",
						  METHODS(child_methods),
						  PROPERTIES(child_properties) };

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

	return read_number(name, &id) ? rv_child_by_id(bus->core, id) : NULL;
}

const struct rv_bus_folder_ops child_folder = { sizeof(child_folder), child_find, child_each };

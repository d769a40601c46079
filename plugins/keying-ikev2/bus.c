// SPDX-License-Identifier: LGPL-2.1-or-later
/* bus: IKE SAs on D-Bus: the folder ike_sa, whose objects are sessions by their number (org.ravelin.IPsec1.IkeSa).
 *
 * A session keeps its number when its IKE SA is rekeyed; keys appear nowhere.
 */
#include "ike-sa.h"

#include "requests.h"

#include <ravelin/bus.h>

#include <errno.h>
#include <inttypes.h>

static struct rv_ike_sa *sa_of(void *self)
{
	return ((struct rv_peer *)self)->sa;
}

static void get_id(void *self, struct rv_bus_out *out)
{
	rv_bus_out_u32(out, ((struct rv_peer *)self)->id);
}

static void get_connection(void *self, struct rv_bus_out *out)
{
	const struct rv_peer *peer = self;

	rv_bus_out_str(out, peer->connection ? peer->connection->name : "");
}

static void get_state(void *self, struct rv_bus_out *out)
{
	rv_bus_out_str(out, ike_state_text(sa_of(self)->state));
}

static void get_initiator(void *self, struct rv_bus_out *out)
{
	rv_bus_out_bool(out, sa_of(self)->initiator);
}

static void out_addr(struct rv_bus_out *out, const struct rv_addr *addr)
{
	char text[RV_ADDR_TEXT];

	rv_bus_out_str(out, rv_addr_text(addr, text));
}

static void get_local_address(void *self, struct rv_bus_out *out)
{
	out_addr(out, &((struct rv_peer *)self)->path.local);
}

static void get_remote_address(void *self, struct rv_bus_out *out)
{
	out_addr(out, &((struct rv_peer *)self)->path.remote);
}

static void out_id(struct rv_bus_out *out, const struct rv_id *id)
{
	char text[RV_ID_TEXT];

	rv_bus_out_str(out, id ? rv_id_text(id, text) : "");
}

static void get_local_id(void *self, struct rv_bus_out *out)
{
	out_id(out, ((struct rv_peer *)self)->local_id);
}

static void get_remote_id(void *self, struct rv_bus_out *out)
{
	out_id(out, ((struct rv_peer *)self)->remote_id);
}

static void out_spi(struct rv_bus_out *out, uint64_t spi)
{
	char text[20];

	snprintf(text, sizeof(text), "%016" PRIx64, spi);
	rv_bus_out_str(out, text);
}

static void get_spi_i(void *self, struct rv_bus_out *out)
{
	out_spi(out, sa_of(self)->spi_i);
}

static void get_spi_r(void *self, struct rv_bus_out *out)
{
	out_spi(out, sa_of(self)->spi_r);
}

static void get_proposal(void *self, struct rv_bus_out *out)
{
	struct rv_ike_sa *sa = sa_of(self);
	struct rv_proposal chosen;
	char text[512];

	ike_sa_proposal(sa, &chosen);
	rv_bus_out_str(out, chosen.n ? rv_proposal_text(sa->engine->host->registry, &chosen, text, sizeof(text)) : "");
}

static void get_encap(void *self, struct rv_bus_out *out)
{
	rv_bus_out_bool(out, sa_of(self)->encap);
}

static void get_nat(void *self, struct rv_bus_out *out)
{
	const struct rv_path *path = &((struct rv_peer *)self)->path;

	rv_bus_out_str(out, path->behind_nat   ? path->remote_nat ? "both" : "local"
			    : path->remote_nat ? "remote"
					       : "none");
}

static void get_age(void *self, struct rv_bus_out *out)
{
	const struct rv_peer *peer = self;

	rv_bus_out_u64(out, (rv_loop_now_us(sa_of(self)->engine->host->loop) - peer->since_us) / 1000000);
}

static void get_rekey_in(void *self, struct rv_bus_out *out)
{
	struct rv_ike_sa *sa = sa_of(self);
	uint64_t now = rv_loop_now_us(sa->engine->host->loop);

	rv_bus_out_u64(out, sa->rekey_us > now ? (sa->rekey_us - now) / 1000000 : 0);
}

static void get_children(void *self, struct rv_bus_out *out)
{
	struct rv_peer *peer = self;

	rv_bus_out_open_array(out, "u");
	rv_list_each (&peer->children, child, struct rv_child, entry)
		rv_bus_out_u32(out, child->id);
	rv_bus_out_close(out);
}

static int call_rekey(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	int r = ike_rekey(sa_of(self));

	return r < 0 ? rv_why_set(why, r, "the IKE SA is %s", ike_state_text(sa_of(self)->state)) : 0;
}

static int call_delete(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	int r = ike_keying_ops.down(sa_of(self)->engine, self);

	return r < 0 ? rv_why_set(why, r, "the IKE SA could not be deleted: %s", rv_error_text(r)) : 0;
}

static const struct rv_bus_property properties[] = {
	{ "Id", "u", get_id },
	{ "Connection", "s", get_connection },
	{ "State", "s", get_state },
	{ "Initiator", "b", get_initiator },
	{ "LocalAddress", "s", get_local_address },
	{ "RemoteAddress", "s", get_remote_address },
	{ "LocalId", "s", get_local_id },
	{ "RemoteId", "s", get_remote_id },
	{ "SpiInitiator", "s", get_spi_i },
	{ "SpiResponder", "s", get_spi_r },
	{ "Proposal", "s", get_proposal },
	{ "Encapsulated", "b", get_encap },
	{ "Nat", "s", get_nat },
	{ "Age", "t", get_age },
	{ "RekeyIn", "t", get_rekey_in },
	{ "Children", "au", get_children },
};

static const struct rv_bus_method methods[] = {
	{ "Rekey", "", "", "", "", RV_BUS_CONTROL, call_rekey },
	{ "Delete", "", "", "", "", RV_BUS_CONTROL, call_delete },
};

static const struct rv_bus_interface interface = { .name = "org.ravelin.IPsec1.IkeSa",
						   .methods = methods,
						   .properties = properties,
						   .n_methods = RV_COUNT(methods),
						   .n_properties = RV_COUNT(properties) };

static bool ours(const struct ike_engine *engine, const struct rv_peer *peer)
{
	return peer->sa && peer->keying.service && rv_service_self(peer->keying.service) == engine;
}

static void *find(void *self, const char *name)
{
	struct ike_engine *engine = self;
	char *end;
	unsigned long id = strtoul(name, &end, 10);
	struct rv_peer *peer =
		*name && !*end && id <= UINT32_MAX ? rv_peer_by_id(engine->host->core, (uint32_t)id) : NULL;

	return peer && ours(engine, peer) ? peer : NULL;
}

struct walk {
	struct ike_engine *engine;
	rv_bus_each_fn *fn;
	void *fn_arg;
};

static int walk_one(struct rv_peer *peer, void *arg)
{
	struct walk *walk = arg;
	char name[16];

	if (!ours(walk->engine, peer))
		return 0;
	snprintf(name, sizeof(name), "%u", peer->id);
	return walk->fn(walk->fn_arg, name, peer);
}

static int each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct walk walk = { .engine = self, .fn = fn, .fn_arg = fn_arg };

	return rv_peer_each(walk.engine->host->core, NULL, walk_one, &walk);
}

void ike_bus_publish(struct ike_engine *engine)
{
	static const struct rv_bus_folder_ops ops = { .size = sizeof(ops), .find = find, .each = each };

	/* NULL also when the daemon has no bus: then there is nothing to show */
	(void)rv_bus_folder(engine->host, "ike_sa", &interface, &ops, engine, false);
}

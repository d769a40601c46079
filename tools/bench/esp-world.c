// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-world: makes and ends it. */
#include "esp-world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

extern const struct rv_plugin rv_plugin_kernel_userspace, rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle,
	rv_plugin_crypto_ipsecmb, rv_plugin_proposal_words;

enum { REMOTE_NET = 10 << 24 | 128 << 16 };

void die(const char *what, const char *why)
{
	fprintf(stderr, "esp: %s: %s\n", what, why && *why ? why : "it failed");
	exit(1);
}

static int port_recv(struct rv_port *port, struct rv_packet *const *packets, size_t n)
{
	return 0;
}

static int port_send(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct world_port *port = rv_container_of(base, struct world_port, port);

	for (size_t i = 0; i < n; i++) {
		uint32_t seg = packets[i]->seg_len ? packets[i]->seg_len : packets[i]->len;
		port->n_packets += (packets[i]->len + seg - 1) / seg;
		if (!port->catching)
			continue;
		struct rv_packet *copy = &port->caught[port->n++];
		*copy = *packets[i];
		copy->buf = port->octets + port->at;
		copy->data = copy->buf + RV_HEADROOM;
		copy->cap = RV_HEADROOM + copy->len + RV_TAILROOM;
		copy->local = packets[i]->remote;
		copy->remote = packets[i]->local;
		if (port->at + copy->cap > WORLD_OCTETS)
			die("a port", "a burst is too large");
		memcpy(copy->data, packets[i]->data, copy->len);
		port->at += copy->cap;
	}
	return (int)n;
}

static void port_close(struct rv_port *port)
{
	if (port->fd >= 0)
		close(port->fd);
}

static const struct rv_port_ops port_ops = {
	.size = sizeof(port_ops), .recv = port_recv, .send = port_send, .close = port_close
};

static void port_init(struct world_port *port, bool trains)
{
	*port = (struct world_port){ .port = {
					     .ops = &port_ops, .fd = -1, .takes_trains = trains, .mtu = UINT16_MAX } };
	port->octets = talloc_size(NULL, WORLD_OCTETS);
	if (!port->octets)
		die("memory", NULL);
	memset(port->octets, 0, WORLD_OCTETS);
}

static int datapath_open(void *self, const char *name, unsigned n_queues, struct rv_port **ports,
			 char ifname[static 16], unsigned *ifindex, struct rv_why *why)
{
	struct world *world = self;

	for (unsigned i = 0; i < n_queues && i < WORLD_LANES; i++) {
		port_init(&world->clear[i], false);
		world->clear[i].port.fd = eventfd(0, EFD_CLOEXEC); /* epoll needs something to watch */
		ports[i] = &world->clear[i].port;
	}
	snprintf(ifname, 16, "bench0");
	*ifindex = 1;
	return 0;
}

static const struct rv_datapath_ops datapath_ops = { .size = sizeof(datapath_ops), .open = datapath_open };

/* A core with what a kernel needs. */
static struct rv_core *core_new(unsigned n_workers)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);
	struct rv_schema *schema = core ? rv_schema_new(core) : NULL;
	struct rv_why why = { 0 };

	if (!schema || rv_schema_add(schema, "kernel-userspace", KERNEL_USERSPACE_SCHEMA, &why))
		die("the schema", why.text);
	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->subject = (struct rv_subject){ .log = core->log, .kind = "core", .name = "esp" };
	core->loop = rv_loop_new(core, NULL);
	core->vault = rv_vault_new(core);
	core->jobs = rv_jobs_new(core, core->loop, 0);
	core->registry = rv_registry_new(core, core);
	if (!core->log || !core->loop || !core->vault || !core->jobs || !core->registry)
		die("memory", NULL);
	core->conf = rv_conf_read_text(core, core->vault, schema, "esp",
				       n_workers == 1 ? "" : "ravelin { plugins { kernel-userspace { workers = 2 } } }",
				       &why);
	core->plugins = rv_plugins_new(core, core);
	if (!core->conf || !core->plugins)
		die("the configuration", why.text);
	return core;
}

static void load(struct rv_core *core, bool without_ipsecmb)
{
	const struct {
		const char *name;
		const struct rv_plugin *plugin;
		bool wanted;
	} plugins[] = {
		{ "proposal-words", &rv_plugin_proposal_words, true },
		{ "crypto-gnutls", &rv_plugin_crypto_gnutls, true },
		{ "crypto-nettle", &rv_plugin_crypto_nettle, true },
		{ "crypto-ipsecmb", &rv_plugin_crypto_ipsecmb, !without_ipsecmb },
	};

	for (size_t i = 0; i < RV_COUNT(plugins); i++) {
		struct rv_why why = { 0 };
		if (plugins[i].wanted &&
		    rv_plugins_load_static(core->plugins, plugins[i].name, plugins[i].plugin, &why))
			die(plugins[i].name, why.text);
	}
}

struct world *world_new(unsigned n_workers, bool without_ipsecmb)
{
	struct world *world = talloc_zero(NULL, struct world);
	struct rv_service *kernel;

	if (!world)
		die("memory", NULL);
	world->core = core_new(n_workers);
	load(world->core, without_ipsecmb);
	world->fakes = rv_host_new(world->core, "fakes");
	if (rv_datapath_offer(world->fakes, (struct rv_offer){ .name = "memory" }, &datapath_ops, world))
		die("the datapath", NULL);
	/* what it needs of a wire is for the threads, which are not here */
	if (rv_plugin_kernel_userspace.init(rv_host_new(world->core, "kernel-userspace")))
		die("kernel-userspace", NULL);
	kernel = rv_registry_find(world->core->registry, "kernel", "userspace");
	if (!kernel)
		die("kernel-userspace", "it offers no kernel");
	world->ops = rv_service_ops(kernel);
	world->u = rv_service_self(kernel);
	world->u->workers = calloc(WORLD_LANES, sizeof(*world->u->workers));
	for (unsigned i = 0; i < n_workers && i < WORLD_LANES; i++) {
		if (!world->u->workers || worker_init(&world->u->workers[i], &world->u->db, i, world->u->max_contexts))
			die("a worker", NULL);
		port_init(&world->wire[i], true);
		world->u->workers[i].lane.now_us = 1000000000;
		world->u->workers[i].lane.wire[1] = &world->wire[i].port;
	}
	return world;
}

void world_free(struct world *world)
{
	TALLOC_FREE(world->core->plugins); /* first, while all that they stand on is there */
	talloc_free(world->core);
	for (unsigned i = 0; i < WORLD_LANES; i++) {
		talloc_free(world->clear[i].octets);
		talloc_free(world->wire[i].octets);
	}
	talloc_free(world);
}

struct lane *world_lane(struct world *world, unsigned i)
{
	return &world->u->workers[i].lane;
}

/* One address, or the whole of a net. */
static struct rv_ts host_ts(uint32_t first, uint32_t last)
{
	char text[64];
	struct rv_why why = { 0 };
	struct rv_ts ts;

	snprintf(text, sizeof(text), "%u.%u.%u.%u-%u.%u.%u.%u", first >> 24, first >> 16 & 255, first >> 8 & 255,
		 first & 255, last >> 24, last >> 16 & 255, last >> 8 & 255, last & 255);
	if (first == last)
		*strchr(text, '-') = 0;
	if (rv_ts_parse(&ts, text, &why))
		die("a selector", why.text);
	return ts;
}

static struct rv_addr addr(const char *text)
{
	struct rv_addr a;

	if (rv_addr_parse(&a, text))
		die(text, "no address");
	return a;
}

static void add_sa(struct world *world, const char *proposal, uint32_t spi, uint8_t dir, const struct rv_ts *local,
		   const struct rv_ts *remote)
{
	static const uint8_t key[128] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct rv_sa_spec spec = { .dir = dir,
				   .mode = RV_TUNNEL,
				   .protocol = RV_PROTO_ESP,
				   .encap = true,
				   .spi = spi,
				   .reqid = spi,
				   .child_id = spi,
				   .src = addr(dir == RV_OUT ? "192.0.2.1:4500" : "192.0.2.2:4500"),
				   .dst = addr(dir == RV_OUT ? "192.0.2.2:4500" : "192.0.2.1:4500"),
				   .replay_window = 1024,
				   .local_ts = local,
				   .remote_ts = remote,
				   .n_local_ts = 1,
				   .n_remote_ts = 1 };
	struct rv_why why = { 0 };
	struct rv_call call = { 0 };
	struct rv_suite suite;

	if (rv_proposal_parse(world->core->registry, RV_PROTO_ESP, proposal, &spec.chosen, &why) ||
	    rv_suite_init(&suite, world->core->registry, &spec.chosen, NULL, &why))
		die(proposal, why.text);
	spec.encr_key = rv_bytes(key, suite.key_len);
	spec.integ_key = rv_bytes(key, suite.integ_len);
	rv_suite_fini(&suite);
	if (world->ops->sa_add(world->u, &spec, &call))
		die(proposal, "its SA is refused");
}

void world_tunnel(struct world *world, const char *proposal, uint32_t host)
{
	struct rv_ts here = host_ts(10 << 24 | 1, 10 << 24 | 1), there = host_ts(REMOTE_NET + host, REMOTE_NET + host);
	uint32_t spi = 4096 + world->next++;
	struct rv_policy_spec policy = {
		.action = RV_TUNNEL, .reqid = spi, .priority = 1000, .local_ts = here, .remote_ts = there
	};
	struct rv_call call = { 0 };
	uint32_t at = 0;

	if (world->ops->policy_add(world->u, &policy, &call))
		die(proposal, "its policy is refused");
	add_sa(world, proposal, spi, RV_OUT, &here, &there);
	add_sa(world, proposal, spi, RV_IN, &there, &here);
	world->iface = table_each(&world->u->db.ifaces, &at);
}

void world_packet(uint8_t *p, uint32_t host, uint32_t len)
{
	struct rv_addr src = addr("10.0.0.1"), dst = addr("10.128.0.0");
	struct ip_info info;

	ip_put32(dst.ip, REMOTE_NET + host);
	memset(p, 0x61, len);
	ip_put_header(p, &src, &dst, IP_UDP, 0, 64, len - IP4_HEADER);
	ip_put16(p + IP4_HEADER, 5000);
	ip_put16(p + IP4_HEADER + 2, 5001);
	ip_put16(p + IP4_HEADER + 4, len - IP4_HEADER);
	if (!ip_parse(&info, p, len))
		die("a packet", "it is none");
	ip_fix_upper(&info, p + IP4_HEADER, len - IP4_HEADER);
}

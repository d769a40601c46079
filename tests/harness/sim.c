// SPDX-License-Identifier: LGPL-2.1-or-later
/* sim: the clock, the dice and the network of a simulated world. */
#include "test.h"

#include "sim.h"

#include "parts.h"

#include <talloc.h>

struct datagram {
	struct rv_list entry;
	uint64_t at_us, order;
	struct sim_host *to;
	struct rv_path path; /* as the receiver sees it */
	size_t len;
	uint8_t octets[];
};

struct sim {
	struct rv_clock clock;
	uint64_t now_us, dice, order, digest;
	struct sim_net net;
	struct sim_host *hosts[SIM_HOSTS];
	unsigned n_hosts;
	struct rv_list flying;
	sim_tap_fn *tap;
	void *tap_arg;
	const char *state_dir;
};

uint64_t sim_rand(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u); /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t now(void *self)
{
	return ((struct sim *)self)->now_us;
}

static uint64_t wall(void *self)
{
	return 1800000000u + ((struct sim *)self)->now_us / 1000000;
}

static void randomly(void *self, void *buf, size_t len)
{
	struct sim_host *host = self;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(sim_rand(&host->random) >> 32);
}

static void log_line(void *self, enum rv_level level, const char *line)
{
	struct sim_host *host = self;

	if (host->verbose || getenv("SIM_VERBOSE"))
		fprintf(stderr, "%10.3f %-6s %s\n", (double)host->sim->now_us / 1e6, host->name, line);
	if (host->line)
		host->line(host->line_arg, line);
}

static int end(struct sim *sim)
{
	for (unsigned i = 0; i < sim->n_hosts; i++) {
		struct sim_host *host = sim->hosts[i];

		TALLOC_FREE(host->core);
		if (!rv_list_empty(&host->sas) || !rv_list_empty(&host->policies) || !rv_list_empty(&host->routes) ||
		    !rv_list_empty(&host->addresses))
			fail_msg("%s left SAs, policies, routes or addresses behind", host->name);
	}
	return 0;
}

struct sim *sim_new(uint64_t seed)
{
	struct sim *sim = talloc_zero(NULL, struct sim);

	assert_non_null(sim);
	sim->clock = (struct rv_clock){ .now_us = now, .wall_s = wall, .self = sim, .injected = true };
	sim->now_us = 1000000;
	sim->dice = seed;
	sim->digest = 0xcbf29ce484222325u;
	sim->net = (struct sim_net){ .delay_min_us = 5000, .delay_max_us = 5000 };
	rv_list_init(&sim->flying);
	talloc_set_destructor(sim, end);
	return sim;
}

static void load(struct sim_host *host, const char *name, const struct rv_plugin *plugin)
{
	struct rv_why why = { 0 };

	if (rv_plugins_load_static(host->core->plugins, name, plugin, &why))
		fail_msg("%s: plugin %s: %s", host->name, name, why.text);
}

struct sim_host *sim_host(struct sim *sim, const char *name, const char *addr, const struct sim_plugin *plugins,
			  const char *config)
{
	struct sim_host *host = talloc_zero(sim, struct sim_host);
	struct rv_why why = { 0 };

	assert_non_null(host);
	assert_true(sim->n_hosts < SIM_HOSTS);
	host->sim = sim;
	host->name = name;
	assert_int_equal(rv_addr_parse(&host->addr, addr), 0);
	host->random = sim_rand(&sim->dice);
	rv_list_init(&host->sas);
	rv_list_init(&host->policies);
	rv_list_init(&host->routes);
	rv_list_init(&host->addresses);
	host->core = rv_core_new(host,
				 &(struct rv_core_params){ .clock = &sim->clock,
							   .random = randomly,
							   .random_self = host,
							   .log = log_line,
							   .log_self = host,
							   .log_level = RV_DEBUG,
							   .state_dir = sim->state_dir,
							   .no_measure = true,
							   .no_self_test = true },
				 &why);
	if (!host->core)
		fail_msg("%s: %s", name, why.text);
	sim->hosts[sim->n_hosts++] = host;
	load(host, "net-sim", &rv_plugin_net_sim);
	load(host, "transport-sim", &rv_plugin_transport_sim);
	load(host, "kernel-sim", &rv_plugin_kernel_sim);
	for (; plugins && plugins->name; plugins++)
		load(host, plugins->name, plugins->plugin);
	if (rv_core_load_text(host->core, name, config, &why))
		fail_msg("%s: %s", name, why.text);
	return host;
}

void sim_reseed(struct sim *sim, uint64_t seed)
{
	sim->dice = seed;
	sim->digest = 0xcbf29ce484222325u;
	for (unsigned i = 0; i < sim->n_hosts; i++)
		sim->hosts[i]->random = sim_rand(&sim->dice);
}

struct sim_host *sim_of(struct rv_host *host)
{
	return host->core->params.random_self;
}

void sim_state_dir(struct sim *sim, const char *dir)
{
	sim->state_dir = dir;
}

void sim_net(struct sim *sim, const struct sim_net *net)
{
	sim->net = *net;
}

uint64_t sim_now_us(const struct sim *sim)
{
	return sim->now_us;
}

void sim_tap(struct sim *sim, sim_tap_fn *tap, void *arg)
{
	sim->tap = tap;
	sim->tap_arg = arg;
}

uint64_t sim_digest(const struct sim *sim)
{
	return sim->digest;
}

static void digest(struct sim *sim, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sim->digest = (sim->digest ^ p[i]) * 0x100000001b3u;
	sim->digest = (sim->digest ^ sim->now_us) * 0x100000001b3u;
}

bool sim_has_address(const struct sim_host *host, const struct rv_addr *addr)
{
	bool has = rv_addr_same_ip(&host->addr, addr);

	for (unsigned i = 0; i < SIM_ADDRS; i++)
		has = has || (host->more[i].family && rv_addr_same_ip(&host->more[i], addr));
	return has;
}

static void take_address(struct sim_host *host, const struct rv_addr *addr, const struct rv_addr *with)
{
	if (rv_addr_same_ip(&host->addr, addr))
		host->addr = *with;
	for (unsigned i = 0; i < SIM_ADDRS; i++)
		if (host->more[i].family && rv_addr_same_ip(&host->more[i], addr))
			host->more[i] = (struct rv_addr){ 0 };
}

void sim_address(struct sim_host *host, const char *text, bool up)
{
	struct rv_addr addr, next = { 0 };
	unsigned free = SIM_ADDRS;

	assert_int_equal(rv_addr_parse(&addr, text), 0);
	for (unsigned i = 0; i < SIM_ADDRS; i++) {
		if (!host->more[i].family)
			free = i;
		else if (!rv_addr_same_ip(&host->more[i], &addr))
			next = host->more[i];
	}
	if (!up) {
		bool first = rv_addr_same_ip(&host->addr, &addr);

		take_address(host, &addr, &next);
		if (first)
			take_address(host, &next, &next);
		host->addr = first ? next : host->addr;
	} else if (!host->addr.family) {
		host->addr = addr;
	} else {
		assert_true(free < SIM_ADDRS);
		host->more[free] = addr;
	}
	if (host->net_events.address)
		host->net_events.address(host->net_events.arg, &addr, 1, up);
}

/* A NAT with the well-known port leaves ports alone. */
static uint16_t port_outside(const struct sim_host *host, uint16_t port)
{
	return host->nat.port == 500 ? port : (uint16_t)(host->nat.port + (port == 4500));
}

/* Where a datagram really comes from, and where one to addr goes: NATs are transparent to their hosts. */
static struct rv_addr source_of(const struct sim_host *host, const struct rv_addr *local)
{
	struct rv_addr out = *local;

	if (host->nat.family) {
		out = host->nat;
		out.port = port_outside(host, local->port);
	}
	return out;
}

static bool is_at(const struct sim_host *host, const struct rv_addr *addr, struct rv_addr *inside)
{
	*inside = *addr;
	if (!host->nat.family)
		return sim_has_address(host, addr);
	*inside = host->addr;
	inside->port = addr->port == port_outside(host, 500) ? 500 : 4500;
	return rv_addr_same_ip(&host->nat, addr) && addr->port == port_outside(host, inside->port);
}

static struct sim_host *at(struct sim *sim, const struct rv_addr *addr, struct rv_addr *inside)
{
	for (unsigned i = 0; i < sim->n_hosts; i++)
		if (is_at(sim->hosts[i], addr, inside))
			return sim->hosts[i];
	return NULL;
}

static void fly(struct sim *sim, struct sim_host *to, const struct rv_path *path, const uint8_t *octets, size_t len)
{
	uint64_t spread = sim->net.delay_max_us - sim->net.delay_min_us;
	struct datagram *d = talloc_size(sim, sizeof(*d) + len);

	assert_non_null(d);
	talloc_set_name_const(d, "datagram");
	d->at_us = sim->now_us + sim->net.delay_min_us + (spread ? sim_rand(&sim->dice) % (spread + 1) : 0);
	d->order = sim->order++;
	d->to = to;
	d->path = *path;
	d->len = len;
	memcpy(d->octets, octets, len);
	rv_list_add(&sim->flying, &d->entry);
}

void sim_send(struct sim_host *host, const struct rv_path *path, struct rv_bytes message)
{
	struct sim *sim = host->sim;
	struct rv_path seen = { .remote = source_of(host, &path->local), .encap = path->encap };
	struct sim_host *to = at(sim, &path->remote, &seen.local);
	uint8_t octets[SIM_MESSAGE];
	size_t len = message.len;

	host->sent++;
	assert_true(len <= sizeof(octets));
	memcpy(octets, message.p, len);
	digest(sim, octets, len);
	if (!to || host->down || rv_addr_same_ip(&host->dead, &path->local) || rv_addr_same_ip(&to->dead, &seen.local))
		return;
	if (sim->tap && sim->tap(sim->tap_arg, host, to, octets, &len))
		return;
	if (sim_rand(&sim->dice) % 100 < sim->net.loss)
		return;
	fly(sim, to, &seen, octets, len);
	if (sim_rand(&sim->dice) % 100 < sim->net.twice)
		fly(sim, to, &seen, octets, len);
}

static struct datagram *first(struct sim *sim)
{
	struct datagram *best = NULL;

	rv_list_each (&sim->flying, d, struct datagram, entry)
		if (!best || d->at_us < best->at_us || (d->at_us == best->at_us && d->order < best->order))
			best = d;
	return best;
}

static void deliver(struct datagram *d)
{
	/* exact size, so that a read past the end is seen */
	uint8_t *octets = malloc(d->len ? d->len : 1);

	assert_non_null(octets);
	memcpy(octets, d->octets, d->len);
	rv_list_del(&d->entry);
	if (!d->to->down && d->to->recv) {
		d->to->received++;
		d->to->recv(d->to->recv_arg, &d->path, rv_bytes(octets, d->len));
	}
	free(octets);
	talloc_free(d);
}

static void settle(struct sim *sim)
{
	for (bool busy = true; busy;) {
		struct datagram *d = first(sim);

		busy = false;
		if (d && d->at_us <= sim->now_us) {
			deliver(d);
			busy = true;
		}
		for (unsigned i = 0; i < sim->n_hosts; i++)
			if (sim->hosts[i]->core && rv_loop_turn(sim->hosts[i]->core->loop, 0) > 0)
				busy = true;
	}
}

bool sim_until(struct sim *sim, sim_cond_fn *cond, void *arg, uint64_t us)
{
	uint64_t limit = sim->now_us + us;

	for (;;) {
		uint64_t next = limit;
		struct datagram *d;

		settle(sim);
		if (cond && cond(arg))
			return true;
		if (sim->now_us >= limit)
			return false;
		d = first(sim);
		if (d && d->at_us < next)
			next = d->at_us;
		for (unsigned i = 0; i < sim->n_hosts; i++) {
			uint64_t t = sim->hosts[i]->core ? rv_loop_next_us(sim->hosts[i]->core->loop) : UINT64_MAX;
			if (t < next)
				next = t;
		}
		sim->now_us = next > sim->now_us ? next : sim->now_us + 1;
	}
}

void sim_run(struct sim *sim, uint64_t us)
{
	(void)sim_until(sim, NULL, NULL, us);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* sim-plugins: transport-sim, kernel-sim and net-sim, the fakes at the ops boundary of a simulated host. */
#include "test.h"

#include "sim.h"

#include <errno.h>
#include <ravelin/pack.h>
#include <talloc.h>

/* transport-sim */

static int t_listen(void *self, unsigned version, rv_transport_recv_fn *fn, void *arg)
{
	struct sim_host *host = self;

	host->recv = fn;
	host->recv_arg = arg;
	return 0;
}

static int t_send(void *self, const struct rv_path *path, struct rv_bytes message)
{
	struct sim_host *host = self;

	if (!sim_has_address(host, &path->local))
		return -EADDRNOTAVAIL;
	sim_send(host, path, message);
	return 0;
}

/* The first address of the remote's family. */
static bool source_for(const struct sim_host *host, const struct rv_addr *remote, struct rv_addr *local)
{
	*local = host->addr;
	for (unsigned i = 0; i < SIM_ADDRS && local->family != remote->family; i++)
		*local = host->more[i];
	return local->family == remote->family;
}

static int t_path(void *self, const struct rv_addr *local, const struct rv_addr *remote, struct rv_path *out)
{
	struct sim_host *host = self;

	*out = (struct rv_path){ .remote = *remote };
	if (local && !rv_addr_is_any(local))
		out->local = *local;
	else if (!source_for(host, remote, &out->local))
		return -EADDRNOTAVAIL;
	if (out->local.family != remote->family)
		return -EINVAL;
	if (!out->local.port)
		out->local.port = 500;
	if (!out->remote.port)
		out->remote.port = 500;
	return 0;
}

static void t_encapsulate(void *self, struct rv_path *path)
{
	path->encap = true;
	path->local.port = path->local.port == 500 ? 4500 : path->local.port;
	path->remote.port = path->remote.port == 500 ? 4500 : path->remote.port;
}

static int t_keepalive(void *self, const struct rv_path *path, uint64_t key, bool on)
{
	return 0;
}

static const struct rv_transport_ops transport = {
	.size = sizeof(transport),
	.listen = t_listen,
	.send = t_send,
	.path = t_path,
	.encapsulate = t_encapsulate,
	.keepalive = t_keepalive,
};

static int transport_init(struct rv_host *host)
{
	return rv_transport_offer(host, (struct rv_offer){ .name = "sim" }, &transport, sim_of(host));
}

RV_PLUGIN(transport_sim, "transport-sim", "version=1\0summary=A simulated network\0provides=transport:sim\0",
	  .init = transport_init);

/* kernel-sim */

static struct sim_sa *find_sa(struct sim_host *host, uint32_t spi, uint8_t dir, const struct rv_addr *remote)
{
	rv_list_each (&host->sas, sa, struct sim_sa, entry) {
		if (sa->spec.spi != spi || sa->spec.dir != dir)
			continue;
		if (dir == RV_IN || !remote || rv_addr_same_ip(&sa->spec.dst, remote))
			return sa;
	}
	return NULL;
}

static int k_events(void *self, const struct rv_kernel_events *events)
{
	struct sim_host *host = self;

	host->has_kernel_events = events != NULL;
	if (events)
		host->kernel_events = *events;
	return 0;
}

static int k_spi(void *self, const struct rv_addr *local, uint8_t protocol, uint32_t *spi)
{
	struct sim_host *host = self;

	do
		*spi = (uint32_t)(sim_rand(&host->random) >> 32) | 0x1000;
	while (find_sa(host, *spi, RV_IN, NULL));
	return 0;
}

static struct rv_bytes keep_key(uint8_t *room, struct rv_bytes key)
{
	assert_true(key.len <= 128);
	if (key.len)
		memcpy(room, key.p, key.len);
	return rv_bytes(room, key.len);
}

static const struct rv_ts *keep_ts(struct rv_ts *room, const struct rv_ts *ts, size_t n)
{
	assert_true(n <= 16);
	memcpy(room, ts, n * sizeof(*ts));
	return room;
}

static int k_sa_add(void *self, const struct rv_sa_spec *spec, struct rv_call *call)
{
	struct sim_host *host = self;

	if (find_sa(host, spec->spi, spec->dir, &spec->dst))
		return -EEXIST;
	struct sim_sa *sa = talloc_zero(host, struct sim_sa);

	assert_non_null(sa);
	sa->spec = *spec;
	sa->spec.encr_key = keep_key(sa->keys[0], spec->encr_key);
	sa->spec.integ_key = keep_key(sa->keys[1], spec->integ_key);
	sa->spec.local_ts = keep_ts(sa->ts[0], spec->local_ts, spec->n_local_ts);
	sa->spec.remote_ts = keep_ts(sa->ts[1], spec->remote_ts, spec->n_remote_ts);
	sa->spec.ext = spec->ext ? talloc_strdup(sa, spec->ext) : NULL;
	assert_true(spec->ext_octets.len <= sizeof(sa->ext));
	if (spec->ext_octets.len)
		memcpy(sa->ext, spec->ext_octets.p, spec->ext_octets.len);
	sa->spec.ext_octets = rv_bytes(sa->ext, spec->ext_octets.len);
	sa->added = sim_now_us(host->sim);
	rv_list_add(&host->sas, &sa->entry);
	return 0;
}

static int k_sa_update(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, const struct rv_addr *src,
		       const struct rv_addr *dst, bool encap, struct rv_call *call)
{
	struct sim_sa *sa = find_sa(self, spi, dir, remote);

	if (!sa)
		return -ENOENT;
	sa->spec.src = *src;
	sa->spec.dst = *dst;
	sa->spec.encap = encap;
	return 0;
}

static int k_sa_del(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote)
{
	struct sim_sa *sa = find_sa(self, spi, dir, remote);

	if (!sa)
		return -ENOENT;
	rv_list_del(&sa->entry);
	talloc_free(sa);
	return 0;
}

static struct sim_policy *find_policy(struct sim_host *host, const struct rv_policy_spec *spec)
{
	rv_list_each (&host->policies, p, struct sim_policy, entry)
		if (p->spec.reqid == spec->reqid && rv_ts_same(&p->spec.local_ts, &spec->local_ts) &&
		    rv_ts_same(&p->spec.remote_ts, &spec->remote_ts))
			return p;
	return NULL;
}

static int k_policy_add(void *self, const struct rv_policy_spec *spec, struct rv_call *call)
{
	struct sim_host *host = self;
	struct sim_policy *p = find_policy(host, spec);

	if (!p) {
		p = talloc_zero(host, struct sim_policy);
		assert_non_null(p);
		rv_list_add(&host->policies, &p->entry);
	}
	p->spec = *spec;
	p->spec.interface = NULL;
	return 0;
}

static int k_policy_del(void *self, const struct rv_policy_spec *spec)
{
	struct sim_policy *p = find_policy(self, spec);

	if (!p)
		return -ENOENT;
	rv_list_del(&p->entry);
	talloc_free(p);
	return 0;
}

static int k_stats(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_sa_stats *out)
{
	struct sim_sa *sa = find_sa(self, spi, dir, remote);

	if (!sa)
		return -ENOENT;
	*out = (struct rv_sa_stats){ .packets = sa->packets, .bytes = sa->bytes, .last_used_us = sa->last_us };
	return 0;
}

static int k_pack(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_pack *out)
{
	struct sim_sa *sa = find_sa(self, spi, dir, remote);

	if (!sa)
		return -ENOENT;
	rv_pack_u64(out, RV_SA_SEQUENCE, sa->packets);
	rv_pack_put(out, RV_SA_ENCR_KEY, sa->spec.encr_key);
	rv_pack_put(out, RV_SA_INTEG_KEY, sa->spec.integ_key);
	return 0;
}

static bool k_needs_encap(void *self)
{
	return false;
}

static int k_flush(void *self)
{
	struct sim_host *host = self;

	rv_list_each (&host->sas, sa, struct sim_sa, entry) {
		rv_list_del(&sa->entry);
		talloc_free(sa);
	}
	rv_list_each (&host->policies, p, struct sim_policy, entry) {
		rv_list_del(&p->entry);
		talloc_free(p);
	}
	return 0;
}

static bool k_extends(void *self)
{
	return true;
}

static const struct rv_kernel_ops kernel = {
	.size = sizeof(kernel),
	.events = k_events,
	.spi = k_spi,
	.sa_add = k_sa_add,
	.sa_update = k_sa_update,
	.sa_del = k_sa_del,
	.policy_add = k_policy_add,
	.policy_del = k_policy_del,
	.stats = k_stats,
	.pack = k_pack,
	.needs_encap = k_needs_encap,
	.flush = k_flush,
	.extends = k_extends,
};

static int kernel_init(struct rv_host *host)
{
	struct sim_host *h = sim_of(host);

	h->tfc = (struct rv_attr){ "tfc", 1 };
	return rv_kernel_offer(host, (struct rv_offer){ .name = "sim", .attrs = &h->tfc, .n_attrs = 1 }, &kernel, h);
}

RV_PLUGIN(kernel_sim, "kernel-sim", "version=1\0summary=A simulated kernel\0provides=kernel:sim\0",
	  .init = kernel_init);

static int any_peer(struct rv_peer *peer, void *arg)
{
	return 1;
}

unsigned sim_n_sas(const struct sim_host *host)
{
	bool sessions = host->core && rv_peer_each(host->core, NULL, any_peer, NULL);
	unsigned n = 0;

	rv_list_each (&host->sas, sa, struct sim_sa, entry)
		n += !sessions || sa->spec.dir == RV_OUT || rv_child_by_id(host->core, sa->spec.child_id);
	return n;
}

unsigned sim_n_policies(const struct sim_host *host)
{
	unsigned n = 0;

	for (const struct rv_list *e = host->policies.next; e != &host->policies; e = e->next)
		n++;
	return n;
}

static bool fits(const struct rv_ts *ts, size_t n, const struct rv_addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (rv_ts_match(&ts[i], addr->family, addr->ip, 0, 0, false))
			return true;
	return false;
}

static struct sim_policy *policy_for(struct sim_host *host, const struct rv_addr *src, const struct rv_addr *dst)
{
	struct sim_policy *best = NULL;

	rv_list_each (&host->policies, p, struct sim_policy, entry)
		if (fits(&p->spec.local_ts, 1, src) && fits(&p->spec.remote_ts, 1, dst) &&
		    (!best || p->spec.priority < best->spec.priority))
			best = p;
	return best;
}

bool sim_packet(struct sim_host *a, struct sim_host *b, const char *src_text, const char *dst_text)
{
	struct rv_addr src, dst;
	struct sim_sa *out = NULL, *in;

	assert_int_equal(rv_addr_parse(&src, src_text), 0);
	assert_int_equal(rv_addr_parse(&dst, dst_text), 0);
	struct sim_policy *p = policy_for(a, &src, &dst);
	if (!p)
		return false;
	rv_list_each (&a->sas, sa, struct sim_sa, entry)
		if (sa->spec.dir == RV_OUT && sa->spec.reqid == p->spec.reqid &&
		    fits(sa->spec.local_ts, sa->spec.n_local_ts, &src) &&
		    fits(sa->spec.remote_ts, sa->spec.n_remote_ts, &dst))
			out = sa; /* the newest last */
	if (!out)
		return false;
	in = find_sa(b, out->spec.spi, RV_IN, NULL);
	if (!in || !rv_bytes_equal(in->spec.encr_key, out->spec.encr_key) ||
	    !rv_bytes_equal(in->spec.integ_key, out->spec.integ_key) || in->spec.esn != out->spec.esn ||
	    !fits(in->spec.remote_ts, in->spec.n_remote_ts, &src) ||
	    !fits(in->spec.local_ts, in->spec.n_local_ts, &dst))
		return false;
	out->packets++;
	in->packets++;
	out->last_us = in->last_us = sim_now_us(a->sim);
	return true;
}

bool sim_acquire(struct sim_host *host, const char *src_text, const char *dst_text)
{
	struct rv_addr src, dst;

	assert_int_equal(rv_addr_parse(&src, src_text), 0);
	assert_int_equal(rv_addr_parse(&dst, dst_text), 0);
	struct sim_policy *p = policy_for(host, &src, &dst);
	if (!p || !p->spec.trap || !host->has_kernel_events)
		return false;
	struct rv_ts local = rv_ts_prefix(&src, src.family == RV_IPV4 ? 32 : 128);
	struct rv_ts remote = rv_ts_prefix(&dst, dst.family == RV_IPV4 ? 32 : 128);
	host->kernel_events.acquire(host->kernel_events.arg, p->spec.reqid, &local, &remote);
	return true;
}

void sim_mapping(struct sim_host *host, uint32_t spi, const struct rv_addr *remote)
{
	assert_true(host->has_kernel_events);
	host->kernel_events.mapping(host->kernel_events.arg, spi, remote);
}

void sim_unknown(struct sim_host *host, uint32_t spi, const struct rv_addr *remote)
{
	struct rv_addr local = host->addr;

	assert_true(host->has_kernel_events);
	local.port = remote->port ? 4500 : 0;
	host->kernel_events.unknown(host->kernel_events.arg, spi, &local, remote, remote->port != 0);
}

/* net-sim */

struct route {
	struct rv_list entry;
	struct rv_net_policy policy;
};

static int n_events(void *self, const struct rv_net_events *events)
{
	struct sim_host *host = self;

	host->net_events = events ? *events : (struct rv_net_events){ 0 };
	return 0;
}

static int n_source(void *self, const struct rv_addr *remote, struct rv_addr *local)
{
	return source_for(self, remote, local) ? 0 : -EADDRNOTAVAIL;
}

static bool n_local(void *self, const struct rv_addr *addr)
{
	return sim_has_address(self, addr);
}

static struct route *find_route(struct sim_host *host, const struct rv_net_policy *policy)
{
	rv_list_each (&host->routes, r, struct route, entry)
		if (rv_ts_same(&r->policy.local_ts, &policy->local_ts) &&
		    rv_ts_same(&r->policy.remote_ts, &policy->remote_ts))
			return r;
	return NULL;
}

static int n_policy_add(void *self, const struct rv_net_policy *policy, struct rv_call *call)
{
	struct sim_host *host = self;

	if (find_route(host, policy))
		return 0;
	struct route *r = talloc_zero(host, struct route);

	assert_non_null(r);
	r->policy = *policy;
	rv_list_add(&host->routes, &r->entry);
	return 0;
}

static int n_policy_del(void *self, const struct rv_net_policy *policy)
{
	struct route *r = find_route(self, policy);

	if (r) {
		rv_list_del(&r->entry);
		talloc_free(r);
	}
	return 0;
}

struct placed {
	struct rv_list entry;
	struct rv_addr addr;
};

static struct placed *find_placed(const struct sim_host *host, const struct rv_addr *addr)
{
	for (const struct rv_list *e = host->addresses.next; e != &host->addresses; e = e->next) {
		struct placed *p = rv_container_of(e, struct placed, entry);

		if (rv_addr_same_ip(&p->addr, addr))
			return p;
	}
	return NULL;
}

static int n_address_add(void *self, const struct rv_addr *addr, unsigned prefix, const char *ifname,
			 struct rv_call *call)
{
	struct sim_host *host = self;
	struct placed *p;

	if (find_placed(host, addr))
		return 0;
	p = talloc_zero(host, struct placed);
	assert_non_null(p);
	p->addr = *addr;
	rv_list_add(&host->addresses, &p->entry);
	return 0;
}

static int n_address_del(void *self, const struct rv_addr *addr, unsigned prefix, const char *ifname)
{
	struct placed *p = find_placed(self, addr);

	if (p) {
		rv_list_del(&p->entry);
		talloc_free(p);
	}
	return 0;
}

bool sim_is_placed(const struct sim_host *host, const char *text)
{
	struct rv_addr addr;

	assert_int_equal(rv_addr_parse(&addr, text), 0);
	return find_placed(host, &addr) != NULL;
}

static int n_flush(void *self)
{
	struct sim_host *host = self;

	rv_list_each (&host->routes, r, struct route, entry) {
		rv_list_del(&r->entry);
		talloc_free(r);
	}
	return 0;
}

static int n_each(void *self, rv_net_each_fn *fn, void *fn_arg)
{
	struct sim_host *host = self;
	int r = host->addr.family ? fn(fn_arg, &host->addr) : 0;

	for (unsigned i = 0; i < SIM_ADDRS && !r; i++)
		r = host->more[i].family ? fn(fn_arg, &host->more[i]) : 0;
	return r;
}

static const struct rv_net_ops net = {
	.size = sizeof(net),
	.events = n_events,
	.source = n_source,
	.local = n_local,
	.policy_add = n_policy_add,
	.policy_del = n_policy_del,
	.address_add = n_address_add,
	.address_del = n_address_del,
	.flush = n_flush,
	.each = n_each,
};

static int net_init(struct rv_host *host)
{
	return rv_net_offer(host, (struct rv_offer){ .name = "sim" }, &net, sim_of(host));
}

RV_PLUGIN(net_sim, "net-sim", "version=1\0summary=A simulated network stack\0provides=net:sim\0", .init = net_init);

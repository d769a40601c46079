// SPDX-License-Identifier: LGPL-2.1-or-later
/* verbs-sa: SPIs and SAs as the service's callers see them. */
#include "userspace.h"

#include "extend.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/pack.h>
#include <stdlib.h>

enum { SPI_TRIES = 64, RESERVED_MAX = 1 << 18 };

static bool spi_taken(const struct userspace *u, uint32_t spi)
{
	return table_get(&u->db.in, spi) || table_get(&u->reserved, spi);
}

static void spi_release(struct userspace *u, uint32_t spi)
{
	struct reservation *r = table_get(&u->reserved, spi);

	if (!r)
		return;
	table_del(&u->reserved, r);
	free(r);
}

int verb_spi(void *self, const struct rv_addr *local, uint8_t protocol, uint32_t *spi)
{
	struct userspace *u = self;
	uint32_t value = 0;

	if (protocol != RV_PROTO_ESP && protocol != RV_PROTO_AH)
		return -EOPNOTSUPP;
	if (u->reserved.n >= RESERVED_MAX)
		return -RV_ELIMIT;
	for (int i = 0; i < SPI_TRIES && (value < SPI_FIRST || spi_taken(u, value)); i++)
		rv_host_random(u->host, &value, sizeof(value));
	if (value < SPI_FIRST || spi_taken(u, value))
		return -RV_ELIMIT;
	struct reservation *r = malloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->key = value;
	if (table_add(&u->reserved, r)) {
		free(r);
		return -ENOMEM;
	}
	*spi = value;
	return 0;
}

static const struct rv_addr *peer_of(const struct sa *sa)
{
	return &atomic_load(&sa->path)->dst;
}

/* Two peers behind one NAT differ in the port only. */
struct sa *find_out(const struct userspace *u, uint32_t spi, const struct rv_addr *remote)
{
	struct sa *by_ip = NULL;
	uint32_t at = 0;

	for (struct sa *sa; (sa = table_next(&u->db.out, spi, &at));) {
		if (!remote || rv_addr_same(peer_of(sa), remote))
			return sa;
		if (rv_addr_same_ip(peer_of(sa), remote))
			by_ip = sa;
	}
	return by_ip;
}

static struct sa *find(const struct userspace *u, uint32_t spi, uint8_t dir, const struct rv_addr *remote)
{
	return dir == RV_IN ? table_get(&u->db.in, spi) : find_out(u, spi, remote);
}

/* No worker can see it any more. */
static void sa_reap(struct retired *retired)
{
	struct sa *sa = rv_container_of(retired, struct sa, retired);
	struct userspace *u = sa->iface->home;

	for (unsigned i = 0; u->workers && i < u->n_workers; i++)
		context_forget(&u->workers[i].lane.contexts, sa);
	if (sa->dir == RV_OUT)
		bundle_put(u, sa->out.bundle);
	iface_put(sa->iface);
	sa_free(sa);
}

/* The places of what an SA has besides, where it has something. */
static void own_unlink(struct userspace *u, struct sa *sa)
{
	if (sa->ext)
		extend_unlink(&u->db.extended, sa);
	if (sa->dir == RV_OUT && sa->out.dummy)
		dummy_unlink(sa);
}

static int own_link(struct userspace *u, struct sa *sa)
{
	int r = sa->ext ? extend_link(&u->db.extended, sa, u->n_workers) : 0;

	if (r || sa->dir != RV_OUT || !sa->out.dummy)
		return r;
	r = dummy_link(&u->db.extended, sa, u->n_workers);
	if (r && sa->ext)
		extend_unlink(&u->db.extended, sa);
	return r;
}

static void own_time(struct userspace *u, struct sa *sa)
{
	unsigned worker = sa->key % u->n_workers;
	bool dummy = sa->dir == RV_OUT && sa->out.dummy;

	if (sa->ext)
		extend_time(sa, worker);
	if (dummy)
		dummy_time(sa, worker);
	if (sa->ext || dummy)
		worker_look(&u->workers[worker]);
}

static void sa_unlink(struct userspace *u, struct sa *sa)
{
	own_unlink(u, sa);
	table_del(sa->dir == RV_IN ? &u->db.in : &u->db.out, sa);
	if (sa->dir == RV_OUT)
		bundle_del(sa->out.bundle, sa);
	retire(&u->db.retirer, &sa->retired, sa_reap);
}

static bool exists(const struct userspace *u, const struct rv_sa_spec *spec)
{
	uint32_t at = 0;

	if (spec->dir == RV_IN)
		return table_get(&u->db.in, spec->spi);
	for (struct sa *sa; (sa = table_next(&u->db.out, spec->spi, &at));)
		if (rv_addr_same(peer_of(sa), &spec->dst))
			return true;
	return false;
}

/* Publishes a new SA; on failure it is in no table. */
static int sa_link(struct userspace *u, struct sa *sa)
{
	if (sa->dir == RV_IN)
		return table_add(&u->db.in, sa);
	sa->out.bundle = bundle_get(u, sa->reqid);
	int r = sa->out.bundle ? table_add(&u->db.out, sa) : -ENOMEM;
	if (r && sa->out.bundle)
		bundle_put(u, sa->out.bundle);
	if (!r)
		bundle_add(u, sa->out.bundle, sa);
	return r;
}

/* A wrapper has a protocol of IP of its own, which the wire without UDP must carry. */
static int carry_wrapper(struct userspace *u, const struct sa *sa, struct rv_why *why)
{
	const struct rv_esp_wrapper *wrapper = sa->ext->ops->wrapper;
	struct rv_service *service = u->wires[false].service;
	const struct rv_wire_ops *ops = service ? rv_service_ops(service) : NULL;

	if (!wrapper || !ops || !RV_HAS(ops, protocol))
		return 0;
	return ops->protocol(rv_service_self(service), wrapper->protocol, why);
}

/* Where the wire can keep routers from cutting; else they may. */
static int carry_df(struct userspace *u, const struct sa *sa, struct rv_why *why)
{
	struct rv_service *service = u->wires[atomic_load(&sa->path)->wire].service;
	const struct rv_wire_ops *ops = service ? rv_service_ops(service) : NULL;

	if (sa->dir != RV_OUT || !sa->terms.copy_df || !ops || !RV_HAS(ops, dont_fragment))
		return 0;
	return ops->dont_fragment(rv_service_self(service), why);
}

static int sa_add(struct userspace *u, const struct rv_sa_spec *spec, struct rv_why *why)
{
	struct sa_params params = { .vault = u->host->vault, .registry = u->host->registry, .n_workers = u->n_workers };
	struct iface *iface;
	int r;

	if (exists(u, spec))
		return rv_why_set(why, -RV_EEXISTS, "an SA with this SPI is there already");
	struct sa *sa = sa_new(&params, spec, why, &r);
	if (!sa)
		return r;
	r = iface_get(u, spec->interface, &iface, why);
	if (r) {
		sa_free(sa);
		return r;
	}
	sa->iface = iface;
	r = sa->ext ? carry_wrapper(u, sa, why) : 0;
	if (!r)
		r = carry_df(u, sa, why);
	if (!r)
		r = own_link(u, sa);
	if (!r && (r = sa_link(u, sa)))
		own_unlink(u, sa);
	if (!u->workers[0].lane.wire[atomic_load(&sa->path)->wire])
		rv_log(&u->host->subject, RV_WARN, "wire-missing", KV_UINT("child-id", spec->child_id),
		       KV_STR("advice", spec->protocol == RV_PROTO_AH ? "load wire-ah, which needs CAP_NET_RAW"
								      : "load wire-udp, or wire-esp for encap = no"));
	if (r) {
		iface_put(iface);
		sa_free(sa);
		return r;
	}
	spi_release(u, spec->dir == RV_IN ? spec->spi : 0);
	own_time(u, sa);
	return 0;
}

int verb_sa_add(void *self, const struct rv_sa_spec *spec, struct rv_call *call)
{
	struct userspace *u = self;
	struct rv_why why = { 0 };
	int r = sa_add(u, spec, &why);

	if (r)
		rv_log(&u->host->subject, RV_ERROR, "sa-refused", KV_UINT("spi", spec->spi),
		       KV_UINT("child-id", spec->child_id), KV_STR("why", why.code ? why.text : rv_error_text(r)));
	return r;
}

int verb_sa_update(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, const struct rv_addr *src,
		   const struct rv_addr *dst, bool encap, struct rv_call *call)
{
	struct userspace *u = self;
	struct sa *sa = find(u, spi, dir, remote);
	const struct rv_addr *peer = dir == RV_OUT ? dst : src;

	if (!sa)
		return -ENOENT;
	if (src->family != dst->family || rv_addr_is_any(peer) || (encap && !peer->port))
		return -EINVAL;
	if (sa->protocol == RV_PROTO_AH && (encap || (dir == RV_OUT && rv_addr_is_any(src))))
		return -EINVAL;
	return sa_move(
		sa, &u->db.retirer,
		&(struct sa_path){ .src = *src, .dst = *dst, .encap = encap, .wire = sa_wire(sa->protocol, encap) });
}

int verb_sa_del(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote)
{
	struct userspace *u = self;
	struct sa *sa = find(u, spi, dir, remote);
	bool reserved = dir == RV_IN && table_get(&u->reserved, spi);

	if (reserved)
		spi_release(u, spi);
	if (sa)
		sa_unlink(u, sa);
	return sa || reserved ? 0 : -ENOENT;
}

int verb_stats(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_sa_stats *out)
{
	const struct sa *sa = find(self, spi, dir, remote);

	if (!sa)
		return -ENOENT;
	sa_stats(sa, out);
	return 0;
}

int verb_pack(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_pack *out)
{
	struct sa *sa = find(self, spi, dir, remote);

	if (!sa)
		return -ENOENT;
	rv_pack_put(out, RV_SA_ENCR_KEY, sa_encr_key(sa));
	rv_pack_put(out, RV_SA_INTEG_KEY, sa_integ_key(sa));
	rv_pack_u64(out, RV_SA_SEQUENCE, sa_sequence(sa));
	return 0;
}

void flush_sas(struct userspace *u)
{
	struct table *tables[] = { &u->db.in, &u->db.out };
	struct reservation *r;
	uint32_t at = 0;

	for (size_t i = 0; i < RV_COUNT(tables); i++) {
		at = 0;
		for (struct sa *sa; (sa = table_each(tables[i], &at));)
			sa_unlink(u, sa);
	}
	at = 0;
	while ((r = table_each(&u->reserved, &at)))
		spi_release(u, r->key);
}

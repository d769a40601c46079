// SPDX-License-Identifier: LGPL-2.1-or-later
/* attr-pool: lends addresses of pools and what belongs to them, and asks for them (RFC 7296, 2.19, 3.15).
 *
 * The words are swanctl.conf's: connections.NAME.pools and the sections pools.NAME on the server, connections.NAME.vips
 * on the client. Leases are kept by identity, in memory and in a database below the state folder.
 */
#include "attr-pool.h"

#include <errno.h>
#include <string.h>

#define STORE "leases.sqlite"

/* A request that came before the store had been read. */
struct waiting {
	struct rv_list entry;
	struct rv_attr_request request;
	struct rv_attributes *lent;
	struct rv_why *why;
	struct rv_call *call;
};

struct pool *pools_find(const struct pools *pools, const char *name)
{
	for (const struct rv_list *e = pools->all.next; e != &pools->all; e = e->next) {
		struct pool *pool = rv_container_of(e, struct pool, entry);

		if (!strcmp(pool->name, name))
			return pool;
	}
	return NULL;
}

struct pool *pools_get(struct pools *pools, const char *name, const struct rv_conf *conf, struct rv_why *why)
{
	const char *const *addrs = rv_conf_list(conf, "addrs");
	struct pool *pool = pools_find(pools, name);
	bool prefix = addrs[0] && strchr(addrs[0], '/');
	struct rv_ts range;

	if (!addrs[0] || addrs[1] || rv_ts_parse(&range, addrs[0], NULL) || !range.family) {
		rv_why_set(why, -RV_ECONFIG, "pools.%s.addrs: one prefix or one range of addresses is needed", name);
		return NULL;
	}
	if (!pool) {
		pool = pool_new(pools, name, &range, range.family, prefix);
		if (!pool)
			return NULL;
		rv_list_add(&pools->all, &pool->entry);
		rv_bus_came(pools->folder, name);
	}
	if (pool->unknown || !rv_ts_same(&pool->range, &range))
		pool_resize(pool, &range, prefix);
	return pool;
}

static const struct rv_conf *section_of(const struct rv_connection *connection, const char *name)
{
	return rv_conf_section(rv_conf_section(rv_conf_root(connection->conf), "pools"), name);
}

/* Lending */

static void save(void *arg)
{
	struct pools *pools = arg;

	pools->due = false;
	store_save(pools);
}

static void stamp(struct pools *pools, struct lease *lease)
{
	lease->at_s = rv_loop_wall_s(pools->host->loop);
	if (!pools->due)
		pools->due = rv_defer(pools->host->loop, save, pools) == 0;
}

/* One address from the first pool of the family that has one. 0, -RV_ELIMIT (there are such pools, but all are used
 * up), or positive: there is no pool of the family. */
static int lend_one(struct pools *pools, const struct rv_attr_request *request, const struct rv_addr *wanted,
		    struct rv_attributes *lent, const struct rv_conf **section, struct rv_why *why)
{
	const char *const *names = rv_conf_list(request->connection->conf, "pools");
	uint64_t size = 0;
	unsigned n = 0;

	for (; *names; names++) {
		const struct rv_conf *conf = section_of(request->connection, *names);
		struct pool *pool = pools_get(pools, *names, conf, why);
		bool no_memory;

		if (!pool)
			return why->code ? why->code : -ENOMEM;
		if (pool->range.family != wanted->family)
			continue;
		struct lease *lease = pool_lend(pool, request->remote_id, wanted, &no_memory);

		if (lease) {
			stamp(pools, lease);
			*section = conf;
			return rv_attributes_add_addr(lent, RV_ATTRIBUTE_IP4_ADDRESS, RV_ATTRIBUTE_IP6_ADDRESS,
						      &lease->addr, 128);
		}
		if (no_memory)
			return -ENOMEM;
		n++;
		size += pool->size;
	}
	if (!n)
		return 1;
	return rv_why_set(why, -RV_ELIMIT, "all %llu IPv%u addresses of the pools of connection %s are lent",
			  (unsigned long long)size, wanted->family, request->connection->name);
}

/* An earlier provider lent this family already: as many addresses as were asked for, or whole prefixes. */
static bool has_enough(const struct rv_attr_request *request, const struct rv_attributes *lent, uint16_t type)
{
	return rv_attributes_count(lent, type) >= rv_attributes_count(request->asked, type) ||
	       (type == RV_ATTRIBUTE_IP6_ADDRESS && rv_attributes_count(lent, RV_ATTRIBUTE_IP6_RANGE));
}

/* What was asked for in this attribute; any address when none is named. False: it is no address that is asked for. */
static bool read_wanted(const struct rv_attribute *asked, struct rv_addr *wanted)
{
	uint8_t family = asked->type == RV_ATTRIBUTE_IP4_ADDRESS   ? RV_IPV4
			 : asked->type == RV_ATTRIBUTE_IP6_ADDRESS ? RV_IPV6
								   : 0;

	if (!family)
		return false;
	if (!rv_attribute_addr(asked, wanted, NULL) || wanted->family != family)
		*wanted = (struct rv_addr){ .family = family };
	return true;
}

/* The pools that lent something, each once: what belongs to them goes along. */
enum { SECTIONS = 8 };
struct sections {
	const struct rv_conf *list[SECTIONS];
	size_t n;
};

static void note_section(struct sections *sections, const struct rv_conf *section)
{
	for (size_t i = 0; i < sections->n; i++)
		if (sections->list[i] == section)
			return;
	if (sections->n < SECTIONS)
		sections->list[sections->n++] = section;
}

static int lend_all(struct pools *pools, const struct rv_attr_request *request, struct rv_attributes *lent,
		    struct rv_why *why)
{
	struct sections sections = { .n = 0 };
	struct rv_why full = { 0 };
	int failed = 0, r = 0;

	for (size_t i = 0; i < request->asked->n; i++) {
		const struct rv_attribute *asked = &request->asked->list[i];
		const struct rv_conf *section = NULL;
		struct rv_addr wanted;

		if (!read_wanted(asked, &wanted) || has_enough(request, lent, asked->type))
			continue;
		r = lend_one(pools, request, &wanted, lent, &section, &full);
		failed = r < 0 ? r : failed;
		if (!r)
			note_section(&sections, section);
	}
	if (!sections.n && failed)
		return rv_why_set(why, failed, "%s", full.text[0] ? full.text : rv_error_text(failed));
	r = 0;
	for (size_t k = 0; k < sections.n && !r; k++)
		r = reply_add(lent, sections.list[k]);
	return r;
}

static void give_back_all(struct pools *pools, const struct rv_attr_request *request, const struct rv_attributes *lent);

/* All or nothing. */
static int lend_now(struct pools *pools, const struct rv_attr_request *request, struct rv_attributes *lent,
		    struct rv_why *why)
{
	int r = lend_all(pools, request, lent, why);

	if (r)
		give_back_all(pools, request, lent);
	return r;
}

static void cancelled(struct rv_call *call)
{
	struct waiting *w = call->provider;

	rv_list_del(&w->entry);
	talloc_free(w);
}

static int lend(void *self, const struct rv_attr_request *request, struct rv_attributes *lent, struct rv_why *why,
		struct rv_call *call)
{
	struct pools *pools = self;
	struct waiting *w;

	if (!rv_conf_list(request->connection->conf, "pools")[0])
		return 0;
	if (pools->loaded)
		return lend_now(pools, request, lent, why);
	w = talloc_zero(pools, struct waiting);
	if (!w)
		return -ENOMEM;
	*w = (struct waiting){ .request = *request, .lent = lent, .why = why, .call = call };
	rv_list_add(&pools->waiting, &w->entry);
	return rv_call_pend(call, cancelled, w);
}

void pools_loaded(struct pools *pools)
{
	pools->loaded = true;
	while (!rv_list_empty(&pools->waiting)) {
		struct waiting *w = rv_container_of(pools->waiting.next, struct waiting, entry);
		struct rv_call *call = w->call;
		int r = lend_now(pools, &w->request, w->lent, w->why);

		rv_list_del(&w->entry);
		talloc_free(w);
		rv_call_finish(call, r);
	}
	store_save(pools);
}

/* What a session has or had */

/* The lease behind an attribute, if it is from a pool of the connection. */
static struct lease *lease_of(struct pools *pools, const struct rv_attr_request *request,
			      const struct rv_attribute *attribute)
{
	const char *const *names = rv_conf_list(request->connection->conf, "pools");
	struct rv_addr addr;

	if (!read_wanted(attribute, &addr))
		return NULL;
	for (; *names; names++) {
		struct pool *pool = pools_find(pools, *names);
		struct lease *lease = pool ? pool_find(pool, &addr) : NULL;

		if (lease && rv_id_same(lease->id, request->remote_id))
			return lease;
	}
	return NULL;
}

static void give_back_all(struct pools *pools, const struct rv_attr_request *request, const struct rv_attributes *lent)
{
	for (size_t i = 0; i < lent->n; i++) {
		struct lease *lease = lease_of(pools, request, &lent->list[i]);

		if (!lease)
			continue;
		stamp(pools, lease);
		pool_give_back(lease);
	}
}

static void give_back(void *self, const struct rv_attr_request *request, const struct rv_attributes *lent)
{
	if (lent)
		give_back_all(self, request, lent);
}

static int keep(void *self, const struct rv_attr_request *request, const struct rv_attributes *lent)
{
	struct pools *pools = self;
	const char *const *names = rv_conf_list(request->connection->conf, "pools");
	struct rv_why why = { 0 };

	for (; *names; names++) {
		struct pool *pool = pools_get(pools, *names, section_of(request->connection, *names), &why);

		for (size_t i = 0; pool && i < lent->n; i++) {
			struct rv_addr addr;
			struct lease *lease = read_wanted(&lent->list[i], &addr) && addr.family == pool->range.family
						      ? pool_keep(pool, request->remote_id, &addr, true)
						      : NULL;
			if (lease)
				stamp(pools, lease);
		}
	}
	return 0;
}

static bool expects(void *self, const struct rv_connection *connection)
{
	return rv_conf_list(connection->conf, "pools")[0] != NULL;
}

/* Asking */

static int ask_for(struct rv_attributes *asked, const struct rv_addr *addr)
{
	bool six = addr->family == RV_IPV6;
	struct rv_bytes none = rv_bytes(NULL, 0);
	uint16_t dns = six ? RV_ATTRIBUTE_IP6_DNS : RV_ATTRIBUTE_IP4_DNS;
	int r = rv_addr_is_any(addr)
			? rv_attributes_add(asked, six ? RV_ATTRIBUTE_IP6_ADDRESS : RV_ATTRIBUTE_IP4_ADDRESS, none)
			: rv_attributes_add_addr(asked, RV_ATTRIBUTE_IP4_ADDRESS, RV_ATTRIBUTE_IP6_ADDRESS, addr, 128);

	return r || rv_attributes_count(asked, dns) ? r : rv_attributes_add(asked, dns, none);
}

static int ask(void *self, const struct rv_connection *connection, struct rv_attributes *asked)
{
	const char *const *vips = rv_conf_list(connection->conf, "vips");
	struct rv_addr addr;
	int r = 0;

	for (; *vips && !r; vips++)
		if (!rv_addr_parse(&addr, *vips))
			r = ask_for(asked, &addr);
	return r;
}

static const struct rv_attr_ops ops = {
	.size = sizeof(ops),
	.ask = ask,
	.expects = expects,
	.lend = lend,
	.keep = keep,
	.give_back = give_back,
};

static int pools_gone(struct pools *pools)
{
	rv_defer_cancel(pools->host->loop, pools);
	store_end(pools);
	return 0;
}

static const char *const syscalls[] = { "fsync",  "fdatasync",	"pread64",   "pwrite64", "ftruncate",
					"unlink", "fcntl",	"fchown",    "geteuid",	 "getpid",
					"openat", "newfstatat", "faccessat", NULL };

static int init(struct rv_host *host)
{
	struct pools *pools = talloc_zero(host, struct pools);
	int r;

	if (!pools)
		return -ENOMEM;
	pools->host = host;
	rv_list_init(&pools->all);
	rv_list_init(&pools->waiting);
	if (host->state_dir)
		pools->path = talloc_asprintf(pools, "%s/" STORE, host->state_dir);
	if (host->state_dir && !pools->path)
		return -ENOMEM;
	talloc_set_destructor(pools, pools_gone);
	rv_host_needs_syscalls(host, syscalls);
	r = store_load(pools);
	r = r ? r : show(pools);
	return r ? r : rv_attr_offer(host, (struct rv_offer){ .name = "pool" }, &ops, pools);
}

RV_PLUGIN(attr_pool, "attr-pool",
	  "version=1\0"
	  "summary=Lends addresses of pools, and asks for virtual addresses\0"
	  "licence=LGPL-2.1-or-later\0"
	  "default=on\0"
	  "provides=attr:pool\0"
	  "rfc=7296\0"
	  "schema="
	  "connections.*.vips|addrs|-||Virtual addresses to ask the peer for: 0.0.0.0 and :: take any.\n"
	  "connections.*.pools|list|-||Names of the pools whose addresses peers are lent, one of each family.\n"
	  "pools.*.addrs|ts|-||The addresses: one prefix, whose first and last are left out, or one range.\n"
	  "pools.*.dns|addrs|-||Name servers that go with an address.\n"
	  "pools.*.nbns|addrs|-||NetBIOS name servers that go with an address.\n"
	  "pools.*.dhcp|addrs|-||DHCP servers that go with an address.\n"
	  "pools.*.netmask|addrs|-||Netmask that goes with an IPv4 address.\n"
	  "pools.*.server|addrs|-||Servers that go with an address (attributes 23456 and 23457, for private use).\n"
	  "pools.*.subnet|ts|-||Networks behind the gateway (RFC 7296, 3.15.2).\n"
	  "pools.*.split_include|ts|-||The same as subnet.\n\0",
	  .init = init);

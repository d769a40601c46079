// SPDX-License-Identifier: LGPL-2.1-or-later
/* lent: what a session lent its peer or was lent by it: addresses, name servers (RFC 7296, 2.19; kind "attr").
 *
 * It belongs to the session, not to a key SA or a child SA, so it outlives their rekeys, is packed with the session,
 * and goes back when the session is freed, however that ends.
 */
#include "inner.h"

#include <errno.h>
#include <ravelin/attr.h>
#include <ravelin/dns.h>
#include <string.h>
#include <talloc.h>

enum { LENDERS = 4, SERVERS = 16, DOMAINS = 64 };

/* A call to providers, one after the other, that is under way. */
struct lending {
	struct rv_call call, *answer;
	struct rv_lent *whole;
	struct rv_attr_request request;
	struct rv_why *why;
	unsigned nth;
	int failed; /* the first failure */
};

struct rv_lent {
	struct rv_peer *peer;
	struct rv_attributes *lent, *taken;
	struct rv_ref lenders[LENDERS];
	unsigned n_lenders;
	struct lending *lending;
	/* of what the peer lent us: where it was put, and who has the name servers */
	struct rv_ref net, dns;
	char ifname[16];
	struct rv_call dns_call;
	unsigned dns_nth;
	const char **domains;
	size_t n_domains;
};

static struct rv_peer_whole *whole_of(const struct rv_peer *peer)
{
	return rv_container_of(peer, struct rv_peer_whole, peer);
}

static struct rv_attr_request request_of(const struct rv_lent *l, const struct rv_attributes *asked)
{
	return (struct rv_attr_request){ .connection = l->peer->connection,
					 .remote_id = l->peer->remote_id,
					 .session = l->peer->id,
					 .asked = asked };
}

static bool is_address(uint16_t type)
{
	return type == RV_ATTRIBUTE_IP4_ADDRESS || type == RV_ATTRIBUTE_IP6_ADDRESS || type == RV_ATTRIBUTE_IP6_RANGE;
}

/* prefix (may be NULL): as rv_peer_virtual() says. The one that an INTERNAL_IP6_ADDRESS has is of the network, of which
 * no other address is lent. */
static bool nth_address(const struct rv_attributes *list, size_t n, struct rv_addr *addr, unsigned *prefix)
{
	unsigned bits;

	for (size_t i = 0; list && i < list->n; i++) {
		if (!is_address(list->list[i].type) || !rv_attribute_addr(&list->list[i], addr, &bits) || n--)
			continue;
		if (list->list[i].type != RV_ATTRIBUTE_IP6_RANGE)
			bits = 8 * (unsigned)rv_family_len(addr->family);
		if (prefix)
			*prefix = bits;
		return true;
	}
	return false;
}

/* The end */

struct twin {
	const struct rv_lent *mine;
	const struct rv_addr *addr;
};

static int has_too(struct rv_peer *peer, void *arg)
{
	const struct twin *twin = arg;
	const struct rv_lent *l = whole_of(peer)->lent;
	struct rv_addr addr;

	if (!l || l == twin->mine || strcmp(l->ifname, twin->mine->ifname) != 0)
		return 0;
	for (size_t i = 0; nth_address(l->taken, i, &addr, NULL); i++)
		if (rv_addr_same_ip(&addr, twin->addr))
			return 1;
	return 0;
}

/* Two sessions may have one address for a while: when the peer is asked anew before the old session ends. */
static void displace(struct rv_lent *l)
{
	const struct rv_net_ops *ops = l->net.service ? rv_service_ops(l->net.service) : NULL;
	struct rv_addr addr;

	for (size_t i = 0; ops && *l->ifname && nth_address(l->taken, i, &addr, NULL); i++) {
		struct twin twin = { .mine = l, .addr = &addr };

		if (rv_peer_each(l->peer->core, NULL, has_too, &twin))
			continue;
		int r = ops->address_del(rv_service_self(l->net.service), &addr,
					 8 * (unsigned)rv_family_len(addr.family), l->ifname);
		if (r < 0)
			rv_log(&l->peer->core->subject, RV_WARN, "address-not-removed", KV_ADDR("address", &addr),
			       KV_STR("interface", l->ifname), KV_STR("error", rv_error_text(r)));
	}
	*l->ifname = 0;
	rv_ref_drop(&l->net);
}

static void forget_servers(struct rv_lent *l)
{
	const struct rv_dns_ops *ops = l->dns.service ? rv_service_ops(l->dns.service) : NULL;

	rv_call_cancel(&l->dns_call);
	if (ops)
		ops->clear(rv_service_self(l->dns.service), l->peer->id);
	rv_ref_drop(&l->dns);
	l->dns_nth = 0;
}

static void give_back(struct rv_lent *l)
{
	const struct rv_attr_request request = request_of(l, NULL);

	for (unsigned i = 0; i < l->n_lenders; i++) {
		struct rv_service *service = l->lenders[i].service;
		const struct rv_attr_ops *ops = service ? rv_service_ops(service) : NULL;

		if (ops)
			ops->give_back(rv_service_self(service), &request, l->lent);
		rv_ref_drop(&l->lenders[i]);
	}
	l->n_lenders = 0;
}

void rv_lent_end(struct rv_peer *peer)
{
	struct rv_lent *l = whole_of(peer)->lent;

	if (!l)
		return;
	if (l->lending)
		rv_call_cancel(&l->lending->call);
	forget_servers(l);
	displace(l);
	give_back(l);
	whole_of(peer)->lent = NULL;
	talloc_free(l);
}

static struct rv_lent *lent_of(struct rv_peer *peer)
{
	struct rv_peer_whole *whole = whole_of(peer);

	if (!whole->lent) {
		whole->lent = talloc_zero(whole, struct rv_lent);
		if (whole->lent)
			whole->lent->peer = peer;
	}
	return whole->lent;
}

/* Asking */

struct asking {
	struct rv_peer *peer;
	struct rv_attributes *asked;
};

static int ask_one(struct rv_service *service, void *arg)
{
	const struct rv_attr_ops *ops = rv_service_ops(service);
	struct asking *asking = arg;

	return ops->ask(rv_service_self(service), asking->peer->connection, asking->asked);
}

int rv_peer_ask(struct rv_peer *peer, struct rv_attributes *asked)
{
	struct asking asking = { .peer = peer, .asked = asked };

	return rv_registry_each(peer->core->registry, "attr", ask_one, &asking);
}

static int expects_one(struct rv_service *service, void *arg)
{
	const struct rv_attr_ops *ops = rv_service_ops(service);
	const struct rv_peer *peer = arg;

	return ops->expects(rv_service_self(service), peer->connection);
}

bool rv_peer_must_ask(struct rv_peer *peer)
{
	return rv_registry_each(peer->core->registry, "attr", expects_one, peer) != 0;
}

/* Lending */

struct pick {
	unsigned nth;
	struct rv_service *found;
};

static int is_nth(struct rv_service *service, void *arg)
{
	struct pick *pick = arg;

	if (pick->nth--)
		return 0;
	pick->found = service;
	return 1;
}

static struct rv_service *nth_service(struct rv_core *core, const char *kind, unsigned nth)
{
	struct pick pick = { .nth = nth };

	rv_registry_each(core->registry, kind, is_nth, &pick);
	return pick.found;
}

static int hold_lender(struct rv_lent *l, struct rv_service *service)
{
	if (l->n_lenders >= LENDERS)
		return -RV_ELIMIT;
	l->lenders[l->n_lenders] = (struct rv_ref){ 0 };
	int r = rv_ref_take(&l->lenders[l->n_lenders], service, &l->peer->user);

	l->n_lenders += !r;
	return r;
}

/* Each provider in turn. One that fails does not keep the next from lending. */
static int lend_on(struct lending *lending)
{
	struct rv_lent *l = lending->whole;
	struct rv_service *service;

	while ((service = nth_service(l->peer->core, "attr", lending->nth++))) {
		const struct rv_attr_ops *ops = rv_service_ops(service);
		int r = hold_lender(l, service);

		if (!r)
			r = ops->lend(rv_service_self(service), &lending->request, l->lent, lending->why,
				      &lending->call);
		if (r == RV_PENDING)
			return r;
		if (r && !lending->failed)
			lending->failed = r;
	}
	struct rv_addr addr;

	return nth_address(l->lent, 0, &addr, NULL) ? 0 : lending->failed;
}

static int lend_end(struct lending *lending, int r)
{
	struct rv_lent *l = lending->whole;

	l->lending = NULL;
	if (r || !l->lent->n) {
		give_back(l);
		TALLOC_FREE(l->lent);
	}
	talloc_free(lending);
	return r;
}

static void lend_answered(struct rv_call *call, int result)
{
	struct lending *lending = rv_container_of(call, struct lending, call);
	struct rv_call *answer = lending->answer;

	if (result < 0 && !lending->failed)
		lending->failed = result;
	rv_call_init(&lending->call, lend_answered);
	int r = lend_on(lending);
	if (r != RV_PENDING)
		rv_call_finish(answer, lend_end(lending, r));
}

static void lend_cancelled(struct rv_call *call)
{
	struct lending *lending = call->provider;

	rv_call_cancel(&lending->call);
	(void)lend_end(lending, -RV_ECANCELLED);
}

int rv_peer_lend(struct rv_peer *peer, const struct rv_attributes *asked, struct rv_why *why, struct rv_call *call)
{
	struct rv_lent *l = lent_of(peer);

	if (!l)
		return -ENOMEM;
	if (l->lending)
		return -RV_EIN_USE;
	if (l->lent)
		return 0;
	l->lent = talloc_zero(l, struct rv_attributes);
	l->lending = l->lent ? talloc_zero(l, struct lending) : NULL;
	if (!l->lending) {
		TALLOC_FREE(l->lent);
		return -ENOMEM;
	}
	*l->lending = (struct lending){ .whole = l, .answer = call, .why = why, .request = request_of(l, asked) };
	rv_call_init(&l->lending->call, lend_answered);
	int r = lend_on(l->lending);

	return r == RV_PENDING ? rv_call_pend(call, lend_cancelled, l->lending) : lend_end(l->lending, r);
}

struct keeping {
	struct rv_lent *whole;
	struct rv_attr_request request;
};

static int keep_one(struct rv_service *service, void *arg)
{
	const struct rv_attr_ops *ops = rv_service_ops(service);
	const struct keeping *keeping = arg;
	struct rv_lent *l = keeping->whole;
	int r = hold_lender(l, service);

	if (!r)
		r = ops->keep(rv_service_self(service), &keeping->request, l->lent);
	if (r)
		rv_log(&l->peer->core->subject, RV_WARN, "lease-not-kept", KV_STR("provider", rv_service_name(service)),
		       KV_UINT("session", l->peer->id), KV_STR("error", rv_error_text(r)));
	return 0;
}

static struct rv_attributes *copy_of(const void *parent, const struct rv_attributes *list)
{
	struct rv_attributes *copy = talloc_zero(parent, struct rv_attributes);

	for (size_t i = 0; copy && i < list->n; i++)
		if (rv_attributes_add(copy, list->list[i].type, list->list[i].value)) {
			talloc_free(copy);
			return NULL;
		}
	return copy;
}

int rv_lent_keep(struct rv_peer *peer, const struct rv_attributes *lent)
{
	struct rv_lent *l = lent_of(peer);

	if (l)
		l->lent = copy_of(l, lent);
	if (!l || !l->lent)
		return -ENOMEM;
	struct keeping keeping = { .whole = l, .request = request_of(l, NULL) };

	(void)rv_registry_each(peer->core->registry, "attr", keep_one, &keeping);
	return 0;
}

/* Taking */

int rv_peer_take(struct rv_peer *peer, const struct rv_attributes *taken)
{
	struct rv_lent *l = lent_of(peer);
	struct rv_attributes *copy = l ? copy_of(l, taken) : NULL;

	if (!copy)
		return -ENOMEM;
	forget_servers(l);
	displace(l);
	talloc_free(l->taken);
	l->taken = copy;
	return 0;
}

int rv_peer_domain(struct rv_peer *peer, const char *domain)
{
	struct rv_lent *l = lent_of(peer);

	if (!l)
		return -ENOMEM;
	if (l->n_domains >= DOMAINS)
		return -RV_ELIMIT;
	const char **more = talloc_realloc(l, l->domains, const char *, (unsigned)l->n_domains + 1);
	const char *copy = more ? talloc_strdup(more, domain) : NULL;

	if (more)
		l->domains = more;
	if (!copy)
		return -ENOMEM;
	more[l->n_domains++] = copy;
	return 0;
}

const char *rv_lent_domain(const struct rv_peer *peer, size_t n)
{
	const struct rv_lent *l = whole_of(peer)->lent;

	return l && n < l->n_domains ? l->domains[n] : NULL;
}

const struct rv_attributes *rv_peer_lent(const struct rv_peer *peer)
{
	const struct rv_lent *l = whole_of(peer)->lent;

	return l && !l->lending ? l->lent : NULL;
}

const struct rv_attributes *rv_peer_taken(const struct rv_peer *peer)
{
	const struct rv_lent *l = whole_of(peer)->lent;

	return l ? l->taken : NULL;
}

bool rv_peer_virtual(const struct rv_peer *peer, bool ours, size_t n, struct rv_addr *addr, unsigned *prefix)
{
	return nth_address(ours ? rv_peer_taken(peer) : rv_peer_lent(peer), n, addr, prefix);
}

/* Name servers */

static size_t servers_of(const struct rv_lent *l, struct rv_addr servers[static SERVERS])
{
	size_t n = 0;

	for (size_t i = 0; i < l->taken->n && n < SERVERS; i++) {
		uint16_t type = l->taken->list[i].type;

		if (type == RV_ATTRIBUTE_IP4_DNS || type == RV_ATTRIBUTE_IP6_DNS)
			n += rv_attribute_addr(&l->taken->list[i], &servers[n], NULL);
	}
	return n;
}

static void set_servers(struct rv_lent *l);

static void servers_set(struct rv_call *call, int result)
{
	struct rv_lent *l = rv_container_of(call, struct rv_lent, dns_call);
	struct rv_core *core = l->peer->core;
	const char *by = l->dns.service ? rv_service_name(l->dns.service) : NULL;

	if (!result) {
		rv_log(&core->subject, RV_INFO, "name-servers-set", KV_UINT("session", l->peer->id),
		       KV_STR("interface", l->ifname), KV_STR("by", by));
		return;
	}
	rv_log(&core->subject, result == -ENOTSUP ? RV_DEBUG : RV_WARN, "name-servers-not-set",
	       KV_UINT("session", l->peer->id), KV_STR("by", by), KV_STR("error", rv_error_text(result)));
	rv_ref_drop(&l->dns);
	set_servers(l);
}

/* The first provider that takes them. */
static void set_servers(struct rv_lent *l)
{
	struct rv_addr servers[SERVERS];
	struct rv_dns dns = { .key = l->peer->id,
			      .servers = servers,
			      .n_servers = servers_of(l, servers),
			      .domains = l->domains,
			      .n_domains = l->n_domains };
	struct rv_service *service = nth_service(l->peer->core, "dns", l->dns_nth++);
	const struct rv_dns_ops *ops = service ? rv_service_ops(service) : NULL;

	if (!dns.n_servers)
		return;
	if (!ops || rv_ref_take(&l->dns, service, &l->peer->user)) {
		rv_log(&l->peer->core->subject, RV_WARN, "name-servers-not-set", KV_UINT("session", l->peer->id),
		       KV_STR("found", "no loaded plugin could hand them to the resolver of this host"),
		       KV_STR("advice", "run systemd-resolved, or load dns-resolvconf"));
		return;
	}
	memcpy(dns.ifname, l->ifname, sizeof(dns.ifname));
	rv_call_init(&l->dns_call, servers_set);
	int r = ops->set(rv_service_self(service), &dns, &l->dns_call);
	if (r != RV_PENDING)
		servers_set(&l->dns_call, r);
}

/* Addresses */

struct placing {
	struct rv_call call;
	struct rv_lent *whole;
	struct rv_addr addr;
};

static void placed(struct rv_call *call, int result)
{
	struct placing *placing = rv_container_of(call, struct placing, call);

	if (result < 0)
		rv_log(&placing->whole->peer->core->subject, RV_ERROR, "address-not-added",
		       KV_ADDR("address", &placing->addr), KV_STR("error", rv_error_text(result)));
	talloc_free(placing);
}

static int placing_gone(struct placing *placing)
{
	rv_call_cancel(&placing->call);
	return 0;
}

static int place(struct rv_lent *l, const struct rv_addr *addr)
{
	const struct rv_net_ops *ops = rv_service_ops(l->net.service);
	struct placing *placing = talloc_zero(l, struct placing);
	int r;

	if (!placing)
		return -ENOMEM;
	placing->whole = l;
	placing->addr = *addr;
	rv_call_init(&placing->call, placed);
	talloc_set_destructor(placing, placing_gone);
	r = ops->address_add(rv_service_self(l->net.service), addr, 8 * (unsigned)rv_family_len(addr->family),
			     l->ifname, &placing->call);
	if (r == RV_PENDING)
		return 0;
	if (r < 0)
		rv_log(&l->peer->core->subject, RV_ERROR, "address-not-added", KV_ADDR("address", addr),
		       KV_STR("interface", l->ifname), KV_STR("error", rv_error_text(r)));
	talloc_free(placing);
	return r;
}

/* The device that leads into the tunnel; on one of them the kernel chooses the address by itself (RFC 6724, rule 5). A
 * kernel without devices of its own finds the address anywhere. */
static void interface_of(const struct rv_child *child, char ifname[static 16])
{
	const struct rv_kernel_ops *kernel = rv_service_ops(child->kernel.service);
	uint32_t mark;

	memset(ifname, 0, 16);
	if (!RV_HAS(kernel, clear_side) ||
	    kernel->clear_side(rv_service_self(child->kernel.service), child->conf->interface, ifname, &mark) ||
	    !*ifname)
		memcpy(ifname, "lo", 3);
}

int rv_lent_place(struct rv_child *child)
{
	struct rv_lent *l = whole_of(child->peer)->lent;
	struct rv_core *core = child->peer->core;
	struct rv_service *net = rv_registry_find(core->registry, "net", NULL);
	char ifname[16];
	struct rv_addr addr;
	int r = 0;

	if (!l || !l->taken)
		return 0;
	if (!net && !l->net.service) {
		rv_log(&core->subject, RV_WARN, "address-not-added", KV_UINT("session", l->peer->id),
		       KV_STR("found", "no net plugin is loaded"));
		return 0;
	}
	interface_of(child, ifname);
	bool moved = strcmp(ifname, l->ifname) != 0;

	if (moved) {
		forget_servers(l);
		displace(l);
	}
	memcpy(l->ifname, ifname, sizeof(ifname));
	if (!l->net.service)
		r = rv_ref_take(&l->net, net, &l->peer->user);
	for (size_t i = 0; !r && nth_address(l->taken, i, &addr, NULL); i++)
		r = place(l, &addr);
	if (!r && moved)
		set_servers(l);
	return r;
}

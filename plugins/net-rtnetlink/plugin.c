// SPDX-License-Identifier: LGPL-2.1-or-later
/* net-rtnetlink: addresses, routes and rules through rtnetlink, and the guard of the clear side through nftables.
 *
 * Everything it makes bears its own protocol number or stands in its own table, so that the next start finds and
 * removes what a killed daemon left. Equal policies are counted.
 */
#include "guard.h"
#include "netlink.h"

#include <errno.h>

static int events(void *self, const struct rv_net_events *events)
{
	struct net *net = self;

	net->events = events ? *events : (struct rv_net_events){ 0 };
	return 0;
}

static int source(void *self, const struct rv_addr *remote, struct rv_addr *local)
{
	return address_source(self, remote, local);
}

static bool local(void *self, const struct rv_addr *addr)
{
	return address_local(self, addr);
}

static void forget(struct net *net, struct policy *policy)
{
	guard_del(net, policy);
	path_del(net, policy);
	policy_remove(net, policy);
	if (policy_bypass(&policy->spec))
		path_round(net, &policy->spec);
	device_drop(net, policy->device);
	policy_free(net, policy);
}

static int set_up(struct net *net, struct policy *policy, struct rv_call *call)
{
	const struct rv_net_policy *spec = &policy->spec;
	int r = 0;

	if (*spec->ifname && !(policy->device = device_hold(net, spec->ifname)))
		return -ENOMEM;
	if (spec->route || policy_bypass(spec))
		r = path_add(net, policy);
	if (!r && policy_bypass(spec))
		path_round(net, spec);
	if (!r && rv_conf_bool(rv_host_conf(net->host), "guard"))
		r = guard_add(net, policy, call);
	return r;
}

static int policy_add(void *self, const struct rv_net_policy *spec, struct rv_call *call)
{
	struct net *net = self;
	struct policy *policy = policy_find(net, spec);

	if (policy) {
		policy->count++;
		return 0;
	}
	policy = policy_new(net);
	if (!policy)
		return -ENOMEM;
	policy->spec = *spec;
	policy->count = 1;
	int r = policy_insert(net, policy);

	if (r) {
		policy_free(net, policy);
		return r;
	}
	r = set_up(net, policy, call);
	if (r < 0)
		forget(net, policy);
	return r;
}

static int policy_del(void *self, const struct rv_net_policy *spec)
{
	struct net *net = self;
	struct policy *policy = policy_find(net, spec);

	if (policy && --policy->count == 0)
		forget(net, policy);
	return 0;
}

static int address_add(void *self, const struct rv_addr *addr, unsigned prefix, const char *ifname,
		       struct rv_call *call)
{
	return address_change(self, true, addr, prefix, ifname);
}

static int address_del(void *self, const struct rv_addr *addr, unsigned prefix, const char *ifname)
{
	return address_change(self, false, addr, prefix, ifname);
}

static int flush(void *self)
{
	struct net *net = self;

	while (!rv_list_empty(&net->policies)) {
		struct policy *p = rv_container_of(net->policies.next, struct policy, entry);

		policy_remove(net, p);
		policy_free(net, p);
	}
	net->n_lets = 0;
	rv_list_each (&net->devices, d, struct device, entry) {
		rv_list_del(&d->entry);
		talloc_free(d);
	}
	guard_flush(net);
	path_flush(net);
	address_flush(net);
	return 0;
}

static int each(void *self, rv_net_each_fn *fn, void *fn_arg)
{
	return address_each(self, fn, fn_arg);
}

static int dropped(void *self, uint64_t *in, uint64_t *out)
{
	return guard_dropped(self, in, out);
}

static const struct rv_net_ops ops = {
	.size = sizeof(ops),
	.events = events,
	.source = source,
	.local = local,
	.policy_add = policy_add,
	.policy_del = policy_del,
	.address_add = address_add,
	.address_del = address_del,
	.flush = flush,
	.each = each,
	.dropped = dropped,
};

/* What a daemon before this one left stays as long as this one has not taken its place: it fails closed. */
static int net_gone(struct net *net)
{
	if (net->nft_ours || net->n_items)
		(void)flush(net);
	rv_defer_cancel(net->host->loop, net);
	nl_close(net);
	return 0;
}

static const char *const syscalls[] = { "socket",  "bind",	  "sendto", "sendmsg",	  "recvfrom",
					"recvmsg", "getsockname", "ioctl",  "setsockopt", "getsockopt",
					"openat",  "lseek",	  NULL };

static int init(struct rv_host *host)
{
	struct net *net = talloc_zero(host, struct net);
	const struct rv_conf *conf = rv_host_conf(host);

	if (!net)
		return -ENOMEM;
	net->host = host;
	rv_list_init(&net->locals);
	rv_list_init(&net->policies);
	rv_list_init(&net->devices);
	rv_list_init(&net->shapes);
	net->table = (uint32_t)rv_conf_int(conf, "table");
	net->nft_table = talloc_strdup(net, rv_conf_str(conf, "nft_table"));
	if (!net->nft_table)
		return -ENOMEM;
	talloc_set_destructor(net, net_gone);
	guard_init(net);
	int r = nl_open(net);

	r = r ? r : address_init(net);
	if (r) {
		rv_log(&host->subject, RV_ERROR, "netlink-failed", KV_STR("found", rv_error_text(r)),
		       KV_STR("advice", "run ravelind with CAP_NET_ADMIN"));
		return r;
	}
	rv_host_needs_syscalls(host, syscalls);
	return rv_net_offer(host, (struct rv_offer){ .name = "rtnetlink" }, &ops, net);
}

RV_PLUGIN(net_rtnetlink, "net-rtnetlink",
	  "version=1\0summary=Addresses, routes, rules and the guard of the clear side\0licence=LGPL-2.1-or-later\0"
	  "default=on\0provides=net:rtnetlink\0rfc=4301\0"
	  "schema="
	  "table|int|220|1..1000000000|Routing table of protected traffic; the next two numbers are used too, and for "
	  "each "
	  "interface of a connection's own three that are 256 higher\n"
	  "rule_priority|int|220|5..32000|Priority of the routing rules; the four numbers before it are used too\n"
	  "nft_table|string|ravelin||Name of the nftables table that guards the clear side\n"
	  "guard|bool|yes||Drop clear text that a policy protects on every other interface (RFC 4301, 5.2)\n\0",
	  .init = init);

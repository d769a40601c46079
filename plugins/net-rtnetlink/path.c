// SPDX-License-Identifier: LGPL-2.1-or-later
/* path: the routes that lead protected traffic into the clear-side interface, and the rules that choose them.
 *
 *	priority - 4	fwmark of wire sockets			-> main			sealed traffic does not loop
 *	priority - 3	selectors inside a bypass		-> their table		they come before the bypass
 *	priority - 2	selectors of a bypass			-> main
 *	priority - 1	from nothing yet (IPv4)			-> table		own traffic gets a source
 *	priority	from the local selector			-> table, table + 1
 *	priority	... and to, protocol, ports		-> table + 2
 *
 * table (its interface's; 256 apart) holds the routes with a source address of ours, table + 1 those without, and
 * table + 2 those of selectors with a protocol or ports. Equal routes and rules of several policies are counted.
 *
 * Own traffic has no source address yet when it is routed. An IPv4 rule can ask for that, and the route gives a source
 * inside the local selector. An IPv6 rule cannot: it matches when RFC 6724 would choose a source inside the selector.
 */
#include "netlink.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <net/if.h>
#include <string.h>

static size_t bucket(const struct net *net, const struct item *item)
{
	const uint8_t *p = (const uint8_t *)item;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < sizeof(*item); i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return (size_t)(h & (net->n_buckets - 1));
}

static struct counted **slot(struct net *net, const struct item *item)
{
	struct counted **at = &net->items[bucket(net, item)];

	while (*at && !rv_bytes_equal(rv_bytes(&(*at)->item, sizeof(*item)), rv_bytes(item, sizeof(*item))))
		at = &(*at)->next;
	return at;
}

static bool grow(struct net *net)
{
	size_t n = net->n_buckets ? net->n_buckets * 2 : 64, old = net->n_buckets;
	struct counted **items = talloc_zero_array(net, struct counted *, (unsigned)n), **was = net->items;

	if (!items)
		return false;
	net->items = items;
	net->n_buckets = n;
	for (size_t i = 0; i < old; i++) {
		for (struct counted *c = was[i], *following; c; c = following) {
			struct counted **to = &items[bucket(net, &c->item)];
			following = c->next;
			c->next = *to;
			*to = c;
		}
	}
	talloc_free(was);
	return true;
}

static void put_prefix(struct nlmsghdr *request, uint16_t type, const struct prefix *prefix)
{
	mnl_attr_put(request, type, rv_family_len(prefix->family), prefix->ip);
}

static uint8_t af(const struct item *item)
{
	return (item->to.family ? item->to.family : item->from.family) == RV_IPV6 ? AF_INET6 : AF_INET;
}

static bool given(const uint8_t source[static 4])
{
	return source[0] || source[1] || source[2] || source[3];
}

static void put_route(struct nlmsghdr *request, const struct item *item)
{
	struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));

	*route = (struct rtmsg){ .rtm_family = af(item),
				 .rtm_dst_len = item->to.len,
				 .rtm_protocol = PROTO,
				 .rtm_type = item->kind == THROW ? RTN_THROW : RTN_UNICAST,
				 .rtm_scope = item->kind == THROW || af(item) == AF_INET6 ? RT_SCOPE_UNIVERSE
											  : RT_SCOPE_LINK };
	mnl_attr_put_u32(request, RTA_TABLE, item->table);
	put_prefix(request, RTA_DST, &item->to);
	if (item->ifindex)
		mnl_attr_put_u32(request, RTA_OIF, item->ifindex);
	if (!given(item->source))
		return;
	mnl_attr_put(request, RTA_PREFSRC, sizeof(item->source), item->source);
	mnl_attr_put(request, RTA_PRIORITY, sizeof(item->source), item->source);
}

static void put_rule(struct nlmsghdr *request, const struct item *item)
{
	struct fib_rule_hdr *rule = mnl_nlmsg_put_extra_header(request, sizeof(*rule));

	*rule = (struct fib_rule_hdr){
		.family = af(item), .dst_len = item->to.len, .src_len = item->from.len, .action = FR_ACT_TO_TBL
	};
	if (item->from.len && item->from.family == RV_IPV6)
		rule->flags = FIB_RULE_FIND_SADDR;
	mnl_attr_put_u32(request, FRA_TABLE, item->table);
	mnl_attr_put_u32(request, FRA_PRIORITY, item->priority);
	mnl_attr_put_u8(request, FRA_PROTOCOL, PROTO);
	if (item->kind == RULE_MARK)
		mnl_attr_put_u32(request, FRA_FWMARK, item->mark);
	if (item->from.len)
		put_prefix(request, FRA_SRC, &item->from);
	if (item->to.len)
		put_prefix(request, FRA_DST, &item->to);
	if (item->proto)
		mnl_attr_put_u8(request, FRA_IP_PROTO, item->proto);
	if (item->sport_hi)
		mnl_attr_put(request, FRA_SPORT_RANGE, 4, &item->sport_lo);
	if (item->dport_hi)
		mnl_attr_put(request, FRA_DPORT_RANGE, 4, &item->dport_lo);
}

static int change(struct net *net, const struct item *item, bool add)
{
	uint8_t buf[512] __attribute__((aligned(8)));
	bool rule = item->kind == RULE_FROM || item->kind == RULE_MARK;
	uint16_t type = rule ? (add ? RTM_NEWRULE : RTM_DELRULE) : (add ? RTM_NEWROUTE : RTM_DELROUTE);
	struct nlmsghdr *request = nl_begin(buf, type, add ? NLM_F_CREATE | (rule ? NLM_F_EXCL : NLM_F_REPLACE) : 0);

	if (rule)
		put_rule(request, item);
	else
		put_route(request, item);
	int r = nl_request(net, request, NULL, NULL);
	return add && rule && r == -EEXIST ? 0 : r;
}

static void spare(struct net *net, struct counted *c)
{
	c->next = net->spare_items;
	net->spare_items = c;
}

static struct counted *counted_new(struct net *net)
{
	struct counted *c = net->spare_items;

	if (!c) {
		struct counted *chunk = talloc_array(net, struct counted, CHUNK);
		for (int i = 0; chunk && i < CHUNK; i++)
			spare(net, &chunk[i]);
		c = net->spare_items;
	}
	if (c)
		net->spare_items = c->next;
	return c;
}

/* The counted item like this one, made in the kernel when it is new. NULL with *error. */
static struct counted *hold(struct net *net, const struct item *item, int *error)
{
	*error = -ENOMEM;
	if (net->n_items >= net->n_buckets && !grow(net))
		return NULL;
	struct counted **at = slot(net, item), *c = *at;

	if (c) {
		c->count++;
		return c;
	}
	c = counted_new(net);
	if (!c)
		return NULL;
	*error = change(net, item, true);
	if (*error) {
		spare(net, c);
		return NULL;
	}
	*c = (struct counted){ .item = *item, .count = 1 };
	*at = c;
	net->n_items++;
	return c;
}

static void release(struct net *net, struct counted *c)
{
	if (--c->count)
		return;
	(void)change(net, &c->item, false); /* the kernel took a route already when its interface went */
	*slot(net, &c->item) = c->next;
	spare(net, c);
	net->n_items--;
}

enum { BEFORE_MARK = 4, BEFORE_INSIDE = 3, BEFORE_BYPASS = 2, BEFORE_SOURCELESS = 1 };

/* The items of one policy while they are laid out. */
struct gather {
	struct net *net;
	const struct rv_net_policy *policy;
	struct item *items;
	unsigned n;
	uint32_t ifindex, priority;
	uint32_t table;	   /* the interface's first */
	uint8_t source[4]; /* IPv4: an address of ours in the local selector */
	bool inside;	   /* a bypass that comes after it has packets of it */
};

static int put(struct gather *gather, const struct item *item)
{
	struct item *more = talloc_realloc(gather->net, gather->items, struct item, gather->n + 1);

	if (!more)
		return -ENOMEM;
	gather->items = more;
	more[gather->n++] = *item;
	return 0;
}

static bool any_address(const struct rv_ts *ts)
{
	struct rv_ts all = rv_ts_prefix(&(struct rv_addr){ .family = ts->family }, 0);

	return rv_ts_same(ts, &all);
}

/* The protocol and the ports of a rule; ICMP's type is not a port there, so the datapath sorts that out. */
static void put_ports(struct item *item, const struct rv_ts *local, const struct rv_ts *remote)
{
	bool ports = local->proto == IPPROTO_TCP || local->proto == IPPROTO_UDP || local->proto == IPPROTO_SCTP;

	item->proto = local->proto;
	if (!ports)
		return;
	if (local->port_lo <= local->port_hi && !(local->port_lo == 0 && local->port_hi == 65535)) {
		item->sport_lo = local->port_lo;
		item->sport_hi = local->port_hi;
	}
	if (remote->port_lo <= remote->port_hi && !(remote->port_lo == 0 && remote->port_hi == 65535)) {
		item->dport_lo = remote->port_lo;
		item->dport_hi = remote->port_hi;
	}
}

/* "From no address yet"; no such rule exists for IPv6. */
static struct prefix sourceless(uint8_t family)
{
	return (struct prefix){ .family = family, .len = family == RV_IPV4 ? 32 : 0 };
}

static int put_mark_rule(struct gather *gather, uint8_t family)
{
	const struct item rule = { .kind = RULE_MARK,
				   .table = RT_TABLE_MAIN,
				   .priority = gather->priority - BEFORE_MARK,
				   .mark = gather->policy->mark,
				   .from = { .family = family } };

	return rule.mark ? put(gather, &rule) : 0;
}

/* The table that the policy's routes are in. */
static uint32_t way_table(const struct gather *gather)
{
	if (gather->policy->local_ts.proto)
		return gather->table + 2;
	return gather->table + (given(gather->source) ? 0 : 1);
}

/* The rules that lead from `from` to the tables. */
static int put_rules(struct gather *gather, const struct prefix *from)
{
	uint32_t table = gather->table, priority = gather->priority;
	struct prefix none = sourceless(from->family);
	const struct item rules[] = {
		{ .kind = RULE_FROM, .table = table, .priority = priority - BEFORE_SOURCELESS, .from = none },
		{ .kind = RULE_FROM, .table = table, .priority = priority, .from = *from },
		{ .kind = RULE_FROM, .table = table + 1, .priority = priority, .from = *from },
	};
	int r = 0;

	for (size_t i = none.len ? 0 : 1; i < RV_COUNT(rules) && !r; i++)
		r = put(gather, &rules[i]);
	return r;
}

/* The route to `to`, with a source address of ours where there is one in the selector. */
static int put_way(struct gather *gather, const struct prefix *to)
{
	struct item route = { .kind = ROUTE, .table = way_table(gather), .to = *to, .ifindex = gather->ifindex };

	memcpy(route.source, gather->source, sizeof(route.source));
	return put(gather, &route);
}

/* Traffic inside the local selector stays outside of the tunnel when the remote one covers it (0.0.0.0/0). */
static int put_throws(struct gather *gather, const struct prefix *from)
{
	const struct rv_net_policy *policy = gather->policy;
	int r = 0;

	if (any_address(&policy->local_ts) || policy->transport ||
	    !rv_ts_contains(&policy->remote_ts, &policy->local_ts))
		return 0;
	for (uint32_t i = 0; i < 2 && !r; i++)
		r = put(gather, &(struct item){ .kind = THROW, .table = gather->table + i, .to = *from });
	return r;
}

/* Rules that name source, destination and ports. */
static int put_narrow_rules(struct gather *gather, const struct prefix *from, const struct prefix *to, int n_to,
			    uint32_t before, uint32_t table)
{
	const struct rv_net_policy *policy = gather->policy;
	bool own = from->family == RV_IPV4 && (policy_bypass(policy) || given(gather->source));
	int r = 0;

	for (int i = 0; i < n_to && !r; i++) {
		struct item rule = { .kind = RULE_FROM,
				     .table = table,
				     .priority = gather->priority - before,
				     .from = *from,
				     .to = to[i] };

		put_ports(&rule, &policy->local_ts, &policy->remote_ts);
		r = put(gather, &rule);
		rule.from = sourceless(from->family);
		rule.priority = gather->priority - (before ? before : BEFORE_SOURCELESS);
		if (own && !r)
			r = put(gather, &rule);
	}
	return r;
}

/* What leads packets from one prefix of the local selector. */
static int lay_out_from(struct gather *gather, const struct prefix *from, const struct prefix *to, int n_to)
{
	const struct rv_net_policy *policy = gather->policy;

	if (policy_bypass(policy))
		return put_narrow_rules(gather, from, to, n_to, BEFORE_BYPASS, RT_TABLE_MAIN);
	int r = put_mark_rule(gather, from->family);

	if (!r && gather->inside)
		r = put_narrow_rules(gather, from, to, n_to, BEFORE_INSIDE, way_table(gather));
	if (!r && policy->local_ts.proto)
		return put_narrow_rules(gather, from, to, n_to, 0, way_table(gather));
	r = r ? r : put_throws(gather, from);
	return r ? r : put_rules(gather, from);
}

static int lay_out(struct gather *gather)
{
	const struct rv_net_policy *policy = gather->policy;
	struct prefix from[RANGE_PREFIXES], to[RANGE_PREFIXES];
	int n_from = ts_prefixes(&policy->local_ts, from), n_to = ts_prefixes(&policy->remote_ts, to), r = 0;

	if (n_from < 0 || n_to < 0)
		return -E2BIG;
	for (int i = 0; i < n_to && !r && policy->route; i++)
		r = put_way(gather, &to[i]);
	for (int i = 0; i < n_from && !r; i++)
		r = lay_out_from(gather, &from[i], to, n_to);
	return r;
}

static bool inside_bypass(const struct net *net, const struct rv_net_policy *policy)
{
	if (!net->n_bypasses || !policy->route)
		return false;
	rv_list_each (&net->policies, p, struct policy, entry)
		if (policy_bypass(&p->spec) && p->spec.priority >= policy->priority && policies_meet(&p->spec, policy))
			return true;
	return false;
}

static void source_of(const struct net *net, const struct rv_net_policy *policy, uint8_t source[static 4])
{
	const struct rv_addr *addr =
		policy->local_ts.family == RV_IPV4 && policy->route ? address_inside(net, &policy->local_ts) : NULL;

	memset(source, 0, 4);
	if (addr)
		memcpy(source, addr->ip, 4);
}

static unsigned index_of(struct device *device)
{
	if (device && !device->ifindex)
		device->ifindex = if_nametoindex(device->ifname);
	return device ? device->ifindex : 0;
}

static int lay(struct net *net, struct policy *policy)
{
	const struct rv_net_policy *spec = &policy->spec;
	struct gather gather = { .net = net,
				 .policy = spec,
				 .ifindex = index_of(policy->device),
				 .priority = (uint32_t)rv_conf_int(rv_host_conf(net->host), "rule_priority"),
				 .table = policy->device ? policy->device->table : net->table,
				 .inside = inside_bypass(net, spec) };

	source_of(net, spec, gather.source);
	int r = spec->route && !gather.ifindex ? -ENODEV : lay_out(&gather);

	memcpy(policy->source, gather.source, sizeof(policy->source));
	policy->items = policy->few;
	if (!r && gather.n > RV_COUNT(policy->few))
		policy->items = talloc_array(net, struct counted *, gather.n);
	if (!policy->items)
		r = -ENOMEM;
	for (unsigned i = 0; i < gather.n && !r; i++) {
		struct counted *c = hold(net, &gather.items[i], &r);

		if (c) {
			policy->items[policy->n_items++] = c;
			r = 0;
		}
	}
	talloc_free(gather.items);
	if (r)
		path_del(net, policy);
	return r;
}

int path_add(struct net *net, struct policy *policy)
{
	int r = lay(net, policy);

	if (r != -ENODEV || !policy->device || !policy->device->ifindex)
		return r;
	policy->device->ifindex = 0; /* another interface may have its name by now */
	return lay(net, policy);
}

/* The guard stands meanwhile, so nothing leaks. */
static void again(struct net *net, struct policy *policy)
{
	char local[RV_TS_TEXT], remote[RV_TS_TEXT];

	path_del(net, policy);
	int r = path_add(net, policy);

	if (r)
		rv_log(&net->host->subject, RV_ERROR, "route-failed",
		       KV_STR("local", rv_ts_text(&policy->spec.local_ts, local)),
		       KV_STR("remote", rv_ts_text(&policy->spec.remote_ts, remote)),
		       KV_STR("error", rv_error_text(r)));
}

void path_round(struct net *net, const struct rv_net_policy *bypass)
{
	rv_list_each (&net->policies, p, struct policy, entry)
		if (p->spec.route && p->spec.priority <= bypass->priority && policies_meet(&p->spec, bypass))
			again(net, p);
}

void path_sources(struct net *net)
{
	uint8_t source[4];

	rv_list_each (&net->policies, p, struct policy, entry) {
		source_of(net, &p->spec, source);
		if (p->spec.route && !rv_bytes_equal(rv_bytes(source, 4), rv_bytes(p->source, 4)))
			again(net, p);
	}
}

void path_del(struct net *net, struct policy *policy)
{
	while (policy->items && policy->n_items)
		release(net, policy->items[--policy->n_items]);
	if (policy->items != policy->few)
		talloc_free(policy->items);
	policy->items = NULL;
}

/* Whether a rule or a route bears our mark of origin: it is ours, or of a daemon that was killed. */
static bool is_ours(const struct nlmsghdr *message)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type == RTM_NEWROUTE)
		return route->rtm_protocol == PROTO;
	const struct nlattr *attr = nl_attr(message, sizeof(struct fib_rule_hdr), FRA_PROTOCOL);
	return attr && mnl_attr_get_u8(attr) == PROTO;
}

void path_flush(struct net *net)
{
	for (size_t i = 0; i < net->n_buckets; i++) {
		for (struct counted *c = net->items[i], *following; c; c = following) {
			following = c->next;
			spare(net, c);
		}
		net->items[i] = NULL;
	}
	net->n_items = 0;
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	for (size_t i = 0; i < RV_COUNT(families); i++) {
		nl_flush(net, RTM_GETRULE, RTM_DELRULE, families[i], is_ours);
		nl_flush(net, RTM_GETROUTE, RTM_DELROUTE, families[i], is_ours);
	}
}

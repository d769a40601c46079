// SPDX-License-Identifier: LGPL-2.1-or-later
/* guard: clear text that a policy protects passes the tunnel's interface or not at all (RFC 4301, 5.1 and 5.2).
 *
 * One nftables table has, for each direction and family, a set of (source . destination) ranges whose packets are
 * dropped. Pairs that overlap another pair, or that name a protocol, cannot be elements of one set: they become rules
 * of the chains odd_in and odd_out, as do policies that bypass. Changes are gathered and carried out once a turn, as
 * one transaction. When the daemon dies the table stays and nothing leaks; its next start takes the table away.
 */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct waiter {
	struct rv_list entry;
	struct rv_call *call;
};

static const char vmark_path[] = "/proc/sys/net/ipv4/conf/all/src_valid_mark";

static int free_nft(struct nft_ctx **holder)
{
	nft_ctx_free(*holder);
	return 0;
}

int guard_init(struct net *net)
{
	struct nft_ctx **holder = talloc(net, struct nft_ctx *);

	rv_list_init(&net->waiting);
	if (!holder)
		return -ENOMEM;
	net->nft = *holder = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!net->nft)
		return -ENOMEM;
	talloc_set_destructor(holder, free_nft);
	if (nft_ctx_buffer_error(net->nft) || nft_ctx_buffer_output(net->nft))
		return -ENOMEM;
	return 0;
}

/* Whether strict reverse-path checks take a packet's mark into account; the former value. */
static bool valid_mark(bool on)
{
	int fd = open(vmark_path, O_RDWR | O_CLOEXEC);
	char was = '1';

	if (fd < 0)
		return true;
	if (read(fd, &was, 1) != 1 || lseek(fd, 0, SEEK_SET) || write(fd, on ? "1" : "0", 1) != 1)
		was = '1';
	close(fd);
	return was == '1';
}

static void say(struct net *net, const char *text)
{
	if (net->nft_text)
		net->nft_text = talloc_strdup_append_buffer(net->nft_text, text);
}

static int put_ports(struct rv_service *service, void *arg)
{
	const struct rv_wire_ops *ops = rv_service_ops(service);
	char **text = arg;

	for (int encap = 0; encap < 2 && *text; encap++) {
		uint16_t port = ops->port(rv_service_self(service), encap);
		if (port)
			*text = talloc_asprintf_append_buffer(*text, "%s%u", **text ? ", " : "", port);
	}
	return 0;
}

/* The table with what never changes in it. */
static void say_table(struct net *net, uint32_t mark)
{
	char *ports = talloc_strdup(net, ""), *set_mark = talloc_strdup(net, ""), *is_mark = talloc_strdup(net, "");

	(void)rv_registry_each(net->host->registry, "wire", put_ports, &ports);
	if (mark && set_mark && is_mark) {
		set_mark = talloc_asprintf_append(set_mark, "meta mark set %u ", mark);
		is_mark = talloc_asprintf_append(is_mark, "meta mark %u accept\n", mark);
	}
	char *text = talloc_asprintf(
		net,
		"add table inet %s\ndelete table inet %s\n"
		"table inet %s {\n"
		"set clear { type ifname; }\n"
		"set in4 { type ipv4_addr . ipv4_addr; flags interval; }\n"
		"set in6 { type ipv6_addr . ipv6_addr; flags interval; }\n"
		"set out4 { type ipv4_addr . ipv4_addr; flags interval; }\n"
		"set out6 { type ipv6_addr . ipv6_addr; flags interval; }\n"
		"chain odd_in { }\nchain odd_out { }\n"
		"chain pre { type filter hook prerouting priority raw; policy accept;\n"
		"iifname \"lo\" accept\niifname @clear accept\n"
		"%s%s%s"
		"meta l4proto { esp, ah } fib daddr type local %saccept\n"
		"icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept\n"
		"jump odd_in\n"
		"ip saddr . ip daddr @in4 counter drop\nip6 saddr . ip6 daddr @in6 counter drop\n}\n"
		"chain post { type filter hook postrouting priority 300; policy accept;\n"
		"oifname \"lo\" accept\noifname @clear accept\n%s"
		"icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept\n"
		"jump odd_out\n"
		"ip saddr . ip daddr @out4 counter drop\nip6 saddr . ip6 daddr @out6 counter drop\n}\n}\n",
		net->nft_table, net->nft_table, net->nft_table, ports && *ports ? "udp dport { " : "",
		ports && *ports ? ports : "",
		ports && *ports ? talloc_asprintf(ports, " } fib daddr type local %saccept\n", set_mark) : "", set_mark,
		is_mark);

	say(net, text ? text : "");
	talloc_free(text);
	talloc_free(ports);
	talloc_free(set_mark);
	talloc_free(is_mark);
}

/* "a-b" or "a" */
static const char *range_text(const struct rv_ts *ts, char out[static 2 * RV_ADDR_TEXT])
{
	struct rv_addr lo = { .family = ts->family }, hi = { .family = ts->family };
	char a[RV_ADDR_TEXT], b[RV_ADDR_TEXT];

	memcpy(lo.ip, ts->lo, 16);
	memcpy(hi.ip, ts->hi, 16);
	if (rv_addr_same_ip(&lo, &hi))
		snprintf(out, 2 * RV_ADDR_TEXT, "%s", rv_addr_text(&lo, a));
	else
		snprintf(out, 2 * RV_ADDR_TEXT, "%s-%s", rv_addr_text(&lo, a), rv_addr_text(&hi, b));
	return out;
}

static void say_elements(struct net *net, const struct policy *policy, const char *verb)
{
	char local[2 * RV_ADDR_TEXT], remote[2 * RV_ADDR_TEXT];
	int family = policy->spec.local_ts.family;
	char *text;

	range_text(&policy->spec.local_ts, local);
	range_text(&policy->spec.remote_ts, remote);
	text = talloc_asprintf(net, "%s element inet %s in%d { %s . %s }\n%s element inet %s out%d { %s . %s }\n", verb,
			       net->nft_table, family, remote, local, verb, net->nft_table, family, local, remote);
	say(net, text ? text : "");
	talloc_free(text);
}

static bool icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* One port condition of a rule, in front of its verdict. */
static char *ports_text(char *text, const char *word, const struct rv_ts *ts)
{
	bool all = ts->port_lo == 0 && ts->port_hi == 65535, opaque = ts->port_lo > ts->port_hi;

	if (!ts->proto || all || opaque)
		return text;
	if (icmp(ts->proto)) /* the types; codes are the datapath's to tell apart */
		return talloc_asprintf_append_buffer(text, "%s type %u-%u ",
						     ts->proto == IPPROTO_ICMP ? "icmp" : "icmpv6", ts->port_lo >> 8,
						     ts->port_hi >> 8);
	return talloc_asprintf_append_buffer(text, "th %s %u-%u ", word, ts->port_lo, ts->port_hi);
}

static void say_rule(struct net *net, const char *chain, const struct rv_ts *src, const struct rv_ts *dst,
		     const char *verdict)
{
	char s[2 * RV_ADDR_TEXT], d[2 * RV_ADDR_TEXT];
	const char *ip = src->family == RV_IPV6 ? "ip6" : "ip";
	char *text = talloc_asprintf(net, "add rule inet %s %s %s saddr %s %s daddr %s ", net->nft_table, chain, ip,
				     range_text(src, s), ip, range_text(dst, d));

	if (text && src->proto)
		text = talloc_asprintf_append_buffer(text, "meta l4proto %u ", src->proto);
	if (text)
		text = ports_text(text, "sport", src);
	if (text && !icmp(dst->proto))
		text = ports_text(text, "dport", dst);
	if (text)
		text = talloc_asprintf_append_buffer(text, "%s\n", verdict);
	say(net, text ? text : "");
	talloc_free(text);
}

/* Hosts of the local selector talk among themselves when the remote one covers it (0.0.0.0/0). */
static bool covers(const struct rv_net_policy *policy)
{
	return policy->guard && !policy->transport && rv_ts_contains(&policy->remote_ts, &policy->local_ts) &&
	       !rv_ts_contains(&policy->local_ts, &policy->remote_ts);
}

static void say_odd(struct net *net)
{
	char *text = talloc_asprintf(net, "flush chain inet %s odd_in\nflush chain inet %s odd_out\n", net->nft_table,
				     net->nft_table);

	say(net, text ? text : "");
	talloc_free(text);
	rv_list_each (&net->policies, p, struct policy, entry) {
		if (p->guarded && covers(&p->spec)) {
			say_rule(net, "odd_in", &p->spec.local_ts, &p->spec.local_ts, "accept");
			say_rule(net, "odd_out", &p->spec.local_ts, &p->spec.local_ts, "accept");
		}
	}
	rv_list_each (&net->policies, p, struct policy, entry) {
		if (p->guarded && !p->in_sets) {
			say_rule(net, "odd_in", &p->spec.remote_ts, &p->spec.local_ts, "counter drop");
			say_rule(net, "odd_out", &p->spec.local_ts, &p->spec.remote_ts, "counter drop");
		}
	}
}

static void say_clear(struct net *net, const char *ifname)
{
	char *text =
		*ifname ? talloc_asprintf(net, "add element inet %s clear { \"%s\" }\n", net->nft_table, ifname) : NULL;

	say(net, text ? text : "");
	talloc_free(text);
}

static void answer(struct net *net, int result)
{
	while (!rv_list_empty(&net->waiting)) {
		struct waiter *w = rv_container_of(net->waiting.next, struct waiter, entry);
		struct rv_call *call = w->call;

		rv_list_del(&w->entry);
		talloc_free(w);
		rv_call_finish(call, result);
	}
}

/* After a failure nobody knows what stands: everything is said anew. */
static void say_all(struct net *net)
{
	uint32_t mark = wire_mark(net);

	say_table(net, mark);
	rv_list_each (&net->policies, p, struct policy, entry) {
		if (!p->guarded)
			continue;
		say_clear(net, p->spec.ifname);
		if (p->in_sets)
			say_elements(net, p, "add");
	}
	net->nft_odd = true;
}

static void carry_out(void *arg)
{
	struct net *net = arg;
	char *more = net->nft_text;
	int r = -ENOMEM;

	net->nft_due = false;
	if (!net->nft_there) {
		net->nft_text = talloc_strdup(net, "");
		say_all(net);
		talloc_free(more);
	}
	if (net->nft_odd)
		say_odd(net);
	if (net->nft_text)
		r = nft_run_cmd_from_buffer(net->nft, net->nft_text) ? -EIO : 0;
	if (r)
		rv_log(&net->host->subject, RV_ERROR, "guard-failed",
		       KV_STR("tried", "to install the rules that keep clear text out of protected traffic"),
		       KV_STR("found", r == -EIO ? nft_ctx_get_error_buffer(net->nft) : "no memory"),
		       KV_STR("advice",
			      "load nf_tables, or set ravelin.plugins.net-rtnetlink.guard = no and filter yourself"));
	net->nft_there = !r;
	net->nft_odd = false;
	TALLOC_FREE(net->nft_text);
	answer(net, r);
}

static int due(struct net *net)
{
	if (!net->nft_text)
		net->nft_text = talloc_strdup(net, "");
	if (!net->nft_text)
		return -ENOMEM;
	if (net->nft_due)
		return 0;
	int r = rv_defer(net->host->loop, carry_out, net);

	net->nft_due = r == 0;
	return r;
}

static bool overlap(const struct rv_ts *a, const struct rv_ts *b)
{
	struct rv_ts both;

	return rv_ts_intersect(a, b, &both);
}

static bool fits_in_sets(const struct net *net, const struct policy *policy)
{
	const struct rv_net_policy *spec = &policy->spec;

	if (spec->local_ts.proto || !spec->guard)
		return false;
	rv_list_each (&net->policies, p, struct policy, entry)
		if (p != policy && p->guarded && p->in_sets && overlap(&p->spec.local_ts, &spec->local_ts) &&
		    overlap(&p->spec.remote_ts, &spec->remote_ts))
			return false;
	return true;
}

static void cancel(struct rv_call *call)
{
	struct waiter *w = call->provider;

	rv_list_del(&w->entry);
	talloc_free(w);
}

int guard_add(struct net *net, struct policy *policy, struct rv_call *call)
{
	struct waiter *w = call ? talloc_zero(net, struct waiter) : NULL;
	int r = call && !w ? -ENOMEM : due(net);

	if (r) {
		talloc_free(w);
		return r;
	}
	if (!net->vmark_set)
		net->vmark_set = !valid_mark(true);
	policy->guarded = true;
	policy->in_sets = fits_in_sets(net, policy);
	if (!policy->in_sets || covers(&policy->spec))
		net->nft_odd = true;
	if (net->nft_there) {
		say_clear(net, policy->spec.ifname);
		if (policy->in_sets)
			say_elements(net, policy, "add");
	}
	if (!call)
		return 0;
	w->call = call;
	rv_list_add(&net->waiting, &w->entry);
	return rv_call_pend(call, cancel, w);
}

void guard_del(struct net *net, struct policy *policy)
{
	if (!policy->guarded || due(net))
		return;
	policy->guarded = false;
	if (net->nft_there && policy->in_sets)
		say_elements(net, policy, "delete");
	if (!policy->in_sets || covers(&policy->spec))
		net->nft_odd = true;
}

void guard_flush(struct net *net)
{
	char *text = talloc_asprintf(net, "add table inet %s\ndelete table inet %s\n", net->nft_table, net->nft_table);

	rv_defer_cancel(net->host->loop, net);
	net->nft_due = net->nft_odd = net->nft_there = false;
	TALLOC_FREE(net->nft_text);
	if (text)
		(void)nft_run_cmd_from_buffer(net->nft, text);
	talloc_free(text);
	if (net->vmark_set)
		(void)valid_mark(false);
	net->vmark_set = false;
	answer(net, -ECANCELED);
}

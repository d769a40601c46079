// SPDX-License-Identifier: LGPL-2.1-or-later
/* guard: clear text that a policy protects passes the tunnel's interface or not at all (RFC 4301, 5.1 and 5.2).
 *
 * One nftables table has sets of (source . destination) whose packets are dropped: of prefixes (sets.c), and, for each
 * direction and family, one of ranges. Ranges that overlap other ranges, or that name a protocol, cannot be elements of
 * one set: they become rules of the chains odd_in and odd_out, in order of priority, as does what is let through.
 * Changes are gathered and carried out at the end of a turn, as one transaction. When the daemon dies the table stays
 * and nothing leaks; its next start replaces the table in the turn in which it sets its traps, or takes it away.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Most of what a transaction costs does not depend on its size, so many at once become few: the first is carried out
 * at once, others not sooner than this after the one before. */
enum { PAUSE_US = 30000 };

/* A transaction is one message to the kernel, which in a user namespace may not be large. */
enum { PART_LINES = 200 };

struct waiter {
	struct rv_list entry;
	struct rv_call *call;
};

static const char pass[] = "accept", drop_in[] = GUARD_DROP_IN, drop_out[] = GUARD_DROP_OUT;
static const char vmark_path[] = "/proc/sys/net/ipv4/conf/all/src_valid_mark";

static void carry_out(void *arg);

static void later(struct rv_timer *timer)
{
	carry_out(rv_container_of(timer, struct net, nft_later));
}

void guard_init(struct net *net)
{
	rv_list_init(&net->waiting);
	rv_timer_init(&net->nft_later, net->host->loop, later);
}

/* A context keeps what it last saw of the tables, half a megabyte and more, so it lives for one transaction. Where
 * there are no descriptors left libnftables would end the program, so that is tried before. 0 or -errno. */
static int nft_open(struct net *net)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);

	if (!socket)
		return -errno;
	mnl_socket_close(socket);
	net->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	return net->nft && !nft_ctx_buffer_error(net->nft) && !nft_ctx_buffer_output(net->nft) ? 0 : -ENOMEM;
}

static void nft_close(struct net *net)
{
	if (net->nft)
		nft_ctx_free(net->nft);
	net->nft = NULL;
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

void guard_say(struct net *net, const char *text)
{
	if (net->nft_text)
		net->nft_text = talloc_strdup_append_buffer(net->nft_text, text);
}

struct port_rules {
	const char *set_mark;
	char *text;
};

/* A rule for each port costs less than a set of them; ESP comes to the second one. */
static int put_ports(struct rv_service *service, void *arg)
{
	const struct rv_wire_ops *ops = rv_service_ops(service);
	struct port_rules *rules = arg;

	for (int encap = 1; encap >= 0 && rules->text; encap--) {
		uint16_t port = ops->port(rv_service_self(service), encap);
		if (port)
			rules->text = talloc_asprintf_append_buffer(
				rules->text, "udp dport %u fib daddr type local %saccept\n", port, rules->set_mark);
	}
	return 0;
}

/* The table with what never changes in it. */
static void say_table(struct net *net, uint32_t mark)
{
	char set_mark[32] = "", is_mark[32] = "";
	struct port_rules rules = { .set_mark = set_mark, .text = talloc_strdup(net, "") };

	if (mark) {
		snprintf(set_mark, sizeof(set_mark), "meta mark set %u ", mark);
		snprintf(is_mark, sizeof(is_mark), "meta mark %u accept\n", mark);
	}
	(void)rv_registry_each(net->host->registry, "wire", put_ports, &rules);
	char *text = talloc_asprintf(
		net,
		"add table inet %s\ndelete table inet %s\n"
		"table inet %s {\n"
		"counter clear_in { }\ncounter clear_out { }\n"
		"set clear { type ifname; elements = { \"lo\" }; }\n"
		"set in4 { type ipv4_addr . ipv4_addr; flags interval; }\n"
		"set in6 { type ipv6_addr . ipv6_addr; flags interval; }\n"
		"set out4 { type ipv4_addr . ipv4_addr; flags interval; }\n"
		"set out6 { type ipv6_addr . ipv6_addr; flags interval; }\n"
		"chain odd_in { }\nchain odd_out { }\nchain sets_in { }\nchain sets_out { }\n"
		"chain pre { type filter hook prerouting priority raw; policy accept;\n"
		"iifname @clear accept\n%s"
		/* without its first fragment, which shows ports, a later one comes to nothing */
		"ip protocol udp ip frag-off & 0x1fff > 0 fib daddr type local %saccept\n"
		"frag nexthdr udp frag frag-off > 0 fib daddr type local %saccept\n"
		"meta l4proto { esp, ah, 141 } fib daddr type local %saccept\n"
		"icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept\n"
		"jump odd_in\njump sets_in\n"
		"ip saddr . ip daddr @in4 " GUARD_DROP_IN "\n"
		"ip6 saddr . ip6 daddr @in6 " GUARD_DROP_IN "\n}\n"
		"chain post { type filter hook postrouting priority 300; policy accept;\n"
		"%soifname @clear accept\n"
		"icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept\n"
		"jump odd_out\njump sets_out\n"
		"ip saddr . ip daddr @out4 " GUARD_DROP_OUT "\n"
		"ip6 saddr . ip6 daddr @out6 " GUARD_DROP_OUT "\n}\n}\n",
		net->nft_table, net->nft_table, net->nft_table, rules.text ? rules.text : "", set_mark, set_mark,
		set_mark, is_mark);

	guard_say(net, text ? text : "");
	talloc_free(text);
	talloc_free(rules.text);
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

static void say_ranges(struct net *net, const struct policy *policy, const char *verb)
{
	char local[2 * RV_ADDR_TEXT], remote[2 * RV_ADDR_TEXT];
	int family = policy->spec.local_ts.family;
	char *text;

	range_text(&policy->spec.local_ts, local);
	range_text(&policy->spec.remote_ts, remote);
	text = talloc_asprintf(net, "%s element inet %s in%d { %s . %s }\n%s element inet %s out%d { %s . %s }\n", verb,
			       net->nft_table, family, remote, local, verb, net->nft_table, family, local, remote);
	guard_say(net, text ? text : "");
	talloc_free(text);
}

static void say_elements(struct net *net, const struct policy *policy, const char *verb)
{
	if (policy->place == IN_PREFIXES)
		sets_put(net, policy, verb);
	else if (policy->place == IN_RANGES)
		say_ranges(net, policy, verb);
}

static bool icmp(uint8_t proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

static bool has_ports(const struct rv_ts *ts)
{
	return ts->proto && !(ts->port_lo == 0 && ts->port_hi == 65535) && ts->port_lo <= ts->port_hi;
}

/* One port condition of a rule, in front of its verdict. */
static char *ports_text(char *text, const char *word, const struct rv_ts *ts)
{
	if (!has_ports(ts))
		return text;
	if (icmp(ts->proto)) /* the types; codes are the datapath's to tell apart */
		return talloc_asprintf_append_buffer(text, "%s type %u-%u ",
						     ts->proto == IPPROTO_ICMP ? "icmp" : "icmpv6", ts->port_lo >> 8,
						     ts->port_hi >> 8);
	return talloc_asprintf_append_buffer(text, "th %s %u-%u ", word, ts->port_lo, ts->port_hi);
}

static bool overlap(const struct rv_ts *a, const struct rv_ts *b)
{
	struct rv_ts both;

	return rv_ts_intersect(a, b, &both);
}

/* A later fragment has no ports: it may belong to what is protected, so it does not pass (RFC 4301, 7). */
static void say_fragments(struct net *net, const char *rule, bool v6, const char *verdict)
{
	char *text =
		talloc_asprintf(net, "%s%s %s\n", rule, v6 ? "frag frag-off > 0" : "ip frag-off & 0x1fff > 0", verdict);

	guard_say(net, text ? text : "");
	talloc_free(text);
}

static void say_rule(struct net *net, const char *chain, const struct rv_ts *src, const struct rv_ts *dst,
		     const char *verdict)
{
	char s[2 * RV_ADDR_TEXT], d[2 * RV_ADDR_TEXT];
	bool v6 = src->family == RV_IPV6;
	const char *ip = v6 ? "ip6" : "ip";
	char *text = talloc_asprintf(net, "add rule inet %s %s %s saddr %s %s daddr %s ", net->nft_table, chain, ip,
				     range_text(src, s), ip, range_text(dst, d));

	if (text && src->proto)
		text = talloc_asprintf_append_buffer(text, "meta l4proto %u ", src->proto);
	if (text && (has_ports(src) || has_ports(dst)) && verdict != pass)
		say_fragments(net, text, v6, verdict);
	if (text)
		text = ports_text(text, "sport", src);
	if (text && !icmp(dst->proto))
		text = ports_text(text, "dport", dst);
	if (text)
		text = talloc_asprintf_append_buffer(text, "%s\n", verdict);
	guard_say(net, text ? text : "");
	talloc_free(text);
}

/* Hosts of the local selector talk among themselves when the remote one covers it (0.0.0.0/0). */
static bool covers(const struct rv_net_policy *policy)
{
	return policy->route && policy->guard && !policy->transport &&
	       rv_ts_contains(&policy->remote_ts, &policy->local_ts) &&
	       !rv_ts_contains(&policy->local_ts, &policy->remote_ts);
}

/* The far side of what a policy lets through, between its local selector and this; or NULL. */
static const struct rv_ts *lets(const struct policy *policy)
{
	if (policy_bypass(&policy->spec))
		return &policy->spec.remote_ts;
	return covers(&policy->spec) ? &policy->spec.local_ts : NULL;
}

/* Lower numbers first; among equals what drops. */
static int by_priority(const void *a, const void *b)
{
	const struct policy *const *p = a, *const *q = b;

	if ((*p)->spec.priority != (*q)->spec.priority)
		return (*p)->spec.priority < (*q)->spec.priority ? -1 : 1;
	return (int)(*q)->spec.guard - (int)(*p)->spec.guard;
}

/* Rules come before the sets: an element that a rule behind it in order would let through needs a rule as well. */
static bool let_by_others(const struct policy *policy, struct policy *const *letting, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (letting[i] != policy && letting[i]->spec.priority >= policy->spec.priority &&
		    overlap(&letting[i]->spec.local_ts, &policy->spec.local_ts) &&
		    overlap(lets(letting[i]), &policy->spec.remote_ts))
			return true;
	return false;
}

static void say_both(struct net *net, const struct rv_ts *local, const struct rv_ts *remote, bool passes)
{
	say_rule(net, "odd_in", remote, local, passes ? pass : drop_in);
	say_rule(net, "odd_out", local, remote, passes ? pass : drop_out);
}

static void say_sorted(struct net *net, struct policy *const *sorted, size_t n, struct policy *const *letting,
		       size_t n_letting)
{
	for (size_t i = 0; i < n; i++) {
		const struct rv_net_policy *spec = &sorted[i]->spec;
		const struct rv_ts *far = lets(sorted[i]);

		if (far)
			say_both(net, &spec->local_ts, far, true);
		/* to the analyser, what qsort has moved may be NULL
		 * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		if (spec->guard && (sorted[i]->place == IN_RULES || let_by_others(sorted[i], letting, n_letting)))
			say_both(net, &spec->local_ts, &spec->remote_ts, false);
	}
}

/* The chains of rules, anew. False: out of memory. */
static bool say_odd(struct net *net)
{
	char *text = talloc_asprintf(net, "flush chain inet %s odd_in\nflush chain inet %s odd_out\n", net->nft_table,
				     net->nft_table);
	struct policy **all = talloc_array(text, struct policy *, (unsigned)net->n_policies + 1);
	struct policy **letting = talloc_array(text, struct policy *, net->n_lets + 1);
	size_t n = 0, n_letting = 0;

	if (!all || !letting) {
		talloc_free(text);
		return false;
	}
	guard_say(net, text);
	rv_list_each (&net->policies, p, struct policy, entry) {
		if (!p->guarded)
			continue;
		all[n++] = p;
		if (lets(p))
			letting[n_letting++] = p;
	}
	qsort(all, n, sizeof(*all), by_priority);
	say_sorted(net, all, n, letting, n_letting);
	talloc_free(text);
	return true;
}

/* The interface of a policy may carry clear text from now on. */
static void say_clear(struct net *net, struct device *device)
{
	if (!device || device->clear)
		return;
	char *text = talloc_asprintf(net, "add element inet %s clear { \"%s\" }\n", net->nft_table, device->ifname);

	device->clear = text;
	guard_say(net, text ? text : "");
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
	say_table(net, wire_mark(net));
	rv_list_each (&net->devices, d, struct device, entry)
		d->clear = false;
	sets_all(net);
	rv_list_each (&net->policies, p, struct policy, entry) {
		if (!p->guarded)
			continue;
		say_clear(net, p->device);
		say_elements(net, p, "add");
	}
	net->nft_odd = true;
}

/* A neighbour that is asked for whose traffic is led into the tunnel comes from the wrong interface for strict
 * reverse-path checks, unless the question has the wire's mark. Kernels without nftables for ARP are rare; there the
 * operator must know. */
static void mark_neighbours(struct net *net, uint32_t mark)
{
	char *text =
		talloc_asprintf(net,
				"add table arp %s\ndelete table arp %s\ntable arp %s {\nchain in { type filter hook "
				"input priority 0; policy accept;\nmeta mark set %u\n}\n}\n",
				net->nft_table, net->nft_table, net->nft_table, mark);

	if (!text || nft_run_cmd_from_buffer(net->nft, text))
		rv_log(&net->host->subject, RV_WARN, "neighbours-unmarked",
		       KV_STR("found", nft_ctx_get_error_buffer(net->nft)),
		       KV_STR("advice", "set rp_filter = 2 where peers are neighbours"));
	talloc_free(text);
}

static void failed(struct net *net, int r)
{
	rv_log(&net->host->subject, RV_ERROR, "guard-failed",
	       KV_STR("tried", "to install the rules that keep clear text out of protected traffic"),
	       KV_STR("found", r == -EIO && net->nft ? nft_ctx_get_error_buffer(net->nft) : rv_error_text(r)),
	       KV_STR("advice", "load nf_tables, or set ravelin.plugins.net-rtnetlink.guard = no and filter yourself"));
}

static void remove_table(struct net *net)
{
	static const char *const families[] = { "inet", "arp" };
	bool open = !nft_open(net);

	for (size_t i = 0; open && i < RV_COUNT(families); i++) {
		char *text = talloc_asprintf(net, "add table %s %s\ndelete table %s %s\n", families[i], net->nft_table,
					     families[i], net->nft_table);

		if (text)
			(void)nft_run_cmd_from_buffer(net->nft, text);
		talloc_free(text);
	}
	nft_close(net);
}

/* The end of some lines from text on, outside of all braces. */
static char *part_end(char *text)
{
	int depth = 0;

	for (unsigned lines = 0; *text && (lines < PART_LINES || depth); text++) {
		depth += (*text == '{') - (*text == '}');
		lines += *text == '\n';
	}
	return text;
}

/* At once where the kernel takes it, so that nothing passes between one change and the next; else part by part. */
static int run(struct net *net, char *text)
{
	if (!nft_run_cmd_from_buffer(net->nft, text))
		return 0;
	if (!*part_end(text))
		return -EIO;
	rv_log(&net->host->subject, RV_DEBUG, "guard-in-parts", KV_STR("found", nft_ctx_get_error_buffer(net->nft)));
	for (char *end; *text; text = end) {
		end = part_end(text);
		char kept = *end;
		*end = 0;
		int r = nft_run_cmd_from_buffer(net->nft, text);
		*end = kept;
		if (r)
			return -EIO;
	}
	return 0;
}

static bool any_guarded(const struct net *net)
{
	rv_list_each (&net->policies, p, struct policy, entry)
		if (p->guarded)
			return true;
	return false;
}

/* One transaction with all that was said. */
static int transact(struct net *net)
{
	bool anew = !net->nft_there;
	int r = -ENOMEM;

	if (!net->nft_there) {
		talloc_free(net->nft_text);
		net->nft_text = talloc_strdup(net, "");
		say_all(net);
	}
	if (net->nft_shapes)
		sets_chains(net);
	if (net->nft_odd && !say_odd(net))
		TALLOC_FREE(net->nft_text);
	if (net->nft_text)
		r = nft_open(net);
	if (!r)
		r = run(net, net->nft_text);
	if (r)
		failed(net, r);
	if (!r && anew && wire_mark(net))
		mark_neighbours(net, wire_mark(net));
	nft_close(net);
	net->nft_next_us = rv_loop_now_us(net->host->loop) + PAUSE_US;
	net->nft_there = !r;
	net->nft_ours = net->nft_ours || !r;
	net->nft_odd = false;
	return r;
}

static void carry_out(void *arg)
{
	struct net *net = arg;
	int r = 0;

	net->nft_due = false;
	if (net->nft_there || any_guarded(net))
		r = transact(net);
	else
		remove_table(net); /* what a daemon before this one left */
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
	uint64_t now_us = rv_loop_now_us(net->host->loop);
	int r = now_us < net->nft_next_us ? rv_timer_arm(&net->nft_later, net->nft_next_us - now_us)
					  : rv_defer(net->host->loop, carry_out, net);

	net->nft_due = r == 0;
	return r;
}

static enum place place_of(const struct net *net, const struct policy *policy)
{
	const struct rv_net_policy *spec = &policy->spec;

	if (spec->local_ts.proto || !spec->guard)
		return IN_RULES;
	if (sets_fit(spec))
		return policy_doubled(net, policy) ? IN_RULES : IN_PREFIXES;
	rv_list_each (&net->policies, p, struct policy, entry)
		if (p != policy && p->guarded && p->place == IN_RANGES && policies_meet(&p->spec, spec))
			return IN_RULES;
	return IN_RANGES;
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
	policy->place = place_of(net, policy);
	if (policy->place == IN_PREFIXES && sets_hold(net, policy))
		policy->place = IN_RULES;
	net->n_lets += lets(policy) != NULL;
	net->nft_odd = net->nft_odd || policy->place == IN_RULES || net->n_lets;
	if (net->nft_there) {
		say_clear(net, policy->device);
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
	if (net->nft_there)
		say_elements(net, policy, "delete");
	if (policy->place == IN_PREFIXES)
		sets_drop(net, policy);
	net->nft_odd = net->nft_odd || policy->place == IN_RULES || net->n_lets;
	net->n_lets -= lets(policy) != NULL;
}

void guard_unclear(struct net *net, const struct device *device)
{
	if (!device->clear || !net->nft_there || due(net))
		return;
	char *text = talloc_asprintf(net, "delete element inet %s clear { \"%s\" }\n", net->nft_table, device->ifname);

	guard_say(net, text ? text : "");
	talloc_free(text);
}

void guard_flush(struct net *net)
{
	bool ours = net->nft_ours;

	rv_defer_cancel(net->host->loop, net);
	rv_timer_cancel(&net->nft_later);
	net->nft_due = net->nft_odd = net->nft_there = net->nft_ours = false;
	sets_forget(net);
	TALLOC_FREE(net->nft_text);
	if (ours || due(net)) /* else carry_out() removes what it finds, if no policy comes in this turn */
		remove_table(net);
	if (net->vmark_set)
		(void)valid_mark(false);
	net->vmark_set = false;
	answer(net, -ECANCELED);
}

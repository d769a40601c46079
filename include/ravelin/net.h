// SPDX-License-Identifier: LGPL-2.1-or-later
/* net.h: kind "net": addresses, routes, rules and what guards the clear side (RFC 4301, 5.2).
 *
 * Idempotent: adding what is there and removing what is not succeeds.
 */
#pragma once

#include <ravelin/addr.h>
#include <ravelin/job.h>
#include <ravelin/registry.h>

/* A protected pair of selectors. ifname: the clear-side interface that leads into the tunnel ("" none). guard: clear
 * text that matches and did not pass ifname is dropped, in and out, except what carries mark (wire sockets) and keying
 * messages and ESP themselves; ifname "" then: all of it (a policy that discards). Neither route nor guard: matching
 * clear text passes (a policy that bypasses). priority: where selectors meet, the lower number decides. */
struct rv_net_policy {
	struct rv_ts local_ts, remote_ts;
	char ifname[16];
	bool route, guard, transport;
	uint32_t mark, priority;
};

/* What changed on the host; called on the loop. address: one came or went, or its interface gained or lost its link.
 */
struct rv_net_events {
	void (*address)(void *arg, const struct rv_addr *addr, unsigned ifindex, bool up);
	void *arg;
};

/* source: the local address that packets to remote leave from. policy_add/del: as above. address_add/del: an address
 * with prefix on an interface. flush: everything this daemon made goes (start and stop). local: true when addr is ours
 * and its interface has a link. each: calls fn with every address that others may reach this host at (not those of
 * loopback and clear-side interfaces, nor link-local ones) until fn returns non-zero, and returns that. dropped:
 * packets of clear text that guards dropped, that came in and that were to go out, since the first guard was set; not
 * there: nobody counts. */
typedef int rv_net_each_fn(void *fn_arg, const struct rv_addr *addr);
struct rv_net_ops {
	size_t size;
	int (*events)(void *self, const struct rv_net_events *events);
	int (*source)(void *self, const struct rv_addr *remote, struct rv_addr *local);
	bool (*local)(void *self, const struct rv_addr *addr);
	int (*policy_add)(void *self, const struct rv_net_policy *policy, struct rv_call *call);
	int (*policy_del)(void *self, const struct rv_net_policy *policy);
	int (*address_add)(void *self, const struct rv_addr *addr, unsigned prefix, const char *ifname,
			   struct rv_call *call);
	int (*address_del)(void *self, const struct rv_addr *addr, unsigned prefix, const char *ifname);
	int (*flush)(void *self);
	int (*each)(void *self, rv_net_each_fn *fn, void *fn_arg);
	int (*dropped)(void *self, uint64_t *in, uint64_t *out);
};
RV_KIND(net, "net", 1, struct rv_net_ops, flush)

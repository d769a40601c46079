// SPDX-License-Identifier: LGPL-2.1-or-later
/* dns.h: kind "dns": name servers that a session brought are handed to the host's resolver, and taken back.
 *
 * Providers are asked in the order of the registry until one takes them. Loop thread; nothing blocks.
 */
#pragma once

#include <ravelin/addr.h>
#include <ravelin/job.h>
#include <ravelin/registry.h>

/* key: whose they are; several may be on one interface. domains: the names that are asked there (split DNS); none: all
 * names. ifname: the interface that leads to the servers. */
struct rv_dns {
	uint64_t key;
	char ifname[16];
	const struct rv_addr *servers;
	size_t n_servers;
	const char *const *domains;
	size_t n_domains;
};

/* set: adds or replaces what key has; copied. 0, RV_PENDING, -ENOTSUP where this host has no such resolver (another
 * provider is asked then), or negative. clear: what key has is taken back; nothing happens when it has nothing. flush:
 * all that this daemon, or one before it, has handed over is taken back (start and stop). */
struct rv_dns_ops {
	size_t size;
	int (*set)(void *self, const struct rv_dns *dns, struct rv_call *call);
	void (*clear)(void *self, uint64_t key);
	void (*flush)(void *self);
};
RV_KIND(dns, "dns", 1, struct rv_dns_ops, flush)

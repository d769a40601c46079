// SPDX-License-Identifier: LGPL-2.1-or-later
/* dns-resolved: hands name servers of sessions to systemd-resolved, interface by interface, and takes them back.
 *
 * Several sessions may share an interface; resolved is told of all of them together. Orders are carried out by jobs,
 * one at a time. When the interface goes, resolved forgets what it was told of it, so a killed daemon leaves nothing.
 */
#include "dns-resolved.h"

#include <errno.h>
#include <net/if.h>
#include <ravelin/config.h>
#include <ravelin/dns.h>
#include <ravelin/error.h>
#include <ravelin/plugin.h>
#include <stdio.h>
#include <string.h>

/* What one session has on an interface. */
struct entry {
	struct rv_list entry; /* in a link */
	uint64_t key;
	struct rv_addr servers[SERVERS];
	size_t n_servers;
	char (*domains)[DOMAIN_LEN];
	size_t n_domains;
	struct rv_call *call; /* of whoever waits; NULL: nobody */
	bool sent;	      /* is in the order that is under way */
};

struct link {
	struct rv_list entry;
	char ifname[16];
	struct rv_list entries;
	bool dirty, told;
};

struct resolved {
	struct rv_host *host;
	struct rv_list links;
	struct rv_job *job;
	struct link *at; /* whose order is under way */
	bool busy;	 /* who waits is being answered: no link goes meanwhile */
};

static void run(struct resolved *resolved);

/* The union of what sessions have: one that has no domains wants all names. */
static void fill(struct order *order, struct link *link)
{
	bool all = false;

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a list is a ring and has no NULL in it */
	rv_list_each (&link->entries, e, struct entry, entry) {
		e->sent = true;
		all |= !e->n_domains;
		for (size_t i = 0; i < e->n_servers && order->n_servers < SERVERS; i++)
			order->servers[order->n_servers++] = e->servers[i];
		for (size_t i = 0; i < e->n_domains && order->n_domains < DOMAINS; i++)
			memcpy(order->domains[order->n_domains++], e->domains[i], DOMAIN_LEN);
	}
	if (all)
		order->n_domains = 0;
}

static struct order *order_of(struct resolved *resolved, struct link *link)
{
	const char *address = rv_conf_str(rv_host_conf(resolved->host), "bus");
	struct order *order = talloc_zero(NULL, struct order);

	if (!order)
		return NULL;
	snprintf(order->address, sizeof(order->address), "%s", address ? address : "");
	memcpy(order->ifname, link->ifname, sizeof(order->ifname));
	order->ifindex = (int)if_nametoindex(link->ifname);
	fill(order, link);
	return order;
}

static int work(void *data)
{
	return bus_tell(data);
}

/* Those that waited hear of it; each may free others. */
static void answer(struct link *link, int result)
{
	for (bool more = true; more;) {
		struct rv_call *call = NULL;

		more = false;
		rv_list_each (&link->entries, e, struct entry, entry) {
			if (!e->sent || !e->call)
				continue;
			call = e->call;
			e->call = NULL;
			more = true;
			break;
		}
		if (call)
			rv_call_finish(call, result);
	}
}

static void done(void *owner, int result, void *data)
{
	struct resolved *resolved = owner;
	const struct order *order = data;
	struct link *link = resolved->at;

	resolved->job = NULL;
	resolved->at = NULL;
	if (result && result != -ENOTSUP)
		rv_log(&resolved->host->subject, RV_WARN, "resolved-refused", KV_STR("interface", order->ifname),
		       KV_STR("error", order->error),
		       KV_STR("advice",
			      "let the daemon's user do this by a rule of polkit for org.freedesktop.resolve1"));
	link->told = !result && order->n_servers;
	resolved->busy = true;
	answer(link, result);
	resolved->busy = false;
	run(resolved);
}

/* Starts the next order; links of which resolved knows nothing and that nobody needs are freed. */
static void run(struct resolved *resolved)
{
	rv_list_each (&resolved->links, link, struct link, entry) {
		struct order *order;

		if (resolved->job || resolved->busy || !link->dirty)
			continue;
		link->dirty = false;
		if (rv_list_empty(&link->entries) && (!link->told || !if_nametoindex(link->ifname))) {
			rv_list_del(&link->entry);
			talloc_free(link);
			continue;
		}
		order = order_of(resolved, link);
		resolved->at = link;
		resolved->job = order ? rv_job_start(resolved->host, order, work, resolved, done, NULL) : NULL;
		if (resolved->job)
			continue;
		talloc_free(order);
		resolved->at = NULL;
		rv_log(&resolved->host->subject, RV_ERROR, "resolved-not-told", KV_STR("interface", link->ifname));
	}
}

static struct link *link_of(struct resolved *resolved, const char *ifname)
{
	struct link *link;

	rv_list_each (&resolved->links, it, struct link, entry)
		if (!strcmp(it->ifname, ifname))
			return it;
	link = talloc_zero(resolved, struct link);
	if (!link)
		return NULL;
	snprintf(link->ifname, sizeof(link->ifname), "%s", ifname);
	rv_list_init(&link->entries);
	rv_list_add(&resolved->links, &link->entry);
	return link;
}

static void drop(struct entry *entry)
{
	if (entry->call)
		rv_call_cancel(entry->call);
	rv_list_del(&entry->entry);
	talloc_free(entry);
}

static void clear(void *self, uint64_t key)
{
	struct resolved *resolved = self;

	rv_list_each (&resolved->links, link, struct link, entry)
		rv_list_each (&link->entries, e, struct entry, entry) {
			if (e->key != key)
				continue;
			e->call = NULL;
			drop(e);
			link->dirty = true;
		}
	run(resolved);
}

static void cancelled(struct rv_call *call)
{
	struct entry *entry = call->provider;

	entry->call = NULL;
}

static struct entry *entry_new(const void *parent, const struct rv_dns *dns)
{
	struct entry *e = talloc_zero(parent, struct entry);

	if (e && dns->n_domains)
		e->domains = talloc_zero_size(e, dns->n_domains * DOMAIN_LEN);
	if (!e || (dns->n_domains && !e->domains)) {
		talloc_free(e);
		return NULL;
	}
	e->key = dns->key;
	for (size_t i = 0; i < dns->n_servers && i < SERVERS; i++)
		e->servers[e->n_servers++] = dns->servers[i];
	for (size_t i = 0; i < dns->n_domains; i++)
		snprintf(e->domains[e->n_domains++], DOMAIN_LEN, "%s", dns->domains[i]);
	return e;
}

static int set(void *self, const struct rv_dns *dns, struct rv_call *call)
{
	struct resolved *resolved = self;
	struct link *link;
	struct entry *entry;

	if (!if_nametoindex(dns->ifname))
		return -ENODEV;
	clear(self, dns->key);
	link = link_of(resolved, dns->ifname);
	entry = link ? entry_new(link, dns) : NULL;
	if (!entry)
		return -ENOMEM;
	rv_list_add(&link->entries, &entry->entry);
	entry->call = call;
	int r = rv_call_pend(call, cancelled, entry);

	link->dirty = true;
	run(resolved);
	return r;
}

static void flush(void *self)
{
	struct resolved *resolved = self;

	rv_list_each (&resolved->links, link, struct link, entry) {
		while (!rv_list_empty(&link->entries)) {
			struct entry *e = rv_container_of(link->entries.next, struct entry, entry);

			e->call = NULL;
			drop(e);
			link->dirty = true;
		}
	}
	run(resolved);
}

static const struct rv_dns_ops ops = { .size = sizeof(ops), .set = set, .clear = clear, .flush = flush };

static int gone(struct resolved *resolved)
{
	rv_job_cancel(resolved->job);
	return 0;
}

static const char *const syscalls[] = { "socket", "connect", "sendmsg", "recvmsg", "poll", "ioctl", "close", NULL };

static int init(struct rv_host *host)
{
	struct resolved *resolved = talloc_zero(host, struct resolved);

	if (!resolved)
		return -ENOMEM;
	resolved->host = host;
	rv_list_init(&resolved->links);
	talloc_set_destructor(resolved, gone);
	rv_host_needs_syscalls(host, syscalls);
	/* before a plain file */
	return rv_dns_offer(host, (struct rv_offer){ .name = "resolved", .priority = 10 }, &ops, resolved);
}

RV_PLUGIN(dns_resolved, "dns-resolved",
	  "version=1\0"
	  "summary=Hands name servers of sessions to systemd-resolved\0"
	  "licence=LGPL-2.1-or-later\0"
	  "default=on\0"
	  "provides=dns:resolved\0"
	  "schema=bus|string|-||Address of the bus that systemd-resolved is on; the system bus by default.\n\0",
	  .init = init);

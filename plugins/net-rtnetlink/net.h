// SPDX-License-Identifier: LGPL-2.1-or-later
/* net.h: the parts of net-rtnetlink and what they share.
 *
 * Netlink requests are carried out by the kernel inside the send call and their answers wait when it returns, so that
 * asking is not waiting; requests therefore run on the loop.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <ravelin/config.h>
#include <ravelin/datapath.h>
#include <ravelin/error.h>
#include <ravelin/loop.h>
#include <ravelin/net.h>
#include <ravelin/plugin.h>

enum {
	PROTO = 213,	     /* rtm_protocol and FRA_PROTOCOL of all that is ours, so that a restart finds it */
	RANGE_PREFIXES = 64, /* a range of addresses that needs more prefixes is refused */
	CHUNK = 32,
};

struct prefix {
	uint8_t family, len;
	uint8_t ip[16];
};

/* One route or rule, as a value: compared whole, so it has no gaps and unused octets are zero. */
struct item {
	enum { ROUTE, THROW, RULE_FROM, RULE_MARK } kind;
	uint32_t table, priority, mark;
	struct prefix from, to;
	uint8_t proto, pad[3];
	uint16_t sport_lo, sport_hi, dport_lo, dport_hi;
	uint32_t ifindex;
	uint8_t source[4]; /* of a route, IPv4; its metric too, so that routes with different ones stand side by side */
};
_Static_assert(sizeof(struct item) == 72, "an item has gaps");

struct counted {
	struct counted *next;
	struct item item;
	unsigned count;
};

struct local {
	struct rv_list entry;
	struct rv_addr addr;
	unsigned ifindex;
	bool lent, down; /* lent by a session: no path leads from it; down: its interface is */
};

/* A clear-side interface, while a policy leads into it. */
struct device {
	struct rv_list entry;
	char ifname[16];
	unsigned users, ifindex; /* ifindex 0: not looked up, or not there */
	uint32_t table;		 /* its first */
	bool clear;		 /* an element of the set of interfaces that the guard lets through */
};

/* Where the guard has a policy: rules of its own, elements of the sets of ranges, or of those of prefixes. */
enum place { IN_RULES, IN_RANGES, IN_PREFIXES };
/* A policy that stands, with the number of times it was asked for. */
struct policy {
	struct rv_list entry;
	struct policy *next; /* of the same hash */
	struct rv_net_policy spec;
	unsigned count, n_items;
	struct device *device;	/* NULL: none */
	struct counted **items; /* its routes and rules; few has room for the usual ones */
	struct counted *few[5];
	uint8_t source[4]; /* what its IPv4 route was given */
	bool guarded;	   /* it stands in nft_text or in the kernel */
	uint8_t place;	   /* enum place */
};

struct net {
	struct rv_host *host;
	struct mnl_socket *requests, *news;
	struct rv_io news_io;
	uint32_t seq, table;
	struct rv_net_events events;
	struct rv_list locals, policies, devices, shapes;
	struct policy **heads; /* policies by hash */
	size_t n_policies, n_bypasses, n_heads;
	struct policy *spare_policies; /* by next; they and items come in chunks: a talloc object */
	struct counted *spare_items;   /* each would be half as large again */
	struct counted **items;
	size_t n_items, n_buckets;
	char *nft_table;
	struct nft_ctx *nft;	  /* NULL between transactions */
	bool nft_there;		  /* the table stands */
	bool nft_odd, nft_shapes; /* to be said anew: the chains of rules; those that look into the sets */
	bool nft_due;		  /* carry_out() is deferred, or for the timer */
	struct rv_timer nft_later;
	uint64_t nft_next_us;	/* not before that */
	bool nft_ours;		/* the table was written by this daemon, not by one before it */
	unsigned n_lets;	/* guarded policies that let something through (guard.c) */
	bool vmark_set;		/* src_valid_mark was 0 before us */
	char *nft_text;		/* commands that wait for it */
	struct rv_list waiting; /* calls that wait for them */
};

/* ranges.c. Splits lo..hi of ts into prefixes: their number (at most RANGE_PREFIXES), or -E2BIG. Pure. */
int ts_prefixes(const struct rv_ts *ts, struct prefix out[static RANGE_PREFIXES]);

/* policies.c. new: zeroed, in no list. find: the one with these selectors and interface, or NULL. bypass: clear text
 * passes. doubled: another one with these selectors, and another interface, is in the sets of prefixes. */
struct policy *policy_find(const struct net *net, const struct rv_net_policy *spec);
struct policy *policy_new(struct net *net);
void policy_free(struct net *net, struct policy *policy);
int policy_insert(struct net *net, struct policy *policy);
void policy_remove(struct net *net, struct policy *policy);
bool policy_bypass(const struct rv_net_policy *spec);
bool policies_meet(const struct rv_net_policy *a, const struct rv_net_policy *b);
bool policy_doubled(const struct net *net, const struct policy *policy);

/* Holds and drops the interface that a policy leads into; NULL: out of memory. */
struct device *device_hold(struct net *net, const char ifname[static 16]);
void device_drop(struct net *net, struct device *device);

/* path.c. Routes and rules of one policy, counted. again: lays those anew that lead round a bypass, or whose source
 * address came or went. */
int path_add(struct net *net, struct policy *policy);
void path_del(struct net *net, struct policy *policy);
void path_round(struct net *net, const struct rv_net_policy *bypass);
void path_sources(struct net *net);
void path_flush(struct net *net);

/* address.c. inside: a local address inside ts, or NULL. wire_mark: of the wire sockets, 0 when no wire is loaded. */
int address_init(struct net *net);
int address_each(const struct net *net, rv_net_each_fn *fn, void *fn_arg);
int address_change(struct net *net, bool add, const struct rv_addr *addr, unsigned prefix, const char *ifname);
void address_flush(struct net *net);
int address_source(struct net *net, const struct rv_addr *remote, struct rv_addr *local);
bool address_local(const struct net *net, const struct rv_addr *addr);
const struct rv_addr *address_inside(const struct net *net, const struct rv_ts *ts);
uint32_t wire_mark(struct net *net);

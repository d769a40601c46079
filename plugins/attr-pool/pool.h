// SPDX-License-Identifier: LGPL-2.1-or-later
/* pool.h: pools of addresses, and who had which one, in memory.
 *
 * A lease is never forgotten while its address is not needed for another identity, so that a peer finds its address
 * again. Nothing here waits or writes.
 */
#pragma once

#include <ravelin/addr.h>
#include <ravelin/identity.h>

/* An address that an identity has (uses: by so many sessions) or had. */
struct lease {
	struct rv_list entry; /* in online or offline of its pool */
	struct lease *next_addr, *next_id;
	struct pool *pool;
	struct rv_addr addr;
	struct rv_id *id;
	uint64_t at_s; /* since 1970: when it was lent or given back */
	unsigned uses;
	bool dirty, writing; /* not in the store yet; on its way there */
};

struct pool {
	struct rv_list entry; /* in struct pools */
	char *name;
	struct rv_ts range;
	uint64_t size, next; /* usable addresses; those from next on were never lent */
	bool unknown;	     /* the configuration has not said the range yet: its leases are only remembered */
	bool prefix; /* the first address of a prefix is the network's, the last of an IPv4 one the broadcast's */
	struct rv_list online, offline; /* offline: the longest unused first */
	unsigned n_online, n_offline;
	struct lease **by_addr, **by_id;
	uint32_t n_buckets;
};

/* A pool with this range, child of parent; range NULL: unknown, of this family. NULL: out of memory. */
struct pool *pool_new(const void *parent, const char *name, const struct rv_ts *range, uint8_t family, bool prefix);

/* The range that the configuration has now; leases outside of it stay until their sessions end. */
void pool_resize(struct pool *pool, const struct rv_ts *range, bool prefix);

/* An address for id: wanted where it is free or id's own (family 0: any), else the one it had, else one that was never
 * lent, else the one that has been unused longest. NULL: none is free, or (no_memory) memory is out. */
struct lease *pool_lend(struct pool *pool, const struct rv_id *id, const struct rv_addr *wanted, bool *no_memory);

/* This address for this identity, as if it had been lent (online) or had been used (not). NULL when another one has it,
 * it is not of the pool, or memory is out. */
struct lease *pool_keep(struct pool *pool, const struct rv_id *id, const struct rv_addr *addr, bool online);

/* One session less uses the lease. */
void pool_give_back(struct lease *lease);

/* The lease of this address, or NULL. */
struct lease *pool_find(const struct pool *pool, const struct rv_addr *addr);

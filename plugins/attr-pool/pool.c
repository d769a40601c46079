// SPDX-License-Identifier: LGPL-2.1-or-later
/* pool: addresses of a range, each lent to one identity at a time. */
#include "pool.h"

#include <string.h>
#include <talloc.h>

enum { BUCKETS = 64 };

static const uint64_t size_max = 1ull << 40; /* addresses of a pool that are ever lent */

/* Addresses as numbers from the pool's first on */

static uint64_t low_half(const uint8_t ip[static 16], size_t len)
{
	uint64_t v = 0;

	for (size_t i = len > 8 ? len - 8 : 0; i < len; i++)
		v = v << 8 | ip[i];
	return v;
}

/* Number of addresses in lo..hi less one, at most size_max. */
static uint64_t distance(const uint8_t lo[static 16], const uint8_t hi[static 16], size_t len)
{
	if (len == 16 && memcmp(lo, hi, 8) != 0) {
		uint64_t up = low_half(hi, 8) - low_half(lo, 8);
		bool near = up == 1 && low_half(hi, 16) < low_half(lo, 16);

		return near ? low_half(hi, 16) - low_half(lo, 16) : size_max;
	}
	return low_half(hi, len) - low_half(lo, len);
}

static uint64_t first_of(const struct pool *pool)
{
	return pool->prefix ? 1 : 0;
}

static struct rv_addr address_of(const struct pool *pool, uint64_t offset)
{
	struct rv_addr addr = { .family = pool->range.family };
	size_t len = rv_family_len(addr.family);
	uint64_t carry = offset + first_of(pool);

	memcpy(addr.ip, pool->range.lo, len);
	for (size_t i = len; i-- && carry;) {
		carry += addr.ip[i];
		addr.ip[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return addr;
}

static bool in_range(const struct pool *pool, const struct rv_addr *addr)
{
	size_t len = rv_family_len(pool->range.family);
	uint64_t offset;

	if (pool->unknown)
		return addr->family == pool->range.family;
	if (addr->family != pool->range.family || memcmp(addr->ip, pool->range.lo, len) < 0 ||
	    memcmp(addr->ip, pool->range.hi, len) > 0)
		return false;
	offset = distance(pool->range.lo, addr->ip, len);
	return offset >= first_of(pool) && (pool->size == size_max || offset - first_of(pool) < pool->size);
}

void pool_resize(struct pool *pool, const struct rv_ts *range, bool prefix)
{
	size_t len = rv_family_len(range->family);
	uint64_t last = distance(range->lo, range->hi, len);

	pool->range = *range;
	pool->prefix = prefix && last > 1;
	pool->size = last + 1;
	if (pool->prefix)
		pool->size -= range->family == RV_IPV4 ? 2 : 1;
	if (pool->size > size_max)
		pool->size = size_max;
	pool->next = 0;
	pool->unknown = false;
}

/* Tables */

static uint32_t mix(uint32_t h, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) /* FNV-1a; names compare without case */
		h = (h ^ (p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20u : p[i])) * 16777619u;
	return h;
}

static struct lease **addr_bucket(const struct pool *pool, const struct rv_addr *addr)
{
	return &pool->by_addr[mix(2166136261u, addr->ip, 16) & (pool->n_buckets - 1)];
}

static struct lease **id_bucket(const struct pool *pool, const struct rv_id *id)
{
	return &pool->by_id[mix(2166136261u ^ id->type, id->b, id->len) & (pool->n_buckets - 1)];
}

static void link_lease(struct pool *pool, struct lease *lease)
{
	struct lease **a = addr_bucket(pool, &lease->addr), **i = id_bucket(pool, lease->id);

	lease->next_addr = *a;
	*a = lease;
	lease->next_id = *i;
	*i = lease;
}

static void unlink_id(struct pool *pool, struct lease *lease)
{
	struct lease **at = id_bucket(pool, lease->id);

	while (*at != lease)
		at = &(*at)->next_id;
	*at = lease->next_id;
}

static void unlink_addr(struct pool *pool, struct lease *lease)
{
	struct lease **at = addr_bucket(pool, &lease->addr);

	while (*at != lease)
		at = &(*at)->next_addr;
	*at = lease->next_addr;
}

static bool grow(struct pool *pool)
{
	uint32_t n = pool->n_buckets ? pool->n_buckets * 2 : BUCKETS;
	struct lease **a = talloc_zero_array(pool, struct lease *, n), **i = talloc_zero_array(pool, struct lease *, n);

	if (!a || !i) {
		talloc_free(a);
		talloc_free(i);
		return false;
	}
	talloc_free(pool->by_addr);
	talloc_free(pool->by_id);
	pool->by_addr = a;
	pool->by_id = i;
	pool->n_buckets = n;
	rv_list_each (&pool->online, l, struct lease, entry)
		link_lease(pool, l);
	rv_list_each (&pool->offline, l, struct lease, entry)
		link_lease(pool, l);
	return true;
}

struct pool *pool_new(const void *parent, const char *name, const struct rv_ts *range, uint8_t family, bool prefix)
{
	struct pool *pool = talloc_zero(parent, struct pool);

	if (!pool)
		return NULL;
	rv_list_init(&pool->entry);
	rv_list_init(&pool->online);
	rv_list_init(&pool->offline);
	pool->name = talloc_strdup(pool, name);
	if (!pool->name || !grow(pool)) {
		talloc_free(pool);
		return NULL;
	}
	pool->range.family = family;
	pool->unknown = !range;
	if (range)
		pool_resize(pool, range, prefix);
	return pool;
}

struct lease *pool_find(const struct pool *pool, const struct rv_addr *addr)
{
	struct lease *lease = *addr_bucket(pool, addr);

	while (lease && !rv_addr_same_ip(&lease->addr, addr))
		lease = lease->next_addr;
	return lease;
}

/* Leases */

static struct rv_id *copy_id(const void *parent, const struct rv_id *id)
{
	return talloc_memdup(parent, id, sizeof(*id) + id->len);
}

static struct lease *lease_new(struct pool *pool, const struct rv_id *id, const struct rv_addr *addr)
{
	struct lease *lease;

	if (pool->n_online + pool->n_offline >= pool->n_buckets && !grow(pool))
		return NULL;
	lease = talloc_zero(pool, struct lease);
	if (lease)
		lease->id = copy_id(lease, id);
	if (!lease || !lease->id) {
		talloc_free(lease);
		return NULL;
	}
	lease->pool = pool;
	lease->addr = *addr;
	lease->addr.port = 0;
	lease->dirty = true;
	rv_list_add(&pool->offline, &lease->entry);
	pool->n_offline++;
	link_lease(pool, lease);
	return lease;
}

static struct lease *use(struct lease *lease)
{
	struct pool *pool = lease->pool;

	if (lease->uses++)
		return lease;
	rv_list_del(&lease->entry);
	rv_list_add(&pool->online, &lease->entry);
	pool->n_online++;
	pool->n_offline--;
	lease->dirty = true;
	return lease;
}

/* An address that another identity had. NULL: out of memory. */
static struct lease *hand_on(struct lease *lease, const struct rv_id *id)
{
	struct rv_id *copy = copy_id(lease, id);

	if (!copy)
		return NULL;
	unlink_id(lease->pool, lease);
	talloc_free(lease->id);
	lease->id = copy;
	struct lease **at = id_bucket(lease->pool, id);

	lease->next_id = *at;
	*at = lease;
	lease->dirty = true;
	return lease;
}

/* The address that id had, when nobody uses it. */
static struct lease *former(const struct pool *pool, const struct rv_id *id)
{
	struct lease *lease = *id_bucket(pool, id);

	while (lease && (lease->uses || !rv_id_same(lease->id, id) || !in_range(pool, &lease->addr)))
		lease = lease->next_id;
	return lease;
}

static struct lease *never_lent(struct pool *pool, const struct rv_id *id, bool *no_memory)
{
	for (; pool->next < pool->size; pool->next++) {
		struct rv_addr addr = address_of(pool, pool->next);

		if (pool_find(pool, &addr))
			continue;
		struct lease *lease = lease_new(pool, id, &addr);

		pool->next += lease != NULL;
		*no_memory = !lease;
		return lease;
	}
	return NULL;
}

static struct lease *longest_unused(struct pool *pool, const struct rv_id *id, bool *no_memory)
{
	rv_list_each (&pool->offline, lease, struct lease, entry) {
		if (!in_range(pool, &lease->addr))
			continue;
		struct lease *handed = hand_on(lease, id);

		*no_memory = !handed;
		return handed;
	}
	return NULL;
}

/* RFC 7296, 3.15.3: "If the address was not acceptable, the gateway attempts to use the interface identifier with some
 * other prefix" */
static struct rv_addr with_our_prefix(const struct pool *pool, const struct rv_addr *wanted)
{
	struct rv_addr addr = *wanted;

	if (wanted->family == RV_IPV6 && !in_range(pool, wanted))
		memcpy(addr.ip, pool->range.lo, 8);
	return addr;
}

static struct lease *as_wanted(struct pool *pool, const struct rv_id *id, const struct rv_addr *wanted, bool *no_memory)
{
	struct rv_addr addr = with_our_prefix(pool, wanted);
	struct lease *lease;

	if (rv_addr_is_any(wanted) || !in_range(pool, &addr))
		return NULL;
	lease = pool_find(pool, &addr);
	if (lease)
		return rv_id_same(lease->id, id) ? lease : NULL;
	lease = lease_new(pool, id, &addr);
	*no_memory = !lease;
	return lease;
}

struct lease *pool_lend(struct pool *pool, const struct rv_id *id, const struct rv_addr *wanted, bool *no_memory)
{
	struct lease *lease;

	*no_memory = false;
	lease = as_wanted(pool, id, wanted, no_memory);
	if (!lease && !*no_memory)
		lease = former(pool, id);
	if (!lease && !*no_memory)
		lease = never_lent(pool, id, no_memory);
	if (!lease && !*no_memory)
		lease = longest_unused(pool, id, no_memory);
	return lease ? use(lease) : NULL;
}

struct lease *pool_keep(struct pool *pool, const struct rv_id *id, const struct rv_addr *addr, bool online)
{
	struct lease *lease = pool_find(pool, addr);

	if (!lease && in_range(pool, addr))
		lease = lease_new(pool, id, addr);
	else if (lease && !rv_id_same(lease->id, id))
		lease = lease->uses || !online ? NULL : hand_on(lease, id);
	if (lease && online)
		use(lease);
	return lease;
}

void pool_give_back(struct lease *lease)
{
	struct pool *pool = lease->pool;

	if (!lease->uses || --lease->uses)
		return;
	pool->n_online--;
	rv_list_del(&lease->entry);
	if (!in_range(pool, &lease->addr)) {
		unlink_id(pool, lease);
		unlink_addr(pool, lease);
		talloc_free(lease);
		return;
	}
	rv_list_add(&pool->offline, &lease->entry);
	pool->n_offline++;
	lease->dirty = true;
}

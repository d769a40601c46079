// SPDX-License-Identifier: LGPL-2.1-or-later
/* policies: tuple space search over rows that are replaced whole, so that workers read them without a lock. */
#include "policies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROWS = 64 };

static uint32_t mix(uint32_t hash, uint32_t value)
{
	hash = (hash ^ value) * 0x9e3779b1u;
	return hash ^ hash >> 15;
}

/* Mixes in the first len bits of an address. */
static uint32_t mix_prefix(uint32_t hash, const uint8_t *ip, unsigned len)
{
	while (len >= 32) {
		hash = mix(hash, ip_u32(ip));
		ip += 4;
		len -= 32;
	}
	return len ? mix(hash, ip_u32(ip) >> (32 - len)) : hash;
}

static uint32_t key_of(const struct spd_tuple *t, uint32_t iface_id, const uint8_t *local, const uint8_t *remote)
{
	uint32_t hash = mix(iface_id, (uint32_t)t->family << 16 | (uint32_t)t->local_len << 8 | t->remote_len);

	return mix_prefix(mix_prefix(hash, local, t->local_len), remote, t->remote_len);
}

static struct spd_tuple tuple_of(const struct rv_ts *local, const struct rv_ts *remote)
{
	return (struct spd_tuple){ .family = local->family,
				   .local_len = (uint8_t)rv_ts_cover(local),
				   .remote_len = (uint8_t)rv_ts_cover(remote) };
}

static uint32_t policy_key(const struct policy *p)
{
	struct spd_tuple t = tuple_of(&p->local, &p->remote);

	return key_of(&t, p->iface_id, p->local.lo, p->remote.lo);
}

static bool same_shape(const struct spd_tuple *a, const struct spd_tuple *b)
{
	return a->family == b->family && a->local_len == b->local_len && a->remote_len == b->remote_len;
}

static bool before(const struct policy *a, const struct policy *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->order < b->order;
}

static void free_tuples(struct retired *retired)
{
	free(rv_container_of(retired, struct spd_tuples, retired));
}

static void free_row(struct retired *retired)
{
	free(rv_container_of(retired, struct spd_row, retired));
}

static void free_table(struct retired *retired)
{
	free(rv_container_of(retired, struct spd_table, retired));
}

static struct spd_table *table_of(const struct spd *spd)
{
	return atomic_load_explicit(&spd->table, memory_order_acquire);
}

static struct spd_tuples *tuples_of(const struct spd *spd)
{
	return atomic_load_explicit(&spd->tuples, memory_order_acquire);
}

static struct spd_tuples *tuples_new(uint32_t n)
{
	struct spd_tuples *tuples = calloc(1, sizeof(*tuples) + n * sizeof(tuples->t[0]));

	if (tuples)
		tuples->n = n;
	return tuples;
}

static struct spd_table *rows_new(uint32_t n)
{
	struct spd_table *table = calloc(1, sizeof(*table) + n * sizeof(table->row[0]));

	if (table)
		table->mask = n - 1;
	return table;
}

static bool same_address(uint8_t family, const uint8_t *a, const uint8_t *b)
{
	return family == RV_IPV4 ? ip_u32(a) == ip_u32(b) : rv_bytes_equal(rv_bytes(a, 16), rv_bytes(b, 16));
}

bool flow_same(const struct flow *flow, const struct ip_info *info)
{
	const struct ip_info *last = &flow->info;

	return last->family == info->family && last->proto == info->proto && last->ports_known == info->ports_known &&
	       last->src_port == info->src_port && last->dst_port == info->dst_port &&
	       last->fragment == info->fragment && same_address(info->family, last->src, info->src) &&
	       same_address(info->family, last->dst, info->dst);
}

void flow_keep(struct flow *flow, const struct ip_info *info, struct sa *sa)
{
	size_t len = rv_family_len(info->family);

	flow->info = *info;
	memcpy(flow->src, info->src, len);
	memcpy(flow->dst, info->dst, len);
	flow->info.src = flow->src;
	flow->info.dst = flow->dst;
	flow->sa = sa;
}

int spd_init(struct spd *spd, struct retirer *retirer)
{
	struct spd_table *table = rows_new(FIRST_ROWS);
	struct spd_tuples *tuples = tuples_new(0);

	*spd = (struct spd){ .retirer = retirer };
	atomic_store(&spd->table, table);
	atomic_store(&spd->tuples, tuples);
	if (table && tuples)
		return 0;
	spd_fini(spd);
	return -ENOMEM;
}

void spd_fini(struct spd *spd)
{
	struct spd_table *table = table_of(spd);

	for (uint32_t i = 0; table && i <= table->mask; i++)
		free(atomic_load(&table->row[i]));
	free(table);
	free(tuples_of(spd));
	atomic_store(&spd->table, NULL);
	atomic_store(&spd->tuples, NULL);
}

/* A copy of row (NULL: empty) with policy in its place. */
static struct spd_row *row_with(const struct spd_row *row, struct policy *policy)
{
	uint32_t n = row ? row->n : 0, at = 0;
	struct spd_row *copy = malloc(sizeof(*copy) + (n + 1) * sizeof(copy->p[0]));

	if (!copy)
		return NULL;
	*copy = (struct spd_row){ .n = n + 1 };
	while (at < n && before(row->p[at], policy)) {
		copy->p[at] = row->p[at];
		at++;
	}
	copy->p[at] = policy;
	for (; at < n; at++)
		copy->p[at + 1] = row->p[at];
	return copy;
}

static void free_rows(struct spd_table *table)
{
	for (uint32_t i = 0; i <= table->mask; i++)
		free(atomic_load(&table->row[i]));
	free(table);
}

/* Inserts into a table that nobody reads yet. */
static bool place(struct spd_table *table, struct policy *policy)
{
	_Atomic(struct spd_row *) *at = &table->row[policy_key(policy) & table->mask];
	struct spd_row *old = atomic_load(at), *row = row_with(old, policy);

	if (!row)
		return false;
	atomic_store(at, row);
	free(old);
	return true;
}

static int grow(struct spd *spd)
{
	struct spd_table *old = table_of(spd), *table = rows_new(2 * (old->mask + 1));
	bool ok = table;

	for (uint32_t i = 0; ok && i <= old->mask; i++) {
		const struct spd_row *row = atomic_load(&old->row[i]);
		for (uint32_t j = 0; ok && row && j < row->n; j++)
			ok = place(table, row->p[j]);
	}
	if (!ok) {
		if (table)
			free_rows(table);
		return -ENOMEM;
	}
	atomic_store_explicit(&spd->table, table, memory_order_release);
	for (uint32_t i = 0; i <= old->mask; i++) {
		struct spd_row *row = atomic_load(&old->row[i]);
		if (row)
			retire(spd->retirer, &row->retired, free_row);
	}
	retire(spd->retirer, &old->retired, free_table);
	return 0;
}

static void publish(struct spd *spd, struct spd_tuples *tuples)
{
	struct spd_tuples *old = tuples_of(spd);

	atomic_store_explicit(&spd->tuples, tuples, memory_order_release);
	retire(spd->retirer, &old->retired, free_tuples);
}

/* One more policy of this shape. The order by best priority is kept. */
static int tuple_add(struct spd *spd, struct spd_tuple t, uint32_t priority)
{
	struct spd_tuples *old = tuples_of(spd);
	uint32_t found = 0, n = 0;

	while (found < old->n && !same_shape(&old->t[found], &t))
		found++;
	if (found < old->n && old->t[found].best <= priority) {
		old->t[found].n++;
		return 0;
	}
	struct spd_tuples *tuples = tuples_new(old->n + (found == old->n));
	if (!tuples)
		return -ENOMEM;
	t.best = priority;
	t.n = found < old->n ? old->t[found].n + 1 : 1;
	for (uint32_t i = 0; i < old->n; i++) {
		if (i == found)
			continue;
		if (t.n && old->t[i].best > priority) {
			tuples->t[n++] = t;
			t.n = 0;
		}
		tuples->t[n++] = old->t[i];
	}
	if (t.n)
		tuples->t[n] = t;
	publish(spd, tuples);
	return 0;
}

static void tuple_del(struct spd *spd, const struct spd_tuple *t)
{
	struct spd_tuples *old = tuples_of(spd);
	uint32_t found = 0, n = 0;

	while (found < old->n && !same_shape(&old->t[found], t))
		found++;
	if (found == old->n || --old->t[found].n)
		return;
	struct spd_tuples *tuples = tuples_new(old->n - 1);
	if (!tuples)
		return; /* an empty shape costs one probe */
	for (uint32_t i = 0; i < old->n; i++)
		if (i != found)
			tuples->t[n++] = old->t[i];
	publish(spd, tuples);
}

int spd_add(struct spd *spd, struct policy *policy)
{
	int r = spd->n > table_of(spd)->mask ? grow(spd) : 0;

	if (r)
		return r;
	policy->order = spd->order++;
	struct spd_table *table = table_of(spd);
	_Atomic(struct spd_row *) *at = &table->row[policy_key(policy) & table->mask];
	struct spd_row *old = atomic_load(at), *row = row_with(old, policy);
	if (!row)
		return -ENOMEM;
	r = tuple_add(spd, tuple_of(&policy->local, &policy->remote), policy->priority);
	if (r) {
		free(row);
		return r;
	}
	atomic_store_explicit(at, row, memory_order_release);
	if (old)
		retire(spd->retirer, &old->retired, free_row);
	spd->n++;
	return 0;
}

int spd_del(struct spd *spd, struct policy *policy)
{
	struct spd_tuple t = tuple_of(&policy->local, &policy->remote);
	struct spd_table *table = table_of(spd);
	_Atomic(struct spd_row *) *at = &table->row[policy_key(policy) & table->mask];
	struct spd_row *old = atomic_load(at), *row = NULL;
	uint32_t n = 0;

	if (old->n > 1) {
		row = malloc(sizeof(*row) + (old->n - 1) * sizeof(row->p[0]));
		if (!row)
			return -ENOMEM;
		*row = (struct spd_row){ .n = old->n - 1 };
		for (uint32_t i = 0; i < old->n; i++)
			if (old->p[i] != policy)
				row->p[n++] = old->p[i];
	}
	atomic_store_explicit(at, row, memory_order_release);
	retire(spd->retirer, &old->retired, free_row);
	tuple_del(spd, &t);
	spd->n--;
	return 0;
}

struct policy *spd_same(const struct spd *spd, const struct rv_ts *local, const struct rv_ts *remote, uint32_t iface_id)
{
	const struct spd_table *table = table_of(spd);
	struct spd_tuple t = tuple_of(local, remote);
	const struct spd_row *row = atomic_load(&table->row[key_of(&t, iface_id, local->lo, remote->lo) & table->mask]);

	for (uint32_t i = 0; row && i < row->n; i++) {
		struct policy *p = row->p[i];
		if (p->iface_id == iface_id && rv_ts_same(&p->local, local) && rv_ts_same(&p->remote, remote))
			return p;
	}
	return NULL;
}

static bool matches(const struct policy *p, const struct ip_info *info, uint32_t iface_id)
{
	return p->iface_id == iface_id &&
	       rv_ts_match(&p->local, info->family, info->src, info->proto, info->src_port, info->ports_known) &&
	       rv_ts_match(&p->remote, info->family, info->dst, info->proto, info->dst_port, info->ports_known);
}

struct policy *spd_find(const struct spd *spd, const struct ip_info *info, uint32_t iface_id)
{
	const struct spd_tuples *tuples = tuples_of(spd);
	const struct spd_table *table = table_of(spd);
	struct policy *best = NULL;

	for (uint32_t i = 0; i < tuples->n; i++) {
		const struct spd_tuple *t = &tuples->t[i];
		if (best && best->priority < t->best)
			break;
		if (t->family != info->family)
			continue;
		uint32_t key = key_of(t, iface_id, info->src, info->dst);
		const struct spd_row *row = atomic_load_explicit(&table->row[key & table->mask], memory_order_acquire);
		for (uint32_t j = 0; row && j < row->n && !(best && before(best, row->p[j])); j++) {
			if (!matches(row->p[j], info, iface_id))
				continue;
			best = row->p[j];
			break;
		}
	}
	return best;
}

struct policy *spd_any(const struct spd *spd)
{
	const struct spd_table *table = table_of(spd);

	for (uint32_t i = 0; table && i <= table->mask; i++) {
		const struct spd_row *row = atomic_load(&table->row[i]);
		if (row)
			return row->p[0];
	}
	return NULL;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-lookup: the hash table, and the policy look-up against a plain list of all policies. */
#include "test.h"

#include "keytable.h"
#include "policies.h"

#include <errno.h>

struct thing {
	uint32_t key, number;
};

static void the_table_finds_what_is_in_it(void **state)
{
	enum { N = 5000 };
	struct thing *things = calloc(N, sizeof(*things));
	struct table table;
	uint32_t at = 0, n = 0;

	assert_non_null(things);
	assert_int_equal(table_init(&table, NULL), 0);
	assert_null(table_get(&table, 0));
	for (uint32_t i = 0; i < N; i++) {
		things[i] = (struct thing){ .key = i * 0x10001, .number = i };
		assert_int_equal(table_add(&table, &things[i]), 0);
	}
	for (uint32_t i = 0; i < N; i++)
		assert_ptr_equal(table_get(&table, things[i].key), &things[i]);
	for (uint32_t i = 0; i < N; i += 3)
		table_del(&table, &things[i]);
	table_del(&table, &things[0]); /* a second time */
	for (uint32_t i = 0; i < N; i++)
		assert_ptr_equal(table_get(&table, things[i].key), i % 3 ? &things[i] : NULL);
	while (table_each(&table, &at))
		n++;
	assert_int_equal(n, N - (N + 2) / 3);
	table_fini(&table);
	free(things);
}

static void one_key_may_have_several_objects(void **state)
{
	struct thing things[40] = { 0 };
	struct table table;
	uint32_t at = 0, sum = 0;

	assert_int_equal(table_init(&table, NULL), 0);
	for (uint32_t i = 0; i < 40; i++) {
		things[i] = (struct thing){ .key = i % 2 ? 7 : 7 + 64, .number = 1u << (i / 2) };
		assert_int_equal(table_add(&table, &things[i]), 0);
	}
	for (const struct thing *t; (t = table_next(&table, 7, &at));)
		sum += t->number;
	assert_int_equal(sum, (1u << 20) - 1);
	table_fini(&table);
}

/* Adding and removing for ever must not fill the table with marks. */
static void removed_objects_leave_no_trace(void **state)
{
	struct thing thing = { 0 };
	struct table table;

	assert_int_equal(table_init(&table, NULL), 0);
	for (uint32_t i = 0; i < 100000; i++) {
		thing.key = i;
		assert_int_equal(table_add(&table, &thing), 0);
		table_del(&table, &thing);
	}
	assert_null(table_get(&table, 99999));
	assert_true(atomic_load(&table.slots)->mask < 256);
	table_fini(&table);
}

static uint64_t next(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

/* A selector in a small corner of the address space, so that many overlap. */
static struct rv_ts selector(uint64_t *random)
{
	struct rv_addr addr = { .family = next(random) % 3 ? RV_IPV4 : RV_IPV6,
				.ip = { 10, (uint8_t)(next(random) % 2), (uint8_t)(next(random) % 3),
					(uint8_t)(next(random) % 4) } };
	static const uint8_t lens[] = { 0, 8, 15, 16, 24, 30, 31, 32 };
	struct rv_ts ts = rv_ts_prefix(&addr, lens[next(random) % 8]);

	if (next(random) % 4 == 0 && ts.lo[3] < 200)
		ts.hi[3] = (uint8_t)(ts.lo[3] + 2); /* a range that is no prefix */
	if (next(random) % 2) {
		ts.proto = next(random) % 2 ? IP_UDP : IP_TCP;
		ts.port_lo = (uint16_t)(next(random) % 4);
		ts.port_hi = (uint16_t)(ts.port_lo + next(random) % 3);
	}
	return ts;
}

static const struct policy *slow_find(struct policy *const *all, size_t n, const struct ip_info *info, uint32_t iface)
{
	const struct policy *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct policy *p = all[i];
		if (!p || p->iface_id != iface ||
		    !rv_ts_match(&p->local, info->family, info->src, info->proto, info->src_port, info->ports_known) ||
		    !rv_ts_match(&p->remote, info->family, info->dst, info->proto, info->dst_port, info->ports_known))
			continue;
		if (!best || p->priority < best->priority || (p->priority == best->priority && p->order < best->order))
			best = p;
	}
	return best;
}

static void ask(const struct spd *spd, struct policy *const *all, size_t n, uint64_t *random)
{
	uint8_t src[16] = { 10, (uint8_t)(next(random) % 2), (uint8_t)(next(random) % 3), (uint8_t)(next(random) % 6) };
	uint8_t dst[16] = { 10, (uint8_t)(next(random) % 2), (uint8_t)(next(random) % 3), (uint8_t)(next(random) % 6) };
	struct ip_info info = { .family = next(random) % 3 ? RV_IPV4 : RV_IPV6,
				.proto = next(random) % 2 ? IP_UDP : IP_TCP,
				.src_port = (uint16_t)(next(random) % 6),
				.dst_port = (uint16_t)(next(random) % 6),
				.ports_known = next(random) % 4,
				.src = src,
				.dst = dst };
	uint32_t iface = next(random) % 2;

	assert_ptr_equal(spd_find(spd, &info, iface), slow_find(all, n, &info, iface));
}

static void the_lookup_agrees_with_a_plain_list(void **state)
{
	enum { N = 400 };
	struct policy *all[N] = { NULL };
	uint64_t random = 88172645463325252u;
	struct spd spd;

	assert_int_equal(spd_init(&spd, NULL), 0);
	assert_null(spd_any(&spd));
	for (int step = 0; step < 20000; step++) {
		size_t i = next(&random) % N;
		if (all[i] && next(&random) % 3 == 0) {
			assert_int_equal(spd_del(&spd, all[i]), 0);
			free(all[i]);
			all[i] = NULL;
		} else if (!all[i]) {
			struct policy *p = calloc(1, sizeof(*p));
			p->local = selector(&random);
			do
				p->remote = selector(&random);
			while (p->remote.family != p->local.family);
			p->priority = (uint32_t)(next(&random) % 5);
			p->iface_id = next(&random) % 2;
			all[i] = p;
			assert_int_equal(spd_add(&spd, p), 0);
			assert_non_null(spd_same(&spd, &p->local, &p->remote, p->iface_id));
		}
		ask(&spd, all, N, &random);
	}
	for (size_t i = 0; i < N; i++) {
		if (all[i])
			assert_int_equal(spd_del(&spd, all[i]), 0);
		free(all[i]);
	}
	assert_null(spd_any(&spd));
	assert_int_equal(atomic_load(&spd.tuples)->n, 0);
	spd_fini(&spd);
}

static void ten_thousand_policies_of_one_shape_are_one_probe(void **state)
{
	enum { N = 10000 };
	struct policy *all = calloc(N, sizeof(*all));
	struct spd spd;
	uint32_t longest = 0;

	assert_non_null(all);
	assert_int_equal(spd_init(&spd, NULL), 0);
	for (uint32_t i = 0; i < N; i++) {
		struct rv_addr local = { .family = RV_IPV4, .ip = { 10, 1 } };
		struct rv_addr remote = { .family = RV_IPV4, .ip = { 10, 2, (uint8_t)(i >> 8), (uint8_t)i } };
		all[i].local = rv_ts_prefix(&local, 16);
		all[i].remote = rv_ts_prefix(&remote, 32);
		all[i].priority = 100;
		assert_int_equal(spd_add(&spd, &all[i]), 0);
	}
	assert_int_equal(atomic_load(&spd.tuples)->n, 1);
	const struct spd_table *table = atomic_load(&spd.table);
	for (uint32_t i = 0; i <= table->mask; i++) {
		const struct spd_row *row = atomic_load(&table->row[i]);
		longest = row && row->n > longest ? row->n : longest;
	}
	assert_true(longest <= 12);
	for (uint32_t i = 0; i < N; i++) {
		uint8_t src[4] = { 10, 1, 2, 3 }, dst[4] = { 10, 2, (uint8_t)(i >> 8), (uint8_t)i };
		struct ip_info info = { .family = RV_IPV4, .proto = IP_UDP, .src = src, .dst = dst };
		assert_ptr_equal(spd_find(&spd, &info, 0), &all[i]);
	}
	spd_fini(&spd);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_finds_what_is_in_it),
		cmocka_unit_test(one_key_may_have_several_objects),
		cmocka_unit_test(removed_objects_leave_no_trace),
		cmocka_unit_test(the_lookup_agrees_with_a_plain_list),
		cmocka_unit_test(ten_thousand_policies_of_one_shape_are_one_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

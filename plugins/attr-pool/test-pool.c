// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-pool: which address an identity gets from a pool. */
#include "test.h"

#include "pool.h"

#include <string.h>
#include <talloc.h>

static struct rv_ts range_of(const char *text)
{
	struct rv_ts ts;

	assert_int_equal(rv_ts_parse(&ts, text, NULL), 0);
	return ts;
}

static struct pool *pool_of(const char *text)
{
	struct rv_ts range = range_of(text);
	struct pool *pool = pool_new(NULL, "p", &range, range.family, strchr(text, '/') != NULL);

	assert_non_null(pool);
	return pool;
}

/* The lease of an identity that asks for wanted (NULL: any); NULL: there is none. */
static struct lease *lend(struct pool *pool, const char *who, const char *wanted)
{
	struct rv_id *id = rv_id_parse(pool, who, NULL);
	struct rv_addr addr = { .family = pool->range.family };
	bool no_memory;

	assert_non_null(id);
	if (wanted)
		assert_int_equal(rv_addr_parse(&addr, wanted), 0);
	struct lease *lease = pool_lend(pool, id, &addr, &no_memory);

	assert_false(no_memory);
	return lease;
}

static void assert_lent(struct pool *pool, const char *who, const char *wanted, const char *addr)
{
	struct lease *lease = lend(pool, who, wanted);
	char text[RV_ADDR_TEXT];

	assert_non_null(lease);
	assert_string_equal(rv_addr_text(&lease->addr, text), addr);
}

static void sizes_leave_out_what_is_no_hosts(void **state)
{
	static const struct {
		const char *range;
		uint64_t size;
		const char *first;
	} rows[] = {
		{ "10.3.0.0/24", 254, "10.3.0.1" },
		{ "10.3.0.0/30", 2, "10.3.0.1" },
		{ "10.3.0.0/31", 2, "10.3.0.0" },
		{ "10.3.0.7/32", 1, "10.3.0.7" },
		{ "10.3.0.5-10.3.0.9", 5, "10.3.0.5" },
		{ "10.3.0.250-10.3.1.5", 12, "10.3.0.250" },
		{ "fd00:3::/112", 65535, "fd00:3::1" },
		{ "fd00:3::/127", 2, "fd00:3::" },
		{ "fd00::/32", 1ull << 40, "fd00::1" },
		{ "fd00::ffff:ffff:ffff:ffff-fd00:0:0:1::", 2, "fd00::ffff:ffff:ffff:ffff" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pool *pool = pool_of(rows[i].range);

		if (pool->size != rows[i].size)
			fail_msg("%s: %llu", rows[i].range, (unsigned long long)pool->size);
		assert_lent(pool, "a.example", NULL, rows[i].first);
		talloc_free(pool);
	}
}

static void an_identity_gets_its_address_again(void **state)
{
	struct pool *pool = pool_of("10.3.0.0/29");
	struct lease *a = lend(pool, "a.example", NULL), *b = lend(pool, "b.example", NULL);

	pool_give_back(a);
	pool_give_back(b);
	assert_int_equal(pool->n_online, 0);
	assert_int_equal(pool->n_offline, 2);
	assert_lent(pool, "c.example", NULL, "10.3.0.3"); /* others' are not touched while there are fresh ones */
	assert_ptr_equal(lend(pool, "B.EXAMPLE", NULL), b);
	assert_ptr_equal(lend(pool, "a.example", NULL), a);
	/* a second session of its own */
	assert_lent(pool, "a.example", NULL, "10.3.0.4");
	/* which asks for what it has: the old one ends later */
	assert_ptr_equal(lend(pool, "a.example", "10.3.0.1"), a);
	assert_int_equal(a->uses, 2);
	pool_give_back(a);
	assert_int_equal(a->uses, 1);
	talloc_free(pool);
}

static void what_is_asked_for_is_given_where_it_is_free(void **state)
{
	struct pool *pool = pool_of("10.3.0.0/29");

	assert_lent(pool, "a.example", "10.3.0.5", "10.3.0.5");
	assert_lent(pool, "b.example", "10.3.0.5", "10.3.0.1");
	assert_lent(pool, "c.example", "10.3.0.0", "10.3.0.2");
	assert_lent(pool, "d.example", "10.3.0.7", "10.3.0.3");
	assert_lent(pool, "e.example", "10.9.0.1", "10.3.0.4");
	assert_lent(pool, "f.example", NULL, "10.3.0.6"); /* .5 is passed over */
	assert_null(lend(pool, "g.example", NULL));
	talloc_free(pool);
}

static void the_longest_unused_is_handed_on_last_of_all(void **state)
{
	struct pool *pool = pool_of("10.3.0.5-10.3.0.6");
	struct lease *a = lend(pool, "a.example", NULL), *b = lend(pool, "b.example", NULL);

	assert_null(lend(pool, "c.example", NULL));
	pool_give_back(b);
	pool_give_back(a);
	assert_ptr_equal(lend(pool, "c.example", NULL), b);
	assert_ptr_equal(lend(pool, "b.example", NULL), a);
	assert_null(lend(pool, "a.example", NULL));
	talloc_free(pool);
}

static void an_interface_identifier_is_kept(void **state)
{
	struct pool *pool = pool_of("fd00:3::/64");

	assert_lent(pool, "a.example", "fd00:9::1:2:3:4", "fd00:3::1:2:3:4");
	assert_lent(pool, "b.example", "fd00:9::1:2:3:4", "fd00:3::1");
	talloc_free(pool);
}

static void a_smaller_range_takes_its_old_leases_back_one_by_one(void **state)
{
	struct pool *pool = pool_of("10.3.0.5-10.3.0.6");
	struct lease *a = lend(pool, "a.example", NULL), *b = lend(pool, "b.example", NULL);
	struct rv_ts range = range_of("10.3.0.6-10.3.0.7");

	pool_resize(pool, &range, false);
	assert_lent(pool, "c.example", NULL, "10.3.0.7");
	assert_null(lend(pool, "d.example", NULL));
	pool_give_back(a);
	assert_null(lend(pool, "a.example", NULL));
	pool_give_back(b);
	assert_ptr_equal(lend(pool, "b.example", NULL), b);
	assert_int_equal(pool->n_online, 2);
	talloc_free(pool);
}

static void many_leases_stay_apart(void **state)
{
	struct pool *pool = pool_of("10.0.0.0/16");
	char who[32];

	for (unsigned i = 0; i < 5000; i++) {
		snprintf(who, sizeof(who), "host%u.example", i);
		pool_give_back(lend(pool, who, NULL));
	}
	assert_int_equal(pool->n_offline, 5000);
	assert_lent(pool, "host4711.example", NULL, "10.0.18.104");
	talloc_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_leave_out_what_is_no_hosts),
		cmocka_unit_test(an_identity_gets_its_address_again),
		cmocka_unit_test(what_is_asked_for_is_given_where_it_is_free),
		cmocka_unit_test(the_longest_unused_is_handed_on_last_of_all),
		cmocka_unit_test(an_interface_identifier_is_kept),
		cmocka_unit_test(a_smaller_range_takes_its_old_leases_back_one_by_one),
		cmocka_unit_test(many_leases_stay_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

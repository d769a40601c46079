// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-table: whatever is added is found until it is taken out, equal keys and full runs included. */
#include "test.h"

#include "sa/table.h"

#include <talloc.h>

enum { N = 3000 };

struct thing {
	uint64_t before;
	uint32_t key;
	bool in;
};

static uint64_t dice(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void what_is_in_is_found(void **state)
{
	struct thing *things = talloc_zero_array(NULL, struct thing, N);
	struct rv_table table = rv_table(things, offsetof(struct thing, key));
	uint64_t seed = 7;
	uint32_t n = 0;

	for (int i = 0; i < N; i++)
		things[i].key = (uint32_t)(dice(&seed) % (i < N / 2 ? 64 : 1000000)); /* many share a key */
	for (int round = 0; round < 20000; round++) {
		struct thing *thing = &things[dice(&seed) % N];
		if (thing->in)
			rv_table_del(&table, thing);
		else
			assert_int_equal(rv_table_add(&table, thing), 0);
		thing->in = !thing->in;
		n += thing->in ? 1 : (uint32_t)-1;
		assert_int_equal(table.n, n);
	}
	for (int i = 0; i < N; i++) {
		bool found = false;
		for (struct thing *it = NULL; (it = rv_table_find(&table, things[i].key, it));) {
			assert_int_equal(it->key, things[i].key);
			found = found || it == &things[i];
		}
		assert_int_equal(found, things[i].in);
	}
	talloc_free(things);
}

static void an_empty_table_has_nothing(void **state)
{
	struct thing thing = { .key = 1 };
	struct rv_table table = rv_table(NULL, offsetof(struct thing, key));

	assert_null(rv_table_find(&table, 1, NULL));
	rv_table_del(&table, &thing);
	assert_int_equal(rv_table_add(&table, &thing), 0);
	assert_ptr_equal(rv_table_find(&table, 1, NULL), &thing);
	assert_null(rv_table_find(&table, 1, &thing));
	rv_table_del(&table, &thing);
	rv_table_del(&table, &thing);
	assert_null(rv_table_find(&table, 1, NULL));
	talloc_free(table.slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_is_found),
		cmocka_unit_test(an_empty_table_has_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

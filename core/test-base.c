// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-base: slices and lists.
 */
#include "test.h"

struct item {
	int number;
	struct rv_list entry;
};

static void slices_are_equal_when_their_octets_are(void **state)
{
	static const struct {
		const char *what;
		struct rv_bytes a, b;
		bool equal;
	} rows[] = {
		{ "both empty, one without memory", { NULL, 0 }, { (const uint8_t *)"", 0 }, true },
		{ "same octets", { (const uint8_t *)"abc", 3 }, { (const uint8_t *)"abc", 3 }, true },
		{ "last octet differs", { (const uint8_t *)"abc", 3 }, { (const uint8_t *)"abd", 3 }, false },
		{ "one is shorter", { (const uint8_t *)"abc", 2 }, { (const uint8_t *)"abc", 3 }, false },
		{ "one is empty", { NULL, 0 }, { (const uint8_t *)"a", 1 }, false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		if (rv_bytes_equal(rows[i].a, rows[i].b) != rows[i].equal)
			fail_msg("%s", rows[i].what);
	}
	assert_int_equal(RV_STR("abc").len, 3);
}

static void a_list_keeps_its_order(void **state)
{
	struct rv_list head;
	struct item items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
	int n = 0;

	rv_list_init(&head);
	assert_true(rv_list_empty(&head));
	for (size_t i = 0; i < 3; i++)
		rv_list_add(&head, &items[i].entry);
	rv_list_each (&head, item, struct item, entry) {
		assert_int_equal(item->number, n++);
	}
	assert_int_equal(n, 3);
}

static void the_entry_at_hand_may_leave_the_list_and_be_freed(void **state)
{
	struct rv_list head;

	rv_list_init(&head);
	for (int i = 0; i < 4; i++) {
		struct item *item = malloc(sizeof(*item));
		assert_non_null(item);
		item->number = i;
		rv_list_add(&head, &item->entry);
	}
	rv_list_each (&head, item, struct item, entry) {
		rv_list_del(&item->entry);
		rv_list_del(&item->entry); /* harmless on a lone entry */
		free(item);
	}
	assert_true(rv_list_empty(&head));
}

static void a_zeroed_head_is_empty(void **state)
{
	struct rv_list head = { 0 };

	assert_true(rv_list_empty(&head));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_are_equal_when_their_octets_are),
		cmocka_unit_test(a_list_keeps_its_order),
		cmocka_unit_test(the_entry_at_hand_may_leave_the_list_and_be_freed),
		cmocka_unit_test(a_zeroed_head_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

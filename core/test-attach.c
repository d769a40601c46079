// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-attach: what a plugin hangs on an object dies with whichever goes first, and only once. */
#include "test.h"

#include "parts.h"

static struct rv_core *core_new(void)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);

	assert_non_null(core);
	core->params.no_measure = true;
	core->registry = rv_registry_new(core, core);
	assert_non_null(core->registry);
	return core;
}

/* An object of somebody else's: an SA, say. */
struct object {
	int number;
};

/* What the plugin hangs on it. */
struct part {
	int *n_freed;
	struct rv_host *host;
	const void *object;
	bool attach_again;
};

struct other {
	int value;
};

static int part_gone(struct part *part)
{
	++*part->n_freed;
	if (part->attach_again)
		assert_non_null(rv_attach(part->host, part->object, struct other));
	return 0;
}

static struct part *attach(struct rv_host *host, const void *object, int *n_freed)
{
	struct part *part = rv_attach(host, object, struct part);

	assert_non_null(part);
	assert_null(part->n_freed);
	part->n_freed = n_freed;
	part->host = host;
	part->object = object;
	talloc_set_destructor(part, part_gone);
	return part;
}

static void a_part_dies_with_its_object(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *host = rv_host_new(core, "a");
	struct object *object = talloc_zero(core, struct object);
	int n_freed = 0;

	attach(host, object, &n_freed);
	talloc_free(object);
	assert_int_equal(n_freed, 1);
	talloc_free(host);
	assert_int_equal(n_freed, 1);
	talloc_free(core);
}

static void a_part_dies_with_its_plugin(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *host = rv_host_new(core, "a");
	struct object *object = talloc_zero(core, struct object);
	int n_freed = 0;

	attach(host, object, &n_freed);
	talloc_free(host);
	assert_int_equal(n_freed, 1);
	assert_int_equal(talloc_total_blocks(object), 1);
	talloc_free(object);
	assert_int_equal(n_freed, 1);
	talloc_free(core);
}

static void a_part_that_its_plugin_frees_is_not_found_again(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *host = rv_host_new(core, "a");
	struct object *object = talloc_zero(core, struct object);
	int n_freed = 0;
	struct part *part = attach(host, object, &n_freed);

	assert_ptr_equal(rv_attached(host, object, struct part), part);
	talloc_free(part);
	assert_null(rv_attached(host, object, struct part));
	talloc_free(host);
	assert_int_equal(n_freed, 1);
	talloc_free(core);
}

static void parts_are_told_apart_by_plugin_object_and_type(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *a = rv_host_new(core, "a"), *b = rv_host_new(core, "b");
	struct object *x = talloc_zero(core, struct object), *y = talloc_zero(core, struct object);
	int n_freed = 0;
	struct part *of_a = attach(a, x, &n_freed), *of_b = attach(b, x, &n_freed);
	struct other *other = rv_attach(a, x, struct other);

	assert_ptr_equal(rv_attached(a, x, struct part), of_a);
	assert_ptr_equal(rv_attached(b, x, struct part), of_b);
	assert_ptr_equal(rv_attached(a, x, struct other), other);
	assert_null(rv_attached(b, x, struct other));
	assert_null(rv_attached(a, y, struct part));
	assert_string_equal(talloc_get_name(other), "struct other");
	assert_ptr_equal(talloc_parent(of_a), x);
	talloc_free(a);
	assert_int_equal(n_freed, 1);
	assert_ptr_equal(rv_attached(b, x, struct part), of_b);
	talloc_free(core);
	assert_int_equal(n_freed, 2);
}

static void ten_thousand_parts_are_found_and_freed(void **state)
{
	enum { MANY = 10000 };
	struct rv_core *core = core_new();
	struct rv_host *host = rv_host_new(core, "a");
	struct object **objects = talloc_array(core, struct object *, MANY);
	int n_freed = 0;

	for (int i = 0; i < MANY; i++) {
		objects[i] = talloc_zero(objects, struct object);
		attach(host, objects[i], &n_freed);
	}
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(rv_attached(host, objects[i], struct part)->object, objects[i]);
	for (int i = 0; i < MANY; i += 2)
		talloc_free(objects[i]);
	assert_int_equal(n_freed, MANY / 2);
	talloc_free(host);
	assert_int_equal(n_freed, MANY);
	talloc_free(core);
}

static int refuse(struct part *part)
{
	++*part->n_freed;
	return -1;
}

static void destructors_may_attach_but_not_refuse(void **state)
{
	struct rv_core *core = core_new();
	struct rv_host *host = rv_host_new(core, "a");
	struct object *object = talloc_zero(core, struct object);
	int n_freed = 0, n_refused = 0;
	struct part *stubborn;

	attach(host, object, &n_freed)->attach_again = true;
	stubborn = attach(host, object, &n_refused);
	talloc_set_destructor(stubborn, refuse);
	talloc_free(host);
	assert_int_equal(n_freed, 1);
	assert_int_equal(n_refused, 1);
	assert_int_equal(talloc_total_blocks(object), 1);
	talloc_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_dies_with_its_object),
		cmocka_unit_test(a_part_dies_with_its_plugin),
		cmocka_unit_test(a_part_that_its_plugin_frees_is_not_found_again),
		cmocka_unit_test(parts_are_told_apart_by_plugin_object_and_type),
		cmocka_unit_test(ten_thousand_parts_are_found_and_freed),
		cmocka_unit_test(destructors_may_attach_but_not_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

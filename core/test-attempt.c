// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-attempt: the story of a try is kept, bounded, and told to who listens. */
#include "test.h"

#include "sa/inner.h"
#include "world.h"

static int begin(void **state)
{
	*state = world_new(NULL);
	return 0;
}

static int end(void **state)
{
	world_end(*state);
	return 0;
}

static void a_failure_says_what_was_found_and_what_to_do(void **state)
{
	struct world *w = *state;
	struct rv_attempt *a = rv_attempt_new(w->core, "west", "net", "user");

	rv_attempt_step(a, "sent %d", 1);
	rv_attempt_fail(a, -RV_ENO_PROPOSAL, "add %s", "they offer \x1b[31m%s", "xyz");
	assert_string_equal(a->steps[0].text, "sent 1");
	assert_true(a->ended);
	assert_int_equal(a->code, -RV_ENO_PROPOSAL);
	assert_string_equal(a->found, "they offer \\x1b[31mxyz");
	assert_string_equal(a->advice, "add %s");
	assert_string_equal(world_notes(w), "[attempt-failed]");
	assert_int_equal(w->last_code, -RV_ENO_PROPOSAL);
	rv_attempt_ok(a); /* the first verdict counts */
	rv_attempt_fail(a, -1, NULL, "x");
	rv_attempt_step(a, "late");
	assert_int_equal(a->code, -RV_ENO_PROPOSAL);
	assert_int_equal(a->n_steps, 1);
	assert_ptr_equal(rv_attempt_find(w->core, a->id), a);
}

static void a_null_attempt_is_harmless(void **state)
{
	rv_attempt_step(NULL, "x");
	rv_attempt_ok(NULL);
	rv_attempt_fail(NULL, -1, NULL, "x");
	rv_attempt_drop(NULL);
	assert_null(rv_attempt_hold(NULL));
}

static unsigned count(struct world *w, const char *connection)
{
	unsigned n = 0;

	rv_list_each (&w->core->attempts, it, struct rv_attempt, entry)
		n += strcmp(it->connection, connection) == 0;
	return n;
}

static void a_connection_keeps_its_last_32(void **state)
{
	struct world *w = *state;
	struct rv_attempt *first = rv_attempt_hold(rv_attempt_new(w->core, "west", NULL, "user"));

	rv_attempt_new(w->core, "east", NULL, "user");
	for (int i = 0; i < 31; i++)
		rv_attempt_ok(rv_attempt_new(w->core, "west", NULL, "user"));
	assert_int_equal(count(w, "west"), 32);
	assert_true(first->listed);
	for (int i = 0; i < 40; i++)
		rv_attempt_new(w->core, "west", NULL, "user");
	assert_int_equal(count(w, "west"), 32);
	assert_int_equal(count(w, "east"), 1);
	assert_false(first->listed);
	assert_string_equal(first->connection, "west"); /* who holds it still has it */
	rv_attempt_drop(first);
}

static void there_are_1024_in_all(void **state)
{
	struct world *w = *state;
	char name[16];

	for (int i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		rv_attempt_new(w->core, name, NULL, "user");
	}
	assert_int_equal(count(w, "c75"), 0);
	assert_int_equal(count(w, "c76"), 1);
	assert_int_equal(count(w, "c1099"), 1);
}

static void of_many_steps_the_first_and_the_last_are_kept(void **state)
{
	struct world *w = *state;
	struct rv_attempt *a = rv_attempt_new(w->core, "west", NULL, "user");

	for (int i = 0; i < 64; i++)
		rv_attempt_step(a, "step %d", i);
	assert_int_equal(a->n_steps, 64);
	assert_int_equal(a->n_left_out, 0);
	for (int i = 64; i < 100; i++)
		rv_attempt_step(a, "step %d", i);
	assert_int_equal(a->n_steps, 64);
	assert_int_equal(a->n_left_out, 36);
	assert_string_equal(a->steps[31].text, "step 31");
	assert_string_equal(a->steps[32].text, "step 68");
	assert_string_equal(a->steps[63].text, "step 99");
}

static void a_long_step_is_cut(void **state)
{
	struct world *w = *state;
	struct rv_attempt *a = rv_attempt_new(w->core, "west", NULL, "user");
	char text[2000];

	memset(text, 'x', sizeof(text));
	text[1999] = 0;
	rv_attempt_step(a, "%s", text);
	assert_true(strlen(a->steps[0].text) < 700);
}

struct seen {
	unsigned n, n_new, n_steps, n_ended, n_gone;
};

static void changed(struct rv_attempt *attempt, void *arg)
{
	struct seen *seen = arg;

	seen->n++;
	if (!attempt->holds && !attempt->listed)
		seen->n_gone++;
	else if (attempt->ended)
		seen->n_ended++;
	else if (attempt->n_steps)
		seen->n_steps++;
	else
		seen->n_new++;
}

static void the_bus_is_told_from_birth_to_death(void **state)
{
	struct world *w = *state;
	struct seen seen = { 0 };

	w->core->attempt_changed = changed;
	w->core->attempt_changed_arg = &seen;
	struct rv_attempt *a = rv_attempt_new(w->core, "west", NULL, "user");
	rv_attempt_step(a, "one");
	rv_attempt_step(a, "two");
	rv_attempt_ok(a);
	assert_int_equal(seen.n_new, 1);
	assert_int_equal(seen.n_steps, 2);
	assert_int_equal(seen.n_ended, 1);
	for (int i = 0; i < 32; i++)
		rv_attempt_new(w->core, "west", NULL, "user");
	assert_int_equal(seen.n_gone, 1);
	w->core->attempt_changed = NULL;
	rv_list_each (&w->core->attempts, it, struct rv_attempt, entry)
		it->changed = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_failure_says_what_was_found_and_what_to_do),
		cmocka_unit_test(a_null_attempt_is_harmless),
		TEST(a_connection_keeps_its_last_32),
		TEST(there_are_1024_in_all),
		TEST(of_many_steps_the_first_and_the_last_are_kept),
		TEST(a_long_step_is_cut),
		TEST(the_bus_is_told_from_birth_to_death),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

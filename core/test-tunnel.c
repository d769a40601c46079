// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-tunnel: what is asked to come up comes up once, in order, and again after a pause when it failed; and the end.
 */
#include "test.h"

#include "sa/inner.h"
#include "world.h"

#include <talloc.h>

#define TS(n) "local_ts = 10." #n ".0.0/16\n remote_ts = 10.2" #n ".0.0/16\n"
#define WEST(children)                                                                                                 \
	"connections { west { keying = fake\n local_addrs = 10.0.0.1\n remote_addrs = 10.0.0.2\n children { " children \
	" } } }"

static int begin(void **state)
{
	*state = world_new(WEST("one { " TS(1) "}\n two { " TS(2) "}"));
	world_notes(*state);
	return 0;
}

static int end(void **state)
{
	world_end(*state);
	return 0;
}

/* Asks for it and lets the loop turn. */
static struct rv_attempt *up(struct world *w, const char *child)
{
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	if (rv_core_up(w->core, "west", child, "user", &attempt, &why))
		fail_msg("up: %s", why.text);
	rv_attempt_drop(attempt); /* the core keeps the last ones */
	world_run(w, 0);
	return attempt;
}

#define CHILD_UP "P+ I+ O+ N+ [child-up]"

static void a_child_comes_up_with_its_session(void **state)
{
	struct world *w = *state;
	struct rv_attempt *attempt = up(w, "one");

	assert_string_equal(world_notes(w), "up [peer-up] " CHILD_UP);
	assert_true(attempt->ended);
	assert_int_equal(attempt->code, 0);
	assert_string_equal(attempt->who, "user");
	attempt = up(w, "two"); /* in the session that is there */
	assert_string_equal(world_notes(w), "child_up " CHILD_UP);
	attempt = up(w, "two");
	assert_string_equal(world_notes(w), "");
	assert_true(attempt->ended);
	assert_int_equal(attempt->code, 0);
	assert_string_equal(attempt->steps[0].text, "two is up already");
}

static void without_a_name_all_children_come_up(void **state)
{
	struct world *w = *state;
	struct rv_attempt *attempt = up(w, NULL);

	assert_string_equal(world_notes(w), "up [peer-up] " CHILD_UP " child_up " CHILD_UP);
	assert_true(attempt->ended);
	assert_int_equal(attempt->code, 0);
}

static void without_a_name_those_with_a_start_action_come_up(void **state)
{
	struct world *w = *state;

	world_load(w, WEST("one { " TS(1) "}\n two { start_action = trap\n" TS(2) "}"));
	world_notes(w);
	up(w, NULL);
	assert_string_equal(world_notes(w), "up [peer-up] I+ O+ [child-up]");
	assert_string_equal(rv_child_by_id(w->core, 1)->conf->name, "two");
}

static void a_second_child_that_fails_fails_the_attempt(void **state)
{
	struct world *w = *state;
	struct rv_attempt *attempt = NULL;

	assert_int_equal(rv_core_up(w->core, "west", NULL, "user", &attempt, NULL), 0);
	assert_false(attempt->ended); /* the first child is up, the second is asked for in the next turn */
	w->keying_does = WORLD_REFUSE;
	world_run(w, 0);
	assert_true(attempt->ended);
	assert_int_equal(attempt->code, -RV_ENO_PROPOSAL);
	assert_string_equal(attempt->advice, "use other algorithms");
	rv_attempt_drop(attempt);
}

static const struct {
	const char *what, *connection, *child;
	int code;
	const char *text;
} refusals[] = {
	{ "no such connection", "wets", NULL, -RV_EUNKNOWN_CONNECTION,
	  "no connection is called wets; there are other, west" },
	{ "no such child", "west", "three", -RV_EUNKNOWN_CHILD, "connection west has no child three; it has one, no" },
	{ "a policy", "west", "no", -RV_ESTATE, "no of west is a policy without a tunnel (mode = drop)" },
	{ "no keying", "other", NULL, -RV_ENO_PROVIDER,
	  "connection other wants keying = none, which no loaded plugin provides" },
};

static void what_cannot_be_tried_is_refused_in_words(void **state)
{
	struct world *w = *state;

	world_load(w, "connections { west { keying = fake\n remote_addrs = 10.0.0.2\n children { one { " TS(
			      1) "}\n"
				 "no { mode = drop\n" TS(2) "} } }\n other { keying = none } }");
	for (size_t i = 0; i < RV_COUNT(refusals); i++) {
		struct rv_attempt *attempt = NULL;
		struct rv_why why = { 0 };
		int r = rv_core_up(w->core, refusals[i].connection, refusals[i].child, "user", &attempt, &why);

		if (r != refusals[i].code || why.code != r || strcmp(why.text, refusals[i].text) != 0 || attempt)
			fail_msg("%s: %s", refusals[i].what, why.text);
	}
}

static void a_keying_protocol_that_fails_at_once_ends_the_attempt(void **state)
{
	struct world *w = *state;

	w->fail = "up";
	struct rv_attempt *attempt = up(w, "one");

	assert_true(attempt->ended);
	assert_int_equal(attempt->code, -5);
	w->fail = NULL;
	assert_int_equal(up(w, "one")->code, 0);
}

static void the_same_attempt_is_shared(void **state)
{
	struct world *w = *state;
	struct rv_attempt *first;

	w->keying_does = WORLD_STALL;
	first = up(w, "one");
	assert_false(first->ended);
	assert_ptr_equal(up(w, "one"), first);
	assert_string_equal(world_notes(w), "up");
	world_finish_up(w, 0);
	assert_true(first->ended);
	assert_ptr_not_equal(up(w, "one"), first);
}

static void another_child_waits_for_the_session(void **state)
{
	struct world *w = *state;
	struct rv_attempt *one, *two;

	w->keying_does = WORLD_STALL;
	one = up(w, "one");
	two = up(w, "two");
	assert_string_equal(world_notes(w), "up");
	assert_false(two->ended);
	w->keying_does = WORLD_UP;
	world_finish_up(w, 0);
	world_run(w, 0);
	assert_string_equal(world_notes(w), "[peer-up] " CHILD_UP " child_up " CHILD_UP);
	assert_int_equal(one->code, 0);
	assert_true(two->ended);
	assert_int_equal(two->code, 0);
}

static void who_waited_learns_of_the_failure(void **state)
{
	struct world *w = *state;
	struct rv_attempt *two, *all;

	w->keying_does = WORLD_STALL;
	up(w, "one");
	two = up(w, "two");
	all = up(w, NULL);
	world_finish_up(w, -RV_ETIMEOUT);
	world_run(w, 0);
	assert_true(two->ended && all->ended);
	assert_int_equal(two->code, -RV_ETIMEOUT);
	assert_int_equal(all->code, -RV_ETIMEOUT);
	assert_string_equal(two->found, "the peer is silent");
	assert_string_equal(world_notes(w), "up [attempt-failed] [attempt-failed] [attempt-failed]");
}

static void down_ends_everything_of_a_connection(void **state)
{
	struct world *w = *state;
	struct rv_attempt *two;
	struct rv_why why = { 0 };

	up(w, "one");
	world_notes(w);
	assert_int_equal(rv_core_down(w->core, "west", NULL), 0);
	assert_string_equal(world_notes(w), "down [child-down] O- I- N- P- [peer-down]");
	assert_int_equal(rv_core_down(w->core, "west", NULL), 0); /* it is down already */
	assert_int_equal(rv_core_down(w->core, "wets", &why), -RV_EUNKNOWN_CONNECTION);
	w->keying_does = WORLD_STALL;
	two = up(w, "two");
	assert_int_equal(rv_core_down(w->core, "west", NULL), 0);
	assert_true(two->ended);
	assert_int_equal(two->code, -RV_ECANCELLED);
}

static void a_session_that_comes_up_too_late_goes_again(void **state)
{
	struct world *w = *state;
	struct rv_attempt *attempt;

	w->keying_does = WORLD_STALL;
	attempt = up(w, "one");
	rv_core_down(w->core, "west", NULL);
	world_notes(w);
	const struct rv_path path = { 0 };
	struct rv_peer *peer = rv_peer_new(w->keying_host, rv_connection_find(w->core, "west"), &path, true);
	peer->attempt = attempt;
	rv_peer_up(peer);
	assert_string_equal(world_notes(w), "[peer-up] down [peer-down]");
}

/* start_action start */

#define START WEST("one { start_action = start\n" TS(1) "}")

static void start_comes_up_with_the_configuration_and_holds_traffic_back(void **state)
{
	struct world *w = *state;

	world_load(w, START);
	world_run(w, 0);
	assert_string_equal(world_notes(w), "P+ N+ [reloaded] up [peer-up] I+ O+ [child-up]");
	world_load(w, START); /* it is up: nothing happens */
	world_run(w, 0);
	assert_string_equal(world_notes(w), "[reloaded]");
}

static unsigned tries(struct world *w, uint64_t us)
{
	unsigned n = 0;

	world_run(w, us);
	for (const char *at = world_notes(w); (at = strstr(at, "up")); at += 2)
		n++;
	return n;
}

static void a_start_that_fails_is_tried_again_after_longer_and_longer(void **state)
{
	struct world *w = *state;

	w->quiet_events = true;
	w->keying_does = WORLD_REFUSE;
	world_load(w, START);
	assert_int_equal(tries(w, 0), 1);
	static const unsigned pauses[] = { 5, 10, 20, 40, 80, 160, 300, 300, 300 };
	for (size_t i = 0; i < RV_COUNT(pauses); i++) {
		assert_int_equal(tries(w, RV_S(pauses[i]) - 1), 0);
		assert_int_equal(tries(w, 1), 1);
	}
	w->keying_does = WORLD_UP;
	assert_int_equal(tries(w, RV_S(300)), 1);
	assert_int_equal(tries(w, RV_S(3000)), 0);
	assert_int_equal(w->n_policies, 1);
}

static void a_start_is_forgotten_with_its_configuration(void **state)
{
	struct world *w = *state;

	w->keying_does = WORLD_REFUSE;
	world_load(w, START);
	world_run(w, 0);
	world_load(w, WEST("one { " TS(1) "}"));
	w->quiet_events = true;
	world_notes(w);
	assert_int_equal(tries(w, RV_S(1000)), 0);
}

static void down_means_down_until_up(void **state)
{
	struct world *w = *state;

	world_load(w, START);
	world_run(w, 0);
	assert_int_equal(rv_core_down(w->core, "west", NULL), 0);
	assert_int_equal(w->n_policies, 0); /* the operator opened it */
	w->quiet_events = true;
	world_notes(w);
	assert_int_equal(tries(w, RV_S(1000)), 0);
	up(w, "one");
	assert_int_equal(w->n_policies, 1);
	assert_true(w->policies[0].trap);
	rv_core_down(w->core, "west", NULL);
	world_load(w, START);
	world_run(w, 0);
	assert_int_equal(w->n_policies, 1);
	assert_non_null(w->last);
}

static void a_child_that_is_taken_down_at_once_is_not_asked_for_at_once(void **state)
{
	struct world *w = *state;

	w->quiet_events = true;
	world_load(w, WEST("one { close_action = start\n" TS(1) "}"));
	up(w, "one");
	world_notes(w);
	rv_peer_down(w->last, -RV_EPEER_GONE, NULL);
	assert_int_equal(tries(w, RV_S(5) - 1), 0);
	assert_int_equal(tries(w, 1), 1);
	world_run(w, RV_S(60));
	rv_peer_down(w->last, -RV_EPEER_GONE, NULL);
	assert_int_equal(tries(w, 1), 1);
}

/* start_action trap */

static void traffic_brings_a_trap_up(void **state)
{
	struct world *w = *state;
	struct rv_ts local, remote;
	struct rv_attempt *attempt;

	world_load(w, WEST("one { start_action = trap\n" TS(1) "}"));
	assert_int_equal(rv_ts_parse(&local, "10.1.0.5[udp/9]", NULL), 0);
	assert_int_equal(rv_ts_parse(&remote, "10.21.0.6[udp/53]", NULL), 0);
	world_notes(w);
	w->keying_does = WORLD_STALL;
	w->kernel.acquire(w->kernel.arg, w->policies[0].reqid, &local, &remote);
	w->kernel.acquire(w->kernel.arg, w->policies[0].reqid, &local, &remote); /* once is enough */
	w->kernel.acquire(w->kernel.arg, 99, &local, &remote);
	w->kernel.acquire(w->kernel.arg, 0, &local, &remote);
	assert_string_equal(world_notes(w), "[acquire] up");
	attempt = rv_attempt_find(w->core, 1);
	assert_string_equal(attempt->who, "trap");
	assert_string_equal(attempt->steps[1].text, "traffic 10.1.0.5/32[udp/9] === 10.21.0.6/32[udp/53]");
	world_finish_up(w, 0);
	assert_string_equal(world_notes(w), "[peer-up] I+ O+ [child-up]");
}

/* The end */

static void mark(void *arg)
{
	++*(unsigned *)arg;
}

static void stop_takes_everything_down(void **state)
{
	struct world *w = *state;
	unsigned done = 0;

	world_load(w, START);
	world_run(w, 0);
	world_notes(w);
	rv_core_stop(w->core, mark, &done);
	rv_core_stop(w->core, mark, &done); /* once is enough */
	assert_int_equal(done, 0);
	world_run(w, 0);
	assert_int_equal(done, 1);
	assert_string_equal(world_notes(w), "stop [child-down] O- I- N- P- [peer-down]");
	struct rv_why why = { 0 };
	struct rv_attempt *attempt;
	assert_int_equal(rv_core_up(w->core, "west", NULL, "user", &attempt, &why), -RV_ESTATE);
	assert_int_equal(rv_core_load_text(w->core, "x", "", &why), -RV_ESTATE);
}

static void stop_does_not_wait_for_ever(void **state)
{
	struct world *w = *state;
	unsigned done = 0;

	world_load(w, START);
	world_run(w, 0);
	w->keying_does = WORLD_STALL;
	rv_core_stop(w->core, mark, &done);
	world_run(w, RV_S(3) - 1);
	assert_int_equal(done, 0);
	world_run(w, 1);
	assert_int_equal(done, 1);
	assert_null(w->stop_call); /* taken back */
	assert_int_equal(w->n_policies, 0);
}

static void stop_goes_on_when_all_have_answered(void **state)
{
	struct world *w = *state;
	unsigned done = 0;

	w->keying_does = WORLD_STALL;
	rv_core_stop(w->core, mark, &done);
	world_run(w, RV_S(1));
	rv_call_finish(w->stop_call, 0);
	assert_int_equal(done, 0); /* not inside the protocol's own call */
	world_run(w, 0);
	assert_int_equal(done, 1);
}

/* Configurations */

static void a_configuration_that_is_not_valid_changes_nothing(void **state)
{
	struct world *w = *state;
	struct rv_why why = { 0 };

	world_load(w, START);
	world_run(w, 0);
	world_notes(w);
	const struct rv_connection *before = rv_connection_find(w->core, "west");
	assert_int_equal(rv_core_load_text(w->core, "bad", "connections { west { kying = fake } }", &why), -RV_ECONFIG);
	assert_non_null(strstr(why.text, "bad:1"));
	assert_non_null(strstr(why.text, "keying"));
	assert_int_equal(
		rv_core_load_text(w->core, "bad", WEST("one { " TS(1) "rekey_time = 2h\n life_time = 1h }"), NULL),
		-RV_ECONFIG);
	assert_ptr_equal(rv_connection_find(w->core, "west"), before);
	assert_string_equal(world_notes(w), "");
}

static void a_kernel_that_is_unloaded_takes_the_traps_along(void **state)
{
	struct world *w = *state;
	struct rv_why why = { 0 };

	world_load(w, WEST("one { start_action = trap\n" TS(1) "}"));
	assert_int_equal(w->n_policies, 1);
	w->fail = NULL;
	assert_int_equal(rv_core_plugin_unload(w->core, "world", true, NULL, &why), RV_PENDING);
	assert_int_equal(w->n_policies, 0);
	world_run(w, RV_S(1));
	assert_null(rv_registry_find(w->core->registry, "kernel", NULL));
	assert_false(w->listened);
}

static void a_kernel_in_use_is_not_unloaded(void **state)
{
	struct world *w = *state;
	struct rv_why why = { 0 };

	up(w, "one");
	assert_int_equal(rv_core_plugin_unload(w->core, "world", false, NULL, &why), -RV_EIN_USE);
	assert_non_null(strstr(why.text, "child SA one #1 of west"));
	assert_non_null(strstr(why.text, "session #1 of west"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_child_comes_up_with_its_session),
		TEST(without_a_name_all_children_come_up),
		TEST(without_a_name_those_with_a_start_action_come_up),
		TEST(a_second_child_that_fails_fails_the_attempt),
		TEST(what_cannot_be_tried_is_refused_in_words),
		TEST(a_keying_protocol_that_fails_at_once_ends_the_attempt),
		TEST(the_same_attempt_is_shared),
		TEST(another_child_waits_for_the_session),
		TEST(who_waited_learns_of_the_failure),
		TEST(down_ends_everything_of_a_connection),
		TEST(a_session_that_comes_up_too_late_goes_again),
		TEST(start_comes_up_with_the_configuration_and_holds_traffic_back),
		TEST(a_start_that_fails_is_tried_again_after_longer_and_longer),
		TEST(a_start_is_forgotten_with_its_configuration),
		TEST(down_means_down_until_up),
		TEST(a_child_that_is_taken_down_at_once_is_not_asked_for_at_once),
		TEST(traffic_brings_a_trap_up),
		TEST(stop_takes_everything_down),
		TEST(stop_does_not_wait_for_ever),
		TEST(stop_goes_on_when_all_have_answered),
		TEST(a_configuration_that_is_not_valid_changes_nothing),
		TEST(a_kernel_that_is_unloaded_takes_the_traps_along),
		TEST(a_kernel_in_use_is_not_unloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

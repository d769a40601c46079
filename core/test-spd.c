// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-spd: policies are shared and counted, narrow ones go first, traps stand as long as the configuration says. */
#include "test.h"

#include "sa/inner.h"
#include "world.h"

#include <errno.h>
#include <talloc.h>

#define WEST(children)                                                                                                 \
	"connections { west { keying = fake\n local_addrs = 10.0.0.1\n remote_addrs = 10.0.0.2\n children { " children \
	" } } }"
#define TS(l, r) "local_ts = " l "\n remote_ts = " r "\n"
#define A "10.1.0.0/16"
#define B "10.2.0.0/16"

static int begin(void **state)
{
	struct world *w = world_new(NULL);

	w->quiet_events = true;
	*state = w;
	return 0;
}

static int end(void **state)
{
	world_end(*state);
	return 0;
}

static void a_reqid_comes_back_as_late_as_possible(void **state)
{
	struct world *w = *state;
	struct rv_spd *spd = w->core->spd;
	uint32_t a, b, c;

	assert_int_equal(rv_reqid_new(spd, &a), 0);
	assert_int_equal(rv_reqid_new(spd, &b), 0);
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	rv_reqid_drop(spd, a);
	assert_int_equal(rv_reqid_new(spd, &c), 0);
	assert_int_equal(c, 3);
	assert_int_equal(rv_reqid_hold(spd, b), 0);
	rv_reqid_drop(spd, b);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(rv_reqid_new(spd, &a), 0);
		assert_true(a && a != b && a != c);
		rv_reqid_drop(spd, a);
	}
}

static void a_reqid_taken_by_number_is_not_given_out(void **state)
{
	struct world *w = *state;
	struct rv_spd *spd = w->core->spd;
	uint32_t id;

	assert_int_equal(rv_reqid_hold(spd, 5), 0);
	for (uint32_t i = 1; i < 40; i++) {
		assert_int_equal(rv_reqid_new(spd, &id), 0);
		assert_int_not_equal(id, 5);
	}
	rv_reqid_drop(spd, 5);
	assert_int_equal(rv_reqid_hold(spd, 0), -EINVAL);
	assert_int_equal(rv_reqid_hold(spd, 1u << 24), -EINVAL);
	rv_reqid_drop(spd, 0); /* the number of none */
}

static void selectors_make_a_cross_product(void **state)
{
	struct world *w = *state;

	world_load(w, WEST("net { " TS("10.1.0.0/16, 10.3.0.0/16, fd00:1::/64", "10.2.0.0/16, fd00:2::/64") " }"));
	world_install(w, world_child(w, world_peer(w, "west"), "net", 7), NULL);
	assert_int_equal(w->n_policies, 3); /* two of IPv4 and one of IPv6: families do not mix */
	assert_int_equal(w->n_nets, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(w->policies[i].local_ts.family, w->policies[i].remote_ts.family);
}

static void too_many_pairs_are_refused(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer;
	struct rv_ts local[17], remote[17];
	static const struct rv_child_keys keys;

	world_load(w, WEST("net { " TS(A, B) " }"));
	peer = world_peer(w, "west");
	for (uint8_t i = 0; i < 17; i++) {
		const struct rv_addr a = { .family = RV_IPV4, .ip = { 10, 1, i } },
				     b = { .family = RV_IPV4, .ip = { 10, 2, i } };
		local[i] = rv_ts_prefix(&a, 24);
		remote[i] = rv_ts_prefix(&b, 24);
	}
	for (size_t n = 15; n <= 17; n++) {
		struct rv_child *child = world_child(w, peer, "net", 7);
		struct rv_call call;

		rv_call_init(&call, NULL);
		assert_int_equal(rv_child_set(child, &child->conf->proposals[0], 7, RV_TUNNEL, local, n, remote, 16),
				 0);
		assert_int_equal(rv_child_install(child, &keys, NULL, false, &call), n == 17 ? -RV_ELIMIT : 0);
		assert_int_equal(w->n_policies, n == 17 ? 0 : 16 * n);
		rv_child_down(child, 0);
	}
}

static const struct {
	const char *what, *first, *then;
} order[] = {
	{ "a host before a net", TS(A, "10.2.0.1/32"), TS(A, B) },
	{ "a net before everything", TS(A, B), TS(A, "0.0.0.0/0") },
	{ "both sides count", TS("10.1.1.0/24", B), TS(A, "10.2.0.0/17") },
	{ "a protocol before any", TS(A, "10.2.0.0/16[tcp]"), TS(A, B) },
	{ "a port before none", TS(A, "10.2.0.0/16[tcp/80]"), TS(A, "10.2.0.0/16[tcp]") },
	{ "narrower before a port", TS(A, "10.2.0.0/17"), TS(A, "10.2.0.0/16[tcp/80]") },
	{ "what the operator numbers", TS(A, "0.0.0.0/0") "priority = 7\n", TS(A, "10.2.0.1/32") },
	{ "the lower number", TS(A, B) "priority = 7\n", TS(A, "10.2.0.1/32") "priority = 8\n" },
};

static void narrower_policies_go_first(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < RV_COUNT(order); i++) {
		char *config =
			talloc_asprintf(w, WEST("one { start_action = trap\n %s }\n two { start_action = trap\n %s }"),
					order[i].first, order[i].then);

		world_load(w, WEST("none { " TS(A, B) " }"));
		world_load(w, config);
		assert_int_equal(w->n_policies, 2);
		if (w->policies[0].priority >= w->policies[1].priority)
			fail_msg("%s", order[i].what);
	}
}

static void a_bypass_goes_before_an_equally_wide_tunnel(void **state)
{
	struct world *w = *state;

	world_load(w, WEST("lan { mode = pass\n start_action = trap\n" TS(
			      "10.1.1.0/24", "10.1.0.0/16") "}\n"
							    "net { start_action = trap\n" TS("10.1.2.0/24", B) "}"));
	assert_int_equal(w->n_policies, 2);
	assert_int_equal(w->policies[0].action, RV_PASS);
	assert_int_equal(w->policies[0].reqid, 0);
	assert_false(w->policies[0].trap);
	assert_true(w->policies[0].priority < w->policies[1].priority);
	assert_false(w->nets[0].guard || w->nets[0].route);
	assert_true(w->nets[1].guard && w->nets[1].route);
}

static void what_is_dropped_is_dropped_on_every_interface(void **state)
{
	struct world *w = *state;

	world_load(w, WEST("no { mode = drop\n start_action = start\n" TS(A, B) "}"));
	assert_int_equal(w->policies[0].action, RV_DROP);
	assert_true(w->nets[0].guard);
	assert_false(w->nets[0].route);
	assert_string_equal(w->nets[0].ifname, "");
}

static void a_trap_and_its_sa_are_one_policy(void **state)
{
	struct world *w = *state;
	struct rv_child *child;

	world_load(w, WEST("net { start_action = trap\n" TS(A, B) "}"));
	assert_string_equal(world_notes(w), "P+ N+");
	assert_true(w->policies[0].trap);
	child = world_child(w, world_peer(w, "west"), "net", 7);
	assert_int_equal(child->reqid, w->policies[0].reqid);
	world_install(w, child, NULL);
	assert_string_equal(world_notes(w), "I+ O+");
	rv_child_down(child, 0);
	assert_string_equal(world_notes(w), "O- I-");
	assert_int_equal(w->n_policies, 1);
}

static void two_sas_with_the_same_selectors_share_a_reqid(void **state)
{
	struct world *w = *state;
	struct rv_peer *one, *two;
	struct rv_child *a, *b;

	world_load(w, WEST("net { " TS(A, B) "}"));
	one = world_peer(w, "west");
	two = world_peer(w, "west");
	a = world_child(w, one, "net", 7);
	b = world_child(w, two, "net", 8);
	assert_int_not_equal(a->reqid, b->reqid);
	world_install(w, a, NULL);
	world_install(w, b, NULL);
	assert_int_equal(a->reqid, b->reqid);
	assert_int_equal(w->n_policies, 1);
	rv_child_down(a, 0);
	assert_int_equal(w->n_policies, 1);
	rv_child_down(b, 0);
	assert_int_equal(w->n_policies, 0);
}

static void a_reload_keeps_traps_that_stay_the_same(void **state)
{
	struct world *w = *state;
	uint32_t reqid;

	world_load(w, WEST("net { start_action = trap\n" TS(A, B) "}\n two { start_action = trap\n" TS(
			      A, "10.3.0.0/16") "}"));
	reqid = w->policies[0].reqid;
	world_notes(w);
	world_load(w, WEST("net { start_action = trap\n" TS(A, B) "rekey_time = 5h }\n two { start_action = trap\n" TS(
			      A, "10.4.0.0/16") "}"));
	assert_string_equal(world_notes(w), "N- P- P+ N+");
	assert_int_equal(w->policies[0].reqid, reqid);
	world_load(w, WEST("net { " TS(A, B) "}"));
	assert_string_equal(world_notes(w), "N- P- N- P-");
}

static void a_live_sa_outlives_its_configuration(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer;
	struct rv_child *child;

	world_load(w, WEST("net { start_action = trap\n" TS(
			      A, B) "rekey_time = 100s\n life_time = 200s\n rand_time = 0s }"));
	peer = world_peer(w, "west");
	child = world_child(w, peer, "net", 7);
	world_install(w, child, NULL);
	world_notes(w);
	world_load(w, "connections { other { keying = fake\n children { net { " TS(A, "10.9.0.0/16") "} } } }");
	assert_string_equal(world_notes(w), ""); /* the policy stays for the SA */
	assert_string_equal(peer->connection->name, "west");
	assert_string_equal(child->conf->name, "net");
	world_run(w, RV_S(100));
	assert_string_equal(world_notes(w), "child_rekey");
	rv_peer_down(peer, -RV_EPEER_GONE, "gone");
	assert_int_equal(w->n_policies, 0);
}

static void dynamic_selectors_stand_for_single_addresses(void **state)
{
	struct world *w = *state;
	char text[RV_TS_TEXT];

	world_load(w, WEST("net { start_action = trap\n mode = transport\n" TS("dynamic[tcp]", "dynamic[tcp/80]") "}"));
	assert_int_equal(w->n_policies, 1);
	assert_string_equal(rv_ts_text(&w->policies[0].local_ts, text), "10.0.0.1/32[tcp]");
	assert_string_equal(rv_ts_text(&w->policies[0].remote_ts, text), "10.0.0.2/32[tcp/80]");
	assert_true(w->nets[0].transport);
	world_load(w, "connections { west { keying = fake\n remote_addrs = 10.0.0.2, 10.0.0.3\n"
		      "children { net { start_action = trap } } } }");
	assert_int_equal(w->n_policies, 0);
	/* our own address is the one that the peer is reached from */
	world_load(w, "connections { west { keying = fake\n remote_addrs = 10.0.0.2\n"
		      "children { net { start_action = trap } } } }");
	assert_int_equal(w->n_policies, 1);
	assert_string_equal(rv_ts_text(&w->policies[0].local_ts, text), "10.0.0.1/32");
}

static void an_interface_of_its_own_is_a_policy_of_its_own(void **state)
{
	struct world *w = *state;

	world_load(w, WEST("one { start_action = trap\n interface = vpn7\n" TS(A, B) "}"));
	assert_string_equal(w->nets[0].ifname, "vpn7");
	assert_string_equal(w->policies[0].interface, "vpn7");
}

static void a_trap_that_fails_is_taken_back(void **state)
{
	struct world *w = *state;

	w->fail = "N+";
	world_load(w, WEST("net { start_action = trap\n" TS(A, B) "}"));
	assert_string_equal(world_notes(w), "P+ N+ P-");
	w->fail = NULL;
	w->pend = "*";
	world_load(w, WEST("net { start_action = trap\n" TS(A, B) "}"));
	assert_true(world_answer(w, 0));
	assert_true(world_answer(w, -EIO));
	assert_string_equal(world_notes(w), "P+ N+ P-");
	world_load(w, WEST("net { start_action = trap\n" TS(A, B) "}"));
	world_load(w, WEST("net { " TS(A, B) "}")); /* while the kernel still works on it */
	assert_int_equal(w->n_calls, 0);
	assert_int_equal(w->n_policies, 0);
}

struct waiter {
	struct rv_call call;
	int result, times;
};

static void answered(struct rv_call *call, int result)
{
	struct waiter *waiter = rv_container_of(call, struct waiter, call);

	waiter->result = result;
	waiter->times++;
}

static void an_sa_waits_for_a_policy_that_is_on_its_way(void **state)
{
	struct world *w = *state;
	static const struct rv_child_keys keys;
	struct waiter waiter = { 0 };

	w->pend = "P+ N+";
	world_load(w, WEST("net { start_action = trap\n" TS(A, B) "}"));
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);
	world_notes(w);
	rv_call_init(&waiter.call, answered);
	assert_int_equal(rv_child_install(child, &keys, NULL, false, &waiter.call), RV_PENDING);
	assert_string_equal(world_notes(w), "");
	assert_true(world_answer(w, 0));
	assert_string_equal(world_notes(w), "N+ I+ O+");
	assert_int_equal(waiter.times, 0);
	assert_true(world_answer(w, 0));
	assert_int_equal(waiter.times, 1);
	assert_int_equal(waiter.result, 0);
}

static void an_sa_whose_trap_failed_tries_itself(void **state)
{
	struct world *w = *state;
	static const struct rv_child_keys keys;
	struct waiter waiter = { 0 };

	w->pend = "P+";
	world_load(w, WEST("net { start_action = trap\n" TS(A, B) "}"));
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);
	rv_call_init(&waiter.call, answered);
	assert_int_equal(rv_child_install(child, &keys, NULL, false, &waiter.call), RV_PENDING);
	assert_true(world_answer(w, -EIO));
	assert_int_equal(waiter.times, 1);
	assert_int_equal(waiter.result, -EIO);
	w->pend = NULL;
	assert_int_equal(rv_child_install(child, &keys, NULL, false, &waiter.call), 0);
}

struct listing {
	unsigned n;
	char whose[80];
};

static int list(const struct rv_policy_spec *policy, const char *whose, void *arg)
{
	struct listing *listing = arg;

	listing->n++;
	snprintf(listing->whose, sizeof(listing->whose), "%s", whose);
	return 0;
}

static void policies_can_be_listed(void **state)
{
	struct world *w = *state;
	struct listing listing = { 0 };

	world_load(w, WEST("net { start_action = trap\n" TS(A, B) "}"));
	rv_spd_each(w->core, list, &listing);
	assert_int_equal(listing.n, 1);
	assert_string_equal(listing.whose, "trap net of west");
}

static void one_pair_cannot_be_dropped_and_protected(void **state)
{
	struct world *w = *state;

	world_load(w, WEST("net { start_action = trap\n" TS(A, B) "}\n no { mode = drop\n start_action = trap\n" TS(
			      A, B) "}"));
	assert_int_equal(w->n_policies, 1);
	assert_int_equal(w->policies[0].action, RV_TUNNEL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reqid_comes_back_as_late_as_possible),
		TEST(a_reqid_taken_by_number_is_not_given_out),
		TEST(selectors_make_a_cross_product),
		TEST(too_many_pairs_are_refused),
		TEST(narrower_policies_go_first),
		TEST(a_bypass_goes_before_an_equally_wide_tunnel),
		TEST(what_is_dropped_is_dropped_on_every_interface),
		TEST(a_trap_and_its_sa_are_one_policy),
		TEST(two_sas_with_the_same_selectors_share_a_reqid),
		TEST(a_reload_keeps_traps_that_stay_the_same),
		TEST(a_live_sa_outlives_its_configuration),
		TEST(dynamic_selectors_stand_for_single_addresses),
		TEST(an_interface_of_its_own_is_a_policy_of_its_own),
		TEST(a_trap_that_fails_is_taken_back),
		TEST(an_sa_waits_for_a_policy_that_is_on_its_way),
		TEST(an_sa_whose_trap_failed_tries_itself),
		TEST(policies_can_be_listed),
		TEST(one_pair_cannot_be_dropped_and_protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

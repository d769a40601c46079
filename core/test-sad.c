// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-sad: child SAs from birth to death: the order of installing and undoing, lifetimes, what kernels report. */
#include "test.h"

#include "sa/inner.h"
#include "world.h"

#include <errno.h>

#define CONNECTION(children)                                                                                           \
	"connections { west { keying = fake\n local_addrs = 10.0.0.1\n remote_addrs = 10.0.0.2\n children { " children \
	" } } }"
#define NET                                                                                                            \
	"net { local_ts = 10.1.0.0/16\n remote_ts = 10.2.0.0/16\n rekey_time = 100s\n life_time = 110s\n rand_time = " \
	"0s }"

static int begin(void **state)
{
	*state = world_new(CONNECTION(NET));
	return 0;
}

static int end(void **state)
{
	world_end(*state);
	return 0;
}

static void policy_then_sas_then_routes_and_back(void **state)
{
	struct world *w = *state;
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);

	world_notes(w);
	world_install(w, child, NULL);
	assert_string_equal(world_notes(w), "P+ I+ O+ N+ [child-up]");
	assert_int_equal(child->state, RV_CHILD_INSTALLED);
	assert_string_equal(w->nets[0].ifname, "ravelin0");
	assert_int_equal(w->nets[0].mark, 0x52);
	assert_true(w->nets[0].route && w->nets[0].guard && !w->nets[0].transport);
	rv_child_down(child, 0);
	assert_string_equal(world_notes(w), "[child-down] O- I- N- P-");
}

static void an_sa_gets_everything_that_was_negotiated(void **state)
{
	struct world *w = *state;
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);
	struct world_sa *in, *out;
	char text[RV_ADDR_TEXT];

	world_install(w, child, NULL);
	in = world_sa(w, RV_IN, child->spi_in);
	out = world_sa(w, RV_OUT, 7);
	assert_true(in && out);
	assert_string_equal(rv_addr_text(&in->spec.src, text), "10.0.0.2:4500");
	assert_string_equal(rv_addr_text(&out->spec.dst, text), "10.0.0.2:4500");
	assert_int_equal(in->encr[0], 1);
	assert_int_equal(out->encr[0], 2);
	assert_int_equal(in->integ[0], 3);
	assert_int_equal(out->integ[0], 4);
	assert_int_equal(in->spec.reqid, out->spec.reqid);
	assert_int_equal(w->policies[0].reqid, in->spec.reqid);
	assert_int_equal(in->spec.child_id, child->id);
	assert_int_equal(in->spec.replay_window, 32);
	assert_true(in->spec.encap);
	assert_int_equal(in->spec.chosen.t[0].id, 20);
	assert_ptr_equal(rv_child_by_spi(w->core, child->spi_in), child);
	assert_ptr_equal(rv_child_by_id(w->core, child->id), child);
}

static const struct {
	const char *what, *fail, *notes;
} failures[] = {
	{ "the kernel refuses the policy", "P+", "P+" },
	{ "the kernel refuses the inbound SA", "I+", "P+ I+ P-" },
	{ "the kernel refuses the outbound SA", "O+", "P+ I+ O+ I- P-" },
	{ "the net refuses the route", "N+", "P+ I+ O+ N+ O- I- P-" },
};

static void done_nothing(struct rv_call *call, int result)
{
	fail_msg("a call that failed at once was answered");
}

static const struct rv_child_keys no_keys;

static void a_failure_undoes_what_was_done(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer = world_peer(w, "west");

	for (size_t i = 0; i < RV_COUNT(failures); i++) {
		struct rv_child *child = world_child(w, peer, "net", 7);
		struct rv_call call;

		world_notes(w);
		w->fail = failures[i].fail;
		w->fail_after = 0;
		rv_call_init(&call, done_nothing);
		assert_int_equal(rv_child_install(child, &no_keys, NULL, false, &call), -EIO);
		if (strcmp(world_notes(w), failures[i].notes) != 0)
			fail_msg("%s", failures[i].what);
		w->fail = NULL;
		rv_child_down(child, 0);
		assert_string_equal(world_notes(w), "");
	}
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

static void every_step_may_be_answered_later(void **state)
{
	struct world *w = *state;
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);
	struct waiter waiter = { 0 };
	uint8_t key[20] = { 9 };
	struct rv_child_keys keys = { .encr_in = rv_bytes(key, 20), .encr_out = rv_bytes(key, 20) };

	w->pend = "*";
	rv_call_init(&waiter.call, answered);
	assert_int_equal(rv_child_install(child, &keys, NULL, false, &waiter.call), RV_PENDING);
	memset(key, 0, sizeof(key)); /* they were lent for the call only */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(waiter.times, 0);
		assert_true(world_answer(w, 0));
	}
	assert_int_equal(waiter.times, 1);
	assert_int_equal(waiter.result, 0);
	assert_int_equal(world_sa(w, RV_OUT, 7)->encr[0], 9);
	assert_int_equal(child->state, RV_CHILD_INSTALLED);
}

static void a_late_failure_undoes_too(void **state)
{
	struct world *w = *state;
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);
	struct waiter waiter = { 0 };

	w->pend = "*";
	rv_call_init(&waiter.call, answered);
	assert_int_equal(rv_child_install(child, &no_keys, NULL, false, &waiter.call), RV_PENDING);
	world_answer(w, 0);
	world_answer(w, 0);
	world_notes(w);
	world_answer(w, -ENOSPC);
	assert_string_equal(world_notes(w), "I- P-");
	assert_int_equal(waiter.times, 1);
	assert_int_equal(waiter.result, -ENOSPC);
	assert_int_equal(child->state, RV_CHILD_NEW);
}

static void an_install_can_be_cancelled_at_every_step(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer = world_peer(w, "west");

	for (int steps = 0; steps < 4; steps++) {
		struct rv_child *child = world_child(w, peer, "net", 7);
		struct waiter waiter = { 0 };

		w->pend = "*";
		rv_call_init(&waiter.call, answered);
		assert_int_equal(rv_child_install(child, &no_keys, NULL, false, &waiter.call), RV_PENDING);
		for (int i = 0; i < steps; i++)
			world_answer(w, 0);
		rv_call_cancel(&waiter.call);
		assert_int_equal(waiter.times, 0);
		assert_int_equal(w->n_calls, 0);
		assert_int_equal(w->n_policies, 0);
		assert_null(world_sa(w, RV_IN, child->spi_in));
		rv_child_down(child, 0);
	}
}

static void taking_a_child_down_ends_its_install(void **state)
{
	struct world *w = *state;
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);
	struct waiter waiter = { 0 };

	w->pend = "*";
	rv_call_init(&waiter.call, answered);
	assert_int_equal(rv_child_install(child, &no_keys, NULL, false, &waiter.call), RV_PENDING);
	world_answer(w, 0);
	rv_child_down(child, 0);
	assert_int_equal(waiter.times, 1);
	assert_int_equal(waiter.result, -RV_ECANCELLED);
	assert_int_equal(w->n_calls, 0);
}

static void a_responder_installs_the_inbound_sa_first(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer = world_peer(w, "west");
	struct rv_child *old = world_child(w, peer, "net", 7), *child;
	struct rv_call call;

	world_install(w, old, NULL);
	child = world_child(w, peer, "net", 8);
	world_notes(w);
	rv_call_init(&call, done_nothing);
	assert_int_equal(rv_child_install(child, &no_keys, old, true, &call), 0);
	assert_string_equal(world_notes(w), "I+");
	assert_int_equal(old->state, RV_CHILD_INSTALLED);
	assert_int_equal(child->reqid, old->reqid);
	assert_int_equal(rv_child_install(child, &no_keys, old, false, &call), 0);
	assert_string_equal(world_notes(w), "O+ [child-rekeyed]");
	assert_int_equal(old->state, RV_CHILD_REKEYED);
	rv_child_down(old, 0); /* a replaced one goes without a word, and the policy stays for the new one */
	assert_string_equal(world_notes(w), "O-");
	assert_int_equal(w->n_policies, 1);
	assert_int_equal(rv_child_install(child, &no_keys, NULL, false, &call), -RV_ESTATE);
	world_run(w, RV_S(4)); /* what was sent on it may still be under way */
	assert_string_equal(world_notes(w), "");
	world_run(w, RV_S(2));
	assert_string_equal(world_notes(w), "I-");
}

static void what_lingers_ends_with_the_session(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer = world_peer(w, "west");
	struct rv_child *old = world_child(w, peer, "net", 7), *child = world_child(w, peer, "net", 8);
	unsigned gone = 0;

	world_install(w, old, NULL);
	world_install(w, child, old);
	rv_child_down(old, 0);
	world_notes(w);
	rv_peer_down(peer, 0, "asked for");
	for (const char *at = world_notes(w); (at = strstr(at, "I-")); at++)
		gone++;
	assert_int_equal(gone, 2);
	world_run(w, RV_S(10));
	assert_string_equal(world_notes(w), "");
}

static void a_soft_limit_rekeys_and_a_hard_one_ends(void **state)
{
	struct world *w = *state;
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);

	world_install(w, child, NULL);
	world_notes(w);
	world_run(w, RV_S(99));
	assert_string_equal(world_notes(w), "");
	world_run(w, RV_S(1));
	assert_string_equal(world_notes(w), "child_rekey");
	child->state = RV_CHILD_REKEYING;
	world_run(w, RV_S(9));
	assert_string_equal(world_notes(w), ""); /* it is being rekeyed already */
	world_run(w, RV_S(1));
	assert_string_equal(world_notes(w), "[expire] O- I- child_down");
	assert_int_equal(child->state, RV_CHILD_DELETING);
	world_run(w, RV_S(1000));
	assert_string_equal(world_notes(w), "");
}

static void a_rekey_that_did_not_happen_is_asked_for_again(void **state)
{
	struct world *w = *state;

	world_install(w, world_child(w, world_peer(w, "west"), "net", 7), NULL);
	world_notes(w);
	world_run(w, RV_S(100));
	assert_string_equal(world_notes(w), "child_rekey");
	world_run(w, RV_S(9));
	assert_string_equal(world_notes(w), "child_rekey");
	w->child_down_returns = -EIO; /* it cannot tell the peer: the child goes anyway */
	world_run(w, RV_S(1));
	assert_string_equal(world_notes(w), "[expire] O- I- child_down [child-down] N- P-");
}

static void a_replaced_child_is_not_rekeyed_again(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer = world_peer(w, "west");
	struct rv_child *old = world_child(w, peer, "net", 7);

	world_install(w, old, NULL);
	world_run(w, RV_S(50));
	world_install(w, world_child(w, peer, "net", 8), old);
	world_notes(w);
	world_run(w, RV_S(59));
	assert_string_equal(world_notes(w), "");
	world_run(w, RV_S(1)); /* but if its peer never deletes it, it ends */
	assert_string_equal(world_notes(w), "[expire] O- I- child_down");
}

static void a_kernel_reports_limits(void **state)
{
	struct world *w = *state;
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);

	world_install(w, child, NULL);
	world_notes(w);
	w->kernel.expire(w->kernel.arg, child->id + 1, true);
	world_run(w, 1);
	assert_string_equal(world_notes(w), "");
	w->kernel.expire(w->kernel.arg, child->id, false);
	assert_string_equal(world_notes(w), ""); /* not in the middle of the kernel's work */
	world_run(w, 1);
	assert_string_equal(world_notes(w), "child_rekey");
	w->kernel.expire(w->kernel.arg, child->id, true);
	world_run(w, 1);
	assert_string_equal(world_notes(w), "[expire] O- I- child_down");
}

static void a_kernel_sees_a_new_mapping(void **state)
{
	struct world *w = *state;
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);
	struct rv_addr there;

	world_install(w, child, NULL);
	world_notes(w);
	assert_int_equal(rv_addr_parse(&there, "192.0.2.9:1024"), 0);
	w->kernel.mapping(w->kernel.arg, child->spi_in + 1, &there);
	w->kernel.mapping(w->kernel.arg, child->spi_in, &there);
	assert_string_equal(world_notes(w), "moved U U [peer-moved]");
	assert_true(rv_addr_same(&world_sa(w, RV_OUT, 7)->spec.dst, &there));
	assert_true(rv_addr_same(&world_sa(w, RV_IN, child->spi_in)->spec.src, &there));
}

static void a_child_without_traffic_ends(void **state)
{
	struct world *w = *state;

	world_load(w, CONNECTION("net { local_ts = 10.1.0.0/16\n remote_ts = 10.2.0.0/16\n rekey_time = 0s\n"
				 "inactivity = 30s }"));
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);

	world_install(w, child, NULL);
	world_notes(w);
	world_run(w, RV_S(20));
	world_sa(w, RV_IN, child->spi_in)->last_used_us = w->now_us;
	assert_int_equal(rv_peer_last_in_us(child->peer), w->now_us);
	world_run(w, RV_S(29));
	assert_string_equal(world_notes(w), "");
	world_run(w, RV_S(1));
	assert_string_equal(world_notes(w), "[expire] O- I- child_down");
}

static void counters_come_from_the_kernel(void **state)
{
	struct world *w = *state;
	struct rv_child *child = world_child(w, world_peer(w, "west"), "net", 7);
	struct rv_sa_stats stats;

	assert_int_equal(rv_child_stats(child, RV_IN, &stats), -RV_ESTATE);
	world_install(w, child, NULL);
	assert_int_equal(rv_child_stats(child, RV_OUT, &stats), 0);
	assert_int_equal(stats.packets, 3);
}

static void users_are_named(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer = world_peer(w, "west");
	struct rv_child *child = world_child(w, peer, "net", 7);
	char text[64];

	child->user.text(&child->user, text, sizeof(text));
	assert_string_equal(text, "child SA net #1 of west");
	peer->user.text(&peer->user, text, sizeof(text));
	assert_string_equal(text, "session #1 of west");
}

static void a_freed_session_takes_its_children_along(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer = world_peer(w, "west");

	world_install(w, world_child(w, peer, "net", 7), NULL);
	world_child(w, peer, "net", 8);
	talloc_free(peer);
	assert_int_equal(w->n_policies, 0);
	assert_null(rv_peer_by_id(w->core, 1));
	assert_null(rv_child_by_id(w->core, 1));
}

static int count(struct rv_child *child, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

/* The record holds few SAs, so these are not installed; the tables are what counts. */
static void many_children_are_found(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer = world_peer(w, "west");
	enum { N = 20000 };
	uint32_t spis[N];
	unsigned n = 0;

	for (unsigned i = 0; i < N; i++)
		spis[i] = world_child(w, peer, "net", i)->spi_in;
	for (unsigned i = 0; i < N; i += 2)
		rv_child_down(rv_child_by_spi(w->core, spis[i]), 0);
	for (unsigned i = 0; i < N; i++)
		assert_true(!rv_child_by_spi(w->core, spis[i]) == (i % 2 == 0));
	rv_sad_each_child(w->core, count, &n);
	assert_int_equal(n, N / 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(policy_then_sas_then_routes_and_back),
		TEST(an_sa_gets_everything_that_was_negotiated),
		TEST(a_failure_undoes_what_was_done),
		TEST(every_step_may_be_answered_later),
		TEST(a_late_failure_undoes_too),
		TEST(an_install_can_be_cancelled_at_every_step),
		TEST(taking_a_child_down_ends_its_install),
		TEST(a_responder_installs_the_inbound_sa_first),
		TEST(what_lingers_ends_with_the_session),
		TEST(a_soft_limit_rekeys_and_a_hard_one_ends),
		TEST(a_rekey_that_did_not_happen_is_asked_for_again),
		TEST(a_replaced_child_is_not_rekeyed_again),
		TEST(a_kernel_reports_limits),
		TEST(a_kernel_sees_a_new_mapping),
		TEST(a_child_without_traffic_ends),
		TEST(counters_come_from_the_kernel),
		TEST(users_are_named),
		TEST(a_freed_session_takes_its_children_along),
		TEST(many_children_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-reauth: sessions that are authenticated anew while traffic goes on (RFC 7296, 2.8.3). */
#include "pair.h"

#include "ike-sa.h"

#define TIMES "reauth_time = 1h\n over_time = 10m\n rand_time = 5m"

static int reauth(struct sim_host *host)
{
	struct rv_peer *peer = peer_of(host);
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);

	return ops->reauth(rv_service_self(peer->keying.service), peer);
}

static const struct rv_ike_sa *sa_of(struct sim_host *host)
{
	return peer_of(host)->sa;
}

/* Runs for us and looks every millisecond: at no time is there no SA that carries in both directions. */
static void carry_on(struct pair *p, uint64_t us)
{
	for (uint64_t end = sim_now_us(p->sim) + us; sim_now_us(p->sim) < end;) {
		sim_run(p->sim, 1000);
		if (!carries(p))
			fail_msg("nothing is carried, %u ms before the end",
				 (unsigned)((end - sim_now_us(p->sim)) / 1000));
	}
}

static void a_new_session_takes_over_without_a_gap(void **state)
{
	struct pair *p = pair_new(NULL, NULL);

	bring_up(p);
	const uint32_t west = peer_of(p->west)->id, east = peer_of(p->east)->id;

	assert_int_equal(reauth(p->west), 0);
	assert_int_equal(reauth(p->west), 0); /* under way: once is enough */
	carry_on(p, RV_S(2));
	assert_true(pair_up(p));
	assert_true(peer_of(p->west)->id > west);
	assert_true(peer_of(p->east)->id > east);
	struct rv_attempt *attempt = last_attempt(p->west);

	assert_int_equal(attempt->code, 0);
	assert_true(says(attempt, "IKE_SA_INIT") && says(attempt, "IKE_AUTH"));
	assert_false(says(attempt, "INITIAL_CONTACT"));
	pair_free(p);
}

static void all_children_come_along(void **state)
{
	const struct side west = { .children = "other { local_ts = 10.5.0.0/16\n remote_ts = 10.6.0.0/16 }\n" };
	const struct side east = { .children = "other { local_ts = 10.6.0.0/16\n remote_ts = 10.5.0.0/16 }\n" };
	struct pair *p = pair_new(&west, &east);
	struct rv_attempt *attempt;

	bring_up(p);
	attempt = try_up(p, "other", RV_S(10));
	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	assert_int_equal(sim_n_sas(p->east), 4);
	const uint32_t old = peer_of(p->west)->id;

	assert_int_equal(reauth(p->west), 0);
	carry_on(p, RV_S(2));
	assert_true(peer_of(p->west)->id > old);
	assert_int_equal(n_peers(p->west), 1);
	assert_int_equal(sim_n_sas(p->west), 4);
	assert_int_equal(sim_n_sas(p->east), 4);
	assert_true(sim_packet(p->west, p->east, "10.5.0.5", "10.6.0.5"));
	pair_free(p);
}

static void who_did_not_set_the_session_up_cannot(void **state)
{
	struct pair *p = pair_new(NULL, NULL);

	bring_up(p);
	assert_int_equal(reauth(p->east), -RV_ESTATE);
	sim_run(p->sim, RV_S(2));
	assert_true(pair_up(p));
	pair_free(p);
}

static void it_happens_by_time_with_jitter_across_rekeys(void **state)
{
	const struct side west = { .connection = "rekey_time = 20m\n" TIMES };
	struct pair *p = pair_new(&west, NULL);

	bring_up(p);
	const uint32_t old = peer_of(p->west)->id;
	const uint64_t began = sim_now_us(p->sim), due = sa_of(p->west)->reauth_us;

	assert_true(due > began + RV_S(3300) - RV_S(10) && due <= began + RV_S(3600));
	sim_run(p->sim, RV_S(1500)); /* past a rekey, which changes nothing of it */
	assert_true(sa_of(p->west)->predecessor != 0);
	assert_int_equal(sa_of(p->west)->reauth_us, due);
	assert_int_equal(peer_of(p->west)->id, old);
	sim_run(p->sim, due - sim_now_us(p->sim) - 1000);
	assert_int_equal(peer_of(p->west)->id, old);
	carry_on(p, RV_S(2));
	assert_true(peer_of(p->west)->id > old);
	assert_true(pair_up(p));
	assert_true(sa_of(p->west)->reauth_us > sim_now_us(p->sim) + RV_S(3200));
	pair_free(p);
}

/* The secret changed at the peer: the old session goes on while that may be mended, and then ends at both sides. */
static void a_failure_is_tried_again_until_the_session_is_over(void **state)
{
	const struct side west = { .connection = "rekey_time = 0\n" TIMES };
	struct pair *p = pair_new(&west, NULL);
	unsigned attempts = 0;

	bring_up(p);
	const uint64_t began = sim_now_us(p->sim);
	const struct side other = { .secret = "another-one" };

	struct rv_why why = { 0 };

	assert_int_equal(rv_core_load_text(p->east->core, "east", side_config(p, false, &other), &why), 0);
	sim_run(p->sim, RV_S(3700));
	assert_true(pair_up(p));
	rv_list_each (&p->west->core->attempts, attempt, struct rv_attempt, entry)
		attempts += attempt->code == -RV_EAUTH_FAILED;
	assert_true(attempts >= 3);
	sim_run(p->sim, began + RV_S(4205) - sim_now_us(p->sim));
	assert_true(pair_down(p));
	pair_free(p);
}

static void a_responder_deletes_who_does_not_come_again(void **state)
{
	const struct side east = { .connection = "rekey_time = 0\n" TIMES };
	struct pair *p = pair_new(NULL, &east);

	bring_up(p);
	sim_run(p->sim, RV_S(4190));
	assert_true(pair_up(p));
	sim_run(p->sim, RV_S(20));
	assert_true(pair_down(p));
	pair_free(p);
}

/* unique = replace: the one that takes over says no INITIAL_CONTACT, so the older one has time to be deleted */
static void sessions_that_replace_each_other_leave_no_gap(void **state)
{
	const struct side with = { .connection = "unique = replace" };
	struct pair *p = pair_new(&with, &with);

	bring_up(p);
	const uint32_t old = peer_of(p->west)->id;

	assert_int_equal(reauth(p->west), 0);
	carry_on(p, RV_S(20));
	assert_true(peer_of(p->west)->id > old);
	assert_true(pair_up(p));
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_session_takes_over_without_a_gap),
		cmocka_unit_test(all_children_come_along),
		cmocka_unit_test(who_did_not_set_the_session_up_cannot),
		cmocka_unit_test(it_happens_by_time_with_jitter_across_rekeys),
		cmocka_unit_test(a_failure_is_tried_again_until_the_session_is_over),
		cmocka_unit_test(a_responder_deletes_who_does_not_come_again),
		cmocka_unit_test(sessions_that_replace_each_other_leave_no_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-overlap: windows larger than one: several requests of a side at once, over a network that loses, doubles and
 * reorders them (RFC 7296, 2.3), and the end of message IDs (2.2).
 */
#include "pair.h"

#include "requests.h"
#include "transitions.h"

static const char *const names[] = { "a", "b", "c" };

#define CHILD(name, local, remote)                                                                                     \
	name " { local_ts = 10." local ".0.0/16\n remote_ts = 10." remote ".0.0/16\n esp_proposals = aes128gcm16 }\n"

/* Three more child SAs on either side. */
static const struct side west_side = { .settings = "window = 4\n retransmit_timeout = 1s\n retransmit_base = 1.0\n "
						   "retransmit_tries = 40",
				       .children =
					       CHILD("a", "11", "12") CHILD("b", "21", "22") CHILD("c", "31", "32") },
			 east_side = { .settings = "window = 3\n retransmit_timeout = 1s\n retransmit_base = 1.0\n "
						   "retransmit_tries = 40",
				       .children =
					       CHILD("a", "12", "11") CHILD("b", "22", "21") CHILD("c", "32", "31") };

static struct rv_ike_sa *sa_of(struct sim_host *host)
{
	return peer_of(host)->sa;
}

static unsigned n_out(struct sim_host *host)
{
	unsigned n = 0;

	if (!peer_of(host) || !sa_of(host))
		return 0;
	rv_list_each (&sa_of(host)->requests, x, struct rv_ike_exchange, entry)
		n += x->phase == IKE_WAITING;
	return n;
}

/* What was seen at the most while the world ran. */
struct seen {
	struct pair *p;
	unsigned out, ahead, kept;
};

static bool look(void *arg)
{
	struct seen *seen = arg;
	const struct rv_ike_sa *east = peer_of(seen->p->east) ? sa_of(seen->p->east) : NULL;
	unsigned n = n_out(seen->p->west), ahead = 0, kept = 0;

	for (const struct rv_ike_exchange *x = east ? east->ahead : NULL; x; x = x->behind)
		ahead++;
	for (const struct ike_response *r = east ? east->response : NULL; r; r = r->older)
		kept++;
	seen->out = n > seen->out ? n : seen->out;
	seen->ahead = ahead > seen->ahead ? ahead : seen->ahead;
	seen->kept = kept > seen->kept ? kept : seen->kept;
	return false;
}

static bool all_up(void *arg)
{
	struct seen *seen = arg;

	(void)look(seen);
	return sim_n_sas(seen->p->west) == 8 && sim_n_sas(seen->p->east) == 8 && !n_out(seen->p->west);
}

static void ask(struct pair *p, const char *child)
{
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	if (rv_core_up(p->west->core, "east", child, "test", &attempt, &why))
		fail_msg("%s: %s", child, why.text);
	rv_attempt_drop(attempt);
}

static void as_many_requests_go_out_as_the_peer_takes(void **state)
{
	static const struct side one = { .children =
						 CHILD("a", "12", "11") CHILD("b", "22", "21") CHILD("c", "32", "31") },
				 two = { .settings = "window = 2",
					 .children =
						 CHILD("a", "12", "11") CHILD("b", "22", "21") CHILD("c", "32", "31") };
	const struct {
		const struct side *east;
		unsigned window;
	} rows[] = { { &one, 1 }, { &two, 2 }, { &east_side, 3 } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = pair_new(&west_side, rows[i].east);
		struct seen seen = { .p = p };

		bring_up(p);
		assert_int_equal(sa_of(p->west)->window_out, rows[i].window);
		assert_int_equal(sa_of(p->east)->window_out, 4);
		sim_net(p->sim, &(struct sim_net){ .delay_min_us = 50000, .delay_max_us = 50000 });
		for (size_t n = 0; n < RV_COUNT(names); n++)
			ask(p, names[n]);
		assert_true(sim_until(p->sim, all_up, &seen, RV_S(10)));
		assert_int_equal(seen.out, rows[i].window);
		assert_int_equal(seen.kept, rows[i].window);
		pair_free(p);
	}
}

static void requests_that_overtake_one_another_are_all_answered(void **state)
{
	unsigned reordered = 0;

	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct pair *p = pair_new(&west_side, &east_side);
		struct seen seen = { .p = p };

		bring_up(p);
		sim_reseed(p->sim, seed);
		sim_net(p->sim,
			&(struct sim_net){ .loss = 25, .twice = 30, .delay_min_us = 1000, .delay_max_us = 400000 });
		for (size_t n = 0; n < RV_COUNT(names); n++)
			ask(p, names[n]);
		if (!sim_until(p->sim, all_up, &seen, RV_S(60)))
			fail_msg("seed %u: %u SAs", (unsigned)seed, sim_n_sas(p->west));
		assert_int_equal(seen.out, 3);
		reordered += seen.ahead > 0;
		sim_net(p->sim, &(struct sim_net){ .delay_min_us = 1000, .delay_max_us = 1000 });
		sim_run(p->sim, RV_S(2));
		assert_null(sa_of(p->east)->ahead);
		assert_int_equal(sa_of(p->west)->next_out, sa_of(p->east)->next_in);
		assert_int_equal(ike_delete(sa_of(p->west)), 0);
		assert_true(sim_until(p->sim, pair_down, p, RV_S(5)));
		pair_free(p);
	}
	assert_true(reordered > 5);
}

/* RFC 7296, 2.3: "When rekeying an IKE SA, the new IKE SA starts with window size 1 until it is explicitly increased"
 */
static void a_rekeyed_ike_sa_says_its_window_anew(void **state)
{
	struct pair *p = pair_new(&west_side, &east_side);

	bring_up(p);
	assert_int_equal(ike_rekey(sa_of(p->west)), 0);
	sim_run(p->sim, RV_S(1));
	assert_int_equal(sa_of(p->west)->next_out, 0);
	assert_int_equal(sa_of(p->west)->window_in, 1);
	assert_int_equal(sa_of(p->west)->window_out, 1);
	assert_int_equal(ike_liveness(sa_of(p->west)), 0);
	sim_run(p->sim, RV_S(1));
	assert_int_equal(sa_of(p->west)->window_out, 3);
	assert_int_equal(sa_of(p->east)->window_out, 4);
	pair_free(p);
}

static void what_must_be_alone_is_alone(void **state)
{
	struct pair *p = pair_new(&west_side, &east_side);
	struct seen seen = { .p = p };
	uint64_t spi;

	bring_up(p);
	spi = sa_of(p->west)->spi_i;
	sim_net(p->sim, &(struct sim_net){ .delay_min_us = 50000, .delay_max_us = 50000 });
	ask(p, "a");
	ask(p, "b");
	assert_int_equal(ike_rekey(sa_of(p->west)), 0);
	ask(p, "c");
	assert_false(sim_until(p->sim, look, &seen, RV_MS(90)));
	assert_int_equal(seen.out, 2); /* neither the rekey nor what was asked for behind it */
	assert_true(ike_exchange_busy(sa_of(p->west), &ike_plan_rekey));
	assert_int_equal(sa_of(p->west)->state, RV_IKE_ESTABLISHED);
	seen.out = 0;
	sim_run(p->sim, RV_MS(30));
	assert_int_equal(sa_of(p->west)->state, RV_IKE_REKEYING);
	assert_int_equal(n_out(p->west), 1);
	assert_true(sim_until(p->sim, all_up, &seen, RV_S(10)));
	assert_true(sa_of(p->west)->spi_i != spi);
	pair_free(p);
}

/* What is done to one child SA is done one after the other, and does not hold up the rest. */
static void requests_about_one_child_sa_do_not_overlap(void **state)
{
	struct pair *p = pair_new(&west_side, &east_side);
	uint32_t old;

	bring_up(p);
	old = child_of(p->west)->id;
	sim_net(p->sim, &(struct sim_net){ .delay_min_us = 50000, .delay_max_us = 50000 });
	assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
	assert_int_equal(ike_child_delete(child_of(p->west)), 0);
	assert_int_equal(ike_liveness(sa_of(p->west)), 0);
	sim_run(p->sim, RV_MS(10));
	assert_int_equal(n_out(p->west), 2);
	rv_list_each (&sa_of(p->west)->requests, x, struct rv_ike_exchange, entry)
		if (x->plan == &ike_plan_child_delete)
			assert_int_equal(x->phase, IKE_QUEUED);
	sim_run(p->sim, RV_S(5));
	assert_null(rv_child_by_id(p->west->core, old));
	assert_int_equal(sim_n_sas(p->west), sim_n_sas(p->east));
	assert_true(rv_list_empty(&sa_of(p->west)->requests));
	pair_free(p);
}

/* The message IDs of both directions, as if so many requests had gone before. */
static void at_id(struct pair *p, uint32_t id)
{
	sa_of(p->west)->next_out = sa_of(p->east)->next_in = id;
}

static void an_ike_sa_is_replaced_before_message_ids_end(void **state)
{
	static const struct {
		bool by_east; /* who minds */
		uint32_t id;
		bool replaced;
	} rows[] = { { false, UINT32_MAX - 5000, false },
		     { false, UINT32_MAX - 1024, true },
		     { true, UINT32_MAX - 1024, true },
		     { false, UINT32_MAX - 2, true } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = pair_new(&west_side, &east_side);
		uint64_t spi;

		bring_up(p);
		spi = sa_of(p->west)->spi_i;
		at_id(p, rows[i].id);
		assert_int_equal(ike_liveness(sa_of(p->west)), 0);
		if (rows[i].by_east)
			sa_of(p->west)->state = RV_IKE_REKEYING; /* as if a rekey of west's never got anywhere */
		sim_run(p->sim, RV_MS(500));
		if (rows[i].by_east)
			sa_of(p->west)->state = RV_IKE_ESTABLISHED;
		sim_run(p->sim, RV_S(5));
		assert_int_equal(sa_of(p->west)->spi_i != spi, rows[i].replaced);
		assert_true(!rows[i].replaced || sa_of(p->west)->next_out < 10);
		assert_int_equal(sa_of(p->west)->spi_i, sa_of(p->east)->spi_i);
		assert_true(pair_up(p));
		pair_free(p);
	}
}

static void an_ike_sa_without_message_ids_is_closed(void **state)
{
	struct pair *p = pair_new(&west_side, &east_side);

	bring_up(p);
	at_id(p, UINT32_MAX - 1);
	assert_int_equal(ike_liveness(sa_of(p->west)), 0);
	ask(p, "a");
	sim_run(p->sim, RV_MS(500));
	assert_int_equal(sa_of(p->west)->next_out, UINT32_MAX);
	assert_int_equal(sim_n_sas(p->west), 2); /* there is no ID left to ask for it */
	sim_run(p->sim, RV_S(2));
	assert_true(pair_down(p));
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_requests_go_out_as_the_peer_takes),
		cmocka_unit_test(requests_that_overtake_one_another_are_all_answered),
		cmocka_unit_test(a_rekeyed_ike_sa_says_its_window_anew),
		cmocka_unit_test(what_must_be_alone_is_alone),
		cmocka_unit_test(requests_about_one_child_sa_do_not_overlap),
		cmocka_unit_test(an_ike_sa_is_replaced_before_message_ids_end),
		cmocka_unit_test(an_ike_sa_without_message_ids_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

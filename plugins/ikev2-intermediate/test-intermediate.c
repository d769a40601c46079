// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-intermediate: two daemons with a third plugin that carries payloads between IKE_SA_INIT and IKE_AUTH, and what
 * IntAuth does when a side saw something else.
 */
#include "pair.h"

#include <ravelin/ikev2-intermediate.h>
#include <ravelin/ikev2-wire.h>

extern const struct rv_plugin rv_plugin_ikev2_intermediate;

enum { CARRIED = 210, EXCHANGE = 18, FLAGS = 19, RESPONSE = 0x20, REQUESTS = 3 };

/* What the carrier of a host did. */
struct carrier {
	unsigned sent, answered, read, ended, want;
	bool mix, without_agreement;
};

static struct carrier west_carrier, east_carrier;
static const struct rv_ike_plan plan;

static int build(struct rv_ike_exchange *x, void *self)
{
	struct carrier *c = self;

	c->sent++;
	return rv_ike_add(x, CARRIED, false, RV_STR("from the initiator"));
}

static int answer(struct rv_ike_exchange *x, void *self)
{
	struct carrier *c = self;

	c->answered++;
	if (c->mix)
		assert_int_equal(rv_ike_mix(x, RV_STR("shared")), 0);
	return rv_ike_add(x, CARRIED, false, RV_STR("from the responder"));
}

static int read_answer(struct rv_ike_exchange *x, void *self)
{
	struct carrier *c = self;

	c->read++;
	return c->mix ? rv_ike_mix(x, RV_STR("shared")) : 0;
}

static void ended(struct rv_ike_exchange *x, int result, void *self)
{
	struct carrier *c = self;

	c->ended++;
	if (!result && c->ended < c->want)
		assert_int_equal(rv_ike_start(rv_ike_sa(x), &plan, c), 0);
}

static rv_ike_step_fn *const builds[] = { build, NULL }, *const answers[] = { answer, NULL },
			     *const reads[] = { read_answer, NULL };
static const struct rv_ike_plan plan = {
	.story = "carry", .exchange = RV_IKE_INTERMEDIATE, .early = true, .build = builds, .end = ended
};
static const struct rv_ike_row rows[] = {
	{ RV_IKE_HALF_OPEN, RV_IKE_INTERMEDIATE, RV_IKE_RESPONDER, RV_IKE_N_STATES, .steps = answers,
	  .needs = { { 0, 0, 0, RV_IKE_P(CARRIED) } }, .story = "answer" },
	{ RV_IKE_HALF_OPEN, RV_IKE_INTERMEDIATE, RV_IKE_INITIATOR, RV_IKE_N_STATES, .plan = &plan, .steps = reads,
	  .story = "take" },
};

static int begin(struct rv_ike_exchange *x, void *self)
{
	struct carrier *c = self;
	struct rv_ike_sa *sa = rv_ike_sa(x);

	if (rv_ike_role(x) != RV_IKE_INITIATOR || !c->want ||
	    (!c->without_agreement && !rv_ike_agreed(sa, RV_IKE_INTERMEDIATE_SUPPORTED)))
		return 0;
	return rv_ike_start(sa, &plan, c);
}

static const struct rv_ike_task tasks[] = { { RV_IKE_AT_PATH, 34, begin } };
static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops),
					     .tasks = tasks,
					     .n_tasks = RV_COUNT(tasks),
					     .rows = rows,
					     .n_rows = RV_COUNT(rows),
					     .knows = { { 0, 0, 0, RV_IKE_P(CARRIED) } } };

static int init(struct rv_host *host)
{
	struct carrier *c = strcmp(sim_of(host)->name, "west") == 0 ? &west_carrier : &east_carrier;

	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "carrier" }, &ops, c);
}

RV_PLUGIN(carrier, "carrier", "version=1\0summary=A plugin of the test\0provides=ikev2-ext:carrier\0", .init = init);

static struct pair *carrier_pair(unsigned want, bool mix, bool west, bool east)
{
	const struct side sides[] = {
		{ .more = { { "carrier", &rv_plugin_carrier },
			    { west ? "ikev2-intermediate" : NULL, &rv_plugin_ikev2_intermediate } } },
		{ .more = { { "carrier", &rv_plugin_carrier },
			    { east ? "ikev2-intermediate" : NULL, &rv_plugin_ikev2_intermediate } } },
	};

	west_carrier = (struct carrier){ .want = want, .mix = mix };
	east_carrier = (struct carrier){ .mix = mix };
	return pair_new(&sides[0], &sides[1]);
}

static void payloads_are_carried_before_authentication(void **state)
{
	for (unsigned mix = 0; mix < 2; mix++) {
		struct pair *p = carrier_pair(REQUESTS, mix, true, true);

		bring_up(p);
		assert_int_equal(west_carrier.sent, REQUESTS);
		assert_int_equal(east_carrier.answered, REQUESTS);
		assert_int_equal(west_carrier.read, REQUESTS);
		assert_int_equal(pair_rekey(p->east), 0);
		sim_run(p->sim, RV_S(1));
		assert_true(pair_up(p));
		pair_free(p);
	}
}

static void nothing_is_carried_unless_both_can(void **state)
{
	for (unsigned side = 0; side < 2; side++) {
		struct pair *p = carrier_pair(1, false, side, !side);

		bring_up(p);
		assert_int_equal(west_carrier.sent, 0);
		pair_free(p);
	}
	struct pair *p = carrier_pair(1, false, false, true);

	west_carrier.without_agreement = true;
	struct rv_attempt *attempt = try_up(p, "net", RV_S(300));

	assert_true(attempt->ended && attempt->code);
	assert_int_equal(west_carrier.sent, 1);
	assert_int_equal(east_carrier.answered, 0);
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* one side takes what was carried into the proof, the other does not know of it: they do not come together */
static void what_was_carried_is_authenticated(void **state)
{
	struct pair *p = carrier_pair(1, false, true, false);

	west_carrier.without_agreement = true;
	struct rv_attempt *attempt = try_up(p, "net", RV_S(300));

	assert_int_equal(west_carrier.read, 1);
	assert_int_equal(attempt->code, -RV_EAUTH_FAILED);
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void repeated_messages_count_once(void **state)
{
	const struct sim_net bad = { .loss = 20, .twice = 30, .delay_min_us = 1000, .delay_max_us = 200000 };
	struct pair *p = carrier_pair(REQUESTS, true, true, true);

	sim_net(p->sim, &bad);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(400));

	if (attempt->code) {
		tell(attempt);
		fail_msg("it did not come up");
	}
	rv_attempt_drop(attempt);
	assert_int_equal(east_carrier.answered, REQUESTS);
	pair_free(p);
}

static void there_may_not_be_any_number(void **state)
{
	struct pair *p = carrier_pair(100, false, true, true);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(300));

	assert_true(attempt->ended && attempt->code);
	assert_int_equal(east_carrier.answered, 16);
	rv_attempt_drop(attempt);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payloads_are_carried_before_authentication),
		cmocka_unit_test(nothing_is_carried_unless_both_can),
		cmocka_unit_test(what_was_carried_is_authenticated),
		cmocka_unit_test(repeated_messages_count_once),
		cmocka_unit_test(there_may_not_be_any_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

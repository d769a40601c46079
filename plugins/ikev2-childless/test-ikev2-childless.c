// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ikev2-childless: two daemons that begin without a child SA, or must, or must not (RFC 6023).
 */
#include "pair.h"

#include <ravelin/ikev2-auth.h>

extern const struct rv_plugin rv_plugin_ikev2_childless;

/* A side with the plugin (mode NULL: without). */
static struct side side(const char *mode)
{
	struct side s = { 0 };

	if (!mode)
		return s;
	s.connection = talloc_asprintf(NULL, "childless = %s", mode);
	s.more[0] = (struct sim_plugin){ "ikev2-childless", &rv_plugin_ikev2_childless };
	return s;
}

static void side_free(struct side *s)
{
	talloc_free((void *)(uintptr_t)s->connection);
}

static struct pair *pair_of(const char *west, const char *east)
{
	struct side w = side(west), e = side(east);
	struct pair *p = pair_new(&w, &e);

	side_free(&w);
	side_free(&e);
	return p;
}

static bool both_established(void *arg)
{
	struct pair *p = arg;

	return n_peers(p->west) == 1 && n_peers(p->east) == 1 && peer_of(p->west)->established &&
	       peer_of(p->east)->established;
}

static void the_child_follows_where_both_can(void **state)
{
	static const struct {
		const char *west, *east;
		bool follows;
	} rows[] = {
		{ "prefer", "allow", true },  { "force", "allow", true },   { "prefer", "force", true },
		{ "allow", "allow", false },  { "prefer", "never", false }, { "prefer", NULL, false },
		{ "never", "prefer", false }, { NULL, "allow", false },
	};

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = pair_of(rows[i].west, rows[i].east);
		struct rv_attempt *attempt = try_up(p, "net", RV_S(30));

		assert_true(attempt->ended);
		assert_int_equal(attempt->code, 0);
		if (says(attempt, "CREATE_CHILD_SA") != rows[i].follows) {
			tell(attempt);
			fail_msg("row %u", i);
		}
		assert_true(sim_until(p->sim, pair_up, p, RV_S(5)));
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

static void who_cannot_agree_is_told_why(void **state)
{
	static const struct {
		const char *west, *east, *says;
		bool ike_sa_stays;
	} rows[] = {
		{ "force", "never", "childless = force, and the peer does not support", false },
		{ "force", NULL, "childless = force, and the peer does not support", false },
		{ "never", "force", "NO_ADDITIONAL_SAS", true },
		{ NULL, "force", "NO_ADDITIONAL_SAS", true },
	};

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = pair_of(rows[i].west, rows[i].east);
		struct rv_attempt *attempt = try_up(p, "net", RV_S(60));

		assert_true(attempt->ended);
		assert_int_not_equal(attempt->code, 0);
		assert_says(attempt, rows[i].says);
		sim_run(p->sim, RV_S(1));
		assert_int_equal(n_peers(p->west), rows[i].ike_sa_stays ? 1 : 0);
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

/* a child that is no tunnel leaves nothing to ask for in IKE_AUTH */
static void an_ike_sa_without_children(void **state)
{
	static const struct {
		const char *west, *east;
		bool up;
	} rows[] = { { "allow", "allow", true }, { "allow", "never", false }, { NULL, "allow", false } };

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct side w = side(rows[i].west), e = side(rows[i].east);
		struct rv_attempt *attempt;
		struct pair *p;

		w.child = e.child = "mode = pass";
		p = pair_new(&w, &e);
		attempt = try_up(p, NULL, RV_S(30));
		assert_true(attempt->ended);
		if (!attempt->code != rows[i].up) {
			tell(attempt);
			fail_msg("row %u", i);
		}
		assert_true(both_established(p) == rows[i].up);
		if (!rows[i].up)
			assert_says(attempt, "does not say that it accepts an IKE SA without one");
		rv_attempt_drop(attempt);
		pair_free(p);
		side_free(&w);
		side_free(&e);
	}
}

/* an initiator that does not keep to it */
static void a_responder_that_did_not_announce_it_refuses(void **state)
{
	struct pair *p = pair_of("allow", "never");
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	assert_int_equal(rv_core_up(p->west->core, "east", "net", "test", &attempt, &why), 0);
	rv_ike_childless(peer_of(p->west)->sa);
	assert_true(sim_until(p->sim, attempt_ended, attempt, RV_S(30)));
	assert_int_not_equal(attempt->code, 0);
	assert_says(attempt, "INVALID_SYNTAX");
	assert_int_equal(n_peers(p->east), 0);
	rv_attempt_drop(attempt);
	pair_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_child_follows_where_both_can),
		cmocka_unit_test(who_cannot_agree_is_told_why),
		cmocka_unit_test(an_ike_sa_without_children),
		cmocka_unit_test(a_responder_that_did_not_announce_it_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-peer: sessions come up, move, are bound to connections and end with what the configuration wants then. */
#include "test.h"

#include "sa/inner.h"
#include "world.h"

#include <talloc.h>

#define CHILD(more) "net { local_ts = 10.1.0.0/16\n remote_ts = 10.2.0.0/16\n" more " }"
#define NAMED(name, children)                                                                                          \
	name " { keying = fake\n local_addrs = 10.0.0.1\n remote_addrs = 10.0.0.2\n children { " children " } }"
#define CONFIG "connections { " NAMED("west", CHILD("")) NAMED("east", CHILD("")) " }"

static int begin(void **state)
{
	*state = world_new(CONFIG);
	return 0;
}

static int end(void **state)
{
	world_end(*state);
	return 0;
}

static void a_session_comes_and_goes(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer = world_peer(w, "west");

	assert_string_equal(world_notes(w), "[reloaded] [peer-up]");
	assert_true(peer->established);
	assert_int_equal(peer->since_us, w->now_us);
	assert_ptr_equal(rv_peer_by_id(w->core, peer->id), peer);
	rv_peer_rekeyed(peer);
	world_install(w, world_child(w, peer, "net", 7), NULL);
	world_notes(w);
	rv_peer_down(peer, -RV_EPEER_GONE, "the peer said good-bye");
	assert_string_equal(world_notes(w), "[child-down] O- I- N- P- [peer-down]");
	assert_int_equal(w->last_code, -RV_EPEER_GONE);
}

static void a_session_that_never_was_up_ends_its_attempt_only(void **state)
{
	struct world *w = *state;
	const struct rv_path path = { 0 };
	struct rv_peer *peer = rv_peer_new(w->keying_host, NULL, &path, true);
	struct rv_attempt *attempt = rv_attempt_new(w->core, "west", NULL, "user");

	world_notes(w);
	peer->attempt = attempt;
	rv_peer_down(peer, -RV_ETIMEOUT, "five messages were not answered");
	assert_string_equal(world_notes(w), "[attempt-failed]");
	assert_int_equal(attempt->code, -RV_ETIMEOUT);
	assert_string_equal(attempt->found, "five messages were not answered");
}

static unsigned count(struct world *w, const char *connection);

static void a_responder_is_bound_when_the_pad_has_decided(void **state)
{
	struct world *w = *state;
	const struct rv_path path = { 0 };
	struct rv_peer *peer = rv_peer_new(w->keying_host, NULL, &path, false);
	char text[64];

	peer->user.text(&peer->user, text, sizeof(text));
	assert_string_equal(text, "session #1 of ?");
	assert_int_equal(count(w, "west"), 0);
	assert_int_equal(rv_peer_bind(peer, rv_connection_find(w->core, "west")), 0);
	assert_int_equal(count(w, "west"), 1);
	assert_int_equal(rv_peer_bind(peer, rv_connection_find(w->core, "east")), 0);
	assert_int_equal(count(w, "west"), 0);
	assert_int_equal(count(w, "east"), 1);
	world_load(w, CONFIG); /* the snapshot goes, the connection stays for the session */
	assert_string_equal(peer->connection->name, "east");
	assert_ptr_not_equal(peer->connection, rv_connection_find(w->core, "east"));
	assert_int_equal(rv_peer_bind(peer, NULL), 0);
	assert_int_equal(count(w, "east"), 0);
	talloc_free(peer);
}

static int counter(struct rv_peer *peer, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

static unsigned count(struct world *w, const char *connection)
{
	unsigned n = 0;

	rv_peer_each(w->core, connection, counter, &n);
	return n;
}

static int take_down(struct rv_peer *peer, void *arg)
{
	rv_peer_down(peer, 0, NULL);
	return 0;
}

static int stop_at_once(struct rv_peer *peer, void *arg)
{
	return 42;
}

static void a_walk_may_free_what_is_at_hand(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 10; i++)
		world_peer(w, i % 2 ? "west" : "east");
	assert_int_equal(count(w, NULL), 10);
	assert_int_equal(rv_peer_each(w->core, "west", stop_at_once, NULL), 42);
	assert_int_equal(rv_peer_each(w->core, NULL, stop_at_once, NULL), 42);
	rv_peer_each(w->core, "west", take_down, NULL);
	assert_int_equal(count(w, "west"), 0);
	assert_int_equal(count(w, "east"), 5);
	rv_peer_each(w->core, NULL, take_down, NULL);
	assert_int_equal(count(w, NULL), 0);
}

static struct rv_peer *between(struct world *w, const char *local, const char *remote)
{
	const struct rv_path path = { 0 };
	struct rv_peer *peer = rv_peer_new(w->keying_host, rv_connection_find(w->core, "west"), &path, false);

	assert_non_null(peer);
	peer->local_id = rv_id_parse(peer, local, NULL);
	assert_int_equal(rv_peer_identify(peer, rv_id_parse(peer, remote, NULL)), 0);
	assert_true(peer->local_id && peer->remote_id);
	return peer;
}

static void sessions_are_found_by_their_two_identities(void **state)
{
	struct world *w = *state;
	struct rv_id *west = rv_id_parse(w, "west.example", NULL), *east = rv_id_parse(w, "EAST.example", NULL);
	struct rv_peer *peers[5];
	unsigned n = 0;

	for (unsigned i = 0; i < RV_COUNT(peers); i++) {
		peers[i] = between(w, "west.example", i % 2 ? "East.example" : "east.example");
		rv_peer_up(peers[i]);
	}
	rv_peer_up(between(w, "west.example", "else.example"));
	rv_peer_up(between(w, "east.example", "west.example"));
	between(w, "west.example", "east.example"); /* did not come up yet */
	rv_peer_each_between(w->core, west, east, counter, &n);
	assert_int_equal(n, 5);
	rv_peer_each_between(w->core, west, west, counter, &n);
	assert_int_equal(n, 5);
	assert_int_equal(rv_peer_each_between(w->core, west, east, stop_at_once, NULL), 42);
	for (unsigned left = 5; left-- > 2;) { /* the first, the last, one between */
		rv_peer_down(peers[left == 4 ? 0 : left == 3 ? 4 : 2], 0, "");
		n = 0;
		rv_peer_each_between(w->core, west, east, counter, &n);
		assert_int_equal(n, left);
	}
	rv_peer_each_between(w->core, west, east, take_down, NULL);
	assert_int_equal(count(w, NULL), 3);
	assert_int_equal(rv_peer_each_between(w->core, west, east, stop_at_once, NULL), 0);
}

static void a_move_that_fails_late_is_survived(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer = world_peer(w, "west");
	struct rv_path path = peer->path;

	world_install(w, world_child(w, peer, "net", 7), NULL);
	world_notes(w);
	w->pend = "U";
	path.remote.port = 1234;
	path.encap = false;
	rv_peer_moved(peer, &path);
	assert_string_equal(world_notes(w), "U U [peer-moved]");
	assert_false(world_sa(w, RV_OUT, 7)->spec.encap);
	assert_true(world_answer(w, -RV_EFAILED));
	rv_peer_down(peer, 0, NULL); /* while the other one is still under way */
	assert_int_equal(w->n_calls, 0);
}

static const struct {
	const char *what, *more;
	int reason;
	const char *notes; /* in the following minute */
	unsigned policies;
} ends[] = {
	{ "asked for: nothing follows", "close_action = start\n dpd_action = restart", 0, "", 0 },
	{ "the peer left: close_action", "close_action = start\n dpd_action = clear", -RV_EPEER_GONE,
	  "up [peer-up] P+ I+ O+ N+ [child-up]", 1 },
	{ "the peer left: none by default", "dpd_action = restart", -RV_EPEER_GONE, "", 0 },
	{ "the peer is dead: dpd_action", "close_action = none\n dpd_action = restart", -RV_ETIMEOUT,
	  "up [peer-up] P+ I+ O+ N+ [child-up]", 1 },
	{ "the peer is dead: cleared by default", "close_action = start", -RV_ETIMEOUT, "", 0 },
	{ "the peer is dead: a trap", "dpd_action = trap", -RV_ETIMEOUT, "", 1 },
};

static void a_lost_child_is_followed_by_what_is_configured(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < RV_COUNT(ends); i++) {
		char *config = talloc_asprintf(w, "connections { " NAMED("west", CHILD("%s")) " }", ends[i].more);
		struct rv_peer *peer;

		world_load(w, config);
		peer = world_peer(w, "west");
		world_install(w, world_child(w, peer, "net", 7), NULL);
		world_run(w, RV_S(61));
		rv_peer_down(peer, ends[i].reason, NULL);
		world_notes(w);
		world_run(w, RV_S(60));
		if (strcmp(world_notes(w), ends[i].notes) != 0 || w->n_policies != ends[i].policies)
			fail_msg("%s", ends[i].what);
		rv_peer_each(w->core, NULL, take_down, NULL);
		world_load(w, CONFIG);
		assert_int_equal(w->n_policies, 0);
	}
}

static void a_trap_after_a_loss_leaves_no_gap(void **state)
{
	struct world *w = *state;
	struct rv_peer *peer;

	world_load(w, "connections { " NAMED("west", CHILD("dpd_action = trap")) " }");
	peer = world_peer(w, "west");
	world_install(w, world_child(w, peer, "net", 7), NULL);
	world_notes(w);
	rv_peer_down(peer, -RV_ETIMEOUT, NULL);
	/* the guard is not taken away for a moment; the policy only to become a trap */
	assert_string_equal(world_notes(w), "[child-down] P- P+ N+ O- I- [peer-down]");
	assert_true(w->policies[0].trap);
	world_load(w, "connections { " NAMED("west", CHILD("dpd_action = trap")) " }");
	assert_int_equal(w->n_policies, 1);
	world_load(w, CONFIG);
	assert_int_equal(w->n_policies, 0);
}

static void thousands_of_sessions_are_found(void **state)
{
	struct world *w = *state;
	const struct rv_path path = { 0 };
	struct rv_peer *peers[3000];

	for (unsigned i = 0; i < RV_COUNT(peers); i++)
		peers[i] = rv_peer_new(w->keying_host, rv_connection_find(w->core, "west"), &path, true);
	for (unsigned i = 0; i < RV_COUNT(peers); i += 3)
		talloc_free(peers[i]);
	for (unsigned i = 0; i < RV_COUNT(peers); i++)
		assert_true(!rv_peer_by_id(w->core, i + 1) == (i % 3 == 0));
	assert_int_equal(count(w, "west"), 2000);
}

static void a_connection_lives_as_long_as_a_session_has_it(void **state)
{
	struct world *w = *state;
	struct rv_peer *a = world_peer(w, "west"), *b = world_peer(w, "west"), *c;
	const struct rv_connection *old = a->connection;

	world_load(w, CONFIG);
	c = world_peer(w, "west");
	assert_ptr_equal(b->connection, old);
	assert_ptr_not_equal(c->connection, old);
	rv_peer_down(a, 0, "");
	assert_string_equal(b->connection->name, "west");
	assert_int_equal(rv_peer_bind(b, c->connection), 0);
	assert_ptr_equal(b->connection, c->connection);
	assert_int_equal(count(w, "west"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_comes_and_goes),
		TEST(a_session_that_never_was_up_ends_its_attempt_only),
		TEST(a_responder_is_bound_when_the_pad_has_decided),
		TEST(a_walk_may_free_what_is_at_hand),
		TEST(sessions_are_found_by_their_two_identities),
		TEST(a_move_that_fails_late_is_survived),
		TEST(a_lost_child_is_followed_by_what_is_configured),
		TEST(a_trap_after_a_loss_leaves_no_gap),
		TEST(thousands_of_sessions_are_found),
		TEST(a_connection_lives_as_long_as_a_session_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

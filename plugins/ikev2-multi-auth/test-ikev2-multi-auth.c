// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ikev2-multi-auth: sides that prove one or more identities, and what happens when their numbers differ (RFC
 * 4739).
 */
#include "pair.h"

extern const struct rv_plugin rv_plugin_ikev2_multi_auth;

#define LOCAL(n, name) "local-" #n " { auth = psk\n id = " name " }\n"
#define REMOTE(n, name) "remote-" #n " { auth = psk\n id = " name " }\n"
#define SECRETS                                                                                                        \
	"ike-w2 { id-1 = west2.example\n id-2 = east.example\n secret = second-west }\n"                               \
	"ike-e2 { id-1 = east2.example\n id-2 = west.example\n secret = second-east }\n"                               \
	"ike-both { id-1 = west2.example\n id-2 = east2.example\n secret = second-both }\n"                            \
	"ike-w3 { id-1 = west3.example\n id-2 = east.example\n secret = third-west }"

static const struct {
	const char *what, *west, *east, *east_secret, *east_other_id;
	bool west_can, east_can;
	const char *fails;
	unsigned n_auth; /* IKE_AUTH requests */
} rows[] = {
	{ "one each, nobody can", "", "", NULL, NULL, false, false, NULL, 1 },
	{ "one each, both can", "", "", NULL, NULL, true, true, NULL, 1 },
	{ "the initiator has two", LOCAL(2, "west2.example"), REMOTE(2, "west2.example"), NULL, NULL, true, true, NULL,
	  2 },
	{ "the initiator has three", LOCAL(2, "west2.example") LOCAL(3, "west3.example"),
	  REMOTE(2, "west2.example") REMOTE(3, "west3.example"), NULL, NULL, true, true, NULL, 3 },
	{ "the responder has two", REMOTE(2, "east2.example"), LOCAL(2, "east2.example"), NULL, NULL, true, true, NULL,
	  2 },
	{ "both have two", LOCAL(2, "west2.example") REMOTE(2, "east2.example"),
	  LOCAL(2, "east2.example") REMOTE(2, "west2.example"), NULL, NULL, true, true, NULL, 2 },
	{ "the second does not hold", LOCAL(2, "west2.example"), REMOTE(2, "west2.example"), "not-the-same", NULL, true,
	  true, "AUTHENTICATION_FAILED", 2 },
	{ "the first is another", LOCAL(2, "west2.example"), REMOTE(2, "west3.example"), NULL, NULL, true, true,
	  "AUTHENTICATION_FAILED", 1 },
	{ "the second is another", LOCAL(2, "west2.example"), REMOTE(2, "west2.example"), NULL, "west3.example", true,
	  true, "AUTHENTICATION_FAILED", 2 },
	{ "one is missing", "", REMOTE(2, "west.example"), NULL, "west2.example", true, true, "AUTHENTICATION_FAILED",
	  1 },
	{ "one is too many", LOCAL(2, "west2.example"), "", NULL, "*.example", true, true, "AUTHENTICATION_FAILED", 2 },
	{ "the responder's is missing", REMOTE(2, "east.example"), "", NULL, NULL, true, true,
	  "the peer proved itself in 1 rounds, connection east asks for 2", 1 },
	{ "the responder cannot", LOCAL(2, "west2.example"), "", NULL, NULL, true, false,
	  "which the peer does not support", 0 },
	{ "the initiator cannot", "", REMOTE(2, "west.example"), NULL, NULL, false, true, "AUTHENTICATION_FAILED", 1 },
};

static bool count(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	unsigned *n = arg;

	*n += message[18] == 35 && !(message[19] & 0x20);
	return false;
}

static void rounds_are_made_as_both_sides_are_configured(void **state)
{
	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct side west = { .connection = rows[i].west, .secrets = SECRETS };
		struct side east = { .connection = rows[i].east,
				     .secrets = SECRETS,
				     .secret = rows[i].east_secret,
				     .other_id = rows[i].east_other_id };
		struct sim_plugin plugin = { "ikev2-multi-auth", &rv_plugin_ikev2_multi_auth };
		unsigned n = 0;

		if (rows[i].west_can)
			west.more[0] = plugin;
		if (rows[i].east_can)
			east.more[0] = plugin;
		struct pair *p = pair_new(&west, &east);

		sim_tap(p->sim, count, &n);
		struct rv_attempt *attempt = try_up(p, "net", RV_S(30));

		if (!attempt->ended || !attempt->code != !rows[i].fails ||
		    (rows[i].fails && !says(attempt, rows[i].fails)) || n != rows[i].n_auth) {
			tell(attempt);
			fail_msg("%s (%u IKE_AUTH requests)", rows[i].what, n);
		}
		sim_run(p->sim, RV_S(1));
		assert_true(rows[i].fails ? !n_peers(p->west) && !sim_n_sas(p->east) : pair_up(p));
		if (!rows[i].fails) {
			char text[RV_ID_TEXT]; /* the first round is that of the section that comes first */
			assert_string_equal(rv_id_text(peer_of(p->east)->remote_id, text),
					    strstr(rows[i].west, "local-2") ? "west2.example" : "west.example");
			assert_string_equal(rv_id_text(peer_of(p->west)->remote_id, text),
					    strstr(rows[i].east, "local-2") ? "east2.example" : "east.example");
			assert_int_equal(pair_rekey(p->east), 0);
			sim_run(p->sim, RV_S(3));
			assert_true(pair_up(p));
		}
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

/* Every request and every answer is lost once: what was kept of the first request outlives the exchanges. */
static bool each_once(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	unsigned *n = arg;

	return message[18] == 35 && (++*n % 5 == 1 || *n % 5 == 3);
}

static void rounds_survive_losses(void **state)
{
	const struct side west = { .connection = LOCAL(2, "west2.example") REMOTE(2, "east2.example"),
				   .secrets = SECRETS,
				   .more = { { "ikev2-multi-auth", &rv_plugin_ikev2_multi_auth } } };
	const struct side east = { .connection = LOCAL(2, "east2.example") REMOTE(2, "west2.example"),
				   .secrets = SECRETS,
				   .more = { { "ikev2-multi-auth", &rv_plugin_ikev2_multi_auth } } };
	struct pair *p = pair_new(&west, &east);
	unsigned n = 0;

	sim_tap(p->sim, each_once, &n);
	bring_up(p);
	assert_int_equal(n, 10);
	pair_free(p);
}

/* A child SA that fails in the last round leaves the IKE SA. */
static void a_child_that_fails_leaves_the_session(void **state)
{
	const struct side west = { .connection = LOCAL(2, "west2.example"),
				   .secrets = SECRETS,
				   .esp = "aes256gcm16",
				   .more = { { "ikev2-multi-auth", &rv_plugin_ikev2_multi_auth } } };
	const struct side east = { .connection = REMOTE(2, "west2.example"),
				   .secrets = SECRETS,
				   .esp = "aes128gcm16",
				   .more = { { "ikev2-multi-auth", &rv_plugin_ikev2_multi_auth } } };
	struct pair *p = pair_new(&west, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(30));

	assert_int_not_equal(attempt->code, 0);
	assert_says(attempt, "NO_PROPOSAL_CHOSEN");
	assert_int_equal(n_peers(p->west), 1);
	assert_true(peer_of(p->west)->established);
	rv_attempt_drop(attempt);
	pair_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_are_made_as_both_sides_are_configured),
		cmocka_unit_test(rounds_survive_losses),
		cmocka_unit_test(a_child_that_fails_leaves_the_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

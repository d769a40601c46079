// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ikev2-auth-lifetime: a responder says how long an authentication counts, and the initiator keeps to it (RFC
 * 4478).
 */
#include "pair.h"

extern const struct rv_plugin rv_plugin_ikev2_auth_lifetime;

#define PLUGIN                                                                                                         \
	{                                                                                                              \
		{                                                                                                      \
			"ikev2-auth-lifetime", &rv_plugin_ikev2_auth_lifetime                                          \
		}                                                                                                      \
	}
#define HOUR "rekey_time = 0\n reauth_time = 1h\n over_time = 10m\n"

static bool is_another(struct pair *p, uint32_t old)
{
	return pair_up(p) && peer_of(p->west)->id > old;
}

static int reauth(struct sim_host *host)
{
	struct rv_peer *peer = peer_of(host);
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);

	return ops->reauth(rv_service_self(peer->keying.service), peer);
}

static void the_initiator_comes_again_in_time(void **state)
{
	static const struct {
		const char *west, *east, *settings;
		unsigned not_before_s, before_s; /* 0: never */
	} rows[] = {
		{ "", HOUR, NULL, 3235, 3601 },
		{ "rekey_time = 10m", HOUR, NULL, 3235, 3601 }, /* a rekey does not put it off */
		{ "reauth_time = 20m\n over_time = 1m", HOUR, NULL, 1130, 1201 },
		{ "", "", NULL, 0, 0 },
		{ "", "rekey_time = 0\n reauth_time = 5s\n over_time = 2m\n rand_time = 0", NULL, 53, 61 },
		{ "", "rekey_time = 0\n reauth_time = 5s\n over_time = 30s\n rand_time = 0",
		  "ikev2-auth-lifetime { least = 10s }", 8, 11 },
	};

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		const struct side west = { .connection = rows[i].west, .sections = rows[i].settings, .more = PLUGIN };
		const struct side east = { .connection = rows[i].east, .more = PLUGIN };
		struct pair *p = pair_new(&west, &east);
		unsigned s = 0;

		bring_up(p);
		const uint32_t old = peer_of(p->west)->id;

		for (; s < 4000 && n_peers(p->west) && peer_of(p->west)->id == old; s++)
			sim_run(p->sim, RV_S(1));
		if (rows[i].before_s ? s < rows[i].not_before_s || s > rows[i].before_s + 1 : s < 4000)
			fail_msg("row %u: after %u s", i, s);
		pair_free(p);
	}
}

static void without_the_plugin_on_one_side_nothing_is_said(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct side with = { .connection = HOUR, .more = PLUGIN }, without = { .connection = HOUR };
		const struct side west_with = { .more = PLUGIN };
		struct pair *p = pair_new(i ? &west_with : NULL, i ? &without : &with);

		bring_up(p);
		const uint32_t old = peer_of(p->west)->id;

		sim_run(p->sim, RV_S(4190));
		assert_int_equal(peer_of(p->west)->id, old);
		sim_run(p->sim, RV_S(20));
		assert_true(pair_down(p)); /* RFC 4478, 4: "the original Responder will send a Delete notification" */
		pair_free(p);
	}
}

static void a_responder_asks_for_it_now(void **state)
{
	const struct side with = { .more = PLUGIN };
	struct pair *p = pair_new(&with, &with);

	bring_up(p);
	const uint32_t old = peer_of(p->west)->id;

	assert_int_equal(reauth(p->east), 0);
	sim_run(p->sim, RV_S(3));
	assert_true(is_another(p, old));
	pair_free(p);
}

/* "An Initiator that received an AUTH_LIFETIME notification": what an initiator says of it counts for nothing */
static int say_zero(struct rv_ike_exchange *x, void *self)
{
	static const uint8_t zero[4];

	return rv_ike_add_notify(x, 16403, rv_bytes(zero, sizeof(zero)));
}

static int say_little(struct rv_ike_exchange *x, void *self)
{
	static const uint8_t three[3];

	return rv_ike_add_notify(x, 16403, rv_bytes(three, sizeof(three)));
}

static void what_makes_no_sense_is_ignored(void **state)
{
	static rv_ike_step_fn *const zero[] = { say_zero, NULL }, *const little[] = { say_little, NULL };
	static const struct rv_ike_plan plans[] = { { .story = "zero", .exchange = 37, .build = zero },
						    { .story = "little", .exchange = 37, .build = little } };
	const struct side with = { .more = PLUGIN };
	struct pair *p = pair_new(&with, &with);

	bring_up(p);
	const uint32_t old = peer_of(p->west)->id;

	assert_int_equal(rv_ike_start(peer_of(p->west)->sa, &plans[0], NULL), 0);
	assert_int_equal(rv_ike_start(peer_of(p->east)->sa, &plans[1], NULL), 0);
	sim_run(p->sim, RV_S(5));
	assert_true(pair_up(p));
	assert_int_equal(peer_of(p->west)->id, old);
	pair_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_initiator_comes_again_in_time),
		cmocka_unit_test(without_the_plugin_on_one_side_nothing_is_said),
		cmocka_unit_test(a_responder_asks_for_it_now),
		cmocka_unit_test(what_makes_no_sense_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

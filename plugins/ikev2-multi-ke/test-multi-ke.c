// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-multi-ke: additional key exchanges of two daemons, when an IKE SA is set up and replaced, and with child SAs.
 */
#include "pair.h"

extern const struct rv_plugin rv_plugin_ikev2_intermediate, rv_plugin_ikev2_multi_ke;

#define ONE "aes128gcm16-prfsha256-x25519-ke1_ecp256"
#define THREE "aes128gcm16-prfsha256-x25519-ke1_ecp256-ke3_ecp384-ke7_x448"
#define ESP_ONE "aes128gcm16-x25519-ke1_ecp256"
#define ESP_TWO "aes128gcm16-x25519-ke1_ecp256-ke2_x448"

enum { EXCHANGE = 18, FLAGS = 19, RESPONSE = 0x20, IKE_INTERMEDIATE = 43, IKE_FOLLOWUP_KE = 44 };

#define SECOND(mine, theirs) "second { local_ts = " mine "\n remote_ts = " theirs "\n esp_proposals = " ESP_ONE " }"

/* An extension that has something to say in every message, as others may. */
static int chat(struct rv_ike_exchange *x, void *self)
{
	return rv_ike_add_notify(x, 40960, RV_STR("hello"));
}

static const struct rv_ike_task chats[] = { { RV_IKE_AT_BUILD, 0, chat } };
static const struct rv_ikev2_ext_ops chatty_ops = { .size = sizeof(chatty_ops), .tasks = chats, .n_tasks = 1 };

static int chatty_init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "chatty" }, &chatty_ops, NULL);
}

RV_PLUGIN(chatty, "chatty", "version=1\0summary=A plugin of the test\0provides=ikev2-ext:chatty\0",
	  .init = chatty_init);

/* How many requests of an exchange went; those of lose are lost. */
struct wire {
	unsigned requests[256];
	uint8_t lose;
};

static bool watch(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct wire *wire = arg;

	if (!(message[FLAGS] & RESPONSE))
		wire->requests[message[EXCHANGE]]++;
	return wire->lose && message[EXCHANGE] == wire->lose;
}

static struct pair *ke_pair(struct wire *wire, const char *west, const char *east, const char *esp)
{
#define MORE                                                                                                           \
	{                                                                                                              \
		{ "ikev2-intermediate", &rv_plugin_ikev2_intermediate },                                               \
		{                                                                                                      \
			"ikev2-multi-ke", &rv_plugin_ikev2_multi_ke                                                    \
		}                                                                                                      \
	}
	const struct side sides[] = {
		{ .proposals = west, .esp = esp, .children = SECOND("10.3.0.0/16", "10.4.0.0/16"), .more = MORE },
		{ .proposals = east, .esp = esp, .children = SECOND("10.4.0.0/16", "10.3.0.0/16"), .more = MORE }
	};
	struct pair *p = pair_new(&sides[0], &sides[1]);

	*wire = (struct wire){ .lose = 0 };
	sim_tap(p->sim, watch, wire);
	return p;
}

static void additional_key_exchanges_come_before_authentication(void **state)
{
	static const struct {
		const char *what, *west, *east;
		unsigned exchanges;
	} rows[] = {
		{ "one", ONE, ONE, 1 },
		{ "three, with gaps", THREE, THREE, 3 },
		{ "none is agreed on", ONE "-ke1_none", "aes128gcm16-prfsha256-x25519", 0 },
		{ "the second of two", ONE "-ke1_x448", "aes128gcm16-prfsha256-x25519-ke1_x448", 1 },
		{ "the same is not done twice", "aes128gcm16-prfsha256-x25519-ke1_ecp256-ke2_ecp256-ke2_x448",
		  "aes128gcm16-prfsha256-x25519-ke1_ecp256-ke2_ecp256-ke2_x448", 2 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct wire wire;
		struct pair *p = ke_pair(&wire, rows[i].west, rows[i].east, NULL);

		bring_up(p);
		if (wire.requests[IKE_INTERMEDIATE] != rows[i].exchanges)
			fail_msg("%s: %u exchanges", rows[i].what, wire.requests[IKE_INTERMEDIATE]);
		pair_free(p);
	}
}

static void what_only_one_side_wants_is_not_chosen(void **state)
{
	struct wire wire;
	struct pair *p = ke_pair(&wire, ONE, "aes128gcm16-prfsha256-x25519", NULL);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(60));

	assert_int_equal(attempt->code, -RV_ENO_PROPOSAL);
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void sas_are_replaced_with_follow_ups(void **state)
{
	for (unsigned side = 0; side < 2; side++) {
		struct wire wire;
		struct pair *p = ke_pair(&wire, THREE, THREE, ESP_TWO);
		struct sim_host *host = side ? p->east : p->west;

		bring_up(p);
		for (unsigned round = 1; round <= 2; round++) {
			wire = (struct wire){ .lose = 0 };
			assert_int_equal(pair_rekey(host), 0);
			sim_run(p->sim, RV_S(2));
			assert_int_equal(wire.requests[IKE_FOLLOWUP_KE], 3);
			assert_true(pair_up(p));
			uint32_t spi = child_of(p->west)->spi_in;

			assert_int_equal(pair_child_rekey(host), 0);
			sim_run(p->sim, RV_S(2));
			assert_int_equal(wire.requests[IKE_FOLLOWUP_KE], 5);
			assert_true(child_of(p->west)->spi_in != spi);
			assert_true(pair_up(p));
		}
		pair_free(p);
	}
}

static void a_second_child_sa_has_follow_ups(void **state)
{
	struct wire wire;
	struct pair *p = ke_pair(&wire, ONE, ONE, ESP_ONE);

	bring_up(p);
	assert_int_equal(wire.requests[IKE_FOLLOWUP_KE], 0);
	struct rv_attempt *attempt = try_up(p, "second", RV_S(60));

	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	assert_int_equal(wire.requests[IKE_FOLLOWUP_KE], 1);
	assert_int_equal(sim_n_sas(p->west), 4);
	assert_true(sim_packet(p->west, p->east, "10.3.0.5", "10.4.0.5"));
	pair_free(p);
}

static bool down(void *arg)
{
	struct pair *p = arg;

	return !n_peers(p->west) && !n_peers(p->east);
}

/* Follow-ups that never come: the responder forgets what it began; the initiator gives the peer up. */
static void lost_follow_ups_leave_nothing(void **state)
{
	struct wire wire;
	struct pair *p = ke_pair(&wire, ONE, ONE, ESP_ONE);

	bring_up(p);
	wire.lose = IKE_FOLLOWUP_KE;
	assert_int_equal(pair_child_rekey(p->west), 0);
	sim_run(p->sim, RV_S(40));
	assert_int_equal(sim_n_sas(p->east), 2);
	assert_true(sim_until(p->sim, down, p, RV_S(400)) || n_peers(p->west) == 0);
	pair_free(p);
}

static void both_sides_at_once_end_well(void **state)
{
	for (unsigned what = 0; what < 2; what++) {
		struct wire wire;
		struct pair *p = ke_pair(&wire, ONE, ONE, ESP_ONE);

		bring_up(p);
		assert_int_equal(what ? pair_child_rekey(p->west) : pair_rekey(p->west), 0);
		assert_int_equal(what ? pair_child_rekey(p->east) : pair_rekey(p->east), 0);
		sim_run(p->sim, RV_S(60));
		assert_true(pair_up(p));
		assert_int_equal(pair_rekey(p->east), 0);
		sim_run(p->sim, RV_S(5));
		assert_true(pair_up(p));
		pair_free(p);
	}
}

static void loss_and_doubles_do_not_matter(void **state)
{
	const struct sim_net bad = { .loss = 20, .twice = 20, .delay_min_us = 1000, .delay_max_us = 200000 };

	for (unsigned i = 0; i < 5; i++) {
		struct wire wire;
		struct pair *p = ke_pair(&wire, THREE, THREE, ESP_TWO);

		sim_net(p->sim, &bad);
		struct rv_attempt *attempt = try_up(p, "net", RV_S(600));

		if (attempt->code) {
			tell(attempt);
			fail_msg("it did not come up");
		}
		rv_attempt_drop(attempt);
		assert_int_equal(i & 1 ? pair_rekey(p->east) : pair_child_rekey(p->west), 0);
		sim_run(p->sim, RV_S(200));
		assert_true(carries(p));
		pair_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(additional_key_exchanges_come_before_authentication),
		cmocka_unit_test(what_only_one_side_wants_is_not_chosen),
		cmocka_unit_test(sas_are_replaced_with_follow_ups),
		cmocka_unit_test(a_second_child_sa_has_follow_ups),
		cmocka_unit_test(lost_follow_ups_leave_nothing),
		cmocka_unit_test(both_sides_at_once_end_well),
		cmocka_unit_test(loss_and_doubles_do_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

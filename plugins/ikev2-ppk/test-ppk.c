// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ppk: post-quantum preshared keys on both sides, on one, mandatory and not (RFC 8784, 3 and table 1). */
#include "pair.h"

extern const struct rv_plugin rv_plugin_ikev2_ppk;

#define SECRETS(id, octets) "ppk-1 { id = " id "\n secret = " octets " }"
#define KNOWN SECRETS("quantum", "0x0102030405060708")

/* A side with the plugin; connection NULL: without it. */
static struct side side(const char *connection, const char *root)
{
	struct side s = { .connection = connection, .secrets = root };

	if (connection)
		s.more[0] = (struct sim_plugin){ "ikev2-ppk", &rv_plugin_ikev2_ppk };
	return s;
}

enum used { PPK, NO_PPK, FAILS };

static const struct {
	const char *what, *west, *west_root, *east, *east_root;
	enum used used;
	const char *says;
} rows[] = {
	{ "both have it", "ppk_id = quantum", KNOWN, "ppk_id = quantum", KNOWN, PPK, NULL },
	{ "both insist", "ppk_id = quantum\n ppk_required = yes", KNOWN, "ppk_id = quantum\n ppk_required = yes", KNOWN,
	  PPK, NULL },
	{ "a responder that takes any", "ppk_id = quantum\n ppk_required = yes", KNOWN, "ppk_required = yes", KNOWN,
	  PPK, NULL },
	{ "the responder has another", "ppk_id = quantum", KNOWN, "ppk_id = other",
	  SECRETS("other", "0x0102030405060708"), NO_PPK, NULL },
	{ "it is not for this connection", "ppk_id = quantum", KNOWN, "ppk_id = other", KNOWN, NO_PPK, NULL },
	{ "the same, and the initiator insists", "ppk_id = quantum\n ppk_required = yes", KNOWN, "ppk_id = other",
	  KNOWN, FAILS, "AUTHENTICATION_FAILED" },
	{ "the same, and the responder insists", "ppk_id = quantum", KNOWN, "ppk_id = other\n ppk_required = yes",
	  KNOWN, FAILS, "AUTHENTICATION_FAILED" },
	{ "the octets differ", "ppk_id = quantum", KNOWN, "ppk_id = quantum", SECRETS("quantum", "0x01"), FAILS,
	  "AUTHENTICATION_FAILED" },
	{ "the responder does not know PPKs", "ppk_id = quantum", KNOWN, NULL, NULL, NO_PPK, NULL },
	{ "the same, and the initiator insists", "ppk_id = quantum\n ppk_required = yes", KNOWN, NULL, NULL, FAILS,
	  "the peer does not use PPKs with us" },
	{ "the responder has none for us", "ppk_id = quantum", KNOWN, "", NULL, NO_PPK, NULL },
	{ "the initiator does not know PPKs", NULL, NULL, "ppk_id = quantum", KNOWN, NO_PPK, NULL },
	{ "the same, and the responder insists", NULL, NULL, "ppk_id = quantum\n ppk_required = yes", KNOWN, FAILS,
	  "AUTHENTICATION_FAILED" },
	{ "the initiator has no octets", "ppk_id = quantum", NULL, "ppk_id = quantum", KNOWN, FAILS,
	  "no section ppk-NAME of secrets" },
};

/* What SK_d would be without a PPK nobody sees; that it changes shows by a peer that is given other octets (above) and
 * by what both say. */
static void as_both_sides_want_it(void **state)
{
	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct side west = side(rows[i].west, rows[i].west_root), east = side(rows[i].east, rows[i].east_root);
		struct pair *p = pair_new(&west, &east);
		struct rv_attempt *attempt = try_up(p, "net", RV_S(30));

		if (!attempt->ended || !attempt->code != (rows[i].used != FAILS)) {
			tell(attempt);
			fail_msg("%s", rows[i].what);
		}
		if (rows[i].says && !says(attempt, rows[i].says)) {
			tell(attempt);
			fail_msg("%s: it does not say %s", rows[i].what, rows[i].says);
		}
		sim_run(p->sim, RV_S(1));
		assert_int_equal(peer_of(p->east) && peer_of(p->east)->established, rows[i].used != FAILS);
		if (rows[i].used != FAILS) { /* SK_d is the same on both sides, also of what comes from it */
			assert_int_equal(pair_rekey(p->west), 0);
			sim_run(p->sim, RV_S(2));
			assert_int_equal(pair_child_rekey(p->east), 0);
			sim_run(p->sim, RV_S(8));
			assert_true(pair_up(p));
		}
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

static bool drop_one(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	unsigned *n = arg;

	return message[18] == 35 && ++*n == 2; /* the answer to IKE_AUTH */
}

static void a_repeated_request_is_answered_alike(void **state)
{
	struct side both = side("ppk_id = quantum\n ppk_required = yes", KNOWN);
	struct pair *p = pair_new(&both, &both);
	unsigned n = 0;

	sim_tap(p->sim, drop_one, &n);
	bring_up(p);
	assert_true(n > 2);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_both_sides_want_it),
		cmocka_unit_test(a_repeated_request_is_answered_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

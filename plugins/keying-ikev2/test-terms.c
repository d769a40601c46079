// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-terms: what both sides agree on for a child SA besides its selectors (RFC 7296, 1.3.1), down to the kernel. */
#include "pair.h"

#include "requests.h"

static struct sim_sa *sa_of(struct sim_host *host, uint8_t dir)
{
	rv_list_each (&host->sas, sa, struct sim_sa, entry)
		if (sa->spec.dir == dir)
			return sa;
	fail_msg("%s has no SA", host->name);
	return NULL;
}

struct row {
	const char *what, *west, *east; /* of the child */
	bool west_refuses, east_refuses;
	uint16_t west_tfc, east_tfc;
	bool fragments;
};

static const struct row rows[] = {
	{ "nothing is asked for", "", "", false, false, 0, 0, false },
	{ "each pads as it likes", "tfc_padding = 900", "tfc_padding = mtu", false, false, 900, RV_TFC_MTU, false },
	{ "east takes no padding", "tfc_padding = 900", "tfc_padding = 800", false, true, 0, 800, false },
	{ "west takes no padding", "tfc_padding = 900", "tfc_padding = 800", true, false, 900, 0, false },
	{ "neither does", "tfc_padding = 900", "tfc_padding = mtu", true, true, 0, 0, false },
	{ "only west takes fragments", "fragments_also = yes", "", false, false, 0, 0, false },
	{ "only east takes fragments", "", "fragments_also = yes", false, false, 0, 0, false },
	{ "both take fragments", "fragments_also = yes", "fragments_also = yes", false, false, 0, 0, true },
};

static void check(struct pair *p, const struct row *row, const char *when)
{
	const struct rv_sa_spec *west = &sa_of(p->west, RV_OUT)->spec, *east = &sa_of(p->east, RV_OUT)->spec;

	if (west->tfc != row->west_tfc || east->tfc != row->east_tfc || sa_of(p->west, RV_IN)->spec.tfc)
		fail_msg("%s, %s: west pads to %u, east to %u", row->what, when, west->tfc, east->tfc);
	if (west->fragments_also != row->fragments || east->fragments_also != row->fragments ||
	    sa_of(p->west, RV_IN)->spec.fragments_also != row->fragments)
		fail_msg("%s, %s: fragments %d, %d", row->what, when, west->fragments_also, east->fragments_also);
}

/* In IKE_AUTH, in a rekey by either side, and after one of the IKE SA. */
static void what_both_agree_on_reaches_the_kernel(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct side west = { .child = rows[i].west }, east = { .child = rows[i].east };
		struct pair *p = pair_new(&west, &east);

		p->west->tfc.value = !rows[i].west_refuses;
		p->east->tfc.value = !rows[i].east_refuses;
		bring_up(p);
		check(p, &rows[i], "in IKE_AUTH");
		for (int k = 0; k < 2; k++) {
			assert_int_equal(ike_child_rekey(child_of(k ? p->east : p->west)), 0);
			sim_run(p->sim, RV_S(10));
			assert_true(pair_up(p));
			check(p, &rows[i], k ? "rekeyed by east" : "rekeyed by west");
		}
		pair_free(p);
	}
}

/* Single pairs */

static void assert_one_pair(const struct rv_child *child, const char *local, const char *remote)
{
	char text[RV_TS_TEXT];

	assert_true(child->n_local_ts == 1 && child->n_remote_ts == 1);
	assert_string_equal(rv_ts_text(&child->ts[0], text), local);
	assert_string_equal(rv_ts_text(&child->ts[1], text), remote);
}

/* RFC 7296, 2.9: the side that wants one pair a child SA says so, or takes the packet's out of more. */
static void one_pair_of_addresses_has_a_child_sa_of_its_own(void **state)
{
	const struct side trap = { .child = "start_action = trap" }, pair = { .child = "single_pair = yes" };
	const struct side both = { .child = "single_pair = yes\nstart_action = trap" };
	struct pair *p = pair_new(NULL, &pair);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_true(attempt->ended && attempt->code);
	assert_says(attempt, "SINGLE_PAIR_REQUIRED");
	rv_attempt_drop(attempt);
	pair_free(p);

	for (int i = 0; i < 2; i++) { /* the responder wants it; only the initiator does */
		p = pair_new(i ? &both : &trap, i ? NULL : &pair);
		assert_true(sim_acquire(p->west, "10.1.0.5", "10.2.0.6"));
		sim_run(p->sim, RV_S(10));
		assert_one_pair(child_of(p->west), "10.1.0.5/32", "10.2.0.6/32");
		assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
		sim_run(p->sim, RV_S(10));
		assert_one_pair(child_of(p->east), "10.2.0.6/32", "10.1.0.5/32");
		pair_free(p);
	}

	p = pair_new(&pair, NULL); /* and no packet says which */
	attempt = try_up(p, "net", RV_S(10));
	assert_true(attempt->ended && attempt->code);
	assert_says(attempt, "start_action = trap");
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* Rekeys */

/* RFC 7296, 2.9.2: a responder that would get less than there was keeps the old child SA. */
static void a_rekey_narrows_nothing(void **state)
{
	struct pair *p = pair_new(NULL, NULL);

	bring_up(p);
	struct rv_child *west = child_of(p->west), *east = child_of(p->east);
	const uint32_t spi = west->spi_in;

	west->ts[0] = rv_ts_prefix(&p->west->addr, 32);
	west->ts[0].lo[1] = west->ts[0].hi[1] = 1;
	assert_int_equal(ike_child_rekey(west), 0);
	sim_run(p->sim, RV_S(3));
	assert_int_equal(child_of(p->west)->spi_in, spi);
	assert_ptr_equal(child_of(p->east), east);
	assert_int_equal(sim_n_sas(p->west), 2);
	assert_int_equal(sim_n_sas(p->east), 2);
	pair_free(p);
}

/* A datagram of the peer's counts by its exchange; what is under way carries traffic all along. */
struct tape {
	struct pair *p;
	unsigned requests[256];
	bool broke;
};

static bool record(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct tape *tape = arg;

	if (!(message[19] & 0x20))
		tape->requests[message[18]]++;
	tape->broke |= !sim_packet(tape->p->west, tape->p->east, "10.1.0.5", "10.2.0.5");
	return false;
}

/* The initiator of a rekey that is answered with less takes no such successor: it asks for a new child SA, which may be
 * narrower, and deletes the old one. */
static void a_new_child_sa_follows_a_policy_that_narrows(void **state)
{
	struct pair *p = pair_new(NULL, NULL);
	struct tape tape = { .p = p };

	bring_up(p);
	struct rv_child *west = child_of(p->west);
	const uint32_t spi = west->spi_in, id = west->id;
	char text[RV_TS_TEXT];

	west->ts[0] = rv_ts_prefix(&p->west->addr, 4); /* more than east gives today */
	sim_tap(p->sim, record, &tape);
	assert_int_equal(ike_child_rekey(west), 0);
	sim_run(p->sim, RV_S(3));
	west = child_of(p->west);
	assert_true(west->id != id && west->spi_in != spi);
	assert_string_equal(rv_ts_text(&west->ts[0], text), "10.1.0.0/16");
	assert_false(tape.broke);
	assert_true(sim_until(p->sim, pair_up, p, RV_S(10)));
	assert_int_equal(tape.requests[36], 2);	    /* the rekey, and the new child SA */
	assert_int_equal(tape.requests[37], 2);	    /* deletes of the rekey's child SA and of the old one */
	assert_int_equal(ike_child_rekey(west), 0); /* which is replaced as any other */
	sim_run(p->sim, RV_S(3));
	assert_int_equal(tape.requests[36], 3);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_both_agree_on_reaches_the_kernel),
		cmocka_unit_test(one_pair_of_addresses_has_a_child_sa_of_its_own),
		cmocka_unit_test(a_rekey_narrows_nothing),
		cmocka_unit_test(a_new_child_sa_follows_a_policy_that_narrows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

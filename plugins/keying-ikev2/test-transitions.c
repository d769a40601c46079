// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-transitions: every (state, exchange, role) is a listed row or a listed refusal, with an extension's rows, too.
 */
#include "pair.h"

#include "transitions.h"

enum { UNSET = -99, OWN_EXCHANGE = 240 };

static const uint8_t exchanges[] = { IKE_EXCHANGE_IKE_SA_INIT, IKE_EXCHANGE_IKE_AUTH, IKE_EXCHANGE_CREATE_CHILD_SA,
				     IKE_EXCHANGE_INFORMATIONAL };

/* What the cells have, in the order of exchanges: + rows with steps; - silence; S INVALID_SYNTAX; T TEMPORARY_FAILURE.
 */
static const char *const cells[RV_IKE_N_STATES][RV_IKE_N_ROLES] = {
	[RV_IKE_NEW] = { [RV_IKE_INITIATOR] = "----", [RV_IKE_RESPONDER] = "+---" },
	[RV_IKE_INIT] = { [RV_IKE_INITIATOR] = "+---", [RV_IKE_RESPONDER] = "----" },
	[RV_IKE_HALF_OPEN] = { [RV_IKE_INITIATOR] = "-+-+", [RV_IKE_RESPONDER] = "-+--" },
	[RV_IKE_ESTABLISHED] = { [RV_IKE_INITIATOR] = "--++", [RV_IKE_RESPONDER] = "-S++" },
	[RV_IKE_REKEYING] = { [RV_IKE_INITIATOR] = "--++", [RV_IKE_RESPONDER] = "-S*+" },
	[RV_IKE_REPLACED] = { [RV_IKE_INITIATOR] = "--++", [RV_IKE_RESPONDER] = "-ST+" },
	[RV_IKE_DELETING] = { [RV_IKE_INITIATOR] = "--++", [RV_IKE_RESPONDER] = "-ST+" },
};

static char sign(int refuse)
{
	return refuse == -1			   ? '-'
	       : refuse == IKE_N_INVALID_SYNTAX	   ? 'S'
	       : refuse == IKE_N_TEMPORARY_FAILURE ? 'T'
						   : '?';
}

/* What the table has in a cell: '*' is rows and then TEMPORARY_FAILURE; 0: nothing. */
static char listed(unsigned from, uint8_t exchange, unsigned role)
{
	size_t n;
	const struct rv_ike_row *rows = ike_table(&n);
	char what = 0;

	for (size_t i = 0; i < n; i++) {
		if (rows[i].from != from || rows[i].exchange != exchange || rows[i].role != role)
			continue;
		if (!rows[i].refuse)
			what = '+';
		else
			what = what != '+' ? sign(rows[i].refuse) : sign(rows[i].refuse) == 'T' ? '*' : '?';
	}
	return what;
}

static void check_cells(unsigned from, unsigned role)
{
	for (unsigned e = 0; e < RV_COUNT(exchanges); e++)
		if (listed(from, exchanges[e], role) != cells[from][role][e])
			fail_msg("state %s, %s, role %u: %c is listed, %c expected",
				 ike_state_text((enum rv_ike_state)from), ike_exchange_name(exchanges[e]), role,
				 listed(from, exchanges[e], role), cells[from][role][e]);
}

static void every_cell_of_the_table_is_a_listed_row_or_a_listed_refusal(void **state)
{
	for (unsigned from = 0; from < RV_IKE_N_STATES; from++)
		for (unsigned role = 0; role < RV_IKE_N_ROLES; role++)
			check_cells(from, role);
}

/* An extension's first exchange begins an IKE SA, in both roles, and is nothing anywhere else. */
static void other_first_exchanges_are_like_ike_sa_init(void **state)
{
	for (unsigned from = 0; from < RV_IKE_N_STATES; from++)
		for (unsigned role = 0; role < RV_IKE_N_ROLES; role++) {
			bool begins = cells[from][role][0] == '+';

			assert_int_equal(listed(from, IKE_EXCHANGE_OPENING, role), begins ? '+' : 0);
		}
}

/* A row behind one that takes everything would never be reached; one with steps must not refuse. */
static void every_row_can_be_reached_and_makes_sense(void **state)
{
	size_t n;
	const struct rv_ike_row *rows = ike_table(&n);

	for (size_t i = 0; i < n; i++) {
		const struct rv_ike_row *row = &rows[i];

		assert_true(row->from < RV_IKE_N_STATES && row->to <= RV_IKE_N_STATES && row->role < RV_IKE_N_ROLES);
		assert_non_null(row->story);
		assert_true(!row->steps == (row->refuse != 0));
		assert_true(!row->plan || row->role == RV_IKE_INITIATOR);
		if (row->plan)
			assert_int_equal(row->plan->exchange, row->exchange);
		for (size_t k = 0; k < i; k++) {
			bool same = rows[k].from == row->from && rows[k].exchange == row->exchange &&
				    rows[k].role == row->role;
			bool takes_all =
				!rows[k].when && !rows[k].plan &&
				!(rows[k].needs.w[0] | rows[k].needs.w[1] | rows[k].needs.w[2] | rows[k].needs.w[3]);

			if (same && takes_all)
				fail_msg("row %zu (%s) is hidden by row %zu", i, row->story, k);
		}
	}
}

/* An extension that knows one exchange of its own as responder, in one state, and refuses it in another. */
static int nothing(struct rv_ike_exchange *x, void *self)
{
	return 0;
}

static rv_ike_step_fn *const own_steps[] = { nothing, NULL };
static const struct rv_ike_row own_rows[] = {
	{ .from = RV_IKE_ESTABLISHED,
	  .exchange = OWN_EXCHANGE,
	  .role = RV_IKE_RESPONDER,
	  .to = RV_IKE_N_STATES,
	  .steps = own_steps,
	  .story = "own" },
	{ .from = RV_IKE_REKEYING,
	  .exchange = OWN_EXCHANGE,
	  .role = RV_IKE_RESPONDER,
	  .to = RV_IKE_N_STATES,
	  .refuse = IKE_N_TEMPORARY_FAILURE,
	  .story = "own refusal" },
};
static const struct rv_ikev2_ext_ops own_ops = { .size = sizeof(own_ops),
						 .rows = own_rows,
						 .n_rows = RV_COUNT(own_rows) };

static int own_init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "own" }, &own_ops, NULL);
}

RV_PLUGIN(ikev2_own, "ikev2-own", "version=1\0summary=An extension with rows\0provides=ikev2-ext:own\0",
	  .init = own_init);

/* What a message without payloads meets. */
static char met(struct rv_ike_sa *sa, unsigned from, uint8_t exchange, unsigned role)
{
	struct rv_ike_exchange *x = talloc_zero(NULL, struct rv_ike_exchange);
	const struct rv_ike_plan plan = { .exchange = exchange };
	uint8_t was = sa->state;
	void *self = NULL;
	int refuse = UNSET;

	assert_non_null(x);
	x->sa = sa;
	x->type = exchange;
	x->plan = role == RV_IKE_INITIATOR ? &plan : NULL;
	sa->state = (uint8_t)from;
	const struct rv_ike_row *row = ike_table_find(x, &self, &refuse);
	sa->state = was;
	rv_ref_drop(&x->row_of);
	talloc_free(x);
	if (row)
		return row->steps && !row->refuse ? '+' : '?';
	return sign(refuse);
}

/* RFC 7296, 2.21: silence for strangers and for responses, INVALID_SYNTAX for who holds the keys */
static char expected(unsigned from, uint8_t exchange, unsigned role, bool extended)
{
	if (extended && exchange == OWN_EXCHANGE && role == RV_IKE_RESPONDER && from == RV_IKE_ESTABLISHED)
		return '+';
	if (extended && exchange == OWN_EXCHANGE && role == RV_IKE_RESPONDER && from == RV_IKE_REKEYING)
		return 'T';
	for (unsigned e = 0; e < RV_COUNT(exchanges); e++) {
		char cell = cells[from][role][e];

		if (exchanges[e] != exchange)
			continue;
		/* only INFORMATIONAL has rows that need no payload; one of them is for one plan of ours */
		if (strchr("-ST", cell) || (exchange == IKE_EXCHANGE_INFORMATIONAL && from >= RV_IKE_ESTABLISHED))
			return cell;
		if (cell == '*')
			return 'T';
	}
	return role == RV_IKE_RESPONDER && from >= RV_IKE_HALF_OPEN ? 'S' : '-';
}

static void check_exchanges(struct rv_ike_sa *sa, unsigned from, unsigned role, bool extended)
{
	for (unsigned exchange = 0; exchange < 256; exchange++) {
		char is = met(sa, from, (uint8_t)exchange, role),
		     wanted = expected(from, (uint8_t)exchange, role, extended);

		if (is != wanted)
			fail_msg("state %u, exchange %u, role %u: %c, not %c", from, exchange, role, is, wanted);
	}
}

static void every_exchange_type_meets_a_row_or_a_refusal(void **state)
{
	for (int extended = 0; extended < 2; extended++) {
		struct pair *p = pair_new(NULL, NULL);
		struct rv_why why = { 0 };

		bring_up(p);
		if (extended && rv_plugins_load_static(p->east->core->plugins, "ikev2-own", &rv_plugin_ikev2_own, &why))
			fail_msg("%s", why.text);
		for (unsigned cell = 0; cell < RV_IKE_N_STATES * RV_IKE_N_ROLES; cell++)
			check_exchanges(peer_of(p->east)->sa, cell / RV_IKE_N_ROLES, cell % RV_IKE_N_ROLES, extended);
		pair_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_the_table_is_a_listed_row_or_a_listed_refusal),
		cmocka_unit_test(other_first_exchanges_are_like_ike_sa_init),
		cmocka_unit_test(every_row_can_be_reached_and_makes_sense),
		cmocka_unit_test(every_exchange_type_meets_a_row_or_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

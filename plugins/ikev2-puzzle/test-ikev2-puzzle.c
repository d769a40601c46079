// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ikev2-puzzle: a responder under a flood, initiators that solve its puzzles, and others (RFC 8019, 7.1).
 */
#include "pair.h"

#include <ravelin/wire.h>

extern const struct rv_plugin rv_plugin_ikev2_puzzle;

enum { PUZZLE = 16434, PS = 54, MESSAGE_MAX = 2048 };

#define LOAD(bits, share) "threshold = 4\n difficulty = " bits "\n legacy_share = " share
#define UNDER_LOAD LOAD("8", "0")
#define ANYBODY .connection = "unique = never", .remote_addr = "%any"

/* What was on the wire. */
struct ear {
	uint8_t first[MESSAGE_MAX], solved[MESSAGE_MAX], answer[256];
	size_t first_len, solved_len, answer_len;
	unsigned puzzles;
};

/* The body of the first payload of a type in a message without protection. */
static bool payload_in(struct rv_bytes message, uint8_t type, uint16_t notify, struct rv_bytes *body)
{
	struct rv_rd r = rv_rd(message);
	uint8_t next;

	(void)rv_rd_take(&r, 16);
	next = rv_rd_u8(&r);
	(void)rv_rd_take(&r, 11);
	while (next && rv_rd_more(&r)) {
		uint8_t here = next;
		struct rv_rd n;

		next = rv_rd_u8(&r);
		(void)rv_rd_u8(&r);
		*body = rv_rd_take(&r, (size_t)rv_rd_u16(&r) - 4);
		n = rv_rd(*body);
		(void)rv_rd_u16(&n);
		if (here == type && (!notify || rv_rd_u16(&n) == notify))
			return true;
	}
	return false;
}

static bool listen(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct rv_bytes octets = rv_bytes(message, *len), body;
	struct ear *ear = arg;

	if (*len > MESSAGE_MAX || message[18] != 34)
		return false;
	if (strcmp(from->name, "west") == 0 && payload_in(octets, PS, 0, &body)) {
		memcpy(ear->solved, message, *len);
		ear->solved_len = *len;
	} else if (strcmp(from->name, "west") == 0 && !ear->first_len) {
		memcpy(ear->first, message, *len);
		ear->first_len = *len;
	}
	ear->puzzles += payload_in(octets, 41, PUZZLE, &body);
	return false;
}

static struct side side(const char *settings, bool east)
{
	struct side s = { 0 };

	if (east)
		s = (struct side){ ANYBODY };
	s.settings = "block_threshold = 0";
	if (!settings)
		return s;
	s.sections = talloc_asprintf(NULL, "ikev2-puzzle { %s }", settings);
	s.more[0] = (struct sim_plugin){ "ikev2-puzzle", &rv_plugin_ikev2_puzzle };
	return s;
}

/* Two daemons that have talked once, so that west's first message is known; then west has forgotten it. */
static struct pair *pair_of(const char *west, const char *east, struct ear *ear)
{
	struct side w = side(west, false), e = side(east, true);
	struct pair *p = pair_new(&w, &e);

	talloc_free((void *)(uintptr_t)w.sections);
	talloc_free((void *)(uintptr_t)e.sections);
	memset(ear, 0, sizeof(*ear));
	sim_tap(p->sim, listen, ear);
	bring_up(p);
	rv_peer_down(peer_of(p->west), 0, NULL);
	rv_peer_down(peer_of(p->east), 0, NULL);
	assert_true(ear->first_len > 0);
	return p;
}

static void inject(struct pair *p, const char *from, const uint8_t *message, size_t len)
{
	struct rv_path path = { .local = p->east->addr };

	path.local.port = 500;
	assert_int_equal(rv_addr_parse(&path.remote, from), 0);
	p->east->recv(p->east->recv_arg, &path, rv_bytes(message, len));
}

/* First messages of n strangers, each from an address and with an SPI of its own; half-open IKE SAs afterwards. */
static unsigned flood(struct pair *p, const struct ear *ear, unsigned n, unsigned seed)
{
	uint8_t message[MESSAGE_MAX];
	char from[32];

	memcpy(message, ear->first, ear->first_len);
	for (unsigned i = seed; i < seed + n; i++) {
		snprintf(from, sizeof(from), "10.%u.%u.%u:500", 7 + (i >> 16), i >> 8 & 255, i & 255);
		for (unsigned k = 0; k < 4; k++)
			message[k] = (uint8_t)(i >> 8 * k | 1);
		message[4] = (uint8_t)i;
		inject(p, from, message, ear->first_len);
	}
	sim_run(p->sim, RV_MS(1));
	return n_peers(p->east);
}

static struct rv_attempt *west_tries(struct pair *p)
{
	return try_up(p, "net", RV_S(20));
}

static void who_solves_the_puzzle_gets_in(void **state)
{
	static const char *const easts[] = { UNDER_LOAD, LOAD("12", "0"), "peer_threshold = 1000\n " UNDER_LOAD };

	for (unsigned i = 0; i < RV_COUNT(easts); i++) {
		struct ear ear;
		struct pair *p = pair_of("", easts[i], &ear);
		struct rv_attempt *attempt;

		assert_int_equal(flood(p, &ear, 4, 1), 4);
		assert_int_equal(ear.puzzles, 0);
		attempt = west_tries(p);
		assert_int_equal(attempt->code, 0);
		assert_says(attempt, "the puzzle is solved");
		assert_int_equal(ear.puzzles, 1);
		assert_true(ear.solved_len > 0);
		assert_true(carries(p));
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

/* RFC 8019, 7.1.2: "HDR, N(COOKIE), [PS,] SA, KE, Ni" */
static void the_solution_is_where_the_rfc_draws_it(void **state)
{
	struct ear ear;
	struct pair *p = pair_of("", UNDER_LOAD, &ear);
	struct rv_bytes body;

	flood(p, &ear, 4, 1);
	rv_attempt_drop(west_tries(p));
	assert_int_equal(ear.solved[16], 41);
	size_t at = 28 + (size_t)ear.solved[31]; /* the cookie is short */

	assert_int_equal(ear.solved[28], PS);
	assert_int_equal(ear.solved[at], 33);
	assert_true(payload_in(rv_bytes(ear.solved, ear.solved_len), PS, 0, &body));
	assert_int_equal(body.len % 4, 0);
	pair_free(p);
}

/* How many IKE_AUTH requests there were, and how many began with a PS payload; take: those that do lose it. */
struct outer {
	unsigned requests, solved;
	bool take;
};

static bool look_outside(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct outer *outer = arg;
	bool request = message[18] == 35 && !(message[19] & 0x20);

	outer->requests += request;
	outer->solved += request && message[16] == PS;
	if (request && outer->take)
		message[16] = 46; /* as if what is the PS payload were the encrypted one */
	return false;
}

/* RFC 8019, 7.2: the puzzle for IKE_AUTH is solved in front of the encrypted payload, or nothing is opened */
static void ike_auth_has_a_puzzle_of_its_own(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct outer outer = { .take = i };
		struct ear ear;
		struct pair *p = pair_of("", UNDER_LOAD "\n auth_difficulty = 9", &ear);
		struct rv_attempt *attempt;

		flood(p, &ear, 4, 1);
		sim_tap(p->sim, look_outside, &outer);
		attempt = west_tries(p);
		assert_true(outer.requests > 0 && outer.solved == outer.requests);
		assert_int_equal(attempt->ended && !attempt->code, !outer.take);
		assert_int_equal(carries(p), !outer.take);
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

static void without_a_flood_ike_auth_has_none(void **state)
{
	struct outer outer = { 0 };
	struct ear ear;
	struct pair *p = pair_of("", UNDER_LOAD "\n auth_difficulty = 9", &ear);

	sim_tap(p->sim, look_outside, &outer);
	rv_attempt_drop(west_tries(p));
	assert_true(outer.requests == 1 && !outer.solved && carries(p));
	pair_free(p);
}

/* A flood without solutions: no memory, one answer each. */
static void who_does_not_solve_it_costs_nothing(void **state)
{
	struct ear ear;
	struct pair *p = pair_of("", UNDER_LOAD, &ear);
	uint64_t sent;
	size_t before;

	assert_int_equal(flood(p, &ear, 100, 1), 4);
	before = talloc_total_size(p->east->core);
	sent = p->east->sent;
	assert_int_equal(flood(p, &ear, 5000, 200), 4);
	assert_int_equal(p->east->sent, sent + 5000);
	assert_true(talloc_total_size(p->east->core) < before + 4096);
	pair_free(p);
}

static void a_solution_counts_once(void **state)
{
	struct ear ear;
	struct pair *p = pair_of("", UNDER_LOAD, &ear);
	uint8_t message[MESSAGE_MAX];

	flood(p, &ear, 4, 1);
	rv_attempt_drop(west_tries(p));
	assert_int_equal(n_peers(p->east), 5);
	/* the same nonce, SPI, address, cookie and solution, but another message: one octet of the key exchange */
	memcpy(message, ear.solved, ear.solved_len);
	struct rv_bytes ke;

	assert_true(payload_in(rv_bytes(message, ear.solved_len), 34, 0, &ke));
	message[ke.p - message + 10] ^= 1;
	inject(p, "10.0.0.1:500", message, ear.solved_len);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(n_peers(p->east), 5);
	/* nor does it count for another address, or later */
	inject(p, "10.0.0.77:500", message, ear.solved_len);
	sim_run(p->sim, RV_S(40));
	assert_int_equal(flood(p, &ear, 4, 1000), 5);
	inject(p, "10.0.0.1:500", message, ear.solved_len);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(n_peers(p->east), 5);
	pair_free(p);
}

static void a_wrong_solution_is_none(void **state)
{
	struct ear ear;
	struct pair *p = pair_of("", LOAD("12", "0"), &ear);
	struct rv_bytes ps;

	flood(p, &ear, 4, 1);
	rv_attempt_drop(west_tries(p));
	assert_true(payload_in(rv_bytes(ear.solved, ear.solved_len), PS, 0, &ps));
	for (size_t i = 0; i < ps.len; i++) {
		size_t at = (size_t)(ps.p - ear.solved) + i;

		ear.solved[at] ^= 0x80;
		inject(p, "10.0.0.1:500", ear.solved, ear.solved_len);
		sim_run(p->sim, RV_MS(1));
		assert_int_equal(n_peers(p->east), 5);
		ear.solved[at] ^= 0x80;
	}
	pair_free(p);
}

static void who_cannot_solve_it_needs_luck(void **state)
{
	static const struct {
		const char *what, *west, *east, *says;
		bool up;
	} rows[] = {
		{ "no extension, no luck", NULL, UNDER_LOAD, "asked", false },
		{ "no extension, all are lucky", NULL, LOAD("8", "100"), "cookie", true },
		{ "too hard, all are lucky", "solve_difficulty = 11", LOAD("12", "100"), "solve_difficulty is 11",
		  true },
		{ "just not too hard", "solve_difficulty = 12", LOAD("12", "0"), "is solved", true },
		{ "too hard", "solve_difficulty = 11", LOAD("12", "0"), "solve_difficulty is 11", false },
		{ "never", "solve_difficulty = 0", UNDER_LOAD, "solve_difficulty is 0", false },
	};

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct ear ear;
		struct pair *p = pair_of(rows[i].west, rows[i].east, &ear);
		struct rv_attempt *attempt;

		flood(p, &ear, 4, 1);
		attempt = west_tries(p);
		if ((attempt->ended && !attempt->code) != rows[i].up) {
			tell(attempt);
			fail_msg("%s", rows[i].what);
		}
		assert_says(attempt, rows[i].says);
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

/* RFC 8019, 10: "dynamically adjust the puzzle difficulty in accordance to the current Responder's load" */
struct difficulty {
	unsigned bits;
};

static bool read_difficulty(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct difficulty *d = arg;
	struct rv_bytes body;

	if (strcmp(from->name, "east") == 0 && payload_in(rv_bytes(message, *len), 41, PUZZLE, &body)) {
		assert_int_equal(body.len, 4 + 3);
		assert_int_equal(body.p[0] | body.p[1], 0); /* "Protocol ID MUST be 0", "SPI Size MUST be 0" */
		assert_int_equal(body.p[5], 5);		    /* PRF_HMAC_SHA2_256 */
		d->bits = body.p[6];
	}
	return false;
}

static void the_more_load_the_harder(void **state)
{
	static const struct {
		unsigned half_open, bits;
	} rows[] = { { 1, 0 }, { 2, 8 }, { 3, 8 }, { 4, 9 }, { 7, 9 }, { 8, 10 }, { 16, 11 }, { 40, 11 } };

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct difficulty d = { 0 };
		struct ear ear;
		struct pair *p = pair_of("solve_difficulty = 0", "threshold = 1000000\n legacy_share = 0", &ear);
		struct rv_why why = { 0 };
		struct rv_attempt *attempt = NULL;
		char *text;

		assert_int_equal(flood(p, &ear, rows[i].half_open < 30 ? rows[i].half_open : 30, 1),
				 rows[i].half_open < 30 ? rows[i].half_open : 30);
		struct side e = side("threshold = 2\n difficulty = 8\n max_difficulty = 11\n legacy_share = 0", true);

		text = side_config(p, false, &e);
		talloc_free((void *)(uintptr_t)e.sections);
		if (rv_core_load_text(p->east->core, "east", text, &why))
			fail_msg("%s", why.text);
		sim_tap(p->sim, read_difficulty, &d);
		assert_int_equal(rv_core_up(p->west->core, "east", "net", "test", &attempt, &why), 0);
		sim_run(p->sim, RV_MS(100));
		assert_int_equal(d.bits, rows[i].bits);
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_solves_the_puzzle_gets_in),
		cmocka_unit_test(the_solution_is_where_the_rfc_draws_it),
		cmocka_unit_test(ike_auth_has_a_puzzle_of_its_own),
		cmocka_unit_test(without_a_flood_ike_auth_has_none),
		cmocka_unit_test(who_does_not_solve_it_costs_nothing),
		cmocka_unit_test(a_solution_counts_once),
		cmocka_unit_test(a_wrong_solution_is_none),
		cmocka_unit_test(who_cannot_solve_it_needs_luck),
		cmocka_unit_test(the_more_load_the_harder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

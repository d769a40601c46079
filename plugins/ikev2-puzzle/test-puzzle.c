// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-puzzle: solutions that another implementation of HMAC found, and what is none.
 *
 * The cookie is that of RFC 8019, 4.4. The keys of its tables are no solutions of it: PRF_HMAC_SHA2_256 of that cookie
 * with them gives other octets than Table 1 prints. So the keys here were computed anew, from 0 on, with Python's hmac.
 */
#include "test.h"

#include "mini.h"
#include "puzzle.h"

extern const struct rv_plugin rv_plugin_crypto_gnutls;

static const struct mini_plugin plugins[] = { { "crypto-gnutls", &rv_plugin_crypto_gnutls, NULL },
					      { NULL, NULL, NULL } };

#define COOKIE RV_STR("\x73\x9a\xe7\x49\x2d\x8a\x81\x0c\xf5\xe8\xdc\x0f\x96\x26\xc9\xdd\xa7\x73\xc5\xa3")
#define SOLUTION_14 "\x00\x49\x9b\x00\xcd\x8a\x01\xb4\xdc\x01\xc2\x44"
#define SOLUTION_18 "\x00\xcd\x8a\x03\x90\xf7\x08\x82\x88\x10\xef\xbe"

static struct rv_service *prf_of(struct rv_core *core, const char *name)
{
	struct rv_service *prf = rv_registry_find(core->registry, "prf", name);

	assert_non_null(prf);
	return prf;
}

static void keys_give_the_zero_bits_that_another_implementation_sees(void **state)
{
	const struct {
		struct rv_bytes key, last;
		unsigned bits;
	} rows[] = {
		{ RV_STR("\x00\x49\x9b"), RV_STR("\x64\x0c\x98\x9d\x03\x64\x40\x00"), 14 },
		{ RV_STR("\x01\xb4\xdc"), RV_STR("\x85\x17\x53\x51\xf6\x80\x00"), 15 },
		{ RV_STR("\x01\xc2\x44"), RV_STR("\x3a\xd7\xbb\x42\x59\xcf\x00\x00"), 16 },
		{ RV_STR("\x00\xcd\x8a"), RV_STR("\x85\x9e\x96\x2d\xe0\xa8\x84\x00\x00"), 18 },
		{ RV_STR("\x10\xef\xbe"), RV_STR("\x5c\xf3\xf1\x7f\x90\x00\x00"), 20 },
	};
	struct rv_core *core = mini_new(plugins, "", NULL);
	struct rv_service *prf = prf_of(core, "hmac-sha256");
	const struct rv_prf_ops *ops = rv_service_ops(prf);
	const struct rv_bytes cookie = COOKIE;
	uint8_t out[32];

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		assert_int_equal(ops->prf(rv_service_self(prf), rows[i].key, &cookie, 1, out), 0);
		assert_memory_equal(out + 32 - rows[i].last.len, rows[i].last.p, rows[i].last.len);
		assert_int_equal(puzzle_zero_bits(rv_bytes(out, sizeof(out))), rows[i].bits);
	}
	talloc_free(core);
}

static void solutions_of_another_implementation_are_solutions(void **state)
{
	struct rv_core *core = mini_new(plugins, "", NULL);
	struct rv_service *prf = prf_of(core, "hmac-sha256");

	assert_true(puzzle_check(prf, COOKIE, RV_STR(SOLUTION_14), 14));
	assert_false(puzzle_check(prf, COOKIE, RV_STR(SOLUTION_14), 15));
	assert_true(puzzle_check(prf, COOKIE, RV_STR(SOLUTION_18), 18));
	assert_false(puzzle_check(prf, COOKIE, RV_STR(SOLUTION_18), 19));
	assert_true(puzzle_check(prf, COOKIE, RV_STR(SOLUTION_18), 0));
	talloc_free(core);
}

/* the lowest keys, whatever the slices */
static void what_another_implementation_finds_is_found(void **state)
{
	static const struct {
		unsigned bits, slice, rounds;
		const char *solution;
	} rows[] = { { 14, 1000, 0x01c244 / 1000, SOLUTION_14 }, { 18, 100000, 0x10efbe / 100000, SOLUTION_18 } };
	struct rv_core *core = mini_new(plugins, "", NULL);

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct puzzle_solver s;
		unsigned rounds = 0;
		int r;

		assert_int_equal(puzzle_begin(&s, prf_of(core, "hmac-sha256"), COOKIE, rows[i].bits), 0);
		while ((r = puzzle_try(&s, rows[i].slice)) == RV_PENDING)
			rounds++;
		assert_int_equal(r, 0);
		assert_int_equal(rounds, rows[i].rounds);
		assert_true(rv_bytes_equal(puzzle_solution(&s), rv_bytes(rows[i].solution, 12)));
	}
	talloc_free(core);
}

static void what_is_found_is_a_solution(void **state)
{
	static const char *const prfs[] = { "hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512" };
	struct rv_core *core = mini_new(plugins, "", NULL);

	for (unsigned i = 0; i < RV_COUNT(prfs); i++) {
		for (unsigned bits = 0; bits <= 10; bits++) {
			struct rv_service *prf = prf_of(core, prfs[i]);
			struct puzzle_solver s;

			assert_int_equal(puzzle_begin(&s, prf, COOKIE, bits), 0);
			assert_int_equal(puzzle_try(&s, 1000000), 0);
			assert_true(puzzle_check(prf, COOKIE, puzzle_solution(&s), bits));
			assert_false(puzzle_check(prf, RV_STR("another cookie"), puzzle_solution(&s), bits + 12));
		}
	}
	talloc_free(core);
}

static void other_things_are_no_solutions(void **state)
{
	const struct {
		const char *what;
		struct rv_bytes solution;
	} rows[] = {
		{ "empty", RV_STR("") },
		{ "three keys", RV_STR("\x00\xcd\x8a\x03\x90\xf7\x08\x82\x88") },
		{ "an octet too many", RV_STR(SOLUTION_18 "\0") },
		{ "an octet short", rv_bytes(SOLUTION_18, 11) },
		{ "the same key twice", RV_STR("\x00\xcd\x8a\x03\x90\xf7\x08\x82\x88\x00\xcd\x8a") },
		{ "the last key is wrong", RV_STR("\x00\xcd\x8a\x03\x90\xf7\x08\x82\x88\x10\xef\xbf") },
		{ "the first key is wrong", RV_STR("\x00\xcd\x8b\x03\x90\xf7\x08\x82\x88\x10\xef\xbe") },
	};
	struct rv_core *core = mini_new(plugins, "", NULL);
	struct rv_service *prf = prf_of(core, "hmac-sha256");
	uint8_t longer[4 * 33] = { 0 };

	for (unsigned i = 0; i < RV_COUNT(rows); i++)
		if (puzzle_check(prf, COOKIE, rows[i].solution, 18))
			fail_msg("%s", rows[i].what);
	/* RFC 8019, 8.2: a key is no longer than the PRF prefers */
	for (uint8_t i = 0; i < 4; i++)
		longer[33 * i] = longer[32 * i] = i + 1;
	assert_true(puzzle_check(prf, COOKIE, rv_bytes(longer, 4 * 32), 0));
	for (uint8_t i = 0; i < 4; i++)
		longer[33 * i] = i + 1;
	assert_false(puzzle_check(prf, COOKIE, rv_bytes(longer, 4 * 33), 0));
	talloc_free(core);
}

static void what_is_too_hard_is_not_begun(void **state)
{
	struct rv_core *core = mini_new(plugins, "", NULL);
	struct rv_service *prf = prf_of(core, "hmac-sha256");
	uint8_t cookie[PUZZLE_INPUT_MAX + 1] = { 0 };
	struct puzzle_solver s;

	assert_int_equal(puzzle_begin(&s, prf, COOKIE, PUZZLE_BITS_MAX), 0);
	assert_int_equal(puzzle_try(&s, 1000), RV_PENDING);
	assert_int_equal(puzzle_begin(&s, prf, COOKIE, PUZZLE_BITS_MAX + 1), -RV_ELIMIT);
	assert_int_equal(puzzle_begin(&s, prf, rv_bytes(cookie, PUZZLE_INPUT_MAX), 8), 0);
	assert_int_equal(puzzle_begin(&s, prf, rv_bytes(cookie, sizeof(cookie)), 8), -RV_ELIMIT);
	talloc_free(core);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_give_the_zero_bits_that_another_implementation_sees),
		cmocka_unit_test(solutions_of_another_implementation_are_solutions),
		cmocka_unit_test(what_another_implementation_finds_is_found),
		cmocka_unit_test(what_is_found_is_a_solution),
		cmocka_unit_test(other_things_are_no_solutions),
		cmocka_unit_test(what_is_too_hard_is_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

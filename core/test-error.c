// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-error: the table of errors and the sentence that goes with one.
 */
#include "test.h"

#include <ravelin/error.h>

#include <errno.h>

static void every_code_has_a_name_and_a_text(void **state)
{
	static const struct {
		int code;
		const char *name, *text;
	} rows[] = {
#define X(code, name, text) { -RV_E##code, name, text },
		RV_ERRORS(X)
#undef X
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		assert_string_equal(rv_error_name(rows[i].code), rows[i].name);
		assert_string_equal(rv_error_text(rows[i].code), rows[i].text);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(rows[i].name, rows[j].name);
	}
}

static void other_codes_have_a_text_too(void **state)
{
	static const struct {
		int code;
		const char *name, *text;
	} rows[] = {
		{ -ENOMEM, "Failed", "Cannot allocate memory" },     { 0, "Failed", "no error" },
		{ RV_PENDING, "Failed", "an answer, not an error" }, { -4000, "Failed", "an unknown error" },
		{ -RV_ERROR_BASE, "Failed", "an unknown error" },    { -RV_ERROR_END, "Failed", "an unknown error" },
		{ INT32_MIN, "Failed", "an unknown error" },	     { INT32_MAX, "Failed", "an answer, not an error" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		assert_string_equal(rv_error_name(rows[i].code), rows[i].name);
		assert_string_equal(rv_error_text(rows[i].code), rows[i].text);
	}
}

static void a_sentence_is_kept_behind_a_newer_one(void **state)
{
	struct rv_why why = { 0 };

	assert_int_equal(rv_why_set(&why, -RV_ECONFIG, "line %d", 7), -RV_ECONFIG);
	assert_string_equal(why.text, "line 7");
	assert_int_equal(rv_why_set(&why, -RV_EFAILED, "cannot load %s", "a.conf"), -RV_EFAILED);
	assert_string_equal(why.text, "cannot load a.conf: line 7");
	assert_int_equal(why.code, -RV_EFAILED);
}

static void a_sentence_may_be_made_of_itself(void **state)
{
	struct rv_why why = { 0 };

	rv_why_set(&why, -RV_EFAILED, "one");
	rv_why_set(&why, -RV_EFAILED, "two and %s", why.text);
	assert_string_equal(why.text, "two and one: one");
}

static void no_sentence_is_wanted_when_there_is_nowhere_to_put_it(void **state)
{
	assert_int_equal(rv_why_set(NULL, -EPERM, "lost"), -EPERM);
}

static void what_a_terminal_would_obey_is_escaped(void **state)
{
	struct rv_why why = { 0 };

	rv_why_set(&why, -RV_EFAILED, "peer said %s", "\x1b[2J\n\x7f\xc3\xa4");
	assert_string_equal(why.text, "peer said \\x1b[2J\\x0a\\x7f\\xc3\\xa4");
}

static void long_sentences_are_cut_and_still_end(void **state)
{
	struct rv_why why = { 0 };
	char big[3 * sizeof(why.text)];
	size_t full = sizeof(why.text) - 1;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	rv_why_set(&why, -RV_EFAILED, "%s", big);
	assert_int_equal(strlen(why.text), full);
	rv_why_set(&why, -RV_EFAILED, "short");
	assert_int_equal(strlen(why.text), full);
	assert_memory_equal(why.text, "short: xxx", 10);
	/* Never half an escape. */
	memset(big, '\1', sizeof(big) - 1);
	why = (struct rv_why){ 0 };
	rv_why_set(&why, -RV_EFAILED, "%s", big);
	assert_int_equal(strlen(why.text), full / 4 * 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_name_and_a_text),
		cmocka_unit_test(other_codes_have_a_text_too),
		cmocka_unit_test(a_sentence_is_kept_behind_a_newer_one),
		cmocka_unit_test(a_sentence_may_be_made_of_itself),
		cmocka_unit_test(no_sentence_is_wanted_when_there_is_nowhere_to_put_it),
		cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
		cmocka_unit_test(long_sentences_are_cut_and_still_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

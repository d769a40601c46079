// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-log: one line an entry, whatever the values hold.
 */
#include "test.h"

#include "parts.h"

#include <ravelin/addr.h>
#include <ravelin/identity.h>

#include <pthread.h>
#include <unistd.h>

struct seen {
	unsigned n;
	enum rv_level level;
	char line[4096];
};

static void keep(void *self, enum rv_level level, const char *line)
{
	struct seen *seen = self;

	seen->n++;
	seen->level = level;
	snprintf(seen->line, sizeof(seen->line), "%s", line);
}

struct fixture {
	struct seen seen;
	struct rv_subject subject;
};

static int set_up(void **state)
{
	struct fixture *f = talloc_zero(NULL, struct fixture);

	f->subject = (struct rv_subject){ .kind = "connection", .name = "west", .id = 7 };
	f->subject.log = rv_log_new(f, RV_INFO, keep, &f->seen);
	*state = f;
	return f->subject.log ? 0 : -1;
}

static int tear_down(void **state)
{
	return talloc_free(*state);
}

static void an_entry_is_one_line_with_its_subject(void **state)
{
	struct fixture *f = *state;

	rv_log(&f->subject, RV_INFO, "child-up", KV_STR("name", "net"), KV_UINT("spi", 258), KV_INT("code", -3));
	assert_string_equal(f->seen.line, "info connection west #7 child-up name=net spi=258 code=-3");
	assert_int_equal(f->seen.level, RV_INFO);
	f->subject.id = 0;
	rv_log(&f->subject, RV_ERROR, "bare");
	assert_string_equal(f->seen.line, "error connection west bare");
}

static void only_shown_levels_are_written(void **state)
{
	struct fixture *f = *state;

	rv_log(&f->subject, RV_DEBUG, "hidden");
	assert_int_equal(f->seen.n, 0);
	rv_log_level(f->subject.log, RV_DEBUG);
	rv_log(&f->subject, RV_DEBUG, "shown");
	assert_int_equal(f->seen.n, 1);
	rv_log_level(f->subject.log, RV_ERROR);
	rv_log(&f->subject, RV_WARN, "hidden");
	assert_int_equal(f->seen.n, 1);
}

static void values_are_quoted_where_they_must_be(void **state)
{
	static const struct {
		const char *what, *value, *want;
	} rows[] = {
		{ "nothing", NULL, "v=-" },
		{ "empty", "", "v=\"\"" },
		{ "a lone hyphen is not nothing", "-", "v=\"-\"" },
		{ "bare", "a-b.c:d@e/f", "v=a-b.c:d@e/f" },
		{ "blank", "a b", "v=\"a b\"" },
		{ "looks like a pair", "x=y", "v=\"x=y\"" },
		{ "quote", "a\"b", "v=\"a\\\"b\"" },
		{ "backslash", "a\\x00", "v=\"a\\\\x00\"" },
		{ "new line", "a\nerror core fake", "v=\"a\\x0aerror core fake\"" },
		{ "escape and eighth bit", "\x1b\xff", "v=\"\\x1b\\xff\"" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		rv_log(&f->subject, RV_INFO, "e", KV_STR("v", rows[i].value));
		if (strcmp(strstr(f->seen.line, " e ") + 3, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].what, f->seen.line);
	}
}

static void numbers_reach_their_limits(void **state)
{
	struct fixture *f = *state;

	rv_log(&f->subject, RV_INFO, "e", KV_UINT("u", UINT64_MAX), KV_INT("i", INT64_MIN), KV_INT("j", INT64_MAX));
	assert_string_equal(strstr(f->seen.line, " e "),
			    " e u=18446744073709551615 i=-9223372036854775808 j=9223372036854775807");
}

static void octets_are_shown_up_to_64(void **state)
{
	struct fixture *f = *state;
	uint8_t octets[65];
	char want[160] = " e h=";

	memset(octets, 0xab, sizeof(octets));
	for (size_t i = 0; i < 64; i++)
		strncat(want, "ab", 3);
	struct rv_bytes most = rv_bytes(octets, 64), more = rv_bytes(octets, 65), none = rv_bytes(NULL, 0);
	rv_log(&f->subject, RV_INFO, "e", KV_HEX("h", &most));
	assert_string_equal(strstr(f->seen.line, " e "), want);
	rv_log(&f->subject, RV_INFO, "e", KV_HEX("h", &more));
	strncat(want, "...", 4);
	assert_string_equal(strstr(f->seen.line, " e "), want);
	rv_log(&f->subject, RV_INFO, "e", KV_HEX("h", &none), KV_HEX("n", NULL));
	assert_string_equal(strstr(f->seen.line, " e "), " e h=\"\" n=-");
}

static void addresses_and_identities_have_their_own_text(void **state)
{
	struct fixture *f = *state;
	struct rv_addr addr;
	struct rv_id *id = rv_id_parse(f, "fqdn:a b", NULL);

	assert_int_equal(rv_addr_parse(&addr, "[2001:db8::1]:500"), 0);
	rv_log(&f->subject, RV_INFO, "e", KV_ADDR("peer", &addr), KV_ID("id", id), KV_ADDR("a", NULL),
	       KV_ID("i", NULL));
	assert_string_equal(strstr(f->seen.line, " e "), " e peer=[2001:db8::1]:500 id=\"a b\" a=- i=-");
}

static void a_long_entry_is_cut_and_says_so(void **state)
{
	struct fixture *f = *state;
	char big[5000];

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	rv_log(&f->subject, RV_INFO, "e", KV_STR("v", big));
	size_t len = strlen(f->seen.line);
	assert_int_equal(len, 2047);
	assert_string_equal(f->seen.line + len - 4, "x...");
	memset(big, '\1', sizeof(big) - 1);
	rv_log(&f->subject, RV_INFO, "e", KV_STR("v", big));
	len = strlen(f->seen.line);
	assert_true(len <= 2047);
	assert_string_equal(f->seen.line + len - 7, "\\x01...");
}

static void a_subject_without_log_says_nothing(void **state)
{
	struct rv_subject nobody = { .kind = "core", .name = "x" };

	rv_log(&nobody, RV_ERROR, "lost");
	rv_log_write(NULL, RV_ERROR, "lost", NULL, 0);
}

static void escape_fits_any_room(void **state)
{
	static const struct {
		size_t size;
		const char *want;
	} rows[] = { { 1, "" }, { 2, "a" }, { 5, "a" }, { 6, "a\\x01" }, { 7, "a\\x01b" }, { 8, "a\\x01b" } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char *out = malloc(rows[i].size);
		assert_non_null(out);
		rv_escape(out, rows[i].size,
			  RV_STR("a\x01"
				 "b"));
		assert_string_equal(out, rows[i].want);
		free(out);
	}
	rv_escape(NULL, 0, RV_STR("a"));
}

static void standard_error_gets_the_time_before_the_line(void **state)
{
	struct rv_subject subject = { .kind = "core", .name = "x", .log = rv_log_new(NULL, RV_INFO, NULL, NULL) };
	int fds[2], before = dup(STDERR_FILENO);
	char line[256] = "";
	unsigned h, m, s, ms;

	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	rv_log(&subject, RV_NOTICE, "started");
	dup2(before, STDERR_FILENO);
	assert_true(read(fds[0], line, sizeof(line) - 1) > 0);
	assert_int_equal(sscanf(line, "%2u:%2u:%2u.%3u ", &h, &m, &s, &ms), 4);
	assert_true(h < 24 && m < 60 && s < 60);
	assert_string_equal(line + 13, "notice core x started\n");
	close(fds[0]);
	close(fds[1]);
	close(before);
	talloc_free(subject.log);
}

static void *chatter(void *arg)
{
	for (int i = 0; i < 500; i++)
		rv_log((struct rv_subject *)arg, RV_INFO, "tick", KV_INT("i", i));
	return NULL;
}

static void threads_may_log_at_once(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[4];

	for (size_t i = 0; i < RV_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, chatter, &f->subject), 0);
	for (size_t i = 0; i < RV_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(f->seen.n, 2000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_entry_is_one_line_with_its_subject, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_shown_levels_are_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(values_are_quoted_where_they_must_be, set_up, tear_down),
		cmocka_unit_test_setup_teardown(numbers_reach_their_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(octets_are_shown_up_to_64, set_up, tear_down),
		cmocka_unit_test_setup_teardown(addresses_and_identities_have_their_own_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_long_entry_is_cut_and_says_so, set_up, tear_down),
		cmocka_unit_test(a_subject_without_log_says_nothing),
		cmocka_unit_test(escape_fits_any_room),
		cmocka_unit_test(standard_error_gets_the_time_before_the_line),
		cmocka_unit_test_setup_teardown(threads_may_log_at_once, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

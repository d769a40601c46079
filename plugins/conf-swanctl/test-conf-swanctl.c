// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-conf-swanctl: every key of the list is refused by name, and accepted where that makes no difference.
 */
#include "test.h"

#include "conf-swanctl.h"
#include "parts.h"

struct world {
	struct rv_vault *vault;
	struct rv_schema *schema;
};

static int setup(void **state)
{
	struct world *w = talloc_zero(NULL, struct world);
	struct rv_why why = { 0 };

	w->vault = rv_vault_new(w);
	w->schema = rv_schema_new(w);
	assert_int_equal(rv_schema_add(w->schema, "core", rv_schema_core, &why), 0);
	assert_int_equal(rv_schema_add(w->schema, "conf-swanctl", CONF_SWANCTL_SCHEMA, &why), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	talloc_free(*state);
	return 0;
}

/* A configuration that sets the key at path (which is cut into pieces) to value. */
static void write_key(char *out, size_t size, char *path, const char *value)
{
	size_t len = 0;
	int depth = 0;

	for (char *dot; (dot = strchr(path, '.')); path = dot + 1, depth++) {
		*dot = 0;
		len += (size_t)snprintf(out + len, size - len, "%.*sx {\n", (int)strcspn(path, "*"), path);
		if (!strchr(path, '*'))
			out[len - 4] = ' '; /* a fixed name: without the x */
	}
	len += (size_t)snprintf(out + len, size - len, "%.*s%s = %s\n", (int)strcspn(path, "*"), path,
				strchr(path, '*') ? "x" : "", value);
	while (depth--)
		len += (size_t)snprintf(out + len, size - len, "}\n");
}

static struct rv_conf *read_key(struct world *w, const char *path, const char *value, struct rv_why *why)
{
	char text[512], copy[256];

	snprintf(copy, sizeof(copy), "%s", path);
	write_key(text, sizeof(text), copy, value);
	return rv_conf_read_text(w, w->vault, w->schema, "t", text, why);
}

static void every_key_is_refused_by_name_but_for_what_happens_anyway(void **state)
{
	struct world *w = *state;
	char schema[] = CONF_SWANCTL_SCHEMA;
	unsigned n = 0;

	for (char *next, *line = schema; *line; line = next, n++) {
		next = strchr(line, '\n');
		*next++ = 0;
		char *path = strsep(&line, "|"), *type = strsep(&line, "|"), *fallback = strsep(&line, "|"),
		     *values = strsep(&line, "|");
		struct rv_why why = { 0 };
		assert_string_equal(type, "elsewhere");
		assert_string_equal(fallback, "-");
		assert_null(read_key(w, path, "sure", &why));
		if (!strstr(why.text, "is a key of swanctl.conf that no loaded plugin supports"))
			fail_msg("%s: %s", path, why.text);
		for (char *value; *values && (value = strsep(&values, ","));) {
			if (!read_key(w, path, value, &why))
				fail_msg("%s = %s: %s", path, value, why.text);
			if (!values)
				break;
		}
	}
	assert_true(n > 70);
}

static void the_core_knows_none_of_them(void **state)
{
	struct world *w = *state;
	struct rv_schema *core = rv_schema_new(w);
	struct rv_why why = { 0 };
	char schema[] = CONF_SWANCTL_SCHEMA;

	assert_int_equal(rv_schema_add(core, "core", rv_schema_core, &why), 0);
	for (char *line = strtok(schema, "\n"); line; line = strtok(NULL, "\n")) {
		char path[256];
		snprintf(path, sizeof(path), "%.*s", (int)strcspn(line, "|"), line);
		why = (struct rv_why){ 0 };
		struct world bare = { .vault = w->vault, .schema = core };
		char text[512];
		write_key(text, sizeof(text), path, "sure");
		if (rv_conf_read_text(w, bare.vault, bare.schema, "t", text, &why) || !strstr(why.text, "unknown"))
			fail_msg("%.*s: %s", (int)strcspn(line, "|"), line, why.text);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_key_is_refused_by_name_but_for_what_happens_anyway),
		T(the_core_knows_none_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

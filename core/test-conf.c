// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-conf: the reader of the configuration: syntax, include, inheritance, schema, secrets and what it says is wrong.
 */
#include "test.h"

#include "conf-tree.h"
#include "conf.h"

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
	struct rv_vault *vault;
	struct rv_schema *schema;
	char dir[64];
};

static const char schema_more[] = "connections.*.vips|elsewhere|-||virtual addresses\n"
				  "connections.*.roaming|elsewhere|-|no|moving addresses\n"
				  "ravelin.plugins.demo.level|int|3|1..9|a level\n"
				  "ravelin.plugins.demo.share|percent|10%|0..100|a share\n"
				  "ravelin.plugins.demo.room|size|64k|1..1g|some room\n"
				  "ravelin.plugins.demo.home|addr|::1||an address\n"
				  "ravelin.plugins.demo.words|list|a, b||words\n"
				  "text|string|-||text\n";

static int setup(void **state)
{
	struct world *w = talloc_zero(NULL, struct world);
	struct rv_why why = { 0 };

	w->vault = rv_vault_new(w);
	w->schema = rv_schema_new(w);
	assert_int_equal(rv_schema_add(w->schema, "core", rv_schema_core, &why), 0);
	assert_int_equal(rv_schema_add(w->schema, "demo", schema_more, &why), 0);
	strcpy(w->dir, "/tmp/ravelin-test-conf-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", w->dir);
	assert_int_equal(system(command), 0);
	talloc_free(w);
	return 0;
}

static struct rv_conf *reads(struct world *w, const char *text)
{
	struct rv_why why = { 0 };
	struct rv_conf *conf = rv_conf_read_text(w, w->vault, w->schema, "t", text, &why);

	if (!conf)
		fail_msg("%s", why.text);
	return conf;
}

static const char *refuses(struct world *w, const char *text)
{
	static struct rv_why why;

	memset(&why, 0, sizeof(why));
	assert_null(rv_conf_read_text(w, w->vault, w->schema, "t", text, &why));
	assert_int_equal(why.code, -RV_ECONFIG);
	return why.text;
}

static void write_file(const struct world *w, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, 0600), 0);
}

static struct rv_conf *read_file(struct world *w, const char *name, struct rv_why *why)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	return rv_conf_read_file(w, w->vault, w->schema, path, why);
}

/* The key of ravelin.plugins.demo. */
static const struct rv_conf *demo(const struct rv_conf *conf)
{
	return rv_conf_section(rv_conf_section(rv_conf_section(conf, "ravelin"), "plugins"), "demo");
}

static const struct rv_conf *named(const struct rv_conf *conf, const char *connection)
{
	return rv_conf_section(rv_conf_section(conf, "connections"), connection);
}

static int first(const char *name, const struct rv_conf *section, void *arg)
{
	*(const struct rv_conf **)arg = section;
	return 1;
}

static void the_example_of_the_handbook_is_read_as_it_stands(void **state)
{
	struct world *w = *state;
	struct rv_why why = { 0 };
	struct rv_conf *conf = rv_conf_read_file(w, w->vault, w->schema, RV_SOURCE_DIR "/etc/examples/west.conf", &why);

	assert_string_equal(why.text, "");
	assert_non_null(conf);

	const struct rv_conf *west = named(conf, "west");
	const struct rv_conf *net = rv_conf_section(rv_conf_section(west, "children"), "net");
	const char *const *proposals = rv_conf_list(west, "proposals");
	const struct rv_conf *secret = NULL;

	assert_int_equal(rv_conf_int(west, "version"), 2);
	assert_string_equal(rv_conf_list(west, "local_addrs")[0], "10.0.0.1");
	assert_non_null(proposals[0]);
	assert_non_null(proposals[1]);
	assert_null(proposals[2]);
	assert_string_equal(rv_conf_str(west, "encap"), "yes");
	assert_true(rv_conf_us(west, "dpd_delay") == RV_S(30));
	assert_true(rv_conf_us(west, "rekey_time") == RV_S(4 * 3600));
	assert_true(rv_conf_us(net, "rekey_time") == RV_S(3600));
	assert_int_equal(rv_conf_int(net, "replay_window"), 64);
	assert_string_equal(rv_conf_str(rv_conf_section(west, "local"), "id"), "west.example");

	assert_int_equal(rv_conf_each(rv_conf_section(conf, "secrets"), first, &secret), 1);
	assert_true(rv_bytes_equal(rv_secret_bytes(rv_conf_secret(secret, "secret")), RV_STR("0123456789abcdef")));
	assert_null(rv_conf_str(secret, "secret"));
	assert_string_equal(rv_conf_str(secret, "id-2"), "east.example");
}

static void every_example_is_read(void **state)
{
	struct world *w = *state;
	glob_t found = { 0 };

	assert_int_equal(glob(RV_SOURCE_DIR "/etc/examples/*.conf", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 3);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct rv_why why = { 0 };
		if (!rv_conf_read_file(w, w->vault, w->schema, found.gl_pathv[i], &why))
			fail_msg("%s", why.text);
	}
	globfree(&found);
	struct rv_why why = { 0 };
	if (!rv_conf_read_file(w, w->vault, w->schema, RV_SOURCE_DIR "/etc/ravelin.conf", &why))
		fail_msg("%s", why.text);
}

static void values_are_read_as_written(void **state)
{
	static const struct {
		const char *what, *text, *value;
	} rows[] = {
		{ "plain", "text = a b", "a b" },
		{ "blanks around", "text =\t a b \t\r", "a b" },
		{ "comment behind", "text = a # b", "a" },
		{ "signs inside", "text = C=CH, O:x {y", "C=CH, O:x {y" },
		{ "brace behind", "text = a}}}\nconnections { a { children {", "a" },
		{ "quotes", "text = \"a # } b \"", "a # } b " },
		{ "empty quotes", "text = \"\"", "" },
		{ "comment behind quotes", "text = \"a\" # b", "a" },
		{ "escapes", "text = \"a\\\"b\\\\c\\nd\\te\\,\"", "a\"b\\c\nd\te," },
		{ "no escapes without quotes", "text = a\\nb", "a\\nb" },
		{ "broken line in quotes", "text = \"a\\\nb\"", "ab" },
		{ "two lines in quotes", "text = \"a\nb\"", "a\nb" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char text[256];
		snprintf(text, sizeof(text), "ravelin { plugins { demo {\n%s\n} } }", rows[i].text);
		const char *value = rv_conf_str(demo(reads(*state, text)), "text");
		if (!value || strcmp(value, rows[i].value) != 0)
			fail_msg("%s: %s", rows[i].what, value);
	}
	assert_string_equal(rv_conf_str(demo(reads(*state, "ravelin{plugins{demo{text=$HOME ${HOME\n}}}")), "text"),
			    "$HOME ${HOME");
}

static void keys_that_are_absent_have_their_default(void **state)
{
	const struct rv_conf *conf = reads(*state, "connections { a { } }");
	const struct rv_conf *absent = demo(conf);

	assert_int_equal(rv_conf_int(absent, "level"), 3);
	assert_int_equal(rv_conf_int(absent, "share"), 10);
	assert_int_equal(rv_conf_int(absent, "room"), 65536);
	assert_string_equal(rv_conf_str(absent, "home"), "::1");
	assert_string_equal(rv_conf_list(absent, "words")[1], "b");
	assert_null(rv_conf_str(absent, "text"));
	assert_false(rv_conf_has(absent, "level"));
	assert_false(rv_conf_bool(absent, "load"));
	assert_null(rv_conf_list(absent, "text")[0]);
	assert_null(rv_conf_secret(absent, "text"));
	assert_string_equal(rv_conf_list(named(conf, "a"), "local_addrs")[0], "%any");
	assert_string_equal(rv_conf_str(rv_conf_section(named(conf, "a"), "local-3"), "auth"), "pubkey");
	assert_null(rv_conf_str(rv_conf_section(conf, "nowhere"), "auth"));
}

static void an_empty_assignment_gives_the_default_again(void **state)
{
	const struct rv_conf *conf =
		reads(*state, "base { rekey_time = 1h\n version = 2\n }\nconnections { a : base { rekey_time =\n } }");

	assert_true(rv_conf_us(named(conf, "a"), "rekey_time") == RV_S(4 * 3600));
	assert_false(rv_conf_has(named(conf, "a"), "rekey_time"));
	assert_int_equal(rv_conf_int(named(conf, "a"), "version"), 2);
}

static void times_may_have_fractions(void **state)
{
	static const struct {
		const char *line;
		uint64_t us;
	} rows[] = {
		{ "0.5s", RV_S(1) / 2 }, { "1.5h", RV_S(5400) }, { "0.25", RV_S(1) / 4 }, { "1.000001s", 1000001 }
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char text[128];
		snprintf(text, sizeof(text), "connections { a { dpd_delay = %s\n} }", rows[i].line);
		if (rv_conf_us(named(reads(*state, text), "a"), "dpd_delay") != rows[i].us)
			fail_msg("%s", rows[i].line);
	}
}

static void types_have_bounds(void **state)
{
	static const struct {
		const char *line, *found; /* found NULL: accepted */
	} rows[] = {
		{ "level = 0", "must be in 1..9" },
		{ "level = 1", NULL },
		{ "level = 9", NULL },
		{ "level = 10", "must be in 1..9" },
		{ "level = 5x", "whole number" },
		{ "level = 99999999999999999999", "whole number" },
		{ "level = -", "whole number" },
		{ "share = 100%", NULL },
		{ "share = 100", NULL },
		{ "share = 101%", "must be in 0..100" },
		{ "room = 1g", NULL },
		{ "room = 1048577k", "must be in" },
		{ "room = 12q", "a size such as" },
		{ "room = 9223372036854775807k", "a size such as" },
		{ "home = 10.0.0.1", NULL },
		{ "home = 10.0.0.256", "address is expected" },
		{ "load = on", NULL },
		{ "load = maybe", "yes or no" },
		{ "words = a,,b", NULL },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char text[256];
		snprintf(text, sizeof(text), "ravelin { plugins { demo { %s\n} } }", rows[i].line);
		if (!rows[i].found)
			reads(*state, text);
		else if (!strstr(refuses(*state, text), rows[i].found))
			fail_msg("%s: %s", rows[i].line, refuses(*state, text));
	}
}

static void keys_of_connections_are_checked(void **state)
{
	static const struct {
		const char *line, *found;
	} rows[] = {
		{ "version = 3", "0..2" },
		{ "encap = maybe", "default,yes,no,never" },
		{ "dpd_delay = 5 weeks", "a time such as" },
		{ "dpd_delay = 90", NULL },
		{ "dpd_delay = 2d", NULL },
		{ "rekey_time = 9223372036854775d", "a time such as" },
		{ "rekey_time = 9223372036855s", "a time such as" },
		{ "rekey_time = 9223372036854s", NULL },
		{ "dpd_delay = 0.5s", NULL },
		{ "dpd_delay = 0.000001", NULL },
		{ "dpd_delay = 0.0000001", "a time such as" },
		{ "dpd_delay = .5s", "a time such as" },
		{ "dpd_delay = 5.s", "a time such as" },
		{ "dpd_delay = 1.5.5s", "a time such as" },
		{ "dpd_delay = -5s", "a time such as" },
		{ "rekey_time = 9223372036854.9s", "a time such as" },
		{ "local_addrs = 10.0.0.1, fe80::/10, 10.0.0.1-10.0.0.9, gw.example, %any", NULL },
		{ "local_addrs = 10.0.0.300", "item 1 is no address" },
		{ "local_addrs = %any, 10.0.0.1[tcp]", "item 2 is no address" },
		{ "proposals = fox128-east, default", NULL },
		{ "proposals = fox128;rm", "a proposal is words" },
		{ "local { id = %any\n }", NULL },
		{ "children { n { local_ts = 10.0.0.0/33\n } }", "10.0.0.0/33" },
		{ "children { n { mode = beet\n } }", "tunnel,transport,pass,drop" },
		{ "children { n { replay_window = 4096\n } }", NULL },
		{ "children { n { replay_window = 4097\n } }", "0..4096" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char text[256];
		snprintf(text, sizeof(text), "connections { a { %s\n} }", rows[i].line);
		if (!rows[i].found)
			reads(*state, text);
		else if (!strstr(refuses(*state, text), rows[i].found))
			fail_msg("%s: %s", rows[i].line, refuses(*state, text));
	}
}

static void what_is_unknown_is_named_with_its_place_and_the_nearest(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{ "connections { a {\n rekeytime = 4h\n } }",
		  "t:2: unknown key 'rekeytime'; did you mean 'rekey_time'?" },
		{ "connections { a {\n remote_adrs = %any\n } }", "did you mean 'remote_addrs'?" },
		{ "connections { a {\n zebra = 4h\n } }", "t:2: unknown key 'zebra'" },
		{ "conections { }", "t:1: unknown section 'conections'; did you mean 'connections'?" },
		{ "connections { a { childern { } } }", "did you mean 'children'?" },
		{ "connections { a { children = x\n } }", "'children' is a section, not a key" },
		{ "connections { a { version { } } }", "'version' is a key, not a section" },
		{ "connections { a { local { local_addrs = %any\n } } }", "unknown key 'local_addrs'" },
		{ "ravelin { plugins { demo { lvel = 3\n } } }", "did you mean 'level'?" },
		{ "ravelin { plugins { other { level = 3\n } } }", "unknown key 'level'" },
		{ "connections { a { vips = 10.0.0.1\n } }", "'vips' is a key of swanctl.conf that no loaded plugin" },
		{ "connections { a { roaming = yes\n } }", "only accepted as no" },
		{ "a\xc3\xa9 { }", "unknown section 'a\\xc3\\xa9'" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (!strstr(refuses(*state, rows[i].text), rows[i].found))
			fail_msg("%s: %s", rows[i].text, refuses(*state, rows[i].text));
	reads(*state, "connections { a { roaming = no\n } }");
}

static void a_plugin_takes_over_a_key_that_was_known_elsewhere(void **state)
{
	struct world *w = *state;
	struct rv_why why = { 0 };

	assert_int_equal(rv_schema_add(w->schema, "mobile", "connections.*.roaming|bool|yes||moves\n", &why), 0);
	assert_true(rv_conf_bool(named(reads(w, "connections { a { } }"), "a"), "roaming"));
	reads(w, "connections { a { roaming = yes\n } }");
	assert_int_equal(rv_schema_add(w->schema, "mobile", "connections.*.roaming|bool|yes||moves\n", &why), 0);
	assert_int_equal(rv_schema_add(w->schema, "list", "connections.*.roaming|elsewhere|-|no|moves\n", &why), 0);
	assert_int_equal(rv_schema_add(w->schema, "other", "connections.*.roaming|int|1||moves\n", &why), -RV_ECONFIG);
	assert_non_null(strstr(why.text, "schema of other, line 1: the schema of mobile has it otherwise"));
}

static void what_stands_twice_is_an_error(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{ "connections { a { version = 1\nversion = 2\n } }", "t:2: the key 'version' is set already at t:1" },
		{ "connections { a { }\n b { }\n a { } }", "t:3: the section 'a' stands already at t:1" },
		{ "connections { }\nconnections { }", "t:2: the section 'connections' stands already at t:1" },
		{ "connections { a { local { }\n local { } } }", "t:2: the section 'local' stands already" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (!strstr(refuses(*state, rows[i].text), rows[i].found))
			fail_msg("%s: %s", rows[i].text, refuses(*state, rows[i].text));
}

static void broken_syntax_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{ "connections {\n a {\n", "t:2: the section 'a' is not closed" },
		{ "connections { }\n}\n", "t:2: this '}' closes nothing" },
		{ "connections {\n a\n }", "t:2: '=', '{' or ':' must follow 'a'" },
		{ "connections {\n a b = c\n }", "t:2: '=', '{' or ':' must follow 'a'" },
		{ "= x", "a key, a section or '}' must stand here" },
		{ "a : { }", "after ':' names" },
		{ "a : b., c { }", "after ':' names" },
		{ "a : b c { }", "after ':' names" },
		{ "ravelin { plugins { demo {\n text = \"a\n } } }", "t:2: the quotes that begin here have no end" },
		{ "ravelin { plugins { demo {\n text = \"a\" b\n } } }", "nothing may follow the closing quotes" },
		{ "ravelin { plugins { demo {\n text = a \"b\"\n } } }", "quotes must go around the whole value" },
		{ "ravelin { plugins { demo {\n text = a\x01\n } } }", "control characters" },
		{ "include x.conf", "only a file can include" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (!strstr(refuses(*state, rows[i].text), rows[i].found))
			fail_msg("%s: %s", rows[i].text, refuses(*state, rows[i].text));
}

static void all_errors_are_told_at_once_up_to_twenty(void **state)
{
	char text[2048] = "connections { a {\n";
	const char *found = refuses(*state, "connections { a { version = 9\n bad\n encap = x\n } }\nzebra { }");

	assert_non_null(strstr(found, "t:1: version = 9"));
	assert_non_null(strstr(found, "t:2: '='"));
	assert_non_null(strstr(found, "t:3: encap = x"));
	assert_non_null(strstr(found, "t:5: unknown section 'zebra'"));
	for (int i = 0; i < 25; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "zebra%d = 1\n", i);
	strcat(text, "} }");
	found = refuses(*state, text);
	assert_non_null(strstr(found, "t:21: unknown key 'zebra19'"));
	assert_null(strstr(found, "t:22:"));
	assert_non_null(strstr(found, "and 5 more"));
}

static void sections_inherit_what_they_do_not_say(void **state)
{
	const struct rv_conf *conf =
		reads(*state, "connections {\n"
			      " west : base, kids { version = 1\n local { id = west\n } }\n"
			      " east : connections.west { }\n"
			      "}\n"
			      "base { version = 2\n encap = no\n local : rounds.one { auth = psk\n } }\n"
			      "kids { encap = yes\n children { net { } } }\n"
			      "rounds { one { id = one\n round = 7\n } }\n");
	const struct rv_conf *east = named(conf, "east"), *local = rv_conf_section(named(conf, "east"), "local");

	assert_int_equal(rv_conf_int(east, "version"), 1);
	assert_string_equal(rv_conf_str(east, "encap"), "no");
	assert_string_equal(rv_conf_str(local, "id"), "west");
	assert_string_equal(rv_conf_str(local, "auth"), "psk");
	assert_int_equal(rv_conf_int(local, "round"), 7);
	assert_true(rv_conf_has(rv_conf_section(rv_conf_section(east, "children"), "net"), "mode") == false);
	assert_string_equal(rv_conf_where(east, "encap"), "t:8");
	assert_string_equal(rv_conf_where(local, "id"), "t:3");
	assert_string_equal(rv_conf_where(east, NULL), "t:5");
	assert_string_equal(rv_conf_where(east, "dpd_delay"), "t:5");
}

static void inheritance_that_cannot_end_is_refused(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{ "a : b { }\nb : a { }", "goes in a circle" },
		{ "a : a { }", "goes in a circle" },
		{ "a { x : a { } }", "goes in a circle" },
		{ "a : nothing { }", "t:1: cannot inherit from 'nothing': there is no such section" },
		{ "a : connections.x { }\nconnections { }", "'connections.x': there is no such section" },
		{ "connections { a : b { } }\nb { zebra = 1\n }", "t:2: unknown key 'zebra'" },
	};
	char text[8192] = "connections { z : s13 { } }\ns0 { x = 1\n }\n";

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (!strstr(refuses(*state, rows[i].text), rows[i].found))
			fail_msg("%s: %s", rows[i].text, refuses(*state, rows[i].text));
	for (int i = 1; i < 14; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "s%d { a : s%d {}\n b : s%d {}\n c : s%d {} }\n", i, i - 1, i - 1, i - 1);
	assert_non_null(strstr(refuses(*state, text), "too much is inherited"));
	strcpy(text, "s0 { }\n");
	for (int i = 1; i < 200; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "s%d : s%d {}\n", i, i - 1);
	reads(*state, "s0 { }\ns1 : s0 { }\nconnections { a : s1 { } }");
	snprintf(text, sizeof(text), "s200 { }\n");
	for (int i = 0; i < 200; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "s%d : s%d {}\n", i, i + 1);
	assert_non_null(strstr(refuses(*state, text), "too many sections inherit"));
}

static void nesting_has_a_bound(void **state)
{
	char text[512] = "";

	for (int i = 0; i < 17; i++)
		strcat(text, "a {\n");
	assert_non_null(strstr(refuses(*state, text), "more than 16 sections inside each other"));
}

static void files_include_others_beside_them(void **state)
{
	struct world *w = *state;
	struct rv_why why = { 0 };

	write_file(w, "main.conf", "include conf.d/*.conf\nconnections { include in*.part\n }\ninclude \"none*\"\n");
	char dir[128];
	snprintf(dir, sizeof(dir), "%s/conf.d", w->dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	write_file(w, "conf.d/a.conf", "connections { a { version = 1\n } }\n");
	write_file(w, "conf.d/b.conf", "connections { b { version = 2\n } }\nsecrets { x { secret = s\n } }\n");
	write_file(w, "conf.d/b.conf~", "nonsense");
	write_file(w, "in1.part", "c { include deep\n }\n");
	write_file(w, "deep", "version = 2\n");

	struct rv_conf *conf = read_file(w, "main.conf", &why);

	assert_string_equal(why.text, "");
	assert_non_null(conf);
	assert_int_equal(rv_conf_int(named(conf, "a"), "version"), 1);
	assert_int_equal(rv_conf_int(named(conf, "b"), "version"), 2);
	assert_int_equal(rv_conf_int(named(conf, "c"), "version"), 2);
	assert_non_null(strstr(rv_conf_where(named(conf, "c"), "version"), "/deep:1"));
	assert_null(rv_conf_warning(conf));

	write_file(w, "conf.d/c.conf", "connections { a { version = 1\n } }\n");
	assert_null(read_file(w, "main.conf", &why));
	assert_non_null(strstr(why.text, "c.conf:1: the section 'a' stands already at"));
	assert_non_null(strstr(why.text, "a.conf:1"));
}

static void patterns_find_what_a_shell_would(void **state)
{
	static const struct {
		const char *pattern, *found;
	} rows[] = {
		{ "conf.d/*", "[ab] a b c" }, /* sorted, no hidden ones */
		{ "conf.d/[ab]", "a b" },
		{ "conf.d/\\[ab]", "[ab]" },
		{ "conf.d/?", "a b c" },
		{ "conf.d/.h*", "hidden" },
		{ "*.d/a", "a" },
		{ "*.d/none", "" },
		{ "*/one", "x y" },
		{ "*/../conf.d/b", "b b b" },
		{ "none/*", "" },
		{ "conf.d/a/*", "" }, /* a is no folder */
		{ "[ab", "" },
		{ "conf.d//c", "c" },
	};
	static const struct {
		const char *path, *name;
	} files[] = { { "conf.d/a", "a" },
		      { "conf.d/b", "b" },
		      { "conf.d/c", "c" },
		      { "conf.d/[ab]", "[ab]" },
		      { "conf.d/.hidden", "hidden" },
		      { "x/one", "x" },
		      { "y/one", "y" } };
	static const char *const folders[] = { "conf.d", "x", "y" };
	struct world *w = *state;

	for (size_t i = 0; i < RV_COUNT(folders); i++) {
		char *dir = talloc_asprintf(w, "%s/%s", w->dir, folders[i]);
		assert_int_equal(mkdir(dir, 0700), 0);
		talloc_free(dir);
	}
	for (size_t i = 0; i < RV_COUNT(files); i++)
		write_file(w, files[i].path, files[i].name);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char *pattern = talloc_asprintf(w, "%s/%s", w->dir, rows[i].pattern);
		char **paths, *all = talloc_strdup(pattern, "");
		size_t n;
		assert_int_equal(conf_find(NULL, pattern, pattern, &paths, &n), 0);
		for (size_t k = 0; k < n; k++) {
			char name[16] = "";
			FILE *f = fopen(paths[k], "r");
			assert_non_null(f);
			assert_true(fgets(name, sizeof(name), f) != NULL);
			fclose(f);
			all = talloc_asprintf_append(all, "%s%s", k ? " " : "", name);
		}
		if (strcmp(all, rows[i].found) != 0)
			fail_msg("%s: %s", rows[i].pattern, all);
		talloc_free(pattern);
	}
}

static void files_that_cannot_be_read_are_named(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{ "include self.conf\n", "it includes itself" },
		{ "\ninclude absent.conf\n", "self.conf:2: the included file does not exist" },
		{ "include /\n", "not a regular file" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_why why = { 0 };
		write_file(w, "self.conf", rows[i].text);
		assert_null(read_file(w, "self.conf", &why));
		if (!strstr(why.text, rows[i].found))
			fail_msg("%s: %s", rows[i].text, why.text);
	}
	struct rv_why why = { 0 };
	assert_null(read_file(w, "nothing.conf", &why));
	assert_non_null(strstr(why.text, "nothing.conf cannot be read: No such file"));
}

#define SIXTY_FOUR "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+"

static void secrets_are_decoded_and_never_shown(void **state)
{
	static const struct {
		const char *raw, *octets; /* octets NULL: refused */
	} rows[] = {
		{ "hunter2", "hunter2" },
		{ "\"hunter 2#\"", "hunter 2#" },
		{ SIXTY_FOUR, SIXTY_FOUR }, /* RFC 7296, 2.15: "at least 64 octets" */
		{ "0x68690a", "hi\n" },
		{ "0x6869FF", "hi\xff" },
		{ "0sYQ==", "a" },
		{ "0sYWI=", "ab" },
		{ "0sYWJj", "abc" },
		{ "0sYWI", "ab" },
		{ "0x686", NULL },
		{ "0x68zz", NULL },
		{ "0x", NULL },
		{ "0s", NULL },
		{ "0sYQ=", NULL },
		{ "0sYR==", NULL },
		{ "0sY", NULL },
		{ "0sY!Jj", NULL },
		{ "\"\"", NULL },
		{ "\"\\\n\"", NULL },
	};
	struct world *w = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char text[256];
		struct rv_why why = { 0 };
		snprintf(text, sizeof(text), "secrets { x { secret = %s\n } }", rows[i].raw);
		struct rv_conf *conf = rv_conf_read_text(w, w->vault, w->schema, "t", text, &why);
		if (!rows[i].octets) {
			if (conf || !strstr(why.text, "t:1: secret: ") ||
			    (rows[i].raw[2] && strstr(why.text, rows[i].raw + 2)))
				fail_msg("%s: %s", rows[i].raw, why.text);
			continue;
		}
		if (!conf)
			fail_msg("%s: %s", rows[i].raw, why.text);
		const struct rv_conf *x = rv_conf_section(rv_conf_section(conf, "secrets"), "x");
		if (!rv_bytes_equal(rv_secret_bytes(rv_conf_secret(x, "secret")),
				    rv_bytes(rows[i].octets, strlen(rows[i].octets))))
			fail_msg("%s is read wrong", rows[i].raw);
		assert_null(rv_conf_str(x, "secret"));
	}
	assert_null(strstr(
		refuses(w, "secrets { x { secrte = hunter2\n secret hunter2\n secret = \"hunter2\" hunter2\n } }"),
		"hunter2"));
}

static void secrets_that_everybody_may_read_are_warned_of(void **state)
{
	struct world *w = *state;
	struct rv_why why = { 0 };
	char path[128];

	write_file(w, "open.conf", "secrets { x { secret = s\n } }");
	snprintf(path, sizeof(path), "%s/open.conf", w->dir);
	assert_int_equal(chmod(path, 0644), 0);

	struct rv_conf *conf = read_file(w, "open.conf", &why);

	assert_non_null(conf);
	assert_non_null(strstr(rv_conf_warning(conf), "open.conf holds secrets and everybody may read it"));
}

static void a_held_section_outlives_its_snapshot_and_schema(void **state)
{
	struct world *w = *state;
	struct rv_conf *conf = reads(w, "connections { a { version = 2\n } }");
	const struct rv_conf *a = named(conf, "a"), *absent = demo(conf);
	char *owner = talloc_strdup(w, "owner"), *other = talloc_strdup(w, "other");

	assert_int_equal(rv_conf_hold(a, owner), 0);
	assert_int_equal(rv_conf_hold(absent, other), 0);
	assert_int_equal(talloc_free(conf), 0);
	assert_int_equal(talloc_free(w->schema), 0);
	assert_int_equal(rv_conf_int(a, "version"), 2);
	assert_string_equal(rv_conf_where(a, "version"), "t:1");
	assert_string_equal(rv_conf_str(a, "encap"), "default");
	assert_int_equal(rv_conf_int(absent, "level"), 3);
	assert_int_equal(talloc_free(owner), 0);
	assert_int_equal(rv_conf_int(absent, "level"), 3);
}

static int collect(const char *name, const struct rv_conf *section, void *arg)
{
	strcat(arg, name);
	return *name == 'c' ? 7 : 0;
}

static void sections_are_walked_in_file_order(void **state)
{
	char names[32] = "";

	assert_int_equal(rv_conf_each(rv_conf_section(reads(*state, "connections { b { } a { } }"), "connections"),
				      collect, names),
			 0);
	assert_string_equal(names, "ba");
	assert_int_equal(
		rv_conf_each(rv_conf_section(reads(*state, "connections { b { } c { } a { } }"), "connections"),
			     collect, names),
		7);
	assert_string_equal(names, "babc");
}

static void a_schema_that_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{ "a.b|int|1|", "line 1: it has 4 fields" },
		{ "\na.b|whole|1||x", "line 2: there is no type 'whole'" },
		{ "a..b|int|1||x", "path is not valid" },
		{ "a.*b|int|1||x", "path is not valid" },
		{ "a.b|int|5|1..4|x", "must be in 1..4" },
		{ "a.b|int|5|4..1|x", "the range '4..1' is not valid" },
		{ "a.b|choice|x||x", "range '' is not valid" },
		{ "a.b|choice|x|y,z|x", "one of y,z is expected" },
		{ "a.b|secret|x||x", "no default" },
		{ "a.b|string|x|1..2|x", "range '1..2' is not valid" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_why why = { 0 };
		assert_int_equal(rv_schema_add(w->schema, "bad", rows[i].text, &why), -RV_ECONFIG);
		if (!strstr(why.text, rows[i].found) || !strstr(why.text, "schema of bad"))
			fail_msg("%s: %s", rows[i].text, why.text);
	}
}

static void the_document_has_every_key(void **state)
{
	struct world *w = *state;
	char *text = rv_schema_document(w, w->schema);

	assert_non_null(text);
	assert_non_null(strstr(text, "\n## `connections.*.children.*`\n"));
	assert_non_null(strstr(text, "| `replay_window` | int | `32` | 0..4096 | "));
	assert_non_null(strstr(text, "| `level` | int | `3` | 1..9 | a level | demo |"));
	assert_non_null(strstr(text, "- `connections.*.roaming` (accepted as `no`)\n"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_example_of_the_handbook_is_read_as_it_stands),
		T(every_example_is_read),
		T(values_are_read_as_written),
		T(keys_that_are_absent_have_their_default),
		T(an_empty_assignment_gives_the_default_again),
		T(times_may_have_fractions),
		T(types_have_bounds),
		T(keys_of_connections_are_checked),
		T(what_is_unknown_is_named_with_its_place_and_the_nearest),
		T(a_plugin_takes_over_a_key_that_was_known_elsewhere),
		T(what_stands_twice_is_an_error),
		T(broken_syntax_is_named_with_its_line),
		T(all_errors_are_told_at_once_up_to_twenty),
		T(sections_inherit_what_they_do_not_say),
		T(inheritance_that_cannot_end_is_refused),
		T(nesting_has_a_bound),
		T(files_include_others_beside_them),
		T(patterns_find_what_a_shell_would),
		T(files_that_cannot_be_read_are_named),
		T(secrets_are_decoded_and_never_shown),
		T(secrets_that_everybody_may_read_are_warned_of),
		T(a_held_section_outlives_its_snapshot_and_schema),
		T(sections_are_walked_in_file_order),
		T(a_schema_that_is_wrong_is_refused),
		T(the_document_has_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

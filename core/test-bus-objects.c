// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-bus-objects: the objects on D-Bus as a client sees them: paths, properties, introspection, verbs. */
#include "test.h"

#include "bus-world.h"
#include "dbus/objects.h"

#include <fcntl.h>
#include <ravelin/sa.h>
#include <talloc.h>
#include <unistd.h>

/* Paths, methods, properties */

static void what_is_not_there_is_said_to_be_so(void **state)
{
	static const char root[] = "/org/ravelin/IPsec1", west[] = "/org/ravelin/IPsec1/connection/west";
	static const struct {
		const char *what, *path, *interface, *member, *error;
	} rows[] = {
		{ "a path outside", "/org/ravelin", FACE "Manager", "Reload", DBUS "Error.UnknownObject" },
		{ "a path that begins alike", "/org/ravelin/IPsec12", FACE "Manager", "Reload",
		  DBUS "Error.UnknownObject" },
		{ "the path of the tree", "/", FACE "Manager", "Reload", DBUS "Error.UnknownObject" },
		{ "a folder", "/org/ravelin/IPsec1/connection", FACE "Connection", "x", DBUS "Error.UnknownObject" },
		{ "no folder", "/org/ravelin/IPsec1/nothing/x", FACE "Connection", "x", DBUS "Error.UnknownObject" },
		{ "no object", "/org/ravelin/IPsec1/connection/east", FACE "Connection", "x",
		  DBUS "Error.UnknownObject" },
		{ "a name written otherwise", "/org/ravelin/IPsec1/connection/_77est", FACE "Connection", "x",
		  DBUS "Error.UnknownObject" },
		{ "an escape that is none", "/org/ravelin/IPsec1/connection/_7", FACE "Connection", "x",
		  DBUS "Error.UnknownObject" },
		{ "a number of no SA", "/org/ravelin/IPsec1/child_sa/4294967296", FACE "ChildSa", "x",
		  DBUS "Error.UnknownObject" },
		{ "no interface", root, "org.example.Other", "Reload", DBUS "Error.UnknownInterface" },
		{ "another object's interface", west, FACE "Manager", "Reload", DBUS "Error.UnknownInterface" },
		{ "no method", root, FACE "Manager", "Destroy", DBUS "Error.UnknownMethod" },
		{ "no method of any", root, NULL, "Destroy", DBUS "Error.UnknownMethod" },
		{ "the manager of a leaf", west, DBUS "ObjectManager", "GetManagedObjects",
		  DBUS "Error.UnknownMethod" },
		{ "too little", root, FACE "Manager", "Up", DBUS "Error.InvalidArgs" },
		{ "too little for a property", root, DBUS "Properties", "Get", DBUS "Error.InvalidArgs" },
	};
	struct bus_world *f = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		at(f, rows[i].path, rows[i].interface);
		char *got = caller_ask(f->c, rows[i].member, DBUS_TYPE_INVALID);
		if (strncmp(got + 1, rows[i].error, strlen(rows[i].error)) != 0)
			fail_msg("%s: %s", rows[i].what, got);
		talloc_free(got);
	}
}

static void properties_are_read_and_not_written(void **state)
{
	struct bus_world *f = *state;
	const char *face = FACE "Connection", *none = "", *other = "org.example.Other", *standard = DBUS "Properties";
	const char *name = "RemoteAddresses", *wrong = "Colour";
	static const char all[] =
		"{'Name': <'west'>, 'State': <'down'>, 'Version': <0>, 'LocalAddresses': <['10.0.0.1']>, "
		"'RemoteAddresses': <['10.0.0.2', '10.0.0.3']>, 'Children': <['one']>}";

	at(f, "/org/ravelin/IPsec1/connection/west", DBUS "Properties");
	expect(caller_ask(f->c, "Get", DBUS_TYPE_STRING, &face, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID),
	       "<['10.0.0.2', '10.0.0.3']>");
	expect(caller_ask(f->c, "Get", DBUS_TYPE_STRING, &none, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID),
	       "<['10.0.0.2', '10.0.0.3']>");
	expect_error(caller_ask(f->c, "Get", DBUS_TYPE_STRING, &other, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID),
		     DBUS_ERROR_UNKNOWN_PROPERTY);
	expect_error(caller_ask(f->c, "Get", DBUS_TYPE_STRING, &face, DBUS_TYPE_STRING, &wrong, DBUS_TYPE_INVALID),
		     DBUS_ERROR_UNKNOWN_PROPERTY);
	expect(caller_ask(f->c, "GetAll", DBUS_TYPE_STRING, &face, DBUS_TYPE_INVALID), all);
	expect(caller_ask(f->c, "GetAll", DBUS_TYPE_STRING, &none, DBUS_TYPE_INVALID), all);
	expect(caller_ask(f->c, "GetAll", DBUS_TYPE_STRING, &standard, DBUS_TYPE_INVALID), "{}");
	expect_error(caller_ask(f->c, "GetAll", DBUS_TYPE_STRING, &other, DBUS_TYPE_INVALID),
		     DBUS_ERROR_UNKNOWN_INTERFACE);
	DBusMessage *set = dbus_message_new_method_call("org.ravelin.IPsec1", f->c->path, DBUS "Properties", "Set");
	DBusMessageIter iter, variant;

	dbus_message_iter_init_append(set, &iter);
	dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &face);
	dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &name);
	dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, "s", &variant);
	dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &name);
	dbus_message_iter_close_container(&iter, &variant);
	expect_error(caller_reply(f->c, caller_send(f->c, set)), DBUS_ERROR_PROPERTY_READ_ONLY);
}

static void the_object_manager_lists_what_is_listed(void **state)
{
	struct bus_world *f = *state;

	at(f, "/org/ravelin/IPsec1", DBUS "ObjectManager");
	char *all = caller_ask(f->c, "GetManagedObjects", DBUS_TYPE_INVALID);

	expect_in(all, "/org/ravelin/IPsec1/connection/west: {'org.ravelin.IPsec1.Connection': {'Name': <'west'>");
	expect_in(all, "/org/ravelin/IPsec1/plugin/world: {'org.ravelin.IPsec1.Plugin'");
	expect_in(all, "/org/ravelin/IPsec1/service/aead/first_2d256/world: {'org.ravelin.IPsec1.Service'");
	expect_in(all, "/org/ravelin/IPsec1/test/a_2f_2fb_2f: {'org.ravelin.IPsec1.Test': {'Name': <'a//b/'>}}");
	assert_null(strstr(all, "/org/ravelin/IPsec1: ")); /* the root is not below the root */
	assert_null(strstr(all, "child_sa"));
	talloc_free(all);
}

static void more_objects_than_one_answer_holds_are_paged(void **state)
{
	struct bus_world *f = *state;
	const char *test = "test";
	dbus_uint32_t cursor = 0, most = 1000;
	unsigned n = 0, pages = 0;

	f->odd.big = talloc_zero_size(f->core, 8193);
	memset(f->odd.big, 'x', 8192);
	f->odd.n_names = 0;
	f->odd.n_big = MAX_ANSWER / 8192 + 100;
	at(f, "/org/ravelin/IPsec1", DBUS "ObjectManager");
	expect_error(caller_ask(f->c, "GetManagedObjects", DBUS_TYPE_INVALID), DBUS_ERROR_LIMITS_EXCEEDED);
	at(f, "/org/ravelin/IPsec1", FACE "Manager");
	do {
		char *page = caller_ask(f->c, "List", DBUS_TYPE_STRING, &test, DBUS_TYPE_UINT32, &cursor,
					DBUS_TYPE_UINT32, &most, DBUS_TYPE_INVALID);
		for (const char *p = page; (p = strstr(p, "'Name'")); p++)
			n++;
		cursor = (dbus_uint32_t)strtoul(strrchr(page, ' '), NULL, 10);
		pages++;
		talloc_free(page);
	} while (cursor);
	assert_int_equal(n, f->odd.n_big);
	assert_true(pages >= 2);
}

static void values_of_every_type_go_out_and_in(void **state)
{
	struct bus_world *f = *state;
	const char *text = "caf\xc3\xa9", *octets = "\1\2";
	dbus_uint32_t n = 7;
	dbus_bool_t yes = TRUE;
	int ends[2];

	at(f, "/org/ravelin/IPsec1/test/plain", FACE "Test");
	expect(caller_ask(f->c, "All", DBUS_TYPE_INVALID),
	       "'caf\xc3\xa9' '\\xff\\x01' '' /org/ravelin/IPsec1/test/a_20b true 4294967295 -2147483648 "
	       "18446744073709551615 -9223372036854775808 [0, 255] [] [('x', 1)] {'s': <'text'>, 't': <7>, 'b': "
	       "<false>}");
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	expect(caller_ask(f->c, "Echo", DBUS_TYPE_STRING, &text, DBUS_TYPE_BOOLEAN, &yes, DBUS_TYPE_UINT32, &n,
			  DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &octets, 2, DBUS_TYPE_UNIX_FD, &ends[0], DBUS_TYPE_INVALID),
	       "'caf\xc3\xa9' true 7 [1, 2] true");
	close(ends[0]);
	close(ends[1]);
}

static void errors_have_the_name_and_the_sentence_of_the_handler(void **state)
{
	struct bus_world *f = *state;

	at(f, "/org/ravelin/IPsec1/test/plain", FACE "Test");
	expect(caller_ask(f->c, "Fail", DBUS_TYPE_INVALID),
	       "!org.ravelin.IPsec1.Error.NoProposalChosen: they offer nothing");
	expect(caller_ask(f->c, "Fail", DBUS_TYPE_UINT32, &(dbus_uint32_t){ 1 }, DBUS_TYPE_INVALID),
	       "!org.freedesktop.DBus.Error.InvalidArgs: Fail takes (), not (u)");
}

/* Names as paths */

static void every_name_has_one_path_and_comes_back(void **state)
{
	static const struct {
		const char *name, *path;
	} rows[] = {
		{ "plain", "plain" },
		{ "a/b", "a/b" },
		{ "", "_" },
		{ "/", "_2f" },
		{ "a/", "a_2f" },
		{ "/a", "_2fa" },
		{ "a//b", "a_2f_2fb" },
		{ "a_b", "a_5fb" },
		{ "_41", "_5f41" },
		{ "caf\xc3\xa9", "caf_c3_a9" },
		{ "\xff", "_ff" },
		{ "a b.c-d", "a_20b_2ec_2dd" },
		{ "\x01", "_01" },
	};
	char path[MAX_PATH], name[MAX_PATH], wanted[MAX_PATH];

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		assert_true(path_escape(path, "test", rows[i].name));
		snprintf(wanted, sizeof(wanted), "/org/ravelin/IPsec1/test/%s", rows[i].path);
		assert_string_equal(path, wanted);
		assert_true(dbus_validate_path(path, NULL));
		assert_true(path_unescape(name, rows[i].path));
		assert_string_equal(name, rows[i].name);
	}
	assert_true(path_escape(path, "", ""));
	assert_string_equal(path, "/org/ravelin/IPsec1");
	assert_false(path_escape(path, "", "x"));
}

static void what_no_name_is_written_like_is_no_name(void **state)
{
	static const char *const bad[] = { "", "_4", "_", "a_", "_zz", "_4A", "_00", "_41", "_2fa/", "a_2fb", "a-b" };
	char name[MAX_PATH];

	for (size_t i = 0; i < RV_COUNT(bad); i++)
		if (strcmp(bad[i], "_") != 0 && path_unescape(name, bad[i]))
			fail_msg("%s was read as %s", bad[i], name);
}

static void a_name_that_is_too_long_has_no_path(void **state)
{
	size_t room = MAX_PATH - sizeof("/org/ravelin/IPsec1/test/"); /* octets of a path that a name may take */
	char name[MAX_PATH], path[MAX_PATH];

	for (size_t len = room - 4; len < room + 4; len++) {
		memset(name, 'x', len);
		name[len] = 0;
		bool ok = path_escape(path, "test", name);
		assert_true(dbus_validate_path(path, NULL));
		assert_int_equal(ok, strlen(path) == sizeof("/org/ravelin/IPsec1/test/") - 1 + len);
		if (!ok)
			assert_string_equal(path, "/org/ravelin/IPsec1");
		name[len - 1] = '-'; /* takes three */
		(void)path_escape(path, "test", name);
		assert_true(dbus_validate_path(path, NULL));
	}
	memset(name, 'x', room - 4);
	name[room - 4] = 0;
	assert_true(path_escape(path, "test", name));
	memset(name, 'x', room + 1);
	name[room + 1] = 0;
	assert_false(path_escape(path, "test", name));
}

static void objects_with_odd_names_are_found(void **state)
{
	struct bus_world *f = *state;
	const char *face = FACE "Test";
	char path[MAX_PATH], wanted[128];

	for (size_t i = 0; i < ODD_NAMES; i++) {
		assert_true(path_escape(path, "test", odd_names[i]));
		at(f, path, DBUS "Properties");
		snprintf(wanted, sizeof(wanted), "{'Name': <'%s'>}",
			 strcmp(odd_names[i], "\xff") ? odd_names[i] : "\\xff");
		expect(caller_ask(f->c, "GetAll", DBUS_TYPE_STRING, &face, DBUS_TYPE_INVALID), wanted);
	}
}

/* Introspection */

/* Tags open and close in order, attributes are quoted: enough of XML for what is written here. */
static void assert_well_formed(const char *xml)
{
	char open[16][32];
	unsigned depth = 0;

	while ((xml = strchr(xml, '<'))) {
		size_t len = strcspn(xml, ">"), name = strcspn(++xml, " >/\n");
		unsigned quotes = 0;

		assert_true(xml[len - 1] == '>');
		for (size_t i = 0; i < len; i++)
			quotes += xml[i] == '"';
		assert_int_equal(quotes % 2, 0);
		if (*xml == '!' || xml[len - 2] == '/')
			continue;
		if (*xml == '/') {
			name = strcspn(++xml, ">");
			assert_true(depth > 0);
			assert_int_equal(strlen(open[depth - 1]), name);
			assert_memory_equal(open[--depth], xml, name);
			continue;
		}
		assert_true(depth < 16 && name < 32);
		snprintf(open[depth++], 32, "%.*s", (int)name, xml);
	}
	assert_int_equal(depth, 0);
}

static char *introspection_of(struct bus_world *f, const char *path)
{
	at(f, path, DBUS "Introspectable");
	return caller_ask(f->c, "Introspect", DBUS_TYPE_INVALID);
}

static void introspection_is_what_the_tables_say(void **state)
{
	struct bus_world *f = *state;
	char *xml = introspection_of(f, "/org/ravelin/IPsec1/test/plain"), *begin, part[128];

	assert_well_formed(xml);
	for (size_t i = 0; i < odd_interface.n_methods; i++) {
		snprintf(part, sizeof(part), "<method name=\"%s\">", odd_interface.methods[i].name);
		assert_int_equal(count_of(xml, part), 1);
	}
	begin = strstr(xml, "<method name=\"Echo\">");
	expect_in(begin,
		  "<arg name=\"text\" type=\"s\" direction=\"in\"/>\n   <arg name=\"flag\" type=\"b\" "
		  "direction=\"in\"/>\n   <arg name=\"n\" type=\"u\" direction=\"in\"/>\n   <arg name=\"octets\" "
		  "type=\"ay\" direction=\"in\"/>\n   <arg name=\"file\" type=\"h\" direction=\"in\"/>\n");
	expect_in(xml, "<property name=\"Name\" type=\"s\" access=\"read\">\n   <annotation "
		       "name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\" value=\"true\"/>");
	assert_int_equal(count_of(xml, "<interface "), 4);
	talloc_free(xml);
}

static void introspection_leads_from_the_top_to_every_object(void **state)
{
	static const struct {
		const char *path, *node;
	} rows[] = {
		{ "/", "org" },
		{ "/org", "ravelin" },
		{ "/org/ravelin", "IPsec1" },
		{ "/org/ravelin/IPsec1", "connection" },
		{ "/org/ravelin/IPsec1", "test" },
		{ "/org/ravelin/IPsec1/connection", "west" },
		{ "/org/ravelin/IPsec1/test", "a_2f_2fb_2f" },
		{ "/org/ravelin/IPsec1/service", "aead/first_2d256/world" },
	};
	static const char *const nowhere[] = { "/or", "/org/ravelin/IPsec", "/org/ravelin/IPsec1/x",
					       "/org/ravelin/IPsec1/connection/east", "/org/ravelin/IPsec1x" };
	struct bus_world *f = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char *xml = introspection_of(f, rows[i].path), node[64];
		assert_well_formed(xml);
		snprintf(node, sizeof(node), "<node name=\"%s\"/>", rows[i].node);
		expect_in(xml, node);
		talloc_free(xml);
	}
	for (size_t i = 0; i < RV_COUNT(nowhere); i++)
		expect_error(introspection_of(f, nowhere[i]), DBUS_ERROR_UNKNOWN_OBJECT);
}

/* Verbs */

static void up_gives_an_attempt_and_down_ends_it(void **state)
{
	struct bus_world *f = *state;
	const char *west = "west", *one = "one", *face = FACE "Attempt", *property = "State", *no = "no";

	expect(caller_ask(f->c, "Up", DBUS_TYPE_STRING, &west, DBUS_TYPE_STRING, &one, DBUS_TYPE_INVALID),
	       "/org/ravelin/IPsec1/attempt/1");
	at(f, "/org/ravelin/IPsec1/attempt/1", DBUS "Properties");
	caller_settle(f->c);
	expect(caller_ask(f->c, "Get", DBUS_TYPE_STRING, &face, DBUS_TYPE_STRING, &property, DBUS_TYPE_INVALID),
	       "<'ok'>");
	at(f, "/org/ravelin/IPsec1/child_sa/1", DBUS "Properties");
	face = FACE "ChildSa";
	expect(caller_ask(f->c, "Get", DBUS_TYPE_STRING, &face, DBUS_TYPE_STRING, &property, DBUS_TYPE_INVALID),
	       "<'installed'>");
	char *all = caller_ask(f->c, "GetAll", DBUS_TYPE_STRING, &face, DBUS_TYPE_INVALID);

	expect_in(all, "'Connection': <'west'>");
	expect_in(all, "'LocalTs': <['10.1.0.0/16']>");
	talloc_free(all);
	at(f, "/org/ravelin/IPsec1", FACE "Manager");
	world_notes(f->w);
	expect(caller_ask(f->c, "Rekey", DBUS_TYPE_STRING, &west, DBUS_TYPE_STRING, &(const char *){ "" },
			  DBUS_TYPE_INVALID),
	       "");
	expect(caller_ask(f->c, "Rekey", DBUS_TYPE_STRING, &west, DBUS_TYPE_STRING, &one, DBUS_TYPE_INVALID), "");
	assert_string_equal(world_notes(f->w), "rekey child_rekey");
	expect_error(caller_ask(f->c, "Rekey", DBUS_TYPE_STRING, &west, DBUS_TYPE_STRING, &no, DBUS_TYPE_INVALID),
		     FACE "Error.WrongState");
	expect_error(caller_ask(f->c, "Rekey", DBUS_TYPE_STRING, &no, DBUS_TYPE_STRING, &no, DBUS_TYPE_INVALID),
		     FACE "Error.UnknownConnection");
	expect(caller_ask(f->c, "Down", DBUS_TYPE_STRING, &west, DBUS_TYPE_INVALID), "");
	expect_error(caller_ask(f->c, "Up", DBUS_TYPE_STRING, &no, DBUS_TYPE_STRING, &one, DBUS_TYPE_INVALID),
		     FACE "Error.UnknownConnection");
	expect_error(caller_ask(f->c, "Up", DBUS_TYPE_STRING, &west, DBUS_TYPE_STRING, &no, DBUS_TYPE_INVALID),
		     FACE "Error.UnknownChild");
}

static void policies_are_numbered(void **state)
{
	struct bus_world *f = *state;
	const char *west = "west", *one = "one", *face = FACE "Policy";

	talloc_free(caller_ask(f->c, "Up", DBUS_TYPE_STRING, &west, DBUS_TYPE_STRING, &one, DBUS_TYPE_INVALID));
	caller_settle(f->c);
	at(f, "/org/ravelin/IPsec1/policy/1", DBUS "Properties");
	char *all = caller_ask(f->c, "GetAll", DBUS_TYPE_STRING, &face, DBUS_TYPE_INVALID);

	expect_in(all,
		  "'LocalTs': <'10.1.0.0/16'>, 'RemoteTs': <'10.2.0.0/16'>, 'Action': <'tunnel'>, 'Trap': <false>");
	talloc_free(all);
	at(f, "/org/ravelin/IPsec1/policy/2", DBUS "Properties");
	expect_error(caller_ask(f->c, "GetAll", DBUS_TYPE_STRING, &face, DBUS_TYPE_INVALID), DBUS_ERROR_UNKNOWN_OBJECT);
}

static void drops_outside_of_sas_are_shown_by_cause(void **state)
{
	struct bus_world *f = *state;
	const char *face = FACE "Manager", *property = "Dropped";

	at(f, "/org/ravelin/IPsec1", DBUS "Properties");
	expect(caller_ask(f->c, "Get", DBUS_TYPE_STRING, &face, DBUS_TYPE_STRING, &property, DBUS_TYPE_INVALID),
	       "<{'no-policy': 3, 'fragment': 1, 'clear-in': 5}>");
}

static void lists_come_page_by_page(void **state)
{
	static const struct {
		const char *what;
		dbus_uint32_t cursor, most;
		unsigned rows, next;
	} rows[] = {
		{ "all at once", 0, 100, 10, 0 },
		{ "0 is as many as there are", 0, 0, 10, 0 },
		{ "one less than there are", 0, 9, 9, 9 },
		{ "exactly as many", 0, 10, 10, 0 },
		{ "one more", 0, 11, 10, 0 },
		{ "the last one", 9, 5, 1, 0 },
		{ "from the middle", 4, 3, 3, 7 },
		{ "past the end", 10, 5, 0, 0 },
		{ "far past the end", 0xffffffff, 0xffffffff, 0, 0 },
	};
	struct bus_world *f = *state;
	const char *test = "test", *no = "no", *root = "";
	dbus_uint32_t zero = 0;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char *page = caller_ask(f->c, "List", DBUS_TYPE_STRING, &test, DBUS_TYPE_UINT32, &rows[i].cursor,
					DBUS_TYPE_UINT32, &rows[i].most, DBUS_TYPE_INVALID);
		if (count_of(page, "'Name'") != rows[i].rows || strtoul(strrchr(page, ' '), NULL, 10) != rows[i].next)
			fail_msg("%s: %s", rows[i].what, page);
		talloc_free(page);
	}
	expect_error(caller_ask(f->c, "List", DBUS_TYPE_STRING, &no, DBUS_TYPE_UINT32, &zero, DBUS_TYPE_UINT32, &zero,
				DBUS_TYPE_INVALID),
		     FACE "Error.NotLoaded");
	expect_error(caller_ask(f->c, "List", DBUS_TYPE_STRING, &root, DBUS_TYPE_UINT32, &zero, DBUS_TYPE_UINT32, &zero,
				DBUS_TYPE_INVALID),
		     FACE "Error.NotLoaded");
}

static void every_folder_can_be_listed(void **state)
{
	struct bus_world *f = *state;
	const char *west = "west", *one = "one";
	static const char *const folders[] = { "connection", "child_sa", "plugin", "service", "attempt", "policy" };
	dbus_uint32_t zero = 0;

	talloc_free(caller_ask(f->c, "Up", DBUS_TYPE_STRING, &west, DBUS_TYPE_STRING, &one, DBUS_TYPE_INVALID));
	caller_settle(f->c);
	for (size_t i = 0; i < RV_COUNT(folders); i++) {
		char *page = caller_ask(f->c, "List", DBUS_TYPE_STRING, &folders[i], DBUS_TYPE_UINT32, &zero,
					DBUS_TYPE_UINT32, &zero, DBUS_TYPE_INVALID);
		if (page[0] != '[' || page[1] != '{')
			fail_msg("%s: %s", folders[i], page);
		talloc_free(page);
	}
}

static void verbs_that_this_daemon_lacks_say_so(void **state)
{
	struct bus_world *f = *state;
	const char *world = "world", *ghost = "ghost", *loud = "loud", *debug = "error";
	dbus_bool_t no = FALSE;

	expect_error(caller_ask(f->c, "Reload", DBUS_TYPE_INVALID), FACE "Error.WrongState");
	expect_error(caller_ask(f->c, "Stop", DBUS_TYPE_INVALID), FACE "Error.WrongState");
	expect_error(caller_ask(f->c, "LoadPlugin", DBUS_TYPE_STRING, &ghost, DBUS_TYPE_INVALID),
		     FACE "Error.PluginRefused");
	expect_error(
		caller_ask(f->c, "UnloadPlugin", DBUS_TYPE_STRING, &ghost, DBUS_TYPE_BOOLEAN, &no, DBUS_TYPE_INVALID),
		FACE "Error.NotLoaded");
	expect_error(caller_ask(f->c, "SetLogLevel", DBUS_TYPE_STRING, &loud, DBUS_TYPE_INVALID),
		     FACE "Error.InvalidConfiguration");
	expect(caller_ask(f->c, "SetLogLevel", DBUS_TYPE_STRING, &debug, DBUS_TYPE_INVALID), "");
	(void)world;
}

static void stopped(void *self)
{
	*(bool *)self = true;
}

static void stop_asks_the_program_to_end(void **state)
{
	struct bus_world *f = *state;
	bool stop = false;

	f->core->params.stop = stopped;
	f->core->params.stop_self = &stop;
	expect(caller_ask(f->c, "Stop", DBUS_TYPE_INVALID), "");
	assert_true(stop);
}

/* The state of all sessions in a file */

static int file_of(struct bus_world *f, const char *name, size_t octets)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	for (size_t i = 0; i < octets; i++)
		assert_int_equal(write(fd, "k", 1), 1);
	return fd;
}

static char *move(struct bus_world *f, const char *verb, int key, int fd)
{
	return caller_ask(f->c, verb, DBUS_TYPE_UNIX_FD, &key, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID);
}

static void sessions_go_out_to_a_file_and_come_back(void **state)
{
	struct bus_world *f = *state;
	const char *west = "west", *one = "one";
	int key = file_of(f, "key", 32), other = file_of(f, "other", 32), fd = file_of(f, "state", 0);

	talloc_free(caller_ask(f->c, "Up", DBUS_TYPE_STRING, &west, DBUS_TYPE_STRING, &one, DBUS_TYPE_INVALID));
	caller_settle(f->c);
	expect(move(f, "ExportState", key, fd), "1");
	assert_true(lseek(fd, 0, SEEK_END) > 64);
	f->w->quiet_events = true;
	rv_peer_down(f->w->last, 0, NULL);
	assert_int_equal(pwrite(other, "x", 1, 0), 1);
	expect_error(move(f, "ImportState", other, fd), FACE "Error.IntegrityCheckFailed");
	world_notes(f->w);
	expect(move(f, "ImportState", key, fd), "1");
	expect_in(world_notes(f->w), "unpack");
	close(key);
	close(other);
	close(fd);
}

static void keys_and_states_that_are_no_files_are_refused(void **state)
{
	static const size_t lengths[] = { 0, 31, 33 };
	struct bus_world *f = *state;
	int key = file_of(f, "key", 32), empty = file_of(f, "empty", 0), ends[2];

	for (size_t i = 0; i < RV_COUNT(lengths); i++) {
		int bad = file_of(f, "bad", lengths[i]);
		expect_error(move(f, "ExportState", bad, empty), FACE "Error.InvalidConfiguration");
		expect_error(move(f, "ImportState", bad, empty), FACE "Error.InvalidConfiguration");
		close(bad);
	}
	assert_int_equal(pipe(ends), 0);
	expect_error(move(f, "ExportState", ends[0], empty), FACE "Error.InvalidConfiguration");
	expect_error(move(f, "ExportState", key, ends[1]), FACE "Error.InvalidConfiguration");
	expect_error(move(f, "ImportState", key, ends[0]), FACE "Error.InvalidConfiguration");
	expect_error(move(f, "ImportState", key, empty), FACE "Error.InvalidConfiguration");
	int read_only = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	expect_error(move(f, "ExportState", key, read_only), FACE "Error.Failed");
	close(read_only);
	close(ends[0]);
	close(ends[1]);
	close(key);
	close(empty);
}

#define T(test) cmocka_unit_test_setup_teardown(test, bus_world_begin, bus_world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_not_there_is_said_to_be_so),
		T(properties_are_read_and_not_written),
		T(the_object_manager_lists_what_is_listed),
		T(more_objects_than_one_answer_holds_are_paged),
		T(values_of_every_type_go_out_and_in),
		T(errors_have_the_name_and_the_sentence_of_the_handler),
		T(every_name_has_one_path_and_comes_back),
		T(what_no_name_is_written_like_is_no_name),
		T(a_name_that_is_too_long_has_no_path),
		T(objects_with_odd_names_are_found),
		T(introspection_is_what_the_tables_say),
		T(introspection_leads_from_the_top_to_every_object),
		T(up_gives_an_attempt_and_down_ends_it),
		T(policies_are_numbered),
		T(drops_outside_of_sas_are_shown_by_cause),
		T(lists_come_page_by_page),
		T(every_folder_can_be_listed),
		T(verbs_that_this_daemon_lacks_say_so),
		T(stop_asks_the_program_to_end),
		T(sessions_go_out_to_a_file_and_come_back),
		T(keys_and_states_that_are_no_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

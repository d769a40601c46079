// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-bus: the daemon's own socket and the objects on it, as a client sees them. */
#include "test.h"

#include "caller.h"
#include "dbus/objects.h"
#include "world.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#define CONFIG                                                                                                         \
	"connections { west { keying = fake\n local_addrs = 10.0.0.1\n remote_addrs = 10.0.0.2, 10.0.0.3\n"            \
	"children { one { local_ts = 10.1.0.0/16\n remote_ts = 10.2.0.0/16 } } } }"
#define FACE "org.ravelin.IPsec1."
#define DBUS "org.freedesktop.DBus."

/* A folder of a plugin's: odd names, and methods of every kind. */

static const char *const names[] = { "plain", "a/b", "", "/", "a//b/", "a_b", "_41", "caf\xc3\xa9", "\xff", "a b" };

struct odd {
	const char *name;
	struct rv_bus_call *later;
	struct rv_bus_folder *folder;
	const char *const *names;
	size_t n_names;
	size_t n_big; /* objects besides these, of 8 KiB each */
	char *big;
};

static int call_all(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	rv_bus_out_str(out, "caf\xc3\xa9");
	rv_bus_out_str(out, "\xff\x01");
	rv_bus_out_str(out, NULL);
	rv_bus_out_path(out, "test", "a b");
	rv_bus_out_bool(out, true);
	rv_bus_out_u32(out, UINT32_MAX);
	rv_bus_out_i32(out, INT32_MIN);
	rv_bus_out_u64(out, UINT64_MAX);
	rv_bus_out_i64(out, INT64_MIN);
	rv_bus_out_octets(out, rv_bytes("\0\xff", 2));
	rv_bus_out_octets(out, rv_bytes(NULL, 0));
	rv_bus_out_open_array(out, "(su)");
	rv_bus_out_open_struct(out);
	rv_bus_out_str(out, "x");
	rv_bus_out_u32(out, 1);
	rv_bus_out_close(out);
	rv_bus_out_close(out);
	rv_bus_out_open_array(out, "{sv}");
	rv_bus_out_dict_str(out, "s", "text");
	rv_bus_out_dict_u64(out, "t", 7);
	rv_bus_out_dict_bool(out, "b", false);
	rv_bus_out_close(out);
	return 0;
}

static int call_echo(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	const char *text = rv_bus_in_str(in);
	bool flag = rv_bus_in_bool(in);
	uint32_t n = rv_bus_in_u32(in);
	struct rv_bytes octets = rv_bus_in_octets(in);
	int fd = rv_bus_in_fd(in);
	char c = 0;

	rv_bus_out_str(out, text);
	rv_bus_out_bool(out, flag);
	rv_bus_out_u32(out, n);
	rv_bus_out_octets(out, octets);
	rv_bus_out_bool(out, read(fd, &c, 1) == 1 && c == 'x');
	close(fd);
	return 0;
}

static int call_later(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct odd *odd = self;
	struct rv_bus_call *call = rv_bus_pend(in);

	if (!call)
		return rv_why_set(why, -RV_ELIMIT, "too many");
	if (!odd->later)
		odd->later = call;
	else
		rv_bus_answer(call, -RV_ESTATE, NULL);
	return RV_PENDING;
}

static int call_fail(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	return rv_why_set(why, -RV_ENO_PROPOSAL, "they offer nothing");
}

static int call_admin(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	return 0;
}

static void get_name(void *self, struct rv_bus_out *out)
{
	const struct odd *odd = self;

	rv_bus_out_str(out, odd->name ? odd->name : odd->big);
}

static const struct rv_bus_method methods[] = {
	{ "All", "", "sssobuitxayaya(su)a{sv}", "", "", RV_BUS_VIEW, call_all },
	{ "Echo", "sbuayh", "sbuayb", "text,flag,n,octets,file", "", RV_BUS_VIEW, call_echo },
	{ "Later", "", "u", "", "n", RV_BUS_VIEW, call_later },
	{ "Fail", "", "", "", "", RV_BUS_VIEW, call_fail },
	{ "Control", "", "", "", "", RV_BUS_CONTROL, call_admin },
	{ "Admin", "", "", "", "", RV_BUS_ADMIN, call_admin },
};
static const struct rv_bus_property properties[] = { { "Name", "s", get_name, RV_BUS_TOLD } };
static const struct rv_bus_interface interface = { .name = FACE "Test",
						   .methods = methods,
						   .properties = properties,
						   .n_methods = RV_COUNT(methods),
						   .n_properties = RV_COUNT(properties) };

static void *odd_find(void *self, const char *name)
{
	struct odd *odd = self;

	for (size_t i = 0; i < odd->n_names; i++) {
		if (strcmp(odd->names[i], name) != 0)
			continue;
		odd->name = odd->names[i];
		return odd;
	}
	return NULL;
}

static int odd_each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	struct odd *odd = self;
	char name[32];
	int r = 0;

	for (size_t i = 0; !r && i < odd->n_names; i++) {
		odd->name = odd->names[i];
		r = fn(fn_arg, odd->names[i], odd);
	}
	odd->name = NULL;
	for (size_t i = 0; !r && i < odd->n_big; i++) {
		snprintf(name, sizeof(name), "big%zu", i);
		r = fn(fn_arg, name, odd);
	}
	return r;
}

static const struct rv_bus_folder_ops odd_ops = { .size = sizeof(odd_ops), .find = odd_find, .each = odd_each };

/* A world with a socket and one client */

struct fixture {
	struct world *w;
	struct rv_core *core;
	struct odd odd;
	char dir[64], address[128];
	struct caller *c;
};

static void open_bus(struct fixture *f)
{
	struct rv_why why = { 0 };

	f->core->bus = rv_bus_new(f->core, f->core, NULL, &why);
	if (!f->core->bus)
		fail_msg("%s", why.text);
}

static int begin(void **state)
{
	struct fixture *f = talloc_zero(NULL, struct fixture);

	f->w = world_new(CONFIG);
	f->core = f->w->core;
	snprintf(f->dir, sizeof(f->dir), "/tmp/ravelin-bus-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chmod(f->dir, 0755), 0);
	snprintf(f->address, sizeof(f->address), "unix:path=%s/bus", f->dir);
	f->core->params.run_dir = f->dir;
	f->odd.names = names;
	f->odd.n_names = RV_COUNT(names);
	f->odd.folder = rv_bus_folder(f->w->keying_host, "test", &interface, &odd_ops, &f->odd, true);
	assert_non_null(f->odd.folder); /* before there is a bus */
	open_bus(f);
	f->c = caller_new(f->core, f->address, true);
	world_notes(f->w);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	caller_end(f->c);
	TALLOC_FREE(f->core->bus);
	assert_int_equal(rmdir(f->dir), 0); /* the socket is gone */
	world_end(f->w);
	talloc_free(f);
	return 0;
}

static void expect(char *got, const char *wanted)
{
	if (!got || strcmp(got, wanted) != 0)
		fail_msg("got:    %s\nwanted: %s", got ? got : "(closed)", wanted);
	talloc_free(got);
}

static void expect_error(char *got, const char *name)
{
	size_t len = strlen(name);

	if (!got || *got != '!' || strncmp(got + 1, name, len) != 0 || got[1 + len] != ':' || !got[len + 3])
		fail_msg("got: %s\nwanted the error %s with a text", got ? got : "(closed)", name);
	talloc_free(got);
}

static void expect_in(const char *got, const char *part)
{
	if (!got || !strstr(got, part))
		fail_msg("got: %s\nwithout: %s", got ? got : "(closed)", part);
}

static void at(struct fixture *f, const char *path, const char *face)
{
	f->c->path = path;
	f->c->interface = face;
}

/* The driver */

static void clients_that_expect_a_bus_find_what_they_need(void **state)
{
	struct fixture *f = *state;
	static const char *const owners[][2] = { { "org.ravelin.IPsec1", "':1.0'" },
						 { ":1.0", "':1.0'" },
						 { "org.freedesktop.DBus", "'org.freedesktop.DBus'" },
						 { ":1.1", "':1.1'" } };
	const char *stranger = ":1.99", *ours = "org.ravelin.IPsec1", *me = ":1.1";
	dbus_uint32_t zero = 0;
	char text[64];

	for (size_t i = 0; i < RV_COUNT(owners); i++) {
		expect(caller_driver(f->c, "GetNameOwner", DBUS_TYPE_STRING, &owners[i][0], DBUS_TYPE_INVALID),
		       owners[i][1]);
		expect(caller_driver(f->c, "NameHasOwner", DBUS_TYPE_STRING, &owners[i][0], DBUS_TYPE_INVALID), "true");
	}
	expect_error(caller_driver(f->c, "GetNameOwner", DBUS_TYPE_STRING, &stranger, DBUS_TYPE_INVALID),
		     DBUS_ERROR_NAME_HAS_NO_OWNER);
	expect(caller_driver(f->c, "NameHasOwner", DBUS_TYPE_STRING, &stranger, DBUS_TYPE_INVALID), "false");
	expect(caller_driver(f->c, "ListNames", DBUS_TYPE_INVALID),
	       "['org.freedesktop.DBus', 'org.ravelin.IPsec1', ':1.0', ':1.1']");
	expect(caller_driver(f->c, "ListActivatableNames", DBUS_TYPE_INVALID),
	       "['org.freedesktop.DBus', 'org.ravelin.IPsec1']");
	expect(caller_driver(f->c, "StartServiceByName", DBUS_TYPE_STRING, &ours, DBUS_TYPE_UINT32, &zero,
			     DBUS_TYPE_INVALID),
	       "2");
	expect_error(caller_driver(f->c, "StartServiceByName", DBUS_TYPE_STRING, &stranger, DBUS_TYPE_UINT32, &zero,
				   DBUS_TYPE_INVALID),
		     DBUS_ERROR_SERVICE_UNKNOWN);
	snprintf(text, sizeof(text), "%u", (unsigned)getuid());
	expect(caller_driver(f->c, "GetConnectionUnixUser", DBUS_TYPE_STRING, &me, DBUS_TYPE_INVALID), text);
	expect(caller_driver(f->c, "GetConnectionUnixUser", DBUS_TYPE_STRING, &ours, DBUS_TYPE_INVALID), text);
	snprintf(text, sizeof(text), "%u", (unsigned)getpid());
	expect(caller_driver(f->c, "GetConnectionUnixProcessID", DBUS_TYPE_STRING, &me, DBUS_TYPE_INVALID), text);
	snprintf(text, sizeof(text), "{'UnixUserID': <%u>, 'ProcessID': <%u>}", (unsigned)getuid(), (unsigned)getpid());
	expect(caller_driver(f->c, "GetConnectionCredentials", DBUS_TYPE_STRING, &me, DBUS_TYPE_INVALID), text);
	expect_error(caller_driver(f->c, "GetConnectionCredentials", DBUS_TYPE_STRING, &stranger, DBUS_TYPE_INVALID),
		     DBUS_ERROR_NAME_HAS_NO_OWNER);
	expect_error(
		caller_driver(f->c, "RequestName", DBUS_TYPE_STRING, &ours, DBUS_TYPE_UINT32, &zero, DBUS_TYPE_INVALID),
		DBUS_ERROR_ACCESS_DENIED);
	expect_error(caller_driver(f->c, "RequestName", DBUS_TYPE_STRING, &ours, DBUS_TYPE_INVALID),
		     DBUS_ERROR_INVALID_ARGS);
	expect_error(caller_driver(f->c, "BecomeMonitor", DBUS_TYPE_INVALID), DBUS_ERROR_UNKNOWN_METHOD);
	char *id = caller_driver(f->c, "GetId", DBUS_TYPE_INVALID);

	assert_int_equal(strlen(id), 34); /* 32 digits and the quotes */
	talloc_free(id);
}

static void match_rules_are_counted_and_bounded(void **state)
{
	struct fixture *f = *state;
	const char *rule = "type='signal'";

	for (unsigned i = 1; i < MAX_MATCHES; i++) /* the fixture has one */
		expect(caller_driver(f->c, "AddMatch", DBUS_TYPE_STRING, &rule, DBUS_TYPE_INVALID), "");
	expect_error(caller_driver(f->c, "AddMatch", DBUS_TYPE_STRING, &rule, DBUS_TYPE_INVALID),
		     DBUS_ERROR_LIMITS_EXCEEDED);
	for (unsigned i = 0; i < MAX_MATCHES; i++) {
		assert_true(bus_heard(f->core->bus));
		expect(caller_driver(f->c, "RemoveMatch", DBUS_TYPE_STRING, &rule, DBUS_TYPE_INVALID), "");
	}
	assert_false(bus_heard(f->core->bus));
	expect_error(caller_driver(f->c, "RemoveMatch", DBUS_TYPE_STRING, &rule, DBUS_TYPE_INVALID),
		     DBUS_ERROR_MATCH_RULE_NOT_FOUND);
}

static void a_name_that_is_nobodys_is_unknown(void **state)
{
	struct fixture *f = *state;
	DBusMessage *call =
		dbus_message_new_method_call("org.example.Other", "/org/ravelin/IPsec1", FACE "Manager", "Reload");

	expect_error(caller_reply(f->c, caller_send(f->c, call)), DBUS_ERROR_SERVICE_UNKNOWN);
}

static void a_client_that_knows_no_bus_need_not_say_hello(void **state)
{
	struct fixture *f = *state;
	struct caller *plain = caller_new(f->core, f->address, false);
	DBusMessage *call = dbus_message_new_method_call(NULL, "/org/ravelin/IPsec1", DBUS "Peer", "Ping");

	expect(caller_reply(plain, caller_send(plain, call)), "");
	expect_error(caller_ask(plain, "Down", DBUS_TYPE_STRING, &(const char *){ "no" }, DBUS_TYPE_INVALID),
		     FACE "Error.UnknownConnection");
	caller_end(plain);
}

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
	struct fixture *f = *state;

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
	struct fixture *f = *state;
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
	struct fixture *f = *state;

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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;

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
	struct fixture *f = *state;
	const char *face = FACE "Test";
	char path[MAX_PATH], wanted[128];

	for (size_t i = 0; i < RV_COUNT(names); i++) {
		assert_true(path_escape(path, "test", names[i]));
		at(f, path, DBUS "Properties");
		snprintf(wanted, sizeof(wanted), "{'Name': <'%s'>}", strcmp(names[i], "\xff") ? names[i] : "\\xff");
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

static char *introspection_of(struct fixture *f, const char *path)
{
	at(f, path, DBUS "Introspectable");
	return caller_ask(f->c, "Introspect", DBUS_TYPE_INVALID);
}

static unsigned count(const char *xml, const char *part)
{
	unsigned n = 0;

	for (; (xml = strstr(xml, part)); xml++)
		n++;
	return n;
}

static void introspection_is_what_the_tables_say(void **state)
{
	struct fixture *f = *state;
	char *xml = introspection_of(f, "/org/ravelin/IPsec1/test/plain"), *begin, part[128];

	assert_well_formed(xml);
	for (size_t i = 0; i < RV_COUNT(methods); i++) {
		snprintf(part, sizeof(part), "<method name=\"%s\">", methods[i].name);
		assert_int_equal(count(xml, part), 1);
	}
	begin = strstr(xml, "<method name=\"Echo\">");
	expect_in(begin,
		  "<arg name=\"text\" type=\"s\" direction=\"in\"/>\n   <arg name=\"flag\" type=\"b\" "
		  "direction=\"in\"/>\n   <arg name=\"n\" type=\"u\" direction=\"in\"/>\n   <arg name=\"octets\" "
		  "type=\"ay\" direction=\"in\"/>\n   <arg name=\"file\" type=\"h\" direction=\"in\"/>\n");
	expect_in(xml, "<property name=\"Name\" type=\"s\" access=\"read\">\n   <annotation "
		       "name=\"org.freedesktop.DBus.Property.EmitsChangedSignal\" value=\"true\"/>");
	assert_int_equal(count(xml, "<interface "), 4);
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
	struct fixture *f = *state;

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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
	const char *test = "test", *no = "no", *root = "";
	dbus_uint32_t zero = 0;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char *page = caller_ask(f->c, "List", DBUS_TYPE_STRING, &test, DBUS_TYPE_UINT32, &rows[i].cursor,
					DBUS_TYPE_UINT32, &rows[i].most, DBUS_TYPE_INVALID);
		if (count(page, "'Name'") != rows[i].rows || strtoul(strrchr(page, ' '), NULL, 10) != rows[i].next)
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
	bool stop = false;

	f->core->params.stop = stopped;
	f->core->params.stop_self = &stop;
	expect(caller_ask(f->c, "Stop", DBUS_TYPE_INVALID), "");
	assert_true(stop);
}

/* The state of all sessions in a file */

static int file_of(struct fixture *f, const char *name, size_t octets)
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

static char *move(struct fixture *f, const char *verb, int key, int fd)
{
	return caller_ask(f->c, verb, DBUS_TYPE_UNIX_FD, &key, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID);
}

static void sessions_go_out_to_a_file_and_come_back(void **state)
{
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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

/* Calls that are answered later */

static void a_call_may_be_answered_later(void **state)
{
	struct fixture *f = *state;

	at(f, "/org/ravelin/IPsec1/test/plain", FACE "Test");
	uint32_t serial = caller_call(f->c, "Later", DBUS_TYPE_INVALID);

	caller_settle(f->c);
	assert_non_null(f->odd.later);
	rv_bus_out_u32(rv_bus_results(f->odd.later), 5);
	rv_bus_answer(f->odd.later, 0, NULL);
	expect(caller_reply(f->c, serial), "5");
	f->odd.later = NULL;
	serial = caller_call(f->c, "Later", DBUS_TYPE_INVALID);
	caller_settle(f->c);
	struct rv_why why = { 0 };

	(void)rv_why_set(&why, -RV_EPEER_GONE, "it went");
	rv_bus_answer(f->odd.later, -RV_EPEER_GONE, &why);
	expect(caller_reply(f->c, serial), "!org.ravelin.IPsec1.Error.PeerGone: it went");
}

static void an_answer_to_a_client_that_left_goes_nowhere(void **state)
{
	struct fixture *f = *state;
	struct caller *other = caller_new(f->core, f->address, true);

	other->path = "/org/ravelin/IPsec1/test/plain";
	other->interface = FACE "Test";
	(void)caller_call(other, "Later", DBUS_TYPE_INVALID);
	caller_settle(other);
	assert_non_null(f->odd.later);
	caller_end(other);
	caller_settle(f->c);
	assert_int_equal(f->core->bus->n_clients, 1);
	rv_bus_out_u32(rv_bus_results(f->odd.later), 5);
	rv_bus_answer(f->odd.later, 0, NULL);
}

static void an_answer_may_come_after_the_bus_went(void **state)
{
	struct fixture *f = *state;

	at(f, "/org/ravelin/IPsec1/test/plain", FACE "Test");
	(void)caller_call(f->c, "Later", DBUS_TYPE_INVALID);
	caller_settle(f->c);
	TALLOC_FREE(f->core->bus);
	rv_bus_answer(f->odd.later, -RV_ECANCELLED, NULL);
	rv_bus_came(f->odd.folder, "plain");
	rv_bus_changed(f->odd.folder, "plain", "Name");
	assert_null(rv_bus_signal(f->odd.folder, "plain", "Nothing"));
	rv_attempt_ok(rv_attempt_new(f->core, "west", NULL, "user"));
	open_bus(f); /* and again */
	caller_end(f->c);
	f->c = caller_new(f->core, f->address, true);
	f->odd.later = NULL;
	at(f, "/org/ravelin/IPsec1/test/plain", FACE "Test");
	expect_error(caller_ask(f->c, "Fail", DBUS_TYPE_INVALID), FACE "Error.NoProposalChosen");
}

static void calls_that_wait_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct rv_bus_call *waiting[MAX_PENDED];

	at(f, "/org/ravelin/IPsec1/test/plain", FACE "Test");
	for (unsigned i = 0; i < MAX_PENDED; i++) {
		(void)caller_call(f->c, "Later", DBUS_TYPE_INVALID);
		caller_settle(f->c);
		waiting[i] = f->odd.later;
		assert_non_null(waiting[i]);
		f->odd.later = NULL;
	}
	expect(caller_ask(f->c, "Later", DBUS_TYPE_INVALID), "!org.ravelin.IPsec1.Error.LimitReached: too many");
	for (unsigned i = 0; i < MAX_PENDED; i++)
		rv_bus_answer(waiting[i], -RV_ESTATE, NULL);
	(void)caller_call(f->c, "Later", DBUS_TYPE_INVALID);
	caller_settle(f->c);
	assert_non_null(f->odd.later);
	rv_bus_answer(f->odd.later, -RV_ESTATE, NULL);
}

/* Too many, too slow, too much */

static void clients_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct caller *others[MAX_CLIENTS];

	for (unsigned i = 1; i < MAX_CLIENTS; i++) {
		others[i] = caller_new(f->core, f->address, true);
		assert_true(dbus_connection_get_is_connected(others[i]->connection));
	}
	others[0] = caller_new(f->core, f->address, false);
	assert_false(caller_connected(others[0]));
	caller_end(others[1]);
	caller_settle(f->c);
	others[1] = caller_new(f->core, f->address, true);
	assert_true(caller_connected(others[1]));
	for (unsigned i = 0; i < MAX_CLIENTS; i++)
		caller_end(others[i]);
	caller_settle(f->c);
	assert_int_equal(f->core->bus->n_clients, 1);
	assert_true(caller_connected(f->c));
}

static void a_client_that_does_not_read_is_let_go(void **state)
{
	struct fixture *f = *state;
	struct caller *lazy = caller_new(f->core, f->address, true);
	struct rv_bus *bus = f->core->bus;
	unsigned rounds = 0;

	f->odd.big = talloc_zero_size(f->core, 8193);
	memset(f->odd.big, 'x', 8192);
	f->odd.n_big = 500; /* 4 MiB an answer */
	lazy->interface = DBUS "ObjectManager";
	for (; bus->n_clients == 2 && rounds < 20; rounds++) {
		(void)caller_call(lazy, "GetManagedObjects", DBUS_TYPE_INVALID);
		dbus_connection_flush(lazy->connection);
		for (int i = 0; i < 20; i++)
			(void)rv_loop_turn(f->core->loop, 0);
	}
	assert_int_equal(bus->n_clients, 1);
	assert_in_range(rounds, 4, 8);
	caller_end(lazy);
	assert_true(caller_connected(f->c));
}

static void a_message_that_is_too_large_ends_the_connection(void **state)
{
	static const struct {
		size_t octets;
		bool lives;
	} rows[] = { { MAX_INCOMING - 4096, true }, { MAX_INCOMING + 1, false } };
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct caller *other = caller_new(f->core, f->address, true);
		char *text = talloc_zero_size(NULL, rows[i].octets + 1);
		memset(text, 'x', rows[i].octets);
		char *got = caller_ask(other, "Down", DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
		assert_int_equal(got != NULL, rows[i].lives);
		assert_int_equal(caller_connected(other), rows[i].lives);
		talloc_free(got);
		talloc_free(text);
		caller_end(other);
	}
}

static void who_does_not_log_in_is_let_go(void **state)
{
	struct fixture *f = *state;
	DBusConnection *mute = dbus_connection_open_private(f->address, NULL);

	assert_non_null(mute);
	caller_settle(f->c);
	assert_int_equal(f->core->bus->n_clients, 2);
	world_run(f->w, RV_MS(LOGIN_MS - 1));
	caller_settle(f->c);
	assert_int_equal(f->core->bus->n_clients, 2);
	world_run(f->w, RV_MS(1));
	caller_settle(f->c);
	assert_int_equal(f->core->bus->n_clients, 1);
	assert_true(caller_connected(f->c));
	dbus_connection_close(mute);
	dbus_connection_unref(mute);
}

static void garbage_ends_the_connection_and_nothing_else(void **state)
{
	static const char *const lines[] = { "GET / HTTP/1.0\r\n\r\n", "\0AUTH EXTERNAL zz\r\n",
					     "\0BEGIN\r\nxxxxxxxxxxxxxxxx" };
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(lines); i++) {
		DBusConnection *rude = dbus_connection_open_private(f->address, NULL);
		int fd = -1;
		assert_true(dbus_connection_get_unix_fd(rude, &fd));
		assert_true(write(fd, lines[i], *lines[i] ? strlen(lines[i]) : 1 + strlen(lines[i] + 1)) > 0);
		caller_settle(f->c);
		dbus_connection_close(rude);
		dbus_connection_unref(rude);
	}
	caller_settle(f->c);
	assert_int_equal(f->core->bus->n_clients, 1);
	assert_true(caller_connected(f->c));
}

/* Other users */

/* The other side of a test, in a process of its own as nobody: 0 or the number of what went wrong. */
static int as_nobody(const char *address)
{
	static const struct {
		const char *method;
		bool allowed;
	} rows[] = { { "All", true }, { "Fail", false }, { "Control", false }, { "Admin", false } };
	const struct passwd *nobody = getpwnam("nobody");
	DBusError error = DBUS_ERROR_INIT;
	DBusConnection *c;

	if (!nobody || setgid(nobody->pw_gid) || setuid(nobody->pw_uid))
		return 101;
	c = dbus_connection_open_private(address, &error);
	if (!c || !dbus_bus_register(c, &error))
		return 102;
	dbus_connection_set_exit_on_disconnect(c, FALSE);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		DBusMessage *call = dbus_message_new_method_call("org.ravelin.IPsec1", "/org/ravelin/IPsec1/test/plain",
								 FACE "Test", rows[i].method);
		DBusMessage *reply = dbus_connection_send_with_reply_and_block(c, call, 5000, &error);
		const char *wanted = i == 1 ? FACE "Error.NoProposalChosen" : FACE "Error.AccessDenied";
		if (!reply != !rows[i].allowed || (!reply && strcmp(error.name, wanted) != 0))
			return (int)i + 1;
		dbus_error_free(&error);
	}
	for (unsigned i = 0; i < MAX_STRANGERS; i++) {
		DBusConnection *more = dbus_connection_open_private(address, &error);
		bool ok = more && dbus_bus_register(more, &error);
		if (ok != (i < MAX_STRANGERS - 1))
			return 50;
		dbus_error_free(&error);
	}
	return 0;
}

static void other_users_may_look_and_no_more(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int status = 0;
	pid_t child;

	if (getuid() != 0)
		skip();
	snprintf(path, sizeof(path), "%s/bus", f->dir);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(chmod(path, 0666), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(as_nobody(f->address));
	while (!waitpid(child, &status, WNOHANG))
		(void)rv_loop_turn(f->core->loop, 1000);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	at(f, "/org/ravelin/IPsec1/test/plain", FACE "Test");
	expect(caller_ask(f->c, "Admin", DBUS_TYPE_INVALID), "");
	expect(caller_ask(f->c, "Control", DBUS_TYPE_INVALID), "");
	caller_settle(f->c);
	assert_int_equal(f->core->bus->n_strangers, 0);
}

/* Folders */

static void a_path_has_one_folder(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = { "test", "connection", "", "a/b", "a-b", "\xc3\xa9" };
	struct rv_bus_folder *other;

	for (size_t i = 0; i < RV_COUNT(bad); i++)
		assert_null(rv_bus_folder(f->w->keying_host, bad[i], &interface, &odd_ops, &f->odd, false));
	other = rv_bus_folder(f->w->keying_host, "other_2", &interface, &odd_ops, &f->odd, false);
	assert_non_null(other);
	at(f, "/org/ravelin/IPsec1/other_2/plain", FACE "Test");
	expect_error(caller_ask(f->c, "Fail", DBUS_TYPE_INVALID), FACE "Error.NoProposalChosen");
	talloc_free(other);
	expect_error(caller_ask(f->c, "Fail", DBUS_TYPE_INVALID), DBUS_ERROR_UNKNOWN_OBJECT);
}

static void a_socket_that_cannot_be_made_is_said_to_be_so(void **state)
{
	struct fixture *f = *state;
	struct rv_why why = { 0 };

	caller_end(f->c);
	f->c = NULL;
	TALLOC_FREE(f->core->bus);
	f->core->params.run_dir = "/nowhere/at/all";
	assert_null(rv_bus_new(f->core, f->core, NULL, &why));
	expect_in(why.text, "cannot listen on /nowhere/at/all/bus");
	assert_null(f->core->bus);
	f->core->params.run_dir = f->dir;
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(clients_that_expect_a_bus_find_what_they_need),
		T(match_rules_are_counted_and_bounded),
		T(a_name_that_is_nobodys_is_unknown),
		T(a_client_that_knows_no_bus_need_not_say_hello),
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
		T(lists_come_page_by_page),
		T(every_folder_can_be_listed),
		T(verbs_that_this_daemon_lacks_say_so),
		T(stop_asks_the_program_to_end),
		T(sessions_go_out_to_a_file_and_come_back),
		T(keys_and_states_that_are_no_files_are_refused),
		T(a_call_may_be_answered_later),
		T(an_answer_to_a_client_that_left_goes_nowhere),
		T(an_answer_may_come_after_the_bus_went),
		T(calls_that_wait_are_bounded),
		T(clients_are_bounded),
		T(a_client_that_does_not_read_is_let_go),
		T(a_message_that_is_too_large_ends_the_connection),
		T(who_does_not_log_in_is_let_go),
		T(garbage_ends_the_connection_and_nothing_else),
		T(other_users_may_look_and_no_more),
		T(a_path_has_one_folder),
		T(a_socket_that_cannot_be_made_is_said_to_be_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

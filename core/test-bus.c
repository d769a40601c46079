// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-bus: the daemon's own socket: what a bus would answer, calls that wait, bounds, and other users. */
#include "test.h"

#include "bus-world.h"
#include "dbus/objects.h"
#include "parts.h"

#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

/* The driver */

static void clients_that_expect_a_bus_find_what_they_need(void **state)
{
	struct bus_world *f = *state;
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
	struct bus_world *f = *state;
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
	struct bus_world *f = *state;
	DBusMessage *call =
		dbus_message_new_method_call("org.example.Other", "/org/ravelin/IPsec1", FACE "Manager", "Reload");

	expect_error(caller_reply(f->c, caller_send(f->c, call)), DBUS_ERROR_SERVICE_UNKNOWN);
}

static void a_client_that_knows_no_bus_need_not_say_hello(void **state)
{
	struct bus_world *f = *state;
	struct caller *plain = caller_new(f->core, f->address, false);
	DBusMessage *call = dbus_message_new_method_call(NULL, "/org/ravelin/IPsec1", DBUS "Peer", "Ping");

	expect(caller_reply(plain, caller_send(plain, call)), "");
	expect_error(caller_ask(plain, "Down", DBUS_TYPE_STRING, &(const char *){ "no" }, DBUS_TYPE_INVALID),
		     FACE "Error.UnknownConnection");
	caller_end(plain);
}

/* Calls that are answered later */

static void a_call_may_be_answered_later(void **state)
{
	struct bus_world *f = *state;

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
	struct bus_world *f = *state;
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
	struct bus_world *f = *state;

	at(f, "/org/ravelin/IPsec1/test/plain", FACE "Test");
	(void)caller_call(f->c, "Later", DBUS_TYPE_INVALID);
	caller_settle(f->c);
	TALLOC_FREE(f->core->bus);
	rv_bus_answer(f->odd.later, -RV_ECANCELLED, NULL);
	rv_bus_came(f->odd.folder, "plain");
	rv_bus_changed(f->odd.folder, "plain", "Name");
	assert_null(rv_bus_signal(f->odd.folder, "plain", "Nothing"));
	rv_attempt_ok(rv_attempt_new(f->core, "west", NULL, "user"));
	bus_world_open(f); /* and again */
	caller_end(f->c);
	f->c = caller_new(f->core, f->address, true);
	f->odd.later = NULL;
	at(f, "/org/ravelin/IPsec1/test/plain", FACE "Test");
	expect_error(caller_ask(f->c, "Fail", DBUS_TYPE_INVALID), FACE "Error.NoProposalChosen");
}

static void calls_that_wait_are_bounded(void **state)
{
	struct bus_world *f = *state;
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
	struct bus_world *f = *state;
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
	struct bus_world *f = *state;
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

/* What waits for its answer counts as received: at some time nothing more is read. */
static void a_client_that_leaves_while_nothing_is_read_is_noticed(void **state)
{
	struct bus_world *f = *state;
	struct caller *other = caller_new(f->core, f->address, true);
	size_t octets = MAX_INCOMING - 4096;
	char *text = talloc_zero_size(NULL, octets + 1);

	memset(text, 'x', octets);
	other->path = "/org/ravelin/IPsec1/test/plain";
	other->interface = FACE "Test";
	for (unsigned i = 0; i < 8; i++)
		(void)caller_call(other, "Keep", DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	caller_settle(other);
	assert_in_range(f->odd.n_kept, 3, 6);
	caller_end(other);
	caller_settle(f->c);
	assert_int_equal(f->core->bus->n_clients, 1);
	assert_int_equal(rv_loop_turn(f->core->loop, 0), 0); /* nothing is told again and again */
	for (unsigned i = 0; i < f->odd.n_kept; i++)
		rv_bus_answer(f->odd.kept[i], 0, NULL);
	talloc_free(text);
}

static void a_message_that_is_too_large_ends_the_connection(void **state)
{
	static const struct {
		size_t octets;
		bool lives;
	} rows[] = { { MAX_INCOMING - 4096, true }, { MAX_INCOMING + 1, false } };
	struct bus_world *f = *state;

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
	struct bus_world *f = *state;
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
	struct bus_world *f = *state;

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
	struct bus_world *f = *state;
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
	struct bus_world *f = *state;
	static const char *const bad[] = { "test", "connection", "", "a/b", "a-b", "\xc3\xa9" };
	struct rv_bus_folder *other;

	for (size_t i = 0; i < RV_COUNT(bad); i++)
		assert_null(rv_bus_folder(f->w->keying_host, bad[i], &odd_interface, &odd_ops, &f->odd, false));
	other = rv_bus_folder(f->w->keying_host, "other_2", &odd_interface, &odd_ops, &f->odd, false);
	assert_non_null(other);
	at(f, "/org/ravelin/IPsec1/other_2/plain", FACE "Test");
	expect_error(caller_ask(f->c, "Fail", DBUS_TYPE_INVALID), FACE "Error.NoProposalChosen");
	talloc_free(other);
	expect_error(caller_ask(f->c, "Fail", DBUS_TYPE_INVALID), DBUS_ERROR_UNKNOWN_OBJECT);
}

static void get_nothing(void *self, struct rv_bus_out *out)
{
}

static int call_nothing(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	return 0;
}

static void tables_that_are_none_make_no_folder(void **state)
{
	static const struct rv_bus_property good_property = { "P", "s", get_nothing };
	static const struct rv_bus_property properties[] = { { "P-", "s", get_nothing },
							     { "P", "ss", get_nothing },
							     { "P", "", get_nothing },
							     { "P", "a{vs}", get_nothing },
							     { "P", "s", NULL } };
	static const struct rv_bus_method method_rows[] = { { "M.", "", "", "", "", RV_BUS_VIEW, call_nothing },
							    { "M", "a", "", "", "", RV_BUS_VIEW, call_nothing },
							    { "M", "", "(", "", "", RV_BUS_VIEW, call_nothing },
							    { "M", "", "", "", "", RV_BUS_VIEW, NULL } };
	static const struct rv_bus_signal signals[] = { { "", "s", "x" }, { "S", "!", "x" } };
	struct bus_world *f = *state;
	struct rv_bus_interface table = { .name = "x" };
	struct rv_host *host = f->w->keying_host;

	assert_null(rv_bus_folder(host, "x", &table, &odd_ops, &f->odd, false));
	table = (struct rv_bus_interface){ .name = "x.Y", .properties = &good_property, .n_properties = 65 };
	assert_null(rv_bus_folder(host, "x", &table, &odd_ops, &f->odd, false));
	for (size_t i = 0; i < RV_COUNT(properties); i++) {
		table = (struct rv_bus_interface){ .name = "x.Y", .properties = &properties[i], .n_properties = 1 };
		assert_null(rv_bus_folder(host, "x", &table, &odd_ops, &f->odd, false));
	}
	for (size_t i = 0; i < RV_COUNT(method_rows); i++) {
		table = (struct rv_bus_interface){ .name = "x.Y", .methods = &method_rows[i], .n_methods = 1 };
		assert_null(rv_bus_folder(host, "x", &table, &odd_ops, &f->odd, false));
	}
	for (size_t i = 0; i < RV_COUNT(signals); i++) {
		table = (struct rv_bus_interface){ .name = "x.Y", .signals = &signals[i], .n_signals = 1 };
		assert_null(rv_bus_folder(host, "x", &table, &odd_ops, &f->odd, false));
	}
	table = (struct rv_bus_interface){ .name = "x.Y", .properties = &good_property, .n_properties = 1 };
	struct rv_bus_folder *good = rv_bus_folder(host, "x", &table, &odd_ops, &f->odd, false);

	assert_non_null(good);
	talloc_free(good);
}

static void a_socket_that_cannot_be_made_is_said_to_be_so(void **state)
{
	struct bus_world *f = *state;
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

#define T(test) cmocka_unit_test_setup_teardown(test, bus_world_begin, bus_world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(clients_that_expect_a_bus_find_what_they_need),
		T(match_rules_are_counted_and_bounded),
		T(a_name_that_is_nobodys_is_unknown),
		T(a_client_that_knows_no_bus_need_not_say_hello),
		T(a_call_may_be_answered_later),
		T(an_answer_to_a_client_that_left_goes_nowhere),
		T(an_answer_may_come_after_the_bus_went),
		T(calls_that_wait_are_bounded),
		T(clients_are_bounded),
		T(a_client_that_does_not_read_is_let_go),
		T(a_client_that_leaves_while_nothing_is_read_is_noticed),
		T(a_message_that_is_too_large_ends_the_connection),
		T(who_does_not_log_in_is_let_go),
		T(garbage_ends_the_connection_and_nothing_else),
		T(other_users_may_look_and_no_more),
		T(a_path_has_one_folder),
		T(tables_that_are_none_make_no_folder),
		T(a_socket_that_cannot_be_made_is_said_to_be_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-bus-signals: what clients are told: what came, went, changed and happened. */
#include "test.h"

#include "bus-world.h"
#include "dbus/objects.h"

#include <ravelin/event.h>
#include <ravelin/sa.h>
#include <talloc.h>

#define ROOT "/org/ravelin/IPsec1"

/* The next signal is this one, to the letter. */
static void told(struct bus_world *f, const char *wanted)
{
	expect(caller_signal(f->c), wanted);
}

static void nothing_more(struct bus_world *f)
{
	char *got = caller_signal(f->c);

	if (got)
		fail_msg("one signal too many: %s", got);
}

/* The next signal begins with this. */
static void told_like(struct bus_world *f, const char *begin)
{
	char *got = caller_signal(f->c);

	if (!got || strncmp(got, begin, strlen(begin)) != 0)
		fail_msg("got: %s\nwanted: %s...", got ? got : "(nothing)", begin);
	talloc_free(got);
}

/* Takes signals until one begins with this; false when there is none. */
static bool told_some_time(struct bus_world *f, const char *begin)
{
	bool found = false;

	for (char *got; !found && (got = caller_signal(f->c)); talloc_free(got))
		found = !strncmp(got, begin, strlen(begin));
	return found;
}

static void forget(struct bus_world *f)
{
	caller_settle(f->c);
	for (char *got; (got = caller_signal(f->c));)
		talloc_free(got);
}

/* Objects */

#define CAME(name) ROOT " InterfacesAdded " ROOT "/test/" name " {'org.ravelin.IPsec1.Test': {'Name': <'" name "'>}}"
#define WENT(name) ROOT " InterfacesRemoved " ROOT "/test/" name " ['org.ravelin.IPsec1.Test']"
#define CHANGED(name) ROOT "/test/" name " PropertiesChanged 'org.ravelin.IPsec1.Test' {'Name': <'" name "'>} []"

static void come(struct bus_world *f, const char *what)
{
	for (; *what; what++) {
		if (*what == '+')
			rv_bus_came(f->odd.folder, "plain");
		else if (*what == '-')
			rv_bus_went(f->odd.folder, "plain");
		else if (*what == '*')
			rv_bus_changed(f->odd.folder, "plain", "Name");
	}
	caller_settle(f->c);
}

static void changes_of_one_turn_are_told_as_few(void **state)
{
	static const struct {
		const char *done, *told[3];
	} rows[] = {
		{ "+", { CAME("plain") } },
		{ "-", { WENT("plain") } },
		{ "*", { CHANGED("plain") } },
		{ "***", { CHANGED("plain") } },
		{ "++", { CAME("plain") } },
		{ "+*", { CAME("plain") } },
		{ "+-", { NULL } },
		{ "+-+", { CAME("plain") } },
		{ "-+", { WENT("plain"), CAME("plain") } },
		{ "-+-", { WENT("plain") } },
		{ "*-", { CHANGED("plain"), WENT("plain") } },
		{ "-*", { WENT("plain") } },
	};
	struct bus_world *f = *state;

	forget(f);
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		come(f, rows[i].done);
		for (size_t k = 0; k < 3 && rows[i].told[k]; k++)
			told(f, rows[i].told[k]);
		nothing_more(f);
	}
}

static void several_properties_of_an_object_are_told_at_once(void **state)
{
	struct bus_world *f = *state;
	struct rv_attempt *a = rv_attempt_new(f->core, "west", NULL, "user");

	forget(f);
	rv_attempt_fail(a, -RV_ETIMEOUT, "ask them", "they are silent");
	caller_settle(f->c);
	told(f, ROOT "/attempt/1 Finished 'Timeout' 'they are silent' 'ask them'");
	told_like(f, ROOT " Event 'attempt-failed' {");
	told(f, ROOT
	     "/attempt/1 PropertiesChanged 'org.ravelin.IPsec1.Attempt' {'State': <'failed'>, 'Error': <'Timeout'>, "
	     "'Found': <'they are silent'>, 'Advice': <'ask them'>} []");
	told(f, ROOT "/connection/west PropertiesChanged 'org.ravelin.IPsec1.Connection' {'State': <'down'>} []");
	nothing_more(f);
}

static void what_is_gone_when_the_turn_ends_is_not_told(void **state)
{
	struct bus_world *f = *state;

	forget(f);
	rv_bus_came(f->odd.folder, "nobody");
	rv_bus_changed(f->odd.folder, "nobody", "Name");
	rv_bus_changed(f->odd.folder, "plain", "Colour");
	caller_settle(f->c);
	nothing_more(f);
	rv_bus_came(f->odd.folder, "plain");
	TALLOC_FREE(f->odd.folder);
	caller_settle(f->c);
	nothing_more(f);
}

static void a_folder_that_is_not_listed_tells_only_changes(void **state)
{
	struct bus_world *f = *state;
	struct rv_bus_folder *quiet =
		rv_bus_folder(f->w->keying_host, "quiet", &odd_interface, &odd_ops, &f->odd, false);

	forget(f);
	rv_bus_came(quiet, "plain");
	rv_bus_went(quiet, "a_b");
	rv_bus_changed(quiet, "plain", "Name");
	caller_settle(f->c);
	told(f, ROOT "/quiet/plain PropertiesChanged 'org.ravelin.IPsec1.Test' {'Name': <'plain'>} []");
	nothing_more(f);
	rv_bus_came(NULL, "x");
	rv_bus_went(NULL, "x");
	rv_bus_changed(NULL, "x", "y");
	assert_null(rv_bus_signal(NULL, "x", "y"));
	rv_bus_send(NULL);
}

static void who_does_not_listen_is_not_told(void **state)
{
	struct bus_world *f = *state;
	struct caller *deaf = caller_new(f->core, f->address, false);

	forget(f);
	talloc_free(caller_driver(deaf, "Hello", DBUS_TYPE_INVALID));
	come(f, "+");
	told(f, CAME("plain"));
	caller_settle(deaf);
	assert_int_equal(deaf->n_signals, 0);
	caller_end(deaf);
}

static void a_great_many_changes_are_all_told(void **state)
{
	struct bus_world *f = *state;
	char name[16];

	forget(f);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		rv_bus_went(f->odd.folder, name);
	}
	rv_bus_went(f->odd.folder, "n299"); /* told already */
	caller_settle(f->c);
	assert_int_equal(f->c->n_signals, 300);
	forget(f);
}

/* Events */

static void the_story_of_an_attempt_is_told_as_it_goes(void **state)
{
	struct bus_world *f = *state;

	forget(f);
	struct rv_attempt *a = rv_attempt_new(f->core, "west", "one", "user");

	caller_settle(f->c);
	told_like(f,
		  ROOT " InterfacesAdded " ROOT "/attempt/1 {'org.ravelin.IPsec1.Attempt': {'Id': <1>, 'Connection': "
		       "<'west'>, 'Child': <'one'>, 'Who': <'user'>, 'State': <'running'>");
	told_like(f, ROOT "/connection/west PropertiesChanged ");
	f->w->now_us += 12000;
	rv_attempt_step(a, "sent the first message");
	caller_settle(f->c);
	told(f, ROOT "/attempt/1 Step 12 'sent the first message'");
	told_like(f, ROOT "/connection/west PropertiesChanged ");
	rv_attempt_ok(a);
	caller_settle(f->c);
	told(f, ROOT "/attempt/1 Finished '' '' ''");
	told_like(f, ROOT "/attempt/1 PropertiesChanged 'org.ravelin.IPsec1.Attempt' {'State': <'ok'>");
	told_like(f, ROOT "/connection/west PropertiesChanged ");
	nothing_more(f);
}

static void attempts_that_are_forgotten_went(void **state)
{
	struct bus_world *f = *state;

	for (unsigned i = 0; i < RV_ATTEMPTS_OF_ONE; i++)
		rv_attempt_ok(rv_attempt_new(f->core, "west", NULL, "user"));
	forget(f);
	rv_attempt_ok(rv_attempt_new(f->core, "west", NULL, "user"));
	caller_settle(f->c);
	assert_true(told_some_time(f, ROOT " InterfacesRemoved " ROOT "/attempt/1 ['org.ravelin.IPsec1.Attempt']"));
}

static void events_say_of_whom_they_are(void **state)
{
	struct bus_world *f = *state;
	const char *west = "west", *one = "one";

	forget(f);
	talloc_free(caller_ask(f->c, "Up", DBUS_TYPE_STRING, &west, DBUS_TYPE_STRING, &one, DBUS_TYPE_INVALID));
	caller_settle(f->c);
	assert_true(told_some_time(f, ROOT " Event 'peer-up' {'Connection': <'west'>, 'Peer': <1>}"));
	assert_true(told_some_time(
		f, ROOT " Event 'child-up' {'Connection': <'west'>, 'Peer': <1>, 'Child': <1>, 'Name': <'one'>}"));
	assert_true(told_some_time(f,
				   ROOT "/connection/west PropertiesChanged 'org.ravelin.IPsec1.Connection' {'State': "
					"<'up'>} []"));
	forget(f);
	rv_event_emit(f->core,
		      &(struct rv_event){ .name = "auth-failed", .code = -RV_EAUTH_FAILED, .text = "they lie \xff" });
	caller_settle(f->c);
	told(f, ROOT " Event 'auth-failed' {'Error': <'AuthenticationFailed'>, 'Text': <'they lie \\xff'>}");
	nothing_more(f);
}

#define ONE(n) "c" #n " { keying = fake\n local_addrs = 10.0.0.1\n remote_addrs = 10.0.0." #n " }\n"

static void a_reload_tells_which_connections_came_went_and_stayed(void **state)
{
	struct bus_world *f = *state;

	world_load(f->w, "connections { " ONE(2) ONE(3) " }");
	forget(f);
	world_load(f->w, "connections { " ONE(3) ONE(4) " }");
	caller_settle(f->c);
	told_like(f, ROOT " Event 'reloaded' {");
	told(f, ROOT " InterfacesRemoved " ROOT "/connection/c2 ['org.ravelin.IPsec1.Connection']");
	told(f, ROOT
	     "/connection/c3 PropertiesChanged 'org.ravelin.IPsec1.Connection' {'State': <'down'>, 'Version': <0>, "
	     "'LocalAddresses': <['10.0.0.1']>, 'RemoteAddresses': <['10.0.0.3']>, 'Children': <[]>} []");
	told_like(f, ROOT " InterfacesAdded " ROOT "/connection/c4 {");
	nothing_more(f);
}

/* A plugin that comes and goes, with a service */

static void no_event(void *self, const struct rv_event *event)
{
}

static const struct rv_watch_ops guest_ops = { .size = sizeof(guest_ops), .event = no_event };

static int guest_init(struct rv_host *host)
{
	return rv_watch_offer(host, (struct rv_offer){ .name = "guest" }, &guest_ops, host);
}

static const struct rv_plugin guest = { .magic = RV_PLUGIN_MAGIC, .size = sizeof(guest), .init = guest_init };

static void plugins_and_their_services_come_and_go(void **state)
{
	struct bus_world *f = *state;
	struct rv_why why = { 0 };
	const char *name = "guest";
	dbus_bool_t drain = FALSE;

	forget(f);
	assert_int_equal(rv_plugins_load_static(f->core->plugins, "guest", &guest, &why), 0);
	caller_settle(f->c);
	told(f, ROOT " Event 'plugin-loaded' {'Text': <'guest'>}");
	told_like(f, ROOT "/plugin/guest PropertiesChanged 'org.ravelin.IPsec1.Plugin' {'State': <'loaded'>}");
	told_like(f, ROOT " InterfacesAdded " ROOT "/plugin/guest {");
	told_like(f, ROOT " InterfacesAdded " ROOT "/service/watch/guest/guest {");
	nothing_more(f);
	uint32_t serial = caller_call(f->c, "UnloadPlugin", DBUS_TYPE_STRING, &name, DBUS_TYPE_BOOLEAN, &drain,
				      DBUS_TYPE_INVALID);

	caller_settle(f->c);
	told_like(f, ROOT "/plugin/guest PropertiesChanged 'org.ravelin.IPsec1.Plugin' {'State': <'draining'>}");
	world_run(f->w, RV_MS(100));
	expect(caller_reply(f->c, serial), "");
	caller_settle(f->c);
	assert_true(told_some_time(f, ROOT " Event 'plugin-unloaded' {'Text': <'guest'>}"));
	told_like(f, ROOT " InterfacesRemoved " ROOT "/plugin/guest [");
	told_like(f, ROOT " InterfacesRemoved " ROOT "/service/watch/guest/guest [");
	nothing_more(f);
}

static void an_unload_that_nobody_waits_for_any_more_goes_on(void **state)
{
	struct bus_world *f = *state;
	struct caller *other = caller_new(f->core, f->address, true);
	struct rv_why why = { 0 };
	const char *name = "guest";
	dbus_bool_t drain = TRUE;

	assert_int_equal(rv_plugins_load_static(f->core->plugins, "guest", &guest, &why), 0);
	(void)caller_call(other, "UnloadPlugin", DBUS_TYPE_STRING, &name, DBUS_TYPE_BOOLEAN, &drain, DBUS_TYPE_INVALID);
	caller_settle(other);
	caller_end(other);
	forget(f);
	world_run(f->w, RV_MS(100));
	caller_settle(f->c);
	assert_true(told_some_time(f, ROOT " Event 'plugin-unloaded' {'Text': <'guest'>}"));
}

static void the_daemon_may_end_while_a_plugin_drains(void **state)
{
	struct bus_world *f = *state;
	struct rv_why why = { 0 };
	const char *name = "guest";
	dbus_bool_t drain = TRUE;

	assert_int_equal(rv_plugins_load_static(f->core->plugins, "guest", &guest, &why), 0);
	(void)caller_call(f->c, "UnloadPlugin", DBUS_TYPE_STRING, &name, DBUS_TYPE_BOOLEAN, &drain, DBUS_TYPE_INVALID);
	caller_settle(f->c); /* and the fixture ends it all */
}

#define T(test) cmocka_unit_test_setup_teardown(test, bus_world_begin, bus_world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(changes_of_one_turn_are_told_as_few),
		T(several_properties_of_an_object_are_told_at_once),
		T(what_is_gone_when_the_turn_ends_is_not_told),
		T(a_folder_that_is_not_listed_tells_only_changes),
		T(who_does_not_listen_is_not_told),
		T(a_great_many_changes_are_all_told),
		T(the_story_of_an_attempt_is_told_as_it_goes),
		T(attempts_that_are_forgotten_went),
		T(events_say_of_whom_they_are),
		T(a_reload_tells_which_connections_came_went_and_stayed),
		T(plugins_and_their_services_come_and_go),
		T(an_unload_that_nobody_waits_for_any_more_goes_on),
		T(the_daemon_may_end_while_a_plugin_drains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

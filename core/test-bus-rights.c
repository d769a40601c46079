// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-bus-rights: the daemon on a message bus of the test's own: its name, who may do what, and a bus that goes away.
 */
#include "test.h"

#include "bus-world.h"
#include "dbus/objects.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#define POLKIT "org.freedesktop.PolicyKit1"
#define TEST_PATH "/org/ravelin/IPsec1/test/plain"

/* What a call came to. */
enum { DONE, DENIED, CHALLENGED, LIMITED, UNREACHED, OTHERWISE };

/* What the polkit of the test says. */
enum polkit { ABSENT, YES, NO, ASK, MUMBLES, SILENT };

struct fixture {
	struct bus_world *f;
	pid_t daemon;
	char dir[64], address[96];
	DBusConnection *polkit;
	enum polkit says;
	char asked[256]; /* the action and the flags of the last question */
	unsigned n_asked;
};

/* The bus: like a system's, with our policy file */

static const char config[] = "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\" "
			     "\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
			     "<busconfig><type>test</type><listen>unix:path=%s/message-bus</listen>\n"
			     "<policy context=\"default\"><allow user=\"*\"/><deny own=\"*\"/>\n"
			     "<deny send_type=\"method_call\"/><allow send_type=\"signal\"/>\n"
			     "<allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
			     "<allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
			     "<allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>\n"
			     "<allow receive_type=\"error\"/><allow receive_type=\"signal\"/>\n"
			     "<allow send_destination=\"org.freedesktop.DBus\"/></policy>\n"
			     "<policy user=\"root\"><allow own=\"" POLKIT "\"/>%s</policy>\n"
			     "<policy context=\"default\"><allow send_destination=\"" POLKIT "\"/></policy>\n"
			     "<include ignore_missing=\"yes\">%s</include></busconfig>\n";

static void write_config(const struct fixture *t, const char *more, const char *include)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/conf", t->dir);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, config, t->dir, more, include);
	fclose(file);
}

static bool listens(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	bool ok = !connect(fd, (const struct sockaddr *)&to, sizeof(to));

	close(fd);
	return ok;
}

static void start_daemon(struct fixture *t)
{
	posix_spawn_file_actions_t quiet;
	char path[96], option[160];
	char *argv[] = { (char[]){ "dbus-daemon" }, option, (char[]){ "--nofork" }, (char[]){ "--nosyslog" }, NULL };
	char *envp[] = { (char[]){ "PATH=/usr/bin:/bin" }, NULL };

	snprintf(option, sizeof(option), "--config-file=%s/conf", t->dir);
	snprintf(path, sizeof(path), "%s/message-bus", t->dir);
	(void)unlink(path);
	assert_int_equal(posix_spawn_file_actions_init(&quiet), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0), 0);
	assert_int_equal(posix_spawn(&t->daemon, "/usr/bin/dbus-daemon", &quiet, NULL, argv, envp), 0);
	posix_spawn_file_actions_destroy(&quiet);
	for (int i = 0; !listens(path); i++) {
		assert_true(i < 1000);
		usleep(10000);
	}
}

static void stop_daemon(struct fixture *t)
{
	if (t->daemon > 0) {
		kill(t->daemon, SIGKILL);
		waitpid(t->daemon, NULL, 0);
	}
	t->daemon = 0;
}

static int begin(void **state)
{
	struct fixture *t = talloc_zero(NULL, struct fixture);
	void *inner = NULL;

	*state = t;
	/* libdbus looks for buses once a process: main() has said where they are */
	snprintf(t->address, sizeof(t->address), "%s", getenv("DBUS_SYSTEM_BUS_ADDRESS"));
	assert_int_equal(sscanf(t->address, "unix:path=%63[^,]", t->dir), 1);
	*strrchr(t->dir, '/') = 0;
	assert_int_equal(bus_world_begin(&inner), 0);
	t->f = inner;
	caller_end(t->f->c); /* the own socket is tested elsewhere */
	t->f->c = NULL;
	TALLOC_FREE(t->f->core->bus);
	return 0;
}

static int end(void **state)
{
	struct fixture *t = *state;
	void *inner = t->f;
	char path[128];

	if (t->polkit) {
		dbus_connection_close(t->polkit);
		dbus_connection_unref(t->polkit);
	}
	TALLOC_FREE(t->f->core->bus);
	stop_daemon(t);
	snprintf(path, sizeof(path), "%s/conf", t->dir);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/message-bus", t->dir);
	(void)unlink(path);
	talloc_free(t);
	return bus_world_end(&inner);
}

static bool able(void)
{
	return getuid() == 0 && !access("/usr/bin/dbus-daemon", X_OK) && getpwnam("nobody");
}

/* The polkit of the test */

static void start_polkit(struct fixture *t, enum polkit says)
{
	t->says = says;
	if (says == ABSENT)
		return;
	t->polkit = dbus_connection_open_private(t->address, NULL);
	assert_non_null(t->polkit);
	assert_true(dbus_bus_register(t->polkit, NULL));
	dbus_connection_set_exit_on_disconnect(t->polkit, FALSE);
	assert_int_equal(dbus_bus_request_name(t->polkit, POLKIT, 0, NULL), DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER);
}

/* (bba{ss}): authorised, challenge, details */
static void say(struct fixture *t, DBusMessage *call)
{
	DBusMessage *reply = dbus_message_new_method_return(call);
	dbus_bool_t yes = t->says == YES, ask = t->says == ASK;
	DBusMessageIter iter, result, details;

	dbus_message_iter_init_append(reply, &iter);
	if (t->says == MUMBLES) {
		dbus_message_iter_append_basic(&iter, DBUS_TYPE_BOOLEAN, &(dbus_bool_t){ TRUE });
	} else {
		dbus_message_iter_open_container(&iter, DBUS_TYPE_STRUCT, NULL, &result);
		dbus_message_iter_append_basic(&result, DBUS_TYPE_BOOLEAN, &yes);
		dbus_message_iter_append_basic(&result, DBUS_TYPE_BOOLEAN, &ask);
		dbus_message_iter_open_container(&result, DBUS_TYPE_ARRAY, "{ss}", &details);
		dbus_message_iter_close_container(&result, &details);
		dbus_message_iter_close_container(&iter, &result);
	}
	assert_true(dbus_connection_send(t->polkit, reply, NULL));
	dbus_message_unref(reply);
}

static void asked(struct fixture *t, DBusMessage *call)
{
	char *text = caller_text(call);

	assert_true(dbus_message_has_signature(call, "(sa{sv})sa{ss}us"));
	snprintf(t->asked, sizeof(t->asked), "%s", text);
	t->n_asked++;
	talloc_free(text);
	if (t->says != SILENT)
		say(t, call);
}

/* One turn of all sides. */
static void turn(struct fixture *t)
{
	DBusMessage *message;

	(void)rv_loop_turn(t->f->core->loop, 0);
	if (t->polkit) {
		(void)dbus_connection_read_write(t->polkit, 0);
		while ((message = dbus_connection_pop_message(t->polkit))) {
			if (dbus_message_is_method_call(message, POLKIT ".Authority", "CheckAuthorization"))
				asked(t, message);
			dbus_message_unref(message);
		}
	}
	usleep(200);
}

/* Waits until the daemon has its name, as another client of the bus sees it. */
static bool is_named(struct fixture *t)
{
	DBusConnection *c = dbus_connection_open_private(t->address, NULL);
	bool named = false;

	assert_true(c && dbus_bus_register(c, NULL));
	for (int i = 0; i < 2000 && !named; i++) {
		turn(t);
		if (i % 20 == 19)
			named = dbus_bus_name_has_owner(c, "org.ravelin.IPsec1", NULL);
	}
	dbus_connection_close(c);
	dbus_connection_unref(c);
	return named;
}

static void open_bus(struct fixture *t, const char *which)
{
	struct rv_why why = { 0 };

	t->f->core->bus = rv_bus_new(t->f->core, t->f->core, which, &why);
	if (!t->f->core->bus)
		fail_msg("%s", why.text);
}

static void go(struct fixture *t, enum polkit says)
{
	write_config(t, "", RV_SOURCE_DIR "/dbus/org.ravelin.IPsec1.conf");
	start_daemon(t);
	start_polkit(t, says);
	open_bus(t, "system");
	assert_true(is_named(t));
}

/* The other side, in a process of its own */

static int outcome(DBusMessage *reply, const DBusError *error)
{
	static const struct {
		const char *name;
		int outcome;
	} rows[] = {
		{ FACE "Error.AccessDenied", DENIED },
		{ DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, CHALLENGED },
		{ FACE "Error.LimitReached", LIMITED },
		{ DBUS_ERROR_SERVICE_UNKNOWN, UNREACHED },
	};

	for (size_t i = 0; !reply && i < RV_COUNT(rows); i++)
		if (!strcmp(error->name, rows[i].name))
			return rows[i].outcome;
	return reply ? DONE : OTHERWISE;
}

static int call_as(const char *address, const char *user, const char *member, bool interactive)
{
	const struct passwd *who = getpwnam(user);
	DBusError error = DBUS_ERROR_INIT;
	DBusMessage *call;
	DBusConnection *c;

	if (!who || (who->pw_uid && (setgid(who->pw_gid) || setuid(who->pw_uid))))
		return OTHERWISE;
	c = dbus_connection_open_private(address, NULL);
	if (!c || !dbus_bus_register(c, NULL))
		return OTHERWISE;
	call = dbus_message_new_method_call("org.ravelin.IPsec1", TEST_PATH, FACE "Test", member);
	dbus_message_set_allow_interactive_authorization(call, interactive);
	return outcome(dbus_connection_send_with_reply_and_block(c, call, 20000, &error), &error);
}

/* Calls a method as user from a process of its own; what it came to. */
static int call(struct fixture *t, const char *user, const char *member, bool interactive)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child)
		_exit(call_as(t->address, user, member, interactive));
	while (!waitpid(child, &status, WNOHANG))
		turn(t);
	return WIFEXITED(status) ? WEXITSTATUS(status) : OTHERWISE;
}

/* Tests */

static void polkit_and_the_user_decide(void **state)
{
	static const struct {
		const char *what;
		enum polkit says;
		const char *user, *member;
		bool interactive;
		int outcome;
		const char *asked; /* the end of the question, or NULL: polkit is not asked */
	} rows[] = {
		{ "who looks is not asked about", NO, "nobody", "All", false, DONE, NULL },
		{ "root may", NO, "root", "Admin", false, DONE, NULL },
		{ "root may without polkit", ABSENT, "root", "Control", false, DONE, NULL },
		{ "nobody may not without polkit", ABSENT, "nobody", "Control", false, DENIED, NULL },
		{ "nobody may when polkit says so", YES, "nobody", "Control", false, DONE,
		  " 'org.ravelin.ipsec1.control' {} 0 ''" },
		{ "administration is another action", YES, "nobody", "Admin", false, DONE,
		  " 'org.ravelin.ipsec1.admin' {} 0 ''" },
		{ "polkit says no", NO, "nobody", "Control", false, DENIED, " 'org.ravelin.ipsec1.control' {} 0 ''" },
		{ "polkit would ask somebody", ASK, "nobody", "Control", false, CHALLENGED,
		  " 'org.ravelin.ipsec1.control' {} 0 ''" },
		{ "polkit may ask somebody", YES, "nobody", "Control", true, DONE,
		  " 'org.ravelin.ipsec1.control' {} 1 ''" },
		{ "polkit says something else", MUMBLES, "nobody", "Control", false, DENIED,
		  " 'org.ravelin.ipsec1.control' {} 0 ''" },
	};

	if (!able())
		skip();
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		void *inner = NULL;
		struct fixture *t;
		(void)begin(&inner);
		t = inner;
		go(t, rows[i].says);
		int got = call(t, rows[i].user, rows[i].member, rows[i].interactive);
		size_t end_at = rows[i].asked ? strlen(t->asked) - strlen(rows[i].asked) : 0;
		if (got != rows[i].outcome || (t->n_asked > 0) != (rows[i].asked != NULL) ||
		    (rows[i].asked && strcmp(t->asked + end_at, rows[i].asked) != 0))
			fail_msg("%s: %d, asked %u times: %s", rows[i].what, got, t->n_asked, t->asked);
		if (rows[i].asked)
			assert_int_equal(strncmp(t->asked, "('system-bus-name', {'name': <':1.", 34), 0);
		(void)end(&inner);
	}
}

static void a_silent_polkit_keeps_nobody_else_waiting(void **state)
{
	struct fixture *t = *state;
	enum { N = MAX_CHECKS_OF_ONE + 1 };
	DBusConnection *c;
	DBusMessage *reply;
	int status = 0;

	if (!able())
		skip();
	go(t, SILENT);
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		/* more calls than may wait, and then one that need not */
		const struct passwd *who = getpwnam("nobody");
		DBusPendingCall *pending[N];
		DBusError error = DBUS_ERROR_INIT;
		if (setgid(who->pw_gid) || setuid(who->pw_uid))
			_exit(OTHERWISE);
		c = dbus_connection_open_private(t->address, NULL);
		if (!c || !dbus_bus_register(c, NULL))
			_exit(OTHERWISE);
		for (int i = 0; i < N; i++)
			(void)dbus_connection_send_with_reply(
				c,
				dbus_message_new_method_call("org.ravelin.IPsec1", TEST_PATH, FACE "Test", "Control"),
				&pending[i], 60000);
		dbus_pending_call_block(pending[N - 1]);
		reply = dbus_pending_call_steal_reply(pending[N - 1]);
		dbus_set_error_from_message(&error, reply);
		if (outcome(NULL, &error) != LIMITED)
			_exit(OTHERWISE);
		reply = dbus_connection_send_with_reply_and_block(
			c, dbus_message_new_method_call("org.ravelin.IPsec1", TEST_PATH, FACE "Test", "All"), 20000,
			NULL);
		_exit(reply ? DONE : OTHERWISE);
	}
	while (!waitpid(child, &status, WNOHANG))
		turn(t);
	assert_int_equal(WEXITSTATUS(status), DONE);
	for (int i = 0; i < 2000 && t->n_asked < MAX_CHECKS_OF_ONE; i++)
		turn(t);
	assert_int_equal(t->n_asked, MAX_CHECKS_OF_ONE);
	assert_int_equal(call(t, "root", "Admin", false), DONE);
	/* and the fixture ends while all of them wait */
}

static void on_a_session_bus_nobody_is_polkit(void **state)
{
	struct fixture *t = *state;

	if (!able())
		skip();
	write_config(t, "", RV_SOURCE_DIR "/dbus/org.ravelin.IPsec1.conf");
	start_daemon(t);
	start_polkit(t, YES);
	open_bus(t, "session");
	assert_true(is_named(t));
	assert_int_equal(call(t, "nobody", "Control", false), DENIED);
	assert_int_equal(call(t, "root", "Control", false), DONE);
	assert_int_equal(t->n_asked, 0);
}

static void a_caller_is_asked_about_once(void **state)
{
	struct fixture *t = *state;
	struct rv_bus *bus;
	DBusMessage *message;
	struct rv_why why = { 0 };

	if (!able())
		skip();
	go(t, ABSENT);
	assert_int_equal(call(t, "root", "Admin", false), DONE);
	bus = t->f->core->bus;
	struct link *link = rv_container_of(bus->links.next, struct link, entry);

	assert_true(link->message_bus);
	assert_int_equal(link->n_callers, 1);
	assert_int_equal(link->n_checks, 0);
	for (unsigned i = 0; i < MAX_CALLERS + 3; i++)
		assert_int_equal(call(t, "root", "Control", false), DONE);
	assert_int_equal(link->n_callers, MAX_CALLERS);
	message = dbus_message_new_method_call("org.ravelin.IPsec1", TEST_PATH, FACE "Test", "Admin");
	assert_int_equal(rights_check(link, message, RV_BUS_VIEW, &why), 0);
	assert_int_equal(rights_check(link, message, RV_BUS_ADMIN, &why), -RV_EACCESS); /* from no sender */
	dbus_message_unref(message);
}

static void a_bus_that_was_restarted_is_joined_again(void **state)
{
	struct fixture *t = *state;

	if (!able())
		skip();
	go(t, ABSENT);
	assert_int_equal(call(t, "root", "All", false), DONE);
	stop_daemon(t);
	for (int i = 0; i < 50; i++)
		turn(t);
	world_run(t->f->w, RV_S(6)); /* nobody is there: it tries again, */
	for (int i = 0; i < 50; i++)
		turn(t);
	start_daemon(t);
	world_run(t->f->w, RV_S(6)); /* and again */
	assert_true(is_named(t));
	assert_int_equal(call(t, "root", "All", false), DONE);
	assert_int_equal(call(t, "nobody", "Control", false), DENIED);
}

static void a_bus_that_is_not_there_is_said_to_be_so(void **state)
{
	struct fixture *t = *state;
	struct rv_why why = { 0 };

	assert_null(rv_bus_new(t->f->core, t->f->core, "system", &why));
	expect_in(why.text, "cannot reach the system bus: ");
	expect_in(why.text, "--bus none");
}

struct heard {
	char text[1024];
};

static void note_name(void *self, enum rv_level level, const char *line)
{
	struct heard *heard = self;

	if (strstr(line, "bus-name"))
		snprintf(heard->text, sizeof(heard->text), "%s", line);
}

static void a_name_that_is_refused_is_told(void **state)
{
	static const struct {
		const char *what, *more, *include, *told;
	} rows[] = {
		{ "no policy", "", "/nowhere", "install dbus/org.ravelin.IPsec1.conf" },
		{ "somebody else has it", "<allow own=\"org.ravelin.IPsec1\"/>", "/nowhere",
		  "another process owns it" },
	};
	struct fixture *t = *state;
	struct rv_log *before = t->f->core->subject.log;
	DBusConnection *other = NULL;

	if (!able())
		skip();
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct heard heard = { "" };
		write_config(t, rows[i].more, rows[i].include);
		start_daemon(t);
		if (i == 1) {
			other = dbus_connection_open_private(t->address, NULL);
			assert_true(dbus_bus_register(other, NULL));
			assert_int_equal(dbus_bus_request_name(other, "org.ravelin.IPsec1", 0, NULL),
					 DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER);
		}
		t->f->core->subject.log = rv_log_new(t, RV_ERROR, note_name, &heard);
		open_bus(t, "system");
		for (int k = 0; k < 2000 && !*heard.text; k++)
			turn(t);
		expect_in(heard.text, rows[i].told);
		TALLOC_FREE(t->f->core->bus);
		t->f->core->subject.log = before;
		stop_daemon(t);
	}
	dbus_connection_close(other);
	dbus_connection_unref(other);
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polkit_and_the_user_decide),
		T(a_silent_polkit_keeps_nobody_else_waiting),
		T(on_a_session_bus_nobody_is_polkit),
		T(a_caller_is_asked_about_once),
		T(a_bus_that_was_restarted_is_joined_again),
		T(a_bus_that_is_not_there_is_said_to_be_so),
		T(a_name_that_is_refused_is_told),
	};

	char dir[] = "/tmp/ravelin-message-bus-XXXXXX", address[96];

	if (!mkdtemp(dir) || chmod(dir, 0755))
		return 1;
	snprintf(address, sizeof(address), "unix:path=%s/message-bus", dir);
	if (setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1) || setenv("DBUS_SESSION_BUS_ADDRESS", address, 1))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	return rmdir(dir) ? 1 : failed;
}

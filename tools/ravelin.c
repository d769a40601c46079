// SPDX-License-Identifier: LGPL-2.1-or-later
/* ravelin: the command line of the daemon; needs nothing but its D-Bus objects.
 *
 * Exit status: 0 done, 1 failed (with the reason in words), 2 usage.
 */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#define NAME "org.ravelin.IPsec1"
#define ROOT "/org/ravelin/IPsec1"
#define MANAGER NAME ".Manager"

enum { DONE = 0, FAILED = 1, USAGE = 2, CALL_MS = 60000, POLL_MS = 50, PAGE = 500, KEY_LEN = 32, COLUMNS = 9 };

struct tool {
	DBusConnection *connection;
	const char *socket, *key_file;
	char **args;
	int n_args, timeout_s;
	bool json, drain;
};

struct command {
	const char *name, *usage, *help;
	int least, most; /* arguments */
	int (*run)(struct tool *tool);
};

static int complain(const struct tool *tool, const char *name, const char *text)
{
	const char *error =
		!strncmp(name, NAME ".Error.", sizeof(NAME ".Error.") - 1) ? name + sizeof(NAME ".Error.") - 1 : name;
	struct tree *all = tree_new(NULL, TREE_OBJECT);

	if (tool->json && all && tree_put_text(all, "error", error) && tree_put_text(all, "text", text))
		tree_json(stdout, all);
	fprintf(stderr, "ravelin: %s (%s)\n", text, error);
	talloc_free(all);
	return FAILED;
}

static DBusMessage *new_call(const char *path, const char *interface, const char *method)
{
	DBusMessage *call = dbus_message_new_method_call(NAME, path, interface, method);

	if (!call) {
		fputs("ravelin: out of memory\n", stderr);
		exit(FAILED);
	}
	return call;
}

/* Sends call (and frees it); the reply as a tree, or NULL after a complaint. */
static struct tree *ask(struct tool *tool, DBusMessage *call)
{
	DBusError error = DBUS_ERROR_INIT;
	DBusMessage *reply = dbus_connection_send_with_reply_and_block(tool->connection, call, CALL_MS, &error);
	struct tree *tree = NULL;

	dbus_message_unref(call);
	if (!reply) {
		(void)complain(tool, error.name, error.message);
		dbus_error_free(&error);
		return NULL;
	}
	tree = tree_of(tool, reply);
	dbus_message_unref(reply);
	if (!tree)
		(void)complain(tool, DBUS_ERROR_NO_MEMORY, "out of memory");
	return tree;
}

/* A manager's method with string arguments. */
static struct tree *verb(struct tool *tool, const char *method, const char *a, const char *b)
{
	DBusMessage *call = new_call(ROOT, MANAGER, method);

	if (a)
		(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &a, DBUS_TYPE_INVALID);
	if (b)
		(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &b, DBUS_TYPE_INVALID);
	return ask(tool, call);
}

static struct tree *properties(struct tool *tool, const char *path, const char *interface)
{
	DBusMessage *call = new_call(path, DBUS_INTERFACE_PROPERTIES, "GetAll");

	(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID);
	return ask(tool, call);
}

/* Every row of a folder, page by page. */
static struct tree *rows(struct tool *tool, const char *folder)
{
	struct tree *all = tree_new(tool, TREE_ARRAY);
	dbus_uint32_t cursor = 0, page = PAGE;

	do {
		DBusMessage *call = new_call(ROOT, MANAGER, "List");
		(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &folder, DBUS_TYPE_UINT32, &cursor,
					       DBUS_TYPE_UINT32, &page, DBUS_TYPE_INVALID);
		struct tree *answer = ask(tool, call);
		if (!answer || answer->n != 2 || !all)
			return NULL;
		struct tree *some = answer->children[0];
		for (unsigned i = 0; i < some->n; i++)
			if (!tree_put(all, NULL, some->children[i]))
				return NULL;
		cursor = (dbus_uint32_t)strtoul(answer->children[1]->text, NULL, 10);
	} while (cursor);
	return all;
}

static int finish(struct tool *tool, const struct tree *answer)
{
	if (!answer)
		return FAILED;
	if (tool->json)
		puts("{\"result\": \"ok\"}");
	return DONE;
}

/* up, diagnose: the story of an attempt */

static void print_steps(const struct tree *attempt, unsigned from)
{
	const struct tree *steps = tree_get(attempt, "Steps");

	for (unsigned i = from; steps && i < steps->n; i++) {
		const struct tree *step = steps->children[i];
		if (step->n == 2)
			printf("  %7.3f s  %s\n", strtod(step->children[0]->text, NULL) / 1000,
			       step->children[1]->text);
	}
	fflush(stdout);
}

static void print_verdict(FILE *file, const struct tree *attempt)
{
	const char *state = tree_text(attempt, "State"), *advice = tree_text(attempt, "Advice");

	if (!strcmp(state, "failed")) {
		fprintf(file, "  failed: %s: %s\n", tree_text(attempt, "Error"), tree_text(attempt, "Found"));
		if (*advice)
			fprintf(file, "  what to do: %s\n", advice);
		return;
	}
	fprintf(file, "  %s\n", strcmp(state, "ok") ? "still under way" : "done");
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int run_up(struct tool *tool)
{
	const char *child = tool->n_args > 1 ? tool->args[1] : "";
	struct tree *path = verb(tool, "Up", tool->args[0], child), *attempt = NULL;
	uint64_t end = now_ms() + (uint64_t)tool->timeout_s * 1000;
	unsigned shown = 0;

	if (!path || !path->text)
		return FAILED;
	for (;;) {
		talloc_free(attempt);
		attempt = properties(tool, path->text, NAME ".Attempt");
		if (!attempt)
			return FAILED;
		const struct tree *steps = tree_get(attempt, "Steps");
		if (!tool->json)
			print_steps(attempt, shown);
		shown = steps ? steps->n : 0;
		if (strcmp(tree_text(attempt, "State"), "running") || now_ms() >= end)
			break;
		usleep(POLL_MS * 1000);
	}
	bool ok = !strcmp(tree_text(attempt, "State"), "ok");

	if (tool->json)
		tree_json(stdout, attempt);
	else
		print_verdict(ok ? stdout : stderr, attempt);
	if (!strcmp(tree_text(attempt, "State"), "running"))
		fprintf(stderr,
			"ravelin: Timeout: no verdict within %d s; the daemon goes on trying. `ravelin diagnose %s` "
			"tells the "
			"rest, `ravelin down %s` ends it, --timeout S waits longer\n",
			tool->timeout_s, tool->args[0], tool->args[0]);
	return ok ? DONE : FAILED;
}

static int run_diagnose(struct tool *tool)
{
	struct tree *all = rows(tool, "attempt"), *of_one = tree_new(tool, TREE_ARRAY);

	if (!all || !of_one)
		return FAILED;
	for (unsigned i = 0; i < all->n; i++)
		if (!strcmp(tree_text(all->children[i], "Connection"), tool->args[0]))
			(void)tree_put(of_one, NULL, all->children[i]);
	if (tool->json) {
		tree_json(stdout, of_one);
		return DONE;
	}
	if (!of_one->n) {
		printf("%s: no attempt yet; `ravelin up %s` makes one\n", tool->args[0], tool->args[0]);
		return DONE;
	}
	for (unsigned i = 0; i < of_one->n; i++) {
		const struct tree *attempt = of_one->children[i];
		time_t began = (time_t)strtoull(tree_text(attempt, "Began"), NULL, 10);
		struct tm local = { 0 };
		char when[32];

		(void)localtime_r(&began, &local);
		strftime(when, sizeof(when), "%F %T", &local);
		printf("%s%s%s, asked for by %s, %s\n", tree_text(attempt, "Connection"),
		       *tree_text(attempt, "Child") ? "/" : "", tree_text(attempt, "Child"), tree_text(attempt, "Who"),
		       when);
		print_steps(attempt, 0);
		print_verdict(stdout, attempt);
	}
	return DONE;
}

/* list, status */

struct table {
	const char *word, *folder;
	const char *columns[COLUMNS];
};

static const struct table tables[] = {
	{ "connections",
	  "connection",
	  { "Name", "State", "Version", "LocalAddresses", "RemoteAddresses", "Children" } },
	{ "ike",
	  "ike_sa",
	  { "Id", "Connection", "State", "LocalAddress", "RemoteAddress", "LocalId", "RemoteId", "Proposal" } },
	{ "child",
	  "child_sa",
	  { "Id", "Connection", "Name", "State", "Mode", "SpiIn", "SpiOut", "LocalTs", "RemoteTs" } },
	{ "plugins", "plugin", { "Name", "State", "Version", "Provides", "Vendor", "Summary" } },
	{ "services", "service", { "Kind", "Name", "Provider", "Chosen", "SelfTest", "SpeedNs", "Users" } },
	{ "policies", "policy", { "LocalTs", "RemoteTs", "Action", "Trap", "Reqid", "Priority", "Whose" } },
	{ "attempts", "attempt", { "Id", "Connection", "Child", "Who", "State", "Error" } },
};

/* What stands in a column: its name (row 0), or what the object says. The caller frees it. */
static char *cell_text(const struct table *table, const struct tree *all, unsigned row, unsigned column)
{
	const struct tree *cell = row ? tree_get(all->children[row - 1], table->columns[column]) : NULL;

	return cell ? tree_line(NULL, cell) : talloc_strdup(NULL, row ? "" : table->columns[column]);
}

static void print_row(const struct table *table, const struct tree *all, unsigned row, const int *widths)
{
	for (unsigned c = 0; c < COLUMNS && table->columns[c]; c++) {
		char *text = cell_text(table, all, row, c);
		bool last = c + 1 == COLUMNS || !table->columns[c + 1];

		printf("%-*s%s", last ? 0 : widths[c], text ? text : "", last ? "\n" : "  ");
		talloc_free(text);
	}
}

static void print_table(const struct table *table, const struct tree *all)
{
	int widths[COLUMNS] = { 0 };

	for (unsigned row = 0; row <= all->n; row++)
		for (unsigned c = 0; c < COLUMNS && table->columns[c]; c++) {
			char *text = cell_text(table, all, row, c);
			int len = text ? (int)strlen(text) : 0;

			widths[c] = len > widths[c] ? len : widths[c];
			talloc_free(text);
		}
	for (unsigned row = 0; row <= all->n; row++)
		print_row(table, all, row, widths);
}

static int run_list(struct tool *tool)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(tables[i].word, tool->args[0]))
			continue;
		struct tree *all = rows(tool, tables[i].folder);
		if (!all)
			return FAILED;
		if (tool->json)
			tree_json(stdout, all);
		else
			print_table(&tables[i], all);
		return DONE;
	}
	fprintf(stderr, "ravelin: nothing is called %s; list", tool->args[0]);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		fprintf(stderr, "%s%s", i ? ", " : " ", tables[i].word);
	fputs("\n", stderr);
	return USAGE;
}

static void print_child(const struct tree *child)
{
	char *local = tree_line(NULL, tree_get(child, "LocalTs")),
	     *remote = tree_line(NULL, tree_get(child, "RemoteTs"));

	printf("    %s #%s %s, %s%s, %s\n      %s === %s\n      in %s %s packets %s octets, out %s %s packets %s "
	       "octets\n",
	       tree_text(child, "Name"), tree_text(child, "Id"), tree_text(child, "State"), tree_text(child, "Mode"),
	       strcmp(tree_text(child, "Encapsulated"), "true") ? "" : " in UDP", tree_text(child, "Proposal"), local,
	       remote, tree_text(child, "SpiIn"), tree_text(child, "PacketsIn"), tree_text(child, "BytesIn"),
	       tree_text(child, "SpiOut"), tree_text(child, "PacketsOut"), tree_text(child, "BytesOut"));
	talloc_free(local);
	talloc_free(remote);
}

static void print_status(const struct tree *daemon, const struct tree *connections, const struct tree *sas,
			 const struct tree *children)
{
	printf("ravelind %s, up %s s, %s sessions, %s child SAs\n", tree_text(daemon, "Version"),
	       tree_text(daemon, "Uptime"), tree_text(daemon, "Sessions"), tree_text(daemon, "ChildSas"));
	for (unsigned i = 0; i < connections->n; i++) {
		const char *name = tree_text(connections->children[i], "Name");

		printf("%s: %s\n", name, tree_text(connections->children[i], "State"));
		for (unsigned k = 0; k < sas->n; k++) {
			const struct tree *sa = sas->children[k];
			if (strcmp(tree_text(sa, "Connection"), name))
				continue;
			printf("  #%s %s, %s [%s] - %s [%s], %s\n", tree_text(sa, "Id"), tree_text(sa, "State"),
			       tree_text(sa, "LocalAddress"), tree_text(sa, "LocalId"), tree_text(sa, "RemoteAddress"),
			       tree_text(sa, "RemoteId"), tree_text(sa, "Proposal"));
		}
		for (unsigned k = 0; k < children->n; k++)
			if (!strcmp(tree_text(children->children[k], "Connection"), name))
				print_child(children->children[k]);
	}
}

static int run_status(struct tool *tool)
{
	struct tree *daemon = properties(tool, ROOT, MANAGER), *connections = daemon ? rows(tool, "connection") : NULL;
	struct tree *children = connections ? rows(tool, "child_sa") : NULL;
	DBusMessage *call = new_call(ROOT, MANAGER, "List");
	const char *folder = "ike_sa";
	dbus_uint32_t zero = 0, most = PAGE;
	struct tree *sas = NULL;

	if (!children) {
		dbus_message_unref(call);
		return FAILED;
	}
	/* without a keying plugin there is no such folder, and that is no failure */
	(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &folder, DBUS_TYPE_UINT32, &zero, DBUS_TYPE_UINT32,
				       &most, DBUS_TYPE_INVALID);
	DBusMessage *reply = dbus_connection_send_with_reply_and_block(tool->connection, call, CALL_MS, NULL);

	dbus_message_unref(call);
	if (reply) {
		struct tree *answer = tree_of(tool, reply);
		sas = answer && answer->n == 2 ? answer->children[0] : NULL;
		dbus_message_unref(reply);
	}
	sas = sas ? sas : tree_new(tool, TREE_ARRAY);
	if (!sas)
		return FAILED;
	if (!tool->json) {
		print_status(daemon, connections, sas, children);
		return DONE;
	}
	bool ok = tree_put(daemon, "Connections", connections) && tree_put(daemon, "IkeSas", sas) &&
		  tree_put(daemon, "Children", children);
	tree_json(stdout, daemon);
	return ok ? DONE : FAILED;
}

/* the plain verbs */

static int run_down(struct tool *tool)
{
	return finish(tool, verb(tool, "Down", tool->args[0], NULL));
}

static int run_rekey(struct tool *tool)
{
	return finish(tool, verb(tool, "Rekey", tool->args[0], tool->n_args > 1 ? tool->args[1] : ""));
}

static int run_load(struct tool *tool)
{
	return finish(tool, verb(tool, "LoadPlugin", tool->args[0], NULL));
}

static int run_unload(struct tool *tool)
{
	DBusMessage *call = new_call(ROOT, MANAGER, "UnloadPlugin");
	dbus_bool_t drain = tool->drain;

	(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &tool->args[0], DBUS_TYPE_BOOLEAN, &drain,
				       DBUS_TYPE_INVALID);
	return finish(tool, ask(tool, call));
}

static int run_reload(struct tool *tool)
{
	return finish(tool, verb(tool, "Reload", NULL, NULL));
}

static int run_stop(struct tool *tool)
{
	return finish(tool, verb(tool, "Stop", NULL, NULL));
}

static int run_log(struct tool *tool)
{
	return finish(tool, verb(tool, "SetLogLevel", tool->args[0], NULL));
}

/* export, import: the file and its key travel as they are */

static bool read_key(const struct tool *tool, uint8_t key[static KEY_LEN])
{
	int fd = tool->key_file ? open(tool->key_file, O_RDONLY | O_CLOEXEC) : -1;
	uint8_t one;
	bool ok = fd >= 0 && read(fd, key, KEY_LEN) == KEY_LEN && read(fd, &one, 1) == 0;

	if (fd >= 0)
		close(fd);
	if (!ok)
		fprintf(stderr, "ravelin: --key-file must name a file of %d octets, the key that seals the state\n",
			KEY_LEN);
	return ok;
}

static int move_state(struct tool *tool, const char *method, int flags)
{
	uint8_t key[KEY_LEN] = { 0 };
	const uint8_t *p = key;
	DBusMessage *call;
	int fd;

	if (!read_key(tool, key))
		return USAGE;
	fd = open(tool->args[0], flags | O_CLOEXEC, 0600);
	if (fd < 0) {
		fprintf(stderr, "ravelin: %s: %m\n", tool->args[0]);
		return FAILED;
	}
	call = new_call(ROOT, MANAGER, method);
	(void)dbus_message_append_args(call, DBUS_TYPE_ARRAY, DBUS_TYPE_BYTE, &p, KEY_LEN, DBUS_TYPE_UNIX_FD, &fd,
				       DBUS_TYPE_INVALID);
	explicit_bzero(key, sizeof(key));
	close(fd);
	struct tree *n = ask(tool, call);

	if (n && !tool->json)
		printf("%s sessions\n", n->text ? n->text : "0");
	return n && tool->json ? finish(tool, n) : n ? DONE : FAILED;
}

static int run_export(struct tool *tool)
{
	return move_state(tool, "ExportState", O_WRONLY | O_CREAT | O_TRUNC);
}

static int run_import(struct tool *tool)
{
	return move_state(tool, "ImportState", O_RDONLY);
}

static void print_signal(const struct tool *tool, DBusMessage *message)
{
	struct tree *all = tree_new(NULL, TREE_OBJECT), *args = all ? tree_of(all, message) : NULL;
	const char *path = dbus_message_get_path(message), *member = dbus_message_get_member(message);

	if (args && tool->json && tree_put_text(all, "path", path) && tree_put_text(all, "signal", member) &&
	    tree_put(all, "arguments", args)) {
		tree_json(stdout, all);
	} else if (args) {
		char *line = tree_line(all, args);
		printf("%s %s %s\n", path + (strlen(path) > strlen(ROOT) ? strlen(ROOT) + 1 : strlen(ROOT)), member,
		       line ? line : "");
	}
	fflush(stdout);
	talloc_free(all);
}

static int run_monitor(struct tool *tool)
{
	DBusError error = DBUS_ERROR_INIT;

	dbus_bus_add_match(tool->connection, "type='signal',path_namespace='" ROOT "'", &error);
	if (dbus_error_is_set(&error))
		return complain(tool, error.name, error.message);
	while (dbus_connection_read_write(tool->connection, -1)) {
		DBusMessage *message;
		while ((message = dbus_connection_pop_message(tool->connection))) {
			if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL &&
			    dbus_message_get_path(message) &&
			    !strncmp(dbus_message_get_path(message), ROOT, strlen(ROOT)))
				print_signal(tool, message);
			dbus_message_unref(message);
		}
	}
	return complain(tool, DBUS_ERROR_DISCONNECTED, "the daemon closed the connection");
}

static const struct command commands[] = {
	{ "up", "NAME [CHILD] [--timeout S]", "brings a connection up and tells how it goes (30 s)", 1, 2, run_up },
	{ "down", "NAME", "takes every SA of a connection down", 1, 1, run_down },
	{ "rekey", "NAME [CHILD]", "new keys for a connection's own SA, or for a child SA", 1, 2, run_rekey },
	{ "status", "", "what is up", 0, 0, run_status },
	{ "list", "connections|ike|child|plugins|services|policies|attempts", "tables", 1, 1, run_list },
	{ "diagnose", "NAME", "the story of the attempts to reach a peer", 1, 1, run_diagnose },
	{ "load", "PLUGIN", "loads a plugin", 1, 1, run_load },
	{ "unload", "PLUGIN [--drain]", "unloads a plugin, at once or when nobody uses it any more", 1, 1, run_unload },
	{ "reload", "", "reads the configuration again; tunnels stay up", 0, 0, run_reload },
	{ "monitor", "", "prints events as they come", 0, 0, run_monitor },
	{ "log-level", "error|warn|notice|info|debug", "sets the level of the log", 1, 1, run_log },
	{ "export", "FILE --key-file KEY", "seals the state of every session into a file", 1, 1, run_export },
	{ "import", "FILE --key-file KEY", "goes on with sessions that another daemon exported", 1, 1, run_import },
	{ "stop", "", "deletes all SAs at their peers and ends the daemon", 0, 0, run_stop },
};

static int usage(FILE *file)
{
	fputs("usage: ravelin [--socket PATH] [--json] COMMAND ...\n", file);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(file, "  %s %s\n      %s\n", commands[i].name, commands[i].usage, commands[i].help);
	fputs("The socket is PATH, else RAVELIN_SOCKET, else /run/ravelin/bus; else the system bus is asked.\n"
	      "Exit status: 0 done, 1 failed (the reason is said), 2 usage.\n",
	      file);
	return file == stdout ? DONE : USAGE;
}

static bool dial(struct tool *tool)
{
	const char *path = tool->socket ? tool->socket : getenv("RAVELIN_SOCKET");
	DBusError error = DBUS_ERROR_INIT;
	char *escaped, *address;

	if (!path && !access("/run/ravelin/bus", F_OK))
		path = "/run/ravelin/bus";
	if (path) {
		escaped = dbus_address_escape_value(path);
		address = escaped ? talloc_asprintf(tool, "unix:path=%s", escaped) : NULL;
		dbus_free(escaped);
		tool->connection = address ? dbus_connection_open_private(address, &error) : NULL;
		if (tool->connection && !dbus_bus_register(tool->connection, &error))
			tool->connection = NULL;
	} else {
		tool->connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, &error);
	}
	if (tool->connection) {
		dbus_connection_set_exit_on_disconnect(tool->connection, FALSE);
		return true;
	}
	fprintf(stderr, "ravelin: no daemon answers at %s: %s; is ravelind running, and may you connect to it?\n",
		path ? path : "the system bus", error.message ? error.message : "out of memory");
	dbus_error_free(&error);
	return false;
}

static bool read_seconds(const char *text, int *seconds)
{
	char *end;
	long n = strtol(text, &end, 10);

	*seconds = (int)n;
	return end != text && !*end && n >= 1 && n <= 24 * 60 * 60;
}

/* Takes the options out of argv wherever they stand; false for one that is not known. */
static bool options(struct tool *tool, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--json")) {
			tool->json = true;
		} else if (!strcmp(argv[i], "--drain")) {
			tool->drain = true;
		} else if (!strcmp(argv[i], "--socket") && next) {
			tool->socket = argv[++i];
		} else if (!strcmp(argv[i], "--key-file") && next) {
			tool->key_file = argv[++i];
		} else if (!strcmp(argv[i], "--timeout") && next) {
			if (!read_seconds(argv[++i], &tool->timeout_s))
				return false;
		} else if (argv[i][0] == '-') {
			return false;
		} else {
			tool->args[tool->n_args++] = argv[i];
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct tool *tool = talloc_zero(NULL, struct tool);
	int status = USAGE;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")))
		return usage(stdout);
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return puts("ravelin " RV_VERSION) < 0;
	tool->timeout_s = 30;
	tool->args = talloc_zero_array(tool, char *, (unsigned)argc + 1);
	if (!options(tool, argc, argv) || !tool->n_args)
		return usage(stderr);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *command = &commands[i];
		if (strcmp(command->name, tool->args[0]))
			continue;
		tool->args++;
		tool->n_args--;
		if (tool->n_args < command->least || tool->n_args > command->most) {
			fprintf(stderr, "usage: ravelin %s %s\n", command->name, command->usage);
			return USAGE;
		}
		status = dial(tool) ? command->run(tool) : FAILED;
		talloc_free(tool);
		return status;
	}
	fprintf(stderr, "ravelin: no command is called %s\n", tool->args[0]);
	return usage(stderr);
}

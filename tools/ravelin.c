// SPDX-License-Identifier: LGPL-2.1-or-later
/* ravelin: the command line of the daemon; needs nothing but its D-Bus objects.
 *
 * Exit status: 0 done, 1 failed (with the reason in words), 2 usage.
 */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#define SOCKET "/run/ravelin/bus"

enum {
	SOCKET_MS = 60000,
	BUS_MS = 300000 /* a person may be asked for a password */,
	PAGE = 500,
	MAX_TIMEOUT_S = 86400
};
enum { OPTION_TIMEOUT = 1, OPTION_DRAIN = 2, OPTION_KEY = 4 };

struct command {
	const char *name, *usage, *help;
	int least, most; /* arguments */
	unsigned options;
	int (*run)(struct tool *tool);
	int (*check)(const struct tool *tool); /* of the arguments, before the daemon is asked; or NULL */
	bool alone;			       /* it asks no daemon */
};

/* Talking to the daemon */

int tool_complain(const struct tool *tool, const char *name, const char *text)
{
	size_t ours = sizeof(NAME ".Error.") - 1;
	const char *error = !strncmp(name, NAME ".Error.", ours) ? name + ours : name;
	struct tree *all = tree_new(NULL, TREE_OBJECT);

	if (tool->json && all && tree_put_text(all, "error", error) && tree_put_text(all, "text", text))
		tree_json(stdout, all);
	fprintf(stderr, "ravelin: %s (%s)\n", text, error);
	talloc_free(all);
	return FAILED;
}

DBusMessage *tool_call(const char *path, const char *interface, const char *method)
{
	DBusMessage *call = dbus_message_new_method_call(NAME, path, interface, method);

	if (!call) {
		fputs("ravelin: out of memory\n", stderr);
		exit(FAILED);
	}
	dbus_message_set_allow_interactive_authorization(call, TRUE);
	return call;
}

static DBusMessage *send(struct tool *tool, DBusMessage *call, DBusError *error)
{
	DBusMessage *reply = dbus_connection_send_with_reply_and_block(tool->connection, call, tool->call_ms, error);

	dbus_message_unref(call);
	return reply;
}

static struct tree *received(struct tool *tool, DBusMessage *reply)
{
	struct tree *tree = tree_of(tool, reply);

	dbus_message_unref(reply);
	if (!tree)
		(void)tool_complain(tool, DBUS_ERROR_NO_MEMORY, "out of memory");
	return tree;
}

static struct tree *refused(const struct tool *tool, DBusError *error)
{
	(void)tool_complain(tool, error->name,
			    dbus_error_has_name(error, DBUS_ERROR_SERVICE_UNKNOWN)
				    ? "no daemon answers on the system bus; is ravelind running with --bus system?"
				    : error->message);
	dbus_error_free(error);
	return NULL;
}

struct tree *tool_ask(struct tool *tool, DBusMessage *call)
{
	DBusError error = DBUS_ERROR_INIT;
	DBusMessage *reply = send(tool, call, &error);

	return reply ? received(tool, reply) : refused(tool, &error);
}

struct tree *tool_verb(struct tool *tool, const char *method, const char *a, const char *b)
{
	DBusMessage *call = tool_call(ROOT, MANAGER, method);

	if (a)
		(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &a, DBUS_TYPE_INVALID);
	if (b)
		(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &b, DBUS_TYPE_INVALID);
	return tool_ask(tool, call);
}

struct tree *tool_properties(struct tool *tool, const char *path, const char *interface)
{
	DBusMessage *call = tool_call(path, DBUS_INTERFACE_PROPERTIES, "GetAll");

	(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID);
	return tool_ask(tool, call);
}

/* One page; NULL after a complaint, an empty one when the folder lacks and may. */
static struct tree *page(struct tool *tool, const char *folder, dbus_uint32_t cursor, bool may_lack)
{
	DBusMessage *call = tool_call(ROOT, MANAGER, "List"), *reply;
	dbus_uint32_t most = PAGE;
	DBusError error = DBUS_ERROR_INIT;

	(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &folder, DBUS_TYPE_UINT32, &cursor, DBUS_TYPE_UINT32,
				       &most, DBUS_TYPE_INVALID);
	reply = send(tool, call, &error);
	if (reply)
		return received(tool, reply);
	if (!may_lack || !dbus_error_has_name(&error, NAME ".Error.NotLoaded"))
		return refused(tool, &error);
	dbus_error_free(&error);
	return tree_new(tool, TREE_ARRAY);
}

struct tree *tool_rows(struct tool *tool, const char *folder, bool may_lack)
{
	struct tree *all = tree_new(tool, TREE_ARRAY);
	dbus_uint32_t cursor = 0, next = 0;

	do {
		cursor = next;
		struct tree *answer = all ? page(tool, folder, cursor, may_lack) : NULL;
		if (!answer)
			return NULL;
		if (answer->n != 2 || !answer->children[1]->text)
			return all;
		const struct tree *some = answer->children[0];
		for (unsigned i = 0; i < some->n; i++)
			if (!tree_put(all, NULL, some->children[i]))
				return NULL;
		next = (dbus_uint32_t)strtoul(answer->children[1]->text, NULL, 10);
		talloc_free(answer);
	} while (next > cursor);
	return all;
}

/* The plain verbs */

static int finish(const struct tool *tool, const struct tree *answer)
{
	if (answer && tool->json)
		puts("{\"result\": \"ok\"}");
	return answer ? DONE : FAILED;
}

static int run_down(struct tool *tool)
{
	return finish(tool, tool_verb(tool, "Down", tool->args[0], NULL));
}

static int run_rekey(struct tool *tool)
{
	return finish(tool, tool_verb(tool, "Rekey", tool->args[0], tool->n_args > 1 ? tool->args[1] : ""));
}

static int run_reauth(struct tool *tool)
{
	return finish(tool, tool_verb(tool, "Reauth", tool->args[0], NULL));
}

static int run_redirect(struct tool *tool)
{
	DBusMessage *call = tool_call(ROOT "/redirect/server", NAME ".Redirect", "Redirect");

	(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &tool->args[0], DBUS_TYPE_STRING, &tool->args[1],
				       DBUS_TYPE_INVALID);
	return finish(tool, tool_ask(tool, call));
}

static int run_load(struct tool *tool)
{
	return finish(tool, tool_verb(tool, "LoadPlugin", tool->args[0], NULL));
}

static int run_unload(struct tool *tool)
{
	DBusMessage *call = tool_call(ROOT, MANAGER, "UnloadPlugin");
	dbus_bool_t drain = tool->drain;

	if (drain)
		tool->call_ms = DBUS_TIMEOUT_INFINITE;
	(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &tool->args[0], DBUS_TYPE_BOOLEAN, &drain,
				       DBUS_TYPE_INVALID);
	return finish(tool, tool_ask(tool, call));
}

static int run_reload(struct tool *tool)
{
	return finish(tool, tool_verb(tool, "Reload", NULL, NULL));
}

static int run_stop(struct tool *tool)
{
	return finish(tool, tool_verb(tool, "Stop", NULL, NULL));
}

static int run_log(struct tool *tool)
{
	return finish(tool, tool_verb(tool, "SetLogLevel", tool->args[0], NULL));
}

/* export, import: the daemon gets the open file and the open key */

static int check_key(const struct tool *tool)
{
	if (tool->key_file)
		return DONE;
	fputs("ravelin: --key-file must name a file of 32 octets, the key that seals the state\n", stderr);
	return USAGE;
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		fprintf(stderr, "ravelin: %s: %m\n", path);
	return fd;
}

static int move_state(struct tool *tool, const char *method, int flags)
{
	int key = open_file(tool->key_file, O_RDONLY), fd = key < 0 ? -1 : open_file(tool->args[0], flags);
	struct tree *n = NULL, *all;
	DBusMessage *call;

	if (fd >= 0) {
		call = tool_call(ROOT, MANAGER, method);
		(void)dbus_message_append_args(call, DBUS_TYPE_UNIX_FD, &key, DBUS_TYPE_UNIX_FD, &fd,
					       DBUS_TYPE_INVALID);
		n = tool_ask(tool, call);
		close(fd);
	}
	if (key >= 0)
		close(key);
	if (!n)
		return FAILED;
	all = tree_new(tool, TREE_OBJECT);
	if (!tool->json)
		printf("%s sessions\n", n->text ? n->text : "0");
	else if (all && tree_put(all, "sessions", n))
		tree_json(stdout, all);
	return DONE;
}

static int run_export(struct tool *tool)
{
	return move_state(tool, "ExportState", O_WRONLY | O_CREAT | O_TRUNC);
}

static int run_import(struct tool *tool)
{
	return move_state(tool, "ImportState", O_RDONLY);
}

/* monitor */

static void print_signal(const struct tool *tool, DBusMessage *message)
{
	struct tree *all = tree_new(NULL, TREE_OBJECT), *args = all ? tree_of(all, message) : NULL;
	const char *path = dbus_message_get_path(message), *member = dbus_message_get_member(message);

	if (args && tool->json && tree_put_text(all, "path", path) && tree_put_text(all, "signal", member) &&
	    tree_put(all, "arguments", args)) {
		tree_json_line(stdout, all);
	} else if (args && !tool->json) {
		char *line = tree_line(all, args);
		printf("%s %s %s\n", path[sizeof(ROOT) - 1] ? path + sizeof(ROOT) : path, member, line ? line : "");
	}
	fflush(stdout);
	talloc_free(all);
}

static bool is_ours(DBusMessage *message)
{
	const char *path = dbus_message_get_path(message);

	return dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL && path &&
	       !strncmp(path, ROOT, sizeof(ROOT) - 1) && strchr("/", path[sizeof(ROOT) - 1]);
}

static int run_monitor(struct tool *tool)
{
	DBusError error = DBUS_ERROR_INIT;

	dbus_bus_add_match(tool->connection, "type='signal',sender='" NAME "',path_namespace='" ROOT "'", &error);
	if (dbus_error_is_set(&error)) {
		(void)tool_complain(tool, error.name, error.message);
		dbus_error_free(&error);
		return FAILED;
	}
	if (!tool->json)
		fputs("monitor: what happens is printed from now on\n", stderr);
	while (dbus_connection_read_write(tool->connection, -1)) {
		DBusMessage *message;
		while ((message = dbus_connection_pop_message(tool->connection))) {
			if (is_ours(message))
				print_signal(tool, message);
			dbus_message_unref(message);
		}
	}
	return tool_complain(tool, DBUS_ERROR_DISCONNECTED, "the daemon closed the connection");
}

static const struct command commands[] = {
	{ "up", "NAME [CHILD] [--timeout S]", "brings a connection up and tells how it goes (30 s)", 1, 2,
	  OPTION_TIMEOUT, run_up },
	{ "down", "NAME", "takes every SA of a connection down", 1, 1, 0, run_down },
	{ "rekey", "NAME [CHILD]", "new keys for a connection's own SA, or for a child SA", 1, 2, 0, run_rekey },
	{ "reauth", "NAME", "both sides prove themselves anew; traffic goes on meanwhile", 1, 1, 0, run_reauth },
	{ "redirect", "NAME GATEWAY", "sends the clients of a connection to another gateway", 2, 2, 0, run_redirect },
	{ "status", "", "what is up", 0, 0, 0, run_status },
	{ "list", "connections|ike|child|plugins|services|policies|pools|xdp|attempts", "tables", 1, 1, 0, run_list,
	  check_list },
	{ "diagnose", "NAME", "the story of the attempts to reach a peer", 1, 1, 0, run_diagnose },
	{ "load", "PLUGIN", "loads a plugin", 1, 1, 0, run_load },
	{ "unload", "PLUGIN [--drain]", "unloads a plugin, at once or when nobody uses it any more", 1, 1, OPTION_DRAIN,
	  run_unload },
	{ "reload", "", "reads the configuration again; tunnels stay up", 0, 0, 0, run_reload },
	{ "capture", "CHILD [FILE]",
	  "writes the packets of a child SA as pcapng, in clear and as they travel, until ^C", 1, 2, 0, run_capture },
	{ "monitor", "", "prints what happens, as it happens", 0, 0, 0, run_monitor },
	{ "log-level", "error|warn|notice|info|debug", "sets the level of the log", 1, 1, 0, run_log },
	{ "export", "FILE --key-file KEY", "seals the state of every session into a file", 1, 1, OPTION_KEY, run_export,
	  check_key },
	{ "import", "FILE --key-file KEY", "goes on with sessions that another daemon exported", 1, 1, OPTION_KEY,
	  run_import, check_key },
	{ "inspect", "CAPTURE", "which ESP SAs of a capture (pcap, pcapng) are not encrypted; asks no daemon", 1, 1, 0,
	  run_inspect, .alone = true },
	{ "stop", "", "deletes all SAs at their peers and ends the daemon", 0, 0, 0, run_stop },
};

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static int usage(FILE *file)
{
	fputs("usage: ravelin [--socket PATH] [--json] COMMAND ...\n", file);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(file, "  %s %s\n      %s\n", commands[i].name, commands[i].usage, commands[i].help);
	fputs("The daemon's socket is PATH, else RAVELIN_SOCKET, else " SOCKET "; else the system bus is asked.\n"
	      "Exit status: 0 done, 1 failed (the reason is said), 2 usage.\n",
	      file);
	return file == stdout ? DONE : USAGE;
}

/* Reaching the daemon */

static int hang_up(struct tool *tool)
{
	if (!tool->connection)
		return 0;
	dbus_connection_close(tool->connection);
	dbus_connection_unref(tool->connection);
	return 0;
}

static DBusConnection *dial_socket(struct tool *tool, const char *path, DBusError *error)
{
	char *escaped = dbus_address_escape_value(path);
	char *address = escaped ? talloc_asprintf(tool, "unix:path=%s", escaped) : NULL;

	dbus_free(escaped);
	tool->call_ms = SOCKET_MS;
	tool->connection = address ? dbus_connection_open_private(address, error) : NULL;
	return tool->connection && dbus_bus_register(tool->connection, error) ? tool->connection : NULL;
}

static bool dial(struct tool *tool)
{
	const char *path = tool->socket ? tool->socket : getenv("RAVELIN_SOCKET");
	DBusError error = DBUS_ERROR_INIT;
	char where[512];

	if (!path && !access(SOCKET, W_OK))
		path = SOCKET;
	tool->call_ms = BUS_MS;
	if (path ? dial_socket(tool, path, &error)
		 : (tool->connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, &error))) {
		dbus_connection_set_exit_on_disconnect(tool->connection, FALSE);
		return true;
	}
	snprintf(where, sizeof(where), "no daemon answers at %s: %s; is ravelind running, and may you connect to it?",
		 path ? path : "the system bus", error.message ? error.message : "out of memory");
	(void)tool_complain(tool, error.name ? error.name : DBUS_ERROR_NO_MEMORY, where);
	dbus_error_free(&error);
	return false;
}

/* Options: where they stand does not matter */

static bool read_timeout(const char *text, unsigned *seconds)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || v < 1 || v > MAX_TIMEOUT_S)
		return false;
	*seconds = (unsigned)v;
	return true;
}

/* The value of option: what follows its =, or the next argument. */
static const char *value_of(const char *name, char **argv, int *i)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	return argv[*i][len] || !argv[*i + 1] ? NULL : argv[++*i];
}

static bool option(struct tool *tool, char **argv, int *i)
{
	const char *value;

	if (!strcmp(argv[*i], "--json")) {
		tool->json = true;
	} else if (!strcmp(argv[*i], "--drain")) {
		tool->drain = true;
		tool->options |= OPTION_DRAIN;
	} else if ((value = value_of("--socket", argv, i))) {
		tool->socket = value;
	} else if ((value = value_of("--key-file", argv, i))) {
		tool->key_file = value;
		tool->options |= OPTION_KEY;
	} else if ((value = value_of("--timeout", argv, i))) {
		tool->options |= OPTION_TIMEOUT;
		return read_timeout(value, &tool->timeout_s);
	} else {
		return false;
	}
	return true;
}

/* Takes the options out of argv; false for one that is not known. */
static bool read_options(struct tool *tool, int argc, char **argv)
{
	bool options = true;

	for (int i = 1; i < argc; i++) {
		if (options && !strcmp(argv[i], "--"))
			options = false;
		else if (!options || argv[i][0] != '-')
			tool->args[tool->n_args++] = argv[i];
		else if (!option(tool, argv, &i))
			return false;
	}
	return true;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int run(struct tool *tool, int argc, char **argv)
{
	const struct command *command;
	int r;

	tool->timeout_s = 30;
	tool->args = talloc_zero_array(tool, char *, (unsigned)argc + 1);
	if (!tool->args || !read_options(tool, argc, argv) || !tool->n_args)
		return usage(stderr);
	command = find_command(tool->args[0]);
	if (!command) {
		fprintf(stderr, "ravelin: no command is called %s\n", tool->args[0]);
		return usage(stderr);
	}
	tool->args++;
	tool->n_args--;
	if (tool->n_args < command->least || tool->n_args > command->most || (tool->options & ~command->options)) {
		fprintf(stderr, "usage: ravelin %s %s\n", command->name, command->usage);
		return USAGE;
	}
	r = command->check ? command->check(tool) : DONE;
	if (r != DONE)
		return r;
	return command->alone || dial(tool) ? command->run(tool) : FAILED;
}

int main(int argc, char **argv)
{
	struct tool *tool;
	int status;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")))
		return usage(stdout);
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return puts("ravelin " RV_VERSION) < 0;
	tool = talloc_zero(NULL, struct tool);
	if (!tool)
		return FAILED;
	talloc_set_destructor(tool, hang_up);
	status = run(tool, argc, argv);
	talloc_free(tool);
	dbus_shutdown();
	return status;
}

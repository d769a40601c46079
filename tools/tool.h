// SPDX-License-Identifier: LGPL-2.1-or-later
/* tool.h: what the files of the command line share. */
#pragma once

#include "tree.h"

#define NAME "org.ravelin.IPsec1"
#define ROOT "/org/ravelin/IPsec1"
#define MANAGER NAME ".Manager"

/* Exit statuses. */
enum { DONE = 0, FAILED = 1, USAGE = 2 };

/* One run; a talloc object, the parent of all that it asks for. */
struct tool {
	DBusConnection *connection;
	const char *socket, *key_file;
	char **args; /* of the command */
	int n_args, call_ms;
	unsigned options, timeout_s;
	bool json, drain;
};

/* Says what went wrong, on standard error and with --json on standard output too. FAILED. */
int tool_complain(const struct tool *tool, const char *error, const char *text);

/* A call to the daemon; never NULL. */
DBusMessage *tool_call(const char *path, const char *interface, const char *method);

/* Sends call (and frees it) and waits; the reply as a tree, or NULL after a complaint. */
struct tree *tool_ask(struct tool *tool, DBusMessage *call);

/* A manager's method with up to two texts (or NULL). */
struct tree *tool_verb(struct tool *tool, const char *method, const char *a, const char *b);

/* All properties of an object. */
struct tree *tool_properties(struct tool *tool, const char *path, const char *interface);

/* Every row of a folder, page by page. may_lack: without the folder there are no rows, and that is no failure. */
struct tree *tool_rows(struct tool *tool, const char *folder, bool may_lack);

/* show.c: commands that print what there is, and one's arguments before the daemon is asked. */
int run_up(struct tool *tool);
int run_diagnose(struct tool *tool);
int run_list(struct tool *tool);
int run_status(struct tool *tool);
int check_list(const struct tool *tool);

/* inspect.c: what an observer can tell of the ESP in a capture. */
int run_inspect(struct tool *tool);

/* capture.c: the packets of a child SA, until interrupted. */
int run_capture(struct tool *tool);

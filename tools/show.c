// SPDX-License-Identifier: LGPL-2.1-or-later
/* show: the commands that print what there is: up and diagnose (the story of an attempt), list, status. */
#include "tool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <time.h>

enum { POLL_MS = 50, MAX_COLUMNS = 9 };

/* The story of an attempt */

static void print_steps(const struct tree *attempt, unsigned from)
{
	const struct tree *steps = tree_get(attempt, "Steps");

	for (unsigned i = from; steps && i < steps->n; i++) {
		const struct tree *step = steps->children[i];
		if (step->n == 2 && step->children[0]->text && step->children[1]->text)
			printf("  %7.3f s  %s\n", strtod(step->children[0]->text, NULL) / 1000,
			       step->children[1]->text);
	}
	fflush(stdout);
}

static void print_verdict(FILE *file, const struct tree *attempt)
{
	const char *state = tree_text(attempt, "State"), *advice = tree_text(attempt, "Advice");

	if (strcmp(state, "failed") != 0) {
		fprintf(file, "  %s\n", strcmp(state, "ok") ? "still under way" : "done");
		return;
	}
	fprintf(file, "  failed: %s: %s\n", tree_text(attempt, "Error"), tree_text(attempt, "Found"));
	if (*advice)
		fprintf(file, "  what to do: %s\n", advice);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void nap(void)
{
	const struct timespec t = { .tv_nsec = POLL_MS * 1000000L };

	(void)nanosleep(&t, NULL);
}

/* The attempt when it has ended or time is up; NULL after a complaint. Its steps are printed as they come. */
static struct tree *follow(struct tool *tool, const char *path)
{
	uint64_t end = now_ms() + (uint64_t)tool->timeout_s * 1000;
	struct tree *attempt = NULL;
	unsigned shown = 0;

	for (;;) {
		talloc_free(attempt);
		attempt = tool_properties(tool, path, NAME ".Attempt");
		if (!attempt)
			return NULL;
		const struct tree *steps = tree_get(attempt, "Steps");
		if (!tool->json)
			print_steps(attempt, shown);
		shown = steps ? steps->n : 0;
		if (strcmp(tree_text(attempt, "State"), "running") != 0 || now_ms() >= end)
			return attempt;
		nap();
	}
}

int run_up(struct tool *tool)
{
	const char *child = tool->n_args > 1 ? tool->args[1] : "";
	struct tree *path = tool_verb(tool, "Up", tool->args[0], child);
	struct tree *attempt = path && path->text ? follow(tool, path->text) : NULL;

	if (!attempt)
		return FAILED;
	bool ok = !strcmp(tree_text(attempt, "State"), "ok");

	if (tool->json)
		tree_json(stdout, attempt);
	else
		print_verdict(ok ? stdout : stderr, attempt);
	if (!strcmp(tree_text(attempt, "State"), "running"))
		fprintf(stderr,
			"ravelin: Timeout: no verdict within %u s; the daemon goes on trying. `ravelin diagnose %s` "
			"tells the rest, `ravelin down %s` ends it, --timeout S waits longer\n",
			tool->timeout_s, tool->args[0], tool->args[0]);
	return ok ? DONE : FAILED;
}

static void print_attempt(const struct tree *attempt)
{
	time_t began = (time_t)strtoull(tree_text(attempt, "Began"), NULL, 10);
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&began, &tm))
		(void)strftime(when, sizeof(when), "%F %T", &tm);
	printf("%s%s%s, asked for by %s, %s\n", tree_text(attempt, "Connection"),
	       *tree_text(attempt, "Child") ? "/" : "", tree_text(attempt, "Child"), tree_text(attempt, "Who"), when);
	print_steps(attempt, 0);
	print_verdict(stdout, attempt);
}

/* The rows whose column has this text, in an array of their own. */
static struct tree *of_one(struct tool *tool, const struct tree *all, const char *column, const char *text)
{
	struct tree *some = tree_new(tool, TREE_ARRAY);

	for (unsigned i = 0; some && i < all->n; i++)
		if (!strcmp(tree_text(all->children[i], column), text) && !tree_put(some, NULL, all->children[i]))
			return NULL;
	return some;
}

enum { SHOWN = 8 }; /* names in a message */

static int no_connection(struct tool *tool, const struct tree *connections, const char *name)
{
	char *text = talloc_asprintf(tool, "no connection is called %s", name);

	for (unsigned i = 0; i < connections->n && i < SHOWN; i++)
		text = talloc_asprintf_append(text, "%s%s", i ? ", " : "; there are ",
					      tree_text(connections->children[i], "Name"));
	if (connections->n > SHOWN)
		text = talloc_asprintf_append(text, " and %u more", connections->n - SHOWN);
	return tool_complain(tool, NAME ".Error.UnknownConnection", text ? text : name);
}

int run_diagnose(struct tool *tool)
{
	const char *name = tool->args[0];
	struct tree *all = tool_rows(tool, "attempt", false), *attempts, *connections, *known;

	if (!all)
		return FAILED;
	attempts = of_one(tool, all, "Connection", name);
	connections = attempts && !attempts->n ? tool_rows(tool, "connection", false) : NULL;
	if (!attempts || (!attempts->n && !connections))
		return FAILED;
	known = connections ? of_one(tool, connections, "Name", name) : NULL;
	if (known && !known->n)
		return no_connection(tool, connections, name);
	if (tool->json)
		tree_json(stdout, attempts);
	else if (!attempts->n)
		printf("%s: no attempt yet; `ravelin up %s` makes one\n", name, name);
	for (unsigned i = 0; !tool->json && i < attempts->n; i++)
		print_attempt(attempts->children[i]);
	return DONE;
}

/* list */

struct table {
	const char *word, *folder;
	const char *columns[MAX_COLUMNS + 1];
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
	{ "plugins", "plugin", { "Name", "State", "Version", "Vendor", "Summary" } },
	{ "services", "service", { "Kind", "Name", "Provider", "Chosen", "SelfTest", "SpeedNs", "Users" } },
	{ "policies", "policy", { "LocalTs", "RemoteTs", "Action", "Trap", "Reqid", "Priority", "Whose" } },
	{ "pools", "pool", { "Name", "Addresses", "Size", "Online", "Offline", "Leases" } },
	{ "xdp", "xdp", { "Interface", "Queue", "Mode", "FramesIn", "FramesOut", "Damaged", "NoRoom" } },
	{ "attempts", "attempt", { "Id", "Connection", "Child", "Who", "State", "Error" } },
};

enum { N_TABLES = sizeof(tables) / sizeof(tables[0]) };

static const struct table *table_of(const char *word)
{
	for (size_t i = 0; i < N_TABLES; i++)
		if (!strcmp(tables[i].word, word))
			return &tables[i];
	return NULL;
}

int check_list(const struct tool *tool)
{
	if (table_of(tool->args[0]))
		return DONE;
	fprintf(stderr, "ravelin: nothing is called %s; list", tool->args[0]);
	for (size_t i = 0; i < N_TABLES; i++)
		fprintf(stderr, "%s%s", i ? ", " : " ", tables[i].word);
	fputs("\n", stderr);
	return USAGE;
}

/* The text of a cell; row NULL: the heading. */
static char *cell(const struct table *table, const struct tree *row, unsigned column)
{
	const struct tree *found = row ? tree_get(row, table->columns[column]) : NULL;

	return found ? tree_line(NULL, found) : talloc_strdup(NULL, row ? "" : table->columns[column]);
}

static void measure_row(const struct table *table, const struct tree *row, int widths[static MAX_COLUMNS])
{
	for (unsigned c = 0; table->columns[c]; c++) {
		char *text = cell(table, row, c);
		int len = text ? (int)strlen(text) : 0;
		widths[c] = len > widths[c] ? len : widths[c];
		talloc_free(text);
	}
}

static void print_row(const struct table *table, const struct tree *row, const int widths[static MAX_COLUMNS])
{
	for (unsigned c = 0; table->columns[c]; c++) {
		char *text = cell(table, row, c);
		bool last = !table->columns[c + 1];
		printf("%-*s%s", last ? 0 : widths[c], text ? text : "", last ? "\n" : "  ");
		talloc_free(text);
	}
}

int run_list(struct tool *tool)
{
	const struct table *table = table_of(tool->args[0]);
	struct tree *all = tool_rows(tool, table->folder, false);
	int widths[MAX_COLUMNS] = { 0 };

	if (!all)
		return FAILED;
	if (tool->json) {
		tree_json(stdout, all);
		return DONE;
	}
	measure_row(table, NULL, widths);
	for (unsigned i = 0; i < all->n; i++)
		measure_row(table, all->children[i], widths);
	print_row(table, NULL, widths);
	for (unsigned i = 0; i < all->n; i++)
		print_row(table, all->children[i], widths);
	return DONE;
}

/* status */

static void print_sa(const struct tree *sa)
{
	printf("  #%s %s, %s [%s] - %s [%s], %s\n", tree_text(sa, "Id"), tree_text(sa, "State"),
	       tree_text(sa, "LocalAddress"), tree_text(sa, "LocalId"), tree_text(sa, "RemoteAddress"),
	       tree_text(sa, "RemoteId"), tree_text(sa, "Proposal"));
}

static void print_child(const struct tree *child)
{
	const struct tree *local_ts = tree_get(child, "LocalTs"), *remote_ts = tree_get(child, "RemoteTs");
	char *local = local_ts ? tree_line(NULL, local_ts) : NULL,
	     *remote = remote_ts ? tree_line(NULL, remote_ts) : NULL;

	printf("    %s #%s %s, %s%s, %s\n", tree_text(child, "Name"), tree_text(child, "Id"), tree_text(child, "State"),
	       tree_text(child, "Mode"), strcmp(tree_text(child, "Encapsulated"), "true") ? "" : " in UDP",
	       tree_text(child, "Proposal"));
	printf("      %s === %s\n", local ? local : "", remote ? remote : "");
	printf("      in %s %s packets %s octets, out %s %s packets %s octets\n", tree_text(child, "SpiIn"),
	       tree_text(child, "PacketsIn"), tree_text(child, "BytesIn"), tree_text(child, "SpiOut"),
	       tree_text(child, "PacketsOut"), tree_text(child, "BytesOut"));
	talloc_free(local);
	talloc_free(remote);
}

/* In one line, if there is anything. */
static void print_dropped(const struct tree *dropped)
{
	char *causes = dropped && dropped->n ? tree_line(NULL, dropped) : NULL;

	if (causes)
		printf("dropped outside of SAs: %s\n", causes);
	talloc_free(causes);
}

static void print_status(const struct tree *daemon)
{
	const struct tree *connections = tree_get(daemon, "Connections"), *sas = tree_get(daemon, "IkeSas"),
			  *children = tree_get(daemon, "Children");

	printf("ravelind %s, up %s s, %s sessions, %s child SAs\n", tree_text(daemon, "Version"),
	       tree_text(daemon, "Uptime"), tree_text(daemon, "Sessions"), tree_text(daemon, "ChildSas"));
	print_dropped(tree_get(daemon, "Dropped"));
	for (unsigned i = 0; i < connections->n; i++) {
		const char *name = tree_text(connections->children[i], "Name");

		printf("%s: %s\n", name, tree_text(connections->children[i], "State"));
		for (unsigned k = 0; k < sas->n; k++)
			if (!strcmp(tree_text(sas->children[k], "Connection"), name))
				print_sa(sas->children[k]);
		for (unsigned k = 0; k < children->n; k++)
			if (!strcmp(tree_text(children->children[k], "Connection"), name))
				print_child(children->children[k]);
	}
}

int run_status(struct tool *tool)
{
	static const struct {
		const char *key, *folder;
	} parts[] = { { "Connections", "connection" }, { "IkeSas", "ike_sa" }, { "Children", "child_sa" } };
	struct tree *daemon = tool_properties(tool, ROOT, MANAGER);

	for (size_t i = 0; daemon && i < sizeof(parts) / sizeof(parts[0]); i++) {
		/* without a keying plugin there are no IKE SAs */
		struct tree *all = tool_rows(tool, parts[i].folder, true);
		if (!all || !tree_put(daemon, parts[i].key, all))
			return FAILED;
	}
	if (!daemon)
		return FAILED;
	if (tool->json)
		tree_json(stdout, daemon);
	else
		print_status(daemon);
	return DONE;
}

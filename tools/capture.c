// SPDX-License-Identifier: LGPL-2.1-or-later
/* capture: the daemon writes the packets of a child SA into a pipe; what comes out of it goes into the file or to
 * standard output. The end of this program ends the capture.
 */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <talloc.h>
#include <unistd.h>

enum { ROOM = 1 << 18, BLOCK_HEAD = 8 };

/* The newest child SA of this name or number; NULL after a complaint. */
static const char *find_child(struct tool *tool, const char *name)
{
	struct tree *all = tool_rows(tool, "child_sa", false);
	const char *id = NULL;

	for (unsigned i = 0; all && i < all->n; i++)
		if (!strcmp(tree_text(all->children[i], "Name"), name) ||
		    !strcmp(tree_text(all->children[i], "Id"), name))
			id = tree_text(all->children[i], "Id");
	if (all && !id)
		(void)tool_complain(tool, NAME ".Error.UnknownChild",
				    "no child SA has this name or number; `ravelin list child` shows those there are");
	return id;
}

static bool start(struct tool *tool, const char *id, int fd)
{
	DBusMessage *call = tool_call(talloc_asprintf(tool, ROOT "/child_sa/%s", id), NAME ".ChildSa", "Capture");

	(void)dbus_message_append_args(call, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID);
	return tool_ask(tool, call);
}

static bool write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno != EINTR)
			return false;
		p += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* Octets of whole blocks at p (the length of each stands behind its type): the file is to end with one. */
static size_t whole_blocks(const char *p, size_t len)
{
	size_t at = 0;

	while (len - at >= BLOCK_HEAD) {
		uint32_t size;
		memcpy(&size, p + at + 4, sizeof(size));
		if (size < BLOCK_HEAD || size > len - at)
			break;
		at += size;
	}
	return at;
}

/* What is read next goes behind the *len octets of buffer; whole blocks go to `to`. False at the end, or without one.
 */
static bool pass(int from, int to, char *buffer, size_t *len)
{
	ssize_t n = read(from, buffer + *len, ROOM - *len);
	size_t whole;

	if (n <= 0)
		return false;
	*len += (size_t)n;
	whole = whole_blocks(buffer, *len);
	*len -= whole;
	if (!write_all(to, buffer, whole))
		return false;
	memmove(buffer, buffer + whole, *len);
	return *len < ROOM;
}

/* Until a signal comes, the daemon ends the capture, or nobody reads what is written. */
static void copy(struct tool *tool, int from, int to, int signals)
{
	struct pollfd fds[] = { { .fd = signals, .events = POLLIN }, { .fd = from, .events = POLLIN } };
	char *buffer = talloc_size(tool, ROOM);
	size_t len = 0;
	bool goes_on = buffer;

	while (goes_on && poll(fds, 2, -1) > 0) {
		goes_on = !fds[1].revents || pass(from, to, buffer, &len);
		goes_on = goes_on && !fds[0].revents;
	}
}

static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int run_capture(struct tool *tool)
{
	const char *file = tool->n_args > 1 ? tool->args[1] : NULL, *id = find_child(tool, tool->args[0]);
	int signals, ends[2], to = STDOUT_FILENO;
	bool ok;

	if (!id)
		return FAILED;
	if (!file && isatty(STDOUT_FILENO)) {
		fputs("ravelin: a capture is not text: give a FILE, or pipe it into `tcpdump -r -` or `tshark -r -`\n",
		      stderr);
		return USAGE;
	}
	if (file)
		to = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0 || pipe2(ends, O_CLOEXEC)) {
		fprintf(stderr, "ravelin: %s: %m\n", file ? file : "pipe");
		return FAILED;
	}
	signals = catch_signals();
	ok = start(tool, id, ends[1]);
	close(ends[1]);
	if (ok)
		fprintf(stderr, "ravelin: capturing child SA #%s; ^C ends it\n", id);
	if (ok)
		copy(tool, ends[0], to, signals);
	close(ends[0]);
	ok = (!file || !close(to)) && ok;
	return ok ? DONE : FAILED;
}

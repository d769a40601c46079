// SPDX-License-Identifier: LGPL-2.1-or-later
/* reader: opens files below the configuration's folder for a daemon that has become another user.
 *
 * It keeps one capability (CAP_DAC_READ_SEARCH) and five system calls, takes names below that folder only, follows no
 * link out of it, and gives back descriptors to read. It ends with the daemon: its socket closes. The daemon waits for
 * an answer no longer than opening a file of its own takes.
 */
#include "reader.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SOCKET, FOLDER, FIRST }; /* descriptors of the other process */

/* The answer to a name: a descriptor beside 0, or an errno. */
union passing {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

/* The other process */

static void answer(int socket, int fd, int error)
{
	union passing passing = { { 0 } };
	struct iovec body = { .iov_base = &error, .iov_len = sizeof(error) };
	struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = passing.room;
		message.msg_controllen = sizeof(passing.room);
		passing.head = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&passing.head), &fd, sizeof(fd));
	}
	(void)sendmsg(socket, &message, MSG_NOSIGNAL);
}

static void serve(int socket, int folder)
{
	const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	char name[PATH_MAX];

	for (;;) {
		ssize_t n = recv(socket, name, sizeof(name) - 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		name[n] = 0;
		int fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof(how));
		answer(socket, fd, fd < 0 ? errno : 0);
		if (fd >= 0)
			close(fd);
	}
}

static bool keep_one_capability(const struct rights_user *user)
{
	capng_get_caps_process();
	bool can_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);

	capng_clear(CAPNG_SELECT_ALL);
	if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_DAC_READ_SEARCH))
		return false;
	return !capng_change_id((int)user->uid, (int)user->gid,
				CAPNG_INIT_SUPP_GRP | (can_bound ? CAPNG_CLEAR_BOUNDING : 0));
}

static bool allow_few_calls(void)
{
	static const int calls[] = { SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(openat2), SCMP_SYS(close),
				     SCMP_SYS(exit_group) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	bool ok = filter != NULL;

	for (size_t i = 0; ok && i < RV_COUNT(calls); i++)
		ok = !seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	ok = ok && !seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return ok;
}

/* Whatever else the daemon had open is closed. */
static bool keep_two_files(int socket, int folder)
{
	int a = fcntl(socket, F_DUPFD_CLOEXEC, FIRST), b = fcntl(folder, F_DUPFD_CLOEXEC, FIRST);

	return a >= 0 && b >= 0 && dup2(a, SOCKET) == SOCKET && dup2(b, FOLDER) == FOLDER &&
	       !close_range(FIRST, ~0U, 0);
}

static _Noreturn void be_reader(int socket, int folder, const struct rights_user *user, bool unfiltered)
{
	bool ok = keep_two_files(socket, folder) && keep_one_capability(user) &&
		  !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) &&
		  !prctl(PR_SET_NAME, "rv-reader", 0, 0, 0) && (unfiltered || allow_few_calls());

	if (ok) {
		answer(SOCKET, -1, 0); /* it is there */
		serve(SOCKET, FOLDER);
	}
	_exit(!ok);
}

/* The daemon */

/* The folder of the configuration, by its real name; NULL: others' files are in it, too, or it is none. */
static char *own_folder(const void *parent, const char *config)
{
	char real[PATH_MAX], *slash;

	if (!realpath(config, real))
		return NULL;
	slash = strrchr(real, '/');
	slash[1] = 0;
	return slash != real && memchr(real + 1, '/', (size_t)(slash - real - 1)) ? talloc_strdup(parent, real) : NULL;
}

/* What came back: the descriptor, or a negative error; 0 as well where none was asked for. */
static int hear(int socket, bool wants)
{
	union passing passing = { { 0 } };
	int error = 0, fd = -1;
	struct iovec body = { .iov_base = &error, .iov_len = sizeof(error) };
	struct msghdr message = {
		.msg_iov = &body, .msg_iovlen = 1, .msg_control = passing.room, .msg_controllen = sizeof(passing.room)
	};
	ssize_t n;

	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(error))
		return n < 0 ? -errno : -EPIPE;
	if (message.msg_controllen >= CMSG_LEN(sizeof(int)) && passing.head.cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(&passing.head), sizeof(fd));
	if (error)
		return -error;
	return !wants ? 0 : fd >= 0 ? fd : -EPIPE;
}

static int begin(struct reader *reader, const struct rights_user *user, bool unfiltered)
{
	int ends[2], folder = open(reader->folder, O_PATH | O_DIRECTORY | O_CLOEXEC), r;

	if (folder < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		r = -errno;
		close(folder);
		return r;
	}
	pid_t pid = fork();

	if (!pid)
		be_reader(ends[1], folder, user, unfiltered);
	r = pid < 0 ? -errno : 0;
	close(ends[1]);
	close(folder);
	reader->fd = ends[0];
	return r ? r : hear(reader->fd, false);
}

int reader_start(struct reader *reader, const void *parent, const char *config, const struct rights_user *user,
		 bool unfiltered, struct rv_why *why)
{
	int r;

	*reader = (struct reader){ .folder = own_folder(parent, config), .fd = -1 };
	capng_get_caps_process();
	if (!reader->folder || !capng_have_capability(CAPNG_PERMITTED, CAP_DAC_READ_SEARCH)) {
		TALLOC_FREE(reader->folder);
		return 0;
	}
	r = begin(reader, user, unfiltered);
	if (!r)
		return 0;
	if (reader->fd >= 0)
		close(reader->fd);
	TALLOC_FREE(reader->folder);
	return rv_why_set(why, r, "no process that reads the files of the configuration: %s", rv_error_text(r));
}

/* The name of path below the folder ("." for the folder itself), or NULL. */
static const char *below(const struct reader *reader, const char *path)
{
	size_t len = reader->folder ? strlen(reader->folder) - 1 : 0;

	if (!len || strncmp(path, reader->folder, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	path += len + strspn(path + len, "/");
	return *path ? path : ".";
}

int reader_open(const struct reader *reader, const char *path)
{
	const char *name = below(reader, path);
	char real[PATH_MAX];

	/* what cannot be looked up cannot be resolved either: the name is taken as it is */
	if (!name && reader->folder && realpath(path, real))
		name = below(reader, real);
	if (!name || strlen(name) >= PATH_MAX)
		return -EACCES;
	if (send(reader->fd, name, strlen(name), MSG_NOSIGNAL) < 0)
		return -errno;
	return hear(reader->fd, true);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* rights: own user, three capabilities (more while plugins start), no new privileges, no core dumps, and a filter of
 * system calls.
 *
 * Whatever takes the daemon over finds a process that can neither start a program nor trace another one. A call that is
 * not let through fails with EPERM and is logged by the kernel: a plugin that needs more than it says fails visibly.
 */
#include "rights.h"

#include "parts.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const unsigned keep[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE };

/* What a plugin may ask for, for its init only. */
static const struct {
	const char *word;
	unsigned capability;
} starters[] = { { "bpf", CAP_BPF }, { "ipc-lock", CAP_IPC_LOCK } };

enum { KEPT_MOST = sizeof(keep) / sizeof(keep[0]) + sizeof(starters) / sizeof(starters[0]) };

/* What the core, its libraries (libc's resolver and loader, libdbus, talloc) and any event loop need. Plugins say what
 * they need besides. */
static const char *const core_calls[] = {
	/* descriptors */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"close",
	"close_range",
	"lseek",
	"dup",
	"dup2",
	"dup3",
	"fcntl",
	"flock",
	"pipe2",
	"ioctl",
	"sendfile",
	/* files */
	"open",
	"openat",
	"fstat",
	"newfstatat",
	"stat",
	"lstat",
	"statx",
	"statfs",
	"fstatfs",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getdents64",
	"getcwd",
	"unlink",
	"unlinkat",
	"rename",
	"renameat",
	"renameat2",
	"mkdir",
	"mkdirat",
	"chmod",
	"fchmod",
	"fchmodat",
	"ftruncate",
	"fsync",
	"fdatasync",
	"umask",
	"fadvise64",
	"utimensat",
	/* memory */
	"brk",
	"mmap",
	"munmap",
	"mprotect",
	"mremap",
	"madvise",
	"mlock",
	"mlock2",
	"munlock",
	"memfd_create",
	/* threads and signals */
	"futex",
	"set_robust_list",
	"get_robust_list",
	"set_tid_address",
	"rseq",
	"membarrier",
	"sched_yield",
	"sched_getaffinity",
	"sched_setaffinity",
	"exit",
	"exit_group",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"rt_sigtimedwait",
	"tgkill",
	"restart_syscall",
	"prctl",
	"seccomp",
	"gettid",
	"getpid",
	"getppid",
	/* waiting */
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"poll",
	"ppoll",
	"select",
	"pselect6",
	"eventfd2",
	"signalfd4",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_gettime",
	"nanosleep",
	"clock_nanosleep",
	"pause",
	/* time and numbers */
	"clock_gettime",
	"clock_getres",
	"gettimeofday",
	"time",
	"getrandom",
	"uname",
	"sysinfo",
	"getrusage",
	"times",
	"getcpu",
	"prlimit64",
	"getrlimit",
	/* who we are */
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getresuid",
	"getresgid",
	"getgroups",
	"capget",
	/* sockets */
	"socket",
	"socketpair",
	"bind",
	"connect",
	"listen",
	"accept",
	"accept4",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"shutdown",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
};

/* True when id is a number in this user namespace. */
static bool mapped(const char *path, unsigned id)
{
	FILE *f = fopen(path, "re");
	unsigned inside, outside, n;
	bool found = false;

	if (!f)
		return true; /* a kernel without user namespaces */
	while (!found && fscanf(f, "%u %u %u", &inside, &outside, &n) == 3)
		found = id >= inside && id - inside < n;
	fclose(f);
	return found;
}

int rights_user(const struct rv_conf *conf, struct rights_user *user, struct rv_why *why)
{
	const char *name = rv_conf_str(rv_conf_section(conf, "ravelin"), "user");
	const struct passwd *entry = getpwnam(name ? name : "ravelin");
	const char *problem = NULL;

	*user = (struct rights_user){ .uid = geteuid(), .gid = getegid() };
	if (!entry)
		problem = "there is no such user";
	else if (entry->pw_uid == user->uid)
		return 0;
	else if (geteuid() != 0)
		problem = "only root can become another user";
	else if (!mapped("/proc/self/uid_map", entry->pw_uid) || !mapped("/proc/self/gid_map", entry->pw_gid))
		problem = "it does not exist in this user namespace";
	if (problem)
		return !name ? 0
			     : rv_why_set(why, entry ? -RV_EACCESS : -RV_ECONFIG, "ravelin.user = %s: %s", name,
					  problem);
	*user = (struct rights_user){ .uid = entry->pw_uid, .gid = entry->pw_gid, .change = true };
	return 0;
}

/* Capabilities to keep. */
struct kept {
	struct rv_core *core;
	unsigned list[KEPT_MOST];
	size_t n;
};

static int keep_for_plugin(const char *plugin, const char *right, void *arg)
{
	struct kept *kept = arg;
	size_t i = 0;

	while (i < RV_COUNT(starters) && strcmp(starters[i].word, right) != 0)
		i++;
	if (i == RV_COUNT(starters)) {
		rv_log(&kept->core->subject, RV_WARN, "unknown-right", KV_STR("plugin", plugin),
		       KV_STR("right", right));
		return 0;
	}
	for (size_t at = 0; at < kept->n; at++)
		if (kept->list[at] == starters[i].capability)
			return 0;
	kept->list[kept->n++] = starters[i].capability;
	return 0;
}

/* Leaves those of kept that we have, and no other. */
static int leave(const struct kept *kept)
{
	bool have[KEPT_MOST];

	for (size_t i = 0; i < kept->n; i++)
		have[i] = capng_have_capability(CAPNG_PERMITTED, kept->list[i]);
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < kept->n; i++)
		if (have[i] && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, kept->list[i]))
			return -RV_EACCESS;
	return 0;
}

static int keep_capabilities(struct rv_core *core, const struct rights_user *user, struct rv_why *why)
{
	struct kept kept = { .core = core, .n = RV_COUNT(keep) };
	bool can_bound;

	memcpy(kept.list, keep, sizeof(keep));
	int r = rv_plugins_each_right(core->plugins, core->conf, keep_for_plugin, &kept);
	if (r)
		return rv_why_set(why, r, "what rights plugins need could not be found out");
	capng_get_caps_process();
	can_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	if (leave(&kept))
		return rv_why_set(why, -RV_EACCESS, "a capability could not be kept");
	if (user->change) {
		r = capng_change_id((int)user->uid, (int)user->gid,
				    CAPNG_INIT_SUPP_GRP | (can_bound ? CAPNG_CLEAR_BOUNDING : 0));
		return r ? rv_why_set(why, -RV_EACCESS, "user %u could not be become (step %d): %s", user->uid, -r,
				      rv_error_text(-errno))
			 : 0;
	}
	if ((can_bound && capng_apply(CAPNG_SELECT_BOUNDS)) || capng_apply(CAPNG_SELECT_CAPS))
		return rv_why_set(why, -RV_EACCESS, "capabilities could not be given up: %s", rv_error_text(-errno));
	return 0;
}

int rights_settle(struct rv_why *why)
{
	struct kept kept = { .n = RV_COUNT(keep) };

	memcpy(kept.list, keep, sizeof(keep));
	capng_get_caps_process();
	if (leave(&kept) || capng_apply(CAPNG_SELECT_CAPS))
		return rv_why_set(why, -RV_EACCESS, "what plugins needed at their start could not be given up: %s",
				  rv_error_text(-errno));
	return 0;
}

int rights_drop(struct rv_core *core, const struct rights_user *user, bool dumpable, struct rv_why *why)
{
	const struct rlimit none = { 0, 0 };
	int r = keep_capabilities(core, user, why);

	if (r)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return rv_why_set(why, -errno, "no_new_privs: %s", rv_error_text(-errno));
	if (!dumpable && (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)))
		return rv_why_set(why, -errno, "core dumps could not be turned off: %s", rv_error_text(-errno));
	return 0;
}

/* Threads are made by clone, whose flags a filter can see; clone3 hides them in memory, and libc does without it. */
static int thread_rules(scmp_filter_ctx filter)
{
	const uint64_t spaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
				CLONE_NEWNET | CLONE_NEWCGROUP;
	int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				 SCMP_A0(SCMP_CMP_MASKED_EQ, spaces | CLONE_THREAD, CLONE_THREAD));

	return r ? r : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static bool is_thread_call(const char *name)
{
	return strcmp(name, "clone") == 0 || strcmp(name, "clone3") == 0;
}

static int add_call(const char *name, void *arg)
{
	struct rights_calls *calls = arg;
	int number = seccomp_syscall_resolve_name(name);

	if (is_thread_call(name) || number < 0)
		return 0; /* a name of another machine, or misspelt: rights_check() tells */
	if ((size_t)number < 64 * RV_COUNT(calls->bits))
		calls->bits[number / 64] |= 1ull << number % 64;
	return seccomp_rule_add(calls->filter, SCMP_ACT_ALLOW, number, 0);
}

int rights_filter(struct rv_core *core, struct rights_calls *calls, struct rv_why *why)
{
	*calls = (struct rights_calls){ .core = core, .filter = seccomp_init(SCMP_ACT_ERRNO(EPERM)) };
	int r = calls->filter ? 0 : -ENOMEM;

	if (!r)
		r = seccomp_attr_set(calls->filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!r)
		(void)seccomp_attr_set(calls->filter, SCMP_FLTATR_CTL_LOG, 1); /* where the kernel can */
	if (!r)
		r = thread_rules(calls->filter);
	for (size_t i = 0; !r && i < RV_COUNT(core_calls); i++)
		r = add_call(core_calls[i], calls);
	if (!r)
		r = rv_plugins_each_syscall(core->plugins, add_call, calls);
	if (!r)
		r = seccomp_load(calls->filter);
	if (calls->filter)
		seccomp_release(calls->filter);
	calls->filter = NULL;
	return r ? rv_why_set(why, r, "the system-call filter could not be set: %s", rv_error_text(r)) : 0;
}

static int check_call(const char *name, void *arg)
{
	const struct rights_calls *calls = arg;
	int number = seccomp_syscall_resolve_name(name);
	bool through = number >= 0 && (size_t)number < 64 * RV_COUNT(calls->bits) &&
		       (calls->bits[number / 64] >> number % 64 & 1);

	if (through || is_thread_call(name))
		return 0;
	rv_log(&calls->core->subject, RV_WARN, "system-call-missing", KV_STR("name", name),
	       KV_STR("advice",
		      number == __NR_SCMP_ERROR
			      ? "a plugin asks for a system call of a name that is not known"
			      : "a plugin needs it and was loaded after the filter was set: restart the daemon "
				"with the plugin in its configuration"));
	return 0;
}

void rights_check(struct rights_calls *calls)
{
	rv_plugins_each_syscall(calls->core->plugins, check_call, calls);
}

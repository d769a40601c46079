// SPDX-License-Identifier: LGPL-2.1-or-later
/* main: ravelind, one core with what a program has around it: options, the run folder, signals, rights, readiness. */
#include "parts.h"
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <talloc.h>
#include <unistd.h>

struct options {
	const char *config, *run_dir, *state_dir, *plugin_dir, *bus;
	enum rv_level level;
	bool foreground, no_measure, no_filter;
};

struct program {
	struct options options;
	const char **plugin_dirs;
	struct rv_core *core;
	struct rights_user user;
	struct rights_calls calls;
	struct reader reader; /* of what the user may not read */
	char *lock_path;
	int lock_fd, ready_fd; /* ready: the parent that waits, or -1 */
	bool started, stopping;
};

/* Options */

static const char *const level_names[] = {
	[RV_ERROR] = "error", [RV_WARN] = "warn", [RV_NOTICE] = "notice", [RV_INFO] = "info", [RV_DEBUG] = "debug",
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },    { "run-dir", required_argument, NULL, 'r' },
	{ "state-dir", required_argument, NULL, 's' }, { "plugin-dir", required_argument, NULL, 'p' },
	{ "log-level", required_argument, NULL, 'l' }, { "bus", required_argument, NULL, 'b' },
	{ "foreground", no_argument, NULL, 'f' },      { "no-measure", no_argument, NULL, 'm' },
	{ "no-filter", no_argument, NULL, 'n' },       { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },	       { NULL, 0, NULL, 0 },
};

static void usage(FILE *out)
{
	fputs("Usage: ravelind [OPTION]...\n"
	      "The IPsec daemon. It serves its D-Bus objects on RUN_DIR/bus.\n\n"
	      "  --config FILE             the configuration (" RV_CONFIG_FILE ")\n"
	      "  --run-dir DIR             where the socket and the lock are (" RV_RUN_DIR ")\n"
	      "  --state-dir DIR           what outlives the daemon: leases, plugins' secrets (" RV_STATE_DIR ")\n"
	      "  --plugin-dir DIR[:DIR...] where plugins are (" RV_PLUGIN_DIR ")\n"
	      "  --log-level LEVEL         error, warn, notice, info or debug (info)\n"
	      "  --bus system|session|none the message bus that it is on besides (none)\n"
	      "  --foreground              does not go to the background; the log goes to standard error\n"
	      "  --no-measure              does not rank crypto providers by their speed\n"
	      "  --no-filter               without the system-call filter, and with core dumps: for debugging\n"
	      "  --help, --version\n",
	      out);
}

static bool read_level(const char *text, enum rv_level *level)
{
	for (size_t i = 0; i < RV_COUNT(level_names); i++)
		if (strcmp(level_names[i], text) == 0) {
			*level = (enum rv_level)i;
			return true;
		}
	fprintf(stderr, "ravelind: --log-level %s: error, warn, notice, info or debug\n", text);
	return false;
}

static bool is_bus(const char *text)
{
	if (strcmp(text, "system") == 0 || strcmp(text, "session") == 0 || strcmp(text, "none") == 0)
		return true;
	fprintf(stderr, "ravelind: --bus %s: system, session or none\n", text);
	return false;
}

/* -1: go on; else the exit status. */
static int read_option(int option, struct options *o)
{
	switch (option) {
	case 'c':
		o->config = optarg;
		return -1;
	case 'r':
		o->run_dir = optarg;
		return -1;
	case 's':
		o->state_dir = optarg;
		return -1;
	case 'p':
		o->plugin_dir = optarg;
		return -1;
	case 'l':
		return read_level(optarg, &o->level) ? -1 : 2;
	case 'b':
		o->bus = optarg;
		return is_bus(optarg) ? -1 : 2;
	case 'f':
		o->foreground = true;
		return -1;
	case 'm':
		o->no_measure = true;
		return -1;
	case 'n':
		o->no_filter = true;
		return -1;
	case 'h':
		usage(stdout);
		return 0;
	case 'V':
		puts("ravelind " RV_VERSION);
		return 0;
	default:
		usage(stderr);
		return 2;
	}
}

static int read_options(int argc, char **argv, struct options *o)
{
	int option;

	*o = (struct options){ .config = RV_CONFIG_FILE,
			       .run_dir = RV_RUN_DIR,
			       .state_dir = RV_STATE_DIR,
			       .plugin_dir = RV_PLUGIN_DIR,
			       .bus = "none",
			       .level = RV_INFO };
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		int status = read_option(option, o);
		if (status >= 0)
			return status;
	}
	if (optind < argc) {
		fprintf(stderr, "ravelind: %s: no argument is expected\n", argv[optind]);
		return 2;
	}
	return -1;
}

/* Colons part the folders; an empty one is left out. */
static const char **split(const void *parent, const char *list)
{
	size_t n = 2;

	for (const char *c = list; *c; c++)
		n += *c == ':';
	const char **dirs = talloc_zero_array(parent, const char *, n);
	char *rest = dirs ? talloc_strdup(dirs, list) : NULL, *one;
	if (!rest) {
		talloc_free(dirs);
		return NULL;
	}
	for (n = 0; (one = strsep(&rest, ":"));)
		if (*one)
			dirs[n++] = one;
	return dirs;
}

/* The run folder and its lock */

static int complain(const char *what, const char *path, int error)
{
	fprintf(stderr, "ravelind: %s %s: %s\n", what, path, rv_error_text(-error));
	return 1;
}

static int lock_run_dir(struct program *program)
{
	const char *dir = program->options.run_dir;
	char text[16] = "";

	if (mkdir(dir, 0755) && errno != EEXIST)
		return complain("cannot make the run folder", dir, errno);
	program->lock_path = talloc_asprintf(NULL, "%s/ravelind.pid", dir);
	if (!program->lock_path)
		return complain("cannot lock", dir, ENOMEM);
	program->lock_fd = open(program->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (program->lock_fd < 0)
		return complain("cannot open", program->lock_path, errno);
	if (!flock(program->lock_fd, LOCK_EX | LOCK_NB))
		return 0;
	if (read(program->lock_fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	fprintf(stderr, "ravelind: another ravelind (process %ld) uses the run folder %s\n", strtol(text, NULL, 10),
		dir);
	return 1;
}

static bool write_pid(const struct program *program)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	return !ftruncate(program->lock_fd, 0) && pwrite(program->lock_fd, text, (size_t)n, 0) == n;
}

/* Readiness */

/* Tells the service manager, if there is one (the protocol of sd_notify). */
static void tell_manager(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&to,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

/* The parent waits until its child is ready or has failed, and says the same by its status. */
static int wait_for_child(int fd)
{
	char status = 1;

	if (read(fd, &status, 1) != 1)
		status = 1;
	return status;
}

static int go_to_background(struct program *program)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return complain("cannot go", "to the background", errno);
	child = fork();
	if (child < 0)
		return complain("cannot go", "to the background", errno);
	if (child) {
		close(ends[1]);
		_exit(wait_for_child(ends[0]));
	}
	close(ends[0]);
	program->ready_fd = ends[1];
	(void)setsid();
	return 0;
}

static void say_ready(struct program *program)
{
	char status = 0;
	int null;

	tell_manager("READY=1\n");
	if (program->ready_fd < 0)
		return;
	if (write(program->ready_fd, &status, 1) != 1)
		status = 1;
	close(program->ready_fd);
	program->ready_fd = -1;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		(void)dup2(null, fd);
}

static void to_syslog(void *self, enum rv_level level, const char *line)
{
	static const int priorities[] = { [RV_ERROR] = LOG_ERR,
					  [RV_WARN] = LOG_WARNING,
					  [RV_NOTICE] = LOG_NOTICE,
					  [RV_INFO] = LOG_INFO,
					  [RV_DEBUG] = LOG_DEBUG };

	syslog(LOG_DAEMON | priorities[level], "%s", line);
}

/* Rights */

/* What is in the run folder already goes to the user, too. */
static int give_run_dir(const struct program *program, struct rv_why *why)
{
	const char *dir = program->options.run_dir;
	const struct rights_user *user = &program->user;
	char *socket = talloc_asprintf(NULL, "%s/bus", dir);
	int failed = !socket || chown(dir, user->uid, user->gid) || fchown(program->lock_fd, user->uid, user->gid) ||
		     chown(socket, user->uid, user->gid);

	if (failed)
		failed = rv_why_set(why, -errno, "the run folder %s cannot be given to user %u: %s", dir, user->uid,
				    rv_error_text(-errno));
	talloc_free(socket);
	return failed;
}

/* Where there is none, what plugins would keep there does not outlive the daemon; they say so. */
static void make_state_dir(struct program *program, struct rv_core *core)
{
	const char *dir = program->options.state_dir;
	const struct rights_user *user = &program->user;
	bool failed = mkdir(dir, 0700) && errno != EEXIST;

	if (!failed && user->change)
		failed = chown(dir, user->uid, user->gid);
	if (failed)
		rv_log(&core->subject, RV_NOTICE, "no-state-dir", KV_STR("folder", dir),
		       KV_STR("error", rv_error_text(-errno)));
}

/* Without it root's files cannot be read from now on: the warnings say which. */
static void start_reader(struct program *program, struct rv_core *core)
{
	struct rv_why why = { 0 };

	if (reader_start(&program->reader, core, program->options.config, &program->user, program->options.no_filter,
			 &why))
		rv_log(&core->subject, RV_WARN, "no-reader", KV_STR("why", why.text));
}

static int become(struct program *program, struct rv_core *core, struct rv_why *why)
{
	int r = rights_user(core->conf, &program->user, why);

	if (!r)
		make_state_dir(program, core);
	if (!r && program->user.change)
		r = give_run_dir(program, why);
	if (!r && program->user.change)
		start_reader(program, core);
	if (!r)
		r = rights_drop(core, &program->user, program->options.no_filter, why);
	if (!r && !program->reader.folder && access(program->options.config, R_OK))
		rv_log(&core->subject, RV_WARN, "reload-will-fail", KV_STR("file", program->options.config),
		       KV_STR("why", "the user that the daemon has become may not read it"));
	return r;
}

static int open_file(void *self, const char *path)
{
	return reader_open(&((struct program *)self)->reader, path);
}

static int on_stage(void *self, struct rv_core *core, enum rv_core_stage stage, struct rv_why *why)
{
	struct program *program = self;

	if (program->started)
		return 0;
	if (stage == RV_CORE_READ)
		return become(program, core, why);
	program->started = true;
	int r = rights_settle(why);
	if (r)
		return r;
	if (!program->options.no_filter)
		return rights_filter(core, &program->calls, why);
	rv_log(&core->subject, RV_WARN, "no-filter",
	       KV_STR("note", "there is no filter of system calls, and core dumps hold secrets"));
	return 0;
}

static void on_event(void *self, const struct rv_event *event)
{
	struct program *program = self;

	if (program->calls.core && strcmp(event->name, "plugin-loaded") == 0)
		rights_check(&program->calls);
}

/* Signals and the end */

static void stopped(void *arg)
{
	struct program *program = arg;

	rv_loop_quit(program->core->loop, 0);
}

/* Asked for twice, it ends at once. */
static void stop(void *self)
{
	struct program *program = self;

	if (program->stopping) {
		rv_loop_quit(program->core->loop, 0);
		return;
	}
	program->stopping = true;
	tell_manager("STOPPING=1\n");
	rv_core_stop(program->core, stopped, program);
}

static void on_stop(void *arg, int signo)
{
	stop(arg);
}

static void on_reload(void *arg, int signo)
{
	struct program *program = arg;
	struct rv_core *core = program->core;
	struct rv_why why = { 0 };

	if (rv_core_load(core, program->options.config, &why))
		rv_log(&core->subject, RV_ERROR, "reload-failed", KV_STR("why", why.text),
		       KV_STR("note", "the configuration that was loaded before stays"));
}

static bool watch_signals(struct program *program)
{
	struct rv_loop *loop = program->core->loop;

	return !rv_loop_signal(loop, SIGTERM, on_stop, program) && !rv_loop_signal(loop, SIGINT, on_stop, program) &&
	       !rv_loop_signal(loop, SIGHUP, on_reload, program);
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* The daemon */

static const struct rv_watch_ops watch = { .size = sizeof(watch), .event = on_event };

static int make_core(struct program *program, struct rv_why *why)
{
	const struct options *o = &program->options;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	const struct rv_core_params params = {
		.log = o->foreground ? NULL : to_syslog,
		.log_level = o->level,
		.run_dir = o->run_dir,
		.state_dir = o->state_dir,
		.plugin_dirs = program->plugin_dirs,
		.n_job_threads = processors < 2	  ? 1
				 : processors > 8 ? 8
						  : (unsigned)processors,
		.no_measure = o->no_measure,
		.config_path = o->config,
		.stop = stop,
		.stop_self = program,
		.stage = on_stage,
		.stage_self = program,
		.open = open_file,
		.open_self = program,
	};

	program->core = rv_core_new(NULL, &params, why);
	if (!program->core)
		return why->code ? why->code : -ENOMEM;
	if (!watch_signals(program))
		return rv_why_set(why, -errno, "signals cannot be watched");
	return rv_watch_offer(program->core->host, (struct rv_offer){ .name = "rights" }, &watch, program);
}

/* The bus is there before the plugins, which publish their objects when they are loaded. */
static int start(struct program *program, struct rv_why *why)
{
	const char *bus = program->options.bus;
	int r = make_core(program, why);

	if (r)
		return r;
	program->core->bus = rv_bus_new(program->core, program->core, strcmp(bus, "none") == 0 ? NULL : bus, why);
	if (!program->core->bus)
		return why->code ? why->code : -ENOMEM;
	return rv_core_load(program->core, program->options.config, why);
}

static int run(struct program *program)
{
	struct rv_why why = { 0 };
	int status = 1;

	if (!write_pid(program))
		return complain("cannot write", program->lock_path, errno);
	if (start(program, &why)) {
		fprintf(stderr, "ravelind: %s\n", why.text[0] ? why.text : rv_error_text(why.code));
	} else {
		say_ready(program);
		status = rv_loop_run(program->core->loop);
	}
	TALLOC_FREE(program->core);
	(void)unlink(program->lock_path);
	return status;
}

int main(int argc, char **argv)
{
	struct program program = { .lock_fd = -1, .ready_fd = -1 };
	int status = read_options(argc, argv, &program.options);

	if (status >= 0)
		return status;
	umask(022);
	block_signals();
	program.plugin_dirs = split(NULL, program.options.plugin_dir);
	if (!program.plugin_dirs)
		return complain("cannot read", "--plugin-dir", ENOMEM);
	status = lock_run_dir(&program);
	if (!status && !program.options.foreground)
		status = go_to_background(&program);
	if (!status)
		status = run(&program);
	talloc_free(program.lock_path);
	talloc_free(program.plugin_dirs);
	return status;
}

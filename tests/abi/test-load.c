// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-load: real plugin files, good and bad, loaded into and unloaded from a core that goes on whatever happens.
 *
 * argv[1] is the folder with the parts that meson.build made of part.c; each test copies what it needs into a folder of
 * its own.
 */
#include "test.h"

#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool UNDER_SANITIZER = true;
#else
static const bool UNDER_SANITIZER = false;
#endif

struct world {
	struct rv_core core;
	const char *parts;
	char *dir;
	const char *dirs[3];
	char log[65536];
};

static void write_log(void *self, enum rv_level level, const char *line)
{
	struct world *world = self;
	size_t len = strlen(world->log);

	snprintf(world->log + len, sizeof(world->log) - len, "%s\n", line);
}

static int remove_dir(struct world *world)
{
	char *command = talloc_asprintf(world, "chmod -R u+w %s && rm -r %s", world->dir, world->dir);

	return system(command) ? -1 : 0;
}

static struct world *world_new(void **state)
{
	struct world *world = talloc_zero(NULL, struct world);
	struct rv_core *core = &world->core;

	world->parts = *state;
	world->dir = talloc_strdup(world, "/tmp/rv-load-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	talloc_set_destructor(world, remove_dir);
	world->dirs[0] = world->dir;
	core->params.plugin_dirs = world->dirs;
	core->log = rv_log_new(world, RV_DEBUG, write_log, world);
	core->subject = (struct rv_subject){ .log = core->log, .kind = "core" };
	core->loop = rv_loop_new(world, NULL);
	core->jobs = rv_jobs_new(world, core->loop, 1);
	core->registry = rv_registry_new(world, core);
	core->plugins = rv_plugins_new(world, core);
	assert_non_null(core->plugins);
	return world;
}

/* Copies a part into the folder under a name; its octets for a test that bends them. */
static char *copy_as(struct world *world, const char *part, const char *name)
{
	char *path = talloc_asprintf(world, "%s/%s.so", world->dir, name);
	char *command = talloc_asprintf(world, "install -m 755 %s/%s.so %s", world->parts, part, path);

	assert_int_equal(system(command), 0);
	return path;
}

static int load(struct world *world, const char *name, struct rv_why *why)
{
	const char *names[] = { name, NULL };

	*why = (struct rv_why){ 0 };
	return rv_plugins_load(world->core.plugins, names, why);
}

static bool offered(struct world *world, const char *name)
{
	return rv_registry_find(world->core.registry, "part", name) != NULL;
}

/* The plugin is refused with this code and text, nothing is left of it, and a good one can still be loaded. */
static void refused(struct world *world, const char *name, int code, const char *says)
{
	struct rv_why why;
	int r = load(world, name, &why);

	if (r != code || !strstr(why.text, says))
		fail_msg("%s: %d \"%s\", expected %d \"%s\"", name, r, why.text, code, says);
	if (!strstr(world->log, "plugin-refused"))
		fail_msg("%s: nothing in the log", name);
	assert_false(offered(world, name));
	copy_as(world, "good", "good");
	if (load(world, "good", &why))
		fail_msg("%s: a good plugin behind it: %s", name, why.text);
	assert_true(offered(world, "good"));
	talloc_free(world);
}

static bool is_mapped(const char *path)
{
	FILE *file = fopen("/proc/self/maps", "r");
	char line[512];
	bool found = false;

	while (fgets(line, sizeof(line), file))
		found |= strstr(line, path) != NULL;
	fclose(file);
	return found;
}

/* Somebody waits for the end of an unloading. */
struct waiter {
	struct rv_call call;
	int result;
	bool done;
};

static void unloaded(struct rv_call *call, int result)
{
	struct waiter *waiter = rv_container_of(call, struct waiter, call);

	waiter->done = true;
	waiter->result = result;
}

static int unload(struct world *world, const char *name)
{
	struct waiter waiter = { .result = 1 };
	struct rv_why why = { 0 };
	int r;

	rv_call_init(&waiter.call, unloaded);
	r = rv_plugins_unload(world->core.plugins, name, false, &waiter.call, &why);
	if (r != RV_PENDING)
		return r;
	for (int i = 0; i < 1000 && !waiter.done; i++)
		rv_loop_turn(world->core.loop, RV_MS(10));
	assert_true(waiter.done);
	return waiter.result;
}

static void a_plugin_comes_and_goes_and_comes_again(void **state)
{
	struct world *world = world_new(state);
	char *path = copy_as(world, "good", "good");
	struct rv_why why;

	for (int i = 0; i < 3; i++) {
		if (load(world, "good", &why))
			fail_msg("%s", why.text);
		assert_true(offered(world, "good"));
		assert_true(is_mapped(path));
		assert_int_equal(load(world, "good", &why), 0);
		assert_int_equal(unload(world, "good"), 0);
		assert_false(offered(world, "good"));
		assert_true(is_mapped(path) == UNDER_SANITIZER);
	}
	talloc_free(world);
}

/* The new file has another inode: the dynamic linker must not take the old object for it. */
static void an_exchanged_file_is_loaded_anew(void **state)
{
	struct world *world = world_new(state);
	struct rv_why why;

	copy_as(world, "good", "good");
	copy_as(world, "needy", "needy");
	assert_int_equal(load(world, "good", &why), 0);
	assert_int_equal(unload(world, "good"), 0);
	unlink(talloc_asprintf(world, "%s/good.so", world->dir));
	copy_as(world, "another-good", "good");
	assert_int_equal(load(world, "good", &why), 0);
	assert_true(offered(world, "good"));
	assert_int_equal(load(world, "good", &why), 0);
	talloc_free(world);
}

static void two_plugins_are_two_objects(void **state)
{
	struct world *world = world_new(state);
	struct rv_why why;

	copy_as(world, "good", "good");
	copy_as(world, "cycle-a", "cycle-a");
	copy_as(world, "second", "second");
	assert_int_equal(load(world, "good", &why), 0);
	assert_int_equal(load(world, "second", &why), 0);
	assert_true(offered(world, "good"));
	assert_true(offered(world, "second"));
	assert_int_equal(unload(world, "good"), -RV_EIN_USE);
	assert_int_equal(unload(world, "second"), 0);
	assert_int_equal(unload(world, "good"), 0);
	talloc_free(world);
}

static void what_is_needed_comes_along(void **state)
{
	struct world *world = world_new(state);
	struct rv_why why;

	copy_as(world, "good", "good");
	copy_as(world, "second", "second");
	assert_int_equal(load(world, "second", &why), 0);
	assert_true(offered(world, "good"));
	talloc_free(world);
}

static void a_resident_plugin_stays_mapped(void **state)
{
	struct world *world = world_new(state);
	char *path = copy_as(world, "resident", "resident");
	struct rv_why why;

	assert_int_equal(load(world, "resident", &why), 0);
	assert_int_equal(unload(world, "resident"), 0);
	assert_true(is_mapped(path));
	assert_false(offered(world, "resident"));
	assert_int_equal(load(world, "resident", &why), 0);
	assert_true(offered(world, "resident"));
	talloc_free(world);
}

struct part_ops {
	size_t size;
	int (*verb)(void *self);
};

static void code_that_a_job_runs_is_not_unmapped(void **state)
{
	struct world *world = world_new(state);
	char *path = copy_as(world, "good", "good");
	const struct part_ops *ops;
	struct rv_service *service;
	struct waiter waiter = { .result = 1 };
	struct rv_why why;

	assert_int_equal(load(world, "good", &why), 0);
	service = rv_registry_find(world->core.registry, "part", "good");
	ops = rv_service_ops(service);
	assert_int_equal(ops->verb(rv_service_self(service)), 0);
	rv_call_init(&waiter.call, unloaded);
	assert_int_equal(rv_plugins_unload(world->core.plugins, "good", false, &waiter.call, &why), RV_PENDING);
	for (int i = 0; i < 4; i++)
		rv_loop_turn(world->core.loop, RV_MS(5));
	assert_false(waiter.done);
	assert_true(is_mapped(path));
	while (!waiter.done)
		rv_loop_turn(world->core.loop, RV_MS(10));
	assert_true(is_mapped(path) == UNDER_SANITIZER);
	talloc_free(world);
}

static void the_end_of_all_leaves_code_that_a_job_runs(void **state)
{
	struct world *world = world_new(state);
	const struct part_ops *ops;
	struct rv_service *service;
	struct rv_why why;

	copy_as(world, "good", "good");
	assert_int_equal(load(world, "good", &why), 0);
	service = rv_registry_find(world->core.registry, "part", "good");
	ops = rv_service_ops(service);
	assert_int_equal(ops->verb(rv_service_self(service)), 0);
	usleep(20 * 1000);
	talloc_free(world->core.plugins);
	talloc_free(world->core.jobs);
	talloc_free(world);
}

/* Parts that are refused as they were built. */
static const struct {
	const char *name;
	int code;
	const char *says;
} bad[] = {
	{ "old-major", -RV_EVERSION, "abi: the plugin's major is 2, this daemon's is 1" },
	{ "new-minor", -RV_EVERSION, "abi: the plugin needs 1.99, this daemon has 1." },
	{ "no-note", -RV_EPLUGIN, "it has no note .note.ravelin" },
	{ "no-symbol", -RV_EPLUGIN, "rv_plugin: it exports no such symbol" },
	{ "unknown-key", -RV_EPLUGIN, "lisence: no such key" },
	{ "needy", -RV_ENO_PROVIDER, "plugin needy: needs: part:nowhere, which no plugin provides" },
	{ "failing", -EACCES, "plugin failing: init: Permission denied" },
	{ "undefined", -RV_EPLUGIN, "rv_no_such_function" },
};

static void a_bad_part_is_refused_and_the_daemon_goes_on(void **state)
{
	for (size_t i = 0; i < RV_COUNT(bad); i++) {
		struct world *world = world_new(state);
		copy_as(world, bad[i].name, bad[i].name);
		refused(world, bad[i].name, bad[i].code, bad[i].says);
	}
}

static void a_cycle_of_needs_is_named(void **state)
{
	struct world *world = world_new(state);

	copy_as(world, "cycle-a", "cycle-a");
	copy_as(world, "cycle-b", "cycle-b");
	refused(world, "cycle-a", -RV_EPLUGIN,
		"a cycle: cycle-a needs part:cycle-b of cycle-b, cycle-b needs part:cycle-a of cycle-a");
}

static void a_file_of_another_name_is_refused(void **state)
{
	struct world *world = world_new(state);

	copy_as(world, "good", "renamed");
	refused(world, "renamed", -RV_EPLUGIN, "name: the note says good, the file is renamed.so");
}

/* Writes octets over the first place where before stands. */
static void bend(const char *path, const char *before, size_t len, const char *after)
{
	uint8_t octets[65536];
	int fd = open(path, O_RDWR);
	ssize_t n = pread(fd, octets, sizeof(octets), 0);
	uint8_t *at = n > 0 ? memmem(octets, (size_t)n, before, len) : NULL;

	assert_non_null(at);
	assert_int_equal(pwrite(fd, after, len, at - octets), len);
	close(fd);
}

static void a_broken_note_is_refused(void **state)
{
	struct world *world = world_new(state);

	bend(copy_as(world, "good", "note-key"), "name=good", 9, "nome=good");
	refused(world, "note-key", -RV_EPLUGIN, "nome: no such key");

	world = world_new(state);
	bend(copy_as(world, "good", "note-owner"), "Ravelin", 7, "Raveler");
	refused(world, "note-owner", -RV_EPLUGIN, "it has no note");

	world = world_new(state);
	bend(copy_as(world, "good", "elf"),
	     "\x7f"
	     "ELF",
	     4,
	     "\x7f"
	     "ELV");
	refused(world, "elf", -RV_EPLUGIN, "magic: 7f454c56, an ELF file begins with 7f454c46");

	world = world_new(state);
	assert_int_equal(truncate(copy_as(world, "good", "cut"), 300), 0);
	refused(world, "cut", -RV_EPLUGIN, "truncated");

	world = world_new(state);
	assert_int_equal(truncate(copy_as(world, "good", "empty"), 0), 0);
	refused(world, "empty", -RV_EPLUGIN, "truncated: 0 octets");
}

static void a_file_that_others_may_write_is_refused(void **state)
{
	struct world *world = world_new(state);

	assert_int_equal(chmod(copy_as(world, "good", "open"), 0757), 0);
	refused(world, "open", -RV_EPLUGIN, "the file: others may write it (mode 0757)");
}

static void a_file_that_a_group_may_write_is_refused_unless_it_is_roots(void **state)
{
	struct world *world;
	struct rv_why why;
	char *path;

	if (geteuid())
		skip();
	world = world_new(state);
	path = copy_as(world, "good", "good");
	assert_int_equal(chmod(path, 0775), 0);
	assert_int_equal(load(world, "good", &why), 0);
	talloc_free(world);

	world = world_new(state);
	path = copy_as(world, "good", "grouped");
	assert_int_equal(chown(path, 0, 12345), 0);
	assert_int_equal(chmod(path, 0775), 0);
	refused(world, "grouped", -RV_EPLUGIN, "the file: group 12345 may write it (mode 0775)");
}

static void a_file_of_another_owner_is_refused(void **state)
{
	struct world *world;

	if (geteuid())
		skip();
	world = world_new(state);
	assert_int_equal(chown(copy_as(world, "good", "owned"), 12345, 0), 0);
	refused(world, "owned", -RV_EPLUGIN, "the file: its owner is user 12345, expected 0 or 0");

	/* who is nobody is somebody here, for a user is mapped to the number */
	world = world_new(state);
	assert_int_equal(chown(copy_as(world, "good", "owned"), 65534, 0), 0);
	refused(world, "owned", -RV_EPLUGIN, "the file: its owner is user 65534");
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

/* Loads in a user namespace of its own; its parent writes who is known there. 77: there are no such namespaces. */
static void child_of_namespace(struct world *world, int unshared, int mapped)
{
	struct rv_why why;
	char octet = 0;

	if (unshare(CLONE_NEWUSER) || write(unshared, "x", 1) != 1 || read(mapped, &octet, 1) != 1)
		_exit(77);
	_exit(-load(world, "good", &why) & 0x7f);
}

static int load_in_namespace(struct world *world, const char *map)
{
	char *path, octet;
	int unshared[2], mapped[2], status = 0;
	pid_t child;

	assert_int_equal(pipe(unshared), 0);
	assert_int_equal(pipe(mapped), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(unshared[0]);
		close(mapped[1]);
		child_of_namespace(world, unshared[1], mapped[0]);
	}
	close(unshared[1]);
	close(mapped[0]);
	path = talloc_asprintf(world, "/proc/%d/uid_map", child);
	if (read(unshared[0], &octet, 1) == 1 && write_file(path, map))
		assert_int_equal(write(mapped[1], "x", 1), 1);
	close(unshared[0]);
	close(mapped[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The file's owner, 12345 outside, has no name in the namespace, where the number 65534 stands for everybody without a
 * name. Where somebody is mapped to that number the file could be theirs. */
static void who_has_no_name_in_a_user_namespace_is_trusted(void **state)
{
	struct world *world;
	int r;

	if (geteuid())
		skip();
	world = world_new(state);
	assert_int_equal(chown(copy_as(world, "good", "good"), 12345, 0), 0);
	r = load_in_namespace(world, "0 0 1\n");
	if (r != 77) {
		assert_int_equal(r, 0);
		assert_int_equal(load_in_namespace(world, "0 0 1\n65534 65534 1\n"), RV_EPLUGIN & 0x7f);
	}
	talloc_free(world);
}

static void a_symbolic_link_is_not_followed(void **state)
{
	struct world *world = world_new(state);
	char *path = copy_as(world, "good", "target");

	assert_int_equal(symlink(path, talloc_asprintf(world, "%s/link.so", world->dir)), 0);
	refused(world, "link", -RV_EPLUGIN, "a symbolic link is not followed");
}

static void a_folder_is_no_plugin(void **state)
{
	struct world *world = world_new(state);

	assert_int_equal(mkdir(talloc_asprintf(world, "%s/folder.so", world->dir), 0755), 0);
	refused(world, "folder", -RV_EPLUGIN, "folder.so: no plain file");
}

/* DIR/above/below/good.so, with above of another mode. */
static void the_folders_above_are_checked(void **state)
{
	static const struct {
		mode_t mode;
		int code;
	} rows[] = { { 0755, 0 }, { 0757, -RV_EPLUGIN }, { 01777, 0 }, { 0700, 0 }, { 0733, -RV_EPLUGIN } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct world *world = world_new(state);
		char *above = talloc_asprintf(world, "%s/above", world->dir);
		char *below = talloc_asprintf(world, "%s/below", above);
		struct rv_why why;
		assert_int_equal(mkdir(above, 0755), 0);
		assert_int_equal(mkdir(below, 0755), 0);
		copy_as(world, "good", "good");
		assert_int_equal(rename(talloc_asprintf(world, "%s/good.so", world->dir),
					talloc_asprintf(world, "%s/good.so", below)),
				 0);
		assert_int_equal(chmod(above, rows[i].mode), 0);
		world->dirs[0] = below;
		if (load(world, "good", &why) != rows[i].code)
			fail_msg("mode %o: %s", rows[i].mode, why.text);
		if (rows[i].code)
			assert_non_null(strstr(why.text, "above: "));
		talloc_free(world);
	}
}

static void the_first_folder_that_has_it_wins(void **state)
{
	struct world *world = world_new(state);
	char *other = talloc_asprintf(world, "%s/other", world->dir);
	struct rv_why why;

	assert_int_equal(mkdir(other, 0755), 0);
	copy_as(world, "needy", "good");
	assert_int_equal(
		rename(talloc_asprintf(world, "%s/good.so", world->dir), talloc_asprintf(world, "%s/good.so", other)),
		0);
	copy_as(world, "good", "good");
	world->dirs[1] = other;
	assert_int_equal(load(world, "good", &why), 0);
	talloc_free(world);
}

static int count_one(const struct rv_plugin_info *info, void *arg)
{
	char *seen = arg;

	strcat(seen, info->name);
	strcat(seen, info->loaded ? "+ " : "- ");
	return 0;
}

static void what_is_found_is_listed_loaded_or_not(void **state)
{
	struct world *world = world_new(state);
	char seen[256] = "";
	struct rv_why why;

	copy_as(world, "good", "good");
	copy_as(world, "second", "second");
	copy_as(world, "no-note", "no-note");
	assert_int_equal(load(world, "good", &why), 0);
	assert_int_equal(rv_plugins_each(world->core.plugins, count_one, seen), 0);
	assert_string_equal(seen, "good+ second- ");
	assert_non_null(strstr(world->log, "plugin no-note plugin-passed-over reason=\"it has no note"));
	talloc_free(world);
}

/* Configurations, what is loaded by them (second needs good, which is on by default), and what is said. */
static const struct {
	const char *what, *text, *seen;
	int code;
	const char *says;
} configured[] = {
	{ "nothing said", "", "good+ resident- second- ", 0, "" },
	{ "one more", "ravelin { plugins { second { load = yes } } }", "good+ resident- second+ ", 0, "" },
	{ "one less", "ravelin { plugins { good { load = no } } }", "good- resident- second- ", 0, "" },
	{ "a list", "ravelin { load = resident }", "good- resident+ second- ", 0, "" },
	{ "a list, and what it needs", "ravelin { load = second }", "good+ resident- second+ ", 0, "" },
	{ "a list is the whole list", "ravelin { load = resident\n plugins { second { load = yes } } }",
	  "good- resident+ second- ", 0, "" },
	{ "what is forbidden does not come along", "ravelin { load = second\n plugins { good { load = no } } }",
	  "good- resident- second- ", -RV_ENO_PROVIDER, "plugin second: needs: part:good, which no plugin provides" },
	{ "one that is not there", "ravelin { plugins { ghost { load = yes } } }", "good+ resident- second- ",
	  -RV_EPLUGIN, "plugin ghost: no ghost.so in the plugin folders" },
	{ "a list with one that is not there", "ravelin { load = ghost, resident }", "good- resident+ second- ",
	  -RV_EPLUGIN, "plugin ghost: no ghost.so" },
	{ "an empty value is nothing said", "ravelin { load = }", "good+ resident- second- ", 0, "" },
};

static struct rv_conf *read_conf(struct world *world, const char *text)
{
	struct rv_schema *schema = rv_schema_new(world);
	struct rv_why why = { 0 };
	struct rv_conf *conf;

	assert_int_equal(rv_schema_add(schema, "core", rv_schema_core, &why), 0);
	conf = rv_conf_read_text(world, rv_vault_new(world), schema, "test", text, &why);
	if (!conf)
		fail_msg("%s: %s", text, why.text);
	return conf;
}

static void the_configuration_says_what_is_loaded(void **state)
{
	for (size_t i = 0; i < RV_COUNT(configured); i++) {
		struct world *world = world_new(state);
		char seen[256] = "";
		struct rv_why why = { 0 };
		int r;
		copy_as(world, "good", "good");
		copy_as(world, "second", "second");
		copy_as(world, "resident", "resident");
		world->core.conf = read_conf(world, configured[i].text);
		r = rv_plugins_load_configured(world->core.plugins, world->core.conf, &why);
		assert_int_equal(rv_plugins_each(world->core.plugins, count_one, seen), 0);
		if (r != configured[i].code || strcmp(seen, configured[i].seen) ||
		    !strstr(why.text, configured[i].says))
			fail_msg("%s: %d %s\"%s\"", configured[i].what, r, seen, why.text);
		/* a reload finds them loaded and says the same */
		assert_int_equal(rv_plugins_load_configured(world->core.plugins, world->core.conf, &why), r);
		talloc_free(world);
	}
}

static void a_plugin_reads_its_own_section(void **state)
{
	struct world *world = world_new(state);
	struct rv_host *good = rv_host_new(&world->core, "good"), *other = rv_host_new(&world->core, "other");

	world->core.conf = read_conf(world, "ravelin { plugins { good { load = yes } } }");
	assert_true(rv_conf_has(rv_host_conf(good), "load"));
	assert_non_null(rv_host_conf(other));
	assert_false(rv_conf_has(rv_host_conf(other), "load"));
	talloc_free(world);
}

int main(int argc, char **argv)
{
	void *parts = argc > 1 ? argv[1] : ".";
	struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plugin_comes_and_goes_and_comes_again),
		cmocka_unit_test(an_exchanged_file_is_loaded_anew),
		cmocka_unit_test(two_plugins_are_two_objects),
		cmocka_unit_test(what_is_needed_comes_along),
		cmocka_unit_test(a_resident_plugin_stays_mapped),
		cmocka_unit_test(code_that_a_job_runs_is_not_unmapped),
		cmocka_unit_test(the_end_of_all_leaves_code_that_a_job_runs),
		cmocka_unit_test(a_bad_part_is_refused_and_the_daemon_goes_on),
		cmocka_unit_test(a_cycle_of_needs_is_named),
		cmocka_unit_test(a_file_of_another_name_is_refused),
		cmocka_unit_test(a_broken_note_is_refused),
		cmocka_unit_test(a_file_that_others_may_write_is_refused),
		cmocka_unit_test(a_file_that_a_group_may_write_is_refused_unless_it_is_roots),
		cmocka_unit_test(a_file_of_another_owner_is_refused),
		cmocka_unit_test(who_has_no_name_in_a_user_namespace_is_trusted),
		cmocka_unit_test(a_symbolic_link_is_not_followed),
		cmocka_unit_test(a_folder_is_no_plugin),
		cmocka_unit_test(the_folders_above_are_checked),
		cmocka_unit_test(the_first_folder_that_has_it_wins),
		cmocka_unit_test(what_is_found_is_listed_loaded_or_not),
		cmocka_unit_test(the_configuration_says_what_is_loaded),
		cmocka_unit_test(a_plugin_reads_its_own_section),
	};

	for (size_t i = 0; i < RV_COUNT(tests); i++)
		tests[i].initial_state = parts;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

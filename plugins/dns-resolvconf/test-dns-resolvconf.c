// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-dns-resolvconf: the file with sessions' name servers in it, and as it was before. */
#include "test.h"

#include "core.h"
#include "parts.h"

#include <errno.h>
#include <ravelin/dns.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

extern const struct rv_plugin rv_plugin_dns_resolvconf;

#define OLD "# mine\nsearch lan.example\nnameserver 192.0.2.1\noptions edns0\n"

struct fixture {
	char dir[64], path[96], before[128];
	struct rv_core *core;
	const struct rv_dns_ops *ops;
	void *self;
};

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void assert_holds(const char *path, const char *wanted)
{
	char text[4096];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	/* without the first two lines where the file is ours */
	const char *from = strncmp(text, "# Written by ravelind", 21) ? text : strchr(strchr(text, '\n') + 1, '\n') + 1;

	assert_string_equal(from, wanted);
}

/* A daemon that has just been started. */
static void start(struct fixture *f)
{
	static const char schema_text[] = "ravelin.plugins.dns-resolvconf.path|string|/nowhere||x\n";
	const struct rv_core_params params = { .no_measure = true, .log_level = RV_ERROR, .state_dir = f->dir };
	struct rv_why why = { 0 };
	char text[256];

	snprintf(text, sizeof(text), "ravelin { plugins { dns-resolvconf { path = %s } } }\n", f->path);
	f->core = rv_core_new(NULL, &params, &why);
	assert_non_null(f->core);
	struct rv_schema *schema = rv_schema_new(f->core);

	assert_int_equal(rv_schema_add(schema, "core", rv_schema_core, &why), 0);
	assert_int_equal(rv_schema_add(schema, "dns-resolvconf", schema_text, &why), 0);
	f->core->conf = rv_conf_read_text(f->core, f->core->vault, schema, "test", text, &why);
	if (!f->core->conf)
		fail_msg("%s", why.text);
	assert_int_equal(rv_plugins_load_static(f->core->plugins, "dns-resolvconf", &rv_plugin_dns_resolvconf, &why),
			 0);
	struct rv_service *service = rv_registry_find(f->core->registry, "dns", "resolvconf");

	assert_non_null(service);
	f->ops = rv_service_ops(service);
	f->self = rv_service_self(service);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->dir, "/tmp/rv-resolv-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/resolv.conf", f->dir);
	snprintf(f->before, sizeof(f->before), "%s/resolv.conf.before", f->dir);
	put(f->path, OLD);
	start(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char link[128];

	talloc_free(f->core);
	snprintf(link, sizeof(link), "%s/link", f->dir);
	(void)unlink(link);
	(void)unlink(f->before);
	(void)unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static int set(struct fixture *f, uint64_t key, const char *one, const char *two)
{
	struct rv_addr servers[2];
	struct rv_dns dns = { .key = key, .ifname = "tun0", .servers = servers, .n_servers = two ? 2 : 1 };
	struct rv_call call;

	assert_int_equal(rv_addr_parse(&servers[0], one), 0);
	if (two)
		assert_int_equal(rv_addr_parse(&servers[1], two), 0);
	rv_call_init(&call, NULL);
	return f->ops->set(f->self, &dns, &call);
}

#define REST "# mine\nsearch lan.example\noptions edns0\n"

static void sessions_come_and_go(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, 1, "10.2.0.53", "fd00:2::53"), 0);
	assert_holds(f->path, "nameserver 10.2.0.53\nnameserver fd00:2::53\n" REST);
	assert_holds(f->before, OLD);
	assert_int_equal(set(f, 2, "10.3.0.53", "10.3.0.54"), 0); /* the latest first, three at most */
	assert_holds(f->path, "nameserver 10.3.0.53\nnameserver 10.3.0.54\nnameserver 10.2.0.53\n" REST);
	assert_int_equal(set(f, 2, "10.3.0.55", NULL), 0); /* instead */
	assert_holds(f->path, "nameserver 10.3.0.55\nnameserver 10.2.0.53\nnameserver fd00:2::53\n" REST);
	f->ops->clear(f->self, 1);
	assert_holds(f->path, "nameserver 10.3.0.55\n" REST);
	f->ops->clear(f->self, 7);
	f->ops->clear(f->self, 2);
	assert_holds(f->path, OLD);
	assert_int_equal(access(f->before, F_OK), -1);
}

static void the_end_puts_it_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, 1, "10.2.0.53", NULL), 0);
	talloc_free(f->core);
	assert_holds(f->path, OLD);
	start(f);
}

static void the_next_daemon_puts_it_back(void **state)
{
	struct fixture *f = *state;
	char kept[128];

	assert_int_equal(set(f, 1, "10.2.0.53", NULL), 0);
	/* what a kill leaves: the file and what stood there before */
	snprintf(kept, sizeof(kept), "%s/kept", f->dir);
	assert_int_equal(rename(f->before, kept), 0);
	talloc_free(f->core);
	assert_int_equal(rename(kept, f->before), 0);
	assert_holds(f->path, "nameserver 10.2.0.53\n" REST);
	start(f); /* the core flushes a service that comes */
	assert_holds(f->path, OLD);
}

static void somebody_elses_file_stays(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, 1, "10.2.0.53", NULL), 0);
	put(f->path, "nameserver 198.51.100.1\n");
	f->ops->clear(f->self, 1);
	assert_holds(f->path, "nameserver 198.51.100.1\n");
	assert_int_equal(access(f->before, F_OK), -1);
}

static void a_link_stays_one_and_resolveds_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char link[128];

	talloc_free(f->core);
	snprintf(link, sizeof(link), "%s/link", f->dir);
	assert_int_equal(symlink(f->path, link), 0);
	strcpy(f->path, link);
	start(f);
	assert_int_equal(set(f, 1, "10.2.0.53", NULL), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	snprintf(f->path, sizeof(f->path), "%s/resolv.conf", f->dir);
	assert_holds(f->path, "nameserver 10.2.0.53\n" REST);
	talloc_free(f->core);
	strcpy(f->path, "/run/systemd/resolve/stub-resolv.conf");
	start(f);
	assert_int_equal(set(f, 1, "10.2.0.53", NULL), -ENOTSUP);
	snprintf(f->path, sizeof(f->path), "%s/resolv.conf", f->dir);
	assert_holds(f->path, OLD);
}

static void a_folder_that_may_not_be_written_is_said(void **state)
{
	struct fixture *f = *state;

	talloc_free(f->core);
	strcpy(f->path, "/proc/self/nowhere/resolv.conf");
	start(f);
	assert_int_equal(set(f, 1, "10.2.0.53", NULL), -ENOENT);
	snprintf(f->path, sizeof(f->path), "%s/resolv.conf", f->dir);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(sessions_come_and_go),
		T(the_end_puts_it_back),
		T(the_next_daemon_puts_it_back),
		T(somebody_elses_file_stays),
		T(a_link_stays_one_and_resolveds_is_left_alone),
		T(a_folder_that_may_not_be_written_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-host: files that a plugin reads by its host. That they may be root's alone is shown by
 * tests/system/test_rights.py.
 */
#include "test.h"

#include "parts.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 64 };

static void files_are_read_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *what;
		size_t len;
		mode_t type;
		int code;
	} rows[] = {
		{ "the smallest", 1, S_IFREG, 0 },
		{ "the largest", MOST, S_IFREG, 0 },
		{ "one more", MOST + 1, S_IFREG, -EFBIG },
		{ "an empty one", 0, S_IFREG, -ENODATA },
		{ "a folder", 0, S_IFDIR, -EISDIR },
		{ "a pipe, which is not waited for", 0, S_IFIFO, -EINVAL },
		{ "none", 0, 0, -ENOENT },
	};
	struct rv_core *core = talloc_zero(NULL, struct rv_core);
	char path[] = "/tmp/test-host-XXXXXX";

	assert_non_null(mkdtemp(path));
	core->registry = rv_registry_new(core, core);
	core->vault = rv_vault_new(core);
	struct rv_host *host = rv_host_new(core, "reads");
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char *file = talloc_asprintf(core, "%s/%zu", path, i), octets[MOST + 1];
		struct rv_why why = { 0 };
		struct stat st = { 0 };
		memset(octets, (int)('a' + i), sizeof(octets));
		if (rows[i].type == S_IFDIR)
			assert_int_equal(mkdir(file, 0700), 0);
		else if (rows[i].type)
			assert_int_equal(mknod(file, rows[i].type | 0600, 0), 0);
		FILE *f = rows[i].len ? fopen(file, "w") : NULL;
		assert_int_equal(f ? fwrite(octets, 1, rows[i].len, f) : 0, rows[i].len);
		if (f)
			fclose(f);
		struct rv_secret *secret = rv_host_read(host, core, file, MOST, &st, &why);
		if (why.code != rows[i].code || !secret != !!rows[i].code)
			fail_msg("%s: %d %s", rows[i].what, why.code, why.text);
		assert_true(!why.code || strstr(why.text, file));
		if (secret) {
			assert_int_equal(secret->len, rows[i].len);
			assert_memory_equal(secret->b, octets, secret->len);
			assert_int_equal(st.st_size, rows[i].len);
		}
		talloc_free(secret);
		(void)remove(file);
	}
	assert_int_equal(rmdir(path), 0);
	talloc_free(host);
	talloc_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(files_are_read_whole_or_not_at_all) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

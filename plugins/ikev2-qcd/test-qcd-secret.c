// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-qcd-secret: the file that tokens are made with: made once, kept, and not used when others may read it.
 */
#include "test.h"

#include "core.h"
#include "parts.h"

#include "secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	struct rv_core *core;
	struct rv_host host;
	char dir[64], file[96], beside[96];
};

static void folder_init(struct folder *f)
{
	struct rv_why why = { 0 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/test-qcd-secret-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/qcd-secret", f->dir);
	snprintf(f->beside, sizeof(f->beside), "%s/qcd-secret.new", f->dir);
	f->core = rv_core_new(NULL, &(struct rv_core_params){ .log_level = RV_ERROR, .no_measure = true }, &why);
	assert_non_null(f->core);
	f->host = *f->core->host;
	f->host.state_dir = f->dir;
}

static void folder_fini(struct folder *f)
{
	(void)unlink(f->file);
	(void)unlink(f->beside);
	assert_int_equal(rmdir(f->dir), 0); /* nothing else is left */
	talloc_free(f->core);
}

static void put(const char *path, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	uint8_t octets[64] = { 1 };

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, octets, len), (ssize_t)len);
	close(fd);
}

static void it_is_made_once_and_kept(void **state)
{
	struct folder f;
	struct stat st;

	folder_init(&f);
	put(f.beside, 5, 0644); /* of a daemon that ended halfway */
	struct rv_secret *first = qcd_secret(&f.host, f.core), *second = qcd_secret(&f.host, f.core);

	assert_non_null(first);
	assert_non_null(second);
	assert_int_equal(first->len, QCD_SECRET_LEN);
	assert_memory_equal(first->b, second->b, QCD_SECRET_LEN);
	assert_int_equal(stat(f.file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(f.beside, F_OK), -1);

	assert_int_equal(unlink(f.file), 0);
	struct rv_secret *other = qcd_secret(&f.host, f.core);

	assert_non_null(other);
	assert_memory_not_equal(first->b, other->b, QCD_SECRET_LEN);
	folder_fini(&f);
}

static void what_cannot_be_trusted_is_not_used(void **state)
{
	static const struct {
		const char *what;
		size_t len;
		mode_t mode;
		bool ok;
	} rows[] = {
		{ "as it should be", 32, 0600, true },	      { "read only", 32, 0400, true },
		{ "one octet short", 31, 0600, false },	      { "one octet more", 33, 0600, false },
		{ "the group may read it", 32, 0640, false }, { "all may read it", 32, 0604, false },
		{ "others may write it", 32, 0602, false },
	};

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct folder f;
		struct stat st;

		folder_init(&f);
		put(f.file, rows[i].len, rows[i].mode);
		if ((qcd_secret(&f.host, f.core) != NULL) != rows[i].ok)
			fail_msg("%s", rows[i].what);
		assert_int_equal(stat(f.file, &st), 0);
		assert_int_equal(st.st_size, rows[i].len); /* it is left alone */
		folder_fini(&f);
	}
}

static void without_a_folder_there_is_none(void **state)
{
	struct folder f;

	folder_init(&f);
	f.host.state_dir = NULL;
	assert_null(qcd_secret(&f.host, f.core));
	f.host.state_dir = "/nonexistent";
	assert_null(qcd_secret(&f.host, f.core));
	f.host.state_dir = f.dir;
	assert_int_equal(symlink("/dev/zero", f.file), 0); /* not followed */
	assert_null(qcd_secret(&f.host, f.core));
	folder_fini(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_made_once_and_kept),
		cmocka_unit_test(what_cannot_be_trusted_is_not_used),
		cmocka_unit_test(without_a_folder_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

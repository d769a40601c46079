// SPDX-License-Identifier: LGPL-2.1-or-later
/* secret: the 32 octets that tokens are made with, kept indefinitely (RFC 6290, 5.1).
 *
 * The file is the daemon's alone: one that others may read, or that has another size, is not used, and not replaced
 * either, since tokens that were given out with it would be lost.
 */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <ravelin/error.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "qcd-secret"

static struct rv_secret *unusable(struct rv_host *host, const char *path, const char *why)
{
	rv_log(&host->subject, RV_WARN, "no-qcd-secret", KV_STR("file", path), KV_STR("why", why),
	       KV_STR("note", "no tokens are made: put the file in order, or set `secret`"));
	return NULL;
}

/* Why an open file is not to be used, or NULL. */
static const char *distrust(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return rv_error_text(-errno);
	if (!S_ISREG(st.st_mode) || st.st_size != QCD_SECRET_LEN)
		return "it is no file of 32 octets";
	if (st.st_mode & 077)
		return "others may read or write it (mode 0600 is expected)";
	return st.st_uid != geteuid() ? "it belongs to another user" : NULL;
}

static struct rv_secret *take(struct rv_host *host, const void *parent, const char *path, int fd)
{
	const char *why = distrust(fd);
	struct rv_secret *secret = why ? NULL : rv_secret_new(host->vault, parent, QCD_SECRET_LEN);

	if (!why && !secret)
		why = rv_error_text(-ENOMEM);
	if (secret && read(fd, secret->b, secret->len) != QCD_SECRET_LEN)
		why = "it could not be read";
	if (!why)
		return secret;
	talloc_free(secret);
	return unusable(host, path, why);
}

/* Written beside its place and moved there, so that there is never half a secret. */
static int make(struct rv_host *host, const char *path, const char *beside)
{
	RV_WIPED(uint8_t, fresh, [QCD_SECRET_LEN]);
	int fd, r = 0;

	if (unlink(beside) && errno != ENOENT)
		return -errno;
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	rv_host_random(host, fresh, sizeof(fresh));
	if (write(fd, fresh, sizeof(fresh)) != (ssize_t)sizeof(fresh))
		r = -EIO;
	if (!r && (fsync(fd) || rename(beside, path)))
		r = -errno;
	(void)close(fd);
	return r;
}

static struct rv_secret *open_or_make(struct rv_host *host, const void *parent, const char *path, const char *beside)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), r = 0;
	struct rv_secret *secret;

	if (fd < 0 && errno == ENOENT) {
		r = make(host, path, beside);
		fd = r ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (fd < 0)
		return unusable(host, path, rv_error_text(r ? r : -errno));
	secret = take(host, parent, path, fd);
	(void)close(fd);
	return secret;
}

struct rv_secret *qcd_secret(struct rv_host *host, const void *parent)
{
	struct rv_secret *secret;
	char *path, *beside;

	if (!host->state_dir)
		return NULL;
	path = talloc_asprintf(NULL, "%s/" FILE_NAME, host->state_dir);
	beside = talloc_asprintf(path, "%s/" FILE_NAME ".new", host->state_dir);
	secret = path && beside ? open_or_make(host, parent, path, beside) : NULL;
	talloc_free(path);
	return secret;
}

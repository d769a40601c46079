// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-include: the files that the pattern of an include names, as glob(3) finds them.
 *
 * Folders are opened by rv_core_open(), so they may be root's alone when the daemon is another user (doc/adr/0020).
 */
#include "conf-tree.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct search {
	const struct rv_core_params *params;
	char **paths;
	size_t n;
	int error;
};

static bool absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

static void found(struct search *s, const char *path)
{
	char **grown = talloc_realloc(NULL, s->paths, char *, s->n + 1);
	char *copy = grown ? talloc_strdup(grown, path) : NULL;

	s->paths = grown ? grown : s->paths;
	if (copy)
		s->paths[s->n++] = copy;
	else
		s->error = -ENOMEM;
}

static void look(struct search *s, const char *done, const char *rest);

/* One name of the pattern is found: on with what is behind it. A last one that was not listed may not be there. */
static void step(struct search *s, const char *done, const char *name, size_t len, const char *behind, bool listed)
{
	size_t slashes = strspn(behind, "/");
	char *path = talloc_asprintf(NULL, "%s%.*s%.*s", done, (int)len, name, (int)slashes, behind);
	int fd = path && !behind[slashes] && !listed ? rv_core_open(s->params, path) : -EACCES;

	if (!path)
		s->error = -ENOMEM;
	else if (behind[slashes])
		look(s, path, behind + slashes);
	else if (!absent(fd))
		found(s, path);
	if (fd >= 0)
		close(fd);
	talloc_free(path);
}

/* A folder that is not there has no files; any other trouble ends the search. */
static void list(struct search *s, const char *done, const char *pattern, const char *behind)
{
	int fd = rv_core_open(s->params, *done ? done : ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		int error = fd < 0 ? fd : -errno;
		s->error = absent(error) ? s->error : error;
		if (fd >= 0)
			close(fd);
		return;
	}
	while (!s->error && s->n <= CONF_FILES_MAX && (entry = readdir(dir)))
		if (!fnmatch(pattern, entry->d_name, FNM_PERIOD))
			step(s, done, entry->d_name, strlen(entry->d_name), behind, true);
	closedir(dir);
}

/* What rest, the end of a pattern, finds behind the path done. */
static void look(struct search *s, const char *done, const char *rest)
{
	size_t len = strcspn(rest, "/");
	char *name = talloc_strndup(NULL, rest, len);

	if (!name)
		s->error = -ENOMEM;
	else if (strpbrk(name, "*?[\\"))
		list(s, done, name, rest + len);
	else
		step(s, done, name, len, rest + len, false);
	talloc_free(name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int conf_find(const struct rv_core_params *params, const void *parent, const char *pattern, char ***paths, size_t *n)
{
	struct search s = { .params = params };

	look(&s, "", pattern);
	if (s.error) {
		talloc_free(s.paths);
		return s.error;
	}
	if (s.n)
		qsort(s.paths, s.n, sizeof(*s.paths), by_name);
	*paths = talloc_steal(parent, s.paths);
	*n = s.n;
	return 0;
}

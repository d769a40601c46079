// SPDX-License-Identifier: LGPL-2.1-or-later
/* plugin-file: opens a plugin's file once, checks it and maps that very descriptor.
 *
 * Trusted owners are root, the effective user and, inside a user namespace, whoever has no name there (the overflow
 * user, when nobody is mapped to it: then only somebody outside owns the file). A file or folder that others may write
 * is refused, and so is one that a group may write unless the group is root's; a sticky folder is excepted, since what
 * stands in it is checked itself. Folders are opened one by one from the root without following links, each from its
 * checked parent, so that nothing can be exchanged between check and use.
 */
#include "plugin-parts.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__has_feature)
#define RV_FEATURE(x) __has_feature(x)
#else
#define RV_FEATURE(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || RV_FEATURE(address_sanitizer) ||                  \
	RV_FEATURE(thread_sanitizer) || RV_FEATURE(memory_sanitizer)
/* A sanitizer's report needs the code that it speaks of. */
static const bool UNDER_SANITIZER = true;
#else
static const bool UNDER_SANITIZER = false;
#endif

/* The notes stand behind the headers, far in front of the code. */
enum { READ_FIRST = 8 * 1024, READ_MAX = 256 * 1024, DEFAULT_OVERFLOW = 65534 };

/* One unsigned number at the start of a file; fallback when it is not to be had. */
static unsigned long read_number(const char *path, unsigned long fallback)
{
	FILE *file = fopen(path, "re");
	unsigned long number;

	if (!file)
		return fallback;
	if (fscanf(file, "%lu", &number) != 1)
		number = fallback;
	fclose(file);
	return number;
}

/* True when uid stands for everybody who has no name in this user namespace. Where somebody is mapped to the number, it
 * is that user's. */
static bool is_nobody_known(uid_t uid)
{
	unsigned long first, outside, count;
	bool mapped = false;
	FILE *file;

	if (uid != read_number("/proc/sys/kernel/overflowuid", DEFAULT_OVERFLOW))
		return false;
	file = fopen("/proc/self/uid_map", "re");
	if (!file)
		return false;
	while (fscanf(file, "%lu %lu %lu", &first, &outside, &count) == 3)
		mapped |= uid >= first && uid - first < count;
	fclose(file);
	return !mapped;
}

/* Checks owner and mode. what: for the message. */
static int check_stat(const struct stat *st, const char *what, struct rv_why *why)
{
	bool sticky_folder = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	if (st->st_uid && st->st_uid != geteuid() && !is_nobody_known(st->st_uid))
		return rv_why_set(why, -RV_EPLUGIN, "%s: its owner is user %u, expected 0 or %u", what, st->st_uid,
				  geteuid());
	if (sticky_folder)
		return 0;
	if (st->st_mode & S_IWOTH)
		return rv_why_set(why, -RV_EPLUGIN, "%s: others may write it (mode %04o)", what,
				  (unsigned)(st->st_mode & 07777));
	if ((st->st_mode & S_IWGRP) && st->st_gid)
		return rv_why_set(why, -RV_EPLUGIN, "%s: group %u may write it (mode %04o)", what, st->st_gid,
				  (unsigned)(st->st_mode & 07777));
	return 0;
}

/* Opens a folder below at, checked. what is its whole path so far. Takes at. */
static int step_down(int at, const char *name, const char *what, struct rv_why *why)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int code = errno;
	struct stat st;

	if (at >= 0)
		close(at);
	if (fd < 0 || fstat(fd, &st))
		return rv_why_set(why, -RV_EPLUGIN, "%s: %s", what, rv_error_text(fd < 0 ? -code : -errno));
	if (!check_stat(&st, what, why))
		return fd;
	close(fd);
	return -RV_EPLUGIN;
}

/* Opens the folder of this resolved path with all folders above it checked. A descriptor or negative. */
static int open_dir(char *path, struct rv_why *why)
{
	int at = step_down(-1, "/", "/", why);
	char *name = path + 1;

	while (at >= 0 && *name) {
		char *slash = name + strcspn(name, "/");
		char kept = *slash;
		*slash = 0;
		at = step_down(at, name, path, why);
		*slash = kept;
		name = slash + (kept ? 1 : 0);
	}
	return at;
}

/* Opens DIR/NAME.so, checked, as a plain file. A descriptor or negative. */
static int open_file(const char *dir, const char *name, struct rv_why *why)
{
	char path[PATH_MAX], file[NAME_MAX + 1];
	struct stat st;
	int at, fd;

	if (!realpath(dir, path))
		return rv_why_set(why, -RV_EPLUGIN, "%s: %s", dir, rv_error_text(-errno));
	at = open_dir(path, why);
	if (at < 0)
		return at;
	snprintf(file, sizeof(file), "%s.so", name);
	fd = openat(at, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int code = errno;
	close(at);
	if (fd < 0)
		return rv_why_set(why, -RV_EPLUGIN, "%s/%s: %s", path, file,
				  code == ELOOP ? "a symbolic link is not followed" : rv_error_text(-code));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		rv_why_set(why, -RV_EPLUGIN, "%s/%s: no plain file", path, file);
	else if (!check_stat(&st, "the file", why))
		return fd;
	close(fd);
	return -RV_EPLUGIN;
}

/* The first octets of the file, max at most, as a child of file; p NULL with why. */
static struct rv_bytes read_head(struct rv_plugin_file *file, size_t max, struct rv_why *why)
{
	uint8_t *head = talloc_array(file, uint8_t, max);
	size_t n_read = 0;
	ssize_t n = 1;

	while (head && n > 0 && n_read < max) {
		n = pread(file->fd, head + n_read, max - n_read, (off_t)n_read);
		n_read += n > 0 ? (size_t)n : 0;
	}
	if (head && n >= 0)
		return rv_bytes(head, n_read);
	rv_why_set(why, -RV_EPLUGIN, "cannot be read: %s", rv_error_text(head ? -errno : -ENOMEM));
	talloc_free(head);
	return rv_bytes(NULL, 0);
}

/* Reads the note of file->fd. It mostly stands in the first pages; only a file where it does not is read on. */
static int read_note(struct rv_plugin_file *file, struct rv_why *why)
{
	static const size_t maxima[] = { READ_FIRST, READ_MAX };
	struct rv_bytes text = { 0 };

	for (size_t i = 0; i < RV_COUNT(maxima); i++) {
		struct rv_why found = { 0 };
		struct rv_bytes head = read_head(file, maxima[i], why);
		if (!head.p)
			return -RV_EPLUGIN;
		int r = rv_note_find(head, &text, &found);
		const uint8_t *kept = r ? NULL : talloc_memdup(file, text.p, text.len);
		bool whole = head.len < maxima[i] || i + 1 == RV_COUNT(maxima);
		talloc_free((void *)(uintptr_t)head.p);
		if (!r)
			return kept ? rv_note_read(rv_bytes(kept, text.len), &file->note, why)
				    : rv_why_set(why, -ENOMEM, "no memory");
		if (whole)
			return rv_why_set(why, r, "%s", found.text);
	}
	return -RV_EPLUGIN;
}

static int file_gone(struct rv_plugin_file *file)
{
	if (!file->handle && file->fd >= 0)
		close(file->fd);
	return 0;
}

struct rv_plugin_file *rv_plugin_file_open(const void *parent, const char *dir, const char *name, struct rv_why *why)
{
	struct rv_plugin_file *file = talloc_zero(parent, struct rv_plugin_file);
	int r;

	if (!file) {
		rv_why_set(why, -ENOMEM, "no memory");
		return NULL;
	}
	file->fd = open_file(dir, name, why);
	talloc_set_destructor(file, file_gone);
	file->path = talloc_asprintf(file, "%s/%s.so", dir, name);
	r = file->fd < 0 ? file->fd : file->path ? read_note(file, why) : rv_why_set(why, -ENOMEM, "no memory");
	if (!r && strcmp(file->note.name, name))
		r = rv_why_set(why, -RV_EPLUGIN, "name: the note says %s, the file is %s.so", file->note.name, name);
	if (!r)
		return file;
	talloc_free(file);
	return NULL;
}

/* Folds octets into a hash (FNV-1a). */
static uint64_t fold(uint64_t hash, const void *octets, size_t len)
{
	const uint8_t *p = octets;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 1099511628211u;
	return hash;
}

/* The string table of a mapped object, or NULL. */
static const char *strings_of(const struct link_map *map)
{
	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_STRTAB)
			return (const char *)entry->d_un.d_ptr;
	return NULL;
}

/* Folds in what identifies the file of a needed library: the loader keeps it in the list of all objects. */
static uint64_t fold_library(uint64_t hash, const struct link_map *map, const char *name)
{
	while (map->l_prev)
		map = map->l_prev;
	for (; map; map = map->l_next) {
		const char *slash = strrchr(map->l_name, '/');
		struct stat st;
		if (!slash || strcmp(slash + 1, name) || stat(map->l_name, &st))
			continue;
		hash = fold(hash, &st.st_size, sizeof(st.st_size));
		return fold(hash, &st.st_mtim, sizeof(st.st_mtim));
	}
	return hash;
}

/* A number over the plugin's file and the libraries that it links: measured speeds hold as long as it stays. */
static uint64_t libraries_of(const struct rv_plugin_file *file)
{
	uint64_t hash = 14695981039346656037u;
	struct link_map *map = NULL;
	const char *strings;
	struct stat st;

	if (fstat(file->fd, &st) || dlinfo(file->handle, RTLD_DI_LINKMAP, &map))
		return 0;
	hash = fold(hash, &st.st_size, sizeof(st.st_size));
	hash = fold(hash, &st.st_mtim, sizeof(st.st_mtim));
	strings = strings_of(map);
	for (const ElfW(Dyn) *entry = map->l_ld; strings && entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_NEEDED)
			hash = fold_library(hash, map, strings + entry->d_un.d_val);
	return hash;
}

/* Where there is no /proc the path is opened again: every folder above it has been checked, so only a trusted owner
 * could have exchanged the file meanwhile, and that is looked at too. */
static void *map_by_path(const struct rv_plugin_file *file)
{
	struct stat opened, now;

	if (fstat(file->fd, &opened) || lstat(file->path, &now))
		return NULL;
	if (opened.st_dev != now.st_dev || opened.st_ino != now.st_ino)
		return NULL;
	return dlopen(file->path, RTLD_NOW | RTLD_LOCAL);
}

/* The descriptor stays open while the object is mapped: the dynamic linker knows the object by this path, and would
 * take a later file with the same number for it. */
const struct rv_plugin *rv_plugin_file_map(struct rv_plugin_file *file, struct rv_why *why)
{
	const struct rv_plugin *body;
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	if (access(path, F_OK))
		file->handle = map_by_path(file);
	else
		file->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!file->handle) {
		const char *text = dlerror();
		rv_why_set(why, -RV_EPLUGIN, "cannot be mapped: %s", text ? text : "the file was exchanged");
		return NULL;
	}
	file->libraries = libraries_of(file);
	body = dlsym(file->handle, "rv_plugin");
	if (!body)
		rv_why_set(why, -RV_EPLUGIN, "rv_plugin: it exports no such symbol");
	return body;
}

/* What stays mapped keeps its descriptor, see above: handle stays set. */
void rv_plugin_file_unmap(struct rv_plugin_file *file, bool keep)
{
	if (!file->handle || keep || UNDER_SANITIZER || file->note.resident)
		return;
	dlclose(file->handle);
	file->handle = NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **rv_plugin_names(const void *parent, const char *path)
{
	char **names = talloc_zero_array(parent, char *, 1);
	DIR *dir = opendir(path);
	size_t n = 0;

	for (struct dirent *entry; names && dir && (entry = readdir(dir));) {
		size_t len = strlen(entry->d_name);
		if (entry->d_name[0] == '.' || len < 4 || strcmp(entry->d_name + len - 3, ".so"))
			continue;
		char **grown = talloc_realloc(parent, names, char *, n + 2);
		char *name = grown ? talloc_strndup(grown, entry->d_name, len - 3) : NULL;
		if (!name) {
			talloc_free(grown ? grown : names);
			names = NULL;
			break;
		}
		names = grown;
		names[n++] = name;
		names[n] = NULL;
	}
	if (dir)
		closedir(dir);
	if (names)
		qsort(names, n, sizeof(*names), by_text);
	return names;
}

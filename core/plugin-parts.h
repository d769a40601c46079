// SPDX-License-Identifier: LGPL-2.1-or-later
/* plugin-parts.h: what attach.c, host.c, note.c and plugin*.c share. For nobody else. */
#pragma once

#include "parts.h"

struct rv_attachment;

/* What stands behind a struct rv_host. */
struct rv_host_whole {
	struct rv_host host; /* first: it is the same talloc object */
	struct rv_attachment **buckets;
	uint32_t n_buckets, n_attached;
	char **syscalls;
	size_t n_syscalls;
	const char *version; /* of the plugin, or NULL */
	uint64_t libraries;  /* struct rv_plugin_file; 0: not known */
};

static inline struct rv_host_whole *rv_host_whole(struct rv_host *host)
{
	return rv_container_of(host, struct rv_host_whole, host);
}

/* attach.c: frees all that host attached to objects. */
void rv_attach_end(struct rv_host *host);

/* The text of a plugin's note, read (note.c). The strings stand in the text. Absent ones are NULL. */
struct rv_note {
	const char *name, *version, *summary, *licence, *vendor, *provides, *needs, *rfc, *schema, *rights;
	unsigned abi_major, abi_minor;
	bool by_default, resident;
};

/* Finds the text of the note in the first octets of an ELF file, as a view of them. name: which one, when there may be
 * several (NULL: the only one). 0 or -RV_EPLUGIN with why. Pure. */
RV_MUST_USE int rv_note_find(struct rv_bytes elf, struct rv_bytes *text, struct rv_why *why);

/* The same in a segment of notes that is in memory already. -RV_ENOT_LOADED: there is no such note. */
RV_MUST_USE int rv_note_find_in(struct rv_bytes notes, const char *name, struct rv_bytes *text);

/* Reads the text of a note. 0 or -RV_EPLUGIN, -RV_EVERSION with why. Pure; note borrows text. */
RV_MUST_USE int rv_note_read(struct rv_bytes text, struct rv_note *note, struct rv_why *why);

/* plugin-file.c: a plugin's file, opened once and checked; a talloc object that closes it when nothing is mapped. */
struct rv_plugin_file {
	int fd;
	const char *path;
	void *handle;	    /* of dlopen(), or NULL */
	uint64_t libraries; /* a number that changes with the libraries that it links */
	struct rv_note note;
};

/* Opens NAME.so in dir: owner and mode of it and of all folders above are checked, its note is read and must be of this
 * name. NULL with why. */
struct rv_plugin_file *rv_plugin_file_open(const void *parent, const char *dir, const char *name, struct rv_why *why);

/* Maps the very descriptor that was checked. The plugin's body, or NULL with why. */
const struct rv_plugin *rv_plugin_file_map(struct rv_plugin_file *file, struct rv_why *why);

/* Unmaps it, unless its note, a sanitizer or the caller (keep) wants it to stay. */
void rv_plugin_file_unmap(struct rv_plugin_file *file, bool keep);

/* The names of the plugins in dir, sorted; NULL-terminated, a child of parent. NULL: out of memory. A folder that is
 * not there has none. */
char **rv_plugin_names(const void *parent, const char *dir);

/* plugin.c */
enum rv_candidate_state { RV_CANDIDATE_IDLE, RV_CANDIDATE_WANTED, RV_CANDIDATE_LOADED, RV_CANDIDATE_REFUSED };

/* A plugin that may be loaded, while it is decided what is loaded and when. */
struct rv_candidate {
	const char *name;
	struct rv_plugin_file *file; /* NULL: it was refused before its note was known */
	const struct rv_note *note;
	enum rv_candidate_state state;
	bool excluded; /* the configuration forbids it: it is not loaded for the sake of another */
	struct rv_why why;
};

/* plugin-order.c. want_needs: wants those that provide what wanted ones need and nobody else offers. next: the wanted
 * one that can be loaded now, NULL when there is none. blame: says why a wanted one cannot be loaded. Pure but for what
 * the registry offers. */
void rv_order_want_needs(struct rv_registry *registry, struct rv_candidate *set, size_t n);
struct rv_candidate *rv_order_next(struct rv_registry *registry, struct rv_candidate *set, size_t n);
void rv_order_blame(struct rv_registry *registry, struct rv_candidate *set, size_t n, struct rv_candidate *candidate);

/* The first need of a list that the registry does not offer (except's offers do not count), into out; NULL when all
 * are met. */
const char *rv_order_unmet(struct rv_registry *registry, const char *needs, const struct rv_host *except, char *out,
			   size_t size);

/* plugin.c: as rv_plugins_load(); none of but is loaded for the sake of another. */
int rv_plugins_load_but(struct rv_plugins *plugins, const char *const *names, const char *const *but,
			struct rv_why *why);

/* The next word of a list such as "kind:name kind", copied into out; where it stopped, or NULL at the end. */
const char *rv_note_word(const char *list, char *out, size_t size);

/* True when service "kind:name" or "kind" of a list satisfies need ("kind" or "kind:name"). */
bool rv_note_satisfies(const char *provides, const char *need);

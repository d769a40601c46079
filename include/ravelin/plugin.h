// SPDX-License-Identifier: LGPL-2.1-or-later
/* plugin.h: what a plugin is.
 *
 * What must be known before any code runs stands in the ELF note .note.ravelin as NUL-separated key=value text. The one
 * exported symbol rv_plugin holds the size and init. There is no exit function: freeing the host withdraws the offers
 * and frees all that was attached. fini exists for foreign libraries only.
 */
#pragma once

#include <ravelin/base.h>
#include <ravelin/log.h>
#include <talloc.h>

#define RV_ABI_MAJOR 1
#define RV_ABI_MINOR 4

struct rv_loop;
struct rv_registry;
struct rv_vault;
struct rv_conf;
struct rv_core;
struct rv_secret;
struct rv_why;
struct stat;

/* What the core lends a plugin: a talloc object, the parent of all that the plugin owns for its whole life. */
struct rv_host {
	size_t size;
	struct rv_subject subject; /* kind "plugin", the plugin's name */
	struct rv_loop *loop;
	struct rv_registry *registry;
	struct rv_vault *vault;
	struct rv_core *core;
	const char *name;
	void *self;	       /* the plugin's own, for its callbacks */
	const char *state_dir; /* where files outlive the daemon; the daemon's own to write. NULL: there is none */
};

/* The plugin's section ravelin.plugins.NAME of the configuration (never NULL; empty when absent). It is borrowed until
 * the next reload: ask again, do not keep it. */
const struct rv_conf *rv_host_conf(const struct rv_host *host);

/* Fills len octets at buf with random numbers of the daemon's source: fit for keys; replayable in a test. */
void rv_host_random(struct rv_host *host, void *buf, size_t len);

/* Opens a file (or a folder, to list it) for reading: also one below the configuration's folder that only root may
 * read, although the daemon has become another user. The descriptor, the caller's to close, or -errno. Loop thread. */
int rv_host_open(struct rv_host *host, const char *path);

/* The octets of a file that rv_host_open() opens, 1 to max (65536 at most) of them, in a child of parent that is wiped;
 * *st says what the file is. NULL with why, which names the path. Loop thread. */
struct rv_secret *rv_host_read(struct rv_host *host, const void *parent, const char *path, size_t max, struct stat *st,
			       struct rv_why *why);

/* Says which system calls the plugin needs after start beyond the core's own, as libseccomp spells them. Called in
 * init. NULL-terminated list. */
void rv_host_needs_syscalls(struct rv_host *host, const char *const *names);

/* A zeroed object of size octets that hangs on object (an SA, a session) and dies with it or with the plugin, whichever
 * goes first. A destructor may be set on it. NULL: out of memory. Use through rv_attach(). */
void *rv_attach_size(struct rv_host *host, const void *object, size_t size, const char *type);
#define rv_attach(host, object, type) ((type *)rv_attach_size((host), (object), sizeof(type), #type))

/* The object of this type that host attached to object, or NULL. */
void *rv_attached_type(struct rv_host *host, const void *object, const char *type);
#define rv_attached(host, object, type) ((type *)rv_attached_type((host), (object), #type))

struct rv_plugin {
	uint32_t magic;
	uint32_t size;
	int (*init)(struct rv_host *host); /* 0, or an error and nothing left behind */
	void (*fini)(void);
};

#define RV_PLUGIN_MAGIC 0x52564c31u /* RVL1 */
#define RV_TEXT_(x) #x
#define RV_TEXT(x) RV_TEXT_(x)

#ifdef RV_STATIC
#define RV_PLUGIN_SYMBOL(ident) rv_plugin_##ident
#else
#define RV_PLUGIN_SYMBOL(ident) rv_plugin
#endif

/* Closes a plugin's main file. ident: the name with _ for -. note: one string of "key=value\0" items without abi and
 * name, in this order where present: version, summary, licence, vendor, default (on, off), provides ("kind:name ..."),
 * needs ("kind[:name] ..."), rfc, resident (yes: never unmapped), rights (what only init needs: "bpf ipc-lock"),
 * schema (config.h, lines).
 *
 *	RV_PLUGIN(auth_psk, "auth-psk", "version=1\0summary=...\0licence=LGPL-2.1-or-later\0provides=auth:psk\0",
 *		  .init = init);
 */
#define RV_PLUGIN(ident, plugin_name, note_text, ...)                                                                  \
	__attribute__((section(".note.ravelin"), used, aligned(4))) static const struct {                              \
		uint32_t name_len, text_len, type;                                                                     \
		char name[8];                                                                                          \
		char text[sizeof("abi=" RV_TEXT(RV_ABI_MAJOR) "." RV_TEXT(RV_ABI_MINOR) "\0name=" plugin_name          \
											"\0" note_text)];              \
	} rv_note_##ident = { 8, sizeof(rv_note_##ident.text), 1, "Ravelin",                                           \
			      "abi=" RV_TEXT(RV_ABI_MAJOR) "." RV_TEXT(RV_ABI_MINOR) "\0name=" plugin_name             \
										     "\0" note_text };                 \
	extern const struct rv_plugin RV_PLUGIN_SYMBOL(ident);                                                         \
	RV_API const struct rv_plugin RV_PLUGIN_SYMBOL(                                                                \
		ident) = { .magic = RV_PLUGIN_MAGIC, .size = sizeof(struct rv_plugin), __VA_ARGS__ }

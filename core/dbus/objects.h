// SPDX-License-Identifier: LGPL-2.1-or-later
/* objects.h: folders of objects, the values that go in and out, and the signals that tell of them.
 *
 *	message.c	values out and in
 *	path.c		names as object paths
 *	objects.c	folders, method calls, properties, the ObjectManager
 *	changes.c	signals: what came, went, changed and happened
 *	introspect.c	the XML of a path
 *	manager.c, state-file.c	org.ravelin.IPsec1.Manager: the verbs
 *	face*.c		connections, child SAs, plugins, services, attempts, policies as folders
 */
#pragma once

#include "link.h"

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

enum { MAX_PATH = 512 /* octets of an object path with its NUL */, OUT_DEPTH = 12 };

/* A folder stays with the core, so that it may come before the bus and go after it. */
struct rv_bus_folder {
	struct rv_list entry;
	struct rv_core *core;
	char *path; /* below the root; "" for the root itself */
	const struct rv_bus_interface *interface;
	const struct rv_bus_folder_ops *ops;
	void *self;
	bool listed;
	char **known; /* sorted names, of a folder that is compared (changes.c) */
	size_t n_known;
	bool compare_due, all_changed;
};

struct rv_bus_out {
	DBusMessage *message;
	DBusMessageIter iter[OUT_DEPTH];
	unsigned depth;
	size_t octets;	       /* so far, about */
	bool bad;	       /* memory ran out */
	const char *signature; /* of a signal, at the end */
	struct rv_core *core;
};

struct rv_bus_in {
	struct link *link;
	DBusMessage *message;
	DBusMessageIter iter;
	struct rv_bus_call *pended;
};

struct rv_bus_call {
	struct rv_list entry;
	struct rv_core *core;
	struct link *link; /* NULL: the client went away */
	DBusMessage *message;
	struct rv_bus_out results;
};

/* message.c */
void out_init(struct rv_bus_out *out, struct rv_core *core, DBusMessage *message);
void in_init(struct rv_bus_in *in, struct link *link, DBusMessage *message);

/* path.c. escape: false when it is too long; out is the root then. unescape: the name of what follows FOLDER/ in a
 * path; false when no name is written like this. */
bool path_escape(char out[static MAX_PATH], const char *folder, const char *name);
bool path_unescape(char out[static MAX_PATH], const char *element);

/* objects.c. properties_out writes every property into an a{sv} that is open. */
struct rv_bus_folder *folder_new(struct rv_core *core, const void *owner, const char *path,
				 const struct rv_bus_interface *interface, const struct rv_bus_folder_ops *ops,
				 void *self, bool listed);
struct rv_bus_folder *folder_find(struct rv_core *core, const char *path);
struct rv_list *folders_of(struct rv_core *core);
void properties_out(struct rv_bus_out *out, const struct rv_bus_interface *interface, void *object);
void value_out(struct rv_bus_out *out, const struct rv_bus_property *property, void *object);
void interfaces_out(struct rv_bus_out *out, const struct rv_bus_folder *folder, void *object);

/* changes.c. compare: at the end of the turn the names of the folder are compared with those of the last time; what is
 * new has come, what is missing went, and of the rest (all_changed) every property that tells may have changed. */
void changes_compare(struct rv_bus_folder *folder, bool all_changed);
void changes_forget(struct rv_bus_folder *folder);
void changes_end(struct rv_bus *bus);

/* introspect.c: the XML of a path, a talloc string; NULL when nothing is there or memory is out. */
char *introspect(struct rv_core *core, const void *parent, const char *path);

/* manager.c, state-file.c */
extern const struct rv_bus_interface manager_interface;
int export_state(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why);
int import_state(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why);

/* face*.c: the core's own objects and how they are found; self is the bus. */
int faces_new(struct rv_bus *bus);

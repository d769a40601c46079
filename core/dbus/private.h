// SPDX-License-Identifier: LGPL-2.1-or-later
/* private.h: the parts of the D-Bus face and what they share.
 *
 *	adapter.c	libdbus on our loop
 *	server.c	the daemon's own socket, and what a message bus would answer there
 *	message.c	values out and in
 *	objects.c	folders, paths, properties, the ObjectManager, signals
 *	introspect.c	the XML of a path
 *	manager.c	org.ravelin.IPsec1.Manager: the verbs
 *	face.c		connections, child SAs, plugins, services, attempts, policies as folders
 *	bus.c		links, rights, the message bus, events
 */
#pragma once

#include "../parts.h"

#include <dbus/dbus.h>
#include <ravelin/bus.h>

#define BUS_NAME "org.ravelin.IPsec1"
#define BUS_ROOT "/org/ravelin/IPsec1"

enum {
	MAX_CLIENTS = 64,      /* connections to our own socket */
	MAX_MATCHES = 256,     /* match rules of one of them */
	MAX_PATH = 512,	       /* octets of an object path with its NUL */
	MAX_QUEUED = 64 << 20, /* octets that wait for one client that does not read */
	OUT_DEPTH = 12,
};

/* One D-Bus connection: the message bus, or a client of our own socket. Freed only from a deferred call. */
struct link {
	struct rv_list entry;
	struct rv_bus *bus;
	DBusConnection *connection;
	struct adapter *adapter;
	char unique[24]; /* own socket: ":1.N" */
	bool message_bus, gone;
	unsigned n_matches;
	unsigned long uid;
};

struct rv_bus {
	struct rv_core *core;
	struct rv_host *host;
	struct rv_list links, folders, changes, calls;
	struct rv_timer retry; /* the message bus went away */
	DBusServer *server;
	struct adapter *server_adapter;
	char *socket_path, *message_bus;
	unsigned n_links;
	uint64_t next_unique, since_us;
	struct rv_plugin_info *found_plugin; /* what plugin_find() found last */
	bool flush_due, sweep_due;
	struct rv_bus_folder *root, *connections, *children, *plugins, *services, *attempts, *policies;
};

struct rv_bus_folder {
	struct rv_list entry;
	struct rv_bus *bus;
	char *path; /* below the root; "" for the root itself */
	const struct rv_bus_interface *interface;
	const struct rv_bus_folder_ops *ops;
	void *self;
	bool listed;
};

struct rv_bus_out {
	DBusMessage *message;
	DBusMessageIter iter[OUT_DEPTH];
	unsigned depth;
	bool bad; /* memory ran out */
	struct rv_bus *bus;
};

struct rv_bus_in {
	struct link *link;
	DBusMessage *message;
	DBusMessageIter iter;
	struct rv_bus_call *pended;
};

struct rv_bus_call {
	struct rv_list entry;
	struct link *link; /* NULL: the client went away */
	DBusMessage *message;
	struct rv_bus_out results;
};

/* adapter.c: talloc objects that serve a connection or a server until they are freed. */
struct adapter *adapter_connection(const void *parent, struct rv_loop *loop, DBusConnection *connection);
struct adapter *adapter_server(const void *parent, struct rv_loop *loop, DBusServer *server);

/* server.c. driver_answer: a message to org.freedesktop.DBus on our own socket. */
int server_open(struct rv_bus *bus, const char *run_dir, struct rv_why *why);
void server_close(struct rv_bus *bus);
void driver_answer(struct link *link, DBusMessage *message);

/* bus.c. link_send sets sender and destination. link_may: whether the other side has the right; on the message bus the
 * bus policy has decided already. */
struct link *link_new(struct rv_bus *bus, DBusConnection *connection, bool message_bus);
void link_send(struct link *link, DBusMessage *message);
void link_error(struct link *link, DBusMessage *call, const char *name, const char *text);
bool link_may(const struct link *link, uint8_t right);
void bus_broadcast(struct rv_bus *bus, DBusMessage *signal);
bool bus_heard(const struct rv_bus *bus);

/* message.c */
void out_init(struct rv_bus_out *out, struct rv_bus *bus, DBusMessage *message);
void in_init(struct rv_bus_in *in, struct link *link, DBusMessage *message);

/* objects.c. properties_out writes every property into an a{sv} that is open. */
void objects_call(struct link *link, DBusMessage *message);
struct rv_bus_folder *folder_new(struct rv_bus *bus, const void *owner, const char *path,
				 const struct rv_bus_interface *interface, const struct rv_bus_folder_ops *ops,
				 void *self, bool listed);
struct rv_bus_folder *folder_find(const struct rv_bus *bus, const char *path);
void path_escape(char out[static MAX_PATH], const char *folder, const char *name);
bool path_unescape(char out[static MAX_PATH], const char *element);
void properties_out(struct rv_bus_out *out, const struct rv_bus_interface *interface, void *object);

/* introspect.c: the XML of a path, a talloc string; NULL when nothing is there or memory is out. */
char *introspect(const struct rv_bus *bus, const void *parent, const char *path);

/* manager.c, face.c */
extern const struct rv_bus_interface manager_interface;
int faces_new(struct rv_bus *bus);

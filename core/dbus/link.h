// SPDX-License-Identifier: LGPL-2.1-or-later
/* link.h: D-Bus connections of the daemon: the bus as an object, its links, and who may do what over them.
 *
 *	adapter.c	libdbus on our loop
 *	link.c		one connection: what arrives, what is sent, what is asked
 *	server.c	the daemon's own socket, and what a message bus would answer there
 *	message-bus.c	the daemon's place on a message bus
 *	rights.c	who may do what
 *	bus.c		all of it as one object
 */
#pragma once

#include "../parts.h"

#include <dbus/dbus.h>
#include <ravelin/bus.h>

#define BUS_NAME "org.ravelin.IPsec1"
#define BUS_ROOT "/org/ravelin/IPsec1"

enum {
	MAX_CLIENTS = 64,	/* connections to our own socket */
	MAX_STRANGERS = 32,	/* of these, from users that may only look */
	MAX_MATCHES = 256,	/* match rules of one connection */
	MAX_QUEUED = 16 << 20,	/* octets that wait for one client; more, and it is let go */
	MAX_INCOMING = 1 << 18, /* octets of one message to our own socket */
	MAX_ANSWER = 12 << 20,	/* octets of a list in one answer, about; a message bus takes no more than 32 MiB */
	MAX_PENDED = 64,	/* calls of one link that wait for their answers */
	MAX_CHECKS = 64,	/* calls of which it is being asked whether they are allowed */
	MAX_CHECKS_OF_ONE = 8,	/* of these, from one sender */
	MAX_CALLERS = 128,	/* senders whose user is remembered */
	LOGIN_MS = 10000,	/* a client that has not said who it is by then is let go */
};

struct rv_bus_out;
struct plugin_cache;
struct policy_row;

/* One D-Bus connection: the message bus, or a client of our own socket. Freed only from a deferred call. */
struct link {
	struct rv_list entry;
	struct rv_bus *bus;
	DBusConnection *connection;
	struct adapter *adapter;
	struct rv_timer login;
	char unique[24]; /* own socket: ":1.N" */
	bool message_bus, gone;
	unsigned n_matches, n_pended;
	unsigned long uid; /* own socket: the client's */
	struct rv_list checks, callers;
	unsigned n_checks, n_callers;
};

struct rv_bus {
	struct rv_core *core;
	struct rv_list links, changes, calls;
	unsigned n_clients, n_strangers;
	uint64_t next_unique, since_us;
	bool flush_due, sweep_due;
	DBusServer *server;
	struct adapter *server_adapter;
	char *socket_path;
	char *message_bus;     /* "system", "session" or NULL */
	struct rv_timer retry; /* the message bus went away */
	struct rv_job *dialling;
	struct plugin_cache *plugin_cache;
	struct policy_row *found_policy; /* what find() found last */
	struct rv_bus_folder *root, *connections, *children, *plugins, *services, *attempts, *policies;
};

/* adapter.c: talloc objects that serve a connection or a server until they are freed. yield: what was just done was
 * much; the next message waits until others of this loop had their turn. */
struct adapter *adapter_connection(const void *parent, struct rv_loop *loop, DBusConnection *connection);
struct adapter *adapter_server(const void *parent, struct rv_loop *loop, DBusServer *server);
void adapter_yield(struct adapter *adapter);

/* link.c. new: takes the caller's reference; NULL and the connection closed when memory is out. send sets sender and
 * destination. error and fail (by a code, text NULL: that of the code) answer a call unless it wants no answer. */
struct link *link_new(struct rv_bus *bus, DBusConnection *connection, bool message_bus);
void link_send(struct link *link, DBusMessage *message);
void link_error(struct link *link, DBusMessage *call, const char *name, const char *text);
void link_fail(struct link *link, DBusMessage *call, int code, const char *text);

/* An answer: begin (false: no memory, or no answer is wanted; nothing to be done), write to out, end. */
bool reply_begin(struct link *link, DBusMessage *call, struct rv_bus_out *out);
void reply_end(struct link *link, DBusMessage *call, struct rv_bus_out *out);

/* A call to somebody else on the bus; call is unreferenced. fn gets the reply, which may be an error, once; never after
 * owner (a talloc object that does not outlive the link) is freed. Not 0: fn will not be called. */
typedef void answer_fn(void *arg, DBusMessage *reply);
int link_ask(const void *owner, struct link *link, DBusMessage *call, int timeout_ms, answer_fn *fn, void *arg);

/* To all who listen; is there anybody? */
void bus_broadcast(struct rv_bus *bus, DBusMessage *signal);
bool bus_heard(const struct rv_bus *bus);

/* server.c. driver_answer: a message to org.freedesktop.DBus on our own socket. */
int server_open(struct rv_bus *bus, const char *run_dir, struct rv_why *why);
void server_close(struct rv_bus *bus);
void driver_answer(struct link *link, DBusMessage *message);

/* message-bus.c. open waits for the bus (at start); when it is lost it is dialled again in jobs. */
int message_bus_open(struct rv_bus *bus, struct rv_why *why);
void message_bus_lost(struct rv_bus *bus);
void message_bus_close(struct rv_bus *bus);

/* rights.c: may the sender of message do what needs this right? 0; -RV_EACCESS or -RV_ELIMIT with why; RV_PENDING: it
 * is being asked, and objects_allowed() or an error to the sender follows. trusted: root, and the daemon's own user. */
int rights_check(struct link *link, DBusMessage *message, uint8_t right, struct rv_why *why);
bool rights_trusted(unsigned long uid);

/* objects.c: a call to one of our objects; allowed: after a check. */
void objects_call(struct link *link, DBusMessage *message);
void objects_allowed(struct link *link, DBusMessage *message);

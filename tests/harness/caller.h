// SPDX-License-Identifier: LGPL-2.1-or-later
/* caller.h: a D-Bus client of a core's socket, in the turns of the core's own loop, and messages as text.
 *
 * Texts: 'string' and path as they are, numbers, true, [array], {key: value}, (struct), <variant>; arguments with a
 * blank between them; an error is "!name: text".
 */
#pragma once

#include "core.h"

#include <dbus/dbus.h>

enum { CALLER_SIGNALS = 512 };

struct caller {
	struct rv_core *core;
	DBusConnection *connection;
	DBusMessage *signals[CALLER_SIGNALS];
	unsigned n_signals;
	const char *path, *interface; /* of the next calls */
};

/* Connects to address ("unix:path=..."); hello: says Hello and takes all signals (AddMatch). Ended by caller_end(). */
struct caller *caller_new(struct rv_core *core, const char *address, bool hello);
void caller_end(struct caller *caller);

/* Sends a call (types and values as dbus_message_append_args() takes them, DBUS_TYPE_INVALID last); its serial. send
 * takes a message that is made already, and its reference. */
uint32_t caller_call(struct caller *caller, const char *member, int first_type, ...);
uint32_t caller_send(struct caller *caller, DBusMessage *call);

/* Turns the loop until the reply is there and returns it as a talloc string (NULL: the connection is closed). */
char *caller_reply(struct caller *caller, uint32_t serial);

/* Both, for a call to the driver, or to the path and interface that are set. */
char *caller_ask(struct caller *caller, const char *member, int first_type, ...);
char *caller_driver(struct caller *caller, const char *member, int first_type, ...);

/* Turns the loop until nothing more happens. */
void caller_settle(struct caller *caller);

/* The oldest signal that came, as "PATH MEMBER arguments", or NULL. */
char *caller_signal(struct caller *caller);

/* Whether the other side is still there. */
bool caller_connected(struct caller *caller);

/* A message's arguments as text. */
char *caller_text(DBusMessage *message);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* caller: a D-Bus client in the turns of the loop that it tests. */
#include "test.h"

#include "caller.h"
#include "parts.h"

#include <inttypes.h>
#include <talloc.h>

#define NAME "org.ravelin.IPsec1"

enum { TURNS = 20000, QUIET = 8 };

/* Messages as text */

static void value(FILE *text, DBusMessageIter *iter);

static void values(FILE *text, DBusMessageIter *iter, const char *between)
{
	for (bool first = true; dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_INVALID; first = false) {
		if (!first)
			fputs(between, text);
		value(text, iter);
		dbus_message_iter_next(iter);
	}
}

static void container(FILE *text, DBusMessageIter *iter, const char *open, const char *between, const char *close)
{
	DBusMessageIter inner;

	dbus_message_iter_recurse(iter, &inner);
	fputs(open, text);
	values(text, &inner, between);
	fputs(close, text);
}

static void number(FILE *text, int type, DBusMessageIter *iter)
{
	DBusBasicValue v;

	memset(&v, 0, sizeof(v));
	dbus_message_iter_get_basic(iter, &v);
	if (type == DBUS_TYPE_INT32)
		fprintf(text, "%d", v.i32);
	else if (type == DBUS_TYPE_INT64)
		fprintf(text, "%" PRId64, (int64_t)v.i64);
	else
		fprintf(text, "%" PRIu64, (uint64_t)v.u64);
}

static void value(FILE *text, DBusMessageIter *iter)
{
	int type = dbus_message_iter_get_arg_type(iter);
	const char *s = NULL;
	dbus_bool_t b = FALSE;

	switch (type) {
	case DBUS_TYPE_STRING:
		dbus_message_iter_get_basic(iter, &s);
		fprintf(text, "'%s'", s);
		break;
	case DBUS_TYPE_OBJECT_PATH:
		dbus_message_iter_get_basic(iter, &s);
		fputs(s, text);
		break;
	case DBUS_TYPE_BOOLEAN:
		dbus_message_iter_get_basic(iter, &b);
		fputs(b ? "true" : "false", text);
		break;
	case DBUS_TYPE_VARIANT:
		container(text, iter, "<", "", ">");
		break;
	case DBUS_TYPE_STRUCT:
		container(text, iter, "(", ", ", ")");
		break;
	case DBUS_TYPE_DICT_ENTRY:
		container(text, iter, "", ": ", "");
		break;
	case DBUS_TYPE_ARRAY:
		if (dbus_message_iter_get_element_type(iter) == DBUS_TYPE_DICT_ENTRY)
			container(text, iter, "{", ", ", "}");
		else
			container(text, iter, "[", ", ", "]");
		break;
	default:
		number(text, type, iter);
	}
}

char *caller_text(DBusMessage *message)
{
	DBusMessageIter iter;
	const char *says = "";
	char *text = NULL, *copy;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_ERROR) {
		(void)dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &says, DBUS_TYPE_INVALID);
		fprintf(file, "!%s: %s", dbus_message_get_error_name(message), says);
	} else if (dbus_message_iter_init(message, &iter)) {
		values(file, &iter, " ");
	}
	fclose(file);
	copy = talloc_strdup(NULL, text);
	free(text);
	return copy;
}

/* The client */

/* One turn of both sides; true when something was done. */
static bool turn(struct caller *caller)
{
	int n = rv_loop_turn(caller->core->loop, 0);

	(void)dbus_connection_read_write(caller->connection, 0);
	return n > 0 || dbus_connection_get_dispatch_status(caller->connection) == DBUS_DISPATCH_DATA_REMAINS;
}

static void keep(struct caller *caller, DBusMessage *message)
{
	assert_true(caller->n_signals < CALLER_SIGNALS);
	caller->signals[caller->n_signals++] = message;
}

/* Takes what came; the reply to serial, when it is there. */
static DBusMessage *take(struct caller *caller, uint32_t serial)
{
	DBusMessage *message;

	while ((message = dbus_connection_pop_message(caller->connection))) {
		if (serial && dbus_message_get_reply_serial(message) == serial)
			return message;
		if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL &&
		    !dbus_message_has_interface(message, DBUS_INTERFACE_LOCAL))
			keep(caller, message);
		else
			dbus_message_unref(message);
	}
	return NULL;
}

uint32_t caller_send(struct caller *caller, DBusMessage *call)
{
	dbus_uint32_t serial = 0;

	assert_non_null(call);
	assert_true(dbus_connection_send(caller->connection, call, &serial));
	dbus_message_unref(call);
	return serial;
}

static DBusMessage *make(const char *to, const char *path, const char *interface, const char *member, int first_type,
			 va_list args)
{
	DBusMessage *call = dbus_message_new_method_call(to, path, interface, member);

	assert_non_null(call);
	assert_true(dbus_message_append_args_valist(call, first_type, args));
	return call;
}

uint32_t caller_call(struct caller *caller, const char *member, int first_type, ...)
{
	va_list args;

	va_start(args, first_type);
	DBusMessage *call = make(NAME, caller->path, caller->interface, member, first_type, args);

	va_end(args);
	return caller_send(caller, call);
}

char *caller_reply(struct caller *caller, uint32_t serial)
{
	for (int i = 0; i < TURNS; i++) {
		DBusMessage *reply = take(caller, serial);
		if (reply) {
			char *text = caller_text(reply);
			dbus_message_unref(reply);
			return text;
		}
		if (!dbus_connection_get_is_connected(caller->connection))
			return NULL;
		turn(caller);
	}
	fail_msg("no reply");
	return NULL;
}

char *caller_ask(struct caller *caller, const char *member, int first_type, ...)
{
	va_list args;

	va_start(args, first_type);
	DBusMessage *call = make(NAME, caller->path, caller->interface, member, first_type, args);

	va_end(args);
	return caller_reply(caller, caller_send(caller, call));
}

char *caller_driver(struct caller *caller, const char *member, int first_type, ...)
{
	va_list args;

	va_start(args, first_type);
	DBusMessage *call = make(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, member, first_type, args);

	va_end(args);
	return caller_reply(caller, caller_send(caller, call));
}

void caller_settle(struct caller *caller)
{
	for (int quiet = 0, i = 0; quiet < QUIET && i < TURNS; i++) {
		quiet = turn(caller) ? 0 : quiet + 1;
		(void)take(caller, 0);
	}
}

char *caller_signal(struct caller *caller)
{
	DBusMessage *first = caller->n_signals ? caller->signals[0] : NULL;
	char *arguments, *text;

	if (!first)
		return NULL;
	memmove(&caller->signals[0], &caller->signals[1], --caller->n_signals * sizeof(caller->signals[0]));
	arguments = caller_text(first);
	text = talloc_asprintf(NULL, "%s %s %s", dbus_message_get_path(first), dbus_message_get_member(first),
			       arguments);
	talloc_free(arguments);
	dbus_message_unref(first);
	return text;
}

bool caller_connected(struct caller *caller)
{
	caller_settle(caller);
	return dbus_connection_get_is_connected(caller->connection);
}

struct caller *caller_new(struct rv_core *core, const char *address, bool hello)
{
	struct caller *caller = talloc_zero(NULL, struct caller);
	DBusError error = DBUS_ERROR_INIT;
	const char *rule = "type='signal'";

	assert_non_null(caller);
	caller->core = core;
	caller->path = "/org/ravelin/IPsec1";
	caller->interface = NAME ".Manager";
	caller->connection = dbus_connection_open_private(address, &error);
	if (!caller->connection)
		fail_msg("%s: %s", address, error.message);
	dbus_connection_set_exit_on_disconnect(caller->connection, FALSE);
	if (hello) {
		talloc_free(caller_driver(caller, "Hello", DBUS_TYPE_INVALID));
		talloc_free(caller_driver(caller, "AddMatch", DBUS_TYPE_STRING, &rule, DBUS_TYPE_INVALID));
	}
	return caller;
}

void caller_end(struct caller *caller)
{
	if (!caller)
		return;
	while (caller->n_signals)
		talloc_free(caller_signal(caller));
	dbus_connection_close(caller->connection);
	dbus_connection_unref(caller->connection);
	talloc_free(caller);
}

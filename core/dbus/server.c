// SPDX-License-Identifier: LGPL-2.1-or-later
/* server: the daemon's own socket, RUN_DIR/bus, and what a message bus would answer there.
 *
 * Clients that expect a bus (busctl, gdbus, python3-dbus) say Hello, add matches and ask for owners of names; a small
 * table answers. Signals go to whoever added a match; clients filter them.
 */
#include "private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define OUR_UNIQUE ":1.0"

struct verb {
	const char *member, *in;
	void (*answer)(struct link *link, DBusMessage *message, DBusMessage *reply);
};

static void reply_string(DBusMessage *reply, const char *text)
{
	(void)dbus_message_append_args(reply, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
}

static void reply_u32(DBusMessage *reply, dbus_uint32_t value)
{
	(void)dbus_message_append_args(reply, DBUS_TYPE_UINT32, &value, DBUS_TYPE_INVALID);
}

static const char *argument(DBusMessage *message)
{
	const char *text = "";

	(void)dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	return text;
}

static const char *owner_of(const struct link *link, const char *name)
{
	if (!strcmp(name, BUS_NAME) || !strcmp(name, OUR_UNIQUE))
		return OUR_UNIQUE;
	if (!strcmp(name, DBUS_SERVICE_DBUS))
		return DBUS_SERVICE_DBUS;
	return !strcmp(name, link->unique) ? link->unique : NULL;
}

static void hello(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	reply_string(reply, link->unique);
}

static void add_match(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	if (link->n_matches >= MAX_MATCHES)
		(void)dbus_message_set_error_name(reply, DBUS_ERROR_LIMITS_EXCEEDED);
	else
		link->n_matches++;
}

static void remove_match(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	if (link->n_matches)
		link->n_matches--;
}

static void get_name_owner(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	const char *owner = owner_of(link, argument(message));

	if (owner)
		reply_string(reply, owner);
	else
		(void)dbus_message_set_error_name(reply, DBUS_ERROR_NAME_HAS_NO_OWNER);
}

static void name_has_owner(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	dbus_bool_t has = owner_of(link, argument(message)) != NULL;

	(void)dbus_message_append_args(reply, DBUS_TYPE_BOOLEAN, &has, DBUS_TYPE_INVALID);
}

static void list_names(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	const char *all[] = { DBUS_SERVICE_DBUS, BUS_NAME, OUR_UNIQUE, link->unique }, **names = all;

	(void)dbus_message_append_args(reply, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &names, (int)RV_COUNT(all),
				       DBUS_TYPE_INVALID);
}

static void list_activatable(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	const char *all[] = { BUS_NAME }, **names = all;

	(void)dbus_message_append_args(reply, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &names, 1, DBUS_TYPE_INVALID);
}

static void start_service(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	reply_u32(reply, DBUS_START_REPLY_ALREADY_RUNNING);
}

static void unix_user(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	const char *owner = owner_of(link, argument(message));

	if (!owner)
		(void)dbus_message_set_error_name(reply, DBUS_ERROR_NAME_HAS_NO_OWNER);
	else
		reply_u32(reply, owner == link->unique ? (dbus_uint32_t)link->uid : (dbus_uint32_t)geteuid());
}

static void process_id(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	unsigned long pid = (unsigned long)getpid();

	if (!strcmp(argument(message), link->unique))
		(void)dbus_connection_get_unix_process_id(link->connection, &pid);
	reply_u32(reply, (dbus_uint32_t)pid);
}

static void get_id(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	char *id = dbus_server_get_id(link->bus->server);

	reply_string(reply, id ? id : "");
	dbus_free(id);
}

static void refuse_name(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	(void)dbus_message_set_error_name(reply, DBUS_ERROR_ACCESS_DENIED);
}

static void credentials(struct link *link, DBusMessage *message, DBusMessage *reply)
{
	struct rv_bus_out out;

	out_init(&out, link->bus, reply);
	rv_bus_out_open_array(&out, "{sv}");
	rv_bus_out_open_entry(&out);
	rv_bus_out_str(&out, "UnixUserID");
	rv_bus_out_open_variant(&out, "u");
	rv_bus_out_u32(&out, strcmp(argument(message), link->unique) ? (uint32_t)geteuid() : (uint32_t)link->uid);
	rv_bus_out_close(&out);
	rv_bus_out_close(&out);
	rv_bus_out_close(&out);
}

static const struct verb verbs[] = {
	{ "Hello", "", hello },
	{ "AddMatch", "s", add_match },
	{ "RemoveMatch", "s", remove_match },
	{ "GetNameOwner", "s", get_name_owner },
	{ "NameHasOwner", "s", name_has_owner },
	{ "ListNames", "", list_names },
	{ "ListActivatableNames", "", list_activatable },
	{ "StartServiceByName", "su", start_service },
	{ "GetConnectionUnixUser", "s", unix_user },
	{ "GetConnectionUnixProcessID", "s", process_id },
	{ "GetConnectionCredentials", "s", credentials },
	{ "GetId", "", get_id },
	{ "RequestName", "su", refuse_name },
	{ "ReleaseName", "s", refuse_name },
};

void driver_answer(struct link *link, DBusMessage *message)
{
	const struct verb *verb = NULL;
	DBusMessage *reply;

	for (size_t i = 0; i < RV_COUNT(verbs); i++)
		if (!strcmp(verbs[i].member, dbus_message_get_member(message)))
			verb = &verbs[i];
	if (!verb || !dbus_message_has_signature(message, verb->in)) {
		link_error(link, message, verb ? DBUS_ERROR_INVALID_ARGS : DBUS_ERROR_UNKNOWN_METHOD,
			   "this socket answers only what clients of a bus need");
		return;
	}
	reply = dbus_message_new_method_return(message);
	if (!reply)
		return;
	verb->answer(link, message, reply);
	if (dbus_message_get_error_name(reply))
		link_error(link, message, dbus_message_get_error_name(reply), "not on the daemon's own socket");
	else if (dbus_message_set_sender(reply, DBUS_SERVICE_DBUS))
		link_send(link, reply);
	dbus_message_unref(reply);
}

static dbus_bool_t anybody(DBusConnection *connection, unsigned long uid, void *data)
{
	return TRUE; /* the socket's mode decides who connects; link_may() what they do */
}

static void arrives(DBusServer *server, DBusConnection *connection, void *data)
{
	struct rv_bus *bus = data;

	if (bus->n_links >= MAX_CLIENTS)
		return; /* libdbus closes a connection that nobody references */
	dbus_connection_set_allow_anonymous(connection, FALSE);
	dbus_connection_set_unix_user_function(connection, anybody, NULL, NULL);
	dbus_connection_ref(connection);
	(void)link_new(bus, connection, false);
}

int server_open(struct rv_bus *bus, const char *run_dir, struct rv_why *why)
{
	DBusError error = DBUS_ERROR_INIT;
	char *escaped, *address;

	bus->socket_path = talloc_asprintf(bus, "%s/bus", run_dir);
	if (!bus->socket_path)
		return -ENOMEM;
	(void)unlink(bus->socket_path); /* of a daemon that was killed: the lock of RUN_DIR says that none is alive */
	escaped = dbus_address_escape_value(bus->socket_path);
	address = escaped ? talloc_asprintf(bus, "unix:path=%s", escaped) : NULL;
	dbus_free(escaped);
	if (!address)
		return -ENOMEM;
	bus->server = dbus_server_listen(address, &error);
	talloc_free(address);
	if (!bus->server) {
		(void)rv_why_set(why, -RV_EFAILED, "cannot listen on %s: %s; is the folder there and writable?",
				 bus->socket_path, error.message);
		dbus_error_free(&error);
		return -RV_EFAILED;
	}
	const char *mechanisms[] = { "EXTERNAL", NULL };

	(void)dbus_server_set_auth_mechanisms(bus->server, mechanisms);
	dbus_server_set_new_connection_function(bus->server, arrives, bus, NULL);
	(void)chmod(bus->socket_path, 0660);
	bus->server_adapter = adapter_server(bus, bus->core->loop, bus->server);
	return bus->server_adapter ? 0 : -ENOMEM;
}

void server_close(struct rv_bus *bus)
{
	if (!bus->server)
		return;
	dbus_server_disconnect(bus->server);
	TALLOC_FREE(bus->server_adapter);
	dbus_server_unref(bus->server);
	bus->server = NULL;
	(void)unlink(bus->socket_path);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* server: the daemon's own socket, RUN_DIR/bus, and what a message bus would answer there.
 *
 * Clients that expect a bus (busctl, gdbus, python3-dbus) say Hello, add matches and ask for owners of names; a small
 * table answers. Signals go to whoever added a match; clients filter them.
 */
#include "link.h"
#include "objects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define OUR_UNIQUE ":1.0"

/* A question that went well returns NULL; else the name of an error. */
struct verb {
	const char *member, *in;
	const char *(*answer)(struct link *link, DBusMessage *message, struct rv_bus_out *out);
};

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

static const char *hello(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	rv_bus_out_str(out, link->unique);
	return NULL;
}

static const char *add_match(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	if (link->n_matches >= MAX_MATCHES)
		return DBUS_ERROR_LIMITS_EXCEEDED;
	link->n_matches++;
	return NULL;
}

static const char *remove_match(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	if (!link->n_matches)
		return DBUS_ERROR_MATCH_RULE_NOT_FOUND;
	link->n_matches--;
	return NULL;
}

static const char *get_name_owner(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	const char *owner = owner_of(link, argument(message));

	if (owner)
		rv_bus_out_str(out, owner);
	return owner ? NULL : DBUS_ERROR_NAME_HAS_NO_OWNER;
}

static const char *name_has_owner(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	rv_bus_out_bool(out, owner_of(link, argument(message)));
	return NULL;
}

static const char *list_names(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	rv_bus_out_open_array(out, "s");
	rv_bus_out_str(out, DBUS_SERVICE_DBUS);
	rv_bus_out_str(out, BUS_NAME);
	rv_bus_out_str(out, OUR_UNIQUE);
	rv_bus_out_str(out, link->unique);
	rv_bus_out_close(out);
	return NULL;
}

static const char *list_activatable(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	rv_bus_out_open_array(out, "s");
	rv_bus_out_str(out, DBUS_SERVICE_DBUS);
	rv_bus_out_str(out, BUS_NAME);
	rv_bus_out_close(out);
	return NULL;
}

static const char *start_service(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	if (!owner_of(link, argument(message)))
		return DBUS_ERROR_SERVICE_UNKNOWN;
	rv_bus_out_u32(out, DBUS_START_REPLY_ALREADY_RUNNING);
	return NULL;
}

/* The user and the process behind a name. */
static bool who(struct link *link, const char *name, uint32_t *uid, uint32_t *pid)
{
	const char *owner = owner_of(link, name);
	unsigned long theirs = 0;

	*uid = (uint32_t)geteuid();
	*pid = (uint32_t)getpid();
	if (owner != link->unique)
		return owner;
	*uid = (uint32_t)link->uid;
	(void)dbus_connection_get_unix_process_id(link->connection, &theirs);
	*pid = (uint32_t)theirs;
	return true;
}

static const char *unix_user(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	uint32_t uid, pid;

	if (!who(link, argument(message), &uid, &pid))
		return DBUS_ERROR_NAME_HAS_NO_OWNER;
	rv_bus_out_u32(out, uid);
	return NULL;
}

static const char *process_id(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	uint32_t uid, pid;

	if (!who(link, argument(message), &uid, &pid))
		return DBUS_ERROR_NAME_HAS_NO_OWNER;
	rv_bus_out_u32(out, pid);
	return NULL;
}

static void credential(struct rv_bus_out *out, const char *name, uint32_t value)
{
	rv_bus_out_open_entry(out);
	rv_bus_out_str(out, name);
	rv_bus_out_open_variant(out, "u");
	rv_bus_out_u32(out, value);
	rv_bus_out_close(out);
	rv_bus_out_close(out);
}

static const char *credentials(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	uint32_t uid, pid;

	if (!who(link, argument(message), &uid, &pid))
		return DBUS_ERROR_NAME_HAS_NO_OWNER;
	rv_bus_out_open_array(out, "{sv}");
	credential(out, "UnixUserID", uid);
	credential(out, "ProcessID", pid);
	rv_bus_out_close(out);
	return NULL;
}

static const char *get_id(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	char *id = dbus_server_get_id(link->bus->server);

	rv_bus_out_str(out, id);
	dbus_free(id);
	return NULL;
}

static const char *refuse_name(struct link *link, DBusMessage *message, struct rv_bus_out *out)
{
	return DBUS_ERROR_ACCESS_DENIED;
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

/* Errors of this table in words. */
static const struct {
	const char *name, *text;
} texts[] = {
	{ DBUS_ERROR_LIMITS_EXCEEDED, "there are too many match rules" },
	{ DBUS_ERROR_MATCH_RULE_NOT_FOUND, "there is no such match rule" },
	{ DBUS_ERROR_NAME_HAS_NO_OWNER, "on the daemon's own socket there are only " BUS_NAME " and you" },
	{ DBUS_ERROR_SERVICE_UNKNOWN, "on the daemon's own socket there are only " BUS_NAME " and you" },
	{ DBUS_ERROR_ACCESS_DENIED, "nobody owns names on the daemon's own socket" },
	{ DBUS_ERROR_INVALID_ARGS, "the arguments are of other types" },
	{ DBUS_ERROR_UNKNOWN_METHOD, "this socket answers only what clients of a bus need" },
};

static void refuse(struct link *link, DBusMessage *message, const char *name)
{
	const char *text = "";
	DBusMessage *error;

	for (size_t i = 0; i < RV_COUNT(texts); i++)
		if (!strcmp(texts[i].name, name))
			text = texts[i].text;
	error = dbus_message_get_no_reply(message) ? NULL : dbus_message_new_error(message, name, text);
	if (!error)
		return;
	if (dbus_message_set_sender(error, DBUS_SERVICE_DBUS))
		link_send(link, error);
	dbus_message_unref(error);
}

void driver_answer(struct link *link, DBusMessage *message)
{
	const char *interface = dbus_message_get_interface(message), *error = NULL;
	const struct verb *verb = NULL;
	struct rv_bus_out out;

	for (size_t i = 0; i < RV_COUNT(verbs); i++)
		if (!strcmp(verbs[i].member, dbus_message_get_member(message)))
			verb = &verbs[i];
	if (!verb || (interface && strcmp(interface, DBUS_INTERFACE_DBUS)))
		error = DBUS_ERROR_UNKNOWN_METHOD;
	else if (!dbus_message_has_signature(message, verb->in))
		error = DBUS_ERROR_INVALID_ARGS;
	DBusMessage *reply = error ? NULL : dbus_message_new_method_return(message);

	if (reply) {
		out_init(&out, link->bus->core, reply);
		error = verb->answer(link, message, &out);
	}
	if (error)
		refuse(link, message, error);
	else if (reply && !out.bad && !dbus_message_get_no_reply(message) &&
		 dbus_message_set_sender(reply, DBUS_SERVICE_DBUS))
		link_send(link, reply);
	if (reply)
		dbus_message_unref(reply);
}

static dbus_bool_t anybody(DBusConnection *connection, unsigned long uid, void *data)
{
	return TRUE; /* the socket's mode decides who connects; rights.c what they do */
}

static void arrives(DBusServer *server, DBusConnection *connection, void *data)
{
	struct rv_bus *bus = data;

	dbus_connection_set_allow_anonymous(connection, FALSE);
	dbus_connection_set_unix_user_function(connection, anybody, NULL, NULL);
	dbus_connection_ref(connection);
	(void)link_new(bus, connection, false);
}

static int cannot(struct rv_bus *bus, const char *what, struct rv_why *why)
{
	return rv_why_set(why, -RV_EFAILED, "cannot listen on %s: %s; is the folder there and writable?",
			  bus->socket_path, what);
}

/* Takes the clients that come. */
static int serve(struct rv_bus *bus, struct rv_why *why)
{
	const char *mechanisms[] = { "EXTERNAL", NULL };

	if (chmod(bus->socket_path, 0660))
		return cannot(bus, rv_error_text(-errno), why);
	if (!dbus_server_set_auth_mechanisms(bus->server, mechanisms))
		return -ENOMEM;
	dbus_server_set_new_connection_function(bus->server, arrives, bus, NULL);
	bus->server_adapter = adapter_server(bus, bus->core->loop, bus->server);
	return bus->server_adapter ? 0 : -ENOMEM;
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
	if (bus->server)
		return serve(bus, why);
	int r = cannot(bus, error.message, why);

	dbus_error_free(&error);
	return r;
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

// SPDX-License-Identifier: LGPL-2.1-or-later
/* bus: links to clients and to the message bus, who may do what, and events as signals.
 *
 * On the daemon's own socket the peer's user decides: root and the daemon's own user may do everything, others that may
 * connect may look. On a message bus, the bus policy has decided before a call arrives (dbus/org.ravelin.IPsec1.conf).
 */
#include "private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

enum { RETRY_MS = 5000 };

static void sweep(void *arg)
{
	struct rv_bus *bus = arg;

	bus->sweep_due = false;
	rv_list_each (&bus->links, l, struct link, entry)
		if (l->gone)
			talloc_free(l);
}

static void retry_later(struct rv_bus *bus)
{
	if (rv_timer_arm(&bus->retry, RV_MS(RETRY_MS)))
		rv_log(&bus->core->subject, RV_ERROR, "bus-lost",
		       KV_STR("found", "no memory to try the message bus again"));
}

static void link_gone(struct link *link)
{
	struct rv_bus *bus = link->bus;

	link->gone = true;
	if (!bus->sweep_due)
		bus->sweep_due = rv_defer(bus->core->loop, sweep, bus) == 0;
	if (link->message_bus && !bus->core->stopping)
		retry_later(bus);
}

static DBusHandlerResult arrived(DBusConnection *connection, DBusMessage *message, void *data)
{
	struct link *link = data;

	if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
		link_gone(link);
		return DBUS_HANDLER_RESULT_HANDLED;
	}
	if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	if (dbus_message_has_interface(message, DBUS_INTERFACE_PEER))
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED; /* libdbus answers */
	if (!link->message_bus && dbus_message_has_destination(message, DBUS_SERVICE_DBUS))
		driver_answer(link, message);
	else
		objects_call(link, message);
	return DBUS_HANDLER_RESULT_HANDLED;
}

static int link_end(struct link *link)
{
	rv_list_del(&link->entry);
	link->bus->n_links--;
	rv_list_each (&link->bus->calls, c, struct rv_bus_call, entry)
		if (c->link == link)
			c->link = NULL;
	dbus_connection_remove_filter(link->connection, arrived, link);
	TALLOC_FREE(link->adapter);
	dbus_connection_close(link->connection);
	dbus_connection_unref(link->connection);
	return 0;
}

struct link *link_new(struct rv_bus *bus, DBusConnection *connection, bool message_bus)
{
	struct link *link = talloc_zero(bus, struct link);

	dbus_connection_set_exit_on_disconnect(connection, FALSE);
	if (!link || !dbus_connection_add_filter(connection, arrived, link, NULL)) {
		dbus_connection_close(connection);
		dbus_connection_unref(connection);
		talloc_free(link);
		return NULL;
	}
	link->bus = bus;
	link->connection = connection;
	link->message_bus = message_bus;
	link->uid = (unsigned long)-1;
	snprintf(link->unique, sizeof(link->unique), ":1.%llu", (unsigned long long)++bus->next_unique);
	rv_list_add(&bus->links, &link->entry);
	bus->n_links++;
	talloc_set_destructor(link, link_end);
	link->adapter = adapter_connection(link, bus->core->loop, connection);
	if (!link->adapter) {
		talloc_free(link);
		return NULL;
	}
	return link;
}

void link_send(struct link *link, DBusMessage *message)
{
	if (link->gone)
		return;
	if (!link->message_bus) {
		if (!dbus_message_get_sender(message))
			(void)dbus_message_set_sender(message, ":1.0");
		if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_SIGNAL)
			(void)dbus_message_set_destination(message, link->unique);
	}
	(void)dbus_connection_send(link->connection, message, NULL);
	if (dbus_connection_get_outgoing_size(link->connection) > MAX_QUEUED)
		dbus_connection_close(link->connection); /* it does not read; Disconnected follows */
}

void link_error(struct link *link, DBusMessage *call, const char *name, const char *text)
{
	DBusMessage *error = dbus_message_get_no_reply(call) ? NULL : dbus_message_new_error(call, name, text);

	if (!error)
		return;
	link_send(link, error);
	dbus_message_unref(error);
}

bool link_may(const struct link *link, uint8_t right)
{
	unsigned long uid;

	if (right == RV_BUS_VIEW || link->message_bus)
		return true;
	return dbus_connection_get_unix_user(link->connection, &uid) && (uid == 0 || uid == geteuid());
}

bool bus_heard(const struct rv_bus *bus)
{
	for (const struct rv_list *e = bus->links.next; e != &bus->links; e = e->next) {
		const struct link *link = rv_container_of(e, const struct link, entry);
		if (!link->gone && (link->message_bus || link->n_matches))
			return true;
	}
	return false;
}

void bus_broadcast(struct rv_bus *bus, DBusMessage *signal)
{
	rv_list_each (&bus->links, link, struct link, entry) {
		if (!link->message_bus && !link->n_matches)
			continue;
		/* a message is locked once it is sent, so each link gets its own */
		DBusMessage *copy = dbus_message_copy(signal);
		if (!copy)
			return;
		link_send(link, copy);
		dbus_message_unref(copy);
	}
}

/* The message bus. Nothing waits: authentication and both calls run on the loop. */

static void asked_for_name(DBusPendingCall *pending, void *data)
{
	struct rv_bus *bus = data;
	DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	dbus_uint32_t result = 0;

	if (reply && dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &result, DBUS_TYPE_INVALID) &&
	    result == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER)
		rv_log(&bus->core->subject, RV_NOTICE, "bus-name-owned", KV_STR("name", BUS_NAME));
	else
		rv_log(&bus->core->subject, RV_ERROR, "bus-name-refused", KV_STR("name", BUS_NAME),
		       KV_STR("found", reply && dbus_message_get_error_name(reply) ? dbus_message_get_error_name(reply)
										   : "another process owns it"),
		       KV_STR("advice", "install dbus/org.ravelin.IPsec1.conf where the bus reads its policies"));
	if (reply)
		dbus_message_unref(reply);
	dbus_pending_call_unref(pending);
}

static void ask(struct rv_bus *bus, DBusConnection *connection, DBusMessage *call, DBusPendingCallNotifyFunction fn)
{
	DBusPendingCall *pending = NULL;

	if (!call || !dbus_connection_send_with_reply(connection, call, &pending, 30000) || !pending ||
	    !dbus_pending_call_set_notify(pending, fn, bus, NULL))
		rv_log(&bus->core->subject, RV_ERROR, "bus-call-failed",
		       KV_STR("found", "no memory, or no connection"));
	if (call)
		dbus_message_unref(call);
}

static void said_hello(DBusPendingCall *pending, void *data)
{
	struct rv_bus *bus = data;
	DBusMessage *reply = dbus_pending_call_steal_reply(pending), *call;
	const char *unique = NULL, *name = BUS_NAME;
	dbus_uint32_t flags = DBUS_NAME_FLAG_DO_NOT_QUEUE;

	dbus_pending_call_unref(pending);
	if (reply && dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &unique, DBUS_TYPE_INVALID)) {
		rv_list_each (&bus->links, link, struct link, entry) {
			if (!link->message_bus || link->gone)
				continue;
			(void)dbus_bus_set_unique_name(link->connection, unique);
			call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
							    "RequestName");
			if (call)
				(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags,
							       DBUS_TYPE_INVALID);
			ask(bus, link->connection, call, asked_for_name);
		}
	}
	if (reply)
		dbus_message_unref(reply);
}

static const char *bus_address(const char *which)
{
	const char *address;

	if (!strcmp(which, "session"))
		return getenv("DBUS_SESSION_BUS_ADDRESS");
	address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
	return address ? address : "unix:path=/run/dbus/system_bus_socket";
}

static int message_bus_open(struct rv_bus *bus, struct rv_why *why)
{
	const char *address = bus_address(bus->message_bus);
	DBusError error = DBUS_ERROR_INIT;
	DBusConnection *connection;

	if (!address)
		return rv_why_set(why, -RV_EFAILED,
				  "--bus session: DBUS_SESSION_BUS_ADDRESS is not set; start ravelind in "
				  "a session, or use --bus none");
	connection = dbus_connection_open_private(address, &error);
	if (!connection) {
		(void)rv_why_set(
			why, -RV_EFAILED,
			"cannot reach the %s bus at %s: %s; start the bus, or use --bus none (RUN_DIR/bus serves "
			"the same objects)",
			bus->message_bus, address, error.message);
		dbus_error_free(&error);
		return -RV_EFAILED;
	}
	struct link *link = link_new(bus, connection, true);

	if (!link)
		return -ENOMEM;
	ask(bus, connection,
	    dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "Hello"), said_hello);
	return 0;
}

static void retry(struct rv_timer *timer)
{
	struct rv_bus *bus = rv_container_of(timer, struct rv_bus, retry);

	if (message_bus_open(bus, NULL))
		retry_later(bus);
}

static int bus_end(struct rv_bus *bus)
{
	rv_timer_cancel(&bus->retry);
	rv_defer_cancel(bus->core->loop, bus);
	rv_list_each (&bus->links, link, struct link, entry)
		talloc_free(link);
	server_close(bus);
	if (bus->core->bus == bus)
		bus->core->bus = NULL;
	return 0;
}

struct rv_bus *rv_bus_new(const void *parent, struct rv_core *core, const char *message_bus, struct rv_why *why)
{
	struct rv_bus *bus = talloc_zero(parent, struct rv_bus);

	if (!bus || (message_bus && !(bus->message_bus = talloc_strdup(bus, message_bus)))) {
		talloc_free(bus);
		return NULL;
	}
	bus->core = core;
	bus->host = core->host;
	bus->since_us = rv_loop_now_us(core->loop);
	rv_list_init(&bus->links);
	rv_list_init(&bus->folders);
	rv_list_init(&bus->changes);
	rv_list_init(&bus->calls);
	rv_timer_init(&bus->retry, core->loop, retry);
	talloc_set_destructor(bus, bus_end);
	core->bus = bus;
	if (faces_new(bus)) {
		(void)rv_why_set(why, -ENOMEM, "no memory for the D-Bus face");
	} else if ((core->params.run_dir && server_open(bus, core->params.run_dir, why)) ||
		   (message_bus && message_bus_open(bus, why))) {
		/* why is said */
	} else {
		return bus;
	}
	talloc_free(bus);
	return NULL;
}

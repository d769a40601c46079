// SPDX-License-Identifier: LGPL-2.1-or-later
/* message-bus: the daemon's place on the system bus or a session's.
 *
 * libdbus reaches a bus (connects, says who we are, says Hello) only by waiting for it. At start the daemon waits, too,
 * for whoever started it shall read why it failed; later, when the bus was started anew, a job does it.
 */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

enum { RETRY_MS = 5000, ANSWER_MS = 30000 };

/* What a job works on. */
struct dial {
	DBusBusType type;
	DBusConnection *connection;
	char error[256];
};

static int dial(void *data)
{
	struct dial *d = data;
	DBusError error = DBUS_ERROR_INIT;

	d->connection = dbus_bus_get_private(d->type, &error);
	if (d->connection) {
		dbus_connection_set_exit_on_disconnect(d->connection, FALSE);
		return 0;
	}
	snprintf(d->error, sizeof(d->error), "%s", error.message ? error.message : "out of memory");
	dbus_error_free(&error);
	return -RV_EFAILED;
}

static void drop(void *data)
{
	struct dial *d = data;

	if (d->connection) {
		dbus_connection_close(d->connection);
		dbus_connection_unref(d->connection);
	}
	talloc_free(d);
}

static struct dial *dial_new(const struct rv_bus *bus)
{
	struct dial *d = talloc_zero(NULL, struct dial);

	if (d)
		d->type = strcmp(bus->message_bus, "session") ? DBUS_BUS_SYSTEM : DBUS_BUS_SESSION;
	return d;
}

static void named(void *arg, DBusMessage *reply)
{
	struct link *link = arg;
	const struct rv_subject *subject = &link->bus->core->subject;
	const char *error = dbus_message_get_error_name(reply);
	dbus_uint32_t result = 0;

	(void)dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &result, DBUS_TYPE_INVALID);
	if (result == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER)
		rv_log(subject, RV_NOTICE, "bus-name-owned", KV_STR("name", BUS_NAME));
	else
		rv_log(subject, RV_ERROR, "bus-name-refused", KV_STR("name", BUS_NAME),
		       KV_STR("found", error ? error : "another process owns it"),
		       KV_STR("advice", error ? "install dbus/org.ravelin.IPsec1.conf where the bus reads its policies"
					      : "end the other process, or run this one with --bus none"));
}

/* On the bus: asks for our name. */
static int connected(struct rv_bus *bus, struct dial *d)
{
	const char *name = BUS_NAME;
	dbus_uint32_t flags = DBUS_NAME_FLAG_DO_NOT_QUEUE;
	struct link *link = link_new(bus, d->connection, true);
	DBusMessage *call = NULL;

	d->connection = NULL;
	if (link)
		call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
						    "RequestName");
	if (!call ||
	    !dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags, DBUS_TYPE_INVALID)) {
		if (call)
			dbus_message_unref(call);
		talloc_free(link);
		return -ENOMEM;
	}
	int r = link_ask(link, link, call, ANSWER_MS, named, link);

	if (r)
		talloc_free(link);
	return r;
}

static void dialled(void *owner, int result, void *data)
{
	struct rv_bus *bus = owner;

	bus->dialling = NULL;
	if (result || connected(bus, data))
		message_bus_lost(bus);
}

static void retry(struct rv_timer *timer)
{
	struct rv_bus *bus = rv_container_of(timer, struct rv_bus, retry);
	struct dial *d = dial_new(bus);

	bus->dialling = d ? rv_job_start(bus->core->host, d, dial, bus, dialled, drop) : NULL;
	if (!bus->dialling) {
		talloc_free(d);
		message_bus_lost(bus);
	}
}

void message_bus_lost(struct rv_bus *bus)
{
	if (bus->core->stopping || bus->dialling || rv_timer_armed(&bus->retry))
		return;
	if (!bus->retry.loop)
		rv_timer_init(&bus->retry, bus->core->loop, retry);
	if (rv_timer_arm(&bus->retry, RV_MS(RETRY_MS)))
		rv_log(&bus->core->subject, RV_ERROR, "bus-lost",
		       KV_STR("found", "no memory to try the message bus again"));
}

int message_bus_open(struct rv_bus *bus, struct rv_why *why)
{
	struct dial *d = dial_new(bus);
	int r = d ? dial(d) : -ENOMEM;

	if (d && r)
		(void)rv_why_set(why, r,
				 "cannot reach the %s bus: %s; start the bus, or use --bus none (RUN_DIR/bus serves "
				 "the same objects)",
				 bus->message_bus, d->error);
	if (!r)
		r = connected(bus, d);
	if (d)
		drop(d);
	return r;
}

void message_bus_close(struct rv_bus *bus)
{
	rv_timer_cancel(&bus->retry);
	rv_job_cancel(bus->dialling);
	bus->dialling = NULL;
}

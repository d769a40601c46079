// SPDX-License-Identifier: LGPL-2.1-or-later
/* link: one D-Bus connection: what arrives on it, what is sent, and what was asked over it.
 *
 * A link is freed only by the sweep, a deferred call, so that no handler loses the link under which it runs.
 */
#include "link.h"
#include "objects.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>

static void sweep(void *arg)
{
	struct rv_bus *bus = arg;

	bus->sweep_due = false;
	rv_list_each (&bus->links, l, struct link, entry)
		if (l->gone)
			talloc_free(l);
}

static void lost(struct link *link)
{
	struct rv_bus *bus = link->bus;

	link->gone = true;
	if (!bus->sweep_due)
		bus->sweep_due = rv_defer(bus->core->loop, sweep, bus) == 0;
	if (link->message_bus)
		message_bus_lost(bus);
}

static bool to_us(DBusMessage *message)
{
	const char *destination = dbus_message_get_destination(message);

	return !destination || !strcmp(destination, BUS_NAME) || !strcmp(destination, ":1.0");
}

/* libdbus has answered what is for org.freedesktop.DBus.Peer before this. */
static DBusHandlerResult arrived(DBusConnection *connection, DBusMessage *message, void *data)
{
	struct link *link = data;

	if (dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
		lost(link);
		return DBUS_HANDLER_RESULT_HANDLED;
	}
	if (dbus_message_get_type(message) != DBUS_MESSAGE_TYPE_METHOD_CALL)
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	if (link->message_bus || to_us(message))
		objects_call(link, message);
	else if (dbus_message_has_destination(message, DBUS_SERVICE_DBUS))
		driver_answer(link, message);
	else
		link_error(link, message, DBUS_ERROR_SERVICE_UNKNOWN,
			   "on the daemon's own socket there are only " BUS_NAME " and " DBUS_SERVICE_DBUS);
	return DBUS_HANDLER_RESULT_HANDLED;
}

static int link_gone(struct link *link)
{
	struct rv_bus *bus = link->bus;

	rv_timer_cancel(&link->login);
	rv_list_del(&link->entry);
	bus->n_clients -= !link->message_bus;
	bus->n_strangers -= !link->message_bus && !rights_trusted(link->uid);
	rv_list_each (&bus->calls, c, struct rv_bus_call, entry)
		if (c->link == link)
			c->link = NULL;
	talloc_free_children(link); /* what was asked, and the adapter, while the connection is there */
	dbus_connection_remove_filter(link->connection, arrived, link);
	dbus_connection_close(link->connection);
	dbus_connection_unref(link->connection);
	return 0;
}

static void login_late(struct rv_timer *timer)
{
	struct link *link = rv_container_of(timer, struct link, login);

	if (!dbus_connection_get_is_authenticated(link->connection))
		dbus_connection_close(link->connection); /* Disconnected follows */
}

/* Who is at the other end of a socket, as the kernel says; the greatest number, whom nobody trusts, when it does not.
 */
static unsigned long uid_of(DBusConnection *connection)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd = -1;

	if (!dbus_connection_get_unix_fd(connection, &fd) || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return (unsigned long)-1;
	return peer.uid;
}

/* Clients of our own socket are few and send little. */
static bool bound(struct link *link)
{
	struct rv_bus *bus = link->bus;
	bool stranger;

	link->uid = uid_of(link->connection);
	stranger = !rights_trusted(link->uid);
	bus->n_clients++;
	bus->n_strangers += stranger;
	dbus_connection_set_max_message_size(link->connection, MAX_INCOMING);
	dbus_connection_set_max_received_size(link->connection, 4L * MAX_INCOMING);
	dbus_connection_set_max_message_unix_fds(link->connection, 2);
	dbus_connection_set_max_received_unix_fds(link->connection, 8);
	rv_timer_init(&link->login, bus->core->loop, login_late);
	return bus->n_clients <= MAX_CLIENTS && bus->n_strangers <= MAX_STRANGERS &&
	       !rv_timer_arm(&link->login, RV_MS(LOGIN_MS));
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
	rv_list_init(&link->checks);
	rv_list_init(&link->callers);
	snprintf(link->unique, sizeof(link->unique), ":1.%llu", (unsigned long long)++bus->next_unique);
	rv_list_add(&bus->links, &link->entry);
	talloc_set_destructor(link, link_gone);
	if (message_bus || bound(link))
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
	if (dbus_connection_get_outgoing_size(link->connection) > MAX_QUEUED)
		dbus_connection_close(link->connection); /* it does not read; Disconnected follows */
	else
		(void)dbus_connection_send(link->connection, message, NULL);
}

void link_error(struct link *link, DBusMessage *call, const char *name, const char *text)
{
	DBusMessage *error = dbus_message_get_no_reply(call) ? NULL : dbus_message_new_error(call, name, text);

	if (!error)
		return;
	link_send(link, error);
	dbus_message_unref(error);
}

void link_fail(struct link *link, DBusMessage *call, int code, const char *text)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.Error.%s", BUS_NAME, rv_error_name(code));
	link_error(link, call, name, text && *text ? text : rv_error_text(code));
}

bool reply_begin(struct link *link, DBusMessage *call, struct rv_bus_out *out)
{
	DBusMessage *reply = dbus_message_get_no_reply(call) ? NULL : dbus_message_new_method_return(call);

	if (reply)
		out_init(out, link->bus->core, reply);
	return reply;
}

void reply_end(struct link *link, DBusMessage *call, struct rv_bus_out *out)
{
	if (out->bad)
		link_error(link, call, DBUS_ERROR_NO_MEMORY, "the answer needs more memory than there is");
	else
		link_send(link, out->message);
	dbus_message_unref(out->message);
}

/* Questions */

struct question {
	DBusPendingCall *pending;
	answer_fn *fn;
	void *arg;
};

static int question_gone(struct question *question)
{
	dbus_pending_call_cancel(question->pending);
	dbus_pending_call_unref(question->pending);
	return 0;
}

static void answered(DBusPendingCall *pending, void *data)
{
	struct question *question = data;
	DBusMessage *reply = dbus_pending_call_steal_reply(pending);
	answer_fn *fn = question->fn;
	void *arg = question->arg;

	talloc_free(question); /* first: fn may free its owner */
	if (!reply)
		return;
	fn(arg, reply);
	dbus_message_unref(reply);
}

int link_ask(const void *owner, struct link *link, DBusMessage *call, int timeout_ms, answer_fn *fn, void *arg)
{
	struct question *question = call && !link->gone ? talloc_zero(owner, struct question) : NULL;
	DBusPendingCall *pending = NULL;

	if (question && dbus_connection_send_with_reply(link->connection, call, &pending, timeout_ms) && pending) {
		*question = (struct question){ .pending = pending, .fn = fn, .arg = arg };
		talloc_set_destructor(question, question_gone);
		if (!dbus_pending_call_set_notify(pending, answered, question, NULL))
			TALLOC_FREE(question);
	} else {
		TALLOC_FREE(question);
	}
	if (call)
		dbus_message_unref(call);
	return question ? 0 : -RV_EFAILED;
}

/* Everybody */

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

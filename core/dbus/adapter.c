// SPDX-License-Identifier: LGPL-2.1-or-later
/* adapter: libdbus on our loop.
 *
 * libdbus has separate watches for reading and writing of one descriptor; epoll wants one entry for both, so they are
 * merged here. Messages are dispatched in a deferred call, never inside a watch's handler, and a connection is
 * referenced while it is handled.
 */
#include "link.h"

#include <sys/epoll.h>
#include <talloc.h>

enum { DISPATCH_MOST = 64 }; /* messages in a row; then others of this loop have their turn */

struct adapter {
	struct rv_loop *loop;
	DBusConnection *connection;
	DBusServer *server;
	struct rv_list fds;
	bool due, yield;
};

struct watched {
	struct rv_list entry;
	struct adapter *adapter;
	struct rv_io io;
	int fd;
	DBusWatch *watches[2]; /* reading, writing */
};

struct timeout {
	struct rv_timer timer;
	DBusTimeout *timeout;
};

static void dispatch(void *arg);

static void dispatch_later(struct adapter *adapter)
{
	if (adapter->connection && !adapter->due)
		adapter->due = rv_defer(adapter->loop, dispatch, adapter) == 0;
}

static void dispatch(void *arg)
{
	struct adapter *adapter = arg;
	DBusConnection *connection = dbus_connection_ref(adapter->connection);
	int most = DISPATCH_MOST;

	adapter->due = adapter->yield = false;
	/* a handler never frees its link at once (link.c), so the adapter stays */
	while (most-- && !adapter->yield && dbus_connection_dispatch(connection) == DBUS_DISPATCH_DATA_REMAINS)
		;
	if (dbus_connection_get_dispatch_status(connection) == DBUS_DISPATCH_DATA_REMAINS)
		dispatch_later(adapter);
	dbus_connection_unref(connection);
}

void adapter_yield(struct adapter *adapter)
{
	if (adapter)
		adapter->yield = true;
}

static void status_changed(DBusConnection *connection, DBusDispatchStatus status, void *data)
{
	if (status == DBUS_DISPATCH_DATA_REMAINS)
		dispatch_later(data);
}

static bool enabled(DBusWatch *watch)
{
	return watch && dbus_watch_get_enabled(watch);
}

static void readable(const struct watched *w, uint32_t events)
{
	unsigned flags = events & EPOLLERR ? DBUS_WATCH_ERROR : 0;

	flags |= events & EPOLLHUP ? DBUS_WATCH_HANGUP : 0;
	if (enabled(w->watches[0]))
		flags |= DBUS_WATCH_READABLE;
	/* a broken connection is told even where nothing is to be read now: epoll would tell for ever */
	if (w->watches[0] && flags)
		dbus_watch_handle(w->watches[0], flags);
}

static void ready(struct rv_io *io, uint32_t events)
{
	struct watched *w = rv_container_of(io, struct watched, io);
	struct adapter *adapter = w->adapter;
	DBusConnection *connection = adapter->connection;

	if (!connection) {
		readable(w, events);
		return;
	}
	dbus_connection_ref(connection);
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		readable(w, events);
	/* the watches of a connection live as long as it is connected */
	if ((events & EPOLLOUT) && dbus_connection_get_is_connected(connection) && enabled(w->watches[1]))
		dbus_watch_handle(w->watches[1], DBUS_WATCH_WRITABLE);
	dispatch_later(adapter);
	dbus_connection_unref(connection);
}

static int unwatch(struct watched *w)
{
	rv_io_del(&w->io);
	rv_list_del(&w->entry);
	return 0;
}

static bool refresh(struct watched *w)
{
	uint32_t events = 0;

	if (w->watches[0] && dbus_watch_get_enabled(w->watches[0]))
		events |= EPOLLIN;
	if (w->watches[1] && dbus_watch_get_enabled(w->watches[1]))
		events |= EPOLLOUT;
	if (w->io.loop)
		return rv_io_mod(&w->io, events) == 0;
	return rv_io_add(&w->io, w->adapter->loop, w->fd, events, ready) == 0;
}

static unsigned slot(DBusWatch *watch)
{
	return dbus_watch_get_flags(watch) & DBUS_WATCH_READABLE ? 0 : 1;
}

static void watch_remove(DBusWatch *watch, void *data)
{
	struct watched *w = dbus_watch_get_data(watch);

	if (!w)
		return;
	dbus_watch_set_data(watch, NULL, NULL);
	w->watches[slot(watch)] = NULL;
	if (!w->watches[0] && !w->watches[1])
		talloc_free(w);
	else
		(void)refresh(w);
}

static dbus_bool_t watch_add(DBusWatch *watch, void *data)
{
	struct adapter *adapter = data;
	int fd = dbus_watch_get_unix_fd(watch);
	struct watched *w = NULL;

	rv_list_each (&adapter->fds, it, struct watched, entry)
		if (it->fd == fd)
			w = it;
	if (!w) {
		w = talloc_zero(adapter, struct watched);
		if (!w)
			return FALSE;
		w->adapter = adapter;
		w->fd = fd;
		rv_list_add(&adapter->fds, &w->entry);
		talloc_set_destructor(w, unwatch);
	}
	w->watches[slot(watch)] = watch;
	dbus_watch_set_data(watch, w, NULL);
	if (refresh(w))
		return TRUE;
	watch_remove(watch, data);
	return FALSE;
}

static void watch_toggle(DBusWatch *watch, void *data)
{
	struct watched *w = dbus_watch_get_data(watch);

	if (w)
		(void)refresh(w);
}

/* Without memory for it, the call that it bounds goes on without a limit. */
static void arm(struct timeout *t)
{
	if (rv_timer_arm(&t->timer, RV_MS(dbus_timeout_get_interval(t->timeout))))
		rv_timer_cancel(&t->timer);
}

static void timeout_fire(struct rv_timer *timer)
{
	struct timeout *t = rv_container_of(timer, struct timeout, timer);

	arm(t);
	dbus_timeout_handle(t->timeout);
}

static int timeout_end(struct timeout *t)
{
	rv_timer_cancel(&t->timer);
	return 0;
}

static void timeout_toggle(DBusTimeout *timeout, void *data)
{
	struct timeout *t = dbus_timeout_get_data(timeout);

	rv_timer_cancel(&t->timer);
	if (dbus_timeout_get_enabled(timeout))
		arm(t);
}

static dbus_bool_t timeout_add(DBusTimeout *timeout, void *data)
{
	struct adapter *adapter = data;
	struct timeout *t = talloc_zero(adapter, struct timeout);

	if (!t)
		return FALSE;
	t->timeout = timeout;
	rv_timer_init(&t->timer, adapter->loop, timeout_fire);
	talloc_set_destructor(t, timeout_end);
	dbus_timeout_set_data(timeout, t, NULL);
	timeout_toggle(timeout, data);
	return TRUE;
}

static void timeout_remove(DBusTimeout *timeout, void *data)
{
	struct timeout *t = dbus_timeout_get_data(timeout);

	dbus_timeout_set_data(timeout, NULL, NULL);
	talloc_free(t);
}

static int detach(struct adapter *adapter)
{
	DBusConnection *connection = adapter->connection;

	rv_defer_cancel(adapter->loop, adapter);
	if (connection) {
		dbus_connection_set_dispatch_status_function(connection, NULL, NULL, NULL);
		dbus_connection_set_watch_functions(connection, NULL, NULL, NULL, NULL, NULL);
		dbus_connection_set_timeout_functions(connection, NULL, NULL, NULL, NULL, NULL);
	}
	if (adapter->server) {
		dbus_server_set_watch_functions(adapter->server, NULL, NULL, NULL, NULL, NULL);
		dbus_server_set_timeout_functions(adapter->server, NULL, NULL, NULL, NULL, NULL);
	}
	return 0;
}

static struct adapter *adapter_new(const void *parent, struct rv_loop *loop)
{
	struct adapter *adapter = talloc_zero(parent, struct adapter);

	if (!adapter)
		return NULL;
	adapter->loop = loop;
	rv_list_init(&adapter->fds);
	talloc_set_destructor(adapter, detach);
	return adapter;
}

struct adapter *adapter_connection(const void *parent, struct rv_loop *loop, DBusConnection *connection)
{
	struct adapter *adapter = adapter_new(parent, loop);

	if (!adapter)
		return NULL;
	adapter->connection = connection;
	if (!dbus_connection_set_watch_functions(connection, watch_add, watch_remove, watch_toggle, adapter, NULL) ||
	    !dbus_connection_set_timeout_functions(connection, timeout_add, timeout_remove, timeout_toggle, adapter,
						   NULL)) {
		talloc_free(adapter);
		return NULL;
	}
	dbus_connection_set_dispatch_status_function(connection, status_changed, adapter, NULL);
	dispatch_later(adapter);
	return adapter;
}

struct adapter *adapter_server(const void *parent, struct rv_loop *loop, DBusServer *server)
{
	struct adapter *adapter = adapter_new(parent, loop);

	if (!adapter)
		return NULL;
	adapter->server = server;
	if (!dbus_server_set_watch_functions(server, watch_add, watch_remove, watch_toggle, adapter, NULL) ||
	    !dbus_server_set_timeout_functions(server, timeout_add, timeout_remove, timeout_toggle, adapter, NULL)) {
		talloc_free(adapter);
		return NULL;
	}
	return adapter;
}

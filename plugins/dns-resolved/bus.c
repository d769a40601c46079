// SPDX-License-Identifier: LGPL-2.1-or-later
/* bus: org.freedesktop.resolve1.Manager of systemd-resolved: SetLinkDNS, SetLinkDomains, SetLinkDefaultRoute,
 * RevertLink.
 *
 * libdbus waits for its answers, so this runs in a job, with a connection of its own for each order: they are few.
 */
#include "dns-resolved.h"

#include <dbus/dbus.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { ANSWER_MS = 5000 };

static int fail(struct order *order, DBusError *error)
{
	bool absent = dbus_error_has_name(error, DBUS_ERROR_SERVICE_UNKNOWN) ||
		      dbus_error_has_name(error, DBUS_ERROR_NAME_HAS_NO_OWNER) ||
		      dbus_error_has_name(error, DBUS_ERROR_FILE_NOT_FOUND) ||
		      dbus_error_has_name(error, DBUS_ERROR_NO_SERVER);

	snprintf(order->error, sizeof(order->error), "%s", error->message ? error->message : "out of memory");
	dbus_error_free(error);
	return absent ? -ENOTSUP : -EIO;
}

static DBusConnection *dial(struct order *order, DBusError *error)
{
	DBusConnection *c = *order->address ? dbus_connection_open_private(order->address, error)
					    : dbus_bus_get_private(DBUS_BUS_SYSTEM, error);

	if (!c)
		return NULL;
	dbus_connection_set_exit_on_disconnect(c, FALSE);
	if (!*order->address || dbus_bus_register(c, error))
		return c;
	dbus_connection_close(c);
	dbus_connection_unref(c);
	return NULL;
}

static bool put_bytes(DBusMessageIter *in, const uint8_t *octets, size_t len)
{
	DBusMessageIter array;

	return dbus_message_iter_open_container(in, DBUS_TYPE_ARRAY, "y", &array) &&
	       dbus_message_iter_append_fixed_array(&array, DBUS_TYPE_BYTE, &octets, (int)len) &&
	       dbus_message_iter_close_container(in, &array);
}

/* a(iay): address family and octets */
static bool put_servers(DBusMessageIter *in, const struct order *order)
{
	DBusMessageIter array, one;
	bool ok = dbus_message_iter_open_container(in, DBUS_TYPE_ARRAY, "(iay)", &array);

	for (size_t i = 0; ok && i < order->n_servers; i++) {
		const struct rv_addr *addr = &order->servers[i];
		dbus_int32_t family = addr->family == RV_IPV4 ? AF_INET : AF_INET6;

		ok = dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &one) &&
		     dbus_message_iter_append_basic(&one, DBUS_TYPE_INT32, &family) &&
		     put_bytes(&one, addr->ip, rv_family_len(addr->family)) &&
		     dbus_message_iter_close_container(&array, &one);
	}
	return ok && dbus_message_iter_close_container(in, &array);
}

/* a(sb): a domain, and that it only says where names are asked; "." is every name. */
static bool put_domains(DBusMessageIter *in, const struct order *order)
{
	DBusMessageIter array, one;
	dbus_bool_t only = TRUE;
	size_t n = order->n_domains ? order->n_domains : 1;
	bool ok = dbus_message_iter_open_container(in, DBUS_TYPE_ARRAY, "(sb)", &array);

	for (size_t i = 0; ok && i < n; i++) {
		const char *domain = order->n_domains ? order->domains[i] : ".";

		ok = dbus_message_iter_open_container(&array, DBUS_TYPE_STRUCT, NULL, &one) &&
		     dbus_message_iter_append_basic(&one, DBUS_TYPE_STRING, &domain) &&
		     dbus_message_iter_append_basic(&one, DBUS_TYPE_BOOLEAN, &only) &&
		     dbus_message_iter_close_container(&array, &one);
	}
	return ok && dbus_message_iter_close_container(in, &array);
}

static bool put_default(DBusMessageIter *in, const struct order *order)
{
	dbus_bool_t all = order->n_domains == 0;

	return dbus_message_iter_append_basic(in, DBUS_TYPE_BOOLEAN, &all);
}

/* One method of the manager, with what follows the interface's index. */
static int call(struct order *order, DBusConnection *c, const char *method,
		bool (*put)(DBusMessageIter *in, const struct order *order))
{
	DBusMessage *m = dbus_message_new_method_call("org.freedesktop.resolve1", "/org/freedesktop/resolve1",
						      "org.freedesktop.resolve1.Manager", method),
		    *answer = NULL;
	dbus_int32_t ifindex = order->ifindex;
	DBusError error = DBUS_ERROR_INIT;
	DBusMessageIter in;
	bool ok = m != NULL;

	if (ok) {
		dbus_message_set_auto_start(m, FALSE);
		dbus_message_iter_init_append(m, &in);
		ok = dbus_message_iter_append_basic(&in, DBUS_TYPE_INT32, &ifindex) && (!put || put(&in, order));
	}
	if (ok)
		answer = dbus_connection_send_with_reply_and_block(c, m, ANSWER_MS, &error);
	if (m)
		dbus_message_unref(m);
	if (!answer)
		return fail(order, &error);
	dbus_message_unref(answer);
	return 0;
}

int bus_tell(struct order *order)
{
	DBusError error = DBUS_ERROR_INIT;
	DBusConnection *c = dial(order, &error);
	int r;

	if (!c)
		return fail(order, &error);
	if (!order->n_servers) {
		r = call(order, c, "RevertLink", NULL);
	} else {
		r = call(order, c, "SetLinkDNS", put_servers);
		if (!r)
			r = call(order, c, "SetLinkDomains", put_domains);
		if (!r)
			r = call(order, c, "SetLinkDefaultRoute", put_default);
	}
	dbus_connection_close(c);
	dbus_connection_unref(c);
	return r;
}

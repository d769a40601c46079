// SPDX-License-Identifier: LGPL-2.1-or-later
/* rights: who may do what.
 *
 * Whoever can connect may look. Root and the daemon's own user may do everything; on our own socket the kernel says who
 * that is, on a message bus the bus does. On the system bus polkit may allow others (org.ravelin.ipsec1.control,
 * .admin); where there is no polkit, it stays at that. Nothing waits: a call whose sender must be asked about is kept,
 * bounded, until the answer is there.
 */
#include "link.h"
#include "objects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#define POLKIT "org.freedesktop.PolicyKit1"

enum { USER_MS = 10000, POLKIT_MS = 300000 /* a person may have to type a password */, POLKIT_INTERACTIVE = 1 };

/* A call that waits for the answer whether it is allowed. */
struct check {
	struct rv_list entry;
	struct link *link;
	DBusMessage *message;
	uint8_t right;
};

/* The user behind a unique name. A bus never gives a unique name twice, so this cannot become wrong. */
struct caller {
	struct rv_list entry;
	unsigned long uid;
	char *name;
};

static const char *const actions[] = {
	[RV_BUS_CONTROL] = "org.ravelin.ipsec1.control", [RV_BUS_ADMIN] = "org.ravelin.ipsec1.admin"
};

bool rights_trusted(unsigned long uid)
{
	return uid == 0 || uid == geteuid();
}

static const struct caller *find_caller(const struct link *link, const char *name)
{
	rv_list_each (&link->callers, it, struct caller, entry)
		if (!strcmp(it->name, name))
			return it;
	return NULL;
}

static int forget(struct caller *caller)
{
	rv_list_del(&caller->entry);
	return 0;
}

static void remember(struct link *link, const char *name, unsigned long uid)
{
	struct caller *caller = find_caller(link, name) ? NULL : talloc_zero(link, struct caller);

	if (!caller)
		return;
	caller->uid = uid;
	caller->name = talloc_strdup(caller, name);
	if (!caller->name) {
		talloc_free(caller);
		return;
	}
	rv_list_add(&link->callers, &caller->entry);
	talloc_set_destructor(caller, forget);
	if (++link->n_callers <= MAX_CALLERS)
		return;
	talloc_free(rv_container_of(link->callers.next, struct caller, entry));
	link->n_callers--;
}

static int check_gone(struct check *check)
{
	rv_list_del(&check->entry);
	check->link->n_checks--;
	dbus_message_unref(check->message);
	return 0;
}

static void allow(struct check *check)
{
	struct link *link = check->link;
	DBusMessage *message = dbus_message_ref(check->message);

	talloc_free(check);
	objects_allowed(link, message);
	dbus_message_unref(message);
}

static int forbidden(DBusMessage *message, uint8_t right, const char *how, struct rv_why *why)
{
	return rv_why_set(why, -RV_EACCESS, "%s is for %s: call it as root or as the daemon's own user%s",
			  dbus_message_get_member(message),
			  right == RV_BUS_ADMIN ? "the administrator" : "who operates tunnels", how);
}

static void refuse(struct check *check, const char *how)
{
	struct rv_why why = { 0 };

	(void)forbidden(check->message, check->right, how, &why);
	link_fail(check->link, check->message, why.code, why.text);
	talloc_free(check);
}

/* CheckAuthorization's (bba{ss}): is authorised; would be, were somebody asked for a password. */
static void polkit_said(void *arg, DBusMessage *reply)
{
	struct check *check = arg;
	DBusMessageIter iter, result;
	dbus_bool_t yes = FALSE, challenge = FALSE;

	if (!dbus_message_has_signature(reply, "(bba{ss})")) {
		refuse(check, " (polkit, which might allow it to others, does not answer)");
		return;
	}
	dbus_message_iter_init(reply, &iter);
	dbus_message_iter_recurse(&iter, &result);
	dbus_message_iter_get_basic(&result, &yes);
	dbus_message_iter_next(&result);
	dbus_message_iter_get_basic(&result, &challenge);
	if (yes) {
		allow(check);
	} else if (challenge) {
		link_error(check->link, check->message, DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
			   "polkit allows this only after it has asked somebody: let the call allow interaction");
		talloc_free(check);
	} else {
		refuse(check, ", or have polkit allow it to you");
	}
}

static void put_subject(struct rv_bus_out *out, const char *sender)
{
	rv_bus_out_open_struct(out);
	rv_bus_out_str(out, "system-bus-name");
	rv_bus_out_open_array(out, "{sv}");
	rv_bus_out_dict_str(out, "name", sender);
	rv_bus_out_close(out);
	rv_bus_out_close(out);
}

/* On another bus anybody could be polkit. */
static void ask_polkit(struct check *check)
{
	DBusMessage *call = NULL;
	struct rv_bus_out out;

	if (strcmp(check->link->bus->message_bus, "system") != 0) {
		refuse(check, "");
		return;
	}
	call = dbus_message_new_method_call(POLKIT, "/org/freedesktop/PolicyKit1/Authority", POLKIT ".Authority",
					    "CheckAuthorization");
	if (call) {
		out_init(&out, check->link->bus->core, call);
		put_subject(&out, dbus_message_get_sender(check->message));
		rv_bus_out_str(&out, actions[check->right]);
		rv_bus_out_open_array(&out, "{ss}");
		rv_bus_out_close(&out);
		rv_bus_out_u32(&out, dbus_message_get_allow_interactive_authorization(check->message)
					     ? POLKIT_INTERACTIVE
					     : 0);
		rv_bus_out_str(&out, "");
	}
	if (link_ask(check, check->link, call, POLKIT_MS, polkit_said, check))
		refuse(check, " (polkit cannot be asked)");
}

static void bus_said(void *arg, DBusMessage *reply)
{
	struct check *check = arg;
	dbus_uint32_t uid = 0;

	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &uid, DBUS_TYPE_INVALID)) {
		refuse(check, " (the bus does not say who you are)");
		return;
	}
	remember(check->link, dbus_message_get_sender(check->message), uid);
	if (rights_trusted(uid))
		allow(check);
	else
		ask_polkit(check);
}

static void ask_bus(struct check *check)
{
	const char *sender = dbus_message_get_sender(check->message);
	DBusMessage *call = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
							 "GetConnectionUnixUser");

	if (call)
		(void)dbus_message_append_args(call, DBUS_TYPE_STRING, &sender, DBUS_TYPE_INVALID);
	if (link_ask(check, check->link, call, USER_MS, bus_said, check))
		refuse(check, " (the bus cannot be asked who you are)");
}

static struct check *check_new(struct link *link, DBusMessage *message, uint8_t right)
{
	struct check *check = talloc_zero(link, struct check);

	if (!check)
		return NULL;
	*check = (struct check){ .link = link, .message = dbus_message_ref(message), .right = right };
	rv_list_add(&link->checks, &check->entry);
	link->n_checks++;
	talloc_set_destructor(check, check_gone);
	return check;
}

static unsigned checks_of(const struct link *link, const char *sender)
{
	unsigned n = 0;

	rv_list_each (&link->checks, it, struct check, entry)
		n += !strcmp(dbus_message_get_sender(it->message), sender);
	return n;
}

int rights_check(struct link *link, DBusMessage *message, uint8_t right, struct rv_why *why)
{
	const char *sender = dbus_message_get_sender(message);

	if (right == RV_BUS_VIEW)
		return 0;
	if (!link->message_bus)
		return rights_trusted(link->uid) ? 0 : forbidden(message, right, "", why);
	if (!sender || right >= RV_COUNT(actions))
		return forbidden(message, right, "", why);

	const struct caller *caller = find_caller(link, sender);
	if (caller && rights_trusted(caller->uid))
		return 0;
	if (link->n_checks >= MAX_CHECKS || checks_of(link, sender) >= MAX_CHECKS_OF_ONE)
		return rv_why_set(why, -RV_ELIMIT, "too many calls wait for the answer whether they are allowed");
	struct check *check = check_new(link, message, right);

	if (!check)
		return rv_why_set(why, -ENOMEM, "there is no memory to ask whether this is allowed");
	if (caller)
		ask_polkit(check);
	else
		ask_bus(check);
	return RV_PENDING;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* message: values out to a message and in from one, without a D-Bus type in the plugins' ABI. */
#include "objects.h"

#include <assert.h>
#include <string.h>
#include <talloc.h>

enum { NUMBER_OCTETS = 8, TEXT_OCTETS = 8 }; /* what a value takes besides its text, about */

void out_init(struct rv_bus_out *out, struct rv_core *core, DBusMessage *message)
{
	*out = (struct rv_bus_out){ .message = message, .core = core };
	dbus_message_iter_init_append(message, &out->iter[0]);
}

static void put(struct rv_bus_out *out, int type, const void *value)
{
	out->octets += NUMBER_OCTETS;
	if (!out->bad && !dbus_message_iter_append_basic(&out->iter[out->depth], type, value))
		out->bad = true;
}

static void put_text(struct rv_bus_out *out, int type, const char *text)
{
	out->octets += TEXT_OCTETS + strlen(text);
	put(out, type, &text);
}

static void open_container(struct rv_bus_out *out, int type, const char *contents)
{
	assert(out->depth + 1 < OUT_DEPTH);
	out->octets += NUMBER_OCTETS;
	if (!out->bad &&
	    !dbus_message_iter_open_container(&out->iter[out->depth], type, contents, &out->iter[out->depth + 1]))
		out->bad = true;
	out->depth++;
}

void rv_bus_out_str(struct rv_bus_out *out, const char *value)
{
	char escaped[4096];
	const char *text = value ? value : "";

	if (!dbus_validate_utf8(text, NULL)) {
		rv_escape(escaped, sizeof(escaped), rv_bytes(text, strlen(text)));
		text = escaped;
	}
	put_text(out, DBUS_TYPE_STRING, text);
}

void rv_bus_out_path(struct rv_bus_out *out, const char *folder, const char *name)
{
	char path[MAX_PATH];

	(void)path_escape(path, folder, name);
	put_text(out, DBUS_TYPE_OBJECT_PATH, path);
}

void rv_bus_out_bool(struct rv_bus_out *out, bool value)
{
	dbus_bool_t v = value;

	put(out, DBUS_TYPE_BOOLEAN, &v);
}

void rv_bus_out_u32(struct rv_bus_out *out, uint32_t value)
{
	put(out, DBUS_TYPE_UINT32, &value);
}

void rv_bus_out_i32(struct rv_bus_out *out, int32_t value)
{
	put(out, DBUS_TYPE_INT32, &value);
}

void rv_bus_out_u64(struct rv_bus_out *out, uint64_t value)
{
	put(out, DBUS_TYPE_UINT64, &value);
}

void rv_bus_out_i64(struct rv_bus_out *out, int64_t value)
{
	put(out, DBUS_TYPE_INT64, &value);
}

void rv_bus_out_octets(struct rv_bus_out *out, struct rv_bytes value)
{
	open_container(out, DBUS_TYPE_ARRAY, "y");
	out->octets += value.len;
	if (!out->bad && value.len &&
	    !dbus_message_iter_append_fixed_array(&out->iter[out->depth], DBUS_TYPE_BYTE, &value.p, (int)value.len))
		out->bad = true;
	rv_bus_out_close(out);
}

void rv_bus_out_open_array(struct rv_bus_out *out, const char *element)
{
	open_container(out, DBUS_TYPE_ARRAY, element);
}

void rv_bus_out_open_struct(struct rv_bus_out *out)
{
	open_container(out, DBUS_TYPE_STRUCT, NULL);
}

void rv_bus_out_open_entry(struct rv_bus_out *out)
{
	open_container(out, DBUS_TYPE_DICT_ENTRY, NULL);
}

void rv_bus_out_open_variant(struct rv_bus_out *out, const char *signature)
{
	open_container(out, DBUS_TYPE_VARIANT, signature);
}

void rv_bus_out_close(struct rv_bus_out *out)
{
	assert(out->depth > 0);
	out->depth--;
	if (out->bad)
		dbus_message_iter_abandon_container_if_open(&out->iter[out->depth], &out->iter[out->depth + 1]);
	else if (!dbus_message_iter_close_container(&out->iter[out->depth], &out->iter[out->depth + 1]))
		out->bad = true;
}

static void open_value(struct rv_bus_out *out, const char *key, const char *signature)
{
	rv_bus_out_open_entry(out);
	rv_bus_out_str(out, key);
	rv_bus_out_open_variant(out, signature);
}

static void close_value(struct rv_bus_out *out)
{
	rv_bus_out_close(out);
	rv_bus_out_close(out);
}

void rv_bus_out_dict_str(struct rv_bus_out *out, const char *key, const char *value)
{
	open_value(out, key, "s");
	rv_bus_out_str(out, value);
	close_value(out);
}

void rv_bus_out_dict_u64(struct rv_bus_out *out, const char *key, uint64_t value)
{
	open_value(out, key, "t");
	rv_bus_out_u64(out, value);
	close_value(out);
}

void rv_bus_out_dict_bool(struct rv_bus_out *out, const char *key, bool value)
{
	open_value(out, key, "b");
	rv_bus_out_bool(out, value);
	close_value(out);
}

void in_init(struct rv_bus_in *in, struct link *link, DBusMessage *message)
{
	*in = (struct rv_bus_in){ .link = link, .message = message };
	(void)dbus_message_iter_init(message, &in->iter);
}

/* The signature of the message was compared with the method's, so a wrong type here is a handler's mistake. */
static void take(struct rv_bus_in *in, int type, void *value)
{
	assert(dbus_message_iter_get_arg_type(&in->iter) == type);
	dbus_message_iter_get_basic(&in->iter, value);
	dbus_message_iter_next(&in->iter);
}

const char *rv_bus_in_str(struct rv_bus_in *in)
{
	const char *value = "";

	take(in, DBUS_TYPE_STRING, &value);
	return value;
}

bool rv_bus_in_bool(struct rv_bus_in *in)
{
	dbus_bool_t value = FALSE;

	take(in, DBUS_TYPE_BOOLEAN, &value);
	return value;
}

uint32_t rv_bus_in_u32(struct rv_bus_in *in)
{
	uint32_t value = 0;

	take(in, DBUS_TYPE_UINT32, &value);
	return value;
}

struct rv_bytes rv_bus_in_octets(struct rv_bus_in *in)
{
	DBusMessageIter octets;
	const uint8_t *p = NULL;
	int n = 0;

	assert(dbus_message_iter_get_arg_type(&in->iter) == DBUS_TYPE_ARRAY &&
	       dbus_message_iter_get_element_type(&in->iter) == DBUS_TYPE_BYTE);
	dbus_message_iter_recurse(&in->iter, &octets);
	dbus_message_iter_get_fixed_array(&octets, &p, &n);
	dbus_message_iter_next(&in->iter);
	return rv_bytes(p, (size_t)n);
}

int rv_bus_in_fd(struct rv_bus_in *in)
{
	int fd = -1;

	take(in, DBUS_TYPE_UNIX_FD, &fd);
	return fd;
}

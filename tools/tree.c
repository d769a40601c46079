// SPDX-License-Identifier: LGPL-2.1-or-later
/* tree: D-Bus messages as trees. */
#include "tree.h"

#include <inttypes.h>
#include <string.h>
#include <talloc.h>

enum { MAX_DEPTH = 32 };

struct tree *tree_new(const void *parent, enum tree_kind kind)
{
	struct tree *tree = talloc_zero(parent, struct tree);

	if (tree)
		tree->kind = kind;
	return tree;
}

bool tree_put(struct tree *tree, const char *key, struct tree *child)
{
	struct tree **more = child ? talloc_realloc(tree, tree->children, struct tree *, tree->n + 1) : NULL;

	if (!more)
		return false;
	tree->children = more;
	child->key = key ? talloc_strdup(child, key) : NULL;
	more[tree->n++] = talloc_steal(tree, child);
	return !key || child->key;
}

static struct tree *scalar(const void *parent, enum tree_kind kind, const char *text)
{
	struct tree *tree = tree_new(parent, kind);

	if (tree)
		tree->text = talloc_strdup(tree, text);
	if (!tree || tree->text)
		return tree;
	talloc_free(tree);
	return NULL;
}

bool tree_put_text(struct tree *tree, const char *key, const char *text)
{
	return tree_put(tree, key, scalar(tree, TREE_TEXT, text));
}

/* A basic D-Bus value as text; the kind is the tree's. */
static struct tree *basic(const void *parent, int type, DBusMessageIter *iter)
{
	DBusBasicValue v;
	char text[32];

	memset(&v, 0, sizeof(v));
	dbus_message_iter_get_basic(iter, &v);
	switch (type) {
	case DBUS_TYPE_STRING:
	case DBUS_TYPE_OBJECT_PATH:
	case DBUS_TYPE_SIGNATURE:
		return scalar(parent, TREE_TEXT, v.str);
	case DBUS_TYPE_BOOLEAN:
		return scalar(parent, TREE_BOOL, v.bool_val ? "true" : "false");
	case DBUS_TYPE_DOUBLE:
		snprintf(text, sizeof(text), "%.17g", v.dbl);
		break;
	case DBUS_TYPE_INT16:
		snprintf(text, sizeof(text), "%d", v.i16);
		break;
	case DBUS_TYPE_INT32:
		snprintf(text, sizeof(text), "%d", v.i32);
		break;
	case DBUS_TYPE_INT64:
		snprintf(text, sizeof(text), "%" PRId64, (int64_t)v.i64);
		break;
	case DBUS_TYPE_BYTE:
		snprintf(text, sizeof(text), "%u", v.byt);
		break;
	case DBUS_TYPE_UINT16:
		snprintf(text, sizeof(text), "%u", v.u16);
		break;
	case DBUS_TYPE_UINT32:
		snprintf(text, sizeof(text), "%u", v.u32);
		break;
	default:
		snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)v.u64);
		break;
	}
	return scalar(parent, TREE_NUMBER, text);
}

static struct tree *value(const void *parent, DBusMessageIter *iter, unsigned depth);

static bool entry(struct tree *tree, DBusMessageIter *iter, unsigned depth)
{
	DBusMessageIter inner;
	struct tree *key, *child;

	dbus_message_iter_recurse(iter, &inner);
	key = value(tree, &inner, depth);
	dbus_message_iter_next(&inner);
	child = value(tree, &inner, depth);
	bool ok = key && key->text && tree_put(tree, key->text, child);
	talloc_free(key);
	return ok;
}

static struct tree *container(const void *parent, DBusMessageIter *iter, bool object, unsigned depth)
{
	struct tree *tree = tree_new(parent, object ? TREE_OBJECT : TREE_ARRAY);
	DBusMessageIter inner;

	dbus_message_iter_recurse(iter, &inner);
	for (; tree && dbus_message_iter_get_arg_type(&inner) != DBUS_TYPE_INVALID; dbus_message_iter_next(&inner)) {
		bool ok = object ? entry(tree, &inner, depth) : tree_put(tree, NULL, value(tree, &inner, depth));
		if (!ok)
			TALLOC_FREE(tree);
	}
	return tree;
}

static struct tree *value(const void *parent, DBusMessageIter *iter, unsigned depth)
{
	int type = dbus_message_iter_get_arg_type(iter);
	DBusMessageIter inner;

	if (depth > MAX_DEPTH)
		return NULL;
	switch (type) {
	case DBUS_TYPE_VARIANT:
		dbus_message_iter_recurse(iter, &inner);
		return value(parent, &inner, depth + 1);
	case DBUS_TYPE_ARRAY:
		return container(parent, iter, dbus_message_iter_get_element_type(iter) == DBUS_TYPE_DICT_ENTRY,
				 depth + 1);
	case DBUS_TYPE_STRUCT:
		return container(parent, iter, false, depth + 1);
	default:
		return basic(parent, type, iter);
	}
}

struct tree *tree_of(const void *parent, DBusMessage *message)
{
	struct tree *all = tree_new(parent, TREE_ARRAY);
	DBusMessageIter iter;

	if (!all || !dbus_message_iter_init(message, &iter))
		return all;
	do {
		if (!tree_put(all, NULL, value(all, &iter, 0))) {
			talloc_free(all);
			return NULL;
		}
	} while (dbus_message_iter_next(&iter));
	return all->n == 1 ? all->children[0] : all;
}

const struct tree *tree_get(const struct tree *tree, const char *key)
{
	for (unsigned i = 0; tree && i < tree->n; i++)
		if (tree->children[i]->key && !strcmp(tree->children[i]->key, key))
			return tree->children[i];
	return NULL;
}

const char *tree_text(const struct tree *tree, const char *key)
{
	const struct tree *child = tree_get(tree, key);

	return child && child->text ? child->text : "";
}

char *tree_line(const void *parent, const struct tree *tree)
{
	char *line;

	if (tree->text)
		return talloc_strdup(parent, tree->text);
	line = talloc_strdup(parent, "");
	for (unsigned i = 0; line && i < tree->n; i++) {
		const struct tree *child = tree->children[i];
		char *inner = tree_line(line, child);

		line = talloc_asprintf_append(line, "%s%s%s%s", i ? "," : "", child->key ? child->key : "",
					      child->key ? "=" : "", inner ? inner : "");
		talloc_free(inner);
	}
	return line;
}

static void json_text(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else if (c < 0x20)
			fprintf(file, "\\u%04x", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}

static void new_line(FILE *file, int indent)
{
	if (indent >= 0)
		fprintf(file, "\n%*s", 2 * indent, "");
}

/* indent < 0: all in one line */
static void json(FILE *file, const struct tree *tree, int indent)
{
	bool object = tree->kind == TREE_OBJECT;
	int inner = indent < 0 ? indent : indent + 1;

	if (tree->kind == TREE_TEXT) {
		json_text(file, tree->text);
		return;
	}
	if (tree->text || tree->kind == TREE_NULL) {
		fputs(tree->text ? tree->text : "null", file);
		return;
	}
	fputc(object ? '{' : '[', file);
	for (unsigned i = 0; i < tree->n; i++) {
		if (i)
			fputc(',', file);
		new_line(file, inner);
		if (object) {
			json_text(file, tree->children[i]->key);
			fputs(": ", file);
		}
		json(file, tree->children[i], inner);
	}
	if (tree->n)
		new_line(file, indent);
	fputc(object ? '}' : ']', file);
}

void tree_json(FILE *file, const struct tree *tree)
{
	json(file, tree, 0);
	fputc('\n', file);
}

void tree_json_line(FILE *file, const struct tree *tree)
{
	json(file, tree, -1);
	fputc('\n', file);
}

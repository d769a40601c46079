// SPDX-License-Identifier: LGPL-2.1-or-later
/* tree.h: what a D-Bus message holds, as a tree that prints as JSON and as text.
 *
 * Variants are transparent; dictionaries and arrays of dictionary entries are objects. Talloc objects; the parent owns
 * its children.
 */
#pragma once

#include <dbus/dbus.h>
#include <stdbool.h>
#include <stdio.h>

enum tree_kind { TREE_NULL, TREE_BOOL, TREE_NUMBER, TREE_TEXT, TREE_ARRAY, TREE_OBJECT };

struct tree {
	enum tree_kind kind;
	char *key;  /* in an object */
	char *text; /* of a scalar; never NULL there */
	struct tree **children;
	unsigned n;
};

/* The arguments of message: its one argument, or an array of them. NULL: out of memory. */
struct tree *tree_of(const void *parent, DBusMessage *message);

/* An empty object or array; and a child put under a key (or NULL) into one. False: out of memory. */
struct tree *tree_new(const void *parent, enum tree_kind kind);
bool tree_put(struct tree *tree, const char *key, struct tree *child);
bool tree_put_text(struct tree *tree, const char *key, const char *text);

/* The child of this key, or NULL. */
const struct tree *tree_get(const struct tree *tree, const char *key);

/* The text of a scalar child; "" when there is none. */
const char *tree_text(const struct tree *tree, const char *key);

/* One line for people: scalars as they are, arrays with commas, objects as k=v. A talloc string. */
char *tree_line(const void *parent, const struct tree *tree);

/* JSON (RFC 8259), indented; and in one line. */
void tree_json(FILE *file, const struct tree *tree);
void tree_json_line(FILE *file, const struct tree *tree);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* path: names as object paths, /org/ravelin/IPsec1[/FOLDER[/NAME]].
 *
 * What a name has beyond letters and digits is written _xx, and an empty element _; a slash between two elements stays
 * one. Every name has one path and every path one name.
 */
#include "objects.h"

#include <stdio.h>
#include <string.h>

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A slash that parts two elements, neither of them empty: an object path has no others. */
static bool parts(const char *name, size_t i)
{
	return name[i] == '/' && i > 0 && name[i - 1] != '/' && name[i + 1] && name[i + 1] != '/';
}

/* What of a name begins at out[at]; where it ends, or 0. */
static size_t escape(char out[static MAX_PATH], size_t at, const char *name)
{
	for (size_t i = 0; name[i]; i++) {
		if (at + 4 > MAX_PATH)
			return 0;
		if (plain(name[i]) || parts(name, i))
			out[at++] = name[i];
		else
			at += (size_t)snprintf(out + at, 4, "_%02x", (unsigned char)name[i]);
	}
	return at;
}

bool path_escape(char out[static MAX_PATH], const char *folder, const char *name)
{
	size_t at = sizeof(BUS_ROOT) - 1 + (*folder ? strlen(folder) + 1 : 0);

	snprintf(out, MAX_PATH, "%s", BUS_ROOT);
	if (at + 3 > MAX_PATH)
		return false;
	if (!*folder)
		return !*name;
	at = (size_t)snprintf(out, MAX_PATH, "%s/%s/%s", BUS_ROOT, folder, *name ? "" : "_");
	if (*name)
		at = escape(out, at, name);
	if (at)
		out[at] = 0;
	else
		snprintf(out, MAX_PATH, "%s", BUS_ROOT);
	return at > 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unescape(char out[static MAX_PATH], const char *element)
{
	size_t at = 0;

	for (; *element; element++) {
		if (at + 1 >= MAX_PATH)
			return false;
		if (*element != '_') {
			out[at++] = *element;
			continue;
		}
		int hi = digit(element[1]), lo = hi < 0 ? -1 : digit(element[2]);
		if (lo < 0 || hi + lo == 0)
			return false;
		out[at++] = (char)(hi << 4 | lo);
		element += 2;
	}
	out[at] = 0;
	return at > 0;
}

bool path_unescape(char out[static MAX_PATH], const char *element)
{
	char again[MAX_PATH];
	size_t skip = sizeof(BUS_ROOT "/f/") - 1;

	if (!strcmp(element, "_"))
		out[0] = 0;
	else if (!unescape(out, element))
		return false;
	/* "_41" would be one more way to write A */
	return path_escape(again, "f", out) && !strcmp(again + skip, element);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* bus-world.h: a world whose core serves D-Bus on a socket in a temporary folder, one client of it, and a folder of
 * objects with odd names and methods of every kind.
 */
#pragma once

#include "caller.h"
#include "world.h"

#define FACE "org.ravelin.IPsec1."
#define DBUS "org.freedesktop.DBus."

enum { ODD_NAMES = 10, ODD_BIG = 8192, ODD_KEPT = 16 };

/* The objects of test/; big: n_big more, whose property has ODD_BIG octets. */
struct odd {
	const char *name;		    /* of what was found last */
	struct rv_bus_call *later;	    /* of the method Later, which the test answers */
	struct rv_bus_call *kept[ODD_KEPT]; /* of Keep, likewise */
	unsigned n_kept;
	struct rv_bus_folder *folder;
	size_t n_names, n_big;
	char *big;
};
extern const char *const odd_names[ODD_NAMES];
extern const struct rv_bus_interface odd_interface;
extern const struct rv_bus_folder_ops odd_ops;

struct bus_world {
	struct world *w;
	struct rv_core *core;
	struct odd odd;
	char dir[64], address[128];
	struct caller *c;
};

/* For cmocka: set up and tear down; the folder test/ is there before the bus and after it. */
int bus_world_begin(void **state);
int bus_world_end(void **state);

/* Makes the core's bus (again). */
void bus_world_open(struct bus_world *f);

/* Where the client's next calls go. */
void at(struct bus_world *f, const char *path, const char *interface);

/* got is what the caller said, and freed: these very words, an error of this name with some text. */
void expect(char *got, const char *wanted);
void expect_error(char *got, const char *name);

/* part stands in got, which is kept. */
void expect_in(const char *got, const char *part);

/* How often part stands in text. */
unsigned count_of(const char *text, const char *part);

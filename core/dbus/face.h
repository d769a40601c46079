// SPDX-License-Identifier: LGPL-2.1-or-later
/* face.h: the core's own folders, one file each or two. */
#pragma once

#include "objects.h"

#define METHODS(list) .methods = list, .n_methods = RV_COUNT(list)
#define PROPERTIES(list) .properties = list, .n_properties = RV_COUNT(list)

/* A walk of the core's, and the callback of the folder's walk that it serves. */
struct each {
	rv_bus_each_fn *fn;
	void *arg;
	unsigned n;
};

extern const struct rv_bus_interface connection_interface, child_interface, plugin_interface, service_interface,
	attempt_interface, policy_interface;
extern const struct rv_bus_folder_ops connection_folder, child_folder, plugin_folder, service_folder, attempt_folder,
	policy_folder;
extern const char *const mode_words[]; /* by enum rv_mode */

/* The core's attempt_changed; arg is the core. */
void attempt_changed(struct rv_attempt *attempt, void *arg);

/* What is known of the plugins is read anew when it is asked for next. */
void plugins_changed(struct rv_bus *bus);

/* A decimal number and nothing else. */
bool read_number(const char *name, uint32_t *n);

/* An entry of an open a{st}, unless nothing was dropped. */
void drops_out(struct rv_bus_out *out, const char *cause, uint64_t packets);

/* as; NULL-terminated, or NULL. */
void strings_out(struct rv_bus_out *out, const char *const *strings);

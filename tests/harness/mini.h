// SPDX-License-Identifier: LGPL-2.1-or-later
/* mini: a core with only what a plugin below the keying protocols needs: log, loop, vault, jobs, registry, plugins and
 * a configuration read with the plugin's own schema. For tests of one plugin or a few.
 */
#pragma once

#include "parts.h"

struct mini_plugin {
	const char *name;
	const struct rv_plugin *plugin;
	const char *schema; /* NULL: none */
};

/* A core with these plugins (the last has name NULL) loaded in order; conf is the text of a configuration. clock NULL:
 * the machine's. Fails the test when anything fails. */
struct rv_core *mini_new(const struct mini_plugin *plugins, const char *conf, const struct rv_clock *clock);

/* The same, with what to say to a plugin that refuses: 0 or its error, *core is there in both cases. */
int mini_try(const struct mini_plugin *plugins, const char *conf, const struct rv_clock *clock, struct rv_core **core);

/* The service of a kind, which must be there. */
const void *mini_ops(struct rv_core *core, const char *kind, const char *name, void **self);

/* Turns the loop until done(arg), for at most two seconds. What done said last. */
bool mini_until(struct rv_core *core, bool (*done)(void *arg), void *arg);

/* Moves the test into a network namespace of its own, with the loopback device up. False where there can be none, which
 * it says: main() then returns MINI_SKIPPED. */
enum { MINI_SKIPPED = 77 };
bool mini_own_net(void);

/* Turns the loop while there is something to do. */
void mini_settle(struct rv_core *core);

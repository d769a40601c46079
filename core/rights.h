// SPDX-License-Identifier: LGPL-2.1-or-later
/* rights.h: what ravelind gives up after start (doc/architecture.md, rights of the daemon). */
#pragma once

#include "core.h"

#include <sys/types.h>

/* Who the daemon becomes. change false: it stays who it is. */
struct rights_user {
	uid_t uid;
	gid_t gid;
	bool change;
};

/* The user that the configuration names (ravelin.user); without one, "ravelin" where there is such a user and we may
 * become it. 0, or -RV_ECONFIG, -RV_EACCESS with why. */
int rights_user(const struct rv_conf *conf, struct rights_user *user, struct rv_why *why);

/* Becomes user and keeps CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE, as far as we have them, and, until
 * rights_settle(), what the plugins that are to be loaded need in their init; nothing else. No new privileges from now
 * on. Before any thread is made. dumpable: core dumps and debuggers stay possible. */
int rights_drop(struct rv_core *core, const struct rights_user *user, bool dumpable, struct rv_why *why);

/* Gives up what plugins needed in their init. */
int rights_settle(struct rv_why *why);

/* The system calls that were let through, by number. */
struct rights_calls {
	uint64_t bits[16];
	struct rv_core *core;
	void *filter; /* while it is made */
};

/* Lets through what the core and the loaded plugins need, and nothing else, in all threads. */
int rights_filter(struct rv_core *core, struct rights_calls *calls, struct rv_why *why);

/* Warns of what a plugin that came later needs and the filter does not let through. */
void rights_check(struct rights_calls *calls);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* attr-pool.h: the parts of the plugin: pools of the configuration, the store, what is said on D-Bus.
 */
#pragma once

#include "pool.h"

#include <ravelin/attr.h>
#include <ravelin/bus.h>
#include <ravelin/config.h>
#include <ravelin/connection.h>
#include <ravelin/error.h>
#include <ravelin/job.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>

struct pools {
	struct rv_host *host;
	struct rv_list all, waiting; /* waiting: struct waiting, until the store has been read */
	bool loaded, due;	     /* due: changes are to be written at the end of this turn */
	char *path;		     /* of the store; NULL: there is none */
	struct rv_job *job;
	struct rv_bus_folder *folder;
};

/* The pool of this name as conf (a section pools.NAME) has it now; NULL with why. */
struct pool *pools_get(struct pools *pools, const char *name, const struct rv_conf *conf, struct rv_why *why);
struct pool *pools_find(const struct pools *pools, const char *name);

/* store.c. load: reads what an earlier daemon stored; then loaded is set and who waits is answered. save: writes what
 * is dirty, in a job. end: what is left is written now. */
int store_load(struct pools *pools);
void store_save(struct pools *pools);
void store_end(struct pools *pools);

/* attr-pool.c: the store has been read. */
void pools_loaded(struct pools *pools);

/* reply.c: what a pool lends besides its address. 0 or negative. */
int reply_add(struct rv_attributes *out, const struct rv_conf *pool);

/* show.c: pool/NAME on D-Bus. 0 or -ENOMEM. */
int show(struct pools *pools);

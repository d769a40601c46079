// SPDX-License-Identifier: LGPL-2.1-or-later
/* core.h: one whole daemon as an object: what stands behind struct rv_core for the core itself, ravelind and tests.
 *
 * There is no mutable global: two of these run side by side in one process. Nothing here is for plugins.
 */
#pragma once

#include <ravelin/connection.h>
#include <ravelin/crypto.h>
#include <ravelin/error.h>
#include <ravelin/event.h>
#include <ravelin/job.h>
#include <ravelin/keying.h>
#include <ravelin/log.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>
#include <ravelin/registry.h>
#include <ravelin/secret.h>

struct rv_bus;
struct rv_plugins;
struct rv_sad;
struct rv_spd;
struct rv_pad;
struct rv_tunnels;
struct rv_attempts;
struct rv_names;
struct rv_traps;
struct rv_stop;

/* The points of a load at which a program gives up rights: the configuration has been read and no thread runs yet; the
 * plugins are there and have done no work. */
enum rv_core_stage { RV_CORE_READ, RV_CORE_LOADED };

/* Everything from outside that a daemon depends on. Zeroes give the real thing. */
struct rv_core_params {
	const struct rv_clock *clock;			   /* NULL: the machine's */
	void (*random)(void *self, void *buf, size_t len); /* NULL: a service of kind rng, getrandom() before that */
	void *random_self;
	void (*log)(void *self, enum rv_level level, const char *line); /* NULL: standard error */
	void *log_self;
	enum rv_level log_level;
	const char *run_dir;		/* NULL: no socket */
	const char *state_dir;		/* NULL: nothing outlives the daemon */
	const char *const *plugin_dirs; /* NULL-terminated, or NULL: no shared objects are loaded */
	unsigned n_job_threads;		/* 0: jobs run on the loop */
	bool no_measure;
	bool no_self_test;	  /* in tests of something else, which make many daemons: providers are believed */
	const char *config_path;  /* what Manager.Reload reads; NULL: it is refused */
	void (*stop)(void *self); /* Manager.Stop: the program shall end; NULL: refused */
	void *stop_self;
	/* at each stage of each load; what is not 0 fails the load */
	int (*stage)(void *self, struct rv_core *core, enum rv_core_stage stage, struct rv_why *why);
	void *stage_self;
	/* opens for reading what the daemon itself may not: a descriptor, or negative; NULL: nothing does */
	int (*open)(void *self, const char *path);
	void *open_self;
};

/* Opens path for reading, by params->open where open() may not. The descriptor, or negative. Any thread. */
int rv_core_open(const struct rv_core_params *params, const char *path);

/* The parts, in the order in which they are made (and, reversed, freed). */
struct rv_core {
	struct rv_core_params params;
	struct rv_log *log;
	struct rv_subject subject; /* kind "core" */
	struct rv_loop *loop;
	struct rv_vault *vault;
	struct rv_jobs *jobs;
	struct rv_registry *registry;
	struct rv_conf *conf; /* the present snapshot; the root section */
	struct rv_plugins *plugins;
	struct rv_pad *pad; /* connections and secrets of the snapshot */
	struct rv_spd *spd; /* policies, traps, reqids */
	struct rv_sad *sad; /* sessions and child SAs */
	struct rv_list attempts;
	uint32_t next_attempt;
	struct rv_attempts *attempt_index;
	/* every attempt's changed: told of it when it is new, at each step, at its end, and (holds 0) before it is
	 * freed */
	void (*attempt_changed)(struct rv_attempt *attempt, void *arg);
	void *attempt_changed_arg;
	struct rv_names *names;	    /* what there is under each connection's name */
	struct rv_traps *traps;	    /* policies that stand without an SA */
	struct rv_tunnels *tunnels; /* what should be up, and what is being set up */
	struct rv_host *host;	    /* the core as an owner of offers and objects */
	struct rv_bus *bus;	    /* NULL in tests without one */
	struct rv_list folders;	    /* dbus/: what is shown there; made when the first one is */
	struct rv_stop *stop;	    /* while it ends */
	bool stopping;
};

/* A daemon without configuration and plugins. NULL with why. talloc_free() ends it at once, without telling peers. */
struct rv_core *rv_core_new(const void *parent, const struct rv_core_params *params, struct rv_why *why);

/* Reads the configuration from path (NULL: from text, whose name for messages is `name`), checks all of it, then swaps
 * it in: plugins that it wants are loaded, connections are made, traps and starts carried out. On failure nothing
 * changed. Live SAs keep the snapshot that they were made from. */
int rv_core_load(struct rv_core *core, const char *path, struct rv_why *why);
int rv_core_load_text(struct rv_core *core, const char *name, const char *text, struct rv_why *why);

/* Begins an orderly end: traps and starts off, every session deleted at its peer, then everything this daemon installed
 * is removed and done(arg) is called. At most 3 s. */
void rv_core_stop(struct rv_core *core, rv_defer_fn *done, void *arg);

/* Verbs behind D-Bus and the command line. up: 0 also when the try has failed already (attempt->ended); negative when
 * there could be none. To connection (child NULL: those with a start_action other than none, or
 * all when there is none such); *attempt is filled, held for the caller. down: every session of the connection. */
int rv_core_up(struct rv_core *core, const char *connection, const char *child, const char *who,
	       struct rv_attempt **attempt, struct rv_why *why);
int rv_core_down(struct rv_core *core, const char *connection, struct rv_why *why);
int rv_core_plugin_load(struct rv_core *core, const char *name, struct rv_why *why);
int rv_core_plugin_unload(struct rv_core *core, const char *name, bool drain, struct rv_call *call, struct rv_why *why);

/* All sessions with their child SAs as sealed octets (key: 32), and back. unpack installs what it reads; a session
 * whose connection is not configured is named in why and skipped. *n counts sessions. */
uint8_t *rv_core_pack(struct rv_core *core, const void *parent, struct rv_bytes key, size_t *len, unsigned *n);
int rv_core_unpack(struct rv_core *core, struct rv_bytes key, struct rv_bytes sealed, unsigned *n, struct rv_why *why);

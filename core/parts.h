// SPDX-License-Identifier: LGPL-2.1-or-later
/* parts.h: how the core makes its own parts, and the verbs of one part that another needs.
 *
 * Every part is a talloc object; freeing it is its end.
 */
#pragma once

#include "core.h"

/* loop.c. Turns until rv_loop_quit(); one turn waits at most wait_us (0: does not wait). turn returns how many things
 * it did. next: when the first timer is due (UINT64_MAX: none). With an injected clock only turn and next are used. */
struct rv_loop *rv_loop_new(const void *parent, const struct rv_clock *clock);
int rv_loop_run(struct rv_loop *loop);
void rv_loop_quit(struct rv_loop *loop, int status);
int rv_loop_turn(struct rv_loop *loop, uint64_t wait_us);
uint64_t rv_loop_next_us(const struct rv_loop *loop);
unsigned rv_loop_n_timers(const struct rv_loop *loop);
/* signal: fn on the loop for each signo (which the caller has blocked in all threads). */
int rv_loop_signal(struct rv_loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg);

/* job.c. n_threads 0: on the loop. queue at most 4096 jobs. stop: waits for the jobs that have begun; no other one
 * begins, and all that are left are dropped unanswered at the end. jobs_of: how many of host are under way. */
struct rv_jobs *rv_jobs_new(const void *parent, struct rv_loop *loop, unsigned n_threads);
/* while held no thread is made; jobs wait */
void rv_jobs_hold(struct rv_jobs *jobs, bool held);
void rv_jobs_stop(struct rv_jobs *jobs);
unsigned rv_jobs_of(const struct rv_jobs *jobs, const struct rv_host *host);

/* secret.c. locked: how many octets of secrets' memory could be locked of how many there are. mapped: these and pages.
 */
struct rv_vault *rv_vault_new(const void *parent);
void rv_vault_locked(const struct rv_vault *vault, size_t *locked, size_t *total);
size_t rv_vault_mapped(const struct rv_vault *vault);

/* log.c. write: NULL for standard error. */
struct rv_log *rv_log_new(const void *parent, enum rv_level level,
			  void (*write)(void *self, enum rv_level level, const char *line), void *self);
void rv_log_level(struct rv_log *log, enum rv_level level);

/* registry.c. order: the configuration's plugin order for a kind (names, NULL-terminated). users: how many references
 * the owner's services have; up to size octets of their names into out. drain: no new references, offers withdrawn. */
struct rv_registry *rv_registry_new(const void *parent, struct rv_core *core);
void rv_registry_order(struct rv_registry *registry, const char *kind, const char *const *plugins);
unsigned rv_registry_users(struct rv_registry *registry, const struct rv_host *owner, char *out, size_t size);
void rv_registry_drain(struct rv_registry *registry, const struct rv_host *owner);
/* every offer, chosen or not */
int rv_registry_all(struct rv_registry *registry, rv_service_fn *fn, void *arg);
bool rv_service_chosen(const struct rv_service *service);
unsigned rv_service_users(const struct rv_service *service);
const char *rv_service_self_test(const struct rv_service *service); /* "passed: 3 vectors" or "none" */
const struct rv_attr *rv_service_attrs(const struct rv_service *service, size_t *n);

/* host.c */
struct rv_host *rv_host_new(struct rv_core *core, const char *name);

/* plugin.c, plugin-conf.c */
struct rv_plugins *rv_plugins_new(const void *parent, struct rv_core *core);
/* loads `names` and what they need, in order of their needs; every failure is in why, the rest is loaded */
int rv_plugins_load(struct rv_plugins *plugins, const char *const *names, struct rv_why *why);
/* what the snapshot root wants loaded: `ravelin.load`, or default=on and `ravelin.plugins.NAME.load` */
int rv_plugins_load_configured(struct rv_plugins *plugins, const struct rv_conf *root, struct rv_why *why);
/* the rights that the plugins which root wants loaded need in init, each once or more; a non-zero return of fn ends the
 * walk and is returned */
int rv_plugins_each_right(struct rv_plugins *plugins, const struct rv_conf *root,
			  int (*fn)(const char *plugin, const char *right, void *arg), void *arg);
/* the system calls that loaded plugins asked for, each once or more; a non-zero return of fn ends the walk */
int rv_plugins_each_syscall(struct rv_plugins *plugins, int (*fn)(const char *name, void *arg), void *arg);
/* loads one from its static twin; the note is found in the program's own segments */
int rv_plugins_load_static(struct rv_plugins *plugins, const char *name, const struct rv_plugin *plugin,
			   struct rv_why *why);
int rv_plugins_unload(struct rv_plugins *plugins, const char *name, bool drain, struct rv_call *call,
		      struct rv_why *why);
/* every plugin found (loaded or not), with its note's text by key */
struct rv_plugin_info {
	const char *name, *path, *version, *summary, *licence, *vendor, *provides, *needs, *rfc, *schema, *rights;
	unsigned abi_major, abi_minor;
	bool loaded, draining, by_default;
};
int rv_plugins_each(struct rv_plugins *plugins, int (*fn)(const struct rv_plugin_info *info, void *arg), void *arg);

/* conf*.c: the union of schemas, reading, and the snapshot. */
struct rv_schema;
struct rv_schema *rv_schema_new(const void *parent);
int rv_schema_add(struct rv_schema *schema, const char *owner, const char *text, struct rv_why *why);
extern const char rv_schema_core[]; /* schema-core.c */
/* NULL with why (every error, file and line each). vault: where secrets go. */
struct rv_conf *rv_conf_read_file(const void *parent, struct rv_vault *vault, const struct rv_schema *schema,
				  const char *path, struct rv_why *why);
struct rv_conf *rv_conf_read_text(const void *parent, struct rv_vault *vault, const struct rv_schema *schema,
				  const char *name, const char *text, struct rv_why *why);
/* what the operator should know of the files (a secret that everybody may read), or NULL */
const char *rv_conf_warning(const struct rv_conf *conf);
/* doc/config.md from the schema */
char *rv_schema_document(const void *parent, const struct rv_schema *schema);

/* proposal-parse.c: a list of proposals; "default" becomes one of combined algorithms and one of separate ones. */
int rv_proposals_parse(const void *parent, struct rv_registry *registry, uint8_t protocol, const char *const *list,
		       struct rv_proposal **out, size_t *n, struct rv_why *why);

/* pad.c, connection.c, secrets.c: made from a snapshot; fails with why when a connection is not valid. */
struct rv_pad *rv_pad_new(const void *parent, struct rv_core *core, struct rv_conf *conf, struct rv_why *why);
int rv_pad_each(struct rv_pad *pad, int (*fn)(const struct rv_connection *connection, void *arg), void *arg);
/* what is said of a name that is not configured: which ones are */
int rv_pad_unknown_connection(struct rv_core *core, const char *name, struct rv_why *why);
int rv_pad_unknown_child(struct rv_core *core, const struct rv_connection *connection, const char *name,
			 struct rv_why *why);

/* sad.c, spd.c: the databases. each_child: the child at hand may be freed. */
struct rv_sad *rv_sad_new(const void *parent, struct rv_core *core);
struct rv_spd *rv_spd_new(const void *parent, struct rv_core *core);
int rv_sad_each_child(struct rv_core *core, int (*fn)(struct rv_child *child, void *arg), void *arg);
/* every policy that is installed; whose: "trap net of west", "child SA net #3 of west" or, of several, the first's */
int rv_spd_each(struct rv_core *core, int (*fn)(const struct rv_policy_spec *policy, const char *whose, void *arg),
		void *arg);

/* attempt.c. The index has the attempts by connection. */
struct rv_attempts;
struct rv_attempts *rv_attempts_new(const void *parent, struct rv_core *core);
enum { RV_ATTEMPT_STEPS = 64, RV_ATTEMPTS_OF_ONE = 32, RV_ATTEMPTS_MAX = 1024 };
struct rv_attempt_step {
	uint64_t at_us;
	char *text;
};
struct rv_attempt {
	struct rv_list entry; /* in core->attempts, the newest last */
	struct rv_core *core;
	uint32_t id;
	unsigned holds;
	char *connection, *child, *who;
	uint64_t wall_s, began_us, ended_us;
	struct rv_attempt_step *steps;
	unsigned n_steps;
	bool ended;
	int code;
	char *found, *advice;
	void (*changed)(struct rv_attempt *attempt, void *arg); /* core->attempt_changed when it began */
	void *changed_arg;
	struct rv_list same; /* attempts of connections with the same hash */
	unsigned n_left_out; /* steps in the middle that there was no room for */
	bool listed;
	void *up;	      /* tunnel.c: what it is a part of, or NULL */
	struct rv_ts *packet; /* that asked for it: its local and its remote side; or NULL */
};
/* by id; NULL when it is gone */
struct rv_attempt *rv_attempt_find(struct rv_core *core, uint32_t id);

/* dbus/: serves the objects. message_bus: "system", "session" or NULL. */
struct rv_bus *rv_bus_new(const void *parent, struct rv_core *core, const char *message_bus, struct rv_why *why);

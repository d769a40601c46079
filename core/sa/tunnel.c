// SPDX-License-Identifier: LGPL-2.1-or-later
/* tunnel: what is asked to come up (by a person, by traffic, by start_action), and what is tried again.
 *
 * An `up` is one attempt at one connection with the children that it is to bring up, one after the other: the first
 * with the session, the others in it. A `goal` is a child that should be up; it starts an up and, when that fails, the
 * next one after a pause that doubles.
 */
#include "inner.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

enum { PAUSE_S = 5, PAUSE_MOST_S = 300, STEADY_S = 60 };

struct goal {
	struct rv_list entry; /* in named->goals */
	struct rv_named *named;
	struct rv_tunnels *tunnels;
	struct rv_timer timer;
	const char *child;
	unsigned tries;
	uint64_t pause_us;
	struct up *up; /* under way */
};

struct up {
	struct rv_list entry; /* in named->ups */
	struct rv_named *named;
	struct rv_tunnels *tunnels;
	struct rv_attempt *attempt; /* held */
	const char **children;	    /* names, NULL-terminated; the array is this one's */
	size_t at;
	struct goal *goal;
	bool waits;  /* for a session that somebody else is setting up */
	bool asked;  /* the keying protocol has the attempt */
	bool called; /* up_next() is deferred */
};

struct rv_tunnels {
	struct rv_core *core;
};

static void up_next(void *arg);

/* Which keying protocol */

static int newest(struct rv_service *service, void *arg)
{
	struct rv_service **best = arg;

	if (rv_service_attr(service, "version", 0) > (*best ? rv_service_attr(*best, "version", 0) : 0))
		*best = service;
	return 0;
}

struct rv_service *rv_keying_of(struct rv_core *core, const struct rv_connection *connection, struct rv_why *why)
{
	struct rv_service *service = NULL;

	if (connection->keying)
		service = rv_registry_find(core->registry, "keying", connection->keying);
	else if (connection->version)
		service = rv_registry_find_attr(core->registry, "keying", "version", connection->version);
	else
		rv_registry_each(core->registry, "keying", newest, &service);
	if (service)
		return service;
	if (connection->keying)
		rv_why_set(why, -RV_ENO_PROVIDER, "connection %s wants keying = %s, which no loaded plugin provides",
			   connection->name, connection->keying);
	else
		rv_why_set(why, -RV_ENO_PROVIDER, "connection %s: no loaded plugin of kind keying has version %u",
			   connection->name, connection->version);
	return NULL;
}

/* Ups */

static int up_gone(struct up *up)
{
	rv_defer_cancel(up->tunnels->core->loop, up);
	if (up->attempt)
		up->attempt->up = NULL;
	if (up->goal)
		up->goal->up = NULL;
	rv_attempt_drop(up->attempt);
	rv_list_del(&up->entry);
	rv_named_drop(up->named);
	return 0;
}

static void up_later(struct up *up)
{
	if (up->called)
		return;
	up->called = !rv_defer(up->tunnels->core->loop, up_next, up);
	if (!up->called)
		rv_attempt_fail(up->attempt, -ENOMEM, NULL, "memory is out");
}

bool rv_tunnel_goes_on(struct rv_attempt *attempt)
{
	struct up *up = attempt->up;

	if (!up || !up->asked || !up->children[up->at])
		return false;
	up->asked = false;
	up->at++;
	if (!up->children[up->at])
		return false;
	up_later(up);
	return true;
}

static struct up *waiting(struct rv_named *named)
{
	rv_list_each (&named->ups, it, struct up, entry)
		if (it->waits)
			return it;
	return NULL;
}

/* Others that waited for the same session learn what became of it. */
static void tell_waiting(struct rv_named *named, const struct rv_attempt *failed)
{
	for (struct up *up = waiting(named); up; up = waiting(named)) {
		up->waits = false;
		if (!failed) {
			up_later(up);
			continue;
		}
		rv_attempt_step(up->attempt, "attempt %u, which this one waited for, failed", failed->id);
		rv_attempt_fail(up->attempt, failed->code, failed->advice, "%s",
				failed->found ? failed->found : rv_error_text(failed->code));
	}
}

static void goal_ended(struct goal *goal, const struct rv_attempt *attempt);

void rv_tunnel_ended(struct rv_attempt *attempt)
{
	struct up *up = attempt->up;

	if (!up)
		return;
	struct rv_named *named = up->named;
	struct goal *goal = up->goal;
	bool tells = up->asked || !attempt->code;

	named->holds++;
	talloc_free(up);
	if (goal)
		goal_ended(goal, attempt);
	if (tells)
		tell_waiting(named, attempt->code ? attempt : NULL);
	rv_named_drop(named);
}

struct search {
	struct rv_peer *established;
	const char *child;
	struct rv_child *installed;
	bool under_way;
};

static int look(struct rv_peer *peer, void *arg)
{
	struct search *search = arg;

	if (!peer->established) {
		search->under_way = search->under_way || peer->initiator;
		return 0;
	}
	search->established = peer;
	rv_list_each (&peer->children, child, struct rv_child, entry) {
		bool live = child->state == RV_CHILD_INSTALLED || child->state == RV_CHILD_REKEYING;
		if (live && search->child && strcmp(child->conf->name, search->child) == 0)
			search->installed = child;
	}
	return 0;
}

static bool others_set_up(const struct up *up)
{
	rv_list_each (&up->named->ups, it, struct up, entry)
		if (it != up && it->asked)
			return true;
	return false;
}

/* Hands the attempt to the keying protocol: a new session, or one more child in the one that is there. */
static void ask(struct up *up, struct rv_peer *peer, const struct rv_connection *connection,
		const struct rv_child_conf *conf)
{
	struct rv_attempt *attempt = rv_attempt_hold(up->attempt);
	struct rv_why why = { 0 };
	struct rv_service *service = peer ? peer->keying.service : rv_keying_of(up->tunnels->core, connection, &why);
	int r = why.code;

	up->asked = true;
	if (service) {
		const struct rv_keying_ops *ops = rv_service_ops(service);
		void *self = rv_service_self(service);
		if (!peer)
			r = RV_HAS(ops, up) ? ops->up(self, connection, conf, attempt) : -EOPNOTSUPP;
		else
			r = RV_HAS(ops, child_up) ? ops->child_up(self, peer, conf, attempt) : -EOPNOTSUPP;
	}
	if (r < 0)
		rv_attempt_fail(attempt, r, NULL, "%s", why.text[0] ? why.text : rv_error_text(r));
	rv_attempt_drop(attempt);
}

static void up_next(void *arg)
{
	struct up *up = arg;
	struct rv_core *core = up->tunnels->core;
	const struct rv_connection *connection = rv_connection_find(core, up->named->name);
	const char *name = up->children[up->at];
	const struct rv_child_conf *conf = connection && name ? rv_connection_child(connection, name) : NULL;
	struct search search = { .child = name };

	up->called = false;
	if (!connection || (name && !conf)) {
		rv_attempt_fail(up->attempt, connection ? -RV_EUNKNOWN_CHILD : -RV_EUNKNOWN_CONNECTION, NULL,
				"%s is no longer configured", connection ? name : up->named->name);
		return;
	}
	rv_peer_each(core, up->named->name, look, &search);
	if (search.installed || (search.established && !name)) {
		rv_attempt_step(up->attempt, "%s is up already", name ? name : up->named->name);
		up->asked = true;
		rv_attempt_ok(up->attempt);
		return;
	}
	if (!search.established && (search.under_way || others_set_up(up))) {
		rv_attempt_step(up->attempt, "waiting for the session that is being set up");
		up->waits = true;
		return;
	}
	ask(up, search.established, connection, conf);
}

void rv_tunnel_peer_up(struct rv_peer *peer)
{
	struct rv_core *core = peer->core;
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);

	if (peer->attempt && peer->attempt->ended && peer->attempt->code == -RV_ECANCELLED && RV_HAS(ops, down)) {
		rv_log(&core->subject, RV_NOTICE, "came-up-too-late", KV_STR("connection", peer->attempt->connection));
		ops->down(rv_service_self(peer->keying.service), peer);
		return;
	}
	struct rv_snapshot *snapshot = rv_container_of(peer, struct rv_peer_whole, peer)->snapshot;
	if (snapshot)
		tell_waiting(snapshot->named, NULL);
}

/* A new up for these children; NULL when memory is out. */
static struct up *up_new(struct rv_tunnels *tunnels, const char *connection, const char *label,
			 const char *const *children, const char *who)
{
	struct up *up = talloc_zero(tunnels, struct up);
	size_t n = 0;

	if (!up)
		return NULL;
	up->tunnels = tunnels;
	rv_list_init(&up->entry);
	talloc_set_destructor(up, up_gone);
	while (children[n])
		n++;
	up->named = rv_named_hold(tunnels->core, connection);
	up->children = talloc_zero_array(up, const char *, n + 1);
	up->attempt = rv_attempt_hold(rv_attempt_new(tunnels->core, connection, label, who));
	if (!up->named || !up->children || !up->attempt) {
		talloc_free(up);
		return NULL;
	}
	rv_list_add(&up->named->ups, &up->entry);
	up->attempt->up = up;
	for (size_t i = 0; i < n; i++) {
		up->children[i] = talloc_strdup(up, children[i]);
		if (!up->children[i]) {
			talloc_free(up);
			return NULL;
		}
	}
	return up;
}

static bool is_policy(const struct rv_child_conf *conf)
{
	return conf->mode == RV_PASS || conf->mode == RV_DROP;
}

/* The names of the children that `up` means; child NULL: see core.h. */
static const char **chosen(const void *parent, const struct rv_connection *connection, const char *child)
{
	const char **names = talloc_zero_array(parent, const char *, connection->n_children + 2);
	size_t n = 0;

	if (!names)
		return NULL;
	if (child) {
		names[0] = child;
		return names;
	}
	for (int all = 0; all < 2 && !n; all++)
		for (size_t i = 0; i < connection->n_children; i++) {
			const struct rv_child_conf *conf = &connection->children[i];
			if (!is_policy(conf) && (all || conf->start_action != RV_ACTION_NONE))
				names[n++] = conf->name;
		}
	return names;
}

/* The attempt that already tries the very same, or NULL. */
static struct rv_attempt *same_attempt(struct rv_tunnels *tunnels, const char *connection, const char *child)
{
	struct rv_named *named = rv_named_find(tunnels->core, connection);

	if (!named)
		return NULL;
	rv_list_each (&named->ups, it, struct up, entry) {
		const char *its = it->attempt->child;
		if (!its == !child && (!its || strcmp(its, child) == 0))
			return it->attempt;
	}
	return NULL;
}

static void want_child(struct rv_tunnels *tunnels, const char *connection, const char *child, uint64_t after_us);

static int start_children(const struct rv_connection *connection, void *arg)
{
	for (size_t i = 0; i < connection->n_children; i++)
		if (connection->children[i].start_action == RV_ACTION_START && !is_policy(&connection->children[i]))
			want_child(arg, connection->name, connection->children[i].name, 0);
	return 0;
}

static void not_off(struct rv_named *named)
{
	if (!named || !named->off)
		return;
	named->off = false;
	rv_named_drop(named);
}

/* An up that a person asks for makes the children with start_action start wanted again. */
static void want_again(struct rv_tunnels *tunnels, const struct rv_connection *connection)
{
	if (rv_tunnels_wanted(tunnels->core, connection->name))
		return;
	not_off(rv_named_find(tunnels->core, connection->name));
	rv_traps_sync(tunnels->core);
	start_children(connection, tunnels);
}

int rv_core_up(struct rv_core *core, const char *connection, const char *child, const char *who,
	       struct rv_attempt **attempt, struct rv_why *why)
{
	const struct rv_connection *found = rv_connection_find(core, connection);
	const struct rv_child_conf *conf = found && child ? rv_connection_child(found, child) : NULL;
	struct rv_attempt *there;
	const char **names;

	if (core->stopping)
		return rv_why_set(why, -RV_ESTATE, "the daemon is stopping");
	if (!found)
		return rv_pad_unknown_connection(core, connection, why);
	if (child && !conf)
		return rv_pad_unknown_child(core, found, child, why);
	if (conf && is_policy(conf))
		return rv_why_set(why, -RV_ESTATE, "%s of %s is a policy without a tunnel (mode = %s)", child,
				  connection, conf->mode == RV_PASS ? "pass" : "drop");
	if (!rv_keying_of(core, found, why))
		return why ? why->code : -RV_ENO_PROVIDER;
	want_again(core->tunnels, found);
	there = same_attempt(core->tunnels, connection, child);
	if (there) {
		rv_attempt_step(there, "asked for again: %s", who);
		*attempt = rv_attempt_hold(there);
		return 0;
	}
	names = chosen(core, found, child);
	struct up *up = names ? up_new(core->tunnels, connection, child, names, who) : NULL;
	talloc_free(names);
	if (!up)
		return rv_why_set(why, -ENOMEM, "memory is out");
	*attempt = rv_attempt_hold(up->attempt);
	up_next(up);
	return 0;
}

/* Goals */

static int goal_gone(struct goal *goal)
{
	rv_timer_cancel(&goal->timer);
	if (goal->up)
		goal->up->goal = NULL;
	rv_list_del(&goal->entry);
	rv_named_drop(goal->named);
	return 0;
}

static void goal_after(struct goal *goal, uint64_t us)
{
	if (!rv_timer_arm(&goal->timer, us))
		return;
	rv_log(&goal->tunnels->core->subject, RV_ERROR, "timer-failed", KV_STR("connection", goal->named->name));
	talloc_free(goal);
}

/* How often the connection says to try; 0: until it works. */
static int64_t tries_of(struct rv_core *core, const char *name)
{
	const struct rv_connection *connection = rv_connection_find(core, name);

	if (!connection || !rv_conf_has(connection->conf, "keyingtries"))
		return 0;
	return rv_conf_int(connection->conf, "keyingtries");
}

static void goal_ended(struct goal *goal, const struct rv_attempt *attempt)
{
	struct rv_core *core = goal->tunnels->core;
	int64_t most = tries_of(core, goal->named->name);

	if (!attempt->code || attempt->code == -RV_ECANCELLED || core->stopping) {
		talloc_free(goal);
		return;
	}
	goal->tries++;
	if (most > 0 && goal->tries >= most) {
		rv_log(&core->subject, RV_WARN, "start-given-up", KV_STR("connection", goal->named->name),
		       KV_STR("child", goal->child), KV_UINT("tries", goal->tries));
		talloc_free(goal);
		return;
	}
	rv_log(&core->subject, RV_NOTICE, "start-again", KV_STR("connection", goal->named->name),
	       KV_STR("child", goal->child), KV_UINT("seconds", goal->pause_us / 1000000));
	uint64_t pause = goal->pause_us;
	goal->pause_us = pause * 2 < RV_S(PAUSE_MOST_S) ? pause * 2 : RV_S(PAUSE_MOST_S);
	goal_after(goal, pause);
}

/* A goal ends with the configuration that wanted it. */
static bool may_start(const struct rv_child_conf *conf)
{
	return conf && (conf->start_action == RV_ACTION_START || conf->close_action == RV_ACTION_START ||
			conf->dpd_action == RV_ACTION_START);
}

static void goal_due(struct rv_timer *timer)
{
	struct goal *goal = rv_container_of(timer, struct goal, timer);
	struct rv_tunnels *tunnels = goal->tunnels;
	const struct rv_connection *connection = rv_connection_find(tunnels->core, goal->named->name);
	const char *const names[] = { goal->child, NULL };
	struct rv_attempt *there = same_attempt(tunnels, goal->named->name, goal->child);

	if (tunnels->core->stopping || !connection || !may_start(rv_connection_child(connection, goal->child))) {
		talloc_free(goal);
		return;
	}
	struct up *up = there ? there->up : up_new(tunnels, goal->named->name, goal->child, names, "start");
	if (!up || up->goal) {
		goal_after(goal, goal->pause_us);
		return;
	}
	up->goal = goal;
	goal->up = up;
	if (!there)
		up_next(up);
}

static struct goal *goal_new(struct rv_tunnels *tunnels, const char *connection, const char *child)
{
	struct goal *goal = talloc_zero(tunnels, struct goal);

	if (!goal)
		return NULL;
	goal->tunnels = tunnels;
	goal->pause_us = RV_S(PAUSE_S);
	rv_timer_init(&goal->timer, tunnels->core->loop, goal_due);
	goal->child = talloc_strdup(goal, child);
	goal->named = goal->child ? rv_named_hold(tunnels->core, connection) : NULL;
	if (!goal->named) {
		talloc_free(goal);
		return NULL;
	}
	rv_list_add(&goal->named->goals, &goal->entry);
	talloc_set_destructor(goal, goal_gone);
	return goal;
}

/* This child should be up: tried after_us from now, unless that is under way. */
static void want_child(struct rv_tunnels *tunnels, const char *connection, const char *child, uint64_t after_us)
{
	struct rv_named *named = rv_named_find(tunnels->core, connection);
	struct search search = { .child = child };

	rv_peer_each(tunnels->core, connection, look, &search);
	if (search.installed && !after_us)
		return;
	if (named) {
		rv_list_each (&named->goals, it, struct goal, entry)
			if (strcmp(it->child, child) == 0)
				return;
	}
	struct goal *goal = goal_new(tunnels, connection, child);
	if (goal)
		goal_after(goal, after_us);
	else
		rv_log(&tunnels->core->subject, RV_ERROR, "start-failed", KV_STR("connection", connection),
		       KV_STR("child", child), KV_STR("why", "memory is out"));
}

/* A peer that takes a child down as soon as it is up is not asked again at once. */
void rv_tunnel_lost(struct rv_core *core, const struct rv_child_conf *conf, uint8_t action, uint64_t age_us)
{
	if (core->stopping || action == RV_ACTION_NONE)
		return;
	if (action == RV_ACTION_TRAP)
		rv_traps_add(core, conf);
	else
		want_child(core->tunnels, conf->connection->name, conf->name,
			   age_us < RV_S(STEADY_S) ? RV_S(PAUSE_S) : 1);
}

void rv_tunnel_acquire(struct rv_core *core, uint32_t reqid, const struct rv_ts *local, const struct rv_ts *remote)
{
	const char *connection, *child;
	char l[RV_TS_TEXT], r[RV_TS_TEXT], text[2 * RV_TS_TEXT + 8];
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	if (!rv_traps_whose(core, reqid, &connection, &child) || same_attempt(core->tunnels, connection, child))
		return;
	snprintf(text, sizeof(text), "%s === %s", rv_ts_text(local, l), rv_ts_text(remote, r));
	rv_event_emit(core, &(struct rv_event){ .name = "acquire",
						.connection = rv_connection_find(core, connection),
						.text = text });
	if (rv_core_up(core, connection, child, "trap", &attempt, &why)) {
		rv_log(&core->subject, RV_WARN, "acquire-failed", KV_STR("connection", connection),
		       KV_STR("why", why.text));
		return;
	}
	if (!attempt)
		return;
	rv_attempt_step(attempt, "traffic %s", text);
	attempt->packet = talloc_array(attempt, struct rv_ts, 2);
	if (attempt->packet) {
		attempt->packet[0] = *local;
		attempt->packet[1] = *remote;
	}
	rv_attempt_drop(attempt);
}

/* Down */

static int down_peer(struct rv_peer *peer, void *arg)
{
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);

	if (!RV_HAS(ops, down) || ops->down(rv_service_self(peer->keying.service), peer) < 0)
		rv_peer_down(peer, 0, "taken down");
	return 0;
}

/* Ends the ups and goals of a connection. */
static void give_up(struct rv_named *named, void *arg)
{
	const char *text = arg;

	rv_list_each (&named->goals, it, struct goal, entry)
		talloc_free(it);
	while (!rv_list_empty(&named->ups)) {
		struct up *up = rv_container_of(named->ups.next, struct up, entry);

		up->waits = false;
		rv_attempt_fail(up->attempt, -RV_ECANCELLED, NULL, "%s", text);
	}
}

int rv_core_down(struct rv_core *core, const char *connection, struct rv_why *why)
{
	struct rv_named *named = rv_named_find(core, connection);
	char text[] = "taken down before it was up";

	if (!rv_connection_find(core, connection) && (!named || rv_list_empty(&named->peers)))
		return rv_pad_unknown_connection(core, connection, why);
	named = rv_named_hold(core, connection);
	if (!named)
		return rv_why_set(why, -ENOMEM, "memory is out");
	if (!named->off) {
		named->off = true;
		named->holds++;
	}
	rv_traps_sync(core);
	give_up(named, text);
	rv_peer_each(core, connection, down_peer, NULL);
	rv_named_drop(named);
	return 0;
}

bool rv_tunnels_wanted(const struct rv_core *core, const char *connection)
{
	const struct rv_named *named = rv_named_find(core, connection);

	return !named || !named->off;
}

/* Configuration and end */

static void not_off_each(struct rv_named *named, void *arg)
{
	not_off(named);
}

void rv_tunnels_sync(struct rv_core *core)
{
	rv_pad_each(core->pad, start_children, core->tunnels);
}

void rv_tunnels_forget_off(struct rv_core *core)
{
	rv_names_each(core, not_off_each, NULL);
}

void rv_tunnels_clear(struct rv_core *core)
{
	char text[] = "the daemon stops";

	rv_names_each(core, give_up, text);
}

static void free_all(struct rv_named *named, void *arg)
{
	rv_list_each (&named->ups, it, struct up, entry)
		talloc_free(it);
	rv_list_each (&named->goals, it, struct goal, entry)
		talloc_free(it);
}

static int tunnels_gone(struct rv_tunnels *tunnels)
{
	rv_names_each(tunnels->core, free_all, NULL);
	return 0;
}

struct rv_tunnels *rv_tunnels_new(const void *parent, struct rv_core *core)
{
	struct rv_tunnels *tunnels = talloc_zero(parent, struct rv_tunnels);

	if (!tunnels)
		return NULL;
	tunnels->core = core;
	talloc_set_destructor(tunnels, tunnels_gone);
	return tunnels;
}

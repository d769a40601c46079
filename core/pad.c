// SPDX-License-Identifier: LGPL-2.1-or-later
/* pad: the peer authorization database (RFC 4301, 4.4.3): which connection a peer belongs to.
 *
 * Addresses are looked at first, then the identity that the peer asked us for, then its own. A configured name fits
 * every address, since a look-up must not wait; who the peer is, its identity proves.
 */
#include "pad.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

/* 3 * 4 + 3 is the best score of addresses */
enum { SCORE_MAX = 16 };

/* How well one address fits a list: 0 not, 1 by %any or a name, 2 by a range, 3 exactly. addr NULL or any: 1. */
static unsigned addr_score(const struct pad_addr *list, size_t n, const struct rv_addr *addr)
{
	unsigned best = 0;

	if (!addr || rv_addr_is_any(addr))
		return 1;
	for (size_t i = 0; i < n; i++) {
		const struct pad_addr *one = &list[i];
		unsigned score = 0;
		if (one->kind == PAD_ADDR_NAME)
			score = 1;
		else if (one->kind == PAD_ADDR_ANY)
			score = !one->range.family || one->range.family == addr->family;
		else if (one->range.family != addr->family)
			continue;
		else if (one->kind == PAD_ADDR_ONE)
			score = memcmp(one->range.lo, addr->ip, rv_family_len(addr->family)) ? 0 : 3;
		else if (rv_ts_match(&one->range, addr->family, addr->ip, 0, 0, false))
			score = 2;
		if (score > best)
			best = score;
	}
	return best;
}

static bool version_fits(const struct rv_connection *connection, unsigned version)
{
	return !connection->keying && connection->n_remote &&
	       (!version || !connection->version || connection->version == version);
}

/* 0: does not fit; else the peer's address counts before ours. */
static unsigned score_of(const struct pad_entry *entry, unsigned version, const struct rv_addr *local,
			 const struct rv_addr *remote)
{
	unsigned ours, theirs;

	if (!version_fits(&entry->connection, version))
		return 0;
	ours = addr_score(entry->local, entry->n_local, local);
	theirs = ours ? addr_score(entry->remote, entry->n_remote, remote) : 0;
	return theirs ? theirs * 4 + ours : 0;
}

/* How many connections up to this place of the file are in groups that fit that well. */
static size_t n_before(const struct rv_pad *pad, unsigned version, const struct rv_addr *local,
		       const struct rv_addr *remote, unsigned score, size_t index)
{
	struct pad_walk walk = pad_groups_at(pad->index, remote);
	const struct pad_group *group;
	size_t n = 0;

	while ((group = pad_group_next(pad->index, &walk))) {
		size_t lo = 0, hi = group->n;
		if (score_of(group->entries[0], version, local, remote) != score)
			continue;
		while (lo < hi) {
			size_t mid = (lo + hi) / 2;
			if (group->entries[mid]->index < index)
				lo = mid + 1;
			else
				hi = mid;
		}
		n += lo;
	}
	return n;
}

const struct rv_connection *rv_connection_match(struct rv_core *core, unsigned version, const struct rv_addr *local,
						const struct rv_addr *remote, size_t n)
{
	const struct rv_pad *pad = core->pad;
	size_t counts[SCORE_MAX] = { 0 }, lo = 0, hi = pad ? pad->n : 0;
	unsigned score = SCORE_MAX;
	const struct pad_group *group;

	if (!pad)
		return NULL;
	for (struct pad_walk walk = pad_groups_at(pad->index, remote); (group = pad_group_next(pad->index, &walk));)
		counts[score_of(group->entries[0], version, local, remote)] += group->n;
	while (--score && n >= counts[score])
		n -= counts[score];
	if (!score)
		return NULL;
	/* the last place that has at most n of them before it is that of the one with n before it */
	while (lo + 1 < hi) {
		size_t mid = (lo + hi) / 2;
		if (n_before(pad, version, local, remote, score, mid) <= n)
			lo = mid;
		else
			hi = mid;
	}
	return &pad->entries[lo]->connection;
}

/* How well the connection's own identity fits the one that the peer asked for. */
static int our_score(const struct rv_connection *connection, const struct rv_addr *local, const struct rv_id *ours)
{
	const struct rv_id *id = connection->n_local ? connection->local[0].id : NULL;

	if (!ours || ours->type == RV_ID_ANY)
		return 1;
	if (id)
		return rv_id_match(id, ours);
	if (!local || (ours->type != RV_ID_IPV4 && ours->type != RV_ID_IPV6))
		return 0;
	return ours->len == rv_family_len(local->family) && !memcmp(ours->b, local->ip, ours->len) ? 3 : 0;
}

static int their_score(const struct rv_connection *connection, const struct rv_id *their)
{
	return rv_id_match(connection->remote[0].id, their);
}

/* The best so far, or while there is none, what came closest. */
struct search {
	const struct rv_connection *best, *closest;
	size_t index; /* of the best: of equal ones the first in the file counts */
	int score, close;
	bool ours_fits;
};

/* What a peer is looked for by. */
struct wanted {
	unsigned version;
	const struct rv_addr *local, *remote;
	const struct rv_id *ours, *their;
};

static void consider(struct search *s, const struct pad_entry *entry, const struct wanted *w)
{
	const struct rv_connection *connection = &entry->connection;
	unsigned addrs = score_of(entry, w->version, w->local, w->remote);
	int ours = addrs ? our_score(connection, w->local, w->ours) : 0;
	int theirs = addrs ? their_score(connection, w->their) : 0;
	int score = (int)addrs * 16 + ours * 4 + theirs;

	if (ours && theirs && (score > s->score || (score == s->score && entry->index < s->index))) {
		s->score = score;
		s->index = entry->index;
		s->best = connection;
	}
	if (!addrs || (ours && theirs))
		return;
	score += (ours || theirs) * 1024;
	if (score > s->close) {
		s->close = score;
		s->closest = connection;
		s->ours_fits = ours;
	}
}

/* Those that the index has for the peer's address and identity. */
static void search_index(struct search *s, const struct pad_index *index, const struct wanted *w)
{
	struct pad_walk groups = pad_groups_at(index, w->remote), entries = pad_entries_of(index, w->their);
	const struct pad_group *group;
	const struct pad_entry *entry;

	while ((entry = pad_entry_next(index, &entries)))
		consider(s, entry, w);
	while ((group = pad_group_next(index, &groups)))
		for (size_t i = 0; i < group->n_patterns; i++)
			consider(s, group->patterns[i], w);
}

static const struct rv_connection *explain(const struct search *s, const struct rv_addr *remote,
					   const struct rv_id *ours, const struct rv_id *their, struct rv_why *why)
{
	const struct rv_connection *c = s->closest;
	char addr[RV_ADDR_TEXT] = "any address", said[RV_ID_TEXT], wanted[RV_ID_TEXT];

	if (remote)
		rv_addr_text(remote, addr);
	if (!c) {
		rv_why_set(why, -RV_EUNKNOWN_PEER, "no connection has addresses and a version that fit a peer at %s",
			   addr);
	} else if (s->ours_fits) {
		rv_why_set(why, -RV_EUNKNOWN_PEER,
			   "the peer at %s says it is '%s'; the connection that comes closest, '%s' (%s), expects '%s'",
			   addr, rv_id_text(their, said), c->name, rv_conf_where(c->conf, NULL),
			   rv_id_text(c->remote[0].id, wanted));
	} else {
		const struct rv_id *id = c->n_local ? c->local[0].id : NULL;
		rv_why_set(
			why, -RV_EUNKNOWN_PEER,
			"the peer at %s asks for '%s'; in the connection that comes closest, '%s' (%s), we are %s%s%s",
			addr, rv_id_text(ours, said), c->name, rv_conf_where(c->conf, NULL), id ? "'" : "",
			id ? rv_id_text(id, wanted) : "our address", id ? "'" : "");
	}
	return NULL;
}

const struct rv_connection *rv_pad_find(struct rv_core *core, unsigned version, const struct rv_addr *local,
					const struct rv_addr *remote, const struct rv_id *ours,
					const struct rv_id *their, struct rv_why *why)
{
	const struct rv_pad *pad = core->pad;
	const struct wanted wanted = { version, local, remote, ours, their };
	struct search search = { 0 };

	if (pad)
		search_index(&search, pad->index, &wanted);
	if (search.best)
		return search.best;
	for (size_t i = 0; pad && i < pad->n; i++)
		consider(&search, pad->entries[i], &wanted);
	return explain(&search, remote, ours, their, why);
}

static int by_name(const void *a, const void *b)
{
	const struct pad_entry *const *x = a, *const *y = b;

	return strcmp((*x)->connection.name, (*y)->connection.name);
}

const struct rv_connection *rv_connection_find(struct rv_core *core, const char *name)
{
	const struct rv_pad *pad = core->pad;
	size_t lo = 0, hi = pad ? pad->n : 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int order = strcmp(pad->by_name[mid]->connection.name, name);
		if (!order)
			return &pad->by_name[mid]->connection;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

enum { SHOWN = 8 }; /* names in a message */

/* The nth name of a list for people: "; it has one, two and 9 more". */
static void add_name(char **list, const char *before, size_t nth, size_t n, const char *name)
{
	if (nth < SHOWN)
		*list = talloc_asprintf_append(*list, "%s%s", nth ? ", " : before, name);
	else if (nth == SHOWN)
		*list = talloc_asprintf_append(*list, " and %zu more", n - SHOWN);
}

int rv_pad_unknown_connection(struct rv_core *core, const char *name, struct rv_why *why)
{
	const struct rv_pad *pad = core->pad;
	size_t n = pad ? pad->n : 0;
	char *list = talloc_strdup(core, n ? "" : "; the configuration has none");
	int code;

	for (size_t i = 0; i < n && i <= SHOWN; i++)
		add_name(&list, "; there are ", i, n, pad->by_name[i]->connection.name);
	code = rv_why_set(why, -RV_EUNKNOWN_CONNECTION, "no connection is called %s%s", name, list ? list : "");
	talloc_free(list);
	return code;
}

int rv_pad_unknown_child(struct rv_core *core, const struct rv_connection *connection, const char *name,
			 struct rv_why *why)
{
	char *list = talloc_strdup(core, "");
	int code;

	for (size_t i = 0; i < connection->n_children && i <= SHOWN; i++)
		add_name(&list, "; it has ", i, connection->n_children, connection->children[i].name);
	code = rv_why_set(why, -RV_EUNKNOWN_CHILD, "connection %s has no child %s%s", connection->name, name,
			  list ? list : "");
	talloc_free(list);
	return code;
}

int rv_pad_each(struct rv_pad *pad, int (*fn)(const struct rv_connection *connection, void *arg), void *arg)
{
	for (size_t i = 0; pad && i < pad->n; i++) {
		int code = fn(&pad->entries[i]->connection, arg);
		if (code)
			return code;
	}
	return 0;
}

struct reading {
	struct rv_pad *pad;
	struct conf_errors *errors;
};

static int count(const char *name, const struct rv_conf *section, void *arg)
{
	++*(size_t *)arg;
	return 0;
}

static int add_connection(const char *name, const struct rv_conf *section, void *arg)
{
	struct reading *r = arg;
	unsigned before = r->errors->n;
	struct pad_entry *entry = pad_entry_new(r->pad, name, section, r->errors);

	if (!entry)
		return r->errors->n > before ? 0 : -ENOMEM;
	entry->index = r->pad->n;
	r->pad->entries[r->pad->n++] = entry;
	return 0;
}

static int fill(struct rv_pad *pad, struct rv_conf *conf, struct conf_errors *errors)
{
	const struct rv_conf *connections = rv_conf_section(conf, "connections");
	struct reading reading = { .pad = pad, .errors = errors };
	size_t n = 0;
	int code;

	rv_conf_each(connections, count, &n);
	pad->entries = talloc_zero_array(pad, struct pad_entry *, (unsigned)n + 1);
	pad->arena = talloc_zero(pad, struct conf_arena);
	if (!pad->entries || !pad->arena || rv_conf_hold(conf, pad))
		return -ENOMEM;
	code = rv_conf_each(connections, add_connection, &reading);
	if (!code)
		code = pad_secrets_read(pad, rv_conf_section(conf, "secrets"), errors);
	if (code)
		return code;
	pad->by_name = talloc_memdup(pad, pad->entries, (n + 1) * sizeof(struct pad_entry *));
	pad->index = pad_index_new(pad);
	if (!pad->by_name || !pad->index)
		return -ENOMEM;
	qsort(pad->by_name, pad->n, sizeof(struct pad_entry *), by_name);
	return 0;
}

struct rv_pad *rv_pad_new(const void *parent, struct rv_core *core, struct rv_conf *conf, struct rv_why *why)
{
	struct rv_pad *pad = talloc_zero(parent, struct rv_pad);
	struct conf_errors *errors = pad ? talloc_zero(pad, struct conf_errors) : NULL;
	int code = -ENOMEM;

	if (errors) {
		pad->core = core;
		code = fill(pad, conf, errors);
	}
	if (code)
		rv_why_set(why, code, "no memory for the connections");
	else
		code = conf_errors_why(errors, why);
	if (code) {
		talloc_free(pad);
		return NULL;
	}
	talloc_free(errors);
	if (rv_conf_warning(conf))
		rv_log(&core->subject, RV_WARN, "secrets-readable", KV_STR("found", rv_conf_warning(conf)));
	return pad;
}

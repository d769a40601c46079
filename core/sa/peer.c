// SPDX-License-Identifier: LGPL-2.1-or-later
/* peer: sessions with peers, from the first message to the last. They outlive the keying protocol's own SAs. */
#include "inner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

static void peer_text(const struct rv_user *user, char *out, size_t size)
{
	const struct rv_peer *peer = rv_container_of(user, const struct rv_peer, user);

	snprintf(out, size, "session #%u of %s", peer->id, peer->connection ? peer->connection->name : "?");
}

static void emit(struct rv_peer *peer, const char *name, int code, const char *text)
{
	rv_event_emit(peer->core, &(struct rv_event){ .name = name,
						      .peer = peer,
						      .connection = peer->connection,
						      .attempt = peer->attempt,
						      .code = code,
						      .text = text });
}

/* Connections */

static struct rv_snapshot *snapshot_hold(struct rv_core *core, const struct rv_connection *connection)
{
	struct rv_named *named = rv_named_hold(core, connection->name);
	struct rv_snapshot *snapshot;

	if (!named)
		return NULL;
	rv_list_each (&named->snapshots, it, struct rv_snapshot, entry)
		if (it->connection == connection) {
			rv_named_drop(named);
			it->uses++;
			return it;
		}
	snapshot = talloc_zero(core, struct rv_snapshot);
	if (!snapshot || !talloc_reference(snapshot, connection)) {
		talloc_free(snapshot);
		rv_named_drop(named);
		return NULL;
	}
	*snapshot = (struct rv_snapshot){ .named = named, .connection = connection, .uses = 1 };
	rv_list_add(&named->snapshots, &snapshot->entry);
	return snapshot;
}

static void snapshot_drop(struct rv_snapshot *snapshot)
{
	if (!snapshot || --snapshot->uses)
		return;
	rv_list_del(&snapshot->entry);
	rv_named_drop(snapshot->named);
	talloc_free(snapshot);
}

int rv_peer_bind(struct rv_peer *peer, const struct rv_connection *connection)
{
	struct rv_peer_whole *whole = rv_container_of(peer, struct rv_peer_whole, peer);
	struct rv_snapshot *old = whole->snapshot, *snapshot = NULL;

	if (peer->connection == connection)
		return 0;
	if (connection) {
		snapshot = snapshot_hold(peer->core, connection);
		if (!snapshot)
			return -ENOMEM;
	}
	rv_list_del(&whole->same);
	whole->snapshot = snapshot;
	if (snapshot)
		rv_list_add(&snapshot->named->peers, &whole->same);
	peer->connection = connection;
	if (old)
		peer->local_id = NULL; /* it may have been the old connection's */
	snapshot_drop(old);
	return 0;
}

/* Identities */

/* Each session has one for as long as it lives: no talloc object, which would be four times as large. */
int rv_peer_identify(struct rv_peer *peer, const struct rv_id *id)
{
	size_t size = sizeof(*id) + id->len;
	struct rv_id *copy = malloc(size);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, id, size);
	free(peer->remote_id);
	peer->remote_id = copy;
	return 0;
}

/* Names compare without case (rv_id_same), so they hash without case. */
static uint32_t mix_id(uint32_t h, const struct rv_id *id)
{
	if (!id)
		return h;
	h = (h ^ id->type) * 16777619u; /* FNV-1a */
	for (uint16_t i = 0; i < id->len; i++) {
		uint8_t c = id->b[i];
		h = (h ^ (c >= 'A' && c <= 'Z' ? c | 0x20 : c)) * 16777619u;
	}
	return h;
}

static uint32_t hash_ends(const struct rv_id *local_id, const struct rv_id *remote_id)
{
	return mix_id(mix_id(2166136261u, local_id), remote_id);
}

static struct rv_peer_whole *first_between(struct rv_core *core, const struct rv_id *local_id,
					   const struct rv_id *remote_id)
{
	struct rv_table *table = rv_sad_identities(core);
	uint32_t hash = hash_ends(local_id, remote_id);
	struct rv_peer_whole *it = NULL;

	while ((it = rv_table_find(table, hash, it)))
		if (rv_id_same(it->peer.local_id, local_id) && rv_id_same(it->peer.remote_id, remote_id))
			return it;
	return NULL;
}

static void note_identities(struct rv_peer_whole *whole)
{
	struct rv_peer *peer = &whole->peer;
	struct rv_peer_whole *first;

	if (whole->known || !rv_list_empty(&whole->twins))
		return;
	first = first_between(peer->core, peer->local_id, peer->remote_id);
	if (first) {
		rv_list_add(&first->twins, &whole->twins);
		return;
	}
	whole->ends = hash_ends(peer->local_id, peer->remote_id);
	whole->known = !rv_table_add(rv_sad_identities(peer->core), whole);
	if (!whole->known)
		rv_log(&peer->core->subject, RV_WARN, "identities-not-noted", KV_UINT("session", peer->id));
}

/* Of twins the next one takes the place in the table: there is room, since this one left it. */
static void forget_identities(struct rv_peer_whole *whole)
{
	struct rv_table *table = rv_sad_identities(whole->peer.core);

	if (whole->known)
		rv_table_del(table, whole);
	if (whole->known && !rv_list_empty(&whole->twins)) {
		struct rv_peer_whole *next = rv_container_of(whole->twins.next, struct rv_peer_whole, twins);
		next->ends = whole->ends;
		next->known = !rv_table_add(table, next);
	}
	rv_list_del(&whole->twins);
	whole->known = false;
}

int rv_peer_each_between(struct rv_core *core, const struct rv_id *local_id, const struct rv_id *remote_id,
			 rv_peer_fn *fn, void *arg)
{
	struct rv_peer_whole *it = first_between(core, local_id, remote_id), *last, *next;
	int r = 0;

	if (!it)
		return 0;
	last = rv_container_of(it->twins.prev, struct rv_peer_whole, twins);
	for (bool more = true; more && !r; it = next) {
		next = rv_container_of(it->twins.next, struct rv_peer_whole, twins);
		more = it != last;
		r = fn(&it->peer, arg);
	}
	return r;
}

/* Birth */

static int peer_gone(struct rv_peer_whole *whole)
{
	struct rv_peer *peer = &whole->peer;

	rv_list_each (&peer->children, child, struct rv_child, entry)
		talloc_free(child);
	rv_lent_end(peer);
	rv_sad_del_peer(peer->core->sad, peer);
	rv_list_del(&whole->same);
	snapshot_drop(whole->snapshot);
	forget_identities(whole);
	free(peer->remote_id);
	peer->remote_id = NULL;
	rv_ref_drop(&peer->keying);
	return 0;
}

struct rv_peer *rv_peer_make(struct rv_core *core, struct rv_service *keying, const struct rv_connection *connection,
			     const struct rv_path *path, bool initiator)
{
	struct rv_peer_whole *whole = talloc_zero(core, struct rv_peer_whole);

	if (!whole)
		return NULL;
	struct rv_peer *peer = &whole->peer;

	peer->core = core;
	peer->path = *path;
	peer->initiator = initiator;
	peer->since_us = rv_loop_now_us(core->loop);
	peer->user.text = peer_text;
	rv_list_init(&whole->same);
	rv_list_init(&whole->twins);
	rv_list_init(&peer->entry);
	rv_list_init(&peer->children);
	if (rv_sad_add_peer(core->sad, peer)) {
		talloc_free(whole);
		return NULL;
	}
	talloc_set_destructor(whole, peer_gone);
	if (rv_peer_bind(peer, connection) || rv_ref_take(&peer->keying, keying, &peer->user)) {
		talloc_free(whole);
		return NULL;
	}
	return peer;
}

struct owned {
	const char *owner;
	struct rv_service *found;
};

static int is_owned(struct rv_service *service, void *arg)
{
	struct owned *owned = arg;

	if (strcmp(rv_service_kind(service), "keying") != 0 || strcmp(rv_service_owner(service), owned->owner) != 0)
		return 0;
	owned->found = service;
	return 1;
}

struct rv_peer *rv_peer_new(struct rv_host *host, const struct rv_connection *connection, const struct rv_path *path,
			    bool initiator)
{
	struct owned owned = { .owner = host->name };

	rv_registry_each(host->registry, "keying", is_owned, &owned);
	if (!owned.found)
		rv_registry_all(host->registry, is_owned, &owned);
	return owned.found ? rv_peer_make(host->core, owned.found, connection, path, initiator) : NULL;
}

void rv_peer_up(struct rv_peer *peer)
{
	note_identities(rv_container_of(peer, struct rv_peer_whole, peer));
	peer->established = true;
	peer->since_us = rv_loop_now_us(peer->core->loop);
	emit(peer, "peer-up", 0, NULL);
	rv_tunnel_peer_up(peer);
}

void rv_peer_rekeyed(struct rv_peer *peer)
{
	emit(peer, "peer-rekeyed", 0, NULL);
}

void rv_peer_down(struct rv_peer *peer, int reason, const char *text)
{
	struct rv_attempt *attempt = rv_attempt_hold(peer->attempt);

	rv_list_each (&peer->children, child, struct rv_child, entry)
		rv_child_down(child, reason);
	if (peer->established)
		emit(peer, "peer-down", reason, text);
	talloc_free(peer);
	if (attempt && !attempt->ended)
		rv_attempt_fail(attempt, reason ? reason : -RV_ECANCELLED, NULL, "%s",
				text ? text : rv_error_text(reason ? reason : -RV_ECANCELLED));
	rv_attempt_drop(attempt);
}

/* A move that a kernel answers later. */
struct moving {
	struct rv_call call;
	struct rv_child *child;
};

static void move_failed(struct rv_child *child, int result)
{
	rv_log(&child->peer->core->subject, RV_ERROR, "move-failed", KV_STR("child", child->conf->name),
	       KV_UINT("child-id", child->id), KV_STR("error", rv_error_text(result)));
}

static void moved(struct rv_call *call, int result)
{
	struct moving *moving = rv_container_of(call, struct moving, call);

	if (result < 0)
		move_failed(moving->child, result);
	talloc_free(moving);
}

static int moving_gone(struct moving *moving)
{
	rv_call_cancel(&moving->call);
	return 0;
}

static void move_sa(struct rv_child *child, uint8_t dir, const struct rv_path *from)
{
	const struct rv_path *to = &child->peer->path;
	const struct rv_kernel_ops *ops = rv_service_ops(child->kernel.service);
	struct moving *moving;

	if (!rv_child_whole(child)->in_kernel[dir])
		return;
	moving = talloc_zero(child, struct moving);
	if (!moving) {
		move_failed(child, -ENOMEM);
		return;
	}
	moving->child = child;
	rv_call_init(&moving->call, moved);
	talloc_set_destructor(moving, moving_gone);
	int r = ops->sa_update(rv_service_self(child->kernel.service), dir == RV_IN ? child->spi_in : child->spi_out,
			       dir, &from->remote, dir == RV_IN ? &to->remote : &to->local,
			       dir == RV_IN ? &to->local : &to->remote, child->encap, &moving->call);
	if (r != RV_PENDING)
		moved(&moving->call, r);
}

void rv_peer_moved(struct rv_peer *peer, const struct rv_path *path)
{
	struct rv_path from = peer->path;

	peer->path = *path;
	rv_list_each (&peer->children, child, struct rv_child, entry) {
		child->encap = child->protocol != RV_PROTO_AH && path->encap && !path->plain_esp;
		move_sa(child, RV_IN, &from);
		move_sa(child, RV_OUT, &from);
	}
	emit(peer, "peer-moved", 0, NULL);
}

static int each_of(struct rv_core *core, const char *connection, rv_peer_fn *fn, void *arg)
{
	struct rv_named *named = rv_named_find(core, connection);
	int r = 0;

	if (!named)
		return 0;
	named->holds++;
	rv_list_each (&named->peers, it, struct rv_peer_whole, same) {
		r = fn(&it->peer, arg);
		if (r)
			break;
	}
	rv_named_drop(named);
	return r;
}

int rv_peer_each(struct rv_core *core, const char *connection, rv_peer_fn *fn, void *arg)
{
	if (connection)
		return each_of(core, connection, fn, arg);
	rv_list_each (rv_sad_peers(core), peer, struct rv_peer, entry) {
		int r = fn(peer, arg);
		if (r)
			return r;
	}
	return 0;
}

uint64_t rv_peer_last_in_us(struct rv_peer *peer)
{
	uint64_t last = 0;

	rv_list_each (&peer->children, child, struct rv_child, entry) {
		struct rv_sa_stats stats;

		if (!rv_child_stats(child, RV_IN, &stats) && stats.last_used_us > last)
			last = stats.last_used_us;
	}
	return last;
}

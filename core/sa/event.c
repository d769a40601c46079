// SPDX-License-Identifier: LGPL-2.1-or-later
/* event: tells every service of kind "watch", and the log, what happened. */
#include "../parts.h"

#include <string.h>

/* What the log makes of an event; "keys" is not here: it is for listeners only. */
static const struct {
	const char *name;
	enum rv_level level;
} levels[] = {
	{ "peer-up", RV_INFO },		{ "peer-rekeyed", RV_INFO },   { "peer-down", RV_INFO },
	{ "peer-moved", RV_INFO },	{ "child-up", RV_INFO },       { "child-rekeyed", RV_INFO },
	{ "child-down", RV_INFO },	{ "acquire", RV_INFO },	       { "expire", RV_DEBUG },
	{ "auth-failed", RV_NOTICE },	{ "attempt-failed", RV_WARN }, { "plugin-loaded", RV_INFO },
	{ "plugin-unloaded", RV_INFO }, { "reloaded", RV_NOTICE },     { "address-up", RV_DEBUG },
	{ "address-down", RV_DEBUG },
};

static struct rv_subject subject_of(struct rv_core *core, const struct rv_event *event)
{
	const struct rv_peer *peer = event->peer ? event->peer : event->child ? event->child->peer : NULL;
	const struct rv_connection *connection = event->connection ? event->connection : peer ? peer->connection : NULL;
	struct rv_subject subject = core->subject;

	if (connection)
		subject = (struct rv_subject){ .log = core->log, .kind = "connection", .name = connection->name };
	if (peer)
		subject = (struct rv_subject){
			.log = core->log, .kind = "session", .name = connection ? connection->name : "?", .id = peer->id
		};
	return subject;
}

static void write_log(struct rv_core *core, const struct rv_event *event, enum rv_level level)
{
	struct rv_subject subject = subject_of(core, event);
	struct rv_kv pairs[10];
	size_t n = 0;

	if (event->peer && event->peer->remote_id)
		pairs[n++] = KV_ID("remote", event->peer->remote_id);
	if (event->peer)
		pairs[n++] = KV_ADDR("address", &event->peer->path.remote);
	if (event->child) {
		pairs[n++] = KV_STR("child", event->child->conf->name);
		pairs[n++] = KV_UINT("child-id", event->child->id);
		pairs[n++] = KV_UINT("reqid", event->child->reqid);
	}
	if (event->attempt) {
		pairs[n++] = KV_UINT("attempt", event->attempt->id);
		pairs[n++] = KV_STR("by", event->attempt->who);
	}
	if (event->code)
		pairs[n++] = KV_STR("error", rv_error_text(event->code));
	if (event->text)
		pairs[n++] = KV_STR("text", event->text);
	if (event->attempt && event->attempt->advice)
		pairs[n++] = KV_STR("advice", event->attempt->advice);
	rv_log_write(&subject, level, event->name, pairs, n);
}

static int tell(struct rv_service *service, void *arg)
{
	const struct rv_watch_ops *ops = rv_service_ops(service);
	const struct rv_event *event = arg;

	if (!event->n_keys || ops->wants_keys)
		ops->event(rv_service_self(service), event);
	return 0;
}

void rv_event_emit(struct rv_core *core, const struct rv_event *event)
{
	struct rv_event copy = *event;

	for (size_t i = 0; i < RV_COUNT(levels); i++)
		if (strcmp(levels[i].name, event->name) == 0)
			write_log(core, event, levels[i].level);
	rv_registry_each(core->registry, "watch", tell, &copy);
}

static int wants_keys(struct rv_service *service, void *arg)
{
	const struct rv_watch_ops *ops = rv_service_ops(service);

	return ops->wants_keys;
}

bool rv_event_wants_keys(struct rv_core *core)
{
	return rv_registry_each(core->registry, "watch", wants_keys, NULL) != 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* attempt: the story of each try to reach a peer, kept so that a failure can be explained.
 *
 * Everything is bounded: attempts in all and of one connection, steps of an attempt, octets of a step. Texts may repeat
 * what a peer sent, so they are escaped.
 */
#include "inner.h"

#include <stdarg.h>
#include <string.h>
#include <talloc.h>

enum { BUCKETS = 256, STEP_TEXT = 640, KEEP_FIRST = 32 };

struct rv_attempts {
	struct rv_core *core;
	unsigned n;
	struct rv_list buckets[BUCKETS];
};

struct rv_attempts *rv_attempts_new(const void *parent, struct rv_core *core)
{
	struct rv_attempts *index = talloc_zero(parent, struct rv_attempts);

	if (!index)
		return NULL;
	index->core = core;
	for (unsigned i = 0; i < BUCKETS; i++)
		rv_list_init(&index->buckets[i]);
	return index;
}

static struct rv_list *bucket(struct rv_attempts *index, const char *connection)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *connection; connection++)
		h = (h ^ (uint8_t)*connection) * 16777619u;
	return &index->buckets[(h ^ (h >> 16)) % BUCKETS];
}

static void tell(struct rv_attempt *attempt)
{
	if (attempt->changed)
		attempt->changed(attempt, attempt->changed_arg);
}

static void drop_if_unused(struct rv_attempt *attempt)
{
	if (attempt->holds || attempt->listed)
		return;
	tell(attempt);
	talloc_free(attempt);
}

static void unlist(struct rv_attempt *attempt)
{
	if (!attempt->listed)
		return;
	attempt->listed = false;
	attempt->core->attempt_index->n--;
	rv_list_del(&attempt->entry);
	rv_list_del(&attempt->same);
	drop_if_unused(attempt);
}

/* The oldest of core's attempts goes when there are too many, and the oldest of this connection. */
static void make_room(struct rv_core *core, const char *connection)
{
	struct rv_attempts *index = core->attempt_index;
	struct rv_attempt *oldest = NULL;
	unsigned n = 0;

	rv_list_each (bucket(index, connection), it, struct rv_attempt, same) {
		if (strcmp(it->connection, connection) != 0)
			continue;
		if (!oldest)
			oldest = it;
		n++;
	}
	if (n >= RV_ATTEMPTS_OF_ONE)
		unlist(oldest);
	else if (index->n >= RV_ATTEMPTS_MAX)
		unlist(rv_container_of(core->attempts.next, struct rv_attempt, entry));
}

struct rv_attempt *rv_attempt_new(struct rv_core *core, const char *connection, const char *child, const char *who)
{
	struct rv_attempt *attempt = talloc_zero(core, struct rv_attempt);

	if (!attempt)
		return NULL;
	attempt->core = core;
	attempt->connection = talloc_strdup(attempt, connection ? connection : "");
	attempt->child = child ? talloc_strdup(attempt, child) : NULL;
	attempt->who = talloc_strdup(attempt, who);
	if (!attempt->connection || (child && !attempt->child) || !attempt->who) {
		talloc_free(attempt);
		return NULL;
	}
	make_room(core, attempt->connection);
	attempt->id = ++core->next_attempt;
	attempt->wall_s = rv_loop_wall_s(core->loop);
	attempt->began_us = rv_loop_now_us(core->loop);
	attempt->changed = core->attempt_changed;
	attempt->changed_arg = core->attempt_changed_arg;
	attempt->listed = true;
	core->attempt_index->n++;
	rv_list_add(&core->attempts, &attempt->entry);
	rv_list_add(bucket(core->attempt_index, attempt->connection), &attempt->same);
	tell(attempt);
	return attempt;
}

struct rv_attempt *rv_attempt_hold(struct rv_attempt *attempt)
{
	if (attempt)
		attempt->holds++;
	return attempt;
}

void rv_attempt_drop(struct rv_attempt *attempt)
{
	if (!attempt)
		return;
	attempt->holds--;
	drop_if_unused(attempt);
}

struct rv_attempt *rv_attempt_find(struct rv_core *core, uint32_t id)
{
	rv_list_each (&core->attempts, it, struct rv_attempt, entry)
		if (it->id == id)
			return it;
	return NULL;
}

/* fmt as escaped text, child of attempt; NULL when memory is out. */
static char *RV_PRINTF(2, 0) sentence(struct rv_attempt *attempt, const char *fmt, va_list args)
{
	char raw[STEP_TEXT], shown[STEP_TEXT];
	int n = vsnprintf(raw, sizeof(raw), fmt, args);

	if (n < 0)
		return NULL;
	rv_escape(shown, sizeof(shown), rv_bytes(raw, strlen(raw)));
	return talloc_strdup(attempt, shown);
}

bool rv_attempt_packet(const struct rv_attempt *attempt, struct rv_ts *local, struct rv_ts *remote)
{
	if (!attempt || !attempt->packet)
		return false;
	*local = attempt->packet[0];
	*remote = attempt->packet[1];
	return true;
}

/* The first steps say how it began and the last ones how it ended; between them the oldest goes. */
static bool step_room(struct rv_attempt *attempt)
{
	unsigned n = attempt->n_steps;

	if (n == RV_ATTEMPT_STEPS) {
		talloc_free(attempt->steps[KEEP_FIRST].text);
		memmove(&attempt->steps[KEEP_FIRST], &attempt->steps[KEEP_FIRST + 1],
			(RV_ATTEMPT_STEPS - KEEP_FIRST - 1) * sizeof(*attempt->steps));
		attempt->n_steps--;
		attempt->n_left_out++;
		return true;
	}
	if (n & (n - 1)) /* there is room up to the next power of two */
		return true;
	struct rv_attempt_step *steps = talloc_realloc(attempt, attempt->steps, struct rv_attempt_step, n ? n * 2 : 1);
	if (!steps)
		return false;
	attempt->steps = steps;
	return true;
}

void rv_attempt_step(struct rv_attempt *attempt, const char *fmt, ...)
{
	va_list args;

	if (!attempt || attempt->ended)
		return;
	va_start(args, fmt);
	char *text = sentence(attempt, fmt, args);
	va_end(args);
	if (!text)
		return;
	if (!step_room(attempt)) {
		talloc_free(text);
		return;
	}
	attempt->steps[attempt->n_steps++] =
		(struct rv_attempt_step){ .at_us = rv_loop_now_us(attempt->core->loop), .text = text };
	tell(attempt);
}

static void end(struct rv_attempt *attempt, int code)
{
	rv_attempt_hold(attempt);
	attempt->ended = true;
	attempt->code = code;
	attempt->ended_us = rv_loop_now_us(attempt->core->loop);
	rv_tunnel_ended(attempt);
	tell(attempt);
	if (code)
		rv_event_emit(attempt->core,
			      &(struct rv_event){ .name = "attempt-failed",
						  .connection = rv_connection_find(attempt->core, attempt->connection),
						  .attempt = attempt,
						  .code = code,
						  .text = attempt->found });
	rv_attempt_drop(attempt);
}

void rv_attempt_ok(struct rv_attempt *attempt)
{
	if (!attempt || attempt->ended || rv_tunnel_goes_on(attempt))
		return;
	end(attempt, 0);
}

void rv_attempt_fail(struct rv_attempt *attempt, int code, const char *advice, const char *fmt, ...)
{
	va_list args;

	if (!attempt || attempt->ended)
		return;
	va_start(args, fmt);
	attempt->found = sentence(attempt, fmt, args);
	va_end(args);
	attempt->advice = advice ? talloc_strdup(attempt, advice) : NULL;
	end(attempt, code ? code : -RV_EFAILED);
}

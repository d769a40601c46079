// SPDX-License-Identifier: LGPL-2.1-or-later
/* plugin-order: which plugins are loaded for the sake of others, and in which order.
 *
 * A need is "kind" or "kind:name". It is met when the registry offers it. A plugin waits for all that are still to be
 * loaded and provide what it needs; when that would wait for ever, one provider is enough.
 */
#include "plugin-parts.h"
#include "registry-parts.h"

#include <stdio.h>
#include <string.h>

enum { NEED_SIZE = 128 };

static bool offered(struct rv_registry *registry, const char *need, const struct rv_host *except)
{
	char kind[NEED_SIZE];
	const char *colon = strchr(need, ':');

	snprintf(kind, sizeof(kind), "%.*s", colon ? (int)(colon - need) : (int)strlen(need), need);
	return rv_registry_offered(registry, kind, colon ? colon + 1 : NULL, except);
}

const char *rv_order_unmet(struct rv_registry *registry, const char *needs, const struct rv_host *except, char *out,
			   size_t size)
{
	while (needs && (needs = rv_note_word(needs, out, size)))
		if (!offered(registry, out, except))
			return out;
	return NULL;
}

/* The first candidate in this state that provides need. */
static struct rv_candidate *provider(struct rv_candidate *set, size_t n, const char *need,
				     enum rv_candidate_state state)
{
	for (size_t i = 0; i < n; i++)
		if (set[i].state == state && set[i].note && rv_note_satisfies(set[i].note->provides, need))
			return &set[i];
	return NULL;
}

/* One that is not wanted yet and may be loaded: one that is on by default before one that is not. */
static struct rv_candidate *helper(struct rv_candidate *set, size_t n, const char *need)
{
	struct rv_candidate *best = NULL;

	for (size_t i = 0; i < n; i++) {
		struct rv_candidate *it = &set[i];
		if (it->state != RV_CANDIDATE_IDLE || it->excluded || !it->note ||
		    !rv_note_satisfies(it->note->provides, need))
			continue;
		if (!best || (it->note->by_default && !best->note->by_default))
			best = it;
	}
	return best;
}

/* Wants what one candidate needs; true when another one is wanted now. */
static bool want_for(struct rv_registry *registry, struct rv_candidate *set, size_t n,
		     const struct rv_candidate *candidate)
{
	const char *needs = candidate->note->needs;
	bool more = false;
	char need[NEED_SIZE];

	while (needs && (needs = rv_note_word(needs, need, sizeof(need)))) {
		if (offered(registry, need, NULL) || provider(set, n, need, RV_CANDIDATE_WANTED))
			continue;
		struct rv_candidate *found = helper(set, n, need);
		if (!found)
			continue;
		found->state = RV_CANDIDATE_WANTED;
		more = true;
	}
	return more;
}

void rv_order_want_needs(struct rv_registry *registry, struct rv_candidate *set, size_t n)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < n; i++)
			if (set[i].state == RV_CANDIDATE_WANTED)
				more |= want_for(registry, set, n, &set[i]);
	}
}

/* Every need is offered and, when patient, nobody else is still to come that provides it too. */
static bool ready(struct rv_registry *registry, struct rv_candidate *set, size_t n, struct rv_candidate *candidate,
		  bool patient)
{
	const char *needs = candidate->note->needs;
	bool is_ready = true;
	char need[NEED_SIZE];

	candidate->state = RV_CANDIDATE_IDLE; /* it does not wait for itself */
	while (is_ready && needs && (needs = rv_note_word(needs, need, sizeof(need))))
		is_ready = offered(registry, need, NULL) && !(patient && provider(set, n, need, RV_CANDIDATE_WANTED));
	candidate->state = RV_CANDIDATE_WANTED;
	return is_ready;
}

struct rv_candidate *rv_order_next(struct rv_registry *registry, struct rv_candidate *set, size_t n)
{
	for (int patient = 1; patient >= 0; patient--)
		for (size_t i = 0; i < n; i++)
			if (set[i].state == RV_CANDIDATE_WANTED && ready(registry, set, n, &set[i], patient))
				return &set[i];
	return NULL;
}

/* Appends "NAME needs NEED, of " and so on until the circle is closed. */
static bool blame_cycle(struct rv_registry *registry, struct rv_candidate *set, size_t n,
			struct rv_candidate *candidate)
{
	struct rv_candidate *at = candidate;
	char text[512], need[NEED_SIZE];
	size_t used = 0;

	for (size_t steps = 0; steps <= n && used < sizeof(text); steps++) {
		if (!rv_order_unmet(registry, at->note->needs, NULL, need, sizeof(need)))
			return false;
		struct rv_candidate *next = provider(set, n, need, RV_CANDIDATE_WANTED);
		if (!next)
			return false;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s needs %s of %s", used ? ", " : "",
					 at->name, need, next->name);
		at = next;
		if (at == candidate)
			break;
	}
	if (at != candidate)
		return false;
	rv_why_set(&candidate->why, -RV_EPLUGIN, "needs: a cycle: %s", text);
	return true;
}

void rv_order_blame(struct rv_registry *registry, struct rv_candidate *set, size_t n, struct rv_candidate *candidate)
{
	struct rv_candidate *other;
	char need[NEED_SIZE];

	if (blame_cycle(registry, set, n, candidate))
		return;
	if (!rv_order_unmet(registry, candidate->note->needs, NULL, need, sizeof(need)))
		return;
	other = provider(set, n, need, RV_CANDIDATE_REFUSED);
	if (other)
		rv_why_set(&candidate->why, -RV_EPLUGIN, "needs: %s, of %s, which was refused", need, other->name);
	else if ((other = provider(set, n, need, RV_CANDIDATE_LOADED)))
		rv_why_set(&candidate->why, -RV_EPLUGIN, "needs: %s, which %s says it provides but does not offer",
			   need, other->name);
	else if ((other = provider(set, n, need, RV_CANDIDATE_WANTED)))
		rv_why_set(&candidate->why, -RV_EPLUGIN, "needs: %s, of %s, which cannot be loaded either", need,
			   other->name);
	else
		rv_why_set(&candidate->why, -RV_ENO_PROVIDER, "needs: %s, which no plugin provides", need);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* proposal: proposals as values, and the choice between ours and theirs (RFC 7296, 2.7 and 3.3).
 */
#include "proposal.h"

#include <stdio.h>
#include <string.h>

static const char *const class_names[] = { "0", "ENCR", "PRF", "INTEG", "KE", "SN" };

static bool has(const struct rv_proposal *proposal, const struct rv_transform *transform)
{
	for (unsigned i = 0; i < proposal->n; i++)
		if (transform_same(&proposal->t[i], transform))
			return true;
	return false;
}

bool proposal_add(struct rv_proposal *proposal, const struct rv_transform *transform)
{
	if (has(proposal, transform))
		return true;
	if (proposal->n >= RV_PROPOSAL_TRANSFORMS)
		return false;
	proposal->t[proposal->n++] = *transform;
	return true;
}

unsigned proposal_count(const struct rv_proposal *proposal, uint8_t class)
{
	unsigned n = 0;

	for (unsigned i = 0; i < proposal->n; i++)
		n += proposal->t[i].class == class;
	return n;
}

const struct rv_transform *rv_proposal_get(const struct rv_proposal *proposal, uint8_t class)
{
	for (unsigned i = 0; i < proposal->n; i++)
		if (proposal->t[i].class == class)
			return &proposal->t[i];
	return NULL;
}

const char *rv_proposal_text(struct rv_registry *registry, const struct rv_proposal *proposal, char *out, size_t size)
{
	size_t len = 0;

	if (size)
		*out = 0;
	for (unsigned i = 0; i < proposal->n && len < size; i++) {
		const struct rv_transform *t = &proposal->t[i];
		const struct rv_algorithm *algorithm = rv_algorithm_find(registry, t);
		const char *gap = i ? "-" : "";
		int n;
		if (algorithm)
			n = snprintf(out + len, size - len, "%s%s", gap, algorithm->word);
		else if (t->class < RV_COUNT(class_names))
			n = snprintf(out + len, size - len, "%s%s-%u", gap, class_names[t->class], t->id);
		else
			n = snprintf(out + len, size - len, "%sTYPE%u-%u", gap, t->class, t->id);
		len += n > 0 ? (size_t)n : 0;
		if (!algorithm && t->key_bits && len < size)
			len += (size_t)snprintf(out + len, size - len, "/%u", t->key_bits);
	}
	return out;
}

/* Whether leaving a class out says the same as its transform 0: no integrity beside a combined algorithm, no key
 * exchange, no extended sequence numbers (RFC 7296, 3.3.2 and 3.3.3). */
static bool may_lack(uint8_t class)
{
	return class == RV_CLASS_INTEG || class == RV_CLASS_KE || class == RV_CLASS_SN || rv_class_is_further_ke(class);
}

/* A further key exchange is done once (but "none" may stand in several classes). */
static bool done_already(const struct rv_proposal *chosen, const struct rv_transform *t)
{
	for (unsigned i = 0; rv_class_is_further_ke(t->class) && t->id && i < chosen->n; i++)
		if (rv_class_is_further_ke(chosen->t[i].class) && chosen->t[i].id == t->id)
			return true;
	return false;
}

/* The transform of class that both have and we like best, added to chosen as far as theirs names the class. */
static bool choose_class(const struct rv_proposal *ours, const struct rv_proposal *theirs, uint8_t class,
			 struct rv_proposal *chosen)
{
	const struct rv_transform none = { .class = class };

	if (!rv_proposal_get(theirs, class))
		return may_lack(class) && has(ours, &none);
	if (!rv_proposal_get(ours, class))
		return may_lack(class) && has(theirs, &none) && proposal_add(chosen, &none);
	for (unsigned i = 0; i < ours->n; i++)
		if (ours->t[i].class == class && has(theirs, &ours->t[i]) && !done_already(chosen, &ours->t[i]))
			return proposal_add(chosen, &ours->t[i]);
	return false;
}

static bool choose_pair(const struct rv_proposal *ours, const struct rv_proposal *theirs, bool strip_ke,
			struct rv_proposal *chosen)
{
	const struct rv_proposal *both[] = { ours, theirs };
	uint8_t done[256] = { 0 };

	if (ours->protocol != theirs->protocol || !ours->n || !theirs->n)
		return false;
	*chosen = (struct rv_proposal){ .protocol = theirs->protocol, .number = theirs->number };
	done[RV_CLASS_KE] = strip_ke;
	memset(done + RV_CLASS_KE_FURTHER, strip_ke, RV_CLASS_KE_LAST - RV_CLASS_KE_FURTHER + 1);
	for (unsigned side = 0; side < 2; side++)
		for (unsigned i = 0; i < both[side]->n; i++) {
			uint8_t class = both[side]->t[i].class;
			if (!done[class]++ && !choose_class(ours, theirs, class, chosen))
				return false;
		}
	return chosen->n;
}

bool rv_proposal_choose(const struct rv_proposal *ours, size_t n_ours, const struct rv_proposal *theirs,
			size_t n_theirs, bool strip_ke, struct rv_proposal *chosen)
{
	for (size_t i = 0; i < n_ours; i++)
		for (size_t j = 0; j < n_theirs; j++)
			if (choose_pair(&ours[i], &theirs[j], strip_ke, chosen))
				return true;
	*chosen = (struct rv_proposal){ 0 };
	return false;
}

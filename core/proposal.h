// SPDX-License-Identifier: LGPL-2.1-or-later
/* proposal.h: what the files of algorithms and proposals share. */
#pragma once

#include "parts.h"

#include <ravelin/algorithm.h>

typedef void algorithm_fn(const struct rv_algorithm *algorithm, void *arg);

/* The transform of an algorithm, as it is on the wire. */
struct rv_transform algorithm_transform(const struct rv_algorithm *algorithm);

/* Calls fn for every algorithm that any service offers. */
void algorithm_each(struct rv_registry *registry, algorithm_fn *fn, void *arg);

/* True when a loaded plugin computes it, or nothing has to. */
bool algorithm_can(struct rv_registry *registry, const struct rv_algorithm *algorithm);

/* True when they are the same on the wire. */
static inline bool transform_same(const struct rv_transform *a, const struct rv_transform *b)
{
	return a->class == b->class && a->id == b->id && a->key_bits == b->key_bits;
}

/* Puts transform behind the others unless it is there already. False when the proposal is full. */
bool proposal_add(struct rv_proposal *proposal, const struct rv_transform *transform);

/* How many transforms of class the proposal has. */
unsigned proposal_count(const struct rv_proposal *proposal, uint8_t class);

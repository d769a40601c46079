// SPDX-License-Identifier: LGPL-2.1-or-later
/* transitions.h: the transition table, the requests that we make (plans), and the steps that its rows start.
 */
#pragma once

#include "exchange.h"

enum { IKE_EXCHANGE_OPENING = 0 }; /* in a row: the first exchange of any extension (ikev2-known.h) */

/* The rows; the one for x (self: of the extension that owns it), or NULL and the refusal, which is always set: a
 * notification, or -1. */
const struct rv_ike_row *ike_table(size_t *n);
const struct rv_ike_row *ike_table_find(struct rv_ike_exchange *x, void **self, int *refuse);

/* Whether a row is for x; complete: its payloads are there as well. */
bool ike_row_fits(const struct rv_ike_row *row, const struct rv_ike_exchange *x, bool complete);

extern const struct rv_ike_plan ike_plan_init, ike_plan_known, ike_plan_auth, ike_plan_auth_failed, ike_plan_child,
	ike_plan_child_rekey, ike_plan_rekey, ike_plan_liveness, ike_plan_delete, ike_plan_child_delete,
	ike_plan_unknown_spi;

/* Steps end with NULL. */
typedef rv_ike_step_fn *const ike_steps[];
extern ike_steps ike_init_answer, ike_init_chosen, ike_init_cookie, ike_init_group, ike_init_error;
extern ike_steps ike_known_answer, ike_known_chosen, ike_known_refused;
extern ike_steps ike_auth_answer, ike_auth_no_proof, ike_auth_accepted, ike_refused;
extern ike_steps ike_child_create_answer, ike_child_created, ike_child_rekey_answer, ike_child_rekeyed;
extern ike_steps ike_rekey_answer, ike_rekeyed, ike_info_answer, ike_info_read;

/* What a CREATE_CHILD_SA request is for: the IKE SA, an old child SA. */
bool ike_is_rekey(const struct rv_ike_exchange *x);
bool ike_is_child_rekey(const struct rv_ike_exchange *x);

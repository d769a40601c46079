// SPDX-License-Identifier: LGPL-2.1-or-later
/* explain.h: what happened, in words: the steps of an attempt, and what was wrong with theirs and ours.
 */
#pragma once

#include "exchange.h"

/* The attempt that x serves, borrowed; NULL when there is none. ok, fail: its end; x and its SA let go of it. */
struct rv_attempt *ike_attempt(const struct rv_ike_exchange *x);
void ike_attempt_ok(struct rv_ike_exchange *x);
void ike_attempt_fail(struct rv_ike_exchange *x, int error);

/* A step: the message that was sent (out: its payloads) or came. */
void ike_explain_message(const struct rv_ike_exchange *x, bool sent, const struct ike_builder *out,
			 const struct rv_path *path, size_t len);

/* A request of the peer that failed: an event, and an attempt of its own for a stranger and for a child SA. False when
 * there is none: the caller logs it. */
bool ike_tell_failure(struct rv_ike_exchange *x, int error);
void ike_explain_stranger(struct ike_engine *engine, const struct rv_path *path, const struct rv_connection *nearest,
			  const struct ike_proposals *offer);

/* Lists in words, cut to size. */
void ike_explain_proposals(struct ike_engine *engine, const struct rv_proposal *list, size_t n, char *out, size_t size);
void ike_explain_ts(const struct rv_ts *ts, size_t n, char *out, size_t size);

/* Into x->words: why no child of ours fits; what a pair of selectors is. The last: into x->why, from the error that the
 * peer sent. */
void ike_explain_no_ts(struct rv_ike_exchange *x, const struct ike_ts_list *tsi, const struct ike_ts_list *tsr);
void ike_explain_no_child_proposal(struct rv_ike_exchange *x, const struct ike_proposals *offer);
void ike_explain_ts_pair(struct rv_ike_exchange *x, const char *what, const struct ike_ts_pair *ts);
void ike_explain_refusal(struct rv_ike_exchange *x);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* window.h: message IDs, windows, retransmission and kept responses of an IKE SA (RFC 7296, 2.1 to 2.3).
 */
#pragma once

#include "exchange.h"

/* A request went out, its retransmission is timed; an answer was of no use, the same one is waited for. */
void ike_window_sent(struct rv_ike_exchange *x);
void ike_window_wait(struct rv_ike_exchange *x);

/* A request of ours may go out beside those that are out already. */
bool ike_window_open(const struct rv_ike_exchange *x);

/* Steps: the window that we promise, once an IKE SA; the peer's. */
rv_ike_step_fn ike_window_say, ike_window_hear;

/* The peer's request that came before its turn waits; out: it does so no longer; next: whose turn it is (NULL: none).
 */
void ike_ahead_put(struct rv_ike_exchange *x);
void ike_ahead_out(struct rv_ike_exchange *x);
struct rv_ike_exchange *ike_ahead_next(struct rv_ike_sa *sa);
bool ike_ahead_has(const struct rv_ike_sa *sa, uint32_t id);

/* Responses of the window: keep (lets go what is no longer in it), find (NULL: not there), forget all, and
 * when they are to be forgotten (0: none). */
int ike_window_keep(struct rv_ike_sa *sa, uint32_t id, uint64_t digest, struct rv_bytes response);
const struct ike_response *ike_window_find(const struct rv_ike_sa *sa, uint32_t id);
void ike_window_forget(struct rv_ike_sa *sa);
uint64_t ike_window_forget_us(const struct rv_ike_sa *sa);

/* Where a request's message ID stands to the one that is expected next. EARLY: in the window, but not its turn yet;
 * AHEAD: beyond the window. */
enum ike_arrival { IKE_ARRIVAL_NEW, IKE_ARRIVAL_EARLY, IKE_ARRIVAL_AGAIN, IKE_ARRIVAL_OLD, IKE_ARRIVAL_AHEAD };
enum ike_arrival ike_window_judge(uint32_t next_in, uint32_t id, unsigned window);

/* How many requests at once we take, and may send: one until the first exchanges are over (RFC 7296, 2.3). */
unsigned ike_window_in(const struct rv_ike_sa *sa);
unsigned ike_window_out(const struct rv_ike_sa *sa);

/* Message IDs come to their end: the IKE SA is to be replaced (RFC 7296, 2.2). */
bool ike_window_ends(const struct rv_ike_sa *sa);

/* How long the answer to the n-th transmission (from 0) is waited for. */
uint64_t ike_window_wait_us(uint64_t first_us, unsigned base_1000, unsigned n);
bool ike_thousandths(const char *text, unsigned *out);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* kex.h: key exchanges, which run in jobs (RFC 7296, 3.4), and nonces (2.10).
 */
#pragma once

#include "exchange.h"

/* A child of its exchange. secret: until complete; shared: g^ir; ours: our public value. */
struct ike_kex {
	uint16_t group;
	struct rv_secret *secret, *shared;
	struct rv_bytes ours;
};

/* x->kex for group: the one that is there, or a new one. NULL: out of memory. */
struct ike_kex *ike_kex_new(struct rv_ike_exchange *x, uint16_t group);

/* Our half; the responder's half from theirs; the rest from theirs. RV_PENDING and x goes on later; 0 when generate has
 * been done; or negative with x->why. */
int ike_kex_generate(struct rv_ike_exchange *x);
int ike_kex_respond(struct rv_ike_exchange *x, struct rv_bytes theirs);
int ike_kex_complete(struct rv_ike_exchange *x, struct rv_bytes theirs);

/* True when a proposal offers the group. */
bool ike_offers_group(const struct rv_proposal *proposals, size_t n, uint16_t group);

/* A fresh x->nonce; octet-wise order (the shorter of equal ones first) and the lower of two (RFC 7296, 2.8.1). */
void ike_nonce(struct rv_ike_exchange *x);
int ike_nonce_compare(struct rv_bytes a, struct rv_bytes b);
struct rv_bytes ike_nonce_lower(struct rv_bytes a, struct rv_bytes b);

/* A step at RV_IKE_AT_KEYING; the verbs part and go_on. */
rv_ike_step_fn ike_at_keying;
int ike_part(struct rv_ike_exchange *x);
int ike_go_on(struct rv_ike_exchange *y, struct rv_ike_exchange *x);

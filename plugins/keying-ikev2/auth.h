// SPDX-License-Identifier: LGPL-2.1-or-later
/* auth.h: what auth.c and auth-answer.c share (RFC 7296, 2.15).
 */
#pragma once

#include "exchange.h"
#include "octets/notify.h"

#include <ravelin/auth.h>

/* A proof that is being made or checked; the request is borrowed by the auth service until it answers. */
struct ike_proof {
	struct rv_auth_request request;
	struct rv_ref ref;
	uint8_t maced[IKE_PRF_MAX];
	size_t maced_len;
	uint8_t octets[1280], method;
	size_t len;
};

/* Our identity in this round: the connection's, or our address as a child of the session. NULL: out of memory. */
const struct rv_id *ike_id_own(struct rv_peer *peer, const struct rv_round *round);

/* False for a pattern that several identities fit, and for NULL. */
bool ike_id_names_one(const struct rv_id *pattern);

/* The rounds of authentication (struct ike_rounds). at_prove: point PROVE, in the first one. proves: the peer's message
 * has an identity and a proof, which is counted when it held. more: there will be another message. enough: there will
 * not, and the peer proved all that it has to. mismatch: it tries more than it should, or not at all. 0 or negative. */
rv_ike_step_fn ike_at_prove, ike_auth_count;
bool ike_auth_proves(const struct rv_ike_exchange *x, uint8_t id);
bool ike_auth_more(const struct rv_ike_exchange *x);
int ike_auth_enough(struct rv_ike_exchange *x);
int ike_auth_mismatch(struct rv_ike_exchange *x, bool proves);

/* Whether this side and the peer can do what the connection asks of them. */
int ike_auth_check_rounds(struct rv_ike_exchange *x);

/* In a later round: who we are in it, and whether one of our proofs belongs into it. */
int ike_auth_own(struct rv_ike_exchange *x);
bool ike_auth_our_turn(const struct rv_ike_exchange *x);

/* Who we are in the first round: the session's local_id. 0 or -ENOMEM. is_known: whether one side (we: ours) may be
 * called so, where an earlier IKE SA says who it is. */
int ike_auth_name(struct rv_ike_sa *sa);
bool ike_auth_is_known(const struct rv_ike_sa *sa, const struct rv_id *id, bool ours);

/* Our proof into x->proof; the check of the peer's AUTH payload. 0, RV_PENDING or negative. put: the AUTH payload. */
int ike_auth_sign(struct rv_ike_exchange *x);
int ike_auth_verify(struct rv_ike_exchange *x);
void ike_auth_put_proof(struct rv_ike_exchange *x);

/* INITIAL_CONTACT (RFC 7296, 2.4): are we to send it; and what to do when the peer has sent it in x. */
bool ike_is_first_contact(struct rv_peer *peer);
void ike_first_contact(struct rv_ike_exchange *x);

/* The event "auth-failed", at a limited rate. */
void ike_tell_auth_failed(struct rv_ike_exchange *x, int error);

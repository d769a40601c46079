// SPDX-License-Identifier: LGPL-2.1-or-later
/* reauth.h: reauthentication, make before break (RFC 7296, 2.8.3): a second session is set up beside the first one,
 * with the same children; when it has them the first one is deleted.
 */
#pragma once

#include "exchange.h"

/* Begins, unless it is under way. Only who set the session up can, since it may have asked for addresses and is the one
 * that knows the way; on the other side an extension may ask the peer, else -RV_ESTATE. */
int ike_reauth(struct rv_ike_sa *sa);

bool ike_reauth_under_way(const struct rv_peer *peer);

/* A request of ours for CREATE_CHILD_SA was answered (result 0: granted). When nothing can be replaced or added in this
 * IKE SA any more, another one takes its place. */
void ike_reauth_refused(struct rv_ike_exchange *x, int result);

/* The peers are authenticated: when they are to be so anew. Later: that time has come. sa may be gone after. */
void ike_reauth_time(struct rv_ike_sa *sa);
void ike_reauth_due(struct rv_ike_sa *sa, uint64_t now);

/* An exchange of sa is over: if it was the last one that a reauthentication waited for, the old session goes. */
void ike_reauth_done(struct rv_ike_sa *sa);

/* As responder: whether the child SA in x has the selectors of one in another session with the same peer. It then only
 * receives, until that session goes (complete) or some seconds have passed: the peer may not be ready yet. */
bool ike_reauth_overlaps(struct rv_ike_exchange *x);
void ike_reauth_complete(struct rv_peer *leaving);

/* The peer has another session and does not deny that it still has this one: it is deleted when the peer has had time
 * to do so. */
void ike_reauth_supersede(struct rv_ike_sa *sa);

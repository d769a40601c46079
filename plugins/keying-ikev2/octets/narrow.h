// SPDX-License-Identifier: LGPL-2.1-or-later
/* narrow.h: traffic selectors of both sides to those of the SA (RFC 7296, 2.9).
 *
 * Pure functions of values. Our policy is every pair of a local and a remote selector; "dynamic" ones have been
 * replaced by the caller.
 */
#pragma once

#include "payload.h"

/* How much of what the peer asked for is in the choice; the more the better. FIRST: both of its first selectors, which
 * hold the packet that caused the request, are in it as a whole. */
enum ike_narrow { IKE_NARROW_NONE, IKE_NARROW_SOME, IKE_NARROW_FIRST, IKE_NARROW_ALL };

struct ike_ts_pair {
	struct ike_ts_list local, remote;
};

/* The responder's choice: their TSr with our local, their TSi with our remote selectors. The choice keeps their order,
 * first selectors first, leaves out what another one covers, and what has no partner on the other side (address family,
 * protocol). chosen is filled unless NONE. */
enum ike_narrow ike_narrow(const struct rv_ts *local, size_t n_local, const struct rv_ts *remote, size_t n_remote,
			   const struct ike_ts_list *tsr, const struct ike_ts_list *tsi, struct ike_ts_pair *chosen);

/* The initiator's check of an answer: each selector lies in what was offered, however that is cut; there is one. */
bool ike_ts_within(const struct ike_ts_list *answer, const struct rv_ts *offered, size_t n_offered);

/* RFC 7296, 2.23.1: puts addr in the place of the one address that all selectors of list have. False, and nothing is
 * changed, when they have several, or addr is of another family. */
bool ike_ts_substitute(struct ike_ts_list *list, const struct rv_addr *addr);

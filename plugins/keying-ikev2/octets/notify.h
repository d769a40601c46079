// SPDX-License-Identifier: LGPL-2.1-or-later
/* notify.h: errors of this program and the error types of RFC 7296, 3.10.1, both ways.
 */
#pragma once

#include "numbers.h"

/* The notify type that tells a peer of error (-RV_E... or -errno). 0: the peer is told nothing (an integrity failure, a
 * replay, a cancelled call). What can pass (memory, limits) is TEMPORARY_FAILURE. */
uint16_t ike_notify_of(int error);

/* The error that a notify type of a peer means: -RV_E...; -RV_EREFUSED for an error type that has no closer one; 0 for
 * a status type. */
int ike_error_of(uint16_t type);

/* True for an error type that ends the IKE SA without a Delete payload (RFC 7296, 2.21.2 and 2.21.3); the others
 * concern only what the request asked for. in_auth: it came in IKE_AUTH or right behind it. */
bool ike_notify_is_fatal(uint16_t type, bool in_auth);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* dial.h: from a connection to the one IKE SA that somebody answers: its gateways in turn, their addresses in a race.
 */
#pragma once

#include "exchange.h"

/* Sets a session up for connection, with child (may be NULL); gateway: instead of remote_addrs (may be NULL). What
 * becomes of it the attempt tells. 0 or -ENOMEM. */
int ike_dial(struct ike_engine *engine, const struct rv_connection *connection, const struct rv_child_conf *child,
	     struct rv_attempt *attempt, const char *gateway);

/* An IKE SA in the race: it was answered and the others are let go; it failed, another one may do better (true: the
 * failure is dealt with); its handshake ends in another way. */
void ike_dial_won(struct ike_handshake *hs);
bool ike_dial_lost(struct rv_ike_exchange *x, int error);
void ike_dial_gone(struct ike_handshake *hs);

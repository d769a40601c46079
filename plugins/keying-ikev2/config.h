// SPDX-License-Identifier: LGPL-2.1-or-later
/* config.h: steps of configuration payloads (RFC 7296, 2.19 and 3.15), for every exchange that may carry one.
 */
#pragma once

#include "exchange.h"

#include <ravelin/attr.h>

/* Initiator: CFG_REQUEST, where the connection wants something and has nothing yet; the look at the CFG_REPLY. */
rv_ike_step_fn ike_config_ask, ike_config_take;

/* Responder: what a CFG_REQUEST asks for is lent; then CFG_REPLY, or CFG_ACK for a CFG_SET. */
rv_ike_step_fn ike_config_lend, ike_config_write;

/* The n-th attribute (from 0) of a type in the message that came; false when there is none. */
bool ike_config_find(const struct rv_ike_exchange *x, uint16_t type, unsigned nth, struct rv_bytes *value);

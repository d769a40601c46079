// SPDX-License-Identifier: LGPL-2.1-or-later
/* contents.h: what the message of an exchange holds, and its refusal; exchange.c. exchange.h includes it.
 */
#pragma once

#include <ravelin/base.h>

struct rv_ike_exchange;

/* Refuses the peer's request with notify; returns error. */
int ike_refuse(struct rv_ike_exchange *x, uint16_t notify, struct rv_bytes data, int error, const char *fmt, ...)
	RV_PRINTF(5, 6);

/* What the message holds: the body of the first payload of type (empty: none), the first error notification (0: none).
 */
struct rv_bytes ike_body(const struct rv_ike_exchange *x, uint8_t type);
bool ike_has_payload(const struct rv_ike_exchange *x, uint8_t type);
bool ike_has_notify(const struct rv_ike_exchange *x, uint16_t type);
uint16_t ike_error_in(const struct rv_ike_exchange *x);

/* A copy, child of parent; empty when memory is out. */
struct rv_bytes ike_keep(const void *parent, struct rv_bytes octets);

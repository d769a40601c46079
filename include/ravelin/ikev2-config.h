// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-config.h: verbs for an extension with attributes of its own in configuration payloads (RFC 7296, 3.15). Loop
 * thread.
 */
#pragma once

#include <ravelin/ikev2-verbs.h>

/* The n-th (from 0) configuration attribute of a type in the message that came. False when there is none. */
static inline bool rv_ike_attribute(const struct rv_ike_exchange *x, uint16_t type, unsigned nth,
				    struct rv_bytes *value)
{
	return rv_ike_verbs(x)->attribute(x, type, nth, value);
}

/* At CONFIG_BUILD: adds an attribute (copied) to the configuration payload that is being built. 0, -ENOMEM, -RV_ELIMIT,
 * or -RV_ESTATE when there is none. */
static inline int rv_ike_add_attribute(struct rv_ike_exchange *x, uint16_t type, struct rv_bytes value)
{
	return rv_ike_verbs(x)->add_attribute(x, type, value);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-child.h: a verb for an extension that negotiates something of a child SA (RFC 7296, 1.2, 1.3). Loop thread.
 */
#pragma once

#include <ravelin/ikev2-verbs.h>

/* At CHILD_OFFER and CHILD_KEYED: the child SA that the exchange makes; elsewhere it may be NULL. */
static inline struct rv_child *rv_ike_child(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->child(x);
}

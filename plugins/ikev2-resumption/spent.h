// SPDX-License-Identifier: LGPL-2.1-or-later
/* spent.h: tickets that are not accepted although they have not expired: they were used (RFC 5723, 4.3.1), or their IKE
 * SA was deleted or replaced (6.2, 9.8).
 */
#pragma once

#include <ravelin/base.h>

struct spent;

/* An empty table, child of parent; it takes 1 MiB from the first ticket on. NULL: out of memory. */
struct spent *ticket_spent_new(const void *parent);

/* Remembers a ticket until it expires (wall-clock seconds; now: the present). When its place is full the one that
 * expires first is forgotten. */
void ticket_spent_add(struct spent *spent, uint64_t serial, uint64_t expires_s, uint64_t now_s);
bool ticket_spent_has(const struct spent *spent, uint64_t serial, uint64_t now_s);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* resync: finding the high half of extended sequence numbers again, when so many packets were lost that it cannot be
 * guessed any more (RFC 4303, appendix A3).
 *
 * Rare and bounded: one packet of every RESYNC_AFTER that fail one behind the other is tried with RESYNC_TRIES further
 * high halves, so a flood of forgeries costs an eighth more than without.
 */
#pragma once

#include "lane.h"

enum { RESYNC_AFTER = 128, RESYNC_TRIES = 16 };

/* Before a run is opened (in place): a copy of its first packet, when that is to be tried; else NULL. It lies in the
 * scratch arena. */
uint8_t *resync_keep(struct lane *lane);

/* After: when the packet failed, tries the copy. Where a high half fits, the packet is one of the run that is
 * authentic. */
void resync_try(struct lane *lane, uint8_t *kept);

/* Counts what failed, and forgets it when something was authentic. */
void resync_count(struct sa *sa, uint32_t authentic, uint32_t failed);

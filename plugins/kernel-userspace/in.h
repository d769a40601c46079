// SPDX-License-Identifier: LGPL-2.1-or-later
/* in: what the parts of inbound processing say to each other. */
#pragma once

#include "lane.h"

/* Opens what the run has and delivers it. */
void in_open_run(struct lane *lane);

/* What came out of a tunnel, at p, of protocol next: selectors, traffic class (tos: that of the outer header), clear
 * side. limit: until there what is behind p may be overwritten. False when it was dropped. */
bool in_out_of_tunnel(struct lane *lane, struct sa *sa, uint8_t *p, uint32_t len, uint8_t next, uint8_t tos,
		      const uint8_t *limit);

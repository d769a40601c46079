// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-ipcomp.h: the two halves of the plugin: packets, and what is negotiated.
 */
#pragma once

#include "codec.h"

#include <ravelin/plugin.h>

#define IPCOMP_NAME "ipcomp"

/* What is agreed for one direction: the CPI, two octets. */
enum { CPI_LEN = 2 };

/* stage.c: offers the esp-ext. 0 or negative. */
int stage_offer(struct rv_host *host);

/* negotiate.c: offers the ikev2-ext. 0 or negative. */
int negotiate_offer(struct rv_host *host);

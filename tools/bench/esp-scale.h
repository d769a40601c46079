// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-scale: how cost grows with workers and with SAs. For tools/bench/esp. */
#pragma once

#include "esp-time.h"

/* Prints both: one worker against two, on one SA and on many; one SA, 1,000 and (unless brief) 100,000. AES-128-GCM,
 * 1400 octets. */
void scale(bool json, bool quick, bool brief);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* extended.h: what the databases and a lane hold for SAs with an extension (extend.h).
 */
#pragma once

#include "sa.h"

#include <ravelin/esp-ext.h>
#include <ravelin/packet.h>

/* A wrapper of ESP and how many SAs have it. */
struct wrapping {
	_Atomic(const struct rv_esp_wrapper *) wrapper;
	unsigned users; /* loop */
};

/* Of all SAs with an extension: those that keep a time, and the wrappers in use. */
struct extended {
	_Atomic(struct sa_ext *) timed;
	struct wrapping wrappers[4];
	_Atomic(struct dummy *) dummies; /* of SAs that hide silence (dummy.c) */
};

/* Texts of one SA for its extension. */
struct burst {
	struct sa *sa;
	struct rv_esp_text texts[RV_BURST];
	size_t n;
};

// SPDX-License-Identifier: LGPL-2.1-or-later
/* extend.h: the extension of an SA.
 */
#pragma once

#include "sa.h"

#include <ravelin/esp-ext.h>

struct sa_ext {
	const struct rv_esp_ext_ops *ops;
	void *self, *state;
	struct rv_ref ref;
};

/* Opens what spec->ext names. 0, or negative with why. Loop thread. */
int sa_extend(struct sa *sa, struct rv_registry *registry, unsigned n_workers, const struct rv_sa_spec *spec,
	      struct rv_why *why);

/* Closes it where there is one; no worker can see the SA. Loop thread. */
void sa_unextend(struct sa *sa);

/* One text through the extension of an SA that has one. False: it was dropped and counted. Worker thread. */
bool extend_text(struct sa *sa, unsigned worker, struct rv_esp_text *text);

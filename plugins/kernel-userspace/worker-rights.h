// SPDX-License-Identifier: LGPL-2.1-or-later
/* worker-rights: what a worker must never do. */
#pragma once

#include <stdbool.h>

/* From now on the calling thread can open no file, start no program and trace nobody. False where the machine knows no
 * such filter; the worker then works without. */
bool worker_drop_rights(void);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* ke-tests.h: the tests that every provider of key exchanges passes, pairwise, at the edges of their numbers, and with
 * public values that are none. The state is a struct rv_core with the provider's services in its registry.
 */
#pragma once

#include "test.h"

#include <ravelin/crypto.h>

struct rv_core;

enum { N_KE_TESTS = 8 };
extern const struct CMUnitTest ke_tests[N_KE_TESTS];

struct ke {
	const struct rv_ke_ops *ops;
	void *self;
};

/* A key exchange by its name; the test fails without it. */
struct ke ke_find(struct rv_core *core, const char *name);

/* Octets that are the same for a seed. */
void ke_fill(uint8_t *out, size_t len, unsigned seed);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test.h: what every unit test includes first: cmocka in its required order, and hex. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ravelin/base.h>

/* Reads hex digits (blanks are skipped) into out; the number of octets. A digit too many or too much fails the test. */
static inline size_t test_hex(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = 0;

	while (*hex) {
		unsigned v = 0;
		if (*hex == ' ' || *hex == '\n' || *hex == '\t') {
			hex++;
			continue;
		}
		if (n == cap || sscanf(hex, "%2x", &v) != 1 || !hex[1])
			fail_msg("bad hex: %s", hex);
		out[n++] = (uint8_t)v;
		hex += 2;
	}
	return n;
}

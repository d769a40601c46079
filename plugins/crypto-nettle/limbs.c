// SPDX-License-Identifier: LGPL-2.1-or-later
/* limbs.c: octets to limbs and back, without branches that depend on their value. */
#include "ops.h"

#include <ravelin/secret.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(GMP_NAIL_BITS == 0, "limbs without nails");

void limbs_from_octets(mp_limb_t *out, size_t n, const uint8_t *in, size_t len)
{
	memset(out, 0, n * LIMB);
	for (size_t i = 0; i < len; i++)
		out[i / LIMB] |= (mp_limb_t)in[len - 1 - i] << 8 * (i % LIMB);
}

void limbs_to_octets(uint8_t *out, size_t len, const mp_limb_t *in, size_t n)
{
	for (size_t i = 0; i < len; i++)
		out[len - 1 - i] = i / LIMB < n ? (uint8_t)(in[i / LIMB] >> 8 * (i % LIMB)) : 0;
}

static mp_limb_t digit(char c)
{
	return (mp_limb_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

void limbs_from_hex(mp_limb_t *out, size_t n, const char *hex)
{
	size_t len = strlen(hex);

	memset(out, 0, n * LIMB);
	for (size_t i = 0; i < len; i++)
		out[i / (2 * LIMB)] |= digit(hex[len - 1 - i]) << 4 * (i % (2 * LIMB));
}

mp_limb_t *limbs_new(size_t n)
{
	return calloc(n, LIMB);
}

void limbs_free(mp_limb_t *limbs, size_t n)
{
	if (!limbs)
		return;
	rv_wipe(limbs, n * LIMB);
	free(limbs);
}

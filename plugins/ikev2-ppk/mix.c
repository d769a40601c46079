// SPDX-License-Identifier: LGPL-2.1-or-later
/* mix: prf+ of RFC 7296, 2.13 with the PPK as its key (RFC 8784, 3).
 */
#include "mix.h"

#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>

enum { ROUNDS_MAX = 255, KEY_MAX = 128 };

/* T1 = prf (PPK, SK' | 0x01); T2 = prf (PPK, T1 | SK' | 0x02) ... */
int ppk_mix(struct rv_service *prf, struct rv_bytes ppk, uint8_t *key, size_t len)
{
	const struct rv_prf_ops *ops = rv_service_ops(prf);
	RV_WIPED(uint8_t, t, [PPK_PRF_MAX]);
	RV_WIPED(uint8_t, out, [KEY_MAX + PPK_PRF_MAX]);
	size_t at = 0;

	if (ops->out_len > PPK_PRF_MAX || len > KEY_MAX || len > (size_t)ops->out_len * ROUNDS_MAX)
		return -RV_ELIMIT;
	for (uint8_t n = 1; at < len; n++) {
		const struct rv_bytes parts[] = { rv_bytes(t, n > 1 ? ops->out_len : 0), rv_bytes(key, len),
						  rv_bytes(&n, 1) };
		int r = ops->prf(rv_service_self(prf), ppk, parts, RV_COUNT(parts), out + at);
		if (r)
			return r;
		memcpy(t, out + at, ops->out_len);
		at += ops->out_len;
	}
	memcpy(key, out, len);
	return 0;
}

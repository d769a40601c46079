// SPDX-License-Identifier: LGPL-2.1-or-later
/* mix.h: a post-quantum preshared key stirred into a key of an IKE SA (RFC 8784, 3).
 */
#pragma once

#include <ravelin/crypto.h>

enum { PPK_PRF_MAX = 64 };

/* key = prf+ (ppk, key), in place, len octets. 0; -RV_ELIMIT when len is over 255 outputs of the PRF; or the
 * provider's, key untouched. */
RV_MUST_USE int ppk_mix(struct rv_service *prf, struct rv_bytes ppk, uint8_t *key, size_t len);

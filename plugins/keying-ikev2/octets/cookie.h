// SPDX-License-Identifier: LGPL-2.1-or-later
/* cookie.h: cookies against floods of half-open SAs, without state for each (RFC 7296, 2.6).
 *
 * A cookie is the version of the secret, what the asker wants to know again (info), and a keyed hash over that, Ni, the
 * address and SPIi. The present secret and the one before it are accepted.
 */
#pragma once

#include <ravelin/addr.h>
#include <ravelin/crypto.h>
#include <ravelin/secret.h>

enum { IKE_COOKIE_LEN = 33, IKE_COOKIE_SECRET_LEN = 32, IKE_COOKIE_MAX = 64, IKE_COOKIE_INFO_MAX = 31 };

struct ike_cookies;

/* No secret yet: no cookie can be made, none is accepted. NULL: out of memory. */
struct ike_cookies *ike_cookies_new(const void *parent, struct rv_vault *vault);

/* A new secret; the present one becomes the old one, the old one is forgotten. */
void ike_cookies_rotate(struct ike_cookies *cookies, const uint8_t fresh[static IKE_COOKIE_SECRET_LEN]);

/* The cookie for a request from addr (its port does not count), with info (31 octets at most) in it. prf: any PRF
 * service with 16 octets of output or more. Its length; -RV_ESTATE without a secret, -RV_ELIMIT for a PRF that is too
 * short or an info that is too long, or the provider's. */
RV_MUST_USE int ike_cookie_make(const struct ike_cookies *cookies, struct rv_service *prf, struct rv_bytes ni,
				const struct rv_addr *addr, uint64_t spi_i, struct rv_bytes info,
				uint8_t out[static IKE_COOKIE_MAX]);

/* True when cookie is one for this request under the present or the old secret; *info borrows from it. */
bool ike_cookie_check(const struct ike_cookies *cookies, struct rv_service *prf, struct rv_bytes cookie,
		      struct rv_bytes ni, const struct rv_addr *addr, uint64_t spi_i, struct rv_bytes *info);

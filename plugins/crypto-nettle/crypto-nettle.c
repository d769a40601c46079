// SPDX-License-Identifier: LGPL-2.1-or-later
/* crypto-nettle: key exchanges and AEADs of nettle and GMP.
 *
 * Key exchanges: MODP groups of RFC 3526, ECP groups of RFC 5903, X25519 and X448 of RFC 7748 as RFC 8031 uses them.
 * Each is a pure function of its arguments; the random numbers come from the caller. The AEADs stand beside those of
 * another provider, so that the registry has a choice.
 */
#include "ops.h"

#include <ravelin/plugin.h>

static int init(struct rv_host *host)
{
	int (*const offers[])(struct rv_host *) = {
		nettle_offer_montgomery,
		nettle_offer_ecp,
		nettle_offer_modp,
		nettle_offer_aeads,
	};

	for (size_t i = 0; i < RV_COUNT(offers); i++) {
		int r = offers[i](host);
		if (r)
			return r;
	}
	return 0;
}

RV_PLUGIN(crypto_nettle, "crypto-nettle",
	  "version=1\0"
	  "summary=Key exchanges and AEADs of nettle and GMP\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ke:x25519 ke:x448 ke:ecp256 ke:ecp384 ke:ecp521 ke:modp2048 ke:modp3072 ke:modp4096 ke:modp6144 "
	  "ke:modp8192 aead:aes-gcm-16-128 aead:aes-gcm-16-192 aead:aes-gcm-16-256 aead:chacha20-poly1305\0"
	  "rfc=3526 4106 5282 5903 6989 7634 7748 8031\0",
	  .init = init);

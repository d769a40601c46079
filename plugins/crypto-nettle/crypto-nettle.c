// SPDX-License-Identifier: LGPL-2.1-or-later
/* crypto-nettle: key exchanges, AEADs, a cipher and MACs of nettle and GMP.
 *
 * Key exchanges: MODP groups of RFC 3526, ECP groups of RFC 5903, X25519 and X448 of RFC 7748 as RFC 8031 uses them.
 * Each is a pure function of its arguments; the random numbers come from the caller. AEADs: RFC 4106, RFC 4543, RFC
 * 4309, RFC 7634; some stand beside those of other providers, so that the registry has a choice. RFC 3686, RFC 3566,
 * RFC 4494.
 */
#include "ops.h"

#include <ravelin/plugin.h>

static int init(struct rv_host *host)
{
	int (*const offers[])(struct rv_host *) = {
		nettle_offer_montgomery, nettle_offer_ecp,     nettle_offer_modp, nettle_offer_aeads,
		nettle_offer_ccms,	 nettle_offer_ciphers, nettle_offer_macs,
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
	  "summary=Key exchanges, AEADs, AES-CTR and MACs of AES, of nettle and GMP\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ke:x25519 ke:x448 ke:ecp256 ke:ecp384 ke:ecp521 ke:modp2048 ke:modp3072 ke:modp4096 ke:modp6144 "
	  "ke:modp8192 aead:aes-gcm-16-128 aead:aes-gcm-16-192 aead:aes-gcm-16-256 aead:aes-gcm-12-128 "
	  "aead:aes-gcm-12-192 aead:aes-gcm-12-256 aead:aes-gcm-8-128 aead:aes-gcm-8-192 aead:aes-gcm-8-256 "
	  "aead:aes-gmac-128 aead:aes-gmac-192 aead:aes-gmac-256 aead:aes-ccm-16-128 aead:aes-ccm-16-192 "
	  "aead:aes-ccm-16-256 aead:aes-ccm-12-128 aead:aes-ccm-12-192 aead:aes-ccm-12-256 aead:aes-ccm-8-128 "
	  "aead:aes-ccm-8-192 aead:aes-ccm-8-256 aead:chacha20-poly1305 cipher:aes-ctr-128 cipher:aes-ctr-192 "
	  "cipher:aes-ctr-256 mac:aes-xcbc-96 mac:aes-cmac-96\0"
	  "rfc=3526 3566 3686 4106 4309 4494 4543 5282 5903 6989 7634 7748 8031\0",
	  .init = init);

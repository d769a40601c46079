// SPDX-License-Identifier: LGPL-2.1-or-later
/* crypto-gnutls: hashes, PRFs, MACs, ciphers, AEADs, signatures and random numbers of GnuTLS.
 *
 * PRF and MAC: RFC 2104, RFC 4868 and RFC 2404. Ciphers: RFC 3602. AEADs: RFC 4106 and RFC 5282, RFC 7634. Signatures:
 * RFC 8017, RFC 6979, RFC 8032. GnuTLS uses the processor's instructions where it has them. It cannot be unmapped, so
 * the plugin is resident.
 */
#include "ops.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <ravelin/error.h>
#include <ravelin/plugin.h>

int gnutls_result(int code)
{
	if (code >= 0)
		return 0;
	return code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -RV_EFAILED;
}

static int init(struct rv_host *host)
{
	static const char *const syscalls[] = { "getrandom", NULL };
	int (*const offers[])(struct rv_host *) = {
		gnutls_offer_rng,     gnutls_offer_hashes, gnutls_offer_prfs,  gnutls_offer_macs,
		gnutls_offer_ciphers, gnutls_offer_aeads,  gnutls_offer_signs,
	};

	if (gnutls_global_init() < 0)
		return -RV_EFAILED;
	rv_host_needs_syscalls(host, syscalls);
	for (size_t i = 0; i < RV_COUNT(offers); i++) {
		int r = offers[i](host);
		if (r)
			return r;
	}
	return 0;
}

RV_PLUGIN(crypto_gnutls, "crypto-gnutls",
	  "version=1\0"
	  "summary=Hashes, PRFs, MACs, ciphers, AEADs, signatures and random numbers of GnuTLS\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=rng:gnutls hash:sha1 hash:sha256 hash:sha384 hash:sha512 prf:hmac-sha1 prf:hmac-sha256 "
	  "prf:hmac-sha384 prf:hmac-sha512 mac:hmac-sha1-96 mac:hmac-sha256-128 mac:hmac-sha384-192 "
	  "mac:hmac-sha512-256 cipher:aes-cbc-128 cipher:aes-cbc-192 cipher:aes-cbc-256 aead:aes-gcm-16-128 "
	  "aead:aes-gcm-16-192 aead:aes-gcm-16-256 aead:chacha20-poly1305 sign:rsa-pkcs1-sha1 sign:rsa-pkcs1-sha256 "
	  "sign:rsa-pkcs1-sha384 sign:rsa-pkcs1-sha512 sign:rsa-pss-sha256 sign:rsa-pss-sha384 sign:rsa-pss-sha512 "
	  "sign:ecdsa-sha256 sign:ecdsa-sha384 sign:ecdsa-sha512 sign:ed25519 sign:ed448\0"
	  "rfc=2104 2404 3602 4106 4868 5282 7634 8017 8032\0"
	  "resident=yes\0",
	  .init = init, .fini = gnutls_global_deinit);

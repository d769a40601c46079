// SPDX-License-Identifier: LGPL-2.1-or-later
/* crypto-ipsecmb: AEADs, ciphers and MACs of libipsec-mb, which computes many packets side by side.
 *
 * AEADs: RFC 4106, RFC 4543, RFC 4309, RFC 7634. Ciphers: RFC 3602, RFC 3686. MACs: RFC 2404, RFC 4868, RFC 3566,
 * RFC 4494. Nothing is offered where the processor has no instructions for AES.
 */
#include "ops.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/plugin.h>

/* Not where the library would only emulate the instructions: other providers compute without. */
static bool is_of_use(const IMB_MGR *manager)
{
	const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_SSE4_2;

	return (manager->features & needed) == needed && !(manager->features & IMB_FEATURE_AESNI_EMU);
}

static int offer_all(struct rv_host *host, struct mb *mb)
{
	int (*const offers[])(struct rv_host *, struct mb *) = { mb_offer_aeads, mb_offer_chained, mb_offer_ciphers,
								 mb_offer_macs };
	int r = 0;

	for (size_t i = 0; !r && i < RV_COUNT(offers); i++)
		r = offers[i](host, mb);
	return r;
}

static int init(struct rv_host *host)
{
	struct mb *mb = NULL;
	int r = mb_new(host, &mb);

	if (r)
		return r;
	if (is_of_use(mb->shared))
		return offer_all(host, mb);
	rv_log(&host->subject, RV_NOTICE, "processor-lacks", KV_STR("what", "instructions for AES"));
	return 0;
}

RV_PLUGIN(crypto_ipsecmb, "crypto-ipsecmb",
	  "version=1\0"
	  "summary=AEADs, ciphers and MACs of libipsec-mb, many packets side by side\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=aead:aes-gcm-16-128 aead:aes-gcm-16-192 aead:aes-gcm-16-256 aead:aes-gcm-12-128 "
	  "aead:aes-gcm-12-192 aead:aes-gcm-12-256 aead:aes-gcm-8-128 aead:aes-gcm-8-192 aead:aes-gcm-8-256 "
	  "aead:aes-gmac-128 aead:aes-gmac-192 aead:aes-gmac-256 aead:aes-ccm-16-128 aead:aes-ccm-16-256 "
	  "aead:aes-ccm-12-128 aead:aes-ccm-12-256 aead:aes-ccm-8-128 aead:aes-ccm-8-256 aead:chacha20-poly1305 "
	  "cipher:aes-cbc-128 cipher:aes-cbc-192 cipher:aes-cbc-256 cipher:aes-ctr-128 cipher:aes-ctr-192 "
	  "cipher:aes-ctr-256 mac:hmac-sha1-96 mac:hmac-sha256-128 mac:hmac-sha384-192 mac:hmac-sha512-256 "
	  "mac:aes-xcbc-96 mac:aes-cmac-96\0"
	  "rfc=2404 3566 3602 3686 4106 4309 4494 4543 4868 5282 7634\0",
	  .init = init);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* crypto-openssl: key exchanges and signatures of OpenSSL's libcrypto.
 *
 * Key exchanges: X25519 and X448 (RFC 7748, RFC 8031), ECP groups (RFC 5903),
 * MODP groups (RFC 3526). Signatures: RSA (RFC 8017), ECDSA (RFC 4754), EdDSA
 * (RFC 8032). libcrypto leaves handlers for the ends of threads and of the
 * process behind, so the plugin is resident. Its configuration file is not
 * read.
 */
#include "ops.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <ravelin/error.h>
#include <ravelin/event.h>
#include <ravelin/plugin.h>
#include <string.h>

int openssl_failed(int code)
{
	ERR_clear_error();
	return code;
}

struct openssl_row *openssl_row_new(struct openssl *openssl, size_t i)
{
	struct openssl_row *row = talloc(openssl->host, struct openssl_row);

	if (row)
		*row = (struct openssl_row){ .openssl = openssl, .i = i };
	return row;
}

static int openssl_free(struct openssl *openssl)
{
	for (size_t i = 0; i < N_MD; i++)
		EVP_MD_free(openssl->md[i]);
	openssl_free_ecp(openssl);
	openssl_free_modp(openssl);
	return 0;
}

/* A private key that a new configuration no longer has must not be kept. */
static void on_event(void *self, const struct rv_event *event)
{
	struct openssl *openssl = self;

	if (!strcmp(event->name, "reloaded"))
		openssl_keys_forget(openssl->keys);
}

static const struct rv_watch_ops watch = { .size = sizeof(watch), .event = on_event };

static int init(struct rv_host *host)
{
	static const char *const syscalls[] = { "getrandom", NULL };
	int (*const offers[])(struct openssl *) = {
		openssl_offer_montgomery,
		openssl_offer_ecp,
		openssl_offer_modp,
		openssl_offer_signs,
	};
	struct openssl *openssl;

	/* the old lists of ciphers and digests by name are of no use here */
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
					 OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
				 NULL))
		return openssl_failed(-RV_EFAILED);
	rv_host_needs_syscalls(host, syscalls);
	openssl = talloc_zero(host, struct openssl);
	if (!openssl)
		return -ENOMEM;
	talloc_set_destructor(openssl, openssl_free);
	openssl->host = host;
	host->self = openssl;
	for (size_t i = 0; i < RV_COUNT(offers); i++) {
		int r = offers[i](openssl);
		if (r)
			return r;
	}
	return rv_watch_offer(host, (struct rv_offer){ .name = "crypto-openssl" }, &watch, openssl);
}

RV_PLUGIN(crypto_openssl, "crypto-openssl",
	  "version=1\0"
	  "summary=Key exchanges and signatures of OpenSSL's libcrypto\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ke:x25519 ke:x448 ke:ecp256 ke:ecp384 ke:ecp521 "
	  "ke:modp2048 ke:modp3072 ke:modp4096 ke:modp6144 "
	  "ke:modp8192 sign:rsa-pkcs1-sha1 sign:rsa-pkcs1-sha256 "
	  "sign:rsa-pkcs1-sha384 sign:rsa-pkcs1-sha512 "
	  "sign:rsa-pss-sha256 sign:rsa-pss-sha384 sign:rsa-pss-sha512 "
	  "sign:ecdsa-sha256 sign:ecdsa-sha384 "
	  "sign:ecdsa-sha512 sign:ed25519 sign:ed448 watch:crypto-openssl\0"
	  "rfc=3526 4754 5903 6989 7748 8017 8031 8032\0"
	  "resident=yes\0",
	  .init = init);

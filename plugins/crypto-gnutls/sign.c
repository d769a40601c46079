// SPDX-License-Identifier: LGPL-2.1-or-later
/* sign.c: signatures of GnuTLS: RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017, 8), ECDSA (RFC 6979, 2.4), EdDSA (RFC
 * 8032).
 *
 * A key is read for each use: there is nothing to own, and jobs share nothing. A PSS salt is as long as the hash.
 */
#include "ops.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>
#include <talloc.h>

/* RSA: up to 8192 bits. */
enum { RSA_MAX = 1024, ECDSA_MAX = 144, ED25519_LEN = 64, ED448_LEN = 114 };

struct scheme {
	const char *name;
	struct rv_sign_ops ops;
	gnutls_sign_algorithm_t algorithm;
	gnutls_pk_algorithm_t key, other_key;
	unsigned verify_flags;
};

/* The message in one piece; NULL: out of memory. A talloc root of its own, so that any thread may have it. */
static uint8_t *whole(const struct rv_bytes *parts, size_t n_parts, gnutls_datum_t *out)
{
	size_t len = 0, at = 0;

	for (size_t i = 0; i < n_parts; i++)
		len += parts[i].len;
	uint8_t *b = len <= UINT32_MAX ? talloc_size(NULL, len + 1) : NULL;

	for (size_t i = 0; b && i < n_parts; i++) {
		if (parts[i].len)
			memcpy(b + at, parts[i].p, parts[i].len);
		at += parts[i].len;
	}
	*out = (gnutls_datum_t){ .data = b, .size = (unsigned)len };
	return b;
}

/* GnuTLS does not write what it reads from a datum, but its type does not say so. */
static gnutls_datum_t datum(struct rv_bytes b)
{
	return (gnutls_datum_t){ .data = (uint8_t *)(uintptr_t)b.p, .size = (unsigned)b.len };
}

static bool fits(const struct scheme *scheme, int key)
{
	return key == (int)scheme->key || key == (int)scheme->other_key;
}

static int sign_with(const struct scheme *scheme, gnutls_privkey_t key, const gnutls_datum_t *message, uint8_t *out,
		     size_t *len)
{
	gnutls_datum_t signature = { 0 };
	int r;

	if (!fits(scheme, gnutls_privkey_get_pk_algorithm(key, NULL)))
		return -RV_EKEY_VALUE;
	r = gnutls_privkey_sign_data2(key, scheme->algorithm, 0, message, &signature);
	if (r < 0)
		return gnutls_result(r);
	if (signature.size <= scheme->ops.signature_max) {
		memcpy(out, signature.data, signature.size);
		*len = signature.size;
	} else {
		r = -RV_EKEY_VALUE;
	}
	gnutls_free(signature.data);
	return r;
}

static int sign(void *self, struct rv_bytes private_key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out,
		size_t *len)
{
	gnutls_datum_t message, raw = datum(private_key);
	uint8_t *b = whole(parts, n_parts, &message);
	gnutls_privkey_t key;
	int r;

	if (!b)
		return -ENOMEM;
	r = gnutls_privkey_init(&key);
	if (r >= 0) {
		if (gnutls_privkey_import_x509_raw(key, &raw, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN) < 0)
			r = -RV_EKEY_VALUE;
		else
			r = sign_with(self, key, &message, out, len);
		gnutls_privkey_deinit(key);
	} else {
		r = gnutls_result(r);
	}
	talloc_free(b);
	return r;
}

/* RFC 8032, 5.2.7: S must be less than L, so the last octet is 0. nettle 3.8 does not look at it. */
static bool is_canonical(const struct scheme *scheme, struct rv_bytes signature)
{
	return scheme->key != GNUTLS_PK_EDDSA_ED448 || (signature.len == ED448_LEN && !signature.p[ED448_LEN - 1]);
}

static int verify_with(const struct scheme *scheme, gnutls_pubkey_t key, const gnutls_datum_t *message,
		       const gnutls_datum_t *signature)
{
	int r;

	if (!fits(scheme, gnutls_pubkey_get_pk_algorithm(key, NULL)))
		return -RV_EKEY_VALUE;
	r = gnutls_pubkey_verify_data2(key, scheme->algorithm, scheme->verify_flags, message, signature);
	return r >= 0 ? 0 : r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -RV_EAUTH_FAILED;
}

static int verify(void *self, struct rv_bytes public_key, const struct rv_bytes *parts, size_t n_parts,
		  struct rv_bytes signature)
{
	gnutls_datum_t message, raw = datum(public_key), sig = datum(signature);
	uint8_t *b = whole(parts, n_parts, &message);
	gnutls_pubkey_t key;
	int r;

	if (!b)
		return -ENOMEM;
	if (!is_canonical(self, signature)) {
		talloc_free(b);
		return -RV_EAUTH_FAILED;
	}
	r = gnutls_pubkey_init(&key);
	if (r >= 0) {
		r = gnutls_pubkey_import(key, &raw, GNUTLS_X509_FMT_DER) < 0 ? -RV_EKEY_VALUE
									     : verify_with(self, key, &message, &sig);
		gnutls_pubkey_deinit(key);
	} else {
		r = gnutls_result(r);
	}
	talloc_free(b);
	return r;
}

#define OPS(max)                                                                                                       \
	{                                                                                                              \
		.size = sizeof(struct rv_sign_ops), .signature_max = max, .sign = sign, .verify = verify               \
	}
#define PKCS1(hash, flags) OPS(RSA_MAX), GNUTLS_SIGN_RSA_##hash, GNUTLS_PK_RSA, GNUTLS_PK_RSA, flags
#define PSS(hash) OPS(RSA_MAX), GNUTLS_SIGN_RSA_PSS_RSAE_##hash, GNUTLS_PK_RSA, GNUTLS_PK_RSA_PSS, 0
#define ECDSA(hash) OPS(ECDSA_MAX), GNUTLS_SIGN_ECDSA_##hash, GNUTLS_PK_ECDSA, GNUTLS_PK_ECDSA, 0
#define EDDSA(curve, len) OPS(len), GNUTLS_SIGN_EDDSA_##curve, GNUTLS_PK_EDDSA_##curve, GNUTLS_PK_EDDSA_##curve, 0

static const struct scheme schemes[] = {
	{ "rsa-pkcs1-sha1", PKCS1(SHA1, GNUTLS_VERIFY_ALLOW_SIGN_WITH_SHA1) },
	{ "rsa-pkcs1-sha256", PKCS1(SHA256, 0) },
	{ "rsa-pkcs1-sha384", PKCS1(SHA384, 0) },
	{ "rsa-pkcs1-sha512", PKCS1(SHA512, 0) },
	{ "rsa-pss-sha256", PSS(SHA256) },
	{ "rsa-pss-sha384", PSS(SHA384) },
	{ "rsa-pss-sha512", PSS(SHA512) },
	{ "ecdsa-sha256", ECDSA(SHA256) },
	{ "ecdsa-sha384", ECDSA(SHA384) },
	{ "ecdsa-sha512", ECDSA(SHA512) },
	{ "ed25519", EDDSA(ED25519, ED25519_LEN) },
	{ "ed448", EDDSA(ED448, ED448_LEN) },
};

int gnutls_offer_signs(struct rv_host *host)
{
	for (size_t i = 0; i < RV_COUNT(schemes); i++) {
		struct rv_offer offer = { .name = schemes[i].name };

		known_sign(&offer);
		int r = rv_sign_offer(host, offer, &schemes[i].ops, (void *)(uintptr_t)&schemes[i]);

		if (r)
			return r;
	}
	return 0;
}

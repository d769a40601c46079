// SPDX-License-Identifier: LGPL-2.1-or-later
/* sign.c: signatures: RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017, 8), ECDSA
 * (RFC 4754), EdDSA (RFC 8032).
 *
 * A PSS salt is as long as the hash. EdDSA wants the message in one piece; the
 * others take its hash.
 */
#include "ops.h"

#include <errno.h>
#include <limits.h>
#include <openssl/rsa.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>
#include <talloc.h>

/* RSA: up to 8192 bits. */
enum { RSA_MAX = 1024, ECDSA_MAX = 144, ED25519_LEN = 64, ED448_LEN = 114 };
enum { SHA1, SHA256, SHA384, SHA512, WHOLE };

/* padding: of RSA, else 0. hash: an index of md, or WHOLE. */
struct scheme {
	const char *name;
	struct rv_sign_ops ops;
	unsigned keys;
	int padding, hash;
};

static int sign(void *self, struct rv_bytes private_key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out,
		size_t *len);
static int verify(void *self, struct rv_bytes public_key, const struct rv_bytes *parts, size_t n_parts,
		  struct rv_bytes signature);

#define OPS(max)                                                                                                       \
	{                                                                                                              \
		.size = sizeof(struct rv_sign_ops), .signature_max = max, .sign = sign, .verify = verify               \
	}
#define PKCS1(hash) OPS(RSA_MAX), OPENSSL_RSA, RSA_PKCS1_PADDING, hash
#define PSS(hash) OPS(RSA_MAX), OPENSSL_RSA | OPENSSL_RSA_PSS, RSA_PKCS1_PSS_PADDING, hash
#define ECDSA(hash) OPS(ECDSA_MAX), OPENSSL_EC, 0, hash

static const struct scheme schemes[] = {
	{ "rsa-pkcs1-sha1", PKCS1(SHA1) },
	{ "rsa-pkcs1-sha256", PKCS1(SHA256) },
	{ "rsa-pkcs1-sha384", PKCS1(SHA384) },
	{ "rsa-pkcs1-sha512", PKCS1(SHA512) },
	{ "rsa-pss-sha256", PSS(SHA256) },
	{ "rsa-pss-sha384", PSS(SHA384) },
	{ "rsa-pss-sha512", PSS(SHA512) },
	{ "ecdsa-sha256", ECDSA(SHA256) },
	{ "ecdsa-sha384", ECDSA(SHA384) },
	{ "ecdsa-sha512", ECDSA(SHA512) },
	{ "ed25519", OPS(ED25519_LEN), OPENSSL_ED25519, 0, WHOLE },
	{ "ed448", OPS(ED448_LEN), OPENSSL_ED448, 0, WHOLE },
};

static const struct scheme *scheme_of(void *self)
{
	const struct openssl_row *row = self;

	return &schemes[row->i];
}

/* Whether a private key is one of the scheme's. */
static bool fits(const struct scheme *scheme, const EVP_PKEY *key)
{
	static const struct {
		unsigned type;
		const char *name;
	} types[] = {
		{ OPENSSL_RSA, "RSA" },		{ OPENSSL_RSA_PSS, "RSA-PSS" }, { OPENSSL_EC, "EC" },
		{ OPENSSL_ED25519, "ED25519" }, { OPENSSL_ED448, "ED448" },
	};

	for (size_t i = 0; i < RV_COUNT(types); i++)
		if ((scheme->keys & types[i].type) && EVP_PKEY_is_a(key, types[i].name))
			return EVP_PKEY_get_size(key) <= scheme->ops.signature_max;
	return false;
}

/* The hash of the message into out (EVP_MAX_MD_SIZE octets). */
static bool digest(const EVP_MD *md, const struct rv_bytes *parts, size_t n_parts, uint8_t *out, unsigned *len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex2(ctx, md, NULL) == 1;

	for (size_t i = 0; ok && i < n_parts; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out, len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* What stands before the operation itself: the scheme's parameters. */
static bool set_up(const struct scheme *scheme, const EVP_MD *md, EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
	       (!scheme->padding || EVP_PKEY_CTX_set_rsa_padding(ctx, scheme->padding) == 1) &&
	       (scheme->padding != RSA_PKCS1_PSS_PADDING ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool sign_hash(const struct scheme *scheme, const EVP_MD *md, EVP_PKEY *key, const struct rv_bytes *parts,
		      size_t n_parts, uint8_t *out, size_t *len)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned hash_len = 0;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ok = ctx && EVP_PKEY_sign_init(ctx) == 1 && set_up(scheme, md, ctx) &&
		  digest(md, parts, n_parts, hash, &hash_len) && EVP_PKEY_sign(ctx, out, len, hash, hash_len) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static int verify_hash(const struct scheme *scheme, const EVP_MD *md, EVP_PKEY *key, const struct rv_bytes *parts,
		       size_t n_parts, struct rv_bytes signature)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned hash_len = 0;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	int r = -RV_EFAILED;

	/* a key that says which hashes it may be used with can refuse the scheme's
	 * (RFC 4055, 3.1) */
	if (ctx && EVP_PKEY_verify_init(ctx) == 1)
		r = set_up(scheme, md, ctx) ? 0 : -RV_EKEY_VALUE;
	if (!r && !digest(md, parts, n_parts, hash, &hash_len))
		r = -RV_EFAILED;
	if (!r && EVP_PKEY_verify(ctx, signature.p, signature.len, hash, hash_len) != 1)
		r = -RV_EAUTH_FAILED;
	EVP_PKEY_CTX_free(ctx);
	return r;
}

/* The message in one piece; NULL: out of memory. A talloc root of its own, so
 * that any thread may have it. */
static uint8_t *whole(const struct rv_bytes *parts, size_t n_parts, size_t *len)
{
	size_t at = 0;

	*len = 0;
	for (size_t i = 0; i < n_parts; i++)
		*len += parts[i].len;
	uint8_t *b = talloc_size(NULL, *len + 1);

	for (size_t i = 0; b && i < n_parts; i++) {
		if (parts[i].len)
			memcpy(b + at, parts[i].p, parts[i].len);
		at += parts[i].len;
	}
	return b;
}

static bool sign_whole(EVP_PKEY *key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out, size_t *len)
{
	size_t message_len;
	uint8_t *message = whole(parts, n_parts, &message_len);
	EVP_MD_CTX *ctx = message ? EVP_MD_CTX_new() : NULL;
	bool ok = ctx && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
		  EVP_DigestSign(ctx, out, len, message, message_len) == 1;

	EVP_MD_CTX_free(ctx);
	talloc_free(message);
	return ok;
}

static int verify_whole(EVP_PKEY *key, const struct rv_bytes *parts, size_t n_parts, struct rv_bytes signature)
{
	size_t message_len;
	uint8_t *message = whole(parts, n_parts, &message_len);
	EVP_MD_CTX *ctx = message ? EVP_MD_CTX_new() : NULL;
	int r = ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 ? 0 : -RV_EFAILED;

	if (!r && EVP_DigestVerify(ctx, signature.p, signature.len, message, message_len) != 1)
		r = -RV_EAUTH_FAILED;
	EVP_MD_CTX_free(ctx);
	talloc_free(message);
	return r;
}

static int sign(void *self, struct rv_bytes private_key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out,
		size_t *len)
{
	const struct scheme *scheme = scheme_of(self);
	struct openssl *openssl = ((struct openssl_row *)self)->openssl;
	EVP_PKEY *key = openssl_private_key(openssl, private_key);
	size_t n = scheme->ops.signature_max;
	bool ok;

	if (!key || !fits(scheme, key)) {
		EVP_PKEY_free(key);
		return openssl_failed(-RV_EKEY_VALUE);
	}
	ok = scheme->hash == WHOLE ? sign_whole(key, parts, n_parts, out, &n)
				   : sign_hash(scheme, openssl->md[scheme->hash], key, parts, n_parts, out, &n);
	EVP_PKEY_free(key);
	if (!ok)
		return openssl_failed(-RV_EFAILED);
	*len = n;
	return 0;
}

static int verify(void *self, struct rv_bytes public_key, const struct rv_bytes *parts, size_t n_parts,
		  struct rv_bytes signature)
{
	const struct scheme *scheme = scheme_of(self);
	const struct openssl *openssl = ((struct openssl_row *)self)->openssl;
	EVP_PKEY *key = openssl_public_key(openssl, public_key, scheme->keys);
	int r;

	if (!key)
		return openssl_failed(-RV_EKEY_VALUE);
	r = scheme->hash == WHOLE ? verify_whole(key, parts, n_parts, signature)
				  : verify_hash(scheme, openssl->md[scheme->hash], key, parts, n_parts, signature);
	EVP_PKEY_free(key);
	return r ? openssl_failed(r) : 0;
}

int openssl_offer_signs(struct openssl *openssl)
{
	static const char *const names[N_MD] = { "SHA1", "SHA256", "SHA384", "SHA512" };

	for (size_t i = 0; i < N_MD; i++) {
		openssl->md[i] = EVP_MD_fetch(NULL, names[i], NULL);
		if (!openssl->md[i])
			return openssl_failed(-RV_EFAILED);
	}
	openssl->keys = openssl_keys_new(openssl);
	if (!openssl->keys)
		return -ENOMEM;
	for (size_t i = 0; i < RV_COUNT(schemes); i++) {
		struct rv_offer offer = { .name = schemes[i].name };
		struct openssl_row *self = openssl_row_new(openssl, i);
		int r;

		known_sign(&offer);
		r = self ? rv_sign_offer(openssl->host, offer, &schemes[i].ops, self) : -ENOMEM;
		if (r)
			return r;
	}
	return 0;
}

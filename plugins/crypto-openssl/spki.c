// SPDX-License-Identifier: LGPL-2.1-or-later
/* spki.c: public keys from their SubjectPublicKeyInfo (RFC 5280, 4.1; RFC 3279;
 *RFC 5480; RFC 8410).
 *
 *	SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier,
 *subjectPublicKey BIT STRING }
 *
 * Only the algorithms of the table are taken: of curves those with a name,
 *never one that the key describes itself. OpenSSL's own readers cost twice as
 *much as the signature that the key is read for, so the octets are taken apart
 * here; a key with parameters for RSASSA-PSS (RFC 4055, 1.2), which is rare, is
 *left to them.
 */
#include "ops.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <ravelin/wire.h>
#include <string.h>

enum { INTEGER = 0x02, BIT_STRING = 0x03, SEQUENCE = 0x30 };

/* Identifiers with their parameters, as they stand in the SEQUENCE; of
 * RSASSA-PSS without them. */
static const struct algorithm {
	enum openssl_type type;
	uint8_t len;
	uint8_t octets[20];
	size_t curve;
	const char *name;
} algorithms[] = {
	{ OPENSSL_RSA, 13, { 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0 }, 0, "RSA" },
	{ OPENSSL_RSA_PSS, 11, { 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10 }, 0, "RSA-PSS" },
	{ OPENSSL_EC,
	  19,
	  { 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 },
	  0,
	  "EC" },
	{ OPENSSL_EC, 16, { 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22 }, 1, "EC" },
	{ OPENSSL_EC, 16, { 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x23 }, 2, "EC" },
	{ OPENSSL_ED25519, 5, { 6, 3, 0x2b, 0x65, 0x70 }, 0, "ED25519" },
	{ OPENSSL_ED448, 5, { 6, 3, 0x2b, 0x65, 0x71 }, 0, "ED448" },
};

/* The next value in DER, which must have this tag and a length in its shortest
 * form, of at most two octets. */
static struct rv_bytes value(struct rv_rd *r, uint8_t tag)
{
	uint8_t got = rv_rd_u8(r);
	size_t len = rv_rd_u8(r), least = 0;

	if (len == 0x81) {
		len = rv_rd_u8(r);
		least = 0x80;
	} else if (len == 0x82) {
		len = rv_rd_u16(r);
		least = 0x100;
	} else if (len > 0x7f) {
		rv_rd_fail(r);
	}
	if (got != tag || len < least)
		rv_rd_fail(r);
	return rv_rd_take(r, len);
}

/* Takes the two parts: the identifier with its parameters, and the octets of
 * the key. */
static bool parts(struct rv_bytes spki, struct rv_bytes *identifier, struct rv_bytes *key)
{
	struct rv_rd whole = rv_rd(spki);
	struct rv_rd r = rv_rd(value(&whole, SEQUENCE));

	*identifier = value(&r, SEQUENCE);
	*key = value(&r, BIT_STRING);
	struct rv_rd bits = rv_rd(*key);
	uint8_t unused = rv_rd_u8(&bits);
	*key = rv_rd_rest(&bits);
	return rv_rd_done(&whole) && rv_rd_done(&r) && rv_rd_done(&bits) && !unused && key->len;
}

static const struct algorithm *find(struct rv_bytes identifier, unsigned types)
{
	for (size_t i = 0; i < RV_COUNT(algorithms); i++) {
		const struct algorithm *a = &algorithms[i];
		bool same = identifier.len == a->len || (a->type == OPENSSL_RSA_PSS && identifier.len > a->len);

		if ((a->type & types) && same &&
		    rv_bytes_equal(rv_bytes(identifier.p, a->len), rv_bytes(a->octets, a->len)))
			return a;
	}
	return NULL;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC
 * 8017, A.1.1), both of them positive. */
static bool rsa_numbers(struct rv_bytes key, BIGNUM **modulus, BIGNUM **exponent)
{
	struct rv_rd whole = rv_rd(key);
	struct rv_rd r = rv_rd(value(&whole, SEQUENCE));
	struct rv_bytes n = value(&r, INTEGER), e = value(&r, INTEGER);

	if (!rv_rd_done(&whole) || !rv_rd_done(&r) || !n.len || !e.len || (n.p[0] & 0x80) || (e.p[0] & 0x80))
		return false;
	*modulus = BN_bin2bn(n.p, (int)n.len, NULL);
	*exponent = BN_bin2bn(e.p, (int)e.len, NULL);
	return *modulus && *exponent;
}

static EVP_PKEY *rsa_from(const OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)(uintptr_t)params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *rsa_key(struct rv_bytes octets)
{
	BIGNUM *modulus = NULL, *exponent = NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build && rsa_numbers(octets, &modulus, &exponent) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params)
		key = rsa_from(params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(modulus);
	BN_free(exponent);
	return key;
}

static EVP_PKEY *rsa_pss_key(struct rv_bytes spki)
{
	const uint8_t *at = spki.p;

	return d2i_PUBKEY_ex(NULL, &at, (long)spki.len, NULL, NULL);
}

/* An ECPoint (RFC 5480, 2.2), which OpenSSL tests. */
static EVP_PKEY *ec_key(const struct openssl_curve *curve, struct rv_bytes point)
{
	EVP_PKEY *key = EVP_PKEY_dup(curve->parameters);

	if (key && EVP_PKEY_set1_encoded_public_key(key, point.p, point.len) == 1)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

EVP_PKEY *openssl_public_key(const struct openssl *openssl, struct rv_bytes spki, unsigned types)
{
	struct rv_bytes identifier, octets;
	const struct algorithm *algorithm = parts(spki, &identifier, &octets) ? find(identifier, types) : NULL;

	if (!algorithm)
		return NULL;
	switch (algorithm->type) {
	case OPENSSL_RSA:
		return rsa_key(octets);
	case OPENSSL_RSA_PSS:
		return rsa_pss_key(spki);
	case OPENSSL_EC:
		return ec_key(&openssl->curve[algorithm->curve], octets);
	case OPENSSL_ED25519:
	case OPENSSL_ED448:
		return EVP_PKEY_new_raw_public_key_ex(NULL, algorithm->name, NULL, octets.p, octets.len);
	}
	return NULL;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* montgomery.c: X25519 and X448 (RFC 7748) as RFC 8031 puts them into IKEv2.
 *
 * Any octets of the right length are a public value; one of small order gives a
 * shared secret of zeros, which OpenSSL refuses (RFC 7748, 6.1 and 6.2). The
 * secret is the private key with its public key behind it: OpenSSL would
 * compute the latter anew from a private key alone, which costs as much as the
 * exchange.
 */
#include "ops.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>

enum { MAX_LEN = 56 };

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i);
static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared);
static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared);

#define OPS(len)                                                                                                       \
	{                                                                                                              \
		.size = sizeof(struct rv_ke_ops), .n_random = len, .secret_len = 2 * (len), .public_i_len = len,       \
		.public_r_len = len, .shared_len = len, .generate = generate, .respond = respond, .complete = complete \
	}

/* ikev2: RFC 8031, 4 */
static const struct montgomery_row {
	const char *name, *openssl_name;
	struct rv_ke_ops ops;
	struct rv_attr attr;
} rows[] = {
	{ "x25519", "X25519", OPS(32), { "ikev2", 31 } },
	{ "x448", "X448", OPS(MAX_LEN), { "ikev2", 32 } },
};

static const struct montgomery_row *row_of(void *self)
{
	const struct openssl_row *row = self;

	return &rows[row->i];
}

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i)
{
	const struct montgomery_row *row = row_of(self);
	size_t len = row->ops.public_i_len, got = len;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, row->openssl_name, NULL, random, len);
	int ok = key && EVP_PKEY_get_raw_public_key(key, public_i, &got) == 1 && got == len;

	EVP_PKEY_free(key);
	if (!ok)
		return openssl_failed(-RV_EFAILED);
	memcpy(secret, random, len);
	memcpy(secret + len, public_i, len);
	return 0;
}

/* Our key from both of its halves. OpenSSL copies what its parameters point to.
 */
static EVP_PKEY *own_key(const struct montgomery_row *row, const uint8_t *secret)
{
	size_t len = row->ops.public_i_len;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, row->openssl_name, NULL);
	void *octets = (uint8_t *)(uintptr_t)secret;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, octets, len),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (uint8_t *)octets + len, len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared)
{
	const struct montgomery_row *row = row_of(self);
	size_t len = row->ops.shared_len;

	if (public_r.len != len)
		return -RV_EKEY_VALUE;
	EVP_PKEY *key = own_key(row, secret);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, row->openssl_name, NULL, public_r.p, len);
	EVP_PKEY_CTX *ctx = key && peer ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
	int ready = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1;
	int ok = ready && EVP_PKEY_derive(ctx, shared, &len) == 1;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(key);
	return ok ? 0 : openssl_failed(ready ? -RV_EKEY_VALUE : -RV_EFAILED);
}

static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared)
{
	RV_WIPED(uint8_t, secret, [2 * MAX_LEN]);
	int r = generate(self, random, secret, public_r);

	return r ? r : complete(self, secret, public_i, shared);
}

int openssl_offer_montgomery(struct openssl *openssl)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_offer offer = { .name = rows[i].name, .attrs = &rows[i].attr, .n_attrs = 1 };
		struct openssl_row *self = openssl_row_new(openssl, i);

		known_ke(&offer);
		int r = self ? rv_ke_offer(openssl->host, offer, &rows[i].ops, self) : -ENOMEM;
		if (r)
			return r;
	}
	return 0;
}

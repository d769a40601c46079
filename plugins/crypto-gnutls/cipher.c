// SPDX-License-Identifier: LGPL-2.1-or-later
/* cipher.c: AES-CBC (RFC 3602) by GnuTLS. */
#include "ops.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>

enum { BLOCK = 16 };

struct cipher_ctx {
	gnutls_cipher_hd_t handle;
	bool encrypt;
};

struct cipher_row {
	const char *name;
	struct rv_cipher_ops ops;
	gnutls_cipher_algorithm_t cipher;
	struct rv_attr attrs[2];
};

static int init(void *self, void *ctx, struct rv_bytes key, bool encrypt);
static int crypt(void *self, void *ctx, const uint8_t *iv, const uint8_t *src, uint8_t *dst, size_t len);
static void fini(void *self, void *ctx);

#define CIPHER(key)                                                                                                    \
	{                                                                                                              \
		.size = sizeof(struct rv_cipher_ops), .key_len = key, .iv_len = BLOCK, .block_len = BLOCK,             \
		.ctx_size = sizeof(struct cipher_ctx), .init = init, .crypt = crypt, .fini = fini                      \
	}

/* self is the index of the row. ikev2: RFC 7296, 3.3.2, transform type 1 */
static const struct cipher_row rows[] = {
	{ "aes-cbc-128", CIPHER(16), GNUTLS_CIPHER_AES_128_CBC, { { "ikev2", 12 }, { "key-bits", 128 } } },
	{ "aes-cbc-192", CIPHER(24), GNUTLS_CIPHER_AES_192_CBC, { { "ikev2", 12 }, { "key-bits", 192 } } },
	{ "aes-cbc-256", CIPHER(32), GNUTLS_CIPHER_AES_256_CBC, { { "ikev2", 12 }, { "key-bits", 256 } } },
};

/* A datum of GnuTLS has no const; the octets that it points to are only read. */
static gnutls_datum_t datum(uint8_t *octets, size_t len)
{
	return (gnutls_datum_t){ .data = octets, .size = (unsigned)len };
}

static int init(void *self, void *ctx, struct rv_bytes key, bool encrypt)
{
	const struct cipher_row *row = &rows[(uintptr_t)self];
	struct cipher_ctx *c = ctx;
	RV_WIPED(uint8_t, octets, [32]);
	uint8_t zero[BLOCK] = { 0 };

	c->handle = NULL;
	c->encrypt = encrypt;
	if (key.len != row->ops.key_len)
		return -EINVAL;
	memcpy(octets, key.p, key.len);
	gnutls_datum_t k = datum(octets, key.len), iv = datum(zero, sizeof(zero));
	return gnutls_result(gnutls_cipher_init(&c->handle, row->cipher, &k, &iv));
}

static int crypt(void *self, void *ctx, const uint8_t *iv, const uint8_t *src, uint8_t *dst, size_t len)
{
	struct cipher_ctx *c = ctx;
	uint8_t copy[BLOCK];

	if (len % BLOCK)
		return -EINVAL;
	memcpy(copy, iv, BLOCK);
	gnutls_cipher_set_iv(c->handle, copy, BLOCK);
	if (!len)
		return 0;
	return gnutls_result(c->encrypt ? gnutls_cipher_encrypt2(c->handle, src, len, dst, len)
					: gnutls_cipher_decrypt2(c->handle, src, len, dst, len));
}

static void fini(void *self, void *ctx)
{
	struct cipher_ctx *c = ctx;

	if (c->handle)
		gnutls_cipher_deinit(c->handle);
	rv_wipe(c, sizeof(*c));
}

int gnutls_offer_ciphers(struct rv_host *host)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_offer offer = { .name = rows[i].name,
					  .attrs = rows[i].attrs,
					  .n_attrs = RV_COUNT(rows[i].attrs) };

		known_cipher(&offer);
		int r = rv_cipher_offer(host, offer, &rows[i].ops, (void *)(uintptr_t)i);
		if (r)
			return r;
	}
	return 0;
}

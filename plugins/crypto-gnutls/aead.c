// SPDX-License-Identifier: LGPL-2.1-or-later
/* aead.c: AES-GCM with a 16-octet ICV (RFC 4106, RFC 5282) and ChaCha20-Poly1305 (RFC 7634) by GnuTLS.
 *
 * One handle serves all packets of an SA's direction; a burst is a loop over it.
 */
#include "ops.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>

enum { SALT = 4, IV = 8, NONCE = 12, ICV = 16 };

struct aead_ctx {
	gnutls_aead_cipher_hd_t handle;
};

struct aead_row {
	const char *name;
	struct rv_aead_ops ops;
	gnutls_cipher_algorithm_t cipher;
	struct rv_attr attrs[2];
};

static int init(void *self, void *ctx, struct rv_bytes key);
static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
static void fini(void *self, void *ctx);

#define AEAD(key)                                                                                                      \
	{                                                                                                              \
		.size = sizeof(struct rv_aead_ops), .key_len = key, .salt_len = SALT, .iv_len = IV, .icv_len = ICV,    \
		.ctx_size = sizeof(struct aead_ctx), .init = init, .seal = seal, .open = open, .fini = fini            \
	}

/* self is the index of the row. ikev2: RFC 7296, 3.3.2, transform type 1 */
static const struct aead_row rows[] = {
	{ "aes-gcm-16-128", AEAD(16), GNUTLS_CIPHER_AES_128_GCM, { { "ikev2", 20 }, { "key-bits", 128 } } },
	{ "aes-gcm-16-192", AEAD(24), GNUTLS_CIPHER_AES_192_GCM, { { "ikev2", 20 }, { "key-bits", 192 } } },
	{ "aes-gcm-16-256", AEAD(32), GNUTLS_CIPHER_AES_256_GCM, { { "ikev2", 20 }, { "key-bits", 256 } } },
	{ "chacha20-poly1305", AEAD(32), GNUTLS_CIPHER_CHACHA20_POLY1305, { { "ikev2", 28 }, { "key-bits", 256 } } },
};

static int init(void *self, void *ctx, struct rv_bytes key)
{
	const struct aead_row *row = &rows[(uintptr_t)self];
	struct aead_ctx *c = ctx;
	RV_WIPED(uint8_t, octets, [32]);

	c->handle = NULL;
	if (key.len != row->ops.key_len)
		return -EINVAL;
	memcpy(octets, key.p, key.len);
	gnutls_datum_t datum = { .data = octets, .size = (unsigned)key.len };
	return gnutls_result(gnutls_aead_cipher_init(&c->handle, row->cipher, &datum));
}

static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	struct aead_ctx *c = ctx;

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		size_t len = (size_t)op->len + ICV;
		int r = gnutls_aead_cipher_encrypt(c->handle, op->nonce, NONCE, op->aad, op->aad_len, ICV, op->src,
						   op->len, op->dst, &len);
		if (r < 0)
			return gnutls_result(r);
		op->ok = true;
	}
	return 0;
}

static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	struct aead_ctx *c = ctx;

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		size_t len = op->len;
		int r = gnutls_aead_cipher_decrypt(c->handle, op->nonce, NONCE, op->aad, op->aad_len, ICV, op->src,
						   (size_t)op->len + ICV, op->dst, &len);
		op->ok = r >= 0;
		if (r == GNUTLS_E_DECRYPTION_FAILED)
			memset(op->dst, 0, op->len); /* what did not prove authentic is not for anybody to see */
		else if (r < 0)
			return gnutls_result(r);
	}
	return 0;
}

static void fini(void *self, void *ctx)
{
	struct aead_ctx *c = ctx;

	if (c->handle)
		gnutls_aead_cipher_deinit(c->handle);
	rv_wipe(c, sizeof(*c));
}

int gnutls_offer_aeads(struct rv_host *host)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_offer offer = { .name = rows[i].name,
					  .attrs = rows[i].attrs,
					  .n_attrs = RV_COUNT(rows[i].attrs) };

		known_aead(&offer);
		int r = rv_aead_offer(host, offer, &rows[i].ops, (void *)(uintptr_t)i);
		if (r)
			return r;
	}
	return 0;
}

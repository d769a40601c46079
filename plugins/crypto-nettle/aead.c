// SPDX-License-Identifier: LGPL-2.1-or-later
/* aead.c: AES-GCM with a 16-octet ICV (RFC 4106, RFC 5282) and ChaCha20-Poly1305 (RFC 7634) by nettle.
 *
 * The context is nettle's own, in the caller's memory: nothing is on the heap. That of GCM is large, for nettle keeps a
 * table of 4096 octets in it.
 */
#include "ops.h"

#include <errno.h>
#include <nettle/chacha-poly1305.h>
#include <nettle/gcm.h>
#include <nettle/nettle-meta.h>
#include <ravelin/secret.h>
#include <string.h>

enum { SALT = 4, IV = 8, ICV = 16 };

static int init(void *self, void *ctx, struct rv_bytes key);
static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
static void fini(void *self, void *ctx);

#define AEAD(key, type)                                                                                                \
	{                                                                                                              \
		.size = sizeof(struct rv_aead_ops), .key_len = key, .salt_len = SALT, .iv_len = IV, .icv_len = ICV,    \
		.ctx_size = sizeof(type), .init = init, .seal = seal, .open = open, .fini = fini                       \
	}

/* ikev2: RFC 7296, 3.3.2, transform type 1 */
static const struct {
	const char *name;
	struct rv_aead_ops ops;
	const struct nettle_aead *aead;
	struct rv_attr attrs[2];
} rows[] = {
	{ "aes-gcm-16-128",
	  AEAD(16, struct gcm_aes128_ctx),
	  &nettle_gcm_aes128,
	  { { "ikev2", 20 }, { "key-bits", 128 } } },
	{ "aes-gcm-16-192",
	  AEAD(24, struct gcm_aes192_ctx),
	  &nettle_gcm_aes192,
	  { { "ikev2", 20 }, { "key-bits", 192 } } },
	{ "aes-gcm-16-256",
	  AEAD(32, struct gcm_aes256_ctx),
	  &nettle_gcm_aes256,
	  { { "ikev2", 20 }, { "key-bits", 256 } } },
	{ "chacha20-poly1305",
	  AEAD(32, struct chacha_poly1305_ctx),
	  &nettle_chacha_poly1305,
	  { { "ikev2", 28 }, { "key-bits", 256 } } },
};

static int init(void *self, void *ctx, struct rv_bytes key)
{
	size_t i = (uintptr_t)self;

	if (key.len != rows[i].ops.key_len)
		return -EINVAL;
	rows[i].aead->set_encrypt_key(ctx, key.p);
	return 0;
}

static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	const struct nettle_aead *aead = rows[(uintptr_t)self].aead;

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		aead->set_nonce(ctx, op->nonce);
		aead->update(ctx, op->aad_len, op->aad);
		aead->encrypt(ctx, op->len, op->dst, op->src);
		aead->digest(ctx, ICV, op->dst + op->len);
		op->ok = true;
	}
	return 0;
}

static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	const struct nettle_aead *aead = rows[(uintptr_t)self].aead;

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		uint8_t icv[ICV];
		aead->set_nonce(ctx, op->nonce);
		aead->update(ctx, op->aad_len, op->aad);
		aead->decrypt(ctx, op->len, op->dst, op->src);
		aead->digest(ctx, ICV, icv);
		op->ok = rv_equal_secret(rv_bytes(icv, ICV), rv_bytes(op->src + op->len, ICV));
		if (!op->ok)
			memset(op->dst, 0, op->len); /* what did not prove authentic is not for anybody to see */
	}
	return 0;
}

static void fini(void *self, void *ctx)
{
	rv_wipe(ctx, rows[(uintptr_t)self].ops.ctx_size);
}

int nettle_offer_aeads(struct rv_host *host)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_offer offer = { .name = rows[i].name,
					  .priority = -1, /* until speeds are known: contexts are large */
					  .attrs = rows[i].attrs,
					  .n_attrs = RV_COUNT(rows[i].attrs) };

		known_aead(&offer);
		int r = rv_aead_offer(host, offer, &rows[i].ops, (void *)(uintptr_t)i);
		if (r)
			return r;
	}
	return 0;
}

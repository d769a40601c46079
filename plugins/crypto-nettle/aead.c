// SPDX-License-Identifier: LGPL-2.1-or-later
/* aead.c: AES-GCM (RFC 4106, RFC 5282), AES-GMAC (RFC 4543) and ChaCha20-Poly1305 (RFC 7634) by nettle.
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

enum { SALT = 4, IV = 8, ICV = 16, BLOCK = GCM_BLOCK_SIZE };

static int init(void *self, void *ctx, struct rv_bytes key);
static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
static int gmac_seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
static int gmac_open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
static void fini(void *self, void *ctx);

#define AEAD(key, icv, type)                                                                                           \
	{                                                                                                              \
		.size = sizeof(struct rv_aead_ops), .key_len = key, .salt_len = SALT, .iv_len = IV, .icv_len = icv,    \
		.ctx_size = sizeof(type), .init = init, .seal = seal, .open = open, .fini = fini                       \
	}
#define GMAC(key, type)                                                                                                \
	{                                                                                                              \
		.size = sizeof(struct rv_aead_ops), .key_len = key, .salt_len = SALT, .iv_len = IV, .icv_len = ICV,    \
		.ctx_size = sizeof(type), .init = init, .seal = gmac_seal, .open = gmac_open, .fini = fini             \
	}
#define GCM_ROWS(icv, id)                                                                                              \
	{ "aes-gcm-" #icv "-128",                                                                                      \
	  AEAD(16, icv, struct gcm_aes128_ctx),                                                                        \
	  &nettle_gcm_aes128,                                                                                          \
	  { { "ikev2", id }, { "key-bits", 128 } },                                                                    \
	  2 },                                                                                                         \
		{ "aes-gcm-" #icv "-192",                                                                              \
		  AEAD(24, icv, struct gcm_aes192_ctx),                                                                \
		  &nettle_gcm_aes192,                                                                                  \
		  { { "ikev2", id }, { "key-bits", 192 } },                                                            \
		  2 },                                                                                                 \
	{                                                                                                              \
		"aes-gcm-" #icv "-256", AEAD(32, icv, struct gcm_aes256_ctx), &nettle_gcm_aes256,                      \
			{ { "ikev2", id }, { "key-bits", 256 } }, 2                                                    \
	}

/* ikev2: RFC 7296, 3.3.2, transform type 1 */
static const struct {
	const char *name;
	struct rv_aead_ops ops;
	const struct nettle_aead *aead;
	struct rv_attr attrs[3];
	size_t n_attrs;
} rows[] = {
	GCM_ROWS(16, 20),
	GCM_ROWS(12, 19),
	GCM_ROWS(8, 18),
	{ "aes-gmac-128",
	  GMAC(16, struct gcm_aes128_ctx),
	  &nettle_gcm_aes128,
	  { { "ikev2", 21 }, { "key-bits", 128 }, { "clear", 1 } },
	  3 },
	{ "aes-gmac-192",
	  GMAC(24, struct gcm_aes192_ctx),
	  &nettle_gcm_aes192,
	  { { "ikev2", 21 }, { "key-bits", 192 }, { "clear", 1 } },
	  3 },
	{ "aes-gmac-256",
	  GMAC(32, struct gcm_aes256_ctx),
	  &nettle_gcm_aes256,
	  { { "ikev2", 21 }, { "key-bits", 256 }, { "clear", 1 } },
	  3 },
	{ "chacha20-poly1305",
	  AEAD(32, ICV, struct chacha_poly1305_ctx),
	  &nettle_chacha_poly1305,
	  { { "ikev2", 28 }, { "key-bits", 256 } },
	  2 },
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
	size_t icv_len = rows[(uintptr_t)self].ops.icv_len;

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		aead->set_nonce(ctx, op->nonce);
		aead->update(ctx, op->aad_len, op->aad);
		aead->encrypt(ctx, op->len, op->dst, op->src);
		aead->digest(ctx, icv_len, op->dst + op->len);
		op->ok = true;
	}
	return 0;
}

static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	const struct nettle_aead *aead = rows[(uintptr_t)self].aead;
	size_t icv_len = rows[(uintptr_t)self].ops.icv_len;

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		uint8_t icv[ICV];
		aead->set_nonce(ctx, op->nonce);
		aead->update(ctx, op->aad_len, op->aad);
		aead->decrypt(ctx, op->len, op->dst, op->src);
		aead->digest(ctx, icv_len, icv);
		op->ok = rv_equal_secret(rv_bytes(icv, icv_len), rv_bytes(op->src + op->len, icv_len));
		if (!op->ok)
			memset(op->dst, 0, op->len); /* what did not prove authentic is not for anybody to see */
	}
	return 0;
}

/* RFC 4543, 3.3: aad | IV | text is authenticated; nettle takes whole blocks until the last. */
static void gmac(const struct nettle_aead *aead, void *ctx, const struct rv_aead_op *op, uint8_t *icv)
{
	size_t whole = op->aad_len / BLOCK * BLOCK, rest = op->aad_len - whole;
	size_t more = (2 * BLOCK - rest - IV) % BLOCK;
	uint8_t joint[2 * BLOCK];

	if (more > op->len)
		more = op->len;
	if (rest)
		memcpy(joint, op->aad + whole, rest);
	memcpy(joint + rest, op->nonce + SALT, IV);
	if (more)
		memcpy(joint + rest + IV, op->src, more);
	aead->set_nonce(ctx, op->nonce);
	if (whole)
		aead->update(ctx, whole, op->aad);
	aead->update(ctx, rest + IV + more, joint);
	if (op->len > more)
		aead->update(ctx, op->len - more, op->src + more);
	aead->digest(ctx, ICV, icv);
}

static int gmac_seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		uint8_t icv[ICV];
		gmac(rows[(uintptr_t)self].aead, ctx, op, icv);
		if (op->dst != op->src)
			memcpy(op->dst, op->src, op->len);
		memcpy(op->dst + op->len, icv, ICV);
		op->ok = true;
	}
	return 0;
}

static int gmac_open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		uint8_t icv[ICV];
		gmac(rows[(uintptr_t)self].aead, ctx, op, icv);
		op->ok = rv_equal_secret(rv_bytes(icv, ICV), rv_bytes(op->src + op->len, ICV));
		if (op->dst != op->src)
			memcpy(op->dst, op->src, op->len);
		if (!op->ok)
			memset(op->dst, 0, op->len);
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
					  .n_attrs = rows[i].n_attrs };

		known_aead(&offer);
		int r = rv_aead_offer(host, offer, &rows[i].ops, (void *)(uintptr_t)i);
		if (r)
			return r;
	}
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* ccm.c: AES-CCM (RFC 4309, RFC 5282) by nettle: a nonce of 11 octets, a salt of 3. */
#include "ops.h"

#include <errno.h>
#include <nettle/aes.h>
#include <nettle/ccm.h>
#include <nettle/nettle-meta.h>
#include <ravelin/secret.h>
#include <string.h>

enum { SALT = 3, IV = 8, NONCE = SALT + IV };

static int init(void *self, void *ctx, struct rv_bytes key);
static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
static void fini(void *self, void *ctx);

#define CCM(bits, icv, id)                                                                                             \
	{                                                                                                              \
		"aes-ccm-" #icv "-" #bits,                                                                             \
			{ .size = sizeof(struct rv_aead_ops),                                                          \
			  .key_len = (bits) / 8,                                                                       \
			  .salt_len = SALT,                                                                            \
			  .iv_len = IV,                                                                                \
			  .icv_len = icv,                                                                              \
			  .ctx_size = sizeof(struct aes##bits##_ctx),                                                  \
			  .init = init,                                                                                \
			  .seal = seal,                                                                                \
			  .open = open,                                                                                \
			  .fini = fini },                                                                              \
			&nettle_aes##bits,                                                                             \
		{                                                                                                      \
			{ "ikev2", id },                                                                               \
			{                                                                                              \
				"key-bits", bits                                                                       \
			}                                                                                              \
		}                                                                                                      \
	}

/* ikev2: RFC 7296, 3.3.2, transform type 1 */
static const struct {
	const char *name;
	struct rv_aead_ops ops;
	const struct nettle_cipher *aes;
	struct rv_attr attrs[2];
} rows[] = {
	CCM(128, 16, 16), CCM(192, 16, 16), CCM(256, 16, 16), CCM(128, 12, 15), CCM(192, 12, 15),
	CCM(256, 12, 15), CCM(128, 8, 14),  CCM(192, 8, 14),  CCM(256, 8, 14),
};

static int init(void *self, void *ctx, struct rv_bytes key)
{
	size_t i = (uintptr_t)self;

	if (key.len != rows[i].ops.key_len)
		return -EINVAL;
	rows[i].aes->set_encrypt_key(ctx, key.p);
	return 0;
}

static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	const struct nettle_cipher *aes = rows[(uintptr_t)self].aes;
	size_t icv_len = rows[(uintptr_t)self].ops.icv_len;

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		ccm_encrypt_message(ctx, aes->encrypt, NONCE, op->nonce, op->aad_len, op->aad, icv_len,
				    op->len + icv_len, op->dst, op->src);
		op->ok = true;
	}
	return 0;
}

static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	const struct nettle_cipher *aes = rows[(uintptr_t)self].aes;
	size_t icv_len = rows[(uintptr_t)self].ops.icv_len;

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		op->ok = ccm_decrypt_message(ctx, aes->encrypt, NONCE, op->nonce, op->aad_len, op->aad, icv_len,
					     op->len, op->dst, op->src);
		if (!op->ok)
			memset(op->dst, 0, op->len); /* what did not prove authentic is not for anybody to see */
	}
	return 0;
}

static void fini(void *self, void *ctx)
{
	rv_wipe(ctx, rows[(uintptr_t)self].ops.ctx_size);
}

int nettle_offer_ccms(struct rv_host *host)
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

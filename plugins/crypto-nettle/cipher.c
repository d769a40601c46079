// SPDX-License-Identifier: LGPL-2.1-or-later
/* cipher.c: AES-CTR (RFC 3686) by nettle: the key ends in a nonce of 4 octets, the counter starts at 1. */
#include "ops.h"

#include <errno.h>
#include <nettle/aes.h>
#include <nettle/ctr.h>
#include <nettle/nettle-meta.h>
#include <ravelin/secret.h>
#include <string.h>

enum { NONCE = 4, IV = 8, BLOCK = AES_BLOCK_SIZE };

struct ctr_ctx {
	union {
		struct aes128_ctx aes128;
		struct aes192_ctx aes192;
		struct aes256_ctx aes256;
	} aes;
	uint8_t nonce[NONCE];
};

static int init(void *self, void *ctx, struct rv_bytes key, bool encrypt);
static int crypt(void *self, void *ctx, const uint8_t *iv, const uint8_t *src, uint8_t *dst, size_t len);
static void fini(void *self, void *ctx);

#define CTR(bits)                                                                                                      \
	{                                                                                                              \
		"aes-ctr-" #bits,                                                                                      \
			{ .size = sizeof(struct rv_cipher_ops),                                                        \
			  .key_len = (bits) / 8 + NONCE,                                                               \
			  .iv_len = IV,                                                                                \
			  .block_len = 1,                                                                              \
			  .ctx_size = sizeof(struct ctr_ctx),                                                          \
			  .init = init,                                                                                \
			  .crypt = crypt,                                                                              \
			  .fini = fini,                                                                                \
			  .unique_iv = true },                                                                         \
			&nettle_aes##bits,                                                                             \
		{                                                                                                      \
			{ "ikev2", 13 },                                                                               \
			{                                                                                              \
				"key-bits", bits                                                                       \
			}                                                                                              \
		}                                                                                                      \
	}

/* ikev2: RFC 7296, 3.3.2, transform type 1 */
static const struct {
	const char *name;
	struct rv_cipher_ops ops;
	const struct nettle_cipher *aes;
	struct rv_attr attrs[2];
} rows[] = { CTR(128), CTR(192), CTR(256) };

static int init(void *self, void *ctx, struct rv_bytes key, bool encrypt)
{
	size_t i = (uintptr_t)self;
	struct ctr_ctx *c = ctx;

	if (key.len != rows[i].ops.key_len)
		return -EINVAL;
	rows[i].aes->set_encrypt_key(&c->aes, key.p);
	memcpy(c->nonce, key.p + key.len - NONCE, NONCE);
	return 0;
}

static int crypt(void *self, void *ctx, const uint8_t *iv, const uint8_t *src, uint8_t *dst, size_t len)
{
	const struct ctr_ctx *c = ctx;
	uint8_t counter[BLOCK] = { [BLOCK - 1] = 1 };

	memcpy(counter, c->nonce, NONCE);
	memcpy(counter + NONCE, iv, IV);
	ctr_crypt(&c->aes, rows[(uintptr_t)self].aes->encrypt, BLOCK, counter, len, dst, src);
	return 0;
}

static void fini(void *self, void *ctx)
{
	rv_wipe(ctx, sizeof(struct ctr_ctx));
}

int nettle_offer_ciphers(struct rv_host *host)
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

// SPDX-License-Identifier: LGPL-2.1-or-later
/* cipher.c: AES-CBC (RFC 3602) and AES-CTR (RFC 3686) in bursts of libipsec-mb. */
#include "ops.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/plugin.h>
#include <ravelin/secret.h>
#include <string.h>

enum { BLOCK = 16, CTR_IV = 8, CTR_NONCE = 4 };

struct cipher_ctx {
	_Alignas(16) uint32_t encrypt[60], decrypt[60];
	uint8_t nonce[CTR_NONCE]; /* RFC 3686, 5.1: the end of the key */
	bool encrypts;
};

struct cipher_row {
	const char *name;
	struct rv_cipher_ops ops;
	IMB_CIPHER_MODE mode;
	struct rv_attr attrs[2];
};

struct cipher {
	struct mb *mb;
	const struct cipher_row *row;
};

static size_t aes_len(const struct cipher_row *row)
{
	return row->ops.key_len - (row->mode == IMB_CIPHER_CNTR ? (size_t)CTR_NONCE : 0);
}

static int init(void *self, void *ctx, struct rv_bytes key, bool encrypt)
{
	const struct cipher *cipher = self;
	const IMB_MGR *shared = cipher->mb->shared;
	size_t len = aes_len(cipher->row);
	struct cipher_ctx *c = ctx;

	if (key.len != cipher->row->ops.key_len)
		return -EINVAL;
	if (len == IMB_KEY_128_BYTES)
		IMB_AES_KEYEXP_128(shared, key.p, c->encrypt, c->decrypt);
	else if (len == IMB_KEY_192_BYTES)
		IMB_AES_KEYEXP_192(shared, key.p, c->encrypt, c->decrypt);
	else
		IMB_AES_KEYEXP_256(shared, key.p, c->encrypt, c->decrypt);
	if (key.len > len)
		memcpy(c->nonce, key.p + len, CTR_NONCE);
	c->encrypts = encrypt;
	return 0;
}

static int crypt_burst(void *self, void *ctx, const struct rv_cipher_op *ops, size_t n_ops)
{
	const struct cipher *cipher = self;
	const struct cipher_row *row = cipher->row;
	struct mb_thread *thread = mb_thread(cipher->mb);
	const struct cipher_ctx *c = ctx;
	bool counts = row->mode == IMB_CIPHER_CNTR;
	uint32_t n = 0;

	if (!thread || n_ops > MB_BURST)
		return thread ? -EINVAL : -ENOMEM;
	for (size_t i = 0; i < n_ops; i++) {
		const struct rv_cipher_op *op = &ops[i];
		IMB_JOB *job = &thread->jobs[n];
		if (op->len % row->ops.block_len || op->len > MB_MAX_LEN)
			return -EINVAL;
		if (!op->len)
			continue;
		if (counts) { /* with an IV of 12 octets the library counts from 1, as RFC 3686, 4 says */
			memcpy(thread->nonce[n], c->nonce, CTR_NONCE);
			memcpy(thread->nonce[n] + CTR_NONCE, op->iv, CTR_IV);
		}
		job->src = op->src;
		job->dst = op->dst;
		job->cipher_start_src_offset_in_bytes = 0;
		job->msg_len_to_cipher_in_bytes = op->len;
		job->iv = counts ? thread->nonce[n] : op->iv;
		job->iv_len_in_bytes = counts ? MB_NONCE : BLOCK;
		job->enc_keys = c->encrypt;
		job->dec_keys = c->decrypt;
		job->key_len_in_bytes = aes_len(row);
		n++;
	}
	return n == IMB_SUBMIT_CIPHER_BURST_NOCHECK(thread->manager, thread->jobs, n, row->mode,
						    c->encrypts ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT,
						    (IMB_KEY_SIZE_BYTES)aes_len(row))
		       ? 0
		       : -RV_EFAILED;
}

static int crypt(void *self, void *ctx, const uint8_t *iv, const uint8_t *src, uint8_t *dst, size_t len)
{
	const struct rv_cipher_op op = { iv, src, dst, len };

	return crypt_burst(self, ctx, &op, 1);
}

static void fini(void *self, void *ctx)
{
	rv_wipe(ctx, sizeof(struct cipher_ctx));
}

#define OPS(key, iv, block, unique)                                                                                    \
	{                                                                                                              \
		.size = sizeof(struct rv_cipher_ops), .key_len = key, .iv_len = iv, .block_len = block,                \
		.ctx_size = sizeof(struct cipher_ctx), .init = init, .crypt = crypt, .fini = fini,                     \
		.crypt_burst = crypt_burst, .unique_iv = unique                                                        \
	}
#define CBC(bits)                                                                                                      \
	{                                                                                                              \
		"aes-cbc-" #bits, OPS((bits) / 8, BLOCK, BLOCK, false), IMB_CIPHER_CBC,                                \
		{                                                                                                      \
			{ "ikev2", 12 },                                                                               \
			{                                                                                              \
				"key-bits", bits                                                                       \
			}                                                                                              \
		}                                                                                                      \
	}
#define CTR(bits)                                                                                                      \
	{                                                                                                              \
		"aes-ctr-" #bits, OPS((bits) / 8 + CTR_NONCE, CTR_IV, 1, true), IMB_CIPHER_CNTR,                       \
		{                                                                                                      \
			{ "ikev2", 13 },                                                                               \
			{                                                                                              \
				"key-bits", bits                                                                       \
			}                                                                                              \
		}                                                                                                      \
	}

/* ikev2: RFC 7296, 3.3.2, transform type 1 */
static const struct cipher_row rows[] = { CBC(128), CBC(192), CBC(256), CTR(128), CTR(192), CTR(256) };

int mb_offer_ciphers(struct rv_host *host, struct mb *mb)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct cipher *cipher = talloc_zero(mb, struct cipher);
		struct rv_offer offer = { .name = rows[i].name,
					  .priority = 1, /* until speeds are known */
					  .attrs = rows[i].attrs,
					  .n_attrs = RV_COUNT(rows[i].attrs) };

		if (!cipher)
			return -ENOMEM;
		*cipher = (struct cipher){ mb, &rows[i] };
		known_cipher(&offer);
		int r = rv_cipher_offer(host, offer, &rows[i].ops, cipher);
		if (r)
			return r;
	}
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* chained.c: AES-CCM (RFC 4309, RFC 5282) and ChaCha20-Poly1305 (RFC 7634) by the library's queue, where cipher and MAC
 * are one job. */
#include "ops.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/plugin.h>
#include <ravelin/secret.h>
#include <string.h>

/* CCM_AAD: the most that the library takes; ESP has 12, IKE 36 */
enum { IV = 8, ICV = 16, CCM_AAD = 46, KEY = 32 };

struct chained_ctx {
	_Alignas(16) uint32_t expanded[60]; /* CCM needs encryption only; ChaCha20 the key as it is */
};

struct chained_row {
	const char *name;
	struct rv_aead_ops ops;
	IMB_CIPHER_MODE cipher;
	IMB_HASH_ALG hash;
	struct rv_attr attrs[2];
};

struct chained {
	struct mb *mb;
	const struct chained_row *row;
};

static int init(void *self, void *ctx, struct rv_bytes key)
{
	const struct chained *chained = self;
	const IMB_MGR *shared = chained->mb->shared;
	struct chained_ctx *c = ctx;
	RV_WIPED(struct chained_ctx, decrypt, [1]);

	if (key.len != chained->row->ops.key_len)
		return -EINVAL;
	if (chained->row->cipher == IMB_CIPHER_CHACHA20_POLY1305)
		memcpy(c->expanded, key.p, key.len);
	else if (key.len == IMB_KEY_128_BYTES)
		IMB_AES_KEYEXP_128(shared, key.p, c->expanded, decrypt->expanded);
	else
		IMB_AES_KEYEXP_256(shared, key.p, c->expanded, decrypt->expanded);
	return 0;
}

static void fill(const struct chained_row *row, const struct chained_ctx *c, const struct rv_aead_op *op, bool encrypt,
		 uint8_t *icv, IMB_JOB *job)
{
	/* of CCM the MAC covers the text, of ChaCha20-Poly1305 the ciphertext */
	bool hash_first = encrypt == (row->cipher == IMB_CIPHER_CCM);

	job->cipher_mode = row->cipher;
	job->hash_alg = row->hash;
	job->cipher_direction = encrypt ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	job->chain_order = hash_first ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
	job->enc_keys = job->dec_keys = c->expanded;
	job->key_len_in_bytes = row->ops.key_len;
	job->src = op->src;
	job->dst = op->dst;
	job->cipher_start_src_offset_in_bytes = job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = job->msg_len_to_hash_in_bytes = op->len;
	job->iv = op->nonce;
	job->iv_len_in_bytes = row->ops.salt_len + IV;
	job->auth_tag_output = icv;
	job->auth_tag_output_len_in_bytes = row->ops.icv_len;
	if (row->cipher == IMB_CIPHER_CCM) {
		job->u.CCM.aad = op->aad;
		job->u.CCM.aad_len_in_bytes = op->aad_len;
	} else {
		job->u.CHACHA20_POLY1305.aad = op->aad;
		job->u.CHACHA20_POLY1305.aad_len_in_bytes = op->aad_len;
	}
}

/* At most MB_BURST operations; icv: where each one's ICV goes. */
static int burst(const struct chained *chained, const struct chained_ctx *c, const struct rv_aead_op *ops, size_t n_ops,
		 bool encrypt, uint8_t *const *icv)
{
	const struct chained_row *row = chained->row;
	struct mb_thread *thread = mb_thread(chained->mb);
	IMB_JOB *jobs[MB_BURST];

	if (!thread)
		return -ENOMEM;
	for (size_t i = 0; row->cipher == IMB_CIPHER_CCM && i < n_ops; i++)
		if (ops[i].aad_len > CCM_AAD || ops[i].len > MB_MAX_LEN)
			return -EMSGSIZE;
	if (!mb_queue(thread, jobs, n_ops))
		return -RV_EFAILED;
	for (size_t i = 0; i < n_ops; i++)
		fill(row, c, &ops[i], encrypt, icv[i], jobs[i]);
	return mb_drain(thread, jobs, n_ops) ? 0 : -RV_EFAILED;
}

static size_t least(size_t n)
{
	return n < MB_BURST ? n : MB_BURST;
}

static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	uint8_t *icv[MB_BURST];

	for (size_t at = 0, n; at < n_ops; at += n) {
		n = least(n_ops - at);
		for (size_t i = 0; i < n; i++)
			icv[i] = ops[at + i].dst + ops[at + i].len;
		int r = burst(self, ctx, ops + at, n, true, icv);
		if (r)
			return r;
		for (size_t i = 0; i < n; i++)
			ops[at + i].ok = true;
	}
	return 0;
}

static int open_some(const struct chained *chained, const struct chained_ctx *c, struct rv_aead_op *ops, size_t n)
{
	size_t icv_len = chained->row->ops.icv_len;
	uint8_t computed[MB_BURST][ICV], *icv[MB_BURST];

	for (size_t i = 0; i < n; i++)
		icv[i] = computed[i];
	int r = burst(chained, c, ops, n, false, icv);
	for (size_t i = 0; !r && i < n; i++) {
		ops[i].ok = rv_equal_secret(rv_bytes(computed[i], icv_len), rv_bytes(ops[i].src + ops[i].len, icv_len));
		if (!ops[i].ok)
			memset(ops[i].dst, 0, ops[i].len);
	}
	return r;
}

static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	int r = 0;

	for (size_t at = 0, n; !r && at < n_ops; at += n) {
		n = least(n_ops - at);
		r = open_some(self, ctx, ops + at, n);
	}
	return r;
}

static void fini(void *self, void *ctx)
{
	rv_wipe(ctx, sizeof(struct chained_ctx));
}

#define AEAD(key, salt, icv)                                                                                           \
	{                                                                                                              \
		.size = sizeof(struct rv_aead_ops), .key_len = key, .salt_len = salt, .iv_len = IV, .icv_len = icv,    \
		.ctx_size = sizeof(struct chained_ctx), .init = init, .seal = seal, .open = open, .fini = fini         \
	}
#define CCM(bits, icv, id)                                                                                             \
	{                                                                                                              \
		"aes-ccm-" #icv "-" #bits, AEAD((bits) / 8, 3, icv), IMB_CIPHER_CCM, IMB_AUTH_AES_CCM,                 \
		{                                                                                                      \
			{ "ikev2", id },                                                                               \
			{                                                                                              \
				"key-bits", bits                                                                       \
			}                                                                                              \
		}                                                                                                      \
	}

/* The library has no CCM with keys of 192 bits. ikev2: RFC 7296, 3.3.2, transform type 1 */
static const struct chained_row rows[] = {
	CCM(128, 16, 16),
	CCM(256, 16, 16),
	CCM(128, 12, 15),
	CCM(256, 12, 15),
	CCM(128, 8, 14),
	CCM(256, 8, 14),
	{ "chacha20-poly1305",
	  AEAD(KEY, 4, ICV),
	  IMB_CIPHER_CHACHA20_POLY1305,
	  IMB_AUTH_CHACHA20_POLY1305,
	  { { "ikev2", 28 }, { "key-bits", 256 } } },
};

int mb_offer_chained(struct rv_host *host, struct mb *mb)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct chained *chained = talloc_zero(mb, struct chained);
		struct rv_offer offer = { .name = rows[i].name,
					  .priority = 1, /* until speeds are known */
					  .attrs = rows[i].attrs,
					  .n_attrs = RV_COUNT(rows[i].attrs) };

		if (!chained)
			return -ENOMEM;
		*chained = (struct chained){ mb, &rows[i] };
		known_aead(&offer);
		int r = rv_aead_offer(host, offer, &rows[i].ops, chained);
		if (r)
			return r;
	}
	return 0;
}

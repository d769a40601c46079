// SPDX-License-Identifier: LGPL-2.1-or-later
/* aead.c: AES-GCM (RFC 4106, RFC 5282) and AES-GMAC (RFC 4543), by functions of libipsec-mb that keep nothing.
 *
 * They compute one packet with many blocks side by side; the library's queue would only add to that.
 */
#include "ops.h"

#include <errno.h>
#include <ravelin/plugin.h>
#include <ravelin/secret.h>
#include <string.h>

enum { SALT = 4, IV = 8, ICV = 16, HEAD = 64 };

/* What the library has for one length of key. */
struct keyed {
	aes_gcm_pre_t pre;
	aes_gcm_enc_dec_t enc, dec;
	aes_gmac_init_t mac_init;
	aes_gmac_update_t mac_update;
	aes_gmac_finalize_t mac_finalize;
};

struct gcm {
	struct mb *mb;
	struct keyed with;
	const struct rv_aead_ops *ops;
};

static int init(void *self, void *ctx, struct rv_bytes key)
{
	const struct gcm *gcm = self;

	if (key.len != gcm->ops->key_len)
		return -EINVAL;
	gcm->with.pre(key.p, ctx);
	return 0;
}

static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	const struct gcm *gcm = self;
	RV_WIPED(struct gcm_context_data, state, [1]);

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		gcm->with.enc(ctx, state, op->dst, op->src, op->len, op->nonce, op->aad, op->aad_len, op->dst + op->len,
			      gcm->ops->icv_len);
		op->ok = true;
	}
	return 0;
}

static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	const struct gcm *gcm = self;
	size_t icv_len = gcm->ops->icv_len;
	RV_WIPED(struct gcm_context_data, state, [1]);
	uint8_t icv[ICV];

	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		gcm->with.dec(ctx, state, op->dst, op->src, op->len, op->nonce, op->aad, op->aad_len, icv, icv_len);
		op->ok = rv_equal_secret(rv_bytes(icv, icv_len), rv_bytes(op->src + op->len, icv_len));
		if (!op->ok)
			memset(op->dst, 0, op->len); /* what did not prove authentic is not for anybody to see */
	}
	return 0;
}

/* RFC 4543, 3.3: aad | IV | text is authenticated. */
static void gmac(const struct gcm *gcm, const void *ctx, const struct rv_aead_op *op, uint8_t *icv)
{
	RV_WIPED(struct gcm_context_data, state, [1]);
	uint8_t head[HEAD + IV];
	size_t at = op->aad_len;

	gcm->with.mac_init(ctx, state, op->nonce, SALT + IV);
	if (at > HEAD) {
		gcm->with.mac_update(ctx, state, op->aad, at);
		at = 0;
	}
	memcpy(head, op->aad, at);
	memcpy(head + at, op->nonce + SALT, IV);
	gcm->with.mac_update(ctx, state, head, at + IV);
	gcm->with.mac_update(ctx, state, op->src, op->len);
	gcm->with.mac_finalize(ctx, state, icv, ICV);
}

static int gmac_seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		uint8_t icv[ICV];
		gmac(self, ctx, op, icv);
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
		gmac(self, ctx, op, icv);
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
	rv_wipe(ctx, sizeof(struct gcm_key_data));
}

#define GCM(key, icv)                                                                                                  \
	{                                                                                                              \
		.size = sizeof(struct rv_aead_ops), .key_len = key, .salt_len = SALT, .iv_len = IV, .icv_len = icv,    \
		.ctx_size = sizeof(struct gcm_key_data), .init = init, .seal = seal, .open = open, .fini = fini        \
	}
#define GMAC(key)                                                                                                      \
	{                                                                                                              \
		.size = sizeof(struct rv_aead_ops), .key_len = key, .salt_len = SALT, .iv_len = IV, .icv_len = ICV,    \
		.ctx_size = sizeof(struct gcm_key_data), .init = init, .seal = gmac_seal, .open = gmac_open,           \
		.fini = fini                                                                                           \
	}

/* ikev2: RFC 7296, 3.3.2, transform type 1 */
static const struct {
	const char *name;
	struct rv_aead_ops ops;
	struct rv_attr attrs[3];
	size_t n_attrs;
} rows[] = {
	{ "aes-gcm-16-128", GCM(16, 16), { { "ikev2", 20 }, { "key-bits", 128 } }, 2 },
	{ "aes-gcm-16-192", GCM(24, 16), { { "ikev2", 20 }, { "key-bits", 192 } }, 2 },
	{ "aes-gcm-16-256", GCM(32, 16), { { "ikev2", 20 }, { "key-bits", 256 } }, 2 },
	{ "aes-gcm-12-128", GCM(16, 12), { { "ikev2", 19 }, { "key-bits", 128 } }, 2 },
	{ "aes-gcm-12-192", GCM(24, 12), { { "ikev2", 19 }, { "key-bits", 192 } }, 2 },
	{ "aes-gcm-12-256", GCM(32, 12), { { "ikev2", 19 }, { "key-bits", 256 } }, 2 },
	{ "aes-gcm-8-128", GCM(16, 8), { { "ikev2", 18 }, { "key-bits", 128 } }, 2 },
	{ "aes-gcm-8-192", GCM(24, 8), { { "ikev2", 18 }, { "key-bits", 192 } }, 2 },
	{ "aes-gcm-8-256", GCM(32, 8), { { "ikev2", 18 }, { "key-bits", 256 } }, 2 },
	{ "aes-gmac-128", GMAC(16), { { "ikev2", 21 }, { "key-bits", 128 }, { "clear", 1 } }, 3 },
	{ "aes-gmac-192", GMAC(24), { { "ikev2", 21 }, { "key-bits", 192 }, { "clear", 1 } }, 3 },
	{ "aes-gmac-256", GMAC(32), { { "ikev2", 21 }, { "key-bits", 256 }, { "clear", 1 } }, 3 },
};

static struct keyed keyed(const IMB_MGR *m, size_t key_len)
{
	switch (key_len) {
	case IMB_KEY_128_BYTES:
		return (struct keyed){ m->gcm128_pre,	m->gcm128_enc,	   m->gcm128_dec,
				       m->gmac128_init, m->gmac128_update, m->gmac128_finalize };
	case IMB_KEY_192_BYTES:
		return (struct keyed){ m->gcm192_pre,	m->gcm192_enc,	   m->gcm192_dec,
				       m->gmac192_init, m->gmac192_update, m->gmac192_finalize };
	default:
		return (struct keyed){ m->gcm256_pre,	m->gcm256_enc,	   m->gcm256_dec,
				       m->gmac256_init, m->gmac256_update, m->gmac256_finalize };
	}
}

int mb_offer_aeads(struct rv_host *host, struct mb *mb)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct gcm *gcm = talloc_zero(mb, struct gcm);
		struct rv_offer offer = { .name = rows[i].name,
					  .priority = 1, /* until speeds are known */
					  .attrs = rows[i].attrs,
					  .n_attrs = rows[i].n_attrs };

		if (!gcm)
			return -ENOMEM;
		*gcm = (struct gcm){ mb, keyed(mb->shared, rows[i].ops.key_len), &rows[i].ops };
		known_aead(&offer);
		int r = rv_aead_offer(host, offer, &rows[i].ops, gcm);
		if (r)
			return r;
	}
	return 0;
}

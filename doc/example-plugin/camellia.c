// SPDX-License-Identifier: LGPL-2.1-or-later
/* crypto-camellia: Camellia (RFC 3713) with 128-bit keys in Galois/Counter mode, by nettle.
 *
 * An example of a vendor's plugin: it is built with the installed headers alone. Salt, IV, nonce and ICV are those of
 * RFC 4106. There is no IANA number for it, so both peers must have this plugin: 1024 is the first for private use
 * (RFC 7296, 3.3.2).
 */
#include <ravelin/algorithm.h>
#include <ravelin/crypto.h>
#include <ravelin/plugin.h>
#include <ravelin/secret.h>

#include <errno.h>
#include <nettle/gcm.h>
#include <string.h>

enum { KEY = 16, SALT = 4, IV = 8, NONCE = 12, ICV = 16, TRANSFORM_ID = 1024 };

static int init_key(void *self, void *ctx, struct rv_bytes key)
{
	if (key.len != KEY)
		return -EINVAL;
	gcm_camellia128_set_key(ctx, key.p);
	return 0;
}

static int seal(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		gcm_camellia128_set_iv(ctx, NONCE, op->nonce);
		gcm_camellia128_update(ctx, op->aad_len, op->aad);
		gcm_camellia128_encrypt(ctx, op->len, op->dst, op->src);
		gcm_camellia128_digest(ctx, ICV, op->dst + op->len);
		op->ok = true;
	}
	return 0;
}

static int open(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++) {
		struct rv_aead_op *op = &ops[i];
		uint8_t icv[ICV];
		gcm_camellia128_set_iv(ctx, NONCE, op->nonce);
		gcm_camellia128_update(ctx, op->aad_len, op->aad);
		gcm_camellia128_decrypt(ctx, op->len, op->dst, op->src);
		gcm_camellia128_digest(ctx, ICV, icv);
		op->ok = rv_equal_secret(rv_bytes(icv, ICV), rv_bytes(op->src + op->len, ICV));
		if (!op->ok)
			memset(op->dst, 0, op->len); /* nobody shall see what is not authentic */
	}
	return 0;
}

static void fini_key(void *self, void *ctx)
{
	rv_wipe(ctx, sizeof(struct gcm_camellia128_ctx));
}

static const struct rv_aead_ops aead = {
	.size = sizeof(aead),
	.key_len = KEY,
	.salt_len = SALT,
	.iv_len = IV,
	.icv_len = ICV,
	.ctx_size = sizeof(struct gcm_camellia128_ctx),
	.init = init_key,
	.seal = seal,
	.open = open,
	.fini = fini_key,
};

/* The service is offered only when these come out right. */
static const struct rv_vector vectors[] = {
	{ .source = "draft-kato-ipsec-camellia-gcm-03, test case 4",
	  .key = "feffe9928665731c6d6a8f9467308308",
	  .iv = "cafebabefacedbaddecaf888",
	  .aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  .in = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	  .out = "d0d94a13b632f337a0cc9955b94fa020c815f903aab12f1efaf2fe9d90f729a6"
		 "cccbfa986ef2ff2c33de418d9a2529091cf18fe652c1cfde13f82606"
		 "9f458869431576ea6a095456ec6b8101" },
};

static const struct rv_attr attrs[] = { { "ikev2", TRANSFORM_ID }, { "key-bits", 8 * KEY } };

/* The word for proposals, and the service that computes it. */
static const struct rv_algorithm words[] = {
	{ .word = "camellia128gcm16",
	  .class = RV_CLASS_ENCR,
	  .id = TRANSFORM_ID,
	  .key_bits = 8 * KEY,
	  .combined = true,
	  .kind = "aead",
	  .name = "camellia-gcm-16-128" },
};

static const struct rv_algorithm_ops algorithm = {
	.size = sizeof(algorithm),
	.algorithms = words,
	.n_algorithms = RV_COUNT(words),
};

static int init(struct rv_host *host)
{
	struct rv_offer service = { .name = "camellia-gcm-16-128",
				    .attrs = attrs,
				    .n_attrs = RV_COUNT(attrs),
				    .vectors = vectors,
				    .n_vectors = RV_COUNT(vectors) };
	int r = rv_aead_offer(host, service, &aead, NULL);

	return r ? r : rv_algorithm_offer(host, (struct rv_offer){ .name = "camellia" }, &algorithm, NULL);
}

RV_PLUGIN(crypto_camellia, "crypto-camellia",
	  "version=1.0\0"
	  "summary=Camellia-128 in Galois/Counter mode\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Example Corp.\0"
	  "provides=aead:camellia-gcm-16-128 algorithm:camellia\0"
	  "rfc=3713 4106\0",
	  .init = init);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* mac.c: HMAC (RFC 2404, RFC 4868), AES-XCBC-MAC-96 (RFC 3566) and AES-CMAC-96 (RFC 4494) in bursts of libipsec-mb. */
#include "ops.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/plugin.h>
#include <ravelin/secret.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_MAX = MB_FRONT, DIGEST_MAX = 64, AES = MB_AES, CHUNK = 1 << 15, INNER = 0x36, OUTER = 0x5c };

/* HMAC: what the two outer blocks make of an empty state, and, for long messages, the key itself. AES: key schedule and
 * two more keys. */
union mac_ctx {
	struct {
		_Alignas(16) uint8_t inner[DIGEST_MAX], outer[DIGEST_MAX], key[DIGEST_MAX];
	} hmac;
	struct {
		_Alignas(16) uint32_t expanded[44];
		_Alignas(16) uint8_t k2[AES], k3[AES];
	} aes;
};

struct mac_row {
	const char *name;
	struct rv_mac_ops ops;
	IMB_HASH_ALG hash;
	uint8_t block; /* of the hash; 0: made of AES */
	struct rv_attr attrs[2];
};

struct mac {
	struct mb *mb;
	const struct mac_row *row;
};

static void one_block(const struct mac *mac, const uint8_t *block, uint8_t *state)
{
	const IMB_MGR *shared = mac->mb->shared;

	if (mac->row->hash == IMB_AUTH_HMAC_SHA_1)
		IMB_SHA1_ONE_BLOCK(shared, block, state);
	else if (mac->row->hash == IMB_AUTH_HMAC_SHA_256)
		IMB_SHA256_ONE_BLOCK(shared, block, state);
	else if (mac->row->hash == IMB_AUTH_HMAC_SHA_384)
		IMB_SHA384_ONE_BLOCK(shared, block, state);
	else
		IMB_SHA512_ONE_BLOCK(shared, block, state);
}

static void hash(const struct mac *mac, const uint8_t *p, size_t len, uint8_t *digest)
{
	const IMB_MGR *shared = mac->mb->shared;

	if (mac->row->hash == IMB_AUTH_HMAC_SHA_1)
		IMB_SHA1(shared, p, len, digest);
	else if (mac->row->hash == IMB_AUTH_HMAC_SHA_256)
		IMB_SHA256(shared, p, len, digest);
	else if (mac->row->hash == IMB_AUTH_HMAC_SHA_384)
		IMB_SHA384(shared, p, len, digest);
	else
		IMB_SHA512(shared, p, len, digest);
}

/* RFC 2104, 2: the key, with zeros to the length of a block, XOR INNER or OUTER. Keys here are as long as digests. */
static void key_block(const struct mac_row *row, const uint8_t *key, uint8_t with, uint8_t *block)
{
	for (size_t i = 0; i < row->block; i++)
		block[i] = (uint8_t)((i < row->ops.key_len ? key[i] : 0) ^ with);
}

static void init_hmac(const struct mac *mac, union mac_ctx *c, struct rv_bytes key)
{
	RV_WIPED(uint8_t, block, [BLOCK_MAX]);

	memcpy(c->hmac.key, key.p, key.len);
	key_block(mac->row, key.p, INNER, block);
	one_block(mac, block, c->hmac.inner);
	key_block(mac->row, key.p, OUTER, block);
	one_block(mac, block, c->hmac.outer);
}

static void init_aes(const struct mac *mac, union mac_ctx *c, struct rv_bytes key)
{
	const IMB_MGR *shared = mac->mb->shared;
	_Alignas(16) RV_WIPED(uint32_t, decrypt, [44]);

	if (mac->row->hash == IMB_AUTH_AES_XCBC) {
		IMB_AES_XCBC_KEYEXP(shared, key.p, c->aes.expanded, c->aes.k2, c->aes.k3);
		return;
	}
	IMB_AES_KEYEXP_128(shared, key.p, c->aes.expanded, decrypt);
	IMB_AES_CMAC_SUBKEY_GEN_128(shared, c->aes.expanded, c->aes.k2, c->aes.k3);
}

static int init(void *self, void *ctx, struct rv_bytes key)
{
	const struct mac *mac = self;

	if (key.len != mac->row->ops.key_len)
		return -EINVAL;
	memset(ctx, 0, sizeof(union mac_ctx));
	if (mac->row->block)
		init_hmac(mac, ctx, key);
	else
		init_aes(mac, ctx, key);
	return 0;
}

static void fill(const struct mac_row *row, const union mac_ctx *c, const struct rv_mac_op *op, IMB_JOB *job)
{
	job->src = op->src;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = op->len;
	job->auth_tag_output = op->icv;
	job->auth_tag_output_len_in_bytes = row->ops.icv_len;
	if (row->block) {
		job->u.HMAC._hashed_auth_key_xor_ipad = c->hmac.inner;
		job->u.HMAC._hashed_auth_key_xor_opad = c->hmac.outer;
		return;
	}
	job->cipher_mode = IMB_CIPHER_NULL;
	job->cipher_direction = IMB_DIR_ENCRYPT;
	job->chain_order = IMB_ORDER_HASH_CIPHER;
	job->hash_alg = row->hash;
	if (row->hash == IMB_AUTH_AES_XCBC) {
		job->u.XCBC._k1_expanded = c->aes.expanded;
		job->u.XCBC._k2 = c->aes.k2;
		job->u.XCBC._k3 = c->aes.k3;
	} else {
		job->u.CMAC._key_expanded = c->aes.expanded;
		job->u.CMAC._skey1 = c->aes.k2;
		job->u.CMAC._skey2 = c->aes.k3;
	}
}

static bool hash_burst(struct mb_thread *thread, const struct mac_row *row, const union mac_ctx *c,
		       const struct rv_mac_op *ops, size_t n_ops)
{
	for (size_t i = 0; i < n_ops; i++)
		fill(row, c, &ops[i], &thread->jobs[i]);
	return IMB_SUBMIT_HASH_BURST_NOCHECK(thread->manager, thread->jobs, (uint32_t)n_ops, row->hash) == n_ops;
}

/* The library has no burst of its own for these: they go through its queue. */
static bool aes_burst(struct mb_thread *thread, const struct mac_row *row, const union mac_ctx *c,
		      const struct rv_mac_op *ops, size_t n_ops)
{
	IMB_JOB *jobs[MB_BURST];

	if (!mb_queue(thread, jobs, n_ops))
		return false;
	for (size_t i = 0; i < n_ops; i++)
		fill(row, c, &ops[i], jobs[i]);
	return mb_drain(thread, jobs, n_ops);
}

/* RFC 2104, 2, as it is written there. */
static void hmac_long(const struct mac *mac, const union mac_ctx *c, uint8_t *p, size_t len, uint8_t *icv)
{
	size_t block = mac->row->block;
	RV_WIPED(uint8_t, outer, [BLOCK_MAX + DIGEST_MAX]);

	key_block(mac->row, c->hmac.key, INNER, p - block);
	key_block(mac->row, c->hmac.key, OUTER, outer);
	hash(mac, p - block, block + len, outer + block);
	rv_wipe(p - block, block);
	hash(mac, outer, block + mac->row->ops.key_len, outer + block);
	memcpy(icv, outer + block, mac->row->ops.icv_len);
}

/* RFC 3566, 4; RFC 4493, 2.4: CBC with an IV of zero, of which the last block counts; what is XORed with the message's
 * last one depends on whether it is whole. */
static bool aes_long(struct mb_thread *thread, const union mac_ctx *c, uint8_t *p, size_t len, uint8_t *icv,
		     size_t icv_len)
{
	RV_WIPED(uint8_t, state, [AES]);
	size_t short_of = (AES - len % AES) % AES;

	memset(state, 0, AES);
	if (short_of) {
		memset(p + len, 0, short_of);
		p[len] = 0x80;
		len += short_of;
	}
	for (size_t i = 0; i < AES; i++)
		p[len - AES + i] ^= (short_of ? c->aes.k3 : c->aes.k2)[i];
	for (size_t at = 0, n; at < len; at += n) {
		n = len - at < CHUNK ? len - at : CHUNK;
		thread->jobs[0] = (IMB_JOB){ .src = p + at,
					     .dst = p + at,
					     .msg_len_to_cipher_in_bytes = n,
					     .iv = state,
					     .iv_len_in_bytes = AES,
					     .enc_keys = c->aes.expanded,
					     .dec_keys = c->aes.expanded,
					     .key_len_in_bytes = AES };
		if (IMB_SUBMIT_CIPHER_BURST_NOCHECK(thread->manager, thread->jobs, 1, IMB_CIPHER_CBC, IMB_DIR_ENCRYPT,
						    IMB_KEY_128_BYTES) != 1)
			return false;
		memcpy(state, p + at + n - AES, AES);
	}
	memcpy(icv, state, icv_len);
	return true;
}

/* A message that the lanes cannot take, at the beginning of the scratch room; it is used up. */
static bool mac_long(struct mb_thread *thread, const struct mac *mac, const union mac_ctx *c, size_t len, uint8_t *icv)
{
	uint8_t *p = thread->scratch + MB_FRONT;

	if (!mac->row->block)
		return aes_long(thread, c, p, len, icv, mac->row->ops.icv_len);
	hmac_long(mac, c, p, len, icv);
	return true;
}

static bool some(struct mb_thread *thread, const struct mac *mac, const union mac_ctx *c, const struct rv_mac_op *ops,
		 size_t n)
{
	return !n || (mac->row->block ? hash_burst : aes_burst)(thread, mac->row, c, ops, n);
}

/* The parts of one message are put one behind the other. */
static int compute(void *self, void *ctx, const struct rv_bytes *parts, size_t n_parts, uint8_t *icv)
{
	const struct mac *mac = self;
	struct mb_thread *thread = mb_thread(mac->mb);
	struct rv_mac_op op = { .icv = icv };

	if (!thread)
		return -ENOMEM;
	uint8_t *p = thread->scratch + MB_FRONT;
	for (size_t i = 0; i < n_parts; i++) {
		if (parts[i].len > MB_LONGEST - op.len)
			return -EMSGSIZE;
		if (parts[i].len)
			memcpy(p + op.len, parts[i].p, parts[i].len);
		op.len += parts[i].len;
	}
	if (!op.len)
		return -EMSGSIZE;
	op.src = p;
	bool done = op.len > MB_MAX_LEN ? mac_long(thread, mac, ctx, op.len, icv) : some(thread, mac, ctx, &op, 1);
	rv_wipe(p, op.len);
	return done ? 0 : -RV_EFAILED;
}

static int mac_burst(void *self, void *ctx, const struct rv_mac_op *ops, size_t n_ops)
{
	const struct mac *mac = self;
	struct mb_thread *thread = mb_thread(mac->mb);
	size_t from = 0;

	if (!thread || n_ops > MB_BURST)
		return thread ? -EINVAL : -ENOMEM;
	for (size_t i = 0; i < n_ops; i++) {
		const struct rv_bytes part = rv_bytes(ops[i].src, ops[i].len);
		if (part.len && part.len <= MB_MAX_LEN)
			continue;
		int r = some(thread, mac, ctx, ops + from, i - from) ? compute(self, ctx, &part, 1, ops[i].icv)
								     : -RV_EFAILED;
		if (r)
			return r;
		from = i + 1;
	}
	return some(thread, mac, ctx, ops + from, n_ops - from) ? 0 : -RV_EFAILED;
}

static void fini(void *self, void *ctx)
{
	rv_wipe(ctx, sizeof(union mac_ctx));
}

#define OPS(key, icv)                                                                                                  \
	{                                                                                                              \
		.size = sizeof(struct rv_mac_ops), .key_len = key, .icv_len = icv, .ctx_size = sizeof(union mac_ctx),  \
		.init = init, .mac = compute, .fini = fini, .mac_burst = mac_burst                                     \
	}

/* ikev2: RFC 7296, 3.3.2, transform type 3 */
static const struct mac_row rows[] = {
	{ "hmac-sha1-96", OPS(20, 12), IMB_AUTH_HMAC_SHA_1, 64, { { "ikev2", 2 }, { "key-bits", 160 } } },
	{ "hmac-sha256-128", OPS(32, 16), IMB_AUTH_HMAC_SHA_256, 64, { { "ikev2", 12 }, { "key-bits", 256 } } },
	{ "hmac-sha384-192", OPS(48, 24), IMB_AUTH_HMAC_SHA_384, 128, { { "ikev2", 13 }, { "key-bits", 384 } } },
	{ "hmac-sha512-256", OPS(64, 32), IMB_AUTH_HMAC_SHA_512, 128, { { "ikev2", 14 }, { "key-bits", 512 } } },
	{ "aes-xcbc-96", OPS(AES, 12), IMB_AUTH_AES_XCBC, 0, { { "ikev2", 5 }, { "key-bits", 128 } } },
	{ "aes-cmac-96", OPS(AES, 12), IMB_AUTH_AES_CMAC, 0, { { "ikev2", 8 }, { "key-bits", 128 } } },
};

int mb_offer_macs(struct rv_host *host, struct mb *mb)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct mac *mac = talloc_zero(mb, struct mac);
		struct rv_offer offer = { .name = rows[i].name,
					  .priority = 1, /* until speeds are known */
					  .attrs = rows[i].attrs,
					  .n_attrs = RV_COUNT(rows[i].attrs) };

		if (!mac)
			return -ENOMEM;
		*mac = (struct mac){ mb, &rows[i] };
		known_mac(&offer);
		int r = rv_mac_offer(host, offer, &rows[i].ops, mac);
		if (r)
			return r;
	}
	return 0;
}

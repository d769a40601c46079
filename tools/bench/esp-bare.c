// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-bare: one job a packet, cipher and MAC together, submitted as a burst without checks, flushed to its end. */
#include "esp-bare.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

enum { MOST = 64, ROOM = 9600, HEAD = 64 };

/* Without it the header leaves the alignment to us. */
struct gcm_key {
	_Alignas(64) struct gcm_key_data data;
};

struct bare {
	IMB_MGR *manager;
	struct gcm_key gcm[3];
	_Alignas(64) uint32_t encrypt[3][60], decrypt[3][60];
	_Alignas(64) uint8_t hmac[128], key[32], k2[16], k3[16];
	_Alignas(64) uint32_t xcbc[44];
	uint8_t iv[MOST][16], tag[MOST][64];
	uint8_t *src, *dst;
};

struct bare *bare_new(void)
{
	struct bare *b = aligned_alloc(64, (sizeof(*b) + 63) / 64 * 64);

	if (!b)
		return NULL;
	memset(b, 0, sizeof(*b));
	b->manager = alloc_mb_mgr(0);
	b->src = talloc_zero_size(NULL, (size_t)MOST * ROOM);
	b->dst = talloc_zero_size(NULL, (size_t)MOST * ROOM);
	if (b->manager)
		init_mb_mgr_auto(b->manager, NULL);
	if (!b->manager || !b->src || !b->dst || imb_get_errno(b->manager)) {
		bare_free(b);
		return NULL;
	}
	memset(b->src, 0x61, (size_t)MOST * ROOM);
	memset(b->dst, 0x61, (size_t)MOST * ROOM);
	IMB_AES128_GCM_PRE(b->manager, b->key, &b->gcm[0].data);
	IMB_AES192_GCM_PRE(b->manager, b->key, &b->gcm[1].data);
	IMB_AES256_GCM_PRE(b->manager, b->key, &b->gcm[2].data);
	IMB_AES_KEYEXP_128(b->manager, b->key, b->encrypt[0], b->decrypt[0]);
	IMB_AES_KEYEXP_192(b->manager, b->key, b->encrypt[1], b->decrypt[1]);
	IMB_AES_KEYEXP_256(b->manager, b->key, b->encrypt[2], b->decrypt[2]);
	IMB_AES_XCBC_KEYEXP(b->manager, b->key, b->xcbc, b->k2, b->k3);
	return b;
}

void bare_free(struct bare *b)
{
	if (!b)
		return;
	if (b->manager)
		free_mb_mgr(b->manager);
	talloc_free(b->src);
	talloc_free(b->dst);
	free(b);
}

static void fill_keys(struct bare *b, const struct bare_kind *kind, IMB_JOB *job)
{
	size_t i = kind->key_len / 8u - 2;

	job->key_len_in_bytes = kind->key_len;
	if (kind->cipher == IMB_CIPHER_GCM) {
		job->enc_keys = job->dec_keys = &b->gcm[i].data;
	} else if (kind->cipher == IMB_CIPHER_CHACHA20_POLY1305) {
		job->enc_keys = job->dec_keys = b->key;
	} else if (kind->cipher != IMB_CIPHER_NULL) {
		job->enc_keys = b->encrypt[i];
		job->dec_keys = b->decrypt[i];
	}
}

/* aad: where the header is, 8 octets in front of the IV. */
static void fill_hash(struct bare *b, const struct bare_kind *kind, const uint8_t *aad, size_t i, IMB_JOB *job)
{
	job->auth_tag_output = b->tag[i];
	job->auth_tag_output_len_in_bytes = kind->icv_len;
	switch ((int)kind->hash) {
	case IMB_AUTH_AES_GMAC:
		job->u.GCM.aad = aad;
		job->u.GCM.aad_len_in_bytes = 8;
		break;
	case IMB_AUTH_AES_CCM:
		job->u.CCM.aad = aad;
		job->u.CCM.aad_len_in_bytes = 8;
		break;
	case IMB_AUTH_CHACHA20_POLY1305:
		job->u.CHACHA20_POLY1305.aad = aad;
		job->u.CHACHA20_POLY1305.aad_len_in_bytes = 8;
		break;
	case IMB_AUTH_AES_GMAC_128:
	case IMB_AUTH_AES_GMAC_192:
	case IMB_AUTH_AES_GMAC_256:
		job->u.GMAC._key = &b->gcm[kind->key_len / 8u - 2].data;
		job->u.GMAC._iv = b->iv[i];
		job->u.GMAC.iv_len_in_bytes = 12;
		break;
	case IMB_AUTH_AES_XCBC:
		job->u.XCBC._k1_expanded = b->xcbc;
		job->u.XCBC._k2 = b->k2;
		job->u.XCBC._k3 = b->k3;
		break;
	case IMB_AUTH_AES_CMAC:
		job->u.CMAC._key_expanded = b->encrypt[0];
		job->u.CMAC._skey1 = b->k2;
		job->u.CMAC._skey2 = b->k3;
		break;
	default:
		job->u.HMAC._hashed_auth_key_xor_ipad = b->hmac;
		job->u.HMAC._hashed_auth_key_xor_opad = b->hmac + 64;
	}
}

static bool is_aead(const struct bare_kind *kind)
{
	return kind->hash == IMB_AUTH_AES_GMAC || kind->hash == IMB_AUTH_AES_CCM ||
	       kind->hash == IMB_AUTH_CHACHA20_POLY1305;
}

static void fill(struct bare *b, const struct bare_kind *kind, bool seal, uint32_t len, size_t i, IMB_JOB *job)
{
	uint8_t *dst = b->dst + i * ROOM, *src = seal ? b->src + i * ROOM : dst;
	uint32_t at = 8 + kind->iv_len;
	bool hash_first = seal == (kind->hash == IMB_AUTH_AES_CCM);

	b->iv[i][11]++;
	job->cipher_mode = kind->cipher;
	job->hash_alg = kind->hash;
	job->cipher_direction = seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
	job->chain_order = hash_first ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
	fill_keys(b, kind, job);
	fill_hash(b, kind, dst, i, job);
	job->iv = b->iv[i];
	job->iv_len_in_bytes = kind->cipher == IMB_CIPHER_CBC ? 16 : kind->cipher == IMB_CIPHER_CCM ? 11 : 12;
	job->src = src;
	job->dst = dst + at;
	job->cipher_start_src_offset_in_bytes = at;
	job->msg_len_to_cipher_in_bytes = kind->cipher == IMB_CIPHER_NULL ? 0 : len;
	/* a MAC covers header, IV and text, which lie in one piece; for the bare run the source will do */
	job->hash_start_src_offset_in_bytes = is_aead(kind) ? at : 0;
	job->msg_len_to_hash_in_bytes = is_aead(kind) ? len : at + len;
}

void bare_arrive(struct bare *b, uint32_t len, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memcpy(b->dst + i * ROOM, b->src + i * ROOM, len + HEAD);
}

bool bare_burst(struct bare *b, const struct bare_kind *kind, bool seal, uint32_t len, size_t n)
{
	IMB_JOB *jobs[MOST], *ended[MOST];

	if (n > MOST || len + HEAD > ROOM || IMB_GET_NEXT_BURST(b->manager, (uint32_t)n, jobs) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		fill(b, kind, seal, len, i, jobs[i]);
	uint32_t left = (uint32_t)n - IMB_SUBMIT_BURST_NOCHECK(b->manager, (uint32_t)n, jobs);
	while (left) {
		uint32_t done = IMB_FLUSH_BURST(b->manager, left, ended);
		if (!done)
			return false;
		left -= done;
	}
	return true;
}

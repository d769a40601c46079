// SPDX-License-Identifier: LGPL-2.1-or-later
/* keys: SKEYSEED, prf+, the keys of an IKE SA and of its child SAs (RFC 7296, 2.13, 2.14, 2.17, 2.18).
 *
 * Intermediate values lie in wiped memory; what is kept lies in one secret of the SA.
 */
#include "keys.h"

#include "payload.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/wire.h>
#include <talloc.h>

enum { SEED_PARTS_MAX = 6, PRF_PLUS_ROUNDS = 255, PRF_MIN = 16 };

/* RFC 7296, 5: "a PRF whose output is less than 128 bits ... MUST NOT be used" */
static int prf_of(struct rv_service *prf, const struct rv_prf_ops **ops)
{
	*ops = rv_service_ops(prf);
	return (*ops)->out_len < PRF_MIN || (*ops)->out_len > IKE_PRF_MAX ? -RV_ELIMIT : 0;
}

int ike_prf(struct rv_service *prf, struct rv_bytes key, const struct rv_bytes *parts, size_t n_parts,
	    uint8_t out[static IKE_PRF_MAX], size_t *len)
{
	const struct rv_prf_ops *ops;
	int r = prf_of(prf, &ops);

	if (!r)
		r = ops->prf(rv_service_self(prf), key, parts, n_parts, out);
	if (!r)
		*len = ops->out_len;
	return r;
}

/* RFC 7296, 2.13: "T1 = prf (K, S | 0x01), T2 = prf (K, T1 | S | 0x02), ..." */
static int rounds(struct rv_service *prf, struct rv_bytes key, const struct rv_bytes *seed, size_t n_seed,
		  struct rv_wr *w, size_t len)
{
	RV_WIPED(uint8_t, t, [IKE_PRF_MAX]);
	struct rv_bytes parts[1 + SEED_PARTS_MAX + 1];
	size_t t_len = 0;
	uint8_t round = 0;

	for (size_t i = 0; i < n_seed; i++)
		parts[1 + i] = seed[i];
	parts[1 + n_seed] = rv_bytes(&round, 1);
	while (rv_wr_len(w) < len) {
		size_t left = len - rv_wr_len(w);
		int r;

		round++;
		parts[0] = rv_bytes(t, t_len);
		r = ike_prf(prf, key, parts, n_seed + 2, t, &t_len);
		if (r)
			return r;
		rv_wr_put(w, rv_bytes(t, left < t_len ? left : t_len));
	}
	return 0;
}

int ike_prf_plus(struct rv_service *prf, struct rv_bytes key, const struct rv_bytes *seed, size_t n_seed, uint8_t *out,
		 size_t len)
{
	struct rv_wr w = rv_wr(out, len);
	const struct rv_prf_ops *ops;
	int r = prf_of(prf, &ops);

	if (!r && (n_seed > SEED_PARTS_MAX || len > (size_t)ops->out_len * PRF_PLUS_ROUNDS))
		r = -RV_ELIMIT;
	if (!r)
		r = rounds(prf, key, seed, n_seed, &w, len);
	if (r)
		rv_wipe(out, len);
	return r;
}

static struct rv_bytes at_most(struct rv_bytes b, int64_t limit)
{
	return limit > 0 && b.len > (size_t)limit ? rv_bytes(b.p, (size_t)limit) : b;
}

/* RFC 7296, 2.14: "SKEYSEED = prf(Ni | Nr, g^ir)"; the successor's is in 2.18: "prf(SK_d (old), g^ir (new) | Ni | Nr)",
 * by the PRF of the old SA. */
static int skeyseed(struct rv_service *prf, const struct ike_key_input *in, uint8_t out[static IKE_PRF_MAX],
		    size_t *len)
{
	const struct rv_bytes parts[] = { in->shared, in->ni, in->nr, in->more };
	uint8_t key[2 * IKE_NONCE_MAX];
	struct rv_wr w = rv_wr(key, sizeof(key));
	int64_t limit;

	if (in->old_prf)
		return ike_prf(in->old_prf, in->old_d, parts, RV_COUNT(parts), out, len);
	limit = rv_service_attr(prf, "ikev2-nonce-octets", 0);
	rv_wr_put(&w, at_most(in->ni, limit));
	rv_wr_put(&w, at_most(in->nr, limit));
	if (!rv_wr_done(&w))
		return -RV_ELIMIT;
	return ike_prf(prf, rv_wr_bytes(&w), parts, 1, out, len);
}

/* RFC 7296, 2.14: "{SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr)" */
static int expand(struct rv_service *prf, const struct ike_key_input *in, struct rv_secret *block)
{
	RV_WIPED(uint8_t, seed, [IKE_PRF_MAX]);
	uint8_t spis[2 * IKE_SPI_LEN];
	struct rv_wr w = rv_wr(spis, sizeof(spis));
	struct rv_bytes parts[3] = { in->ni, in->nr };
	size_t len = 0;
	int r;

	rv_wr_u64(&w, in->spi_i);
	rv_wr_u64(&w, in->spi_r);
	parts[2] = rv_wr_bytes(&w);
	r = skeyseed(prf, in, seed, &len);
	return r ? r : ike_prf_plus(prf, rv_bytes(seed, len), parts, RV_COUNT(parts), block->b, block->len);
}

int ike_keys_make(struct ike_keys *keys, const void *parent, struct rv_vault *vault, struct rv_service *prf,
		  const struct rv_suite *suite, const struct ike_key_input *in)
{
	const struct rv_prf_ops *ops = rv_service_ops(prf);
	size_t k = ops->key_len, a = suite->aead ? 0 : suite->integ_len, e = suite->key_len;
	struct rv_secret *block = rv_secret_new(vault, parent, 3 * k + 2 * a + 2 * e);
	struct rv_rd r;
	int err;

	if (!block)
		return -ENOMEM;
	err = expand(prf, in, block);
	if (err) {
		talloc_free(block);
		return err;
	}
	r = rv_rd(rv_secret_bytes(block));
	keys->block = block;
	keys->d = rv_rd_take(&r, k);
	keys->ai = rv_rd_take(&r, a);
	keys->ar = rv_rd_take(&r, a);
	keys->ei = rv_rd_take(&r, e);
	keys->er = rv_rd_take(&r, e);
	keys->pi = rv_rd_take(&r, k);
	keys->pr = rv_rd_take(&r, k);
	return 0;
}

int ike_maced_id(struct rv_service *prf, struct rv_bytes sk_p, struct rv_bytes id_body, uint8_t out[static IKE_PRF_MAX],
		 size_t *len)
{
	return ike_prf(prf, sk_p, &id_body, 1, out, len);
}

/* RFC 7296, 2.17: "KEYMAT = prf+(SK_d, Ni | Nr)", or "prf+(SK_d, g^ir (new) | Ni | Nr)"; "All keys for SAs carrying
 * data from the initiator to the responder are taken before SAs going from the responder to the initiator"; "the
 * encryption key is taken from the first bits and the integrity key is taken from the remaining bits". */
int ike_child_keys_make(struct ike_child_keys *keys, const void *parent, struct rv_vault *vault, struct rv_service *prf,
			struct rv_bytes sk_d, struct rv_bytes shared, struct rv_bytes ni, struct rv_bytes nr,
			size_t encr_len, size_t integ_len)
{
	const struct rv_bytes parts[] = { shared, ni, nr };
	size_t len = 2 * (encr_len + integ_len);
	struct rv_secret *block = len ? rv_secret_new(vault, parent, len) : NULL;
	struct rv_rd r;
	int err;

	if (!block)
		return len ? -ENOMEM : -RV_ELIMIT;
	err = ike_prf_plus(prf, sk_d, parts, RV_COUNT(parts), block->b, block->len);
	if (err) {
		talloc_free(block);
		return err;
	}
	r = rv_rd(rv_secret_bytes(block));
	keys->block = block;
	keys->encr_i = rv_rd_take(&r, encr_len);
	keys->integ_i = rv_rd_take(&r, integ_len);
	keys->encr_r = rv_rd_take(&r, encr_len);
	keys->integ_r = rv_rd_take(&r, integ_len);
	return 0;
}

struct rv_child_keys ike_child_keys_view(const struct ike_child_keys *keys, bool initiator)
{
	const struct rv_child_keys ours = {
		.encr_in = keys->encr_r,
		.encr_out = keys->encr_i,
		.integ_in = keys->integ_r,
		.integ_out = keys->integ_i,
	};
	const struct rv_child_keys theirs = {
		.encr_in = keys->encr_i,
		.encr_out = keys->encr_r,
		.integ_in = keys->integ_i,
		.integ_out = keys->integ_r,
	};

	return initiator ? ours : theirs;
}

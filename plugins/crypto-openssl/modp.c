// SPDX-License-Identifier: LGPL-2.1-or-later
/* modp.c: Diffie-Hellman on the MODP groups (RFC 7296, 2.14; RFC 3526) with
 * OpenSSL's time-constant power.
 *
 * The generator is 2. The private exponent is short: at least as long as RFC
 * 7919, 5.2 and appendix A ask for groups of this size, its highest bit set, so
 * that all have one length. A peer's public value r must be in 1 < r < p - 1
 * (RFC 6989, 2.1).
 */
#include "ops.h"

#include <errno.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>

enum { MAX_SECRET = 52 };

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i);
static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared);
static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared);

#define OPS(len, exponent_len)                                                                                         \
	{                                                                                                              \
		.size = sizeof(struct rv_ke_ops), .n_random = exponent_len, .secret_len = exponent_len,                \
		.public_i_len = len, .public_r_len = len, .shared_len = len, .generate = generate, .respond = respond, \
		.complete = complete                                                                                   \
	}

/* Exponents of 256, 320, 352, 384 and 416 bits; RFC 7919 asks for 225, 275,
 * 325, 375 and 400. ikev2: RFC 3526, 8 */
static const struct modp_row {
	const char *name;
	struct rv_ke_ops ops;
	struct rv_attr attr;
} rows[N_MODP] = {
	{ "modp2048", OPS(256, 32), { "ikev2", 14 } },		{ "modp3072", OPS(384, 40), { "ikev2", 15 } },
	{ "modp4096", OPS(512, 44), { "ikev2", 16 } },		{ "modp6144", OPS(768, 48), { "ikev2", 17 } },
	{ "modp8192", OPS(1024, MAX_SECRET), { "ikev2", 18 } },
};

/* What one power works with; all of it is wiped as it is freed. */
struct work {
	const struct openssl_modp *modp;
	const struct rv_ke_ops *ops;
	BN_CTX *ctx;
	BIGNUM *base, *exponent, *result;
};

static int work_begin(struct work *w, void *self)
{
	const struct openssl_row *row = self;

	w->ops = &rows[row->i].ops;
	w->modp = &row->openssl->modp[row->i];
	w->ctx = BN_CTX_new();
	w->base = BN_new();
	w->exponent = BN_new();
	w->result = BN_new();
	if (!w->ctx || !w->base || !w->exponent || !w->result)
		return -ENOMEM;
	BN_set_flags(w->exponent, BN_FLG_CONSTTIME);
	return 0;
}

static void work_end(struct work *w)
{
	BN_clear_free(w->result);
	BN_clear_free(w->exponent);
	BN_free(w->base);
	BN_CTX_free(w->ctx);
}

/* out = base ^ secret mod prime, in as many octets as the prime has. */
static int power(struct work *w, const uint8_t *secret, uint8_t *out)
{
	bool ok = BN_bin2bn(secret, w->ops->secret_len, w->exponent) &&
		  BN_mod_exp_mont_consttime(w->result, w->base, w->exponent, w->modp->prime, w->ctx, w->modp->mont) &&
		  BN_bn2binpad(w->result, out, w->ops->shared_len) == w->ops->shared_len;

	return ok ? 0 : openssl_failed(-RV_EFAILED);
}

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i)
{
	struct work w;
	int r = work_begin(&w, self);

	if (!r) {
		memcpy(secret, random, w.ops->secret_len);
		secret[0] |= 0x80;
		r = BN_set_word(w.base, 2) ? power(&w, secret, public_i) : openssl_failed(-ENOMEM);
	}
	work_end(&w);
	return r;
}

/* RFC 6989, 2.1: 1 < base < prime - 1. The value is public. */
static bool in_range(const struct work *w)
{
	return BN_cmp(w->base, BN_value_one()) > 0 && BN_cmp(w->base, w->modp->prime_less_1) < 0;
}

static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared)
{
	struct work w;
	int r = work_begin(&w, self);

	if (!r && public_r.len != w.ops->public_r_len)
		r = -RV_EKEY_VALUE;
	if (!r && !BN_bin2bn(public_r.p, w.ops->public_r_len, w.base))
		r = openssl_failed(-ENOMEM);
	if (!r)
		r = in_range(&w) ? power(&w, secret, shared) : -RV_EKEY_VALUE;
	work_end(&w);
	return r;
}

static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared)
{
	RV_WIPED(uint8_t, secret, [MAX_SECRET]);
	int r = generate(self, random, secret, public_r);

	return r ? r : complete(self, secret, public_i, shared);
}

void openssl_free_modp(struct openssl *openssl)
{
	for (size_t i = 0; i < N_MODP; i++) {
		BN_MONT_CTX_free(openssl->modp[i].mont);
		BN_free(openssl->modp[i].prime_less_1);
		BN_free(openssl->modp[i].prime);
	}
}

static int group_new(struct openssl_modp *modp, const char *prime)
{
	BN_CTX *ctx = BN_CTX_new();
	bool ok;

	modp->mont = BN_MONT_CTX_new();
	ok = ctx && modp->mont && BN_hex2bn(&modp->prime, prime) && (modp->prime_less_1 = BN_dup(modp->prime)) &&
	     BN_sub_word(modp->prime_less_1, 1) && BN_MONT_CTX_set(modp->mont, modp->prime, ctx);
	BN_CTX_free(ctx);
	return ok ? 0 : openssl_failed(-ENOMEM);
}

int openssl_offer_modp(struct openssl *openssl)
{
	for (size_t i = 0; i < N_MODP; i++) {
		struct rv_offer offer = { .name = rows[i].name, .attrs = &rows[i].attr, .n_attrs = 1 };
		struct openssl_row *self = openssl_row_new(openssl, i);
		int r = !self ? -ENOMEM : group_new(&openssl->modp[i], modp_primes[i]);

		known_ke(&offer);
		r = r ? r : rv_ke_offer(openssl->host, offer, &rows[i].ops, self);
		if (r)
			return r;
	}
	return 0;
}

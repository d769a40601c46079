// SPDX-License-Identifier: LGPL-2.1-or-later
/* modp.c: Diffie-Hellman on the MODP groups (RFC 7296, 2.14; RFC 3526) with GMP's time-constant power.
 *
 * The generator is 2. The private exponent is short: at least as long as RFC 7919, 5.2 and appendix A ask for groups of
 * this size, its highest bit set, so that all have one length. A peer's public value r must be in 1 < r < p - 1 (RFC
 * 6989, 2.1). All work is in one block of limbs that is wiped.
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

/* Exponents of 256, 320, 352, 384 and 416 bits; RFC 7919 asks for 225, 275, 325, 375 and 400. ikev2: RFC 3526, 8 */
static const struct modp_row {
	const char *name;
	struct rv_ke_ops ops;
	struct rv_attr attr;
} rows[N_MODP] = {
	{ "modp2048", OPS(256, 32), { "ikev2", 14 } },		{ "modp3072", OPS(384, 40), { "ikev2", 15 } },
	{ "modp4096", OPS(512, 44), { "ikev2", 16 } },		{ "modp6144", OPS(768, 48), { "ikev2", 17 } },
	{ "modp8192", OPS(1024, MAX_SECRET), { "ikev2", 18 } },
};

/* Parts of one block of limbs: prime, base and result of n limbs each, exponent, GMP's scratch. */
struct work {
	mp_limb_t *prime, *base, *result, *exponent, *scratch;
	size_t n, n_exponent, n_all;
};

static int work_begin(struct work *w, size_t index)
{
	size_t bits = rows[index].ops.secret_len * 8u;

	w->n = limbs_of(rows[index].ops.shared_len);
	w->n_exponent = limbs_of(rows[index].ops.secret_len);
	w->n_all = 3 * w->n + w->n_exponent + (size_t)mpn_sec_powm_itch((mp_size_t)w->n, bits, (mp_size_t)w->n);
	w->prime = limbs_new(w->n_all);
	if (!w->prime)
		return -ENOMEM;
	w->base = w->prime + w->n;
	w->result = w->base + w->n;
	w->exponent = w->result + w->n;
	w->scratch = w->exponent + w->n_exponent;
	limbs_from_hex(w->prime, w->n, modp_primes[index]);
	return 0;
}

/* out = base ^ secret mod prime, in as many octets as the prime has. */
static void power(struct work *w, size_t index, const uint8_t *secret, uint8_t *out)
{
	const struct rv_ke_ops *ops = &rows[index].ops;

	limbs_from_octets(w->exponent, w->n_exponent, secret, ops->secret_len);
	mpn_sec_powm(w->result, w->base, (mp_size_t)w->n, w->exponent, ops->secret_len * 8u, w->prime, (mp_size_t)w->n,
		     w->scratch);
	limbs_to_octets(out, ops->shared_len, w->result, w->n);
}

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i)
{
	size_t index = (uintptr_t)self;
	struct work w;
	int r = work_begin(&w, index);

	if (r)
		return r;
	memcpy(secret, random, rows[index].ops.secret_len);
	secret[0] |= 0x80;
	w.base[0] = 2;
	power(&w, index, secret, public_i);
	limbs_free(w.prime, w.n_all);
	return 0;
}

/* RFC 6989, 2.1: 1 < base < prime - 1. The value is public. */
static bool in_range(const struct work *w)
{
	w->result[0] = 1;
	if (mpn_cmp(w->base, w->result, (mp_size_t)w->n) <= 0)
		return false;
	memcpy(w->result, w->prime, w->n * LIMB);
	w->result[0]--; /* odd: no borrow */
	return mpn_cmp(w->base, w->result, (mp_size_t)w->n) < 0;
}

static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared)
{
	size_t index = (uintptr_t)self;
	struct work w;

	if (public_r.len != rows[index].ops.public_r_len)
		return -RV_EKEY_VALUE;
	int r = work_begin(&w, index);
	if (r)
		return r;
	limbs_from_octets(w.base, w.n, public_r.p, public_r.len);
	if (in_range(&w))
		power(&w, index, secret, shared);
	else
		r = -RV_EKEY_VALUE;
	limbs_free(w.prime, w.n_all);
	return r;
}

static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared)
{
	RV_WIPED(uint8_t, secret, [MAX_SECRET]);
	int r = generate(self, random, secret, public_r);

	return r ? r : complete(self, secret, public_i, shared);
}

int nettle_offer_modp(struct rv_host *host)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_offer offer = { .name = rows[i].name, .attrs = &rows[i].attr, .n_attrs = 1 };

		known_ke(&offer);
		int r = rv_ke_offer(host, offer, &rows[i].ops, (void *)(uintptr_t)i);
		if (r)
			return r;
	}
	return 0;
}

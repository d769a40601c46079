// SPDX-License-Identifier: LGPL-2.1-or-later
/* ecp.c: ECDH on the random ECP groups (RFC 5903) by nettle.
 *
 * A public value is x | y, the shared secret is x (RFC 5903, 7). A peer's value must be a point of the curve (RFC 6989,
 * 2.3); nettle tests that. A private key is made from 64 bits more than the order of the group has, reduced modulo the
 * order less one, plus one: nothing is rejected, so it is a pure function of the random octets, and its bias is below
 * 2^-64 (FIPS 186-5, A.2.1). Secrets are held in limbs of a fixed count.
 */
#include "ops.h"

#include <errno.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>

enum { EXTRA = 8, MAX_LEN = 66, MAX_LIMBS = (MAX_LEN + EXTRA + LIMB - 1) / LIMB };

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i);
static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared);
static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared);

#define OPS(len)                                                                                                       \
	{                                                                                                              \
		.size = sizeof(struct rv_ke_ops), .n_random = (len) + EXTRA, .secret_len = len,                        \
		.public_i_len = 2 * (len), .public_r_len = 2 * (len), .shared_len = len, .generate = generate,         \
		.respond = respond, .complete = complete                                                               \
	}

/* curve: a function, since nettle gives no constant. order: RFC 5903, 3.1 to 3.3. ikev2: RFC 5903, 6 */
static const struct ecp_row {
	const char *name;
	struct rv_ke_ops ops;
	const struct ecc_curve *(*curve)(void);
	const char *order;
	struct rv_attr attr;
} rows[] = {
	{ "ecp256",
	  OPS(32),
	  nettle_get_secp_256r1,
	  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
	  { "ikev2", 19 } },
	{ "ecp384",
	  OPS(48),
	  nettle_get_secp_384r1,
	  "ffffffffffffffffffffffffffffffffffffffffffffffff"
	  "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
	  { "ikev2", 20 } },
	{ "ecp521",
	  OPS(66),
	  nettle_get_secp_521r1,
	  "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	  "fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
	  { "ikev2", 21 } },
};

/* Lengths in limbs of secrets and of what nettle holds agree: both are the octets of a coordinate. */
static size_t n_limbs(const struct ecp_row *row)
{
	return limbs_of(row->ops.secret_len);
}

/* random (secret_len + EXTRA octets) to a private key from 1 to order - 1. */
static int private_key(const struct ecp_row *row, const uint8_t *random, uint8_t *secret)
{
	size_t n = n_limbs(row), n_wide = limbs_of(row->ops.n_random);
	size_t n_scratch = (size_t)mpn_sec_div_r_itch((mp_size_t)n_wide, (mp_size_t)n);
	mp_limb_t order[MAX_LIMBS];
	RV_WIPED(mp_limb_t, wide, [MAX_LIMBS]);
	mp_limb_t *scratch = limbs_new(n_scratch);

	if (!scratch)
		return -ENOMEM;
	limbs_from_hex(order, n, row->order);
	order[0]--; /* odd: no borrow */
	limbs_from_octets(wide, n_wide, random, row->ops.n_random);
	mpn_sec_div_r(wide, (mp_size_t)n_wide, order, (mp_size_t)n, scratch);
	limbs_free(scratch, n_scratch);

	mp_limb_t carry = 1;
	for (size_t i = 0; i < n; i++) {
		wide[i] += carry;
		carry &= wide[i] == 0;
	}
	limbs_to_octets(secret, row->ops.secret_len, wide, n);
	return 0;
}

/* Scalars and points of nettle, wiped at the end. */
static void scalar_begin(struct ecc_scalar *scalar, const struct ecp_row *row, const uint8_t *secret)
{
	ecc_scalar_init(scalar, row->curve());
	limbs_from_octets(scalar->p, n_limbs(row), secret, row->ops.secret_len);
}

static void scalar_end(struct ecc_scalar *scalar, const struct ecp_row *row)
{
	rv_wipe(scalar->p, n_limbs(row) * LIMB);
	ecc_scalar_clear(scalar);
}

static void point_end(struct ecc_point *point, const struct ecp_row *row)
{
	rv_wipe(point->p, 2 * n_limbs(row) * LIMB);
	ecc_point_clear(point);
}

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i)
{
	const struct ecp_row *row = &rows[(uintptr_t)self];
	size_t len = row->ops.secret_len, n = n_limbs(row);
	struct ecc_scalar scalar;
	struct ecc_point point;
	int r = private_key(row, random, secret);

	if (r)
		return r;
	scalar_begin(&scalar, row, secret);
	ecc_point_init(&point, row->curve());
	ecc_point_mul_g(&point, &scalar);
	limbs_to_octets(public_i, len, point.p, n);
	limbs_to_octets(public_i + len, len, point.p + n, n);
	point_end(&point, row);
	scalar_end(&scalar, row);
	return 0;
}

/* Reads x | y; false when that is no point of the curve (a coordinate out of range, or off the curve). */
static bool point_read(struct ecc_point *point, size_t len, const uint8_t *octets)
{
	mpz_t x, y;

	mpz_init(x);
	mpz_init(y);
	mpz_import(x, len, 1, 1, 1, 0, octets);
	mpz_import(y, len, 1, 1, 1, 0, octets + len);
	bool ok = ecc_point_set(point, x, y);
	mpz_clear(x);
	mpz_clear(y);
	return ok;
}

static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared)
{
	const struct ecp_row *row = &rows[(uintptr_t)self];
	size_t len = row->ops.secret_len;
	struct ecc_scalar scalar;
	struct ecc_point point;
	int r = -RV_EKEY_VALUE;

	if (public_r.len != 2 * len)
		return -RV_EKEY_VALUE;
	ecc_point_init(&point, row->curve());
	if (point_read(&point, len, public_r.p)) {
		scalar_begin(&scalar, row, secret);
		ecc_point_mul(&point, &scalar, &point);
		limbs_to_octets(shared, len, point.p, n_limbs(row));
		scalar_end(&scalar, row);
		r = 0;
	}
	point_end(&point, row);
	return r;
}

static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared)
{
	RV_WIPED(uint8_t, secret, [MAX_LEN]);
	int r = generate(self, random, secret, public_r);

	return r ? r : complete(self, secret, public_i, shared);
}

int nettle_offer_ecp(struct rv_host *host)
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

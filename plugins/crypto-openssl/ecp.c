// SPDX-License-Identifier: LGPL-2.1-or-later
/* ecp.c: ECDH on the random ECP groups (RFC 5903).
 *
 * A public value is x | y, the shared secret is x (RFC 5903, 7). A peer's value
 * must be a point of the curve (RFC 6989, 2.3); OpenSSL tests that as it reads
 * the point. A private key is made from 64 bits more than the order of the
 * group has, reduced modulo the order less one, plus one: nothing is rejected,
 * so it is a pure function of the random octets (FIPS 186-5, A.2.1).
 */
#include "ops.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>

enum { EXTRA = 8, MAX_LEN = 66, MAX_POINT = 1 + 2 * MAX_LEN };

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i);
static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared);
static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared);

#define OPS(len)                                                                                                       \
	{                                                                                                              \
		.size = sizeof(struct rv_ke_ops), .n_random = (len) + EXTRA, .secret_len = len,                        \
		.public_i_len = 2 * (len), .public_r_len = 2 * (len), .shared_len = len, .generate = generate,         \
		.respond = respond, .complete = complete                                                               \
	}

/* ikev2: RFC 5903, 6 */
static const struct ecp_row {
	const char *name, *openssl_name;
	int nid;
	struct rv_ke_ops ops;
	struct rv_attr attr;
} rows[N_CURVES] = {
	{ "ecp256", SN_X9_62_prime256v1, NID_X9_62_prime256v1, OPS(32), { "ikev2", 19 } },
	{ "ecp384", SN_secp384r1, NID_secp384r1, OPS(48), { "ikev2", 20 } },
	{ "ecp521", SN_secp521r1, NID_secp521r1, OPS(MAX_LEN), { "ikev2", 21 } },
};

/* What one multiplication works with; all of it is wiped as it is freed. */
struct work {
	const struct openssl_curve *curve;
	const struct ecp_row *row;
	BN_CTX *ctx;
	BIGNUM *scalar;
	EC_POINT *point;
};

static int work_begin(struct work *w, void *self)
{
	const struct openssl_row *row = self;

	w->row = &rows[row->i];
	w->curve = &row->openssl->curve[row->i];
	w->ctx = BN_CTX_new();
	w->scalar = BN_new();
	w->point = EC_POINT_new(w->curve->group);
	if (!w->ctx || !w->scalar || !w->point)
		return -ENOMEM;
	BN_set_flags(w->scalar, BN_FLG_CONSTTIME);
	return 0;
}

static void work_end(struct work *w)
{
	EC_POINT_clear_free(w->point);
	BN_clear_free(w->scalar);
	BN_CTX_free(w->ctx);
}

/* random (secret_len + EXTRA octets) to a private key from 1 to order - 1, in w
 * and in secret. */
static bool private_key(struct work *w, const uint8_t *random, uint8_t *secret)
{
	return BN_bin2bn(random, w->row->ops.n_random, w->scalar) &&
	       BN_mod(w->scalar, w->scalar, w->curve->order_less_1, w->ctx) && BN_add_word(w->scalar, 1) &&
	       BN_bn2binpad(w->scalar, secret, w->row->ops.secret_len) == w->row->ops.secret_len;
}

/* The first len octets of x | y of the point; false for the point at infinity.
 */
static bool point_write(struct work *w, uint8_t *out, size_t len)
{
	RV_WIPED(uint8_t, octets, [MAX_POINT]);
	size_t whole = 1 + 2u * w->row->ops.secret_len;

	if (EC_POINT_point2oct(w->curve->group, w->point, POINT_CONVERSION_UNCOMPRESSED, octets, sizeof(octets),
			       w->ctx) != whole)
		return false;
	memcpy(out, octets + 1, len);
	return true;
}

/* Reads x | y; false when that is no point of the curve (a coordinate out of
 * range, or off the curve). */
static bool point_read(struct work *w, struct rv_bytes value)
{
	uint8_t octets[MAX_POINT] = { POINT_CONVERSION_UNCOMPRESSED };

	memcpy(octets + 1, value.p, value.len);
	return EC_POINT_oct2point(w->curve->group, w->point, octets, value.len + 1, w->ctx) == 1;
}

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i)
{
	struct work w;
	int r = work_begin(&w, self);

	if (!r && !(private_key(&w, random, secret) &&
		    EC_POINT_mul(w.curve->group, w.point, w.scalar, NULL, NULL, w.ctx) == 1 &&
		    point_write(&w, public_i, w.row->ops.public_i_len)))
		r = openssl_failed(-RV_EFAILED);
	work_end(&w);
	return r;
}

static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared)
{
	struct work w;
	int r = work_begin(&w, self);

	if (!r && (public_r.len != w.row->ops.public_r_len || !point_read(&w, public_r)))
		r = openssl_failed(-RV_EKEY_VALUE);
	if (!r && !(BN_bin2bn(secret, w.row->ops.secret_len, w.scalar) &&
		    EC_POINT_mul(w.curve->group, w.point, NULL, w.point, w.scalar, w.ctx) == 1 &&
		    point_write(&w, shared, w.row->ops.shared_len)))
		r = openssl_failed(-RV_EFAILED);
	work_end(&w);
	return r;
}

static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared)
{
	RV_WIPED(uint8_t, secret, [MAX_LEN]);
	int r = generate(self, random, secret, public_r);

	return r ? r : complete(self, secret, public_i, shared);
}

void openssl_free_ecp(struct openssl *openssl)
{
	for (size_t i = 0; i < N_CURVES; i++) {
		EVP_PKEY_free(openssl->curve[i].parameters);
		BN_free(openssl->curve[i].order_less_1);
		EC_GROUP_free(openssl->curve[i].group);
	}
}

static int curve_new(struct openssl_curve *curve, const struct ecp_row *row)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	char *name = (char *)(uintptr_t)row->openssl_name;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
		OSSL_PARAM_construct_end(),
	};
	bool ok;

	curve->group = EC_GROUP_new_by_curve_name(row->nid);
	curve->order_less_1 = curve->group ? BN_dup(EC_GROUP_get0_order(curve->group)) : NULL;
	ok = curve->order_less_1 && BN_sub_word(curve->order_less_1, 1) && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	     EVP_PKEY_fromdata(ctx, &curve->parameters, EVP_PKEY_KEY_PARAMETERS, params) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok ? 0 : openssl_failed(-RV_EFAILED);
}

int openssl_offer_ecp(struct openssl *openssl)
{
	for (size_t i = 0; i < N_CURVES; i++) {
		struct rv_offer offer = { .name = rows[i].name, .attrs = &rows[i].attr, .n_attrs = 1 };
		struct openssl_row *self = openssl_row_new(openssl, i);
		int r = !self ? -ENOMEM : curve_new(&openssl->curve[i], &rows[i]);

		known_ke(&offer);
		r = r ? r : rv_ke_offer(openssl->host, offer, &rows[i].ops, self);
		if (r)
			return r;
	}
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* montgomery.c: X25519 and X448 (RFC 7748) as RFC 8031 puts them into IKEv2.
 *
 * Any octets of the right length are a public value; one of small order gives a shared secret of zeros, which is
 * refused (RFC 7748, 6.1 and 6.2). nettle masks the unused bit, takes values that are not canonical (RFC 8031, 3.2) and
 * clamps private keys (RFC 7748, 5).
 */
#include "ops.h"

#include <nettle/curve25519.h>
#include <nettle/curve448.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>

typedef void mul_g_fn(uint8_t *q, const uint8_t *n);
typedef void mul_fn(uint8_t *q, const uint8_t *n, const uint8_t *p);

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i);
static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared);
static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared);

#define OPS(len)                                                                                                       \
	{                                                                                                              \
		.size = sizeof(struct rv_ke_ops), .n_random = len, .secret_len = len, .public_i_len = len,             \
		.public_r_len = len, .shared_len = len, .generate = generate, .respond = respond, .complete = complete \
	}

/* ikev2: RFC 8031, 4 */
static const struct {
	const char *name;
	struct rv_ke_ops ops;
	mul_g_fn *mul_g;
	mul_fn *mul;
	struct rv_attr attr;
} rows[] = {
	{ "x25519", OPS(CURVE25519_SIZE), curve25519_mul_g, curve25519_mul, { "ikev2", 31 } },
	{ "x448", OPS(CURVE448_SIZE), curve448_mul_g, curve448_mul, { "ikev2", 32 } },
};

static int generate(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i)
{
	size_t i = (uintptr_t)self;

	memcpy(secret, random, rows[i].ops.secret_len);
	rows[i].mul_g(public_i, secret);
	return 0;
}

static int complete(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared)
{
	static const uint8_t zero[CURVE448_SIZE];
	size_t i = (uintptr_t)self, len = rows[i].ops.shared_len;

	if (public_r.len != len)
		return -RV_EKEY_VALUE;
	rows[i].mul(shared, secret, public_r.p);
	return rv_equal_secret(rv_bytes(shared, len), rv_bytes(zero, len)) ? -RV_EKEY_VALUE : 0;
}

static int respond(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared)
{
	RV_WIPED(uint8_t, secret, [CURVE448_SIZE]);

	generate(self, random, secret, public_r);
	return complete(self, secret, public_i, shared);
}

int nettle_offer_montgomery(struct rv_host *host)
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

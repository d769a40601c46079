// SPDX-License-Identifier: LGPL-2.1-or-later
/* mac.c: AES-XCBC-MAC-96 (RFC 3566) on nettle's AES, and AES-CMAC-96 (RFC 4494) by nettle. */
#include "ops.h"

#include <errno.h>
#include <nettle/aes.h>
#include <nettle/cmac.h>
#include <ravelin/secret.h>
#include <string.h>

enum { KEY = 16, BLOCK = AES_BLOCK_SIZE, ICV = 12 };

/* RFC 3566, 4: K1 expanded, K2 and K3. */
struct xcbc_ctx {
	struct aes128_ctx k1;
	uint8_t k2[BLOCK], k3[BLOCK];
};

static int xcbc_init(void *self, void *ctx, struct rv_bytes key)
{
	RV_WIPED(struct aes128_ctx, k, [1]);
	RV_WIPED(uint8_t, k1, [BLOCK]);
	struct xcbc_ctx *c = ctx;

	if (key.len != KEY)
		return -EINVAL;
	aes128_set_encrypt_key(k, key.p);
	memset(k1, 1, BLOCK);
	memset(c->k2, 2, BLOCK);
	memset(c->k3, 3, BLOCK);
	aes128_encrypt(k, BLOCK, k1, k1);
	aes128_encrypt(k, BLOCK, c->k2, c->k2);
	aes128_encrypt(k, BLOCK, c->k3, c->k3);
	aes128_set_encrypt_key(&c->k1, k1);
	return 0;
}

/* The chain so far, and the block that is not in it yet: the last one is treated differently. */
struct chain {
	uint8_t e[BLOCK], block[BLOCK];
	size_t n;
};

static void mix(struct chain *chain, const uint8_t *more)
{
	for (size_t i = 0; i < BLOCK; i++)
		chain->e[i] ^= more[i];
}

static void add(const struct xcbc_ctx *c, struct chain *chain, struct rv_bytes part)
{
	while (part.len) {
		size_t take = BLOCK - chain->n < part.len ? BLOCK - chain->n : part.len;
		if (!take) {
			mix(chain, chain->block);
			aes128_encrypt(&c->k1, BLOCK, chain->e, chain->e);
			chain->n = 0;
			continue;
		}
		memcpy(chain->block + chain->n, part.p, take);
		chain->n += take;
		part = rv_bytes(part.p + take, part.len - take);
	}
}

static int xcbc(void *self, void *ctx, const struct rv_bytes *parts, size_t n_parts, uint8_t *icv)
{
	const struct xcbc_ctx *c = ctx;
	struct chain chain = { .n = 0 };
	bool whole;

	for (size_t i = 0; i < n_parts; i++)
		add(c, &chain, parts[i]);
	whole = chain.n == BLOCK;
	if (!whole) {
		memset(chain.block + chain.n, 0, BLOCK - chain.n);
		chain.block[chain.n] = 0x80;
	}
	mix(&chain, chain.block);
	mix(&chain, whole ? c->k2 : c->k3);
	aes128_encrypt(&c->k1, BLOCK, chain.e, chain.e);
	memcpy(icv, chain.e, ICV);
	return 0;
}

static void xcbc_fini(void *self, void *ctx)
{
	rv_wipe(ctx, sizeof(struct xcbc_ctx));
}

static int cmac_init(void *self, void *ctx, struct rv_bytes key)
{
	if (key.len != KEY)
		return -EINVAL;
	cmac_aes128_set_key(ctx, key.p);
	return 0;
}

static int cmac(void *self, void *ctx, const struct rv_bytes *parts, size_t n_parts, uint8_t *icv)
{
	for (size_t i = 0; i < n_parts; i++)
		if (parts[i].len)
			cmac_aes128_update(ctx, parts[i].len, parts[i].p);
	cmac_aes128_digest(ctx, ICV, icv);
	return 0;
}

static void cmac_fini(void *self, void *ctx)
{
	rv_wipe(ctx, sizeof(struct cmac_aes128_ctx));
}

#define MAC(context, how)                                                                                              \
	{                                                                                                              \
		.size = sizeof(struct rv_mac_ops), .key_len = KEY, .icv_len = ICV, .ctx_size = sizeof(struct context), \
		.init = how##_init, .mac = how, .fini = how##_fini                                                     \
	}

/* ikev2: RFC 7296, 3.3.2, transform type 3 */
static const struct {
	const char *name;
	struct rv_mac_ops ops;
	struct rv_attr attrs[2];
} rows[] = {
	{ "aes-xcbc-96", MAC(xcbc_ctx, xcbc), { { "ikev2", 5 }, { "key-bits", 128 } } },
	{ "aes-cmac-96", MAC(cmac_aes128_ctx, cmac), { { "ikev2", 8 }, { "key-bits", 128 } } },
};

int nettle_offer_macs(struct rv_host *host)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_offer offer = { .name = rows[i].name,
					  .attrs = rows[i].attrs,
					  .n_attrs = RV_COUNT(rows[i].attrs) };

		known_mac(&offer);
		int r = rv_mac_offer(host, offer, &rows[i].ops, NULL);
		if (r)
			return r;
	}
	return 0;
}

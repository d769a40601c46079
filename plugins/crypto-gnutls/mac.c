// SPDX-License-Identifier: LGPL-2.1-or-later
/* mac.c: HMAC with a truncated output (RFC 2404, RFC 4868) by GnuTLS. */
#include "ops.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <ravelin/error.h>
#include <ravelin/secret.h>
#include <string.h>

struct mac_ctx {
	gnutls_hmac_hd_t handle;
	uint16_t icv_len;
};

struct mac_row {
	const char *name;
	struct rv_mac_ops ops;
	gnutls_mac_algorithm_t mac;
	struct rv_attr attrs[2];
};

static int init(void *self, void *ctx, struct rv_bytes key);
static int compute(void *self, void *ctx, const struct rv_bytes *parts, size_t n_parts, uint8_t *icv);
static void fini(void *self, void *ctx);

#define MAC(key, icv)                                                                                                  \
	{                                                                                                              \
		.size = sizeof(struct rv_mac_ops), .key_len = key, .icv_len = icv, .ctx_size = sizeof(struct mac_ctx), \
		.init = init, .mac = compute, .fini = fini                                                             \
	}

/* self is the index of the row. ikev2: RFC 7296, 3.3.2, transform type 3 */
static const struct mac_row rows[] = {
	{ "hmac-sha1-96", MAC(20, 12), GNUTLS_MAC_SHA1, { { "ikev2", 2 }, { "key-bits", 160 } } },
	{ "hmac-sha256-128", MAC(32, 16), GNUTLS_MAC_SHA256, { { "ikev2", 12 }, { "key-bits", 256 } } },
	{ "hmac-sha384-192", MAC(48, 24), GNUTLS_MAC_SHA384, { { "ikev2", 13 }, { "key-bits", 384 } } },
	{ "hmac-sha512-256", MAC(64, 32), GNUTLS_MAC_SHA512, { { "ikev2", 14 }, { "key-bits", 512 } } },
};

static int init(void *self, void *ctx, struct rv_bytes key)
{
	const struct mac_row *row = &rows[(uintptr_t)self];
	struct mac_ctx *c = ctx;

	c->handle = NULL;
	c->icv_len = row->ops.icv_len;
	if (key.len != row->ops.key_len)
		return -EINVAL;
	return gnutls_result(gnutls_hmac_init(&c->handle, row->mac, key.p, key.len));
}

static int compute(void *self, void *ctx, const struct rv_bytes *parts, size_t n_parts, uint8_t *icv)
{
	struct mac_ctx *c = ctx;
	uint8_t full[64];

	for (size_t i = 0; i < n_parts; i++) {
		int r = parts[i].len ? gnutls_hmac(c->handle, parts[i].p, parts[i].len) : 0;
		if (r < 0) {
			gnutls_hmac_output(c->handle, full);
			return gnutls_result(r);
		}
	}
	gnutls_hmac_output(c->handle, full);
	memcpy(icv, full, c->icv_len);
	rv_wipe(full, sizeof(full));
	return 0;
}

static void fini(void *self, void *ctx)
{
	struct mac_ctx *c = ctx;

	if (c->handle)
		gnutls_hmac_deinit(c->handle, NULL);
	rv_wipe(c, sizeof(*c));
}

int gnutls_offer_macs(struct rv_host *host)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_offer offer = { .name = rows[i].name,
					  .attrs = rows[i].attrs,
					  .n_attrs = RV_COUNT(rows[i].attrs) };

		known_mac(&offer);
		int r = rv_mac_offer(host, offer, &rows[i].ops, (void *)(uintptr_t)i);
		if (r)
			return r;
	}
	return 0;
}

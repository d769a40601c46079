// SPDX-License-Identifier: LGPL-2.1-or-later
/* digest.c: hash, prf and rng of GnuTLS (FIPS 180-4, RFC 2104, RFC 4868).
 *
 * Neither has a context: they are used a few times in a handshake, from any thread.
 */
#include "ops.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <ravelin/secret.h>

static int digest(void *self, const struct rv_bytes *parts, size_t n_parts, uint8_t *out)
{
	gnutls_hash_hd_t handle;
	int r = gnutls_hash_init(&handle, (gnutls_digest_algorithm_t)(uintptr_t)self);

	if (r < 0)
		return gnutls_result(r);
	for (size_t i = 0; i < n_parts && r >= 0; i++) {
		if (parts[i].len)
			r = gnutls_hash(handle, parts[i].p, parts[i].len);
	}
	if (r < 0) {
		gnutls_hash_deinit(handle, NULL);
		return gnutls_result(r);
	}
	gnutls_hash_deinit(handle, out);
	return 0;
}

static int prf(void *self, struct rv_bytes key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out)
{
	gnutls_hmac_hd_t handle;
	int r = gnutls_hmac_init(&handle, (gnutls_mac_algorithm_t)(uintptr_t)self,
				 key.len ? key.p : (const uint8_t *)"", key.len);

	if (r < 0)
		return gnutls_result(r);
	for (size_t i = 0; i < n_parts && r >= 0; i++) {
		if (parts[i].len)
			r = gnutls_hmac(handle, parts[i].p, parts[i].len);
	}
	if (r < 0) {
		gnutls_hmac_deinit(handle, NULL);
		return gnutls_result(r);
	}
	gnutls_hmac_deinit(handle, out);
	return 0;
}

static int fill(void *self, uint8_t *buf, size_t len)
{
	return gnutls_result(gnutls_rnd(GNUTLS_RND_KEY, buf, len));
}

/* out, block: octets. ikev2: RFC 7296, 3.3.2, transform type 2 */
#define HASH(out, block)                                                                                               \
	{                                                                                                              \
		.size = sizeof(struct rv_hash_ops), .out_len = out, .block_len = block, .digest = digest               \
	}
#define PRF(out)                                                                                                       \
	{                                                                                                              \
		.size = sizeof(struct rv_prf_ops), .out_len = out, .key_len = out, .prf = prf                          \
	}

static const struct {
	const char *hash_name, *prf_name;
	struct rv_hash_ops hash;
	struct rv_prf_ops prf;
	gnutls_digest_algorithm_t digest;
	gnutls_mac_algorithm_t mac;
	struct rv_attr prf_attr;
} rows[] = {
	{ "sha1", "hmac-sha1", HASH(20, 64), PRF(20), GNUTLS_DIG_SHA1, GNUTLS_MAC_SHA1, { "ikev2", 2 } },
	{ "sha256", "hmac-sha256", HASH(32, 64), PRF(32), GNUTLS_DIG_SHA256, GNUTLS_MAC_SHA256, { "ikev2", 5 } },
	{ "sha384", "hmac-sha384", HASH(48, 128), PRF(48), GNUTLS_DIG_SHA384, GNUTLS_MAC_SHA384, { "ikev2", 6 } },
	{ "sha512", "hmac-sha512", HASH(64, 128), PRF(64), GNUTLS_DIG_SHA512, GNUTLS_MAC_SHA512, { "ikev2", 7 } },
};

int gnutls_offer_hashes(struct rv_host *host)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_offer offer = { .name = rows[i].hash_name };

		known_hash(&offer);
		int r = rv_hash_offer(host, offer, &rows[i].hash, (void *)(uintptr_t)rows[i].digest);
		if (r)
			return r;
	}
	return 0;
}

int gnutls_offer_prfs(struct rv_host *host)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_offer offer = { .name = rows[i].prf_name, .attrs = &rows[i].prf_attr, .n_attrs = 1 };

		known_prf(&offer);
		int r = rv_prf_offer(host, offer, &rows[i].prf, (void *)(uintptr_t)rows[i].mac);
		if (r)
			return r;
	}
	return 0;
}

static const struct rv_rng_ops rng_ops = { .size = sizeof(rng_ops), .fill = fill };

int gnutls_offer_rng(struct rv_host *host)
{
	return rv_rng_offer(host, (struct rv_offer){ .name = "gnutls" }, &rng_ops, NULL);
}

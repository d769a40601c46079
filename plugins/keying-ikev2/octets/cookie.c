// SPDX-License-Identifier: LGPL-2.1-or-later
/* cookie: what a responder asks back before it keeps any state (RFC 7296, 2.6).
 *
 * "Cookie = <VersionIDofSecret> | Hash(Ni | IPi | SPIi | <secret>)", with a PRF keyed by the secret for the hash; what
 * an extension wants to know again goes between the two, and into the hash.
 */
#include "cookie.h"

#include <ravelin/error.h>
#include <ravelin/wire.h>
#include <string.h>
#include <talloc.h>

enum { PRF_MAX = 64, PRF_MIN = 16 };

/* Two secrets: the one of version v at v % 2. */
struct ike_cookies {
	struct rv_secret *secrets[2];
	uint8_t version;
	uint8_t n; /* how many of them are set */
};

struct ike_cookies *ike_cookies_new(const void *parent, struct rv_vault *vault)
{
	struct ike_cookies *cookies = talloc_zero(parent, struct ike_cookies);

	for (size_t i = 0; cookies && i < RV_COUNT(cookies->secrets); i++) {
		cookies->secrets[i] = rv_secret_new(vault, cookies, IKE_COOKIE_SECRET_LEN);
		if (!cookies->secrets[i]) {
			talloc_free(cookies);
			return NULL;
		}
	}
	return cookies;
}

void ike_cookies_rotate(struct ike_cookies *cookies, const uint8_t fresh[static IKE_COOKIE_SECRET_LEN])
{
	cookies->version++;
	memcpy(cookies->secrets[cookies->version % 2]->b, fresh, IKE_COOKIE_SECRET_LEN);
	if (cookies->n < 2)
		cookies->n++;
}

/* The length of info stands in front, so that nothing of what a stranger chooses can pass for a part of it. */
static int make(const struct ike_cookies *cookies, uint8_t version, struct rv_service *prf, struct rv_bytes ni,
		const struct rv_addr *addr, uint64_t spi_i, struct rv_bytes info, uint8_t out[static IKE_COOKIE_MAX])
{
	const struct rv_prf_ops *ops = rv_service_ops(prf);
	uint8_t mac[PRF_MAX] = { 0 }, spi[8], info_len = (uint8_t)info.len;
	const struct rv_bytes parts[] = { rv_bytes(&info_len, 1), info, ni,
					  rv_bytes(addr->ip, rv_family_len(addr->family)), rv_bytes(spi, sizeof(spi)) };
	struct rv_wr w = rv_wr(out, IKE_COOKIE_MAX), spi_w = rv_wr(spi, sizeof(spi));
	int r;

	if (ops->out_len < PRF_MIN || ops->out_len > PRF_MAX || info.len > IKE_COOKIE_INFO_MAX)
		return -RV_ELIMIT;
	rv_wr_u64(&spi_w, spi_i);
	r = ops->prf(rv_service_self(prf), rv_secret_bytes(cookies->secrets[version % 2]), parts, RV_COUNT(parts), mac);
	if (r)
		return r;
	rv_wr_u8(&w, version);
	rv_wr_put(&w, info);
	rv_wr_put(&w, rv_bytes(mac, IKE_COOKIE_LEN - 1));
	return (int)rv_wr_len(&w);
}

int ike_cookie_make(const struct ike_cookies *cookies, struct rv_service *prf, struct rv_bytes ni,
		    const struct rv_addr *addr, uint64_t spi_i, struct rv_bytes info,
		    uint8_t out[static IKE_COOKIE_MAX])
{
	return cookies->n ? make(cookies, cookies->version, prf, ni, addr, spi_i, info, out) : -RV_ESTATE;
}

bool ike_cookie_check(const struct ike_cookies *cookies, struct rv_service *prf, struct rv_bytes cookie,
		      struct rv_bytes ni, const struct rv_addr *addr, uint64_t spi_i, struct rv_bytes *info)
{
	struct rv_rd r = rv_rd(cookie);
	uint8_t version = rv_rd_u8(&r), expected[IKE_COOKIE_MAX];
	uint8_t age = (uint8_t)(cookies->version - version);
	struct rv_bytes inside;
	int len;

	if (cookie.len < IKE_COOKIE_LEN || cookie.len > IKE_COOKIE_MAX || age >= cookies->n)
		return false;
	inside = rv_rd_take(&r, cookie.len - IKE_COOKIE_LEN);
	len = make(cookies, version, prf, ni, addr, spi_i, inside, expected);
	if (len < 0 || !rv_equal_secret(cookie, rv_bytes(expected, (size_t)len)))
		return false;
	*info = inside;
	return true;
}

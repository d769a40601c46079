// SPDX-License-Identifier: LGPL-2.1-or-later
/* auth-pubkey: proof by a signature: digital signatures (RFC 7427) with RSASSA-PKCS1-v1_5, RSASSA-PSS, ECDSA and EdDSA
 * (RFC 8420), and the methods before them: RSA (RFC 7296, 3.8) and ECDSA (RFC 4754).
 *
 * Keys come from services of kind "pki", signatures are computed by those of kind "sign", always in jobs.
 */
#include "auth-pubkey.h"

bool pubkey_sha1(struct rv_host *host)
{
	return rv_conf_bool(rv_host_conf(host), "sha1");
}

bool pubkey_signatures(struct rv_host *host)
{
	return rv_conf_bool(rv_host_conf(host), "signature_authentication");
}

static int check(void *self, const struct rv_connection *connection, const struct rv_round *round, bool local,
		 struct rv_why *why)
{
	struct policy policy;
	int r = policy_read(&policy, round->auth, false, why);

	return r ? rv_why_set(why, r, "%s", rv_conf_where(round->conf, "auth")) : 0;
}

static const struct rv_auth_ops ops = {
	.size = sizeof(ops), .sign = pubkey_sign, .verify = pubkey_verify, .check = check
};

static int init(struct rv_host *host)
{
	/* what `auth` may begin with; the rest is for policy.c */
	static const char *const names[] = { "pubkey", "rsa", "ecdsa", "ed25519", "ed448", "any", "ike" };
	static const struct rv_attr attrs[] = { { "auth-method", METHOD_SIGNATURE } };

	for (size_t i = 0; i < RV_COUNT(names); i++) {
		struct rv_offer offer = { .name = names[i], .attrs = attrs, .n_attrs = i ? 0 : RV_COUNT(attrs) };
		int r = rv_auth_offer(host, offer, &ops, host);

		if (r)
			return r;
	}
	return pubkey_offer_ext(host);
}

#define SCHEMA                                                                                                         \
	"sha1|bool|no||Whether signatures with SHA-1 are made and accepted, which RFC 8247, 3.2 forbids: for peers "   \
	"that "                                                                                                        \
	"know RSA by method 1 only.\n"                                                                                 \
	"signature_authentication|bool|yes||Whether digital signatures (RFC 7427) are offered; without them only RSA " \
	"and "                                                                                                         \
	"ECDSA with fixed hashes are left.\n"                                                                          \
	"connections.*.send_certreq|bool|yes||Whether the peer is asked to show its key or certificate.\n"             \
	"connections.*.send_cert|choice|ifasked|always,never,ifasked|When we show our key or certificate.\n"

RV_PLUGIN(auth_pubkey, "auth-pubkey",
	  "version=1\0"
	  "summary=Authentication by signatures with raw public keys\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=auth:pubkey auth:rsa auth:ecdsa auth:ed25519 auth:ed448 auth:any auth:ike ikev2-ext:auth-pubkey\0"
	  "needs=sign pki\0"
	  "rfc=4754 7296 7427 7670 8247 8420\0"
	  "schema=" SCHEMA "\0",
	  .init = init);

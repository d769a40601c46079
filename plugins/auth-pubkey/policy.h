// SPDX-License-Identifier: LGPL-2.1-or-later
/* policy.h: what `auth` of a round says of keys and hashes (swanctl.conf): "rsa-3072-sha256-sha384", "ike:rsa/pss",
 * "ecdsa-384-sha384", "pubkey".
 *
 * Pure. Any thread.
 */
#pragma once

#include "scheme.h"

struct rv_why;

/* RFC 8247, 3.1.1: RSA keys below 2048 bits are a SHOULD NOT. */
enum { RSA_MIN_BITS = 2048, POLICY_HASHES = 5 };

/* types: a bit for each enum key_type that may be used. min_bits, hashes (the best first, none: any): of each type.
 * pss: RSA with RSASSA-PSS only. sha1: SHA-1 is allowed. */
struct policy {
	uint8_t types, n_hashes[N_KEYS], hashes[N_KEYS][POLICY_HASHES];
	unsigned min_bits[N_KEYS];
	bool pss, sha1;
};

/* Reads the words of `auth`. 0, or -RV_ECONFIG with why. */
int policy_read(struct policy *out, const char *auth, bool sha1, struct rv_why *why);

/* Whether a key, and a scheme with it, may be used; when not, why says what about it. hash NULL scheme: the key alone.
 */
bool policy_allows_key(const struct policy *policy, const struct key_info *key, struct rv_why *why);
bool policy_allows(const struct policy *policy, const struct key_info *key, const struct scheme *scheme,
		   struct rv_why *why);

/* Hashes to sign with, the best first, into out (N_HASHES entries); how many. */
size_t policy_hashes(const struct policy *policy, const struct key_info *key, uint8_t out[static N_HASHES]);

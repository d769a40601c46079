// SPDX-License-Identifier: LGPL-2.1-or-later
/* policy: which keys and hashes a round allows; see policy.h (swanctl.conf; RFC 8247, 3).
 */
#include "policy.h"

#include <ravelin/error.h>
#include <string.h>

enum { ALL_TYPES = (1 << N_KEYS) - 1, MAX_BITS = 100000 };

static const struct {
	struct rv_bytes word;
	uint8_t types;
	bool pss;
} words[] = {
	{ { (const uint8_t *)"pubkey", 6 }, ALL_TYPES, false },
	{ { (const uint8_t *)"any", 3 }, ALL_TYPES, false },
	{ { (const uint8_t *)"rsa", 3 }, 1 << KEY_RSA, false },
	{ { (const uint8_t *)"rsa/pss", 7 }, 1 << KEY_RSA, true },
	{ { (const uint8_t *)"ecdsa", 5 }, 1 << KEY_ECDSA, false },
	{ { (const uint8_t *)"ed25519", 7 }, 1 << KEY_ED25519, false },
	{ { (const uint8_t *)"ed448", 5 }, 1 << KEY_ED448, false },
};

static bool is_number(struct rv_bytes word, unsigned *value)
{
	*value = 0;
	for (size_t i = 0; i < word.len; i++) {
		if (word.p[i] < '0' || word.p[i] > '9' || *value > MAX_BITS)
			return false;
		*value = *value * 10 + (unsigned)(word.p[i] - '0');
	}
	return word.len > 0;
}

static unsigned hash_of(struct rv_bytes word)
{
	for (unsigned i = 1; i < N_HASHES; i++) {
		const char *name = hash_name(i);
		if (rv_bytes_equal(rv_bytes(name, strlen(name)), word))
			return i;
	}
	return 0;
}

/* One word between dashes; last: the types that numbers and hashes behind belong to. */
static bool read_word(struct policy *p, struct rv_bytes word, uint8_t *last)
{
	unsigned bits, hash = hash_of(word);
	bool number = is_number(word, &bits);

	for (size_t i = 0; !number && !hash && i < RV_COUNT(words); i++) {
		if (!rv_bytes_equal(words[i].word, word))
			continue;
		*last = words[i].types;
		p->types |= words[i].types;
		p->pss |= words[i].pss;
		return true;
	}
	if ((!number && !hash) || !*last)
		return false;
	for (unsigned type = 0; type < N_KEYS; type++) {
		if (!(*last & 1 << type))
			continue;
		if (number)
			p->min_bits[type] = bits;
		else if (p->n_hashes[type] < POLICY_HASHES)
			p->hashes[type][p->n_hashes[type]++] = (uint8_t)hash;
	}
	return true;
}

int policy_read(struct policy *out, const char *auth, bool sha1, struct rv_why *why)
{
	static const char prefix[] = "ike:";
	const char *at = strstr(auth, prefix) == auth ? auth + sizeof(prefix) - 1 : auth;
	uint8_t last = 0;

	*out = (struct policy){ .sha1 = sha1 };
	for (;;) {
		size_t len = strcspn(at, "-");

		if (!read_word(out, rv_bytes(at, len), &last))
			return rv_why_set(why, -RV_ECONFIG,
					  "auth = %s: '%.*s' is not understood; a kind of key (pubkey, rsa, rsa/pss, "
					  "ecdsa, ed25519, ed448) is followed by bits it must have and hashes (sha256, "
					  "sha384, sha512), as in rsa-3072-sha256 or ike:rsa/pss-sha384",
					  auth, (int)len, at);
		if (!at[len])
			return 0;
		at += len + 1;
	}
}

bool policy_allows_key(const struct policy *policy, const struct key_info *key, struct rv_why *why)
{
	char text[KEY_TEXT];

	key_text(key, text);
	if (key->type == KEY_RSA && key->bits < RSA_MIN_BITS)
		rv_why_set(why, -RV_EFORBIDDEN, "an %s key is too weak, at least %d bits are needed (RFC 8247, 3.1.1)",
			   text, RSA_MIN_BITS);
	else if (!(policy->types & 1 << key->type))
		rv_why_set(why, -RV_EFORBIDDEN, "`auth` does not allow %s keys", text);
	else if (key->bits < policy->min_bits[key->type])
		rv_why_set(why, -RV_EFORBIDDEN, "`auth` wants a key of at least %u bits, this one is %s",
			   policy->min_bits[key->type], text);
	else
		return true;
	return false;
}

static bool has_hash(const struct policy *policy, unsigned type, unsigned hash)
{
	for (unsigned i = 0; i < policy->n_hashes[type]; i++)
		if (policy->hashes[type][i] == hash)
			return true;
	return !policy->n_hashes[type];
}

bool policy_allows(const struct policy *policy, const struct key_info *key, const struct scheme *scheme,
		   struct rv_why *why)
{
	if (!policy_allows_key(policy, key, why))
		return false;
	if (scheme->hash == HASH_SHA1 && (!policy->sha1 || !scheme->service))
		rv_why_set(why, -RV_EFORBIDDEN,
			   "%s signs with SHA-1, which RFC 8247, 3.2 forbids (ravelin.plugins.auth-pubkey.sha1 = yes "
			   "allows "
			   "RSASSA-PKCS1-v1_5 with it)",
			   scheme->name);
	else if ((policy->pss || key->pss) && scheme->key == KEY_RSA && !scheme->pss)
		rv_why_set(why, -RV_EFORBIDDEN, "%s is used where %s wants RSASSA-PSS", scheme->name,
			   key->pss ? "the key" : "`auth`");
	else if (scheme->hash != HASH_IDENTITY && !has_hash(policy, key->type, scheme->hash))
		rv_why_set(why, -RV_EFORBIDDEN, "`auth` does not allow the hash of %s", scheme->name);
	else
		return true;
	return false;
}

/* RFC 7427, 6: a hash that is as strong as the key. */
static unsigned matching_hash(const struct key_info *key)
{
	static const unsigned limits[2][2] = { [KEY_RSA] = { 3072, 7680 }, [KEY_ECDSA] = { 256, 384 } };

	if (key->bits <= limits[key->type][0])
		return HASH_SHA256;
	return key->bits <= limits[key->type][1] ? HASH_SHA384 : HASH_SHA512;
}

size_t policy_hashes(const struct policy *policy, const struct key_info *key, uint8_t out[static N_HASHES])
{
	size_t n = 0;

	if (key->type != KEY_RSA && key->type != KEY_ECDSA) {
		out[n++] = HASH_IDENTITY;
		return n;
	}
	for (unsigned i = 0; i < policy->n_hashes[key->type]; i++)
		if (policy->hashes[key->type][i] != HASH_IDENTITY)
			out[n++] = policy->hashes[key->type][i];
	if (policy->n_hashes[key->type])
		return n;
	unsigned best = matching_hash(key);

	for (unsigned hash = best; hash <= HASH_SHA512; hash++)
		out[n++] = (uint8_t)hash;
	for (unsigned hash = best - 1; hash >= HASH_SHA256; hash--)
		out[n++] = (uint8_t)hash;
	return n;
}

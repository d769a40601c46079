// SPDX-License-Identifier: LGPL-2.1-or-later
/* keys.c: private keys that were read, so that each signature need not read its
 * key again.
 *
 * At most KEPT keys stay, found by the SHA-256 of their octets; the one that
 * was used the longest time ago makes room. OpenSSL wipes the numbers of a key
 * as it frees it.
 */
#include "ops.h"

#include <openssl/x509.h>
#include <pthread.h>
#include <ravelin/secret.h>
#include <string.h>
#include <talloc.h>

enum { KEPT = 16, DIGEST = 32 };

struct kept {
	uint8_t digest[DIGEST];
	EVP_PKEY *key; /* NULL: a free place */
	uint64_t used;
};

/* lock: jobs of several threads sign at a time. */
struct openssl_keys {
	struct openssl *openssl;
	pthread_mutex_t lock;
	struct kept kept[KEPT];
	uint64_t clock;
};

void openssl_keys_forget(struct openssl_keys *keys)
{
	pthread_mutex_lock(&keys->lock);
	for (size_t i = 0; i < KEPT; i++)
		EVP_PKEY_free(keys->kept[i].key);
	rv_wipe(keys->kept, sizeof(keys->kept));
	pthread_mutex_unlock(&keys->lock);
}

static int gone(struct openssl_keys *keys)
{
	openssl_keys_forget(keys);
	pthread_mutex_destroy(&keys->lock);
	return 0;
}

struct openssl_keys *openssl_keys_new(struct openssl *openssl)
{
	struct openssl_keys *keys = talloc_zero(openssl, struct openssl_keys);

	if (!keys)
		return NULL;
	keys->openssl = openssl;
	pthread_mutex_init(&keys->lock, NULL);
	talloc_set_destructor(keys, gone);
	return keys;
}

static EVP_PKEY *key_read(struct rv_bytes der)
{
	const uint8_t *at = der.p;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
	EVP_PKEY *key = info && at == der.p + der.len ? EVP_PKCS82PKEY_ex(info, NULL, NULL) : NULL;

	PKCS8_PRIV_KEY_INFO_free(info);
	return key;
}

/* Under the lock: the key with this digest, or NULL. */
static EVP_PKEY *find(struct openssl_keys *keys, const uint8_t *digest)
{
	for (size_t i = 0; i < KEPT; i++) {
		struct kept *kept = &keys->kept[i];
		if (!kept->key || !rv_equal_secret(rv_bytes(kept->digest, DIGEST), rv_bytes(digest, DIGEST)))
			continue;
		kept->used = ++keys->clock;
		return EVP_PKEY_up_ref(kept->key) == 1 ? kept->key : NULL;
	}
	return NULL;
}

/* Under the lock: keeps a reference of the key in a free place, or in that of
 * the one not used for longest. */
static void keep(struct openssl_keys *keys, const uint8_t *digest, EVP_PKEY *key)
{
	struct kept *place = &keys->kept[0];

	for (size_t i = 1; i < KEPT; i++)
		if (keys->kept[i].used < place->used)
			place = &keys->kept[i];
	if (EVP_PKEY_up_ref(key) != 1)
		return;
	EVP_PKEY_free(place->key);
	memcpy(place->digest, digest, DIGEST);
	place->key = key;
	place->used = ++keys->clock;
}

EVP_PKEY *openssl_private_key(struct openssl *openssl, struct rv_bytes der)
{
	struct openssl_keys *keys = openssl->keys;
	RV_WIPED(uint8_t, digest, [DIGEST]);
	EVP_PKEY *key;

	if (der.len > INT32_MAX || EVP_Digest(der.p, der.len, digest, NULL, openssl->md[1], NULL) != 1)
		return NULL;
	pthread_mutex_lock(&keys->lock);
	key = find(keys, digest);
	pthread_mutex_unlock(&keys->lock);
	if (key)
		return key;
	key = key_read(der);
	if (!key)
		return NULL;
	pthread_mutex_lock(&keys->lock);
	keep(keys, digest, key);
	pthread_mutex_unlock(&keys->lock);
	return key;
}

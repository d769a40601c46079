// SPDX-License-Identifier: LGPL-2.1-or-later
/* scheme.h: signature schemes and public keys as IKEv2 names them (RFC 7427, 3; RFC 8420; RFC 4754; RFC 7670, 3).
 *
 * Everything here is pure: octets in, values out, nothing allocated. Any thread.
 */
#pragma once

#include <ravelin/base.h>

/* RFC 7427, 7, and RFC 8420, 2: the registry of hash algorithms. */
enum { HASH_SHA1 = 1, HASH_SHA256 = 2, HASH_SHA384 = 3, HASH_SHA512 = 4, HASH_IDENTITY = 5, N_HASHES };

/* What a hash is called in the configuration; NULL for a number that is none. */
const char *hash_name(unsigned hash);

enum key_type { KEY_RSA, KEY_ECDSA, KEY_ED25519, KEY_ED448, N_KEYS };

/* A signature scheme. service: the service of kind "sign"; NULL: one that RFC 8247, 3.2 forbids and nobody computes.
 * method: the authentication method that is the same scheme without RFC 7427 (0: none). bits: of the curve for that. */
struct scheme {
	const char *name, *service;
	uint8_t key, hash;
	bool pss;
};

extern const struct scheme schemes[];
enum { N_SCHEMES = 14 };

/* The scheme of these properties, or NULL. */
const struct scheme *scheme_find(enum key_type key, unsigned hash, bool pss);

/* Reads a whole AlgorithmIdentifier. NULL when it is malformed, or a scheme or parameters that are not known. */
const struct scheme *scheme_read(struct rv_bytes octets);

/* Writes the AlgorithmIdentifier of a scheme, at most SCHEME_ID_MAX octets; its length, 0 when it does not fit. */
enum { SCHEME_ID_MAX = 72 };
size_t scheme_write(const struct scheme *scheme, uint8_t *out, size_t cap);

/* What is known of a public key. pss: the key may be used for RSASSA-PSS only (RFC 4055, 1.2). */
struct key_info {
	uint8_t type;
	bool pss;
	unsigned bits;
};

/* Reads a SubjectPublicKeyInfo. False when it is malformed or of a type that is not known. */
RV_MUST_USE bool key_read(struct key_info *out, struct rv_bytes spki);

/* "RSA-2048", "ECDSA-256", "Ed25519" into out. Returns out. */
enum { KEY_TEXT = 24 };
const char *key_text(const struct key_info *key, char out[static KEY_TEXT]);

/* The Authentication Data of method 14 (RFC 7427, 3): the AlgorithmIdentifier and the signature behind it. */
struct signature {
	struct rv_bytes algorithm, value;
};
RV_MUST_USE bool signature_read(struct signature *out, struct rv_bytes data);

/* ECDSA signatures as RFC 4754, 7 has them (r | s, len octets each) and in DER. Both: the length of what was written, 0
 * when it cannot be or does not fit. */
size_t ecdsa_to_plain(struct rv_bytes der, size_t len, uint8_t *out, size_t cap);
size_t ecdsa_to_der(struct rv_bytes plain, uint8_t *out, size_t cap);

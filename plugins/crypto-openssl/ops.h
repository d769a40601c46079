// SPDX-License-Identifier: LGPL-2.1-or-later
/* ops.h: what the files of crypto-openssl share.
 *
 * Algorithms, groups and parameters are fetched once, when the plugin is loaded, and only read afterwards: any thread
 * may use them. What each operation needs beside them it makes and frees itself.
 */
#pragma once

#include <known-answers.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <ravelin/crypto.h>

struct rv_host;
struct openssl_keys;

enum { N_CURVES = 3, N_MD = 4 };

/* A random ECP group. parameters: a key of the group without a key, from which public keys are copied. */
struct openssl_curve {
	EC_GROUP *group;
	BIGNUM *order_less_1;
	EVP_PKEY *parameters;
};

struct openssl_modp {
	BIGNUM *prime, *prime_less_1;
	BN_MONT_CTX *mont;
};

/* The plugin's own. md: SHA-1, SHA-256, SHA-384, SHA-512. */
struct openssl {
	struct rv_host *host;
	EVP_MD *md[N_MD];
	struct openssl_curve curve[N_CURVES];
	struct openssl_modp modp[N_MODP];
	struct openssl_keys *keys;
};

/* The self of a service: which row of its family it is. Hangs on the host. */
struct openssl_row {
	struct openssl *openssl;
	size_t i;
};
struct openssl_row *openssl_row_new(struct openssl *openssl, size_t i);

/* Makes what a family needs and offers its services. 0, or an error; openssl_free() frees what was made. */
int openssl_offer_montgomery(struct openssl *openssl);
int openssl_offer_ecp(struct openssl *openssl);
int openssl_offer_modp(struct openssl *openssl);
int openssl_offer_signs(struct openssl *openssl);

/* Frees what they made. */
void openssl_free_ecp(struct openssl *openssl);
void openssl_free_modp(struct openssl *openssl);

/* For an operation that OpenSSL refused: forgets its list of errors and gives the code back. */
int openssl_failed(int code);

/* Types of keys. */
enum openssl_type { OPENSSL_RSA = 1, OPENSSL_RSA_PSS = 2, OPENSSL_EC = 4, OPENSSL_ED25519 = 8, OPENSSL_ED448 = 16 };

/* A public key from a SubjectPublicKeyInfo, the caller's to free; NULL: it is malformed, or none of these types (a set
 * of enum openssl_type). */
EVP_PKEY *openssl_public_key(const struct openssl *openssl, struct rv_bytes spki, unsigned types);

/* Private keys that were read are kept, a few of them: reading one costs twenty times what a signature does. */
struct openssl_keys *openssl_keys_new(struct openssl *openssl);

/* A private key from a PrivateKeyInfo, the caller's to free; NULL: it is malformed. Any thread. */
EVP_PKEY *openssl_private_key(struct openssl *openssl, struct rv_bytes der);

/* Wipes those that nobody uses at the moment. */
void openssl_keys_forget(struct openssl_keys *keys);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* ops.h: what the files of crypto-gnutls share.
 *
 * The self of a service is a number of GnuTLS put into a pointer (for a mac with the length of its ICV): there is
 * nothing to own. A context that the caller holds is the handle of GnuTLS, which is a pointer to heap of its own;
 * crypto-gnutls.md says how much.
 */
#pragma once

#include <ravelin/crypto.h>

struct rv_host;

/* Offers every service of a kind. 0, or what the registry said. */
int gnutls_offer_hashes(struct rv_host *host);
int gnutls_offer_prfs(struct rv_host *host);
int gnutls_offer_macs(struct rv_host *host);
int gnutls_offer_ciphers(struct rv_host *host);
int gnutls_offer_aeads(struct rv_host *host);
int gnutls_offer_rng(struct rv_host *host);
int gnutls_offer_signs(struct rv_host *host);

/* What a function of GnuTLS returned, as the core counts errors: 0, -ENOMEM or -RV_EFAILED. */
int gnutls_result(int code);

enum {
	N_HASH_VECTORS = 2,
	N_PRF_VECTORS = 3,
	N_MAC_VECTORS = 2,
	N_CIPHER_VECTORS = 2,
	N_AEAD_VECTORS = 2,
	N_SIGN = 12
};

/* Known answers, in the order of the services of a kind: shortest output or key first. */
extern const struct rv_vector gnutls_hash_vectors[4][N_HASH_VECTORS];
extern const struct rv_vector gnutls_prf_vectors[4][N_PRF_VECTORS];
extern const struct rv_vector gnutls_mac_vectors[4][N_MAC_VECTORS];
extern const struct rv_vector gnutls_cipher_vectors[3][N_CIPHER_VECTORS];
extern const struct rv_vector gnutls_aead_vectors[4][N_AEAD_VECTORS];
extern const struct rv_vector gnutls_sign_vectors[N_SIGN];

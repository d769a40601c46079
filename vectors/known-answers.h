// SPDX-License-Identifier: LGPL-2.1-or-later
/* known-answers.h: what published standards say that services compute, and the primes of groups.
 *
 * Several plugins offer the same services and each must give the same answers before it is offered (crypto.h, struct
 * rv_vector). They stand here once, belong to no plugin, and are linked into each that names them among its libraries.
 */
#pragma once

#include <ravelin/crypto.h>

/* Each puts the known answers of the service that offer names into it: none where this folder has none. */
void known_hash(struct rv_offer *offer);
void known_prf(struct rv_offer *offer);
void known_mac(struct rv_offer *offer);
void known_cipher(struct rv_offer *offer);
void known_aead(struct rv_offer *offer);
void known_ke(struct rv_offer *offer);
void known_sign(struct rv_offer *offer);

/* The primes of RFC 3526, 3 to 7 (2048, 3072, 4096, 6144 and 8192 bits) in hexadecimal. */
enum { N_MODP = 5 };
extern const char *const modp_primes[N_MODP];

/* For the files of this folder: the answers of one service of a kind, and their search by the offer's name. */
struct known {
	const char *name;
	const struct rv_vector *vectors;
	size_t n;
};

void known_find(const struct known *rows, size_t n, struct rv_offer *offer);

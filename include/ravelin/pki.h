// SPDX-License-Identifier: LGPL-2.1-or-later
/* pki.h: kind "pki": private keys that can sign but not be read, and the public keys that may prove who a peer is.
 *
 * A source of keys (files, a token, a public-key infrastructure) offers one service. Whoever needs a key asks the
 * services one after the other. Keys are SubjectPublicKeyInfo (RFC 5280, 4.1) in DER. Loop thread; what takes time
 * pends.
 */
#pragma once

#include <ravelin/connection.h>
#include <ravelin/job.h>

/* What a key is asked for; borrowed until the verb has answered. id: whose key. certs: bodies of the peer's CERT
 * payloads, first the one with the end entity's key (RFC 7296, 3.6). why: filled on failure. */
struct rv_pki_request {
	const struct rv_connection *connection;
	const struct rv_round *round;
	const struct rv_id *id;
	const struct rv_bytes *certs;
	size_t n_certs;
	struct rv_why *why;
};

/* A public key. origin: where it comes from, for people, such as the name of its file. */
struct rv_pki_key {
	struct rv_bytes spki;
	const char *origin;
};

/* Gets a key that is borrowed for the call. */
typedef void rv_pki_key_fn(void *arg, const struct rv_pki_key *key);

/* own: calls found with our key of a local round, of which the source has the private half. 0; -RV_ENO_SECRET when it
 * has none, with why. sign: a signature by that private half and the service of kind "sign" called scheme, into out
 * (cap octets), *len set; parts are copied. trusted: calls found for each key that the source takes for id's in a
 * remote round, the likeliest first; 0 also when there is none. sign and trusted may pend. */
struct rv_pki_ops {
	size_t size;
	int (*own)(void *self, const struct rv_pki_request *request, rv_pki_key_fn *found, void *arg);
	int (*sign)(void *self, struct rv_bytes spki, const char *scheme, const struct rv_bytes *parts, size_t n_parts,
		    uint8_t *out, size_t cap, size_t *len, struct rv_call *call);
	int (*trusted)(void *self, const struct rv_pki_request *request, rv_pki_key_fn *found, void *arg,
		       struct rv_call *call);
};
RV_KIND(pki, "pki", 1, struct rv_pki_ops, trusted)

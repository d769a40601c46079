// SPDX-License-Identifier: LGPL-2.1-or-later
/* auth-pubkey.h: what the files of auth-pubkey share. */
#pragma once

#include "policy.h"

#include <ravelin/auth.h>
#include <ravelin/error.h>
#include <ravelin/ikev2-verbs.h>
#include <ravelin/pki.h>
#include <ravelin/plugin.h>

/* RFC 7296, 3.8; RFC 4754, 6; RFC 7427, 3. */
enum {
	METHOD_RSA = 1,
	METHOD_ECDSA_256 = 9,
	METHOD_ECDSA_384 = 10,
	METHOD_ECDSA_521 = 11,
	METHOD_SIGNATURE = 14,
};

/* RFC 7296, 3.2 and RFC 7670, 5. */
enum { PAYLOAD_CERT = 37, PAYLOAD_CERTREQ = 38, ENCODING_RAW_KEY = 15, CERTS_MAX = 16 };

/* A key that a source gave: a copy, child of the list. */
struct key {
	struct key *next;
	struct rv_service *source; /* not held: good until the loop turns */
	struct rv_bytes spki;
	char *origin;
	struct key_info info;
	bool known; /* info was read */
};

/* What the peer said in IKE_SA_INIT, attached to the IKE SA until it is established: hashes, a bit for each number (RFC
 * 7427, 4). raw: it asked for raw public keys (RFC 7670, 3). */
struct heard {
	uint32_t hashes;
	bool raw;
};

/* ext.c: offers the extension of IKEv2. heard: what the peer of an exchange said, or NULL. certs: bodies of the CERT
 * payloads in the message that came, into out; how many. */
int pubkey_offer_ext(struct rv_host *host);
const struct heard *pubkey_heard(struct rv_host *host, const struct rv_auth_request *request);
size_t pubkey_certs(const struct rv_auth_request *request, struct rv_bytes out[static CERTS_MAX]);

/* Whether a round's `auth` is ours. */
bool pubkey_is_ours(struct rv_host *host, const struct rv_round *round);

/* own.c: our key of a local round as a child of parent. NULL with why. */
struct key *pubkey_own(struct rv_host *host, const void *parent, const struct rv_connection *connection,
		       const struct rv_round *round, const struct rv_id *id, struct rv_why *why);
struct key *pubkey_copy(const void *parent, const struct rv_pki_key *key);

/* As struct rv_auth_ops. */
int pubkey_sign(void *self, const struct rv_auth_request *request, uint8_t *out, size_t cap, size_t *len,
		struct rv_call *call);
int pubkey_verify(void *self, const struct rv_auth_request *request, uint8_t method, struct rv_bytes proof,
		  struct rv_call *call);

/* The settings of this plugin. */
bool pubkey_sha1(struct rv_host *host);
bool pubkey_signatures(struct rv_host *host); /* RFC 7427 */

// SPDX-License-Identifier: LGPL-2.1-or-later
/* cryptor.h: encryption with integrity in one shape, whatever computes it.
 *
 * A suite is an aead, or a cipher (or none) with a mac, or, as integrity alone, an aead that only authenticates. What
 * it seals is laid out as IV | ciphertext | ICV behind octets that are only authenticated, as ESP (RFC 4303, 2) and the
 * Encrypted payload (RFC 7296, 3.14; RFC 5282) both are. A cryptor is one direction with one key; used by one thread at
 * a time; it holds references to its services.
 */
#pragma once

#include <ravelin/algorithm.h>

/* What an IV must be: unpredictable (RFC 3602, 3); never the same twice with one key, so a counter will do (RFC 3686,
 * 2.1; RFC 4106, 3.1); or nothing is sent and the sequence number stands for it (RFC 8750, 4: iv_len is 0). */
enum rv_iv { RV_IV_RANDOM, RV_IV_UNIQUE, RV_IV_IMPLICIT };

/* The two services and the sizes that follow from them. A value; the references are taken by rv_suite_init(). */
struct rv_suite {
	struct rv_ref encr;   /* empty for no or NULL encryption */
	struct rv_ref *integ; /* NULL for an aead that encrypts; the suite's own */
	bool aead;
	uint8_t iv;	    /* enum rv_iv */
	uint16_t key_len;   /* of the encryption, with its salt */
	uint16_t integ_len; /* of the integrity key, with its salt */
	uint16_t salt_len, iv_len, icv_len, block_len;
	uint32_t ctx_size; /* of one direction */
};

/* Finds the services of the chosen transforms (ENCR, INTEG) and takes references for user. 0 or -RV_ENO_PROVIDER with
 * why. rv_suite_fini() gives them back. Loop thread. */
int rv_suite_init(struct rv_suite *suite, struct rv_registry *registry, const struct rv_proposal *chosen,
		  const struct rv_user *user, struct rv_why *why);
void rv_suite_fini(struct rv_suite *suite);

/* Prepares ctx (suite->ctx_size octets, 64-aligned) with the keys: encr (key | salt) and integ. seal or open. Any
 * thread. 0 or negative. */
int rv_cryptor_init(const struct rv_suite *suite, void *ctx, struct rv_bytes encr, struct rv_bytes integ, bool seal);
void rv_cryptor_fini(const struct rv_suite *suite, void *ctx);

/* One packet. The authenticated octets are aad (and, for cipher with mac, the IV and ciphertext; with_iv: aad is
 * directly in front of the IV in memory at src/dst). esn: the high half of a 64-bit sequence number that only the ICV
 * covers (RFC 4303, 2.2.1), appended for integrity, inserted after the SPI for an aead; use_esn says whether. src: text
 * (seal) or IV | ciphertext | ICV (open). dst: room for IV | ciphertext | ICV (seal) or text (open). len: of the text
 * with its padding. iv: iv_len octets (seal). dst may be src + iv_len (open in place), or IV in front of text (seal in
 * place); open in place spoils the ICV of what is ok. Integrity without encryption leaves what is not ok as it was; by
 * an aead it works in place only, and needs 4 octets of room behind the ICV where use_esn is set. An implicit IV is
 * read from esn and the sequence number in aad. */
struct rv_cryptor_op {
	const uint8_t *aad;
	uint16_t aad_len;
	bool use_esn;
	bool ok;
	uint32_t esn;
	const uint8_t *src;
	uint8_t *dst;
	uint32_t len;
	uint8_t iv[16];
};

/* Seals or opens a burst (up to 64). open sets ok of each. 0, or negative when the provider itself failed. Owner thread
 * of ctx. */
int rv_cryptor_seal(const struct rv_suite *suite, void *ctx, struct rv_cryptor_op *ops, size_t n_ops);
int rv_cryptor_open(const struct rv_suite *suite, void *ctx, struct rv_cryptor_op *ops, size_t n_ops);

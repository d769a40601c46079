// SPDX-License-Identifier: LGPL-2.1-or-later
/* crypto.h: the kinds of service that compute: hash, prf, mac, cipher, aead, ke, sign, rng.
 *
 * Names are canonical and carry their parameters: "aes-gcm-16-128" is one aead service with 128-bit keys. Sizes are in
 * octets everywhere. Contexts live in memory of the caller (ctx_size octets, 64-aligned), so that whoever holds 100,000
 * SAs decides what that costs; a context is used by one thread at a time. Ops without a context are safe from any
 * thread. Whoever needs encryption with integrity uses struct rv_cryptor (cryptor.h), not these.
 */
#pragma once

#include <ravelin/registry.h>

/* hash: out = HASH(parts...). prf: out = PRF(key, parts...); any key length (RFC 7296, 2.13). 0 or negative. */
struct rv_hash_ops {
	size_t size;
	uint16_t out_len, block_len;
	int (*digest)(void *self, const struct rv_bytes *parts, size_t n_parts, uint8_t *out);
};

struct rv_prf_ops {
	size_t size;
	uint16_t out_len, key_len; /* key_len: preferred (RFC 7296, 2.13) */
	int (*prf)(void *self, struct rv_bytes key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out);
};

/* One message for mac_burst. icv may lie inside of the last octets of src: it is written when src has been read. */
struct rv_mac_op {
	const uint8_t *src;
	size_t len;
	uint8_t *icv;
};

/* mac: truncated as its standard says; icv_len octets come out. mac_burst is optional: whole messages, up to 64. */
struct rv_mac_ops {
	size_t size;
	uint16_t key_len, icv_len;
	uint32_t ctx_size;
	int (*init)(void *self, void *ctx, struct rv_bytes key);
	int (*mac)(void *self, void *ctx, const struct rv_bytes *parts, size_t n_parts, uint8_t *icv);
	void (*fini)(void *self, void *ctx); /* wipes */
	int (*mac_burst)(void *self, void *ctx, const struct rv_mac_op *ops, size_t n_ops);
};

/* One text for crypt_burst, as crypt takes it. */
struct rv_cipher_op {
	const uint8_t *iv, *src;
	uint8_t *dst;
	size_t len;
};

/* cipher: len is a multiple of block_len; dst may be src exactly, or not overlap it. The IV is the caller's:
 * unpredictable (RFC 3602, 3), or, where unique_iv says so, one that never comes twice with a key (RFC 3686, 2.1); a
 * nonce that goes with the key is at the end of it. crypt_burst is optional: up to 64. */
struct rv_cipher_ops {
	size_t size;
	uint16_t key_len, iv_len, block_len;
	uint32_t ctx_size;
	int (*init)(void *self, void *ctx, struct rv_bytes key, bool encrypt);
	int (*crypt)(void *self, void *ctx, const uint8_t *iv, const uint8_t *src, uint8_t *dst, size_t len);
	void (*fini)(void *self, void *ctx);
	int (*crypt_burst)(void *self, void *ctx, const struct rv_cipher_op *ops, size_t n_ops);
	bool unique_iv;
};

/* One packet for an aead: nonce is salt | IV, at most 12 octets. seal writes len octets of ciphertext and icv_len of
 * ICV at dst; open reads len octets of ciphertext and the ICV behind it from src, writes len octets at dst and sets ok.
 * dst may be src exactly, or not overlap it. A service with the attribute "clear" only authenticates (RFC 4543, 3.3):
 * its ciphertext is the text, and the ICV covers aad | IV | text. */
struct rv_aead_op {
	const uint8_t *src;
	uint8_t *dst;
	uint32_t len;
	uint16_t aad_len;
	bool ok;
	const uint8_t *aad;
	uint8_t nonce[12];
};

struct rv_aead_ops {
	size_t size;
	uint16_t key_len, salt_len, iv_len, icv_len;
	uint32_t ctx_size;
	int (*init)(void *self, void *ctx, struct rv_bytes key);
	int (*seal)(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops);
	int (*open)(void *self, void *ctx, struct rv_aead_op *ops, size_t n_ops); /* 0 also when some op is not ok */
	void (*fini)(void *self, void *ctx);
};

/* ke: one key exchange that fits Diffie-Hellman and KEMs. All three are pure functions of their arguments and run in
 * jobs; random holds n_random octets from the daemon's source. generate: secret (secret_len) and public_i. respond:
 * from public_i makes public_r and shared. complete: from secret and public_r makes shared. Public values are tested as
 * RFC 6989, 2 and the curve's standard say: -RV_EKEY_VALUE. */
struct rv_ke_ops {
	size_t size;
	uint16_t n_random, secret_len, public_i_len, public_r_len, shared_len;
	int (*generate)(void *self, const uint8_t *random, uint8_t *secret, uint8_t *public_i);
	int (*respond)(void *self, const uint8_t *random, struct rv_bytes public_i, uint8_t *public_r, uint8_t *shared);
	int (*complete)(void *self, const uint8_t *secret, struct rv_bytes public_r, uint8_t *shared);
};

/* sign: one signature scheme with its hash, such as "rsa-pss-sha256". All is DER: private_key a PrivateKeyInfo (RFC
 * 5208, 5), public_key a SubjectPublicKeyInfo (RFC 5280, 4.1), an ECDSA signature an ECDSA-Sig-Value (RFC 3279, 2.2.3).
 * Pure functions of their arguments, for jobs; message is whole, in parts. sign: at most signature_max octets into out,
 * *len set. verify: 0 when the signature holds, -RV_EAUTH_FAILED. Both: -RV_EKEY_VALUE for a key that is none of this
 * scheme's or is malformed. */
struct rv_sign_ops {
	size_t size;
	uint16_t signature_max;
	int (*sign)(void *self, struct rv_bytes private_key, const struct rv_bytes *parts, size_t n_parts, uint8_t *out,
		    size_t *len);
	int (*verify)(void *self, struct rv_bytes public_key, const struct rv_bytes *parts, size_t n_parts,
		      struct rv_bytes signature);
};

/* rng: fills buf with len octets fit for keys. Any thread. */
struct rv_rng_ops {
	size_t size;
	int (*fill)(void *self, uint8_t *buf, size_t len);
};

/* A known answer, as the kind reads it: hash (in, out), prf and mac (key, in, out), cipher (key, iv, in, out), aead
 * (key without salt, iv = salt | IV, aad, in, out = ciphertext | ICV), ke (key = random, in = peer's public value or
 * empty for a pairwise test, out = shared), sign (key = private key or empty, aad = public key, in = message, out =
 * signature). Hex text; source says which document. rng is tested for stuck output. */
struct rv_vector {
	const char *source;
	const char *key, *iv, *aad, *in, *out;
};

RV_KIND(hash, "hash", 1, struct rv_hash_ops, digest)
RV_KIND(prf, "prf", 1, struct rv_prf_ops, prf)
RV_KIND(mac, "mac", 1, struct rv_mac_ops, fini)
RV_KIND(cipher, "cipher", 1, struct rv_cipher_ops, fini)
RV_KIND(aead, "aead", 1, struct rv_aead_ops, fini)
RV_KIND(ke, "ke", 1, struct rv_ke_ops, complete)
RV_KIND(sign, "sign", 1, struct rv_sign_ops, verify)
RV_KIND(rng, "rng", 1, struct rv_rng_ops, fill)

/* What the registry knows of a crypto service after its tests: nanoseconds of one operation (1400 octets; one generate
 * plus complete for ke; for sign a signature and its verification, without the former where the known answer has no
 * private key), 0 when not measured. */
uint64_t rv_service_speed_ns(const struct rv_service *service);

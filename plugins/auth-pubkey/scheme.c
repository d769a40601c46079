// SPDX-License-Identifier: LGPL-2.1-or-later
/* scheme: AlgorithmIdentifiers, public keys and signatures, read and written; see scheme.h.
 *
 * Object identifiers: RFC 7427, Appendix A; RFC 8420, Appendix A; RFC 5480, 2.1.1; RFC 4055, 2.1 and 3.1.
 */
#include "scheme.h"

#include "der.h"

#include <stdio.h>

#define OCTETS(text) rv_bytes((text), sizeof(text) - 1)

static const char *const hash_names[N_HASHES] = { NULL, "sha1", "sha256", "sha384", "sha512", "identity" };
static const uint8_t hash_lens[N_HASHES] = { 0, 20, 32, 48, 64, 0 };

static const char pss_oid[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
static const char mgf1_oid[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";

/* Octets of a constant text without its NUL. */
#define OID(text)                                                                                                      \
	{                                                                                                              \
		(const uint8_t *)(text), sizeof(text) - 1                                                              \
	}

static const struct rv_bytes hash_oids[N_HASHES] = {
	[HASH_SHA1] = OID("\x2b\x0e\x03\x02\x1a"),
	[HASH_SHA256] = OID("\x60\x86\x48\x01\x65\x03\x04\x02\x01"),
	[HASH_SHA384] = OID("\x60\x86\x48\x01\x65\x03\x04\x02\x02"),
	[HASH_SHA512] = OID("\x60\x86\x48\x01\x65\x03\x04\x02\x03"),
};

const struct scheme schemes[N_SCHEMES] = {
	{ "rsa-sha1", "rsa-pkcs1-sha1", KEY_RSA, HASH_SHA1, false },
	{ "rsa-sha256", "rsa-pkcs1-sha256", KEY_RSA, HASH_SHA256, false },
	{ "rsa-sha384", "rsa-pkcs1-sha384", KEY_RSA, HASH_SHA384, false },
	{ "rsa-sha512", "rsa-pkcs1-sha512", KEY_RSA, HASH_SHA512, false },
	{ "rsa/pss-sha1", NULL, KEY_RSA, HASH_SHA1, true },
	{ "rsa/pss-sha256", "rsa-pss-sha256", KEY_RSA, HASH_SHA256, true },
	{ "rsa/pss-sha384", "rsa-pss-sha384", KEY_RSA, HASH_SHA384, true },
	{ "rsa/pss-sha512", "rsa-pss-sha512", KEY_RSA, HASH_SHA512, true },
	{ "ecdsa-sha1", NULL, KEY_ECDSA, HASH_SHA1, false },
	{ "ecdsa-sha256", "ecdsa-sha256", KEY_ECDSA, HASH_SHA256, false },
	{ "ecdsa-sha384", "ecdsa-sha384", KEY_ECDSA, HASH_SHA384, false },
	{ "ecdsa-sha512", "ecdsa-sha512", KEY_ECDSA, HASH_SHA512, false },
	{ "ed25519", "ed25519", KEY_ED25519, HASH_IDENTITY, false },
	{ "ed448", "ed448", KEY_ED448, HASH_IDENTITY, false },
};

/* In the order of schemes; those of RSASSA-PSS are told apart by their parameters. */
static const struct rv_bytes scheme_oids[N_SCHEMES] = {
	OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"),
	OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"),
	OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"),
	OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"),
	{ NULL, 0 },
	{ NULL, 0 },
	{ NULL, 0 },
	{ NULL, 0 },
	OID("\x2a\x86\x48\xce\x3d\x04\x01"),
	OID("\x2a\x86\x48\xce\x3d\x04\x03\x02"),
	OID("\x2a\x86\x48\xce\x3d\x04\x03\x03"),
	OID("\x2a\x86\x48\xce\x3d\x04\x03\x04"),
	OID("\x2b\x65\x70"),
	OID("\x2b\x65\x71"),
};

const char *hash_name(unsigned hash)
{
	return hash < N_HASHES ? hash_names[hash] : NULL;
}

const struct scheme *scheme_find(enum key_type key, unsigned hash, bool pss)
{
	for (size_t i = 0; i < N_SCHEMES; i++)
		if (schemes[i].key == key && schemes[i].hash == hash && schemes[i].pss == pss)
			return &schemes[i];
	return NULL;
}

/* Parameters that are NULL or missing: RFC 7427, 3 knows both, and peers send both for either. */
static void no_parameters(struct rv_rd *r)
{
	if (der_is(r, DER_NULL) && der_take(r, DER_NULL).len)
		rv_rd_fail(r);
}

/* A hash's AlgorithmIdentifier; 0 and a bad reader when it is not known. */
static unsigned take_hash(struct rv_rd *r)
{
	struct rv_rd inner = rv_rd(der_take(r, DER_SEQUENCE));
	struct rv_bytes oid = der_take(&inner, DER_OID);

	no_parameters(&inner);
	for (unsigned i = 1; rv_rd_done(&inner) && i < N_HASHES; i++)
		if (hash_oids[i].len && rv_bytes_equal(hash_oids[i], oid))
			return i;
	rv_rd_fail(r);
	return 0;
}

/* MGF1 with a hash (RFC 4055, 2.2). */
static unsigned take_mgf(struct rv_rd *r)
{
	struct rv_rd inner = rv_rd(der_take(r, DER_SEQUENCE));

	if (!rv_bytes_equal(der_take(&inner, DER_OID), OCTETS(mgf1_oid)))
		rv_rd_fail(&inner);
	unsigned hash = take_hash(&inner);

	if (!rv_rd_done(&inner))
		rv_rd_fail(r);
	return hash;
}

static unsigned take_small(struct rv_rd *r)
{
	struct rv_bytes octets = der_take_positive(r);

	if (octets.len != 1) {
		rv_rd_fail(r);
		return 0;
	}
	return octets.p[0];
}

/* One of the explicitly tagged fields of the parameters, when it is there. */
static unsigned take_field(struct rv_rd *r, uint8_t number, unsigned (*take)(struct rv_rd *), unsigned otherwise)
{
	if (!der_is(r, (uint8_t)(DER_CONTEXT + number)))
		return otherwise;
	struct rv_rd inner = rv_rd(der_take(r, (uint8_t)(DER_CONTEXT + number)));
	unsigned value = take(&inner);

	if (!rv_rd_done(&inner))
		rv_rd_fail(r);
	return value;
}

/* RSASSA-PSS-params (RFC 4055, 3.1). Both hashes and the salt must agree: that is what is known here. */
static const struct scheme *read_pss(struct rv_rd *r)
{
	struct rv_rd inner = rv_rd(der_take(r, DER_SEQUENCE));
	unsigned hash = take_field(&inner, 0, take_hash, HASH_SHA1);
	unsigned mgf = take_field(&inner, 1, take_mgf, HASH_SHA1);
	unsigned salt = take_field(&inner, 2, take_small, 20);
	unsigned trailer = take_field(&inner, 3, take_small, 1);

	if (!rv_rd_done(&inner) || hash >= N_HASHES || mgf != hash || salt != hash_lens[hash] || trailer != 1)
		return NULL;
	return scheme_find(KEY_RSA, hash, true);
}

const struct scheme *scheme_read(struct rv_bytes octets)
{
	struct rv_rd outer = rv_rd(octets), inner = rv_rd(der_take(&outer, DER_SEQUENCE));
	struct rv_bytes oid = der_take(&inner, DER_OID);
	const struct scheme *found = NULL;

	if (rv_bytes_equal(oid, OCTETS(pss_oid))) {
		found = read_pss(&inner);
	} else {
		no_parameters(&inner);
		for (size_t i = 0; i < N_SCHEMES; i++)
			if (oid.len && rv_bytes_equal(scheme_oids[i], oid))
				found = &schemes[i];
	}
	return rv_rd_done(&inner) && rv_rd_done(&outer) ? found : NULL;
}

static void put_oid(struct rv_wr *w, struct rv_bytes oid)
{
	der_head(w, DER_OID, oid.len);
	rv_wr_put(w, oid);
}

enum { NULL_LEN = 2, HEAD_LEN = 2, SALT_LEN = 5 };

static size_t hash_id_len(unsigned hash)
{
	return HEAD_LEN + hash_oids[hash].len + NULL_LEN;
}

static void put_hash(struct rv_wr *w, unsigned hash)
{
	der_head(w, DER_SEQUENCE, hash_id_len(hash));
	put_oid(w, hash_oids[hash]);
	der_head(w, DER_NULL, 0);
}

/* The trailer field has its default, which DER leaves out. */
static void write_pss(struct rv_wr *w, unsigned hash)
{
	size_t hash_len = HEAD_LEN + hash_id_len(hash);
	size_t mgf_len = HEAD_LEN + sizeof(mgf1_oid) - 1 + hash_len;
	size_t len = HEAD_LEN + hash_len + 2 * HEAD_LEN + mgf_len + SALT_LEN;

	der_head(w, DER_SEQUENCE, HEAD_LEN + sizeof(pss_oid) - 1 + HEAD_LEN + len);
	put_oid(w, OCTETS(pss_oid));
	der_head(w, DER_SEQUENCE, len);
	der_head(w, DER_CONTEXT, hash_len);
	put_hash(w, hash);
	der_head(w, DER_CONTEXT + 1, HEAD_LEN + mgf_len);
	der_head(w, DER_SEQUENCE, mgf_len);
	put_oid(w, OCTETS(mgf1_oid));
	put_hash(w, hash);
	der_head(w, DER_CONTEXT + 2, SALT_LEN - HEAD_LEN);
	der_head(w, DER_INTEGER, 1);
	rv_wr_u8(w, hash_lens[hash]);
}

size_t scheme_write(const struct scheme *scheme, uint8_t *out, size_t cap)
{
	const struct rv_bytes *oid = &scheme_oids[scheme - schemes];
	bool null = scheme->key == KEY_RSA; /* RFC 4055, 5: "the parameters MUST be NULL"; the others have none */
	struct rv_wr w = rv_wr(out, cap);

	if (scheme->pss) {
		write_pss(&w, scheme->hash);
	} else {
		der_head(&w, DER_SEQUENCE, HEAD_LEN + oid->len + (null ? NULL_LEN : 0));
		put_oid(&w, *oid);
		if (null)
			der_head(&w, DER_NULL, 0);
	}
	return rv_wr_done(&w) ? rv_wr_len(&w) : 0;
}

/* Public keys */

static const struct {
	struct rv_bytes oid, curve;
	uint8_t type;
	bool pss;
	unsigned bits;
} keys[] = {
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), { NULL, 0 }, KEY_RSA, false, 0 },
	{ OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), { NULL, 0 }, KEY_RSA, true, 0 },
	{ OID("\x2a\x86\x48\xce\x3d\x02\x01"), OID("\x2a\x86\x48\xce\x3d\x03\x01\x07"), KEY_ECDSA, false, 256 },
	{ OID("\x2a\x86\x48\xce\x3d\x02\x01"), OID("\x2b\x81\x04\x00\x22"), KEY_ECDSA, false, 384 },
	{ OID("\x2a\x86\x48\xce\x3d\x02\x01"), OID("\x2b\x81\x04\x00\x23"), KEY_ECDSA, false, 521 },
	{ OID("\x2b\x65\x70"), { NULL, 0 }, KEY_ED25519, false, 256 },
	{ OID("\x2b\x65\x71"), { NULL, 0 }, KEY_ED448, false, 456 },
};

/* RSAPublicKey (RFC 8017, A.1.1): how many bits the modulus has; 0 when it is malformed. */
static unsigned rsa_bits(struct rv_bytes octets)
{
	struct rv_rd outer = rv_rd(octets), r = rv_rd(der_take(&outer, DER_SEQUENCE));
	struct rv_bytes n = der_take_positive(&r);
	unsigned bits = (unsigned)n.len * 8;

	(void)der_take_positive(&r);
	if (!rv_rd_done(&r) || !rv_rd_done(&outer) || !n.len)
		return 0;
	for (uint8_t top = n.p[0]; top < 0x80; top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

bool key_read(struct key_info *out, struct rv_bytes spki)
{
	struct rv_rd outer = rv_rd(spki), r = rv_rd(der_take(&outer, DER_SEQUENCE));
	struct rv_rd algorithm = rv_rd(der_take(&r, DER_SEQUENCE)), bits = rv_rd(der_take(&r, DER_BITS));
	struct rv_bytes oid = der_take(&algorithm, DER_OID), curve = rv_bytes(NULL, 0);
	uint8_t unused = rv_rd_u8(&bits);
	struct rv_bytes value = rv_rd_rest(&bits);

	if (der_is(&algorithm, DER_OID))
		curve = der_take(&algorithm, DER_OID);
	(void)rv_rd_rest(&algorithm); /* NULL, or RSASSA-PSS-params */
	if (!rv_rd_done(&outer) || !rv_rd_done(&r) || !rv_rd_done(&algorithm) || !rv_rd_done(&bits) || unused)
		return false;
	for (size_t i = 0; i < RV_COUNT(keys); i++) {
		if (!rv_bytes_equal(keys[i].oid, oid) || !rv_bytes_equal(keys[i].curve, curve))
			continue;
		*out = (struct key_info){ .type = keys[i].type, .pss = keys[i].pss, .bits = keys[i].bits };
		if (out->type == KEY_RSA)
			out->bits = rsa_bits(value);
		return out->bits > 0;
	}
	return false;
}

const char *key_text(const struct key_info *key, char out[static KEY_TEXT])
{
	static const char *const names[N_KEYS] = { "RSA", "ECDSA", "Ed25519", "Ed448" };

	if (key->type == KEY_RSA || key->type == KEY_ECDSA)
		snprintf(out, KEY_TEXT, "%s-%u", names[key->type], key->bits);
	else
		snprintf(out, KEY_TEXT, "%s", names[key->type]);
	return out;
}

/* Signatures */

bool signature_read(struct signature *out, struct rv_bytes data)
{
	struct rv_rd r = rv_rd(data);

	out->algorithm = rv_rd_take(&r, rv_rd_u8(&r));
	out->value = rv_rd_rest(&r);
	return rv_rd_done(&r) && out->algorithm.len && out->value.len;
}

size_t ecdsa_to_plain(struct rv_bytes der, size_t len, uint8_t *out, size_t cap)
{
	struct rv_rd outer = rv_rd(der), r = rv_rd(der_take(&outer, DER_SEQUENCE));
	struct rv_bytes half[2];
	struct rv_wr w = rv_wr(out, cap);

	for (size_t i = 0; i < 2; i++) {
		half[i] = der_take_positive(&r);
		if (half[i].len > len)
			return 0;
		rv_wr_zero(&w, len - half[i].len);
		rv_wr_put(&w, half[i]);
	}
	return rv_rd_done(&r) && rv_rd_done(&outer) && rv_wr_done(&w) ? 2 * len : 0;
}

/* A number without leading zeros; empty for 0. */
static struct rv_bytes magnitude(struct rv_bytes b)
{
	struct rv_rd r = rv_rd(b), ahead = r;

	while (rv_rd_more(&r) && !rv_rd_u8(&ahead))
		r = ahead;
	return rv_rd_rest(&r);
}

size_t ecdsa_to_der(struct rv_bytes plain, uint8_t *out, size_t cap)
{
	struct rv_rd r = rv_rd(plain);
	struct rv_bytes half[2] = { magnitude(rv_rd_take(&r, plain.len / 2)), magnitude(rv_rd_rest(&r)) };
	struct rv_wr w = rv_wr(out, cap);
	size_t len = 0;

	if (plain.len % 2 || !half[0].len || !half[1].len)
		return 0;
	for (size_t i = 0; i < 2; i++)
		len += HEAD_LEN + half[i].len + (half[i].p[0] > 0x7f);
	if (len > 0xff)
		return 0;
	der_head(&w, DER_SEQUENCE, len);
	for (size_t i = 0; i < 2; i++) {
		bool high = half[i].p[0] > 0x7f; /* a zero in front keeps it positive */
		der_head(&w, DER_INTEGER, half[i].len + high);
		rv_wr_zero(&w, high);
		rv_wr_put(&w, half[i]);
	}
	return rv_wr_done(&w) ? rv_wr_len(&w) : 0;
}

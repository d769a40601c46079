// SPDX-License-Identifier: LGPL-2.1-or-later
/* read: keys from PEM (RFC 7468) and DER by GnuTLS.
 *
 * Whatever form a key has in its file, it is kept as PrivateKeyInfo or SubjectPublicKeyInfo.
 */
#include "pki-raw.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <ravelin/error.h>
#include <string.h>

enum { PASSPHRASE_MAX = 1024 };

/* GnuTLS does not write what it reads from a datum, but its type does not say so. */
static gnutls_datum_t datum(struct rv_bytes b)
{
	return (gnutls_datum_t){ .data = (uint8_t *)(uintptr_t)b.p, .size = (unsigned)b.len };
}

static gnutls_x509_crt_fmt_t format(struct rv_bytes octets)
{
	static const char begin[] = "-----BEGIN";

	return octets.len && memmem(octets.p, octets.len, begin, sizeof(begin) - 1) ? GNUTLS_X509_FMT_PEM
										    : GNUTLS_X509_FMT_DER;
}

/* A copy of out as a child of parent; out is let go. */
static int keep(const void *parent, int r, gnutls_datum_t *out, struct rv_bytes *kept)
{
	uint8_t *copy;

	if (r < 0)
		return r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -RV_EKEY_VALUE;
	copy = talloc_memdup(parent, out->data, out->size);
	if (copy)
		*kept = rv_bytes(copy, out->size);
	gnutls_free(out->data);
	return copy ? 0 : -ENOMEM;
}

int raw_read_public(const void *parent, struct rv_bytes octets, struct rv_bytes *spki)
{
	gnutls_datum_t raw = datum(octets), out = { 0 };
	gnutls_pubkey_t key;
	int r = gnutls_pubkey_init(&key);

	if (r < 0)
		return -ENOMEM;
	r = gnutls_pubkey_import(key, &raw, format(octets));
	if (r >= 0)
		r = gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &out);
	gnutls_pubkey_deinit(key);
	return keep(parent, r, &out, spki);
}

static int export_public(const void *parent, gnutls_privkey_t private, struct rv_bytes *spki)
{
	gnutls_datum_t out = { 0 };
	gnutls_pubkey_t key;
	int r = gnutls_pubkey_init(&key);

	if (r < 0)
		return -ENOMEM;
	r = gnutls_pubkey_import_privkey(key, private, 0, 0);
	if (r >= 0)
		r = gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &out);
	gnutls_pubkey_deinit(key);
	return keep(parent, r, &out, spki);
}

static int export_private(struct rv_vault *vault, struct raw_private *key, gnutls_privkey_t private)
{
	gnutls_datum_t out = { 0 };
	gnutls_x509_privkey_t x509;

	if (gnutls_privkey_export_x509(private, &x509) < 0)
		return -RV_EKEY_VALUE;
	int r = gnutls_x509_privkey_export2_pkcs8(x509, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN, &out);

	gnutls_x509_privkey_deinit(x509);
	if (r < 0)
		return -RV_EKEY_VALUE;
	key->der = rv_secret_dup(vault, key, rv_bytes(out.data, out.size));
	rv_wipe(out.data, out.size);
	gnutls_free(out.data);
	return key->der ? 0 : -ENOMEM;
}

int raw_read_private(struct rv_vault *vault, struct raw_private *key, struct rv_bytes octets,
		     const struct rv_secret *passphrase)
{
	RV_WIPED(char, text, [PASSPHRASE_MAX + 1]);
	gnutls_datum_t raw = datum(octets);
	gnutls_privkey_t private;
	int r;

	if (passphrase && passphrase->len > PASSPHRASE_MAX)
		return -RV_ENO_SECRET;
	if (passphrase)
		memcpy(text, passphrase->b, passphrase->len);
	if (gnutls_privkey_init(&private) < 0)
		return -ENOMEM;
	r = gnutls_privkey_import_x509_raw(private, &raw, format(octets), passphrase ? text : NULL, 0);
	if (r == GNUTLS_E_DECRYPTION_FAILED)
		r = -RV_ENO_SECRET;
	else if (r < 0)
		r = -RV_EKEY_VALUE;
	else
		r = export_private(vault, key, private);
	if (!r)
		r = export_public(key, private, &key->spki);
	gnutls_privkey_deinit(private);
	return r;
}

bool raw_read_inline(const void *parent, const char *text, struct rv_bytes *octets)
{
	gnutls_datum_t in, out = { 0 };
	int r;

	if (text[0] != '0' || (text[1] != 'x' && text[1] != 's'))
		return false;
	in = datum(rv_bytes(text + 2, strlen(text + 2)));
	r = text[1] == 'x' ? gnutls_hex_decode2(&in, &out) : gnutls_base64_decode2(&in, &out);
	return !keep(parent, r, &out, octets);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* pki-raw.h: what the files of pki-raw share. */
#pragma once

#include <ravelin/pki.h>
#include <ravelin/plugin.h>
#include <ravelin/secret.h>

enum { RAW_FILE_MAX = 64 * 1024, RAW_SPKI_MAX = 8192 };

/* A private key; a talloc object. der: its PrivateKeyInfo (RFC 5208, 5), in the vault. */
struct raw_private {
	struct raw_private *next;
	struct rv_secret *der;
	struct rv_bytes spki;
	const char *origin;
};

/* Public keys of files, by the place of their name in the configuration. */
struct raw_public {
	const char *item;
	struct rv_bytes spki;
};

/* All keys of one configuration; a talloc object. */
struct raw_store {
	struct rv_host *host;
	struct raw_private *privates;
	struct raw_public *publics; /* sorted by item */
	size_t n_publics;
};

/* The keys that the present configuration names. NULL: out of memory. Keys that cannot be used are logged. */
struct raw_store *raw_store_new(struct rv_host *host);

/* The public key that an item of `pubkeys` in conf is: 0x or 0s and its octets, or a file. *spki is a child of parent
 * or the store's. 0 or negative with why. */
int raw_store_public(struct raw_store *store, const void *parent, const struct rv_conf *conf, const char *item,
		     struct rv_bytes *spki, struct rv_why *why);

/* The private half of a public key, or NULL. */
const struct raw_private *raw_store_private(const struct raw_store *store, struct rv_bytes spki);

/* read.c: a public key in PEM or DER into *spki, a child of parent; 0 or -RV_EKEY_VALUE. A private key in PEM or DER
 * (PKCS #8, PKCS #1, SEC 1), opened with passphrase when it is encrypted (may be NULL), into key->der and key->spki,
 * children of key; 0, -RV_ENO_SECRET when a passphrase is needed or wrong, -RV_EKEY_VALUE, -ENOMEM. */
int raw_read_public(const void *parent, struct rv_bytes octets, struct rv_bytes *spki);
int raw_read_private(struct rv_vault *vault, struct raw_private *key, struct rv_bytes octets,
		     const struct rv_secret *passphrase);

/* The octets behind 0x or 0s as a child of parent. False when text is no such. */
bool raw_read_inline(const void *parent, const char *text, struct rv_bytes *octets);

/* sign.c: as struct rv_pki_ops, by the private key der. */
int raw_sign(struct rv_host *host, const struct rv_secret *der, const char *scheme, const struct rv_bytes *parts,
	     size_t n_parts, uint8_t *out, size_t cap, size_t *len, struct rv_call *call);

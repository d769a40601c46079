// SPDX-License-Identifier: LGPL-2.1-or-later
/* pki-raw: raw public keys of the configuration (RFC 7670, 4: an out-of-band configuration), and private keys in files.
 *
 * A key in remote { pubkeys } is the peer's because the configuration says so, whatever identity the round asks for.
 */
#include "pki-raw.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <ravelin/error.h>
#include <ravelin/event.h>
#include <string.h>

/* The plugin's own, at host->self. store: NULL until the first use or load of a configuration. */
struct raw {
	struct raw_store *store;
};

static struct raw_store *store_of(struct rv_host *host)
{
	struct raw *raw = host->self;

	if (!raw->store)
		raw->store = raw_store_new(host);
	return raw->store;
}

static int own(void *self, const struct rv_pki_request *request, rv_pki_key_fn *found, void *arg)
{
	struct raw_store *store = store_of(self);
	const char *item = rv_conf_list(request->round->conf, "pubkeys")[0];
	struct rv_pki_key key = { .origin = item };
	void *scratch;
	int r;

	if (!item)
		return rv_why_set(request->why, -RV_ENO_SECRET,
				  "%s: local has no pubkeys: name the file of our public key there",
				  rv_conf_where(request->round->conf, NULL));
	scratch = talloc_new(NULL);
	if (!store || !scratch) {
		talloc_free(scratch);
		return -ENOMEM;
	}
	r = raw_store_public(store, scratch, request->round->conf, item, &key.spki, request->why);
	if (!r && !raw_store_private(store, key.spki))
		r = rv_why_set(
			request->why, -RV_ENO_SECRET,
			"no private key is loaded for our public key %.60s: name its file in secrets { private-NAME "
			"{ file = ... } }; a file that could not be read is in the log (private-key-unusable)",
			item);
	if (!r)
		found(arg, &key);
	talloc_free(scratch);
	return r;
}

static int sign(void *self, struct rv_bytes spki, const char *scheme, const struct rv_bytes *parts, size_t n_parts,
		uint8_t *out, size_t cap, size_t *len, struct rv_call *call)
{
	struct raw_store *store = store_of(self);
	const struct raw_private *key = store ? raw_store_private(store, spki) : NULL;

	if (!key)
		return store ? -RV_ENO_SECRET : -ENOMEM;
	return raw_sign(self, key->der, scheme, parts, n_parts, out, cap, len, call);
}

static int trusted(void *self, const struct rv_pki_request *request, rv_pki_key_fn *found, void *arg,
		   struct rv_call *call)
{
	struct raw_store *store = store_of(self);
	void *scratch = talloc_new(NULL);
	unsigned n = 0;
	int r = 0;

	if (!store || !scratch) {
		talloc_free(scratch);
		return -ENOMEM;
	}
	for (const char *const *item = rv_conf_list(request->round->conf, "pubkeys"); *item; item++) {
		struct rv_why why = { 0 };
		struct rv_pki_key key = { .origin = *item };
		int code = raw_store_public(store, scratch, request->round->conf, *item, &key.spki, &why);

		r = code ? rv_why_set(request->why, code, "%s", why.text) : r;
		if (code)
			continue;
		n++;
		found(arg, &key);
	}
	talloc_free(scratch);
	if (n && request->why)
		*request->why = (struct rv_why){ 0 };
	return n ? 0 : r;
}

static void on_event(void *self, const struct rv_event *event)
{
	struct rv_host *host = self;
	struct raw *raw = host->self;

	if (strcmp(event->name, "reloaded") != 0)
		return;
	TALLOC_FREE(raw->store);
	if (!store_of(host))
		rv_log(&host->subject, RV_ERROR, "no-keys", KV_STR("why", rv_error_text(-ENOMEM)));
}

static const struct rv_pki_ops ops = { .size = sizeof(ops), .own = own, .sign = sign, .trusted = trusted };
static const struct rv_watch_ops watch = { .size = sizeof(watch), .event = on_event };

static int init(struct rv_host *host)
{
	static const char *const syscalls[] = { "getrandom", NULL };
	int r;

	if (gnutls_global_init() < 0)
		return -RV_EFAILED;
	rv_host_needs_syscalls(host, syscalls);
	host->self = talloc_zero(host, struct raw);
	if (!host->self)
		return -ENOMEM;
	r = rv_watch_offer(host, (struct rv_offer){ .name = "pki-raw" }, &watch, host);
	return r ? r : rv_pki_offer(host, (struct rv_offer){ .name = "raw" }, &ops, host);
}

#define SCHEMA                                                                                                         \
	"connections.*.local*.pubkeys|list|-||Our raw public key (RFC 7670): a file, or 0x and hexadecimal digits, "   \
	"or 0s "                                                                                                       \
	"and base64; only the first is used.\n"                                                                        \
	"connections.*.remote*.pubkeys|list|-||The peer's raw public keys (RFC 7670), any of which proves it: files, " \
	"or "                                                                                                          \
	"0x and hexadecimal digits, or 0s and base64.\n"                                                               \
	"secrets.private*.file|string|-||File of a private key, in the folder private; secret is its passphrase.\n"    \
	"secrets.rsa*.file|string|-||File of a private key, in the folder rsa; secret is its passphrase.\n"            \
	"secrets.ecdsa*.file|string|-||File of a private key, in the folder ecdsa; secret is its passphrase.\n"        \
	"secrets.pkcs8*.file|string|-||File of a private key, in the folder pkcs8; secret is its passphrase.\n"

RV_PLUGIN(pki_raw, "pki-raw",
	  "version=1\0"
	  "summary=Raw public keys and private keys in files\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=pki:raw watch:pki-raw\0"
	  "rfc=7670\0"
	  "resident=yes\0"
	  "schema=" SCHEMA "\0",
	  .init = init, .fini = gnutls_global_deinit);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-spki: whatever somebody may call a public key. What is taken must be what OpenSSL's own reader takes, too, and
 * the same key. */
#include "ops.h"
#include "parts.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

extern const struct rv_plugin rv_plugin_crypto_openssl;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The plugin on a bare core, once. */
static const struct openssl *plugin(void)
{
	static struct rv_host *host; /* of the fuzzer, for the life of the process */
	struct rv_core *core;

	if (host)
		return host->self;
	core = talloc_zero(NULL, struct rv_core);
	core->params.no_measure = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->registry = rv_registry_new(core, core);
	host = rv_host_new(core, "crypto-openssl");
	if (rv_plugin_crypto_openssl.init(host))
		abort();
	return host->self;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned all = OPENSSL_RSA | OPENSSL_RSA_PSS | OPENSSL_EC | OPENSSL_ED25519 | OPENSSL_ED448;
	EVP_PKEY *key = openssl_public_key(plugin(), rv_bytes(data, size), all);
	const uint8_t *at = data;
	EVP_PKEY *same = key ? d2i_PUBKEY(NULL, &at, (long)size) : NULL;

	if (key && (!same || at != data + size || EVP_PKEY_eq(key, same) != 1))
		abort();
	EVP_PKEY_free(same);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return 0;
}

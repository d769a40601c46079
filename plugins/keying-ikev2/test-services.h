// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-services.h: a core with only what computes: registry, vault, the words of proposals and crypto-gnutls.
 */
#pragma once

#include "parts.h"

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_proposal_words;

/* Ended by test_core_end(). */
static inline struct rv_core *test_core(void)
{
	struct rv_core *core = talloc_zero(NULL, struct rv_core);
	struct rv_why why = { 0 };

	assert_non_null(core);
	core->params.no_measure = true;
	core->params.no_self_test = true;
	core->log = rv_log_new(core, RV_ERROR, NULL, NULL);
	core->vault = rv_vault_new(core);
	core->registry = rv_registry_new(core, core);
	core->plugins = rv_plugins_new(core, core);
	assert_true(core->vault && core->registry && core->plugins);
	if (rv_plugins_load_static(core->plugins, "crypto-gnutls", &rv_plugin_crypto_gnutls, &why) ||
	    rv_plugins_load_static(core->plugins, "proposal-words", &rv_plugin_proposal_words, &why))
		fail_msg("%s", why.text);
	return core;
}

static inline void test_core_end(struct rv_core *core)
{
	talloc_free(core->plugins);
	talloc_free(core);
}

/* The service that must be there. */
static inline struct rv_service *test_service(struct rv_core *core, const char *kind, const char *name)
{
	struct rv_service *service = rv_registry_find(core->registry, kind, name);

	if (!service)
		fail_msg("no %s %s", kind, name);
	return service;
}

static inline void test_assert_hex(const char *what, struct rv_bytes got, const char *want)
{
	uint8_t buf[4096];
	size_t len = test_hex(want, buf, sizeof(buf));

	if (!rv_bytes_equal(got, rv_bytes(buf, len)))
		fail_msg("%s: %zu octets differ from %s", what, got.len, want);
}

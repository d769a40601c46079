// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-auth-null: proofs of RFC 7619 against values that vectors.py computes, and which configurations are refused.
 */
#include "test.h"

#include "core.h"
#include "parts.h"

#include <errno.h>
#include <ravelin/auth.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle, rv_plugin_auth_null,
	rv_plugin_proposal_words;

struct fixture {
	struct rv_core *core;
	struct rv_service *service;
	const struct rv_auth_ops *auth;
	void *self;
	struct rv_id *nobody, *west;
	struct rv_connection connection;
	struct rv_why why;
	const char *advice;
	uint8_t method, key[32];
};

static int setup(void **state)
{
	static const struct rv_core_params params = { .no_measure = true, .log_level = RV_ERROR };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->core = rv_core_new(NULL, &params, &f->why);
	if (!f->core || rv_plugins_load_static(f->core->plugins, "crypto-gnutls", &rv_plugin_crypto_gnutls, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "crypto-nettle", &rv_plugin_crypto_nettle, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "proposal-words", &rv_plugin_proposal_words, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "auth-null", &rv_plugin_auth_null, &f->why))
		fail_msg("%s", f->why.text);
	f->service = rv_registry_find_attr(f->core->registry, "auth", "auth-method", 13);
	assert_non_null(f->service);
	f->auth = rv_service_ops(f->service);
	f->self = rv_service_self(f->service);
	f->nobody = rv_id_from_wire(f->core, RV_ID_NULL, rv_bytes(NULL, 0));
	f->west = rv_id_parse(f->core, "west.example", NULL);
	f->connection.name = "open";
	for (uint8_t i = 0; i < sizeof(f->key); i++)
		f->key[i] = (uint8_t)(i + 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	talloc_free(f->core);
	free(f);
	return 0;
}

static struct rv_auth_request request(struct fixture *f, const char *prf)
{
	f->why = (struct rv_why){ 0 };
	return (struct rv_auth_request){
		.connection = &f->connection,
		.local_id = f->west,
		.remote_id = f->nobody,
		.prf = rv_registry_find(f->core->registry, "prf", prf),
		.octets = { RV_STR("first part, "), RV_STR("second part, "), RV_STR("third part") },
		.why = &f->why,
		.key = rv_bytes(f->key, sizeof(f->key)),
		.method = &f->method,
		.advice = &f->advice,
	};
}

static const struct {
	const char *prf, *proof;
} rows[] = {
	{ "hmac-sha1", "91b2853ae21f9ef2668669648849c65f5515b84c" },
	{ "hmac-sha256", "f6c229ac0fdcda7e9d9db7689cbfeeb4030046a7fc8a96b426428605fedea2f7" },
	{ "hmac-sha384", "195f2cbc7e824ed468d2970da3727163fcf01d80c792cb59c7e8b7b2359b0180"
			 "b7b78b30e4073df09925651ca6e7ecb0" },
	{ "hmac-sha512", "0d28953ef5f7f9a5eb7c865c0e335360b2caa857a7b6764e3931383e84ee8b0e"
			 "02894a08b0c811e31f4ea53c45d09e97c6ec39bcb141dd3332d3fe097bb98303" },
};

static void a_proof_is_that_of_the_rfc_for_every_prf(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_auth_request r = request(f, rows[i].prf);
		uint8_t wanted[64], proof[64];
		size_t len = 0, n = test_hex(rows[i].proof, wanted, sizeof(wanted));
		assert_int_equal(f->auth->sign(f->self, &r, proof, 64, &len, NULL), 0);
		assert_int_equal(len, n);
		assert_memory_equal(proof, wanted, n);
		assert_int_equal(f->auth->verify(f->self, &r, 13, rv_bytes(wanted, n), NULL), 0);
		len = 99;
		assert_int_equal(f->auth->sign(f->self, &r, proof, n - 1, &len, NULL), -ENOSPC);
		assert_int_equal(len, 99);
	}
}

static void a_changed_proof_key_or_message_is_refused(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request r = request(f, "hmac-sha256");
	uint8_t proof[33] = { 0 };
	size_t len;

	assert_int_equal(f->auth->sign(f->self, &r, proof, 32, &len, NULL), 0);
	for (size_t i = 0; i < 32; i++) {
		proof[i] ^= 1;
		assert_int_equal(f->auth->verify(f->self, &r, 13, rv_bytes(proof, 32), NULL), -RV_EAUTH_FAILED);
		proof[i] ^= 1;
	}
	for (size_t n = 31; n <= 33; n++)
		assert_int_equal(f->auth->verify(f->self, &r, 13, rv_bytes(proof, n), NULL),
				 n == 32 ? 0 : -RV_EAUTH_FAILED);
	f->key[5] ^= 1;
	assert_int_equal(f->auth->verify(f->self, &r, 13, rv_bytes(proof, 32), NULL), -RV_EAUTH_FAILED);
	f->key[5] ^= 1;
	r.octets[0] = RV_STR("First part, ");
	assert_int_equal(f->auth->verify(f->self, &r, 13, rv_bytes(proof, 32), NULL), -RV_EAUTH_FAILED);
}

static void another_method_is_refused_by_its_number(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request r = request(f, "hmac-sha256");
	uint8_t proof[32];
	size_t len;

	assert_int_equal(f->auth->sign(f->self, &r, proof, 32, &len, NULL), 0);
	for (unsigned method = 0; method < 256; method++)
		assert_int_equal(f->auth->verify(f->self, &r, (uint8_t)method, rv_bytes(proof, 32), NULL),
				 method == 13 ? 0 : -RV_EAUTH_FAILED);
	f->why = (struct rv_why){ 0 };
	assert_int_equal(f->auth->verify(f->self, &r, 2, rv_bytes(proof, 32), NULL), -RV_EAUTH_FAILED);
	assert_non_null(strstr(f->why.text, "method 2"));
}

static void without_a_key_nothing_is_proved(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request r = request(f, "hmac-sha256");
	uint8_t proof[32];
	size_t len = 7;

	r.key = rv_bytes(NULL, 0);
	assert_int_equal(f->auth->sign(f->self, &r, proof, 32, &len, NULL), -RV_EFAILED);
	assert_int_equal(f->auth->verify(f->self, &r, 13, rv_bytes(proof, 32), NULL), -RV_EFAILED);
	assert_int_equal(len, 7);
}

static void it_says_that_it_proves_nobody(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rv_service_attr(f->service, "anonymous", 0), 1);
	assert_int_equal(rv_service_attr(f->service, "id-type", 0), 13);
}

/* What a remote section and a child may say; refused: a word of the reason. */
static const struct {
	const char *remote, *child, *refused;
} sections[] = {
	{ "", "", NULL },
	{ "id = %any", "remote_ts = dynamic", NULL },
	{ "id = %null", "remote_ts = dynamic[tcp/443]", NULL },
	{ "id = west.example", "", "proves no identity" },
	{ "", "remote_ts = 10.0.0.0/8", "traffic of others" },
	{ "", "remote_ts = dynamic, 192.0.2.1", "traffic of others" },
	{ "wide_ts = yes", "remote_ts = 10.0.0.0/8", NULL },
};

static void a_configuration_gives_strangers_nothing_by_accident(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(sections); i++) {
		char *text = talloc_asprintf(f->core,
					     "connections { open { remote_addrs = 192.0.2.1\n local { auth = null }\n"
					     "remote { auth = null\n %s }\n children { net { %s } } } }\n",
					     sections[i].remote, sections[i].child);

		f->why = (struct rv_why){ 0 };
		if (rv_core_load_text(f->core, "test", text, &f->why))
			fail_msg("%s", f->why.text);
		const struct rv_connection *c = rv_connection_find(f->core, "open");
		struct rv_service *service = rv_auth_find(f->core, &c->remote[0]);
		assert_ptr_equal(service, f->service);
		assert_int_equal(f->auth->check(f->self, c, &c->local[0], true, &f->why), 0);
		int r = f->auth->check(f->self, c, &c->remote[0], false, &f->why);
		assert_int_equal(r, sections[i].refused ? -RV_ECONFIG : 0);
		if (sections[i].refused && !strstr(f->why.text, sections[i].refused))
			fail_msg("\"%s\" does not say \"%s\"", f->why.text, sections[i].refused);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proof_is_that_of_the_rfc_for_every_prf),
		cmocka_unit_test(a_changed_proof_key_or_message_is_refused),
		cmocka_unit_test(another_method_is_refused_by_its_number),
		cmocka_unit_test(without_a_key_nothing_is_proved),
		cmocka_unit_test(it_says_that_it_proves_nobody),
		cmocka_unit_test(a_configuration_gives_strangers_nothing_by_accident),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

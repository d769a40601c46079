// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-auth-psk: proofs against values computed with Python's hmac, and what a failure says. */
#include "test.h"

#include "core.h"
#include "parts.h"

#include <errno.h>
#include <ravelin/auth.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_auth_psk;

static const char config[] = "secrets {\n"
			     "  ike-pair {\n"
			     "    id-1 = west.example\n"
			     "    id-2 = east.example\n"
			     "    secret = 0sMDEyMzQ1Njc4OWFiY2RlZg==\n"
			     "  }\n"
			     "  ike-other {\n"
			     "    id-1 = west.example\n"
			     "    id-2 = south.example\n"
			     "    secret = correct horse\n"
			     "  }\n"
			     "  eap-north {\n"
			     "    id-1 = north.example\n"
			     "    secret = of another kind\n"
			     "  }\n"
			     "}\n";

struct fixture {
	struct rv_core *core;
	const struct rv_auth_ops *auth;
	void *self;
	struct rv_id *west, *east, *south, *north;
	struct rv_why why;
	const char *advice;
};

static int setup(void **state)
{
	static const struct rv_core_params params = { .no_measure = true, .log_level = RV_ERROR };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->core = rv_core_new(NULL, &params, &f->why);
	if (!f->core || rv_plugins_load_static(f->core->plugins, "crypto-gnutls", &rv_plugin_crypto_gnutls, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "auth-psk", &rv_plugin_auth_psk, &f->why) ||
	    rv_core_load_text(f->core, "test", config, &f->why))
		fail_msg("%s", f->why.text);
	struct rv_service *service = rv_registry_find_attr(f->core->registry, "auth", "auth-method", 2);
	assert_non_null(service);
	assert_string_equal(rv_service_name(service), "psk");
	f->auth = rv_service_ops(service);
	f->self = rv_service_self(service);
	f->west = rv_id_parse(f->core, "west.example", NULL);
	f->east = rv_id_parse(f->core, "east.example", NULL);
	f->south = rv_id_parse(f->core, "south.example", NULL);
	f->north = rv_id_parse(f->core, "north.example", NULL);
	assert_true(f->west && f->east && f->south && f->north);
	f->why = (struct rv_why){ 0 };
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

static struct rv_auth_request request(struct fixture *f, const char *prf, const struct rv_id *ours,
				      const struct rv_id *their)
{
	return (struct rv_auth_request){
		.local_id = ours,
		.remote_id = their,
		.prf = rv_registry_find(f->core->registry, "prf", prf),
		.octets = { RV_STR("first part, "), RV_STR("second part, "), RV_STR("third part") },
		.why = &f->why,
		.advice = &f->advice,
	};
}

static const struct {
	const char *prf, *proof;
} rows[] = {
	{ "hmac-sha1", "6bcb70d089fda3ad6a7e7ba8b16335358645ec66" },
	{ "hmac-sha256", "8fada820abe2981edfc03c41b5af972a40b1ca335e3818785dc7069ab0eb5973" },
	{ "hmac-sha384", "31a0ceef6a97b72bdb97c168caa143ac387c915d6c9f4650b06738839d188f4f"
			 "2391141946fefe3599393fd454d411a4" },
	{ "hmac-sha512", "3a2acc86dc33fe36a93bee9f8c63003895999be5d6b6559a802ca70fe76174a8"
			 "508d2d42ed5be1d066f9a7a153a964b61d8eaf1c01cc196c96e05ac6e90ea9ac" },
};

static void a_proof_is_that_of_the_rfc_for_every_prf(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_auth_request r = request(f, rows[i].prf, f->west, f->east);
		uint8_t wanted[64], proof[65];
		size_t len = 0, n = test_hex(rows[i].proof, wanted, sizeof(wanted));
		memset(proof, 0xee, sizeof(proof));
		assert_int_equal(f->auth->sign(f->self, &r, proof, 64, &len, NULL), 0);
		assert_int_equal(len, n);
		assert_memory_equal(proof, wanted, n);
		assert_int_equal(proof[n], 0xee);
		struct rv_auth_request mirrored = request(f, rows[i].prf, f->east, f->west);
		assert_int_equal(f->auth->verify(f->self, &mirrored, 2, rv_bytes(wanted, n), NULL), 0);
	}
}

static void a_buffer_that_is_too_small_is_not_written(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request r = request(f, "hmac-sha256", f->west, f->east);
	uint8_t proof[33] = { 0 };

	for (size_t cap = 31; cap <= 33; cap++) {
		size_t len = 99;
		int result = f->auth->sign(f->self, &r, proof, cap, &len, NULL);
		assert_int_equal(result, cap < 32 ? -ENOSPC : 0);
		assert_int_equal(len, cap < 32 ? 99 : 32);
		assert_int_equal(proof[0] != 0, cap >= 32);
	}
}

/* Whatever is said, it is no secret and no proof. */
static void says(struct fixture *f, int code, const char *const *words)
{
	assert_int_equal(f->why.code, code);
	for (; *words; words++) {
		if (!strstr(f->why.text, *words))
			fail_msg("\"%s\" does not say \"%s\"", f->why.text, *words);
	}
	assert_null(strstr(f->why.text, "0123456789abcdef"));
	assert_null(strstr(f->why.text, "MDEy"));
	assert_null(strstr(f->why.text, "horse"));
	f->why = (struct rv_why){ 0 };
}

static void a_wrong_proof_fails_and_says_that_the_secrets_differ(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request r = request(f, "hmac-sha256", f->west, f->east);
	uint8_t proof[33] = { 0 };
	size_t len;

	assert_int_equal(f->auth->sign(f->self, &r, proof, 32, &len, NULL), 0);
	for (size_t i = 0; i < 32; i++) {
		proof[i] ^= 1;
		assert_int_equal(f->auth->verify(f->self, &r, 2, rv_bytes(proof, 32), NULL), -RV_EAUTH_FAILED);
		says(f, -RV_EAUTH_FAILED, (const char *const[]){ "west.example", "east.example", "secret", NULL });
		assert_non_null(strstr(f->advice, "secrets"));
		proof[i] ^= 1;
	}
	for (size_t n = 31; n <= 33; n++)
		assert_int_equal(f->auth->verify(f->self, &r, 2, rv_bytes(proof, n), NULL),
				 n == 32 ? 0 : -RV_EAUTH_FAILED);
	f->why = (struct rv_why){ 0 };
	assert_int_equal(f->auth->verify(f->self, &r, 2, rv_bytes(NULL, 0), NULL), -RV_EAUTH_FAILED);
	r.octets[2] = RV_STR("third Part");
	assert_int_equal(f->auth->verify(f->self, &r, 2, rv_bytes(proof, 32), NULL), -RV_EAUTH_FAILED);
}

static void each_pair_of_identities_has_its_own_secret(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request east = request(f, "hmac-sha256", f->west, f->east);
	struct rv_auth_request south = request(f, "hmac-sha256", f->west, f->south);
	uint8_t a[32], b[32];
	size_t len;

	assert_int_equal(f->auth->sign(f->self, &east, a, 32, &len, NULL), 0);
	assert_int_equal(f->auth->sign(f->self, &south, b, 32, &len, NULL), 0);
	assert_memory_not_equal(a, b, 32);
	assert_int_equal(f->auth->verify(f->self, &south, 2, rv_bytes(a, 32), NULL), -RV_EAUTH_FAILED);
}

static void without_a_secret_the_identities_that_were_searched_are_named(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request r = request(f, "hmac-sha256", f->north, f->east);
	uint8_t proof[64];
	size_t len = 7;

	r.local_id = f->south;
	r.remote_id = f->north;
	assert_int_equal(f->auth->sign(f->self, &r, proof, sizeof(proof), &len, NULL), -RV_ENO_SECRET);
	assert_int_equal(len, 7);
	says(f, -RV_ENO_SECRET, (const char *const[]){ "south.example", "north.example", "secrets", NULL });
	assert_int_equal(f->auth->verify(f->self, &r, 2, rv_bytes(proof, 32), NULL), -RV_ENO_SECRET);
	says(f, -RV_ENO_SECRET, (const char *const[]){ "south.example", "north.example", "secrets", NULL });
}

static void another_method_is_refused_by_its_number(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request r = request(f, "hmac-sha256", f->west, f->east);
	uint8_t proof[32];
	size_t len;

	assert_int_equal(f->auth->sign(f->self, &r, proof, sizeof(proof), &len, NULL), 0);
	for (unsigned method = 0; method < 256; method++) {
		int wanted = method == 2 ? 0 : -RV_EAUTH_FAILED;
		f->why = (struct rv_why){ 0 };
		assert_int_equal(f->auth->verify(f->self, &r, (uint8_t)method, rv_bytes(proof, 32), NULL), wanted);
	}
	f->why = (struct rv_why){ 0 };
	assert_int_equal(f->auth->verify(f->self, &r, 14, rv_bytes(proof, 32), NULL), -RV_EAUTH_FAILED);
	says(f, -RV_EAUTH_FAILED, (const char *const[]){ "method 14", "east.example", NULL });
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proof_is_that_of_the_rfc_for_every_prf),
		cmocka_unit_test(a_buffer_that_is_too_small_is_not_written),
		cmocka_unit_test(a_wrong_proof_fails_and_says_that_the_secrets_differ),
		cmocka_unit_test(each_pair_of_identities_has_its_own_secret),
		cmocka_unit_test(without_a_secret_the_identities_that_were_searched_are_named),
		cmocka_unit_test(another_method_is_refused_by_its_number),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

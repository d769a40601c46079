// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-auth-pubkey: proofs through the service, with keys from files: every kind of key, what is changed on the way,
 * and what a failure says. There is no IKE SA here, so the peers have only the methods before RFC 7427 to sign with;
 * digital signatures between two daemons are in tests/system/test_pubkey.py.
 */
#include "test.h"

#include "core.h"
#include "parts.h"

#include "policy.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <ravelin/auth.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle, rv_plugin_proposal_words,
	rv_plugin_pki_raw, rv_plugin_auth_pubkey;

struct fixture {
	struct rv_core *core;
	char dir[64];
	const struct rv_auth_ops *auth;
	void *self;
	struct rv_id *west, *east;
	struct rv_why why;
	const char *advice;
	uint8_t method;
	int result;
	bool done;
	struct rv_call call;
};

static void write_file(const struct fixture *f, const char *name, const gnutls_datum_t *octets, mode_t mode)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(octets->data, 1, octets->size, file), octets->size);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

/* NAME.pem and NAME.pub in the folder; locked: encrypted with the passphrase "open sesame". */
static void make_key(const struct fixture *f, const char *name, gnutls_pk_algorithm_t kind, unsigned bits, bool locked)
{
	gnutls_x509_privkey_t key;
	gnutls_privkey_t private;
	gnutls_pubkey_t public;
	gnutls_datum_t out;
	char file[64];

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_generate(key, kind, bits, 0), 0);
	assert_int_equal(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, locked ? "open sesame" : NULL,
							   locked ? GNUTLS_PKCS_PBES2_AES_256 : GNUTLS_PKCS_PLAIN,
							   &out),
			 0);
	snprintf(file, sizeof(file), "%s.pem", name);
	write_file(f, file, &out, 0600);
	gnutls_free(out.data);
	assert_int_equal(gnutls_privkey_init(&private), 0);
	assert_int_equal(gnutls_privkey_import_x509(private, key, 0), 0);
	assert_int_equal(gnutls_pubkey_init(&public), 0);
	assert_int_equal(gnutls_pubkey_import_privkey(public, private, 0, 0), 0);
	assert_int_equal(gnutls_pubkey_export2(public, GNUTLS_X509_FMT_PEM, &out), 0);
	snprintf(file, sizeof(file), "%s.pub", name);
	write_file(f, file, &out, 0644);
	gnutls_free(out.data);
	gnutls_pubkey_deinit(public);
	gnutls_privkey_deinit(private);
	gnutls_x509_privkey_deinit(key);
}

static const struct {
	const char *name;
	gnutls_pk_algorithm_t kind;
	unsigned bits;
} kinds[] = {
	{ "rsa", GNUTLS_PK_RSA, 2048 },
	{ "weak", GNUTLS_PK_RSA, 1024 },
	{ "p256", GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) },
	{ "p384", GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1) },
	{ "p521", GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1) },
	{ "ed", GNUTLS_PK_EDDSA_ED25519, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519) },
};

/* Connections rsa, weak ...: each with its own key on both sides; and some with something wrong. */
static char *configuration(const struct fixture *f)
{
	char *text = talloc_asprintf(
		f->core, "secrets {\n private-locked {\n file = %s/locked.pem\n secret = open sesame\n }\n", f->dir);
	static const char *const others[][3] = {
		{ "locked", "locked", "locked.pub" }, { "stranger", "rsa", "" },
		{ "swapped", "p256", "p384.pub" },    { "many", "p256", "p384.pub, p256.pub" },
		{ "gone", "gone", "p256.pub" },	      { "unowned", "alien", "p256.pub" },
	};

	for (size_t i = 0; i < RV_COUNT(kinds); i++)
		text = talloc_asprintf_append(text, " private-%zu {\n file = %s/%s.pem\n }\n", i, f->dir,
					      kinds[i].name);
	text = talloc_asprintf_append(
		text, "}\nravelin {\n plugins {\n auth-pubkey {\n sha1 = no\n }\n }\n }\nconnections {\n");
	for (size_t i = 0; i < RV_COUNT(kinds) + RV_COUNT(others); i++) {
		bool plain = i < RV_COUNT(kinds);
		const char *name = plain ? kinds[i].name : others[i - RV_COUNT(kinds)][0];
		const char *own = plain ? name : others[i - RV_COUNT(kinds)][1];
		char *peer = plain ? talloc_asprintf(text, "%s.pub", name)
				   : talloc_strdup(text, others[i - RV_COUNT(kinds)][2]);

		text = talloc_asprintf_append(
			text,
			" %s {\n remote_addrs = 192.0.2.1\n local {\n auth = pubkey\n pubkeys = %s/%s.pub\n }\n"
			" remote {\n auth = pubkey\n",
			name, f->dir, own);
		for (char *at = peer; *at; at += strcspn(at, ",") + (strchr(at, ',') ? 2 : 0)) {
			text = talloc_asprintf_append(text, "%s%s/%.*s", at == peer ? " pubkeys = " : ", ", f->dir,
						      (int)strcspn(at, ","), at);
		}
		text = talloc_asprintf_append(text, "\n }\n }\n");
	}
	return talloc_asprintf_append(text, "}\n");
}

static int setup(void **state)
{
	static const struct rv_core_params params = { .no_measure = true, .log_level = RV_ERROR };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/test-auth-pubkey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	for (size_t i = 0; i < RV_COUNT(kinds); i++)
		make_key(f, kinds[i].name, kinds[i].kind, kinds[i].bits, false);
	make_key(f, "locked", GNUTLS_PK_RSA, 2048, true);
	make_key(f, "alien", GNUTLS_PK_RSA, 2048, false);
	f->core = rv_core_new(NULL, &params, &f->why);
	if (!f->core || rv_plugins_load_static(f->core->plugins, "crypto-gnutls", &rv_plugin_crypto_gnutls, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "crypto-nettle", &rv_plugin_crypto_nettle, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "proposal-words", &rv_plugin_proposal_words, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "pki-raw", &rv_plugin_pki_raw, &f->why) ||
	    rv_plugins_load_static(f->core->plugins, "auth-pubkey", &rv_plugin_auth_pubkey, &f->why) ||
	    rv_core_load_text(f->core, "test", configuration(f), &f->why))
		fail_msg("%s", f->why.text);
	struct rv_service *service = rv_registry_find_attr(f->core->registry, "auth", "auth-method", 14);
	assert_non_null(service);
	assert_string_equal(rv_service_name(service), "pubkey");
	f->auth = rv_service_ops(service);
	f->self = rv_service_self(service);
	f->west = rv_id_parse(f->core, "west.example", NULL);
	f->east = rv_id_parse(f->core, "east.example", NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[96];

	talloc_free(f->core);
	for (size_t i = 0; i < RV_COUNT(kinds) + 2; i++) {
		const char *name = i < RV_COUNT(kinds) ? kinds[i].name : i == RV_COUNT(kinds) ? "locked" : "alien";
		for (int public = 0; public < 2; public ++) {
			snprintf(command, sizeof(command), "%s/%s.%s", f->dir, name, public ? "pub" : "pem");
			assert_int_equal(unlink(command), 0);
		}
	}
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static struct rv_auth_request request(struct fixture *f, const char *name, bool local)
{
	const struct rv_connection *c = rv_connection_find(f->core, name);

	assert_non_null(c);
	f->why = (struct rv_why){ 0 };
	return (struct rv_auth_request){
		.connection = c,
		.round = local ? &c->local[0] : &c->remote[0],
		.local_id = f->west,
		.remote_id = f->east,
		.octets = { RV_STR("first part, "), RV_STR("second part, "), RV_STR("third part") },
		.why = &f->why,
		.method = &f->method,
		.advice = &f->advice,
	};
}

static void finished(struct rv_call *call, int result)
{
	struct fixture *f = rv_container_of(call, struct fixture, call);

	f->result = result;
	f->done = true;
}

/* The answer of a verb that may pend. */
static int await(struct fixture *f, int result)
{
	if (result != RV_PENDING)
		return result;
	while (!f->done)
		rv_loop_turn(f->core->loop, 100000);
	return f->result;
}

static int sign(struct fixture *f, const struct rv_auth_request *r, uint8_t *out, size_t cap, size_t *len)
{
	f->done = false;
	rv_call_init(&f->call, finished);
	return await(f, f->auth->sign(f->self, r, out, cap, len, &f->call));
}

static int verify(struct fixture *f, const struct rv_auth_request *r, uint8_t method, struct rv_bytes proof)
{
	f->done = false;
	f->why = (struct rv_why){ 0 };
	rv_call_init(&f->call, finished);
	return await(f, f->auth->verify(f->self, r, method, proof, &f->call));
}

static void says(struct fixture *f, const char *word)
{
	if (!strstr(f->why.text, word))
		fail_msg("\"%s\" does not say \"%s\"", f->why.text, word);
}

static const struct {
	const char *name;
	uint8_t method;
	size_t len;
} methods[] = {
	{ "rsa", 1, 256 }, { "locked", 1, 256 }, { "p256", 9, 64 }, { "p384", 10, 96 }, { "p521", 11, 132 },
};

static void each_kind_of_key_proves_and_is_proved(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < RV_COUNT(methods); i++) {
		struct rv_auth_request ours = request(f, methods[i].name, true);
		struct rv_auth_request theirs = request(f, methods[i].name, false);
		uint8_t proof[1280];
		size_t len = 0;

		if (sign(f, &ours, proof, sizeof(proof), &len))
			fail_msg("%s: %s", methods[i].name, f->why.text);
		assert_int_equal(f->method, methods[i].method);
		assert_int_equal(len, methods[i].len);
		if (verify(f, &theirs, f->method, rv_bytes(proof, len)))
			fail_msg("%s: %s", methods[i].name, f->why.text);
		proof[len - 1] ^= 1;
		assert_int_equal(verify(f, &theirs, f->method, rv_bytes(proof, len)), -RV_EAUTH_FAILED);
		says(f, "does not hold");
		proof[len - 1] ^= 1;
		assert_int_equal(verify(f, &theirs, f->method, rv_bytes(proof, len - 1)), -RV_EAUTH_FAILED);
		theirs.octets[1] = RV_STR("Second part, ");
		assert_int_equal(verify(f, &theirs, f->method, rv_bytes(proof, len)), -RV_EAUTH_FAILED);
	}
}

static void every_octet_of_a_proof_counts(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request ours = request(f, "p256", true), theirs = request(f, "p256", false);
	uint8_t proof[64];
	size_t len;

	assert_int_equal(sign(f, &ours, proof, sizeof(proof), &len), 0);
	for (size_t i = 0; i < len; i++) {
		proof[i] ^= 0x10;
		assert_int_equal(verify(f, &theirs, 9, rv_bytes(proof, len)), -RV_EAUTH_FAILED);
		proof[i] ^= 0x10;
	}
	for (unsigned method = 0; method < 256; method++)
		assert_int_equal(verify(f, &theirs, (uint8_t)method, rv_bytes(proof, len)),
				 method == 9 ? 0 : -RV_EAUTH_FAILED);
}

static void one_of_several_keys_is_enough(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request ours = request(f, "many", true), theirs = request(f, "many", false);
	uint8_t proof[64];
	size_t len;

	assert_int_equal(sign(f, &ours, proof, sizeof(proof), &len), 0);
	if (verify(f, &theirs, 9, rv_bytes(proof, len)))
		fail_msg("%s", f->why.text);
}

static void a_buffer_that_is_too_small_is_not_overrun(void **state)
{
	struct fixture *f = *state;

	for (size_t cap = 63; cap <= 64; cap++) {
		struct rv_auth_request ours = request(f, "p256", true);
		uint8_t proof[65] = { [63] = 0xee, [64] = 0xee };
		size_t len = 0;

		assert_int_equal(sign(f, &ours, proof, cap, &len) == 0, cap == 64);
		assert_int_equal(proof[64], 0xee);
		assert_true(cap == 64 || proof[63] == 0xee);
	}
}

static void a_failure_says_what_is_missing(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request r = request(f, "stranger", false);
	uint8_t proof[64] = { 1 };
	size_t len;

	assert_int_equal(verify(f, &r, 1, rv_bytes(proof, 64)), -RV_ENO_SECRET);
	says(f, "no public key is configured for the peer east.example");
	assert_non_null(strstr(f->advice, "pubkeys"));
	r = request(f, "swapped", false);
	assert_int_equal(verify(f, &r, 9, rv_bytes(proof, 64)), -RV_EAUTH_FAILED);
	r = request(f, "ed", false);
	proof[40] = 1;
	assert_int_equal(verify(f, &r, 9, rv_bytes(proof, 64)), -RV_EAUTH_FAILED);
	says(f, "of another kind");
	says(f, "Ed25519");
	r = request(f, "weak", false);
	assert_int_equal(verify(f, &r, 1, rv_bytes(proof, 64)), -RV_EAUTH_FAILED);
	says(f, "RSA-1024 key is too weak");
	r = request(f, "p256", false);
	assert_int_equal(verify(f, &r, 14, rv_bytes(proof, 64)), -RV_EAUTH_FAILED);
	says(f, "was not agreed on");
	r = request(f, "ed", true);
	assert_int_equal(sign(f, &r, proof, 64, &len), -RV_EAUTH_FAILED);
	says(f, "SIGNATURE_HASH_ALGORITHMS");
	r = request(f, "weak", true);
	assert_int_equal(sign(f, &r, proof, 64, &len), -RV_EFORBIDDEN);
	says(f, "at least 2048");
	r = request(f, "gone", true);
	assert_true(sign(f, &r, proof, 64, &len) < 0);
	says(f, "gone.pub cannot be read");
	r = request(f, "unowned", true);
	assert_int_equal(sign(f, &r, proof, 64, &len), -RV_ENO_SECRET);
	says(f, "no private key is loaded");
}

static void an_answer_that_nobody_wants_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct rv_auth_request ours = request(f, "rsa", true), theirs = request(f, "rsa", false);
	uint8_t proof[256] = { 1 };
	size_t len = 7;

	f->done = false;
	rv_call_init(&f->call, finished);
	assert_int_equal(f->auth->sign(f->self, &ours, proof, sizeof(proof), &len, &f->call), RV_PENDING);
	rv_call_cancel(&f->call);
	rv_call_init(&f->call, finished);
	assert_int_equal(f->auth->verify(f->self, &theirs, 1, rv_bytes(proof, 256), &f->call), RV_PENDING);
	rv_call_cancel(&f->call);
	for (int i = 0; i < 20; i++)
		rv_loop_turn(f->core->loop, 10000);
	assert_false(f->done);
	assert_int_equal(len, 7);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_key_proves_and_is_proved),
		cmocka_unit_test(every_octet_of_a_proof_counts),
		cmocka_unit_test(one_of_several_keys_is_enough),
		cmocka_unit_test(a_buffer_that_is_too_small_is_not_overrun),
		cmocka_unit_test(a_failure_says_what_is_missing),
		cmocka_unit_test(an_answer_that_nobody_wants_is_dropped),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

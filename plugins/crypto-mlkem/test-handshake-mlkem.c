// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-handshake-mlkem: two daemons agree on ML-KEM alone as key exchange of their IKE SA and of its child SAs.
 */
#include "test.h"

#include "parts.h"
#include "sim.h"

#include <ravelin/error.h>
#include <ravelin/keying.h>
#include <talloc.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle, rv_plugin_crypto_mlkem,
	rv_plugin_proposal_words, rv_plugin_auth_psk, rv_plugin_keying_ikev2;

static const struct sim_plugin plugins[] = {
	{ "crypto-gnutls", &rv_plugin_crypto_gnutls },
	{ "crypto-nettle", &rv_plugin_crypto_nettle },
	{ "crypto-mlkem", &rv_plugin_crypto_mlkem },
	{ "proposal-words", &rv_plugin_proposal_words },
	{ "auth-psk", &rv_plugin_auth_psk },
	{ "keying-ikev2", &rv_plugin_keying_ikev2 },
	{ NULL, NULL },
};

enum { IKE_SA_INIT = 34, EXCHANGE_AT = 18, FLAGS_AT = 19, RESPONSE = 0x20, HEADER = 28 };

struct pair {
	struct sim *sim;
	struct sim_host *west, *east;
	size_t init_len[2]; /* longest IKE_SA_INIT request and response */
	size_t damage_at;   /* an octet of the responses that is changed; 0: none */
};

static char *config(const void *parent, bool west, const char *ike, const char *esp)
{
	return talloc_asprintf(parent,
			       "connections { %s { version = 2\n local_addrs = 10.0.0.%d\n remote_addrs = 10.0.0.%d\n"
			       "proposals = %s\n local { auth = psk\n id = %s }\n remote { auth = psk\n id = %s }\n"
			       "children { net { local_ts = 10.%d.0.0/16\n remote_ts = 10.%d.0.0/16\n"
			       "esp_proposals = %s } } } }\n"
			       "secrets { ike-1 { id-1 = west\n id-2 = east\n secret = abc } }\n",
			       west ? "east" : "west", west ? 1 : 2, west ? 2 : 1, ike, west ? "west" : "east",
			       west ? "east" : "west", west ? 1 : 2, west ? 2 : 1, esp);
}

/* Notes how long IKE_SA_INIT is, and damages responses when asked to. */
static bool look(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct pair *p = arg;
	bool response = message[FLAGS_AT] & RESPONSE;

	if (message[EXCHANGE_AT] != IKE_SA_INIT)
		return false;
	if (*len > p->init_len[response])
		p->init_len[response] = *len;
	if (response && p->damage_at)
		message[p->damage_at] ^= 1;
	return false;
}

static struct pair *pair_new(const char *west, const char *east, const char *esp)
{
	struct pair *p = talloc_zero(NULL, struct pair);

	assert_non_null(p);
	p->sim = sim_new(203);
	p->west = sim_host(p->sim, "west", "10.0.0.1", plugins, config(p, true, west, esp));
	p->east = sim_host(p->sim, "east", "10.0.0.2", plugins, config(p, false, east, esp));
	sim_tap(p->sim, look, p);
	return p;
}

static void pair_free(struct pair *p)
{
	TALLOC_FREE(p->sim);
	talloc_free(p);
}

static bool ended(void *arg)
{
	return ((struct rv_attempt *)arg)->ended;
}

static bool carries(void *arg)
{
	struct pair *p = arg;

	return sim_packet(p->west, p->east, "10.1.0.5", "10.2.0.5") &&
	       sim_packet(p->east, p->west, "10.2.0.5", "10.1.0.5") && sim_n_sas(p->west) == 2 &&
	       sim_n_sas(p->east) == 2;
}

/* What the attempt of west ends with. */
static int up(struct pair *p)
{
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };
	int code;

	if (rv_core_up(p->west->core, "east", "net", "test", &attempt, &why))
		fail_msg("up: %s", why.text);
	assert_true(sim_until(p->sim, ended, attempt, RV_S(300)));
	code = attempt->code;
	rv_attempt_drop(attempt);
	return code;
}

static void each_parameter_set_brings_a_tunnel_up(void **state)
{
	static const struct {
		const char *word;
		size_t request, response; /* Key Exchange Data of draft-ietf-ipsecme-ikev2-mlkem, 2.1 */
	} rows[] = { { "mlkem512", 800, 768 }, { "mlkem768", 1184, 1088 }, { "mlkem1024", 1568, 1568 } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char *ike = talloc_asprintf(NULL, "aes128gcm16-prfsha256-%s", rows[i].word);
		char *esp = talloc_asprintf(ike, "aes128gcm16-%s", rows[i].word);
		struct pair *p = pair_new(ike, ike, esp);
		assert_int_equal(up(p), 0);
		assert_true(sim_until(p->sim, carries, p, RV_S(5)));
		assert_true(p->init_len[0] > HEADER + rows[i].request && p->init_len[0] < rows[i].request + 260);
		assert_true(p->init_len[1] > HEADER + rows[i].response && p->init_len[1] < rows[i].response + 260);
		pair_free(p);
		talloc_free(ike);
	}
}

/* RFC 7296, 1.2: the other group is asked for with INVALID_KE_PAYLOAD */
static void a_responder_with_ml_kem_only_gets_it(void **state)
{
	struct pair *p =
		pair_new("aes128gcm16-prfsha256-x25519-mlkem768", "aes128gcm16-prfsha256-mlkem768", "aes128gcm16");

	assert_int_equal(up(p), 0);
	assert_true(sim_until(p->sim, carries, p, RV_S(5)));
	assert_true(p->init_len[0] > 1184);
	pair_free(p);
}

/* A changed ciphertext gives the two sides different keys, and no error of its own: what comes next cannot be opened.
 */
static void a_changed_ciphertext_gives_no_ike_sa(void **state)
{
	struct pair *p = pair_new("aes128gcm16-prfsha256-mlkem768", "aes128gcm16-prfsha256-mlkem768", "aes128gcm16");

	p->damage_at = 300;
	assert_int_equal(up(p), -RV_ETIMEOUT);
	assert_true(p->init_len[1] > 1088);
	assert_int_equal(sim_n_sas(p->west) + sim_n_sas(p->east), 0);
	pair_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_parameter_set_brings_a_tunnel_up),
		cmocka_unit_test(a_responder_with_ml_kem_only_gets_it),
		cmocka_unit_test(a_changed_ciphertext_gives_no_ike_sa),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

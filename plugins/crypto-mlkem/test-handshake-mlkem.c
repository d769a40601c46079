// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-handshake-mlkem: two daemons agree on ML-KEM alone as key exchange of their IKE SA and of its child SAs.
 */
#include "pair.h"

#include <ravelin/error.h>

extern const struct rv_plugin rv_plugin_crypto_mlkem;

#define MLKEM .more = { { "crypto-mlkem", &rv_plugin_crypto_mlkem } }

enum { IKE_SA_INIT = 34, EXCHANGE_AT = 18, FLAGS_AT = 19, RESPONSE = 0x20, HEADER = 28, OTHER_PAYLOADS = 260 };

/* What passes by. */
struct seen {
	size_t init_len[2]; /* longest IKE_SA_INIT request and response */
	size_t damage_at;   /* an octet of the responses that is changed; 0: none */
};

/* Notes how long IKE_SA_INIT is, and damages responses when asked to. */
static bool look(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct seen *seen = arg;
	bool response = message[FLAGS_AT] & RESPONSE;

	if (message[EXCHANGE_AT] != IKE_SA_INIT)
		return false;
	if (*len > seen->init_len[response])
		seen->init_len[response] = *len;
	if (response && seen->damage_at)
		message[seen->damage_at] ^= 1;
	return false;
}

static void each_parameter_set_brings_a_tunnel_up(void **state)
{
	static const struct {
		const char *ike, *esp;
		size_t len[2]; /* Key Exchange Data of each direction (draft-ietf-ipsecme-ikev2-mlkem, 2.1) */
	} rows[] = {
		{ "aes128gcm16-prfsha256-mlkem512", "aes128gcm16-mlkem512", { 800, 768 } },
		{ "aes128gcm16-prfsha256-mlkem768", "aes128gcm16-mlkem768", { 1184, 1088 } },
		{ "aes128gcm16-prfsha256-mlkem1024", "aes128gcm16-mlkem1024", { 1568, 1568 } },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct side side = { .proposals = rows[i].ike, .esp = rows[i].esp, MLKEM };
		struct pair *p = pair_new(&side, &side);
		struct seen seen = { 0 };
		sim_tap(p->sim, look, &seen);
		bring_up(p);
		for (int r = 0; r < 2; r++) {
			assert_true(seen.init_len[r] > HEADER + rows[i].len[r]);
			assert_true(seen.init_len[r] < OTHER_PAYLOADS + rows[i].len[r]);
		}
		assert_int_equal(pair_rekey(p->west), 0);
		sim_run(p->sim, RV_S(1));
		assert_int_equal(pair_child_rekey(p->east), 0);
		sim_run(p->sim, RV_S(1));
		assert_true(pair_up(p));
		pair_free(p);
	}
}

/* RFC 7296, 1.2: the other group is asked for with INVALID_KE_PAYLOAD */
static void a_responder_with_ml_kem_only_gets_it(void **state)
{
	const struct side west = { .proposals = "aes128gcm16-prfsha256-x25519-mlkem768", MLKEM },
			  east = { .proposals = "aes128gcm16-prfsha256-mlkem768", MLKEM };
	struct pair *p = pair_new(&west, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "wants key exchange group 36 instead of 31");
	assert_true(pair_up(p));
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* A changed ciphertext gives the two sides different keys, and no error of its own: what comes next cannot be opened.
 */
static void a_changed_ciphertext_gives_no_ike_sa(void **state)
{
	const struct side side = { .proposals = "aes128gcm16-prfsha256-mlkem768", MLKEM };
	struct pair *p = pair_new(&side, &side);
	struct seen seen = { .damage_at = 300 };
	struct rv_attempt *attempt;

	sim_tap(p->sim, look, &seen);
	attempt = try_up(p, "net", RV_S(300));
	assert_int_equal(attempt->code, -RV_ETIMEOUT);
	assert_true(seen.init_len[1] > 1088);
	assert_true(pair_down(p));
	rv_attempt_drop(attempt);
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

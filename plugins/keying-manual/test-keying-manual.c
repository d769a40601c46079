// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-keying-manual: both SAs stand after `up` as the file says, and nothing after `down`. */
#include "test.h"

#include "parts.h"
#include "sim.h"

#include <talloc.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_proposal_words, rv_plugin_keying_manual;

static const struct sim_plugin plugins[] = { { "crypto-gnutls", &rv_plugin_crypto_gnutls },
					     { "proposal-words", &rv_plugin_proposal_words },
					     { "keying-manual", &rv_plugin_keying_manual },
					     { NULL, NULL } };

#define KEYS                                                                                                           \
	"encr_key_in = 0x000102030405060708090a0b0c0d0e0f10111213\n"                                                   \
	"encr_key_out = 0x202122232425262728292a2b2c2d2e2f30313233\n"
#define CONFIG(keys)                                                                                                   \
	"connections { lab { keying = manual\n local_addrs = 10.0.0.1\n remote_addrs = 10.0.0.2\n"                     \
	"children { net { local_ts = 10.1.0.0/16\n remote_ts = 10.2.0.0/16\n esp_proposals = aes128gcm16-esn\n"        \
	"spi_in = 0x1001\n spi_out = 0x1002\n sequence_in = 7\n sequence_out = 4294967290\n" keys " } } } }\n"

static void up_installs_and_down_removes(void **state)
{
	struct sim *sim = sim_new(1);
	struct sim_host *host = sim_host(sim, "west", "10.0.0.1", plugins, CONFIG(KEYS));
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	assert_int_equal(rv_core_up(host->core, "lab", "net", "test", &attempt, &why), 0);
	sim_run(sim, RV_S(1));
	assert_int_equal(sim_n_sas(host), 2);
	rv_list_each (&host->sas, sa, struct sim_sa, entry) {
		assert_int_equal(sa->spec.spi, sa->spec.dir == RV_IN ? 0x1001 : 0x1002);
		assert_true(sa->spec.esn);
		assert_int_equal(sa->spec.sequence, sa->spec.dir == RV_IN ? 7 : UINT64_C(4294967290));
		assert_int_equal(sa->spec.encr_key.len, 20);
		assert_int_equal(sa->spec.encr_key.p[0], sa->spec.dir == RV_IN ? 0 : 0x20);
	}
	assert_int_equal(host->sent, 0);
	rv_attempt_drop(attempt);
	assert_int_equal(rv_core_down(host->core, "lab", &why), 0);
	sim_run(sim, RV_S(1));
	assert_int_equal(sim_n_sas(host), 0);
	talloc_free(sim);
}

static const struct {
	const char *what, *config, *word;
} rows[] = {
	{ "a key too short", CONFIG("encr_key_in = 0x00\n encr_key_out = 0x00\n"), "20" },
	{ "no key", CONFIG(""), "encr_key_in" },
	{ "a key too many", CONFIG(KEYS "integ_key_in = 0x00\n"), "integ_key_in" },
};

static void wrong_keys_are_named(void **state)
{
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct sim *sim = sim_new(1);
		struct sim_host *host = sim_host(sim, "west", "10.0.0.1", plugins, "");
		struct rv_why why = { 0 };

		assert_int_equal(rv_core_load_text(host->core, "test", rows[i].config, &why), -RV_ECONFIG);
		if (!strstr(why.text, rows[i].word))
			fail_msg("%s: %s", rows[i].what, why.text);
		talloc_free(sim);
	}
}

static void it_stands_for_days_unless_the_file_ends_it(void **state)
{
	static const struct {
		const char *more;
		unsigned sas;
	} lives[] = { { "", 2 }, { "rekey_time = 1h\n", 2 }, { "life_time = 2h\n", 0 } };

	for (size_t i = 0; i < RV_COUNT(lives); i++) {
		struct sim *sim = sim_new(1);
		char *config = talloc_asprintf(sim, CONFIG(KEYS "%s"), lives[i].more);
		struct sim_host *host = sim_host(sim, "west", "10.0.0.1", plugins, config);
		struct rv_attempt *attempt = NULL;

		assert_int_equal(rv_core_up(host->core, "lab", "net", "test", &attempt, NULL), 0);
		rv_attempt_drop(attempt);
		sim_run(sim, RV_S(3600));
		assert_int_equal(sim_n_sas(host), 2);
		sim_run(sim, RV_S(100 * 3600));
		assert_int_equal(sim_n_sas(host), lives[i].sas);
		assert_int_equal(sim_n_policies(host), lives[i].sas / 2);
		talloc_free(sim);
	}
}

/* A key with numbers that were used already would be the end of a counter mode. */
static void what_comes_up_again_goes_on_behind_the_numbers_it_used(void **state)
{
	static const uint64_t used[] = { UINT64_C(4294967295), UINT64_C(4294967296), UINT64_C(5000000000) };
	struct sim *sim = sim_new(1);
	struct sim_host *host = sim_host(sim, "west", "10.0.0.1", plugins, CONFIG(KEYS));
	uint64_t expected = UINT64_C(4294967290);

	for (size_t i = 0; i < RV_COUNT(used); i++) {
		struct rv_attempt *attempt = NULL;

		assert_int_equal(rv_core_up(host->core, "lab", "net", "test", &attempt, NULL), 0);
		rv_attempt_drop(attempt);
		sim_run(sim, RV_S(1));
		assert_int_equal(sim_n_sas(host), 2);
		rv_list_each (&host->sas, sa, struct sim_sa, entry) {
			if (sa->spec.dir == RV_OUT)
				assert_int_equal(sa->spec.sequence, expected);
			sa->packets = used[i]; /* the kernel of this harness says that it is the last number */
		}
		expected = used[i];
		assert_int_equal(rv_core_down(host->core, "lab", NULL), 0);
		sim_run(sim, RV_S(1));
	}
	talloc_free(sim);
}

static void numbers_that_are_used_up_keep_it_down(void **state)
{
	static const struct {
		const char *what, *proposal;
		uint64_t used;
		unsigned sas;
	} ends[] = { { "one is left", "aes128gcm16", UINT32_MAX - 1, 2 },
		     { "none is left", "aes128gcm16", UINT32_MAX, 0 },
		     { "with ESN many are left", "aes128gcm16-esn", UINT32_MAX, 2 } };

	for (size_t i = 0; i < RV_COUNT(ends); i++) {
		struct sim *sim = sim_new(1);
		char *config = talloc_asprintf(sim,
					       "connections { lab { keying = manual\n local_addrs = 10.0.0.1\n "
					       "remote_addrs = 10.0.0.2\n children { net { local_ts = 10.1.0.0/16\n "
					       "remote_ts = 10.2.0.0/16\n esp_proposals = %s\n"
					       "spi_in = 0x1001\n spi_out = 0x1002\n" KEYS " } } } }\n",
					       ends[i].proposal);
		struct sim_host *host = sim_host(sim, "west", "10.0.0.1", plugins, config);

		for (int k = 0; k < 2; k++) {
			struct rv_attempt *attempt = NULL;

			assert_int_equal(rv_core_down(host->core, "lab", NULL), 0);
			sim_run(sim, RV_S(1));
			assert_int_equal(rv_core_up(host->core, "lab", "net", "test", &attempt, NULL), 0);
			sim_run(sim, RV_S(1));
			if (sim_n_sas(host) != (k ? ends[i].sas : 2))
				fail_msg("%s: %u SAs", ends[i].what, sim_n_sas(host));
			if (!sim_n_sas(host))
				assert_non_null(strstr(attempt->found, "used up"));
			rv_attempt_drop(attempt);
			rv_list_each (&host->sas, sa, struct sim_sa, entry)
				sa->packets = ends[i].used;
		}
		talloc_free(sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_installs_and_down_removes),
		cmocka_unit_test(wrong_keys_are_named),
		cmocka_unit_test(it_stands_for_days_unless_the_file_ends_it),
		cmocka_unit_test(what_comes_up_again_goes_on_behind_the_numbers_it_used),
		cmocka_unit_test(numbers_that_are_used_up_keep_it_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

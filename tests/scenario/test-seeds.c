// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-seeds: a tunnel's whole life over a network that loses, doubles, reorders and delays, for many seeds.
 *
 * SIM_SEEDS says how many (200 by default), SIM_SEED one to look at (with SIM_VERBOSE for the logs).
 */
#include "test.h"

#include "sim.h"

#include "parts.h"

#include <ravelin/keying.h>
#include <talloc.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle, rv_plugin_proposal_words,
	rv_plugin_auth_psk, rv_plugin_keying_ikev2;

static const struct sim_plugin plugins[] = {
	{ "crypto-gnutls", &rv_plugin_crypto_gnutls },	 { "crypto-nettle", &rv_plugin_crypto_nettle },
	{ "proposal-words", &rv_plugin_proposal_words }, { "auth-psk", &rv_plugin_auth_psk },
	{ "keying-ikev2", &rv_plugin_keying_ikev2 },	 { NULL, NULL },
};

#define CONFIG(name, me, other, my_id, other_id, my_net, other_net)                                                    \
	"ravelin { plugins { keying-ikev2 { retransmit_tries = 12\n retransmit_timeout = 1s\n"                         \
	" retransmit_base = 1.2 } } }\n"                                                                               \
	"connections { " name " { version = 2\n local_addrs = " me "\n remote_addrs = " other "\n"                     \
	"proposals = aes128gcm16-prfsha256-x25519\n rekey_time = 4h\n"                                                 \
	"local { auth = psk\n id = " my_id " }\n remote { auth = psk\n id = " other_id " }\n"                          \
	"children { net { local_ts = " my_net "\n remote_ts = " other_net "\n"                                         \
	"esp_proposals = aes128gcm16-x25519\n rekey_time = 1h } } } }\n"                                               \
	"secrets { ike-1 { id-1 = west.example\n id-2 = east.example\n secret = 0sMDEyMzQ1Njc4OWFiY2RlZg== } }\n"

static const char west[] =
	CONFIG("east", "10.0.0.1", "10.0.0.2", "west.example", "east.example", "10.1.0.0/16", "10.2.0.0/16");
static const char east[] =
	CONFIG("west", "10.0.0.2", "10.0.0.1", "east.example", "west.example", "10.2.0.0/16", "10.1.0.0/16");

struct world {
	struct sim *sim;
	struct sim_host *west, *east;
	uint64_t seed;
};

#define must(w, condition, what)                                                                                       \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("seed %llu at %.3f s: %s", (unsigned long long)(w)->seed,                             \
				 (double)sim_now_us((w)->sim) / 1e6, what);                                            \
	} while (0)

static int count_peer(struct rv_peer *peer, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

static unsigned n_peers(struct sim_host *host)
{
	unsigned n = 0;

	rv_peer_each(host->core, NULL, count_peer, &n);
	return n;
}

static bool carries(void *arg)
{
	struct world *w = arg;

	return sim_packet(w->west, w->east, "10.1.0.5", "10.2.0.5") &&
	       sim_packet(w->east, w->west, "10.2.0.5", "10.1.0.5");
}

static bool settled(void *arg)
{
	struct world *w = arg;

	return carries(w) && sim_n_sas(w->west) == 2 && sim_n_sas(w->east) == 2 && n_peers(w->west) == 1 &&
	       n_peers(w->east) == 1;
}

static bool empty(void *arg)
{
	struct world *w = arg;

	return !n_peers(w->west) && !n_peers(w->east) && !sim_n_sas(w->west) && !sim_n_sas(w->east);
}

static struct world *world(uint64_t seed, unsigned loss)
{
	struct world *w = talloc_zero(NULL, struct world);

	assert_non_null(w);
	w->seed = seed;
	w->sim = sim_new(seed);
	sim_net(w->sim,
		&(struct sim_net){
			.loss = loss, .twice = loss / 2, .delay_min_us = 1000, .delay_max_us = loss ? 400000 : 1000 });
	w->west = sim_host(w->sim, "west", "10.0.0.1", plugins, west);
	w->east = sim_host(w->sim, "east", "10.0.0.2", plugins, east);
	return w;
}

static int rekey_peer(struct rv_peer *peer, void *arg)
{
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);

	return ops->rekey(rv_service_self(peer->keying.service), peer);
}

static int rekey_child(struct rv_child *child, void *arg)
{
	const struct rv_keying_ops *ops = rv_service_ops(child->peer->keying.service);

	return ops->child_rekey(rv_service_self(child->peer->keying.service), child);
}

static uint32_t newest_spi(struct sim_host *host)
{
	return rv_container_of(host->sas.prev, struct sim_sa, entry)->spec.spi;
}

struct spi_change {
	struct world *w;
	uint32_t was;
};

static bool changed(void *arg)
{
	struct spi_change *c = arg;

	return newest_spi(c->w->west) != c->was && settled(c->w);
}

static void life(struct world *w)
{
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	if (rv_core_up(w->west->core, "east", "net", "test", &attempt, &why))
		fail_msg("seed %llu: %s", (unsigned long long)w->seed, why.text);
	must(w, sim_until(w->sim, settled, w, RV_S(300)), "the tunnel did not come up");
	rv_attempt_drop(attempt);

	struct spi_change c = { w, newest_spi(w->west) };
	rv_sad_each_child(w->west->core, rekey_child, NULL);
	must(w, sim_until(w->sim, changed, &c, RV_S(300)), "west did not rekey the child SA");

	rv_peer_each(w->east->core, NULL, rekey_peer, NULL);
	sim_run(w->sim, RV_S(1));
	must(w, carries(w), "a rekey of the IKE SA disturbed the child SA");
	must(w, sim_until(w->sim, settled, w, RV_S(300)), "east did not rekey the IKE SA");

	c.was = newest_spi(w->west);
	rv_sad_each_child(w->east->core, rekey_child, NULL);
	must(w, sim_until(w->sim, changed, &c, RV_S(300)), "east did not rekey the child SA after that");

	must(w, rv_core_down(w->west->core, "east", &why) == 0, why.text);
	must(w, sim_until(w->sim, empty, w, RV_S(300)), "SAs are left after the delete");
}

static void a_life_over_a_bad_network(void **state)
{
	const char *one = getenv("SIM_SEED"), *many = getenv("SIM_SEEDS");
	uint64_t first = one ? strtoull(one, NULL, 10) : 1, n = one ? 1 : many ? strtoull(many, NULL, 10) : 200;

	for (uint64_t seed = first; seed < first + n; seed++) {
		size_t before = talloc_total_blocks(NULL);
		struct world *w = world(seed, 20);

		life(w);
		TALLOC_FREE(w->sim);
		talloc_free(w);
		if (talloc_total_blocks(NULL) != before)
			fail_msg("seed %llu leaks %zu blocks", (unsigned long long)seed,
				 talloc_total_blocks(NULL) - before);
	}
}

static void a_seed_replays_bit_for_bit(void **state)
{
	uint64_t digests[2];

	for (int i = 0; i < 2; i++) {
		struct world *w = world(42, 20);

		life(w);
		digests[i] = sim_digest(w->sim);
		TALLOC_FREE(w->sim);
		talloc_free(w);
	}
	assert_true(digests[0] == digests[1]);
}

static void a_day_of_rekeying(void **state)
{
	struct world *w = world(7, 0);
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	assert_int_equal(rv_core_up(w->west->core, "east", "net", "test", &attempt, &why), 0);
	must(w, sim_until(w->sim, settled, w, RV_S(10)), "the tunnel did not come up");
	rv_attempt_drop(attempt);
	uint32_t first = newest_spi(w->west);

	for (int hour = 0; hour < 24; hour++) {
		sim_run(w->sim, RV_S(3600));
		must(w, sim_until(w->sim, settled, w, RV_S(30)), "a rekey went wrong");
	}
	assert_true(newest_spi(w->west) != first);
	TALLOC_FREE(w->sim);
	talloc_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_replays_bit_for_bit),
		cmocka_unit_test(a_day_of_rekeying),
		cmocka_unit_test(a_life_over_a_bad_network),
	};

	talloc_enable_null_tracking();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	talloc_disable_null_tracking();
	return failed;
}

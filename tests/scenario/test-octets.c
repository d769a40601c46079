// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-octets: what an established session with one child SA costs in memory, object by object, so that growth is seen
 * where it happens.
 *
 * Counted are the chunks of the responder's core, each as malloc rounds it; secrets' own octets and what kernels keep
 * are not among them. OCTETS_TABLE=1 prints the objects of one session.
 */
#include "test.h"

#include "sim.h"

#include "parts.h"

#include <talloc.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle, rv_plugin_proposal_words,
	rv_plugin_auth_psk, rv_plugin_keying_ikev2;

enum {
	N = 128,
	NAMES = 256,
	CHUNK_HEAD = 96 + 8, /* talloc's and malloc's */
	REFERENCE = 32,
	BOUND = 1712,	/* octets of one session in all */
	FORGET_S = 200, /* the last response is let go before that (RFC 7296, 2.1) */
};

struct line {
	const char *name;
	long n, octets;
};

struct table {
	struct line lines[NAMES];
	unsigned n;
	long octets;
};

static void add_chunk(const void *chunk, int depth, int max_depth, int is_ref, void *arg)
{
	struct table *table = arg;
	const char *name = is_ref ? "a talloc reference" : talloc_get_name(chunk);
	long size = is_ref ? REFERENCE : (long)talloc_get_size(chunk);
	long octets = (size + CHUNK_HEAD + 15) / 16 * 16;
	unsigned i = 0;

	while (i < table->n && strcmp(table->lines[i].name, name))
		i++;
	if (i == table->n) {
		assert_true(table->n < NAMES);
		table->lines[table->n++].name = talloc_strdup(table, name);
	}
	table->lines[i].n++;
	table->lines[i].octets += octets;
	table->octets += octets;
}

static struct table *count(struct rv_core *core)
{
	struct table *table = talloc_zero(NULL, struct table);

	assert_non_null(table);
	talloc_report_depth_cb(core, 0, -1, add_chunk, table);
	return table;
}

static void print(const struct table *before, const struct table *after)
{
	for (unsigned i = 0; i < after->n; i++) {
		long n = after->lines[i].n, octets = after->lines[i].octets;

		for (unsigned j = 0; j < before->n; j++)
			if (!strcmp(before->lines[j].name, after->lines[i].name)) {
				n -= before->lines[j].n;
				octets -= before->lines[j].octets;
			}
		if (octets)
			printf("%-40s %6.2f a session %8.1f octets\n", after->lines[i].name, (double)n / N,
			       (double)octets / N);
	}
}

/* Many peers with names of their own and one gateway that takes them all. */

static char *peers(void)
{
	char *text = talloc_strdup(NULL, "connections {\n");

	for (int i = 0; i < N; i++)
		text = talloc_asprintf_append(
			text,
			"c%d { version = 2\n local_addrs = 10.0.0.1\n remote_addrs = 10.0.0.2\n"
			"proposals = aes128gcm16-prfsha256-x25519\n local { auth = psk\n id = i%d.example }\n"
			"remote { auth = psk\n id = gate.example }\n"
			"children { net { local_ts = 10.64.0.%d/32\n remote_ts = 10.2.0.0/16\n"
			"esp_proposals = aes128gcm16\n replay_window = 64 } } }\n",
			i, i, i);
	return talloc_asprintf_append(text, "}\nsecrets { ike-1 { secret = 0sMDEyMzQ1Njc4OWFiY2RlZg== } }\n");
}

static const char gate[] = "ravelin { plugins { keying-ikev2 { cookie_threshold = 1000\n block_threshold = 0 } } }\n"
			   "connections { gate { version = 2\n local_addrs = 10.0.0.2\n remote_addrs = %any\n"
			   "proposals = aes128gcm16-prfsha256-x25519\n local { auth = psk\n id = gate.example }\n"
			   "remote { auth = psk\n id = *.example }\n"
			   "children { net { local_ts = 10.2.0.0/16\n remote_ts = 10.64.0.0/16\n"
			   "esp_proposals = aes128gcm16\n replay_window = 64 } } } }\n"
			   "secrets { ike-1 { secret = 0sMDEyMzQ1Njc4OWFiY2RlZg== } }\n";

static const struct sim_plugin plugins[] = {
	{ "crypto-gnutls", &rv_plugin_crypto_gnutls },	 { "crypto-nettle", &rv_plugin_crypto_nettle },
	{ "proposal-words", &rv_plugin_proposal_words }, { "auth-psk", &rv_plugin_auth_psk },
	{ "keying-ikev2", &rv_plugin_keying_ikev2 },	 { NULL, NULL },
};

static void bring_up(struct sim_host *host, int from, int to)
{
	for (int i = from; i < to; i++) {
		struct rv_attempt *attempt = NULL;
		struct rv_why why = { 0 };
		char name[16];

		snprintf(name, sizeof(name), "c%d", i);
		if (rv_core_up(host->core, name, NULL, "test", &attempt, &why))
			fail_msg("%s: %s", name, why.text);
		rv_attempt_drop(attempt);
	}
	sim_run(host->sim, RV_S(1));
}

/* One session comes before: what exists once for all is there then. */
static void a_session_keeps_to_its_octets(void **state)
{
	struct sim *sim = sim_new(1);
	char *many = peers();
	struct sim_host *west = sim_host(sim, "west", "10.0.0.1", plugins, many);
	struct sim_host *east = sim_host(sim, "east", "10.0.0.2", plugins, gate);

	bring_up(west, 0, 1);
	sim_run(sim, RV_S(FORGET_S));
	assert_int_equal(sim_n_sas(east), 2);
	struct table *before = count(east->core);

	bring_up(west, 1, N);
	sim_run(sim, RV_S(FORGET_S));
	assert_int_equal(sim_n_sas(east), 2 * N);
	struct table *after = count(east->core);
	long each = (after->octets - before->octets) / (N - 1);

	if (getenv("OCTETS_TABLE")) {
		print(before, after);
		printf("%ld octets a session\n", each);
	}
	if (each > BOUND)
		fail_msg("a session has %ld octets, at most %d are allowed; OCTETS_TABLE=1 shows which", each, BOUND);
	talloc_free(before);
	talloc_free(after);
	talloc_free(many);
	talloc_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_keeps_to_its_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

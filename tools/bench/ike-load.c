// SPDX-License-Identifier: LGPL-2.1-or-later
/* ike-load: many initiators in one process: N connections to one responder, each with one child SA (RFC 7296, 1.2),
 * W handshakes under way at a time. For tools/bench/ike-scale.
 *
 * A whole core on one thread. Its kernel takes SAs and forgets them: what is measured is the responder.
 */
#include "parts.h"

#include <errno.h>
#include <getopt.h>
#include <ravelin/kernel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WIDTH_MAX = 1024, N_MAX = 131072, TURN_US = 100000 };

struct load {
	struct rv_core *core;
	const char *local, *remote, *keys, *ke, *id, *plugin_dirs[2];
	unsigned n, width, timeout_s;
	unsigned started, up, failed;
	struct rv_attempt *slots[WIDTH_MAX];
	uint32_t next_spi;
	int code; /* of the first failure */
	char text[256];
};

/* kernel-null */

static int no_events(void *self, const struct rv_kernel_events *events)
{
	return 0;
}

static int next_spi(void *self, const struct rv_addr *local, uint8_t protocol, uint32_t *spi)
{
	uint32_t *next = self;

	*spi = ++*next;
	return 0;
}

static int sa_add(void *self, const struct rv_sa_spec *spec, struct rv_call *call)
{
	return 0;
}

static int sa_update(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, const struct rv_addr *src,
		     const struct rv_addr *dst, bool encap, struct rv_call *call)
{
	return 0;
}

static int sa_del(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote)
{
	return 0;
}

static int policy_add(void *self, const struct rv_policy_spec *policy, struct rv_call *call)
{
	return 0;
}

static int policy_del(void *self, const struct rv_policy_spec *policy)
{
	return 0;
}

static int stats(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_sa_stats *out)
{
	*out = (struct rv_sa_stats){ 0 };
	return 0;
}

static int no_pack(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_pack *out)
{
	return -EOPNOTSUPP;
}

static bool needs_encap(void *self)
{
	return false;
}

static int flush(void *self)
{
	return 0;
}

static const struct rv_kernel_ops kernel = {
	.size = sizeof(kernel),
	.events = no_events,
	.spi = next_spi,
	.sa_add = sa_add,
	.sa_update = sa_update,
	.sa_del = sa_del,
	.policy_add = policy_add,
	.policy_del = policy_del,
	.stats = stats,
	.pack = no_pack,
	.needs_encap = needs_encap,
	.flush = flush,
};

static int kernel_init(struct rv_host *host)
{
	uint32_t *next = talloc(host, uint32_t);

	if (!next)
		return -ENOMEM;
	*next = 0x10000;
	return rv_kernel_offer(host, (struct rv_offer){ .name = "null" }, &kernel, next);
}

RV_PLUGIN(kernel_null, "kernel-null", "version=1\0summary=Forgets all SAs\0provides=kernel:null\0",
	  .init = kernel_init);

/* The configuration: one connection for each initiator, with an inner address of its own, and, unless all are to have
 * the same one, an identity. */

static char *identity(const void *parent, const struct load *load, unsigned i)
{
	return load->id ? talloc_asprintf(parent, "id = %s", load->id)
			: talloc_asprintf(parent, "id = i%u.bench.example", i);
}

static char *config(const struct load *load)
{
	char *text = talloc_strdup(NULL, "connections {\n");
	char *own = load->keys ? talloc_asprintf(text, "pubkey\n pubkeys = %s/initiator.pub", load->keys)
			       : talloc_strdup(text, "psk");
	char *peer = load->keys ? talloc_asprintf(text, "pubkey\n pubkeys = %s/gate.pub", load->keys)
				: talloc_strdup(text, "psk");

	for (unsigned i = 0; text && i < load->n; i++) {
		char *id = identity(NULL, load, i);

		text = talloc_asprintf_append_buffer(
			text,
			"c%u {\nversion = 2\nlocal_addrs = %s\nremote_addrs = %s\n"
			"proposals = aes128gcm16-prfsha256-%s\n%s"
			"local { auth = %s\n %s }\nremote { auth = %s\n id = gate.bench.example }\n"
			"children { net { local_ts = 10.%u.%u.%u/32\nremote_ts = 10.2.0.0/16\n"
			"esp_proposals = aes128gcm16\nreplay_window = 64 } }\n}\n",
			i, load->local, load->remote, load->ke, load->id ? "unique = never\n" : "", own, id ? id : "",
			peer, 64 + (i >> 16), i >> 8 & 255, i & 255);
		talloc_free(id);
	}
	if (text)
		text = talloc_asprintf_append_buffer(
			text,
			"}\nravelin { load = crypto-gnutls, crypto-nettle, proposal-words, auth-psk, auth-pubkey, "
			"wire-udp, "
			"transport-udp, keying-ikev2 }\nsecrets { ike-1 { secret = 0sMDEyMzQ1Njc4OWFiY2RlZg== }\n");
	if (text && load->keys)
		text = talloc_asprintf_append_buffer(text, "private-1 { file = %s/initiator.pem }\n", load->keys);
	if (text)
		text = talloc_asprintf_append_buffer(text, "}\n");
	return text;
}

static bool start_core(struct load *load, struct rv_why *why)
{
	char *text = config(load);
	int r = -ENOMEM;

	load->core = rv_core_new(
		NULL,
		&(struct rv_core_params){ .log_level = RV_WARN, .no_measure = true, .plugin_dirs = load->plugin_dirs },
		why);
	if (load->core && text)
		r = rv_plugins_load_static(load->core->plugins, "kernel-null", &rv_plugin_kernel_null, why);
	if (!r)
		r = rv_core_load_text(load->core, "load", text, why);
	talloc_free(text);
	return !r;
}

/* Handshakes */

static void begin(struct load *load, struct rv_attempt **slot)
{
	struct rv_why why = { 0 };
	char name[16];

	snprintf(name, sizeof(name), "c%u", load->started++);
	if (!rv_core_up(load->core, name, NULL, "load", slot, &why))
		return;
	*slot = NULL;
	load->failed++;
	if (!load->code) {
		load->code = why.code;
		snprintf(load->text, sizeof(load->text), "%.200s", why.text);
	}
}

static void look(struct load *load, struct rv_attempt **slot)
{
	struct rv_attempt *attempt = *slot;

	if (attempt && attempt->ended) {
		load->up += !attempt->code;
		load->failed += !!attempt->code;
		if (attempt->code && !load->code) {
			load->code = attempt->code;
			snprintf(load->text, sizeof(load->text), "%s: %.200s", attempt->connection,
				 attempt->found ? attempt->found : rv_error_text(attempt->code));
		}
		rv_attempt_drop(attempt);
		*slot = NULL;
	}
	if (!*slot && load->started < load->n)
		begin(load, slot);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double run(struct load *load)
{
	double began = now_s();

	while (load->up + load->failed < load->n && now_s() - began < load->timeout_s) {
		for (unsigned i = 0; i < load->width; i++)
			look(load, &load->slots[i]);
		(void)rv_loop_turn(load->core->loop, TURN_US);
	}
	return now_s() - began;
}

static bool options(struct load *load, int argc, char **argv)
{
	static const struct option known[] = {
		{ "local", required_argument, NULL, 'l' },	{ "remote", required_argument, NULL, 'r' },
		{ "plugin-dir", required_argument, NULL, 'p' }, { "n", required_argument, NULL, 'n' },
		{ "width", required_argument, NULL, 'w' },	{ "timeout", required_argument, NULL, 't' },
		{ "keys", required_argument, NULL, 'k' },	{ "ke", required_argument, NULL, 'e' },
		{ "id", required_argument, NULL, 'i' },		{ 0 }
	};
	int c;

	*load = (struct load){ .n = 1, .width = 64, .timeout_s = 60, .ke = "x25519" };
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'l')
			load->local = optarg;
		else if (c == 'r')
			load->remote = optarg;
		else if (c == 'p')
			load->plugin_dirs[0] = optarg;
		else if (c == 'n')
			load->n = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'w')
			load->width = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'k')
			load->keys = optarg;
		else if (c == 'e')
			load->ke = optarg;
		else if (c == 'i')
			load->id = optarg;
		else if (c == 't')
			load->timeout_s = (unsigned)strtoul(optarg, NULL, 10);
		else
			return false;
	}
	return load->plugin_dirs[0] && load->local && load->remote && load->n && load->n <= N_MAX && load->width &&
	       load->width <= WIDTH_MAX;
}

int main(int argc, char **argv)
{
	struct rv_why why = { 0 };
	struct load load;
	double seconds;

	if (!options(&load, argc, argv)) {
		fprintf(stderr,
			"usage: ike-load --plugin-dir DIR --local ADDRESS --remote ADDRESS [--n 1..%d] [--width 1..%d] "
			"[--timeout S] [--keys DIR] [--ke NAME] [--id IDENTITY]\n"
			"keys: a folder with initiator.pem, initiator.pub and gate.pub, for public keys in place of a "
			"shared secret\nke: the key exchange (x25519)\nid: of all initiators (each has its own)\n",
			N_MAX, WIDTH_MAX);
		return 2;
	}
	if (!start_core(&load, &why)) {
		fprintf(stderr, "ike-load: %s\n", why.text);
		return 1;
	}
	seconds = run(&load);
	printf("{\"n\": %u, \"up\": %u, \"seconds\": %.3f, \"failures\": %u}\n", load.n, load.up, seconds,
	       load.n - load.up);
	if (load.up < load.n)
		fprintf(stderr, "ike-load: %u of %u are not up; the first failure: %s\n", load.n - load.up, load.n,
			load.text[0] ? load.text : "time is out");
	for (unsigned i = 0; i < load.width; i++)
		rv_attempt_drop(load.slots[i]);
	talloc_free(load.core);
	return load.up == load.n ? 0 : 1;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* pair.h: west and east, two daemons of the simulated world with one IKEv2 connection each, for the tests of the keying
 * protocol and of each of its extensions. A test's meson.build names the plugins of `pair_plugins` in test_with.
 */
#pragma once

#include "test.h"

#include "sim.h"

#include "parts.h"

#include <ravelin/ikev2-verbs.h>
#include <ravelin/keying.h>
#include <talloc.h>

extern const struct rv_plugin rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle, rv_plugin_proposal_words,
	rv_plugin_auth_psk, rv_plugin_keying_ikev2;

static const struct sim_plugin pair_plugins[] = {
	{ "crypto-gnutls", &rv_plugin_crypto_gnutls },	 { "crypto-nettle", &rv_plugin_crypto_nettle },
	{ "proposal-words", &rv_plugin_proposal_words }, { "auth-psk", &rv_plugin_auth_psk },
	{ "keying-ikev2", &rv_plugin_keying_ikev2 },	 { NULL, NULL },
};

enum { PAIR_MORE = 8 };

/* What may differ from the plain connection of a side; NULL: the plain thing. sections: of other plugins; root: at the
 * end of the file; secrets: more of them; more: plugins that this side has besides. */
struct side {
	const char *proposals, *esp, *secret, *id, *other_id, *local_ts, *remote_ts;
	const char *connection, *child, *children, *settings, *local_addr, *remote_addr, *secret_ids, *sections, *root,
		*secrets;
	struct sim_plugin more[PAIR_MORE];
};

struct pair {
	struct sim *sim;
	struct sim_host *west, *east;
};

static inline const char * or (const char *a, const char *b)
{
	return a ? a : b;
}

static inline char *side_config(const void *parent, bool west, const struct side *s)
{
	return talloc_asprintf(
		parent,
		"ravelin { plugins { keying-ikev2 { %s }\n%s } }\n"
		"connections { %s { version = 2\n local_addrs = %s\n remote_addrs = %s\n proposals = %s\n %s\n"
		"local { auth = psk\n id = %s }\n remote { auth = psk\n id = %s }\n"
		"children { net { local_ts = %s\n remote_ts = %s\n esp_proposals = %s\n %s }\n %s } } }\n"
		"secrets { ike-1 { %s\n secret = %s }\n%s }\n%s\n",
		or (s->settings, ""), or (s->sections, ""), west ? "east" : "west",
		or (s->local_addr, west ? "10.0.0.1" : "10.0.0.2"), or (s->remote_addr, west ? "10.0.0.2" : "10.0.0.1"),
		or (s->proposals, "aes128gcm16-prfsha256-x25519"), or (s->connection, ""),
		or (s->id, west ? "west.example" : "east.example"),
		or (s->other_id, west ? "east.example" : "west.example"),
		or (s->local_ts, west ? "10.1.0.0/16" : "10.2.0.0/16"),
		or (s->remote_ts, west ? "10.2.0.0/16" : "10.1.0.0/16"), or (s->esp, "aes128gcm16-x25519"),
		or (s->child, ""), or (s->children, ""),
		or (s->secret_ids, "id-1 = west.example\n id-2 = east.example"),
		or (s->secret, "the-same-on-both-sides"), or (s->secrets, ""), or (s->root, ""));
}

static inline struct sim_host *side_new(struct pair *p, bool west, const struct side *s)
{
	struct sim_plugin with[RV_COUNT(pair_plugins) + PAIR_MORE] = { { NULL, NULL } };
	unsigned n = 0;

	for (const struct sim_plugin *plugin = pair_plugins; plugin->name; plugin++)
		with[n++] = *plugin;
	for (unsigned i = 0; i < PAIR_MORE && s->more[i].name; i++)
		with[n++] = s->more[i];
	return sim_host(p->sim, west ? "west" : "east", west ? "10.0.0.1" : "10.0.0.2", with, side_config(p, west, s));
}

static inline struct pair *pair_new(const struct side *west, const struct side *east)
{
	static const struct side plain;
	struct pair *p = talloc_zero(NULL, struct pair);

	assert_non_null(p);
	p->sim = sim_new(11);
	p->west = side_new(p, true, west ? west : &plain);
	p->east = side_new(p, false, east ? east : &plain);
	return p;
}

static inline void pair_free(struct pair *p)
{
	TALLOC_FREE(p->sim);
	talloc_free(p);
}

static inline int pair_count(struct rv_peer *peer, void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

static inline unsigned n_peers(struct sim_host *host)
{
	unsigned n = 0;

	rv_peer_each(host->core, NULL, pair_count, &n);
	return n;
}

static inline int pair_first(struct rv_peer *peer, void *arg)
{
	*(struct rv_peer **)arg = peer;
	return 1;
}

static inline struct rv_peer *peer_of(struct sim_host *host)
{
	struct rv_peer *peer = NULL;

	rv_peer_each(host->core, NULL, pair_first, &peer);
	return peer;
}

static inline struct rv_child *child_of(struct sim_host *host)
{
	struct rv_peer *peer = peer_of(host);

	return peer && !rv_list_empty(&peer->children) ? rv_container_of(peer->children.next, struct rv_child, entry)
						       : NULL;
}

/* Asks the keying protocol to replace the IKE SA, or a child SA, of host's only session. */
static inline int pair_rekey(struct sim_host *host)
{
	struct rv_peer *peer = peer_of(host);
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);

	return ops->rekey(rv_service_self(peer->keying.service), peer);
}

static inline int pair_child_rekey(struct sim_host *host)
{
	struct rv_child *child = child_of(host);
	const struct rv_keying_ops *ops = rv_service_ops(child->peer->keying.service);

	return ops->child_rekey(rv_service_self(child->peer->keying.service), child);
}

static inline bool carries(struct pair *p)
{
	return sim_packet(p->west, p->east, "10.1.0.5", "10.2.0.5") &&
	       sim_packet(p->east, p->west, "10.2.0.5", "10.1.0.5");
}

static inline bool pair_up(void *arg)
{
	struct pair *p = arg;

	return carries(p) && sim_n_sas(p->west) == 2 && sim_n_sas(p->east) == 2 && n_peers(p->west) == 1 &&
	       n_peers(p->east) == 1;
}

static inline bool pair_down(void *arg)
{
	struct pair *p = arg;

	return !n_peers(p->west) && !n_peers(p->east) && !sim_n_sas(p->west) && !sim_n_sas(p->east);
}

static inline bool attempt_ended(void *arg)
{
	return ((struct rv_attempt *)arg)->ended;
}

/* An attempt of west at child, waited for; held for the caller. */
static inline struct rv_attempt *try_up(struct pair *p, const char *child, uint64_t us)
{
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	if (rv_core_up(p->west->core, "east", child, "test", &attempt, &why))
		fail_msg("up: %s", why.text);
	(void)sim_until(p->sim, attempt_ended, attempt, us);
	return attempt;
}

/* The tunnel comes up, or the test fails with the story. */
static inline void bring_up(struct pair *p)
{
	struct rv_attempt *attempt = try_up(p, "net", RV_S(60));

	if (!attempt->ended || attempt->code) {
		for (unsigned i = 0; i < attempt->n_steps; i++)
			print_message("%s\n", attempt->steps[i].text);
		fail_msg("up failed: %s", or (attempt->found, "it has not ended"));
	}
	rv_attempt_drop(attempt);
	assert_true(sim_until(p->sim, pair_up, p, RV_S(5)));
}

/* True when some step, the finding or the advice of an attempt says text. */
static inline bool says(const struct rv_attempt *attempt, const char *text)
{
	if ((attempt->found && strstr(attempt->found, text)) || (attempt->advice && strstr(attempt->advice, text)))
		return true;
	for (unsigned i = 0; i < attempt->n_steps; i++)
		if (strstr(attempt->steps[i].text, text))
			return true;
	return false;
}

static inline void tell(const struct rv_attempt *attempt)
{
	for (unsigned i = 0; i < attempt->n_steps; i++)
		print_message("  %s\n", attempt->steps[i].text);
	print_message("  FOUND %s\n  ADVICE %s\n", or (attempt->found, "-"), or (attempt->advice, "-"));
}

#define assert_says(attempt, text)                                                                                     \
	do {                                                                                                           \
		if (!says((attempt), (text))) {                                                                        \
			tell(attempt);                                                                                 \
			fail_msg("the attempt does not say: %s", (text));                                              \
		}                                                                                                      \
	} while (0)

/* The octets of an identity, which end without a NUL. */
static inline void assert_id(const struct rv_id *id, const char *text)
{
	assert_non_null(id);
	assert_int_equal(id->len, strlen(text));
	assert_memory_equal(id->b, text, id->len);
}

/* The last attempt that host knows of, for what a responder tells. */
static inline struct rv_attempt *last_attempt(struct sim_host *host)
{
	if (rv_list_empty(&host->core->attempts))
		return NULL;
	return rv_container_of(host->core->attempts.prev, struct rv_attempt, entry);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-known: IKE SAs of keys that both sides have already, in a first exchange of an extension's (ikev2-known.h).
 *
 * The extension of this test knows, without any exchange, what its host was told in `told`.
 */
#include "pair.h"

#include <ravelin/auth.h>
#include <ravelin/crypto.h>
#include <ravelin/ikev2-known.h>
#include <ravelin/ikev2-wire.h>
#include <ravelin/secret.h>
#include <ravelin/wire.h>
#include <string.h>

enum { IKE_SA_INIT = 34, IKE_AUTH = 35, OWN = 200, OWN_MARK = 40960, OWN_REFUSAL = 40961, EXCHANGE = 18, FLAGS = 19 };

/* What a host knows, and says as responder: refuse as in struct rv_ike_known; deaf: nothing at all. */
struct told {
	struct sim_host *host;
	const char *key, *initiator, *auth;
	uint16_t refuse;
	bool deaf;
	struct rv_id *id[2];
	unsigned init_tasks; /* how often a task for IKE_SA_INIT ran in the other exchange */
	unsigned strays;     /* requests that are of no IKE SA of this host */
};

static struct told told[2];

static struct told *told_of(struct sim_host *sim)
{
	for (unsigned i = 0; i < RV_COUNT(told); i++)
		if (!told[i].host || told[i].host == sim) {
			told[i].host = sim;
			return &told[i];
		}
	fail_msg("too many hosts");
	return NULL;
}

static void fill(struct told *t, struct rv_ike_known *known)
{
	static const struct rv_transform suite[] = {
		{ .class = RV_CLASS_ENCR, .id = 20, .key_bits = 128 },
		{ .class = RV_CLASS_PRF, .id = 5 },
		{ .class = RV_CLASS_KE, .id = 31 },
	};
	const char *names[] = { or (t->initiator, "west.example"), "east.example" };

	*known = (struct rv_ike_known){ .key = rv_bytes(t->key, strlen(t->key)),
					.label = RV_STR("Once more"),
					.auth = or (t->auth, "own") };
	known->proposal.protocol = RV_PROTO_KEYING;
	for (unsigned i = 0; i < RV_COUNT(suite); i++)
		known->proposal.t[known->proposal.n++] = suite[i];
	for (unsigned i = 0; i < 2; i++) {
		talloc_free(t->id[i]);
		t->id[i] = rv_id_parse(NULL, names[i], NULL);
	}
	known->initiator = t->id[0];
	known->responder = t->id[1];
}

static int open_own(void *self, struct rv_ike_sa *sa, struct rv_ike_known *known)
{
	struct told *t = self;

	if (!t->key)
		return 0;
	fill(t, known);
	return 1;
}

static int opened(void *self, const struct rv_ike_stranger *stranger, struct rv_ike_known *known)
{
	struct told *t = self;
	struct rv_bytes data;

	known->refuse = t->deaf ? 0 : OWN_REFUSAL;
	if (t->deaf || t->refuse || !t->key || !stranger->notify(stranger, OWN_MARK, &data))
		return 0;
	assert_int_equal(stranger->n_offered, 0);
	fill(t, known);
	known->connection = rv_connection_match(t->host->core, 2, &stranger->path->local, &stranger->path->remote, 0);
	return known->connection != NULL;
}

static int mark(struct rv_ike_exchange *x, void *self)
{
	assert_true(rv_ike_is_known(rv_ike_sa(x)));
	return rv_ike_role(x) == RV_IKE_INITIATOR ? rv_ike_add_notify(x, OWN_MARK, RV_STR("ticket")) : 0;
}

static int init_task(struct rv_ike_exchange *x, void *self)
{
	struct told *t = self;

	t->init_tasks += rv_ike_type(x) == OWN;
	assert_int_equal(rv_ike_chosen(x)->n, rv_ike_type(x) == OWN ? 0 : 3);
	return 0;
}

static int stray(void *self, const struct rv_ike_datagram *datagram)
{
	struct told *t = self;

	t->strays++;
	return 0;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, OWN, mark },
	{ RV_IKE_AT_PATH, IKE_SA_INIT, init_task },
};
static const struct rv_ike_opening opening = {
	.size = sizeof(opening), .exchange = OWN, .open = open_own, .opened = opened
};
static const struct rv_ikev2_ext_ops ext_ops = {
	.size = sizeof(ext_ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks), .datagram = stray, .opening = &opening
};

/* AUTH = prf(SK_p, octets) */
static int prove(const struct rv_auth_request *request, uint8_t out[static 64])
{
	const struct rv_prf_ops *prf = rv_service_ops(request->prf);

	return prf->prf(rv_service_self(request->prf), request->key, request->octets, 3, out);
}

static int sign(void *self, const struct rv_auth_request *request, uint8_t *out, size_t cap, size_t *len,
		struct rv_call *call)
{
	*len = 32;
	return prove(request, out);
}

static int verify(void *self, const struct rv_auth_request *request, uint8_t method, struct rv_bytes proof,
		  struct rv_call *call)
{
	uint8_t own[64];

	assert_int_equal(method, 2);
	return prove(request, own) || !rv_equal_secret(proof, rv_bytes(own, 32)) ? -RV_EAUTH_FAILED : 0;
}

static const struct rv_auth_ops auth_ops = { .size = sizeof(auth_ops), .sign = sign, .verify = verify };
static const struct rv_attr auth_attrs[] = { { "auth-method", 2 } };

static int init(struct rv_host *host)
{
	int r = rv_auth_offer(host, (struct rv_offer){ .name = "own", .attrs = auth_attrs, .n_attrs = 1 }, &auth_ops,
			      NULL);

	return r ? r : rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "own" }, &ext_ops, told_of(sim_of(host)));
}

RV_PLUGIN(ikev2_own, "ikev2-own", "version=1\0summary=Keys from elsewhere\0provides=ikev2-ext:own auth:own\0",
	  .init = init);

struct seen {
	unsigned requests[256];
};

static bool watch(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct seen *seen = arg;

	seen->requests[message[EXCHANGE]] += !(message[FLAGS] & 0x20);
	return false;
}

static struct pair *known_pair(const char *settings, struct seen *seen)
{
	const struct side with = { .settings = settings, .more = { { "ikev2-own", &rv_plugin_ikev2_own } } };
	struct pair *p;

	memset(told, 0, sizeof(told));
	*seen = (struct seen){ { 0 } };
	p = pair_new(&with, &with);
	told_of(p->west)->key = told_of(p->east)->key = "0123456789abcdef0123456789abcdef";
	sim_tap(p->sim, watch, seen);
	return p;
}

static void known_free(struct pair *p)
{
	for (unsigned i = 0; i < RV_COUNT(told); i++) {
		talloc_free(told[i].id[0]);
		talloc_free(told[i].id[1]);
	}
	pair_free(p);
}

static void keys_of_before_make_an_ike_sa_without_a_key_exchange(void **state)
{
	struct seen seen;
	struct pair *p = known_pair(NULL, &seen);

	bring_up(p);
	assert_int_equal(seen.requests[OWN], 1);
	assert_int_equal(seen.requests[IKE_SA_INIT], 0);
	assert_int_equal(seen.requests[IKE_AUTH], 1);
	assert_int_equal(told_of(p->west)->init_tasks, 1);
	assert_int_equal(told_of(p->east)->init_tasks, 1);
	assert_int_equal(pair_rekey(p->west), 0); /* with a key exchange of what the earlier one had agreed on */
	sim_run(p->sim, RV_S(2));
	assert_true(pair_up(p));
	known_free(p);
}

static void what_is_known_of_an_ike_sa_can_be_asked_for(void **state)
{
	struct seen seen;
	struct pair *p = known_pair(NULL, &seen);
	struct rv_ike_known west, east;

	bring_up(p);
	assert_false(rv_ike_is_known(peer_of(p->west)->sa)); /* it is made */
	assert_true(rv_ike_remember(peer_of(p->west)->sa, &west) && rv_ike_remember(peer_of(p->east)->sa, &east));
	assert_int_equal(west.key.len, 32);
	assert_memory_equal(west.key.p, east.key.p, 32);
	assert_int_equal(west.proposal.n, 3);
	assert_true(rv_id_same(west.initiator, east.initiator) && rv_id_same(west.responder, east.responder));
	assert_id(west.initiator, "west.example");
	known_free(p);
}

/* What the peer does not take up is followed by IKE_SA_INIT in the same attempt. */
static void a_full_handshake_follows_a_refusal(void **state)
{
	static const struct {
		const char *what;
		bool knows, refuses, deaf;
		unsigned requests;
	} rows[] = {
		{ "it is refused", true, true, false, 1 },
		{ "it is not known", false, false, false, 1 },
		{ "it is not answered", true, false, true, 2 },
	};

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct seen seen;
		struct pair *p = known_pair(NULL, &seen);

		told_of(p->east)->key = rows[i].knows ? told_of(p->west)->key : NULL;
		told_of(p->east)->refuse = rows[i].refuses;
		told_of(p->east)->deaf = rows[i].deaf;
		bring_up(p);
		assert_says(last_attempt(p->west), "a full handshake follows");
		if (seen.requests[OWN] != rows[i].requests || seen.requests[IKE_SA_INIT] != 1)
			fail_msg("%s: %u and %u requests", rows[i].what, seen.requests[OWN],
				 seen.requests[IKE_SA_INIT]);
		assert_int_equal(told_of(p->east)->init_tasks, 0);
		known_free(p);
	}
}

static void a_cookie_is_asked_for_as_in_ike_sa_init(void **state)
{
	struct seen seen;
	struct pair *p = known_pair("cookie_threshold = 0", &seen);

	bring_up(p);
	assert_int_equal(seen.requests[OWN], 2);
	assert_int_equal(seen.requests[IKE_SA_INIT], 0);
	known_free(p);
}

/* A request in the exchange that an IKE SA begins with, as if it were of one that there is. */
static void ask_within(struct pair *p, uint64_t spi_i, uint64_t spi_r, uint8_t flags)
{
	struct rv_path path = { .local = p->west->addr, .remote = p->east->addr };
	uint8_t message[28 + 60];
	struct rv_wr w = rv_wr(message, sizeof(message));

	path.local.port = path.remote.port = 500;
	rv_wr_u64(&w, spi_i);
	rv_wr_u64(&w, spi_r);
	rv_wr_u8(&w, 46); /* SK */
	rv_wr_u8(&w, 0x20);
	rv_wr_u8(&w, OWN);
	rv_wr_u8(&w, flags);
	rv_wr_u32(&w, 7);
	rv_wr_u32(&w, sizeof(message));
	rv_wr_u16(&w, 0);
	rv_wr_u16(&w, 60);
	rv_wr_zero(&w, 56);
	sim_send(p->west, &path, rv_wr_bytes(&w));
	sim_run(p->sim, RV_MS(50));
}

/* RFC 7296, 3.1: with the Initiator flag turned over, the SPIs of an IKE SA are still its own. */
static void an_ike_sa_that_is_there_is_no_strangers(void **state)
{
	struct seen seen;
	struct pair *p = known_pair(NULL, &seen);
	uint64_t spi_i, spi_r;
	unsigned before;

	bring_up(p);
	(void)rv_ike_spis(peer_of(p->east)->sa, &spi_i, &spi_r);
	before = told_of(p->east)->strays;
	for (uint8_t flags = 0; flags <= 8; flags += 8) {
		ask_within(p, spi_i, spi_r, flags);
		ask_within(p, spi_r, spi_i, flags);
	}
	assert_int_equal(told_of(p->east)->strays, before);
	ask_within(p, spi_i + 1, spi_r + 1, 0);
	assert_int_equal(told_of(p->east)->strays, before + 1);
	known_free(p);
}

/* Who has other keys, or is somebody else, gets no further. */
static void other_keys_or_identities_do_not_hold(void **state)
{
	static const struct {
		const char *what, *key, *initiator, *both, *found;
		int code;
	} rows[] = {
		{ "another key", "fedcba9876543210fedcba9876543210", NULL, NULL, "no answer", -RV_ETIMEOUT },
		{ "another initiator", NULL, "other.example", NULL, "AUTHENTICATION_FAILED", -RV_EAUTH_FAILED },
		{ "one that the PAD does not have", NULL, NULL, "other.example", "AUTHENTICATION_FAILED",
		  -RV_EAUTH_FAILED },
	};

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct seen seen;
		struct pair *p = known_pair(NULL, &seen);
		struct rv_attempt *attempt;

		told_of(p->east)->key = or (rows[i].key, told_of(p->west)->key);
		told_of(p->east)->initiator = rows[i].initiator ? rows[i].initiator : rows[i].both;
		told_of(p->west)->initiator = rows[i].both;
		attempt = try_up(p, "net", RV_S(400));
		if (attempt->code != rows[i].code)
			fail_msg("%s: %d", rows[i].what, attempt->code);
		assert_says(attempt, rows[i].found);
		rv_attempt_drop(attempt);
		assert_int_equal(n_peers(p->east), 0);
		known_free(p);
	}
}

/* RFC 7296, 2.8.3: reauthentication is "from scratch" */
static void a_reauthentication_begins_from_scratch(void **state)
{
	struct seen seen;
	struct pair *p = known_pair(NULL, &seen);
	struct rv_peer *peer;
	const struct rv_keying_ops *ops;

	bring_up(p);
	peer = peer_of(p->west);
	ops = rv_service_ops(peer->keying.service);
	assert_true(ops->reauth(rv_service_self(peer->keying.service), peer) >= 0);
	sim_run(p->sim, RV_S(10));
	assert_true(pair_up(p));
	assert_int_equal(seen.requests[OWN], 1);
	assert_int_equal(seen.requests[IKE_SA_INIT], 1);
	known_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_before_make_an_ike_sa_without_a_key_exchange),
		cmocka_unit_test(what_is_known_of_an_ike_sa_can_be_asked_for),
		cmocka_unit_test(a_full_handshake_follows_a_refusal),
		cmocka_unit_test(a_cookie_is_asked_for_as_in_ike_sa_init),
		cmocka_unit_test(an_ike_sa_that_is_there_is_no_strangers),
		cmocka_unit_test(other_keys_or_identities_do_not_hold),
		cmocka_unit_test(a_reauthentication_begins_from_scratch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

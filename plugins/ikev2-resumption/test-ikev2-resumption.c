// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ikev2-resumption: a session whose peer was lost is gone on with by its ticket (RFC 5723), at the same gateway or
 * at another one with the same key; and by a full handshake where the ticket is of no use.
 */
#include "pair.h"

#include "resumption.h"

#include <ravelin/auth.h>
#include <ravelin/wire.h>

extern const struct rv_plugin rv_plugin_ikev2_resumption;

enum { IKE_SA_INIT = 34, EXCHANGE = 18, FLAGS = 19, RESPONSE = 0x20, MESSAGE = 2048, NACK_LEN = 28 + 8 };

#define KEY "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER "0xff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

/* What was on the wire. last: the last request of IKE_SESSION_RESUME; nacks: answers to one that refuse. */
struct wire {
	unsigned requests[256], nacks, deletes_of_east, inits_of_other;
	uint8_t last[MESSAGE];
	size_t len;
};

struct world {
	struct pair *p;
	struct sim_host *other;
	struct wire wire;
	uint32_t before;
};

static bool watch(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct wire *wire = arg;
	bool response = message[FLAGS] & RESPONSE;

	wire->requests[message[EXCHANGE]] += !response;
	wire->inits_of_other += message[EXCHANGE] == IKE_SA_INIT && strcmp(to->name, "other") == 0;
	wire->nacks += response && message[EXCHANGE] == IKE_SESSION_RESUME && *len == NACK_LEN &&
		       message[34] == (TICKET_NACK >> 8) && message[35] == (TICKET_NACK & 255);
	wire->deletes_of_east += !response && message[EXCHANGE] == INFORMATIONAL && strcmp(from->name, "east") == 0;
	if (response || message[EXCHANGE] != IKE_SESSION_RESUME || *len > MESSAGE)
		return false;
	memcpy(wire->last, message, *len);
	wire->len = *len;
	return false;
}

static struct side side_of(bool west, const char *settings)
{
	struct side s = { .connection = west ? "dpd_delay = 30s" : "dpd_delay = 0s",
			  .child = west ? "dpd_action = restart" : NULL,
			  .remote_addr = west ? "10.0.0.2, 10.0.0.3" : NULL,
			  .sections = settings };

	s.more[0] = (struct sim_plugin){ "ikev2-resumption", &rv_plugin_ikev2_resumption };
	return s;
}

#define WITH(settings) "ikev2-resumption { " settings " }"

static struct world *world_with(const struct side *west, const struct side *east)
{
	struct world *w = talloc_zero(NULL, struct world);

	assert_non_null(w);
	w->p = pair_new(west, east);
	sim_tap(w->p->sim, watch, &w->wire);
	return w;
}

static struct world *world_of(const char *west, const char *east)
{
	const struct side a = side_of(true, west), b = side_of(false, east);

	return world_with(&a, &b);
}

static void world_free(struct world *w)
{
	pair_free(w->p);
	talloc_free(w);
}

static bool is_another(void *arg)
{
	struct world *w = arg;

	return n_peers(w->p->west) == 1 && peer_of(w->p->west)->id != w->before && pair_up(w->p);
}

/* The other side is lost to each; west finds out, and begins anew. */
static void lose(struct world *w)
{
	w->before = peer_of(w->p->west)->id;
	rv_peer_down(peer_of(w->p->east), -RV_ETIMEOUT, NULL);
	if (!sim_until(w->p->sim, is_another, w, RV_S(600)))
		fail_msg("there is no new session");
}

/* A daemon with other settings has east's address, and nothing of its sessions. */
static void replace_east(struct world *w, const struct side *side)
{
	struct sim_host *old = w->p->east;

	old->down = true;
	rv_peer_down(peer_of(old), -RV_ETIMEOUT, NULL);
	old->addr = (struct rv_addr){ 0 };
	w->p->east = side_new(w->p, false, side);
	w->before = peer_of(w->p->west)->id;
}

static void a_lost_session_is_gone_on_with_by_its_ticket(void **state)
{
	struct world *w = world_of(NULL, NULL);

	bring_up(w->p);
	for (unsigned i = 1; i <= 3; i++) { /* each time with the ticket of the time before */
		lose(w);
		assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], i);
		assert_int_equal(w->wire.requests[IKE_SA_INIT], 1);
		assert_id(peer_of(w->p->east)->remote_id, "west.example");
		assert_id(peer_of(w->p->west)->remote_id, "east.example");
		assert_int_equal(pair_rekey(w->p->west), 0);
		sim_run(w->p->sim, RV_S(2));
		assert_true(pair_up(w->p));
	}
	world_free(w);
}

/* RFC 5723, 4.3.1: "A reused ticket SHOULD be rejected by a gateway." */
static void a_ticket_is_good_for_one_session(void **state)
{
	struct world *w = world_of(NULL, NULL);
	struct rv_path path = { .local = w->p->west->addr, .remote = w->p->east->addr };

	path.local.port = path.remote.port = 500;
	bring_up(w->p);
	lose(w);
	assert_true(w->wire.len > 0);
	w->wire.last[0] ^= 1; /* another SPI: not a copy of the message */
	sim_send(w->p->west, &path, rv_bytes(w->wire.last, w->wire.len));
	sim_run(w->p->sim, RV_S(1));
	assert_int_equal(w->wire.nacks, 1);
	assert_int_equal(n_peers(w->p->east), 1);
	/* one that somebody changed is none */
	w->wire.last[w->wire.len - 1] ^= 1;
	sim_send(w->p->west, &path, rv_bytes(w->wire.last, w->wire.len));
	w->wire.last[w->wire.len - 1 - 60] ^= 1;
	sim_send(w->p->west, &path, rv_bytes(w->wire.last, w->wire.len));
	sim_run(w->p->sim, RV_S(1));
	assert_true(w->wire.nacks >= 2);
	world_free(w);
}

/* RFC 5723, 6.2: "when an IKE SA is deleted by the client or the gateway, the client MUST delete its stored ticket" */
static void a_deleted_session_is_not_gone_on_with(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct world *w = world_of(NULL, NULL);
		struct sim_host *who = i ? w->p->west : w->p->east;
		struct rv_peer *peer;
		const struct rv_keying_ops *ops;

		bring_up(w->p);
		peer = peer_of(who);
		ops = rv_service_ops(peer->keying.service);
		assert_int_equal(ops->down(rv_service_self(peer->keying.service), peer), 0);
		sim_run(w->p->sim, RV_S(2));
		assert_true(pair_down(w->p));
		bring_up(w->p);
		assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], 0);
		assert_int_equal(w->wire.requests[IKE_SA_INIT], 2);
		world_free(w);
	}
}

/* What the gateway answers with TICKET_NACK, and a full handshake follows. */
static void a_full_handshake_follows_where_the_ticket_is_refused(void **state)
{
	static const struct {
		const char *what, *east;
		struct side change;
		bool resumed;
	} rows[] = {
		{ "the same key", WITH("key = " KEY), { 0 }, true },
		{ "the key before", WITH("key = " OTHER "\n key_before = " KEY), { 0 }, true },
		{ "another key", WITH("key = " OTHER), { 0 }, false },
		{ "a key of its own", NULL, { 0 }, false },
		{ "a key that is too short", WITH("key = 0x0001020304050607"), { 0 }, false },
		{ "no tickets", WITH("key = " KEY "\n grant = no"), { 0 }, false },
		{ "other algorithms", WITH("key = " KEY), { .proposals = "aes256gcm16-prfsha256-x25519" }, false },
		{ "one algorithm more",
		  WITH("key = " KEY),
		  { .proposals = "aes256gcm16-prfsha256-x25519, aes128gcm16-prfsha256-x25519" },
		  true },
	};

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct side west = side_of(true, WITH("")), east = side_of(false, WITH("key = " KEY));
		struct world *w;

		west.proposals = "aes128gcm16-prfsha256-x25519, aes256gcm16-prfsha256-x25519";
		w = world_with(&west, &east);
		bring_up(w->p);
		east.sections = rows[i].east;
		east.proposals = rows[i].change.proposals;
		replace_east(w, &east);
		if (!sim_until(w->p->sim, is_another, w, RV_S(600)))
			fail_msg("%s: no new session", rows[i].what);
		assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], 1);
		if (w->wire.requests[IKE_SA_INIT] != (rows[i].resumed ? 1u : 2u) || w->wire.nacks == rows[i].resumed)
			fail_msg("%s: %u handshakes, %u refusals", rows[i].what, w->wire.requests[IKE_SA_INIT],
				 w->wire.nacks);
		world_free(w);
	}
}

/* A gateway without the extension says nothing to an exchange that it does not know. */
static void a_gateway_that_knows_no_tickets_gets_a_full_handshake(void **state)
{
	struct side none = side_of(false, NULL);
	struct world *w = world_of(NULL, NULL);

	none.more[0] = (struct sim_plugin){ NULL, NULL };
	bring_up(w->p);
	replace_east(w, &none);
	assert_true(sim_until(w->p->sim, is_another, w, RV_S(600)));
	assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], 2);
	assert_int_equal(w->wire.requests[IKE_SA_INIT], 2);
	world_free(w);
}

/* RFC 5723, 9.8: the gateway deleted the IKE SA, and the client did not hear of it */
static void a_ticket_of_a_session_that_the_gateway_ended_is_refused(void **state)
{
	struct world *w = world_of(NULL, NULL);

	bring_up(w->p);
	w->before = peer_of(w->p->west)->id;
	rv_peer_down(peer_of(w->p->east), 0, NULL);
	assert_true(sim_until(w->p->sim, is_another, w, RV_S(600)));
	assert_int_equal(w->wire.nacks, 1);
	assert_int_equal(w->wire.requests[IKE_SA_INIT], 2);
	world_free(w);
}

/* RFC 5723, 4.3.1: "MUST NOT present a ticket when it knows that the ticket's lifetime has expired" */
static void an_expired_ticket_is_not_presented(void **state)
{
	struct side west = side_of(true, NULL);
	struct world *w;
	const struct side east = side_of(false, WITH("lifetime = 1m"));

	west.child = NULL;
	w = world_with(&west, &east);
	bring_up(w->p);
	w->p->east->down = true;
	sim_run(w->p->sim, RV_S(500)); /* liveness, and the minute */
	assert_int_equal(n_peers(w->p->west), 0);
	w->p->east->down = false;
	rv_peer_down(peer_of(w->p->east), -RV_ETIMEOUT, NULL);
	bring_up(w->p);
	assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], 0);
	world_free(w);
}

/* RFC 5723, 4.1: "when the ticket lifetime is about to expire" another one is asked for */
static void a_ticket_is_renewed_before_it_expires(void **state)
{
	struct world *w = world_of(NULL, WITH("lifetime = 10m"));

	bring_up(w->p);
	sim_run(w->p->sim, RV_S(3600));
	lose(w);
	assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], 1);
	assert_int_equal(w->wire.requests[IKE_SA_INIT], 1);
	world_free(w);
}

/* Keys change every hour, and tickets of the hour before are good. */
static void tickets_of_an_older_key_are_accepted(void **state)
{
	struct world *w = world_of(NULL, WITH("lifetime = 3h\n rotate = 1h"));

	bring_up(w->p);
	sim_run(w->p->sim, RV_S(7300)); /* two keys later; the ticket has not been renewed */
	lose(w);
	assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], 1);
	assert_int_equal(w->wire.requests[IKE_SA_INIT], 1);
	world_free(w);
}

/* RFC 5723, 6.2: "When the IKE SA is rekeyed, the ticket is invalidated, and the client SHOULD request a new ticket."
 */
static void a_rekeyed_ike_sa_has_another_ticket(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct world *w = world_of(NULL, NULL);
		unsigned asked;

		bring_up(w->p);
		asked = w->wire.requests[INFORMATIONAL];
		assert_int_equal(pair_rekey(i ? w->p->west : w->p->east), 0);
		sim_run(w->p->sim, RV_S(2));
		assert_int_equal(w->wire.requests[INFORMATIONAL], asked + 2); /* the delete, and this */
		lose(w);
		assert_int_equal(w->wire.nacks, 0);
		assert_int_equal(w->wire.requests[IKE_SA_INIT], 1);
		world_free(w);
	}
}

/* RFC 5723, 4.3.4: "the old SA SHOULD be silently deleted without sending a DELETE informational exchange" */
static void the_session_before_goes_silently_at_the_gateway(void **state)
{
	struct side west = side_of(true, NULL), east = side_of(false, NULL);
	struct world *w;

	west.connection = "dpd_delay = 30s\n unique = never"; /* no INITIAL_CONTACT */
	east.connection = "unique = never";
	w = world_with(&west, &east);
	bring_up(w->p);
	w->before = peer_of(w->p->east)->id;
	rv_peer_down(peer_of(w->p->west), -RV_ETIMEOUT, NULL);
	assert_true(sim_until(w->p->sim, pair_up, w->p, RV_S(60)));
	assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], 1);
	assert_int_equal(n_peers(w->p->east), 1);
	assert_int_not_equal(peer_of(w->p->east)->id, w->before);
	assert_int_equal(w->wire.deletes_of_east, 0);
	world_free(w);
}

/* RFC 5723, 5: what comes of it, such as an address behind a cookie, is "from new exchange" */
static void a_loaded_gateway_asks_for_a_cookie(void **state)
{
	struct side west = side_of(true, NULL), east = side_of(false, NULL);
	struct world *w;

	east.settings = "cookie_threshold = 0";
	w = world_with(&west, &east);
	bring_up(w->p);
	lose(w);
	assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], 2);
	assert_int_equal(w->wire.requests[IKE_SA_INIT], 2); /* of the first session */
	assert_int_equal(w->wire.nacks, 0);
	world_free(w);
}

static bool is_at_other(void *arg)
{
	struct world *w = arg;

	return n_peers(w->other) == 1 && peer_of(w->other)->established && sim_n_sas(w->other) == 2;
}

static void a_second_gateway_with_the_same_key_takes_the_session(void **state)
{
	struct world *w = world_of(NULL, WITH("key = " KEY));
	struct side there = side_of(false, WITH("key = " KEY));
	struct sim_plugin with[RV_COUNT(pair_plugins) + 1] = { { NULL, NULL } };

	for (unsigned i = 0; i < RV_COUNT(pair_plugins); i++)
		with[i] = pair_plugins[i];
	with[RV_COUNT(pair_plugins) - 1] = there.more[0];
	there.local_addr = "10.0.0.3";
	w->other = sim_host(w->p->sim, "other", "10.0.0.3", with, side_config(w->p, false, &there));
	bring_up(w->p);
	w->p->east->down = true;
	assert_true(sim_until(w->p->sim, is_at_other, w, RV_S(600)));
	assert_int_equal(w->wire.inits_of_other, 0);
	sim_run(w->p->sim, RV_S(1));
	assert_true(sim_packet(w->p->west, w->other, "10.1.0.5", "10.2.0.5"));
	world_free(w);
}

/* RFC 5723, 6.2 and the table of 5: the ticket's lifetime is bounded by the time until reauthentication; here tickets
 * do not put it off. */
static void a_ticket_does_not_outlive_the_authentication(void **state)
{
	struct side west = side_of(true, NULL), east = side_of(false, NULL);
	struct world *w;

	east.connection = "reauth_time = 30m\n over_time = 1m";
	w = world_with(&west, &east);
	bring_up(w->p);
	for (unsigned i = 0; i < 2; i++) {
		sim_run(w->p->sim, RV_S(500));
		lose(w); /* some 200 s */
	}
	assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], 2);
	assert_int_equal(w->wire.requests[IKE_SA_INIT], 1);
	sim_run(w->p->sim, RV_S(600));
	lose(w);
	assert_int_equal(w->wire.requests[IKE_SA_INIT], 2);
	world_free(w);
}

static void who_does_not_ask_gets_none(void **state)
{
	static const struct {
		const char *west, *east;
	} rows[] = { { WITH("request = no"), NULL }, { NULL, WITH("grant = no") } };

	for (unsigned i = 0; i < RV_COUNT(rows); i++) {
		struct world *w = world_of(rows[i].west, rows[i].east);

		bring_up(w->p);
		lose(w);
		assert_int_equal(w->wire.requests[IKE_SESSION_RESUME], 0);
		assert_int_equal(w->wire.requests[IKE_SA_INIT], 2);
		world_free(w);
	}
}

/* A configuration cannot ask for the proof of a resumed session: in a first one it would prove nothing. */
static void the_proof_is_for_tickets_only(void **state)
{
	struct world *w = world_of(NULL, NULL);
	struct rv_service *service = rv_registry_find(w->p->west->core->registry, "auth", RESUMPTION_AUTH);
	const struct rv_connection *c = rv_connection_find(w->p->west->core, "east");
	const struct rv_auth_ops *ops;
	struct rv_why why = { 0 };

	assert_non_null(service);
	ops = rv_service_ops(service);
	assert_int_equal(ops->check(rv_service_self(service), c, &c->remote[0], false, &why), -RV_ECONFIG);
	assert_non_null(strstr(why.text, "proves nothing"));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_session_is_gone_on_with_by_its_ticket),
		cmocka_unit_test(a_ticket_is_good_for_one_session),
		cmocka_unit_test(a_deleted_session_is_not_gone_on_with),
		cmocka_unit_test(a_full_handshake_follows_where_the_ticket_is_refused),
		cmocka_unit_test(a_gateway_that_knows_no_tickets_gets_a_full_handshake),
		cmocka_unit_test(a_ticket_of_a_session_that_the_gateway_ended_is_refused),
		cmocka_unit_test(an_expired_ticket_is_not_presented),
		cmocka_unit_test(a_ticket_is_renewed_before_it_expires),
		cmocka_unit_test(tickets_of_an_older_key_are_accepted),
		cmocka_unit_test(a_rekeyed_ike_sa_has_another_ticket),
		cmocka_unit_test(the_session_before_goes_silently_at_the_gateway),
		cmocka_unit_test(a_loaded_gateway_asks_for_a_cookie),
		cmocka_unit_test(a_second_gateway_with_the_same_key_takes_the_session),
		cmocka_unit_test(a_ticket_does_not_outlive_the_authentication),
		cmocka_unit_test(who_does_not_ask_gets_none),
		cmocka_unit_test(the_proof_is_for_tickets_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

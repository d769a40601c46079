// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-mobike: two daemons whose addresses come and go, NATs that appear, paths that die (RFC 4555). */
#include "pair.h"

extern const struct rv_plugin rv_plugin_ikev2_mobike;

#define MOBIKE                                                                                                         \
	{                                                                                                              \
		"ikev2-mobike", &rv_plugin_ikev2_mobike                                                                \
	}

static struct rv_addr addr_of(const char *text)
{
	struct rv_addr addr;

	assert_int_equal(rv_addr_parse(&addr, text), 0);
	return addr;
}

/* What differs from a pair that both have the plugin and take any address. */
struct want {
	const char *west, *east, *west_settings, *east_settings, *west_children, *east_children;
	bool west_without, east_without;
	const struct sim_plugin *east_first;
};

static struct pair *mobile_pair(const struct want *want)
{
	static const struct want plain;
	struct side west = { .local_addr = "%any", .more = { MOBIKE } };
	struct side east = { .local_addr = "%any", .remote_addr = "%any", .more = { MOBIKE } };

	want = want ? want : &plain;
	west.connection = want->west;
	east.connection = want->east;
	west.sections = want->west_settings;
	east.sections = want->east_settings;
	west.children = want->west_children;
	east.children = want->east_children;
	if (want->west_without)
		west.more[0] = (struct sim_plugin){ NULL, NULL };
	if (want->east_without)
		east.more[0] = (struct sim_plugin){ NULL, NULL };
	if (want->east_first) {
		east.more[1] = east.more[0];
		east.more[0] = *want->east_first;
	}
	return pair_new(&west, &east);
}

static bool all_at(struct sim_host *host, const char *local, const char *remote)
{
	struct rv_addr here = addr_of(local), there = addr_of(remote);
	unsigned n = 0;

	rv_list_each (&host->sas, sa, struct sim_sa, entry) {
		bool out = sa->spec.dir == RV_OUT;
		if (!rv_addr_same_ip(out ? &sa->spec.src : &sa->spec.dst, &here) ||
		    !rv_addr_same_ip(out ? &sa->spec.dst : &sa->spec.src, &there))
			return false;
		n++;
	}
	return n && rv_addr_same_ip(&peer_of(host)->path.local, &here) &&
	       rv_addr_same_ip(&peer_of(host)->path.remote, &there);
}

struct place {
	struct pair *p;
	const char *west, *east, *seen; /* seen: where east sees west, if that differs */
};

static bool arrived(void *arg)
{
	const struct place *place = arg;

	return all_at(place->p->west, place->west, place->east) &&
	       all_at(place->p->east, place->east, place->seen ? place->seen : place->west);
}

static void await(struct pair *p, const char *west, const char *east, const char *seen, uint64_t us)
{
	struct place place = { p, west, east, seen };

	if (!sim_until(p->sim, arrived, &place, us))
		fail_msg("not at %s and %s", west, east);
	assert_true(carries(p));
	assert_int_equal(n_peers(p->west), 1);
	assert_int_equal(n_peers(p->east), 1);
}

static void both_sides_go_to_port_4500(void **state)
{
	static const struct {
		struct want want;
		uint16_t port;
	} rows[] = {
		{ { 0 }, 4500 },
		{ { .east_without = true }, 4500 }, /* west does not know yet who answers */
		{ { .west_without = true }, 500 },
		{ { .west = "mobike = no" }, 500 },
		{ { .east = "mobike = no" }, 4500 },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = mobile_pair(&rows[i].want);

		bring_up(p);
		assert_int_equal(peer_of(p->west)->path.remote.port, rows[i].port);
		assert_int_equal(peer_of(p->east)->path.remote.port, rows[i].port);
		/* there is no NAT: ESP is not encapsulated */
		assert_false(child_of(p->west)->encap);
		assert_false(child_of(p->east)->encap);
		pair_free(p);
	}
}

static void the_initiator_moves_with_all_child_sas(void **state)
{
	const struct want want = {
		.west_children =
			"two { local_ts = 10.3.0.0/16\n remote_ts = 10.4.0.0/16\n esp_proposals = aes128gcm16 }",
		.east_children =
			"two { local_ts = 10.4.0.0/16\n remote_ts = 10.3.0.0/16\n esp_proposals = aes128gcm16 }",
	};
	struct pair *p = mobile_pair(&want);
	struct rv_attempt *attempt;

	bring_up(p);
	attempt = try_up(p, "two", RV_S(10));
	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	uint32_t id = peer_of(p->west)->id, spi = child_of(p->west)->spi_in;
	unsigned n_sas = sim_n_sas(p->west);

	assert_int_equal(n_sas, 4);
	sim_address(p->west, "10.0.0.7", true);
	sim_address(p->west, "10.0.0.1", false);
	await(p, "10.0.0.7", "10.0.0.2", NULL, RV_S(2));
	assert_int_equal(peer_of(p->west)->id, id);
	assert_int_equal(child_of(p->west)->spi_in, spi);
	assert_int_equal(sim_n_sas(p->west), n_sas);
	assert_false(child_of(p->east)->encap);
	pair_free(p);
}

static void an_address_may_come_late(void **state)
{
	struct pair *p = mobile_pair(NULL);

	bring_up(p);
	sim_address(p->west, "10.0.0.1", false);
	sim_run(p->sim, RV_S(20));
	assert_int_equal(n_peers(p->west), 1);
	sim_address(p->west, "10.0.0.9", true);
	await(p, "10.0.0.9", "10.0.0.2", NULL, RV_S(2));
	pair_free(p);
}

static void without_it_a_session_stays_where_it_was(void **state)
{
	static const struct want rows[] = { { .east_without = true },
					    { .west = "mobike = no" },
					    { .east = "mobike = no" } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = mobile_pair(&rows[i]);

		bring_up(p);
		sim_address(p->west, "10.0.0.7", true);
		sim_address(p->west, "10.0.0.1", false);
		sim_run(p->sim, RV_S(5));
		assert_true(all_at(p->west, "10.0.0.1", "10.0.0.2"));
		assert_true(all_at(p->east, "10.0.0.2", "10.0.0.1"));
		pair_free(p);
	}
}

static void a_dead_path_is_left_for_another_one(void **state)
{
	const struct want want = { .west = "dpd_delay = 5s" };
	struct pair *p = mobile_pair(&want);

	/* our own address is cut off */
	sim_address(p->west, "10.0.0.7", true);
	bring_up(p);
	p->west->dead = addr_of("10.0.0.1");
	await(p, "10.0.0.7", "10.0.0.2", NULL, RV_S(60));
	pair_free(p);

	/* the peer's is, and it told us of another one */
	p = mobile_pair(&want);
	sim_address(p->east, "10.0.0.12", true);
	bring_up(p);
	p->east->dead = addr_of("10.0.0.2");
	await(p, "10.0.0.1", "10.0.0.12", NULL, RV_S(60));
	/* and back, since the first one is not forgotten */
	p->east->dead = addr_of("10.0.0.12");
	await(p, "10.0.0.1", "10.0.0.2", NULL, RV_S(60));
	pair_free(p);
}

static void from_ipv4_to_ipv6_and_back(void **state)
{
	struct pair *p = mobile_pair(NULL);

	sim_address(p->west, "fd00::1", true);
	sim_address(p->east, "fd00::2", true);
	bring_up(p);
	sim_address(p->west, "10.0.0.1", false);
	await(p, "fd00::1", "fd00::2", NULL, RV_S(5));
	sim_address(p->west, "10.0.0.5", true);
	sim_address(p->west, "fd00::1", false);
	await(p, "10.0.0.5", "10.0.0.2", NULL, RV_S(5));
	pair_free(p);
}

static void the_responder_moves_itself_when_it_must(void **state)
{
	struct pair *p = mobile_pair(NULL);

	bring_up(p);
	sim_address(p->east, "10.0.0.12", true);
	sim_address(p->east, "10.0.0.2", false);
	await(p, "10.0.0.1", "10.0.0.12", NULL, RV_S(5));
	pair_free(p);
}

/* The one child SA is in transport mode between these addresses, on both sides, and carries. */
static void assert_transport(struct pair *p, const char *west, const char *east)
{
	const struct rv_child *child[] = { child_of(p->west), child_of(p->east) };
	const char *at[] = { west, east };
	char text[RV_TS_TEXT], wanted[RV_TS_TEXT];

	for (unsigned side = 0; side < 2; side++) {
		assert_non_null(child[side]);
		assert_int_equal(child[side]->mode, RV_TRANSPORT);
		assert_true(child[side]->n_local_ts == 1 && child[side]->n_remote_ts == 1);
		for (unsigned k = 0; k < 2; k++) {
			snprintf(wanted, sizeof(wanted), "%s/32", at[side ^ k]);
			assert_string_equal(rv_ts_text(&child[side]->ts[k], text), wanted);
		}
	}
	assert_true(sim_packet(p->west, p->east, west, east) && sim_packet(p->east, p->west, east, west));
	assert_int_equal(sim_n_sas(p->west), 2);
	assert_int_equal(sim_n_sas(p->east), 2);
}

/* A child SA in transport mode protects the addresses themselves: where the session moves it is made anew, by who set
 * the session up, whoever moved, however often. One in tunnel mode stays the same. */
static void transport_mode_is_made_anew_after_a_move(void **state)
{
	static const struct {
		bool east;
		const char *from, *to, *then, *west_at, *east_at;
		bool rekeys; /* while it moves */
	} rows[] = {
		{ false, "10.0.0.1", "10.0.0.7", NULL, "10.0.0.7", "10.0.0.2" },
		{ true, "10.0.0.2", "10.0.0.12", NULL, "10.0.0.7", "10.0.0.12" },
		{ false, "10.0.0.7", "10.0.0.8", "10.0.0.9", "10.0.0.9", "10.0.0.12" },
		{ false, "10.0.0.9", "10.0.0.10", NULL, "10.0.0.10", "10.0.0.12", true },
	};
	const struct side west = { .local_addr = "%any",
				   .child = "mode = transport",
				   .local_ts = "dynamic",
				   .remote_ts = "dynamic",
				   .more = { MOBIKE } };
	struct side east = west;

	east.remote_addr = "%any";
	struct pair *p = pair_new(&west, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	assert_transport(p, "10.0.0.1", "10.0.0.2");
	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct sim_host *host = rows[i].east ? p->east : p->west;
		const uint32_t session = peer_of(p->west)->id, child = child_of(p->west)->id;

		sim_address(host, rows[i].to, true);
		sim_address(host, rows[i].from, false);
		if (rows[i].rekeys) { /* the answer comes when the path has changed */
			sim_run(p->sim, 195000);
			assert_int_equal(pair_child_rekey(p->west), 0);
		}
		if (rows[i].then) { /* on again while the first one is being made */
			sim_run(p->sim, 530000);
			sim_address(host, rows[i].then, true);
			sim_address(host, rows[i].to, false);
		}
		sim_run(p->sim, RV_S(20));
		assert_int_equal(peer_of(p->west)->id, session);
		assert_int_not_equal(child_of(p->west)->id, child);
		assert_transport(p, rows[i].west_at, rows[i].east_at);
		assert_int_equal(pair_child_rekey(rows[i].east ? p->west : p->east), 0);
		sim_run(p->sim, RV_S(10));
		assert_transport(p, rows[i].west_at, rows[i].east_at);
	}
	pair_free(p);

	p = mobile_pair(NULL);
	bring_up(p);
	const uint32_t spi = child_of(p->west)->spi_in;

	sim_address(p->west, "10.0.0.7", true);
	sim_address(p->west, "10.0.0.1", false);
	await(p, "10.0.0.7", "10.0.0.2", NULL, RV_S(5));
	sim_run(p->sim, RV_S(5));
	assert_int_equal(child_of(p->west)->spi_in, spi);
	pair_free(p);
}

/* A new address that the peer was told of while nothing moved */
static void later_addresses_are_told(void **state)
{
	const struct want want = { .west = "dpd_delay = 5s" };
	struct pair *p = mobile_pair(&want);

	bring_up(p);
	sim_run(p->sim, RV_S(1));
	sim_address(p->east, "10.0.0.12", true);
	sim_run(p->sim, RV_S(1));
	p->east->dead = addr_of("10.0.0.2");
	await(p, "10.0.0.1", "10.0.0.12", NULL, RV_S(60));
	pair_free(p);
}

/* "return routability check": who says that it is elsewhere must answer there */
static void traffic_goes_to_a_new_address_when_it_answered(void **state)
{
	static const struct {
		const char *settings;
		bool moves;
	} rows[] = { { NULL, false }, { "ikev2-mobike { return_routability = no }", true } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct want want = { .east_settings = rows[i].settings };
		struct pair *p = mobile_pair(&want);

		bring_up(p);
		sim_address(p->west, "10.0.0.7", true);
		sim_address(p->west, "10.0.0.1", false);
		sim_run(p->sim, 203000); /* the update is on its way */
		p->west->down = true;
		sim_run(p->sim, RV_S(10));
		assert_true(all_at(p->east, "10.0.0.2", rows[i].moves ? "10.0.0.7" : "10.0.0.1"));
		p->west->down = false;
		await(p, "10.0.0.7", "10.0.0.2", NULL, RV_S(60));
		pair_free(p);
	}
}

static void a_nat_that_appears_after_a_move_is_seen(void **state)
{
	struct pair *p = mobile_pair(NULL);

	bring_up(p);
	sim_address(p->west, "192.168.1.2", true);
	p->west->nat = addr_of("192.0.2.1:20000");
	sim_address(p->west, "10.0.0.1", false);
	await(p, "192.168.1.2", "10.0.0.2", "192.0.2.1", RV_S(5));
	sim_run(p->sim, RV_S(1));
	assert_true(child_of(p->west)->encap && child_of(p->east)->encap);
	assert_true(peer_of(p->west)->path.behind_nat && peer_of(p->east)->path.remote_nat);
	assert_false(peer_of(p->west)->path.remote_nat || peer_of(p->east)->path.behind_nat);

	/* and gone again */
	p->west->nat = (struct rv_addr){ 0 };
	sim_address(p->west, "10.0.0.1", true);
	sim_address(p->west, "192.168.1.2", false);
	await(p, "10.0.0.1", "10.0.0.2", NULL, RV_S(5));
	sim_run(p->sim, RV_S(1));
	assert_false(child_of(p->west)->encap || child_of(p->east)->encap);
	assert_false(peer_of(p->west)->path.behind_nat || peer_of(p->east)->path.remote_nat);
	pair_free(p);
}

static bool at_30001(void *arg)
{
	return peer_of(((struct pair *)arg)->east)->path.remote.port == 30001;
}

/* RFC 4555, 3.8: not the message moves the peer, but the update that its answer brings about */
static void a_new_mapping_is_found_by_liveness_checks(void **state)
{
	const struct want want = { .west = "dpd_delay = 5s" };
	struct pair *p = mobile_pair(&want);
	const struct rv_addr elsewhere = addr_of("203.0.113.1:4500"), port = addr_of("192.0.2.1:777");

	p->west->nat = addr_of("192.0.2.1:20000");
	bring_up(p);
	sim_run(p->sim, RV_S(6)); /* one check has seen the first mapping */
	p->west->nat.port = 30000;
	assert_true(sim_until(p->sim, at_30001, p, RV_S(20)));
	sim_run(p->sim, RV_S(1));
	assert_true(carries(p));

	/* ESP is followed to another port, not to another host */
	sim_mapping(p->east, child_of(p->east)->spi_in, &elsewhere);
	assert_true(rv_addr_same_ip(&peer_of(p->east)->path.remote, &port));
	sim_mapping(p->east, child_of(p->east)->spi_in, &port);
	assert_int_equal(peer_of(p->east)->path.remote.port, 777);
	pair_free(p);
}

static void addresses_that_are_not_allowed_are_refused(void **state)
{
	const struct want want = { .east = "mobike_addrs = 10.0.0.0/24, fd00::/64" };
	struct pair *p = mobile_pair(&want);

	bring_up(p);
	sim_address(p->west, "172.16.0.1", true);
	sim_address(p->west, "10.0.0.1", false);
	sim_run(p->sim, RV_S(5));
	assert_true(all_at(p->east, "10.0.0.2", "10.0.0.1"));
	/* an allowed one is taken */
	sim_address(p->west, "10.0.0.9", true);
	sim_address(p->west, "172.16.0.1", false);
	await(p, "10.0.0.9", "10.0.0.2", NULL, RV_S(5));
	pair_free(p);
}

static unsigned n_sent;

static bool count(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	n_sent += from == arg;
	return false;
}

static void a_nat_is_refused_where_none_is_allowed(void **state)
{
	const struct want want = { .west = "encap = never", .east = "encap = never" };
	struct pair *p = mobile_pair(&want);

	bring_up(p);
	sim_address(p->west, "192.168.1.2", true);
	p->west->nat = addr_of("192.0.2.1:500");
	n_sent = 0;
	sim_tap(p->sim, count, p->west);
	sim_address(p->west, "10.0.0.1", false);
	sim_run(p->sim, RV_S(5));
	assert_int_equal(n_sent, 5); /* it is tried several times */
	assert_true(all_at(p->east, "10.0.0.2", "10.0.0.1"));
	p->west->nat = (struct rv_addr){ 0 };
	sim_address(p->west, "10.0.0.8", true);
	sim_address(p->west, "192.168.1.2", false);
	await(p, "10.0.0.8", "10.0.0.2", NULL, RV_S(5));
	pair_free(p);

	/* the first IKE_AUTH request already says it */
	p = mobile_pair(&want);
	p->west->nat = addr_of("192.0.2.1:500");
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_true(attempt->code);
	assert_says(attempt, "UNEXPECTED_NAT_DETECTED");
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* A peer that answers with another cookie */

enum { COOKIE2 = 16401 };

static int wrong_cookie(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes data;

	if (rv_ike_role(x) == RV_IKE_RESPONDER && rv_ike_notify(x, COOKIE2, 0, &data))
		return rv_ike_add_notify(x, COOKIE2, RV_STR("another cookie"));
	return 0;
}

static const struct rv_ike_task liar_tasks[] = { { RV_IKE_AT_READ, 37, wrong_cookie } };
static const struct rv_ikev2_ext_ops liar_ops = { .size = sizeof(liar_ops), .tasks = liar_tasks, .n_tasks = 1 };

static int liar_init(struct rv_host *host)
{
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "liar" }, &liar_ops, NULL);
}

RV_PLUGIN(ikev2_liar, "ikev2-liar", "version=1\0summary=A liar for the test\0provides=ikev2-ext:liar\0",
	  .init = liar_init);

static void a_wrong_cookie_ends_the_session(void **state)
{
	static const struct sim_plugin liar = { "ikev2-liar", &rv_plugin_ikev2_liar };
	const struct want want = { .east_first = &liar };
	struct pair *p = mobile_pair(&want);

	bring_up(p);
	sim_address(p->west, "10.0.0.7", true);
	sim_address(p->west, "10.0.0.1", false);
	sim_run(p->sim, RV_S(2));
	assert_int_equal(n_peers(p->west), 0);
	pair_free(p);
}

static void it_survives_rekeys_of_the_ike_sa(void **state)
{
	struct pair *p = mobile_pair(NULL);

	bring_up(p);
	for (int i = 0; i < 2; i++) {
		struct sim_host *host = i ? p->east : p->west;
		struct rv_peer *peer = peer_of(host);
		const struct rv_keying_ops *keying = rv_service_ops(peer->keying.service);
		const void *old = peer->sa;

		assert_int_equal(keying->rekey(rv_service_self(peer->keying.service), peer), 0);
		sim_run(p->sim, RV_S(5));
		assert_ptr_not_equal(peer_of(host)->sa, old);
		sim_address(p->west, i ? "10.0.0.8" : "10.0.0.7", true);
		sim_address(p->west, i ? "10.0.0.7" : "10.0.0.1", false);
		await(p, i ? "10.0.0.8" : "10.0.0.7", "10.0.0.2", NULL, RV_S(5));
	}
	pair_free(p);
}

/* West forgets its session and learns it from a pack, as another daemon would. */
static void forget_and_learn(struct pair *p)
{
	static const uint8_t key[32] = { 1 };
	struct rv_why why = { 0 };
	unsigned n = 0;
	size_t len = 0;
	uint8_t *sealed = rv_core_pack(p->west->core, p, rv_bytes(key, sizeof(key)), &len, &n);

	assert_non_null(sealed);
	assert_int_equal(n, 1);
	rv_peer_down(peer_of(p->west), 0, NULL);
	assert_int_equal(rv_core_unpack(p->west->core, rv_bytes(key, sizeof(key)), rv_bytes(sealed, len), &n, &why), 0);
}

static void it_goes_along_with_a_packed_session(void **state)
{
	const struct want want = { .west = "dpd_delay = 5s" };
	struct pair *p = mobile_pair(&want);

	sim_address(p->east, "10.0.0.12", true);
	bring_up(p);
	forget_and_learn(p);
	sim_address(p->west, "10.0.0.7", true);
	sim_address(p->west, "10.0.0.1", false);
	await(p, "10.0.0.7", "10.0.0.2", NULL, RV_S(5));
	/* the peer's further addresses as well */
	p->east->dead = addr_of("10.0.0.2");
	await(p, "10.0.0.7", "10.0.0.12", NULL, RV_S(60));
	pair_free(p);
}

static void moves_come_through_a_bad_network(void **state)
{
	struct pair *p = mobile_pair(NULL);

	bring_up(p);
	sim_net(p->sim, &(struct sim_net){ .loss = 20, .twice = 10, .delay_min_us = 1000, .delay_max_us = 200000 });
	for (int i = 0; i < 10; i++) {
		const char *to = i % 2 ? "10.0.0.1" : "10.0.0.7", *from = i % 2 ? "10.0.0.7" : "10.0.0.1";

		sim_address(p->west, to, true);
		sim_address(p->west, from, false);
		await(p, to, "10.0.0.2", NULL, RV_S(120));
	}
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_go_to_port_4500),
		cmocka_unit_test(the_initiator_moves_with_all_child_sas),
		cmocka_unit_test(an_address_may_come_late),
		cmocka_unit_test(without_it_a_session_stays_where_it_was),
		cmocka_unit_test(a_dead_path_is_left_for_another_one),
		cmocka_unit_test(from_ipv4_to_ipv6_and_back),
		cmocka_unit_test(the_responder_moves_itself_when_it_must),
		cmocka_unit_test(transport_mode_is_made_anew_after_a_move),
		cmocka_unit_test(later_addresses_are_told),
		cmocka_unit_test(traffic_goes_to_a_new_address_when_it_answered),
		cmocka_unit_test(a_nat_that_appears_after_a_move_is_seen),
		cmocka_unit_test(a_new_mapping_is_found_by_liveness_checks),
		cmocka_unit_test(addresses_that_are_not_allowed_are_refused),
		cmocka_unit_test(a_nat_is_refused_where_none_is_allowed),
		cmocka_unit_test(a_wrong_cookie_ends_the_session),
		cmocka_unit_test(it_survives_rekeys_of_the_ike_sa),
		cmocka_unit_test(it_goes_along_with_a_packed_session),
		cmocka_unit_test(moves_come_through_a_bad_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-mapping: NATs on the way: transport mode through them, and mappings that change (RFC 7296, 2.23 and 2.23.1). */
#include "pair.h"

#include "exchange.h"
#include "requests.h"

#define DYNAMIC .local_ts = "dynamic", .remote_ts = "dynamic"

static struct rv_addr addr_of(const char *text)
{
	struct rv_addr addr;

	assert_int_equal(rv_addr_parse(&addr, text), 0);
	return addr;
}

static void assert_ts(const struct rv_child *child, const char *local, const char *remote)
{
	char text[RV_TS_TEXT];

	assert_int_equal(child->n_local_ts, 1);
	assert_int_equal(child->n_remote_ts, 1);
	assert_string_equal(rv_ts_text(&child->ts[0], text), local);
	assert_string_equal(rv_ts_text(&child->ts[1], text), remote);
}

/* west behind a NAT, and when east_nat is given, east behind one that leads to it. */
static struct pair *nat_pair(const struct side *west, const struct side *east, const char *east_nat)
{
	struct pair *p = pair_new(west, east);

	p->west->nat = addr_of("192.0.2.1:20000");
	if (east_nat)
		p->east->nat = addr_of(east_nat);
	return p;
}

static struct sim_sa *sa_of(struct sim_host *host, uint8_t dir)
{
	struct sim_sa *found = NULL;

	rv_list_each (&host->sas, sa, struct sim_sa, entry)
		if (sa->spec.dir == dir)
			found = sa;
	assert_non_null(found);
	return found;
}

static void assert_peer_at(const struct rv_peer *peer, const char *text)
{
	char at[RV_ADDR_TEXT];

	assert_string_equal(rv_addr_text(&peer->path.remote, at), text);
}

static void transport_mode_passes_a_nat(void **state)
{
	static const struct {
		const char *east_nat, *east_outside;
	} rows[] = { { NULL, "10.0.0.2" }, { "198.51.100.2:500", "198.51.100.2" } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct side west = { DYNAMIC, .child = "mode = transport", .remote_addr = rows[i].east_outside };
		const struct side east = { DYNAMIC, .child = "mode = transport", .remote_addr = "%any" };
		struct pair *p = nat_pair(&west, &east, rows[i].east_nat);
		struct rv_attempt *attempt = try_up(p, "net", RV_S(10));
		char remote[RV_TS_TEXT];

		if (attempt->code)
			tell(attempt);
		assert_int_equal(attempt->code, 0);
		rv_attempt_drop(attempt);
		snprintf(remote, sizeof(remote), "%s/32", rows[i].east_outside);
		assert_int_equal(child_of(p->west)->mode, RV_TRANSPORT);
		assert_ts(child_of(p->west), "10.0.0.1/32", remote);
		assert_ts(child_of(p->east), "10.0.0.2/32", "192.0.2.1/32");
		assert_true(child_of(p->west)->encap && child_of(p->east)->encap);

		/* a rekey from each side comes to the same */
		uint32_t spi = child_of(p->west)->spi_in;

		assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
		sim_run(p->sim, RV_S(10));
		assert_int_not_equal(child_of(p->west)->spi_in, spi);
		assert_int_equal(ike_child_rekey(child_of(p->east)), 0);
		sim_run(p->sim, RV_S(10));
		assert_int_equal(sim_n_sas(p->west), 2);
		assert_ts(child_of(p->west), "10.0.0.1/32", remote);
		assert_ts(child_of(p->east), "10.0.0.2/32", "192.0.2.1/32");
		pair_free(p);
	}
}

/* RFC 7296, 2.23.1: "it MUST use exactly one IP address in the TSi and TSr payloads", whatever the child's selectors
 * and however wide the peer's are; those of the session. Without a NAT the child's own are offered. */
static void transport_mode_through_a_nat_offers_one_address(void **state)
{
	const struct side side[] = {
		{ .child = "mode = transport", .local_ts = "10.0.0.0/24", .remote_ts = "10.0.0.0/24" },
		{ .child = "mode = transport",
		  .local_ts = "0.0.0.0/0",
		  .remote_ts = "0.0.0.0/0",
		  .remote_addr = "%any" },
	};

	for (unsigned nat = 0; nat < 2; nat++) {
		struct pair *p = nat ? nat_pair(&side[0], &side[1], NULL) : pair_new(&side[0], &side[1]);
		struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

		assert_int_equal(attempt->code, 0);
		rv_attempt_drop(attempt);
		assert_ts(child_of(p->west), nat ? "10.0.0.1/32" : "10.0.0.0/24", nat ? "10.0.0.2/32" : "10.0.0.0/24");
		assert_ts(child_of(p->east), nat ? "10.0.0.2/32" : "10.0.0.0/24", nat ? "192.0.2.1/32" : "10.0.0.0/24");
		pair_free(p);
	}
}

/* "undo the Traffic Selector substitutions" and look for tunnel mode: with the addresses as the peer has them */
static void without_transport_mode_the_peers_own_addresses_count(void **state)
{
	const struct side west = { DYNAMIC, .child = "mode = transport" };
	const struct side east = { .local_ts = "dynamic", .remote_ts = "10.0.0.0/24", .remote_addr = "%any" };
	const struct side other = { .local_ts = "dynamic", .remote_ts = "192.0.2.0/24", .remote_addr = "%any" };
	struct pair *p = nat_pair(&west, &east, NULL);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_says(attempt, "the peer wants tunnel mode, we want transport mode");
	rv_attempt_drop(attempt);
	pair_free(p);

	p = nat_pair(&west, &other, NULL);
	attempt = try_up(p, "net", RV_S(10));
	assert_int_equal(attempt->code, -RV_ETS_UNACCEPTABLE);
	rv_attempt_drop(attempt);
	pair_free(p);
}

static bool moved_to_30001(void *arg)
{
	const struct rv_peer *peer = peer_of(((struct pair *)arg)->east);

	return peer && peer->path.remote.port == 30001;
}

static void a_new_mapping_is_followed_from_messages(void **state)
{
	const struct side west = { .connection = "dpd_delay = 5s" }, east = { .remote_addr = "%any" };
	struct pair *p = nat_pair(&west, &east, NULL);

	bring_up(p);
	assert_peer_at(peer_of(p->east), "192.0.2.1:20001");
	p->west->nat.port = 30000;
	assert_true(sim_until(p->sim, moved_to_30001, p, RV_S(20)));
	assert_int_equal(sa_of(p->east, RV_OUT)->spec.dst.port, 30001);
	assert_int_equal(sa_of(p->east, RV_IN)->spec.src.port, 30001);
	assert_true(carries(p));
	/* the answer reached west by the new mapping, and nothing else was sent again for it */
	sim_run(p->sim, RV_S(20));
	assert_int_equal(n_peers(p->west), 1);
	pair_free(p);
}

static void a_new_mapping_is_followed_from_esp(void **state)
{
	const struct side east = { .remote_addr = "%any" };
	const struct rv_addr there = addr_of("192.0.2.7:777"), elsewhere = addr_of("203.0.113.1:4500");
	struct pair *p = nat_pair(NULL, &east, NULL);

	bring_up(p);
	sim_mapping(p->east, child_of(p->east)->spi_in, &there);
	assert_peer_at(peer_of(p->east), "192.0.2.7:777");
	assert_true(rv_addr_same(&sa_of(p->east, RV_OUT)->spec.dst, &there));
	/* "A host behind a NAT SHOULD NOT do this type of dynamic address update" */
	sim_mapping(p->west, child_of(p->west)->spi_in, &elsewhere);
	assert_peer_at(peer_of(p->west), "10.0.0.2:4500");
	assert_int_equal(sa_of(p->west, RV_OUT)->spec.dst.port, 4500);
	pair_free(p);
}

static void without_a_nat_nobody_is_followed(void **state)
{
	const struct rv_addr elsewhere = addr_of("203.0.113.1:4500");
	struct pair *p = pair_new(NULL, NULL);

	bring_up(p);
	sim_mapping(p->east, child_of(p->east)->spi_in, &elsewhere);
	assert_peer_at(peer_of(p->east), "10.0.0.1:500");
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transport_mode_passes_a_nat),
		cmocka_unit_test(transport_mode_through_a_nat_offers_one_address),
		cmocka_unit_test(without_transport_mode_the_peers_own_addresses_count),
		cmocka_unit_test(a_new_mapping_is_followed_from_messages),
		cmocka_unit_test(a_new_mapping_is_followed_from_esp),
		cmocka_unit_test(without_a_nat_nobody_is_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

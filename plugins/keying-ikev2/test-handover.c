// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-handover: a session goes into a pack and comes back in the same place, as for a restart or another node. */
#include "pair.h"

#include "exchange.h"
#include "requests.h"

#include <ravelin/pack.h>

static const uint8_t key[32] = { 7 };

/* West's daemon forgets everything without a word to east, and learns it again from the pack. */
static void forget_and_learn(struct pair *p)
{
	struct rv_why why = { 0 };
	unsigned n = 0;
	size_t len;
	uint8_t *sealed = rv_core_pack(p->west->core, p, rv_bytes(key, sizeof(key)), &len, &n);

	assert_non_null(sealed);
	assert_int_equal(n, 1);
	rv_peer_down(peer_of(p->west), 0, NULL);
	assert_int_equal(n_peers(p->west), 0);
	assert_int_equal(sim_n_sas(p->west), 0);
	n = 0;
	if (rv_core_unpack(p->west->core, rv_bytes(key, sizeof(key)), rv_bytes(sealed, len), &n, &why))
		fail_msg("%s", why.text);
	assert_int_equal(n, 1);
}

static void a_session_goes_on_after_a_pack(void **state)
{
	static const struct {
		const char *what, *proposals;
	} rows[] = { { "aead", "aes128gcm16-prfsha256-x25519" }, { "cipher and mac", "aes256-sha512-ecp256" } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct side side = { .proposals = rows[i].proposals };
		struct pair *p = pair_new(&side, &side);

		bring_up(p);
		struct rv_ike_sa *sa = peer_of(p->west)->sa;
		uint64_t spi = sa->spi_i, iv = sa->iv;
		uint32_t out = sa->next_out, child = child_of(p->west)->spi_in;

		forget_and_learn(p);
		sa = peer_of(p->west)->sa;
		assert_int_equal(sa->spi_i, spi);
		assert_int_equal(sa->next_out, out);
		assert_true(sa->iv > iv); /* no IV is used twice under one key */
		assert_int_equal(child_of(p->west)->spi_in, child);
		assert_true(pair_up(p));
		for (int side_of = 0; side_of < 2; side_of++) {
			struct sim_host *host = side_of ? p->west : p->east;

			assert_int_equal(ike_child_rekey(child_of(host)), 0);
			sim_run(p->sim, RV_S(1));
			assert_int_equal(ike_rekey(peer_of(host)->sa), 0);
			sim_run(p->sim, RV_S(1));
			assert_true(pair_up(p));
			forget_and_learn(p);
			assert_true(pair_up(p));
		}
		assert_true(child_of(p->west)->spi_in != child);
		assert_int_equal(ike_delete(peer_of(p->east)->sa), 0);
		assert_true(sim_until(p->sim, pair_down, p, RV_S(5)));
		pair_free(p);
	}
}

static bool drop_answer(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	unsigned *left = arg;

	if (!(message[19] & IKE_FLAG_RESPONSE) || !*left)
		return false;
	--*left;
	return true;
}

/* the last answer travels along: a request that was answered into the void gets it from whoever unpacked it */
static void the_last_answer_is_in_the_pack(void **state)
{
	struct pair *p = pair_new(NULL, NULL);
	unsigned left = 1;

	bring_up(p);
	sim_tap(p->sim, drop_answer, &left);
	assert_int_equal(ike_liveness(peer_of(p->east)->sa), 0);
	sim_run(p->sim, RV_S(1));
	assert_int_equal(left, 0);
	forget_and_learn(p);
	sim_run(p->sim, RV_S(10));
	assert_true(rv_list_empty(&((struct rv_ike_sa *)peer_of(p->east)->sa)->requests));
	assert_true(pair_up(p));
	pair_free(p);
}

/* Every octet of the keying protocol's own part cut away or changed: no session, no crash, nothing left. */
static void a_damaged_pack_makes_nothing(void **state)
{
	struct pair *p = pair_new(NULL, NULL);
	struct rv_pack *pack;
	struct rv_bytes octets;

	bring_up(p);
	struct rv_peer *peer = peer_of(p->east);
	struct rv_ike_sa *sa = peer->sa;
	struct ike_engine *engine = sa->engine;

	pack = rv_pack_new(p);
	assert_int_equal(ike_keying_ops.pack(engine, peer, pack), 0);
	assert_true(rv_pack_done(pack, &octets));
	uint8_t *copy = talloc_memdup(p, octets.p, octets.len);

	assert_non_null(copy);
	ike_sa_end(sa, 0, NULL);
	for (size_t len = 0; len < octets.len; len++) {
		struct rv_path path = { .local = p->east->addr, .remote = p->west->addr };
		struct rv_peer *fresh = rv_peer_new(engine->host, NULL, &path, false);
		struct rv_unpack in = rv_unpack(rv_bytes(copy, len));

		assert_non_null(fresh);
		if (!ike_keying_ops.unpack(engine, fresh, &in))
			assert_non_null(fresh->sa); /* cut behind all that must be there */
		rv_peer_down(fresh, 0, NULL);
		assert_int_equal(engine->sas.n, 0);
	}
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_goes_on_after_a_pack),
		cmocka_unit_test(the_last_answer_is_in_the_pack),
		cmocka_unit_test(a_damaged_pack_makes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

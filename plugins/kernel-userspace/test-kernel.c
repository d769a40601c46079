// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-kernel: policies, traps, SAs and devices as the service's callers see them, without threads. */
#include "test-rig.h"

#include "trap.h"

#include <malloc.h>
#include <ravelin/pack.h>

static void limits_are_told_once_and_kept(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = plain;
	uint8_t p[60];

	sa.packets_soft = 3;
	sa.packets_hard = 5;
	tunnel(pair, &sa);
	for (int i = 1; i <= 8; i++) {
		rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60));
		mini_settle(pair->west->core);
		assert_int_equal(pair->west->n_expire, i < 3 ? 0 : i < 5 ? 1 : 2);
		assert_int_equal(pair->west->event_hard, i >= 5);
	}
	assert_int_equal(pair->west->event_id, sa.spi + 1); /* the child SA's id in a rig */
	assert_int_equal(pair->west->wire[1].n, 5);
}

static void octets_are_limited_too(void **state)
{
	struct pair *pair = *state;
	struct rig_sa sa = plain;
	uint8_t p[60];

	sa.bytes_hard = 180;
	tunnel(pair, &sa);
	for (int i = 0; i < 5; i++)
		rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60));
	assert_int_equal(pair->west->wire[1].n, 3);
}

static void policies_decide_by_priority(void **state)
{
	struct pair *pair = *state;
	struct rig *west = pair->west;
	uint8_t p[60];

	tunnel(pair, &plain);
	assert_int_equal(rig_policy(west, "10.1.0.9", "10.2.0.0/16", RV_DROP, 0, false), 0);
	assert_int_equal(rig_policy(west, "10.1.0.9", "10.2.0.0/16", RV_DROP, 0, false), -RV_EEXISTS);
	rig_clear(west, 0, p, rig_packet(p, "10.1.0.9", "10.2.0.1", 1, 2, 60));
	assert_int_equal(west->wire[1].n, 1); /* of one priority: the older policy */
	struct rv_policy_spec spec = {
		.action = RV_DROP, .priority = 5, .local_ts = rig_ts("10.1.0.8/30"), .remote_ts = rig_ts("10.0.0.0/8")
	};
	struct rv_call call;
	assert_int_equal(west->ops->policy_add(west->self, &spec, &call), 0);
	rig_clear(west, 0, p, 60);
	assert_int_equal(west->wire[1].n, 1);
	assert_int_equal(west->u->db.dropped[RV_DROP_POLICY], 1);
	assert_int_equal(west->ops->policy_del(west->self, &spec), 0);
	assert_int_equal(west->ops->policy_del(west->self, &spec), -ENOENT);
	rig_clear(west, 0, p, 60);
	assert_int_equal(west->wire[1].n, 2);
	rig_clear(west, 0, p, rig_packet(p, "10.9.0.9", "10.2.0.1", 1, 2, 60));
	assert_int_equal(west->u->db.dropped[RV_DROP_NO_POLICY], 1);
	rig_clear(west, 0, p, 19);
	assert_int_equal(west->u->db.dropped[RV_DROP_MALFORMED], 1);
	uint64_t dropped[RV_N_DROPS], sum = 0;
	assert_int_equal(west->ops->dropped(west->self, dropped), 0);
	for (size_t i = 0; i < RV_N_DROPS; i++)
		sum += dropped[i];
	assert_int_equal(dropped[RV_DROP_POLICY] + dropped[RV_DROP_NO_POLICY] + dropped[RV_DROP_MALFORMED], 3);
	assert_int_equal(sum, 3);
}

static void a_trap_asks_once_and_keeps_the_first_packets(void **state)
{
	struct pair *pair = *state;
	struct rig *west = pair->west;
	struct rig_sa in = plain;
	uint8_t p[60];

	assert_int_equal(rig_policy(west, plain.local, plain.remote, RV_TUNNEL, plain.reqid, true), 0);
	for (uint16_t i = 0; i < HELD_PACKETS + 2; i++)
		rig_clear(west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 100, (uint16_t)(200 + i), 60));
	mini_settle(west->core);
	assert_int_equal(west->n_acquire, 1);
	assert_int_equal(west->event_id, plain.reqid);
	char text[RV_TS_TEXT];
	assert_string_equal(rv_ts_text(&west->event_local, text), "10.1.0.1/32[udp/100]");
	assert_string_equal(rv_ts_text(&west->event_remote, text), "10.2.0.1/32[udp/200]");
	assert_int_equal(west->wire[1].n, 0);
	assert_int_equal(west->u->db.dropped[RV_DROP_NO_SA], 2);
	rig_lane(west)->now_us += 1000000;
	rig_clear(west, 0, p, 60);
	mini_settle(west->core);
	assert_int_equal(west->n_acquire, 2);

	assert_int_equal(rig_add(west, &plain), 0);
	in.in = true;
	in.local = plain.remote;
	in.remote = plain.local;
	assert_int_equal(rig_add(pair->east, &in), 0);
	struct worker *w = &west->u->workers[0];
	assert_non_null(w->held);
	trap_release(&w->lane, w->held);
	w->held = NULL;
	rig_carry(west, pair->east);
	assert_int_equal(pair->east->clear[0].n, HELD_PACKETS);
	for (uint16_t i = 0; i < HELD_PACKETS; i++)
		assert_int_equal(ip_u16(pair->east->clear[0].caught[i].data + 22), 200 + i);
	assert_int_equal(west->u->db.held_octets, 0);
}

/* What waited too long makes room for what comes now. */
static void old_packets_that_were_held_make_room(void **state)
{
	struct pair *pair = *state;
	struct rig *west = pair->west;
	uint8_t p[60];

	assert_int_equal(rig_policy(west, plain.local, plain.remote, RV_TUNNEL, plain.reqid, true), 0);
	for (uint16_t i = 0; i < HELD_PACKETS; i++)
		rig_clear(west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 100, 200, 60));
	rig_lane(west)->now_us += 31000000;
	rig_clear(west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 100, 201, 60));
	assert_int_equal(west->u->db.dropped[RV_DROP_NO_SA], HELD_PACKETS);
	assert_int_equal(west->u->db.held_octets, 60);
	rig_clear(west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 100, 202, 60));
	assert_int_equal(rig_add(west, &plain), 0);
	struct worker *w = &west->u->workers[0];
	assert_non_null(w->held);
	trap_release(&w->lane, w->held);
	w->held = NULL;
	assert_int_equal(west->wire[1].n, 2);
	assert_int_equal(west->u->db.held_octets, 0);
}

static void held_packets_are_bounded_by_octets_and_go_with_the_policy(void **state)
{
	struct pair *pair = *state;
	struct rig *west = pair->west;
	uint8_t *p = malloc(40000);

	assert_non_null(p);
	assert_int_equal(rig_policy(west, plain.local, plain.remote, RV_TUNNEL, plain.reqid, true), 0);
	for (int i = 0; i < 3; i++)
		rig_clear(west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 100, 200, 32768));
	assert_int_equal(west->u->db.dropped[RV_DROP_NO_SA], 1);
	assert_int_equal(west->u->db.held_octets, 65536);
	assert_int_equal(west->ops->flush(west->self), 0);
	assert_int_equal(west->u->db.held_octets, 0);
	free(p);
}

static void without_a_trap_nothing_leaks(void **state)
{
	struct pair *pair = *state;
	uint8_t p[60];

	assert_int_equal(rig_policy(pair->west, plain.local, plain.remote, RV_TUNNEL, plain.reqid, false), 0);
	rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60));
	assert_int_equal(pair->west->wire[0].n + pair->west->wire[1].n, 0);
	assert_int_equal(pair->west->u->db.dropped[RV_DROP_NO_SA], 1);
}

static void the_newest_sa_of_a_reqid_seals(void **state)
{
	struct pair *pair = *state;
	struct rig *west = pair->west;
	struct rig_sa next = plain;
	uint8_t p[60];

	tunnel(pair, &plain);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60);
	next.spi = 0x7654321;
	assert_int_equal(rig_add(west, &next), 0);
	assert_int_equal(rig_add(west, &next), -RV_EEXISTS);
	rig_clear(west, 0, p, 60);
	assert_int_equal(ip_u32(west->wire[1].caught[0].data), 0x7654321);
	struct rv_addr peer = rig_addr(plain.dst), other = rig_addr("192.0.2.9:4500");
	assert_int_equal(west->ops->sa_del(west->self, next.spi, RV_OUT, &other), -ENOENT);
	assert_int_equal(west->ops->sa_del(west->self, next.spi, RV_OUT, &peer), 0);
	rig_clear(west, 0, p, 60);
	assert_int_equal(ip_u32(west->wire[1].caught[1].data), plain.spi);

	/* a peer of the same SPI is another SA; selectors choose between them */
	next = plain;
	next.dst = "192.0.2.9:4500";
	next.remote = "10.2.0.2";
	assert_int_equal(rig_add(west, &next), 0);
	rig_clear(west, 0, p, 60);
	assert_true(rv_addr_same(&west->wire[1].caught[2].remote, &peer));
	rig_clear(west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.2", 1, 2, 60));
	assert_true(rv_addr_same(&west->wire[1].caught[3].remote, &other));
}

static void a_peer_that_moved_is_reported(void **state)
{
	struct pair *pair = *state;
	struct rig *east = pair->east;
	struct rv_addr src = rig_addr("192.0.2.77:1025"), dst = rig_addr(plain.dst), old = rig_addr(plain.src);
	uint8_t p[60];

	tunnel(pair, &plain);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60);
	rig_clear(pair->west, 0, p, 60);
	rig_carry(pair->west, east);
	mini_settle(east->core);
	assert_int_equal(east->n_mapping, 0);
	for (int i = 0; i < 3; i++) {
		rig_clear(pair->west, 0, p, 60);
		pair->west->wire[1].caught[0].local = src;
		rig_carry(pair->west, east);
	}
	mini_settle(east->core);
	assert_int_equal(east->n_mapping, 1); /* once a second */
	assert_int_equal(east->event_id, plain.spi);
	assert_true(rv_addr_same(&east->event_addr, &src));

	struct rv_call call;
	assert_int_equal(east->ops->sa_update(east->self, plain.spi, RV_IN, &old, &src, &dst, true, &call), 0);
	assert_int_equal(east->ops->sa_update(east->self, 9999, RV_IN, &old, &src, &dst, true, &call), -ENOENT);
	rig_lane(east)->now_us += 2000000;
	rig_clear(pair->west, 0, p, 60);
	pair->west->wire[1].caught[0].local = src;
	rig_carry(pair->west, east);
	mini_settle(east->core);
	assert_int_equal(east->n_mapping, 1);

	/* the west is told where the east went */
	struct rv_addr moved = rig_addr("192.0.2.99:4501");
	assert_int_equal(
		pair->west->ops->sa_update(pair->west->self, plain.spi, RV_OUT, &dst, &old, &moved, true, &call), 0);
	rig_clear(pair->west, 0, p, 60);
	assert_true(rv_addr_same(&pair->west->wire[1].caught[0].remote, &moved));
}

static void a_state_moves_to_another_kernel(void **state)
{
	struct pair *pair = *state;
	struct rv_pack *pack = rv_pack_new(NULL);
	struct rv_bytes octets, value;
	uint64_t sequence = 0;
	uint16_t tag;
	uint8_t p[60];

	tunnel(pair, &plain);
	for (int i = 0; i < 5; i++)
		rig_clear(pair->west, 0, p, rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60));
	rig_carry(pair->west, pair->east);
	for (int in = 0; in < 2; in++) {
		struct rig *rig = in ? pair->east : pair->west;
		TALLOC_FREE(pack);
		pack = rv_pack_new(NULL);
		assert_int_equal(rig->ops->pack(rig->self, plain.spi, in ? RV_IN : RV_OUT, NULL, pack), 0);
		assert_true(rv_pack_done(pack, &octets));
		struct rv_unpack u = rv_unpack(octets);
		size_t key_len = 0;
		while (rv_unpack_next(&u, &tag, &value)) {
			if (tag == RV_SA_SEQUENCE)
				sequence = rv_unpack_u64(&u, value);
			if (tag == RV_SA_ENCR_KEY)
				key_len = value.len;
		}
		assert_true(rv_unpack_done(&u));
		assert_int_equal(sequence, 5);
		assert_int_equal(key_len, 20);
	}
	talloc_free(pack);

	/* the window of the copy takes nothing of before, and all that comes */
	struct rig *north = rig_new();
	struct rig_sa in = plain;
	in.in = true;
	in.local = plain.remote;
	in.remote = plain.local;
	in.sequence = 6;
	assert_int_equal(rig_add(north, &in), 0);
	for (int i = 0; i < 3; i++)
		rig_clear(pair->west, 0, p, 60);
	rig_carry(pair->west, north);
	assert_int_equal(north->clear[0].n, 2);
	assert_int_equal(rig_dropped(north, plain.spi, true, RV_DROP_REPLAY), 1);
	rig_free(north);
}

static void a_bad_sa_is_refused_and_leaves_nothing(void **state)
{
	struct pair *pair = *state;
	struct rig *west = pair->west;
	struct rv_ts ts = rig_ts("10.0.0.0/8");
	uint8_t key[20] = { 1 };
	struct rv_sa_spec good = { .dir = RV_OUT,
				   .mode = RV_TUNNEL,
				   .protocol = RV_PROTO_ESP,
				   .spi = 256,
				   .src = rig_addr("192.0.2.1"),
				   .dst = rig_addr("192.0.2.2"),
				   .replay_window = 4096,
				   .local_ts = &ts,
				   .remote_ts = &ts,
				   .n_local_ts = 1,
				   .n_remote_ts = 1,
				   .encr_key = rv_bytes(key, 20) };
	struct rv_why why = { 0 };
	struct rv_call call;

	assert_int_equal(rv_proposal_parse(west->core->registry, RV_PROTO_ESP, "aes128gcm16", &good.chosen, &why), 0);
	for (int i = 0; i < 10; i++) {
		struct rv_sa_spec bad = good;
		bad.protocol = i == 0 ? RV_PROTO_AH : RV_PROTO_ESP;
		bad.mode = i == 1 ? RV_PASS : RV_TUNNEL;
		bad.spi = i == 2 ? 255 : 256;
		bad.replay_window = i == 3 ? 4097 : 4096;
		bad.n_local_ts = i == 4 ? 0 : 1;
		bad.encr_key.len = i == 5 ? 19 : i == 6 ? 0 : 20;
		bad.encap = i == 7;
		bad.src = i == 8 ? rig_addr("2001:db8::1") : good.src;
		bad.dst = i == 9 ? rig_addr("0.0.0.0") : good.dst;
		assert_int_equal(west->ops->sa_add(west->self, &bad, &call), -EINVAL);
	}
	assert_null(table_get(&west->u->db.out, 256));
	assert_int_equal(west->ops->sa_add(west->self, &good, &call), 0);
	assert_int_equal(west->ops->sa_del(west->self, 256, RV_OUT, NULL), 0);
	assert_int_equal(west->ops->sa_del(west->self, 256, RV_OUT, NULL), -ENOENT);
}

static void spis_are_reserved_until_used_or_given_back(void **state)
{
	struct pair *pair = *state;
	struct rig *west = pair->west;
	uint32_t spi[100];

	for (int i = 0; i < 100; i++) {
		assert_int_equal(west->ops->spi(west->self, NULL, RV_PROTO_ESP, &spi[i]), 0);
		assert_true(spi[i] >= 256);
		for (int k = 0; k < i; k++)
			assert_int_not_equal(spi[i], spi[k]);
	}
	assert_int_equal(west->ops->spi(west->self, NULL, 4, &spi[0]), -EOPNOTSUPP);
	assert_int_equal(west->ops->sa_del(west->self, spi[0], RV_IN, NULL), 0);
	assert_int_equal(west->ops->sa_del(west->self, spi[0], RV_IN, NULL), -ENOENT);
	struct rig_sa in = plain;
	in.in = true;
	in.spi = spi[1];
	assert_int_equal(rig_add(west, &in), 0);
	assert_int_equal(west->u->reserved.n, 98);
	assert_int_equal(west->ops->sa_del(west->self, spi[1], RV_IN, NULL), 0);
	assert_int_equal(west->ops->sa_del(west->self, spi[1], RV_IN, NULL), -ENOENT);
}

static void a_connection_can_have_its_own_device(void **state)
{
	struct pair *pair = *state;
	struct rig *west = pair->west;
	struct rig_sa own = plain;
	char ifname[16];
	uint32_t mark;
	uint8_t p[60];
	struct rv_policy_spec spec = { .action = RV_TUNNEL,
				       .reqid = 40,
				       .priority = 1,
				       .local_ts = rig_ts("10.1.0.0/16"),
				       .remote_ts = rig_ts("10.2.0.0/16"),
				       .interface = "vpn1" };
	struct rv_call call;

	tunnel(pair, &plain); /* the shared one is first */
	assert_int_equal(west->ops->policy_add(west->self, &spec, &call), 0);
	own.interface = "vpn1";
	own.reqid = 40;
	own.spi = 0x5555;
	assert_int_equal(rig_add(west, &own), 0);
	assert_int_equal(west->n_clear, 2);
	rig_packet(p, "10.1.0.1", "10.2.0.1", 1, 2, 60);
	rig_clear(west, 1, p, 60);
	assert_int_equal(ip_u32(west->wire[1].caught[0].data), 0x5555);
	rig_clear(west, 0, p, 60);
	assert_int_equal(ip_u32(west->wire[1].caught[1].data), plain.spi);
	assert_int_equal(west->ops->clear_side(west->self, "vpn2", ifname, &mark), -ENODEV);
	spec.interface = "a-name-too-long-for-linux";
	assert_int_equal(west->ops->policy_add(west->self, &spec, &call), -EINVAL);
	assert_int_equal(west->ops->flush(west->self), 0);
	assert_int_equal(west->n_closed, 2);
}

static void contexts_are_few_and_idle_sas_cost_none(void **state)
{
	struct rig *west = rig_new_with("ravelin { plugins { kernel-userspace { contexts = 16 } } }");
	uint8_t p[60];

	for (uint32_t i = 0; i < 100; i++) {
		char remote[32];
		struct rig_sa sa = plain;
		snprintf(remote, sizeof(remote), "10.2.0.%u", i);
		sa.remote = remote;
		sa.spi = 1000 + i;
		sa.reqid = 1000 + i;
		assert_int_equal(rig_policy(west, sa.local, sa.remote, RV_TUNNEL, sa.reqid, false), 0);
		assert_int_equal(rig_add(west, &sa), 0);
	}
	assert_int_equal(rig_lane(west)->contexts.n, 0);
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 100; i++) {
			char remote[32];
			snprintf(remote, sizeof(remote), "10.2.0.%u", i);
			rig_clear(west, 0, p, rig_packet(p, "10.1.0.1", remote, 1, 2, 60));
		}
	assert_int_equal(west->wire[1].n, 200);
	assert_int_equal(rig_lane(west)->contexts.n, 16);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(west->ops->sa_del(west->self, 1000 + i, RV_OUT, NULL), 0);
	assert_int_equal(rig_lane(west)->contexts.n, 0);
	rig_free(west);
}

/* Both directions with their keys, selectors and windows of 64, and what the tables need for them. Without sanitizers,
 * which measure themselves. */
static void an_idle_pair_of_sas_is_small(void **state)
{
	enum { N = 1000, MOST = 1032 };
	struct rig *west = rig_new();
	size_t before;

	assert_int_equal(rig_add(west, &plain), 0); /* opens the device */
	before = mallinfo2().uordblks;
	for (uint32_t i = 0; i < 2 * N; i++) {
		struct rig_sa sa = plain;
		sa.in = i & 1;
		sa.spi = 1000 + i;
		sa.reqid = 1000 + i / 2;
		assert_int_equal(rig_add(west, &sa), 0);
	}
	size_t each = (mallinfo2().uordblks - before) / N;
	print_message("%zu octets a pair\n", each);
	assert_true(each <= MOST);
	rig_free(west);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(limits_are_told_once_and_kept),
		TEST(octets_are_limited_too),
		TEST(policies_decide_by_priority),
		TEST(a_trap_asks_once_and_keeps_the_first_packets),
		TEST(old_packets_that_were_held_make_room),
		TEST(held_packets_are_bounded_by_octets_and_go_with_the_policy),
		TEST(without_a_trap_nothing_leaks),
		TEST(the_newest_sa_of_a_reqid_seals),
		TEST(a_peer_that_moved_is_reported),
		TEST(a_state_moves_to_another_kernel),
		TEST(a_bad_sa_is_refused_and_leaves_nothing),
		TEST(spis_are_reserved_until_used_or_given_back),
		TEST(a_connection_can_have_its_own_device),
		cmocka_unit_test(contexts_are_few_and_idle_sas_cost_none),
		cmocka_unit_test(an_idle_pair_of_sas_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

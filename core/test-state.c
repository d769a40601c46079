// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-state: sessions of one daemon go on in another, with their keys, and with sequence numbers that jump ahead. */
#include "test.h"

#include "sa/inner.h"
#include "world.h"

#include <ravelin/pack.h>
#include <talloc.h>

#define CHILD(name)                                                                                                    \
	name " { local_ts = 10.1.0.0/16, fd00:1::/64\n remote_ts = 10.2.0.0/16[tcp/80-90], fd00:2::/64\n"              \
	     "rekey_time = 100s\n rand_time = 0s\n replay_window = 64 }"
#define CONFIG                                                                                                         \
	"connections { west { keying = fake\n remote_addrs = 10.0.0.2\n children { " CHILD("net")                      \
		CHILD("two") " } } "                                                                                   \
			     "east { keying = fake\n remote_addrs = 10.0.0.3\n children { " CHILD("net") " } } }"

struct pair {
	struct world *old, *new;
	uint8_t *sealed;
	size_t len;
	unsigned n;
};

static const uint8_t key[32] = { 5 };

static int begin(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->old = world_new(CONFIG);
	p->new = world_new(CONFIG);
	p->new->now_us = RV_S(5000);
	world_run(p->new, 0);
	world_notes(p->new);
	*state = p;
	return 0;
}

static int end(void **state)
{
	struct pair *p = *state;

	world_end(p->old);
	world_end(p->new);
	free(p);
	return 0;
}

static void pack(struct pair *p)
{
	talloc_free(p->sealed);
	p->sealed = rv_core_pack(p->old->core, p->old, rv_bytes(key, 32), &p->len, &p->n);
	assert_non_null(p->sealed);
}

static int unpack(struct pair *p, struct rv_why *why)
{
	return rv_core_unpack(p->new->core, rv_bytes(key, 32), rv_bytes(p->sealed, p->len), &p->n, why);
}

static struct rv_child *live(struct pair *p, const char *connection, uint32_t spi_out)
{
	struct rv_child *child = world_child(p->old, world_peer(p->old, connection), "net", spi_out);

	world_install(p->old, child, NULL);
	return child;
}

static void a_session_goes_on_in_another_daemon(void **state)
{
	struct pair *p = *state;
	struct rv_child *was = live(p, "west", 7), *is;
	struct rv_why why = { 0 };
	char text[RV_TS_TEXT];

	was->tfc = 1280;
	was->fragments_also = true;
	world_run(p->old, RV_S(60));
	pack(p);
	assert_int_equal(p->n, 1);
	assert_int_equal(unpack(p, &why), 0);
	assert_string_equal(why.text, "");
	assert_int_equal(p->n, 1);
	assert_string_equal(world_notes(p->new), "unpack [peer-up] P+ P+ I+ O+ N+ N+ [child-up]");
	is = rv_child_by_spi(p->new->core, was->spi_in);
	assert_non_null(is);
	assert_int_equal(is->spi_out, 7);
	assert_int_equal(is->state, RV_CHILD_INSTALLED);
	assert_true(is->peer->established && is->peer->initiator && is->encap);
	assert_true(rv_addr_same(&is->peer->path.remote, &was->peer->path.remote));
	assert_true(rv_id_same(is->peer->remote_id, was->peer->remote_id));
	assert_int_equal(is->n_local_ts, 2);
	assert_string_equal(rv_ts_text(&is->ts[2], text), "10.2.0.0/16[tcp/80-90]");

	struct world_sa *out = world_sa(p->new, RV_OUT, 7), *in = world_sa(p->new, RV_IN, was->spi_in);
	assert_int_equal(out->encr[0], 2);
	assert_int_equal(in->encr[0], 1);
	assert_int_equal(in->integ[0], 3);
	assert_int_equal(out->spec.sequence, 7 + 65536);
	assert_int_equal(in->spec.sequence, 7);
	assert_int_equal(in->spec.replay_window, 64);
	assert_int_equal(out->spec.chosen.t[0].id, 20);
	assert_int_equal(out->spec.tfc, 1280);
	assert_int_equal(in->spec.tfc, 0);
	assert_true(out->spec.fragments_also && in->spec.fragments_also);
}

static void an_age_is_kept(void **state)
{
	struct pair *p = *state;
	struct rv_child *was = live(p, "west", 7), *is;

	world_run(p->old, RV_S(60));
	pack(p);
	assert_int_equal(unpack(p, NULL), 0);
	is = rv_child_by_spi(p->new->core, was->spi_in);
	assert_int_equal(p->new->now_us - is->since_us, RV_S(60));
	assert_int_equal(p->new->now_us - is->peer->since_us, RV_S(60));
	world_notes(p->new);
	world_run(p->new, RV_S(40) - 1);
	assert_string_equal(world_notes(p->new), "");
	world_run(p->new, 1);
	assert_string_equal(world_notes(p->new), "child_rekey");
}

static void what_is_not_up_is_not_packed(void **state)
{
	struct pair *p = *state;
	const struct rv_path path = { 0 };
	struct rv_peer *peer = world_peer(p->old, "west");
	struct rv_child *old = world_child(p->old, peer, "net", 7);

	rv_peer_new(p->old->keying_host, rv_connection_find(p->old->core, "west"), &path, true);
	world_install(p->old, old, NULL);
	world_install(p->old, world_child(p->old, peer, "net", 8), old); /* the replaced one stays behind */
	world_child(p->old, peer, "two", 9);
	pack(p);
	assert_int_equal(p->n, 1);
	assert_int_equal(unpack(p, NULL), 0);
	assert_null(world_sa(p->new, RV_OUT, 7));
	assert_non_null(world_sa(p->new, RV_OUT, 8));
	assert_null(world_sa(p->new, RV_OUT, 9));
}

static void a_session_without_its_connection_is_named_and_skipped(void **state)
{
	struct pair *p = *state;
	struct rv_why why = { 0 };

	live(p, "west", 7);
	live(p, "east", 8);
	world_load(p->new, "connections { east { keying = fake\n children { " CHILD("net") " } } }");
	pack(p);
	assert_int_equal(p->n, 2);
	assert_int_equal(unpack(p, &why), 0);
	assert_int_equal(p->n, 1);
	assert_string_equal(why.text, "a session was skipped: connection west is not configured");
	assert_non_null(world_sa(p->new, RV_OUT, 8));
	world_notes(p->new);
	assert_int_equal(unpack(p, &why), 0); /* and twice is not possible */
	assert_int_equal(p->n, 0);
	assert_string_equal(world_notes(p->new), "");
}

static void a_session_that_cannot_be_installed_leaves_nothing(void **state)
{
	struct pair *p = *state;
	struct rv_why why = { 0 };

	live(p, "west", 7);
	pack(p);
	p->new->fail = "O+";
	assert_int_equal(unpack(p, &why), 0);
	assert_int_equal(p->n, 0);
	assert_non_null(strstr(why.text, "cannot be installed"));
	assert_null(rv_peer_by_id(p->new->core, 1));
	p->new->fail = NULL;
	p->new->pend = "*";
	assert_int_equal(unpack(p, &why), 0);
	assert_int_equal(p->n, 1);
	assert_true(world_answer(p->new, 0));
	assert_true(world_answer(p->new, -5)); /* the child goes, the session lives */
	assert_null(rv_child_by_id(p->new->core, 2));
	assert_int_equal(p->new->n_policies, 0);
}

static void used_up_sequence_numbers_are_not_used_again(void **state)
{
	static const struct {
		uint64_t sequence;
		bool out;
	} rows[] = {
		{ UINT32_MAX - 65536 - 7, true },
		{ UINT32_MAX - 65536 - 6, false },
		{ UINT32_MAX - 7, false },
	};
	struct pair *p = *state;

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct rv_child *was = live(p, "west", 7);

		world_sa(p->old, RV_OUT, 7)->spec.sequence = rows[i].sequence;
		pack(p);
		assert_int_equal(unpack(p, NULL), 0);
		assert_int_equal(!world_sa(p->new, RV_OUT, 7), !rows[i].out);
		assert_non_null(world_sa(p->new, RV_IN, was->spi_in));
		world_notes(p->new);
		world_run(p->new, 1);
		assert_string_equal(world_notes(p->new), rows[i].out ? "" : "child_rekey");
		rv_core_down(p->new->core, "west", NULL);
		rv_core_down(p->old->core, "west", NULL);
	}
}

static void a_changed_octet_or_another_key_opens_nothing(void **state)
{
	struct pair *p = *state;
	struct rv_why why = { 0 };
	const uint8_t other[32] = { 6 };

	live(p, "west", 7);
	pack(p);
	assert_int_equal(rv_core_unpack(p->new->core, rv_bytes(other, 32), rv_bytes(p->sealed, p->len), &p->n, &why),
			 -RV_EINTEGRITY);
	p->sealed[p->len / 2] ^= 1;
	assert_int_equal(unpack(p, &why), -RV_EINTEGRITY);
	assert_string_equal(world_notes(p->new), "");
}

/* What a newer daemon writes: other tags in every place, and then another version. */
static void unknown_fields_are_skipped(void **state)
{
	struct pair *p = *state;
	struct rv_why why = { 0 };

	for (uint64_t version = 1; version <= 2; version++) {
		struct rv_pack *pack = rv_pack_new(p->new);
		struct rv_bytes octets;

		rv_pack_u64(pack, 1, version);
		rv_pack_put(pack, 99, RV_STR("x"));
		rv_pack_open(pack, 2);
		rv_pack_put(pack, 98, RV_STR("y"));
		rv_pack_put(pack, 1, RV_STR("west"));
		rv_pack_put(pack, 2, RV_STR("fake"));
		static const uint8_t addr[23] = { 4, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2 };
		rv_pack_put(pack, 6, rv_bytes(addr, sizeof(addr)));
		rv_pack_close(pack);
		assert_true(rv_pack_done(pack, &octets));
		talloc_free(p->sealed);
		p->sealed = rv_pack_seal(p->new->core, p->old, rv_bytes(key, 32), RV_STR("sessions"), octets, &p->len);
		assert_int_equal(unpack(p, &why), version == 1 ? 0 : -RV_EVERSION);
		assert_int_equal(p->n, version == 1);
	}
}

static void thousands_of_sessions_take_no_time(void **state)
{
	struct pair *p = *state;

	p->old->quiet_events = p->new->quiet_events = true;
	for (int i = 0; i < 10000; i++)
		world_peer(p->old, "west");
	pack(p);
	assert_int_equal(unpack(p, NULL), 0);
	assert_int_equal(p->n, 10000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_goes_on_in_another_daemon),
		TEST(an_age_is_kept),
		TEST(what_is_not_up_is_not_packed),
		TEST(a_session_without_its_connection_is_named_and_skipped),
		TEST(a_session_that_cannot_be_installed_leaves_nothing),
		TEST(used_up_sequence_numbers_are_not_used_again),
		TEST(a_changed_octet_or_another_key_opens_nothing),
		TEST(unknown_fields_are_skipped),
		TEST(thousands_of_sessions_take_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

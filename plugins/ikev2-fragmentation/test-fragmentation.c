// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-fragmentation: RFC 7383 between two daemons, over paths that lose, reorder and drop what is large; and fragment
 * by fragment what is kept, what is not, and how much.
 */
#include "pair.h"

#include "test-fake.h"

extern const struct rv_plugin rv_plugin_ikev2_fragmentation;

#define SECTION(size) "ikev2-fragmentation { fragment_size = " #size " }"
#define NETS                                                                                                           \
	"10.1.0.0/24,10.1.2.0/24,10.1.4.0/24,10.1.6.0/24,10.1.8.0/24,10.1.10.0/24,10.1.12.0/24,10.1.14.0/24,"          \
	"10.1.16.0/24,10.1.18.0/24,10.1.20.0/24,10.1.22.0/24,10.1.24.0/24,10.1.26.0/24,10.1.28.0/24"
#define LONG                                                                                                           \
	"a-name-that-makes-the-message-large.a-name-that-makes-the-message-large.a-name-that-makes-the-message-large." \
	"a-name-that-makes-the-message-large.a-name-that-makes-the-message-large.a-name-that-makes-the-message-large."
#define WEST LONG "west"
#define EAST LONG "east"

/* Sides with large messages; they have the plugin when they have a section for it. */
#define SIDE(is_west, size, ...)                                                                                       \
	{                                                                                                              \
		.sections = size, .id = is_west ? WEST : EAST, .other_id = is_west ? EAST : WEST,                      \
		.local_ts = is_west ? NETS : NULL, .remote_ts = is_west ? NULL : NETS,                                 \
		.secret_ids = "id-1 = " WEST "\n id-2 = " EAST,                                                        \
		.more = { { size ? "ikev2-fragmentation" : NULL, &rv_plugin_ikev2_fragmentation } }, __VA_ARGS__       \
	}

enum { NEXT_PAYLOAD = 16, EXCHANGE = 18, FLAGS = 19, RESPONSE = 0x20, UDP_IP = 28 };

/* What went over the wire. larger: what is larger than this is dropped (0: nothing is). lose_answers: so many answers
 * of a protected exchange are. */
struct wire {
	unsigned fragments[2], whole[2]; /* requests, responses */
	size_t largest, larger, lose_answers;
};

static bool watch(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct wire *wire = arg;
	unsigned response = message[FLAGS] & RESPONSE ? 1 : 0;

	if (wire->larger && *len + UDP_IP > wire->larger)
		return true;
	if (message[EXCHANGE] == 34)
		return false;
	if (message[NEXT_PAYLOAD] == SKF)
		wire->fragments[response]++;
	else
		wire->whole[response]++;
	if (*len + UDP_IP > wire->largest)
		wire->largest = *len + UDP_IP;
	if (!response || !wire->lose_answers)
		return false;
	wire->lose_answers--;
	return true;
}

static struct pair *fragment_pair(struct wire *wire, const char *west, const char *east)
{
	const struct side sides[] = { SIDE(true, west), SIDE(false, east) };
	struct pair *p = pair_new(&sides[0], &sides[1]);

	*wire = (struct wire){ 0 };
	sim_tap(p->sim, watch, wire);
	return p;
}

static bool is_up(struct pair *p)
{
	return sim_packet(p->west, p->east, "10.1.0.5", "10.2.0.5") && n_peers(p->west) == 1 && n_peers(p->east) == 1;
}

static void up(struct pair *p)
{
	struct rv_attempt *attempt = try_up(p, "net", RV_S(120));

	if (!attempt->ended || attempt->code) {
		tell(attempt);
		fail_msg("it did not come up");
	}
	rv_attempt_drop(attempt);
	sim_run(p->sim, RV_S(1));
	assert_true(is_up(p));
}

static void large_messages_go_in_fragments_both_ways(void **state)
{
	static const char *const proposals[] = { "aes128gcm16-prfsha256-x25519", "aes256-sha256-x25519" };

	for (size_t i = 0; i < RV_COUNT(proposals); i++) {
		struct wire wire = { 0 };
		const struct side sides[] = { SIDE(true, SECTION(400), .proposals = proposals[i]),
					      SIDE(false, SECTION(400), .proposals = proposals[i]) };
		struct pair *p = pair_new(&sides[0], &sides[1]);

		sim_tap(p->sim, watch, &wire);
		up(p);
		assert_true(wire.fragments[0] >= 2 && wire.fragments[1] >= 2);
		assert_int_equal(wire.whole[0] + wire.whole[1], 0);
		assert_true(wire.largest <= 400 && wire.largest > 380);
		wire = (struct wire){ 0 };
		assert_int_equal(pair_rekey(p->east), 0); /* what was agreed on is inherited */
		sim_run(p->sim, RV_S(1));
		assert_int_equal(wire.fragments[0] + wire.fragments[1], 0); /* small ones stay whole */
		assert_int_equal(pair_child_rekey(p->east), 0);
		sim_run(p->sim, RV_S(1));
		assert_true(wire.fragments[0] >= 2 && wire.fragments[1] >= 2);
		assert_true(is_up(p));
		pair_free(p);
	}
}

static void nothing_is_fragmented_unless_both_say_so(void **state)
{
	static const struct {
		const char *what, *mode;
		bool without; /* east has no such plugin */
		unsigned requests, responses;
	} rows[] = { { "yes", "fragmentation = yes", false, 1, 1 },
		     { "force", "fragmentation = force", false, 1, 1 },
		     { "accept", "fragmentation = accept", false, 0, 1 },
		     { "no", "fragmentation = no", false, 0, 0 },
		     { "the peer cannot", NULL, true, 0, 0 } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct wire wire = { 0 };
		const char *east = rows[i].without ? NULL : SECTION(400);
		const struct side sides[] = { SIDE(true, SECTION(400), .connection = rows[i].mode), SIDE(false, east) };
		struct pair *p = pair_new(&sides[0], &sides[1]);

		sim_tap(p->sim, watch, &wire);
		up(p);
		if (!wire.fragments[0] != !rows[i].requests || !wire.fragments[1] != !rows[i].responses)
			fail_msg("%s: %u and %u fragments", rows[i].what, wire.fragments[0], wire.fragments[1]);
		pair_free(p);
	}
}

static void order_loss_and_doubles_do_not_matter(void **state)
{
	const struct sim_net bad = { .loss = 15, .twice = 20, .delay_min_us = 1000, .delay_max_us = 300000 };
	struct wire wire;
	struct pair *p = fragment_pair(&wire, SECTION(300), SECTION(300));

	sim_net(p->sim, &bad);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(400));

	if (attempt->code) {
		tell(attempt);
		fail_msg("it did not come up");
	}
	rv_attempt_drop(attempt);
	assert_true(wire.fragments[0] > 4 && wire.fragments[1] > 4);
	pair_free(p);
}

/* RFC 7383, 2.5.2 */
static void smaller_sizes_are_tried_and_remembered(void **state)
{
	static const struct {
		size_t path, settles;
	} rows[] = { { 600, 576 }, { 300, 256 } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		static const uint8_t key[32] = { 3 };
		struct wire wire;
		struct pair *p = fragment_pair(&wire, "", "");
		struct rv_why why = { 0 };
		unsigned n = 0;
		size_t len;

		wire.larger = rows[i].path;
		up(p);
		assert_true(wire.largest <= rows[i].settles && wire.fragments[0] >= 2 && wire.fragments[1] >= 2);
		/* the next exchange begins with what went through, also after a restart and in a successor */
		uint8_t *sealed = rv_core_pack(p->west->core, p, rv_bytes(key, sizeof(key)), &len, &n);

		assert_non_null(sealed);
		rv_peer_down(peer_of(p->west), 0, NULL);
		assert_int_equal(
			rv_core_unpack(p->west->core, rv_bytes(key, sizeof(key)), rv_bytes(sealed, len), &n, &why), 0);
		assert_int_equal(pair_rekey(p->west), 0);
		sim_run(p->sim, RV_S(1));
		wire = (struct wire){ .larger = rows[i].path };
		for (unsigned side = 0; side < 2; side++) {
			uint32_t spi = child_of(p->west)->spi_in;

			assert_int_equal(pair_child_rekey(side ? p->east : p->west), 0);
			sim_run(p->sim, RV_S(2)); /* less than the first retransmission takes */
			assert_true(child_of(p->west)->spi_in != spi && is_up(p));
		}
		assert_true(wire.largest <= rows[i].settles);
		assert_int_equal(wire.fragments[0] >= 4 && wire.fragments[1] >= 4, rows[i].settles < 400);
		pair_free(p);
	}
}

/* RFC 7383, 2.6.1: each repeated request is answered once, whatever its number of fragments */
static void a_repeated_request_is_answered_once(void **state)
{
	struct wire wire;
	struct pair *p = fragment_pair(&wire, SECTION(300), SECTION(300));

	wire.lose_answers = 1;
	up(p);
	assert_int_equal(wire.lose_answers, 0);
	unsigned once = wire.fragments[1] / 2;

	assert_true(once >= 3);
	assert_int_equal(wire.fragments[1], 2 * once);
	pair_free(p);
}

/* Fragment by fragment */

static const struct rv_ike_sealed request = { .type = SKF, .first = 33, .exchange = 35, .id = 1 };

static int arrive(struct fake *w, uint16_t number, uint16_t total, const char *chunk, struct rv_ike_plain *out)
{
	return fake_arrive(w, &request, number, total, rv_bytes(chunk, strlen(chunk)), true, out);
}

static void is(struct rv_ike_plain *out, const char *text)
{
	assert_true(rv_bytes_equal(out->payloads, rv_bytes(text, strlen(text))));
	assert_int_equal(out->first, 33);
	assert_int_equal(out->digest, 1); /* of fragment 1 */
	talloc_free(out->owner);
}

static void fragments_are_put_in_order(void **state)
{
	struct fake *w = fake_new();
	struct rv_ike_plain out;

	assert_int_equal(arrive(w, 3, 3, "g", &out), RV_PENDING);
	assert_int_equal(arrive(w, 1, 3, "abc", &out), RV_PENDING);
	assert_int_equal(arrive(w, 1, 3, "xyz", &out), RV_PENDING); /* a double */
	assert_int_equal(arrive(w, 2, 3, "def", &out), RV_IKE_WHOLE);
	is(&out, "abcdefg");
	assert_int_equal(w->f.held, 0);
	assert_int_equal(w->heard, NUMBERS_LEN + 3 + 1 + UDP_IP);
	assert_int_equal(arrive(w, 1, 1, "alone", &out), RV_IKE_WHOLE);
	is(&out, "alone");
	fake_end(w);
}

/* RFC 7383, 2.6 */
static void what_cannot_be_is_dropped(void **state)
{
	static const struct {
		const char *what;
		uint16_t number, total;
		bool authentic;
		int result;
	} rows[] = {
		{ "number 0", 0, 3, true, RV_PENDING },
		{ "total 0", 0, 0, true, RV_PENDING },
		{ "number above total", 4, 3, true, RV_PENDING },
		{ "fewer than before", 2, 2, true, RV_PENDING },
		{ "forged", 2, 3, false, -RV_EINTEGRITY },
		{ "forged, more than before", 1, 9, false, -RV_EINTEGRITY },
	};
	struct fake *w = fake_new();
	struct rv_ike_plain out;

	assert_int_equal(arrive(w, 1, 3, "a", &out), RV_PENDING);
	for (size_t i = 0; i < RV_COUNT(rows); i++)
		if (fake_arrive(w, &request, rows[i].number, rows[i].total, RV_STR("z"), rows[i].authentic, &out) !=
		    rows[i].result)
			fail_msg("%s", rows[i].what);
	assert_int_equal(arrive(w, 2, 3, "b", &out), RV_PENDING);
	assert_int_equal(arrive(w, 3, 3, "c", &out), RV_IKE_WHOLE);
	is(&out, "abc");
	w->sa->not_agreed = true;
	assert_int_equal(arrive(w, 1, 1, "x", &out), RV_PENDING);
	fake_end(w);
}

static void a_larger_total_begins_anew(void **state)
{
	struct fake *w = fake_new();
	struct rv_ike_plain out;

	assert_int_equal(arrive(w, 1, 2, "abc", &out), RV_PENDING);
	assert_int_equal(arrive(w, 2, 3, "b", &out), RV_PENDING);
	assert_int_equal(arrive(w, 2, 2, "def", &out), RV_PENDING);
	assert_int_equal(arrive(w, 3, 3, "c", &out), RV_PENDING);
	assert_int_equal(arrive(w, 1, 3, "a", &out), RV_IKE_WHOLE);
	is(&out, "abc");
	fake_end(w);
}

static void of_an_answered_request_only_the_first_counts(void **state)
{
	const struct rv_ike_sealed again = { .type = SKF, .first = 33, .exchange = 35, .id = 1, .answered = true };
	struct fake *w = fake_new();
	struct rv_ike_plain out;

	assert_int_equal(fake_arrive(w, &again, 1, 3, RV_STR("a"), true, &out), RV_IKE_WHOLE);
	assert_null(out.owner);
	assert_int_equal(fake_arrive(w, &again, 2, 3, RV_STR("b"), true, &out), RV_PENDING);
	assert_int_equal(fake_arrive(w, &again, 1, 3, RV_STR("a"), false, &out), -RV_EINTEGRITY);
	assert_int_equal(w->f.held, 0);
	fake_end(w);
}

static void what_is_kept_is_bounded(void **state)
{
	static const struct {
		enum rv_ike_state state;
		size_t least, most;
	} rows[] = { { RV_IKE_HALF_OPEN, 20000, 32 * 1024 }, { RV_IKE_ESTABLISHED, 60000, 80 * 1024 } };
	static uint8_t octets[1000];

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct fake *w = fake_new();
		struct rv_ike_plain out;
		size_t most = 0;

		w->sa->state = rows[i].state;
		for (uint16_t n = 1; n < 100; n++) {
			assert_int_equal(fake_arrive(w, &request, n, 100, rv_bytes(octets, sizeof(octets)), true, &out),
					 RV_PENDING);
			most = w->f.held > most ? w->f.held : most;
		}
		assert_true(most > rows[i].least && most < rows[i].most);
		assert_int_equal(w->f.held, 0); /* and given up when it is too much */
		fake_end(w);
	}
	struct fake *w = fake_new();
	struct rv_ike_plain out;

	assert_int_equal(arrive(w, 1, 513, "a", &out), RV_PENDING);
	assert_int_equal(w->f.held, 0);
	fake_end(w);
}

static void all_peers_together_are_bounded(void **state)
{
	static uint8_t octets[20000];
	struct fake *w = fake_new();
	struct fake_sa *sas[1000] = { NULL }, *mine = w->sa;
	struct rv_ike_plain out;

	for (unsigned i = 0; i < RV_COUNT(sas); i++) {
		sas[i] = talloc_memdup(w, mine, sizeof(*mine));
		assert_non_null(sas[i]);
		w->sa = sas[i];
		(void)fake_arrive(w, &request, 1, 2, rv_bytes(octets, sizeof(octets)), true, &out);
		assert_true(w->f.held <= 16 * 1024 * 1024);
	}
	assert_true(w->f.held > 15 * 1024 * 1024);
	for (unsigned i = 0; i < RV_COUNT(sas); i++)
		talloc_free(sas[i]);
	w->sa = mine;
	fake_end(w);
}

static void an_incomplete_message_is_forgotten(void **state)
{
	struct fake *w = fake_new();
	struct rv_ike_plain out;

	assert_int_equal(arrive(w, 1, 2, "a", &out), RV_PENDING);
	assert_true(w->f.held > 0);
	w->now += RV_S(31);
	(void)rv_loop_turn(w->core.loop, 0);
	assert_int_equal(w->f.held, 0);
	assert_int_equal(arrive(w, 2, 2, "b", &out), RV_PENDING);
	const struct rv_ike_sealed next = { .type = SKF, .first = 33, .exchange = 37, .id = 2 };

	/* so is one that gives way to the next */
	assert_int_equal(fake_arrive(w, &next, 1, 1, RV_STR("c"), true, &out), RV_IKE_WHOLE);
	is(&out, "c");
	assert_int_equal(w->f.held, 0);
	fake_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_messages_go_in_fragments_both_ways),
		cmocka_unit_test(nothing_is_fragmented_unless_both_say_so),
		cmocka_unit_test(order_loss_and_doubles_do_not_matter),
		cmocka_unit_test(smaller_sizes_are_tried_and_remembered),
		cmocka_unit_test(a_repeated_request_is_answered_once),
		cmocka_unit_test(fragments_are_put_in_order),
		cmocka_unit_test(what_cannot_be_is_dropped),
		cmocka_unit_test(a_larger_total_begins_anew),
		cmocka_unit_test(of_an_answered_request_only_the_first_counts),
		cmocka_unit_test(what_is_kept_is_bounded),
		cmocka_unit_test(all_peers_together_are_bounded),
		cmocka_unit_test(an_incomplete_message_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

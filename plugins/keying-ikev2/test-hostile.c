// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-hostile: strangers and floods: what they are told, what they cost, and that a peer who means it gets through. */
#include "test-ear.h"

static uint16_t notify_in(const struct ear *ear)
{
	struct ike_types types = ike_types_own();
	struct ike_message m;
	struct ike_notify n;

	if (ike_message_read(&m, rv_bytes(ear->last, ear->last_len), &types) || m.sealed ||
	    !ike_chain_first(&m.chain, IKE_PAYLOAD_NOTIFY) ||
	    !ike_notify_read(&n, ike_chain_first(&m.chain, IKE_PAYLOAD_NOTIFY)->body))
		return 0;
	return n.type;
}

/* West's first message, which east has not seen. */
static struct pair *with_first_message(struct ear *ear, const struct side *east)
{
	struct pair *p = pair_new(NULL, east);
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	*ear = (struct ear){ 0 };
	sim_tap(p->sim, listen, ear);
	p->east->down = true;
	assert_int_equal(rv_core_up(p->west->core, "east", "net", "test", &attempt, &why), 0);
	sim_run(p->sim, RV_MS(100));
	assert_true(ear->first_len > 0);
	assert_int_equal(rv_core_down(p->west->core, "east", &why), 0);
	rv_attempt_drop(attempt);
	sim_run(p->sim, RV_MS(100));
	p->east->down = false;
	return p;
}

static void strangers_get_the_answer_of_the_rfc(void **state)
{
	static const struct {
		const char *what;
		size_t at; /* of the octet that is changed; 0: none */
		uint8_t octet;
		unsigned answers;
		uint16_t notify;
	} rows[] = {
		{ "a higher version", 17, 0x30, 1, IKE_N_INVALID_MAJOR_VERSION },
		{ "a lower version", 17, 0x10, 0, 0 },
		{ "a higher minor version", 17, 0x21, 1, IKE_N_NAT_DETECTION_SOURCE_IP }, /* accepted */
		{ "a response to nothing", 19, 0x20, 0, 0 },
		{ "a first message with a message ID", 23, 1, 0, 0 },
		{ "a first message without the initiator flag", 19, 0, 0, 0 },
		{ "reserved flags and the version flag", 19, 0xdf, 1, IKE_N_NAT_DETECTION_SOURCE_IP }, /* ignored */
		{ "IKE_AUTH without a responder SPI", 18, 35, 0, 0 },
		{ "INFORMATIONAL without a responder SPI", 18, 37, 0, 0 },
		{ "a first payload that is not known", 16, 200, 1, IKE_N_INVALID_SYNTAX }, /* no SA is left */
		{ "a length that is not the datagram's", 27, 1, 0, 0 },
		{ "a payload of impossible length", 31, 2, 1, IKE_N_INVALID_SYNTAX },
		{ "a proposal of impossible length", 35, 3, 1, IKE_N_INVALID_SYNTAX },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct ear ear;
		struct pair *p = with_first_message(&ear, NULL);

		if (rows[i].at)
			ear.first[rows[i].at] = rows[i].octet;
		inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
		sim_run(p->sim, RV_MS(1));
		if (ear.n != rows[i].answers || (ear.n && notify_in(&ear) != rows[i].notify))
			fail_msg("%s: %u answers, notification %u", rows[i].what, ear.n, notify_in(&ear));
		if (ear.n) {
			assert_int_equal(ear.last[17], 0x20);
			assert_int_equal(ear.last[19], IKE_FLAG_RESPONSE);
		}
		pair_free(p);
	}
}

static void an_initiator_spi_is_not_zero(void **state)
{
	struct ear ear;
	struct pair *p = with_first_message(&ear, NULL);

	memset(ear.first, 0, 8);
	inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(ear.n, 0);
	pair_free(p);
}

/* RFC 7296, 2.5: "the Notification Data contains the one-octet payload type" */
static void an_unknown_critical_payload_is_named(void **state)
{
	struct ear ear;
	struct pair *p = with_first_message(&ear, NULL);
	struct ike_types types = ike_types_own();
	struct ike_message m;
	struct ike_notify n;

	/* KE, the second payload, becomes type 200 with the critical bit */
	size_t sa_len = (size_t)ear.first[30] << 8 | ear.first[31];
	ear.first[28] = 200;
	ear.first[28 + sa_len + 1] = 0x80;
	inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
	assert_int_equal(ear.n, 1);
	assert_int_equal(ike_message_read(&m, rv_bytes(ear.last, ear.last_len), &types), 0);
	assert_true(ike_notify_find(&m.chain, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, &n));
	assert_int_equal(n.data.len, 1);
	assert_int_equal(n.data.p[0], 200);
	assert_int_equal(n_peers(p->east), 0);
	pair_free(p);
}

static void errors_to_strangers_are_limited(void **state)
{
	struct ear ear;
	struct pair *p = with_first_message(&ear, NULL);

	ear.first[18] = IKE_EXCHANGE_INFORMATIONAL;
	ear.first[15] = 1; /* a responder SPI that nobody has */
	ear.first[23] = 77;
	for (int i = 0; i < 1000; i++)
		inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
	assert_int_equal(ear.n, 20);
	assert_int_equal(notify_in(&ear), IKE_N_INVALID_IKE_SPI);
	/* "with the same IKE SPIs and the Message ID copied" (RFC 7296, 2.21.4) */
	assert_memory_equal(ear.last, ear.first, 16);
	assert_memory_equal(ear.last + 20, ear.first + 20, 4);
	sim_run(p->sim, RV_S(1));
	inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
	assert_int_equal(ear.n, 21);
	pair_free(p);
}

/* RFC 7296, 2.1: a repeated first message gets the same answer, and makes no second IKE SA */
static void a_repeated_first_message_gets_the_same_answer(void **state)
{
	struct ear ear;
	struct pair *p = with_first_message(&ear, NULL);
	uint8_t answer[2048];

	inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(ear.n, 1);
	memcpy(answer, ear.last, ear.last_len);
	inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
	assert_int_equal(ear.n, 2);
	assert_memory_equal(answer, ear.last, ear.last_len);
	assert_int_equal(n_peers(p->east), 1);
	/* two peers behind one NAT may choose the same SPI: another nonce is another IKE SA */
	ear.first[ear.first_len - 60] ^= 1;
	inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(n_peers(p->east), 2);
	pair_free(p);
}

/* RFC 7296, 2.1: "it belongs to an existing IKE SA where the IKE_AUTH request has been already received (in which case
 * the responder ignores it)" */
static void a_late_copy_of_a_first_message_is_ignored(void **state)
{
	struct pair *p = pair_new(NULL, NULL);
	struct ear ear = { 0 };

	sim_tap(p->sim, listen, &ear);
	bring_up(p);
	unsigned n = ear.n;

	inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
	sim_run(p->sim, RV_MS(10));
	assert_int_equal(ear.n, n);
	assert_int_equal(n_peers(p->east), 1);
	pair_free(p);
}

/* useless answers neither end the wait nor make it longer */
static bool spoil(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	if (strcmp(from->name, "east") == 0)
		message[*len - 1] ^= 1; /* another proposal number, key or hash: never what was sent */
	return false;
}

static void useless_answers_do_not_hold_up_the_retransmission(void **state)
{
	const struct side west = { .settings = "retransmit_tries = 3\n retransmit_timeout = 1s" };
	struct pair *p = pair_new(&west, NULL);
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	sim_tap(p->sim, spoil, NULL);
	assert_int_equal(rv_core_up(p->west->core, "east", "net", "test", &attempt, &why), 0);
	for (int i = 0; i < 200 && !attempt->ended; i++) {
		uint8_t junk[36] = { 0 };
		struct rv_path path = { .local = p->west->addr, .remote = p->east->addr };
		struct rv_peer *peer = peer_of(p->west);
		struct rv_ike_sa *sa = peer ? peer->sa : NULL;
		struct rv_wr w = rv_wr(junk, sizeof(junk));

		if (sa) {
			rv_wr_u64(&w, sa->spi_i);
			rv_wr_u64(&w, 5);
			rv_wr_put(&w, RV_STR("\x29\x20\x22\x20"));
			rv_wr_u32(&w, 0);
			rv_wr_u32(&w, 36);
			rv_wr_u32(&w, 8);
			rv_wr_u16(&w, 0);
			rv_wr_u16(&w, IKE_N_COOKIE); /* without a cookie */
			p->west->recv(p->west->recv_arg, &path, rv_bytes(junk, sizeof(junk)));
		}
		sim_run(p->sim, RV_MS(100));
	}
	assert_true(attempt->ended);
	assert_true(sim_now_us(p->sim) < RV_S(17)); /* 1 + 1.8 + 3.24 + 5.8 s, and the first second of the world */
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void flood(struct pair *p, struct ear *ear, unsigned n, bool one_address)
{
	char from[32];

	for (unsigned i = 0; i < n; i++) {
		snprintf(from, sizeof(from), "10.%u.%u.%u:500", one_address ? 9 : 7 + (i >> 16),
			 one_address ? 9 : i >> 8 & 255, one_address ? 9 : i & 255);
		for (unsigned k = 0; k < 4; k++)
			ear->first[k] = (uint8_t)(i >> 8 * k | 1);
		ear->first[4] = (uint8_t)i;
		inject(p->east, from, ear->first, ear->first_len);
	}
}

#define ANYBODY .connection = "unique = never", .remote_addr = "%any"

static void a_flood_is_answered_with_cookies_and_takes_no_memory(void **state)
{
	const struct side east = { ANYBODY };
	struct ear ear;
	struct pair *p = with_first_message(&ear, &east);

	flood(p, &ear, 100, false);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(n_peers(p->east), 30);
	size_t before = talloc_total_size(p->east->core);
	uint64_t sent = p->east->sent;

	flood(p, &ear, 20000, false);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(n_peers(p->east), 30);
	assert_int_equal(p->east->sent, sent + 20000);
	inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
	assert_int_equal(notify_in(&ear), IKE_N_COOKIE);
	assert_true(talloc_total_size(p->east->core) < before + 65536);
	/* and a peer that means it gets through */
	struct rv_attempt *attempt = try_up(p, "net", RV_S(5));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "asks for a cookie");
	assert_true(carries(p));
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void one_address_has_its_limit(void **state)
{
	const struct side east = { ANYBODY, .settings = "cookie_threshold = 100000\n block_threshold = 7" };
	struct ear ear;
	struct pair *p = with_first_message(&ear, &east);

	flood(p, &ear, 100, true);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(n_peers(p->east), 7);
	flood(p, &ear, 100, false);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(n_peers(p->east), 107);
	sim_run(p->sim, RV_S(31)); /* half_open_timeout */
	assert_int_equal(n_peers(p->east), 0);
	flood(p, &ear, 100, true);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(n_peers(p->east), 7);
	pair_free(p);
}

static void all_together_have_their_limit(void **state)
{
	const struct side east = { ANYBODY, .settings = "cookie_threshold = 100000\n init_limit_half_open = 50" };
	struct ear ear;
	struct pair *p = with_first_message(&ear, &east);

	flood(p, &ear, 1000, false);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(n_peers(p->east), 50);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_get_the_answer_of_the_rfc),
		cmocka_unit_test(an_initiator_spi_is_not_zero),
		cmocka_unit_test(an_unknown_critical_payload_is_named),
		cmocka_unit_test(errors_to_strangers_are_limited),
		cmocka_unit_test(a_repeated_first_message_gets_the_same_answer),
		cmocka_unit_test(a_late_copy_of_a_first_message_is_ignored),
		cmocka_unit_test(useless_answers_do_not_hold_up_the_retransmission),
		cmocka_unit_test(a_flood_is_answered_with_cookies_and_takes_no_memory),
		cmocka_unit_test(one_address_has_its_limit),
		cmocka_unit_test(all_together_have_their_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-hostile: strangers, floods, malformed and replayed messages, and a peer that breaks the rules. */
#include "pair.h"

#include "protect.h"
#include "requests.h"

#include "transitions.h"

/* The last datagrams that east sent, and what west's first message was. */
struct ear {
	uint8_t first[2048], last[2048];
	size_t first_len, last_len;
	unsigned n;
	bool deaf; /* nothing of east's arrives */
};

static bool listen(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct ear *ear = arg;

	if (strcmp(from->name, "east") != 0) {
		if (!ear->first_len) {
			memcpy(ear->first, message, *len);
			ear->first_len = *len;
		}
		return false;
	}
	memcpy(ear->last, message, *len);
	ear->last_len = *len;
	ear->n++;
	return ear->deaf;
}

static struct rv_path path_from(const char *text)
{
	struct rv_path path = { 0 };

	assert_int_equal(rv_addr_parse(&path.local, "10.0.0.2:500"), 0);
	assert_int_equal(rv_addr_parse(&path.remote, text), 0);
	return path;
}

/* A datagram at host as if it came from an address. */
static void inject(struct sim_host *host, const char *from, const uint8_t *octets, size_t len)
{
	struct rv_path path = path_from(from);
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, octets, len);
	host->recv(host->recv_arg, &path, rv_bytes(copy, len));
	free(copy);
}

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
		{ "IKE_AUTH without a responder SPI", 18, 35, 0, 0 },
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
		pair_free(p);
	}
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
	for (int i = 0; i < 1000; i++)
		inject(p->east, "10.0.0.1:500", ear.first, ear.first_len);
	assert_int_equal(ear.n, 20);
	assert_int_equal(notify_in(&ear), IKE_N_INVALID_IKE_SPI);
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

/* Inside an established IKE SA */

struct inside {
	struct pair *p;
	struct ear ear;
	struct rv_ike_sa *west;
	uint8_t room[4096];
	struct ike_builder b;
	uint8_t *octets;
	size_t len;
};

static void inside_begin(struct inside *in)
{
	*in = (struct inside){ .p = pair_new(NULL, NULL) };
	bring_up(in->p);
	sim_tap(in->p->sim, listen, &in->ear);
	in->west = peer_of(in->p->west)->sa;
	ike_builder_init(&in->b, in->room, sizeof(in->room));
}

/* Seals what is in b with west's keys and gives it to east. */
static void inside_send(struct inside *in, uint8_t exchange, uint32_t id)
{
	const struct ike_header header = { .spi_i = in->west->spi_i,
					   .spi_r = in->west->spi_r,
					   .major = IKE_MAJOR,
					   .exchange = exchange,
					   .flags = in->west->initiator ? IKE_FLAG_INITIATOR : 0,
					   .id = id };

	talloc_free(in->octets);
	struct rv_bytes chain;

	assert_true(ike_builder_done(&in->b, &chain));
	assert_int_equal(ike_seal(in->west, &header, in->b.first, chain, &in->octets, &in->len), 0);
	inject(in->p->east, "10.0.0.1:500", in->octets, in->len);
	sim_run(in->p->sim, RV_MS(1));
}

static void a_request_out_of_the_window_is_ignored(void **state)
{
	struct inside in;

	inside_begin(&in);
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out + 1);
	assert_int_equal(in.ear.n, 0);
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, 0);
	assert_int_equal(in.ear.n, 0);
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
	assert_int_equal(in.ear.n, 1);
	/* the same again: the same answer; another message with that ID: nothing */
	inject(in.p->east, "10.0.0.1:500", in.octets, in.len);
	assert_int_equal(in.ear.n, 2);
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
	assert_int_equal(in.ear.n, 2);
	pair_free(in.p);
}

static void a_forged_message_changes_nothing(void **state)
{
	struct inside in;

	inside_begin(&in);
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
	assert_int_equal(in.ear.n, 1);
	in.octets[23]++;
	inject(in.p->east, "10.0.0.1:500", in.octets, in.len);
	for (size_t i = 0; i < in.len; i++) {
		in.octets[i] ^= 0x40;
		inject(in.p->east, "10.0.0.1:500", in.octets, in.len);
		in.octets[i] ^= 0x40;
	}
	for (size_t len = 0; len < in.len; len++)
		inject(in.p->east, "10.0.0.1:500", in.octets, len);
	sim_run(in.p->sim, RV_MS(1));
	assert_true(pair_up(in.p));
	pair_free(in.p);
}

static void a_malformed_request_ends_the_ike_sa(void **state)
{
	struct inside in;

	inside_begin(&in);
	ike_builder_put(&in.b, IKE_PAYLOAD_DELETE, RV_STR("\3"));
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
	assert_int_equal(in.ear.n, 1);
	assert_int_equal(n_peers(in.p->east), 0);
	/* and its answer is there for a retransmission */
	inject(in.p->east, "10.0.0.1:500", in.octets, in.len);
	assert_int_equal(in.ear.n, 2);
	pair_free(in.p);
}

static void a_critical_payload_refuses_the_request_and_nothing_more(void **state)
{
	struct inside in;

	inside_begin(&in);
	rv_wr_put(ike_builder_open(&in.b, 200, true), RV_STR("x"));
	ike_builder_close(&in.b);
	ike_delete_put(&in.b, RV_PROTO_KEYING, NULL, 0);
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
	assert_int_equal(in.ear.n, 1);
	assert_int_equal(n_peers(in.p->east), 1);
	pair_free(in.p);

	/* not critical: skipped, the delete counts */
	inside_begin(&in);
	ike_builder_put(&in.b, 200, RV_STR("x"));
	ike_delete_put(&in.b, RV_PROTO_KEYING, NULL, 0);
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
	assert_int_equal(n_peers(in.p->east), 0);
	pair_free(in.p);
}

static void deletes_of_what_is_not_there_do_nothing(void **state)
{
	uint32_t spis[200];
	struct inside in;

	inside_begin(&in);
	for (unsigned i = 0; i < RV_COUNT(spis); i++)
		spis[i] = 0x1000 + i;
	ike_delete_put(&in.b, RV_PROTO_ESP, spis, RV_COUNT(spis));
	ike_delete_put(&in.b, RV_PROTO_AH, &child_of(in.p->west)->spi_in, 1); /* the SPI is right, the protocol not */
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
	assert_int_equal(in.ear.n, 1);
	assert_true(pair_up(in.p));
	pair_free(in.p);
}

static void a_rekey_of_what_is_not_there_is_refused(void **state)
{
	struct inside in;
	struct rv_child *child;

	inside_begin(&in);
	child = child_of(in.p->west);
	ike_notify_put_spi(&in.b, IKE_N_REKEY_SA, RV_PROTO_ESP, 0xdeadbeef, rv_bytes(NULL, 0));
	ike_offer_put(&in.b, child->conf->proposals, child->conf->n_proposals, RV_STR("\1\2\3\4"));
	ike_nonce_put(&in.b, RV_STR("0123456789abcdef0123456789abcdef"));
	ike_ts_put(&in.b, IKE_PAYLOAD_TSI, child->ts, 1);
	ike_ts_put(&in.b, IKE_PAYLOAD_TSR, child->ts + 1, 1);
	inside_send(&in, IKE_EXCHANGE_CREATE_CHILD_SA, in.west->next_out);
	assert_int_equal(in.ear.n, 1);
	assert_true(pair_up(in.p));
	pair_free(in.p);
}

static void an_unknown_exchange_is_answered(void **state)
{
	struct inside in;

	inside_begin(&in);
	inside_send(&in, 200, in.west->next_out);
	assert_int_equal(in.ear.n, 1);
	pair_free(in.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_get_the_answer_of_the_rfc),
		cmocka_unit_test(an_unknown_critical_payload_is_named),
		cmocka_unit_test(errors_to_strangers_are_limited),
		cmocka_unit_test(a_repeated_first_message_gets_the_same_answer),
		cmocka_unit_test(a_late_copy_of_a_first_message_is_ignored),
		cmocka_unit_test(useless_answers_do_not_hold_up_the_retransmission),
		cmocka_unit_test(a_flood_is_answered_with_cookies_and_takes_no_memory),
		cmocka_unit_test(one_address_has_its_limit),
		cmocka_unit_test(all_together_have_their_limit),
		cmocka_unit_test(a_request_out_of_the_window_is_ignored),
		cmocka_unit_test(a_forged_message_changes_nothing),
		cmocka_unit_test(a_malformed_request_ends_the_ike_sa),
		cmocka_unit_test(a_critical_payload_refuses_the_request_and_nothing_more),
		cmocka_unit_test(deletes_of_what_is_not_there_do_nothing),
		cmocka_unit_test(a_rekey_of_what_is_not_there_is_refused),
		cmocka_unit_test(an_unknown_exchange_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

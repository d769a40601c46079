// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-handshake: IKE_SA_INIT and IKE_AUTH between two daemons, what goes well and what each failure says. */
#include "pair.h"

#include "exchange.h"
#include "requests.h"

static void a_tunnel_comes_up_and_goes_down(void **state)
{
	struct pair *p = pair_new(NULL, NULL);
	struct rv_why why = { 0 };

	bring_up(p);
	assert_int_equal(rv_core_down(p->west->core, "east", &why), 0);
	assert_true(sim_until(p->sim, pair_down, p, RV_S(5)));
	pair_free(p);
}

/* west's first group is not east's */
static void another_group_is_asked_for_and_given(void **state)
{
	const struct side west = { .proposals = "aes128gcm16-prfsha256-x25519-ecp256" },
			  east = { .proposals = "aes128gcm16-prfsha256-ecp256" };
	struct pair *p = pair_new(&west, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "wants key exchange group 19 instead of 31");
	assert_true(pair_up(p));
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void a_cookie_is_asked_for_and_given(void **state)
{
	const struct side east = { .settings = "cookie_threshold = 0" };
	struct pair *p = pair_new(NULL, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "asks for a cookie");
	assert_says(attempt, "request to 10.0.0.2:500: N(COOKIE) SA KE Nonce");
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* RFC 7296, 2.6.1: with both, the cookie goes along in all further requests */
static void a_cookie_and_another_group_go_together(void **state)
{
	const struct side west = { .proposals = "aes128gcm16-prfsha256-x25519-ecp256" },
			  east = { .proposals = "aes128gcm16-prfsha256-ecp256", .settings = "cookie_threshold = 0" };
	struct pair *p = pair_new(&west, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, 0);
	assert_int_equal(p->west->sent, 4); /* plain, cookie, cookie and group, IKE_AUTH */
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void every_suite_works(void **state)
{
	static const struct {
		const char *ike, *esp;
	} rows[] = {
		{ "aes256-sha256-modp2048", "aes128-sha256" },
		{ "chacha20poly1305-prfsha384-ecp256", "chacha20poly1305-ecp256" },
		{ "aes256gcm16-prfsha512-x448", "aes256gcm16-esn" },
		{ "aes192-sha384-ecp384", "null-sha256" },
		{ "aes128-sha512-ecp521", "aes256-sha512-modp3072" },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct side side = { .proposals = rows[i].ike, .esp = rows[i].esp };
		struct pair *p = pair_new(&side, &side);

		bring_up(p);
		assert_int_equal(ike_rekey(peer_of(p->west)->sa), 0);
		sim_run(p->sim, RV_S(1));
		assert_int_equal(ike_child_rekey(child_of(p->east)), 0);
		sim_run(p->sim, RV_S(1));
		assert_true(pair_up(p));
		pair_free(p);
	}
}

static void a_wrong_secret_is_told_on_both_sides(void **state)
{
	const struct side east = { .secret = "another" };
	struct pair *p = pair_new(NULL, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, -RV_EAUTH_FAILED);
	assert_says(attempt, "AUTHENTICATION_FAILED");
	assert_says(attempt, "compare the secret");
	assert_false(says(attempt, "the-same-on-both-sides"));
	rv_attempt_drop(attempt);
	assert_true(pair_down(p));
	attempt = last_attempt(p->east);
	assert_non_null(attempt);
	assert_string_equal(attempt->who, "peer");
	assert_int_equal(attempt->code, -RV_EAUTH_FAILED);
	assert_says(attempt, "has another secret");
	assert_false(says(attempt, "another\""));
	pair_free(p);
}

static void a_missing_proposal_is_told_on_both_sides(void **state)
{
	const struct side west = { .proposals = "aes128gcm16-prfsha256-x25519" },
			  east = { .proposals = "aes256-sha256-modp2048" };
	struct pair *p = pair_new(&west, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(25));

	assert_true(attempt->ended);
	assert_int_equal(attempt->code, -RV_ENO_PROPOSAL);
	assert_says(attempt, "NO_PROPOSAL_CHOSEN");
	assert_says(attempt, "aes128gcm16");
	rv_attempt_drop(attempt);
	attempt = last_attempt(p->east);
	assert_non_null(attempt);
	assert_int_equal(attempt->code, -RV_ENO_PROPOSAL);
	assert_says(attempt, "the peer at 10.0.0.1:500 offers aes128gcm16-prfsha256-x25519");
	assert_says(attempt, "we accept aes256-sha256-");
	assert_says(attempt, "(west)");
	pair_free(p);
}

/* the IKE SA stays (RFC 7296, 1.2), the attempt says what was wrong */
static void unacceptable_selectors_are_told_on_both_sides(void **state)
{
	const struct side west = { .remote_ts = "10.9.0.0/16" };
	struct pair *p = pair_new(&west, NULL);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, -RV_ETS_UNACCEPTABLE);
	assert_says(attempt, "TS_UNACCEPTABLE");
	assert_says(attempt, "10.9.0.0/16");
	rv_attempt_drop(attempt);
	assert_int_equal(n_peers(p->west), 1);
	assert_int_equal(n_peers(p->east), 1);
	assert_int_equal(sim_n_sas(p->west), 0);
	assert_int_equal(sim_n_sas(p->east), 0);
	attempt = last_attempt(p->east);
	assert_non_null(attempt);
	assert_string_equal(attempt->who, "peer");
	assert_int_equal(attempt->code, -RV_ETS_UNACCEPTABLE);
	assert_says(attempt, "it is west.example");
	assert_says(attempt, "it asked for a child SA (IKE_AUTH)");
	assert_says(attempt, "=== 10.9.0.0/16 (ours); we would accept");
	pair_free(p);
}

static void a_missing_child_proposal_is_told_on_both_sides(void **state)
{
	const struct side west = { .esp = "aes128gcm16" }, east = { .esp = "aes256-sha512" };
	struct pair *p = pair_new(&west, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, -RV_ENO_PROPOSAL);
	assert_says(attempt, "aes128gcm16");
	assert_int_equal(n_peers(p->west), 1);
	assert_int_equal(sim_n_sas(p->west), 0);
	rv_attempt_drop(attempt);
	attempt = last_attempt(p->east);
	assert_non_null(attempt);
	assert_int_equal(attempt->code, -RV_ENO_PROPOSAL);
	assert_says(attempt, "the peer offers aes128gcm16");
	assert_says(attempt, "we accept aes256-sha512");
	pair_free(p);
}

static void an_unknown_peer_is_told_on_both_sides(void **state)
{
	const struct side west = { .id = "north.example" };
	struct pair *p = pair_new(&west, NULL);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, -RV_EAUTH_FAILED);
	assert_says(attempt, "does not know our identity north.example");
	rv_attempt_drop(attempt);
	attempt = last_attempt(p->east);
	assert_non_null(attempt);
	assert_int_equal(attempt->code, -RV_EUNKNOWN_PEER);
	assert_says(attempt, "north.example");
	assert_true(pair_down(p));
	pair_free(p);
}

static void without_a_secret_nothing_is_sent(void **state)
{
	const struct side west = { .secret_ids = "id-1 = south.example" };
	struct pair *p = pair_new(&west, NULL);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, -RV_ENO_SECRET);
	assert_says(attempt, "no secret is configured");
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* the responder is not whom west wants: it is told, and ends what it believed to be up (RFC 7296, 2.21.2) */
static void a_responder_of_another_name_is_refused(void **state)
{
	const struct side west = { .other_id = "*.example.org", .secret_ids = "" };
	struct pair *p = pair_new(&west, NULL);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, -RV_EAUTH_FAILED);
	assert_says(attempt, "the peer says that it is east.example; connection east wants *.example.org");
	rv_attempt_drop(attempt);
	assert_true(sim_until(p->sim, pair_down, p, RV_S(2)));
	pair_free(p);
}

/* West's messages, whole. */
struct record {
	struct {
		uint8_t octets[2048];
		size_t len;
	} sent[8];
	unsigned n;
	uint8_t lose; /* the exchange whose requests do not arrive */
};

static bool record(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct record *r = arg;

	if (strcmp(from->name, "west") != 0)
		return false;
	assert_true(r->n < RV_COUNT(r->sent));
	memcpy(r->sent[r->n].octets, message, *len);
	r->sent[r->n++].len = *len;
	return message[18] == r->lose;
}

/* RFC 7296, 2.1: "A retransmission from the initiator MUST be bitwise identical to the original request." */
static void a_request_is_sent_again_bit_for_bit(void **state)
{
	static const uint8_t lost[] = { IKE_EXCHANGE_IKE_SA_INIT, IKE_EXCHANGE_IKE_AUTH };

	for (size_t i = 0; i < RV_COUNT(lost); i++) {
		const struct side west = { .settings = "retransmit_tries = 3\n retransmit_timeout = 1s\n" };
		struct pair *p = pair_new(&west, NULL);
		struct record r = { .lose = lost[i] };

		sim_tap(p->sim, record, &r);
		struct rv_attempt *attempt = try_up(p, "net", RV_S(30));

		assert_int_equal(attempt->code, -RV_ETIMEOUT);
		assert_int_equal(r.n, i + 4);
		for (unsigned k = (unsigned)i + 1; k < r.n; k++) {
			assert_int_equal(r.sent[k].len, r.sent[i].len);
			assert_memory_equal(r.sent[k].octets, r.sent[i].octets, r.sent[i].len);
		}
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

static struct rv_bytes payload_of(struct ike_message *m, const struct record *r, unsigned i, uint8_t type)
{
	const struct ike_types types = ike_types_own();

	assert_int_equal(ike_message_read(m, rv_bytes(r->sent[i].octets, r->sent[i].len), &types), 0);
	assert_int_equal(ike_chain_count(&m->chain, type), 1);
	return ike_chain_first(&m->chain, type)->body;
}

/* RFC 7296, 1.2, 2.6 and 2.7: with a cookie "all other payloads unchanged", with another group the full set again */
static void a_second_first_message_offers_what_the_first_did(void **state)
{
	const struct side west = { .proposals = "aes128gcm16-prfsha256-x25519-ecp256, aes256-sha512-modp2048" },
			  east = { .proposals = "aes128gcm16-prfsha256-ecp256", .settings = "cookie_threshold = 0" };
	struct pair *p = pair_new(&west, &east);
	struct record r = { 0 };
	struct ike_message first, m;

	sim_tap(p->sim, record, &r);
	bring_up(p);
	struct rv_bytes sa = payload_of(&first, &r, 0, IKE_PAYLOAD_SA),
			nonce = payload_of(&first, &r, 0, IKE_PAYLOAD_NONCE),
			ke = payload_of(&first, &r, 0, IKE_PAYLOAD_KE);

	assert_int_equal(sa.p[6], 0);	 /* SPI Size (3.3.1) */
	assert_int_equal(nonce.len, 32); /* half the key of the longest PRF (2.10) */
	assert_int_equal(ke.p[1], 31);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(rv_bytes_equal(payload_of(&m, &r, i, IKE_PAYLOAD_SA), sa));
		assert_true(rv_bytes_equal(payload_of(&m, &r, i, IKE_PAYLOAD_NONCE), nonce));
		assert_int_equal(payload_of(&m, &r, i, IKE_PAYLOAD_KE).p[1], i < 2 ? 31 : 19);
		assert_int_equal(rv_bytes_equal(payload_of(&m, &r, i, IKE_PAYLOAD_KE), ke), i < 2);
		assert_int_equal(m.header.spi_i, first.header.spi_i);
		assert_int_equal(m.header.spi_r, 0); /* 3.1 */
		assert_int_equal(m.header.minor, 0);
		assert_int_equal(m.header.flags, IKE_FLAG_INITIATOR);
		assert_int_equal(m.chain.p[0].type, i ? IKE_PAYLOAD_NOTIFY : IKE_PAYLOAD_SA);
	}
	pair_free(p);
}

static void a_silent_peer_is_told_with_its_retransmissions(void **state)
{
	const struct side west = { .settings = "retransmit_tries = 2\n retransmit_timeout = 1s\n" };
	struct pair *p = pair_new(&west, NULL);

	p->east->down = true;
	struct rv_attempt *attempt = try_up(p, "net", RV_S(30));

	assert_int_equal(attempt->code, -RV_ETIMEOUT);
	assert_says(attempt, "no answer from 10.0.0.2:500 to IKE_SA_INIT: 2 retransmissions in 6 s");
	assert_says(attempt, "for 1.0 s; IKE_SA_INIT sent again (1 of 2); check the address");
	rv_attempt_drop(attempt);
	assert_int_equal(n_peers(p->west), 0);
	pair_free(p);
}

struct forger {
	unsigned left;
	uint16_t notify;
};

/* Every IKE_SA_INIT response becomes an error without protection, as an attacker would send it. */
static bool forge(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct forger *f = arg;

	if (message[18] != IKE_EXCHANGE_IKE_SA_INIT || !(message[19] & IKE_FLAG_RESPONSE) || !f->left)
		return false;
	f->left--;
	struct rv_wr w = rv_wr(message + 16, 4096);

	rv_wr_u8(&w, IKE_PAYLOAD_NOTIFY);
	rv_wr_u8(&w, 0x20);
	rv_wr_u8(&w, IKE_EXCHANGE_IKE_SA_INIT);
	rv_wr_u8(&w, IKE_FLAG_RESPONSE);
	rv_wr_u32(&w, 0);
	rv_wr_u32(&w, 28 + 8);
	rv_wr_u32(&w, 8);
	rv_wr_u16(&w, 0);
	rv_wr_u16(&w, f->notify);
	*len = 36;
	return false;
}

/* RFC 7296, 2.21.1: "the recipient should continue trying for some time before giving up" */
static void an_unprotected_error_is_not_believed_at_once(void **state)
{
	struct forger f = { .left = 1, .notify = IKE_N_NO_PROPOSAL_CHOSEN };
	struct pair *p = pair_new(NULL, NULL);

	sim_tap(p->sim, forge, &f);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(30));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "NO_PROPOSAL_CHOSEN");
	assert_says(attempt, "no better answer came; IKE_SA_INIT sent again");
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void selectors_are_narrowed(void **state)
{
	const struct side west = { .local_ts = "10.1.0.0/16", .remote_ts = "10.0.0.0/8" },
			  east = { .local_ts = "10.2.0.0/16", .remote_ts = "10.1.0.0/24" };
	struct pair *p = pair_new(&west, &east);
	char text[RV_TS_TEXT];

	bring_up(p);
	struct rv_child *child = child_of(p->west);

	assert_int_equal(child->n_local_ts, 1);
	assert_string_equal(rv_ts_text(&child->ts[0], text), "10.1.0.0/24");
	assert_string_equal(rv_ts_text(&child->ts[1], text), "10.2.0.0/16");
	/* RFC 7296, 2.9.2: a rekey never makes them narrower */
	for (int i = 0; i < 2; i++) {
		uint32_t spi = child_of(p->west)->spi_in;

		assert_int_equal(ike_child_rekey(child_of(i ? p->east : p->west)), 0);
		sim_run(p->sim, RV_S(1));
		child = child_of(p->west);
		assert_true(child->spi_in != spi);
		assert_int_equal(child->n_local_ts, 1);
		assert_string_equal(rv_ts_text(&child->ts[0], text), "10.1.0.0/24");
		assert_string_equal(rv_ts_text(&child->ts[1], text), "10.2.0.0/16");
	}
	pair_free(p);
}

static void transport_mode_is_agreed_on(void **state)
{
	const struct side side = { .child = "mode = transport", .local_ts = "dynamic", .remote_ts = "dynamic" };
	struct pair *p = pair_new(&side, &side);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

	assert_int_equal(attempt->code, 0);
	assert_int_equal(child_of(p->west)->mode, RV_TRANSPORT);
	assert_int_equal(child_of(p->east)->mode, RV_TRANSPORT);
	assert_true(sim_packet(p->west, p->east, "10.0.0.1", "10.0.0.2"));
	rv_attempt_drop(attempt);
	pair_free(p);

	const struct side tunnel = { .local_ts = "dynamic", .remote_ts = "dynamic" };

	p = pair_new(&side, &tunnel);
	attempt = try_up(p, "net", RV_S(10));
	assert_int_equal(attempt->code, -RV_EREFUSED);
	assert_says(attempt, "set mode to the same on both sides");
	sim_run(p->sim, RV_S(2));
	assert_int_equal(sim_n_sas(p->east), 0); /* "the initiator MUST delete the SA" (RFC 7296, 1.3.1) */
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void encapsulation_is_forced_forbidden_or_left_out(void **state)
{
	static const struct {
		const char *west, *east;
		bool encap;
	} rows[] = {
		{ "encap = yes", "encap = no", true },
		{ "encap = no", "encap = yes", true },
		{ "encap = no", "encap = no", false },
		{ "encap = never", "encap = yes", false },
		{ "", "", false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct side west = { .connection = rows[i].west }, east = { .connection = rows[i].east };
		struct pair *p = pair_new(&west, &east);

		bring_up(p);
		assert_int_equal(child_of(p->west)->encap, rows[i].encap);
		assert_int_equal(child_of(p->east)->encap, rows[i].encap);
		assert_int_equal(peer_of(p->west)->path.remote.port, rows[i].encap ? 4500 : 500);
		assert_int_equal(peer_of(p->east)->path.remote.port, rows[i].encap ? 4500 : 500);
		pair_free(p);
	}
}

/* west crashed and comes back: east forgets the old IKE SA at once (RFC 7296, 2.4) */
static void initial_contact_replaces_the_old_session(void **state)
{
	struct pair *p = pair_new(NULL, NULL);

	bring_up(p);
	ike_sa_end(peer_of(p->west)->sa, 0, NULL); /* without a word */
	assert_int_equal(n_peers(p->east), 1);
	bring_up(p);
	assert_int_equal(n_peers(p->east), 1);
	assert_int_equal(sim_n_sas(p->east), 2);
	pair_free(p);
}

/* RFC 7296, 2.4: it "MUST NOT be sent by an entity that may be replicated" */
static void who_may_be_replicated_says_no_initial_contact(void **state)
{
	const struct side west = { .connection = "unique = never" };
	struct pair *p = pair_new(&west, NULL);

	bring_up(p);
	ike_sa_end(peer_of(p->west)->sa, 0, NULL); /* without a word */
	struct rv_attempt *attempt = try_up(p, "net", RV_S(60));

	assert_int_equal(attempt->code, 0);
	assert_int_equal(n_peers(p->east), 2);
	rv_attempt_drop(attempt);
	pair_free(p);
}

static bool drop_all(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct sim_host *silent = arg;

	return from == silent;
}

static void a_half_open_sa_times_out(void **state)
{
	const struct side east = { .settings = "half_open_timeout = 5s" };
	struct pair *p = pair_new(NULL, &east);
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	sim_tap(p->sim, drop_all, p->east);
	assert_int_equal(rv_core_up(p->west->core, "east", "net", "test", &attempt, &why), 0);
	sim_run(p->sim, RV_S(1));
	assert_int_equal(n_peers(p->east), 1);
	assert_int_equal(rv_core_down(p->west->core, "east", &why), 0);
	sim_run(p->sim, RV_S(5));
	assert_int_equal(n_peers(p->east), 0);
	assert_true(attempt->ended);
	rv_attempt_drop(attempt);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tunnel_comes_up_and_goes_down),
		cmocka_unit_test(another_group_is_asked_for_and_given),
		cmocka_unit_test(a_cookie_is_asked_for_and_given),
		cmocka_unit_test(a_cookie_and_another_group_go_together),
		cmocka_unit_test(every_suite_works),
		cmocka_unit_test(a_wrong_secret_is_told_on_both_sides),
		cmocka_unit_test(a_missing_proposal_is_told_on_both_sides),
		cmocka_unit_test(unacceptable_selectors_are_told_on_both_sides),
		cmocka_unit_test(a_missing_child_proposal_is_told_on_both_sides),
		cmocka_unit_test(an_unknown_peer_is_told_on_both_sides),
		cmocka_unit_test(without_a_secret_nothing_is_sent),
		cmocka_unit_test(a_responder_of_another_name_is_refused),
		cmocka_unit_test(a_request_is_sent_again_bit_for_bit),
		cmocka_unit_test(a_second_first_message_offers_what_the_first_did),
		cmocka_unit_test(a_silent_peer_is_told_with_its_retransmissions),
		cmocka_unit_test(an_unprotected_error_is_not_believed_at_once),
		cmocka_unit_test(selectors_are_narrowed),
		cmocka_unit_test(transport_mode_is_agreed_on),
		cmocka_unit_test(encapsulation_is_forced_forbidden_or_left_out),
		cmocka_unit_test(initial_contact_replaces_the_old_session),
		cmocka_unit_test(who_may_be_replicated_says_no_initial_contact),
		cmocka_unit_test(a_half_open_sa_times_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

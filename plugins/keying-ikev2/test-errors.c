// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-errors: what each side does with errors, case by case of RFC 7296, 2.21, and the refusals of 1.3 and 2.9.
 *
 * 2.21.1 (unprotected errors in IKE_SA_INIT), 2.21.2 (AUTHENTICATION_FAILED, a child SA that fails in IKE_AUTH) and
 * 2.21.4 (strangers) stand in test-handshake.c and test-hostile.c, too.
 */
#include "pair.h"

#include "child.h"
#include "octets/notify.h"
#include "protect.h"
#include "requests.h"

/* East's next answer to a CREATE_CHILD_SA or IKE_AUTH request is another one: a notification and nothing else. */
struct liar {
	struct pair *p;
	uint8_t exchange;
	uint16_t says;
	struct rv_bytes garbage; /* instead of a notification: the body of an SA payload */
	unsigned n;
};

static bool lie(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct liar *liar = arg;
	struct rv_ike_sa *sa = from == liar->p->east && peer_of(from) ? peer_of(from)->sa : NULL;
	uint8_t room[512], *octets = NULL;
	struct ike_header header;
	struct ike_builder b;

	if (!sa || liar->n || message[18] != liar->exchange || !(message[19] & IKE_FLAG_RESPONSE))
		return false;
	assert_true(ike_header_read(&header, rv_bytes(message, *len)));
	ike_builder_init(&b, room, sizeof(room));
	if (liar->garbage.len)
		ike_builder_put(&b, IKE_PAYLOAD_SA, liar->garbage);
	else
		ike_notify_put(&b, liar->says, rv_bytes(NULL, 0));
	struct rv_bytes chain;

	assert_true(ike_builder_done(&b, &chain));
	assert_int_equal(ike_seal(sa, &header, b.first, chain, &octets, len), 0);
	memcpy(message, octets, *len);
	talloc_free(octets);
	liar->n++;
	return false;
}

#define SECOND(a, b) "more { local_ts = " a "\n remote_ts = " b "\n esp_proposals = aes128gcm16-x25519 }"

static struct pair *lying(struct liar *liar, uint16_t says)
{
	const struct side west = { .children = SECOND("10.11.0.0/16", "10.12.0.0/16") },
			  east = { .children = SECOND("10.12.0.0/16", "10.11.0.0/16") };
	struct pair *p = pair_new(&west, &east);

	bring_up(p);
	*liar = (struct liar){ .p = p, .exchange = IKE_EXCHANGE_CREATE_CHILD_SA, .says = says };
	sim_tap(p->sim, lie, liar);
	return p;
}

/* 2.21.3: INVALID_SYNTAX "is considered fatal in both peers" */
static void invalid_syntax_in_an_answer_ends_the_ike_sa(void **state)
{
	struct liar liar;
	struct pair *p = lying(&liar, IKE_N_INVALID_SYNTAX);
	struct rv_attempt *attempt = try_up(p, "more", RV_S(5));

	assert_int_equal(liar.n, 1);
	assert_int_equal(attempt->code, -RV_ESYNTAX);
	assert_int_equal(n_peers(p->west), 0);
	assert_int_equal(sim_n_sas(p->west), 0);
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* 2.21.3: any other error refuses the request and nothing more; 1.3: so does NO_ADDITIONAL_SAS */
static void other_errors_in_an_answer_end_nothing(void **state)
{
	static const uint16_t types[] = { IKE_N_NO_ADDITIONAL_SAS,
					  IKE_N_NO_PROPOSAL_CHOSEN,
					  IKE_N_TS_UNACCEPTABLE,
					  IKE_N_SINGLE_PAIR_REQUIRED,
					  IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD,
					  IKE_N_INVALID_SPI,
					  9999 };

	for (size_t i = 0; i < RV_COUNT(types); i++) {
		struct liar liar;
		struct pair *p = lying(&liar, types[i]);
		struct rv_attempt *attempt = try_up(p, "more", RV_S(5));

		assert_int_equal(liar.n, 1);
		assert_int_equal(attempt->code, ike_error_of(types[i]));
		assert_int_equal(n_peers(p->west), 1);
		assert_true(carries(p));
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

/* 2.21: "Such errors in parsing or processing response packets should still cause the recipient to clean up" */
static void an_answer_that_cannot_be_read_is_cleaned_up_after(void **state)
{
	struct liar liar;
	struct pair *p = lying(&liar, 0);

	liar.garbage = RV_STR("this is no proposal");
	struct rv_attempt *attempt = try_up(p, "more", RV_S(5));

	assert_int_equal(liar.n, 1);
	assert_int_equal(attempt->code, -RV_ESYNTAX);
	sim_run(p->sim, RV_S(1));
	/* east had made it; west's Delete took it away again */
	assert_true(pair_up(p));
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* 2.21.2: in IKE_AUTH INVALID_SYNTAX, UNSUPPORTED_CRITICAL_PAYLOAD and AUTHENTICATION_FAILED end the IKE SA */
static void only_three_errors_in_ike_auth_end_the_ike_sa(void **state)
{
	static const struct {
		uint16_t type;
		int code;
	} rows[] = { { IKE_N_INVALID_SYNTAX, -RV_ESYNTAX },
		     { IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, -RV_ECRITICAL },
		     { IKE_N_AUTHENTICATION_FAILED, -RV_EAUTH_FAILED } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct pair *p = pair_new(NULL, NULL);
		struct liar liar = { .p = p, .exchange = IKE_EXCHANGE_IKE_AUTH, .says = rows[i].type };

		sim_tap(p->sim, lie, &liar);
		struct rv_attempt *attempt = try_up(p, "net", RV_S(5));

		assert_int_equal(liar.n, 1);
		assert_int_equal(attempt->code, rows[i].code);
		assert_int_equal(n_peers(p->west), 0);
		rv_attempt_drop(attempt);
		pair_free(p);
	}
	/* the child SA failed, the IKE SA is there: "the initiator MUST NOT fail the authentication because of this" */
	const struct side east = { .local_ts = "10.99.0.0/16" };
	struct pair *p = pair_new(NULL, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(5));

	assert_int_equal(attempt->code, -RV_ETS_UNACCEPTABLE);
	assert_int_equal(n_peers(p->west), 1);
	assert_int_equal(n_peers(p->east), 1);
	assert_true(peer_of(p->west)->established);
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* 2.21.4: an unprotected INVALID_IKE_SPI is a hint: nothing changes, but it is asked whether the peer lives, seldom */
static void an_unprotected_complaint_makes_us_look_whether_the_peer_lives(void **state)
{
	struct pair *p = pair_new(NULL, NULL);

	bring_up(p);
	struct rv_ike_sa *sa = peer_of(p->west)->sa;
	struct rv_path path = { .local = p->west->addr, .remote = p->east->addr };
	const struct ike_header header = { .spi_i = sa->spi_i,
					   .spi_r = sa->spi_r,
					   .major = IKE_MAJOR,
					   .exchange = IKE_EXCHANGE_INFORMATIONAL,
					   .flags = IKE_FLAG_RESPONSE,
					   .id = sa->next_out };
	uint8_t room[64], octets[128];
	struct ike_builder b;
	size_t len;

	ike_builder_init(&b, room, sizeof(room));
	ike_notify_put(&b, IKE_N_INVALID_IKE_SPI, rv_bytes(NULL, 0));
	assert_int_equal(ike_message_write(&header, &b, octets, sizeof(octets), &len), 0);
	path.local.port = path.remote.port = 500;
	for (int i = 0; i < 3; i++) {
		sim_run(p->sim, RV_S(60));
		uint64_t sent = p->west->sent, answered = p->east->sent;

		for (int k = 0; k < 100; k++) {
			p->west->recv(p->west->recv_arg, &path, rv_bytes(octets, len));
			sim_run(p->sim, RV_MS(50));
		}
		assert_int_equal(p->west->sent, sent + 1);
		assert_int_equal(p->east->sent, answered + 1);
		assert_true(pair_up(p));
	}
	pair_free(p);
}

/* 1.3: "the responder is unwilling to accept any more Child SAs on this IKE SA" */
static void more_child_sas_than_the_limit_are_refused(void **state)
{
	const struct side west = { .children = SECOND("10.11.0.0/16", "10.12.0.0/16") },
			  east = { .children = SECOND("10.12.0.0/16", "10.11.0.0/16"), .settings = "child_limit = 1" };
	struct pair *p = pair_new(&west, &east);

	bring_up(p);
	struct rv_attempt *attempt = try_up(p, "more", RV_S(5));

	assert_int_equal(attempt->code, -RV_ELIMIT);
	assert_says(attempt, "NO_ADDITIONAL_SAS");
	rv_attempt_drop(attempt);
	/* a rekey is none */
	uint32_t spi = child_of(p->west)->spi_in;
	assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
	sim_run(p->sim, RV_S(6));
	assert_true(pair_up(p) && child_of(p->west)->spi_in != spi);
	pair_free(p);
}

/* 2.9: the packet's selectors come first, so that the responder's choice fits them */
static void the_packet_that_asked_is_within_what_is_agreed_on(void **state)
{
	const struct side west = { .child = "start_action = trap" },
			  east = { .local_ts = "10.2.0.0/24",
				   .children = "other { local_ts = 10.2.7.0/24\n remote_ts = 10.1.0.0/16\n "
					       "esp_proposals = aes128gcm16 }" };
	struct pair *p = pair_new(&west, &east);

	sim_run(p->sim, RV_S(1));
	assert_true(sim_acquire(p->west, "10.1.0.5", "10.2.7.9"));
	sim_run(p->sim, RV_S(2));
	assert_true(sim_packet(p->west, p->east, "10.1.0.5", "10.2.7.9"));
	assert_string_equal(child_of(p->east)->conf->name, "other");
	assert_says(last_attempt(p->west), "other selectors of ours in further child SAs");
	pair_free(p);

	/* without a packet the first child that does is as good as another */
	p = pair_new(NULL, &east);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(5));

	assert_string_equal(child_of(p->east)->conf->name, "net");
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* 2.9: "The requestor is expected to respond by requesting an SA for only the specific traffic" */
static void a_single_pair_is_asked_for_when_that_is_required(void **state)
{
	const struct side west = { .child = "start_action = trap", .children = SECOND("10.11.0.0/16", "10.12.0.0/16") },
			  east = { .children = SECOND("10.12.0.0/16", "10.11.0.0/16") };
	struct pair *p = pair_new(&west, &east);
	struct liar liar = { .p = p, .exchange = IKE_EXCHANGE_CREATE_CHILD_SA, .says = IKE_N_SINGLE_PAIR_REQUIRED };

	sim_run(p->sim, RV_S(1));
	struct rv_attempt *attempt = try_up(p, "more", RV_S(5));

	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	sim_tap(p->sim, lie, &liar);
	assert_true(sim_acquire(p->west, "10.1.0.5", "10.2.7.9"));
	sim_run(p->sim, RV_S(2));
	assert_int_equal(liar.n, 1);
	assert_says(last_attempt(p->west), "the packet's own is asked for");
	assert_int_equal(last_attempt(p->west)->code, 0);
	assert_true(sim_packet(p->west, p->east, "10.1.0.5", "10.2.7.9"));
	rv_list_each (&peer_of(p->west)->children, child, struct rv_child, entry)
		if (strcmp(child->conf->name, "net") == 0)
			assert_true(rv_ts_cover(&child->ts[0]) == 32 && rv_ts_cover(&child->ts[1]) == 32);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invalid_syntax_in_an_answer_ends_the_ike_sa),
		cmocka_unit_test(other_errors_in_an_answer_end_nothing),
		cmocka_unit_test(an_answer_that_cannot_be_read_is_cleaned_up_after),
		cmocka_unit_test(only_three_errors_in_ike_auth_end_the_ike_sa),
		cmocka_unit_test(an_unprotected_complaint_makes_us_look_whether_the_peer_lives),
		cmocka_unit_test(more_child_sas_than_the_limit_are_refused),
		cmocka_unit_test(the_packet_that_asked_is_within_what_is_agreed_on),
		cmocka_unit_test(a_single_pair_is_asked_for_when_that_is_required),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

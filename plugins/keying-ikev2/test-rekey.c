// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-rekey: what happens inside an established IKE SA: further child SAs, rekeys, collisions, liveness, deletes. */
#include "pair.h"

#include "exchange.h"
#include "requests.h"

#include "child.h"

/* Every message of one exchange is held back until the test lets it go. */
struct hold {
	struct pair *p;
	bool on;
	unsigned n;
	struct {
		struct sim_host *from;
		struct rv_path path;
		uint8_t octets[2048];
		size_t len;
	} held[8];
};

static bool hold(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct hold *h = arg;

	if (!h->on || h->n == RV_COUNT(h->held))
		return false;
	h->held[h->n].from = from;
	h->held[h->n].path = peer_of(from)->path;
	memcpy(h->held[h->n].octets, message, *len);
	h->held[h->n++].len = *len;
	return true;
}

static void let_go(struct hold *h)
{
	unsigned n = h->n;

	h->on = false;
	h->n = 0;
	for (unsigned i = 0; i < n; i++)
		sim_send(h->held[i].from, &h->held[i].path, rv_bytes(h->held[i].octets, h->held[i].len));
}

static struct pair *up_pair(const struct side *west, const struct side *east)
{
	struct pair *p = pair_new(west, east);

	bring_up(p);
	return p;
}

static struct rv_ike_sa *sa_of(struct sim_host *host)
{
	return peer_of(host)->sa;
}

static void either_side_rekeys_a_child(void **state)
{
	struct pair *p = up_pair(NULL, NULL);

	for (int i = 0; i < 6; i++) {
		uint32_t spi = child_of(p->west)->spi_in, reqid = child_of(p->west)->reqid;

		assert_int_equal(ike_child_rekey(child_of(i & 1 ? p->west : p->east)), 0);
		for (int ms = 0; ms < 40; ms++) {
			sim_run(p->sim, RV_MS(1));
			assert_true(carries(p)); /* at no time is there a gap */
		}
		assert_true(pair_up(p));
		assert_true(child_of(p->west)->spi_in != spi);
		assert_int_equal(child_of(p->west)->reqid, reqid);
	}
	pair_free(p);
}

/* RFC 7296, 2.6: SPIs are "unique identifiers of an IKE SA", also when random numbers come again. */
static void an_spi_is_never_that_of_another_ike_sa(void **state)
{
	struct pair *p = up_pair(NULL, NULL);
	struct rv_ike_sa *sa = sa_of(p->west);
	const uint64_t was = sa->spi_i, dice = p->west->random;
	uint64_t first = ike_spi_new(sa->engine);

	p->west->random = dice;
	assert_int_equal(ike_spi_new(sa->engine), first);
	p->west->random = dice;
	ike_sas_remove(sa);
	sa->spi_i = first;
	assert_int_equal(ike_sas_add(sa), 0);
	assert_int_not_equal(ike_spi_new(sa->engine), first);
	ike_sas_remove(sa);
	sa->spi_i = was;
	assert_int_equal(ike_sas_add(sa), 0);
	pair_free(p);
}

static void either_side_rekeys_the_ike_sa(void **state)
{
	struct pair *p = up_pair(NULL, NULL);

	for (int i = 0; i < 6; i++) {
		uint64_t spi = sa_of(p->west)->spi_i;

		assert_int_equal(ike_rekey(sa_of(i & 1 ? p->west : p->east)), 0);
		sim_run(p->sim, RV_S(1));
		assert_true(pair_up(p));
		assert_true(sa_of(p->west)->spi_i != spi);
		assert_int_equal(sa_of(p->west)->spi_i, sa_of(p->east)->spi_i);
		assert_int_equal(sa_of(p->west)->spi_r, sa_of(p->east)->spi_r);
		assert_int_equal(sa_of(p->west)->initiator, i & 1); /* who asked is the new original initiator */
		assert_int_equal(sa_of(p->west)->engine->sas.n, 1);
		assert_int_equal(sa_of(p->east)->engine->sas.n, 1);
	}
	pair_free(p);
}

/* RFC 7296, 2.8.1, first figure */
static void both_sides_rekey_a_child_at_once(void **state)
{
	for (int round = 0; round < 4; round++) {
		struct pair *p = up_pair(NULL, NULL);
		struct hold h = { .p = p, .on = true };

		/* the dice of four rounds: either side's nonce is the lowest in some of them */
		for (int i = 0; i < round; i++) {
			uint8_t octet;
			rv_host_random(p->west->core->host, &octet, 1);
		}
		sim_tap(p->sim, hold, &h);
		assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
		assert_int_equal(ike_child_rekey(child_of(p->east)), 0);
		sim_run(p->sim, RV_MS(1));
		assert_int_equal(h.n, 2);
		let_go(&h);
		sim_run(p->sim, RV_S(10));
		assert_true(pair_up(p));
		assert_int_equal(child_of(p->west)->spi_in, child_of(p->east)->spi_out);
		pair_free(p);
	}
}

/* RFC 7296, 2.8.2 */
static void both_sides_rekey_the_ike_sa_at_once(void **state)
{
	for (int round = 0; round < 4; round++) {
		struct pair *p = up_pair(NULL, NULL);
		struct hold h = { .p = p, .on = true };

		for (int i = 0; i < round; i++) {
			uint8_t octet;
			rv_host_random(p->west->core->host, &octet, 1);
		}
		sim_tap(p->sim, hold, &h);
		assert_int_equal(ike_rekey(sa_of(p->west)), 0);
		assert_int_equal(ike_rekey(sa_of(p->east)), 0);
		sim_run(p->sim, RV_MS(1));
		assert_int_equal(h.n, 2);
		let_go(&h);
		sim_run(p->sim, RV_S(10));
		assert_true(pair_up(p));
		assert_int_equal(sa_of(p->west)->spi_i, sa_of(p->east)->spi_i);
		assert_int_equal(sa_of(p->west)->spi_r, sa_of(p->east)->spi_r);
		assert_int_equal(sa_of(p->west)->engine->sas.n, 1);
		assert_int_equal(sa_of(p->east)->engine->sas.n, 1);
		assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
		sim_run(p->sim, RV_S(1));
		assert_true(pair_up(p));
		pair_free(p);
	}
}

static bool drop_first(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct hold *h = arg;

	if (from != h->p->west || h->n)
		return false;
	h->n++;
	return true;
}

/* RFC 7296, 2.8.1 and 2.8.2, second figures: west's first message is lost, east does not know that both rekey */
static void one_side_does_not_notice_that_both_rekey(void **state)
{
	for (int ike = 0; ike < 2; ike++) {
		struct pair *p = up_pair(NULL, NULL);
		struct hold h = { .p = p };

		sim_tap(p->sim, drop_first, &h);
		if (ike) {
			assert_int_equal(ike_rekey(sa_of(p->west)), 0);
			assert_int_equal(ike_rekey(sa_of(p->east)), 0);
		} else {
			assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
			assert_int_equal(ike_child_rekey(child_of(p->east)), 0);
		}
		sim_run(p->sim, RV_S(90));
		assert_int_equal(h.n, 1);
		assert_true(pair_up(p));
		assert_int_equal(sa_of(p->west)->spi_i, sa_of(p->east)->spi_i);
		assert_int_equal(sa_of(p->west)->engine->sas.n, 1);
		assert_int_equal(sa_of(p->east)->engine->sas.n, 1);
		pair_free(p);
	}
}

/* RFC 7296, 2.25.1: rekey of the IKE SA meets that of a child; the refused one is tried again */
static void a_rekey_of_the_ike_sa_meets_that_of_a_child(void **state)
{
	struct pair *p = up_pair(NULL, NULL);
	struct hold h = { .p = p, .on = true };
	uint32_t spi = child_of(p->west)->spi_in;
	uint64_t ike = sa_of(p->west)->spi_i;

	sim_tap(p->sim, hold, &h);
	assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
	assert_int_equal(ike_rekey(sa_of(p->east)), 0);
	sim_run(p->sim, RV_MS(1));
	let_go(&h);
	sim_run(p->sim, RV_S(60));
	assert_true(pair_up(p));
	assert_true(child_of(p->west)->spi_in != spi);
	assert_true(sa_of(p->west)->spi_i != ike);
	pair_free(p);
}

static void both_sides_delete_a_child_at_once(void **state)
{
	struct pair *p = up_pair(NULL, NULL);
	struct hold h = { .p = p, .on = true };

	sim_tap(p->sim, hold, &h);
	assert_int_equal(ike_child_delete(child_of(p->west)), 0);
	assert_int_equal(ike_child_delete(child_of(p->east)), 0);
	sim_run(p->sim, RV_MS(1));
	/* half-closed, and not closed alone (RFC 7296, 1.4.1) */
	assert_int_equal(sim_n_sas(p->west), 2);
	assert_int_equal(sim_n_sas(p->east), 2);
	let_go(&h);
	/* "delete the outgoing SAs while processing the request and the incoming SAs while processing the response" */
	h.on = true;
	sim_run(p->sim, RV_MS(50));
	assert_int_equal(sim_n_sas(p->west), 1);
	assert_int_equal(sim_n_sas(p->east), 1);
	let_go(&h);
	sim_run(p->sim, RV_S(5));
	assert_int_equal(sim_n_sas(p->west) + sim_n_sas(p->east), 0);
	assert_int_equal(n_peers(p->west), 1);
	assert_int_equal(n_peers(p->east), 1);
	pair_free(p);
}

static void both_sides_delete_the_ike_sa_at_once(void **state)
{
	struct pair *p = up_pair(NULL, NULL);
	struct hold h = { .p = p, .on = true };

	sim_tap(p->sim, hold, &h);
	assert_int_equal(ike_delete(sa_of(p->west)), 0);
	assert_int_equal(ike_delete(sa_of(p->east)), 0);
	sim_run(p->sim, RV_MS(1));
	let_go(&h);
	assert_true(sim_until(p->sim, pair_down, p, RV_S(5)));
	pair_free(p);
}

/* what one asks for while the IKE SA is deleted gives way */
static void a_delete_goes_before_what_waits(void **state)
{
	struct pair *p = up_pair(NULL, NULL);

	assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
	assert_int_equal(ike_rekey(sa_of(p->west)), 0);
	assert_int_equal(ike_delete(sa_of(p->west)), 0);
	assert_true(sim_until(p->sim, pair_down, p, RV_S(5)));
	pair_free(p);

	p = up_pair(NULL, NULL);
	assert_int_equal(ike_rekey(sa_of(p->west)), 0);
	assert_int_equal(ike_delete(sa_of(p->west)), 0);
	assert_true(sim_until(p->sim, pair_down, p, RV_S(5)));
	pair_free(p);
}

/* the answer to a delete is lost: the request comes again and finds a ghost (RFC 7296, 2.1) */
static bool drop_answers(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	unsigned *left = arg;

	if (!(message[19] & IKE_FLAG_RESPONSE) || !*left)
		return false;
	--*left;
	return true;
}

static void a_lost_answer_to_a_delete_is_sent_again(void **state)
{
	struct pair *p = up_pair(NULL, NULL);
	unsigned left = 2;

	sim_tap(p->sim, drop_answers, &left);
	assert_int_equal(ike_delete(sa_of(p->west)), 0);
	assert_true(sim_until(p->sim, pair_down, p, RV_S(15)));
	assert_int_equal(left, 0);
	pair_free(p);
}

#define SECOND                                                                                                         \
	"more { local_ts = 10.11.0.0/16\n remote_ts = 10.12.0.0/16\n esp_proposals = aes128gcm16-x25519, "             \
	"aes128-sha256 }"
#define SECOND_EAST                                                                                                    \
	"more { local_ts = 10.12.0.0/16\n remote_ts = 10.11.0.0/16\n esp_proposals = aes128gcm16-ecp256-x25519 }"

static void a_further_child_is_made_with_a_key_exchange(void **state)
{
	const struct side west = { .children = SECOND }, east = { .children = SECOND_EAST };
	struct pair *p = up_pair(&west, &east);
	struct rv_attempt *attempt = try_up(p, "more", RV_S(5));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "CREATE_CHILD_SA request");
	/* east prefers ecp256, which west does not offer; x25519 is common */
	assert_true(sim_packet(p->west, p->east, "10.11.0.1", "10.12.0.1"));
	assert_true(sim_packet(p->east, p->west, "10.12.0.1", "10.11.0.1"));
	assert_int_equal(sim_n_sas(p->west), 4);
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void a_further_child_with_another_group_is_asked_for_again(void **state)
{
	const struct side west = { .children = "more { local_ts = 10.11.0.0/16\n remote_ts = 10.12.0.0/16\n "
					       "esp_proposals = aes128gcm16-x25519-ecp256 }" },
			  east = { .children = SECOND_EAST };
	struct pair *p = up_pair(&west, &east);
	struct rv_attempt *attempt = try_up(p, "more", RV_S(5));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "INVALID_KE_PAYLOAD");
	assert_true(sim_packet(p->west, p->east, "10.11.0.1", "10.12.0.1"));
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* RFC 7296, 2.25.2: east rekeys the IKE SA when west asks for a child SA: it has to wait */
static void a_further_child_waits_for_a_peer_that_is_busy(void **state)
{
	const struct side west = { .children = SECOND }, east = { .children = SECOND_EAST };
	struct pair *p = up_pair(&west, &east);
	struct hold h = { .p = p, .on = true };
	struct rv_attempt *attempt = NULL;
	struct rv_why why = { 0 };

	sim_tap(p->sim, hold, &h);
	assert_int_equal(ike_rekey(sa_of(p->east)), 0);
	sim_run(p->sim, RV_MS(1));
	assert_int_equal(rv_core_up(p->west->core, "east", "more", "test", &attempt, &why), 0);
	sim_run(p->sim, RV_MS(1));
	let_go(&h);
	uint64_t refused_us = sim_now_us(p->sim);

	(void)sim_until(p->sim, attempt_ended, attempt, RV_S(40));
	assert_int_equal(attempt->code, 0);
	assert_true(sim_now_us(p->sim) - refused_us >= RV_S(5)); /* "it MUST wait" (RFC 7296, 2.25) */
	assert_says(attempt, "TEMPORARY_FAILURE");
	assert_true(sim_packet(p->west, p->east, "10.11.0.1", "10.12.0.1"));
	assert_true(carries(p));
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* RFC 7296, 3.4: "If none of the proposals in that SA payload specifies a Diffie-Hellman group, the KE payload MUST NOT
 * be present" */
static void without_a_group_there_is_no_key_exchange(void **state)
{
	const struct side west = { .children = "more { local_ts = 10.11.0.0/16\n remote_ts = 10.12.0.0/16\n "
					       "esp_proposals = aes128gcm16 }" },
			  east = { .children = "more { local_ts = 10.12.0.0/16\n remote_ts = 10.11.0.0/16\n "
					       "esp_proposals = aes128gcm16 }" };
	struct pair *p = up_pair(&west, &east);
	struct rv_attempt *attempt = try_up(p, "more", RV_S(5));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "sent CREATE_CHILD_SA request to 10.0.0.2:500: SA Nonce TSi TSr;");
	assert_says(attempt, "got CREATE_CHILD_SA response from 10.0.0.2:500: SA Nonce TSi TSr;");
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* RFC 7296, 3.3.6: the group NONE is chosen, "then it MUST ignore the initiator's KE payload and omit the KE payload
 * from the response" */
static void a_key_exchange_that_is_not_chosen_is_ignored(void **state)
{
	const struct side west = { .children = "more { local_ts = 10.11.0.0/16\n remote_ts = 10.12.0.0/16\n "
					       "esp_proposals = aes128gcm16-x25519-none }" },
			  east = { .children = "more { local_ts = 10.12.0.0/16\n remote_ts = 10.11.0.0/16\n "
					       "esp_proposals = aes128gcm16 }" };
	struct pair *p = up_pair(&west, &east);
	struct rv_attempt *attempt = try_up(p, "more", RV_S(5));

	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "sent CREATE_CHILD_SA request to 10.0.0.2:500: SA Nonce KE TSi TSr;");
	assert_says(attempt, "got CREATE_CHILD_SA response from 10.0.0.2:500: SA Nonce TSi TSr;");
	assert_true(sim_packet(p->west, p->east, "10.11.0.1", "10.12.0.1"));
	assert_true(sim_packet(p->east, p->west, "10.12.0.1", "10.11.0.1"));
	rv_attempt_drop(attempt);
	pair_free(p);
}

/* RFC 7296, 2.3: a request waits for the answer to the one before it */
static void one_request_is_outstanding_at_a_time(void **state)
{
	struct pair *p = up_pair(NULL, NULL);
	struct hold h = { .p = p, .on = true };

	sim_tap(p->sim, hold, &h);
	assert_int_equal(ike_liveness(sa_of(p->west)), 0);
	assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
	sim_run(p->sim, RV_MS(100));
	assert_int_equal(h.n, 1);
	let_go(&h);
	sim_run(p->sim, RV_S(1));
	assert_true(rv_list_empty(&sa_of(p->west)->requests));
	assert_true(pair_up(p));
	pair_free(p);
}

/* RFC 7296, 2.25: CHILD_SA_NOT_FOUND: the child SA goes without a word and a new one is asked for */
static void a_child_that_the_peer_has_not_is_made_anew(void **state)
{
	struct pair *p = up_pair(NULL, NULL);
	uint32_t spi = child_of(p->west)->spi_in;

	rv_child_down(child_of(p->east), 0);
	assert_int_equal(sim_n_sas(p->east), 0);
	assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
	sim_run(p->sim, RV_S(1));
	assert_true(pair_up(p));
	assert_true(child_of(p->west)->spi_in != spi);
	pair_free(p);
}

/* RFC 7296, 2.8.1: "the timing of rekeying requests SHOULD be jittered" */
static void rekeys_do_not_come_at_the_same_time(void **state)
{
	const struct side west = { .connection = "rekey_time = 1h\n rand_time = 10m" };
	struct pair *p = up_pair(&west, NULL);
	uint64_t last = 0;

	for (int i = 0; i < 5; i++) {
		uint64_t now = sim_now_us(p->sim), due;

		assert_int_equal(ike_rekey(sa_of(p->west)), 0);
		sim_run(p->sim, RV_S(1));
		due = sa_of(p->west)->rekey_us - now;
		assert_true(due >= RV_S(3000) && due <= RV_S(3601));
		assert_true(due != last);
		last = due;
	}
	pair_free(p);
}

static void a_further_child_that_is_refused_says_why(void **state)
{
	const struct side west = { .children = SECOND };
	struct pair *p = up_pair(&west, NULL);
	struct rv_attempt *attempt = try_up(p, "more", RV_S(5));

	assert_int_equal(attempt->code, -RV_ETS_UNACCEPTABLE);
	assert_says(attempt, "10.11.0.0/16");
	rv_attempt_drop(attempt);
	assert_true(pair_up(p));
	pair_free(p);
}

static void a_dead_peer_is_found_and_its_sas_removed(void **state)
{
	const struct side west = { .connection = "dpd_delay = 30s", .settings = "retransmit_tries = 3" };
	struct pair *p = up_pair(&west, NULL);

	p->east->down = true;
	sim_run(p->sim, RV_S(29));
	assert_int_equal(n_peers(p->west), 1);
	sim_run(p->sim, RV_S(60));
	assert_int_equal(n_peers(p->west), 0);
	assert_int_equal(sim_n_sas(p->west), 0);
	p->east->down = false;
	pair_free(p);
}

/* RFC 7296, 2.4: traffic on a child SA shows that the peer lives */
static void traffic_is_a_sign_of_life(void **state)
{
	const struct side west = { .connection = "dpd_delay = 30s" };
	struct pair *p = up_pair(&west, NULL);
	uint64_t sent = p->west->sent;

	for (int i = 0; i < 20; i++) {
		sim_run(p->sim, RV_S(20));
		assert_true(sim_packet(p->east, p->west, "10.2.0.5", "10.1.0.5"));
	}
	assert_int_equal(p->west->sent, sent);
	sim_run(p->sim, RV_S(31));
	assert_int_equal(p->west->sent, sent + 1);
	assert_true(pair_up(p));
	pair_free(p);
}

static void a_session_that_cannot_be_rekeyed_ends(void **state)
{
	const struct side west = { .connection = "rekey_time = 1h\n over_time = 10m" },
			  east = { .connection = "rekey_time = 0" };
	struct pair *p = up_pair(&west, &east);

	p->east->down = true;
	sim_run(p->sim, RV_S(3600 + 601));
	assert_int_equal(n_peers(p->west), 0);
	pair_free(p);
}

/* An established IKE SA keeps its last response for three minutes and no more (RFC 7296, 2.1). */
static void responses_are_let_go(void **state)
{
	struct pair *p = up_pair(NULL, NULL);

	assert_non_null(sa_of(p->east)->response);
	sim_run(p->sim, RV_S(179));
	assert_non_null(sa_of(p->east)->response);
	sim_run(p->sim, RV_S(2));
	assert_null(sa_of(p->east)->response);
	assert_null(sa_of(p->east)->hs);
	assert_int_equal(sa_of(p->east)->engine->cached_octets, 0);
	pair_free(p);
}

/* architecture.md, section 5: what an established IKE SA with its child SA takes of the loop's memory; a talloc chunk
 * has 96 octets of its own */
static void an_established_session_is_small(void **state)
{
	struct pair *p = up_pair(NULL, NULL);

	sim_run(p->sim, RV_S(181));
	for (int i = 0; i < 2; i++) {
		struct rv_peer *peer = peer_of(i ? p->west : p->east);
		size_t octets = talloc_total_size(peer) + 96 * talloc_total_blocks(peer);

		if (octets > 2304)
			fail_msg("%zu octets", octets);
	}
	pair_free(p);
}

static void stopped(void *arg)
{
	*(bool *)arg = true;
}

static void a_stopping_daemon_deletes_its_sessions(void **state)
{
	struct pair *p = up_pair(NULL, NULL);
	bool done = false;

	rv_core_stop(p->west->core, stopped, &done);
	assert_true(sim_until(p->sim, pair_down, p, RV_MS(100)));
	assert_true(done);
	pair_free(p);

	/* a peer that does not answer is not waited for longer than two seconds */
	p = up_pair(NULL, NULL);
	done = false;
	p->east->down = true;
	rv_core_stop(p->west->core, stopped, &done);
	sim_run(p->sim, RV_MS(1900));
	assert_false(done);
	sim_run(p->sim, RV_MS(200));
	assert_true(done);
	pair_free(p);
}

/* Limits in octets and packets are jittered as the time is, each SA by itself, and never above what is configured. */
static void limits_of_amounts_are_jittered(void **state)
{
	const struct side side = { .child = "rekey_bytes = 100000\nrand_bytes = 90000\nlife_bytes = 200000\n"
					    "rekey_packets = 1000\nrand_packets = 0" };
	uint64_t last = 0;
	unsigned differ = 0;

	struct pair *p = pair_new(&side, &side);

	bring_up(p);
	rv_list_each (&p->west->sas, sa, struct sim_sa, entry) {
		assert_in_range(sa->spec.bytes_soft, 10000, 100000);
		assert_int_equal(sa->spec.bytes_hard, 200000);
		assert_int_equal(sa->spec.packets_soft, 1000);
		assert_int_equal(sa->spec.packets_hard, 1100);
		differ += sa->spec.bytes_soft != last;
		last = sa->spec.bytes_soft;
	}
	assert_int_equal(differ, 2);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(either_side_rekeys_a_child),
		cmocka_unit_test(an_spi_is_never_that_of_another_ike_sa),
		cmocka_unit_test(either_side_rekeys_the_ike_sa),
		cmocka_unit_test(both_sides_rekey_a_child_at_once),
		cmocka_unit_test(both_sides_rekey_the_ike_sa_at_once),
		cmocka_unit_test(one_side_does_not_notice_that_both_rekey),
		cmocka_unit_test(a_rekey_of_the_ike_sa_meets_that_of_a_child),
		cmocka_unit_test(both_sides_delete_a_child_at_once),
		cmocka_unit_test(both_sides_delete_the_ike_sa_at_once),
		cmocka_unit_test(a_delete_goes_before_what_waits),
		cmocka_unit_test(a_lost_answer_to_a_delete_is_sent_again),
		cmocka_unit_test(a_further_child_is_made_with_a_key_exchange),
		cmocka_unit_test(a_further_child_with_another_group_is_asked_for_again),
		cmocka_unit_test(a_further_child_waits_for_a_peer_that_is_busy),
		cmocka_unit_test(without_a_group_there_is_no_key_exchange),
		cmocka_unit_test(a_key_exchange_that_is_not_chosen_is_ignored),
		cmocka_unit_test(one_request_is_outstanding_at_a_time),
		cmocka_unit_test(a_child_that_the_peer_has_not_is_made_anew),
		cmocka_unit_test(rekeys_do_not_come_at_the_same_time),
		cmocka_unit_test(a_further_child_that_is_refused_says_why),
		cmocka_unit_test(a_dead_peer_is_found_and_its_sas_removed),
		cmocka_unit_test(traffic_is_a_sign_of_life),
		cmocka_unit_test(a_session_that_cannot_be_rekeyed_ends),
		cmocka_unit_test(responses_are_let_go),
		cmocka_unit_test(an_established_session_is_small),
		cmocka_unit_test(a_stopping_daemon_deletes_its_sessions),
		cmocka_unit_test(limits_of_amounts_are_jittered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

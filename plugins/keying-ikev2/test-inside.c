// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-inside: a peer that has the keys and breaks the rules: malformed, replayed and untimely requests, and what they
 * are answered with.
 */
#include "test-ear.h"

#include "octets/sealed.h"
#include "protect.h"
#include "transitions.h"

#include <ravelin/attr.h>

struct inside {
	struct pair *p;
	struct ear ear;
	struct rv_ike_sa *west;
	uint8_t room[4096];
	struct ike_builder b;
	uint8_t *octets, plain[2048];
	size_t len;
	struct ike_chain chain; /* of the answer */
};

static void inside_begin_with(struct inside *in, const struct side *side)
{
	*in = (struct inside){ .p = pair_new(side, side) };
	bring_up(in->p);
	sim_tap(in->p->sim, listen, &in->ear);
	in->west = peer_of(in->p->west)->sa;
	ike_builder_init(&in->b, in->room, sizeof(in->room));
}

static void inside_begin(struct inside *in)
{
	inside_begin_with(in, NULL);
}

/* Seals what is in b with west's keys and gives it to east, as if it came from an address. */
static void inside_send_from(struct inside *in, const char *from, uint8_t exchange, uint32_t id)
{
	const struct ike_header header = { .spi_i = in->west->spi_i,
					   .spi_r = in->west->spi_r,
					   .major = IKE_MAJOR,
					   .exchange = exchange,
					   .flags = in->west->initiator ? IKE_FLAG_INITIATOR : 0,
					   .id = id };

	struct rv_bytes chain;

	talloc_free(in->octets);
	assert_true(ike_builder_done(&in->b, &chain));
	assert_int_equal(ike_seal(in->west, &header, in->b.first, chain, &in->octets, &in->len), 0);
	inject(in->p->east, from, in->octets, in->len);
	sim_run(in->p->sim, RV_MS(1));
}

static void inside_send(struct inside *in, uint8_t exchange, uint32_t id)
{
	inside_send_from(in, "10.0.0.1:500", exchange, id);
}

/* What east's last message says inside; the octets stay until the next one. No payload of RFC 7296 is critical (3.2).
 */
static const struct ike_chain *answer_of(struct inside *in)
{
	const struct ike_types types = ike_types_own();
	struct ike_keys keys;
	struct ike_message m;
	struct rv_bytes inner;

	ike_sa_keys(in->west, &keys);
	const struct ike_sealing how = { .suite = &in->west->suite,
					 .vault = in->p->west->core->vault,
					 .encr = in->west->initiator ? keys.er : keys.ei,
					 .integ = in->west->initiator ? keys.ar : keys.ai };

	assert_int_equal(ike_message_read(&m, rv_bytes(in->ear.last, in->ear.last_len), &types), 0);
	assert_int_equal(ike_sealed_open(&how, &m, 0, in->plain, sizeof(in->plain), &inner), 0);
	assert_int_equal(ike_chain_read(&in->chain, m.sealed_next, inner, &types), 0);
	for (unsigned i = 0; i < in->chain.n; i++)
		assert_false(in->chain.p[i].critical);
	return &in->chain;
}

/* The first error that it tells; 0: none. */
static uint16_t error_of(struct inside *in)
{
	struct ike_notify n;

	ike_chain_each(answer_of(in), p, IKE_PAYLOAD_NOTIFY)
	{
		assert_true(ike_notify_read(&n, p->body));
		if (ike_notify_is_error(n.type))
			return n.type;
	}
	return 0;
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
	const struct rv_ike_sa *east = peer_of(in.p->east)->sa;
	uint8_t first[256];
	size_t len = in.len;

	memcpy(first, in.octets, len);
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
	assert_int_equal(in.ear.n, 2);
	/* and nothing when its answer is forgotten (RFC 7296, 2.1) */
	sim_run(in.p->sim, RV_S(181));
	assert_null(east->response);
	inject(in.p->east, "10.0.0.1:500", first, len);
	sim_run(in.p->sim, RV_MS(1));
	assert_int_equal(in.ear.n, 2);
	pair_free(in.p);
}

/* A request with an ID so far from the next one; how many messages east has sent when it is there. */
static unsigned so_far(struct inside *in, uint32_t next, int far)
{
	inside_send(in, IKE_EXCHANGE_INFORMATIONAL, next + (uint32_t)far);
	return in->ear.n;
}

/* RFC 7296, 2.3: requests in the window may come in any order; they are answered in theirs, and each again as long as
 * it is in the window. */
static void requests_in_the_window_wait_for_their_turn(void **state)
{
	static const struct side side = { .settings = "window = 3" };
	uint8_t early[256];
	struct inside in;
	size_t len;

	inside_begin_with(&in, &side);
	const uint32_t next = in.west->next_out;
	const struct rv_ike_sa *east = peer_of(in.p->east)->sa;

	assert_int_equal(so_far(&in, next, 3), 0); /* beyond it */
	assert_int_equal(so_far(&in, next, 2), 0);
	assert_int_equal(so_far(&in, next, 1), 0);
	len = in.len;
	memcpy(early, in.octets, len);
	inject(in.p->east, "10.0.0.1:500", early, len); /* twice: it waits once */
	assert_true(east->ahead && east->ahead->behind && !east->ahead->behind->behind);
	assert_int_equal(east->next_in, next);
	assert_int_equal(so_far(&in, next, 0), 3);
	assert_int_equal(east->next_in, next + 3);
	assert_null(east->ahead);
	/* the last of the three answers is the last request's */
	(void)answer_of(&in);
	inject(in.p->east, "10.0.0.1:500", in.octets, in.len);
	inject(in.p->east, "10.0.0.1:500", early, len);
	assert_int_equal(in.ear.n, 5);
	/* one further, and the oldest is not answered any more */
	const size_t oldest_len = in.len;
	uint8_t oldest[256];

	memcpy(oldest, in.octets, oldest_len);
	assert_int_equal(so_far(&in, next, 3), 6);
	inject(in.p->east, "10.0.0.1:500", oldest, oldest_len);
	assert_int_equal(in.ear.n, 6);
	inject(in.p->east, "10.0.0.1:500", early, len);
	assert_int_equal(in.ear.n, 7);
	pair_free(in.p);
}

/* A request before its turn that ends the IKE SA does so in its turn; what would come behind it goes with it. */
static void a_delete_before_its_turn_waits(void **state)
{
	static const struct side side = { .settings = "window = 4" };
	struct inside in;

	inside_begin_with(&in, &side);
	const uint32_t next = in.west->next_out;

	assert_int_equal(so_far(&in, next, 2), 0);
	ike_delete_put(&in.b, RV_PROTO_KEYING, NULL, 0);
	assert_int_equal(so_far(&in, next, 1), 0);
	assert_int_equal(n_peers(in.p->east), 1);
	ike_builder_init(&in.b, in.room, sizeof(in.room));
	assert_int_equal(so_far(&in, next, 0), 2);
	assert_int_equal(n_peers(in.p->east), 0);
	pair_free(in.p);
}

/* RFC 7296, 2.2: behind the last message ID there is none. */
static void the_last_message_id_ends_the_ike_sa(void **state)
{
	struct inside in;

	inside_begin(&in);
	((struct rv_ike_sa *)peer_of(in.p->east)->sa)->next_in = UINT32_MAX;
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, UINT32_MAX);
	assert_int_equal(in.ear.n, 1);
	assert_int_equal(answer_of(&in)->n, 0);
	assert_int_equal(n_peers(in.p->east), 0);
	pair_free(in.p);
}

/* RFC 7296, 2.3: "the data associated with a SET_WINDOW_SIZE notification MUST be 4 octets long" */
static void a_window_is_taken_as_it_is_said(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		uint16_t error;
		unsigned window;
	} rows[] = { { "\0\0\0\0", 4, 0, 1 },
		     { "\0\0\0\1", 4, 0, 1 },
		     { "\0\0\0\5", 4, 0, 5 },
		     { "\xff\0\0\0", 4, 0, 16 },
		     { "\0\0\5", 3, IKE_N_INVALID_SYNTAX, 0 },
		     { "\0\0\0\0\5", 5, IKE_N_INVALID_SYNTAX, 0 } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct inside in;

		inside_begin(&in);
		ike_notify_put(&in.b, IKE_N_SET_WINDOW_SIZE, rv_bytes(rows[i].data, rows[i].len));
		inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
		assert_int_equal(error_of(&in), rows[i].error);
		if (!rows[i].error)
			assert_int_equal(((struct rv_ike_sa *)peer_of(in.p->east)->sa)->window_out, rows[i].window);
		/* we promise nothing that is not configured */
		if (!rows[i].error)
			assert_int_equal(answer_of(&in)->n, 0);
		pair_free(in.p);
	}
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
	assert_int_equal(error_of(&in), IKE_N_INVALID_SYNTAX);
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
	assert_int_equal(error_of(&in), IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD);
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
	assert_int_equal(answer_of(&in)->n, 0);
	assert_true(pair_up(in.p));
	pair_free(in.p);
}

/* A CREATE_CHILD_SA request for what the first child SA carries, in place of the one with this SPI (0: of none). */
static void put_child_request(struct inside *in, uint32_t old)
{
	const struct rv_child *child = child_of(in->p->west);

	if (old)
		ike_notify_put_spi(&in->b, IKE_N_REKEY_SA, RV_PROTO_ESP, old, rv_bytes(NULL, 0));
	ike_offer_put(&in->b, child->conf->proposals, child->conf->n_proposals, RV_STR("\1\2\3\4"));
	ike_nonce_put(&in->b, RV_STR("0123456789abcdef0123456789abcdef"));
	ike_ts_put(&in->b, IKE_PAYLOAD_TSI, child->ts, 1);
	ike_ts_put(&in->b, IKE_PAYLOAD_TSR, child->ts + 1, 1);
}

static void a_rekey_of_what_is_not_there_is_refused(void **state)
{
	struct ike_notify n;
	struct inside in;

	inside_begin(&in);
	put_child_request(&in, 0xdeadbeef);
	inside_send(&in, IKE_EXCHANGE_CREATE_CHILD_SA, in.west->next_out);
	assert_int_equal(in.ear.n, 1);
	assert_true(ike_notify_find(answer_of(&in), IKE_N_CHILD_SA_NOT_FOUND, &n));
	assert_int_equal(n.protocol, RV_PROTO_ESP);
	assert_true(rv_bytes_equal(n.spi, RV_STR("\xde\xad\xbe\xef")));
	assert_true(pair_up(in.p));
	pair_free(in.p);
}

static void an_unknown_exchange_is_answered(void **state)
{
	struct inside in;

	inside_begin(&in);
	inside_send(&in, 200, in.west->next_out);
	assert_int_equal(in.ear.n, 1);
	assert_int_equal(error_of(&in), IKE_N_INVALID_SYNTAX);
	pair_free(in.p);
}

static void what_is_not_known_of_a_request_is_ignored(void **state)
{
	struct inside in;

	inside_begin(&in);
	ike_notify_put(&in.b, 8191, rv_bytes(NULL, 0));
	ike_notify_put(&in.b, 40000, RV_STR("status"));
	ike_builder_put(&in.b, IKE_PAYLOAD_VENDOR, RV_STR("somebody's"));
	inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
	assert_int_equal(in.ear.n, 1);
	assert_int_equal(answer_of(&in)->n, 0);
	assert_true(pair_up(in.p));
	pair_free(in.p);
}

/* RFC 7296, 2.5: "implementations MUST NOT reject as invalid a message with those payloads in any other order" */
static void payloads_may_come_in_any_order(void **state)
{
	const struct rv_child *child;
	struct inside in;

	inside_begin(&in);
	child = child_of(in.p->west);
	ike_ts_put(&in.b, IKE_PAYLOAD_TSR, child->ts + 1, 1);
	ike_nonce_put(&in.b, RV_STR("0123456789abcdef0123456789abcdef"));
	ike_notify_put_spi(&in.b, IKE_N_REKEY_SA, RV_PROTO_ESP, 0xdeadbeef, rv_bytes(NULL, 0));
	ike_ts_put(&in.b, IKE_PAYLOAD_TSI, child->ts, 1);
	ike_offer_put(&in.b, child->conf->proposals, child->conf->n_proposals, RV_STR("\1\2\3\4"));
	inside_send(&in, IKE_EXCHANGE_CREATE_CHILD_SA, in.west->next_out);
	assert_int_equal(error_of(&in), IKE_N_CHILD_SA_NOT_FOUND);
	pair_free(in.p);
}

/* What east is doing when west's request comes, whose answers east does not get. */
enum deed { REKEYS_CHILD, CLOSES_CHILD, REKEYS_IKE_SA, CLOSES_IKE_SA };

static void begin_deed(struct inside *in, enum deed deed)
{
	struct rv_ike_sa *east = peer_of(in->p->east)->sa;

	in->ear.deaf = true;
	assert_int_equal(deed == REKEYS_CHILD	 ? ike_child_rekey(child_of(in->p->east))
			 : deed == CLOSES_CHILD	 ? ike_child_delete(child_of(in->p->east))
			 : deed == REKEYS_IKE_SA ? ike_rekey(east)
						 : ike_delete(east),
			 0);
	sim_run(in->p->sim, RV_MS(1));
	assert_int_equal(in->ear.n, 1);
}

enum wish { REKEY_CHILD, CLOSE_CHILD, CREATE_CHILD, CLOSE_IKE_SA, REKEY_IKE_SA };

static void put_rekey(struct inside *in)
{
	const struct rv_connection *c = in->west->peer->connection;
	static const uint8_t octets[32] = { 9 };

	ike_offer_put(&in->b, c->proposals, c->n_proposals, RV_STR("\1\2\3\4\5\6\7\10"));
	ike_nonce_put(&in->b, RV_STR("0123456789abcdef0123456789abcdef"));
	ike_ke_put(&in->b, 31, rv_bytes(octets, sizeof(octets)));
}

static void put_wish(struct inside *in, enum wish wish)
{
	if (wish == REKEY_CHILD || wish == CREATE_CHILD)
		put_child_request(in, wish == REKEY_CHILD ? child_of(in->p->west)->spi_in : 0);
	else if (wish == REKEY_IKE_SA)
		put_rekey(in);
	else if (wish == CLOSE_CHILD)
		ike_delete_put(&in->b, RV_PROTO_ESP, &child_of(in->p->west)->spi_in, 1);
	else
		ike_delete_put(&in->b, RV_PROTO_KEYING, NULL, 0);
}

static void collisions_are_answered_as_the_rfc_says(void **state)
{
	static const struct {
		const char *what;
		enum deed east;
		enum wish west;
		uint16_t error;
		bool deletes;
	} rows[] = {
		/* RFC 7296, 2.25.1 and 2.25.2 */
		{ "rekey of a child that is being closed", CLOSES_CHILD, REKEY_CHILD, IKE_N_TEMPORARY_FAILURE, false },
		{ "close of a child that is being closed", CLOSES_CHILD, CLOSE_CHILD, 0, false },
		{ "close of a child that is being rekeyed", REKEYS_CHILD, CLOSE_CHILD, 0, true },
		{ "a child while the IKE SA is rekeyed", REKEYS_IKE_SA, CREATE_CHILD, IKE_N_TEMPORARY_FAILURE, false },
		{ "rekey of a child while the IKE SA is", REKEYS_IKE_SA, REKEY_CHILD, IKE_N_TEMPORARY_FAILURE, false },
		{ "close of a child while the IKE SA is rekeyed", REKEYS_IKE_SA, CLOSE_CHILD, 0, true },
		{ "close of an IKE SA that is being rekeyed", REKEYS_IKE_SA, CLOSE_IKE_SA, 0, false },
		{ "close of an IKE SA that is being closed", CLOSES_IKE_SA, CLOSE_IKE_SA, 0, false },
		{ "a child in an IKE SA that is being closed", CLOSES_IKE_SA, CREATE_CHILD, IKE_N_TEMPORARY_FAILURE,
		  false },
		{ "rekey of an IKE SA that is being closed", CLOSES_IKE_SA, REKEY_IKE_SA, IKE_N_TEMPORARY_FAILURE,
		  false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		struct inside in;

		inside_begin(&in);
		begin_deed(&in, rows[i].east);
		put_wish(&in, rows[i].west);
		inside_send(&in, rows[i].error ? IKE_EXCHANGE_CREATE_CHILD_SA : IKE_EXCHANGE_INFORMATIONAL,
			    in.west->next_out);
		uint16_t error = error_of(&in);
		bool deletes = ike_chain_first(&in.chain, IKE_PAYLOAD_DELETE) != NULL;

		if (in.ear.n != 2 || error != rows[i].error || deletes != rows[i].deletes)
			fail_msg("%s: %u messages, error %u, %s delete", rows[i].what, in.ear.n, error,
				 deletes ? "a" : "no");
		if (rows[i].west == CLOSE_IKE_SA)
			assert_int_equal(n_peers(in.p->east), 0);
		pair_free(in.p);
	}
}

/* RFC 7296, 2.4 and 2.21.4: whoever may have sent an unprotected complaint, no SA changes, and nobody is answered */
static void an_unprotected_complaint_changes_nothing(void **state)
{
	struct inside in;
	struct rv_ike_sa *east;
	uint8_t octets[64];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	inside_begin(&in);
	east = peer_of(in.p->east)->sa;
	in.ear.deaf = true;
	assert_int_equal(ike_liveness(east), 0);
	sim_run(in.p->sim, RV_MS(1));
	assert_int_equal(in.ear.n, 1);
	ike_header_write(&w, &(struct ike_header){ .spi_i = east->spi_i,
						   .spi_r = east->spi_r,
						   .next = IKE_PAYLOAD_NOTIFY,
						   .major = IKE_MAJOR,
						   .exchange = IKE_EXCHANGE_INFORMATIONAL,
						   .flags = IKE_FLAG_RESPONSE | IKE_FLAG_INITIATOR,
						   .id = east->next_out - 1,
						   .length = IKE_HEADER_LEN + 8 });
	rv_wr_u32(&w, 8);
	rv_wr_u16(&w, 0);
	rv_wr_u16(&w, IKE_N_INVALID_IKE_SPI);
	inject(in.p->east, "10.0.0.1:500", octets, rv_wr_len(&w));
	sim_run(in.p->sim, RV_MS(1));
	assert_int_equal(in.ear.n, 1);
	assert_true(pair_up(in.p));
	in.ear.deaf = false;
	sim_run(in.p->sim, RV_S(10)); /* the question goes out again and is answered */
	assert_true(pair_up(in.p));
	assert_true(rv_list_empty(&east->requests));
	pair_free(in.p);
}

/* RFC 7296, 2.21.3: of a response that is wrong nobody is told, "because sending such error messages as an
 * INFORMATIONAL exchange might lead to further errors" */
static void a_malformed_answer_is_not_complained_about(void **state)
{
	struct rv_ike_sa *east;
	struct inside in;

	inside_begin(&in);
	east = peer_of(in.p->east)->sa;
	in.ear.deaf = true;
	assert_int_equal(ike_liveness(east), 0);
	sim_run(in.p->sim, RV_MS(1));
	assert_int_equal(in.ear.n, 1);
	const struct ike_header header = { .spi_i = east->spi_i,
					   .spi_r = east->spi_r,
					   .major = IKE_MAJOR,
					   .exchange = IKE_EXCHANGE_INFORMATIONAL,
					   .flags = IKE_FLAG_RESPONSE | IKE_FLAG_INITIATOR,
					   .id = east->next_out - 1 };
	struct rv_bytes chain;

	ike_builder_put(&in.b, IKE_PAYLOAD_DELETE, RV_STR("\3"));
	assert_true(ike_builder_done(&in.b, &chain));
	assert_int_equal(ike_seal(in.west, &header, in.b.first, chain, &in.octets, &in.len), 0);
	inject(in.p->east, "10.0.0.1:500", in.octets, in.len);
	assert_true(rv_list_empty(&east->requests)); /* it was read: the question is answered */
	sim_run(in.p->sim, RV_S(60));
	assert_int_equal(in.ear.n, 1);
	assert_true(pair_up(in.p));
	pair_free(in.p);
}

/* RFC 7296, 2.23: who is not behind a NAT follows a peer that is, who is behind one does not */
static void only_who_is_not_behind_a_nat_follows_the_other(void **state)
{
	for (int behind = 0; behind < 2; behind++) {
		struct inside in;
		struct rv_peer *east;

		inside_begin(&in);
		east = peer_of(in.p->east);
		east->path.remote_nat = true;
		east->path.behind_nat = behind;
		inside_send(&in, IKE_EXCHANGE_INFORMATIONAL, in.west->next_out);
		assert_int_equal(east->path.remote.port, 500);
		in.octets[0] ^= 1; /* a message that is not authentic moves nobody */
		inject(in.p->east, "10.0.0.9:1027", in.octets, in.len);
		assert_int_equal(east->path.remote.port, 500);
		inside_send_from(&in, "10.0.0.9:1027", IKE_EXCHANGE_INFORMATIONAL, in.west->next_out + 1);
		assert_int_equal(east->path.remote.port, behind ? 500 : 1027);
		pair_free(in.p);
	}
}

static bool drop_auth(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	return message[18] == IKE_EXCHANGE_IKE_AUTH;
}

/* RFC 7296, 1: "all IKE_SA_INIT exchanges MUST complete before any other exchange type, then all IKE_AUTH exchanges" */
static void a_half_open_ike_sa_takes_nothing_but_ike_auth(void **state)
{
	static const uint8_t exchanges[] = { IKE_EXCHANGE_CREATE_CHILD_SA, IKE_EXCHANGE_INFORMATIONAL };

	for (size_t i = 0; i < RV_COUNT(exchanges); i++) {
		struct inside in = { .p = pair_new(NULL, NULL) };
		struct rv_attempt *attempt = NULL;
		struct rv_why why = { 0 };

		sim_tap(in.p->sim, drop_auth, NULL);
		assert_int_equal(rv_core_up(in.p->west->core, "east", "net", "test", &attempt, &why), 0);
		sim_run(in.p->sim, RV_MS(100));
		in.west = peer_of(in.p->west)->sa;
		assert_int_equal(in.west->state, RV_IKE_HALF_OPEN);
		sim_tap(in.p->sim, listen, &in.ear);
		ike_builder_init(&in.b, in.room, sizeof(in.room));
		ike_delete_put(&in.b, RV_PROTO_KEYING, NULL, 0);
		inside_send(&in, exchanges[i], 1);
		assert_int_equal(in.ear.n, 0);
		assert_int_equal(n_peers(in.p->east), 1);
		const struct rv_ike_sa *east = peer_of(in.p->east)->sa;

		assert_int_equal(east->state, RV_IKE_HALF_OPEN);
		assert_true(sim_until(in.p->sim, attempt_ended, attempt, RV_S(20)));
		assert_int_equal(attempt->code, 0);
		rv_attempt_drop(attempt);
		pair_free(in.p);
	}
}

/* What east answers to a configuration payload in INFORMATIONAL; false: none. */
static bool configured(struct inside *in, const struct ike_cp *asks, struct ike_cp *says)
{
	const struct ike_payload *p;

	ike_builder_init(&in->b, in->room, sizeof(in->room));
	if (asks)
		ike_cp_put(&in->b, asks);
	inside_send(in, IKE_EXCHANGE_INFORMATIONAL, in->west->next_out++);
	p = ike_chain_first(answer_of(in), IKE_PAYLOAD_CP);
	return p && ike_cp_read(says, p->body);
}

/* RFC 7296, 3.15.1 and 2.20: what is asked for and known is told, the rest is passed over, also type 5, which was once
 * an expiry (1.6); nothing that is to be set is accepted; and nothing is said unasked. */
static void configuration_payloads_are_answered_as_they_are_asked(void **state)
{
	const struct rv_bytes none = rv_bytes(NULL, 0);
	struct ike_cp asks = { .type = IKE_CP_REQUEST, .n = 4 }, says;
	struct inside in;

	inside_begin(&in);
	assert_false(configured(&in, NULL, &says));
	asks.attr[0] = (struct ike_cp_attr){ 5, RV_STR("\0\0\1\0") };
	asks.attr[1] = (struct ike_cp_attr){ RV_ATTRIBUTE_VERSION, none };
	asks.attr[2] = (struct ike_cp_attr){ 16384, RV_STR("what?") };
	asks.attr[3] = (struct ike_cp_attr){ RV_ATTRIBUTE_SUPPORTED, none };
	assert_true(configured(&in, &asks, &says));
	assert_int_equal(says.type, IKE_CP_REPLY);
	assert_int_equal(says.n, 2);
	assert_int_equal(says.attr[0].type, RV_ATTRIBUTE_VERSION);
	assert_memory_equal(says.attr[0].value.p, "Ravelin", 7);
	assert_int_equal(says.attr[1].type, RV_ATTRIBUTE_SUPPORTED);
	assert_true(says.attr[1].value.len >= 4 && says.attr[1].value.len % 2 == 0);
	asks.type = IKE_CP_SET;
	assert_true(configured(&in, &asks, &says));
	assert_int_equal(says.type, IKE_CP_ACK);
	assert_int_equal(says.n, 0);
	pair_free(in.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_out_of_the_window_is_ignored),
		cmocka_unit_test(requests_in_the_window_wait_for_their_turn),
		cmocka_unit_test(a_delete_before_its_turn_waits),
		cmocka_unit_test(the_last_message_id_ends_the_ike_sa),
		cmocka_unit_test(a_window_is_taken_as_it_is_said),
		cmocka_unit_test(a_forged_message_changes_nothing),
		cmocka_unit_test(a_malformed_request_ends_the_ike_sa),
		cmocka_unit_test(a_critical_payload_refuses_the_request_and_nothing_more),
		cmocka_unit_test(deletes_of_what_is_not_there_do_nothing),
		cmocka_unit_test(a_rekey_of_what_is_not_there_is_refused),
		cmocka_unit_test(an_unknown_exchange_is_answered),
		cmocka_unit_test(what_is_not_known_of_a_request_is_ignored),
		cmocka_unit_test(payloads_may_come_in_any_order),
		cmocka_unit_test(collisions_are_answered_as_the_rfc_says),
		cmocka_unit_test(an_unprotected_complaint_changes_nothing),
		cmocka_unit_test(a_malformed_answer_is_not_complained_about),
		cmocka_unit_test(only_who_is_not_behind_a_nat_follows_the_other),
		cmocka_unit_test(a_half_open_ike_sa_takes_nothing_but_ike_auth),
		cmocka_unit_test(configuration_payloads_are_answered_as_they_are_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-ext: an extension with tasks at every point, a row and an exchange of its own, and state that outlives a rekey.
 */
#include "pair.h"

#include "exchange.h"
#include "requests.h"

#include <ravelin/ikev2-auth.h>
#include <ravelin/ikev2-config.h>
#include <ravelin/ikev2-wire.h>

enum { OWN_EXCHANGE = 240, OWN_NOTIFY = 40960, OWN_PAYLOAD = 200, VETO_NOTIFY = 8192 };

/* What the extension of one host saw and is told to do. */
struct seen {
	struct rv_host *host;
	unsigned points[RV_IKE_N_POINTS], notifies, payloads, inherited, unpacked, asked, answered, datagrams, ended,
		said;
	int end_result;
	enum rv_ike_point veto_at, pend_at; /* RV_IKE_N_POINTS: nowhere */
	uint16_t veto;			    /* 0: a number that nobody knows */
	bool change_keys, sign_also, believes;
	struct rv_ike_exchange *pending;
};

/* Attached to the IKE SA, handed on by inherit(). */
struct mark {
	unsigned generation;
};

static struct seen west_seen, east_seen;

static int at(struct rv_ike_exchange *x, struct seen *seen, enum rv_ike_point point)
{
	seen->points[point]++;
	if (seen->veto && rv_ike_type(x) != IKE_EXCHANGE_CREATE_CHILD_SA)
		return 0;
	if (seen->veto_at == point && rv_ike_role(x) == RV_IKE_RESPONDER)
		return rv_ike_veto(x, seen->veto ? seen->veto : VETO_NOTIFY, RV_STR("no"),
				   "the extension does not like it");
	if (seen->pend_at != point || seen->pending)
		return 0;
	seen->pending = x;
	return RV_PENDING;
}

static int build(struct rv_ike_exchange *x, void *self)
{
	assert_int_equal(rv_ike_add_notify(x, OWN_NOTIFY, RV_STR("hello")), 0);
	assert_int_equal(rv_ike_add(x, OWN_PAYLOAD, true, RV_STR("payload")), 0);
	return at(x, self, RV_IKE_AT_BUILD);
}

static int take(struct rv_ike_exchange *x, void *self)
{
	struct seen *seen = self;
	struct rv_bytes data;

	if (rv_ike_notify(x, OWN_NOTIFY, 0, &data) && rv_bytes_equal(data, RV_STR("hello")))
		seen->notifies++;
	if (rv_ike_payload(x, OWN_PAYLOAD, 0, &data) && rv_bytes_equal(data, RV_STR("payload")))
		seen->payloads++;
	assert_false(rv_ike_payload(x, OWN_PAYLOAD, 1, &data));
	return at(x, self, RV_IKE_AT_READ);
}

static int keyed(struct rv_ike_exchange *x, void *self)
{
	struct seen *seen = self;

	for (const char *which = "dir"; *which && seen->change_keys; which++) {
		size_t len;
		uint8_t *key = rv_ike_key(x, *which, &len);

		assert_true(key && len == 32);
		key[0] ^= 0x55;
	}
	assert_non_null(rv_ike_prf(rv_ike_sa(x)));
	return at(x, self, RV_IKE_AT_KEYED);
}

static int octets(struct rv_ike_exchange *x, void *self)
{
	struct seen *seen = self;

	if (seen->sign_also) {
		assert_int_equal(rv_ike_sign_also(x, RV_STR("one")), 0);
		assert_int_equal(rv_ike_sign_also(x, RV_STR("two")), 0);
	}
	return at(x, self, RV_IKE_AT_OCTETS);
}

#define POINT(name, point)                                                                                             \
	static int name(struct rv_ike_exchange *x, void *self)                                                         \
	{                                                                                                              \
		return at(x, self, RV_IKE_AT_##point);                                                                 \
	}
POINT(propose, PROPOSE)
POINT(chosen, CHOSEN)
POINT(required, REQUIRED)
POINT(child_offer, CHILD_OFFER)
POINT(child_chosen, CHILD_CHOSEN)
POINT(child_keyed, CHILD_KEYED)
POINT(path_chosen, PATH)
POINT(retransmit, RETRANSMIT)
POINT(keying, KEYING)

/* marks the IKE SA when the peers are authenticated */
static int round_done(struct rv_ike_exchange *x, void *self)
{
	struct seen *seen = self;

	if (!rv_attached(seen->host, rv_ike_sa(x), struct mark))
		assert_non_null(rv_attach(seen->host, rv_ike_sa(x), struct mark));
	return at(x, self, RV_IKE_AT_ROUND);
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_BUILD, 0, build },
	{ RV_IKE_AT_READ, 0, take },
	{ RV_IKE_AT_PROPOSE, 0, propose },
	{ RV_IKE_AT_CHOSEN, 0, chosen },
	{ RV_IKE_AT_REQUIRED, 0, required },
	{ RV_IKE_AT_KEYED, 0, keyed },
	{ RV_IKE_AT_OCTETS, 0, octets },
	{ RV_IKE_AT_ROUND, 0, round_done },
	{ RV_IKE_AT_CHILD_OFFER, 0, child_offer },
	{ RV_IKE_AT_CHILD_CHOSEN, 0, child_chosen },
	{ RV_IKE_AT_CHILD_KEYED, 0, child_keyed },
	{ RV_IKE_AT_PATH, 0, path_chosen },
	{ RV_IKE_AT_RETRANSMIT, 0, retransmit },
	{ RV_IKE_AT_KEYING, 0, keying },
};

/* An exchange of its own */

static int ask(struct rv_ike_exchange *x, void *self)
{
	((struct seen *)self)->asked++;
	return 0;
}

static int answer(struct rv_ike_exchange *x, void *self)
{
	((struct seen *)self)->answered++;
	return 0;
}

static void ended(struct rv_ike_exchange *x, int result, void *self)
{
	struct seen *seen = self;

	seen->ended++;
	seen->end_result = result;
}

static rv_ike_step_fn *const asks[] = { ask, NULL }, *const answers[] = { answer, NULL };
static const struct rv_ike_plan plan = { .story = "ask", .exchange = OWN_EXCHANGE, .build = asks, .end = ended };
static const struct rv_ike_row rows[] = {
	{ RV_IKE_ESTABLISHED, OWN_EXCHANGE, RV_IKE_RESPONDER, RV_IKE_N_STATES, .steps = answers, .story = "answer" },
	{ RV_IKE_ESTABLISHED, OWN_EXCHANGE, RV_IKE_INITIATOR, RV_IKE_N_STATES, .plan = &plan, .steps = answers,
	  .story = "take" },
};

static int datagram(void *self, const struct rv_ike_datagram *d)
{
	((struct seen *)self)->datagrams++;
	if (d->exchange != OWN_EXCHANGE)
		return 0;
	d->reply(d, RV_STR("a reply"));
	return 1;
}

static int inherit(void *self, struct rv_ike_sa *from, struct rv_ike_sa *to)
{
	struct seen *seen = self;
	struct mark *old = rv_attached(seen->host, from, struct mark), *fresh;

	assert_non_null(old);
	fresh = rv_attach(seen->host, to, struct mark);
	assert_non_null(fresh);
	fresh->generation = old->generation + 1;
	seen->inherited++;
	return 0;
}

/* the generation travels; what the field is called is the extension's own affair */
static int pack(void *self, struct rv_ike_sa *sa, struct rv_pack *out)
{
	struct seen *seen = self;
	struct mark *mark = rv_attached(seen->host, sa, struct mark);

	if (mark && mark->generation)
		rv_pack_u64(out, 77, mark->generation);
	return 0;
}

static int unpack(void *self, struct rv_ike_sa *sa, struct rv_unpack *in)
{
	struct seen *seen = self;
	struct mark *mark = rv_attach(seen->host, sa, struct mark);
	struct rv_bytes value;
	uint16_t tag;

	assert_non_null(mark);
	seen->unpacked++;
	while (rv_unpack_next(in, &tag, &value))
		if (tag == 77)
			mark->generation = (unsigned)rv_unpack_u64(in, value);
	return rv_unpack_done(in) ? 0 : -RV_ESYNTAX;
}

static int unprotected(void *self, struct rv_ike_sa *sa, const struct rv_path *path, uint16_t type,
		       struct rv_bytes data)
{
	struct seen *seen = self;

	assert_int_equal(type, OWN_NOTIFY);
	assert_true(rv_bytes_equal(data, RV_STR("gone")));
	seen->said++;
	return seen->believes ? -RV_ETIMEOUT : 0;
}

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops),
					     .tasks = tasks,
					     .n_tasks = RV_COUNT(tasks),
					     .rows = rows,
					     .n_rows = RV_COUNT(rows),
					     .knows = { { 0, 0, 0, RV_IKE_P(OWN_PAYLOAD) } },
					     .datagram = datagram,
					     .inherit = inherit,
					     .pack = pack,
					     .unpack = unpack,
					     .unprotected = unprotected };

static int init(struct rv_host *host)
{
	struct seen *seen = strcmp(sim_of(host)->name, "west") == 0 ? &west_seen : &east_seen;

	seen->host = host;
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "test" }, &ops, seen);
}

RV_PLUGIN(ikev2_test, "ikev2-test", "version=1\0summary=An extension for the test\0provides=ikev2-ext:test\0",
	  .init = init);

static struct pair *ext_pair(bool west, bool east)
{
	static const struct side with = { .more = { { "ikev2-test", &rv_plugin_ikev2_test } } };

	west_seen = east_seen = (struct seen){ .veto_at = RV_IKE_N_POINTS, .pend_at = RV_IKE_N_POINTS };
	return pair_new(west ? &with : NULL, east ? &with : NULL);
}

static void tasks_run_at_every_point(void **state)
{
	static const enum rv_ike_point both[] = { RV_IKE_AT_BUILD,	 RV_IKE_AT_READ,	RV_IKE_AT_CHOSEN,
						  RV_IKE_AT_REQUIRED,	 RV_IKE_AT_KEYED,	RV_IKE_AT_OCTETS,
						  RV_IKE_AT_ROUND,	 RV_IKE_AT_CHILD_KEYED, RV_IKE_AT_PATH,
						  RV_IKE_AT_CHILD_CHOSEN };
	struct pair *p = ext_pair(true, true);

	p->east->down = true;
	struct rv_attempt *attempt = try_up(p, "net", RV_S(5));
	p->east->down = false;
	(void)sim_until(p->sim, attempt_ended, attempt, RV_S(30));
	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	for (size_t i = 0; i < RV_COUNT(both); i++)
		if (!west_seen.points[both[i]] || !east_seen.points[both[i]])
			fail_msg("point %d: west %u, east %u", both[i], west_seen.points[both[i]],
				 east_seen.points[both[i]]);
	assert_true(west_seen.points[RV_IKE_AT_PROPOSE] && west_seen.points[RV_IKE_AT_CHILD_OFFER]);
	assert_int_equal(west_seen.points[RV_IKE_AT_RETRANSMIT], 2); /* while east was down, and then */
	/* in each message of each side, though the payload is critical */
	assert_int_equal(west_seen.notifies, 2);
	assert_int_equal(east_seen.notifies, 2);
	assert_int_equal(west_seen.payloads, 2);
	pair_free(p);
}

static void a_payload_that_only_one_side_knows_is_refused(void **state)
{
	struct pair *p = ext_pair(true, false);
	struct rv_attempt *attempt = try_up(p, "net", RV_S(30));

	assert_int_equal(attempt->code, -RV_EREFUSED);
	assert_says(attempt, "UNSUPPORTED_CRITICAL_PAYLOAD");
	rv_attempt_drop(attempt);
	pair_free(p);
}

static void a_veto_refuses_the_request(void **state)
{
	struct pair *p = ext_pair(true, true);

	east_seen.veto_at = RV_IKE_AT_REQUIRED;
	struct rv_attempt *attempt = try_up(p, "net", RV_S(30));

	assert_true(attempt->code != 0);
	rv_attempt_drop(attempt);
	assert_int_equal(n_peers(p->east), 0);
	pair_free(p);
}

/* a suspended exchange ignores the retransmitted request, and goes on when it is told to */
static void every_point_can_suspend(void **state)
{
	for (unsigned point = 0; point < RV_IKE_N_POINTS; point++) {
		for (unsigned side = 0; side < 2; side++) {
			struct pair *p = ext_pair(true, true);
			struct seen *seen = side ? &east_seen : &west_seen;
			struct rv_attempt *attempt = NULL;
			struct rv_why why = { 0 };

			seen->pend_at = point == RV_IKE_AT_RETRANSMIT ? RV_IKE_N_POINTS : point;
			assert_int_equal(rv_core_up(p->west->core, "east", "net", "test", &attempt, &why), 0);
			sim_run(p->sim, RV_S(6));
			if (seen->pending) {
				assert_false(attempt->ended && !attempt->code && !side);
				rv_ike_resume(seen->pending, 0);
			}
			(void)sim_until(p->sim, attempt_ended, attempt, RV_S(20));
			if (!attempt->ended || attempt->code)
				fail_msg("point %u, side %u: %s", point, side, or (attempt->found, "has not ended"));
			rv_attempt_drop(attempt);
			pair_free(p);
		}
	}
}

static void a_suspended_exchange_may_fail_or_be_forgotten(void **state)
{
	for (unsigned fail = 0; fail < 2; fail++) {
		struct pair *p = ext_pair(true, true);
		struct rv_attempt *attempt = NULL;
		struct rv_why why = { 0 };

		east_seen.pend_at = RV_IKE_AT_ROUND;
		assert_int_equal(rv_core_up(p->west->core, "east", "net", "test", &attempt, &why), 0);
		sim_run(p->sim, RV_S(1));
		assert_non_null(east_seen.pending);
		if (fail) {
			rv_ike_resume(east_seen.pending, -RV_EAUTH_FAILED);
			sim_run(p->sim, RV_S(1));
			assert_int_equal(attempt->code, -RV_EAUTH_FAILED);
		}
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

static void keys_and_signed_octets_can_be_added_to(void **state)
{
	struct pair *p = ext_pair(true, true);

	west_seen.change_keys = east_seen.change_keys = west_seen.sign_also = east_seen.sign_also = true;
	bring_up(p);
	pair_free(p);

	for (int what = 0; what < 2; what++) {
		p = ext_pair(true, true);
		west_seen.change_keys = what == 0;
		west_seen.sign_also = what == 1;
		struct rv_attempt *attempt = try_up(p, "net", RV_S(10));

		assert_int_equal(attempt->code, -RV_EAUTH_FAILED);
		rv_attempt_drop(attempt);
		pair_free(p);
	}
}

static void an_exchange_of_its_own(void **state)
{
	struct pair *p = ext_pair(true, true);

	bring_up(p);
	assert_int_equal(rv_ike_start(peer_of(p->west)->sa, &plan, &west_seen), 0);
	sim_run(p->sim, RV_S(1));
	assert_int_equal(west_seen.asked, 1);
	assert_int_equal(east_seen.answered, 1);
	assert_int_equal(west_seen.answered, 1);
	assert_int_equal(west_seen.ended, 1);
	assert_int_equal(west_seen.end_result, 0);
	/* it waits behind a rekey and goes on in the successor */
	assert_int_equal(ike_rekey(peer_of(p->west)->sa), 0);
	assert_int_equal(rv_ike_start(peer_of(p->west)->sa, &plan, &west_seen), 0);
	sim_run(p->sim, RV_S(1));
	assert_int_equal(west_seen.ended, 2);
	assert_int_equal(west_seen.end_result, 0);
	pair_free(p);
}

/* East refuses every CREATE_CHILD_SA of west's; whether another session has taken over after so long. */
static bool taken_over(uint16_t veto, uint64_t us)
{
	struct pair *p = ext_pair(true, true);
	bool over;

	bring_up(p);
	const uint32_t before = peer_of(p->west)->id;

	east_seen.veto_at = RV_IKE_AT_CHILD_CHOSEN;
	east_seen.veto = veto;
	assert_int_equal(pair_child_rekey(p->west), 0);
	sim_run(p->sim, RV_S(1));
	assert_true(carries(p));
	sim_run(p->sim, us);
	east_seen.veto_at = RV_IKE_N_POINTS;
	sim_run(p->sim, RV_S(120));
	assert_true(pair_up(p));
	over = peer_of(p->west)->id != before;
	pair_free(p);
	return over;
}

/* RFC 7296, 4: NO_ADDITIONAL_SAS for a rekey; 2.25: TEMPORARY_FAILURE for several minutes. The traffic goes on. */
static void a_session_that_cannot_be_kept_up_is_replaced(void **state)
{
	assert_true(taken_over(IKE_N_NO_ADDITIONAL_SAS, 1));
	assert_false(taken_over(IKE_N_TEMPORARY_FAILURE, RV_S(120)));
	assert_true(taken_over(IKE_N_TEMPORARY_FAILURE, RV_S(240)));
	assert_false(taken_over(IKE_N_NO_PROPOSAL_CHOSEN, RV_S(300)));
}

static void unloaded(struct rv_call *call, int result)
{
	assert_int_equal(result, 0);
}

static int unload(struct sim_host *host, struct rv_why *why)
{
	static struct rv_call call;

	rv_call_init(&call, unloaded);
	*why = (struct rv_why){ 0 };
	return rv_plugins_unload(host->core->plugins, "ikev2-test", false, &call, why);
}

/* An exchange of an extension's own, and one that it suspends, keep it from being unloaded, on either side. */
static void an_extension_stays_while_its_exchange_lasts(void **state)
{
	struct pair *p = ext_pair(true, true);
	struct rv_why why;

	bring_up(p);
	p->east->down = true;
	assert_int_equal(rv_ike_start(peer_of(p->west)->sa, &plan, &west_seen), 0);
	sim_run(p->sim, RV_MS(10));
	assert_true(unload(p->west, &why) < 0);
	assert_non_null(strstr(why.text, "east"));
	p->east->down = false;
	sim_run(p->sim, RV_S(20));
	assert_int_equal(west_seen.ended, 1);

	east_seen.pend_at = RV_IKE_AT_READ;
	east_seen.pending = NULL;
	assert_int_equal(rv_ike_start(peer_of(p->west)->sa, &plan, &west_seen), 0);
	sim_run(p->sim, RV_MS(10));
	assert_non_null(east_seen.pending);
	assert_true(unload(p->east, &why) < 0);
	rv_ike_resume(east_seen.pending, 0);
	sim_run(p->sim, RV_S(20));
	assert_int_equal(west_seen.ended, 2);
	assert_true(unload(p->east, &why) >= 0);
	sim_run(p->sim, RV_S(1));
	assert_true(unload(p->west, &why) >= 0);
	sim_run(p->sim, RV_S(1));
	assert_int_equal(pair_child_rekey(p->west), 0);
	sim_run(p->sim, RV_S(10));
	assert_true(carries(p));
	pair_free(p);
}

static void state_is_inherited(void **state)
{
	struct pair *p = ext_pair(true, true);

	bring_up(p);
	for (unsigned i = 1; i <= 4; i++) {
		assert_int_equal(ike_rekey(peer_of(i & 1 ? p->west : p->east)->sa), 0);
		sim_run(p->sim, RV_S(1));
		assert_int_equal(west_seen.inherited, i);
		assert_int_equal(east_seen.inherited, i);
		assert_int_equal(rv_attached(west_seen.host, peer_of(p->west)->sa, struct mark)->generation, i);
		assert_int_equal(rv_attached(east_seen.host, peer_of(p->east)->sa, struct mark)->generation, i);
	}
	pair_free(p);
}

static uint8_t *packed_west(struct pair *p, const void *parent, struct rv_bytes key, size_t *len)
{
	unsigned n = 0;
	uint8_t *sealed = rv_core_pack(p->west->core, parent, key, len, &n);

	assert_non_null(sealed);
	assert_int_equal(n, 1);
	return sealed;
}

/* as for a restart; a daemon without the extension takes the session and leaves the extension's state out */
static void state_is_packed(void **state)
{
	static const uint8_t octets[32] = { 7 };
	const struct rv_bytes key = rv_bytes(octets, sizeof(octets));
	struct pair *p = ext_pair(true, true), *without;
	struct rv_why why = { 0 };
	unsigned n = 0;
	size_t len;

	bring_up(p);
	uint8_t *sealed = packed_west(p, p, key, &len);

	rv_peer_down(peer_of(p->west), 0, NULL);
	assert_int_equal(rv_core_unpack(p->west->core, key, rv_bytes(sealed, len), &n, &why), 0);
	assert_int_equal(west_seen.unpacked, 0); /* there was none */
	assert_non_null(rv_attach(west_seen.host, peer_of(p->west)->sa, struct mark));
	assert_int_equal(pair_rekey(p->west), 0);
	sim_run(p->sim, RV_S(1));
	sealed = packed_west(p, NULL, key, &len);
	rv_peer_down(peer_of(p->west), 0, NULL);
	assert_int_equal(rv_core_unpack(p->west->core, key, rv_bytes(sealed, len), &n, &why), 0);
	assert_int_equal(west_seen.unpacked, 1);
	assert_int_equal(rv_attached(west_seen.host, peer_of(p->west)->sa, struct mark)->generation, 1);
	pair_free(p);

	without = pair_new(NULL, NULL);
	assert_int_equal(rv_core_unpack(without->west->core, key, rv_bytes(sealed, len), &n, &why), 0);
	assert_int_equal(n, 1);
	assert_int_equal(n_peers(without->west), 1);
	pair_free(without);
	talloc_free(sealed);
}

static void a_datagram_without_an_sa_is_seen_first(void **state)
{
	struct pair *p = ext_pair(false, true);
	uint8_t octets[28] = { 1, [17] = 0x20, [18] = OWN_EXCHANGE, [19] = IKE_FLAG_INITIATOR, [27] = 28 };
	struct rv_path path = { 0 };
	uint64_t sent = p->east->sent;

	octets[15] = 7;
	path.local = p->east->addr;
	path.remote = p->west->addr;
	p->east->recv(p->east->recv_arg, &path, rv_bytes(octets, sizeof(octets)));
	assert_int_equal(east_seen.datagrams, 1);
	assert_int_equal(p->east->sent, sent + 1);
	pair_free(p);
}

/* West, or whoever sends in its name, says something of the IKE SA without protection. */
static void say(struct pair *p, uint8_t exchange, uint8_t flags)
{
	const struct rv_ike_sa *sa = peer_of(p->east)->sa;
	struct rv_path path = { .local = p->east->addr, .remote = p->west->addr };
	struct ike_header header = { .major = 2, .exchange = exchange, .flags = flags, .id = 99 };
	uint8_t room[64], octets[128];
	struct ike_builder b;
	size_t len;

	assert_false(rv_ike_spis(sa, &header.spi_i, &header.spi_r));
	ike_builder_init(&b, room, sizeof(room));
	ike_notify_put(&b, OWN_NOTIFY, RV_STR("gone"));
	assert_int_equal(ike_message_write(&header, &b, octets, sizeof(octets), &len), 0);
	p->east->recv(p->east->recv_arg, &path, rv_bytes(octets, len));
}

static void what_is_said_without_protection_is_heard(void **state)
{
	struct pair *p = ext_pair(true, true);
	unsigned strays;

	bring_up(p);
	strays = east_seen.datagrams; /* IKE_SA_INIT */
	say(p, IKE_EXCHANGE_INFORMATIONAL, IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE);
	say(p, IKE_EXCHANGE_INFORMATIONAL, IKE_FLAG_INITIATOR);
	assert_int_equal(east_seen.said, 2);
	assert_int_equal(n_peers(p->east), 1);
	/* as nobody but east itself would: of an IKE SA that it has */
	say(p, OWN_EXCHANGE, 0);
	assert_int_equal(east_seen.said, 2);
	assert_int_equal(east_seen.datagrams, strays);
	east_seen.believes = true;
	say(p, IKE_EXCHANGE_INFORMATIONAL, IKE_FLAG_INITIATOR | IKE_FLAG_RESPONSE);
	assert_int_equal(n_peers(p->east), 0);
	assert_int_equal(sim_n_sas(p->east), 0);
	pair_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_run_at_every_point),
		cmocka_unit_test(a_payload_that_only_one_side_knows_is_refused),
		cmocka_unit_test(a_veto_refuses_the_request),
		cmocka_unit_test(every_point_can_suspend),
		cmocka_unit_test(a_suspended_exchange_may_fail_or_be_forgotten),
		cmocka_unit_test(an_extension_stays_while_its_exchange_lasts),
		cmocka_unit_test(a_session_that_cannot_be_kept_up_is_replaced),
		cmocka_unit_test(keys_and_signed_octets_can_be_added_to),
		cmocka_unit_test(an_exchange_of_its_own),
		cmocka_unit_test(state_is_inherited),
		cmocka_unit_test(state_is_packed),
		cmocka_unit_test(a_datagram_without_an_sa_is_seen_first),
		cmocka_unit_test(what_is_said_without_protection_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

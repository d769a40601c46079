// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-redirect: a client and two gateways; the client is sent on in each of the three forms of RFC 5685. */
#include "pair.h"

#include <ravelin/wire.h>

extern const struct rv_plugin rv_plugin_ikev2_redirect;

#define REDIRECT                                                                                                       \
	{                                                                                                              \
		"ikev2-redirect", &rv_plugin_ikev2_redirect                                                            \
	}
#define RULE(text) "ikev2-redirect { rules { one { " text "\n gateway = 10.0.0.3 } } }"

/* West is the client; east is called first, other is at 10.0.0.3. */
struct three {
	struct pair *p;
	struct sim_host *other;
};

static struct three three_new(const struct side *west, const struct side *east, const struct side *other)
{
	static const struct sim_plugin plugin = REDIRECT;
	struct side with[3] = { west ? *west : (struct side){ 0 }, east ? *east : (struct side){ 0 },
				other ? *other : (struct side){ 0 } };
	struct sim_plugin plugins[RV_COUNT(pair_plugins) + 1] = { { NULL, NULL } };
	struct three t;

	with[0].more[0] = plugin;
	with[1].more[0] = plugin;
	with[2].local_addr = "10.0.0.3";
	t.p = pair_new(&with[0], &with[1]);
	plugins[0] = plugin;
	memcpy(plugins + 1, pair_plugins, sizeof(pair_plugins));
	t.other = sim_host(t.p->sim, "other", "10.0.0.3", plugins, side_config(t.p, false, &with[2]));
	return t;
}

static bool at_other(void *arg)
{
	struct three *t = arg;
	struct rv_peer *peer = peer_of(t->p->west);

	return n_peers(t->p->west) == 1 && n_peers(t->other) == 1 && !n_peers(t->p->east) && child_of(t->other) &&
	       peer->path.remote.ip[3] == 3 && sim_packet(t->p->west, t->other, "10.1.0.5", "10.2.0.5");
}

static void await_other(struct three *t)
{
	if (!sim_until(t->p->sim, at_other, t, RV_S(5)))
		fail_msg("the client is not at the other gateway");
}

static void in_ike_sa_init_no_state_is_made(void **state)
{
	static const char *const sections[] = {
		RULE("addresses = 10.0.0.0/24"),
		"ikev2-redirect { max_sessions = 1\n gateways = 10.0.0.3 }",
	};

	for (size_t i = 0; i < RV_COUNT(sections); i++) {
		const struct side east = { .sections = sections[i] };
		struct three t = three_new(NULL, &east, NULL);
		struct rv_attempt *attempt;

		if (i) { /* below the limit it stays */
			bring_up(t.p);
			pair_free(t.p);
			/* and above it goes: the count is the plugin's own */
			const struct side full = { .sections =
							   "ikev2-redirect { max_sessions = 1\n gateways = 10.0.0.3 }",
						   .remote_addr = "%any" };
			t = three_new(NULL, &full, NULL);
			rv_event_emit(t.p->east->core, &(struct rv_event){ .name = "peer-up" });
		}
		attempt = try_up(t.p, "net", RV_S(10));
		if (attempt->code)
			tell(attempt);
		assert_int_equal(attempt->code, 0);
		assert_says(attempt, "from 10.0.0.2:500 on to 10.0.0.3");
		assert_says(attempt, "request to 10.0.0.3:500: SA KE Nonce");
		await_other(&t);
		rv_attempt_drop(attempt);
		pair_free(t.p);
	}
}

static void count_line(void *arg, const char *line)
{
	*(unsigned *)arg += strstr(line, "client-sent-on") != NULL;
}

/* A request comes again and again: each is answered, few are told of. */
static void a_flood_of_requests_does_not_fill_the_log(void **state)
{
	enum { N = 40 };
	static const uint8_t rest[] = {
		41, 0, 0, 20, 1, 2, 3,	  4,	5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, /* nonce */
		43, 0, 0, 8,  0, 0, 0x40, 0x16,						   /* REDIRECT_SUPPORTED */
		0,  0, 0, 8,  1, 2, 3,	  4,						   /* vendor ID */
	};
	const struct side east = { .sections = RULE("addresses = 10.0.0.0/24") };
	struct three t = three_new(NULL, &east, NULL);
	struct rv_path path = { .local = t.p->west->addr, .remote = t.p->east->addr };
	uint8_t message[28 + sizeof(rest)];
	struct rv_wr w = rv_wr(message, sizeof(message));
	uint64_t before = t.p->east->sent;
	unsigned lines = 0;

	path.local.port = path.remote.port = 500;
	rv_wr_u64(&w, 1234);
	rv_wr_u64(&w, 0);
	rv_wr_u8(&w, 40);
	rv_wr_u8(&w, 0x20);
	rv_wr_u8(&w, 34);
	rv_wr_u8(&w, 8);
	rv_wr_u32(&w, 0);
	rv_wr_u32(&w, sizeof(message));
	rv_wr_put(&w, rv_bytes(rest, sizeof(rest)));
	t.p->east->line = count_line;
	t.p->east->line_arg = &lines;
	for (unsigned i = 0; i < N; i++)
		sim_send(t.p->west, &path, rv_wr_bytes(&w));
	sim_run(t.p->sim, RV_MS(500));
	assert_int_equal(t.p->east->sent - before, N);
	assert_true(lines > 0 && lines <= 20);
	pair_free(t.p);
}

static void note_auth(void *arg, const char *line)
{
	if (strstr(line, "client-sent-on"))
		*(bool *)arg = strstr(line, "IKE_AUTH") != NULL;
}

/* The answer to IKE_SA_INIT would be larger than the request, whose source may be forged. */
static void a_long_name_is_told_in_ike_auth(void **state)
{
	static const struct {
		unsigned labels;
		bool in_auth;
	} rows[] = { { 1, false }, { 3, true } };

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		char name[256] = "", sections[512];
		for (unsigned n = 0; n < rows[i].labels; n++)
			strcat(name, "a-name-of-sixty-octets-that-no-resolver-of-this-test-will-know.");
		strcat(name, "example");
		snprintf(sections, sizeof(sections),
			 "ikev2-redirect { rules { one { addresses = 10.0.0.0/24\n gateway = %s } } }", name);
		const struct side east = { .sections = sections };
		const struct side west = { .connection = "redirect_gateways = gw.example" };
		struct three t = three_new(&west, &east, NULL);
		bool in_auth = false;

		t.p->east->line = note_auth;
		t.p->east->line_arg = &in_auth;
		struct rv_attempt *attempt = try_up(t.p, "net", RV_S(10));
		assert_int_equal(in_auth, rows[i].in_auth);
		assert_int_equal(n_peers(t.p->east), rows[i].in_auth); /* until the client goes, or lingers */
		rv_attempt_drop(attempt);
		pair_free(t.p);
	}
}

static void in_ike_auth_both_are_authenticated_first(void **state)
{
	const struct side east = { .sections = RULE("id = west.example") };
	struct three t = three_new(NULL, &east, NULL);
	struct rv_attempt *attempt = try_up(t.p, "net", RV_S(10));

	if (attempt->code)
		tell(attempt);
	assert_int_equal(attempt->code, 0);
	assert_says(attempt, "the peer is east.example: its proof holds");
	assert_says(attempt, "from 10.0.0.2:500 on to 10.0.0.3");
	await_other(&t);
	assert_int_equal(sim_n_sas(t.p->east), 0);
	rv_attempt_drop(attempt);
	pair_free(t.p);
}

static void other_identities_stay(void **state)
{
	const struct side east = { .sections = RULE("id = north.example") };
	struct three t = three_new(NULL, &east, NULL);

	bring_up(t.p);
	pair_free(t.p);
}

/* Through the method of the bus that an operator calls is tested with the daemon; here the sender is a plugin. */
static int send_now(struct rv_ike_exchange *x, void *self)
{
	static const uint8_t data[] = { 1, 4, 10, 0, 0, 3 };

	return rv_ike_add_notify(x, 16407, rv_bytes(data, sizeof(data)));
}

static rv_ike_step_fn *const send_steps[] = { send_now, NULL };
static const struct rv_ike_plan send_plan = { .story = "send on", .exchange = 37, .build = send_steps };

static void in_an_active_session_the_children_come_along(void **state)
{
	const struct side west = {
		.children = "two { local_ts = 10.3.0.0/16\n remote_ts = 10.4.0.0/16\n esp_proposals = aes128gcm16 }"
	};
	const struct side gateway = {
		.children = "two { local_ts = 10.4.0.0/16\n remote_ts = 10.3.0.0/16\n esp_proposals = aes128gcm16 }"
	};
	struct three t = three_new(&west, &gateway, &gateway);
	struct rv_attempt *attempt;

	bring_up(t.p);
	attempt = try_up(t.p, "two", RV_S(5));
	assert_int_equal(attempt->code, 0);
	rv_attempt_drop(attempt);
	assert_int_equal(rv_ike_start(peer_of(t.p->east)->sa, &send_plan, NULL), 0);
	await_other(&t);
	sim_run(t.p->sim, RV_S(2));
	assert_int_equal(sim_n_sas(t.p->west), 4);
	assert_int_equal(sim_n_sas(t.other), 4);
	assert_true(sim_packet(t.p->west, t.other, "10.3.0.5", "10.4.0.5"));
	pair_free(t.p);
}

/* What is seen at each datagram of the world. */
struct way {
	struct three *t;
	bool broke, both; /* the traffic went nowhere; there were two sessions at a time */
};

static bool look(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct way *way = arg;
	const struct three *t = way->t;

	way->broke |= !sim_packet(t->p->west, t->p->east, "10.1.0.5", "10.2.0.5") &&
		      !sim_packet(t->p->west, t->other, "10.1.0.5", "10.2.0.5");
	way->both |= n_peers(t->p->west) == 2 && child_of(t->other) && child_of(t->p->east);
	return false;
}

/* In an active session the new one is there before the old one goes; where there is none the old one stays. */
static void an_active_session_is_made_before_it_is_broken(void **state)
{
	for (unsigned there = 0; there < 2; there++) {
		struct three t = three_new(NULL, NULL, NULL);
		struct way way = { .t = &t };

		bring_up(t.p);
		t.other->down = !there;
		sim_tap(t.p->sim, look, &way);
		assert_int_equal(rv_ike_start(peer_of(t.p->east)->sa, &send_plan, NULL), 0);
		if (there)
			await_other(&t);
		sim_run(t.p->sim, RV_S(600)); /* longer than an attempt lasts */
		assert_false(way.broke);
		assert_int_equal(way.both, there);
		if (!there)
			assert_true(pair_up(t.p));
		assert_int_equal(n_peers(t.p->west), 1);
		pair_free(t.p);
	}
}

/* The client began the session: it cannot send the gateway away. */
static void only_the_responder_sends_on(void **state)
{
	struct three t = three_new(NULL, NULL, NULL);

	bring_up(t.p);
	assert_int_equal(rv_ike_start(peer_of(t.p->west)->sa, &send_plan, NULL), 0);
	sim_run(t.p->sim, RV_S(5));
	assert_true(pair_up(t.p));
	pair_free(t.p);
}

static void loops_end(void **state)
{
	const struct side west = { .settings = "retransmit_tries = 1", .remote_addr = "10.0.0.2" };
	const struct side east = { .sections = RULE("addresses = 10.0.0.0/24") };
	const struct side back = {
		.sections = "ikev2-redirect { rules { one { addresses = 10.0.0.0/24\n gateway = 10.0.0.2 } } }"
	};
	struct three t = three_new(&west, &east, &back);
	struct rv_attempt *attempt = try_up(t.p, "net", RV_S(60));

	assert_true(attempt->ended);
	assert_true(attempt->code);
	assert_says(attempt, "where we do not go");
	assert_true(t.p->west->sent >= 6 && t.p->west->sent <= 10);
	assert_int_equal(n_peers(t.p->west), 0);
	rv_attempt_drop(attempt);
	pair_free(t.p);
}

static void only_allowed_gateways_are_called(void **state)
{
	static const struct {
		const char *connection, *sections;
		bool goes;
	} rows[] = {
		{ "redirect_gateways = 10.0.0.3", NULL, true },
		{ "redirect_gateways = gw.example, 10.0.0.0/29", NULL, true },
		{ "redirect_gateways = gw.example", NULL, false },
		{ NULL, "ikev2-redirect { follow_redirects = no }", false },
	};

	for (size_t i = 0; i < RV_COUNT(rows); i++) {
		const struct side west = { .connection = rows[i].connection, .sections = rows[i].sections };
		const struct side east = { .sections = RULE("id = west.example") };
		struct three t = three_new(&west, &east, NULL);
		struct rv_attempt *attempt = try_up(t.p, "net", RV_S(10));

		assert_int_equal(attempt->code == 0, rows[i].goes || i == 3);
		if (rows[i].goes)
			await_other(&t);
		else
			assert_int_equal(n_peers(t.other), 0);
		rv_attempt_drop(attempt);
		pair_free(t.p);
	}
}

/* "This prevents certain denial-of-service (DoS) attacks on the initiator" */
static bool forge(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	bool *forged = arg;

	if (strcmp(from->name, "east") != 0 || message[18] != 34 || *forged)
		return false;
	*forged = true;
	message[*len - 1] ^= 1; /* in the nonce data */
	return false;
}

static void a_wrong_nonce_is_discarded(void **state)
{
	const struct side east = { .sections = RULE("addresses = 10.0.0.0/24") };
	struct three t = three_new(NULL, &east, NULL);
	bool forged = false;

	sim_tap(t.p->sim, forge, &forged);
	struct rv_attempt *attempt = try_up(t.p, "net", RV_S(3));

	assert_true(forged);
	assert_false(attempt->ended);
	assert_int_equal(n_peers(t.other), 0);
	/* the answer to the retransmission is good */
	await_other(&t);
	rv_attempt_drop(attempt);
	pair_free(t.p);
}

static void who_does_not_leave_is_deleted(void **state)
{
	const struct side west = { .connection = "redirect_gateways = gw.example" };
	const struct side east = {
		.sections = "ikev2-redirect { linger = 5s\n rules { one { id = west.example\n gateway = 10.0.0.3 } } }"
	};
	struct three t = three_new(&west, &east, NULL);
	struct rv_attempt *attempt = try_up(t.p, "net", RV_S(2));

	assert_int_equal(n_peers(t.p->east), 1);
	sim_run(t.p->sim, RV_S(6));
	assert_int_equal(n_peers(t.p->east), 0);
	rv_attempt_drop(attempt);
	pair_free(t.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_ike_sa_init_no_state_is_made),
		cmocka_unit_test(a_flood_of_requests_does_not_fill_the_log),
		cmocka_unit_test(a_long_name_is_told_in_ike_auth),
		cmocka_unit_test(in_ike_auth_both_are_authenticated_first),
		cmocka_unit_test(other_identities_stay),
		cmocka_unit_test(in_an_active_session_the_children_come_along),
		cmocka_unit_test(an_active_session_is_made_before_it_is_broken),
		cmocka_unit_test(only_the_responder_sends_on),
		cmocka_unit_test(loops_end),
		cmocka_unit_test(only_allowed_gateways_are_called),
		cmocka_unit_test(a_wrong_nonce_is_discarded),
		cmocka_unit_test(who_does_not_leave_is_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

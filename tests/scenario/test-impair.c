// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-impair: every exchange of RFC 7296 with every fault of debug-impair in its request or its response: what the
 * other side says to it, and that both agree afterwards: it was done, it was not done, or both have nothing left.
 *
 * West asks. For a request west's messages are impaired, for a response east's. IMPAIR_ROW=FAULT:MESSAGE:EXCHANGE runs
 * one cell alone (with SIM_VERBOSE for the logs).
 */
#include "pair.h"

#include "exchange.h"
#include "octets/notify.h"
#include "requests.h"

extern const struct rv_plugin rv_plugin_debug_impair;

/* The exchanges, and what west does to make them. */
enum act { INIT, AUTH, CHILD, CHILD_REKEY, IKE_REKEY, LIVENESS, DELETE, N_ACTS };

static const struct {
	const char *name, *exchange;
	uint8_t type;
} acts[N_ACTS] = {
	[INIT] = { "IKE_SA_INIT", "IKE_SA_INIT", IKE_EXCHANGE_IKE_SA_INIT },
	[AUTH] = { "IKE_AUTH", "IKE_AUTH", IKE_EXCHANGE_IKE_AUTH },
	[CHILD] = { "a child SA", "CREATE_CHILD_SA", IKE_EXCHANGE_CREATE_CHILD_SA },
	[CHILD_REKEY] = { "a rekey of a child SA", "CREATE_CHILD_SA", IKE_EXCHANGE_CREATE_CHILD_SA },
	[IKE_REKEY] = { "a rekey of the IKE SA", "CREATE_CHILD_SA", IKE_EXCHANGE_CREATE_CHILD_SA },
	[LIVENESS] = { "a liveness check", "INFORMATIONAL", IKE_EXCHANGE_INFORMATIONAL },
	[DELETE] = { "a delete", "INFORMATIONAL", IKE_EXCHANGE_INFORMATIONAL },
};

/* DONE: as if nothing had been. AGAIN: done by a second exchange of the kind. KEPT: it was not done, both sides have
 * what they had. GONE: neither has anything left. NONE: the fault does not fit the exchange. */
enum end { NONE, DONE, AGAIN, KEPT, GONE };

static const char *const end_text[] = { "not the same on both sides", "done", "done again", "kept as it was",
					"gone on both sides" };

/* says: the error that the side says to which the wrong message came; 0: none. */
struct cell {
	enum end end;
	uint16_t says;
};

/* What each exchange comes to, in the order of acts. LATER: IKE_SA_INIT and IKE_AUTH differ. CREATE: for the three
 * kinds of CREATE_CHILD_SA, the others do not have it. */
#define C(...)                                                                                                         \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}
#define ALL(cell) C(cell, cell, cell, cell, cell, cell, cell)
#define LATER(init, auth, cell) C(init, auth, cell, cell, cell, cell, cell)
#define CREATE(init, auth, child, rekey, ike_rekey) C(init, auth, child, rekey, ike_rekey)
#define FINE C(DONE)
#define OVER C(GONE)
#define LOST                                                                                                           \
	C(GONE, IKE_N_INVALID_IKE_SPI) /* west gave up; east's liveness check is told that it knows no such IKE SA */
#define SYNTAX C(GONE, IKE_N_INVALID_SYNTAX)
#define GROUP C(KEPT, IKE_N_INVALID_KE_PAYLOAD)
#define CRITICAL(end) C(end, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD)
#define NO_SPI C(DONE, IKE_N_INVALID_IKE_SPI)
#define NO_AUTH C(GONE, IKE_N_AUTHENTICATION_FAILED)
#define N_A C(NONE)

/* also: another rule. */
static const struct row {
	const char *what, *rfc, *rule, *also;
	bool response;
	struct cell by[N_ACTS];
} rows[] = {
	/* clang-format off */
	/* requests */
	{ "drop", "2.1", "do = drop", NULL, false, ALL(FINE) },
	{ "drop three times", "2.1", "do = drop\n count = 3", NULL, false, ALL(FINE) },
	{ "drop all", "2.1, 2.4", "do = drop\n count = 0", NULL, false, ALL(OVER) },
	{ "duplicate", "2.1", "do = duplicate", NULL, false, ALL(FINE) },
	/* the old IKE SA is gone by then */
	{ "replay", "2.1, 2.3", "do = replay\n delay = 3s", NULL, false,
	  C(FINE, FINE, FINE, FINE, NO_SPI, FINE, FINE) },
	{ "delay", "2.1, 2.3", "do = delay\n delay = 3s", NULL, false,
	  C(FINE, FINE, FINE, FINE, NO_SPI, FINE, FINE) },
	/* without an ICV only AUTH finds it */
	{ "corrupt", "2.15, 3.14", "do = corrupt", NULL, false, LATER(NO_AUTH, FINE, FINE) },
	{ "initiator's SPI", "2.6", "do = spi\n value = 1", NULL, false, ALL(FINE) },
	{ "responder's SPI", "2.21.4", "do = spi\n value = 2", NULL, false, LATER(FINE, NO_SPI, NO_SPI) },
	{ "higher version", "2.5", "do = version", NULL, false, ALL(C(DONE, IKE_N_INVALID_MAJOR_VERSION)) },
	{ "lower version", "2.5", "do = version\n value = 16", NULL, false, ALL(FINE) },
	{ "minor version", "2.5", "do = minor", NULL, false, ALL(FINE) },
	{ "truncate", "3.1", "do = truncate", NULL, false, ALL(FINE) },
	{ "truncate to a header", "3.1", "do = truncate\n value = 20", NULL, false, ALL(FINE) },
	{ "critical", "2.5", "do = critical\n count = 0", NULL, false,
	  C(CRITICAL(GONE), CRITICAL(GONE), CRITICAL(KEPT), CRITICAL(KEPT), CRITICAL(KEPT),
	    CRITICAL(DONE), CRITICAL(DONE)) },
	{ "unknown", "2.5", "do = unknown\n count = 0", NULL, false, ALL(FINE) },
	{ "reserved", "2.5, 3", "do = reserved\n count = 0", NULL, false, ALL(FINE) },
	{ "length beyond the end", "2.21, 3.2", "do = unknown", "do = length\n payload = 200", false, ALL(SYNTAX) },
	{ "length 0", "2.21, 3.2", "do = unknown", "do = length\n payload = 200\n value = -8", false, ALL(SYNTAX) },
	{ "length of SA", "2.21, 3.3", "do = length\n payload = 33\n value = 4", NULL, false,
	  CREATE(SYNTAX, SYNTAX, SYNTAX, SYNTAX, SYNTAX) },
	{ "length of the nonce", "2.21, 3.9", "do = length\n payload = 40\n value = -4", NULL, false,
	  CREATE(SYNTAX, N_A, SYNTAX, SYNTAX, SYNTAX) },
	{ "exchange", "2.21, 3.1", "do = exchange", NULL, false, LATER(OVER, SYNTAX, SYNTAX) },
	{ "message ID", "2.3", "do = id", NULL, false, ALL(OVER) },
	{ "no SA", "1.2, 1.3", "do = omit\n payload = 33", NULL, false,
	  CREATE(SYNTAX, SYNTAX, SYNTAX, SYNTAX, SYNTAX) },
	{ "no nonce", "1.2, 1.3", "do = omit\n payload = 40", NULL, false,
	  CREATE(SYNTAX, N_A, SYNTAX, SYNTAX, SYNTAX) },
	{ "no KE", "1.2, 1.3", "do = omit\n payload = 34\n count = 0", NULL, false,
	  CREATE(SYNTAX, N_A, GROUP, GROUP, SYNTAX) },
	{ "no TSi", "1.2, 1.3", "do = omit\n payload = 44", NULL, false, CREATE(N_A, SYNTAX, SYNTAX, SYNTAX, N_A) },
	{ "no AUTH", "2.21.2", "do = omit\n payload = 39", NULL, false, CREATE(N_A, NO_AUTH, N_A, N_A, N_A) },
	{ "no IDi", "1.2", "do = omit\n payload = 35", NULL, false, CREATE(N_A, SYNTAX, N_A, N_A, N_A) },
	{ "no NAT detection", "2.23", "do = omit\n notify = 16388", "do = omit\n notify = 16389", false,
	  CREATE(FINE, N_A, N_A, N_A, N_A) },

	/* responses */
	{ "drop", "2.1", "do = drop", NULL, true, ALL(FINE) },
	{ "drop three times", "2.1", "do = drop\n count = 3", NULL, true, ALL(FINE) },
	{ "drop all", "2.1, 2.4", "do = drop\n count = 0", NULL, true,
	  C(OVER, LOST, LOST, LOST, LOST, LOST, OVER) },
	{ "duplicate", "2.1", "do = duplicate", NULL, true, ALL(FINE) },
	{ "replay", "2.1", "do = replay\n delay = 3s", NULL, true, ALL(FINE) },
	{ "delay", "2.1", "do = delay\n delay = 3s", NULL, true, ALL(FINE) },
	{ "corrupt", "2.15, 3.14", "do = corrupt", NULL, true, LATER(NO_AUTH, FINE, FINE) },
	{ "initiator's SPI", "2.6", "do = spi\n value = 1", NULL, true, ALL(FINE) },
	{ "responder's SPI", "2.6", "do = spi\n value = 2", NULL, true, LATER(OVER, FINE, FINE) },
	{ "higher version", "2.5", "do = version", NULL, true, ALL(FINE) },
	{ "minor version", "2.5", "do = minor", NULL, true, ALL(FINE) },
	{ "truncate", "3.1", "do = truncate", NULL, true, ALL(FINE) },
	{ "critical", "2.5, 2.21", "do = critical\n count = 0", NULL, true,
	  C(OVER, CRITICAL(GONE), C(KEPT), C(KEPT), LOST, FINE, FINE) },
	{ "unknown", "2.5", "do = unknown\n count = 0", NULL, true, ALL(FINE) },
	{ "reserved", "2.5, 3", "do = reserved\n count = 0", NULL, true, ALL(FINE) },
	/* "should still cause the recipient to clean up": a child SA is given back, and a rekey tried again */
	{ "length beyond the end", "2.21, 3.2", "do = unknown", "do = length\n payload = 200", true,
	  C(OVER, SYNTAX, C(KEPT), C(AGAIN), LOST, FINE, FINE) },
	{ "exchange", "2.2, 3.1", "do = exchange", NULL, true, C(OVER, LOST, LOST, LOST, LOST, LOST, OVER) },
	{ "message ID", "2.2", "do = id", NULL, true, C(OVER, LOST, LOST, LOST, LOST, LOST, OVER) },
	{ "no nonce", "1.2, 1.3", "do = omit\n payload = 40", NULL, true,
	  CREATE(OVER, N_A, C(KEPT), C(AGAIN), LOST) },
	{ "no SA", "1.2, 1.3", "do = omit\n payload = 33", NULL, true,
	  CREATE(OVER, C(KEPT), C(KEPT), C(AGAIN), LOST) },
	{ "no AUTH", "2.21.2", "do = omit\n payload = 39", NULL, true, CREATE(N_A, NO_AUTH, N_A, N_A, N_A) },
	{ "no IDr", "1.2", "do = omit\n payload = 36", NULL, true, CREATE(N_A, NO_AUTH, N_A, N_A, N_A) },
	/* clang-format on */
};

/* What a host says and hears of the exchange that is impaired. */
struct ear {
	uint8_t type;
	bool response; /* what is impaired */
	bool told[16384];
	unsigned opened; /* messages of the impaired kind that were authentic */
	unsigned impaired, not_impaired;
};

static struct ear west_ear, east_ear;

static void note_errors(struct ear *ear, uint8_t first, struct rv_bytes payloads)
{
	struct ike_types types = ike_types_own();
	struct ike_chain chain;

	if (ike_chain_read(&chain, first, payloads, &types))
		return;
	ike_chain_each(&chain, p, IKE_PAYLOAD_NOTIFY)
	{
		struct ike_notify n;

		if (ike_notify_read(&n, p->body) && ike_notify_is_error(n.type))
			ear->told[n.type] = true;
	}
}

static void seen(void *self, struct rv_ike_exchange *x, const struct rv_ike_plain *plain)
{
	struct ear *ear = self;
	bool response = plain->header.p[19] & IKE_FLAG_RESPONSE;

	if (plain->ours)
		note_errors(ear, plain->first, plain->payloads);
	else if (plain->header.p[18] == ear->type && response == ear->response)
		ear->opened++;
}

static const struct rv_ikev2_ext_ops ear_ops = { .size = sizeof(ear_ops), .seen = seen };

static int ear_init(struct rv_host *host)
{
	bool west = strcmp(sim_of(host)->name, "west") == 0;

	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "ear" }, &ear_ops, west ? &west_ear : &east_ear);
}

RV_PLUGIN(ear, "ear", "version=1\0summary=Listens\0provides=ikev2-ext:ear\0", .init = ear_init);

/* Errors without protection are in the open. */
static bool tap(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len)
{
	struct ike_types types = ike_types_own();
	struct ike_message m;

	if (!ike_message_read(&m, rv_bytes(message, *len), &types) && !m.sealed)
		note_errors(strcmp(from->name, "west") == 0 ? &west_ear : &east_ear, m.header.next,
			    rv_bytes(message + IKE_HEADER_LEN, *len - IKE_HEADER_LEN));
	return false;
}

static void line(void *arg, const char *text)
{
	struct ear *ear = arg;

	ear->impaired += strstr(text, " impaired ") != NULL;
	ear->not_impaired += strstr(text, "not-impaired") != NULL;
}

#define SETTINGS "retransmit_tries = 3\n retransmit_timeout = 1s\n half_open_timeout = 20s"
#define MORE(a, b) "more { local_ts = " a "\n remote_ts = " b "\n esp_proposals = aes128gcm16-x25519 }"

static struct pair *impaired_pair(const struct row *row, enum act act)
{
	char *rules = talloc_asprintf(
		NULL,
		"debug-impair { rules { one { exchange = %s\n message = %s\n %s }\n"
		"%s%s%s%s%s } }",
		acts[act].exchange, row->response ? "response" : "request", row->rule,
		row->also ? "two { exchange = " : "", row->also ? acts[act].exchange : "",
		row->also ? (row->response ? "\n message = response\n " : "\n message = request\n ") : "",
		or (row->also, ""), row->also ? " }" : "");
	struct side west = { .settings = SETTINGS,
			     .connection = "dpd_delay = 20s",
			     .children = MORE("10.11.0.0/16", "10.12.0.0/16"),
			     .more = { { "ear", &rv_plugin_ear } } },
		    east = west;
	struct side *wrong = row->response ? &east : &west;
	struct pair *p;

	east.children = MORE("10.12.0.0/16", "10.11.0.0/16");
	wrong->sections = rules;
	wrong->more[1] = (struct sim_plugin){ "debug-impair", &rv_plugin_debug_impair };
	west_ear = east_ear = (struct ear){ .type = acts[act].type, .response = row->response };
	p = pair_new(&west, &east);
	p->west->line = p->east->line = line;
	p->west->line_arg = p->east->line_arg = row->response ? &east_ear : &west_ear;
	sim_tap(p->sim, tap, NULL);
	talloc_free(rules);
	return p;
}

/* What there was before. */
struct before {
	uint64_t ike;
	uint32_t child;
};

static struct before look(struct pair *p)
{
	struct rv_peer *peer = peer_of(p->west);
	struct rv_child *child = child_of(p->west);

	return (struct before){ peer && peer->sa ? ((struct rv_ike_sa *)peer->sa)->spi_i : 0,
				child ? child->spi_in : 0 };
}

static void begin(struct pair *p, enum act act, struct rv_attempt **attempt)
{
	struct rv_why why = { 0 };
	struct rv_ike_sa *sa;

	if (act > AUTH)
		bring_up(p);
	sa = act > AUTH ? peer_of(p->west)->sa : NULL;
	switch (act) {
	case INIT:
	case AUTH:
		assert_int_equal(rv_core_up(p->west->core, "east", "net", "test", attempt, &why), 0);
		break;
	case CHILD:
		assert_int_equal(rv_core_up(p->west->core, "east", "more", "test", attempt, &why), 0);
		break;
	case CHILD_REKEY:
		assert_int_equal(ike_child_rekey(child_of(p->west)), 0);
		break;
	case IKE_REKEY:
		assert_int_equal(ike_rekey(sa), 0);
		break;
	case LIVENESS:
		assert_int_equal(ike_liveness(sa), 0);
		break;
	case DELETE:
		assert_int_equal(ike_delete(sa), 0);
		break;
	case N_ACTS:
		break;
	}
}

static unsigned n_ike_sas(struct sim_host *host)
{
	struct ike_engine *engine = rv_service_self(rv_registry_find(host->core->registry, "keying", "ikev2"));

	return engine->sas.n;
}

/* What both sides came to; NONE when they do not agree. */
static enum end outcome(struct pair *p, enum act act, const struct before *was)
{
	unsigned n[] = { n_peers(p->west), n_peers(p->east) }, sas = sim_n_sas(p->west);
	struct before is = look(p);
	bool fresh = act == CHILD_REKEY ? is.child != was->child : act == IKE_REKEY ? is.ike != was->ike : true;

	if (n[0] != n[1] || sas != sim_n_sas(p->east) || n[0] != n_ike_sas(p->west) || n[1] != n_ike_sas(p->east))
		return NONE;
	if (!n[0])
		return sas ? NONE : GONE;
	if (act == AUTH && n[0] == 1 && !sas)
		return KEPT; /* the IKE SA, without a child SA */
	if (n[0] != 1 || !carries(p) || act == DELETE)
		return NONE;
	if (act == CHILD)
		return sas == 4 && sim_packet(p->west, p->east, "10.11.0.5", "10.12.0.5") ? DONE
		       : sas == 2 && is.ike == was->ike					  ? KEPT
											  : NONE;
	if (sas != 2)
		return NONE;
	return fresh ? DONE : is.ike == was->ike && is.child == was->child ? KEPT : NONE;
}

static bool wanted(const struct row *row, enum act act)
{
	const char *one = getenv("IMPAIR_ROW");
	char name[128];

	snprintf(name, sizeof(name), "%s:%s:%u", row->what, row->response ? "response" : "request", act);
	return row->by[act].end != NONE && (!one || strcmp(one, name) == 0);
}

/* Whoever gets the wrong message says exactly this. */
static bool says_so(const struct ear *ear, uint16_t says)
{
	for (unsigned i = 0; i < RV_COUNT(ear->told); i++)
		if (ear->told[i] != (i == says && says))
			return false;
	return true;
}

/* What was asked for is done once, however often messages of it come. */
static bool is_once(const struct cell *cell, enum act act, const struct ear *victim)
{
	if (act == INIT || (cell->end != DONE && cell->end != AGAIN))
		return true; /* no message of it is protected; what is not done is asked for again */
	return victim->opened == (cell->end == AGAIN ? 2 : 1);
}

static void complain(const struct row *row, enum act act, enum end end, const struct ear *victim,
		     const struct ear *villain)
{
	const char *message = row->response ? "response" : "request";

	print_message("%s in the %s of %s (RFC 7296, %s): %s, not %s; opened %u, impaired %u, not impaired %u; said",
		      row->what, message, acts[act].name, row->rfc, end_text[end], end_text[row->by[act].end],
		      victim->opened, villain->impaired, villain->not_impaired);
	for (unsigned i = 0; i < RV_COUNT(victim->told); i++)
		if (victim->told[i])
			print_message(" %s", or (ike_notify_name((uint16_t)i), "?"));
	print_message(" (%u)\n  IMPAIR_ROW='%s:%s:%u'\n", row->by[act].says, row->what, message, act);
}

static bool is_as_told(enum end end, const struct cell *cell, enum act act)
{
	enum end want = cell->end == AGAIN ? DONE : cell->end;

	return end == (act == DELETE && want == DONE ? GONE : want);
}

static unsigned run(const struct row *row, enum act act)
{
	struct pair *p = impaired_pair(row, act);
	struct ear *victim = row->response ? &west_ear : &east_ear, *villain = row->response ? &east_ear : &west_ear;
	struct rv_attempt *attempt = NULL;
	const struct cell *cell = &row->by[act];
	struct before was;
	enum end end;
	bool good;

	victim->type = 0; /* not yet */
	begin(p, act, &attempt);
	was = look(p);
	victim->type = acts[act].type;
	sim_run(p->sim, RV_S(15)); /* all retransmissions, no liveness check of the daemon's own */
	good = is_once(cell, act, victim);
	sim_run(p->sim, RV_S(75));
	end = outcome(p, act, &was);
	good = good && is_as_told(end, cell, act) && says_so(victim, cell->says) && villain->impaired &&
	       !villain->not_impaired;
	if (!good)
		complain(row, act, end, victim, villain);
	rv_attempt_drop(attempt);
	pair_free(p);
	return !good;
}

static void every_fault_is_answered_as_the_rfc_says(void **state)
{
	unsigned bad = 0, n = 0;

	for (size_t i = 0; i < RV_COUNT(rows); i++)
		for (unsigned act = 0; act < N_ACTS; act++)
			if (wanted(&rows[i], act)) {
				bad += run(&rows[i], act);
				n++;
			}
	if (bad || !n)
		fail_msg("%u of %u cells are not as the table says", bad, n);
}

/* Rules with probabilities on both sides; the digest of all datagrams. */
static uint64_t noisy(unsigned seed, unsigned *impaired)
{
	char *rules = talloc_asprintf(NULL,
				      "debug-impair { seed = %u\n rules {\n"
				      "a { do = corrupt\n probability = 15\n count = 0 }\n"
				      "b { do = drop\n probability = 15\n count = 0 }\n"
				      "c { do = delay\n probability = 20\n count = 0 }\n"
				      "d { do = replay\n probability = 20\n count = 0 } } }",
				      seed);
	const struct side side = { .settings = SETTINGS,
				   .connection = "dpd_delay = 20s",
				   .sections = rules,
				   .more = { { "ear", &rv_plugin_ear }, { "debug-impair", &rv_plugin_debug_impair } } };
	struct pair *p;
	struct rv_why why = { 0 };
	struct rv_attempt *attempt;
	uint64_t digest;

	west_ear = east_ear = (struct ear){ 0 };
	p = pair_new(&side, &side);
	p->west->line = line;
	p->west->line_arg = &west_ear;
	attempt = try_up(p, "net", RV_S(60));
	rv_attempt_drop(attempt);
	for (unsigned i = 0; i < 4 && n_peers(p->west) && child_of(p->west); i++) {
		assert_int_equal(i & 1 ? pair_rekey(p->west) : pair_child_rekey(p->west), 0);
		sim_run(p->sim, RV_S(40));
	}
	if (n_peers(p->west))
		assert_int_equal(rv_core_down(p->west->core, "east", &why), 0);
	sim_run(p->sim, RV_S(120));
	if (outcome(p, DELETE, &(struct before){ 0 }) != GONE)
		fail_msg("seed %u: something is left", seed);
	*impaired += west_ear.impaired;
	digest = sim_digest(p->sim);
	pair_free(p);
	talloc_free(rules);
	return digest;
}

static void what_is_drawn_comes_from_the_seed(void **state)
{
	uint64_t ones = 0, others = 0;
	unsigned impaired = 0;

	for (unsigned seed = 1; seed <= 8; seed++) {
		uint64_t digest = noisy(seed, &impaired);

		assert_true(digest == noisy(seed, &impaired));
		ones += digest;
		others += noisy(seed + 100, &impaired);
	}
	assert_true(ones != others);
	assert_true(impaired > 48);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_drawn_comes_from_the_seed),
		cmocka_unit_test(every_fault_is_answered_as_the_rfc_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

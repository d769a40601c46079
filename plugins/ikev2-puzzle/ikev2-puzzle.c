// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-puzzle: puzzles in IKE_SA_INIT against floods from many addresses (RFC 8019).
 *
 * As responder nothing is kept for a request until its puzzle is solved: what was asked is in the cookie. As initiator
 * solving is bounded in difficulty and time, and done in short jobs, so that others' key exchanges come in between. Who
 * solved one may be given another one for IKE_AUTH (7.2); its solution is looked at before the request is opened.
 */
#include "puzzle.h"

#include <errno.h>
#include <ravelin/config.h>
#include <ravelin/error.h>
#include <ravelin/ikev2-path.h>
#include <ravelin/ikev2-wire.h>
#include <ravelin/job.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>
#include <ravelin/wire.h>
#include <string.h>

enum {
	IKE_SA_INIT = 34,
	IKE_AUTH = 35,
	SA = 33,
	NONCE = 40,
	PS = 54, /* RFC 8019, 8.2 */
	COOKIE = 16390,
	PUZZLE = 16434, /* RFC 8019, 8.1 */
	FREE_BITS = 16, /* what we solve when the responder leaves it to us */
	SLICE = 4096,	/* keys that one job tries */
	AGE_S = 30,	/* a solution that comes later is none */
	USED = 4096,	/* solutions that are remembered, so that none is taken twice */
};

struct used {
	uint64_t digest;
	uint32_t at_s;
};

/* Hangs on a half-open IKE SA: the puzzle of its IKE_AUTH. input: Nr | SPIr (RFC 8019, 7.2.3). */
struct auth_puzzle {
	uint16_t prf;
	uint8_t bits;
	bool solved;
	uint8_t input[PUZZLE_INPUT_MAX];
	size_t input_len;
};

struct plugin {
	struct rv_host *host;
	uint16_t passed; /* PRF of the puzzle that the first message at hand has solved; 0: it had none to solve */
	uint64_t seed;
	struct used *used; /* there is room for USED of them from the first puzzle on */
};

static const struct rv_conf *conf(const struct plugin *p)
{
	return rv_host_conf(p->host);
}

static uint32_t now_s(const struct plugin *p)
{
	return (uint32_t)(rv_loop_now_us(p->host->loop) / 1000000);
}

/* The service of a PRF by its number, when puzzles can be made of it. */
static struct rv_service *prf_of(const struct plugin *p, uint16_t id)
{
	const struct rv_transform t = { .class = RV_CLASS_PRF, .id = id };
	struct rv_service *prf = rv_algorithm_service(p->host->registry, &t);

	return prf && !puzzle_prf(rv_service_ops(prf)) ? prf : NULL;
}

/* As responder */

/* What the cookie of a puzzle remembers (RFC 8019, 7.1.1.3). */
struct given {
	uint16_t prf;
	uint8_t bits;
	uint32_t at_s;
};

static bool read_given(struct given *given, struct rv_bytes info)
{
	struct rv_rd r = rv_rd(info);

	given->prf = rv_rd_u16(&r);
	given->bits = rv_rd_u8(&r);
	given->at_s = rv_rd_u32(&r);
	return rv_rd_done(&r);
}

/* How many zero bits are asked for now; 0: no puzzle. One more each time the load doubles (RFC 8019, 10: "dynamically
 * adjust the puzzle difficulty"). */
static unsigned wanted_bits(const struct plugin *p, const struct rv_ike_stranger *s)
{
	uint64_t all = (uint64_t)rv_conf_int(conf(p), "threshold"),
		 each = (uint64_t)rv_conf_int(conf(p), "peer_threshold");
	unsigned bits = (unsigned)rv_conf_int(conf(p), "difficulty"),
		 most = (unsigned)rv_conf_int(conf(p), "max_difficulty");

	if (!(all && s->half_open >= all) && !(each && s->of_peer >= each))
		return 0;
	for (uint64_t load = s->half_open; all && load >= all * 2 && bits < most; load /= 2)
		bits++;
	for (uint64_t load = s->of_peer; each && load >= each * 2 && bits < most; load /= 2)
		bits++;
	return bits < most ? bits : most;
}

/* RFC 8019, 7.1.1.2: "The Responder selects the preferred PRF from the list of mutually supported ones" */
static uint16_t choose_prf(const struct plugin *p, const struct rv_ike_stranger *s)
{
	for (size_t i = 0; i < s->n_offered; i++) {
		const struct rv_proposal *offered = &s->offered[i];

		for (uint8_t k = 0; k < offered->n; k++)
			if (offered->t[k].class == RV_CLASS_PRF && prf_of(p, offered->t[k].id))
				return offered->t[k].id;
	}
	return 0;
}

static int ask(struct plugin *p, struct rv_ike_stranger *s, unsigned bits)
{
	struct rv_wr info = rv_wr(s->ask_info, sizeof(s->ask_info)), data = rv_wr(s->ask_data, sizeof(s->ask_data));
	uint16_t prf = choose_prf(p, s);

	if (!prf)
		return 0; /* the proposals will be refused */
	if (!p->used) {
		p->used = talloc_zero_array(p, struct used, USED);
		rv_host_random(p->host, &p->seed, sizeof(p->seed));
	}
	if (!p->used)
		return -ENOMEM;
	rv_wr_u16(&info, prf);
	rv_wr_u8(&info, (uint8_t)bits);
	rv_wr_u32(&info, now_s(p));
	rv_wr_u16(&data, prf);
	rv_wr_u8(&data, (uint8_t)bits);
	s->ask_type = PUZZLE;
	s->n_ask_info = (uint8_t)rv_wr_len(&info);
	s->n_ask_data = (uint8_t)rv_wr_len(&data);
	return RV_PENDING;
}

/* RFC 8019, 10: "MUST use one of the above (or some other) countermeasures" against using a solution again: its time is
 * in the cookie, and within that time it is remembered. */
static bool first_use(struct plugin *p, struct rv_bytes cookie)
{
	uint64_t digest = p->seed;
	struct used *used;

	if (!p->used)
		return false;
	for (size_t i = 0; i < cookie.len; i++)
		digest = (digest ^ cookie.p[i]) * 0x9e3779b97f4a7c15u;
	digest ^= digest >> 32;
	used = &p->used[digest % USED];
	if (used->digest == digest && now_s(p) - used->at_s <= AGE_S)
		return false;
	*used = (struct used){ .digest = digest, .at_s = now_s(p) };
	return true;
}

/* Who cannot solve puzzles has a chance, the smaller the greater the load; the same request always the same one (RFC
 * 8019, 7.1: "The decision ... must be probabilistic"). */
static bool lucky(const struct plugin *p, const struct rv_ike_stranger *s)
{
	uint64_t share = (uint64_t)rv_conf_int(conf(p), "legacy_share"),
		 all = (uint64_t)rv_conf_int(conf(p), "threshold");
	uint64_t of = all && s->half_open > all ? s->half_open : all ? all : 1;
	struct rv_rd r = rv_rd(s->cookie);

	(void)rv_rd_take(&r, s->cookie.len - 4);
	return (uint64_t)rv_rd_u32(&r) * 100 * of < share * (all ? all : 1) * UINT32_MAX;
}

static bool solved(struct plugin *p, const struct rv_ike_stranger *s, const struct given *given)
{
	struct rv_service *prf = prf_of(p, given->prf);
	struct rv_bytes solution;

	return prf && now_s(p) - given->at_s <= AGE_S && s->payload(s, PS, &solution) &&
	       puzzle_check(prf, s->cookie, solution, given->bits);
}

/* RFC 8019, 7.1.4: the cookie first, then whether a puzzle was given, then its solution. A PS payload without a puzzle
 * is ignored. */
static int stranger(void *self, struct rv_ike_stranger *s)
{
	struct plugin *p = self;
	unsigned bits = wanted_bits(p, s);
	struct given given;
	struct rv_bytes none;

	p->passed = 0;
	if (!bits)
		return 0;
	if (!s->returned || !read_given(&given, s->info))
		return ask(p, s, bits);
	if (solved(p, s, &given) && first_use(p, s->cookie)) {
		p->passed = given.prf;
		return 0;
	}
	if (s->payload(s, PS, &none))
		return ask(p, s, bits);
	if (now_s(p) - given.at_s <= AGE_S && lucky(p, s))
		return first_use(p, s->cookie) ? 0 : ask(p, s, bits);
	return ask(p, s, bits);
}

/* IKE_AUTH as responder */

static void set_input(struct auth_puzzle *a, const struct rv_ike_sa *sa, struct rv_bytes nr)
{
	struct rv_wr w = rv_wr(a->input, sizeof(a->input));
	uint64_t spi_i, spi_r;

	(void)rv_ike_spis(sa, &spi_i, &spi_r);
	rv_wr_put(&w, nr);
	rv_wr_u64(&w, spi_r);
	a->input_len = rv_wr_done(&w) ? rv_wr_len(&w) : 0;
}

/* RFC 8019, 7.2.1: "The Responder MUST NOT use puzzles in the IKE_AUTH exchange unless a puzzle has been previously
 * presented and solved in the preceding IKE_SA_INIT exchange." */
static int plan_auth(struct rv_ike_exchange *x, struct plugin *p)
{
	unsigned bits = (unsigned)rv_conf_int(conf(p), "auth_difficulty");
	struct auth_puzzle *a;

	if (!p->passed || !bits)
		return 0;
	a = rv_attach(p->host, rv_ike_sa(x), struct auth_puzzle);
	if (!a)
		return -ENOMEM;
	a->prf = p->passed;
	a->bits = (uint8_t)bits;
	p->passed = 0;
	return 0;
}

/* RFC 8019, 7.2.1: "HDR, SA, KE, Nr, N(PUZZLE)" */
static int present(struct rv_ike_exchange *x, void *self)
{
	struct plugin *p = self;
	struct auth_puzzle *a = rv_attached(p->host, rv_ike_sa(x), struct auth_puzzle);
	uint8_t data[3];
	struct rv_wr w = rv_wr(data, sizeof(data));

	if (rv_ike_role(x) != RV_IKE_RESPONDER || !a)
		return 0;
	set_input(a, rv_ike_sa(x), rv_ike_nonce(x));
	rv_wr_u16(&w, a->prf);
	rv_wr_u8(&w, a->bits);
	return rv_ike_add_notify(x, PUZZLE, rv_wr_bytes(&w));
}

/* RFC 8019, 7.2.4: "it MUST silently discard all the IKE_AUTH request messages without the PS payload"; a fragment that
 * comes before the first one, which has it, comes again with it. */
static int admit(void *self, struct rv_ike_sa *sa, const struct rv_ike_outer *request)
{
	struct plugin *p = self;
	struct auth_puzzle *a = rv_attached(p->host, sa, struct auth_puzzle);
	struct rv_service *prf = a && !a->solved ? prf_of(p, a->prf) : NULL;
	struct rv_bytes solution;

	if (!prf || request->exchange != IKE_AUTH || !a->input_len)
		return 0;
	a->solved = request->payload(request, PS, &solution) &&
		    puzzle_check(prf, rv_bytes(a->input, a->input_len), solution, a->bits);
	if (!a->solved)
		rv_log(&p->host->subject, RV_DEBUG, "auth-puzzle-unsolved",
		       KV_ADDR("peer", &rv_ike_peer(sa)->path.remote));
	return a->solved ? 0 : -RV_EREFUSED;
}

/* As initiator */

/* Hangs on the exchange: the puzzle at hand, then its solution. */
struct solving {
	struct plugin *plugin;
	struct rv_ike_exchange *x;
	struct rv_job *job;
	struct rv_ref prf;
	struct rv_user user;
	struct puzzle_solver solver;
	uint64_t began_us;
	bool solved;
};

static int solving_free(struct solving *s)
{
	rv_job_cancel(s->job);
	rv_ref_drop(&s->prf);
	return 0;
}

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "a puzzle that is being solved");
}

static int work(void *data)
{
	return puzzle_try(data, SLICE);
}

static int go_on(struct solving *s);

/* RFC 8019, 7.1.2: without a solution the request goes out with the cookie alone */
static void worked(void *owner, int result, void *data)
{
	const struct rv_conf *conf_of = conf(((struct solving *)owner)->plugin);
	struct solving *s = owner;
	uint64_t us = rv_loop_now_us(s->plugin->host->loop) - s->began_us;

	s->job = NULL;
	memcpy(&s->solver, data, sizeof(s->solver));
	if (result == RV_PENDING && us < rv_conf_us(conf_of, "solve_time"))
		result = go_on(s);
	else if (result == RV_PENDING)
		result = -RV_ETIMEOUT;
	if (result == RV_PENDING)
		return;
	s->solved = !result;
	rv_ref_drop(&s->prf);
	rv_ike_tell(s->x, !result		   ? "the puzzle is solved"
			  : result == -RV_ETIMEOUT ? "the puzzle was not solved: solve_time is over"
						   : "the puzzle was not solved: it has no solution, or memory is out");
	rv_ike_resume(s->x, 0);
}

/* One job more, which has a copy of the solver: the exchange may end before the job does. */
static int go_on(struct solving *s)
{
	struct puzzle_solver *data = talloc_memdup(NULL, &s->solver, sizeof(s->solver));

	s->job = data ? rv_job_start(s->plugin->host, data, work, s, worked, NULL) : NULL;
	if (s->job)
		return RV_PENDING;
	talloc_free(data);
	return -ENOMEM;
}

static struct solving *solving_of(struct plugin *p, struct rv_ike_exchange *x)
{
	struct solving *s = rv_attached(p->host, x, struct solving);

	if (s)
		return s;
	s = rv_attach(p->host, x, struct solving);
	if (!s)
		return NULL;
	s->plugin = p;
	s->x = x;
	s->user.text = user_text;
	talloc_set_destructor(s, solving_free);
	return s;
}

static int solve(struct plugin *p, struct rv_ike_exchange *x, struct rv_bytes cookie, uint16_t id, unsigned bits)
{
	struct rv_service *prf = prf_of(p, id);
	struct solving *s = solving_of(p, x);
	unsigned most = (unsigned)rv_conf_int(conf(p), "solve_difficulty");
	unsigned free_bits = most < FREE_BITS ? most : FREE_BITS;
	char text[128];
	int r;

	if (!s)
		return -ENOMEM;
	s->solved = false;
	s->began_us = rv_loop_now_us(p->host->loop);
	snprintf(text, sizeof(text), "the peer is flooded and asks for the solution of a puzzle of %u bits", bits);
	rv_ike_tell(x, text);
	/* 9: "Initiators SHOULD set a maximum difficulty level beyond which they won't try to solve the puzzle" */
	if (!prf || !most || bits > most || puzzle_begin(&s->solver, prf, cookie, bits ? bits : free_bits)) {
		snprintf(text, sizeof(text), "that is not tried: solve_difficulty is %u, and the PRF %u is %s", most,
			 id, prf ? "there" : "not there");
		rv_ike_tell(x, text);
		return 0;
	}
	r = rv_ref_take(&s->prf, prf, &s->user);
	if (r)
		return r;
	return go_on(s);
}

/* RFC 8019, 7.2.2: the response "containing SA, KE, NONCE payloads" has a puzzle for IKE_AUTH. */
static int meet_auth(struct rv_ike_exchange *x, struct plugin *p, struct rv_bytes puzzle)
{
	struct rv_rd r = rv_rd(puzzle);
	uint16_t prf = rv_rd_u16(&r);
	uint8_t bits = rv_rd_u8(&r);
	struct auth_puzzle *a = rv_rd_done(&r) ? rv_attach(p->host, rv_ike_sa(x), struct auth_puzzle) : NULL;
	struct rv_bytes nr;

	if (!rv_rd_done(&r) || !rv_ike_payload(x, NONCE, 0, &nr))
		return 0;
	if (!a)
		return -ENOMEM;
	a->prf = prf;
	a->bits = bits;
	a->input_len = nr.len < sizeof(a->input) ? nr.len : 0;
	memcpy(a->input, nr.p, a->input_len);
	return 0;
}

/* Once the responder's SPI is known. */
static int solve_auth(struct rv_ike_exchange *x, void *self)
{
	struct plugin *p = self;
	struct auth_puzzle *a = rv_attached(p->host, rv_ike_sa(x), struct auth_puzzle);
	uint8_t nr[PUZZLE_INPUT_MAX];

	if (rv_ike_role(x) != RV_IKE_INITIATOR || !a || a->solved)
		return 0;
	a->solved = true; /* or given up: once */
	memcpy(nr, a->input, a->input_len);
	set_input(a, rv_ike_sa(x), rv_bytes(nr, a->input_len));
	return solve(p, x, rv_bytes(a->input, a->input_len), a->prf, a->bits);
}

/* RFC 8019, 7.2.2: "The PS payload MUST be placed outside the Encrypted payload" */
static int put_auth(struct rv_ike_exchange *x, void *self)
{
	struct plugin *p = self;
	struct auth_puzzle *a = rv_attached(p->host, rv_ike_sa(x), struct auth_puzzle);
	struct solving *s = rv_attached(p->host, x, struct solving);
	int r = 0;

	if (rv_ike_role(x) != RV_IKE_INITIATOR || !a)
		return 0;
	if (s && s->solved)
		r = rv_ike_add_outside(x, PS, puzzle_solution(&s->solver));
	talloc_free(a);
	return r;
}

/* The peer's request is authentic: the puzzle has done its work. */
static int forget(struct rv_ike_exchange *x, void *self)
{
	struct plugin *p = self;

	if (rv_ike_role(x) == RV_IKE_RESPONDER)
		talloc_free(rv_attached(p->host, rv_ike_sa(x), struct auth_puzzle));
	return 0;
}

/* RFC 8019, 7.1.2; a PUZZLE without a cookie is no answer to IKE_SA_INIT, and is waited out as any other such. */
static int meet(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes cookie, puzzle, none;

	if (rv_ike_role(x) == RV_IKE_RESPONDER)
		return plan_auth(x, self);
	if (!rv_ike_notify(x, PUZZLE, 0, &puzzle))
		return 0;
	if (rv_ike_payload(x, SA, 0, &none))
		return meet_auth(x, self, puzzle);
	if (!rv_ike_notify(x, COOKIE, 0, &cookie))
		return 0;
	struct rv_rd r = rv_rd(puzzle);
	uint16_t prf = rv_rd_u16(&r);
	uint8_t bits = rv_rd_u8(&r);

	return rv_rd_done(&r) ? solve(self, x, cookie, prf, bits) : 0;
}

/* RFC 8019, 7.1.2: "HDR, N(COOKIE), [PS,] SA, KE, Ni" */
static int put(struct rv_ike_exchange *x, void *self)
{
	struct plugin *p = self;
	struct solving *s = rv_attached(p->host, x, struct solving);

	return s && s->solved ? rv_ike_add(x, PS, false, puzzle_solution(&s->solver)) : 0;
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_READ, IKE_SA_INIT, meet },	   { RV_IKE_AT_PROPOSE, IKE_SA_INIT, put },
	{ RV_IKE_AT_BUILD, IKE_SA_INIT, present }, { RV_IKE_AT_BUILD, IKE_AUTH, solve_auth },
	{ RV_IKE_AT_BUILD, IKE_AUTH, put_auth },   { RV_IKE_AT_READ, IKE_AUTH, forget },
};

static const struct rv_ikev2_ext_ops ops = { .size = sizeof(ops),
					     .tasks = tasks,
					     .n_tasks = RV_COUNT(tasks),
					     .knows = { { RV_IKE_P(PS) } },
					     .stranger = stranger,
					     .admit = admit };

static int init(struct rv_host *host)
{
	struct plugin *p = talloc_zero(host, struct plugin);

	if (!p)
		return -ENOMEM;
	p->host = host;
	return rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "puzzle" }, &ops, p);
}

RV_PLUGIN(
	ikev2_puzzle, "ikev2-puzzle",
	"version=1\0"
	"summary=Puzzles against floods of half-open IKE SAs\0"
	"licence=LGPL-2.1-or-later\0"
	"vendor=Ravelin\0"
	"default=on\0"
	"provides=ikev2-ext:puzzle\0"
	"needs=prf algorithm\0"
	"rfc=8019\0"
	"schema="
	"threshold|int|0|0..1000000|From how many half-open IKE SAs on initiators have to solve a puzzle; 0: never "
	"(RFC "
	"8019, 7.1).\n"
	"peer_threshold|int|0|0..1000000|The same for half-open IKE SAs of one address (RFC 8019, 4.2); 0: never.\n"
	"difficulty|int|16|8..40|Zero bits that are asked for at the threshold; one more each time the load doubles.\n"
	"max_difficulty|int|20|8..40|Zero bits that are asked for at most.\n"
	"auth_difficulty|int|0|0..40|Zero bits that an initiator which solved a puzzle has to find once more for "
	"IKE_AUTH "
	"(RFC 8019, 7.2); 0: none.\n"
	"legacy_share|percent|10|0..100|Which share of the initiators that return a cookie and no solution is let in "
	"at "
	"the threshold; it falls as the load grows (RFC 8019, 7.1).\n"
	"solve_difficulty|int|20|0..40|The hardest puzzle that is solved as initiator; 0: none is (RFC 8019, 9).\n"
	"solve_time|duration|10s|0.1s..1h|How long a puzzle is tried at most.\n\0",
	.init = init);

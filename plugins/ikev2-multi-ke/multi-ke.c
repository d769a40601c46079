// SPDX-License-Identifier: LGPL-2.1-or-later
/* multi-ke: additional key exchanges in IKE_INTERMEDIATE while an IKE SA is set up (RFC 9370, 2.2.1 to 2.2.3), and in
 * IKE_FOLLOWUP_KE behind CREATE_CHILD_SA (2.2.4, followup.c).
 */
#include "multi-ke.h"

#include <ravelin/wire.h>

#include <errno.h>
#include <talloc.h>

enum { IKE_SA_INIT = 34, IKE_AUTH = 35, CREATE_CHILD_SA = 36, INVALID_SYNTAX = 7, NO_PROPOSAL_CHOSEN = 14 };

bool chain_of(const struct rv_ike_exchange *x, struct chain *chain)
{
	const struct rv_proposal *chosen = rv_ike_chosen(x);

	*chain = (struct chain){ .n = 0 };
	for (unsigned class = RV_CLASS_KE_FURTHER; class <= RV_CLASS_KE_LAST; class ++) {
		const struct rv_transform *t = rv_proposal_get(chosen, (uint8_t) class);

		if (t && t->id)
			chain->method[chain->n++] = t->id;
	}
	return chain->n;
}

int ke_read(struct rv_ike_exchange *x, const struct chain *chain, struct rv_bytes *theirs)
{
	struct rv_bytes body = { 0 };
	bool there = rv_ike_payload(x, KE, 0, &body);
	struct rv_rd r = rv_rd(body);
	uint16_t method = rv_rd_u16(&r);

	(void)rv_rd_u16(&r);
	*theirs = rv_rd_rest(&r);
	/* RFC 9370, 2.2.2: the method "MUST match the n-th negotiated additional key exchange" */
	if (there && rv_rd_done(&r) && method == chain->method[chain->at])
		return 0;
	return rv_ike_veto(x, INVALID_SYNTAX, rv_bytes(NULL, 0),
			   "the peer's additional key exchange is not the one due");
}

int ke_add(struct rv_ike_exchange *x, const struct chain *chain)
{
	struct rv_bytes ours = rv_ike_kex_public(x);
	uint8_t *body = talloc_size(x, ours.len + 4);
	int r;

	if (!body)
		return -ENOMEM;
	struct rv_wr w = rv_wr(body, ours.len + 4);

	rv_wr_u16(&w, chain->method[chain->at]);
	rv_wr_u16(&w, 0);
	rv_wr_put(&w, ours);
	r = rv_ike_add(x, KE, false, rv_wr_bytes(&w));
	talloc_free(body);
	return r;
}

/* IKE_INTERMEDIATE: the chain hangs on the IKE SA until it is done */

static struct chain *chain_at(struct rv_ike_exchange *x, void *self)
{
	struct multi_ke *m = self;

	return rv_attached(m->host, rv_ike_sa(x), struct chain);
}

static void step_done(struct chain *chain)
{
	if (++chain->at == chain->n)
		talloc_free(chain);
}

static int start(struct rv_ike_exchange *x, void *self)
{
	const struct chain *chain = chain_at(x, self);

	return chain ? rv_ike_kex_start(x, chain->method[chain->at]) : -RV_ESTATE;
}

static int ask(struct rv_ike_exchange *x, void *self)
{
	const struct chain *chain = chain_at(x, self);

	return chain ? ke_add(x, chain) : -RV_ESTATE;
}

static int finish(struct rv_ike_exchange *x, void *self)
{
	const struct chain *chain = chain_at(x, self);
	struct rv_bytes theirs;
	int r = chain ? ke_read(x, chain, &theirs) : -RV_ESTATE;

	return r ? r : rv_ike_kex_finish(x, theirs);
}

static int mix(struct rv_ike_exchange *x, void *self)
{
	struct chain *chain = chain_at(x, self);
	int r = chain ? rv_ike_mix(x, rv_ike_kex_shared(x)) : -RV_ESTATE;

	if (!r)
		step_done(chain);
	return r;
}

static void ended(struct rv_ike_exchange *x, int result, void *self);

static rv_ike_step_fn *const asks[] = { start, ask, NULL }, *const takes[] = { finish, mix, NULL };
static const struct rv_ike_plan plan = { .story = "an additional key exchange",
					 .exchange = RV_IKE_INTERMEDIATE,
					 .early = true,
					 .build = asks,
					 .end = ended };

static void ended(struct rv_ike_exchange *x, int result, void *self)
{
	if (!result && chain_at(x, self))
		(void)rv_ike_start(rv_ike_sa(x), &plan, self);
}

static int answer(struct rv_ike_exchange *x, void *self)
{
	const struct chain *chain = chain_at(x, self);
	struct rv_bytes theirs;
	int r;

	if (!chain)
		return rv_ike_veto(x, INVALID_SYNTAX, rv_bytes(NULL, 0), "no additional key exchange is due");
	r = ke_read(x, chain, &theirs);
	return r ? r : rv_ike_kex_answer(x, chain->method[chain->at], theirs);
}

static int answered(struct rv_ike_exchange *x, void *self)
{
	const struct chain *chain = chain_at(x, self);
	int r = chain ? ke_add(x, chain) : -RV_ESTATE;

	return r ? r : mix(x, self);
}

static rv_ike_step_fn *const answers[] = { answer, answered, NULL };

static int refused(struct rv_ike_exchange *x, void *self)
{
	return -RV_EREFUSED;
}

static rv_ike_step_fn *const refusals[] = { refused, NULL };

/* RFC 9370, 2.2.1: "If the IKE_INTERMEDIATE exchange is not negotiated, then the peers MUST treat any Additional Key
 * Exchange transforms ... as unknown transform types" */
static int chosen(struct rv_ike_exchange *x, void *self)
{
	struct chain chain;

	if (!chain_of(x, &chain) || rv_ike_agreed(rv_ike_sa(x), RV_IKE_INTERMEDIATE_SUPPORTED))
		return 0;
	return rv_ike_veto(x, NO_PROPOSAL_CHOSEN, rv_bytes(NULL, 0),
			   "additional key exchanges need IKE_INTERMEDIATE, which the peer did not negotiate");
}

static int keyed(struct rv_ike_exchange *x, void *self)
{
	struct multi_ke *m = self;
	struct chain chain, *kept;

	if (!chain_of(x, &chain))
		return 0;
	kept = rv_attach(m->host, rv_ike_sa(x), struct chain);
	if (!kept)
		return -ENOMEM;
	*kept = chain;
	return rv_ike_role(x) == RV_IKE_INITIATOR ? rv_ike_start(rv_ike_sa(x), &plan, self) : 0;
}

static int complete(struct rv_ike_exchange *x, void *self)
{
	if (rv_ike_role(x) == RV_IKE_INITIATOR || !chain_at(x, self))
		return 0;
	return rv_ike_veto(x, INVALID_SYNTAX, rv_bytes(NULL, 0),
			   "additional key exchanges are missing before IKE_AUTH");
}

static const struct rv_ike_task tasks[] = {
	{ RV_IKE_AT_CHOSEN, IKE_SA_INIT, chosen },
	{ RV_IKE_AT_PATH, IKE_SA_INIT, keyed },
	{ RV_IKE_AT_REQUIRED, IKE_AUTH, complete },
	{ RV_IKE_AT_KEYING, CREATE_CHILD_SA, follow_part },
};

#define ROW(state, exch, as, its_plan, what, does, why)                                                                \
	{                                                                                                              \
		.from = state, .exchange = exch, .role = as, .to = RV_IKE_N_STATES, .plan = its_plan,                  \
		.needs = { { RV_IKE_P(what) } }, .steps = does, .story = why                                           \
	}
#define FOLLOWS(state)                                                                                                 \
	ROW(state, IKE_FOLLOWUP_KE, RV_IKE_RESPONDER, NULL, KE, follow_answers, "answer an additional key exchange"),  \
		ROW(state, IKE_FOLLOWUP_KE, RV_IKE_INITIATOR, &follow_plan, KE, follow_reads,                          \
		    "take an additional key exchange"),                                                                \
		ROW(state, IKE_FOLLOWUP_KE, RV_IKE_INITIATOR, &follow_plan, N, follow_refusals,                        \
		    "learn that the peer does not go on")

static const struct rv_ike_row rows[] = {
	ROW(RV_IKE_HALF_OPEN, RV_IKE_INTERMEDIATE, RV_IKE_RESPONDER, NULL, KE, answers,
	    "answer an additional key exchange"),
	ROW(RV_IKE_HALF_OPEN, RV_IKE_INTERMEDIATE, RV_IKE_INITIATOR, &plan, KE, takes,
	    "take an additional key exchange"),
	ROW(RV_IKE_HALF_OPEN, RV_IKE_INTERMEDIATE, RV_IKE_INITIATOR, &plan, N, refusals,
	    "learn that the responder refused"),
	FOLLOWS(RV_IKE_ESTABLISHED),
	FOLLOWS(RV_IKE_REKEYING),
	FOLLOWS(RV_IKE_DELETING),
};

static const struct rv_ikev2_ext_ops ops = {
	.size = sizeof(ops), .tasks = tasks, .n_tasks = RV_COUNT(tasks), .rows = rows, .n_rows = RV_COUNT(rows)
};

static int init(struct rv_host *host)
{
	struct multi_ke *m = talloc_zero(host, struct multi_ke);
	int r;

	if (!m)
		return -ENOMEM;
	m->host = host;
	host->self = m;
	rv_list_init(&m->follows);
	r = multi_ke_words(m);
	return r ? r : rv_ikev2_ext_offer(host, (struct rv_offer){ .name = "multi-ke" }, &ops, m);
}

RV_PLUGIN(ikev2_multi_ke, "ikev2-multi-ke",
	  "version=1\0"
	  "summary=Multiple key exchanges in IKEv2\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=ikev2-ext:multi-ke\0"
	  "needs=ikev2-ext:intermediate\0"
	  "rfc=9370\0",
	  .init = init);

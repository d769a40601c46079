// SPDX-License-Identifier: LGPL-2.1-or-later
/* transitions: which message may come in which state, and what it starts (RFC 7296, 1.2 to 1.4, 2.21, 2.25).
 *
 * Every (state, exchange, role) has a row or a refusal; the first row that fits counts, an extension's before these.
 */
#include "transitions.h"

#include "octets/notify.h"

#define P(name) RV_IKE_P(IKE_PAYLOAD_##name)
#define KEEP RV_IKE_N_STATES
#define SILENCE (-1)

static bool has_cookie(const struct rv_ike_exchange *x)
{
	return ike_has_notify(x, IKE_N_COOKIE);
}

static bool wants_group(const struct rv_ike_exchange *x)
{
	return ike_has_notify(x, IKE_N_INVALID_KE_PAYLOAD);
}

static bool has_error(const struct rv_ike_exchange *x)
{
	return ike_error_in(x) != 0;
}

/* A later round of authentication, in which the peer has nothing to prove any more. */
static bool proved_all(const struct rv_ike_exchange *x)
{
	return x->sa->hs && x->sa->hs->rounds.again && !x->sa->hs->rounds.peer_has_more;
}

/* The same for the last answer, in which a child SA may have failed. */
static bool answers_round(const struct rv_ike_exchange *x)
{
	return proved_all(x) && !ike_notify_is_fatal(ike_error_in(x), true);
}

#define ROW(state, exch, as, next, ...)                                                                                \
	{                                                                                                              \
		.from = RV_IKE_##state, .exchange = IKE_EXCHANGE_##exch, .role = RV_IKE_##as, .to = next, __VA_ARGS__  \
	}

/* A request that is not expected: answered with a notification, or not at all. */
#define REFUSE(state, exch, with) ROW(state, exch, RESPONDER, KEEP, .refuse = with, .story = "refuse " #exch)

/* A response that nothing waits for. */
#define STRAY(state, exch) ROW(state, exch, INITIATOR, KEEP, .refuse = SILENCE, .story = "ignore a stray answer")

/* What an established IKE SA of any later state does with answers to its own requests. */
#define ANSWERS(state)                                                                                                 \
	ROW(state, CREATE_CHILD_SA, INITIATOR, KEEP, .plan = &ike_plan_child,                                          \
	    .needs = { { P(SA) | P(NONCE) | P(TSI) | P(TSR) } }, .may = { { P(KE) | P(CP) | P(NOTIFY) } },             \
	    .steps = ike_child_created, .story = "take the child SA that the peer agreed to"),                         \
		ROW(state, CREATE_CHILD_SA, INITIATOR, KEEP, .plan = &ike_plan_child_rekey,                            \
		    .needs = { { P(SA) | P(NONCE) | P(TSI) | P(TSR) } }, .may = { { P(KE) | P(NOTIFY) } },             \
		    .steps = ike_child_rekeyed, .story = "take the child SA that replaces one"),                       \
		ROW(state, CREATE_CHILD_SA, INITIATOR, KEEP, .plan = &ike_plan_rekey,                                  \
		    .needs = { { P(SA) | P(NONCE) | P(KE) } }, .may = { { P(NOTIFY) } }, .steps = ike_rekeyed,         \
		    .story = "take the IKE SA that replaces this one"),                                                \
		ROW(state, CREATE_CHILD_SA, INITIATOR, KEEP, .when = has_error, .needs = { { P(NOTIFY) } },            \
		    .steps = ike_refused, .story = "learn that the peer refused"),                                     \
		ROW(state, INFORMATIONAL, INITIATOR, KEEP, .may = { { P(NOTIFY) | P(DELETE) | P(CP) } },               \
		    .steps = ike_info_read, .story = "read the answer to an INFORMATIONAL request"),                   \
		STRAY(state, IKE_SA_INIT), STRAY(state, IKE_AUTH)

#define INFORMED(state)                                                                                                \
	ROW(state, INFORMATIONAL, RESPONDER, KEEP, .may = { { P(NOTIFY) | P(DELETE) | P(CP) } },                       \
	    .steps = ike_info_answer, .story = "answer an INFORMATIONAL request")

static const struct rv_ike_row rows[] = {
	/* IKE_SA_INIT: HDR, SAi1, KEi, Ni --> ; <-- HDR, SAr1, KEr, Nr, [CERTREQ] */
	ROW(NEW, IKE_SA_INIT, RESPONDER, RV_IKE_HALF_OPEN, .needs = { { P(SA) | P(KE) | P(NONCE) } },
	    .may = { { P(NOTIFY) | P(VENDOR) } }, .steps = ike_init_answer, .story = "agree on keys with a stranger"),
	ROW(INIT, IKE_SA_INIT, INITIATOR, RV_IKE_HALF_OPEN, .plan = &ike_plan_init,
	    .needs = { { P(SA) | P(KE) | P(NONCE) } }, .may = { { P(NOTIFY) | P(CERTREQ) | P(VENDOR) } },
	    .steps = ike_init_chosen, .story = "agree on keys with the responder"),
	ROW(INIT, IKE_SA_INIT, INITIATOR, KEEP, .plan = &ike_plan_init, .when = has_cookie, .needs = { { P(NOTIFY) } },
	    .steps = ike_init_cookie, .story = "ask again with the cookie"),
	ROW(INIT, IKE_SA_INIT, INITIATOR, KEEP, .plan = &ike_plan_init, .when = wants_group, .needs = { { P(NOTIFY) } },
	    .steps = ike_init_group, .story = "ask again with the group that the responder wants"),
	ROW(INIT, IKE_SA_INIT, INITIATOR, KEEP, .plan = &ike_plan_init, .when = has_error, .needs = { { P(NOTIFY) } },
	    .steps = ike_init_error, .story = "note an error that is not protected"),

	/* the first exchange of an extension: HDR, Ni, [N+] --> ; <-- HDR, Nr, [N+] */
	ROW(NEW, OPENING, RESPONDER, RV_IKE_HALF_OPEN, .needs = { { P(NONCE) } }, .may = { { P(NOTIFY) | P(VENDOR) } },
	    .steps = ike_known_answer, .story = "go on from an earlier IKE SA of a stranger"),
	ROW(INIT, OPENING, INITIATOR, RV_IKE_HALF_OPEN, .plan = &ike_plan_known, .needs = { { P(NONCE) } },
	    .may = { { P(NOTIFY) | P(VENDOR) } }, .steps = ike_known_chosen, .story = "go on from an earlier IKE SA"),
	ROW(INIT, OPENING, INITIATOR, KEEP, .plan = &ike_plan_known, .when = has_cookie, .needs = { { P(NOTIFY) } },
	    .steps = ike_init_cookie, .story = "ask again with the cookie"),
	ROW(INIT, OPENING, INITIATOR, KEEP, .plan = &ike_plan_known, .needs = { { P(NOTIFY) } },
	    .steps = ike_known_refused, .story = "learn that the earlier IKE SA is of no use"),

	/* IKE_AUTH: HDR, SK {IDi, [CERT,] [CERTREQ,] [IDr,] AUTH, SAi2, TSi, TSr} -->
	 * <-- HDR, SK {IDr, [CERT,] AUTH, SAr2, TSi, TSr} */
	ROW(HALF_OPEN, IKE_AUTH, RESPONDER, KEEP, .needs = { { P(IDI) | P(AUTH) } },
	    .may = { { P(CERT) | P(CERTREQ) | P(IDR) | P(SA) | P(TSI) | P(TSR) | P(CP) | P(NOTIFY) | P(VENDOR) } },
	    .steps = ike_auth_answer, .story = "authenticate the initiator"),
	ROW(HALF_OPEN, IKE_AUTH, RESPONDER, KEEP, .needs = { { P(IDI) } }, .steps = ike_auth_no_proof,
	    .story = "refuse an initiator that brings no proof"),
	ROW(HALF_OPEN, IKE_AUTH, RESPONDER, KEEP, .when = proved_all, .may = { { P(NOTIFY) | P(VENDOR) } },
	    .steps = ike_auth_answer, .story = "prove once more who we are"),
	ROW(HALF_OPEN, IKE_AUTH, INITIATOR, KEEP, .plan = &ike_plan_auth, .needs = { { P(IDR) | P(AUTH) } },
	    .may = { { P(CERT) | P(SA) | P(TSI) | P(TSR) | P(CP) | P(NOTIFY) | P(VENDOR) } },
	    .steps = ike_auth_accepted, .story = "authenticate the responder"),
	ROW(HALF_OPEN, IKE_AUTH, INITIATOR, KEEP, .plan = &ike_plan_auth, .when = answers_round,
	    .may = { { P(SA) | P(TSI) | P(TSR) | P(CP) | P(NOTIFY) | P(VENDOR) } }, .steps = ike_auth_accepted,
	    .story = "go on where the responder has proved all"),
	ROW(HALF_OPEN, IKE_AUTH, INITIATOR, KEEP, .plan = &ike_plan_auth, .when = has_error, .needs = { { P(NOTIFY) } },
	    .steps = ike_refused, .story = "learn that the responder refused"),
	ROW(HALF_OPEN, INFORMATIONAL, INITIATOR, KEEP, .plan = &ike_plan_auth_failed, .steps = ike_info_read,
	    .story = "read the answer to our complaint"),

	/* CREATE_CHILD_SA: HDR, SK {[N(REKEY_SA),] SA, Ni, [KEi,] TSi, TSr} --> , and for the IKE SA {SA, Ni, KEi} */
	ROW(ESTABLISHED, CREATE_CHILD_SA, RESPONDER, KEEP, .when = ike_is_rekey,
	    .needs = { { P(SA) | P(NONCE) | P(KE) } }, .may = { { P(NOTIFY) } }, .steps = ike_rekey_answer,
	    .story = "let the peer replace the IKE SA"),
	ROW(ESTABLISHED, CREATE_CHILD_SA, RESPONDER, KEEP, .when = ike_is_child_rekey,
	    .needs = { { P(SA) | P(NONCE) | P(TSI) | P(TSR) | P(NOTIFY) } }, .may = { { P(KE) } },
	    .steps = ike_child_rekey_answer, .story = "let the peer replace a child SA"),
	ROW(ESTABLISHED, CREATE_CHILD_SA, RESPONDER, KEEP, .needs = { { P(SA) | P(NONCE) | P(TSI) | P(TSR) } },
	    .may = { { P(KE) | P(CP) | P(NOTIFY) } }, .steps = ike_child_create_answer,
	    .story = "let the peer add a child SA"),
	INFORMED(ESTABLISHED),
	ANSWERS(ESTABLISHED),
	REFUSE(ESTABLISHED, IKE_AUTH, IKE_N_INVALID_SYNTAX),

	/* RFC 7296, 2.25.2: rekeying the IKE SA while the peer does too is answered as usual, all else has to wait */
	ROW(REKEYING, CREATE_CHILD_SA, RESPONDER, KEEP, .when = ike_is_rekey, .needs = { { P(SA) | P(NONCE) | P(KE) } },
	    .may = { { P(NOTIFY) } }, .steps = ike_rekey_answer, .story = "let the peer replace the IKE SA as well"),
	REFUSE(REKEYING, CREATE_CHILD_SA, IKE_N_TEMPORARY_FAILURE),
	INFORMED(REKEYING),
	ANSWERS(REKEYING),
	REFUSE(REKEYING, IKE_AUTH, IKE_N_INVALID_SYNTAX),

	/* RFC 7296, 2.8.2: TEMPORARY_FAILURE "because it is an IKE SA that it is currently trying to close" */
	REFUSE(REPLACED, CREATE_CHILD_SA, IKE_N_TEMPORARY_FAILURE),
	INFORMED(REPLACED),
	ANSWERS(REPLACED),
	REFUSE(REPLACED, IKE_AUTH, IKE_N_INVALID_SYNTAX),
	REFUSE(DELETING, CREATE_CHILD_SA, IKE_N_TEMPORARY_FAILURE),
	INFORMED(DELETING),
	ANSWERS(DELETING),
	REFUSE(DELETING, IKE_AUTH, IKE_N_INVALID_SYNTAX),

	/* nobody is authenticated yet: silence */
	REFUSE(NEW, IKE_AUTH, SILENCE),
	REFUSE(NEW, CREATE_CHILD_SA, SILENCE),
	REFUSE(NEW, INFORMATIONAL, SILENCE),
	STRAY(NEW, IKE_SA_INIT),
	STRAY(NEW, IKE_AUTH),
	STRAY(NEW, CREATE_CHILD_SA),
	STRAY(NEW, INFORMATIONAL),
	REFUSE(INIT, IKE_SA_INIT, SILENCE),
	REFUSE(INIT, IKE_AUTH, SILENCE),
	REFUSE(INIT, CREATE_CHILD_SA, SILENCE),
	REFUSE(INIT, INFORMATIONAL, SILENCE),
	STRAY(INIT, IKE_AUTH),
	STRAY(INIT, CREATE_CHILD_SA),
	STRAY(INIT, INFORMATIONAL),
	REFUSE(HALF_OPEN, CREATE_CHILD_SA, SILENCE),
	REFUSE(HALF_OPEN, INFORMATIONAL, SILENCE),
	STRAY(HALF_OPEN, IKE_SA_INIT),
	STRAY(HALF_OPEN, CREATE_CHILD_SA),
	REFUSE(HALF_OPEN, IKE_SA_INIT, SILENCE),
	REFUSE(ESTABLISHED, IKE_SA_INIT, SILENCE),
	REFUSE(REKEYING, IKE_SA_INIT, SILENCE),
	REFUSE(REPLACED, IKE_SA_INIT, SILENCE),
	REFUSE(DELETING, IKE_SA_INIT, SILENCE),
};

/* What is told to a request that no row of its cell fits, and to one of an exchange that nobody here knows. RFC 7296,
 * 2.21.3: what an authenticated peer asks wrongly it is told; 2.21.1: others are not. A response gets no answer ever.
 */
static const int otherwise[RV_IKE_N_STATES] = {
	[RV_IKE_NEW] = SILENCE,
	[RV_IKE_INIT] = SILENCE,
	[RV_IKE_HALF_OPEN] = IKE_N_INVALID_SYNTAX,
	[RV_IKE_ESTABLISHED] = IKE_N_INVALID_SYNTAX,
	[RV_IKE_REKEYING] = IKE_N_INVALID_SYNTAX,
	[RV_IKE_REPLACED] = IKE_N_INVALID_SYNTAX,
	[RV_IKE_DELETING] = IKE_N_INVALID_SYNTAX,
};

const struct rv_ike_row *ike_table(size_t *n)
{
	*n = RV_COUNT(rows);
	return rows;
}

static bool has_all(const struct rv_ike_exchange *x, const struct rv_ike_set *needs)
{
	for (unsigned type = 0; type < 256; type++)
		if (needs->w[type / 64] & RV_IKE_P(type) && !ike_chain_first(&x->chain, (uint8_t)type))
			return false;
	return true;
}

bool ike_row_fits(const struct rv_ike_row *row, const struct rv_ike_exchange *x, bool complete)
{
	enum rv_ike_role role = x->plan ? RV_IKE_INITIATOR : RV_IKE_RESPONDER;

	if (row->from != x->sa->state || row->role != role)
		return false;
	if (row->exchange == IKE_EXCHANGE_OPENING ? !ike_opens(x) : row->exchange != x->type)
		return false;
	if (row->plan && row->plan != x->plan)
		return false;
	if (row->when && !row->when(x))
		return false;
	return !complete || has_all(x, &row->needs);
}

const struct rv_ike_row *ike_table_find(struct rv_ike_exchange *x, void **self, int *refuse)
{
	const struct rv_ike_row *row = ike_ext_row(x, self);

	if (!row)
		*self = NULL;
	for (size_t i = 0; !row && i < RV_COUNT(rows); i++)
		if (ike_row_fits(&rows[i], x, true))
			row = &rows[i];
	if (row && !row->refuse)
		return row;
	*refuse = row ? row->refuse : x->plan ? SILENCE : otherwise[x->sa->state];
	return NULL;
}

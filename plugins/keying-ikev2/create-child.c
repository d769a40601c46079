// SPDX-License-Identifier: LGPL-2.1-or-later
/* create-child: CREATE_CHILD_SA for new child SAs and to replace child SAs (RFC 7296, 1.3.1, 1.3.3, 2.8.1, 2.25.1).
 *
 * Who asked for the replacement deletes the old SA; when both did, the SA made with the lowest of the four nonces goes.
 */
#include "child.h"

#include "config.h"
#include "explain.h"
#include "kex.h"
#include "requests.h"
#include "transitions.h"

#include <errno.h>
#include <string.h>

enum { RETRY_US = 5 * 1000000, RETRY_SPREAD_US = 10 * 1000000, REFUSALS_MAX = 6 };

static struct rv_child *old_of(const struct rv_ike_exchange *x)
{
	return x->old ? rv_child_by_id(x->sa->engine->host->core, x->old) : NULL;
}

static struct rv_child *superseded(const struct rv_ike_exchange *x)
{
	return x->supersedes ? rv_child_by_id(x->sa->engine->host->core, x->supersedes) : NULL;
}

/* Our request */

static int begin(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *old = old_of(x), *there = x->supersedes ? superseded(x) : old;
	const struct rv_transform *t;
	int r;

	if ((x->old || x->supersedes) && (!there || there->state != RV_CHILD_INSTALLED))
		return -RV_ECANCELLED;
	ike_nonce(x);
	x->moves = x->sa->moves;
	r = ike_child_begin(x, x->conf, old ? old->reqid : 0);
	if (r)
		return r;
	if (old)
		old->state = RV_CHILD_REKEYING;
	t = x->conf->n_proposals ? rv_proposal_get(&x->conf->proposals[0], RV_CLASS_KE) : NULL;
	if (x->group)
		return ike_kex_new(x, x->group) ? ike_kex_generate(x) : -ENOMEM;
	if (!t || !t->id)
		return 0;
	return ike_kex_new(x, t->id) ? ike_kex_generate(x) : -ENOMEM;
}

static int offer(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *old = old_of(x);

	/* RFC 7296, 1.3.3: "this is the SPI the exchange initiator would expect in inbound ESP or AH packets" */
	if (old)
		ike_notify_put_spi(&x->out, IKE_N_REKEY_SA, old->protocol, old->spi_in, rv_bytes(NULL, 0));
	return ike_child_offer(x, false);
}

static rv_ike_step_fn *const build[] = { ike_config_ask, begin, ike_at_child_offer, offer, NULL };

/* The child may be of a newer configuration than the session. */
static bool hold_conf(struct rv_ike_exchange *x, const struct rv_child_conf *conf)
{
	x->conf = conf;
	return conf->connection == x->sa->peer->connection || talloc_reference(x, conf->connection);
}

/* The same request once more, which takes the attempt over. NULL: out of memory. */
static struct rv_ike_exchange *once_more(struct rv_ike_exchange *x)
{
	struct rv_ike_exchange *again = ike_exchange_ask(x->sa, x->plan);

	if (!again || !hold_conf(again, x->conf)) {
		talloc_free(again);
		return NULL;
	}
	again->old = x->old;
	again->supersedes = x->supersedes;
	again->group = x->group;
	again->pair = x->pair;
	again->attempt = x->attempt;
	again->refusals = x->refusals;
	x->attempt = NULL;
	return again;
}

/* The responder wants another group (RFC 7296, 1.3): asked again once. */
static bool other_group(struct rv_ike_exchange *x)
{
	struct ike_notify notify;
	struct rv_ike_exchange *again;
	uint16_t group;

	if (x->group || !ike_notify_find(&x->chain, IKE_N_INVALID_KE_PAYLOAD, &notify))
		return false;
	struct rv_rd r = rv_rd(notify.data);

	group = rv_rd_u16(&r);
	if (!rv_rd_done(&r) || !ike_offers_group(x->conf->proposals, x->conf->n_proposals, group))
		return false;
	again = once_more(x);
	if (again)
		again->group = group;
	return again != NULL;
}

/* RFC 7296, 2.9: after SINGLE_PAIR_REQUIRED "The requestor is expected to respond by requesting an SA for only the
 * specific traffic it is trying to forward." */
bool ike_child_ask_pair(struct rv_ike_exchange *x)
{
	struct rv_attempt *attempt = ike_attempt(x);
	struct rv_ike_exchange *again;
	struct rv_ts local, remote;

	if (x->pair || !ike_has_notify(x, IKE_N_SINGLE_PAIR_REQUIRED) || !rv_attempt_packet(attempt, &local, &remote))
		return false;
	again = ike_exchange_ask(x->sa, &ike_plan_child);
	if (!again || !hold_conf(again, x->conf)) {
		talloc_free(again);
		return false;
	}
	again->pair = true;
	again->attempt = rv_attempt_hold(attempt);
	rv_attempt_drop(x->attempt);
	x->attempt = NULL;
	rv_attempt_step(attempt, "the peer wants one pair of addresses a child SA: the packet's own is asked for");
	return true;
}

/* RFC 7296, 2.25: after TEMPORARY_FAILURE a peer "MUST wait ... MAY retry the request one or more times" */
static bool later(struct rv_ike_exchange *x)
{
	struct rv_host *host = x->sa->engine->host;
	struct rv_ike_exchange *again;
	uint64_t spread;

	if (ike_error_in(x) != IKE_N_TEMPORARY_FAILURE || x->refusals >= REFUSALS_MAX)
		return false;
	again = once_more(x);
	if (!again)
		return false;
	again->refusals++;
	rv_host_random(host, &spread, sizeof(spread));
	ike_exchange_put_off(again, RETRY_US + spread % RETRY_SPREAD_US);
	rv_attempt_step(again->attempt, "the peer is busy (TEMPORARY_FAILURE): it is asked again in some seconds");
	return true;
}

/* The peer agreed to a child SA that we cannot use: it shall not keep it (RFC 7296, 1.3.1; 2.21: errors in responses
 * "should still cause the recipient to clean up the IKE state"). */
static void give_back(struct rv_ike_exchange *x, int result)
{
	if (result != -RV_ETIMEOUT && x->phase == IKE_READING && x->child && !ike_error_in(x))
		ike_child_disown(x->sa, x->child->child->spi_in);
}

static void retry(struct rv_timer *timer)
{
	struct rv_child *child = rv_container_of(timer, struct ike_child, timer)->child;

	(void)ike_child_rekey(child);
}

/* Another rekey of a child SA in some seconds. */
static void retry_later(struct rv_ike_exchange *x, struct rv_child *old)
{
	struct rv_host *host = x->sa->engine->host;
	struct rv_subject subject = ike_subject(x->sa);
	struct ike_child *ic = ike_child_of(old);
	uint64_t spread;

	if (!ic)
		return;
	rv_host_random(host, &spread, sizeof(spread));
	rv_timer_cancel(&ic->timer);
	rv_timer_init(&ic->timer, host->loop, retry);
	if (rv_timer_arm(&ic->timer, RETRY_US + spread % RETRY_SPREAD_US))
		rv_log(&subject, RV_ERROR, "no-timer", KV_STR("for", "a rekey"));
}

static void child_end(struct rv_ike_exchange *x, int result, void *self)
{
	struct rv_child *old = superseded(x);

	if (!result || other_group(x) || later(x) || ike_child_ask_pair(x))
		return;
	give_back(x, result);
	ike_explain_refusal(x);
	ike_attempt_fail(x, result);
	if (old && old->state == RV_CHILD_INSTALLED && result != -RV_ETIMEOUT && result != -RV_ECANCELLED)
		retry_later(x, old);
}

/* RFC 7296, 2.9.2: what is narrower replaces nothing; where a peer wants it, "the policy was changed in a way such that
 * the currently used SA is against the policy". A new child SA, which may be narrower, takes its place. */
static bool ask_anew(struct rv_ike_exchange *x)
{
	struct rv_subject subject = ike_subject(x->sa);
	struct rv_ike_exchange *again = x->narrower ? ike_exchange_ask(x->sa, &ike_plan_child) : NULL;

	if (!again || !hold_conf(again, x->conf)) {
		talloc_free(again);
		return false;
	}
	again->supersedes = x->old;
	rv_log(&subject, RV_NOTICE, "child-narrowed", KV_UINT("child", x->old), KV_STR("why", x->why.text),
	       KV_STR("next", "a new child SA takes its place"));
	return true;
}

/* RFC 7296, 2.25: after TEMPORARY_FAILURE "it MUST wait so that the sender may complete whatever operation caused" it;
 * after CHILD_SA_NOT_FOUND a new child SA is asked for. */
static void rekey_end(struct rv_ike_exchange *x, int result, void *self)
{
	struct rv_child *old = old_of(x);
	struct rv_subject subject = ike_subject(x->sa);
	const struct rv_child_conf *conf = x->conf;
	struct ike_child *ic;

	if (!result)
		return;
	give_back(x, result);
	if (!old || other_group(x))
		return;
	if (old->state == RV_CHILD_REKEYING)
		old->state = RV_CHILD_INSTALLED;
	if (result != -RV_ETIMEOUT && result != -RV_ECANCELLED)
		ike_child_complete(old); /* the peer has it: it has just refused to replace it */
	ic = ike_child_of(old);
	if (result == -RV_ETIMEOUT || result == -RV_ECANCELLED || !ic || ic->successor || ask_anew(x))
		return;
	rv_log(&subject, RV_NOTICE, "child-rekey-failed", KV_UINT("child", old->id), KV_STR("why", x->why.text));
	if (ike_error_in(x) == IKE_N_CHILD_SA_NOT_FOUND) {
		rv_child_down(old, -RV_EPEER_GONE);
		(void)ike_child_create(x->sa, conf, NULL);
		return;
	}
	retry_later(x, old);
}

const struct rv_ike_plan ike_plan_child = {
	.story = "add a child SA",
	.exchange = IKE_EXCHANGE_CREATE_CHILD_SA,
	.build = build,
	.end = child_end,
};

const struct rv_ike_plan ike_plan_child_rekey = {
	.story = "replace a child SA",
	.exchange = IKE_EXCHANGE_CREATE_CHILD_SA,
	.build = build,
	.end = rekey_end,
};

int ike_child_create(struct rv_ike_sa *sa, const struct rv_child_conf *conf, struct rv_attempt *attempt)
{
	struct rv_ike_exchange *x = ike_exchange_ask(sa, &ike_plan_child);

	if (!x)
		return -ENOMEM;
	if (!hold_conf(x, conf)) {
		talloc_free(x);
		return -ENOMEM;
	}
	x->attempt = rv_attempt_hold(attempt);
	ike_exchange_kick(sa);
	return 0;
}

int ike_child_create_later(struct rv_ike_sa *sa, const struct rv_child_conf *conf, uint64_t us)
{
	struct rv_ike_exchange *x = ike_exchange_ask(sa, &ike_plan_child);

	if (x && hold_conf(x, conf)) {
		ike_exchange_put_off(x, us);
		return 0;
	}
	talloc_free(x);
	return -ENOMEM;
}

static bool asked_for(const struct rv_ike_sa *sa, uint32_t id)
{
	rv_list_each (&sa->requests, x, struct rv_ike_exchange, entry)
		if (x->supersedes == id ||
		    (x->old == id && (x->plan == &ike_plan_child_rekey || x->plan == &ike_plan_child_delete)))
			return true;
	return false;
}

int ike_child_rekey(struct rv_child *child)
{
	struct rv_ike_sa *sa = child->peer->sa;
	struct rv_ike_exchange *x;

	if (!sa || sa->state < RV_IKE_ESTABLISHED || sa->state == RV_IKE_DELETING)
		return -RV_ESTATE;
	if (child->state != RV_CHILD_INSTALLED || asked_for(sa, child->id))
		return 0;
	x = ike_exchange_ask(sa, &ike_plan_child_rekey);
	if (!x)
		return -ENOMEM;
	x->conf = child->conf;
	x->old = child->id;
	ike_exchange_kick(sa);
	return 0;
}

/* The response to ours */

static int accept(struct rv_ike_exchange *x, void *self)
{
	return ike_child_accept(x, false);
}

static int complete_keys(struct rv_ike_exchange *x, void *self)
{
	struct ike_ke ke;

	if (!ike_nonce_read(&x->nr, ike_body(x, IKE_PAYLOAD_NONCE)))
		return -RV_ESYNTAX;
	const struct rv_transform *t = rv_proposal_get(&x->chosen, RV_CLASS_KE);

	if (!t || !t->id) {
		TALLOC_FREE(x->kex);
		return 0;
	}
	if (!x->kex || !ike_ke_read(&ke, ike_body(x, IKE_PAYLOAD_KE)) || ke.group != t->id || t->id != x->kex->group)
		return rv_why_set(&x->why, -RV_EKEY_VALUE, "the peer's key exchange does not fit its choice");
	return ike_kex_complete(x, ke.value);
}

static int make(struct rv_ike_exchange *x, void *self)
{
	return ike_child_make(x, false);
}

static int install(struct rv_ike_exchange *x, void *self)
{
	return ike_child_install(x, superseded(x), false);
}

static int created(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *old = superseded(x), *fresh = x->child ? x->child->child : NULL;

	ike_child_done(x, false);
	ike_attempt_ok(x);
	if (fresh)
		ike_path_catch_up(x, fresh);
	return old ? ike_child_delete(old) : 0;
}

rv_ike_step_fn *const ike_child_created[] = {
	accept, ike_at_child_chosen, ike_config_take, complete_keys, ike_at_keying,
	make,	ike_at_child_keyed,  install,	      created,	     NULL
};

/* RFC 7296, 2.8.1: "the SA created with the lowest of the four nonces used in the two exchanges SHOULD be closed by the
 * endpoint that created it" */
static bool ours_loses(const struct rv_ike_exchange *x)
{
	struct rv_bytes ours = ike_nonce_lower(rv_bytes(x->nonce, sizeof(x->nonce)), x->nr);

	return x->rival_nonce_len && ike_nonce_compare(ours, rv_bytes(x->rival_nonce, x->rival_nonce_len)) < 0;
}

static int replace(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *old = old_of(x);
	struct rv_subject subject = ike_subject(x->sa);

	if (!ours_loses(x))
		return ike_child_install(x, old, false);
	rv_log(&subject, RV_INFO, "rekey-collision", KV_UINT("child", x->old), KV_STR("kept", "the peer's"));
	x->lost = true;
	return 0;
}

static int replaced(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *old = old_of(x), *fresh = x->child ? x->child->child : NULL;

	if (x->lost) {
		if (fresh) {
			ike_child_disown(x->sa, fresh->spi_in);
			rv_child_down(fresh, 0);
		}
		return 0;
	}
	ike_child_done(x, false);
	if (old) {
		old->state = RV_CHILD_REKEYED;
		(void)ike_child_delete(old);
	}
	if (fresh)
		ike_path_catch_up(x, fresh);
	return 0;
}

rv_ike_step_fn *const ike_child_rekeyed[] = { accept, ike_at_child_chosen, complete_keys, ike_at_keying,
					      make,   ike_at_child_keyed,  replace,	  replaced,
					      NULL };

/* The peer's request */

bool ike_is_child_rekey(const struct rv_ike_exchange *x)
{
	return ike_has_notify(x, IKE_N_REKEY_SA);
}

static bool closing(const struct rv_ike_sa *sa, const struct rv_child *child)
{
	return child->state == RV_CHILD_DELETING || child->state == RV_CHILD_REKEYED;
}

/* A replacement that we asked for was agreed on, and its keying still goes on. */
static bool being_replaced(const struct rv_ike_sa *sa, uint32_t id)
{
	rv_list_each (&sa->requests, x, struct rv_ike_exchange, entry)
		if (x->old == id && x->plan && x->parted)
			return true;
	return false;
}

static int find_old(struct rv_ike_exchange *x, void *self)
{
	struct ike_notify notify = { 0 };
	struct rv_child *old;

	if (!ike_notify_find(&x->chain, IKE_N_REKEY_SA, &notify))
		return -RV_ESYNTAX;
	struct rv_rd r = rv_rd(notify.spi);
	uint32_t spi = rv_rd_u32(&r);

	if (!rv_rd_done(&r))
		return -RV_ESYNTAX;
	old = ike_child_by_spi_out(x->sa->peer, spi);
	if (!old) {
		x->veto_spi = spi;
		x->veto_protocol = notify.protocol;
		return ike_refuse(x, IKE_N_CHILD_SA_NOT_FOUND, rv_bytes(NULL, 0), -RV_ESTATE,
				  "the peer wants to replace a child SA that is not there (SPI %08x)", spi);
	}
	if (closing(x->sa, old) || being_replaced(x->sa, old->id))
		return ike_refuse(x, IKE_N_TEMPORARY_FAILURE, rv_bytes(NULL, 0), -RV_ESTATE,
				  "the peer wants to replace child SA #%u, which is being closed or replaced", old->id);
	x->old = old->id;
	x->conf = old->conf;
	return 0;
}

static int choose(struct rv_ike_exchange *x, void *self)
{
	int r = ike_child_choose(x, false);

	if (r || !ike_child_narrows(x, x->ts))
		return r;
	ike_explain_ts_pair(x, "the peer offers fewer selectors than what it replaces has", x->ts);
	return ike_refuse(x, IKE_N_TS_UNACCEPTABLE, rv_bytes(NULL, 0), -RV_ETS_UNACCEPTABLE, "%s", x->words);
}

static int exchange_keys(struct rv_ike_exchange *x, void *self)
{
	struct ike_ke ke;
	uint8_t data[2];
	struct rv_wr w = rv_wr(data, sizeof(data));

	if (!ike_nonce_read(&x->ni, ike_body(x, IKE_PAYLOAD_NONCE)))
		return -RV_ESYNTAX;
	ike_nonce(x);
	const struct rv_transform *t = rv_proposal_get(&x->chosen, RV_CLASS_KE);

	if (!t || !t->id)
		return 0;
	if (!ike_ke_read(&ke, ike_body(x, IKE_PAYLOAD_KE)) || ke.group != t->id) {
		rv_wr_u16(&w, t->id);
		return ike_refuse(x, IKE_N_INVALID_KE_PAYLOAD, rv_wr_bytes(&w), -RV_ENO_PROPOSAL,
				  "the peer's key exchange is not in group %u", t->id);
	}
	return ike_kex_new(x, ke.group) ? ike_kex_respond(x, ke.value) : -ENOMEM;
}

static int take_on(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *old = old_of(x);

	if (x->old && !old)
		return ike_refuse(x, IKE_N_TEMPORARY_FAILURE, rv_bytes(NULL, 0), -RV_ESTATE,
				  "the child SA to be replaced is gone");
	return ike_child_begin(x, x->conf, old ? old->reqid : 0);
}

static int install_new(struct rv_ike_exchange *x, void *self)
{
	return ike_child_install(x, NULL, false);
}

/* RFC 7296, 1.3: "The responder sends a NO_ADDITIONAL_SAS notification to indicate that a CREATE_CHILD_SA request is
 * unacceptable because the responder is unwilling to accept any more Child SAs on this IKE SA." A rekey is none. */
static int make_room(struct rv_ike_exchange *x, void *self)
{
	int64_t limit = rv_conf_int(rv_host_conf(x->sa->engine->host), "child_limit");
	int64_t n = 0;

	rv_list_each (&x->sa->peer->children, child, struct rv_child, entry)
		n++;
	if (!limit || n < limit)
		return 0;
	return ike_refuse(x, IKE_N_NO_ADDITIONAL_SAS, rv_bytes(NULL, 0), -RV_ELIMIT,
			  "the peer wants one more child SA than the %lld that child_limit allows a session",
			  (long long)limit);
}

/* RFC 7296, 2.8: "the responder continues to send traffic on the old SA until" the initiator can receive on the new */
static int install_inbound(struct rv_ike_exchange *x, void *self)
{
	return ike_child_install(x, old_of(x), true);
}

static int write(struct rv_ike_exchange *x, void *self)
{
	ike_child_write(x, false);
	return 0;
}

static int added(struct rv_ike_exchange *x, void *self)
{
	ike_child_done(x, false);
	return 0;
}

/* Our own request to replace the same child SA learns of the peer's; its answer may come when the old one is gone. */
static void tell_rival(const struct rv_ike_exchange *x)
{
	struct rv_bytes lower = ike_nonce_lower(x->ni, rv_bytes(x->nonce, sizeof(x->nonce)));

	rv_list_each (&x->sa->requests, mine, struct rv_ike_exchange, entry) {
		if (mine->plan != &ike_plan_child_rekey || mine->old != x->old || mine->phase == IKE_QUEUED)
			continue;
		mine->rival_nonce_len = (uint16_t)lower.len;
		memcpy(mine->rival_nonce, lower.p, lower.len);
	}
}

static bool has_further_ke(const struct rv_ike_exchange *x)
{
	for (unsigned i = 0; i < x->chosen.n; i++)
		if (rv_class_is_further_ke(x->chosen.t[i].class) && x->chosen.t[i].id)
			return true;
	return false;
}

static int write_successor(struct rv_ike_exchange *x, void *self)
{
	if (has_further_ke(x)) /* nothing can be deleted before it is made (RFC 7296, 2.8.1) */
		tell_rival(x);
	return write(x, self);
}

static int succeed(struct rv_ike_exchange *x, void *self)
{
	struct rv_child *old = old_of(x), *fresh = x->child ? x->child->child : NULL;
	struct ike_child *ic = old ? ike_child_of(old) : NULL;

	if (!ic || !fresh)
		return old && fresh ? -ENOMEM : -RV_ECANCELLED;
	rv_timer_cancel(&ic->timer);
	ic->successor = fresh->id;
	tell_rival(x);
	old->state = RV_CHILD_REKEYING;
	x->child->replaces = old->id;
	ike_child_done(x, true);
	return 0;
}

rv_ike_step_fn *const ike_child_create_answer[] = { make_room,
						    ike_config_lend,
						    ike_config_write,
						    choose,
						    ike_at_child_chosen,
						    exchange_keys,
						    take_on,
						    write,
						    ike_at_keying,
						    make,
						    ike_at_child_keyed,
						    install_new,
						    added,
						    NULL };
rv_ike_step_fn *const ike_child_rekey_answer[] = { find_old,	    choose,  ike_at_child_chosen,
						   exchange_keys,   take_on, write_successor,
						   ike_at_keying,   make,    ike_at_child_keyed,
						   install_inbound, succeed, NULL };

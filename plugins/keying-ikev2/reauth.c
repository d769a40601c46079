// SPDX-License-Identifier: LGPL-2.1-or-later
/* reauth: both sides prove themselves anew, without a gap in the traffic (RFC 7296, 2.8.3).
 *
 * "Reauthentication is done by creating a new IKE SA from scratch ..., creating new Child SAs within the new IKE SA
 * ..., and finally deleting the old IKE SA". The new session is dialled as any other; the core lets SAs of both
 * sessions share a policy, which the newest one serves. A reauthentication that fails is tried again until the old
 * session is over.
 */
#include "reauth.h"

#include "child.h"
#include "init.h"
#include "requests.h"
#include "transitions.h"

enum { AGAIN_US = 30 * 1000000, GRACE_US = 10 * 1000000, BUSY_US = 180 * 1000000 };

/* When a session that is not authenticated anew ends; 0: never. */
static uint64_t ends_us(const struct rv_peer *peer)
{
	const struct rv_connection *c = peer->connection;

	return c && c->reauth_us ? peer->since_us + c->reauth_us + c->over_us : 0;
}

/* RFC 7296, 2.8.1 of rekeying: "jittered (delayed by a random amount of time)". A responder waits until the end. */
void ike_reauth_time(struct rv_ike_sa *sa)
{
	const struct rv_connection *c = sa->peer->connection;
	uint64_t now = rv_loop_now_us(sa->engine->host->loop);

	if (!c || !c->reauth_us)
		return;
	uint64_t at = now + c->reauth_us;

	if (sa->peer->initiator)
		at -= ike_random_below(sa->engine->host, c->rand_us);
	else
		at += c->over_us;
	if (!sa->reauth_us || at < sa->reauth_us)
		sa->reauth_us = at;
}

/* A tenth earlier at most, since it takes its time and others were told the same. */
void ike_verb_reauth_within(struct rv_ike_sa *sa, uint64_t us)
{
	const struct rv_peer *peer = sa->peer;
	const struct rv_connection *c = peer->connection;
	uint64_t own = c && c->reauth_us ? peer->since_us + c->reauth_us : 0;

	if (!peer->initiator || sa->state > RV_IKE_REKEYING)
		return;
	sa->reauth_us =
		rv_loop_now_us(sa->engine->host->loop) + us - us / 20 - ike_random_below(sa->engine->host, us / 20);
	if (own && own < sa->reauth_us)
		sa->reauth_us = own;
	ike_sa_schedule(sa);
}

struct search {
	uint32_t id;
	const struct rv_child *child;
	struct rv_peer *but;
};

static int reauths(struct rv_peer *peer, void *arg)
{
	const struct search *search = arg;
	const struct rv_ike_sa *sa = peer->sa;

	return sa && sa->reauths == search->id;
}

bool ike_reauth_under_way(const struct rv_peer *peer)
{
	struct search search = { .id = peer->id };

	return rv_peer_each(peer->core, peer->connection->name, reauths, &search) != 0;
}

int ike_reauth(struct rv_ike_sa *sa)
{
	struct rv_peer *peer = sa->peer;
	struct rv_addr to = peer->path.remote;
	struct rv_subject subject = ike_subject(sa);
	char gateway[RV_ADDR_TEXT];

	if (!peer->connection || sa->next || sa->state < RV_IKE_ESTABLISHED || sa->state > RV_IKE_REKEYING)
		return -RV_ESTATE;
	if (!peer->initiator)
		return ike_ext_reauth(sa) ? 0 : -RV_ESTATE;
	if (ike_reauth_under_way(peer))
		return 0;
	to.port = 0;
	rv_log(&subject, RV_INFO, "reauthenticating");
	return ike_dial_beside(sa, rv_addr_text(&to, gateway), "reauth", NULL);
}

/* RFC 7296, 4: on NO_ADDITIONAL_SAS for a rekey "the implementation MUST be capable of instead deleting the old SA and
 * creating a new one"; what deletes the old one here is the new one. */
static bool cannot_replace(const struct rv_ike_exchange *x)
{
	return (x->plan == &ike_plan_rekey || x->plan == &ike_plan_child_rekey) &&
	       ike_error_in(x) == IKE_N_NO_ADDITIONAL_SAS;
}

void ike_reauth_refused(struct rv_ike_exchange *x, int result)
{
	struct rv_ike_sa *sa = x->sa;
	struct rv_subject subject = ike_subject(sa);
	uint64_t now = rv_loop_now_us(sa->engine->host->loop);
	bool busy = result && ike_error_in(x) == IKE_N_TEMPORARY_FAILURE;

	if (!busy)
		sa->busy_us = 0;
	else if (!sa->busy_us)
		sa->busy_us = now;
	if (cannot_replace(x)) {
		rv_log(&subject, RV_NOTICE, "replaced-as-a-whole",
		       KV_STR("why", "the peer makes no further SAs in it"));
		(void)ike_reauth(sa);
		return;
	}
	/* RFC 7296, 2.25: after several minutes it "SHOULD conclude that the state information is out of sync and
	 * close the IKE SA" */
	if (!busy || now - sa->busy_us < BUSY_US)
		return;
	sa->busy_us = now;
	rv_log(&subject, RV_WARN, "out-of-sync", KV_STR("why", "the peer has been busy for minutes"));
	if (ike_reauth(sa))
		(void)ike_delete(sa);
}

void ike_reauth_due(struct rv_ike_sa *sa, uint64_t now)
{
	struct rv_subject subject = ike_subject(sa);
	uint64_t ends = ends_us(sa->peer);
	int r;

	sa->reauth_us = 0;
	if (sa->superseded || (ends && now >= ends)) {
		rv_log(&subject, RV_NOTICE, sa->superseded ? "superseded" : "not-reauthenticated");
		ike_sa_schedule(sa);
		(void)ike_delete(sa);
		return;
	}
	sa->reauth_us = now + AGAIN_US;
	if (ends && (ends < sa->reauth_us || !sa->peer->initiator))
		sa->reauth_us = ends;
	ike_sa_schedule(sa);
	r = ike_reauth(sa);
	if (r)
		rv_log(&subject, RV_WARN, "reauth-failed", KV_STR("why", rv_error_text(r)));
}

static unsigned n_live(const struct rv_peer *peer)
{
	unsigned n = 0;

	rv_list_each (&peer->children, child, struct rv_child, entry)
		n += child->state == RV_CHILD_INSTALLED || child->state == RV_CHILD_REKEYING;
	return n;
}

void ike_reauth_done(struct rv_ike_sa *sa)
{
	struct rv_subject subject = ike_subject(sa);
	struct rv_peer *old;

	if (!sa->reauths || sa->state != RV_IKE_ESTABLISHED || sa->hs || !rv_list_empty(&sa->requests))
		return;
	old = rv_peer_by_id(sa->engine->host->core, sa->reauths);
	sa->reauths = 0;
	if (!old || !old->sa)
		return;
	if (n_live(old) && !n_live(sa->peer)) {
		rv_log(&subject, RV_WARN, "reauth-failed", KV_STR("why", "no child SA came up in the new session"));
		(void)ike_delete(sa);
		return;
	}
	rv_log(&subject, RV_INFO, "reauthenticated", KV_UINT("instead-of", old->id));
	(void)ike_delete(old->sa);
}

/* As responder */

static bool same_selectors(const struct rv_child *a, const struct rv_child *b)
{
	if (!a->ts || !b->ts || a->n_local_ts != b->n_local_ts || a->n_remote_ts != b->n_remote_ts)
		return false;
	for (unsigned i = 0; i < (unsigned)a->n_local_ts + a->n_remote_ts; i++)
		if (!rv_ts_same(&a->ts[i], &b->ts[i]))
			return false;
	return true;
}

static int overlaps(struct rv_peer *peer, void *arg)
{
	const struct search *search = arg;

	if (peer == search->but)
		return 0;
	rv_list_each (&peer->children, child, struct rv_child, entry)
		if (child->state == RV_CHILD_INSTALLED && same_selectors(child, search->child))
			return 1;
	return 0;
}

bool ike_reauth_overlaps(struct rv_ike_exchange *x)
{
	struct rv_peer *peer = x->sa->peer;
	struct search search = { .child = x->child ? x->child->child : NULL, .but = peer };

	return search.child &&
	       rv_peer_each_between(peer->core, peer->local_id, peer->remote_id, overlaps, &search) != 0;
}

static int complete(struct rv_peer *peer, void *arg)
{
	if (peer == arg)
		return 0;
	rv_list_each (&peer->children, child, struct rv_child, entry)
		ike_child_complete(child);
	return 0;
}

void ike_reauth_complete(struct rv_peer *leaving)
{
	if (leaving->established)
		(void)rv_peer_each_between(leaving->core, leaving->local_id, leaving->remote_id, complete, leaving);
}

void ike_reauth_supersede(struct rv_ike_sa *sa)
{
	sa->superseded = true;
	sa->reauth_us = rv_loop_now_us(sa->engine->host->loop) + GRACE_US;
	ike_sa_schedule(sa);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* verbs: what the core asks of this protocol (kind keying): sessions up and down, child SAs, rekeys, the orderly end.
 */
#include "child.h"

#include "init.h"
#include "reauth.h"
#include "requests.h"
#include "window.h"

#include <errno.h>
#include <ravelin/auth.h>
#include <string.h>

enum { STOP_US = 2 * 1000000, ROUNDS_MAX = 16 };

/* check */

static int check_round(struct ike_engine *engine, const struct rv_connection *c, const struct rv_round *round,
		       bool local, struct rv_why *why)
{
	struct rv_service *service = rv_auth_find(engine->host->core, round);
	const struct rv_auth_ops *ops = service ? rv_service_ops(service) : NULL;

	if (!service)
		return rv_why_set(why, -RV_ENO_PROVIDER, "%s: no loaded plugin provides auth = %s",
				  rv_conf_where(round->conf, "auth"), round->auth);
	if (!RV_HAS(ops, check))
		return 0;
	return ops->check(rv_service_self(service), c, round, local, why);
}

static int check_rounds(struct ike_engine *engine, const struct rv_connection *c, const struct rv_round *rounds,
			size_t n, const char *side, struct rv_why *why)
{
	if (!n)
		return rv_why_set(why, -RV_ECONFIG, "%s: connection %s has no %s section", rv_conf_where(c->conf, NULL),
				  c->name, side);
	if (n > 1 && (n > ROUNDS_MAX || !rv_registry_find_attr(engine->host->registry, "ikev2-ext", "rounds", 1)))
		return rv_why_set(why, -RV_ECONFIG, "%s: connection %s has %zu %s sections: %s",
				  rv_conf_where(c->conf, NULL), c->name, n, side,
				  n > ROUNDS_MAX ? "that is too many"
						 : "no loaded plugin makes several rounds of authentication");
	for (size_t i = 0; i < n; i++) {
		int r = check_round(engine, c, &rounds[i], rounds == c->local, why);
		if (r)
			return r;
	}
	return 0;
}

static int check_base(struct ike_engine *engine, struct rv_why *why)
{
	const struct rv_conf *conf = rv_host_conf(engine->host);
	unsigned n;

	if (ike_thousandths(rv_conf_str(conf, "retransmit_base"), &n) && n >= 1000)
		return 0;
	return rv_why_set(why, -RV_ECONFIG, "%s: retransmit_base = %s: a number such as 1.8 is expected, 1 at least",
			  rv_conf_where(conf, "retransmit_base"), rv_conf_str(conf, "retransmit_base"));
}

static int check(void *self, const struct rv_connection *c, struct rv_why *why)
{
	struct ike_engine *engine = self;
	int r = check_base(engine, why);

	if (!r)
		r = check_rounds(engine, c, c->local, c->n_local, "local", why);
	if (!r)
		r = check_rounds(engine, c, c->remote, c->n_remote, "remote", why);
	if (r)
		return r;
	for (size_t i = 0; i < c->n_proposals; i++)
		if (!rv_proposal_get(&c->proposals[i], RV_CLASS_KE))
			return rv_why_set(why, -RV_ECONFIG, "%s: a proposal of %s names no key exchange",
					  rv_conf_where(c->conf, "proposals"), c->name);
	if (!c->n_proposals)
		return rv_why_set(why, -RV_ECONFIG, "%s: connection %s has no proposals", rv_conf_where(c->conf, NULL),
				  c->name);
	return 0;
}

/* True when what a transform names can be computed, or need not be. */
static bool computed(struct rv_registry *registry, const struct rv_transform *t)
{
	const struct rv_algorithm *algorithm = rv_algorithm_find(registry, t);

	return t->class == RV_CLASS_SN || (algorithm && (!algorithm->kind || rv_algorithm_service(registry, t)));
}

/* What was computed when the configuration was read may have been unloaded since; then nothing is offered in vain. */
static bool can_offer(struct ike_engine *engine, const struct rv_proposal *proposals, size_t n,
		      struct rv_attempt *attempt)
{
	struct rv_registry *registry = engine->host->registry;
	char text[512];

	for (size_t i = 0; i < n; i++) {
		for (uint8_t k = 0; k < proposals[i].n; k++) {
			if (computed(registry, &proposals[i].t[k]))
				continue;
			rv_attempt_fail(attempt, -RV_ENO_PROVIDER,
					"load the plugin that computes it, or change the proposals",
					"no loaded plugin computes all of %s",
					rv_proposal_text(registry, &proposals[i], text, sizeof(text)));
			return false;
		}
	}
	return true;
}

/* up: the first message goes out when the address is known (dial.c) */

static int up(void *self, const struct rv_connection *connection, const struct rv_child_conf *child,
	      struct rv_attempt *attempt)
{
	struct ike_engine *engine = self;

	if (!can_offer(engine, connection->proposals, connection->n_proposals, attempt) ||
	    (child && !can_offer(engine, child->proposals, child->n_proposals, attempt)))
		return 0;
	return ike_dial(engine, connection, child, attempt, NULL);
}

/* The others */

static int child_up(void *self, struct rv_peer *peer, const struct rv_child_conf *child, struct rv_attempt *attempt)
{
	struct rv_ike_sa *sa = peer->sa;

	if (!can_offer(self, child->proposals, child->n_proposals, attempt))
		return 0;
	return sa && sa->state != RV_IKE_DELETING ? ike_child_create(sa, child, attempt) : -RV_ESTATE;
}

/* An attempt whose last request is out: whoever asked for it hears at once that it is over. */
static int take_back(struct rv_ike_sa *sa)
{
	int r = ike_delete_when_up(sa);

	if (!r && sa->hs)
		rv_attempt_fail(sa->hs->attempt, -RV_ECANCELLED, NULL, "taken down");
	return r;
}

static int down(void *self, struct rv_peer *peer)
{
	struct rv_ike_sa *sa = peer->sa;

	if (!sa)
		rv_peer_down(peer, 0, "taken down");
	else if (sa->state >= RV_IKE_ESTABLISHED)
		return ike_delete(sa);
	else if (sa->state == RV_IKE_HALF_OPEN && sa->initiator)
		return take_back(sa);
	else
		ike_sa_end(sa, 0, "taken down");
	return 0;
}

static int child_down(void *self, struct rv_child *child)
{
	return ike_child_delete(child);
}

static int rekey(void *self, struct rv_peer *peer)
{
	return peer->sa ? ike_rekey(peer->sa) : -RV_ESTATE;
}

static int reauth(void *self, struct rv_peer *peer)
{
	return peer->sa ? ike_reauth(peer->sa) : -RV_ESTATE;
}

static int child_rekey(void *self, struct rv_child *child)
{
	return ike_child_rekey(child);
}

static int moved(void *self, struct rv_peer *peer, const struct rv_addr *remote)
{
	return peer->sa ? ike_path_mapping(peer->sa, remote) : -RV_ESTATE;
}

static int unknown_spi(void *self, uint32_t spi, const struct rv_path *path)
{
	return ike_unknown_spi(self, spi, path);
}

/* The orderly end */

static void stopped(struct ike_engine *engine)
{
	struct rv_call *call = engine->stopping;

	engine->stopping = NULL;
	rv_timer_cancel(&engine->stop_timer);
	if (call)
		rv_call_finish(call, 0);
}

void ike_stop_check(struct ike_engine *engine)
{
	if (engine->stopping && !engine->sas.n)
		stopped(engine);
}

static void no_longer(struct rv_timer *timer)
{
	stopped(rv_container_of(timer, struct ike_engine, stop_timer));
}

static void stop_cancel(struct rv_call *call)
{
	struct ike_engine *engine = call->provider;

	engine->stopping = NULL;
	rv_timer_cancel(&engine->stop_timer);
}

static int delete_peer(struct rv_peer *peer, void *arg)
{
	struct ike_engine *engine = arg;

	if (peer->keying.service && rv_service_self(peer->keying.service) == engine)
		(void)down(engine, peer);
	return 0;
}

static int stop(void *self, struct rv_call *call)
{
	struct ike_engine *engine = self;

	rv_peer_each(engine->host->core, NULL, delete_peer, engine);
	if (!engine->sas.n)
		return 0;
	engine->stopping = call;
	rv_timer_init(&engine->stop_timer, engine->host->loop, no_longer);
	if (rv_timer_arm(&engine->stop_timer, STOP_US)) {
		engine->stopping = NULL;
		return -ENOMEM;
	}
	return rv_call_pend(call, stop_cancel, engine);
}

const struct rv_keying_ops ike_keying_ops = {
	.size = sizeof(ike_keying_ops),
	.check = check,
	.up = up,
	.child_up = child_up,
	.down = down,
	.child_down = child_down,
	.rekey = rekey,
	.child_rekey = child_rekey,
	.moved = moved,
	.pack = ike_pack,
	.unpack = ike_unpack,
	.stop = stop,
	.reauth = reauth,
	.unknown_spi = unknown_spi,
};

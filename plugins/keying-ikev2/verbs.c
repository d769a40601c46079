// SPDX-License-Identifier: LGPL-2.1-or-later
/* verbs: what the core asks of this protocol (kind keying): sessions up and down, child SAs, rekeys, the orderly end.
 */
#include "child.h"

#include "explain.h"
#include "init.h"
#include "requests.h"

#include <errno.h>
#include <string.h>

enum { STOP_US = 2 * 1000000 };

/* check */

static int check_rounds(struct ike_engine *engine, const struct rv_connection *c, const struct rv_round *rounds,
			size_t n, const char *side, struct rv_why *why)
{
	if (n != 1)
		return rv_why_set(why, -RV_ECONFIG,
				  "%s: connection %s has %zu %s sections, and this protocol takes exactly one "
				  "(RFC 4739, several rounds, is not supported)",
				  rv_conf_where(c->conf, NULL), c->name, n, side);
	if (!rv_registry_find(engine->host->registry, "auth", rounds[0].auth))
		return rv_why_set(why, -RV_ENO_PROVIDER, "%s: no loaded plugin provides auth = %s",
				  rv_conf_where(rounds[0].conf, "auth"), rounds[0].auth);
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
	if (c->reauth_us)
		return rv_why_set(why, -RV_ECONFIG,
				  "%s: reauth_time is not supported: rekey_time replaces the keys; remove it or set 0",
				  rv_conf_where(c->conf, "reauth_time"));
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

/* up: the addresses are looked up, then the first message goes */

struct dial {
	struct ike_engine *engine;
	const struct rv_connection *connection; /* a reference of this */
	const struct rv_child_conf *child;
	struct rv_attempt *attempt;
	struct rv_call call;
	struct rv_addr local, remote;
	size_t at; /* of remote_addrs */
	bool has_local;
};

static int dial_free(struct dial *d)
{
	rv_call_cancel(&d->call);
	rv_attempt_drop(d->attempt);
	return 0;
}

static void give_up(struct dial *d, int error, const char *advice, const char *text)
{
	rv_attempt_fail(d->attempt, error, advice, "%s", text);
	talloc_free(d);
}

static void go(struct dial *d)
{
	struct ike_engine *engine = d->engine;
	struct ike_port *port =
		rv_list_empty(&engine->ports) ? NULL : rv_container_of(engine->ports.next, struct ike_port, entry);
	const struct rv_connection *c = d->connection;
	struct rv_path path = { 0 };
	struct rv_peer *peer;
	char from[RV_ADDR_TEXT], to[RV_ADDR_TEXT];
	int r;

	if (!port) {
		give_up(d, -RV_ENO_PROVIDER, "load a transport plugin, such as transport-udp",
			"no loaded plugin carries messages");
		return;
	}
	d->local.port = c->local_port;
	d->remote.port = c->remote_port;
	r = port->ops->path(port->self, d->has_local ? &d->local : NULL, &d->remote, &path);
	if (r) {
		rv_attempt_step(d->attempt, "no way to %s: %s", rv_addr_text(&d->remote, to), rv_error_text(r));
		give_up(d, r, "check local_addrs, remote_addrs and the routes of this host",
			"there is no way to the peer from here");
		return;
	}
	rv_attempt_step(d->attempt, "from %s to %s", rv_addr_text(&path.local, from), rv_addr_text(&path.remote, to));
	peer = rv_peer_new(engine->host, c, &path, true);
	r = peer ? ike_init_start(engine, peer, port, d->child, d->attempt) : -ENOMEM;
	if (r)
		rv_attempt_fail(d->attempt, r, NULL, "the IKE SA could not be begun: %s", rv_error_text(r));
	if (r && peer)
		rv_peer_down(peer, r, rv_error_text(r));
	talloc_free(d);
}

static bool is_one_address(const char *text)
{
	return strcmp(text, "%any") != 0 && strcmp(text, "%any4") != 0 && strcmp(text, "%any6") != 0 &&
	       !strchr(text, '/') && !(strchr(text, '-') && strspn(text, "0123456789.-") == strlen(text));
}

static void look_up(struct dial *d);

static void looked_up(struct rv_call *call, int result)
{
	struct dial *d = rv_container_of(call, struct dial, call);

	if (result < 0) {
		rv_attempt_step(d->attempt, "%s: %s", d->connection->remote_addrs[d->at], rv_error_text(result));
		d->at++;
		look_up(d);
		return;
	}
	go(d);
}

static void look_up(struct dial *d)
{
	const char *const *names = d->connection->remote_addrs;

	while (names && names[d->at] && !is_one_address(names[d->at]))
		d->at++;
	if (!names || !names[d->at]) {
		give_up(d, d->at ? -RV_ENO_ADDRESS : -RV_ECONFIG, "give remote_addrs an address or a name",
			"remote_addrs has no address that can be reached");
		return;
	}
	rv_call_init(&d->call, looked_up);
	int r = rv_resolve(d->engine->host->core, names[d->at], &d->remote, &d->call);

	if (r != RV_PENDING)
		looked_up(&d->call, r);
}

static int up(void *self, const struct rv_connection *connection, const struct rv_child_conf *child,
	      struct rv_attempt *attempt)
{
	struct ike_engine *engine = self;

	if (!can_offer(engine, connection->proposals, connection->n_proposals, attempt) ||
	    (child && !can_offer(engine, child->proposals, child->n_proposals, attempt)))
		return 0;
	struct dial *d = talloc_zero(engine, struct dial);

	if (!d || !talloc_reference(d, connection)) {
		talloc_free(d);
		return -ENOMEM;
	}
	d->engine = engine;
	d->connection = connection;
	d->child = child;
	d->attempt = rv_attempt_hold(attempt);
	talloc_set_destructor(d, dial_free);
	for (const char *const *p = connection->local_addrs; p && *p && !d->has_local; p++)
		d->has_local = is_one_address(*p) && !rv_addr_parse(&d->local, *p);
	look_up(d);
	return 0;
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

static int child_rekey(void *self, struct rv_child *child)
{
	return ike_child_rekey(child);
}

/* RFC 7296, 2.23: only the side that is not behind the NAT follows the other. */
static int moved(void *self, struct rv_peer *peer, const struct rv_addr *remote)
{
	struct rv_path path = peer->path;

	if (!peer->path.remote_nat || peer->path.behind_nat)
		return -RV_EREFUSED;
	path.remote = *remote;
	rv_peer_moved(peer, &path);
	return 0;
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
};

// SPDX-License-Identifier: LGPL-2.1-or-later
/* dial: who is called, in which order (RFC 7296, 2; the race of addresses is that of RFC 8305).
 *
 * The gateways of remote_addrs are tried in turn. All addresses of one are in a race: IPv6 first, the families in
 * turns, each a little later than the one before; the first whose IKE_SA_INIT is answered gets the session, the others
 * are let go. Names are looked up anew each time.
 */
#include "init.h"

#include "reauth.h"

#include "child.h"
#include "explain.h"
#include "transitions.h"

#include <errno.h>
#include <string.h>

enum { RACE_US = 250 * 1000 }; /* RFC 8305, 5: "a recommended value for a default delay is 250 milliseconds" */

struct ike_dial {
	struct ike_engine *engine;
	const struct rv_connection *connection; /* a reference of this */
	const struct rv_child_conf *child;
	struct rv_attempt *attempt; /* held */
	struct rv_call call;
	struct rv_timer timer;	/* for the next address or the next gateway */
	struct rv_addrs found;	/* of the gateway at hand, in the order of the race */
	struct rv_list running; /* struct ike_handshake.race */
	const char *const *gateways, *one[2];
	size_t at;     /* of gateways: the next one */
	unsigned next; /* of found */
	bool starting;
	struct rv_addr origin;
	uint32_t reauths;
	const struct rv_child_conf **more; /* see struct ike_handshake */
	unsigned tried;			   /* addresses so far */
	int error;			   /* how the last one failed, and what may help */
	const char *advice;
	char *text;
};

static int dial_free(struct ike_dial *d)
{
	rv_call_cancel(&d->call);
	rv_timer_cancel(&d->timer);
	rv_attempt_drop(d->attempt);
	return 0;
}

static bool is_one_address(const char *text)
{
	return strcmp(text, "%any") != 0 && strcmp(text, "%any4") != 0 && strcmp(text, "%any6") != 0 &&
	       !strchr(text, '/') && !(strchr(text, '-') && strspn(text, "0123456789.-") == strlen(text));
}

/* Our address of this family as the connection names it: NULL for any. False: it has addresses, of other families. */
static bool local_of(const struct rv_connection *c, uint8_t family, struct rv_addr *room, const struct rv_addr **local)
{
	bool bound = false;

	*local = NULL;
	for (const char *const *p = c->local_addrs; p && *p; p++) {
		if (!is_one_address(*p) || rv_addr_parse(room, *p) || rv_addr_is_any(room))
			return true;
		room->port = c->local_port;
		*local = room->family == family ? room : NULL;
		if (*local)
			return true;
		bound = true;
	}
	return !bound;
}

static bool more_gateways(struct ike_dial *d)
{
	while (d->gateways && d->gateways[d->at] && !is_one_address(d->gateways[d->at]))
		d->at++;
	return d->gateways && d->gateways[d->at];
}

static void note(struct ike_dial *d, int error, const char *advice, const char *text)
{
	d->error = error;
	d->advice = advice;
	talloc_free(d->text);
	d->text = talloc_strdup(d, text);
}

static const char *words(const struct ike_dial *d)
{
	return d->text ? d->text : rv_error_text(d->error);
}

/* IPv6 first, then the families in turns; within a family the resolver's order (RFC 8305, 4). */
static void sort(struct rv_addrs *found)
{
	struct rv_addrs in = *found;
	uint8_t family = RV_IPV6;

	found->n = 0;
	while (found->n < in.n) {
		unsigned i = 0;

		while (i < in.n && in.addr[i].family != family)
			i++;
		if (i < in.n) {
			found->addr[found->n++] = in.addr[i];
			in.addr[i].family = 0;
		}
		family = family == RV_IPV6 ? RV_IPV4 : RV_IPV6;
	}
}

static int find_path(struct ike_dial *d, struct ike_port *port, struct rv_addr *remote, struct rv_path *path)
{
	const struct rv_addr *local;
	struct rv_addr room;

	if (!port) {
		note(d, -RV_ENO_PROVIDER, "load a transport plugin, such as transport-udp",
		     "no loaded plugin carries messages");
		return -RV_ENO_PROVIDER;
	}
	remote->port = d->connection->remote_port;
	int r = local_of(d->connection, remote->family, &room, &local)
			? port->ops->path(port->self, local, remote, path)
			: -EAFNOSUPPORT;
	char to[RV_ADDR_TEXT];

	if (!r)
		return 0;
	rv_attempt_step(d->attempt, "no way to %s: %s", rv_addr_text(remote, to), rv_error_text(r));
	note(d, r, "check local_addrs, remote_addrs and the routes of this host",
	     "there is no way to the peer from here");
	return r;
}

/* One address of the race. Its session is not the attempt's before it has won. */
static int start(struct ike_dial *d, struct rv_addr *remote)
{
	struct ike_engine *engine = d->engine;
	struct ike_port *port =
		rv_list_empty(&engine->ports) ? NULL : rv_container_of(engine->ports.next, struct ike_port, entry);
	struct rv_path path = { 0 };
	char from[RV_ADDR_TEXT], to[RV_ADDR_TEXT];
	int r = find_path(d, port, remote, &path);

	d->tried++;
	if (r)
		return r;
	rv_attempt_step(d->attempt, "from %s to %s", rv_addr_text(&path.local, from), rv_addr_text(&path.remote, to));
	struct rv_peer *peer = rv_peer_new(engine->host, d->connection, &path, true);
	struct ike_handshake *hs =
		peer ? ike_init_new(engine, peer, port, d->child, d->attempt, d->reauths != 0) : NULL;

	r = hs ? 0 : -ENOMEM;
	if (hs) {
		hs->dial = d;
		hs->origin = d->origin;
		hs->sa->reauths = d->reauths;
		rv_list_add(&d->running, &hs->race);
		ike_exchange_kick(hs->sa);
		return 0;
	}
	note(d, r, NULL, "the IKE SA could not be begun: memory is out");
	if (peer)
		rv_peer_down(peer, r, rv_error_text(r));
	return r;
}

static void leave(struct ike_handshake *hs)
{
	rv_list_del(&hs->race);
	hs->dial = NULL;
}

/* Ends the IKE SAs that still run, without a word. */
static void end_running(struct ike_dial *d)
{
	while (!rv_list_empty(&d->running)) {
		struct ike_handshake *hs = rv_container_of(d->running.next, struct ike_handshake, race);

		leave(hs);
		rv_attempt_drop(hs->attempt);
		hs->attempt = NULL;
		ike_sa_end(hs->sa, -RV_ECANCELLED, NULL);
	}
}

static void give_up(struct ike_dial *d)
{
	if (!d->tried && !d->error)
		note(d, d->at ? -RV_ENO_ADDRESS : -RV_ECONFIG, "give remote_addrs an address or a name",
		     "remote_addrs has no address that can be reached");
	if (d->tried > 1)
		rv_attempt_fail(d->attempt, d->error, d->advice, "none of %u addresses will do; the last one: %s",
				d->tried, words(d));
	else
		rv_attempt_fail(d->attempt, d->error, d->advice, "%s", words(d));
	talloc_free(d);
}

static void next_gateway(struct ike_dial *d);

/* The next address of the gateway at hand joins the race; else it is the next gateway's turn when nobody runs. */
static void next_address(struct ike_dial *d)
{
	uint64_t wait = rv_conf_us(rv_host_conf(d->engine->host), "failover_timeout");

	d->starting = true;
	while (d->next < d->found.n) {
		const struct rv_list *last = d->running.prev;
		if (!start(d, &d->found.addr[d->next++]) && d->running.prev != last)
			break;
	}
	d->starting = false;
	if (rv_list_empty(&d->running)) {
		next_gateway(d);
		return;
	}
	if (d->next < d->found.n)
		wait = RACE_US;
	else if (!more_gateways(d))
		return; /* retransmission decides */
	if (rv_timer_arm(&d->timer, wait))
		rv_log(&d->engine->host->subject, RV_ERROR, "no-timer", KV_STR("for", "the next address"));
}

static void looked_up(struct rv_call *call, int result)
{
	struct ike_dial *d = rv_container_of(call, struct ike_dial, call);
	const char *name = d->gateways[d->at - 1];

	if (result < 0) {
		rv_attempt_step(d->attempt, "%s: %s", name, rv_error_text(result));
		next_gateway(d);
		return;
	}
	sort(&d->found);
	if (d->found.n > 1)
		rv_attempt_step(d->attempt, "%s has %u addresses; the first that answers counts", name, d->found.n);
	next_address(d);
}

static void next_gateway(struct ike_dial *d)
{
	d->found.n = d->next = 0;
	if (!more_gateways(d)) {
		give_up(d);
		return;
	}
	if (d->tried)
		rv_attempt_step(d->attempt, "the next gateway is %s", d->gateways[d->at]);
	rv_call_init(&d->call, looked_up);
	int r = rv_resolve_all(d->engine->host->core, d->gateways[d->at++], &d->found, &d->call);

	if (r != RV_PENDING)
		looked_up(&d->call, r);
}

/* Another address of the same gateway, or the gateway had its time. */
static void due(struct rv_timer *timer)
{
	struct ike_dial *d = rv_container_of(timer, struct ike_dial, timer);

	if (d->next < d->found.n) {
		next_address(d);
		return;
	}
	rv_attempt_step(d->attempt, "%s does not answer", d->gateways[d->at - 1]);
	note(d, -RV_ETIMEOUT, NULL, "no answer");
	end_running(d);
	next_gateway(d);
}

static struct ike_dial *dial_new(struct ike_engine *engine, const struct rv_connection *connection,
				 const struct rv_child_conf *child, struct rv_attempt *attempt, const char *gateway)
{
	struct ike_dial *d = talloc_zero(engine, struct ike_dial);

	if (!d || !talloc_reference(d, connection)) {
		talloc_free(d);
		return NULL;
	}
	d->engine = engine;
	d->connection = connection;
	d->child = child;
	d->one[0] = gateway ? talloc_strdup(d, gateway) : NULL;
	d->gateways = gateway ? d->one : connection->remote_addrs;
	rv_list_init(&d->running);
	rv_timer_init(&d->timer, engine->host->loop, due);
	d->attempt = rv_attempt_hold(attempt);
	talloc_set_destructor(d, dial_free);
	return d;
}

int ike_dial(struct ike_engine *engine, const struct rv_connection *connection, const struct rv_child_conf *child,
	     struct rv_attempt *attempt, const char *gateway)
{
	struct ike_dial *d = dial_new(engine, connection, child, attempt, gateway);

	ike_dial_go(d);
	return d ? 0 : -ENOMEM;
}

void ike_dial_drop(struct ike_dial *d)
{
	if (!d)
		return;
	rv_attempt_fail(d->attempt, -RV_ECANCELLED, NULL, "the session ended before another one was begun");
	talloc_free(d);
}

void ike_dial_go(struct ike_dial *d)
{
	if (d && d->engine->stopping)
		ike_dial_drop(d);
	else if (d)
		next_gateway(d);
}

void ike_dial_won(struct ike_handshake *hs)
{
	struct ike_dial *d = hs->dial;

	if (!d)
		return;
	leave(hs);
	hs->sa->peer->attempt = d->attempt;
	hs->more = talloc_steal(hs, d->more);
	if (d->tried > 1) {
		char to[RV_ADDR_TEXT];
		rv_attempt_step(d->attempt, "%s it is", rv_addr_text(&hs->sa->peer->path.remote, to));
	}
	end_running(d);
	talloc_free(d);
}

bool ike_dial_lost(struct rv_ike_exchange *x, int error)
{
	struct ike_handshake *hs = x->sa->hs;
	struct ike_dial *d = hs ? hs->dial : NULL;
	char to[RV_ADDR_TEXT];

	if (!d)
		return false;
	leave(hs);
	note(d, error, x->advice, x->why.text[0] ? x->why.text : rv_error_text(error));
	if (d->next < d->found.n || !rv_list_empty(&d->running) || more_gateways(d))
		rv_attempt_step(d->attempt, "%s is out: %s", rv_addr_text(&x->sa->peer->path.remote, to), words(d));
	if (!d->starting) { /* else it failed at once, and next_address() goes on by itself */
		rv_timer_cancel(&d->timer);
		next_address(d);
	}
	rv_attempt_drop(hs->attempt);
	hs->attempt = NULL;
	return true;
}

/* Taken down from outside, before anybody answered. */
void ike_dial_gone(struct ike_handshake *hs)
{
	struct ike_dial *d = hs->dial;

	if (!d)
		return;
	leave(hs);
	if (!rv_list_empty(&d->running))
		return;
	rv_attempt_fail(d->attempt, -RV_ECANCELLED, NULL, "taken down");
	talloc_free(d);
}

/* Elsewhere */

static bool lives(const struct rv_child *child)
{
	return child->state == RV_CHILD_INSTALLED || child->state == RV_CHILD_REKEYING;
}

/* The children that an established session has: the first one is called for, the others follow. */
static int take_children(struct ike_dial *d, const struct rv_peer *peer)
{
	unsigned n = 0;

	rv_list_each (&peer->children, child, struct rv_child, entry)
		n += lives(child);
	d->more = talloc_zero_array(d, const struct rv_child_conf *, n + 1);
	if (!d->more)
		return -ENOMEM;
	n = 0;
	rv_list_each (&peer->children, child, struct rv_child, entry) {
		if (!lives(child))
			continue;
		if (!d->child)
			d->child = child->conf;
		else
			d->more[n++] = child->conf;
	}
	return 0;
}

/* The attempt leaves the handshake, and whoever ran beside it. */
static void leave_handshake(struct ike_handshake *hs)
{
	if (hs->dial)
		ike_dial_won(hs);
	hs->sa->peer->attempt = NULL;
	rv_attempt_drop(hs->attempt);
	hs->attempt = NULL;
	hs->child = NULL;
}

struct ike_dial *ike_dial_anew(struct rv_ike_sa *sa, const char *gateway, const char *who)
{
	struct rv_peer *peer = sa->peer;
	struct ike_handshake *hs = sa->hs;
	struct rv_attempt *attempt =
		hs ? hs->attempt : rv_attempt_new(sa->engine->host->core, peer->connection->name, NULL, who);
	struct ike_dial *d = dial_new(sa->engine, peer->connection, hs ? hs->child : NULL, attempt, gateway);

	if (d && (hs || !take_children(d, peer)))
		return d;
	ike_dial_drop(d);
	return NULL;
}

int ike_dial_beside(struct rv_ike_sa *sa, const char *gateway, const char *who, const struct rv_addr *origin)
{
	struct ike_dial *d = ike_dial_anew(sa, gateway, who);

	if (!d)
		return -ENOMEM;
	d->reauths = sa->peer->id;
	if (origin)
		d->origin = *origin;
	ike_dial_go(d);
	return 0;
}

int ike_verb_redial(struct rv_ike_exchange *x, const char *gateway)
{
	struct rv_ike_sa *sa = x->sa;
	struct rv_peer *peer = sa->peer;
	struct ike_handshake *hs = sa->hs;
	struct ike_dial *d;
	char from[RV_ADDR_TEXT];

	if (sa->next || !peer->connection || !peer->initiator)
		return -RV_ESTATE;
	if (!hs) /* make before break: this one goes when the other has its children */
		return ike_reauth_under_way(peer) ? 0 : ike_dial_beside(sa, gateway, "redial", &peer->path.remote);
	d = ike_dial_anew(sa, gateway, "redial");
	if (!d)
		return -ENOMEM;
	d->origin = peer->path.remote;
	sa->next = d;
	rv_attempt_step(d->attempt, "from %s on to %s", rv_addr_text(&peer->path.remote, from), gateway);
	leave_handshake(hs);
	if (sa->state == RV_IKE_INIT) {
		x->fate = IKE_FATE_END;
		return 0;
	}
	ike_verb_no_child(x);
	return ike_exchange_ask(sa, &ike_plan_delete) ? 0 : -ENOMEM;
}

void ike_verb_no_child(struct rv_ike_exchange *x)
{
	struct ike_child *ic = x->child;

	x->childless = true;
	if (!ic)
		return;
	ic->x = NULL;
	x->child = NULL;
	rv_child_down(ic->child, 0);
}

const struct rv_addr *ike_verb_origin(const struct rv_ike_sa *sa)
{
	return sa->hs && sa->hs->origin.family ? &sa->hs->origin : NULL;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* path: which way messages of an IKE SA go, and the verbs of extensions that change it (RFC 7296, 2.23).
 */
#include "init.h"

#include "protect.h"
#include "requests.h"

enum { SETTLE_US = 500 * 1000 }; /* until the peer should know that we moved */

static void no_nat(struct rv_path *path)
{
	path->behind_nat = path->remote_nat = false;
	path->plain_esp = true;
}

/* A host without a NAT follows an authentic message, as RFC 7296, 2.23 says: "a host that ... is not behind a NAT,
 * SHOULD send all packets (including retransmission packets) to the IP address and port in the validated packet" */
void ike_path_follow(struct rv_ike_sa *sa, const struct rv_path *path)
{
	struct rv_peer *peer = sa->peer;
	struct rv_path moved = peer->path;

	if (rv_addr_same(&peer->path.remote, &path->remote) && peer->path.encap == path->encap &&
	    rv_addr_same(&peer->path.local, &path->local))
		return;
	moved.local = path->local;
	moved.remote = path->remote;
	moved.encap = path->encap;
	if (sa->state <= RV_IKE_HALF_OPEN)
		peer->path = moved;
	else if (peer->path.remote_nat && !peer->path.behind_nat && peer->sa == sa && !sa->pinned)
		rv_peer_moved(peer, &moved);
}

/* "a host behind a NAT SHOULD NOT do this": nor without one between. A pinned peer's NAT may give it another port. */
int ike_path_mapping(struct rv_ike_sa *sa, const struct rv_addr *remote)
{
	struct rv_path path = sa->peer->path;

	if (!path.remote_nat || path.behind_nat || (sa->pinned && !rv_addr_same_ip(&path.remote, remote)))
		return -RV_EREFUSED;
	path.remote = *remote;
	rv_peer_moved(sa->peer, &path);
	return 0;
}

const struct rv_path *ike_path_of(const struct rv_ike_exchange *x)
{
	return x->has_via ? &x->via : &x->sa->peer->path;
}

/* The verbs */

const struct rv_path *ike_verb_came_by(const struct rv_ike_exchange *x)
{
	return &x->path;
}

unsigned ike_verb_tries(const struct rv_ike_exchange *x)
{
	return x->tries;
}

void ike_verb_via(struct rv_ike_exchange *x, const struct rv_path *path)
{
	x->has_via = path != NULL;
	if (path)
		x->via = *path;
}

void ike_verb_resend(struct rv_ike_sa *sa, const struct rv_path *path)
{
	rv_list_each (&sa->requests, x, struct rv_ike_exchange, entry) {
		if (x->phase != IKE_WAITING)
			continue;
		ike_verb_via(x, path);
		ike_send_list(sa, ike_path_of(x), ike_sent(x));
	}
}

/* What transport mode protects are the addresses themselves: with others it is another child SA, which who set the
 * session up asks for when the peer has heard of the move. False: out of memory. */
static bool renew(struct rv_ike_sa *sa, struct rv_child *child)
{
	if (child->mode != RV_TRANSPORT || child->state != RV_CHILD_INSTALLED)
		return true;
	return !ike_child_create_later(sa, child->conf, SETTLE_US) && !ike_child_delete(child);
}

static void renew_all(struct rv_ike_sa *sa)
{
	sa->moves++;
	rv_list_each (&sa->peer->children, child, struct rv_child, entry)
		if (!renew(sa, child))
			return;
}

void ike_path_catch_up(const struct rv_ike_exchange *x, struct rv_child *child)
{
	if (x->moves != x->sa->moves)
		(void)renew(x->sa, child);
}

void ike_verb_move(struct rv_ike_sa *sa, const struct rv_path *path)
{
	struct rv_ike_sa *current = sa->peer->sa;
	bool up = sa->state >= RV_IKE_ESTABLISHED, elsewhere;

	sa->encap = path->encap && !path->plain_esp;
	if (current)
		current->encap = sa->encap;
	if (!up) {
		sa->peer->path = *path;
		return;
	}
	elsewhere = !rv_addr_same_ip(&sa->peer->path.local, &path->local) ||
		    !rv_addr_same_ip(&sa->peer->path.remote, &path->remote);
	ike_sa_keep_alive(sa, false);
	rv_peer_moved(sa->peer, path);
	ike_sa_keep_alive(sa, true);
	if (elsewhere && current && sa->peer->initiator)
		renew_all(current);
}

void ike_verb_pin(struct rv_ike_sa *sa, bool on)
{
	sa->pinned = on;
}

void ike_verb_encapsulate(struct rv_ike_sa *sa, struct rv_path *path)
{
	if (sa->port && !path->encap)
		sa->port->ops->encapsulate(sa->port->self, path);
}

int ike_verb_route(struct rv_ike_sa *sa, const struct rv_addr *local, const struct rv_addr *remote,
		   struct rv_path *path)
{
	const struct rv_connection *c = sa->peer->connection;
	const struct rv_path *now = &sa->peer->path;
	struct rv_addr from = local ? *local : (struct rv_addr){ 0 }, to = *remote;
	struct rv_path found;
	int r;

	from.port = c ? c->local_port : 0;
	to.port = c ? c->remote_port : 0;
	r = sa->port ? sa->port->ops->path(sa->port->self, local ? &from : NULL, &to, &found) : -RV_ENO_PROVIDER;
	if (r)
		return r;
	if (now->encap)
		ike_verb_encapsulate(sa, &found);
	if (rv_addr_same_ip(&found.remote, &now->remote))
		found.remote.port = now->remote.port;
	found.behind_nat = now->behind_nat;
	found.remote_nat = now->remote_nat;
	found.plain_esp = now->plain_esp;
	*path = found;
	return 0;
}

static uint8_t encap_of(const struct rv_ike_sa *sa)
{
	return sa->hs && !sa->initiator ? sa->hs->encap
	       : sa->peer->connection	? sa->peer->connection->encap
					: (uint8_t)RV_ENCAP_DEFAULT;
}

int ike_verb_nat_add(struct rv_ike_exchange *x, const struct rv_path *path)
{
	const struct rv_ike_sa *sa = x->sa;

	return x->room ? ike_nat_write(x, path, encap_of(sa), sa->spi_i, sa->spi_r) : -RV_ESTATE;
}

int ike_verb_nat_read(struct rv_ike_exchange *x, struct rv_path *path)
{
	uint8_t encap = encap_of(x->sa);
	int r = ike_nat_judge(x, encap, path);

	if (encap == RV_ENCAP_NEVER)
		no_nat(path);
	return r;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* path: the initiator decides which addresses are used (RFC 4555, 3.5, 3.8, 3.10); both sides tell theirs (3.6).
 *
 * A request that is not answered is sent again over each pair of addresses in turn; the pair that its answer comes by
 * is taken. Whatever was changed, the peer learns it by UPDATE_SA_ADDRESSES.
 */
#include "mobike.h"

#include <ravelin/sa.h>
#include <string.h>

enum { ROUTE_US = 1000000, PATHS_MAX = 16, RETRIES = 5, SAME_PATH_TRIES = 1 };

static const struct rv_path *path_now(const struct mobility *m)
{
	return m->staged ? &m->to : &m->peer->path;
}

static bool same_ends(const struct rv_path *a, const struct rv_path *b)
{
	return rv_addr_same_ip(&a->local, &b->local) && rv_addr_same_ip(&a->remote, &b->remote);
}

/* Pairs of addresses */

struct paths {
	struct mobility *m;
	const struct rv_addr *remote;
	struct rv_path path[PATHS_MAX];
	unsigned n;
};

static int add_path(void *arg, const struct rv_addr *local)
{
	struct paths *paths = arg;
	struct rv_path path;

	if (local->family != paths->remote->family || !address_allowed(paths->m->peer->connection, local) ||
	    rv_ike_route(paths->m->peer->sa, local, paths->remote, &path) || same_ends(&path, path_now(paths->m)))
		return 0;
	paths->path[paths->n++] = path;
	return paths->n == PATHS_MAX;
}

/* All pairs but the present one: first those with the peer's present address. */
static void find_paths(struct mobike *mobike, struct mobility *m, struct paths *out)
{
	struct rv_service *service = rv_registry_find(mobike->host->registry, "net", NULL);
	const struct rv_net_ops *ops = service ? rv_service_ops(service) : NULL;
	struct rv_addr remote = path_now(m)->remote;
	unsigned n = m->others ? m->others->n : 0;

	*out = (struct paths){ .m = m };
	if (!ops || !RV_HAS(ops, each))
		return;
	for (unsigned i = 0; i <= n && out->n < PATHS_MAX; i++) {
		out->remote = i ? &m->others->addr[i - 1] : &remote;
		(void)ops->each(rv_service_self(service), add_path, out);
	}
}

static bool is_ours(struct mobike *mobike, const struct rv_addr *addr)
{
	struct rv_service *service = rv_registry_find(mobike->host->registry, "net", NULL);
	const struct rv_net_ops *ops = service ? rv_service_ops(service) : NULL;

	return !ops || ops->local(rv_service_self(service), addr);
}

/* A pair that the routes lead to, when our present address is gone: the peer's present address before its others. */
static bool find_way(struct mobike *mobike, struct mobility *m, struct rv_path *out)
{
	unsigned n = m->others ? m->others->n : 0;

	for (unsigned i = 0; i <= n; i++) {
		const struct rv_addr *remote = i ? &m->others->addr[i - 1] : &m->peer->path.remote;
		if (!rv_ike_route(m->peer->sa, NULL, remote, out) && is_ours(mobike, &out->local) &&
		    address_allowed(m->peer->connection, &out->local))
			return true;
	}
	return false;
}

/* keep: the address that is left is still one of the peer's. */
static void remember(struct mobility *m, const struct rv_addr *addr)
{
	for (unsigned i = 0; m->others && i < m->others->n; i++)
		if (rv_addr_same_ip(&m->others->addr[i], addr))
			return;
	if (!m->others)
		m->others = talloc_zero(m, struct addresses);
	if (m->others && m->others->n < OTHERS_MAX)
		m->others->addr[m->others->n++] = *addr;
}

static void log_path(struct mobike *mobike, const struct mobility *m, const char *event, const struct rv_path *path)
{
	rv_log(&mobike->host->subject, RV_INFO, event, KV_UINT("session", m->peer->id), KV_ADDR("local", &path->local),
	       KV_ADDR("remote", &path->remote));
}

/* RFC 4555, 3.5: "Updates the IKE_SA with the new addresses", the IPsec SAs too, "unless the initiator's policy
 * requires a return routability check": a new address of the peer has to answer first, and the answer to the update is
 * that. */
static void take(struct mobike *mobike, struct mobility *m, const struct rv_path *path, bool keep)
{
	struct rv_ike_sa *sa = m->peer->sa;

	log_path(mobike, m, "path-changes", path);
	m->has_seen = false;
	m->to = *path;
	m->staged = !rv_addr_same_ip(&path->remote, &m->peer->path.remote);
	if (m->staged && keep)
		remember(m, &m->peer->path.remote);
	else
		rv_ike_move(sa, path);
	rv_ike_resend(sa, m->staged ? path : NULL);
}

/* The update */

static int build_update(struct rv_ike_exchange *x, void *self)
{
	struct mobike *mobike = self;
	struct mobility *m = mobility_of(mobike, rv_ike_sa(x));

	if (!m)
		return -RV_ECANCELLED;
	const struct rv_path *path = path_now(m);
	int r = rv_ike_add_notify(x, N_UPDATE_SA_ADDRESSES, rv_bytes(NULL, 0));

	rv_host_random(mobike->host, m->cookie, sizeof(m->cookie));
	if (!r)
		r = rv_ike_add_notify(x, N_COOKIE2, rv_bytes(m->cookie, sizeof(m->cookie)));
	if (!r)
		r = add_no_nats(x, path);
	if (!r)
		r = addresses_add(mobike, x, m, true);
	rv_ike_via(x, m->staged ? path : NULL);
	m->with_nat = true;
	m->again = false;
	log_path(mobike, m, "update-sent", path);
	return r;
}

static void try_another(struct mobike *mobike, struct mobility *m)
{
	struct paths paths;

	find_paths(mobike, m, &paths);
	if (m->tried < paths.n) {
		take(mobike, m, &paths.path[m->tried++], true);
		path_update(mobike, m);
		return;
	}
	m->staged = false;
	rv_log(&mobike->host->subject, RV_WARN, "addresses-refused", KV_UINT("session", m->peer->id),
	       KV_ADDR("local", &m->peer->path.local),
	       KV_STR("advice", "let the peer's configuration allow this address"));
}

static void nat_refused(struct mobike *mobike, struct mobility *m)
{
	/* RFC 4555, 3.9: "SHOULD retry the operation several times": one packet may have been changed by an attacker */
	if (++m->no_nats < RETRIES) {
		path_update(mobike, m);
		return;
	}
	rv_log(&mobike->host->subject, RV_WARN, "nat-not-allowed", KV_UINT("session", m->peer->id),
	       KV_STR("advice", "a NAT is on the way, which encap = never forbids"));
}

static void updated(struct mobike *mobike, struct rv_ike_exchange *x, struct mobility *m)
{
	struct rv_path path = *path_now(m);
	bool natted = rv_ike_nat_read(x, &path) > 0;

	m->tried = m->no_nats = 0;
	if (!m->staged && !natted)
		return;
	m->staged = false;
	rv_ike_move(rv_ike_sa(x), &path);
}

static void end_update(struct rv_ike_exchange *x, int result, void *self)
{
	struct mobike *mobike = self;
	struct mobility *m = mobility_asked(mobike, x, result);

	if (!m)
		return;
	if (m->again)
		path_update(mobike, m);
	else if (has_notify(x, N_UNEXPECTED_NAT_DETECTED))
		nat_refused(mobike, m);
	else if (has_notify(x, N_UNACCEPTABLE_ADDRESSES))
		try_another(mobike, m);
	else
		updated(mobike, x, m);
}

static rv_ike_step_fn *const update_steps[] = { build_update, NULL };
static const struct rv_ike_plan update_plan = {
	.story = "tell where we are now", .exchange = INFORMATIONAL, .build = update_steps, .end = end_update
};

void path_update(struct mobike *mobike, struct mobility *m)
{
	m->again = m->asking;
	if (m->asking)
		return;
	m->asking = !rv_ike_start(m->peer->sa, &update_plan, mobike);
	if (!m->asking)
		rv_log(&mobike->host->subject, RV_ERROR, "update-failed", KV_UINT("session", m->peer->id));
}

/* Our addresses alone */

static int build_addresses(struct rv_ike_exchange *x, void *self)
{
	struct mobility *m = mobility_of(self, rv_ike_sa(x));

	if (!m)
		return -RV_ECANCELLED;
	int r = addresses_add(self, x, m, true);

	return r ? r : add_no_nats(x, &m->peer->path);
}

static rv_ike_step_fn *const addresses_steps[] = { build_addresses, NULL };
static const struct rv_ike_plan addresses_plan = { .story = "tell our addresses",
						   .exchange = INFORMATIONAL,
						   .build = addresses_steps };

static void tell(struct mobike *mobike, struct mobility *m)
{
	m->told = addresses_digest(mobike, m->peer);
	if (rv_ike_start(m->peer->sa, &addresses_plan, mobike))
		rv_log(&mobike->host->subject, RV_ERROR, "update-failed", KV_UINT("session", m->peer->id));
}

/* Addresses of this host changed */

static int reconsider(struct rv_peer *peer, void *arg)
{
	struct mobike *mobike = arg;
	struct mobility *m = rv_attached(mobike->host, peer, struct mobility);
	struct rv_path path;

	if (!m || !m->on || !peer->sa || rv_ike_state(peer->sa) < RV_IKE_ESTABLISHED)
		return 0;
	if (is_ours(mobike, &path_now(m)->local)) {
		if (addresses_digest(mobike, peer) != m->told)
			tell(mobike, m);
		return 0;
	}
	if (!find_way(mobike, m, &path)) {
		mobike->stuck = true;
		rv_log(&mobike->host->subject, RV_DEBUG, "no-path", KV_UINT("session", peer->id),
		       KV_ADDR("remote", &peer->path.remote));
		return 0;
	}
	take(mobike, m, &path, true);
	if (peer->initiator) {
		path_update(mobike, m);
		return 0;
	}
	/* the one case in which a responder changes its SAs by itself (RFC 4555, 3.5, at the end) */
	m->staged = false;
	rv_ike_move(peer->sa, &path);
	tell(mobike, m);
	return 0;
}

void path_addresses_changed(struct mobike *mobike)
{
	mobike->stuck = false;
	rv_peer_each(mobike->host->core, NULL, reconsider, mobike);
	/* a route that comes later is not told of */
	if (mobike->stuck && rv_timer_arm(&mobike->timer, ROUTE_US))
		rv_log(&mobike->host->subject, RV_ERROR, "no-timer", KV_STR("for", "a path"));
}

/* RFC 4555, 3.5: an event to look again "if the announced set of addresses no longer contains the currently used
 * address" */
void path_peer_told(struct mobike *mobike, struct rv_ike_exchange *x, struct mobility *m)
{
	const struct rv_path *came = rv_ike_came_by(x);
	struct rv_path path = m->peer->path;

	for (unsigned i = 0; m->others && i < m->others->n; i++)
		if (rv_addr_same_ip(&m->others->addr[i], &path.remote))
			return;
	if (rv_addr_same_ip(&came->remote, &path.remote))
		return;
	path.local = came->local;
	path.remote = came->remote;
	path.encap = came->encap;
	take(mobike, m, &path, false);
	path_update(mobike, m);
}

/* Our requests */

int path_retransmit(struct rv_ike_exchange *x, void *self)
{
	struct rv_ike_sa *sa = rv_ike_sa(x);
	struct mobility *m = mobility_of(self, sa);
	unsigned tries = rv_ike_tries(x);
	struct paths paths;

	if (!m || !m->on || !m->peer->initiator || rv_ike_state(sa) < RV_IKE_ESTABLISHED || tries <= SAME_PATH_TRIES)
		return 0;
	find_paths(self, m, &paths);
	unsigned at = (tries - SAME_PATH_TRIES) % (paths.n + 1);

	rv_ike_via(x, at ? &paths.path[at - 1] : m->staged ? &m->to : NULL);
	return 0;
}

/* RFC 4555, 3.8: the hash says where the peer sees us. */
static bool mapping_changed(struct rv_ike_exchange *x, struct mobility *m)
{
	struct rv_bytes hash;
	bool changed;

	if (!rv_ike_notify(x, N_NAT_DETECTION_DESTINATION_IP, 0, &hash) || hash.len != SEEN_LEN)
		return false;
	changed = m->has_seen && !rv_bytes_equal(hash, rv_bytes(m->seen, SEEN_LEN));
	memcpy(m->seen, hash.p, SEEN_LEN);
	m->has_seen = true;
	return changed;
}

void path_answered(struct mobike *mobike, struct rv_ike_exchange *x, struct mobility *m)
{
	const struct rv_path *came = rv_ike_came_by(x);
	struct rv_path path = *path_now(m);

	if (!m->peer->initiator || rv_ike_state(rv_ike_sa(x)) < RV_IKE_ESTABLISHED || rv_ike_sa(x) != m->peer->sa)
		return;
	if (!same_ends(came, &path)) {
		path.local = came->local;
		path.remote = came->remote;
		path.encap = came->encap;
		take(mobike, m, &path, true);
		path_update(mobike, m);
	} else if (rv_ike_type(x) == INFORMATIONAL && mapping_changed(x, m) && !m->asking) {
		path_update(mobike, m);
	}
}

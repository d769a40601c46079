// SPDX-License-Identifier: LGPL-2.1-or-later
/* sad: the tables of sessions and child SAs (RFC 4301, 4.4.2), their lifetimes, and what kernels report of them. */
#include "inner.h"

#include <errno.h>
#include <ravelin/dns.h>
#include <string.h>
#include <talloc.h>

enum { RETRY_LEAST_US = 5 * 1000000, RETRY_US = 60 * 1000000 };

struct rv_sad {
	struct rv_core *core;
	struct rv_list peers;
	struct rv_table peer_ids, child_ids, spis, identities;
	uint32_t next_peer, next_child;
	struct rv_kernel_events events;
	struct rv_net_events net_events;
};

static void life(struct rv_timer *timer);

/* Tables */

struct rv_list *rv_sad_peers(struct rv_core *core)
{
	return &core->sad->peers;
}

struct rv_table *rv_sad_identities(struct rv_core *core)
{
	return &core->sad->identities;
}

static uint32_t free_id(const struct rv_table *table, uint32_t *next)
{
	do
		++*next;
	while (!*next || rv_table_find(table, *next, NULL));
	return *next;
}

int rv_sad_add_peer(struct rv_sad *sad, struct rv_peer *peer)
{
	peer->id = free_id(&sad->peer_ids, &sad->next_peer);
	int r = rv_table_add(&sad->peer_ids, peer);
	if (!r)
		rv_list_add(&sad->peers, &peer->entry);
	return r;
}

void rv_sad_del_peer(struct rv_sad *sad, struct rv_peer *peer)
{
	rv_list_del(&peer->entry);
	rv_table_del(&sad->peer_ids, peer);
}

struct rv_peer *rv_peer_by_id(struct rv_core *core, uint32_t id)
{
	return rv_table_find(&core->sad->peer_ids, id, NULL);
}

struct rv_child *rv_child_by_id(struct rv_core *core, uint32_t id)
{
	return rv_table_find(&core->sad->child_ids, id, NULL);
}

struct rv_child *rv_child_by_spi(struct rv_core *core, uint32_t spi_in)
{
	return rv_table_find(&core->sad->spis, spi_in, NULL);
}

int rv_sad_each_child(struct rv_core *core, int (*fn)(struct rv_child *child, void *arg), void *arg)
{
	rv_list_each (&core->sad->peers, peer, struct rv_peer, entry) {
		rv_list_each (&peer->children, child, struct rv_child, entry) {
			int r = fn(child, arg);
			if (r)
				return r;
		}
	}
	return 0;
}

const char *rv_drop_text(uint8_t cause)
{
	static const char *const texts[RV_N_DROPS] = {
		[RV_DROP_NO_SA] = "no-sa",
		[RV_DROP_REPLAY] = "replay",
		[RV_DROP_INTEGRITY] = "integrity",
		[RV_DROP_SELECTOR] = "selector",
		[RV_DROP_MALFORMED] = "malformed",
		[RV_DROP_SEQUENCE_END] = "sequence-end",
		[RV_DROP_NO_POLICY] = "no-policy",
		[RV_DROP_POLICY] = "policy",
		[RV_DROP_IO] = "io",
		[RV_DROP_ECN] = "ecn",
		[RV_DROP_TOO_BIG] = "too-big",
		[RV_DROP_FRAGMENT] = "fragment",
	};

	return cause < RV_COUNT(texts) ? texts[cause] : "unknown";
}

/* Child SAs */

static void child_text(const struct rv_user *user, char *out, size_t size)
{
	const struct rv_child *child = rv_container_of(user, const struct rv_child, user);
	const struct rv_connection *connection = child->peer->connection;

	snprintf(out, size, "child SA %s #%u of %s", child->conf->name, child->id, connection ? connection->name : "?");
}

/* SAs first, so that what still comes is dropped; then routes, guards and policies. */
static int child_gone(struct rv_child_whole *c)
{
	struct rv_child *child = &c->child;
	struct rv_sad *sad = child->peer->core->sad;

	rv_timer_cancel(&child->timer);
	rv_install_end(c);
	rv_child_sa_del(c, RV_OUT);
	rv_child_sa_del(c, RV_IN);
	rv_spd_set_fini(&c->policies);
	rv_reqid_drop(child->peer->core->spd, child->reqid);
	rv_ref_drop(&child->kernel);
	rv_table_del(&sad->spis, child);
	rv_table_del(&sad->child_ids, child);
	rv_list_del(&child->entry);
	return 0;
}

/* The inbound SPI and the reqid; what is missing stays 0 and the destructor copes. */
static int child_numbers(struct rv_child *child, uint32_t reqid, uint32_t spi_in)
{
	struct rv_core *core = child->peer->core;
	const struct rv_kernel_ops *ops = rv_service_ops(child->kernel.service);
	int r;

	if (!reqid)
		reqid = rv_traps_reqid(core, child->conf);
	r = reqid ? rv_reqid_hold(core->spd, reqid) : rv_reqid_new(core->spd, &child->reqid);
	if (r)
		return r;
	if (reqid)
		child->reqid = reqid;
	if (!spi_in)
		r = ops->spi(rv_service_self(child->kernel.service), &child->peer->path.local, child->protocol,
			     &spi_in);
	if (r)
		return r;
	child->spi_in = spi_in;
	rv_child_whole(child)->spi_reserved = true;
	r = rv_table_add(&core->sad->spis, child);
	return r ? r : rv_table_add(&core->sad->child_ids, child);
}

struct rv_child *rv_child_new_spi(struct rv_peer *peer, const struct rv_child_conf *conf, uint32_t reqid,
				  uint32_t spi_in, struct rv_why *why)
{
	struct rv_core *core = peer->core;
	struct rv_service *kernel = rv_registry_find(core->registry, "kernel", NULL);
	struct rv_child_whole *c;

	if (!kernel) {
		rv_why_set(why, -RV_ENO_PROVIDER, "no kernel plugin is loaded that could carry the child SA");
		return NULL;
	}
	c = talloc_zero(peer, struct rv_child_whole);
	if (!c || (conf->connection != peer->connection && !talloc_reference(c, conf->connection))) {
		talloc_free(c);
		rv_why_set(why, -ENOMEM, "no memory for a child SA");
		return NULL;
	}
	struct rv_child *child = &c->child;

	child->peer = peer;
	child->conf = conf;
	child->mode = conf->mode;
	child->protocol = conf->protocol;
	child->encap = child->protocol != RV_PROTO_AH && peer->path.encap && !peer->path.plain_esp;
	child->user.text = child_text;
	child->since_us = rv_loop_now_us(core->loop);
	child->id = free_id(&core->sad->child_ids, &core->sad->next_child);
	rv_timer_init(&child->timer, core->loop, life);
	rv_list_add(&peer->children, &child->entry);
	talloc_set_destructor(c, child_gone);
	int r = rv_ref_take(&child->kernel, kernel, &child->user);
	if (!r)
		r = child_numbers(child, reqid, spi_in);
	if (!r)
		return child;
	rv_why_set(why, r, "the kernel plugin %s gives no SPI: %s", rv_service_owner(kernel), rv_error_text(r));
	talloc_free(c);
	return NULL;
}

struct rv_child *rv_child_new(struct rv_peer *peer, const struct rv_child_conf *conf, uint32_t reqid,
			      struct rv_why *why)
{
	return rv_child_new_spi(peer, conf, reqid, 0, why);
}

bool rv_child_extends(const struct rv_child *child)
{
	const struct rv_kernel_ops *ops = child->kernel.service ? rv_service_ops(child->kernel.service) : NULL;

	return ops && RV_HAS(ops, extends) && ops->extends(rv_service_self(child->kernel.service));
}

int rv_child_extend(struct rv_child *child, const char *ext, struct rv_bytes in, struct rv_bytes out)
{
	struct rv_child_ext *e;

	if (child->ext) /* one at a time */
		return -RV_EEXISTS;
	e = talloc_zero_size(rv_child_whole(child), sizeof(*e) + in.len + out.len);
	if (e)
		e->name = talloc_strdup(e, ext);
	if (!e || !e->name) {
		talloc_free(e);
		return -ENOMEM;
	}
	uint8_t *octets = (uint8_t *)(e + 1);

	if (in.len)
		memcpy(octets, in.p, in.len);
	if (out.len)
		memcpy(octets + in.len, out.p, out.len);
	e->in = rv_bytes(octets, in.len);
	e->out = rv_bytes(octets + in.len, out.len);
	child->ext = e;
	return 0;
}

void rv_child_sequence(struct rv_child *child, uint64_t in, uint64_t out)
{
	struct rv_child_whole *c = rv_child_whole(child);

	c->sequence[RV_IN] = in;
	c->sequence[RV_OUT] = out;
}

int rv_child_set(struct rv_child *child, const struct rv_proposal *chosen, uint32_t spi_out, uint8_t mode,
		 const struct rv_ts *local, size_t n_local, const struct rv_ts *remote, size_t n_remote)
{
	static const uint8_t classes[RV_COUNT(child->chosen)] = { RV_CLASS_ENCR, RV_CLASS_INTEG, RV_CLASS_KE,
								  RV_CLASS_SN };
	struct rv_child_whole *c = rv_child_whole(child);
	struct rv_ts *ts = c->two;

	if (n_local > UINT8_MAX || n_remote > UINT8_MAX)
		return -RV_ELIMIT;
	if (n_local + n_remote > RV_COUNT(c->two))
		ts = talloc_array(c, struct rv_ts, (unsigned)(n_local + n_remote));
	if (!ts)
		return -ENOMEM;
	for (size_t i = 0; i < n_local; i++)
		ts[i] = local[i];
	for (size_t i = 0; i < n_remote; i++)
		ts[n_local + i] = remote[i];
	if (child->ts != c->two && child->ts != ts)
		talloc_free(child->ts);
	child->ts = ts;
	child->n_local_ts = (uint8_t)n_local;
	child->n_remote_ts = (uint8_t)n_remote;
	child->spi_out = spi_out;
	child->mode = mode;
	child->n_chosen = 0;
	for (size_t i = 0; i < RV_COUNT(classes); i++) {
		const struct rv_transform *t = rv_proposal_get(chosen, classes[i]);
		if (t)
			child->chosen[child->n_chosen++] = *t;
	}
	const struct rv_transform *sn = rv_proposal_get(chosen, RV_CLASS_SN);
	child->esn = sn && sn->id == RV_ESN;
	return 0;
}

int rv_child_stats(struct rv_child *child, uint8_t dir, struct rv_sa_stats *out)
{
	const struct rv_kernel_ops *ops = rv_service_ops(child->kernel.service);

	if (!rv_child_whole(child)->in_kernel[dir])
		return -RV_ESTATE;
	return ops->stats(rv_service_self(child->kernel.service), dir == RV_IN ? child->spi_in : child->spi_out, dir,
			  &child->peer->path.remote, out);
}

/* What the configuration wants when a child SA went away for reason. */
static uint8_t action_for(struct rv_child *child, int reason)
{
	if (!reason || rv_child_whole(child)->replaced)
		return RV_ACTION_NONE;
	return reason == -RV_ETIMEOUT ? child->conf->dpd_action : child->conf->close_action;
}

void rv_child_out_down(struct rv_child *child)
{
	rv_child_sa_del(rv_child_whole(child), RV_OUT);
}

void rv_child_down(struct rv_child *child, int reason)
{
	struct rv_child_whole *c = rv_child_whole(child);
	struct rv_core *core = child->peer->core;
	struct rv_call *waiting = rv_install_end(c);

	if (c->announced && !c->replaced) {
		rv_event_emit(core, &(struct rv_event){ .name = "child-down",
							.peer = child->peer,
							.child = child,
							.connection = child->peer->connection,
							.code = reason });
		rv_tunnel_lost(core, child->conf, action_for(child, reason),
			       rv_loop_now_us(core->loop) - child->since_us);
	}
	if (c->replaced)
		rv_child_linger(c);
	talloc_free(c);
	if (waiting)
		rv_call_finish(waiting, -RV_ECANCELLED);
}

/* Lifetimes: one timer, which serves what is due first. */

static uint64_t least(uint64_t a, uint64_t b)
{
	return b && b < a ? b : a;
}

static uint64_t last_used(struct rv_child *child)
{
	uint64_t last = child->since_us;

	for (uint8_t dir = RV_IN; dir <= RV_OUT; dir++) {
		struct rv_sa_stats stats;
		if (!rv_child_stats(child, dir, &stats) && stats.last_used_us > last)
			last = stats.last_used_us;
	}
	return last;
}

static int arm(struct rv_child_whole *c, uint64_t now, uint64_t idle_at)
{
	uint64_t due = least(least(least(UINT64_MAX, c->child.hard_us), c->soft_us), idle_at);

	if (due == UINT64_MAX)
		return 0;
	return rv_timer_arm(&c->child.timer, due > now ? due - now : 0);
}

/* Traffic must stop at a hard limit (RFC 4301, 4.4.2.1), however long the peer takes to agree. */
static void end_of_life(struct rv_child_whole *c, const char *why)
{
	struct rv_child *child = &c->child;
	struct rv_peer *peer = child->peer;
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);

	rv_event_emit(
		peer->core,
		&(struct rv_event){
			.name = "expire", .peer = peer, .child = child, .connection = peer->connection, .text = why });
	if (child->state == RV_CHILD_DELETING)
		return;
	rv_child_sa_del(c, RV_OUT);
	rv_child_sa_del(c, RV_IN);
	child->state = RV_CHILD_DELETING;
	if (!RV_HAS(ops, child_down) || ops->child_down(rv_service_self(peer->keying.service), child) < 0)
		rv_child_down(child, 0);
}

static void rekey_child(struct rv_child *child)
{
	struct rv_peer *peer = child->peer;
	const struct rv_keying_ops *ops = rv_service_ops(peer->keying.service);
	int r;

	if (child->state != RV_CHILD_INSTALLED || !RV_HAS(ops, child_rekey))
		return;
	r = ops->child_rekey(rv_service_self(peer->keying.service), child);
	if (r < 0)
		rv_log(&peer->core->subject, RV_WARN, "rekey-failed",
		       KV_STR("connection", peer->connection ? peer->connection->name : "?"),
		       KV_STR("error", rv_error_text(r)));
}

static void life(struct rv_timer *timer)
{
	struct rv_child_whole *c = rv_container_of(timer, struct rv_child_whole, child.timer);
	struct rv_child *child = &c->child;
	uint64_t now = rv_loop_now_us(child->peer->core->loop), idle_at = 0;
	bool rekey = c->soft_us && now >= c->soft_us;

	if (child->hard_us && now >= child->hard_us) {
		child->hard_us = c->soft_us = 0;
		end_of_life(c, "hard limit");
		return;
	}
	if (child->conf->inactivity_us) {
		idle_at = last_used(child) + child->conf->inactivity_us;
		if (now >= idle_at) {
			child->hard_us = c->soft_us = 0;
			end_of_life(c, "no traffic");
			return;
		}
	}
	if (rekey) {
		/* it is asked again when the protocol did not get there: its peer may have been busy */
		uint64_t left = child->hard_us ? (child->hard_us - now) / 4 : RETRY_US;
		c->soft_us = now + (left > RETRY_LEAST_US ? left : RETRY_LEAST_US);
	}
	if (arm(c, now, idle_at))
		rv_log(&child->peer->core->subject, RV_ERROR, "timer-failed", KV_UINT("child-id", child->id));
	if (rekey)
		rekey_child(child);
}

int rv_child_live(struct rv_child_whole *c)
{
	struct rv_child *child = &c->child;
	const struct rv_child_conf *conf = child->conf;
	const struct rv_keying_ops *ops = rv_service_ops(child->peer->keying.service);
	struct rv_core *core = child->peer->core;
	uint64_t now = rv_loop_now_us(core->loop), jitter = 0;

	if (rv_timer_armed(&child->timer))
		return 0;
	if (conf->rand_us) {
		rv_host_random(core->host, &jitter, sizeof(jitter));
		jitter %= (conf->rand_us < conf->rekey_us ? conf->rand_us : conf->rekey_us) + 1;
	}
	uint64_t soft = conf->rekey_us > jitter ? conf->rekey_us - jitter : 0, hard = conf->life_us;
	c->soft_us = !conf->rekey_us ? 0 : now + (soft > c->age_us ? soft - c->age_us : 0);
	if (!RV_HAS(ops, child_rekey)) {
		c->soft_us = 0;
		hard = rv_conf_has(conf->conf, "life_time") ? hard : 0; /* no default ends what nothing replaces */
	}
	child->hard_us = !hard ? 0 : now + (hard > c->age_us ? hard - c->age_us : 0);
	child->since_us = now > c->age_us ? now - c->age_us : 0;
	return arm(c, now, conf->inactivity_us ? now + conf->inactivity_us : 0);
}

/* What kernels report. It comes in the middle of the kernel's work, so an expired SA is dealt with by its timer. */

static void on_acquire(void *arg, uint32_t reqid, const struct rv_ts *local, const struct rv_ts *remote)
{
	struct rv_sad *sad = arg;

	rv_tunnel_acquire(sad->core, reqid, local, remote);
}

static void on_expire(void *arg, uint32_t child_id, bool hard)
{
	struct rv_sad *sad = arg;
	struct rv_child *child = rv_child_by_id(sad->core, child_id);
	uint64_t now = rv_loop_now_us(sad->core->loop);

	if (!child)
		return;
	if (hard)
		child->hard_us = now;
	else
		rv_child_whole(child)->soft_us = now;
	if (arm(rv_child_whole(child), now, 0))
		rv_log(&sad->core->subject, RV_ERROR, "timer-failed", KV_UINT("child-id", child_id));
}

static void on_mapping(void *arg, uint32_t spi, const struct rv_addr *remote)
{
	struct rv_sad *sad = arg;
	struct rv_child *child = rv_child_by_spi(sad->core, spi);

	if (!child)
		return;
	const struct rv_keying_ops *ops = rv_service_ops(child->peer->keying.service);
	if (RV_HAS(ops, moved))
		ops->moved(rv_service_self(child->peer->keying.service), child->peer, remote);
}

struct unknown {
	uint32_t spi;
	struct rv_path path;
};

static int take_unknown(struct rv_service *service, void *arg)
{
	const struct rv_keying_ops *ops = rv_service_ops(service);
	const struct unknown *u = arg;

	return RV_HAS(ops, unknown_spi) && !ops->unknown_spi(rv_service_self(service), u->spi, &u->path);
}

static void on_unknown(void *arg, uint32_t spi, const struct rv_addr *local, const struct rv_addr *remote, bool encap)
{
	struct rv_sad *sad = arg;
	struct unknown u = { .spi = spi, .path = { .local = *local, .remote = *remote, .encap = encap } };

	(void)rv_registry_each(sad->core->registry, "keying", take_unknown, &u);
}

static void on_address(void *arg, const struct rv_addr *addr, unsigned ifindex, bool up)
{
	struct rv_sad *sad = arg;
	char text[RV_ADDR_TEXT];

	rv_event_emit(sad->core, &(struct rv_event){ .name = up ? "address-up" : "address-down",
						     .text = rv_addr_text(addr, text),
						     .address = addr });
}

/* What a daemon that was killed left behind goes first. */
static void kernel_change(void *arg, struct rv_service *service, bool added)
{
	struct rv_sad *sad = arg;
	const struct rv_kernel_ops *ops = rv_service_ops(service);
	void *self = rv_service_self(service);

	if (added && !rv_service_users(service))
		ops->flush(self);
	ops->events(self, added ? &sad->events : NULL);
}

static void dns_change(void *arg, struct rv_service *service, bool added)
{
	const struct rv_dns_ops *ops = rv_service_ops(service);

	if (added && !rv_service_users(service))
		ops->flush(rv_service_self(service));
}

static void net_change(void *arg, struct rv_service *service, bool added)
{
	struct rv_sad *sad = arg;
	const struct rv_net_ops *ops = rv_service_ops(service);

	if (added && !rv_service_users(service))
		ops->flush(rv_service_self(service));
	ops->events(rv_service_self(service), added ? &sad->net_events : NULL);
}

static int forget(struct rv_service *service, void *arg)
{
	const struct rv_kernel_ops *ops = rv_service_ops(service);

	ops->events(rv_service_self(service), NULL);
	return 0;
}

static int forget_net(struct rv_service *service, void *arg)
{
	const struct rv_net_ops *ops = rv_service_ops(service);

	ops->events(rv_service_self(service), NULL);
	return 0;
}

static int sad_gone(struct rv_sad *sad)
{
	rv_registry_each(sad->core->registry, "kernel", forget, NULL);
	rv_registry_each(sad->core->registry, "net", forget_net, NULL);
	return 0;
}

struct rv_sad *rv_sad_new(const void *parent, struct rv_core *core)
{
	struct rv_sad *sad = talloc_zero(parent, struct rv_sad);

	if (!sad)
		return NULL;
	sad->core = core;
	rv_list_init(&sad->peers);
	sad->peer_ids = rv_table(sad, offsetof(struct rv_peer, id));
	sad->identities = rv_table(sad, offsetof(struct rv_peer_whole, ends));
	sad->child_ids = rv_table(sad, offsetof(struct rv_child, id));
	sad->spis = rv_table(sad, offsetof(struct rv_child, spi_in));
	sad->events = (struct rv_kernel_events){
		.acquire = on_acquire, .expire = on_expire, .mapping = on_mapping, .arg = sad, .unknown = on_unknown
	};
	sad->net_events = (struct rv_net_events){ .address = on_address, .arg = sad };
	if (!rv_registry_watch(core->registry, sad, "kernel", kernel_change, sad) ||
	    !rv_registry_watch(core->registry, sad, "net", net_change, sad) ||
	    !rv_registry_watch(core->registry, sad, "dns", dns_change, sad)) {
		talloc_free(sad);
		return NULL;
	}
	talloc_set_destructor(sad, sad_gone);
	return sad;
}

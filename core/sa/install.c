// SPDX-License-Identifier: LGPL-2.1-or-later
/* install: how a child SA gets into the kernel, step by step, each of which may be answered later.
 *
 * Policies first, so that nothing leaves unprotected; then the SA of each direction; then addresses that the peer lent
 * us, routes and guards. A step that fails undoes those before it.
 */
#include "inner.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

enum step { POLICIES, SA_IN, SA_OUT, ADDRESSES, ROUTES, N_STEPS };

struct rv_install {
	struct rv_child_whole *c;
	struct rv_call call, *answer;
	struct rv_child_keys keys; /* borrowed, or (once a step pends) of kept */
	uint32_t replaces;
	uint8_t step;
	bool in_only, kept, did[N_STEPS];
};

static void finished(struct rv_call *call, int result);

void rv_child_sa_del(struct rv_child_whole *c, uint8_t dir)
{
	struct rv_child *child = &c->child;

	if (!c->in_kernel[dir] && !(dir == RV_IN && c->spi_reserved))
		return;
	const struct rv_kernel_ops *ops = rv_service_ops(child->kernel.service);
	c->in_kernel[dir] = false;
	if (dir == RV_IN)
		c->spi_reserved = false;
	int r = ops->sa_del(rv_service_self(child->kernel.service), dir == RV_IN ? child->spi_in : child->spi_out, dir,
			    &child->peer->path.remote);
	if (r < 0 && r != -ENOENT)
		rv_log(&child->peer->core->subject, RV_WARN, "sa-not-removed", KV_UINT("child-id", child->id),
		       KV_STR("error", rv_error_text(r)));
}

static int add_policies(struct rv_install *in)
{
	struct rv_child_whole *c = in->c;
	struct rv_child *child = &c->child;
	const struct rv_spd_want want = { .kernel = child->kernel.service,
					  .user = &child->user,
					  .local = child->ts,
					  .n_local = child->n_local_ts,
					  .remote = child->ts + child->n_local_ts,
					  .n_remote = child->n_remote_ts,
					  .action = child->mode,
					  .reqid = child->reqid,
					  .priority = child->conf->priority,
					  .interface = child->conf->interface };
	struct rv_why why = { 0 };

	if (in->in_only || c->policies.spd)
		return 0;
	if (rv_spd_set_init(&c->policies, child->peer->core->spd, &want, &why)) {
		rv_log(&child->peer->core->subject, RV_WARN, "policies-refused", KV_UINT("child-id", child->id),
		       KV_STR("why", why.text));
		return why.code ? why.code : -ENOMEM;
	}
	in->did[POLICIES] = true;
	return rv_spd_set_install(&c->policies, RV_SPD_KERNEL, &in->call);
}

/* A limit at which keys are replaced, less a random part, so that not all are at once. */
static uint64_t jittered(const struct rv_core *core, uint64_t limit, uint64_t part)
{
	uint64_t less;

	if (!limit || !part)
		return limit;
	rv_host_random(core->host, &less, sizeof(less));
	return limit - less % ((part < limit ? part : limit - 1) + 1);
}

static int add_sa(struct rv_install *in, uint8_t dir)
{
	struct rv_child *child = &in->c->child;
	const struct rv_core *core = child->peer->core;
	const struct rv_child_conf *conf = child->conf;
	const struct rv_path *path = &child->peer->path;
	const struct rv_kernel_ops *ops = rv_service_ops(child->kernel.service);
	struct rv_sa_spec spec = { .dir = dir,
				   .mode = child->mode,
				   .protocol = child->protocol,
				   .encap = child->encap,
				   .esn = child->esn,
				   .spi = dir == RV_IN ? child->spi_in : child->spi_out,
				   .reqid = child->reqid,
				   .child_id = child->id,
				   .src = dir == RV_IN ? path->remote : path->local,
				   .dst = dir == RV_IN ? path->local : path->remote,
				   .encr_key = dir == RV_IN ? in->keys.encr_in : in->keys.encr_out,
				   .integ_key = dir == RV_IN ? in->keys.integ_in : in->keys.integ_out,
				   .replay_window = conf->replay_window,
				   .local_ts = child->ts,
				   .n_local_ts = child->n_local_ts,
				   .remote_ts = child->ts + child->n_local_ts,
				   .n_remote_ts = child->n_remote_ts,
				   .bytes_soft = jittered(core, conf->rekey_bytes, conf->rand_bytes),
				   .bytes_hard = conf->life_bytes,
				   .packets_soft = jittered(core, conf->rekey_packets, conf->rand_packets),
				   .packets_hard = conf->life_packets,
				   .interface = conf->interface,
				   .sequence = in->c->sequence[dir],
				   .tfc = dir == RV_OUT ? child->tfc : 0,
				   .fragments_also = child->fragments_also,
				   .copy_dscp = conf->copy_dscp,
				   .plain_ecn = conf->plain_ecn,
				   .keep_mss = conf->keep_mss,
				   .fragment_first = conf->fragment_first,
				   .copy_df = conf->copy_df,
				   .dummy_us = dir == RV_OUT ? conf->dummy_us : 0 };

	if (child->ext) {
		spec.ext = child->ext->name;
		spec.ext_octets = dir == RV_IN ? child->ext->in : child->ext->out;
	}
	if (in->c->in_kernel[dir] || (dir == RV_OUT && in->in_only))
		return 0;
	spec.chosen.protocol = child->protocol;
	spec.chosen.n = child->n_chosen;
	for (uint8_t i = 0; i < child->n_chosen; i++)
		spec.chosen.t[i] = child->chosen[i];
	in->did[dir == RV_IN ? SA_IN : SA_OUT] = true;
	/* from here on it may be there, and must be taken out */
	in->c->in_kernel[dir] = true;
	int r = ops->sa_add(rv_service_self(child->kernel.service), &spec, &in->call);
	if (r < 0)
		in->c->in_kernel[dir] = false;
	return r;
}

static int add_sa_in(struct rv_install *in)
{
	return add_sa(in, RV_IN);
}

static int add_sa_out(struct rv_install *in)
{
	return add_sa(in, RV_OUT);
}

static int add_addresses(struct rv_install *in)
{
	return in->in_only ? 0 : rv_lent_place(&in->c->child);
}

static int add_routes(struct rv_install *in)
{
	return in->in_only ? 0 : rv_spd_set_install(&in->c->policies, RV_SPD_NET, &in->call);
}

static int (*const steps[N_STEPS])(struct rv_install *in) = {
	[POLICIES] = add_policies,   [SA_IN] = add_sa_in,   [SA_OUT] = add_sa_out,
	[ADDRESSES] = add_addresses, [ROUTES] = add_routes,
};

/* The keys were lent for the call only; a later step needs its own. One secret holds all four. */
static int keep_keys(struct rv_install *in)
{
	struct rv_bytes *all[] = { &in->keys.encr_in, &in->keys.encr_out, &in->keys.integ_in, &in->keys.integ_out };
	size_t len = 0, at = 0;

	if (in->kept)
		return 0;
	for (size_t i = 0; i < RV_COUNT(all); i++)
		len += all[i]->len;
	in->kept = true;
	if (!len)
		return 0;
	struct rv_secret *secret = rv_secret_new(in->c->child.peer->core->vault, in, len);
	if (!secret)
		return -ENOMEM;
	for (size_t i = 0; i < RV_COUNT(all); i++) {
		for (size_t k = 0; k < all[i]->len; k++)
			secret->b[at + k] = all[i]->p[k];
		*all[i] = rv_bytes(secret->b + at, all[i]->len);
		at += all[i]->len;
	}
	return 0;
}

static int run(struct rv_install *in)
{
	for (; in->step < N_STEPS; in->step++) {
		int r = steps[in->step](in);

		if (r == RV_PENDING && keep_keys(in)) {
			rv_call_cancel(&in->call);
			return -ENOMEM;
		}
		if (r)
			return r;
	}
	return 0;
}

static void undo(struct rv_install *in)
{
	struct rv_child_whole *c = in->c;

	if (in->did[SA_OUT])
		rv_child_sa_del(c, RV_OUT);
	if (in->did[SA_IN] && c->in_kernel[RV_IN])
		rv_child_sa_del(c, RV_IN);
	if (in->did[POLICIES])
		rv_spd_set_fini(&c->policies);
}

static void announce(struct rv_install *in)
{
	struct rv_child *child = &in->c->child;
	struct rv_core *core = child->peer->core;
	struct rv_child *old = in->replaces ? rv_child_by_id(core, in->replaces) : NULL;

	child->state = RV_CHILD_INSTALLED;
	in->c->announced = true;
	if (old) {
		old->state = RV_CHILD_REKEYED;
		rv_child_whole(old)->replaced = true;
		rv_child_whole(old)->soft_us = 0;
	}
	rv_event_emit(core, &(struct rv_event){ .name = in->replaces ? "child-rekeyed" : "child-up",
						.peer = child->peer,
						.child = child,
						.connection = child->peer->connection,
						.attempt = child->attempt });
}

/* The end, well or not. in is gone afterwards. */
static int end(struct rv_install *in, int r)
{
	struct rv_child_whole *c = in->c;

	if (!r)
		r = rv_child_live(c);
	if (r)
		undo(in);
	c->install = NULL;
	if (!r && !in->in_only)
		announce(in);
	talloc_free(in);
	return r;
}

static void finished(struct rv_call *call, int result)
{
	struct rv_install *in = rv_container_of(call, struct rv_install, call);
	struct rv_call *answer = in->answer;
	int r = result;

	if (!r) {
		in->step++;
		rv_call_init(&in->call, finished);
		r = run(in);
	}
	if (r == RV_PENDING)
		return;
	r = end(in, r);
	rv_call_finish(answer, r);
}

/* Who asked for it lost interest: it goes back to what it was. */
static void cancelled(struct rv_call *call)
{
	struct rv_install *in = call->provider;

	rv_call_cancel(&in->call);
	undo(in);
	in->c->install = NULL;
	talloc_free(in);
}

struct rv_call *rv_install_end(struct rv_child_whole *c)
{
	struct rv_install *in = c->install;

	if (!in)
		return NULL;
	struct rv_call *answer = in->answer;
	rv_call_cancel(&in->call);
	c->install = NULL;
	talloc_free(in);
	return answer;
}

/* All SAs between the same selectors share one reqid: the policy is one, and the newest SA serves it. */
static int share_reqid(struct rv_child *child)
{
	struct rv_spd *spd = child->peer->core->spd;
	uint32_t there = rv_spd_reqid_of(spd, child->ts, child->n_local_ts, child->ts + child->n_local_ts,
					 child->n_remote_ts, child->conf->interface);
	int r;

	if (!there || there == child->reqid)
		return 0;
	r = rv_reqid_hold(spd, there);
	if (r)
		return r;
	rv_reqid_drop(spd, child->reqid);
	child->reqid = there;
	return 0;
}

int rv_child_install(struct rv_child *child, const struct rv_child_keys *keys, const struct rv_child *replaces,
		     bool in_only, struct rv_call *call)
{
	struct rv_child_whole *c = rv_child_whole(child);
	struct rv_install *in;
	int r = 0;

	if (c->install || !child->ts || child->state != RV_CHILD_NEW)
		return -RV_ESTATE;
	if (child->conf->ext && (!child->ext || strcmp(child->ext->name, child->conf->ext) != 0))
		return -RV_ENO_PROVIDER; /* what the mode says is not there */
	if (!c->in_kernel[RV_IN])
		r = share_reqid(child);
	if (r)
		return r;
	in = talloc_zero(c, struct rv_install);
	if (!in)
		return -ENOMEM;
	*in = (struct rv_install){
		.c = c, .answer = call, .keys = *keys, .replaces = replaces ? replaces->id : 0, .in_only = in_only
	};
	rv_call_init(&in->call, finished);
	c->install = in;
	r = run(in);
	return r == RV_PENDING ? rv_call_pend(call, cancelled, in) : end(in, r);
}

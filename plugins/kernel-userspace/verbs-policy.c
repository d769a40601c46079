// SPDX-License-Identifier: LGPL-2.1-or-later
/* verbs-policy: policies as the service's callers see them, and the outbound SAs of one reqid, newest first, between
 * the policies that ask for them and the SAs themselves. */
#include "trap.h"
#include "userspace.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdlib.h>

static void bundle_free(struct retired *retired)
{
	free(rv_container_of(retired, struct bundle, retired));
}

struct bundle *bundle_get(struct userspace *u, uint32_t reqid)
{
	struct bundle *bundle = table_get(&u->db.bundles, reqid);

	if (!bundle) {
		bundle = calloc(1, sizeof(*bundle));
		if (!bundle)
			return NULL;
		bundle->key = reqid;
		if (table_add(&u->db.bundles, bundle)) {
			free(bundle);
			return NULL;
		}
	}
	bundle->users++;
	return bundle;
}

void bundle_put(struct userspace *u, struct bundle *bundle)
{
	if (--bundle->users)
		return;
	table_del(&u->db.bundles, bundle);
	retire(&u->db.retirer, &bundle->retired, bundle_free);
}

void bundle_add(struct userspace *u, struct bundle *bundle, struct sa *sa)
{
	atomic_store(&sa->out.older, atomic_load(&bundle->first));
	atomic_store_explicit(&bundle->first, sa, memory_order_release);
	for (struct policy *p = bundle->policies; p; p = p->next) {
		if (!p->trap)
			continue;
		atomic_store(&p->trap->asked_us, 0);
		worker_release(&u->workers[0], trap_take(p->trap));
	}
}

void bundle_del(struct bundle *bundle, struct sa *sa)
{
	_Atomic(struct sa *) *at = &bundle->first;

	while (atomic_load(at) && atomic_load(at) != sa)
		at = &atomic_load(at)->out.older;
	if (atomic_load(at))
		atomic_store_explicit(at, atomic_load(&sa->out.older), memory_order_release);
}

/* No worker can see it any more. */
static void policy_reap(struct retired *retired)
{
	struct policy *p = rv_container_of(retired, struct policy, retired);
	struct userspace *u = p->iface->home;

	if (p->trap)
		trap_free(&u->db, trap_take(p->trap));
	if (p->bundle)
		bundle_put(u, p->bundle);
	iface_put(p->iface);
	free(p);
}

static struct policy *policy_new(struct userspace *u, const struct rv_policy_spec *spec, struct iface *iface)
{
	struct trapped {
		struct policy policy;
		struct trap trap;
	} *block = calloc(1, spec->trap ? sizeof(*block) : sizeof(block->policy));

	if (!block)
		return NULL;
	struct policy *p = &block->policy;

	*p = (struct policy){ .local = spec->local_ts,
			      .remote = spec->remote_ts,
			      .priority = spec->priority,
			      .iface_id = iface->key,
			      .action = spec->action,
			      .iface = iface };
	if (spec->trap) {
		p->trap = &block->trap;
		p->trap->end = &p->trap->first;
	}
	if (spec->action != RV_TUNNEL && spec->action != RV_TRANSPORT)
		return p;
	p->bundle = bundle_get(u, spec->reqid);
	if (!p->bundle) {
		free(p);
		return NULL;
	}
	return p;
}

static int policy_add(struct userspace *u, const struct rv_policy_spec *spec, struct rv_why *why)
{
	struct iface *iface;

	if (!rv_family_len(spec->local_ts.family) || spec->local_ts.family != spec->remote_ts.family ||
	    spec->action > RV_DROP)
		return rv_why_set(why, -EINVAL, "the selectors are not of one family, or the action is unknown");
	int r = iface_get(u, spec->interface, &iface, why);
	if (r)
		return r;
	if (spd_same(&u->db.spd, &spec->local_ts, &spec->remote_ts, iface->key)) {
		iface_put(iface);
		return rv_why_set(why, -RV_EEXISTS, "a policy with these selectors is there already");
	}
	struct policy *p = policy_new(u, spec, iface);
	r = p ? spd_add(&u->db.spd, p) : -ENOMEM;
	if (r && p && p->bundle)
		bundle_put(u, p->bundle);
	if (r) {
		free(p);
		iface_put(iface);
		return r;
	}
	if (p->bundle) {
		p->next = p->bundle->policies;
		p->bundle->policies = p;
	}
	return 0;
}

int verb_policy_add(void *self, const struct rv_policy_spec *spec, struct rv_call *call)
{
	struct userspace *u = self;
	struct rv_why why = { 0 };
	char local[RV_TS_TEXT], remote[RV_TS_TEXT];
	int r = policy_add(u, spec, &why);

	if (r)
		rv_log(&u->host->subject, RV_ERROR, "policy-refused",
		       KV_STR("local", rv_ts_text(&spec->local_ts, local)),
		       KV_STR("remote", rv_ts_text(&spec->remote_ts, remote)),
		       KV_STR("why", why.code ? why.text : rv_error_text(r)));
	return r;
}

static int policy_remove(struct userspace *u, struct policy *p)
{
	int r = spd_del(&u->db.spd, p);

	if (r)
		return r;
	struct policy **at = p->bundle ? &p->bundle->policies : NULL;
	while (at && *at != p)
		at = &(*at)->next;
	if (at)
		*at = p->next;
	retire(&u->db.retirer, &p->retired, policy_reap);
	return 0;
}

int verb_policy_del(void *self, const struct rv_policy_spec *spec)
{
	struct userspace *u = self;
	const struct iface *iface = iface_find(u, spec->interface);
	struct policy *p = iface ? spd_same(&u->db.spd, &spec->local_ts, &spec->remote_ts, iface->key) : NULL;

	return p ? policy_remove(u, p) : -ENOENT;
}

void flush_policies(struct userspace *u)
{
	struct policy *p;

	while ((p = spd_any(&u->db.spd)) && !policy_remove(u, p))
		;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* spd: the policies that are installed (RFC 4301, 4.4.1), each once however many SAs and traps need it.
 *
 * A policy goes into the kernel before the SA that serves it, and its route and guard after it; what was installed is
 * taken back in reverse when the last set that needs it is freed.
 */
#include "inner.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

struct rv_policy {
	uint32_t hash; /* of the selectors; key in spd->table */
	unsigned uses;
	struct rv_spd *spd;
	struct rv_list entry, waiting; /* waiting: struct rv_spd_set.wait */
	struct rv_policy_spec spec;
	char *interface; /* of spec */
	struct provider *kernel, *net;
	const struct rv_user *whose; /* of the set that came last, while that is there */
	struct rv_call call;
	uint8_t stage, doing; /* enum rv_spd_stage; doing: the stage that is being installed, or ABSENT */
};

/* A service that policies stand in, held once for all of them. */
struct provider {
	struct rv_list entry;
	struct rv_spd *spd;
	struct rv_ref ref;
	struct rv_user user;
	unsigned uses;
};

struct slot {
	uint32_t uses, next_free;
};

/* Policies come by the dozen: with 100,000 SAs the header of a talloc object for each would be a quarter of it. */
enum { CHUNK = 32 };

struct rv_spd {
	struct rv_core *core;
	struct rv_list policies, unused, providers;
	struct rv_table table;
	struct slot *slots; /* by reqid; slot 0 heads the queue of free ones */
	uint32_t n_slots, last_free;
};

struct rv_spd *rv_spd_new(const void *parent, struct rv_core *core)
{
	struct rv_spd *spd = talloc_zero(parent, struct rv_spd);

	if (!spd)
		return NULL;
	spd->core = core;
	rv_list_init(&spd->policies);
	rv_list_init(&spd->unused);
	rv_list_init(&spd->providers);
	spd->table = rv_table(spd, offsetof(struct rv_policy, hash));
	return spd;
}

/* Reqids. Freed ones queue up, so that a number comes back as late as possible. */

static int slots_for(struct rv_spd *spd, uint32_t reqid)
{
	uint32_t n = spd->n_slots ? spd->n_slots : 16;

	if (reqid < spd->n_slots)
		return 0;
	while (n <= reqid) {
		if (n > UINT32_MAX / 4)
			return -RV_ELIMIT;
		n *= 2;
	}
	struct slot *slots = talloc_realloc(spd, spd->slots, struct slot, n);
	if (!slots)
		return -ENOMEM;
	spd->slots = slots;
	for (uint32_t i = spd->n_slots; i < n; i++) {
		slots[i] = (struct slot){ 0 };
		if (!i)
			continue;
		slots[spd->last_free].next_free = i;
		spd->last_free = i;
	}
	spd->n_slots = n;
	return 0;
}

int rv_reqid_new(struct rv_spd *spd, uint32_t *reqid)
{
	for (;;) {
		uint32_t i = spd->n_slots ? spd->slots[0].next_free : 0;

		if (!i) {
			int r = slots_for(spd, spd->n_slots);
			if (r)
				return r;
			continue;
		}
		spd->slots[0].next_free = spd->slots[i].next_free;
		if (spd->last_free == i)
			spd->last_free = 0;
		spd->slots[i].next_free = 0;
		if (spd->slots[i].uses)
			continue; /* was taken by number meanwhile */
		spd->slots[i].uses = 1;
		*reqid = i;
		return 0;
	}
}

int rv_reqid_hold(struct rv_spd *spd, uint32_t reqid)
{
	if (!reqid || reqid >= 1u << 24)
		return -EINVAL;
	int r = slots_for(spd, reqid);
	if (r)
		return r;
	spd->slots[reqid].uses++;
	return 0;
}

void rv_reqid_drop(struct rv_spd *spd, uint32_t reqid)
{
	if (!reqid || --spd->slots[reqid].uses)
		return;
	if (spd->slots[reqid].next_free || spd->last_free == reqid)
		return; /* still queued */
	spd->slots[spd->last_free].next_free = reqid;
	spd->last_free = reqid;
}

/* Policies */

static uint32_t mix(uint32_t h, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u; /* FNV-1a */
	return h;
}

static uint32_t hash_ts(uint32_t h, const struct rv_ts *ts)
{
	const uint8_t rest[] = { ts->family,	       ts->proto,
				 (uint8_t)ts->port_lo, (uint8_t)(ts->port_lo >> 8),
				 (uint8_t)ts->port_hi, (uint8_t)(ts->port_hi >> 8) };

	h = mix(h, ts->lo, rv_family_len(ts->family));
	h = mix(h, ts->hi, rv_family_len(ts->family));
	return mix(h, rest, sizeof(rest));
}

static uint32_t hash_pair(const struct rv_ts *local, const struct rv_ts *remote)
{
	return hash_ts(hash_ts(2166136261u, local), remote);
}

static bool same_interface(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct rv_policy *find(const struct rv_spd *spd, const struct rv_ts *local, const struct rv_ts *remote,
			      const char *interface)
{
	struct rv_policy *p = NULL;
	uint32_t hash = hash_pair(local, remote);

	while ((p = rv_table_find(&spd->table, hash, p)))
		if (rv_ts_same(&p->spec.local_ts, local) && rv_ts_same(&p->spec.remote_ts, remote) &&
		    same_interface(p->spec.interface, interface))
			return p;
	return NULL;
}

/* Narrower selectors first, then those with a protocol and ports, then what is not protected. Selectors of two families
 * never meet, so their lengths need no common scale. Configured numbers are below all of these. */
static uint32_t priority_of(const struct rv_ts *local, const struct rv_ts *remote, uint8_t action)
{
	uint32_t bits = rv_ts_cover(local) + rv_ts_cover(remote);
	bool any_proto = !local->proto && !remote->proto;
	bool any_local = local->port_lo == 0 && local->port_hi == 65535;
	bool any_remote = remote->port_lo == 0 && remote->port_hi == 65535;
	bool protects = action == RV_TUNNEL || action == RV_TRANSPORT;

	return 100000 + (256 - bits) * 16 + any_proto * 8u + any_local * 4u + any_remote * 2u + protects;
}

enum { WHOSE = 96 };

/* Whose the policy is, into out; returns out. */
static const char *whose(const struct rv_policy *policy, char out[static WHOSE])
{
	snprintf(out, WHOSE, "another child SA");
	if (policy->whose)
		policy->whose->text(policy->whose, out, WHOSE);
	return out;
}

static void provider_text(const struct rv_user *user, char *out, size_t size)
{
	const struct provider *provider = rv_container_of(user, const struct provider, user);
	char text[WHOSE];

	rv_list_each (&provider->spd->policies, it, struct rv_policy, entry) {
		if (it->kernel != provider && it->net != provider)
			continue;
		snprintf(out, size, "policy of %s", whose(it, text));
		if (provider->uses > 1)
			snprintf(out, size, "%u policies, one of %s", provider->uses, whose(it, text));
		return;
	}
	snprintf(out, size, "a policy that is being made");
}

/* One more use of service. NULL: memory is out, or it takes no more users. */
static struct provider *provider_hold(struct rv_spd *spd, struct rv_service *service)
{
	rv_list_each (&spd->providers, it, struct provider, entry) {
		if (it->ref.service == service) {
			it->uses++;
			return it;
		}
	}
	struct provider *provider = talloc_zero(spd, struct provider);

	if (!provider)
		return NULL;
	provider->spd = spd;
	provider->user.text = provider_text;
	if (rv_ref_take(&provider->ref, service, &provider->user)) {
		talloc_free(provider);
		return NULL;
	}
	provider->uses = 1;
	rv_list_add(&spd->providers, &provider->entry);
	return provider;
}

/* Harmless when nothing is held. */
static void provider_drop(struct provider **holder)
{
	struct provider *provider = *holder;

	*holder = NULL;
	if (!provider || --provider->uses)
		return;
	rv_ref_drop(&provider->ref);
	rv_list_del(&provider->entry);
	talloc_free(provider);
}

static const void *ops_of(const struct provider *provider)
{
	return rv_service_ops(provider->ref.service);
}

static void *self_of(const struct provider *provider)
{
	return rv_service_self(provider->ref.service);
}

static void net_spec(struct rv_policy *policy, struct rv_net_policy *out)
{
	const struct rv_kernel_ops *ops = ops_of(policy->kernel);
	bool protects = policy->spec.action == RV_TUNNEL || policy->spec.action == RV_TRANSPORT;

	*out = (struct rv_net_policy){ .local_ts = policy->spec.local_ts,
				       .remote_ts = policy->spec.remote_ts,
				       .transport = policy->spec.action == RV_TRANSPORT,
				       .guard = policy->spec.action != RV_PASS,
				       .priority = policy->spec.priority };
	if (!protects)
		return;
	if (ops->clear_side(self_of(policy->kernel), policy->spec.interface, out->ifname, &out->mark)) {
		memset(out->ifname, 0, sizeof(out->ifname));
		out->mark = 0;
	}
	out->route = out->ifname[0] != 0;
}

static int kernel_add(struct rv_policy *policy)
{
	const struct rv_kernel_ops *ops = ops_of(policy->kernel);

	return ops->policy_add(self_of(policy->kernel), &policy->spec, &policy->call);
}

static void kernel_del(struct rv_policy *policy)
{
	const struct rv_kernel_ops *ops = ops_of(policy->kernel);
	char text[WHOSE];
	int r = ops->policy_del(self_of(policy->kernel), &policy->spec);

	if (r < 0)
		rv_log(&policy->spd->core->subject, RV_WARN, "policy-not-removed", KV_STR("of", whose(policy, text)),
		       KV_STR("error", rv_error_text(r)));
}

/* A kernel without a device of its own enforces its policies on every interface itself. */
static int net_add(struct rv_policy *policy)
{
	const struct rv_kernel_ops *kernel = ops_of(policy->kernel);
	struct rv_core *core = policy->spd->core;
	struct rv_service *service;
	struct rv_net_policy net;
	char text[WHOSE];

	if (!RV_HAS(kernel, clear_side))
		return 0;
	service = rv_registry_find(core->registry, "net", NULL);
	if (!service) {
		rv_log(&core->subject, RV_WARN, "net-missing", KV_STR("of", whose(policy, text)),
		       KV_STR("advice",
			      "no net plugin is loaded: no route leads into the tunnel and nothing guards it"));
		return 0;
	}
	if (!policy->net)
		policy->net = provider_hold(policy->spd, service);
	if (!policy->net)
		return -ENOMEM;
	const struct rv_net_ops *ops = ops_of(policy->net);
	net_spec(policy, &net);
	return ops->policy_add(self_of(policy->net), &net, &policy->call);
}

static void net_del(struct rv_policy *policy)
{
	struct rv_net_policy net;
	char text[WHOSE];
	int r;

	if (!policy->net || !policy->net->ref.service) /* it went first: the daemon ends */
		return;
	const struct rv_net_ops *ops = ops_of(policy->net);
	net_spec(policy, &net);
	r = ops->policy_del(self_of(policy->net), &net);
	if (r < 0)
		rv_log(&policy->spd->core->subject, RV_WARN, "route-not-removed", KV_STR("of", whose(policy, text)),
		       KV_STR("error", rv_error_text(r)));
	provider_drop(&policy->net);
}

static struct rv_policy *policy_alloc(struct rv_spd *spd)
{
	if (rv_list_empty(&spd->unused)) {
		struct rv_policy *chunk = talloc_array(spd, struct rv_policy, CHUNK);
		for (int i = 0; chunk && i < CHUNK; i++)
			rv_list_add(&spd->unused, &chunk[i].entry);
	}
	if (rv_list_empty(&spd->unused))
		return NULL;
	struct rv_policy *policy = rv_container_of(spd->unused.next, struct rv_policy, entry);

	rv_list_del(&policy->entry);
	*policy = (struct rv_policy){ .spd = spd };
	return policy;
}

static void policy_free(struct rv_policy *policy)
{
	talloc_free(policy->interface);
	rv_list_add(&policy->spd->unused, &policy->entry);
}

/* The last user is gone: back in reverse. A call that is cancelled may have taken effect. */
static void policy_drop(struct rv_policy *policy, const struct rv_spd_set *set)
{
	if (--policy->uses) {
		if (policy->whose == set->user)
			policy->whose = NULL;
		return;
	}
	rv_call_cancel(&policy->call);
	net_del(policy);
	if (policy->stage >= RV_SPD_KERNEL || policy->doing == RV_SPD_KERNEL)
		kernel_del(policy);
	rv_reqid_drop(policy->spd, policy->spec.reqid);
	provider_drop(&policy->kernel);
	rv_list_del(&policy->entry);
	rv_table_del(&policy->spd->table, policy);
	policy_free(policy);
}

static void policy_done(struct rv_call *call, int result);

/* Brings policy up to stage; 0, RV_PENDING while that is under way, or negative. */
static int policy_reach(struct rv_policy *policy, uint8_t stage)
{
	while (policy->stage < stage) {
		if (policy->doing)
			return RV_PENDING;
		uint8_t next = policy->stage + 1;
		rv_call_init(&policy->call, policy_done);
		int r = next == RV_SPD_KERNEL ? kernel_add(policy) : net_add(policy);
		if (r == RV_PENDING) {
			policy->doing = next;
			return r;
		}
		if (r) {
			if (next == RV_SPD_NET)
				provider_drop(&policy->net);
			return r;
		}
		policy->stage = next;
	}
	return 0;
}

static struct rv_policy **place(struct rv_spd_set *set, uint16_t i)
{
	return set->many ? &set->many[i] : &set->one;
}

static int set_run(struct rv_spd_set *set)
{
	for (; set->at < set->n; set->at++) {
		struct rv_policy *policy = *place(set, set->at);
		int r = policy_reach(policy, set->goal);

		if (r == RV_PENDING)
			rv_list_add(&policy->waiting, &set->wait);
		if (r)
			return r;
	}
	return 0;
}

static void policy_done(struct rv_call *call, int result)
{
	struct rv_policy *policy = rv_container_of(call, struct rv_policy, call);
	struct rv_list waiting;

	if (result < 0 && policy->doing == RV_SPD_NET)
		provider_drop(&policy->net);
	if (!result)
		policy->stage = policy->doing;
	policy->doing = RV_SPD_ABSENT;
	rv_list_init(&waiting);
	rv_list_each (&policy->waiting, it, struct rv_spd_set, wait) {
		rv_list_del(&it->wait);
		rv_list_add(&waiting, &it->wait);
	}
	/* an answer may free any set, which then takes itself out of the list */
	while (!rv_list_empty(&waiting)) {
		struct rv_spd_set *set = rv_container_of(waiting.next, struct rv_spd_set, wait);

		rv_list_del(&set->wait);
		int r = result < 0 ? result : set_run(set);
		if (r != RV_PENDING)
			rv_call_finish(set->answer, r);
	}
}

/* A standing policy of an SA is to report traffic from now on: the set that wants it installs it again. */
static void make_trap(struct rv_policy *policy)
{
	policy->spec.trap = true;
	if (policy->stage == RV_SPD_ABSENT || policy->doing)
		return;
	kernel_del(policy);
	policy->stage = RV_SPD_ABSENT;
}

static struct rv_policy *policy_new(struct rv_spd *spd, const struct rv_spd_want *want, const struct rv_ts *local,
				    const struct rv_ts *remote)
{
	struct rv_policy *policy = policy_alloc(spd);

	if (!policy)
		return NULL;
	policy->hash = hash_pair(local, remote);
	policy->spec = (struct rv_policy_spec){
		.action = want->action, .trap = want->trap, .local_ts = *local, .remote_ts = *remote
	};
	policy->spec.priority = want->priority ? want->priority : priority_of(local, remote, want->action);
	rv_list_init(&policy->waiting);
	if (want->interface) {
		policy->spec.interface = policy->interface = talloc_strdup(spd, want->interface);
		if (!policy->interface)
			goto fail;
	}
	policy->kernel = provider_hold(spd, want->kernel);
	if (!policy->kernel)
		goto fail;
	if (want->reqid && rv_reqid_hold(spd, want->reqid))
		goto fail;
	policy->spec.reqid = want->reqid;
	if (rv_table_add(&spd->table, policy)) {
		rv_reqid_drop(spd, want->reqid);
		goto fail;
	}
	rv_list_add(&spd->policies, &policy->entry);
	return policy;
fail:
	provider_drop(&policy->kernel);
	policy_free(policy);
	return NULL;
}

/* One pair of a set: the policy that is there, or a new one. */
static int take(struct rv_spd_set *set, const struct rv_spd_want *want, const struct rv_ts *local,
		const struct rv_ts *remote, struct rv_why *why)
{
	struct rv_policy *policy = find(set->spd, local, remote, want->interface);
	char l[RV_TS_TEXT], r[RV_TS_TEXT], text[WHOSE];

	if (policy && policy->spec.action != want->action)
		return rv_why_set(why, -RV_EEXISTS, "%s === %s is already a policy of %s with another mode",
				  rv_ts_text(local, l), rv_ts_text(remote, r), whose(policy, text));
	if (policy && policy->spec.reqid != want->reqid)
		rv_log(&set->spd->core->subject, RV_NOTICE, "policy-shared", KV_STR("with", whose(policy, text)),
		       KV_STR("local", rv_ts_text(local, l)), KV_STR("remote", rv_ts_text(remote, r)));
	if (!policy)
		policy = policy_new(set->spd, want, local, remote);
	if (!policy)
		return rv_why_set(why, -ENOMEM, "a policy for %s === %s could not be made", rv_ts_text(local, l),
				  rv_ts_text(remote, r));
	policy->uses++;
	policy->whose = want->user;
	*place(set, set->n++) = policy;
	if (want->trap && !policy->spec.trap)
		make_trap(policy);
	return 0;
}

void rv_spd_set_fini(struct rv_spd_set *set)
{
	if (!set->spd)
		return;
	rv_list_del(&set->wait);
	while (set->n)
		policy_drop(*place(set, --set->n), set);
	TALLOC_FREE(set->many);
	set->spd = NULL;
}

static size_t n_pairs(const struct rv_spd_want *want)
{
	size_t n = 0;

	for (size_t i = 0; i < want->n_local; i++)
		for (size_t j = 0; j < want->n_remote; j++)
			n += want->local[i].family == want->remote[j].family;
	return n;
}

static int take_all(struct rv_spd_set *set, const struct rv_spd_want *want, struct rv_why *why)
{
	for (size_t i = 0; i < want->n_local; i++)
		for (size_t j = 0; j < want->n_remote; j++) {
			if (want->local[i].family != want->remote[j].family)
				continue;
			int r = take(set, want, &want->local[i], &want->remote[j], why);
			if (r)
				return r;
		}
	return 0;
}

int rv_spd_set_init(struct rv_spd_set *set, struct rv_spd *spd, const struct rv_spd_want *want, struct rv_why *why)
{
	size_t n = n_pairs(want);
	int r;

	if (!n || n > RV_SPD_PAIRS)
		return rv_why_set(why, n ? -RV_ELIMIT : -RV_ETS_UNACCEPTABLE,
				  "%zu local and %zu remote selectors make %zu policies (1 to %d are possible)",
				  want->n_local, want->n_remote, n, RV_SPD_PAIRS);
	*set = (struct rv_spd_set){ .spd = spd, .user = want->user };
	rv_list_init(&set->wait);
	if (n > 1) {
		set->many = talloc_array(spd, struct rv_policy *, (unsigned)n);
		if (!set->many) {
			set->spd = NULL;
			return rv_why_set(why, -ENOMEM, "no memory for policies");
		}
	}
	r = take_all(set, want, why);
	if (r)
		rv_spd_set_fini(set);
	return r;
}

static void set_cancel(struct rv_call *call)
{
	struct rv_spd_set *set = call->provider;

	rv_list_del(&set->wait);
}

int rv_spd_set_install(struct rv_spd_set *set, enum rv_spd_stage stage, struct rv_call *call)
{
	set->goal = stage;
	set->at = 0;
	set->answer = call;
	int r = set_run(set);
	return r == RV_PENDING ? rv_call_pend(call, set_cancel, set) : r;
}

uint32_t rv_spd_reqid_of(const struct rv_spd *spd, const struct rv_ts *local, size_t n_local,
			 const struct rv_ts *remote, size_t n_remote, const char *interface)
{
	for (size_t i = 0; i < n_local; i++)
		for (size_t j = 0; j < n_remote; j++) {
			if (local[i].family != remote[j].family)
				continue;
			const struct rv_policy *policy = find(spd, &local[i], &remote[j], interface);
			return policy ? policy->spec.reqid : 0;
		}
	return 0;
}

int rv_spd_each(struct rv_core *core, int (*fn)(const struct rv_policy_spec *policy, const char *whose, void *arg),
		void *arg)
{
	char text[WHOSE];

	rv_list_each (&core->spd->policies, it, struct rv_policy, entry) {
		int r = fn(&it->spec, whose(it, text), arg);
		if (r)
			return r;
	}
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* policies: those that stand, found by their selectors, and the clear-side interfaces that they lead into. */
#include "guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	TABLES_APART = 256, /* between the tables of two interfaces: none is main, local or default */
};

static uint32_t mix(uint32_t h, const void *octets, size_t len)
{
	const uint8_t *p = octets;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u; /* FNV-1a */
	return h;
}

static uint32_t mix_ts(uint32_t h, const struct rv_ts *ts)
{
	const uint8_t rest[] = { ts->family,
				 ts->proto,
				 (uint8_t)(ts->port_lo >> 8),
				 (uint8_t)ts->port_lo,
				 (uint8_t)(ts->port_hi >> 8),
				 (uint8_t)ts->port_hi };

	h = mix(h, ts->lo, rv_family_len(ts->family));
	h = mix(h, ts->hi, rv_family_len(ts->family));
	return mix(h, rest, sizeof(rest));
}

static size_t bucket(const struct rv_net_policy *spec, size_t n)
{
	return mix_ts(mix_ts(2166136261u, &spec->local_ts), &spec->remote_ts) & (n - 1);
}

static bool same_name(const char a[static 16], const char b[static 16])
{
	return rv_bytes_equal(rv_bytes(a, strnlen(a, 16)), rv_bytes(b, strnlen(b, 16)));
}

static bool same_selectors(const struct rv_net_policy *a, const struct rv_net_policy *b)
{
	return rv_ts_same(&a->local_ts, &b->local_ts) && rv_ts_same(&a->remote_ts, &b->remote_ts);
}

static struct policy *first_of(const struct net *net, const struct rv_net_policy *spec)
{
	return net->n_heads ? net->heads[bucket(spec, net->n_heads)] : NULL;
}

struct policy *policy_find(const struct net *net, const struct rv_net_policy *spec)
{
	struct policy *p = first_of(net, spec);

	while (p && !(same_selectors(&p->spec, spec) && same_name(p->spec.ifname, spec->ifname)))
		p = p->next;
	return p;
}

bool policy_doubled(const struct net *net, const struct policy *policy)
{
	struct policy *p = first_of(net, &policy->spec);

	while (p && !(p != policy && p->guarded && p->place == IN_PREFIXES && same_selectors(&p->spec, &policy->spec)))
		p = p->next;
	return p;
}

struct policy *policy_new(struct net *net)
{
	struct policy *policy = net->spare_policies;

	if (!policy) {
		struct policy *chunk = talloc_zero_array(net, struct policy, CHUNK);
		for (int i = 0; chunk && i < CHUNK; i++)
			policy_free(net, &chunk[i]);
		policy = net->spare_policies;
	}
	if (!policy)
		return NULL;
	net->spare_policies = policy->next;
	*policy = (struct policy){ 0 };
	return policy;
}

void policy_free(struct net *net, struct policy *policy)
{
	if (policy->items != policy->few)
		talloc_free(policy->items);
	policy->items = NULL;
	policy->next = net->spare_policies;
	net->spare_policies = policy;
}

static void link_to(struct policy **heads, size_t n, struct policy *policy)
{
	struct policy **head = &heads[bucket(&policy->spec, n)];

	policy->next = *head;
	*head = policy;
}

static int grow(struct net *net)
{
	size_t n = net->n_heads ? net->n_heads * 2 : 64;
	struct policy **heads = talloc_zero_array(net, struct policy *, (unsigned)n);

	if (!heads)
		return -ENOMEM;
	rv_list_each (&net->policies, p, struct policy, entry)
		link_to(heads, n, p);
	talloc_free(net->heads);
	net->heads = heads;
	net->n_heads = n;
	return 0;
}

int policy_insert(struct net *net, struct policy *policy)
{
	int r = net->n_policies >= net->n_heads ? grow(net) : 0;

	if (r)
		return r;
	link_to(net->heads, net->n_heads, policy);
	rv_list_add(&net->policies, &policy->entry);
	net->n_policies++;
	net->n_bypasses += policy_bypass(&policy->spec);
	return 0;
}

void policy_remove(struct net *net, struct policy *policy)
{
	struct policy **at = &net->heads[bucket(&policy->spec, net->n_heads)];

	while (*at != policy)
		at = &(*at)->next;
	*at = policy->next;
	rv_list_del(&policy->entry);
	net->n_policies--;
	net->n_bypasses -= policy_bypass(&policy->spec);
}

bool policy_bypass(const struct rv_net_policy *spec)
{
	return !spec->route && !spec->guard;
}

bool policies_meet(const struct rv_net_policy *a, const struct rv_net_policy *b)
{
	struct rv_ts both;

	return rv_ts_intersect(&a->local_ts, &b->local_ts, &both) &&
	       rv_ts_intersect(&a->remote_ts, &b->remote_ts, &both);
}

/* The lowest tables that no other interface has. */
static uint32_t free_tables(const struct net *net)
{
	uint32_t table = net->table;
	bool taken = true;

	while (taken) {
		taken = false;
		rv_list_each (&net->devices, d, struct device, entry)
			taken = taken || d->table == table;
		table += taken ? TABLES_APART : 0;
	}
	return table;
}

struct device *device_hold(struct net *net, const char ifname[static 16])
{
	rv_list_each (&net->devices, d, struct device, entry) {
		if (same_name(d->ifname, ifname)) {
			d->users++;
			return d;
		}
	}
	struct device *device = talloc_zero(net, struct device);

	if (!device)
		return NULL;
	device->users = 1;
	device->table = free_tables(net);
	snprintf(device->ifname, sizeof(device->ifname), "%s", ifname);
	rv_list_add(&net->devices, &device->entry);
	return device;
}

void device_drop(struct net *net, struct device *device)
{
	if (!device || --device->users)
		return;
	guard_unclear(net, device);
	rv_list_del(&device->entry);
	talloc_free(device);
}

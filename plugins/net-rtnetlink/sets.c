// SPDX-License-Identifier: LGPL-2.1-or-later
/* sets: the guard's pairs of prefixes, in one nftables set for each pair of lengths and each direction.
 *
 * A set of ranges is written anew by the kernel at every change, and no two of its elements may overlap; 10,000 tunnels
 * with an address each would make that a walk over 10,000. Sets of one pair of lengths are hash tables, and a packet's
 * addresses are cut to these lengths before they are looked up. There are few pairs of lengths.
 */
#include "guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* local and remote: lengths. */
struct shape {
	struct rv_list entry;
	uint8_t family, local, remote;
	bool said; /* its sets stand, or will */
	unsigned n;
};

bool sets_fit(const struct rv_net_policy *spec)
{
	struct prefix prefixes[RANGE_PREFIXES];

	return spec->guard && !spec->local_ts.proto && ts_prefixes(&spec->local_ts, prefixes) == 1 &&
	       ts_prefixes(&spec->remote_ts, prefixes) == 1;
}

static struct shape *find(struct net *net, const struct rv_net_policy *spec)
{
	rv_list_each (&net->shapes, s, struct shape, entry)
		if (s->family == spec->local_ts.family && s->local == rv_ts_cover(&spec->local_ts) &&
		    s->remote == rv_ts_cover(&spec->remote_ts))
			return s;
	return NULL;
}

static void say_sets(struct net *net, struct shape *shape)
{
	const char *type = shape->family == RV_IPV6 ? "ipv6_addr . ipv6_addr" : "ipv4_addr . ipv4_addr";
	char *text = talloc_asprintf(net,
				     "add set inet %s in%u_%u_%u { type %s; }\n"
				     "add set inet %s out%u_%u_%u { type %s; }\n",
				     net->nft_table, shape->family, shape->remote, shape->local, type, net->nft_table,
				     shape->family, shape->local, shape->remote, type);

	shape->said = text;
	guard_say(net, text ? text : "");
	talloc_free(text);
}

int sets_hold(struct net *net, const struct policy *policy)
{
	struct shape *shape = find(net, &policy->spec);

	if (!shape) {
		shape = talloc_zero(net, struct shape);
		if (!shape)
			return -ENOMEM;
		shape->family = policy->spec.local_ts.family;
		shape->local = (uint8_t)rv_ts_cover(&policy->spec.local_ts);
		shape->remote = (uint8_t)rv_ts_cover(&policy->spec.remote_ts);
		rv_list_add(&net->shapes, &shape->entry);
	}
	if (!shape->n++)
		net->nft_shapes = true;
	if (net->nft_there && !shape->said)
		say_sets(net, shape);
	return 0;
}

void sets_drop(struct net *net, const struct policy *policy)
{
	struct shape *shape = find(net, &policy->spec);

	if (shape && !--shape->n)
		net->nft_shapes = true;
}

void sets_put(struct net *net, const struct policy *policy, const char *verb)
{
	const struct shape *shape = find(net, &policy->spec);
	struct rv_addr l = { .family = policy->spec.local_ts.family }, r = l;
	char local[RV_ADDR_TEXT], remote[RV_ADDR_TEXT];

	memcpy(l.ip, policy->spec.local_ts.lo, sizeof(l.ip));
	memcpy(r.ip, policy->spec.remote_ts.lo, sizeof(r.ip));
	rv_addr_text(&l, local);
	rv_addr_text(&r, remote);
	char *text = talloc_asprintf(net,
				     "%s element inet %s in%u_%u_%u { %s . %s }\n"
				     "%s element inet %s out%u_%u_%u { %s . %s }\n",
				     verb, net->nft_table, shape->family, shape->remote, shape->local, remote, local,
				     verb, net->nft_table, shape->family, shape->local, shape->remote, local, remote);

	guard_say(net, text ? text : "");
	talloc_free(text);
}

static const char *mask_text(uint8_t family, unsigned len, char out[static RV_ADDR_TEXT])
{
	struct rv_addr mask = { .family = family };

	for (unsigned i = 0; i < len; i++)
		mask.ip[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	return rv_addr_text(&mask, out);
}

static void say_rule(struct net *net, const struct shape *shape, const char *direction, unsigned src, unsigned dst)
{
	const char *ip = shape->family == RV_IPV6 ? "ip6" : "ip";
	char s[RV_ADDR_TEXT], d[RV_ADDR_TEXT];
	char *text = talloc_asprintf(
		net, "add rule inet %s sets_%s %s saddr & %s . %s daddr & %s @%s%u_%u_%u counter name clear_%s drop\n",
		net->nft_table, direction, ip, mask_text(shape->family, src, s), ip, mask_text(shape->family, dst, d),
		direction, shape->family, src, dst, direction);

	guard_say(net, text ? text : "");
	talloc_free(text);
}

static void remove_sets(struct net *net, struct shape *shape)
{
	char *text = talloc_asprintf(net, "delete set inet %s in%u_%u_%u\ndelete set inet %s out%u_%u_%u\n",
				     net->nft_table, shape->family, shape->remote, shape->local, net->nft_table,
				     shape->family, shape->local, shape->remote);

	if (shape->said)
		guard_say(net, text ? text : "");
	talloc_free(text);
	rv_list_del(&shape->entry);
	talloc_free(shape);
}

void sets_chains(struct net *net)
{
	char *text = talloc_asprintf(net, "flush chain inet %s sets_in\nflush chain inet %s sets_out\n", net->nft_table,
				     net->nft_table);

	guard_say(net, text ? text : "");
	talloc_free(text);
	rv_list_each (&net->shapes, s, struct shape, entry) {
		if (!s->n) {
			remove_sets(net, s);
			continue;
		}
		say_rule(net, s, "in", s->remote, s->local);
		say_rule(net, s, "out", s->local, s->remote);
	}
	net->nft_shapes = false;
}

void sets_all(struct net *net)
{
	rv_list_each (&net->shapes, s, struct shape, entry) {
		s->said = false;
		if (s->n)
			say_sets(net, s);
	}
	net->nft_shapes = true;
}

void sets_forget(struct net *net)
{
	rv_list_each (&net->shapes, s, struct shape, entry) {
		rv_list_del(&s->entry);
		talloc_free(s);
	}
	net->nft_shapes = false;
}

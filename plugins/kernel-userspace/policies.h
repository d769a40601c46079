// SPDX-License-Identifier: LGPL-2.1-or-later
/* policies: the security policy database (RFC 4301, 4.4.1), outbound.
 *
 * Tuple space search: policies are sorted into groups by the lengths of their two address prefixes (of the shortest
 * covering prefix where a selector is a range). One hash probe a group finds the few policies whose prefixes are those
 * of the packet; groups are visited by their best priority, so the walk ends early. 10,000 policies of one shape cost
 * one probe.
 */
#pragma once

#include "ip.h"
#include "retire.h"

#include <ravelin/kernel.h>
#include <stdatomic.h>

struct bundle;
struct iface;
struct sa;
struct trap;
struct userspace;

struct policy {
	struct retired retired;
	struct rv_ts local, remote;
	uint32_t priority, iface_id;
	uint8_t action;
	uint64_t order; /* of policies of one priority */
	struct iface *iface;
	struct bundle *bundle; /* NULL unless it protects */
	struct policy *next;   /* of the bundle; loop */
	struct trap *trap;     /* behind the policy, in its block; NULL: packets do not wait for an SA */
};

struct spd_tuple {
	uint8_t family, local_len, remote_len;
	uint32_t best; /* lowest priority number; may be stale after a removal */
	uint32_t n;
};

struct spd_tuples {
	struct retired retired;
	uint32_t n;
	struct spd_tuple t[]; /* by best */
};

struct spd_row {
	struct retired retired;
	uint32_t n;
	struct policy *p[]; /* by priority, then order */
};

struct spd_table {
	struct retired retired;
	uint32_t mask;
	_Atomic(struct spd_row *) row[];
};

struct spd {
	_Atomic(struct spd_tuples *) tuples;
	_Atomic(struct spd_table *) table;
	struct retirer *retirer;
	uint32_t n;
	uint64_t order;
};

/* What policies and SAs are chosen by of the last packet, and the SA that it led to, or whose selectors it met (NULL:
 * nothing is known). */
struct flow {
	struct ip_info info; /* its addresses are these, since a packet may be written over */
	uint8_t src[16], dst[16];
	struct iface *iface; /* where it came from, outbound */
	struct sa *sa;
};

/* Whether all that policies and SAs are chosen by, but for the device, is what it was; and keeps what it is. */
bool flow_same(const struct flow *flow, const struct ip_info *info);
void flow_keep(struct flow *flow, const struct ip_info *info, struct sa *sa);

/* 0 or -ENOMEM. fini frees the structure, not the policies. */
int spd_init(struct spd *spd, struct retirer *retirer);
void spd_fini(struct spd *spd);

/* Puts a policy in (its order is set), takes it out. 0 or -ENOMEM, nothing changed then. Loop thread. */
int spd_add(struct spd *spd, struct policy *policy);
int spd_del(struct spd *spd, struct policy *policy);

/* The policy of exactly these selectors on this interface, or NULL. */
struct policy *spd_same(const struct spd *spd, const struct rv_ts *local, const struct rv_ts *remote,
			uint32_t iface_id);

/* The first policy for a packet that goes out by this interface, or NULL. Inside a read-copy-update section. */
struct policy *spd_find(const struct spd *spd, const struct ip_info *info, uint32_t iface_id);

/* Any policy that is in, or NULL when there is none. */
struct policy *spd_any(const struct spd *spd);

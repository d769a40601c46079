// SPDX-License-Identifier: LGPL-2.1-or-later
/* guard.h: the nftables of the clear side: what is said of policies and devices, and the sets that policies stand in.
 */
#pragma once

#include "net.h"

/* sets.c. The guard's sets of pairs of prefixes, one for each pair of lengths. fit: both selectors are prefixes. put:
 * the policy's elements (verb: add, delete) into net->nft_text. chains: what looks into the sets, and no more into
 * those that are empty. all: the sets themselves, for a new table. forget: there is none any more. */
bool sets_fit(const struct rv_net_policy *spec);
int sets_hold(struct net *net, const struct policy *policy);
void sets_drop(struct net *net, const struct policy *policy);
void sets_put(struct net *net, const struct policy *policy, const char *verb);
void sets_chains(struct net *net);
void sets_all(struct net *net);
void sets_forget(struct net *net);

/* The verdicts on clear text that is to be kept out or in. */
#define GUARD_DROP_IN "counter name clear_in drop"
#define GUARD_DROP_OUT "counter name clear_out drop"

/* count.c. How many packets got it, since the table was written. 0 or -errno. */
int guard_dropped(struct net *net, uint64_t *in, uint64_t *out);

/* guard.c. The nftables of all policies; carried out once a turn. call: answered then. */
void guard_init(struct net *net);
int guard_add(struct net *net, struct policy *policy, struct rv_call *call);
void guard_del(struct net *net, struct policy *policy);
void guard_say(struct net *net, const char *text);
void guard_unclear(struct net *net, const struct device *device);
void guard_flush(struct net *net);

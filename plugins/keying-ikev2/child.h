// SPDX-License-Identifier: LGPL-2.1-or-later
/* child.h: the steps of making a child SA that IKE_AUTH and CREATE_CHILD_SA share (RFC 7296, 1.3.1).
 *
 * auth: in IKE_AUTH, without a key exchange. All return 0 or negative with x->why; install may pend.
 */
#pragma once

#include "exchange.h"

/* What a child SA needs while it is made or replaced; child->keying, a talloc child of the child SA. */
struct ike_child {
	struct rv_child *child;
	struct rv_ike_exchange *x;  /* that makes it */
	struct ike_child_keys keys; /* kept while only the inbound SA is in */
	struct rv_timer timer;	    /* when the outbound SA follows by itself; or a rekey is tried again */
	struct rv_call call;
	uint32_t successor, replaces; /* ids of child SAs, 0: none */
	bool initiator;		      /* of the exchange that made it */
};

/* A new child SA for x, which frees it unless ike_child_done() is reached. reqid 0: a new one. */
int ike_child_begin(struct rv_ike_exchange *x, const struct rv_child_conf *conf, uint32_t reqid);

/* Initiator: the payloads of the request; the look at the response. Responder: the choice of a child, proposal and
 * selectors (x->conf set: only that child); the payloads of the response. */
int ike_child_offer(struct rv_ike_exchange *x, bool auth);
int ike_child_accept(struct rv_ike_exchange *x, bool auth);
int ike_child_choose(struct rv_ike_exchange *x, bool auth);
void ike_child_write(struct rv_ike_exchange *x, bool auth);

/* Whether a child SA with these selectors would carry less than the one that it replaces. */
bool ike_child_narrows(const struct rv_ike_exchange *x, const struct ike_ts_pair *ts);

/* Keys and what was negotiated, into the child SA; then into the kernel. */
int ike_child_make(struct rv_ike_exchange *x, bool auth);
int ike_child_install(struct rv_ike_exchange *x, const struct rv_child *replaces, bool in_only);

/* Steps at which the tasks of extensions run; they do nothing when there is no child SA. */
rv_ike_step_fn ike_at_child_offer, ike_at_child_chosen, ike_at_child_keyed;

/* The child SA stays. in_only: its outbound half follows by ike_child_complete(), at the latest after some seconds. */
void ike_child_done(struct rv_ike_exchange *x, bool in_only);
void ike_child_complete(struct rv_child *child);

/* The peer wants one pair of addresses a child SA: it is asked for the packet's own. False: there is no such packet. */
bool ike_child_ask_pair(struct rv_ike_exchange *x);

/* Our selectors with "dynamic" replaced: by the addresses that one side lent the other, else by the session's own.
 * asked (may be NULL): we ask for addresses with this, so that our side can be any one yet. */
void ike_child_policy(const struct rv_peer *peer, const struct rv_child_conf *conf, const struct rv_attributes *asked,
		      struct ike_ts_pair *out);

/* What hangs on a child SA while it is made or replaced; NULL: out of memory. */
struct ike_child *ike_child_of(struct rv_child *child);
struct rv_child *ike_child_by_spi_out(struct rv_peer *peer, uint32_t spi);

/* In IKE_AUTH: the child SA failed and the IKE SA goes on without it. */
void ike_child_failed(struct rv_ike_exchange *x, int error);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-known.h: IKE SAs that are made of keys which both sides have already, of an earlier one, in a first exchange of
 * an extension's instead of IKE_SA_INIT (RFC 7296, 1.2).
 *
 * That exchange has the form of IKE_SA_INIT, but for the SA and KE payloads: no protection, message ID 0, cookies, a
 * nonce of each side, NAT detection. Tasks for IKE_SA_INIT (34) run in it too, and those at CHOSEN do not, since
 * nothing is chosen. IKE_AUTH follows as ever, with one proof of each side.
 */
#pragma once

#include <ravelin/ikev2-verbs.h>

/* What both sides know of the earlier IKE SA. proposal: its algorithms; key: its SK_d. SKEYSEED = prf(key, label | Ni |
 * Nr), with its prf. auth: the name of the auth service that both sides prove themselves by, whatever the connection
 * says. initiator, responder: who they are; another identity is refused. connection: as responder, the one whose encap
 * counts until the PAD decides. All is borrowed for the call. */
struct rv_ike_known {
	struct rv_proposal proposal;
	struct rv_bytes key, label;
	const char *auth;
	const struct rv_id *initiator, *responder;
	const struct rv_connection *connection;
	uint16_t refuse;
};

/* A first exchange of an extension's own: its type. open: we are about to set sa up; positive: with this exchange, as
 * known says; when the peer refuses or leaves it unanswered for a while, IKE_SA_INIT follows. opened: a stranger's
 * message of this exchange; positive: it is accepted, as known says; else it is answered with the notification
 * known->refuse, or not at all when that is 0. */
struct rv_ike_opening {
	size_t size;
	uint8_t exchange;
	int (*open)(void *self, struct rv_ike_sa *sa, struct rv_ike_known *known);
	int (*opened)(void *self, const struct rv_ike_stranger *stranger, struct rv_ike_known *known);
};

/* What there is to know of an established IKE SA for this: proposal, key and identities, borrowed; initiator and
 * responder are those of the session, however often it was rekeyed. False: it has no keys or identities. */
static inline bool rv_ike_remember(const struct rv_ike_sa *sa, struct rv_ike_known *known)
{
	return rv_ike_verbs(sa)->remember(sa, known);
}

/* Whether an IKE SA that is being made is made so. */
static inline bool rv_ike_is_known(const struct rv_ike_sa *sa)
{
	return rv_ike_verbs(sa)->is_known(sa);
}

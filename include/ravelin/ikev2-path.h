// SPDX-License-Identifier: LGPL-2.1-or-later
/* ikev2-path.h: what an extension can do with the paths of an IKE SA of keying-ikev2 (RFC 7296, 2.23).
 *
 * A session has one path, which its messages and the SAs in the kernel take. A request may be sent by another one, to
 * find out whether that works; only move() changes the session. Addresses of this host that come and go are events
 * (event.h), and kind "net" knows them all. Loop thread.
 */
#pragma once

#include <ravelin/ikev2-verbs.h>

/* The path that the message at hand came by: the peer's request or the answer to ours. */
static inline const struct rv_path *rv_ike_came_by(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->came_by(x);
}

/* How often our request was sent again so far. */
static inline unsigned rv_ike_tries(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->tries(x);
}

/* At BUILD and RETRANSMIT: our request goes by path (copied; NULL: the session's) from now on. */
static inline void rv_ike_via(struct rv_ike_exchange *x, const struct rv_path *path)
{
	rv_ike_verbs(x)->via(x, path);
}

/* Our request that waits for an answer, if there is one, is sent again at once, by path (NULL: the session's), and from
 * there on; that counts as no retransmission. */
static inline void rv_ike_resend(struct rv_ike_sa *sa, const struct rv_path *path)
{
	rv_ike_verbs(sa)->resend(sa, path);
}

/* The session takes path: messages, the child SAs in the kernel and keepalives. ESP goes in UDP when path has encap and
 * not plain_esp. */
static inline void rv_ike_move(struct rv_ike_sa *sa, const struct rv_path *path)
{
	rv_ike_verbs(sa)->move(sa, path);
}

/* On: a peer whose messages come from elsewhere is not followed (RFC 7296, 2.23), nor is its ESP, unless only its port
 * changed. An IKE SA that replaces this one is not pinned. */
static inline void rv_ike_pin(struct rv_ike_sa *sa, bool on)
{
	rv_ike_verbs(sa)->pin(sa, on);
}

/* A path of the session's kind from local (NULL: the address that the route says) to remote; ports as they are now, NAT
 * as it is now. 0, or negative when there is no way. */
static inline int rv_ike_route(struct rv_ike_sa *sa, const struct rv_addr *local, const struct rv_addr *remote,
			       struct rv_path *path)
{
	return rv_ike_verbs(sa)->route(sa, local, remote, path);
}

/* Moves path to the encapsulation ports, with the marker; whether ESP goes in UDP stays as it is. */
static inline void rv_ike_encapsulate(struct rv_ike_sa *sa, struct rv_path *path)
{
	rv_ike_verbs(sa)->encapsulate(sa, path);
}

/* Adds NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP for path to the message that goes out (nothing with
 * encap = never). 0 or negative. */
static inline int rv_ike_nat_add(struct rv_ike_exchange *x, const struct rv_path *path)
{
	return rv_ike_verbs(x)->nat_add(x, path);
}

/* Compares those of the message that came with the path that it came by: behind_nat, remote_nat and plain_esp of path
 * are set accordingly. 1; 0 when there are none; negative. */
static inline int rv_ike_nat_read(struct rv_ike_exchange *x, struct rv_path *path)
{
	return rv_ike_verbs(x)->nat_read(x, path);
}

/* In a step or a plan's end: the IKE SA ends when the exchange is over, without a word to the peer. */
static inline void rv_ike_doom(struct rv_ike_exchange *x, int reason, const char *text)
{
	rv_ike_verbs(x)->doom(x, reason, text);
}

/* The session is set up anew at gateway (an address or a name), for the same attempt and with the children that this
 * one has or was to have; this one is deleted, or dropped when IKE_SA_INIT is at hand. In IKE_AUTH: at ROUND. Ours
 * only, as initiator: 0, -RV_ESTATE or -ENOMEM. */
static inline int rv_ike_redial(struct rv_ike_exchange *x, const char *gateway)
{
	return rv_ike_verbs(x)->redial(x, gateway);
}

/* During the handshake of a session that redial() set up: where the peer of the one before it was; else NULL. */
static inline const struct rv_addr *rv_ike_origin(const struct rv_ike_sa *sa)
{
	return rv_ike_verbs(sa)->origin(sa);
}

/* At ROUND of IKE_AUTH: no child SA is made along with the IKE SA. */
static inline void rv_ike_no_child(struct rv_ike_exchange *x)
{
	rv_ike_verbs(x)->no_child(x);
}

/* Our nonce of the exchange, of IKE_SA_INIT or CREATE_CHILD_SA. */
static inline struct rv_bytes rv_ike_nonce(const struct rv_ike_exchange *x)
{
	return rv_ike_verbs(x)->nonce(x);
}

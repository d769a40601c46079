// SPDX-License-Identifier: LGPL-2.1-or-later
/* init.h: IKE_SA_INIT (RFC 7296, 1.2): who is called, how it begins in each role, and what both roles share.
 */
#pragma once

#include "exchange.h"

/* dial.c */

/* Sets a session up for connection, with child (may be NULL); gateway: instead of remote_addrs (may be NULL). What
 * becomes of it the attempt tells. 0 or -ENOMEM. */
int ike_dial(struct ike_engine *engine, const struct rv_connection *connection, const struct rv_child_conf *child,
	     struct rv_attempt *attempt, const char *gateway);

/* The same for sa's session anew: with the children that it has (while it is being set up: is to have), at gateway,
 * nothing begun yet. who: as rv_attempt_new(). NULL: out of memory. */
struct ike_dial *ike_dial_anew(struct rv_ike_sa *sa, const char *gateway, const char *who);

/* As ike_dial_anew(), begun, beside sa's session, which ends when the new one has its children. origin: where its peer
 * was when that one sends us elsewhere, or NULL. 0 or -ENOMEM. */
int ike_dial_beside(struct rv_ike_sa *sa, const char *gateway, const char *who, const struct rv_addr *origin);

/* What was prepared to be called begins (NULL: nothing), or is let go. */
void ike_dial_go(struct ike_dial *dial);
void ike_dial_drop(struct ike_dial *dial);

/* An IKE SA in the race: it was answered and the others are let go; it failed, another one may do better (true: the
 * failure is dealt with); its handshake ends in another way. */
void ike_dial_won(struct ike_handshake *hs);
bool ike_dial_lost(struct rv_ike_exchange *x, int error);
void ike_dial_gone(struct ike_handshake *hs);

/* init.c, init-answer.c */

enum { IKE_RESTARTS_MAX = 8 }; /* for cookies and other groups */

/* A new IKE SA of peer as initiator, whose first message waits for ike_exchange_kick(); anew: with keys of its own,
 * whatever extensions know. The session and what there is of it are the caller's to end when this is NULL (out of
 * memory). */
struct ike_handshake *ike_init_new(struct ike_engine *engine, struct rv_peer *peer, struct ike_port *port,
				   const struct rv_child_conf *child, struct rv_attempt *attempt, bool anew);

/* A well-formed first message of a stranger. */
void ike_init_request(struct ike_port *port, const struct rv_path *path, const struct ike_message *message);

/* The parts that other first exchanges share. repeated: a first message that was answered was answered again. welcome:
 * the exchange of a new session for it (NULL: out of memory), with these NAT rules; serve: it is gone on with. */
bool ike_init_repeated(struct ike_port *port, const struct rv_path *path, const struct ike_message *message);
struct rv_ike_exchange *ike_init_welcome(struct ike_port *port, const struct rv_path *path,
					 const struct ike_message *message, uint8_t encap);
void ike_init_serve(struct rv_ike_exchange *x);
rv_ike_step_fn ike_init_find_nat, ike_init_go_on;

/* known.c: the first exchange of an extension that knows keys for hs (0: none does; 1: it is asked for; negative); a
 * well-formed message of one, by a stranger. */
int ike_known_ask(struct ike_handshake *hs);
void ike_known_request(struct ike_port *port, const struct rv_path *path, const struct ike_message *message);

/* SK_d to SK_pr of x->sa from x->chosen and x->kex. */
int ike_handshake_keys(struct rv_ike_exchange *x, struct rv_bytes ni, struct rv_bytes nr);

/* NAT detection (2.23): our notifications for path; what the peer's say of the path that the message came by, into path
 * (1; 0 when there are none; negative), and into the session's and x->sa. */
int ike_nat_write(struct rv_ike_exchange *x, const struct rv_path *path, uint8_t encap, uint64_t spi_i, uint64_t spi_r);
int ike_nat_judge(struct rv_ike_exchange *x, uint8_t encap, struct rv_path *path);
int ike_nat_read(struct rv_ike_exchange *x, uint8_t encap);

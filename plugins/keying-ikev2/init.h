// SPDX-License-Identifier: LGPL-2.1-or-later
/* init.h: IKE_SA_INIT (RFC 7296, 1.2): how it begins in each role, and what both roles share.
 */
#pragma once

#include "exchange.h"

enum { IKE_RESTARTS_MAX = 8 }; /* for cookies and other groups */

/* A new IKE SA of peer as initiator, whose first message waits for ike_exchange_kick(). The session and what there is
 * of it are the caller's to end when this is NULL (out of memory). */
struct ike_handshake *ike_init_new(struct ike_engine *engine, struct rv_peer *peer, struct ike_port *port,
				   const struct rv_child_conf *child, struct rv_attempt *attempt);

/* A well-formed first message of a stranger. */
void ike_init_request(struct ike_port *port, const struct rv_path *path, const struct ike_message *message);

/* SK_d to SK_pr of x->sa from x->chosen and x->kex. */
int ike_handshake_keys(struct rv_ike_exchange *x, struct rv_bytes ni, struct rv_bytes nr);

/* NAT detection (2.23): our notifications; what the peer's say, into the path and x->sa. */
int ike_nat_write(struct rv_ike_exchange *x, uint8_t encap, uint64_t spi_i, uint64_t spi_r);
int ike_nat_read(struct rv_ike_exchange *x, uint8_t encap);

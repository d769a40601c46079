// SPDX-License-Identifier: LGPL-2.1-or-later
/* halfopen.h: what strangers may cost us (RFC 7296, 2.6).
 */
#pragma once

#include "ike-sa.h"
#include "octets/cookie.h"
#include "octets/payload.h"

int ike_halfopen_init(struct ike_engine *engine);

/* Counts an IKE SA as half open, and no longer. find: the one that this very first message made. */
void ike_halfopen_add(struct ike_handshake *hs);
void ike_halfopen_remove(struct ike_handshake *hs);
struct rv_ike_sa *ike_halfopen_find(struct ike_engine *engine, uint64_t spi_i, const struct rv_addr *remote,
				    uint64_t digest);

/* True for a late copy of a first message whose IKE SA is established or gone by now (RFC 7296, 2.1: it is ignored). */
bool ike_halfopen_stale(const struct ike_engine *engine, uint64_t digest);

/* May a first message go on? 0; RV_PENDING when it was answered with a cookie; negative when it is dropped. stranger:
 * as extensions saw it; it borrows the message. */
int ike_halfopen_admit(struct ike_port *port, const struct rv_path *path, const struct ike_message *message,
		       struct rv_bytes ni, const struct ike_proposals *offer, struct rv_ike_stranger *stranger);

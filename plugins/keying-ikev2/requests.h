// SPDX-License-Identifier: LGPL-2.1-or-later
/* requests.h: what we ask of the peer inside an established IKE SA (RFC 7296, 1.3 and 1.4).
 *
 * All return 0 when the request is queued or was so already, or negative.
 */
#pragma once

#include "exchange.h"

/* CREATE_CHILD_SA: one more child SA (attempt may be NULL; later: in so long at the earliest); a successor of a child
 * SA; of the IKE SA. */
int ike_child_create(struct rv_ike_sa *sa, const struct rv_child_conf *conf, struct rv_attempt *attempt);
int ike_child_create_later(struct rv_ike_sa *sa, const struct rv_child_conf *conf, uint64_t us);
int ike_child_rekey(struct rv_child *child);
int ike_rekey(struct rv_ike_sa *sa);

/* INFORMATIONAL: is the peer there; delete a child SA; the IKE SA (and with it the session, when it is the current). */
int ike_liveness(struct rv_ike_sa *sa);
int ike_child_delete(struct rv_child *child);
int ike_delete(struct rv_ike_sa *sa);

/* That nobody here has an SPI of the peer's packets. */
int ike_tell_unknown(struct rv_ike_sa *sa, uint32_t spi);

/* As ike_delete() for one whose IKE_AUTH request is out: when it is answered. */
int ike_delete_when_up(struct rv_ike_sa *sa);

/* Tells the peer to delete a child SA that is not (or no longer) here, by our inbound SPI. */
void ike_child_disown(struct rv_ike_sa *sa, uint32_t spi_in);

/* The peer deletes the IKE SA while we replace it: our rekey is forgotten, the peer's successor takes over. */
void ike_rekey_forget(struct rv_ike_sa *sa);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* ext.h: where the engine asks the extensions (kind ikev2-ext), ext.c; and their verbs, ext-verbs.c. engine.h includes
 * it.
 */
#pragma once

struct ike_engine;
struct ike_header;
struct ike_port;

/* point: runs the tasks there (0, RV_PENDING, negative). datagram: true when one dealt with it. */
int ike_ext_init(struct ike_engine *engine);
int ike_point(struct rv_ike_exchange *x, enum rv_ike_point point);
bool ike_ext_datagram(struct ike_port *port, const struct rv_path *path, const struct ike_header *header,
		      struct rv_bytes message);
const struct rv_ike_row *ike_ext_row(struct rv_ike_exchange *x, void **self);
void ike_ext_inherit(struct rv_ike_sa *from, struct rv_ike_sa *to);
void ike_ext_pack(struct rv_ike_sa *sa, uint16_t tag, struct rv_pack *out);
void ike_ext_unpack(struct rv_ike_sa *sa, struct rv_bytes field);

/* What extensions say of a request that is not opened yet; as the op. */
int ike_ext_admit(struct rv_ike_sa *sa, const struct rv_ike_outer *request);

/* What was said without protection for an established IKE SA; as the op. */
int ike_ext_unprotected(struct rv_ike_sa *sa, const struct rv_path *path, uint16_t type, struct rv_bytes data);

/* First exchanges of extensions: whether a type is one; which one sa is to begin with (0: none); whether a stranger's
 * is accepted. */
bool ike_ext_opens(const struct ike_engine *engine, uint8_t exchange);
uint8_t ike_ext_open(struct rv_ike_sa *sa, struct rv_ike_known *known);
bool ike_ext_opened(struct ike_engine *engine, uint8_t exchange, const struct rv_ike_stranger *stranger,
		    struct rv_ike_known *known);

/* What extensions say of a first message; as the op. */
int ike_ext_stranger(struct ike_engine *engine, struct rv_ike_stranger *stranger);

/* Messages in plain. seen: everybody sees it. splits: somebody may split. split, join: as their ops. */
void ike_ext_seen(struct rv_ike_exchange *x, const struct rv_ike_plain *plain);
bool ike_ext_splits(const struct ike_engine *engine);
int ike_ext_split(struct rv_ike_exchange *x, const struct rv_ike_plain *plain, unsigned attempt);
int ike_ext_join(struct rv_ike_sa *sa, const struct rv_ike_sealed *datagram, struct rv_ike_plain *out);

/* Somebody asked the peer to authenticate sa's session anew. */
bool ike_ext_reauth(struct rv_ike_sa *sa);

/* The last word on what goes out. shape: the message of x; leave: true when a datagram was taken over. */
int ike_ext_shape(struct rv_ike_exchange *x);
bool ike_ext_leave(struct rv_ike_sa *sa, const struct rv_path *path, struct rv_bytes datagram);

/* The extension whose self it is cannot be unloaded while x lasts. 0 or negative. */
int ike_ext_hold(struct rv_ike_exchange *x, void *self);

extern const struct rv_ike_verbs ike_verbs;

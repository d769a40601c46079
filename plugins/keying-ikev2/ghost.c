// SPDX-License-Identifier: LGPL-2.1-or-later
/* ghost: the last answer of an IKE SA that is gone (RFC 7296, 2.1).
 *
 * The answer to the request that ended an IKE SA may be lost; the peer then sends the same request again, and would
 * wait in vain. A few such answers are kept for a while, for exactly the request that they answer.
 */
#include "ike-sa.h"

enum { KEEP_US = 60 * 1000000 };

struct ghost {
	struct rv_list entry;
	uint64_t ours, digest, until_us;
	size_t len;
	uint8_t octets[];
};

static void lay(struct ike_engine *engine, struct ghost *ghost)
{
	rv_list_del(&ghost->entry);
	engine->n_ghosts--;
	talloc_free(ghost);
}

void ike_ghost_expire(struct ike_engine *engine)
{
	uint64_t now = rv_loop_now_us(engine->host->loop);

	rv_list_each (&engine->ghosts, ghost, struct ghost, entry) {
		if (ghost->until_us > now && engine->n_ghosts < IKE_GHOSTS_MAX)
			return;
		lay(engine, ghost);
	}
}

void ike_ghost_keep(struct rv_ike_sa *sa)
{
	struct ike_engine *engine = sa->engine;
	struct ike_response *r = sa->response;
	struct ghost *ghost;

	ike_ghost_expire(engine);
	if (!r || !r->digest)
		return;
	ghost = talloc_size(engine, sizeof(*ghost) + r->len);
	if (!ghost)
		return;
	talloc_set_name_const(ghost, "struct ghost");
	*ghost = (struct ghost){ .ours = ike_sa_ours(sa),
				 .digest = r->digest,
				 .until_us = rv_loop_now_us(engine->host->loop) + KEEP_US,
				 .len = r->len };
	struct rv_wr w = rv_wr(ghost->octets, r->len);

	rv_wr_put(&w, rv_bytes(r->octets, r->len));
	rv_list_add(&engine->ghosts, &ghost->entry);
	engine->n_ghosts++;
}

bool ike_ghost_answer(struct ike_port *port, const struct ike_header *header, const struct rv_path *path,
		      struct rv_bytes message)
{
	uint64_t ours = header->flags & IKE_FLAG_INITIATOR ? header->spi_r : header->spi_i;
	uint64_t digest;

	if (!ours || rv_list_empty(&port->engine->ghosts))
		return false;
	digest = ike_digest(message);
	rv_list_each (&port->engine->ghosts, ghost, struct ghost, entry) {
		if (ghost->ours != ours || ghost->digest != digest)
			continue;
		struct rv_rd list = rv_rd(rv_bytes(ghost->octets, ghost->len));
		struct rv_bytes datagram;

		while (rv_rd_more(&list) && ike_list_next(&list, &datagram))
			(void)port->ops->send(port->self, path, datagram);
		return true;
	}
	return false;
}

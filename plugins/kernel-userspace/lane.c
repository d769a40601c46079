// SPDX-License-Identifier: LGPL-2.1-or-later
/* lane: its birth and end, and what both directions share. */
#include "lane.h"
#include "out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int lane_init(struct lane *lane, struct databases *db, unsigned index, uint32_t max_contexts)
{
	*lane = (struct lane){ .index = index, .db = db, .due_us = UINT64_MAX };
	reassembly_init(&lane->reassembly, db->vault);
	fragments_init(&lane->in_fragments);
	fragments_init(&lane->out_fragments);
	lane->out.arena = rv_pages_new(db->vault, ARENA);
	lane->in.scratch = rv_pages_new(db->vault, SCRATCH);
	if (lane->out.arena && lane->in.scratch && !contexts_init(&lane->contexts, index, max_contexts))
		return 0;
	lane_fini(lane);
	return -ENOMEM;
}

void lane_fini(struct lane *lane)
{
	contexts_fini(&lane->contexts);
	fragments_fini(&lane->in_fragments);
	fragments_fini(&lane->out_fragments);
	reassembly_fini(&lane->reassembly);
	rv_pages_free(lane->db->vault, lane->out.arena, ARENA);
	rv_pages_free(lane->db->vault, lane->in.scratch, SCRATCH);
	lane->out.arena = lane->in.scratch = NULL;
	rv_wipe(lane->random, sizeof(lane->random));
}

void lane_tell(struct lane *lane, const struct sa *sa, enum sa_limit limit)
{
	struct note note = { .type = NOTE_EXPIRE, .hard = limit == SA_HARD, .id = sa->child_id };

	if (limit != SA_FINE)
		(void)note_put(&lane->db->notes, &note);
}

uint32_t lane_path_mtu(const struct lane *lane, const struct sa_path *path)
{
	const struct rv_port *port = lane->wire[path->wire];
	uint32_t mtu = port ? port->mtu : 0;

	return path->mtu && path->mtu < mtu ? path->mtu : mtu;
}

uint32_t lane_mtu(const struct lane *lane, const struct sa *sa)
{
	const struct sa_path *path = atomic_load_explicit(&sa->path, memory_order_acquire);
	uint32_t mtu = lane_path_mtu(lane, path);

	return mtu ? out_clear_mtu(sa, path, mtu) : UINT32_MAX;
}

void lane_clear(struct lane *lane, struct iface *iface, struct rv_packet *const *packets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out_packet(lane, iface, packets[i]);
	out_flush(lane);
	lane->out.flow.sa = NULL;
	in_flush(lane); /* ICMP */
}

static struct rv_port *clear_port(const struct lane *lane, const struct iface *iface)
{
	return iface && lane->index < iface->n_ports ? iface->ports[lane->index] : NULL;
}

/* The last packet grows no more. */
static void end_train(struct in_state *in)
{
	if (!in->n_clear || !in->train.n)
		return;
	struct rv_packet *last = &in->clear[in->n_clear - 1];
	last->len = in->train.len;
	last->seg_len = in->train.n > 1 ? in->train.mss : 0;
	coalesce_end(&in->train, last->vnet);
}

void in_flush(struct lane *lane)
{
	struct in_state *in = &lane->in;
	struct rv_packet *list[RV_BURST];
	struct rv_port *port = clear_port(lane, in->iface);

	end_train(in);

	for (uint32_t i = 0; i < in->n_clear; i++)
		list[i] = &in->clear[i];
	int sent = port && in->n_clear ? port->ops->send(port, list, in->n_clear) : 0;
	if (sent > 0)
		in->fed = in->iface;
	for (uint32_t i = (uint32_t)(sent > 0 ? sent : 0); i < in->n_clear; i++)
		lane_drop(lane, RV_DROP_IO);
	in->n_clear = 0;
	in->at = 0;
	in->iface = NULL;
	in->flow.sa = NULL;
}

/* What joins a train moves over octets that are used up: those between the train and itself. So it must lie behind the
 * train in the same buffer, which what an extension made does not. */
static bool lies_behind(const struct coalesced *train, const uint8_t *p)
{
	return (uintptr_t)p >= (uintptr_t)train->p + train->len && (uintptr_t)p < (uintptr_t)train->limit;
}

void in_emit(struct lane *lane, struct iface *iface, uint8_t *p, const struct ip_info *info, const uint8_t *limit)
{
	struct in_state *in = &lane->in;
	const struct rv_port *port = clear_port(lane, iface);

	if (in->iface == iface && in->n_clear && in->train.open && lies_behind(&in->train, p) &&
	    coalesce_add(&in->train, p, info))
		return;
	end_train(in);
	if (in->iface != iface || in->n_clear == RV_BURST) {
		uint32_t at = in->at; /* p may be in the scratch arena */
		in_flush(lane);
		in->at = at;
	}
	in->iface = iface;
	struct rv_packet *packet = &in->clear[in->n_clear++]; /* zero but for these */
	packet->buf = packet->data = p;
	packet->cap = packet->len = info->len;
	packet->seg_len = 0;
	memset(packet->vnet, 0, sizeof(packet->vnet));
	if (!port || !(port->takes_trains || port->takes_udp_trains)) {
		in->train = (struct coalesced){ .p = p, .len = info->len, .n = 1 };
		return;
	}
	coalesce_begin(&in->train, p, info, limit);
	in->train.open = in->train.open && (in->train.proto == IP_UDP ? port->takes_udp_trains : port->takes_trains);
}

uint8_t *in_scratch(struct lane *lane, uint32_t len)
{
	struct in_state *in = &lane->in;

	if (len > SCRATCH)
		return NULL;
	if (in->at + len > SCRATCH) {
		out_flush(lane); /* texts for an extension may be there */
		in_flush(lane);
	}
	uint8_t *p = in->scratch + in->at;
	in->at += len;
	return p;
}

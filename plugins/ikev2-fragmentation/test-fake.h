// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-fake.h: an IKE SA that opens what is not sealed, to show fragments to the plugin one by one.
 *
 * The last octet of a datagram says whether it is authentic: 0 is.
 */
#pragma once

#include "fragmentation.h"

#include "parts.h"

#include <ravelin/wire.h>

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

struct fake_sa {
	const struct rv_ike_verbs *verbs;
	struct rv_peer peer;
	enum rv_ike_state state;
	bool not_agreed;
};

struct fake {
	struct rv_core core;
	struct rv_clock clock;
	uint64_t now;
	struct fragmentation f;
	struct fake_sa *sa;
	size_t heard;
};

static struct rv_peer *fake_peer(struct rv_ike_sa *sa)
{
	return &((struct fake_sa *)(void *)sa)->peer;
}

static enum rv_ike_state fake_state(const struct rv_ike_sa *sa)
{
	return ((const struct fake_sa *)(const void *)sa)->state;
}

static bool fake_agreed(const struct rv_ike_sa *sa, uint16_t number)
{
	return !((const struct fake_sa *)(const void *)sa)->not_agreed;
}

static int fake_open(struct rv_ike_sa *sa, const struct rv_ike_sealed *d, size_t skip, uint8_t *room, size_t cap,
		     struct rv_bytes *chunk)
{
	struct rv_rd r = rv_rd(d->body);
	struct rv_wr w = rv_wr(room, cap);

	(void)rv_rd_take(&r, skip);
	if (!rv_rd_left(&r) || d->body.p[d->body.len - 1])
		return -RV_EINTEGRITY;
	rv_wr_put(&w, rv_rd_take(&r, rv_rd_left(&r) - 1));
	if (!rv_wr_done(&w))
		abort();
	*chunk = rv_wr_bytes(&w);
	return 0;
}

static const struct rv_ike_verbs fake_verbs = {
	.size = sizeof(fake_verbs), .peer = fake_peer, .state = fake_state, .agreed = fake_agreed, .open = fake_open
};

static uint64_t fake_now(void *self)
{
	return ((struct fake *)self)->now;
}

static void fake_heard(struct fragmentation *f, struct rv_ike_sa *sa, size_t size)
{
	rv_container_of(f, struct fake, f)->heard = size;
}

static inline struct fake *fake_new(void)
{
	struct fake *w = talloc_zero(NULL, struct fake);

	if (!w)
		abort();
	w->now = 1;
	w->clock = (struct rv_clock){ .now_us = fake_now, .self = w };
	w->core.log = rv_log_new(w, RV_ERROR, NULL, NULL);
	w->core.loop = rv_loop_new(w, &w->clock);
	w->f.host = rv_host_new(&w->core, "test");
	w->sa = talloc_zero(w, struct fake_sa);
	if (!w->core.log || !w->core.loop || !w->f.host || !w->sa)
		abort();
	w->f.heard = fake_heard;
	w->sa->verbs = &fake_verbs;
	w->sa->state = RV_IKE_HALF_OPEN;
	w->sa->peer.path.remote.family = RV_IPV4;
	return w;
}

static inline void fake_end(struct fake *w)
{
	TALLOC_FREE(w->sa);
	if (w->f.held)
		abort(); /* what was counted is given back */
	talloc_free(w);
}

/* A fragment arrives in room of its own size, so that a look behind it shows. As fragment_join(). */
static inline int fake_arrive(struct fake *w, const struct rv_ike_sealed *like, uint16_t number, uint16_t total,
			      struct rv_bytes chunk, bool authentic, struct rv_ike_plain *out)
{
	size_t len = NUMBERS_LEN + chunk.len + 1;
	uint8_t *octets = malloc(len);
	struct rv_ike_sealed d = *like;
	struct rv_wr wr = rv_wr(octets, octets ? len : 0);
	int r;

	rv_wr_u16(&wr, number);
	rv_wr_u16(&wr, total);
	rv_wr_put(&wr, chunk);
	rv_wr_u8(&wr, authentic ? 0 : 1);
	if (!rv_wr_done(&wr))
		abort();
	d.body = d.datagram = rv_wr_bytes(&wr);
	d.digest = number;
	*out = (struct rv_ike_plain){ 0 };
	r = fragment_join(&w->f, (struct rv_ike_sa *)(void *)w->sa, &d, out);
	free(octets);
	return r;
}

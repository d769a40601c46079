// SPDX-License-Identifier: LGPL-2.1-or-later
/* dummy: packets that say nothing, where an SA would be silent (RFC 4303, 2.6: next header 59).
 *
 * They go out when nothing did for a random time around the one that was asked for, as long as those of `tfc_padding`,
 * or of any length that the path takes. They are no use of the SA: its end for inactivity comes all the same.
 */
#include "extend.h"

#include "out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { MTU_UNKNOWN = 1280 };

struct dummy {
	struct sa *sa;
	struct timed timed;
	uint64_t about_us;	   /* as was asked for */
	uint64_t wait_us, sent_us; /* of the worker that sends them */
};

static timed_fn turn;

int dummy_new(struct sa *sa, const struct rv_sa_spec *spec)
{
	struct dummy *dummy;

	if (!spec->dummy_us || spec->dir != RV_OUT || spec->protocol != RV_PROTO_ESP)
		return 0;
	if (sa->ext && sa->ext->ops->tick) /* it sends in its own time */
		return 0;
	dummy = calloc(1, sizeof(*dummy));
	if (!dummy)
		return -ENOMEM;
	*dummy = (struct dummy){ .sa = sa, .about_us = spec->dummy_us, .wait_us = spec->dummy_us };
	dummy->timed.fn = turn;
	sa->out.dummy = dummy;
	return 0;
}

void dummy_free(struct sa *sa)
{
	if (sa->dir == RV_OUT)
		free(sa->out.dummy);
}

int dummy_link(struct extended *all, struct sa *sa, unsigned n_workers)
{
	return timed_add(&all->timed, &sa->out.dummy->timed, n_workers);
}

void dummy_time(struct sa *sa, unsigned worker)
{
	timed_begin(&sa->out.dummy->timed, worker);
}

void dummy_unlink(struct sa *sa)
{
	timed_end(&sa->out.dummy->timed);
}

static uint32_t random_below(uint32_t n)
{
	uint32_t r;

	return getrandom(&r, sizeof(r), 0) == sizeof(r) && n ? r % n : 0;
}

/* The contents are nobody's: where they are not encrypted, the next header is not either. */
static void send_one(struct lane *lane, struct sa *sa)
{
	const struct sa_path *path = atomic_load_explicit(&sa->path, memory_order_acquire);
	uint32_t mtu = lane_path_mtu(lane, path), room = esp_room(sa, path, mtu ? mtu : MTU_UNKNOWN);
	uint32_t tfc = sa->terms.tfc < room ? sa->terms.tfc : room, len = tfc ? tfc : random_below(room + 1);
	uint64_t used_us = atomic_load_explicit(&sa->used_us, memory_order_relaxed);
	uint8_t *p = in_scratch(lane, len + RV_TAILROOM);
	struct rv_esp_text text = { .p = p, .len = len, .next = IP_NONE, .stays = true };

	if (!p)
		return;
	memset(p, 0, len);
	(void)out_emit(lane, sa, path, &text);
	out_flush(lane);
	atomic_store_explicit(&sa->used_us, used_us, memory_order_relaxed);
}

/* Whenever it can be that one is due: it is not, where other packets went out meanwhile. */
static void turn(struct lane *lane, struct timed *timed)
{
	struct dummy *d = rv_container_of(timed, struct dummy, timed);
	uint64_t used_us = atomic_load_explicit(&d->sa->used_us, memory_order_relaxed);
	uint64_t last_us = used_us > d->sent_us ? used_us : d->sent_us;

	if (last_us + d->wait_us > lane->now_us) {
		timed_set(lane, timed, last_us + d->wait_us);
		return;
	}
	/* the newest of its reqid only: an older one is on its way out */
	bool newest = atomic_load_explicit(&d->sa->out.bundle->first, memory_order_acquire) == d->sa;
	if (newest && !atomic_load_explicit(&d->sa->ended, memory_order_relaxed))
		send_one(lane, d->sa);
	d->sent_us = lane->now_us;
	uint64_t about_us = d->about_us < UINT32_MAX / 2 ? d->about_us : UINT32_MAX / 2;
	d->wait_us = about_us / 2 + random_below((uint32_t)about_us + 1);
	timed_set(lane, timed, lane->now_us + d->wait_us);
}

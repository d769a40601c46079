// SPDX-License-Identifier: LGPL-2.1-or-later
/* stage: kind `esp-ext`: SAs come and go, tunnels stay while one of them is there; what an operator should know is told
 * from the loop (RFC 9347, 2.4.1: "packet loss should be reported to the administrator").
 */
#include "esp-iptfs.h"

#include <errno.h>
#include <ravelin/error.h>

static const uint64_t look_us = 1000000, tell_again = 10;

enum { QUEUE_LEAST = 65536 + 64 };

struct stages {
	struct rv_host *host;
	struct rv_list tunnels;
	struct rv_timer timer;
	uint64_t looks;
	uint32_t last; /* number of a sender */
};

/* One SA. */
struct stage {
	struct tunnel *tunnel;
	struct sender *sender;
	struct receiver *receiver;
	uint32_t spi;
};

static uint64_t count_of(const struct tunnel *tunnel, enum count what)
{
	return atomic_load_explicit(&tunnel->counts[what], memory_order_relaxed);
}

/* RFC 9347, 2.4.2.1: a loss that lasts stops the tunnel, until it is made anew. */
static void watch_loss(struct tunnel *tunnel, uint64_t now_us)
{
	uint32_t inverse = atomic_load_explicit(&tunnel->inverse, memory_order_relaxed);
	bool too_high = tunnel->terms.breaker_loss && inverse && 1000 / inverse >= tunnel->terms.breaker_loss;

	if (!too_high || atomic_load(&tunnel->broken)) {
		tunnel->lossy_us = 0;
		return;
	}
	if (!tunnel->lossy_us)
		tunnel->lossy_us = now_us;
	if (now_us - tunnel->lossy_us < tunnel->terms.breaker_us)
		return;
	atomic_store(&tunnel->broken, true);
	rv_log(&tunnel->host->subject, RV_ERROR, "iptfs-stopped", KV_UINT("reqid", tunnel->reqid),
	       KV_STR("why", "the path has lost too many packets for too long (circuit breaker)"),
	       KV_UINT("one-lost-of", inverse),
	       KV_STR("advice", "mend the path or lower iptfs_bandwidth, then bring the child SA down and up"));
}

static void tell_loss(struct tunnel *tunnel)
{
	uint64_t lost = count_of(tunnel, LOST);

	if (lost == tunnel->told_lost)
		return;
	rv_log(&tunnel->host->subject, RV_WARN, "iptfs-loss", KV_UINT("reqid", tunnel->reqid),
	       KV_UINT("lost", lost - tunnel->told_lost), KV_UINT("received", count_of(tunnel, RECEIVED)),
	       KV_STR("advice", "the path has less bandwidth than the peer's iptfs_bandwidth, or drops packets"));
	tunnel->told_lost = lost;
}

/* Without it losses are not told of, and the circuit breaker does not work. */
static void look_again(struct stages *stages)
{
	int r = rv_list_empty(&stages->tunnels) ? 0 : rv_timer_arm(&stages->timer, look_us);

	if (r)
		rv_log(&stages->host->subject, RV_ERROR, "iptfs-unwatched", KV_STR("why", rv_error_text(r)));
}

static void look(struct rv_timer *timer)
{
	struct stages *stages = rv_container_of(timer, struct stages, timer);
	bool tell = ++stages->looks % tell_again == 0;

	rv_list_each (&stages->tunnels, tunnel, struct tunnel, entry) {
		watch_loss(tunnel, rv_loop_now_us(stages->host->loop));
		if (tell)
			tell_loss(tunnel);
	}
	look_again(stages);
}

static struct tunnel *tunnel_of(struct stages *stages, const struct rv_sa_spec *spec)
{
	rv_list_each (&stages->tunnels, tunnel, struct tunnel, entry)
		if (tunnel->reqid == spec->reqid && rv_ts_same(&tunnel->local, spec->local_ts) &&
		    rv_ts_same(&tunnel->remote, spec->remote_ts))
			return tunnel;
	struct tunnel *tunnel = talloc_zero(stages, struct tunnel);
	if (!tunnel)
		return NULL;
	tunnel->host = stages->host;
	tunnel->reqid = spec->reqid;
	tunnel->local = *spec->local_ts;
	tunnel->remote = *spec->remote_ts;
	rv_list_add(&stages->tunnels, &tunnel->entry);
	if (!rv_timer_armed(&stages->timer))
		look_again(stages);
	return tunnel;
}

static void report_end(const struct tunnel *t)
{
	rv_log(&t->host->subject, RV_INFO, "iptfs-ended", KV_UINT("reqid", t->reqid),
	       KV_UINT("sent", count_of(t, SENT)), KV_UINT("padded", count_of(t, PADDED)),
	       KV_UINT("in-pieces", count_of(t, IN_PIECES)), KV_UINT("not-queued", count_of(t, NOT_QUEUED)),
	       KV_UINT("too-large", count_of(t, TOO_LARGE)), KV_UINT("received", count_of(t, RECEIVED)),
	       KV_UINT("lost", count_of(t, LOST)), KV_UINT("late", count_of(t, LATE)),
	       KV_UINT("reordered", count_of(t, REORDERED)), KV_UINT("broken", count_of(t, BROKEN)),
	       KV_UINT("bad", count_of(t, BAD)));
}

static void tunnel_put(struct tunnel *tunnel)
{
	if (tunnel->users)
		return;
	report_end(tunnel);
	rv_list_del(&tunnel->entry);
	talloc_free(tunnel);
}

static int open_sender(struct stages *stages, struct stage *stage, const struct rv_sa_spec *spec)
{
	struct tunnel *tunnel = stage->tunnel;
	struct send_terms terms;

	if (!send_terms_read(&terms, spec->ext_octets))
		return -EINVAL;
	if (!tunnel->queue.octets) {
		tunnel->queue.size = terms.queue > QUEUE_LEAST ? terms.queue : QUEUE_LEAST;
		tunnel->queue.octets = talloc_size(tunnel, tunnel->queue.size);
	}
	tunnel->terms = terms;
	atomic_store(&tunnel->broken, false);
	stage->sender = sender_new(stage, tunnel, &terms, ++stages->last);
	return tunnel->queue.octets && stage->sender ? 0 : -ENOMEM;
}

static int open_receiver(struct stage *stage, const struct rv_sa_spec *spec)
{
	struct receive_terms terms;

	if (!receive_terms_read(&terms, spec->ext_octets))
		return -EINVAL;
	stage->receiver = receiver_new(stage, stage->tunnel, &terms, spec->sequence);
	return stage->receiver ? 0 : -ENOMEM;
}

static int stage_open(void *self, const struct rv_sa_spec *spec, unsigned n_workers, void **state)
{
	struct stages *stages = self;
	struct stage *stage = talloc_zero(stages, struct stage);
	int r = stage ? 0 : -ENOMEM;

	if (r)
		return r;
	stage->tunnel = tunnel_of(stages, spec);
	if (!stage->tunnel)
		r = -ENOMEM;
	else if (spec->mode != RV_TUNNEL)
		r = -EINVAL;
	else
		r = spec->dir == RV_OUT ? open_sender(stages, stage, spec) : open_receiver(stage, spec);
	if (!r) {
		stage->tunnel->users++;
		*state = stage;
		return 0;
	}
	if (stage->tunnel)
		tunnel_put(stage->tunnel);
	talloc_free(stage);
	return r;
}

static void stage_close(void *self, void *state)
{
	struct stage *stage = state;

	if (stage->sender)
		sender_retire(stage->sender);
	stage->tunnel->users--;
	tunnel_put(stage->tunnel);
	talloc_free(stage);
}

static void stage_out(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	sender_out(((struct stage *)state)->sender, turn, texts, n);
}

static void stage_in(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	receiver_in(((struct stage *)state)->receiver, turn, texts, n);
}

static void stage_tick(void *state, struct rv_esp_turn *turn)
{
	const struct stage *stage = state;

	if (stage->sender)
		sender_tick(stage->sender, turn);
	else
		receiver_tick(stage->receiver, turn);
}

static uint32_t stage_mtu(void *state, uint32_t mtu)
{
	return sender_mtu(((struct stage *)state)->sender, mtu);
}

static const struct rv_esp_ext_ops ops = { .size = sizeof(ops),
					   .open = stage_open,
					   .close = stage_close,
					   .out = stage_out,
					   .in = stage_in,
					   .tick = stage_tick,
					   .mtu = stage_mtu };

static int stop(struct stages *stages)
{
	rv_timer_cancel(&stages->timer);
	return 0;
}

int stage_offer(struct rv_host *host)
{
	struct stages *stages = talloc_zero(host, struct stages);

	if (!stages)
		return -ENOMEM;
	stages->host = host;
	rv_list_init(&stages->tunnels);
	rv_timer_init(&stages->timer, host->loop, look);
	talloc_set_destructor(stages, stop);
	return rv_esp_ext_offer(host, (struct rv_offer){ .name = IPTFS_NAME }, &ops, stages);
}

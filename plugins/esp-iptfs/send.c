// SPDX-License-Identifier: LGPL-2.1-or-later
/* send: the outbound SA (RFC 9347, 2.1, 2.4): packets are put into the tunnel's queue by whichever worker has them, and
 * leave in payloads, at the rate there is, or as soon as there is something.
 *
 * Payloads are made by one worker at a time, in the order of their sequence numbers: the one that has the flag
 * `sending` makes those of the others, too. Of the senders of a tunnel the newest one goes on, at a rekey.
 */
#include "esp-iptfs.h"

#include <string.h>

/* CATCH_UP: payloads that are made up for in one turn, where they are more than those of catch_up_ns. */
enum { CATCH_UP = 64, RETRY_US = 50, STAND_BY_US = 1000000, ROOM = 65536, LEAST_ROOM = 64, MTU_LEAST = 1280 };

/* BEGIN_PPS: the rate while there is no round-trip time; REPORT_MIN_US ... how often reports leave where there is no
 * rate. */
static const double begin_pps = 10, most_pps = 1e6;
static const uint64_t catch_up_ns = 50000000;
static const uint64_t report_least_us = 1000, report_most_us = 1000000, report_first_us = 100000;

struct sender {
	struct tunnel *tunnel;
	struct send_terms terms;
	uint32_t number;
	_Atomic uint32_t payload; /* octets of data blocks; 0: not known yet */
	uint64_t next_ns;
	uint64_t reported_us;
	uint8_t room[ROOM];
};

struct sender *sender_new(void *parent, struct tunnel *tunnel, const struct send_terms *terms, uint32_t number)
{
	struct sender *sender = talloc_zero(parent, struct sender);

	if (!sender)
		return NULL;
	sender->tunnel = tunnel;
	sender->terms = *terms;
	sender->number = number;
	return sender;
}

static bool paced(const struct sender *sender)
{
	return sender->terms.bits || sender->terms.controlled;
}

static uint32_t outer_size(const struct sender *sender, const struct rv_esp_turn *turn)
{
	if (sender->terms.packet_size)
		return sender->terms.packet_size;
	return turn->mtu ? turn->mtu : MTU_LEAST;
}

/* RFC 9347, 3: the peer's TVal, and how long it has been here. */
static struct report report_now(struct sender *sender, uint64_t now_us)
{
	struct tunnel *tunnel = sender->tunnel;
	uint64_t tval = atomic_load_explicit(&tunnel->tval, memory_order_acquire);
	struct report report = { .ecn = atomic_load_explicit(&tunnel->marked, memory_order_relaxed),
				 .loss = atomic_load_explicit(&tunnel->loss, memory_order_relaxed),
				 .rtt_us = atomic_load_explicit(&tunnel->rtt_us, memory_order_relaxed),
				 .transmit_us = atomic_load_explicit(&tunnel->transmit_us, memory_order_relaxed),
				 .tval = (uint32_t)now_us | 1 };

	if (!tval)
		return report;
	report.techo = (uint32_t)(tval >> 32);
	report.echo_us = (uint32_t)now_us - (uint32_t)tval;
	return report;
}

/* One payload. full: of the fixed size. False: nothing was there, and it need not be sent. */
static bool send_one(struct sender *sender, struct rv_esp_turn *turn, bool full, bool must)
{
	struct tunnel *tunnel = sender->tunnel;
	struct header header = { .reports = sender->terms.reports };
	uint32_t size = turn->fits(turn, outer_size(sender, turn)), refused = 0, head, filled;
	struct rv_wr w = rv_wr(sender->room, HEADER_REPORT);

	head = header.reports ? HEADER_REPORT : HEADER_PLAIN;
	size = size < ROOM ? size : ROOM;
	if (size < head + LEAST_ROOM) {
		turn->drop(turn, RV_DROP_MALFORMED);
		return false;
	}
	atomic_store_explicit(&sender->payload, size - head, memory_order_relaxed);
	flag_take(&tunnel->queue_lock);
	filled = payload_fill(&tunnel->queue, sender->room + head, size - head, sender->terms.fragments, &header.offset,
			      &refused);
	bool in_pieces = tunnel->queue.sent != 0;
	atomic_store_explicit(&tunnel->waiting, tunnel->queue.n, memory_order_relaxed);
	flag_give(&tunnel->queue_lock);
	tunnel_count(tunnel, TOO_LARGE, refused);
	if (!filled && !must)
		return false;
	if (header.reports)
		header.report = report_now(sender, turn->now_us);
	header_write(&w, &header);
	if (full || !filled) { /* RFC 9347, 6.1.3.3 */
		uint32_t end = full ? size - head : 1;
		memset(sender->room + head + filled, 0, end - filled);
		tunnel_count(tunnel, PADDED, end > filled);
		filled = end;
	}
	tunnel_count(tunnel, IN_PIECES, in_pieces);
	tunnel_count(tunnel, SENT, 1);
	sender->reported_us = turn->now_us;
	(void)turn->emit(turn, &(struct rv_esp_text){ .p = sender->room,
						      .len = head + filled,
						      .next = AGGFRAG,
						      .tos = (uint8_t)(sender->terms.dscp << 2) });
	return true;
}

/* Whether this sender goes on. A newer one takes over with whole packets. */
static bool in_charge(struct sender *sender)
{
	struct tunnel *tunnel = sender->tunnel;
	uint32_t newest = atomic_load_explicit(&tunnel->newest, memory_order_relaxed);

	if (sender->number < newest || atomic_load_explicit(&tunnel->broken, memory_order_relaxed))
		return false;
	if (sender->number == newest)
		return true;
	atomic_store_explicit(&tunnel->newest, sender->number, memory_order_relaxed);
	flag_take(&tunnel->queue_lock);
	queue_restart(&tunnel->queue);
	flag_give(&tunnel->queue_lock);
	return true;
}

static double configured_pps(const struct sender *sender, const struct rv_esp_turn *turn)
{
	double pps = sender->terms.bits ? (double)sender->terms.bits / 8 / outer_size(sender, turn) : most_pps;

	return pps < most_pps ? pps : most_pps;
}

static double rate_now(struct sender *sender, const struct rv_esp_turn *turn)
{
	struct tunnel *tunnel = sender->tunnel;
	struct heard heard = { .rtt_us = atomic_load_explicit(&tunnel->rtt_us, memory_order_relaxed),
			       .inverse = atomic_load_explicit(&tunnel->inverse, memory_order_relaxed),
			       .heard_us = atomic_load_explicit(&tunnel->heard_us, memory_order_acquire) };

	tunnel->rate.most = configured_pps(sender, turn);
	if (!sender->terms.controlled)
		return tunnel->rate.most;
	if (tunnel->rate.pps <= 0)
		tunnel->rate.pps = begin_pps;
	rate_change(&tunnel->rate, &heard, turn->now_us);
	return tunnel->rate.pps;
}

/* RFC 9347, 2.4.1: payloads leave on a grid of times, whatever there is to send. What a late turn missed is made up
 * for; after a long sleep the grid begins anew. */
static void keep_pace(struct sender *sender, struct rv_esp_turn *turn)
{
	uint64_t step_ns = (uint64_t)(1e9 / rate_now(sender, turn)), now_ns = turn->now_us * 1000;

	uint64_t late_ns = CATCH_UP * step_ns > catch_up_ns ? CATCH_UP * step_ns : catch_up_ns;

	atomic_store_explicit(&sender->tunnel->transmit_us, (uint32_t)(step_ns / 1000), memory_order_relaxed);
	if (!sender->next_ns || now_ns > sender->next_ns + late_ns)
		sender->next_ns = now_ns;
	for (; sender->next_ns <= now_ns; sender->next_ns += step_ns)
		(void)send_one(sender, turn, true, true);
	turn->due_us = sender->next_ns / 1000 + 1;
}

static uint64_t report_us(const struct sender *sender)
{
	uint64_t rtt_us = atomic_load_explicit(&sender->tunnel->rtt_us, memory_order_relaxed);

	if (!rtt_us)
		return report_first_us;
	return rtt_us < report_least_us ? report_least_us : rtt_us < report_most_us ? rtt_us : report_most_us;
}

/* What waits leaves; a report at least once a round-trip time (RFC 9347, 2.4.2). False: it cannot leave. */
static bool empty(struct sender *sender, struct rv_esp_turn *turn)
{
	while (send_one(sender, turn, false, false))
		;
	if (sender->terms.reports) {
		if (turn->now_us - sender->reported_us >= report_us(sender))
			(void)send_one(sender, turn, false, true);
		turn->due_us = sender->reported_us + report_us(sender);
	}
	return !atomic_load(&sender->tunnel->waiting);
}

void sender_tick(struct sender *sender, struct rv_esp_turn *turn)
{
	struct tunnel *tunnel = sender->tunnel;

	if (atomic_flag_test_and_set_explicit(&tunnel->sending, memory_order_acquire)) {
		turn->due_us = turn->now_us + RETRY_US;
		return;
	}
	if (!in_charge(sender))
		turn->due_us = turn->now_us + STAND_BY_US; /* a newer one may go before this one does */
	else if (paced(sender))
		keep_pace(sender, turn);
	else
		(void)empty(sender, turn);
	flag_give(&tunnel->sending);
}

static void put(struct sender *sender, struct rv_esp_turn *turn, const struct rv_esp_text *text)
{
	struct tunnel *tunnel = sender->tunnel;
	bool fits;

	flag_take(&tunnel->queue_lock);
	fits = queue_put(&tunnel->queue, rv_bytes(text->p, text->len));
	atomic_store_explicit(&tunnel->waiting, tunnel->queue.n, memory_order_relaxed);
	flag_give(&tunnel->queue_lock);
	if (fits)
		return;
	tunnel_count(tunnel, NOT_QUEUED, 1);
	turn->drop(turn, RV_DROP_IO);
}

void sender_out(struct sender *sender, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	struct tunnel *tunnel = sender->tunnel;

	for (size_t i = 0; i < n; i++)
		put(sender, turn, &texts[i]);
	if (paced(sender))
		return;
	if (sender->terms.init_delay_us) {
		if (turn->due_us > turn->now_us + sender->terms.init_delay_us)
			turn->due_us = turn->now_us + sender->terms.init_delay_us;
		return;
	}
	/* who has the flag sees what others put in before they found it taken */
	while (atomic_load(&tunnel->waiting) &&
	       !atomic_flag_test_and_set_explicit(&tunnel->sending, memory_order_acquire)) {
		bool on = in_charge(sender) && empty(sender, turn);
		flag_give(&tunnel->sending);
		if (!on)
			return;
	}
}

void sender_retire(const struct sender *sender)
{
	uint32_t number = sender->number;

	(void)atomic_compare_exchange_strong(&sender->tunnel->newest, &number, 0);
}

uint32_t sender_mtu(const struct sender *sender, uint32_t mtu)
{
	uint32_t head = sender->terms.reports ? HEADER_REPORT : HEADER_PLAIN;
	uint32_t payload = atomic_load_explicit(&sender->payload, memory_order_relaxed);

	if (sender->terms.fragments) /* RFC 9347, 2.2.7 */
		return UINT32_MAX;
	mtu = mtu > head ? mtu - head : 0;
	return payload && payload < mtu ? payload : mtu;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* receive: the inbound SA (RFC 9347, 2.2.3, 2.5, 3): payloads are put into order within a small window, then their
 * blocks into packets; what the peer reports and what is lost is told to the outbound side.
 *
 * Several workers may have packets of one SA; one at a time works on the state, for the copying of one burst. Where
 * more comes out of it than the worker has room for, it has to be written to the device meanwhile, so others sleep
 * after a short while.
 */
#include "esp-iptfs.h"

#include <pthread.h>
#include <string.h>

/* SLOT: of a payload that waits for one before it; a larger one is not waited with. */
enum { SLOT = 9216, CE = 3, FIXED = 8 };

struct slot {
	uint64_t number; /* 0: empty */
	uint32_t len;
	uint16_t offset;
};

struct receiver {
	struct tunnel *tunnel;
	struct receive_terms terms;
	pthread_mutex_t lock;
	uint64_t next, newest; /* the number that is wanted, the highest that came */
	uint64_t waits_us;     /* since when the window has been waiting; 0: it does not */
	uint32_t n_held;
	struct losses losses;
	uint32_t sender_rtt_us;
	double pps;
	uint64_t counted_us, n_counted;
	struct assembly assembly;
	struct rv_esp_turn *turn;
	struct slot *slots; /* window + 1 of them */
	uint8_t *octets;
};

static int receiver_gone(struct receiver *receiver)
{
	return pthread_mutex_destroy(&receiver->lock) ? -1 : 0;
}

static void lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

struct receiver *receiver_new(void *parent, struct tunnel *tunnel, const struct receive_terms *terms, uint64_t sequence)
{
	struct receiver *receiver = talloc_zero(parent, struct receiver);
	unsigned n = terms->window + 1u;

	if (!receiver)
		return NULL;
	lock_init(&receiver->lock);
	talloc_set_destructor(receiver, receiver_gone);
	receiver->tunnel = tunnel;
	receiver->terms = *terms;
	receiver->next = sequence + 1;
	receiver->assembly.fragments = terms->fragments;
	receiver->assembly.packet = talloc_size(receiver, PACKET_MOST);
	receiver->slots = talloc_zero_array(receiver, struct slot, n);
	receiver->octets = talloc_array(receiver, uint8_t, n * SLOT);
	if (receiver->assembly.packet && receiver->slots && receiver->octets)
		return receiver;
	talloc_free(receiver);
	return NULL;
}

/* RFC 9347, 3.1: the outer ECN field is nothing that inner packets are marked by. */
static void give(void *arg, struct rv_bytes packet)
{
	struct receiver *receiver = arg;
	bool v6 = packet.p[0] >> 4 == 6;

	(void)receiver->turn->emit(receiver->turn, &(struct rv_esp_text){ .p = (uint8_t *)(uintptr_t)packet.p,
									  .len = (uint32_t)packet.len,
									  .next = v6 ? 41 : 4 });
}

static void open_payload(struct receiver *receiver, uint16_t offset, struct rv_bytes data)
{
	enum fault fault = payload_open(&receiver->assembly, offset, data, give, receiver);

	if (!fault)
		return;
	tunnel_count(receiver->tunnel, BAD, 1);
	receiver->turn->drop(receiver->turn, RV_DROP_MALFORMED);
}

static struct slot *slot_of(struct receiver *receiver, uint64_t number)
{
	return &receiver->slots[number % (receiver->terms.window + 1u)];
}

static uint8_t *octets_of(const struct receiver *receiver, uint64_t number)
{
	return receiver->octets + number % (receiver->terms.window + 1u) * SLOT;
}

static void lost(struct receiver *receiver, uint64_t n)
{
	tunnel_count(receiver->tunnel, LOST, n);
	tunnel_count(receiver->tunnel, BROKEN, assembly_lost(&receiver->assembly));
	losses_event(&receiver->losses, receiver->next, receiver->turn->now_us, receiver->sender_rtt_us, receiver->pps);
}

/* The payload with the wanted number, if it waits. */
static bool take_held(struct receiver *receiver)
{
	struct slot *slot = slot_of(receiver, receiver->next);

	if (slot->number != receiver->next)
		return false;
	slot->number = 0;
	receiver->n_held--;
	open_payload(receiver, slot->offset, rv_bytes(octets_of(receiver, receiver->next), slot->len));
	receiver->next++;
	return true;
}

/* Goes on to a number, whatever is missing before it, and from there as far as nothing is. */
static void go_to(struct receiver *receiver, uint64_t number)
{
	while (receiver->next < number && receiver->n_held) {
		if (take_held(receiver))
			continue;
		lost(receiver, 1);
		receiver->next++;
	}
	if (receiver->next < number) {
		lost(receiver, number - receiver->next);
		receiver->next = number;
	}
	while (take_held(receiver))
		;
}

static void hold(struct receiver *receiver, uint64_t number, uint16_t offset, struct rv_bytes data)
{
	struct slot *slot = slot_of(receiver, number);

	if (slot->number == number) { /* the same one twice: where there is no replay window */
		tunnel_count(receiver->tunnel, LATE, 1);
		return;
	}
	memcpy(octets_of(receiver, number), data.p, data.len);
	*slot = (struct slot){ .number = number, .len = (uint32_t)data.len, .offset = offset };
	receiver->n_held++;
	tunnel_count(receiver->tunnel, REORDERED, 1);
}

/* RFC 9347, 2.2.3: "Receiving a larger (newer) sequence number packet advances the window, and received older ESP
 * packets whose sequence numbers the window has passed by are dropped." */
static void in_order(struct receiver *receiver, uint64_t number, uint16_t offset, struct rv_bytes data)
{
	if (number < receiver->next) {
		tunnel_count(receiver->tunnel, LATE, 1);
		receiver->turn->drop(receiver->turn, RV_DROP_REPLAY);
		return;
	}
	if (number > receiver->next + receiver->terms.window)
		go_to(receiver, number - receiver->terms.window);
	if (number > receiver->next && data.len > SLOT)
		go_to(receiver, number);
	if (number > receiver->next) {
		hold(receiver, number, offset, data);
		return;
	}
	open_payload(receiver, offset, data);
	receiver->next++;
	while (take_held(receiver))
		;
}

/* RFC 9347, 3: an echo gives the time there and back; the larger of that and of what both sides wait between packets.
 */
static void heard(struct receiver *receiver, const struct report *report)
{
	struct tunnel *tunnel = receiver->tunnel;
	uint64_t now_us = receiver->turn->now_us;
	uint64_t tval = atomic_load_explicit(&tunnel->tval, memory_order_relaxed);
	uint32_t slow = report->transmit_us + atomic_load_explicit(&tunnel->transmit_us, memory_order_relaxed);
	uint32_t rtt_us = (uint32_t)now_us - report->techo - report->echo_us;
	uint32_t old = atomic_load_explicit(&tunnel->rtt_us, memory_order_relaxed);

	receiver->sender_rtt_us = report->rtt_us;
	if (report->tval != (uint32_t)(tval >> 32))
		atomic_store_explicit(&tunnel->tval, (uint64_t)report->tval << 32 | (uint32_t)now_us,
				      memory_order_release);
	atomic_store_explicit(&tunnel->inverse, report->loss, memory_order_relaxed);
	atomic_store_explicit(&tunnel->heard_us, now_us, memory_order_release);
	if (!report->techo || report->echo_us >= 0x1fffff || rtt_us > 0x3fffff)
		return;
	rtt_us = rtt_us > slow ? rtt_us : slow;
	rtt_us = rtt_us ? rtt_us : 1;
	/* RFC 5348, 4.3: 0.9 of the old one */
	atomic_store_explicit(&tunnel->rtt_us, old ? (uint32_t)(((uint64_t)old * 9 + rtt_us) / 10) : rtt_us,
			      memory_order_relaxed);
}

/* How many packets a second come, over a round-trip time or a tenth of a second. */
static void count_rate(struct receiver *receiver)
{
	uint64_t now_us = receiver->turn->now_us, passed = now_us - receiver->counted_us;

	receiver->n_counted++;
	if (passed < 100000 || passed < receiver->sender_rtt_us)
		return;
	receiver->pps = (double)receiver->n_counted * 1e6 / (double)passed;
	receiver->counted_us = now_us;
	receiver->n_counted = 0;
}

static void take(struct receiver *receiver, const struct rv_esp_text *text)
{
	struct tunnel *tunnel = receiver->tunnel;
	struct rv_rd r = rv_rd(rv_bytes(text->p, text->len));
	struct header header;

	if (text->next != AGGFRAG || !header_read(&r, &header)) {
		tunnel_count(tunnel, BAD, 1);
		receiver->turn->drop(receiver->turn, RV_DROP_MALFORMED);
		return;
	}
	tunnel_count(tunnel, RECEIVED, 1);
	count_rate(receiver);
	if (text->seq > receiver->newest)
		receiver->newest = text->seq;
	if (receiver->terms.ecn && (text->tos & CE) == CE) { /* RFC 9347, 3.1 */
		losses_event(&receiver->losses, text->seq, receiver->turn->now_us, receiver->sender_rtt_us,
			     receiver->pps);
		atomic_store_explicit(&tunnel->marked, true, memory_order_relaxed);
	}
	if (header.reports)
		heard(receiver, &header.report);
	in_order(receiver, text->seq, header.offset, rv_rd_rest(&r));
}

/* What is missing is waited for until drop_us after the first that waits came. */
static void set_time(struct receiver *receiver, uint64_t before)
{
	struct rv_esp_turn *turn = receiver->turn;

	if (!receiver->n_held)
		receiver->waits_us = 0;
	else if (!receiver->waits_us || receiver->next != before)
		receiver->waits_us = turn->now_us;
	turn->due_us = receiver->waits_us ? receiver->waits_us + receiver->terms.drop_us : UINT64_MAX;
	atomic_store_explicit(&receiver->tunnel->loss, losses_inverse(&receiver->losses, receiver->newest),
			      memory_order_relaxed);
}

void receiver_in(struct receiver *receiver, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n)
{
	pthread_mutex_lock(&receiver->lock);
	uint64_t before = receiver->next;

	receiver->turn = turn;
	for (size_t i = 0; i < n; i++)
		take(receiver, &texts[i]);
	set_time(receiver, before);
	pthread_mutex_unlock(&receiver->lock);
}

/* RFC 9347, 2.2.3: the lost packet timer. */
void receiver_tick(struct receiver *receiver, struct rv_esp_turn *turn)
{
	pthread_mutex_lock(&receiver->lock);
	uint64_t before = receiver->next, first = UINT64_MAX;

	receiver->turn = turn;
	if (receiver->waits_us && turn->now_us >= receiver->waits_us + receiver->terms.drop_us) {
		for (unsigned i = 0; i <= receiver->terms.window; i++)
			if (receiver->slots[i].number && receiver->slots[i].number < first)
				first = receiver->slots[i].number;
		go_to(receiver, first);
	}
	set_time(receiver, before);
	pthread_mutex_unlock(&receiver->lock);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-pace: senders and receivers on an injected clock: when payloads leave and how large they are, what becomes of
 * those that come out of order or not at all, and the rate that two ends find over a path of little bandwidth (RFC
 * 9347, 2.2.3, 2.4, 3).
 */
#include "esp-iptfs.h"
#include "test.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { OUTER = 1500, AROUND = 54, TEXT = OUTER - AROUND, QUEUE = 1 << 20, WIRE = 8192, GIVEN = 512 };

/* A payload under way. */
struct flying {
	uint64_t at_us, seq;
	uint32_t len;
	uint8_t tos;
	uint8_t octets[TEXT];
};

/* One end of a tunnel; what it emits outbound goes to its wire, inbound to given. */
struct end {
	struct rv_esp_turn turn;
	struct tunnel *tunnel;
	struct sender *sender;
	struct receiver *receiver;
	uint64_t send_due_us, receive_due_us, seq;
	struct flying *wire;
	unsigned from, to; /* of the wire */
	struct rv_bytes given[GIVEN];
	unsigned n_given, n_dropped;
	bool outbound;
};

static bool emit(struct rv_esp_turn *turn, const struct rv_esp_text *text)
{
	struct end *end = rv_container_of(turn, struct end, turn);

	if (!end->outbound) {
		assert_true(end->n_given < GIVEN && text->next == (text->p[0] >> 4 == 6 ? 41 : 4));
		end->given[end->n_given++] = rv_bytes(talloc_memdup(end, text->p, text->len), text->len);
		return true;
	}
	struct flying *f = &end->wire[end->to++ % WIRE];
	assert_true(text->next == AGGFRAG && text->len <= TEXT);
	assert_true(end->to - end->from <= WIRE);
	*f = (struct flying){ .at_us = turn->now_us, .seq = ++end->seq, .len = text->len, .tos = text->tos };
	memcpy(f->octets, text->p, text->len);
	return true;
}

static uint32_t fits(const struct rv_esp_turn *turn, uint32_t outer)
{
	return outer - AROUND;
}

static void drop(struct rv_esp_turn *turn, enum rv_drop cause)
{
	rv_container_of(turn, struct end, turn)->n_dropped++;
}

static const struct receive_terms some = { .fragments = true, .window = 3, .drop_us = 20000 };

static struct end *end_new(const struct send_terms *out, const struct receive_terms *in)
{
	struct end *end = talloc_zero(NULL, struct end);

	assert_non_null(end);
	end->turn = (struct rv_esp_turn){
		.now_us = 1000000, .due_us = UINT64_MAX, .mtu = OUTER, .emit = emit, .fits = fits, .drop = drop
	};
	end->tunnel = talloc_zero(end, struct tunnel);
	end->wire = talloc_array(end, struct flying, WIRE);
	end->tunnel->queue.size = QUEUE;
	end->tunnel->queue.octets = talloc_size(end, QUEUE);
	end->sender = sender_new(end, end->tunnel, out, 1);
	end->receiver = receiver_new(end, end->tunnel, in, 0);
	assert_true(end->wire && end->tunnel->queue.octets && end->sender && end->receiver);
	end->receive_due_us = UINT64_MAX;
	return end;
}

static void send_tick(struct end *end, uint64_t now_us)
{
	end->outbound = true;
	end->turn.now_us = now_us;
	end->turn.due_us = UINT64_MAX;
	sender_tick(end->sender, &end->turn);
	end->send_due_us = end->turn.due_us;
}

static struct rv_bytes packet_of(uint32_t len, uint8_t fill, uint8_t out[static 2000])
{
	memset(out, fill, len);
	out[0] = 0x45;
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
	return rv_bytes(out, len);
}

static void send_packet(struct end *end, uint64_t now_us, uint32_t len, uint8_t fill)
{
	static uint8_t p[2000];

	end->outbound = true;
	end->turn.now_us = now_us;
	end->turn.due_us = end->send_due_us;
	(void)packet_of(len, fill, p);
	sender_out(end->sender, &end->turn, &(struct rv_esp_text){ .p = p, .len = len, .next = 4 }, 1);
	end->send_due_us = end->turn.due_us;
}

static void arrive(struct end *end, struct flying *f, uint64_t now_us)
{
	end->outbound = false;
	end->turn.now_us = now_us;
	end->turn.due_us = end->receive_due_us;
	receiver_in(
		end->receiver, &end->turn,
		&(struct rv_esp_text){ .p = f->octets, .len = f->len, .next = AGGFRAG, .tos = f->tos, .seq = f->seq },
		1);
	end->receive_due_us = end->turn.due_us;
}

static void receive_tick(struct end *end, uint64_t now_us)
{
	end->outbound = false;
	end->turn.now_us = now_us;
	end->turn.due_us = UINT64_MAX;
	receiver_tick(end->receiver, &end->turn);
	end->receive_due_us = end->turn.due_us;
}

static bool given_is(const struct end *end, unsigned i, uint32_t len, uint8_t fill)
{
	static uint8_t p[2000];

	return i < end->n_given && rv_bytes_equal(end->given[i], packet_of(len, fill, p));
}

/* 1,000 packets a second, in turns that come up to 4 ms late; in the second half there is traffic, more than fits. */
static void payloads_leave_on_a_grid_whatever_there_is(void **state)
{
	struct end *end = end_new(&(struct send_terms){ .bits = 12000000, .dscp = 10, .fragments = true }, &some);
	uint64_t begin = 1000000, now = begin;
	uint32_t x = 1;

	for (unsigned turn = 0; now < begin + 4000000; turn++) {
		send_tick(end, now);
		/* as many as the time says: neither early nor late by more than the turn is */
		assert_int_equal(end->to, (now - begin) / 1000 + 1);
		for (; end->from < end->to; end->from++) {
			const struct flying *f = &end->wire[end->from % WIRE];
			assert_int_equal(f->len, TEXT);
			assert_int_equal(f->tos, 10 << 2);
			/* padding when there is nothing, data when there is */
			assert_int_equal(f->octets[4] == 0 && f->octets[2] == 0 && f->octets[3] == 0,
					 now < begin + 2000000);
		}
		assert_in_range(end->send_due_us, now + 1, now + 1001);
		x = x * 1664525 + 1013904223;
		now = end->send_due_us + (x >> 24) * 4000 / 256;
		for (unsigned i = 0; now >= begin + 2000000 && i < 12; i++)
			send_packet(end, now, 700, 7);
	}
	assert_true(atomic_load(&end->tunnel->counts[IN_PIECES]) > 500);
	talloc_free(end);
}

/* A machine that slept does not send all that it has missed. */
static void after_a_long_sleep_the_grid_begins_anew(void **state)
{
	struct end *end = end_new(&(struct send_terms){ .bits = 12000000 }, &some);

	send_tick(end, 1000000);
	send_tick(end, 1060000);
	assert_int_equal(end->to, 61);
	send_tick(end, 9000000);
	assert_int_equal(end->to, 62);
	assert_in_range(end->send_due_us, 9001000, 9001001);
	talloc_free(end);
}

static void without_a_rate_what_is_there_leaves_at_once(void **state)
{
	struct end *end = end_new(&(struct send_terms){ .fragments = true }, &some);

	end->send_due_us = UINT64_MAX;
	send_packet(end, 1000000, 100, 1);
	assert_true(end->to == 1 && end->wire[0].len == 104 && end->send_due_us == UINT64_MAX);
	send_packet(end, 1000000, 1900, 2); /* larger than a payload */
	assert_true(end->to == 3 && end->wire[1].len == TEXT && end->wire[2].len == 4 + 1900 - (TEXT - 4));
	for (; end->from < end->to; end->from++)
		arrive(end, &end->wire[end->from], 1000001);
	assert_true(end->n_given == 2 && given_is(end, 0, 100, 1) && given_is(end, 1, 1900, 2));
	talloc_free(end);
}

static void a_first_packet_may_wait_for_others(void **state)
{
	struct end *end = end_new(&(struct send_terms){ .fragments = true, .init_delay_us = 500 }, &some);

	end->send_due_us = UINT64_MAX;
	for (uint8_t i = 0; i < 5; i++)
		send_packet(end, 1000000 + i * 100u, 200, i);
	assert_true(end->to == 0 && end->send_due_us == 1000500);
	send_tick(end, 1000500);
	assert_true(end->to == 1 && end->wire[0].len == 4 + 5 * 200 && end->send_due_us == UINT64_MAX);
	arrive(end, &end->wire[0], 1000501);
	assert_int_equal(end->n_given, 5);
	talloc_free(end);
}

/* RFC 9347, 2.2.7 */
static void without_fragments_there_is_an_mtu(void **state)
{
	struct end *end = end_new(&(struct send_terms){ .fragments = false, .packet_size = 1000, .bits = 8000 }, &some);

	assert_int_equal(sender_mtu(end->sender, 1400), 1396);
	send_tick(end, 1000000);
	assert_int_equal(sender_mtu(end->sender, 1400), 1000 - AROUND - 4);
	send_packet(end, 1000000, 1400, 1);
	send_packet(end, 1000000, 900, 2);
	send_packet(end, 1000000, 900, 3);
	for (uint64_t i = 1; i < 4; i++)
		send_tick(end, 1000000 + i * 1000001);
	assert_int_equal(atomic_load(&end->tunnel->counts[TOO_LARGE]), 1);
	for (; end->from < end->to; end->from++)
		arrive(end, &end->wire[end->from], 5000000);
	assert_true(end->n_given == 2 && given_is(end, 0, 900, 2) && given_is(end, 1, 900, 3));
	talloc_free(end);
}

/* RFC 9347, 2.2.3: "senders MUST NOT send initial fragments of an inner packet using one SA and subsequent fragments in
 * a different SA." */
static void a_newer_sender_takes_over_with_whole_packets(void **state)
{
	const struct send_terms terms = { .bits = 12000000, .fragments = true };
	struct end *end = end_new(&terms, &some);
	struct sender *old = end->sender;

	send_tick(end, 1000000);
	send_packet(end, 1000000, 1900, 5);
	send_tick(end, 1001000); /* the first piece */
	assert_int_equal(end->tunnel->queue.sent, TEXT - 4);
	end->sender = sender_new(end, end->tunnel, &terms, 2);
	end->receiver = receiver_new(end, end->tunnel, &some, 0);
	end->seq = 0;
	end->from = end->to;
	send_tick(end, 1002000);
	send_tick(end, 1003000);
	for (; end->from < end->to; end->from++)
		arrive(end, &end->wire[end->from], 1004000);
	assert_true(end->n_given == 1 && given_is(end, 0, 1900, 5));
	struct sender *newer = end->sender;
	end->sender = old;
	send_tick(end, 1004000);
	assert_true(end->from == end->to && end->send_due_us == 2004000);
	sender_retire(newer); /* it was one too many */
	send_tick(end, 2004000);
	assert_int_equal(end->to, end->from + 1);
	talloc_free(end);
}

static void a_queue_that_is_full_drops_what_comes(void **state)
{
	struct end *end = end_new(&(struct send_terms){ .bits = 12000, .fragments = true }, &some);

	for (unsigned i = 0; i < QUEUE / 1000 + 10; i++)
		send_packet(end, 1000000, 1000, 1);
	assert_in_range(end->n_dropped, 10, 20);
	assert_int_equal(atomic_load(&end->tunnel->counts[NOT_QUEUED]), end->n_dropped);
	talloc_free(end);
}

/* Seven payloads with a packet of 100 octets and a part of one of 1,400 each, in some order; 0 ends it. */
static const struct order {
	const char *what;
	unsigned numbers[12];
	unsigned waits, whole, late, lost;
} orders[] = {
	{ "in order", { 1, 2, 3, 4, 5, 6, 7 }, 0, 13, 0, 0 },
	{ "two change places", { 2, 1, 3, 5, 4, 6, 7 }, 0, 13, 0, 0 },
	{ "as far as the window reaches", { 4, 3, 2, 1, 7, 6, 5 }, 0, 13, 0, 0 },
	{ "beyond it", { 1, 6, 2, 3, 4, 5, 7 }, 0, 10, 1, 1 },
	{ "twice", { 1, 1, 2, 4, 4, 3, 5, 6, 7, 7 }, 0, 13, 3, 0 },
	{ "one is missing, until the time is over", { 1, 2, 3, 4, 5, 7 }, 1, 10, 0, 1 },
	{ "one is missing, until the window has passed", { 1, 3, 4, 5, 6, 7 }, 0, 10, 0, 1 },
	{ "the first is missing", { 2, 3, 4 }, 1, 5, 0, 1 },
};

static void payloads_are_put_into_order(void **state)
{
	for (size_t k = 0; k < RV_COUNT(orders); k++) {
		const struct order *o = &orders[k];
		struct end *end = end_new(&(struct send_terms){ .bits = 12000000, .fragments = true }, &some);
		unsigned n = 0, waiting, late, lost_count;
		for (uint8_t i = 0; i < 7; i++) {
			send_packet(end, 1000000, 100, i);
			send_packet(end, 1000000, 1400, i);
		}
		for (uint64_t i = 0; i < 8; i++)
			send_tick(end, 1000000 + 1000 * i);
		for (; o->numbers[n]; n++)
			arrive(end, &end->wire[o->numbers[n] - 1], 1010000);
		waiting = end->receive_due_us != UINT64_MAX;
		assert_true(!waiting || end->receive_due_us == 1010000 + some.drop_us);
		receive_tick(end, 1010000 + some.drop_us - 1);
		assert_int_equal(waiting, end->receive_due_us != UINT64_MAX);
		receive_tick(end, 1010000 + some.drop_us);
		assert_true(end->receive_due_us == UINT64_MAX);
		late = (unsigned)atomic_load(&end->tunnel->counts[LATE]);
		lost_count = (unsigned)atomic_load(&end->tunnel->counts[LOST]);
		for (unsigned i = 1; i < end->n_given; i++)
			assert_true(end->given[i].p[50] >= end->given[i - 1].p[50]);
		if (waiting != o->waits || late != o->late || lost_count != o->lost || end->n_given != o->whole)
			fail_msg("%s: waits %u, late %u, lost %u, %u whole", o->what, waiting, late, lost_count,
				 end->n_given);
		talloc_free(end);
	}
}

/* A path from one end to the other: packets a second that pass, the queue before it, how long it takes. */
struct path {
	double pps;
	uint64_t free_us, delay_us;
	unsigned lost, passed;
};

static void pass(struct path *path, struct end *from, struct end *to, uint64_t now)
{
	for (; from->from < from->to; from->from++) {
		struct flying *f = &from->wire[from->from % WIRE];
		if (f->at_us + path->delay_us > now)
			return; /* under way */
		arrive(to, f, now);
	}
}

/* Drops what does not fit into a queue of a tenth of a second, before it is under way. */
static void narrow(struct path *path, struct end *from, unsigned before, uint64_t now)
{
	unsigned kept = before;

	for (unsigned i = before; i != from->to; i++) {
		struct flying *f = &from->wire[i % WIRE];
		if (path->free_us < now)
			path->free_us = now;
		if (path->free_us > now + 100000) {
			path->lost++;
			continue;
		}
		path->free_us += (uint64_t)(1e6 / path->pps);
		path->passed++;
		f->at_us = path->free_us;
		if (kept != i)
			from->wire[kept % WIRE] = *f;
		kept++;
	}
	from->to = kept;
}

static void run(struct end *a, struct end *b, struct path *ab, struct path *ba, uint64_t *now, uint64_t until)
{
	for (; *now < until; *now += 500) {
		for (int i = 0; i < 2; i++) {
			struct end *e = i ? b : a;
			unsigned before = e->to;
			if (e->send_due_us <= *now)
				send_tick(e, *now);
			narrow(i ? ba : ab, e, before, *now);
			if (e->receive_due_us <= *now)
				receive_tick(e, *now);
		}
		pass(ab, a, b, *now);
		pass(ba, b, a, *now);
	}
}

static struct end *controlled_end(uint64_t bits)
{
	struct end *end = end_new(
		&(struct send_terms){ .bits = bits, .controlled = true, .reports = true, .fragments = true }, &some);

	end->send_due_us = 0;
	return end;
}

static void two_ends_find_the_rate_of_the_path(void **state)
{
	struct end *a = controlled_end(120000000), *b = controlled_end(1200000);
	struct path ab = { .pps = 500, .delay_us = 20000 }, ba = { .pps = 5000, .delay_us = 20000 };
	uint64_t now = 1000000, then;
	unsigned lost, passed;

	run(a, b, &ab, &ba, &now, 3000000);
	/* slow start: the round trip is known, with what the queue adds */
	assert_in_range(atomic_load(&a->tunnel->rtt_us), 40000, 400000);
	run(a, b, &ab, &ba, &now, 30000000);
	then = now;
	lost = ab.lost;
	passed = ab.passed;
	run(a, b, &ab, &ba, &now, 90000000);
	lost = ab.lost - lost;
	passed = ab.passed - passed;
	/* it uses the path, and is not the one that fills it with what is lost */
	assert_in_range(passed, 500 * 60 / 3, 500 * 60 + 60);
	assert_true(lost * 10 < passed && ab.lost > 0);
	assert_true(atomic_load(&a->tunnel->inverse) > 10);
	/* the other way there is no loss: its own bandwidth is the limit */
	assert_in_range(b->seq * 1000000 / (now - 1000000), 90, 101);
	assert_true(ba.lost == 0 && atomic_load(&b->tunnel->inverse) == 0);
	/* nobody answers any more */
	ba.pps = 0.001;
	ba.free_us = now + 1000000000;
	run(a, b, &ab, &ba, &now, then + 65000000);
	passed = (unsigned)a->seq;
	run(a, b, &ab, &ba, &now, then + 90000000);
	assert_in_range(a->seq - passed, 20, 200);
	talloc_free(a);
	talloc_free(b);
}

/* RFC 9347, 3.1 */
static void what_comes_marked_counts_as_lost(void **state)
{
	const struct receive_terms ecn = { .fragments = true, .window = 3, .drop_us = 20000, .ecn = true };
	const struct send_terms terms = { .bits = 12000000, .reports = true };

	for (int i = 0; i < 2; i++) {
		struct end *end = end_new(&terms, i ? &ecn : &some);
		for (unsigned k = 0; k < 200; k++) {
			send_tick(end, 1000000 + 1000 * k);
			end->wire[k].tos = k == 100 ? 3 : 0;
			arrive(end, &end->wire[k], 1000000 + 1000 * k);
		}
		assert_int_equal(atomic_load(&end->tunnel->loss) != 0, i);
		send_tick(end, 1300000);
		assert_int_equal(end->wire[end->to - 1].octets[1] & 1, i);
		talloc_free(end);
	}
}

/* A worker with a packet for a device that takes its time. */
enum { SLOW_MS = 100 };

struct slow {
	struct rv_esp_turn turn;
	struct end *end;
	pthread_barrier_t inside;
};

static bool emit_slowly(struct rv_esp_turn *turn, const struct rv_esp_text *text)
{
	struct slow *slow = rv_container_of(turn, struct slow, turn);
	const struct timespec time = { .tv_nsec = SLOW_MS * 1000000L };

	pthread_barrier_wait(&slow->inside);
	(void)nanosleep(&time, NULL);
	return true;
}

static void *slow_worker(void *arg)
{
	struct slow *slow = arg;
	struct flying *f = &slow->end->wire[0];

	receiver_in(slow->end->receiver, &slow->turn,
		    &(struct rv_esp_text){ .p = f->octets, .len = f->len, .next = AGGFRAG, .seq = f->seq }, 1);
	return NULL;
}

static double thread_ms(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Where a worker has to write to its device with the state in its hands, others sleep and burn no processor. */
static void a_worker_that_waits_for_another_sleeps(void **state)
{
	struct end *end = end_new(&(struct send_terms){ .fragments = true }, &some);
	struct slow slow = { .turn = end->turn, .end = end };
	pthread_t thread;

	end->send_due_us = UINT64_MAX;
	send_packet(end, 1000000, 100, 1);
	send_packet(end, 1000000, 100, 2);
	slow.turn.emit = emit_slowly;
	assert_int_equal(pthread_barrier_init(&slow.inside, NULL, 2), 0);
	assert_int_equal(pthread_create(&thread, NULL, slow_worker, &slow), 0);
	pthread_barrier_wait(&slow.inside);
	double before = thread_ms();
	arrive(end, &end->wire[1], 1000001);
	assert_true(thread_ms() - before < SLOW_MS / 4.0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(end->n_given == 1 && given_is(end, 0, 100, 2));
	pthread_barrier_destroy(&slow.inside);
	talloc_free(end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payloads_leave_on_a_grid_whatever_there_is),
		cmocka_unit_test(after_a_long_sleep_the_grid_begins_anew),
		cmocka_unit_test(without_a_rate_what_is_there_leaves_at_once),
		cmocka_unit_test(a_first_packet_may_wait_for_others),
		cmocka_unit_test(without_fragments_there_is_an_mtu),
		cmocka_unit_test(a_newer_sender_takes_over_with_whole_packets),
		cmocka_unit_test(a_queue_that_is_full_drops_what_comes),
		cmocka_unit_test(payloads_are_put_into_order),
		cmocka_unit_test(a_worker_that_waits_for_another_sleeps),
		cmocka_unit_test(two_ends_find_the_rate_of_the_path),
		cmocka_unit_test(what_comes_marked_counts_as_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

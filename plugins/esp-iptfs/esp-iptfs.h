// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-iptfs.h: the parts of the plugin. Both SAs of a child SA, and those that replace them, share a tunnel.
 */
#pragma once

#include "congestion.h"
#include "payload.h"

#include <ravelin/esp-ext.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>
#include <stdatomic.h>

#define IPTFS_NAME "iptfs"

/* What was agreed and configured for the outbound SA. */
struct send_terms {
	bool fragments; /* the peer takes them */
	bool reports;	/* congestion information is sent */
	bool controlled;
	uint8_t dscp;
	uint16_t packet_size;	/* 0: the path's MTU */
	uint64_t bits;		/* a second; 0: whenever there is traffic */
	uint32_t queue;		/* octets */
	uint32_t init_delay_us; /* until what waits leaves, where there is no rate */
	uint32_t breaker_loss;	/* packets of 1,000; 0: there is no circuit breaker */
	uint32_t breaker_us;
};

/* The same for the inbound one. */
struct receive_terms {
	bool fragments, ecn;
	uint8_t window;
	uint32_t drop_us;
};

enum { TERMS_MOST = 48 };

/* terms.c: as octets of struct rv_sa_spec. read: false: they are none. */
struct rv_bytes send_terms_write(const struct send_terms *terms, uint8_t out[static TERMS_MOST]);
bool send_terms_read(struct send_terms *terms, struct rv_bytes in);
struct rv_bytes receive_terms_write(const struct receive_terms *terms, uint8_t out[static TERMS_MOST]);
bool receive_terms_read(struct receive_terms *terms, struct rv_bytes in);

/* Relaxed counters of workers. */
enum count { SENT, PADDED, IN_PIECES, NOT_QUEUED, TOO_LARGE, RECEIVED, LOST, LATE, REORDERED, BROKEN, BAD, N_COUNTS };

/* What both directions know. Atomics are written by workers of either. */
struct tunnel {
	struct rv_list entry;
	struct rv_loop *loop;
	struct rv_host *host;
	unsigned users;
	uint32_t reqid;
	struct rv_ts local, remote;
	/* inbound writes, outbound reads */
	_Atomic uint64_t tval;	  /* the peer's latest, and the low half of the time when it came */
	_Atomic uint32_t loss;	  /* the inverse of the rate that we report; the peer's packets */
	_Atomic bool marked;	  /* ... because of CE, too */
	_Atomic uint32_t rtt_us;  /* 0: not known */
	_Atomic uint32_t inverse; /* that the peer reports */
	_Atomic uint64_t heard_us;
	/* outbound writes, inbound reads */
	_Atomic uint32_t transmit_us;
	/* outbound */
	atomic_flag queue_lock; /* held while octets are copied */
	atomic_flag sending;
	struct queue queue;
	_Atomic uint32_t waiting; /* packets in the queue */
	_Atomic uint32_t newest;  /* the sender that goes on */
	_Atomic bool broken;	  /* the circuit breaker */
	struct rate rate;
	/* loop */
	struct send_terms terms;
	uint64_t lossy_us; /* since when the loss has been too high; 0: it is not */
	uint64_t told_lost;
	_Atomic uint64_t counts[N_COUNTS];
};

static inline void tunnel_count(struct tunnel *tunnel, enum count what, uint64_t n)
{
	atomic_fetch_add_explicit(&tunnel->counts[what], n, memory_order_relaxed);
}

static inline void flag_take(atomic_flag *flag)
{
	while (atomic_flag_test_and_set_explicit(flag, memory_order_acquire))
		;
}

static inline void flag_give(atomic_flag *flag)
{
	atomic_flag_clear_explicit(flag, memory_order_release);
}

/* send.c: the outbound SA. number: of senders of this tunnel, rising. NULL: no memory. Otherwise as in esp-ext.h. */
struct sender;
struct sender *sender_new(void *parent, struct tunnel *tunnel, const struct send_terms *terms, uint32_t number);
void sender_out(struct sender *sender, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n);
void sender_tick(struct sender *sender, struct rv_esp_turn *turn);
/* It goes; another one may go on. */
void sender_retire(const struct sender *sender);
uint32_t sender_mtu(const struct sender *sender, uint32_t mtu);

/* receive.c: the inbound SA. sequence: the highest number that was received. */
struct receiver;
struct receiver *receiver_new(void *parent, struct tunnel *tunnel, const struct receive_terms *terms,
			      uint64_t sequence);
void receiver_in(struct receiver *receiver, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n);
void receiver_tick(struct receiver *receiver, struct rv_esp_turn *turn);

/* stage.c: offers the esp-ext. negotiate.c: offers the ikev2-ext. 0 or negative. */
int stage_offer(struct rv_host *host);
int negotiate_offer(struct rv_host *host);

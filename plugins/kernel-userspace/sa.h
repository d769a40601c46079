// SPDX-License-Identifier: LGPL-2.1-or-later
/* sa: one security association of the SAD (RFC 4301, 4.4.2.1), in one block of memory.
 *
 * Made, changed and freed on the loop; read by workers. What workers write is atomic. An idle SA costs its keys only:
 * contexts of ciphers are made at the first packet (context.h).
 */
#pragma once

#include "ip.h"
#include "replay.h"
#include "retire.h"

#include <ravelin/cryptor.h>
#include <ravelin/kernel.h>
#include <ravelin/secret.h>
#include <stdatomic.h>

enum { ESP_HEADER = 8, ESN_HIGH = 4, SPI_FIRST = 256, ALIGN = 64 };

struct context;
struct sa_ext;
struct iface;
struct userspace;

/* The first two are ESP's, by encap. */
enum wire { WIRE_ESP, WIRE_UDP, WIRE_AH, N_WIRES };

/* Where an SA leads; replaced whole when the peer moves. */
struct sa_path {
	struct rv_addr src, dst;
	bool encap;
	uint8_t wire; /* enum wire */
	uint16_t mtu; /* what a router said that it takes; 0: nothing */
};

struct sa_moved {
	struct retired retired;
	uint64_t until_us; /* mtu is forgotten then; loop */
	struct sa_path path;
};

/* 0: none. */
struct sa_limits {
	uint64_t bytes_soft, bytes_hard, packets_soft, packets_hard;
};

/* The SAs that serve one reqid (key), newest first, and who asks for them. */
struct bundle {
	uint32_t key;
	unsigned users; /* loop */
	struct retired retired;
	_Atomic(struct sa *) first;
	struct policy *policies; /* loop */
};

/* What its configuration says of the headers and lengths of its packets (kernel.h). */
struct sa_terms {
	uint16_t tfc;
	uint8_t copy_dscp, copy_df;
	bool plain_ecn : 1, keep_mss : 1, fragment_first : 1, fragments_also : 1;
};

struct sa {
	uint32_t key; /* SPI; the tables find it by this */
	uint32_t reqid, child_id;
	uint8_t dir, mode, protocol, n_local, n_remote;
	bool esn;
	bool alone;	   /* one worker: nobody else takes numbers */
	atomic_bool ended; /* hard limit reached */
	atomic_bool soft_told;
	struct sa_terms terms;
	struct sa_path first;
	_Atomic(const struct sa_path *) path; /* first, or in a struct sa_moved */
	struct iface *iface;
	struct rv_suite suite;
	union { /* by dir */
		struct {
			struct replay replay;
			_Atomic uint64_t moved_us;
			_Atomic uint32_t failed; /* authentications, one behind the other (resync.h) */
		} in;
		struct {
			_Atomic uint64_t sequence; /* last number given out */
			struct bundle *bundle;
			_Atomic(struct sa *) older; /* in the bundle */
			struct dummy *dummy;	    /* NULL: none */
		} out;
	};
	const struct sa_limits *limits;
	struct sa_ext *ext; /* NULL: none */
	_Atomic uint64_t packets, bytes, used_us;
	_Atomic uint32_t dropped[RV_N_DROPS];
	struct rv_secret keys; /* encryption | integrity */
	struct rv_user user;
	struct retired retired;
	const struct rv_ts *ts;		      /* local ones, then remote ones; in this block */
	_Atomic(struct context *) contexts[]; /* by worker */
};

/* A new SA in no table yet. *error is 0, -EINVAL (malformed spec, with why), -ENOMEM or what rv_suite_init() says. */
struct sa_params {
	struct rv_vault *vault;
	struct rv_registry *registry;
	unsigned n_workers;
};
struct sa *sa_new(const struct sa_params *params, const struct rv_sa_spec *spec, struct rv_why *why, int *error);

/* Frees it with its keys; contexts must be gone. Loop thread. */
void sa_free(struct sa *sa);
/* The wire of an SA of this protocol. */
static inline enum wire sa_wire(uint8_t protocol, bool encap)
{
	return protocol == RV_PROTO_AH ? WIRE_AH : encap ? WIRE_UDP : WIRE_ESP;
}

/* A new path; the old one is retired. 0 or -ENOMEM. Loop thread. */
int sa_move(struct sa *sa, struct retirer *retirer, const struct sa_path *to);

/* The same path with another mtu, until that time. The time of the present one; 0: it has none. */
int sa_set_mtu(struct sa *sa, struct retirer *retirer, uint16_t mtu, uint64_t until_us);
uint64_t sa_mtu_until(const struct sa *sa);

/* The keys as slices. */
struct rv_bytes sa_encr_key(const struct sa *sa);
struct rv_bytes sa_integ_key(const struct sa *sa);

/* True when a packet between these selector fields is of this SA (local and remote as seen from here). */
bool sa_match(const struct sa *sa, const struct ip_info *info);

/* The next sequence number, or 0 when there is none left (RFC 4303, 3.3.3). Any worker. */
uint64_t sa_next_sequence(struct sa *sa);

/* The last number given out, or the highest received. */
uint64_t sa_sequence(const struct sa *sa);

/* What happened to the counters: nothing, a limit was crossed now, or the SA must not be used any more. */
enum sa_limit { SA_FINE, SA_SOFT, SA_HARD };

/* True when one more packet of len octets, besides those pending, is allowed. */
bool sa_may(const struct sa *sa, uint64_t pending_packets, uint64_t pending_bytes, uint32_t len);

/* Counts. SA_SOFT and SA_HARD are said once each. */
enum sa_limit sa_count(struct sa *sa, uint64_t packets, uint64_t bytes, uint64_t now_us);

static inline void sa_drop(struct sa *sa, enum rv_drop cause)
{
	atomic_fetch_add_explicit(&sa->dropped[cause], 1, memory_order_relaxed);
}

void sa_stats(const struct sa *sa, struct rv_sa_stats *out);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* lane: the life of a packet (RFC 4303; RFC 4301, 5) on one worker, without its thread.
 *
 * A lane has its ports, contexts and buffers to itself and reads the databases inside read-copy-update sections; a test
 * drives it with ports of memory. Work comes in bursts: one run of packets of one SA is sealed or opened in one call.
 */
#pragma once

#include "coalesce.h"
#include "context.h"
#include "extended.h"
#include "fragment.h"
#include "keytable.h"
#include "note.h"
#include "offload.h"
#include "policies.h"
#include "reassemble.h"

#include <ravelin/packet.h>

enum { AH_COVERED = 384 };
enum { ARENA = 512 << 10, SCRATCH = 128 << 10, TRAIN_MAX = 64, TRAIN_OCTETS = 65000, RANDOM_POOL = 1024 };

/* One clear-side device with a port for each worker. */
struct iface {
	uint32_t key;	       /* an own number; 0 is the shared one */
	unsigned users;	       /* SAs and policies; loop */
	struct rv_timer timer; /* it lingers when the last user is gone */
	struct userspace *home;
	struct retired retired;
	char name[16];	 /* as configured; "" for the shared one */
	char ifname[16]; /* as it is */
	unsigned n_ports;
	struct rv_port *ports[];
};

/* Everything that all lanes read. */
struct databases {
	struct table in, out; /* SAs by SPI; out on the loop only */
	struct table bundles; /* by reqid; loop */
	struct table ifaces;  /* by number */
	struct spd spd;
	struct extended extended;
	struct retirer retirer;
	struct rv_vault *vault;
	struct notes notes;
	_Atomic(struct capture *) capture;    /* NULL: none */
	_Atomic uint64_t dropped[RV_N_DROPS]; /* what belongs to no SA */
	_Atomic uint32_t held_octets;	      /* of all policies */
};

/* What is sealed but not sent, and what is to be sealed. */
struct out_state {
	struct sa *sa; /* of the open run */
	struct rv_cryptor_op ops[RV_BURST];
	uint32_t n_ops;
	uint64_t bytes; /* clear octets of the run */
	struct rv_packet trains[RV_BURST];
	uint32_t n_trains;
	struct sa *train_sa; /* the last train is open for this SA; NULL: closed */
	struct flow flow;    /* of the last packet of this burst */
	uint32_t at;
	uint8_t *arena;
};

/* One packet of the run to be opened. */
struct in_meta {
	const struct rv_packet *packet;
	uint64_t seq;
	uint32_t low;	   /* the number as it came */
	uint16_t at, last; /* of AH: octets in front of it, and where its protocol is named there */
	uint8_t *headers;  /* of AH: what the ICV covers of these octets, then these (ah_begin) */
	bool newest;
	struct rv_bytes front; /* what stood in front of ESP */
};

struct in_state {
	struct sa *sa;
	struct rv_cryptor_op ops[RV_BURST];
	struct in_meta meta[RV_BURST];
	uint8_t covered[RV_BURST][AH_COVERED]; /* of AH: what the ICV covers in front of it, then what is there */
	uint32_t n_ops;
	struct rv_packet clear[RV_BURST];
	uint32_t n_clear;
	struct flow flow;	/* of the last packet out of a tunnel, until in_flush() */
	struct iface *iface;	/* of what is in clear */
	struct iface *fed;	/* the last one that took something; the worker's to clear */
	struct coalesced train; /* the last of clear, while it may grow */
	uint32_t at;
	uint8_t *scratch;
};

struct capture;

struct lane {
	unsigned index;
	struct databases *db;
	struct contexts contexts;
	struct rv_port *wire[N_WIRES]; /* NULL: none */
	uint64_t now_us;	       /* loop clock */
	uint64_t unknown_us;	       /* when the loop was told of an SPI that nobody has */
	uint64_t icmp_us;
	unsigned n_icmp;
	struct out_state out;
	struct in_state in;
	struct burst burst;
	uint64_t due_us; /* when an extension wants its turn; UINT64_MAX: none does */
	uint8_t random[RANDOM_POOL];
	uint32_t random_left;
	struct fragments in_fragments, out_fragments; /* their owners: reqid; number of the device */
	struct reassembly reassembly;
};

/* 0 or -ENOMEM. */
int lane_init(struct lane *lane, struct databases *db, unsigned index, uint32_t max_contexts);
void lane_fini(struct lane *lane);

/* Seals packets that came from a clear-side device and sends them, or drops and counts them. Their buffers are used up
 * (tail room and checksums). Inside a read-copy-update section. */
void lane_clear(struct lane *lane, struct iface *iface, struct rv_packet *const *packets, size_t n);

/* Opens what came from the wire side and gives it to the clear side. As above. */
void lane_wire(struct lane *lane, struct rv_packet *const *packets, size_t n);

/* The same for packets with AH, which come with their outer headers. */
void lane_ah(struct lane *lane, struct rv_packet *const *packets, size_t n);

static inline void lane_drop(struct lane *lane, enum rv_drop cause)
{
	atomic_fetch_add_explicit(&lane->db->dropped[cause], 1, memory_order_relaxed);
}

/* The largest packet on a path; 0: nothing is known. */
uint32_t lane_path_mtu(const struct lane *lane, const struct sa_path *path);

/* The largest clear packet that an SA carries in one piece on its path. */
uint32_t lane_mtu(const struct lane *lane, const struct sa *sa);

/* Gives the IP packet at p, which info tells of, to the clear side of iface; p must stay as it is until in_flush().
 * What is behind it up to limit may be overwritten then. */
void in_emit(struct lane *lane, struct iface *iface, uint8_t *p, const struct ip_info *info, const uint8_t *limit);

/* Room for len octets in the scratch arena, valid until in_flush(); what waits on both sides may be sent first. */
uint8_t *in_scratch(struct lane *lane, uint32_t len);

/* Sends what was emitted. */
void in_flush(struct lane *lane);

/* Reports what sa_count() said. */
void lane_tell(struct lane *lane, const struct sa *sa, enum sa_limit limit);

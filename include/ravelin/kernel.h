// SPDX-License-Identifier: LGPL-2.1-or-later
/* kernel.h: kind "kernel", where SAs and policies are installed: the userspace ESP or the operating system's.
 *
 * The words are RFC 4301's. An SA has one direction; a policy names the SAs that serve it by reqid, so that a rekey
 * replaces SAs under a standing policy. Verbs may answer later (job.h); none blocks.
 */
#pragma once

#include <ravelin/addr.h>
#include <ravelin/algorithm.h>
#include <ravelin/job.h>

struct rv_pack;
struct rv_why;

enum rv_mode { RV_TUNNEL, RV_TRANSPORT, RV_PASS, RV_DROP };
enum rv_dir { RV_IN, RV_OUT };

enum { RV_TFC_MTU = UINT16_MAX }; /* as many octets as the path takes */

/* Which way the DSCP passes between the headers of a tunnel (RFC 4301, 5.1.2). */
enum rv_copy_dscp { RV_DSCP_OUT, RV_DSCP_IN, RV_DSCP_BOTH, RV_DSCP_NONE };

/* The DF bit of a tunnel's outer IPv4 header (RFC 4301, 8.1); that of transport mode's only one, too. */
enum rv_copy_df { RV_DF_CLEAR, RV_DF_COPY, RV_DF_SET };

/* Everything an SA needs (RFC 4301, 4.4.2.1). Borrowed for the call; the kernel copies what it keeps. */
struct rv_sa_spec {
	uint8_t dir, mode, protocol; /* enum rv_dir, rv_mode, rv_protocol */
	bool encap, esn;
	uint32_t spi, reqid, child_id;
	struct rv_addr src, dst; /* outer; ports count when encap */
	struct rv_proposal chosen;
	struct rv_bytes encr_key, integ_key;
	uint32_t replay_window; /* 0: off; up to 4096 */
	const struct rv_ts *local_ts, *remote_ts;
	size_t n_local_ts, n_remote_ts;
	uint64_t bytes_soft, bytes_hard, packets_soft, packets_hard; /* 0: no limit */
	const char *interface;					     /* NULL: the shared one */
	uint64_t sequence;					     /* where an unpacked SA goes on; 0: a new one */
	const char *ext; /* an extension of ESP (esp-ext.h) and what was agreed for it; NULL: none */
	struct rv_bytes ext_octets;
	uint16_t tfc; /* outbound ESP: packets are padded to so many octets (RFC 4303, 2.7); 0: not; or RV_TFC_MTU */
	bool fragments_also; /* fragments without ports may travel in it (RFC 4301, 7.3) */
	uint8_t copy_dscp;   /* enum rv_copy_dscp */
	bool plain_ecn;	     /* the outer header is Not-ECT (RFC 6040, 4.1: compatibility mode) */
	bool keep_mss;	     /* the MSS of a TCP SYN is not lowered to what the path takes */
	bool fragment_first; /* IPv4 without DF that is too long is cut before it is sealed, not after */
	uint8_t copy_df;     /* enum rv_copy_df */
	uint64_t dummy_us;   /* outbound ESP: a dummy packet (RFC 4303, 2.6) goes out when nothing did for so long; 0:
				none */
};

/* One policy for one pair of selectors, seen from here: local and remote. action: RV_TUNNEL or RV_TRANSPORT (protect),
 * RV_PASS, RV_DROP. trap: where no SA serves reqid, an acquire is reported and the packet kept. */
struct rv_policy_spec {
	uint8_t action;
	bool trap;
	uint32_t reqid, priority; /* lower number first */
	struct rv_ts local_ts, remote_ts;
	const char *interface;
};

enum rv_drop {
	RV_DROP_NO_SA,
	RV_DROP_REPLAY,
	RV_DROP_INTEGRITY,
	RV_DROP_SELECTOR,
	RV_DROP_MALFORMED,
	RV_DROP_SEQUENCE_END,
	RV_DROP_NO_POLICY,
	RV_DROP_POLICY,
	RV_DROP_IO,
	RV_DROP_ECN,	  /* congestion was marked on what cannot say so (RFC 6040, 4.2) */
	RV_DROP_TOO_BIG,  /* larger than the path takes; its sender is told (RFC 4301, 8.2.1) */
	RV_DROP_FRAGMENT, /* a fragment that cannot be carried or judged (RFC 4301, 7) */
	RV_N_DROPS
};

/* The word for a cause: "replay". Any thread. */
const char *rv_drop_text(uint8_t cause);

struct rv_sa_stats {
	uint64_t packets, bytes, last_used_us; /* loop clock; 0: never */
	uint64_t dropped[RV_N_DROPS];
};

/* What a kernel reports; called on the loop. acquire: traffic for a trap (packet: its selector). expire: a soft or hard
 * limit of octets or packets of either direction of the child SA that sa_add named (child_id). mapping: authentic ESP
 * came from another address (RFC 7296, 2.23); spi is the inbound one. unknown (may be NULL): a packet came for an SA
 * that is not there, from remote to local (encap: in UDP, ports are set); told of some of many. */
struct rv_kernel_events {
	void (*acquire)(void *arg, uint32_t reqid, const struct rv_ts *local, const struct rv_ts *remote);
	void (*expire)(void *arg, uint32_t child_id, bool hard);
	void (*mapping)(void *arg, uint32_t spi, const struct rv_addr *remote);
	void *arg;
	void (*unknown)(void *arg, uint32_t spi, const struct rv_addr *local, const struct rv_addr *remote, bool encap);
};

/* The fields (pack.h) that pack writes of one SA: what only the kernel knows, so that another kernel can go on with it.
 * sequence: the last number sent, or the highest received (all up to it then count as received). */
enum rv_sa_field { RV_SA_ENCR_KEY = 1, RV_SA_INTEG_KEY, RV_SA_SEQUENCE };

/* events: who is told from now on; the struct is the caller's and stays valid (NULL: nobody). spi: a free inbound SPI
 * (256 and up), reserved until sa_add or sa_del. sa_add also takes an SPI that was not reserved (an unpacked SA).
 * sa_add/sa_del/sa_update: update moves addresses and encap only. remote, there and below, is where the SA's peer was
 * until now: outbound SPIs are the peer's choice and unique only together with it. policy_add/policy_del: of one pair
 * of selectors and interface at most one policy at a time. stats: of one SA; answers at once. pack: the state of an SA
 * with its keys and sequence numbers for another daemon. needs_encap: UDP encapsulation is the default carrier.
 * clear_side: the name of the device that leads into this kernel for a policy's interface (NULL: the shared one; the
 * policy is there already) and the mark that its wire sockets carry (0: none); NULL when it has no device of its own.
 * extends: whether SAs can have extensions of ESP; not there: they cannot. flush, wipe-clean: all that this daemon
 * installed goes (start and stop). dropped: what belonged to no SA, by cause, since the start; not there: nobody
 * counts. capture: writes both sides of the SAs of reqid to fd (which it takes over, whatever it returns) as a pcapng
 * file, until nobody reads it; 0 or negative with why. */
struct rv_kernel_ops {
	size_t size;
	int (*events)(void *self, const struct rv_kernel_events *events);
	int (*spi)(void *self, const struct rv_addr *local, uint8_t protocol, uint32_t *spi);
	int (*sa_add)(void *self, const struct rv_sa_spec *spec, struct rv_call *call);
	int (*sa_update)(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, const struct rv_addr *src,
			 const struct rv_addr *dst, bool encap, struct rv_call *call);
	int (*sa_del)(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote);
	int (*policy_add)(void *self, const struct rv_policy_spec *policy, struct rv_call *call);
	int (*policy_del)(void *self, const struct rv_policy_spec *policy);
	int (*stats)(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_sa_stats *out);
	int (*pack)(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_pack *out);
	bool (*needs_encap)(void *self);
	int (*clear_side)(void *self, const char *interface, char ifname[static 16], uint32_t *mark);
	int (*flush)(void *self);
	bool (*extends)(void *self);
	int (*capture)(void *self, uint32_t reqid, int fd, struct rv_why *why);
	int (*dropped)(void *self, uint64_t dropped[static RV_N_DROPS]);
};
RV_KIND(kernel, "kernel", 1, struct rv_kernel_ops, flush)

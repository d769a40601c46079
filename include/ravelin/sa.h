// SPDX-License-Identifier: LGPL-2.1-or-later
/* sa.h: peer sessions and child SAs, as every keying protocol shares them (RFC 4301, 4.1 and 4.4.2).
 *
 * A peer session outlives rekeys of the keying protocol's own SA: it has the path, the identities and the child SAs.
 * The core keeps the tables, installs, counts, runs lifetimes and tells listeners; a keying protocol makes keys and
 * calls the verbs below. Loop thread only. A session is a talloc child of the core, a child SA of its session.
 */
#pragma once

#include <ravelin/connection.h>
#include <ravelin/loop.h>
#include <ravelin/registry.h>
#include <ravelin/transport.h>

struct rv_attempt;
struct rv_core;

struct rv_peer {
	struct rv_list entry;	 /* core: all sessions */
	struct rv_list children; /* struct rv_child.entry */
	struct rv_core *core;
	const struct rv_connection *connection; /* held by the session; NULL until the PAD has decided */
	struct rv_ref keying;			/* who made it */
	void *sa;				/* the keying protocol's current SA, its own */
	const struct rv_id *local_id;		/* the connection's, or a child of the session; NULL until known */
	struct rv_id *remote_id;		/* rv_peer_identify()'s; NULL until known */
	struct rv_path path;
	uint32_t id;
	bool established, initiator;
	uint64_t since_us;
	struct rv_attempt *attempt; /* while it is being set up; borrowed */
	struct rv_user user;
};

/* An extension of ESP that a child SA uses, with what its two sides agreed on for each direction (kernel.h). */
struct rv_child_ext {
	const char *name;
	struct rv_bytes in, out;
};

enum rv_child_state { RV_CHILD_NEW, RV_CHILD_INSTALLED, RV_CHILD_REKEYING, RV_CHILD_REKEYED, RV_CHILD_DELETING };

struct rv_child {
	struct rv_list entry;
	struct rv_peer *peer;
	const struct rv_child_conf *conf;
	void *keying; /* the keying protocol's own */
	uint32_t id, reqid, spi_in, spi_out;
	uint8_t state, mode, protocol;
	bool encap, esn;
	uint8_t n_local_ts, n_remote_ts;
	struct rv_ts *ts; /* local ones, then remote ones; one chunk, child of this */
	uint8_t n_chosen;
	struct rv_transform chosen[4];
	uint16_t tfc;	     /* what kernel.h says of them; set by the keying protocol before it is installed, 0: as */
	bool fragments_also; /* long as nothing was agreed */
	struct rv_ref kernel;
	struct rv_timer timer; /* core: lifetimes */
	uint64_t since_us, hard_us;
	struct rv_user user;
	struct rv_attempt *attempt;
	struct rv_child_ext *ext; /* NULL: none; a child of this */
};

/* A new session, made by host's keying service. connection may be NULL (a responder before the PAD decides). NULL: out
 * of memory. Freeing it removes its child SAs from the kernel. */
struct rv_peer *rv_peer_new(struct rv_host *host, const struct rv_connection *connection, const struct rv_path *path,
			    bool initiator);

/* Binds the session to a connection (holds it, lets the old one and its local_id go). 0 or -ENOMEM. */
int rv_peer_bind(struct rv_peer *peer, const struct rv_connection *connection);

/* Who the peer says that it is: the session keeps a copy until it ends or is told anew. 0 or -ENOMEM. */
int rv_peer_identify(struct rv_peer *peer, const struct rv_id *id);

/* The session is authenticated: event "peer-up". Or its key SA was replaced: event "peer-rekeyed". */
void rv_peer_up(struct rv_peer *peer);
void rv_peer_rekeyed(struct rv_peer *peer);

/* Ends the session with reason (0: asked for) in words: events, child SAs removed, restart or trap as the configuration
 * says (close_action, dpd_action with reason -RV_ETIMEOUT), then freed. */
void rv_peer_down(struct rv_peer *peer, int reason, const char *text);

/* The path changed (NAT mapping, mobility): SAs in the kernel are moved. */
void rv_peer_moved(struct rv_peer *peer, const struct rv_path *path);

/* Walks sessions; the one at hand may be freed. connection NULL: all. */
typedef int rv_peer_fn(struct rv_peer *peer, void *arg);
int rv_peer_each(struct rv_core *core, const char *connection, rv_peer_fn *fn, void *arg);

/* Walks the sessions that came up between these two identities, without looking at others; the one at hand may be
 * freed. What fn returns ends the walk unless it is 0. */
int rv_peer_each_between(struct rv_core *core, const struct rv_id *local_id, const struct rv_id *remote_id,
			 rv_peer_fn *fn, void *arg);

/* When authentic traffic last came in on any child SA (loop clock, microseconds; 0 never). For liveness. */
uint64_t rv_peer_last_in_us(struct rv_peer *peer);

/* A new child SA from conf, state NEW, with a fresh inbound SPI from the kernel service. reqid 0: a new one (or that of
 * the trap policy of conf); else that of the SA it replaces. NULL with why. */
struct rv_child *rv_child_new(struct rv_peer *peer, const struct rv_child_conf *conf, uint32_t reqid,
			      struct rv_why *why);

/* The same with an inbound SPI (256 and up) that both sides agreed on by other means (RFC 4301, 4.5), or that this SA
 * had in another daemon. */
struct rv_child *rv_child_new_spi(struct rv_peer *peer, const struct rv_child_conf *conf, uint32_t reqid,
				  uint32_t spi_in, struct rv_why *why);

/* Keys of both directions; borrowed for the call. */
struct rv_child_keys {
	struct rv_bytes encr_in, encr_out, integ_in, integ_out;
};

/* Sets what was negotiated: selectors are copied. 0 or -ENOMEM. */
int rv_child_set(struct rv_child *child, const struct rv_proposal *chosen, uint32_t spi_out, uint8_t mode,
		 const struct rv_ts *local, size_t n_local, const struct rv_ts *remote, size_t n_remote);

/* Whether the kernel that will have this child SA takes extensions of ESP. */
bool rv_child_extends(const struct rv_child *child);

/* Before it is installed: its SAs have this extension (esp-ext.h), with what was agreed for each direction (copied). 0,
 * -ENOMEM, or -RV_EEXISTS when they have another one. */
int rv_child_extend(struct rv_child *child, const char *ext, struct rv_bytes in, struct rv_bytes out);

/* Where the sequence numbers of an SA go on that is not installed yet: the highest received and the last sent (RFC
 * 4303, 3.3.3; 0: a new one). */
void rv_child_sequence(struct rv_child *child, uint64_t in, uint64_t out);

/* Installs SAs, policies, routes and guards. in_only: the inbound SA only (a responder that waits for the initiator to
 * switch, RFC 7296, 2.8); a second call installs the rest. 0, RV_PENDING or negative. Event "child-up" or, when it
 * replaces one, "child-rekeyed". */
int rv_child_install(struct rv_child *child, const struct rv_child_keys *keys, const struct rv_child *replaces,
		     bool in_only, struct rv_call *call);

/* Only the outbound SA leaves the kernel: what still comes is taken. */
void rv_child_out_down(struct rv_child *child);

/* Removes from the kernel and frees; event "child-down" unless it was replaced. */
void rv_child_down(struct rv_child *child, int reason);

/* By the inbound SPI or by id; NULL when there is none. */
struct rv_child *rv_child_by_spi(struct rv_core *core, uint32_t spi_in);
struct rv_child *rv_child_by_id(struct rv_core *core, uint32_t id);
struct rv_peer *rv_peer_by_id(struct rv_core *core, uint32_t id);

/* Counters of one direction (enum rv_dir). 0 or negative. */
int rv_child_stats(struct rv_child *child, uint8_t dir, struct rv_sa_stats *out);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* world.h: one core on an injected clock with a kernel, a net, a keying protocol and a listener that write down what
 * they are asked, in order, as one line of text; they can be told to fail, or to answer only when the test says so.
 *
 * Words of the record: P+ P- policy, I+ O+ I- O- SA in and out, U update, N+ N- net policy, up down child_up child_down
 * rekey child_rekey moved stop (keying), and the names of events in [].
 */
#pragma once

#include "core.h"

#include <ravelin/net.h>

enum { WORLD_CALLS = 64, WORLD_NOTES = 16384, WORLD_SAS = 64, WORLD_POLICIES = 300 };

/* An SA as the kernel got it; its key octets are kept, too. */
struct world_sa {
	struct rv_sa_spec spec;
	uint8_t encr[64], integ[64];
	uint64_t last_used_us;
	bool there;
};

struct world {
	struct rv_core *core;
	uint64_t now_us;
	char notes[WORLD_NOTES];
	bool quiet_events;   /* events are not written down */
	bool no_device;	     /* the kernel has no clear side of its own */
	const char *fail;    /* this word fails with -EIO, */
	unsigned fail_after; /* after it went well so often */
	const char *pend;    /* words that are answered by world_answer(); "*" all of the kernel and the net */
	struct world_call {
		struct rv_call *call;
		bool *there; /* what is taken back when it fails */
		struct rv_policy_spec policy;
		struct rv_net_policy net;
	} calls[WORLD_CALLS];
	unsigned n_calls;
	struct world_sa sas[WORLD_SAS];
	struct rv_policy_spec policies[WORLD_POLICIES];
	unsigned n_policies;
	struct rv_net_policy nets[WORLD_POLICIES];
	unsigned n_nets;
	uint32_t next_spi;
	struct rv_kernel_events kernel;
	bool listened;
	/* the keying protocol */
	struct rv_host *keying_host;
	enum { WORLD_UP, WORLD_STALL, WORLD_REFUSE } keying_does; /* up: at once; stall: until world_finish_up() */
	struct rv_attempt *attempt;				  /* of the stalled up, held */
	const struct rv_connection *connection;
	const struct rv_child_conf *child;
	struct rv_peer *peer; /* of the stalled up */
	struct rv_peer *last; /* the newest session */
	int child_down_returns;
	struct rv_call *stop_call;
	int last_code; /* of the newest event that had one */
};

/* A world with this configuration, whose connections say keying = fake; children have algorithms. */
struct world *world_new(const char *config);

/* Ends it; fails the test when SAs, policies, routes or timers are left. */
void world_end(struct world *world);

/* Loads another configuration; fails the test when that fails. */
void world_load(struct world *world, const char *config);

/* Lets time pass, timer by timer. */
void world_run(struct world *world, uint64_t us);

/* What was written down since the last time. */
const char *world_notes(struct world *world);

/* Answers the oldest call that waits; false when there is none. */
bool world_answer(struct world *world, int result);

/* The stalled session comes up with its child (or, with code, fails). */
void world_finish_up(struct world *world, int code);

/* A session of connection, up, without child SAs; and a child SA in it, negotiated as configured but not installed. */
struct rv_peer *world_peer(struct world *world, const char *connection);
struct rv_child *world_child(struct world *world, struct rv_peer *peer, const char *name, uint32_t spi_out);

/* Installs it with keys that are all of one octet; must succeed at once. */
void world_install(struct world *world, struct rv_child *child, const struct rv_child *replaces);

/* The kernel's SA; NULL when it has none. */
struct world_sa *world_sa(struct world *world, uint8_t dir, uint32_t spi);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* sim.h: whole daemons in one process, on one injected clock, over a network that loses, doubles, reorders and delays.
 *
 * Everything comes from the seed: the same seed gives the same scenario bit for bit. Each host is a struct rv_core with
 * real crypto and keying plugins (static twins) and three fakes at the ops boundary: transport-sim, kernel-sim and
 * net-sim. The world's digest covers every datagram, so that two runs can be compared.
 */
#pragma once

#include "core.h"

#include <ravelin/net.h>

enum { SIM_HOSTS = 8, SIM_MESSAGE = 65536, SIM_ADDRS = 4 };

struct sim;

/* An SA or policy that a fake kernel holds, as it was given. */
struct sim_sa {
	struct rv_list entry;
	struct rv_sa_spec spec; /* pointers of the spec point into this object */
	uint8_t keys[2][128];
	struct rv_ts ts[2][16];
	uint8_t ext[64];
	uint64_t packets, bytes, last_us, added;
};

struct sim_policy {
	struct rv_list entry;
	struct rv_policy_spec spec;
};

struct sim_host {
	struct sim *sim;
	const char *name;
	struct rv_addr addr;		/* the first of its addresses */
	struct rv_addr more[SIM_ADDRS]; /* the others; family 0: a free place */
	struct rv_addr dead;		/* one of them that is cut off without a word */
	struct rv_addr nat; /* family 0: none; else where its datagrams come from: 500 and 4500, or port and port + 1 */
	struct rv_core *core;
	struct rv_attr tfc; /* of its kernel: 0: it refuses packets with padding that hides lengths */
	bool down;	    /* silent: nothing reaches it and nothing leaves it */
	uint64_t random;
	struct rv_list sas, policies, routes, addresses; /* addresses: that the daemon has put on interfaces */
	struct rv_kernel_events kernel_events;
	struct rv_net_events net_events;
	bool has_kernel_events;
	rv_transport_recv_fn *recv;
	void *recv_arg;
	uint64_t sent, received;
	bool verbose;
	void (*line)(void *arg, const char *line); /* hears what is logged, when set */
	void *line_arg;
};

/* How the network treats datagrams; percentages and microseconds. */
struct sim_net {
	unsigned loss, twice;
	uint64_t delay_min_us, delay_max_us;
};

/* A plugin's static twin. */
struct sim_plugin {
	const char *name;
	const struct rv_plugin *plugin;
};

/* An empty world. talloc_free() ends it and fails the test when a host leaves SAs, policies or timers behind. */
struct sim *sim_new(uint64_t seed);

/* A host with this address and configuration and these plugins (NULL-name terminated) besides the three fakes. */
struct sim_host *sim_host(struct sim *sim, const char *name, const char *addr, const struct sim_plugin *plugins,
			  const char *config);

/* From here on everything comes from this seed, and the digest covers what follows: one world, many scenarios, each in
 * a process of its own. */
void sim_reseed(struct sim *sim, uint64_t seed);

/* The host gets another address, or loses one; its daemon is told. */
void sim_address(struct sim_host *host, const char *addr, bool up);
bool sim_has_address(const struct sim_host *host, const struct rv_addr *addr);

/* A kernel's report that authentic ESP of host's SA with this inbound SPI came from remote. */
void sim_mapping(struct sim_host *host, uint32_t spi, const struct rv_addr *remote);

/* The same that a packet came from remote for an SA that is not there; a port of remote: it came in UDP. */
void sim_unknown(struct sim_host *host, uint32_t spi, const struct rv_addr *remote);

void sim_net(struct sim *sim, const struct sim_net *net);
uint64_t sim_now_us(const struct sim *sim);

/* Lets the world run for us microseconds of its own time, or until cond holds (then true). */
typedef bool sim_cond_fn(void *arg);
bool sim_until(struct sim *sim, sim_cond_fn *cond, void *arg, uint64_t us);
void sim_run(struct sim *sim, uint64_t us);

/* Where plugins of hosts that are made from now on keep what outlives them; borrowed. NULL (at first): nowhere. */
void sim_state_dir(struct sim *sim, const char *dir);

/* True when the daemon has put this address on an interface of host. */
bool sim_is_placed(const struct sim_host *host, const char *addr);

/* Every datagram that was sent goes through this when set; true drops it. For provoking one loss or change. */
typedef bool sim_tap_fn(void *arg, struct sim_host *from, struct sim_host *to, uint8_t *message, size_t *len);
void sim_tap(struct sim *sim, sim_tap_fn *tap, void *arg);

/* Puts a datagram on the network as if host had sent it. */
void sim_send(struct sim_host *host, const struct rv_path *path, struct rv_bytes message);

/* A packet from a's local selector to b: true when a has an SA and policy for it and b the very same SA inbound. */
bool sim_packet(struct sim_host *a, struct sim_host *b, const char *src, const char *dst);

/* Traffic for a trap at host: its acquire event. */
bool sim_acquire(struct sim_host *host, const char *src, const char *dst);

/* How many SAs (both directions) and policies a fake kernel holds. While there are sessions, the inbound SAs that
 * linger on them when their child SA was replaced do not count. */
unsigned sim_n_sas(const struct sim_host *host);
unsigned sim_n_policies(const struct sim_host *host);

/* A digest over all datagrams so far. */
uint64_t sim_digest(const struct sim *sim);

/* The fakes themselves. */
extern const struct rv_plugin rv_plugin_transport_sim, rv_plugin_kernel_sim, rv_plugin_net_sim;

/* For the fakes: the host behind a plugin's host, and the network. */
struct sim_host *sim_of(struct rv_host *host);
uint64_t sim_rand(uint64_t *state);

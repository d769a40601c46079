// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-world: kernel-userspace without threads, between ports that are lists in memory. For tools/bench/esp.
 *
 * The code that packets go through is the plugin's own: lanes, databases, cryptors and providers.
 */
#pragma once

#include "parts.h"
#include "userspace.h"

enum { WORLD_LANES = 2, WORLD_BURST = 32, WORLD_OCTETS = WORLD_BURST * (RV_HEADROOM + 9216 + RV_TAILROOM) };

/* A port that counts what is sent, or keeps it: catching. */
struct world_port {
	struct rv_port port;
	bool catching;
	unsigned n;
	size_t at;
	struct rv_packet caught[WORLD_BURST];
	uint8_t *octets;
	uint64_t n_packets;
};

struct world {
	struct rv_core *core;
	struct rv_host *fakes;
	const struct rv_kernel_ops *ops;
	struct userspace *u;
	struct iface *iface;
	struct world_port clear[WORLD_LANES], wire[WORLD_LANES];
	uint32_t next;
};

/* A world of one or two workers with all providers, or without libipsec-mb. Ends the program when it cannot be made. */
struct world *world_new(unsigned n_workers, bool without_ipsecmb);
void world_free(struct world *world);

/* A tunnel: a policy for everything to 10.128.0.0/9's host number `host`, with SAs of the proposal in both directions.
 * Returns its number. */
void world_tunnel(struct world *world, const char *proposal, uint32_t host);

/* Removes all policies and SAs. */
void world_flush(struct world *world);

/* The IPv4 UDP packet of len octets to that host, into p. */
void world_packet(uint8_t *p, uint32_t host, uint32_t len);

struct lane *world_lane(struct world *world, unsigned i);

_Noreturn void die(const char *what, const char *why);

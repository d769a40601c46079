// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-time: bursts of packets through a world, timed one by one. For tools/bench/esp. */
#pragma once

#include "esp-world.h"

enum { BURSTS_MOST = 64 };

/* Clear packets of a lane, used again and again. */
struct source {
	struct rv_packet packets[WORLD_BURST], *list[WORLD_BURST];
	uint8_t *octets;
};

uint64_t now_ns(void);
double median(double *values, size_t n);

/* A burst of packets of len octets to these hosts; free() its octets. */
void source_init(struct source *s, uint32_t len, const uint32_t *hosts);

/* One burst through a lane, from clear to wire. */
void clear_burst(struct world *world, unsigned lane, struct source *s);

/* The same burst as it would come from the wire, in list, to be opened once; how many packets (trains count as one). */
size_t catch_burst(struct world *world, unsigned lane, struct source *s, struct rv_packet **list);

/* One burst through a lane, from wire to clear. */
void wire_burst(struct world *world, unsigned lane, struct rv_packet *const *list, size_t n);

/* Nanoseconds per packet, the median of so many bursts on lane 0. Ends the program when packets are lost. */
double time_seal(struct world *world, struct source *s, unsigned bursts);
double time_open(struct world *world, struct source *s, unsigned bursts);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-time: what is measured is the lane; what a port does with packets is not. */
#include "esp-time.h"

#include <stdlib.h>
#include <time.h>
#include <urcu/urcu-memb.h>

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

void source_init(struct source *s, uint32_t len, const uint32_t *hosts)
{
	uint8_t *p = s->octets = talloc_zero_size(NULL, WORLD_OCTETS);

	if (!p)
		die("memory", NULL);
	for (size_t i = 0; i < WORLD_BURST; i++) {
		uint32_t cap = (RV_HEADROOM + len + RV_TAILROOM + 63) / 64 * 64;
		s->list[i] = &s->packets[i];
		s->packets[i] = (struct rv_packet){ .buf = p, .data = p + RV_HEADROOM, .cap = cap, .len = len };
		world_packet(s->packets[i].data, hosts[i], len);
		p += cap;
	}
}

void clear_burst(struct world *world, unsigned lane, struct source *s)
{
	urcu_memb_read_lock();
	lane_clear(world_lane(world, lane), world->iface, s->list, WORLD_BURST);
	urcu_memb_read_unlock();
}

size_t catch_burst(struct world *world, unsigned lane, struct source *s, struct rv_packet **list)
{
	struct world_port *wire = &world->wire[lane];

	wire->catching = true;
	wire->n = 0;
	wire->at = 0;
	clear_burst(world, lane, s);
	wire->catching = false;
	for (size_t i = 0; i < wire->n; i++)
		list[i] = &wire->caught[i];
	return wire->n;
}

void wire_burst(struct world *world, unsigned lane, struct rv_packet *const *list, size_t n)
{
	urcu_memb_read_lock();
	lane_wire(world_lane(world, lane), list, n);
	urcu_memb_read_unlock();
}

double time_seal(struct world *world, struct source *s, unsigned bursts)
{
	uint64_t before = world->wire[0].n_packets;
	double ns[BURSTS_MOST];

	for (unsigned i = 0; i < bursts; i++) {
		uint64_t began = now_ns();
		clear_burst(world, 0, s);
		ns[i] = (double)(now_ns() - began) / WORLD_BURST;
	}
	if (world->wire[0].n_packets - before != (uint64_t)bursts * WORLD_BURST)
		die("sealing", "packets were lost");
	return median(ns, bursts);
}

double time_open(struct world *world, struct source *s, unsigned bursts)
{
	uint64_t before = world->clear[0].n_packets;
	struct rv_packet *list[WORLD_BURST];
	double ns[BURSTS_MOST];

	for (unsigned i = 0; i < bursts; i++) {
		size_t n = catch_burst(world, 0, s, list);
		uint64_t began = now_ns();
		wire_burst(world, 0, list, n);
		ns[i] = (double)(now_ns() - began) / WORLD_BURST;
	}
	if (world->clear[0].n_packets - before != (uint64_t)bursts * WORLD_BURST)
		die("opening", "packets were lost");
	return median(ns, bursts);
}

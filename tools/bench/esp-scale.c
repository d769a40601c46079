// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-scale: lanes on threads of their own, and databases of many entries. */
#include "esp-scale.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/urcu-memb.h>

enum { LEN = 1400, FLOWS = 64, KEPT = 32, ROUNDS = 5 };

static const char word[] = "aes128gcm16";

/* One lane's share of the work, and its packets, sealed beforehand. */
struct share {
	struct world *world;
	pthread_barrier_t *barrier;
	pthread_t thread;
	unsigned lane, rounds;
	struct source source;
	struct kept {
		uint8_t *octets;
		struct rv_packet packets[WORLD_BURST], *list[WORLD_BURST];
		size_t n;
	} kept[KEPT];
	double seal, open; /* packets a second, the sum of the rounds */
};

/* Copies what was caught, so that the port can catch more. */
static void keep(struct share *share, struct kept *kept)
{
	struct rv_packet *list[WORLD_BURST];
	size_t at = 0;

	kept->n = catch_burst(share->world, share->lane, &share->source, list);
	for (size_t i = 0; i < kept->n; i++) {
		kept->packets[i] = *list[i];
		kept->packets[i].buf = kept->octets + at;
		kept->packets[i].data = kept->packets[i].buf + RV_HEADROOM;
		memcpy(kept->packets[i].data, list[i]->data, list[i]->len);
		kept->list[i] = &kept->packets[i];
		at += list[i]->cap;
	}
}

static void *work(void *arg)
{
	struct share *s = arg;

	urcu_memb_register_thread();
	for (unsigned r = 0; r < s->rounds; r++) {
		for (int i = 0; i < KEPT; i++)
			keep(s, &s->kept[i]);
		pthread_barrier_wait(s->barrier);
		uint64_t began = now_ns();
		for (int i = 0; i < KEPT; i++)
			wire_burst(s->world, s->lane, s->kept[i].list, s->kept[i].n);
		uint64_t opened = now_ns();
		pthread_barrier_wait(s->barrier);
		uint64_t again = now_ns();
		for (int i = 0; i < 4 * KEPT; i++)
			clear_burst(s->world, s->lane, &s->source);
		s->open += KEPT * WORLD_BURST * 1e9 / (double)(opened - began);
		s->seal += 4 * KEPT * WORLD_BURST * 1e9 / (double)(now_ns() - again);
		pthread_barrier_wait(s->barrier);
	}
	urcu_memb_unregister_thread();
	return NULL;
}

/* Packets a second of n lanes together; many: each packet of a burst is of another of FLOWS SAs, else all of one. */
static void run_lanes(struct world *world, unsigned n, bool many, unsigned rounds, double *seal, double *open)
{
	struct share *shares = talloc_zero_array(NULL, struct share, n);
	pthread_barrier_t barrier;
	uint32_t hosts[WORLD_BURST] = { 0 };

	if (!shares)
		die("memory", NULL);
	pthread_barrier_init(&barrier, NULL, n);
	for (unsigned i = 0; i < n; i++) {
		struct share *s = &shares[i];
		*s = (struct share){ .world = world, .barrier = &barrier, .lane = i, .rounds = rounds };
		for (unsigned j = 0; many && j < WORLD_BURST; j++)
			hosts[j] = 1 + (j / 8 + i * 4) % FLOWS; /* runs of eight, as a train is cut */
		source_init(&s->source, LEN, hosts);
		for (int j = 0; j < KEPT; j++)
			if (!(s->kept[j].octets = talloc_size(NULL, WORLD_OCTETS)))
				die("memory", NULL);
		if (pthread_create(&s->thread, NULL, work, s))
			die("a thread", NULL);
	}
	*seal = *open = 0;
	for (unsigned i = 0; i < n; i++) {
		pthread_join(shares[i].thread, NULL);
		*seal += shares[i].seal / rounds;
		*open += shares[i].open / rounds;
		talloc_free(shares[i].source.octets);
		for (int j = 0; j < KEPT; j++)
			talloc_free(shares[i].kept[j].octets);
	}
	pthread_barrier_destroy(&barrier);
	talloc_free(shares);
}

/* The rounds of one worker and of two are interleaved. */
static void workers(bool json, unsigned rounds)
{
	struct world *world = world_new(2, false);

	for (uint32_t i = 0; i <= FLOWS; i++)
		world_tunnel(world, word, i);
	for (int many = 0; many < 2; many++) {
		double v[4][ROUNDS], seal[2], open[2];
		for (unsigned r = 0; r < rounds; r++) {
			for (unsigned n = 1; n <= 2; n++)
				run_lanes(world, n, many, 2, &seal[n - 1], &open[n - 1]);
			v[0][r] = seal[0];
			v[1][r] = seal[1] / seal[0];
			v[2][r] = open[0];
			v[3][r] = open[1] / open[0];
		}
		double a = median(v[0], rounds), b = median(v[1], rounds), c = median(v[2], rounds);
		printf(json ? "%s\n  {\"sas\": \"%s\", \"seal_pps\": %.0f, \"seal_two\": %.2f, \"open_pps\": %.0f, "
			      "\"open_two\": %.2f}"
			    : "%s%-5s SA: one worker seals %.0f packets/s, two %.2f times that; opens %.0f, two %.2f\n",
		       json && many ? "," : "", many ? "many" : "one", a, b, c, median(v[3], rounds));
	}
	world_free(world);
}

static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* n SAs a direction, each with a policy: a burst of one flow, and packets that are spread over all SAs at random. */
static void numbers(bool json, bool first, uint32_t n, unsigned rounds)
{
	struct world *world = world_new(1, false);
	uint32_t hosts[WORLD_BURST] = { 0 }, state = 1;
	double v[4][ROUNDS];

	for (uint32_t i = 0; i < n; i++)
		world_tunnel(world, word, i);
	for (unsigned r = 0; r < rounds; r++) {
		struct source one, all;
		for (unsigned i = 0; i < WORLD_BURST; i++)
			hosts[i] = n / 2;
		source_init(&one, LEN, hosts);
		v[0][r] = time_seal(world, &one, BURSTS_MOST);
		v[1][r] = time_open(world, &one, BURSTS_MOST);
		talloc_free(one.octets);
		double seal[BURSTS_MOST], open[BURSTS_MOST];
		for (unsigned b = 0; b < BURSTS_MOST; b++) {
			for (unsigned i = 0; i < WORLD_BURST; i++)
				hosts[i] = next(&state) % n;
			source_init(&all, LEN, hosts);
			seal[b] = time_seal(world, &all, 1);
			open[b] = time_open(world, &all, 1);
			talloc_free(all.octets);
		}
		v[2][r] = median(seal, BURSTS_MOST);
		v[3][r] = median(open, BURSTS_MOST);
	}
	printf(json ? "%s\n  {\"sas\": %u, \"seal_ns\": %.1f, \"open_ns\": %.1f, \"spread_seal_ns\": %.1f, "
		      "\"spread_open_ns\": %.1f}"
		    : "%s%6u SAs: one flow seals in %.1f ns, opens in %.1f; spread over all: %.1f, %.1f\n",
	       json && !first ? "," : "", n, median(v[0], rounds), median(v[1], rounds), median(v[2], rounds),
	       median(v[3], rounds));
	world_free(world);
}

void scale(bool json, bool quick, bool brief)
{
	static const uint32_t counts[] = { 1, 1000, 100000 };
	unsigned rounds = brief ? 1 : quick ? 3 : ROUNDS;

	printf(json ? ",\n\"workers\": [" : "");
	workers(json, rounds);
	printf(json ? "\n],\n\"numbers\": [" : "");
	for (size_t i = 0; i < (brief ? 2 : RV_COUNT(counts)); i++)
		numbers(json, !i, counts[i], rounds);
	printf(json ? "\n]" : "");
}

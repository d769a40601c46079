// SPDX-License-Identifier: LGPL-2.1-or-later
/* sas: IKE SAs by our SPI (RFC 7296, 2.6: a message is mapped to its SA by SPI alone).
 *
 * Chained hashing whose buckets grow with the number of SAs, so that 100,000 cost what ten do.
 */
#include "ike-sa.h"

#include <errno.h>

enum { FIRST_SIZE = 64 };

static uint32_t slot(const struct ike_sas *sas, uint64_t spi)
{
	uint64_t h = (spi ^ sas->seed) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(h >> 32) & (sas->size - 1);
}

int ike_sas_init(struct ike_engine *engine)
{
	struct ike_sas *sas = &engine->sas;

	rv_host_random(engine->host, &sas->seed, sizeof(sas->seed));
	sas->bucket = talloc_zero_array(engine, struct rv_ike_sa *, FIRST_SIZE);
	if (!sas->bucket)
		return -ENOMEM;
	sas->size = FIRST_SIZE;
	return 0;
}

/* Doubles the buckets. Without memory the chains only grow longer. */
static void grow(struct ike_engine *engine)
{
	struct ike_sas *sas = &engine->sas;
	struct rv_ike_sa **old = sas->bucket, **bucket;
	uint32_t n = sas->size;

	bucket = talloc_zero_array(engine, struct rv_ike_sa *, (size_t)n * 2);
	if (!bucket)
		return;
	sas->bucket = bucket;
	sas->size = n * 2;
	for (uint32_t i = 0; i < n; i++) {
		for (struct rv_ike_sa *sa = old[i], *next; sa; sa = next) {
			struct rv_ike_sa **head = &bucket[slot(sas, ike_sa_ours(sa))];

			next = sa->chain;
			sa->chain = *head;
			*head = sa;
		}
	}
	talloc_free(old);
}

int ike_sas_add(struct rv_ike_sa *sa)
{
	struct ike_sas *sas = &sa->engine->sas;
	struct rv_ike_sa **head;

	if (ike_sas_find(sa->engine, ike_sa_ours(sa)))
		return -RV_EEXISTS;
	if (sas->n >= sas->size)
		grow(sa->engine);
	head = &sas->bucket[slot(sas, ike_sa_ours(sa))];
	sa->chain = *head;
	*head = sa;
	sa->in_table = true;
	sas->n++;
	return 0;
}

void ike_sas_remove(struct rv_ike_sa *sa)
{
	struct ike_sas *sas = &sa->engine->sas;

	if (!sa->in_table)
		return;
	for (struct rv_ike_sa **at = &sas->bucket[slot(sas, ike_sa_ours(sa))]; *at; at = &(*at)->chain) {
		if (*at != sa)
			continue;
		*at = sa->chain;
		sas->n--;
		break;
	}
	sa->in_table = false;
}

struct rv_ike_sa *ike_sas_find(const struct ike_engine *engine, uint64_t ours)
{
	const struct ike_sas *sas = &engine->sas;

	for (struct rv_ike_sa *sa = sas->bucket[slot(sas, ours)]; sa; sa = sa->chain)
		if (ike_sa_ours(sa) == ours)
			return sa;
	return NULL;
}

void ike_sas_each(struct ike_engine *engine, ike_sas_fn *fn, void *arg)
{
	struct ike_sas *sas = &engine->sas;

	for (uint32_t i = 0; i < sas->size; i++)
		for (struct rv_ike_sa *sa = sas->bucket[i], *next; sa; sa = next) {
			next = sa->chain;
			fn(sa, arg);
		}
}

uint64_t ike_spi_new(struct ike_engine *engine)
{
	uint64_t spi;

	do
		rv_host_random(engine->host, &spi, sizeof(spi));
	while (!spi || ike_sas_find(engine, spi));
	return spi;
}

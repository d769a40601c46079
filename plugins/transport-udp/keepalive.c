// SPDX-License-Identifier: LGPL-2.1-or-later
/* keepalive: one timer for each path whose NAT mapping must stay open (RFC 3948, 2.3 and 4). */
#include "transport-udp.h"

#include <errno.h>

enum { FIRST_BUCKETS = 16 };

static size_t bucket_of(const struct keepalives *all, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (all->n_buckets - 1);
}

static struct keepalive **find(struct keepalives *all, uint64_t key)
{
	struct keepalive **at = &all->buckets[bucket_of(all, key)];

	while (*at && (*at)->key != key)
		at = &(*at)->next;
	return at;
}

/* Staying small is no failure: the chains get longer. */
static void grow(struct keepalives *all)
{
	struct keepalive **old = all->buckets;
	size_t n_old = all->n_buckets;
	struct keepalive **buckets = talloc_zero_array(all, struct keepalive *, n_old * 2);

	if (!buckets)
		return;
	all->buckets = buckets;
	all->n_buckets = n_old * 2;
	for (size_t i = 0; i < n_old; i++)
		for (struct keepalive *k = old[i], *next; k; k = next) {
			struct keepalive **to = &buckets[bucket_of(all, k->key)];
			next = k->next;
			k->next = *to;
			*to = k;
		}
	talloc_free(old);
}

static void due(struct rv_timer *timer)
{
	struct keepalive *k = rv_container_of(timer, struct keepalive, timer);

	k->all->fn(k->all->arg, &k->path);
	/* the heap just gave up a place, so arming does not fail */
	(void)!rv_timer_arm(timer, k->all->period_us);
}

static int cancel(struct keepalive *k)
{
	rv_timer_cancel(&k->timer);
	return 0;
}

struct keepalives *keepalives_new(const void *parent, struct rv_loop *loop, uint64_t period_us, keepalive_fn *fn,
				  void *arg)
{
	struct keepalives *all = talloc_zero(parent, struct keepalives);

	if (!all)
		return NULL;
	*all = (struct keepalives){
		.loop = loop, .period_us = period_us, .fn = fn, .arg = arg, .n_buckets = FIRST_BUCKETS
	};
	all->buckets = talloc_zero_array(all, struct keepalive *, FIRST_BUCKETS);
	if (!all->buckets) {
		talloc_free(all);
		return NULL;
	}
	return all;
}

int keepalive_on(struct keepalives *all, const struct rv_path *path, uint64_t key)
{
	struct keepalive *k = *find(all, key);

	if (k) {
		k->path = *path;
		return 0;
	}
	k = talloc_zero(all, struct keepalive);
	if (!k)
		return -ENOMEM;
	*k = (struct keepalive){ .all = all, .path = *path, .key = key };
	rv_timer_init(&k->timer, all->loop, due);
	int r = rv_timer_arm(&k->timer, all->period_us);
	if (r) {
		talloc_free(k);
		return r;
	}
	talloc_set_destructor(k, cancel);
	if (all->n >= all->n_buckets)
		grow(all);
	struct keepalive **at = &all->buckets[bucket_of(all, key)];
	k->next = *at;
	*at = k;
	all->n++;
	return 0;
}

void keepalive_off(struct keepalives *all, uint64_t key)
{
	struct keepalive **at = find(all, key);
	struct keepalive *k = *at;

	if (!k)
		return;
	*at = k->next;
	all->n--;
	talloc_free(k);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* narrow: the responder's choice of traffic selectors and the initiator's check of it (RFC 7296, 2.9).
 */
#include "narrow.h"

#include <string.h>

/* True when some packet can go between them. */
static bool partners(const struct rv_ts *a, const struct rv_ts *b)
{
	return a->family == b->family && (!a->proto || !b->proto || a->proto == b->proto);
}

static bool has_partner(const struct rv_ts *ts, const struct ike_ts_list *others)
{
	for (size_t i = 0; i < others->n; i++)
		if (partners(ts, &others->ts[i]))
			return true;
	return false;
}

static bool in_one(const struct rv_ts *ts, const struct rv_ts *by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rv_ts_contains(&by[i], ts))
			return true;
	return false;
}

/* ts without the addresses up to hi; false: nothing is left. */
static bool behind(struct rv_ts *ts, const uint8_t hi[static 16])
{
	size_t i = rv_family_len(ts->family);

	memcpy(ts->lo, hi, i);
	while (i && ++ts->lo[i - 1] == 0)
		i--;
	return i && memcmp(ts->lo, ts->hi, sizeof(ts->lo)) <= 0;
}

/* True when all addresses of ts are in by, however they are cut; each part with all of its ports and protocols. */
static bool covered(const struct rv_ts *ts, const struct rv_ts *by, size_t n)
{
	struct rv_ts left = *ts;

	for (;;) {
		const struct rv_ts *best = NULL;

		for (size_t i = 0; i < n; i++) {
			struct rv_ts first = left;

			memcpy(first.hi, left.lo, sizeof(first.hi));
			if (rv_ts_contains(&by[i], &first) &&
			    (!best || memcmp(by[i].hi, best->hi, sizeof(best->hi)) > 0))
				best = &by[i];
		}
		if (!best)
			return false;
		if (!behind(&left, best->hi))
			return true;
	}
}

/* Adds ts in the place of those that it covers, unless another one covers it. */
static void add(struct ike_ts_list *list, const struct rv_ts *ts)
{
	size_t place = list->n, kept = 0;

	if (in_one(ts, list->ts, list->n))
		return;
	for (size_t i = 0; i < list->n; i++) {
		if (!rv_ts_contains(ts, &list->ts[i]))
			list->ts[kept++] = list->ts[i];
		else if (place == list->n)
			place = kept++;
	}
	if (place < list->n)
		list->n = kept;
	else if (list->n < IKE_TS_MAX)
		list->n++;
	else
		return;
	list->ts[place] = *ts;
}

static void common(const struct ike_ts_list *theirs, const struct rv_ts *ours, size_t n, struct ike_ts_list *out)
{
	out->n = 0;
	for (size_t i = 0; i < theirs->n; i++) {
		for (size_t j = 0; j < n; j++) {
			struct rv_ts both;

			if (rv_ts_intersect(&theirs->ts[i], &ours[j], &both))
				add(out, &both);
		}
	}
}

/* Takes out of list what has no partner in others. */
static void pair_up(struct ike_ts_list *list, const struct ike_ts_list *others)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++)
		if (has_partner(&list->ts[i], others))
			list->ts[kept++] = list->ts[i];
	list->n = kept;
}

static bool all_covered(const struct ike_ts_list *asked, const struct ike_ts_list *chosen)
{
	for (size_t i = 0; i < asked->n; i++)
		if (!covered(&asked->ts[i], chosen->ts, chosen->n))
			return false;
	return true;
}

enum ike_narrow ike_narrow(const struct rv_ts *local, size_t n_local, const struct rv_ts *remote, size_t n_remote,
			   const struct ike_ts_list *tsr, const struct ike_ts_list *tsi, struct ike_ts_pair *chosen)
{
	common(tsr, local, n_local, &chosen->local);
	common(tsi, remote, n_remote, &chosen->remote);
	/* What is left of remote behind the first line still has its partner in local: the relation is mutual. */
	pair_up(&chosen->local, &chosen->remote);
	pair_up(&chosen->remote, &chosen->local);
	if (chosen->local.n == 0 || chosen->remote.n == 0)
		return IKE_NARROW_NONE;
	if (all_covered(tsr, &chosen->local) && all_covered(tsi, &chosen->remote))
		return IKE_NARROW_ALL;
	if (covered(&tsr->ts[0], chosen->local.ts, chosen->local.n) &&
	    covered(&tsi->ts[0], chosen->remote.ts, chosen->remote.n))
		return IKE_NARROW_FIRST;
	return IKE_NARROW_SOME;
}

bool ike_ts_within(const struct ike_ts_list *answer, const struct rv_ts *offered, size_t n_offered)
{
	for (size_t i = 0; i < answer->n; i++)
		if (!covered(&answer->ts[i], offered, n_offered))
			return false;
	return answer->n > 0;
}

bool ike_ts_substitute(struct ike_ts_list *list, const struct rv_addr *addr)
{
	size_t len = rv_family_len(addr->family);

	for (size_t i = 0; i < list->n; i++) {
		const struct rv_ts *ts = &list->ts[i];

		if (ts->family != addr->family || !rv_bytes_equal(rv_bytes(ts->lo, len), rv_bytes(ts->hi, len)) ||
		    !rv_bytes_equal(rv_bytes(ts->lo, len), rv_bytes(list->ts[0].lo, len)))
			return false;
	}
	for (size_t i = 0; i < list->n; i++) {
		memcpy(list->ts[i].lo, addr->ip, sizeof(list->ts[i].lo));
		memcpy(list->ts[i].hi, addr->ip, sizeof(list->ts[i].hi));
	}
	return list->n > 0;
}

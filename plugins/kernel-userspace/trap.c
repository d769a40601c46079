// SPDX-License-Identifier: LGPL-2.1-or-later
/* trap: the first packets wait for the SA that they asked for (RFC 4301, 4.4.1.1 and 5.1).
 *
 * At most 8 packets and 64 KiB a policy, 4 MiB in all, for half a minute. This is off the fast path: memory is
 * allocated here, under the policy's own flag.
 */
#include "trap.h"

#include "out.h"

#include <stdlib.h>
#include <string.h>

enum { HELD_IN_ALL = 4 << 20 };

static const uint64_t ask_again_us = 1000000, stale_us = 30000000;

static struct rv_ts selector(const struct ip_info *info, const uint8_t *ip, uint16_t port)
{
	struct rv_ts ts = { .family = info->family, .proto = info->proto, .port_hi = 0xffff };

	memcpy(ts.lo, ip, rv_family_len(info->family));
	memcpy(ts.hi, ip, rv_family_len(info->family));
	if (info->ports_known)
		ts.port_lo = ts.port_hi = port;
	return ts;
}

static void ask(struct lane *lane, struct policy *policy, const struct ip_info *info)
{
	_Atomic uint64_t *asked_us = &policy->trap->asked_us;
	uint64_t last = atomic_load_explicit(asked_us, memory_order_relaxed);
	struct note note = { .type = NOTE_ACQUIRE,
			     .id = policy->bundle->key,
			     .local = selector(info, info->src, info->src_port),
			     .remote = selector(info, info->dst, info->dst_port) };

	if (last && lane->now_us - last < ask_again_us)
		return;
	if (!atomic_compare_exchange_strong(asked_us, &last, lane->now_us ? lane->now_us : 1))
		return;
	if (!note_put(&lane->db->notes, &note))
		atomic_store(asked_us, 0);
}

static struct held *held_new(const struct lane *lane, const struct iface *iface, const struct rv_packet *packet)
{
	struct held *held = malloc(sizeof(*held) + packet->len + RV_TAILROOM);

	if (!held)
		return NULL;
	*held = (struct held){ .at_us = lane->now_us, .iface_id = iface->key, .len = packet->len };
	memcpy(held->vnet, packet->vnet, sizeof(held->vnet));
	memcpy(held->octets, packet->data, packet->len);
	return held;
}

/* Under the lock: takes out what nobody waits for any more, oldest first. */
static struct held *take_stale(struct trap *trap, uint64_t now_us)
{
	struct held *first = trap->first, **end = &first;

	while (*end && now_us - (*end)->at_us > stale_us) {
		trap->n--;
		trap->octets -= (*end)->len;
		end = &(*end)->next;
	}
	trap->first = *end;
	if (!trap->first)
		trap->end = &trap->first;
	*end = NULL;
	return first;
}

static bool append(struct trap *trap, struct held *held, struct held **stale)
{
	bool fits;

	while (atomic_flag_test_and_set_explicit(&trap->lock, memory_order_acquire))
		;
	*stale = take_stale(trap, held->at_us);
	fits = trap->n < HELD_PACKETS && trap->octets + held->len <= HELD_OCTETS;
	if (fits) {
		*trap->end = held;
		trap->end = &held->next;
		trap->n++;
		trap->octets += held->len;
	}
	atomic_flag_clear_explicit(&trap->lock, memory_order_release);
	return fits;
}

void trap_hold(struct lane *lane, struct policy *policy, struct iface *iface, const struct rv_packet *packet,
	       const struct ip_info *info)
{
	struct databases *db = lane->db;
	uint32_t all = atomic_fetch_add(&db->held_octets, packet->len);
	struct held *held = all + packet->len <= HELD_IN_ALL ? held_new(lane, iface, packet) : NULL;
	struct held *stale = NULL;

	if (!held || !append(policy->trap, held, &stale)) {
		free(held);
		atomic_fetch_sub(&db->held_octets, packet->len);
		lane_drop(lane, RV_DROP_NO_SA);
	}
	for (const struct held *h = stale; h; h = h->next)
		lane_drop(lane, RV_DROP_NO_SA);
	trap_free(db, stale);
	ask(lane, policy, info);
}

struct held *trap_take(struct trap *trap)
{
	while (atomic_flag_test_and_set_explicit(&trap->lock, memory_order_acquire))
		;
	struct held *first = trap->first;
	trap->first = NULL;
	trap->end = &trap->first;
	trap->n = trap->octets = 0;
	atomic_flag_clear_explicit(&trap->lock, memory_order_release);
	return first;
}

void trap_free(struct databases *db, struct held *held)
{
	for (struct held *next; held; held = next) {
		next = held->next;
		atomic_fetch_sub(&db->held_octets, held->len);
		free(held);
	}
}

void trap_release(struct lane *lane, struct held *held)
{
	for (struct held *h = held; h; h = h->next) {
		struct iface *iface = table_get(&lane->db->ifaces, h->iface_id);
		struct rv_packet packet = {
			.buf = h->octets, .data = h->octets, .cap = h->len + RV_TAILROOM, .len = h->len
		};
		struct rv_packet *list[] = { &packet };
		memcpy(packet.vnet, h->vnet, sizeof(h->vnet));
		if (!iface || lane->now_us - h->at_us > stale_us)
			lane_drop(lane, RV_DROP_NO_SA);
		else
			lane_clear(lane, iface, list, 1);
	}
	trap_free(lane->db, held);
}

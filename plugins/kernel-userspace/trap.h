// SPDX-License-Identifier: LGPL-2.1-or-later
/* trap: packets that wait for the SA that they asked for (RFC 4301, 4.4.1.1 and 5.1). */
#pragma once

#include "lane.h"

enum { HELD_PACKETS = 8, HELD_OCTETS = 64 << 10 };

/* A packet kept for the SA that was asked for (RFC 4301, 4.4.1.1: trap). */
struct held {
	struct held *next;
	uint64_t at_us;
	uint32_t iface_id, len;
	uint8_t vnet[12];
	uint8_t octets[];
};

/* What a policy keeps. */
struct trap {
	atomic_flag lock; /* all but asked_us */
	struct held *first, **end;
	unsigned n;
	uint32_t octets;
	_Atomic uint64_t asked_us; /* when an acquire was reported last */
};

/* Keeps the packet for the policy, which has a trap, and asks for an SA, at most once a second. Any worker. */
void trap_hold(struct lane *lane, struct policy *policy, struct iface *iface, const struct rv_packet *packet,
	       const struct ip_info *info);

/* Takes what was kept, oldest first. */
struct held *trap_take(struct trap *trap);

/* Frees a list. */
void trap_free(struct databases *db, struct held *held);

/* Sends packets that were held, in order, and frees them. Worker thread, inside a read-copy-update section. */
void trap_release(struct lane *lane, struct held *held);

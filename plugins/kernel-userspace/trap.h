// SPDX-License-Identifier: LGPL-2.1-or-later
/* trap: packets that wait for the SA that they asked for (RFC 4301, 4.4.1.1 and 5.1). */
#pragma once

#include "lane.h"

/* A packet kept for the SA that was asked for (RFC 4301, 4.4.1.1: trap). */
struct held {
	struct held *next;
	uint64_t at_us;
	uint32_t iface_id, len;
	uint8_t vnet[12];
	uint8_t octets[];
};

/* Keeps the packet for the policy and asks for an SA, at most once a second. Any worker. */
void trap_hold(struct lane *lane, struct policy *policy, struct iface *iface, const struct rv_packet *packet,
	       const struct ip_info *info);

/* Takes what policy holds, oldest first. */
struct held *trap_take(struct databases *db, struct policy *policy);

/* Frees a list. */
void trap_free(struct databases *db, struct held *held);

/* Sends packets that were held, in order, and frees them. Worker thread, inside a read-copy-update section. */
void trap_release(struct lane *lane, struct held *held);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* congestion: the loss event rate that a receiver reports, and the rate that a sender makes of it (RFC 9347, 2.4.2, 3
 * and Appendix B; RFC 5348, 4 and 5). Without clock or threads.
 */
#pragma once

#include <ravelin/base.h>

enum { INTERVALS = 8 };

/* The last intervals between loss events, in packets, newest first. */
struct losses {
	uint64_t begun;	   /* number of the first packet that is counted into the open interval */
	uint64_t event_us; /* when the last event began */
	uint32_t n;
	uint32_t intervals[INTERVALS];
};

/* Packets from the number first on are known to be lost (or came marked). rtt_us: the sender's; pps: packets a second
 * that come in, with which the first interval is guessed. */
void losses_event(struct losses *losses, uint64_t first, uint64_t now_us, uint32_t rtt_us, double pps);

/* The inverse of the loss event rate when newest is the highest number seen; 0: there was no loss. */
uint32_t losses_inverse(const struct losses *losses, uint64_t newest);

/* Packets a second for a round-trip time and the inverse of a loss event rate (RFC 9347, Appendix B). */
double tfrc_rate(double rtt_s, double inverse);

/* A sender's rate. */
struct rate {
	double pps, most;
	uint64_t changed_us;
	uint64_t heard_us; /* of the report that was used last */
};

/* What is known of the path: rtt_us 0: nothing yet; heard_us: when the last report came. */
struct heard {
	uint32_t rtt_us, inverse;
	uint64_t heard_us;
};

/* Changes the rate once a round-trip time at most: slow start while there is no loss, else what the equation says; half
 * of it when no report came for four round-trip times. */
void rate_change(struct rate *rate, const struct heard *heard, uint64_t now_us);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* congestion: TCP-friendly rate control in packets of one size (RFC 5348; RFC 9347, Appendix B). */
#include "congestion.h"

#include <math.h>

/* SILENT_RTTS: RFC 9347, 2.4.2: "no feedback timeout" of 4 round-trip times. FIRST: the packets that may be sent in the
 * first of them (RFC 5348, 4.2). STEPS: of a bisection between 1 and 2^STEPS packets. */
enum { SILENT_RTTS = 4, FIRST = 4, STEPS = 31 };

static const double least_pps = 1;

/* RFC 5348, 5.4: 1 1 1 1 0.8 0.6 0.4 0.2, times five */
static const uint32_t weights[INTERVALS] = { 5, 5, 5, 5, 4, 3, 2, 1 };

double tfrc_rate(double rtt_s, double inverse)
{
	double p = 1 / inverse;

	return 1 / (rtt_s * (sqrt(2 * p / 3) + 12 * sqrt(3 * p / 8) * p * (1 + 32 * p * p)));
}

/* RFC 5348, 6.3.1: the interval that makes the equation say the rate that there was. */
static uint32_t guess(double rtt_s, double pps)
{
	double low = 1, high = 2;

	for (int i = 0; i < STEPS && tfrc_rate(rtt_s, high) < pps; i++) {
		low = high;
		high *= 2;
	}
	for (int i = 0; i < STEPS; i++) {
		double middle = (low + high) / 2;
		if (tfrc_rate(rtt_s, middle) < pps)
			low = middle;
		else
			high = middle;
	}
	return high < UINT32_MAX ? (uint32_t)high : UINT32_MAX;
}

static uint32_t open_interval(const struct losses *losses, uint64_t newest)
{
	uint64_t len = newest >= losses->begun ? newest - losses->begun + 1 : 0;

	return len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
}

/* RFC 5348, 5.2: losses within one round-trip time are one event. */
void losses_event(struct losses *losses, uint64_t first, uint64_t now_us, uint32_t rtt_us, double pps)
{
	uint32_t len = open_interval(losses, first - 1);

	if (losses->n && now_us - losses->event_us < rtt_us)
		return;
	if (!losses->n && rtt_us && pps > 0)
		len = guess((double)rtt_us / 1e6, pps);
	for (uint32_t i = INTERVALS - 1; i > 0; i--)
		losses->intervals[i] = losses->intervals[i - 1];
	losses->intervals[0] = len ? len : 1;
	losses->n += losses->n < INTERVALS;
	losses->begun = first;
	losses->event_us = now_us;
}

/* RFC 5348, 5.4: with the open interval, or without it, whichever is the longer average. */
uint32_t losses_inverse(const struct losses *losses, uint64_t newest)
{
	uint64_t with = (uint64_t)open_interval(losses, newest) * weights[0], without = 0, all_with = weights[0],
		 all = 0;

	if (!losses->n)
		return 0;
	for (uint32_t i = 0; i < losses->n; i++) {
		without += (uint64_t)losses->intervals[i] * weights[i];
		all += weights[i];
		if (i + 1 < INTERVALS) {
			with += (uint64_t)losses->intervals[i] * weights[i + 1];
			all_with += weights[i + 1];
		}
	}
	with /= all_with;
	without /= all;
	with = with > without ? with : without;
	return with < UINT32_MAX ? (uint32_t)(with ? with : 1) : UINT32_MAX;
}

static double within(const struct rate *rate, double pps)
{
	pps = pps < rate->most ? pps : rate->most;
	return pps > least_pps ? pps : least_pps;
}

void rate_change(struct rate *rate, const struct heard *heard, uint64_t now_us)
{
	double rtt_s = (double)heard->rtt_us / 1e6;

	if (!heard->rtt_us || now_us - rate->changed_us < heard->rtt_us)
		return;
	if (now_us - heard->heard_us > (uint64_t)SILENT_RTTS * heard->rtt_us) {
		if (now_us - rate->changed_us < (uint64_t)SILENT_RTTS * heard->rtt_us)
			return;
		rate->pps = within(rate, rate->pps / 2);
	} else if (heard->heard_us == rate->heard_us) {
		return;
	} else if (!heard->inverse) {
		double begin = FIRST / rtt_s, twice = 2 * rate->pps;
		rate->pps = within(rate, twice > begin ? twice : begin);
	} else {
		double says = tfrc_rate(rtt_s, heard->inverse), twice = 2 * rate->pps;
		rate->pps = within(rate, says < twice ? says : twice);
	}
	rate->heard_us = heard->heard_us;
	rate->changed_us = now_us;
}

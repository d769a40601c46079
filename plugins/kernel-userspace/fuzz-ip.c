// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-ip: headers, "too big" answers, given and taken, and segmentation. The first 12 octets are the offload's fields,
 * the rest is a packet. What comes out must be well-formed and no larger than what went in.
 */
#include "boundary.h"
#include "coalesce.h"
#include "icmp.h"
#include "offload.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VNET = 12, MTU = 1280, FRAGMENT = 100 };

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_info(const struct ip_info *info, const uint8_t *p, size_t len)
{
	check(info->len <= len && info->upper <= info->len && info->base_len <= info->upper);
	check(info->src > p && info->dst + rv_family_len(info->family) <= p + len);
	check(info->family == RV_IPV4 || info->family == RV_IPV6);
}

static void check_icmp(const struct ip_info *info, const uint8_t *p)
{
	uint8_t *answer = malloc(ICMP_ROOM);
	struct ip_info parsed;

	check(answer);
	size_t len = icmp_too_big(info, p, MTU, answer);
	check(len <= ICMP_ROOM);
	if (len)
		check(ip_parse(&parsed, answer, len) && parsed.len == len && parsed.family == info->family);
	/* no answer is answered */
	if (len)
		check(!icmp_too_big(&parsed, answer, MTU, answer));
	free(answer);
}

static void check_segments(const struct offload *plan)
{
	uint64_t payload = 0;

	for (uint32_t i = 0; i < plan->n; i++) {
		uint32_t len = offload_len(plan, i);
		uint8_t *segment = malloc(len);
		struct ip_info info;
		check(segment && len > plan->headers && len <= plan->len);
		offload_segment(plan, i, segment);
		check(ip_parse(&info, segment, len) && info.len == len && info.upper == plan->ip.upper);
		payload += len - plan->headers;
		free(segment);
	}
	check(payload == plan->len - plan->headers);
}

/* Joins the segments again, in a buffer of exactly the train's size; what is joined must be a packet. */
static void check_join(const struct offload *plan)
{
	uint8_t *joined = malloc(plan->len), *part = malloc(plan->headers + plan->mss), vnet[VNET] = { 0 };
	struct coalesced c;
	struct ip_info info;

	check(joined && part);
	offload_segment(plan, 0, joined);
	check(ip_parse(&info, joined, offload_len(plan, 0)));
	coalesce_begin(&c, joined, &info, joined + plan->len);
	for (uint32_t i = 1; i < plan->n; i++) {
		offload_segment(plan, i, part);
		check(ip_parse(&info, part, offload_len(plan, i)));
		if (!coalesce_add(&c, part, &info))
			break;
	}
	uint32_t len = c.len, n = c.n;
	coalesce_end(&c, vnet);
	check(len <= plan->len && ip_parse(&info, joined, len));
	check(n < 2 || info.len == len);
	free(joined);
	free(part);
}

static void check_tos(const struct ip_info *info, uint8_t *p)
{
	uint8_t tos = info->tos, other = tos ^ 0xff;
	uint64_t before = ip_fold(ip_sum(0, p, info->base_len));
	struct ip_info again;

	ip_set_tos(p, info->family, other);
	check(ip_parse(&again, p, info->len) && again.tos == other && again.upper == info->upper);
	if (info->family == RV_IPV4 && !before)
		check(!ip_fold(ip_sum(0, p, info->base_len)));
	ip_set_tos(p, info->family, tos);
}

/* A checksum that was right stays right. */
static void check_boundary(const struct ip_info *info, uint8_t *p)
{
	uint32_t left = info->len - info->upper;
	struct ip_info cause;

	if (icmp_cause(info, p, &cause)) {
		check(cause.src > p && cause.src + rv_family_len(cause.family) <= p + info->len);
		check(cause.dst > p && cause.dst + rv_family_len(cause.family) <= p + info->len);
		check(cause.upper <= cause.len && cause.len < info->len);
	}
	if (!boundary_is_syn(info, p))
		return;
	uint16_t before = ip_fold(ip_sum(ip_pseudo(info, IP_TCP, left), p + info->upper, left));
	boundary_clamp(info, p, MTU);
	check(before || !ip_fold(ip_sum(ip_pseudo(info, IP_TCP, left), p + info->upper, left)));
}

/* The input as an ICMP error. */
static void check_report(const uint8_t *p, size_t size)
{
	struct icmp_report report;

	if (icmp_read_report(&report, RV_IPV4, p, size))
		check(report.mtu >= 576 && report.mtu < UINT16_MAX && (report.protocol == IP_ESP || !report.encap));
	if (icmp_read_report(&report, RV_IPV6, p, size))
		check(report.mtu >= 1280 && report.mtu <= UINT16_MAX + IP6_HEADER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ip_info info;
	struct offload plan;
	uint8_t *p;

	if (size <= VNET)
		return 0;
	size -= VNET;
	p = malloc(size);
	check(p);
	memcpy(p, data + VNET, size);
	check_report(p, size);
	if (ip_parse(&info, p, size)) {
		check_info(&info, p, size);
		check_icmp(&info, p);
		check_tos(&info, p);
		check_boundary(&info, p);
		if (offload_plan(&plan, &info, p, data) && plan.n > 1) {
			check_segments(&plan);
			check_join(&plan);
		} else if (plan.n == 1 && offload_fragments(&plan, FRAGMENT)) {
			check_segments(&plan);
		}
	}
	free(p);
	return 0;
}

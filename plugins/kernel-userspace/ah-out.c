// SPDX-License-Identifier: LGPL-2.1-or-later
/* ah-out: packets with AH (RFC 4302, 3.3), as runs without encryption.
 *
 * In the arena stand the headers in front of AH as they are sent; then the packet, with what the ICV covers of them in
 * their place, so that the cryptor has all of it in one piece; then room for the ICV as it writes it. The text begins
 * at the field of the ICV, which is zero until the run is sealed. The wire gets whole packets, since the ICV covers all
 * of the outer header.
 */
#include "ah.h"

#include <string.h>

enum { TTL = 64, V4_ID = 4, V4_FLAGS = 6, V4_PROTO = 9, V4_SUM = 10, LONGEST = UINT16_MAX };

static uint32_t aligned(uint32_t n)
{
	return (n + 7) / 8 * 8;
}

/* What a packet is made from. */
struct parts {
	struct ah_place place;
	uint32_t header; /* octets of AH */
	uint32_t len;	 /* of what is behind it */
	uint8_t next;
};

static bool plan_parts(const struct sa *sa, const struct sa_path *path, const struct offload *plan, uint32_t i,
		       struct parts *parts)
{
	uint32_t len = offload_len(plan, i);

	*parts = (struct parts){ .len = len };
	if (sa->mode == RV_TUNNEL) {
		bool v6 = path->dst.family == RV_IPV6;
		parts->place = (struct ah_place){ .family = path->dst.family, .at = v6 ? IP6_HEADER : IP4_HEADER };
		parts->next = plan->ip.family == RV_IPV6 ? IP_IPV6 : IP_IPV4;
	} else {
		if (plan->ip.fragment != IP_WHOLE || !ah_place_out(&parts->place, &plan->ip, plan->p))
			return false;
		parts->len = len - parts->place.rest;
		parts->next = plan->p[parts->place.rest > parts->place.at ? parts->place.at : parts->place.last];
	}
	parts->header = ah_len(&sa->suite, parts->place.family);
	return parts->place.at + parts->header + parts->len <= LONGEST;
}

/* Headers and payload, with room between them. */
static void put_packet(const struct sa *sa, const struct sa_path *path, const struct offload *plan, uint32_t i,
		       const struct parts *parts, uint8_t tos, uint8_t *p)
{
	const struct ah_place *place = &parts->place;
	uint8_t *behind = p + place->at + parts->header;

	if (sa->mode == RV_TUNNEL) {
		ip_put_header(p, &path->src, &path->dst, IP_AH, tos, TTL, parts->header + parts->len);
		if (plan->n > 1)
			offload_segment(plan, i, behind);
		else
			memcpy(behind, plan->p, parts->len);
		return;
	}
	if (plan->n > 1) {
		offload_segment(plan, i, p + parts->header);
		memmove(p, p + parts->header, place->at);
	} else {
		memcpy(p, plan->p, place->at);
		memcpy(behind, plan->p + place->rest, parts->len);
	}
	p[place->last] = IP_AH;
	ip_put16(p + (place->family == RV_IPV6 ? 4 : 2),
		 place->at + parts->header + parts->len - (place->family == RV_IPV6 ? IP6_HEADER : 0));
}

/* The system chooses an identification where there is none, and the ICV covers it. */
static void finish4(uint8_t *p, uint32_t len, uint64_t seq)
{
	if (!ip_u16(p + V4_ID))
		ip_put16(p + V4_ID, (uint32_t)(seq % UINT16_MAX) + 1);
	ip_put16(p + V4_SUM, 0);
	ip_put16(p + V4_SUM, ip_fold(ip_sum(0, p, len)));
}

static void put_ah(const struct sa *sa, const struct parts *parts, uint64_t seq, uint8_t *ah)
{
	memset(ah, 0, parts->header);
	ah[0] = parts->next;
	ah[1] = (uint8_t)(parts->header / 4 - 2);
	ip_put32(ah + 4, sa->key);
	ip_put32(ah + 8, (uint32_t)seq);
}

void ah_seal(struct lane *lane, struct sa *sa, const struct sa_path *path, const struct offload *plan, uint32_t i,
	     uint8_t tos, bool df)
{
	struct out_state *out = &lane->out;
	struct parts parts;

	if (!plan_parts(sa, path, plan, i, &parts)) {
		sa_drop(sa, plan->ip.fragment != IP_WHOLE ? RV_DROP_FRAGMENT : RV_DROP_MALFORMED);
		return;
	}
	uint32_t iv_len = sa->suite.iv_len, at = parts.place.at, covered = at + AH_HEADER;
	uint32_t len = parts.place.at + parts.header + parts.len;
	uint32_t room = aligned(at) + aligned(len + sa->suite.icv_len + ESN_HIGH);
	out_room(lane, sa, room, 0);
	uint64_t seq = sa_may(sa, out->n_ops, out->bytes, parts.len) ? sa_next_sequence(sa) : 0;
	if (!seq) {
		sa_drop(sa, RV_DROP_SEQUENCE_END);
		return;
	}
	uint8_t *headers = out->arena + out->at, *p = headers + aligned(at);
	put_packet(sa, path, plan, i, &parts, tos, p);
	if (parts.place.family == RV_IPV4 && sa->mode == RV_TUNNEL && df)
		ip_put16(p + V4_FLAGS, IP4_DF);
	if (parts.place.family == RV_IPV4)
		finish4(p, at, seq);
	put_ah(sa, &parts, seq, p + at);
	memcpy(headers, p, at);
	struct rv_cryptor_op *op = &out->ops[out->n_ops];
	*op = (struct rv_cryptor_op){ .aad = p,
				      .aad_len = (uint16_t)covered,
				      .use_esn = sa->esn,
				      .esn = (uint32_t)(seq >> 32),
				      .src = p + covered + iv_len,
				      .dst = p + covered,
				      .len = len - covered - iv_len };
	if (!ah_mute(p, at) || !out_iv(lane, sa, seq, op->iv)) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return;
	}
	out->n_ops++;
	out->bytes += parts.len;
	out->trains[out->n_trains++] = (struct rv_packet){ .buf = p,
							   .data = p,
							   .cap = len,
							   .len = len,
							   .local = path->src,
							   .remote = path->dst,
							   .tos = tos,
							   .owner = (void *)(uintptr_t)path };
	out->train_sa = NULL;
	out->at += room;
}

void ah_finish(const struct out_state *out)
{
	for (uint32_t i = 0; i < out->n_ops; i++) {
		const struct rv_cryptor_op *op = &out->ops[i];
		uint8_t *text = op->dst + out->sa->suite.iv_len, *p = op->dst - op->aad_len;
		uint32_t at = op->aad_len - (uint32_t)AH_HEADER;
		memcpy(p, p - aligned(at), at);
		memcpy(text, text + op->len, out->sa->suite.icv_len);
	}
}

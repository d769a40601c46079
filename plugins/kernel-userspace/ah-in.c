// SPDX-License-Identifier: LGPL-2.1-or-later
/* ah-in: packets that come with AH (RFC 4302, 3.4), whole from their outer header on.
 *
 * The ICV is moved behind the payload, where the cryptor looks for it. What it covers of the headers in front of AH
 * stands in the lane until the run is opened, and then changes places with them, so that all of it is in one piece. The
 * text begins at the field of the ICV, which is zero then.
 */
#include "ah.h"

#include "boundary.h"

#include <string.h>

enum { V4_SUM = 10 };

static void take(struct lane *lane, const struct rv_packet *packet)
{
	struct in_state *in = &lane->in;
	uint8_t *p = packet->data;
	uint32_t len = packet->len;
	struct ah_place place;
	int cause = ah_place_in(&place, p, &len);
	uint8_t *ah = p + place.at;

	if (!cause && len - place.at < AH_HEADER)
		cause = RV_DROP_MALFORMED;
	if (cause) {
		lane_drop(lane, (enum rv_drop)cause);
		return;
	}
	struct sa *sa = table_get(&lane->db->in, ip_u32(ah + 4));
	if (!sa || sa->protocol != RV_PROTO_AH) {
		lane_drop(lane, RV_DROP_NO_SA);
		return;
	}
	const struct rv_suite *suite = &sa->suite;
	uint32_t header = ah_len(suite, place.family), covered = place.at + AH_HEADER;
	bool room = packet->data + len + suite->icv_len + ESN_HIGH <= packet->buf + packet->cap;
	if ((ah[1] + 2u) * 4 != header || place.at + header > len || covered > AH_COVERED || !room) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return;
	}
	if (in->sa != sa || in->n_ops == RV_BURST)
		in_open_run(lane);
	in->sa = sa;
	uint8_t *muted = in->covered[in->n_ops];
	memcpy(muted, p, place.at);
	if (!ah_mute(muted, place.at)) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return;
	}
	in->meta[in->n_ops] = (struct in_meta){ .packet = packet,
						.low = ip_u32(ah + 8),
						.at = (uint16_t)place.at,
						.last = (uint16_t)place.last,
						.headers = muted };
	in->ops[in->n_ops++] = (struct rv_cryptor_op){ .aad = p,
						       .aad_len = (uint16_t)covered,
						       .src = ah + AH_HEADER,
						       .dst = ah + AH_HEADER + suite->iv_len,
						       .len = len - covered - suite->iv_len };
}

void ah_begin(struct in_state *in)
{
	size_t icv_len = in->sa->suite.icv_len;

	uint8_t headers[AH_COVERED];

	for (uint32_t i = 0; i < in->n_ops; i++) {
		const struct rv_cryptor_op *op = &in->ops[i];
		const struct in_meta *meta = &in->meta[i];
		memcpy(headers, meta->packet->data, meta->at);
		memcpy(meta->packet->data, meta->headers, meta->at);
		memcpy(meta->headers, headers, meta->at);
		memcpy(op->dst + op->len, op->dst, icv_len);
		memset(op->dst, 0, icv_len);
	}
}

void lane_ah(struct lane *lane, struct rv_packet *const *packets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		take(lane, packets[i]);
	in_open_run(lane);
	lane->in.sa = NULL;
	in_flush(lane);
}

/* The packet as it was before AH came into it (RFC 4302, 3.1.1): its headers move up to the payload. */
static void out_of_transport(struct lane *lane, struct sa *sa, uint8_t *payload, uint32_t payload_len,
			     const struct in_meta *meta)
{
	uint8_t *p = payload - meta->at, next = meta->packet->data[meta->at];
	uint32_t len = meta->at + payload_len;
	struct ip_info info;

	memcpy(p, meta->headers, meta->at);
	p[meta->last] = next;
	if (p[0] >> 4 == RV_IPV4) {
		ip_put16(p + 2, len);
		ip_put16(p + V4_SUM, 0);
		ip_put16(p + V4_SUM, ip_fold(ip_sum(0, p, meta->at)));
	} else {
		ip_put16(p + 4, len - IP6_HEADER);
	}
	if (!ip_parse(&info, p, len) || info.fragment != IP_WHOLE) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return;
	}
	if (!boundary_match(sa, &info, p)) {
		sa_drop(sa, RV_DROP_SELECTOR);
		return;
	}
	in_emit(lane, sa->iface, p, &info, p + info.len);
}

uint32_t ah_deliver(struct lane *lane, struct sa *sa, const struct rv_cryptor_op *op, const struct in_meta *meta)
{
	const struct rv_packet *packet = meta->packet;
	uint32_t rest = ah_rest(&sa->suite, op->aad[0] >> 4), len = op->len - rest;

	if (sa->mode == RV_TUNNEL)
		(void)in_out_of_tunnel(lane, sa, op->dst + rest, len, packet->data[meta->at], packet->tos,
				       packet->buf + packet->cap);
	else
		out_of_transport(lane, sa, op->dst + rest, len, meta);
	return len;
}

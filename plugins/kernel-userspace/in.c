// SPDX-License-Identifier: LGPL-2.1-or-later
/* in: inbound processing (RFC 4303, 3.4; RFC 4301, 5.2): SPI, window, integrity, padding, selectors, clear side.
 *
 * Nothing behind the ICV is looked at before it was checked. Every drop is counted: by the SA that the SPI names, else
 * for the kernel as a whole.
 */
#include "ah.h"
#include "boundary.h"
#include "capture.h"
#include "extend.h"
#include "resync.h"

#include <string.h>

enum { TRAILER = 2, TTL = 64 };

static const uint64_t move_again_us = 1000000, unknown_again_us = 100000;

/* Keeps the packets of the run that may be new, with their whole sequence numbers. */
static void drop_replays(struct in_state *in)
{
	struct sa *sa = in->sa;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < in->n_ops; i++) {
		uint32_t low = in->meta[i].low;
		uint64_t seq = replay_guess(&sa->in.replay, low, sa->esn);
		if ((!seq && sa->in.replay.window) || replay_seen(&sa->in.replay, seq)) {
			sa_drop(sa, RV_DROP_REPLAY);
			continue;
		}
		if (kept != i) {
			in->ops[kept] = in->ops[i];
			in->meta[kept] = in->meta[i];
		}
		in->ops[kept].use_esn = sa->esn;
		in->ops[kept].esn = (uint32_t)(seq >> 32);
		in->meta[kept++].seq = seq;
	}
	in->n_ops = kept;
}

/* Marks what is authentic; a number that came twice in one burst, or to two workers at once, is seen here. */
static void mark(struct in_state *in)
{
	struct sa *sa = in->sa;
	uint32_t failed = 0;

	for (uint32_t i = 0; i < in->n_ops; i++) {
		struct rv_cryptor_op *op = &in->ops[i];
		if (!op->ok) {
			sa_drop(sa, RV_DROP_INTEGRITY);
			failed++;
			continue;
		}
		enum replay_verdict verdict = replay_accept(&sa->in.replay, in->meta[i].seq);
		in->meta[i].newest = verdict == REPLAY_NEWEST;
		op->ok = verdict != REPLAY_OLD;
		if (!op->ok)
			sa_drop(sa, RV_DROP_REPLAY);
	}
	resync_count(sa, in->n_ops - failed, failed);
}

/* RFC 7296, 2.23: an authentic packet that came in UDP from elsewhere tells where the peer is now. */
static void watch_peer(struct lane *lane, struct sa *sa, const struct rv_packet *packet)
{
	const struct sa_path *path = atomic_load_explicit(&sa->path, memory_order_acquire);

	if (!path->encap || !packet->encap || rv_addr_same(&path->src, &packet->remote))
		return;
	const struct note note = { .type = NOTE_MAPPING, .id = sa->key, .addr = packet->remote };
	uint64_t last = atomic_load_explicit(&sa->in.moved_us, memory_order_relaxed);
	if (last && lane->now_us - last < move_again_us)
		return;
	atomic_store_explicit(&sa->in.moved_us, lane->now_us ? lane->now_us : 1, memory_order_relaxed);
	(void)note_put(&lane->db->notes, &note);
}

/* Length of the payload in a text of len octets, next filled; negative when the padding is not what RFC 4303, 2.4
 * says. */
static int32_t strip_trailer(const uint8_t *text, uint32_t len, uint8_t *next)
{
	uint32_t pad = len >= TRAILER ? text[len - 2] : 0;

	if (len < TRAILER || pad > len - TRAILER)
		return -1;
	for (uint32_t i = 0; i < pad; i++)
		if (text[len - TRAILER - pad + i] != i + 1)
			return -1;
	*next = text[len - 1];
	return (int32_t)(len - TRAILER - pad);
}

/* RFC 4301, 5.2, 4: the selectors of the SA; those of the packet before, nearly always. */
static bool fits(struct lane *lane, struct sa *sa, const struct ip_info *info, const uint8_t *p)
{
	struct flow *flow = &lane->in.flow;

	if (flow->sa == sa && flow_same(flow, info))
		return true;
	if (!sa_match(sa, info))
		return boundary_match(sa, info, p);
	flow_keep(flow, info, sa);
	return true;
}

/* limit: until there what is behind p may be overwritten. */
bool in_out_of_tunnel(struct lane *lane, struct sa *sa, uint8_t *p, uint32_t len, uint8_t next, uint8_t tos,
		      const uint8_t *limit)
{
	struct ip_info info;
	uint8_t family = next == IP_IPV4 ? RV_IPV4 : next == IP_IPV6 ? RV_IPV6 : 0;
	bool good = ip_parse(&info, p, len) && info.family == family;
	enum rv_drop wrong = RV_N_DROPS;

	if (!good)
		wrong = RV_DROP_MALFORMED;
	else if (info.fragment == IP_WHOLE ? !fits(lane, sa, &info, p)
					   : !fragment_match_in(&lane->in_fragments, sa, &info, p, lane->now_us))
		wrong = info.fragment == IP_LATER ? RV_DROP_FRAGMENT : RV_DROP_SELECTOR;
	else if (!boundary_tos_in(sa, &info, p, tos))
		wrong = RV_DROP_ECN;
	if (wrong != RV_N_DROPS) {
		sa_drop(sa, wrong);
		return false;
	}
	/* how long texts of an extension may be is for its outbound SA to say */
	if (!sa->terms.keep_mss && !sa->ext && boundary_is_syn(&info, p))
		boundary_clamp(&info, p, lane_mtu(lane, sa));
	in_emit(lane, sa->iface, p, &info, limit);
	return true;
}

/* The header that stood in front of ESP is gone with the socket that received it; it is written anew from the
 * addresses. RFC 3948, 3.1.2: a NAT on the path broke the checksum that covers them. */
static bool out_of_transport(struct lane *lane, struct sa *sa, const uint8_t *p, uint32_t len, uint8_t next,
			     const struct rv_packet *outer)
{
	struct ip_info info;
	size_t base = outer->remote.family == RV_IPV6 ? IP6_HEADER : IP4_HEADER;
	uint8_t *packet = len + base <= UINT16_MAX ? in_scratch(lane, (uint32_t)base + len) : NULL;

	if (!packet) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return false;
	}
	ip_put_header(packet, &outer->remote, &outer->local, next, outer->tos, TTL, len);
	memcpy(packet + base, p, len);
	if (!ip_parse(&info, packet, base + len) || info.fragment != IP_WHOLE) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return false;
	}
	if (!sa_match(sa, &info)) {
		sa_drop(sa, RV_DROP_SELECTOR);
		return false;
	}
	if (!sa->terms.keep_mss && boundary_is_syn(&info, packet))
		boundary_clamp(&info, packet, lane_mtu(lane, sa));
	if (outer->encap)
		ip_fix_upper(&info, packet + info.upper, info.len - info.upper);
	in_emit(lane, sa->iface, packet, &info, packet + info.len);
	return true;
}

bool in_emit_text(struct lane *lane, struct sa *sa, const struct rv_esp_text *text)
{
	const struct rv_packet *outer = text->origin;
	bool stays = text->stays && outer;
	uint8_t *p = text->p;

	if (sa->mode != RV_TUNNEL && outer)
		return out_of_transport(lane, sa, p, text->len, text->next, outer);
	if (sa->mode == RV_TUNNEL && !stays)
		p = in_scratch(lane, text->len);
	if (!p || sa->mode != RV_TUNNEL) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return false;
	}
	if (!stays)
		memcpy(p, text->p, text->len);
	return in_out_of_tunnel(lane, sa, p, text->len, text->next, text->tos,
				stays ? outer->buf + outer->cap : p + text->len);
}

static void deliver_extended(struct lane *lane, struct sa *sa, uint8_t *p, uint32_t len, uint8_t next,
			     const struct in_meta *meta)
{
	const struct rv_packet *outer = meta->packet;
	struct rv_esp_text text = { .p = p,
				    .len = len,
				    .next = next,
				    .tos = outer->tos,
				    .stays = true,
				    .family = outer->remote.family,
				    .encap = outer->encap,
				    .seq = meta->seq,
				    .front = meta->front,
				    .origin = outer };

	extend_add(lane, sa, &text);
}

/* How many octets of payload the packet had. */
static uint32_t deliver(struct lane *lane, struct sa *sa, const struct rv_cryptor_op *op, const struct in_meta *meta)
{
	const struct rv_packet *outer = meta->packet;
	uint8_t next = 0;

	if (sa->protocol == RV_PROTO_AH)
		return ah_deliver(lane, sa, op, meta);
	int32_t len = strip_trailer(op->dst, op->len, &next);

	if (len < 0) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return 0;
	}
	if (next == IP_NONE) /* RFC 4303, 2.6: a dummy packet */
		return 0;
	if (sa->ext)
		deliver_extended(lane, sa, op->dst, (uint32_t)len, next, meta);
	else if (sa->mode == RV_TUNNEL)
		(void)in_out_of_tunnel(lane, sa, op->dst, (uint32_t)len, next, outer->tos, outer->buf + outer->cap);
	else
		(void)out_of_transport(lane, sa, op->dst, (uint32_t)len, next, outer);
	return (uint32_t)len;
}

/* A burst is larger than the nearest cache: what is looked at next of the packet behind is fetched meanwhile. */
static void fetch(const struct in_state *in, uint32_t i)
{
	if (i >= in->n_ops)
		return;
	__builtin_prefetch(in->ops[i].dst);
	__builtin_prefetch(in->ops[i].dst + in->ops[i].len - 1);
}

void in_open_run(struct lane *lane)
{
	struct in_state *in = &lane->in;
	struct sa *sa = in->sa;
	uint64_t packets = 0, bytes = 0;

	if (!sa) /* no run is open */
		return;
	drop_replays(in);
	if (!in->n_ops)
		return;
	const struct rv_packet *watched = NULL; /* segments of one train came from one place */
	uint8_t *kept = resync_keep(lane);
	void *context = context_get(&lane->contexts, sa);
	struct capture *capture = capture_of(&lane->db->capture, sa);
	if (capture)
		capture_wire(capture, sa, in->ops, in->n_ops);
	if (sa->protocol == RV_PROTO_AH)
		ah_begin(in);
	if (!context || rv_cryptor_open(&sa->suite, context, in->ops, in->n_ops)) {
		for (uint32_t i = 0; i < in->n_ops; i++)
			sa_drop(sa, RV_DROP_IO);
		in->n_ops = 0;
		return;
	}
	if (kept)
		resync_try(lane, kept);
	mark(in);
	if (capture)
		capture_texts(capture, sa, in->ops, in->n_ops);
	for (uint32_t i = 0; i < in->n_ops; i++) {
		const struct rv_cryptor_op *op = &in->ops[i];
		fetch(in, i + 2);
		if (!op->ok)
			continue;
		if (!sa_may(sa, packets, bytes, op->len)) {
			sa_drop(sa, RV_DROP_SEQUENCE_END);
			continue;
		}
		packets++;
		if (in->meta[i].newest && (!watched || in->meta[i].packet != watched)) {
			watched = in->meta[i].packet;
			watch_peer(lane, sa, watched);
		}
		bytes += deliver(lane, sa, op, &in->meta[i]);
	}
	in->n_ops = 0;
	extend_run(lane);
	if (packets)
		lane_tell(lane, sa, sa_count(sa, packets, bytes, lane->now_us));
}

/* Ten times a second the loop hears of a packet that no SA is there for, if it can be one of a lost SA (RFC 4303, 2.1:
 * smaller SPIs are reserved). */
static void tell_unknown(struct lane *lane, const struct rv_packet *packet, uint32_t spi)
{
	const struct note note = {
		.type = NOTE_UNKNOWN, .id = spi, .addr = packet->remote, .here = packet->local, .encap = packet->encap
	};

	if (spi < 256 || (lane->unknown_us && lane->now_us - lane->unknown_us < unknown_again_us))
		return;
	lane->unknown_us = lane->now_us ? lane->now_us : 1;
	(void)note_put(&lane->db->notes, &note);
}

/* RFC 4303, 3.4.2: the SPI names the SA. */
static void take_segment(struct lane *lane, const struct rv_packet *packet, uint8_t *esp, uint32_t len)
{
	struct in_state *in = &lane->in;
	struct rv_bytes front = { 0 };
	bool other = packet->protocol && !packet->encap; /* a wrapper has no SPI in front */
	struct sa *sa = NULL;

	if (len >= ESP_HEADER && !other) /* of the SA of the one before, nearly always */
		sa = in->sa && in->sa->key == ip_u32(esp) ? in->sa : table_get(&lane->db->in, ip_u32(esp));
	if (!sa)
		sa = extend_unwrap(lane, packet, &esp, &len, &front);
	if (!sa || sa->protocol != RV_PROTO_ESP) {
		lane_drop(lane, len >= ESP_HEADER ? RV_DROP_NO_SA : RV_DROP_MALFORMED);
		if (len >= ESP_HEADER)
			tell_unknown(lane, packet, ip_u32(esp));
		return;
	}
	const struct rv_suite *suite = &sa->suite;
	uint32_t overhead = (uint32_t)ESP_HEADER + suite->iv_len + suite->icv_len;
	if (len < overhead + TRAILER || (suite->block_len > 1 && (len - overhead) % suite->block_len)) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return;
	}
	if (in->sa != sa || in->n_ops == RV_BURST)
		in_open_run(lane);
	in->sa = sa;
	in->meta[in->n_ops] = (struct in_meta){ .packet = packet, .low = ip_u32(esp + 4), .front = front };
	struct rv_cryptor_op *op = &in->ops[in->n_ops++]; /* ESN follows with the number, the rest is the cryptor's */
	op->aad = esp;
	op->aad_len = ESP_HEADER;
	op->src = esp + ESP_HEADER;
	op->dst = esp + ESP_HEADER + suite->iv_len;
	op->len = len - overhead;
}

void lane_wire(struct lane *lane, struct rv_packet *const *packets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rv_packet *packet = packets[i];
		uint32_t seg = packet->seg_len ? packet->seg_len : packet->len;
		for (uint32_t at = 0; at < packet->len; at += seg) {
			if (at + 2 * seg < packet->len) /* whose header is looked at soon */
				__builtin_prefetch(packet->data + at + 2 * seg);
			take_segment(lane, packet, packet->data + at, packet->len - at < seg ? packet->len - at : seg);
		}
	}
	in_open_run(lane);
	lane->in.sa = NULL;
	in_flush(lane);
}

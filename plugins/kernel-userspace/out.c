// SPDX-License-Identifier: LGPL-2.1-or-later
/* out: from a clear packet to ESP on the wire side.
 *
 * Text of single packets is sealed from the clear side's buffer into the arena; segments of trains are written into the
 * arena and sealed in place. Sealed packets of one SA and one size lie one behind the other and leave as a train.
 * Nothing leaves the arena unless the whole of it was sealed.
 */
#include "out.h"

#include "ah.h"
#include "boundary.h"
#include "capture.h"
#include "extend.h"
#include "icmp.h"
#include "trap.h"

#include <string.h>
#include <sys/random.h>

enum { TRAILER = 2, ICMP_BURST = 32 };

static const uint64_t icmp_window_us = 100000;

/* One text to be sealed: a whole packet, or segment i of a plan. */
struct text {
	const struct offload *plan;
	uint8_t *packet;
	const struct rv_esp_text *made; /* by an extension; then there is no plan and no packet */
	uint32_t i, len;		/* len: of the text */
	uint32_t skip;			/* header in front of the text that is left out (transport mode) */
	uint32_t fill;			/* octets behind the text that hide its length (RFC 4303, 2.7) */
	uint8_t next, tos;
	bool df;
};

/* RFC 4303, 2.4: the text ends on a boundary of 4 octets, or of the cipher's block. */
static uint32_t alignment(const struct sa *sa)
{
	return sa->suite.block_len > 4 ? sa->suite.block_len : 4;
}

static uint32_t padded(const struct sa *sa, uint32_t len)
{
	uint32_t align = alignment(sa); /* a power of two */

	return (len + TRAILER + align - 1) & ~(align - 1);
}

uint32_t esp_sealed_len(const struct sa *sa, uint32_t len)
{
	return ESP_HEADER + sa->suite.iv_len + padded(sa, len) + sa->suite.icv_len;
}

static uint32_t base_len(const struct sa_path *path)
{
	return path->dst.family == RV_IPV6 ? IP6_HEADER : IP4_HEADER;
}

uint32_t esp_room(const struct sa *sa, const struct sa_path *path, uint32_t outer)
{
	uint32_t around = base_len(path) + (path->encap ? UDP_HEADER : 0) + extend_front_len(sa, path) + ESP_HEADER +
			  sa->suite.iv_len + sa->suite.icv_len;
	uint32_t room = outer > around ? outer - around : 0;

	room &= ~(alignment(sa) - 1);
	return room < TRAILER ? 0 : room - TRAILER;
}

uint32_t esp_clear_mtu(const struct sa *sa, const struct sa_path *path, uint32_t mtu)
{
	uint32_t room = esp_room(sa, path, mtu);

	if (sa->ext && sa->ext->ops->mtu)
		room = sa->ext->ops->mtu(sa->ext->state, room);
	if (!room || room == UINT32_MAX)
		return room;
	return room + (sa->mode == RV_TRANSPORT ? base_len(path) : 0);
}

uint32_t out_clear_mtu(const struct sa *sa, const struct sa_path *path, uint32_t mtu)
{
	if (sa->protocol == RV_PROTO_ESP)
		return esp_clear_mtu(sa, path, mtu);
	uint32_t outer = sa->mode == RV_TRANSPORT ? 0 : path->dst.family == RV_IPV6 ? IP6_HEADER : IP4_HEADER;
	outer += ah_len(&sa->suite, path->dst.family);
	return mtu > outer ? mtu - outer : 0;
}

/* Throws away what was not sent: when a provider fails, nothing half sealed may leave. */
static void discard(struct lane *lane)
{
	struct out_state *out = &lane->out;

	for (uint32_t i = 0; i < out->n_trains; i++)
		lane_drop(lane, RV_DROP_IO);
	out->n_trains = out->n_ops = out->at = 0;
	out->bytes = 0;
	out->sa = out->train_sa = NULL;
}

static void seal_run(struct lane *lane)
{
	struct out_state *out = &lane->out;
	struct sa *sa = out->sa;

	if (!out->n_ops)
		return;
	void *context = context_get(&lane->contexts, sa);
	struct capture *capture = capture_of(&lane->db->capture, sa);
	if (capture)
		capture_texts(capture, sa, out->ops, out->n_ops);
	if (!context || rv_cryptor_seal(&sa->suite, context, out->ops, out->n_ops)) {
		sa_drop(sa, RV_DROP_IO);
		discard(lane);
		return;
	}
	if (sa->protocol == RV_PROTO_AH)
		ah_finish(out);
	if (capture)
		capture_wire(capture, sa, out->ops, out->n_ops);
	lane_tell(lane, sa, sa_count(sa, out->n_ops, out->bytes, lane->now_us));
	out->n_ops = 0;
	out->bytes = 0;
}

static enum wire wire_of(const struct rv_packet *train)
{
	return (enum wire)((const struct sa_path *)train->owner)->wire;
}

static void send_trains(struct lane *lane)
{
	struct out_state *out = &lane->out;
	struct rv_packet *list[RV_BURST];

	for (uint32_t i = 0, n; i < out->n_trains; i += n) {
		enum wire wire = wire_of(&out->trains[i]);
		struct rv_port *port = lane->wire[wire];
		for (n = 0; i + n < out->n_trains && wire_of(&out->trains[i + n]) == wire; n++)
			list[n] = &out->trains[i + n];
		int sent = port ? port->ops->send(port, list, n) : 0;
		for (uint32_t lost = (uint32_t)(sent > 0 ? sent : 0); lost < n; lost++)
			lane_drop(lane, RV_DROP_IO);
	}
	out->n_trains = out->at = 0;
	out->train_sa = NULL;
}

static void send_sealed(struct lane *lane)
{
	seal_run(lane);
	send_trains(lane);
	lane->out.sa = NULL;
}

void out_flush(struct lane *lane)
{
	extend_run(lane);
	send_sealed(lane);
}

/* Of IP, where it is not ESP's. */
static uint8_t protocol_of(const struct sa *sa, const struct sa_path *path)
{
	return sa->ext && sa->ext->ops->wrapper && !path->encap ? sa->ext->ops->wrapper->protocol : 0;
}

/* Joins the open train, or begins one. len is that of the sealed packet that starts at out->at. */
static void extend_train(struct lane *lane, struct sa *sa, const struct sa_path *path, const struct text *t,
			 uint32_t len)
{
	struct out_state *out = &lane->out;
	struct rv_packet *last = out->n_trains ? &out->trains[out->n_trains - 1] : NULL;
	struct rv_port *port = lane->wire[path->wire];

	if (last && out->train_sa == sa && last->owner == path && last->tos == t->tos && last->df == t->df &&
	    len <= last->seg_len && last->len + len <= TRAIN_OCTETS && last->len < TRAIN_MAX * last->seg_len) {
		last->len += len;
		if (len < last->seg_len)
			out->train_sa = NULL;
		return;
	}
	out->trains[out->n_trains++] = (struct rv_packet){ .buf = out->arena + out->at,
							   .data = out->arena + out->at,
							   .cap = len,
							   .len = len,
							   .seg_len = len,
							   .local = path->src,
							   .remote = path->dst,
							   .encap = path->encap,
							   .protocol = protocol_of(sa, path),
							   .tos = t->tos,
							   .df = t->df,
							   .owner = (void *)(uintptr_t)path };
	out->train_sa = port && port->takes_trains ? sa : NULL;
}

/* The arena also takes the header that a transport mode segment is written with. */
void out_room(struct lane *lane, struct sa *sa, uint32_t len, uint32_t extra)
{
	struct out_state *out = &lane->out;

	if (out->sa != sa || out->n_ops == RV_BURST)
		seal_run(lane);
	if (out->n_trains == RV_BURST || out->at + len + extra > ARENA)
		send_sealed(lane);
	out->sa = sa;
}

static bool random_octets(struct lane *lane, uint8_t *p, uint32_t len)
{
	if (lane->random_left < len) {
		if (getrandom(lane->random, sizeof(lane->random), 0) != sizeof(lane->random))
			return false;
		lane->random_left = sizeof(lane->random);
	}
	lane->random_left -= len;
	memcpy(p, lane->random + lane->random_left, len);
	rv_wipe(lane->random + lane->random_left, len);
	return true;
}

/* RFC 4106, 3.1; RFC 4543, 3.1; RFC 7634, 2; RFC 3686, 2.1: an IV that must only never repeat is the sequence number.
 * RFC 3602, 3: that of a block cipher must not be foreseen. RFC 8750, 4: an implicit one is not sent. */
bool out_iv(struct lane *lane, const struct sa *sa, uint64_t seq, uint8_t *iv)
{
	uint32_t len = sa->suite.iv_len;

	if (sa->suite.iv != RV_IV_UNIQUE)
		return sa->suite.iv == RV_IV_IMPLICIT || random_octets(lane, iv, len);
	if (len < 8)
		return false;
	if (len > 8)
		memset(iv, 0, len - 8);
	ip_put32(iv + len - 8, (uint32_t)(seq >> 32));
	ip_put32(iv + len - 4, (uint32_t)seq);
	return true;
}

/* Padding 1, 2, 3 ..., its length, next header (RFC 4303, 2.4 to 2.6). */
static void put_trailer(uint8_t *p, uint32_t pad, uint8_t next)
{
	for (uint32_t i = 0; i < pad; i++)
		p[i] = (uint8_t)(i + 1);
	p[pad] = (uint8_t)pad;
	p[pad + 1] = next;
}

static uint8_t *place_segment(const struct sa *sa, const struct text *t, uint8_t *dst)
{
	uint8_t *text = dst + sa->suite.iv_len;

	offload_segment(t->plan, t->i, text);
	if (t->skip)
		memmove(text, text + t->skip, t->len);
	return text;
}

/* Where the text is, with its trailer behind it; dst: where the sealed packet's IV will be. */
static const uint8_t *place_text(const struct sa *sa, const struct text *t, uint8_t *dst)
{
	uint32_t len = t->len + t->fill, pad = padded(sa, len) - TRAILER - len;
	uint8_t *text = t->made ? t->made->p : t->packet + t->skip;

	if (!t->made && t->plan->n > 1)
		text = place_segment(sa, t, dst);
	else if (t->fill || (t->made && !t->made->stays))
		text = memcpy(dst + sa->suite.iv_len, text, t->len);
	if (t->fill)
		memset(text + t->len, 0, t->fill);
	put_trailer(text + len, pad, t->next);
	return text;
}

static bool seal(struct lane *lane, struct sa *sa, const struct sa_path *path, const struct text *t)
{
	struct out_state *out = &lane->out;
	uint32_t front = t->made && sa->ext ? 2 * RV_ESP_FRONT_MAX : 0; /* at most */
	uint32_t len = esp_sealed_len(sa, t->len + t->fill);

	out_room(lane, sa, len + front, t->skip);
	struct rv_cryptor_op *op = &out->ops[out->n_ops];
	uint64_t seq = sa_may(sa, out->n_ops, out->bytes, t->len) ? sa_next_sequence(sa) : 0;
	if (!seq || !out_iv(lane, sa, seq, op->iv)) {
		sa_drop(sa, seq ? RV_DROP_IO : RV_DROP_SEQUENCE_END);
		return false;
	}
	front = t->made && sa->ext ? extend_front(sa, path, out->arena + out->at, t->made) : 0;
	uint8_t *esp = out->arena + out->at + front;
	ip_put32(esp, sa->key);
	ip_put32(esp + 4, (uint32_t)seq);
	op->aad = esp;
	op->aad_len = ESP_HEADER;
	op->use_esn = sa->esn;
	op->esn = (uint32_t)(seq >> 32);
	op->dst = esp + ESP_HEADER;
	op->src = place_text(sa, t, op->dst);
	op->len = padded(sa, t->len + t->fill);
	out->n_ops++;
	out->bytes += t->len;
	extend_train(lane, sa, path, t, front + len);
	out->at += front + len;
	return true;
}

bool out_emit(struct lane *lane, struct sa *sa, const struct sa_path *path, const struct rv_esp_text *text)
{
	struct text t = { .made = text, .len = text->len, .next = text->next, .tos = text->tos };

	t.df = sa->terms.copy_df == RV_DF_SET;
	if (text->len <= UINT16_MAX)
		return seal(lane, sa, path, &t);
	sa_drop(sa, RV_DROP_MALFORMED);
	return false;
}

/* A text for the SA's extension: where it is, or as a segment in the scratch arena. */
static void gather(struct lane *lane, struct sa *sa, const struct text *t)
{
	struct rv_esp_text text = {
		.p = t->packet + t->skip, .len = t->len, .next = t->next, .tos = t->tos, .stays = true
	};

	if (t->plan->n > 1) {
		uint8_t *p = in_scratch(lane, t->skip + t->len + RV_TAILROOM);
		if (!p) {
			sa_drop(sa, RV_DROP_MALFORMED);
			return;
		}
		offload_segment(t->plan, t->i, p);
		text.p = p + t->skip;
	}
	extend_add(lane, sa, &text);
}

/* The newest SA of the reqid that the packet fits. */
static struct sa *pick(const struct bundle *bundle, const struct ip_info *info, const uint8_t *p)
{
	struct sa *sa = atomic_load_explicit(&bundle->first, memory_order_acquire);

	for (; sa; sa = atomic_load_explicit(&sa->out.older, memory_order_acquire))
		if (!atomic_load_explicit(&sa->ended, memory_order_relaxed) && boundary_match(sa, info, p))
			return sa;
	return NULL;
}

/* True when the packet is too big for the path and its sender was told, or should have been (RFC 4301, 8.2.1). */
static bool too_big(struct lane *lane, struct iface *iface, struct sa *sa, uint32_t mtu, const struct offload *plan)
{
	uint8_t *answer;

	if (!plan->ip.df || offload_len(plan, 0) <= mtu)
		return false;
	sa_drop(sa, RV_DROP_TOO_BIG);
	if (lane->now_us - lane->icmp_us > icmp_window_us) {
		lane->icmp_us = lane->now_us;
		lane->n_icmp = 0;
	}
	if (lane->n_icmp++ >= ICMP_BURST)
		return true;
	answer = in_scratch(lane, ICMP_ROOM);
	size_t len = answer ? icmp_too_big(&plan->ip, plan->p, mtu, answer) : 0;
	struct ip_info info;
	if (len && ip_parse(&info, answer, len))
		in_emit(lane, iface, answer, &info, answer + len);
	return true;
}

/* Tunnel mode takes the whole packet, transport mode what is behind the base header; extension headers that belong in
 * front of ESP (RFC 4303, 3.1.1) and fragments (RFC 4303, 3.3.4) cannot be carried there. */
static bool frame(const struct sa *sa, const struct offload *plan, struct text *t)
{
	const struct ip_info *ip = &plan->ip;

	if (sa->mode == RV_TUNNEL) {
		t->next = ip->family == RV_IPV4 ? IP_IPV4 : IP_IPV6;
		return true;
	}
	t->skip = ip->base_len;
	t->next = ip->base_next;
	bool in_front = ip->family == RV_IPV6 && (t->next == IP_HOPOPTS || t->next == IP_ROUTING);
	return ip->fragment == IP_WHOLE && !in_front;
}

/* RFC 4301, 8.2.1, case 2: the SA must carry later fragments, which show no ports, for a packet to be cut before. */
static void cut(const struct sa *sa, uint32_t mtu, struct offload *plan)
{
	if (sa->terms.fragment_first && sa->mode == RV_TUNNEL && fragment_allowed(sa, &plan->ip))
		(void)offload_fragments(plan, mtu);
}

/* RFC 4303, 2.7: what hides the length of a text; the header of a tunnel's packet says where the packet ends. */
static uint32_t fill(const struct sa *sa, uint32_t mtu, uint32_t len)
{
	uint32_t want = sa->terms.tfc < mtu ? sa->terms.tfc : mtu;

	if (sa->mode != RV_TUNNEL || sa->protocol != RV_PROTO_ESP || sa->ext || mtu == UINT32_MAX)
		return 0;
	return len < want ? want - len : 0;
}

static void protect(struct lane *lane, struct iface *iface, struct sa *sa, struct rv_packet *packet,
		    const struct ip_info *info)
{
	const struct sa_path *path = atomic_load_explicit(&sa->path, memory_order_acquire);
	struct offload plan;
	struct text t = { .plan = &plan, .packet = packet->data, .tos = boundary_tos_out(sa, info->tos) };
	t.df = boundary_df_out(sa, info);
	uint32_t mtu = lane_mtu(lane, sa);

	bool esp = sa->protocol == RV_PROTO_ESP;

	if (!offload_plan(&plan, info, packet->data, packet->vnet) || (esp && !frame(sa, &plan, &t))) {
		sa_drop(sa, RV_DROP_MALFORMED);
		return;
	}
	if (plan.n == 1 && !sa->terms.keep_mss && boundary_is_syn(info, packet->data))
		boundary_clamp(info, packet->data, mtu);
	if (too_big(lane, iface, sa, mtu, &plan))
		return;
	cut(sa, mtu, &plan);
	for (; !esp && t.i < plan.n; t.i++)
		ah_seal(lane, sa, path, &plan, t.i, t.tos, t.df);
	for (; esp && t.i < plan.n; t.i++) {
		t.len = offload_len(&plan, t.i) - t.skip;
		t.fill = sa->terms.tfc ? fill(sa, mtu, t.len) : 0;
		if (sa->ext)
			gather(lane, sa, &t);
		else
			(void)seal(lane, sa, path, &t);
	}
}

/* An ICMP error that no policy is for goes with the traffic that it is about (RFC 4301, 6.2). */
static struct policy *find(const struct lane *lane, const struct iface *iface, const uint8_t *p,
			   const struct ip_info *info)
{
	struct policy *policy = spd_find(&lane->db->spd, info, iface->key);
	struct ip_info cause;

	if (policy || !icmp_cause(info, p, &cause))
		return policy;
	policy = spd_find(&lane->db->spd, &cause, iface->key);
	/* no SA is made for it */
	return policy && policy->bundle && atomic_load(&policy->bundle->first) ? policy : NULL;
}

/* A fragment shows by which ports it goes, or its first one did (RFC 4301, 7.3). False: it was dropped. */
static bool look_up_fragment(struct lane *lane, const struct iface *iface, struct ip_info *info, const uint8_t *p)
{
	if (info->fragment == IP_FIRST)
		fragments_first(&lane->out_fragments, info, p, iface->key, lane->now_us);
	else if (!fragments_later(&lane->out_fragments, info, p, iface->key, lane->now_us)) {
		lane_drop(lane, RV_DROP_FRAGMENT);
		return false;
	}
	return true;
}

/* The SA that a packet goes by. NULL: there is none, and it waits or was dropped. */
static struct sa *choose(struct lane *lane, struct iface *iface, const struct rv_packet *packet,
			 const struct ip_info *info)
{
	struct flow *flow = &lane->out.flow;
	struct sa *sa = flow->iface == iface ? flow->sa : NULL;

	/* most packets of a burst are of one flow, and nothing that was found goes away within the burst */
	if (sa && flow_same(flow, info) && !atomic_load_explicit(&sa->ended, memory_order_relaxed))
		return sa;
	struct policy *policy = find(lane, iface, packet->data, info);
	if (!policy || !policy->bundle) {
		/* what the SPD passes has no business on a tunnel's device */
		lane_drop(lane, policy ? RV_DROP_POLICY : RV_DROP_NO_POLICY);
		return NULL;
	}
	sa = pick(policy->bundle, info, packet->data);
	/* an ICMP error that goes with its cause says nothing of the next one */
	flow_keep(flow, info, sa && sa_match(sa, info) ? sa : NULL);
	flow->iface = iface;
	if (sa)
		return sa;
	if (policy->trap)
		trap_hold(lane, policy, iface, packet, info);
	else
		lane_drop(lane, RV_DROP_NO_SA);
	return NULL;
}

/* RFC 4303, 3.3.4: "transport mode ESP is applied only to whole IP datagrams"; who sends the result cuts that. */
static void put_together(struct lane *lane, struct iface *iface, const struct rv_packet *packet, struct ip_info *info)
{
	struct rv_packet whole;
	unsigned lost;
	enum reassembled r =
		reassembly_add(&lane->reassembly, info, packet->data, iface->key, lane->now_us, &whole, &lost);

	for (lost += r == REASSEMBLY_BAD; lost; lost--)
		lane_drop(lane, RV_DROP_FRAGMENT);
	if (r != REASSEMBLY_DONE)
		return;
	if (!ip_parse(info, whole.data, whole.len)) {
		lane_drop(lane, RV_DROP_MALFORMED);
		return;
	}
	info->df = false; /* its sender cut it already */
	struct sa *sa = choose(lane, iface, &whole, info);
	if (sa)
		protect(lane, iface, sa, &whole, info);
	out_flush(lane); /* what is in its buffer is needed no more */
}

void out_packet(struct lane *lane, struct iface *iface, struct rv_packet *packet)
{
	struct ip_info info;

	if (!ip_parse(&info, packet->data, packet->len)) {
		lane_drop(lane, RV_DROP_MALFORMED);
		return;
	}
	bool whole = info.fragment == IP_WHOLE;
	if (!whole && !look_up_fragment(lane, iface, &info, packet->data))
		return;
	struct sa *sa = choose(lane, iface, packet, &info);
	if (!sa)
		return;
	if (whole || (sa->mode == RV_TUNNEL && (info.fragment == IP_FIRST || fragment_allowed(sa, &info))))
		protect(lane, iface, sa, packet, &info);
	else if (sa->mode == RV_TUNNEL)
		sa_drop(sa, RV_DROP_FRAGMENT);
	else
		put_together(lane, iface, packet, &info);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-esp-in: what comes from the wire, raw and sealed with the SA's own key, so that the octets behind the ICV are
 * reached. The first octet says how, the second where a train is cut; the rest is the packet or its text.
 *
 * With AH the packet is whole, and the octets behind its ICV are reached in the same way.
 *
 * The cipher is a toy that costs nothing. What reaches the clear side must be a whole packet that the selectors allow.
 */
#include "test-fuzz.h"

#include "ah.h"

enum { SEALED = 1, TRANSPORT = 2, OUTER6 = 4, ESN = 8, RAW = 16, WIDE = 32, WITH_AH = 64, NUMBER = 1 };

/* Every packet that comes out of the tunnel passes here. */
static int clear_send(struct rv_port *port, struct rv_packet *const *packets, size_t n)
{
	const struct world *w = rv_container_of(port, struct world, clear);

	for (size_t i = 0; i < n; i++) {
		struct ip_info info;
		uint8_t *copy = malloc(packets[i]->len);
		check(copy);
		memcpy(copy, packets[i]->data, packets[i]->len);
		check(ip_parse(&info, copy, packets[i]->len) && info.len == packets[i]->len);
		check(rv_ts_match(&w->remote, info.family, info.src, info.proto, info.src_port, info.ports_known));
		free(copy);
	}
	return (int)n;
}

static const struct rv_port_ops clear_ops = {
	.size = sizeof(clear_ops),
	.recv = no_packet,
	.send = clear_send,
	.close = no_close,
};

static struct rv_addr outer(uint8_t how, uint8_t last)
{
	struct rv_addr addr = { .family = RV_IPV4, .port = 4500, .ip = { 192, 0, 2, last } };

	if (how & OUTER6)
		addr = (struct rv_addr){ .family = RV_IPV6, .port = 4500, .ip = { 0x20, 1, 0xd, 0xb8, [15] = last } };
	return addr;
}

static void add_sa(struct world *w, uint8_t how)
{
	static const uint8_t key[TOY_KEY];
	bool v6 = how & OUTER6, ah = how & WITH_AH;
	struct rv_ts any = { .family = v6 ? RV_IPV6 : RV_IPV4, .port_hi = 0xffff };
	struct rv_call call;

	memset(any.hi, 0xff, v6 ? 16 : 4);
	w->remote = any;
	if (!(how & WIDE)) { /* the half of all addresses, and of all ports */
		w->remote.hi[0] = 0x7f;
		w->remote.port_hi = 0x7fff;
	}
	if (how & TRANSPORT)
		w->remote = any;
	struct rv_sa_spec spec = { .dir = RV_IN,
				   .mode = how & TRANSPORT ? RV_TRANSPORT : RV_TUNNEL,
				   .protocol = ah ? RV_PROTO_AH : RV_PROTO_ESP,
				   .encap = !ah && !(how & RAW),
				   .esn = how & ESN,
				   .spi = SPI,
				   .src = outer(how, 1),
				   .dst = outer(how, 2),
				   .encr_key = rv_bytes(key, ah ? 0 : sizeof(key)),
				   .integ_key = rv_bytes(key, ah ? sizeof(key) : 0),
				   .replay_window = 64,
				   .local_ts = &any,
				   .remote_ts = &w->remote,
				   .n_local_ts = 1,
				   .n_remote_ts = 1,
				   .chosen = { .protocol = RV_PROTO_ESP, .n = 1, .t = { { RV_CLASS_ENCR, TOY, 0 } } } };
	if (ah)
		spec.chosen = (struct rv_proposal){ .protocol = RV_PROTO_AH,
						    .n = 1,
						    .t = { { RV_CLASS_INTEG, TOY_CLEAR, 0 } } };
	check(!w->ops->sa_add(w->self, &spec, &call));
}

static void seal_op(const struct sa *sa, struct rv_cryptor_op *op)
{
	uint8_t context[256];

	check(sa->suite.ctx_size <= sizeof(context));
	check(!rv_cryptor_init(&sa->suite, context, sa_encr_key(sa), sa_integ_key(sa), true));
	check(!rv_cryptor_seal(&sa->suite, context, op, 1));
	rv_cryptor_fini(&sa->suite, context);
}

static uint32_t seal(const struct sa *sa, uint8_t *esp, const uint8_t *text, uint32_t len, uint32_t seq)
{
	struct rv_cryptor_op op = {
		.aad = esp, .aad_len = 8, .use_esn = sa->esn, .src = text, .dst = esp + 8, .len = len
	};

	ip_put32(esp, SPI);
	ip_put32(esp + 4, seq);
	seal_op(sa, &op);
	return 8 + 8 + len + TOY_ICV;
}

/* Makes the packet of len octets one of the SA, where there is AH in it; sealed: with the ICV that it must have. There
 * is room for an ICV and a number behind. */
static void put_ah(const struct sa *sa, uint8_t *p, uint32_t len, bool sealed)
{
	uint32_t whole = len, header = ah_len(&sa->suite, p[0] >> 4);
	uint8_t muted[AH_COVERED], *text;
	struct ah_place place;

	if (ah_place_in(&place, p, &whole) || whole - place.at < AH_HEADER)
		return;
	ip_put32(p + place.at + 4, SPI);
	uint32_t covered = place.at + AH_HEADER;
	if (!sealed || place.at + header > whole || covered > sizeof(muted))
		return;
	p[place.at + 1] = (uint8_t)(header / 4 - 2);
	ip_put32(p + place.at + 8, NUMBER);
	text = p + covered + sa->suite.iv_len;
	memset(text, 0, TOY_ICV);
	memcpy(muted, p, covered);
	if (!ah_mute(muted, place.at))
		return;
	struct rv_cryptor_op op = { .aad = muted,
				    .aad_len = (uint16_t)covered,
				    .use_esn = sa->esn,
				    .src = text,
				    .dst = p + covered,
				    .len = whole - covered - sa->suite.iv_len };
	uint8_t behind[TOY_ICV + ESN_HIGH];
	memcpy(behind, p + whole, sizeof(behind));
	seal_op(sa, &op);
	memcpy(text, text + op.len, TOY_ICV);
	memcpy(p + whole, behind, sizeof(behind));
}

/* One packet, or the same number of octets as a train. */
static void feed(struct userspace *u, uint8_t how, uint8_t cut, const uint8_t *data, uint32_t size)
{
	uint32_t cap = RV_HEADROOM + size + 64 + RV_TAILROOM;
	uint8_t *buf = calloc(1, cap);
	struct rv_packet packet = {
		.buf = buf, .data = buf + RV_HEADROOM, .cap = cap, .encap = !(how & RAW), .tos = cut & 3
	};
	struct rv_packet *list[] = { &packet };

	check(buf);
	packet.remote = outer(how, 1);
	packet.local = outer(how, 2);
	if (how & WITH_AH) {
		memcpy(packet.data, data, size);
		packet.len = size;
		if (size)
			put_ah(table_get(&u->db.in, SPI), packet.data, size, how & SEALED);
	} else if (how & SEALED) {
		packet.len = seal(table_get(&u->db.in, SPI), packet.data, data, size, NUMBER);
	} else {
		memcpy(packet.data, data, size);
		packet.len = size;
		packet.seg_len = cut > 8 && cut < size ? cut : 0;
		if (size >= 4)
			ip_put32(packet.data, SPI);
	}
	/* nothing behind the last octet may be looked at */
	uint32_t behind = how & WITH_AH ? RV_TAILROOM : 0; /* which it may write to */
	packet.buf = realloc(buf, RV_HEADROOM + packet.len + behind);
	check(packet.buf);
	packet.cap = RV_HEADROOM + packet.len + behind;
	packet.data = packet.buf + RV_HEADROOM;
	(how & WITH_AH ? lane_ah : lane_wire)(&u->workers[0].lane, list, 1);
	free(packet.buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .clear_ops = &clear_ops };

	if (size < 2 || size > OCTETS)
		return 0;
	struct userspace *u = world_init(&w);
	add_sa(&w, data[0]);
	feed(u, data[0], data[1], data + 2, (uint32_t)size - 2);
	talloc_free(u->host);
	talloc_free(w.core);
	return 0;
}

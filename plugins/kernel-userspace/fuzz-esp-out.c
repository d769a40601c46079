// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-esp-out: what comes from the clear side, with the header that says how it is to be segmented. The first octet
 * says how the SA is, the next ten are struct virtio_net_hdr; the rest is the packet, or
 * several, each behind two octets of length.
 *
 * What leaves on the wire is opened again: it must be authentic, numbered upwards, padded as RFC 4303, 2.4 says, and in
 * tunnel mode hold a whole packet that the selectors allow.
 */
#include "test-fuzz.h"

enum { TRANSPORT = 2, OUTER6 = 4, ESN = 8, RAW = 16, WIDE = 32, SEVERAL = 64, ALSO = 128, VNET = 10, REQID = 7 };

struct checked {
	struct world w;
	uint8_t how;
	uint32_t number;
};

/* The only thing that comes back to the clear side is an ICMP error. */
static int clear_send(struct rv_port *port, struct rv_packet *const *packets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ip_info info;
		check(ip_parse(&info, packets[i]->data, packets[i]->len));
		check(info.proto == IP_ICMP || info.proto == IP_ICMPV6);
	}
	return (int)n;
}

static const struct rv_port_ops clear_ops = {
	.size = sizeof(clear_ops),
	.recv = no_packet,
	.send = clear_send,
	.close = no_close,
};

static void check_text(const struct checked *c, const uint8_t *text, uint32_t len)
{
	struct ip_info info;
	uint32_t pad = text[len - 2], next = text[len - 1];

	check(len >= 2 && pad <= len - 2);
	len -= 2 + pad;
	for (uint32_t i = 0; i < pad; i++)
		check(text[len + i] == i + 1);
	if (c->how & TRANSPORT)
		return;
	check(next == IP_IPV4 || next == IP_IPV6);
	uint8_t *copy = malloc(len);
	check(copy || !len);
	memcpy(copy, text, len);
	check(ip_parse(&info, copy, len) && info.len == len);
	bool later = info.fragment == IP_LATER && c->how & ALSO; /* its first one was judged */
	check(later || rv_ts_match(&c->w.remote, info.family, info.dst, info.proto, info.dst_port, info.ports_known));
	free(copy);
}

static void check_segment(struct checked *c, const uint8_t *esp, uint32_t len)
{
	uint8_t icv[TOY_ICV], *text = malloc(len);
	struct rv_aead_op op = { .aad = esp, .aad_len = 8 };
	uint8_t with_high[12] = { 0 };

	check(text && len >= 8 + 8 + 2 + TOY_ICV && len % 4 == 0);
	check(ip_u32(esp) == SPI && ip_u32(esp + 4) == ++c->number);
	if (c->how & ESN) {
		memcpy(with_high, esp, 4);
		memcpy(with_high + 8, esp + 4, 4);
		op.aad = with_high;
		op.aad_len = sizeof(with_high);
	}
	op.len = len - 16 - TOY_ICV;
	toy_icv(&op, esp + 16, icv);
	check(!memcmp(icv, esp + len - TOY_ICV, TOY_ICV));
	for (uint32_t i = 0; i < op.len; i++)
		text[i] = esp[16 + i] ^ 0x5a;
	check_text(c, text, op.len);
	free(text);
}

static int wire_send(struct rv_port *port, struct rv_packet *const *packets, size_t n)
{
	struct world *w = rv_container_of(port, struct world, wire);
	struct checked *c = rv_container_of(w, struct checked, w);

	for (size_t i = 0; i < n; i++) {
		const struct rv_packet *p = packets[i];
		uint32_t seg = p->seg_len ? p->seg_len : p->len;
		check(p->len && p->len <= 65507 && p->encap == !(c->how & RAW));
		for (uint32_t at = 0; at < p->len; at += seg)
			check_segment(c, p->data + at, p->len - at < seg ? p->len - at : seg);
	}
	return (int)n;
}

static const struct rv_port_ops wire_ops = {
	.size = sizeof(wire_ops),
	.recv = no_packet,
	.send = wire_send,
	.close = no_close,
};

static struct rv_addr outer(uint8_t how, uint8_t last)
{
	struct rv_addr addr = { .family = RV_IPV4, .port = 4500, .ip = { 192, 0, 2, last } };

	if (how & OUTER6)
		addr = (struct rv_addr){ .family = RV_IPV6, .port = 4500, .ip = { 0x20, 1, 0xd, 0xb8, [15] = last } };
	return addr;
}

/* An SA for packets of the family that the input has, and the policy that leads to it. */
static void add(struct world *w, uint8_t how, bool v6)
{
	static const uint8_t key[TOY_KEY];
	struct rv_ts any = { .family = v6 ? RV_IPV6 : RV_IPV4, .port_hi = 0xffff };
	struct rv_call call;

	memset(any.hi, 0xff, v6 ? 16 : 4);
	w->remote = any;
	if (!(how & WIDE)) {
		w->remote.hi[0] = 0x7f;
		w->remote.port_hi = 0x7fff;
	}
	struct rv_sa_spec spec = { .dir = RV_OUT,
				   .mode = how & TRANSPORT ? RV_TRANSPORT : RV_TUNNEL,
				   .protocol = RV_PROTO_ESP,
				   .encap = !(how & RAW),
				   .esn = how & ESN,
				   .spi = SPI,
				   .reqid = REQID,
				   .src = outer(how, 1),
				   .dst = outer(how, 2),
				   .encr_key = rv_bytes(key, sizeof(key)),
				   .fragments_also = how & ALSO,
				   .local_ts = &any,
				   .remote_ts = &w->remote,
				   .n_local_ts = 1,
				   .n_remote_ts = 1,
				   .chosen = { .protocol = RV_PROTO_ESP, .n = 1, .t = { { RV_CLASS_ENCR, TOY, 0 } } } };
	struct rv_policy_spec policy = { .action = spec.mode, .reqid = REQID, .local_ts = any, .remote_ts = w->remote };
	check(!w->ops->policy_add(w->self, &policy, &call));
	check(!w->ops->sa_add(w->self, &spec, &call));
}

static void feed(struct userspace *u, const uint8_t *vnet, const uint8_t *data, uint32_t len)
{
	uint32_t cap = RV_HEADROOM + len + RV_TAILROOM;
	uint8_t *buf = calloc(1, cap);
	struct rv_packet packet = { .buf = buf, .data = buf + RV_HEADROOM, .cap = cap, .len = len };
	struct rv_packet *list[] = { &packet };

	check(buf);
	memcpy(packet.vnet, vnet, VNET);
	memcpy(packet.data, data, len);
	lane_clear(&u->workers[0].lane, table_get(&u->db.ifaces, 0), list, 1);
	free(buf);
}

static void feed_all(struct userspace *u, uint8_t how, const uint8_t *vnet, const uint8_t *data, uint32_t size)
{
	static const uint8_t none[VNET];

	if (!(how & SEVERAL)) {
		feed(u, vnet, data, size);
		return;
	}
	while (size > 2) {
		uint32_t len = ip_u16(data) < size - 2 ? ip_u16(data) : size - 2;
		feed(u, none, data + 2, len);
		data += 2 + len;
		size -= 2 + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct checked c = { .w = { .clear_ops = &clear_ops } };

	if (size < 4 + VNET || size > OCTETS)
		return 0;
	c.how = data[0];
	struct userspace *u = world_init(&c.w);
	c.w.wire = (struct rv_port){ .ops = &wire_ops, .fd = -1, .takes_trains = true, .mtu = 1500 };
	u->workers[0].lane.wire[0] = u->workers[0].lane.wire[1] = &c.w.wire;
	add(&c.w, c.how, data[1 + VNET + (c.how & SEVERAL ? 2 : 0)] >> 4 == 6);
	feed_all(u, c.how, data + 1, data + 1 + VNET, (uint32_t)size - 1 - VNET);
	talloc_free(u->host);
	talloc_free(c.w.core);
	return 0;
}

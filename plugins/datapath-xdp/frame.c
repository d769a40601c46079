// SPDX-License-Identifier: LGPL-2.1-or-later
/* frame: reading and writing of frames that carry ESP; see frame.h. */
#include "frame.h"

#include <ravelin/wire.h>
#include <string.h>

enum { TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, PROTO_UDP = 17, PROTO_ESP = 50, TTL = 64 };
enum { IP4_HEADER = 20, IP6_HEADER = 40, UDP_HEADER = 8, ESP_HEADER = 8, IP4_PARTS = 0x3fff };

/* The sum of 16-bit words in the order of this machine, not folded to the end (RFC 1071, 2 B: the order is no matter).
 * An odd last octet counts as if a zero followed. */
static uint64_t sum(uint64_t total, const uint8_t *p, size_t len)
{
	uint64_t word = 0;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		total += word;
		total += total < word;
	}
	word = 0;
	memcpy(&word, p, len);
	total += word;
	return total + (total < word);
}

static uint16_t fold(uint64_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)total;
}

/* Of the pseudo-header (RFC 768; RFC 8200, 8.1: it comes to the same). */
static uint64_t pseudo(const struct rv_addr *from, const struct rv_addr *to, uint32_t len)
{
	const uint8_t rest[] = { 0, PROTO_UDP, (uint8_t)(len >> 8), (uint8_t)len };
	size_t n = rv_family_len(from->family);

	return sum(sum(sum(0, from->ip, n), to->ip, n), rest, sizeof(rest));
}

/* The sum over header and pseudo-header of a good datagram is all ones. A sender on the same machine leaves the sum of
 * the pseudo-header alone in the field, for a card to complete: then the packet was on no wire, and so does the stack
 * of the system take it. Zero says that there is none, which IPv6 does not allow. */
static bool udp_sum_is_good(const struct frame *f, const uint8_t *udp, uint32_t len)
{
	uint64_t head = pseudo(&f->remote, &f->local, len);
	uint16_t field;

	memcpy(&field, udp + 6, sizeof(field));
	if (!field)
		return f->local.family == RV_IPV4;
	return fold(sum(head, udp, len)) == 0xffff || field == fold(head);
}

static bool read_udp(struct rv_bytes body, uint16_t port, struct frame *f)
{
	struct rv_rd r = rv_rd(body);

	f->remote.port = rv_rd_u16(&r);
	f->local.port = rv_rd_u16(&r);
	uint32_t len = rv_rd_u16(&r);
	if (f->local.port != port || !f->remote.port || len < UDP_HEADER + ESP_HEADER || len > body.len)
		return false;
	f->encap = true;
	f->esp = rv_bytes(body.p + UDP_HEADER, len - UDP_HEADER);
	return udp_sum_is_good(f, body.p, len);
}

static bool read_upper(uint8_t protocol, struct rv_bytes body, uint16_t port, struct frame *f)
{
	static const uint8_t marker[4]; /* RFC 3948, 2.2; RFC 4303, 2.1: no SPI is zero */

	if (body.len < ESP_HEADER)
		return false;
	f->esp = body;
	if (protocol != PROTO_ESP && (protocol != PROTO_UDP || !read_udp(body, port, f)))
		return false;
	return !rv_bytes_equal(rv_bytes(f->esp.p, sizeof(marker)), rv_bytes(marker, sizeof(marker)));
}

/* RFC 1122, 3.2.1.3: nobody sends from these. */
static bool is_no_source(const struct rv_addr *addr)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	if (addr->family == RV_IPV4)
		return addr->ip[0] == 0 || addr->ip[0] == 127 || addr->ip[0] >= 224;
	return addr->ip[0] == 0xff || rv_addr_is_any(addr) ||
	       rv_bytes_equal(rv_bytes(addr->ip, 16), rv_bytes(loopback6, 16));
}

static void take_address(struct rv_rd *r, uint8_t family, struct rv_addr *addr)
{
	struct rv_bytes ip = rv_rd_take(r, rv_family_len(family));

	addr->family = family;
	if (ip.len)
		memcpy(addr->ip, ip.p, ip.len);
}

static bool read_ip4(struct rv_bytes packet, uint16_t port, struct frame *f)
{
	struct rv_rd r = rv_rd(packet);
	uint8_t version = rv_rd_u8(&r);

	f->tos = rv_rd_u8(&r);
	uint16_t len = rv_rd_u16(&r);
	(void)rv_rd_u16(&r); /* identification */
	uint16_t parts = rv_rd_u16(&r);
	(void)rv_rd_u8(&r); /* time to live */
	uint8_t protocol = rv_rd_u8(&r);
	(void)rv_rd_u16(&r); /* checksum */
	take_address(&r, RV_IPV4, &f->remote);
	take_address(&r, RV_IPV4, &f->local);
	if (r.bad || version != 0x45 || len < IP4_HEADER || len > packet.len || parts & IP4_PARTS)
		return false;
	return fold(sum(0, packet.p, IP4_HEADER)) == 0xffff && !is_no_source(&f->remote) &&
	       read_upper(protocol, rv_bytes(packet.p + IP4_HEADER, len - IP4_HEADER), port, f);
}

static bool read_ip6(struct rv_bytes packet, uint16_t port, struct frame *f)
{
	struct rv_rd r = rv_rd(packet);
	uint32_t first = rv_rd_u32(&r);
	uint16_t len = rv_rd_u16(&r);
	uint8_t protocol = rv_rd_u8(&r);

	(void)rv_rd_u8(&r); /* hop limit */
	take_address(&r, RV_IPV6, &f->remote);
	take_address(&r, RV_IPV6, &f->local);
	f->tos = (uint8_t)(first >> 20);
	if (r.bad || first >> 28 != 6 || len > packet.len - IP6_HEADER || is_no_source(&f->remote))
		return false;
	return read_upper(protocol, rv_bytes(packet.p + IP6_HEADER, len), port, f);
}

bool frame_read(const uint8_t *p, size_t len, uint16_t port, struct frame *frame)
{
	struct rv_rd r = rv_rd(rv_bytes(p, len));

	*frame = (struct frame){ .tos = 0 };
	(void)rv_rd_take(&r, 2 * FRAME_MAC);
	uint16_t type = rv_rd_u16(&r);
	struct rv_bytes packet = rv_rd_rest(&r);
	if (type == TYPE_IPV4)
		return read_ip4(packet, port, frame);
	return type == TYPE_IPV6 && read_ip6(packet, port, frame);
}

size_t frame_headers(const struct frame_path *path)
{
	return FRAME_ETHERNET + (size_t)(path->local.family == RV_IPV4 ? IP4_HEADER : IP6_HEADER) +
	       (path->encap ? UDP_HEADER : 0);
}

static void put_ip4(struct rv_wr *w, const struct frame_path *path, uint8_t tos, uint16_t id, size_t len)
{
	uint8_t *start = w->p;

	rv_wr_u8(w, 0x45);
	rv_wr_u8(w, tos);
	rv_wr_u16(w, (uint16_t)(IP4_HEADER + len));
	rv_wr_u16(w, id);
	rv_wr_u16(w, 0);
	rv_wr_u8(w, TTL);
	rv_wr_u8(w, path->encap ? PROTO_UDP : PROTO_ESP);
	rv_wr_u16(w, 0);
	rv_wr_put(w, rv_bytes(path->local.ip, 4));
	rv_wr_put(w, rv_bytes(path->remote.ip, 4));
	uint16_t check = (uint16_t)~fold(sum(0, start, IP4_HEADER));
	memcpy(start + 10, &check, sizeof(check));
}

static void put_ip6(struct rv_wr *w, const struct frame_path *path, uint8_t tos, size_t len)
{
	rv_wr_u32(w, 6u << 28 | (uint32_t)tos << 20);
	rv_wr_u16(w, (uint16_t)len);
	rv_wr_u8(w, path->encap ? PROTO_UDP : PROTO_ESP);
	rv_wr_u8(w, TTL);
	rv_wr_put(w, rv_bytes(path->local.ip, 16));
	rv_wr_put(w, rv_bytes(path->remote.ip, 16));
}

/* The checksum is sent: without one, receivers do not join datagrams to trains. */
static void put_udp(struct rv_wr *w, const struct frame_path *path, struct rv_bytes esp)
{
	uint32_t len = UDP_HEADER + (uint32_t)esp.len;
	uint8_t *start = w->p;

	rv_wr_u16(w, path->local.port);
	rv_wr_u16(w, path->remote.port);
	rv_wr_u16(w, (uint16_t)len);
	rv_wr_u16(w, 0);
	rv_wr_put(w, esp);
	uint16_t check = (uint16_t)~fold(sum(pseudo(&path->local, &path->remote, len), start, len));
	check = check ? check : 0xffff; /* RFC 768: zero says that there is none */
	memcpy(start + 6, &check, sizeof(check));
}

size_t frame_write(uint8_t *out, const struct frame_path *path, uint8_t tos, uint16_t id, struct rv_bytes esp)
{
	bool v4 = path->local.family == RV_IPV4;
	size_t len = esp.len + (path->encap ? UDP_HEADER : 0);
	struct rv_wr w = rv_wr(out, frame_headers(path) + esp.len);

	rv_wr_put(&w, rv_bytes(path->to, FRAME_MAC));
	rv_wr_put(&w, rv_bytes(path->from, FRAME_MAC));
	rv_wr_u16(&w, v4 ? TYPE_IPV4 : TYPE_IPV6);
	if (v4)
		put_ip4(&w, path, tos, id, len);
	else
		put_ip6(&w, path, tos, len);
	if (path->encap)
		put_udp(&w, path, esp);
	else
		rv_wr_put(&w, esp);
	return rv_wr_len(&w);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* port: raw sockets of AH behind one epoll descriptor. IPv4 gives packets with their header; the headers of IPv6 are
 * put together again from what the system tells of them. Fragments have been put together by the system.
 */
#include "wire-ah.h"

#include <errno.h>
#include <netinet/in.h>
#include <ravelin/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BUFFER = 4 << 20, HEADERS = 320, CONTROL = 1024, HOPS = 64 };

struct ah_port {
	struct rv_port port;
	struct ah_wire *wire;
	int fds[2]; /* by family; -1: none */
	bool receives;
	uint32_t fragment_id;
	uint64_t dropped;
};

static const struct rv_socket_option inet[] = {
	{ SOL_SOCKET, SO_RCVBUFFORCE, BUFFER },
	{ IPPROTO_IP, IP_HDRINCL, 1, true },
	{ 0 },
};

static const struct rv_socket_option inet6[] = {
	{ SOL_SOCKET, SO_RCVBUFFORCE, BUFFER },
	{ IPPROTO_IPV6, IPV6_HDRINCL, 1, true },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, true },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1, true },
	{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, true },
	{ IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1, true },
	{ IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1, true },
	{ IPPROTO_IPV6, IPV6_RECVRTHDR, 1, true },
	{ 0 },
};

static const struct rv_socket_option *const options[] = { inet, inet6 };

static bool read4(struct rv_packet *packet)
{
	const uint8_t *p = packet->data;

	if (packet->len < IP4_HEADER)
		return false;
	packet->tos = p[1];
	packet->local = (struct rv_addr){ .family = RV_IPV4 };
	memcpy(packet->local.ip, p + 16, 4);
	return true;
}

/* The headers of an IPv6 packet, growing. */
struct headers {
	uint8_t p[HEADERS];
	uint32_t len, last; /* last: where the protocol of the next one is named */
	bool bad;
};

static void add_header(struct headers *h, uint8_t proto, const struct cmsghdr *c)
{
	uint32_t len = (uint32_t)(c->cmsg_len - CMSG_LEN(0));

	if (len < 8 || h->len + len > sizeof(h->p)) {
		h->bad = true;
		return;
	}
	memcpy(h->p + h->len, CMSG_DATA(c), len);
	h->p[h->last] = proto;
	h->last = h->len;
	h->len += len;
}

static void read_header(struct headers *h, const struct cmsghdr *c)
{
	if (c->cmsg_level != IPPROTO_IPV6)
		return;
	switch (c->cmsg_type) {
	case IPV6_HOPLIMIT:
		h->p[7] = (uint8_t)rv_cmsg_int(c);
		return;
	case IPV6_HOPOPTS:
		add_header(h, IPPROTO_HOPOPTS, c);
		return;
	case IPV6_RTHDR:
		add_header(h, IPPROTO_ROUTING, c);
		return;
	case IPV6_DSTOPTS:
		add_header(h, IPPROTO_DSTOPTS, c);
		return;
	default:
		return;
	}
}

/* RFC 8200, 3: the headers in the order in which they were told, which is theirs. */
static bool read6(struct rv_packet *packet, struct msghdr *msg)
{
	struct headers h = { .p = { [6] = PROTO_AH, [7] = HOPS }, .len = IP6_HEADER, .last = 6 };

	packet->local = (struct rv_addr){ .family = RV_IPV6 };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		rv_cmsg_read(c, &packet->local, &packet->tos);
		read_header(&h, c);
	}
	h.p[0] = (uint8_t)(0x60 | packet->tos >> 4);
	h.p[1] = (uint8_t)(packet->tos << 4);
	memcpy(h.p + 8, packet->remote.ip, 16);
	memcpy(h.p + 24, packet->local.ip, 16);
	uint32_t total = h.len - IP6_HEADER + packet->len;
	if (h.bad || total > UINT16_MAX)
		return false;
	h.p[h.last] = PROTO_AH;
	h.p[4] = (uint8_t)(total >> 8);
	h.p[5] = (uint8_t)total;
	packet->data -= h.len;
	packet->len += h.len;
	memcpy(packet->data, h.p, h.len);
	return true;
}

/* Octets, 0 for a packet to pass over, or -errno. */
static int recv_one(int fd, struct rv_packet *packet)
{
	struct sockaddr_storage ss;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL];
	enum { FRONT = RV_HEADROOM + HEADERS };
	struct iovec iov = { packet->buf + FRONT, packet->cap - FRONT - RV_TAILROOM };
	struct msghdr msg = { .msg_name = &ss,
			      .msg_namelen = sizeof(ss),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return -errno;
	packet->data = packet->buf + FRONT;
	packet->len = (uint32_t)n;
	packet->seg_len = 0;
	packet->encap = false;
	packet->tos = 0;
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ||
	    rv_addr_from_sockaddr(&packet->remote, &ss, msg.msg_namelen) < 0)
		return 0;
	packet->remote.port = 0;
	if (!(packet->remote.family == RV_IPV4 ? read4(packet) : read6(packet, &msg)))
		return 0;
	return (int)packet->len;
}

static int port_recv(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct ah_port *port = rv_container_of(base, struct ah_port, port);
	int count = 0;

	if (!port->receives)
		return 0;
	for (int family = 0; family < 2; family++) {
		int r = port->fds[family] < 0 ? -EAGAIN : 0;
		for (size_t tries = 0; r != -EAGAIN && tries < n; tries++) {
			if ((size_t)count == n || !rv_packet_lay(packets, (size_t)count))
				return count;
			r = recv_one(port->fds[family], packets[count]);
			count += r > 0;
		}
	}
	return count;
}

static bool send_parts(int fd, const struct rv_addr *remote, struct iovec *parts, size_t n)
{
	struct sockaddr_storage ss;
	struct rv_addr to = *remote;
	struct msghdr msg = { .msg_name = &ss, .msg_iov = parts, .msg_iovlen = n };

	to.port = 0; /* raw sockets of IPv6 refuse one */
	msg.msg_namelen = (socklen_t)rv_addr_to_sockaddr(&to, &ss);
	return sendmsg(fd, &msg, 0) >= 0;
}

static bool send_fragments(struct ah_port *port, int fd, const struct rv_packet *packet)
{
	struct fragment f;
	uint32_t at = 0, id = ++port->fragment_id, mtu = port->wire->mtu, n;
	bool ok = true;

	while ((n = fragment_make(&f, packet->data, packet->len, at, mtu, id))) {
		struct iovec parts[] = { { f.header, f.header_len }, { packet->data + (f.piece - packet->data), n } };
		ok = send_parts(fd, &packet->remote, parts, RV_COUNT(parts)) && ok;
		at += n;
	}
	return ok && at;
}

static bool send_one(struct ah_port *port, const struct rv_packet *packet)
{
	enum { V4_FLAGS = 6, V4_DF = 0x40 };
	int fd = port->fds[packet->remote.family == RV_IPV6];
	struct iovec whole = { packet->data, packet->len };
	bool df = packet->remote.family == RV_IPV4 && packet->len > V4_FLAGS && packet->data[V4_FLAGS] & V4_DF;

	if (fd < 0)
		return false;
	if (packet->len > port->wire->mtu && !df)
		return send_fragments(port, fd, packet);
	return send_parts(fd, &packet->remote, &whole, 1);
}

static int port_send(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct ah_port *port = rv_container_of(base, struct ah_port, port);
	int sent = 0;

	for (size_t i = 0; i < n; i++) {
		if (send_one(port, packets[i]))
			sent++;
		else
			port->dropped++;
	}
	return sent;
}

static void close_all(struct ah_port *port)
{
	for (int family = 0; family < 2; family++)
		if (port->fds[family] >= 0)
			close(port->fds[family]);
	if (port->port.fd >= 0)
		close(port->port.fd);
	free(port);
}

static void port_close(struct rv_port *base)
{
	struct ah_port *port = rv_container_of(base, struct ah_port, port);

	port->wire->n_ports--;
	if (port->dropped)
		rv_log(&port->wire->host->subject, RV_DEBUG, "port-closed", KV_UINT("dropped", port->dropped));
	close_all(port);
}

static const struct rv_port_ops port_ops = {
	.size = sizeof(port_ops),
	.recv = port_recv,
	.send = port_send,
	.close = port_close,
};

struct rv_port *ah_port_new(struct ah_wire *wire, bool receives, int *error)
{
	struct ah_port *port = calloc(1, sizeof(*port));

	*error = -ENOMEM;
	if (!port)
		return NULL;
	*port = (struct ah_port){ .port = { .ops = &port_ops, .fd = -1, .mtu = wire->mtu },
				  .wire = wire,
				  .fds = { -1, -1 },
				  .receives = receives };
	rv_host_random(wire->host, &port->fragment_id, sizeof(port->fragment_id));
	port->port.fd = epoll_create1(EPOLL_CLOEXEC);
	*error = port->port.fd < 0
			 ? -errno
			 : rv_socket_raw(port->fds, PROTO_AH, options, wire->mark, receives ? port->port.fd : -1);
	if (!*error) {
		wire->n_ports++;
		return &port->port;
	}
	close_all(port);
	return NULL;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* port: raw sockets of ESP behind one epoll descriptor. IPv4 gives packets with their header, IPv6 without. */
#include "wire-esp.h"

#include <errno.h>
#include <netinet/in.h>
#include <ravelin/socket.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 4 << 20, IP4_HEADER = 20, BATCH = RV_BURST, RECV_BATCH = 8 };

struct esp_port {
	struct rv_port port;
	struct esp_wire *wire;
	_Atomic uint8_t protocols[PROTOCOLS]; /* of IP; 0: none; the first is ESP */
	int fds[PROTOCOLS][2];		      /* by family; -1: none; there when the protocol is */
	bool receives, df;		      /* df: what the first socket of IPv4 does now */
	uint64_t dropped;
};

/* No DF bit, as in wire-udp: a tunnel must not become a black hole where ICMP is filtered. */
static const struct rv_socket_option inet[] = {
	{ SOL_SOCKET, SO_RCVBUFFORCE, BUFFER },
	{ IPPROTO_IP, IP_PKTINFO, 1 },
	{ IPPROTO_IP, IP_RECVTOS, 1 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
	{ 0 },
};

static const struct rv_socket_option inet6[] = {
	{ SOL_SOCKET, SO_RCVBUFFORCE, BUFFER },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT },
	{ 0 },
};

static const struct rv_socket_option *const options[] = { inet, inet6 };

/* The IPv4 header in front is the kernel's own reading and has been checked there; its length is checked again. */
static void strip_header(struct rv_packet *packet)
{
	uint32_t len = packet->len >= IP4_HEADER ? (packet->data[0] & 15u) * 4 : IP4_HEADER;

	if (len < IP4_HEADER || len > packet->len)
		len = packet->len;
	packet->data += len;
	packet->len -= len;
}

/* A message of recvmmsg() or sendmmsg() with what it points to. */
struct parcel {
	struct sockaddr_storage ss;
	_Alignas(struct cmsghdr) uint8_t control[128];
	struct iovec iov;
};

/* False for a packet to pass over. */
static bool unpack(const struct msghdr *msg, uint32_t len, struct rv_packet *packet)
{
	packet->len = len;
	packet->seg_len = 0;
	packet->encap = false;
	packet->tos = 0;
	packet->local = (struct rv_addr){ 0 };
	if (msg->msg_flags & MSG_TRUNC || rv_addr_from_sockaddr(&packet->remote, msg->msg_name, msg->msg_namelen) < 0)
		return false;
	packet->remote.port = 0;
	packet->local.family = packet->remote.family;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)msg, c))
		rv_cmsg_read(c, &packet->local, &packet->tos);
	if (packet->remote.family == RV_IPV4)
		strip_header(packet);
	return packet->len > 0;
}

/* Receives up to n messages at once, each into a room of its own, one behind the other from buf; how many. */
static int recv_some(int fd, uint8_t *buf, size_t room, unsigned n, struct parcel *parcels, struct mmsghdr *messages)
{
	for (unsigned i = 0; i < n; i++) {
		struct parcel *p = &parcels[i];
		p->iov = (struct iovec){ buf + i * room + RV_HEADROOM, room - RV_HEADROOM - RV_TAILROOM };
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &p->ss,
						       .msg_namelen = sizeof(p->ss),
						       .msg_iov = &p->iov,
						       .msg_iovlen = 1,
						       .msg_control = p->control,
						       .msg_controllen = sizeof(p->control) };
	}
	return recvmmsg(fd, messages, n, MSG_DONTWAIT, NULL);
}

/* Receives at once what there is room for, behind the count that are there. False when nothing more waits. */
static bool recv_batch(int fd, struct rv_packet *const *packets, size_t n, size_t *count)
{
	struct parcel parcels[RECV_BATCH];
	struct mmsghdr messages[RECV_BATCH];
	uint8_t *buf = packets[*count]->buf;
	size_t cap = packets[*count]->cap, rooms = cap / RV_PACKET_ROOM, asked = n - *count;

	asked = asked > rooms ? rooms : asked;
	asked = asked > RECV_BATCH ? RECV_BATCH : asked ? asked : 1;
	int got = recv_some(fd, buf, rooms ? RV_PACKET_ROOM : cap, (unsigned)asked, parcels, messages);
	for (int i = 0; i < got; i++) {
		struct rv_packet *packet = packets[*count];
		if (!rv_packet_settle(packets, *count, parcels[i].iov.iov_base, messages[i].msg_len))
			return false;
		*count += unpack(&messages[i].msg_hdr, messages[i].msg_len, packet);
	}
	return got == (int)asked;
}

/* All that waits on a socket. False: there is no more room. */
static bool recv_family(int fd, struct rv_packet *const *packets, size_t n, size_t *count)
{
	bool more = fd >= 0;

	for (size_t turns = 0; more && turns < n; turns++) {
		if (*count == n || !rv_packet_lay(packets, *count))
			return false;
		more = recv_batch(fd, packets, n, count);
	}
	return true;
}

static int port_recv(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct esp_port *port = rv_container_of(base, struct esp_port, port);
	size_t count = 0;

	for (int i = 0; port->receives && i < PROTOCOLS; i++) {
		size_t before = count;
		uint8_t protocol = atomic_load_explicit(&port->protocols[i], memory_order_acquire);
		for (int family = 0; protocol && family < 2; family++)
			if (!recv_family(port->fds[i][family], packets, n, &count))
				family = 2;
		for (; before < count; before++)
			packets[before]->protocol = i ? protocol : 0;
	}
	return (int)count;
}

/* The address and control messages that every segment of a packet has. */
static struct msghdr address(const struct rv_packet *packet, struct parcel *p)
{
	struct msghdr msg = { .msg_name = &p->ss, .msg_control = p->control };
	struct rv_addr to = packet->remote;

	memset(p->control, 0, sizeof(p->control));
	to.port = 0; /* raw sockets of IPv6 refuse one */
	msg.msg_namelen = (socklen_t)rv_addr_to_sockaddr(&to, &p->ss);
	rv_cmsg_put_origin(&msg, to.family, &packet->local, packet->tos);
	if (!msg.msg_controllen)
		msg.msg_control = NULL;
	return msg;
}

/* Sends n messages; one that the system refuses does not keep back those behind it. */
static bool send_all(int fd, struct mmsghdr *messages, unsigned n)
{
	bool ok = true;

	for (unsigned i = 0; i < n;) {
		int sent = sendmmsg(fd, messages + i, n - i, 0);
		ok = ok && sent > 0;
		i += sent > 0 ? (unsigned)sent : 1;
	}
	return ok;
}

/* The socket for a packet; negative: none. */
static int socket_for(const struct esp_port *port, const struct rv_packet *packet)
{
	int i = 0;

	while (packet->protocol && i < PROTOCOLS &&
	       atomic_load_explicit(&port->protocols[i], memory_order_acquire) != packet->protocol)
		i++;
	return i < PROTOCOLS ? port->fds[i][packet->remote.family == RV_IPV6] : -1;
}

/* PROBE: with the DF bit, whatever this host knows of the path. It is the socket's, so it is changed where packets that
 * want it and others follow each other. */
static void set_df(struct esp_port *port, int fd, bool df)
{
	static const int modes[] = { IP_PMTUDISC_DONT, IP_PMTUDISC_PROBE };

	if (fd == port->fds[0][0] && port->df != df &&
	    !setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &modes[df], sizeof(modes[df])))
		port->df = df;
}

static bool send_segments(struct esp_port *port, const struct rv_packet *packet)
{
	int fd = socket_for(port, packet);
	uint32_t seg = packet->seg_len ? packet->seg_len : packet->len;
	struct mmsghdr messages[BATCH];
	struct iovec segments[BATCH];
	struct parcel common;
	struct msghdr msg = address(packet, &common);
	unsigned n = 0;
	bool ok = fd >= 0;

	for (uint32_t at = 0; fd >= 0 && at < packet->len; at += seg) {
		segments[n] = (struct iovec){ packet->data + at, packet->len - at < seg ? packet->len - at : seg };
		messages[n].msg_hdr = msg;
		messages[n].msg_hdr.msg_iov = &segments[n];
		messages[n++].msg_hdr.msg_iovlen = 1;
		if (n < BATCH && at + seg < packet->len)
			continue;
		ok = send_all(fd, messages, n) && ok;
		n = 0;
	}
	return ok;
}

/* What the first link does not take goes in fragments all the same, so that nothing is lost unheard. */
static bool send_one(struct esp_port *port, const struct rv_packet *packet)
{
	set_df(port, socket_for(port, packet), packet->df);
	if (send_segments(port, packet))
		return true;
	if (!port->df || errno != EMSGSIZE)
		return false;
	set_df(port, port->fds[0][0], false);
	return send_segments(port, packet);
}

static int port_send(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct esp_port *port = rv_container_of(base, struct esp_port, port);
	int sent = 0;

	for (size_t i = 0; i < n; i++) {
		if (send_one(port, packets[i]))
			sent++;
		else
			port->dropped++;
	}
	return sent;
}

static void close_all(struct esp_port *port)
{
	for (int i = 0; i < 2 * PROTOCOLS; i++)
		if (port->fds[i / 2][i % 2] >= 0)
			close(port->fds[i / 2][i % 2]);
	if (port->port.fd >= 0)
		close(port->port.fd);
	free(port);
}

static void port_close(struct rv_port *base)
{
	struct esp_port *port = rv_container_of(base, struct esp_port, port);

	port->wire->n_ports--;
	for (size_t i = 0; i < RV_COUNT(port->wire->ports); i++)
		if (port->wire->ports[i] == base)
			port->wire->ports[i] = NULL;
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

/* Behind protocols[at] its sockets are there. */
static int open_both(struct esp_port *port, int at, uint8_t protocol)
{
	int r = rv_socket_raw(port->fds[at], protocol, options, port->wire->mark, port->receives ? port->port.fd : -1);

	if (!r)
		atomic_store_explicit(&port->protocols[at], protocol, memory_order_release);
	return r;
}

int esp_port_add(struct rv_port *base, uint8_t protocol)
{
	struct esp_port *port = rv_container_of(base, struct esp_port, port);

	for (int i = 0; i < PROTOCOLS; i++) {
		if (port->protocols[i] == protocol)
			return 0;
		if (!port->protocols[i])
			return open_both(port, i, protocol);
	}
	return -EMFILE;
}

struct rv_port *esp_port_new(struct esp_wire *wire, bool receives, int *error)
{
	struct esp_port *port = calloc(1, sizeof(*port));

	*error = -ENOMEM;
	if (!port)
		return NULL;
	*port = (struct esp_port){ .port = { .ops = &port_ops, .fd = -1, .mtu = wire->mtu },
				   .wire = wire,
				   .receives = receives };
	for (int i = 0; i < 2 * PROTOCOLS; i++)
		port->fds[i / 2][i % 2] = -1;
	port->port.fd = epoll_create1(EPOLL_CLOEXEC);
	*error = port->port.fd < 0 ? -errno : open_both(port, 0, PROTO_ESP);
	if (!*error) {
		wire->n_ports++;
		return &port->port;
	}
	close_all(port);
	return NULL;
}

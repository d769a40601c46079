// SPDX-License-Identifier: LGPL-2.1-or-later
/* port: raw sockets of ESP behind one epoll descriptor. IPv4 gives packets with their header, IPv6 without. */
#include "wire-esp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 4 << 20, IP4_HEADER = 20 };

struct esp_port {
	struct rv_port port;
	struct esp_wire *wire;
	int fds[2]; /* by family; -1: none */
	bool receives;
	uint64_t dropped;
};

struct option {
	int level, name, value;
};

/* No DF bit, as in wire-udp: a tunnel must not become a black hole where ICMP is filtered. */
static const struct option options[2][4] = {
	{ { SOL_SOCKET, SO_RCVBUFFORCE, BUFFER },
	  { IPPROTO_IP, IP_PKTINFO, 1 },
	  { IPPROTO_IP, IP_RECVTOS, 1 },
	  { IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT } },
	{ { SOL_SOCKET, SO_RCVBUFFORCE, BUFFER },
	  { IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
	  { IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
	  { IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT } },
};

static int open_socket(const struct esp_port *port, int family)
{
	static const int nothing = 1;
	int fd = socket(family ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, PROTO_ESP);

	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < RV_COUNT(options[family]); i++) {
		const struct option *o = &options[family][i];
		(void)setsockopt(fd, o->level, o->name, &o->value, sizeof(o->value));
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_MARK, &port->wire->mark, sizeof(port->wire->mark));
	if (!port->receives)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &nothing, sizeof(nothing));
	return fd;
}

static int cmsg_int(const struct cmsghdr *c)
{
	int value = 0;

	if (c->cmsg_len == CMSG_LEN(1))
		return *(const uint8_t *)CMSG_DATA(c);
	if (c->cmsg_len >= CMSG_LEN(sizeof(value)))
		memcpy(&value, CMSG_DATA(c), sizeof(value));
	return value;
}

static void read_cmsg(const struct cmsghdr *c, struct rv_packet *packet)
{
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(packet->local.ip, &info.ipi_addr, 4);
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(packet->local.ip, &info.ipi6_addr, 16);
		packet->local.scope = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
	} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
		   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)) {
		packet->tos = (uint8_t)cmsg_int(c);
	}
}

/* The IPv4 header in front is the kernel's own reading and has been checked there; its length is checked again. */
static void strip_header(struct rv_packet *packet)
{
	uint32_t len = packet->len >= IP4_HEADER ? (packet->data[0] & 15u) * 4 : IP4_HEADER;

	if (len < IP4_HEADER || len > packet->len)
		len = packet->len;
	packet->data += len;
	packet->len -= len;
}

/* Octets, 0 for a packet to pass over, or -errno. */
static int recv_one(int fd, struct rv_packet *packet)
{
	struct sockaddr_storage ss;
	_Alignas(struct cmsghdr) uint8_t control[256];
	struct iovec iov = { packet->buf + RV_HEADROOM, packet->cap - RV_HEADROOM - RV_TAILROOM };
	struct msghdr msg = { .msg_name = &ss,
			      .msg_namelen = sizeof(ss),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return -errno;
	packet->data = packet->buf + RV_HEADROOM;
	packet->len = (uint32_t)n;
	packet->seg_len = 0;
	packet->encap = false;
	packet->tos = 0;
	packet->local = (struct rv_addr){ 0 };
	if (msg.msg_flags & MSG_TRUNC || rv_addr_from_sockaddr(&packet->remote, &ss, msg.msg_namelen) < 0)
		return 0;
	packet->remote.port = 0;
	packet->local.family = packet->remote.family;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		read_cmsg(c, packet);
	if (packet->remote.family == RV_IPV4)
		strip_header(packet);
	return (int)packet->len;
}

static int port_recv(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct esp_port *port = rv_container_of(base, struct esp_port, port);
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

static void put_cmsg(struct msghdr *msg, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)msg->msg_control + msg->msg_controllen);

	*c = (struct cmsghdr){ .cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(len) };
	memcpy(CMSG_DATA(c), data, len);
	msg->msg_controllen += CMSG_SPACE(len);
}

static void put_source(struct msghdr *msg, const struct rv_addr *local)
{
	struct in_pktinfo v4 = { .ipi_ifindex = 0 };
	struct in6_pktinfo v6 = { .ipi6_ifindex = local->scope };

	if (rv_addr_is_any(local))
		return;
	memcpy(&v4.ipi_spec_dst, local->ip, 4);
	memcpy(&v6.ipi6_addr, local->ip, 16);
	if (local->family == RV_IPV4)
		put_cmsg(msg, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	else
		put_cmsg(msg, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
}

static bool send_octets(int fd, const struct rv_packet *packet, uint8_t *data, size_t len)
{
	struct sockaddr_storage ss;
	_Alignas(struct cmsghdr) uint8_t control[128] = { 0 };
	struct iovec iov = { data, len };
	struct msghdr msg = { .msg_name = &ss, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	struct rv_addr to = packet->remote;
	bool v6 = to.family == RV_IPV6;
	int tos = packet->tos;

	to.port = 0; /* raw sockets of IPv6 refuse one */
	msg.msg_namelen = (socklen_t)rv_addr_to_sockaddr(&to, &ss);
	put_source(&msg, &packet->local);
	if (tos)
		put_cmsg(&msg, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof(tos));
	if (!msg.msg_controllen)
		msg.msg_control = NULL;
	return sendmsg(fd, &msg, 0) >= 0;
}

static bool send_one(const struct esp_port *port, const struct rv_packet *packet)
{
	int fd = port->fds[packet->remote.family == RV_IPV6];
	uint32_t seg = packet->seg_len ? packet->seg_len : packet->len;
	bool ok = fd >= 0;

	for (uint32_t at = 0; fd >= 0 && at < packet->len; at += seg)
		ok = send_octets(fd, packet, packet->data + at, packet->len - at < seg ? packet->len - at : seg) && ok;
	return ok;
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
	for (int family = 0; family < 2; family++)
		if (port->fds[family] >= 0)
			close(port->fds[family]);
	if (port->port.fd >= 0)
		close(port->port.fd);
	free(port);
}

static void port_close(struct rv_port *base)
{
	struct esp_port *port = rv_container_of(base, struct esp_port, port);

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

/* A host without one family works with the other. */
static int open_both(struct esp_port *port)
{
	int r = -EAFNOSUPPORT;

	port->port.fd = epoll_create1(EPOLL_CLOEXEC);
	if (port->port.fd < 0)
		return -errno;
	for (int family = 0; family < 2; family++) {
		struct epoll_event event = { .events = EPOLLIN };
		int fd = open_socket(port, family);
		if (fd == -EAFNOSUPPORT)
			continue;
		if (fd < 0)
			return fd;
		port->fds[family] = fd;
		r = 0;
		if (port->receives && epoll_ctl(port->port.fd, EPOLL_CTL_ADD, fd, &event))
			return -errno;
	}
	return r;
}

struct rv_port *esp_port_new(struct esp_wire *wire, bool receives, int *error)
{
	struct esp_port *port = calloc(1, sizeof(*port));

	*error = -ENOMEM;
	if (!port)
		return NULL;
	*port = (struct esp_port){ .port = { .ops = &port_ops, .fd = -1, .mtu = wire->mtu },
				   .wire = wire,
				   .fds = { -1, -1 },
				   .receives = receives };
	*error = open_both(port);
	if (!*error) {
		wire->n_ports++;
		return &port->port;
	}
	close_all(port);
	return NULL;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* socket: opening UDP sockets, and datagrams with the addresses, traffic class and segment size that go with them. */
#include "wire-udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <ravelin/socket.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 4 << 20 };

static const struct rv_socket_option buffers[] = {
	{ SOL_SOCKET, SO_SNDBUFFORCE, BUFFER },
	{ SOL_SOCKET, SO_RCVBUFFORCE, BUFFER },
	{ 0 },
};

/* DONT: no DF bit, so that routers and this host may fragment; a keying message may be larger than any MTU, and a
 * tunnel must not become a black hole where ICMP is filtered. */
static const struct rv_socket_option inet[] = {
	{ IPPROTO_IP, IP_PKTINFO, 1, true },
	{ IPPROTO_IP, IP_RECVTOS, 1 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
	{ 0 },
};

static const struct rv_socket_option inet6[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1, true },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, true },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT },
	{ 0 },
};

/* As large as this user may have it: the FORCE options need CAP_NET_ADMIN. */
static void set_buffers(int fd)
{
	static const int size = BUFFER;
	int now = 0;
	socklen_t len = sizeof(now);

	(void)rv_socket_set(fd, buffers);
	if (!getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &now, &len) && now >= BUFFER)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static int bind_any(int fd, const struct socket_params *params, uint16_t *bound)
{
	struct sockaddr_storage ss;
	struct rv_addr addr = { .family = params->family, .port = params->port };
	socklen_t len = (socklen_t)rv_addr_to_sockaddr(&addr, &ss);

	if (bind(fd, (const struct sockaddr *)&ss, len))
		return -errno;
	len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return -errno;
	int r = rv_addr_from_sockaddr(&addr, &ss, len);
	*bound = addr.port;
	return r < 0 ? r : 0;
}

int udp_open(const struct socket_params *params, uint16_t *bound, bool *marked)
{
	int fd = rv_socket_open(params->family, SOCK_DGRAM, 0, params->family == RV_IPV6 ? inet6 : inet);

	if (fd < 0)
		return fd;
	int r = params->shared ? udp_share(fd) : 0;
	if (!r)
		r = bind_any(fd, params, bound);
	if (r) {
		close(fd);
		return r;
	}
	set_buffers(fd);
	*marked = !setsockopt(fd, SOL_SOCKET, SO_MARK, &params->mark, sizeof(params->mark));
	return fd;
}

/* A socket that is connected to nobody takes what comes from everybody. */
static void connect_to_discard(int fd, uint8_t family)
{
	struct rv_addr addr = { .family = family, .port = 9 };
	struct sockaddr_storage ss;

	if (family == RV_IPV4)
		memcpy(addr.ip, (uint8_t[]){ 127, 0, 0, 1 }, 4);
	else
		addr.ip[15] = 1;
	socklen_t len = (socklen_t)rv_addr_to_sockaddr(&addr, &ss);
	(void)connect(fd, (const struct sockaddr *)&ss, len);
}

int udp_connect(int fd, const struct rv_addr *remote, struct rv_addr *local)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct sockaddr_storage ss;
	socklen_t len = (socklen_t)rv_addr_to_sockaddr(remote, &ss);

	/* The local address that the last one had is forgotten with it. */
	if (connect(fd, &nobody, sizeof(nobody)))
		return -errno;
	if (connect(fd, (const struct sockaddr *)&ss, len)) {
		int error = errno;
		connect_to_discard(fd, remote->family);
		return -error;
	}
	len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return -errno;
	int r = rv_addr_from_sockaddr(local, &ss, len);
	return r < 0 ? r : 0;
}

int udp_share(int fd)
{
	static const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ? -errno : 0;
}

int udp_steer(int fd, unsigned n)
{
	/* A load behind the end of a datagram ends the program with 0, too. */
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), /* SPI, or non-ESP marker: 0 (RFC 3948, 2.1 and 2.2) */
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct sock_fprog program = { .len = RV_COUNT(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) ? -errno : 0;
}

int udp_gro(int fd, bool on)
{
	int value = on;

	return setsockopt(fd, IPPROTO_UDP, UDP_GRO, &value, sizeof(value)) ? -errno : 0;
}

int udp_dont_fragment(int fd)
{
	static const int mode = IP_PMTUDISC_PROBE;

	return setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof(mode)) ? -errno : 0;
}

/* What a message of recvmmsg() or sendmmsg() points to. */
struct parcel {
	struct sockaddr_storage ss;
	_Alignas(struct cmsghdr) uint8_t control[128];
};

static void unpack(struct msghdr *msg, struct udp_message *m)
{
	m->local = (struct rv_addr){ 0 };
	m->gso = 0;
	m->tos = 0;
	if (msg->msg_flags & MSG_TRUNC || rv_addr_from_sockaddr(&m->remote, msg->msg_name, msg->msg_namelen) < 0) {
		m->len = -EMSGSIZE;
		return;
	}
	m->local.family = m->remote.family;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
			m->gso = (uint16_t)rv_cmsg_int(c);
		else
			rv_cmsg_read(c, &m->local, &m->tos);
	}
}

int udp_recv(int fd, struct udp_message *messages, unsigned n)
{
	struct parcel parcels[UDP_BATCH];
	struct mmsghdr list[UDP_BATCH];

	n = n < UDP_BATCH ? n : UDP_BATCH;
	for (unsigned i = 0; i < n; i++)
		list[i].msg_hdr = (struct msghdr){ .msg_name = &parcels[i].ss,
						   .msg_namelen = sizeof(parcels[i].ss),
						   .msg_iov = messages[i].parts,
						   .msg_iovlen = 1,
						   .msg_control = parcels[i].control,
						   .msg_controllen = sizeof(parcels[i].control) };
	int got = recvmmsg(fd, list, n, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++) {
		messages[i].len = list[i].msg_len;
		unpack(&list[i].msg_hdr, &messages[i]);
	}
	return got < 0 ? -errno : got;
}

static struct msghdr pack(const struct udp_message *m, struct parcel *parcel)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)m->parts,
			      .msg_iovlen = m->n_parts,
			      .msg_control = parcel->control };

	memset(parcel->control, 0, sizeof(parcel->control));
	if (m->remote.family) {
		msg.msg_name = &parcel->ss;
		msg.msg_namelen = (socklen_t)rv_addr_to_sockaddr(&m->remote, &parcel->ss);
	}
	rv_cmsg_put_origin(&msg, m->remote.family ? m->remote.family : m->local.family, &m->local, m->tos);
	if (m->gso)
		rv_cmsg_put(&msg, IPPROTO_UDP, UDP_SEGMENT, &m->gso, sizeof(m->gso));
	if (!msg.msg_controllen)
		msg.msg_control = NULL;
	return msg;
}

int udp_send(int fd, const struct udp_message *messages, unsigned n)
{
	struct parcel parcels[UDP_BATCH];
	struct mmsghdr list[UDP_BATCH];

	n = n < UDP_BATCH ? n : UDP_BATCH;
	for (unsigned i = 0; i < n; i++)
		list[i].msg_hdr = pack(&messages[i], &parcels[i]);
	int sent = sendmmsg(fd, list, n, MSG_DONTWAIT);
	return sent < 0 ? -errno : sent;
}

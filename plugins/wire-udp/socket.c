// SPDX-License-Identifier: LGPL-2.1-or-later
/* socket: opening UDP sockets, and datagrams with the addresses, traffic class and segment size that go with them. */
#include "wire-udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 4 << 20 };

struct option {
	int level, name, value;
	bool must;
};

static const struct option common[] = {
	{ SOL_SOCKET, SO_SNDBUFFORCE, BUFFER },
	{ SOL_SOCKET, SO_RCVBUFFORCE, BUFFER },
};

/* DONT: no DF bit, so that routers and this host may fragment; a keying message may be larger than any MTU, and a
 * tunnel must not become a black hole where ICMP is filtered. */
static const struct option inet[] = {
	{ IPPROTO_IP, IP_PKTINFO, 1, true },
	{ IPPROTO_IP, IP_RECVTOS, 1 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
};

static const struct option inet6[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1, true },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, true },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT },
};

static int set(int fd, const struct option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct option *o = &options[i];
		if (setsockopt(fd, o->level, o->name, &o->value, sizeof(o->value)) && o->must)
			return -errno;
	}
	return 0;
}

/* As large as this user may have it: the FORCE options need CAP_NET_ADMIN. */
static void set_buffers(int fd)
{
	static const int size = BUFFER;
	int now = 0;
	socklen_t len = sizeof(now);

	(void)set(fd, common, RV_COUNT(common));
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
	bool v6 = params->family == RV_IPV6;
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	int r = v6 ? set(fd, inet6, RV_COUNT(inet6)) : set(fd, inet, RV_COUNT(inet));
	if (!r && params->shared)
		r = udp_share(fd);
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

/* The value of an int control message; some kernels give one octet for IP_TOS. */
static int cmsg_int(const struct cmsghdr *c)
{
	int value = 0;

	if (c->cmsg_len == CMSG_LEN(1))
		return *(const uint8_t *)CMSG_DATA(c);
	if (c->cmsg_len >= CMSG_LEN(sizeof(value)))
		memcpy(&value, CMSG_DATA(c), sizeof(value));
	return value;
}

static void read_cmsg(const struct cmsghdr *c, struct envelope *e)
{
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(e->local.ip, &info.ipi_addr, 4);
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(e->local.ip, &info.ipi6_addr, 16);
		e->local.scope = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
	} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
		   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)) {
		e->tos = (uint8_t)cmsg_int(c);
	} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
		e->gso = (uint16_t)cmsg_int(c);
	}
}

ssize_t udp_recv(int fd, void *buf, size_t cap, struct envelope *envelope)
{
	struct sockaddr_storage ss;
	_Alignas(struct cmsghdr) uint8_t control[256];
	struct iovec iov = { .iov_base = buf, .iov_len = cap };
	struct msghdr msg = { .msg_name = &ss,
			      .msg_namelen = sizeof(ss),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return -errno;
	*envelope = (struct envelope){ .gso = 0 };
	if (msg.msg_flags & MSG_TRUNC || rv_addr_from_sockaddr(&envelope->remote, &ss, msg.msg_namelen) < 0)
		return -EMSGSIZE;
	envelope->local.family = envelope->remote.family;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		read_cmsg(c, envelope);
	return n;
}

/* One control message at the end of what msg has. */
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
	if (local->family == RV_IPV4) {
		memcpy(&v4.ipi_spec_dst, local->ip, 4);
		put_cmsg(msg, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
		return;
	}
	memcpy(&v6.ipi6_addr, local->ip, 16);
	put_cmsg(msg, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
}

ssize_t udp_send(int fd, const struct iovec *parts, size_t n_parts, const struct envelope *envelope)
{
	struct sockaddr_storage ss;
	_Alignas(struct cmsghdr) uint8_t control[256] = { 0 };
	struct iovec iov[2];
	struct msghdr msg = { .msg_name = &ss, .msg_iov = iov, .msg_iovlen = n_parts, .msg_control = control };
	int tos = envelope->tos;

	if (n_parts > RV_COUNT(iov))
		return -EINVAL;
	memcpy(iov, parts, n_parts * sizeof(*parts));
	msg.msg_namelen = (socklen_t)rv_addr_to_sockaddr(&envelope->remote, &ss);
	put_source(&msg, &envelope->local);
	if (tos && envelope->remote.family == RV_IPV4)
		put_cmsg(&msg, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	else if (tos)
		put_cmsg(&msg, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	if (envelope->gso)
		put_cmsg(&msg, IPPROTO_UDP, UDP_SEGMENT, &envelope->gso, sizeof(envelope->gso));
	if (!msg.msg_controllen)
		msg.msg_control = NULL;

	ssize_t n = sendmsg(fd, &msg, 0);
	return n < 0 ? -errno : n;
}

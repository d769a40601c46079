// SPDX-License-Identifier: LGPL-2.1-or-later
/* socket: opening sockets of the wire side, and their control messages (RFC 3542 for IPv6, ip(7) for IPv4). */
#include <ravelin/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int rv_socket_set(int fd, const struct rv_socket_option *options)
{
	for (const struct rv_socket_option *o = options; o->name; o++)
		if (setsockopt(fd, o->level, o->name, &o->value, sizeof(o->value)) && o->must)
			return -errno;
	return 0;
}

int rv_socket_open(uint8_t family, int type, int protocol, const struct rv_socket_option *options)
{
	int fd = socket(family == RV_IPV6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return -errno;
	int r = rv_socket_set(fd, options);
	if (!r)
		return fd;
	close(fd);
	return r;
}

/* Without CAP_NET_ADMIN there is no mark. A socket of which nobody reads holds no more than the system's least. */
static int prepare(int fd, uint32_t mark, int poll)
{
	static const int least = 1;
	struct epoll_event event = { .events = EPOLLIN };

	(void)setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	if (poll >= 0)
		return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	return 0;
}

int rv_socket_raw(int fds[2], uint8_t protocol, const struct rv_socket_option *const options[2], uint32_t mark,
		  int poll)
{
	int r = 0;

	fds[0] = fds[1] = -1;
	for (int family = 0; !r && family < 2; family++) {
		int fd = rv_socket_open(family ? RV_IPV6 : RV_IPV4, SOCK_RAW, protocol, options[family]);
		if (fd == -EAFNOSUPPORT)
			continue;
		fds[family] = fd < 0 ? -1 : fd;
		r = fd < 0 ? fd : prepare(fd, mark, poll);
	}
	if (!r && (fds[0] >= 0 || fds[1] >= 0))
		return 0;
	for (int family = 0; family < 2; family++) {
		if (fds[family] >= 0)
			close(fds[family]);
		fds[family] = -1;
	}
	return r ? r : -EAFNOSUPPORT;
}

int rv_cmsg_int(const struct cmsghdr *c)
{
	int value = 0;

	if (c->cmsg_len == CMSG_LEN(1))
		return *(const uint8_t *)CMSG_DATA(c);
	if (c->cmsg_len >= CMSG_LEN(sizeof(value)))
		memcpy(&value, CMSG_DATA(c), sizeof(value));
	return value;
}

void rv_cmsg_read(const struct cmsghdr *c, struct rv_addr *local, uint8_t *tos)
{
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(local->ip, &info.ipi_addr, 4);
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(local->ip, &info.ipi6_addr, 16);
		local->scope = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
	} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
		   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)) {
		*tos = (uint8_t)rv_cmsg_int(c);
	}
}

void rv_cmsg_put(struct msghdr *msg, int level, int type, const void *data, size_t len)
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
		rv_cmsg_put(msg, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
		return;
	}
	memcpy(&v6.ipi6_addr, local->ip, 16);
	rv_cmsg_put(msg, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
}

void rv_cmsg_put_origin(struct msghdr *msg, uint8_t family, const struct rv_addr *local, uint8_t tos)
{
	int value = tos;

	put_source(msg, local);
	if (tos && family == RV_IPV4)
		rv_cmsg_put(msg, IPPROTO_IP, IP_TOS, &value, sizeof(value));
	else if (tos)
		rv_cmsg_put(msg, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* icmp-raw: the service "icmp:raw", what routers say of packets that they did not take (RFC 792, RFC 4443), from raw
 * sockets. */
#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <ravelin/datapath.h>
#include <ravelin/error.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>
#include <ravelin/socket.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGES_A_TURN = 16, BUFFER = 32 << 10, MESSAGE_MAX = 1536, IP4_HEADER = 20 };

struct icmp_socket {
	struct rv_io io;
	struct raw *raw;
	int fd; /* -1: none */
};

struct raw {
	struct rv_host *host;
	struct icmp_socket sockets[2]; /* by family */
	rv_icmp_recv_fn *fn;
	void *arg;
	uint8_t message[MESSAGE_MAX];
};

static void arrived(struct icmp_socket *s, const struct sockaddr_storage *ss, socklen_t ss_len, size_t len)
{
	struct raw *raw = s->raw;
	struct rv_addr router;
	size_t skip = 0;

	if (rv_addr_from_sockaddr(&router, ss, ss_len) < 0)
		return;
	if (router.family == RV_IPV4) /* these come with their header */
		skip = len ? (raw->message[0] & 15u) * 4 : 0;
	router.port = 0;
	if ((router.family == RV_IPV4 && skip < IP4_HEADER) || skip >= len || !raw->fn)
		return;
	raw->fn(raw->arg, &router, rv_bytes(raw->message + skip, len - skip));
}

static void readable(struct rv_io *io, uint32_t events)
{
	struct icmp_socket *s = rv_container_of(io, struct icmp_socket, io);

	for (int i = 0; i < MESSAGES_A_TURN && s->fd >= 0; i++) {
		struct sockaddr_storage ss;
		socklen_t ss_len = sizeof(ss);
		ssize_t n = recvfrom(s->fd, s->raw->message, MESSAGE_MAX, 0, (struct sockaddr *)&ss, &ss_len);
		if (n < 0)
			return;
		arrived(s, &ss, ss_len, (size_t)n);
	}
}

/* Lets one type of message pass. */
static int filter(int fd, bool v6)
{
	struct icmp_filter v4_filter = { .data = ~(1u << ICMP_DEST_UNREACH) };
	struct icmp6_filter v6_filter;

	ICMP6_FILTER_SETBLOCKALL(&v6_filter);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &v6_filter);
	int r = v6 ? setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6_filter, sizeof(v6_filter))
		   : setsockopt(fd, SOL_RAW, ICMP_FILTER, &v4_filter, sizeof(v4_filter));
	return r ? -errno : 0;
}

static int open_socket(struct raw *raw, bool v6)
{
	static const struct rv_socket_option options[] = { { SOL_SOCKET, SO_RCVBUF, BUFFER }, { 0 } };
	struct icmp_socket *s = &raw->sockets[v6];
	int fd = rv_socket_open(v6 ? RV_IPV6 : RV_IPV4, SOCK_RAW, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, options);

	if (fd < 0)
		return fd == -EAFNOSUPPORT ? 0 : fd;
	int r = filter(fd, v6);
	if (!r)
		r = rv_io_add(&s->io, raw->host->loop, fd, EPOLLIN, readable);
	if (r) {
		close(fd);
		return r;
	}
	s->fd = fd;
	return 0;
}

static void close_all(struct raw *raw)
{
	for (int family = 0; family < 2; family++) {
		struct icmp_socket *s = &raw->sockets[family];
		rv_io_del(&s->io);
		if (s->fd >= 0)
			close(s->fd);
		s->fd = -1;
	}
	raw->fn = NULL;
}

static int op_listen(void *self, rv_icmp_recv_fn *fn, void *arg, struct rv_why *why)
{
	struct raw *raw = self;
	int r = 0;

	if (fn && raw->fn)
		return rv_why_set(why, -RV_EIN_USE, "another kernel listens to ICMP errors");
	close_all(raw);
	for (int family = 0; fn && !r && family < 2; family++)
		r = open_socket(raw, family);
	if (r) {
		close_all(raw);
		return rv_why_set(why, r, "raw sockets for ICMP errors: %s%s", rv_error_text(r),
				  r == -EPERM ? " (CAP_NET_RAW is missing)" : "");
	}
	raw->fn = fn;
	raw->arg = arg;
	return 0;
}

static const struct rv_icmp_ops ops = { .size = sizeof(ops), .listen = op_listen };

static int end(struct raw *raw)
{
	close_all(raw);
	return 0;
}

static const char *const syscalls[] = { "socket", "setsockopt", "recvfrom", "epoll_ctl", "close", NULL };

static int init(struct rv_host *host)
{
	struct raw *raw = talloc_zero(host, struct raw);

	if (!raw)
		return -ENOMEM;
	raw->host = host;
	for (int family = 0; family < 2; family++)
		raw->sockets[family] = (struct icmp_socket){ .raw = raw, .fd = -1 };
	talloc_set_destructor(raw, end);
	rv_host_needs_syscalls(host, syscalls);
	return rv_icmp_offer(host, (struct rv_offer){ .name = "raw" }, &ops, raw);
}

RV_PLUGIN(icmp_raw, "icmp-raw",
	  "version=1\0"
	  "summary=ICMP errors from raw sockets\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=icmp:raw\0"
	  "rfc=4301\0",
	  .init = init);

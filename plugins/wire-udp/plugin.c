// SPDX-License-Identifier: LGPL-2.1-or-later
/* wire-udp: the sockets of UDP ports 500 and 4500 on the loop, and the service "wire:udp" (RFC 3948; RFC 7296, 2.23).
 *
 * Sockets are bound to any address; the local address of each datagram is read from the packet information, and answers
 * leave from it. Checksums stay on in both families: the segmentation offloads stop without them.
 */
#include "wire-udp.h"

#include <errno.h>
#include <ravelin/config.h>
#include <ravelin/error.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DATAGRAMS_A_TURN = 64, BIND_TRIES = 16, MARKER_LEN = 4 };

static const uint8_t non_esp_marker[MARKER_LEN];

enum udp_class udp_classify(const uint8_t *p, size_t len)
{
	if (len == 1 && p[0] == 0xff)
		return UDP_IS_KEEPALIVE;
	if (len < MARKER_LEN + 1)
		return UDP_IS_NOTHING;
	return memcmp(p, non_esp_marker, MARKER_LEN) ? UDP_IS_ESP : UDP_IS_KEYING;
}

static void deliver(struct udp_wire *wire, const struct rv_addr *local, const struct rv_addr *remote, bool encap,
		    struct rv_bytes message)
{
	if (wire->recv)
		wire->recv(wire->recv_arg, local, remote, encap, message);
}

static void from_worker(void *arg, const struct letter *letter)
{
	if (letter->len)
		deliver(arg, &letter->local, &letter->remote, true, rv_bytes(letter->octets, letter->len));
	else
		wire_connect(arg, &letter->remote);
}

static void arrived(struct udp_socket *s, const struct udp_message *m)
{
	struct udp_wire *wire = s->wire;
	struct rv_addr local = m->local;
	size_t len = (size_t)m->len, skip = s->encap ? MARKER_LEN : 0;
	enum udp_class class = s->encap ? udp_classify(wire->buf, len) : UDP_IS_KEYING;

	local.port = wire->port[s->encap];
	if (class == UDP_IS_ESP)
		wire->stray++;
	if (class == UDP_IS_KEYING)
		deliver(wire, &local, &m->remote, s->encap, rv_bytes(wire->buf + skip, len - skip));
}

static void readable(struct rv_io *io, uint32_t events)
{
	struct udp_socket *s = rv_container_of(io, struct udp_socket, io);

	for (int i = 0; i < DATAGRAMS_A_TURN; i++) {
		struct udp_message m = { .parts = { { s->wire->buf, DATAGRAM_MAX } } };
		int n = udp_recv(s->fd, &m, 1);
		if (n == -EAGAIN)
			return;
		if (n > 0 && m.len >= 0)
			arrived(s, &m);
	}
}

int wire_watch_encap(struct udp_wire *wire, bool on)
{
	for (int family = 0; family < 2; family++) {
		struct udp_socket *s = &wire->sockets[1][family];
		int r = 0;
		rv_io_del(&s->io);
		if (s->fd >= 0 && on) {
			(void)udp_gro(s->fd, false);
			r = rv_io_add(&s->io, wire->host->loop, s->fd, EPOLLIN, readable);
		}
		if (r)
			return r;
	}
	return 0;
}

static int op_listen(void *self, rv_wire_recv_fn *fn, void *arg)
{
	struct udp_wire *wire = self;

	wire->recv = fn;
	wire->recv_arg = arg;
	return 0;
}

static int send_message(struct udp_wire *wire, bool encap, const struct udp_message *m)
{
	const struct rv_addr *local = &m->local, *remote = &m->remote;
	int fd = wire->sockets[encap][remote->family == RV_IPV6].fd;

	if (!rv_family_len(remote->family) || (local->family && local->family != remote->family) || !remote->port)
		return -EINVAL;
	if (fd < 0)
		return -EAFNOSUPPORT;
	int n = udp_send(fd, m, 1);
	return n < 0 ? n : 0;
}

static int op_send(void *self, const struct rv_addr *local, const struct rv_addr *remote, bool encap,
		   struct rv_bytes message)
{
	struct udp_message m = { .local = *local, .remote = *remote };

	if (encap)
		m.parts[m.n_parts++] = (struct iovec){ (void *)(uintptr_t)non_esp_marker, MARKER_LEN };
	m.parts[m.n_parts++] = (struct iovec){ (void *)(uintptr_t)message.p, message.len };
	return send_message(self, encap, &m);
}

static int op_keepalive(void *self, const struct rv_addr *local, const struct rv_addr *remote)
{
	uint8_t octet = 0xff;
	struct udp_message m = { .parts = { { &octet, 1 } }, .n_parts = 1, .local = *local, .remote = *remote };

	return send_message(self, true, &m);
}

static uint32_t op_mark(void *self)
{
	const struct udp_wire *wire = self;

	return wire->mark;
}

static uint16_t op_port(void *self, bool encap)
{
	const struct udp_wire *wire = self;

	return wire->port[encap];
}

static const struct rv_wire_ops ops = {
	.size = sizeof(ops),
	.listen = op_listen,
	.send = op_send,
	.keepalive = op_keepalive,
	.ports = wire_ports,
	.mark = op_mark,
	.port = op_port,
	.dont_fragment = wire_dont_fragment,
};

static void close_pair(struct udp_wire *wire, bool encap)
{
	for (int family = 0; family < 2; family++) {
		struct udp_socket *s = &wire->sockets[encap][family];
		rv_io_del(&s->io);
		if (s->fd >= 0)
			close(s->fd);
		s->fd = -1;
	}
}

static int end(struct udp_wire *wire)
{
	inbox_fini(&wire->inbox);
	close_pair(wire, false);
	close_pair(wire, true);
	return 0;
}

/* One family of one port. A host without IPv6 (or without IPv4) works with the other. */
static int open_socket(struct udp_wire *wire, bool encap, int family, bool *marked)
{
	struct udp_socket *s = &wire->sockets[encap][family];
	struct socket_params params = { .family = family ? RV_IPV6 : RV_IPV4,
					.port = wire->port[encap],
					.mark = wire->mark };
	int fd = udp_open(&params, &wire->port[encap], marked);

	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
		return 0;
	if (fd < 0)
		return fd;
	*s = (struct udp_socket){ .wire = wire, .fd = fd, .encap = encap };
	return rv_io_add(&s->io, wire->host->loop, fd, EPOLLIN, readable);
}

/* Both families on one port number. With port 0 the number that the first family got may be taken in the other. */
static int open_pair(struct udp_wire *wire, bool encap, bool *marked)
{
	uint16_t wanted = wire->port[encap];
	int r = -EADDRINUSE;

	for (int i = 0; i < BIND_TRIES && r == -EADDRINUSE; i++) {
		close_pair(wire, encap);
		wire->port[encap] = wanted;
		r = open_socket(wire, encap, 0, marked);
		if (!r)
			r = open_socket(wire, encap, 1, marked);
		if (wanted)
			break;
	}
	if (!r && wire->sockets[encap][0].fd < 0 && wire->sockets[encap][1].fd < 0)
		r = -EAFNOSUPPORT;
	if (r)
		rv_log(&wire->host->subject, RV_ERROR, "port-unavailable", KV_UINT("port", wanted),
		       KV_STR("why", rv_error_text(r)),
		       KV_STR("advice", r == -EADDRINUSE ? "stop the other IPsec daemon, or set port and port_nat_t"
							 : "ports below 1024 need CAP_NET_BIND_SERVICE"));
	return r;
}

static void configure(struct udp_wire *wire)
{
	const struct rv_conf *conf = rv_host_conf(wire->host);

	wire->port[0] = (uint16_t)rv_conf_int(conf, "port");
	wire->port[1] = (uint16_t)rv_conf_int(conf, "port_nat_t");
	wire->mark = (uint32_t)rv_conf_int(conf, "fwmark");
	wire->mtu = (uint32_t)rv_conf_int(conf, "path_mtu");
}

static const char *const syscalls[] = { "socket",      "bind",	   "connect",  "setsockopt",	"getsockopt",
					"getsockname", "recvmmsg", "sendmmsg", "epoll_create1", "epoll_ctl",
					"eventfd2",    "read",	   "write",    "close",		NULL };

static int init(struct rv_host *host)
{
	struct udp_wire *wire = talloc_zero(host, struct udp_wire);
	bool marked = false;

	if (!wire)
		return -ENOMEM;
	wire->host = host;
	wire->inbox.fd = -1;
	for (int i = 0; i < 4; i++)
		wire->sockets[i / 2][i % 2].fd = -1;
	talloc_set_destructor(wire, end);
	wire->buf = talloc_size(wire, DATAGRAM_MAX);
	if (!wire->buf)
		return -ENOMEM;
	configure(wire);
	int r = open_pair(wire, false, &marked);
	if (!r)
		r = open_pair(wire, true, &marked);
	if (!r)
		r = inbox_init(&wire->inbox, host->loop, from_worker, wire);
	if (r)
		return r;
	if (!marked) {
		rv_log(&host->subject, RV_WARN, "no-mark", KV_STR("why", "CAP_NET_ADMIN is missing"));
		wire->mark = 0;
	}
	rv_host_needs_syscalls(host, syscalls);
	return rv_wire_offer(host, (struct rv_offer){ .name = "udp" }, &ops, wire);
}

RV_PLUGIN(wire_udp, "wire-udp",
	  "version=1\0"
	  "summary=The UDP ports of keying messages and encapsulated ESP\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=wire:udp\0"
	  "rfc=3948 7296\0"
	  "schema=" WIRE_UDP_SCHEMA "\0",
	  .init = init);

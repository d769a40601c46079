// SPDX-License-Identifier: LGPL-2.1-or-later
/* port: the encapsulation port in the hands of worker threads: ESP in trains, both ways (RFC 3948).
 *
 * The kernel may merge keying messages and ESP of one peer into one train, so every segment is classified. Each worker
 * has a pair of sockets of its own behind one epoll descriptor, and gets the SAs whose SPIs are its own (udp_steer);
 * the first worker has the sockets of the loop, and so what is no ESP.
 */
#include "wire-udp.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

struct udp_port {
	struct rv_port port;
	struct udp_wire *wire;
	int fds[2];	       /* by family; -1: none */
	_Atomic int df_fd;     /* sends with the DF bit; -1: none yet */
	bool borrowed;	       /* fds are the wire's */
	unsigned alone;	       /* turns that gave one packet each */
	unsigned turn, family; /* the family that gave something last */
	bool no_trains;	       /* this host cannot send them */
	uint64_t dropped;
};

/* Takes segment by segment what is not ESP out of packet. What stays is ESP only; len may become 0. */
static void sort_out(struct udp_port *port, struct rv_packet *packet)
{
	uint32_t seg = packet->seg_len ? packet->seg_len : packet->len;

	for (uint32_t at = 0; at < packet->len;) {
		uint8_t *p = packet->data + at;
		uint32_t len = packet->len - at < seg ? packet->len - at : seg;
		enum udp_class class = udp_classify(p, len);
		if (class == UDP_IS_ESP) {
			at += len;
			continue;
		}
		if (class == UDP_IS_KEYING)
			inbox_put(&port->wire->inbox, &packet->local, &packet->remote, rv_bytes(p + 4, len - 4));
		packet->len -= len;
		memmove(p, p + len, packet->len - at);
	}
}

static uint32_t take(struct udp_port *port, struct rv_packet *packet, const struct udp_message *m)
{
	packet->seg_len = m->gso && m->gso < m->len ? m->gso : 0;
	packet->local = m->local;
	packet->local.port = port->wire->port[1];
	packet->remote = m->remote;
	packet->encap = true;
	packet->tos = m->tos;
	sort_out(port, packet);
	return packet->len;
}

/* How many of n messages have room behind the count packets that are there. */
static size_t room_for(struct rv_packet *const *packets, size_t count, size_t n)
{
	size_t rooms = n && rv_packet_lay(packets, count) ? packets[count]->cap / RV_PACKET_ROOM : 0;

	n = n < rooms ? n : rooms;
	return n < UDP_BATCH ? n : UDP_BATCH;
}

/* Receives n messages at once, for which there is room behind the count packets that are there. How many came, or
 * -errno. */
static int recv_batch(struct udp_port *port, int fd, struct rv_packet *const *packets, size_t n, size_t *count)
{
	struct udp_message messages[UDP_BATCH];
	uint8_t *buf = packets[*count]->buf;

	for (size_t i = 0; i < n; i++)
		messages[i].parts[0] = (struct iovec){ buf + i * RV_PACKET_ROOM + RV_HEADROOM,
						       RV_PACKET_ROOM - RV_HEADROOM - RV_TAILROOM };
	int got = udp_recv(fd, messages, (unsigned)n);
	for (int i = 0; i < got; i++) {
		const struct udp_message *m = &messages[i];
		if (m->len > 0 && rv_packet_settle(packets, *count, m->parts[0].iov_base, (uint32_t)m->len))
			*count += take(port, packets[*count], m) > 0;
	}
	return got;
}

/* Receives until most messages came, or nothing waits. An error such as a datagram cut short concerns that datagram
 * only. */
static int recv_family(struct udp_port *port, unsigned family, struct rv_packet *const *packets, size_t most)
{
	size_t count = 0, came = 0, asked;
	bool more = port->fds[family] >= 0;

	while (more && (asked = room_for(packets, count, most - came))) {
		int got = recv_batch(port, port->fds[family], packets, asked, &count);
		more = got < 0 ? got != -EAGAIN : got == (int)asked;
		came += got > 0 ? (size_t)got : 1;
	}
	return (int)count;
}

/* One family a turn, where it gives something. The other one comes first at every eighth turn, so that it never waits
 * for long. */
static int port_recv(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct udp_port *port = rv_container_of(base, struct udp_port, port);
	unsigned first = ++port->turn % 8 ? port->family : !port->family;
	size_t most = rv_packet_appetite(port->alone, n);
	int count = recv_family(port, first, packets, most);

	port->family = first;
	if (!count) {
		count = recv_family(port, !first, packets, most);
		port->family = count ? !first : first;
	}
	port->alone = count == 1 ? port->alone + 1 : 0;
	return count;
}

static struct udp_message message(const struct rv_packet *packet)
{
	bool train = packet->seg_len && packet->seg_len < packet->len;

	return (struct udp_message){ .parts = { { packet->data, packet->len } },
				     .n_parts = 1,
				     .local = packet->local,
				     .remote = packet->remote,
				     .gso = train ? (uint16_t)packet->seg_len : 0,
				     .tos = packet->tos };
}

static bool send_segments(int fd, const struct rv_packet *packet)
{
	struct udp_message m = message(packet);
	uint32_t seg = packet->seg_len ? packet->seg_len : packet->len;
	bool ok = true;

	m.gso = 0;
	for (uint32_t at = 0; at < packet->len; at += seg) {
		m.parts[0] = (struct iovec){ packet->data + at, packet->len - at < seg ? packet->len - at : seg };
		ok = udp_send(fd, &m, 1) > 0 && ok;
	}
	return ok;
}

/* The socket for a packet; the one with the DF bit for those that want it. -1: none. */
static int socket_for(struct udp_port *port, const struct rv_packet *packet)
{
	bool v6 = packet->remote.family == RV_IPV6;
	int df = packet->df && !v6 ? atomic_load_explicit(&port->df_fd, memory_order_acquire) : -1;

	return df >= 0 ? df : port->fds[v6];
}

/* A packet that could not be sent as it is, for this reason. EIO: the device computes no checksums; EINVAL, EMSGSIZE: a
 * segment does not fit the path's MTU (udp(7)). What the first link does not take goes in fragments all the same, so
 * that nothing is lost unheard. */
static bool send_otherwise(struct udp_port *port, int fd, const struct rv_packet *packet, int error)
{
	const struct udp_message m = message(packet);
	int any = port->fds[packet->remote.family == RV_IPV6];
	bool size = error == -EINVAL || error == -EMSGSIZE;

	if (m.gso && error == -EIO)
		port->no_trains = true;
	if ((port->no_trains || (m.gso && size)) && send_segments(fd, packet))
		return true;
	if (fd == any || any < 0)
		return false;
	return (!port->no_trains && !size && udp_send(any, &m, 1) > 0) || send_segments(any, packet);
}

/* Sends the packets at the head that go by one socket, at once: how many are done with. */
static size_t send_batch(struct udp_port *port, struct rv_packet *const *packets, size_t n, int *sent)
{
	struct udp_message messages[UDP_BATCH];
	int fd = socket_for(port, packets[0]), r = port->no_trains ? -EIO : 0;
	unsigned count = 0;

	if (fd < 0) {
		port->dropped++;
		return 1;
	}
	for (; !r && count < n && count < UDP_BATCH && (!count || socket_for(port, packets[count]) == fd); count++)
		messages[count] = message(packets[count]);
	if (!r)
		r = udp_send(fd, messages, count);
	if (r > 0) {
		*sent += r;
		return (size_t)r;
	}
	if (send_otherwise(port, fd, packets[0], r))
		++*sent;
	else
		port->dropped++;
	return 1;
}

static int port_send(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct udp_port *port = rv_container_of(base, struct udp_port, port);
	int sent = 0;

	for (size_t done = 0; done < n;)
		done += send_batch(port, packets + done, n - done, &sent);
	return sent;
}

static void close_fds(struct udp_port *port)
{
	if (port->port.fd >= 0)
		close(port->port.fd);
	for (int family = 0; family < 2; family++)
		if (port->fds[family] >= 0 && !port->borrowed)
			close(port->fds[family]);
	if (port->df_fd >= 0)
		close(port->df_fd);
}

static void port_close(struct rv_port *base)
{
	struct udp_port *port = rv_container_of(base, struct udp_port, port);
	struct udp_wire *wire = port->wire;

	if (port->dropped)
		rv_log(&wire->host->subject, RV_DEBUG, "port-closed", KV_UINT("dropped", port->dropped));
	close_fds(port);
	free(port);
	if (--wire->n_ports)
		return;
	int r = wire_watch_encap(wire, true);
	if (r)
		rv_log(&wire->host->subject, RV_ERROR, "wire-deaf", KV_STR("why", rv_error_text(r)));
}

static int watch(struct udp_port *port, int epoll, uint64_t data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = data };

	for (int family = 0; family < 2; family++)
		if (port->fds[family] >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, port->fds[family], &event))
			return -errno;
	return 0;
}

static int port_watch(struct rv_port *base, int epoll, uint64_t data)
{
	return watch(rv_container_of(base, struct udp_port, port), epoll, data);
}

static const struct rv_port_ops port_ops = {
	.size = sizeof(port_ops),
	.recv = port_recv,
	.send = port_send,
	.close = port_close,
	.watch = port_watch,
};

static int open_fds(struct udp_port *port, bool first)
{
	struct udp_wire *wire = port->wire;

	port->borrowed = first;
	for (int family = 0; family < 2; family++) {
		struct socket_params params = {
			.family = family ? RV_IPV6 : RV_IPV4, .port = wire->port[1], .mark = wire->mark, .shared = true
		};
		uint16_t bound;
		bool marked;
		int own = wire->sockets[1][family].fd;
		if (own < 0)
			continue;
		port->fds[family] = first ? own : udp_open(&params, &bound, &marked);
		if (port->fds[family] < 0)
			return port->fds[family];
	}
	return 0;
}

static int poll_fds(struct udp_port *port)
{
	port->port.fd = epoll_create1(EPOLL_CLOEXEC);
	if (port->port.fd < 0)
		return -errno;
	for (int family = 0; family < 2; family++)
		if (port->fds[family] >= 0)
			(void)udp_gro(port->fds[family], true); /* slower without it, but it works */
	return watch(port, port->port.fd, 0);
}

static struct udp_port *port_new(struct udp_wire *wire, bool first, int *error)
{
	struct udp_port *port = calloc(1, sizeof(*port));

	*error = -ENOMEM;
	if (!port)
		return NULL;
	port->port = (struct rv_port){ .ops = &port_ops, .fd = -1, .takes_trains = true, .mtu = wire->mtu };
	port->wire = wire;
	port->fds[0] = port->fds[1] = -1;
	atomic_init(&port->df_fd, -1);
	*error = open_fds(port, first);
	if (!*error)
		*error = poll_fds(port);
	if (!*error)
		return port;
	close_fds(port);
	free(port);
	return NULL;
}

/* So that further sockets can be bound to the port of the first. */
static int share(struct udp_wire *wire)
{
	for (int family = 0; family < 2; family++) {
		int fd = wire->sockets[1][family].fd;
		int r = fd < 0 ? 0 : udp_share(fd);
		if (r)
			return r;
	}
	return 0;
}

/* Slower without it, since then all of a peer's SAs go to one worker, but it works. */
static void steer(const struct udp_wire *wire, unsigned n)
{
	for (int family = 0; n > 1 && family < 2; family++) {
		int fd = wire->sockets[1][family].fd;
		int r = fd < 0 ? 0 : udp_steer(fd, n);
		if (r)
			rv_log(&wire->host->subject, RV_WARN, "not-steered", KV_STR("why", rv_error_text(r)));
	}
}

int wire_ports(void *self, unsigned n, struct rv_port **ports, struct rv_why *why)
{
	struct udp_wire *wire = self;
	int r = n > 1 ? share(wire) : 0;
	unsigned made = 0;

	if (!n || n > PORTS_MAX)
		return rv_why_set(why, -EINVAL, "%u wire ports were asked for; 1 to %d are possible", n, PORTS_MAX);
	if (wire->n_ports)
		return rv_why_set(why, -RV_EIN_USE, "the UDP port %u is in use by another ESP kernel", wire->port[1]);
	if (r)
		return rv_why_set(why, r, "UDP port %u cannot be shared by workers", wire->port[1]);
	(void)wire_watch_encap(wire, false);
	for (struct udp_port *port; made < n && (port = port_new(wire, !made, &r)); made++) {
		ports[made] = &port->port;
		wire->ports[wire->n_ports++] = port;
	}
	if (made == n) {
		steer(wire, n);
		return 0;
	}
	while (made)
		port_close(ports[--made]);
	if (!wire->n_ports && wire_watch_encap(wire, true))
		return rv_why_set(why, r, "UDP port %u: %s, and it is deaf now", wire->port[1], rv_error_text(r));
	return rv_why_set(why, r, "UDP port %u: %s", wire->port[1], rv_error_text(r));
}

/* It never receives, since the others were bound before it, and all that comes is parted among those (udp_steer). */
static int open_df(struct udp_wire *wire, struct udp_port *port)
{
	struct socket_params params = { .family = RV_IPV4, .port = wire->port[1], .mark = wire->mark, .shared = true };
	uint16_t bound;
	bool marked;
	int fd = udp_open(&params, &bound, &marked);
	int r = fd < 0 ? fd : udp_dont_fragment(fd);

	if (!r)
		r = udp_steer(fd, wire->n_ports);
	if (r && fd >= 0)
		close(fd);
	if (!r)
		atomic_store_explicit(&port->df_fd, fd, memory_order_release);
	return r;
}

int wire_dont_fragment(void *self, struct rv_why *why)
{
	struct udp_wire *wire = self;
	int fd = wire->sockets[1][0].fd, r = fd < 0 || !wire->n_ports ? 0 : udp_share(fd);

	for (unsigned i = 0; fd >= 0 && !r && i < wire->n_ports; i++)
		if (atomic_load(&wire->ports[i]->df_fd) < 0)
			r = open_df(wire, wire->ports[i]);
	return r ? rv_why_set(why, r, "UDP port %u with the DF bit: %s", wire->port[1], rv_error_text(r)) : 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* port: the encapsulation port in the hands of worker threads: ESP in trains, both ways (RFC 3948).
 *
 * The kernel may merge keying messages and ESP of one peer into one train, so every segment is classified. Each worker
 * has a pair of sockets of its own behind one epoll descriptor, and gets the SAs whose SPIs are its own (udp_steer);
 * the first worker has the sockets of the loop, and so what is no ESP.
 *
 * A worker that is alone has, for the one peer that it has most to do with, a connected socket of each family besides:
 * the kernel looks up no routes then, neither for what comes nor for what goes without a traffic class. Workers may not
 * connect, so the loop does it. All that is not this peer's takes the other sockets, as before.
 */
#include "port.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

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
static int recv_socket(struct udp_port *port, unsigned which, struct rv_packet *const *packets, size_t most)
{
	int fd = fd_of(port, which);
	size_t count = 0, came = 0, asked;
	bool more = fd >= 0;

	while (more && (asked = room_for(packets, count, most - came))) {
		int got = recv_batch(port, fd, packets, asked, &count);
		more = got < 0 ? got != -EAGAIN : got == (int)asked;
		came += got > 0 ? (size_t)got : 1;
	}
	return (int)count;
}

/* One socket a turn, the one that gave something last. The next ones come first at every eighth turn, so that none
 * waits for long. */
static int port_recv(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct udp_port *port = rv_container_of(base, struct udp_port, port);
	unsigned first = port->last + (++port->turn % 8 == 0);
	size_t most = rv_packet_appetite(port->alone, n);
	int count = 0;

	for (unsigned i = 0; i < RECEIVING && !count; i++) {
		unsigned which = (first + i) % RECEIVING;
		count = recv_socket(port, which, packets, most);
		port->last = count ? which : port->last;
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

/* An empty letter is the question; the answer is the peer's state. */
static void ask_for(struct udp_port *port, struct peer *peer, const struct rv_addr *remote)
{
	const struct rv_addr before = peer->remote;
	enum peer_state state = atomic_load_explicit(&peer->state, memory_order_relaxed);

	peer->others = 0;
	peer->remote = *remote;
	atomic_store_explicit(&peer->state, ASKED, memory_order_release);
	if (inbox_put(&port->wire->inbox, &(struct rv_addr){ 0 }, remote, rv_bytes(NULL, 0))) {
		peer->patience = peer->patience < PATIENCE_MAX ? 2 * peer->patience : PATIENCE_MAX;
		return;
	}
	peer->remote = before;
	atomic_store_explicit(&peer->state, state, memory_order_release);
}

/* Whether a packet goes where the connected socket does, and from the same address. */
static bool is_peers(struct udp_port *port, const struct rv_packet *packet)
{
	struct peer *peer = &port->peers[packet->remote.family == RV_IPV6];
	enum peer_state state = atomic_load_explicit(&peer->state, memory_order_acquire);

	if (state == ASKED)
		return false;
	if (state == CONNECTED && rv_addr_same(&packet->remote, &peer->remote) &&
	    rv_addr_same_ip(&packet->local, &peer->local)) {
		peer->others -= peer->others > 0;
		return true;
	}
	if (++peer->others >= peer->patience && port->wire->n_ports == 1) /* set before it began */
		ask_for(port, peer, &packet->remote);
	return false;
}

/* Which socket a packet goes by; the one with the DF bit is for those that want it. */
static unsigned socket_for(struct udp_port *port, const struct rv_packet *packet)
{
	bool v6 = packet->remote.family == RV_IPV6;

	if (packet->df && !v6 && fd_of(port, DF) >= 0)
		return DF;
	return (is_peers(port, packet) ? PEER : ANY) + v6;
}

/* A packet that could not be sent as it is, for this reason. EIO: the device computes no checksums; EINVAL, EMSGSIZE: a
 * segment does not fit the path's MTU (udp(7)). What the first link does not take goes in fragments all the same, so
 * that nothing is lost unheard. */
static bool send_otherwise(struct udp_port *port, unsigned which, const struct rv_packet *packet, int error)
{
	const struct udp_message m = message(packet);
	unsigned any = packet->remote.family == RV_IPV6 ? ANY_V6 : ANY;
	int fd = fd_of(port, which == DF ? DF : any), any_fd = fd_of(port, any);
	bool size = error == -EINVAL || error == -EMSGSIZE;

	if (m.gso && error == -EIO)
		port->no_trains = true;
	bool cut = port->no_trains || (m.gso && size);
	if (cut && send_segments(fd, packet))
		return true;
	if (which == any || any_fd < 0 || (cut && fd == any_fd))
		return false;
	return (!port->no_trains && !size && udp_send(any_fd, &m, 1) > 0) || send_segments(any_fd, packet);
}

/* For a message of a connected socket that names an address the kernel would look up a route. */
static struct udp_message message_by(unsigned which, const struct rv_packet *packet)
{
	struct udp_message m = message(packet);

	if (which == PEER || which == PEER_V6) {
		m.local = (struct rv_addr){ .family = m.remote.family };
		m.remote = (struct rv_addr){ 0 };
	}
	return m;
}

/* Sends the packets at the head that go by one socket, at once: how many are done with. */
static size_t send_batch(struct udp_port *port, struct rv_packet *const *packets, size_t n, int *sent)
{
	struct udp_message messages[UDP_BATCH];
	unsigned which = socket_for(port, packets[0]), count = 0;
	int fd = fd_of(port, which), r = port->no_trains ? -EIO : 0;

	if (fd < 0) {
		port->dropped++;
		return 1;
	}
	for (; !r && count < n && count < UDP_BATCH && (!count || socket_for(port, packets[count]) == which); count++)
		messages[count] = message_by(which, packets[count]);
	if (!r)
		r = udp_send(fd, messages, count);
	if (r > 0) {
		*sent += r;
		return (size_t)r;
	}
	if (send_otherwise(port, which, packets[0], r))
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

const struct rv_port_ops port_ops = {
	.size = sizeof(port_ops),
	.recv = port_recv,
	.send = port_send,
	.close = port_close,
	.watch = port_watch,
};

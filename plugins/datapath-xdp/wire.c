// SPDX-License-Identifier: LGPL-2.1-or-later
/* wire: the ports of a wire with our queues in front of them. What comes by a queue and what the ports of the wire give
 * is one stream; what cannot leave by a queue leaves by the wire.
 */
#include "xdp.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct xdp_port {
	struct rv_port port;
	struct wire *wire;
	struct rv_port *inner;
	struct post *post;
	unsigned turn;
};

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void deliver(const struct frame *frame, struct rv_packet *packet)
{
	packet->data = packet->buf + RV_HEADROOM;
	packet->len = (uint32_t)frame->esp.len;
	packet->seg_len = 0;
	packet->local = frame->local;
	packet->remote = frame->remote;
	packet->encap = frame->encap;
	packet->tos = frame->tos;
	packet->protocol = 0;
	memcpy(packet->data, frame->esp.p, frame->esp.len);
}

/* Behind the n_before packets that are there; how many are there then. */
static size_t recv_queue(struct post *post, struct queue *queue, struct rv_packet *const *packets, size_t n,
			 size_t n_before)
{
	size_t at = n_before, damaged = 0;
	struct rv_bytes octets;
	struct frame frame;

	while (at < n && damaged < n && rv_packet_lay(packets, at) && queue_next(queue, &octets)) {
		if (frame_read(octets.p, octets.len, post->xdp->port, &frame))
			deliver(&frame, packets[at++]);
		else
			damaged++;
		queue_done(queue);
	}
	if (at > n_before)
		count(&queue->counters.in, at - n_before);
	if (damaged)
		count(&queue->counters.bad, damaged);
	return at;
}

/* The wire is looked at when the queues give nothing, and at every eighth turn: looking costs system calls. */
static int port_recv(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct xdp_port *port = rv_container_of(base, struct xdp_port, port);
	struct post *post = port->post;
	size_t at = 0;

	for (unsigned i = 0; post->receiver == base && i < post->n_queues; i++)
		at = recv_queue(post, post->queues[(post->turn + i) % post->n_queues], packets, n, at);
	post->turn += post->receiver == base;
	if ((at && ++port->turn % 8) || at == n || !rv_packet_lay(packets, at))
		return (int)at;
	int more = port->inner->ops->recv(port->inner, packets + at, n - at);
	return (int)at + (more > 0 ? more : 0);
}

/* A queue of this worker at that interface, or NULL. */
static struct queue *queue_at(const struct post *post, const struct device *device)
{
	for (unsigned i = 0; i < post->n_queues; i++)
		if (post->queues[i]->device == device && post->queues[i]->sends)
			return post->queues[i];
	return NULL;
}

static void write_frames(struct post *post, struct queue *queue, const struct frame_path *way,
			 const struct rv_packet *packet, uint32_t seg)
{
	for (uint32_t at = 0; at < packet->len; at += seg) {
		uint32_t len = packet->len - at < seg ? packet->len - at : seg;
		queue_put(queue, frame_write(queue_room(queue), way, packet->tos, ++post->id,
					     rv_bytes(packet->data + at, len)));
	}
}

/* False: by the wire. */
static bool send_one(struct xdp_port *port, const struct rv_packet *packet, uint64_t now_us)
{
	const struct wire *wire = port->wire;
	uint32_t seg = packet->seg_len ? packet->seg_len : packet->len;

	if (rv_addr_is_any(&packet->local) || packet->local.family != packet->remote.family || !seg ||
	    (!wire->encap && packet->protocol) || packet->df)
		return false;
	const struct path *path = path_find(port->post, &packet->local, &packet->remote, now_us);
	struct queue *queue = path ? queue_at(port->post, path->device) : NULL;
	if (!queue)
		return false;
	struct frame_path way = { .local = packet->local, .remote = packet->remote, .encap = wire->encap };
	size_t headers = frame_headers(&way);
	uint32_t n = (packet->len + seg - 1) / seg;
	if (headers - FRAME_ETHERNET + seg > path->mtu || headers + seg > queue->frame_len)
		return false;
	if (!queue_has_room(queue, n)) {
		count(&queue->counters.full, n);
		return false;
	}
	way.local.port = port->post->xdp->port;
	memcpy(way.to, path->to, sizeof(way.to));
	memcpy(way.from, path->from, sizeof(way.from));
	write_frames(port->post, queue, &way, packet, seg);
	count(&queue->counters.out, n);
	return true;
}

static int port_send(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct xdp_port *port = rv_container_of(base, struct xdp_port, port);
	struct timespec ts;
	int sent = 0;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	uint64_t now_us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	for (size_t i = 0; i < n; i++)
		if (send_one(port, packets[i], now_us))
			sent++;
		else
			sent += port->inner->ops->send(port->inner, packets + i, 1);
	for (unsigned i = 0; i < port->post->n_queues; i++)
		if (port->post->queues[i]->n_new)
			queue_kick(port->post->queues[i]);
	return sent;
}

static void posts_free(struct xdp *xdp)
{
	pthread_mutex_lock(&xdp->lock);
	xdp->n_questions = 0;
	free(xdp->posts);
	xdp->posts = NULL;
	xdp->n_posts = 0;
	pthread_mutex_unlock(&xdp->lock);
}

static void port_close(struct rv_port *base)
{
	struct xdp_port *port = rv_container_of(base, struct xdp_port, port);
	struct wire *wire = port->wire;
	struct xdp *xdp = wire->xdp;

	if (port->post->receiver == base)
		port->post->receiver = NULL;
	if (port->inner)
		port->inner->ops->close(port->inner);
	if (base->fd >= 0)
		close(base->fd);
	free(port);
	if (--wire->n_ports)
		return;
	rv_ref_drop(&wire->ref);
	route_terms(xdp);
	if (!xdp->wires[0].n_ports && !xdp->wires[1].n_ports)
		posts_free(xdp);
}

static const struct rv_port_ops port_ops = {
	.size = sizeof(port_ops),
	.recv = port_recv,
	.send = port_send,
	.close = port_close,
};

/* One post a worker; the queues go round among them. */
static int make_posts(struct xdp *xdp, unsigned n)
{
	unsigned next = 0;

	if (xdp->posts)
		return xdp->n_posts == n ? 0 : -EINVAL;
	xdp->posts = calloc(n, sizeof(*xdp->posts));
	if (!xdp->posts)
		return -ENOMEM;
	xdp->n_posts = n;
	for (unsigned i = 0; i < n; i++) {
		xdp->posts[i].xdp = xdp;
		xdp->posts[i].index = i;
		rv_host_random(xdp->host, &xdp->posts[i].id, sizeof(xdp->posts[i].id));
	}
	for (unsigned d = 0; d < xdp->n_devices; d++)
		for (unsigned q = 0; q < xdp->devices[d].n_queues; q++) {
			struct post *post = &xdp->posts[next++ % n];
			if (post->n_queues < QUEUES_MOST)
				post->queues[post->n_queues++] = &xdp->devices[d].queues[q];
		}
	return 0;
}

static int watch(const struct xdp_port *port, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return fd >= 0 && epoll_ctl(port->port.fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Takes inner over; it is closed when this fails. */
static struct rv_port *wrap(struct wire *wire, unsigned i, struct rv_port *inner, int *error)
{
	struct xdp_port *port = calloc(1, sizeof(*port));
	struct post *post = &wire->xdp->posts[i];

	*error = -ENOMEM;
	if (!port) {
		inner->ops->close(inner);
		return NULL;
	}
	*port = (struct xdp_port){ .port = *inner, .wire = wire, .inner = inner, .post = post };
	port->port.ops = &port_ops;
	port->port.fd = epoll_create1(EPOLL_CLOEXEC);
	wire->n_ports++;
	*error = port->port.fd < 0 ? -errno : watch(port, inner->fd);
	if (!post->receiver)
		post->receiver = &port->port;
	for (unsigned q = 0; !*error && post->receiver == &port->port && q < post->n_queues; q++)
		*error = watch(port, xsk_socket__fd(post->queues[q]->socket));
	if (!*error)
		return &port->port;
	port_close(&port->port);
	return NULL;
}

static int wrap_all(struct wire *wire, unsigned n, struct rv_port **ports)
{
	int r = 0;

	wire->n_ports++; /* so that the last close() below is here */
	for (unsigned i = 0; i < n; i++) {
		if (!r)
			ports[i] = wrap(wire, i, ports[i], &r);
		else
			ports[i]->ops->close(ports[i]);
	}
	for (unsigned i = 0; r && i < n && ports[i]; i++)
		port_close(ports[i]);
	wire->n_ports--;
	return r;
}

int wire_ports(void *self, unsigned n, struct rv_port **ports, struct rv_why *why)
{
	struct wire *wire = self;
	struct xdp *xdp = wire->xdp;

	if (!wire->inner)
		return rv_why_set(why, -RV_ENO_PROVIDER, "no other plugin provides wire:%s", wire->name);
	if (wire->n_ports)
		return rv_why_set(why, -RV_EIN_USE, "wire:%s is in use by another ESP kernel", wire->name);
	const struct rv_wire_ops *inner = rv_service_ops(wire->inner);
	void *inner_self = rv_service_self(wire->inner);
	int r = rv_ref_take(&wire->ref, wire->inner, &xdp->user);
	if (!r)
		r = inner->ports(inner_self, n, ports, why);
	if (r) {
		rv_ref_drop(&wire->ref);
		return r;
	}
	xdp->mark = inner->mark(inner_self);
	if (wire->encap)
		xdp->port = inner->port(inner_self, true);
	r = make_posts(xdp, n);
	if (r)
		for (unsigned i = 0; i < n; i++)
			ports[i]->ops->close(ports[i]);
	else
		r = wrap_all(wire, n, ports);
	route_terms(xdp);
	if (!r)
		return 0;
	rv_ref_drop(&wire->ref);
	if (!xdp->wires[0].n_ports && !xdp->wires[1].n_ports)
		posts_free(xdp);
	return rv_why_set(why, r, "queues in front of wire:%s: %s", wire->name, rv_error_text(r));
}

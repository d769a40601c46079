// SPDX-License-Identifier: LGPL-2.1-or-later
/* ports: the sockets of the ports, made and closed on the loop. */
#include "port.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static void close_fds(struct udp_port *port)
{
	if (port->port.fd >= 0)
		close(port->port.fd);
	for (unsigned i = port->borrowed ? PEER : ANY; i < SOCKETS; i++)
		if (fd_of(port, i) >= 0)
			close(fd_of(port, i));
}

void port_close(struct rv_port *base)
{
	struct udp_port *port = rv_container_of(base, struct udp_port, port);
	struct udp_wire *wire = port->wire;

	if (port->dropped)
		rv_log(&wire->host->subject, RV_DEBUG, "port-closed", KV_UINT("dropped", port->dropped));
	close_fds(port);
	for (unsigned i = 0; i < wire->n_ports; i++)
		if (wire->ports[i] == port)
			wire->ports[i] = wire->ports[--wire->n_ports];
	free(port);
	if (wire->n_ports)
		return;
	int r = wire_watch_encap(wire, true);
	if (r)
		rv_log(&wire->host->subject, RV_ERROR, "wire-deaf", KV_STR("why", rv_error_text(r)));
}

static int watch_fd(const struct watcher *watcher, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = watcher->data };

	return fd >= 0 && epoll_ctl(watcher->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int watch(struct udp_port *port, int epoll, uint64_t data)
{
	struct watcher before = port->watcher;

	port->watcher = (struct watcher){ epoll, data };
	for (unsigned i = 0; i < RECEIVING; i++) {
		int fd = fd_of(port, i), r = watch_fd(&port->watcher, fd);
		if (r)
			return r;
		if (fd >= 0 && before.epoll >= 0)
			(void)epoll_ctl(before.epoll, EPOLL_CTL_DEL, fd, NULL); /* waking two costs twice */
	}
	return 0;
}

int port_watch(struct rv_port *base, int epoll, uint64_t data)
{
	return watch(rv_container_of(base, struct udp_port, port), epoll, data);
}

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
		int fd = first ? own : udp_open(&params, &bound, &marked);
		if (fd < 0)
			return fd;
		atomic_init(&port->fds[family], fd);
	}
	return 0;
}

static int poll_fds(struct udp_port *port)
{
	port->port.fd = epoll_create1(EPOLL_CLOEXEC);
	if (port->port.fd < 0)
		return -errno;
	for (unsigned i = 0; i < RECEIVING; i++)
		if (fd_of(port, i) >= 0)
			(void)udp_gro(fd_of(port, i), true); /* slower without it, but it works */
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
	for (unsigned i = 0; i < SOCKETS; i++)
		atomic_init(&port->fds[i], -1);
	port->watcher.epoll = -1;
	port->peers[0].patience = port->peers[1].patience = PATIENCE;
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

/* A socket of the port that is bound behind the others, among which all that comes is parted (udp_steer): it hears
 * nothing, unless it is connected. The descriptor or -errno. */
static int open_behind(struct udp_wire *wire, bool v6)
{
	struct socket_params params = {
		.family = v6 ? RV_IPV6 : RV_IPV4, .port = wire->port[1], .mark = wire->mark, .shared = true
	};
	int r = udp_share(wire->sockets[1][v6].fd);
	uint16_t bound;
	bool marked;

	if (r)
		return r;
	int fd = udp_open(&params, &bound, &marked);
	if (fd >= 0 && (r = udp_steer(fd, wire->n_ports))) {
		close(fd);
		return r;
	}
	return fd;
}

static int open_df(struct udp_wire *wire, struct udp_port *port)
{
	int fd = open_behind(wire, false), r = fd < 0 ? fd : udp_dont_fragment(fd);

	if (r && fd >= 0)
		close(fd);
	if (!r)
		atomic_store_explicit(&port->fds[DF], fd, memory_order_release);
	return r;
}

int wire_dont_fragment(void *self, struct rv_why *why)
{
	struct udp_wire *wire = self;
	int r = 0;

	for (unsigned i = 0; wire->sockets[1][0].fd >= 0 && !r && i < wire->n_ports; i++)
		if (fd_of(wire->ports[i], DF) < 0)
			r = open_df(wire, wire->ports[i]);
	return r ? rv_why_set(why, r, "UDP port %u with the DF bit: %s", wire->port[1], rv_error_text(r)) : 0;
}

static int open_peer(struct udp_port *port, const struct rv_addr *remote, struct rv_addr *local)
{
	bool v6 = remote->family == RV_IPV6;
	int fd = open_behind(port->wire, v6), r = fd < 0 ? fd : udp_connect(fd, remote, local);

	if (!r)
		(void)udp_gro(fd, true);
	if (!r)
		r = watch_fd(&port->watcher, fd);
	if (r && fd >= 0)
		close(fd);
	if (!r)
		atomic_store_explicit(&port->fds[PEER + v6], fd, memory_order_release);
	return r;
}

void wire_connect(struct udp_wire *wire, const struct rv_addr *remote)
{
	bool v6 = remote->family == RV_IPV6;
	struct udp_port *port = wire->n_ports == 1 ? wire->ports[0] : NULL;
	struct peer *peer = port ? &port->peers[v6] : NULL;

	/* the port that asked may be gone, and this one another */
	if (!port || atomic_load_explicit(&peer->state, memory_order_acquire) != ASKED ||
	    !rv_addr_same(remote, &peer->remote))
		return;
	int fd = fd_of(port, PEER + v6);
	int r = fd < 0 ? open_peer(port, remote, &peer->local) : udp_connect(fd, remote, &peer->local);
	rv_log(&wire->host->subject, RV_DEBUG, r ? "not-connected" : "connected", KV_ADDR("peer", remote),
	       KV_STR("why", r ? rv_error_text(r) : NULL));
	atomic_store_explicit(&peer->state, r ? NOBODY : CONNECTED, memory_order_release);
}

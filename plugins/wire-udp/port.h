// SPDX-License-Identifier: LGPL-2.1-or-later
/* port: what a worker's part of the encapsulation port consists of; port.c carries packets, ports.c makes it. */
#pragma once

#include "wire-udp.h"

#include <stdatomic.h>

/* The sockets of a port. The first ones receive, too; the last one sends with the DF bit. */
enum { ANY, ANY_V6, PEER, PEER_V6, RECEIVING, DF = RECEIVING, SOCKETS };

/* The socket is connected anew when so many packets more went elsewhere than by it, to where the last one went. The
 * number doubles each time, so that peers that take turns cost nothing. */
enum { PATIENCE = 64, PATIENCE_MAX = 1 << 20 };

enum peer_state { NOBODY, ASKED, CONNECTED };

/* The peer of a connected socket. It is the worker's, but the loop's while ASKED. */
struct peer {
	_Atomic enum peer_state state;
	struct rv_addr remote, local;
	unsigned others, patience; /* packets that went elsewhere, less those that went by it */
};

struct watcher {
	int epoll;
	uint64_t data;
};

struct udp_port {
	struct rv_port port;
	struct udp_wire *wire;
	_Atomic int fds[SOCKETS]; /* -1: none, or none yet */
	struct peer peers[2];	  /* by family */
	struct watcher watcher;	  /* the descriptor of the port, until somebody else watches */
	bool borrowed;		  /* the first two are the wire's */
	unsigned alone;		  /* turns that gave one packet each */
	unsigned turn, last;	  /* the socket that gave something last */
	bool no_trains;		  /* this host cannot send them */
	uint64_t dropped;
};

static inline int fd_of(struct udp_port *port, unsigned which)
{
	return atomic_load_explicit(&port->fds[which], memory_order_acquire);
}

extern const struct rv_port_ops port_ops;

int port_watch(struct rv_port *base, int epoll, uint64_t data);
void port_close(struct rv_port *base);

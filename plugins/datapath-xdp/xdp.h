// SPDX-License-Identifier: LGPL-2.1-or-later
/* xdp: what the parts of datapath-xdp share: interfaces with their queues, posts (one a worker), wrapped wires.
 *
 * Everything that needs a right is made in init: programs, sockets, memory. Later the loop writes only into pages that
 * it shares with the programs, and workers only into rings.
 */
#pragma once

#include "frame.h"
#include "program.h"
#include "queue.h"

#include <pthread.h>
#include <ravelin/datapath.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>

#define DATAPATH_XDP_SCHEMA                                                                                            \
	"ravelin.plugins.datapath-xdp.interfaces|list|||Network cards whose ESP goes past the system's stack "         \
	"through AF_XDP sockets.\n"                                                                                    \
	"ravelin.plugins.datapath-xdp.mode|choice|auto|auto,copy,zerocopy|Whether the card writes into our memory "    \
	"itself; auto: where it can.\n"

enum { IFACES_MOST = 16, QUEUES_MOST = 64, POSTS_MOST = 64, PATHS = 1024, ASKED_MOST = 64 };
/* An interface that was given over. */
struct device {
	char name[16];
	unsigned index;
	uint8_t mac[FRAME_MAC];
	uint32_t mtu;
	bool up;
	struct program program;
	unsigned n_queues;
	struct queue *queues;
};

/* path.c: what a worker knows of the way to a peer. */
struct path {
	struct rv_addr local, remote; /* without ports */
	uint64_t since_us;	      /* 0: empty */
	unsigned generation;
	bool known;		     /* the answer came, and holds for a while */
	const struct device *device; /* NULL: the ordinary way */
	uint8_t to[FRAME_MAC], from[FRAME_MAC];
	uint32_t mtu;
};

/* One worker's part. */
struct post {
	struct xdp *xdp;
	unsigned index;
	struct queue *queues[QUEUES_MOST];
	unsigned n_queues, turn;
	struct rv_port *receiver; /* the port that reads the queues */
	uint16_t id;		  /* of IPv4 */
	_Atomic bool answered;	  /* something is in answers */
	struct path paths[PATHS];
	struct path answers[ASKED_MOST]; /* under xdp->lock */
	unsigned n_answers;
};

/* The way to remote from local, or NULL: the ordinary one. Asks the loop when it is not known, or not lately. */
const struct path *path_find(struct post *post, const struct rv_addr *local, const struct rv_addr *remote,
			     uint64_t now_us);

/* A wire that we stand in front of. */
struct wire {
	struct xdp *xdp;
	const char *name;
	struct rv_service *inner; /* NULL: not there */
	struct rv_ref ref;	  /* while ports are open */
	unsigned n_ports;
	bool encap;
};

struct question {
	unsigned post;
	struct rv_addr local, remote;
};

struct mnl_socket;

struct xdp {
	struct rv_host *host;
	struct device devices[IFACES_MOST];
	unsigned n_devices;
	struct wire wires[2]; /* by encap */
	struct rv_user user;
	struct post *posts; /* NULL while no port is open */
	unsigned n_posts;
	uint32_t mark;
	uint16_t port;		     /* of encapsulated ESP */
	_Atomic unsigned generation; /* of what the system knows of routes and interfaces */
	pthread_mutex_t lock;	     /* questions, answers of posts */
	struct question questions[ASKED_MOST];
	unsigned n_questions;
	int asked; /* eventfd */
	struct rv_io asked_io, news_io;
	struct mnl_socket *requests, *news;
	unsigned seq;
	struct rv_bus_folder *folder;
};

/* A question for the loop; lost when too many wait. Worker thread. */
void path_ask(struct post *post, const struct rv_addr *local, const struct rv_addr *remote);

/* route.c: asks the system, on the loop. open: 0 or negative. look: what a device is now. */
int route_open(struct xdp *xdp);
void route_close(struct xdp *xdp);
int route_look(struct xdp *xdp, struct device *device);
void route_resolve(struct xdp *xdp, struct path *path);

/* Says to the programs which packets are ours, by the addresses that the interfaces have and the ports that are open.
 */
void route_terms(struct xdp *xdp);

/* wire.c: the operation ports of a wire. */
int wire_ports(void *self, unsigned n, struct rv_port **ports, struct rv_why *why);

/* show.c */
int show(struct xdp *xdp);

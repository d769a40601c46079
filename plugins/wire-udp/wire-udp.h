// SPDX-License-Identifier: LGPL-2.1-or-later
/* wire-udp: the UDP ports 500 and 4500, for keying messages and for encapsulated ESP (RFC 3948; RFC 7296, 2.23).
 *
 * Four sockets (two ports, two families) live on the loop. When a kernel asks for wire ports, the 4500 sockets are read
 * by its worker threads instead; keying messages that arrive there come back through the inbox.
 */
#pragma once

#include <pthread.h>
#include <ravelin/datapath.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { DATAGRAM_MAX = 65535, PORTS_MAX = 64 };

/* A datagram or train on its way: its octets in one or two parts, and what comes or goes with it. gso: octets of a
 * segment, 0 for one datagram. */
struct udp_message {
	struct iovec parts[2];
	unsigned n_parts;
	struct rv_addr local, remote;
	uint16_t gso;
	uint8_t tos;
	ssize_t len; /* received; -EMSGSIZE: cut short */
};

/* socket.c */

struct socket_params {
	uint8_t family;
	uint16_t port;
	uint32_t mark;
	bool shared; /* SO_REUSEPORT */
};

/* An unconnected socket bound to any address. *bound is the port it got, *marked whether the mark could be set. The
 * descriptor or -errno. Loop thread. */
int udp_open(const struct socket_params *params, uint16_t *bound, bool *marked);

/* Makes remote the one that the socket sends to and hears, from and at *local, which is what the routes say; it may
 * have had another one. What waits in it stays. 0 or -errno, and it is connected to no peer then. Loop thread. */
int udp_connect(int fd, const struct rv_addr *remote, struct rv_addr *local);

/* Lets the socket share its port with further ones, and gather or not gather trains (UDP_GRO). 0 or -errno. */
int udp_share(int fd);
int udp_gro(int fd, bool on);

/* All that the socket sends has the DF bit, whatever this host knows of the path. 0 or -errno. */
int udp_dont_fragment(int fd);

/* Parts what arrives among the n sockets that share the port of fd: an SA's ESP always goes to the one that the SPI
 * names, modulo n in the order in which they were bound; everything else goes to the first. 0 or -errno. */
int udp_steer(int fd, unsigned n);

enum { UDP_BATCH = 16 };

/* Receives at once up to n (1..UDP_BATCH) messages, each into its first part, and fills in what came with them.
 * local.port is left 0. How many, or -errno (-EAGAIN: nothing waits). Any thread. */
int udp_recv(int fd, struct udp_message *messages, unsigned n);

/* Sends at once n (1..UDP_BATCH) messages, each from its local (unless any) to its remote (none: the one that the
 * socket is connected to), until one cannot be sent: how many went out, or -errno of the first. Any thread. */
int udp_send(int fd, const struct udp_message *messages, unsigned n);

/* inbox.c: keying messages on their way from a worker to the loop; bounded, so a flood costs no memory. */

enum { INBOX_MESSAGES = 1024, INBOX_OCTETS = 1 << 20 };

struct letter {
	struct letter *next;
	struct rv_addr local, remote;
	size_t len;
	uint8_t octets[];
};

typedef void letter_fn(void *arg, const struct letter *letter);

struct inbox {
	pthread_mutex_t lock; /* everything below but io, fn and arg */
	struct letter *first, **last;
	size_t n, octets;
	uint64_t dropped;
	struct rv_io io;
	int fd;
	letter_fn *fn;
	void *arg;
};

/* fn is called on the loop for each letter. 0 or -errno, nothing left behind then. */
int inbox_init(struct inbox *inbox, struct rv_loop *loop, letter_fn *fn, void *arg);
void inbox_fini(struct inbox *inbox);

/* Copies a message in; an empty one is a question (wire_connect). False: there is no memory, or control is behind,
 * which is counted. Any thread. */
bool inbox_put(struct inbox *inbox, const struct rv_addr *local, const struct rv_addr *remote, struct rv_bytes message);

/* plugin.c */

#define WIRE_UDP_SCHEMA                                                                                                \
	"ravelin.plugins.wire-udp.port|int|500|0..65535|UDP port of keying messages; 0 takes any free "                \
	"one.\n"                                                                                                       \
	"ravelin.plugins.wire-udp.port_nat_t|int|4500|0..65535|UDP port that keying messages share with "              \
	"encapsulated ESP (RFC 3948); 0 takes any free one.\n"                                                         \
	"ravelin.plugins.wire-udp.fwmark|int|21334|0..4294967295|Mark of all wire sockets, which exempts "             \
	"them from routes into the tunnels.\n"                                                                         \
	"ravelin.plugins.wire-udp.path_mtu|int|1500|576..65535|MTU of the path to the peers, in octets; "              \
	"clear packets that would exceed it once sealed are answered with ICMP (RFC 4301, 8).\n"

struct udp_wire;
struct udp_port;

struct udp_socket {
	struct rv_io io;
	struct udp_wire *wire;
	int fd; /* -1: this family is not there */
	bool encap;
};

struct udp_wire {
	struct rv_host *host;
	struct udp_socket sockets[2][2]; /* by encap, by family */
	uint16_t port[2];		 /* by encap */
	uint32_t mark;
	uint32_t mtu;
	rv_wire_recv_fn *recv;
	void *recv_arg;
	struct inbox inbox;
	unsigned n_ports;
	struct udp_port *ports[PORTS_MAX]; /* n_ports of them */
	uint64_t stray;			   /* ESP while no kernel listens */
	uint8_t *buf;
};

/* What an octet string on the encapsulation port is (RFC 3948, 2). */
enum udp_class { UDP_IS_ESP, UDP_IS_KEYING, UDP_IS_KEEPALIVE, UDP_IS_NOTHING };
enum udp_class udp_classify(const uint8_t *p, size_t len);

/* Reads the encapsulation sockets on the loop, or (off) leaves them to the ports. */
int wire_watch_encap(struct udp_wire *wire, bool on);

/* ports.c: the ports operation of the service. Loop thread. */
int wire_ports(void *self, unsigned n, struct rv_port **ports, struct rv_why *why);

/* And the operation dont_fragment: a socket more for each port. */
int wire_dont_fragment(void *self, struct rv_why *why);

/* What a worker asked for with an empty letter: a socket that is connected to remote, if it still waits for one. */
void wire_connect(struct udp_wire *wire, const struct rv_addr *remote);

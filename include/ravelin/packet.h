// SPDX-License-Identifier: LGPL-2.1-or-later
/* packet.h: packets and the ports that they come in and go out by.
 *
 * A packet has an owner, a free function, head and tail room, and may be a train: several segments of seg_len octets
 * (the last may be shorter) that offloads carry in one piece. A port is one queue of one device or socket; it belongs
 * to one worker thread. The clear side gives IP packets, the wire side ESP packets with the addresses they travelled
 * by.
 */
#pragma once

#include <ravelin/addr.h>
#include <string.h>

enum { RV_BURST = 64, RV_HEADROOM = 128, RV_TAILROOM = 64 };
enum { RV_PACKET_ROOM = RV_HEADROOM + 65536 + RV_TAILROOM }; /* of a buffer, for a packet or train of any size */

/* data points into buf..buf+cap. vnet: how a clear-side train is segmented (the fields of struct virtio_net_hdr). */
struct rv_packet {
	uint8_t *buf, *data;
	uint32_t cap, len;
	uint32_t seg_len;	      /* 0: one packet, no train */
	struct rv_addr local, remote; /* wire side */
	uint8_t vnet[12];
	bool encap;  /* wire side: in UDP */
	uint8_t tos; /* wire side: DSCP and ECN of the outer header, of every segment (RFC 6040) */
	void (*release)(struct rv_packet *packet);
	void *owner;
	uint8_t protocol; /* wire side, without encap: of IP; 0: ESP */
	bool df;	  /* wire side, IPv4: no router may cut it */
};

struct rv_port;

/* Gives packet i of a recv() its place: the first has the caller's buffer (buf, cap), each further one what is left
 * behind the one before, so that a burst lies close together. False when not every packet would fit there. */
static inline bool rv_packet_lay(struct rv_packet *const *packets, size_t i)
{
	if (!i)
		return true;
	const struct rv_packet *before = packets[i - 1];
	size_t used = (size_t)(before->data - before->buf) + before->len + RV_TAILROOM;

	used = (used + 63) / 64 * 64; /* a line of the cache */
	if (before->cap < used + RV_PACKET_ROOM)
		return false;
	packets[i]->buf = before->buf + used;
	packets[i]->cap = before->cap - (uint32_t)used;
	return true;
}

/* The same for packet i of several that were received at once, each into a room of RV_PACKET_ROOM octets of its own:
 * its len octets are at. Few are moved up, so that a burst of short packets lies close together; many stay. False when
 * not every packet would fit behind the one before. */
static inline bool rv_packet_settle(struct rv_packet *const *packets, size_t i, uint8_t *at, uint32_t len)
{
	struct rv_packet *packet = packets[i];

	if (!rv_packet_lay(packets, i))
		return false;
	packet->data = packet->buf + RV_HEADROOM;
	packet->len = len;
	if (packet->data == at)
		return true;
	if (len <= RV_PACKET_ROOM / 8) {
		memmove(packet->data, at, len);
		return true;
	}
	packet->cap -= (uint32_t)(at - packet->data);
	packet->buf = at - RV_HEADROOM;
	packet->data = at;
	return true;
}

/* How many of n packets a port looks for at once, when so many turns gave one packet each: one, and at every fourth
 * turn all. Where packets come alone, most system calls that would find nothing are saved; where they come in crowds,
 * that shows at the fourth. */
static inline size_t rv_packet_appetite(unsigned alone, size_t n)
{
	return alone % 4 ? 1 : n;
}

/* recv: fills up to n packets where rv_packet_lay() and rv_packet_settle() say, from the first one's buf on, which has
 * RV_PACKET_ROOM octets at least; data is RV_HEADROOM octets into buf, with RV_TAILROOM behind; buf and cap of all may
 * be others then; the count, 0 when nothing waits (fewer than n says nothing of what waits). send: sends n packets; the
 * count that went out (the rest was dropped and counted by the port). Never blocks. close: ends the port and frees it.
 * Worker thread; close on the loop thread when no worker uses it. watch (may be missing): lets an epoll descriptor wait
 * for all that recv gives, each event with data, which is faster than by fd where that is an epoll descriptor itself;
 * fd need not tell of it any more; 0 or -errno; ends with the port. Loop thread. */
struct rv_port_ops {
	size_t size;
	int (*recv)(struct rv_port *port, struct rv_packet *const *packets, size_t n);
	int (*send)(struct rv_port *port, struct rv_packet *const *packets, size_t n);
	void (*close)(struct rv_port *port);
	int (*watch)(struct rv_port *port, int epoll, uint64_t data);
};

/* The head of every port. fd: what to poll for recv. takes_udp_trains: of a clear side; trains of datagrams, too. */
struct rv_port {
	const struct rv_port_ops *ops;
	int fd;
	bool takes_trains; /* send accepts trains; recv may give them */
	bool takes_udp_trains;
	uint32_t mtu;
};

// SPDX-License-Identifier: LGPL-2.1-or-later
/* datapath.h: kind "datapath", the clear side of the userspace kernel; and kind "wire", who owns ports and streams.
 *
 * And kind "icmp", who hears what routers say. A datapath opens interfaces; a wire gives endpoints for keying messages
 * (to a transport) and for ESP (to a kernel).
 */
#pragma once

#include <ravelin/packet.h>
#include <ravelin/registry.h>

struct rv_why;

/* open: makes (or finds) the interface name (NULL: the shared one) with n_queues queues; ports[i] is filled. ifname
 * holds the real name, ifindex its index. The interface goes when all its ports are closed. 0 or negative with why. */
struct rv_datapath_ops {
	size_t size;
	int (*open)(void *self, const char *name, unsigned n_queues, struct rv_port **ports, char ifname[static 16],
		    unsigned *ifindex, struct rv_why *why);
};
RV_KIND(datapath, "datapath", 1, struct rv_datapath_ops, open)

/* A keying datagram that arrived. Borrowed for the call. encap: on the port where ESP travels too. */
typedef void rv_wire_recv_fn(void *arg, const struct rv_addr *local, const struct rv_addr *remote, bool encap,
			     struct rv_bytes message);

/* listen: where keying messages are delivered, on the loop (fn NULL: no more). send: one keying datagram from local to
 * remote; encap: from the port that ESP shares, with the non-ESP marker (RFC 3948, 2.2). keepalive: one octet 0xFF
 * (RFC 3948, 2.3). ports: opens n wire-side ports for ESP, one a worker; keying messages that arrive there still reach
 * listen. protocol: those ports carry this protocol of IP, too, from now on (rv_packet.protocol); not there: they carry
 * ESP only. mark: the fwmark that all its sockets carry. port/port_encap: the bound port numbers. dont_fragment: comes
 * before packets with rv_packet.df; not there: it need not. */
struct rv_wire_ops {
	size_t size;
	int (*listen)(void *self, rv_wire_recv_fn *fn, void *arg);
	int (*send)(void *self, const struct rv_addr *local, const struct rv_addr *remote, bool encap,
		    struct rv_bytes message);
	int (*keepalive)(void *self, const struct rv_addr *local, const struct rv_addr *remote);
	int (*ports)(void *self, unsigned n, struct rv_port **ports, struct rv_why *why);
	uint32_t (*mark)(void *self);
	uint16_t (*port)(void *self, bool encap);
	int (*protocol)(void *self, uint8_t protocol, struct rv_why *why);
	int (*dont_fragment)(void *self, struct rv_why *why);
};
RV_KIND(wire, "wire", 1, struct rv_wire_ops, port)

/* An ICMP error of the router's family (RFC 792, RFC 4443), from its type on. Borrowed for the call. */
typedef void rv_icmp_recv_fn(void *arg, const struct rv_addr *router, struct rv_bytes message);

/* listen: where "destination unreachable" of IPv4 and "packet too big" of IPv6 are delivered, on the loop (fn NULL: no
 * more). Anybody may have sent them. 0 or negative with why. */
struct rv_icmp_ops {
	size_t size;
	int (*listen)(void *self, rv_icmp_recv_fn *fn, void *arg, struct rv_why *why);
};
RV_KIND(icmp, "icmp", 1, struct rv_icmp_ops, listen)

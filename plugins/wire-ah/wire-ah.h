// SPDX-License-Identifier: LGPL-2.1-or-later
/* wire-ah: AH (RFC 4302) over raw sockets, IP protocol 51.
 *
 * Its ports give and take whole packets with their outer headers, since the ICV covers these.
 */
#pragma once

#include <ravelin/datapath.h>
#include <ravelin/plugin.h>

#define WIRE_AH_SCHEMA                                                                                                 \
	"ravelin.plugins.wire-ah.fwmark|int|21334|0..4294967295|Mark of the sockets, which keeps their packets out "   \
	"of the tunnels.\n"                                                                                            \
	"ravelin.plugins.wire-ah.path_mtu|int|1500|576..65535|MTU of the path to the peers, in octets.\n"

enum { PORTS_MAX = 64, PROTO_AH = 51, IP4_HEADER = 20, IP6_HEADER = 40 };

struct ah_wire {
	struct rv_host *host;
	uint32_t mark, mtu;
	unsigned n_ports;
};

/* A pair of raw sockets, one a family. receives: whether packets are read there. NULL with *error. */
struct rv_port *ah_port_new(struct ah_wire *wire, bool receives, int *error);

/* One fragment of a packet: its headers, in memory of its own, and a piece of the packet. */
struct fragment {
	uint8_t header[256];
	uint32_t header_len;
	const uint8_t *piece;
	uint32_t len;
};

/* The fragment of the packet of len octets at p that begins at octet at of what can be cut, for a path of mtu octets
 * (RFC 791, 3.2; RFC 8200, 4.5); id tells the packets of IPv6 apart. Octets of the piece, 0 when there is none or the
 * packet is malformed. */
uint32_t fragment_make(struct fragment *fragment, const uint8_t *p, uint32_t len, uint32_t at, uint32_t mtu,
		       uint32_t id);

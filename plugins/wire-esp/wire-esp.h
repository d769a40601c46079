// SPDX-License-Identifier: LGPL-2.1-or-later
/* wire-esp: ESP as an IP protocol of its own (RFC 4303: number 50), over raw sockets.
 */
#pragma once

#include <ravelin/datapath.h>
#include <ravelin/plugin.h>

#define WIRE_ESP_SCHEMA                                                                                                \
	"ravelin.plugins.wire-esp.fwmark|int|21334|0..4294967295|Mark of all sockets, which exempts them from routes " \
	"into the tunnels; the same as that of wire-udp.\n"                                                            \
	"ravelin.plugins.wire-esp.path_mtu|int|1500|576..65535|MTU of the path to the peers, in octets.\n"

/* PROTOCOLS: ESP and further ones. */
enum { PROTO_ESP = 50, PORTS_MAX = 64, PROTOCOLS = 4 };

struct esp_wire {
	struct rv_host *host;
	uint32_t mark, mtu;
	unsigned n_ports;
	struct rv_port *ports[PORTS_MAX];
};

/* port.c. A pair of raw sockets, one a family. Only the first port receives: every raw socket gets a copy of every
 * packet. NULL with *error. */
struct rv_port *esp_port_new(struct esp_wire *wire, bool receives, int *error);

/* The port carries one more protocol of IP. 0 or negative. Loop thread; workers may be using the port. */
int esp_port_add(struct rv_port *port, uint8_t protocol);

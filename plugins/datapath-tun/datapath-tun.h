// SPDX-License-Identifier: LGPL-2.1-or-later
/* datapath-tun: the clear side of the userspace kernel as TUN devices, with several queues and segmentation offload.
 */
#pragma once

#include <ravelin/datapath.h>
#include <ravelin/plugin.h>

#define DATAPATH_TUN_SCHEMA                                                                                            \
	"ravelin.plugins.datapath-tun.interface|string|ravelin0||Name of the TUN device that connections share.\n"     \
	"ravelin.plugins.datapath-tun.mtu|int|1400|1280..65535|MTU of the TUN devices, in octets.\n"                   \
	"ravelin.plugins.datapath-tun.offload|bool|yes||Take trains of segments from the device (TSO, USO).\n"

/* Octets of struct virtio_net_hdr in front of every packet, as the device is set up. */
enum { VNET_HEADER = 10 };

struct tun_params {
	char name[16];
	unsigned mtu;
	bool several; /* queues */
	bool offload;
};

/* Which trains the device gives and takes: of TCP (TSO), of UDP (USO). */
struct tun_trains {
	bool tcp, udp;
};

/* tun.c. A queue of the device of this name, which is made with its first queue; ifname: its real name. The descriptor,
 * or -errno with why. */
int tun_open(const struct tun_params *params, char ifname[static 16], struct tun_trains *trains, struct rv_why *why);

/* Sets the MTU and brings the device up. 0 or -errno with why. */
int tun_up(const char *ifname, unsigned mtu, unsigned *ifindex, struct rv_why *why);

/* port.c. A port around a queue, which it owns from now on. NULL: out of memory (the queue is closed). */
struct rv_port *tun_port_new(struct rv_host *host, int fd, struct tun_trains trains, unsigned mtu);

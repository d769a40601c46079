// SPDX-License-Identifier: LGPL-2.1-or-later
/* port: one queue of a TUN device. A read or write is one packet or one train, with its struct virtio_net_hdr.
 */
#include "datapath-tun.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct tun_port {
	struct rv_port port;
	struct rv_host *host;
	unsigned alone; /* turns that gave one packet each */
	uint64_t dropped;
};

static ssize_t read_one(int fd, struct rv_packet *packet)
{
	packet->data = packet->buf + RV_HEADROOM;
	uint8_t *at = packet->data - VNET_HEADER;
	ssize_t n = read(fd, at, packet->cap - RV_HEADROOM - RV_TAILROOM + VNET_HEADER);

	if (n < 0)
		return -errno;
	memcpy(packet->vnet, at, VNET_HEADER);
	packet->len = n > VNET_HEADER ? (uint32_t)n - VNET_HEADER : 0;
	packet->seg_len = 0;
	return n;
}

static int port_recv(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct tun_port *port = rv_container_of(base, struct tun_port, port);
	size_t count = 0, most = rv_packet_appetite(port->alone, n);

	while (count < most && rv_packet_lay(packets, count)) {
		if (read_one(base->fd, packets[count]) < 0)
			break;
		count += packets[count]->len > 0;
	}
	port->alone = count == 1 ? port->alone + 1 : 0;
	return (int)count;
}

static int port_send(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct tun_port *port = rv_container_of(base, struct tun_port, port);
	int sent = 0;

	for (size_t i = 0; i < n; i++) {
		struct iovec parts[] = { { packets[i]->vnet, VNET_HEADER }, { packets[i]->data, packets[i]->len } };
		if (writev(base->fd, parts, 2) >= 0)
			sent++;
		else
			port->dropped++;
	}
	return sent;
}

static void port_close(struct rv_port *base)
{
	struct tun_port *port = rv_container_of(base, struct tun_port, port);

	if (port->dropped)
		rv_log(&port->host->subject, RV_DEBUG, "port-closed", KV_UINT("dropped", port->dropped));
	close(base->fd);
	free(port);
}

static const struct rv_port_ops port_ops = {
	.size = sizeof(port_ops),
	.recv = port_recv,
	.send = port_send,
	.close = port_close,
};

struct rv_port *tun_port_new(struct rv_host *host, int fd, struct tun_trains trains, unsigned mtu)
{
	struct tun_port *port = calloc(1, sizeof(*port));

	if (!port) {
		close(fd);
		return NULL;
	}
	port->host = host;
	port->port = (struct rv_port){
		.ops = &port_ops, .fd = fd, .takes_trains = trains.tcp, .takes_udp_trains = trains.udp, .mtu = mtu
	};
	return &port->port;
}

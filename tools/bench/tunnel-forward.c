// SPDX-License-Identifier: LGPL-2.1-or-later
/* tunnel-forward: what tools/bench/tunnel compares a tunnel with: a TUN device joined to another host's by UDP, without
 * any cryptography, in one thread.
 *
 * Trains: what the device gives (TSO, USO) travels as it is, with its struct virtio_net_hdr in front, cut by
 * UDP_SEGMENT and joined by UDP_GRO. No segment is looked at, no checksum computed: nothing that forwards can do less.
 * Single: one packet a datagram, no offloads.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PORT = 4501, ROOM = 65536 + 64, BURST = 64, SEGMENT = 1440, BUFFER = 4 << 20, HEADER = 10 };

/* <linux/if_tun.h> since Linux 6.2 */
enum { TUN_USO4 = 0x20, TUN_USO6 = 0x40 };

struct forward {
	int tun, udp;
	bool trains;
	uint8_t octets[ROOM];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_tun(const char *name, bool trains)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	unsigned offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_USO4 | TUN_USO6;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (trains)
		ifr.ifr_flags |= IFF_VNET_HDR;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		die("/dev/net/tun");
	if (trains && ioctl(fd, TUNSETOFFLOAD, (unsigned long)offload))
		die("TUNSETOFFLOAD");
	return fd;
}

static int open_udp(const char *local, const char *peer, bool trains)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(PORT) }, to = from;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = BUFFER, on = 1,
	    segment = SEGMENT;

	inet_pton(AF_INET, local, &from.sin_addr);
	inet_pton(AF_INET, peer, &to.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (trains && (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) ||
		       setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment))))
		die("UDP_SEGMENT");
	return fd;
}

/* What is lost on the way is lost, as on any wire. */
static void pass(struct forward *f, int from, int to)
{
	for (int i = 0; i < BURST; i++) {
		ssize_t n = read(from, f->octets, sizeof(f->octets));
		if (n <= 0)
			return;
		(void)!write(to, f->octets, (size_t)n);
	}
}

int main(int argc, char **argv)
{
	static struct forward f;

	if (argc != 5 || (strcmp(argv[4], "trains") && strcmp(argv[4], "single"))) {
		fprintf(stderr, "usage: %s DEVICE LOCAL PEER trains|single\n", argv[0]);
		return 2;
	}
	f.trains = !strcmp(argv[4], "trains");
	f.tun = open_tun(argv[1], f.trains);
	f.udp = open_udp(argv[2], argv[3], f.trains);
	printf("forwarding\n");
	fflush(stdout);
	for (;;) {
		struct pollfd fds[] = { { f.tun, POLLIN, 0 }, { f.udp, POLLIN, 0 } };
		if (poll(fds, 2, -1) < 0)
			die("poll");
		if (fds[0].revents)
			pass(&f, f.tun, f.udp);
		if (fds[1].revents)
			pass(&f, f.udp, f.tun);
	}
}

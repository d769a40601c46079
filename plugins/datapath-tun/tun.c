// SPDX-License-Identifier: LGPL-2.1-or-later
/* tun: opens queues of a TUN device (Documentation/networking/tuntap.rst of Linux). */
#include "datapath-tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <ravelin/error.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* <linux/if_tun.h> since Linux 6.2 */
enum { TUN_USO4 = 0x20, TUN_USO6 = 0x40 };

/* The most that this kernel grants, tried in this order. Segmentation is worth nothing without checksums. */
static struct tun_trains set_offload(int fd)
{
	static const struct {
		unsigned offload;
		struct tun_trains trains;
	} wanted[] = {
		{ TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_USO4 | TUN_USO6, { true, true } },
		{ TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, { true, false } },
		{ TUN_F_CSUM, { true, false } },
	};

	for (size_t i = 0; i < RV_COUNT(wanted); i++)
		if (!ioctl(fd, TUNSETOFFLOAD, (unsigned long)wanted[i].offload))
			return wanted[i].trains;
	return (struct tun_trains){ false, false };
}

static const char *advice(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return "CAP_NET_ADMIN is missing";
	case EBUSY:
		return "another program has this device";
	case ENOENT:
	case ENODEV:
		return "the kernel has no TUN (module tun), or the container no /dev/net/tun";
	case EINVAL:
		return "a device of another kind has this name, or it was made with another number of queues";
	default:
		return strerrordesc_np(error);
	}
}

int tun_open(const struct tun_params *params, char ifname[static 16], struct tun_trains *trains, struct rv_why *why)
{
	int header = VNET_HEADER;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };

	if (fd < 0) {
		int error = errno;
		return rv_why_set(why, -error, "/dev/net/tun cannot be opened: %s", advice(error));
	}
	if (params->several)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(ifr.ifr_name, params->name, sizeof(params->name));
	if (ioctl(fd, TUNSETIFF, &ifr) || ioctl(fd, TUNSETVNETHDRSZ, &header)) {
		int error = errno;
		close(fd);
		return rv_why_set(why, -error, "the TUN device %s cannot be made: %s", params->name, advice(error));
	}
	memcpy(ifname, ifr.ifr_name, IFNAMSIZ);
	*trains = params->offload ? set_offload(fd) : (struct tun_trains){ false, false };
	if (!params->offload)
		(void)ioctl(fd, TUNSETOFFLOAD, 0UL);
	return fd;
}

static int configure(int s, const char *ifname, unsigned mtu, unsigned *ifindex)
{
	struct ifreq ifr = { .ifr_mtu = (int)mtu };

	memcpy(ifr.ifr_name, ifname, IFNAMSIZ);
	if (ioctl(s, SIOCSIFMTU, &ifr) || ioctl(s, SIOCGIFFLAGS, &ifr))
		return -errno;
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(s, SIOCSIFFLAGS, &ifr) || ioctl(s, SIOCGIFINDEX, &ifr))
		return -errno;
	*ifindex = (unsigned)ifr.ifr_ifindex;
	return 0;
}

int tun_up(const char *ifname, unsigned mtu, unsigned *ifindex, struct rv_why *why)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		s = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return rv_why_set(why, -errno, "no socket to configure %s with", ifname);
	int r = configure(s, ifname, mtu, ifindex);
	close(s);
	return r ? rv_why_set(why, r, "%s cannot be brought up with an MTU of %u: %s", ifname, mtu, rv_error_text(r))
		 : 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* datapath-tun: the service "datapath:tun". A device lives as long as a queue of it is open. */
#include "datapath-tun.h"

#include <errno.h>
#include <ravelin/config.h>
#include <ravelin/error.h>
#include <string.h>

struct tun {
	struct rv_host *host;
};

/* Names that Linux takes literally: it makes a number of %d, and knows "." and "..". */
static bool name_fits(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < 16 && !strpbrk(name, "/%: \t\n") && strcmp(name, ".") && strcmp(name, "..");
}

static void close_all(struct rv_port **ports, unsigned n)
{
	while (n--)
		ports[n]->ops->close(ports[n]);
}

static int open_queues(struct rv_host *host, const struct tun_params *params, unsigned n, struct rv_port **ports,
		       char ifname[static 16], struct rv_why *why)
{
	struct tun_params each = *params;

	for (unsigned i = 0; i < n; i++) {
		struct tun_trains trains;
		int fd = tun_open(&each, ifname, &trains, why);
		ports[i] = fd < 0 ? NULL : tun_port_new(host, fd, trains, params->mtu);
		if (!ports[i]) {
			close_all(ports, i);
			return fd < 0 ? fd : -ENOMEM;
		}
		memcpy(each.name, ifname, sizeof(each.name));
	}
	return 0;
}

static int op_open(void *self, const char *name, unsigned n_queues, struct rv_port **ports, char ifname[static 16],
		   unsigned *ifindex, struct rv_why *why)
{
	const struct tun *tun = self;
	const struct rv_conf *conf = rv_host_conf(tun->host);
	struct tun_params params = { .mtu = (unsigned)rv_conf_int(conf, "mtu"),
				     .several = n_queues > 1,
				     .offload = rv_conf_bool(conf, "offload") };
	char real[16] = { 0 };

	name = name ? name : rv_conf_str(conf, "interface");
	if (!n_queues || !name || !name_fits(name))
		return rv_why_set(why, -EINVAL, "\"%s\" is no name of a network device", name ? name : "");
	memcpy(params.name, name, strlen(name));
	int r = open_queues(tun->host, &params, n_queues, ports, real, why);
	if (r)
		return r;
	r = tun_up(real, params.mtu, ifindex, why);
	if (r) {
		close_all(ports, n_queues);
		return r;
	}
	memcpy(ifname, real, sizeof(real));
	rv_log(&tun->host->subject, RV_INFO, "device-up", KV_STR("name", real), KV_UINT("mtu", params.mtu),
	       KV_UINT("queues", n_queues), KV_STR("trains", ports[0]->takes_trains ? "yes" : "no"));
	return 0;
}

static const struct rv_datapath_ops ops = { .size = sizeof(ops), .open = op_open };

static const char *const syscalls[] = { "openat", "ioctl", "read", "writev", "socket", "close", NULL };

static int init(struct rv_host *host)
{
	struct tun *tun = talloc_zero(host, struct tun);

	if (!tun)
		return -ENOMEM;
	tun->host = host;
	rv_host_needs_syscalls(host, syscalls);
	return rv_datapath_offer(host, (struct rv_offer){ .name = "tun" }, &ops, tun);
}

RV_PLUGIN(datapath_tun, "datapath-tun",
	  "version=1\0"
	  "summary=Clear-side packets through TUN devices\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=datapath:tun\0"
	  "rfc=4301\0"
	  "schema=" DATAPATH_TUN_SCHEMA "\0",
	  .init = init);

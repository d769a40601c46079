// SPDX-License-Identifier: LGPL-2.1-or-later
/* wire-ah: the service "wire:ah", for AH. It carries no keying messages. */
#include "wire-ah.h"

#include <errno.h>
#include <ravelin/config.h>
#include <ravelin/error.h>

static int op_listen(void *self, rv_wire_recv_fn *fn, void *arg)
{
	return -EOPNOTSUPP;
}

static int op_send(void *self, const struct rv_addr *local, const struct rv_addr *remote, bool encap,
		   struct rv_bytes message)
{
	return -EOPNOTSUPP;
}

static int op_keepalive(void *self, const struct rv_addr *local, const struct rv_addr *remote)
{
	return -EOPNOTSUPP;
}

static int op_ports(void *self, unsigned n, struct rv_port **ports, struct rv_why *why)
{
	struct ah_wire *wire = self;
	int r = 0;

	if (!n || n > PORTS_MAX)
		return rv_why_set(why, -EINVAL, "%u wire ports were asked for; 1 to %d are possible", n, PORTS_MAX);
	if (wire->n_ports)
		return rv_why_set(why, -RV_EIN_USE, "AH is in use by another kernel");
	for (unsigned i = 0; i < n; i++) {
		ports[i] = ah_port_new(wire, !i, &r);
		if (ports[i])
			continue;
		while (i--)
			ports[i]->ops->close(ports[i]);
		return rv_why_set(why, r, "raw sockets for AH: %s%s", rv_error_text(r),
				  r == -EPERM ? " (CAP_NET_RAW is missing)" : "");
	}
	return 0;
}

static uint32_t op_mark(void *self)
{
	const struct ah_wire *wire = self;

	return wire->mark;
}

static uint16_t op_port(void *self, bool encap)
{
	return 0;
}

static const struct rv_wire_ops ops = {
	.size = sizeof(ops),
	.listen = op_listen,
	.send = op_send,
	.keepalive = op_keepalive,
	.ports = op_ports,
	.mark = op_mark,
	.port = op_port,
};

static const char *const syscalls[] = { "socket",	 "setsockopt", "recvmsg", "sendmsg",
					"epoll_create1", "epoll_ctl",  "close",	  NULL };

static int init(struct rv_host *host)
{
	const struct rv_conf *conf = rv_host_conf(host);
	struct ah_wire *wire = talloc_zero(host, struct ah_wire);

	if (!wire)
		return -ENOMEM;
	wire->host = host;
	wire->mark = (uint32_t)rv_conf_int(conf, "fwmark");
	wire->mtu = (uint32_t)rv_conf_int(conf, "path_mtu");
	rv_host_needs_syscalls(host, syscalls);
	return rv_wire_offer(host, (struct rv_offer){ .name = "ah" }, &ops, wire);
}

RV_PLUGIN(wire_ah, "wire-ah",
	  "version=1\0"
	  "summary=AH over raw sockets\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=wire:ah\0"
	  "rfc=4302\0"
	  "schema=" WIRE_AH_SCHEMA "\0",
	  .init = init);

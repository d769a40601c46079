// SPDX-License-Identifier: LGPL-2.1-or-later
/* datapath-xdp: ESP past the system's stack, through AF_XDP sockets on interfaces that are given over to the daemon.
 *
 * The services wire:udp and wire:esp are offered in front of those of other plugins, and are those but for their ports.
 */
#include "xdp.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <ravelin/config.h>
#include <ravelin/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PRIORITY = 10, SMALL = 2048, LARGE = 4096, HEADROOM = XDP_PACKET_HEADROOM };

static const char *const names[] = { "esp", "udp" };

static const struct rv_wire_ops *inner_of(const struct wire *wire, void **self)
{
	*self = wire->inner ? rv_service_self(wire->inner) : NULL;
	return wire->inner ? rv_service_ops(wire->inner) : NULL;
}

static int op_listen(void *self, rv_wire_recv_fn *fn, void *arg)
{
	void *inner;
	const struct rv_wire_ops *ops = inner_of(self, &inner);

	return ops ? ops->listen(inner, fn, arg) : -ENODEV;
}

static int op_send(void *self, const struct rv_addr *local, const struct rv_addr *remote, bool encap,
		   struct rv_bytes message)
{
	void *inner;
	const struct rv_wire_ops *ops = inner_of(self, &inner);

	return ops ? ops->send(inner, local, remote, encap, message) : -ENODEV;
}

static int op_keepalive(void *self, const struct rv_addr *local, const struct rv_addr *remote)
{
	void *inner;
	const struct rv_wire_ops *ops = inner_of(self, &inner);

	return ops ? ops->keepalive(inner, local, remote) : -ENODEV;
}

static uint32_t op_mark(void *self)
{
	void *inner;
	const struct rv_wire_ops *ops = inner_of(self, &inner);

	return ops ? ops->mark(inner) : 0;
}

static uint16_t op_port(void *self, bool encap)
{
	void *inner;
	const struct rv_wire_ops *ops = inner_of(self, &inner);

	return ops ? ops->port(inner, encap) : 0;
}

static int op_protocol(void *self, uint8_t protocol, struct rv_why *why)
{
	void *inner;
	const struct rv_wire_ops *ops = inner_of(self, &inner);

	if (!ops || !RV_HAS(ops, protocol))
		return rv_why_set(why, -EOPNOTSUPP, "the wire carries ESP only");
	return ops->protocol(inner, protocol, why);
}

static int op_dont_fragment(void *self, struct rv_why *why)
{
	void *inner;
	const struct rv_wire_ops *ops = inner_of(self, &inner);

	return ops && RV_HAS(ops, dont_fragment) ? ops->dont_fragment(inner, why) : 0;
}

static const struct rv_wire_ops wire_ops = {
	.size = sizeof(wire_ops),
	.listen = op_listen,
	.send = op_send,
	.keepalive = op_keepalive,
	.ports = wire_ports,
	.mark = op_mark,
	.port = op_port,
	.protocol = op_protocol,
	.dont_fragment = op_dont_fragment,
};

static void wire_change(void *arg, struct rv_service *service, bool added)
{
	struct xdp *xdp = arg;

	if (strcmp(rv_service_owner(service), xdp->host->name) == 0)
		return;
	for (int i = 0; i < 2; i++) {
		struct wire *wire = &xdp->wires[i];
		if (strcmp(rv_service_name(service), wire->name) != 0)
			continue;
		if (added && !wire->inner)
			wire->inner = service;
		else if (!added && wire->inner == service)
			wire->inner = NULL;
	}
}

/* What workers ask. An answer that finds no room is asked for again. */
static void answer(struct rv_io *io, uint32_t events)
{
	struct xdp *xdp = rv_container_of(io, struct xdp, asked_io);
	struct question questions[ASKED_MOST];
	uint64_t count;

	(void)!read(xdp->asked, &count, sizeof(count));
	pthread_mutex_lock(&xdp->lock);
	unsigned n = xdp->n_questions;
	memcpy(questions, xdp->questions, n * sizeof(questions[0]));
	xdp->n_questions = 0;
	pthread_mutex_unlock(&xdp->lock);
	for (unsigned i = 0; i < n; i++) {
		struct path path = { .local = questions[i].local, .remote = questions[i].remote };
		struct post *post = &xdp->posts[questions[i].post];
		route_resolve(xdp, &path);
		pthread_mutex_lock(&xdp->lock);
		if (post->n_answers < ASKED_MOST)
			post->answers[post->n_answers++] = path;
		atomic_store_explicit(&post->answered, true, memory_order_relaxed);
		pthread_mutex_unlock(&xdp->lock);
	}
}

/* How many queues an interface receives by, and how many of them can send. */
static int count_queues(const char *name, unsigned *rx, unsigned *tx)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq request = { .ifr_data = (void *)&channels };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	int r = ioctl(fd, SIOCETHTOOL, &request) ? -errno : 0;
	close(fd);
	if (r && r != -EOPNOTSUPP)
		return r;
	*rx = r ? 1 : channels.combined_count + channels.rx_count;
	*tx = r ? 1 : channels.combined_count + channels.tx_count;
	return *rx ? 0 : -EOPNOTSUPP;
}

static int open_queues(struct xdp *xdp, struct device *device, enum mode mode, struct rv_why *why)
{
	uint32_t frame_len = FRAME_ETHERNET + device->mtu + HEADROOM <= SMALL ? SMALL : LARGE;
	unsigned rx = 0, tx = 0;
	int r = count_queues(device->name, &rx, &tx);

	if (r || rx > QUEUES_MOST)
		return rv_why_set(why, r ? r : -E2BIG, "it has %u queues, 1 to %d are possible (ethtool -L)", rx,
				  QUEUES_MOST);
	r = program_load(&device->program, rx, frame_len - HEADROOM, why);
	if (!r)
		r = program_attach(&device->program, device->index, mode == MODE_ZEROCOPY, why);
	device->queues = r ? NULL : talloc_zero_array(xdp, struct queue, rx);
	if (!device->queues)
		return r ? r : -ENOMEM;
	device->n_queues = rx;
	for (unsigned i = 0; !r && i < rx; i++) {
		struct queue *queue = &device->queues[i];
		queue->device = device;
		queue->id = i;
		queue->sends = i < tx;
		queue->frame_len = frame_len;
		r = queue_open(queue, mode, why);
	}
	return r;
}

static int open_device(struct xdp *xdp, const char *name, enum mode mode)
{
	struct device *device = &xdp->devices[xdp->n_devices++];
	struct rv_why why = { 0 };
	int r;

	device->program = (struct program){ .fd = -1, .sockets = -1, .values = -1, .link = -1 };
	device->index = if_nametoindex(name);
	snprintf(device->name, sizeof(device->name), "%s", name);
	r = device->index ? route_look(xdp, device) : rv_why_set(&why, -ENODEV, "there is no such interface");
	if (r == -EOPNOTSUPP)
		(void)rv_why_set(&why, r, "it is no Ethernet");
	if (!r)
		r = open_queues(xdp, device, mode, &why);
	if (r)
		rv_log(&xdp->host->subject, RV_ERROR, "xdp-unavailable", KV_STR("interface", name),
		       KV_STR("why", why.text[0] ? why.text : rv_error_text(r)),
		       KV_STR("advice", "take it out of interfaces, or do not load datapath-xdp: the ordinary wires "
					"go on"));
	else
		rv_log(&xdp->host->subject, RV_INFO, "xdp-ready", KV_STR("interface", name),
		       KV_UINT("queues", device->n_queues),
		       KV_STR("program", device->program.native ? "native" : "generic"),
		       KV_STR("memory", device->queues[0].zerocopy ? "zerocopy" : "copy"));
	return r;
}

static int open_devices(struct xdp *xdp)
{
	static const char *const modes[] = { [MODE_COPY] = "copy", [MODE_ZEROCOPY] = "zerocopy" };
	const struct rv_conf *conf = rv_host_conf(xdp->host);
	const char *const *list = rv_conf_list(conf, "interfaces");
	const char *wanted = rv_conf_str(conf, "mode");
	enum mode mode = MODE_AUTO;
	int r = 0;

	for (size_t i = MODE_COPY; i < RV_COUNT(modes); i++)
		if (strcmp(wanted, modes[i]) == 0)
			mode = (enum mode)i;
	if (!*list) {
		rv_log(&xdp->host->subject, RV_ERROR, "xdp-unavailable",
		       KV_STR("why", "no interface is given over: set ravelin.plugins.datapath-xdp.interfaces"));
		return -RV_ECONFIG;
	}
	for (; !r && *list; list++)
		r = xdp->n_devices < IFACES_MOST ? open_device(xdp, *list, mode) : -E2BIG;
	return r;
}

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "the queues of datapath-xdp");
}

static int end(struct xdp *xdp)
{
	rv_io_del(&xdp->asked_io);
	route_close(xdp);
	for (unsigned i = 0; i < xdp->n_devices; i++) {
		struct device *device = &xdp->devices[i];
		for (unsigned q = 0; q < device->n_queues; q++)
			queue_close(&device->queues[q]);
		program_unload(&device->program);
	}
	if (xdp->asked >= 0)
		close(xdp->asked);
	free(xdp->posts);
	pthread_mutex_destroy(&xdp->lock);
	return 0;
}

static int offer(struct xdp *xdp)
{
	int r = 0;

	if (!rv_registry_watch(xdp->host->registry, xdp, "wire", wire_change, xdp))
		return -ENOMEM;
	for (int i = 0; !r && i < 2; i++)
		r = rv_wire_offer(xdp->host, (struct rv_offer){ .name = names[i], .priority = PRIORITY }, &wire_ops,
				  &xdp->wires[i]);
	return r ? r : show(xdp);
}

static const char *const syscalls[] = { "close", "epoll_create1", "epoll_ctl", "munmap", "read",  "recvfrom",
					"recv",	 "recvmsg",	  "sendmsg",   "sendto", "write", NULL };

static int init(struct rv_host *host)
{
	struct xdp *xdp = talloc_zero(host, struct xdp);

	if (!xdp)
		return -ENOMEM;
	xdp->host = host;
	xdp->user.text = user_text;
	atomic_store(&xdp->generation, 1);
	for (int i = 0; i < 2; i++)
		xdp->wires[i] = (struct wire){ .xdp = xdp, .name = names[i], .encap = i };
	pthread_mutex_init(&xdp->lock, NULL);
	xdp->asked = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	talloc_set_destructor(xdp, end);
	int r = xdp->asked < 0 ? -errno : rv_io_add(&xdp->asked_io, host->loop, xdp->asked, EPOLLIN, answer);
	if (!r)
		r = route_open(xdp);
	if (!r)
		r = open_devices(xdp);
	if (r)
		return r;
	rv_host_needs_syscalls(host, syscalls);
	return offer(xdp);
}

RV_PLUGIN(datapath_xdp, "datapath-xdp",
	  "version=1\0"
	  "summary=ESP past the system's stack, through AF_XDP sockets\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=off\0"
	  "provides=wire:udp wire:esp\0"
	  "needs=wire:udp\0"
	  "rfc=3948 4303\0"
	  "rights=bpf ipc-lock\0"
	  "schema=" DATAPATH_XDP_SCHEMA "\0",
	  .init = init);

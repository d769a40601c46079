// SPDX-License-Identifier: LGPL-2.1-or-later
/* transport-udp: keying messages over UDP, sorted by their major version (RFC 7296, 2.23 and 3.1).
 *
 * It stands on the wire service "udp" and asks the registry for it at each call, so that the wire can come and go.
 */
#include "transport-udp.h"

#include <errno.h>
#include <ravelin/config.h>
#include <ravelin/error.h>
#include <ravelin/net.h>
#include <string.h>

/* RFC 7296, 3.1: the header has 28 octets; the version octet is the 18th, major version in its upper half. */
enum { HEADER_LEN = 28, VERSION_AT = 17, N_VERSIONS = 16, PORT = 500, PORT_ENCAP = 4500 };

struct listener {
	rv_transport_recv_fn *fn;
	void *arg;
};

struct transport {
	struct rv_host *host;
	struct listener listeners[N_VERSIONS];
	struct keepalives *keepalives; /* NULL: switched off */
	uint16_t peer_encap;
	bool deaf; /* while we go */
};

static const struct rv_wire_ops *wire_of(const struct transport *t, void **self)
{
	struct rv_service *service = rv_registry_find(t->host->registry, "wire", "udp");

	if (!service)
		return NULL;
	*self = rv_service_self(service);
	return rv_service_ops(service);
}

/* Who gets a message of this major version; a version that is too new goes to the newest, who refuses it (RFC 7296,
 * 2.5). */
static const struct listener *listener_for(const struct transport *t, unsigned version)
{
	if (t->listeners[version].fn)
		return &t->listeners[version];
	for (unsigned newest = N_VERSIONS; newest-- > 0;)
		if (t->listeners[newest].fn)
			return newest < version ? &t->listeners[newest] : NULL;
	return NULL;
}

static void arrived(void *arg, const struct rv_addr *local, const struct rv_addr *remote, bool encap,
		    struct rv_bytes message)
{
	struct transport *t = arg;
	struct rv_path path = { .local = *local, .remote = *remote, .encap = encap };

	if (message.len < HEADER_LEN)
		return;
	const struct listener *to = listener_for(t, message.p[VERSION_AT] >> 4);
	if (to)
		to->fn(to->arg, &path, message);
}

static void wire_change(void *arg, struct rv_service *service, bool added)
{
	struct transport *t = arg;
	const struct rv_wire_ops *ops = rv_service_ops(service);

	if (added && !t->deaf && !strcmp(rv_service_name(service), "udp"))
		(void)ops->listen(rv_service_self(service), arrived, t);
}

static int op_listen(void *self, unsigned version, rv_transport_recv_fn *fn, void *arg)
{
	struct transport *t = self;

	if (version >= N_VERSIONS)
		return -EINVAL;
	if (fn && t->listeners[version].fn)
		return -RV_EIN_USE;
	t->listeners[version] = (struct listener){ fn, arg };
	return 0;
}

static int op_send(void *self, const struct rv_path *path, struct rv_bytes message)
{
	void *wire = NULL;
	const struct rv_wire_ops *ops = wire_of(self, &wire);

	if (!ops)
		return -RV_ENO_PROVIDER;
	return ops->send(wire, &path->local, &path->remote, path->encap, message);
}

/* Without a net service the route decides when the datagram goes out. */
static void find_source(struct transport *t, const struct rv_addr *remote, struct rv_addr *local)
{
	struct rv_service *service = rv_registry_find(t->host->registry, "net", NULL);
	const struct rv_net_ops *ops = service ? rv_service_ops(service) : NULL;
	struct rv_addr found;

	if (ops && !ops->source(rv_service_self(service), remote, &found) && found.family == remote->family)
		*local = found;
}

static int op_path(void *self, const struct rv_addr *local, const struct rv_addr *remote, struct rv_path *out)
{
	struct transport *t = self;
	struct rv_path path = { .remote = *remote };
	void *wire = NULL;
	const struct rv_wire_ops *ops = wire_of(t, &wire);

	if (!ops)
		return -RV_ENO_PROVIDER;
	if (rv_addr_is_any(remote) || (local && local->family && local->family != remote->family))
		return -EINVAL;
	path.local.family = remote->family;
	if (local && !rv_addr_is_any(local))
		path.local = *local;
	else
		find_source(t, remote, &path.local);
	path.local.port = ops->port(wire, false);
	if (!path.remote.port)
		path.remote.port = PORT;
	*out = path;
	return 0;
}

static void op_encapsulate(void *self, struct rv_path *path)
{
	struct transport *t = self;
	void *wire = NULL;
	const struct rv_wire_ops *ops = wire_of(t, &wire);

	if (path->encap)
		return;
	path->encap = true;
	path->local.port = ops ? ops->port(wire, true) : PORT_ENCAP;
	path->remote.port = t->peer_encap;
}

static void keep_open(void *arg, const struct rv_path *path)
{
	void *wire = NULL;
	const struct rv_wire_ops *ops = wire_of(arg, &wire);

	if (ops)
		(void)ops->keepalive(wire, &path->local, &path->remote);
}

static int op_keepalive(void *self, const struct rv_path *path, uint64_t key, bool on)
{
	struct transport *t = self;

	if (!t->keepalives)
		return 0;
	if (on && path->encap)
		return keepalive_on(t->keepalives, path, key);
	keepalive_off(t->keepalives, key);
	return 0;
}

static const struct rv_transport_ops ops = {
	.size = sizeof(ops),
	.listen = op_listen,
	.send = op_send,
	.path = op_path,
	.encapsulate = op_encapsulate,
	.keepalive = op_keepalive,
};

static int end(struct transport *t)
{
	void *wire = NULL;

	t->deaf = true;
	const struct rv_wire_ops *wire_ops = wire_of(t, &wire);
	if (wire_ops)
		(void)wire_ops->listen(wire, NULL, NULL);
	return 0;
}

static int init(struct rv_host *host)
{
	struct transport *t = talloc_zero(host, struct transport);
	const struct rv_conf *conf = rv_host_conf(host);
	uint64_t period_us = rv_conf_us(conf, "keep_alive");

	if (!t)
		return -ENOMEM;
	t->host = host;
	t->peer_encap = (uint16_t)rv_conf_int(conf, "peer_port_nat_t");
	if (period_us)
		t->keepalives = keepalives_new(t, host->loop, period_us, keep_open, t);
	if (period_us && !t->keepalives)
		return -ENOMEM;
	if (!rv_registry_watch(host->registry, t, "wire", wire_change, t))
		return -ENOMEM;
	talloc_set_destructor(t, end);
	return rv_transport_offer(host, (struct rv_offer){ .name = "udp" }, &ops, t);
}

RV_PLUGIN(transport_udp, "transport-udp",
	  "version=1\0"
	  "summary=Keying messages over UDP, with NAT keepalives\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=transport:udp\0"
	  "needs=wire:udp\0"
	  "rfc=7296 3948\0"
	  "schema=" TRANSPORT_UDP_SCHEMA "\0",
	  .init = init);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* iface: clear-side devices, one shared and one for each connection that asks for its own. */
#include "userspace.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t linger_us = 2000000;

static void close_ports(struct iface *iface)
{
	for (unsigned i = 0; i < iface->n_ports; i++)
		iface->ports[i]->ops->close(iface->ports[i]);
}

static void iface_free(struct retired *retired)
{
	struct iface *iface = rv_container_of(retired, struct iface, retired);

	close_ports(iface);
	free(iface);
}

static void iface_close(struct iface *iface)
{
	struct userspace *u = iface->home;

	rv_timer_cancel(&iface->timer);
	for (unsigned i = 0; u->workers && i < u->n_workers; i++)
		worker_unwatch_iface(&u->workers[i], iface);
	table_del(&u->db.ifaces, iface);
	retire(&u->db.retirer, &iface->retired, iface_free);
}

static void lingered(struct rv_timer *timer)
{
	iface_close(rv_container_of(timer, struct iface, timer));
}

struct iface *iface_find(const struct userspace *u, const char *name)
{
	uint32_t at = 0;

	for (struct iface *iface; (iface = table_each(&u->db.ifaces, &at));)
		if (!strcmp(iface->name, name ? name : ""))
			return iface;
	return NULL;
}

static int watch_all(struct userspace *u, struct iface *iface)
{
	int r = table_add(&u->db.ifaces, iface);

	for (unsigned i = 0; !r && i < u->n_workers; i++)
		r = worker_watch_iface(&u->workers[i], iface);
	return r;
}

static struct iface *iface_new(struct userspace *u, const char *name)
{
	struct iface *iface = calloc(1, sizeof(*iface) + u->n_workers * sizeof(iface->ports[0]));

	if (!iface)
		return NULL;
	iface->home = u;
	iface->key = name[0] ? ++u->last_iface : 0;
	memcpy(iface->name, name, strlen(name));
	rv_timer_init(&iface->timer, u->host->loop, lingered);
	return iface;
}

static int iface_open(struct userspace *u, const char *name, struct iface **out, struct rv_why *why)
{
	struct rv_service *service = rv_registry_find(u->host->registry, "datapath", NULL);
	const struct rv_datapath_ops *ops = service ? rv_service_ops(service) : NULL;
	struct iface *iface = ops ? iface_new(u, name) : NULL;
	unsigned ifindex;

	if (!ops)
		return rv_why_set(why, -RV_ENO_PROVIDER, "no loaded plugin provides a datapath");
	if (!iface)
		return -ENOMEM;
	int r = u->datapath.service ? 0 : rv_ref_take(&u->datapath, service, &u->user);
	if (!r)
		r = ops->open(rv_service_self(service), name[0] ? name : NULL, u->n_workers, iface->ports,
			      iface->ifname, &ifindex, why);
	if (r) {
		free(iface);
		return r;
	}
	iface->n_ports = u->n_workers;
	r = watch_all(u, iface);
	if (r) {
		iface_close(iface);
		return r;
	}
	*out = iface;
	return 0;
}

int iface_get(struct userspace *u, const char *name, struct iface **out, struct rv_why *why)
{
	struct iface *iface = iface_find(u, name);
	int r = 0;

	if (name && strlen(name) >= sizeof(iface->name))
		return rv_why_set(why, -EINVAL, "the interface name %s is too long", name);
	if (!iface)
		r = userspace_start(u, why);
	if (!iface && !r)
		r = iface_open(u, name ? name : "", &iface, why);
	if (r)
		return r;
	rv_timer_cancel(&iface->timer);
	iface->users++;
	*out = iface;
	return 0;
}

void iface_put(struct iface *iface)
{
	if (--iface->users)
		return;
	const struct userspace *u = iface->home;
	bool idle = !u->workers || !u->workers[0].running;

	if (idle || (iface->key && rv_timer_arm(&iface->timer, linger_us)))
		iface_close(iface);
}

void iface_flush(struct userspace *u)
{
	uint32_t at = 0;

	for (struct iface *iface; (iface = table_each(&u->db.ifaces, &at));)
		if (!iface->users)
			iface_close(iface);
}

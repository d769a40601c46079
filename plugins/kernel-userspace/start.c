// SPDX-License-Identifier: LGPL-2.1-or-later
/* start: the way into work and out of it: wire ports, worker threads, the thread that waits for grace periods. */
#include "userspace.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdlib.h>

/* One port a worker of the wire of this name. A wire that is not loaded is no failure here. */
static int open_wire(struct userspace *u, bool encap, struct rv_why *why)
{
	struct rv_service *service = rv_registry_find(u->host->registry, "wire", encap ? "udp" : "esp");
	const struct rv_wire_ops *ops = service ? rv_service_ops(service) : NULL;
	struct rv_port **ports = ops ? calloc(u->n_workers, sizeof(struct rv_port *)) : NULL;

	if (!ops)
		return 0;
	if (!ports)
		return -ENOMEM;
	int r = rv_ref_take(&u->wires[encap], service, &u->user);
	if (!r)
		r = ops->ports(rv_service_self(service), u->n_workers, ports, why);
	if (r) {
		free(ports);
		rv_ref_drop(&u->wires[encap]);
		return r;
	}
	u->wire_ports[encap] = ports;
	return 0;
}

/* Raw ESP needs a right that UDP does not; without it there is UDP only. */
static int open_raw(struct userspace *u, struct rv_why *why)
{
	struct rv_why raw = { 0 };
	int r = open_wire(u, false, &raw);

	if (!r)
		return 0;
	if (!u->wire_ports[1])
		return rv_why_set(why, r, "%s", raw.text);
	rv_log(&u->host->subject, RV_WARN, "no-raw-esp", KV_STR("why", raw.text));
	return 0;
}

static int make_workers(struct userspace *u)
{
	int r = 0;

	u->workers = calloc(u->n_workers, sizeof(*u->workers));
	if (!u->workers)
		return -ENOMEM;
	for (unsigned i = 0; !r && i < u->n_workers; i++) {
		struct worker *w = &u->workers[i];
		r = worker_init(w, &u->db, i, u->max_contexts);
		for (int encap = 0; !r && encap < 2; encap++)
			if (u->wire_ports[encap])
				r = worker_watch_wire(w, encap, u->wire_ports[encap][i]);
	}
	return r;
}

/* The grace period in words that race detectors know: every worker's last turn is over for whoever reads this. */
static void settled(void *arg)
{
	const struct userspace *u = arg;

	for (unsigned i = 0; i < u->n_workers; i++)
		(void)atomic_load_explicit(&u->workers[i].turns, memory_order_acquire);
}

static int start_threads(struct userspace *u)
{
	int r = retirer_start(&u->db.retirer, u->host->loop, settled, u);

	for (unsigned i = 0; !r && i < u->n_workers; i++)
		r = worker_start(&u->workers[i], rv_loop_now_us(u->host->loop));
	return r;
}

int userspace_start(struct userspace *u, struct rv_why *why)
{
	if (u->workers)
		return 0;
	int r = open_wire(u, true, why);
	if (!r)
		r = open_raw(u, why);
	if (!r && !u->wire_ports[0] && !u->wire_ports[1])
		r = rv_why_set(why, -RV_ENO_PROVIDER, "no loaded plugin provides a wire for ESP");
	if (!r)
		r = make_workers(u);
	if (!r)
		r = start_threads(u);
	if (r) {
		userspace_stop(u);
		return rv_why_set(why, r, "the packet workers cannot be started: %s", rv_error_text(r));
	}
	rv_log(&u->host->subject, RV_INFO, "workers-started", KV_UINT("n", u->n_workers));
	return 0;
}

static void close_wire(struct userspace *u, bool encap)
{
	struct rv_port **ports = u->wire_ports[encap];

	for (unsigned i = 0; ports && i < u->n_workers; i++)
		ports[i]->ops->close(ports[i]);
	free(ports);
	u->wire_ports[encap] = NULL;
	rv_ref_drop(&u->wires[encap]);
}

void userspace_stop(struct userspace *u)
{
	for (unsigned i = 0; u->workers && i < u->n_workers; i++)
		worker_stop(&u->workers[i]);
	retirer_stop(&u->db.retirer);
	flush_policies(u);
	flush_sas(u);
	iface_flush(u);
	for (unsigned i = 0; u->workers && i < u->n_workers; i++)
		worker_fini(&u->workers[i]);
	free(u->workers);
	u->workers = NULL;
	close_wire(u, false);
	close_wire(u, true);
}

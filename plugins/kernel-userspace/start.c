// SPDX-License-Identifier: LGPL-2.1-or-later
/* start: the way into work and out of it: wire ports, worker threads, the thread that waits for grace periods. */
#include "capture.h"
#include "userspace.h"

#include <errno.h>
#include <ravelin/error.h>
#include <stdlib.h>

/* One port a worker of the wire of this name. A wire that is not loaded is no failure here. */
static int open_wire(struct userspace *u, enum wire wire, struct rv_why *why)
{
	static const char *const names[N_WIRES] = { [WIRE_ESP] = "esp", [WIRE_UDP] = "udp", [WIRE_AH] = "ah" };
	struct rv_service *service = rv_registry_find(u->host->registry, "wire", names[wire]);
	const struct rv_wire_ops *ops = service ? rv_service_ops(service) : NULL;
	struct rv_port **ports = ops ? calloc(u->n_workers, sizeof(struct rv_port *)) : NULL;

	if (!ops)
		return 0;
	if (!ports)
		return -ENOMEM;
	int r = rv_ref_take(&u->wires[wire], service, &u->user);
	if (!r)
		r = ops->ports(rv_service_self(service), u->n_workers, ports, why);
	if (r) {
		free(ports);
		rv_ref_drop(&u->wires[wire]);
		return r;
	}
	u->wire_ports[wire] = ports;
	return 0;
}

/* Raw sockets need a right that UDP does not; without it there is UDP only. */
static int open_raw(struct userspace *u, enum wire wire, struct rv_why *why)
{
	struct rv_why raw = { 0 };
	int r = open_wire(u, wire, &raw);

	if (!r)
		return 0;
	if (!u->wire_ports[WIRE_UDP])
		return rv_why_set(why, r, "%s", raw.text);
	rv_log(&u->host->subject, RV_WARN, wire == WIRE_AH ? "no-raw-ah" : "no-raw-esp", KV_STR("why", raw.text));
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
		for (enum wire wire = 0; !r && wire < N_WIRES; wire++)
			if (u->wire_ports[wire])
				r = worker_watch_wire(w, wire, u->wire_ports[wire][i]);
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
	int r = open_wire(u, WIRE_UDP, why);
	if (!r)
		r = open_raw(u, WIRE_ESP, why);
	if (!r)
		r = open_raw(u, WIRE_AH, why);
	if (!r && !u->wire_ports[WIRE_ESP] && !u->wire_ports[WIRE_UDP])
		r = rv_why_set(why, -RV_ENO_PROVIDER, "no loaded plugin provides a wire for ESP");
	if (!r)
		r = make_workers(u);
	if (!r)
		r = start_threads(u);
	if (r) {
		userspace_stop(u);
		return rv_why_set(why, r, "the packet workers cannot be started: %s", rv_error_text(r));
	}
	pmtu_start(u);
	rv_log(&u->host->subject, RV_INFO, "workers-started", KV_UINT("n", u->n_workers));
	return 0;
}

static void close_wire(struct userspace *u, enum wire wire)
{
	struct rv_port **ports = u->wire_ports[wire];

	for (unsigned i = 0; ports && i < u->n_workers; i++)
		ports[i]->ops->close(ports[i]);
	free(ports);
	u->wire_ports[wire] = NULL;
	rv_ref_drop(&u->wires[wire]);
}

void userspace_stop(struct userspace *u)
{
	for (unsigned i = 0; u->workers && i < u->n_workers; i++)
		worker_stop(&u->workers[i]);
	capture_stop(u);
	pmtu_stop(u);
	retirer_stop(&u->db.retirer);
	flush_policies(u);
	flush_sas(u);
	iface_flush(u);
	for (unsigned i = 0; u->workers && i < u->n_workers; i++)
		worker_fini(&u->workers[i]);
	free(u->workers);
	u->workers = NULL;
	for (enum wire wire = 0; wire < N_WIRES; wire++)
		close_wire(u, wire);
}

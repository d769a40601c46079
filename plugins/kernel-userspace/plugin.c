// SPDX-License-Identifier: LGPL-2.1-or-later
/* kernel-userspace: ESP (RFC 4303) in threads of this process: tunnel and transport mode, in UDP and raw.
 *
 * This file is the service's face. Packets live in lane.h, the databases in sa.h and policies.h, threads in worker.h.
 */
#include "capture.h"
#include "userspace.h"

#include <errno.h>
#include <ravelin/config.h>
#include <ravelin/error.h>
#include <stdio.h>
#include <string.h>

static int op_events(void *self, const struct rv_kernel_events *events)
{
	struct userspace *u = self;

	u->events = events;
	return 0;
}

static bool op_needs_encap(void *self)
{
	return true;
}

static int op_clear_side(void *self, const char *interface, char ifname[static 16], uint32_t *mark)
{
	const struct userspace *u = self;
	const struct iface *iface = iface_find(u, interface);

	if (!iface)
		return -ENODEV;
	const struct rv_ref *wire = u->wires[WIRE_UDP].service ? &u->wires[WIRE_UDP] : &u->wires[WIRE_ESP];
	const struct rv_wire_ops *ops = rv_service_ops(wire->service);
	memcpy(ifname, iface->ifname, sizeof(iface->ifname));
	*mark = ops->mark(rv_service_self(wire->service));
	return 0;
}

static bool op_extends(void *self)
{
	return true;
}

static int op_capture(void *self, uint32_t reqid, int fd, struct rv_why *why)
{
	return capture_start(self, reqid, fd, why);
}

static int op_flush(void *self)
{
	struct userspace *u = self;

	userspace_stop(u);
	return 0;
}

static int op_dropped(void *self, uint64_t dropped[static RV_N_DROPS])
{
	const struct userspace *u = self;

	for (size_t i = 0; i < RV_N_DROPS; i++)
		dropped[i] = atomic_load_explicit(&u->db.dropped[i], memory_order_relaxed);
	return 0;
}

static const struct rv_kernel_ops ops = {
	.size = sizeof(ops),
	.events = op_events,
	.spi = verb_spi,
	.sa_add = verb_sa_add,
	.sa_update = verb_sa_update,
	.sa_del = verb_sa_del,
	.policy_add = verb_policy_add,
	.policy_del = verb_policy_del,
	.stats = verb_stats,
	.pack = verb_pack,
	.needs_encap = op_needs_encap,
	.clear_side = op_clear_side,
	.flush = op_flush,
	.extends = op_extends,
	.capture = op_capture,
	.dropped = op_dropped,
};

static void told(void *arg, const struct note *note)
{
	const struct userspace *u = arg;
	const struct rv_kernel_events *e = u->events;

	if (!e)
		return;
	switch ((enum note_type)note->type) {
	case NOTE_ACQUIRE:
		e->acquire(e->arg, note->id, &note->local, &note->remote);
		return;
	case NOTE_EXPIRE:
		e->expire(e->arg, note->id, note->hard);
		return;
	case NOTE_MAPPING:
		e->mapping(e->arg, note->id, &note->addr);
		return;
	case NOTE_UNKNOWN:
		if (e->unknown)
			e->unknown(e->arg, note->id, &note->here, &note->addr, note->encap);
		return;
	}
}

static void user_text(const struct rv_user *user, char *out, size_t size)
{
	snprintf(out, size, "the packet workers of kernel-userspace");
}

static void report_drops(struct userspace *u)
{
	uint64_t dropped[RV_N_DROPS];

	(void)op_dropped(u, dropped);
	for (uint8_t i = 0; i < RV_N_DROPS; i++)
		if (dropped[i])
			rv_log(&u->host->subject, RV_INFO, "dropped-outside-of-sas", KV_STR("cause", rv_drop_text(i)),
			       KV_UINT("packets", dropped[i]));
}

static void databases_fini(struct userspace *u)
{
	notes_fini(&u->db.notes);
	timed_fini(&u->db.extended.timed);
	table_fini(&u->db.in);
	table_fini(&u->db.out);
	table_fini(&u->db.bundles);
	table_fini(&u->db.ifaces);
	table_fini(&u->reserved);
	spd_fini(&u->db.spd);
}

static int end(struct userspace *u)
{
	report_drops(u);
	userspace_stop(u);
	rv_ref_drop(&u->datapath);
	databases_fini(u);
	return 0;
}

static int databases_init(struct userspace *u)
{
	struct databases *db = &u->db;
	int r = table_init(&db->in, &db->retirer);

	db->vault = u->host->vault;
	if (!r)
		r = table_init(&db->out, &db->retirer);
	if (!r)
		r = table_init(&db->bundles, &db->retirer);
	if (!r)
		r = table_init(&db->ifaces, &db->retirer);
	if (!r)
		r = table_init(&u->reserved, NULL);
	if (!r)
		r = spd_init(&db->spd, &db->retirer);
	return r ? r : notes_init(&db->notes, u->host->loop, told, u);
}

static const char *const syscalls[] = { "clock_gettime", "clone",	    "clone3",	    "close", "epoll_create1",
					"epoll_ctl",	 "epoll_pwait",	    "epoll_pwait2", "fcntl", "poll",
					"ppoll",	 "epoll_wait",	    "eventfd2",	    "exit",  "futex",
					"getrandom",	 "madvise",	    "membarrier",   "mmap",  "mprotect",
					"munmap",	 "prctl",	    "read",	    "rseq",  "rt_sigprocmask",
					"sched_yield",	 "set_robust_list", "write",	    NULL };

static int init(struct rv_host *host)
{
	const struct rv_conf *conf = rv_host_conf(host);
	struct userspace *u = talloc_zero(host, struct userspace);

	if (!u)
		return -ENOMEM;
	u->host = host;
	u->user.text = user_text;
	pmtu_init(u);
	u->n_workers = (unsigned)rv_conf_int(conf, "workers");
	u->max_contexts = (uint32_t)rv_conf_int(conf, "contexts");
	u->path_mtu_age_us = (uint64_t)rv_conf_int(conf, "path_mtu_age");
	int r = databases_init(u);
	if (r) {
		databases_fini(u);
		return r;
	}
	talloc_set_destructor(u, end);
	rv_host_needs_syscalls(host, syscalls);
	return rv_kernel_offer(host, (struct rv_offer){ .name = "userspace" }, &ops, u);
}

RV_PLUGIN(kernel_userspace, "kernel-userspace",
	  "version=1\0"
	  "summary=ESP and AH in user space, in worker threads\0"
	  "licence=LGPL-2.1-or-later\0"
	  "vendor=Ravelin\0"
	  "default=on\0"
	  "provides=kernel:userspace\0"
	  "needs=datapath wire aead\0"
	  "rfc=4303 4302 4301 3948 4106 4543 3602 2410 7634 6040 6479\0"
	  "resident=yes\0"
	  "schema=" KERNEL_USERSPACE_SCHEMA "\0",
	  .init = init);

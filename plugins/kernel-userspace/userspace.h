// SPDX-License-Identifier: LGPL-2.1-or-later
/* userspace: the kernel service as one object: databases, workers, and the verbs that change them.
 *
 * Everything here runs on the loop. Workers start with the first policy or SA, and end with the plugin.
 */
#pragma once

#include "worker.h"

#include <ravelin/datapath.h>
#include <ravelin/kernel.h>
#include <ravelin/plugin.h>

#define KERNEL_USERSPACE_SCHEMA                                                                                        \
	"ravelin.plugins.kernel-userspace.workers|int|1|1..64|Threads that carry packets; with few cores, fewer can "  \
	"be faster.\n"                                                                                                 \
	"ravelin.plugins.kernel-userspace.contexts|int|4096|16..1048576|Cipher contexts that each worker keeps "       \
	"ready; "                                                                                                      \
	"further SAs cost one set-up when their turn comes.\n"                                                         \
	"ravelin.plugins.kernel-userspace.path_mtu_age|duration|10m||Time for which holds what a router says of the "  \
	"path's MTU (RFC 4301, 8.2.2); 0: such messages are ignored.\n"

struct reservation {
	uint32_t key; /* SPI */
};

struct userspace {
	struct rv_host *host;
	struct databases db;
	struct table reserved; /* SPIs given out and not used yet */
	const struct rv_kernel_events *events;
	struct worker *workers; /* NULL until started */
	unsigned n_workers;
	uint32_t max_contexts, last_iface;
	struct rv_port **wire_ports[N_WIRES]; /* NULL: no such wire */
	struct rv_ref datapath, wires[N_WIRES], icmp;
	uint64_t path_mtu_age_us;
	struct rv_timer mtu_timer; /* when the next one is forgotten */
	struct rv_user user;
};

/* iface.c */

/* Takes a use of the device of this name (NULL or "": the shared one), which is opened if need be; starts the workers.
 * 0 or negative, with why. */
int iface_get(struct userspace *u, const char *name, struct iface **out, struct rv_why *why);

/* Gives it back; the device goes two seconds after its last use, the shared one when the workers stop. */
void iface_put(struct iface *iface);

/* The device of this name, or NULL. */
struct iface *iface_find(const struct userspace *u, const char *name);

/* Closes devices that nobody uses at once. */
void iface_flush(struct userspace *u);

/* start.c: takes ports and starts the threads; harmless when they run. 0 or negative with why. stop: joins the threads,
 * frees all policies and SAs, closes all ports; the next use starts again. */
int userspace_start(struct userspace *u, struct rv_why *why);
void userspace_stop(struct userspace *u);

/* verbs-policy.c: the SAs of a reqid */
struct bundle *bundle_get(struct userspace *u, uint32_t reqid);
void bundle_put(struct userspace *u, struct bundle *bundle);
void bundle_add(struct userspace *u, struct bundle *bundle, struct sa *sa);
void bundle_del(struct bundle *bundle, struct sa *sa);

/* pmtu.c: what routers say of the paths of SAs (RFC 4301, 8.2). start: from now on, where a service of kind icmp is
 * there. heard: one message, as rv_icmp_recv_fn. */
void pmtu_init(struct userspace *u);
void pmtu_start(struct userspace *u);
void pmtu_stop(struct userspace *u);
void pmtu_heard(void *arg, const struct rv_addr *router, struct rv_bytes message);

/* verbs-sa.c: an outbound SA by the peer that chose its SPI. */
struct sa *find_out(const struct userspace *u, uint32_t spi, const struct rv_addr *remote);

/* verbs-sa.c, verbs-policy.c: of the kernel service. */
int verb_spi(void *self, const struct rv_addr *local, uint8_t protocol, uint32_t *spi);
int verb_sa_add(void *self, const struct rv_sa_spec *spec, struct rv_call *call);
int verb_sa_update(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, const struct rv_addr *src,
		   const struct rv_addr *dst, bool encap, struct rv_call *call);
int verb_sa_del(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote);
int verb_stats(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_sa_stats *out);
int verb_pack(void *self, uint32_t spi, uint8_t dir, const struct rv_addr *remote, struct rv_pack *out);
void flush_sas(struct userspace *u);
int verb_policy_add(void *self, const struct rv_policy_spec *spec, struct rv_call *call);
int verb_policy_del(void *self, const struct rv_policy_spec *spec);
void flush_policies(struct userspace *u);

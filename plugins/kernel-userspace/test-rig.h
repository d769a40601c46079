// SPDX-License-Identifier: LGPL-2.1-or-later
/* test-rig: a kernel-userspace without threads, whose ports are lists in memory. Included by its tests only. */
#pragma once

#include "test.h"

#include "mini.h"
#include "out.h"
#include "userspace.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RIG_CAUGHT = 256, RIG_OCTETS = 2 << 20 };

/* A port that keeps what is sent to it. */
struct rig_port {
	struct rv_port port;
	struct rv_packet caught[RIG_CAUGHT];
	unsigned n;
	size_t at;
	uint8_t *octets;
	unsigned *n_closed;
};

struct rig {
	struct rv_core *core;
	struct rv_host *fakes, *host;
	const struct rv_kernel_ops *ops;
	void *self;
	struct userspace *u;
	struct rig_port wire[N_WIRES];
	struct rig_port clear[4];
	unsigned n_clear, n_closed;
	struct rv_kernel_events events;
	unsigned n_acquire, n_expire, n_mapping, n_unknown;
	uint32_t event_id;
	bool event_hard;
	struct rv_addr event_addr;
	struct rv_ts event_local, event_remote;
};

extern const struct rv_plugin rv_plugin_kernel_userspace, rv_plugin_crypto_gnutls, rv_plugin_crypto_nettle,
	rv_plugin_proposal_words;

static int rig_recv(struct rv_port *port, struct rv_packet *const *packets, size_t n)
{
	return 0;
}

static int rig_send(struct rv_port *base, struct rv_packet *const *packets, size_t n)
{
	struct rig_port *port = rv_container_of(base, struct rig_port, port);

	for (size_t i = 0; i < n; i++) {
		assert_true(port->n < RIG_CAUGHT && port->at + packets[i]->len + 256 < RIG_OCTETS);
		struct rv_packet *copy = &port->caught[port->n++];
		*copy = *packets[i];
		copy->buf = port->octets + port->at;
		copy->data = copy->buf + RV_HEADROOM;
		memcpy(copy->data, packets[i]->data, packets[i]->len);
		copy->cap = RV_HEADROOM + copy->len + RV_TAILROOM;
		port->at += copy->cap;
	}
	return (int)n;
}

static void rig_close(struct rv_port *base)
{
	struct rig_port *port = rv_container_of(base, struct rig_port, port);

	++*port->n_closed;
	close(base->fd);
}

static const struct rv_port_ops rig_port_ops = {
	.size = sizeof(rig_port_ops),
	.recv = rig_recv,
	.send = rig_send,
	.close = rig_close,
};

static void rig_port_init(struct rig *rig, struct rig_port *port, bool trains)
{
	port->port = (struct rv_port){ .ops = &rig_port_ops, .fd = -1, .takes_trains = trains, .mtu = 1500 };
	port->octets = port->octets ? port->octets : malloc(RIG_OCTETS);
	port->n_closed = &rig->n_closed;
	assert_non_null(port->octets);
}

static void rig_forget(struct rig_port *port)
{
	port->n = 0;
	port->at = 0;
}

static int rig_open(void *self, const char *name, unsigned n_queues, struct rv_port **ports, char ifname[static 16],
		    unsigned *ifindex, struct rv_why *why)
{
	struct rig *rig = self;

	assert_int_equal(n_queues, 1);
	assert_true(rig->n_clear < RV_COUNT(rig->clear));
	rig_port_init(rig, &rig->clear[rig->n_clear], false);
	/* epoll needs something to watch */
	rig->clear[rig->n_clear].port.fd = eventfd(0, EFD_CLOEXEC);
	ports[0] = &rig->clear[rig->n_clear++].port;
	snprintf(ifname, 16, "%s", name ? name : "shared0");
	*ifindex = rig->n_clear;
	return 0;
}

static const struct rv_datapath_ops rig_datapath = { .size = sizeof(rig_datapath), .open = rig_open };

static void rig_acquire(void *arg, uint32_t reqid, const struct rv_ts *local, const struct rv_ts *remote)
{
	struct rig *rig = arg;

	rig->n_acquire++;
	rig->event_id = reqid;
	rig->event_local = *local;
	rig->event_remote = *remote;
}

static void rig_expire(void *arg, uint32_t child_id, bool hard)
{
	struct rig *rig = arg;

	rig->n_expire++;
	rig->event_id = child_id;
	rig->event_hard = hard;
}

static void rig_mapping(void *arg, uint32_t spi, const struct rv_addr *remote)
{
	struct rig *rig = arg;

	rig->n_mapping++;
	rig->event_id = spi;
	rig->event_addr = *remote;
}

static void rig_unknown(void *arg, uint32_t spi, const struct rv_addr *local, const struct rv_addr *remote, bool encap)
{
	struct rig *rig = arg;

	assert_true(encap);
	rig->n_unknown++;
	rig->event_id = spi;
	rig->event_addr = *remote;
}

static struct rig *rig_new_with(const char *conf)
{
	static const struct mini_plugin plugins[] = {
		{ "proposal-words", &rv_plugin_proposal_words, NULL },
		{ "crypto-gnutls", &rv_plugin_crypto_gnutls, NULL },
		{ "crypto-nettle", &rv_plugin_crypto_nettle, NULL },
		{ "kernel-userspace", NULL, KERNEL_USERSPACE_SCHEMA },
		{ NULL },
	};
	struct rig *rig = calloc(1, sizeof(*rig));
	struct rv_why why = { 0 };

	assert_non_null(rig);
	assert_int_not_equal(mini_try(plugins, conf, NULL, &rig->core), 0); /* the last is loaded below */
	rig->fakes = rv_host_new(rig->core, "fakes");
	assert_int_equal(rv_datapath_offer(rig->fakes, (struct rv_offer){ .name = "fake" }, &rig_datapath, rig), 0);
	/* its need of a wire is for the threads, which a rig has not */
	struct rv_host *host = rig->host = rv_host_new(rig->core, "kernel-userspace");
	assert_non_null(host);
	if (rv_plugin_kernel_userspace.init(host))
		fail_msg("kernel-userspace: %s", why.text);
	rig->ops = mini_ops(rig->core, "kernel", "userspace", &rig->self);
	rig->u = rig->self;
	rig->events = (struct rv_kernel_events){ rig_acquire, rig_expire, rig_mapping, rig, rig_unknown };
	assert_int_equal(rig->ops->events(rig->self, &rig->events), 0);

	rig->u->workers = calloc(1, sizeof(*rig->u->workers));
	assert_non_null(rig->u->workers);
	assert_int_equal(worker_init(&rig->u->workers[0], &rig->u->db, 0, rig->u->max_contexts), 0);
	rig->u->workers[0].lane.now_us = 1000000000;
	for (int i = 0; i < N_WIRES; i++) {
		rig_port_init(rig, &rig->wire[i], i == WIRE_UDP);
		rig->u->workers[0].lane.wire[i] = &rig->wire[i].port;
	}
	return rig;
}

static inline struct rig *rig_new(void)
{
	return rig_new_with("");
}

static inline void rig_free(struct rig *rig)
{
	talloc_free(rig->host); /* before the providers that it uses */
	talloc_free(rig->core);
	for (int i = 0; i < N_WIRES; i++)
		free(rig->wire[i].octets);
	for (size_t i = 0; i < RV_COUNT(rig->clear); i++)
		free(rig->clear[i].octets);
	free(rig);
}

static inline struct lane *rig_lane(struct rig *rig)
{
	return &rig->u->workers[0].lane;
}

static inline struct rv_addr rig_addr(const char *text)
{
	struct rv_addr addr;

	assert_int_equal(rv_addr_parse(&addr, text), 0);
	return addr;
}

static inline struct rv_ts rig_ts(const char *text)
{
	struct rv_why why = { 0 };
	struct rv_ts ts;

	if (rv_ts_parse(&ts, text, &why))
		fail_msg("%s", why.text);
	return ts;
}

/* One SA in words. */
struct rig_sa {
	const char *proposal;	    /* NULL: aes128gcm16 */
	const char *src, *dst;	    /* outer */
	const char *local, *remote; /* selectors */
	uint32_t spi, reqid, window;
	bool in, transport, raw, esn, ah;
	uint64_t sequence, packets_soft, packets_hard, bytes_hard;
	const char *interface;
	const char *ext, *ext_octets; /* NULL: none */
	struct sa_terms terms;
	uint64_t dummy_us;
};

static inline int rig_add(struct rig *rig, const struct rig_sa *sa)
{
	static const uint8_t key[128] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct rv_ts local = rig_ts(sa->local), remote = rig_ts(sa->remote);
	struct rv_sa_spec spec = { .dir = sa->in ? RV_IN : RV_OUT,
				   .mode = sa->transport ? RV_TRANSPORT : RV_TUNNEL,
				   .protocol = sa->ah ? RV_PROTO_AH : RV_PROTO_ESP,
				   .encap = !sa->raw && !sa->ah,
				   .esn = sa->esn,
				   .spi = sa->spi,
				   .reqid = sa->reqid,
				   .child_id = sa->spi + 1,
				   .src = rig_addr(sa->src),
				   .dst = rig_addr(sa->dst),
				   .replay_window = sa->window,
				   .local_ts = &local,
				   .remote_ts = &remote,
				   .n_local_ts = 1,
				   .n_remote_ts = 1,
				   .sequence = sa->sequence,
				   .packets_soft = sa->packets_soft,
				   .packets_hard = sa->packets_hard,
				   .bytes_hard = sa->bytes_hard,
				   .interface = sa->interface,
				   .ext = sa->ext,
				   .tfc = sa->terms.tfc,
				   .fragments_also = sa->terms.fragments_also,
				   .copy_dscp = sa->terms.copy_dscp,
				   .plain_ecn = sa->terms.plain_ecn,
				   .keep_mss = sa->terms.keep_mss,
				   .fragment_first = sa->terms.fragment_first,
				   .copy_df = sa->terms.copy_df,
				   .dummy_us = sa->in ? 0 : sa->dummy_us };
	struct rv_why why = { 0 };
	struct rv_call call = { 0 };
	struct rv_suite suite;

	if (sa->ext)
		spec.ext_octets = rv_bytes(sa->ext_octets, strlen(sa->ext_octets) < 4 ? strlen(sa->ext_octets) : 4);
	if (rv_proposal_parse(rig->core->registry, spec.protocol, sa->proposal ? sa->proposal : "aes128gcm16",
			      &spec.chosen, &why))
		fail_msg("%s", why.text);
	assert_int_equal(rv_suite_init(&suite, rig->core->registry, &spec.chosen, NULL, &why), 0);
	spec.encr_key = rv_bytes(key, suite.key_len);
	spec.integ_key = rv_bytes(key, suite.integ_len);
	rv_suite_fini(&suite);
	return rig->ops->sa_add(rig->self, &spec, &call);
}

static inline int rig_policy(struct rig *rig, const char *local, const char *remote, uint8_t action, uint32_t reqid,
			     bool trap)
{
	struct rv_policy_spec spec = { .action = action,
				       .reqid = reqid,
				       .trap = trap,
				       .priority = 1000,
				       .local_ts = rig_ts(local),
				       .remote_ts = rig_ts(remote) };
	struct rv_call call = { 0 };

	return rig->ops->policy_add(rig->self, &spec, &call);
}

/* A UDP packet of len octets in all into p. */
static inline uint32_t rig_packet(uint8_t *p, const char *src, const char *dst, uint16_t src_port, uint16_t dst_port,
				  uint32_t len)
{
	struct rv_addr from = rig_addr(src), to = rig_addr(dst);
	size_t base = from.family == RV_IPV6 ? IP6_HEADER : IP4_HEADER;
	struct ip_info info;

	memset(p, 0x61, len);
	ip_put_header(p, &from, &to, IP_UDP, 0, 64, len - (uint32_t)base);
	ip_put16(p + base, src_port);
	ip_put16(p + base + 2, dst_port);
	ip_put16(p + base + 4, len - (uint32_t)base);
	assert_true(ip_parse(&info, p, len));
	ip_fix_upper(&info, p + base, len - (uint32_t)base);
	return len;
}

/* Sends octets out by the device (0: the first that was opened). */
static inline void rig_clear(struct rig *rig, unsigned device, const uint8_t *p, uint32_t len)
{
	uint8_t *buf = calloc(1, RV_HEADROOM + len + RV_TAILROOM);
	struct rv_packet packet = {
		.buf = buf, .data = buf + RV_HEADROOM, .cap = RV_HEADROOM + len + RV_TAILROOM, .len = len
	};
	struct rv_packet *list[] = { &packet };
	struct iface *iface = NULL;
	uint32_t at = 0;

	assert_non_null(buf);
	memcpy(packet.data, p, len);
	while ((iface = table_each(&rig->u->db.ifaces, &at)) && iface->ports[0] != &rig->clear[device].port)
		;
	assert_non_null(iface);
	lane_clear(rig_lane(rig), iface, list, 1);
	free(buf);
}

/* Gives what went out by one rig's wire to another rig, seen from there. */
static inline void rig_carry(struct rig *from, struct rig *to)
{
	for (int wire = 0; wire < N_WIRES; wire++) {
		for (unsigned i = 0; i < from->wire[wire].n; i++) {
			struct rv_packet *packet = &from->wire[wire].caught[i];
			struct rv_addr local = packet->local;
			packet->local = packet->remote;
			packet->remote = local;
			(wire == WIRE_AH ? lane_ah : lane_wire)(rig_lane(to), &packet, 1);
		}
		rig_forget(&from->wire[wire]);
	}
}

static inline uint64_t rig_dropped(struct rig *rig, uint32_t spi, bool in, enum rv_drop cause)
{
	struct rv_sa_stats stats;

	assert_int_equal(rig->ops->stats(rig->self, spi, in ? RV_IN : RV_OUT, NULL, &stats), 0);
	return stats.dropped[cause];
}

struct pair {
	struct rig *west, *east;
};

static inline int setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	pair->west = rig_new();
	pair->east = rig_new();
	*state = pair;
	return 0;
}

static inline int teardown(void **state)
{
	struct pair *pair = *state;

	rig_free(pair->west);
	rig_free(pair->east);
	free(pair);
	return 0;
}

/* A one-way tunnel: the policy and SA of the west, the inbound SA of the east. */
static inline void tunnel(struct pair *pair, const struct rig_sa *sa)
{
	struct rig_sa in = *sa;

	assert_int_equal(rig_policy(pair->west, sa->local, sa->remote, sa->transport ? RV_TRANSPORT : RV_TUNNEL,
				    sa->reqid, false),
			 0);
	assert_int_equal(rig_add(pair->west, sa), 0);
	in.in = true;
	in.local = sa->remote;
	in.remote = sa->local;
	assert_int_equal(rig_add(pair->east, &in), 0);
}

static const struct rig_sa plain = { .src = "192.0.2.1:4500",
				     .dst = "192.0.2.2:4500",
				     .local = "10.1.0.0/16",
				     .remote = "10.2.0.0/16",
				     .spi = 0x1234567,
				     .reqid = 7,
				     .window = 64 };

// SPDX-License-Identifier: LGPL-2.1-or-later
/* transport-udp: keying messages over UDP, and the NAT keepalives of the paths that ask for them (RFC 3948, 2.3).
 */
#pragma once

#include <ravelin/datapath.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>
#include <ravelin/transport.h>

#define TRANSPORT_UDP_SCHEMA                                                                                           \
	"ravelin.plugins.transport-udp.keep_alive|duration|20s||Period of NAT keepalives (RFC 3948, 4); "              \
	"0 sends none.\n"                                                                                              \
	"ravelin.plugins.transport-udp.peer_port_nat_t|int|4500|1..65535|UDP port on which peers take "                \
	"encapsulated messages.\n"

/* One path that is kept open; found by its key. */
struct keepalive {
	struct keepalive *next; /* in its bucket */
	struct rv_timer timer;
	struct keepalives *all;
	struct rv_path path;
	uint64_t key;
};

typedef void keepalive_fn(void *arg, const struct rv_path *path);

/* A hash table that doubles; a talloc object. */
struct keepalives {
	struct rv_loop *loop;
	uint64_t period_us;
	keepalive_fn *fn;
	void *arg;
	struct keepalive **buckets;
	size_t n, n_buckets;
};

/* fn is called for each path once a period. NULL: out of memory. */
struct keepalives *keepalives_new(const void *parent, struct rv_loop *loop, uint64_t period_us, keepalive_fn *fn,
				  void *arg);

/* Starts, or moves to another path. 0 or -ENOMEM. */
int keepalive_on(struct keepalives *all, const struct rv_path *path, uint64_t key);

/* Ends; harmless when there is none. */
void keepalive_off(struct keepalives *all, uint64_t key);

// SPDX-License-Identifier: LGPL-2.1-or-later
/* transport.h: kind "transport", which carries keying messages between addresses.
 *
 * A path is where a peer is: both addresses with ports, and whether messages share a port with encapsulated ESP
 * (RFC 7296, 2.23). A path is a value and is kept in the peer session.
 */
#pragma once

#include <ravelin/addr.h>
#include <ravelin/registry.h>

struct rv_path {
	struct rv_addr local, remote;
	bool encap;	 /* on the encapsulation port, with the marker */
	bool behind_nat; /* we are: keepalives are ours to send */
	bool remote_nat; /* the peer is */
	bool plain_esp;	 /* ESP goes without UDP, whatever messages do */
};

/* A message that arrived; borrowed for the call. */
typedef void rv_transport_recv_fn(void *arg, const struct rv_path *path, struct rv_bytes message);

/* listen: the one receiver of keying messages whose major version (RFC 7296, 3.1) is version (fn NULL: no more); a
 * version above all that are listened for goes to the highest, who refuses it (RFC 7296, 2.5). send: 0 or negative; a
 * datagram may be lost in any case. path: completes the local address of a path to remote (source address selection,
 * port), asynchronously if it must. encapsulate: moves path to the encapsulation ports (4500). keepalive: on or off for
 * path, every period_us; key tells the peers apart. */
struct rv_transport_ops {
	size_t size;
	int (*listen)(void *self, unsigned version, rv_transport_recv_fn *fn, void *arg);
	int (*send)(void *self, const struct rv_path *path, struct rv_bytes message);
	int (*path)(void *self, const struct rv_addr *local, const struct rv_addr *remote, struct rv_path *out);
	void (*encapsulate)(void *self, struct rv_path *path);
	int (*keepalive)(void *self, const struct rv_path *path, uint64_t key, bool on);
};
RV_KIND(transport, "transport", 1, struct rv_transport_ops, keepalive)

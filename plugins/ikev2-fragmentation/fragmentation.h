// SPDX-License-Identifier: LGPL-2.1-or-later
/* fragmentation.h: what the two halves of the plugin share: fragments that are put together, and the size of ours.
 */
#pragma once

#include <ravelin/error.h>
#include <ravelin/ikev2-wire.h>
#include <ravelin/loop.h>
#include <ravelin/plugin.h>

enum {
	SKF = 53,			       /* RFC 7383, 2.5 */
	IKEV2_FRAGMENTATION_SUPPORTED = 16430, /* 2.3 */
	NUMBERS_LEN = 4,		       /* Fragment Number and Total Fragments */
	SIZE_MIN = 256,			       /* octets of an IP packet: some 100 are headers and what seals */
};

/* The plugin. held: octets of fragments that wait, of all peers. heard: the largest datagram (with UDP and IP) of a
 * message that came in fragments; ours need not be larger. */
struct fragmentation {
	struct rv_host *host;
	size_t held;
	void (*heard)(struct fragmentation *f, struct rv_ike_sa *sa, size_t size);
};

/* queue.c: the op join (RFC 7383, 2.6). */
int fragment_join(void *self, struct rv_ike_sa *sa, const struct rv_ike_sealed *datagram, struct rv_ike_plain *out);

/* Octets of the headers of UDP and IP, and of the marker of RFC 3948, on the path of a session. */
size_t fragment_outside(const struct rv_peer *peer);

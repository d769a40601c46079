// SPDX-License-Identifier: LGPL-2.1-or-later
/* inner: whether octets look like a packet of a protocol, and how many bits say so (RFC 5879, 8.3 and "Verify packet").
 */
#pragma once

#include "esp-null.h"

struct inner {
	struct esp_pieces last;	    /* of the packet before */
	struct esp_between between; /* whose checksum it would be */
	/* what was found */
	bool strange; /* a protocol that is not known here: nothing can be said */
	uint32_t bits;
	struct esp_pieces pieces;
};

/* False: it cannot be a packet of this protocol. */
bool inner_verify(struct inner *inner, uint8_t protocol, struct rv_bytes payload);

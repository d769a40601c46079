// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-wesp.h: the parts of the plugin: the header, the SAs that have it, and what is negotiated.
 */
#pragma once

#include <ravelin/plugin.h>
#include <ravelin/wire.h>

#define WESP_NAME "wesp"

enum {
	WESP_PROTOCOL = 141, /* RFC 5840, 2 */
	WESP_MARKER = 2,     /* RFC 5840, 2.1 */
	WESP_HEADER = 4,
	WESP_PADDED = 8, /* with the padding of IPv6 */
};

/* What the header says of an SA and one of its packets (RFC 5840, 2). */
struct wesp {
	bool encrypted, padded;
	uint8_t next, header_len, trailer_len;
};

/* header.c. The octets that it takes. */
uint32_t wesp_write(const struct wesp *wesp, uint8_t out[static WESP_PADDED]);

/* How many octets a header takes that begins here; 0: it is none, or of another version. wesp (or NULL) is filled. */
uint32_t wesp_read(struct wesp *wesp, struct rv_bytes packet);

/* stage.c: offers the esp-ext. negotiate.c: offers the ikev2-ext. 0 or negative. */
int stage_offer(struct rv_host *host);
int negotiate_offer(struct rv_host *host);

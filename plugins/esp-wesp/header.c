// SPDX-License-Identifier: LGPL-2.1-or-later
/* header: the header of WESP (RFC 5840, 2):
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|  Next Header  |   HdrLen      |  TrailerLen   |V V|E|P| Rsvd  |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                       Padding (optional)                      |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
#include "esp-wesp.h"

enum { VERSION = 0xc0, ENCRYPTED = 0x20, PADDED = 0x10 };

uint32_t wesp_write(const struct wesp *wesp, uint8_t out[static WESP_PADDED])
{
	struct rv_wr w = rv_wr(out, WESP_PADDED);

	rv_wr_u8(&w, wesp->next);
	rv_wr_u8(&w, wesp->header_len);
	rv_wr_u8(&w, wesp->trailer_len);
	rv_wr_u8(&w, (uint8_t)((wesp->encrypted ? ENCRYPTED : 0) | (wesp->padded ? PADDED : 0)));
	if (wesp->padded)
		rv_wr_u32(&w, 0);
	return (uint32_t)rv_wr_len(&w);
}

uint32_t wesp_read(struct wesp *wesp, struct rv_bytes packet)
{
	struct rv_rd r = rv_rd(packet);
	struct wesp found = { .next = rv_rd_u8(&r) };
	uint8_t flags;

	found.header_len = rv_rd_u8(&r);
	found.trailer_len = rv_rd_u8(&r);
	flags = rv_rd_u8(&r); /* the reserved ones are "ignored by the receiver" */
	found.encrypted = flags & ENCRYPTED;
	found.padded = flags & PADDED;
	if (found.padded)
		(void)rv_rd_u32(&r);
	if (r.bad || flags & VERSION)
		return 0;
	if (wesp)
		*wesp = found;
	return found.padded ? WESP_PADDED : WESP_HEADER;
}

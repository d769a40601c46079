// SPDX-License-Identifier: LGPL-2.1-or-later
/* terms: what was agreed and configured, as the octets that go with the SAs and into packs. */
#include "esp-iptfs.h"

enum { VERSION = 1, FRAGMENTS = 1, REPORTS = 2, CONTROLLED = 4, ECN = 8 };

struct rv_bytes send_terms_write(const struct send_terms *terms, uint8_t out[static TERMS_MOST])
{
	struct rv_wr w = rv_wr(out, TERMS_MOST);

	rv_wr_u8(&w, VERSION);
	rv_wr_u8(&w, (uint8_t)((terms->fragments ? FRAGMENTS : 0) | (terms->reports ? REPORTS : 0) |
			       (terms->controlled ? CONTROLLED : 0)));
	rv_wr_u8(&w, terms->dscp);
	rv_wr_u16(&w, terms->packet_size);
	rv_wr_u64(&w, terms->bits);
	rv_wr_u32(&w, terms->queue);
	rv_wr_u32(&w, terms->init_delay_us);
	rv_wr_u32(&w, terms->breaker_loss);
	rv_wr_u32(&w, terms->breaker_us);
	return rv_wr_bytes(&w);
}

bool send_terms_read(struct send_terms *terms, struct rv_bytes in)
{
	struct rv_rd r = rv_rd(in);
	uint8_t version = rv_rd_u8(&r), flags = rv_rd_u8(&r);

	*terms = (struct send_terms){ .fragments = flags & FRAGMENTS,
				      .reports = flags & REPORTS,
				      .controlled = flags & CONTROLLED };
	terms->dscp = rv_rd_u8(&r);
	terms->packet_size = rv_rd_u16(&r);
	terms->bits = rv_rd_u64(&r);
	terms->queue = rv_rd_u32(&r);
	terms->init_delay_us = rv_rd_u32(&r);
	terms->breaker_loss = rv_rd_u32(&r);
	terms->breaker_us = rv_rd_u32(&r);
	return rv_rd_done(&r) && version == VERSION && terms->queue;
}

struct rv_bytes receive_terms_write(const struct receive_terms *terms, uint8_t out[static TERMS_MOST])
{
	struct rv_wr w = rv_wr(out, TERMS_MOST);

	rv_wr_u8(&w, VERSION);
	rv_wr_u8(&w, (uint8_t)((terms->fragments ? FRAGMENTS : 0) | (terms->ecn ? ECN : 0)));
	rv_wr_u8(&w, terms->window);
	rv_wr_u32(&w, terms->drop_us);
	return rv_wr_bytes(&w);
}

bool receive_terms_read(struct receive_terms *terms, struct rv_bytes in)
{
	struct rv_rd r = rv_rd(in);
	uint8_t version = rv_rd_u8(&r), flags = rv_rd_u8(&r);

	*terms = (struct receive_terms){ .fragments = flags & FRAGMENTS, .ecn = flags & ECN };
	terms->window = rv_rd_u8(&r);
	terms->drop_us = rv_rd_u32(&r);
	return rv_rd_done(&r) && version == VERSION;
}

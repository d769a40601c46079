// SPDX-License-Identifier: LGPL-2.1-or-later
/* ticket: octets of tickets and of the notifications around them (RFC 5723, 6.1, 7 and A.1). Pure but for ticket_seal()
 * and ticket_open() in keys.c.
 */
#include "ticket.h"

#include <ravelin/pack.h>
#include <ravelin/wire.h>

enum { VERSION = 1, TRANSFORM_LEN = 5 };

enum { INITIATOR = 1, RESPONDER, PROPOSAL, KEY, HOW, SERIAL, EXPIRES, SINCE, SESSION };

/* Identities: the type, then the octets. */
static void put_id(struct rv_pack *pack, uint16_t tag, const struct rv_id *id)
{
	uint8_t octets[1 + RV_ID_MAX];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	rv_wr_u8(&w, id->type);
	rv_wr_put(&w, rv_bytes(id->b, id->len));
	rv_pack_put(pack, tag, rv_wr_bytes(&w));
}

static const struct rv_id *read_id(const void *parent, struct rv_bytes octets)
{
	struct rv_rd r = rv_rd(octets);
	uint8_t type = rv_rd_u8(&r);
	struct rv_bytes rest = rv_rd_rest(&r);

	return rv_rd_done(&r) ? rv_id_from_wire(parent, type, rest) : NULL;
}

static void put_proposal(struct rv_pack *pack, const struct rv_proposal *proposal)
{
	uint8_t octets[RV_PROPOSAL_TRANSFORMS * TRANSFORM_LEN];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	for (uint8_t i = 0; i < proposal->n; i++) {
		rv_wr_u8(&w, proposal->t[i].class);
		rv_wr_u16(&w, proposal->t[i].id);
		rv_wr_u16(&w, proposal->t[i].key_bits);
	}
	rv_pack_put(pack, PROPOSAL, rv_wr_bytes(&w));
}

static bool read_proposal(struct rv_bytes octets, struct rv_proposal *out)
{
	struct rv_rd r = rv_rd(octets);

	*out = (struct rv_proposal){ .protocol = RV_PROTO_KEYING };
	while (rv_rd_left(&r) && out->n < RV_PROPOSAL_TRANSFORMS) {
		struct rv_transform *t = &out->t[out->n++];

		t->class = rv_rd_u8(&r);
		t->id = rv_rd_u16(&r);
		t->key_bits = rv_rd_u16(&r);
	}
	return rv_rd_done(&r) && out->n;
}

void ticket_content_write(struct rv_pack *pack, const struct ticket_content *content)
{
	put_id(pack, INITIATOR, content->known.initiator);
	put_id(pack, RESPONDER, content->known.responder);
	put_proposal(pack, &content->known.proposal);
	rv_pack_put(pack, KEY, content->known.key);
	rv_pack_put(pack, HOW, content->how);
	rv_pack_u64(pack, SERIAL, content->serial);
	rv_pack_u64(pack, EXPIRES, content->expires_s);
	rv_pack_u64(pack, SINCE, content->since_s);
	rv_pack_u64(pack, SESSION, content->session);
}

static void read_field(const void *parent, struct rv_unpack *in, uint16_t tag, struct rv_bytes value,
		       struct ticket_content *out)
{
	switch (tag) {
	case INITIATOR:
		out->known.initiator = read_id(parent, value);
		break;
	case RESPONDER:
		out->known.responder = read_id(parent, value);
		break;
	case PROPOSAL:
		in->bad |= !read_proposal(value, &out->known.proposal);
		break;
	case KEY:
		out->known.key = value;
		break;
	case HOW:
		out->how = value;
		break;
	case SERIAL:
		out->serial = rv_unpack_u64(in, value);
		break;
	case EXPIRES:
		out->expires_s = rv_unpack_u64(in, value);
		break;
	case SINCE:
		out->since_s = rv_unpack_u64(in, value);
		break;
	case SESSION:
		out->session = (uint32_t)rv_unpack_u64(in, value);
		break;
	default:
		break;
	}
}

bool ticket_content_read(const void *parent, struct rv_bytes octets, struct ticket_content *out)
{
	struct rv_unpack in = rv_unpack(octets);
	struct rv_bytes value;
	uint16_t tag;

	*out = (struct ticket_content){ .serial = 0 };
	while (rv_unpack_next(&in, &tag, &value))
		read_field(parent, &in, tag, value, out);
	return rv_unpack_done(&in) && out->known.initiator && out->known.responder && out->known.proposal.n &&
	       out->known.key.len && out->expires_s;
}

bool ticket_front_read(struct rv_bytes ticket, struct rv_bytes *key_id, struct rv_bytes *sealed)
{
	struct rv_rd r = rv_rd(ticket);
	uint8_t version = rv_rd_u8(&r);

	(void)rv_rd_take(&r, 3);
	*key_id = rv_rd_take(&r, TICKET_KEY_ID_LEN);
	*sealed = rv_rd_rest(&r);
	return rv_rd_done(&r) && version == VERSION && sealed->len;
}

bool ticket_grant_read(struct rv_bytes data, uint32_t *lifetime_s, struct rv_bytes *ticket)
{
	struct rv_rd r = rv_rd(data);

	*lifetime_s = rv_rd_u32(&r);
	*ticket = rv_rd_rest(&r);
	return rv_rd_done(&r) && *lifetime_s && ticket->len && ticket->len <= TICKET_MAX;
}

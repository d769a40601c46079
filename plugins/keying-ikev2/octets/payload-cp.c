// SPDX-License-Identifier: LGPL-2.1-or-later
/* payload-cp: the CP and EAP payloads (RFC 7296, 3.15 and 3.16).
 */
#include "payload.h"

enum { ATTRIBUTE_TYPE = 0x7fff };

/* RFC 7296, 3.15.1:
 *
 *	                     1                   2                   3
 *	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|R|         Attribute Type      |            Length             |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                             Value                             ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
static void attribute_read(struct rv_rd *r, struct ike_cp_attr *attr)
{
	attr->type = rv_rd_u16(r) & ATTRIBUTE_TYPE;
	attr->value = rv_rd_take(r, rv_rd_u16(r));
}

static void attribute_write(struct rv_wr *w, const struct ike_cp_attr *attr)
{
	if (attr->value.len > UINT16_MAX)
		w->bad = true;
	rv_wr_u16(w, attr->type & ATTRIBUTE_TYPE);
	rv_wr_u16(w, (uint16_t)attr->value.len);
	rv_wr_put(w, attr->value);
}

/* RFC 7296, 3.15, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|   CFG Type    |                    RESERVED                   |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                   Configuration Attributes                    ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool ike_cp_read(struct ike_cp *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);
	struct ike_cp_attr surplus;

	out->type = rv_rd_u8(&r);
	(void)rv_rd_u24(&r);
	out->n = 0;
	while (rv_rd_more(&r)) {
		bool fits = out->n < IKE_CP_MAX;

		attribute_read(&r, fits ? &out->attr[out->n] : &surplus);
		if (fits)
			out->n++;
	}
	return rv_rd_done(&r);
}

void ike_cp_put(struct ike_builder *b, const struct ike_cp *cp)
{
	struct rv_wr *w = ike_builder_open(b, IKE_PAYLOAD_CP, false);

	rv_wr_u8(w, cp->type);
	rv_wr_u24(w, 0);
	for (size_t i = 0; i < cp->n && i < IKE_CP_MAX; i++)
		attribute_write(w, &cp->attr[i]);
	ike_builder_close(b);
}

/* RFC 7296, 3.16, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|     Code      | Identifier    |           Length              |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|     Type      | Type_Data...
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-
 */
bool ike_eap_read(struct rv_bytes *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);
	uint16_t length;

	(void)rv_rd_u16(&r);
	length = rv_rd_u16(&r);
	(void)rv_rd_rest(&r);
	*out = body;
	return rv_rd_done(&r) && length == body.len;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* payload-ke: the KE and Nonce payloads (RFC 7296, 3.4 and 3.9).
 */
#include "payload.h"

/* RFC 7296, 3.4, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|   Diffie-Hellman Group Num    |           RESERVED            |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                       Key Exchange Data                       ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool ike_ke_read(struct ike_ke *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);

	out->group = rv_rd_u16(&r);
	(void)rv_rd_u16(&r);
	out->value = rv_rd_rest(&r);
	return rv_rd_done(&r) && out->value.len > 0;
}

void ike_ke_put(struct ike_builder *b, uint16_t group, struct rv_bytes value)
{
	struct rv_wr *w = ike_builder_open(b, IKE_PAYLOAD_KE, false);

	rv_wr_u16(w, group);
	rv_wr_u16(w, 0);
	rv_wr_put(w, value);
	ike_builder_close(b);
}

/* RFC 7296, 3.9, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                            Nonce Data                         ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool ike_nonce_read(struct rv_bytes *out, struct rv_bytes body)
{
	*out = body;
	return body.len >= IKE_NONCE_MIN && body.len <= IKE_NONCE_MAX;
}

void ike_nonce_put(struct ike_builder *b, struct rv_bytes nonce)
{
	ike_builder_put(b, IKE_PAYLOAD_NONCE, nonce);
}

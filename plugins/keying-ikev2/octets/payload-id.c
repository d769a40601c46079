// SPDX-License-Identifier: LGPL-2.1-or-later
/* payload-id: who a peer is and how it proves it: the IDi, IDr, CERT, CERTREQ and AUTH payloads (RFC 7296, 3.5 to 3.8).
 */
#include "payload.h"

enum { ENCODING_X509_SIGNATURE = 4, AUTHORITY_HASH_LEN = 20 };

/* RFC 7296, 3.5, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|   ID Type     |                 RESERVED                      |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                   Identification Data                         ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool ike_id_read(struct ike_id *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);

	out->type = rv_rd_u8(&r);
	(void)rv_rd_u24(&r);
	out->octets = rv_rd_rest(&r);
	return rv_rd_done(&r);
}

struct rv_id *ike_id_make(const void *parent, struct rv_bytes body)
{
	struct ike_id id;

	return ike_id_read(&id, body) ? rv_id_from_wire(parent, id.type, id.octets) : NULL;
}

void ike_id_put(struct ike_builder *b, uint8_t payload, const struct rv_id *id)
{
	struct rv_wr *w = ike_builder_open(b, payload, false);

	rv_wr_u8(w, id->type);
	rv_wr_u24(w, 0);
	rv_wr_put(w, rv_bytes(id->b, id->len));
	ike_builder_close(b);
}

/* RFC 7296, 3.6 and 3.7, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	| Cert Encoding |                                               |
 *	+-+-+-+-+-+-+-+-+                                               |
 *	~          Certificate Data, or Certification Authority         ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool ike_cert_read(struct ike_cert *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);

	out->encoding = rv_rd_u8(&r);
	out->octets = rv_rd_rest(&r);
	return rv_rd_done(&r) && out->octets.len > 0;
}

bool ike_certreq_read(struct ike_cert *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);

	out->encoding = rv_rd_u8(&r);
	out->octets = rv_rd_rest(&r);
	if (out->encoding == ENCODING_X509_SIGNATURE && out->octets.len % AUTHORITY_HASH_LEN)
		return false;
	return rv_rd_done(&r);
}

void ike_cert_put(struct ike_builder *b, uint8_t payload, uint8_t encoding, struct rv_bytes octets)
{
	struct rv_wr *w = ike_builder_open(b, payload, false);

	rv_wr_u8(w, encoding);
	rv_wr_put(w, octets);
	ike_builder_close(b);
}

/* RFC 7296, 3.8, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	| Auth Method   |                RESERVED                       |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                      Authentication Data                      ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool ike_auth_read(struct ike_auth *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);

	out->method = rv_rd_u8(&r);
	(void)rv_rd_u24(&r);
	out->octets = rv_rd_rest(&r);
	return rv_rd_done(&r) && out->octets.len > 0;
}

void ike_auth_put(struct ike_builder *b, uint8_t method, struct rv_bytes octets)
{
	struct rv_wr *w = ike_builder_open(b, IKE_PAYLOAD_AUTH, false);

	rv_wr_u8(w, method);
	rv_wr_u24(w, 0);
	rv_wr_put(w, octets);
	ike_builder_close(b);
}

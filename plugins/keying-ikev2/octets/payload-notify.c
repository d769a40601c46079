// SPDX-License-Identifier: LGPL-2.1-or-later
/* payload-notify: the Notify, Delete and Vendor ID payloads (RFC 7296, 3.10 to 3.12).
 */
#include "payload.h"

/* RFC 7296, 3.10, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|  Protocol ID  |   SPI Size    |      Notify Message Type      |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                Security Parameter Index (SPI)                 ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                       Notification Data                       ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool ike_notify_read(struct ike_notify *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);
	uint8_t spi_len;

	out->protocol = rv_rd_u8(&r);
	spi_len = rv_rd_u8(&r);
	out->type = rv_rd_u16(&r);
	out->spi = rv_rd_take(&r, spi_len);
	out->data = rv_rd_rest(&r);
	/* "If the SPI field is empty, this field MUST be sent as zero and MUST be ignored on receipt." */
	if (spi_len == 0)
		out->protocol = 0;
	return rv_rd_done(&r);
}

bool ike_notify_find(const struct ike_chain *chain, uint16_t type, struct ike_notify *out)
{
	struct ike_notify notify;

	ike_chain_each(chain, payload, IKE_PAYLOAD_NOTIFY)
	{
		if (!ike_notify_read(&notify, payload->body) || notify.type != type)
			continue;
		*out = notify;
		return true;
	}
	return false;
}

static void notify_put(struct ike_builder *b, uint8_t protocol, uint16_t type, struct rv_bytes spi,
		       struct rv_bytes data)
{
	struct rv_wr *w = ike_builder_open(b, IKE_PAYLOAD_NOTIFY, false);

	rv_wr_u8(w, protocol);
	rv_wr_u8(w, (uint8_t)spi.len);
	rv_wr_u16(w, type);
	rv_wr_put(w, spi);
	rv_wr_put(w, data);
	ike_builder_close(b);
}

void ike_notify_put(struct ike_builder *b, uint16_t type, struct rv_bytes data)
{
	notify_put(b, 0, type, rv_bytes(NULL, 0), data);
}

void ike_notify_put_spi(struct ike_builder *b, uint16_t type, uint8_t protocol, uint32_t spi, struct rv_bytes data)
{
	uint8_t octets[IKE_CHILD_SPI_LEN];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	rv_wr_u32(&w, spi);
	notify_put(b, protocol, type, rv_wr_bytes(&w), data);
}

/* RFC 7296, 3.11, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	| Protocol ID   |   SPI Size    |          Num of SPIs          |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~               Security Parameter Index(es) (SPI)              ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool ike_delete_read(struct ike_delete *out, struct rv_bytes body)
{
	struct rv_rd r = rv_rd(body);
	uint8_t spi_len;

	out->protocol = rv_rd_u8(&r);
	spi_len = rv_rd_u8(&r);
	out->n = rv_rd_u16(&r);
	out->spis = rv_rd_take(&r, (size_t)spi_len * out->n);
	if (!rv_rd_done(&r))
		return false;
	switch (out->protocol) {
	case RV_PROTO_KEYING:
		return spi_len == 0 && out->n == 0;
	case RV_PROTO_AH:
	case RV_PROTO_ESP:
		return spi_len == IKE_CHILD_SPI_LEN;
	default:
		return true;
	}
}

uint32_t ike_delete_spi(const struct ike_delete *d, uint16_t i)
{
	struct rv_rd r = rv_rd(d->spis);

	if ((d->protocol != RV_PROTO_AH && d->protocol != RV_PROTO_ESP) || i >= d->n)
		return 0;
	(void)rv_rd_take(&r, (size_t)i * IKE_CHILD_SPI_LEN);
	return rv_rd_u32(&r);
}

void ike_delete_put(struct ike_builder *b, uint8_t protocol, const uint32_t *spis, size_t n)
{
	struct rv_wr *w = ike_builder_open(b, IKE_PAYLOAD_DELETE, false);

	if (n > UINT16_MAX || (protocol == RV_PROTO_KEYING && n > 0))
		w->bad = true;
	rv_wr_u8(w, protocol);
	rv_wr_u8(w, protocol == RV_PROTO_KEYING ? 0 : IKE_CHILD_SPI_LEN);
	rv_wr_u16(w, (uint16_t)n);
	for (size_t i = 0; i < n && !w->bad; i++)
		rv_wr_u32(w, spis[i]);
	ike_builder_close(b);
}

/* RFC 7296, 3.12, behind the generic header:
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	~                        Vendor ID (VID)                        ~
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
bool ike_vendor_read(struct rv_bytes *out, struct rv_bytes body)
{
	*out = body;
	return true;
}

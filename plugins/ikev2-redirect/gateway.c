// SPDX-License-Identifier: LGPL-2.1-or-later
/* gateway: what RFC 5685, 9 draws: GW Ident Type | GW Ident Len | identity | nonce; and IKE_SA_INIT without state.
 */
#include "redirect.h"

#include <string.h>

enum { TYPE_IPV4 = 1, TYPE_IPV6, TYPE_FQDN, HEADER_LEN = 28, FLAG_INITIATOR = 0x08, FLAG_RESPONSE = 0x20 };

/* What may stand in a name that a resolver is asked for. */
static bool is_name(struct rv_bytes text)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

	for (size_t i = 0; i < text.len; i++)
		if (!text.p[i] || !strchr(good, text.p[i]))
			return false;
	return text.len > 0 && text.len < GATEWAY_TEXT - 2 && text.p[0] != '-' && text.p[0] != '.';
}

struct rv_bytes gateway_write(const char *gateway, struct rv_bytes nonce, uint8_t room[static REDIRECT_MAX])
{
	struct rv_bytes identity = rv_bytes(gateway, strlen(gateway));
	struct rv_wr w = rv_wr(room, REDIRECT_MAX);
	uint8_t type = TYPE_FQDN;
	struct rv_addr addr;

	if (!rv_addr_parse(&addr, gateway)) {
		type = addr.family == RV_IPV4 ? TYPE_IPV4 : TYPE_IPV6;
		identity = rv_bytes(addr.ip, rv_family_len(addr.family));
	} else if (!is_name(identity)) {
		return rv_bytes(NULL, 0);
	}
	rv_wr_u8(&w, type);
	rv_wr_u8(&w, (uint8_t)identity.len);
	rv_wr_put(&w, identity);
	rv_wr_put(&w, nonce);
	return rv_wr_done(&w) ? rv_wr_bytes(&w) : rv_bytes(NULL, 0);
}

bool gateway_read(struct rv_bytes data, char gateway[static GATEWAY_TEXT], struct rv_bytes *nonce)
{
	struct rv_rd r = rv_rd(data);
	uint8_t type = rv_rd_u8(&r);
	struct rv_bytes identity = rv_rd_take(&r, rv_rd_u8(&r));
	struct rv_addr addr = { .family = type == TYPE_IPV4 ? RV_IPV4 : RV_IPV6 };

	*nonce = rv_rd_rest(&r);
	if (!rv_rd_done(&r))
		return false;
	if (type == TYPE_FQDN) {
		if (!is_name(identity))
			return false;
		memcpy(gateway, identity.p, identity.len);
		gateway[identity.len] = 0;
		return true;
	}
	if ((type != TYPE_IPV4 && type != TYPE_IPV6) || identity.len != rv_family_len(addr.family))
		return false;
	memcpy(addr.ip, identity.p, identity.len);
	rv_addr_text(&addr, gateway);
	return !rv_addr_is_any(&addr);
}

static void read_notify(struct rv_bytes body, struct init_request *out)
{
	struct rv_rd r = rv_rd(body);
	uint16_t type;

	(void)rv_rd_u8(&r);
	uint8_t spi_len = rv_rd_u8(&r);
	type = rv_rd_u16(&r);
	(void)rv_rd_take(&r, spi_len);
	(void)rv_rd_rest(&r);
	if (rv_rd_done(&r) && (type == N_REDIRECT_SUPPORTED || type == N_REDIRECTED_FROM))
		out->supported = true;
}

/* RFC 7296, 3.1 and 3.2 */
bool init_request_read(struct rv_bytes message, struct init_request *out)
{
	struct rv_rd r = rv_rd(message);

	*out = (struct init_request){ .len = message.len, .spi_i = rv_rd_u64(&r) };
	uint64_t spi_r = rv_rd_u64(&r);
	uint8_t next = rv_rd_u8(&r);

	(void)rv_rd_u8(&r);
	uint8_t exchange = rv_rd_u8(&r), flags = rv_rd_u8(&r);
	uint32_t id = rv_rd_u32(&r), len = rv_rd_u32(&r);

	if (spi_r || id || exchange != IKE_SA_INIT || !(flags & FLAG_INITIATOR) || flags & FLAG_RESPONSE ||
	    len != message.len || !out->spi_i)
		return false;
	while (next && rv_rd_more(&r)) {
		uint8_t type = next;

		next = rv_rd_u8(&r);
		(void)rv_rd_u8(&r);
		uint16_t size = rv_rd_u16(&r);
		struct rv_bytes body = rv_rd_take(&r, size < 4 ? message.len : size - 4u);

		if (type == P_NONCE)
			out->nonce = body;
		if (type == P_NOTIFY)
			read_notify(body, out);
	}
	return rv_rd_done(&r) && !next && out->nonce.len >= 16 && out->nonce.len <= 256;
}

/* RFC 5685, 3: HDR(A,0), N(REDIRECT, New_GW_ID, Ni_data) */
struct rv_bytes init_answer_write(const struct init_request *request, const char *gateway, uint8_t *room, size_t cap)
{
	uint8_t data[REDIRECT_MAX];
	struct rv_bytes content = gateway_write(gateway, request->nonce, data);
	size_t payload = 8 + content.len;
	struct rv_wr w = rv_wr(room, cap);

	if (!content.len || HEADER_LEN + payload > request->len)
		return rv_bytes(NULL, 0);
	rv_wr_u64(&w, request->spi_i);
	rv_wr_u64(&w, 0);
	rv_wr_u8(&w, P_NOTIFY);
	rv_wr_u8(&w, 0x20);
	rv_wr_u8(&w, IKE_SA_INIT);
	rv_wr_u8(&w, FLAG_RESPONSE);
	rv_wr_u32(&w, 0);
	rv_wr_u32(&w, (uint32_t)(HEADER_LEN + payload));
	rv_wr_u16(&w, 0);
	rv_wr_u16(&w, (uint16_t)payload);
	rv_wr_u16(&w, 0); /* no protocol, no SPI */
	rv_wr_u16(&w, N_REDIRECT);
	rv_wr_put(&w, content);
	return rv_wr_done(&w) ? rv_wr_bytes(&w) : rv_bytes(NULL, 0);
}

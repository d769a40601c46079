// SPDX-License-Identifier: LGPL-2.1-or-later
/* nat: hashes of addresses, which a NAT cannot rewrite (RFC 7296, 2.23).
 */
#include "nat.h"

#include <errno.h>

/* RFC 7296, 2.23: "The data associated with this notification is a SHA-1 digest of the SPIs (in the order they appear
 * in the header), IP address, and port from which this packet was sent." */
int ike_nat_hash(struct rv_service *sha1, uint64_t spi_i, uint64_t spi_r, const struct rv_addr *addr,
		 uint8_t out[static IKE_NAT_HASH_LEN])
{
	const struct rv_hash_ops *ops = rv_service_ops(sha1);
	uint8_t buf[2 * IKE_SPI_LEN + 16 + 2];
	struct rv_wr w = rv_wr(buf, sizeof(buf));
	struct rv_bytes part;

	if (!rv_family_len(addr->family) || ops->out_len != IKE_NAT_HASH_LEN)
		return -EINVAL;
	rv_wr_u64(&w, spi_i);
	rv_wr_u64(&w, spi_r);
	rv_wr_put(&w, rv_bytes(addr->ip, rv_family_len(addr->family)));
	rv_wr_u16(&w, addr->port);
	part = rv_wr_bytes(&w);
	return ops->digest(rv_service_self(sha1), &part, 1, out);
}

int ike_nat_look(struct rv_service *sha1, const struct ike_header *header, const struct ike_chain *chain, uint16_t type,
		 const struct rv_addr *addr)
{
	uint8_t hash[IKE_NAT_HASH_LEN];
	int r = ike_nat_hash(sha1, header->spi_i, header->spi_r, addr, hash);
	int seen = IKE_NAT_UNKNOWN;
	struct ike_notify notify;

	if (r)
		return r;
	ike_chain_each(chain, payload, IKE_PAYLOAD_NOTIFY)
	{
		if (!ike_notify_read(&notify, payload->body) || notify.type != type)
			continue;
		if (rv_bytes_equal(notify.data, rv_bytes(hash, sizeof(hash))))
			return IKE_NAT_NONE;
		seen = IKE_NAT_FOUND;
	}
	return seen;
}

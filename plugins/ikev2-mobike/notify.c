// SPDX-License-Identifier: LGPL-2.1-or-later
/* notify: what the notifications of RFC 4555, 4 contain. Pure but for address_add(). */
#include "mobike.h"

#include <string.h>

/* RFC 4555, 4.2.6: source address, destination address, source port, destination port */
struct rv_bytes no_nats_write(const struct rv_path *path, uint8_t room[static 36])
{
	struct rv_wr w = rv_wr(room, 36);

	rv_wr_put(&w, rv_bytes(path->local.ip, rv_family_len(path->local.family)));
	rv_wr_put(&w, rv_bytes(path->remote.ip, rv_family_len(path->remote.family)));
	rv_wr_u16(&w, path->local.port);
	rv_wr_u16(&w, path->remote.port);
	return rv_wr_bytes(&w);
}

bool no_nats_fits(struct rv_bytes data, const struct rv_path *came_by)
{
	const struct rv_path theirs = { .local = came_by->remote, .remote = came_by->local };
	uint8_t room[36];

	return rv_bytes_equal(data, no_nats_write(&theirs, room));
}

bool address_read(uint16_t type, struct rv_bytes data, struct rv_addr *out)
{
	uint8_t family = type == N_ADDITIONAL_IP4_ADDRESS ? RV_IPV4 : RV_IPV6;
	size_t len = rv_family_len(family);
	struct rv_rd r = rv_rd(data);
	struct rv_bytes ip = rv_rd_take(&r, len);

	*out = (struct rv_addr){ .family = family };
	if (!rv_rd_done(&r))
		return false;
	memcpy(out->ip, ip.p, len);
	return !rv_addr_is_any(out);
}

int address_add(struct rv_ike_exchange *x, const struct rv_addr *addr)
{
	return rv_ike_add_notify(x, addr->family == RV_IPV4 ? N_ADDITIONAL_IP4_ADDRESS : N_ADDITIONAL_IP6_ADDRESS,
				 rv_bytes(addr->ip, rv_family_len(addr->family)));
}

/* RFC 4555, 4.2.5: "MUST be between 8 and 64 octets in length (inclusive)" */
bool cookie_fits(struct rv_bytes data)
{
	return data.len >= 8 && data.len <= 64;
}

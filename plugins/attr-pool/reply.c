// SPDX-License-Identifier: LGPL-2.1-or-later
/* reply: what a section pools.NAME lends besides addresses, as attributes (RFC 7296, 3.15.1). */
#include "attr-pool.h"

#include <ravelin/wire.h>
#include <string.h>

/* type and type6: of an address of either family; 0: there is no such attribute. */
static const struct {
	const char *key;
	uint16_t type, type6;
} addresses[] = {
	{ "netmask", RV_ATTRIBUTE_IP4_NETMASK, 0 },
	{ "dns", RV_ATTRIBUTE_IP4_DNS, RV_ATTRIBUTE_IP6_DNS },
	{ "nbns", RV_ATTRIBUTE_IP4_NBNS, 0 },
	{ "dhcp", RV_ATTRIBUTE_IP4_DHCP, RV_ATTRIBUTE_IP6_DHCP },
	{ "server", 23456, 23457 }, /* for private use, as others use them */
};

static int add_addresses(struct rv_attributes *out, const char *const *list, uint16_t type, uint16_t type6)
{
	struct rv_addr addr;
	int r = 0;

	for (; *list && !r; list++)
		if (!rv_addr_parse(&addr, *list) && (addr.family == RV_IPV4 ? type : type6))
			r = rv_attributes_add_addr(out, type, type6, &addr, -1);
	return r;
}

/* INTERNAL_IP4_SUBNET: address and netmask; INTERNAL_IP6_SUBNET: address and prefix length. */
static int add_subnet(struct rv_attributes *out, const struct rv_ts *ts)
{
	struct rv_addr addr = { .family = ts->family };
	unsigned bits = rv_ts_cover(ts);
	uint8_t octets[8];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	memcpy(addr.ip, ts->lo, rv_family_len(ts->family));
	if (ts->family == RV_IPV6)
		return rv_attributes_add_addr(out, 0, RV_ATTRIBUTE_IP6_SUBNET, &addr, (int)bits);
	rv_wr_put(&w, rv_bytes(addr.ip, 4));
	rv_wr_u32(&w, bits ? UINT32_MAX << (32 - bits) : 0);
	return rv_attributes_add(out, RV_ATTRIBUTE_IP4_SUBNET, rv_wr_bytes(&w));
}

static int add_subnets(struct rv_attributes *out, const char *const *list)
{
	struct rv_ts ts;
	int r = 0;

	for (; *list && !r; list++)
		if (!rv_ts_parse(&ts, *list, NULL) && ts.family)
			r = add_subnet(out, &ts);
	return r;
}

int reply_add(struct rv_attributes *out, const struct rv_conf *pool)
{
	int r = 0;

	for (size_t i = 0; i < RV_COUNT(addresses) && !r; i++)
		r = add_addresses(out, rv_conf_list(pool, addresses[i].key), addresses[i].type, addresses[i].type6);
	if (!r)
		r = add_subnets(out, rv_conf_list(pool, "subnet"));
	return r ? r : add_subnets(out, rv_conf_list(pool, "split_include"));
}

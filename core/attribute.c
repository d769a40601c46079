// SPDX-License-Identifier: LGPL-2.1-or-later
/* attribute: lists of what one side of a session lends the other, as values (RFC 7296, 3.15.1). */
#include "parts.h"

#include <errno.h>
#include <ravelin/attr.h>
#include <ravelin/wire.h>
#include <string.h>
#include <talloc.h>

int rv_attributes_add(struct rv_attributes *list, uint16_t type, struct rv_bytes value)
{
	if (list->n >= RV_ATTRIBUTES_MAX)
		return -RV_ELIMIT;
	struct rv_attribute *more = talloc_realloc(list, list->list, struct rv_attribute, list->n + 1);
	void *copy = more && value.len ? talloc_memdup(more, value.p, value.len) : NULL;

	if (more)
		list->list = more;
	if (!more || (value.len && !copy))
		return -ENOMEM;
	more[list->n++] = (struct rv_attribute){ .type = type, .value = rv_bytes(copy, value.len) };
	return 0;
}

int rv_attributes_add_addr(struct rv_attributes *list, uint16_t type, uint16_t type6, const struct rv_addr *addr,
			   int prefix)
{
	bool six = addr->family == RV_IPV6;
	uint8_t octets[17];
	struct rv_wr w = rv_wr(octets, sizeof(octets));

	rv_wr_put(&w, rv_bytes(addr->ip, rv_family_len(addr->family)));
	if (six && prefix >= 0)
		rv_wr_u8(&w, (uint8_t)prefix);
	return rv_attributes_add(list, six ? type6 : type, rv_wr_bytes(&w));
}

bool rv_attribute_addr(const struct rv_attribute *attribute, struct rv_addr *addr, unsigned *prefix)
{
	struct rv_rd r = rv_rd(attribute->value);
	size_t len = attribute->value.len;
	uint8_t family = len == 4 ? RV_IPV4 : len == 16 || len == 17 ? RV_IPV6 : 0;
	struct rv_bytes ip = rv_rd_take(&r, rv_family_len(family));
	unsigned bits = len == 17 ? rv_rd_u8(&r) : 8 * (unsigned)ip.len;

	if (!family || !rv_rd_done(&r) || bits > 8 * ip.len)
		return false;
	*addr = (struct rv_addr){ .family = family };
	memcpy(addr->ip, ip.p, ip.len);
	if (prefix)
		*prefix = bits;
	return true;
}

size_t rv_attributes_count(const struct rv_attributes *list, uint16_t type)
{
	size_t n = 0;

	for (size_t i = 0; list && i < list->n; i++)
		n += list->list[i].type == type;
	return n;
}

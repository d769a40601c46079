// SPDX-License-Identifier: LGPL-2.1-or-later
/* spent: a table of fixed size, by serial numbers, which are random. */
#include "spent.h"

#include <talloc.h>

enum { SETS = 1 << 14, WAYS = 4 };

struct one {
	uint64_t serial, expires_s;
};

struct spent {
	struct one *one; /* SETS times WAYS */
};

struct spent *ticket_spent_new(const void *parent)
{
	return talloc_zero(parent, struct spent);
}

static struct one *set_of(const struct spent *spent, uint64_t serial)
{
	return &spent->one[serial % SETS * WAYS];
}

void ticket_spent_add(struct spent *spent, uint64_t serial, uint64_t expires_s, uint64_t now_s)
{
	struct one *set, *place;

	if (!spent->one)
		spent->one = talloc_zero_array(spent, struct one, SETS * WAYS);
	if (!spent->one || expires_s <= now_s || ticket_spent_has(spent, serial, now_s))
		return;
	set = place = set_of(spent, serial);
	for (unsigned i = 1; i < WAYS; i++)
		if (set[i].expires_s < place->expires_s)
			place = &set[i];
	*place = (struct one){ serial, expires_s };
}

bool ticket_spent_has(const struct spent *spent, uint64_t serial, uint64_t now_s)
{
	const struct one *set = spent->one ? set_of(spent, serial) : NULL;

	for (unsigned i = 0; set && i < WAYS; i++)
		if (set[i].serial == serial && set[i].expires_s > now_s)
			return true;
	return false;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* numbers: the names of RFC 7296's numbers, from the tables in numbers.h.
 */
#include "numbers.h"

struct name {
	uint16_t number;
	const char *name;
};

static const struct name exchanges[] = {
#define X(name, number) { number, #name },
	IKE_EXCHANGES(X)
#undef X
};

static const struct name payloads[] = {
#define X(name, number, notation) { number, notation },
	IKE_PAYLOADS(X)
#undef X
};

static const struct name notifies[] = {
#define X(name, number) { number, #name },
	IKE_NOTIFIES(X)
#undef X
};

static const char *find(const struct name *names, size_t n, uint16_t number)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}

const char *ike_exchange_name(uint8_t exchange)
{
	const char *name = find(exchanges, RV_COUNT(exchanges), exchange);

	return name ? name : "an exchange of an extension";
}

const char *ike_payload_name(uint8_t type)
{
	return find(payloads, RV_COUNT(payloads), type);
}

const char *ike_notify_name(uint16_t type)
{
	return find(notifies, RV_COUNT(notifies), type);
}

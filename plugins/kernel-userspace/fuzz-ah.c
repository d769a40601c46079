// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-ah: headers in front of AH, inbound and outbound. What the ICV covers must be the same when it is made twice, as
 * long as what it was made from, and equal in all that may not change.
 */
#include "ah.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST = 65535 };

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* A copy of exactly this size. */
static uint8_t *copy_of(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	check(copy);
	memcpy(copy, p, len);
	return copy;
}

static void check_muted(const uint8_t *p, uint32_t at)
{
	uint8_t *once = copy_of(p, at), *twice;
	bool v6 = p[0] >> 4 == RV_IPV6;

	if (ah_mute(once, at)) {
		twice = copy_of(once, at);
		check(ah_mute(twice, at) && !memcmp(once, twice, at));
		check(once[0] >> 4 == p[0] >> 4);
		check(v6 ? !memcmp(once + 4, p + 4, 3) : !memcmp(once + 2, p + 2, 4) && once[9] == p[9]);
		check(!memcmp(once + (v6 ? 8 : 12), p + (v6 ? 8 : 12), v6 ? 16 : 4));
		free(twice);
	}
	free(once);
}

static void check_in(const uint8_t *p, uint32_t len)
{
	struct ah_place place;
	uint32_t whole = len;

	if (ah_place_in(&place, p, &whole))
		return;
	check(whole <= len && place.at <= whole && place.last < place.at && place.rest == place.at);
	check(p[place.last] == IP_AH);
	check_muted(p, place.at);
}

static void check_out(const uint8_t *p, uint32_t len)
{
	struct ah_place place;
	struct ip_info info;

	if (!ip_parse(&info, p, len) || !ah_place_out(&place, &info, p))
		return;
	check(place.at <= place.rest && place.rest <= info.len && place.last < place.at && place.at >= info.base_len);
	check_muted(p, place.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p = copy_of(data, size);

	if (size <= LONGEST) {
		check_in(p, (uint32_t)size);
		check_out(p, (uint32_t)size);
	}
	free(p);
	return 0;
}

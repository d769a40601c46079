// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-pack: any octets as a pack. What is read and written again is the same up to the first damage, and a pack that
 * is whole is rebuilt octet for octet.
 */
#include <ravelin/pack.h>
#include <ravelin/secret.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fields of fields, as deep as they go. */
static void walk(struct rv_bytes octets, int depth)
{
	struct rv_unpack in = rv_unpack(octets);
	struct rv_bytes value;
	size_t total = 0;
	uint16_t tag;

	while (rv_unpack_next(&in, &tag, &value)) {
		struct rv_unpack number = { .bad = false };

		total += 6 + value.len;
		(void)rv_unpack_u64(&number, value);
		if (number.bad == (value.len == 8) || total > octets.len)
			abort();
		if (depth)
			walk(value, depth - 1);
	}
	if (rv_unpack_done(&in) && total != octets.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct rv_pack *pack = rv_pack_new(NULL);
	struct rv_bytes value, back;
	uint16_t tag;

	if (!exact || !pack)
		abort();
	if (size)
		memcpy(exact, data, size);
	struct rv_unpack in = rv_unpack(rv_bytes(exact, size));
	while (rv_unpack_next(&in, &tag, &value))
		rv_pack_put(pack, tag, value);
	if (!rv_pack_done(pack, &back) || back.len > size || (back.len && memcmp(back.p, exact, back.len) != 0) ||
	    (rv_unpack_done(&in) && back.len != size))
		abort();
	walk(rv_bytes(exact, size), 4);
	talloc_free(pack);
	free(exact);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-domain: whatever octets come, a name that is read is one, and is read the same again. */
#include "domain.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[DOMAIN_TEXT], again[DOMAIN_TEXT];
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		return 0;
	if (size)
		memcpy(exact, data, size);
	if (domain_read(rv_bytes(exact, size), out)) {
		if (!*out || strlen(out) > size || !domain_read(rv_bytes(out, strlen(out)), again) ||
		    strcmp(out, again) != 0 || !domain_within(out, out))
			abort();
	}
	free(exact);
	return 0;
}

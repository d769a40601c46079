// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-wesp: what is read as a header is written as it was, but for reserved flags and padding. */
#include "esp-wesp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1), again[WESP_PADDED];
	struct wesp wesp;
	uint32_t len;

	if (!exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	len = wesp_read(&wesp, rv_bytes(exact, size));
	if (len && (len > size || wesp_write(&wesp, again) != len || memcmp(again, exact, 3) != 0 ||
		    again[3] != (exact[3] & 0xf0)))
		abort();
	free(exact);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-inspect: whatever a capture is said to be, nothing is read beyond its end, and a verdict is one of those that
 * there are.
 */
#include "capture-file.h"
#include "flows.h"

#include <stdlib.h>
#include <string.h>
#include <talloc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct flows *flows = flows_new(NULL);
	struct capture capture;
	struct frame frame;
	bool broken;

	if (!exact || !flows)
		abort();
	if (size)
		memcpy(exact, data, size);
	if (capture_open(&capture, rv_bytes(exact, size)))
		while (capture_next(&capture, &frame, &broken))
			if (!flows_packet(flows, frame_packet(&frame), frame.whole))
				abort();
	for (uint32_t i = 0; i < flows->n; i++) {
		const struct esp_guess *g = &flows->flows[i].guess;
		if (!flows->flows[i].wesp && g->verdict == ESP_NULL && g->icv_len != 12 && g->icv_len != 16 &&
		    g->icv_len != 24 && g->icv_len != 32)
			abort();
	}
	talloc_free(flows);
	free(exact);
	return 0;
}

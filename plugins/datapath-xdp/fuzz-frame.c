// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-frame: frames of strangers. What is read lies inside the frame, and written again it is read as the same. */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PORT = 4500 };

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* The frame that its receiver would send back. */
static void check_again(const struct frame *frame)
{
	struct frame_path path = { .local = frame->remote, .remote = frame->local, .encap = frame->encap };
	size_t len = frame_headers(&path) + frame->esp.len;
	uint8_t *out = malloc(len);
	struct frame again;

	check(out != NULL);
	check(frame_write(out, &path, frame->tos, 1, frame->esp) == len);
	check(frame_read(out, len, PORT, &again));
	check(rv_addr_same(&again.local, &frame->local) && rv_addr_same(&again.remote, &frame->remote));
	check(rv_bytes_equal(again.esp, frame->esp) && again.encap == frame->encap && again.tos == frame->tos);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct frame frame;

	check(exact != NULL);
	memcpy(exact, data, size);
	if (frame_read(exact, size, PORT, &frame)) {
		check(frame.esp.p > exact && frame.esp.p + frame.esp.len <= exact + size && frame.esp.len >= 8);
		check(!frame.encap || frame.local.port == PORT);
		check_again(&frame);
	}
	free(exact);
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-codec: whatever comes in, what is expanded fits into a packet; whatever is compressed is smaller and expands to
 * what it was, whatever was expanded before.
 */
#include "codec.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rv_vault *vault;
	static struct codec *codec; /* one for all inputs, as a worker has it */
	uint8_t *exact = malloc(size ? size : 1), *copy = NULL, next = 0;
	struct rv_bytes out;

	if (!vault)
		vault = rv_vault_new(NULL);
	if (vault && !codec)
		codec = codec_new(vault);
	if (!codec || !exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	if (codec_expand(codec, rv_bytes(exact, size), 2, &next, &out) == CODEC_FINE && out.len > MOST)
		abort();
	out = codec_compress(codec, rv_bytes(exact, size), 4, 0xabcd);
	if (out.len) {
		size_t len = out.len;

		if (len >= size || !(copy = malloc(len)))
			abort();
		memcpy(copy, out.p, len);
		if (codec_expand(codec, rv_bytes(copy, len), 0xabcd, &next, &out) != CODEC_FINE || next != 4 ||
		    !rv_bytes_equal(out, rv_bytes(exact, size)))
			abort();
	}
	free(copy);
	free(exact);
	return 0;
}

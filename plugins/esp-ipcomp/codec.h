// SPDX-License-Identifier: LGPL-2.1-or-later
/* codec.h: payloads with DEFLATE and the IPComp header (RFC 3173, RFC 2394). Pure but for the codec's own memory.
 *
 * A codec belongs to one thread. All memory that it ever uses is there when it is made, so that no packet makes a
 * system call; nothing of one packet is known to the next (RFC 2394, 2).
 */
#pragma once

#include <ravelin/secret.h>

enum {
	IPCOMP = 108, /* RFC 3173, 3.1 */
	IPCOMP_HEADER = 4,
	LEAST = 90, /* RFC 2394, 3: "SHOULD NOT attempt to compress buffers smaller than 90 bytes" */
	MOST = 65535,
};

enum codec_fault { CODEC_FINE, CODEC_HEADER, CODEC_CPI, CODEC_DATA, CODEC_TOO_LARGE, CODEC_N_FAULTS };

struct codec;

/* In pages of the vault, since it holds clear texts. NULL: out of memory. free wipes it; harmless on NULL. */
struct codec *codec_new(struct rv_vault *vault);
void codec_free(struct codec *codec);

/* Header and compressed text, in the codec until its next use. Empty when that would not be smaller than text (RFC
 * 3173, 2.2). */
struct rv_bytes codec_compress(struct codec *codec, struct rv_bytes text, uint8_t next, uint16_t cpi);

/* The original text, MOST octets at most, in the codec until its next use. CODEC_FINE, or what is wrong. */
enum codec_fault codec_expand(struct codec *codec, struct rv_bytes text, uint16_t cpi, uint8_t *next,
			      struct rv_bytes *out);

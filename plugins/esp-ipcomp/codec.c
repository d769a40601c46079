// SPDX-License-Identifier: LGPL-2.1-or-later
/* codec: raw DEFLATE (RFC 1951) by zlib, behind the header of IPComp (RFC 3173, 3.3):
 *
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|  Next Header  |     Flags     | Compression Parameter Index |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
#include "codec.h"

#include <ravelin/wire.h>
#include <zlib.h>

/* LEVEL: the fastest one. WINDOW: a whole packet, raw. MEMORY: zlib's memLevel. POOL: what zlib asks for in both
 * directions, with the window that inflate() makes when a text does not end. */
enum { LEVEL = 1, WINDOW = -15, MEMORY = 7, POOL = 384 << 10, ALIGNMENT = 64 };

struct codec {
	struct rv_vault *vault;
	z_stream out, in;
	size_t used;
	uint8_t room[IPCOMP_HEADER + MOST];
	uint8_t pool[POOL] __attribute__((aligned(ALIGNMENT)));
};

static voidpf take(voidpf opaque, uInt items, uInt size)
{
	struct codec *codec = opaque;
	size_t len = ((size_t)items * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	if (len > POOL - codec->used)
		return Z_NULL;
	codec->used += len;
	return codec->pool + codec->used - len;
}

static void give(voidpf opaque, voidpf address)
{
}

struct codec *codec_new(struct rv_vault *vault)
{
	struct codec *codec = (void *)rv_pages_new(vault, sizeof(*codec));

	if (!codec)
		return NULL;
	codec->vault = vault;
	codec->out.zalloc = codec->in.zalloc = take;
	codec->out.zfree = codec->in.zfree = give;
	codec->out.opaque = codec->in.opaque = codec;
	if (deflateInit2(&codec->out, LEVEL, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK &&
	    inflateInit2(&codec->in, WINDOW) == Z_OK)
		return codec;
	codec_free(codec);
	return NULL;
}

void codec_free(struct codec *codec)
{
	struct rv_vault *vault = codec ? codec->vault : NULL;

	if (!codec)
		return;
	rv_wipe(codec, sizeof(*codec));
	rv_pages_free(vault, (void *)codec, sizeof(*codec));
}

struct rv_bytes codec_compress(struct codec *codec, struct rv_bytes text, uint8_t next, uint16_t cpi)
{
	struct rv_wr w = rv_wr(codec->room, IPCOMP_HEADER);
	z_stream *z = &codec->out;

	if (text.len < LEAST || text.len > MOST || deflateReset(z) != Z_OK)
		return rv_bytes(NULL, 0);
	rv_wr_u8(&w, next);
	rv_wr_u8(&w, 0);
	rv_wr_u16(&w, cpi);
	z->next_in = (Bytef *)(uintptr_t)text.p;
	z->avail_in = (uInt)text.len;
	z->next_out = codec->room + IPCOMP_HEADER;
	z->avail_out = (uInt)text.len - 1 - IPCOMP_HEADER; /* with the header one octet less than the text */
	if (deflate(z, Z_FINISH) != Z_STREAM_END)
		return rv_bytes(NULL, 0);
	return rv_bytes(codec->room, (size_t)(z->next_out - codec->room));
}

/* RFC 2394, 2.2. A text that does not end with its last octet is none that a compressor made. */
static enum codec_fault expand(struct codec *codec, struct rv_bytes data, struct rv_bytes *out)
{
	z_stream *z = &codec->in;
	int r;

	if (!data.len || inflateReset(z) != Z_OK)
		return CODEC_DATA;
	z->next_in = (Bytef *)(uintptr_t)data.p;
	z->avail_in = (uInt)data.len;
	z->next_out = codec->room;
	z->avail_out = MOST;
	r = inflate(z, Z_FINISH);
	*out = rv_bytes(codec->room, MOST - z->avail_out);
	if (r == Z_STREAM_END && !z->avail_in)
		return CODEC_FINE;
	return r == Z_BUF_ERROR && !z->avail_out ? CODEC_TOO_LARGE : CODEC_DATA;
}

enum codec_fault codec_expand(struct codec *codec, struct rv_bytes text, uint16_t cpi, uint8_t *next,
			      struct rv_bytes *out)
{
	struct rv_rd r = rv_rd(text);
	struct rv_bytes data;
	uint16_t found;

	*next = rv_rd_u8(&r);
	(void)rv_rd_u8(&r); /* RFC 3173, 3.3: flags "MUST be ignored by the receiving node" */
	found = rv_rd_u16(&r);
	data = rv_rd_rest(&r);
	if (!rv_rd_done(&r) || data.len > MOST)
		return CODEC_HEADER;
	return found == cpi ? expand(codec, data, out) : CODEC_CPI;
}

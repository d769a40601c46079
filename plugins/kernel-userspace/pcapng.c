// SPDX-License-Identifier: LGPL-2.1-or-later
/* pcapng: writes blocks in the byte order of this machine, which the first one tells. */
#include "pcapng.h"

#include <string.h>

/* LINK_RAW: 101 is the registered number, but libpcap 1.10 reads no second interface of it. 12 is what it means by it.
 */
enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, STATISTICS = 5, ENHANCED = 6, MAGIC = 0x1a2b3c4d, LINK_RAW = 12 };
enum { OPT_END = 0, OPT_COMMENT = 1, OPT_NAME = 2, OPT_FLAGS = 2, OPT_IFDROP = 5, FLAG_IN = 1, FLAG_OUT = 2 };

struct writer {
	uint8_t *p;
	size_t len;
};

static void put16(struct writer *w, uint32_t v)
{
	uint16_t value = (uint16_t)v;

	memcpy(w->p + w->len, &value, sizeof(value));
	w->len += sizeof(value);
}

static void put32(struct writer *w, uint32_t v)
{
	memcpy(w->p + w->len, &v, sizeof(v));
	w->len += sizeof(v);
}

static void put_octets(struct writer *w, struct rv_bytes octets)
{
	if (octets.len)
		memcpy(w->p + w->len, octets.p, octets.len);
	w->len += octets.len;
}

/* Blocks and options end on a boundary of 4 octets. */
static void pad(struct writer *w)
{
	while (w->len % 4)
		w->p[w->len++] = 0;
}

static void put_option(struct writer *w, uint32_t code, struct rv_bytes value)
{
	put16(w, code);
	put16(w, (uint32_t)value.len);
	put_octets(w, value);
	pad(w);
}

static size_t begin(struct writer *w, uint32_t type)
{
	size_t at = w->len;

	put32(w, type);
	put32(w, 0);
	return at;
}

/* The length stands at both ends of a block. */
static void end(struct writer *w, size_t at)
{
	uint32_t len;

	put32(w, OPT_END);
	len = (uint32_t)(w->len - at) + 4;
	put32(w, len);
	memcpy(w->p + at + 4, &len, sizeof(len));
}

static void put_time(struct writer *w, uint64_t at_us)
{
	put32(w, (uint32_t)(at_us >> 32));
	put32(w, (uint32_t)at_us);
}

size_t pcapng_start(uint8_t *out)
{
	static const char *const names[] = { [PCAPNG_CLEAR] = "clear", [PCAPNG_WIRE] = "wire" };
	struct writer w = { .p = out };
	size_t at = begin(&w, SECTION);

	put32(&w, MAGIC);
	put16(&w, 1); /* the version of the format: 1.0 */
	put16(&w, 0);
	put32(&w, UINT32_MAX); /* the section's length is not known */
	put32(&w, UINT32_MAX);
	end(&w, at);
	for (size_t i = 0; i < RV_COUNT(names); i++) {
		at = begin(&w, INTERFACE);
		put16(&w, LINK_RAW);
		put16(&w, 0);
		put32(&w, 0); /* packets are whole */
		put_option(&w, OPT_NAME, rv_bytes(names[i], strlen(names[i])));
		end(&w, at);
	}
	return w.len;
}

size_t pcapng_packet(uint8_t *out, const struct pcapng_packet *packet)
{
	struct writer w = { .p = out };
	size_t at = begin(&w, ENHANCED);
	uint32_t len = (uint32_t)(packet->header.len + packet->rest.len), flags = packet->inbound ? FLAG_IN : FLAG_OUT;

	put32(&w, packet->side);
	put_time(&w, packet->at_us);
	put32(&w, len);
	put32(&w, len);
	put_octets(&w, packet->header);
	put_octets(&w, packet->rest);
	pad(&w);
	put_option(&w, OPT_FLAGS, rv_bytes(&flags, sizeof(flags)));
	put_option(&w, OPT_COMMENT, rv_bytes(packet->comment, strlen(packet->comment)));
	end(&w, at);
	return w.len;
}

size_t pcapng_end(uint8_t *out, uint64_t at_us, uint64_t dropped)
{
	struct writer w = { .p = out };
	size_t at = begin(&w, STATISTICS);

	put32(&w, PCAPNG_CLEAR);
	put_time(&w, at_us);
	put_option(&w, OPT_IFDROP, rv_bytes(&dropped, sizeof(dropped)));
	end(&w, at);
	return w.len;
}
